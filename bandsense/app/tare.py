"""The zero of a sensor set to the load it feels now, and kept by the sensor itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from bandsense.app.sensor_calibration import calibration_of, to_record
from bandsense.app.temperature import known_temperature, temperature_of
from bandsense.calibration.curve import Calibration
from bandsense.calibration.temperature import TemperatureOnZero, fit_temperature_on_zero
from bandsense.errors import CalibrationError, SensorTimeout
from bandsense.language import Message, number, tr
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import DiscoveredSensor
from bandsense.link.sensor import Sensor, open_sensor
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.signal.zero import TAUT_N

__all__ = ["NewZero", "tare", "zero_words"]

LOOK_S = 2.0
"""Long enough to tell a band that hangs still from one that is held in a hand."""
FIRST_SAMPLE_S = 10.0
LARGEST_MOVE_N = 2.0


@dataclass(frozen=True, slots=True)
class NewZero:
    """A zero that was set.

    Attributes:
        before_n: tension in newtons that the old one showed.
        temperature: how the zero follows temperature, where that was to be learnt.
    """

    before_n: float
    temperature: TemperatureOnZero | None = None


async def tare(
    target: str | DiscoveredSensor,
    transport: Transport,
    tell: Callable[[str], None],
    *,
    learn_temperature: bool = False,
    confirm: Callable[[str], Awaitable[bool]] | None = None,
) -> NewZero:
    """Set the zero of a sensor, whose band is slack, and let the sensor keep it, with its temperature.

    Args:
        tell: is told in words why a temperature cannot be had.
        learn_temperature: nothing but temperature changed since the last zero was set, so what is shown now
            is what it does.
        confirm: is asked, in words, whether the band is slack where it may be taut: it stands still, but the
            old zero showed tension. None asks nobody; `zero_words` then tells the doubt.

    Raises:
        CalibrationError: the load moves, the band is said to be taut, or there is no change of temperature to
            learn from; nothing was changed.
        CommandError: the sensor cannot set or keep a zero.
        LinkError: it cannot be reached.
    """
    async with open_sensor(target, transport=transport) as sensor:
        temperature_c = await (
            temperature_of(sensor) if learn_temperature else known_temperature(sensor, tell)
        )
        block = await _look(sensor)
        calibration = calibration_of(sensor.information)
        before_n = _still_n(calibration, block, temperature_c)
        if before_n > TAUT_N and confirm is not None and not learn_temperature:
            question = Message(
                "The sensor shows a steady {before_n:.0f} N. Is the band slack?", before_n=before_n
            )
            if not await confirm(question):
                raise CalibrationError(
                    Message("the zero stays as it was; let the band hang slack, and try again")
                )
        if sensor.information.unit is not Unit.COUNT and not learn_temperature:
            await sensor.device.tare()
            return NewZero(before_n)
        learnt = _learnt(calibration, block, temperature_c) if learn_temperature else None
        await sensor.stop()
        if learnt is not None:
            calibration = replace(calibration, newton_per_kelvin=learnt.newton_per_kelvin)
        await _keep(sensor, calibration.tared(block.values, temperature_c))
        return NewZero(before_n, learnt)


def zero_words(zero: NewZero) -> str:
    """Describe the outcome, for people."""
    text = tr("zero set; it showed {before} N before", before=number(zero.before_n, "+z.1f"))
    if zero.before_n > TAUT_N and zero.temperature is None:
        text += "\n" + tr("if the band was taut then, let it hang slack and set the zero again")
    if (learnt := zero.temperature) is not None:
        text += "\n" + tr(
            "its zero drifts with temperature by {slope:+.3f} ± {uncertainty:.3f} N per kelvin; "
            "from now on this is corrected",
            slope=learnt.newton_per_kelvin,
            uncertainty=learnt.standard_uncertainty,
        )
    return text


async def _look(sensor: Sensor) -> SampleBlock:
    """Watch what the sensor feels for a while; it goes on streaming.

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
    raise SensorTimeout(Message("the sensor sends no samples to set the zero from; switch it off and on"))


def _still_n(calibration: Calibration, block: SampleBlock, temperature_c: float | None) -> float:
    """Return what the old zero shows, newtons.

    Raises:
        CalibrationError: it moves.
    """
    tension_n = calibration.tension_n(block.values, temperature_c)
    moved_n = float(np.ptp(tension_n))
    if moved_n > LARGEST_MOVE_N:
        raise CalibrationError(
            Message(
                "the tension changed by {moved_n:.1f} N while the zero was being set; let the band "
                "hang slack and still, and try again",
                moved_n=moved_n,
            )
        )
    return float(np.median(tension_n))


def _learnt(calibration: Calibration, block: SampleBlock, temperature_c: float | None) -> TemperatureOnZero:
    """Learn how the zero follows temperature, from what the last, uncorrected zero shows now.

    Raises:
        CalibrationError: a temperature is not known, or they differ by less than 3 K.
    """
    if temperature_c is None:
        raise CalibrationError(
            Message("this sensor does not measure its temperature; set the zero without --temperature")
        )
    if calibration.reference_temperature_c is None:
        raise CalibrationError(
            Message(
                "the sensor does not know at which temperature its zero was set; set it without "
                "--temperature first, then again when the sensor is at least 3 K warmer or colder"
            )
        )
    shown_n = float(np.median(calibration.tension_n(block.values)))
    return fit_temperature_on_zero([calibration.reference_temperature_c, temperature_c], [0.0, shown_n])


async def _keep(sensor: Sensor, tared: Calibration) -> None:
    """Let the sensor keep a zero and what is known of temperature; the rest of its record stays."""
    kept = sensor.information.calibration
    if kept is None:
        record = to_record(tared, sensor.information.full_scale_n or LARGEST_MOVE_N)
    else:
        record = replace(
            kept,
            zero_counts=round(tared.zero),
            newton_per_kelvin=tared.newton_per_kelvin,
            reference_temperature_c=tared.reference_temperature_c,
        )
    await sensor.device.write_calibration(record)
