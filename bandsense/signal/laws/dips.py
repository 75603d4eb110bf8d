"""Dips inside a repetition: pulses, sags and half returns, each a habit that the set learns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from bandsense.signal.laws.densities import IMPOSSIBLE, ln, normal
from bandsense.signal.laws.movement import Dip
from bandsense.signal.laws.numbers import DipsNumbers, Numbers
from bandsense.signal.laws.series import Series

__all__ = ["dip_law", "inner_dips"]

INNER_DIP: Final = 0.5 - 1.6
"""A dip inside a repetition, per swing squared: the average density of the four numbers it would have."""

TIME_DENSITY: Final = 0.45
"""Of it what belongs to the time that the dip takes."""


def inner_dips(
    k: Numbers, s: Series, n: float, swing_n: float, dips_n: Sequence[Dip]
) -> tuple[float, float, float, float, float]:
    """Log-likelihood of the inner dips of one repetition, and what they teach.

    Both kinds of dip are habits: a half return comes with a repetition or does not, and after each small dip
    there is another with a probability that the repetitions so far have taught, and so are their depths.

    Returns:
        The log-likelihood, the largest share of half return in one, and number, summed depth (shares of the
        swing) and summed time of the small dips.
    """
    r, p_dip = k.returns, k.dips.p_dip
    habit = min(0.9, (r.half_odds * r.half_prior + s.half_returns) / (r.half_prior + n))
    again = (p_dip * k.dips.prior + s.dips) / (k.dips.prior + s.dips + n)
    score, largest, halves = math.log1p(-habit) + math.log((1.0 - again) / (1.0 - p_dip)), 0.0, 0
    if not dips_n:
        return score, largest, 0.0, 0.0, 0.0
    scale = -2.0 * math.log(swing_n) + INNER_DIP
    dips = depth = dip_s = 0.0
    for depth_n, apart_n, seconds in dips_n:
        d = max(depth_n, 0.0) / swing_n
        small = again * dip_law(
            k.dips, s.dips + dips, s.dip_depth + depth, s.dip_s + dip_s, d, apart_n / swing_n, seconds
        )
        half = habit / (1.0 - habit) * normal(d, r.half, r.half_sd)
        if halves:
            half *= p_dip
        score += ln(small + half) + scale
        share = half / (small + half + IMPOSSIBLE)
        halves += share > 0.5
        largest = max(largest, share)
        dips += 1.0 - share
        depth += (1.0 - share) * d
        dip_s += (1.0 - share) * seconds
    return score, largest, dips, depth, dip_s


def dip_law(
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
