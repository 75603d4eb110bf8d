"""Calibrations of a clip-on sensor on one band, which are kept with the band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bandsense.app.temperature import keeping_temperature, known_temperature
from bandsense.app.trainee import profiles_of
from bandsense.calibration.clip_on import DirectionalCalibration
from bandsense.calibration.fit import CalibrationReport, Direction
from bandsense.calibration.procedure import CalibrationProcedure
from bandsense.errors import CalibrationError, ConfigError
from bandsense.language import Message
from bandsense.link.sensor import Sensor
from bandsense.store.store import Store

__all__ = ["check_clip_on", "curves", "keep_curves"]

Curves = tuple[CalibrationReport, CalibrationReport]
"""Of loading and of unloading."""


def check_clip_on(store: Store, band: str, *, clip_on: bool) -> str:
    """Give what to hang where, if the band is known and the sensor a clip.

    Raises:
        ConfigError: the band is not known, or the sensor is not said to be clipped onto it.
    """
    if not clip_on:
        raise ConfigError(
            Message("--clip-on and --band go together: only a clip-on sensor reads each band in its own way")
        )
    profiles_of(store).band(band)
    return Message(
        "Hang up the band {band} with the sensor clipped onto it, and hang the masses on the band. Where "
        "the sensor is to be hung up again, take it off the band and clip it on again.",
        band=band,
    )


def curves(procedure: CalibrationProcedure, made_at_s: int) -> Curves:
    """Return the curves that a finished calibration found for loading and for unloading.

    Raises:
        CalibrationError: the masses do not determine both.
    """
    try:
        loading = procedure.result(made_at_s=made_at_s, direction=Direction.UP)
        unloading = procedure.result(made_at_s=made_at_s, direction=Direction.DOWN)
    except CalibrationError as error:
        raise CalibrationError(
            Message("the clip's curves cannot be computed: {error}", error=error)
        ) from error
    return loading, unloading


async def keep_curves(
    sensor: Sensor, store: Store, band: str, found: Curves, tell: Callable[[str], None]
) -> str:
    """Keep both curves with the band, and their zero with a sensor that keeps one; gives what was done.

    Args:
        tell: is told in words why a temperature cannot be had.

    Raises:
        ConfigError: the band was removed meanwhile.
        LinkError: the sensor cannot be reached.
    """
    await sensor.stop()
    temperature_c = await known_temperature(sensor, tell)
    information = sensor.information
    kept = information.calibration
    pair = DirectionalCalibration(
        *(keeping_temperature(report.calibration, temperature_c, kept) for report in found)
    )
    profile = profiles_of(store).band(band)
    profile = profile.with_clip_on(information.id, pair)
    store.bands.put(profile.id, profile.model_dump(mode="json", by_alias=True))
    if kept is not None:
        zero = replace(kept, zero_counts=round(pair.zero), reference_temperature_c=temperature_c)
        await sensor.device.write_calibration(zero)
    return Message("saved with {band}: `bandsense live --band {band}` uses them with this sensor", band=band)
