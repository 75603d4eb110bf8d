"""From samples as they come to a smooth trace: despiking, one low-pass, gaps kept as gaps.

    samples ──▶ first 13: the rate ──▶ despiker ──▶ low-pass ──▶ segments: clean and smooth tension, time,
                                        looks up     starts anew    and when each sample was known
                                        to 2 ahead   after a gap

**Despiking.** A wrong sample stands out from both neighbours to the same side. So does the top of a quick
pull; but there tension has just been rising, so the step onto the top is no larger than the step before it.
One sample is a spike if it leaves both neighbours by more than the step before it, the step across it, and a
floor. The floor is what a movement may do within one interval h: the curvature of a cosine of amplitude A and
frequency f is A·(2πf)²·h², with the quickest that people do to a band, `STEP_N` and `STEP_HZ`; plus
`SPIKE_FLOOR_N`. At 80 Hz that is 1.8 N, at 10 Hz 18 N. Two wrong samples in a row are known likewise from
`PAIR_RATE_HZ` on; three are not. Spikes are replaced by the line between good neighbours.

**Low-pass.** A second-order Bessel filter at 6 Hz: its group delay is the same for all frequencies that it
lets pass (Oppenheim and Schafer, Discrete-Time Signal Processing, section 5.1), so that the delay at zero,
which has a closed form, is taken off the times and shapes stay as they are. It rounds a quick top off; peaks
are therefore taken from the despiked samples (`peaks`).

**Gaps.** A step longer than both `GAP_S` and `GAP_INTERVALS` intervals starts the low-pass anew at the level
that follows. Nothing is filled in: a line across a hole would look like a movement.

**Any blocks.** The despiker needs `CONTEXT` samples before and one or two after each, which it keeps between
calls; the low-pass keeps its state. So the output does not depend, bit for bit, on how the stream was cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import signal

from bandsense.samples import FloatArray
from bandsense.signal.sample_times import RATE_SAMPLES

__all__ = [
    "Conditioner",
    "Despiker",
    "Segment",
    "low_pass",
    "low_pass_delay_s",
    "measured_rate_hz",
]

LOW_PASS_HZ: Final = 6.0
"""Corner of the low-pass: above the fastest pulls (0.3 s, below 3 Hz), below tremor (7–11 Hz)."""

LARGEST_SHARE: Final = 0.48
"""The corner never exceeds this part of the sample rate: at 10 Hz little is left to filter."""

SPIKE_FLOOR_N: Final = 1.5
"""Smaller outliers are left to the low-pass."""

STEP_N: Final = 20.0
STEP_HZ: Final = 2.2
"""The quickest that people do to a band: a step while walking. At 10 Hz it is nearly as short as a spike."""

CONTEXT: Final = 7
"""Samples before it that the despiker looks at for each sample."""

PAIR_RATE_HZ: Final = 16.0
"""Below this rate two samples are long enough for a person's movement."""

GAP_S: Final = 0.15
GAP_INTERVALS: Final = 2.5
"""A step longer than both is a gap, after which the low-pass starts anew; a shorter one is in its memory."""


def measured_rate_hz(time_s: FloatArray) -> float:
    """Sample rate from the median interval: odd intervals, gaps included, do not move it."""
    return 1.0 / float(np.median(np.diff(time_s)))


@lru_cache(maxsize=16)
def low_pass(rate_hz: float) -> FloatArray:
    """Design a second-order Bessel low-pass, as sections, read-only: one delay for all low frequencies."""
    corner = min(LOW_PASS_HZ, LARGEST_SHARE * rate_hz)
    sections: FloatArray = signal.bessel(2, corner, fs=rate_hz, output="sos", norm="mag")
    sections.flags.writeable = False
    return sections


def low_pass_delay_s(sections: FloatArray, rate_hz: float) -> float:
    """Group delay at zero frequency in seconds, closed form for one second-order section.

    The delay of B(z)/A(z) at z = 1 is Σ k·b_k / Σ b_k − Σ k·a_k / Σ a_k samples
    (Oppenheim and Schafer, Discrete-Time Signal Processing, section 5.1).
    """
    b, a = sections[0, :3], sections[0, 3:]
    k = np.arange(3)
    return float((k @ b) / b.sum() - (k @ a) / a.sum()) / rate_hz


def _floor_n(rate_hz: float, half_width: float) -> float:
    """Return how far a spike of this half width must stand out: noise, and what a step can do.

    That is the curvature of a cosine of `STEP_N` at `STEP_HZ` over the half width.
    """
    angle = 2.0 * math.pi * STEP_HZ * half_width / rate_hz
    return SPIKE_FLOOR_N + STEP_N * (1.0 - math.cos(min(angle, 0.5 * math.pi)))


@dataclass(frozen=True, slots=True)
class Despiker:
    """Replaces spikes of one or two samples by the line between their neighbours.

    A spike leaves both neighbours to the same side, by more than a floor beyond the step before it and the
    step across it. The top of a pull is none, however fast: the step to its last sample but one is larger.

    Attributes:
        floor_n: for one sample.
        pair_floor_n: for two; infinite where the rate is too low to know two wrong samples.
        ahead: samples after it that are needed for each sample.
    """

    floor_n: float
    pair_floor_n: float
    ahead: int

    @classmethod
    def at(cls, rate_hz: float) -> Despiker:
        """Return one for a sample rate."""
        pairs = rate_hz >= PAIR_RATE_HZ
        return cls(_floor_n(rate_hz, 1.0), _floor_n(rate_hz, 1.5) if pairs else math.inf, 2 if pairs else 1)

    def clean(self, values: FloatArray) -> FloatArray:
        """Return `values`, clean from the eighth to the last but `ahead`.

        A second look takes the steps before from what the first has cleaned, for spikes close to each other.
        Each result depends on the `CONTEXT` values before and the `ahead` after it, wherever the row was cut.
        """
        if self._quiet(values):
            return values
        paired = _without_pairs(values, self.pair_floor_n) if self.ahead > 1 else values
        first = _without_singles(paired, paired, values, self.floor_n)
        return first if first is paired else _without_singles(paired, first, values, self.floor_n)

    def clean_whole(self, values: FloatArray) -> FloatArray:
        """Clean a whole trace."""
        if self._quiet(values):
            return values
        padded = np.concatenate((values[[0] * CONTEXT], values, values[[-1] * self.ahead]))
        return self.clean(padded)[CONTEXT : -self.ahead]

    def _quiet(self, values: FloatArray) -> bool:
        """Return whether no step up, or no step down, is large enough for a spike."""
        step = values[1:] - values[:-1]
        return not np.count_nonzero(step > self.floor_n) or not np.count_nonzero(step < -self.floor_n)


def _without_pairs(values: FloatArray, floor_n: float) -> FloatArray:
    before, after = values[1:-3], values[4:]
    rise, fall = values[2:-2] - before, values[3:-1] - after
    usual = np.maximum(np.abs(before - values[:-4]), np.abs(after - before))
    spike = (rise * fall > 0.0) & (np.minimum(np.abs(rise), np.abs(fall)) > floor_n + usual)
    if not np.count_nonzero(spike):
        return values
    clean = values.copy()
    at = spike.nonzero()[0] + 2
    third = (values[at + 2] - values[at - 1]) / 3.0
    clean[at], clean[at + 1] = values[at - 1] + third, values[at + 2] - third
    return clean


def _without_singles(values: FloatArray, before: FloatArray, after: FloatArray, floor_n: float) -> FloatArray:
    """Return `values` with spikes replaced; what stands around each is taken from the other two."""
    rise = values[2:-1] - before[1:-2]
    fall = values[2:-1] - after[3:]
    smaller = np.minimum(np.abs(rise), np.abs(fall))
    usual = np.maximum(np.abs(before[1:-2] - before[:-3]), np.abs(rise - fall))
    spike = (rise * fall > 0.0) & (smaller > floor_n + usual)
    if not np.count_nonzero(spike):
        return values
    clean = values.copy()
    at = spike.nonzero()[0] + 2
    clean[at] = 0.5 * (before[at - 1] + after[at + 1])
    return clean


@dataclass(slots=True, eq=False)
class Segment:
    """Conditioned samples without a gap inside.

    Attributes:
        first: number of the first sample since the start of the stream.
        time_s: device time of each sample.
        ready_s: device time of the sample that made it available: the despiker looks ahead.
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
    """Despikes and low-passes a stream. The low-pass is designed from the rate of the first samples.

    Attributes:
        rate_hz: measured sample rate; 0 until it is known.
        delay_s: how late `Segment.smooth_n` is.
        noise_gain: what the low-pass leaves of the standard deviation of white noise.
    """

    def __init__(self) -> None:
        self.rate_hz = 0.0
        self.delay_s = 0.0
        self.noise_gain = 1.0
        self._longest_step_s = np.inf
        self._despiker = Despiker(0.0, 0.0, 1)
        self._b, self._a = np.ones(1), np.ones(1)
        self._steady: FloatArray = np.zeros(2)
        self._state: FloatArray = np.zeros(2)
        self._given = self._evenly = 0
        self._known_s = -np.inf
        self._time = np.zeros(0)
        self._value = np.zeros(0)

    def push(self, time_s: FloatArray, values: FloatArray, *, evenly: bool = False) -> list[Segment]:
        """Take samples and give those that are ready; `evenly` where there is no gap before or among them."""
        self._evenly = self._evenly + time_s.size if evenly else 0
        self._time = np.concatenate((self._time, time_s))
        self._value = np.concatenate((self._value, values))
        if not self.rate_hz:
            if self._time.size < RATE_SAMPLES:
                return []
            self._design()
        return self._advance()

    def go_on(self, rate_hz: float) -> int:
        """Go on at another rate with the samples to come: the low-pass starts anew.

        Returns:
            How many samples were given; the next segment begins with the one after them.
        """
        if self.rate_hz:
            self._design_for(rate_hz)
            self._state = self._steady * self._value[CONTEXT - 1]
        return self._given

    def finish(self) -> list[Segment]:
        """Give what is left, as if the last sample went on."""
        if not self.rate_hz:
            if self._time.size < 2:
                return []
            self._design()
        last = [-1] * self._despiker.ahead
        self._evenly = 0
        self._time = np.concatenate((self._time, self._time[last]))
        self._value = np.concatenate((self._value, self._value[last]))
        return self._advance()

    def _design(self) -> None:
        self._design_for(measured_rate_hz(self._time[:RATE_SAMPLES]))
        self._time = np.concatenate((self._time[[0] * CONTEXT], self._time))
        self._value = np.concatenate((self._value[[0] * CONTEXT], self._value))
        self._state = self._steady * self._value[0]
        # Nothing was ready before the rate was known.
        self._known_s = float(self._time[CONTEXT:][:RATE_SAMPLES][-1])

    def _design_for(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        sections = low_pass(self.rate_hz)
        self._b, self._a = sections[0, :3].copy(), sections[0, 3:].copy()
        self._steady = signal.lfilter_zi(self._b, self._a)
        self.delay_s = low_pass_delay_s(sections, self.rate_hz)
        impulse = np.zeros(max(8, round(2.0 * self.rate_hz)))
        impulse[0] = 1.0
        self.noise_gain = float(np.sqrt(np.square(signal.lfilter(self._b, self._a, impulse)).sum()))
        self._despiker = Despiker.at(self.rate_hz)
        self._longest_step_s = max(GAP_S, GAP_INTERVALS / self.rate_hz)

    def _advance(self) -> list[Segment]:
        """Condition all samples but the last, which are kept with those before that they depend on."""
        time, ahead = self._time, self._despiker.ahead
        clean = self._despiker.clean(self._value)[CONTEXT:-ahead]
        self._time, self._value = time[-CONTEXT - ahead :], self._value[-CONTEXT - ahead :]
        now, ready = time[CONTEXT:-ahead], time[CONTEXT + ahead :]
        if not now.size:
            return []
        if ready[0] < self._known_s:
            ready = np.maximum(ready, self._known_s)
        if self._evenly >= now.size + ahead:
            return [self._smooth(now, ready, clean, 0.0)]
        step = now - time[CONTEXT - 1 : -ahead - 1]
        if not np.count_nonzero(step > self._longest_step_s):
            return [self._smooth(now, ready, clean, 0.0)]
        cuts = [0, *np.flatnonzero(step > self._longest_step_s).tolist(), step.size]
        pieces = [slice(a, b) for a, b in pairwise(cuts) if b > a]
        gaps_s = [float(step[p.start]) if step[p.start] > self._longest_step_s else 0.0 for p in pieces]
        return [
            self._smooth(now[p], ready[p], clean[p], gap_s) for p, gap_s in zip(pieces, gaps_s, strict=True)
        ]

    def _smooth(self, time_s: FloatArray, ready_s: FloatArray, clean_n: FloatArray, gap_s: float) -> Segment:
        if gap_s:
            self._state = self._steady * clean_n[0]
        # One section is one call of lfilter, which costs a fifth of what sosfilt does on a short row.
        smooth_n, self._state = signal.lfilter(self._b, self._a, clean_n, zi=self._state)
        first = self._given
        self._given += clean_n.size
        return Segment(first, time_s, ready_s, clean_n, smooth_n, gap_s)
