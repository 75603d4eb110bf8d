"""From conversions to measurement frames, packed as docs/protocol.md section 2 says; no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass

from bandsense.wire.bandsense.measurement import MeasurementFrame

__all__ = ["Framer", "Sample"]

_CLOCK_TURN_US = 2**32
_SEQUENCE_TURN = 2**16
_TOLERANCE_US = 100
"""Section 2: no rebuilt time may be further from the true one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversion.

    Attributes:
        device_us: device time since boot, not wrapped.
        count: converter result.
        saturated: at or beyond the ends of the range.
        overrun: conversions were lost just before this one.
    """

    device_us: int
    count: int
    saturated: bool = False
    overrun: bool = False


class Framer:
    """Collects samples into frames and numbers them.

    Args:
        sequence: number of the next sample, not wrapped.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.low_battery = False
        self._pending: list[Sample] = []
        self._gap_before = True

    @property
    def pending(self) -> int:
        """Samples that wait for their frame to fill."""
        return len(self._pending)

    @property
    def oldest_us(self) -> int | None:
        """Device time of the sample that waits longest."""
        return self._pending[0].device_us if self._pending else None

    def push(self, sample: Sample, samples_per_frame: int) -> list[MeasurementFrame]:
        """Take a sample; give the frames that it closes: none, one or two."""
        closed = []
        if self._pending and (sample.overrun or not self._fits(sample)):
            closed.append(self._close())
        self._pending.append(sample)
        self.sequence += 1
        if len(self._pending) >= samples_per_frame:
            closed.append(self._close())
        return closed

    def flush(self) -> list[MeasurementFrame]:
        """Close the frame under way, if there is one."""
        return [self._close()] if self._pending else []

    def interrupt(self) -> list[MeasurementFrame]:
        """Close the frame under way; what follows comes after a gap that is not numbered."""
        closed = self.flush()
        self._gap_before = True
        return closed

    def _fits(self, sample: Sample) -> bool:
        """Return whether all times can still be rebuilt from the first, the span and the number."""
        times = [*(waiting.device_us for waiting in self._pending), sample.device_us]
        first_us, last = times[0], len(times) - 1
        span_us = times[-1] - first_us
        if span_us >= 2**24:
            return False
        rebuilt = (first_us + round(i * span_us / last) for i in range(last + 1))
        return all(abs(a - b) <= _TOLERANCE_US for a, b in zip(rebuilt, times, strict=True))

    def _close(self) -> MeasurementFrame:
        samples, self._pending = self._pending, []
        first_us = samples[0].device_us
        overrun = samples[0].overrun
        frame = MeasurementFrame(
            sequence=(self.sequence - len(samples)) % _SEQUENCE_TURN,
            time_us=first_us % _CLOCK_TURN_US,
            span_us=samples[-1].device_us - first_us,
            counts=tuple(sample.count for sample in samples),
            saturated=any(sample.saturated for sample in samples),
            overrun=overrun,
            gap_before=overrun or self._gap_before,
            low_battery=self.low_battery,
        )
        self._gap_before = False
        return frame
