"""Only what can be compared is, and every difference is as uncertain as it says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from math import sqrt
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.bands.wear import Stiffness, WearState
from bandsense.history.comparable import Obstacle, groups, obstacles
from bandsense.history.compare import bests, hidden_of_sides, last_time, sides
from bandsense.history.dose import dose
from bandsense.history.figures import LOAD, PEAK, RANGE, session_values
from bandsense.history.overview import overview
from bandsense.history.records import Conditions, SetRecord, with_slack_summed
from bandsense.history.trends import trend
from bandsense.history.uncertainty import (
    Change,
    Verdict,
    minimal_detectable_change,
    student_t,
    typical_error,
)
from bandsense.history.wear import band_history
from bandsense.live.history_formatting import last_time_words, sides_verdict
from tests.support.set_records import CONDITIONS, MONDAY, a_rep, a_set

some_conditions = st.builds(
    Conditions,
    source=st.sampled_from(["sensor", "simulator"]),
    exercise=st.sampled_from(["row", "curl"]),
    side=st.sampled_from([None, "left", "right"]),
    band=st.sampled_from([None, "green", "red"]),
    rest_length_m=st.sampled_from([None, 0.7, 0.75]),
    sensor=st.sampled_from(["BA5E", "F00D"]),
    calibration=st.sampled_from(["old", "new"]),
)


@given(some_conditions, some_conditions)
def test_two_sets_are_comparable_when_all_that_counts_is_the_same(one: Conditions, other: Conditions) -> None:
    comparable = not obstacles(one, other)
    assert comparable == (one == other and one.band is not None)
    assert obstacles(one, other) == obstacles(other, one)


@pytest.mark.parametrize(
    ("name", "value", "obstacle"),
    [
        ("source", "simulator", Obstacle.SOURCE),
        ("exercise", "curl", Obstacle.EXERCISE),
        ("side", "left", Obstacle.SIDE),
        ("band", "red", Obstacle.BAND),
        ("band", None, Obstacle.NO_BAND),
        ("rest_length_m", 0.9, Obstacle.REST_LENGTH),
        ("sensor", "F00D", Obstacle.SENSOR),
        ("calibration", "another", Obstacle.CALIBRATION),
    ],
)
def test_each_condition_is_named_when_it_stands_in_the_way(name: str, value: Any, obstacle: Obstacle) -> None:
    assert name in {field.name for field in fields(Conditions)}
    assert obstacles(CONDITIONS, replace(CONDITIONS, **{name: value})) == (obstacle,)


@given(st.lists(st.tuples(some_conditions, st.integers(1, 6)), max_size=20))
def test_groups_hold_every_set_once_and_only_comparable_ones(
    chosen: list[tuple[Conditions, int]],
) -> None:
    records = [
        replace(a_set(session=session, day=session, number=number), conditions=conditions)
        for number, (conditions, session) in enumerate(chosen, 1)
    ]
    parts = groups(records)
    assert sorted(each.number for part in parts for each in part) == [each.number for each in records]
    for part in parts:
        for one in part:
            for other in part:
                assert not set(obstacles(one.conditions, other.conditions)) - {Obstacle.NO_BAND}
                if one.conditions.band is None:
                    assert one.session == other.session


def test_the_typical_error_is_that_of_a_steady_person_and_a_trend_hardly_enters_it() -> None:
    rng = np.random.default_rng(1)
    steady = [typical_error(rng.normal(100.0, 3.0, 12).tolist()) for _ in range(2000)]
    rising = [typical_error((rng.normal(100.0, 3.0, 12) + np.arange(12)).tolist()) for _ in range(2000)]
    assert sqrt(fmean(each**2 for each in steady if each)) == pytest.approx(3.0, rel=0.03)
    # A rise of 1 a session adds 1²/2 to a variance of 9.
    assert sqrt(fmean(each**2 for each in rising if each)) == pytest.approx(sqrt(9.5), rel=0.03)
    assert typical_error([1.0, 2.0, 3.0]) is None


def test_chance_exceeds_the_minimal_detectable_change_once_in_twenty() -> None:
    rng = np.random.default_rng(2)
    for sessions in (4, 8, 16):
        values = rng.normal(100.0, 3.0, (4000, sessions))
        pairs = rng.normal(100.0, 3.0, (4000, 2))
        exceeded = [
            abs(pair[1] - pair[0]) > (minimal_detectable_change(row.tolist()) or np.inf)
            for row, pair in zip(values, pairs, strict=True)
        ]
        assert 0.03 <= fmean(exceeded) <= 0.06, "with few sessions it errs on the safe side"


@given(st.floats(1.0, 500.0), st.floats(1.0, 500.0))
def test_students_t_falls_with_the_degrees_of_freedom(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert student_t(low) >= student_t(high) >= 1.96
    assert student_t(10.0) == 2.228


@given(st.floats(1.0, 200.0), st.floats(1.0, 200.0), st.floats(0.1, 50.0))
def test_a_change_is_sure_beyond_two_uncertainties_whichever_way(
    before: float, now: float, uncertainty: float
) -> None:
    change = Change(before, now, uncertainty)
    assert change.verdict is Change(now, before, uncertainty).verdict
    assert (change.verdict is Verdict.SURE) == (abs(now - before) > 2.0 * uncertainty)
    assert change.share == pytest.approx((now - before) / before)


def test_what_is_not_known_is_not_sure() -> None:
    assert Change(1.0, 100.0, float("inf")).verdict is Verdict.NOT_SURE
    assert Change(0.0, 1.0, 0.1).share is None


def weeks_of(means_n: list[float], scatter_n: float = 2.0) -> list[SetRecord]:
    """A session a week, three repetitions each, that differ by the scatter."""
    return [
        a_set((mean - scatter_n, mean, mean + scatter_n), session=i + 1, day=7 * i)
        for i, mean in enumerate(means_n)
    ]


def test_a_trend_has_a_point_a_week_and_needs_three() -> None:
    two, three = (trend(weeks_of([90.0, 95.0, 100.0][:n]), PEAK) for n in (2, 3))
    assert two.change is None
    assert [point.week for point in three.points] == [MONDAY + timedelta(weeks=i) for i in range(3)]
    assert [point.value for point in three.points] == [92.0, 97.0, 102.0]
    assert three.change is not None
    assert three.change.difference == pytest.approx(10.0)


def test_the_uncertainty_of_a_trend_holds_the_truth() -> None:
    """Of many simulated people whose strength rises by 8 N, about 95 % lie within two uncertainties."""
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(400):
        truth = np.linspace(90.0, 98.0, 8)
        found = trend(weeks_of((truth + rng.normal(0.0, 3.0, 8)).tolist()), PEAK).change
        assert found is not None
        inside.append(abs(found.difference - 8.0) <= 2.0 * found.uncertainty)
    assert 0.90 <= fmean(inside) <= 0.99


@given(st.lists(st.floats(20.0, 200.0), min_size=3, max_size=10), st.floats(0.5, 3.0))
def test_a_trend_scales_with_its_values(means_n: list[float], factor: float) -> None:
    one = trend(weeks_of(means_n), PEAK)
    records = [
        replace(each, reps=tuple(replace(rep, peak_n=factor * rep.peak_n) for rep in each.reps))
        for each in weeks_of(means_n)
    ]
    other = trend(records, PEAK)
    assert one.change is not None
    assert other.change is not None
    assert other.change.difference == pytest.approx(factor * one.change.difference, abs=1e-6)
    assert other.change.uncertainty == pytest.approx(factor * one.change.uncertainty, rel=1e-6, abs=1e-6)


def test_a_span_error_is_shared_by_all_points_and_in_none_of_the_differences() -> None:
    records = [replace(each, span_uncertainty=0.05) for each in weeks_of([90.0, 95.0, 100.0, 105.0])]
    exact, coarse = trend(weeks_of([90.0, 95.0, 100.0, 105.0]), PEAK), trend(records, PEAK)
    assert coarse.change == exact.change
    assert coarse.shared_uncertainty == 0.05
    assert coarse.uncertainty(coarse.points[-1]) > 5.0 > coarse.points[-1].uncertainty


def test_a_figure_that_some_repetitions_hide_is_left_out() -> None:
    hidden = replace(a_set(), reps=(a_rep(range_m=None), a_rep(range_m=None)))
    assert session_values([hidden], RANGE) == []
    half = replace(a_set(), reps=(a_rep(), a_rep(impulse_n_s=None)))
    assert session_values([half], LOAD) == []


def test_partial_repetitions_count_for_the_load_and_not_for_the_peak() -> None:
    both = replace(a_set(), reps=(a_rep(100.0), a_rep(120.0, partial=True)))
    (peak,), (load,) = session_values([both], PEAK), session_values([both], LOAD)
    assert peak.value == 100.0
    assert load.value == 2.5 * 220.0


def test_what_may_be_no_repetition_is_no_best() -> None:
    jerk = replace(a_set(session=1), reps=(a_rep(100.0), a_rep(140.0, probability=0.6)))
    (peak,), (load,) = session_values([jerk], PEAK), session_values([jerk], LOAD)
    assert peak.value == 100.0
    assert load.value == 2.5 * 240.0
    later = a_set((104.0, 105.0), session=2, day=7)
    assert [best.value for best in bests([jerk, later]) if best.figure is PEAK] == [105.0]
    alone = replace(a_set(), reps=(a_rep(140.0, probability=0.6),))
    assert session_values([alone], PEAK)[0].value == 140.0, "there is nothing surer"


def test_last_time_is_the_last_comparable_session_however_long_ago() -> None:
    records = [
        a_set((90.0, 91.0), session=1, day=0),
        a_set((150.0, 151.0), session=2, day=7, band="red"),
        a_set((96.0, 97.0, 98.0), session=3, day=14),
    ]
    (found,) = last_time(records, 3)
    assert [each.session for each in found.before] == [1]
    assert found.full_reps == (2, 3)
    assert found.changes["peak_n"].difference == 7.0
    (other,) = last_time(records, 2)
    assert other.obstacles == (Obstacle.BAND,)
    assert other.changes == {}, "what cannot be compared is not"
    (first,) = last_time(records, 1)
    assert first.before == ()
    assert last_time(records, 9) == []


def test_the_slack_that_is_told_is_that_of_the_pulls_that_are_compared() -> None:
    """A first set that was too hard has the strongest pull of a session, and less slack than all after it."""
    records = [
        a_set((117.0,) * 5, session=1, day=0, number=1),
        a_set((106.0,) * 8, session=1, day=0, number=2, slack_cm=4.0),
        a_set((107.0,) * 8, session=2, day=7, number=1, slack_cm=4.0),
        a_set((106.0,) * 8, session=2, day=7, number=2, slack_cm=4.0),
    ]
    (found,) = last_time(records, 2)
    assert found.changes["peak_n"].difference == -10.0
    assert found.slack_cm == 4.0
    assert last_time_words(found).endswith("4 cm more slack than then.")


@pytest.mark.parametrize(("day", "words"), [(0, "3 full repetitions, 2 earlier that day."), (1, "2 on ")])
def test_a_session_of_the_same_day_was_earlier_that_day(day: int, words: str) -> None:
    before, now = (a_set((90.0,) * reps, session=session) for session, reps in ((1, 2), (2, 3)))
    now = replace(now, day=before.day + timedelta(days=day), started_unix_s=before.started_unix_s + 3600.0)
    (found,) = last_time([before, now], 2)
    assert words in last_time_words(found)


def test_sides_are_looked_at_one_by_one() -> None:
    records = [
        a_set((90.0 + 5.0 * i,) * 3, session=session, day=session, number=i, side=side)
        for session in (1, 2)
        for i, side in enumerate(("left", "right"), 1)
    ]
    found = last_time(records, 2)
    assert [each.now[0].conditions.side for each in found] == ["left", "right"]
    assert all(each.before[0].conditions.side == each.now[0].conditions.side for each in found)


def test_a_best_says_whether_it_is_more_than_before() -> None:
    records = weeks_of([90.0, 92.0, 91.0, 93.0, 91.0, 110.0])
    strongest, longest = bests(records)
    assert (strongest.value, strongest.record.session) == (112.0, 6)
    assert strongest.before is not None
    assert strongest.before.difference == 17.0
    assert strongest.before.verdict is not Verdict.NOT_SURE
    assert (longest.figure, longest.value) == (None, 3.0)
    level = bests(weeks_of([90.0, 92.0, 91.0, 93.0, 91.0, 93.5]))[0]
    assert level.before is not None
    assert level.before.verdict is Verdict.NOT_SURE


@given(st.floats(20.0, 200.0), st.floats(0.5, 2.0))
def test_sides_are_compared_by_their_means_and_symmetrically(left_n: float, ratio: float) -> None:
    left = a_set((left_n, 1.01 * left_n, 0.99 * left_n), side="left")
    right = a_set((ratio * left_n, 1.01 * ratio * left_n, 0.99 * ratio * left_n), number=2, side="right")
    one, against = sides([left], [right])
    other, _ = sides([right], [left])
    assert against == ()
    assert one[0].difference.share == pytest.approx((ratio - 1.0) / ((ratio + 1.0) / 2.0))
    assert other[0].difference.share == pytest.approx(-one[0].difference.share)


def test_two_sensors_widen_the_difference_of_the_sides_by_their_spans() -> None:
    left = a_set((100.0, 101.0, 99.0), side="left", span_uncertainty=0.03)
    right = a_set((110.0, 111.0, 109.0), side="right", span_uncertainty=0.04, sensor="F00D")
    (peak, *others), _ = sides([left], [right])
    same, _ = sides([left], [replace(right, conditions=replace(right.conditions, sensor="BA5E"))])
    assert peak.difference.standard_error == pytest.approx(0.05, rel=0.05)
    assert same[0].difference.certain
    assert not peak.difference.certain
    time = next(each for each in others if each.figure == "time_under_tension_s")
    assert time.difference.standard_error == 0.0, "a span has no part in a time"


def test_sides_with_different_bands_are_not_compared() -> None:
    compared, against = sides([a_set(side="left")], [a_set(side="right", band="red")])
    assert (compared, against) == ((), (Obstacle.BAND,))
    assert sides([a_set(side="left")], []) == ((), ())
    assert sides([a_set((1.0,), side="left")], [a_set((1.0,), side="right")]) == ((), ())


def test_the_sides_of_one_session_pull_one_band_named_or_not() -> None:
    compared, against = sides([a_set(side="left", band=None)], [a_set(side="right", band=None)])
    assert compared
    assert not against
    _, of_two = sides([a_set(side="left", band=None)], [a_set(side="right", band=None, session=2)])
    assert of_two == (Obstacle.NO_BAND,)


def test_the_dose_counts_weeks_without_a_session_and_no_set_makes_up_for_another() -> None:
    eight, twelve, five = ([100.0] * n for n in (8, 12, 5))
    records = [
        a_set(eight, session=1, day=0, number=1),
        a_set(twelve, session=1, day=0, number=2),
        a_set(five, session=1, day=0, number=3),
        a_set(eight, session=2, day=15, number=1),
    ]
    first, none, last = dose(records, per_week=2)
    assert (first.sessions, first.planned_sessions, first.sets, first.planned_sets) == (1, 2, 3, 6)
    assert (first.full_reps, first.planned_reps) == (8 + 8 + 5, 48)
    assert first.share == pytest.approx(21 / 48)
    assert (none.sessions, none.planned_sets, none.full_reps) == (0, 6, 0)
    assert (last.week, last.sets) == (MONDAY + timedelta(weeks=2), 1)
    assert first.in_zone == first.with_zone == 25
    assert dose([]) == []
    assert len(dose(records, until=date(2026, 11, 1))) == 4


def test_of_two_sides_the_lesser_counts_towards_the_dose() -> None:
    records = [
        a_set([100.0] * reps, number=number, side=side)
        for number, (side, reps) in enumerate([("left", 8), ("right", 6), ("left", 8)], 1)
    ]
    (week,) = dose(records)
    assert (week.sets, week.full_reps) == (1, 6)


def test_a_band_softens_as_its_use_explains_or_not() -> None:
    fine = band_history([Stiffness(0, 100.0, 1.0), Stiffness(1000, 90.0, 1.0)], 1200)
    assert fine.wear.state is WearState.FINE
    assert fine.points[-1].least_n == pytest.approx(84.5)
    assert fine.check_in == 300
    worn = band_history([Stiffness(0, 100.0, 1.0), Stiffness(1000, 70.0, 1.0)], 1000)
    assert worn.wear.state.alarming
    assert band_history([], 600).check_in == 0


def test_slack_is_counted_on_from_session_to_session_of_one_set_up() -> None:
    records = [
        a_set(session=1, day=0, number=1),
        a_set(session=1, day=0, number=2, slack_cm=4.0),
        a_set(session=2, day=1, number=1),
        a_set(session=3, day=2, number=1, rest_length_m=0.8),
    ]
    summed = with_slack_summed(reversed(records), {(1, None): 4.0, (2, None): -1.0})
    assert [each.slack_cm for each in summed] == [0.0, 4.0, 4.0, 0.0]


def test_an_overview_looks_back_whole_weeks_and_says_what_it_leaves_out() -> None:
    records = weeks_of([90.0, 92.0, 94.0, 96.0])
    records.append(a_set(session=9, day=23, band="red"))
    told = overview(records, weeks=3)
    assert told is not None
    assert {each.session for each in told.series} == {9}, "the latest decides what is comparable"
    assert told.left_out == ((4, (Obstacle.BAND,)), (3, (Obstacle.BAND,)), (2, (Obstacle.BAND,)))
    earlier = overview(records[:-1])
    assert earlier is not None
    assert earlier.left_out == ()
    assert [each.figure.name for each in earlier.trends] == [
        "peak_n",
        "range_m",
        "impulse_n_s",
        "time_under_tension_s",
    ]
    assert overview([]) is None
    assert overview(records, side="left") is None


def test_one_repetition_is_never_exact() -> None:
    (value,) = session_values([a_set((100.0,))], PEAK)
    assert value.scatter == 100.0


def test_weeks_that_jump_about_are_no_trend_however_even_their_repetitions() -> None:
    found = trend(weeks_of([90.0, 120.0, 100.0], scatter_n=0.1), PEAK).change
    assert found is not None
    assert found.difference == pytest.approx(10.0, abs=1.0)
    assert found.verdict is not Verdict.SURE
    assert found.uncertainty > 5.0


def test_a_peak_that_is_not_told_is_neither_compared_nor_a_best() -> None:
    why = "the tension is too near to the sensor's noise"
    told = [a_set((90.0, 92.0), side="left"), a_set((100.0, 102.0), side="right", number=2)]
    compared, _ = sides(told[:1], told[1:])
    assert "peak_n" in {each.figure for each in compared}
    assert hidden_of_sides(told) == {}
    assert sides_verdict(compared, {}).startswith("Your right arm pulls")
    hidden = a_rep(102.0, hidden={"peak_n": why})
    one = replace(told[1], reps=(told[1].reps[0], hidden))
    compared, against = sides(told[:1], [one])
    assert "peak_n" not in {each.figure for each in compared}
    assert against == ()
    assert hidden_of_sides([told[0], one]) == {"peak_n": why}
    assert sides_verdict(compared, {"peak_n": why}) == f"How hard left and right pull is not compared: {why}."
    assert sides_verdict((), {"peak_n": why}).endswith(f"{why}.")
    assert bests([one])[0].value == 100.0
