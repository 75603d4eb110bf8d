"""Files of other programs, or of another store, taken into a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bandsense.app.pipeline import SessionPipeline
from bandsense.calibration.curve import Calibration
from bandsense.errors import BandsenseError, ConfigError, FileFormatError, StoreError
from bandsense.exercises.catalogue import get_exercise, load_exercises
from bandsense.export.imports import ImportedSession, ImportedStream, read_sessions
from bandsense.export.recording import ColumnMapping, read_recording
from bandsense.language import Message
from bandsense.profiles.base import require_harmless
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.store.merge import merge_by_sample
from bandsense.store.model import Input, NewSession, NewStream, Session, Stream
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from bandsense.workout.inputs import input_from
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

__all__ = ["ImportOptions", "Imported", "import_files", "keep_session"]

_PIECE = 4096
"""Samples in a piece of raw data: damage to one costs less than a minute."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a file does not say.

    Attributes:
        person, exercise: whose it is and what was trained; they take the place of what the file says.
        started_unix_s: when a trace began; None for the time of the file itself.
        mapping: the columns of a trace whose header does not name them.
    """

    person: str | None = None
    exercise: str | None = None
    started_unix_s: float | None = None
    mapping: ColumnMapping | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A session that was taken in, or that was there already (`new` is False), with what is to be told."""

    session: int
    path: Path
    new: bool
    notes: tuple[str, ...] = ()


def import_files(store: Store, paths: Sequence[Path], options: ImportOptions) -> list[Imported]:
    """Take files into a store; the CSV files of two sensors of one session become one session.

    Importing a file again changes nothing. What began at the same time but holds something else is taken in,
    with a note.

    Raises:
        FileFormatError: a file cannot be read; those before it are in the store.
        ConfigError: the exercise is not known.
        StoreError: the store cannot be written.
    """
    if options.exercise is not None:
        get_exercise(options.exercise)
    found: list[tuple[Path, ImportedSession]] = []
    for path in paths:
        sessions = None if options.mapping is not None else read_sessions(path)
        if sessions is None:
            sessions = [_trace(path, options)]
        for session in sessions:
            _require_harmless(path, session)
            found.append((path, session))
    return [_keep(store, path, _completed(session, options)) for path, session in _joined(found)]


def _require_harmless(path: Path, session: ImportedSession) -> None:
    """Check that no text of a session steers the terminal that shows it."""
    told: list[object] = [
        session.source,
        session.software,
        session.person,
        session.exercise,
        session.band,
        session.summary,
    ]
    for stream in session.streams:
        told += [stream.sensor, stream.settings, stream.inputs, stream.sets]
    try:
        require_harmless(told)
    except ValueError as error:
        raise FileFormatError(path, Message("a text in it cannot be shown: {error}", error=error)) from error


def _joined(found: list[tuple[Path, ImportedSession]]) -> list[tuple[Path, ImportedSession]]:
    """Put the sides of one session together."""
    result: list[tuple[Path, ImportedSession]] = []
    for path, session in found:
        (mine,) = session.streams if len(session.streams) == 1 else (None,)
        for place, (first, other) in enumerate(result):
            sides = {stream.side for stream in other.streams}
            alike = replace(other, streams=()) == replace(session, streams=())
            if (
                mine is not None
                and mine.side is not None
                and None not in sides
                and alike
                and mine.side not in sides
            ):
                streams = sorted((*other.streams, mine), key=lambda stream: stream.side or "")
                result[place] = (first, replace(other, streams=tuple(streams)))
                break
        else:
            result.append((path, session))
    return result


def _trace(path: Path, options: ImportOptions) -> ImportedSession:
    """Read a force trace; whose times are on no clock of the day, it began when its file was last written."""
    recording = read_recording(path, options.mapping)
    block, notes = recording.block, recording.notes
    length_s = float(block.time_s[-1])
    started = options.started_unix_s or recording.started_unix_s
    if started is None:
        started = path.stat().st_mtime - length_s
        notes += (
            Message(
                "the file does not say when it began; it is taken to have ended when the file was written"
            ),
        )
    exercise = None if options.exercise is None else get_exercise(options.exercise)
    settings = WorkoutSettings(Calibration.identity(), exercise).to_dict()
    stream = ImportedStream("imported", Unit.NEWTON, settings, block=block)
    return ImportedSession(
        source=path.name,
        started_unix_s=started,
        ended_unix_s=started + length_s,
        software="imported",
        streams=(stream,),
        notes=notes,
    )


def _completed(session: ImportedSession, options: ImportOptions) -> ImportedSession:
    exercise = options.exercise or session.exercise
    streams = session.streams
    if streams and streams[0].block is None:
        streams = tuple(replace(stream, settings=_known(stream.settings)) for stream in streams)
    return replace(session, person=options.person or session.person, exercise=exercise, streams=streams)


def _known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Name the exercise of a training log as the catalogue does, where that has it."""
    said = settings.get("exercise") or {}
    for exercise in load_exercises().values():
        if said.get("name", "").casefold() == exercise.name.casefold() and "fit" not in said:
            return {**settings, "exercise": {**said, "fit": exercise.fit.model_dump(mode="json")}}
    return dict(settings)


def _keep(store: Store, path: Path, session: ImportedSession) -> Imported:
    notes = session.notes
    for other in store.sessions():
        sensors = sorted((stream.sensor, stream.side or "") for stream in other.streams)
        alike = other.started_unix_s == session.started_unix_s and other.exercise == session.exercise
        if not alike or sensors != sorted((stream.sensor, stream.side or "") for stream in session.streams):
            continue
        if _same_content(store, other, session):
            return Imported(other.id, path, new=False, notes=session.notes)
        notes += (
            Message(
                "session {session} began at the same time with other content; both are kept", session=other.id
            ),
        )
    return Imported(keep_session(store, path, session), path, new=True, notes=notes)


def _same_content(store: Store, other: Session, session: ImportedSession) -> bool:
    """Tell whether a stored session holds what a file does: its samples or, where it has none, its sets."""

    def by_sensor(stream: Stream | ImportedStream) -> tuple[str, str]:
        return stream.sensor, stream.side or ""

    pairs = zip(sorted(other.streams, key=by_sensor), sorted(session.streams, key=by_sensor), strict=True)
    return all(_same_stream(store, stored, read) for stored, read in pairs)


def _same_stream(store: Store, stored: Stream, read: ImportedStream) -> bool:
    if read.block is None:
        return not stored.samples and store.sets(stored) == [dict(each) for each in read.sets]
    if stored.samples != len(read.block):
        return False
    try:
        return concatenate(store.blocks(stored)) == read.block
    except StoreError:  # what is damaged here may be whole in the file
        return False


def keep_session(store: Store, origin: Path | str, session: ImportedSession) -> int:
    """Write a session into a store, followed as it would have been live; gives its number.

    Raises:
        FileFormatError: it makes no sense; `origin` says where it is from. Nothing of it stays.
        StoreError: it cannot be written.
    """
    streams = [NewStream(s.sensor, s.unit, s.settings, s.side) for s in session.streams]
    new = NewSession(
        source=session.source,
        started_unix_s=session.started_unix_s,
        streams=tuple(streams),
        software=session.software,
        person=session.person,
        exercise=session.exercise,
        band=session.band,
    )
    recorder = store.record(new)
    try:
        summary: dict[str, Any] | None = dict(session.summary) if session.summary is not None else None
        for number, stream in enumerate(session.streams):
            followed = _follow(origin, recorder, number, stream, session)
            summary = summary if summary is not None else followed
        recorder.close(summary=summary, ended_unix_s=session.ended_unix_s)
    except BaseException:
        recorder.close()
        store.delete(recorder.session)
        raise
    return recorder.session


def _follow(
    path: Path | str, recorder: Recorder, number: int, stream: ImportedStream, session: ImportedSession
) -> dict[str, Any] | None:
    """Record a stream, and follow it where it has samples, as it would have been live."""
    if stream.block is None:
        for each in stream.inputs:
            recorder.note_input(str(each["kind"]), each["data"], stream=number)
        for result in stream.sets:
            recorder.note_set(result, stream=number)
        return None
    try:
        pipeline = SessionPipeline(
            Workout(WorkoutSettings.from_dict(stream.settings)), sinks=[recorder], stream=number
        )
        inputs = [Input(int(i["after_samples"]), str(i["kind"]), i["data"]) for i in stream.inputs]
        pieces = (stream.block.slice(at, at + _PIECE) for at in range(0, len(stream.block), _PIECE))
        for item in merge_by_sample(pieces, inputs):
            if isinstance(item, SampleBlock):
                pipeline.push(item)
                recorder.flush()
            else:
                pipeline.apply(input_from(item.kind, item.data))
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(path, Message("it is damaged: {error}", error=error)) from error
    except BandsenseError as error:
        raise FileFormatError(path, str(error)) from error
    return asdict(pipeline.finish())
