"""Training with one and two sensors, without a command line."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bandsense.app.environment import Environment
from bandsense.app.publish import Publishing
from bandsense.app.replay import replay
from bandsense.app.tare import tare
from bandsense.app.train import TrainingOptions, train
from bandsense.errors import StoreError
from bandsense.exercises.model import Side
from bandsense.language import said, speaking
from bandsense.link.ble.adapter import Transport
from bandsense.link.pairing import identify, pair
from bandsense.link.sensor import open_sensor
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.store.model import SessionState
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from bandsense.workout.events import Event, SetDone, SetStarted, Tared
from tests.needs import require_module
from tests.support.views import EventLog

BOTH: tuple[str | None, ...] = ("0001", "0002")


def pulls(peak_n: float, begin_s: float = 4.0, reps: int = 6) -> TraceSource:
    """Repetitions of 3 s on a band that hangs slack before and after."""
    time_s = np.arange(0.0, begin_s + 3.0 * reps + 6.0, 1 / 80)
    since_s = time_s - begin_s
    wave_n = peak_n / 2 * (1 - np.cos(2 * np.pi * since_s / 3.0))
    return TraceSource(time_s, 0.5 + np.where((since_s > 0) & (since_s < 3.0 * reps), wave_n, 0.0))


@asynccontextmanager
async def two_bands(
    left: TraceSource, right: TraceSource
) -> AsyncIterator[tuple[Environment, dict[Side, VirtualBand]]]:
    loop = asyncio.get_running_loop()
    async with VirtualRadio(connection_interval_s=0.03) as radio:
        bands = {}
        for number, (side, source) in enumerate((("left", left), ("right", right)), 1):
            address = f"C0:BA:5E:00:00:{number:02X}"
            hardware = Hardware(serial=number, clock_start_us=number * 5_000_000)
            bands[side] = VirtualBand(radio, source, name=side, address=address, hardware=hardware)
        async with bands["left"], bands["right"]:
            computer = await radio.adapter()
            transport = Transport(client_backend(computer), scanner_backend(computer), loop.time)
            yield Environment(transport, "test"), bands  # type: ignore[misc]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store.sqlite3")


async def test_a_tare_asked_of_one_side_never_reaches_the_other(store: Store) -> None:
    def happens(side: Side | None, event: Event, actions: object) -> None:
        if side == "left" and event.detected_s > 7.0 and not asked:
            asked.append(side)
            actions["left"]["t"].run()  # type: ignore[index]

    asked: list[Side | None] = []
    view = EventLog(happens)
    async with two_bands(pulls(50.0, begin_s=9.0), pulls(80.0, begin_s=9.0)) as (environment, bands):
        kept = {side: band.memory.calibration for side, band in bands.items()}
        result = await train(TrainingOptions(BOTH, seconds=30.0), environment, store, view)
        assert kept == {side: band.memory.calibration for side, band in bands.items()}
    tared = {side: [e for e in view.without_ticks(side) if isinstance(e, Tared)] for side in view.events}
    assert [event.change_n for event in tared["left"]] == [pytest.approx(0.5, abs=0.05)]
    assert tared["right"] == []
    assert result.session is not None
    for stream in store.session(result.session).streams:
        again = replay(store, stream).events
        assert sum(isinstance(event, Tared) for event in again) == (stream.side == "left")


async def test_what_is_sent_to_one_sensor_never_reaches_the_other() -> None:
    async with two_bands(pulls(50.0), pulls(80.0)) as (environment, bands):
        transport = environment.transport
        for number in ("0001", "0002"):
            async with pair(number, transport=transport):
                pass
        async with open_sensor("0002", transport=transport) as right:
            before, untared = bands["right"].memory.calibration, bands["left"].memory.calibration
            known = right.information.calibration
            await identify("0001", seconds=5, transport=transport)
            assert bands["left"].identifying_until_s > 0.0
            assert bands["right"].identifying_until_s == 0.0
            await tare("0001", transport, lambda _: None)
            assert bands["left"].memory.calibration != untared
            assert bands["right"].memory.calibration == before
            assert right.information.calibration == known


async def test_two_sensors_are_remembered_like_one(store: Store) -> None:
    view = EventLog()
    options = TrainingOptions(BOTH, exercise="pull-apart", person="Ada", seconds=40.0)
    async with two_bands(pulls(50.0), pulls(80.0)) as (environment, _):
        result = await train(options, environment, store, view)
    assert view.result is result
    assert result.next_time is not None
    with speaking("de"):
        assert "Sätze" in said(result.next_time)
    assert result.reps == 6
    assert result.lag is not None
    person = store.people.get("Ada")
    assert person is not None
    (setup,) = person["setups"]
    assert setup["advisor"]["peak_n"] == pytest.approx(50.5, rel=0.03)
    assert setup["advisor_right"]["peak_n"] == pytest.approx(80.5, rel=0.03)
    starts = [event for event in view.without_ticks("left") if isinstance(event, SetStarted)]
    assert len(starts) == len([e for e in view.without_ticks("right") if isinstance(e, SetDone)]) == 1


async def test_a_full_disk_is_told_while_two_train_and_tried_again_at_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_recorder: Recorder, _connection: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Recorder, "_insert", full)
    monkeypatch.setattr("bandsense.store.recorder.COMMIT_INTERVAL_S", 0.01)
    view = EventLog()
    async with two_bands(pulls(50.0), pulls(80.0)) as (environment, _):
        with pytest.raises(StoreError, match=r"the disk is full\. \d+ samples wait in .*waiting-1\.json"):
            await train(TrainingOptions(BOTH, seconds=8.0), environment, store, view)
    assert view.problems == ["the disk is full"]
    assert view.tries == 1


async def test_a_lock_that_is_held_to_the_end_costs_two_who_train_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def happens(side: Side | None, event: Event, actions: object) -> None:
        if not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 0.02)
    other = sqlite3.connect(store.path, isolation_level=None)
    view = EventLog(happens)
    async with two_bands(pulls(50.0), pulls(80.0)) as (environment, _):
        with pytest.raises(
            StoreError, match=r"(\d+) samples wait in .*waiting-1\.json; bandsense stores them the next time"
        ) as told:
            await train(TrainingOptions(BOTH, seconds=20.0), environment, store, view)
    other.execute("ROLLBACK")
    other.close()
    waiting = int(str(told.value).partition(" samples wait")[0].rpartition(" ")[2])
    again = Store.open(store.path)
    assert [each.samples for each in again.taken_in] == [waiting]
    session = again.session(1)
    assert session.state is SessionState.COMPLETE
    assert session.summary is not None
    assert all(stream.samples > 1500 for stream in session.streams)
    assert session.summary["samples"] == session.samples


def test_each_sensor_is_published_under_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    mqtt = require_module("aiomqtt", "bandsense[mqtt]")
    assert mqtt
    from bandsense.app import publish
    from bandsense.app.pipeline import SessionPipeline
    from bandsense.calibration.curve import Calibration
    from bandsense.live import mqtt as live_mqtt
    from bandsense.workout.settings import WorkoutSettings
    from bandsense.workout.workout import Workout

    topics: list[str] = []
    told: list[str] = []
    monkeypatch.setenv(publish.PASSWORD, "secret")

    class Publisher(live_mqtt.MqttPublisher):
        async def run(self) -> None:
            topics.append(self._target.topic)
            self._tried.set()
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(live_mqtt, "MqttPublisher", Publisher)

    async def run() -> None:
        for sensor, side in (("4f2a", "left"), ("0b:1c", "right"), ("4f2a", None)):
            workout = Workout(WorkoutSettings(Calibration.identity()))
            pipeline = SessionPipeline(workout, side=side)  # type: ignore[arg-type]
            to = Publishing(mqtt="mqtt://me@broker/gym" if side == "left" else "mqtts://me@broker/gym")
            async with publish.published(pipeline, sensor, to, told.append):
                await asyncio.sleep(0)

    asyncio.run(run())
    assert topics == ["gym/4f2a", "gym/0b_1c", "gym/4f2a"]
    assert told == ["the broker's password goes there unencrypted; mqtts:// protects it"]
