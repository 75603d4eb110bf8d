"""The journeys that need no sensor, run as they are written in docs/."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import REPOSITORY, require_tool

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.timeout(1200)]


def commands(page: str) -> list[list[str]]:
    """Arguments of each `bandsense` line in the shell blocks of a page."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = (shlex.split(line, comments=True) for block in blocks for line in block.splitlines())
    return [words[1:] for words in lines if words and words[0] == "bandsense"]


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bandsense", *arguments],
        cwd=folder,
        env=os.environ | {"BANDSENSE_HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


CLINIC = "postgresql://anna@db.clinic.example/clinics"
"""Stands in the page for the address that a practice has."""


def test_the_physiotherapists_journey(tmp_path: Path, clinic_url: str) -> None:
    require_tool("chromium", "install it: apt-get install chromium")
    lines = commands("for-physiotherapists.md")
    here = [[clinic_url if word == CLINIC else word for word in words] for words in lines]
    assert lines != here, "the page pushes to a clinic"
    told = {" ".join(line): run(words, tmp_path) for line, words in zip(lines, here, strict=True)}
    assert len(told) > 17

    def said(start: str) -> str:
        return next(text for command, text in told.items() if command.startswith(start))

    assert "signed with the key" in said("plan new")
    assert "24 reps in 3 sets" in said("live --sim --speed 0 --lines --person Ada")
    assert "right against left" in said("live --sim --speed 0 --lines --person Ben")
    assert "limb symmetry: left 85 ± 2 % of right" in said("test")
    assert re.search(r"seated-row .* 3 of 9 .* 24 of 72 .* 2 +7", said("plan show"))
    assert (tmp_path / "ada.pdf").read_bytes().startswith(b"%PDF")
    assert "Ada" not in (tmp_path / "case.html").read_text(encoding="utf-8")
    assert "session 1" in said("import")
    assert {"seated-row", "bent-over-row"} <= set(said("sessions --store postgresql").split())


def test_the_makers_journey_as_far_as_it_needs_no_board(tmp_path: Path) -> None:
    simulated = [words for words in commands("for-makers.md") if words[0] in ("sim", "analyze")]
    assert [words[0] for words in simulated] == ["sim", "analyze"]
    table = [run(words, tmp_path) for words in simulated][1]
    page = (REPOSITORY / "docs" / "for-makers.md").read_text(encoding="utf-8")
    for line in table.splitlines()[:3]:
        assert line in page


def test_the_makers_quick_hardware_checks() -> None:
    """`make hardware` runs all of them; these need no finite elements."""
    page = (REPOSITORY / "docs" / "for-makers.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^python (tools/check_hardware\.py .*)$", page, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, *shlex.split(line, comments=True)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "full scale over survival load" in done.stdout
    assert re.search(r"^\d\d+ passed, 0 failed", done.stdout, flags=re.MULTILINE)
