"""Displacement of the hand from tension alone, with the memory of rubber.

A stretched band yields a little more for every further second under load, about equally much for every decade
of time. Seen from the tension that is as if the band had felt, beside the tension of now, some of what it has
felt before. With T_tau the tension behind a first-order low-pass of time constant tau, the law is

    x = offset + scale ((T + c (T_0.3 + T_3 + T_30)) / 50 N)^q

One creep coefficient c serves three decades, from the shortest time a repetition resolves to a whole set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from bandsense.errors import BandModelError, DataError
from bandsense.samples import FloatArray

__all__ = ["CREEP_TIMES_S", "DisplacementModel", "fit_displacement"]

CREEP_TIMES_S = (0.3, 3.0, 30.0)
"""One time constant per decade."""

_REFERENCE_N = 50.0
_LEAST_TENSION_N = 0.1


@dataclass(frozen=True, slots=True)
class DisplacementModel:
    """How far the hand is, given the history of tension.

    Attributes:
        offset_m: displacement of the slack band.
        scale_m: displacement from slack to 50 N.
        power: q; 1/p of a power-law band that starts at its resting length.
        creep: c, per decade of time.
        residual_m: RMS error on the data of the fit.
    """

    offset_m: float
    scale_m: float
    power: float
    creep: float = 0.0
    residual_m: float = 0.0

    def displacement_m(self, time_s: ArrayLike, tension_n: ArrayLike) -> FloatArray:
        """Displacement along a trace, float64[n]; the band is taken to have rested at its first tension.

        Raises:
            DataError: times and tensions differ in length, or times do not increase.
        """
        time, tension = _trace(time_s, tension_n)
        return self._displacement(tension, _felt_before(time, tension))

    def _displacement(self, tension: FloatArray, before: FloatArray) -> FloatArray:
        felt = np.maximum(tension + self.creep * before, _LEAST_TENSION_N)
        return np.asarray(self.offset_m + self.scale_m * (felt / _REFERENCE_N) ** self.power)


def fit_displacement(
    time_s: ArrayLike, tension_n: ArrayLike, displacement_m: ArrayLike, *, creep: bool = True
) -> DisplacementModel:
    """Fit a model to a trace whose displacement is known, by least squares.

    Args:
        time_s: device time, increasing.
        tension_n: tension at those times.
        displacement_m: displacement at those times, growing with tension.
        creep: whether to fit the band's memory; without, x depends on the tension of the moment alone.

    Raises:
        DataError: the three differ in length, or times do not increase.
        BandModelError: fewer than ten samples, or a tension that hardly changes.
    """
    time, tension = _trace(time_s, tension_n)
    displacement = np.asarray(displacement_m, dtype=np.float64)
    if displacement.shape != time.shape:
        raise DataError(f"{displacement.size} displacements for {time.size} samples; give one for each")
    if time.size < 10 or np.ptp(tension) < 1.0:
        raise BandModelError("the tension hardly changes; a calibration pull moves over the whole stroke")
    before = _felt_before(time, tension)
    free = 4 if creep else 3

    def residuals(parameters: FloatArray) -> FloatArray:
        return DisplacementModel(*parameters)._displacement(tension, before) - displacement

    stroke = float(np.ptp(displacement))
    start = (float(displacement.min()), stroke, 1.5, 0.02)[:free]
    low = (-np.inf, 0.0, 0.3, 0.0)[:free]
    high = (np.inf, np.inf, 6.0, 1.0)[:free]
    fit = least_squares(residuals, start, bounds=(low, high), x_scale="jac")
    fitted = DisplacementModel(*(float(value) for value in fit.x))
    return replace(fitted, residual_m=float(np.sqrt(np.mean(fit.fun**2))))


def _felt_before(time: FloatArray, tension: FloatArray) -> FloatArray:
    """Sum of the tension behind the low-passes of `CREEP_TIMES_S`, for uneven sample times."""
    keep = np.exp(-np.diff(time)[:, None] / np.asarray(CREEP_TIMES_S))
    felt = np.empty((time.size, len(CREEP_TIMES_S)))
    felt[:1] = tension[:1, None]
    for i in range(1, time.size):
        felt[i] = tension[i] + keep[i - 1] * (felt[i - 1] - tension[i])
    return np.asarray(felt.sum(axis=1))


def _trace(time_s: ArrayLike, tension_n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    time = np.asarray(time_s, dtype=np.float64)
    tension = np.asarray(tension_n, dtype=np.float64)
    if time.ndim != 1 or time.shape != tension.shape:
        raise DataError(f"{time.size} times for {tension.size} tensions; give one for each")
    if not (np.all(np.isfinite(tension)) and np.all(np.diff(time) > 0.0)):
        raise DataError("times must increase and tensions be finite; repair the trace first")
    return time, tension
