"""A person of limited strength who does what the advice says: how a set goes is known only when it begins.

At the k-th repetition of a set a person can pull max / (1 + k/d), Epley's formula turned around (B. Epley,
Poundage Chart, 1985), less what earlier sets left of fatigue. As long as that is what the band needs at full
range, another repetition is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from bandsense.sim.physics.band import SimulatedBand
from bandsense.sim.physics.disturbances import LinkLosses
from bandsense.sim.physics.ground_truth import true_reps
from bandsense.sim.physics.person import Move, RepPlan, SimulatedPlan, perform
from bandsense.sim.physics.scenario import DT_S, Performance, Scenario
from bandsense.sim.physics.sensor import SimulatedSensor

__all__ = ["AdvisedPerson"]

_LET_GO = -0.3
"""Where the hands rest between sets, in strokes: the band hangs slack there."""

_TO_AND_FRO_S = 2.0
_REST_S = 0.5
"""How soon a rest is over when it may be."""

_RANGE_CV, _TEMPO_CV = 0.015, 0.06


@dataclass
class AdvisedPerson:
    """Trains session after session, each of some sets, with a band whose slack can be changed in between.

    Attributes:
        seed: another seed varies range and tempo.
        strength_n: what the person can pull once, fresh.
        divisor: d of Epley's formula.
        goal: repetitions a set; no more are done.
        recovery: part of the fatigue that a rest between two sets leaves.
        fatigue_per_set: part of the strength that a set to the limit costs.
        stroke_m: full range of the hands.
        band: with its lengths; the start position is where the hands are at 0.
        pull_s, hold_s, return_s, pause_s: of a repetition of the hand.
    """

    seed: int = 0
    strength_n: float = 118.6
    divisor: float = 36.0
    goal: int = 8
    recovery: float = 0.6
    fatigue_per_set: float = 0.015
    stroke_m: float = 0.5
    band: SimulatedBand = field(
        default_factory=lambda: SimulatedBand(f100_n=97.0, rest_length_m=0.5, slack_m=-0.05)
    )
    pull_s: float = 1.5
    hold_s: float = 0.5
    return_s: float = 2.5
    pause_s: float = 0.6
    resting: bool = True
    _fatigue: float = 0.0
    _sets: int = 0

    def let_out(self, length_m: float) -> None:
        """Let so much band out of the hands; less than nothing takes it in. The start position stays."""
        self.band = replace(
            self.band,
            rest_length_m=self.band.rest_length_m + length_m,
            slack_m=self.band.slack_m + length_m,
        )

    def acts(self) -> Iterator[_Act]:
        """Do set after set, each when `resting` was cleared; what happens in one is decided as it begins."""
        while True:
            while self.resting:
                yield _Act(self._rest)
            yield _Act(self.do_set)
            self.resting = True

    def recover(self, *, fully: bool = False) -> None:
        """Leave behind what a rest takes away of the fatigue; after a night nothing is left of it."""
        self._fatigue *= 0.0 if fully else self.recovery

    def _rest(self) -> Performance:
        still = Move(_REST_S, _LET_GO)
        return self._performed(SimulatedPlan(self.stroke_m, (still,), start=_LET_GO), self._scenario())

    def do_set(self) -> Performance:
        """Take the band up, do repetitions until the goal or the limit, and let go."""
        self._sets += 1
        scenario = self._scenario()
        reps = tuple(self._reps(scenario.stream("variation")))
        self._fatigue += self.fatigue_per_set * len(reps) / self.goal
        parts: tuple[Move | RepPlan, ...] = (
            Move(_TO_AND_FRO_S, _LET_GO),
            Move(_TO_AND_FRO_S, 0.0),
            Move(_TO_AND_FRO_S, 0.0),
            *reps,
            Move(_TO_AND_FRO_S, _LET_GO),
        )
        return self._performed(SimulatedPlan(self.stroke_m, parts, start=_LET_GO, tremor=0.002), scenario)

    def _reps(self, variation: Generator) -> Iterator[RepPlan]:
        for _ in range(self._possible()):
            top = float(variation.normal(1.0, _RANGE_CV))
            usual_s = np.array([self.pull_s, self.hold_s, self.return_s, self.pause_s])
            yield RepPlan(top, 0.0, *(usual_s * variation.normal(1.0, _TEMPO_CV, 4)).tolist())

    def _possible(self) -> int:
        """Return how many repetitions the person can do now, 1 at least and the goal at most."""
        needed_n = float(self.band.equilibrium_n(self.band.elongation(np.array([self.stroke_m])))[0])
        able_n = self.strength_n * (1.0 - self._fatigue)
        return int(np.clip(self.divisor * (able_n / needed_n - 1.0), 1, self.goal))

    def _scenario(self) -> Scenario:
        """Return where the random streams of this set come from."""
        return Scenario(self.seed, reps=self.goal, set_index=self._sets)

    def _performed(self, plan: SimulatedPlan, scenario: Scenario) -> Performance:
        movement = perform(plan, DT_S, scenario.stream("movement"))
        elongation = self.band.elongation(movement.displacement_m)
        tension_n = self.band.tension_n(movement.displacement_m, DT_S)
        full = tuple(rep.full for rep in plan.reps)
        labels = true_reps(movement.time_s, tension_n, elongation, movement.spans, full)
        return Performance(
            scenario,
            self.band,
            plan,
            SimulatedSensor(),
            LinkLosses(),
            movement.time_s,
            np.asarray(movement.displacement_m),
            tension_n,
            labels,
        )


@dataclass(frozen=True, slots=True)
class _Act:
    """Something that is not decided before it begins."""

    perform: Callable[[], Performance]
    rate_hz: float = 80.0
