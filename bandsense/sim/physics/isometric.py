"""A simulated person who does a test of isometric strength: rest, pull as hard as they can, hold, let go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bandsense.samples import FloatArray
from bandsense.sim.physics.source import TraceSource

__all__ = ["isometric_source", "isometric_trace"]

RATE_HZ = 80.0
BEFORE_S, HOLD_S, RELEASE_S = 4.0, 4.0, 0.25
_NEWTON_PER_COUNT = 1e-4


def isometric_trace(
    sides: Sequence[str | None], seed: int = 1, rest_s: float = 10.0, rate_hz: float = RATE_HZ
) -> tuple[FloatArray, FloatArray]:
    """Make the trace of a test.

    The maximum is 90 to 260 N, the sides differ by up to a fifth, trials scatter by 4 %. Force rises
    exponentially with a time constant of 90 to 200 ms, falls by 5 % while it is held, and trembles by 1 %.

    Args:
        sides: the side of each trial, in order.
        seed: another seed is another person.
        rest_s: between two trials.
        rate_hz: samples a second.

    Returns:
        Times and forces, float64[n], seconds and newtons.
    """
    draw = np.random.default_rng(seed)
    strength_n, rise_s = draw.uniform(90.0, 260.0), draw.uniform(0.09, 0.2)
    of_side = {"left": draw.uniform(0.8, 1.0), "right": draw.uniform(0.8, 1.0), None: 1.0}
    pieces = [np.zeros(round(BEFORE_S * rate_hz))]
    for side in sides:
        maximum_n = strength_n * of_side[side] * draw.normal(1.0, 0.04)
        pieces += [_pull(maximum_n, rise_s, rate_hz, draw), np.zeros(round(rest_s * rate_hz))]
    force_n = np.concatenate(pieces)
    force_n += draw.normal(0.0, 0.02, force_n.size)
    return np.arange(force_n.size) / rate_hz, force_n


def _pull(maximum_n: float, rise_s: float, rate_hz: float, draw: np.random.Generator) -> FloatArray:
    held_s = np.arange(round(HOLD_S * rate_hz)) / rate_hz
    held = (1.0 - np.exp(-held_s / rise_s)) * (1.0 - 0.05 * held_s / HOLD_S)
    held *= 1.0 + 0.01 * np.sin(2.0 * np.pi * 9.0 * held_s + draw.uniform(0.0, 2.0 * np.pi))
    let_go = np.linspace(held[-1], 0.0, round(RELEASE_S * rate_hz))
    return maximum_n * np.concatenate([held, let_go])


def isometric_source(sides: Sequence[str | None], seed: int = 1, rest_s: float = 10.0) -> TraceSource:
    """Make a sensor that feels such a test."""
    return TraceSource(*isometric_trace(sides, seed, rest_s), newton_per_count=_NEWTON_PER_COUNT)
