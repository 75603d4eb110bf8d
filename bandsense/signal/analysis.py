"""A whole trace at once: what the streaming detector says of it, and exact boundaries beside that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import FloatArray
from bandsense.signal.detector import RepDetector, as_numbers
from bandsense.signal.events import Event, Rep, RepCompleted, RepRetracted, SignalWarning, WarningKind
from bandsense.signal.laws.numbers import FITTED, Numbers
from bandsense.signal.narrator import LARGEST_N, SMALL_N
from bandsense.signal.refine import refine
from bandsense.signal.sample_times import even_times

__all__ = ["SetAnalysis", "analyze"]

REVISED_S = 0.1
"""A boundary that moves by more than this was revised."""


@dataclass(frozen=True, slots=True)
class SetAnalysis:
    """What a trace holds.

    Attributes:
        reps: repetitions in order, with exact boundaries.
        causal: the same repetitions as the streaming detector saw them; each has the `index` of its twin.
        revised: `index` of those whose partial mark changed, or a boundary by more than 0.1 s.
        warnings: what may make a number wrong; beside what the detector told, forces that look like another
            unit.
        events: everything the streaming detector told, as it would have live.
        rate_hz: measured sample rate; 0 if the trace is too short to tell.
        exercise: name of the exercise, as given.
    """

    reps: tuple[Rep, ...]
    causal: tuple[Rep, ...]
    revised: tuple[int, ...]
    warnings: tuple[SignalWarning, ...]
    events: tuple[Event, ...]
    rate_hz: float
    exercise: str | None = None


def analyze(
    time_s: ArrayLike,
    tension_n: ArrayLike,
    *,
    exercise: str | None = None,
    gap_before: ArrayLike | None = None,
    saturated: ArrayLike | None = None,
    numbers: Numbers = FITTED,
) -> SetAnalysis:
    """Find the repetitions of a recorded trace.

    Args:
        time_s: float64[n], seconds, not decreasing; samples that come in batches, at times that are alike,
            are taken for evenly spread, and that is told.
        tension_n: float64[n], newtons.
        exercise: a name for the result to carry; it does not change the analysis.
        gap_before: bool[n]; True where samples are missing before this one.
        saturated: bool[n]; True where the converter was at the end of its range.
        numbers: of the detector's model; the fitted ones serve all people, bands and exercises.

    Raises:
        DataError: shapes differ, values are no finite numbers, times go back or are all the same, or there
            are fewer than two samples.
    """
    time, tension = as_numbers(time_s, "times"), as_numbers(tension_n, "tensions")
    if time.size < 2:
        raise DataError(Message("{size} samples are not a trace; record at least a second", size=time.size))
    detector = RepDetector(numbers)
    events = (*detector.push(time, tension, gap_before, saturated), *detector.finish())
    if time[0] == time[-1]:
        raise DataError(Message("all samples have one time; give each the time at which it was taken"))
    retracted = {event.index for event in events if isinstance(event, RepRetracted)}
    done = (event.rep for event in events if isinstance(event, RepCompleted))
    causal = tuple(sorted((r for r in done if r.index not in retracted), key=lambda r: r.peak_time_s))
    taken_s = time if detector.times_kept else even_times(time)
    reps = refine(taken_s, tension, causal, detector.rate_hz)
    return SetAnalysis(
        reps=reps,
        causal=causal,
        revised=tuple(a.index for a, b in zip(reps, causal, strict=True) if _revised(a, b)),
        warnings=(
            *(event for event in events if isinstance(event, SignalWarning)),
            *_doubts(time, tension, reps),
        ),
        events=events,
        rate_hz=detector.rate_hz,
        exercise=exercise,
    )


def _doubts(time: FloatArray, tension: FloatArray, reps: tuple[Rep, ...]) -> Iterator[SignalWarning]:
    """List what the recording leaves open: unlike a sensor, it does not say what its numbers are."""

    def doubt(message: str) -> SignalWarning:
        return SignalWarning(float(time[0]), WarningKind.IMPLAUSIBLE_FORCE, message, float(time[-1]))

    usual_n = float(np.median(np.abs(tension[:: max(1, tension.size // 1000)])))
    if usual_n > LARGEST_N and not any(rep.peak_n > LARGEST_N for rep in reps):
        yield doubt(
            Message(
                "half of the trace is above {usual:.0f} N, more than a band pulls; check unit and zero",
                usual=usual_n,
            )
        )
    highest_n = max((rep.peak_n - rep.start_n for rep in reps), default=SMALL_N)
    if highest_n < SMALL_N:
        yield doubt(
            Message(
                "no repetition rises by more than {highest:.0f} N; "
                "unless the band is very light, these are kilograms or pounds: give the unit",
                highest=highest_n,
            )
        )


def _revised(exact: Rep, seen: Rep) -> bool:
    moved_s = max(
        abs(exact.pull_start_s - seen.pull_start_s),
        abs(exact.hold_start_s - seen.hold_start_s),
        abs(exact.return_start_s - seen.return_start_s),
        abs(exact.end_s - seen.end_s),
    )
    return exact.partial != seen.partial or moved_s > REVISED_S
