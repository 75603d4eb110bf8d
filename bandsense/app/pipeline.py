"""The way of one sensor's samples: recorded raw, then followed by the workout, then told to listeners."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bandsense.exercises.model import Side
from bandsense.live.state import LastTime
from bandsense.samples import FloatArray, SampleBlock
from bandsense.workout.events import Event, SetCorrected, SetDone, TensionTick, event_name, to_json
from bandsense.workout.inputs import Input, input_data, input_name
from bandsense.workout.workout import Summary, Workout

__all__ = ["VIEW_HZ", "Listener", "SessionPipeline", "Sink"]

Listener = Callable[[Event], None]
SampleListener = Callable[[FloatArray, FloatArray], None]

VIEW_HZ = 20.0
"""As many ticks of tension a second as a view can show."""


class Sink(Protocol):
    """Where a session is kept. No method may block."""

    def write(self, block: SampleBlock, *, stream: int = 0) -> None:
        """Keep raw samples."""

    def note_input(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Keep what besides samples reached the workout."""

    def note_event(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Keep an event."""

    def note_set(self, data: Mapping[str, Any], *, stream: int = 0) -> None:
        """Keep the result of a set."""


class SessionPipeline:
    """Brings samples and inputs of one stream to the sinks, the workout and the listeners, in this order.

    Args:
        workout: follows the samples.
        sinks: keep the session; none in a replay.
        stream: number of the sensor in the session.
        side: which side the sensor is on, where there are two.
        last_time: of each side, None where both work: what was done in the session before, for the views.
        view_hz: how many ticks of tension a second listeners are told; all other events reach them all, and
            what they are told changes neither what is kept nor what the workout decides.
    """

    def __init__(
        self,
        workout: Workout,
        *,
        sinks: Sequence[Sink] = (),
        stream: int = 0,
        side: Side | None = None,
        last_time: Mapping[Side | None, LastTime] | None = None,
        view_hz: float = VIEW_HZ,
    ) -> None:
        self.workout = workout
        self.side = side
        self.last_time = dict(last_time or {})
        self._view_hz = view_hz
        self._last_view = -1.0
        self._sinks = tuple(sinks)
        self._stream = stream
        self._listeners: list[Listener] = []
        self._sample_listeners: list[SampleListener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have every event told to `listener`; the function returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def listen_to_samples(self, listener: SampleListener) -> Callable[[], None]:
        """Have `listener` called with device time and tension of each block; see `listen`."""
        self._sample_listeners.append(listener)
        return lambda: self._sample_listeners.remove(listener)

    def push(self, block: SampleBlock) -> None:
        """Take the next samples."""
        for sink in self._sinks:
            sink.write(block, stream=self._stream)
        events = self.workout.push(block)
        if self._sample_listeners and len(block):
            trace = self.workout.trace(float(block.time_s[0]), float(block.time_s[-1]))
            for listener in tuple(self._sample_listeners):
                listener(*trace)
        self._tell(events)

    def apply(self, value: Input) -> None:
        """Take what happens besides samples; see `Workout.apply`."""
        for sink in self._sinks:
            sink.note_input(input_name(value), input_data(value), stream=self._stream)
        self._tell(self.workout.apply(value))

    def finish(self) -> Summary:
        """Take the end of the stream."""
        self._tell(self.workout.finish())
        return self.workout.summary()

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, TensionTick):
                if not self._shown(event):
                    continue
            elif self._sinks:
                self._keep(event)
            for listener in tuple(self._listeners):
                listener(event)

    def _shown(self, tick: TensionTick) -> bool:
        """Return whether listeners get this tick: the first of each `1 / view_hz` seconds of device time."""
        view = math.floor(tick.time_s * self._view_hz)
        shown, self._last_view = view != self._last_view, view
        return shown

    def _keep(self, event: Event) -> None:
        data = to_json(event, self.workout.uncertainty_n)
        for sink in self._sinks:
            sink.note_event(event_name(event), data, stream=self._stream)
            if isinstance(event, SetDone) or (isinstance(event, SetCorrected) and event.result is not None):
                calibration = self.workout.calibration.to_dict()
                sink.note_set(data["result"] | {"calibration": calibration}, stream=self._stream)
