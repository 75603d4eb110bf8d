"""A session with two sensors at once, left and right: recorded together, related by their clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from math import inf, isinf
from pathlib import Path
from typing import Any

from bandsense.app.capture_sink import CaptureSink, new_capture
from bandsense.app.environment import Environment
from bandsense.app.loop import stop_conditions, stop_on_signals
from bandsense.app.pipeline import SessionPipeline, Sink
from bandsense.app.sensor_calibration import calibration_on
from bandsense.app.temperature import temperature_input
from bandsense.app.trainee import Trainee, load_trainee
from bandsense.capture.format import CaptureWriter
from bandsense.exercises.model import Side
from bandsense.link.sensor import LinkEvent, LinkState, Sensor, open_sensor
from bandsense.store.model import NewStream
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from bandsense.workout.bilateral import bilateral_asymmetry, lag
from bandsense.workout.events import Event
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

__all__ = ["BilateralOptions", "BothSides", "Tell", "train_both"]


@dataclass(frozen=True, slots=True)
class BilateralOptions:
    """What a person wants to do with two sensors; see `cli.training.Training`.

    Attributes:
        left, right: names or addresses of the sensors.
        capture: where to write what comes over the air; `-left` and `-right` are added to the name.
    """

    left: str
    right: str
    exercise: str | None = None
    person: str | None = None
    band: str | None = None
    rate_hz: int | None = None
    seconds: float | None = None
    capture: Path | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """How it is told while it runs.

    Attributes:
        link: a change of the link of one side, before there are samples.
        event: an event of one side; the workout tells the uncertainty of its tensions.
    """

    link: Callable[[Side, LinkEvent], None]
    event: Callable[[Side, Event, Workout], None]


class _Relay:
    """Brings changes of the link into a side's stream once there is one, and tells them plainly before."""

    def __init__(self, side: Side, tell: Tell) -> None:
        self._side = side
        self._tell = tell
        self.tracker: SessionPipeline | None = None

    def __call__(self, event: LinkEvent) -> None:
        if event.state is LinkState.CLOSED:
            return
        if self.tracker is None:
            self._tell.link(self._side, event)
        else:
            self.tracker.apply("link", {"state": event.state.value, "message": event.message})


@dataclass(frozen=True, slots=True)
class _Opened:
    """A sensor that is connected, and where what it sends is captured."""

    side: Side
    sensor: Sensor
    settings: WorkoutSettings
    relay: _Relay
    notes: CaptureSink | None

    @property
    def stream(self) -> NewStream:
        information = self.sensor.information
        identity = information.serial or information.address
        return NewStream(identity, information.unit, self.settings.to_dict(), self.side)


class _OneSide:
    """One of the two as it is recorded and followed: the stream of this number in the session."""

    def __init__(self, opened: _Opened, number: int, recorder: Recorder, tell: Tell) -> None:
        self.side = opened.side
        self.sensor = opened.sensor
        self.workout = Workout(opened.settings)
        sinks: list[Sink] = [recorder] if opened.notes is None else [recorder, opened.notes]
        self.tracker = opened.relay.tracker = SessionPipeline(self.workout, sinks=sinks, stream=number)
        self.tracker.listen(lambda event: tell.event(self.side, event, self.workout))
        self._clock = self.sensor.clock
        self._clock_since_s = 0.0

    async def follow(self, rate_hz: int | None) -> None:
        """Record and follow what the sensor sends until its stream ends."""
        if (told := await temperature_input(self.sensor)) is not None:
            self.tracker.apply(*told)
        battery_percent: int | None = None
        async for block in self.sensor.stream(rate_hz):
            if self.sensor.battery_percent not in (None, battery_percent):
                battery_percent = self.sensor.battery_percent
                self.tracker.apply("battery", {"percent": battery_percent})
            if self.sensor.clock is not self._clock:
                self._clock, self._clock_since_s = self.sensor.clock, float(block.time_s[0])
            self.tracker.push(block)

    def pulls_s(self) -> list[float]:
        """When the pulls began, on the host's clock: those since the sensor's clock began anew last."""
        if not self._clock.known:
            return []
        begins_s = (
            rep.pull_start_s
            for result in self.workout.results
            for rep in result.reps
            if rep.pull_start_s >= self._clock_since_s
        )
        return [self._clock.host_s(begin_s) for begin_s in begins_s]

    @property
    def clock_bound_s(self) -> float | None:
        """By how much a time of this sensor may be off on the host's clock, where that is known."""
        bound_s = self._clock.uncertainty_s if self._clock.known else inf
        return None if isinf(bound_s) else bound_s

    def clock(self, unix_at_zero_s: float) -> dict[str, float] | None:
        """How to turn device time into the time of day: `unix_s + rate · (time − device_s)`."""
        if not self._clock.known:
            return None
        return {
            "device_s": self._clock_since_s,
            "unix_s": unix_at_zero_s + self._clock.host_s(self._clock_since_s),
            "rate": 1.0 + self._clock.skew_ppm * 1e-6,
        }


class BothSides:
    """What came of a session with two sensors.

    Attributes:
        session: its number in the store; None where no sample came and nothing is kept.
        left, right: the workouts.
        lag: how much later the right side pulls; None without a repetition of both.
        asymmetry: how right and left differ; None below two full repetitions a side.
    """

    def __init__(self, session: int | None, left: _OneSide, right: _OneSide, unix_at_zero_s: float) -> None:
        self.session = session
        self.left, self.right = left.workout, right.workout
        bounds_s = [side.clock_bound_s for side in (left, right) if side.clock_bound_s is not None]
        self.lag = lag(left.pulls_s(), right.pulls_s(), sum(bounds_s) if len(bounds_s) == 2 else None)
        figures = [
            [rep for result in workout.results for rep in result.figures]
            for workout in (self.left, self.right)
        ]
        calibrations = self.left.settings.calibration, self.right.settings.calibration
        self.asymmetry = bilateral_asymmetry(figures[0], figures[1], calibrations)
        self._clocks = {each.side: each.clock(unix_at_zero_s) for each in (left, right)}

    def summary(self) -> dict[str, Any]:
        """As it is stored: the figures of one sensor's session, of the lesser side where both count."""
        left, right = self.left.summary(), self.right.summary()
        return {
            "reps": min(left.reps, right.reps),
            "partial": max(left.partial, right.partial),
            "sets": max(left.sets, right.sets),
            "full_reps": [min(pair) for pair in zip(left.full_reps, right.full_reps, strict=False)],
            "planned_sets": left.planned_sets,
            "duration_s": max(left.duration_s, right.duration_s),
            "samples": left.samples + right.samples,
            "sides": {"left": asdict(left), "right": asdict(right)},
            "asymmetry": None if self.asymmetry is None else asdict(self.asymmetry),
            "lag": None if self.lag is None else asdict(self.lag),
            "clocks": self._clocks,
        }


async def train_both(both: BilateralOptions, air: Environment, store: Store, tell: Tell) -> BothSides:
    """Run a session with two sensors, from the search for them to its end in the store.

    Raises:
        LinkError: a sensor cannot be reached.
        CalibrationError: the readings of one have no known size.
        ConfigError: the exercise or the band is not known.
        DataError: a capture cannot be written.
        StoreError: something could not be stored; what was stored before is kept.
    """
    who = load_trainee(store, both.person, both.exercise, both.band)
    stop = asyncio.Event()
    unix_at_zero_s = time.time() - air.transport.clock()
    async with AsyncExitStack() as afterwards:
        async with AsyncExitStack() as links:
            opened = [
                await _opened(side, target, both, who, air, _Relay(side, tell), links, afterwards)
                for side, target in _targets(both)
            ]
            # Until here an interrupt ends the search at once; from here on the session ends in good order.
            afterwards.enter_context(stop_on_signals(stop))
            recorder = store.record(who.session(air.source, [each.stream for each in opened]))
            afterwards.push_async_callback(asyncio.to_thread, recorder.close)
            left, right = (_OneSide(each, number, recorder, tell) for number, each in enumerate(opened))
            await _follow((left, right), both, air, stop)
        session = recorder.session if recorder.samples else None
        result = BothSides(session, left, right, unix_at_zero_s)
        await asyncio.to_thread(recorder.close, summary=result.summary())
    if session is None:
        store.delete(recorder.session)
    return result


def _targets(both: BilateralOptions) -> tuple[tuple[Side, str], tuple[Side, str]]:
    return ("left", both.left), ("right", both.right)


async def _opened(
    side: Side,
    target: str,
    both: BilateralOptions,
    who: Trainee,
    air: Environment,
    relay: _Relay,
    links: AsyncExitStack,
    afterwards: AsyncExitStack,
) -> _Opened:
    """One side, connected; its capture, if there is one, is closed after its link."""
    capture: CaptureWriter | None = None
    if both.capture is not None:
        capture = new_capture(both.capture.with_stem(f"{both.capture.stem}-{side}"))
        afterwards.push_async_callback(asyncio.to_thread, capture.close)
    opening = open_sensor(target, transport=air.transport, on_event=relay, capture=capture)
    sensor = await links.enter_async_context(opening)
    settings = who.settings(calibration_on(who.band, sensor.information))
    notes = None if capture is None else CaptureSink(capture, air.transport.clock, settings)
    return _Opened(side, sensor, settings, relay, notes)


async def _follow(
    sides: tuple[_OneSide, _OneSide], both: BilateralOptions, air: Environment, stop: asyncio.Event
) -> None:
    """Follow both until the person, the time or the source ends it, or one of them fails."""
    following = [asyncio.create_task(side.follow(both.rate_hz)) for side in sides]
    ending = [*stop_conditions(stop, both.seconds, air.finished), *following]
    try:
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(side.sensor.stop() for side in sides))
        await asyncio.gather(*following)
    finally:
        for side in sides:
            side.sensor.end()
            side.tracker.finish()
        for end in ending:
            end.cancel()
        await asyncio.wait(ending)
