from __future__ import annotations

import tomllib

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.sim.physics.sensor import (
    COUNT_MAX,
    FULL_SCALE_N,
    GAIN,
    NEWTON_PER_COUNT,
    Conversions,
    SimulatedSensor,
)
from tests.needs import REPOSITORY

GRID = np.arange(60_000.0) * 1e-3
STEP_N = 0.5 * NEWTON_PER_COUNT + 1e-4
"""What rounding to a count may change, and a little for the interpolation."""


def converted(
    sensor: SimulatedSensor, tension: FloatArray | float = 0.0, rate_hz: float = 80.0
) -> Conversions:
    return sensor.convert(
        GRID, np.broadcast_to(np.asarray(tension, np.float64), GRID.shape), rate_hz, np.random.default_rng(3)
    )


def newtons(conversions: Conversions, sensor: SimulatedSensor) -> FloatArray:
    forces: FloatArray = (conversions.counts - sensor.zero_count) * np.float64(sensor.newton_per_count)
    return forces


def test_gain_and_span_are_those_of_the_board() -> None:
    facts = tomllib.loads((REPOSITORY / "hardware" / "constants.toml").read_text(encoding="utf-8"))
    assert facts["converter"]["gain"] == GAIN
    assert facts["cell"]["full_scale_n"] == FULL_SCALE_N


def test_a_perfect_sensor_gives_the_tension_at_its_stamps() -> None:
    sensor = SimulatedSensor(noise_n=0.0, zero_count=1234)
    tension = 50.0 + 10.0 * np.sin(GRID)
    made = converted(sensor, tension)
    assert newtons(made, sensor) == pytest.approx(50.0 + 10.0 * np.sin(made.device_time_us / 1e6), abs=STEP_N)


@pytest.mark.parametrize("rate_hz", [10, 20, 40, 80, 320])
@pytest.mark.parametrize("error", [-0.05, 0.0, 0.0375])
def test_the_true_rate_may_differ_from_the_nominal_one(rate_hz: float, error: float) -> None:
    made = converted(SimulatedSensor(rate_error=error), rate_hz=rate_hz)
    interval_us = np.diff(made.device_time_us)
    assert 1e6 / interval_us.mean() == pytest.approx(rate_hz * (1 + error), rel=1e-4)
    assert np.ptp(interval_us) <= 1


def test_noise_has_its_rms_and_pink_noise_is_strongest_at_low_frequencies() -> None:
    white = SimulatedSensor(noise_n=0.05)
    assert newtons(converted(white), white).std() == pytest.approx(0.05, rel=0.05)
    pink = SimulatedSensor(noise_n=0.0, pink_n=0.05)
    values = newtons(converted(pink), pink)
    power = abs(np.fft.rfft(values)) ** 2
    assert values.std() == pytest.approx(0.05, rel=0.01)
    assert power[1:50].mean() > 10 * power[-500:].mean()


def test_zero_errors_follow_their_closed_forms() -> None:
    sensor = SimulatedSensor(noise_n=0.0, warm_up_n=2.0, warm_up_s=10.0, drift_n_per_s=0.01, offset_n=-5.0)
    made = converted(sensor)
    at = made.device_time_us / 1e6
    assert newtons(made, sensor) == pytest.approx(-5.0 + 2.0 * (1 - np.exp(-at / 10)) + 0.01 * at, abs=STEP_N)


def test_span_error_and_angle_scale_the_tension() -> None:
    sensor = SimulatedSensor(noise_n=0.0, span_error=0.02, off_axis_rad=np.deg2rad(10.0))
    assert newtons(converted(sensor, 100.0), sensor) == pytest.approx(102.0 * 0.98480775, abs=STEP_N)


def test_saturation_is_marked_and_clipped() -> None:
    sensor = SimulatedSensor(noise_n=0.0, full_scale_n=60.0)
    made = converted(sensor, 50.0 + 20.0 * np.sin(GRID))
    assert newtons(made, sensor).max() == pytest.approx(60.0, abs=1e-3)
    assert made.saturated.any()
    assert (newtons(made, sensor)[made.saturated] > 59.99).all()
    assert not made.saturated[newtons(made, sensor) < 59.9].any()
    assert converted(SimulatedSensor(), 4000.0).counts.max() == COUNT_MAX


def test_spikes_are_single_and_as_frequent_as_asked() -> None:
    sensor = SimulatedSensor(noise_n=0.0, spikes_per_min=12.0)
    wrong = np.flatnonzero(abs(newtons(converted(sensor, 40.0), sensor) - 40.0) > 1.0)
    assert 5 <= wrong.size <= 22
    assert (np.diff(wrong) > 1).all()


def test_a_stuck_code_stays_for_its_time() -> None:
    sensor = SimulatedSensor(stuck_per_min=6.0, stuck_s=0.25)
    same = np.diff(converted(sensor, np.sin(GRID)).counts) == 0
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], same, [0])).astype(int))))[::2]
    assert max(runs) in (18, 19, 20)


def test_missed_conversions_are_absent_and_marked() -> None:
    made = converted(SimulatedSensor(missed=0.05))
    expected = round(60.0 * 80.0)
    assert len(made) == pytest.approx(0.95 * expected, rel=0.02)
    holes = np.diff(made.device_time_us) > 1.5 * 12_500
    assert np.array_equal(made.gap_before[1:], holes)
    assert not made.gap_before[0]


def test_the_filter_halves_power_at_its_corner_and_keeps_slow_pulls() -> None:
    sensor = SimulatedSensor(noise_n=0.0, corner_hz=18.0)
    for frequency, gain in ((18.0, 2**-0.5), (0.5, 1.0)):
        made = converted(sensor, 10.0 * np.sin(2 * np.pi * frequency * GRID), rate_hz=320.0)
        inner = newtons(made, sensor)[100:-100]
        assert np.sqrt(2) * inner.std() == pytest.approx(10.0 * gain, rel=0.03)


def test_a_dip_of_the_supply_offsets_a_tenth_of_a_second() -> None:
    sensor = SimulatedSensor(noise_n=0.0, dip_n=1.0, dips_per_min=6.0)
    off = np.flatnonzero(newtons(converted(sensor), sensor) > 0.5)
    assert off.size % 8 == 0 or off.size > 8
    assert off.size
