"""What a sensor shows that makes no sense is told, once, and what makes sense is not."""

from __future__ import annotations

import re
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal import windows
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, RepCompleted, RepCounted, SignalWarning, WarningKind
from bandsense.signal.metrics import rep_metrics, set_metrics
from bandsense.workout.events import SetDone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import Stroke, trace

SET = [Stroke(pull_s=0.9, hold_s=0.3, return_s=1.1, rest_s=0.4)] * 8


def human(
    peak_n: float, rest_n: float, seed: int = 1, rate_hz: float = 80.0, noise_n: float = 0.05
) -> tuple[FloatArray, FloatArray]:
    """A set by a hand that trembles by 0.5 % of what it holds and comes back within 2 % of the stroke."""
    rng = np.random.default_rng(seed)
    taut = 0.02 if rest_n else 0.0
    strokes = [replace(stroke, bottom=abs(float(rng.normal(0.0, taut)))) for stroke in SET]
    time_s, tension_n = trace(strokes, rate_hz, peak_n, rest_n, noise_n=0.0)
    tremor = sum(np.sin(hz * 2 * np.pi * time_s + rng.uniform(0.0, 6.0)) for hz in (0.7, 1.9, 4.3, 8.6))
    return time_s, tension_n * (1.0 + 0.005 * tremor) + rng.normal(0.0, noise_n, time_s.size)


def told(time_s: FloatArray, tension_n: FloatArray, *, pre_stretched: bool = False) -> list[Event]:
    detector = RepDetector(pre_stretched=pre_stretched)
    return [*detector.push(time_s, tension_n), *detector.finish()]


def warnings(events: list[Event]) -> list[SignalWarning]:
    return [event for event in events if isinstance(event, SignalWarning)]


def kinds(events: list[Event]) -> list[WarningKind]:
    return [warning.kind for warning in warnings(events) if warning.kind is not WarningKind.LOW_RATE]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("peak_n", "rest_n"), [(60.0, 0.0), (12.0, 0.0), (60.0, 25.0), (200.0, 90.0)])
def test_a_sound_sensor_is_left_alone(peak_n: float, rest_n: float, seed: int) -> None:
    events = told(*human(peak_n, rest_n, seed))
    assert kinds(events) == []
    assert sum(isinstance(event, RepCompleted) for event in events) == 8


@pytest.mark.parametrize("rate_hz", [10.0, 80.0, 320.0])
@pytest.mark.parametrize("off_n", [-20.0, -8.0, -2.5, 2.5, 8.0, 20.0])
def test_a_zero_that_is_off_is_told_within_the_set(off_n: float, rate_hz: float) -> None:
    time_s, tension_n = human(40.0, 0.0, rate_hz=rate_hz)
    found = [w for w in warnings(told(time_s, tension_n + off_n)) if w.kind is WarningKind.ZERO_OFF]
    assert len(found) == 1
    assert found[0].detected_s < time_s[-1] - 1.0
    shown = re.search(r"shows (-?[\d.]+) N", found[0].message)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(off_n, abs=0.2)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 80.0, 320.0])
@pytest.mark.parametrize("off_n", [-8.0, -3.0, 3.0, 8.0])
@pytest.mark.parametrize("first_n", [0.0, 1.5, None])
def test_a_converter_that_sends_one_value_until_it_is_ready_hides_no_zero_that_is_off(
    first_n: float | None, off_n: float, rate_hz: float
) -> None:
    tension_n = human(40.0, 0.0, rate_hz=rate_hz)[1] + off_n
    still_n = off_n + np.random.default_rng(3).normal(0.0, 0.05, round(2.0 * rate_hz))
    first_n = float(still_n[0]) if first_n is None else first_n
    tension_n = np.concatenate((np.full(round(3.0 * rate_hz), first_n), still_n, tension_n))
    events = told(np.arange(tension_n.size) / rate_hz, tension_n)
    assert kinds(events) == [WarningKind.ZERO_OFF]
    assert sum(isinstance(event, RepCompleted) for event in events) == 8


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 80.0])
def test_a_sensor_without_noise_is_believed(rate_hz: float) -> None:
    time_s, tension_n = trace(SET, rate_hz, noise_n=0.0)
    assert kinds(told(time_s, tension_n)) == []
    assert kinds(told(time_s, tension_n + 4.0)) == [WarningKind.ZERO_OFF]


def test_a_zero_that_is_a_little_off_is_not_worth_a_word_but_makes_tensions_less_sure() -> None:
    time_s, tension_n = human(40.0, 0.0)
    detector = RepDetector()
    assert kinds(detector.push(time_s, tension_n + 1.5)) == []
    assert detector.sense.zero_doubt_n(time_s[-1]) == pytest.approx(1.5 / sqrt(3.0), rel=0.05)
    sound = RepDetector()
    sound.push(time_s, tension_n)
    assert not sound.sense.zero_doubt_n(time_s).any()


def test_a_taut_band_that_stands_still_is_asked_about_unless_that_was_said() -> None:
    time_s, tension_n = trace(SET, rest_n=25.0, noise_n=0.05)
    assert kinds(told(time_s, tension_n)) == [WarningKind.ZERO_OFF]
    assert kinds(told(time_s, tension_n, pre_stretched=True)) == []


@pytest.mark.parametrize("off_n", [2.5, 8.0, 20.0])
def test_a_zero_that_is_off_is_told_by_the_end_of_the_set_where_nothing_was_still_before(
    off_n: float,
) -> None:
    cycles = np.arange(0.0, 8 * 2.5, 1.0 / 80.0) / 2.5
    rng = np.random.default_rng(1)
    pulls_n = (
        20.0 * (1.0 - np.cos(2.0 * np.pi * cycles)) * (1.0 + rng.normal(0.0, 0.03, 9)[cycles.astype(int)])
    )
    tension_n = np.concatenate((pulls_n, np.zeros(80 * 3))) + rng.normal(0.0, 0.1, pulls_n.size + 240)
    time_s = np.arange(tension_n.size) / 80.0
    found = warnings(told(time_s, tension_n + off_n))
    assert [warning.kind for warning in found] == [WarningKind.ZERO_OFF]
    assert found[0].detected_s < 20.0 + 1.6
    assert kinds(told(time_s, tension_n)) == []


def two_sets(seed: int, rate_hz: float, between_s: float) -> tuple[FloatArray, FloatArray, float]:
    """Seconds, newtons, and when the rest between them begins."""
    first_n, second_n = (human(60.0, 0.0, seed + n, rate_hz)[1] for n in (0, 100))
    still_n = np.random.default_rng(seed).normal(0.0, 0.05, round(between_s * rate_hz))
    tension_n = np.concatenate((first_n, still_n, second_n))
    return np.arange(tension_n.size) / rate_hz, tension_n, first_n.size / rate_hz


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
@pytest.mark.parametrize("jump_n", [3.0, 8.0, 30.0])
@pytest.mark.parametrize(("within_s", "before_s"), [(0.0, 2.0), (0.0, 25.0), (1.0, 15.0)])
def test_a_zero_that_jumps_up_between_sets_is_asked_about_within_the_next(
    within_s: float, before_s: float, jump_n: float, rate_hz: float
) -> None:
    time_s, tension_n, rest_s = two_sets(2, rate_hz, 30.0)
    since_s = time_s - (rest_s + 30.0 - before_s)
    moved_n = jump_n * (np.clip(since_s / within_s, 0.0, 1.0) if within_s else since_s >= 0.0)
    found = [w for w in warnings(told(time_s, tension_n + moved_n)) if w.kind is WarningKind.ZERO_OFF]
    assert len(found) == 1
    assert rest_s + 30.0 < found[0].detected_s < time_s[-1] - 8.0
    assert f"shows {jump_n:.1f} N" in found[0].message
    assert "if it is taut" in found[0].message


def test_peaks_after_a_jump_of_the_zero_are_not_shown_as_sure() -> None:
    time_s, tension_n, rest_s = two_sets(2, 80.0, 30.0)
    jump_n = np.where(time_s > rest_s + 10.0, 15.0, 0.0)
    detector = RepDetector()
    detector.push(time_s, tension_n + jump_n)
    assert detector.sense.zero_doubt_n(time_s[-1]) == pytest.approx(15.0 / sqrt(3.0), rel=0.05)
    assert detector.sense.zero_doubt_n(rest_s) == 0.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate_hz", [10.0, 80.0])
@pytest.mark.parametrize(("peak_n", "rest_n"), [(12.0, 3.0), (60.0, 8.0), (60.0, 25.0)])
@pytest.mark.parametrize("exact", [True, False])
def test_sets_on_a_band_that_is_taken_up_before_are_not_asked_about(
    exact: bool, peak_n: float, rest_n: float, rate_hz: float, seed: int
) -> None:
    """Also where a hand came back to the very same tension, and had not trembled while it waited."""
    set_n = (
        trace(SET, rate_hz, peak_n, rest_n, noise_n=0.0)[1]
        if exact
        else human(peak_n, rest_n, seed, rate_hz)[1]
    )
    taken_up_n = rest_n * 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, round(0.6 * rate_hz))))
    slack_n, taut_n = np.zeros(round(8.0 * rate_hz)), np.full(round(2.5 * rate_hz), rest_n)
    once_n = np.concatenate((slack_n, taken_up_n, taut_n, set_n, taken_up_n[::-1], slack_n))
    tension_n = np.concatenate((once_n, once_n))
    noise_n = np.random.default_rng(seed).normal(0.0, 0.05, tension_n.size)
    assert kinds(told(np.arange(tension_n.size) / rate_hz, tension_n + noise_n)) == []


def test_a_mass_that_hangs_still_after_a_good_zero_is_no_error_of_the_zero() -> None:
    rng, time_s = np.random.default_rng(2), np.arange(0.0, 30.0, 1.0 / 80.0)
    hung_n = np.where(time_s > 5.0, 50.0, 0.0) + rng.normal(0.0, 0.05, time_s.size)
    assert kinds(told(time_s, hung_n)) == []


@pytest.mark.parametrize("rate_hz", [10.0, 80.0])
@pytest.mark.parametrize("peak_n", [8.0, 60.0, 250.0])
def test_a_reversed_cell_is_named_and_nothing_is_counted(peak_n: float, rate_hz: float) -> None:
    time_s, tension_n = human(peak_n, 0.0, rate_hz=rate_hz)
    events = told(time_s, -tension_n)
    assert kinds(events) == [WarningKind.REVERSED]
    assert not any(isinstance(event, RepCounted) for event in events)
    first_pull_s = 1.5 + 2.3
    assert warnings(events)[-1].detected_s < first_pull_s + 1.0


@pytest.mark.parametrize("rate_hz", [10.0, 80.0])
@pytest.mark.parametrize(("peak_n", "shown_n"), [(30.0, 35.0), (100.0, 120.0), (12.0, 300.0)])
@pytest.mark.parametrize("hold_s", [0.0, 1.5])
def test_a_reversed_cell_is_named_whatever_it_shows_while_nothing_pulls(
    hold_s: float, peak_n: float, shown_n: float, rate_hz: float
) -> None:
    rng = np.random.default_rng(3)
    strokes = [Stroke(0.9, hold_s, 1.1, 0.4, top=1.0 + float(rng.normal(0.0, 0.03))) for _ in range(8)]
    time_s, tension_n = trace(strokes, rate_hz, peak_n, noise_n=0.0)
    shown = shown_n - tension_n + rng.normal(0.0, 0.05, time_s.size)
    events = told(time_s, shown)
    found = [w for w in warnings(events) if w.kind is WarningKind.REVERSED]
    assert len(found) == 1
    assert f"from {shown_n:.0f} N" in found[0].message
    assert found[0].detected_s < 1.5 + 3.5 * (2.4 + hold_s)
    assert sum(isinstance(event, RepCounted) for event in events) <= 3
    assert len(kinds(told(time_s, shown_n - shown))) == 0


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize(("taut_n", "low_n"), [(30.0, 0.0), (30.0, 6.0), (8.0, 2.5)])
def test_a_taut_band_that_is_let_down_and_taken_up_is_no_reversed_cell(
    taut_n: float, low_n: float, times: int
) -> None:
    """By a hand that comes back to where it was within 2 % of the way, give or take."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        knots_n = [taut_n, taut_n]
        for _ in range(times):
            knots_n += [low_n, low_n, *[taut_n + float(rng.normal(0.0, 0.02 * (taut_n - low_n)))] * 2]
        knots_s = np.cumsum([0.0, 3.0, *[0.6, 0.4, 0.6, 0.8] * times])
        time_s = np.arange(0.0, knots_s[-1], 1.0 / 80.0)
        tremor = sum(np.sin(hz * 2 * np.pi * time_s + rng.uniform(0.0, 6.0)) for hz in (0.7, 1.9, 4.3, 8.6))
        held_n = np.interp(time_s, knots_s, knots_n) * (1.0 + 0.005 * tremor)
        set_s, set_n = human(60.0, taut_n - 2.0, seed)
        tension_n = np.concatenate((held_n + rng.normal(0.0, 0.05, held_n.size), set_n))
        events = told(np.concatenate((time_s, time_s[-1] + 0.0125 + set_s)), tension_n)
        assert WarningKind.REVERSED not in kinds(events)
        assert sum(isinstance(event, RepCompleted) for event in events) >= 8


@pytest.mark.parametrize("rest_n", [6.0, 14.0])
def test_tops_held_still_at_one_tension_are_no_reversed_cell(rest_n: float) -> None:
    """Where the stream began with a taut band, and too late to be still before the first pull."""
    time_s, tension_n = trace([Stroke(hold_s=1.8)] * 8, peak_n=60.0, rest_n=rest_n, noise_n=0.03)
    late = time_s > 0.9
    events = told(time_s[late], tension_n[late])
    assert WarningKind.REVERSED not in kinds(events)
    assert sum(isinstance(event, RepCompleted) for event in events) == 8


def test_a_reversed_cell_stays_so_after_a_set_on_a_taut_band() -> None:
    """At the end of the set it comes back from the taut level to zero, which is no pull to the right side."""
    taken_up_n, still_n = 20.0 * np.linspace(0.0, 1.0, 80), np.zeros(80 * 4)
    set_n = trace(SET, 80.0, 100.0, 20.0, noise_n=0.0)[1]
    once_n = np.concatenate((still_n, taken_up_n, set_n, taken_up_n[::-1], still_n))
    tension_n = np.concatenate((once_n, once_n))
    noise_n = np.random.default_rng(1).normal(0.0, 0.05, tension_n.size)
    events = told(np.arange(tension_n.size) / 80.0, noise_n - tension_n)
    assert WarningKind.REVERSED in kinds(events)
    assert not any(isinstance(event, RepCounted) for event in events)


def test_a_sensor_that_turns_out_right_after_all_is_used_again() -> None:
    time_s, tension_n = human(60.0, 0.0)
    both_n = np.concatenate((-tension_n, tension_n))
    events = told(np.concatenate((time_s, time_s + time_s[-1] + 0.0125)), both_n)
    assert sum(isinstance(event, RepCompleted) for event in events) >= 7


def test_a_blow_below_zero_is_no_reversed_cell() -> None:
    time_s, tension_n = human(60.0, 0.0)
    since = time_s - 1.2
    ring = np.where(since > 0.0, 40.0 * np.exp(-np.abs(since) / 0.1) * np.sin(2 * np.pi * 20.0 * since), 0.0)
    assert WarningKind.REVERSED not in kinds(told(time_s, tension_n + ring))


@pytest.mark.parametrize("n_per_min", [3.0, -3.0])
def test_a_zero_that_drifts_is_told_and_makes_tensions_less_sure(n_per_min: float) -> None:
    time_s = np.arange(0.0, 60.0, 1.0 / 80.0)
    drift_n = n_per_min * time_s / 60.0 + np.random.default_rng(3).normal(0.0, 0.05, time_s.size)
    detector = RepDetector()
    found = warnings(detector.push(time_s, drift_n))
    assert {warning.kind for warning in found} <= {WarningKind.ZERO_DRIFTS, WarningKind.ZERO_OFF}
    assert found[0].kind is WarningKind.ZERO_DRIFTS
    assert found[0].detected_s < 40.0
    assert 2.0 * detector.sense.zero_doubt_n(time_s[-1]) > 2.0


@pytest.mark.parametrize("n_per_min", [4.0, -4.0])
def test_a_drift_that_shows_only_in_bottom_and_top_together_is_told(n_per_min: float) -> None:
    strokes = [Stroke(rest_s=0.2)] * 14
    time_s, tension_n = trace(strokes, rest_n=30.0, peak_n=60.0)
    tremor = 1.0 + 0.004 * np.sin(2 * np.pi * 5.0 * time_s) + 0.003 * np.sin(2 * np.pi * 0.9 * time_s)
    detector = RepDetector()
    found = warnings(detector.push(time_s, tension_n * tremor + n_per_min * time_s / 60.0))
    assert WarningKind.ZERO_DRIFTS in {warning.kind for warning in found}
    assert detector.sense.zero_doubt_n(time_s[-1]) > 0.5


@pytest.mark.parametrize("n_per_min", [3.0, -3.0])
@pytest.mark.parametrize("rest_n", [0.0, 25.0])
@pytest.mark.parametrize("size", [16, 100_000])
def test_no_peak_of_a_drifting_sensor_is_shown_under_a_small_uncertainty(
    rest_n: float, n_per_min: float, size: int
) -> None:
    rng, parts = np.random.default_rng(1), [np.zeros(80 * 10)]
    for _ in range(3):
        time_s, tension_n = trace([Stroke(rest_s=0.3)] * 10, rest_n=rest_n, noise_n=0.0)
        parts += [tension_n * (1.0 + 0.004 * np.sin(10.0 * np.pi * time_s)), np.zeros(80 * 60)]
    true_n = np.concatenate(parts)
    time_s = np.arange(true_n.size) / 80.0
    shown_n = true_n + rng.normal(0.0, 0.05, time_s.size) + n_per_min * time_s / 60.0
    workout = Workout(WorkoutSettings(Calibration(1.0, unit=Unit.NEWTON, span_uncertainty=0.005)))
    events = []
    for start in range(0, time_s.size, size):
        part = slice(start, start + size)
        events += workout.push(SampleBlock(time_s[part], shown_n[part], unit=Unit.NEWTON))
    results = [event.result for event in [*events, *workout.finish()] if isinstance(event, SetDone)]
    figures = [each for result in results for each in result.rep_metrics]
    assert len(figures) == 30
    inside = [abs(each.peak_n - 60.0) <= 2.0 * (each.peak_uncertainty_n or 0.0) for each in figures]
    assert np.mean(inside) >= 0.95
    assert max(abs(each.peak_n - 60.0) for each in figures) > 5.0, "there is something to hide"


@pytest.mark.parametrize("held_n", [1.2, 1.5, 1.9])
def test_a_band_held_lightly_before_the_set_is_no_drift(held_n: float) -> None:
    _, set_n = trace([Stroke(rest_s=0.3)] * 6, rest_n=held_n, peak_n=40.0, noise_n=0.0)
    parts = np.zeros(480), np.linspace(0.0, held_n, 40), np.full(480, held_n), set_n, np.zeros(480)
    tension_n = np.concatenate(parts) + np.random.default_rng(5).normal(0.0, 0.03, sum(map(len, parts)))
    assert WarningKind.ZERO_DRIFTS not in kinds(told(np.arange(tension_n.size) / 80.0, tension_n))


@pytest.mark.parametrize("held_n", [1.2, 1.8, -1.5])
@pytest.mark.parametrize("first", [True, False])
def test_a_band_held_lightly_on_one_side_of_a_set_only_is_no_drift(held_n: float, first: bool) -> None:
    """A drift of 3 N a minute could have come so far while the set hid the zero, but a hand does it daily."""
    _, set_n = trace([Stroke(rest_s=0.3)] * 16, rest_n=8.0, peak_n=40.0, noise_n=0.0)
    before_n, after_n = (held_n, 0.0) if first else (0.0, held_n)
    up_n, down_n = np.linspace(before_n, 8.0, 40), np.linspace(8.0, after_n, 40)
    tension_n = np.concatenate((np.full(320, before_n), up_n, set_n, down_n, np.full(480, after_n)))
    tension_n += np.random.default_rng(5).normal(0.0, 0.03, tension_n.size)
    detector = RepDetector()
    events = detector.push(np.arange(tension_n.size) / 80.0, tension_n)
    assert WarningKind.ZERO_DRIFTS not in kinds(events)
    assert detector.sense.zero_doubt_n(tension_n.size / 80.0) == pytest.approx(
        abs(after_n) / 3**0.5, abs=0.02
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rest_n", [0.0, 15.0])
def test_a_drift_is_told_in_a_set_of_uneven_repetitions(rest_n: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    strokes = [
        Stroke(1.5, 0.6, 2.0, 0.9, top=1.0 + float(rng.normal(0.0, 0.09)), bottom=0.0) for _ in range(30)
    ]
    time_s, tension_n = trace(strokes, peak_n=80.0, rest_n=rest_n, noise_n=0.15)
    detector = RepDetector(pre_stretched=rest_n > 0.0)
    found = warnings(detector.push(time_s, tension_n + 3.0 * time_s / 60.0))
    drifts = [w for w in found if w.kind is WarningKind.ZERO_DRIFTS]
    assert drifts
    assert drifts[0].detected_s < 60.0
    assert 2.0 * detector.sense.zero_doubt_n(time_s[-1]) > 0.9 * 3.0 * time_s[-1] / 60.0
    steady = warnings(RepDetector(pre_stretched=rest_n > 0.0).push(time_s, tension_n))
    assert not [w for w in steady if w.kind is WarningKind.ZERO_DRIFTS]


@pytest.mark.parametrize("seed", range(8))
def test_a_hand_that_moves_on_is_no_drift(seed: int) -> None:
    """It stretches the band by a tenth of the way more, and does not come back exactly."""
    rng = np.random.default_rng(seed)
    strokes = [
        Stroke(rest_s=0.3, top=1.0 + 0.003 * n, bottom=abs(0.006 * n + float(rng.normal(0.0, 0.02))))
        for n in range(16)
    ]
    time_s, tension_n = trace(strokes, peak_n=60.0, rest_n=20.0, noise_n=0.05)
    assert WarningKind.ZERO_DRIFTS not in kinds(told(time_s, tension_n))


@pytest.mark.parametrize("reps", [3, 5])
def test_a_taut_set_soon_after_a_slack_one_is_no_drift(reps: int) -> None:
    """The second lies as far above the first at the bottom as at the top."""
    stroke = Stroke(1.0, 0.2, 1.2, rest_s=0.4)
    _, slack_n = trace([stroke] * reps, peak_n=62.0, noise_n=0.0)
    _, taut_n = trace([stroke] * 8, rest_n=65.0, peak_n=150.0, noise_n=0.0)
    tension_n = np.concatenate((slack_n, np.linspace(0.0, 65.0, 80), np.full(80, 65.0), taut_n))
    tension_n += np.random.default_rng(2).normal(0.0, 0.06, tension_n.size)
    assert WarningKind.ZERO_DRIFTS not in kinds(told(np.arange(tension_n.size) / 80.0, tension_n))


def test_tiring_is_no_drift() -> None:
    strokes = [Stroke(rest_s=0.2, top=1.0 - 0.02 * n) for n in range(14)]
    time_s, tension_n = trace(strokes, rest_n=30.0, peak_n=60.0)
    tremor = 1.0 + 0.004 * np.sin(2 * np.pi * 5.0 * time_s)
    assert WarningKind.ZERO_DRIFTS not in kinds(told(time_s, tension_n * tremor))


def test_a_broken_wire_is_named() -> None:
    rng, time_s = np.random.default_rng(4), np.arange(0.0, 5.0, 1.0 / 80.0)
    assert WarningKind.WIRING in kinds(told(time_s, rng.normal(0.0, 60.0, time_s.size)))
    detector = RepDetector()
    stuck = detector.push(time_s, np.full(time_s.size, 500.0), saturated=np.ones(time_s.size, dtype=bool))
    found = [w for w in warnings(stuck) if w.kind is WarningKind.WIRING]
    assert len(found) == 1
    assert "end of its range" in found[0].message


@pytest.mark.parametrize("rate_hz", [10.0, 80.0, 320.0])
@pytest.mark.parametrize("at_s", [9.0, 10.3, 25.0])
def test_a_converter_that_stops_is_told_each_time(at_s: float, rate_hz: float) -> None:
    time_s, set_n = human(60.0, 0.0, rate_hz=rate_hz)
    still_n = np.random.default_rng(2).normal(0.0, 0.05, round(6.0 * rate_hz))
    tension_n = np.concatenate((still_n, set_n, still_n, set_n))
    time_s = np.arange(tension_n.size) / rate_hz
    assert kinds(told(time_s, tension_n)) == []
    for begin_s in (at_s, at_s + 28.0):
        stopped = (time_s >= begin_s) & (time_s < begin_s + 3.0)
        tension_n[stopped] = tension_n[stopped][0]
    found = [warning for warning in warnings(told(time_s, tension_n)) if warning.kind is WarningKind.WIRING]
    assert len(found) == 2
    assert "one and the same value" in found[0].message
    assert at_s + 1.0 < found[0].detected_s < at_s + 3.0


@pytest.mark.parametrize("step_n", [0.1, 0.5])
@pytest.mark.parametrize("noise_n", [0.0, 0.02, 0.05])
def test_values_that_come_in_steps_or_without_noise_are_no_stopped_converter(
    noise_n: float, step_n: float
) -> None:
    """Tension stands still on steps, and between two."""
    for seed, base_n in enumerate((0.0, 0.5 * step_n)):
        rest_n = np.full(80 * 6, base_n)
        hung_n = np.full(80 * 6, 20.0)
        tension_n = np.concatenate((rest_n, trace(SET, noise_n=0.0)[1] + base_n, hung_n, rest_n))
        tension_n = tension_n + np.random.default_rng(seed).normal(0.0, noise_n, tension_n.size)
        time_s = np.arange(tension_n.size) / 80.0
        assert WarningKind.WIRING not in kinds(told(time_s, np.round(tension_n / step_n) * step_n))
        noisy_until_s = np.where(time_s < 2.0, 0.05 * np.sin(time_s * 99.0), 0.0)
        assert noise_n or WarningKind.WIRING not in kinds(told(time_s, tension_n + noisy_until_s))


@pytest.mark.parametrize("rate_hz", [10.0, 12.5, 15.0, 20.0, 80.0])
@pytest.mark.parametrize("spikes", [False, True])
def test_a_broken_wire_is_named_at_every_rate(spikes: bool, rate_hz: float) -> None:
    rng, time_s = np.random.default_rng(4), np.arange(0.0, 20.0, 1.0 / rate_hz)
    tension_n = rng.normal(0.0, 60.0, time_s.size)
    if spikes:
        tension_n = np.where(rng.random(time_s.size) < 0.4, 150.0, 20.0) + 0.1 * tension_n
    assert WarningKind.WIRING in kinds(told(time_s, tension_n))


@pytest.mark.parametrize("rate_hz", [10.0, 12.5, 15.0, 20.0])
@pytest.mark.parametrize("rep_s", [0.35, 0.42, 0.5, 0.65, 0.8])
def test_quick_repetitions_at_a_low_rate_are_no_broken_wire(rep_s: float, rate_hz: float) -> None:
    for seed, peak_n in enumerate((60.0, 60.0, 120.0, 120.0, 250.0)):
        rng = np.random.default_rng(seed)
        ends_s = 4.0 + np.cumsum(rep_s * (1.0 + rng.normal(0.0, 0.03, 15)))
        tops_n = peak_n * (1.0 + rng.normal(0.0, 0.03, 15))
        knots_s = np.sort(np.concatenate(([0.0, 4.0], ends_s - 0.5 * rep_s, ends_s, [ends_s[-1] + 6.0])))
        knots_n = np.concatenate(([0.0, 0.0], np.column_stack((tops_n, np.zeros(15))).ravel(), [0.0]))
        time_s = np.arange(0.0, knots_s[-1], 1.0 / rate_hz)
        tension_n = np.interp(time_s, knots_s, knots_n) + rng.normal(0.0, 0.05, time_s.size)
        assert WarningKind.WIRING not in kinds(told(time_s, tension_n))


@pytest.mark.parametrize("size", [1, 7, 16, 1000])
@pytest.mark.parametrize("off_n", [-20.0, 8.0])
def test_blocks_do_not_matter(size: int, off_n: float) -> None:
    time_s, tension_n = human(40.0, 0.0)
    tension_n = np.where(time_s < 12.0, tension_n + off_n, -tension_n)
    detector, events = RepDetector(), list[Event]()
    for start in range(0, time_s.size, size):
        events += detector.push(time_s[start : start + size], tension_n[start : start + size])
    assert [*events, *detector.finish()] == told(time_s, tension_n)


@pytest.mark.parametrize("peak_n", [10.0, 15.0, 40.0])
def test_peaks_below_zero_have_figures_too(peak_n: float) -> None:
    time_s, tension_n = human(peak_n, 0.0)
    tension_n = tension_n - 20.0
    events = told(time_s, tension_n)
    reps = [event.rep for event in events if isinstance(event, RepCompleted)]
    assert WarningKind.ZERO_OFF in kinds(events)
    assert len(reps) >= 5
    figures = rep_metrics(reps, time_s, tension_n)
    of_set = set_metrics(figures)
    assert of_set.reps == len(reps)
    assert peak_n > 20.0 or of_set.fatigue is None


@pytest.mark.parametrize("length", [4, 5, 20, 27, 80])
@pytest.mark.parametrize("count", [2, 3, 50])
def test_a_window_alone_has_the_same_figures_as_among_others(length: int, count: int) -> None:
    cut = np.random.default_rng(length).normal(30.0, 10.0, (count, length))
    stride = max(1, length // windows.ENOUGH)
    alone = [windows._figures_of_one(window.tolist(), stride) for window in cut]
    assert alone == [*zip(*windows._figures(cut, stride), strict=True)]
