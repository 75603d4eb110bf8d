"""The pictures of the product: all there, small, shown; and a word where the pages have changed since."""

from __future__ import annotations

import json
import runpy
import warnings

from tests.needs import REPOSITORY

TOOL = runpy.run_path(str(REPOSITORY / "tools" / "pictures.py"))
FOLDER = REPOSITORY / "docs" / "pictures"
KEPT = json.loads((FOLDER / "drawn-from.json").read_text(encoding="utf-8"))


def test_every_picture_is_there_small_and_shown() -> None:
    names = sorted(TOOL["NAMES"])
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted([*names, "drawn-from.json"])
    assert sorted(KEPT["pictures"]) == names, "run `make pictures`"
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for name in names:
        drawn = (FOLDER / name).read_bytes()
        assert f"pictures/{name})" in text, f"no page shows {name}"
        if name.endswith(".webp"):
            assert b"ANMF" in drawn, f"{name} does not move"
            assert len(drawn) <= 600_000
        else:
            assert drawn.startswith(b"\x89PNG")
            assert len(drawn) <= 150_000


def test_what_they_were_drawn_from_is_known() -> None:
    now = TOOL["sources"]()
    assert len(now) > 10, "tools/pictures.py looks in the wrong places"
    assert KEPT["sources"], "run `make pictures`"
    changed = sorted(
        name for name in now.keys() | KEPT["sources"].keys() if now.get(name) != KEPT["sources"].get(name)
    )
    if changed:  # a word and no failure: not every change is one that a picture shows
        said = f"docs/pictures may be out of date; `make pictures` draws them. Changed: {changed}"
        warnings.warn(said, stacklevel=1)
