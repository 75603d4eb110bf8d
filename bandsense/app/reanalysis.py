"""Sessions computed anew from their raw samples: with another calibration or band, or by another version.

What was seen live stays as it is; a new result is kept beside it, marked by the settings and the software on
which it rests. The same settings and software are computed once: what was cut short goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bandsense.app.executor import opened_pool
from bandsense.app.trainee import profiles_of
from bandsense.bands.displacement import FittedBand
from bandsense.errors import BandsenseError, ConfigError
from bandsense.language import Message, message_of
from bandsense.live.plan_formatting import plan_json
from bandsense.samples import SampleBlock
from bandsense.store.address import ServerAddress
from bandsense.store.analyses import Analyses, Analysis, analysis_digest
from bandsense.store.model import Input, Session
from bandsense.store.store import Store
from bandsense.workout.events import fields_json
from bandsense.workout.inputs import input_from
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

__all__ = [
    "Change",
    "Outcome",
    "changed_settings",
    "follow",
    "measured_band",
    "reanalyze",
    "software",
]


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from how it was seen live; None stays as it was.

    Attributes:
        calibration: as `Calibration.to_dict` gives it; only for sensors of its unit.
        band: identity of a band with a calibration pull.
    """

    calibration: Mapping[str, Any] | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sensor's part.

    Attributes:
        live, again: number of repetitions and mean peak of each set; as it was stored, and now.
        new: it was computed now, not before.
        problem: why it could not be; None where it was.
    """

    session: int
    side: str | None
    live: tuple[tuple[int, float], ...] = ()
    again: tuple[tuple[int, float], ...] = ()
    new: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    store: Path | ServerAddress
    session: int
    stream: int
    side: str | None
    settings: Mapping[str, Any]
    digest: str


def reanalyze(
    store: Store, sessions: Iterable[Session], change: Change, jobs: int = 1, scheduler: str | None = None
) -> Iterator[Outcome]:
    """Compute sessions anew, in as many processes; yields each part as it is done and kept.

    Args:
        store: where they are. With a scheduler its workers find it at the same place.
        sessions: some of it.
        change: what is different from how they were seen live.
        jobs: local processes.
        scheduler: address of a Dask scheduler that computes in place of them.

    Raises:
        ConfigError: the band is not known or has no calibration pull, or the scheduler does not answer.
        DataError: a process that computes ended before its time.
        StoreError: a result cannot be kept.
    """
    version = software()
    analyses = Analyses(store.database)
    band = measured_band(store, change.band)
    tasks = []
    for session in sessions:
        for stream in session.streams:
            settings = changed_settings(stream.settings, change, band)
            digest = analysis_digest(settings, version)
            kept = analyses.get(stream.id, digest)
            if kept is not None:
                yield Outcome(session.id, stream.side, _figures(store.sets(stream)), _figures(kept.sets))
            else:
                tasks.append(_Task(store.path, session.id, stream.id, stream.side, settings, digest))
    if not tasks:
        return
    with opened_pool(min(jobs, len(tasks)), scheduler) as pool:
        for task, result in pool.run(_computed, tasks):
            if isinstance(result, str):
                yield Outcome(task.session, task.side, problem=result)
                continue
            analyses.keep(result)
            stream = next(each for each in store.session(task.session).streams if each.id == task.stream)
            live = _figures(store.sets(stream))
            yield Outcome(task.session, task.side, live, _figures(result.sets), new=True)


def software() -> str:
    """Return name and version of what computes."""
    from bandsense import __version__

    return f"bandsense {__version__}"


def measured_band(store: Store, band: str | None) -> FittedBand | None:
    """Return a band as its calibration pull found it; None for None.

    Raises:
        ConfigError: it is not known or has no calibration pull.
    """
    if band is None:
        return None
    measured = profiles_of(store).band(band).measured()
    if measured is None:
        raise ConfigError(
            Message(
                "the band {band!r} has no calibration pull; make one with `bandsense band pull {band}`",
                band=band,
            )
        )
    return measured


def changed_settings(
    settings: Mapping[str, Any], change: Change, band: FittedBand | None
) -> Mapping[str, Any]:
    """Return the settings of a stream with what is to be different."""
    changed = dict(settings)
    if change.calibration is not None:
        changed["calibration"] = dict(change.calibration)
    if band is not None:
        with suppress(BandsenseError):
            read = WorkoutSettings.from_dict(changed)
            changed["band"] = WorkoutSettings(read.calibration, band=band).to_dict()["band"]
    return changed


def _computed(task: _Task) -> Analysis | str:
    """Follow a stream with the settings of a task; gives the reason where that cannot be."""
    try:
        store = Store.open(task.store, read_only=True)
        stream = next(each for each in store.session(task.session).streams if each.id == task.stream)
        if stream.damage is not None or not stream.samples:
            return stream.damage or "it has no samples"
        summary, sets = follow(task.settings, store.timeline(stream))
    except BandsenseError as error:
        return message_of(error)
    return Analysis(task.stream, task.digest, software(), task.settings, summary, sets)


def follow(
    settings: Mapping[str, Any], timeline: Iterable[SampleBlock | Input]
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Follow a stream with these settings; gives its summary and its sets as JSON objects.

    Raises:
        BandsenseError: the settings or what is stored is damaged, or they do not fit each other.
    """
    workout = Workout(WorkoutSettings.from_dict(settings))
    for item in timeline:
        if isinstance(item, SampleBlock):
            workout.push(item)
        else:
            workout.apply(input_from(item.kind, item.data))
    workout.finish()
    sets = tuple(
        fields_json(result, workout.uncertainty_n) | plan_json(result, workout.settings)
        for result in workout.results
    )
    return asdict(workout.summary()), sets


def _figures(sets: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, float], ...]:
    """Return repetitions and mean peak of each set, under the names of any version."""
    found = []
    for each in sets:
        peaks_n = [rep.get("peak_n", rep.get("peak_tension")) for rep in each.get("reps", ())]
        known = [peak_n for peak_n in peaks_n if peak_n is not None]
        found.append((len(peaks_n), sum(known) / len(known) if known else 0.0))
    return tuple(found)
