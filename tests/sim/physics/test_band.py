from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from bandsense.sim.physics.band import SimulatedBand, decaying_sum, released

DT = 1e-3


def ideal(**changes: float) -> SimulatedBand:
    none = {"energy_loss": 0.0, "lag": 0.0, "relaxation_per_decade": 0.0}
    return SimulatedBand(**{**none, **changes})  # type: ignore[arg-type]


def test_without_memory_the_band_is_its_power_law() -> None:
    band = ideal(f100_n=50.0, rest_length_m=0.8, exponent=0.6, strands=2)
    displacement = np.linspace(0, 1.2, 500)
    expected = 2 * 50.0 * (displacement / 0.8) ** 0.6
    assert band.tension_n(displacement, DT) == pytest.approx(expected)


def test_slack_is_taken_up_before_any_tension_and_pre_stretch_is_tension_at_rest() -> None:
    slack = ideal(rest_length_m=1.0, slack_m=0.1).tension_n(np.array([0.0, 0.1, 0.2]), DT)
    assert slack[:2].tolist() == [0.0, 0.0]
    assert slack[2] == pytest.approx(60.0 * 0.1**0.62)
    assert ideal(rest_length_m=1.0, slack_m=-0.1).tension_n(np.zeros(2), DT)[0] == pytest.approx(slack[2])


@given(st.floats(0.01, 0.3))
def test_a_large_cycle_loses_the_stated_share_of_its_work(loss: float) -> None:
    band = ideal(energy_loss=loss, turn_strain=1e-4)
    out = np.linspace(0, 0.6, 20_000)
    displacement = np.concatenate((out, out[::-1]))
    tension = band.tension_n(displacement, DT)
    work = trapezoid(tension[: out.size], out)
    given_back = -trapezoid(tension[out.size :], out[::-1])
    assert 1 - given_back / work == pytest.approx(loss, abs=0.003)


def test_a_held_band_relaxes_by_the_stated_share_per_decade() -> None:
    band = ideal(relaxation_per_decade=0.02)
    displacement = np.concatenate((np.linspace(0, 0.6, 20), np.full(60_000, 0.6)))
    tension = band.tension_n(displacement, DT)
    one, ten = tension[1020], tension[10_020]
    assert (one - ten) / 60.0 == pytest.approx(0.02, rel=0.15)


def test_lag_is_an_exponential_return_to_equilibrium() -> None:
    band = ideal(lag=0.05, lag_s=0.5)
    displacement = np.concatenate(([0.0], np.full(2000, 0.6)))
    over = band.tension_n(displacement, DT) / 60.0 - 1.0
    assert over[1] == pytest.approx(0.05)
    assert over[501] == pytest.approx(0.05 * np.exp(-1.0))


def test_softening_happens_over_cycles_and_ends() -> None:
    band = ideal(softening=0.05, softening_cycles=2.0)
    cycle = 0.3 * (1 - np.cos(np.linspace(0, 2 * np.pi, 1000, endpoint=False)))
    peaks = band.tension_n(np.tile(cycle, 20), DT).reshape(20, -1).max(axis=1)
    assert (np.diff(peaks) < 0).all()
    assert peaks[-1] == pytest.approx(0.95 * 60.0, rel=1e-3)


def test_ten_kelvin_are_three_percent() -> None:
    warm = ideal(temperature_k=10.0).equilibrium_n(np.ones(1))
    assert warm[0] == pytest.approx(1.03 * 60.0)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=400), st.floats(1e-6, 20.0))
def test_decaying_sum_equals_its_recursion(increments: list[float], decay: float) -> None:
    expected = []
    state = 0.0
    for increment in increments:
        state = state * float(np.exp(-decay)) + increment
        expected.append(state)
    assert decaying_sum(np.array(increments), decay) == pytest.approx(expected, abs=1e-9)


def test_a_released_band_is_gone_within_50_ms_and_rings() -> None:
    time_s = np.arange(2000.0) * DT
    tension = released(np.full(2000, 80.0), time_s, 1.0, ring_hz=20.0, undershoot=0.2)
    assert (tension[:1000] == 80.0).all()
    assert abs(tension[1050:]).max() < 0.2 * 80.0
    assert tension[1000:].min() < -0.05 * 80.0
    assert abs(tension[-1]) < 0.01
