"""The zero of a sensor set to the load it feels now, and kept by the sensor itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import numpy as np

from bandsense.cli.calibrations import calibration_of, to_record
from bandsense.errors import CalibrationError, SensorTimeout
from bandsense.link.scanner import SensorSighting
from bandsense.link.sensor import Sensor, open_sensor
from bandsense.link.transport import Transport
from bandsense.samples import SampleBlock, Unit, concatenate

__all__ = ["tare"]

LOOK_S = 2.0
"""Long enough to tell a band that hangs still from one that is held in a hand."""
FIRST_SAMPLE_S = 10.0
LARGEST_MOVE_N = 2.0


async def tare(target: str | SensorSighting, transport: Transport) -> float | None:
    """Set the zero of a sensor, whose band is slack, and let the sensor keep it.

    Returns:
        Tension in newtons that the old zero showed; None from a sensor that sets its zero by itself.

    Raises:
        CalibrationError: the load moves; nothing was changed.
        CommandError: the sensor cannot set or keep a zero.
        LinkError: it cannot be reached.
    """
    async with open_sensor(target, transport=transport) as sensor:
        blocks = await _look(sensor)
        if sensor.information.unit is not Unit.COUNT:
            await sensor.device.tare()
            return None
        await sensor.stop()
        return await _keep_zero(sensor, blocks)


async def _look(sensor: Sensor) -> SampleBlock:
    """What the sensor feels for a while; it goes on streaming.

    Raises:
        SensorTimeout: it sends nothing.
    """
    blocks: list[SampleBlock] = []

    async def read() -> None:
        async for block in sensor.stream():
            blocks.append(block)
            if blocks[-1].time_s[-1] - blocks[0].time_s[0] >= LOOK_S:
                return

    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_SAMPLE_S + LOOK_S):
            await read()
            return concatenate(blocks)
    raise SensorTimeout("the sensor sends no samples to set the zero from; switch it off and on")


async def _keep_zero(sensor: Sensor, block: SampleBlock) -> float:
    calibration = calibration_of(sensor.information)
    tension_n = calibration.tension_n(block.values)
    moved_n = float(np.ptp(tension_n))
    if moved_n > LARGEST_MOVE_N:
        raise CalibrationError(
            f"the tension moved by {moved_n:.1f} N while the zero was taken; let the band hang slack and "
            "still, and try again"
        )
    tared = calibration.tared(block.values)
    kept = sensor.information.calibration
    if kept is None:
        record = to_record(tared, sensor.information.full_scale_n or LARGEST_MOVE_N)
    else:
        record = replace(kept, zero_counts=round(tared.zero), reference_temperature_c=None)
    await sensor.device.write_calibration(record)
    return float(np.median(tension_n))
