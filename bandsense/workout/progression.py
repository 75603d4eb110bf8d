"""From one set towards three: how many sets to plan, given how the last sessions went.

It gives a reason code with its numbers; `bandsense.live.formatting` makes the sentence for the next time,
which never contradicts the advice that is open at the end of the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bandsense.workout.plan import Plan

__all__ = ["MOST_SETS", "NextTime", "Progression", "SessionRecord", "next_plan"]

MOST_SETS = 3
"""Where progression ends; more sets are a choice that a person makes in the plan."""


class NextTime(Enum):
    """What the next session is to be, and why."""

    AGAIN = "the same again"
    """Every set reached the plan, and there are as many sets as there will be."""
    ONCE_MORE = "once more, then a set is added"
    SET_ADDED = "a set is added"
    LESS_SLACK = "the same with less slack"
    MORE_SLACK = "aim for the plan with more slack"
    NOT_REACHED = "aim for the plan"
    CHECK_FIRST = "check the band first"
    PRESCRIBED = "as prescribed"
    """How much is done next is the prescriber's to say."""


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
        return len(self.full_reps) >= self.planned_sets and self.good_sets(plan) == len(self.full_reps)

    def good_sets(self, plan: Plan) -> int:
        """Count the sets that had the least number of repetitions."""
        return sum(n >= plan.reps for n in self.full_reps)


@dataclass(frozen=True, slots=True)
class Progression:
    """The plan for the next session, and why.

    Attributes:
        good_sets: how many sets of the last session had the least number of repetitions.
    """

    plan: Plan
    reason: NextTime
    good_sets: int = 0


def next_plan(
    plan: Plan,
    sessions: Sequence[SessionRecord],
    *,
    less_slack: bool = False,
    more_slack: bool = False,
    to_check: bool = False,
) -> Progression:
    """Add a set when two sessions running reached the plan; otherwise leave it.

    Too hard a session changes nothing here: it is answered with slack, not with fewer sets. Nor is a set
    added while slack is taken out: one thing at a time.

    Args:
        plan: of the last session.
        sessions: in order of time, of this exercise.
        less_slack, more_slack: whether slack is taken out, or added, after the last session.
        to_check: whether the band is to be checked before anything else.
    """
    last = [record for record in sessions if record.planned_sets == plan.sets][-2:]
    good_sets = last[-1].good_sets(plan) if last else 0
    reached = [record.reached(plan) for record in last]

    def because(reason: NextTime) -> Progression:
        added = reason is NextTime.SET_ADDED
        return Progression(replace(plan, sets=plan.sets + 1) if added else plan, reason, good_sets)

    if to_check:
        return because(NextTime.CHECK_FIRST)
    if not (reached and reached[-1]):
        return because(NextTime.MORE_SLACK if more_slack else NextTime.NOT_REACHED)
    if more_slack:
        return because(NextTime.MORE_SLACK)
    if less_slack:
        return because(NextTime.LESS_SLACK)
    if plan.sets >= MOST_SETS:
        return because(NextTime.AGAIN)
    return because(NextTime.SET_ADDED if len(reached) == 2 and all(reached) else NextTime.ONCE_MORE)
