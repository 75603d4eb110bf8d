"""Force of an Industrial Measurement Device (Bluetooth SIG, Industrial Measurement Device Service 1.0,
2024-10-15).

The characteristic *Force* is a little-endian sint32 in steps of 0.001 N; 0x7FFFFFFF says that the value is
not known (GATT Specification Supplement, Force). There is no time in it, and no number.
"""

from __future__ import annotations

import struct

from bandsense.errors import FrameError

__all__ = ["APPEARANCE_FORCE_GAUGE", "FORCE_UUID", "SERVICE_UUID", "decode_force", "encode_force"]

SERVICE_UUID = "0000185a-0000-1000-8000-00805f9b34fb"
FORCE_UUID = "00002c07-0000-1000-8000-00805f9b34fb"
APPEARANCE_FORCE_GAUGE = 0x1486

_FORCE = struct.Struct("<i")
_NEWTON_PER_STEP = 0.001
_UNKNOWN = 0x7FFF_FFFF


def decode_force(data: bytes) -> float | None:
    """Force in newtons; None where the sensor says that it does not know.

    Raises:
        FrameError: not four bytes.
    """
    if len(data) != _FORCE.size:
        raise FrameError(f"a force has {_FORCE.size} bytes, got {len(data)}")
    (steps,) = _FORCE.unpack(data)
    return None if steps == _UNKNOWN else steps * _NEWTON_PER_STEP


def encode_force(force_n: float | None) -> bytes:
    """Return the characteristic's value for a force in newtons; None encodes an unknown force.

    Raises:
        FrameError: beyond what 32 bits hold.
    """
    steps = _UNKNOWN if force_n is None else round(force_n / _NEWTON_PER_STEP)
    if force_n is not None and not -_UNKNOWN - 1 <= steps < _UNKNOWN:
        raise FrameError(f"{force_n} N is beyond what the characteristic can say")
    return _FORCE.pack(steps)
