"""The *information* characteristic (docs/protocol.md section 6), both directions."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from bandsense.errors import FrameError
from bandsense.wire.bandsense.codes import (
    COUNT_MAX,
    COUNT_MIN,
    LABEL_MAX_BYTES,
    PROFILE_MAJOR,
    PROFILE_MINOR,
    RATES_HZ,
    Features,
    Options,
)
from bandsense.wire.bandsense.fields import require, require_range

__all__ = ["Information", "advertised_name", "serial_text"]


_INFORMATION = struct.Struct("<BBHQBBHIiiBB")


_MN_PER_N = 1000.0


def serial_text(serial: int) -> str:
    """Format a serial number as people read it: 16 lower-case hex digits."""
    return f"{serial:016x}"


def advertised_name(serial: int, prefix: str = "bandsense-") -> str:
    """Return the name of a sensor without a label: the prefix and the last four hex digits of its serial."""
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
    gain: int
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
        require(
            self.major == PROFILE_MAJOR,
            f"the sensor speaks profile {self.major}, this program {PROFILE_MAJOR}; update the older one",
        )
        require_range("profile minor", self.minor, 0, 0xFF)
        require_range("serial", self.serial, 0, 2**64 - 1)
        require_range("boot number", self.boot_number, 0, 0xFFFF)
        require_range("gain", self.gain, 0, 0xFF)
        require_range("features", self.features, 0, 0xFFFF)
        require_range("options", self.options, 0, 0xFF)
        require(
            self.rates_hz == tuple(rate for rate in RATES_HZ if rate in self.rates_hz),
            f"rates {self.rates_hz} are not an ascending choice of {RATES_HZ}",
        )
        require_range("highest count", self.highest_count, -(2**31), 2**31 - 1)
        require_range("lowest count", self.lowest_count, -(2**31), 2**31 - 1)
        if self.full_scale_n is not None:
            require(math.isfinite(self.full_scale_n), "the full scale is not finite")
            require_range("full scale in mN", round(self.full_scale_n * _MN_PER_N), 1, 2**32 - 1)
        require_range("length of the label in bytes", len(_encode_label(self.label)), 0, LABEL_MAX_BYTES)

    @property
    def serial_text(self) -> str:
        """The serial number as 16 lower-case hex digits."""
        return serial_text(self.serial)

    @property
    def name(self) -> str:
        """The label, or the advertised name where there is none."""
        return self.label or advertised_name(self.serial)

    def encode(self) -> bytes:
        """Return the bytes of the characteristic."""
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
        require(len(label) == size, f"the label should have {size} bytes and has {len(label)}")
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
