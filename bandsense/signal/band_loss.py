"""A band that snapped, slipped off or was dropped: tension lost faster than anyone lets go.

Looked for where tension stands still after a fall: if most of the fall of the half second before its lowest
point happened within 50 ms, and tension had been up for longer than a blow on the handle lasts, it was lost.
A quick return undoes at most half of its swing in that time. What comes up again at once was not lost: steps
and cars throw a sensor about as suddenly. Below about 16 samples a second nothing tells a loss from a return.
"""

from __future__ import annotations

from math import inf
from typing import Final

from bandsense.signal.history import Samples
from bandsense.signal.ticks import Ticks

__all__ = ["BandLoss"]

SUDDEN_S: Final = 0.05
SUDDEN_SHARE: Final = 0.7
"""A loss of this share within this time is not a person's doing."""

WINDOW_S: Final = 0.5
"""The loss lies in so much of the trace before its lowest point."""

BLOW_S: Final = 0.15
"""Tension was up for longer than this before it was lost."""

SMOOTH_SHARE: Final = 0.25
"""The low-pass and the ticks leave at least this share of such a loss between two ticks."""

STRADDLED_SHARE: Final = 0.9
"""Where only one interval fits in `SUDDEN_S`, two that hold nearly all of the loss are as sudden."""

LOWEST_RATE_HZ: Final = 16.0

LATE_INTERVALS: Final = 0.5
"""Samples further apart than they should by so many intervals do not tell how sudden a loss was."""

LOST_SHARE: Final = 0.5
"""Less than this share of the tension is not lost with a band: a jerk on a taut band is no loss."""

BACK_SHARE: Final = 0.35
"""A sensor that rings stands still above its lowest by up to this share of the loss."""

RANGE_SHARE: Final = 0.15
LEAST_N: Final = 3.0
LEAST_ALONE_N: Final = 12.0
"""Less than this share of the range, or than this, is not worth an alarm; without a set, in a car or in a
bag, a sensor is shaken as suddenly by more."""


class BandLoss:
    """Looks for losses in a stream.

    Args:
        ticks: the smoothed trace.
        samples: all samples.
    """

    def __init__(self, ticks: Ticks, samples: Samples) -> None:
        self._ticks, self._samples = ticks, samples
        self._gentle = -1  # The latest low point that tension did not fall to at once.

    def before(self, low_tick: int, low_n: float, still_n: float, range_n: float) -> float | None:
        """Time at which tension was lost, on the way to a low point; None if it was not.

        Args:
            low_tick, low_n: the low point after a fall.
            still_n: where it is now.
            range_n: range of the set, 0 if it is not known.
        """
        samples, ticks, tension_n = self._samples, self._ticks, self._ticks.tension_n
        if low_tick == self._gentle or samples.rate_hz < LOWEST_RATE_HZ:
            return None
        per_s = samples.rate_hz / samples.step
        low = ticks.index_of(low_tick)
        first = max(0, low - round(WINDOW_S * per_s))
        # The window may open in the middle of a fall, of which it would then see only a quick end.
        while first > 0 and tension_n[first - 1] > tension_n[first]:
            first -= 1
        window_n = tension_n[first : low + 1]
        if len(window_n) < 2:
            return None
        before_n = max(window_n)
        whole_n = before_n - low_n
        most_n = last_n = -inf
        for now_n in window_n:
            if last_n - now_n > most_n:
                most_n = last_n - now_n
            last_n = now_n
        if most_n < SMOOTH_SHARE * whole_n:
            self._gentle = low_tick
            return None
        least_n = max(LEAST_N, RANGE_SHARE * range_n) if range_n > 0.0 else LEAST_ALONE_N
        if whole_n < max(least_n, LOST_SHARE * before_n) or still_n > low_n + BACK_SHARE * whole_n:
            return None
        top = first + window_n.index(before_n)
        up = max(0, top - round(BLOW_S * per_s))
        if min(tension_n[up : top + 1]) < before_n - SUDDEN_SHARE * whole_n:
            return None
        if not self._sudden(first + ticks.dropped, low_tick, whole_n):
            return None
        held_n = before_n - (1.0 - SUDDEN_SHARE) * whole_n
        return next(ticks.time_s[i] for i in range(low, top - 1, -1) if tension_n[i] >= held_n)

    def _sudden(self, first: int, last: int, whole_n: float) -> bool:
        samples = self._samples
        span = samples.at_tick(first - 2), samples.at_tick(last)
        clean_n, clean_s = samples.clean_n.between(*span), samples.clean_s.between(*span)

        def fastest(width: int) -> float:
            if clean_n.size <= width:
                return 0.0
            lost_n = clean_n[:-width] - clean_n[width:]
            near = clean_s[width:] - clean_s[:-width] <= (width + LATE_INTERVALS) / samples.rate_hz
            return float((lost_n * near).max())

        width = max(1, round(SUDDEN_S * samples.rate_hz))
        if fastest(width) >= SUDDEN_SHARE * whole_n:
            return True
        return width == 1 and fastest(2) >= STRADDLED_SHARE * whole_n
