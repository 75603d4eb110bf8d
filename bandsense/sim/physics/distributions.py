"""What simulated people, bands and sensors are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.random import Generator

__all__ = ["RANGES", "Draw", "Ranges"]

Ranges = Mapping[str, tuple[float, float]]

RANGES: Ranges = MappingProxyType(
    {
        "f100_n": (15.0, 200.0),
        "exponent": (0.55, 0.72),
        "peak_elongation": (0.5, 1.5),
        "rest_length_m": (0.3, 1.5),
        "taut": (0.0, 0.05),
        "energy_loss": (0.05, 0.12),
        "lag": (0.03, 0.06),
        "lag_s": (0.3, 1.5),
        "relaxation": (0.02, 0.028),
        "lead_s": (1.0, 3.0),
        "tail_s": (1.0, 2.5),
        "rom_cv": (0.02, 0.04),
        "tempo": (0.85, 1.2),
        "tempo_cv": (0.03, 0.10),
        "skew": (-0.3, 0.3),
        "tremor": (0.001, 0.004),
        "noise_n": (0.005, 0.02),
        # disturbances
        "strong_lag": (0.06, 0.08),
        "strong_loss": (0.12, 0.15),
        "strong_relaxation": (0.028, 0.03),
        "softening": (0.03, 0.06),
        "temperature_k": (-15.0, 15.0),
        "slack": (0.03, 0.15),
        "never_slack": (0.08, 0.30),
        "strong_skew": (0.4, 0.8),
        "strong_rom_cv": (0.05, 0.08),
        "fatigue": (0.10, 0.25),
        "fatigue_slowing": (0.2, 0.6),
        "partial_rom": (0.25, 0.70),
        "sag": (0.08, 0.30),
        "sag_s": (0.3, 0.9),
        "pause_at": (0.3, 0.7),
        "pause_s": (0.2, 0.8),
        "bounce": (0.02, 0.06),
        "bounce_hz": (2.0, 4.0),
        "no_full_return": (0.10, 0.40),
        "rest_creep": (0.03, 0.12),
        "set_up": (0.10, 0.35),
        "set_up_s": (0.3, 0.9),
        "steps_n": (3.0, 15.0),
        "steps_hz": (1.5, 2.2),
        "walk_s": (4.0, 12.0),
        "regrip": (-0.12, 0.12),
        "blow_n": (20.0, 80.0),
        "tug_n": (10.0, 40.0),
        "ring_hz": (10.0, 40.0),
        "undershoot": (0.05, 0.25),
        "second_user": (0.85, 1.25),
        "arms": (0.02, 0.10),
        "strong_tremor": (0.008, 0.02),
        "tremor_hz": (7.0, 11.0),
        "fast_s": (0.35, 0.55),
        "slow_s": (2.0, 3.0),
        "slow_return_s": (2.5, 5.0),
        "long_hold_s": (2.0, 5.0),
        "long_rest_s": (1.5, 3.0),
        "strong_noise_n": (0.05, 0.10),
        "pink_n": (0.03, 0.10),
        "drift_n_per_s": (0.01, 0.10),
        "temperature_drift_n_per_s": (-0.03, 0.03),
        "span_error": (-0.05, 0.05),
        "off_axis_rad": (0.05, 0.25),
        "full_scale": (0.80, 0.97),
        "spikes_per_min": (3.0, 20.0),
        "stuck_s": (0.05, 0.25),
        "missed": (0.01, 0.06),
        "rate_error": (0.02, 0.05),
        "offset_n": (-20.0, 20.0),
        "dip_n": (0.3, 1.5),
        "loss": (0.02, 0.10),
        "outage_s": (1.0, 5.0),
        "mass_n": (20.0, 150.0),
        "isometric_s": (16.0, 40.0),
        "shift_n": (1.0, 6.0),
    }
)
"""What people, bands and sensors were drawn from; the science behind each is in the project's notes."""


class Draw:
    """Random numbers from named ranges."""

    def __init__(self, ranges: Ranges, rng: Generator) -> None:
        self.ranges = ranges
        self.rng = rng

    def of(self, name: str) -> float:
        """Uniform within a named range."""
        return self.between(self.ranges[name])

    def log(self, name: str) -> float:
        """Uniform in the logarithm within a named range."""
        low, high = self.ranges[name]
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def between(self, bounds: tuple[float, float]) -> float:
        """Uniform within bounds."""
        return float(self.rng.uniform(*bounds))

    def sign(self) -> float:
        """Draw −1 or 1."""
        return float(self.rng.choice([-1.0, 1.0]))

    def some(self, n: int, share: tuple[float, float]) -> set[int]:
        """Draw a share of n indices, one at least, never the first two where there are more."""
        first = min(2, n - 1)
        candidates = np.arange(first, n)
        size = min(candidates.size, max(1, round(self.between(share) * n)))
        return set(self.rng.choice(candidates, size, replace=False).tolist())
