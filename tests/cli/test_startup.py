"""What a command costs before it says something, in processor time, which other programs hardly change."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bandsense.app.environment import person, simulated_environment
from bandsense.app.train import TrainingOptions, train
from bandsense.cli import parser
from bandsense.cli.catalogue import COMMANDS
from bandsense.exercises.model import Side
from bandsense.sim.clock import run_accelerated
from bandsense.store.store import Store
from tests.support.views import EventLog

resource = pytest.importorskip("resource", reason="processor time of children: not on Windows")

HELP_TIMES = 7.0
FIRST_WORD_TIMES = 10.0
LIBRARIES_TIMES = 2.5
LINKED_S = 1.5
ROUNDS = 8


def least_cpu_s(commands: Sequence[Sequence[str]], home: Path, rounds: int = ROUNDS) -> list[float]:
    """Return the least user and system time of each command.

    The commands take turns, so that a machine whose clock or neighbours change slows all of them.
    """
    spent_s = [[_run_s(each, home) for each in commands] for _ in range(rounds)]
    return [min(each) for each in zip(*spent_s, strict=True)]


def _run_s(arguments: Sequence[str], home: Path) -> float:
    before_s = _children_s()
    subprocess.run(
        [sys.executable, *arguments], env=_environment(home), stdout=subprocess.DEVNULL, check=True
    )
    return _children_s() - before_s


def _children_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = str(home / "bytecode")  # as after an installation
    return kept | {"BANDSENSE_HOME": str(home), "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": cache}


@pytest.mark.slow
def test_help_takes_at_most_seven_times_as_long_as_nothing_in_each_language(tmp_path: Path) -> None:
    spoken = [["-m", "bandsense", "--help", "--language", code] for code in ("en", "de")]
    nothing_s, *help_s = least_cpu_s([["-c", "pass"], ["-m", "bandsense", "--help"], *spoken], tmp_path)
    assert max(help_s) <= HELP_TIMES * nothing_s


@pytest.mark.parametrize(("words", "command"), [("--help", []), ("live --help", ["live"]), ("", [])])
def test_only_the_command_that_is_asked_for_is_imported(words: str, command: list[str]) -> None:
    code = (
        "import contextlib, io, sys\n"
        "before = set(sys.modules)\n"
        "from bandsense.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(sys.argv[1:])\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()], stdout=subprocess.PIPE, text=True, check=True
    )
    imported = set(done.stdout.split())
    prefix = "bandsense.cli.commands."
    assert [name.removeprefix(prefix) for name in sorted(imported) if name.startswith(prefix)] == command
    if not command:
        assert not imported & {"typing_extensions", "inspect", "dataclasses", "json", "datetime", "pathlib"}
        assert {name for name in imported if name.startswith("bandsense")} == {
            "bandsense",
            "bandsense.cli",
            "bandsense.cli.catalogue",
            "bandsense.cli.parser",
            "bandsense.errors",
        }


def test_a_command_is_helped_the_same_alone_and_among_all() -> None:
    def helps(top: argparse.ArgumentParser) -> dict[str, str]:
        [commands] = [each for each in top._actions if isinstance(each, argparse._SubParsersAction)]
        return {name: each.format_help() for name, each in commands.choices.items()}

    whole = parser()
    assert {name: helps(parser(name))[name] for name in COMMANDS} == helps(whole)
    assert list(helps(whole)) == list(COMMANDS)
    assert {parser(name).format_help() for name in ("", "live", "completion")} == {whole.format_help()}


@pytest.mark.slow
def test_live_says_something_after_ten_times_as_long_as_nothing(tmp_path: Path) -> None:
    """It ends itself with its first word: what it would do next must not count."""
    first_word = (
        "import os, sys\n"
        "class Screen:\n"
        "    def write(self, text):\n"
        "        os._exit(0 if text.startswith('starting') else 1)\n"
        "    def isatty(self):\n"
        "        return False\n"
        "sys.stdout = Screen()\n"
        "from bandsense.cli import main\n"
        "main(sys.argv[1:])\n"
        "os._exit(2)\n"
    )
    nothing_s, word_s = least_cpu_s([["-c", "pass"], ["-c", first_word, "live", "--sim"]], tmp_path)
    assert word_s <= FIRST_WORD_TIMES * nothing_s


def test_the_measure_sees_work(tmp_path: Path) -> None:
    busy = "import time\nuntil_s = time.process_time() + 0.1\nwhile time.process_time() < until_s: pass"
    nothing_s, busy_s = least_cpu_s([["-c", "pass"], ["-c", busy]], tmp_path, rounds=2)
    assert busy_s >= nothing_s + 0.05


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_tension_costs_hardly_more_than_its_libraries(tmp_path: Path) -> None:
    """A whole session of half a second, as fast as can be; what the radio takes is the next test's."""
    libraries = "import bleak, bumble.device, numpy, pydantic, rich.console, scipy.signal, sqlite3"
    session = ["-m", "bandsense", "live", "--sim", "--lines", "--seconds", "0.5", "--speed", "0"]
    libraries_s, session_s = least_cpu_s([["-c", libraries], session], tmp_path, rounds=3)
    assert session_s <= LIBRARIES_TIMES * libraries_s


def test_the_virtual_radio_is_linked_within_a_second_and_a_half(tmp_path: Path) -> None:
    """From the command to the link, in simulated time; the first tension comes 0.1 s later."""

    class Linked(EventLog):
        def status(self, state: str, message: str, side: Side | None = None) -> None:
            at_s.setdefault(state, asyncio.get_running_loop().time())

    async def session() -> None:
        async with simulated_environment(person(1, 1, 3, frozenset()), "test") as reached:
            await train(TrainingOptions(seconds=2.0), reached, Store.open(tmp_path / "s.sqlite3"), Linked())

    at_s: dict[str, float] = {}
    run_accelerated(session())
    assert 0.5 < at_s["connected"] <= LINKED_S
