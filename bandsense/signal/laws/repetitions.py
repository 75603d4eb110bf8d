"""A movement as the first or the next of a series."""

from __future__ import annotations

import math
from typing import Final

from bandsense.signal.laws.densities import (
    IMPOSSIBLE,
    NO_INTERVAL,
    clip,
    end,
    ln,
    mixed,
    normal,
    returned,
    softplus,
)
from bandsense.signal.laws.dips import NO_DIPS, inner_dips
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import CarriedNumbers, Numbers, TopsNumbers, ValleysNumbers
from bandsense.signal.laws.priors import prior_of
from bandsense.signal.laws.series import NOTHING, Before, Series
from bandsense.signal.laws.tempo import ln_without_rest, pace, tempo

__all__ = ["begin_series", "next_in_series"]

LARGEST_STEP: Final = 0.7
"""The logarithm of a tempo follows by at most this much at once."""

SHORT: Final = 0.5
"""A set's first repetitions were short, and its levels begin anew, where that is likelier than not."""

SHRUNK: Final = 0.2
"""A series whose swing falls to this share of what it was in one movement is over."""

REST_S: Final = 300.0
"""So long after a set the band may still be carried about."""


def begin_series(
    k: Numbers,
    m: Movement,
    counts: bool,
    before: Before = NOTHING,
) -> tuple[float, Series] | None:
    """Return the log-likelihood of a movement as the first of a set or sway, and the series it begins."""
    base_n = m.end_n if m.end_n is not None else min(m.top_n - m.fallen_n, max(m.start_n, m.top_n - m.rise_n))
    swing_n = m.top_n - base_n
    if m.end_n is None:
        swing_n = max(swing_n, m.rise_n)
        base_n = m.top_n - swing_n
    if swing_n <= 0.0:
        return None
    width = m.first_width_s
    ln_w = ln_without_rest(m, width) if width is not None else k.sets.width_ln_s
    even = k.sway.even_share
    if counts:
        even = k.habits.even_share
        # What is slow is no step.
        quick = 1.0 / (1.0 + (width / k.sets.weak_width_s) ** 4) if width is not None else 1.0
        even /= even + (1.0 - even) * min(1.0, swing_n / 20.0) ** (k.sets.weak_uneven_power * quick)
    series = Series(
        counts=counts,
        base_n=base_n,
        peak_n=m.top_n,
        n=1.0,
        width=ln_w,
        interval=None,
        even=even,
        steady=k.habits.steady_share if counts else 0.0,
        dips=NO_DIPS,
        prior=0.0,
        before=before,
    )
    series.prior = prior_of(k, counts, m.top_n, swing_n, ln_w, m, before)
    score = series.prior + NO_INTERVAL
    if m.end_n is not None:
        # The fall is the swing; the rise may hold the take-up as well.
        score += ln(end(k, m, returned(m.rise_n / swing_n) / swing_n)) - math.log(swing_n)
    else:
        score -= math.log(m.rise_n)
    if width is not None:
        score += ln(normal(ln_w, k.sets.width_ln_s, k.sets.width_sd)) + pace(k, math.log(width))
    inner, series.dips = inner_dips(k, NO_DIPS, 0.0, swing_n, m.dips_n)
    return score + inner, series


def next_in_series(k: Numbers, s: Series, m: Movement, tau: float) -> tuple[float, Series] | None:
    """Return the log-likelihood of a movement as the next of a series, and the series with it."""
    a = s.peak_n - s.base_n
    u = (m.top_n - s.base_n) / a
    spread = math.sqrt(1.0 + 1.0 / s.n)
    full0, full1, part, over = _tops(k.tops, s, u, spread)
    part0, part1 = k.tops.part_even * part, k.tops.part_uneven * part
    top0, top1 = full0 + (part0 + over), full1 + (part1 + over)
    end0, end1, known0, known1 = 1.0, 1.0, 0.0, 0.0
    if m.end_n is not None:
        end0, end1, known0, known1 = _valleys(k.valleys, s, m.end_n, m.lowest_n, a, spread)
    level0, level1 = s.even * top0 * end0, (1.0 - s.even) * top1 * end1
    levels = level0 + level1
    if levels < IMPOSSIBLE:
        return None
    even = level0 / levels
    if not s.counts:
        even = _by_chance(k, s, m, even)
    full = 1.0 if u >= 1.0 else even * full0 / top0 + (1.0 - even) * full1 / top1
    # Levels between a short one and a full one would fit neither.
    begins = u >= 1.0 and even * part0 / top0 + (1.0 - even) * part1 / top1 > SHORT
    known = even * known0 + (1.0 - even) * known1
    score = math.log(levels / a)
    if s.counts and m.end_n is not None and m.end_n < s.base_n:
        # What came back too little for a set while it lasted was let go: slack is no lower level of it.
        # Of a single movement it is what a dip is: a hold that sagged, and no repetition before another.
        came, one = a / (s.peak_n - m.end_n), max(0.0, 2.0 - s.n)
        least = k.sets.taut_least + one * (k.returns.least - k.sets.taut_least)
        known /= 1.0 + math.exp(min(50.0, (least - came) / k.sets.taut_soft))
        score -= one * softplus((k.returns.least - came) / k.returns.soft)
    if s.counts and m.end_n is not None:
        # Where tension hardly comes back there is a dip inside a repetition, and no end of one.
        back = (m.top_n - m.end_n) / max(m.top_n - s.base_n, 0.01 * a)
        score -= softplus((k.returns.least - back) / k.returns.soft)
    if m.start_n < s.base_n - 0.5 * a:
        score += k.valleys.let_go_on_nats if s.counts else k.valleys.let_go_on_sway_nats
    if s.n > k.telling.many:
        score -= k.telling.many_nats * min(1.0, (s.n - k.telling.many) / 10.0)
    ln_tempo, steady, ln_tau, ln_w = tempo(k, s, m, tau, u, partial=begins or full < 0.5)
    score += ln_tempo
    if s.counts:
        # What a person has done is not for ever: a set may go on at another tempo.
        steady += k.habits.p_changed * (k.habits.steady_share - steady)
        score -= _carried(k.carried, s, even, a, ln_tau, len(m.dips_n))
    inner, dips = inner_dips(k, s.dips, s.n, a, m.dips_n)
    score += inner
    n = full if begins else s.n + full
    gain = max(k.habits.gain, 1.0 / n)
    peak_n = s.peak_n + gain * full * (m.top_n - s.peak_n)
    base_n = s.base_n
    if m.end_n is not None:
        base_n += max(k.habits.gain, 1.0 / (n + 1.0)) * known * (m.end_n - base_n)
    if peak_n - base_n < SHRUNK * a:
        return None
    # Of somebody who keeps no tempo the latest repetition says most of the next one.
    follow, largest = gain, LARGEST_STEP
    if s.counts:
        follow += max(0.0, k.habits.at_once_share - gain) * (1.0 - steady)
        largest /= max(steady, 0.2)
    interval = ln_tau if s.interval is None else s.interval + follow * clip(ln_tau - s.interval, largest)
    width = s.width if ln_w is None else s.width + follow * full * clip(ln_w - s.width, largest)
    prior = prior_of(k, s.counts, peak_n, peak_n - base_n, width, m, s.before)
    score += prior - s.prior
    after = Series(
        s.counts, base_n, peak_n, n, width, interval, even, steady, dips, prior, s.before
    )  # fmt: skip
    return score, after


def _tops(k: TopsNumbers, s: Series, u: float, spread: float) -> tuple[float, float, float, float]:
    """Return the densities of a top at the share `u` of the swing: full if even, if not, partial, over."""
    full0 = mixed(u, k.even_w1, 1.0, k.even_1 * spread, k.even_w2, 1.0, k.even_2)
    full1 = mixed(u, k.uneven_w1, 1.0, k.uneven_1 * spread, k.uneven_w2, 1.0, k.uneven_2)
    if u < 1.0:
        return full0, full1, _partial(k, u), 0.0
    over = k.over_share / k.over_width * math.exp((1.0 - u) / k.over_width)
    first = 0.0
    if s.counts and s.n < 3.0:
        # Or the ones before it were partial, and this one is the first full one.
        first = 0.5 * (3.0 - s.n) * _partial(k, 1.0 / u) / (u * u)
    return full0, full1, first, over


def _valleys(
    k: ValleysNumbers, s: Series, end_n: float, lowest_n: float, a: float, spread: float
) -> tuple[float, float, float, float]:
    """Return the density of a valley (1/N) if even and if not, and how surely each is the lower level."""
    q = (end_n - s.base_n) / a
    if q < 0.0:
        far = (k.let_go_set if s.counts else k.let_go_sway) * 0.5 / (1.0 - q) ** 2
    else:
        far = 0.25 * math.exp(-q / 0.2)
    near0 = mixed(q, 0.5, 0.0, k.even_1 * spread, 0.4, 0.0, k.even_2)
    near1 = mixed(q, 0.5, 0.0, k.uneven_1 * spread, 0.4, 0.0, k.uneven_2)
    floor = k.slack_share * normal(end_n, lowest_n, k.slack_width_n)
    if not s.counts and s.base_n > lowest_n:
        # Who sways on a taut band does not come back to slack.
        floor *= math.exp((lowest_n - s.base_n) / (k.slack_reach * a))
    taut = 1.0 - k.slack_share
    end0, end1 = taut * (near0 + far) / a + floor, taut * (near1 + far) / a + floor
    far *= taut / a
    return end0, end1, 1.0 - far / end0 if end0 else 0.0, 1.0 - far / end1 if end1 else 0.0


def _carried(k: CarriedNumbers, s: Series, even: float, a: float, ln_tau: float, dips: int) -> float:
    """Return what it costs that the next of a set is a quick, weak movement: a band that is carried about."""
    # At the pace of steps, unless they are too even for that. An arm swings once in two, with a dip between.
    ln_pace = ln_tau - math.log(1 + dips)
    like_steps = math.exp(-0.5 * ((ln_pace - math.log(0.55)) / 0.25) ** 2) / (1.0 + (a / 25.0) ** 2)
    cost = (k.step_nats + (1.0 - even) * k.step_uneven_nats) * like_steps
    if s.before.swing_n > 0.0 and s.before.ago_s < REST_S:
        # So are those in the rest that are a small share of the set before it.
        small = softplus(math.log(k.rest_share * s.before.swing_n / a) / k.rest_soft)
        quick = 1.0 / (1.0 + math.exp((ln_tau - k.rest_ln_s) / k.rest_soft))
        cost += k.rest_nats * min(1.0, small) * quick
    return cost


def _partial(k: TopsNumbers, share: float) -> float:
    """Density of a partial repetition's share of the swing: any, above what is too little for one."""
    return 1.25 / (1.0 + math.exp(min(50.0, (k.part_least - share) / k.part_soft)))


def _by_chance(k: Numbers, s: Series, m: Movement, even: float) -> float:
    """Return the probability that the next wave of a sway is even; this one was with probability `even`.

    Small waves upon a large tension may be even for long, as breathing makes them. Nobody sways by a large
    share of the tension and comes back to the same places each time: that is chance, and no habit.
    """
    swing_n = s.peak_n - s.base_n
    share = swing_n / max(s.peak_n - min(0.0, m.lowest_n), swing_n)
    habit = 1.0 / (1.0 + math.exp(min(50.0, (share - k.sets.taut_least) / k.sway.breath_soft)))
    return habit * even + (1.0 - habit) * k.sway.even_share
