"""A zero that drifts during a set: bottoms and tops of the repetitions rise or fall together.

A band that is stretched further gains more at the top than at the bottom; a sensor whose zero drifts shows
the same newtons more at both. So the regressions of bottoms and of tops on time are compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import fsum, sqrt
from typing import Final

from bandsense.signal.events import Rep
from bandsense.signal.zero_jumps import APART_S

__all__ = ["LARGEST_DRIFT_N", "ZeroDrift"]

LARGEST_DRIFT_N: Final = 1.0
"""A zero that has moved further is told."""

MOST: Final = 40
"""So many of the latest repetitions are looked at."""

DRIFT_REPS: Final = 6
DRIFT_S: Final = 15.0
DRIFT_LEAST_N_PER_MIN: Final = 1.0
DRIFT_MOST_N_PER_MIN: Final = 10.0
DRIFT_LIKENESS: Final = 0.3
"""Bottom and top drift together if, over so many repetitions and so long, both do so by more than the least
and their rates differ by less than this part of them. What moves by more than the most is no zero, but a band
that is pulled from where it is taut after tugs, or a set, from where it was slack."""

DRIFT_EXACT_N: Final = 0.12
"""Bottoms that scatter about a line by no more than this and the noise tell alone, unless tops say otherwise:
a hand does not move on so evenly. Tops of uneven repetitions tell too little in a set."""


class ZeroDrift:
    """Looks for a drift of the zero whenever a repetition is complete."""

    def __init__(self) -> None:
        self._reps: deque[Rep] = deque(maxlen=MOST)

    def forget(self) -> None:
        """Begin anew: the zero is another one."""
        self._reps.clear()

    def rep(self, rep: Rep, noise_n: float) -> tuple[float, float] | None:
        """Take a repetition, in order, and return by how much the zero has drifted; None where it has not.

        Args:
            rep: the repetition.
            noise_n: standard deviation of a sample's noise.

        Returns:
            Newtons, and in how many seconds.
        """
        if self._reps and rep.pull_start_s - self._reps[-1].end_s > APART_S:
            self._reps.clear()
        self._reps.append(rep)
        span_s = rep.peak_time_s - self._reps[0].peak_time_s
        if len(self._reps) < DRIFT_REPS or span_s < DRIFT_S:
            return None
        at_s = [each.peak_time_s for each in self._reps]
        bottom, bottom_error, scatter_n = _slope(at_s, [each.start_n for each in self._reps])
        least = max(DRIFT_LEAST_N_PER_MIN / 60.0, 3.0 * bottom_error)
        if not least < abs(bottom) <= DRIFT_MOST_N_PER_MIN / 60.0:
            return None
        top, top_error, _ = _slope(at_s, [each.peak_n for each in self._reps])
        if scatter_n <= DRIFT_EXACT_N + noise_n and abs(bottom - top) < max(
            3.0 * top_error, DRIFT_LIKENESS * abs(bottom)
        ):
            moved_n = bottom * span_s
            return (moved_n, span_s) if abs(moved_n) > LARGEST_DRIFT_N else None
        slower, faster = sorted((abs(bottom), abs(top)))
        together = bottom * top > 0.0 and faster - slower < DRIFT_LIKENESS * faster
        certain = abs(top) > 3.0 * top_error
        if together and certain and slower > DRIFT_LEAST_N_PER_MIN / 60.0:
            return 0.5 * (bottom + top) * span_s, span_s
        return None


def _slope(at_s: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Return the slope of the regression on time, its standard error, and the scatter about the line."""
    mean_s, mean = fsum(at_s) / len(at_s), fsum(values) / len(values)
    since = [t - mean_s for t in at_s]
    weight = fsum([t * t for t in since])
    slope = fsum([t * x for t, x in zip(since, values, strict=True)]) / weight
    rest = [x - mean - slope * t for t, x in zip(since, values, strict=True)]
    scatter = sqrt(fsum([x * x for x in rest]) / (len(rest) - 2))
    return slope, scatter / sqrt(weight), scatter
