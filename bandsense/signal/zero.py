"""The zero of the sensor: how it follows temperature, and how it may be tracked while nothing pulls."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import CalibrationError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["TAUT_N", "TemperatureOnZero", "ZeroLimits", "ZeroTracker", "fit_temperature_on_zero"]

TAUT_N = 5.0
"""Tension that the old zero showed beyond which the band may have been taut as a new one was set: no zero is
often so far off. A handle and a carabiner on a sensor show 2 to 5 N, and would be asked about in vain."""


@dataclass(frozen=True, slots=True)
class ZeroLimits:
    """What zero tracking may do. Priors, after what legal metrology asks of zero tracking in scales.

    Attributes:
        full_scale_n: end of the sensor's range.
        still_n_per_s: the zero moves only while tension changes by less than this …
        still_s: … for this long.
        near_n, near_share: and is within this many newtons, or this share of full scale if that is more.
        rate_n_per_s: fastest correction.
        total_share: largest correction ever, as a share of full scale.
    """

    full_scale_n: float = 500.0
    still_n_per_s: float = 0.2
    still_s: float = 1.0
    near_n: float = 2.0
    near_share: float = 0.005
    rate_n_per_s: float = 0.05
    total_share: float = 0.02

    @property
    def window_n(self) -> float:
        """How near to zero tension must be."""
        return max(self.near_n, self.near_share * self.full_scale_n)

    @property
    def total_n(self) -> float:
        """Largest correction."""
        return self.total_share * self.full_scale_n


class ZeroTracker:
    """Follows a drifting zero while nothing pulls, within bounds, and never when the band starts stretched.

    Time is cut into windows of `still_s`. After a window without gap in which tension stood still near zero,
    the correction moves towards it. Samples are corrected by what earlier windows said, so that the result
    does not depend on how the stream is cut into blocks.

    Args:
        limits: see `ZeroLimits`.
        pre_stretched: the person declared that the band is stretched at the start position. Standing
            pretension looks like a drifted zero, so nothing is tracked.
    """

    def __init__(self, limits: ZeroLimits | None = None, *, pre_stretched: bool = False) -> None:
        self._limits = limits if limits is not None else ZeroLimits()
        self._pre_stretched = pre_stretched
        self._correction_n = 0.0
        self._window_s: list[FloatArray] = []
        self._window_n: list[FloatArray] = []

    @property
    def correction_n(self) -> float:
        """What is subtracted now, newtons."""
        return self._correction_n

    def push(
        self, time_s: ArrayLike, tension_n: ArrayLike, gap_before: ArrayLike | None = None
    ) -> FloatArray:
        """Tension with the tracked zero taken off.

        Args:
            time_s: float64[n], increasing over all calls.
            tension_n: float64[n], newtons by the calibration and the last tare.
            gap_before: bool[n]; a gap begins a new window.
        """
        tension = np.asarray(tension_n, dtype=np.float64)
        if self._pre_stretched:
            return tension.copy()
        time = np.asarray(time_s, dtype=np.float64)
        gaps = np.flatnonzero(gap_before).tolist() if gap_before is not None else []
        corrected = np.empty_like(tension)
        for start, stop in pairwise(sorted({0, *gaps, time.size})):
            if start in gaps:
                self._restart()
            self._push_whole(time[start:stop], tension[start:stop], corrected[start:stop])
        return corrected

    def _push_whole(self, time: FloatArray, tension: FloatArray, corrected: FloatArray) -> None:
        """Process samples without a gap, window by window; fill `corrected`."""
        start = 0
        while start < time.size:
            first_s = float(self._window_s[0][0]) if self._window_s else float(time[start])
            stop = start + int(np.searchsorted(time[start:], first_s + self._limits.still_s))
            if stop == start:
                self._close_window(float(time[start]) - first_s)
                continue
            self._window_s.append(time[start:stop].copy())
            self._window_n.append(tension[start:stop].copy())
            np.subtract(tension[start:stop], self._correction_n, out=corrected[start:stop])
            start = stop

    def tared(self) -> None:
        """Forget the correction: the zero was set anew."""
        self._correction_n = 0.0
        self._restart()

    def _restart(self) -> None:
        self._window_s.clear()
        self._window_n.clear()

    def _close_window(self, lasted_s: float) -> None:
        time, tension = np.concatenate(self._window_s), np.concatenate(self._window_n)
        self._restart()
        offset_n = float(tension.mean()) - self._correction_n
        if abs(offset_n) < self._limits.window_n and self._still(time, tension):
            step_n = self._limits.rate_n_per_s * lasted_s
            moved_n = self._correction_n + min(max(offset_n, -step_n), step_n)
            self._correction_n = min(max(moved_n, -self._limits.total_n), self._limits.total_n)

    def _still(self, time: FloatArray, tension: FloatArray) -> bool:
        """Return whether neither the slope over the window nor anything within it shows movement."""
        if time.size < 4:
            return False
        since = time - time.mean()
        slope = float(since @ tension) / float(since @ since)
        scatter = np.abs(tension - tension.mean() - slope * since)
        return abs(slope) < self._limits.still_n_per_s and float(scatter.max()) < self._limits.window_n / 4.0


@dataclass(frozen=True, slots=True)
class TemperatureOnZero:
    """How the zero follows temperature.

    Attributes:
        newton_per_kelvin: slope.
        standard_uncertainty: of the slope, N/K.
        reference_temperature_c: mean temperature of the soaks.
    """

    newton_per_kelvin: float
    standard_uncertainty: float
    reference_temperature_c: float


def fit_temperature_on_zero(
    temperature_c: ArrayLike, zero_n: ArrayLike, zero_uncertainty_n: float = 0.02
) -> TemperatureOnZero:
    """Straight line through the zeros of two or more soaks at different temperatures.

    Args:
        temperature_c: float64[n], one per soak.
        zero_n: float64[n], what the slack sensor showed then, newtons.
        zero_uncertainty_n: standard uncertainty of each.

    Raises:
        CalibrationError: fewer than two soaks, or less than 3 K between them.
    """
    temperature = np.asarray(temperature_c, dtype=np.float64)
    zero = np.asarray(zero_n, dtype=np.float64)
    if temperature.size < 2 or temperature.shape != zero.shape or np.ptp(temperature) < 3.0:
        raise CalibrationError(
            Message("the effect of temperature on the zero needs two steady temperatures, at least 3 K apart")
        )
    centred = temperature - temperature.mean()
    weight = float(centred @ centred)
    return TemperatureOnZero(
        float(centred @ zero) / weight, zero_uncertainty_n / weight**0.5, float(temperature.mean())
    )
