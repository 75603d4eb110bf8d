"""How fields of the bandsense profile are checked and rounded."""

from __future__ import annotations

import math
import struct

from bandsense.errors import CommandError, FrameError

__all__ = [
    "HUNDREDTHS",
    "TEMPERATURE_UNKNOWN",
    "check_argument",
    "require",
    "require_range",
    "to_float32",
]

TEMPERATURE_UNKNOWN = -0x8000
HUNDREDTHS = 100.0


def require(condition: bool, message: str) -> None:
    """Raise `FrameError` with this message unless the condition holds."""
    if not condition:
        raise FrameError(message)


def require_range(name: str, value: int, low: int, high: int) -> None:
    """Raise `FrameError` unless `value` lies in `low` … `high`."""
    require(low <= value <= high, f"{name} is {value}; it must be {low} … {high}")


def to_float32(name: str, value: float) -> float:
    """Round to binary32; raise `FrameError` where the result is not finite."""
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        rounded = math.inf
    require(math.isfinite(rounded), f"{name} is {value}; it must be a finite number")
    return rounded


def check_argument(condition: bool, message: str) -> None:
    """Raise `CommandError` with this message unless the condition holds."""
    if not condition:
        raise CommandError(message)
