"""Two sensors at once: the same repetitions of both sides are found, and what they differ by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration
from bandsense.live.formatting import lag_words
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Rep, RepCompleted
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


@pytest.mark.parametrize(
    ("rate_hz", "clock_s", "hidden"),
    [
        (80.0, 0.004, None),
        (80.0, None, None),
        (10.0, 0.004, "needs 20 samples a second"),
        (80.0, 0.2, "the clocks of the sensors differ by too much"),
    ],
)
def test_a_lag_that_says_nothing_is_hidden_with_the_reason(
    rate_hz: float, clock_s: float | None, hidden: str | None
) -> None:
    time_s = np.arange(0.0, 40.0, 1.0 / rate_hz)
    tension_n = 60.0 * np.maximum(0.0, np.sin(2.0 * np.pi * time_s / 0.9)) ** 2
    reps = [
        Rep(i, at, at + 0.1, at + 0.2, at + 0.3, at + 0.15, 60.0, 0.0, 0.0)
        for i, at in enumerate((1.0, 4.0, 7.0), 1)
    ]
    figures = rep_metrics(reps, time_s, tension_n)
    found = lag([1.0, 4.0, 7.0], [1.02, 4.02, 7.02], clock_s)
    assert found is not None
    judged = found.judged(figures, figures, rate_hz)
    assert judged.hidden == hidden
    assert ("cannot be told" in lag_words(judged)) is (hidden is not None)
    assert judged.uncertainty_s > 0.0
