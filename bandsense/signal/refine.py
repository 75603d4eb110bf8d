"""Exact boundaries after the fact: the same repetitions on a trace filtered forwards and backwards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import signal

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import Boundaries, measure
from bandsense.signal.events import Rep
from bandsense.signal.filters import LARGEST_SHARE, Despiker
from bandsense.signal.ranges import PARTIAL_BELOW, range_fractions, range_is_unsure

__all__ = ["refine"]

ZERO_PHASE_HZ = 15.0
"""Corner of each of the two passes. Tremor belongs to the tension and may stay."""

HOLE_INTERVALS = 1.5
"""A longer step between samples is bridged by a straight line, for the filter alone."""

LONGEST_BRIDGE_S = 1.0
"""After a longer hole the trace starts anew, as it does for the streaming detector."""

ENOUGH_HZ = 80.0
"""What the low-pass leaves needs no more samples a second; above, neighbours are averaged first."""

LEAD_S = 3.0
"""How far before and after a repetition its valleys are looked for."""

PEAK_MARGIN_S = 0.1
"""The peak may lie this far outside the repetition as the streaming detector saw it."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Part of a trace without long holes."""

    time_s: list[float]
    smooth_n: list[float]


def refine(time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], rate_hz: float) -> tuple[Rep, ...]:
    """Measure the repetitions' boundaries, peaks and ranges again from the whole trace.

    Args:
        time_s, tension_n: the trace, float64[n].
        reps: repetitions as the streaming detector saw them, in order.
        rate_hz: sample rate.
    """
    if not reps:
        return ()
    stretches = list(_stretches(time_s, Despiker.at(rate_hz).clean_whole(tension_n), rate_hz))
    found = [_located(_holding(stretches, rep.peak_time_s), reps, i) for i, rep in enumerate(reps)]
    fractions = range_fractions(
        [b.peak_n for b in found], [min(b.start_n, b.end_n) for b in found], [rep.begins_set for rep in reps]
    )
    return tuple(_rewritten(*row) for row in zip(reps, found, fractions, strict=True))


def _stretches(time_s: FloatArray, clean_n: FloatArray, rate_hz: float) -> Iterator[_Stretch]:
    interval_s = time_s[1:] - time_s[:-1]
    even = bool(interval_s.max() <= HOLE_INTERVALS / rate_hz)
    cuts = [0, *(np.flatnonzero(interval_s > LONGEST_BRIDGE_S) + 1).tolist(), time_s.size]
    step = max(1, int(rate_hz / ENOUGH_HZ))
    corner_hz = min(ZERO_PHASE_HZ, LARGEST_SHARE * rate_hz)
    sections = signal.butter(2, corner_hz, fs=rate_hz / step, output="sos")
    for first, last in pairwise(cuts):
        at, values = time_s[first:last], clean_n[first:last]
        if not even:
            grid = np.arange(at[0], at[-1] + 0.5 / rate_hz, 1.0 / rate_hz)
            at, values = grid, np.interp(grid, at, values)
        if step > 1 and at.size >= step:
            whole = at.size // step * step
            at = 0.5 * (at[:whole:step] + at[step - 1 : whole : step])
            values = np.add.reduce([values[i:whole:step] for i in range(step)]) / step
        smooth = signal.sosfiltfilt(sections, values, padlen=min(at.size - 1, round(rate_hz / step)))
        yield _Stretch(at.tolist(), smooth.tolist())


def _holding(stretches: Sequence[_Stretch], time_s: float) -> _Stretch:
    """Return the stretch that a time lies in, or the nearest."""
    return min(stretches, key=lambda s: max(s.time_s[0] - time_s, time_s - s.time_s[-1], 0.0))


def _located(stretch: _Stretch, reps: Sequence[Rep], i: int) -> Boundaries:
    """Measure one repetition between the lowest points that part it from its neighbours."""
    rep = reps[i]
    before_s, after_s = rep.pull_start_s - LEAD_S, rep.end_s + LEAD_S
    if i:
        before_s = max(before_s, reps[i - 1].peak_time_s)
    if i + 1 < len(reps):
        after_s = min(after_s, reps[i + 1].peak_time_s)
    time_s, smooth_n = stretch.time_s, stretch.smooth_n
    first = bisect_left(time_s, rep.pull_start_s - PEAK_MARGIN_S, hi=len(time_s) - 1)
    last = bisect_left(time_s, rep.end_s + PEAK_MARGIN_S, lo=first, hi=len(time_s) - 1)
    peak = _highest(smooth_n, first, last)
    start = _lowest(smooth_n, min(bisect_left(time_s, before_s), peak), peak)
    stop = _lowest(smooth_n, peak, max(bisect_left(time_s, after_s) - 1, peak))
    return measure(time_s, smooth_n, start, peak, stop)


def _highest(values: Sequence[float], first: int, last: int) -> int:
    part = values[first : last + 1]
    return first + part.index(max(part))


def _lowest(values: Sequence[float], first: int, last: int) -> int:
    part = values[first : last + 1]
    return first + part.index(min(part))


def _rewritten(rep: Rep, b: Boundaries, fraction: float) -> Rep:
    return replace(
        rep,
        pull_start_s=b.pull_start_s,
        hold_start_s=b.hold_start_s,
        return_start_s=b.return_start_s,
        end_s=b.end_s,
        peak_time_s=b.peak_time_s,
        peak_n=max(b.peak_n, rep.peak_n),
        start_n=b.start_n,
        end_n=b.end_n,
        range_fraction=fraction,
        partial=fraction < PARTIAL_BELOW,
        unsure=range_is_unsure(fraction),
    )
