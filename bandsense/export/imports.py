"""Sessions from files: our own JSON, CSV and Parquet, FIT, Strong and Hevy. Traces alone: see `recording`.

A training log knows sets and no samples; a set's weight becomes the peak of each of its repetitions, of which
the weight of an export is the mean. Nothing that a file does not say is made up: where times of sets are
missing, they follow each other without a length.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.errors import DataError, FileFormatError, MissingExtra
from bandsense.export.json import VERSION
from bandsense.export.training_logs import MONTHS
from bandsense.language import Message
from bandsense.samples import KGF_N, SampleBlock, Unit

__all__ = ["ImportedSession", "ImportedStream", "read_sessions"]

_STRONG_NEEDED = {"Date", "Exercise Name", "Set Order", "Weight", "Reps"}
_HEVY_NEEDED = {"title", "start_time", "exercise_title", "set_index", "reps"}
_OURS = ("time_s", "raw", "tension_n")
_POUND_KG = 0.45359237
_MOST_REPS = 10_000
_SIDE = re.compile(r"\s*\((left|right)\)$")
_FIT_MARK = b".FIT"
_PARQUET_MARK = b"PAR1"


@dataclass(frozen=True, slots=True)
class ImportedStream:
    """One sensor's part; `block` is None where the file holds no samples."""

    sensor: str
    unit: Unit
    settings: Mapping[str, Any]
    side: str | None = None
    block: SampleBlock | None = None
    inputs: tuple[Mapping[str, Any], ...] = ()
    sets: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """A session as a file tells it."""

    source: str
    started_unix_s: float
    software: str
    streams: tuple[ImportedStream, ...]
    ended_unix_s: float | None = None
    person: str | None = None
    exercise: str | None = None
    band: str | None = None
    summary: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    number: int | None = field(default=None, compare=False)
    """In the store that it comes from; another one gives it a number of its own."""


def read_sessions(path: Path) -> list[ImportedSession] | None:
    """Read the sessions of a file; None where it holds a trace alone, or something else.

    Raises:
        FileFormatError: the file is of a known kind and damaged.
        MissingExtra: it is a FIT or Parquet file and what reads it is not installed.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise FileFormatError(path, Message("there is no such file")) from None
    except OSError as error:
        raise FileFormatError(path, Message("it cannot be read: {error}", error=error)) from error
    try:
        if head[8:12] == _FIT_MARK:
            return [_fit(path)]
        if head.startswith(_PARQUET_MARK):
            return [_parquet(path)]
        if head.lstrip().startswith(b"{"):
            return [_json(path)]
        header = _header(head)
        if tuple(header[:3]) == _OURS and path.with_name(f"{path.name}-metadata.json").is_file():
            return [_csv(path)]
        if set(header) >= _STRONG_NEEDED:
            return list(_strong(path))
        if set(header) >= _HEVY_NEEDED:
            return list(_hevy(path))
    except (FileFormatError, MissingExtra):
        raise
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise FileFormatError(path, Message("it is damaged: {error!r}", error=error)) from error
    except (OSError, csv.Error, DataError) as error:
        raise FileFormatError(path, Message("it is damaged: {error}", error=error)) from error
    return None


def _header(head: bytes) -> list[str]:
    line = head.decode("utf-8-sig", errors="replace").partition("\n")[0].strip("\r")
    try:
        return next(csv.reader([line], delimiter=_delimiter(line)), [])
    except csv.Error:  # no text; whoever reads traces says so
        return []


def _delimiter(header: str) -> str:
    return ";" if ";" in header else ","


# Our own


def _unix_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _json(path: Path) -> ImportedSession:
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.get("version", VERSION) != VERSION or "streams" not in data:
        raise FileFormatError(
            path, Message("not a bandsense session, or one of a newer version; update bandsense to read it")
        )
    streams = tuple(_stream(path, part, part["columns"]) for part in data["streams"])
    return _session(data, streams)


def _csv(path: Path) -> ImportedSession:
    about = json.loads(path.with_name(f"{path.name}-metadata.json").read_text(encoding="utf-8"))
    notes = about["notes"][0]
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        columns: dict[str, Any] = dict(zip(names, zip(*reader, strict=True), strict=False))
    numbers = {
        name: np.array(columns.get(name, ()), dtype=np.float64)
        for name in ("time_s", "raw", "gap_before", "saturated")
    }
    return _session(notes, (_stream(path, notes, numbers),))


def _parquet(path: Path) -> ImportedSession:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(Message("Parquet"), "parquet") from error
    try:
        notes_json = (pq.read_schema(path).metadata or {}).get(b"bandsense")
        if notes_json is None:
            raise FileFormatError(
                path, Message("not a bandsense session: its metadata lacks the entry `bandsense`")
            )
        read = pq.read_table(path, columns=["time_s", "raw", "gap_before", "saturated"])
        numbers = {name: read[name].to_numpy() for name in read.column_names}
    except (pa.ArrowException, KeyError) as error:
        raise FileFormatError(path, Message("not a readable Parquet file: {error}", error=error)) from error
    notes = json.loads(notes_json)
    return _session(notes, (_stream(path, notes, numbers),))


def _session(data: Mapping[str, Any], streams: tuple[ImportedStream, ...]) -> ImportedSession:
    return ImportedSession(
        source=str(data["source"]),
        started_unix_s=_unix_s(data["started"]),
        ended_unix_s=None if data.get("ended") is None else _unix_s(data["ended"]),
        software=str(data["software"]),
        person=_text(data.get("person")),
        exercise=_text(data.get("exercise")),
        band=_text(data.get("band")),
        summary=data.get("summary"),
        streams=streams,
        number=data.get("session"),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _stream(path: Path, data: Mapping[str, Any], columns: Mapping[str, Any]) -> ImportedStream:
    unit = Unit(data["unit"])
    time_s = np.array(columns["time_s"], dtype=np.float64)
    gap = np.array(columns["gap_before"], dtype=np.float64) != 0.0
    saturated = np.array(columns["saturated"], dtype=np.float64) != 0.0
    block = SampleBlock(time_s, np.array(columns["raw"], dtype=np.float64), unit, gap, saturated)
    if len(block) != data["samples"]:
        raise FileFormatError(
            path,
            Message(
                "{found} samples instead of {said}; the file was cut off",
                found=len(block),
                said=data["samples"],
            ),
        )
    return ImportedStream(
        sensor=str(data["sensor"]),
        unit=unit,
        settings=data["settings"],
        side=data.get("side"),
        block=block if len(block) else None,
        inputs=tuple(data.get("inputs") or ()),
        sets=() if len(block) else tuple(data.get("sets") or ()),
    )


# Training logs


@dataclass(frozen=True, slots=True)
class _LoggedSet:
    exercise: str
    reps: int
    weight_kg: float
    duration_s: float = 0.0
    effort: float | None = None
    note: str = ""
    start_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.reps <= _MOST_REPS:
            raise ValueError(f"a set of {self.reps} repetitions")


def _logged(
    source: str, started_unix_s: float, ended_unix_s: float | None, sets: Sequence[_LoggedSet], **fit: Any
) -> Iterator[ImportedSession]:
    """Yield a session for each exercise of a workout."""
    names = dict.fromkeys(_SIDE.sub("", each.exercise) for each in sets)
    for name in names:
        own = [each for each in sets if _SIDE.sub("", each.exercise) == name]
        data = list(_sets(own))
        exercise = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "exercise"
        settings = {"exercise": {"id": exercise, "name": name, **fit}}
        yield ImportedSession(
            source=source,
            started_unix_s=started_unix_s,
            ended_unix_s=ended_unix_s,
            software=f"imported from {source}",
            exercise=exercise,
            streams=(ImportedStream(source, Unit.KILOGRAM_FORCE, settings, sets=tuple(data)),),
            summary={
                "reps": sum(len(each["reps"]) for each in data),
                "partial": 0,
                "sets": len(data),
                "full_reps": [len(each["reps"]) for each in data],
                "planned_sets": len(data),
                "samples": 0,
                "duration_s": data[-1]["end_s"] - data[0]["start_s"] if data else 0.0,
            },
        )


def _sets(sets: Iterable[_LoggedSet]) -> Iterator[dict[str, Any]]:
    end_s = 0.0
    for number, each in enumerate(sets, 1):
        start_s = end_s if each.start_s is None else each.start_s
        end_s = start_s + each.duration_s
        side = _SIDE.search(each.exercise)
        yield {
            "number": number,
            "start_s": start_s,
            "end_s": end_s,
            "side": side[1] if side else None,
            "reps": [{"index": rep + 1, "peak_n": each.weight_kg * KGF_N} for rep in range(each.reps)],
            "feedback": {"effort": each.effort, "pain": None, "note": each.note},
        }


def _rows(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), delimiter=_delimiter(text.partition("\n")[0])))
    if any(None in row or None in row.values() for row in rows):
        raise FileFormatError(path, Message("its rows do not have as many columns as its header"))
    return rows


def _number(text: str | None) -> float | None:
    return float(text.replace(",", ".")) if text and text.strip() not in ("", "-") else None


def _note(text: str | None) -> str:
    return "" if text is None or text.strip() == "-" else text


def _strong(path: Path) -> Iterator[ImportedSession]:
    workouts: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _rows(path):
        if row["Set Order"].strip().isdecimal():  # others are warm-ups, rests and notes
            workouts.setdefault((row["Date"], row.get("Workout Name", "")), []).append(row)
    for (date, _), rows in workouts.items():
        started = datetime.strptime(date, "%Y-%m-%d %H:%M:%S").timestamp()
        length = rows[0].get("Workout Duration") or rows[0].get("Duration") or ""
        minutes = sum(
            int(n) * (60 if unit == "h" else 1) for n, unit in re.findall(r"(\d+)\s*([hm])", length)
        )
        sets = [
            _LoggedSet(
                exercise=row["Exercise Name"],
                reps=int(_number(row["Reps"]) or 0),
                weight_kg=(_number(row["Weight"]) or 0.0)
                * (_POUND_KG if row.get("Weight Unit", "kg").startswith("lb") else 1.0),
                duration_s=_number(row.get("Seconds")) or 0.0,
                effort=_number(row.get("RPE")),
                note=_note(row.get("Notes")),
            )
            for row in rows
        ]
        yield from _logged("strong", started, started + 60.0 * minutes if minutes else None, sets)


def _hevy(path: Path) -> Iterator[ImportedSession]:
    workouts: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in _rows(path):
        workouts.setdefault((row["start_time"], row.get("end_time", ""), row["title"]), []).append(row)
    for (start, end, _), rows in workouts.items():
        sets = [
            _LoggedSet(
                exercise=row["exercise_title"],
                reps=int(_number(row["reps"]) or 0),
                weight_kg=_number(row.get("weight_kg"))
                or (_number(row.get("weight_lbs")) or 0.0) * _POUND_KG,
                duration_s=_number(row.get("duration_seconds")) or 0.0,
                effort=_number(row.get("rpe")),
                note=row.get("exercise_notes") or "",
            )
            for row in rows
            if row.get("set_type", "normal") != "warmup"
        ]
        if sets:
            yield from _logged("hevy", _hevy_time(start), _hevy_time(end) if end else None, sets)


def _hevy_time(text: str) -> float:
    found = re.fullmatch(r"(\d+) (\w+) (\d{4}), (\d+):(\d+)", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of Hevy's")
    day, month, year, hour, minute = found.groups()
    number = MONTHS.index(month[:3].title()) + 1
    return datetime(int(year), number, int(day), int(hour), int(minute)).timestamp()


# FIT


def _fit(path: Path) -> ImportedSession:
    """Read the active sets of a strength training activity."""
    try:
        from fit_tool.fit_file import FitFile
    except ImportError as error:
        raise MissingExtra(Message("FIT"), "fit") from error
    try:
        messages = [record.message for record in FitFile.from_file(str(path)).records]
    except Exception as error:  # fit-tool raises plain ones
        raise FileFormatError(path, Message("not a readable FIT file: {error}", error=error)) from error
    found: dict[str, list[Any]] = {}
    for message in messages:
        found.setdefault(type(message).__name__, []).append(message)
    sets = [each for each in found.get("SetMessage", []) if each.set_type == 1 and each.repetitions]
    if not sets:
        raise FileFormatError(
            path, Message("a FIT file without a set; only strength training can be imported")
        )
    session = (found.get("SessionMessage") or found.get("ActivityMessage"))[0]  # type: ignore[index]
    origin_s = (getattr(session, "start_time", None) or sets[0].start_time) / 1000.0
    titles = found.get("ExerciseTitleMessage", [])
    name = str(titles[0].workout_step_name) if titles else "Strength training"
    category, subtype = sets[0].category or [None], sets[0].category_subtype or [None]
    logged = [
        _LoggedSet(
            exercise=name,
            reps=int(each.repetitions),
            weight_kg=float(each.weight or 0.0),
            duration_s=float(each.duration or 0.0),
            start_s=each.start_time / 1000.0 - origin_s,
        )
        for each in sets
    ]
    fit = {"category": category[0], "subtype": subtype[0]}
    (imported,) = _logged("fit", origin_s, session.timestamp / 1000.0, logged, fit=fit)
    return imported
