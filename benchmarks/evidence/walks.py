"""Walking with a taut band: uneven steps, small steps on a strong sway, and an arm that swings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bandsense.samples import FloatArray
from benchmarks.evidence.trace import Split, Trace, smooth, stream

__all__ = ["grid", "irregular", "swaying"]

LENGTH_S = 120.0


def irregular(
    rng: np.random.Generator, rate_hz: float, duration_s: float = LENGTH_S
) -> tuple[FloatArray, FloatArray]:
    """Steps of uneven height, length and cadence, and the slow sway of the whole person: seconds, newtons."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    height_n, steps_hz, part = rng.uniform(3.0, 15.0), rng.uniform(1.5, 2.2), rng.uniform(0.5, 1.0)
    steps_n, at_s = np.zeros_like(time_s), 0.5
    while at_s < duration_s:
        period_s = rng.normal(1.0, 0.08) / steps_hz
        u = np.clip((time_s - at_s) / (part * period_s), 0.0, 1.0)
        steps_n += height_n * np.clip(rng.normal(1.0, 0.25), 0.2, 1.8) * np.sin(np.pi * u) ** 2
        at_s += period_s
    sway = sum(
        rng.normal() * np.sin(2.0 * np.pi * (hz * time_s + rng.random())) for hz in (0.1, 0.23, 0.4, 0.7)
    )
    return time_s, 10.0 + steps_n + 0.6 * sway + 0.03 * rng.standard_normal(time_s.size)


def swaying(
    rng: np.random.Generator, rate_hz: float, sway_n: float, duration_s: float = LENGTH_S
) -> tuple[FloatArray, FloatArray]:
    """Small steps on a sway between 0.05 and 0.6 Hz with this standard deviation: seconds, newtons."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    steps_n, at_s = np.zeros_like(time_s), 0.4
    height_n, steps_hz = rng.uniform(5.0, 12.0), rng.uniform(1.5, 2.2)
    while at_s < duration_s:
        steps_n += height_n * rng.normal(1.0, 0.2) * np.exp(-0.5 * ((time_s - at_s) / 0.09) ** 2)
        at_s += rng.normal(1.0, 0.06) / steps_hz
    hz = rng.uniform(0.05, 0.6, 12)
    sway = np.sin(2.0 * np.pi * (np.outer(time_s, hz) + rng.random(12))).sum(axis=1) / np.sqrt(6.0)
    return time_s, 25.0 + steps_n + sway_n * sway + 0.03 * rng.standard_normal(time_s.size)


def striding(
    rng: np.random.Generator, rate_hz: float, duration_s: float = LENGTH_S
) -> tuple[FloatArray, FloatArray]:
    """An arm that swings once in two steps, a large wave and a small one in turn: seconds, newtons."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    stride_s, size_n, rest_n = rng.uniform(0.9, 1.5), rng.uniform(3.0, 8.0), rng.uniform(5.0, 20.0)
    second, between, early = rng.uniform(0.2, 0.6), rng.uniform(0.0, 0.5), rng.uniform(0.4, 0.5)
    lengths = early * np.array([0.6, 0.4]), (1.0 - early) * np.array([0.35, 0.65])
    shape = (
        (1.0, lengths[0][0]),
        (between * second, lengths[0][1]),
        (second, lengths[1][0]),
        (0.0, lengths[1][1]),
    )
    levels, times, wander = [0.0], [0.0], 0.0
    while times[-1] < duration_s:
        wander = 0.8 * wander + 0.6 * rng.normal()
        height_n = size_n * float(np.exp(0.2 * wander))
        for level, share in shape:
            levels.append(level * height_n + rng.normal(0.0, 0.03 * size_n))
            times.append(
                times[-1] + share * stride_s * (1.0 + float(np.clip(rng.normal(0.0, 0.03), -0.3, 0.3)))
            )
    swung_n = smooth(np.array(times), np.array(levels), time_s)
    return time_s, rest_n + swung_n + 0.03 * rng.standard_normal(time_s.size)


def grid(split: Split = "dev", each: int = 6, first_seed: int = 0) -> Iterator[Trace]:
    """Walks of all kinds, at 20 and 80 samples a second in turn."""
    for seed in range(first_seed, first_seed + each):
        rate_hz = 80.0 if seed % 2 else 20.0
        for kind in ("irregular", "swaying", "striding"):
            rng = stream(split, seed, "walk", kind)
            if kind == "irregular":
                made = irregular(rng, rate_hz)
            elif kind == "swaying":
                made = swaying(rng, rate_hz, float(rng.uniform(0.5, 3.5)))
            else:
                made = striding(rng, rate_hz, float(rng.uniform(20.0, 90.0)))
            yield Trace(
                name=f"walk/{kind}/{split}/{seed}/{rate_hz:g}",
                kind=kind,
                rate_hz=rate_hz,
                time_s=made[0],
                tension_n=made[1],
                n=0,
                n_ok=frozenset({0}),
                is_control=True,
                seed=seed,
            )
