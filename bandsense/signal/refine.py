"""Exact boundaries after the fact: the same repetitions on a trace filtered forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import signal

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import locate
from bandsense.signal.config import DetectorConfig
from bandsense.signal.events import Rep
from bandsense.signal.filters import CONTEXT, LARGEST_SHARE, despike, spike_floor_n
from bandsense.signal.tracker import displacement, full_range

__all__ = ["refine"]

ZERO_PHASE_HZ = 15.0
"""Corner of each of the two passes. Tremor belongs to the tension and may stay."""

HOLE_INTERVALS = 1.5
"""A longer step between samples is bridged by a straight line, for the filter alone."""

LONGEST_BRIDGE_S = 1.0
"""After a longer hole the trace starts anew, as it does for the streaming detector."""

LEAD_S = 10.0
"""How far before the first and after the last repetition the rest is looked for."""

PEAK_MARGIN_S = 0.1
"""The peak may lie this far outside the repetition as the streaming detector saw it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Part of a trace, evenly sampled."""

    time_s: FloatArray
    smooth_n: FloatArray


def refine(
    time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], rate_hz: float, config: DetectorConfig
) -> tuple[Rep, ...]:
    """The same repetitions with boundaries, peaks and ranges from the whole trace.

    Args:
        time_s, tension_n: the trace, float64[n].
        reps: repetitions as the streaming detector saw them, in order.
        rate_hz: sample rate.
        config: thresholds of the detector.
    """
    if not reps:
        return ()
    stretches = list(_stretches(time_s, _despiked(tension_n, rate_hz), rate_hz))
    measured = [_measured(_holding(stretches, rep.peak_time), reps, i) for i, rep in enumerate(reps)]
    return tuple(rep for one_set in _sets(measured, config) for rep in _ranged(one_set, config))


def _despiked(tension_n: FloatArray, rate_hz: float) -> FloatArray:
    padded = np.concatenate((tension_n[[0] * CONTEXT], tension_n, tension_n[-1:]))
    return despike(padded, spike_floor_n(rate_hz))[CONTEXT:-1]


def _stretches(time_s: FloatArray, clean_n: FloatArray, rate_hz: float) -> Iterator[_Stretch]:
    sections = signal.butter(2, min(ZERO_PHASE_HZ, LARGEST_SHARE * rate_hz), fs=rate_hz, output="sos")
    step = np.diff(time_s)
    even = bool(step.max() <= HOLE_INTERVALS / rate_hz)
    cuts = [0, *(np.flatnonzero(step > LONGEST_BRIDGE_S) + 1).tolist(), time_s.size]
    for first, last in pairwise(cuts):
        at, values = time_s[first:last], clean_n[first:last]
        if not even:
            grid = np.arange(at[0], at[-1] + 0.5 / rate_hz, 1.0 / rate_hz)
            at, values = grid, np.interp(grid, at, values)
        pad = min(at.size - 1, round(rate_hz))
        yield _Stretch(at, signal.sosfiltfilt(sections, values, padlen=pad))


def _holding(stretches: Sequence[_Stretch], time_s: float) -> _Stretch:
    """The stretch that a time lies in, or the nearest."""
    return min(stretches, key=lambda s: max(s.time_s[0] - time_s, time_s - s.time_s[-1], 0.0))


def _measured(stretch: _Stretch, reps: Sequence[Rep], i: int) -> Rep:
    """One repetition measured between the lowest points that part it from its neighbours."""
    rep = reps[i]
    before_s = reps[i - 1].peak_time if i else rep.pull_start - LEAD_S
    after_s = reps[i + 1].peak_time if i + 1 < len(reps) else rep.end + LEAD_S
    marks_s = (before_s, rep.pull_start - PEAK_MARGIN_S, rep.end + PEAK_MARGIN_S, after_s)
    start, first, last, stop = np.searchsorted(stretch.time_s, marks_s).tolist()
    here = stretch.smooth_n[first:last]
    if here.size < 2:
        return rep
    peak = first + int(here.argmax())
    start = min(start, peak)
    start += int(stretch.smooth_n[start : peak + 1].argmin())
    stop = peak + int(stretch.smooth_n[peak : max(stop, peak + 1)].argmin()) + 1
    b = locate(stretch.time_s[start:stop], stretch.smooth_n[start:stop], peak=peak - start)
    return replace(
        rep,
        pull_start=b.pull_start,
        hold_start=b.hold_start,
        return_start=b.return_start,
        end=b.end,
        peak_time=b.peak_time,
        peak_tension=b.peak_n,
        start_tension=b.start_n,
        end_tension=b.end_n,
    )


def _sets(reps: Sequence[Rep], config: DetectorConfig) -> Iterator[list[Rep]]:
    """Repetitions between long rests."""
    one_set = [reps[0]]
    for rep in reps[1:]:
        if rep.pull_start - one_set[-1].end > config.new_set_s:
            yield one_set
            one_set = []
        one_set.append(rep)
    yield one_set


def _ranged(one_set: Sequence[Rep], config: DetectorConfig) -> Iterator[Rep]:
    """Ranges as parts of the full range that the whole set shows."""
    rest_n = min(min(rep.start_tension, rep.end_tension) for rep in one_set)
    full_n = full_range([rep.peak_tension for rep in one_set])
    for rep in one_set:
        part = displacement(rep.peak_tension, rest_n, full_n, config.exponent)
        yield replace(rep, range_fraction=part, partial=part < config.partial_below)
