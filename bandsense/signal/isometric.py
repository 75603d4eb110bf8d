"""An isometric pull: its maximum, and how quickly force rose, where the sensor can tell that.

* The maximum is the greatest mean over `WINDOW_S`: what was held, not a jerk. A mean of many samples depends
  little on their rate or noise.
* The rate of force development is the rise from 20 to 80 % of the maximum over the time that it took, on the
  way to it. It is an isometric measure: a band in between stretches first and spoils it (Maffiuletti et al.
  2016, Eur. J. Appl. Physiol. 116:1091), so it is told of a rigid link only. Over so short a time each of the
  two crossings counts: it is shown where at least `LEAST_INTERVALS` samples lie between them and its standard
  uncertainty, by the crossings of `metric_contract` and the span of the calibration, is at most `MOST_SHARE`.
  At 80 samples a second that is a rise of 100 ms or more.
* The time to the peak is never told: on a plateau it is an accident.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, sqrt

import numpy as np

from bandsense.language import Message
from bandsense.samples import FloatArray
from bandsense.signal.boundaries import FLANK, crossing_s
from bandsense.signal.metric_contract import USUAL_RATES_HZ, Conditions, crossing_uncertainty_s

__all__ = ["WINDOW_S", "RateOfForce", "maximum_n", "rate_of_force"]

WINDOW_S = 0.5
LOW, HIGH = 0.2, 0.8
LEAST_INTERVALS = 8
MOST_SHARE = 0.2
"""As of the loading rate in `metric_contract`."""


@dataclass(frozen=True, slots=True)
class RateOfForce:
    """Rate of force development from 20 to 80 % of the maximum.

    Attributes:
        newtons_per_s: None where it is not to be shown.
        uncertainty_n_per_s: its standard uncertainty; None likewise.
        hidden: why it is not shown; None where it is.
    """

    newtons_per_s: float | None = None
    uncertainty_n_per_s: float | None = None
    hidden: str | None = None


def maximum_n(time_s: FloatArray, force_n: FloatArray) -> float:
    """Return the greatest mean over `WINDOW_S`, newtons; over all of it where it is shorter.

    Args:
        time_s: float64[n], strictly increasing; n at least 1.
        force_n: float64[n], newtons.
    """
    summed = np.concatenate([[0.0], np.cumsum(force_n)])
    first = np.searchsorted(time_s, time_s - WINDOW_S, side="right")
    whole = np.flatnonzero(time_s >= time_s[0] + WINDOW_S)
    if not whole.size:
        return float(np.mean(force_n))
    start = first[whole]
    return float(np.max((summed[whole + 1] - summed[start]) / (whole + 1 - start)))


def rate_of_force(
    time_s: FloatArray, force_n: FloatArray, maximum: float, conditions: Conditions
) -> RateOfForce:
    """Measure how quickly force rose from 20 to 80 % of the maximum.

    Args:
        time_s: float64[n], strictly increasing.
        force_n: float64[n], newtons above the rest before the pull, which is part of it.
        maximum: newtons.
        conditions: rate and noise of the samples, and the span of the calibration.
    """
    rise_s = _rise_s(time_s, force_n, maximum)
    if rise_s is None:
        return RateOfForce(hidden=Message("the beginning of the pull is missing"))
    share = _share(rise_s, maximum, conditions)
    if rise_s * conditions.rate_hz >= LEAST_INTERVALS and share <= MOST_SHARE:
        value = (HIGH - LOW) * maximum / rise_s
        return RateOfForce(value, share * value)
    return RateOfForce(hidden=_reason(rise_s, maximum, conditions))


def _rise_s(time_s: FloatArray, force_n: FloatArray, maximum: float) -> float | None:
    """Return the time from the last crossing of 20 % before the first of 80 %, to that; None without one."""
    above = np.flatnonzero(force_n >= HIGH * maximum)
    if not above.size:
        return None
    high = int(above[0])
    below = np.flatnonzero(force_n[:high] < LOW * maximum)
    if not below.size:
        return None
    low = int(below[-1]) + 1
    times_s, forces_n = time_s.tolist(), force_n.tolist()
    high_s = crossing_s(times_s, forces_n, high - 1, high, HIGH * maximum)
    return high_s - crossing_s(times_s, forces_n, low - 1, low, LOW * maximum)


def _share(rise_s: float, maximum: float, conditions: Conditions) -> float:
    """Return the relative standard uncertainty of the rate."""
    # The slope is the same over the part of a rise that the contract takes it over.
    rise_n = (HIGH - LOW) / FLANK * maximum
    crossing_s = crossing_uncertainty_s(rise_n, rise_s, conditions)
    return hypot(sqrt(2.0) * crossing_s / max(rise_s, 1e-9), conditions.span_uncertainty)


def _reason(rise_s: float, maximum: float, conditions: Conditions) -> str:
    for rate_hz in USUAL_RATES_HZ:
        quicker = replace(conditions, rate_hz=float(rate_hz))
        enough = rise_s * rate_hz >= LEAST_INTERVALS and _share(rise_s, maximum, quicker) <= MOST_SHARE
        if rate_hz > conditions.rate_hz and enough:
            return Message("needs {rate} samples a second", rate=rate_hz)
    if conditions.span_uncertainty > MOST_SHARE:
        return Message("needs a calibrated sensor")
    return Message("force rose too quickly to tell")
