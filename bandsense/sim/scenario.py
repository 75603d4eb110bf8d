"""Named, seeded scenarios: a band, a person and a sensor with chosen disturbances, and the truth about them.

The same scenario gives the same samples, bit for bit. Every disturbance draws from its own random stream, so
that switching one on or off leaves everything else as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

from bandsense.errors import ConfigError
from bandsense.samples import BoolArray, FloatArray
from bandsense.sim.band import Band, released
from bandsense.sim.person import (
    EXERCISES,
    Bounce,
    Dip,
    Exercise,
    Move,
    Movement,
    Pause,
    Plan,
    RepPlan,
    Span,
    perform,
)
from bandsense.sim.sensor import Conversions, Sensor

__all__ = [
    "CONTROLS",
    "DISTURBANCES",
    "RANGES",
    "Disturbance",
    "Performance",
    "Ranges",
    "Scenario",
    "SimulatedSet",
    "Span",
    "Stage",
    "TrueRep",
    "marked",
    "true_reps",
]

DT_S = 1e-3
"""Grid of the physics: 1 kHz, three times the fastest sensor rate."""

PARTIAL_BELOW = 0.60
AMBIGUOUS_BELOW = 0.75
"""Share of the set's full range: below the first a repetition is partial, up to the second it may be."""

INVISIBLE_BELOW = 0.20
"""A movement that stretches the band by less than this share of the full range need not be seen at all."""

_HOLE_S = 0.25
"""A repetition with samples missing for longer than this is not scored: nobody can know what was there."""

_VALLEY_S = 0.5
"""The valleys of a repetition are the lowest points this close to its movement: tension that creeps through a
long rest belongs to no repetition."""

_MIN_PEAK_N = 15.0
_WEAK_BELOW_N = 25.0
_WEAK_PERIOD_S = 1.3
"""Weak and fast at once is what walking looks like (up to 15 N, 1.5–2.2 Hz); such sets are not simulated."""

Ranges = Mapping[str, tuple[float, float]]

RANGES: Ranges = MappingProxyType(
    {
        "f100_n": (15.0, 200.0),
        "exponent": (0.55, 0.72),
        "peak_elongation": (0.5, 1.5),
        "rest_length_m": (0.3, 1.5),
        "taut": (0.0, 0.05),
        "energy_loss": (0.05, 0.12),
        "lag": (0.03, 0.06),
        "lag_s": (0.3, 1.5),
        "relaxation": (0.02, 0.028),
        "lead_s": (1.0, 3.0),
        "tail_s": (1.0, 2.5),
        "rom_cv": (0.02, 0.04),
        "tempo": (0.85, 1.2),
        "tempo_cv": (0.03, 0.10),
        "skew": (-0.3, 0.3),
        "tremor": (0.001, 0.004),
        "noise_n": (0.005, 0.02),
        # disturbances
        "strong_lag": (0.06, 0.08),
        "strong_loss": (0.12, 0.15),
        "strong_relaxation": (0.028, 0.03),
        "softening": (0.03, 0.06),
        "temperature_k": (-15.0, 15.0),
        "slack": (0.03, 0.15),
        "never_slack": (0.08, 0.30),
        "strong_skew": (0.4, 0.8),
        "strong_rom_cv": (0.05, 0.08),
        "fatigue": (0.10, 0.25),
        "fatigue_slowing": (0.2, 0.6),
        "partial_rom": (0.25, 0.70),
        "sag": (0.08, 0.30),
        "sag_s": (0.3, 0.9),
        "pause_at": (0.3, 0.7),
        "pause_s": (0.2, 0.8),
        "bounce": (0.02, 0.06),
        "bounce_hz": (2.0, 4.0),
        "no_full_return": (0.10, 0.40),
        "rest_creep": (0.03, 0.12),
        "set_up": (0.10, 0.35),
        "set_up_s": (0.3, 0.9),
        "steps_n": (3.0, 15.0),
        "steps_hz": (1.5, 2.2),
        "walk_s": (4.0, 12.0),
        "regrip": (-0.12, 0.12),
        "blow_n": (20.0, 80.0),
        "tug_n": (10.0, 40.0),
        "ring_hz": (10.0, 40.0),
        "undershoot": (0.05, 0.25),
        "second_user": (0.85, 1.25),
        "arms": (0.02, 0.10),
        "strong_tremor": (0.008, 0.02),
        "tremor_hz": (7.0, 11.0),
        "fast_s": (0.35, 0.55),
        "slow_s": (2.0, 3.0),
        "slow_return_s": (2.5, 5.0),
        "long_hold_s": (2.0, 5.0),
        "long_rest_s": (1.5, 3.0),
        "strong_noise_n": (0.05, 0.10),
        "pink_n": (0.03, 0.10),
        "drift_n_per_s": (0.01, 0.10),
        "temperature_drift_n_per_s": (-0.03, 0.03),
        "span_error": (-0.05, 0.05),
        "off_axis_rad": (0.05, 0.25),
        "full_scale": (0.80, 0.97),
        "spikes_per_min": (3.0, 20.0),
        "stuck_s": (0.05, 0.25),
        "missed": (0.01, 0.06),
        "rate_error": (0.02, 0.05),
        "offset_n": (-20.0, 20.0),
        "dip_n": (0.3, 1.5),
        "loss": (0.02, 0.10),
        "outage_s": (1.0, 5.0),
        "mass_n": (20.0, 150.0),
        "isometric_s": (16.0, 40.0),
        "shift_n": (1.0, 6.0),
    }
)
"""What people, bands and sensors were drawn from; the science behind each is in the project's notes."""


class Stage(Enum):
    """Where on the way from hand to host a disturbance acts."""

    BAND = "band"
    PERSON = "person"
    SENSOR = "sensor"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class _Link:
    """What is lost on the way: bursts of batches, and one outage."""

    loss: float = 0.0
    batch: int = 8
    outage_s: float = 0.0


@dataclass(slots=True)
class _Setup:
    """A scenario being put together; disturbances change it."""

    exercise: Exercise
    band: Band
    plan: Plan
    sensor: Sensor
    link: _Link = field(default_factory=_Link)
    snap: tuple[float, float] | None = None


class _Draw:
    """Random numbers from named ranges."""

    def __init__(self, ranges: Ranges, rng: Generator) -> None:
        self.ranges = ranges
        self.rng = rng

    def of(self, name: str) -> float:
        return self.between(self.ranges[name])

    def log(self, name: str) -> float:
        low, high = self.ranges[name]
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def between(self, bounds: tuple[float, float]) -> float:
        return float(self.rng.uniform(*bounds))

    def sign(self) -> float:
        return float(self.rng.choice([-1.0, 1.0]))

    def some(self, n: int, share: tuple[float, float]) -> set[int]:
        """At least one of n indices, a share of them, never the first two where there are more."""
        first = min(2, n - 1)
        candidates = np.arange(first, n)
        size = min(candidates.size, max(1, round(self.between(share) * n)))
        return set(self.rng.choice(candidates, size, replace=False).tolist())


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that makes a set harder to read.

    Attributes:
        name: its switch.
        stage: where it acts.
        description: one line for people.
        apply: changes a scenario that is being put together.
    """

    name: str
    stage: Stage
    description: str
    apply: Callable[[_Setup, _Draw], None]


_REGISTRY: dict[str, Disturbance] = {}

DISTURBANCES: Mapping[str, Disturbance] = MappingProxyType(_REGISTRY)
"""Every disturbance by its name."""


def _disturbance(
    stage: Stage, description: str
) -> Callable[[Callable[[_Setup, _Draw], None]], Callable[[_Setup, _Draw], None]]:
    def register(apply: Callable[[_Setup, _Draw], None]) -> Callable[[_Setup, _Draw], None]:
        name = apply.__name__.strip("_")
        _REGISTRY[name] = Disturbance(name, stage, description, apply)
        return apply

    return register


_band = partial(_disturbance, Stage.BAND)
_person = partial(_disturbance, Stage.PERSON)
_sensor = partial(_disturbance, Stage.SENSOR)
_lossy = partial(_disturbance, Stage.LINK)


@_band("the band follows with a strong visco-elastic lag")
def _lag(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, lag=draw.of("strong_lag"), lag_s=draw.of("lag_s"))


@_band("loading and unloading differ at the upper end of what bands do")
def _hysteresis(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, energy_loss=draw.of("strong_loss"))


@_band("tension fades in holds at the upper end of what rubber does")
def _relaxation(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, relaxation_per_decade=draw.of("strong_relaxation"))


@_band("a new band softens over the first repetitions")
def _softening(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, softening=draw.of("softening"))


@_band("the band is colder or warmer than when it was calibrated")
def _temperature(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, temperature_k=draw.of("temperature_k"))


@_band("the band goes slack at the bottom of every repetition")
def _slack(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, slack_m=draw.of("slack") * setup.band.rest_length_m)


@_band("the band is stretched from before the first to after the last repetition")
def _never_slack(setup: _Setup, draw: _Draw) -> None:
    setup.band = replace(setup.band, slack_m=-draw.of("never_slack") * setup.plan.stroke_m)


@_person("much faster at one end of each movement than at the other")
def _asymmetric_tempo(setup: _Setup, draw: _Draw) -> None:
    pull, back = draw.sign() * draw.of("strong_skew"), draw.sign() * draw.of("strong_skew")
    _change_reps(setup, lambda _, rep: replace(rep, pull_skew=pull, return_skew=back))


@_person("range of motion varies from repetition to repetition")
def _rom_variability(setup: _Setup, draw: _Draw) -> None:
    cv = draw.of("strong_rom_cv")
    _change_reps(setup, lambda _, rep: replace(rep, top=rep.top * max(0.8, draw.rng.normal(1.0, cv))))


@_person("range shrinks and pulls slow down towards the end")
def _fatigue(setup: _Setup, draw: _Draw) -> None:
    loss, slowing = draw.of("fatigue"), draw.of("fatigue_slowing")
    last = max(1, len(setup.plan.reps) - 1)

    def tire(i: int, rep: RepPlan) -> RepPlan:
        done = i / last
        return replace(rep, top=rep.top * (1.0 - loss * done), pull_s=rep.pull_s * (1.0 + slowing * done**2))

    _change_reps(setup, tire)


@_person("some repetitions after the second go only part of the way")
def _partial_reps(setup: _Setup, draw: _Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.1, 0.3))

    def shorten(i: int, rep: RepPlan) -> RepPlan:
        if i not in chosen:
            return rep
        share = draw.of("partial_rom")
        top = rep.bottom + share * (rep.top - rep.bottom)
        quicker = share**0.5
        return replace(rep, top=top, full=False, pull_s=rep.pull_s * quicker, return_s=rep.return_s * quicker)

    _change_reps(setup, shorten)


@_person("the hand gives way at the top and pulls again")
def _double_peak(setup: _Setup, draw: _Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.2, 0.6))

    def sag(i: int, rep: RepPlan) -> RepPlan:
        if i not in chosen:
            return rep
        depth = 1.0 - (1.0 - draw.of("sag")) ** (1.0 / setup.band.exponent)
        return replace(rep, dip=Dip(min(depth, 0.4), draw.of("sag_s")))

    _change_reps(setup, sag)


@_person("the pull stops on the way and goes on")
def _pull_pause(setup: _Setup, draw: _Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.2, 0.6))

    def pause(i: int, rep: RepPlan) -> RepPlan:
        return replace(rep, pause=Pause(draw.of("pause_at"), draw.of("pause_s"))) if i in chosen else rep

    _change_reps(setup, pause)


@_person("the hand springs back at the bottom")
def _bounce(setup: _Setup, draw: _Draw) -> None:
    def bounce(_: int, rep: RepPlan) -> RepPlan:
        spring = Bounce(draw.of("bounce"), draw.of("bounce_hz"))
        return replace(rep, bounce=spring, rest_s=max(rep.rest_s, 0.6))

    _change_reps(setup, bounce)


@_person("pulls start with a jerk")
def _jerk_start(setup: _Setup, draw: _Draw) -> None:
    _change_reps(
        setup, lambda _, rep: replace(rep, pull_skew=0.9, pull_s=rep.pull_s * draw.between((0.6, 0.9)))
    )


@_person("the return stops short, more so towards the end")
def _no_full_return(setup: _Setup, draw: _Draw) -> None:
    share = draw.of("no_full_return") ** (1.0 / setup.band.exponent)
    last = max(1, len(setup.plan.reps) - 1)
    _change_reps(setup, lambda i, rep: replace(rep, bottom=rep.bottom + share * i / last))


@_person("the start position creeps towards the pull during the set")
def _rest_creep(setup: _Setup, draw: _Draw) -> None:
    creep = draw.of("rest_creep")
    last = max(1, len(setup.plan.reps) - 1)
    _change_reps(
        setup,
        lambda i, rep: replace(rep, bottom=rep.bottom + creep * i / last, top=rep.top + creep * i / last),
    )


@_person("small pulls to find the place before the first repetition")
def _set_up(setup: _Setup, draw: _Draw) -> None:
    moves: list[Move] = []
    for _ in range(int(draw.rng.integers(1, 4))):
        there, back = draw.of("set_up"), draw.between((0.0, 0.03))
        moves += [Move(draw.of("set_up_s"), there), Move(draw.of("set_up_s"), back)]
        moves.append(Move(draw.between((0.1, 0.6)), back))
    moves.append(Move(draw.between((0.8, 2.0)), setup.plan.start))
    _before(setup, moves)


@_person("the handle is picked up loose and the band taken up before the set")
def _take_up(setup: _Setup, draw: _Draw) -> None:
    loose = -(setup.band.rest_length_m * 0.05 - min(setup.band.slack_m, 0.0)) / setup.plan.stroke_m
    start = setup.plan.start
    moves = [Move(draw.between((0.5, 2.0)), loose), Move(draw.between((0.5, 1.5)), start)]
    moves.append(Move(draw.between((0.8, 2.0)), start))
    setup.plan = replace(setup.plan, start=loose, parts=(*moves, *setup.plan.parts))


@_person("walking to the place and away with the handle in the hand")
def _walking(setup: _Setup, draw: _Draw) -> None:
    start = setup.plan.start
    walk = [Move(draw.of("walk_s"), start, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz"))]
    _before(setup, [*walk, Move(draw.between((0.8, 2.0)), start)])
    end = _end(setup.plan)
    away = Move(draw.of("walk_s"), end, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz"))
    setup.plan = replace(setup.plan, parts=(*setup.plan.parts, away))


@_person("the grip changes in mid-set and with it the rest tension")
def _regrip(setup: _Setup, draw: _Draw) -> None:
    _shift_second_half(setup, draw, draw.of("regrip"), draw.between((0.5, 1.5)))


@_person("a pause in the middle to change the slack")
def _slack_change(setup: _Setup, draw: _Draw) -> None:
    _shift_second_half(setup, draw, draw.sign() * draw.between((0.05, 0.15)), draw.between((4.0, 8.0)))


@_person("the handle is put down hard after the set")
def _put_down(setup: _Setup, draw: _Draw) -> None:
    floor = -abs(setup.band.slack_m) / setup.plan.stroke_m - 0.1
    moves = [Move(0.6, floor), Move(0.3, floor, blow_n=draw.of("blow_n")), Move(2.0, floor)]
    setup.plan = replace(setup.plan, parts=(*setup.plan.parts, *moves))


@_person("the band snaps or slips off at the top of the last repetition")
def _snap(setup: _Setup, draw: _Draw) -> None:
    setup.snap = (draw.of("ring_hz"), draw.of("undershoot"))


@_person("somebody trips over the band between two repetitions")
def _tug(setup: _Setup, draw: _Draw) -> None:
    here = int(draw.rng.integers(0, len(setup.plan.parts)))
    at = _position_after(setup.plan, here)
    blow = (Move(0.3, at), Move(0.3, at, blow_n=draw.of("tug_n")), Move(0.3, at))
    parts = setup.plan.parts
    setup.plan = replace(setup.plan, parts=(*parts[: here + 1], *blow, *parts[here + 1 :]))


@_person("another person goes on with another range and tempo")
def _second_user(setup: _Setup, draw: _Draw) -> None:
    reach, tempo = draw.of("second_user"), draw.between((0.7, 1.4))
    half = len(setup.plan.reps) // 2

    def other(i: int, rep: RepPlan) -> RepPlan:
        if i < half:
            return rep
        return replace(rep, top=rep.top * reach, pull_s=rep.pull_s * tempo, return_s=rep.return_s * tempo)

    _change_reps(setup, other)
    _shift_second_half(setup, draw, 0.0, draw.between((3.0, 6.0)))


@_person("left and right arm in turn, one stronger")
def _alternating_arms(setup: _Setup, draw: _Draw) -> None:
    half = draw.of("arms") / 2
    _change_reps(setup, lambda i, rep: replace(rep, top=rep.top * (1.0 + (half if i % 2 else -half))))


@_person("tremor of 7 to 11 Hz")
def _tremor(setup: _Setup, draw: _Draw) -> None:
    setup.plan = replace(setup.plan, tremor=draw.of("strong_tremor"), tremor_hz=draw.of("tremor_hz"))


@_person("fast repetitions without holds")
def _fast(setup: _Setup, draw: _Draw) -> None:
    pull, back = draw.of("fast_s"), draw.of("fast_s")
    rest = draw.between((0.0, 0.2))
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=pull, hold_s=0.0, return_s=back, rest_s=rest))
    _slow_down_weak(setup)


@_person("slow repetitions")
def _slow(setup: _Setup, draw: _Draw) -> None:
    pull, back = draw.of("slow_s"), draw.of("slow_return_s")
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=pull, return_s=back))


@_person("holds of several seconds at the top")
def _long_hold(setup: _Setup, draw: _Draw) -> None:
    hold = draw.of("long_hold_s")
    _change_reps(setup, lambda _, rep: replace(rep, hold_s=hold))


@_person("rests of several seconds at the bottom")
def _long_rest(setup: _Setup, draw: _Draw) -> None:
    rest = draw.of("long_rest_s")
    _change_reps(setup, lambda _, rep: replace(rep, rest_s=rest))


@_person("out and back alike, without hold or rest")
def _equal_in_out(setup: _Setup, draw: _Draw) -> None:
    time_s = draw.between((0.7, 1.5))
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=time_s, hold_s=0.0, return_s=time_s, rest_s=0.0))


@_sensor("white noise of 0.05 to 0.1 N")
def _noise(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, noise_n=draw.of("strong_noise_n"))


@_sensor("1/f noise")
def _pink_noise(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, pink_n=draw.of("pink_n"))


@_sensor("the zero drifts while the sensor warms up")
def _warm_up_drift(setup: _Setup, draw: _Draw) -> None:
    tau = draw.between((20.0, 90.0))
    drift = draw.sign() * draw.of("drift_n_per_s") * tau
    setup.sensor = replace(setup.sensor, warm_up_n=drift, warm_up_s=tau)


@_sensor("the zero follows a changing temperature")
def _temperature_ramp(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, drift_n_per_s=draw.of("temperature_drift_n_per_s"))


@_sensor("the span is off by up to 5 %")
def _span_error(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, span_error=draw.of("span_error"))


@_sensor("the sensor hangs at an angle to the band")
def _off_axis(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, off_axis_rad=draw.of("off_axis_rad"))


@_sensor("the strongest pulls are beyond the converter's range")
def _saturation(setup: _Setup, draw: _Draw) -> None:
    top = setup.band.equilibrium_n(setup.band.elongation(np.array([setup.plan.stroke_m])))
    setup.sensor = replace(setup.sensor, full_scale_n=draw.of("full_scale") * float(top[0]))


@_sensor("single conversions are wildly wrong")
def _spikes(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, spikes_per_min=draw.of("spikes_per_min"))


@_sensor("the code freezes for a moment")
def _stuck(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, stuck_per_min=10.0, stuck_s=draw.of("stuck_s"))


@_sensor("some conversions are never made")
def _missed(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, missed=draw.of("missed"))


@_sensor("the true rate is up to 5 % off the nominal one")
def _rate_error(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, rate_error=draw.sign() * draw.of("rate_error"))


@_sensor("the converter's own low-pass filter, 18 Hz at 80 samples a second")
def _adc_filter(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, corner_hz=18.0)


@_sensor("the zero was never set")
def _offset(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, offset_n=draw.of("offset_n"))


@_sensor("the supply dips for a tenth of a second now and then")
def _battery_dip(setup: _Setup, draw: _Draw) -> None:
    setup.sensor = replace(setup.sensor, dip_n=draw.sign() * draw.of("dip_n"), dips_per_min=6.0)


@_lossy("up to 10 % of the notifications never arrive")
def _burst_loss(setup: _Setup, draw: _Draw) -> None:
    setup.link = replace(setup.link, loss=draw.of("loss"), batch=int(draw.rng.integers(1, 9)))


@_lossy("the link drops once and comes back seconds later")
def _link_drop(setup: _Setup, draw: _Draw) -> None:
    setup.link = replace(setup.link, outage_s=0.42 + draw.of("outage_s"))


def _change_reps(setup: _Setup, change: Callable[[int, RepPlan], RepPlan]) -> None:
    setup.plan = replace(setup.plan, parts=setup.plan.map_reps(change))


def _before(setup: _Setup, moves: list[Move]) -> None:
    setup.plan = replace(setup.plan, parts=(*moves, *setup.plan.parts))


def _position_after(plan: Plan, index: int) -> float:
    part = plan.parts[index]
    return part.to if isinstance(part, Move) else part.bottom


def _end(plan: Plan) -> float:
    return _position_after(plan, len(plan.parts) - 1)


def _shift_second_half(setup: _Setup, draw: _Draw, offset: float, pause_s: float) -> None:
    """Insert a pause in the middle of the set and shift all positions after it."""
    reps = [i for i, part in enumerate(setup.plan.parts) if isinstance(part, RepPlan)]
    if len(reps) < 2:
        return
    cut = reps[len(reps) // 2]
    before = setup.plan.parts[:cut]
    at = _position_after(setup.plan, cut - 1)
    low = min(0.0, at - 0.05)
    gap = (Move(0.3, low), Move(pause_s, low), Move(0.3, at + offset), Move(0.6, at + offset))

    def shifted(part: Move | RepPlan) -> Move | RepPlan:
        if isinstance(part, Move):
            return replace(part, to=part.to + offset)
        return replace(part, top=part.top + offset, bottom=part.bottom + offset)

    setup.plan = replace(setup.plan, parts=(*before, *gap, *map(shifted, setup.plan.parts[cut:])))


def _slow_down_weak(setup: _Setup) -> None:
    """Stretch the tempo of sets so weak that they would look like walking."""
    peak = float(setup.band.equilibrium_n(setup.band.elongation(np.array([setup.plan.stroke_m])))[0])
    if peak >= _WEAK_BELOW_N:
        return

    def slower(_: int, rep: RepPlan) -> RepPlan:
        factor = max(1.0, _WEAK_PERIOD_S / (rep.duration_s + rep.rest_s))
        return replace(rep, pull_s=rep.pull_s * factor, return_s=rep.return_s * factor)

    _change_reps(setup, slower)


Control = Callable[[_Setup, _Draw], tuple[Move, ...]]


def _walking_control(setup: _Setup, draw: _Draw) -> tuple[Move, ...]:
    walks = (Move(30.0, 0.0, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz")) for _ in range(10))
    return (Move(2.0, 0.0), *walks, Move(2.0, 0.0))


def _isometric_control(setup: _Setup, draw: _Draw) -> tuple[Move, ...]:
    hold = draw.between((0.5, 1.0))
    moves = [Move(2.0, 0.0), Move(1.0, hold)]
    left_s = draw.of("isometric_s")
    while left_s > 0.0:
        step_s = min(left_s, draw.between((0.8, 2.5)))
        moves.append(Move(step_s, hold * float(draw.rng.normal(1.0, 0.015))))
        left_s -= step_s
    return (*moves, Move(1.0, 0.0), Move(3.0, 0.0))


def _empty_control(setup: _Setup, draw: _Draw) -> tuple[Move, ...]:
    setup.band = replace(setup.band, slack_m=10.0)
    return (Move(60.0, 0.0),)


def _posture_control(setup: _Setup, draw: _Draw) -> tuple[Move, ...]:
    """Standing with the band taut and shifting weight by a few newtons."""
    band = setup.band
    setup.band = replace(band, slack_m=-0.1 * band.rest_length_m)
    slope = band.exponent * float(setup.band.equilibrium_n(np.array([0.1]))[0]) / 0.1
    stroke = setup.plan.stroke_m
    moves = [Move(2.0, -0.15 * band.rest_length_m / stroke), Move(1.2, 0.0), Move(2.0, 0.0)]
    for _ in range(12):
        to = draw.of("shift_n") / slope * band.rest_length_m / stroke
        moves += [Move(draw.between((0.4, 1.5)), to), Move(draw.between((0.5, 3.0)), to)]
        moves += [Move(draw.between((0.4, 1.5)), 0.0), Move(draw.between((0.5, 4.0)), 0.0)]
    return tuple(moves)


_CONTROLS: dict[str, Control] = {
    "walking": _walking_control,
    "isometric_hold": _isometric_control,
    "empty": _empty_control,
    "posture": _posture_control,
    "static_mass": _empty_control,
}

CONTROLS: tuple[str, ...] = tuple(_CONTROLS)
"""What a person may do instead of a set; none of it is a repetition."""


def _hung_mass(time_s: FloatArray, draw: _Draw) -> FloatArray:
    """A mass hung on after 5 s, swinging, and taken off 5 s before the end."""
    weight, swing_hz = draw.of("mass_n"), draw.between((0.5, 1.0))
    since = time_s - 5.0
    swing = 0.04 * np.exp(-np.maximum(since, 0.0) / 8.0) * np.sin(4.0 * np.pi * swing_hz * since)
    rise = np.clip(since / 0.4, 0.0, 1.0)
    fall = np.clip((time_s[-1] - 5.0 - time_s) / 0.3, 0.0, 1.0)
    hung: FloatArray = weight * rise * fall * (1.0 + swing)
    return hung


@dataclass(frozen=True, slots=True)
class TrueRep:
    """The truth about one repetition; times are 10 % and 90 % crossings of the noise-free tension.

    Attributes:
        pull_start_s: last rise through 10 % of the repetition's own rise before `hold_start_s`.
        hold_start_s: first rise through 90 % of its own rise.
        return_start_s: last fall through 90 % of its own fall.
        end_s: first fall through 10 % of its own fall after that.
        peak_s: time of the largest tension.
        peak_n: largest tension.
        share: range over the set's full range, both as elongation of the band.
        partial: share below 60 %.
        ambiguous: not to be scored: share of 60–75 % or too small to see, samples missing, band snapped.
    """

    pull_start_s: float
    hold_start_s: float
    return_start_s: float
    end_s: float
    peak_s: float
    peak_n: float
    share: float
    partial: bool
    ambiguous: bool

    @property
    def middle_s(self) -> float:
        """Middle of the plateau."""
        return (self.hold_start_s + self.return_start_s) / 2


def true_reps(
    time_s: FloatArray,
    tension_n: FloatArray,
    elongation: FloatArray,
    spans: tuple[Span, ...],
    full: tuple[bool, ...],
) -> tuple[TrueRep, ...]:
    """Label repetitions from what physically happened.

    Args:
        time_s: uniform grid.
        tension_n: noise-free tension.
        elongation: elongation of the band.
        spans: where the repetitions are.
        full: whether each was meant to be a full one.
    """
    ranges = np.array([float(np.ptp(elongation[span.first : span.last + 1])) for span in spans])
    meant = ranges[np.array(full, dtype=bool)] if any(full) else ranges
    whole = float(np.median(meant)) if meant.size else 1.0
    return tuple(
        _true_rep(time_s, tension_n, spans, i, float(ranges[i]) / max(whole, 1e-9)) for i in range(len(spans))
    )


def _true_rep(
    time_s: FloatArray, tension_n: FloatArray, spans: tuple[Span, ...], i: int, share: float
) -> TrueRep:
    first, last = spans[i]
    margin = round(_VALLEY_S / float(time_s[1] - time_s[0]))
    start = max(first - margin, spans[i - 1].last if i else 0)
    stop = min(last + margin, spans[i + 1].first if i + 1 < len(spans) else time_s.size - 1)
    top = first + int(np.argmax(tension_n[first : last + 1]))
    up, down = tension_n[start : top + 1], tension_n[top : stop + 1]
    peak = float(tension_n[top])
    rise, fall = peak - float(up.min()), peak - float(down.min())
    hold_start = int(np.argmax(up >= peak - 0.1 * rise))
    pull_start = int(np.flatnonzero(up[: hold_start + 1] < peak - 0.9 * rise)[-1]) + 1 if hold_start else 0
    return_start = int(np.flatnonzero(down >= peak - 0.1 * fall)[-1])
    end = return_start + int(np.argmax(down[return_start:] <= peak - 0.9 * fall))
    return TrueRep(
        float(time_s[start + pull_start]),
        float(time_s[start + hold_start]),
        float(time_s[top + return_start]),
        float(time_s[top + end]),
        float(time_s[top]),
        peak,
        share,
        share < PARTIAL_BELOW,
        share < INVISIBLE_BELOW or PARTIAL_BELOW <= share < AMBIGUOUS_BELOW,
    )


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSet:
    """One recording of a set, and the truth.

    Attributes:
        time_s: device time of the samples that arrived.
        tension_n: measured tension by the sensor's nominal calibration.
        gap_before: where samples are missing.
        saturated: where the converter was at its end.
        true_tension_n: tension of the band at the same times.
        displacement_m: hand from the start position at the same times.
        conversions: everything the sensor converted, also what never arrived.
        reps: the truth.
        performance: what physically happened, on a fine grid.
    """

    time_s: FloatArray
    tension_n: FloatArray
    gap_before: BoolArray
    saturated: BoolArray
    true_tension_n: FloatArray
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
    band: Band
    plan: Plan
    sensor: Sensor
    link: _Link
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
        """The recording that reaches the host at a nominal rate."""
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
            np.interp(at, self.time_s, self.tension_n),
            np.interp(at, self.time_s, self.displacement_m),
            made,
            tuple(marked(rep, at) for rep in self.reps),
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


def marked(rep: TrueRep, at: FloatArray) -> TrueRep:
    """The repetition, ambiguous where a hole in the samples touches it."""
    inside = at[(at > rep.pull_start_s - 0.1) & (at < rep.end_s + 0.1)]
    edges = np.concatenate(([rep.pull_start_s - 0.1], inside, [rep.end_s + 0.1]))
    return replace(rep, ambiguous=rep.ambiguous or bool(np.diff(edges).max() > _HOLE_S))


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
    exercise: str = "seated_row"
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
            raise ConfigError(f"a set needs at least one repetition, not {self.reps}")

    def stream(self, name: str) -> Generator:
        """The random stream of one purpose, other in every set."""
        return np.random.default_rng([self.seed, self.set_index, *name.encode()])

    def habit(self, name: str) -> _Draw:
        """Draws that hold for all sets of this seed."""
        return _Draw(self.ranges, np.random.default_rng([self.seed, *name.encode()]))

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
            tension = tension + _hung_mass(movement.time_s, self._draw("static_mass"))
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
        self, setup: _Setup, movement: Movement, tension: FloatArray, elongation: FloatArray
    ) -> tuple[TrueRep, ...]:
        seen = np.minimum(tension, setup.sensor.full_scale_n / setup.sensor.gain)  # a clipped peak is flat
        full = tuple(rep.full for rep in setup.plan.reps)
        return true_reps(movement.time_s, seen, elongation, movement.spans, full)

    def _draw(self, name: str) -> _Draw:
        return _Draw(self.ranges, self.stream(name))

    def _set_up(self) -> _Setup:
        exercise = EXERCISES[self.exercise]
        stroke_m = self.habit("stroke").between(exercise.stroke_m)
        band = _drawn_band(self.habit("band"), stroke_m)
        person, variation = self.habit("person"), self.stream("variation")
        plan = _drawn_plan(person, exercise, stroke_m, self.reps, variation)
        setup = _Setup(exercise, band, plan, Sensor(noise_n=self.habit("sensor").of("noise_n")))
        _slow_down_weak(setup)
        if self.control is not None:
            parts = _CONTROLS[self.control](setup, self._draw(self.control))
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
        raise ConfigError(f"unknown {what} {', '.join(unknown)}; choose from {', '.join(known)}")


def _drawn_band(draw: _Draw, stroke_m: float) -> Band:
    low, high = draw.ranges["rest_length_m"]
    rest_length_m = float(np.clip(stroke_m / draw.of("peak_elongation"), low, high))
    band = Band(
        f100_n=draw.log("f100_n"),
        rest_length_m=rest_length_m,
        exponent=draw.of("exponent"),
        strands=int(draw.rng.integers(1, 3)),
        slack_m=-draw.of("taut") * rest_length_m,
        energy_loss=draw.of("energy_loss"),
        lag=draw.of("lag"),
        lag_s=draw.of("lag_s"),
        relaxation_per_decade=draw.of("relaxation"),
    )
    top = float(band.equilibrium_n(band.elongation(np.array([stroke_m])))[0])
    return replace(band, f100_n=band.f100_n * max(1.0, _MIN_PEAK_N / top))


def _drawn_plan(draw: _Draw, exercise: Exercise, stroke_m: float, reps: int, variation: Generator) -> Plan:
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
    return Plan(stroke_m, (lead, *planned, tail), tremor=draw.of("tremor"), tremor_hz=draw.of("tremor_hz"))


def _snapped(movement: Movement, tension: FloatArray, ring_hz: float, undershoot: float) -> FloatArray:
    first, last = movement.spans[-1]
    top = first + int(np.argmax(tension[first : last + 1]))
    at_s = float(movement.time_s[top])
    return released(tension, movement.time_s, at_s, ring_hz=ring_hz, undershoot=undershoot)
