from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from bandsense.cli import air
from bandsense.link.pairing import paired
from bandsense.sim.source import TraceSource
from tests.cli.conftest import Command


@pytest.fixture
def paired_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer's Bluetooth is a virtual radio with one sensor that it is paired with."""

    @asynccontextmanager
    async def real_air() -> AsyncIterator[air.Air]:
        source = TraceSource(np.arange(800) / 80.0, np.zeros(800))
        async with air.simulated_air(source, "test") as reached:
            async with paired("BA5E", transport=reached.transport):
                pass
            await asyncio.sleep(0.5)
            yield reached

    monkeypatch.setattr(air, "real_air", real_air)


def test_a_sensor_is_paired_named_and_remembered(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandsense.cli.commands.pair._BLINK_S", 0)
    done = command("pair", "--sim", "--seconds", "0.5", "--name", "Lefty", "--side", "left")
    assert done.status == 0, done.err
    assert "paired" in done.lines
    assert "serial 5e4500000000ba5e" in done.out
    assert command("sensors").lines[1].split() == ["Lefty", "5e4500000000ba5e", "bandsense", "inline", "left"]


def test_nothing_to_pair_with_is_told(command: Command) -> None:
    done = command("pair", "NOPE", "--sim", "--seconds", "0.5")
    assert done.status == 1
    assert "NOPE is not heard; press its button" in done.err
    assert command("sensors", "list").out.startswith("no sensor yet")


@pytest.mark.slow
@pytest.mark.usefixtures("paired_sensor")
def test_a_sensor_tells_blinks_and_takes_a_name(command: Command) -> None:
    done = command("sensors", "info", "BA5E", "--json")
    assert done.status == 0, done.err
    data = json.loads(done.out)
    assert (data["information"]["driver"], data["information"]["firmware"]) == ("bandsense", "1.0.0")
    assert "battery_percent" in command("sensors", "info", "BA5E", "--self-test").out
    assert command("sensors", "identify", "BA5E", "--seconds", "0").status == 0
    assert command("sensors", "rename", "BA5E", "Lefty").out == "it is called Lefty now\n"
    assert command("sensors", "forget", "BA5E").out == "forgotten on both sides\n"


def test_the_person_and_the_exercise_are_remembered(session: Command) -> None:
    assert session("profile").lines[1].split()[:2] == ["Me", "seated-row"]
