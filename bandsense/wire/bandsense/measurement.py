"""The *measurement* characteristic (docs/protocol.md section 2): frames of samples, both directions."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bandsense.errors import FrameError
from bandsense.wire.bandsense.codes import COUNT_MAX, COUNT_MIN
from bandsense.wire.bandsense.fields import require_range

__all__ = ["MeasurementFrame", "samples_per_frame"]


_MAX_SAMPLES = 80


_BATCH_MS = 25


_HEADER = struct.Struct("<HBBI")


_HEADER_SIZE = 11


_SATURATED, _OVERRUN, _GAP_BEFORE, _LOW_BATTERY, _SETTLING, _LATE_STAMP = 1, 2, 4, 8, 16, 32


def samples_per_frame(rate_hz: int, att_mtu: int) -> int:
    """Return how many samples a sender puts into one frame (section 2, Batching)."""
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
        settling: the bridge has not come to rest since it was switched on; the counts drift.
        late_stamp: the times may be off by more than the 100 µs that the profile promises.

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
    settling: bool = False
    late_stamp: bool = False

    def __post_init__(self) -> None:
        n = len(self.counts)
        if self._is_valid(n):
            return
        require_range("number of samples", n, 1, _MAX_SAMPLES)
        require_range("sequence", self.sequence, 0, 0xFFFF)
        require_range("device time", self.time_us, 0, 0xFFFF_FFFF)
        require_range("span", self.span_us, 0, 0xFF_FFFF)
        if (self.span_us > 0) != (n > 1):
            raise FrameError(f"a span of {self.span_us} µs does not fit {n} sample(s)")
        require_range("lowest count", min(self.counts), COUNT_MIN, COUNT_MAX)
        require_range("highest count", max(self.counts), COUNT_MIN, COUNT_MAX)

    def _is_valid(self, n: int) -> bool:
        """Check all fields in one expression, for speed; which one is bad is sought only when this fails."""
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
        """Return the bytes of the notification."""
        flags = (
            self.saturated * _SATURATED
            | self.overrun * _OVERRUN
            | self.gap_before * _GAP_BEFORE
            | self.low_battery * _LOW_BATTERY
            | self.settling * _SETTLING
            | self.late_stamp * _LATE_STAMP
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
            bool(flags & _SETTLING),
            bool(flags & _LATE_STAMP),
        )
