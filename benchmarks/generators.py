"""Simulated recordings with known truth, split so that nothing is scored on what it was tuned on.

Development: the power-law simulator of `bandsense.sim` with its usual ranges. Held out: the same simulator
with other seeds and wider ranges, and a second one that shares nothing with it but the definition of the
labels: a Mooney–Rivlin band whose rubber is a standard linear solid, lognormal strokes instead of minimum
jerk, posture sway and band-limited tremor, and a sensor with Laplace noise that shows hundredths of a newton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfiltfilt
from scipy.special import ndtr

from bandsense.samples import BoolArray, FloatArray
from bandsense.sim.physics.distributions import RANGES, Ranges
from bandsense.sim.physics.disturbances import CONTROLS, DISTURBANCES
from bandsense.sim.physics.ground_truth import TrueRep, marked, true_reps
from bandsense.sim.physics.person import EXERCISES, Span
from bandsense.sim.physics.scenario import Performance, Scenario

__all__ = ["HELD_OUT_RANGES", "SPLITS", "Case", "Recorded", "cases", "controls"]

HELD_OUT_RANGES: Ranges = MappingProxyType(
    {
        **RANGES,
        "f100_n": (10.0, 250.0),
        "exponent": (0.50, 0.75),
        "peak_elongation": (0.4, 1.9),
        "taut": (-0.05, 0.10),
        "energy_loss": (0.03, 0.15),
        "lag": (0.02, 0.08),
        "lag_s": (0.3, 2.0),
        "relaxation": (0.015, 0.035),
        "lead_s": (0.6, 5.0),
        "tail_s": (0.8, 4.0),
        "rom_cv": (0.02, 0.06),
        "tempo": (0.7, 1.6),
        "tempo_cv": (0.04, 0.15),
        "skew": (-0.5, 0.5),
        "tremor": (0.001, 0.008),
        "noise_n": (0.004, 0.03),
        "softening": (0.04, 0.08),
        "slack": (0.05, 0.18),
        "never_slack": (0.10, 0.40),
        "strong_rom_cv": (0.05, 0.09),
        "fatigue": (0.05, 0.25),
        "fatigue_slowing": (0.1, 0.8),
        "partial_rom": (0.22, 0.70),
        "sag": (0.05, 0.30),
        "sag_s": (0.25, 1.1),
        "pause_at": (0.25, 0.75),
        "pause_s": (0.15, 1.0),
        "bounce": (0.02, 0.07),
        "set_up": (0.08, 0.38),
        "set_up_s": (0.25, 1.1),
        "walk_s": (5.0, 20.0),
        "regrip": (-0.15, 0.15),
        "blow_n": (20.0, 120.0),
        "undershoot": (0.05, 0.35),
        "fast_s": (0.33, 0.6),
        "slow_s": (2.0, 3.5),
        "long_hold_s": (2.5, 6.0),
        "long_rest_s": (1.5, 4.0),
        "pink_n": (0.03, 0.15),
        "spikes_per_min": (2.0, 30.0),
        "missed": (0.01, 0.08),
    }
)
"""Wider than the ranges of development on every axis that a detector could lean on."""

MIXED = "mixed"
CLEAN = "clean"

_ALONE = frozenset({"snap"})
"""Never part of a mixture: what comes after it in the registry would move the moment it happens at."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One recording at one rate, and the truth.

    Attributes:
        time_s, tension_n, gap_before, saturated: what a detector is given.
        reps: the truth.
        peaks_n: the largest tension of each repetition as a noiseless sensor with this calibration shows it.
        snapped_s: when the band snapped; None if it did not.
    """

    time_s: FloatArray
    tension_n: FloatArray
    gap_before: BoolArray
    saturated: BoolArray
    reps: tuple[TrueRep, ...]
    peaks_n: tuple[float, ...]
    snapped_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One set or control.

    Attributes:
        group: disturbance class, or name of the control.
        generator: which simulator.
        record: the recording at a nominal rate.
    """

    group: str
    generator: str
    record: Callable[[float], Recorded]


class Generated(Protocol):
    """Makes one set of a disturbance class."""

    def __call__(self, seed: int, group: str) -> Case:
        """The set of this seed."""


# ── the power-law simulator of the package ──────────────────────────────────────────────────────────────────


def power_law(seed: int, group: str, ranges: Ranges) -> Case:
    """A set of the package's own simulator."""
    rng = np.random.default_rng([seed, *group.encode()])
    scenario = Scenario(
        seed,
        exercise=str(rng.choice(sorted(EXERCISES))),
        reps=int(rng.integers(6, 16)),
        disturbances=_switched_on(group, rng),
        ranges=ranges,
    )
    return Case(group, "power law", _recorder(scenario))


def _switched_on(group: str, rng: Generator) -> frozenset[str]:
    if group == MIXED:
        choice = sorted(DISTURBANCES.keys() - _ALONE)
        return frozenset(rng.choice(choice, int(rng.integers(3, 9)), replace=False).tolist())
    return frozenset() if group == CLEAN else frozenset({group})


def _recorder(scenario: Scenario) -> Callable[[float], Recorded]:
    @cache
    def performance() -> Performance:
        return scenario.perform()

    def record(rate_hz: float) -> Recorded:
        played = performance().sample(rate_hz)
        sensor = performance().sensor
        at = np.array([rep.peak_s for rep in played.reps])
        peaks = sensor.systematic_n(at, np.array([rep.peak_n for rep in played.reps]))
        peaks = np.minimum(peaks, sensor.full_scale_n)
        return Recorded(
            played.time_s,
            played.tension_n,
            played.gap_before,
            played.saturated,
            played.reps,
            tuple(peaks.tolist()),
            played.reps[-1].peak_s if "snap" in scenario.disturbances else None,
        )

    return record


# ── the second simulator ────────────────────────────────────────────────────────────────────────────────────

_DT_S = 1e-3


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A lognormal change of position: fastest early, or late where mirrored."""

    onset_s: float
    amount: float
    duration_s: float
    spread: float
    mirrored: bool

    def at(self, time_s: FloatArray) -> FloatArray:
        """What it has contributed by each time; 99 % of it within its duration (sigma-lognormal model)."""
        mu = np.log(self.duration_s / (2.0 * np.sinh(2.576 * self.spread)))
        lead = np.exp(mu - 2.576 * self.spread)
        since = time_s - self.onset_s
        if self.mirrored:
            since = self.duration_s - since
        grown = ndtr((np.log(np.maximum(since + lead, 1e-9)) - mu) / self.spread)
        moved: FloatArray = self.amount * ((1.0 - grown) if self.mirrored else grown)
        return moved


class _Performer:
    """Strings strokes together and remembers the clock and the position."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.clock_s = 0.0
        self.position = 0.0
        self.strokes: list[_Stroke] = []
        self.spans_s: list[tuple[float, float, float]] = []
        self.full: list[bool] = []
        self.spread = float(rng.uniform(0.15, 0.4))

    def wait(self, duration_s: float) -> None:
        self.clock_s += duration_s

    def go(self, to: float, duration_s: float) -> None:
        mirrored = bool(self.rng.random() < 0.4)
        self.strokes.append(_Stroke(self.clock_s, to - self.position, duration_s, self.spread, mirrored))
        self.clock_s += duration_s
        self.position = to

    def repeated(self, began_s: float, rest_s: float, *, full: bool) -> None:
        """Rest after the repetition that began then."""
        ended_s = self.clock_s
        self.wait(rest_s)
        self.spans_s.append((began_s, ended_s, self.clock_s))
        self.full.append(full)


@dataclass(slots=True)
class _Tempo:
    pull_s: float
    hold_s: float
    return_s: float
    rest_s: float

    def varied(self, rng: Generator, cv: float) -> _Tempo:
        factors = np.exp(cv * rng.standard_normal(4))
        return _Tempo(
            self.pull_s * factors[0],
            self.hold_s * factors[1],
            self.return_s * factors[2],
            self.rest_s * factors[3],
        )


@dataclass(frozen=True, slots=True)
class _Rubber:
    """Mooney–Rivlin rubber, F = 2 (λ − λ⁻²)(C1 + C2/λ), with one Maxwell arm on its elongation."""

    c1_n: float
    c2_n: float
    rest_length_m: float
    slack_m: float
    arm_n: float
    arm_s: float

    def tension_n(self, displacement_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        elongation = np.maximum(0.0, (displacement_m - self.slack_m) / self.rest_length_m)
        stretch = 1.0 + elongation
        elastic = 2.0 * (stretch - stretch**-2) * (self.c1_n + self.c2_n / stretch)
        keep = float(np.exp(-_DT_S / self.arm_s))
        steps = np.diff(elongation, prepend=elongation[:1])
        arm = self.arm_n * lfilter([1.0], [1.0, -keep], steps)
        taut = np.where(elongation > 0.0, np.maximum(elastic + arm, 0.0), 0.0)
        return taut, elongation


def _tempo(rng: Generator, group: set[str]) -> _Tempo:
    if "fast" in group:
        return _Tempo(rng.uniform(0.4, 0.65), 0.0, rng.uniform(0.4, 0.65), rng.uniform(0.05, 0.3))
    tempo = _Tempo(
        float(np.exp(rng.uniform(np.log(0.6), np.log(2.0)))),
        float(rng.exponential(0.5)),
        float(np.exp(rng.uniform(np.log(0.7), np.log(3.0)))),
        float(rng.exponential(0.5)),
    )
    if "slow" in group:
        tempo = replace(tempo, pull_s=rng.uniform(2.0, 3.0), return_s=rng.uniform(2.5, 5.0))
    if "long_hold" in group:
        tempo = replace(tempo, hold_s=rng.uniform(2.0, 5.0))
    if "long_rest" in group:
        tempo = replace(tempo, rest_s=rng.uniform(1.5, 3.0))
    return tempo


def _set_up(performer: _Performer) -> None:
    rng = performer.rng
    for _ in range(int(rng.integers(1, 5))):
        performer.go(float(rng.uniform(0.08, 0.33)), float(rng.uniform(0.4, 1.2)))
        performer.go(float(rng.uniform(-0.02, 0.04)), float(rng.uniform(0.4, 1.2)))
    performer.go(0.0, 0.5)
    performer.wait(float(rng.uniform(0.8, 2.0)))


def _one_rep(performer: _Performer, tempo: _Tempo, top: float, bottom: float, group: set[str]) -> None:
    rng, start = performer.rng, performer.position
    full = True
    if "partial_reps" in group and len(performer.full) > 1 and rng.random() < 0.2:
        share = float(rng.uniform(0.25, 0.70))
        top, full = start + share * (top - start), False
        tempo = replace(tempo, pull_s=tempo.pull_s * share**0.5, return_s=tempo.return_s * share**0.5)
    began_s = performer.clock_s
    if "pull_pause" in group and rng.random() < 0.4:
        way = start + float(rng.uniform(0.3, 0.7)) * (top - start)
        performer.go(way, tempo.pull_s * 0.6)
        performer.wait(float(rng.uniform(0.1, 0.7)))
        performer.go(top, tempo.pull_s * 0.6)
    else:
        performer.go(top, tempo.pull_s)
    performer.wait(tempo.hold_s)
    if "double_peak" in group and rng.random() < 0.4:
        performer.go(top - float(rng.uniform(0.05, 0.30)) * (top - start), float(rng.uniform(0.2, 0.5)))
        performer.go(top, float(rng.uniform(0.2, 0.5)))
    performer.go(bottom, tempo.return_s)
    performer.repeated(began_s, tempo.rest_s, full=full)


SOLID_GROUPS = (
    CLEAN,
    "partial_reps",
    "double_peak",
    "pull_pause",
    "set_up",
    "walking",
    "rest_creep",
    "no_full_return",
    "fatigue",
    "rom_variability",
    "slack",
    "never_slack",
    "fast",
    "slow",
    "long_hold",
    "long_rest",
    "tremor",
    "noise",
    "spikes",
    "missed",
    "warm_up_drift",
    "put_down",
    MIXED,
)
"""Classes that the second simulator makes too; the rest are faults of a sensor or a link, alike in both."""


def relaxing_solid(seed: int, group: str) -> Case:
    """A set of the second simulator."""
    rng = np.random.default_rng([77, seed, *group.encode()])
    names = {group}
    if group == MIXED:
        choice = [name for name in SOLID_GROUPS if name not in (CLEAN, MIXED, "fast", "slow")]
        names = set(rng.choice(choice, int(rng.integers(3, 9)), replace=False).tolist())

    @cache
    def performed() -> tuple[FloatArray, FloatArray, tuple[TrueRep, ...]]:
        return _performed(np.random.default_rng([78, seed, *group.encode()]), names)

    def record(rate_hz: float) -> Recorded:
        sensed = np.random.default_rng([79, seed, round(rate_hz), *group.encode()])
        return _sensed(sensed, *performed(), rate_hz, names)

    return Case(group, "relaxing solid", record)


def relaxing_control(seed: int, group: str) -> Case:
    """A recording of the second simulator that holds no repetition."""

    @cache
    def performed() -> tuple[FloatArray, FloatArray, tuple[TrueRep, ...]]:
        rng = np.random.default_rng([80, seed, *group.encode()])
        performer = _Performer(rng)
        added = _SOLID_CONTROLS[group](performer)
        taut = {"never_slack"} if group in ("walking", "posture") else {"slack"}
        time_s, tension, _ = _physics(performer, float(rng.uniform(0.5, 1.8)), 0.0, taut)
        return time_s, np.maximum(tension + added(time_s), 0.0), ()

    def record(rate_hz: float) -> Recorded:
        sensed = np.random.default_rng([81, seed, round(rate_hz), *group.encode()])
        return _sensed(sensed, *performed(), rate_hz, {"noise", "warm_up_drift"})

    return Case(group, "relaxing solid", record)


Added = Callable[[FloatArray], FloatArray]


def _walks(performer: _Performer) -> Added:
    performer.wait(300.0)
    return lambda time_s: _footfalls(performer.rng, time_s, float(time_s[-1]))


def _holds(performer: _Performer) -> Added:
    """One isometric hold of 16 s to a minute; the person sways and trembles as in a set."""
    rng = performer.rng
    performer.wait(2.0)
    performer.go(float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.5, 1.5)))
    performer.wait(float(rng.uniform(16.0, 60.0)))
    performer.go(0.0, float(rng.uniform(0.5, 1.5)))
    performer.wait(3.0)
    return np.zeros_like


def _shifts(performer: _Performer) -> Added:
    """Weight moves from foot to foot with the band taut: smooth changes of up to 6 N, a few seconds apart."""
    rng = performer.rng
    performer.wait(60.0)
    at_s = np.cumsum(rng.uniform(1.0, 5.0, 20))
    knots_n = np.where(np.arange(20) % 2, rng.uniform(1.0, 6.0, 20), 0.0)
    settle = butter(2, 0.7, fs=1.0 / _DT_S, output="sos")
    return lambda time_s: sosfiltfilt(settle, np.interp(time_s, at_s, knots_n))


def _nothing(performer: _Performer) -> Added:
    performer.go(-1.0, 0.5)
    performer.wait(90.0)
    return np.zeros_like


def _hangs(performer: _Performer) -> Added:
    """A mass that is hung on and swings like a pendulum, and is lifted off again."""
    rng = performer.rng
    performer.go(-1.0, 0.5)
    performer.wait(60.0)
    weight_n, swing_s = float(rng.uniform(20.0, 200.0)), float(rng.uniform(1.0, 2.0))
    on_s, off_s = float(rng.uniform(0.2, 1.0)), float(rng.uniform(0.2, 1.0))

    def pulled(time_s: FloatArray) -> FloatArray:
        hung = np.clip((time_s - 6.0) / on_s, 0.0, 1.0) * np.clip((55.0 - time_s) / off_s, 0.0, 1.0)
        fading = 0.05 * np.exp(-np.maximum(time_s - 6.0, 0.0) / 10.0)
        swung: FloatArray = weight_n * hung * (1.0 + fading * np.sin(4.0 * np.pi * time_s / swing_s))
        return swung

    return pulled


_SOLID_CONTROLS: Mapping[str, Callable[[_Performer], Added]] = MappingProxyType(
    {
        "walking": _walks,
        "isometric_hold": _holds,
        "empty": _nothing,
        "posture": _shifts,
        "static_mass": _hangs,
    }
)


def _performed(rng: Generator, group: set[str]) -> tuple[FloatArray, FloatArray, tuple[TrueRep, ...]]:
    performer = _Performer(rng)
    tempo, reps = _tempo(rng, group), int(rng.integers(5, 17))
    peak_elongation = float(rng.uniform(0.5, 1.8))
    walk_s = float(rng.uniform(4.0, 15.0)) if "walking" in group else 0.0
    performer.wait(walk_s + float(rng.uniform(0.8, 3.0)))
    if "set_up" in group:
        _set_up(performer)
    rom_cv = 0.07 if "rom_variability" in group else 0.03
    fatigue = float(rng.uniform(0.08, 0.25)) if "fatigue" in group else 0.0
    creep = float(rng.uniform(0.03, 0.12)) if "rest_creep" in group else 0.0
    short = float(rng.uniform(0.03, 0.2)) if "no_full_return" in group else 0.0
    for i in range(reps):
        done = i / max(1, reps - 1)
        top = float(np.clip(rng.normal(1.0, rom_cv), 0.85, 1.15)) * (1.0 - fatigue * done) + creep * done
        bottom = (creep + short) * done + abs(float(rng.normal(0.0, 0.01)))
        _one_rep(performer, tempo.varied(rng, 0.08), top, bottom, group)
    if "put_down" in group:
        performer.go(-0.5, 0.5)
        performer.wait(2.0)
    performer.wait(float(rng.uniform(0.8, 2.5)))
    return _physics(performer, peak_elongation, walk_s, group)


def _physics(
    performer: _Performer, peak_elongation: float, walk_s: float, group: set[str]
) -> tuple[FloatArray, FloatArray, tuple[TrueRep, ...]]:
    rng = performer.rng
    time_s = np.arange(int(performer.clock_s / _DT_S), dtype=np.float64) * _DT_S
    position = np.sum([stroke.at(time_s) for stroke in performer.strokes], axis=0)
    position += 0.006 * _band_noise(rng, time_s.size, 0.05, 0.8)
    shake = float(rng.uniform(0.008, 0.02)) if "tremor" in group else 0.002
    position *= 1.0 + shake * _band_noise(rng, time_s.size, 7.0, 11.0)
    stroke_m = float(rng.uniform(0.3, 0.8))
    tension, elongation = _rubber(rng, stroke_m, peak_elongation, group).tension_n(stroke_m * position)
    if walk_s:
        tension += _footfalls(rng, time_s, walk_s)
    if "put_down" in group:
        at_s = performer.clock_s - 2.0
        blow = np.abs(time_s - at_s) < 0.015
        tension[blow] += rng.uniform(20.0, 80.0) * np.cos((time_s[blow] - at_s) / 0.015 * np.pi / 2)
    spans = tuple(
        Span(*(min(round(at_s / _DT_S), time_s.size - 1) for at_s in span)) for span in performer.spans_s
    )
    reps = true_reps(time_s, tension, elongation, spans, tuple(performer.full))
    return time_s, tension, reps


def _rubber(rng: Generator, stroke_m: float, peak_elongation: float, group: set[str]) -> _Rubber:
    rest_length_m = stroke_m / peak_elongation
    slack = float(rng.uniform(-0.05, 0.0))
    if "slack" in group:
        slack = float(rng.uniform(0.03, 0.15)) * min(1.0, peak_elongation)
    if "never_slack" in group:
        slack = -float(rng.uniform(0.08, 0.35))
    peak_n = float(np.exp(rng.uniform(np.log(25.0), np.log(300.0))))
    ratio = float(rng.uniform(0.3, 1.2))
    stretch = 1.0 + peak_elongation
    unit_n = 2.0 * (stretch - stretch**-2) * (1.0 + ratio / stretch)
    c1_n = peak_n / unit_n
    return _Rubber(
        c1_n,
        ratio * c1_n,
        rest_length_m,
        slack * rest_length_m,
        float(rng.uniform(0.02, 0.08)) * peak_n / peak_elongation,
        float(rng.uniform(0.4, 3.0)),
    )


def _band_noise(rng: Generator, n: int, low_hz: float, high_hz: float) -> FloatArray:
    """Gaussian noise of unit variance between two frequencies."""
    sos = butter(2, [low_hz, high_hz], "bandpass", fs=1.0 / _DT_S, output="sos")
    noise: FloatArray = sosfiltfilt(sos, rng.standard_normal(n))
    return noise / float(noise.std())


def _footfalls(rng: Generator, time_s: FloatArray, until_s: float) -> FloatArray:
    """Bell-shaped pulls, one a step, with an irregular cadence."""
    added = np.zeros_like(time_s)
    height, cadence_hz = rng.uniform(3.0, 13.0), rng.uniform(1.5, 2.2)
    at_s = float(rng.uniform(0.3, 0.8))
    while at_s < until_s - 0.3:
        bell = np.exp(-0.5 * ((time_s - at_s) / 0.09) ** 2)
        added += height * float(np.clip(rng.normal(1.0, 0.2), 0.3, 1.5)) * bell
        at_s += float(rng.normal(1.0, 0.06)) / cadence_hz
    return added


def _sensed(
    rng: Generator,
    grid_s: FloatArray,
    tension: FloatArray,
    reps: tuple[TrueRep, ...],
    rate_hz: float,
    group: set[str],
) -> Recorded:
    period_s = 1.0 / (rate_hz * float(rng.uniform(0.96, 1.04)))
    time_s = np.arange(float(rng.uniform(0.0, period_s)), float(grid_s[-1]), period_s)
    scale_n = float(rng.uniform(0.05, 0.1)) if "noise" in group else float(rng.uniform(0.004, 0.02))
    slow = lfilter([np.sqrt(1 - 0.7**2)], [1.0, -0.7], rng.laplace(0.0, scale_n / np.sqrt(2), time_s.size))
    drift_n = float(rng.uniform(-4.0, 4.0)) if "warm_up_drift" in group else 0.0
    zero = drift_n * np.tanh(time_s / 40.0)
    shown = np.interp(time_s, grid_s, tension) + zero + slow
    if "spikes" in group:
        hit = rng.random(time_s.size) < 0.15 / rate_hz
        shown[hit] = rng.choice([0.0, -400.0, 800.0, -0.01], int(hit.sum()))
    kept = np.ones(time_s.size, dtype=np.bool_)
    if "missed" in group:
        burst = lfilter([1.0], [1.0, -0.5], (rng.random(time_s.size) < 0.02).astype(np.float64)) > 0.2
        kept &= ~burst
    kept[0] = True
    gap_before = np.diff(np.flatnonzero(kept), prepend=-1) > 1
    peaks = [rep.peak_n + drift_n * float(np.tanh(rep.peak_s / 40.0)) for rep in reps]
    time_s = np.round(time_s[kept], 6)
    return Recorded(
        time_s,
        np.round(shown[kept], 2),
        gap_before,
        np.zeros(time_s.size, dtype=np.bool_),
        marked(reps, time_s),
        tuple(peaks),
    )


# ── splits ──────────────────────────────────────────────────────────────────────────────────────────────────


def _development(seed: int, group: str) -> Case:
    return power_law(seed, group, RANGES)


def _held_out(seed: int, group: str) -> Case:
    return power_law(1_000_000 + seed, group, HELD_OUT_RANGES)


def _control(seed: int, kind: str, ranges: Ranges) -> Case:
    """A recording of the package's own simulator that holds no repetition."""
    exercise = str(np.random.default_rng([seed, *kind.encode()]).choice(sorted(EXERCISES)))
    return Case(kind, "power law", _recorder(Scenario(seed, exercise, ranges=ranges, control=kind)))


def _development_control(seed: int, group: str) -> Case:
    return _control(seed, group, RANGES)


def _held_out_control(seed: int, group: str) -> Case:
    return _control(1_000_000 + seed, group, HELD_OUT_RANGES)


@dataclass(frozen=True, slots=True)
class _Split:
    """Generators with the classes that each makes, and the generators of controls."""

    sources: tuple[tuple[Generated, tuple[str, ...]], ...]
    controls: tuple[Generated, ...]


_GROUPS = (CLEAN, *DISTURBANCES, MIXED)

SPLITS: Mapping[str, _Split] = MappingProxyType(
    {
        "dev": _Split(((_development, _GROUPS),), (_development_control,)),
        "held-out": _Split(
            ((_held_out, _GROUPS), (relaxing_solid, SOLID_GROUPS)), (_held_out_control, relaxing_control)
        ),
    }
)

_WEIGHT = {CLEAN: 3, MIXED: 6}
"""Clean sets and mixtures count as several classes: they are what people really have."""


def cases(split: str, sets: int) -> Iterator[Case]:
    """`sets` sets, spread over generators and classes; the same in every run."""
    ring = [
        (make, group)
        for make, groups in SPLITS[split].sources
        for group in groups
        for _ in range(_WEIGHT.get(group, 1))
    ]
    for i in range(sets):
        make, group = (
            ring[(i * len(ring) // sets + i // max(1, sets // len(ring))) % len(ring)]
            if sets < len(ring)
            else ring[i % len(ring)]
        )
        yield make(i, group)


def controls(split: str, each: int) -> Iterator[Case]:
    """`each` recordings by each generator of everything that is no repetition."""
    for kind in CONTROLS:
        for make in SPLITS[split].controls:
            for i in range(each):
                yield make(i, kind)
