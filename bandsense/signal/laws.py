"""How likely a movement is under each explanation: the densities of the model, and their numbers.

Four kinds of movement compete for a trace (`bandsense.signal.explanations` lets them):

    HANDLING  picking up the band, taking position, putting it down: every movement for itself
    STEPS     a rhythm that the body makes while it walks or is driven about
    SET       repetitions: a *series* of movements between a lower level B (base) and an upper level P (peak)
    SWAY      standing on a taut band: a series as well, of small waves upon a large tension; counts nothing

A movement is described by its rise and fall (N), the time since the top before it and the time it spent above
half of its height (both as logarithms of seconds). The functions here give natural logarithms of probability
densities over these four numbers, so that explanations of the same trace can be compared by their sums.

A series learns: its levels, its width and interval, and two habits. *Even* is the probability that its levels
repeat closely, *steady* the probability that its tempo does. Each habit is a mixture of a narrow and a wide
law, filtered by Bayes' rule inside the series. A movement inside a series is judged by its likeness to the
series, never by newtons; newtons appear only in the broad priors of a series' size, which are worth a few
nats at most.

The numbers (`Numbers`) are fitted: `python -m benchmarks.fit` writes `laws.json`. docs/detection.md says what
each does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from importlib.resources import files
from typing import Final, NamedTuple

__all__ = [
    "FITTED",
    "Before",
    "Dip",
    "Movement",
    "Numbers",
    "Series",
    "Steps",
    "begin_series",
    "bump",
    "dip_law",
    "handling",
    "next_in_series",
    "ripple",
    "steps",
]

_ROOT: Final = math.sqrt(2.0 * math.pi)
_IMPOSSIBLE: Final = 1e-300

NO_INTERVAL: Final = -0.5 - math.log(1.1) - 0.919
"""What the unknown interval of a first movement costs: the average of the interval's law."""

LARGEST_STEP: Final = 0.7
"""The logarithm of a tempo follows by at most this much at once."""

SHORT: Final = 0.8
"""A set's first repetitions were short, and its levels begin anew, where that is at least so likely."""

SHRUNK: Final = 0.2
"""A series whose swing falls to this share of what it was in one movement is over."""

HOLD: Final = 4.0
"""A hold is longer than the longest repetition by so many times what is not sure about that."""

BUMP: Final = 0.8
"""A bump between two steps reaches at most this share of their size."""

LARGEST_OFF: Final = 0.3
LARGEST_FOOT: Final = 0.5
"""So much of what differs from a walk's tempo counts at most, and so much longer is one step of two at most:
logarithms."""

TUG_REPS: Final = 3.0
"""Tugs between repetitions are believed from the second on, at the fifth half as often as in a long set."""

REST_S: Final = 300.0
"""So long after a set the band may still be carried about."""

INNER_DIP: Final = 0.5 - 1.6
"""A dip inside a repetition, per swing squared: the average density of the four numbers it would have."""

TIME_DENSITY: Final = 0.45
"""Of it what belongs to the time that the dip takes."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the model, each named after its law; docs/detection.md says what they do."""

    slack_share: float
    slack_width_n: float
    handling_small: float
    handling_small_ln_n: float
    handling_small_sd: float
    handling_large_ln_n: float
    handling_large_sd: float
    handling_own_share: float
    handling_own_n: float
    handling_own_sd: float
    handling_tempo_sd: float
    near_set_nats: float
    near_set_ln: float
    near_set_soft: float
    step_ln_n: float
    step_sd: float
    step_like: float
    step_like_sd: float
    step_unlike_sd: float
    step_swings: float
    step_top_sd: float
    step_valley_sd: float
    step_interval_sd: float
    step_width_sd: float
    step_first_sd: float
    foot_share: float
    resumed_size_sd: float
    resumed_tempo_sd: float
    step_pace_nats: float
    step_uneven_nats: float
    rest_nats: float
    rest_small_share: float
    rest_pace_ln_s: float
    rest_soft: float
    set_ln_n: float
    set_sd: float
    set_width_ln_s: float
    set_width_sd: float
    taut_least: float
    taut_soft: float
    taut_power: float
    weak_n: float
    weak_power: float
    weak_uneven_power: float
    top_even_1: float
    top_even_2: float
    top_even_w1: float
    top_even_w2: float
    part_even: float
    top_uneven_1: float
    top_uneven_2: float
    top_uneven_w1: float
    top_uneven_w2: float
    part_uneven: float
    over: float
    over_width: float
    valley_even_1: float
    valley_even_2: float
    valley_uneven_1: float
    valley_uneven_2: float
    interval_steady_1: float
    interval_steady_2: float
    interval_steady_w: float
    interval_free_1: float
    interval_free_2: float
    interval_free_w: float
    width_steady_1: float
    width_steady_2: float
    width_steady_w: float
    width_free_1: float
    width_free_2: float
    width_free_w: float
    part_least: float
    part_soft: float
    part_width_sd: float
    even: float
    steady: float
    p_changed: float
    gain: float
    at_once_share: float
    dip_small: float
    dip_worth: float
    dip_like_sd: float
    dip_top_sd: float
    dip_prior: float
    half_return: float
    half_return_sd: float
    half_return_odds: float
    half_return_prior: float
    ripple: float
    tug_share: float
    tug_most: float
    dip_nats: float
    dip_time_sd: float
    back_least: float
    back_soft: float
    let_go_set: float
    let_go_sway: float
    let_go_on: float
    let_go_on_sway: float
    quickest_ln_s: float
    quickest_soft: float
    longest_ln_s: float
    longest_soft: float
    sway_share: float
    sway_sd: float
    sway_largest_n: float
    sway_power: float
    sway_even: float
    breath_soft: float
    slack_reach: float
    p_set: float
    patience: float
    busy_s: float
    p_steps: float
    p_sway: float
    p_end: float
    p_steps_end: float
    p_straight_on: float
    p_resumed: float
    pause_s: float
    p_bump: float
    p_rep: float
    p_dip: float
    p_ripple: float
    p_take_up: float
    many: float
    many_nats: float
    again_nats: float
    again_s: float
    unseen_nats: float
    show_first: float
    show: float
    take_back: float
    trust: float

    @classmethod
    def fitted(cls) -> Numbers:
        """Return the numbers that ship."""
        text = files("bandsense.signal").joinpath("laws.json").read_text("utf-8")
        return cls(**json.loads(text))

    def __reduce__(self) -> tuple[type[Numbers], tuple[float, ...]]:
        """Pickle them as the call that makes them, which a compiled class can be made by as well."""
        return Numbers, astuple(self)


class Dip(NamedTuple):
    """A dip inside a movement: depth below the lower of the tops beside it, how far apart these are (N, s).

    No depth is known where samples are missing: 0.
    """

    depth_n: float
    apart_n: float
    seconds: float


class Movement:
    """What lies between two valleys, as far as it is known.

    Attributes:
        start_n: tension in the valley before.
        start_s: time of the valley before.
        top_n: its highest top.
        top_s, last_top_s: when it came to its top, and when it left it: later where it rested there.
        end_n: tension in the valley after; None while it is not known, or where samples of it are missing.
        fallen_n: the fall so far.
        width_s: time above half of its height; None while it is not known.
        first_width_s: the same where a series begins, so that what came before the pull does not count.
        held_s: time above three quarters of its height, of one that is wider than repetitions are.
        dips_n: the dips at its inner valleys.
        lowest_n: lowest tension of the last minute: the slack level, if it is slack at all.
    """

    def __init__(
        self,
        start_n: float,
        top_n: float,
        top_s: float,
        end_n: float | None,
        fallen_n: float,
        width_s: float | None,
        first_width_s: float | None,
        held_s: float | None,
        dips_n: Sequence[Dip],
        lowest_n: float,
        start_s: float,
        last_top_s: float,
    ) -> None:
        self.start_n = start_n
        self.top_n = top_n
        self.top_s = top_s
        self.end_n = end_n
        self.fallen_n = fallen_n
        self.width_s = width_s
        self.first_width_s = first_width_s
        self.held_s = held_s
        self.dips_n = dips_n
        self.lowest_n = lowest_n
        self.start_s = start_s
        self.last_top_s = last_top_s

    @property
    def rise_n(self) -> float:
        """From the valley before to the top."""
        return self.top_n - self.start_n


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
            _clip(-c - share * off.interval, LARGEST_FOOT),
            _clip(-d - share * off.width, LARGEST_FOOT),
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


class Before(NamedTuple):
    """What precedes a set.

    Attributes:
        handled: sizes and tops (N) of the handling less than ten seconds before it.
        swing_n, ago_s: swing of the set before it on this path, and the seconds since; 0 if there was none.
    """

    handled: Sequence[tuple[float, float]] = ()
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
        half_returns: how many of its repetitions came with a half return.
        dips, dip_depth, dip_s: how many small dips they had, how deep all together, as shares of the swing,
            and how long all together.
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
        half_returns: float,
        dips: float,
        dip_depth: float,
        dip_s: float,
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
        self.half_returns = half_returns
        self.dips = dips
        self.dip_depth = dip_depth
        self.dip_s = dip_s
        self.prior = prior
        self.before = before


def _normal(x: float, mean: float, sd: float) -> float:
    z = (x - mean) / sd
    return math.exp(-0.5 * z * z) / (sd * _ROOT)


def _ln(x: float) -> float:
    return math.log(x) if x > _IMPOSSIBLE else -690.0


def _returned(r: float) -> float:
    """Density of fall by rise: movements mostly come back to where they began."""
    if r <= 1e-6:
        return 0.0
    return (
        0.5 * _normal(r, 1.0, 0.06) + 0.35 * _normal(r, 1.0, 0.25) + 0.15 * _normal(math.log(r), 0.0, 1.3) / r
    )


def _end(k: Numbers, m: Movement, density: float) -> float:
    """Density of the valley after, in 1/N; a slack band is a floor to whoever comes back to it."""
    if m.end_n is None:
        return 1.0
    return (1.0 - k.slack_share) * density + k.slack_share * _normal(m.end_n, m.lowest_n, k.slack_width_n)


# ── handling and steps ──────────────────────────────────────────────────────────────────────────────────────


def handling(
    k: Numbers, m: Movement, n: int, rise: float, interval: float | None, width: float | None, tau: float
) -> float:
    """Return the log-likelihood of a movement that is neither a repetition nor a step nor sway.

    Args:
        n, rise: how many handling movements there were just before, and the mean logarithm of their rises.
        interval, width: logarithms of the latest of them, None if there was none.
        tau: seconds since the top before; infinite for the first movement.
    """
    up = math.log(m.rise_n)
    size = k.handling_small * _normal(up, k.handling_small_ln_n, k.handling_small_sd) + (
        1.0 - k.handling_small
    ) * _normal(up, k.handling_large_ln_n, k.handling_large_sd)
    if n:
        # Whoever tugs at a strong band tugs on.
        own = k.handling_own_share * n / (n + k.handling_own_n)
        size = (1.0 - own) * size + own * _normal(up, rise, k.handling_own_sd)
    if m.held_s is not None:
        # What is held for longer than any repetition is a hold, as strong as a set may be.
        longer = (math.log(m.held_s) - k.longest_ln_s) / k.longest_soft - HOLD
        size += _normal(up, k.set_ln_n, k.set_sd) / (1.0 + math.exp(min(50.0, -2.0 * longer)))
    score = _ln(size / m.rise_n)
    if m.end_n is not None:
        score += _ln(_end(k, m, _returned((m.top_n - m.end_n) / m.rise_n) / m.rise_n))
    if math.isinf(tau):
        score += NO_INTERVAL
    else:
        ln_tau = math.log(tau)
        law = _normal(ln_tau, math.log(1.5), 1.1)
        score += _ln(
            law if interval is None else 0.3 * law + 0.7 * _normal(ln_tau, interval, k.handling_tempo_sd)
        )
    if m.width_s is not None:
        ln_w = math.log(m.width_s)
        law = _normal(ln_w, math.log(0.7), 1.2)
        score += _ln(law if width is None else 0.3 * law + 0.7 * _normal(ln_w, width, k.handling_tempo_sd))
    return score


def near_set(k: Numbers, size_n: float, top_n: float, swing_n: float, peak_n: float) -> float:
    """Return what handling costs next to a set: it is smaller than the set's repetitions.

    What stays far below a taut band's set is compared with how far: the hand was elsewhere.
    """
    x = (math.log(max(size_n, 1e-3) / max(swing_n, peak_n - top_n)) - k.near_set_ln) / k.near_set_soft
    return -k.near_set_nats / (1.0 + math.exp(-x)) if x > -30.0 else 0.0


def steps(
    k: Numbers, m: Movement, before: Steps | None, tau: float, earlier: Steps | None = None
) -> tuple[float, Steps]:
    """Return the log-likelihood of a step, and the rhythm with it.

    Args:
        before: the walk that it belongs to; None for a first step.
        tau: seconds since the top before.
        earlier: the walk before, which a first step may resume.
    """
    up = math.log(m.rise_n)
    ln_w = math.log(m.width_s) if m.width_s is not None else None
    back = 1.0
    if m.end_n is not None:
        back = _end(k, m, _returned((m.top_n - m.end_n) / m.rise_n) / m.rise_n)
    if before is None:
        size = _normal(up, k.step_ln_n, k.step_sd)
        if earlier is not None:
            size = 0.5 * size + 0.5 * _normal(up, earlier.rise, k.resumed_size_sd)
        score = _ln(size / m.rise_n) + NO_INTERVAL
        if ln_w is not None:
            score += _ln(_normal(ln_w, math.log(0.25), 0.3))
        score += _ln(back)
        base_n = m.start_n if m.end_n is None else 0.5 * (m.start_n + min(m.end_n, m.top_n))
        width = ln_w if ln_w is not None else math.log(0.25)
        resumed = earlier.interval if earlier is not None else None
        after = Steps(1, up, None, width, base_n, m.top_n, swings=k.step_swings, resumed=resumed)
    else:
        n = before.n
        spread = math.sqrt(1.0 + 1.0 / n)
        like = k.step_like * _normal(up, before.rise, k.step_like_sd * spread)
        apart = (like + (1.0 - k.step_like) * _normal(up, before.rise, k.step_unlike_sd)) / m.rise_n * back
        # A step on a taut band swings about a level, one foot harder than the other.
        a, foot = before.peak_n - before.base_n, before.foot
        top_n, end_n = m.top_n - foot.top_n - before.peak_n, 0.0
        swung = _normal(top_n / a, 0.0, k.step_top_sd * spread) / a
        if m.end_n is not None:
            end_n = m.end_n - foot.end_n - before.base_n
            swung *= _normal(end_n / a, 0.0, k.step_valley_sd * spread) / a
        levels = (1.0 - before.swings) * apart + before.swings * swung
        score = _ln(levels)
        swings = before.swings * swung / levels if levels > _IMPOSSIBLE else before.swings
        swings += k.p_changed * (k.step_swings - swings)
        ln_tau, gain = math.log(tau), max(0.2, 1.0 / (n + 1))
        interval, off_tau = ln_tau, 0.0
        if before.interval is None:
            # The step of somebody who walks; a slow one, on stairs, or the stride that the arm swings at.
            law = 0.88 * _normal(ln_tau, math.log(0.55), 0.15)
            law += 0.12 * _normal(ln_tau, math.log(0.85), k.step_first_sd)
            if before.resumed is not None:
                law = 0.5 * law + 0.5 * _normal(ln_tau, before.resumed, k.resumed_tempo_sd)
            score += _ln(law)
        else:
            off_tau = ln_tau - before.interval - foot.interval
            even = 0.8 * _normal(off_tau, 0.0, k.step_interval_sd)
            score += _ln(even + 0.2 * _normal(ln_tau, math.log(0.8), 0.4))
            off_tau = _clip(off_tau, LARGEST_OFF)
            interval = before.interval + gain * off_tau
        width, off_w = before.width, 0.0
        if ln_w is not None:
            off_w = ln_w - width - foot.width
            score += _ln(
                0.9 * _normal(off_w, 0.0, k.step_width_sd) + 0.1 * _normal(ln_w, math.log(0.25), 0.3)
            )
            off_w = _clip(off_w, LARGEST_OFF)
            width += gain * off_w
        peak_n = before.peak_n + gain * top_n
        after = Steps(
            n + 1,
            before.rise + gain * (up - before.rise),
            interval,
            width,
            min(before.base_n + gain * end_n, peak_n - 0.25 * a),
            peak_n,
            foot.other(Foot(top_n, end_n, off_tau, off_w), k.foot_share),
            swings,
            before.bumps,
            before.resumed,
        )
        score += math.log(1.0 - _bumpy(k, before))
    return score, after


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
        score += _ln(_end(k, m, _normal((m.end_n - s.base_n) / a, 0.0, k.step_valley_sd) / a))
    if m.width_s is not None:
        score -= 0.8
    return score, replace(s, bumps=s.bumps + 1)


def _bumpy(k: Numbers, s: Steps) -> float:
    """Return how likely the next movement is a bump between steps."""
    return min(0.7, (2.0 * k.p_bump + s.bumps) / (2.0 + s.n + s.bumps))


def _clip(x: float, largest: float) -> float:
    return max(-largest, min(largest, x))


# ── series: sets and sway ───────────────────────────────────────────────────────────────────────────────────


def _without_dips(m: Movement, width_s: float) -> float:
    """Logarithm of a width without the rest at the top, which says nothing of the tempo."""
    return math.log(max(width_s - (m.last_top_s - m.top_s), 0.1 * width_s))


def _pace(k: Numbers, ln_w: float) -> float:
    """Nobody repeats without end quicker than a fraction of a second, and a long hold is no repetition."""
    quick = (k.quickest_ln_s - ln_w) / k.quickest_soft
    long = (ln_w - k.longest_ln_s) / k.longest_soft
    return -_softplus(quick) - _softplus(long)


def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x))


def _prior(k: Numbers, counts: bool, peak_n: float, swing_n: float, m: Movement, before: Before) -> float:
    """Logarithm of the prior of a series with these levels."""
    zero_n = min(0.0, m.lowest_n)
    level_n = max(peak_n - zero_n, swing_n)
    a = swing_n / level_n
    if not counts:
        waves = math.log(max(k.sway_share * (level_n - 0.5 * swing_n), 1e-6))
        score = _ln(_normal(math.log(swing_n), waves, k.sway_sd)) + 3.0 * math.log(max(1.0 - a, 1e-6))
        largest = max(math.log(k.sway_largest_n), waves)
        return score + k.sway_power * min(0.0, largest - math.log(swing_n))
    size = _normal(math.log(swing_n), k.set_ln_n, k.set_sd)
    score = 0.0
    if before.swing_n > 0.0:
        like = _normal(math.log(swing_n), math.log(before.swing_n), 0.2)
        # What was smaller than a set, and just before it, was rather handling.
        small = 1.0 / (1.0 + math.exp((math.log(before.swing_n / swing_n) - k.near_set_ln) / k.near_set_soft))
        again = k.again_nats + small * k.near_set_nats
        score += _ln(0.6 * size + 0.4 * like) - again * math.exp(-before.ago_s / k.again_s)
    else:
        score += _ln(size)
    if a < 0.4:
        score += k.taut_power * math.log(a / 0.4)
    score -= _softplus((k.taut_least - a) / k.taut_soft)
    if swing_n < k.weak_n:
        score += k.weak_power * math.log(swing_n / k.weak_n)
    for size_n, top_n in before.handled:
        score += near_set(k, size_n, top_n, swing_n, peak_n)
    return score


def _dips(
    k: Numbers, s: Series, n: float, swing_n: float, dips_n: Sequence[Dip]
) -> tuple[float, float, float, float, float]:
    """Log-likelihood of the inner dips of one repetition, and what they teach.

    Both kinds of dip are habits: a half return comes with a repetition or does not, and after each small dip
    there is another with a probability that the repetitions so far have taught, and so are their depths.

    Returns:
        The log-likelihood, the largest share of half return in one, and number, summed depth (shares of the
        swing) and summed time of the small dips.
    """
    habit = min(0.9, (k.half_return_odds * k.half_return_prior + s.half_returns) / (k.half_return_prior + n))
    again = (k.p_dip * k.dip_prior + s.dips) / (k.dip_prior + s.dips + n)
    score, largest, halves = math.log1p(-habit) + math.log((1.0 - again) / (1.0 - k.p_dip)), 0.0, 0
    if not dips_n:
        return score, largest, 0.0, 0.0, 0.0
    scale = -2.0 * math.log(swing_n) + INNER_DIP
    dips = depth = dip_s = 0.0
    for depth_n, apart_n, seconds in dips_n:
        d = max(depth_n, 0.0) / swing_n
        small = again * dip_law(
            k, s.dips + dips, s.dip_depth + depth, s.dip_s + dip_s, d, apart_n / swing_n, seconds
        )
        half = habit / (1.0 - habit) * _normal(d, k.half_return, k.half_return_sd)
        if halves:
            half *= k.p_dip
        score += _ln(small + half) + scale
        share = half / (small + half + _IMPOSSIBLE)
        halves += share > 0.5
        largest = max(largest, share)
        dips += 1.0 - share
        depth += (1.0 - share) * d
        dip_s += (1.0 - share) * seconds
    return score, largest, dips, depth, dip_s


def dip_law(
    k: Numbers, dips: float, depth: float, dip_s: float, d: float, apart: float, seconds: float
) -> float:
    """Return the density of a small dip, after so many with so much depth together.

    As in a Pólya urn: it is a new one, or like those that were there, the more surely the more there were.
    Pulses are alike: as deep, as long, and from the same top.

    Args:
        k: the numbers of the model.
        dips, depth: how many small dips the series had, and how deep all together.
        dip_s: how long all of them took together, from top to top, seconds.
        d: depth of this one, below the lower of the tops beside it; a share of the swing.
        apart: how far the tops beside it are apart; a share of the swing.
        seconds: how long it took.
    """
    new = math.exp(-d / k.dip_small - k.dip_nats) / k.dip_small
    if dips <= 0.0 or depth <= 0.0 or d <= 0.0:
        return new
    like = _normal(math.log(d * dips / depth), 0.0, k.dip_like_sd) / d
    like *= 2.0 * _normal(apart, 0.0, k.dip_top_sd)
    like *= _normal(math.log(seconds * dips / dip_s), 0.0, k.dip_time_sd) / TIME_DENSITY
    return (k.dip_worth * new + dips * like) / (k.dip_worth + dips)


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
    ln_w = _without_dips(m, width) if width is not None else k.set_width_ln_s
    even = k.even
    if counts:
        uneven = (1.0 - k.even) * min(1.0, swing_n / 20.0) ** k.weak_uneven_power
        even = k.even / (k.even + uneven)
    series = Series(
        counts=counts,
        base_n=base_n,
        peak_n=m.top_n,
        n=1.0,
        width=ln_w,
        interval=None,
        even=even if counts else k.sway_even,
        steady=k.steady if counts else 0.0,
        half_returns=0.0,
        dips=0.0,
        dip_depth=0.0,
        dip_s=0.0,
        prior=0.0,
        before=before,
    )
    prior = series.prior = _prior(k, counts, m.top_n, swing_n, m, before)
    score = prior + NO_INTERVAL
    if m.end_n is not None:
        # The fall is the swing; the rise may hold the take-up as well.
        score += _ln(_end(k, m, _returned(m.rise_n / swing_n) / swing_n)) - math.log(swing_n)
    else:
        score -= math.log(m.rise_n)
    if width is not None:
        score += _ln(_normal(ln_w, k.set_width_ln_s, k.set_width_sd)) + _pace(k, math.log(width))
    inner, series.half_returns, series.dips, series.dip_depth, series.dip_s = _dips(
        k, series, 0.0, swing_n, m.dips_n
    )
    return score + inner, series


def next_in_series(k: Numbers, s: Series, m: Movement, tau: float) -> tuple[float, Series] | None:
    """Return the log-likelihood of a movement as the next of a series, and the series with it."""
    a = s.peak_n - s.base_n
    u = (m.top_n - s.base_n) / a
    spread = math.sqrt(1.0 + 1.0 / s.n)
    even, uneven = s.even, 1.0 - s.even
    first = over = 0.0
    if u < 1.0:
        part = _partial(k, u)
    else:
        over = k.over / k.over_width * math.exp((1.0 - u) / k.over_width)
        # Or the ones before it were partial, and this one is the first full one.
        if s.counts and s.n < 3.0:
            first = 0.5 * (3.0 - s.n) * _partial(k, 1.0 / u) / (u * u)
        part = first
    part0, part1 = k.part_even * part + over, k.part_uneven * part + over
    full0 = k.top_even_w1 * _normal(u, 1.0, k.top_even_1 * spread) + k.top_even_w2 * _normal(
        u, 1.0, k.top_even_2
    )
    full1 = k.top_uneven_w1 * _normal(u, 1.0, k.top_uneven_1 * spread) + k.top_uneven_w2 * _normal(
        u, 1.0, k.top_uneven_2
    )
    top0, top1 = full0 + part0, full1 + part1
    known0 = known1 = 0.0
    if m.end_n is not None:
        q = (m.end_n - s.base_n) / a
        far = (
            (k.let_go_set if s.counts else k.let_go_sway) * 0.5 / (1.0 - q) ** 2
            if q < 0.0
            else 0.25 * math.exp(-q / 0.2)
        )
        near0 = 0.5 * _normal(q, 0.0, k.valley_even_1 * spread) + 0.4 * _normal(q, 0.0, k.valley_even_2)
        near1 = 0.5 * _normal(q, 0.0, k.valley_uneven_1 * spread) + 0.4 * _normal(q, 0.0, k.valley_uneven_2)
        floor = k.slack_share * _normal(m.end_n, m.lowest_n, k.slack_width_n)
        if not s.counts and s.base_n > m.lowest_n:
            # Who sways on a taut band does not come back to slack.
            floor *= math.exp((m.lowest_n - s.base_n) / (k.slack_reach * a))
        end0, end1 = (
            (1.0 - k.slack_share) * (near0 + far) / a + floor,
            (1.0 - k.slack_share) * (near1 + far) / a + floor,
        )
        far_share = (1.0 - k.slack_share) * far / a
        known0 = 1.0 - far_share / end0 if end0 else 0.0
        known1 = 1.0 - far_share / end1 if end1 else 0.0
    else:
        end0 = end1 = 1.0
    level0, level1 = even * top0 * end0, uneven * top1 * end1
    levels = level0 + level1
    if levels < _IMPOSSIBLE:
        return None
    even = level0 / levels
    if not s.counts:
        even = _by_chance(k, s, m, even)
    full = 1.0 if u >= 1.0 else even * full0 / top0 + (1.0 - even) * full1 / top1
    # Levels between a short one and a full one would fit neither.
    begins = first > 0.0 and first * (even * k.part_even / top0 + (1.0 - even) * k.part_uneven / top1) > SHORT
    known = even * known0 + (1.0 - even) * known1
    score = math.log(levels / a)
    if s.counts and m.end_n is not None:
        # Where tension hardly comes back there is a dip inside a repetition, and no end of one.
        back = (m.top_n - m.end_n) / max(m.top_n - s.base_n, 0.01 * a)
        score -= _softplus((k.back_least - back) / k.back_soft)
    if m.start_n < s.base_n - 0.5 * a:
        score += k.let_go_on if s.counts else k.let_go_on_sway
    if s.n > k.many:
        score -= k.many_nats * min(1.0, (s.n - k.many) / 10.0)
    tempo, steady, ln_tau, ln_w = _tempo(k, s, m, tau, u, partial=begins or full < 0.5)
    score += tempo
    if s.counts:
        # What a person has done is not for ever: a set may go on at another tempo.
        steady += k.p_changed * (k.steady - steady)
        # Quick, weak movements at the pace of steps are steps, unless they are too even for that.
        # An arm swings once in two of them, with a dip between.
        ln_pace = ln_tau - math.log(1 + len(m.dips_n))
        like_steps = math.exp(-0.5 * ((ln_pace - math.log(0.55)) / 0.25) ** 2) / (1.0 + (a / 25.0) ** 2)
        score -= (k.step_pace_nats + (1.0 - even) * k.step_uneven_nats) * like_steps
        if s.before.swing_n > 0.0 and s.before.ago_s < REST_S:
            # So are those that are a small share of the set before: the band is carried about in the rest.
            small = _softplus(math.log(k.rest_small_share * s.before.swing_n / a) / k.rest_soft)
            quick = 1.0 / (1.0 + math.exp((ln_tau - k.rest_pace_ln_s) / k.rest_soft))
            score -= k.rest_nats * min(1.0, small) * quick
    inner, half, dips, depth, dip_s = _dips(k, s, s.n, a, m.dips_n)
    score += inner
    n = full if begins else s.n + full
    gain = max(k.gain, 1.0 / n)
    peak_n = s.peak_n + gain * full * (m.top_n - s.peak_n)
    base_n = s.base_n
    if m.end_n is not None:
        base_n += max(k.gain, 1.0 / (n + 1.0)) * known * (m.end_n - base_n)
    if peak_n - base_n < SHRUNK * a:
        return None
    # Of somebody who keeps no tempo the latest repetition says most of the next one.
    follow, largest = gain, LARGEST_STEP
    if s.counts:
        follow += (k.at_once_share - gain) * (1.0 - steady) if gain < k.at_once_share else 0.0
        largest /= max(steady, 0.2)
    interval = ln_tau if s.interval is None else s.interval + follow * _clip(ln_tau - s.interval, largest)
    width = s.width if ln_w is None else s.width + follow * full * _clip(ln_w - s.width, largest)
    prior = _prior(k, s.counts, peak_n, peak_n - base_n, m, s.before)
    score += prior - s.prior
    after = Series(
        s.counts, base_n, peak_n, n, width, interval, even, steady, s.half_returns + half,
        s.dips + dips, s.dip_depth + depth, s.dip_s + dip_s, prior, s.before
    )  # fmt: skip
    return score, after


def _partial(k: Numbers, share: float) -> float:
    """Density of a partial repetition's share of the swing: any, above what is too little for one."""
    return 1.25 / (1.0 + math.exp(min(50.0, (k.part_least - share) / k.part_soft)))


def _by_chance(k: Numbers, s: Series, m: Movement, even: float) -> float:
    """Return the probability that the next wave of a sway is even; this one was with probability `even`.

    Small waves upon a large tension may be even for long, as breathing makes them. Nobody sways by a large
    share of the tension and comes back to the same places each time: that is chance, and no habit.
    """
    swing_n = s.peak_n - s.base_n
    share = swing_n / max(s.peak_n - min(0.0, m.lowest_n), swing_n)
    habit = 1.0 / (1.0 + math.exp(min(50.0, (share - k.taut_least) / k.breath_soft)))
    return habit * even + (1.0 - habit) * k.sway_even


def _tempo(
    k: Numbers, s: Series, m: Movement, tau: float, u: float, *, partial: bool
) -> tuple[float, float, float, float | None]:
    """Return the log-likelihood of interval and width, the habit after them, and both logarithms.

    Args:
        k, s, m, tau: as in `next_in_series`.
        u: height of its top in the series, a share of the swing.
        partial: whether either it or what came before it is partial, and the other not.
    """
    ln_tau = math.log(tau)
    ln_w = _without_dips(m, m.width_s) if m.width_s is not None else None
    if s.interval is None:
        tau0 = tau1 = 0.7 * _normal(ln_tau, s.width + 0.45, 0.5) + 0.3 * _normal(ln_tau, s.width + 0.8, 0.8)
    else:
        w0, w1 = k.interval_steady_w, k.interval_free_w
        tau0 = w0 * _normal(ln_tau, s.interval, k.interval_steady_1) + (1.0 - w0) * _normal(
            ln_tau, s.interval + 0.3, k.interval_steady_2
        )
        tau1 = w1 * _normal(ln_tau, s.interval, k.interval_free_1) + (1.0 - w1) * _normal(
            ln_tau, s.interval + 0.3, k.interval_free_2
        )
    wide0 = wide1 = 1.0
    score = 0.0
    if ln_w is not None and m.width_s is not None:
        score = _pace(k, math.log(m.width_s))
        if partial:
            wide0 = wide1 = _normal(ln_w, s.width + 0.5 * math.log(max(u, 0.1)), k.part_width_sd)
        else:
            w0, w1 = k.width_steady_w, k.width_free_w
            wide0 = w0 * _normal(ln_w, s.width, k.width_steady_1) + (1.0 - w0) * _normal(
                ln_w, s.width, k.width_steady_2
            )
            wide1 = w1 * _normal(ln_w, s.width, k.width_free_1) + (1.0 - w1) * _normal(
                ln_w, s.width + 0.2, k.width_free_2
            )
    both0, both1 = s.steady * tau0 * wide0, (1.0 - s.steady) * tau1 * wide1
    both = both0 + both1
    steady = both0 / both if both > _IMPOSSIBLE else s.steady
    return score + _ln(both), steady, ln_tau, ln_w


def ripple(k: Numbers, s: Series, m: Movement) -> float | None:
    """Return the log-likelihood of a small movement at the base of a series, which changes nothing."""
    a = s.peak_n - s.base_n
    u = (m.top_n - s.base_n) / a
    if not 0.0 <= u < 0.4:
        return None
    # In a set the band is adjusted now and then, by tugs that are too small for a repetition of it.
    tugs = k.tug_share * max(0.0, s.n - 1.0) / (s.n + TUG_REPS)
    tug = 1.0 / (1.0 + math.exp(min(50.0, (u - k.tug_most) / k.part_soft))) / k.tug_most
    score = math.log(k.p_ripple * ((1.0 - tugs) * math.exp(-u / k.ripple) / k.ripple + tugs * tug) / a) - 0.8
    if m.end_n is not None:
        q = (m.end_n - s.base_n) / a
        even = s.even * (0.5 * _normal(q, 0.0, k.valley_even_1) + 0.4 * _normal(q, 0.0, k.valley_even_2))
        free = (1.0 - s.even) * (
            0.5 * _normal(q, 0.0, k.valley_uneven_1) + 0.4 * _normal(q, 0.0, k.valley_uneven_2)
        )
        score += _ln(_end(k, m, (even + free) / a))
    if m.width_s is not None:
        score -= 0.8
    return score


FITTED: Final = Numbers.fitted()
