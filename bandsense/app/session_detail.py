"""A stored session followed again, set by set: what report and pages show of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

import numpy as np

from bandsense.app.history import read_history
from bandsense.app.replay import ReplayedStream, replay
from bandsense.history.records import SetRecord
from bandsense.report.sets import SetDetail
from bandsense.samples import FloatArray, concatenate
from bandsense.store.model import Session
from bandsense.store.store import Store
from bandsense.workout.advice import Advice
from bandsense.workout.events import Event, SetCorrected, SlackAdvised, SlackAnswered
from bandsense.workout.settings import WorkoutSettings

__all__ = ["GivenAdvice", "SessionDetail", "StreamDetail", "session_detail"]

_AROUND_S = 1.0


@dataclass(frozen=True, slots=True)
class GivenAdvice:
    """Advice and what the person answered; None where it stayed open. `after_set` is 0 before the first."""

    advice: Advice
    after_set: int
    followed: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class StreamDetail:
    """One sensor's part: its sets, its whole trace, and what was advised."""

    settings: WorkoutSettings
    sets: tuple[SetDetail, ...]
    time_s: FloatArray
    tension_n: FloatArray
    advice: tuple[GivenAdvice, ...]
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class SessionDetail:
    """A session with its streams in the order of the store."""

    session: Session
    streams: tuple[StreamDetail, ...]

    @property
    def sets(self) -> tuple[SetDetail, ...]:
        """The sets of all streams, in the order in which they were done."""
        found = [each for stream in self.streams for each in stream.sets]
        return tuple(sorted(found, key=lambda each: (each.record.number, each.record.conditions.side or "")))


def session_detail(store: Store, session: Session) -> SessionDetail:
    """Follow a session again.

    Raises:
        StoreError: its data are damaged.
        CalibrationError, ConfigError: its settings cannot be read.
    """
    records = read_history(store, [session]).records
    return SessionDetail(
        session, tuple(_stream(store, replay(store, each), records) for each in session.streams)
    )


def _stream(store: Store, followed: ReplayedStream, records: tuple[SetRecord, ...]) -> StreamDetail:
    stream = followed.stream
    mine = {
        record.number: record
        for record in records
        if record.conditions.sensor == stream.sensor and stream.side in (None, record.conditions.side)
    }
    samples = concatenate(store.blocks(stream))
    time_s, tension_n = samples.time_s, followed.tension_n
    details = []
    for result in followed.workout.results:
        record = mine.get(result.number)
        if record is None:  # it was not finished when the session was cut short
            continue
        cut = slice(
            int(np.searchsorted(time_s, result.start_s - _AROUND_S)),
            int(np.searchsorted(time_s, result.end_s + _AROUND_S)),
        )
        hidden = result.metrics.hidden.keys() & {"tempo.concentric_s", "tempo.eccentric_s"}
        details.append(
            SetDetail(
                record,
                result.reps,
                result.metrics,
                time_s[cut],
                tension_n[cut],
                result.rep_metrics,
                record.slack_cm,
                None if hidden else result.hand_tempo,
                result.feedback,
            )
        )
    return StreamDetail(
        followed.workout.settings,
        tuple(details),
        time_s,
        tension_n,
        tuple(_advice(followed)),
        followed.workout.rate_hz,
    )


def _advice(followed: ReplayedStream) -> Iterator[GivenAdvice]:
    """Return each piece of advice with its answer, in order; of a set that was judged again only the last."""
    ends_s = [result.end_s for result in followed.workout.results]
    kinds = SlackAdvised | SlackAnswered | SetCorrected
    events = [event for event in followed.events if isinstance(event, kinds)]
    for index, event in enumerate(events):
        if not isinstance(event, SlackAdvised):
            continue
        corrected_s = [each.detected_s for each in takewhile(_corrects, events[index + 1 :])]
        following = next(islice(events, index + 1 + len(corrected_s), None), None)
        if isinstance(following, SlackAdvised) and following.detected_s in corrected_s:
            continue
        after = sum(end_s <= event.detected_s for end_s in ends_s)
        answer = following.followed if isinstance(following, SlackAnswered) else None
        yield GivenAdvice(event.advice, after, answer)


def _corrects(event: Event) -> bool:
    return isinstance(event, SetCorrected)
