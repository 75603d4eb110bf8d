"""The latest samples and marks of a stream, in constant memory, found by sample number."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

import numpy as np

from bandsense.samples import BoolArray, FloatArray
from bandsense.signal.peaks import LOOKED_AT, resolution_n, sample_noise_n

__all__ = ["FlagRanges", "RingBuffer", "Samples"]


RATES: Final = 16
"""Samples are found by their ticks over so many changes of the rate."""


class RingBuffer:
    """At least the latest samples, as many as there is room for: none at first."""

    def __init__(self) -> None:
        self._capacity = 0
        self._values = np.empty(0)
        self._size = 0
        self._first = 0

    def grow(self, capacity: int) -> None:
        """Make room for so many, if there is less."""
        if capacity > self._capacity:
            values = np.empty(2 * capacity)
            values[: self._size] = self._values[: self._size]
            self._capacity, self._values = capacity, values

    def append(self, values: FloatArray) -> None:
        """Add samples, at most as many at once as there is room for."""
        n = values.size
        if self._size + n > self._values.size:
            # So many that they do not overlap where they come from: numpy would copy them twice.
            kept = self._capacity - n // 2
            drop = self._size - kept
            self._values[:kept] = self._values[drop : self._size]
            self._size, self._first = kept, self._first + drop
        self._values[self._size : self._size + n] = values
        self._size += n

    def between(self, first: int, last: int) -> FloatArray:
        """Return samples `first` to `last`, both included, as far as they are kept."""
        stop = min(self._size, last + 1 - self._first)
        return self._values[max(0, first - self._first) : max(0, stop)]


class FlagRanges:
    """Runs of marked samples: where the converter was saturated, where samples are missing."""

    def __init__(self) -> None:
        self._runs: deque[tuple[int, int]] = deque(maxlen=4096)

    def add(self, first: int, flags: BoolArray) -> None:
        """Take the flags of consecutive samples, the first of which has number `first`."""
        at = flags.nonzero()[0]
        if not at.size:
            return
        cuts = np.flatnonzero(np.diff(at) > 1) + 1
        for run in np.split(at + first, cuts):
            begin, end = int(run[0]), int(run[-1])
            if self._runs and self._runs[-1][1] + 1 == begin:
                begin = self._runs.pop()[0]
            self._runs.append((begin, end))

    def touch(self, first: int, last: int) -> bool:
        """Return whether any sample from `first` to `last` is marked."""
        return any(a <= last and b >= first for a, b in self._runs)


class Samples:
    """The samples of a stream that are remembered.

    Attributes:
        clean_n, clean_s: despiked tension and time of the latest; nothing before `use_rate`.
        saturated, gaps: those that are marked.
        rate_hz: how many a second now.
        step: how many make a tick now.
        resolution_n: step of a coarse converter, as far as it shows; 0 where none does.
        noise_n: standard deviation of a sample's noise, where `look_at` looked last; too large where samples
            lie far apart on a movement, and infinite before it looked.
    """

    def __init__(self) -> None:
        self.clean_n, self.clean_s = RingBuffer(), RingBuffer()
        self.saturated, self.gaps = FlagRanges(), FlagRanges()
        self.rate_hz, self.step = 0.0, 1
        self.resolution_n, self.noise_n = 0.0, inf
        self._rates: deque[tuple[int, int, int]] = deque(maxlen=RATES)

    def use_rate(self, rate_hz: float, tick_hz: float, capacity: int, *, sample: int, tick: int) -> None:
        """Go on at a rate from a sample on, which is that of the next tick.

        Args:
            rate_hz: samples a second.
            tick_hz: a tick is taken about so often a second.
            capacity: so many of the latest samples are kept at least.
            sample, tick: numbers of both; 0 at the start.
        """
        self.clean_n.grow(capacity)
        self.clean_s.grow(capacity)
        self.rate_hz, self.step = rate_hz, max(1, round(rate_hz / tick_hz))
        self._rates.append((tick, sample, self.step))

    def at_tick(self, tick: int) -> int:
        """Return the number of the sample that a tick was taken at."""
        at = len(self._rates) - 1
        while at and tick < self._rates[at][0]:
            at -= 1
        first_tick, first, step = self._rates[at]
        return first + (tick - first_tick) * step

    def until_tick(self, sample: int) -> int:
        """Return how many samples after this one the next tick is taken, at the present rate."""
        return (self._rates[-1][1] - sample) % self.step

    def look_at(self, first: int, last: int) -> None:
        """Read noise and the converter's step from samples `first` to `last`, and some before if few."""
        near_n = self.clean_n.between(min(first, last - LOOKED_AT), last)
        self.noise_n = sample_noise_n(near_n)
        found_n = resolution_n(near_n)
        if found_n is not None:
            self.resolution_n = found_n
