"""A test of isometric strength: samples in, trials out; no input or output, no clock of its own.

    still ──▶ ready ──force rises──▶ pulling ──force is let go──▶ trial, or the reason why it is none
                ▲                                                      │
                └──────────────── rest, the next side ◀────────────────┘        … until all trials are done

The sides take turns (left, right, left, …), so that one rests while the other works. A pull counts as a trial
when it was held: above half of its maximum for `LEAST_HOLD_S`, and no sample is missing or at the sensor's
limit; else it is to be done again. What a side amounts to is the best and the mean of its trials; two sides
are set beside each other as limb symmetry index, and two tests as a change, both only with what they differ
by anyway:

* scatter of trials: pooled over both sides, as a part of the mean, and at least `LEAST_SCATTER`, because
  three trials may agree by luck;
* from day to day a person differs more than from trial to trial. `DAY_TO_DAY` is the standard error of
  measurement of such tests as a part of the mean; a prior, because no test of one's own tells it before there
  are many. The minimal detectable change (95 %) is 1.96·√(u₁² + u₂²) with both in u.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import exp, hypot, log, sqrt
from statistics import fmean

import numpy as np

from bandsense.calibration.clip_on import AnyCalibration, TensionReader
from bandsense.exercises.model import Side
from bandsense.language import Message
from bandsense.samples import FloatArray, SampleBlock
from bandsense.signal.isometric import WINDOW_S, RateOfForce, maximum_n, rate_of_force
from bandsense.signal.metric_contract import Conditions
from bandsense.signal.peaks import OF_A_STEP, resolution_n, sample_noise_n

__all__ = [
    "Change",
    "Link",
    "Problem",
    "Protocol",
    "Ready",
    "RestOver",
    "SideResult",
    "StrengthEvent",
    "StrengthTest",
    "Symmetry",
    "Trial",
    "TrialDone",
    "TrialFailed",
    "change_between",
    "side_results",
    "symmetry",
]

STILL_S = 1.0
STILL_N = 2.0
"""Before the first trial the zero is the median of a second in which force stays within this range."""

START_N = 10.0
"""A pull begins above this."""

LET_GO = 0.3
"""It is over when force has fallen below this part of its greatest."""

LEAST_N = 20.0
LEAST_HOLD_S = 1.0
LONGEST_S = 30.0
LEAD_S = 1.0
"""How much of the rest before a pull belongs to it."""

MEAN_NOISE = 3.0
"""Of the mean over `isometric.WINDOW_S` the noise is √(this / samples) of one sample's: that of the mean
itself, of the zero, and by how much the greatest of many means is too high. The step of a coarse converter is
in zero and mean alike, and no number of samples makes it less."""

LEAST_SCATTER = 0.02
DAY_TO_DAY = 0.05
_COVERAGE = 1.96


class Link(Enum):
    """What joins the hand and the fixed point."""

    STRAP = "strap"
    """A strap, chain or rope that does not give."""
    BAND = "band"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a test is done.

    Attributes:
        sides: which take turns; one None where both arms or legs pull together.
        trials: of each side.
        rest_s: between two pulls; a hint to the person, nothing waits for it.
        link: what joins hand and fixed point.
    """

    sides: tuple[Side | None, ...] = ("left", "right")
    trials: int = 3
    rest_s: float = 30.0
    link: Link = Link.STRAP

    @property
    def order(self) -> tuple[Side | None, ...]:
        """The side of each trial."""
        return self.sides * self.trials


@dataclass(frozen=True, slots=True)
class Trial:
    """One pull that counts.

    Attributes:
        side: None where both pulled together.
        number: of the side, from 1.
        start_s, end_s: device time.
        maximum_n: greatest mean over half a second, above the rest before the test.
        uncertainty_n: its standard uncertainty, by calibration, noise and the resolution of the converter.
        rate: how quickly force rose.
    """

    side: Side | None
    number: int
    start_s: float
    end_s: float
    maximum_n: float
    uncertainty_n: float
    rate: RateOfForce


class Problem(Enum):
    """Why a pull is no trial."""

    SHORT = "short"
    WEAK = "weak"
    LONG = "long"
    GAP = "gap"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Ready:
    """The zero is known; the first trial may begin."""

    time_s: float


@dataclass(frozen=True, slots=True)
class TrialDone:
    """A pull counts; `next_side` and `next_number` are the trial that follows, None after the last."""

    time_s: float
    trial: Trial
    next_side: Side | None
    next_number: int | None


@dataclass(frozen=True, slots=True)
class TrialFailed:
    """A pull is to be done again."""

    time_s: float
    problem: Problem
    side: Side | None
    number: int


@dataclass(frozen=True, slots=True)
class RestOver:
    """The rest before this trial is over."""

    time_s: float
    side: Side | None
    number: int


StrengthEvent = Ready | TrialDone | TrialFailed | RestOver


_Next = tuple[Side | None, int]
"""Side and number of a trial."""


@dataclass(slots=True)
class _Pull:
    """A pull under way."""

    start_s: float
    greatest_n: float = 0.0
    problem: Problem | None = None


@dataclass(slots=True)
class _Memory:
    """The samples since a second before the pull: times, and forces above the zero of the test."""

    time_s: list[float] = field(default_factory=list)
    force_n: list[float] = field(default_factory=list)

    def forget_before(self, at_s: float) -> None:
        kept = next((n for n, time_s in enumerate(self.time_s) if time_s >= at_s), len(self.time_s))
        del self.time_s[:kept], self.force_n[:kept]


class StrengthTest:
    """Follows the samples of one sensor through a test; the same events however they are cut into blocks.

    Args:
        calibration: from readings to tension.
        protocol: sides, trials, rest.

    Attributes:
        trials: those that count, in order.
    """

    def __init__(self, calibration: AnyCalibration, protocol: Protocol) -> None:
        self.trials: list[Trial] = []
        self._calibration = calibration
        self._protocol = protocol
        self._reader = TensionReader()
        self._zero_n: float | None = None
        self._memory = _Memory()
        self._pull: _Pull | None = None
        self._let_go = True
        self._rest_until_s: float | None = None

    @property
    def done(self) -> bool:
        """Whether all trials are done."""
        return len(self.trials) >= len(self._protocol.order)

    @property
    def next_trial(self) -> _Next | None:
        """Side and number of the trial that is next, or under way; None when all are done."""
        if self.done:
            return None
        at = len(self.trials)
        return self._protocol.order[at], 1 + at // len(self._protocol.sides)

    def push(self, block: SampleBlock) -> list[StrengthEvent]:
        """Take the next samples and give what they make certain."""
        if not len(block):
            return []
        tension_n = self._reader.push(self._calibration, block.values, block.gap_before)
        events: list[StrengthEvent] = []
        columns = (block.time_s, tension_n, block.gap_before, block.saturated)
        for time_s, force_n, gap, limit in zip(*(column.tolist() for column in columns), strict=True):
            if self._zero_n is None:
                events += self._find_zero(time_s, force_n)
            elif (following := self.next_trial) is not None:
                events += self._follow(time_s, force_n - self._zero_n, following, gap=gap, limit=limit)
        return events

    def _find_zero(self, time_s: float, force_n: float) -> list[StrengthEvent]:
        memory = self._memory
        memory.time_s.append(time_s)
        memory.force_n.append(force_n)
        if time_s < memory.time_s[0] + STILL_S:
            return []
        if max(memory.force_n) - min(memory.force_n) <= STILL_N:
            self._zero_n = float(np.median(memory.force_n))
            memory.force_n = [each - self._zero_n for each in memory.force_n]
            return [Ready(time_s)]
        memory.forget_before(time_s - STILL_S)
        return []

    def _follow(
        self, time_s: float, force_n: float, following: _Next, *, gap: bool, limit: bool
    ) -> list[StrengthEvent]:
        self._memory.time_s.append(time_s)
        self._memory.force_n.append(force_n)
        if self._pull is None:
            self._let_go = self._let_go or force_n < 0.5 * START_N
            if force_n < START_N or not self._let_go:
                self._memory.forget_before(time_s - LEAD_S)
                return self._rested(time_s, following)
            self._pull = _Pull(time_s)
            self._rest_until_s = None
        pull = self._pull
        pull.greatest_n = max(pull.greatest_n, force_n)
        if gap or limit:
            pull.problem = Problem.GAP if gap else Problem.LIMIT
        over = force_n < max(LET_GO * pull.greatest_n, 0.5 * START_N)
        if not over and time_s < pull.start_s + LONGEST_S:
            return []
        return [self._ended(pull, time_s, following, too_long=not over)]

    def _rested(self, time_s: float, following: _Next) -> list[StrengthEvent]:
        if self._rest_until_s is None or time_s < self._rest_until_s:
            return []
        self._rest_until_s = None
        return [RestOver(time_s, *following)]

    def _ended(self, pull: _Pull, end_s: float, following: _Next, *, too_long: bool) -> StrengthEvent:
        side, number = following
        time_s, force_n = np.array(self._memory.time_s), np.array(self._memory.force_n)
        problem = Problem.LONG if too_long else pull.problem or _problem(time_s, force_n, pull)
        self._pull, self._let_go = None, False
        self._memory = _Memory()
        if problem is not None:
            return TrialFailed(end_s, problem, side, number)
        self.trials.append(self._trial(side, number, pull.start_s, time_s, force_n))
        self._rest_until_s = None if self.done else end_s + self._protocol.rest_s
        after = self.next_trial
        return TrialDone(end_s, self.trials[-1], *((None, None) if after is None else after))

    def _trial(
        self, side: Side | None, number: int, start_s: float, time_s: float | FloatArray, force_n: FloatArray
    ) -> Trial:
        times = np.asarray(time_s)
        greatest_n = maximum_n(times, force_n)
        rate_hz = 1.0 / float(np.median(np.diff(times)))
        noise_n = sample_noise_n(force_n)
        of_step_n = OF_A_STEP * (resolution_n(force_n) or 0.0)
        sampled_n = hypot(noise_n * sqrt(MEAN_NOISE / (WINDOW_S * rate_hz)), sqrt(2.0) * of_step_n)
        return Trial(
            side=side,
            number=number,
            start_s=start_s,
            end_s=float(times[-1]),
            maximum_n=greatest_n,
            uncertainty_n=hypot(float(self._calibration.standard_uncertainty_n(greatest_n)), sampled_n),
            rate=self._rate(times, force_n, greatest_n, rate_hz, hypot(noise_n, of_step_n)),
        )

    def _rate(
        self, time_s: FloatArray, force_n: FloatArray, greatest_n: float, rate_hz: float, sample_n: float
    ) -> RateOfForce:
        if self._protocol.link is Link.BAND:
            return RateOfForce(hidden=Message("a band stretches first; use a strap that does not give"))
        conditions = Conditions(rate_hz, sample_n, self._calibration.span_uncertainty)
        return rate_of_force(time_s, force_n, greatest_n, conditions)


def _problem(time_s: FloatArray, force_n: FloatArray, pull: _Pull) -> Problem | None:
    if pull.greatest_n < LEAST_N:
        return Problem.WEAK
    held = time_s[force_n >= 0.5 * pull.greatest_n]
    return Problem.SHORT if held[-1] - held[0] < LEAST_HOLD_S else None


# -- what it amounts to ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SideResult:
    """The trials of one side.

    Attributes:
        side: None where both pulled together.
        trials: maxima in order, newtons.
        best_n, mean_n: of them.
        scatter: standard uncertainty of the mean by the scatter of the trials, as a part of it.
        uncertainty_n: standard uncertainty of the mean by scatter and calibration.
        rate_n_per_s: the greatest rate of force development that could be told; None without one.
        rate_hidden: why there is none.
    """

    side: Side | None
    trials: tuple[float, ...]
    best_n: float
    mean_n: float
    scatter: float
    uncertainty_n: float
    rate_n_per_s: float | None = None
    rate_hidden: str | None = None


def side_results(trials: Sequence[Trial]) -> tuple[SideResult, ...]:
    """Sum up each side that has a trial, left before right."""
    sides = sorted({trial.side for trial in trials}, key=str)
    by_side = {side: [trial for trial in trials if trial.side == side] for side in sides}
    variation = _pooled_variation([[trial.maximum_n for trial in each] for each in by_side.values()])
    return tuple(_side_result(side, each, variation) for side, each in by_side.items())


def _side_result(side: Side | None, trials: Sequence[Trial], variation: float) -> SideResult:
    maxima = tuple(trial.maximum_n for trial in trials)
    mean_n, scatter = fmean(maxima), variation / sqrt(len(maxima))
    rates = [trial.rate.newtons_per_s for trial in trials if trial.rate.newtons_per_s is not None]
    hidden = next((trial.rate.hidden for trial in trials if trial.rate.hidden is not None), None)
    return SideResult(
        side,
        maxima,
        max(maxima),
        mean_n,
        scatter,
        hypot(scatter * mean_n, fmean(trial.uncertainty_n for trial in trials)),
        max(rates, default=None),
        None if rates else hidden,
    )


def _pooled_variation(sides: Sequence[Sequence[float]]) -> float:
    """Return the standard deviation of trials as a part of the mean, pooled over the sides."""
    squares = [(value / fmean(side) - 1.0) ** 2 for side in sides for value in side]
    freedom = sum(len(side) - 1 for side in sides)
    return max(LEAST_SCATTER, sqrt(sum(squares) / freedom)) if freedom else DAY_TO_DAY


@dataclass(frozen=True, slots=True)
class Symmetry:
    """Limb symmetry index.

    Attributes:
        side: the one that is given as a part of the other: the injured one where told, else the weaker.
        index: its mean over that of the other; 1 is alike.
        uncertainty: standard uncertainty of the index.
    """

    side: Side
    index: float
    uncertainty: float

    @property
    def certain(self) -> bool:
        """Whether the sides surely differ: by more than two standard uncertainties."""
        return abs(self.index - 1.0) > 2.0 * self.uncertainty


def symmetry(
    sides: Sequence[SideResult], zero_uncertainty_n: float = 0.0, injured: Side | None = None
) -> Symmetry | None:
    """Set one side beside the other; None where there are not two.

    One sensor measured both, so the span of its calibration cancels, and its zero in part.

    Args:
        sides: as `side_results` gives them.
        zero_uncertainty_n: of the calibration.
        injured: the side to be given as a part of the other; None for the weaker.
    """
    by_side = {each.side: each for each in sides}
    left, right = by_side.get("left"), by_side.get("right")
    if left is None or right is None:
        return None
    weaker: Side = "left" if left.mean_n <= right.mean_n else "right"
    side = injured or weaker
    one, other = (left, right) if side == "left" else (right, left)
    index = one.mean_n / other.mean_n
    zero = zero_uncertainty_n * abs(1.0 / one.mean_n - 1.0 / other.mean_n)
    return Symmetry(side, index, index * hypot(one.scatter, other.scatter, zero))


@dataclass(frozen=True, slots=True)
class Change:
    """A change between two tests of one side under the same conditions.

    Attributes:
        share: change of the mean, as a part of that of the test before.
        detectable: the least change that two tests must show to tell one (95 %), likewise.
    """

    side: Side | None
    share: float
    detectable: float

    @property
    def told(self) -> bool:
        """Whether it is more than two tests differ by anyway."""
        return abs(self.share) > self.detectable


def change_between(before: SideResult, now: SideResult) -> Change:
    """Compare two tests of a side, done with the same sensor and calibration, whose span then cancels."""
    parts = [hypot(each.scatter, DAY_TO_DAY) for each in (before, now)]
    detectable = exp(_COVERAGE * hypot(*parts)) - 1.0
    return Change(now.side, exp(log(now.mean_n / before.mean_n)) - 1.0, detectable)
