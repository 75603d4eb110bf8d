"""What two sensors tell together: left and right of the same repetitions, on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot
from statistics import median

from bandsense.calibration.clip_on import AnyCalibration
from bandsense.signal.metric_contract import timing_reason
from bandsense.signal.metrics import Asymmetry, Difference, RepMetrics, asymmetry

__all__ = ["Lag", "bilateral_asymmetry", "lag"]

ARRIVALS_S = 0.05
"""Bound of what arrivals over Bluetooth relate two clocks by, a prior: a few connection intervals."""

SAME_REP_S = 1.0
"""Pulls that begin further apart are not one repetition: less than the shortest one takes."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How much later the right side begins to pull than the left, seconds.

    Attributes:
        median_s: over the repetitions that both sides did; negative where the right is first.
        spread_s: median distance of the repetitions from it.
        reps: so many.
        clock_bound_s: bound of what the clocks of the sensors may be off; None where a sensor does not tell
            its time, so that only the arrivals of its samples relate it.
        uncertainty_s: standard uncertainty of one repetition's difference, from the rates, the noise and the
            clocks of both sensors; 0 where it was not asked for.
        hidden: why the difference is not to be shown; None where it may be.
    """

    median_s: float
    spread_s: float
    reps: int
    clock_bound_s: float | None
    uncertainty_s: float = 0.0
    hidden: str | None = None

    def judged(self, left: Sequence[RepMetrics], right: Sequence[RepMetrics], rate_hz: float) -> Lag:
        """Say how sure it is, and hide it where it says nothing about coordination.

        Args:
            left, right: the repetitions of both sides.
            rate_hz: of the slower sensor.
        """
        crossings_s = [_crossing_s(side) for side in (left, right)]
        clocks_s = ARRIVALS_S if self.clock_bound_s is None else self.clock_bound_s
        uncertainty_s = hypot(*crossings_s, clocks_s / 3.0**0.5)
        return replace(self, uncertainty_s=uncertainty_s, hidden=timing_reason(uncertainty_s, rate_hz))


def _crossing_s(reps: Sequence[RepMetrics]) -> float:
    """Return the standard uncertainty of when a pull began (one of its two ends), median over repetitions."""
    return median(rep.uncertainty.get("tempo.concentric_s", 0.0) for rep in reps) / 2.0**0.5 if reps else 0.0


def lag(left_s: Sequence[float], right_s: Sequence[float], clock_bound_s: float | None) -> Lag | None:
    """Compare when the pulls began on both sides; None where no repetition was done by both.

    Args:
        left_s: begins of the pulls in order, seconds of a clock that both sides share.
        right_s: the same of the other side.
        clock_bound_s: see `Lag`.
    """
    apart_s = [right_s[j] - left_s[i] for i, j in _same(left_s, right_s)]
    if not apart_s:
        return None
    middle_s = median(apart_s)
    spread_s = median(abs(each_s - middle_s) for each_s in apart_s)
    return Lag(middle_s, spread_s, len(apart_s), clock_bound_s)


def _same(left_s: Sequence[float], right_s: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs that are each other's nearest, and near enough to be one repetition."""
    pairs = []
    for i, at_s in enumerate(left_s):
        j = _nearest(right_s, at_s)
        if j is not None and _nearest(left_s, right_s[j]) == i and abs(right_s[j] - at_s) <= SAME_REP_S:
            pairs.append((i, j))
    return pairs


def _nearest(times_s: Sequence[float], at_s: float) -> int | None:
    return min(range(len(times_s)), key=lambda i: abs(times_s[i] - at_s), default=None)


def bilateral_asymmetry(
    left: Sequence[RepMetrics],
    right: Sequence[RepMetrics],
    calibrations: tuple[AnyCalibration, AnyCalibration],
) -> Asymmetry | None:
    """Compare the sides, each with a sensor of its own; None below two full repetitions a side.

    The relative uncertainties of both spans are added in quadrature to what tensions differ by, because they
    do not cancel as with one sensor.
    """
    if any(sum(not rep.partial for rep in side) < 2 for side in (left, right)):
        return None
    spans = hypot(*(calibration.span_uncertainty for calibration in calibrations))

    def widened(difference: Difference | None) -> Difference | None:
        if difference is None:
            return None
        return replace(difference, standard_error=hypot(difference.standard_error, spans))

    found = asymmetry(left, right)
    return replace(found, peak=widened(found.peak), impulse=widened(found.impulse))
