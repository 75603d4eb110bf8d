"""Sets and repetitions of a session, one after the other on the clock of the day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bandsense.export.table import Column, SessionTable, StreamTable, utc
from bandsense.samples import KGF_N

__all__ = [
    "REP_COLUMNS",
    "SET_COLUMNS",
    "ExportedSet",
    "exercise_name",
    "rep_rows",
    "set_rows",
    "sets_of",
    "sided_name",
]

REP_COLUMNS = (
    Column("session", "integer", "Number of the session in the store"),
    Column("side", "string", "left or right; empty where both work at once"),
    Column("set", "integer", "Number of the set within the session and side"),
    Column("rep", "integer", "Number of the repetition within the set"),
    Column("started", "dateTime", "When the pull began, UTC"),
    Column("pull_start_s", "double", "When the pull began, device time", "s"),
    Column("concentric_s", "double", "Time of the pull", "s"),
    Column("hold_s", "double", "Time of the hold", "s"),
    Column("eccentric_s", "double", "Time of the return", "s"),
    Column("peak_n", "double", "Greatest tension", "N"),
    Column("peak_uncertainty_n", "double", "Standard uncertainty (k = 1) of the greatest tension", "N"),
    Column("mean_n", "double", "Mean tension over the time under tension", "N"),
    Column("impulse_n_s", "double", "Tension times time", "N.s"),
    Column("range_m", "double", "Way of the hand, where the band is calibrated", "m"),
    Column("work_j", "double", "Work of the pull, where the band is calibrated", "J"),
    Column("partial", "boolean", "The repetition had less than the range of the others"),
    Column("probability", "double", "How likely it is a repetition at all"),
)

SET_COLUMNS = (
    Column("session", "integer", "Number of the session in the store"),
    Column("person", "string", "Who trained"),
    Column("exercise", "string", "Identity of the exercise"),
    Column("band", "string", "Identity of the band, where one was named"),
    Column("side", "string", "left or right; empty where both work at once"),
    Column("set", "integer", "Number of the set within the session and side"),
    Column("started", "dateTime", "When the first pull began, UTC"),
    Column("duration_s", "double", "From the first pull to the end of the last return", "s"),
    Column("reps", "integer", "Repetitions, partial ones included"),
    Column("partial", "integer", "Partial repetitions among them"),
    Column("mean_peak_n", "double", "Mean of the greatest tensions", "N"),
    Column("peak_n", "double", "Greatest tension of the set", "N"),
    Column("peak_uncertainty_n", "double", "Standard uncertainty (k = 1) of the greatest tension", "N"),
    Column("time_under_tension_s", "double", "Time under tension", "s"),
    Column("impulse_n_s", "double", "Tension times time", "N.s"),
    Column("effort", "double", "Effort as the person said, 0 to 10"),
    Column("pain", "double", "Pain as the person said, 0 to 10"),
    Column("note", "string", "What the person said of the set"),
)

_DIGITS = {"s": 3, "N": 2, "N.s": 2, "m": 3, "J": 2, None: 4}
"""Decimals by unit: beyond what any sensor can tell, and no further."""


@dataclass(frozen=True, slots=True)
class ExportedSet:
    """A set with its place in the day.

    Attributes:
        data: as JSON, see `SetResult`.
        side: of the sensor, or the one that worked; None where both did.
        start_unix_s, end_unix_s: seconds since 1970-01-01 UTC.
    """

    stream: StreamTable
    data: Mapping[str, Any]
    side: str | None
    start_unix_s: float
    end_unix_s: float

    @property
    def number(self) -> int:
        """Return the number of the set within its session and sensor."""
        return int(self.data["number"])

    @property
    def reps(self) -> list[Mapping[str, Any]]:
        """Return its repetitions."""
        return list(self.data["reps"])

    @property
    def peaks_n(self) -> list[float]:
        """Return the greatest tensions of its repetitions, as far as they are known, newtons."""
        return [rep["peak_n"] for rep in self.reps if rep.get("peak_n") is not None]

    @property
    def mean_peak_n(self) -> float:
        """Return the mean of its greatest tensions, newtons; 0 without a repetition."""
        peaks_n = self.peaks_n
        return sum(peaks_n) / len(peaks_n) if peaks_n else 0.0

    @property
    def mean_peak_kgf(self) -> float:
        """Return the same in kilogram-force, which is what training logs call weight."""
        return self.mean_peak_n / KGF_N

    @property
    def feedback(self) -> Mapping[str, Any]:
        """Return what was said of it."""
        said: Mapping[str, Any] = self.data.get("feedback") or {}
        return said


def sets_of(table: SessionTable) -> list[ExportedSet]:
    """Return the sets of all sensors in the order of time."""
    sets = [
        ExportedSet(
            stream,
            data,
            stream.stream.side or data.get("side"),
            table.unix_s(stream, data["start_s"]),
            table.unix_s(stream, data["end_s"]),
        )
        for stream in table.streams
        for data in stream.sets
    ]
    return sorted(sets, key=lambda each: (each.start_unix_s, each.side or ""))


def exercise_name(table: SessionTable) -> str:
    """Return what the exercise is called; its identity where no name is known."""
    for stream in table.streams:
        exercise = stream.stream.settings.get("exercise")
        if isinstance(exercise, Mapping) and exercise.get("name"):
            return str(exercise["name"])
    return (table.session.exercise or "band exercise").replace("-", " ").capitalize()


def sided_name(table: SessionTable, each: ExportedSet) -> str:
    """Return what the exercise is called, with the side of a set."""
    name = exercise_name(table)
    return name if each.side is None else f"{name} ({each.side})"


def set_rows(table: SessionTable) -> Iterator[dict[str, Any]]:
    """Yield a row of `SET_COLUMNS` for each set; None where a figure is not known."""
    for each in sets_of(table):
        metrics = each.data.get("metrics") or {}
        peaks_n = each.peaks_n
        yield _rounded(
            SET_COLUMNS,
            {
                "session": table.session.id,
                "person": table.session.person,
                "exercise": table.session.exercise,
                "band": table.session.band,
                "side": each.side,
                "set": each.number,
                "started": utc(each.start_unix_s),
                "duration_s": each.end_unix_s - each.start_unix_s,
                "reps": len(each.reps),
                "partial": sum(bool(rep.get("partial")) for rep in each.reps),
                "mean_peak_n": each.mean_peak_n if peaks_n else None,
                "peak_n": max(peaks_n, default=None),
                "peak_uncertainty_n": metrics.get("peak_uncertainty_n"),
                "time_under_tension_s": metrics.get("time_under_tension_s"),
                "impulse_n_s": metrics.get("impulse_n_s"),
                "effort": each.feedback.get("effort"),
                "pain": each.feedback.get("pain"),
                "note": each.feedback.get("note") or None,
            },
        )


def rep_rows(table: SessionTable) -> Iterator[dict[str, Any]]:
    """Yield a row of `REP_COLUMNS` for each repetition; None where a figure is not known."""
    for each in sets_of(table):
        metrics = each.data.get("rep_metrics") or [{}] * len(each.reps)
        for number, (rep, figures) in enumerate(zip(each.reps, metrics, strict=True), 1):
            tempo = figures.get("tempo") or {}
            start_s = rep.get("pull_start_s")
            yield _rounded(
                REP_COLUMNS,
                {
                    "session": table.session.id,
                    "side": each.side,
                    "set": each.number,
                    "rep": number,
                    "started": None if start_s is None else utc(table.unix_s(each.stream, start_s)),
                    "pull_start_s": start_s,
                    **{name: tempo.get(name) for name in ("concentric_s", "hold_s", "eccentric_s")},
                    "peak_n": rep.get("peak_n"),
                    "peak_uncertainty_n": figures.get("peak_uncertainty_n", rep.get("peak_uncertainty_n")),
                    **{name: figures.get(name) for name in ("mean_n", "impulse_n_s", "range_m", "work_j")},
                    "partial": bool(rep.get("partial")),
                    "probability": rep.get("probability"),
                },
            )


def _rounded(columns: tuple[Column, ...], row: dict[str, Any]) -> dict[str, Any]:
    digits = {column.name: _DIGITS[column.unit] for column in columns}
    return {
        name: round(value, digits[name]) if isinstance(value, float) else value for name, value in row.items()
    }
