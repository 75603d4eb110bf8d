"""Real human movement on a simulated band.

The package `seglearn` (BSD-3) ships a wrist-worn inertial sensor's traces of ten people who did seven
shoulder exercises, twenty repetitions a set (Burns et al., arXiv 1802.01489). The angle about the main axis
becomes the stroke of a band. Only people with odd numbers are used: 1, 5 and 9 to fit on, 3 and 7 held out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.signal import butter, find_peaks, lfilter, sosfiltfilt

from bandsense.samples import FloatArray
from benchmarks.evidence.packages import Archive
from benchmarks.evidence.trace import Split, Trace, TrueInterval, noise_for, stream

__all__ = ["ARCHIVE", "SUBJECTS", "available", "grid", "rubber"]

SUBJECTS: dict[Split, tuple[int, ...]] = {"dev": (1, 5, 9), "held": (3, 7)}
PRE_STRETCHES = (0.0, 0.05, 0.2, 0.4)
"""Elongation at the start position."""

ARCHIVE = Archive("seglearn", "1.2.5", "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd")
_FILE = "seglearn/data/watch_dataset.npy"
"""A pickle, which can do anything: only this wheel is ever opened."""
_SOURCE_HZ = 50.0
_GRID_HZ = 500.0

_STROKE = {"PEN": 0.5, "ABD": 1.1, "FEL": 1.1, "IR": 0.5, "ER": 0.5, "TRAP": 0.7, "ROW": 0.8}
"""Elongation that the exercise adds to the pre-stretch: the arm's way over a band's usual length."""


available = ARCHIVE.available


class _Movement(NamedTuple):
    subject: int
    side: int
    exercise: str
    angle: FloatArray
    """0 … 1 at the 3rd … 97th percentile, on a grid of 50 Hz."""


@cache
def _movements() -> tuple[_Movement, ...]:
    data = _dataset()
    names = data["y_labels"]
    return tuple(
        _Movement(int(subject), int(side), str(names[int(y)]), _angle(np.asarray(x, dtype=np.float64)))
        for x, y, subject, side in zip(data["X"], data["y"], data["subject"], data["side"], strict=True)
        if int(subject) % 2
    )


def _dataset() -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(ARCHIVE.content())) as wheel:
        packed = np.load(io.BytesIO(wheel.read(_FILE)), allow_pickle=True)
    data: dict[str, Any] = packed.item()
    return data


def _angle(imu: FloatArray) -> FloatArray:
    rate = sosfiltfilt(butter(2, 6.0, fs=_SOURCE_HZ, output="sos"), imu[:, 3:6], axis=0)
    centred = rate - rate.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    angle = np.cumsum(centred @ axis) / _SOURCE_HZ
    angle = sosfiltfilt(butter(2, 0.12, "highpass", fs=_SOURCE_HZ, output="sos"), angle)
    # A pull is what people do quickly from a rest: the end where they stay longer is the bottom.
    if float(np.median(angle)) > float(np.mean(np.quantile(angle, (0.03, 0.97)))):
        angle = -angle
    low, high = np.quantile(angle, (0.03, 0.97))
    scaled: FloatArray = (angle - low) / (high - low)
    return scaled


def _turning_points(angle: FloatArray) -> tuple[tuple[int, int, int], ...]:
    """Valley, top, valley of each stroke of at least 0.35 of the range."""
    tops = find_peaks(angle, prominence=0.35, distance=round(0.5 * _SOURCE_HZ))[0].tolist()
    edges = [0, *tops, angle.size]
    lows = [a + int(np.argmin(angle[a:b])) for a, b in pairwise(edges)]
    return tuple(zip(lows[:-1], tops, lows[1:], strict=True))


def grid(split: Split = "dev", each: int = 1, first_seed: int = 0, rate_hz: float = 80.0) -> Iterator[Trace]:
    """Every set of the split's people with every pre-stretch; the force of the band is drawn.

    With an even seed the set is cut to its repetitions; with an odd one ("whole") what the arm did before and
    after is part of it, and a movement before the first repetition is nobody's mistake.

    Raises:
        Unavailable: the data could not be fetched.
    """
    for movement in _movements():
        if movement.subject not in SUBJECTS[split]:
            continue
        for pre_stretch in PRE_STRETCHES:
            for seed in range(first_seed, first_seed + each):
                yield _on_a_band(movement, pre_stretch, seed, split, rate_hz)


def _on_a_band(movement: _Movement, pre: float, seed: int, split: Split, rate_hz: float) -> Trace:
    names = (movement.subject, movement.side, movement.exercise, pre)
    rng = stream(split, seed, "movement", *names)
    turns, angle = _turning_points(movement.angle), movement.angle
    whole = bool(seed % 2)
    if not whole:
        first, last = turns[0][0], turns[-1][2]
        angle = angle[first : last + 1]
        turns = tuple((a - first, b - first, c - first) for a, b, c in turns)
    lead_s, take_up_s = float(rng.uniform(1.0, 3.0)), float(rng.uniform(0.3, 2.0))
    tail_s = 2.0
    stroke = _STROKE[movement.exercise] * float(rng.uniform(0.8, 1.2))
    source_s = np.arange(angle.size) / _SOURCE_HZ
    grid_s = np.arange(0.0, lead_s + take_up_s + float(source_s[-1]) + take_up_s + tail_s, 1.0 / _GRID_HZ)
    begun_s = lead_s + take_up_s
    ended_s = begun_s + float(source_s[-1])
    elongation = pre + stroke * np.interp(grid_s - begun_s, source_s, angle)
    elongation = _joined(elongation, grid_s, begun_s, take_up_s, ended_s)
    f100_n = float(np.exp(rng.uniform(np.log(15.0), np.log(90.0))))
    clean = rubber(elongation, f100_n, rng)
    period_s = 1.0 / (rate_hz * float(rng.uniform(0.98, 1.02)))
    time_s = np.arange(float(rng.uniform(0.0, period_s)), float(grid_s[-1]), period_s)
    shown = np.interp(time_s, grid_s, clean) + rng.normal(0.0, noise_for(rng, rate_hz), time_s.size)
    reps = tuple(TrueInterval(*(begun_s + i / _SOURCE_HZ for i in turn)) for turn in turns)
    tags = frozenset({"shown" if 18 <= len(turns) <= 22 else "unclear"} | ({"whole"} if whole else set()))
    at = [(grid_s >= rep.start_s) & (grid_s <= rep.end_s) for rep in reps]
    return Trace(
        f"movement/{split}/" + "/".join(map(str, names)) + f"/{seed}",
        movement.exercise,
        rate_hz,
        np.round(time_s, 6),
        np.round(shown, 3),
        20 if "shown" in tags else None,
        frozenset(range(18, 23)),
        reps,
        None,
        (reps[0].start_s,) if reps else (),
        seed=seed,
        tags=tags | {f"angle {len(turns)}", f"subject {movement.subject}"},
        peaks_n=tuple(float(clean[inside].max()) for inside in at),
    )


def _joined(
    elongation: FloatArray, grid_s: FloatArray, begun_s: float, take_up_s: float, ended_s: float
) -> FloatArray:
    """Slack before the take-up and after the release."""
    first, last = np.interp((begun_s, ended_s), grid_s, elongation)
    slack = -0.05
    before, after = grid_s < begun_s, grid_s > ended_s
    up = np.clip((grid_s - begun_s + take_up_s) / take_up_s, 0.0, 1.0)
    down = np.clip((grid_s - ended_s) / take_up_s, 0.0, 1.0)
    joined: FloatArray = elongation.copy()
    joined[before] = slack + (first - slack) * (3.0 * up[before] ** 2 - 2.0 * up[before] ** 3)
    joined[after] = last + (slack - last) * (3.0 * down[after] ** 2 - 2.0 * down[after] ** 3)
    return joined


def rubber(elongation: FloatArray, f100_n: float, rng: np.random.Generator) -> FloatArray:
    """Mooney–Rivlin, F = 2 (λ − λ⁻²)(C1 + C2/λ), with an arm that lags and a loss by direction."""
    stretch = 1.0 + np.maximum(elongation, 0.0)
    ratio = float(rng.uniform(0.4, 1.2))
    unit_n = 2.0 * (2.0 - 0.25) * (1.0 + ratio / 2.0)
    elastic = f100_n / unit_n * 2.0 * (stretch - stretch**-2) * (1.0 + ratio / stretch)
    lag, lag_s = float(rng.uniform(0.02, 0.08)), float(rng.uniform(0.3, 2.0))
    loss = float(rng.uniform(0.02, 0.07))
    keep = float(np.exp(-1.0 / (_GRID_HZ * lag_s)))
    arm = lfilter([1.0], [1.0, -keep], np.diff(elastic, prepend=elastic[:1]))
    speed = np.gradient(stretch) * _GRID_HZ
    direction = speed / (np.abs(speed) + 0.1)
    made: FloatArray = np.maximum(elastic * (1.0 + loss * direction) + lag * arm, 0.0) * (elongation > 0.0)
    return made
