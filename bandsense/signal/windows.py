"""A stream cut into windows of a fixed number of samples, each described by a few figures.

The level of a window is its median, its scatter the standard deviation. Noise is what third differences of
neighbouring samples leave of movement (see `peaks.sample_noise_n`), a step what first differences do: white
noise shows alike in both, movement in the second only.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from math import inf, sqrt
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from bandsense.samples import BoolArray, FloatArray
from bandsense.signal.sample_times import RATE_SAMPLES

__all__ = ["LEAST_WINDOW", "Window", "Windows"]

WINDOW_S: Final = 0.25
LEAST_WINDOW: Final = 4
"""Length of a window, and its least number of samples."""

ENOUGH: Final = 20
"""Samples that tell level and noise of a window."""


class Window(NamedTuple):
    """A window in figures: seconds and newtons.

    Attributes:
        start_s, end_s: times of its first and its last sample.
        middle_n, scatter_n, lowest_n, highest_n: median, standard deviation and extremes.
        noise_n, step_n: standard deviation of white noise that has such third and such first differences.
        saturated: all samples are at the converter's end.
        known_s: time of the sample with which this was known: its last one, but for the first few of the
            stream.
    """

    start_s: float
    end_s: float
    middle_n: float
    scatter_n: float
    lowest_n: float
    highest_n: float
    noise_n: float
    step_n: float
    saturated: bool
    known_s: float


class Windows:
    """Cuts a stream into windows.

    Attributes:
        length: samples of each; 0 until the rate is known.
        longest_s: a window that takes longer has a gap inside.
    """

    def __init__(self) -> None:
        self.length = 0
        self.longest_s = 0.0
        self._known_s = -inf
        self._before = self._first = 0
        self._time_s: FloatArray = np.zeros(0)
        self._tension_n: FloatArray = np.zeros(0)
        self._saturated: BoolArray | None = None

    def push(
        self, time_s: FloatArray, tension_n: FloatArray, saturated: BoolArray | None
    ) -> Iterable[Window]:
        """Take samples, and give the windows that they complete.

        Args:
            time_s: float64[n], device time, increasing.
            tension_n: float64[n], newtons.
            saturated: bool[n]; True where the converter was at the end of its range.
        """
        self._before, n = self._time_s.size, time_s.size
        self._time_s = np.concatenate((self._time_s, time_s))
        self._tension_n = np.concatenate((self._tension_n, tension_n))
        if saturated is not None or self._saturated is not None:
            earlier = np.zeros(self._before, dtype=np.bool_) if self._saturated is None else self._saturated
            now = np.zeros(n, dtype=np.bool_) if saturated is None else saturated
            self._saturated = np.concatenate((earlier, now))
        self._first = 0
        if not self.length:
            if self._time_s.size < RATE_SAMPLES:
                return ()
            self._first = RATE_SAMPLES
            self._known_s = float(self._time_s[RATE_SAMPLES - 1])
            self._measure(float(np.median(np.diff(self._time_s[:RATE_SAMPLES]))))
        count = self._time_s.size // self.length
        return self._complete(count) if count else ()

    def taken(self, number: int) -> int:
        """Return how many of the latest samples it took to know a window; the first has number 1."""
        return max(number * self.length, self._first) - self._before

    def go_on(self, rate_hz: float) -> None:
        """Go on at another rate with the samples to come; a window begins anew."""
        self._measure(1.0 / rate_hz)
        self._time_s, self._tension_n, self._saturated = np.zeros(0), np.zeros(0), None

    def _measure(self, step_s: float) -> None:
        self.length = max(LEAST_WINDOW, round(WINDOW_S / step_s))
        self.longest_s = 2.0 * self.length * step_s

    def _complete(self, count: int) -> Iterable[Window]:
        """Take so many windows off, at least one, and describe them."""
        length = self.length
        size = count * length
        time_s, tension_n, full = self._time_s, self._tension_n, self._saturated
        self._time_s, self._tension_n = time_s[size:], tension_n[size:]
        if full is not None:
            self._saturated = full[size:] if full[size:].any() else None
        # At high rates a part of each window tells level and noise as well.
        stride = max(1, length // ENOUGH)
        if count == 1:
            figures = _figures_of_one(tension_n[:size].tolist(), stride)
            end_s = time_s.item(size - 1)
            saturated = full is not None and bool(full[:size].all())
            return [Window(time_s.item(0), end_s, *figures, saturated, max(end_s, self._known_s))]
        began_s, ended_s = time_s[:size:length].tolist(), time_s[length - 1 : size : length].tolist()
        rows = zip(
            began_s,
            ended_s,
            *_figures(tension_n[:size].reshape(count, length), stride),
            [False] * count if full is None else np.all(full[:size].reshape(count, length), axis=1).tolist(),
            ended_s if ended_s[0] >= self._known_s else [max(t, self._known_s) for t in ended_s],
            strict=True,
        )
        # A tuple's own constructor is called thousands of times an hour, at a third of the cost.
        return map(partial(tuple.__new__, Window), rows)


_Figures: TypeAlias = tuple[float, float, float, float, float, float]
"""From `middle_n` to `step_n` of a window."""


def _figures(tension: FloatArray, stride: int) -> list[list[float]]:
    """Work out the figures of the rows of float64[count, length], `count` at least 2, column by column."""
    length = tension.shape[1]
    ordered = tension[:, ::stride].copy()
    ordered.sort(axis=1)
    half = ordered.shape[1] // 2
    level = ordered[:, half] if ordered.shape[1] % 2 else 0.5 * (ordered[:, half - 1] + ordered[:, half])
    # Sums along the first axis add one after the other, as those of a single window do.
    values = np.ascontiguousarray(tension.T)
    some = values[:ENOUGH]
    steps = some[1:] - some[:-1]
    bend = steps
    for _ in range(2):
        bend = bend[1:] - bend[:-1]
    centred = values - np.add.reduce(values, axis=0) / length
    centred *= centred
    bend *= bend
    steps *= steps
    scatter = np.sqrt(np.add.reduce(centred, axis=0) / length)
    noise = np.sqrt(np.add.reduce(bend, axis=0) / (20.0 * bend.shape[0]))
    lowest, highest = np.minimum.reduce(values, axis=0), np.maximum.reduce(values, axis=0)
    step = np.sqrt(np.add.reduce(steps, axis=0) / (2.0 * steps.shape[0]))
    columns = (level, scatter, lowest, highest, noise, step)
    return [column.tolist() for column in columns]


def _figures_of_one(values: list[float], stride: int) -> _Figures:
    """Work out the same of one window, bit for bit: so short a row is quicker without arrays."""
    ordered = sorted(values[::stride])
    half = len(ordered) // 2
    level = ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])
    total = squares = bends = moves = 0.0
    for x in values:
        total += x
    mean = total / len(values)
    for x in values:
        squares += (x - mean) * (x - mean)
    some = values[:ENOUGH]
    step = bend = 0.0
    for i, (a, b) in enumerate(pairwise(some)):
        last_step, last_bend = step, bend
        step = b - a
        bend = step - last_step
        moves += step * step
        if i > 1:
            bends += (bend - last_bend) * (bend - last_bend)
    scatter, noise = sqrt(squares / len(values)), sqrt(bends / (20.0 * (len(some) - 3)))
    return level, scatter, min(values), max(values), noise, sqrt(moves / (2.0 * (len(some) - 1)))
