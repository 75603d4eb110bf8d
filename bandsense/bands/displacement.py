"""Displacement of the hand from tension alone, with the memory of rubber.

A stretched band yields a little more for every further second under load, about equally much for every decade
of time. Seen from the tension that is as if the band had felt, beside the tension of now, some of what it has
felt before. With T_tau the tension behind a first-order low-pass of time constant tau, L0 the resting length
and eps(F) the elongation at which the band's law pulls F, the hand is at

    x = offset + L0 eps(T + c (T_0.3 + T_3 + T_30))

One creep coefficient c serves three decades, from the shortest time a repetition resolves to a whole set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from bandsense.bands.fit import MOONEY_RIVLIN, POWER_LAW, LawFamily
from bandsense.bands.laws import BandLaw, PowerLaw
from bandsense.errors import BandModelError, DataError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["CREEP_TIMES_S", "DisplacementModel", "FittedBand", "fit_displacement"]

CREEP_TIMES_S = (0.3, 3.0, 30.0)
"""One time constant per decade."""

_LEAST_TENSION_N = 0.1

_REFERENCE_N = 50.0
"""Strength of a power law whose strength cannot be told: only L0 / F100^(1/p) shows in a displacement."""

_REST_LENGTHS_M = (0.3, 3.0)
"""Bands in use are that long; a trace that never goes slack leaves it to the fit otherwise."""

_STARTS_M = (0.4, 1.0, 2.0)
_STRENGTHS_N = (1.0, 1000.0)
_START_CREEP, _MOST_CREEP = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class DisplacementModel:
    """How far the hand is, given the history of tension.

    Attributes:
        law: tension of all strands by elongation.
        rest_length_m: L0; of a power law the displacement from slack to its F100.
        offset_m: displacement where the band gets slack.
        creep: c, per decade of time.
        residual_m: RMS error on the data of the fit.
    """

    law: BandLaw
    rest_length_m: float
    offset_m: float = 0.0
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
        return np.asarray(self.offset_m + self.rest_length_m * self.law.elongation(felt))


@dataclass(frozen=True, slots=True)
class FittedBand:
    """A band as a calibration pull found it, in numbers that a document can hold.

    Attributes:
        f100_n: tension of all strands at 100 % elongation.
        exponent: exponent p of their power law.
        rest_length_m: unstretched length of one strand.

    Raises:
        BandModelError: a number is not more than 0.
    """

    f100_n: float
    exponent: float
    rest_length_m: float

    def __post_init__(self) -> None:
        numbers = (self.f100_n, self.exponent, self.rest_length_m)
        if not all(0.0 < number < math.inf for number in numbers):
            raise BandModelError(
                Message("{self} is not a band: strength, exponent and length must be more than 0", self=self)
            )

    def displacement(self) -> DisplacementModel:
        """Return the hand's position by tension, without creep, which a calibration pull cannot show."""
        return DisplacementModel(PowerLaw(self.f100_n, self.exponent), self.rest_length_m)


def fit_displacement(
    time_s: ArrayLike,
    tension_n: ArrayLike,
    displacement_m: ArrayLike,
    *,
    family: LawFamily = MOONEY_RIVLIN,
    creep: bool = True,
) -> DisplacementModel:
    """Fit a model to a trace whose displacement is known, by least squares.

    The shape of a Mooney-Rivlin law stays within two standard uncertainties of its prior: a trace of
    repetitions alone does not tell it from the resting length.

    Args:
        time_s: device time, increasing.
        tension_n: tension at those times.
        displacement_m: displacement at those times, growing with tension.
        family: kind of the band's law.
        creep: whether to fit the band's memory; without, x depends on the tension of the moment alone.

    Raises:
        DataError: the three differ in length, or times do not increase.
        BandModelError: fewer than ten samples, or a tension that hardly changes.
    """
    time, tension = _trace(time_s, tension_n)
    displacement = np.asarray(displacement_m, dtype=np.float64)
    if displacement.shape != time.shape:
        raise DataError(
            Message(
                "{displacements} displacements for {samples} samples; give one for each",
                displacements=displacement.size,
                samples=time.size,
            )
        )
    if time.size < 10 or np.ptp(tension) < 1.0:
        raise BandModelError(
            Message("the tension hardly changes; a calibration pull moves over the whole stroke")
        )
    before = _felt_before(time, tension)

    def residuals(parameters: FloatArray) -> FloatArray:
        return _model(family, parameters)._displacement(tension, before) - displacement

    def fitted(rest_length_m: float) -> tuple[float, FloatArray]:
        """Cost and parameters of the fit that starts from this length; the others start as they are."""
        start[1] = math.log(rest_length_m)
        whole = start.copy()

        def of_free(values: FloatArray) -> FloatArray:
            whole[free] = values
            return residuals(whole)

        fit = least_squares(of_free, start[free], bounds=(low[free], high[free]), x_scale="jac")
        whole[free] = fit.x
        return float(fit.cost), whole.copy()

    start, low, high, free = _problem(family, displacement, tension, creep=creep)
    _, best = min(map(fitted, _STARTS_M), key=lambda cost_and_parameters: cost_and_parameters[0])
    return replace(_model(family, best), residual_m=float(np.sqrt(np.mean(residuals(best) ** 2))))


def _problem(
    family: LawFamily, displacement: FloatArray, tension: FloatArray, *, creep: bool
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Start, limits and which are fitted, of offset, ln resting length, ln strength, shape and creep."""
    power = family is POWER_LAW
    width = 2.0 * family.shape_uncertainty
    least, most = family.shape_limits
    if not power:
        least, most = max(least, family.shape_prior - width), min(most, family.shape_prior + width)
    strength_n = _REFERENCE_N if power else float(tension.max()) / 3.0
    lengths_m = (1e-3, 1e3) if power else _REST_LENGTHS_M
    start = [
        float(displacement.min()),
        0.0,
        math.log(strength_n),
        family.shape_prior,
        _START_CREEP if creep else 0.0,
    ]
    low = [-np.inf, math.log(lengths_m[0]), math.log(_STRENGTHS_N[0]), least, 0.0]
    high = [np.inf, math.log(lengths_m[1]), math.log(_STRENGTHS_N[1]), most, _MOST_CREEP]
    return np.array(start), np.array(low), np.array(high), np.array([True, True, not power, True, creep])


def _model(family: LawFamily, parameters: FloatArray) -> DisplacementModel:
    offset_m, log_rest, log_strength, shape, creep = (float(value) for value in parameters)
    return DisplacementModel(family.law(log_strength, shape), math.exp(log_rest), offset_m, creep)


def _felt_before(time: FloatArray, tension: FloatArray) -> FloatArray:
    """Sum up the tension behind the low-passes of `CREEP_TIMES_S`, for uneven sample times."""
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
        raise DataError(
            Message(
                "{times} times for {tensions} tensions; give one for each",
                times=time.size,
                tensions=tension.size,
            )
        )
    if not (np.all(np.isfinite(tension)) and np.all(np.diff(time) > 0.0)):
        raise DataError(Message("times must increase and tensions be finite; repair the trace first"))
    return time, tension
