from __future__ import annotations

import numpy as np
import pytest

from bandsense.errors import DataError
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import WarningKind
from tests.support.traces import Stroke, trace


def test_the_events_are_those_of_the_live_stream() -> None:
    time_s, tension_n = trace([Stroke()] * 4)
    detector = RepDetector()
    live = []
    for i in range(0, time_s.size, 16):
        live += detector.push(time_s[i : i + 16], tension_n[i : i + 16])
    live += detector.finish()
    assert analyze(time_s, tension_n).events == tuple(live)


def test_the_exercise_is_carried_and_changes_nothing() -> None:
    time_s, tension_n = trace([Stroke()] * 3)
    plain, named = analyze(time_s, tension_n), analyze(time_s, tension_n, exercise="seated_row")
    assert named.exercise == "seated_row"
    assert named.reps == plain.reps


def test_the_rate_is_the_measured_one() -> None:
    assert analyze(*trace([Stroke()], 332.0)).rate_hz == pytest.approx(332.0)


def test_lists_will_do() -> None:
    time_s, tension_n = trace([Stroke()] * 3)
    assert len(analyze(time_s.tolist(), tension_n.tolist()).reps) == 3


def test_saturated_samples_warn_and_mark() -> None:
    time_s, tension_n = trace([Stroke()] * 3)
    result = analyze(time_s, np.minimum(tension_n, 50.0), saturated=tension_n > 50.0)
    assert [w.kind for w in result.warnings] == [WarningKind.SATURATED]
    assert all(rep.saturated for rep in result.reps)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_are_an_error(n: int) -> None:
    with pytest.raises(DataError, match="not a trace"):
        analyze(np.arange(float(n)), np.zeros(n))


@pytest.mark.parametrize("n", [2, 3, 12, 13, 14, 100])
def test_a_short_constant_is_no_repetition(n: int) -> None:
    result = analyze(np.arange(n) / 80.0, np.full(n, 25.0))
    assert result.reps == ()
    assert not result.warnings


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_an_error(bad: float) -> None:
    time_s, tension_n = trace([Stroke()])
    tension_n[50] = bad
    with pytest.raises(DataError, match="finite"):
        analyze(time_s, tension_n)


def test_unsorted_times_are_an_error() -> None:
    time_s, tension_n = trace([Stroke()])
    with pytest.raises(DataError, match="sort"):
        analyze(time_s[::-1], tension_n)


def test_one_time_for_all_samples_is_an_error() -> None:
    time_s, tension_n = trace([Stroke()])
    with pytest.raises(DataError, match="all samples have one time"):
        analyze(np.full(time_s.size, 7.0), tension_n)


def test_shapes_that_differ_are_an_error() -> None:
    with pytest.raises(DataError, match="length"):
        analyze([0.0, 1.0, 2.0], [0.0, 1.0])


def test_a_trace_of_nothing_but_holes_is_marked() -> None:
    time_s = np.concatenate((np.arange(30) / 80.0, 100.0 + np.arange(30) / 80.0))
    result = analyze(time_s, np.zeros(60))
    assert result.reps == ()
    assert [w.kind for w in result.warnings] == [WarningKind.GAP]
