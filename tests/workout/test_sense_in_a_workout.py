"""A sensor that makes no sense, through a whole workout: what happens, and what the person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration
from bandsense.live.formatting import format_log_line, format_notice, set_words
from bandsense.live.state import ViewState
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal.events import RepCounted, SignalWarning, WarningKind
from bandsense.signal.metrics import strongest
from bandsense.workout.events import Event, SetDone
from bandsense.workout.inputs import Tare
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import Stroke, trace

SET = [Stroke(pull_s=0.9, hold_s=0.3, return_s=1.1, rest_s=0.4)] * 8
CALIBRATION = Calibration(1.0, unit=Unit.NEWTON, span_uncertainty=0.005)


def block(tension_n: FloatArray, start_s: float = 0.0) -> SampleBlock:
    return SampleBlock(start_s + np.arange(tension_n.size) / 80.0, tension_n, Unit.NEWTON)


def a_set(
    peak_n: float = 60.0, rest_n: float = 0.0, strokes: Sequence[Stroke] = SET, after_s: float = 25.0
) -> FloatArray:
    """Tension of a set by a hand that trembles a little, with a rest after it."""
    time_s, tension_n = trace(strokes, peak_n=peak_n, rest_n=rest_n, noise_n=0.0)
    tremor = 1.0 + 0.005 * np.sin(2.0 * np.pi * 4.3 * time_s)
    whole = np.concatenate([tension_n * tremor, np.full(round(after_s * 80.0), rest_n)])
    return np.asarray(whole + np.random.default_rng(2).normal(0.0, 0.05, whole.size))


def followed(tension_n: FloatArray) -> tuple[Workout, list[Event]]:
    workout = Workout(WorkoutSettings(CALIBRATION))
    return workout, [*workout.push(block(tension_n)), *workout.finish()]


def of(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def read(events: Sequence[Event], kind: WarningKind) -> str:
    """What the person reads of the first such warning: as a notice, in the log and on the screen alike."""
    warning = next(event for event in of(events, SignalWarning) if event.kind is kind)
    notice = format_notice(warning)
    assert notice
    assert notice in (format_log_line(warning, lambda _: 1.0) or "")
    state = ViewState()
    state.update(warning)
    assert state.notice == notice
    return notice


@pytest.mark.parametrize("off_n", [-8.0, -2.5, 2.5, 8.0])
def test_a_zero_that_is_off_is_told_within_the_first_set(off_n: float) -> None:
    _, events = followed(a_set() + off_n)
    (done,) = of(events, SetDone)
    told = next(event for event in of(events, SignalWarning) if event.kind is WarningKind.ZERO_OFF)
    assert told.detected_s <= done.time_s, "before its last repetition is over"
    words = read(events, WarningKind.ZERO_OFF)
    assert "zero" in words
    assert "set the zero" in words


def test_a_tare_on_a_taut_band_is_questioned_where_it_is_asked_for() -> None:
    workout = Workout(WorkoutSettings(CALIBRATION))
    workout.push(block(np.full(400, 25.0) + np.random.default_rng(1).normal(0.0, 0.05, 400)))
    told = workout.apply(Tare())
    assert "taut" in read(told, WarningKind.ZERO_OFF)


@pytest.mark.parametrize("hung_n", [2.5, 4.5])
def test_a_tare_of_a_handle_is_questioned_only_where_the_zero_was_right_before(hung_n: float) -> None:
    hung = np.full(400, hung_n) + np.random.default_rng(1).normal(0.0, 0.05, 400)
    first = Workout(WorkoutSettings(CALIBRATION))
    first.push(block(hung))
    assert not of(first.apply(Tare()), SignalWarning)
    later = Workout(WorkoutSettings(CALIBRATION))
    later.push(block(np.concatenate((hung - hung_n, hung))))
    assert "taut" in read(later.apply(Tare()), WarningKind.ZERO_OFF)


def test_a_tare_that_was_asked_for_is_not_questioned() -> None:
    workout = Workout(WorkoutSettings(CALIBRATION))
    told = workout.push(block(np.concatenate((a_set(after_s=30.0), a_set() + 3.0))))
    assert "set the zero" in read(told, WarningKind.ZERO_OFF)
    assert not of(workout.apply(Tare()), SignalWarning)


@pytest.mark.parametrize("jump_n", [8.0, 15.0, 30.0])
def test_a_zero_that_jumps_up_between_sets_is_told_in_the_next_and_its_peaks_are_less_sure(
    jump_n: float,
) -> None:
    once_n = a_set(after_s=30.0)
    _, events = followed(np.concatenate((once_n, once_n + jump_n, once_n + jump_n)))
    (first, second, third) = of(events, SetDone)
    found = [each for each in of(events, SignalWarning) if each.kind is WarningKind.ZERO_OFF]
    assert len(found) == 1
    assert first.detected_s < found[0].detected_s < second.detected_s
    for done in (second, third):
        for each in done.result.rep_metrics:
            assert abs(each.peak_n - 60.0) < 2.0 * each.peak_uncertainty_n
    assert all(each.peak_uncertainty_n < 1.0 for each in first.result.rep_metrics)


def test_a_session_tells_its_greatest_peak_as_the_set_does_that_it_is_of() -> None:
    """Later less is known of the zero, but nothing else of that peak."""
    once_n = a_set(after_s=30.0)
    workout, events = followed(np.concatenate((1.3 * once_n, once_n + 15.0)))
    told = [strongest(done.result.rep_metrics) for done in of(events, SetDone)]
    best = max(told, key=lambda each: each.peak_n)
    summary = workout.summary()
    assert (summary.peak_n, summary.peak_uncertainty_n) == (best.peak_n, best.peak_uncertainty_n)
    assert workout.uncertainty_n(best.peak_n) != pytest.approx(best.peak_uncertainty_n, rel=0.2)


@pytest.mark.parametrize("at_s", [3.4, 11.0])
def test_a_converter_that_stops_is_told_where_the_zero_is_tracked_too(at_s: float) -> None:
    tension_n = np.concatenate((np.random.default_rng(5).normal(0.0, 0.05, 480), a_set()))
    stopped = slice(round(at_s * 80.0), round((at_s + 5.0) * 80.0))
    tension_n[stopped] = tension_n[stopped][0] + (0.12 if at_s < 6.0 else 0.0)
    _, events = followed(tension_n)
    assert "same value" in read(events, WarningKind.WIRING)


@pytest.mark.parametrize("peak_n", [30.0, 120.0])
def test_a_reversed_cell_is_named_and_nothing_is_counted_upside_down(peak_n: float) -> None:
    workout, events = followed(-a_set(peak_n))
    assert not of(events, RepCounted)
    assert workout.summary().reps == 0
    words = read(events, WarningKind.REVERSED)
    assert "wrong way" in words or "reversed" in words or "swap" in words


@pytest.mark.parametrize(("peak_n", "off_n"), [(12.0, -20.0), (20.0, -20.0), (30.0, -30.0), (5.0, -5.0)])
def test_peaks_at_or_below_zero_are_followed_to_the_end(peak_n: float, off_n: float) -> None:
    workout, events = followed(a_set(peak_n, strokes=SET[:5]) + off_n)
    assert read(events, WarningKind.ZERO_OFF)
    for result in workout.results:
        assert set_words(result)
        assert all(np.isfinite(each.peak_n) for each in result.rep_metrics)
    assert workout.summary().duration_s > 10.0


@pytest.mark.parametrize("n_per_min", [-3.0, 3.0])
@pytest.mark.parametrize("rest_n", [0.0, 25.0])
def test_drift_is_followed_or_told_and_no_tension_is_shown_under_a_small_uncertainty(
    n_per_min: float, rest_n: float
) -> None:
    one = a_set(60.0, rest_n, SET * 2, after_s=0.0)
    taken_up_n = np.linspace(0.0, rest_n, 80)
    between_n = [taken_up_n[::-1], np.zeros(80 * 60), taken_up_n]
    true_n = np.concatenate(
        [np.zeros(800), taken_up_n, one, *between_n, one, *between_n, one, *between_n[:2]]
    )
    true_n += np.random.default_rng(4).normal(0.0, 0.05, true_n.size)
    drift_n = n_per_min * np.arange(true_n.size) / 80.0 / 60.0
    workout, events = followed(true_n + drift_n)
    assert len(workout.results) == 3
    last = workout.results[-1]
    errors = [abs(each.peak_n - 60.0) for each in last.rep_metrics]
    told = {event.kind for event in of(events, SignalWarning)}
    if max(errors) > 2.0:
        assert told & {WarningKind.ZERO_DRIFTS, WarningKind.ZERO_OFF}
        kind = WarningKind.ZERO_DRIFTS if WarningKind.ZERO_DRIFTS in told else WarningKind.ZERO_OFF
        assert "zero" in read(events, kind)
    covered = [abs(each.peak_n - 60.0) <= 2.0 * (each.peak_uncertainty_n or 0.0) for each in last.rep_metrics]
    assert np.mean(covered) >= 0.95
