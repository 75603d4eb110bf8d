"""Where a repetition begins, holds, turns and ends: 10 % and 90 % crossings of its own rise and fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["Boundaries", "Edge", "locate", "rising_edge"]

LOW, HIGH = 0.1, 0.9
"""Parts of the rise or fall whose crossings are the boundaries."""

FOOT = 0.38
"""Below this part of the rise a standstill is before the pull, above it is a pause within. Whatever is higher
and earlier than the last time below it is not of this repetition."""

STILL_S = 0.25
STILL_PART = 0.025
"""Tension that changes by less than this part of the rise in this time stands still."""

VALLEY_S = 0.5
"""The valley is the lowest point of so long a stretch next to the movement."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A rise from its valley: times of the 10 % and 90 % crossings, and tension in the valley."""

    low_s: float
    high_s: float
    valley_n: float


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The four boundaries in seconds; the peak and the two valleys they are measured from, in newtons."""

    pull_start: float
    hold_start: float
    return_start: float
    end: float
    peak_time: float
    peak_n: float
    start_n: float
    end_n: float


def locate(
    time_s: FloatArray, tension_n: FloatArray, expected_end_n: float = np.inf, peak: int | None = None
) -> Boundaries:
    """Boundaries of the one repetition in a stretch that reaches from before its pull to after its return.

    The fall is a rise read backwards: hold start is the first crossing of 90 % of the rise and pull start the
    last crossing of 10 % before it, return start the last crossing of 90 % of the fall and end the first
    crossing of 10 % after it. So double peaks and pauses lie inside, bounces at the bottom outside.

    Args:
        time_s: float64[n], increasing, n ≥ 1.
        tension_n: float64[n].
        expected_end_n: tension the return is expected to reach, where the stretch ends before it does.
        peak: where the peak is, if not at the greatest tension.
    """
    if peak is None:
        peak = int(tension_n.argmax())
    rise = rising_edge(time_s[: peak + 1], tension_n[: peak + 1])
    fall = rising_edge(time_s[peak:][::-1], tension_n[peak:][::-1], expected_end_n)
    return Boundaries(
        rise.low_s,
        rise.high_s,
        fall.high_s,
        fall.low_s,
        float(time_s[peak]),
        float(tension_n[peak]),
        rise.valley_n,
        fall.valley_n,
    )


def rising_edge(time_s: FloatArray, tension_n: FloatArray, valley_n: float = np.inf) -> Edge:
    """The rise to the last sample, which is the peak.

    Args:
        time_s: float64[n], monotone either way, n ≥ 1.
        tension_n: float64[n].
        valley_n: a lower valley than the samples show.
    """
    bottom = int(tension_n.argmin())
    top_n = float(tension_n[-1])
    foot = _last_below(tension_n, bottom, top_n - (1.0 - FOOT) * (top_n - float(tension_n[bottom])))
    bottom = _valley(time_s, tension_n, bottom, foot)
    valley_n = min(valley_n, float(tension_n[bottom]))
    rise_n = top_n - valley_n
    high = foot + int((tension_n[foot:] >= valley_n + HIGH * rise_n).argmax())
    low = _last_below(tension_n[: high + 1], bottom, valley_n + LOW * rise_n) + 1
    return Edge(
        _crossing(time_s, tension_n, low, valley_n + LOW * rise_n),
        _crossing(time_s, tension_n, high, valley_n + HIGH * rise_n),
        valley_n,
    )


def _last_below(tension_n: FloatArray, first: int, level_n: float) -> int:
    """Last sample below a level, from `first` on; `first` if there is none."""
    below = (tension_n[first:] < level_n).nonzero()[0]
    return first + int(below[-1]) if below.size else first


def _valley(time_s: FloatArray, tension_n: FloatArray, bottom: int, foot: int) -> int:
    """The valley right before the rise: since its lowest point the band may have been taken up and held."""
    if foot == bottom:
        return bottom
    step_s = abs(float(time_s[-1] - time_s[0])) / (time_s.size - 1)
    width = max(1, round(STILL_S / step_s))
    if foot - bottom <= width:
        return bottom
    rise_n = float(tension_n[-1] - tension_n[bottom])
    moved_n = np.abs(tension_n[bottom + width : foot + 1] - tension_n[bottom : foot + 1 - width])
    still = (moved_n < STILL_PART * rise_n).nonzero()[0]
    if not still.size:
        return bottom
    last = bottom + width + int(still[-1])
    first = max(bottom, last - max(width, round(VALLEY_S / step_s)))
    return first + int(tension_n[first : last + 1].argmin())


def _crossing(time_s: FloatArray, tension_n: FloatArray, at: int, level_n: float) -> float:
    """Time at which tension crosses a level between samples `at` − 1 and `at`, by linear interpolation."""
    if at < 1 or at >= time_s.size:
        return float(time_s[min(at, time_s.size - 1)])
    before_n, after_n = float(tension_n[at - 1]), float(tension_n[at])
    if before_n == after_n:
        return float(time_s[at])
    share = min(1.0, max(0.0, (level_n - before_n) / (after_n - before_n)))
    return float(time_s[at - 1]) + share * float(time_s[at] - time_s[at - 1])
