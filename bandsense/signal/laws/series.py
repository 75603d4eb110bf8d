"""What is known of a series: a set, or sway on a taut band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["NOTHING", "Before", "Series"]


class Before(NamedTuple):
    """What precedes a set.

    Attributes:
        handled: sizes and tops (N) of the handling less than ten seconds before it.
        swing_n, ago_s: swing of the set before it on this path, and the seconds since; 0 if there was none.
    """

    handled: Sequence[tuple[float, float]] = ()
    swing_n: float = 0.0
    ago_s: float = math.inf


NOTHING: Final = Before()


class Series:
    """What is known of a set, or of a sway.

    Attributes:
        counts: True for a set.
        base_n, peak_n: lower and upper level.
        n: how many full movements it has, fractions for doubtful ones.
        width, interval: logarithms of seconds; no interval after the first.
        even, steady: probability of each habit.
        half_returns: how many of its repetitions came with a half return.
        dips, dip_depth, dip_s: how many small dips they had, how deep all together, as shares of the swing,
            and how long all together.
        prior: logarithm of its prior, at its present levels.
        before: what precedes it.
    """

    def __init__(
        self,
        counts: bool,
        base_n: float,
        peak_n: float,
        n: float,
        width: float,
        interval: float | None,
        even: float,
        steady: float,
        half_returns: float,
        dips: float,
        dip_depth: float,
        dip_s: float,
        prior: float,
        before: Before,
    ) -> None:
        self.counts = counts
        self.base_n = base_n
        self.peak_n = peak_n
        self.n = n
        self.width = width
        self.interval = interval
        self.even = even
        self.steady = steady
        self.half_returns = half_returns
        self.dips = dips
        self.dip_depth = dip_depth
        self.dip_s = dip_s
        self.prior = prior
        self.before = before
