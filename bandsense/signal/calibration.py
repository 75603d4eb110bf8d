"""From raw readings to tension in newtons, with the uncertainty that the way of calibrating leaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from bandsense.samples import KGF_N, FloatArray, Unit

__all__ = ["Calibration", "Grade"]


class Grade(Enum):
    """How far a tension can be trusted; worst last."""

    CALIBRATED = "inline, calibrated"
    CLIP_ON = "clip-on, per band and direction"
    NOMINAL = "nominal span, not calibrated"
    COLOUR = "from a colour table"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Affine map from readings to tension: T = (reading − zero) · newton_per_unit.

    Attributes:
        newton_per_unit: span, newtons per reading unit; not zero.
        zero: reading with the band slack, in reading units.
        unit: what readings are.
        grade: how the span was obtained.
        zero_uncertainty_n: standard uncertainty of the zero, newtons.
        span_uncertainty: relative standard uncertainty of the span.
    """

    newton_per_unit: float
    zero: float = 0.0
    unit: Unit = Unit.COUNT
    grade: Grade = Grade.NOMINAL
    zero_uncertainty_n: float = 0.25
    span_uncertainty: float = 0.05

    @classmethod
    def identity(cls, unit: Unit = Unit.NEWTON) -> Calibration:
        """For readings that already are forces (N or kgf), whose maker's span is taken as it is."""
        return cls(KGF_N if unit is Unit.KILOGRAM_FORCE else 1.0, 0.0, unit)

    def tension_n(self, values: ArrayLike) -> FloatArray:
        """Tension in newtons, float64 of the shape of `values`."""
        return (np.asarray(values, dtype=np.float64) - self.zero) * self.newton_per_unit

    def standard_uncertainty_n(self, tension_n: ArrayLike) -> FloatArray:
        """Standard uncertainty (k = 1) in newtons: zero and span in quadrature (JCGM 100:2008, 5.1.2)."""
        tension = np.asarray(tension_n, dtype=np.float64)
        return np.hypot(self.zero_uncertainty_n, self.span_uncertainty * tension)
