"""Sets spliced from single repetitions of real people.

Each repetition was cut from a recording of a real band, valley to valley, at times read off a plot: no
detector had a say. Its own slope from valley to valley is taken off, its force is scaled and its time warped,
rise and fall apart; then it is put on a pre-stretch and joined to others. Truth is what was put there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bandsense.samples import FloatArray
from benchmarks.evidence.trace import DT_S, Board, Split, Trace, stream

__all__ = ["CUTS_S", "Cut", "available", "cut", "recordings_folder", "sample"]

CUTS_S: dict[Split, dict[str, tuple[tuple[float, float, float], ...]]] = {
    "dev": {
        "calibration-1": (
            (1.70, 3.03, 4.19),
            (4.19, 5.27, 6.22),
            (6.22, 7.20, 8.16),
            (8.16, 9.02, 10.01),
            (10.01, 10.90, 13.15),
        ),
        "calibration-5": (
            (1.95, 6.69, 8.53),
            (12.88, 13.93, 15.77),
            (15.77, 18.43, 20.00),
            (22.27, 23.87, 27.40),
        ),
    },
    "held": {
        "calibration-3": (
            (2.22, 5.00, 6.42),
            (6.42, 7.80, 9.12),
            (9.12, 10.30, 11.62),
            (11.62, 12.86, 14.12),
            (14.12, 15.35, 17.10),
        ),
        "clean": (
            (3.00, 3.58, 4.16),
            (4.16, 4.76, 5.30),
            (5.30, 5.90, 6.47),
        ),
    },
}
"""Valley, top and valley of full repetitions, seconds from the first sample. The first one of clean starts at
half of its range and is left out, as are partial ones."""


class Cut(NamedTuple):
    """A real repetition: a swing of 1 above its own baseline, and the share of its samples before the top."""

    rise: FloatArray
    fall: FloatArray
    swing_n: float
    rise_s: float
    fall_s: float


def recordings_folder() -> Path:
    """Where the real recordings are: `BANDSENSE_RECORDINGS`, or beside the repository."""
    default = Path(__file__).resolve().parents[3] / "shared" / "recordings"
    return Path(os.environ.get("BANDSENSE_RECORDINGS", default))


def available() -> bool:
    """Whether the recordings are there."""
    return (recordings_folder() / "band").is_dir()


def force(title: str) -> tuple[FloatArray, FloatArray]:
    """Times and tensions of a recording, as they are."""
    lines = (recordings_folder() / "band" / f"{title}.force.csv").read_text().splitlines()[1:]
    rows = np.array([line.replace(",", ".").split(";") for line in lines if line.strip()], dtype=np.float64)
    return rows[:, 0] / 1e6 - rows[0, 0] / 1e6, rows[:, 1]


@cache
def cut(split: Split) -> tuple[Cut, ...]:
    """The repetitions of a split."""
    cuts = []
    for title, at in CUTS_S[split].items():
        time_s, tension_n = force(title)
        for start_s, top_s, end_s in at:
            cuts.append(_one(time_s, tension_n, start_s, top_s, end_s))
    return tuple(cuts)


def _one(time_s: FloatArray, tension_n: FloatArray, start_s: float, top_s: float, end_s: float) -> Cut:
    near = np.abs(time_s - top_s) < 0.15
    top_s = float(time_s[near][np.argmax(tension_n[near])])
    ends_n = [float(np.median(tension_n[np.abs(time_s - t) < 0.03])) for t in (start_s, end_s)]

    def level(at: FloatArray) -> FloatArray:
        slope = (at - start_s) / (end_s - start_s)
        above: FloatArray = np.interp(at, time_s, tension_n) - (ends_n[0] + (ends_n[1] - ends_n[0]) * slope)
        return above

    # The gauge's own noise goes with what is finer than a fortieth of a second.
    u = np.linspace(0.0, 1.0, 400)
    up, down = start_s + u * (top_s - start_s), top_s + u * (end_s - top_s)
    rise, fall = _calm(level(up), (top_s - start_s) / 400), _calm(level(down), (end_s - top_s) / 400)
    swing = float(rise[-1])
    fall = fall + (swing - fall[0]) * np.linspace(1.0, 0.0, 400) ** 4
    return Cut(rise / swing, fall / swing, swing, top_s - start_s, end_s - top_s)


def _calm(values: FloatArray, step_s: float) -> FloatArray:
    width = max(1, round(0.025 / step_s))
    padded = np.concatenate((np.full(width, values[0]), values, np.full(width, values[-1])))
    calm: FloatArray = np.convolve(padded, np.ones(width) / width, mode="same")[width:-width]
    calm[0], calm[-1] = values[0], values[-1]
    return calm


def sample(
    count: int, split: Split = "dev", first_seed: int = 0, rate_hz: float | None = None
) -> Iterator[Trace]:
    """Spliced sets of 3 to 15 repetitions, at 80 samples a second or the given rate."""
    for seed in range(first_seed, first_seed + count):
        yield splice(seed, split, 80.0 if rate_hz is None else rate_hz)


def splice(seed: int, split: Split, rate_hz: float = 80.0) -> Trace:
    """One spliced set."""
    rng = stream(split, seed, "splice")
    sources = cut(split)
    board = Board(rng)
    reps = int(rng.integers(3, 16))
    force_scale = float(np.exp(rng.uniform(np.log(0.1), np.log(6.0))))
    time_scale = float(np.exp(rng.uniform(np.log(0.4), np.log(3.0))))
    valley_share = float(rng.uniform(0.0, 0.8)) if rng.random() < 0.7 else 0.0
    rest_s = float(rng.choice((0.0, 0.0, 0.3, 1.0, 2.5, 5.0)))
    uneven = float(rng.choice((0.02, 0.05, 0.1)))
    # One person's set comes from one or two sources; a third of the sets mixes all.
    chosen = range(len(sources)) if rng.random() < 0.33 else rng.choice(len(sources), 2, replace=False)
    swing_n = force_scale * float(np.median([sources[i].swing_n for i in chosen]))
    valley_n = valley_share / (1.0 - valley_share) * swing_n
    board.stay(float(rng.uniform(0.8, 3.0)), 0.0)
    if valley_n:
        board.to(valley_n, float(np.exp(rng.uniform(np.log(0.3), np.log(4.0)))))
        board.stay(float(rng.uniform(0.3, 3.0)))
    board.begin_set()
    for i in range(reps):
        source = sources[int(rng.choice(chosen))]
        size_n = swing_n * float(np.clip(rng.normal(1.0, uneven), 0.75, 1.25))
        pace = time_scale * float(np.exp(rng.normal(0.0, uneven)))
        rise_s = source.rise_s * pace * float(rng.uniform(0.9, 1.1))
        fall_s = source.fall_s * pace * float(rng.uniform(0.9, 1.1))
        piece = size_n * np.concatenate(
            (_stretched(source.rise, rise_s), _stretched(source.fall, fall_s)[1:])
        )
        board.replay(piece, round(rise_s / DT_S))
        if rest_s and i < reps - 1:
            board.stay(rest_s * float(rng.uniform(0.5, 1.5)))
    board.stay(float(rng.uniform(0.2, 1.5)))
    if valley_n:
        board.to(0.0, float(rng.uniform(0.3, 1.5)))
    board.stay(float(rng.uniform(0.8, 3.0)))
    return board.finish(f"splice/{split}/{seed}/{rate_hz:g}", "splice", rate_hz, seed=seed)


def _stretched(values: FloatArray, duration_s: float) -> FloatArray:
    n = max(8, round(duration_s / DT_S))
    made: FloatArray = np.interp(np.linspace(0.0, 1.0, n), np.linspace(0.0, 1.0, values.size), values)
    return made
