"""How far a repetition went, as a share of the full range of its set.

Tension of an elastic band grows with about the 0.65th power p of its elongation, so half the way already
gives two thirds of the force. Ranges are therefore compared on estimated displacement, x = ((T − T_rest) /
(T_full − T_rest))^(1/p): only differences and ratios of tension enter, so that neither zero nor scale
matters. p is a prior: published force–elongation tables give 0.48 to 0.73, which moves x by up to 0.11.

The full range belongs to the set and follows it: it is the level that two in five of a repetition's
neighbours reach. Two over-hard first pulls do not make all later ones partial, and a band that was changed
has a range of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = [
    "EXPONENT",
    "FULL_FROM",
    "PARTIAL_BELOW",
    "SURELY_PARTIAL_BELOW",
    "displacement",
    "range_fraction",
    "range_fractions",
    "range_is_unsure",
]

EXPONENT: Final = 0.65
"""p in tension ∝ elongation^p; a prior."""

PARTIAL_BELOW: Final = 0.67
"""A repetition of a smaller range is partial. Below 0.60 it is one and from 0.75 on it is none; the line is
in the middle because the estimate is off by up to 8 % of the range for exponents from 0.5 to 0.75."""

SURELY_PARTIAL_BELOW: Final = 0.60
FULL_FROM: Final = 0.75
"""Between these shares of the full range nobody can say whether a repetition was full or partial: it counts
as neither, and the doubt is shown."""

NEIGHBOURS: Final = 4
"""So many repetitions on each side are neighbours."""

FULL_RANK: Final = 0.6
"""The full level is this quantile of the neighbours' tops."""


def displacement(tension_n: float, rest_n: float, full_n: float) -> float:
    """Estimated displacement from rest as a share of the full range.

    Args:
        tension_n: tension.
        rest_n, full_n: tension at rest and at the full range.
    """
    if tension_n <= rest_n or full_n <= rest_n:
        return 0.0
    x: float = ((tension_n - rest_n) / (full_n - rest_n)) ** (1.0 / EXPONENT)
    return x


def range_is_unsure(fraction: float) -> bool:
    """Tell whether a range lies where full and partial cannot be told apart."""
    return SURELY_PARTIAL_BELOW <= fraction < FULL_FROM


def range_fraction(tops_n: Sequence[float], valleys_n: Sequence[float], i: int) -> float:
    """Range of repetition `i` as a share of the full range that its neighbours show.

    Args:
        tops_n: tension at the top of each repetition of one set.
        valleys_n: the lower of the tensions in the valleys beside each.
        i: which one.
    """
    near = slice(max(0, i - NEIGHBOURS), i + NEIGHBOURS + 1)
    around_n = sorted(tops_n[near])
    full_n = around_n[int(FULL_RANK * (len(around_n) - 1) + 0.5)]
    rest_n = min(_median(valleys_n[near]), valleys_n[i])
    return displacement(tops_n[i], rest_n, full_n)


def _median(values: Sequence[float]) -> float:
    """As `statistics.median`, which looks at kinds of numbers that there are none of here."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def range_fractions(
    tops_n: Sequence[float], valleys_n: Sequence[float], begins_set: Sequence[bool]
) -> list[float]:
    """Range of each repetition as a share of its own set's full range.

    Args:
        tops_n, valleys_n: as for `range_fraction`.
        begins_set: whether each is the first of its set.
    """
    fractions: list[float] = []
    first = 0
    for i in range(1, len(tops_n) + 1):
        if i == len(tops_n) or begins_set[i]:
            set_tops_n, set_valleys_n = tops_n[first:i], valleys_n[first:i]
            fractions += [range_fraction(set_tops_n, set_valleys_n, j) for j in range(i - first)]
            first = i
    return fractions
