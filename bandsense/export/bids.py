"""Sessions as a data set of the Brain Imaging Data Structure: tension as physiological recordings of a task.

    dataset_description.json, README, participants.tsv
    sub-01/beh/sub-01_task-seatedrow_run-12_recording-left_physio.tsv.gz, .json
    sub-01/beh/sub-01_task-seatedrow_run-12_events.tsv, .json

A physio file has no time column: its samples are evenly spaced. Tension is therefore interpolated at the
median rate of the sensor; a sample in a hole is `n/a`. Source: BIDS 1.10, "Physiological and other continuous
recordings".
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.export.rows import ExportedSet, peak_uncertainty_n, reasons_words, sets_of, told_peak_n
from bandsense.export.table import SessionTable, StreamTable
from bandsense.files import atomic_write, private_folder, write_json_file

__all__ = ["BIDS_VERSION", "write_bids"]

BIDS_VERSION = "1.10.0"

_README = """# Resistance-band training

Tension of a resistance band by a strain-gauge sensor, and the repetitions found in it.
Exported by bandsense; units are newtons and seconds.
"""


def write_bids(tables: Sequence[SessionTable], folder: Path) -> list[Path]:
    """Write sessions into a data set; one that is there already is added to."""
    people = sorted({table.session.person or "unknown" for table in tables})
    labels = {person: f"{number:02}" for number, person in enumerate(people, 1)}
    written = [folder / name for name in ("dataset_description.json", "README.md", "participants.tsv")]
    write_json_file(
        written[0],
        {
            "Name": "Resistance-band training",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "bandsense", "Version": tables[0].session.software}],
        },
    )
    _write_text(written[1], _README)
    _write_text(written[2], "participant_id\n" + "".join(f"sub-{labels[person]}\n" for person in people))
    for table in tables:
        written += _session(table, folder, labels[table.session.person or "unknown"])
    return written


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")


def _session(table: SessionTable, folder: Path, label: str) -> list[Path]:
    place = folder / f"sub-{label}" / "beh"
    private_folder(place)
    task = re.sub(r"[^0-9A-Za-z]", "", table.session.exercise or "band") or "band"
    stem = f"sub-{label}_task-{task}_run-{table.session.id}"
    written = []
    for number, stream in enumerate(table.streams, 1):
        name = stem
        if len(table.streams) > 1:
            name += f"_recording-{stream.stream.side or number}"
        written += _physio(stream, place / f"{name}_physio.tsv.gz")
    events = place / f"{stem}_events.tsv"
    began_s = table.session.started_unix_s
    rows: list[tuple[float, str]] = []
    names = ("onset", "duration", "trial_type", "set", "rep", "peak_n", *_OF_REP)
    lines = ["\t".join(names)]
    for stream in table.streams[:1]:
        began_s = table.unix_s(stream, float(stream.time_s[0])) if len(stream) else began_s
    for each in sets_of(table):
        kind = "repetition" if each.side is None else f"repetition_{each.side}"
        for number, (rep, figures) in enumerate(zip(each.reps, each.figures, strict=True), 1):
            if "pull_start_s" in rep:
                onset = table.unix_s(each.stream, rep["pull_start_s"]) - began_s
                cells = _cells(each, rep, figures)
                rows.append((onset, "\t".join((cells[0], kind, str(each.number), str(number), *cells[1:]))))
    lines += [f"{onset:.3f}\t{rest}" for onset, rest in sorted(rows)]
    _write_text(events, "\n".join(lines) + "\n")
    description: dict[str, Any] = {
        "trial_type": {"Description": "A repetition, from pull start to end"},
        "set": {"Description": "Number of the set within the session"},
        "rep": {"Description": "Number of the repetition within the set"},
        "peak_n": {"Description": "Greatest tension", "Units": "N"},
        "TaskName": task,
    }
    description |= _OF_REP
    write_json_file(events.with_suffix(".json"), description)
    return [*written, events, events.with_suffix(".json")]


_OF_REP: Mapping[str, Mapping[str, str]] = {
    "peak_uncertainty_n": {
        "Description": "Standard uncertainty (k = 1) of the greatest tension",
        "Units": "N",
    },
    "probability": {"Description": "How likely it is a repetition at all"},
    "set_reps_probability": {
        "Description": "How likely it is that the set has these repetitions and no others"
    },
    "hidden": {"Description": "Why figures are n/a that the sensor cannot tell: name: reason; …"},
}
"""Columns of the events after those that say what happened."""


def _cells(each: ExportedSet, rep: Mapping[str, Any], figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Return duration, peak and the columns of `_OF_REP`; `n/a` where something is not known, or hidden."""
    hidden = dict(figures.get("hidden") or {})
    if "time_under_tension_s" in hidden:
        hidden["duration"] = hidden["time_under_tension_s"]

    def told(value: float | None, digits: int) -> str:
        return "n/a" if value is None else f"{value:.{digits}f}"

    return (
        told(None if "duration" in hidden else rep["end_s"] - rep["pull_start_s"], 3),
        told(told_peak_n(rep, figures), 2),
        told(peak_uncertainty_n(rep, figures), 2),
        told(rep.get("probability"), 4),
        told(each.chances.get(len(each.reps)), 4),
        reasons_words(hidden, ("duration", "peak_n")) or "n/a",
    )


def _physio(stream: StreamTable, path: Path) -> list[Path]:
    steps = np.diff(stream.time_s)
    rate_hz = round(1.0 / float(np.median(steps)), 3) if steps.size else 1.0
    texts: list[str] = []
    if len(stream):
        count = int((stream.time_s[-1] - stream.time_s[0]) * rate_hz) + 1
        values = stream.tension_at(stream.time_s[0] + np.arange(count) / rate_hz, 0.5 / rate_hz)
        texts = ["n/a" if np.isnan(value) else f"{value:.4f}" for value in values]
    with (
        atomic_write(path) as part,
        part.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as packed,
    ):
        packed.write("".join(f"{text}\n" for text in texts).encode())
    description = path.with_name(path.name.replace(".tsv.gz", ".json"))
    write_json_file(
        description,
        {
            "SamplingFrequency": rate_hz,
            "StartTime": 0.0,
            "Columns": ["tension"],
            "tension": {"Description": "Tension of the band", "Units": "N"},
        },
    )
    return [path, description]
