"""Where a repetition begins, holds, turns and ends: 10 % and 90 % crossings of its own rise and fall.

Works on plain lists: repetitions are short, and walking along one is quicker than a dozen array operations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

__all__ = [
    "APART_S",
    "FLANK",
    "HIGH",
    "LOW",
    "NEAR",
    "VALLEY_S",
    "Boundaries",
    "between",
    "crossing_s",
    "measure",
]

LOW: Final = 0.1
HIGH: Final = 0.9
FLANK: Final = HIGH - LOW
"""Parts of the rise or fall whose crossings are the boundaries, and the part that lies between them."""

FOOT: Final = 0.38
"""Whatever is higher and earlier than the last time below this part of the rise is not of this repetition."""

NEAR: Final = 0.15
"""A standstill beside the movement is its valley up to this part of the rise above the higher of the lowest
points on both sides; further up it is a pause within the pull or the return."""

STILL_S: Final = 0.25
STILL_SHARE: Final = 0.1
STILL_PART: Final = 0.025
"""Tension that changes by less than this part of the rise in this time, or in this share of the time that the
whole rise would take at its pace in the middle, stands still: a slow return is no standstill."""

STAY_S: Final = 0.6
"""Beside a lone repetition no standstill needs to last longer than this, with as much less change: after a
slow return the band may be let down within a second."""

MIDDLE: Final = 0.7
"""The pace in the middle is measured from `FOOT` to this part of the rise."""

SLOW_PART: Final = 0.05
QUICKER: Final = 2.0
"""Where tension changes by less than the first part in `STILL_S`, and further out by more than that and so
many times as much, something else moves it there: the band is taken up or let down."""

APART_S: Final = 10.0
"""Between repetitions that are further apart the band may have been put down."""

VALLEY_S: Final = 0.5
"""The valley is the lowest point of so long a stretch next to the movement."""


class Boundaries(NamedTuple):
    """The four boundaries in seconds; the peak and the two valleys they are measured from, in newtons.

    Fields have the names and the order that they have in `Rep`.
    """

    pull_start_s: float
    hold_start_s: float
    return_start_s: float
    end_s: float
    peak_time_s: float
    peak_n: float
    start_n: float
    end_n: float


def measure(
    time_s: Sequence[float],
    tension_n: list[float],
    first: int,
    peak: int,
    last: int,
    expected_end_n: float = math.inf,
    *,
    alone: bool = False,
) -> Boundaries:
    """Boundaries of the repetition that has its peak at index `peak` and lies within `first` to `last`.

    The fall is a rise read backwards: hold start is the first crossing of 90 % of the rise and pull start the
    last crossing of 10 % before it, return start the last crossing of 90 % of the fall and end the first
    crossing of 10 % after it. So double peaks and pauses lie inside, bounces at the bottom outside.

    Args:
        time_s: increasing.
        tension_n: as long as `time_s`.
        first, peak, last: indices, first ≤ peak ≤ last.
        expected_end_n: tension the return is expected to reach, where the stretch ends before it does.
        alone: no other repetition tells where the valley is.
    """
    before_n, after_n = tension_n[first : peak + 1], tension_n[peak : last + 1]
    start, end = first + before_n.index(min(before_n)), peak + after_n.index(min(after_n))
    return between(time_s, tension_n, start, peak, end, expected_end_n, taken_up=alone, let_down=alone)


def between(
    time_s: Sequence[float],
    tension_n: list[float],
    start: int,
    peak: int,
    end: int,
    expected_end_n: float = math.inf,
    *,
    taken_up: bool = False,
    let_down: bool = False,
) -> Boundaries:
    """Do the same where the lowest points before and after the peak are known: indices `start` and `end`.

    Args:
        time_s, tension_n, start, peak, end, expected_end_n: see `measure`.
        taken_up: no repetition before it tells where the valley is.
        let_down: none after it does.
    """
    lowest = start, end
    before = _standing(time_s, tension_n, start, peak) if taken_up else []
    after = _standing(time_s, tension_n, end, peak) if let_down else []
    taut = _alike(tension_n, peak, [*before, start], [*after, end])
    if taut is not None and taut != lowest:
        start, end = taut
        # Where the lowest point after the peak is all there is, the return may still go on.
        expected_end_n = tension_n[start] if end == lowest[1] else math.inf
    valleys_n = max(tension_n[start], min(expected_end_n, tension_n[end]))
    paused_n = valleys_n + NEAR * (tension_n[peak] - valleys_n)
    pull_start_s, hold_start_s, start_n = _edge(
        time_s, tension_n, start, peak, paused_n, known=start != lowest[0]
    )
    end_s, return_start_s, end_n = _edge(
        time_s, tension_n, end, peak, paused_n, expected_end_n, known=end != lowest[1]
    )
    return Boundaries(
        pull_start_s, hold_start_s, return_start_s, end_s, time_s[peak], tension_n[peak], start_n, end_n
    )


def _edge(
    time_s: Sequence[float],
    tension_n: list[float],
    bottom: int,
    peak: int,
    paused_n: float,
    valley_n: float = math.inf,
    *,
    known: bool = False,
) -> tuple[float, float, float]:
    """Cut out the rise to the peak; where the bottom follows the peak, the fall read backwards.

    Args:
        time_s, tension_n: times and tensions.
        bottom, peak: indices of the lowest point of that side and of the peak.
        paused_n: a standstill from this tension on is a pause.
        valley_n: a lower valley than the samples show.
        known: the bottom is the valley.

    Returns:
        Times of its 10 % and 90 % crossings, and tension in its valley.
    """
    back = -1 if bottom <= peak else 1
    top_n = tension_n[peak]
    foot_n = top_n - (1.0 - FOOT) * (top_n - tension_n[bottom])
    foot = _first_below(tension_n, peak, bottom, max(foot_n, paused_n))
    middle = _first_from(tension_n, foot, peak, top_n - (1.0 - MIDDLE) * (top_n - tension_n[bottom]))
    still_s = max(STILL_S, STILL_SHARE * abs(time_s[middle] - time_s[foot]) / (MIDDLE - FOOT))
    below = _first_below(tension_n, foot, bottom, paused_n)
    if not known:
        bottom = _valley(time_s, tension_n, below, bottom, top_n, still_s)
    valley_n = min(valley_n, tension_n[bottom])
    high_n = valley_n + HIGH * (top_n - valley_n)
    low_n = valley_n + LOW * (top_n - valley_n)
    high = _first_from(tension_n, foot, peak, high_n)
    # Nothing between foot and peak is below the foot: 10 % is beyond it, unless the valley is as high.
    low = _first_below(tension_n, high if tension_n[foot] < low_n else foot, bottom, low_n)
    low_s = crossing_s(time_s, tension_n, low, low - back if low != peak else low, low_n)
    high_s = crossing_s(time_s, tension_n, high + back if high != bottom else high, high, high_n)
    return min(low_s, high_s) if back < 0 else max(low_s, high_s), high_s, valley_n


def _alike(
    tension_n: list[float], peak: int, before: Sequence[int], after: Sequence[int]
) -> tuple[int, int] | None:
    """Find where tension stood still at like levels before and after a peak: there the band was held taut.

    A pause within the pull or the return is on one side only, or at another level. The lowest point of each
    side, its last, stands for a standstill where the movement is all that is seen of that side.
    """
    for i in before:
        for j in after:
            higher_n = max(tension_n[i], tension_n[j])
            if abs(tension_n[i] - tension_n[j]) < NEAR * (tension_n[peak] - higher_n):
                return i, j
    return None


def _standing(time_s: Sequence[float], tension_n: list[float], bottom: int, peak: int) -> list[int]:
    """List where tension stands still before it comes most of the way up from the lowest point of a side.

    Of each standstill the place where it moves least, by the means of two halves of the time. Farthest first.
    """
    rise_n = tension_n[peak] - tension_n[bottom]
    first = _first_from(tension_n, bottom, peak, tension_n[bottom] + SLOW_PART * rise_n)
    last = _first_from(tension_n, first, peak, tension_n[bottom] + MIDDLE * rise_n)
    length = abs(last - first)
    if not length:
        return []
    way = 1 if peak > bottom else -1
    takes_s = abs(time_s[last] - time_s[first])
    paced_s = max(STILL_S, STILL_SHARE * takes_s / (MIDDLE - SLOW_PART))
    still_s = min(paced_s, STAY_S)
    half = max(1, round(0.5 * still_s * length / takes_s))
    # Between the middles of both halves lies half of the time.
    stay_n = half * 0.5 * STILL_PART * rise_n * still_s / paced_s
    sums_n = [0.0, *accumulate(tension_n[first : last + way : way])]
    found: list[int] = []
    least_n = stay_n
    for i in range(length - 2 * half + 1):
        change_n = abs(sums_n[i + 2 * half] - 2.0 * sums_n[i + half] + sums_n[i])
        if change_n >= stay_n:
            least_n = stay_n
        elif change_n < least_n:
            place = first + way * (i + half)
            if least_n == stay_n:
                found.append(place)
            found[-1] = place
            least_n = change_n
    return found


def _first_below(tension_n: list[float], start: int, stop: int, level_n: float) -> int:
    """First index from `start` towards `stop` at which tension is below a level; `stop` if there is none."""
    if start < stop:
        for i in range(start, stop):
            if tension_n[i] < level_n:
                return i
    else:
        for i in range(start, stop, -1):
            if tension_n[i] < level_n:
                return i
    return stop


def _first_from(tension_n: list[float], start: int, stop: int, level_n: float) -> int:
    """First index from `start` towards `stop` at which tension is at a level or above; `stop` likewise."""
    if start < stop:
        for i in range(start, stop):
            if tension_n[i] >= level_n:
                return i
    else:
        for i in range(start, stop, -1):
            if tension_n[i] >= level_n:
                return i
    return stop


def _valley(
    time_s: Sequence[float], tension_n: list[float], foot: int, bottom: int, top_n: float, still_s: float
) -> int:
    """Find the valley next to the rise: since its lowest point the band may have been taken up and held.

    It is where tension first stands still, or is slowest before something quicker moves it.
    """
    length = abs(foot - bottom)
    if not length:
        return bottom
    step_s = abs(time_s[foot] - time_s[bottom]) / length
    width = max(1, round(still_s / step_s))
    way = 1 if bottom > foot else -1
    rise_n = top_n - tension_n[bottom]
    slowest_n, slowest = math.inf, bottom
    for i in range(foot, bottom - way * width, way):
        change_n = abs(tension_n[i] - tension_n[i + way * width])
        if change_n < STILL_PART * rise_n:
            reach = min(max(2 * width, round(VALLEY_S / step_s)), abs(bottom - i))
            return min(range(i, i + way * (reach + 1), way), key=tension_n.__getitem__)
        if change_n < slowest_n:
            slowest_n, slowest = change_n, i
        elif slowest_n < SLOW_PART * rise_n < change_n and change_n > QUICKER * slowest_n:
            return slowest + way * (width // 2)
    return bottom


def crossing_s(time_s: Sequence[float], tension_n: list[float], a: int, b: int, level_n: float) -> float:
    """Return when tension crosses a level between two neighbouring samples, by linear interpolation."""
    from_n, to_n = tension_n[a], tension_n[b]
    if from_n == to_n:
        return time_s[b]
    share = (level_n - from_n) / (to_n - from_n)
    share = 0.0 if share < 0.0 else share if share < 1.0 else 1.0
    return time_s[a] + share * (time_s[b] - time_s[a])
