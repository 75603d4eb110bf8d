"""How much of a movement happens while the band hangs slack, from the tension that remains to be seen.

What the hand does without tension cannot be measured, but how fast it was when the tension vanished can. A
person who comes to rest where the band gets slack has slowed down by then; one who moves on has not. So the
part s of the stroke that is not seen follows from the shape of the part that is.

The same shape depends on the band's curve as well, and taking that for granted would be worse than not
knowing it: an exponent of 0.75 instead of 0.62 turns 0.40 into 0.17. So all of it is left open and averaged
over (Bayesian model averaging): movements between minimum-jerk (Flash and Hogan 1985) and a cosine, faster
at the beginning or at the end; bands between power laws, neo-Hooke and those whose stiffness falls
exponentially, with what is known of the exponent beforehand. For each combination the times at which tension
passes `LEVELS` are known up to a shift and a duration, which are fitted; a combination counts by how well the
rest agrees. It also says when the hand was at its bottom. From there on the return to the pull that follows
it must not take less than no time, and rarely takes long.

Whether the slack part *grew* within a set is told far better than how large it is (`slack_grew`): band and
person are the same before and after, so that what is not known of them cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.samples import FloatArray

__all__ = ["Stroke", "slack_grew", "unloaded_share"]

LEVELS = np.array([0.06, 0.12, 0.2, 0.3, 0.42, 0.55, 0.68, 0.8, 0.9])
"""Parts of the peak tension whose times are compared: clear of noise below, of the rounded top above."""

NOTHING = 0.015
"""Part of the peak below which a sample shows a slack band."""

GREATEST_SHARE = 0.6

EXPONENT_SPREAD = 0.09
"""Standard deviation of the exponent between bands, a prior; published tables lie within 0.48 … 0.73."""

MISFIT = 0.010
"""How far people and bands are from any of the combinations, as a part of the time between the outer
levels."""

LEAST_SURE = 0.15
"""A standard deviation of the share from which on nothing is said; that of not knowing at all is 0.17."""

INDEPENDENT = 2
SAMPLING = 0.15
"""Error of an interpolated time, as a part of the interval between samples."""

REST_S = 0.1
"""A rest r at the bottom is the less likely the longer, as 1/√(1 + r/`REST_S`), a prior: most people turn
round at once, and who does not may wait for long."""
REST_ERROR_S = 0.1
"""How far the time of the bottom may be off."""

_SHARES = np.linspace(0.0, GREATEST_SHARE, 25)
_SKEWS = (-0.4, -0.2, 0.0, 0.2, 0.4)
_SKEW_SPREAD = 0.2
_EXPONENTS = (0.46, 0.54, 0.62, 0.70, 0.78, 0.86)
_ELONGATIONS = (0.5, 1.0, 2.0)
"""Of a neo-Hookean band at the peak; such bands are stiffest where they begin to pull."""
_SOFTENINGS = (0.8, 1.3, 1.8)
"""Of a band that softens as it is stretched, F ∝ 1 - exp(-q ε): q times the elongation at the peak. Half the
way gives then as much of the peak as with a power law of exponent 0.73, 0.61 and 0.49."""


Stroke = tuple[ArrayLike, ArrayLike, float]
"""A pull or a return: times, increasing; tensions between near nothing and the peak; peak of the
repetition."""


def unloaded_share(
    strokes: Iterable[Stroke],
    *,
    exponent: float = EXPONENT_PRIOR,
    exponent_uncertainty: float = EXPONENT_SPREAD,
) -> float | None:
    """Estimate the part of the stroke without tension from the pulls and returns of a set.

    Args:
        strokes: pulls, whose tension rises, and returns, whose falls, in order. One that does not pass the
            levels that are compared is left out.
        exponent: of the band's power law, as far as it is known.
        exponent_uncertainty: its standard uncertainty.

    Returns:
        0 where the person comes to rest as the tension vanishes, up to 0.6; None where that cannot be told.
    """
    sides: dict[bool, list[FloatArray]] = {True: [], False: []}
    rests: list[FloatArray] = []
    returned_s: FloatArray | None = None
    for time_s, tension_n, peak_n in strokes:
        seen = _seen(time_s, tension_n, peak_n)
        if seen is None:
            returned_s = None
            continue
        sides[seen.pull].append(seen.log_likelihood)
        if seen.pull and returned_s is not None:
            rests.append(_log_rest(seen.bottom_s - returned_s))
        returned_s = None if seen.pull else seen.bottom_s
    # What is wrong with the model is wrong in every repetition: many count no more than `INDEPENDENT`.
    found = [np.mean(each, axis=0) * min(len(each), INDEPENDENT) for each in (*sides.values(), rests) if each]
    if not found:
        return None
    exponents = np.array([band[0] for band in _bands()])
    log_weight = sum(found) - 0.5 * ((exponents - exponent) / exponent_uncertainty) ** 2
    weight = np.exp(log_weight - log_weight.max()).sum(axis=1)
    weight /= weight.sum()
    share = float(weight @ _SHARES)
    spread = float(weight @ (_SHARES - share) ** 2) ** 0.5
    return share if spread < LEAST_SURE else None


def slack_grew(
    before: Iterable[Stroke],
    after: Iterable[Stroke],
    let_out: float,
    *,
    exponent: float = EXPONENT_PRIOR,
    exponent_uncertainty: float = EXPONENT_SPREAD,
) -> float | None:
    """Weigh that a band was let out between two parts of a set against that it was not.

    The way of the hand is the same, and more of it is slack; or the slack part is the same, and the pulls are
    others. The band is one. The person moves as before, or in another way: both are likely alike.

    Args:
        before: pulls and returns before it.
        after: those after it.
        let_out: by how much, as a part of the stretch at the top before it; negative was taken in.
        exponent: of the band's power law, as far as it is known.
        exponent_uncertainty: its standard uncertainty.

    Returns:
        The logarithm of the odds, positive where it was let out; None where either part shows no stroke.
    """
    slack = 1.0 - (1.0 - _SHARES) * (1.0 - let_out)
    exponents = np.array([band[0] for band in _bands()])
    log_prior = -0.5 * ((exponents - exponent) / exponent_uncertainty) ** 2
    odds = [np.zeros((_SHARES.size, exponents.size)) for _ in range(2)]
    first, second = _by_side(before), _by_side(after)
    sides = first.keys() & second.keys()
    for side in sides:
        for total, now in zip(odds, (_at_shares(second[side], slack), second[side]), strict=True):
            total += _alike_or_not(first[side], now)
    if not sides:
        return None
    grown, same = (float(np.logaddexp.reduce((total + log_prior).ravel())) for total in odds)
    return grown - same


def _by_side(strokes: Iterable[Stroke]) -> dict[bool, FloatArray]:
    """Return what the pulls (True) and the returns say, float64[shares, bands, movements and skews]."""
    sides: dict[bool, list[FloatArray]] = {}
    for stroke in strokes:
        seen = _seen(*stroke)
        if seen is not None:
            sides.setdefault(seen.pull, []).append(seen.log_each)
    return {side: np.mean(each, axis=0) * min(len(each), INDEPENDENT) for side, each in sides.items()}


def _at_shares(log_each: FloatArray, shares: FloatArray) -> FloatArray:
    """Return what is said of other shares than `_SHARES`, the nearest of them where one lies beyond."""
    place = np.interp(shares, _SHARES, np.arange(_SHARES.size))
    low = np.minimum(place.astype(int), _SHARES.size - 2)
    part = (place - low)[:, np.newaxis, np.newaxis]
    return np.asarray(log_each[low] * (1.0 - part) + log_each[low + 1] * part)


def _alike_or_not(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return how likely both are, over all movements: the same one, or one and another."""
    log_prior = _shapes()[3] - np.logaddexp.reduce(_shapes()[3])
    alike = np.logaddexp.reduce(before + after + log_prior, axis=-1)
    apart = np.logaddexp.reduce(before + log_prior, axis=-1) + np.logaddexp.reduce(after + log_prior, axis=-1)
    return np.asarray(np.logaddexp(alike, apart))


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What one stroke says.

    Attributes:
        pull: whether tension rises.
        log_likelihood: of each share and band, float64[shares, bands].
        bottom_s: when the hand was at its bottom, for each of these.
        log_each: log-likelihood of each movement and skew besides, without what is known of these beforehand.
    """

    pull: bool
    log_likelihood: FloatArray
    bottom_s: FloatArray
    log_each: FloatArray


def _seen(time_s: ArrayLike, tension_n: ArrayLike, peak_n: float) -> _Seen | None:
    """Reduce one stroke to its level crossings; None where it cannot be used."""
    time, tension = np.asarray(time_s, dtype=np.float64), np.asarray(tension_n, dtype=np.float64)
    if time.size < 4 or peak_n <= 0.0:
        return None
    pull = bool(tension[0] < tension[-1])
    if not pull:
        time, tension = -time[::-1], tension[::-1]
    passed_s = _passed_s(time, tension / peak_n)
    if passed_s is None:
        return None
    times, lengths, starts, log_prior = _shapes()
    observed = passed_s - passed_s.mean()
    fitted = times @ observed
    residual = np.maximum(float(observed @ observed) - fitted**2, 0.0)
    error_s = np.hypot(MISFIT * (passed_s[-1] - passed_s[0]), SAMPLING * float(np.median(np.diff(time))))
    alone = np.where(fitted > 0.0, -0.5 * residual / (error_s + 1e-9) ** 2, -1e3)
    log_each = alone + log_prior
    log_likelihood = np.logaddexp.reduce(log_each, axis=-1)
    bottom_s = passed_s.mean() - fitted / lengths * starts
    mean_s = (np.exp(log_each - log_likelihood[..., np.newaxis]) * bottom_s).sum(axis=-1)
    return _Seen(pull, np.asarray(log_likelihood), mean_s if pull else -mean_s, np.asarray(alone))


def _log_rest(rest_s: FloatArray) -> FloatArray:
    """Return the log prior of a rest at the bottom; a negative one can only be an error of the model."""
    late = -0.5 * (np.minimum(rest_s, 0.0) / REST_ERROR_S) ** 2
    return np.asarray(late - 0.5 * np.log1p(np.maximum(rest_s, 0.0) / REST_S))


def _passed_s(time: FloatArray, part: FloatArray) -> FloatArray | None:
    """Return when a rising part of the peak passes the levels; None where it does not begin below them."""
    below = np.flatnonzero(part < LEVELS[0])
    if not below.size or part.max() < LEVELS[-1]:
        return None
    # Between samples the way is nearer to a straight line than tension, whose curve begins steeply.
    way = np.maximum(part[below[-1] :], 0.0) ** (1.0 / EXPONENT_PRIOR)
    time = time[below[-1] :].copy()
    if part[below[-1]] < NOTHING and way.size > 2 and way[2] > way[1]:
        # The band was still slack then: it pulls from where the line through the next two meets nothing.
        onset_s = time[1] - way[1] * (time[2] - time[1]) / (way[2] - way[1])
        time[0] = min(max(time[0], onset_s), time[1] - 1e-6)
    rising = np.maximum.accumulate(way) + 1e-9 * np.arange(way.size)
    passed_s: FloatArray = np.interp(LEVELS ** (1.0 / EXPONENT_PRIOR), rising, time)
    return passed_s


@cache
def _bands() -> list[tuple[float, FloatArray]]:
    """Exponent, or that of the nearest power law, and parts of the peak's elongation at the levels."""
    powers = [(p, np.asarray(LEVELS ** (1.0 / p))) for p in _EXPONENTS]
    others = [_neo_hooke_elongation(peak) for peak in _ELONGATIONS]
    others += [np.asarray(-np.log1p(LEVELS * np.expm1(-q)) / q) for q in _SOFTENINGS]
    fits = [float(np.polyfit(np.log(way), np.log(LEVELS), 1)[0]) for way in others]
    return [*powers, *zip(fits, others, strict=True)]


@cache
def _shapes() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return when each combination passes the levels, as fractions of the whole movement's duration.

    Returns:
        Centred and of length 1, float64[shares, bands, movements and skews, levels]; its length before, and
        how long before its mean the hand left the bottom, without the last axis; the prior of each skew.
    """
    u = np.linspace(0.0, 1.0, 1001)
    movements = (u**3 * (10.0 - 15.0 * u + 6.0 * u**2), 0.5 * (1.0 - np.cos(np.pi * u)))
    ways = np.array([way for _, way in _bands()])
    at = np.array(
        [
            [np.interp(share + (1.0 - share) * ways, movement, u) for movement in movements]
            for share in _SHARES.tolist()
        ]
    )
    # A skewed movement is ahead of an even one by skew·u·(1 − u).
    clocks = np.stack([np.interp(at, u + skew * u * (1.0 - u), u) for skew in _SKEWS], axis=2)
    clocks = np.moveaxis(clocks, 3, 1).reshape(_SHARES.size, ways.shape[0], -1, LEVELS.size)
    starts = clocks.mean(axis=-1)
    centred = clocks - starts[..., np.newaxis]
    lengths = np.linalg.norm(centred, axis=-1)
    prior = -0.5 * (np.tile(_SKEWS, len(movements)) / _SKEW_SPREAD) ** 2
    return centred / lengths[..., np.newaxis], lengths, starts, prior


def _neo_hooke_elongation(peak: float) -> FloatArray:
    """Parts of the peak's elongation at the levels: T ∝ λ − λ⁻² (Treloar 1975)."""
    elongation = np.linspace(0.0, peak, 2001)
    tension = (1.0 + elongation) - (1.0 + elongation) ** -2
    way: FloatArray = np.interp(LEVELS, tension / tension[-1], elongation / peak)
    return way
