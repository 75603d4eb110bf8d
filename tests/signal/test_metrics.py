from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.integrate import quad

from bandsense.calibration.curve import Calibration
from bandsense.errors import DataError
from bandsense.samples import FloatArray
from bandsense.signal.events import Rep
from bandsense.signal.metric_contract import EXPONENT
from bandsense.signal.metrics import RepMetrics, RepTempo, asymmetry, rep_metrics, set_metrics

F100, L0, P = 60.0, 0.6, 0.62


class PowerBand:
    """x = L0·(F/F100)^(1/p)."""

    def displacement_m(self, time_s: ArrayLike, tension_n: ArrayLike) -> FloatArray:
        return L0 * (np.maximum(np.asarray(tension_n, dtype=np.float64), 0.0) / F100) ** (1 / P)


def trapezium(
    start: float = 1.0,
    *,
    rise_s: float = 1.0,
    hold_s: float = 0.5,
    fall_s: float = 2.0,
    low: float = 10.0,
    high: float = 60.0,
    index: int = 1,
) -> tuple[Rep, list[tuple[float, float]]]:
    """A repetition of straight lines: corners of the trace, and its exact boundaries."""
    top, turn, end = start + rise_s, start + rise_s + hold_s, start + rise_s + hold_s + fall_s
    rep = Rep(
        index,
        start + 0.1 * rise_s,
        start + 0.9 * rise_s,
        turn + 0.1 * fall_s,
        turn + 0.9 * fall_s,
        top,
        high,
        low,
        low,
    )
    return rep, [(start, low), (top, high), (turn, high), (end, low)]


def sampled(corners: list[tuple[float, float]], rate_hz: float = 1000.0) -> tuple[FloatArray, FloatArray]:
    times, values = zip(*corners, strict=True)
    time_s = np.arange(0.0, times[-1] + 1.0, 1 / rate_hz)
    return time_s, np.interp(time_s, times, values)


def one(**shape: float) -> RepMetrics:
    rep, corners = trapezium(**shape)  # type: ignore[arg-type]
    return rep_metrics([rep], *sampled(corners), band=PowerBand())[0]


def test_tension_figures_of_straight_lines() -> None:
    figures = one()
    # under tension from 15 N at 1.1 s up to 60 N, 0.5 s at 60 N, down to 15 N at 4.3 s
    impulse = 0.9 * (15 + 60) / 2 + 0.5 * 60 + 1.8 * (60 + 15) / 2
    assert figures.time_under_tension_s == pytest.approx(3.2)
    assert figures.impulse_n_s == pytest.approx(impulse, rel=1e-5)
    assert figures.mean_n == pytest.approx(impulse / 3.2, rel=1e-5)
    assert figures.peak_n == 60.0
    assert figures.tempo == RepTempo(
        pytest.approx(0.8),
        pytest.approx(0.8),
        pytest.approx(1.6),
        None,  # type: ignore[arg-type]
    )
    assert figures.loading_n_per_s == pytest.approx(0.8 * 50 / 0.8)
    assert figures.unloading_n_per_s == pytest.approx(0.8 * 50 / 1.6)


def test_way_velocity_and_work_of_a_power_law_band() -> None:
    figures = one(low=0.0)
    assert figures.range_m == pytest.approx(L0, rel=1e-4)
    low, high = (L0 * share ** (1 / P) for share in (0.1, 0.9))
    assert figures.velocity_m_s == pytest.approx((high - low) / 0.8, rel=1e-3)
    # W = L0·F100·(ε2^(p+1) − ε1^(p+1))/(p+1), ε from 0 to 1
    assert figures.work_j == pytest.approx(L0 * F100 / (P + 1), rel=1e-4)
    assert figures.returned_j == pytest.approx(figures.work_j, rel=1e-4)


def test_work_from_a_stretched_start() -> None:
    figures = one(low=20.0)
    x1, x2 = (L0 * (f / F100) ** (1 / P) for f in (20.0, 60.0))
    expected, _ = quad(lambda x: F100 * (x / L0) ** P, x1, x2)
    assert figures.work_j == pytest.approx(expected, rel=1e-4)


def test_peak_velocity_is_the_steepest_tenth_of_a_second() -> None:
    figures = one(low=0.0)
    x = [L0 * share ** (1 / P) for share in (0.9, 1.0)]
    assert figures.peak_velocity_m_s == pytest.approx((x[1] - x[0]) / 0.1, rel=0.01)


def test_ranges_without_a_model_are_relative_and_a_prior() -> None:
    rep, corners = trapezium()
    figures = rep_metrics([rep], *sampled(corners))[0]
    assert figures.range_m is None
    assert figures.work_j is None
    assert figures.relative_range == pytest.approx(60 ** (1 / EXPONENT) - 10 ** (1 / EXPONENT))


def test_uncertainty_comes_from_the_calibration() -> None:
    rep, corners = trapezium()
    calibration = Calibration(1.0, zero_uncertainty_n=0.3, span_uncertainty=0.01)
    figures = rep_metrics([rep], *sampled(corners), calibration=calibration)[0]
    assert figures.peak_uncertainty_n == pytest.approx((0.3**2 + 0.6**2) ** 0.5, rel=0.02)
    doubtful = rep_metrics([rep], *sampled(corners), calibration=calibration, zero_doubt_n=2.0)[0]
    assert doubtful.peak_uncertainty_n is not None
    assert doubtful.peak_uncertainty_n > 2.0, "a zero that drifted is not shown under a small uncertainty"
    assert figures.mean_uncertainty_n is not None
    assert figures.mean_uncertainty_n < figures.peak_uncertainty_n


def test_missing_or_saturated_samples_are_said() -> None:
    rep, corners = trapezium()
    for flag in ({"gap": True}, {"saturated": True}):
        assert rep_metrics([replace(rep, **flag)], *sampled(corners))[0].incomplete  # type: ignore[arg-type]


def test_a_trace_must_cover_its_repetitions() -> None:
    rep, corners = trapezium()
    time_s, tension = sampled(corners)
    with pytest.raises(DataError):
        rep_metrics([rep], time_s[:3000], tension[:3000])
    assert rep_metrics([], time_s, tension) == ()


@given(st.floats(0.2, 4.0), st.floats(0.5, 3.0))
def test_force_and_time_scale_as_their_units_say(force: float, tempo: float) -> None:
    rep, corners = trapezium()
    scaled = trapezium(
        start=tempo, rise_s=tempo, hold_s=0.5 * tempo, fall_s=2 * tempo, low=10 * force, high=60 * force
    )
    base = rep_metrics([rep], *sampled(corners))[0]
    other = rep_metrics([scaled[0]], *sampled(scaled[1], 1000.0 / tempo))[0]
    assert other.impulse_n_s == pytest.approx(base.impulse_n_s * force * tempo, rel=1e-3)
    assert other.mean_n == pytest.approx(base.mean_n * force, rel=1e-3)
    assert other.loading_n_per_s == pytest.approx(base.loading_n_per_s * force / tempo, rel=1e-6)
    assert other.relative_range == pytest.approx(base.relative_range * force ** (1 / EXPONENT))


def a_set(peaks: list[float], rise_s: list[float] | None = None) -> tuple[RepMetrics, ...]:
    rises = rise_s or [1.0] * len(peaks)
    reps, corners, start = [], [(0.0, 0.0)], 1.0
    for i, (peak, rise) in enumerate(zip(peaks, rises, strict=True), start=1):
        rep, own = trapezium(start, rise_s=rise, low=0.0, high=peak, index=i)
        reps.append(rep)
        corners += own
        start = own[-1][0] + 1.0
    return rep_metrics(reps, *sampled(corners), band=PowerBand())


def test_set_sums_and_medians() -> None:
    reps = a_set([50.0, 60.0, 40.0])
    figures = set_metrics(reps)
    assert (figures.reps, figures.partial) == (3, 0)
    assert figures.peak_n == 60.0
    assert figures.mean_peak_n == 50.0
    assert figures.impulse_n_s == pytest.approx(sum(rep.impulse_n_s for rep in reps))
    assert figures.time_under_tension_s == pytest.approx(3 * 3.2)
    assert figures.duration_s == pytest.approx(2 * 4.5 + 3.2)
    assert figures.density == pytest.approx(9.6 / 12.2)
    assert figures.tempo.rest_s == pytest.approx(1.3)
    assert figures.peak_cv == pytest.approx(np.std([50, 60, 40], ddof=1) / 50)
    assert figures.work_j == pytest.approx(sum(rep.work_j or 0.0 for rep in reps))
    assert figures.fatigue is None


def test_fatigue_tells_range_time_and_velocity_apart() -> None:
    ranges = [0.55, 0.6, 0.6, 0.58, 0.56, 0.48, 0.48]
    peaks = [F100 * (x / L0) ** P for x in ranges]
    fatigue = set_metrics(a_set(peaks, [1.0, 1.0, 1.0, 1.0, 1.0, 1.25, 1.25])).fatigue
    assert fatigue is not None
    assert fatigue.range_lost == pytest.approx(0.2, abs=1e-3)
    assert fatigue.concentric_time_gained == pytest.approx(0.25, abs=1e-6)
    assert fatigue.velocity_lost == pytest.approx(1 - 0.8 / 1.25, abs=1e-3)
    assert not fatigue.estimated


def test_fatigue_without_a_model_rests_on_the_prior() -> None:
    reps = tuple(replace(rep, range_m=None, velocity_m_s=None) for rep in a_set([60.0] * 4 + [50.0] * 2))
    fatigue = set_metrics(reps).fatigue
    assert fatigue is not None
    assert fatigue.estimated
    assert fatigue.range_lost == pytest.approx(1 - (5 / 6) ** (1 / EXPONENT))


def test_partial_repetitions_count_but_say_nothing_about_consistency() -> None:
    reps = list(a_set([50.0] * 5))
    reps[3] = replace(reps[3], partial=True, peak_n=20.0)
    figures = set_metrics(reps)
    assert figures.partial == 1
    assert figures.peak_cv == pytest.approx(0.0)
    assert figures.fatigue is None


def test_right_stronger_by_a_tenth_is_a_difference_of_a_tenth() -> None:
    left, right = a_set([57.0] * 4), a_set([63.0] * 4)
    result = asymmetry(left, right)
    assert result.peak.share == pytest.approx(6 / 60)
    assert result.peak.certain
    assert result.time_under_tension.share == pytest.approx(0.0, abs=1e-9)
    assert asymmetry(right, left).peak.share == pytest.approx(-0.1)


def test_scatter_makes_a_difference_uncertain() -> None:
    result = asymmetry(a_set([50.0, 60.0, 55.0]), a_set([52.0, 62.0, 57.0]))
    expected = (2 * 25 / 3) ** 0.5 / 56
    assert result.peak.standard_error == pytest.approx(expected)
    assert not result.peak.certain


def test_what_most_repetitions_of_a_side_hide_is_not_compared() -> None:
    left, right = a_set([57.0] * 4), a_set([63.0] * 4)
    why = "needs 40 samples a second"
    for hiding in (3, 2):
        hidden = {"time_under_tension_s": why}
        some = [replace(rep, hidden=hidden) if n < hiding else rep for n, rep in enumerate(left)]
        for result in (asymmetry(some, right), asymmetry(right, some)):
            assert (result.time_under_tension is None) == (hiding == 3)
            assert result.hidden == ({"time_under_tension": why} if hiding == 3 else {})
            assert result.peak is not None
            assert abs(result.peak.share) == pytest.approx(0.1)


def test_nothing_has_no_metrics() -> None:
    with pytest.raises(DataError):
        set_metrics([])
    with pytest.raises(DataError):
        asymmetry([], [])


def test_a_tempo_reads_as_people_write_it() -> None:
    assert str(RepTempo(1.04, 0.5, 2.0, 0.96)) == "1.0-0.5-2.0-1.0"
    assert str(RepTempo(1.0, 0.0, 2.0, None)) == "1.0-0.0-2.0-–"
