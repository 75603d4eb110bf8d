"""A zero that jumps in the middle of a set: it shows in the samples, and in the repetitions since.

A wire that gives way, or a board that is knocked, moves the zero from one sample to the next. A hand is never
so quick: on either side of a jump tension goes on as before, and between them lies a step. So a jump is

* a *step* between two neighbouring samples, each extrapolated to the middle by a parabola through three of
  its own side, which is larger than twice any other of the set;
* and bottoms and tops of the repetitions since do not deny that they lie higher or lower by as much.

At low rates a quick pull steps as well, and no step stands out. What is left is a band that is slack at the
bottom: it comes back to zero exactly before, and just as exactly to another level since, and the tops moved
by as much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from bandsense.samples import FloatArray
from bandsense.signal.events import Rep

__all__ = ["APART_S", "Step", "TraceBetween", "ZeroJumps", "largest_step"]

TraceBetween: TypeAlias = Callable[[float, float], tuple[FloatArray, FloatArray]]
"""Gives times and tensions of the despiked samples between two times."""

BEFORE: Final = 2
SINCE: Final = 2
SINCE_SLACK: Final = 3
"""So many repetitions before a jump and since are compared, more since where only levels tell."""
MOST: Final = 8
"""So many of the latest repetitions are looked at."""

LEAST_N: Final = 2.0
"""A zero that has moved by less is not told."""

OUTSTANDING: Final = 2.0
"""A step is a jump if it is so many times as large as any other."""
REACH: Final = 4
"""Steps further away than so many samples are of another jump."""
BESIDE: Final = (0.375, -0.875, 1.0, -0.875, 0.375)
UNLIKE: Final = 0.2
"""Tension that jumps and stays, for some samples at least, shows these parts of the jump in the steps about
it, to within `UNLIKE` of it."""
OVERLAP_S: Final = 0.25
"""A jump at the end of a repetition is looked for with the next one as well."""

_BETWEEN: Final = np.array([-3.0, 10.0, -15.0, 15.0, -10.0, 3.0]) / 8.0
"""The parabola through y0, y1, y2 is (3 y0 − 10 y1 + 15 y2) / 8 at half a step beyond y2 (Lagrange): that of
the samples after, backwards, less that of the samples before."""

LIKE: Final = 0.3
SCATTERS: Final = 2.0
"""Bottoms and tops moved along with a jump if each moved by as much, to within `LIKE` of it plus `SCATTERS`
times how much they scatter …"""
FROM: Final = 0.6
TO: Final = 1.4
LEAST_SCATTER_N: Final = 0.1
"""… and if their mean, with weights 1 / scatter², lies between these parts of it."""

APART_S: Final = 15.0
"""A longer rest parts sets."""


class Step(NamedTuple):
    """The largest step in a stretch of samples.

    Attributes:
        time_s: of the sample before it.
        reach_s: steps as near as this are of the same jump.
        height_n: how high it is; 0 where there are too few samples.
        other_n: size of the largest that is not of the same jump.
        jump: whether it looks like a jump.
    """

    time_s: float
    reach_s: float
    height_n: float
    other_n: float
    jump: bool


def largest_step(time_s: FloatArray, tension_n: FloatArray) -> Step:
    """Find the largest step between two neighbouring samples, both extrapolated to the middle between them.

    Args:
        time_s, tension_n: float64[n], despiked.
    """
    if tension_n.size < len(BESIDE) + 5:
        return Step(0.0, 0.0, 0.0, 0.0, jump=False)
    steps_n = np.correlate(tension_n, _BETWEEN)
    sizes_n = np.abs(steps_n)
    at = int(sizes_n.argmax())
    height_n = float(steps_n[at])
    if abs(height_n) < LEAST_N / OUTSTANDING:
        return Step(0.0, 0.0, height_n, abs(height_n), jump=False)
    beside_n = steps_n[max(0, at - 2) : at + 3]
    others_n = [
        float(part_n.max())
        for part_n in (sizes_n[: max(0, at - REACH)], sizes_n[at + REACH + 1 :])
        if part_n.size
    ]
    jump = beside_n.size == len(BESIDE) and bool(
        np.abs(beside_n - height_n * np.array(BESIDE)).max() <= UNLIKE * abs(height_n)
    )
    reach_s = REACH * float(time_s[-1] - time_s[0]) / (time_s.size - 1)
    return Step(float(time_s[at + 2]), reach_s, height_n, max(others_n, default=0.0), jump)


class ZeroJumps:
    """Looks for a jump of the zero whenever a repetition is complete."""

    def __init__(self) -> None:
        self._reps: deque[Rep] = deque(maxlen=MOST)
        self._steps: deque[Step] = deque(maxlen=MOST)

    def rep(self, rep: Rep, trace: TraceBetween, slack_n: float | None, within_n: float) -> float | None:
        """Take a repetition, in order, and return by how much the zero has jumped, newtons; None where not.

        Args:
            rep: the repetition.
            trace: the samples up to its end.
            slack_n: what the sensor showed while nothing pulled, if that was seen.
            within_n: levels that differ by less are one.
        """
        reps, steps = self._reps, self._steps
        if rep.begins_set or (reps and rep.pull_start_s - reps[-1].end_s > APART_S):
            reps.clear()
            steps.clear()
        since_s = reps[-1].end_s - OVERLAP_S if reps else rep.pull_start_s
        reps.append(rep)
        steps.append(largest_step(*trace(since_s, rep.end_s)))
        moved_n = self._stepped()
        if moved_n is None and slack_n is not None and rep.end_n >= slack_n + LEAST_N:
            moved_n = _left_slack([*reps], slack_n, within_n)
        if moved_n is not None:
            reps.clear()
            steps.clear()
        return moved_n

    def _stepped(self) -> float | None:
        """Return the height of a step that stands out, if the repetitions since do not deny it."""
        if not any(each.jump and abs(each.height_n) >= LEAST_N for each in self._steps):
            return None
        step = max(self._steps, key=lambda each: (each.jump, abs(each.height_n)))
        jump_n = step.height_n
        others_n = (
            each.other_n if abs(each.time_s - step.time_s) <= step.reach_s else abs(each.height_n)
            for each in self._steps
        )
        if abs(jump_n) < OUTSTANDING * max(others_n):
            return None
        first = sum(rep.peak_time_s <= step.time_s for rep in self._reps)
        moved = _moved([*self._reps], first)
        if moved is None:
            return None
        (lower_n, _), (upper_n, _) = moved
        near = all(
            abs(moved_n - jump_n) <= LIKE * abs(jump_n) + SCATTERS * scatter_n for moved_n, scatter_n in moved
        )
        weights = [max(scatter_n, LEAST_SCATTER_N) ** -2 for _, scatter_n in moved]
        share = (lower_n * weights[0] + upper_n * weights[1]) / (sum(weights) * jump_n)
        return jump_n if near and FROM <= share <= TO else None


_Moved: TypeAlias = tuple[tuple[float, float], tuple[float, float]]
"""By how much bottoms and tops moved, and how much each scatter."""


def _levels(reps: Sequence[Rep], first: int) -> tuple[list[float], list[float], list[float], list[float]]:
    """Return bottoms before and since a repetition is the first, and tops before and since.

    The bottom before it may be of either level, and at the first bottom of all the band was taken up.
    """
    before, since = reps[:first], reps[first:]
    bottoms_n = [rep.start_n for rep in before[1:]], [rep.end_n for rep in since]
    return *bottoms_n, [rep.peak_n for rep in before], [rep.peak_n for rep in since]


def _moved(reps: Sequence[Rep], first: int) -> _Moved | None:
    """Return how levels moved where a repetition is the first of others; None where there are too few."""
    if first < BEFORE or len(reps) - first < SINCE:
        return None
    low_n, lower_n, high_n, higher_n = _levels(reps, first)
    return (
        (median(lower_n) - median(low_n), _scatter_n(low_n, lower_n)),
        (median(higher_n) - median(high_n), _scatter_n(high_n, higher_n)),
    )


def _scatter_n(*rows_n: Sequence[float]) -> float:
    """Return by how much levels change from one to the next, as a rule, newtons."""
    changes_n = [abs(b - a) for row in rows_n for a, b in pairwise(row)]
    return median(changes_n) if changes_n else 0.0


def _left_slack(reps: Sequence[Rep], slack_n: float, within_n: float) -> float | None:
    """Return by how much the bottoms of the latest repetitions lie above those at the slack level before."""
    first = len(reps) - SINCE_SLACK
    moved = _moved(reps, first)
    if moved is None or first <= BEFORE:
        return None
    (lower_n, _), (upper_n, _) = moved
    low_n, since_n, _, _ = _levels(reps, first)
    at_slack = max(abs(bottom_n - slack_n) for bottom_n in low_n) <= within_n
    elsewhere = max(since_n) - min(since_n) <= within_n
    like = abs(upper_n - lower_n) <= LIKE * lower_n
    return lower_n if lower_n >= LEAST_N and at_slack and elsewhere and like else None
