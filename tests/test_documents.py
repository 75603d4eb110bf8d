"""What README and docs say: links that lead somewhere, commands that exist, examples that run."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import html
import io
import itertools
import re
import runpy
import shlex
import warnings
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from bandsense.cli import main
from bandsense.cli import parser as command_line
from bandsense.workout.events import Event
from bandsense.workout.workout import Summary
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


def test_every_command_is_in_the_table_of_commands() -> None:
    table = (REPOSITORY / "docs/commands.md").read_text()
    named = set(re.findall(r"^\| `bandsense ([a-z]+)", table, flags=re.MULTILINE))
    assert _subcommands(command_line()) - named == {"both"}, "a former name is told beside the new one"


def _shown_commands(page: Path) -> list[list[str]]:
    """Words of each command line of bandsense in a page, up to a pipe or a comment."""
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(_fenced(page, "sh")).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`(bandsense [^`\n]+)`", text)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True) if "bandsense " in line else []
        if "bandsense" in words:
            rest = words[words.index("bandsense") + 1 :]
            found.append(
                list(itertools.takewhile(lambda word: word not in ("|", "&&", "<", ">", "…", "&"), rest))
            )
    return [words for words in found if words and words[0].islower()]


def _problem(words: list[str]) -> str:
    """What the command line says to these words; nothing where a page only left something out."""
    said = io.StringIO()
    quiet = contextlib.redirect_stdout(io.StringIO())
    with contextlib.redirect_stderr(said), quiet, contextlib.suppress(SystemExit):
        command_line().parse_args(words)
    last = (said.getvalue().splitlines() or [""])[-1]
    left_out = ("are required" in last, "expected one argument" in last, "…" in last)
    return "" if any(left_out) else last


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_are_understood_with_their_options(page: Path) -> None:
    if page.name != "messages.md":
        assert not [problem for words in _shown_commands(page) if (problem := _problem(words))]


def test_an_option_that_does_not_exist_is_found() -> None:
    assert "--harder" in _problem(["live", "--sim", "--harder"])
    assert ["live", "--sim"] in [words[:2] for words in _shown_commands(README)]


def test_commands_are_found_in_the_pages() -> None:
    assert "bandsense live" in README.read_text()
    shown = "\n".join(_fenced(README, "sh"))
    assert {"live", "export"} <= set(re.findall(r"(?:^|\s)bandsense ([a-z]+)\b", shown))


def test_the_picture_of_the_live_view_can_be_drawn_anew() -> None:
    tool = runpy.run_path(str(REPOSITORY / "tools" / "picture.py"))
    kept = (REPOSITORY / "docs" / "live-view.svg").read_text(encoding="utf-8")
    for svg in (tool["drawn"](tool["trained"]()), kept):
        text = html.unescape(svg).replace("\xa0", " ")
        for words in ("Seated row", "± 3", "of 8", "set 1 of 3", "HOLD", "battery 87 %", "last rep"):
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


def test_the_examples_of_the_python_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    time_s = np.arange(0.0, 30.0, 1 / 80)
    tension_n = 5.0 + 45.0 * np.clip(np.sin(2 * np.pi * time_s / 3.0), 0.0, None)
    rows = "\n".join(f"{t:.4f},{n:.3f}" for t, n in zip(time_s, tension_n, strict=True))
    (tmp_path / "scale.csv").write_text(f"time_s,tension_n\n{rows}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path))
    assert main(["import", "scale.csv", "--exercise", "seated-row"]) == 0
    names: dict[str, Any] = {}
    for example in _fenced(REPOSITORY / "docs" / "reference" / "python.md", "python"):
        exec(example, names)
    told = capsys.readouterr().out
    assert "10 repetitions;" in told
    assert told.count("RepCounted(") == 10
    assert names["sets"].rows == 1


def test_the_figures_of_the_readme_are_those_of_the_pages() -> None:
    table = README.read_text().split("## What the numbers are worth")[1].split("\n## ")[0]
    rows = [row.strip("|").split("|") for row in table.splitlines() if "](docs/" in row]
    assert len(rows) >= 4
    for what, measured, _, more in rows:
        page = (REPOSITORY / re.findall(r"\]\(([^)#]+)", more)[0]).read_text()
        figures = re.findall(r"\d+(?:\.\d+)? (?:%|MB|of \d+)", measured)
        assert figures, what
        if missing := [figure for figure in figures if figure not in page]:
            # A word and no failure: the pages are written anew by benchmarks, the README by hand.
            warnings.warn(f"README, {what.strip()}: its page does not say {missing} any more", stacklevel=1)


EVENTS = (REPOSITORY / "docs" / "events.md").read_text(encoding="utf-8")


def _rows(text: str) -> list[list[str]]:
    """Cells of the rows of its tables whose first cell is in backticks."""
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]


def test_every_event_is_documented_with_its_fields() -> None:
    told = {name.strip(" `"): set(re.findall(r"`(\w+)`", last)) for name, *_, last in _rows(EVENTS)}
    for kind in _alternatives(Event):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        own = {field.name for field in dataclasses.fields(kind)} - {"time_s", "detected_s"}
        assert own <= told[name], name


def test_every_field_of_the_summary_is_documented() -> None:
    rows = _rows(EVENTS.split("`summary`:")[1])
    told = {name for first, *_ in rows for name in re.findall(r"`(\w+)`", first)}
    assert told == {field.name for field in dataclasses.fields(Summary)} | {"session", "next_time"}


def _alternatives(union: Any) -> list[Any]:
    parts = get_args(union)
    return [each for part in parts for each in _alternatives(part)] if parts else [union]


def test_every_place_that_how_do_i_names_exists() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.partition("## How do I")[2].splitlines()
    questions = [row.split("|")[1:3] for row in rows if row.startswith("| ") and "?" in row]
    assert len(questions) >= 20
    for question, answer in questions:
        places = [
            place for place in re.findall(r"`([^`]+)`", answer) if "/" in place or place.endswith(".toml")
        ]
        pages = re.findall(r"\]\(([\w-]+\.md)\)", answer)
        assert places or pages, question
        for place in (*places, *(f"docs/{name}" for name in pages)):
            assert (REPOSITORY / place).exists(), f"{question}: {place}"


def test_every_row_of_the_threats_names_tests_that_exist() -> None:
    page = (REPOSITORY / "docs" / "security.md").read_text()
    named = re.findall(r"`((?:tests|firmware)/[\w/.-]+)::(\w+)`", page)
    assert len(named) > 20
    for file, name in named:
        assert re.search(rf"\b(?:def|fn) {name}\(", (REPOSITORY / file).read_text()), f"{file} has no {name}"
    rows = [row for row in page.splitlines() if row.startswith("| ") and "tries to" not in row]
    assert [row for row in rows if "::" not in row] == [
        "| read the disk itself | nothing in bandsense: encrypt the disk | |"
    ]
