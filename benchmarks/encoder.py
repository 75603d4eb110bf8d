"""Repetitions of the real recordings as a linear encoder beside the gauge saw them; no detector enters."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.signal import find_peaks

from bandsense.samples import FloatArray
from bandsense.sim.physics.ground_truth import TrueRep, true_reps
from bandsense.sim.physics.person import Span

__all__ = ["encoder_truth"]

STILL_M_S = 0.1
"""An encoder this slow stands still, or is between two directions."""

GRID_S = 0.005

SPEED_GRID = 20
"""Its speed is a mean over so many steps of the grid."""


def encoder_truth(time_s: FloatArray, tension_n: FloatArray, file: Path) -> tuple[TrueRep, ...]:
    """Repetitions as the encoder saw them, on the gauge's clock; nothing of the detector enters.

    Encoder and gauge were started apart and their clocks differ by about a percent; tension is a curved
    function of length, and lower on the way back. So the encoder's way becomes a tension by a power law with
    hysteresis, fitted together with the clocks' offset and ratio; then both traces cross 10 % and 90 % of the
    same quantity. The movement of a repetition is where the encoder is faster than `STILL_M_S`, from half of
    the way to its furthest outwards.
    """
    way_m = np.cumsum(np.fromstring(file.read_text(), sep=",")) / 1000.0
    grid_s = np.arange(float(time_s[0]), float(time_s[-1]), GRID_S)
    on_gauge_n, on_gauge_m = _aligned(time_s, tension_n, way_m, grid_s)
    tops = find_peaks(on_gauge_m, prominence=0.05 * np.ptp(on_gauge_m))[0].tolist()
    edges = [0, *tops, grid_s.size]
    lows = [a + int(np.argmin(on_gauge_m[a:b])) for a, b in pairwise(edges)]
    firsts = [_movement_start(on_gauge_m, low, top) for low, top in zip(lows, tops, strict=False)]
    lasts = [
        grid_s.size - 1 - _movement_start(on_gauge_m[::-1], grid_s.size - 1 - low, grid_s.size - 1 - top)
        for low, top in zip(lows[1:], tops, strict=True)
    ]
    rested = [*firsts[1:], grid_s.size - 1]
    spans = tuple(map(Span, firsts, lasts, rested))
    return true_reps(grid_s, on_gauge_n, on_gauge_m, spans, (True,) * len(spans))


def _movement_start(way_m: FloatArray, low: int, top: int) -> int:
    """Where a movement from `low` to `top` began: the last standstill before half of the way."""
    rise_m = way_m[low : top + 1]
    half = int(np.argmax(rise_m >= (rise_m[0] + rise_m[-1]) / 2.0))
    moved_m = rise_m[SPEED_GRID : half + 1] - rise_m[: max(0, half + 1 - SPEED_GRID)]
    still = np.flatnonzero(moved_m < STILL_M_S * SPEED_GRID * GRID_S)
    return low + (int(still[-1]) + SPEED_GRID // 2 if still.size else 0)


def _aligned(
    time_s: FloatArray, tension_n: FloatArray, way_m: FloatArray, grid_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The tension that the encoder's way stands for, and the way, at times of the gauge's clock.

    Fitted between the first and the last time that tension crosses a quarter of its range.
    """
    clock_s = np.arange(way_m.size) / 1000.0
    tenth = np.ones(100) / 100.0
    speed_m_s = np.convolve(np.gradient(way_m, 1e-3), tenth, mode="same")
    direction = speed_m_s / (np.abs(speed_m_s) + STILL_M_S)
    relative = (way_m - way_m.min()) / np.ptp(way_m)
    taut = np.flatnonzero(tension_n > tension_n.min() + 0.25 * np.ptp(tension_n))
    inner = slice(int(taut[0]), int(taut[-1]) + 1)

    def terms(at_s: FloatArray, parameters: FloatArray) -> FloatArray:
        offset_s, ratio, exponent, start = parameters
        at = (at_s - offset_s) * ratio
        shape = np.power(np.maximum(np.interp(at, clock_s, relative) + start, 0.0), exponent)
        return np.column_stack((np.ones(at.size), shape, np.interp(at, clock_s, direction)))

    def weights(parameters: FloatArray) -> FloatArray:
        found = np.linalg.lstsq(terms(time_s[inner], parameters), tension_n[inner], rcond=None)[0]
        return np.asarray(found, dtype=np.float64)

    def loss(parameters: FloatArray) -> float:
        rest_n = terms(time_s[inner], parameters) @ weights(parameters) - tension_n[inner]
        return float(np.mean(rest_n**2))

    starts = [
        np.array([at, ratio, 0.65, 0.02])
        for at in np.arange(-8.0, 8.0, 0.1)
        for ratio in (0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03)
    ]
    best = minimize(loss, min(starts, key=loss), method="Nelder-Mead", options={"maxiter": 4000}).x
    on_gauge_m = np.interp((grid_s - best[0]) * best[1], clock_s, way_m)
    return terms(grid_s, best) @ weights(best), on_gauge_m
