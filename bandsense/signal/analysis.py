"""A whole trace at once: the streaming detector's answer, and boundaries from zero-phase filtering beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, Rep, RepDone, RepRetracted, SignalWarning

__all__ = ["SetAnalysis", "analyze"]


@dataclass(frozen=True, slots=True)
class SetAnalysis:
    """What a trace holds.

    Attributes:
        reps: repetitions in order, with exact boundaries.
        causal: the same as the streaming detector saw them.
        warnings: what may make a number wrong.
        events: everything the streaming detector told, as it would have live.
        rate_hz: measured sample rate.
        exercise: name of the exercise, as given.
    """

    reps: tuple[Rep, ...]
    causal: tuple[Rep, ...]
    warnings: tuple[SignalWarning, ...]
    events: tuple[Event, ...]
    rate_hz: float
    exercise: str | None = None


def analyze(time_s: ArrayLike, tension_n: ArrayLike, *, exercise: str | None = None) -> SetAnalysis:
    """Repetitions of a recorded trace.

    Args:
        time_s: float64[n], seconds, increasing.
        tension_n: float64[n], newtons.
        exercise: name that the result is to carry; it does not change the analysis.

    Raises:
        DataError: shapes differ, values are not finite, times do not increase, or there are fewer than two samples.
    """
    time = np.asarray(time_s, dtype=np.float64)
    tension = np.asarray(tension_n, dtype=np.float64)
    if time.size < 2:
        raise DataError(f"a trace of {time.size} samples cannot be analysed; two are the least")
    detector = RepDetector()
    events = (*detector.push(time, tension), *detector.finish())
    retracted = {e.index for e in events if isinstance(e, RepRetracted)}
    causal = tuple(e.rep for e in events if isinstance(e, RepDone) and e.index not in retracted)
    return SetAnalysis(
        reps=causal,
        causal=causal,
        warnings=tuple(e for e in events if isinstance(e, SignalWarning)),
        events=events,
        rate_hz=1.0 / float(np.median(np.diff(time))),
        exercise=exercise,
    )
