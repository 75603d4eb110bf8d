"""WH-C06 hanging scale (sold under many names, advertised as IF_B7): weight by broadcast, without I/O.

There is no connection: the scale puts its reading into the manufacturer data of its advertisements. Facts:
hammockman/wh-c06-logger (wh_c06.py), Stevie-Ray/hangtime-grip-connect (wh-c06.model.ts),
rbatsenko/hangs-free (hooks/useScale.ts).
"""

from __future__ import annotations

from dataclasses import dataclass

from bandsense.errors import FrameError
from bandsense.language import Message

__all__ = [
    "COMPANY_ID",
    "NAME",
    "NOMINAL_RATE_HZ",
    "Reading",
    "decode_advertisement",
    "encode_advertisement",
    "without_prefix",
]

COMPANY_ID = 0x0100
NAME = "IF_B7"
NOMINAL_RATE_HZ = 10.0

_COMPANY_BYTES = COMPANY_ID.to_bytes(2, "little")
_WEIGHT_AT = 10
_STATE_AT = 14
_MIN_BYTES = _STATE_AT + 1
_UNIT_KG = 1
_CENTI = 100.0
_PREFIX = bytes.fromhex("0203112ac0191122e201")
"""Bytes 0 … 9 as one unit sends them (hammockman/wh-c06-logger); their meaning is unknown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One broadcast reading.

    Attributes:
        weight_kgf: kilogram-force, two decimals, not negative.
        stable: the scale calls the reading stable, or *hold* is on.
    """

    weight_kgf: float
    stable: bool


def decode_advertisement(data: bytes) -> Reading:
    """Meaning of the manufacturer data.

    Some Bluetooth stacks strip the company id (bleak does), some leave it in front; both are accepted.

    Raises:
        FrameError: too short, or the scale is set to another unit than kilograms.
    """
    if _has_company(data):
        data = data[len(_COMPANY_BYTES) :]
    if len(data) < _MIN_BYTES:
        raise FrameError(f"a reading has at least {_MIN_BYTES} bytes, got {len(data)}")
    state = data[_STATE_AT]
    if state & 0x0F != _UNIT_KG:
        raise FrameError(
            Message("the scale shows another unit than kilograms; press UNIT on it until it shows kg")
        )
    weight = int.from_bytes(data[_WEIGHT_AT : _WEIGHT_AT + 2], "big")
    return Reading(weight / _CENTI, bool(state >> 4))


def _has_company(data: bytes) -> bool:
    return data[:2] == _COMPANY_BYTES and len(data) >= _MIN_BYTES + len(_COMPANY_BYTES)


def encode_advertisement(reading: Reading) -> bytes:
    """Manufacturer data, without the company id, of a scale that shows this.

    Raises:
        FrameError: the weight is not 0 … 655.35 kgf.
    """
    centi = round(reading.weight_kgf * _CENTI)
    if not 0 <= centi <= 0xFFFF:
        raise FrameError(f"a scale shows 0 … 655.35 kg, not {reading.weight_kgf}")
    return _PREFIX + centi.to_bytes(2, "big") + bytes(2) + bytes((reading.stable << 4 | _UNIT_KG,))


def without_prefix(data: bytes) -> bytes:
    """Return the reading with zeros for the bytes before it, which may tell one scale from another."""
    begin = len(_COMPANY_BYTES) if _has_company(data) else 0
    return data[:begin] + bytes(len(data[begin : begin + _WEIGHT_AT])) + data[begin + _WEIGHT_AT :]
