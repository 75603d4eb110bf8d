"""A training session: find the sensor, record, follow and show what it sends, end in good order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bandsense.app.capture_sink import CaptureSink, new_capture
from bandsense.app.environment import Environment
from bandsense.app.loop import Item, show, stop_conditions, stop_on_signals
from bandsense.app.pipeline import SessionPipeline, Sink
from bandsense.app.publish import Publishing, published
from bandsense.app.sensor_calibration import calibration_on
from bandsense.app.temperature import temperature_input
from bandsense.app.trainee import Trainee, load_trainee, save_progress
from bandsense.app.view import Output
from bandsense.errors import StoreError
from bandsense.exercises.model import Side
from bandsense.link.sensor import LinkEvent, LinkState, Sensor, open_sensor
from bandsense.live.actions import Action, Actions
from bandsense.store.model import NewStream
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from bandsense.workout.workout import Workout

__all__ = ["TrainingOptions", "train"]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a person wants to do.

    Attributes:
        sensor: name, end of the name or address; None for the nearest.
        exercise, person, band: their identities; None for the last, else the usual ones.
        side: the one that begins where left and right take turns.
        pre_stretched: the band is stretched at the start already.
        seconds: end after so long; None: when the person or the stream ends.
        capture: where to write everything that comes over the air.
        publishing: where to send what happens.
    """

    sensor: str | None = None
    exercise: str | None = None
    person: str | None = None
    band: str | None = None
    side: Side | None = None
    pre_stretched: bool = False
    rate_hz: int | None = None
    seconds: float | None = None
    capture: Path | None = None
    publishing: Publishing = field(default_factory=Publishing)


class _Relay:
    """Brings changes of the link into the stream once there is one, and tells them plainly before."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._failure: OSError | None = None
        self.tracker: SessionPipeline | None = None

    def __call__(self, event: LinkEvent) -> None:
        if event.state is LinkState.CLOSED:
            return
        try:
            if self.tracker is not None:
                self.tracker.apply("link", {"state": event.state.value, "message": event.message})
            else:
                self._output.status(event.state.value, event.message)
        except OSError as error:  # nobody reads any more; that is no fault of the link, which calls here
            self._failure = error

    def check(self) -> None:
        """Raise what kept something from being told.

        Raises:
            OSError: as it came from the output.
        """
        if self._failure is not None:
            raise self._failure


async def train(training: TrainingOptions, air: Environment, store: Store, output: Output) -> int | None:
    """Run a session from the search for the sensor to its summary; gives its number, None without a sample.

    Raises:
        LinkError: the sensor cannot be reached.
        CalibrationError: the sensor's readings have no known size.
        ConfigError: the exercise or the band is not known.
        DataError: the capture cannot be written.
        StoreError: something could not be stored; what was stored before is kept.
    """
    training.publishing.check()
    who = load_trainee(store, training.person, training.exercise, training.band)
    first_side = who.first_side(training.side)
    if who.band is not None and (notice := who.band.notice()) is not None:
        output.status("band", f"{who.band.name}: {notice}")
    stop = asyncio.Event()
    relay = _Relay(output)
    async with AsyncExitStack() as afterwards:
        capture = new_capture(training.capture) if training.capture else None
        if capture is not None:
            afterwards.push_async_callback(asyncio.to_thread, capture.close)
        async with open_sensor(
            training.sensor, transport=air.transport, on_event=relay, capture=capture
        ) as sensor:
            calibration = calibration_on(who.band, sensor.information)
            # Until here an interrupt ends the search at once; from here on the session ends in good order.
            afterwards.enter_context(stop_on_signals(stop))
            relay.check()
            settings = who.settings(calibration, pre_stretched=training.pre_stretched, first_side=first_side)
            identity = sensor.information.serial or sensor.information.address
            stream = NewStream(identity, sensor.information.unit, settings.to_dict())
            recorder = store.record(who.session(air.source, [stream]))
            sinks: list[Sink] = [recorder]
            if capture is not None:
                sinks.append(CaptureSink(capture, air.transport.clock, settings))
            relay.tracker = tracker = SessionPipeline(Workout(settings), sinks=sinks)
            afterwards.push_async_callback(_close, store, recorder, tracker, output)
            await afterwards.enter_async_context(published(tracker, identity, training.publishing))
            output.begin(tracker, _title(who, first_side), _actions(tracker, stop))
            ending = asyncio.create_task(_end(training, air, sensor, stop))
            try:
                summary = await show(_items(sensor, training.rate_hz, recorder, output), tracker, output)
            finally:
                relay.tracker = None
                ending.cancel()
                with suppress(asyncio.CancelledError):
                    await ending
    if not recorder.samples:
        output.end(summary)
        return None
    progression = save_progress(store, who, tracker.workout.advisor_states, summary.reps)
    output.end(summary, recorder.session, progression.reason)
    return recorder.session


def _title(who: Trainee, first_side: Side | None) -> str:
    return who.exercise.name if first_side is None else f"{who.exercise.name}, {first_side} first"


def _actions(tracker: SessionPipeline, stop: asyncio.Event) -> Actions:
    """What the person may ask for."""

    def ask(kind: str, **data: object) -> Callable[[], None]:
        return lambda: tracker.apply(kind, data)

    return {
        "e": Action("end set", ask("end_set")),
        "t": Action("tare", ask("tare")),
        "y": Action("changed slack", ask("slack", followed=True)),
        "n": Action("kept slack", ask("slack", followed=False)),
        "q": Action("quit", stop.set, "End the session?"),
    }


async def _close(store: Store, recorder: Recorder, tracker: SessionPipeline, output: Output) -> None:
    """Bring the session to its end in the store; one without a sample is not kept."""
    summary = asdict(tracker.workout.summary())
    while True:
        try:
            await asyncio.to_thread(recorder.close, summary=summary)
            break
        except StoreError as error:
            if not await output.try_again(str(error)):
                raise
    if not recorder.samples:
        store.delete(recorder.session)


async def _items(
    sensor: Sensor, rate_hz: int | None, recorder: Recorder, output: Output
) -> AsyncIterator[Item]:
    """The temperature, samples, and the battery level whenever it has changed."""
    if (told := await temperature_input(sensor)) is not None:
        yield told
    battery_percent: int | None = None
    problem: str | None = None
    async for block in sensor.stream(rate_hz):
        if sensor.battery_percent not in (None, battery_percent):
            battery_percent = sensor.battery_percent
            yield "battery", {"percent": battery_percent}
        now = None if recorder.problem is None else str(recorder.problem)
        if now != problem:
            problem = now
            output.problem(problem)
        yield block


async def _end(training: TrainingOptions, air: Environment, sensor: Sensor, stop: asyncio.Event) -> None:
    """Stop the stream when the person, the time or the source says so."""
    ending = stop_conditions(stop, training.seconds, air.finished)
    try:
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        await sensor.stop()
    finally:
        for end in ending:
            end.cancel()
        sensor.end()
