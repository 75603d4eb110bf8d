"""The peak of a pull from its samples, against the noiseless one, for tops of several forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.random import Generator

from bandsense.errors import DataError
from bandsense.samples import FloatArray
from bandsense.signal.peaks import estimate_peak, sample_noise_n
from tests.support.traces import minimum_jerk

RATES_HZ = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
PERIODS_S = (0.35, 0.6, 1.0, 2.0, 6.0)
SHAPES = ("cosine", "stretched cosine", "minimum jerk", "corner")


def top(shape: str, phase: FloatArray) -> FloatArray:
    """Tension as a part of its peak, at parts −1 … 1 of the rise and of the fall."""
    phase = np.clip(phase, -1.0, 1.0)
    match shape:
        case "cosine":
            return np.cos(0.5 * np.pi * phase) ** 2
        case "stretched cosine":
            return np.abs(np.cos(0.5 * np.pi * phase)) ** 1.24
        case "minimum jerk":
            return np.asarray(minimum_jerk(1.0 - np.abs(phase))) ** 0.65
        case _:
            return 1.0 - np.abs(phase)


@dataclass
class Pull:
    """One pull with unequal sides, perhaps a plateau that sinks and trembles, seen by a sensor."""

    time_s: FloatArray
    tension_n: FloatArray
    peak_n: float


def pull(rng: Generator, shape: str, period_s: float, rate_hz: float, noise_n: float, peak_n: float) -> Pull:
    rise_s = rng.uniform(0.35, 0.65) * period_s
    fall_s = period_s - rise_s
    hold_s = float(rng.choice([0.0, 0.3, 1.0])) if period_s > 1.0 else 0.0
    valley_n = float(rng.choice([0.0, 0.3, 0.6])) * peak_n

    def true_n(t: FloatArray) -> FloatArray:
        phase = np.where(t <= 0.0, t / rise_s, np.maximum(t - hold_s, 0.0) / fall_s)
        held = np.clip(t / hold_s, 0.0, 1.0) if hold_s else np.zeros_like(t)
        tremor = 0.01 * np.sin(18.0 * t) ** 2 * np.sin(np.pi * held)
        return np.asarray(valley_n + (peak_n - valley_n) * top(shape, phase) * (1.0 - 0.02 * held + tremor))

    end_s = hold_s + fall_s * float(rng.choice([0.35, 1.0]))
    time_s = np.arange(-rise_s, end_s, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
    fine_s = np.linspace(-rise_s, end_s, 5001)
    noisy_n = true_n(time_s) + rng.normal(0.0, noise_n, time_s.size)
    return Pull(time_s, noisy_n, float(true_n(fine_s).max()))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_twice_the_uncertainty_holds_the_noiseless_peak(rate_hz: float) -> None:
    rng, held = np.random.default_rng(3), []
    for shape in SHAPES:
        for period_s in PERIODS_S:
            for _ in range(15):
                noise_n = float(rng.choice([0.02, 0.05, 0.1]))
                one = pull(rng, shape, period_s, rate_hz, noise_n, float(np.exp(rng.uniform(1.6, 5.7))))
                found = estimate_peak(one.time_s, one.tension_n, noise_n)
                held.append(abs(found.tension_n - one.peak_n) <= 2.0 * found.standard_uncertainty_n)
    assert np.mean(held) >= 0.95


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("period_s", [0.35, 0.6, 1.0, 6.0])
def test_a_peak_is_within_a_percent_at_80_hz_however_quick_and_sharp(shape: str, period_s: float) -> None:
    rng = np.random.default_rng(5)
    errors, stated = [], []
    for _ in range(60):
        one = pull(rng, shape, period_s, 80.0, 0.05, 60.0)
        found = estimate_peak(one.time_s, one.tension_n, 0.05)
        errors.append(found.tension_n / one.peak_n - 1.0)
        stated.append(2.0 * found.standard_uncertainty_n / one.peak_n)
    assert np.quantile(np.abs(errors), 0.95) < 0.01
    assert abs(np.mean(errors)) < 0.005
    assert np.median(stated) < 0.025


def test_where_the_rate_cannot_show_a_peak_the_uncertainty_says_so() -> None:
    rng = np.random.default_rng(6)
    stated = {}
    for rate_hz in RATES_HZ:
        pulls = [pull(rng, "cosine", 0.35, rate_hz, 0.05, 60.0) for _ in range(20)]
        found = [estimate_peak(one.time_s, one.tension_n, 0.05) for one in pulls]
        stated[rate_hz] = float(np.median([2.0 * peak.standard_uncertainty_n / 60.0 for peak in found]))
    assert stated[10.0] > 0.05
    assert stated[20.0] > 0.02
    assert stated[80.0] < 0.01
    assert stated[10.0] > stated[20.0] > stated[40.0] > stated[80.0]


def test_a_plateau_is_not_taken_for_the_greatest_of_its_noise() -> None:
    rng = np.random.default_rng(7)
    errors = []
    for _ in range(40):
        time_s = np.arange(0.0, 4.0, 1.0 / 80.0)
        tension_n = 40.0 * np.clip(np.minimum(time_s, 4.0 - time_s), 0.0, 1.0) + rng.normal(
            0.0, 0.5, time_s.size
        )
        errors.append(estimate_peak(time_s, tension_n, 0.5).tension_n - 40.0)
    assert abs(np.mean(errors)) < 0.5, "the greatest of 160 samples would be 1.3 N too high"


@pytest.mark.parametrize("noise_n", [0.02, 0.3])
def test_noise_is_told_from_movement(noise_n: float) -> None:
    rng = np.random.default_rng(8)
    time_s = np.arange(0.0, 10.0, 1.0 / 80.0)
    moving_n = 60.0 * np.maximum(0.0, np.sin(2.0 * np.pi * time_s / 1.5)) + rng.normal(
        0.0, noise_n, time_s.size
    )
    assert sample_noise_n(moving_n) == pytest.approx(noise_n, rel=0.25)
    assert sample_noise_n(moving_n[:5]) > 0.0


def test_what_is_no_pull_is_told_with_its_doubt() -> None:
    with pytest.raises(DataError, match="at least one"):
        estimate_peak([], [])
    assert estimate_peak([0.0], [5.0], 0.1).tension_n == 5.0
    flat = estimate_peak(np.arange(50) / 80.0, np.full(50, -3.0), 0.1)
    assert (flat.tension_n, flat.standard_uncertainty_n) == (-3.0, 0.1)
    rising = estimate_peak(np.arange(40) / 80.0, np.arange(40.0), 0.05)
    assert rising.tension_n >= 38.5, "the top has not come yet"
    assert rising.standard_uncertainty_n > 0.1
