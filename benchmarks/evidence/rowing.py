"""Strokes of real rowers, which nobody rowed for this project.

The source archive of the package `rowingdata` (MIT) has, stroke by stroke, the force at an ergometer's handle
(three pieces of ten minutes), the speed of two oars and that of two sliding seats. Of the handle the force
itself is kept, spread evenly over the drive; angle and way become the elongation of the band that `movement`
stretches. The number of strokes is the recording's. The recordings belong to neither split: nothing is fitted
on them, and the split only draws where a set begins, its scale, band and noise.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bandsense.samples import FloatArray
from benchmarks.evidence.movement import rubber
from benchmarks.evidence.packages import Archive
from benchmarks.evidence.trace import Split, Trace, TrueInterval, jerkless, noise_for, stream

__all__ = ["ARCHIVE", "available", "grid"]

ARCHIVE = Archive(
    "rowingdata", "3.8.2", "d6cbecf71d8e9e91c34eb2a7e457170aa5b5eaa20df928b3d042b08ab980313e", source=True
)
_FOLDER = "rowingdata-3.8.2/testdata/"
_HANDLE = "rp3intervals.csv"
_NO_SAMPLE = -32768.0
_WAYS = (
    ("quiske_per_stroke_left.csv", "oar", "oar angle velocity curve", 0),
    ("quiske_per_stroke_right.csv", "oar", "oar angle velocity curve", 5),
    ("quiske_per_stroke_seat.csv", "seat", "seat curve", 0),
    ("quiske_per_stroke_new.csv", "seat", "seat curve", 0),
)
"""File, what it is of, column of velocities, and strokes left out at its beginning: in the first five of the
right oar it is moved about by a quarter of the way, as a plot shows."""

_POINTS = 200
"""Of the velocity of each stroke."""

_GRID_HZ = 500.0
_RATES_HZ = (80.0, 20.0, 80.0, 320.0)
_STRAINS = (0.0, 0.05, 0.2, 0.4)

available = ARCHIVE.available


class _Pull(NamedTuple):
    """One stroke at the handle: newtons at even steps from its start to its end, seconds."""

    force_n: FloatArray
    start_s: float
    end_s: float


class _Run(NamedTuple):
    """Strokes without a pause: way against time, and where each stroke ends and the next begins."""

    name: str
    kind: str
    time_s: FloatArray
    way: FloatArray
    valleys_s: tuple[float, ...]


# ── the archive ─────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _archive() -> dict[str, str]:
    files = (_HANDLE, *(file for file, *_ in _WAYS))
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE.content())) as archive:
        packed = {file: archive.extractfile(_FOLDER + file) for file in files}
        return {file: one.read().decode() for file, one in packed.items() if one is not None}


@cache
def _pieces() -> tuple[tuple[_Pull, ...], ...]:
    """Ten minutes each; single strokes between them are not a piece."""
    pieces: dict[str, list[_Pull]] = {}
    for row in csv.DictReader(io.StringIO(_archive()[_HANDLE])):
        force_n = _numbers(row["curve_data"])
        force_n = force_n[force_n > _NO_SAMPLE]
        # The time is that of the end of the drive, and the recovery in the same row lies before it.
        end_s, drive_s = float(row["time"]), float(row["drive_time"])
        if force_n.size and drive_s > 0.0:
            pull = _Pull(force_n, end_s - drive_s, end_s)
            pieces.setdefault(row["workout_interval_id"], []).append(pull)
    return tuple(tuple(piece) for piece in pieces.values() if len(piece) > 2)


@cache
def _runs() -> tuple[_Run, ...]:
    return tuple(
        _joined(f"{file.removeprefix('quiske_per_stroke_').removesuffix('.csv')}/{number}", kind, run)
        for file, kind, column, left_out in _WAYS
        for number, run in enumerate(_consecutive(_archive()[file], column, left_out))
    )


def _consecutive(text: str, column: str, left_out: int) -> list[list[tuple[FloatArray, float]]]:
    """Velocity and length (s) of strokes, those that follow each other without a pause together."""
    lines = text.splitlines()[1:]
    rows = csv.DictReader(lines, delimiter=";" if lines[0].count(";") > 5 else ",")
    runs: list[list[tuple[FloatArray, float]]] = [[]]
    last_s = -np.inf
    for row in list(rows)[left_out:]:
        speed, at_s = _numbers(row[column]), float(row["timestamp(s)"])
        length_s = 60.0 / float(row["SPM (strokes per minute)"])
        if speed.size != _POINTS or at_s - last_s > 1.6 * length_s:
            runs.append([])
        if speed.size == _POINTS:
            runs[-1].append((speed, length_s))
        last_s = at_s
    return [run for run in runs if len(run) >= 5]


def _numbers(text: str | None) -> FloatArray:
    return np.array([float(one) for one in (text or "").split(",") if one], dtype=np.float64)


def _joined(name: str, kind: str, run: Sequence[tuple[FloatArray, float]]) -> _Run:
    """Each stroke comes back to where it began: its mean velocity is an error of the sensor."""
    edges_s = np.concatenate(([0.0], np.cumsum([length_s for _, length_s in run])))
    time_s = np.concatenate([[0.0], *(a + (b - a) * np.arange(1, _POINTS + 1) / _POINTS
                                      for a, b in pairwise(edges_s.tolist()))])  # fmt: skip
    ways = (np.cumsum(speed - speed.mean()) * length_s / _POINTS for speed, length_s in run)
    way = np.concatenate([[0.0], *ways])
    valleys_s = []
    for edge_s in edges_s[1:-1]:
        near = np.flatnonzero(np.abs(time_s - edge_s) < 0.35)
        valleys_s.append(float(time_s[near[np.argmin(way[near])]]))
    return _Run(name, kind, time_s, way, tuple(valleys_s))


# ── traces ──────────────────────────────────────────────────────────────────────────────────────────────────


def grid(split: Split = "dev", each: int = 1, first_seed: int = 0) -> Iterator[Trace]:
    """Parts of every recording, as long as sets are, and each piece at the handle as a whole.

    Of a piece there are four times `each` parts of 5 … 30 strokes; of a run of an oar or a seat `each` parts
    of 3 … 24 strokes with every pre-stretch.

    Raises:
        Unavailable: the data could not be fetched.
    """
    for number, piece in enumerate(_pieces()):
        yield _at_the_handle(piece, f"{number}", first_seed, split, whole=True)
        for seed in range(first_seed, first_seed + 4 * each):
            yield _at_the_handle(piece, f"{number}", seed, split, whole=False)
    for run in _runs():
        for i, pre in enumerate(_STRAINS):
            for seed in range(first_seed, first_seed + each):
                yield _on_a_band(run, pre, seed, split, _RATES_HZ[(seed + i) % len(_RATES_HZ)])


def _at_the_handle(piece: tuple[_Pull, ...], number: str, seed: int, split: Split, *, whole: bool) -> Trace:
    rng = stream(split, seed, "rowing", "handle", number, whole)
    strokes = len(piece) if whole else int(rng.integers(5, 31))
    # One in four begins with the piece, whose first strokes are quick and hard.
    first = 0 if whole or seed % 4 == 0 else int(rng.integers(0, len(piece) - strokes + 1))
    pulls = piece[first : first + strokes]
    scale = 0.2 if whole else float(np.exp(rng.uniform(np.log(0.04), 0.0)))
    level_n = scale * 450.0 * float(rng.choice((0.0, rng.uniform(0.0, 0.3))))
    lead_s, take_up_s, gap_s = rng.uniform((1.0, 0.4, 0.3), (3.0, 2.0, 2.0)).tolist()
    begun_s = lead_s + take_up_s + gap_s
    since_s = begun_s - pulls[0].start_s
    left_s = pulls[-1].end_s + since_s + 1.5
    grid_s = np.arange(0.0, left_s + take_up_s + 2.0, 1.0 / _GRID_HZ)
    held = jerkless(np.clip((grid_s - lead_s) / take_up_s, 0.0, 1.0))
    clean_n = level_n * held * jerkless(np.clip((left_s + take_up_s - grid_s) / take_up_s, 0.0, 1.0))
    reps = []
    for force_n, start_s, end_s in pulls:
        at_s = np.linspace(start_s, end_s, force_n.size) + since_s
        clean_n += scale * np.interp(grid_s, at_s, force_n, left=0.0, right=0.0)
        reps.append(TrueInterval(float(at_s[0]), float(at_s[np.argmax(force_n)]), float(at_s[-1])))
    rate_hz = _RATES_HZ[seed % len(_RATES_HZ)]
    kind = "handle, ten minutes" if whole else "handle"
    return _shown(f"rowing/{kind}/{number}", kind, rate_hz, grid_s, clean_n, reps, seed, split, rng)


def _on_a_band(run: _Run, pre: float, seed: int, split: Split, rate_hz: float) -> Trace:
    rng = stream(split, seed, "rowing", run.name, pre)
    most = len(run.valleys_s) - 1
    strokes = min(most, int(rng.integers(4, 25)))
    first = int(rng.integers(0, most - strokes + 1))
    valleys_s = run.valleys_s[first : first + strokes + 1]
    lead_s, take_up_s, release_s = rng.uniform((1.0, 0.3, 0.3), (3.0, 2.0, 2.0)).tolist()
    begun_s, lasts_s = lead_s + take_up_s, valleys_s[-1] - valleys_s[0]
    grid_s = np.arange(0.0, begun_s + lasts_s + release_s + 2.0, 1.0 / _GRID_HZ)
    moved = np.interp(grid_s - begun_s + valleys_s[0], run.time_s, run.way)
    rowed = (grid_s >= begun_s) & (grid_s <= begun_s + lasts_s)
    low, high = np.quantile(moved[rowed], (0.03, 0.97))
    elongation = pre + float(rng.uniform(0.4, 1.1)) * (moved - low) / (high - low)
    slack = -0.05
    up = jerkless(np.clip((grid_s - lead_s) / take_up_s, 0.0, 1.0))
    down = jerkless(np.clip((begun_s + lasts_s + release_s - grid_s) / release_s, 0.0, 1.0))
    start, end = elongation[rowed][[0, -1]]
    elongation = np.where(grid_s < begun_s, slack + (start - slack) * up, elongation)
    elongation = np.where(grid_s > begun_s + lasts_s, slack + (end - slack) * down, elongation)
    clean_n = rubber(elongation, float(np.exp(rng.uniform(np.log(15.0), np.log(90.0)))), rng)
    reps = []
    for start_s, end_s in pairwise(t - valleys_s[0] + begun_s for t in valleys_s):
        inside = np.flatnonzero((grid_s >= start_s) & (grid_s <= end_s))
        reps.append(TrueInterval(start_s, float(grid_s[inside[np.argmax(elongation[inside])]]), end_s))
    return _shown(
        f"rowing/{run.kind}/{run.name}/{pre:g}", run.kind, rate_hz, grid_s, clean_n, reps, seed, split, rng
    )


def _shown(
    name: str,
    kind: str,
    rate_hz: float,
    grid_s: FloatArray,
    clean_n: FloatArray,
    reps: Sequence[TrueInterval],
    seed: int,
    split: Split,
    rng: Generator,
) -> Trace:
    period_s = 1.0 / (rate_hz * float(rng.uniform(0.98, 1.02)))
    time_s = np.arange(float(rng.uniform(0.0, period_s)), float(grid_s[-1]), period_s)
    shown_n = np.interp(time_s, grid_s, clean_n) + rng.normal(0.0, noise_for(rng, rate_hz), time_s.size)
    return Trace(
        f"{name}/{rate_hz:g}/{split}/{seed}",
        kind,
        rate_hz,
        np.round(time_s, 6),
        np.round(shown_n, 3),
        len(reps),
        frozenset({len(reps)}),
        tuple(reps),
        set_starts_s=(reps[0].start_s,),
        seed=seed,
        peaks_n=tuple(float(clean_n[(grid_s >= a) & (grid_s <= b)].max()) for a, _, b in reps),
    )
