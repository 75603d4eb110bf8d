"""The latest samples and marks of a stream, in constant memory, found by sample number."""

from __future__ import annotations

from collections import deque

import numpy as np

from bandsense.samples import BoolArray, FloatArray

__all__ = ["History", "Marks"]


class History:
    """Rows of samples that belong together (time, tension, …); at least the latest `capacity` are kept."""

    def __init__(self, rows: int, capacity: int) -> None:
        self._capacity = capacity
        self._data = np.empty((rows, 2 * capacity))
        self._size = 0
        self._first = 0

    def append(self, *rows: FloatArray) -> None:
        """Add samples, at most `capacity` at once."""
        n = rows[0].size
        if self._size + n > self._data.shape[1]:
            drop = self._size - self._capacity
            self._data[:, : self._capacity] = self._data[:, drop : self._size]
            self._size, self._first = self._capacity, self._first + drop
        for row, values in zip(self._data, rows, strict=True):
            row[self._size : self._size + n] = values
        self._size += n

    def between(self, first: int, last: int) -> FloatArray:
        """Samples `first` to `last`, both included, as far as they are kept: float64[rows, n]."""
        return self._data[:, max(0, first - self._first) : max(0, last + 1 - self._first)]


class Marks:
    """Runs of marked samples: where the converter was saturated, where samples are missing."""

    def __init__(self) -> None:
        self._runs: deque[tuple[int, int]] = deque(maxlen=4096)

    def add(self, first: int, flags: BoolArray) -> None:
        """Take the flags of consecutive samples, the first of which has number `first`."""
        at = np.flatnonzero(flags)
        if not at.size:
            return
        cuts = np.flatnonzero(np.diff(at) > 1) + 1
        for run in np.split(at + first, cuts):
            self._extend(int(run[0]), int(run[-1]))

    def _extend(self, first: int, last: int) -> None:
        if self._runs and self._runs[-1][1] + 1 == first:
            first = self._runs.pop()[0]
        self._runs.append((first, last))

    def touch(self, first: int, last: int) -> bool:
        """Whether any sample from `first` to `last` is marked."""
        return any(a <= last and b >= first for a, b in self._runs)
