"""Densities that several laws share, and what keeps their logarithms finite."""

from __future__ import annotations

import math
from typing import Final

from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import Numbers

__all__ = [
    "IMPOSSIBLE",
    "NO_INTERVAL",
    "came_back",
    "clip",
    "end",
    "ln",
    "mixed",
    "normal",
    "returned",
    "softplus",
]

_ROOT: Final = math.sqrt(2.0 * math.pi)

IMPOSSIBLE: Final = 1e-300
"""No density is smaller."""

NO_INTERVAL: Final = -0.5 - math.log(1.1) - 0.919
"""What the unknown interval of a first movement costs: the average of the interval's law."""


def normal(x: float, mean: float, sd: float) -> float:
    """Return the density of a normal distribution."""
    z = (x - mean) / sd
    return math.exp(-0.5 * z * z) / (sd * _ROOT)


def mixed(
    x: float, share_1: float, mean_1: float, sd_1: float, share_2: float, mean_2: float, sd_2: float
) -> float:
    """Return the density of a mixture of two normal distributions."""
    z1, z2 = (x - mean_1) / sd_1, (x - mean_2) / sd_2
    return share_1 * (math.exp(-0.5 * z1 * z1) / (sd_1 * _ROOT)) + share_2 * (
        math.exp(-0.5 * z2 * z2) / (sd_2 * _ROOT)
    )


def ln(x: float) -> float:
    """Return a logarithm that is finite."""
    return math.log(x) if x > IMPOSSIBLE else -690.0


def softplus(x: float) -> float:
    """Return ln(1 + exp x): a cost that begins softly."""
    return x + math.log1p(math.exp(-x)) if x > 0.0 else math.log1p(math.exp(x))


def clip(x: float, largest: float) -> float:
    """Return what is not larger than that in either direction."""
    return -largest if x < -largest else x if x < largest else largest


def returned(r: float) -> float:
    """Return the density of fall by rise: movements mostly come back to where they began."""
    if r <= 1e-6:
        return 0.0
    return 0.5 * normal(r, 1.0, 0.06) + 0.35 * normal(r, 1.0, 0.25) + 0.15 * normal(math.log(r), 0.0, 1.3) / r


def end(k: Numbers, m: Movement, density: float) -> float:
    """Return the density of the valley after, in 1/N; a slack band is a floor to whoever comes back to it."""
    if m.end_n is None:
        return 1.0
    v = k.valleys
    return (1.0 - v.slack_share) * density + v.slack_share * normal(m.end_n, m.lowest_n, v.slack_width_n)


def came_back(k: Numbers, m: Movement) -> float:
    """Return the density of the valley after what mostly comes back to where it began; 1 while not known."""
    if m.back is None:
        m.back = 1.0
        if m.end_n is not None:
            m.back = end(k, m, returned((m.top_n - m.end_n) / m.rise_n) / m.rise_n)
    return m.back
