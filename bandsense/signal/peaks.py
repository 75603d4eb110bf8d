"""The true peak of a pull, from the despiked samples around its top, with an uncertainty to be believed.

The low-pass that phases are followed on rounds a quick top off, and the greatest sample misses a top between
two samples and is too high by noise where many samples lie on a plateau. So the peak is estimated from five
samples, two on each side of the greatest one, which is no lower than its neighbours. Tops are concave; two
estimates lie at the ends of what that allows:

    V  the vertex of the parabola through the three highest samples: right for a round top,
    U  where the straight lines through two samples on either side meet: right for a corner, and above
       every concave top.

Which of the two is nearer shows in the slopes. With the drops per interval l₁, r₁ next to the greatest sample
and l₂, r₂ beyond them, (l₂ + r₂)/(l₁ + r₁) is 3 for a parabola and 1 to 2 for a corner. The estimate goes
from V towards U as that ratio goes from `ROUND` down by one, unless the outer samples are so far down the
flank that they tell nothing of the top; what noise adds to the greatest of several samples is taken off.

A repetition is often counted when only one sample after the greatest is known. The one beyond is then taken
to fall as steeply as any on either side, and the estimate lies halfway between V and U. Where tension still
rises there is neither: the greatest sample counts, and half of what it last rose by is its uncertainty.

The standard uncertainty is put together from how far the two estimates are apart, from what may hide between
two samples that fall off steeply, from noise, from the resolution of the converter, and from a form that no
top has exactly. Its numbers were chosen so that twice the uncertainty holds the noiseless peak in at least 95
of 100 pulls of each form of top at each rate from 10 to 320 samples a second, each period from 0.35 to 6 s
and each noise from 0.02 to 0.3 N (`tests/signal/test_peaks.py`). At 10 samples a second a quick pull has
three or four samples; then nearly everything is possible, and the uncertainty says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["Peak", "estimate_peak", "resolution_n", "sample_noise_n"]

ROUND: Final = 2.8
"""Ratio of outer to inner slopes from which on a top is a round one."""

TOWARDS_CORNER: Final = 0.7
"""How far the estimate goes towards a corner at most."""

FAR_DOWN: Final = 0.7
FAR_DOWN_SOFT: Final = 0.2
"""Where the outer samples have fallen by this part of the rise they belong to flank and valley."""

TOP_NOISES: Final = 3.0
GREATEST_OF_MANY: Final = 0.8
"""Samples this many standard deviations of noise below the greatest may be of the top; the greatest of n of
them is too high by so many times √(2 ln n) of those (Cramér, Mathematical Methods of Statistics, 28.6)."""

APART: Final = 0.3
HIDDEN: Final = 0.12
HIDDEN_FAR: Final = 4.0
NOISE: Final = 1.6
FORM: Final = 0.002
"""The standard uncertainty is √((APART·(U − V))² + (HIDDEN·b·(1 + HIDDEN_FAR·b/R))² + (NOISE·σ)² +
(FORM·R)²), where b is how far the neighbours of the greatest sample lie below it, R the rise and σ the
standard uncertainty of a sample."""

HALF_SEEN: Final = 0.5
"""How sharp a top is taken for of which the samples on one side are not known yet."""

STILL_RISING: Final = 0.5
"""The uncertainty while no sample after the greatest is known, as a share of the last step."""

FEW: Final = 7
FILLED_N: Final = 1e-9
FLANK: Final = 0.5
TAKEN_AWAY: Final = 1.1
"""Of so few samples the despiker may have taken a top for a spike: beside the greatest one then lies another
exactly on the line between its neighbours, and the next step is more than `FLANK` of the rise. The top may be
higher by twice `TAKEN_AWAY` of that step."""

LEAST_NOISE_N: Final = 0.01
"""No sensor is better than this over a band; keeps equal samples from counting as exact."""

THIRD: Final = np.array([-1.0, 3.0, -3.0, 1.0])
"""The third difference of four values."""

OF_A_STEP: Final = 1.0 / sqrt(12.0)
"""Standard uncertainty of a value within a step of its own length (Guide to the Expression of Uncertainty in
Measurement, JCGM 100:2008, F.2.2.1)."""

LOOKED_AT: Final = 256
"""Samples that the resolution is read from, evenly spread."""

REPEATED: Final = 0.125
SAME_N: Final = 1e-6
"""A converter may be coarse where this part of its samples repeat another one to within `SAME_N`."""
LEAST_STEPS: Final = 6
WHOLE: Final = 0.1
WHOLE_SHARE: Final = 0.75
PARTS: Final = (1.0, 2.0, 3.0)
"""It is where `WHOLE_SHARE` of at least `LEAST_STEPS` steps between different values are whole multiples, to
within `WHOLE`, of their lower quartile or, where few values were met, of a half or a third of that."""


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
    third = np.abs(np.correlate(values, THIRD))
    quarter = third.size // 4
    third.partition(quarter)
    return max(LEAST_NOISE_N, float(third[quarter]) / (0.3186 * sqrt(20.0)))


def resolution_n(tension_n: FloatArray) -> float | None:
    """Find the step of the converter, where it is coarse enough for samples to repeat each other.

    A single odd value, as the despiker makes, doesn't decide: of all steps from one value to the next larger
    one the lower quartile counts.

    Args:
        tension_n: float64[n], at least over a good part of a pull; `LOOKED_AT` of them are looked at.

    Returns:
        Newtons; 0 where no step shows, None where there are too few different values to tell.
    """
    values = tension_n[:: max(1, tension_n.size // LOOKED_AT)].copy()
    values.sort()
    steps = values[1:] - values[:-1]
    different = steps > SAME_N
    count = int(np.count_nonzero(different))
    if count > (1.0 - REPEATED) * values.size:
        return 0.0
    if count < LEAST_STEPS:
        return None
    steps = np.sort(steps[different])
    for part in PARTS:
        step_n = float(steps[count // 4]) / part
        multiples = steps / step_n
        whole = int(np.count_nonzero(np.abs(multiples - np.rint(multiples)) < WHOLE))
        if whole >= WHOLE_SHARE * count:
            return step_n
    return 0.0


def estimate_peak(near_n: FloatArray, rise_n: float, noise_n: float, step_n: float = 0.0) -> Peak:
    """Estimate the peak of one pull.

    Args:
        near_n: float64[n], despiked samples around the top, not low-passed, as far as they are known.
        rise_n: from the valley before to the top, newtons.
        noise_n: standard deviation of a sample's noise.
        step_n: of the converter.

    Raises:
        DataError: there is no sample.
    """
    if not near_n.size:
        raise DataError(Message("a peak needs at least one sample"))
    noise_n = max(noise_n, LEAST_NOISE_N)
    rise_n = max(rise_n, noise_n)
    count = near_n.size
    if count < 3:
        return Peak(float(near_n.max()), 0.5 * rise_n)
    # Of all of them a few are asked for, and a view gives them as plain numbers.
    values_n = cast("Sequence[float]", near_n.data)
    edge = 2 if count >= 5 else 1
    i = _climb(values_n, int(near_n[edge:-edge].argmax()) + edge)
    top_n = values_n[i]
    sample_n2 = (NOISE * NOISE) * (noise_n * noise_n + (OF_A_STEP * step_n) ** 2) + (FORM * rise_n) ** 2
    filled = count <= FEW and step_n == 0.0 and _filled(values_n, i)
    if i == 0 or i == count - 1:
        last_n = top_n - (values_n[i - 1] if i else values_n[1])
        hidden_n = TAKEN_AWAY * rise_n if filled else STILL_RISING * last_n
        return Peak(top_n, sqrt(hidden_n**2 + sample_n2))
    before_n, after_n = values_n[i - 1], values_n[i + 1]
    left_n, right_n = top_n - before_n, top_n - after_n
    inner_n = left_n + right_n
    vertex_n = top_n + (left_n - right_n) ** 2 / (8.0 * inner_n) if inner_n > 0.0 else top_n
    steepest_n = max(left_n, right_n)
    left2_n = max(before_n - values_n[i - 2], 0.0) if i > 1 else steepest_n
    right2_n = max(after_n - values_n[i + 2], 0.0) if i < count - 2 else max(steepest_n, left2_n)
    outer_n = left2_n + right2_n
    meeting_n = _meet(top_n, left_n, after_n, right2_n), _meet(top_n, right_n, before_n, left2_n)
    corner_n = max(vertex_n, *meeting_n)
    sharp = HALF_SEEN
    if 1 < i < count - 2:
        near_top = (FAR_DOWN + FAR_DOWN_SOFT - 0.5 * (inner_n + outer_n) / rise_n) / FAR_DOWN_SOFT
        sharp = _share(ROUND - outer_n / max(inner_n, 1e-9)) * _share(near_top)
    peak_n = vertex_n + TOWARDS_CORNER * sharp * (corner_n - vertex_n)
    of_top = int(np.count_nonzero(near_n > top_n - TOP_NOISES * noise_n))
    peak_n -= GREATEST_OF_MANY * sqrt(2.0 * log(of_top)) * noise_n
    beside_n = 0.5 * inner_n
    if filled and steepest_n > FLANK * rise_n:
        sample_n2 += (TAKEN_AWAY * steepest_n) ** 2
    uncertainty_n = sqrt(
        (APART * (corner_n - vertex_n)) ** 2
        + (HIDDEN * beside_n * (1.0 + HIDDEN_FAR * beside_n / rise_n)) ** 2
        + sample_n2
    )
    return Peak(peak_n, uncertainty_n)


def _climb(values_n: Sequence[float], i: int) -> int:
    """Go from a sample on as long as the next one is higher, to where neither neighbour is."""
    last = len(values_n) - 1
    while i < last and values_n[i + 1] > values_n[i]:
        i += 1
    while i > 0 and values_n[i - 1] > values_n[i]:
        i -= 1
    return i


def _filled(values_n: Sequence[float], i: int) -> bool:
    """Return whether a sample beside this one lies exactly between its neighbours: a spike was there."""
    before = i > 1 and abs(values_n[i - 2] - 2.0 * values_n[i - 1] + values_n[i]) < FILLED_N
    after = i < len(values_n) - 2 and abs(values_n[i + 2] - 2.0 * values_n[i + 1] + values_n[i]) < FILLED_N
    return before or after


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
    return 0.0 if x < 0.0 else x if x < 1.0 else 1.0
