"""Sets and repetitions of a session, one after the other on the clock of the day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from bandsense.export.table import Column, SessionTable, StreamTable, utc
from bandsense.samples import KGF_N

__all__ = [
    "REP_COLUMNS",
    "SET_COLUMNS",
    "ExportedSet",
    "exercise_name",
    "peak_uncertainty_n",
    "reasons_words",
    "rep_rows",
    "set_rows",
    "sets_of",
    "sided_name",
    "surely_partial",
    "told_peak_n",
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
    Column("partial", "boolean", "The repetition surely had less than the range of the others"),
    Column("unsure", "boolean", "Nobody can tell whether it was full or partial"),
    Column("probability", "double", "How likely it is a repetition at all"),
    Column("hidden", "string", "Why cells are empty whose figures the sensor cannot tell: name: reason; …"),
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
    Column("partial", "integer", "Surely partial repetitions among them"),
    Column("unsure", "integer", "Repetitions among them that were full or partial, nobody can tell"),
    Column("mean_peak_n", "double", "Mean of the greatest tensions", "N"),
    Column("peak_n", "double", "Greatest tension of the set", "N"),
    Column("peak_uncertainty_n", "double", "Standard uncertainty (k = 1) of the greatest tension", "N"),
    Column("time_under_tension_s", "double", "Time under tension", "s"),
    Column("impulse_n_s", "double", "Tension times time", "N.s"),
    Column("effort", "double", "Effort as the person said, 0 to 10"),
    Column("pain", "double", "Pain as the person said, 0 to 10"),
    Column("note", "string", "What the person said of the set"),
    Column("reps_probability", "double", "How likely it is that these are all repetitions, and no others"),
    Column("other_reps", "integer", "The next likely number of repetitions; empty where no other is likely"),
    Column("other_reps_probability", "double", "How likely that number is"),
    Column("hidden", "string", "Why cells are empty whose figures the sensor cannot tell: name: reason; …"),
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
    def figures(self) -> list[Mapping[str, Any]]:
        """Return what each repetition amounts to (`RepMetrics`); empty where that is not known."""
        return list(self.data.get("rep_metrics") or [{}] * len(self.reps))

    @property
    def peaks_n(self) -> list[float]:
        """Return the greatest tensions of its repetitions, as far as they are known and told, newtons."""
        peaks = (told_peak_n(*each) for each in zip(self.reps, self.figures, strict=True))
        return [peak for peak in peaks if peak is not None]

    @property
    def chances(self) -> dict[int, float]:
        """Return the probability of each number of repetitions; empty where it is not known."""
        return {int(count): float(p) for count, p in (self.data.get("chances") or {}).items()}

    @property
    def hidden(self) -> dict[str, str]:
        """Return the figures of the set that the sensor cannot tell, with the reason."""
        found = dict((self.data.get("metrics") or {}).get("hidden") or {})
        hidden = [each.get("hidden") or {} for each in self.figures]
        for name, of_rep in (("mean_peak_n", "peak_n"), ("impulse_n_s", "impulse_n_s")):
            reasons = [each[of_rep] for each in hidden if of_rep in each]
            if 2 * len(reasons) > len(hidden):
                found[name] = max(reasons, key=reasons.count)
        peaks_n = [rep.get("peak_n") or 0.0 for rep in self.reps]
        strongest = hidden[peaks_n.index(max(peaks_n))] if peaks_n else {}
        return found | ({"peak_n": strongest["peak_n"]} if "peak_n" in strongest else {})

    @property
    def mean_peak_n(self) -> float:
        """Return the mean of its greatest tensions, newtons; 0 where none is known."""
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


def told_peak_n(rep: Mapping[str, Any], figures: Mapping[str, Any]) -> float | None:
    """Return the greatest tension of a repetition, newtons; None where it is not known, or hidden."""
    return None if "peak_n" in (figures.get("hidden") or {}) else rep.get("peak_n")


def peak_uncertainty_n(rep: Mapping[str, Any], figures: Mapping[str, Any]) -> float | None:
    """Return the standard uncertainty of that tension, newtons: calibration, zero and sampling."""
    told: float | None = figures.get("peak_uncertainty_n", rep.get("peak_uncertainty_n"))
    return told


def reasons_words(hidden: Mapping[str, str], names: Iterable[str]) -> str | None:
    """Write `time_under_tension_s: needs 20 samples a second`, for these names; None where none is hidden."""
    return "; ".join(f"{name}: {hidden[name]}" for name in names if name in hidden) or None


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
        metrics, hidden = each.data.get("metrics") or {}, each.hidden
        told = [
            (peak, peak_uncertainty_n(rep, figures))
            for rep, figures in zip(each.reps, each.figures, strict=True)
            if (peak := told_peak_n(rep, figures)) is not None
        ]
        best = max(told, key=itemgetter(0), default=(None, None))
        peak_n, uncertainty_n = (None, None) if "peak_n" in hidden else best
        chances = each.chances
        other = max(chances.keys() - {len(each.reps)}, key=chances.__getitem__, default=None)
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
                "partial": sum(surely_partial(rep) for rep in each.reps),
                "unsure": sum(bool(rep.get("unsure")) for rep in each.reps),
                "mean_peak_n": each.mean_peak_n if told and "mean_peak_n" not in hidden else None,
                "peak_n": peak_n,
                "peak_uncertainty_n": uncertainty_n,
                "time_under_tension_s": metrics.get("time_under_tension_s"),
                "impulse_n_s": None if "impulse_n_s" in hidden else metrics.get("impulse_n_s"),
                "effort": each.feedback.get("effort"),
                "pain": each.feedback.get("pain"),
                "note": each.feedback.get("note") or None,
                "reps_probability": chances.get(len(each.reps)),
                "other_reps": other,
                "other_reps_probability": None if other is None else chances[other],
                "hidden": reasons_words(hidden, (column.name for column in SET_COLUMNS)),
            },
        )


def surely_partial(rep: Mapping[str, Any]) -> bool:
    """Tell whether a stored repetition was surely partial, as its set counts it (`workout.counts`)."""
    return bool(rep.get("partial")) and not rep.get("unsure")


def rep_rows(table: SessionTable) -> Iterator[dict[str, Any]]:
    """Yield a row of `REP_COLUMNS` for each repetition; None where a figure is not known."""
    for each in sets_of(table):
        for number, (rep, figures) in enumerate(zip(each.reps, each.figures, strict=True), 1):
            tempo = figures.get("tempo") or {}
            hidden = {name.removeprefix("tempo."): why for name, why in (figures.get("hidden") or {}).items()}
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
                    "peak_n": told_peak_n(rep, figures),
                    "peak_uncertainty_n": peak_uncertainty_n(rep, figures),
                    **{name: figures.get(name) for name in ("mean_n", "impulse_n_s", "range_m", "work_j")},
                    "partial": surely_partial(rep),
                    "unsure": bool(rep.get("unsure")),
                    "probability": rep.get("probability"),
                    "hidden": reasons_words(hidden, (column.name for column in REP_COLUMNS)),
                },
            )


def _rounded(columns: tuple[Column, ...], row: dict[str, Any]) -> dict[str, Any]:
    digits = {column.name: _DIGITS[column.unit] for column in columns}
    return {
        name: round(value, digits[name]) if isinstance(value, float) else value for name, value in row.items()
    }
