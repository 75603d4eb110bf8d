"""A calibration pull from a file or from a sensor, told step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bandsense.app.environment import Environment
from bandsense.app.loop import ending, stop_on_signals
from bandsense.app.sensor_calibration import calibration_on
from bandsense.app.stroke_pull import StrokePull
from bandsense.bands.guided_pull import GuidedPull
from bandsense.calibration.clip_on import AnyCalibration, TensionReader
from bandsense.calibration.curve import Calibration
from bandsense.link.sensor import LinkEvent, LinkState, open_sensor
from bandsense.profiles.band import BandProfile
from bandsense.samples import FloatArray, SampleBlock

__all__ = ["Guide", "pull_from_sensor", "pull_from_trace"]

Say = Callable[[str], None]
Guide = GuidedPull | StrokePull


def pull_from_trace(guide: Guide, block: SampleBlock, say: Say) -> Calibration:
    """Lead a recorded trace, in newtons, through the pull; gives the calibration of its forces."""
    calibration = Calibration.identity()
    _push(guide, block, calibration.tension_n(block.values), say)
    return calibration


async def pull_from_sensor(
    guide: Guide, band: BandProfile, name: str | None, air: Environment, say: Say
) -> AnyCalibration:
    """Lead a person with a sensor through the pull, until it is done or they end it; gives its calibration.

    A clip that was calibrated on this band is read by its curves.

    Raises:
        LinkError: the sensor cannot be reached.
        CalibrationError: the sensor's readings have no known size.
    """
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with open_sensor(name, transport=air.transport, on_event=_telling(say)) as sensor:
            calibration, reader = calibration_on(band, sensor.information), TensionReader()
            say(guide.instruction)
            async with ending(sensor, stop, air.finished):
                async for block in sensor.stream():
                    _push(guide, block, reader.push(calibration, block.values, block.gap_before), say)
                    if guide.done:
                        stop.set()
    return calibration


def _push(guide: Guide, block: SampleBlock, tension_n: FloatArray, say: Say) -> None:
    for step in guide.push(block.time_s, tension_n):
        say(step.message)


def _telling(say: Say) -> Callable[[LinkEvent], None]:
    def tell(event: LinkEvent) -> None:
        if event.state in (LinkState.SEARCHING, LinkState.LOST):
            say(event.message)

    return tell
