"""What the signal chain tells: repetitions, phases and warnings, as frozen values.

Every event carries two times. `time_s` is when the thing happened in the band; `detected_s` is the device
time of the sample that made it certain. Their difference is the detector's latency, in a replay as live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import nan

__all__ = [
    "DOUBTFUL_BELOW",
    "CountJudged",
    "Event",
    "Phase",
    "PhaseChanged",
    "Rep",
    "RepCompleted",
    "RepCounted",
    "RepRetracted",
    "RetractReason",
    "SignalWarning",
    "WarningKind",
]


DOUBTFUL_BELOW = 0.9
"""A repetition of a lower probability is shown as doubtful: one in ten of such may be none."""


class Phase(Enum):
    """What the person does with the band."""

    REST = "rest"
    """At the bottom, or not training."""
    CONCENTRIC = "concentric"
    """Tension rises: the concentric phase."""
    HOLD = "hold"
    """Near the top of the repetition."""
    ECCENTRIC = "eccentric"
    """Tension falls: the eccentric phase."""


class RetractReason(Enum):
    """Why a repetition that was shown is taken back."""

    SET_UP = "set-up movement"
    ISOMETRIC = "held too long to be a repetition"
    TOO_QUICK = "too quick for a repetition: a step or a blow"
    ONE_MOVEMENT = "part of another repetition"
    BROKEN_OFF = "broken off before the return"
    OVERRULED = "taken back by the person"


class WarningKind(Enum):
    """What may make a number wrong."""

    SATURATED = "saturated"
    """The converter was at the end of its range: peaks are at least what is shown."""
    BAND_LOST = "band lost"
    """Tension vanished faster than anyone lets go: the band snapped, slipped off or was dropped."""
    GAP = "gap"
    """Samples are missing."""
    LOW_RATE = "low rate"
    """Too few samples a second for exact phase times."""
    UNEVEN_TIMES = "uneven times"
    """Times are those of batches of samples, not of each: phases are as uncertain as batches are apart."""
    IMPLAUSIBLE_FORCE = "implausible force"
    """Far more or less than people do with a band: probably not newtons."""
    ZERO_OFF = "zero off"
    """The sensor shows tension while nothing pulls, or less than none."""
    ZERO_DRIFTS = "zero drifts"
    """What the sensor shows while nothing pulls changes."""
    REVERSED = "reversed"
    """Tension falls below zero with every pull: the cell is wired or hung the wrong way round."""
    WIRING = "wiring"
    """The converter shows what no band does: a wire of the cell is broken, loose or swapped."""
    NOT_COUNTED = "not counted"
    """A rhythm was taken for steps, and nothing was counted so far: perhaps they were repetitions."""


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition.

    The four boundaries are where tension crosses 10 % and 90 % of the repetition's own rise (from the valley
    before it to its peak) and of its own fall (from its peak to the valley after it). All times are device
    time in seconds, all tensions newtons.

    Attributes:
        index: number of the repetition, from 1.
        pull_start_s: 10 % of the rise.
        hold_start_s: 90 % of the rise, first time.
        return_start_s: 90 % of the fall, last time.
        end_s: 10 % of the fall.
        peak_time_s: time of the greatest tension.
        peak_n: greatest tension.
        start_n: tension in the valley before.
        end_n: tension in the valley after.
        partial: more likely partial than full: the range stays below two thirds of the set's full range.
        unsure: the range lies so near that line that nobody can say; counts take it for neither.
        range_fraction: estimated displacement at the peak as a part of the set's full range, from the set's
            rest position; an estimate, because it rests on a prior for the shape of the band's curve.
        saturated: the converter was at the end of its range somewhere in the repetition.
        gap: samples are missing somewhere in the repetition.
        band_lost: the repetition ended with the band snapping or slipping off.
        begins_set: it is the first of its set.
        peak_uncertainty_n: standard uncertainty of `peak_n` from rate, noise and the form of the top; a
            calibration's comes on top. Not a number where it is not known.
        hidden: phases (`concentric_s`, `hold_s`, `eccentric_s`) that are not worth showing, with the reason
            (`metric_contract`).
        probability: that it is a repetition at all: as far as was known when it was told; in the result of a
            set, as far as was known when another set began.
    """

    index: int
    pull_start_s: float
    hold_start_s: float
    return_start_s: float
    end_s: float
    peak_time_s: float
    peak_n: float
    start_n: float
    end_n: float
    partial: bool = False
    range_fraction: float = 1.0
    saturated: bool = False
    gap: bool = False
    band_lost: bool = False
    begins_set: bool = False
    probability: float = 1.0
    peak_uncertainty_n: float = nan
    hidden: Mapping[str, str] = field(default_factory=dict)
    unsure: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether it is worth saying that it may be none."""
        return self.probability < DOUBTFUL_BELOW

    @property
    def duration_s(self) -> float:
        """Time under tension: from pull start to end."""
        return self.end_s - self.pull_start_s

    @property
    def concentric_s(self) -> float:
        """Duration of the pull, 10 % to 90 % of the rise."""
        return self.hold_start_s - self.pull_start_s

    @property
    def hold_s(self) -> float:
        """Duration of the hold, from 90 % of the rise to 90 % of the fall."""
        return self.return_start_s - self.hold_start_s

    @property
    def eccentric_s(self) -> float:
        """Duration of the return, 90 % to 10 % of the fall."""
        return self.end_s - self.return_start_s


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A phase began."""

    time_s: float
    phase: Phase
    detected_s: float


@dataclass(frozen=True, slots=True)
class RepCounted:
    """A repetition reached its top and is counted.

    `index` names the repetition in all later events and is never used again; `count` is how many stand now
    and is what a screen shows. `peak_n` is the greatest tension so far; its uncertainty is as in `Rep`.
    """

    time_s: float
    index: int
    peak_n: float
    detected_s: float
    count: int
    probability: float = 1.0
    peak_uncertainty_n: float = nan


@dataclass(frozen=True, slots=True)
class RepCompleted:
    """A counted repetition came back; `time_s` is its end."""

    time_s: float
    index: int
    rep: Rep
    detected_s: float


@dataclass(frozen=True, slots=True)
class RepRetracted:
    """A counted repetition is taken back; `count` is how many stand now."""

    time_s: float
    index: int
    reason: RetractReason
    detected_s: float
    count: int


@dataclass(frozen=True, slots=True)
class CountJudged:
    """How sure the count is, told when that changes.

    Attributes:
        more: P(there are so many more than stand), by how many, of the set that was told last; negative where
            one that stands may be none. 1 for 0 where all is sure. So P(count = n) of a set of which c stand
            is `more[n - c]`.
        reps: probability of each repetition that stands and may still change, by its index.
    """

    time_s: float
    more: Mapping[int, float]
    reps: Mapping[int, float]
    detected_s: float


@dataclass(frozen=True, slots=True)
class SignalWarning:
    """Something in the signal may make a number wrong; `message` says what, and what to do."""

    time_s: float
    kind: WarningKind
    message: str
    detected_s: float


Event = PhaseChanged | RepCounted | RepCompleted | RepRetracted | CountJudged | SignalWarning
