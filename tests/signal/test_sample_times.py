"""Times of samples that are not those at which they were taken: of batches, of arrival, rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, SignalWarning, WarningKind
from bandsense.signal.sample_times import SampleTimes, even_times
from tests.support.traces import Stroke, trace

REPS = 8
SET = [Stroke(pull_s=0.7, hold_s=0.2, return_s=0.8, rest_s=0.4)] * REPS

Stamped = Callable[[FloatArray, np.random.Generator], FloatArray]


def in_batches(time_s: FloatArray, sizes: list[int], apart_s: float, late_s: FloatArray) -> FloatArray:
    """Times of arrival: each batch at the time of its last sample or later, in order."""
    stamps = time_s.copy()
    start, last_s = 0, -np.inf
    for size, more_s in zip(sizes, late_s, strict=False):
        stop = min(start + size, time_s.size)
        if stop == start:
            break
        last_s = max(time_s[stop - 1] + more_s, last_s)
        stamps[start:stop] = last_s + apart_s * np.arange(stop - start)
        last_s = float(stamps[stop - 1])
        start = stop
    return stamps


def batches(low: int, high: int, apart_s: float = 0.0, late_s: float = 0.0) -> Stamped:
    def stamped(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
        sizes = rng.integers(low, high + 1, time_s.size).tolist()
        return in_batches(time_s, sizes, apart_s, late_s * rng.exponential(size=time_s.size))

    return stamped


def jittered(most_s: float) -> Stamped:
    return lambda time_s, rng: np.maximum.accumulate(time_s + rng.uniform(-most_s, most_s, time_s.size))


def rounded(to_s: float) -> Stamped:
    return lambda time_s, rng: np.round(time_s / to_s) * to_s


STAMPED: dict[str, Stamped] = {
    "eight at one time": batches(8, 8),
    "eight a tenth of a millisecond apart": batches(8, 8, 1e-4),
    "eight a millisecond apart": batches(8, 8, 1e-3),
    "eight, each batch late by chance": batches(8, 8, 1e-4, 0.01),
    "two at one time": batches(2, 2),
    "forty at one time": batches(40, 40),
    "one to sixteen at one time": batches(1, 16),
    "late or early by 30 ms": jittered(0.03),
    "in hundredths": rounded(0.01),
    "in tenths": rounded(0.1),
    "in seconds": rounded(1.0),
}


def taken_in(time_s: FloatArray, tension_n: FloatArray, size: int) -> tuple[RepDetector, list[Event]]:
    detector, events = RepDetector(), list[Event]()
    for i in range(0, time_s.size, size):
        events += detector.push(time_s[i : i + size], tension_n[i : i + size])
    return detector, events + detector.finish()


def kinds_of(events: list[Event]) -> list[WarningKind]:
    return [event.kind for event in events if isinstance(event, SignalWarning)]


@pytest.mark.parametrize("rate_hz", [20.0, 80.0, 320.0])
@pytest.mark.parametrize("stamped", STAMPED.values(), ids=STAMPED)
def test_a_set_counts_whatever_its_times_are_of(stamped: Stamped, rate_hz: float) -> None:
    time_s, tension_n = trace(SET, rate_hz, noise_n=0.05)
    stamps_s = stamped(time_s, np.random.default_rng(4))
    detector, events = taken_in(stamps_s, tension_n, 8)
    assert detector.count == REPS
    assert detector.rate_hz == pytest.approx(rate_hz, rel=0.2)
    assert WarningKind.GAP not in kinds_of(events)
    result, true = analyze(stamps_s, tension_n), analyze(time_s, tension_n)
    assert len(result.reps) == REPS
    durations_s = [[rep.end_s - rep.pull_start_s for rep in each.reps] for each in (result, true)]
    assert np.median(np.abs(np.subtract(*durations_s))) < 0.03


@pytest.mark.parametrize(("stamped", "told"), [(batches(8, 8), True), (batches(2, 2), False)])
def test_batches_that_are_far_apart_are_told_once(stamped: Stamped, told: bool) -> None:
    time_s, tension_n = trace(SET, 80.0, noise_n=0.05)
    _, events = taken_in(stamped(time_s, np.random.default_rng(4)), tension_n, 8)
    warnings = [e for e in events if isinstance(e, SignalWarning) and e.kind is WarningKind.UNEVEN_TIMES]
    assert len(warnings) == told
    assert [("0.1 s apart" in str(warning.message)) for warning in warnings] == [True] * told


def test_even_times_stay_as_they_are_whatever_is_missing() -> None:
    rng = np.random.default_rng(6)
    time_s = np.arange(0.0, 60.0, 1.0 / 80.0)
    kept = (
        (rng.random(time_s.size) > 0.1)
        & ~((time_s > 20.0) & (time_s < 38.0))
        & (np.arange(time_s.size) % 16 > 0)
    )
    time_s = time_s[kept]
    assert even_times(time_s) is time_s


def test_a_scale_that_reports_when_it_likes_is_taken_at_its_word() -> None:
    time_s = np.cumsum(np.random.default_rng(3).uniform(0.05, 0.4, 600))
    assert even_times(time_s) is time_s


def test_batches_that_come_late_are_no_gap() -> None:
    time_s, tension_n = trace(SET, 80.0, noise_n=0.05)
    stamps_s = batches(8, 8)(time_s, np.random.default_rng(4))
    for held_s in (6.0, 11.0):
        stamps_s = np.where((stamps_s > held_s) & (stamps_s < held_s + 0.4), held_s + 0.4, stamps_s)
    detector, events = taken_in(stamps_s, tension_n, 8)
    assert detector.count == REPS
    assert WarningKind.GAP not in kinds_of(events)


def test_a_long_hole_between_batches_is_a_gap() -> None:
    time_s, tension_n = trace(SET, 80.0, noise_n=0.05)
    stamps_s = batches(8, 8)(time_s, np.random.default_rng(4))
    stamps_s[time_s.size // 2 :] += 12.0
    _, events = taken_in(stamps_s, tension_n, 8)
    assert kinds_of(events).count(WarningKind.GAP) == 1


@pytest.mark.parametrize(("first_hz", "then_hz"), [(80.0, 20.0), (20.0, 80.0), (80.0, 10.0), (20.0, 320.0)])
def test_a_rate_that_changes_in_mid_stream_is_followed(first_hz: float, then_hz: float) -> None:
    quick = [Stroke(pull_s=0.22, hold_s=0.0, return_s=0.22, rest_s=0.06)] * 12
    first_s, first_n = trace(SET, first_hz, noise_n=0.05)
    then_s, then_n = trace(quick, then_hz, noise_n=0.05)
    time_s = np.concatenate((first_s, first_s[-1] + 1.0 / then_hz + then_s))
    detector, events = taken_in(time_s, np.concatenate((first_n, then_n)), 16)
    assert detector.count == REPS + 12
    assert detector.rate_hz == pytest.approx(then_hz)
    assert (WarningKind.LOW_RATE in kinds_of(events)) is (then_hz < 15.0)


def test_after_a_change_of_rate_peaks_are_read_from_their_own_samples() -> None:
    first_s, first_n = trace(SET, 80.0, noise_n=0.02)
    then_s, then_n = trace(SET, 20.0, peak_n=90.0, noise_n=0.02)
    time_s = np.concatenate((first_s, first_s[-1] + 0.05 + then_s))
    reps = analyze(time_s, np.concatenate((first_n, then_n))).causal
    assert [rep.peak_n for rep in reps] == pytest.approx([60.0] * REPS + [90.0] * REPS, rel=0.01)


@settings(max_examples=25)
@given(
    st.sampled_from([*STAMPED.values()]),
    st.sampled_from([20.0, 80.0]),
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_events_do_not_depend_on_the_blocks(
    stamped: Stamped, rate_hz: float, sizes: list[int], seed: int
) -> None:
    """Even first, uneven then, and at another rate at the end, with holes."""
    rng = np.random.default_rng(seed)
    time_s, tension_n = trace(SET, rate_hz, noise_n=0.05)
    third = time_s.size // 3
    stamps_s = time_s.copy()
    begin = 0 if seed % 2 else third
    stamps_s[begin : 2 * third] = stamped(time_s[begin : 2 * third], rng)
    stamps_s[2 * third :] += stamps_s[2 * third - 1] - time_s[2 * third - 1]
    kept = np.ones(time_s.size, dtype=np.bool_)
    kept[2 * third :] = np.arange(time_s.size - 2 * third) % 4 == 0
    stamps_s[rng.integers(time_s.size) :] += rng.uniform(0.0, 3.0)
    stamps_s, tension_n = np.maximum.accumulate(stamps_s)[kept], tension_n[kept]
    whole = taken_in(stamps_s, tension_n, stamps_s.size)[1]
    detector, events, start, turn = RepDetector(), list[Event](), 0, 0
    while start < stamps_s.size:
        part = slice(start, start + sizes[turn % len(sizes)])
        events += detector.push(stamps_s[part], tension_n[part])
        start, turn = part.stop, turn + 1
    assert events + detector.finish() == whole


def test_what_is_gathered_is_bounded() -> None:
    times = SampleTimes()
    given_n = released_n = 0
    for turn in range(400):
        row_s = np.full(64, float(turn // 100))
        released_n += sum(each.time_s.size for each in times.push(row_s))
        given_n += row_s.size
        assert given_n - released_n < 6144
