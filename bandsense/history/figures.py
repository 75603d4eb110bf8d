"""What history follows: a figure of a session, from its sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bandsense.history.records import RepRecord, SetRecord

__all__ = ["FIGURES", "LOAD", "PEAK", "RANGE", "TIME", "Figure", "Value", "session_values"]


@dataclass(frozen=True, slots=True)
class Value:
    """A figure of one session.

    Attributes:
        sets: the sets it was made of.
        value: in the unit of the figure.
        scatter: standard deviation of the repetitions it was made of; what it is not known better than where
            a person's scatter from session to session is not known.
    """

    sets: tuple[SetRecord, ...]
    value: float
    scatter: float

    @property
    def session(self) -> int:
        """Number of the session."""
        return self.sets[0].session


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that is followed over sessions.

    Attributes:
        name: in JSON.
        unit: SI.
        of_rep: of a full repetition; None where it is not known or hidden.
        summed: added up over all repetitions of a session, partial ones too; otherwise `best` or the mean.
        best: the greatest of a session counts.
        tension: it is made of newtons, so that the span's uncertainty is part of its own.
    """

    name: str
    unit: str
    of_rep: Callable[[RepRecord], float | None]
    summed: bool = False
    best: bool = False
    tension: bool = False

    def _counted(self, one: SetRecord) -> tuple[RepRecord, ...]:
        if self.best:
            return one.telling
        return one.reps if self.summed else one.full

    def value(self, sets: Sequence[SetRecord]) -> Value | None:
        """Compute the figure of one session's sets; None where no repetition has it."""
        reps = [rep for each in sets for rep in self._counted(each)]
        known = [value for rep in reps if (value := self.of_rep(rep)) is not None]
        if not known or (self.summed and len(known) < len(reps)):
            return None
        scatter = stdev(known) if len(known) > 1 else abs(known[0])
        if self.summed:
            return Value(tuple(sets), sum(known), scatter * len(known) ** 0.5)
        return Value(tuple(sets), max(known) if self.best else fmean(known), scatter)


def _peak_n(rep: RepRecord) -> float | None:
    return None if "peak_n" in rep.hidden else rep.peak_n


PEAK = Figure("peak_n", "N", _peak_n, best=True, tension=True)
"""The strongest full repetition."""
RANGE = Figure("range_m", "m", lambda rep: rep.range_m)
"""Way of the hand, mean of the full repetitions; needs a band that was measured."""
LOAD = Figure("impulse_n_s", "N·s", lambda rep: rep.impulse_n_s, summed=True, tension=True)
"""Tension times time."""
TIME = Figure("time_under_tension_s", "s", lambda rep: rep.time_under_tension_s, summed=True)

FIGURES = (PEAK, RANGE, LOAD, TIME)


def session_values(records: Sequence[SetRecord], figure: Figure) -> list[Value]:
    """Compute the figure of each session in order of time, without sessions that do not have it."""
    sessions: dict[int, list[SetRecord]] = {}
    for record in records:
        sessions.setdefault(record.session, []).append(record)
    found = (figure.value(sets) for sets in sessions.values())
    return [value for value in found if value is not None]
