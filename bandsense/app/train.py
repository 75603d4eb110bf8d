"""A training session with one sensor or with two: find them, record, follow, show, and end in good order.

    sensor ──blocks──▶ pipeline ──▶ recorder, capture        (raw first)
                          └──────▶ workout ──events──▶ view, publishers

Each sensor has a stream of its own: link, clock, calibration, workout and pipeline. What is one for the whole
session is the recorder, the view, and the end: by the person, by the time, by the source, or by a stream that
fails. What a person asks for goes to the pipeline of the side that was asked and to no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import isinf
from pathlib import Path

from bandsense.app.capture_sink import CaptureSink, new_capture
from bandsense.app.environment import Environment
from bandsense.app.last_time import compared_words, last_times
from bandsense.app.loop import drawing, stop_conditions, stop_on_signals
from bandsense.app.pipeline import SessionPipeline, Sink
from bandsense.app.publish import Publishing, published
from bandsense.app.sensor_calibration import calibration_on
from bandsense.app.session_result import SessionResult, StreamClock
from bandsense.app.temperature import temperature_input
from bandsense.app.trainee import Trainee, load_trainee, next_time_of, save_progress
from bandsense.app.view import View
from bandsense.errors import StoreError
from bandsense.exercises.model import Side
from bandsense.language import Composed, Message, joined, message_of, tr
from bandsense.link.sensor import LinkEvent, LinkState, Sensor, open_sensor
from bandsense.live.actions import Action, Actions
from bandsense.live.formatting import STOPPED_NEXT_TIME
from bandsense.live.state import LastTime
from bandsense.store.model import NewStream, is_simulated_source
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from bandsense.workout.bilateral import lag
from bandsense.workout.feedback import Feedback, Scale
from bandsense.workout.inputs import (
    AddRep,
    BatteryLevel,
    EndSet,
    Input,
    LinkChange,
    RestChange,
    SetFeedback,
    SlackAnswer,
    StorageChange,
    Tare,
    UndoRep,
)
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

__all__ = ["TrainingOptions", "train"]

SCORE_KEYS = "0123456789x"
"""Keys of the scores 0 to 10 of effort and pain, in order; Enter leaves one out."""

REST_STEP_S = 30.0
LONGEST_REST_S = 1800.0


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a person wants to do.

    Attributes:
        sensors: one or two names, ends of names or addresses; two are left and right. None for the nearest.
        exercise, person, band: their identities; None for the last, else the usual ones.
        side: the one that begins where left and right take turns with one sensor.
        pre_stretched: the band is stretched at the start already.
        seconds: end after so long; None: when the person or the stream ends.
        capture: where to write everything that comes over the air; with two sensors `-left` and `-right` are
            added to the name.
        publishing: where to send what happens.
    """

    sensors: tuple[str | None, ...] = (None,)
    exercise: str | None = None
    person: str | None = None
    band: str | None = None
    side: Side | None = None
    pre_stretched: bool = False
    rate_hz: int | None = None
    seconds: float | None = None
    capture: Path | None = None
    publishing: Publishing = field(default_factory=Publishing)

    @property
    def targets(self) -> tuple[tuple[Side | None, str | None], ...]:
        """Each sensor's side, None where it is the only one, and what to look for."""
        if len(self.sensors) == 1:
            return ((None, self.sensors[0]),)
        left, right = self.sensors
        return ("left", left), ("right", right)

    def capture_of(self, side: Side | None) -> Path | None:
        """Return the capture file of one sensor."""
        if self.capture is None or side is None:
            return self.capture
        return self.capture.with_stem(f"{self.capture.stem}-{side}")


async def train(
    options: TrainingOptions,
    environment: Environment,
    store: Store,
    view: View,
    stop: asyncio.Event | None = None,
) -> SessionResult:
    """Run a session from the search for its sensors to its end in the store.

    Args:
        options: what the person wants to do.
        environment: where the sensors are.
        store: where the session is kept.
        view: shows it.
        stop: ends the session when it is set; None: Ctrl-C and a request to end do.

    Raises:
        LinkError: a sensor cannot be reached.
        CalibrationError: the readings of one have no known size.
        ConfigError: the exercise or the band is not known.
        DataError: a capture cannot be written.
        StoreError: something could not be stored; what was stored before is kept.
    """
    options.publishing.check()
    who = load_trainee(store, options.person, options.exercise, options.band)
    if who.band is not None and (notice := who.band.notice()) is not None:
        view.status("band", joined((who.band.name, notice), ": "))
    if who.newcomer is not None:
        view.status("person", who.newcomer)
    if (words := who.prescription_words()) is not None:
        view.status("plan", words)
    session = _TrainingSession(options, environment, store, view, who, stop or asyncio.Event())
    async with AsyncExitStack() as afterwards, AsyncExitStack() as links:
        await session.connect(links, afterwards)
        # Until here an interrupt ends the search at once; from here on the session ends in good order.
        if stop is None:
            afterwards.enter_context(stop_on_signals(session.stop))
        await session.record(afterwards)
        await session.follow()
    return session.finish()


class _Relay:
    """Brings changes of a link into its stream once there is one, and tells them plainly before."""

    def __init__(self, view: View, side: Side | None) -> None:
        self._view = view
        self._side = side
        self._failure: OSError | None = None
        self.pipeline: SessionPipeline | None = None

    def __call__(self, event: LinkEvent) -> None:
        if event.state is LinkState.CLOSED:
            return
        try:
            if self.pipeline is not None:
                self.pipeline.apply(LinkChange(event.state.value, event.message))
            else:
                self._view.status(event.state.value, event.message, self._side)
        except OSError as error:  # nobody reads any more; that is no fault of the link, which calls here
            self._failure = error

    def check(self) -> None:
        """Raise the error of an output that could not be written.

        Raises:
            OSError: as it came from the output.
        """
        if self._failure is not None:
            raise self._failure


class _Stream:
    """One sensor of the session: connected, and what is done with what it sends."""

    def __init__(
        self, side: Side | None, sensor: Sensor, settings: WorkoutSettings, relay: _Relay, sink: Sink | None
    ) -> None:
        self.side = side
        self.sensor = sensor
        self.settings = settings
        self.relay = relay
        self._sink = sink
        self._clock = sensor.clock
        self._clock_since_s = 0.0

    @property
    def new(self) -> NewStream:
        """As the store is told of it."""
        information = self.sensor.information
        return NewStream(information.id, information.unit, self.settings.to_dict(), self.side)

    def open(self, recorder: Recorder, number: int, last_time: Mapping[Side | None, LastTime]) -> None:
        """From now on samples and inputs go to the recorder, the workout and the views."""
        sinks: list[Sink] = [recorder] if self._sink is None else [recorder, self._sink]
        self.pipeline = SessionPipeline(
            Workout(self.settings), sinks=sinks, stream=number, side=self.side, last_time=last_time
        )
        self.relay.pipeline = self.pipeline

    def close(self) -> None:
        """Leave the link alone and decide what can still be decided."""
        self.relay.pipeline = None
        self.sensor.end()
        self.pipeline.finish()

    async def follow(self, rate_hz: int | None, check_storage: Callable[[], None]) -> None:
        """Bring what the sensor sends into the pipeline until its stream ends."""
        if (temperature := await temperature_input(self.sensor)) is not None:
            self.pipeline.apply(temperature)
        battery_percent: int | None = None
        async for block in self.sensor.stream(rate_hz):
            if self.sensor.battery_percent not in (None, battery_percent):
                battery_percent = self.sensor.battery_percent
                self.pipeline.apply(BatteryLevel(battery_percent))
            if self.sensor.clock is not self._clock:
                self._clock, self._clock_since_s = self.sensor.clock, float(block.time_s[0])
            check_storage()
            self.pipeline.push(block)

    def pulls_s(self) -> list[float]:
        """Return when the pulls since the sensor's clock last began anew began, on the host's clock."""
        if not self._clock.known:
            return []
        begins_s = (
            rep.pull_start_s
            for result in self.pipeline.workout.results
            for rep in result.reps
            if rep.pull_start_s >= self._clock_since_s
        )
        return [self._clock.host_s(begin_s) for begin_s in begins_s]

    @property
    def clock_bound_s(self) -> float | None:
        """By how much a time of this sensor may be off on the host's clock, where that is known."""
        if not self._clock.known or isinf(self._clock.uncertainty_s):
            return None
        return self._clock.uncertainty_s

    def clock(self, unix_at_zero_s: float) -> StreamClock | None:
        """Return the sensor's clock against the time of day."""
        if not self._clock.known:
            return None
        return StreamClock(
            device_s=self._clock_since_s,
            unix_s=unix_at_zero_s + self._clock.host_s(self._clock_since_s),
            rate=1.0 + self._clock.skew_ppm * 1e-6,
        )


class _TrainingSession:
    """What the streams of a session share."""

    def __init__(
        self,
        options: TrainingOptions,
        environment: Environment,
        store: Store,
        view: View,
        who: Trainee,
        stop: asyncio.Event,
    ) -> None:
        self.stop = stop
        self._options = options
        self._environment = environment
        self._store = store
        self._view = view
        self._who = who
        self._first_side = None if len(options.sensors) > 1 else who.first_side(options.side)
        self._unix_at_zero_s = time.time() - environment.transport.clock()
        self._streams: tuple[_Stream, ...] = ()
        self._problem: str | None = None

    async def connect(self, links: AsyncExitStack, afterwards: AsyncExitStack) -> None:
        """Connect to each sensor; captures are closed after the links."""
        for side, target in self._options.targets:
            path = self._options.capture_of(side)
            capture = None if path is None else new_capture(path)
            if capture is not None:
                afterwards.push_async_callback(asyncio.to_thread, capture.close)
            relay = _Relay(self._view, side)
            transport = self._environment.transport
            opening = open_sensor(target, transport=transport, on_event=relay, capture=capture)
            sensor = await links.enter_async_context(opening)
            settings = self._who.settings(
                calibration_on(self._who.band, sensor.information),
                pre_stretched=self._options.pre_stretched,
                first_side=self._first_side,
                sensor_side=side,
            )
            sink = None if capture is None else CaptureSink(capture, transport.clock, settings)
            self._streams += (_Stream(side, sensor, settings, relay, sink),)

    async def record(self, afterwards: AsyncExitStack) -> None:
        """Open the store, the view and the publishers; they are closed after the links."""
        for stream in self._streams:
            stream.relay.check()
        new = [stream.new for stream in self._streams]
        self._recorder = self._store.record(self._who.session(self._environment.source, new))
        afterwards.push_async_callback(self._close)
        last_time = await asyncio.to_thread(last_times, self._store, self._recorder.session)
        for number, stream in enumerate(self._streams):
            stream.open(self._recorder, number, last_time)
        for stream, known_as in zip(self._streams, new, strict=True):
            tell = partial(self._tell_publishing, stream.side)
            publishing = published(stream.pipeline, known_as.sensor, self._options.publishing, tell)
            await afterwards.enter_async_context(publishing)
        pipelines = [stream.pipeline for stream in self._streams]
        actions = {each.side: _actions(each, self.stop) for each in pipelines}
        self._view.begin(pipelines, self._title(), actions)

    def _tell_publishing(self, side: Side | None, message: str) -> None:
        with suppress(OSError):  # nobody reads any more; that is no fault of the broker's
            self._view.status("publishing", message, side)

    def _title(self) -> str:
        return self._who.title(self._first_side, simulated=is_simulated_source(self._environment.source))

    async def follow(self) -> None:
        """Follow all streams until the person, the time or the source ends it, or one of them fails."""
        rate_hz = self._options.rate_hz
        async with drawing(self._view) as drawn:
            following = [
                asyncio.create_task(stream.follow(rate_hz, self._check_storage)) for stream in self._streams
            ]
            stopping = stop_conditions(self.stop, self._options.seconds, self._environment.finished)
            try:
                # A view that cannot be shown is an error, not a reason to train unseen.
                await asyncio.wait([*stopping, *following, drawn], return_when=asyncio.FIRST_COMPLETED)
                if drawn.done():
                    await drawn
                await asyncio.gather(*(stream.sensor.stop() for stream in self._streams))
                await asyncio.gather(*following)
            finally:
                for stream in self._streams:
                    stream.close()
                for task in (*stopping, *following):
                    task.cancel()
                await asyncio.wait([*stopping, *following])

    def _check_storage(self) -> None:
        problem = None if self._recorder.problem is None else str(self._recorder.problem)
        if problem != self._problem:
            self._problem = problem
            self._view.problem(problem)
            for stream in self._streams:
                stream.pipeline.apply(StorageChange(problem))

    def _result(self, session: int | None = None, next_time: str | None = None) -> SessionResult:
        if len(self._streams) == 1:
            return SessionResult({None: self._streams[0].pipeline.workout}, session, next_time)
        left, right = self._streams
        bounds_s = [each.clock_bound_s for each in self._streams if each.clock_bound_s is not None]
        found = lag(left.pulls_s(), right.pulls_s(), sum(bounds_s) if len(bounds_s) == 2 else None)
        if found is not None:
            workouts = [each.pipeline.workout for each in self._streams]
            figures = [
                [rep for result in workout.results for rep in result.rep_metrics] for workout in workouts
            ]
            rate_hz = min(workout.rate_hz for workout in workouts)
            found = found.judged(figures[0], figures[1], rate_hz)
        return SessionResult(
            {stream.side: stream.pipeline.workout for stream in self._streams},
            session,
            next_time,
            found,
            {"left": left.clock(self._unix_at_zero_s), "right": right.clock(self._unix_at_zero_s)},
        )

    async def _close(self) -> None:
        """Bring the session to its end in the store; one without a sample is not kept."""
        summary = self._result().summary()
        while True:
            try:
                await asyncio.to_thread(self._recorder.close, summary=summary)
                break
            except StoreError as error:
                if not await self._view.try_again(message_of(error)):
                    raise self._set_aside(error) from error
        if not self._recorder.samples:
            self._store.delete(self._recorder.session)

    def _set_aside(self, problem: StoreError) -> StoreError:
        """Leave what waits in a file beside the store, and say so with what kept it from the store."""
        waiting = self._recorder.waiting_samples
        try:
            path = self._recorder.set_aside()
        except StoreError as error:
            return StoreError(
                Message(
                    "{problem}. {waiting} samples are not stored: {error}",
                    problem=problem,
                    waiting=waiting,
                    error=error,
                )
            )
        return StoreError(
            Message(
                "{problem}. {waiting} samples wait in {path}; bandsense stores them the next time it starts",
                problem=problem,
                waiting=waiting,
                path=path,
            )
        )

    def finish(self) -> SessionResult:
        """Save what is to be remembered and report it, after everything is closed."""
        result = self._result()
        if self._recorder.samples:
            progression = save_progress(self._store, self._who, result)
            stopped = next((each.stopped for each in result.workouts.values() if each.stopped), None)
            next_time = Composed(
                lambda: (
                    next_time_of(self._who, progression)
                    if stopped is None
                    else tr(STOPPED_NEXT_TIME[stopped])
                )
            )
            session = self._recorder.session
            result = replace(self._result(session, next_time), compared=compared_words(self._store, session))
        self._view.end(result)
        return result


def _actions(pipeline: SessionPipeline, stop: asyncio.Event) -> Actions:
    """List what the person may ask of one sensor's stream, and the end of the session."""

    def ask(value: Input) -> Callable[[], None]:
        return lambda: pipeline.apply(value)

    return {
        "e": Action(Message("end set"), ask(EndSet())),
        "u": Action(Message("undo rep"), ask(UndoRep())),
        "a": Action(Message("add rep"), ask(AddRep())),
        "+": Action(Message("30 s more rest"), ask(RestChange(REST_STEP_S))),
        "s": Action(Message("start now"), ask(RestChange(-LONGEST_REST_S))),
        "t": Action(Message("set zero"), ask(Tare())),
        "y": Action(Message("changed slack"), ask(SlackAnswer(followed=True))),
        "n": Action(Message("kept slack"), ask(SlackAnswer(followed=False))),
        "w": Action(Message("note"), lambda: None, write=lambda text: _say(pipeline, Feedback(note=text))),
        **_scores(pipeline),
        "q": Action(Message("quit"), stop.set, Message("End the session?")),
    }


def _say(pipeline: SessionPipeline, said: Feedback) -> None:
    """Say something of the last set."""
    pipeline.apply(SetFeedback(said, len(pipeline.workout.results) or None))


def _scores(pipeline: SessionPipeline) -> Actions:
    """List the keys that score the last set: effort first, then pain, as it is asked for."""

    def give(score: int | None) -> Callable[[], None]:
        def run() -> None:
            asks = pipeline.workout.asks
            if asks is Scale.EFFORT:
                _say(pipeline, Feedback(effort=score))
            elif asks is Scale.PAIN:
                _say(pipeline, Feedback(pain=score))

        return run

    scores = {key: Action(Message("score (x is 10)"), give(score)) for score, key in enumerate(SCORE_KEYS)}
    return scores | {"\n": Action(Message("skip"), give(None)), "\r": Action(Message("skip"), give(None))}
