"""Everything that makes a set harder to read, each with a name, and what people do that is no set at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np

from bandsense.language import mark
from bandsense.samples import FloatArray
from bandsense.sim.physics.band import SimulatedBand
from bandsense.sim.physics.distributions import Draw
from bandsense.sim.physics.person import Bounce, Dip, Move, Pause, RepPlan, SimulatedPlan
from bandsense.sim.physics.sensor import SimulatedSensor

__all__ = [
    "CONTROLS",
    "DISTURBANCES",
    "Control",
    "Disturbance",
    "LinkLosses",
    "ScenarioDraft",
    "Stage",
    "hung_mass",
    "slow_down_weak",
]

_CELL_N = 490.0
"""End of a 50 kg cell."""

_WEAK_BELOW_N = 25.0
_WEAK_PERIOD_S = 1.3
"""Weak and fast at once is what walking looks like (up to 15 N, 1.5–2.2 Hz); such sets are not simulated."""


class Stage(Enum):
    """Where on the way from hand to host a disturbance acts."""

    BAND = mark("band")
    PERSON = mark("person")
    SENSOR = mark("sensor")
    LINK = mark("link")


@dataclass(frozen=True, slots=True)
class LinkLosses:
    """What is lost on the way: bursts of batches, and one outage."""

    loss: float = 0.0
    batch: int = 8
    outage_s: float = 0.0


@dataclass(slots=True)
class ScenarioDraft:
    """A scenario being put together; disturbances change it."""

    band: SimulatedBand
    plan: SimulatedPlan
    sensor: SimulatedSensor
    link: LinkLosses = field(default_factory=LinkLosses)
    snap: tuple[float, float] | None = None


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
    apply: Callable[[ScenarioDraft, Draw], None]


_REGISTRY: dict[str, Disturbance] = {}

DISTURBANCES: Mapping[str, Disturbance] = MappingProxyType(_REGISTRY)
"""Every disturbance by its name."""


def _disturbance(
    stage: Stage, description: str
) -> Callable[[Callable[[ScenarioDraft, Draw], None]], Callable[[ScenarioDraft, Draw], None]]:
    def register(apply: Callable[[ScenarioDraft, Draw], None]) -> Callable[[ScenarioDraft, Draw], None]:
        name = apply.__name__.strip("_")
        _REGISTRY[name] = Disturbance(name, stage, description, apply)
        return apply

    return register


def _drawn(part: Literal["band", "sensor"], name: str, description: str, **keys: str) -> None:
    """Add a disturbance that only gives attributes of the band or the sensor drawn values, by their keys."""

    def apply(setup: ScenarioDraft, draw: Draw) -> None:
        values = {attribute: draw.of(key) for attribute, key in keys.items()}
        setattr(setup, part, replace(getattr(setup, part), **values))

    _REGISTRY[name] = Disturbance(name, Stage(part), description, apply)


_band = partial(_disturbance, Stage.BAND)
_person = partial(_disturbance, Stage.PERSON)
_sensor = partial(_disturbance, Stage.SENSOR)
_lossy = partial(_disturbance, Stage.LINK)


_drawn(
    "band", "lag", mark("the band follows with a strong visco-elastic lag"), lag="strong_lag", lag_s="lag_s"
)
_drawn(
    "band",
    "hysteresis",
    mark("loading and unloading differ at the upper end of what bands do"),
    energy_loss="strong_loss",
)
_drawn(
    "band",
    "relaxation",
    mark("tension fades in holds at the upper end of what rubber does"),
    relaxation_per_decade="strong_relaxation",
)
_drawn("band", "softening", mark("a new band softens over the first repetitions"), softening="softening")
_drawn(
    "band",
    "temperature",
    mark("the band is colder or warmer than when it was calibrated"),
    temperature_k="temperature_k",
)


@_band(mark("the band goes slack at the bottom of every repetition"))
def _slack(setup: ScenarioDraft, draw: Draw) -> None:
    setup.band = replace(setup.band, slack_m=draw.of("slack") * setup.band.rest_length_m)


@_band(mark("the band is stretched from before the first to after the last repetition"))
def _never_slack(setup: ScenarioDraft, draw: Draw) -> None:
    setup.band = replace(setup.band, slack_m=-draw.of("never_slack") * setup.plan.stroke_m)


@_band(mark("the strongest pulls are beyond the range of a 50 kg sensor"))
def _saturation(setup: ScenarioDraft, draw: Draw) -> None:
    top = float(setup.band.equilibrium_n(setup.band.elongation(np.array([setup.plan.stroke_m])))[0])
    stronger = _CELL_N / draw.of("full_scale") / top
    setup.band = replace(setup.band, f100_n=stronger * setup.band.f100_n)
    setup.sensor = replace(setup.sensor, full_scale_n=_CELL_N)


@_person(mark("much faster at one end of each movement than at the other"))
def _asymmetric_tempo(setup: ScenarioDraft, draw: Draw) -> None:
    pull, back = draw.sign() * draw.of("strong_skew"), draw.sign() * draw.of("strong_skew")
    _change_reps(setup, lambda _, rep: replace(rep, pull_skew=pull, return_skew=back))


@_person(mark("range of motion varies from repetition to repetition"))
def _rom_variability(setup: ScenarioDraft, draw: Draw) -> None:
    cv = draw.of("strong_rom_cv")
    _change_reps(setup, lambda _, rep: replace(rep, top=rep.top * max(0.8, draw.rng.normal(1.0, cv))))


@_person(mark("range shrinks and pulls slow down towards the end"))
def _fatigue(setup: ScenarioDraft, draw: Draw) -> None:
    loss, slowing = draw.of("fatigue"), draw.of("fatigue_slowing")
    last = max(1, len(setup.plan.reps) - 1)

    def tire(i: int, rep: RepPlan) -> RepPlan:
        done = i / last
        return replace(rep, top=rep.top * (1.0 - loss * done), pull_s=rep.pull_s * (1.0 + slowing * done**2))

    _change_reps(setup, tire)


@_person(mark("some repetitions after the second go only part of the way"))
def _partial_reps(setup: ScenarioDraft, draw: Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.1, 0.3))

    def shorten(i: int, rep: RepPlan) -> RepPlan:
        if i not in chosen:
            return rep
        share = draw.of("partial_rom")
        top = rep.bottom + share * (rep.top - rep.bottom)
        quicker = share**0.5
        return replace(rep, top=top, full=False, pull_s=rep.pull_s * quicker, return_s=rep.return_s * quicker)

    _change_reps(setup, shorten)


@_person(mark("the hand gives way at the top and pulls again"))
def _double_peak(setup: ScenarioDraft, draw: Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.2, 0.6))

    def sag(i: int, rep: RepPlan) -> RepPlan:
        if i not in chosen:
            return rep
        return replace(rep, dip=Dip(_depth_of(setup.band, draw.of("sag")), draw.of("sag_s")))

    _change_reps(setup, sag)


@_person(mark("the pull stops on the way and goes on"))
def _pull_pause(setup: ScenarioDraft, draw: Draw) -> None:
    chosen = draw.some(len(setup.plan.reps), (0.2, 0.6))

    def pause(i: int, rep: RepPlan) -> RepPlan:
        return replace(rep, pause=Pause(draw.of("pause_at"), draw.of("pause_s"))) if i in chosen else rep

    _change_reps(setup, pause)


@_person(mark("the hand springs back at the bottom"))
def _bounce(setup: ScenarioDraft, draw: Draw) -> None:
    def bounce(_: int, rep: RepPlan) -> RepPlan:
        spring = Bounce(draw.of("bounce"), draw.of("bounce_hz"))
        return replace(rep, bounce=spring, rest_s=max(rep.rest_s, 0.6))

    _change_reps(setup, bounce)


@_person(mark("pulls start with a jerk"))
def _jerk_start(setup: ScenarioDraft, draw: Draw) -> None:
    _change_reps(
        setup, lambda _, rep: replace(rep, pull_skew=0.9, pull_s=rep.pull_s * draw.between((0.6, 0.9)))
    )


@_person(mark("the return stops short, more so towards the end"))
def _no_full_return(setup: ScenarioDraft, draw: Draw) -> None:
    share = draw.of("no_full_return") ** (1.0 / setup.band.exponent)
    last = max(1, len(setup.plan.reps) - 1)
    _change_reps(setup, lambda i, rep: replace(rep, bottom=rep.bottom + share * i / last))


@_person(mark("the start position creeps towards the pull during the set"))
def _rest_creep(setup: ScenarioDraft, draw: Draw) -> None:
    creep = draw.of("rest_creep")
    last = max(1, len(setup.plan.reps) - 1)
    _change_reps(
        setup,
        lambda i, rep: replace(rep, bottom=rep.bottom + creep * i / last, top=rep.top + creep * i / last),
    )


@_person(mark("small pulls to find the place before the first repetition"))
def _set_up(setup: ScenarioDraft, draw: Draw) -> None:
    moves: list[Move] = []
    for _ in range(int(draw.rng.integers(1, 4))):
        there, back = draw.of("set_up"), draw.between((0.0, 0.03))
        moves += [Move(draw.of("set_up_s"), there), Move(draw.of("set_up_s"), back)]
        moves.append(Move(draw.between((0.1, 0.6)), back))
    moves.append(Move(draw.between((0.8, 2.0)), setup.plan.start))
    _before(setup, moves)


@_person(mark("the handle is picked up loose and the band taken up before the set"))
def _take_up(setup: ScenarioDraft, draw: Draw) -> None:
    loose = -(setup.band.rest_length_m * 0.05 - min(setup.band.slack_m, 0.0)) / setup.plan.stroke_m
    start = setup.plan.start
    moves = [Move(draw.between((0.5, 2.0)), loose), Move(draw.between((0.5, 1.5)), start)]
    moves.append(Move(draw.between((0.8, 2.0)), start))
    setup.plan = replace(setup.plan, start=loose, parts=(*moves, *setup.plan.parts))


@_person(mark("walking to the place and away with the handle in the hand"))
def _walking(setup: ScenarioDraft, draw: Draw) -> None:
    start = setup.plan.start
    walk = [Move(draw.of("walk_s"), start, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz"))]
    _before(setup, [*walk, Move(draw.between((0.8, 2.0)), start)])
    end = _end(setup.plan)
    away = Move(draw.of("walk_s"), end, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz"))
    setup.plan = replace(setup.plan, parts=(*setup.plan.parts, away))


@_person(mark("the grip changes in mid-set and with it the rest tension"))
def _regrip(setup: ScenarioDraft, draw: Draw) -> None:
    _shift_second_half(setup, draw, draw.of("regrip"), draw.between((0.5, 1.5)))


@_person(mark("a pause in the middle to change the slack"))
def _slack_change(setup: ScenarioDraft, draw: Draw) -> None:
    _shift_second_half(setup, draw, draw.sign() * draw.between((0.05, 0.15)), draw.between((4.0, 8.0)))


@_person(mark("the handle is put down hard after the set"))
def _put_down(setup: ScenarioDraft, draw: Draw) -> None:
    floor = -abs(setup.band.slack_m) / setup.plan.stroke_m - 0.1
    moves = [Move(0.6, floor), Move(0.3, floor, blow_n=draw.of("blow_n")), Move(2.0, floor)]
    setup.plan = replace(setup.plan, parts=(*setup.plan.parts, *moves))


@_person(mark("the band snaps or slips off at the top of the last repetition"))
def _snap(setup: ScenarioDraft, draw: Draw) -> None:
    setup.snap = (draw.of("ring_hz"), draw.of("undershoot"))


@_person(mark("somebody trips over the band between two repetitions"))
def _tug(setup: ScenarioDraft, draw: Draw) -> None:
    here = int(draw.rng.integers(0, len(setup.plan.parts)))
    at = _position_after(setup.plan, here)
    blow = (Move(0.6, at), Move(0.3, at, blow_n=draw.of("tug_n")), Move(0.6, at))
    parts = setup.plan.parts
    setup.plan = replace(setup.plan, parts=(*parts[: here + 1], *blow, *parts[here + 1 :]))


@_person(mark("another person goes on with another range and tempo"))
def _second_user(setup: ScenarioDraft, draw: Draw) -> None:
    reach, tempo = draw.of("second_user"), draw.between((0.7, 1.4))
    half = len(setup.plan.reps) // 2

    def other(i: int, rep: RepPlan) -> RepPlan:
        if i < half:
            return rep
        return replace(rep, top=rep.top * reach, pull_s=rep.pull_s * tempo, return_s=rep.return_s * tempo)

    _change_reps(setup, other)
    _shift_second_half(setup, draw, 0.0, draw.between((3.0, 6.0)))


@_person(mark("left and right arm in turn, one stronger"))
def _alternating_arms(setup: ScenarioDraft, draw: Draw) -> None:
    half = draw.of("arms") / 2
    _change_reps(setup, lambda i, rep: replace(rep, top=rep.top * (1.0 + (half if i % 2 else -half))))


@_person(mark("every repetition comes half back, goes up again and then all the way down"))
def _one_and_a_half(setup: ScenarioDraft, draw: Draw) -> None:
    depth, time_s = draw.between((0.4, 0.6)), draw.between((0.8, 1.6))
    _change_reps(setup, lambda _, rep: replace(rep, dip=Dip(depth, time_s)))


@_person(mark("every repetition goes a little further than the one before"))
def _growing_range(setup: ScenarioDraft, draw: Draw) -> None:
    least = draw.between((0.45, 0.7))
    last = max(1, len(setup.plan.reps) - 1)

    def grow(i: int, rep: RepPlan) -> RepPlan:
        share = least + (1.0 - least) * i / last
        return replace(rep, top=rep.bottom + share * (rep.top - rep.bottom))

    _change_reps(setup, grow)


@_person(mark("the first two pulls are much stronger than the rest"))
def _over_hard_first(setup: ScenarioDraft, draw: Draw) -> None:
    stronger = draw.between((1.3, 1.7))
    _change_reps(setup, lambda i, rep: replace(rep, top=rep.top * stronger, full=False) if i < 2 else rep)


@_person(mark("two or three repetitions at a time, with 5 to 20 s between them"))
def _cluster(setup: ScenarioDraft, draw: Draw) -> None:
    size, pause_s = int(draw.rng.integers(2, 4)), draw.between((5.0, 20.0))
    _change_reps(setup, lambda i, rep: replace(rep, rest_s=pause_s) if i % size == size - 1 else rep)


@_person(mark("a step away from the anchor in mid-set"))
def _step_back(setup: ScenarioDraft, draw: Draw) -> None:
    _shift_second_half(setup, draw, draw.between((0.06, 0.2)), draw.between((0.8, 2.5)))


@_person(mark("tremor of 7 to 11 Hz"))
def _tremor(setup: ScenarioDraft, draw: Draw) -> None:
    setup.plan = replace(setup.plan, tremor=draw.of("strong_tremor"), tremor_hz=draw.of("tremor_hz"))


@_person(mark("fast repetitions without holds"))
def _fast(setup: ScenarioDraft, draw: Draw) -> None:
    pull, back = draw.of("fast_s"), draw.of("fast_s")
    rest = draw.between((0.0, 0.2))
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=pull, hold_s=0.0, return_s=back, rest_s=rest))
    slow_down_weak(setup)


@_person(mark("slow repetitions"))
def _slow(setup: ScenarioDraft, draw: Draw) -> None:
    pull, back = draw.of("slow_s"), draw.of("slow_return_s")
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=pull, return_s=back))


@_person(mark("holds of several seconds at the top"))
def _long_hold(setup: ScenarioDraft, draw: Draw) -> None:
    hold = draw.of("long_hold_s")
    _change_reps(setup, lambda _, rep: replace(rep, hold_s=hold))


@_person(mark("rests of several seconds at the bottom"))
def _long_rest(setup: ScenarioDraft, draw: Draw) -> None:
    rest = draw.of("long_rest_s")
    _change_reps(setup, lambda _, rep: replace(rep, rest_s=rest))


@_person(mark("out and back alike, without hold or rest"))
def _equal_in_out(setup: ScenarioDraft, draw: Draw) -> None:
    time_s = draw.between((0.7, 1.5))
    _change_reps(setup, lambda _, rep: replace(rep, pull_s=time_s, hold_s=0.0, return_s=time_s, rest_s=0.0))


_drawn("sensor", "noise", mark("white noise of 0.05 to 0.1 N"), noise_n="strong_noise_n")
_drawn("sensor", "pink_noise", mark("1/f noise"), pink_n="pink_n")


@_sensor(mark("the zero drifts while the sensor warms up"))
def _warm_up_drift(setup: ScenarioDraft, draw: Draw) -> None:
    tau = draw.between((20.0, 90.0))
    drift = draw.sign() * draw.of("drift_n_per_s") * tau
    setup.sensor = replace(setup.sensor, warm_up_n=drift, warm_up_s=tau)


_drawn(
    "sensor",
    "temperature_ramp",
    mark("the zero follows a changing temperature"),
    drift_n_per_s="temperature_drift_n_per_s",
)
_drawn("sensor", "span_error", mark("the span is off by up to 5 %"), span_error="span_error")
_drawn("sensor", "off_axis", mark("the sensor hangs at an angle to the band"), off_axis_rad="off_axis_rad")
_drawn("sensor", "spikes", mark("single conversions are wildly wrong"), spikes_per_min="spikes_per_min")


@_sensor(mark("the code freezes for a moment"))
def _stuck(setup: ScenarioDraft, draw: Draw) -> None:
    setup.sensor = replace(setup.sensor, stuck_per_min=10.0, stuck_s=draw.of("stuck_s"))


_drawn("sensor", "missed", mark("some conversions are never made"), missed="missed")


@_sensor(mark("the true rate is up to 5 % off the nominal one"))
def _rate_error(setup: ScenarioDraft, draw: Draw) -> None:
    setup.sensor = replace(setup.sensor, rate_error=draw.sign() * draw.of("rate_error"))


@_sensor(mark("the converter's own low-pass filter, 18 Hz at 80 samples a second"))
def _adc_filter(setup: ScenarioDraft, draw: Draw) -> None:
    setup.sensor = replace(setup.sensor, corner_hz=18.0)


@_sensor(mark("the zero was never set"))
def _offset(setup: ScenarioDraft, draw: Draw) -> None:
    offset_n = draw.of("offset_n")
    full_scale_n = setup.sensor.full_scale_n + offset_n
    setup.sensor = replace(setup.sensor, offset_n=offset_n, full_scale_n=full_scale_n)


@_sensor(mark("the supply dips for a tenth of a second now and then"))
def _battery_dip(setup: ScenarioDraft, draw: Draw) -> None:
    setup.sensor = replace(setup.sensor, dip_n=draw.sign() * draw.of("dip_n"), dips_per_min=6.0)


@_lossy(mark("up to 10 % of the notifications never arrive"))
def _burst_loss(setup: ScenarioDraft, draw: Draw) -> None:
    setup.link = replace(setup.link, loss=draw.of("loss"), batch=int(draw.rng.integers(1, 9)))


@_lossy(mark("the link drops once and comes back seconds later"))
def _link_drop(setup: ScenarioDraft, draw: Draw) -> None:
    setup.link = replace(setup.link, outage_s=0.42 + draw.of("outage_s"))


def _depth_of(band: SimulatedBand, sag: float) -> float:
    """Part of the way to give in for a sag of tension, of which hysteresis and lag already make some."""
    turn = (1.0 + band.lag) / (1.0 - band.energy_loss)
    kept = min(0.98, (1.0 - sag) * turn)
    return 1.0 - float(kept ** (1.0 / band.exponent))


def _change_reps(setup: ScenarioDraft, change: Callable[[int, RepPlan], RepPlan]) -> None:
    setup.plan = replace(setup.plan, parts=setup.plan.map_reps(change))


def _before(setup: ScenarioDraft, moves: list[Move]) -> None:
    setup.plan = replace(setup.plan, parts=(*moves, *setup.plan.parts))


def _position_after(plan: SimulatedPlan, index: int) -> float:
    part = plan.parts[index]
    return part.to if isinstance(part, Move) else part.bottom


def _end(plan: SimulatedPlan) -> float:
    return _position_after(plan, len(plan.parts) - 1)


def _shift_second_half(setup: ScenarioDraft, draw: Draw, offset: float, pause_s: float) -> None:
    """Insert a pause in the middle of the set and shift all positions after it."""
    reps = [i for i, part in enumerate(setup.plan.parts) if isinstance(part, RepPlan)]
    if len(reps) < 2:
        return
    cut = reps[len(reps) // 2]
    before = setup.plan.parts[:cut]
    at = _position_after(setup.plan, cut - 1)
    low = min(0.0, at - 0.05)
    gap = (
        Move(0.6, at),
        Move(0.3, low),
        Move(pause_s, low),
        Move(0.3, at + offset),
        Move(0.6, at + offset),
    )

    def shifted(part: Move | RepPlan) -> Move | RepPlan:
        if isinstance(part, Move):
            return replace(part, to=part.to + offset)
        return replace(part, top=part.top + offset, bottom=part.bottom + offset)

    setup.plan = replace(setup.plan, parts=(*before, *gap, *map(shifted, setup.plan.parts[cut:])))


def slow_down_weak(setup: ScenarioDraft) -> None:
    """Stretch the tempo of sets so weak that they would look like walking."""
    peak = float(setup.band.equilibrium_n(setup.band.elongation(np.array([setup.plan.stroke_m])))[0])
    if peak >= _WEAK_BELOW_N:
        return

    def slower(_: int, rep: RepPlan) -> RepPlan:
        factor = max(1.0, _WEAK_PERIOD_S / (rep.duration_s + rep.rest_s))
        return replace(rep, pull_s=rep.pull_s * factor, return_s=rep.return_s * factor)

    _change_reps(setup, slower)


Control = Callable[[ScenarioDraft, Draw], tuple[Move, ...]]


def _walking_control(setup: ScenarioDraft, draw: Draw) -> tuple[Move, ...]:
    walks = (Move(30.0, 0.0, steps_n=draw.of("steps_n"), steps_hz=draw.of("steps_hz")) for _ in range(10))
    return (Move(2.0, 0.0), *walks, Move(2.0, 0.0))


def _isometric_control(setup: ScenarioDraft, draw: Draw) -> tuple[Move, ...]:
    hold = draw.between((0.5, 1.0))
    moves = [Move(2.0, 0.0), Move(1.0, hold)]
    left_s = draw.of("isometric_s")
    while left_s > 0.0:
        step_s = min(left_s, draw.between((0.8, 2.5)))
        moves.append(Move(step_s, hold * float(draw.rng.normal(1.0, 0.015))))
        left_s -= step_s
    return (*moves, Move(1.0, 0.0), Move(3.0, 0.0))


def _empty_control(setup: ScenarioDraft, draw: Draw) -> tuple[Move, ...]:
    setup.band = replace(setup.band, slack_m=10.0)
    return (Move(60.0, 0.0),)


def _posture_control(setup: ScenarioDraft, draw: Draw) -> tuple[Move, ...]:
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


CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "walking": _walking_control,
        "isometric_hold": _isometric_control,
        "empty": _empty_control,
        "posture": _posture_control,
        "static_mass": _empty_control,
    }
)
"""What a person may do instead of a set; none of it is a repetition."""


def hung_mass(time_s: FloatArray, draw: Draw) -> FloatArray:
    """Hang a mass on after 5 s, swinging, and take it off 5 s before the end."""
    weight, swing_hz = draw.of("mass_n"), draw.between((0.5, 1.0))
    since = time_s - 5.0
    swing = 0.04 * np.exp(-np.maximum(since, 0.0) / 8.0) * np.sin(4.0 * np.pi * swing_hz * since)
    rise = np.clip(since / 0.4, 0.0, 1.0)
    fall = np.clip((time_s[-1] - 5.0 - time_s) / 0.3, 0.0, 1.0)
    hung: FloatArray = weight * rise * fall * (1.0 + swing)
    return hung
