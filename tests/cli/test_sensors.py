from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bandsense.app import environment
from bandsense.app.known_sensors import resolve_target
from bandsense.errors import PairingError, SensorNotFound
from bandsense.link.ble.bluez_agent import AskPasskey
from bandsense.link.pairing import pair
from bandsense.profiles.sensor import SensorProfile
from bandsense.sim.physics.source import TraceSource
from bandsense.store.store import Store
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("simulated_time")

PAIR = ("pair", "--sim", "--seconds", "20")
"""It goes on as soon as the sensor that is named is heard."""


@pytest.fixture
def paired_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer's Bluetooth is a virtual radio with one sensor that it is paired with."""

    @asynccontextmanager
    async def real_air() -> AsyncIterator[environment.Environment]:
        source = TraceSource(np.arange(800) / 80.0, np.zeros(800))
        async with environment.simulated_environment(source, "test") as reached:
            async with pair("BA5E", transport=reached.transport):
                pass
            await asyncio.sleep(0.5)
            yield reached

    monkeypatch.setattr(environment, "real_environment", real_air)


def test_a_sensor_is_paired_named_tared_and_remembered(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandsense.cli.commands.pair._BLINK_S", 0)
    done = command(*PAIR, "BA5E", "--name", "Lefty", "--side", "left", "--tare")
    assert done.status == 0, done.err
    assert "paired" in done.lines
    assert "serial 5e4500000000ba5e" in done.out
    assert any(line.startswith("zero set; it showed +") for line in done.lines)
    assert done.lines[-1] == "remembered as Lefty; train with it: bandsense live --sim"
    assert command("sensors").out.startswith("no sensor yet")
    assert command("sensors", "--simulated").lines[1].split() == [
        "Lefty",
        "5e4500000000ba5e",
        "bandsense",
        "inline",
        "left",
    ]
    (kept,) = map(json.loads, command("sensors", "--simulated", "list", "--json").lines)
    assert (kept["name"], kept["side"], kept["address"]) == ("Lefty", "left", "C0:BA:5E:00:BA:5E")


def test_nothing_to_pair_with_is_told(command: Command) -> None:
    done = command("pair", "NOPE", "--sim", "--seconds", "0.5")
    assert done.status == 1
    assert "NOPE cannot be heard; press its button" in done.err
    assert command("sensors", "list").out.startswith("no sensor yet")


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--name", "much too long a name", "too long; a sensor keeps 16 letters"),
        ("--passkey", "12345x", "six digits on the sensor's label"),
        ("--passkey", "1000000", "six digits on the sensor's label"),
    ],
)
def test_what_no_sensor_takes_is_refused_before_anything_happens(
    command: Command, option: str, value: str, reason: str
) -> None:
    done = command(*PAIR, "BA5E", option, value)
    assert (done.status, done.out) == (1, "")
    assert reason in done.err


def test_the_passkey_comes_from_the_command_line_or_from_the_person(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int | None] = []

    @asynccontextmanager
    async def asking(_target: object, *, ask_passkey: AskPasskey | None, **_: object) -> AsyncIterator[None]:
        given.append(await ask_passkey() if ask_passkey is not None else None)
        raise PairingError("enough")
        yield

    async def answer(question: str) -> str:
        assert "on the sensor's label" in question
        return "271828"

    monkeypatch.setattr("bandsense.link.pairing.pair", asking)
    command(*PAIR, "BA5E")
    command(*PAIR, "BA5E", "--passkey", "314159")
    monkeypatch.setattr("bandsense.cli.prompts.is_interactive", lambda: True)
    monkeypatch.setattr("bandsense.cli.prompts.ask", answer)
    command(*PAIR, "BA5E")
    assert given == [None, 314159, 271828]


@pytest.mark.usefixtures("paired_sensor")
def test_a_sensor_tells_blinks_and_takes_a_name(command: Command) -> None:
    done = command("sensors", "info", "BA5E", "--json")
    assert done.status == 0, done.err
    data = json.loads(done.out)
    assert (data["information"]["driver"], data["information"]["firmware"]) == ("bandsense", "1.0.0")
    shown = command("sensors", "info", "BA5E", "--self-test").lines
    told = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in shown)
    assert told["rates_hz"] == "10, 20, 40, 80, 320"
    assert (told["features"], told["options"]) == ("progressor, temperature", "none")
    assert (told["self_test outcome"], told["counters reset_cause"]) == ("passed", "power on (0)")
    assert (told["crash kind"], told["crash program_counter"]) == ("none (0)", "0x0"), "as crash.py takes it"
    assert "{" not in "".join(shown)
    assert command("sensors", "identify", "BA5E", "--seconds", "0").status == 0
    assert command("sensors", "rename", "BA5E", "Lefty").out == "it is called Lefty now\n"
    on = command("sensors", "progressor", "BA5E", "on").out
    assert on.startswith(
        "switch it off with `bandsense sensors off BA5E` and on with its button: from then on"
    )
    assert "no longer" in command("sensors", "progressor", "BA5E", "off").out
    assert command("sensors", "off", "BA5E").out == "it is off; press its button to switch it on\n"
    assert command("sensors", "forget", "BA5E").out == "forgotten on both sides\n"


@pytest.mark.usefixtures("paired_sensor")
def test_a_remembered_sensor_is_renamed_and_forgotten_by_whatever_it_is_called(
    command: Command, tmp_path: Path
) -> None:
    remember(tmp_path, name="Lefty", side="left")
    assert command("sensors", "rename", "left", "Righty").out == "it is called Righty now\n"
    assert command("sensors").lines[1].split()[0] == "Righty"
    assert command("sensors", "forget", "Righty").out == "forgotten on both sides\n"
    assert command("sensors").out.startswith("no sensor yet")


def test_a_sensor_that_is_gone_can_be_forgotten(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise SensorNotFound("nobody is there")

    monkeypatch.setattr("bandsense.link.pairing.unpair", gone)
    remember(tmp_path, name="Lefty")
    done = command("sensors", "forget", "Lefty")
    assert done.status == 0
    assert "remove it in the computer's Bluetooth settings" in done.out
    assert command("sensors").out.startswith("no sensor yet")
    assert command("sensors", "forget", "Lefty").err == "bandsense: nobody is there\n"


def test_what_is_looked_for_on_the_air(tmp_path: Path) -> None:
    store = remember(tmp_path, name="Lefty", side="left")
    for called in (None, "lefty", "LEFT", "5e4500000000ba5e", "ba5e", "bandsense-BA5E"):
        assert resolve_target(store, called) == "bandsense-BA5E"
    assert resolve_target(store, "another") == "another"
    remember(tmp_path, id="C0:FF:EE:00:00:01", name="Crane", driver="whc06", address="C0:FF:EE:00:00:01")
    assert resolve_target(store, "Crane") == "C0:FF:EE:00:00:01"
    assert resolve_target(store, None) is None  # the nearest


def remember(tmp_path: Path, **said: str) -> Store:
    """What `pair` leaves behind."""
    store = Store.open(tmp_path / "home" / "bandsense.sqlite3")
    profile = SensorProfile.model_validate({"id": "5e4500000000ba5e"} | said)
    store.sensors.put(profile.id, profile.model_dump(mode="json"))
    return store


def test_the_person_and_the_exercise_are_remembered(session: Command) -> None:
    assert session("profile").lines[1].split()[:2] == ["Me", "seated-row"]
