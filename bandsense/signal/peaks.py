"""The true peak of a pull, from the despiked samples around its top, with an uncertainty to be believed.

The low-pass that phases are followed on rounds a quick top off, and the greatest sample misses a top between
two samples and is too high by noise where many samples lie on a plateau. So the peak is estimated from five
samples, two on each side of the greatest one, g. Tops are concave; two estimates lie at the ends of what that
allows:

    V  the vertex of the parabola through the three highest samples: right for a round top,
    U  where the straight lines through two samples on either side meet: right for a corner, and above
       every concave top.

Which of the two is nearer shows in the slopes. With the drops per interval l₁, r₁ next to the greatest sample
and l₂, r₂ beyond them, (l₂ + r₂)/(l₁ + r₁) is 3 for a parabola and 1 to 2 for a corner. The estimate goes
from V towards U as that ratio goes from `ROUND` down by one, unless the outer samples are so far down the
flank that they tell nothing of the top; what noise adds to the greatest of several samples is taken off.

The standard uncertainty is put together from how far the two estimates are apart, from what may hide between
two samples that fall off steeply, from noise, and from a form that no top has exactly. Its numbers were
chosen so that twice the uncertainty holds the noiseless peak in more than 95 of 100 pulls, for tops of four
forms at 10 to 320 samples a second and 0.35 to 6 s (`tests/signal/test_peaks.py`). At 10 samples a second a
quick pull has three or four samples; then nearly everything is possible, and the uncertainty says so.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["Peak", "estimate_peak", "sample_noise_n"]

ROUND: Final = 2.8
"""Ratio of outer to inner slopes from which on a top is a round one."""

TOWARDS_CORNER: Final = 0.8
"""How far the estimate goes towards a corner at most."""

FAR_DOWN: Final = 0.7
FAR_DOWN_SOFT: Final = 0.2
"""Where the outer samples have fallen by this part of the rise they belong to flank and valley."""

TOP_NOISES: Final = 3.0
GREATEST_OF_MANY: Final = 0.95
"""Samples this many standard deviations of noise below the greatest may be of the top; the greatest of n of
them is too high by so many times √(2 ln n) of those (Cramér, Mathematical Methods of Statistics, 28.6)."""

APART: Final = 0.3
HIDDEN: Final = 0.12
NOISE: Final = 1.7
FORM: Final = 0.002
"""Of the uncertainty: shares of U − V and of how far the neighbours are below the greatest sample, standard
deviations of noise, and share of the rise."""

LEAST_NOISE_N: Final = 0.01
"""No sensor is better than this over a band; keeps equal samples from counting as exact."""


class Peak(NamedTuple):
    """The top of a pull.

    Attributes:
        tension_n: greatest tension that a noiseless sensor without pause between samples would have seen.
        uncertainty_n: standard uncertainty of that, from noise, sample rate and form; a calibration's
            comes on top.
    """

    tension_n: float
    uncertainty_n: float


def sample_noise_n(tension_n: ArrayLike) -> float:
    """Estimate the standard deviation of a sample's noise from third differences.

    Movements hardly show in those. The lower quartile of their sizes counts, so that stretches without any
    decide. A third difference of white noise has √20 times its standard deviation (1, 3, 3, 1), and a quarter
    of all normal values are below 0.3186 of theirs.

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


def estimate_peak(near_n: FloatArray, rise_n: float, noise_n: float) -> Peak:
    """Estimate the peak of one pull.

    Args:
        near_n: float64[n], despiked samples around the top, not low-passed.
        rise_n: from the valley before to the top, newtons.
        noise_n: standard deviation of a sample's noise.

    Raises:
        DataError: there is no sample.
    """
    if not near_n.size:
        raise DataError(Message("a peak needs at least one sample"))
    noise_n = max(noise_n, LEAST_NOISE_N)
    rise_n = max(rise_n, noise_n)
    if near_n.size < 5:
        return Peak(float(near_n.max()), 0.5 * rise_n)
    i = int(near_n[2:-2].argmax()) + 2
    five_n: list[float] = near_n[i - 2 : i + 3].tolist()
    before2_n, before_n, top_n, after_n, after2_n = five_n
    bend_n = before_n - 2.0 * top_n + after_n
    vertex_n = top_n - (after_n - before_n) ** 2 / (8.0 * bend_n) if bend_n < 0.0 else top_n
    left_n, right_n = max(top_n - before_n, 0.0), max(top_n - after_n, 0.0)
    left2_n, right2_n = max(before_n - before2_n, 0.0), max(after_n - after2_n, 0.0)
    inner_n, outer_n = left_n + right_n, left2_n + right2_n
    meeting_n = _meet(top_n, left_n, after_n, right2_n), _meet(top_n, right_n, before_n, left2_n)
    corner_n = max(vertex_n, *meeting_n)
    near_top = (FAR_DOWN + FAR_DOWN_SOFT - 0.5 * (inner_n + outer_n) / rise_n) / FAR_DOWN_SOFT
    sharp = _share(ROUND - outer_n / max(inner_n, 1e-9)) * _share(near_top)
    peak_n = vertex_n + TOWARDS_CORNER * sharp * (corner_n - vertex_n)
    of_top = int(np.count_nonzero(near_n > top_n - TOP_NOISES * noise_n))
    peak_n -= GREATEST_OF_MANY * sqrt(2.0 * log(of_top)) * noise_n
    beside_n = 0.5 * inner_n
    uncertainty_n = sqrt(
        (APART * (corner_n - vertex_n)) ** 2
        + (HIDDEN * beside_n * (1.0 + 2.0 * beside_n / rise_n)) ** 2
        + (NOISE * noise_n) ** 2
        + (FORM * rise_n) ** 2
    )
    return Peak(peak_n, uncertainty_n)


def _meet(from_n: float, rise_n: float, to_n: float, fall_n: float) -> float:
    """Return where two lines over an interval meet: one rises from its start, one falls to its end.

    Args:
        from_n, rise_n: tension at the start, and the rise of the first line over an interval.
        to_n, fall_n: tension at the end, and the fall of the second line over an interval.
    """
    if rise_n + fall_n <= 0.0:
        return from_n
    return from_n + rise_n * _share((to_n - from_n + fall_n) / (rise_n + fall_n))


def _share(x: float) -> float:
    return min(1.0, max(0.0, x))
