"""The latest part of a trace, kept for as long as a set may need it."""

from __future__ import annotations

from collections import deque

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["IDLE_S", "LEAD_S", "LONGEST_S", "TraceBuffer"]

LEAD_S = 10.0
"""How much of the rest before a set belongs to its trace."""

IDLE_S = LEAD_S + 35.0
"""How much is kept while no set is under way: the longest first repetition comes after the rest."""

LONGEST_S = 1800.0
"""How much is kept at most, and so the longest set; it bounds the memory."""


class TraceBuffer:
    """Time and two values of each sample: reading and tension."""

    def __init__(self) -> None:
        self._parts: deque[tuple[FloatArray, FloatArray, FloatArray]] = deque()

    def append(self, time_s: FloatArray, readings: FloatArray, tension_n: FloatArray) -> None:
        """Take the next samples."""
        self._parts.append((time_s, readings, tension_n))

    def forget_before(self, time_s: float) -> None:
        """Drop what lies wholly before this time."""
        while self._parts and self._parts[0][0][-1] < time_s:
            self._parts.popleft()

    def between(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return times, readings and tensions of the samples from start to end, both included."""
        parts = [part for part in self._parts if part[0][-1] >= start_s and part[0][0] <= end_s]
        if not parts:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        time_s, readings, tension_n = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        kept = slice(int(np.searchsorted(time_s, start_s)), int(np.searchsorted(time_s, end_s, side="right")))
        return time_s[kept], readings[kept], tension_n[kept]
