"""Where a repetition begins, holds, turns and ends: 10 % and 90 % crossings of its own rise and fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["Boundaries", "locate"]

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The four boundaries in seconds, and the peak and two valleys they are measured from, in newtons."""

    pull_start: float
    hold_start: float
    return_start: float
    end: float
    peak_time: float
    peak_n: float
    start_n: float
    end_n: float


def locate(time_s: FloatArray, tension_n: FloatArray) -> Boundaries:
    """Boundaries of the one repetition in a stretch that reaches from its valley before to its valley after.

    The rise is measured from the lowest point before the peak, the fall to the lowest point after it. Hold start is
    the first crossing of 90 % of the rise and pull start the last crossing of 10 % before it; return start is
    the last crossing of 90 % of the fall and end the first crossing of 10 % after it. So a double peak or a
    pause lies inside, and a bounce at the bottom outside.

    Args:
        time_s: float64[n], increasing, n ≥ 1.
        tension_n: float64[n].
    """
    peak = int(tension_n.argmax())
    top = float(tension_n[peak])
    bottom = int(tension_n[: peak + 1].argmin())
    after = peak + int(tension_n[peak:].argmin())
    start_n, end_n = float(tension_n[bottom]), float(tension_n[after])
    rise, fall = top - start_n, top - end_n
    hold = bottom + int((tension_n[bottom : peak + 1] >= start_n + HIGH * rise).argmax())
    below = np.flatnonzero(tension_n[bottom:hold] < start_n + LOW * rise)
    pull = bottom + int(below[-1]) + 1 if below.size else bottom
    above = np.flatnonzero(tension_n[peak : after + 1] >= end_n + HIGH * fall)
    turn = peak + int(above[-1])
    end = turn + int((tension_n[turn : after + 1] <= end_n + LOW * fall).argmax())
    return Boundaries(
        pull_start=_crossing(time_s, tension_n, pull, start_n + LOW * rise),
        hold_start=_crossing(time_s, tension_n, hold, start_n + HIGH * rise),
        return_start=_crossing(time_s, tension_n, turn + 1, end_n + HIGH * fall),
        end=_crossing(time_s, tension_n, end, end_n + LOW * fall),
        peak_time=float(time_s[peak]),
        peak_n=top,
        start_n=start_n,
        end_n=end_n,
    )


def _crossing(time_s: FloatArray, tension_n: FloatArray, after: int, level_n: float) -> float:
    """Time at which tension crosses a level between samples `after` − 1 and `after`, by linear interpolation."""
    if after < 1 or after >= time_s.size:
        return float(time_s[min(after, time_s.size - 1)])
    before_n, after_n = float(tension_n[after - 1]), float(tension_n[after])
    if before_n == after_n:
        return float(time_s[after])
    share = min(1.0, max(0.0, (level_n - before_n) / (after_n - before_n)))
    return float(time_s[after - 1]) + share * float(time_s[after] - time_s[after - 1])
