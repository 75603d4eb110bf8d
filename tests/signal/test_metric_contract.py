"""How sure the figures of a repetition are said to be, against movements of known shape."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration, Grade
from bandsense.cli.rep_table import rep_table
from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.events import Rep
from bandsense.signal.metric_contract import FIGURES, Conditions, crossing_uncertainty_s, judge, timing_reason
from bandsense.signal.metrics import RepMetrics, rep_metrics, set_metrics
from bandsense.workout.events import fields_json
from tests.support.traces import boundaries_of, minimum_jerk

RATES_HZ = (10.0, 20.0, 40.0, 80.0, 320.0)


def movement(shape: str, flank_s: float, time_s: FloatArray) -> FloatArray:
    """Up and down between 0 and 60 N, the top at 0."""
    way = np.clip(1.0 - np.abs(time_s) / flank_s, 0.0, 1.0)
    match shape:
        case "cosine":
            return 60.0 * np.sin(0.5 * np.pi * way) ** 2
        case "minimum jerk":
            return 60.0 * np.asarray(minimum_jerk(way)) ** 0.65
        case _:
            return 60.0 * (np.maximum(np.asarray(minimum_jerk(way)) - 0.3, 0.0) / 0.7) ** 0.62


def seen(shape: str, flank_s: float, rate_hz: float, noise_n: float, rng: np.random.Generator) -> Rep:
    time_s, tension_n = sampled(shape, flank_s, rate_hz, noise_n, rng)
    b = boundaries_of(time_s, tension_n)
    times = (b.pull_start_s, b.hold_start_s, b.return_start_s, b.end_s)
    return Rep(1, *times, b.peak_time_s, b.peak_n, b.start_n, b.end_n)


def sampled(
    shape: str, flank_s: float, rate_hz: float, noise_n: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    time_s = np.arange(-flank_s - 0.5, flank_s + 0.5, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
    return time_s, movement(shape, flank_s, time_s) + rng.normal(0.0, noise_n, time_s.size)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("shape", ["cosine", "minimum jerk", "slack at the bottom"])
def test_phases_are_as_sure_as_is_said(shape: str, rate_hz: float) -> None:
    rng, held = np.random.default_rng(1), []
    for flank_s in (0.2, 0.4, 1.0, 2.5):
        fine_s = np.linspace(-flank_s, 0.0, 20001)
        fine_n = movement(shape, flank_s, fine_s)
        true_s = float(fine_s[np.argmax(fine_n >= 54.0)] - fine_s[np.argmax(fine_n >= 6.0)])
        for noise_n in (0.02, 0.1):
            for _ in range(15):
                rep = seen(shape, flank_s, rate_hz, noise_n, rng)
                known = Conditions(rate_hz, noise_n)
                u_s = 2.0**0.5 * crossing_uncertainty_s(rep.peak_n - rep.start_n, rep.concentric_s, known)
                held.append(abs(rep.concentric_s - true_s) <= 2.0 * u_s)
    assert np.mean(held) >= 0.93


def figures_of(rate_hz: float, flank_s: float, *, noise_n: float = 0.05, **known: float) -> RepMetrics:
    rng = np.random.default_rng(2)
    rep = seen("cosine", flank_s, rate_hz, noise_n, rng)
    trace = sampled("cosine", flank_s, rate_hz, noise_n, np.random.default_rng(2))
    calibration = Calibration(1.0, **known)  # type: ignore[arg-type]
    return rep_metrics([rep], *trace, calibration=calibration)[0]


def test_a_quick_rate_hides_nothing_of_a_usual_repetition() -> None:
    assert figures_of(80.0, 0.8).hidden == {}
    assert figures_of(40.0, 1.2).hidden == {}


def test_what_a_slow_rate_cannot_tell_is_hidden_with_the_rate_that_can() -> None:
    hidden = figures_of(10.0, 0.25).hidden
    assert "tempo.concentric_s" in hidden
    assert "loading_n_per_s" in hidden
    assert all(reason.startswith("needs ") for reason in hidden.values())
    needed = {int(reason.split()[1]) for reason in hidden.values()}
    assert needed <= {20, 40, 80}
    assert "loading_n_per_s" not in figures_of(float(max(needed)), 0.25).hidden, "and it can indeed"


def test_noise_and_calibration_are_named_where_they_are_the_reason() -> None:
    rep = Rep(1, 0.0, 1.0, 1.2, 2.2, 1.1, 2.0, 0.0, 0.0)
    _, noisy = judge(rep, {"velocity_m_s": 0.5, "loading_n_per_s": 1.6}, Conditions(80.0, noise_n=0.5))
    assert set(noisy.values()) == {"the tension is too near to the sensor's noise"}
    _, coarse = judge(rep, {"peak_n": 2.0}, Conditions(80.0, level_uncertainty_n=1.0))
    assert coarse == {"peak_n": "needs a calibrated sensor whose zero was set"}


def test_a_peak_velocity_needs_forty_samples_a_second() -> None:
    rep = Rep(1, 0.0, 0.5, 0.6, 1.2, 0.55, 60.0, 0.0, 0.0)
    for rate_hz, reason in ((20.0, {"peak_velocity_m_s": "needs 40 samples a second"}), (40.0, {})):
        assert judge(rep, {"peak_velocity_m_s": 1.0}, Conditions(rate_hz, 0.02))[1] == reason


def test_every_figure_has_its_place_in_the_table() -> None:
    figures = figures_of(80.0, 0.8)
    for figure in FIGURES:
        figures.shown(figure.name)
    told = {"relative_range", "impulse_n_s", "tempo.hold_s", "peak_n", "loading_n_per_s"}
    assert told <= set(figures.uncertainty)
    assert figures.uncertainty["peak_n"] == figures.peak_uncertainty_n


def test_tables_and_files_leave_out_the_same() -> None:
    rng = np.random.default_rng(2)
    rep = seen("cosine", 0.25, 10.0, 0.05, rng)
    figures = figures_of(10.0, 0.25)
    data = json.loads(json.dumps(fields_json(figures)))
    assert data["tempo"]["concentric_s"] is None
    assert data["loading_n_per_s"] is None
    assert data["hidden"]["tempo.concentric_s"] == figures.hidden["tempo.concentric_s"]
    assert data["peak_n"] == pytest.approx(figures.peak_n)
    text = rep_table([rep], [figures])
    assert "–: pull" in text
    assert figures.hidden["tempo.concentric_s"] in text
    assert "–:" not in rep_table([rep], [figures_of(80.0, 0.8)])


def test_a_set_hides_what_rests_on_what_its_repetitions_hide() -> None:
    slow = set_metrics([figures_of(10.0, 0.25)] * 6)
    assert slow.hidden["tempo.concentric_s"].startswith("needs ")
    assert "fatigue.velocity_lost" in slow.hidden
    data = fields_json(slow)
    assert data["tempo"]["concentric_s"] is None
    assert data["fatigue"]["velocity_lost"] is None
    assert set_metrics([figures_of(80.0, 0.8)] * 6).hidden == {}
    assert fields_json(set_metrics([figures_of(10.0, 0.25)]))["fatigue"] is None


def test_a_coarse_calibration_shows_peaks_but_says_how_coarse() -> None:
    figures = figures_of(80.0, 0.8, span_uncertainty=Grade.COLOUR.typical_span_uncertainty)
    assert "peak_n" not in figures.hidden
    assert figures.peak_uncertainty_n == pytest.approx(0.1375 * 60.0, rel=0.02)


def test_a_lag_between_the_sides_is_shown_only_where_it_means_something() -> None:
    assert timing_reason(0.01, 80.0) is None
    assert timing_reason(0.08, 10.0) == "needs 20 samples a second"
    assert timing_reason(0.08, 80.0) == "the clocks of the sensors differ by too much"


@pytest.mark.parametrize("within_s", [0.0, 0.001])
def test_samples_that_come_in_batches_tell_no_more_than_their_rate_does(within_s: float) -> None:
    time_s = np.arange(400) / 10.0
    tension_n = movement("cosine", 0.4, (time_s + 0.6) % 1.2 - 0.6)
    reps = analyze(time_s, tension_n).reps
    number = np.arange(time_s.size)
    batched_s = time_s[number // 4 * 4] + 0.3 + within_s * (number % 4)
    evenly, batched = (rep_metrics(reps[2:-2], t, tension_n) for t in (time_s, batched_s))
    assert [rep.hidden for rep in batched] == [rep.hidden for rep in evenly]
    assert "needs 20 samples a second" in evenly[0].hidden.values()
