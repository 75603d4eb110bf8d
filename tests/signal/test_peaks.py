"""The peak of a pull from its samples, against the noiseless one, for tops of several forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.random import Generator

from bandsense.errors import DataError
from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
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


@dataclass(frozen=True)
class Pull:
    """One pull with unequal sides, perhaps with a plateau that sinks and trembles."""

    top_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    peak_n: float

    def tension_n(self, shape: str, valley_n: float, time_s: FloatArray) -> FloatArray:
        t = time_s - self.top_s
        phase = np.where(t <= 0.0, t / self.rise_s, np.maximum(t - self.hold_s, 0.0) / self.fall_s)
        held = np.clip(t / self.hold_s, 0.0, 1.0) if self.hold_s else np.zeros_like(t)
        tremor = 0.01 * np.sin(18.0 * t) ** 2 * np.sin(np.pi * held)
        size_n = (self.peak_n - valley_n) * (1.0 - 0.02 * held + tremor)
        return np.asarray(valley_n + size_n * top(shape, phase))


@dataclass(frozen=True)
class Found:
    """A peak as it was found, live and at the end, beside the true one; newtons."""

    true_n: float
    peak_n: float
    live_n: float
    uncertainty_n: float


def found(
    rng: Generator, shape: str, period_s: float, rate_hz: float, peak_n: float | None = None, reps: int = 6
) -> list[Found]:
    """The peaks of a set, as the detector tells them; without a peak, of any size and noise."""
    noise_n = 0.05 if peak_n else float(rng.choice([0.02, 0.05, 0.1]))
    peak_n = peak_n or float(np.exp(rng.uniform(1.6, 5.7)))
    valley_n = float(rng.choice([0.0, 0.3, 0.6])) * peak_n
    hold_s = float(rng.choice([0.0, 0.3, 1.0])) if period_s > 1.0 else 0.0
    pulls, now_s = list[Pull](), 2.0
    for _ in range(reps):
        rise_s = float(rng.uniform(0.35, 0.65)) * period_s
        one = Pull(now_s + rise_s, rise_s, hold_s, period_s - rise_s, peak_n * (1.0 + rng.normal(0.0, 0.02)))
        pulls.append(one)
        now_s += period_s + hold_s + float(rng.uniform(0.0, 0.3)) * period_s

    def true_n(at_s: FloatArray) -> FloatArray:
        return np.max([one.tension_n(shape, valley_n, at_s) for one in pulls], axis=0)

    time_s = np.arange(0.0, now_s + 4.0, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
    result = analyze(time_s, true_n(time_s) + rng.normal(0.0, noise_n, time_s.size))
    live = {rep.index: rep for rep in result.causal}
    rows = []
    for rep in result.reps:
        one = min(pulls, key=lambda p: abs(rep.peak_time_s - p.top_s - 0.5 * p.hold_s))
        if abs(rep.peak_time_s - one.top_s - 0.5 * one.hold_s) > 0.5 * period_s + 0.5 * one.hold_s:
            continue
        fine_s = np.linspace(one.top_s - one.rise_s, one.top_s + one.hold_s + one.fall_s, 5001)
        seen = live[rep.index]
        true_peak_n = float(one.tension_n(shape, valley_n, fine_s).max())
        rows.append(Found(true_peak_n, rep.peak_n, seen.peak_n, rep.peak_uncertainty_n))
    return rows


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_twice_the_uncertainty_holds_the_noiseless_peak(rate_hz: float) -> None:
    rng = np.random.default_rng(11)
    sets = [(shape, period_s) for shape in SHAPES for period_s in PERIODS_S for _ in range(2)]
    rows = [one for shape, period_s in sets for one in found(rng, shape, period_s, rate_hz)]
    assert len(rows) >= 200
    held = [abs(one.peak_n - one.true_n) <= 2.0 * one.uncertainty_n for one in rows]
    live = [abs(one.live_n - one.true_n) <= 2.0 * one.uncertainty_n for one in rows]
    assert np.mean(held) >= 0.95
    assert np.mean(live) >= 0.95


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("period_s", [0.35, 0.6, 1.0, 6.0])
def test_a_peak_is_within_a_percent_at_80_hz_however_quick_and_sharp(shape: str, period_s: float) -> None:
    rng = np.random.default_rng(5)
    rows = [one for _ in range(6) for one in found(rng, shape, period_s, 80.0, 60.0)]
    errors = np.array([one.live_n / one.true_n - 1.0 for one in rows])
    assert len(errors) >= 30
    assert np.quantile(np.abs(errors), 0.95) < 0.01
    assert abs(errors.mean()) < 0.005
    assert np.median([2.0 * one.uncertainty_n / one.true_n for one in rows]) < 0.025


def test_where_the_rate_cannot_show_a_peak_the_uncertainty_says_so() -> None:
    stated = []
    for rate_hz in (10.0, 20.0, 40.0, 80.0):
        rng = np.random.default_rng(6)
        rows = [one for _ in range(4) for one in found(rng, "cosine", 0.35, rate_hz, 60.0)]
        stated.append(float(np.median([2.0 * one.uncertainty_n / one.true_n for one in rows])))
    assert stated[0] > 0.05
    assert stated[1] > 0.02
    assert stated[-1] < 0.01
    assert stated == sorted(stated, reverse=True)


@pytest.mark.parametrize("beside", [0.0, 0.2, 0.5])
def test_a_corner_and_a_parabola_are_told_apart(beside: float) -> None:
    at = np.arange(-3.0, 4.0) + beside
    corner = estimate_peak(60.0 - 4.0 * np.abs(at), 60.0, 0.01)
    parabola = estimate_peak(60.0 - 4.0 * at**2, 200.0, 0.01)
    assert corner.tension_n == pytest.approx(60.0, abs=0.7), "the greatest sample is up to 2 N too low"
    assert parabola.tension_n == pytest.approx(60.0, abs=0.5)
    assert abs(corner.tension_n - 60.0) < 2.0 * corner.uncertainty_n


def test_a_plateau_is_not_taken_for_the_greatest_of_its_noise() -> None:
    rng = np.random.default_rng(7)
    found_n = [estimate_peak(40.0 + rng.normal(0.0, 0.5, 96), 40.0, 0.4).tension_n for _ in range(40)]
    assert abs(np.mean(found_n) - 40.0) < 0.5, "the greatest of 96 samples is 1.2 N too high"


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
        estimate_peak(np.zeros(0), 1.0, 0.1)
    few = estimate_peak(np.array([1.0, 5.0]), 4.0, 0.1)
    assert (few.tension_n, few.uncertainty_n) == (5.0, 2.0)
    flat = estimate_peak(np.full(50, -3.0), 0.0, 0.1)
    assert flat.tension_n == pytest.approx(-3.0, abs=0.3)
    assert flat.uncertainty_n > 0.1
