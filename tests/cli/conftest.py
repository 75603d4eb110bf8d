from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bandsense.cli import main
from bandsense.sim.clock import run_accelerated
from tests.support.traces import waves, write_trace


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Command = Callable[..., Done]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command as a person would, with a store of its own; `main` gives the exit status."""
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / "home"))

    def run(*arguments: str | Path) -> Done:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


@pytest.fixture
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run on an event loop whose clock leaps: quick, and not disturbed by a busy machine."""
    monkeypatch.setattr(asyncio, "run", run_accelerated)


@pytest.fixture(scope="session")
def set_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of four repetitions of 2 s up to 53 N at 80 Hz, 14 s long."""
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(4, pause_s=0.5), np.zeros(160)])
    return write_trace(tmp_path_factory.mktemp("traces") / "four.csv", tension_n)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, set_file: Path) -> tuple[Path, list[str]]:
    """A data folder with one session in its store, and what `live --json` printed for it."""
    home = tmp_path_factory.mktemp("trained")
    arguments = ["live", "--sim", "--trace", str(set_file), "--speed", "0", "--json", "--levels"]
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = main([*arguments, "--exercise", "seated-row", "--store", str(home / "bandsense.sqlite3")])
    assert status == 0
    return home, printed.getvalue().splitlines()


@pytest.fixture
def session(command: Command, trained: tuple[Path, list[str]], tmp_path: Path) -> Command:
    """`command` with a store that has one session in it."""
    shutil.copytree(trained[0], tmp_path / "home")
    return command
