"""What is heard at a terminal."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bandsense.app.environment import person, simulated_environment
from bandsense.app.train import TrainingOptions, train
from bandsense.cli.spoken import SpokenOutput, SystemVoice, ring
from bandsense.errors import MissingProgram
from bandsense.live.sound import HOLD, LIMIT, Priority, Sound, Tone
from bandsense.store.store import Store
from tests.needs import require_module

require_module("bumble", "bandsense[sim]")

COUNT = Sound("count", Priority.COUNT, (Tone(1200.0, 1200.0, 0, 30),), lambda: "5", (30,))


@pytest.mark.slow
async def test_a_session_is_heard_from_its_events(tmp_path: Path) -> None:
    heard: list[Sound] = []
    async with simulated_environment(person(1, 1, 4, frozenset()), "simulator") as air:
        options = TrainingOptions(exercise="seated-row")
        await train(options, air, Store.open(tmp_path / "s.sqlite3"), SpokenOutput(heard.append))
    counted = [sound.say for sound in heard if sound.kind == "count"]
    assert counted[:3] == ["1", "2", "3"]
    assert {"breathe out", "breathe in"} <= {sound.kind for sound in heard}


def speaker(folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> Path:
    """A voice that writes down what it says, and takes its time."""
    said = folder / "said"
    program = folder / "espeak-ng"
    program.write_text(f'#!/bin/sh\necho "$3" >> {said}\nexec /bin/sleep {seconds}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return said


def lines(said: Path, count: int) -> list[str]:
    for _ in range(1500):
        if said.exists() and len(said.read_text().splitlines()) >= count:
            break
        time.sleep(0.02)
    return said.read_text().splitlines()


def test_the_voice_says_the_more_important_and_drops_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = speaker(tmp_path, monkeypatch, 60.0)
    voice = SystemVoice()
    voice(COUNT)
    assert lines(said, 1) == ["5"]
    voice(HOLD)
    voice(LIMIT)
    assert lines(said, 2) == ["5", "Ease off"]
    assert voice._speaking is not None
    voice._speaking.terminate()
    voice._speaking.wait()


def test_without_a_voice_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match="apt-get install espeak-ng"):
        SystemVoice()


def test_the_bell_rings_for_a_repetition_and_not_for_a_breath(capsys: pytest.CaptureFixture[str]) -> None:
    ring(HOLD)
    ring(COUNT)
    assert capsys.readouterr().out == "\a"


async def test_what_is_muted_is_not_heard_until_it_is_taken_back() -> None:
    heard: list[Sound] = []
    output = SpokenOutput(heard.append)
    output.muted = True
    output._play([COUNT, replace(COUNT, delay_ms=1)])
    await asyncio.sleep(0.02)
    assert heard == []
    output.muted = False
    output._play([COUNT])
    assert heard == [COUNT]
