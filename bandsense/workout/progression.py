"""From one set towards three: how many sets to plan, given how the last sessions went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandsense.workout.plan import Plan

__all__ = ["MOST_SETS", "Progression", "SessionRecord", "next_plan"]

MOST_SETS = 3
"""Where progression ends; more sets are a choice that a person makes in the plan."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session of one exercise.

    Attributes:
        full_reps: full repetitions of each set done.
        planned_sets: sets that were planned.
    """

    full_reps: tuple[int, ...]
    planned_sets: int

    def reached(self, plan: Plan) -> bool:
        """Return whether every planned set was done with the least number of repetitions."""
        return len(self.full_reps) >= self.planned_sets and all(n >= plan.reps for n in self.full_reps)


@dataclass(frozen=True, slots=True)
class Progression:
    """The plan for the next session, and why."""

    plan: Plan
    reason: str


def next_plan(plan: Plan, sessions: Sequence[SessionRecord], *, less_slack: bool = False) -> Progression:
    """Add a set when two sessions running reached the plan; otherwise leave it.

    Too hard a session changes nothing here: it is answered with slack, not with fewer sets. Nor is a set
    added while slack is taken out: one thing at a time.

    Args:
        plan: of the last session.
        sessions: in order of time, of this exercise.
        less_slack: whether slack is taken out after the last session.
    """
    last = [record for record in sessions if record.planned_sets == plan.sets][-2:]
    reached = [record.reached(plan) for record in last]
    if reached and reached[-1] and plan.sets >= MOST_SETS:
        return Progression(
            plan,
            f"Every set had at least {plan.reps} full repetitions. Stay at {_sets(plan.sets)}; from here on "
            "less slack makes it harder, once the advice says so.",
        )
    if reached and reached[-1] and less_slack:
        return Progression(
            plan,
            f"Every set had at least {plan.reps} full repetitions. Take slack out as advised, and stay at "
            f"{_sets(plan.sets)} until that has settled.",
        )
    if len(reached) == 2 and all(reached):
        more = replace(plan, sets=plan.sets + 1)
        return Progression(
            more,
            f"Two sessions running, every set had at least {plan.reps} full repetitions: "
            f"do {more.sets} sets.",
        )
    if reached and reached[-1]:
        return Progression(
            plan,
            f"Every set had at least {plan.reps} full repetitions; once more like this, and a set is added.",
        )
    return Progression(
        plan, f"Stay at {_sets(plan.sets)} until each has at least {plan.reps} full repetitions."
    )


def _sets(number: int) -> str:
    return "1 set" if number == 1 else f"{number} sets"
