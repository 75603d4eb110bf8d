"""From raw readings to tension in newtons, with the uncertainty that the way of calibrating leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import CalibrationError
from bandsense.language import Message, mark
from bandsense.samples import KGF_N, FloatArray, Unit

__all__ = ["COVERAGE", "Calibration", "Grade"]

COVERAGE = 2.0
"""Coverage factor k of an expanded uncertainty: about 95 % (JCGM 100:2008, 6.2.2 and G.6.6)."""

_VERSION = 1


class Grade(Enum):
    """How far a tension can be trusted; worst last."""

    CALIBRATED = mark("inline, calibrated")
    CLIP_ON = mark("clip-on, per band and direction")
    NOMINAL = mark("nominal span, not calibrated")
    COLOUR = mark("from a colour table")

    @property
    def typical_span_uncertainty(self) -> float:
        """Relative standard uncertainty of the span where nothing better is known.

        Priors: expanded (k = 2) 2 % inline, 12.5 % clip-on, 10 % nominal, 27.5 % from a colour table.
        The clip's is held to the Monte Carlo study of its rollers (`hardware/docs/sensing.md`).
        """
        return _TYPICAL_SPAN_UNCERTAINTY[self]


_TYPICAL_SPAN_UNCERTAINTY = {
    Grade.CALIBRATED: 0.01,
    Grade.CLIP_ON: 0.0625,
    Grade.NOMINAL: 0.05,
    Grade.COLOUR: 0.1375,
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Map from readings to tension: T = a·d + b·d² − k·(ϑ − ϑ₀), d = reading − zero.

    Attributes:
        newton_per_unit: span a, newtons per reading unit; not zero.
        zero: reading with the band slack, in reading units.
        unit: what readings are.
        grade: how the span was obtained.
        zero_uncertainty_n: standard uncertainty, newtons, of everything that does not grow with tension:
            zero, hysteresis, temperature.
        span_uncertainty: relative standard uncertainty of everything that grows with tension.
        newton_per_unit2: second order b; 0 for a straight line.
        newton_per_kelvin: change k of the shown tension with temperature at no tension.
        reference_temperature_c: temperature ϑ₀ of the zero, °C; None when unknown.
        covariance: of the fitted a and b: var(a), cov(a, b), var(b).
        made_at_s: when it was made, seconds since 1970-01-01 UTC; 0 unknown.

    Raises:
        CalibrationError: a number is not finite, the span is 0, or an uncertainty is negative.
    """

    newton_per_unit: float
    zero: float = 0.0
    unit: Unit = Unit.COUNT
    grade: Grade = Grade.NOMINAL
    zero_uncertainty_n: float = 0.25
    span_uncertainty: float = 0.05
    newton_per_unit2: float = 0.0
    newton_per_kelvin: float = 0.0
    reference_temperature_c: float | None = None
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    made_at_s: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", tuple(self.covariance))
        numbers = (
            self.newton_per_unit,
            self.zero,
            self.zero_uncertainty_n,
            self.span_uncertainty,
            self.newton_per_unit2,
            self.newton_per_kelvin,
            self.reference_temperature_c or 0.0,
            *self.covariance,
        )
        if not np.isfinite(numbers).all():
            raise CalibrationError(
                Message("a calibration holds a number that is not finite; calibrate again")
            )
        if self.newton_per_unit == 0:
            raise CalibrationError(
                Message("a calibration with a span of 0 turns every reading into no tension; calibrate again")
            )
        if self.zero_uncertainty_n < 0 or self.span_uncertainty < 0 or len(self.covariance) != 3:
            raise CalibrationError(
                Message("a calibration's uncertainties cannot be negative; calibrate again")
            )

    @classmethod
    def identity(cls, unit: Unit = Unit.NEWTON) -> Calibration:
        """Make one for readings that already are forces (N or kgf); their maker's span is taken as it is."""
        return cls(KGF_N if unit is Unit.KILOGRAM_FORCE else 1.0, 0.0, unit)

    def tension_n(self, values: ArrayLike, temperature_c: float | None = None) -> FloatArray:
        """Tension in newtons, float64 of the shape of `values`.

        Args:
            values: readings, in `unit`.
            temperature_c: of the sensor, where it is known; corrects the zero.
        """
        deflection = np.asarray(values, dtype=np.float64) - self.zero
        tension = deflection * self.newton_per_unit
        if self.newton_per_unit2:
            tension = tension + self.newton_per_unit2 * deflection**2
        return tension - self.zero_shift_n(temperature_c)

    def zero_shift_n(self, temperature_c: float | None) -> float:
        """Return k·(ϑ − ϑ₀), newtons, which `tension_n` takes off; 0 where ϑ or ϑ₀ is unknown."""
        if temperature_c is None or self.reference_temperature_c is None:
            return 0.0
        return self.newton_per_kelvin * (temperature_c - self.reference_temperature_c)

    def deflection(self, tension_n: ArrayLike) -> FloatArray:
        """Return the reading above the zero at a tension, in reading units: the inverse of `tension_n`."""
        tension = np.asarray(tension_n, dtype=np.float64)
        a, b = self.newton_per_unit, self.newton_per_unit2
        if not b:
            return tension / a
        # The root of b·d² + a·d − T that goes to T/a as b goes to 0, without cancellation.
        root = np.sqrt(np.maximum(a * a + 4.0 * b * tension, 0.0))
        deflection: FloatArray = 2.0 * tension / (a + np.copysign(root, a))
        return deflection

    def standard_uncertainty_n(self, tension_n: ArrayLike) -> FloatArray:
        """Return the standard uncertainty, newtons: contributions in quadrature (JCGM 100:2008, 5.1.2)."""
        tension = np.asarray(tension_n, dtype=np.float64)
        variance = self.zero_uncertainty_n**2 + (self.span_uncertainty * tension) ** 2
        return np.sqrt(variance + self._fit_variance(tension))

    def expanded_uncertainty_n(self, tension_n: ArrayLike, coverage: float = COVERAGE) -> FloatArray:
        """Half width of the interval that holds the tension in about 95 % of cases (k = 2)."""
        return coverage * self.standard_uncertainty_n(tension_n)

    def tared(self, values: ArrayLike, temperature_c: float | None = None) -> Calibration:
        """Return this calibration with its zero at the present, slack, reading.

        The scatter of a still sensor is far below the uncertainty that a zero has for other reasons (drift,
        temperature, zero return), so that uncertainty stays as it is.

        Args:
            values: readings with the band slack, at least one.
            temperature_c: of the sensor, where it is known.

        Raises:
            CalibrationError: there is no reading.
        """
        readings = np.asarray(values, dtype=np.float64)
        if not readings.size:
            raise CalibrationError(Message("no reading arrived to set the zero from; start the stream first"))
        return replace(self, zero=float(np.median(readings)), reference_temperature_c=temperature_c)

    def without_covariance(self, largest_n: float) -> Calibration:
        """Return one for records without room for a covariance, up to `largest_n` as uncertain at least.

        The fit's variance becomes part of the span's, at the tension at which it is largest in proportion.
        """
        tension = np.linspace(largest_n / 64, largest_n, 64)
        share = float((self._fit_variance(tension) / tension**2).max())
        span_uncertainty = float(np.hypot(self.span_uncertainty, share**0.5))
        return replace(self, span_uncertainty=span_uncertainty, covariance=(0.0, 0.0, 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and lists, with a version."""
        data = asdict(self) | {"unit": self.unit.value, "grade": self.grade.value}
        return {"version": _VERSION, **data, "covariance": list(self.covariance)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Restore a calibration from what `to_dict` wrote.

        Raises:
            CalibrationError: it is damaged, or a newer bandsense wrote it.
        """
        fields = dict(data)
        version = fields.pop("version", None)
        if version != _VERSION:
            raise CalibrationError(
                Message("calibration version {version!r} is unknown; update bandsense", version=version)
            )
        try:
            fields |= {"unit": Unit(fields["unit"]), "grade": Grade(fields["grade"])}
            numbers = [fields[name] for name in fields.keys() - {"unit", "grade", "covariance"}]
            if fields.get("reference_temperature_c", 0.0) is None:
                numbers.remove(None)
            for number in (*numbers, *fields.get("covariance", ())):
                if not isinstance(number, int | float):
                    raise TypeError(f"{number!r} is no number")
            return cls(**fields)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CalibrationError(
                Message("a stored calibration is damaged ({error}); calibrate again", error=error)
            ) from error

    def _fit_variance(self, tension: FloatArray) -> FloatArray:
        """Variance of a·d + b·d² from the covariance of a and b."""
        var_a, cov_ab, var_b = self.covariance
        d = self.deflection(tension)
        return np.maximum(d**2 * var_a + 2.0 * d**3 * cov_ab + d**4 * var_b, 0.0)
