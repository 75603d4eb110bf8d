"""The locked versions satisfy pyproject.toml, carry hashes, and name no place to fetch them from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from runpy import run_path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = run_path(str(ROOT / "tools" / "lock.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = [ROOT / "requirements" / name for name in ("demo.txt", "dev.txt")]


def pins(*names: str) -> dict[str, list[str]]:
    """Locked versions by normalized name."""
    text = "".join((ROOT / "requirements" / name).read_text(encoding="utf-8") for name in names)
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE):
        found.setdefault(LOCK["normalized"](name), []).append(version)
    return found


@pytest.mark.parametrize(("dev", "names"), [(False, ["demo.txt"]), (True, ["demo.txt", "dev.txt"])])
def test_every_requirement_is_locked_within_its_bounds(dev: bool, names: list[str]) -> None:
    locked = pins(*names)
    wanted = [Requirement(text) for text in LOCK["requirements"](PROJECT, dev=dev)]
    assert {"bleak", "hatchling", "pip"} <= {requirement.name for requirement in wanted}
    wrong = [
        str(requirement)
        for requirement in wanted
        if not (versions := locked.get(LOCK["normalized"](requirement.name)))
        or not all(requirement.specifier.contains(version) for version in versions)
    ]
    assert not wrong, f"run `make lock`: not locked, or out of bounds: {wrong}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_version_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    entries = LOCK["entries"](text)
    assert len(entries) > 40
    assert [name for name, entry in entries.items() if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", text)


def test_the_files_share_nothing() -> None:
    assert not pins("demo.txt").keys() & pins("dev.txt").keys()


def test_a_name_with_two_environments_keeps_both() -> None:
    older = 'numpy==2.4.6 ; python_version < "3.12" \\\n    --hash=sha256:aa\n'
    newer = 'numpy==2.5.0 ; python_version >= "3.12" \\\n    --hash=sha256:bb\n'
    text = older + newer
    assert LOCK["entries"](text) == {"numpy": text}
