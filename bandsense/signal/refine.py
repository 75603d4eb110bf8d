"""Exact boundaries after the fact: the same repetitions on a trace filtered forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Final, TypeAlias, cast

import numpy as np
from scipy import signal

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import (
    APART_S,
    HIGH,
    NEAR,
    SLOW_PART,
    STILL_PART,
    STILL_S,
    Boundaries,
    between,
)
from bandsense.signal.events import Rep
from bandsense.signal.filters import LARGEST_SHARE, Despiker
from bandsense.signal.peaks import Peak, estimate_peak, resolution_n, sample_noise_n
from bandsense.signal.ranges import PARTIAL_BELOW, range_fractions, range_is_unsure

__all__ = ["refine"]

ZERO_PHASE_HZ: Final = 15.0
"""Corner of each of the two passes. Tremor belongs to the tension and may stay."""

HOLE_INTERVALS: Final = 1.5
"""A longer step between samples is bridged by a straight line, for the filter alone."""

LONGEST_BRIDGE_S: Final = 1.0
"""After a longer hole the trace starts anew, as it does for the streaming detector."""

ENOUGH_HZ: Final = 80.0
"""What the low-pass leaves needs no more samples a second; above, neighbours are averaged first."""

LEAD_S: Final = 3.0
"""How far before and after a repetition its valleys are looked for."""

LONGEST_RETURN_S: Final = 30.0
"""A return that was taken for over before its end is followed for so long."""

RISEN_PART: Final = 0.1
"""Tension that rises again by more than this part of the pull is no longer of the same return."""

HALF_PART: Final = 0.7
"""A second top belongs to the same repetition if tension came back by less than this part of the pull."""

PEAK_MARGIN_S: Final = 0.1
"""The peak may lie this far outside the repetition as the streaming detector saw it, but no nearer to the top
of another one."""

SAME_TOP_S: Final = 0.15
SAME_TOP_SAMPLES: Final = 3
"""So far around a top, and so many samples at least, the samples are of it; further away is another one."""

_Stretch: TypeAlias = tuple[FloatArray, FloatArray]
"""Times and tensions of a part of a trace without long holes."""


def refine(time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], rate_hz: float) -> tuple[Rep, ...]:
    """Measure the repetitions' boundaries and ranges again from the whole trace.

    A peak stays as it was seen, from the samples: the low-pass overshoots where a pull stops quickly. Only
    where the whole trace shows a higher top elsewhere in the repetition is that one measured in its place.

    Args:
        time_s, tension_n: the trace, float64[n].
        reps: repetitions as the streaming detector saw them, in order.
        rate_hz: sample rate.
    """
    if not reps:
        return ()
    clean_n = Despiker.at(rate_hz).clean_whole(tension_n)
    stretches = list(_stretches(time_s, clean_n, rate_hz))
    tops_s = [rep.peak_time_s for rep in reps]
    apart = [True, *(_apart(*pair) for pair in pairwise(reps)), True]
    found = [
        _located(*_holding(stretches, rep.peak_time_s), rep, before_s, after_s, *parted)
        for rep, before_s, after_s, parted in zip(
            reps, [-inf, *tops_s], [*tops_s[1:], inf], pairwise(apart), strict=False
        )
    ]
    fractions = range_fractions(
        [b.peak_n for b in found], [min(b.start_n, b.end_n) for b in found], [rep.begins_set for rep in reps]
    )
    peaks = _peaks(time_s, clean_n, reps, found, rate_hz)
    return tuple(_rewritten(*row) for row in zip(reps, found, peaks, fractions, strict=True))


def _stretches(time_s: FloatArray, clean_n: FloatArray, rate_hz: float) -> Iterator[_Stretch]:
    """Give times and tensions of the parts without long holes, filtered without phase."""
    interval_s = time_s[1:] - time_s[:-1]
    longest_s = float(interval_s.max())
    even, cuts = longest_s <= HOLE_INTERVALS / rate_hz, [0, time_s.size]
    if longest_s > LONGEST_BRIDGE_S:
        cuts[1:1] = (np.flatnonzero(interval_s > LONGEST_BRIDGE_S) + 1).tolist()
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
            mean = values[:whole:step].copy()
            for i in range(1, step):
                mean += values[i:whole:step]
            mean /= step
            values = mean
        smooth = signal.sosfiltfilt(sections, values, padlen=min(at.size - 1, round(rate_hz / step)))
        yield at, smooth


def _holding(stretches: Sequence[_Stretch], time_s: float) -> _Stretch:
    """Return the stretch that a time lies in, or the nearest."""
    if len(stretches) == 1:
        return stretches[0]
    return min(stretches, key=lambda s: max(s[0][0] - time_s, time_s - s[0][-1], 0.0))


def _apart(rep: Rep, after: Rep) -> bool:
    return after.begins_set or after.pull_start_s - rep.end_s > max(APART_S, rep.duration_s)


def _located(
    time_s: FloatArray,
    smooth_n: FloatArray,
    rep: Rep,
    top_before_s: float,
    top_after_s: float,
    first_one: bool,
    last_one: bool,
) -> Boundaries:
    """Measure one repetition between the lowest points that part it from its neighbours."""
    before_s = max(rep.pull_start_s - LEAD_S, top_before_s)
    # A slow return ends slowest of all, and what lets a single one down lies beyond.
    return_s = rep.end_s - rep.return_start_s if first_one and last_one else 0.0
    after_s = min(rep.end_s + max(LEAD_S, return_s), top_after_s)
    first_s = max(
        rep.pull_start_s - PEAK_MARGIN_S, min(rep.pull_start_s, 0.5 * (top_before_s + rep.peak_time_s))
    )
    last_s = min(rep.end_s + PEAK_MARGIN_S, max(rep.end_s, 0.5 * (rep.peak_time_s + top_after_s)))
    farthest_s = min(rep.end_s + LONGEST_RETURN_S, top_after_s)
    near_s = (before_s, first_s, last_s, after_s, farthest_s)
    earliest, first, last, latest, farthest = time_s.searchsorted(near_s).tolist()
    first = min(first, time_s.size - 1)
    peak = first + int(smooth_n[first : last + 1].argmax())
    start = min(earliest, peak)
    start += int(smooth_n[start : peak + 1].argmin())
    if rep.peak_n - rep.end_n < HALF_PART * (rep.peak_n - rep.start_n):
        peak = _highest(smooth_n, start, peak, farthest)
        latest = max(latest, int(time_s.searchsorted(min(time_s[peak] + LEAD_S, top_after_s))))
    stop = peak + int(smooth_n[peak : max(latest, peak + 1)].argmin())
    if last_one:
        stop = _put_down(time_s, smooth_n, start, peak, stop, rep.end_n)
    found = _between(time_s, smooth_n, start, peak, stop, first_one, last_one)
    back = _returned(smooth_n, stop, farthest, found)
    if back is None:
        return found
    latest = int(time_s.searchsorted(min(time_s[back] + LEAD_S, top_after_s)))
    stop = back + int(smooth_n[back : max(latest, back + 1)].argmin())
    return _between(time_s, smooth_n, start, peak, stop, first_one, last_one)


def _put_down(
    time_s: FloatArray, smooth_n: FloatArray, start: int, peak: int, stop: int, valley_n: float
) -> int:
    """Find where tension first stays in the valley that the streaming detector saw, before it is let down.

    Looked at from afar, a slow return and the way down after a short stay are one movement.

    Returns:
        Its index; `stop` where tension does not stay there, or the pull did not begin as high.
    """
    way_n = smooth_n[peak : stop + 1]
    rise_n = float(way_n[0]) - valley_n
    low = np.flatnonzero(way_n < valley_n - SLOW_PART * rise_n)
    if not low.size or abs(valley_n - float(smooth_n[start])) > NEAR * rise_n:
        return stop
    near_n = valley_n + STILL_PART * rise_n
    come = int((way_n <= near_n).argmax())
    fell = come - int(np.flatnonzero(way_n[:come] >= valley_n + HIGH * rise_n)[-1])
    stayed = int(low[0]) - come
    if stayed < (SLOW_PART + STILL_PART) / HIGH * fell or stayed * (time_s[1] - time_s[0]) < STILL_S:
        return stop
    return peak + int((way_n <= valley_n).argmax())


def _between(
    time_s: FloatArray,
    smooth_n: FloatArray,
    start: int,
    peak: int,
    stop: int,
    taken_up: bool,
    let_down: bool,
) -> Boundaries:
    part = slice(start, stop + 1)
    # Of the times only a few are asked for, and a view gives them as plain numbers.
    times_s = cast("Sequence[float]", time_s.data[part])
    return between(
        times_s,
        smooth_n[part].tolist(),
        0,
        peak - start,
        stop - start,
        taken_up=taken_up,
        let_down=let_down,
    )


def _highest(smooth_n: FloatArray, start: int, peak: int, farthest: int) -> int:
    """Find the highest top that tension comes to from a peak without coming back most of the way.

    Who pulls again after half a return makes one repetition with two tops. `farthest` is the top of the next.
    """
    run_n = smooth_n[peak:farthest]
    if run_n.size < 2:
        return peak
    below = np.flatnonzero(run_n < smooth_n[peak] - HALF_PART * (smooth_n[peak] - smooth_n[start]))
    stop = int(below[0]) if below.size else int(run_n.argmin())
    return peak + int(run_n[: stop + 1].argmax())


def _returned(smooth_n: FloatArray, stop: int, farthest: int, found: Boundaries) -> int | None:
    """Find where a return goes on to that was taken for over at `stop`, high above the start of the pull.

    Returns:
        Index of the first sample near the level that the pull began at; None where tension was there before,
        does not come there before `farthest`, or rises in between.
    """
    rise_n = found.peak_n - found.start_n
    back_n = found.start_n + NEAR * rise_n
    if smooth_n[stop] <= back_n:
        return None
    rest_n = smooth_n[stop:farthest]
    near = np.flatnonzero(rest_n <= back_n)
    if not near.size:
        return None
    way_n = rest_n[: near[0] + 1]
    risen_n = float((way_n - np.minimum.accumulate(way_n)).max())
    return stop + int(near[0]) if risen_n <= RISEN_PART * rise_n else None


def _peaks(
    time_s: FloatArray, clean_n: FloatArray, reps: Sequence[Rep], found: Sequence[Boundaries], rate_hz: float
) -> list[Peak]:
    """Give the peaks as seen, and in place of some that of another top, higher by more than their doubt."""
    near_s = max(SAME_TOP_S, SAME_TOP_SAMPLES / rate_hz)
    peaks = [Peak(rep.peak_n, rep.peak_uncertainty_n) for rep in reps]
    others = [
        i
        for i, (rep, b) in enumerate(zip(reps, found, strict=True))
        if abs(b.peak_time_s - rep.peak_time_s) > near_s
        and b.peak_n - rep.peak_n > 2.0 * rep.peak_uncertainty_n  # Never where that is not known.
    ]
    if others:
        noise_n, step_n = sample_noise_n(clean_n), resolution_n(clean_n) or 0.0
    for i in others:
        b = found[i]
        first, last = time_s.searchsorted((b.peak_time_s - near_s, b.peak_time_s + near_s)).tolist()
        if last - first >= SAME_TOP_SAMPLES:  # else they are missing
            peaks[i] = estimate_peak(clean_n[first:last], b.peak_n - b.start_n, noise_n, step_n)
    return peaks


def _rewritten(rep: Rep, b: Boundaries, peak: Peak, fraction: float) -> Rep:
    return replace(
        rep,
        **b._replace(peak_n=peak.tension_n)._asdict(),
        peak_uncertainty_n=peak.uncertainty_n,
        range_fraction=fraction,
        partial=fraction < PARTIAL_BELOW,
        unsure=range_is_unsure(fraction),
    )
