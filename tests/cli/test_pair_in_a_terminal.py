"""`bandsense pair` as a person meets it: a list to choose from, questions to answer."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command

pytestmark = pytest.mark.slow

PATIENCE_S = 120.0


class Terminal:
    """A terminal with a command running in it."""

    def __init__(self, home: Path, *command: str) -> None:
        self.shown = ""
        self._seen = 0
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            # As in a terminal, also where a script runs the tests in the background, which ignores them.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.environ |= {"TERM": "xterm-256color", "COLUMNS": "120", "BANDSENSE_HOME": str(home)}
            os.execv(sys.executable, [sys.executable, "-m", "bandsense", *command])

    def until(self, words: str) -> str:
        """What is shown after the words that were waited for last, until these are."""
        give_up_s = time.monotonic() + PATIENCE_S
        while (at := self.shown.find(words, self._seen)) < 0:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, give_up_s - time.monotonic()))
            assert ready, f"{words!r} is not shown, but: {self.shown[-2000:]}"
            assert self._read(), self.shown[-2000:]
        begin, self._seen = self._seen, at + len(words)
        return self.shown[begin : self._seen]

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def ended(self) -> int:
        """The exit status, once the command has ended."""
        going_on = True
        while going_on:
            ready, _, _ = select.select([self._terminal], [], [], PATIENCE_S)
            assert ready, f"it goes on: {self.shown[-2000:]}"
            going_on = self._read()
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        try:
            part = os.read(self._terminal, 65_536)
        except OSError:  # the other side is gone
            return False
        self.shown += part.decode(errors="replace")
        return bool(part)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "home", "pair", "--sim")
    yield terminal
    os.close(terminal._terminal)


def test_a_person_chooses_names_and_tares(terminal: Terminal, command: Command) -> None:
    row = terminal.until("press the number of yours")
    assert "signal dBm" in row
    assert "bandsense-BA5E" in row
    assert "open" in row
    terminal.type("71")  # there is no seventh
    terminal.until("blinks for 5 seconds")
    terminal.until("what should it be called? Enter keeps bandsense-BA5E: ")
    terminal.type("much too long a name\n")
    terminal.until("is too long")
    terminal.until("Enter keeps")
    terminal.type("Lefty\n")
    terminal.until("let the band hang slack and still")
    terminal.type("\n")
    terminal.until("zero set")
    terminal.until("remembered as Lefty")
    assert terminal.ended() == 0
    assert command("sensors", "--simulated").lines[1].startswith("Lefty  5e4500000000ba5e")


def test_a_person_keeps_what_there_is(terminal: Terminal) -> None:
    terminal.until("press the number of yours")
    terminal.type("\n")  # the first
    terminal.until("Enter keeps")
    terminal.type("\n")
    terminal.until("s skips it")
    terminal.type("s\n")
    terminal.until("remembered as bandsense-BA5E")
    assert terminal.ended() == 0
    assert "zero set" not in terminal.shown


def test_a_person_gives_up(terminal: Terminal, command: Command) -> None:
    terminal.until("or q to end")
    terminal.type("q")
    assert terminal.ended() == 1
    assert "no sensor was chosen" in terminal.shown
    assert command("sensors", "--simulated").out.startswith("no sensor yet")


def test_ctrl_c_while_a_question_waits_ends_at_once(terminal: Terminal) -> None:
    terminal.until("press the number of yours")
    terminal.type("1")
    terminal.until("Enter keeps")
    terminal.type("\x03")
    assert terminal.ended() == 130
