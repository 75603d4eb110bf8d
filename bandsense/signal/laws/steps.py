"""Steps: a rhythm that the body makes while it walks or is driven about.

Steps either rise from wherever the last one ended, or swing about a level. Two of them make a stride: each is
compared with the other foot's and with its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from bandsense.signal.laws.densities import IMPOSSIBLE, NO_INTERVAL, came_back, clip, end, ln, mixed, normal
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers

__all__ = ["Steps", "bump", "first_step", "next_step"]

BUMP: Final = 0.8
"""A bump between two steps reaches at most this share of their size."""

LARGEST_OFF: Final = 0.3
LARGEST_FOOT: Final = 0.5
"""So much of what differs from a walk's tempo counts at most, and so much longer is one step of two at most:
logarithms."""


class Foot(NamedTuple):
    """By how much a step differs from the mean of both feet: top and valley (N), interval and width (ln)."""

    top_n: float = 0.0
    end_n: float = 0.0
    interval: float = 0.0
    width: float = 0.0

    def other(self, off: Foot, share: float) -> Foot:
        """Return what differs in the next step, of the other foot, after one that was off by so much.

        A foot follows by `share`.
        """
        a, b, c, d = self
        return Foot(
            -a - share * off.top_n,
            -b - share * off.end_n,
            clip(-c - share * off.interval, LARGEST_FOOT),
            clip(-d - share * off.width, LARGEST_FOOT),
        )


BOTH_FEET: Final = Foot()


@dataclass(slots=True, eq=False)
class Steps:
    """A rhythm of steps, after so many of them.

    Attributes:
        n: how many.
        rise, interval, width: means of their logarithms; no interval after the first.
        base_n, peak_n: lower and upper level.
        foot: by how much the next step differs: one foot steps harder, and the arm swings once in two steps.
        swings: probability that tension swings about a level.
        bumps: how many smaller bumps lay between them.
        resumed: logarithm of the interval of an earlier walk.
    """

    n: int
    rise: float
    interval: float | None
    width: float
    base_n: float
    peak_n: float
    foot: Foot = BOTH_FEET
    swings: float = 0.0
    bumps: int = 0
    resumed: float | None = None


def first_step(k: Numbers, m: Movement, earlier: Steps | None) -> tuple[float, Steps]:
    """Return the log-likelihood of a movement as the first step of a walk, and the rhythm that it begins.

    Args:
        k, m: the numbers of the model; the movement.
        earlier: the walk before, which it may resume.
    """
    up, width, resumed = math.log(m.rise_n), math.log(0.25), None
    size = normal(up, k.steps.ln_n, k.steps.sd)
    if earlier is not None:
        size = 0.5 * size + 0.5 * normal(up, earlier.rise, k.steps.resumed_size_sd)
        resumed = earlier.interval
    score = ln(size / m.rise_n) + NO_INTERVAL
    if m.width_s is not None:
        width = math.log(m.width_s)
        score += ln(normal(width, math.log(0.25), 0.3))
    score += ln(came_back(k, m))
    base_n = m.start_n if m.end_n is None else 0.5 * (m.start_n + min(m.end_n, m.top_n))
    return score, Steps(1, up, None, width, base_n, m.top_n, swings=k.steps.swings_share, resumed=resumed)


def next_step(k: Numbers, m: Movement, s: Steps, tau: float) -> tuple[float, Steps]:
    """Return the log-likelihood of a movement as the next step, and the rhythm with it.

    Args:
        k, m: the numbers of the model; the movement.
        s: the walk that it belongs to.
        tau: seconds since the top before.
    """
    law, foot, up, ln_tau = k.steps, s.foot, math.log(m.rise_n), math.log(tau)
    spread, gain = math.sqrt(1.0 + 1.0 / s.n), max(0.2, 1.0 / (s.n + 1))
    size = mixed(
        up, law.like_share, s.rise, law.like_sd * spread, 1.0 - law.like_share, s.rise, law.unlike_sd
    )
    apart = size / m.rise_n * came_back(k, m)
    # A step on a taut band swings about a level, one foot harder than the other.
    a = s.peak_n - s.base_n
    top_n, end_n = m.top_n - foot.top_n - s.peak_n, 0.0
    swung = normal(top_n / a, 0.0, law.top_sd * spread) / a
    if m.end_n is not None:
        end_n = m.end_n - foot.end_n - s.base_n
        swung *= normal(end_n / a, 0.0, law.valley_sd * spread) / a
    levels = (1.0 - s.swings) * apart + s.swings * swung
    score = ln(levels)
    swings = s.swings * swung / levels if levels > IMPOSSIBLE else s.swings
    swings += k.habits.p_changed * (law.swings_share - swings)
    interval, off_tau = ln_tau, 0.0
    if s.interval is None:
        # The step of somebody who walks; a slow one, on stairs, or the stride that the arm swings at.
        likely = mixed(ln_tau, 0.88, math.log(0.55), 0.15, 0.12, math.log(0.85), law.first_sd)
        if s.resumed is not None:
            likely = 0.5 * likely + 0.5 * normal(ln_tau, s.resumed, law.resumed_tempo_sd)
        score += ln(likely)
    else:
        off_tau = ln_tau - s.interval - foot.interval
        score += ln(0.8 * normal(off_tau, 0.0, law.interval_sd) + 0.2 * normal(ln_tau, math.log(0.8), 0.4))
        off_tau = clip(off_tau, LARGEST_OFF)
        interval = s.interval + gain * off_tau
    width, off_w = s.width, 0.0
    if m.width_s is not None:
        ln_w = math.log(m.width_s)
        off_w = ln_w - width - foot.width
        score += ln(0.9 * normal(off_w, 0.0, law.width_sd) + 0.1 * normal(ln_w, math.log(0.25), 0.3))
        off_w = clip(off_w, LARGEST_OFF)
        width += gain * off_w
    peak_n = s.peak_n + gain * top_n
    after = Steps(
        s.n + 1,
        s.rise + gain * (up - s.rise),
        interval,
        width,
        min(s.base_n + gain * end_n, peak_n - 0.25 * a),
        peak_n,
        foot.other(Foot(top_n, end_n, off_tau, off_w), law.foot_share),
        swings,
        s.bumps,
        s.resumed,
    )
    return score + math.log(1.0 - _bumpy(k, s)), after


def bump(k: Numbers, m: Movement, s: Steps) -> tuple[float, Steps] | None:
    """Return the log-likelihood of a smaller bump between two steps, and the rhythm with it.

    A step has a heel and a toe: the second harmonic of a walk makes two tops of it, in every step or in none.
    """
    a = s.peak_n - s.base_n
    u = (m.top_n - s.base_n) / a
    if not 0.0 <= u < BUMP:
        return None
    score = math.log(_bumpy(k, s) / (BUMP * a)) - 0.8
    if m.end_n is not None:
        score += ln(end(k, m, normal((m.end_n - s.base_n) / a, 0.0, k.steps.valley_sd) / a))
    if m.width_s is not None:
        score -= 0.8
    return score, replace(s, bumps=s.bumps + 1)


def _bumpy(k: Numbers, s: Steps) -> float:
    """Return how likely the next movement is a bump between steps."""
    return min(0.7, (2.0 * k.steps.p_bump + s.bumps) / (2.0 + s.n + s.bumps))
