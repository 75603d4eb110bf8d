from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration, Grade
from bandsense.errors import CalibrationError
from bandsense.samples import KGF_N, Unit

finite = st.floats(-1e6, 1e6)


def test_a_straight_line_maps_readings_to_newtons() -> None:
    calibration = Calibration(newton_per_unit=1e-4, zero=1000.0)
    assert calibration.tension_n([1000.0, 501_000.0]).tolist() == pytest.approx([0.0, 50.0])


def test_kilograms_become_newtons_by_standard_gravity() -> None:
    calibration = Calibration.identity(Unit.KILOGRAM_FORCE)
    assert calibration.tension_n([2.0])[0] == 2 * KGF_N == 19.6133


@given(st.floats(0, 600), st.floats(-2e-12, 2e-12), st.sampled_from([1e-4, -1e-4]))
def test_deflection_is_the_inverse(tension_n: float, second: float, span: float) -> None:
    calibration = Calibration(span, 250.0, newton_per_unit2=second)
    reading = calibration.zero + calibration.deflection(tension_n)
    assert float(calibration.tension_n(reading)) == pytest.approx(tension_n, abs=1e-6)


def test_temperature_moves_the_zero_only_where_both_temperatures_are_known() -> None:
    calibration = Calibration(1.0, newton_per_kelvin=0.1, reference_temperature_c=20.0)
    assert float(calibration.tension_n(50.0, 30.0)) == pytest.approx(49.0)
    assert float(calibration.tension_n(50.0)) == 50.0
    assert float(replace(calibration, reference_temperature_c=None).tension_n(50.0, 30.0)) == 50.0


def test_zero_and_span_add_in_quadrature() -> None:
    calibration = Calibration(1.0, zero_uncertainty_n=0.3, span_uncertainty=0.01)
    assert float(calibration.standard_uncertainty_n(40.0)) == pytest.approx(0.5)
    assert float(calibration.expanded_uncertainty_n(40.0)) == pytest.approx(1.0)


def test_the_covariance_of_a_fit_propagates_as_gum_says() -> None:
    # u² = d²·var(a) + 2·d³·cov(a, b) + d⁴·var(b), JCGM 100:2008, equation 13, with T = a·d + b·d²
    calibration = Calibration(
        2.0,
        zero_uncertainty_n=0.0,
        span_uncertainty=0.0,
        newton_per_unit2=0.01,
        covariance=(1e-4, -2e-6, 1e-7),
    )
    d = 10.0
    tension = 2.0 * d + 0.01 * d**2
    expected = (d**2 * 1e-4 - 2 * d**3 * 2e-6 + d**4 * 1e-7) ** 0.5
    assert float(calibration.standard_uncertainty_n(tension)) == pytest.approx(expected)


@given(st.floats(-0.99, 0.99), st.sampled_from([0.0, 0.001]))
def test_a_record_without_covariance_is_not_more_certain(correlation: float, second: float) -> None:
    covariance = (1e-4, correlation * 1e-2 * 1e-4, 1e-8)
    full = Calibration(2.0, newton_per_unit2=second, covariance=covariance)
    plain = full.without_covariance(200.0)
    assert plain.covariance == (0.0, 0.0, 0.0)
    for tension in (3.125, 50.0, 200.0):
        assert plain.standard_uncertainty_n(tension) >= full.standard_uncertainty_n(tension) * (1 - 1e-9)


def test_a_straight_line_loses_nothing_without_covariance() -> None:
    full = Calibration(2.0, span_uncertainty=0.003, covariance=(4e-6, 0.0, 0.0))
    assert full.without_covariance(100.0).span_uncertainty == pytest.approx((0.003**2 + 0.001**2) ** 0.5)


def test_a_tare_sets_the_zero_and_a_spike_does_not_move_it() -> None:
    tared = Calibration(0.5, zero=3.0).tared([10.0, 10.0, 10.2, 9.8, 8_000_000.0], 21.0)
    assert tared.zero == 10.0
    assert tared.reference_temperature_c == 21.0
    with pytest.raises(CalibrationError):
        tared.tared([])


def test_grades_are_in_order_of_trust() -> None:
    uncertainties = [
        grade.typical_span_uncertainty for grade in (Grade.CALIBRATED, Grade.CLIP_ON, Grade.COLOUR)
    ]
    assert uncertainties == sorted(uncertainties)


@given(
    st.builds(
        Calibration,
        newton_per_unit=finite.filter(bool),
        zero=finite,
        unit=st.sampled_from(Unit),
        grade=st.sampled_from(Grade),
        zero_uncertainty_n=st.floats(0, 100),
        span_uncertainty=st.floats(0, 1),
        newton_per_unit2=finite,
        newton_per_kelvin=finite,
        reference_temperature_c=st.none() | st.floats(-40, 85),
        covariance=st.tuples(finite, finite, finite),
        made_at_s=st.integers(0, 2**32 - 1),
    )
)
def test_a_calibration_survives_storage(calibration: Calibration) -> None:
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


@pytest.mark.parametrize(
    "damage",
    [{"version": 2}, {"unit": "stone"}, {"newton_per_unit": 0.0}, {"zero": float("nan")}, {"colour": "red"}],
)
def test_damaged_or_newer_calibrations_are_refused(damage: dict[str, object]) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_dict(Calibration(1.0).to_dict() | damage)


def test_a_stored_calibration_without_a_field_is_damaged() -> None:
    data = Calibration(1.0).to_dict()
    del data["newton_per_unit"]
    with pytest.raises(CalibrationError):
        Calibration.from_dict(data)


@pytest.mark.parametrize(
    "wrong", [{"newton_per_unit": 0.0}, {"zero_uncertainty_n": -1.0}, {"covariance": (1.0, 2.0)}]
)
def test_impossible_calibrations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CalibrationError):
        Calibration(**{"newton_per_unit": 1.0, **wrong})  # type: ignore[arg-type]
