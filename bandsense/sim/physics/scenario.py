"""Named, seeded scenarios: a band, a person and a sensor with chosen disturbances, and the truth about them.

The same scenario gives the same samples, bit for bit. Every disturbance draws from its own random stream, so
that switching one on or off leaves everything else as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from bandsense.errors import ConfigError
from bandsense.language import Message
from bandsense.samples import BoolArray, FloatArray
from bandsense.sim.physics.band import SimulatedBand, released
from bandsense.sim.physics.distributions import RANGES, Draw, Ranges
from bandsense.sim.physics.disturbances import (
    CONTROLS,
    DISTURBANCES,
    LinkLosses,
    ScenarioDraft,
    hung_mass,
    slow_down_weak,
)
from bandsense.sim.physics.ground_truth import TrueRep, marked, true_reps
from bandsense.sim.physics.person import (
    EXERCISES,
    Move,
    Movement,
    RepPlan,
    SimulatedExercise,
    SimulatedPlan,
    perform,
)
from bandsense.sim.physics.sensor import Conversions, SimulatedSensor

__all__ = ["Performance", "Scenario", "SimulatedSet"]

DT_S = 1e-3
"""Grid of the physics: 1 kHz, three times the fastest sensor rate."""

_MIN_PEAK_N = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSet:
    """One recording of a set, and the truth.

    Attributes:
        time_s: device time of the samples that arrived.
        tension_n: measured tension by the sensor's nominal calibration.
        gap_before: where samples are missing.
        saturated: where the converter was at its end.
        displacement_m: hand from the start position at the same times.
        conversions: everything the sensor converted, also what never arrived.
        reps: the truth.
        performance: what physically happened, on a fine grid.
    """

    time_s: FloatArray
    tension_n: FloatArray
    gap_before: BoolArray
    saturated: BoolArray
    displacement_m: FloatArray
    conversions: Conversions
    reps: tuple[TrueRep, ...]
    performance: Performance


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """What physically happened, on a grid of 1 ms; a sensor samples it at any rate.

    Attributes:
        scenario: where it came from.
        band, plan, sensor, link: what was drawn.
        time_s, displacement_m, tension_n: the noise-free truth.
        reps: labels, before anything is lost on the way.
    """

    scenario: Scenario
    band: SimulatedBand
    plan: SimulatedPlan
    sensor: SimulatedSensor
    link: LinkLosses
    time_s: FloatArray
    displacement_m: FloatArray
    tension_n: FloatArray
    reps: tuple[TrueRep, ...]

    def convert(self, rate_hz: float) -> Conversions:
        """Everything the sensor converts at a nominal rate."""
        return self.sensor.convert(
            self.time_s, self.tension_n, rate_hz, self.scenario.stream(f"conversions at {rate_hz:g} Hz")
        )

    def sample(self, rate_hz: float) -> SimulatedSet:
        """Return the recording that reaches the host at a nominal rate."""
        made = self.convert(rate_hz)
        kept = self._arrived(made)
        at = made.device_time_us[kept] / 1e6
        skipped = np.diff(np.flatnonzero(kept), prepend=-1) > 1
        counts = made.counts[kept].astype(np.float64)
        return SimulatedSet(
            at,
            (counts - self.sensor.zero_count) * self.sensor.newton_per_count,
            made.gap_before[kept] | skipped,
            made.saturated[kept],
            np.interp(at, self.time_s, self.displacement_m),
            made,
            marked(self.reps, at),
            self,
        )

    def _arrived(self, made: Conversions) -> BoolArray:
        rng = self.scenario.stream("link")
        kept = np.ones(len(made), dtype=np.bool_)
        if self.link.loss:
            batches = -(-len(made) // self.link.batch)
            kept = np.repeat(rng.random(batches) >= self.link.loss, self.link.batch)[: len(made)]
        if self.link.outage_s:
            at = made.device_time_us / 1e6
            start = rng.uniform(0.2, 0.7) * float(at[-1])
            kept &= (at < start) | (at >= start + self.link.outage_s)
        return kept


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named, seeded situation.

    Attributes:
        seed: same seed, same samples.
        exercise: one of `EXERCISES`.
        reps: repetitions in the set.
        disturbances: names from `DISTURBANCES` that are switched on.
        rate_hz: nominal sample rate.
        ranges: what is drawn from.
        control: one of `CONTROLS` instead of a set.
        set_index: another set of the same person with the same band: the same habits, other repetitions.

    Raises:
        ConfigError: a name is unknown, or there is less than one repetition.
    """

    seed: int
    exercise: str = "seated-row"
    reps: int = 10
    disturbances: frozenset[str] = frozenset()
    rate_hz: float = 80.0
    ranges: Ranges = field(default_factory=lambda: RANGES)
    control: str | None = None
    set_index: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "disturbances", frozenset(self.disturbances))
        _known(self.disturbances, DISTURBANCES, "disturbance")
        _known({self.exercise}, EXERCISES, "exercise")
        _known({self.control} - {None}, CONTROLS, "control")
        if self.reps < 1:
            raise ConfigError(Message("a set needs at least one repetition, not {reps}", reps=self.reps))

    def stream(self, name: str) -> Generator:
        """Return the random stream of one purpose, a different one in every set."""
        return np.random.default_rng([self.seed, self.set_index, *name.encode()])

    def habit(self, name: str) -> Draw:
        """Draws that hold for all sets of this seed."""
        return Draw(self.ranges, np.random.default_rng([self.seed, *name.encode()]))

    def simulate(self) -> SimulatedSet:
        """Carry it out and sample it at `rate_hz`."""
        return self.perform().sample(self.rate_hz)

    def perform(self) -> Performance:
        """Carry it out."""
        setup = self._set_up()
        movement = perform(setup.plan, DT_S, self.stream("movement"))
        elongation = setup.band.elongation(movement.displacement_m)
        tension = setup.band.tension_n(movement.displacement_m, DT_S) + movement.added_n
        if self.control == "static_mass":
            tension = tension + hung_mass(movement.time_s, self._draw("static_mass"))
        snapped = setup.snap is not None and bool(movement.spans)
        if snapped and setup.snap:
            tension = _snapped(movement, tension, *setup.snap)
        reps = self._label(setup, movement, tension, elongation)
        if snapped:
            reps = (*reps[:-1], replace(reps[-1], ambiguous=True))
        return Performance(
            self,
            setup.band,
            setup.plan,
            setup.sensor,
            setup.link,
            movement.time_s,
            movement.displacement_m,
            tension,
            reps,
        )

    def _label(
        self, setup: ScenarioDraft, movement: Movement, tension: FloatArray, elongation: FloatArray
    ) -> tuple[TrueRep, ...]:
        sensor = setup.sensor
        seen = np.minimum(tension, (sensor.full_scale_n - sensor.offset_n) / sensor.gain)
        full = tuple(rep.full for rep in setup.plan.reps)
        return true_reps(movement.time_s, seen, elongation, movement.spans, full)

    def _draw(self, name: str) -> Draw:
        return Draw(self.ranges, self.stream(name))

    def _set_up(self) -> ScenarioDraft:
        exercise = EXERCISES[self.exercise]
        stroke_m = self.habit("stroke").between(exercise.stroke_m)
        band = _drawn_band(self.habit("band"), stroke_m)
        person, variation = self.habit("person"), self.stream("variation")
        plan = _drawn_plan(person, exercise, stroke_m, self.reps, variation)
        setup = ScenarioDraft(band, plan, SimulatedSensor(noise_n=self.habit("sensor").of("noise_n")))
        slow_down_weak(setup)
        if self.control is not None:
            parts = CONTROLS[self.control](setup, self._draw(self.control))
            setup.plan = replace(setup.plan, parts=parts)
        for name, disturbance in DISTURBANCES.items():
            if name in self.disturbances:
                disturbance.apply(setup, self._draw(name))
        return setup


def _known(
    names: set[str | None] | frozenset[str], known: Mapping[str, object] | tuple[str, ...], what: str
) -> None:
    unknown = sorted(str(name) for name in names if name not in known)
    if unknown:
        raise ConfigError(
            Message(
                "unknown {what} {unknown}; choose from {known}",
                what=what,
                unknown=", ".join(unknown),
                known=", ".join(known),
            )
        )


def _drawn_band(draw: Draw, stroke_m: float) -> SimulatedBand:
    low, high = draw.ranges["rest_length_m"]
    rest_length_m = float(np.clip(stroke_m / draw.of("peak_elongation"), low, high))
    strands = int(draw.rng.integers(1, 3))
    band = SimulatedBand(
        f100_n=draw.log("f100_n") / strands,
        rest_length_m=rest_length_m,
        exponent=draw.of("exponent"),
        strands=strands,
        slack_m=-draw.of("taut") * rest_length_m,
        energy_loss=draw.of("energy_loss"),
        lag=draw.of("lag"),
        lag_s=draw.of("lag_s"),
        relaxation_per_decade=draw.of("relaxation"),
    )
    top = float(band.equilibrium_n(band.elongation(np.array([stroke_m])))[0])
    return replace(band, f100_n=band.f100_n * max(1.0, _MIN_PEAK_N / top))


def _drawn_plan(
    draw: Draw, exercise: SimulatedExercise, stroke_m: float, reps: int, variation: Generator
) -> SimulatedPlan:
    tempo = draw.of("tempo")
    pull, hold = tempo * draw.between(exercise.pull_s), tempo * draw.between(exercise.hold_s)
    back, rest = tempo * draw.between(exercise.return_s), tempo * draw.between(exercise.rest_s)
    rom_cv, tempo_cv = draw.of("rom_cv"), draw.of("tempo_cv")
    pull_skew, return_skew = draw.of("skew"), draw.of("skew")

    def vary(value: float, cv: float) -> float:
        return value * float(np.clip(variation.normal(1.0, cv), 1.0 - 2.5 * cv, 1.0 + 2.5 * cv))

    planned = [
        RepPlan(
            vary(1.0, rom_cv),
            abs(float(variation.normal(0.0, 0.01))),
            vary(pull, tempo_cv),
            vary(hold, tempo_cv),
            vary(back, tempo_cv),
            vary(rest, tempo_cv),
            pull_skew,
            return_skew,
        )
        for _ in range(reps)
    ]
    lead = Move(draw.of("lead_s"), 0.0)
    tail = Move(draw.of("tail_s"), planned[-1].bottom)
    return SimulatedPlan(
        stroke_m, (lead, *planned, tail), tremor=draw.of("tremor"), tremor_hz=draw.of("tremor_hz")
    )


def _snapped(movement: Movement, tension: FloatArray, ring_hz: float, undershoot: float) -> FloatArray:
    first, last, _ = movement.spans[-1]
    top = first + int(np.argmax(tension[first : last + 1]))
    at_s = float(movement.time_s[top])
    return released(tension, movement.time_s, at_s, ring_hz=ring_hz, undershoot=undershoot)
