"""Movements of known shape: minimum-jerk strokes (Flash and Hogan 1985) of a power-law band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import Boundaries, measure

EXPONENT = 0.65


def minimum_jerk(u: FloatArray | float) -> FloatArray | float:
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


@dataclass(frozen=True)
class Stroke:
    """Out to `top` (1 is the full range), hold, back to `bottom`, rest."""

    pull_s: float = 1.0
    hold_s: float = 0.4
    return_s: float = 1.2
    rest_s: float = 0.6
    top: float = 1.0
    bottom: float = 0.0


def position(strokes: Sequence[Stroke], rate_hz: float, lead_s: float = 1.5) -> tuple[FloatArray, FloatArray]:
    """Seconds and position of the hand."""
    knots, at, now = [(0.0, 0.0)], 0.0, lead_s
    knots.append((now, at))
    for stroke in strokes:
        for duration_s, to in (
            (stroke.pull_s, stroke.top),
            (stroke.hold_s, stroke.top),
            (stroke.return_s, stroke.bottom),
            (stroke.rest_s, stroke.bottom),
        ):
            now += duration_s
            knots.append((now, to))
    time_s = np.arange(0.0, now + 1.0, 1.0 / rate_hz)
    ends = np.array([k[0] for k in knots])
    levels = np.array([k[1] for k in knots])
    i = np.clip(np.searchsorted(ends, time_s, side="right"), 1, len(knots) - 1)
    length = np.maximum(ends[i] - ends[i - 1], 1e-9)
    u = np.clip((time_s - ends[i - 1]) / length, 0.0, 1.0)
    return time_s, levels[i - 1] + (levels[i] - levels[i - 1]) * minimum_jerk(u)


def trace(
    strokes: Sequence[Stroke],
    rate_hz: float = 80.0,
    peak_n: float = 60.0,
    rest_n: float = 0.0,
    noise_n: float = 0.01,
    exponent: float = EXPONENT,
) -> tuple[FloatArray, FloatArray]:
    """Seconds and newtons."""
    time_s, x = position(strokes, rate_hz)
    noise = noise_n * np.random.default_rng(7).standard_normal(time_s.size)
    return time_s, rest_n + (peak_n - rest_n) * np.maximum(x, 0.0) ** exponent + noise


def waves(
    reps: int, height_n: float = 50.0, *, rep_s: float = 2.0, pause_s: float = 1.0, rate_hz: float = 80.0
) -> FloatArray:
    """Repetitions as sines from 0 to `height_n` and back, float64[n] newtons, with a pause after each."""
    t = np.arange(round(rep_s * rate_hz)) / rate_hz
    one = np.concatenate([np.sin(np.pi * t / rep_s) ** 2, np.zeros(round(pause_s * rate_hz))])
    return height_n * np.tile(one, reps)


def steps(count: int = 16, rest_s: float = 12.0, rate_hz: float = 80.0) -> FloatArray:
    """A walk with a taut band, as uneven in height and time as walks are, between two rests: newtons."""
    rng = np.random.default_rng(7)
    parts = [np.zeros(round(2.0 * rate_hz))]
    for _ in range(count):
        u = np.linspace(0.0, 1.0, round(0.55 * rng.normal(1.0, 0.06) * rate_hz), endpoint=False)
        parts.append(8.0 * np.clip(rng.normal(1.0, 0.2), 0.6, 1.5) * np.sin(np.pi * u) ** 2)
    walk = 10.0 + np.concatenate([*parts, np.zeros(round(rest_s * rate_hz))])
    return np.asarray(walk + 0.03 * rng.standard_normal(walk.size))


def doubtful_tail() -> FloatArray:
    """Six repetitions and a movement of a third of their height, which may be another: newtons, 80 Hz."""
    still, after = np.zeros(120), np.zeros(1600)
    return 3.0 + np.concatenate([still, waves(6), still, 0.35 * waves(1, rep_s=1.0), after])


def write_trace(path: Path, tension_n: FloatArray, rate_hz: float = 80.0) -> Path:
    """Write a force trace as a CSV file that every command reads."""
    rows = "".join(f"{n / rate_hz:.4f},{value:.3f}\n" for n, value in enumerate(tension_n))
    path.write_text("time_s,tension_n\n" + rows)
    return path


def crossing_u(part: float, exponent: float = EXPONENT) -> float:
    """Part of a stroke's duration after which its tension passes `part` of the peak, from the closed form."""
    return float(brentq(lambda u: minimum_jerk(u) - part ** (1.0 / exponent), 0.0, 1.0))


def boundaries_of(time_s: FloatArray, tension_n: FloatArray) -> Boundaries:
    """Boundaries of the one repetition that a trace holds from end to end."""
    return measure(time_s.tolist(), tension_n.tolist(), 0, int(tension_n.argmax()), tension_n.size - 1)


def true_boundaries(
    strokes: Sequence[Stroke], lead_s: float = 1.5
) -> list[tuple[float, float, float, float]]:
    """Pull start, hold start, return start and end of strokes from and to 0, from the closed form."""
    low, high = crossing_u(0.1), crossing_u(0.9)
    rows, start = [], lead_s
    for stroke in strokes:
        back = start + stroke.pull_s + stroke.hold_s
        rows.append(
            (
                start + low * stroke.pull_s,
                start + high * stroke.pull_s,
                back + (1.0 - high) * stroke.return_s,
                back + (1.0 - low) * stroke.return_s,
            )
        )
        start = back + stroke.return_s + stroke.rest_s
    return rows
