"""The way of one sensor's samples: recorded raw, then followed by the workout, then told to listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bandsense.samples import SampleBlock
from bandsense.workout.events import Event, SetDone, TensionTick, event_name, to_json
from bandsense.workout.workout import Summary, Workout

__all__ = ["Listener", "SessionPipeline", "Sink"]

Listener = Callable[[Event], None]


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
    """

    def __init__(self, workout: Workout, *, sinks: Sequence[Sink] = (), stream: int = 0) -> None:
        self.workout = workout
        self._sinks = tuple(sinks)
        self._stream = stream
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have every event told to `listener`; the function returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def push(self, block: SampleBlock) -> None:
        """The next samples."""
        for sink in self._sinks:
            sink.write(block, stream=self._stream)
        self._tell(self.workout.push(block))

    def apply(self, kind: str, data: Mapping[str, Any]) -> None:
        """What happens besides samples; see `Workout.apply`."""
        for sink in self._sinks:
            sink.note_input(kind, data, stream=self._stream)
        self._tell(self.workout.apply(kind, data))

    def finish(self) -> Summary:
        """The stream ended."""
        self._tell(self.workout.finish())
        return self.workout.summary()

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if self._sinks and not isinstance(event, TensionTick):
                self._keep(event)
            for listener in tuple(self._listeners):
                listener(event)

    def _keep(self, event: Event) -> None:
        data = to_json(event, self.workout.uncertainty_n)
        for sink in self._sinks:
            sink.note_event(event_name(event), data, stream=self._stream)
            if isinstance(event, SetDone):
                sink.note_set(data["result"], stream=self._stream)
