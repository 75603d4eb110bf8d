"""Traces drawn from level to level, for tests of the detector."""

from __future__ import annotations

import numpy as np

from bandsense.samples import FloatArray

RATE_HZ = 80.0


def through(
    levels_n: list[float], times_s: list[float], rate_hz: float = RATE_HZ
) -> tuple[FloatArray, FloatArray]:
    """Half cosines from level to level, with a little noise: seconds, newtons."""
    time_s = np.arange(0.0, times_s[-1], 1.0 / rate_hz)
    at = np.clip(np.searchsorted(times_s, time_s, side="right") - 1, 0, len(times_s) - 2)
    knots_s, knots_n = np.array(times_s), np.array(levels_n)
    u = (time_s - knots_s[at]) / (knots_s[at + 1] - knots_s[at])
    tension_n = knots_n[at] + (knots_n[at + 1] - knots_n[at]) * (1.0 - np.cos(np.pi * u)) / 2.0
    return time_s, tension_n + np.random.default_rng(1).normal(0.0, 0.02, time_s.size)
