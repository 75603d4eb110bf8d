"""How the zero of a sensor follows temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import CalibrationError
from bandsense.language import Message

__all__ = ["TemperatureOnZero", "fit_temperature_on_zero"]


@dataclass(frozen=True, slots=True)
class TemperatureOnZero:
    """How the zero follows temperature.

    Attributes:
        newton_per_kelvin: slope.
        standard_uncertainty: of the slope, N/K.
        reference_temperature_c: mean temperature of the soaks.
    """

    newton_per_kelvin: float
    standard_uncertainty: float
    reference_temperature_c: float


def fit_temperature_on_zero(
    temperature_c: ArrayLike, zero_n: ArrayLike, zero_uncertainty_n: float = 0.02
) -> TemperatureOnZero:
    """Straight line through the zeros of two or more soaks at different temperatures.

    Args:
        temperature_c: float64[n], one per soak.
        zero_n: float64[n], what the slack sensor showed then, newtons.
        zero_uncertainty_n: standard uncertainty of each.

    Raises:
        CalibrationError: fewer than two soaks, or less than 3 K between them.
    """
    temperature = np.asarray(temperature_c, dtype=np.float64)
    zero = np.asarray(zero_n, dtype=np.float64)
    if temperature.size < 2 or temperature.shape != zero.shape or np.ptp(temperature) < 3.0:
        raise CalibrationError(
            Message("the effect of temperature on the zero needs two steady temperatures, at least 3 K apart")
        )
    centred = temperature - temperature.mean()
    weight = float(centred @ centred)
    return TemperatureOnZero(
        float(centred @ zero) / weight, zero_uncertainty_n / weight**0.5, float(temperature.mean())
    )
