"""What tension has been lately: its lowest, highest and quietest, second by second.

From these follow the *swing* by which a movement must turn (`turning_points`), a small share of the range
kept above the noise, and the level that is slack, if any is. Noise is what second differences of neighbouring
ticks show in the quieter seconds; each second shares two ticks with the one before, so that no difference is
left out. Many seconds at once are worked out as arrays, bit for bit as one by one.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["Surroundings"]

SMALLEST_SWING_N: Final = 0.2
"""No sensor of this kind resolves a movement that is smaller."""

SWING_SHARE: Final = 0.05
SWING_NOISES: Final = 8.0
"""A swing is at least this share of the range and so many standard deviations of the noise."""

MANY_SECONDS: Final = 8
"""From so many seconds at once on, arrays are quicker than lists."""

LOWEST_S: Final = 60
HIGHEST_S: Final = 8
QUIETEST_S: Final = 40
"""Over how many of the latest seconds the lowest, highest and quietest are kept."""

USUAL_NOISE_N: Final = 0.2
"""Noise, smoothed, is what a quarter of the latest seconds do not exceed: the quietest of 40 has half of it,
by chance. More than this is rather quick movement, seen by a slow sensor: then that is all that is known."""

SECOND_DIFFERENCE: Final = 0.51
"""Standard deviation of white noise by the mean magnitude of its second differences: 1 / (√6 · √(2/π))."""


_Second: TypeAlias = tuple[float, float, float]
"""`lowest_n`, `noise_n` and `swing_n` with one second more."""


class Surroundings:
    """What tension has been lately: its lowest, highest and quietest, second by second.

    Attributes:
        lowest_n: lowest tension of the last 60 s.
        noise_n: noise of the smoothed trace that an eighth of the last 40 s do not exceed.
        swing_n: the hysteresis δ.
        gain: what the low-pass leaves of the standard deviation of white noise.
    """

    def __init__(self, tick_hz: float, gain: float) -> None:
        self._ticks_a_second = max(1, round(tick_hz))
        self._shared = 2 if self._ticks_a_second > 2 else 0
        self.gain = gain
        self._lows: deque[float] = deque(maxlen=LOWEST_S)
        self._highs: deque[float] = deque(maxlen=HIGHEST_S)
        self._noises: deque[float] = deque(maxlen=QUIETEST_S)
        self._quietest: list[float] = []
        self._smooth_n: list[float] = []
        self._clean_n: list[float] = []
        self.lowest_n = self._lowest_n = math.inf
        self.noise_n = math.inf
        self.swing_n = math.inf

    def go_on(self, tick_hz: float, gain: float) -> None:
        """Go on with another number of ticks a second, after another low-pass; a second begins anew."""
        share = gain / self.gain
        self._noises = deque((share * noise_n for noise_n in self._noises), maxlen=QUIETEST_S)
        self._quietest = [share * noise_n for noise_n in self._quietest]
        self.noise_n *= share
        self.gain = gain
        self._ticks_a_second = max(1, round(tick_hz))
        self._shared = 2 if self._ticks_a_second > 2 else 0
        self._smooth_n, self._clean_n = [], []

    @property
    def missing(self) -> int:
        """So many ticks more until there is a second to take."""
        return self._ticks_a_second - len(self._smooth_n)

    @property
    def step(self) -> int:
        """So many ticks from second to second: each shares its first two with the one before."""
        return self._ticks_a_second - self._shared

    def seconds(self, smooth_n: FloatArray, clean_n: FloatArray) -> Iterator[_Second]:
        """Add ticks, and give the seconds that they complete, to be taken one by one."""
        length, step = self._ticks_a_second, self.step
        count = (len(self._smooth_n) + smooth_n.size - self._shared) // step
        if count >= MANY_SECONDS:
            smooth_n = np.concatenate((self._smooth_n, smooth_n))
            clean_n = np.concatenate((self._clean_n, clean_n))
            rest = slice(count * step, None)
            self._smooth_n, self._clean_n = smooth_n[rest].tolist(), clean_n[rest].tolist()
            return self._many(smooth_n, clean_n, count)
        smooths_n, cleans_n = self._smooth_n, self._clean_n
        smooths_n += smooth_n.tolist()
        cleans_n += clean_n.tolist()
        if count <= 0:
            return iter(())
        self._smooth_n, self._clean_n = smooths_n[count * step :], cleans_n[count * step :]
        parts = (slice(i, i + length) for i in range(0, count * step, step))
        return (self._one(smooths_n[part], cleans_n[part]) for part in parts)

    def take(self, second: _Second) -> None:
        """Go on to the next second."""
        self.lowest_n, self.noise_n, self.swing_n = second

    def _one(self, smooth_n: Sequence[float], clean_n: Sequence[float]) -> _Second:
        """Work the figures out with one second more."""
        lows, low_n = self._lows, min(smooth_n)
        leaving_n = lows[0] if len(lows) == LOWEST_S else math.inf
        lows.append(low_n)
        self._highs.append(max(smooth_n))
        noise_n = usual_n = 0.0
        if len(clean_n) > 2:
            noise_n, usual_n = self._noise(
                SECOND_DIFFERENCE * self.gain * _bend(clean_n) / (len(clean_n) - 2)
            )
        # Only where the lowest leaves are all others to be asked.
        self._lowest_n = min(self._lowest_n, low_n) if leaving_n > self._lowest_n else min(lows)
        lowest_n = self._lowest_n
        swing_n = max(SMALLEST_SWING_N, SWING_SHARE * (max(self._highs) - lowest_n), SWING_NOISES * usual_n)
        return lowest_n, noise_n, swing_n

    def _many(self, smooth_n: FloatArray, clean_n: FloatArray, count: int) -> Iterator[_Second]:
        """Work them out with many seconds more, bit for bit as one by one."""
        length, step = self._ticks_a_second, self.step
        rows = _rows(smooth_n, count, length, step)
        lowest_n = _latest(self._lows, rows.min(axis=1), math.inf).min(axis=1)
        highest_n = _latest(self._highs, rows.max(axis=1), -math.inf).max(axis=1)
        self._lowest_n = float(lowest_n[-1])
        noise_n = usual_n = np.zeros(count)
        if length > 2:
            bends_n = np.abs(clean_n[:-2] - 2.0 * clean_n[1:-1] + clean_n[2:])
            rows = _rows(bends_n, count, length - 2, step)
            # A running sum adds one after the other; a plain one would add in pairs.
            sums_n = np.add.accumulate(rows, axis=1)[:, -1]
            known = np.minimum(len(self._noises) + np.arange(1, count + 1), QUIETEST_S)
            ordered = _latest(self._noises, SECOND_DIFFERENCE * self.gain * sums_n / (length - 2), math.inf)
            ordered = np.sort(ordered, axis=1)
            self._quietest = sorted(self._noises)
            at = np.arange(count)
            noise_n, usual_n = ordered[at, known // 8], ordered[at, known // 4]
            usual_n = np.minimum(usual_n, np.maximum(ordered[:, 0], USUAL_NOISE_N))
        swing_n = np.maximum(SWING_SHARE * (highest_n - lowest_n), SWING_NOISES * usual_n)
        swing_n = np.maximum(swing_n, SMALLEST_SWING_N)
        return zip(lowest_n.tolist(), noise_n.tolist(), swing_n.tolist(), strict=True)

    def _noise(self, second_n: float) -> tuple[float, float]:
        """Take the noise of one second more; return that of the quiet ones, and what it usually is."""
        noises, quietest = self._noises, self._quietest
        if len(noises) == QUIETEST_S:
            del quietest[bisect_left(quietest, noises[0])]
        noises.append(second_n)
        insort(quietest, second_n)
        return quietest[len(quietest) // 8], min(
            quietest[len(quietest) // 4], max(quietest[0], USUAL_NOISE_N)
        )


def _bend(clean_n: Sequence[float]) -> float:
    """Sum up the magnitudes of second differences."""
    total, a, b = 0.0, clean_n[0], clean_n[1]
    for c in islice(clean_n, 2, None):
        total += abs(a - 2.0 * b + c)
        a, b = b, c
    return total


def _rows(values: FloatArray, count: int, length: int, step: int) -> FloatArray:
    """View float64[n], n ≥ (count − 1)·step + length, as rows that begin `step` values apart.

    As `sliding_window_view` does, at a thirtieth of the cost.
    """
    return np.ndarray((count, length), np.float64, values, 0, (8 * step, 8))


def _latest(kept: deque[float], values: FloatArray, before: float) -> FloatArray:
    """Give for each of these values as many of the latest as are kept, as rows, and keep them as well.

    Where there are not so many, `before` stands for those that are missing.
    """
    most = kept.maxlen or 1
    known = np.concatenate((np.full(most - 1, before), kept, values))[-most + 1 - values.size :]
    kept.extend(values[-most:].tolist())
    return _rows(known, values.size, most, 1)
