"""What is no repetition, once more: controls that are random processes and follow no script.

`controls` puts movements one after the other as a person would tell them. Here each kind is a stationary
process with the spectrum that the literature gives it, so that the two share no idea of what a step, a sway
or a tug looks like: walking is periodic with harmonics and a wandering cadence (the trunk's acceleration has
its first two harmonics at the step, and the stride's odd ones where steps differ), posture and holds waver as
1/f noise (centre of pressure; force steadiness), a vehicle shakes in a band about a suspension's resonance,
and tugs come at random with sizes and lengths of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, sosfilt

from bandsense.samples import FloatArray
from benchmarks.evidence.trace import Split, Trace, jerkless, stream

__all__ = ["KINDS", "grid", "make"]

Idling = Callable[[FloatArray, Generator], FloatArray]
"""Tension (N) at times (s)."""


def gait(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Walking: harmonics of a stride whose cadence and strength wander, on a sway; with pauses."""
    step_hz = rng.uniform(1.4, 2.3)
    cadence = step_hz * (1.0 + rng.uniform(0.02, 0.05) * _wander(time_s, rng, 0.5))
    phase = 2.0 * np.pi * np.cumsum(cadence) * (time_s[1] - time_s[0])
    size_n = rng.uniform(1.5, 6.0) * np.exp(rng.uniform(0.12, 0.3) * _wander(time_s, rng, 1.5))
    shape = np.cos(phase)
    for multiple, most in ((0.5, 0.4), (1.5, 0.15), (2.0, 0.6), (3.0, 0.2)):
        shape += rng.uniform(0.0, most) * np.cos(multiple * phase + rng.uniform(0.0, 2.0 * np.pi))
    goes = _wander(time_s, rng, 0.05) > rng.uniform(-2.0, 0.0)
    sway_n = rng.uniform(0.2, 3.0) * _wander(time_s, rng, 0.3)
    stepped_n = _soft(goes.astype(np.float64), time_s) * size_n * shape
    return np.asarray(rng.uniform(2.0, 25.0) + stepped_n + sway_n)


def swaying(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Standing on a taut band: 1/f sway, and now and then the weight is shifted for good."""
    level_n = np.exp(rng.uniform(np.log(5.0), np.log(80.0)))
    shifts = np.cumsum(rng.normal(0.0, 1.0, time_s.size) * (rng.random(time_s.size) < 0.1 / 80.0))
    moved = shifts - shifts.mean()
    size = rng.uniform(0.01, 0.08)
    sway = _one_over_f(time_s, rng)
    return _taken_up(time_s, rng, level_n * (1.0 + size * sway + 0.05 * _soft(moved, time_s)))


def holding(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Isometric holds with rests between them; the force wavers as 1/f and trembles more as it lasts."""
    level_n = np.exp(rng.uniform(np.log(15.0), np.log(200.0)))
    tension_n = np.zeros_like(time_s)
    at_s = rng.uniform(1.0, 4.0)
    while at_s < time_s[-1] - 15.0:
        lasts_s = rng.uniform(12.0, 70.0)
        rise_s, fall_s = rng.uniform(0.3, 2.5, 2)
        done = np.clip((time_s - at_s) / lasts_s, 0.0, 1.0)
        held = _ease((time_s - at_s) / rise_s) * _ease((at_s + lasts_s - time_s) / fall_s)
        waver = 1.0 + rng.uniform(0.005, 0.04) * (1.0 + 2.0 * done) * _one_over_f(time_s, rng)
        tension_n += level_n * held * waver * (1.0 - rng.uniform(0.0, 0.3) * done)
        at_s += lasts_s + rng.uniform(15.0, 40.0)
    return tension_n


def bracing(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Short isometric holds with a strong band, soon or slowly reached, by a muscle that trembles."""
    level_n = np.exp(rng.uniform(np.log(50.0), np.log(400.0)))
    tremor = rng.uniform(0.005, 0.04) * _wander(time_s, rng, 0.3)
    tension_n = np.zeros_like(time_s)
    at_s = rng.uniform(1.0, 4.0)
    while at_s < time_s[-1] - 40.0:
        rise_s, fall_s = np.exp(rng.uniform(np.log(0.5), np.log(8.0), 2))
        let_go_s = at_s + rise_s + rng.uniform(16.0, 30.0)
        held = _ease((time_s - at_s) / rise_s) * _ease((let_go_s + fall_s - time_s) / fall_s)
        tension_n += level_n * rng.uniform(0.9, 1.1) * held * (1.0 + tremor)
        at_s = let_go_s + fall_s + rng.uniform(15.0, 40.0)
    return tension_n


def riding(time_s: FloatArray, rng: Generator) -> FloatArray:
    """A vehicle: noise in a band about its suspension's resonance, stronger on bad roads."""
    centre_hz = rng.uniform(0.8, 2.5)
    road = np.exp(0.7 * _wander(time_s, rng, 0.1))
    shaking = _band(time_s, rng, 0.6 * centre_hz, 1.6 * centre_hz) + 0.4 * _band(time_s, rng, 5.0, 12.0)
    return np.asarray(np.maximum(0.0, rng.uniform(0.0, 6.0) + rng.uniform(0.3, 2.0) * road * shaking))


def tugging(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Untangling and trying: tugs at random, of sizes and lengths that are drawn for each."""
    tension_n = np.zeros_like(time_s)
    usual_n, at_s = rng.uniform(1.0, 5.0), 0.0
    while (at_s := at_s + rng.exponential(rng.uniform(2.0, 12.0)) + 0.3) < time_s[-1] - 3.0:
        rise_s, fall_s = np.exp(rng.normal(-0.7, 0.6, 2))
        held_s = rng.exponential(0.4)
        size_n = min(14.0, usual_n * np.exp(rng.normal(0.0, 0.8)))
        up = _ease((time_s - at_s) / rise_s) * _ease((at_s + rise_s + held_s + fall_s - time_s) / fall_s)
        tension_n += size_n * up
    return tension_n


def fumbling(time_s: FloatArray, rng: Generator) -> FloatArray:
    """The same without rest: pull after pull, of sizes that differ by half or twice, as do their lengths."""
    tension_n = np.zeros_like(time_s)
    usual_n, spread = np.exp(rng.uniform(np.log(3.0), np.log(30.0))), rng.uniform(0.5, 0.9)
    usual_s, rest_s = rng.uniform(0.25, 0.6), rng.uniform(0.3, 1.5)
    at_s = rng.uniform(1.0, 4.0)
    while at_s < time_s[-1] - 8.0:
        rise_s, fall_s = usual_s * np.exp(rng.normal(0.0, 0.5, 2))
        size_n = usual_n * np.exp(rng.normal(0.0, spread))
        tension_n += (
            size_n * _ease((time_s - at_s) / rise_s) * _ease((at_s + rise_s + fall_s - time_s) / fall_s)
        )
        at_s += rise_s + fall_s + rng.exponential(rest_s)
    return tension_n


def lying(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Nobody there: a zero that creeps with the temperature, and somebody bumps into it."""
    knocks = _soft(rng.exponential(1.0, time_s.size) * (rng.random(time_s.size) < 0.02 / 80.0), time_s, 8.0)
    return rng.uniform(-1.5, 1.5) * np.tanh(time_s / 90.0) + rng.uniform(10.0, 60.0) * knocks * np.sin(
        150.0 * time_s
    )


def _ease(x: FloatArray) -> FloatArray:
    return jerkless(np.clip(x, 0.0, 1.0))


def _taken_up(time_s: FloatArray, rng: Generator, tension_n: FloatArray) -> FloatArray:
    up = _ease((time_s - rng.uniform(0.5, 3.0)) / rng.uniform(0.5, 2.5))
    return np.asarray(
        tension_n * up * _ease((time_s[-1] - rng.uniform(0.5, 2.0) - time_s) / rng.uniform(0.4, 2.0))
    )


def _band(time_s: FloatArray, rng: Generator, low_hz: float, high_hz: float) -> FloatArray:
    """Noise of unit variance in a band."""
    rate_hz = 1.0 / (time_s[1] - time_s[0])
    sections = butter(2, (low_hz, min(high_hz, 0.45 * rate_hz)), "bandpass", fs=rate_hz, output="sos")
    made = sosfilt(sections, rng.standard_normal(time_s.size))
    return np.asarray(made / made.std())


def _wander(time_s: FloatArray, rng: Generator, hz: float) -> FloatArray:
    """Noise of unit variance below a frequency."""
    made = _soft(rng.standard_normal(time_s.size), time_s, hz)
    return np.asarray(made / made.std())


def _soft(values: FloatArray, time_s: FloatArray, hz: float = 1.0) -> FloatArray:
    rate_hz = 1.0 / (time_s[1] - time_s[0])
    return np.asarray(sosfilt(butter(1, hz, fs=rate_hz, output="sos"), np.asarray(values, dtype=np.float64)))


def _one_over_f(time_s: FloatArray, rng: Generator) -> FloatArray:
    """Noise of unit variance with a spectrum of 1/f between 0.02 and 3 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(time_s.size))
    hz = np.fft.rfftfreq(time_s.size, time_s[1] - time_s[0])
    made = np.fft.irfft(
        spectrum * np.where((hz > 0.02) & (hz < 3.0), hz.clip(0.02) ** -0.5, 0.0), time_s.size
    )
    return np.asarray(made / made.std())


KINDS: Mapping[str, Idling] = MappingProxyType(
    {kind.__name__: kind for kind in (gait, swaying, holding, bracing, riding, tugging, fumbling, lying)}
)


def make(kind: str, seed: int, split: Split = "dev", rate_hz: float = 80.0) -> Trace:
    """One control of a kind, two minutes or so."""
    rng = stream(split, seed, "idling", kind)
    fine_hz = 4.0 * rate_hz
    time_s = np.arange(0.0, rng.uniform(60.0, 180.0), 1.0 / fine_hz)
    tension_n = KINDS[kind](time_s, rng)
    # As a converter does: the mean over each sample.
    whole = time_s.size // 4 * 4
    tension_n = tension_n[:whole].reshape(-1, 4).mean(axis=1)
    noisy_n = tension_n + float(np.exp(rng.uniform(np.log(0.005), np.log(0.15)))) * rng.standard_normal(
        tension_n.size
    )
    return Trace(
        name=f"idling/{kind}/{split}/{seed}/{rate_hz:g}",
        kind=kind,
        rate_hz=rate_hz,
        time_s=np.arange(tension_n.size) / rate_hz,
        tension_n=noisy_n,
        n=0,
        n_ok=frozenset({0}),
        is_control=True,
        seed=seed,
    )


def grid(split: Split = "dev", each: int = 3, first_seed: int = 0) -> Iterator[Trace]:
    """`each` controls of every kind, at 80, 20 and 320 samples a second in turn."""
    for kind in KINDS:
        for seed in range(first_seed, first_seed + each):
            yield make(kind, seed, split, (80.0, 20.0, 80.0, 320.0)[seed % 4])
