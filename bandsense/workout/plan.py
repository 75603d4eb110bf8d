"""What a person means to do: sets, repetitions, tempo, tension; and how near a set came to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import fmean, median, pstdev

from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.errors import ConfigError
from bandsense.exercises.model import Tempo
from bandsense.language import Message
from bandsense.signal.events import Rep
from bandsense.workout.feedback import StopRules
from bandsense.workout.tempo import tempos

__all__ = [
    "PhaseTempo",
    "Plan",
    "TempoReport",
    "TensionZone",
    "Zone",
    "hand_clock_s",
    "measured_tempo",
    "steady",
    "tempo_report",
]


class Zone(Enum):
    """Where a tension lies against a target."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class TensionZone:
    """Peak tension that repetitions should reach, newtons."""

    low_n: float
    high_n: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low_n < self.high_n:
            raise ConfigError(
                Message(
                    "a tension zone from {low_n:g} to {high_n:g} N is empty; give the lower number first",
                    low_n=self.low_n,
                    high_n=self.high_n,
                )
            )

    def zone(self, peak_n: float) -> Zone:
        """Return where a peak lies."""
        if peak_n < self.low_n:
            return Zone.BELOW
        return Zone.ABOVE if peak_n > self.high_n else Zone.WITHIN


@dataclass(frozen=True, slots=True)
class Plan:
    """Targets of one exercise in one session.

    Attributes:
        sets: how many sets.
        reps: full repetitions that each set should have at least.
        reps_top: repetitions at which a set is ended; `reps` + 4 is a usual range.
        tempo: seconds of each phase.
        rest_s: rest between sets.
        zone: peak tension to aim at, if any.
        stop: when the exercise is to be stopped for the day.
    """

    sets: int = 3
    reps: int = 8
    reps_top: int = 12
    tempo: Tempo = field(default_factory=Tempo)
    rest_s: float = 90.0
    zone: TensionZone | None = None
    stop: StopRules = field(default_factory=StopRules)

    def __post_init__(self) -> None:
        if not 1 <= self.sets <= 10:
            raise ConfigError(Message("a plan has 1 to 10 sets, not {sets}", sets=self.sets))
        if not 1 <= self.reps <= self.reps_top <= 100:
            raise ConfigError(
                Message(
                    "a set of at least {reps} and at most {reps_top} repetitions is not possible; give 1 "
                    "to 100, the smaller number first",
                    reps=self.reps,
                    reps_top=self.reps_top,
                )
            )
        if not 0.0 <= self.rest_s <= 1800.0:
            raise ConfigError(
                Message("a rest of {rest_s:g} s between sets is not between 0 and 1800 s", rest_s=self.rest_s)
            )


# The signal chain times phases by tension: the pull lasts from 10 to 90 % of the rise. The hand starts
# before and arrives after. Of a smooth (minimum-jerk) pull, 10 to 90 % takes half of its duration on a
# pre-stretched band and 0.6 on one that starts at rest; at constant speed it takes 0.8. The middle is used,
# the rest split by the early and the late end of the curve.
_BETWEEN_LEVELS = 0.6
_BEFORE_LEVELS = 0.15
_AFTER_LEVELS = 0.25

_TOLERANCE = 0.3
_TOLERANCE_S = 0.2
"""A phase keeps its tempo within 30 % plus 0.2 s: the spread of the shares above, and of people who count."""


def measured_tempo(tempo: Tempo) -> Tempo:
    """Convert `tempo`, kept exactly, to what the signal chain will measure."""
    moving_s = tempo.concentric_s + tempo.eccentric_s
    return Tempo(
        concentric_s=_BETWEEN_LEVELS * tempo.concentric_s,
        hold_s=tempo.hold_s + _AFTER_LEVELS * moving_s,
        eccentric_s=_BETWEEN_LEVELS * tempo.eccentric_s,
        rest_s=tempo.rest_s + _BEFORE_LEVELS * moving_s,
    )


def hand_clock_s(elapsed_s: float, measured_s: float, hand_s: float) -> float:
    """Return how far a phase that has lasted `elapsed_s` by tension is in seconds of the hand.

    At the end of what the signal chain measures of a phase (`measured_tempo`), the hand's time is over, too.
    Beyond it a movement goes on at the same scale, as `tempo.hand_tempo` reads it; a hold, which is shorter
    by the hand than by tension, in seconds as they are.
    """
    if elapsed_s <= measured_s:
        return hand_s * elapsed_s / measured_s if measured_s else 0.0
    scale = max(1.0, hand_s / measured_s) if measured_s else 1.0
    return hand_s + scale * (elapsed_s - measured_s)


@dataclass(frozen=True, slots=True)
class PhaseTempo:
    """One phase of a set against its target.

    Attributes:
        target_s: what was planned, seconds of the hand, as the next.
        median_s: what it took.
        kept: part of the repetitions within tolerance.
    """

    target_s: float
    median_s: float
    kept: float


@dataclass(frozen=True, slots=True)
class TempoReport:
    """How well a set kept its tempo, phase by phase; `rest` needs two repetitions, else its `kept` is 1."""

    concentric: PhaseTempo
    hold: PhaseTempo
    eccentric: PhaseTempo
    rest: PhaseTempo


def tempo_report(reps: Sequence[Rep], tempo: Tempo, exponent: float = EXPONENT_PRIOR) -> TempoReport | None:
    """Tempo of a set phase by phase, judged as the advice judges it; None without repetitions.

    Args:
        reps: of the set, in order.
        tempo: what was planned.
        exponent: of the band's power law.
    """
    took = tempos(reps, exponent)
    if not took:
        return None
    return TempoReport(
        concentric=_phase([each.concentric_s for each in took], tempo.concentric_s),
        hold=_phase([each.hold_s for each in took], tempo.hold_s),
        eccentric=_phase([each.eccentric_s for each in took], tempo.eccentric_s),
        rest=_phase([each.rest_s for each in took if each.rest_s is not None], tempo.rest_s),
    )


def tolerance_s(target_s: float) -> float:
    """By how much a phase may differ from its target and still keep the tempo."""
    return _TOLERANCE * target_s + _TOLERANCE_S


def _phase(measured_s: Sequence[float], target_s: float) -> PhaseTempo:
    if not measured_s:
        return PhaseTempo(target_s, target_s, 1.0)
    kept = [abs(value - target_s) <= tolerance_s(target_s) for value in measured_s]
    return PhaseTempo(target_s, median(measured_s), fmean(kept))


_STEADY_VARIATION = 0.2
_STEADY_SLOWING = 1.3
"""Conventions: times per repetition vary by less than a fifth, the last pulls take at most 30 % longer."""


def steady(reps: Iterable[Rep]) -> bool:
    """Return whether a set was done evenly: repetitions alike in time, the last pulls not much slower.

    Needs at least five full repetitions.
    """
    full = [rep for rep in reps if not rep.partial]
    if len(full) < 5:
        return False
    times_s = [rep.duration_s for rep in full]
    third = max(2, len(full) // 3)
    slowing = fmean(rep.concentric_s for rep in full[-third:]) / fmean(
        rep.concentric_s for rep in full[:third]
    )
    return pstdev(times_s) <= _STEADY_VARIATION * fmean(times_s) and slowing <= _STEADY_SLOWING
