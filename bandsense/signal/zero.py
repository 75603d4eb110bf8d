"""The zero of the sensor, and how it may be tracked while nothing pulls."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bandsense.samples import FloatArray

__all__ = ["TAUT_N", "ZeroTracker"]

TAUT_N = 5.0
"""Tension that the old zero showed beyond which the band may have been taut as a new one was set: no zero is
often so far off. A handle and a carabiner on a sensor show 2 to 5 N, and would be asked about in vain."""

STILL_N_PER_S: Final = 0.2
STILL_S: Final = 1.0
STRAY_N: Final = 0.625
"""The zero moves only while tension changes by less than this for so long, and no sample strays by more from
a straight line."""

NEAR_N: Final = 2.5
RATE_N_PER_S: Final = 0.05
LARGEST_N: Final = 10.0
"""And only if tension is within this of zero, no quicker than this, and no further than this in all: priors,
after what legal metrology asks of zero tracking in scales, for a full scale of 500 N."""


class ZeroTracker:
    """Follows a drifting zero while nothing pulls, within bounds, and never when the band starts stretched.

    Time is cut into windows of `STILL_S`. After a window without gap in which tension stood still near zero,
    the correction moves towards it. Samples are corrected by what earlier windows said, so that the result
    does not depend on how the stream is cut into blocks.

    Args:
        pre_stretched: the person declared that the band is stretched at the start position. Standing
            pretension looks like a drifted zero, so nothing is tracked.
    """

    def __init__(self, *, pre_stretched: bool = False) -> None:
        self._pre_stretched = pre_stretched
        self._correction_n = 0.0
        self._window_s: list[FloatArray] = []
        self._window_n: list[FloatArray] = []

    @property
    def correction_n(self) -> float:
        """What is subtracted now, newtons."""
        return self._correction_n

    def push(
        self, time_s: ArrayLike, tension_n: ArrayLike, gap_before: ArrayLike | None = None
    ) -> FloatArray:
        """Tension with the tracked zero taken off.

        Args:
            time_s: float64[n], increasing over all calls.
            tension_n: float64[n], newtons by the calibration and the last tare.
            gap_before: bool[n]; a gap begins a new window.
        """
        tension = np.asarray(tension_n, dtype=np.float64)
        if self._pre_stretched:
            return tension.copy()
        time = np.asarray(time_s, dtype=np.float64)
        gaps = np.flatnonzero(gap_before).tolist() if gap_before is not None else []
        corrected = np.empty_like(tension)
        for start, stop in pairwise(sorted({0, *gaps, time.size})):
            if start in gaps:
                self._restart()
            self._push_whole(time[start:stop], tension[start:stop], corrected[start:stop])
        return corrected

    def _push_whole(self, time: FloatArray, tension: FloatArray, corrected: FloatArray) -> None:
        """Process samples without a gap, window by window; fill `corrected`."""
        start = 0
        while start < time.size:
            first_s = float(self._window_s[0][0]) if self._window_s else float(time[start])
            stop = start + int(np.searchsorted(time[start:], first_s + STILL_S))
            if stop == start:
                self._close_window(float(time[start]) - first_s)
                continue
            self._window_s.append(time[start:stop].copy())
            self._window_n.append(tension[start:stop].copy())
            np.subtract(tension[start:stop], self._correction_n, out=corrected[start:stop])
            start = stop

    def tared(self) -> None:
        """Forget the correction: the zero was set anew."""
        self._correction_n = 0.0
        self._restart()

    def _restart(self) -> None:
        self._window_s.clear()
        self._window_n.clear()

    def _close_window(self, lasted_s: float) -> None:
        time, tension = np.concatenate(self._window_s), np.concatenate(self._window_n)
        self._restart()
        offset_n = float(tension.mean()) - self._correction_n
        if abs(offset_n) < NEAR_N and _still(time, tension):
            step_n = RATE_N_PER_S * lasted_s
            moved_n = self._correction_n + min(max(offset_n, -step_n), step_n)
            self._correction_n = min(max(moved_n, -LARGEST_N), LARGEST_N)


def _still(time: FloatArray, tension: FloatArray) -> bool:
    """Return whether neither the slope over a window nor anything within it shows movement."""
    if time.size < 4:
        return False
    since = time - time.mean()
    slope = float(since @ tension) / float(since @ since)
    scatter = np.abs(tension - tension.mean() - slope * since)
    return abs(slope) < STILL_N_PER_S and float(scatter.max()) < STRAY_N
