"""Tempo: the intervals and widths of a series, and what is too quick or too long for a repetition."""

from __future__ import annotations

import math

from bandsense.signal.laws.densities import IMPOSSIBLE, ln, mixed, normal, softplus
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers
from bandsense.signal.laws.series import Series

__all__ = ["ln_without_rest", "pace", "tempo"]


def ln_without_rest(m: Movement, width_s: float) -> float:
    """Logarithm of a width without the rest at the top, which says nothing of the tempo."""
    return math.log(max(width_s - (m.last_top_s - m.top_s), 0.1 * width_s))


def pace(k: Numbers, ln_w: float) -> float:
    """Nobody repeats without end quicker than a fraction of a second, and a long hold is no repetition."""
    quick = (k.limits.quickest_ln_s - ln_w) / k.limits.quickest_soft
    return -softplus(quick) - _too_long(k, ln_w)


def _too_long(k: Numbers, ln_w: float) -> float:
    """Return what it costs that a repetition lasts so long."""
    return softplus((ln_w - k.limits.longest_ln_s) / k.limits.longest_soft)


def tempo(
    k: Numbers, s: Series, m: Movement, tau: float, u: float, *, partial: bool
) -> tuple[float, float, float, float | None]:
    """Return the log-likelihood of interval and width, the habit after them, and both logarithms.

    Args:
        k, s, m, tau: as in `next_in_series`.
        u: height of its top in the series, a share of the swing.
        partial: whether either it or what came before it is partial, and the other not.
    """
    t, ln_tau = k.tempo, math.log(tau)
    ln_w = ln_without_rest(m, m.width_s) if m.width_s is not None else None
    if s.interval is None:
        tau0 = tau1 = mixed(ln_tau, 0.7, s.width + 0.45, 0.5, 0.3, s.width + 0.8, 0.8)
    else:
        w0, w1, later = t.interval_steady_w, t.interval_free_w, s.interval + 0.3
        tau0 = mixed(ln_tau, w0, s.interval, t.interval_steady_1, 1.0 - w0, later, t.interval_steady_2)
        tau1 = mixed(ln_tau, w1, s.interval, t.interval_free_1, 1.0 - w1, later, t.interval_free_2)
    wide0 = wide1 = 1.0
    score = 0.0
    if ln_w is not None and m.width_s is not None:
        # Whoever rests long at the top does so in every repetition.
        whole = math.log(m.width_s)
        score = pace(k, whole) + _too_long(k, min(whole, s.width))
        if partial:
            wide0 = wide1 = normal(ln_w, s.width + 0.5 * math.log(max(u, 0.1)), k.tops.part_width_sd)
        else:
            w0, w1 = t.width_steady_w, t.width_free_w
            wide0 = mixed(ln_w, w0, s.width, t.width_steady_1, 1.0 - w0, s.width, t.width_steady_2)
            wide1 = mixed(ln_w, w1, s.width, t.width_free_1, 1.0 - w1, s.width + 0.2, t.width_free_2)
    both0, both1 = s.steady * tau0 * wide0, (1.0 - s.steady) * tau1 * wide1
    both = both0 + both1
    steady = both0 / both if both > IMPOSSIBLE else s.steady
    return score + ln(both), steady, ln_tau, ln_w
