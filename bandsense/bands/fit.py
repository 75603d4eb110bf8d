"""A person's own band from a calibration pull: a few held lengths with their tensions, or a known stroke.

Lengths are measured by hand, so they carry uncertainty like the tensions do. The fit estimates the resting
length and every mark's length along with the law (errors in variables), each drawn to what was measured as
far as its uncertainty says. The law's shape is drawn to a prior, so that even one mark gives a law.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares

from bandsense.bands.band import MAX_ELONGATION, Band
from bandsense.bands.laws import BandLaw, MooneyRivlin, PowerLaw
from bandsense.bands.slack import EXPONENT_PRIOR, EXPONENT_UNCERTAINTY, REST_LENGTH_UNCERTAINTY_M
from bandsense.errors import BandModelError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["MOONEY_RIVLIN", "POWER_LAW", "BandFit", "LawFamily", "Mark", "fit_marks", "fit_stroke"]


@dataclass(frozen=True, slots=True)
class LawFamily:
    """A law told by the logarithm of its strength and one number for its shape.

    Attributes:
        law: the law with these two parameters.
        shape_prior: what the shape is likely to be, before any measurement.
        shape_uncertainty: standard uncertainty of `shape_prior`.
        shape_limits: interval that the shape stays in.
    """

    law: Callable[[float, float], BandLaw]
    shape_prior: float
    shape_uncertainty: float
    shape_limits: tuple[float, float]


def _mooney_rivlin(log_strength: float, c2_share: float) -> MooneyRivlin:
    strength_n = math.exp(log_strength)
    return MooneyRivlin(strength_n * (1.0 - c2_share), strength_n * c2_share)


POWER_LAW = LawFamily(
    lambda log_strength, p: PowerLaw(math.exp(log_strength), p),
    EXPONENT_PRIOR,
    EXPONENT_UNCERTAINTY,
    (0.1, 3.0),
)
"""Parameters ln F100 and p."""

MOONEY_RIVLIN = LawFamily(_mooney_rivlin, 0.3, 0.2, (0.0, 0.99))
"""Parameters ln(C1 + C2) and C2 / (C1 + C2). The prior share spans 0.44, which follows from a maker's
stress table for latex, and 0 to 0.36, which fit the colours of a published force table of flat bands."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One held length of the calibration pull.

    Attributes:
        length_m: distance between hand and anchor, longer than the band at rest.
        tension_n: mean tension of the hold.
        length_uncertainty_m: standard uncertainty of the distance: how well the hand meets the mark.
        tension_uncertainty_n: standard uncertainty of the tension, that of the calibration included.
    """

    length_m: float
    tension_n: float
    length_uncertainty_m: float = 0.01
    tension_uncertainty_n: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class BandFit:
    """A band with the uncertainty of having been fitted.

    Attributes:
        band: the fitted band.
        family: kind of its law.
        parameters: log strength, shape and resting length, float64[3].
        covariance: of `parameters`, float64[3, 3].
        residual_n: RMS difference of tension between marks and fit.
    """

    band: Band
    family: LawFamily
    parameters: FloatArray
    covariance: FloatArray
    residual_n: float

    @property
    def exponent(self) -> float:
        """Exponent for the slack law, taken at 100 % elongation."""
        return self.band.law.exponent(1.0)

    @property
    def exponent_uncertainty(self) -> float:
        """Standard uncertainty of `exponent`."""
        return self._uncertainty(lambda band: band.law.exponent(1.0))

    @property
    def rest_length_uncertainty_m(self) -> float:
        """Standard uncertainty of the band's resting length."""
        return float(np.sqrt(self.covariance[2, 2]))

    def tension_uncertainty_n(self, length_m: float) -> float:
        """Return the standard uncertainty of `band.tension_n(length_m)`."""
        return self._uncertainty(lambda band: float(band.tension_n(length_m)))

    def length_uncertainty_m(self, tension_n: float) -> float:
        """Return the standard uncertainty of `band.length_m(tension_n)`."""
        return self._uncertainty(lambda band: float(band.length_m(tension_n)))

    def _uncertainty(self, result: Callable[[Band], float]) -> float:
        """First-order propagation of correlated inputs (JCGM 100:2008, 5.2.2)."""
        slopes = np.empty(3)
        for i in range(3):
            step = np.zeros(3)
            step[i] = 1e-5
            rise = result(self._at(self.parameters + step)) - result(self._at(self.parameters - step))
            slopes[i] = rise / 2e-5
        return float(np.sqrt(slopes @ self.covariance @ slopes))

    def _at(self, parameters: FloatArray) -> Band:
        return _band(self.family, parameters, self.band.strands)


def fit_marks(
    rest_length_m: float,
    marks: Sequence[Mark],
    *,
    family: LawFamily = POWER_LAW,
    strands: int = 1,
    rest_length_uncertainty_m: float = REST_LENGTH_UNCERTAINTY_M,
) -> BandFit:
    """Fit a band to held lengths; two or more tell its shape, one rests on the prior of the shape.

    Args:
        rest_length_m: measured unstretched distance between hand and anchor.
        marks: held lengths in any order.
        family: `POWER_LAW` or `MOONEY_RIVLIN`.
        strands: strands that share the tension.
        rest_length_uncertainty_m: standard uncertainty of `rest_length_m`.

    Raises:
        BandModelError: no mark, a mark that is not beyond the resting length or beyond three times of it, a
            tension that is not positive, or a longer mark that pulls less.
    """
    ordered = sorted(marks, key=lambda mark: mark.length_m)
    _check(rest_length_m, ordered)
    length, tension, u_length, u_tension = np.array(
        [(m.length_m, m.tension_n, m.length_uncertainty_m, m.tension_uncertainty_n) for m in ordered]
    ).T
    prior = family.shape_prior

    def residuals(theta: FloatArray) -> FloatArray:
        band = _band(family, theta[:3], strands)
        return np.concatenate(
            (
                (band.tension_n(theta[3:]) - tension) / u_tension,
                (theta[3:] - length) / u_length,
                [
                    (theta[1] - prior) / family.shape_uncertainty,
                    (theta[2] - rest_length_m) / rest_length_uncertainty_m,
                ],
            )
        )

    unit = _band(family, np.array([0.0, prior, rest_length_m]), strands)
    start = np.concatenate(
        ([np.mean(np.log(tension / unit.tension_n(length)))], [prior, rest_length_m], length)
    )
    low, high = np.full(start.size, -np.inf), np.full(start.size, np.inf)
    low[1], high[1] = family.shape_limits
    low[2] = 0.5 * rest_length_m
    fit = least_squares(residuals, start, bounds=(low, high), x_scale="jac")
    # Where the marks scatter more than their uncertainties say, those were too small (Birge 1932).
    scatter = max(1.0, 2.0 * float(fit.cost) / (len(ordered) - 1)) if len(ordered) > 1 else 1.0
    jacobian = np.asarray(fit.jac)
    covariance = scatter * np.linalg.inv(jacobian.T @ jacobian)[:3, :3]
    band = _band(family, fit.x[:3], strands)
    residual_n = float(np.sqrt(np.mean((band.tension_n(length) - tension) ** 2)))
    return BandFit(band, family, fit.x[:3], covariance, residual_n)


def fit_stroke(
    rest_length_m: float,
    start_length_m: float,
    stroke_m: float,
    start_tension_n: float,
    peak_n: float,
    *,
    stroke_uncertainty_m: float = 0.02,
    tension_uncertainty_n: float = 0.5,
    family: LawFamily = POWER_LAW,
    strands: int = 1,
    rest_length_uncertainty_m: float = REST_LENGTH_UNCERTAINTY_M,
) -> BandFit:
    """Fit a band to repetitions over a known stroke: two marks, the start and the peak.

    A start at which the band is just straight tells nothing of the law; then the peak alone is a mark.

    Args:
        rest_length_m: measured unstretched distance between hand and anchor.
        start_length_m: that distance where the repetitions begin, at least `rest_length_m`.
        stroke_m: how far the hand moves from there.
        start_tension_n: mean tension at the start of the repetitions.
        peak_n: mean tension at their peak.
        stroke_uncertainty_m: standard uncertainty of the stroke.
        tension_uncertainty_n: standard uncertainty of both tensions.
        family: `POWER_LAW` or `MOONEY_RIVLIN`.
        strands: strands that share the tension.
        rest_length_uncertainty_m: standard uncertainty of `rest_length_m`.

    Raises:
        BandModelError: as `fit_marks`.
    """
    peak = Mark(start_length_m + stroke_m, peak_n, stroke_uncertainty_m, tension_uncertainty_n)
    marks = [peak]
    if start_length_m > rest_length_m + 2.0 * rest_length_uncertainty_m:
        marks.append(Mark(start_length_m, start_tension_n, tension_uncertainty_n=tension_uncertainty_n))
    return fit_marks(
        rest_length_m,
        marks,
        family=family,
        strands=strands,
        rest_length_uncertainty_m=rest_length_uncertainty_m,
    )


def _band(family: LawFamily, parameters: FloatArray, strands: int) -> Band:
    log_strength, shape, rest_length_m = (float(value) for value in parameters)
    return Band(family.law(log_strength, shape), rest_length_m, strands)


def _check(rest_length_m: float, ordered: Sequence[Mark]) -> None:
    if not ordered:
        raise BandModelError(
            Message("a calibration pull needs at least one held length; two or more tell the shape")
        )
    for mark in ordered:
        if not rest_length_m < mark.length_m <= (1.0 + MAX_ELONGATION) * rest_length_m:
            raise BandModelError(
                Message(
                    "a mark at {length_m:g} m is not between the resting length of "
                    "{rest_length_m:g} m and three times that; hold the band at a mark in between",
                    length_m=mark.length_m,
                    rest_length_m=rest_length_m,
                )
            )
        if not 0.0 < mark.tension_n < np.inf:
            raise BandModelError(
                Message(
                    "the band pulled {tension_n:g} N at {length_m:g} m; set the zero with the band "
                    "slack, then pull again",
                    tension_n=mark.tension_n,
                    length_m=mark.length_m,
                )
            )
    for shorter, longer in pairwise(ordered):
        if longer.tension_n <= shorter.tension_n and longer.length_m > shorter.length_m:
            raise BandModelError(
                Message(
                    "the band pulled less at {longer_m:g} m ({longer_n:g} N) than at "
                    "{shorter_m:g} m ({shorter_n:g} N); check that the marks were not mixed up",
                    longer_m=longer.length_m,
                    longer_n=longer.tension_n,
                    shorter_m=shorter.length_m,
                    shorter_n=shorter.tension_n,
                )
            )
