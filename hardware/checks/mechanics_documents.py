"""Pictures and tables in the documents, against the model."""

from __future__ import annotations

import json
import shutil

from hardware.checks import HARDWARE, UPDATE, Row, committed

INPUTS = (
    "hardware/mechanics/*.py",
    "hardware/mechanics/*.toml",
    "hardware/docs/*.md",
    "hardware/docs/*.svg",
    "hardware/README.md",
    "hardware/docs/pictures/*",
)
LARGEST_DIFFERENCE = 0.01
"""Share of a picture, at a quarter of its size, that another renderer may draw clearly differently."""


def run() -> list[Row]:
    """Render, compare, and look for tables that are out of date."""
    from hardware.mechanics import jig, pictures, tables

    folder = pictures.COMMITTED
    record = folder / "sources.json"
    known = json.loads(record.read_text("utf-8")) if record.exists() else {}
    digests, stale, unlike = {}, [], []
    for name, make in pictures.scenes().items():
        scene = make()
        digests[name] = pictures.digest(scene)
        fresh, kept = pictures.OUT / f"{name}.png", folder / f"{name}.png"
        pictures.render(scene, fresh)
        current = known.get(name) == digests[name] and kept.exists()
        alike = kept.exists() and pictures.difference(kept, fresh) <= LARGEST_DIFFERENCE
        if UPDATE and not (current and alike):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh, kept)
        elif not current:
            stale.append(name)
        elif not alike:
            unlike.append(name)
    if UPDATE:
        record.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", "utf-8")
    rows = [
        Row(
            f"pictures older than the model, of {len(digests)}", ", ".join(stale) or "none", "none", not stale
        ),
        Row(
            "pictures that a new rendering does not look like",
            ", ".join(unlike) or "none",
            "none",
            not unlike,
        ),
    ]
    for path in (*sorted(tables.DOCS.glob("*.md")), HARDWARE / "README.md"):
        wrong = tables.stale(path, UPDATE)
        if wrong or any(f"<!-- {name}: begin -->" in path.read_text("utf-8") for name in tables.BLOCKS):
            rows.append(
                Row(
                    f"tables of {path.name} that the model contradicts",
                    ", ".join(wrong) or "none",
                    "none",
                    not wrong,
                )
            )
    rows.append(committed(tables.DOCS / "calibration-sheet.svg", jig.sheet().encode()))
    return rows
