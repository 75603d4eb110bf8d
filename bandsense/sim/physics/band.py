"""A physical elastic band: from where the hand is to the tension in the band, with the band's memory.

Every effect is a multiple of the equilibrium tension F = strands · F100 · ε^p, one shape for all published
colours: rate-independent hysteresis, visco-elastic lag, logarithmic stress relaxation, softening over the
first cycles, and the entropic rise of tension with temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bandsense.samples import FloatArray

__all__ = ["SimulatedBand", "decaying_sum", "released"]

TEMPERATURE_GAIN_PER_K = 0.003
"""Relative rise of tension per kelvin at fixed stretch, entropic elasticity: 1/T near 300 K."""

_RELAXATION_TIMES_S = (0.1, 1.0, 10.0, 100.0)
"""One Maxwell arm per decade makes relaxation linear in the logarithm of time over these decades."""

_BLOCK = 64


@dataclass(frozen=True, slots=True)
class SimulatedBand:
    """One or more parallel strands of elastic between a hand and an anchor.

    Attributes:
        f100_n: tension of one strand at 100 % elongation.
        rest_length_m: unstretched length of a strand.
        exponent: p of the power law.
        strands: parallel strands that share the stretch.
        slack_m: how far the hand moves before the band is taut; negative for a band already stretched at
            the start position.
        energy_loss: share of the loading work that a cycle does not give back, 0 … 1.
        turn_strain: strain over which hysteresis changes sides after a reversal.
        lag: share of tension that follows a change only with `lag_s`.
        lag_s: time constant of the lag.
        relaxation_per_decade: share of tension lost per decade of time at constant stretch.
        softening: share of tension lost to conditioning.
        softening_cycles: loading cycles to the full range within which 63 % of the softening happens.
        temperature_k: temperature above the one that f100_n holds for.
    """

    f100_n: float = 60.0
    rest_length_m: float = 0.6
    exponent: float = 0.62
    strands: int = 1
    slack_m: float = 0.0
    energy_loss: float = 0.1
    turn_strain: float = 0.02
    lag: float = 0.05
    lag_s: float = 0.8
    relaxation_per_decade: float = 0.025
    softening: float = 0.0
    softening_cycles: float = 2.0
    temperature_k: float = 0.0

    def elongation(self, displacement_m: FloatArray) -> FloatArray:
        """Elongation ε ≥ 0 relative to the rest length, the hand being `displacement_m` from its start."""
        return np.maximum(0.0, (displacement_m - self.slack_m) / self.rest_length_m)

    def equilibrium_n(self, elongation: FloatArray) -> FloatArray:
        """Tension without memory."""
        tension: FloatArray = self.strands * self.f100_n * np.power(elongation, self.exponent)
        return tension * (1.0 + TEMPERATURE_GAIN_PER_K * self.temperature_k)

    def tension_n(self, displacement_m: FloatArray, dt_s: float) -> FloatArray:
        """Tension along a movement sampled every `dt_s`, from a band that rested at its first position."""
        elongation = self.elongation(displacement_m)
        soft = self.equilibrium_n(elongation) * self._softened(elongation)
        half_loss = self.energy_loss / (2.0 - self.energy_loss)
        elastic = soft * (1.0 + half_loss * _stop(elongation, self.turn_strain))
        step = np.diff(elastic, prepend=elastic[:1])
        tension = elastic + self.lag * decaying_sum(step, dt_s / self.lag_s)
        if self.relaxation_per_decade:
            for time_s in _RELAXATION_TIMES_S:
                tension += self.relaxation_per_decade * decaying_sum(step, dt_s / time_s)
        return np.where(elongation > 0.0, np.maximum(tension, 0.0), 0.0)

    def _softened(self, elongation: FloatArray) -> FloatArray:
        largest = float(elongation.max(initial=0.0))
        if not self.softening or not largest:
            return np.ones_like(elongation)
        travel = np.cumsum(np.maximum(np.diff(elongation, prepend=elongation[:1]), 0.0))
        return 1.0 - self.softening * -np.expm1(-travel / largest / self.softening_cycles)


def decaying_sum(increments: FloatArray, decay: float) -> FloatArray:
    """Return y[i] = y[i−1]·exp(−decay) + increments[i], without a loop over samples.

    Within a block of samples the recursion is a weighted cumulative sum; only the carry from block to block
    is sequential.
    """
    n = increments.size
    size = max(1, min(_BLOCK, int(300.0 / max(decay, 1e-12))))
    blocks = -(-n // size)
    padded = np.zeros(blocks * size)
    padded[:n] = increments
    weight = np.exp(-decay * np.arange(size))
    inside = np.cumsum(padded.reshape(blocks, size) / weight, axis=1) * weight
    carry = np.zeros(blocks)
    whole = float(np.exp(-decay * size))
    last = 0.0
    for i, end in enumerate(inside[:, -1].tolist()):
        carry[i] = last
        last = last * whole + end
    inside += carry[:, None] * (weight * np.exp(-decay))
    total: FloatArray = inside.reshape(-1)[:n]
    return total


def _stop(values: FloatArray, width: float) -> FloatArray:
    """Prandtl's stop operator, −1 … 1: +1 after rising by twice `width`, −1 after falling by as much."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(values)))) + 1
    edges = np.concatenate(([0], turns, [values.size - 1]))
    state = np.zeros_like(values)
    for start, stop in pairwise(edges.tolist()):
        moved = (values[start : stop + 1] - values[start]) / width
        state[start : stop + 1] = np.clip(state[start] + moved, -1.0, 1.0)
    return state


def released(
    tension_n: FloatArray, time_s: FloatArray, at_s: float, *, ring_hz: float, undershoot: float
) -> FloatArray:
    """Return the tension of a band that snaps or slips off at `at_s`: gone within 50 ms, then ringing.

    Args:
        tension_n: tension without the accident.
        time_s: its times.
        at_s: moment of the accident.
        ring_hz: ringing of sensor and fitting, 10–40 Hz.
        undershoot: first negative swing as a share of the tension lost.
    """
    since = time_s - at_s
    after = since >= 0
    lost = float(np.interp(at_s, time_s, tension_n))
    decay = np.exp(-np.maximum(since, 0.0) / 0.08)
    ringing = -undershoot * lost * decay * np.sin(2 * np.pi * ring_hz * np.maximum(since, 0.0))
    collapse = lost * np.exp(-np.maximum(since, 0.0) / 0.006)
    return np.where(after, collapse + ringing, tension_n)
