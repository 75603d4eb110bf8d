"""A whole trace at once: what the streaming detector says of it, and exact boundaries beside that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.signal.config import DetectorConfig
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, Rep, RepDone, RepRetracted, SignalWarning
from bandsense.signal.refine import refine

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
        warnings: what may make a number wrong.
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
    config: DetectorConfig | None = None,
) -> SetAnalysis:
    """Find the repetitions of a recorded trace.

    Args:
        time_s: float64[n], seconds, increasing.
        tension_n: float64[n], newtons.
        exercise: a name for the result to carry; it does not change the analysis.
        gap_before: bool[n]; True where samples are missing before this one.
        saturated: bool[n]; True where the converter was at the end of its range.
        config: thresholds; the default ones serve all people, bands and exercises.

    Raises:
        DataError: shapes differ, values are not finite, times do not increase, or there are fewer than two
            samples.
    """
    time = np.asarray(time_s, dtype=np.float64)
    tension = np.asarray(tension_n, dtype=np.float64)
    if time.size < 2:
        raise DataError(f"{time.size} samples are no trace; record at least a second")
    config = config if config is not None else DetectorConfig()
    detector = RepDetector(config)
    events = (*detector.push(time, tension, gap_before, saturated), *detector.finish())
    retracted = {event.index for event in events if isinstance(event, RepRetracted)}
    done = (event.rep for event in events if isinstance(event, RepDone))
    causal = tuple(sorted((r for r in done if r.index not in retracted), key=lambda r: r.peak_time))
    reps = refine(time, tension, causal, detector.rate_hz, config)
    return SetAnalysis(
        reps=reps,
        causal=causal,
        revised=tuple(a.index for a, b in zip(reps, causal, strict=True) if _revised(a, b)),
        warnings=tuple(event for event in events if isinstance(event, SignalWarning)),
        events=events,
        rate_hz=detector.rate_hz,
        exercise=exercise,
    )


def _revised(exact: Rep, seen: Rep) -> bool:
    moved_s = max(
        abs(exact.pull_start - seen.pull_start),
        abs(exact.hold_start - seen.hold_start),
        abs(exact.return_start - seen.return_start),
        abs(exact.end - seen.end),
    )
    return exact.partial != seen.partial or moved_s > REVISED_S
