"""A stored session followed again from its raw samples: the one source of what `show` and `export` tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandsense.errors import BandsenseError, StoreError
from bandsense.export.table import SessionTable, StreamTable, stream_json
from bandsense.language import Message
from bandsense.live.plan_formatting import plan_json
from bandsense.samples import FloatArray, SampleBlock, Unit, concatenate
from bandsense.signal.events import Phase, PhaseChanged
from bandsense.store.model import Session, SessionState, Stream
from bandsense.store.store import Store
from bandsense.workout.events import Event, fields_json
from bandsense.workout.inputs import input_from
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Summary, Workout

__all__ = ["ReplayedStream", "replay", "replayed_json", "session_table"]


@dataclass(frozen=True, slots=True)
class ReplayedStream:
    """A stream, its workout at the end, every event and tension on the way, and the uncertainty of each."""

    stream: Stream
    workout: Workout
    events: tuple[Event, ...]
    tension_n: FloatArray
    tension_uncertainty_n: FloatArray

    @property
    def summary(self) -> Summary:
        """The stream in a few numbers."""
        return self.workout.summary()


def replay(store: Store, stream: Stream) -> ReplayedStream:
    """Follow a stored stream as it was followed live.

    Raises:
        StoreError: its data are damaged.
        CalibrationError, ConfigError: its settings cannot be read.
    """
    if stream.damage is not None:
        raise StoreError(Message("this session cannot be replayed: {damage}", damage=stream.damage))
    if not stream.samples and "calibration" not in stream.settings:
        raise StoreError(
            Message("this session comes from a training log, which holds sets but no samples to replay")
        )
    workout = Workout(WorkoutSettings.from_dict(stream.settings))
    events: list[Event] = []
    tension_n: list[FloatArray] = []
    tension_uncertainty_n: list[FloatArray] = []
    for item in store.timeline(stream):
        if isinstance(item, SampleBlock):
            events += workout.push(item)
            tension_n.append(workout.trace(float(item.time_s[0]), float(item.time_s[-1]))[1])
            tension_uncertainty_n.append(workout.latest_uncertainty_n(tension_n[-1]))
        else:
            events += workout.apply(input_from(item.kind, item.data))
    events += workout.finish()
    joined = (np.concatenate([np.zeros(0), *parts]) for parts in (tension_n, tension_uncertainty_n))
    return ReplayedStream(stream, workout, tuple(events), *joined)


def summarise_recovered(store: Store) -> None:
    """Give sessions that were cut short the summary that they did not get, as far as they can be read."""
    for session in store.sessions():
        if session.state is SessionState.RECOVERED and session.summary is None:
            with suppress(BandsenseError):
                store.note_summary(session.id, asdict(replay(store, session.streams[0]).summary))


def replayed_json(followed: ReplayedStream) -> dict[str, object]:
    """Return the sets of a stream as JSON object."""
    workout = followed.workout
    return stream_json(followed.stream) | {
        "summary": asdict(followed.summary),
        "sets": [
            fields_json(result, workout.uncertainty_n) | plan_json(result, workout.settings)
            for result in workout.results
        ],
    }


def session_table(store: Store, session: Session) -> SessionTable:
    """Lay out a stored session for export."""
    return SessionTable(session, tuple(_stream_table(store, stream) for stream in session.streams))


def _stream_table(store: Store, stream: Stream) -> StreamTable:
    if not stream.samples and stream.damage is None:
        # Taken from a training log, which knows sets and no samples.
        return StreamTable.empty(stream, tuple(store.sets(stream)), _inputs_json(store, stream))
    followed = replay(store, stream)
    samples = concatenate(store.blocks(stream))
    workout = followed.workout
    results = workout.results
    rep = _numbered(samples.time_s, [(r.pull_start_s, r.end_s) for result in results for r in result.reps])
    probability = np.array([0.0, *(r.probability for result in results for r in result.reps)])
    return StreamTable(
        stream=stream,
        time_s=samples.time_s,
        raw=samples.values.astype(np.int64) if stream.unit is Unit.COUNT else samples.values,
        tension_n=followed.tension_n,
        tension_uncertainty_n=followed.tension_uncertainty_n,
        phase=_phases(samples.time_s, followed.events),
        rep=rep,
        rep_probability=probability[rep],
        set=_numbered(samples.time_s, [(result.start_s, result.end_s) for result in results]),
        gap_before=samples.gap_before,
        saturated=samples.saturated,
        sets=tuple(fields_json(result, workout.uncertainty_n) for result in results),
        inputs=_inputs_json(store, stream),
    )


def _inputs_json(store: Store, stream: Stream) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"after_samples": each.after_samples, "kind": each.kind, "data": each.data}
        for each in store.inputs(stream)
    )


def _phases(time_s: FloatArray, events: tuple[Event, ...]) -> NDArray[np.str_]:
    """Return the phase at each sample."""
    changes = sorted(_changes(events))
    starts = np.array([start for start, _ in changes], dtype=np.float64)
    names = np.array([Phase.REST.value, *(name for _, name in changes)])
    return names[np.searchsorted(starts, time_s, side="right")]


def _changes(events: tuple[Event, ...]) -> Iterator[tuple[float, str]]:
    return ((event.time_s, event.phase.value) for event in events if isinstance(event, PhaseChanged))


def _numbered(time_s: FloatArray, spans: list[tuple[float, float]]) -> NDArray[np.int64]:
    """Return the number of the span that each sample lies in, from 1; 0 in none."""
    numbers = np.zeros(time_s.size, dtype=np.int64)
    for number, (start, end) in enumerate(spans, 1):
        numbers[np.searchsorted(time_s, start) : np.searchsorted(time_s, end, side="right")] = number
    return numbers
