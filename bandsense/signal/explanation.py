"""One explanation of a trace: what every movement up to a valley was, and what was learnt of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final

from bandsense.signal.laws.series import Handled, Series
from bandsense.signal.laws.steps import Steps
from bandsense.signal.ticks import TurningPoint

__all__ = ["HANDLING", "SET", "STEPS", "SWAY", "CountedRep", "Explanation", "Habit", "Kind"]


class Kind(IntEnum):
    """What an explanation takes the latest movement for."""

    HANDLING = 0
    STEPS = 1
    SET = 2
    SWAY = 3


HANDLING: Final = Kind.HANDLING
STEPS: Final = Kind.STEPS
SET: Final = Kind.SET
SWAY: Final = Kind.SWAY


class CountedRep:
    """A repetition on the path of an explanation; `before` is the one before it.

    Attributes:
        start, top, end: its turning points; `end` may still move while `open`.
        begins_set: whether it is the first of its set.
        open: whether its end was not confirmed when this was made.
    """

    def __init__(
        self,
        before: CountedRep | None,
        start: TurningPoint,
        top: TurningPoint,
        end: TurningPoint,
        begins_set: bool,
        open_: bool,
    ) -> None:
        self.before = before
        self.start = start
        self.top = top
        self.end = end
        self.begins_set = begins_set
        self.open = open_


class Habit:
    """What handling looked like.

    Attributes:
        n: how many movements.
        rise: mean logarithm of their rises, the latest weighing most.
        interval, width: logarithms of the latest.
        movements: the last of them.
    """

    def __init__(
        self,
        n: int = 0,
        rise: float = 0.0,
        interval: float | None = None,
        width: float | None = None,
        movements: Sequence[Handled] = (),
    ) -> None:
        self.n = n
        self.rise = rise
        self.interval = interval
        self.width = width
        self.movements = movements


class Explanation:
    """One explanation of everything up to a valley.

    Attributes:
        kind: what the latest movement is taken for.
        score: logarithm of the probability of the explanation and all that was seen.
        count: repetitions on its path.
        path: the latest of them.
        top_s: time of the latest top.
        habit: what it has learnt; its type belongs to `kind`.
        set_swing_n, set_peak_n, set_end_s: the latest set on the path, if any.
        fresh: whether the latest movement began a set, so that it may still turn out to be the take-up.
        busy: how many movements were no repetitions lately.
        walk: the latest walk on the path.
    """

    def __init__(
        self,
        kind: Kind,
        score: float,
        count: int,
        path: CountedRep | None,
        top_s: float,
        habit: Habit | Steps | Series,
        set_swing_n: float = 0.0,
        set_peak_n: float = 0.0,
        set_end_s: float = -math.inf,
        fresh: bool = False,
        busy: float = 0.0,
        walk: Steps | None = None,
    ) -> None:
        self.kind = kind
        self.score = score
        self.count = count
        self.path = path
        self.top_s = top_s
        self.habit = habit
        self.set_swing_n = set_swing_n
        self.set_peak_n = set_peak_n
        self.set_end_s = set_end_s
        self.fresh = fresh
        self.busy = busy
        self.walk = walk

    def busy_after(self, top_s: float, more: float, busy_s: float) -> float:
        """Return how busy it is after a movement with its top at `top_s`, which adds `more`.

        What was done `busy_s` ago counts for a third.
        """
        return self.busy * math.exp((self.top_s - top_s) / busy_s) + more if self.busy else more

    def going_on(
        self, kind: Kind, score: float, habit: Habit | Steps | Series, top_s: float, busy: float
    ) -> Explanation:
        """Return what follows after a movement that is no repetition."""
        return Explanation(
            kind,
            score,
            self.count,
            self.path,
            top_s,
            habit,
            self.set_swing_n,
            self.set_peak_n,
            self.set_end_s,
            busy=busy,
            walk=self.walk,
        )

    def without_latest(self, score: float) -> Explanation:
        """Return the same where the latest repetition counts nothing."""
        before = self.path.before if self.path is not None else None
        habit, latest_set = self.habit, (self.set_swing_n, self.set_peak_n, self.set_end_s)
        return Explanation(
            self.kind,
            score,
            self.count - 1,
            before,
            self.top_s,
            habit,
            *latest_set,
            busy=self.busy,
            walk=self.walk,
        )

    def reps(self) -> Iterator[CountedRep]:
        """Return the repetitions on its path that are not settled, the latest first."""
        rep = self.path
        while rep is not None:
            yield rep
            rep = rep.before
