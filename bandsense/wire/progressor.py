"""Tindeq Progressor and compatible sensors: commands, notifications and advertised name, without I/O.

Facts: blims/Tindeq-Progressor-API (README.md, progressor_client.py); what that leaves open is read from
kesyog/hangman, crimpdeq/crimpdeq-firmware and Stevie-Ray/hangtime-grip-connect. Only commands that mean the
same on all of them are offered: 0x74 reads a table on one firmware and **erases the calibration** on another.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum

from bandsense.errors import CommandError, FrameError

__all__ = [
    "CONTROL_UUID",
    "DATA_UUID",
    "NAME_PREFIX",
    "SERVICE_UUID",
    "Command",
    "LowPowerNotification",
    "Notification",
    "Response",
    "WeightNotification",
    "decode_battery_mv",
    "decode_id",
    "decode_notification",
    "decode_version",
    "encode_command",
    "encode_low_power",
    "encode_response",
    "encode_weights",
]

NAME_PREFIX = "Progressor"
SERVICE_UUID = "7e4e1701-1ea6-40c9-9dcc-13d34ffead57"
DATA_UUID = "7e4e1702-1ea6-40c9-9dcc-13d34ffead57"
CONTROL_UUID = "7e4e1703-1ea6-40c9-9dcc-13d34ffead57"

_TAG_RESPONSE = 0
_TAG_WEIGHT = 1
_TAG_LOW_POWER = 4
_HEADER_SIZE = 2
_SAMPLE = struct.Struct("<fI")
_BATTERY = struct.Struct("<I")
_MAX_PAYLOAD = 255


class Command(IntEnum):
    """Commands that every known firmware understands alike."""

    TARE = 0x64
    START = 0x65
    STOP = 0x66
    VERSION = 0x6B
    ERROR_INFORMATION = 0x6C
    CLEAR_ERROR = 0x6D
    SLEEP = 0x6E
    BATTERY = 0x6F
    ID = 0x70


def encode_command(command: Command) -> bytes:
    """Return the byte to write to the control characteristic."""
    return bytes((command,))


@dataclass(frozen=True, slots=True)
class WeightNotification:
    """Samples of one notification: kilogram-force, and device time since *start* in microseconds modulo 2³².

    A reading that is not a finite number is left out and counted in `invalid`.
    """

    weights_kgf: tuple[float, ...]
    times_us: tuple[int, ...]
    invalid: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """Answer to the last command; it does not say which."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class LowPowerNotification:
    """The battery is empty; the sensor switches itself off."""


Notification = WeightNotification | Response | LowPowerNotification


def _decode_weights(payload: bytes) -> WeightNotification:
    samples = list(_SAMPLE.iter_unpack(payload[: len(payload) // _SAMPLE.size * _SAMPLE.size]))
    finite = [(weight, stamp) for weight, stamp in samples if math.isfinite(weight)]
    return WeightNotification(
        tuple(weight for weight, _ in finite), tuple(stamp for _, stamp in finite), len(samples) - len(finite)
    )


def decode_notification(data: bytes) -> Notification | None:
    """Meaning of a notification; None for any other tag, also those of the rate of force development (2, 3).

    The length byte decides and not the length of the notification, because early clones pad their frames.

    Raises:
        FrameError: shorter than its header or than its length byte says, or weights without a whole sample.
    """
    if len(data) < _HEADER_SIZE:
        raise FrameError(f"a notification has a tag and a length, got {len(data)} byte(s)")
    tag, size = data[0], data[1]
    payload = bytes(data[_HEADER_SIZE : _HEADER_SIZE + size])
    if len(payload) < size:
        raise FrameError(f"a notification announces {size} bytes and holds {len(payload)}")
    if tag == _TAG_RESPONSE:
        return Response(payload)
    if tag == _TAG_LOW_POWER:
        return LowPowerNotification()
    if tag != _TAG_WEIGHT:
        return None
    if size % _SAMPLE.size or not size:
        raise FrameError(f"{size} bytes are no whole number of samples of {_SAMPLE.size} bytes")
    return _decode_weights(payload)


def _encode(tag: int, payload: bytes) -> bytes:
    if len(payload) > _MAX_PAYLOAD:
        raise CommandError(f"a notification carries at most {_MAX_PAYLOAD} bytes, not {len(payload)}")
    return bytes((tag, len(payload))) + payload


def encode_weights(weights_kgf: tuple[float, ...], times_us: tuple[int, ...]) -> bytes:
    """Return the notification for these samples; times are taken modulo 2³².

    Raises:
        CommandError: more samples than the length byte can count.
    """
    pairs = zip(weights_kgf, times_us, strict=True)
    return _encode(_TAG_WEIGHT, b"".join(_SAMPLE.pack(weight, stamp % 2**32) for weight, stamp in pairs))


def encode_response(payload: bytes) -> bytes:
    """Return the notification by which a sensor answers a command.

    Raises:
        CommandError: the payload is longer than the length byte can say.
    """
    return _encode(_TAG_RESPONSE, payload)


def encode_low_power() -> bytes:
    """Return the notification that precedes a shutdown on an empty battery."""
    return _encode(_TAG_LOW_POWER, b"")


def decode_battery_mv(payload: bytes) -> int:
    """Battery voltage in millivolts from the answer to `Command.BATTERY`.

    Raises:
        FrameError: fewer than four bytes.
    """
    if len(payload) < _BATTERY.size:
        raise FrameError(f"a battery voltage has {_BATTERY.size} bytes, got {len(payload)}")
    (millivolt,) = _BATTERY.unpack_from(payload)
    return int(millivolt)


def decode_version(payload: bytes) -> str:
    """Firmware version from the answer to `Command.VERSION`; what is no text is replaced by a mark."""
    return payload.decode(errors="replace").rstrip("\0")


def decode_id(payload: bytes) -> int:
    """Return serial number from the answer to `Command.ID`: little-endian, with high zero bytes left out.

    Raises:
        FrameError: more than eight bytes.
    """
    if len(payload) > 8:
        raise FrameError(f"an id has at most 8 bytes, got {len(payload)}")
    return int.from_bytes(payload, "little")
