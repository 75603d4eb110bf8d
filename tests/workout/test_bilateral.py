"""Two sensors at once: the same repetitions of both sides are found, and what they differ by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCompleted
from bandsense.signal.metrics import RepMetrics, rep_metrics
from bandsense.workout.bilateral import bilateral_asymmetry, lag


@given(
    starts_s=st.lists(st.floats(3.0, 20.0), min_size=1, max_size=20).map(np.cumsum),
    late_s=st.floats(-0.9, 0.9),
)
def test_a_constant_lag_is_found(starts_s: np.ndarray, late_s: float) -> None:
    found = lag(starts_s.tolist(), (starts_s + late_s).tolist(), 0.004)
    assert found is not None
    assert found.median_s == pytest.approx(late_s, abs=1e-9)
    assert found.spread_s == pytest.approx(0.0, abs=1e-9)
    assert (found.reps, found.clock_bound_s) == (len(starts_s), 0.004)


def test_repetitions_of_one_side_alone_are_left_out() -> None:
    found = lag([0.0, 3.0, 6.0, 9.0], [0.02, 6.04, 9.03, 30.0], 0.0)
    assert found is not None
    assert (found.reps, found.median_s) == (3, pytest.approx(0.03))
    assert found.spread_s == pytest.approx(0.01)


def test_no_repetition_in_common_is_no_lag() -> None:
    assert lag([], [1.0], 0.0) is None
    assert lag([1.0], [2.5], 0.0) is None


def figures(peak_n: float) -> tuple[RepMetrics, ...]:
    time_s = np.arange(0.0, 20.0, 1 / 80)
    pulling = (time_s > 2.0) & (time_s < 17.0)
    tension_n = 3.0 + np.where(pulling, peak_n / 2 * (1 - np.cos(2 * np.pi * (time_s - 2.0) / 3.0)), 0.0)
    detector = RepDetector()
    events = detector.push(time_s, tension_n, np.zeros(time_s.size, bool)) + detector.finish()
    return rep_metrics([each.rep for each in events if isinstance(each, RepCompleted)], time_s, tension_n)


def test_two_sensors_must_differ_by_more_than_their_spans_may() -> None:
    sure, unsure = Calibration(1e-4, span_uncertainty=0.005), Calibration(1e-4, span_uncertainty=0.05)
    left, right = figures(50.0), figures(55.0)
    for calibrations, certain in (((sure, sure), True), ((sure, unsure), False)):
        found = bilateral_asymmetry(left, right, calibrations)
        assert found is not None
        assert found.peak.share == pytest.approx(5.0 / 55.5, abs=0.02)
        assert found.peak.certain is certain
    assert not found.time_under_tension.certain
    assert bilateral_asymmetry(left[:1], right, (sure, sure)) is None
