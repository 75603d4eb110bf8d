"""Stored sessions put in order: said to be another's, merged, split, deleted, and all of that undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bandsense.app.importing import keep_session
from bandsense.app.replay import replay
from bandsense.app.sessions import require_ended
from bandsense.errors import ConfigError
from bandsense.export.imports import ImportedSession, ImportedStream
from bandsense.language import Message
from bandsense.samples import SampleBlock, concatenate
from bandsense.store.edits import Edits
from bandsense.store.model import Session, Stream
from bandsense.store.store import Store
from bandsense.workout.counts import chances_of_all
from bandsense.workout.inputs import input_from
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

__all__ = ["merge", "split", "split_time_s"]

_SUMMED = ("reps", "partial", "sets", "samples", "duration_s", "time_under_tension_s")


def merge(store: Store, sessions: Sequence[Session]) -> None:
    """Make one session of several that belong together, in the order in which they began.

    Raises:
        ConfigError: they are fewer than two, or of several people or exercises.
        StoreError: one is being recorded, or the store cannot be written.
    """
    ordered = sorted({session.id: session for session in sessions}.values(), key=lambda s: s.started_unix_s)
    if len(ordered) < 2:
        raise ConfigError(Message("name two sessions or more"))
    if len({(session.person, session.exercise) for session in ordered}) > 1:
        raise ConfigError(
            Message(
                "they belong to several people or exercises; change that first with "
                "`bandsense edit set SESSION --person NAME --exercise ID`"
            )
        )
    for session in ordered:
        require_ended(session)
    Edits(store.database).merge(
        [session.id for session in ordered], _merged([session.summary or {} for session in ordered])
    )


def _merged(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put summaries together: what adds up is added, the rest is that of the last."""
    result = dict(summaries[-1])
    hidden = {name: why for each in summaries for name, why in (each.get("hidden") or {}).items()}
    for name in _SUMMED:
        result[name] = None if name in hidden else sum(summary.get(name) or 0 for summary in summaries)
    result["full_reps"] = [reps for summary in summaries for reps in summary.get("full_reps") or ()]
    peaks_n = (summary.get("peak_n") or 0.0 for summary in summaries)
    result["peak_n"] = None if "peak_n" in hidden else max(peaks_n, default=0.0)
    known = [(each.get("reps") or 0, each.get("chances") or {}) for each in summaries]
    result["chances"] = chances_of_all(
        (reps, {int(count): p for count, p in chances.items()}) for reps, chances in known
    )
    return {**result, "hidden": hidden, "asymmetry": None, "lag": None, "sides": None, "clocks": {}}


def split_time_s(store: Store, session: Session, before_set: int) -> float:
    """Return the middle of the rest before a set, in seconds from the first sample.

    Raises:
        ConfigError: there is no such set, or none before it.
    """
    stream = session.streams[0]
    followed = replay(store, stream)
    results = {result.number: result for result in followed.workout.results}
    if before_set not in results or before_set - 1 not in results:
        raise ConfigError(
            Message(
                "session {session} cannot be split before set {before_set}: no set comes before that",
                session=session.id,
                before_set=before_set,
            )
        )
    middle_s = (results[before_set - 1].end_s + results[before_set].start_s) / 2.0
    return middle_s - followed.workout.began_s


def split(store: Store, session: Session, at_s: float) -> tuple[int, int]:
    """Make two sessions of one; the samples are copied, and the first one stays in the bin.

    Args:
        store: where it is.
        session: with samples.
        at_s: seconds from the first sample of each sensor.

    Raises:
        ConfigError: the time is not within the session.
        StoreError: it is being recorded, damaged, or cannot be written.
    """
    require_ended(session)
    parts = [_cut(store, stream, at_s) for stream in session.streams]
    numbers = []
    for place, streams in enumerate(zip(*parts, strict=True)):
        began_s = session.started_unix_s + (at_s if place else 0.0)
        part = ImportedSession(
            source=session.source,
            started_unix_s=began_s,
            ended_unix_s=session.ended_unix_s if place else session.started_unix_s + at_s,
            software=session.software,
            person=session.person,
            exercise=session.exercise,
            band=session.band,
            streams=streams,
        )
        numbers.append(keep_session(store, f"session {session.id}", part))
    Edits(store.database).note_split(session.id, numbers)
    return numbers[0], numbers[1]


def _cut(store: Store, stream: Stream, at_s: float) -> tuple[ImportedStream, ImportedStream]:
    """Cut a stream in two; the second part begins with the calibration as it was tared until then."""
    block = concatenate(store.blocks(stream))
    cut = int(np.searchsorted(block.time_s, block.time_s[0] + at_s)) if len(block) else 0
    if not 0 < cut < len(block):
        raise ConfigError(Message("{at_s:g} s is not within the session", at_s=at_s))
    settings = WorkoutSettings.from_dict(stream.settings)
    workout = Workout(settings)
    inputs = store.inputs(stream)
    done = 0
    for item in store.timeline(stream):
        if isinstance(item, SampleBlock):
            workout.push(item.slice(0, min(len(item), cut - done)))
            done += len(item)
        elif item.after_samples <= cut:
            workout.apply(input_from(item.kind, item.data))
        if done >= cut:
            break
    after = replace(settings, calibration=workout.calibration).to_dict()
    sides = (
        (block.slice(0, cut), stream.settings, [i for i in inputs if i.after_samples <= cut], 0),
        (
            block.slice(cut, len(block)),
            {**stream.settings, "calibration": after["calibration"]},
            [i for i in inputs if i.after_samples > cut],
            cut,
        ),
    )
    first, second = (
        ImportedStream(
            sensor=stream.sensor,
            unit=stream.unit,
            settings=told,
            side=stream.side,
            block=part,
            inputs=tuple(
                {"after_samples": i.after_samples - taken, "kind": i.kind, "data": i.data} for i in kept
            ),
        )
        for part, told, kept, taken in sides
    )
    return first, second
