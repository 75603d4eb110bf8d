"""The calibration record that a sensor keeps (docs/protocol.md section 7), both directions."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass

from bandsense.wire.bandsense.codes import CALIBRATION_SIZE, CalibrationGrade
from bandsense.wire.bandsense.fields import (
    HUNDREDTHS,
    TEMPERATURE_UNKNOWN,
    require,
    require_range,
    to_float32,
)

__all__ = ["CalibrationRecord"]


_RECORD = struct.Struct("<BBBxIifffffhxx")


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """The calibration a sensor keeps, version 1 (section 7).

    `T = a·(x − zero) + b·(x − zero)² − k·(ϑ − ϑ₀)`. Numbers are rounded to what the record can hold
    (binary32, whole hundredths of a degree) when the value is made.

    Attributes:
        newton_per_count: a; not zero.
        zero_counts: the count with the band slack.
        newton_per_count2: b.
        newton_per_kelvin: k.
        reference_temperature_c: ϑ₀, °C; None when unknown.
        zero_uncertainty_n: standard uncertainty of the zero, newtons.
        span_uncertainty: relative standard uncertainty of the span.
        made_at_s: seconds since 1970-01-01 UTC; 0 unknown.

    Raises:
        FrameError: a field is out of its range.
    """

    newton_per_count: float
    zero_counts: int = 0
    grade: CalibrationGrade = CalibrationGrade.NOMINAL
    newton_per_count2: float = 0.0
    newton_per_kelvin: float = 0.0
    reference_temperature_c: float | None = None
    zero_uncertainty_n: float = 0.0
    span_uncertainty: float = 0.0
    made_at_s: int = 0

    def __post_init__(self) -> None:
        for name in (
            "newton_per_count",
            "newton_per_count2",
            "newton_per_kelvin",
            "zero_uncertainty_n",
            "span_uncertainty",
        ):
            object.__setattr__(self, name, to_float32(name, getattr(self, name)))
        require(self.newton_per_count != 0, "a calibration needs a span other than 0")
        require(self.grade in CalibrationGrade, f"calibration grade {self.grade} is unknown")
        require_range("zero", self.zero_counts, -(2**31), 2**31 - 1)
        require_range("time of calibration", self.made_at_s, 0, 2**32 - 1)
        if self.reference_temperature_c is not None:
            require(math.isfinite(self.reference_temperature_c), "the reference temperature is not finite")
            centi = round(self.reference_temperature_c * HUNDREDTHS)
            require_range("reference temperature in 0.01 °C", centi, -0x7FFF, 0x7FFF)
            object.__setattr__(self, "reference_temperature_c", centi / HUNDREDTHS)

    def encode(self) -> bytes:
        """Return the 40 bytes of the record, CRC included."""
        temperature = self.reference_temperature_c
        body = _RECORD.pack(
            1,
            CALIBRATION_SIZE,
            self.grade,
            self.made_at_s,
            self.zero_counts,
            self.newton_per_count,
            self.newton_per_count2,
            self.zero_uncertainty_n,
            self.span_uncertainty,
            self.newton_per_kelvin,
            TEMPERATURE_UNKNOWN if temperature is None else round(temperature * HUNDREDTHS),
        )
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def decode(cls, data: bytes) -> CalibrationRecord:
        """Decode a record.

        Raises:
            FrameError: wrong length, version, CRC or grade, a number that is not finite, or a span of 0.
        """
        require(len(data) == CALIBRATION_SIZE, f"a calibration has {CALIBRATION_SIZE} bytes, got {len(data)}")
        body, crc = data[:-4], int.from_bytes(data[-4:], "little")
        require(zlib.crc32(body) == crc, "the calibration is damaged: its CRC does not match")
        version, size, grade, made_at, zero, a, b, zero_u, span_u, k, temperature = _RECORD.unpack(body)
        require(version == 1, f"calibration record version {version} is not supported")
        require(
            size == CALIBRATION_SIZE, f"a calibration of version 1 has {CALIBRATION_SIZE} bytes, not {size}"
        )
        require(grade in set(CalibrationGrade), f"calibration grade {grade} is unknown")
        return cls(
            newton_per_count=a,
            zero_counts=zero,
            grade=CalibrationGrade(grade),
            newton_per_count2=b,
            newton_per_kelvin=k,
            reference_temperature_c=None if temperature == TEMPERATURE_UNKNOWN else temperature / HUNDREDTHS,
            zero_uncertainty_n=zero_u,
            span_uncertainty=span_u,
            made_at_s=made_at,
        )
