"""From samples as they come to a smooth trace: despiking, one low-pass, gaps kept as gaps.

The output does not depend, bit for bit, on how the stream was cut into blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import signal

from bandsense.samples import FloatArray

__all__ = ["Conditioner", "Segment", "despike", "low_pass", "low_pass_delay_s", "measured_rate_hz"]

LOW_PASS_HZ = 6.0
"""Corner of the low-pass: above the fastest pulls (0.3 s, below 3 Hz), below tremor (7–11 Hz)."""

LARGEST_SHARE = 0.48
"""The corner never exceeds this part of the sample rate: at 10 Hz little is left to filter."""

RATE_SAMPLES = 13
"""Samples the rate is measured on; the median of their intervals tolerates a few odd ones at the start."""

SPIKE_FLOOR_N = 1.5
"""Smaller outliers are left to the low-pass."""

STEP_N = 20.0
STEP_HZ = 2.2
"""The quickest that people do to a band: a step while walking. At 10 Hz it is nearly as short as a spike."""

CONTEXT = 4
"""Samples before it that the despiker looks at for each sample; it looks at one after it."""

GAP_S = 0.15
GAP_INTERVALS = 2.5
"""A step longer than both is a gap, after which the low-pass starts anew; a shorter one is in its memory."""


def measured_rate_hz(time_s: FloatArray) -> float:
    """Sample rate from the median interval: odd intervals, gaps included, do not move it."""
    return 1.0 / float(np.median(np.diff(time_s)))


def low_pass(rate_hz: float) -> FloatArray:
    """Second-order Bessel low-pass as second-order sections: one delay for all low frequencies."""
    corner = min(LOW_PASS_HZ, LARGEST_SHARE * rate_hz)
    sections: FloatArray = signal.bessel(2, corner, fs=rate_hz, output="sos", norm="mag")
    return sections


def low_pass_delay_s(sections: FloatArray, rate_hz: float) -> float:
    """Group delay at zero frequency in seconds, closed form for one second-order section.

    The delay of B(z)/A(z) at z = 1 is Σ k·b_k / Σ b_k − Σ k·a_k / Σ a_k samples
    (Oppenheim and Schafer, Discrete-Time Signal Processing, section 5.1).
    """
    b, a = sections[0, :3], sections[0, 3:]
    k = np.arange(3)
    return float((k @ b) / b.sum() - (k @ a) / a.sum()) / rate_hz


def spike_floor_n(rate_hz: float) -> float:
    """How far a spike stands out at least: noise, and the curvature of a cosine of `STEP_N` at `STEP_HZ`."""
    return SPIKE_FLOOR_N + STEP_N * (1.0 - math.cos(2.0 * math.pi * STEP_HZ / max(rate_hz, 4.0 * STEP_HZ)))


def despike(values: FloatArray, floor_n: float) -> FloatArray:
    """Replace single-sample spikes in values[4:-1] by the mean of their neighbours.

    A spike leaves both neighbours to the same side, by more than `floor_n` beyond the step before it and the
    step across it. The top of a pull is none, however fast: the step to its last sample but one is larger.
    A second look takes the steps before from what the first has cleaned, for spikes close to each other. Each
    result depends on the four values before and the one after it, wherever the row was cut.
    """
    step = values[1:] - values[:-1]
    if step.max(initial=0.0) <= floor_n or step.min(initial=0.0) >= -floor_n:
        return values
    first = _replaced(values, values, floor_n)
    return first if first is values else _replaced(values, first, floor_n)


def _replaced(values: FloatArray, before: FloatArray, floor_n: float) -> FloatArray:
    """`values` with spikes replaced; what came before each sample is taken from `before`."""
    rise = values[2:-1] - before[1:-2]
    fall = values[2:-1] - values[3:]
    smaller = np.minimum(np.abs(rise), np.abs(fall))
    usual = np.maximum(np.abs(before[1:-2] - before[:-3]), np.abs(rise - fall))
    spike = (rise * fall > 0.0) & (smaller > floor_n + usual)
    if not spike.any():
        return values
    clean = values.copy()
    at = spike.nonzero()[0] + 2
    clean[at] = 0.5 * (before[at - 1] + values[at + 1])
    return clean


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Conditioned samples without a gap inside.

    Attributes:
        first: number of the first sample since the start of the stream.
        time_s: device time of each sample.
        ready_s: device time of the sample that made it available: the despiker looks one sample ahead.
        clean_n: despiked tension.
        smooth_n: low-passed tension, late by the low-pass's delay.
        gap_s: length of the gap before the first sample; 0 if there is none.
    """

    first: int
    time_s: FloatArray
    ready_s: FloatArray
    clean_n: FloatArray
    smooth_n: FloatArray
    gap_s: float


class Conditioner:
    """Despikes and low-passes a stream. The low-pass is designed once, from the rate of the first samples.

    Attributes:
        rate_hz: measured sample rate; 0 until it is known.
        delay_s: how late `Segment.smooth_n` is.
    """

    def __init__(self) -> None:
        self.rate_hz = 0.0
        self.delay_s = 0.0
        self._longest_step_s = np.inf
        self._spike_floor_n = 0.0
        self._sections: FloatArray = np.zeros((0, 6))
        self._steady: FloatArray = np.zeros((1, 2))
        self._state: FloatArray = np.zeros((1, 2))
        self._given = 0
        self._time = np.zeros(0)
        self._value = np.zeros(0)

    def push(self, time_s: FloatArray, values: FloatArray) -> list[Segment]:
        """Take samples and give those that are ready."""
        self._time = np.concatenate((self._time, time_s))
        self._value = np.concatenate((self._value, values))
        if not self.rate_hz:
            if self._time.size < RATE_SAMPLES:
                return []
            self._design()
        return self._advance()

    def finish(self) -> list[Segment]:
        """Give what is left; the last sample stands as it is."""
        if not self.rate_hz:
            if self._time.size < 2:
                return []
            self._design()
        self._time = np.concatenate((self._time, self._time[-1:]))
        self._value = np.concatenate((self._value, self._value[-1:]))
        return self._advance()

    def _design(self) -> None:
        self.rate_hz = measured_rate_hz(self._time[:RATE_SAMPLES])
        self._sections = low_pass(self.rate_hz)
        self._steady = signal.sosfilt_zi(self._sections)
        self.delay_s = low_pass_delay_s(self._sections, self.rate_hz)
        self._spike_floor_n = spike_floor_n(self.rate_hz)
        self._longest_step_s = max(GAP_S, GAP_INTERVALS / self.rate_hz)
        self._time = np.concatenate((self._time[[0] * CONTEXT], self._time))
        self._value = np.concatenate((self._value[[0] * CONTEXT], self._value))
        self._state = self._steady * self._value[0]

    def _advance(self) -> list[Segment]:
        """Condition all samples but the last, which is kept with those before that it depends on."""
        time, clean = self._time, despike(self._value, self._spike_floor_n)
        self._time, self._value = time[-CONTEXT - 1 :], self._value[-CONTEXT - 1 :]
        step = time[CONTEXT:-1] - time[CONTEXT - 1 : -2]
        if not step.size:
            return []
        if step.max() <= self._longest_step_s:
            return [self._smooth(time[CONTEXT:-1], time[CONTEXT + 1 :], clean[CONTEXT:-1], 0.0)]
        cuts = [0, *np.flatnonzero(step > self._longest_step_s).tolist(), step.size]
        pieces = [(a, b) for a, b in pairwise(cuts) if b > a]
        return [
            self._smooth(
                time[CONTEXT + a : CONTEXT + b],
                time[CONTEXT + a + 1 : CONTEXT + b + 1],
                clean[CONTEXT + a : CONTEXT + b],
                float(step[a]) if step[a] > self._longest_step_s else 0.0,
            )
            for a, b in pieces
        ]

    def _smooth(self, time_s: FloatArray, ready_s: FloatArray, clean_n: FloatArray, gap_s: float) -> Segment:
        if gap_s:
            self._state = self._steady * clean_n[0]
        smooth_n, self._state = signal.sosfilt(self._sections, clean_n, zi=self._state)
        first = self._given
        self._given += clean_n.size
        return Segment(first, time_s, ready_s, clean_n, smooth_n, gap_s)
