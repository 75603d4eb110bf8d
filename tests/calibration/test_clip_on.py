"""A sensor clipped onto the band: friction, two curves, and the tension between them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.clip_on import (
    MOST_RATIO,
    TURN_N,
    ClipFriction,
    DirectionalCalibration,
    calibration_from_dict,
)
from bandsense.calibration.curve import Calibration, Grade
from bandsense.calibration.fit import Conditions, Direction, Point, fit
from bandsense.errors import CalibrationError
from bandsense.samples import BoolArray, FloatArray, Unit

FRICTION_RATIO = 1.34
"""Of reading down to reading up: capstan, µ 0.3, fixed posts, half span 20 mm, offset 5 mm."""
G = 9.80665
COUNTS_PER_N = 5_000.0


class Clip:
    """Three posts on a band, by mechanics: the tension within lags behind by the friction at the posts."""

    def __init__(self) -> None:
        self.within_n = 0.0

    def counts(self, tension_n: FloatArray) -> FloatArray:
        ratio = FRICTION_RATIO**0.5
        within_n = np.empty_like(tension_n)
        for i, outside_n in enumerate(tension_n.tolist()):
            self.within_n = min(max(self.within_n, outside_n / ratio), outside_n * ratio)
            within_n[i] = self.within_n
        # The band gets thinner as its length to the power of −1/2, and is deflected the less.
        elongation = (np.maximum(within_n, 0.0) / 60.0) ** (1 / 0.62)
        offset_mm = 4.0 + (1.0 + elongation) ** -0.5
        return 700.0 + COUNTS_PER_N * 2.0 * within_n * np.sin(np.arctan(offset_mm / 20.0))


def calibrated(direction: Direction | None) -> Calibration:
    """From masses of 1 to 8 kg up and down, three times, hung on a band with the clip on it."""
    rng = np.random.default_rng(3)
    points: list[Point] = []
    up = [0.0, 1.0, 2.0, 4.0, 6.0, 8.0]
    for run in range(3):
        clip = Clip()
        for n, mass_kg in enumerate([*up, *up[-2::-1]]):
            way = np.linspace(points[-1].mass_kg if n else 0.0, mass_kg, 200) * G
            reading = float(clip.counts(way)[-1] + rng.normal(0.0, 20.0))
            points.append(Point(run, Direction.UP if n < len(up) else Direction.DOWN, mass_kg, reading))
    return fit(points, Conditions(inline=False, direction=direction)).calibration


@pytest.fixture(scope="module")
def pair() -> DirectionalCalibration:
    return DirectionalCalibration(calibrated(Direction.UP), calibrated(Direction.DOWN))


def by_hand(loading: float = 1.2, unloading: float = 0.8) -> DirectionalCalibration:
    up = Calibration(loading, 5.0, grade=Grade.CLIP_ON)
    return DirectionalCalibration(up, replace(up, newton_per_unit=unloading))


READINGS = st.lists(st.floats(-20.0, 400.0), min_size=1, max_size=60).map(np.array)
SPANS = st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)).filter(
    lambda spans: 1 / MOST_RATIO < spans[0] / spans[1] < MOST_RATIO
)


@given(READINGS, SPANS, st.sets(st.integers(1, 59)), st.sets(st.integers(0, 59)))
def test_blocks_do_not_matter(
    values: FloatArray, spans: tuple[float, float], cuts: set[int], gaps: set[int]
) -> None:
    calibration = by_hand(*spans)
    gap_before = np.isin(np.arange(values.size), list(gaps))
    whole = ClipFriction().push(calibration, values, gap_before)
    friction = ClipFriction()
    at = sorted(cut for cut in cuts if cut < values.size)
    parts = [
        friction.push(calibration, part, gap)
        for part, gap in zip(np.split(values, at), np.split(gap_before, at), strict=True)
    ]
    for n in (0, 1):
        assert np.array_equal(np.concatenate([part[n] for part in parts]), whole[n])


@given(READINGS, SPANS)
def test_tension_lies_between_the_curves(values: FloatArray, spans: tuple[float, float]) -> None:
    calibration = by_hand(*spans)
    tension_n, between_n = ClipFriction().push(calibration, values)
    ends = np.sort([c.tension_n(values) for c in (calibration.loading, calibration.unloading)], axis=0)
    assert (tension_n >= ends[0] - 1e-9).all()
    assert (tension_n <= ends[1] + 1e-9).all()
    # Wherever the tension is between the curves, its uncertainty reaches as far: k = 2 covers both.
    standing = between_n > 0.0
    assert (2.0 * between_n >= np.maximum(ends[1] - tension_n, tension_n - ends[0]) - 1e-9)[standing].all()


@given(READINGS, SPANS)
def test_where_tension_only_grows_the_loading_curve_holds(
    values: FloatArray, spans: tuple[float, float]
) -> None:
    check_one_way(np.sort(np.abs(values)), by_hand(*spans), loading=True)


@given(READINGS, SPANS)
def test_where_tension_only_falls_the_unloading_curve_holds(
    values: FloatArray, spans: tuple[float, float]
) -> None:
    check_one_way(np.sort(np.abs(values))[::-1], by_hand(*spans), loading=False)


def check_one_way(values: FloatArray, calibration: DirectionalCalibration, *, loading: bool) -> None:
    """From where the direction is certain, however large the steps are."""
    curve = calibration.loading if loading else calibration.unloading
    tension_n, _ = ClipFriction().push(calibration, values)
    mean_n = 0.5 * (calibration.loading.tension_n(values) + calibration.unloading.tension_n(values))
    width_n = np.maximum(
        TURN_N, calibration.unloading.tension_n(values) - calibration.loading.tension_n(values)
    )
    certain = np.abs(mean_n - mean_n[0]) >= np.maximum(width_n, width_n[0])
    assert tension_n[certain] == pytest.approx(curve.tension_n(values)[certain], rel=1e-9, abs=1e-9)


@given(READINGS)
def test_equal_curves_are_one_calibration(values: FloatArray) -> None:
    calibration = by_hand(1.2, 1.2)
    tension_n, between_n = ClipFriction().push(calibration, values)
    assert np.array_equal(tension_n, calibration.loading.tension_n(values))
    assert not between_n.any()


def test_where_the_unloading_curve_is_higher_tension_stays_put_at_a_reversal() -> None:
    calibration = by_hand(0.9, 1.0)
    there = np.linspace(5.0, 105.0, 401)
    tension_n, _ = ClipFriction().push(calibration, np.concatenate([there, there[::-1]]))
    back_n, crossing_n = tension_n[401:], np.linspace(100.0, 90.0, 401)
    assert tension_n[400] == pytest.approx(90.0)
    crossing = np.abs(back_n - 90.0) < 1.5
    assert crossing.sum() * 0.25 == pytest.approx(np.ptp(crossing_n), abs=2.0)


def test_a_gap_forgets_the_direction_and_says_so() -> None:
    calibration = by_hand()
    values = np.linspace(5.0, 105.0, 101)
    gap_before = np.arange(101) == 60
    tension_n, between_n = ClipFriction().push(calibration, values, gap_before)
    assert tension_n[59] == pytest.approx(1.2 * (values[59] - 5.0))
    assert between_n[59] == 0.0
    assert tension_n[60] == pytest.approx(values[60] - 5.0)
    assert between_n[60] == pytest.approx(0.4 * (values[60] - 5.0) / 12**0.5)
    assert tension_n[62] == pytest.approx(1.2 * (values[62] - 5.0))


def test_a_gap_before_a_sample_that_is_no_number_is_a_gap() -> None:
    values, gap_before = np.linspace(5.0, 105.0, 101), np.arange(101) == 60
    values[60] = np.nan
    tension_n, between_n = ClipFriction().push(by_hand(), values, gap_before)
    assert tension_n[61] == pytest.approx(values[61] - 5.0)
    assert between_n[61] > 0.0


def test_a_wrong_sample_is_over_with_itself() -> None:
    calibration = by_hand()
    values = np.linspace(5.0, 105.0, 101)
    values[50] = np.nan
    tension_n, _ = ClipFriction().push(calibration, values)
    assert np.isnan(tension_n[50])
    assert tension_n[51] == pytest.approx(1.2 * (values[51] - 5.0))


def repetitions(peaks_n: FloatArray) -> tuple[FloatArray, BoolArray]:
    """True tension at 80 Hz, and whether it moves: pulls of 1.5 s, holds 1 s, returns 2 s, rests 1 s."""
    half = 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, 120)))
    parts = [
        peak
        * np.concatenate([half, np.ones(80), 0.5 * (1 + np.cos(np.linspace(0, np.pi, 160))), np.zeros(80)])
        for peak in peaks_n
    ]
    return np.concatenate(parts), np.tile(
        np.repeat([True, False, True, False], [120, 80, 160, 80]), len(peaks_n)
    )


def test_repetitions_are_told_truly_where_one_curve_is_off(pair: DirectionalCalibration) -> None:
    rng = np.random.default_rng(8)
    peaks_n = rng.uniform(30.0, 75.0, 12)
    true_n, moving = repetitions(peaks_n)
    counts = Clip().counts(true_n) + rng.normal(0.0, 60.0, true_n.size)
    tension_n, between_n = ClipFriction().push(pair, counts)
    uncertainty_n = np.hypot(pair.standard_uncertainty_n(tension_n), between_n)
    single_n = calibrated(None).tension_n(counts)

    assert (np.abs(tension_n - true_n) <= 2.0 * uncertainty_n).mean() > 0.99
    sliding = moving & (between_n == 0.0) & (true_n > 10.0)
    assert sliding.sum() > 0.6 * (moving & (true_n > 10.0)).sum()
    off, single_off = (np.abs(each - true_n)[sliding] / true_n[sliding] for each in (tension_n, single_n))
    assert np.percentile(off, 95) < 0.02
    assert np.median(single_off) > 0.08
    rep_peaks_n, single_peaks_n = (each.reshape(12, 440).max(axis=1) for each in (tension_n, single_n))
    assert rep_peaks_n == pytest.approx(peaks_n, rel=0.02)
    assert (single_peaks_n < 0.95 * peaks_n).all()


def test_a_held_band_may_slacken_unseen_and_the_uncertainty_says_so(pair: DirectionalCalibration) -> None:
    pull_n, hold_n = np.linspace(0.0, 60.0, 160), np.linspace(60.0, 50.0, 400)
    counts = Clip().counts(np.concatenate([pull_n, hold_n]))
    tension_n, between_n = ClipFriction().push(pair, counts)
    assert tension_n[-1] == pytest.approx(60.0, rel=0.02)
    assert pair.standing_uncertainty_n(tension_n[-1]) == pytest.approx(between_n[-1])
    assert abs(tension_n[-1] - 50.0) < 2.0 * between_n[-1]


def test_a_tare_moves_both_curves() -> None:
    tared = by_hand().tared([9.0, 8.0, 9.0], 21.0)
    assert (tared.loading.zero, tared.unloading.zero, tared.zero) == (9.0, 9.0, 9.0)
    assert tared.unloading.reference_temperature_c == 21.0
    assert (tared.loading.newton_per_unit, tared.unloading.newton_per_unit) == (1.2, 0.8)


def test_what_is_known_of_both_is_that_of_the_worse() -> None:
    up = Calibration(1.2, grade=Grade.CLIP_ON, span_uncertainty=0.07, made_at_s=7)
    pair = DirectionalCalibration(up, replace(up, span_uncertainty=0.06))
    assert (pair.span_uncertainty, pair.unit, pair.made_at_s) == (0.07, Unit.COUNT, 7)
    assert pair.standard_uncertainty_n(100.0) == up.standard_uncertainty_n(100.0)


def test_out_and_in_is_the_same(pair: DirectionalCalibration) -> None:
    assert calibration_from_dict(json.loads(json.dumps(pair.to_dict()))) == pair
    assert calibration_from_dict(pair.loading.to_dict()) == pair.loading


@pytest.mark.parametrize(
    "data", [{"version": 2}, {"version": 2, "loading": None, "unloading": None}, {"version": 3}]
)
def test_a_damaged_or_newer_pair_is_said(data: dict[str, object]) -> None:
    with pytest.raises(CalibrationError, match=r"damaged|update bandsense"):
        calibration_from_dict(data)


@pytest.mark.parametrize(
    "change",
    [{"grade": Grade.CALIBRATED}, {"zero": 6.0}, {"unit": Unit.NEWTON}, {"newton_per_unit": -0.8}],
)
def test_two_curves_of_different_sensors_are_none(change: dict[str, object]) -> None:
    pair = by_hand()
    with pytest.raises(CalibrationError):
        DirectionalCalibration(pair.loading, replace(pair.unloading, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(("loading", "unloading"), [(3.0, 1.0), (1.0, 3.0)])
def test_curves_too_far_apart_for_friction_are_refused(loading: float, unloading: float) -> None:
    with pytest.raises(CalibrationError, match="let each mass hang still"):
        by_hand(loading, unloading)
    by_hand(min(loading, 2.99), min(unloading, 2.99))
