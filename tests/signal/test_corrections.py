"""What the person says of single movements: it holds, it is used, and doubt is told as it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.corrections import Corrections, Stroke
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import CountJudged, Event, RepCompleted, RepCounted, RepRetracted, RetractReason
from tests.support.traces import waves

RATE_HZ = 80.0


def still(seconds: float) -> FloatArray:
    return np.zeros(round(seconds * RATE_HZ))


def noisy(*parts: FloatArray) -> FloatArray:
    tension_n = 3.0 + np.concatenate(parts)
    return np.asarray(tension_n + np.random.default_rng(1).normal(0.0, 0.03, tension_n.size))


def told(
    tension_n: FloatArray, corrections: Mapping[float, bool], block: int = 1_000_000
) -> tuple[list[Event], RepDetector]:
    """Events of a trace, with the person's word at these seconds."""
    detector, events = RepDetector(), list[Event]()
    time_s = np.arange(tension_n.size) / RATE_HZ
    at = {round(second * RATE_HZ): is_rep for second, is_rep in corrections.items()}
    places = sorted({0, *at, *range(0, tension_n.size, block), tension_n.size})
    for start, stop in zip(places, [*places[1:], tension_n.size], strict=True):
        if start in at:
            events += detector.correct(is_rep=at[start]) or []
        events += detector.push(time_s[start:stop], tension_n[start:stop])
    return [*events, *detector.finish()], detector


def counts(events: list[Event]) -> list[int]:
    return [event.count for event in events if isinstance(event, RepCounted | RepRetracted)]


def test_a_repetition_that_was_taken_back_stays_away_and_others_like_it_are_still_counted() -> None:
    events, detector = told(noisy(still(2), waves(6), still(5)), {14.3: False})
    (gone,) = (event for event in events if isinstance(event, RepRetracted))
    assert (gone.index, gone.reason) == (4, RetractReason.OVERRULED)
    assert counts(events) == [1, 2, 3, 4, 3, 4, 5]
    assert detector.count == 5
    assert max(detector.chances, key=lambda n: detector.chances[n]) == 5


def test_taking_back_what_was_long_settled_counts_one_less() -> None:
    events, detector = told(noisy(still(2), waves(30), still(30)), {100.0: False, 101.0: False})
    assert [e.reason for e in events if isinstance(e, RepRetracted)] == [RetractReason.OVERRULED] * 2
    assert detector.count == 28


def test_taking_back_is_undone_by_saying_that_it_was_one() -> None:
    events, detector = told(noisy(still(2), waves(4), still(6)), {15.0: False, 16.0: True})
    assert counts(events)[-3:] == [4, 3, 4]
    assert detector.count == 4


def test_a_movement_that_was_not_counted_is_one_when_the_person_says_so() -> None:
    lone = 2.0 * waves(1, 8.0, rep_s=0.6)
    trace = noisy(still(2), waves(5), still(4), lone, still(8))
    silent, _ = told(trace, {})
    events, detector = told(trace, {24.0: True})
    assert counts(silent)[-1] == 5
    assert detector.count == 6
    added = [event for event in events if isinstance(event, RepCompleted)][-1].rep
    assert added.probability == 1.0
    assert added.peak_n == pytest.approx(19.0, abs=0.5)
    assert [event.index for event in events if isinstance(event, RepCompleted)] == [1, 2, 3, 4, 5, 6]


def test_there_is_nothing_to_correct_where_nothing_moved() -> None:
    detector = RepDetector()
    assert detector.correct(is_rep=False) is None
    detector.push(np.arange(800) / RATE_HZ, noisy(still(10)))
    assert detector.correct(is_rep=False) is None
    assert detector.correct(is_rep=True) is None


@pytest.mark.parametrize("block", [1, 7, 100])
def test_corrections_do_not_depend_on_blocks(block: int) -> None:
    trace, words = noisy(still(2), waves(5), still(5)), {8.3: False, 12.0: True, 18.0: False}
    assert told(trace, words, block)[0] == told(trace, words)[0]


def test_a_word_counts_for_movements_that_are_alike_and_for_no_others() -> None:
    corrections = Corrections()
    assert corrections.heard(20.0, 0.5) == (0.0, 1.0)
    counts = []
    for _ in range(3):
        corrections.said(Stroke.of(20.0, 0.5), is_rep=False)
        counts.append(corrections.heard(20.0, 0.5)[1])
    assert counts == pytest.approx([0.94, 0.66, 0.22], abs=0.01)
    assert corrections.heard(60.0, 0.5)[1] > 0.98
    assert corrections.heard(20.0, 3.0)[1] > 0.9
    assert corrections.heard(20.0, None)[1] < 0.3, "the width is not known yet"
    corrections.said(Stroke.of(20.0, 0.5), is_rep=True)
    assert corrections.heard(20.0, 0.5)[1] == pytest.approx(0.74, abs=0.02)


@pytest.mark.parametrize("undo_s", [4.8, 5.1, 5.4])
def test_taking_the_first_repetition_back_leaves_the_rest_of_the_set(undo_s: float) -> None:
    """It is mostly taken back for its form, or because it was taking the band up."""
    events, detector = told(noisy(still(2), waves(6), still(5)), {undo_s: False})
    assert [e.index for e in events if isinstance(e, RepRetracted)] == [1]
    assert detector.count == 5


def test_a_repetition_that_was_added_makes_others_like_it_likelier() -> None:
    corrections = Corrections()
    for _ in range(8):
        corrections.stood(Stroke.of(50.0, 1.0))
    corrections.said(Stroke.of(10.0, 1.0), is_rep=True)
    assert corrections.heard(10.0, 1.0) == (pytest.approx(2.4, abs=0.05), 1.0)
    assert corrections.heard(50.0, 1.0) == (pytest.approx(0.0, abs=0.01), 1.0), "the signal spoke for these"


def test_one_word_against_many_repetitions_that_stood_hardly_matters_for_the_next() -> None:
    corrections = Corrections()
    for _ in range(8):
        corrections.stood(Stroke.of(50.0, 1.0))
    corrections.said(Stroke.of(50.0, 1.0), is_rep=False)
    assert corrections.heard(50.0, 1.0)[1] > 0.999


def small_pulls(seconds: float) -> FloatArray:
    """Even small pulls that might be repetitions on a light band or a walk: 12 N at 1.8 Hz."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(6.0 * (1.0 - np.cos(2.0 * np.pi * 1.8 * t)))


def test_what_the_person_takes_back_again_and_again_is_no_longer_counted() -> None:
    walk = noisy(still(2), small_pulls(12), still(6), small_pulls(12), still(6))
    silent, _ = told(walk, {})
    words = dict.fromkeys(np.arange(15.0, 18.0, 0.1).round(2).tolist(), False)
    assert told(noisy(still(2), small_pulls(12), still(6)), words)[1].count == 0
    corrected, _ = told(walk, words)
    second = [event for event in silent if isinstance(event, RepCounted) and event.time_s > 20.0]
    after = [event for event in corrected if isinstance(event, RepCounted) and event.time_s > 20.0]
    assert len(second) > 15
    assert len(after) < 5


def test_chances_are_told_relative_to_what_stands() -> None:
    events, detector = told(noisy(still(2), waves(2), still(8)), {})
    judged = [event for event in events if isinstance(event, CountJudged)]
    assert judged
    assert all(sum(event.more.values()) == pytest.approx(1.0) for event in judged)
    doubtful = next(event for event in judged if event.reps)
    assert doubtful.more[-1] == pytest.approx(1.0 - doubtful.reps[1], abs=1e-6)
    assert judged[-1].more.get(0, 0.0) > 0.9
    assert sum(detector.chances.values()) == pytest.approx(1.0)
