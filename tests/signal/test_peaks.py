"""The peak of a pull from its samples, against the noiseless one, for tops of several forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator

from bandsense.errors import DataError
from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.events import RepCounted
from bandsense.signal.metrics import rep_metrics
from bandsense.signal.peaks import estimate_peak, resolution_n, sample_noise_n
from tests.support.traces import minimum_jerk

RATES_HZ = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
PERIODS_S = (0.35, 0.6, 1.0, 2.0, 6.0)
SHAPES = ("cosine", "stretched cosine", "minimum jerk", "corner")
HELD_SHAPES = ("held", "trapeze", "exponential")


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
        case "held":
            return np.asarray(minimum_jerk(np.minimum(1.0, (1.0 - np.abs(phase)) / 0.5)))
        case "trapeze":
            return np.minimum(1.0, (1.0 - np.abs(phase)) / 0.6)
        case "exponential":
            return np.asarray(np.expm1(4.0 * (np.abs(phase) - 1.0)) / np.expm1(-4.0))
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


@dataclass(frozen=True)
class Cell:
    """Sets of one kind: even pulls with the top in their middle, after three seconds of nothing."""

    shape: str
    rate_hz: float
    period_s: float
    peak_n: float = 60.0
    noise_n: float = 0.05
    step_n: float = 0.0

    def trace(self, rng: Generator) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Times and tensions of a set of ten, and times and tensions of its true peaks."""
        periods_s = self.period_s * (1.0 + 0.02 * rng.standard_normal(10))
        tops_s = 3.0 + np.cumsum(periods_s) - 0.5 * periods_s
        peaks_n = self.peak_n * (1.0 + 0.02 * rng.standard_normal(10))
        time_s = np.arange(0.0, tops_s[-1] + self.period_s + 5.0, 1.0 / self.rate_hz)
        phase = (time_s[:, None] - tops_s) / (0.5 * periods_s)
        tension_n = (peaks_n * top(self.shape, phase)).max(axis=1)
        tension_n += rng.normal(0.0, self.noise_n, time_s.size)
        if self.step_n:
            tension_n = np.round(tension_n / self.step_n) * self.step_n
        return time_s, tension_n, tops_s, peaks_n

    def told(self, rng: Generator, sets: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """True peak, error and uncertainty, float64[n, 3], when it is counted, completed, and in the end."""
        counted, completed, final = (list[tuple[float, float, float]]() for _ in range(3))
        for _ in range(sets):
            time_s, tension_n, tops_s, peaks_n = self.trace(rng)
            result = analyze(time_s, tension_n)
            told = [
                *((counted, event.time_s, event) for event in result.events if isinstance(event, RepCounted)),
                *((completed, rep.peak_time_s, rep) for rep in result.causal),
                *((final, rep.peak_time_s, rep) for rep in result.reps),
            ]
            for rows, at_s, each in told:
                nearest = int(np.abs(tops_s - at_s).argmin())
                if abs(tops_s[nearest] - at_s) < 0.5 * self.period_s:
                    error_n = each.peak_n - peaks_n[nearest]
                    rows.append((peaks_n[nearest], error_n, each.peak_uncertainty_n))
        return np.array(counted), np.array(completed), np.array(final)


def covered(rows: FloatArray) -> float:
    """How many of the errors twice the uncertainty holds."""
    return float(np.mean(np.abs(rows[:, 1]) <= 2.0 * rows[:, 2]))


@pytest.mark.parametrize("rate_hz", [10.0, 12.5, 15.0, 20.0, 40.0, 80.0])
@pytest.mark.parametrize("shape", ["corner", "cosine"])
def test_a_peak_is_sane_when_it_is_counted_and_its_uncertainty_holds(shape: str, rate_hz: float) -> None:
    rng = np.random.default_rng(15)
    for period_s in (0.35, 0.5, 0.8, 1.2, 2.0):
        noisy = [Cell(shape, rate_hz, period_s, noise_n=noise_n) for noise_n in (0.02, 0.07, 0.2)]
        rows = np.concatenate([cell.told(rng, 3)[0] for cell in noisy])
        assert len(rows) >= 60
        assert covered(rows) >= 0.95, (shape, rate_hz, period_s)
        if rate_hz * period_s >= 5.0:
            assert np.abs(rows[:, 1] / rows[:, 0]).max() < 0.2


@pytest.mark.parametrize(
    "cell",
    [
        Cell("corner", 80.0, 2.0, 30.0, 0.15),
        Cell("corner", 80.0, 2.0, 60.0, 0.15),
        Cell("corner", 160.0, 0.6, 30.0, 0.15),
        Cell("corner", 12.5, 0.35, 60.0, 0.15),
        Cell("corner", 10.0, 0.35, 60.0, 0.15),
        Cell("corner", 10.0, 6.0, 60.0, 0.3),
        Cell("minimum jerk", 80.0, 6.0, 60.0, 0.2),
        Cell("cosine", 320.0, 2.0, 30.0, 0.2),
    ],
    ids=str,
)
def test_twice_the_uncertainty_holds_in_each_corner_of_what_there_is(cell: Cell) -> None:
    counted, completed, final = cell.told(np.random.default_rng(16), 20)
    assert len(completed) >= 150
    assert covered(completed) >= 0.95
    assert covered(counted) >= 0.95
    assert covered(final) >= 0.95
    assert np.median(completed[:, 2] / completed[:, 0]) < max(0.02, 0.7 / (cell.rate_hz * cell.period_s))


@pytest.mark.parametrize("shape", ["minimum jerk", "held", "trapeze"])
@pytest.mark.parametrize("rate_hz", [20.0, 40.0, 80.0, 160.0, 320.0])
def test_a_pull_that_stops_quickly_is_not_taken_for_a_higher_one(shape: str, rate_hz: float) -> None:
    """Where every low-pass overshoots: by up to 3 N of 60 at 20 samples a second."""
    rng = np.random.default_rng(20)
    for period_s in (0.35, 0.5, 0.8, 1.2):
        rows = [Cell(shape, rate_hz, period_s, noise_n=noise_n).told(rng, 4) for noise_n in (0.02, 0.1, 0.3)]
        for live, end in ((a, b) for _, a, b in rows if len(a) >= 30):
            assert covered(live) >= 0.95, (shape, rate_hz, period_s)
            assert covered(end) >= 0.95, (shape, rate_hz, period_s)
            stated = np.median(live[:, 2] / live[:, 0])
            assert stated < max(0.02, 1.0 / (rate_hz * period_s)), (shape, rate_hz, period_s)


@pytest.mark.parametrize("step_n", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("rate_hz", [10.0, 80.0])
def test_a_coarse_converter_shows_in_the_uncertainty(step_n: float, rate_hz: float) -> None:
    cell = Cell("cosine", rate_hz, 2.0, step_n=step_n)
    for rows in cell.told(np.random.default_rng(17), 6):
        assert len(rows) >= 50
        assert covered(rows) >= 0.95
        assert (rows[:, 2] >= step_n / 12.0**0.5).all()
        assert np.median(rows[:, 2]) < step_n


def test_phases_of_a_coarse_converter_are_less_sure() -> None:
    time_s, tension_n, _, _ = Cell("cosine", 80.0, 2.0).trace(np.random.default_rng(18))
    coarse_n = np.round(tension_n / 2.0) * 2.0
    fine, coarse = (
        rep_metrics(analyze(time_s, values_n).reps, time_s, values_n)[3] for values_n in (tension_n, coarse_n)
    )
    name = "tempo.concentric_s"
    assert coarse.uncertainty[name] > 2.0 * fine.uncertainty[name]
    assert coarse.uncertainty["peak_n"] > 2.0 / 12.0**0.5


def test_a_phase_that_a_coarse_converter_cannot_tell_is_hidden_while_it_streams() -> None:
    hidden = []
    for step_n in (0.0, 6.0):
        time_s, tension_n, _, _ = Cell("cosine", 80.0, 2.0, 40.0, step_n=step_n).trace(
            np.random.default_rng(19)
        )
        hidden.append([rep.hidden for rep in analyze(time_s, tension_n).causal])
    assert not any(hidden[0])
    assert all("concentric_s" in each for each in hidden[1])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_twice_the_uncertainty_holds_the_noiseless_peak(rate_hz: float) -> None:
    rng = np.random.default_rng(11)
    sets = [(shape, period_s) for shape in SHAPES + HELD_SHAPES for period_s in PERIODS_S for _ in range(2)]
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


@pytest.mark.parametrize(("period_s", "rate_hz"), [(0.35, 80.0), (1.0, 40.0), (1.0, 320.0), (2.0, 20.0)])
@pytest.mark.parametrize("noise_n", [0.05, 0.3])
def test_a_long_set_without_a_rest_makes_no_peak_less_sure(
    period_s: float, rate_hz: float, noise_n: float
) -> None:
    """After 40 s no second is left in which nothing moved."""
    rng = np.random.default_rng(22)
    time_s = np.arange(0.0, 75.0, 1.0 / rate_hz)
    phase = np.clip((time_s - 3.0) / period_s, 0.0, np.floor(65.0 / period_s))
    early, late, held = list[float](), list[float](), list[bool]()
    for _ in range(3):
        tension_n = 60.0 * np.sin(np.pi * phase) ** 2 + rng.normal(0.0, noise_n, time_s.size)
        for rep in analyze(time_s, tension_n).causal:
            if rep.peak_time_s < 20.0:
                early.append(rep.peak_uncertainty_n)
            elif rep.peak_time_s > 50.0:
                late.append(rep.peak_uncertainty_n)
                held.append(abs(rep.peak_n - 60.0) <= 2.0 * rep.peak_uncertainty_n)
    assert len(late) >= 20
    assert np.median(late) < 1.5 * np.median(early)
    assert np.mean(held) >= 0.95


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


def test_what_still_rises_is_its_last_sample_with_half_of_the_last_step() -> None:
    straight = estimate_peak(np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.01, 60.0]), 60.0, 0.05)
    assert straight.tension_n == 60.0
    assert 4.9 < straight.uncertainty_n < 5.2
    after_one = estimate_peak(np.array([0.0, 10.0, 20.0, 30.0, 40.02, 50.0, 60.0, 58.0]), 60.0, 0.05)
    assert 60.0 < after_one.tension_n < 68.0
    assert abs(after_one.tension_n - 64.0) < 2.0 * after_one.uncertainty_n, "a corner as steep on both sides"


@given(
    st.lists(st.floats(-500.0, 500.0), min_size=1, max_size=30), st.floats(0.0, 500.0), st.floats(0.0, 1.0)
)
def test_a_peak_is_never_farther_above_the_samples_than_a_step_between_them(
    near_n: list[float], rise_n: float, noise_n: float
) -> None:
    peak = estimate_peak(np.array(near_n), rise_n, noise_n)
    greatest_step_n = float(np.abs(np.diff(near_n)).max()) if len(near_n) > 1 else 0.0
    assert min(near_n) - 3.0 <= peak.tension_n <= max(near_n) + greatest_step_n
    assert np.isfinite(peak.uncertainty_n)


def test_the_step_of_a_converter_is_seen_in_its_samples() -> None:
    rng = np.random.default_rng(9)
    time_s = np.arange(0.0, 4.0, 1.0 / 80.0)
    moving_n = 60.0 * np.sin(np.pi * time_s / 2.0) ** 2 + rng.normal(0.0, 0.03, time_s.size)
    assert resolution_n(moving_n) == 0.0
    for step_n in (0.1, 0.49, 2.0, 5.0):
        coarse_n = np.round(moving_n / step_n) * step_n * 0.98 + 0.123
        assert resolution_n(coarse_n) == pytest.approx(0.98 * step_n)
        coarse_n[7] += 0.3 * step_n
        assert resolution_n(coarse_n) == pytest.approx(0.98 * step_n), "one odd value tells nothing"
    held_n = moving_n.copy()
    held_n[40:200] = held_n[40]
    assert resolution_n(held_n) == 0.0, "a reading that froze is not coarse"
    assert resolution_n(np.full(200, 3.0)) is None
    assert resolution_n(np.zeros(0)) is None
