"""Sets for training logs: CSV as Strong and as Hevy write it, which many other programs read, and Tindeq's.

A log's weight is the mean of the greatest tensions of a set in kilogram-force.

Sources: the headers as ten independent importers read them, among them a-mufasa/hevy-tools for Strong's form
with semicolons, which is also the one that Hevy imports; Simon10937/Tindeq-Leaderboard for Tindeq's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bandsense.export.rows import exercise_name, sets_of, sided_name
from bandsense.export.table import SessionTable
from bandsense.files import atomic_write
from bandsense.samples import KGF_N

__all__ = ["HEVY_HEADER", "MONTHS", "STRONG_HEADER", "write_hevy", "write_strong", "write_tindeq"]

STRONG_HEADER = [
    *(
        "Date",
        "Workout Name",
        "Exercise Name",
        "Set Order",
        "Weight",
        "Weight Unit",
        "Reps",
        "RPE",
        "Distance",
    ),
    *("Distance Unit", "Seconds", "Notes", "Workout Notes", "Workout Duration"),
]
HEVY_HEADER = [
    *("title", "start_time", "end_time", "description", "exercise_title", "superset_id", "exercise_notes"),
    *("set_index", "set_type", "weight_kg", "reps", "distance_km", "duration_seconds", "rpe"),
]

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_NONE = "-"
"""Strong's readers want something in the columns of notes."""


def write_strong(tables: Sequence[SessionTable], folder: Path) -> list[Path]:
    """Write the sets of all sessions as one file of the form that Strong exports and Hevy imports."""
    rows = (row for table in tables for row in _strong(table))
    return [_written(folder / "strong.csv", STRONG_HEADER, rows, delimiter=";", quoting=csv.QUOTE_MINIMAL)]


def _strong(table: SessionTable) -> Iterator[list[Any]]:
    sets = sets_of(table)
    for order, each in enumerate(sets, 1):
        yield [
            f"{datetime.fromtimestamp(table.session.started_unix_s):%Y-%m-%d %H:%M:%S}",
            "bandsense",
            sided_name(table, each),
            order,
            f"{each.mean_peak_kgf:.2f}",
            "kg",
            len(each.reps),
            "" if each.feedback.get("effort") is None else each.feedback["effort"],
            0,
            "km",
            0,
            each.feedback.get("note") or _NONE,
            _NONE,
            _duration((table.session.ended_unix_s or sets[-1].end_unix_s) - table.session.started_unix_s),
        ]


def _duration(seconds: float) -> str:
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"


def write_hevy(tables: Sequence[SessionTable], folder: Path) -> list[Path]:
    """Write the sets of all sessions as one file of the form that Hevy exports."""
    rows = (row for table in tables for row in _hevy(table))
    return [_written(folder / "hevy.csv", HEVY_HEADER, rows, delimiter=",", quoting=csv.QUOTE_NONNUMERIC)]


def _hevy(table: SessionTable) -> Iterator[list[Any]]:
    sets = sets_of(table)
    counts: dict[str, int] = {}
    for each in sets:
        name = sided_name(table, each)
        index = counts.get(name, 0)
        counts[name] = index + 1
        yield [
            "bandsense",
            _hevy_time(table.session.started_unix_s),
            _hevy_time(table.session.ended_unix_s or sets[-1].end_unix_s),
            "",
            name,
            "",
            each.feedback.get("note") or "",
            index,
            "normal",
            "" if "mean_peak_n" in each.hidden else round(each.mean_peak_kgf, 2),
            len(each.reps),
            "",
            round(each.end_unix_s - each.start_unix_s),
            "" if each.feedback.get("effort") is None else each.feedback["effort"],
        ]


def _hevy_time(unix_s: float) -> str:
    when = datetime.fromtimestamp(unix_s)
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}, {when:%H:%M}"


def _written(path: Path, header: list[str], rows: Iterable[list[Any]], **form: Any) -> Path:
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", **form)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_tindeq(table: SessionTable, folder: Path) -> list[Path]:
    """Write the trace of each sensor as the Tindeq app does: a summary, then time and kilogram-force."""
    written = []
    for stream in table.streams:
        path = folder / f"{table.stem(stream)}-tindeq.csv"
        when = datetime.fromtimestamp(table.session.started_unix_s)
        begin_s = float(stream.time_s[0]) if len(stream) else 0.0
        weights = (stream.tension_n / KGF_N).tolist()
        with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["date", "tag", "comment", "unit"])
            writer.writerow(
                [f"{when:%Y-%m-%d %H:%M:%S}", stream.stream.side or "", exercise_name(table), "SI"]
            )
            file.write("\n")
            writer.writerow(["time", "weight"])
            times = ((stream.time_s - begin_s).round(6)).tolist()
            writer.writerows(
                (f"{time_s:.6f}", f"{weight:.6f}") for time_s, weight in zip(times, weights, strict=True)
            )
        written.append(path)
    return written
