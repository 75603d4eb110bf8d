"""What is known of a series: a set, or sway on a taut band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from bandsense.signal.laws.dips import DipHabits

__all__ = ["NOTHING", "Before", "Handled", "Series"]


class Handled(NamedTuple):
    """A movement of handling: its size and top (N), when it came to that top, and its width (s), if known."""

    size_n: float
    top_n: float
    top_s: float
    width_s: float | None


class Before(NamedTuple):
    """What precedes a set.

    Attributes:
        handled: the handling less than ten seconds before it.
        swing_n, ago_s: swing of the set before it on this path, and the seconds since; 0 if there was none.
    """

    handled: Sequence[Handled] = ()
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
        dips: what was learnt of the dips inside its repetitions.
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
        dips: DipHabits,
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
        self.dips = dips
        self.prior = prior
        self.before = before
