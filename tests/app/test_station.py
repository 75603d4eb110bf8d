"""Sessions one after the other, sensors looked for and paired between them, without a page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bandsense.app.environment import Environment, person, simulated_environment, simulated_pair
from bandsense.app.station import Choice, Station
from bandsense.app.train import TrainingOptions
from bandsense.errors import BluetoothOff, ConfigError
from bandsense.store.model import NewSession
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.views import EventLog

require_module("bumble", "bandsense[sim]")


class Told:
    """What a station says, as the pages hear it."""

    def __init__(self) -> None:
        self.now: dict[str, Any] = {}
        self.phases: list[str] = []

    def __call__(self, what: Mapping[str, Any]) -> None:
        self.now |= what
        if "phase" in what and what["phase"] not in self.phases[-1:]:
            self.phases.append(what["phase"])

    async def until(self, **wanted: Any) -> None:
        """Wait for as long as it takes: simulated time runs on while a thread stores what was recorded."""
        while any(self.now.get(key) != value for key, value in wanted.items()):
            await asyncio.sleep(0.05)


def simulated(choice: Choice) -> AbstractAsyncContextManager[Environment]:
    if len(choice.sensors) == 2:
        arms = (person(n, 1, 4, frozenset()) for n in (1, 2))
        return simulated_pair(*arms, "simulator")
    return simulated_environment(person(1, 1, 4, frozenset()), "simulator")


@asynccontextmanager
async def off(_: Choice) -> AsyncIterator[Environment]:
    raise BluetoothOff("Bluetooth is off; switch it on")
    yield  # pragma: no cover


def station(tmp_path: Path, air: Any = simulated, view: EventLog | None = None) -> tuple[Station, Told]:
    told = Told()
    store = Store.open(tmp_path / "s.sqlite3")
    return Station((store, lambda: store), air, view or EventLog(), told, TrainingOptions()), told


async def test_a_session_is_begun_and_told_to_its_end_and_the_next_compares(tmp_path: Path) -> None:
    at, told = station(tmp_path)
    await at.begin(Choice(exercise="seated-row"))
    await told.until(phase="finished")
    assert told.phases == ["idle", "connecting", "training", "finished"]
    assert told.now["session"] == 1
    assert told.now["compared"] is None
    await at.begin(Choice(exercise="seated-row"))
    assert told.now["compared"] is None
    await told.until(phase="finished")
    assert told.now["session"] == 2
    # Midnight may lie between them.
    assert any(f"full repetitions, 4 {when}" in told.now["compared"] for when in ("earlier that day", "on "))


async def test_whoever_trained_last_is_chosen_already(tmp_path: Path) -> None:
    at, _told = station(tmp_path)
    store = Store.open(tmp_path / "s.sqlite3")
    assert at.choices()["last"]["person"] is None
    for name in ("Ada", "Zoe"):
        store.people.put(name, {"id": name, "name": name})
    assert at.choices()["last"]["person"] == "Ada"
    for name in ("Zoe", "Ada"):
        new = NewSession(source="sensor", started_unix_s=0.0, streams=(), software="x", person=name)
        store.record(new).close()
        assert at.choices()["last"]["person"] == name


async def test_two_sensors_are_one_session(tmp_path: Path) -> None:
    view = EventLog()
    at, told = station(tmp_path, view=view)
    await at.begin(Choice(exercise="pull-apart", sensors=("left", "right"), simulated=True))
    await told.until(phase="finished")
    assert set(view.events) == {"left", "right"}


async def test_a_session_that_is_ended_is_stored(tmp_path: Path) -> None:
    view = EventLog()
    at, told = station(tmp_path, view=view)
    await at.begin(Choice(exercise="seated-row"))
    await told.until(phase="training")
    await asyncio.sleep(5.0)
    assert at.training
    await at.end()
    assert (told.now["phase"], at.training) == ("finished", False)
    assert Store.open(tmp_path / "s.sqlite3").sessions()[0].id == told.now["session"]


async def test_a_search_can_be_given_up(tmp_path: Path) -> None:
    class Silent:
        def __init__(self, inner: AbstractAsyncContextManager[Environment]) -> None:
            self._inner = inner

        async def __aenter__(self) -> Environment:
            return await self._inner.__aenter__()

        async def __aexit__(self, *error: Any) -> None:
            await self._inner.__aexit__(*error)

    at, told = station(tmp_path, air=lambda choice: Silent(simulated(choice)))
    await at.begin(Choice(exercise="seated-row"))
    await at.end()
    assert told.now["phase"] == "idle"
    assert not at.training


async def test_what_goes_wrong_is_told_in_words_and_the_station_stays(tmp_path: Path) -> None:
    at, told = station(tmp_path, air=off)
    await at.begin(Choice())
    await told.until(phase="idle", error="Bluetooth is off; switch it on")
    await at.look(on=True)
    await told.until(looking=False, error="Bluetooth is off; switch it on")
    with pytest.raises(ConfigError, match="two"):
        await at.begin(Choice(sensors=("a", "b", "c")))


async def test_an_exercise_that_there_is_not_is_told(tmp_path: Path) -> None:
    at, told = station(tmp_path)
    await at.begin(Choice(exercise="flying"))
    await told.until(phase="idle")
    assert "flying" in told.now["error"]


async def test_a_mistake_of_ours_ends_the_session_and_not_the_station(tmp_path: Path) -> None:
    class Broken(EventLog):
        async def run(self) -> None:
            raise RuntimeError("oops")

    at, told = station(tmp_path, view=Broken())
    await at.begin(Choice(exercise="seated-row"))
    await told.until(phase="idle")
    assert "oops" in told.now["error"]


async def test_sensors_are_found_and_paired_and_known_afterwards(tmp_path: Path) -> None:
    at, told = station(tmp_path)
    assert at.choices()["sensors"] == []
    await at.look(on=True)
    async with asyncio.timeout(60.0):
        while not told.now["sensors"]:
            await asyncio.sleep(0.05)
    (heard,) = told.now["sensors"]
    assert heard["name"] == "BA5E"
    assert heard["distance"] in ("very near", "near", "some metres away")
    await at.pair(heard["address"], "Blue", "left")
    assert told.now["looking"] is False
    assert told.now["pairing"] is None
    (known,) = at.choices()["sensors"]
    assert (known["name"], known["side"]) == ("Blue", "left")
    await at.close()
