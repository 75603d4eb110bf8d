"""The bandsense profile, version 1: what the sensor tells (docs/protocol.md sections 1, 2, 6, 7 and 8).

Bytes in, frozen values out, and back. No I/O and no clock. Requests and answers: `bandsense.wire.control`.

Every decoder raises `FrameError` for bytes that do not follow the profile and nothing else; every value
checks itself when it is made, so that whatever exists can be encoded.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from bandsense.errors import FrameError

__all__ = [
    "BATTERY_LEVEL_UUID",
    "BATTERY_SERVICE_UUID",
    "CALIBRATION_SIZE",
    "CONTROL_UUID",
    "COUNT_MAX",
    "COUNT_MIN",
    "DEVICE_INFORMATION_SERVICE_UUID",
    "FIRMWARE_REVISION_UUID",
    "HARDWARE_REVISION_UUID",
    "INFORMATION_UUID",
    "LABEL_MAX_BYTES",
    "MANUFACTURER_NAME",
    "MANUFACTURER_UUID",
    "MEASUREMENT_UUID",
    "MODEL_UUID",
    "PROFILE_MAJOR",
    "PROFILE_MINOR",
    "RATES_HZ",
    "SERIAL_UUID",
    "SERVICE_UUID",
    "SMP_CHARACTERISTIC_UUID",
    "SMP_SERVICE_UUID",
    "Advertisement",
    "CalibrationGrade",
    "CalibrationRecord",
    "Features",
    "Information",
    "MeasurementFrame",
    "Options",
    "advertised_name",
    "samples_per_frame",
    "serial_text",
]

PROFILE_MAJOR = 1
PROFILE_MINOR = 0

SERVICE_UUID = "b5e50001-3c1f-4f0e-9a57-6d2b41c7e8a0"
MEASUREMENT_UUID = "b5e50002-3c1f-4f0e-9a57-6d2b41c7e8a0"
CONTROL_UUID = "b5e50003-3c1f-4f0e-9a57-6d2b41c7e8a0"
INFORMATION_UUID = "b5e50004-3c1f-4f0e-9a57-6d2b41c7e8a0"

BATTERY_SERVICE_UUID = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL_UUID = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_SERVICE_UUID = "0000180a-0000-1000-8000-00805f9b34fb"
MANUFACTURER_UUID = "00002a29-0000-1000-8000-00805f9b34fb"
MODEL_UUID = "00002a24-0000-1000-8000-00805f9b34fb"
SERIAL_UUID = "00002a25-0000-1000-8000-00805f9b34fb"
HARDWARE_REVISION_UUID = "00002a27-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION_UUID = "00002a26-0000-1000-8000-00805f9b34fb"
MANUFACTURER_NAME = "bandsense"

SMP_SERVICE_UUID = "8d53dc1d-1db7-4cd3-868b-8a527460aa84"
SMP_CHARACTERISTIC_UUID = "da2e7828-fbce-4e01-ae9e-261174997c48"

RATES_HZ = (10, 20, 40, 80, 320)
"""Nominal rates; the position is the bit in *rates* of the information."""

COUNT_MAX = 2**23 - 1
COUNT_MIN = -(2**23)
LABEL_MAX_BYTES = 16
CALIBRATION_SIZE = 40

_MAX_SAMPLES = 80
_BATCH_MS = 25
_HEADER = struct.Struct("<HBBI")
_HEADER_SIZE = 11
_INFORMATION = struct.Struct("<BBHQBBHIiiBB")
_RECORD = struct.Struct("<BBBxIifffffhxx")
_TEMPERATURE_UNKNOWN = -0x8000
_MN_PER_N = 1000.0
_CENTI = 100.0


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise FrameError(message)


def _require_range(name: str, value: int, low: int, high: int) -> None:
    _require(low <= value <= high, f"{name} is {value}; it must be {low} … {high}")


# -- measurement -----------------------------------------------------------------------------------------

_SATURATED, _OVERRUN, _GAP_BEFORE, _LOW_BATTERY = 1, 2, 4, 8


def samples_per_frame(rate_hz: int, att_mtu: int) -> int:
    """How many samples a sender puts into one frame (section 2, Batching)."""
    return min(rate_hz * _BATCH_MS // 1000 + 1, (att_mtu - 14) // 3, _MAX_SAMPLES)


@dataclass(frozen=True, slots=True)
class MeasurementFrame:
    """One notification of *measurement* (section 2).

    Attributes:
        sequence: number of the first sample, modulo 65 536.
        time_us: device time of the first sample, microseconds modulo 2³².
        span_us: device time from the first to the last sample; 0 for a single one, positive for several.
        counts: 1 … 80 raw converter results of 24 bits.
        saturated: at least one count is at or beyond the limits given in *information*.
        overrun: a conversion was lost since the frame before, because it was not collected in time.
        gap_before: samples that were not numbered are missing before this frame.
        low_battery: the battery is at 10 % or below.

    Raises:
        FrameError: a field is out of its range.
    """

    sequence: int
    time_us: int
    span_us: int
    counts: tuple[int, ...]
    saturated: bool = False
    overrun: bool = False
    gap_before: bool = False
    low_battery: bool = False

    def __post_init__(self) -> None:
        n = len(self.counts)
        if self._is_valid(n):
            return
        _require_range("number of samples", n, 1, _MAX_SAMPLES)
        _require_range("sequence", self.sequence, 0, 0xFFFF)
        _require_range("device time", self.time_us, 0, 0xFFFF_FFFF)
        _require_range("span", self.span_us, 0, 0xFF_FFFF)
        if (self.span_us > 0) != (n > 1):
            raise FrameError(f"a span of {self.span_us} µs does not fit {n} sample(s)")
        _require_range("lowest count", min(self.counts), COUNT_MIN, COUNT_MAX)
        _require_range("highest count", max(self.counts), COUNT_MIN, COUNT_MAX)

    def _is_valid(self, n: int) -> bool:
        """All at once, because this is done for every frame; which field is not, only if need be."""
        return (
            1 <= n <= _MAX_SAMPLES
            and 0 <= self.sequence <= 0xFFFF
            and 0 <= self.time_us <= 0xFFFF_FFFF
            and 0 <= self.span_us <= 0xFF_FFFF
            and (self.span_us > 0) == (n > 1)
            and min(self.counts) >= COUNT_MIN
            and max(self.counts) <= COUNT_MAX
        )

    @property
    def offsets_us(self) -> tuple[int, ...]:
        """Device time of every sample since the first, `round(i · span / (n − 1))`, microseconds."""
        last = len(self.counts) - 1
        if not last:
            return (0,)
        return tuple((2 * i * self.span_us + last) // (2 * last) for i in range(last + 1))

    def encode(self) -> bytes:
        """The bytes of the notification."""
        flags = (
            self.saturated * _SATURATED
            | self.overrun * _OVERRUN
            | self.gap_before * _GAP_BEFORE
            | self.low_battery * _LOW_BATTERY
        )
        header = _HEADER.pack(self.sequence, flags, len(self.counts), self.time_us)
        samples = b"".join(count.to_bytes(3, "little", signed=True) for count in self.counts)
        return header + self.span_us.to_bytes(3, "little") + samples

    @classmethod
    def decode(cls, data: bytes) -> MeasurementFrame:
        """Decode a notification.

        Raises:
            FrameError: the length does not fit the count, or a field is out of its range.
        """
        if len(data) < _HEADER_SIZE:
            raise FrameError(f"a measurement needs {_HEADER_SIZE} bytes before its samples, got {len(data)}")
        sequence, flags, n, time_us = _HEADER.unpack_from(data)
        if len(data) != _HEADER_SIZE + 3 * n:
            raise FrameError(
                f"a measurement of {n} sample(s) has {_HEADER_SIZE + 3 * n} bytes, got {len(data)}"
            )
        return cls(
            sequence,
            time_us,
            int.from_bytes(data[8:11], "little"),
            tuple(
                int.from_bytes(data[at : at + 3], "little", signed=True)
                for at in range(_HEADER_SIZE, len(data), 3)
            ),
            bool(flags & _SATURATED),
            bool(flags & _OVERRUN),
            bool(flags & _GAP_BEFORE),
            bool(flags & _LOW_BATTERY),
        )


# -- information -----------------------------------------------------------------------------------------


class Features(IntFlag):
    """What a sensor can do, as it says in *information*."""

    NONE = 0
    PROGRESSOR = 1
    FIRMWARE_UPDATE = 2
    TEMPERATURE = 4
    WAKE_ON_TENSION = 8
    FIXED_PASSKEY = 16


class Options(IntFlag):
    """What can be switched on by *set options*."""

    NONE = 0
    PROGRESSOR = 1


def serial_text(serial: int) -> str:
    """A serial number as people read it: 16 lower-case hex digits."""
    return f"{serial:016x}"


def advertised_name(serial: int, prefix: str = "bandsense-") -> str:
    """The name a sensor without a label shows: the prefix and the last four hex digits of its serial."""
    return f"{prefix}{serial & 0xFFFF:04X}"


def _decode_label(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise FrameError("the label is not UTF-8") from None


def _encode_label(label: str) -> bytes:
    try:
        return label.encode()
    except UnicodeEncodeError:
        raise FrameError("the label holds characters that are no text") from None


@dataclass(frozen=True, slots=True)
class Information:
    """The *information* characteristic (section 6).

    Attributes:
        full_scale_n: nominal tension at a count of 2²³, newtons in whole millinewtons; None when unknown.
        highest_count: at or above it a sample is saturated.
        lowest_count: at or below it a sample is saturated.
        rates_hz: the nominal rates on offer, ascending.
        label: what its owner called it, at most 16 bytes of UTF-8; may be empty.

    Raises:
        FrameError: a field is out of its range.
    """

    serial: int
    boot_number: int
    gain: int = 128
    rates_hz: tuple[int, ...] = RATES_HZ
    features: Features = Features.NONE
    full_scale_n: float | None = None
    highest_count: int = COUNT_MAX
    lowest_count: int = COUNT_MIN
    options: Options = Options.NONE
    label: str = ""
    minor: int = PROFILE_MINOR
    major: int = PROFILE_MAJOR

    def __post_init__(self) -> None:
        _require(
            self.major == PROFILE_MAJOR,
            f"the sensor speaks profile {self.major}, this program {PROFILE_MAJOR}; update the older one",
        )
        _require_range("profile minor", self.minor, 0, 0xFF)
        _require_range("serial", self.serial, 0, 2**64 - 1)
        _require_range("boot number", self.boot_number, 0, 0xFFFF)
        _require_range("gain", self.gain, 0, 0xFF)
        _require_range("features", self.features, 0, 0xFFFF)
        _require_range("options", self.options, 0, 0xFF)
        _require(
            self.rates_hz == tuple(rate for rate in RATES_HZ if rate in self.rates_hz),
            f"rates {self.rates_hz} are not an ascending choice of {RATES_HZ}",
        )
        _require_range("highest count", self.highest_count, -(2**31), 2**31 - 1)
        _require_range("lowest count", self.lowest_count, -(2**31), 2**31 - 1)
        if self.full_scale_n is not None:
            _require(math.isfinite(self.full_scale_n), "the full scale is not finite")
            _require_range("full scale in mN", round(self.full_scale_n * _MN_PER_N), 1, 2**32 - 1)
        _require_range("length of the label in bytes", len(_encode_label(self.label)), 0, LABEL_MAX_BYTES)

    @property
    def serial_text(self) -> str:
        """The serial number as 16 lower-case hex digits."""
        return serial_text(self.serial)

    @property
    def name(self) -> str:
        """The label, or the advertised name where there is none."""
        return self.label or advertised_name(self.serial)

    def encode(self) -> bytes:
        """The bytes of the characteristic."""
        label = _encode_label(self.label)
        rates = sum(1 << RATES_HZ.index(rate) for rate in self.rates_hz)
        full_scale = 0 if self.full_scale_n is None else round(self.full_scale_n * _MN_PER_N)
        fixed = _INFORMATION.pack(
            self.major,
            self.minor,
            self.features,
            self.serial,
            self.gain,
            rates,
            self.boot_number,
            full_scale,
            self.highest_count,
            self.lowest_count,
            self.options,
            len(label),
        )
        return fixed + label

    @classmethod
    def decode(cls, data: bytes) -> Information:
        """Decode the characteristic; bytes after the label belong to a later minor version and are ignored.

        Raises:
            FrameError: the major version is another, the value is too short, or the label is no text.
        """
        if len(data) < _INFORMATION.size:
            raise FrameError(f"the information has at least {_INFORMATION.size} bytes, got {len(data)}")
        (major, minor, features, serial, gain, rates, boot, full_scale, highest, lowest, options, size) = (
            _INFORMATION.unpack_from(data)
        )
        label = data[_INFORMATION.size : _INFORMATION.size + size]
        _require(len(label) == size, f"the label should have {size} bytes and has {len(label)}")
        return cls(
            serial=serial,
            boot_number=boot,
            gain=gain,
            rates_hz=tuple(rate for bit, rate in enumerate(RATES_HZ) if rates >> bit & 1),
            features=Features(features),
            full_scale_n=full_scale / _MN_PER_N if full_scale else None,
            highest_count=highest,
            lowest_count=lowest,
            options=Options(options),
            label=_decode_label(label),
            minor=minor,
            major=major,
        )


# -- calibration record ----------------------------------------------------------------------------------


class CalibrationGrade(IntEnum):
    """How a calibration record was obtained; worst last."""

    INLINE = 0
    CLIP_ON = 1
    NOMINAL = 2
    COLOUR_TABLE = 3


def _float32(name: str, value: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        rounded = math.inf
    _require(math.isfinite(rounded), f"{name} is {value}; it must be a finite number")
    return rounded


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
            object.__setattr__(self, name, _float32(name, getattr(self, name)))
        _require(self.newton_per_count != 0, "a calibration needs a span other than 0")
        _require(self.grade in CalibrationGrade, f"calibration grade {self.grade} is unknown")
        _require_range("zero", self.zero_counts, -(2**31), 2**31 - 1)
        _require_range("time of calibration", self.made_at_s, 0, 2**32 - 1)
        if self.reference_temperature_c is not None:
            _require(math.isfinite(self.reference_temperature_c), "the reference temperature is not finite")
            centi = round(self.reference_temperature_c * _CENTI)
            _require_range("reference temperature in 0.01 °C", centi, -0x7FFF, 0x7FFF)
            object.__setattr__(self, "reference_temperature_c", centi / _CENTI)

    def encode(self) -> bytes:
        """The 40 bytes of the record, CRC included."""
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
            _TEMPERATURE_UNKNOWN if temperature is None else round(temperature * _CENTI),
        )
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def decode(cls, data: bytes) -> CalibrationRecord:
        """Decode a record.

        Raises:
            FrameError: wrong length, version, CRC or grade, a number that is not finite, or a span of 0.
        """
        _require(
            len(data) == CALIBRATION_SIZE, f"a calibration has {CALIBRATION_SIZE} bytes, got {len(data)}"
        )
        body, crc = data[:-4], int.from_bytes(data[-4:], "little")
        _require(zlib.crc32(body) == crc, "the calibration is damaged: its CRC does not match")
        version, size, grade, made_at, zero, a, b, zero_u, span_u, k, temperature = _RECORD.unpack(body)
        _require(version == 1, f"calibration record version {version} is not supported")
        _require(
            size == CALIBRATION_SIZE, f"a calibration of version 1 has {CALIBRATION_SIZE} bytes, not {size}"
        )
        _require(grade in set(CalibrationGrade), f"calibration grade {grade} is unknown")
        return cls(
            newton_per_count=a,
            zero_counts=zero,
            grade=CalibrationGrade(grade),
            newton_per_count2=b,
            newton_per_kelvin=k,
            reference_temperature_c=None if temperature == _TEMPERATURE_UNKNOWN else temperature / _CENTI,
            zero_uncertainty_n=zero_u,
            span_uncertainty=span_u,
            made_at_s=made_at,
        )


# -- advertising -----------------------------------------------------------------------------------------

_PAIRING_OPEN, _CONNECTED, _STREAMING, _ADVERTISED_LOW_BATTERY = 1, 2, 4, 8
_BATTERY_UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class Advertisement:
    """The service data that a sensor advertises (section 8).

    Attributes:
        battery_percent: 0 … 100; None when unknown.

    Raises:
        FrameError: a field is out of its range.
    """

    battery_percent: int | None = None
    pairing_open: bool = False
    connected: bool = False
    streaming: bool = False
    low_battery: bool = False
    major: int = PROFILE_MAJOR

    def __post_init__(self) -> None:
        _require_range("profile major", self.major, 0, 0xFF)
        if self.battery_percent is not None:
            _require_range("battery in percent", self.battery_percent, 0, 100)

    def encode(self) -> bytes:
        """The service data, without the UUID before it."""
        state = (
            self.pairing_open * _PAIRING_OPEN
            | self.connected * _CONNECTED
            | self.streaming * _STREAMING
            | self.low_battery * _ADVERTISED_LOW_BATTERY
        )
        battery = _BATTERY_UNKNOWN if self.battery_percent is None else self.battery_percent
        return bytes((self.major, state, battery))

    @classmethod
    def decode(cls, data: bytes) -> Advertisement:
        """Decode service data, without the UUID before it; further bytes are ignored.

        Raises:
            FrameError: fewer than three bytes, or an impossible battery level.
        """
        _require(len(data) >= 3, f"the service data has at least 3 bytes, got {len(data)}")
        major, state, battery = data[:3]
        return cls(
            battery_percent=None if battery == _BATTERY_UNKNOWN else battery,
            pairing_open=bool(state & _PAIRING_OPEN),
            connected=bool(state & _CONNECTED),
            streaming=bool(state & _STREAMING),
            low_battery=bool(state & _ADVERTISED_LOW_BATTERY),
            major=major,
        )
