"""Write docs/data.md: every field of every stored thing and of every export, with unit, meaning and source.

    python tools/data_dictionary.py

Fields are read from the code: the tables from the store's own schema, documents and results from the classes
that make them, columns from the lists that exports write. A field without a meaning stops the writing, and
`tests/test_data_dictionary.py` holds the page to the code.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sqlite3
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "data.md"

HEAD = """# Data dictionary

Every field of the store, of CSV, Parquet and JSON exports, and of events: unit, type, meaning, and the
class or list in the code that it comes from. FIT, FHIR, IEEE 1752.1, BIDS and training logs follow
standards of their own. [The store](store.md) and [export](export.md) say what the files are for,
[metrics](metrics.md) how each figure is computed, [events](events.md) when each event comes.

All values are in SI units, which the name ends in: `_s` seconds, `_n` newtons, `_m` metres, `_j` joules. A
time ending in `_unix_s` is in seconds since 1970-01-01 UTC; every other time is device time, from the
sensor's own clock. An uncertainty is a standard uncertainty (k = 1). Wherever an event or a stored result
has the `peak_n` of a repetition or a set, `peak_uncertainty_n` stands beside it, listed below or not. A
type with `?` may be missing or null; `[]` is a list.

A JSON export is one object: the columns of [sessions](#columns-sessions), `software`, `summary`
([Summary](#summary)), and `streams`, one for each sensor, with its `settings`
([WorkoutSettings](#workoutsettings)), `sets` ([SetResult](#setresult)), `inputs`, and the
[samples](#columns-samples) by column. [session.schema.json](session.schema.json) has it exactly.

This page is written by `python tools/data_dictionary.py`, and a test checks it against the code.
"""

UNITS = (
    ("_unix_s", "s since 1970 UTC"),
    ("_n_per_s", "N/s"),
    ("_per_s", "1/s"),
    ("_m_s", "m/s"),
    ("_n_s", "N·s"),
    ("_hz", "Hz"),
    ("_kg", "kg"),
    ("_cm", "cm"),
    ("_c", "°C"),
    ("_j", "J"),
    ("_m", "m"),
    ("_n", "N"),
    ("_s", "s"),
)
"""Endings of names, the longer ones first."""

OTHER_UNITS = {
    "percent": "%",
    "celsius": "°C",
    "seconds": "s",
    "newton_per_unit": "N per unit of the reading",
    "newton_per_unit2": "N per unit² of the reading",
    "zero": "unit of the reading",
}

TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "sessions": (
        "One training session.",
        {
            "id": "Number of the session",
            "started_unix_s": "When it began",
            "ended_unix_s": "When it ended; NULL while it is recorded",
            "state": "`open` (being recorded), `complete`, or `recovered` (cut short, closed later)",
            "source": "`sensor`, `simulator …`, or the file or program that it was imported from",
            "person": "Identity of the person, as in `people`",
            "exercise": "Identity of the exercise",
            "software": "Name and version of what recorded it",
            "summary": "JSON: Summary; with two sensors also the differences of the sides, and `clocks`",
            "band": "Identity of the band, as in `bands`",
            "binned_unix_s": "When it was put into the bin; NULL while it is not there",
            "identity": "What tells it from all others, in every store that it is brought to",
        },
    ),
    "streams": (
        "One sensor's part in a session.",
        {
            "id": "Number of the stream",
            "session": "Its session",
            "sensor": "Serial number or address of the sensor",
            "side": "`left` or `right`, where there are two sensors",
            "unit": "What its samples are: `count`, `N` or `kgf`",
            "settings": "JSON: WorkoutSettings with which its samples were followed; `setup`: band, length",
            "identity": "What tells it from all others, in every store that it is brought to",
        },
    ),
    "chunks": (
        "Raw samples, written about every half second.",
        {
            "stream": "Its stream",
            "number": "Place among the chunks of the stream, from 0",
            "samples": "How many samples it holds",
            "first_time_s": "Device time of its first sample",
            "last_time_s": "Device time of its last sample",
            "arrived_unix_s": "When the last of them reached this computer",
            "data": "Version, number of samples, CRC-32; times, readings in the stream's unit, and marks "
            "for gaps and saturation, packed (`bandsense/store/chunks.py`)",
        },
    ),
    "inputs": (
        "What besides samples reached a stream, so that a replay is exact.",
        {
            "stream": "Its stream",
            "number": "Place among the inputs of the stream, from 0",
            "after_samples": "How many samples came before it",
            "kind": "Name of the input",
            "data": "JSON: the fields of the input",
        },
    ),
    "events": (
        "What was told, as it was told when it happened.",
        {
            "stream": "Its stream",
            "number": "Place among the events of the stream, from 0",
            "kind": "Name of the event",
            "data": "JSON: the fields of the event",
        },
    ),
    "sets": (
        "Finished sets; of a set that was corrected the later row counts.",
        {
            "stream": "Its stream",
            "number": "Place among the results of the stream, from 0",
            "data": "JSON: SetResult, and the plan and calibration that it was measured with",
        },
    ),
    "people": ("People who train.", {"id": "Identity", "data": "JSON: Person"}),
    "bands": ("Bands that someone owns.", {"id": "Identity", "data": "JSON: BandProfile"}),
    "sensors": ("Sensors that were paired.", {"id": "Identity", "data": "JSON: SensorProfile"}),
    "edits": (
        "What was changed afterwards, so that each change can be undone.",
        {
            "id": "Number of the change",
            "made_unix_s": "When it was made",
            "kind": "What was done: `set`, `merge`, `split`, `delete`",
            "data": "JSON: what it was done to, and how that was before",
        },
    ),
    "analyses": (
        "A stream computed again, beside what was seen live.",
        {
            "stream": "Its stream",
            "digest": "Checksum of settings and software: the same ones give the same result",
            "made_unix_s": "When it was computed",
            "software": "Name and version of what computed it",
            "settings": "JSON: WorkoutSettings that it was computed with",
            "summary": "JSON: Summary",
            "sets": "JSON: list of SetResult",
        },
    ),
    "pushed": (
        "How something was when this store and a server last had the same of it (`bandsense push`).",
        {
            "target": "Identity of the clinic's store",
            "kind": "What it is: `person`, `band`, `sensor`, `session`, `part` (a stream)",
            "item": "Its identity",
            "digest": "Checksum of what both had",
        },
    ),
}

COMMON = {
    "concentric_s": "Duration of the pull",
    "hold_s": "Duration of the hold",
    "eccentric_s": "Duration of the return",
    "rest_s": "Time until the next pull; null after the last repetition",
    "time_s": "When it happened",
    "detected_s": "When it became certain; not before `time_s`",
    "number": "Number of the set, from 1",
    "index": "Number of the repetition, from 1",
    "side": "`left` or `right`; null where both work at once",
    "id": "Identity",
    "message": "The same in words",
    "percent": "Battery level",
    "version": "Version of this document",
}
"""Fields that mean the same wherever their class does not say otherwise."""


MORE: Mapping[str, Mapping[str, str]] = {
    "Asymmetry": {
        "peak": "Difference of the greatest tension",
        "impulse": "Difference of the impulse",
        "range": "Difference of the range",
        "time_under_tension": "Difference of the time under tension",
    },
    "BandProfile": {
        "name": "What its owner calls it",
        "brand": "Who makes it",
        "form": "How it is made",
    },
    "Breathing": {"concentric": "Breath on the pull", "eccentric": "Breath on the return"},
    "Corrected": {
        "is_rep": "True: that was a repetition; false: the latest one was none",
        "problem": "Why nothing follows; null where something does",
        "reps": "How many: more than one where a whole set was not counted, 0 where nothing follows",
    },
    "Exercise": {
        "name": "What it is called",
        "summary": "What it is, in a line",
        "setup": "How to set it up, step by step",
        "start_pose": "How one stands or sits at the start of the pull",
        "end_pose": "How one stands or sits at its end",
        "cautions": "What to take care of",
    },
    "Feedback": {
        "effort": "How hard the set was, 0 to 10; null where nothing was said",
        "pain": "How much it hurt, 0 to 10; null where nothing was said",
        "note": "What else the person said",
    },
    "Fatigue": {
        "range_lost": "Loss of the range of motion",
        "concentric_time_gained": "Gain of the duration of the pull",
        "velocity_lost": "Loss of the mean velocity of the pull",
    },
    "HandTempo": {
        "concentric_s": "Duration of the movement in which tension rises",
        "eccentric_s": "Duration of the movement back",
        "pull_s": "Duration of the movement in which tension rises",
        "hold_s": "Duration of the hold at the end of it",
        "return_s": "Duration of the movement back",
        "rest_s": "Time at the start, before the next repetition",
    },
    "LinkChange": {"state": "`searching`, `connecting`, `connected`, `streaming`, `lost` or `closed`"},
    "LinkChanged": {"state": "`searching`, `connecting`, `connected`, `streaming`, `lost` or `closed`"},
    "Person": {"name": "What they are called"},
    "Prescription": {
        "format": "Tells what the file is",
        "exercise": "What to do; in the file each is an `[[exercise]]`",
        "stop": "When to stop",
    },
    "PhaseChanged": {"phase": "The phase that began"},
    "PrescribedExercise": {
        "sets": "Sets a session",
        "reps": "Full repetitions a set, at least",
        "tempo": "Tempo of the hand; that of the exercise where left out",
    },
    "RepCompleted": {"rep": "The repetition, with boundaries as far as they are known now"},
    "RepCounted": {
        "peak_n": "Greatest tension so far",
        "peak_uncertainty_n": "Its standard uncertainty",
        "count": "How many stand now",
        "probability": "That it is a repetition at all",
    },
    "RepRetracted": {"reason": "Why", "count": "How many stand now"},
    "RestChange": {"seconds": "By how much; negative shortens the rest"},
    "RestChanged": {"rest_s": "How long the rest is to last, from the end of the set"},
    "SensorTemperature": {"celsius": "Temperature"},
    "SetCorrected": {
        "result": "The set as it is now; null where no repetition is left",
        "recounted": "False where its repetitions are the same, and only how sure they are is not",
    },
    "SetDone": {"result": "The set: repetitions, figures, what ended it"},
    "Setup": {"band": "Identity of the band; null for an unknown one"},
    "Signature": {"algorithm": "How it is signed (RFC 8032)"},
    "SignalWarning": {"kind": "What is wrong"},
    "SlackAdvised": {"advice": "What to do, when, by how much, and why"},
    "SlackAnswer": {"followed": "True: done as advised; false: left as it is"},
    "SlackAnswered": {
        "followed": "The slack was changed as advised",
        "advice": "What was answered",
    },
    "Summary": {
        "full": "Full repetitions",
        "partial": "Surely partial repetitions",
        "unsure": "Repetitions of which nobody can say whether they are full",
        "time_under_tension_s": "Time under tension of all repetitions together",
        "peak_n": "Greatest tension",
        "peak_uncertainty_n": "Standard uncertainty of the greatest tension",
        "samples": "How many there were",
    },
    "SetMetrics": {
        "impulse_n_s": "Sum over the repetitions",
        "time_under_tension_s": "Sum over the repetitions",
        "range_cv": "Coefficient of variation of their ranges",
        "duration_cv": "Coefficient of variation of their time under tension",
    },
    "StorageChange": {"problem": "Why samples cannot be stored; null where they can"},
    "Tared": {"problem": "Why it was not set; null where it was"},
    "TensionTick": {"tension_n": "Tension", "tension_uncertainty_n": "Its standard uncertainty"},
    "TensionZone": {"low_n": "Peaks below it are too low", "high_n": "Peaks above it are too high"},
}
"""Meanings that the docstring of a class tells in its sentence, or not at all."""


def _import() -> None:
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))


def unit_of(name: str) -> str:
    """Return the unit that a field's name ends in; an en dash where it has none."""
    if name in OTHER_UNITS:
        return OTHER_UNITS[name]
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "–")


def kind_of(annotation: Any) -> str:
    """Return a type as the page writes it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return kind_of(arguments[0])
    if origin in (typing.Union, types.UnionType):
        parts = [kind_of(each) for each in arguments if each is not type(None)]
        return " or ".join(parts) + ("?" if type(None) in arguments else "")
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    if origin in (tuple, list):
        return f"{kind_of(arguments[0])}[]"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{kind_of(arguments[1])} by {kind_of(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{each.value}`" for each in annotation)
    names = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, type) and fields_of(annotation):
        label = label_of(annotation)
        return f"[{label}](#{re.sub('[^a-z -]', '', label.lower()).replace(' ', '-')})"
    return getattr(annotation, "__name__", str(annotation))


_LABELS: dict[str, type] = {}


def label_of(cls: type) -> str:
    """Return the name of a class, with that of its module where another one has it already."""
    if _LABELS.setdefault(cls.__name__, cls) is cls:
        return cls.__name__
    return f"{cls.__name__} ({cls.__module__.rpartition('.')[2]})"


def fields_of(cls: type) -> dict[str, Any]:
    """Return the fields of a dataclass or a pydantic model with their types; empty for any other class."""
    from pydantic import BaseModel

    if issubclass(cls, BaseModel):
        return {name: field.annotation for name, field in cls.model_fields.items()}
    if dataclasses.is_dataclass(cls):
        hints = typing.get_type_hints(cls)
        return {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    return {}


def parts_of(annotation: Any) -> Iterator[type]:
    """Yield the classes with fields that a type is made of."""
    if isinstance(annotation, type) and fields_of(annotation):
        yield annotation
    for each in typing.get_args(annotation):
        yield from parts_of(each)


def meanings_of(cls: type) -> dict[str, str]:
    """Return what the docstrings of a class and of those it is derived from say of its fields."""
    found: dict[str, str] = {}
    names = fields_of(cls)
    for base in cls.__mro__:
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        listed = re.search(r"^(?:Attributes|Args):\n(.*?)(?=^\w+:\n|\Z)", text, re.DOTALL | re.MULTILINE)
        if listed is None:
            continue
        flat = " ".join(listed[1].split())
        known = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        pieces = re.split(rf"(?:^|(?<=\. ))((?:{known})(?:, (?:{known}))*): ", flat) if known else [flat]
        for heads, meaning in zip(pieces[1::2], pieces[2::2], strict=True):
            for head in heads.split(", "):
                found.setdefault(head, meaning.strip().rstrip("."))
    return found


class Missing(Exception):
    """Fields have no meaning."""


def class_section(cls: type, missing: list[str], title: str | None = None) -> str:
    """Return the section of a class; fields without a meaning are added to `missing`."""
    told = meanings_of(cls)
    first = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    lines = [f"### {title or label_of(cls)}", "", f"{first} Source: `{cls.__module__}.{cls.__name__}`.", ""]
    rows = []
    for name, annotation in fields_of(cls).items():
        extra = MORE.get(cls.__name__, {})
        meaning = extra.get(name) or told.get(name) or COMMON.get(name)
        if meaning is None:
            missing.append(f"{cls.__name__}.{name}")
            meaning = ""
        rows.append((f"`{name}`", unit_of(name), kind_of(annotation), f"{meaning[:1].upper()}{meaning[1:]}"))
    return "\n".join([*lines, *table(("field", "unit", "type", "meaning"), rows)]) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table as lines; without rows a sentence."""
    if not rows:
        return ["It has no fields."]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *escaped)]


def schema() -> dict[str, list[tuple[str, str, bool]]]:
    """Return the columns of a new store by table: name, type, whether it may be NULL."""
    from bandsense.store.store import Store

    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        Store.open(path)
        with closing(sqlite3.connect(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {
                name: [
                    (column, kind, not required and not key)
                    for _, column, kind, required, _, key in connection.execute(f"PRAGMA table_info({name})")
                ]
                for (name,) in names
                if not name.startswith("sqlite_")
            }


def table_sections(missing: list[str]) -> Iterator[str]:
    """Yield a section for each table of the store."""
    for name, columns in schema().items():
        about, meanings = TABLES.get(name, ("", {}))
        missing += [f"table {name}"] * (name not in TABLES)
        rows = []
        for column, kind, optional in columns:
            missing += [f"{name}.{column}"] * (column not in meanings)
            unit = unit_of(column) if kind == "REAL" else "–"
            rows.append(
                (f"`{column}`", unit, kind.lower() + ("?" if optional else ""), meanings.get(column, ""))
            )
        missing += [f"{name}.{each} is gone" for each in meanings.keys() - {column for column, *_ in columns}]
        lines = [f"### Table `{name}`", "", f"{about} Source: `bandsense/store/migrations/`.", ""]
        yield "\n".join([*lines, *table(("column", "unit", "type", "meaning"), rows)]) + "\n"


def column_sections() -> Iterator[str]:
    """Yield a section for each list of columns that is exported or given to programs."""
    from bandsense.app import archive
    from bandsense.export import analysed, rows
    from bandsense.export import table as exported

    for title, about, module, name in (
        ("Samples", "Exports `csv`, `json`, `parquet`, and `StoredSession.samples()`.", exported, "COLUMNS"),
        ("Sets", "Export `csv-sets`, and `StoreReader.sets()`.", rows, "SET_COLUMNS"),
        ("Repetitions", "Export `csv-reps`, and `StoreReader.repetitions()`.", rows, "REP_COLUMNS"),
        ("Results of an archive", "`bandsense reanalyze --parquet`.", analysed, "ANALYSED_COLUMNS"),
        ("Sessions", "`StoreReader.overview()`.", archive, "SESSION_COLUMNS"),
        ("Bands", "`StoreReader.bands()`.", archive, "BAND_COLUMNS"),
    ):
        listed = [
            (f"`{each.name}`", (each.unit or "–").replace(".", "·"), each.datatype, each.description)
            for each in getattr(module, name)
        ]
        lines = [f"### Columns: {title.lower()}", "", f"{about} Source: `{module.__name__}.{name}`.", ""]
        yield "\n".join([*lines, *table(("column", "unit", "type", "meaning"), listed)]) + "\n"


def classes_below(roots: Sequence[Any], seen: set[type]) -> list[type]:
    """Return the classes with fields that are reached from some, each once, in the order of reaching."""
    found: list[type] = []
    waiting = [cls for root in roots for cls in parts_of(root)]
    while waiting:
        cls = waiting.pop(0)
        if cls not in seen:
            seen.add(cls)
            found.append(cls)
            waiting += [part for annotation in fields_of(cls).values() for part in parts_of(annotation)]
    return found


def page() -> str:
    """Return the page.

    Raises:
        Missing: fields have no meaning; it names them.
    """
    _import()
    from bandsense.calibration.clip_on import DirectionalCalibration
    from bandsense.calibration.curve import Calibration
    from bandsense.profiles.band import BandProfile
    from bandsense.profiles.person import Person
    from bandsense.profiles.sensor import SensorProfile
    from bandsense.workout import events, inputs
    from bandsense.workout.settings import WorkoutSettings
    from bandsense.workout.workout import Summary

    missing: list[str] = []
    seen: set[type] = set()
    parts = [HEAD, "## Columns of exports and of Python\n", *column_sections()]
    parts += ["## Tables of the store\n", *table_sections(missing)]
    told = set(typing.get_args(events.Event)) | set(typing.get_args(inputs.Input))
    seen |= told
    for heading, roots in (
        ("Results", [Summary, events.SetResult]),
        ("Settings", [WorkoutSettings, Calibration, DirectionalCalibration]),
        ("People, bands, sensors", [Person, BandProfile, SensorProfile]),
    ):
        parts.append(f"## {heading}\n")
        parts += [class_section(cls, missing) for cls in classes_below(roots, seen)]
    parts.append("## Inputs\n")
    for cls in typing.get_args(inputs.Input):
        name = inputs._NAMES[cls]
        parts.append(class_section(cls, missing, f"Input `{name}`"))
        parts += [class_section(each, missing) for each in classes_below(list(fields_of(cls).values()), seen)]
    parts.append("## Events\n")
    for cls in typing.get_args(events.Event):
        parts.append(class_section(cls, missing, f"Event `{cls_name(cls)}`"))
        parts += [class_section(each, missing) for each in classes_below(list(fields_of(cls).values()), seen)]
    if missing:
        raise Missing("no meaning in docstrings or tools/data_dictionary.py: " + ", ".join(missing))
    return "\n".join(parts)


def cls_name(cls: type) -> str:
    """Return the name of an event in stores and JSON."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
