"""What a simulated sensor feels, sample by sample: the seam between the physics and the virtual radio.

A source is pulled: `read(n)` gives the next n conversions with the device time of each, so that whoever
serves them decides whether they go out in real or in accelerated time.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.sim.sensor import COUNT_MAX, COUNT_MIN, NEWTON_PER_COUNT, Conversions

__all__ = ["NEWTON_PER_COUNT", "Conversions", "SampleSource", "TraceSource"]

_GAP_INTERVALS = 2.5
"""An interval of more median intervals than this is a gap; two make a sensor that skips one sample."""


class SampleSource(Protocol):
    """Something a simulated sensor can sample."""

    @property
    def newton_per_count(self) -> float:
        """Nominal span, as the sensor's own calibration record states it."""

    @property
    def zero_count(self) -> int:
        """Nominal count with the band slack, as the sensor's own calibration record states it."""

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate."""

    def set_rate(self, rate_hz: float) -> None:
        """Sample at another nominal rate from here on; a recording keeps its own times and ignores this."""

    def read(self, n: int) -> Conversions:
        """The next n conversions; fewer, in the end none, only when the source has ended."""


class TraceSource:
    """Plays a recorded force trace as if the sensor felt it: every sample, at the recording's own times.

    `(counts − zero_count) · newton_per_count`, rounded to the decimals the recording was printed with (up to
    three), is the recorded value exactly.

    Args:
        time_s: float[n], strictly increasing; the first sample becomes device time 0.
        tension_n: float[n], newtons.

    Raises:
        DataError: shapes differ, there is no sample, or times are not finite or do not increase by at least
            1 µs.
    """

    def __init__(
        self,
        time_s: ArrayLike,
        tension_n: ArrayLike,
        *,
        newton_per_count: float = NEWTON_PER_COUNT,
        zero_count: int = 0,
    ) -> None:
        time = np.asarray(time_s, dtype=np.float64)
        tension = np.asarray(tension_n, dtype=np.float64)
        if time.ndim != 1 or time.shape != tension.shape or not time.size:
            raise DataError(f"a trace needs as many tensions as times, got {time.shape} and {tension.shape}")
        if not (np.isfinite(time).all() and np.isfinite(tension).all()):
            raise DataError("a trace must hold finite times and tensions only")
        device_time_us = np.rint((time - time[0]) * 1e6).astype(np.int64)
        interval_us = np.diff(device_time_us)
        if (interval_us <= 0).any():
            raise DataError("the times of a trace must increase by at least 1 µs; sort it or drop duplicates")
        ideal = np.rint(tension / newton_per_count) + zero_count
        counts = np.clip(ideal, COUNT_MIN, COUNT_MAX)
        gap_before = np.zeros(time.size, dtype=np.bool_)
        if interval_us.size:
            gap_before[1:] = interval_us > _GAP_INTERVALS * np.median(interval_us)
        self._conversions = Conversions(
            device_time_us,
            counts.astype(np.int32),
            (ideal >= COUNT_MAX) | (ideal <= COUNT_MIN),
            gap_before,
        )
        self._next = 0
        self._newton_per_count = newton_per_count
        self._zero_count = zero_count
        self._rate_hz = 1e6 / float(np.median(interval_us)) if interval_us.size else 80.0

    @property
    def newton_per_count(self) -> float:
        """Newtons per count."""
        return self._newton_per_count

    @property
    def zero_count(self) -> int:
        """Count at no tension."""
        return self._zero_count

    @property
    def rate_hz(self) -> float:
        """The recording's own median rate."""
        return self._rate_hz

    def set_rate(self, rate_hz: float) -> None:
        """Nothing: a recording keeps its own times."""

    def read(self, n: int) -> Conversions:
        """The next n samples of the recording; fewer at its end."""
        start = self._next
        self._next = min(start + n, len(self._conversions))
        return self._conversions.slice(start, self._next)
