from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import Generator

from bandsense.calibration.curve import Grade
from bandsense.calibration.fit import (
    OFF_AXIS_LOSS,
    Conditions,
    Contribution,
    Direction,
    Point,
    corrected,
    fit,
)
from bandsense.calibration.reference_masses import MassKind, SuspicionKind, division_of
from bandsense.errors import CalibrationError

G = 9.80665
MASSES = (2.0, 5.0, 10.0, 15.0, 20.0)
WEIGHED = Conditions(masses=MassKind.WEIGHED)
SPAN, ZERO = 1e-4, 12_345.0


def reading(force_n: float, second: float = 0.0) -> float:
    """Counts of a sensor whose force is SPAN·d + second·d²."""
    if not second:
        return ZERO + force_n / SPAN
    return ZERO + (-SPAN + math.sqrt(SPAN**2 + 4 * second * force_n)) / (2 * second)


def runs(
    n: int = 3, second: float = 0.0, hysteresis_n: float = 0.0, masses: tuple[float, ...] = MASSES
) -> list[Point]:
    points = []
    for run in range(n):
        points.append(Point(run, Direction.UP, 0.0, ZERO))
        points += [Point(run, Direction.UP, m, reading(m * G, second)) for m in masses]
        for m in masses[-2::-1]:
            points.append(Point(run, Direction.DOWN, m, reading(m * G + hysteresis_n, second)))
        points.append(Point(run, Direction.DOWN, 0.0, ZERO))
    return points


def line(report_budget: tuple[Contribution, ...], name: str) -> Contribution:
    return next(c for c in report_budget if c.name == name)


def test_a_perfect_sensor_is_found_exactly() -> None:
    report = fit(runs())
    assert report.order == 1
    assert report.calibration.newton_per_unit == pytest.approx(SPAN)
    assert report.calibration.zero == ZERO
    assert report.calibration.grade is Grade.CALIBRATED
    assert report.nonlinearity == pytest.approx(0.0, abs=1e-9)
    assert report.hysteresis == pytest.approx(0.0, abs=1e-9)
    assert float(report.calibration.tension_n(reading(80.0))) == pytest.approx(80.0)


def test_a_curved_sensor_gets_a_second_order() -> None:
    second = 2e-12
    report = fit(runs(second=second), WEIGHED)
    assert report.order == 2
    assert report.calibration.newton_per_unit2 == pytest.approx(second, rel=1e-3)
    for force_n in (15.0, 90.0, 190.0):
        assert float(report.calibration.tension_n(reading(force_n, second))) == pytest.approx(
            force_n, abs=1e-6
        )


def test_scatter_alone_gets_no_second_order() -> None:
    rng = np.random.default_rng(2)
    noisy = [Point(p.run, p.direction, p.mass_kg, p.reading + 2000 * rng.standard_normal()) for p in runs()]
    assert fit(noisy).order == 1


def test_two_masses_are_never_curved() -> None:
    assert fit(runs(second=5e-12, masses=(10.0, 20.0))).order == 1


def test_nonlinearity_is_the_largest_deviation_from_the_best_line() -> None:
    # F = d + c·d² at d = 1 and 2, line through 0: slope minimises (1+c−s)² + (2+4c−2s)² → s = 1 + 9c/5
    c = 0.02
    points = [Point(0, Direction.UP, 0.0, 0.0)]
    points += [Point(0, Direction.UP, (d + c * d * d) / G, d) for d in (1.0, 2.0)]
    report = fit(points, WEIGHED)
    slope = 1 + 9 * c / 5
    expected = max(abs(slope - (1 + c)), abs(2 * slope - (2 + 4 * c))) / (2 + 4 * c)
    assert report.nonlinearity == pytest.approx(expected)


def test_hysteresis_is_the_difference_between_up_and_down() -> None:
    report = fit(runs(hysteresis_n=0.5))
    assert report.hysteresis * report.largest_n == pytest.approx(0.5, rel=0.01)
    assert line(report.budget, "hysteresis").standard_uncertainty_n == pytest.approx(0.25 / 3**0.5, rel=0.01)


def test_repeatability_is_the_spread_between_runs() -> None:
    points = [
        Point(p.run, p.direction, p.mass_kg, ZERO + (p.reading - ZERO) * (1 + 0.001 * (p.run - 1)))
        for p in runs()
    ]
    report = fit(points)
    assert report.repeatability == pytest.approx(0.002, rel=0.01)
    assert line(report.budget, "repeatability").measured


def test_a_zero_that_moves_over_a_run_is_taken_off_and_reported() -> None:
    points, n = [], len(runs(1))
    for i, p in enumerate(runs(1)):
        points.append(Point(p.run, p.direction, p.mass_kg, p.reading + 3000.0 * i / (n - 1)))
    report = fit(points)
    assert report.calibration.newton_per_unit == pytest.approx(SPAN)
    assert report.zero_return * report.largest_n == pytest.approx(0.3)
    assert report.calibration.zero == ZERO + 3000.0


def test_local_gravity_scales_the_span() -> None:
    report = fit(runs(), Conditions(gravity_m_s2=9.780))
    assert report.calibration.newton_per_unit == pytest.approx(SPAN * 9.780 / G)
    known, unknown = line(report.budget, "gravity"), line(fit(runs()).budget, "gravity")
    assert known.standard_uncertainty_n < unknown.standard_uncertainty_n
    assert unknown.standard_uncertainty_n / (20 * G) == pytest.approx(0.026 / 3**0.5 / G)


def test_the_budget_adds_up_to_what_the_calibration_says() -> None:
    report = fit(runs(hysteresis_n=0.3), WEIGHED)
    total = sum(c.standard_uncertainty_n**2 for c in report.budget) ** 0.5
    assert report.expanded_uncertainty_n == pytest.approx(2 * total)
    assert 0.005 < report.expanded_uncertainty_n / report.largest_n < 0.03


def test_what_was_not_measured_comes_from_priors_and_is_said() -> None:
    once_up = [p for p in runs(1) if p.direction is Direction.UP]
    report = fit(once_up, WEIGHED)
    assert not line(report.budget, "hysteresis").measured
    assert not line(report.budget, "repeatability").measured
    assert len(report.notes) == 3


def test_one_mass_is_not_a_calibration_and_a_clip_is_a_clip() -> None:
    assert fit(runs(masses=(10.0,))).calibration.grade is Grade.NOMINAL
    clip = fit(runs(), Conditions(inline=False)).calibration
    assert clip.grade is Grade.CLIP_ON
    assert clip.span_uncertainty > 0.06


@pytest.mark.parametrize(
    "points",
    [
        [],
        [Point(0, Direction.UP, 0.0, 5.0)],
        [Point(0, Direction.UP, 5.0, 5.0)],
        [Point(0, Direction.UP, 0.0, 5.0), Point(0, Direction.UP, 5.0, 5.0)],
        [
            Point(0, Direction.UP, 0.0, 0.0),
            Point(0, Direction.UP, 5.0, 9.0),
            Point(0, Direction.UP, 9.0, 1.0),
        ],
    ],
)
def test_points_that_determine_nothing_are_refused(points: list[Point]) -> None:
    with pytest.raises(CalibrationError):
        fit(points)


def random_trial(rng: Generator) -> tuple[float, float]:
    """Calibrate a random sensor with imperfect masses, use it once, and compare with the truth.

    Returns the error of one tension and its stated expanded uncertainty.
    """
    mass_error, gravity = rng.normal(0, 0.003), G + rng.uniform(-0.026, 0.026)
    hysteresis_n, kelvin = rng.uniform(-0.4, 0.4), rng.uniform(-0.05, 0.05)
    rehang, second = 0.002, rng.uniform(-1, 1) * 2e-13

    def shown(force_n: float, up: bool, run_gain: float) -> float:
        felt = (force_n + (0.0 if up else hysteresis_n * min(1.0, force_n / 50))) * run_gain
        return reading(felt, second) + rng.normal(0, 20.0)

    points = []
    for run in range(3):
        gain = 1 + rng.normal(0, rehang)
        points.append(Point(run, Direction.UP, 0.0, shown(0.0, True, gain)))
        points += [
            Point(run, Direction.UP, m, shown(m * (1 + mass_error) * gravity, True, gain)) for m in MASSES
        ]
        for m in MASSES[-2::-1]:
            points.append(Point(run, Direction.DOWN, m, shown(m * (1 + mass_error) * gravity, False, gain)))
        points.append(Point(run, Direction.DOWN, 0.0, shown(0.0, False, gain)))
    known = Conditions(MassKind.WEIGHED, newton_per_kelvin=0.05, temperature_range_k=5.0)
    calibration = fit(points, known).calibration
    truth = rng.uniform(5.0, 190.0)
    axis = 1 - rng.uniform(0, OFF_AXIS_LOSS)
    raw = shown(truth * axis, bool(rng.random() < 0.5), 1 + rng.normal(0, rehang))
    raw += kelvin * rng.uniform(-5, 5) / SPAN
    tension = float(calibration.tension_n(raw))
    return tension - truth, float(calibration.expanded_uncertainty_n(tension))


def test_the_stated_interval_holds_the_truth_in_about_95_percent_of_trials() -> None:
    rng = np.random.default_rng(12)
    trials = np.array([random_trial(rng) for _ in range(500)])
    covered = np.mean(np.abs(trials[:, 0]) <= trials[:, 1])
    assert 0.92 <= covered <= 0.995


def loaded_with(true_kg: dict[float, float], strap_kg: float = 0.0, second: float = 0.0) -> list[Point]:
    """Three runs in which some masses weigh something else than they are said to."""
    rng, points = np.random.default_rng(4), []
    for p in runs(masses=tuple(true_kg)):
        hung = true_kg[p.mass_kg] + strap_kg if p.mass_kg else 0.0
        counts = reading(hung * G, second) + rng.normal(0.0, 300.0)
        points.append(Point(p.run, p.direction, p.mass_kg, counts))
    return points


TRUE = {mass: mass for mass in MASSES}
PLATES = Conditions(MassKind.PLATES)


@pytest.mark.parametrize("kind", list(MassKind))
def test_sound_masses_raise_no_suspicion(kind: MassKind) -> None:
    assert fit(loaded_with(TRUE), Conditions(kind)).suspicion is None


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [(WEIGHED, SuspicionKind.STRAP), (PLATES, SuspicionKind.EITHER)],
    ids=["alone with weighed masses", "beside a wrong lightest mass with plates"],
)
def test_a_forgotten_strap_is_found_and_what_is_known_of_it_mends_the_fit(
    conditions: Conditions, kind: SuspicionKind
) -> None:
    points = loaded_with(TRUE, strap_kg=0.6)
    report = fit(points, conditions)
    assert report.suspicion is not None
    assert report.suspicion.kind is kind
    assert report.suspicion.strap_kg == pytest.approx(0.6, rel=0.15)
    assert "a strap" in report.suspicion.question
    assert report.order == 1, "a strap is no curvature"
    mended = fit(corrected(points, {}, strap_kg=0.6), conditions)
    assert mended.suspicion is None
    assert mended.calibration.newton_per_unit == pytest.approx(SPAN, rel=2e-3)


@pytest.mark.parametrize(("said", "true"), [(10.0, 8.0), (5.0, 6.5), (15.0, 12.0)])
def test_a_wrong_mass_is_found_by_name_and_weight(said: float, true: float) -> None:
    points = loaded_with(TRUE | {said: true})
    report = fit(points, PLATES)
    assert report.suspicion is not None
    assert (report.suspicion.kind, report.suspicion.mass_kg) == (SuspicionKind.MASS, pytest.approx(said))
    assert report.suspicion.likely_kg == pytest.approx(true, rel=0.03)
    for known in ({said: true}, {said: None}):
        mended = fit(corrected(points, known), PLATES)
        assert mended.suspicion is None
        assert mended.calibration.newton_per_unit == pytest.approx(SPAN, rel=3e-3)


def test_an_unanswered_suspicion_makes_the_calibration_less_sure() -> None:
    sound, wrong = fit(loaded_with(TRUE), PLATES), fit(loaded_with(TRUE | {10.0: 8.0}), PLATES)
    assert wrong.expanded_uncertainty_n > 1.5 * sound.expanded_uncertainty_n


LUGGAGE_SCALE = replace(WEIGHED, division_kg=0.1)


def test_masses_read_off_in_steps_are_not_asked_about_for_what_the_steps_hide() -> None:
    rng, asked, asked_if_exact, held = np.random.default_rng(8), 0, 0, 0
    for _ in range(60):
        true_kg = np.sort(rng.uniform(1.0, 15.0, 4))
        said_kg = np.round(true_kg, 1)
        points = loaded_with(dict(zip(said_kg.tolist(), true_kg.tolist(), strict=True)))
        report = fit(points, LUGGAGE_SCALE)
        asked += report.suspicion is not None
        asked_if_exact += fit(points, WEIGHED).suspicion is not None
        uncertainty = float(report.calibration.expanded_uncertainty_n(100.0))
        held += abs(float(report.calibration.tension_n(reading(100.0))) - 100.0) <= uncertainty
    assert asked == 0 < asked_if_exact
    assert held >= 58


@pytest.mark.parametrize("strap_kg", [0.4, 0.6])
def test_a_strap_is_found_below_masses_read_off_in_steps(strap_kg: float) -> None:
    assert fit(loaded_with(TRUE, strap_kg=strap_kg), LUGGAGE_SCALE).suspicion is not None


@pytest.mark.parametrize(
    ("written", "division_kg"),
    [("2.04,5.11,10.2", 0.01), ("2.0,5.1,10.2", 0.1), ("5,10", 0.1), ("2.125, 5 ", 0.001)],
)
def test_the_step_of_a_scale_is_read_off_what_was_written(written: str, division_kg: float) -> None:
    assert division_of(written.split(",")) == pytest.approx(division_kg)


def test_two_masses_that_do_not_fit_are_asked_about_without_a_guess_at_who_is_to_blame() -> None:
    report = fit(loaded_with({5.0: 5.0, 10.0: 8.0}), WEIGHED)
    assert report.suspicion is not None
    assert report.suspicion.kind is SuspicionKind.EITHER


def test_more_readings_do_not_average_away_what_a_mass_is_wrong_by() -> None:
    rng = np.random.default_rng(1)
    few, many = (
        fit([Point(p.run, p.direction, p.mass_kg, p.reading + rng.normal(0, 500)) for p in runs(n)], PLATES)
        for n in (1, 12)
    )
    assert many.expanded_uncertainty_n > 0.9 * few.expanded_uncertainty_n
    assert many.expanded_uncertainty_n / many.largest_n > 0.03


def test_beyond_the_largest_mass_a_line_is_less_sure_for_what_it_may_have_left_out() -> None:
    calibration = fit(runs(masses=(1.0, 2.0, 5.0)), WEIGHED).calibration
    at, beyond = (float(calibration.expanded_uncertainty_n(n)) / n for n in (49.0, 400.0))
    assert beyond > 1.5 * at
