"""What a release needs of the repository at any time: one version, and a changelog that can be tagged."""

from __future__ import annotations

import datetime
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.needs import REPOSITORY
from tools import bump

VERSIONED = ("pyproject.toml", "firmware/Cargo.toml", "firmware/Cargo.lock")
CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = ["Changed", "Added", "Fixed", "Removed"]


def versions(root: Path) -> set[str]:
    package, firmware, lock = (tomllib.loads((root / name).read_text(encoding="utf-8")) for name in VERSIONED)
    own = {each["version"] for each in lock["package"] if "source" not in each}
    return own | {package["project"]["version"], firmware["workspace"]["package"]["version"]}


def test_package_and_firmware_have_one_version() -> None:
    assert len(versions(REPOSITORY)) == 1


def test_a_release_sets_the_version_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "firmware").mkdir()
    for name in (*VERSIONED, "CHANGELOG.md"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    assert bump.main(["7.8.9"], tmp_path, datetime.date(2031, 2, 3)) == 0
    assert versions(tmp_path) == {"7.8.9"}
    before, after = (
        tomllib.loads((root / "firmware/Cargo.lock").read_text())["package"]
        for root in (REPOSITORY, tmp_path)
    )
    others = [(each, now) for each, now in zip(before, after, strict=True) if "source" in each]
    assert all(each == now for each, now in others)
    released = (tmp_path / "CHANGELOG.md").read_text()
    assert released.replace("\n## [7.8.9] - 2031-02-03\n", "", 1) == CHANGELOG
    assert released.index("[Unreleased]") < released.index("[7.8.9]") < released.index("### Changed")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        bump.main(["7.8.9"], tmp_path)
    assert "already has a section 7.8.9" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bump.main(["v1"], tmp_path)


def test_the_changelog_can_be_tagged() -> None:
    unreleased = CHANGELOG.partition("## [Unreleased]\n")[2].partition("\n## [")[0]
    found = re.findall(r"^### (.*)$", unreleased, re.MULTILINE)
    assert found == [name for name in SECTIONS if name in found], "sorted, each once"
    entries = re.split(r"^- ", CHANGELOG, flags=re.MULTILINE)[1:]
    assert len(entries) == len(set(entries))
    assert [line for line in CHANGELOG.splitlines() if len(line) > 200] == []


def test_the_changelog_names_what_is_there() -> None:
    named = re.findall(r"`((?:docs|tests|tools|packaging|bandsense|benchmarks|firmware)/[^`]*)`", CHANGELOG)
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
