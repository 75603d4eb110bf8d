"""What was done against what was prescribed, week by week. Counts are exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from bandsense.history.records import SetRecord

__all__ = ["DoseWeek", "dose"]


@dataclass(frozen=True, slots=True)
class DoseWeek:
    """One week of one exercise.

    Attributes:
        week: its Monday.
        sessions, planned_sessions: done, and asked for; None where no frequency was prescribed.
        sets, planned_sets: done, and asked for in the sessions that were done (or were to be).
        full_reps, planned_reps: full repetitions likewise; more than planned in a set counts as planned, so
            that a long set does not make up for one left out.
        in_zone, with_zone: peaks within the prescribed zone, and peaks that had one.
    """

    week: date
    sessions: int
    planned_sessions: int | None
    sets: int
    planned_sets: int
    full_reps: int
    planned_reps: int
    in_zone: int
    with_zone: int

    @property
    def share(self) -> float:
        """Full repetitions done of those prescribed, from 0 to 1."""
        return self.full_reps / self.planned_reps if self.planned_reps else 0.0


def dose(
    records: Iterable[SetRecord], *, per_week: int | None = None, until: date | None = None
) -> list[DoseWeek]:
    """Weigh one exercise of one person against its plan, from its first week to the week of `until`.

    Where the sides take turns, a half-set counts half: pairs are what a plan counts.

    Args:
        records: sets of one exercise.
        per_week: sessions a week that were prescribed; None where nobody said.
        until: the last day to tell of; None for that of the last record. Weeks without a session count.
    """
    weeks: dict[date, list[SetRecord]] = {}
    for record in records:
        weeks.setdefault(record.week, []).append(record)
    if not weeks:
        return []
    last_day = until or max(record.day for found in weeks.values() for record in found)
    last = last_day - timedelta(days=last_day.weekday())
    plan = weeks[min(weeks)][0].targets
    told = []
    week = min(weeks)
    while week <= last:
        found = weeks.get(week, [])
        plan = found[-1].targets if found else plan
        told.append(_week(week, found, per_week, plan.sets, plan.reps))
        week += timedelta(days=7)
    return told


def _week(week: date, found: list[SetRecord], per_week: int | None, sets: int, reps: int) -> DoseWeek:
    sessions: dict[int, list[SetRecord]] = {}
    for record in found:
        sessions.setdefault(record.session, []).append(record)
    planned_sets = sum(each[0].targets.sets for each in sessions.values())
    planned_reps = sum(each[0].targets.sets * each[0].targets.reps for each in sessions.values())
    missing = max(0, per_week - len(sessions)) if per_week is not None else 0
    zoned = [
        record.targets.in_zone(rep.peak_n)
        for record in found
        if record.targets.zone_n is not None
        for rep in record.full
    ]
    return DoseWeek(
        week=week,
        sessions=len(sessions),
        planned_sessions=per_week,
        sets=sum(_sets(each) for each in sessions.values()),
        planned_sets=planned_sets + missing * sets,
        full_reps=sum(_reps(each) for each in sessions.values()),
        planned_reps=planned_reps + missing * sets * reps,
        in_zone=sum(zoned),
        with_zone=len(zoned),
    )


def _by_side(sets: list[SetRecord]) -> dict[str | None, list[SetRecord]]:
    sides: dict[str | None, list[SetRecord]] = {}
    for each in sets:
        sides.setdefault(each.conditions.side, []).append(each)
    return sides


def _sets(sets: list[SetRecord]) -> int:
    """Count the sets of a session that the plan asked for: of two sides, those that both did."""
    done = min(len(side) for side in _by_side(sets).values())
    return min(done, sets[0].targets.sets)


def _reps(sets: list[SetRecord]) -> int:
    """Count full repetitions towards the plan: of two sides, those of the lesser."""
    return min(
        sum(min(len(each.full), each.targets.reps) for each in side[: side[0].targets.sets])
        for side in _by_side(sets).values()
    )
