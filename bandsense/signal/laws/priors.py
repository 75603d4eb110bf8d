"""How likely a set or sway of a certain size is, before any of its movements is compared with another.

The only place where newtons say something of a set; they are worth a few nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bandsense.signal.laws.densities import ln, normal, softplus
from bandsense.signal.laws.handling import near_set
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers
from bandsense.signal.laws.series import Before, Handled

__all__ = ["prior_of"]


def prior_of(
    k: Numbers, counts: bool, peak_n: float, swing_n: float, ln_w: float, m: Movement, before: Before
) -> float:
    """Logarithm of the prior of a series with these levels and this width."""
    level_n = max(peak_n - min(0.0, m.lowest_n), swing_n)
    a, ln_swing = swing_n / level_n, math.log(swing_n)
    if not counts:
        waves = math.log(max(k.sway.share * (level_n - 0.5 * swing_n), 1e-6))
        score = ln(normal(ln_swing, waves, k.sway.sd)) + 3.0 * math.log(max(1.0 - a, 1e-6))
        largest = max(math.log(k.sway.largest_n), waves)
        return score + k.sway.power * min(0.0, largest - ln_swing)
    sets, score = k.sets, 0.0
    size = normal(ln_swing, sets.ln_n, sets.sd)
    if before.swing_n > 0.0:
        like = normal(ln_swing, math.log(before.swing_n), 0.2)
        # What was smaller than a set, and just before it, was rather handling.
        h, ln_share = k.handling, math.log(before.swing_n / swing_n)
        small = 1.0 / (1.0 + math.exp((ln_share - h.near_set_ln) / h.near_set_soft))
        again = sets.again_nats + small * h.near_set_nats
        score += ln(0.6 * size + 0.4 * like) - again * math.exp(-before.ago_s / sets.again_s)
    else:
        score += ln(size)
    if a < 0.4:
        score += sets.taut_power * math.log(a / 0.4)
    score -= softplus((sets.taut_least - a) / sets.taut_soft)
    if swing_n < sets.weak_n:
        score += sets.weak_power * math.log(swing_n / sets.weak_n)
    return score + _after_handling(k, before.handled, peak_n, swing_n, ln_w)


def _after_handling(
    k: Numbers, handled: Sequence[Handled], peak_n: float, swing_n: float, ln_w: float
) -> float:
    """Return what it costs a set that handling just before it was like its repetitions.

    The likest of them counts and not their number: whoever tugs so far at a band does it again. What is
    quicker than a repetition of that size would be is a tug, however strong.
    """
    least = 0.0
    for size_n, top_n, _, width_s in handled:
        cost = near_set(k, size_n, top_n, swing_n, peak_n)
        if width_s is not None:
            share = min(1.0, max(0.1, size_n / swing_n))
            quicker = ln_w + 0.5 * math.log(share) - math.log(width_s)
            cost *= math.exp(-0.5 * (max(0.0, quicker) / k.tops.part_width_sd) ** 2)
        least = min(least, cost)
    return least
