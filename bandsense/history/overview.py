"""All that history tells of one exercise of one person, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain

from bandsense.history.comparable import Obstacle, groups, obstacles
from bandsense.history.compare import (
    Best,
    LastTime,
    SideComparison,
    bests,
    hidden_of_sides,
    last_time,
    sides,
)
from bandsense.history.dose import DoseWeek, dose
from bandsense.history.figures import FIGURES
from bandsense.history.records import SetRecord
from bandsense.history.trends import Trend, trend

__all__ = ["Overview", "overview"]


@dataclass(frozen=True, slots=True)
class Overview:
    """One exercise of one person over some weeks.

    Attributes:
        sets: all of them within the weeks, comparable or not.
        series: those that can be compared with the latest, of its side.
        trends: of each figure that the series has.
        bests: of the series.
        last_time: the latest session beside the one before, by side.
        dose: by week.
        sides: left against right of the latest session that has both.
        against_sides: what stands against that comparison.
        hidden_of_sides: figures that are left out of it, with the reason.
        left_out: sessions that cannot be compared with the latest, and why, the latest first.
    """

    sets: tuple[SetRecord, ...]
    series: tuple[SetRecord, ...]
    trends: tuple[Trend, ...]
    bests: tuple[Best, ...]
    last_time: tuple[LastTime, ...]
    dose: tuple[DoseWeek, ...]
    sides: tuple[SideComparison, ...]
    against_sides: tuple[Obstacle, ...]
    left_out: tuple[tuple[int, tuple[Obstacle, ...]], ...]
    hidden_of_sides: Mapping[str, str] = field(default_factory=dict)


def overview(
    records: Iterable[SetRecord],
    *,
    weeks: int | None = None,
    until: date | None = None,
    per_week: int | None = None,
    side: str | None = None,
) -> Overview | None:
    """Put together what can be told of one exercise; None without a set.

    Args:
        records: sets of one person and one exercise.
        weeks: look back so many weeks, that of the last day included; None for all.
        until: the last day; None for that of the latest record.
        per_week: sessions a week that were prescribed.
        side: which side the trends are of, where the sides take turns; None for that of the latest set.
    """
    everything = sorted(records, key=lambda each: (each.started_unix_s, each.session, each.number))
    last_day = until or max((record.day for record in everything), default=None)
    if last_day is None:
        return None
    since = date.min
    if weeks is not None:
        since = last_day - timedelta(days=last_day.weekday() + 7 * (weeks - 1))
    within = [record for record in everything if since <= record.day <= last_day]
    wanted = [record for record in within if side in (None, record.conditions.side)]
    if not wanted:
        return None
    series = groups(wanted)[0]
    latest = series[-1]
    both_sides = _latest_sides(within)
    compared, against = sides(*both_sides)
    found = (trend(series, figure) for figure in FIGURES)
    return Overview(
        sets=tuple(within),
        series=series,
        trends=tuple(each for each in found if each.points),
        bests=tuple(bests(series)),
        last_time=tuple(last_time(everything, latest.session)),
        dose=tuple(dose(within, per_week=per_week, until=until)),
        sides=compared,
        against_sides=against,
        left_out=tuple(_left_out(wanted, series)),
        hidden_of_sides=hidden_of_sides(chain(*both_sides)),
    )


def _latest_sides(records: Sequence[SetRecord]) -> tuple[list[SetRecord], list[SetRecord]]:
    """Return the left and the right sets of the latest session that has both."""
    for session in sorted({record.session for record in records}, reverse=True):
        found = [record for record in records if record.session == session]
        left, right = (
            [record for record in found if record.conditions.side == side] for side in ("left", "right")
        )
        if left and right:
            return left, right
    return [], []


def _left_out(
    records: Sequence[SetRecord], series: Sequence[SetRecord]
) -> list[tuple[int, tuple[Obstacle, ...]]]:
    latest = series[-1].conditions
    inside = {record.session for record in series}
    told = {
        record.session: obstacles(latest, record.conditions)
        for record in records
        if record.session not in inside
    }
    return sorted(told.items(), reverse=True)
