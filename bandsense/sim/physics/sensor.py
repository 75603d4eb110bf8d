"""A 24-bit strain-gauge sensor: from the tension it feels to the counts it sends, faults included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bandsense.samples import BoolArray, FloatArray

__all__ = [
    "COUNT_MAX",
    "COUNT_MIN",
    "FULL_SCALE_N",
    "GAIN",
    "NEWTON_PER_COUNT",
    "Conversions",
    "SimulatedSensor",
]

GAIN = 32
"""Of the converter's amplifier; `hardware/constants.toml` says the same."""

FULL_SCALE_N = 3830.726
"""Nominal tension at a count of 2²³ with that gain and the default cell (50 kg, 2 mV/V), from that file."""

NEWTON_PER_COUNT = FULL_SCALE_N / 2**23
"""Nominal span of the simulated sensor, 0.46 mN."""

COUNT_MAX = 2**23 - 1
COUNT_MIN = -(2**23)

_SINC3_CORNER = 0.2622
"""−3 dB frequency of three moving averages in a row, times their length: |sinc(0.2622)|³ = 2^−½."""


@dataclass(frozen=True, slots=True, eq=False)
class Conversions:
    """Consecutive conversions of a 24-bit converter.

    Attributes:
        device_time_us: int64[n], microseconds since the source began, strictly increasing, not wrapped.
        counts: int32[n], −2²³ … 2²³ − 1.
        saturated: bool[n]; True where the converter was at the end of its range.
        gap_before: bool[n]; True where the sensor itself missed conversions just before this one.
    """

    device_time_us: NDArray[np.int64]
    counts: NDArray[np.int32]
    saturated: BoolArray
    gap_before: BoolArray

    def __len__(self) -> int:
        return int(self.counts.size)

    def slice(self, start: int, stop: int) -> Conversions:
        """Conversions `start` up to, not including, `stop`."""
        part = slice(start, stop)
        return Conversions(
            self.device_time_us[part], self.counts[part], self.saturated[part], self.gap_before[part]
        )

    @classmethod
    def joined(cls, *parts: Conversions) -> Conversions:
        """Parts of one stream as one; none make an empty one."""
        return cls(
            np.concatenate([np.zeros(0, dtype=np.int64), *(part.device_time_us for part in parts)]),
            np.concatenate([np.zeros(0, dtype=np.int32), *(part.counts for part in parts)]),
            np.concatenate([np.zeros(0, dtype=np.bool_), *(part.saturated for part in parts)]),
            np.concatenate([np.zeros(0, dtype=np.bool_), *(part.gap_before for part in parts)]),
        )


@dataclass(frozen=True, slots=True)
class SimulatedSensor:
    """An inline force sensor and its converter.

    Attributes:
        newton_per_count: nominal span.
        zero_count: nominal count without tension.
        noise_n: white noise, newtons rms per conversion.
        pink_n: 1/f noise, newtons rms.
        warm_up_n: zero drift after power-on, approached exponentially.
        warm_up_s: its time constant.
        drift_n_per_s: steady zero drift, such as a temperature ramp leaves.
        span_error: relative error of the true span against the nominal one.
        off_axis_rad: angle between tension and measuring axis; the cosine is what is felt.
        full_scale_n: input at which the amplifier saturates, either sign, if before the converter.
        spikes_per_min: rate of spurious codes that last one conversion.
        stuck_per_min: rate at which the code freezes.
        stuck_s: for how long.
        missed: share of conversions that are never made.
        rate_error: relative deviation of the true rate from the nominal one.
        corner_hz: −3 dB frequency of the converter's own filter, hertz; 0 for none.
            The filter is symmetric about the stamped time: a stamp is the middle of its conversion.
        dip_n: offset during a dip of the supply.
        dips_per_min: rate of such dips, 0.1 s each.
        offset_n: constant zero error, as if never tared.
    """

    newton_per_count: float = NEWTON_PER_COUNT
    zero_count: int = 0
    noise_n: float = 0.012
    pink_n: float = 0.0
    warm_up_n: float = 0.0
    warm_up_s: float = 60.0
    drift_n_per_s: float = 0.0
    span_error: float = 0.0
    off_axis_rad: float = 0.0
    full_scale_n: float = float("inf")
    spikes_per_min: float = 0.0
    stuck_per_min: float = 0.0
    stuck_s: float = 0.2
    missed: float = 0.0
    rate_error: float = 0.0
    corner_hz: float = 0.0
    dip_n: float = 0.0
    dips_per_min: float = 0.0
    offset_n: float = 0.0

    @property
    def gain(self) -> float:
        """Newtons shown by the nominal span per newton of tension."""
        return (1.0 + self.span_error) * float(np.cos(self.off_axis_rad))

    def convert(
        self, time_s: FloatArray, tension_n: FloatArray, rate_hz: float, rng: Generator
    ) -> Conversions:
        """Sample a finely gridded tension (uniform grid from time 0) at a nominal rate."""
        felt = self._filtered(tension_n, float(time_s[1] - time_s[0])) if self.corner_hz else tension_n
        device_time_us = self._stamps(float(time_s[-1]), rate_hz, rng)
        at = device_time_us / 1e6
        signal = self.systematic_n(at, np.interp(at, time_s, felt)) + self._random_error(at, rng)
        signal = self._frozen(at, self._spiked(at, signal, rng), rng)
        limit = min(float(COUNT_MAX), float(np.rint(self.full_scale_n / self.newton_per_count)))
        ideal = np.rint(signal / self.newton_per_count)
        saturated = np.abs(ideal) >= limit
        counts = np.clip(np.clip(ideal, -limit, limit) + self.zero_count, COUNT_MIN, COUNT_MAX)
        made = rng.random(at.size) >= self.missed
        made[:1] = True
        gap_before = np.diff(np.flatnonzero(made), prepend=-1) > 1
        return Conversions(device_time_us[made], counts[made].astype(np.int32), saturated[made], gap_before)

    def systematic_n(self, time_s: FloatArray, tension_n: FloatArray) -> FloatArray:
        """Return what the nominal calibration shows without randomness: span, angle, offset, drifts."""
        drift = self.warm_up_n * -np.expm1(-time_s / self.warm_up_s) + self.drift_n_per_s * time_s
        return tension_n * self.gain + self.offset_n + drift

    def _stamps(self, duration_s: float, rate_hz: float, rng: Generator) -> NDArray[np.int64]:
        period_us = 1e6 / (rate_hz * (1.0 + self.rate_error))
        first_us = rng.uniform(0.0, period_us)
        stamps: NDArray[np.int64] = np.rint(np.arange(first_us, duration_s * 1e6, period_us)).astype(np.int64)
        return stamps

    def _filtered(self, tension_n: FloatArray, dt_s: float) -> FloatArray:
        size = max(1, 2 * round(_SINC3_CORNER / self.corner_hz / dt_s / 2) + 1)
        kernel = np.ones(size) / size
        kernel = np.convolve(np.convolve(kernel, kernel), kernel)
        half = kernel.size // 2
        padded = np.pad(tension_n, half, mode="edge")
        return np.convolve(padded, kernel, mode="valid")

    def _random_error(self, at: FloatArray, rng: Generator) -> FloatArray:
        error: FloatArray = self.noise_n * rng.standard_normal(at.size)
        if self.pink_n:
            error += self.pink_n * _pink(at.size, rng)
        for start in _arrivals(self.dips_per_min, at, rng):
            error[(at >= start) & (at < start + 0.1)] += self.dip_n
        return error

    def _spiked(self, at: FloatArray, signal: FloatArray, rng: Generator) -> FloatArray:
        """Spurious codes as bit-banged converters give them: mostly far too low, some at the end of scale."""
        end_n = COUNT_MAX * self.newton_per_count
        for start in _arrivals(self.spikes_per_min, at, rng):
            i = min(int(np.searchsorted(at, start)), at.size - 1)
            signal[i] = rng.choice([-end_n, end_n, -0.5 * end_n, 0.0])
        return signal

    def _frozen(self, at: FloatArray, signal: FloatArray, rng: Generator) -> FloatArray:
        for start in _arrivals(self.stuck_per_min, at, rng):
            held = np.flatnonzero((at >= start) & (at < start + self.stuck_s))
            signal[held] = signal[held[:1]]
        return signal


def _arrivals(per_min: float, at: FloatArray, rng: Generator) -> FloatArray:
    """Moments of a Poisson process within the times `at`."""
    if not per_min or not at.size:
        return np.zeros(0)
    duration = float(at[-1] - at[0])
    return np.sort(rng.uniform(at[0], at[-1], rng.poisson(per_min * duration / 60.0)))


def _pink(n: int, rng: Generator) -> FloatArray:
    """Make 1/f noise of unit variance: white noise shaped in the frequency domain."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    noise = np.fft.irfft(spectrum, n)
    return noise / max(float(noise.std()), 1e-12)
