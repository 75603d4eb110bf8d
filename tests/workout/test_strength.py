from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.isometric import maximum_n as maximum_n_of
from bandsense.signal.isometric import rate_of_force
from bandsense.signal.metric_contract import Conditions
from bandsense.sim.physics.isometric import isometric_trace
from bandsense.workout.strength import (
    Link,
    Problem,
    Protocol,
    Ready,
    RestOver,
    SideResult,
    StrengthEvent,
    StrengthTest,
    TrialDone,
    TrialFailed,
    change_between,
    side_results,
    symmetry,
)

HZ = 80.0
EXACT = replace(Calibration.identity(Unit.NEWTON), zero_uncertainty_n=0.0, span_uncertainty=0.0)
"""Leaves all of the uncertainty to the samples."""


def block(force_n: np.ndarray, **marks: np.ndarray) -> SampleBlock:
    return SampleBlock(np.arange(force_n.size) / HZ, force_n, Unit.NEWTON, **marks)


def pull(maximum_n: float, hold_s: float = 3.0, rise_s: float = 0.3) -> np.ndarray:
    rise = np.linspace(0.0, maximum_n, round(rise_s * HZ))
    return np.concatenate([rise, np.full(round(hold_s * HZ), maximum_n), rise[::-1]])


def slack(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * HZ))


def done(
    pieces: Sequence[np.ndarray], protocol: Protocol | None = None
) -> tuple[StrengthTest, list[StrengthEvent]]:
    test = StrengthTest(Calibration.identity(Unit.NEWTON), protocol or Protocol())
    return test, test.push(block(np.concatenate(pieces)))


def test_sides_take_turns_until_all_trials_are_done() -> None:
    maxima = [100.0, 120.0, 104.0, 118.0, 102.0, 122.0, 500.0]
    test, events = done([slack(2.0), *(piece for each in maxima for piece in (pull(each), slack(4.0)))])
    told = [
        (e.trial.side, e.trial.number, round(e.trial.maximum_n)) for e in events if isinstance(e, TrialDone)
    ]
    assert told == [
        ("left", 1, 100),
        ("right", 1, 120),
        ("left", 2, 104),
        ("right", 2, 118),
        ("left", 3, 102),
        ("right", 3, 122),
    ]
    assert test.done
    assert test.next_trial is None
    assert isinstance(events[0], Ready)
    assert not any(isinstance(event, TrialFailed) for event in events)
    left, right = side_results(test.trials)
    assert (left.best_n, left.mean_n) == (pytest.approx(104.0), pytest.approx(102.0))
    assert (right.best_n, right.mean_n) == (pytest.approx(122.0), pytest.approx(120.0))


@pytest.mark.parametrize(
    ("piece", "problem"),
    [
        (pull(100.0, hold_s=0.4), Problem.SHORT),
        (pull(15.0), Problem.WEAK),
        (pull(100.0, hold_s=40.0), Problem.LONG),
    ],
)
def test_what_is_no_trial_is_done_again(piece: np.ndarray, problem: Problem) -> None:
    test, events = done([slack(2.0), piece, slack(2.0), pull(100.0), slack(1.0)])
    (failed,) = (event for event in events if isinstance(event, TrialFailed))
    assert (failed.problem, failed.side, failed.number) == (problem, "left", 1)
    assert [trial.number for trial in test.trials] == [1]


@pytest.mark.parametrize(("mark", "problem"), [("gap_before", Problem.GAP), ("saturated", Problem.LIMIT)])
def test_missing_samples_and_a_sensor_at_its_limit_spoil_a_trial(mark: str, problem: Problem) -> None:
    force_n = np.concatenate([slack(2.0), pull(100.0), slack(1.0)])
    marks = np.zeros(force_n.size, dtype=np.bool_)
    marks[250] = True
    test = StrengthTest(Calibration.identity(Unit.NEWTON), Protocol())
    events = test.push(block(force_n, **{mark: marks}))
    assert [event.problem for event in events if isinstance(event, TrialFailed)] == [problem]


def test_the_zero_is_found_when_nothing_moves_and_taken_off() -> None:
    wobble = 8.0 + 6.0 * np.sin(np.arange(240) / 5.0)
    test, events = done([wobble, slack(3.0) + 7.0, pull(100.0) + 7.0, slack(1.0) + 7.0])
    assert isinstance(events[0], Ready)
    assert events[0].time_s > 3.0
    assert test.trials[0].maximum_n == pytest.approx(100.0)


def test_the_rest_is_told_when_it_is_over() -> None:
    _, events = done([slack(2.0), pull(100.0), slack(12.0)], Protocol(rest_s=10.0))
    ended = next(event for event in events if isinstance(event, TrialDone))
    over = next(event for event in events if isinstance(event, RestOver))
    assert (over.side, over.number) == ("right", 1)
    assert over.time_s == pytest.approx(ended.time_s + 10.0, abs=0.02)


def test_a_band_tells_no_rate_of_force() -> None:
    for link, told in ((Link.STRAP, True), (Link.BAND, False)):
        test, _ = done([slack(2.0), pull(100.0), slack(1.0)], Protocol(link=link))
        assert (test.trials[0].rate.newtons_per_s is not None) == told


@settings(max_examples=20)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1, 5))
def test_the_same_however_the_samples_are_cut(sizes: list[int], seed: int) -> None:
    time_s, force_n = isometric_trace(("left", "right"), seed, rest_s=3.0)
    whole = SampleBlock(time_s, force_n, Unit.NEWTON)
    protocol = Protocol(trials=1, rest_s=2.0)
    expected = StrengthTest(Calibration.identity(Unit.NEWTON), protocol).push(whole)
    test = StrengthTest(Calibration.identity(Unit.NEWTON), protocol)
    events: list[StrengthEvent] = []
    at, turn = 0, 0
    while at < len(whole):
        upto = min(at + sizes[turn % len(sizes)], len(whole))
        events += test.push(whole.slice(at, upto))
        at, turn = upto, turn + 1
    assert events == expected
    assert len(test.trials) == 2


# -- what it amounts to ------------------------------------------------------------------------------------


def a_side(side: str, mean_n: float, scatter: float = 0.02) -> SideResult:
    return SideResult(side, (mean_n,) * 3, mean_n, mean_n, scatter, scatter * mean_n)  # type: ignore[arg-type]


def test_symmetry_is_the_weaker_or_the_injured_side_over_the_other() -> None:
    sides = [a_side("left", 90.0), a_side("right", 120.0)]
    found = symmetry(sides)
    assert found is not None
    assert (found.side, found.index) == ("left", pytest.approx(0.75))
    assert found.uncertainty == pytest.approx(0.75 * 0.02 * 2**0.5)
    assert found.certain
    injured = symmetry(sides, injured="right")
    assert injured is not None
    assert injured.index == pytest.approx(4.0 / 3.0)
    assert symmetry(sides[:1]) is None
    near = symmetry([a_side("left", 98.0), a_side("right", 100.0)])
    assert near is not None
    assert not near.certain


def test_a_zero_that_is_off_counts_only_where_the_sides_differ() -> None:
    same = symmetry([a_side("left", 50.0), a_side("right", 50.0)], zero_uncertainty_n=5.0)
    apart = symmetry([a_side("left", 25.0), a_side("right", 50.0)], zero_uncertainty_n=5.0)
    assert same is not None
    assert apart is not None
    assert same.uncertainty == pytest.approx(0.02 * 2**0.5)
    assert apart.uncertainty > 1.5 * same.uncertainty


def test_the_uncertainty_of_symmetry_holds_what_it_promises() -> None:
    """Of simulated people whose sides are alike, about one in twenty is called different."""
    draw = np.random.default_rng(1)
    (trial,) = done([slack(2.0), pull(100.0), slack(0.5)])[0].trials
    wrong = 0
    for _ in range(400):
        maxima = 150.0 * draw.normal(1.0, 0.05, (2, 3))
        trials = [
            replace(trial, side=side, maximum_n=float(value))
            for side, each in zip(("left", "right"), maxima, strict=True)
            for value in each
        ]
        found = symmetry(side_results(trials))
        assert found is not None
        wrong += found.certain
    assert wrong / 400 < 0.14  # with four degrees of freedom a factor of two holds 88 %


def test_a_change_is_told_only_beyond_what_two_tests_differ_by() -> None:
    before = a_side("left", 100.0)
    least = change_between(before, a_side("left", 101.0)).detectable
    assert least == pytest.approx(np.expm1(1.96 * np.hypot(0.02, 0.05) * 2**0.5))
    assert 0.14 < least < 0.18
    assert not change_between(before, a_side("left", 110.0)).told
    stronger = change_between(before, a_side("left", 125.0))
    assert (stronger.told, stronger.share) == (True, pytest.approx(0.25))
    assert not change_between(before, a_side("left", 125.0, scatter=0.2)).told


def test_a_single_trial_is_as_uncertain_as_people_are_from_day_to_day() -> None:
    test, _ = done([slack(2.0), pull(100.0), slack(1.0)], Protocol(sides=(None,), trials=1))
    (result,) = side_results(test.trials)
    assert result.scatter == pytest.approx(0.05)
    assert result.side is None


def held(at_s: np.ndarray, maximum_n: float, rise_s: float) -> np.ndarray:
    """A pull from two seconds on that sags and wavers while it is held, and is let go three seconds later."""
    held_s = np.clip(at_s - 2.0 - rise_s, 0.0, None)
    force_n = maximum_n * (1.0 - (1.0 - np.clip((at_s - 2.0) / rise_s, 0.0, 1.0)) ** 2)
    force_n *= 1.0 - 0.01 * held_s + 0.01 * np.sin(4.4 * held_s)
    return np.asarray(force_n * (1.0 - np.clip((held_s - 3.0) / 0.3, 0.0, 1.0)))


@pytest.mark.parametrize("noise_n", [0.05, 0.3])
@pytest.mark.parametrize("step_n", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("rate_hz", [40.0, 320.0])
def test_twice_the_uncertainty_holds_however_coarse_the_converter(
    rate_hz: float, step_n: float, noise_n: float
) -> None:
    rng = np.random.default_rng(21)
    fine_s = np.arange(0.0, 7.0, 0.0005)
    maxima, rates = [], []
    for _ in range(60):
        maximum_n, rise_s = rng.uniform(60.0, 300.0), rng.uniform(0.3, 0.7)
        exact_n = held(fine_s, maximum_n, rise_s)
        best_n = maximum_n_of(fine_s, exact_n)
        exact = rate_of_force(fine_s, exact_n, best_n, Conditions(2000.0))
        at_s = np.arange(0.0, 7.0, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
        force_n = (
            held(at_s, maximum_n, rise_s) + rng.uniform(-20.0, 20.0) + rng.normal(0.0, noise_n, at_s.size)
        )
        if step_n:
            force_n = np.round(force_n / step_n) * step_n
        test = StrengthTest(EXACT, Protocol(sides=(None,), trials=1))
        test.push(SampleBlock(at_s, force_n, Unit.NEWTON))
        if not test.trials:
            continue  # Where the zero lies between two steps, noise of half a step is no rest.
        (trial,) = test.trials
        maxima.append(abs(trial.maximum_n - best_n) <= 2.0 * trial.uncertainty_n)
        assert trial.uncertainty_n < max(0.75 * noise_n, 0.5 * step_n)
        if trial.rate.newtons_per_s is not None:
            assert exact.newtons_per_s is not None
            assert trial.rate.uncertainty_n_per_s is not None
            wrong = abs(trial.rate.newtons_per_s - exact.newtons_per_s)
            rates.append(wrong <= 2.0 * trial.rate.uncertainty_n_per_s)
    assert len(maxima) >= 30
    assert len(rates) >= 15
    assert np.mean(maxima) >= 0.95
    assert np.mean(rates) >= 0.95
