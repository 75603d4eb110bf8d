"""Check the hardware: run every module of `hardware/checks`, print one table, fail if a line of it failed.

Usage: python tools/check_hardware.py [NAME ...]
       python tools/check_hardware.py --fresh     without the cache
       python tools/check_hardware.py --update    put what was made anew in the place of committed artefacts
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.metadata
import json
import os
import pkgutil
import re
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bandsense" / "hardware"
WIDEST = 56  # column that the others are set to; a longer cell stands out
COMMON_INPUTS = (
    "hardware/constants.toml",
    "hardware/checks/__init__.py",
    "tools/hardware*",
    "requirements/hardware.txt",
)

if TYPE_CHECKING:
    from hardware.checks import Row


def names() -> list[str]:
    """Names of the checks, in order."""
    found = pkgutil.iter_modules([str(ROOT / "hardware" / "checks")])
    return sorted(module.name for module in found if not module.name.startswith("_"))


def inputs_of(module: ModuleType) -> Iterator[Path]:
    """Files that a check's result hangs on, in a fixed order."""
    patterns = (*COMMON_INPUTS, f"hardware/checks/{module.__name__.rsplit('.', 1)[-1]}.py", *module.INPUTS)
    files = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return iter(sorted(path for path in files if "__pycache__" not in path.parts))


def package_versions() -> str:
    """Installed versions of what the dependency group `hardware` asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = (re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in project["dependency-groups"]["hardware"])
    installed = {item.name.lower(): item.version for item in importlib.metadata.distributions()}
    return ", ".join(f"{name} {installed.get(name.lower())}" for name in wanted)


def key_of(module: ModuleType) -> str:
    """Digest of what a check's result hangs on, `version()` of the module's tools included."""
    digest = hashlib.sha256()
    for path in inputs_of(module):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(package_versions().encode())
    digest.update(str(getattr(module, "version", lambda: "")()).encode())
    return digest.hexdigest()


def look(module: ModuleType) -> list[Row]:
    """Run one check; what it cannot do becomes a row."""
    from hardware.checks import MissingTool, Row

    try:
        rows: list[Row] = module.run()
    except (MissingTool, ImportError) as missing:
        return [Row("tools", str(missing), "installed", None)]
    except Exception as error:  # a crash of one check must not hide the others
        first = str(error).strip().partition("\n")[0]
        return [Row("ran to its end", f"{type(error).__name__}: {first}", "no error", False)]
    return rows or [Row("looked at", "nothing", "something", False)]


def rows_of(name: str, *, fresh: bool) -> tuple[list[Row], str]:
    """Rows of a check and how they were got: the seconds it took, or `cache`."""
    from hardware.checks import MissingTool, Row

    try:
        module = importlib.import_module(f"hardware.checks.{name}")
        stored = CACHE / f"{name}-{key_of(module)[:32]}.json"
    except (ImportError, MissingTool) as missing:
        return [Row("tools", str(missing), "installed", None)], "-"
    if stored.is_file() and not fresh:
        return [Row(**row) for row in json.loads(stored.read_text(encoding="utf-8"))], "cache"
    begun = time.monotonic()
    rows = look(module)
    seconds = f"{time.monotonic() - begun:.0f} s"
    if all(row.passed for row in rows) and os.environ.get("BANDSENSE_HARDWARE_UPDATE") != "1":
        CACHE.mkdir(parents=True, exist_ok=True)
        stored.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    return rows, seconds


def show(name: str, rows: Sequence[Row], how: str) -> None:
    """Print the part of the table that belongs to a check."""
    print(f"\n{name} ({how})", flush=True)
    marks = {True: "ok", False: "FAILED", None: "not looked at"}
    fields = ("what", "found", "wanted")
    widths = [max(min(len(getattr(row, field)), WIDEST) for row in rows) for field in fields]
    for row in rows:
        cells = (row.what.ljust(widths[0]), row.found.ljust(widths[1]), row.wanted.ljust(widths[2]))
        print("  " + "  ".join(cells), marks[row.passed], sep="  ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; 1 if one failed, or in CI could not be looked at."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help=f"of the checks: {', '.join(names())}; all without")
    parser.add_argument("--fresh", action="store_true", help="take nothing from the cache")
    parser.add_argument("--update", action="store_true", help="write committed artefacts anew")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(names()):
        parser.error(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    if chosen.update:
        os.environ["BANDSENSE_HARDWARE_UPDATE"] = "1"
    sys.path.insert(0, str(ROOT))

    failed, unseen, count = 0, 0, 0
    for name in chosen.names or names():
        rows, how = rows_of(name, fresh=chosen.fresh or chosen.update)
        show(name, rows, how)
        count += len(rows)
        failed += sum(row.passed is False for row in rows)
        unseen += sum(row.passed is None for row in rows)
    strict = os.environ.get("BANDSENSE_CI") == "1"
    print(
        f"\n{count - failed - unseen} passed, {failed} failed"
        + (f", {unseen} not looked at" if unseen else "")
    )
    return int(failed > 0 or (strict and unseen > 0))


if __name__ == "__main__":
    sys.exit(main())
