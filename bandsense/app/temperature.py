"""The temperature of a sensor, which its zero follows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from bandsense.calibration.curve import Calibration
from bandsense.errors import CalibrationError, LinkError, WireError
from bandsense.language import Message, message_of
from bandsense.link.sensor import Sensor
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.workout.inputs import SensorTemperature, TemperatureProblem

__all__ = ["keeping_temperature", "known_temperature", "temperature_input", "temperature_of"]

logger = logging.getLogger(__name__)

COLDEST_C, WARMEST_C = -40.0, 85.0
"""What the parts of a sensor are made for; beyond it a thermometer is broken."""


async def temperature_of(sensor: Sensor) -> float | None:
    """Temperature of a sensor that does not stream, °C; None from one that does not measure it.

    Raises:
        CalibrationError: it cannot be had, with the reason and what follows from that.
    """
    try:
        temperature_c = await sensor.temperature_c()
    except (LinkError, WireError) as error:
        logger.info("no temperature: %s", error)
        raise CalibrationError(
            Message("the zero is not corrected for temperature: {error}", error=error)
        ) from error
    if temperature_c is not None and not COLDEST_C <= temperature_c <= WARMEST_C:
        raise CalibrationError(
            Message(
                "the zero is not corrected for temperature: the sensor reports {temperature_c:.0f} "
                "°C, which is impossible",
                temperature_c=temperature_c,
            )
        )
    return temperature_c


async def temperature_input(sensor: Sensor) -> SensorTemperature | TemperatureProblem | None:
    """Return the sensor's temperature as input of a workout; None from a sensor that does not measure it."""
    try:
        temperature_c = await temperature_of(sensor)
    except CalibrationError as error:
        return TemperatureProblem(message_of(error))
    return None if temperature_c is None else SensorTemperature(temperature_c)


async def known_temperature(sensor: Sensor, tell: Callable[[str], None]) -> float | None:
    """Return `temperature_of`; where it cannot be had, tell that."""
    try:
        return await temperature_of(sensor)
    except CalibrationError as error:
        tell(message_of(error))
        return None


def keeping_temperature(
    calibration: Calibration, temperature_c: float | None, before: CalibrationRecord | None
) -> Calibration:
    """Give a new calibration the temperature of its zero, and what is known of temperature.

    The zero drifts by so many counts a kelvin whatever the span, so k goes with the span.

    Args:
        calibration: as found with masses.
        temperature_c: of the sensor; None when unknown.
        before: what the sensor kept until now.
    """
    newton_per_kelvin = 0.0
    if before is not None:
        newton_per_kelvin = before.newton_per_kelvin * calibration.newton_per_unit / before.newton_per_count
    return replace(calibration, reference_temperature_c=temperature_c, newton_per_kelvin=newton_per_kelvin)
