"""The calibration that a sensor's readings are shown by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bandsense.app.temperature import keeping_temperature
from bandsense.calibration.curve import Calibration, Grade
from bandsense.errors import CalibrationError
from bandsense.language import Message
from bandsense.link.drivers.base import SensorInformation
from bandsense.samples import Unit
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import CalibrationGrade

if TYPE_CHECKING:
    from bandsense.calibration.clip_on import AnyCalibration
    from bandsense.profiles.band import BandProfile

__all__ = ["calibration_of", "calibration_on", "from_record", "to_record"]

_GRADES = {
    CalibrationGrade.INLINE: Grade.CALIBRATED,
    CalibrationGrade.CLIP_ON: Grade.CLIP_ON,
    CalibrationGrade.NOMINAL: Grade.NOMINAL,
    CalibrationGrade.COLOUR_TABLE: Grade.COLOUR,
}
_FULL_SCALE_COUNTS = 2**23


def calibration_of(information: SensorInformation) -> Calibration:
    """Return the sensor's own calibration, else its nominal span; forces that it sends stay as they are.

    Raises:
        CalibrationError: it sends counts and says nothing about their size.
    """
    if information.unit is not Unit.COUNT:
        return Calibration.identity(information.unit)
    if information.calibration is not None:
        return from_record(information.calibration)
    if information.full_scale_n is not None:
        return Calibration(information.full_scale_n / _FULL_SCALE_COUNTS)
    raise CalibrationError(
        Message(
            "{information} is not calibrated and does not say its range; run `bandsense calibrate "
            "--masses 5,10` first, with the kilograms that you have",
            information=information.name,
        )
    )


def calibration_on(band: BandProfile | None, information: SensorInformation) -> AnyCalibration:
    """Return the sensor's calibration on this very band, where there is one, else `calibration_of` it.

    The zero, and how it follows temperature, is what the sensor keeps, if it does: a tare changes it there.

    Raises:
        CalibrationError: it sends counts and says nothing about their size.
    """
    own = None if band is None else band.clip_on_calibration(information.id)
    if own is None or own.unit is not information.unit:
        return calibration_of(information)
    kept = information.calibration
    if kept is None:
        return own
    own = own.with_zero(kept.zero_counts)
    curves = (own.loading, own.unloading)
    return type(own)(*(keeping_temperature(curve, kept.reference_temperature_c, kept) for curve in curves))


def from_record(record: CalibrationRecord) -> Calibration:
    """Convert a sensor's calibration record; an uncertainty that it leaves open is that of its grade."""
    grade = _GRADES[record.grade]
    default = Calibration(record.newton_per_count)
    return Calibration(
        newton_per_unit=record.newton_per_count,
        zero=record.zero_counts,
        unit=Unit.COUNT,
        grade=grade,
        zero_uncertainty_n=record.zero_uncertainty_n or default.zero_uncertainty_n,
        span_uncertainty=record.span_uncertainty or grade.typical_span_uncertainty,
        newton_per_unit2=record.newton_per_count2,
        newton_per_kelvin=record.newton_per_kelvin,
        reference_temperature_c=record.reference_temperature_c,
        made_at_s=record.made_at_s,
    )


def to_record(calibration: Calibration, largest_n: float) -> CalibrationRecord:
    """Return it as a sensor keeps it, good up to `largest_n`."""
    kept = calibration.without_covariance(largest_n)
    grades = {grade: code for code, grade in _GRADES.items()}
    return CalibrationRecord(
        newton_per_count=kept.newton_per_unit,
        zero_counts=round(kept.zero),
        grade=grades[kept.grade],
        newton_per_count2=kept.newton_per_unit2,
        newton_per_kelvin=kept.newton_per_kelvin,
        reference_temperature_c=kept.reference_temperature_c,
        zero_uncertainty_n=kept.zero_uncertainty_n,
        span_uncertainty=kept.span_uncertainty,
        made_at_s=kept.made_at_s,
    )
