"""Sample blocks as bytes: lossless, checked, and small.

A chunk is a header (version, number of samples, CRC-32 of the body) and a body: times, values and flags.

* Version 1, deflated: times and values as float64, all first bytes, then all second bytes, ...; flags.
* Version 2, for times in whole microseconds and values that are whole numbers, as sensors send them: the
  first time, the first step and the first value (three int64), two Rice parameters and a byte with 1 where
  there are flags, plus 2 where values are second differences; then the second differences of the times, the
  first or second differences of the values, whichever are smaller, and two bits of flags a sample where there
  are any. Differences are Rice codes (R. F. Rice, 1979): zigzag numbers; quotients by 2^k stand first, in
  unary, then the remainders, in k bits; each part is filled up to whole bytes.

What version 2 cannot write exactly is written as version 1.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from bandsense.errors import DataError, StoreError
from bandsense.language import Message
from bandsense.samples import SampleBlock, Unit

__all__ = ["decode", "encode"]

_PLANES, _DIFFERENCES = 1, 2
_HEADER = struct.Struct("<BxxxII")
"""Version, number of samples, CRC-32 of the body before compression."""

_GAP_BEFORE = 1
_SATURATED = 2
_SAMPLE_BYTES = 8 + 8 + 1
_FIRST = struct.Struct("<qqqBBB")
"""Of version 2: first time, first step, first value, both Rice parameters, how the rest is written."""
_FLAGGED, _SECOND = 1, 2
_MOST_RICE_BITS = 63
_US = 1e6
_WHOLE = 2.0**53
"""Up to here a float64 holds every whole number."""


def _planes(array: NDArray[np.float64]) -> bytes:
    """First bytes of all values, then second bytes, …: equal exponents side by side compress well."""
    return array.astype("<f8").view(np.uint8).reshape(-1, 8).T.tobytes()


def _from_planes(data: bytes, n: int) -> NDArray[np.float64]:
    planes = np.frombuffer(data, dtype=np.uint8).reshape(8, n)
    return np.ascontiguousarray(planes.T).view("<f8").reshape(n)


def _zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _rice_bits(numbers: NDArray[np.uint64]) -> int:
    """Choose the parameter with which numbers take the least room."""
    mean = float(numbers.mean()) if numbers.size else 0.0
    about = int(np.log2(mean)) if mean > 1.0 else 0
    near = range(max(0, about - 1), min(_MOST_RICE_BITS, about + 2) + 1)
    return min(near, key=lambda k: int((numbers >> np.uint64(k)).sum()) + k * numbers.size)


def _rice(numbers: NDArray[np.uint64], k: int) -> bytes:
    quotients = (numbers >> np.uint64(k)).astype(np.int64)
    unary = np.zeros(int(quotients.sum()) + numbers.size, dtype=np.uint8)
    unary[np.cumsum(quotients + 1) - 1] = 1
    places = np.arange(k, dtype=np.uint64)
    remainders = ((numbers[:, None] >> places) & np.uint64(1)).astype(np.uint8)
    return np.packbits(unary).tobytes() + np.packbits(remainders.ravel()).tobytes()


def _from_rice(data: bytes, n: int, k: int) -> tuple[NDArray[np.int64], bytes]:
    """Read n differences; gives what follows them, too."""
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(data, dtype=np.uint8)))[:n]
    unary_bytes = -(-(int(ends[-1]) + 1) // 8) if ends.size else 0
    remainder_bytes = -(-n * k // 8)
    rest = data[unary_bytes:]
    if ends.size < n or len(rest) < remainder_bytes or k > _MOST_RICE_BITS:
        raise StoreError(Message("a stored piece of raw data is damaged: it ends too early"))
    quotients = np.diff(ends, prepend=-1).astype(np.uint64) - np.uint64(1)
    bits = np.unpackbits(np.frombuffer(rest[:remainder_bytes], dtype=np.uint8))[: n * k].reshape(n, k)
    remainders = (bits.astype(np.uint64) << np.arange(k, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    numbers = (quotients << np.uint64(k)) | remainders
    values = (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)
    return values, rest[remainder_bytes:]


def _whole(values: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Return the values as whole numbers, or None where that would change a bit."""
    if not values.size or float(np.abs(values).max()) >= _WHOLE:
        return None
    whole = np.rint(values).astype(np.int64)
    return whole if np.array_equal(whole.astype(np.float64).view(np.int64), values.view(np.int64)) else None


def _microseconds(time_s: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Return times in whole microseconds, or None where they are not exactly that."""
    if not time_s.size or float(np.abs(time_s).max()) * _US >= _WHOLE:
        return None
    time_us = np.rint(time_s * _US).astype(np.int64)
    return time_us if np.array_equal((time_us / _US).view(np.int64), time_s.view(np.int64)) else None


def _differences(block: SampleBlock, flags: NDArray[np.uint8]) -> bytes | None:
    time_us, values = _microseconds(block.time_s), _whole(block.values)
    if time_us is None or values is None:
        return None
    steps = np.diff(time_us)
    changes = np.diff(values)
    bends = np.diff(changes, prepend=0)
    second = float(np.abs(bends).sum()) < float(np.abs(changes).sum())
    parts = _zigzag(np.diff(steps)), _zigzag(bends if second else changes)
    bits = [_rice_bits(part) for part in parts]
    how = _FLAGGED * bool(flags.any()) | _SECOND * second
    first = int(time_us[0]), int(steps[0]) if steps.size else 0, int(values[0])
    marks = np.packbits(np.stack((flags & _GAP_BEFORE, flags & _SATURATED), axis=1) != 0)
    body = _FIRST.pack(*first, *bits, how) + _rice(parts[0], bits[0]) + _rice(parts[1], bits[1])
    return body + (marks.tobytes() if flags.any() else b"")


def _from_differences(body: bytes, n: int, unit: Unit) -> SampleBlock:
    if not n or len(body) < _FIRST.size:
        raise StoreError(Message("a stored piece of raw data is damaged: it ends too early"))
    time_us, step_us, value, time_bits, value_bits, how = _FIRST.unpack_from(body)
    bends, rest = _from_rice(body[_FIRST.size :], max(0, n - 2), time_bits)
    changes, rest = _from_rice(rest, n - 1, value_bits)
    if how & _SECOND:
        changes = np.cumsum(changes)
    flagged = bool(how & _FLAGGED)
    steps = step_us + np.cumsum(np.concatenate(([0], bends))) if n > 1 else bends
    times = time_us + np.concatenate(([0], np.cumsum(steps)))
    values = value + np.concatenate(([0], np.cumsum(changes)))
    if len(rest) != (-(-2 * n // 8) if flagged else 0):
        raise StoreError(Message("a stored piece of raw data is damaged: its length does not match"))
    marks = np.zeros((n, 2), dtype=np.uint8)
    if flagged:
        marks = np.unpackbits(np.frombuffer(rest, dtype=np.uint8))[: 2 * n].reshape(n, 2)
    return SampleBlock(times / _US, values.astype(np.float64), unit, marks[:, 0] != 0, marks[:, 1] != 0)


def _from_bytes(body: bytes, n: int, unit: Unit) -> SampleBlock:
    flags = np.frombuffer(body[16 * n :], dtype=np.uint8)
    return SampleBlock(
        _from_planes(body[: 8 * n], n),
        _from_planes(body[8 * n : 16 * n], n),
        unit,
        (flags & _GAP_BEFORE) != 0,
        (flags & _SATURATED) != 0,
    )


def encode(block: SampleBlock) -> bytes:
    """Write times, values and flags of a block; the unit is kept with the stream."""
    flags = (block.gap_before * np.uint8(_GAP_BEFORE) + block.saturated * np.uint8(_SATURATED)).astype(
        np.uint8
    )
    body = _differences(block, flags)
    if body is not None:
        return _HEADER.pack(_DIFFERENCES, len(block), zlib.crc32(body)) + body
    body = _planes(block.time_s) + _planes(block.values) + flags.tobytes()
    return _HEADER.pack(_PLANES, len(block), zlib.crc32(body)) + zlib.compress(body, level=1)


def decode(data: bytes, unit: Unit) -> SampleBlock:
    """Read the block that was encoded, bit for bit.

    Raises:
        StoreError: the bytes are damaged or of a newer version.
    """
    if len(data) < _HEADER.size:
        raise StoreError(Message("a stored piece of raw data is cut off after {n} bytes", n=len(data)))
    version, n, crc = _HEADER.unpack_from(data)
    if version not in (_PLANES, _DIFFERENCES):
        raise StoreError(
            Message(
                "a stored piece of raw data has version {version}; update bandsense to read it",
                version=version,
            )
        )
    try:
        body = data[_HEADER.size :] if version == _DIFFERENCES else _inflated(data[_HEADER.size :], n)
        if zlib.crc32(body) != crc:
            raise StoreError(Message("a stored piece of raw data is damaged: its checksum does not match"))
        return (_from_differences if version == _DIFFERENCES else _from_bytes)(body, n, unit)
    except (zlib.error, DataError) as error:
        raise StoreError(Message("a stored piece of raw data is damaged: {error}", error=error)) from error


def _inflated(packed: bytes, n: int) -> bytes:
    """Decompress a body of version 1, no further than n samples are long."""
    body = zlib.decompressobj().decompress(packed, n * _SAMPLE_BYTES)
    if len(body) != n * _SAMPLE_BYTES:
        raise StoreError(Message("a stored piece of raw data is damaged: its length does not match"))
    return body
