"""What README and docs say: links that lead somewhere, commands that exist, examples that run."""

from __future__ import annotations

import argparse
import html
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from bandsense.cli import parser as command_line
from tests.needs import REPOSITORY

README = REPOSITORY / "README.md"
PAGES = sorted(page for pattern in ("*.md", "docs/*.md", "*/README.md") for page in REPOSITORY.glob(pattern))


def _fenced(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _subcommands(parser: argparse.ArgumentParser) -> set[str]:
    return {
        name
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name in action.choices
    }


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_exist(page: Path) -> None:
    known = _subcommands(command_line())
    shown = "\n".join([*_fenced(page, "sh"), *re.findall(r"`(bandsense [^`\n]+)`", page.read_text())])
    used = set(re.findall(r"(?:^|\s)bandsense ([a-z]+)\b", shown))
    assert used <= known


def test_the_picture_of_the_live_view_can_be_drawn_anew() -> None:
    tool = runpy.run_path(str(REPOSITORY / "tools" / "picture.py"))
    kept = (REPOSITORY / "docs" / "live-view.svg").read_text(encoding="utf-8")
    for svg in (tool["drawn"](tool["trained"]()), kept):
        text = html.unescape(svg).replace("\xa0", " ")
        for words in ("Seated row", "newtons, ±", "reps · set 1", "battery 87 %", "last rep"):
            assert words in text
        assert "http" not in text.replace(
            "http://www.w3.org/2000/svg", ""
        )  # nothing is fetched from elsewhere


def test_the_examples_for_python_run() -> None:
    time_s = np.arange(0.0, 30.0, 1 / 80)
    tension_n = 5.0 + 45.0 * np.clip(np.sin(2 * np.pi * time_s / 3.0), 0.0, None)
    printed: list[str] = []
    for example in _fenced(README, "python"):
        exec(example, {"time_s": time_s, "tension_n": tension_n, "print": lambda *a: printed.append(str(a))})
    assert len(printed) == 11  # ten repetitions, and the advice that the comment beside it states
    assert "10 cm" in printed[-1]
