"""Dips inside a repetition: pulses, sags and half returns, each a habit that the set learns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from bandsense.signal.laws.densities import IMPOSSIBLE, ln, normal
from bandsense.signal.laws.movement import Dip
from bandsense.signal.laws.numbers import DipsNumbers, Numbers

__all__ = ["NO_DIPS", "DipHabits", "inner_dips"]

INNER_DIP: Final = 0.5 - 1.6
"""A dip inside a repetition, per swing squared: the average density of the four numbers it would have."""

TIME_DENSITY: Final = 0.45
"""Of it what belongs to the time that the dip takes."""

LIKELIEST_DIP: Final = 6.0
"""Logarithm of the largest density of a dip that is like all before it."""


class DipHabits:
    """What a series has learnt of dips inside its repetitions.

    Attributes:
        halves: how many of them came with a half return.
        small, depth, seconds: how many small dips they had, how deep all together, as shares of the swing,
            and how long all together.
    """

    def __init__(self, halves: float, small: float, depth: float, seconds: float) -> None:
        self.halves = halves
        self.small = small
        self.depth = depth
        self.seconds = seconds


NO_DIPS: Final = DipHabits(0.0, 0.0, 0.0, 0.0)


def inner_dips(
    k: Numbers, s: DipHabits, n: float, swing_n: float, dips_n: Sequence[Dip], least: float = -math.inf
) -> tuple[float, DipHabits]:
    """Log-likelihood of the inner dips of one repetition, and the habits after them.

    Both kinds of dip are habits: a half return comes with a repetition or does not, and after each small dip
    there is another with a probability that the repetitions so far have taught, and so are their depths.

    Args:
        k: the numbers of the model.
        s: what the series has learnt of dips.
        n: how many full movements it has.
        swing_n: its swing.
        dips_n: the dips.
        least: what is less likely is of no use, and may be given as less likely still.
    """
    r, p_dip = k.returns, k.dips.p_dip
    habit = min(0.9, (r.half_odds * r.half_prior + s.halves) / (r.half_prior + n))
    again = (p_dip * k.dips.prior + s.small) / (k.dips.prior + s.small + n)
    score = math.log1p(-habit) + math.log((1.0 - again) / (1.0 - p_dip))
    if not dips_n:
        return score, s
    scale = -2.0 * math.log(swing_n) + INNER_DIP
    halves, largest, left = 0, 0.0, len(dips_n)
    small = depth = dip_s = 0.0
    for depth_n, apart_n, seconds in dips_n:
        d = max(depth_n, 0.0) / swing_n
        like = again * _small_dip(
            k.dips, s.small + small, s.depth + depth, s.seconds + dip_s, d, apart_n / swing_n, seconds
        )
        half = habit / (1.0 - habit) * normal(d, r.half, r.half_sd)
        if halves:
            half *= p_dip
        score += ln(like + half) + scale
        left -= 1
        if score + left * (LIKELIEST_DIP + scale) < least:
            return -math.inf, s
        share = half / (like + half + IMPOSSIBLE)
        halves += share > 0.5
        largest = max(largest, share)
        small += 1.0 - share
        depth += (1.0 - share) * d
        dip_s += (1.0 - share) * seconds
    return score, DipHabits(s.halves + largest, s.small + small, s.depth + depth, s.seconds + dip_s)


def _small_dip(
    k: DipsNumbers, dips: float, depth: float, dip_s: float, d: float, apart: float, seconds: float
) -> float:
    """Return the density of a small dip, after so many with so much depth together.

    As in a Pólya urn: it is a new one, or like those that were there, the more surely the more there were.
    Pulses are alike: as deep, as long, and from the same top.

    Args:
        k: the numbers of this law.
        dips, depth: how many small dips the series had, and how deep all together.
        dip_s: how long all of them took together, from top to top, seconds.
        d: depth of this one, below the lower of the tops beside it; a share of the swing.
        apart: how far the tops beside it are apart; a share of the swing.
        seconds: how long it took.
    """
    new = math.exp(-d / k.small - k.nats) / k.small
    if dips <= 0.0 or depth <= 0.0 or d <= 0.0:
        return new
    like = normal(math.log(d * dips / depth), 0.0, k.like_sd) / d
    like *= 2.0 * normal(apart, 0.0, k.top_sd)
    like *= normal(math.log(seconds * dips / dip_s), 0.0, k.time_sd) / TIME_DENSITY
    return (k.worth * new + dips * like) / (k.worth + dips)
