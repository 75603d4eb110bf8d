"""Laws of the detector: how the stream is cut, when it was, its scale and its zero do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event
from tests.support.traces import Stroke, trace

STROKES = st.builds(
    Stroke,
    pull_s=st.floats(0.5, 2.0),
    hold_s=st.floats(0.0, 1.0),
    return_s=st.floats(0.5, 2.5),
    rest_s=st.floats(0.2, 1.5),
    top=st.floats(0.85, 1.0),
    bottom=st.floats(0.0, 0.05),
)
SETS = st.lists(STROKES, min_size=3, max_size=6)
RATES = st.sampled_from([20.0, 40.0, 80.0])

few = settings(max_examples=12)


def streamed(time_s: FloatArray, tension_n: FloatArray, sizes: list[int]) -> list[Event]:
    detector, events, start, turn = RepDetector(), [], 0, 0
    saturated = tension_n > 50.0
    while start < time_s.size:
        part = slice(start, start + sizes[turn % len(sizes)])
        events += detector.push(time_s[part], tension_n[part], saturated=saturated[part])
        start, turn = part.stop, turn + 1
    return events + detector.finish()


def broken(strokes: list[Stroke], rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """A set with spikes and holes, so that every path of the chain is walked."""
    time_s, tension_n = trace(strokes, rate_hz, noise_n=0.2)
    tension_n[::101] = -300.0
    kept = (
        (np.arange(time_s.size) % 97 > 0)
        & ~((time_s > 3.0) & (time_s < 3.3))
        & ~((time_s > 6.0) & (time_s < 7.5))
    )
    kept[0] = True
    return time_s[kept], tension_n[kept]


@few
@given(SETS, RATES, st.lists(st.integers(1, 200), min_size=1, max_size=6))
def test_events_do_not_depend_on_the_blocks(strokes: list[Stroke], rate_hz: float, sizes: list[int]) -> None:
    time_s, tension_n = broken(strokes, rate_hz)
    assert streamed(time_s, tension_n, sizes) == streamed(time_s, tension_n, [time_s.size])


@pytest.mark.parametrize("size", [1, 7, 16])
def test_events_do_not_depend_on_the_usual_blocks(size: int) -> None:
    time_s, tension_n = broken([Stroke()] * 4, 80.0)
    assert streamed(time_s, tension_n, [size]) == streamed(time_s, tension_n, [time_s.size])


def test_a_long_stream_in_one_piece_is_the_same_as_in_blocks() -> None:
    time_s, tension_n = trace([Stroke()] * 60, 320.0)
    assert time_s.size > 40_000
    assert streamed(time_s, tension_n, [1000]) == streamed(time_s, tension_n, [time_s.size])


@few
@given(SETS, RATES, st.floats(-1e5, 1e7))
def test_a_time_shift_leaves_the_count(strokes: list[Stroke], rate_hz: float, shift_s: float) -> None:
    time_s, tension_n = trace(strokes, rate_hz)
    moved = analyze(time_s + shift_s, tension_n).reps
    stayed = analyze(time_s, tension_n).reps
    assert len(moved) == len(stayed) == len(strokes)
    for a, b in zip(moved, stayed, strict=True):
        assert a.pull_start_s - shift_s == pytest.approx(b.pull_start_s, abs=1e-3)


@few
@given(SETS, RATES, st.floats(0.2, 15.0))
def test_a_force_scale_leaves_the_count(strokes: list[Stroke], rate_hz: float, scale: float) -> None:
    time_s, tension_n = trace(strokes, rate_hz)
    assert len(analyze(time_s, scale * tension_n).reps) == len(strokes)


@few
@given(SETS, RATES, st.floats(0.0, 50.0))
def test_a_constant_leaves_the_count(strokes: list[Stroke], rate_hz: float, constant_n: float) -> None:
    time_s, tension_n = trace(strokes, rate_hz)
    reps, moved = analyze(time_s, tension_n).reps, analyze(time_s, tension_n + constant_n).reps
    assert len(moved) == len(strokes)
    for a, b in zip(moved, reps, strict=True):
        assert a.partial == b.partial
        assert a.end_s == pytest.approx(b.end_s, abs=1e-6)


@few
@given(
    st.lists(st.floats(-1e3, 1e4), min_size=2, max_size=400),
    st.sampled_from([10.0, 80.0, 1000.0]),
)
def test_no_trace_whatever_breaks_it(values: list[float], rate_hz: float) -> None:
    result = analyze(np.arange(len(values)) / rate_hz, values)
    for rep in result.reps:
        assert rep.pull_start_s <= rep.hold_start_s <= rep.return_start_s <= rep.end_s
        assert rep.range_fraction >= 0.0
        assert np.isfinite(rep.peak_n)


HOLES_S = st.lists(st.tuples(st.floats(0.0, 0.999), st.floats(0.05, 1e6)), min_size=1, max_size=4)


def with_holes(time_s: FloatArray, holes: list[tuple[float, float]]) -> FloatArray:
    """Times with so many seconds more from so far in the trace on."""
    later_s = np.zeros(time_s.size)
    for share, hole_s in holes:
        later_s[int(share * time_s.size) :] += hole_s
    return time_s + later_s


@few
@given(
    SETS,
    st.sampled_from([4.0, 10.0, 20.0, 80.0]),
    HOLES_S,
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_holes_however_long_do_not_make_it_depend_on_the_blocks(
    strokes: list[Stroke], rate_hz: float, holes: list[tuple[float, float]], sizes: list[int]
) -> None:
    time_s, tension_n = broken(strokes, rate_hz)
    time_s = with_holes(time_s, holes)
    assert streamed(time_s, tension_n, sizes) == streamed(time_s, tension_n, [time_s.size])


@few
@given(SETS, st.sampled_from([4.0, 10.0, 20.0, 80.0]), HOLES_S, st.sampled_from([0.0, -6.0, 4.0]))
def test_an_event_is_certain_with_the_sample_that_it_names(
    strokes: list[Stroke], rate_hz: float, holes: list[tuple[float, float]], zero_n: float
) -> None:
    """Whoever sorts events by `detected_s` gets one order, however the stream is cut."""
    time_s, tension_n = broken(strokes, rate_hz)
    time_s = with_holes(time_s, holes)
    detector = RepDetector()
    for i in range(time_s.size):
        events = detector.push(time_s[i : i + 1], tension_n[i : i + 1] + zero_n)
        assert [event.detected_s for event in events] == [time_s[i]] * len(events)
    assert [event for event in detector.finish() if event.detected_s > time_s[-1]] == []
