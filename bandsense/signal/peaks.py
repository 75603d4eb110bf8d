"""The true peak of a pull, from despiked samples around its top, with an uncertainty that can be believed.

The low-pass that phases are followed on rounds a quick top off, and the greatest sample misses a top
between two samples and is too high by noise where many samples lie on a plateau. So a peak is estimated
from the samples themselves. Near its top at t₀, tension is taken to follow

    T(t) = P − c·|t − t₀|^q,   with one c before the top and one after it,

a corner for q = 1, a parabola for q = 2, flatter than that beyond. For a grid of t₀ and q the rest is
linear least squares; each pair counts by its marginal likelihood and what is known of q beforehand, so that
the estimate is the mean over all that the samples leave possible and its variance comes from noise, from
the sample rate and from the curvature of the top alike (Bayesian model averaging, Hoeting et al. 1999). The
form is a local one: at a drop D below the top it may be wrong by `MISFIT`·D²/rise, which is added to the
noise of each sample. At 10 samples a second a quick pull has three or four samples; then nearly everything
is possible, and the uncertainty says so.

The window reaches down `WIDEST_DROP` of the rise; `MISFIT` sees to it that what is far from the top counts
little. What two samples may hide between them that no form of these has, `HIDDEN`, comes on top.

To use it live: when a top has been passed and tension has fallen by a tenth of the rise (or the repetition is
closed), give `estimate_peak` the despiked samples from the valley before to the present one, and
`sample_noise_n` of the last seconds. The more of the fall there is, the surer it gets; it may be called
again at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.samples import FloatArray

__all__ = ["Peak", "estimate_peak", "sample_noise_n"]

SHAPES = np.array([1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.5])
SHAPE_PRIOR = np.array([0.12, 0.08, 0.12, 0.36, 0.14, 0.10, 0.08])
"""Exponents q, and how likely each is beforehand: movements are smooth, most tops are parabolas."""

MISFIT = 0.15
"""How far the form may be off, as a part of D²/rise at a drop D: half a cosine differs from its parabola by
0.08, and the curve of a band and unequal sides add to that."""

TOPS = 41
"""Instants between the neighbours of the greatest sample that may be the top."""

LEAST_SIDE = 3
BINS = 10
"""Samples on each side of the top: at least, and at most, to which more are averaged."""

WIDEST_DROP = 0.6
"""The window ends where tension has fallen by this part of the rise."""

HIDDEN = 0.12
"""What may hide between two samples, as a part of how far the neighbours of the greatest one are below it."""

FORM = 0.002
"""No top has the form exactly; as a part of the rise."""

LEAST_NOISE_N = 0.01
"""No sensor is better than this over a band; keeps equal samples from counting as exact."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The top of a pull.

    Attributes:
        time_s: when.
        tension_n: greatest tension that a noiseless sensor without pause between samples would have seen.
        standard_uncertainty_n: of that, from noise, sample rate and curvature; a calibration's comes on top.
    """

    time_s: float
    tension_n: float
    standard_uncertainty_n: float


def sample_noise_n(tension_n: ArrayLike) -> float:
    """Estimate a sample's noise from third differences, in which movements hardly show.

    The lower quartile of their sizes counts, so that stretches without movement decide. A third difference of
    white noise has √20 times its standard deviation (1, 3, 3, 1), and a quarter of all normal values are
    below 0.3186 of theirs.

    Args:
        tension_n: float64[n], despiked, at least eight samples.

    Returns:
        Newtons; `LEAST_NOISE_N` at least, and where there are fewer samples.
    """
    values = np.asarray(tension_n, dtype=np.float64)
    if values.size < 8:
        return LEAST_NOISE_N
    third = np.abs(np.diff(values, 3))
    return max(LEAST_NOISE_N, float(np.quantile(third, 0.25)) / (0.3186 * sqrt(20.0)))


def estimate_peak(time_s: ArrayLike, tension_n: ArrayLike, noise_n: float = LEAST_NOISE_N) -> Peak:
    """Estimate the peak of one pull.

    Args:
        time_s: float64[n], increasing, from the valley before the top to the latest sample after it.
        tension_n: float64[n], despiked samples, not low-passed.
        noise_n: standard deviation of a sample's noise; see `sample_noise_n`.

    Raises:
        DataError: there is no sample.
    """
    time, tension = np.asarray(time_s, dtype=np.float64), np.asarray(tension_n, dtype=np.float64)
    if not time.size or time.shape != tension.shape:
        raise DataError("a peak needs as many times as tensions, and at least one")
    noise_n = max(noise_n, LEAST_NOISE_N)
    at = int(np.argmax(tension))
    top_n, rise_n = float(tension[at]), float(tension[at] - tension.min())
    if rise_n <= 4.0 * noise_n or time.size < 3:
        return Peak(float(time[at]), top_n, max(noise_n, rise_n / 2.0))
    inside = tension >= top_n - WIDEST_DROP * rise_n
    first = at - int(np.argmin(inside[at::-1])) + 1 if not inside[: at + 1].all() else 0
    last = at + int(np.argmin(inside[at:])) - 1 if not inside[at:].all() else time.size - 1
    low, high = max(min(first, at - LEAST_SIDE), 0), max(last, at + LEAST_SIDE)
    fit = _fit(time[low : high + 1], tension[low : high + 1], noise_n, top_n, rise_n)
    beside_n = top_n - 0.5 * float(tension[max(at - 1, 0)] + tension[min(at + 1, time.size - 1)])
    uncertainty_n = (
        max(1.0, fit.misfit) * fit.uncertainty_n**2
        + (HIDDEN * beside_n * (1.0 + 2.0 * beside_n / rise_n)) ** 2
        + (FORM * rise_n) ** 2
        + (0.5 * noise_n) ** 2
    ) ** 0.5
    return Peak(fit.time_s, fit.tension_n, uncertainty_n)


@dataclass(frozen=True, slots=True)
class _Fit:
    time_s: float
    tension_n: float
    uncertainty_n: float
    misfit: float


def _fit(time: FloatArray, tension: FloatArray, noise_n: float, top_n: float, rise_n: float) -> _Fit:
    """Average over all tops and shapes in one window."""
    at = int(np.argmax(tension))
    near = np.flatnonzero(tension >= top_n - 4.0 * noise_n)
    span = time[max(near[0] - 1, 0)], time[min(near[-1] + 1, time.size - 1)]
    time, tension, count = _binned(time, tension, at)
    drop_n = top_n - tension
    weight = 1.0 / (noise_n**2 / count + 0.5 * count.size * (MISFIT * drop_n**2 / rise_n) ** 2)
    tops = np.linspace(*span, TOPS)
    since = (time - tops[:, np.newaxis]) / max(time[-1] - time[0], 1e-9)
    flank = np.abs(since)[np.newaxis] ** SHAPES[:, np.newaxis, np.newaxis]
    before = (since < 0.0)[np.newaxis]
    design = np.stack((np.ones_like(flank), -flank * before, -flank * ~before), axis=-1)
    normal = np.einsum("stik,i,stil->stkl", design, weight, design)
    # A flank without samples says nothing: a weak prior about the size of the rise keeps it solvable.
    size_n = 4.0 * rise_n
    normal[..., [1, 2], [1, 2]] += 1.0 / size_n**2
    right = np.einsum("stik,i,i->stk", design, weight, tension - top_n)
    inverse = np.linalg.inv(normal)
    found = np.einsum("stkl,stl->stk", inverse, right)
    chi2 = (weight * (tension - top_n) ** 2).sum() - np.einsum("stk,stk->st", found, right)
    log_weight = -0.5 * chi2 + 0.5 * np.linalg.slogdet(inverse)[1] + np.log(SHAPE_PRIOR)[:, np.newaxis]
    # A flank that rises away from the top is none.
    log_weight = np.where((found[..., 1:] < 0.0).any(axis=-1), log_weight - 12.0, log_weight)
    share = np.exp(log_weight - log_weight.max())
    share /= share.sum()
    peak_n = found[..., 0]
    mean_n = float((share * peak_n).sum())
    variance = float((share * (inverse[..., 0, 0] + (peak_n - mean_n) ** 2)).sum())
    free = max(1, time.size - 4)
    best = float(chi2.min()) / free
    return _Fit(float((share.sum(axis=0) * tops).sum()), top_n + mean_n, variance**0.5, best)


def _binned(time: FloatArray, tension: FloatArray, at: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """At most `BINS` means on each side of the top, and how many samples each holds."""
    if max(at, time.size - 1 - at) <= BINS:
        return time, tension, np.ones(time.size)
    left = np.unique(np.linspace(0, at, min(BINS, at) + 1).astype(np.int64))[:-1]
    right = np.unique(np.linspace(at + 1, time.size, min(BINS, time.size - 1 - at) + 1).astype(np.int64))[:-1]
    starts = np.concatenate((left, [at], right))
    count = np.diff(np.append(starts, time.size)).astype(np.float64)
    return np.add.reduceat(time, starts) / count, np.add.reduceat(tension, starts) / count, count
