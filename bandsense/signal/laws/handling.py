"""Handling: picking up the band, taking position, putting it down, every movement for itself."""

from __future__ import annotations

import math
from typing import Final

from bandsense.signal.laws.densities import NO_INTERVAL, came_back, ln, mixed, normal
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers

__all__ = ["handling", "near_set"]

HOLD: Final = 4.0
"""A hold is longer than the longest repetition by so many times what is not sure about that."""


def handling(
    k: Numbers, m: Movement, n: int, rise: float, interval: float | None, width: float | None, tau: float
) -> float:
    """Return the log-likelihood of a movement that is neither a repetition nor a step nor sway.

    Args:
        n, rise: how many handling movements there were just before, and the mean logarithm of their rises.
        interval, width: logarithms of the latest of them, None if there was none.
        tau: seconds since the top before; infinite for the first movement.
    """
    h, up = k.handling, math.log(m.rise_n)
    small = h.small_share
    size = mixed(up, small, h.small_ln_n, h.small_sd, 1.0 - small, h.large_ln_n, h.large_sd)
    if n:
        # Whoever tugs at a strong band tugs on.
        own = h.own_share * n / (n + h.own_n)
        size = (1.0 - own) * size + own * normal(up, rise, h.own_sd)
    if m.held_s is not None:
        # What is held for longer than any repetition is a hold, as strong as a set may be.
        longer = (math.log(m.held_s) - k.limits.longest_ln_s) / k.limits.longest_soft - HOLD
        size += normal(up, k.sets.ln_n, k.sets.sd) / (1.0 + math.exp(min(50.0, -2.0 * longer)))
    score = ln(size / m.rise_n) + ln(came_back(k, m))
    if math.isinf(tau):
        score += NO_INTERVAL
    else:
        ln_tau = math.log(tau)
        law = normal(ln_tau, math.log(1.5), 1.1)
        score += ln(law if interval is None else 0.3 * law + 0.7 * normal(ln_tau, interval, h.tempo_sd))
    if m.width_s is not None:
        ln_w = math.log(m.width_s)
        law = normal(ln_w, math.log(0.7), 1.2)
        score += ln(law if width is None else 0.3 * law + 0.7 * normal(ln_w, width, h.tempo_sd))
    return score


def near_set(k: Numbers, size_n: float, top_n: float, swing_n: float, peak_n: float) -> float:
    """Return what handling costs next to a set: it is smaller than the set's repetitions.

    What stays far below a taut band's set is compared with how far: the hand was elsewhere.
    """
    h, ln_share = k.handling, math.log(max(size_n, 1e-3) / max(swing_n, peak_n - top_n))
    x = (ln_share - h.near_set_ln) / h.near_set_soft
    return -h.near_set_nats / (1.0 + math.exp(-x)) if x > -30.0 else 0.0
