"""The latest part of a trace, kept for as long as a set may need it."""

from __future__ import annotations

from collections import deque

import numpy as np

from bandsense.samples import FloatArray
from bandsense.signal.detector import HISTORY_S

__all__ = ["IDLE_S", "LEAD_S", "TraceBuffer"]

LEAD_S = 10.0
"""How much of the rest before a set belongs to its trace."""

IDLE_S = LEAD_S + HISTORY_S
"""How much is kept while no set is under way: a repetition may be told, or added, for as long as that."""

_HOLE_S = 1.0
"""A hole counts as no longer than this: what lies before it may still belong to a repetition."""


class TraceBuffer:
    """Time and two values of each sample: reading and tension.

    While a set is under way nothing is forgotten: 24 bytes a sample, 7 MB an hour at 80 Hz.
    """

    def __init__(self) -> None:
        self._parts: deque[tuple[FloatArray, FloatArray, FloatArray, float]] = deque()
        self._last_s: float | None = None
        self._length_s = 0.0

    def append(self, time_s: FloatArray, readings: FloatArray, tension_n: FloatArray) -> None:
        """Take the next samples."""
        if not time_s.size:
            return
        first_s = float(time_s[0]) if self._last_s is None else self._last_s
        self._length_s += float(np.minimum(np.diff(time_s, prepend=first_s), _HOLE_S).sum())
        self._last_s = float(time_s[-1])
        self._parts.append((time_s, readings, tension_n, self._length_s))

    def keep_last(self, length_s: float) -> None:
        """Drop what lies wholly before so much of the trace, holes left out."""
        while self._parts and self._parts[0][3] < self._length_s - length_s:
            self._parts.popleft()

    def between(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return times, readings and tensions of the samples from start to end, both included."""
        parts = [part[:3] for part in self._parts if part[0][-1] >= start_s and part[0][0] <= end_s]
        if not parts:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        time_s, readings, tension_n = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        kept = slice(int(np.searchsorted(time_s, start_s)), int(np.searchsorted(time_s, end_s, side="right")))
        return time_s[kept], readings[kept], tension_n[kept]
