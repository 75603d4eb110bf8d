"""Set the version of a release everywhere it stands: package, firmware with its lock, changelog.

    python tools/bump.py 1.2.3

The same as `make bump VERSION=1.2.3`. Nothing is committed; `git diff` shows what a release changes.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PACKAGE = re.compile(r'(?<=^version = ")[^"]+(?=")', re.MULTILINE)
"""The first one of pyproject.toml and of firmware/Cargo.toml is that of the project."""

LOCKED = re.compile(r'(?<=^version = ")[^"]+(?="\n(?!source))', re.MULTILINE)
"""In Cargo.lock the packages without a source are the project's own."""

UNRELEASED = "## [Unreleased]\n"


def bumped(name: str, text: str, version: str, day: datetime.date) -> str:
    """Return a file's text with this version.

    Raises:
        ValueError: the file does not have what is to be replaced.
    """
    if name == "CHANGELOG.md":
        pattern, new, most = re.compile(re.escape(UNRELEASED)), f"{UNRELEASED}\n## [{version}] - {day}\n", 1
    elif name.endswith(".lock"):
        pattern, new, most = LOCKED, version, 0
    else:
        pattern, new, most = PACKAGE, version, 1
    text, count = pattern.subn(new, text, count=most)
    if not count:
        raise ValueError(f"{name}: there is no version to be set")
    return text


def main(arguments: list[str] | None = None, root: Path = ROOT, today: datetime.date | None = None) -> int:
    """Set the version; 2 if it is none, or the changelog already has it."""
    parser = argparse.ArgumentParser(description="Set the version of a release everywhere it stands.")
    parser.add_argument("version", metavar="VERSION", help="such as 1.2.3")
    version = parser.parse_args(arguments).version
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        parser.error(f"{version!r} is not a version such as 1.2.3")
    if f"## [{version}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        parser.error(f"CHANGELOG.md already has a section {version}")
    day = today or datetime.datetime.now(datetime.UTC).date()
    for name in ("pyproject.toml", "firmware/Cargo.toml", "firmware/Cargo.lock", "CHANGELOG.md"):
        path = root / name
        path.write_text(bumped(name, path.read_text(encoding="utf-8"), version, day), encoding="utf-8")
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
