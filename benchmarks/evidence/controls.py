"""What is no repetition: one to five minutes of each, and nothing may ever be shown.

Nothing here is shared with `bandsense.sim`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.random import Generator

from bandsense.samples import FloatArray
from benchmarks.evidence.special import steps
from benchmarks.evidence.trace import Board, Split, Trace, cosine, smooth, stream

__all__ = ["KINDS", "grid", "make"]

Control = Callable[[Board, Generator], dict[str, Any]]


def walking(board: Board, rng: Generator) -> dict[str, Any]:
    """With the handle in hand, the band slack or a little taut: steps of 3 … 15 N on sway."""
    board.level = float(rng.choice((0.0, rng.uniform(1.0, 8.0))))
    length_s = float(rng.uniform(60.0, 300.0))
    board.stay(length_s)
    stops = np.sort(rng.uniform(10.0, length_s, 2 * int(rng.integers(1, 4))))
    bouts = [0.0, *stops.tolist(), length_s]
    walks = [steps(rng, b, a) for a, b in zip(bouts[::2], bouts[1::2], strict=False) if b - a > 8.0]
    return {
        "added": lambda grid_s: np.sum([walk(grid_s) for walk in walks], axis=0) if walks else 0.0 * grid_s
    }


def posture(board: Board, rng: Generator) -> dict[str, Any]:
    """Standing with a taut band and shifting weight by 1 … 6 N, at no pace and to no fixed place."""
    level = float(rng.uniform(4.0, 60.0))
    board.stay(float(rng.uniform(1.0, 3.0)))
    board.to(level, float(rng.uniform(0.5, 2.5)))
    length_s = float(rng.uniform(60.0, 180.0))
    most = float(rng.uniform(1.0, 6.0))
    while board.now_s < length_s:
        board.to(max(0.5, level + float(rng.uniform(-0.5, 1.0)) * most), float(rng.uniform(0.4, 2.0)), cosine)
        board.stay(float(rng.exponential(3.0)), 0.1)
    board.to(0.0, float(rng.uniform(0.5, 2.0)))
    board.stay(2.0)
    return {}


def hold(board: Board, rng: Generator) -> dict[str, Any]:
    """An isometric hold of 20 … 90 s, once or twice, that wavers, sags, trembles and breathes."""
    board.stay(float(rng.uniform(1.0, 3.0)))
    level = float(np.exp(rng.uniform(np.log(15.0), np.log(250.0))))
    breath = float(rng.choice((0.0, rng.uniform(0.005, 0.03))))
    held_s = []
    for _ in range(int(rng.integers(1, 3))):
        board.to(level, float(rng.uniform(0.4, 2.0)))
        begun_s, length_s = board.now_s, float(rng.uniform(20.0, 90.0))
        sag, waver = float(rng.uniform(0.0, 0.25)), float(rng.uniform(0.01, 0.06))
        while (done := (board.now_s - begun_s) / length_s) < 1.0:
            target = level * (1.0 - sag * done) * (1.0 + waver * float(np.clip(rng.normal(), -2.0, 2.0)))
            board.to(target, float(rng.uniform(0.5, 2.5)), cosine)
        held_s.append((begun_s, board.now_s))
        board.to(0.0, float(rng.uniform(0.3, 1.5)))
        board.stay(float(rng.uniform(3.0, 15.0)))

    def during(grid_s: FloatArray) -> FloatArray:
        inside = [np.clip(np.minimum(grid_s - a, b - grid_s), 0.0, 1.0) for a, b in held_s]
        return np.asarray(np.sum(inside, axis=0), dtype=np.float64)

    trembling = _tremble(rng, board.now_s, 0.004 * level, lambda t: 1.0 + 0.0 * t)
    breathing = _tremble(rng, board.now_s, breath * level, during, float(rng.uniform(0.2, 0.35)))
    return {"added": lambda grid_s: trembling(grid_s) + breathing(grid_s)}


def hang(board: Board, rng: Generator) -> dict[str, Any]:
    """A mass is hung on, swings as a pendulum, and is taken off."""
    board.stay(float(rng.uniform(2.0, 6.0)))
    weight = float(rng.uniform(10.0, 200.0))
    board.to(weight, float(rng.uniform(0.2, 1.5)))
    on_s = board.now_s
    board.stay(float(rng.uniform(50.0, 200.0)))
    off_s = board.now_s
    board.to(0.0, float(rng.uniform(0.2, 1.5)))
    board.stay(4.0)
    hz, size, fades_s = (
        float(rng.uniform(0.5, 2.0)),
        float(rng.uniform(0.005, 0.05)),
        float(rng.uniform(4.0, 20.0)),
    )

    def swung(grid_s: FloatArray) -> FloatArray:
        since: FloatArray = np.maximum(grid_s - on_s, 0.0)
        on: FloatArray = ((grid_s > on_s) & (grid_s < off_s)).astype(np.float64)
        # A pendulum pulls least at its ends: twice a swing, and never evenly about the weight.
        made: FloatArray = on * weight * size * np.exp(-since / fades_s) * np.sin(2.0 * np.pi * hz * since)
        return made

    return {"added": swung}


def vehicle(board: Board, rng: Generator) -> dict[str, Any]:
    """In a bag, a car or a train: vibration, bumps, bends."""
    board.level = float(rng.choice((0.0, rng.uniform(0.0, 6.0))))
    length_s = float(rng.uniform(60.0, 300.0))
    board.stay(length_s)
    hum_hz, hum_n = float(rng.uniform(4.0, 18.0)), float(rng.uniform(0.2, 1.5))
    knots = np.cumsum(rng.uniform(1.0, 8.0, int(length_s)))
    bends = np.clip(rng.normal(0.0, rng.uniform(0.2, 0.8), knots.size), -1.5, 1.5)
    bumps_s = rng.uniform(0.0, length_s, int(length_s / rng.uniform(3.0, 12.0)))
    bumps_n = rng.exponential(rng.uniform(1.0, 4.0), bumps_s.size)
    tremble = _tremble(rng, length_s, hum_n, lambda t: smooth(knots, np.abs(bends) + 0.3, t), hum_hz)

    def added(grid_s: FloatArray) -> FloatArray:
        made: FloatArray = tremble(grid_s) + smooth(
            np.concatenate(([0.0], knots)), np.concatenate(([0.0], bends)), grid_s
        )
        for at_s, size in zip(bumps_s, bumps_n, strict=True):
            since = np.maximum(grid_s - at_s, 0.0)
            made += size * np.exp(-since / 0.15) * np.sin(2.0 * np.pi * 3.5 * since)
        return made

    return {"added": added}


def fiddling(board: Board, rng: Generator) -> dict[str, Any]:
    """Untangling, trying, adjusting: unlike small pulls with unlike pauses between them."""
    most = float(rng.uniform(4.0, 14.0))
    length_s = float(rng.uniform(60.0, 150.0))
    while board.now_s < length_s:
        board.stay(float(rng.uniform(2.0, 20.0)))
        for _ in range(int(rng.integers(1, 4))):
            board.to(float(rng.uniform(0.1, 1.0)) ** 1.5 * most, float(np.exp(rng.uniform(-2.0, 0.7))))
            board.stay(float(rng.exponential(1.0)), 0.05)
            board.to(
                float(rng.choice((0.0, rng.uniform(0.0, 0.3)))) * board.level,
                float(np.exp(rng.uniform(-2.0, 0.7))),
            )
            board.stay(float(rng.exponential(1.0)))
        board.to(0.0, 0.4)
    return {}


def empty(board: Board, rng: Generator) -> dict[str, Any]:
    """Nothing on the sensor: noise, a creeping zero, now and then a knock."""
    length_s = float(rng.uniform(60.0, 300.0))
    board.stay(length_s)
    creep = float(rng.uniform(-2.0, 2.0))
    knocks_s = rng.uniform(0.0, length_s, int(rng.integers(0, 5)))
    sizes = rng.uniform(1.0, 30.0, knocks_s.size)

    def added(grid_s: FloatArray) -> FloatArray:
        made = creep * np.tanh(grid_s / 60.0)
        for at_s, size in zip(knocks_s, sizes, strict=True):
            since = np.maximum(grid_s - at_s, 0.0)
            made += size * np.exp(-since / 0.03) * np.sin(2.0 * np.pi * 25.0 * since)
        return made

    return {"added": added}


def _tremble(
    rng: Generator,
    length_s: float,
    size_n: float,
    envelope: Callable[[FloatArray], FloatArray],
    hz: float = 9.0,
) -> Callable[[FloatArray], FloatArray]:
    """A shaking whose pace wanders."""
    knots = np.arange(0.0, length_s + 3.0, 0.5)
    pace = np.cumsum(0.5 * hz * rng.uniform(0.8, 1.2, knots.size))

    def added(grid_s: FloatArray) -> FloatArray:
        made: FloatArray = size_n * envelope(grid_s) * np.sin(2.0 * np.pi * np.interp(grid_s, knots, pace))
        return made

    return added


KINDS: Mapping[str, Control] = MappingProxyType(
    {kind.__name__: kind for kind in (walking, posture, hold, hang, vehicle, fiddling, empty)}
)


def make(kind: str, seed: int, split: Split = "dev", rate_hz: float = 80.0) -> Trace:
    """One control of a kind."""
    rng = stream(split, seed, "control", kind)
    board = Board(rng)
    finish = KINDS[kind](board, rng)
    name = f"control/{kind}/{split}/{seed}/{rate_hz:g}"
    return board.finish(name, kind, rate_hz, seed=seed, control=True, averaged=True, **finish)


def grid(split: Split = "dev", each: int = 6, first_seed: int = 0, rate_hz: float = 80.0) -> Iterator[Trace]:
    """`each` controls of every kind."""
    for kind in KINDS:
        for seed in range(first_seed, first_seed + each):
            yield make(kind, seed, split, rate_hz)
