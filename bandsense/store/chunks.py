"""Sample blocks as bytes: lossless, checked, and little more than half their size in memory."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from bandsense.errors import DataError, StoreError
from bandsense.samples import SampleBlock, Unit

__all__ = ["decode", "encode"]

_VERSION = 1
_HEADER = struct.Struct("<BxxxII")
"""Version, number of samples, CRC-32 of the uncompressed body."""

_GAP_BEFORE = 1
_SATURATED = 2
_SAMPLE_BYTES = 8 + 8 + 1


def _planes(array: NDArray[np.float64]) -> bytes:
    """First bytes of all values, then second bytes, …: equal exponents side by side compress well."""
    return array.astype("<f8").view(np.uint8).reshape(-1, 8).T.tobytes()


def _from_planes(data: bytes, n: int) -> NDArray[np.float64]:
    planes = np.frombuffer(data, dtype=np.uint8).reshape(8, n)
    return np.ascontiguousarray(planes.T).view("<f8").reshape(n)


def encode(block: SampleBlock) -> bytes:
    """Return times, values and flags of a block; the unit is kept with the stream."""
    flags = block.gap_before * np.uint8(_GAP_BEFORE) + block.saturated * np.uint8(_SATURATED)
    body = _planes(block.time_s) + _planes(block.values) + flags.astype(np.uint8).tobytes()
    return _HEADER.pack(_VERSION, len(block), zlib.crc32(body)) + zlib.compress(body, level=1)


def decode(data: bytes, unit: Unit) -> SampleBlock:
    """Return the block that was encoded, bit for bit.

    Raises:
        StoreError: the bytes are damaged or of a newer version.
    """
    if len(data) < _HEADER.size:
        raise StoreError(f"a stored piece of raw data is cut off after {len(data)} bytes")
    version, n, crc = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise StoreError(f"a stored piece of raw data has version {version}; a newer bandsense can read it")
    try:
        body = zlib.decompressobj().decompress(data[_HEADER.size :], n * _SAMPLE_BYTES)
        if len(body) != n * _SAMPLE_BYTES or zlib.crc32(body) != crc:
            raise StoreError("a stored piece of raw data is damaged: its checksum does not match")
        flags = np.frombuffer(body[16 * n :], dtype=np.uint8)
        return SampleBlock(
            _from_planes(body[: 8 * n], n),
            _from_planes(body[8 * n : 16 * n], n),
            unit,
            (flags & _GAP_BEFORE) != 0,
            (flags & _SATURATED) != 0,
        )
    except (zlib.error, DataError) as error:
        raise StoreError(f"a stored piece of raw data is damaged: {error}") from error
