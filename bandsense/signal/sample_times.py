"""When samples were taken, where the times that come with them are those of their arrival.

A sensor takes its samples evenly. The times that come with them are not always its own: eight samples may
carry the time at which their notification arrived, each time may be early or late by tens of milliseconds, or
they are written in tenths of a second. Then the number of a sample tells better when it was taken than its
time does, and the times tell only the rate:

    even        steps are alike, but where samples are missing      times stay as they are, to the last bit
    uneven      times stray about those of an even row              each sample gets its time in that row
    irregular   times wander off from any even row                  times stay: a scale that tells as it likes

Batches show in most steps being far shorter than their mean. Otherwise *straying* is told from *wandering* by
the residuals of the regression of times on numbers: where each time is off on its own they scatter by 1/√2 of
what the steps do; where the steps themselves are off they add up, as a random walk, to √(n/15) of it.

The even row is followed by a loop of second order, which corrects phase and period (Gardner, Phaselock
Techniques): slow enough that no batch bends it. A time beyond it by more than batches explain follows a
hole, and the row begins anew.

An even stream costs a look at its least and greatest step. A step that is not like the others opens a
*watch*: the times from there on are gathered and judged, at fixed numbers of them, so that it does not matter
how the stream is cut into blocks. So a rate that changes in mid-stream is found as well. Only a stream that
begins uneven is held back until it can be judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Final

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["RATE_SAMPLES", "Release", "SampleTimes", "even_times"]

RATE_SAMPLES: Final = 13
"""Samples at the start of a stream on which its rate is measured: the median of their steps, which a few odd
ones do not move."""

ALIKE: Final = 0.35
ALIKE_SHARE: Final = 0.8
"""Steps are alike if this share of them is within so much of their median."""
ODD_BELOW: Final = 0.5
ODD_ABOVE: Final = 1.5
"""A step that is shorter or longer than so many periods opens a watch."""

SHORTEST_S: Final = 4e-4
"""No converter of a force is so quick: such steps are those within a batch."""
QUICK_S: Final = 2.5e-3
"""Few converters are so quick: where a stream begins with such steps and a long one, it is held back."""
SLOW_S: Final = 0.04
"""Samples that come so slowly come one by one, and a stream that begins with them is not held back."""

SOON: Final = 16
"""A watch may end after so many steps if they are alike."""
ENOUGH: Final = 48
"""It may end after so many if they are those of batches; others take twice as many, and four times as many
where they come slowly."""
MOST: Final = 6144
"""It ends after so many, whatever they are."""

JUMP_SHARE: Final = 0.5
"""A step of at least this share of the third longest may be one from batch to batch."""
JUMPS: Final = 4
"""Batches are known by so many of those, if the third longest is longer than the mean."""
HOLE: Final = 2.5
"""A step that is so many times as long as it should be is a hole, and not counted."""
SPARSE: Final = 3.0
"""A row so many times as long as its steps let expect has batches in it rather than holes."""
BATCHED: Final = 0.4
"""In batches most steps are shorter than this part of their mean."""
STRAYS: Final = 1.05
"""Times stray, and do not wander, if residuals scatter by less than so many times what steps do."""
STRAYS_ROUNDED: Final = 0.8
"""The same where steps are whole multiples of one: rounded times, or a good clock with samples missing."""
WHOLE: Final = 0.1
WHOLE_SHARE: Final = 0.95
"""Steps are whole multiples of their median if this share of them is as near to one as that."""
OFF: Final = 2.0
"""The period is off by at most so many standard deviations of the residuals, over the length of the row."""
SURE: Final = 0.16
"""It is known well enough once that is less than this part of it."""

HOLE_S: Final = 0.15
HOLE_JUMPS: Final = 1.5
"""A time that is late for the even row by more than this and so many batches follows a hole, unless as many
samples come at once: then they were late."""
LONG_HOLE_S: Final = 1.0
"""A time that is as late as this follows a hole, whatever comes."""
QUICK_PER_S: Final = 0.5
"""Angular frequency of the loop, radians a second, at most."""
SLOW: Final = 0.05
"""And how far it may turn from batch to batch, radians."""
FARTHEST: Final = 0.2
"""The period of the even row stays within this share of what was judged; one that is further off is another
rate."""
LEAST_STEP: Final = 0.001
"""No time follows the one before it by less than this part of a period."""


class _Kind(Enum):
    EVEN = auto()
    UNEVEN = auto()
    IRREGULAR = auto()


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a row of times is.

    Attributes:
        kind: which of the three.
        period_s: from sample to sample.
        batch_s: from batch to batch, where it is uneven.
        unsure: part by which the period may be another.
    """

    kind: _Kind
    period_s: float
    batch_s: float = 0.0
    unsure: float = 0.0


def _alike(steps_s: FloatArray) -> tuple[float, float]:
    """Return the median of steps, and the share of them that is like it."""
    median_s = float(np.median(steps_s))
    return median_s, float(np.count_nonzero(np.abs(steps_s - median_s) <= ALIKE * median_s)) / steps_s.size


def _judge(time_s: FloatArray, *, last: bool) -> _Judged | None:
    """Judge a row of times; None while more of them are needed, at the last look whatever they are."""
    steps_s = time_s[1:] - time_s[:-1]
    count = steps_s.size
    median_s, share = _alike(steps_s)
    if median_s > SHORTEST_S:
        if last and count < ENOUGH:
            return _Judged(_Kind.IRREGULAR, median_s)
        long = int(np.count_nonzero(steps_s > HOLE * median_s))
        # Of steps within batches most are alike as well.
        batched = long > 1 and float(steps_s.sum()) > SPARSE * count * median_s
        if share >= ALIKE_SHARE and (not batched or (count >= 3 * ENOUGH and long < JUMPS)):
            return _Judged(_Kind.EVEN, median_s)
    if not last and count < ENOUGH:
        return None
    return _uneven(steps_s, median_s, last=last)


def _uneven(steps_s: FloatArray, median_s: float, *, last: bool) -> _Judged | None:
    """Judge steps that are not alike."""
    third_s = float(np.sort(steps_s)[-3:].min())
    whole = steps_s <= max(HOLE * third_s, HOLE_S)
    mean_s = float(steps_s[whole].sum()) / max(1, int(np.count_nonzero(whole)))
    jumps = np.flatnonzero((steps_s >= JUMP_SHARE * third_s) & whole)
    if not last and (jumps.size < JUMPS or third_s <= mean_s):
        return None
    if jumps.size >= JUMPS:
        # From jump to jump, so that a part of a batch at either end does not count.
        counted = np.arange(jumps[0] + 1, jumps[-1] + 1)
        counted = counted[whole[counted]]
    else:
        counted = np.flatnonzero(whole)
    period_s = float(steps_s[counted].sum()) / max(1, counted.size)
    if period_s <= 0.0:
        return None
    without_holes_s = np.where(whole, steps_s, period_s)
    off_s = _off_s(without_holes_s)
    if median_s > BATCHED * mean_s:
        if not last and steps_s.size < (4 if median_s > SLOW_S else 2) * ENOUGH:
            return None
        strays = STRAYS_ROUNDED if _whole_numbers(steps_s / median_s) else STRAYS
        if off_s > strays * float(without_holes_s.std()):
            return _Judged(_Kind.IRREGULAR, median_s)
    unsure = OFF * off_s / float(without_holes_s.sum())
    if unsure > SURE and not last:
        return None
    return _Judged(_Kind.UNEVEN, period_s, float(np.median(steps_s[jumps])), unsure)


def _whole_numbers(ratios: FloatArray) -> bool:
    """Return whether nearly all are whole numbers: steps of a good clock, of which some are missing."""
    nearest = np.maximum(np.rint(ratios), 1.0)
    return bool(np.count_nonzero(np.abs(ratios - nearest) <= WHOLE) >= WHOLE_SHARE * ratios.size)


def _off_s(steps_s: FloatArray) -> float:
    """Return the standard deviation of times with these steps about those of an even row."""
    at_s = np.cumsum(steps_s)
    number = np.arange(at_s.size) - 0.5 * (at_s.size - 1)
    off_s = at_s - at_s.mean()
    off_s -= number * float(number @ off_s) / float(number @ number)
    return float(off_s.std())


@dataclass(frozen=True, slots=True)
class Release:
    """The next samples, of those that were pushed.

    Attributes:
        time_s: when they were taken.
        rate_hz: the rate from the first of them on, where it is another than before; 0 where it is not.
        batch_s: seconds between batches, where times are evened from the first of them on, and for the first
            time; 0 otherwise.
        known_s: when that was known.
    """

    time_s: FloatArray
    rate_hz: float = 0.0
    batch_s: float = 0.0
    known_s: float = 0.0


class _EvenRow:
    """An even row of times, which follows those that stray about it.

    Attributes:
        batch_s: seconds between batches.

    Args:
        before_s: time of the sample before the next.
        period_s: from sample to sample.
        batch_s: seconds between batches.
    """

    def __init__(self, before_s: float, period_s: float, batch_s: float) -> None:
        self.batch_s = batch_s
        self._line_s, self._now_s, self._period_s = before_s, period_s, period_s
        self._longest_s = max(HOLE_S, HOLE * period_s) + HOLE_JUMPS * batch_s
        self._owed_s = 0.0
        turn = min(QUICK_PER_S, SLOW / batch_s) * period_s
        self._phase_gain, self._period_gain = 2.0 * turn, turn * turn

    def next_s(self, given_s: float) -> float:
        """Return the time of the next sample, which came with a time."""
        self._line_s += self._now_s
        off_s = given_s - self._line_s
        if self._owed_s > 0.0:
            self._owed_s -= self._now_s
        if off_s <= self._longest_s:
            self._owed_s = max(self._owed_s, 0.0)
            self._line_s += self._phase_gain * off_s
            near_s = FARTHEST * self._period_s
            now_s = self._now_s + self._period_gain * off_s
            self._now_s = min(max(now_s, self._period_s - near_s), self._period_s + near_s)
        elif self._owed_s == 0.0 and off_s < LONG_HOLE_S:
            self._owed_s = off_s
        elif self._owed_s <= 0.0 or off_s >= LONG_HOLE_S:
            self._line_s = given_s - 0.5 * self.batch_s
            self._now_s, self._owed_s = self._period_s, 0.0
        return self._line_s


class SampleTimes:
    """Gives the samples of one stream the times at which they were taken.

    Attributes:
        kept: whether all times so far stayed as they are.
    """

    def __init__(self) -> None:
        self.kept = True
        self._starting = True
        self._watching = True
        self._gathered: list[float] = []
        self._until = RATE_SAMPLES
        self._row: _EvenRow | None = None
        self._raw_s = self._out_s = -inf
        self._period_s = 0.0
        self._least_s, self._most_s = 0.0, inf
        self._news_hz = self._news_s = 0.0

    def even(self, first_s: float, last_s: float, lowest_s: float, highest_s: float) -> bool:
        """Take samples whose times may stay, and return whether they do; else they are to be pushed.

        Args:
            first_s, last_s: times of the first and the last of them.
            lowest_s, highest_s: no step between them is less or greater.
        """
        if self._watching or self._news_hz:
            return False
        step_s, least_s, most_s = first_s - self._raw_s, self._least_s, self._most_s
        if step_s < least_s or lowest_s < least_s or step_s > most_s or highest_s > most_s:
            return False
        self._raw_s = self._out_s = last_s
        return True

    def push(self, time_s: FloatArray) -> list[Release]:
        """Take times that do not decrease, and give those of the next samples that are known."""
        released: list[Release] = []
        start = 0
        while start < time_s.size:
            if not self._watching:
                stop = start + self._first_odd(time_s[start:])
                if stop > start:
                    self._raw_s = self._out_s = float(time_s[stop - 1])
                    self._release(released, time_s[start:stop])
                if stop < time_s.size:
                    self._watch([self._raw_s], SOON)
                start = stop
                continue
            stop = min(time_s.size, start + self._until - len(self._gathered))
            part_s = time_s[start:stop]
            self._gathered += part_s.tolist()
            self._raw_s = self._gathered[-1]
            if not self._starting:
                self._release(released, self._timed(part_s))
            if len(self._gathered) == self._until:
                self._look(released, last=self._until >= MOST)
            start = stop
        return released

    def finish(self) -> list[Release]:
        """Give what is left of a stream that ended before it was judged."""
        released: list[Release] = []
        if self._starting and self._gathered:
            self._look(released, last=True)
        return released

    def _release(self, released: list[Release], time_s: FloatArray) -> None:
        released.append(Release(time_s, self._news_hz, self._news_s, float(time_s[0])))
        self._news_hz = self._news_s = 0.0

    def _first_odd(self, time_s: FloatArray) -> int:
        """Return how many times come before the first step that is not like the others."""
        steps_s = np.diff(time_s, prepend=self._raw_s)
        odd = (steps_s < self._least_s) | (steps_s > self._most_s)
        return int(odd.argmax()) if odd.any() else time_s.size

    def _watch(self, gathered: list[float], until: int) -> None:
        self._watching, self._gathered, self._until = True, gathered, until

    def _look(self, released: list[Release], *, last: bool) -> None:
        """Judge what was gathered, and go on accordingly."""
        time_s = np.array(self._gathered)
        judged = _begun(time_s) if self._starting and time_s.size == RATE_SAMPLES else None
        if judged is None and time_s.size > 2 and (time_s.size > RATE_SAMPLES or last):
            judged = _judge(time_s, last=last)
        if judged is None and not last:
            self._until = ENOUGH + 1 if self._until <= ENOUGH else min(2 * self._until, MOST)
            return
        if judged is None:
            # All at one time: there is nothing to tell a rate by.
            judged = _Judged(_Kind.IRREGULAR, self._period_s or SHORTEST_S)
        if self._row is not None or judged.kind is _Kind.UNEVEN:
            self._go_evenly(judged, time_s)
        else:
            self._go_as_given(judged)
        if self._starting:
            # Whoever takes these measures the rate on them.
            self._starting, self._news_hz = False, 0.0
            released.append(Release(self._timed(time_s), batch_s=self._news_s, known_s=self._raw_s))
            self._news_s = 0.0

    def _go_as_given(self, judged: _Judged) -> None:
        """Let times stay as they are; the watch is over."""
        self._watching, self._gathered = False, []
        other = abs(judged.period_s - self._period_s) > ALIKE * self._period_s
        if self._starting or (other and judged.kind is _Kind.EVEN):
            self._period_s, self._news_hz = judged.period_s, 1.0 / judged.period_s
            self._least_s, self._most_s = ODD_BELOW * judged.period_s, ODD_ABOVE * judged.period_s

    def _go_evenly(self, judged: _Judged, time_s: FloatArray) -> None:
        """Follow an even row through the times that were gathered, and gather on: the rate may change."""
        period_s = judged.period_s
        other = abs(period_s - self._period_s) > (FARTHEST + judged.unsure) * self._period_s
        if self._row is None or (other and judged.kind is not _Kind.IRREGULAR):
            batch_s = max(judged.batch_s, period_s)
            if self._row is None:
                self._news_s = batch_s
            # The row that lies in the middle of the latest times.
            lately_s = time_s[-4 * ENOUGH :]
            before_s = float(np.median(lately_s + np.arange(lately_s.size - 1, -1, -1) * period_s))
            before_s -= time_s.size * period_s if self._starting else 0.0
            self._row = _EvenRow(before_s, period_s, batch_s)
            self._period_s, self._news_hz = period_s, 1.0 / period_s if other else 0.0
        self._watch([], 2 * ENOUGH + 1)

    def _timed(self, time_s: FloatArray) -> FloatArray:
        """Return times as they are given on: as they are, or evened; each later than the one before."""
        row = self._row
        if row is None and np.diff(time_s, prepend=self._out_s).min() >= LEAST_STEP * self._period_s:
            self._out_s = float(time_s[-1])
            return time_s
        self.kept = False
        times_s: list[float] = time_s.tolist()
        for i, given_s in enumerate(times_s):
            now_s = given_s if row is None else row.next_s(given_s)
            self._out_s = times_s[i] = max(now_s, self._out_s + LEAST_STEP * self._period_s)
        return np.array(times_s)


def _begun(time_s: FloatArray) -> _Judged | None:
    """Judge the first few times of a stream; None where they are not even."""
    median_s, share = _alike(time_s[1:] - time_s[:-1])
    if median_s <= SHORTEST_S or (share < ALIKE_SHARE and median_s < SLOW_S):
        return None
    if median_s < QUICK_S and time_s[-1] - time_s[0] > SPARSE * median_s * time_s.size:
        return None
    return _Judged(_Kind.EVEN, median_s)


def even_times(time_s: FloatArray) -> FloatArray:
    """Return times at which the samples of a whole stream were taken.

    Args:
        time_s: float64[n], not decreasing.
    """
    times = SampleTimes()
    released = [*times.push(time_s), *times.finish()]
    return time_s if times.kept else np.concatenate([each.time_s for each in released])
