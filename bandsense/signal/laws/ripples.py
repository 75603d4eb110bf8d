"""Small movements between repetitions, which change nothing."""

from __future__ import annotations

import math
from typing import Final

from bandsense.signal.laws.densities import end, ln, mixed
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers
from bandsense.signal.laws.series import Series

__all__ = ["ripple"]

TUG_REPS: Final = 3.0
"""Tugs between repetitions are believed from the second on, at the fifth half as often as in a long set."""


def ripple(k: Numbers, s: Series, m: Movement) -> float | None:
    """Return the log-likelihood of a small movement at the base of a series, which changes nothing."""
    a = s.peak_n - s.base_n
    u = (m.top_n - s.base_n) / a
    if not 0.0 <= u < 0.4:
        return None
    # In a set the band is adjusted now and then, by tugs that are too small for a repetition of it.
    r, v = k.ripples, k.valleys
    tugs = r.tug_share * max(0.0, s.n - 1.0) / (s.n + TUG_REPS)
    tug = 1.0 / (1.0 + math.exp(min(50.0, (u - r.tug_most) / k.tops.part_soft))) / r.tug_most
    size = (1.0 - tugs) * math.exp(-u / r.size) / r.size + tugs * tug
    score = math.log(r.p_ripple * size / a) - 0.8
    if m.end_n is not None:
        q = (m.end_n - s.base_n) / a
        even = s.even * mixed(q, 0.5, 0.0, v.even_1, 0.4, 0.0, v.even_2)
        free = (1.0 - s.even) * mixed(q, 0.5, 0.0, v.uneven_1, 0.4, 0.0, v.uneven_2)
        score += ln(end(k, m, (even + free) / a))
    if m.width_s is not None:
        score -= 0.8
    return score
