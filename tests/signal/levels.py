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


class Movement:
    """A hand that goes from level to level: newtons and seconds."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.levels_n, self.times_s = [0.0], [0.0]

    def to(self, level_n: float, within_s: float) -> None:
        self.levels_n.append(level_n)
        self.times_s.append(self.times_s[-1] + within_s)

    def stay(self, length_s: float) -> None:
        self.to(self.levels_n[-1], length_s)

    def tug(self, size_n: float) -> None:
        """Of three quarters of a second, with half a second after it, both give or take a quarter."""
        base_n, vary = self.levels_n[-1], np.exp(self.rng.normal(0.0, 0.25, 3))
        self.to(base_n + size_n, 0.35 * vary[0])
        self.to(base_n, 0.4 * vary[1])
        self.stay(0.5 * vary[2])

    def reps(self, valley_n: float, peak_n: float, count: int) -> None:
        """Repetitions whose ranges differ by 4 % and whose tempo by 8 %."""
        swing_n = peak_n - valley_n
        for _ in range(count):
            vary = np.exp(self.rng.normal(0.0, 0.08, 3))
            self.to(valley_n + swing_n * (1.0 + self.rng.normal(0.0, 0.04)), 1.0 * vary[0])
            self.to(valley_n, 1.5 * vary[1])
            self.stay(0.3 * vary[2])

    def taut(self, level_n: float) -> None:
        """Two seconds of standing, and the band is taken up."""
        self.stay(2.0)
        if level_n:
            self.to(level_n, 1.0)
            self.stay(1.5)

    def trace(self) -> tuple[FloatArray, FloatArray]:
        self.to(0.0, 0.8)
        self.stay(5.0)
        return through(self.levels_n, self.times_s)
