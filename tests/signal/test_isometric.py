from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.language import said, speaking
from bandsense.signal.isometric import maximum_n, rate_of_force
from bandsense.signal.metric_contract import Conditions


def ramp(
    rise_s: float, rate_hz: float, peak_n: float = 200.0, start_s: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Force that is nothing, rises evenly over `rise_s`, and stays."""
    time_s = np.arange(round(4.0 * rate_hz)) / rate_hz
    return time_s, peak_n * np.clip((time_s - start_s) / rise_s, 0.0, 1.0)


def test_the_maximum_is_what_was_held_for_half_a_second() -> None:
    time_s = np.arange(400) / 80.0
    force_n = np.where((time_s > 1.0) & (time_s < 3.0), 100.0, 0.0)
    jerk = force_n.copy()
    jerk[100] = 400.0
    assert maximum_n(time_s, force_n) == pytest.approx(100.0)
    assert maximum_n(time_s, jerk) == pytest.approx(100.0 + 300.0 / 40.0, rel=0.01)
    assert maximum_n(time_s[:8], force_n[85:93]) == pytest.approx(100.0)


@given(st.floats(0.15, 1.0), st.floats(20.0, 900.0), st.floats(0.3, 0.7))
def test_an_even_rise_has_the_rate_that_it_has(rise_s: float, peak_n: float, start_s: float) -> None:
    time_s, force_n = ramp(rise_s, 320.0, peak_n, start_s)
    found = rate_of_force(time_s, force_n, peak_n, Conditions(320.0))
    assert found.newtons_per_s is not None
    assert found.uncertainty_n_per_s is not None
    error = abs(found.newtons_per_s - peak_n / rise_s)
    assert error <= 2.0 * found.uncertainty_n_per_s + 1e-6 * found.newtons_per_s


@pytest.mark.parametrize(
    ("rise_s", "rate_hz", "reason"),
    [
        (0.1, 80.0, "needs 160 samples a second"),  # 20 to 80 % in 60 ms: five samples
        (0.15, 80.0, "needs 160 samples a second"),
        (0.5, 10.0, "needs 40 samples a second"),
        (0.02, 80.0, "force rose too quickly to tell"),
    ],
)
def test_what_the_rate_does_not_allow_is_hidden_with_the_reason(
    rise_s: float, rate_hz: float, reason: str
) -> None:
    time_s, force_n = ramp(rise_s, rate_hz)
    found = rate_of_force(time_s, force_n, 200.0, Conditions(rate_hz))
    assert (found.newtons_per_s, found.hidden) == (None, reason)


def test_eighty_samples_a_second_tell_a_rise_of_a_tenth_of_a_second() -> None:
    for between_s, told in ((0.09, False), (0.11, True)):
        time_s, force_n = ramp(between_s / 0.6, 80.0)
        found = rate_of_force(time_s, force_n, 200.0, Conditions(80.0))
        assert (found.newtons_per_s is not None) == told


def test_a_rough_calibration_and_a_cut_pull_tell_no_rate() -> None:
    time_s, force_n = ramp(0.5, 320.0)
    rough = rate_of_force(time_s, force_n, 200.0, Conditions(320.0, span_uncertainty=0.3))
    assert rough.hidden == "needs a calibrated sensor"
    with speaking("de"):
        assert said(rough.hidden) == "braucht einen kalibrierten Sensor"
    cut = rate_of_force(time_s[400:], force_n[400:], 200.0, Conditions(320.0))
    assert cut.hidden == "the beginning of the pull is missing"
    assert rate_of_force(time_s, 0.5 * force_n, 200.0, Conditions(320.0)).newtons_per_s is None
