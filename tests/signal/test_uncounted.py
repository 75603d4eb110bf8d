"""A set that was taken for steps: nobody sees a zero without a reason, and one word counts it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, RepCompleted, RepRetracted, SignalWarning, WarningKind
from benchmarks.evidence import controls, envelope, idling, walks
from benchmarks.evidence.trace import Trace
from tests.support.traces import steps, waves

SILENT = {
    "envelope/held/0/0/5/0.5/80/8/1/0.08/broad/rest/0/release": 8,
    "envelope/held/0/0.1/5/0.35/80/12/2/0.08/minimum jerk/rest/0.299964/release": 12,
    "envelope/held/0/0.8/20/0.35/80/12/4/0.08/minimum jerk/rest/0.0752647/release": 12,
    "envelope/held/0/0.8/20/0.5/80/12/2/0.03/sharp/cut/0/cut": 12,
}
"""Quick, weak sets that may be taken for steps, with their repetitions."""

REST_S = 30.0


@pytest.fixture(scope="module")
def silent() -> dict[str, Trace]:
    return {trace.name: trace for trace in envelope.grid("held") if trace.name in SILENT}


def notes(events: list[Event]) -> list[SignalWarning]:
    return [e for e in events if isinstance(e, SignalWarning) and e.kind is WarningKind.NOT_COUNTED]


def all_events(time_s: FloatArray, tension_n: FloatArray, block: int = 100_000) -> list[Event]:
    detector, events = RepDetector(), list[Event]()
    for start in range(0, time_s.size, block):
        events += detector.push(time_s[start : start + block], tension_n[start : start + block])
    return events + detector.finish()


def thrice(trace: Trace) -> tuple[FloatArray, FloatArray, tuple[int, int, int]]:
    """A set three times, with half a minute of rest after each; where each rest is nearly over."""
    first_n, last_n = np.median(trace.tension_n[:8]), np.median(trace.tension_n[-8:])
    if first_n < 1.0:
        first_n = last_n = np.median(trace.tension_n[-8:])  # The band is slack.
    rest = round(REST_S * trace.rate_hz)
    level_n = np.interp(np.arange(rest), [0.0, trace.rate_hz, rest], [last_n, first_n, first_n])
    rng, parts, ends = np.random.default_rng(1), list[FloatArray](), list[int]()
    for _ in range(3):
        parts += [trace.tension_n, level_n + rng.normal(0.0, 0.03, rest)]
        ends.append(sum(part.size for part in parts) - round(10.0 * trace.rate_hz))
    tension_n = np.concatenate(parts)
    return np.arange(tension_n.size) / trace.rate_hz, tension_n, (ends[0], ends[1], ends[2])


@pytest.mark.parametrize("name", SILENT)
def test_a_zero_is_never_silent(silent: dict[str, Trace], name: str) -> None:
    trace = silent[name]
    analysis = analyze(trace.time_s, trace.tension_n)
    told = notes(list(analysis.events))
    if analysis.reps:
        assert not told
        return
    (note,) = told
    assert note in analysis.warnings
    assert note.message.startswith(f"{SILENT[name]} movements of about ")
    assert trace.reps[0].start_s <= note.time_s <= trace.reps[0].end_s


@pytest.mark.parametrize("name", SILENT)
def test_one_word_counts_the_set_and_the_sets_that_follow(silent: dict[str, Trace], name: str) -> None:
    time_s, tension_n, ends = thrice(silent[name])
    detector, counts, start = RepDetector(), list[int](), 0
    for end in ends:
        told = detector.push(time_s[start:end], tension_n[start:end])
        if start or detector.count:
            assert not notes(told), "there is a count"
        else:
            (note,) = notes(told)
            assert note.detected_s < time_s[end] - 15.0, "once the person has rested"
            assert detector.correct(is_rep=True) is not None
        counts.append(detector.count)
        start = end
    assert counts == [SILENT[name], 2 * SILENT[name], 3 * SILENT[name]]


def walked(*after: FloatArray) -> tuple[RepDetector, list[Event]]:
    """What is told of sixteen steps and what follows them."""
    tension_n = np.concatenate([steps(16), *after])
    detector = RepDetector()
    return detector, detector.push(np.arange(tension_n.size) / 80.0, tension_n)


def test_what_was_taken_for_steps_is_told_once_and_counted_when_the_person_says_so() -> None:
    detector, events = walked()
    (note,) = notes(events)
    assert detector.count == 0
    assert note.message.startswith("16 movements of about 7")
    added = [event.rep for event in detector.correct(is_rep=True) or () if isinstance(event, RepCompleted)]
    assert len(added) == detector.count == 16
    assert [rep.begins_set for rep in added] == [True] + [False] * 15
    assert all(a.end_s <= b.pull_start_s + 0.05 for a, b in itertools.pairwise(added))
    assert all(rep.probability == 1.0 for rep in added)


def test_what_was_added_by_mistake_is_taken_back_and_forgotten() -> None:
    detector, _ = walked()
    for _ in range(2):  # It can be said again.
        assert detector.correct(is_rep=True) is not None
        assert detector.count == 16
        for left in reversed(range(16)):
            (gone,) = (e for e in detector.correct(is_rep=False) or () if isinstance(e, RepRetracted))
            assert gone.count == detector.count == left


def test_after_something_larger_the_word_is_for_that_alone() -> None:
    pull_n = 40.0 * np.sin(np.linspace(0.0, np.pi, 240)) ** 2
    detector, events = walked(10.0 + pull_n, np.full(24, 10.0))
    assert notes(events)
    assert detector.count == 0
    added = [event.rep for event in detector.correct(is_rep=True) or () if isinstance(event, RepCompleted)]
    assert [rep.peak_n for rep in added] == [pytest.approx(50.0, abs=0.5)]


def test_walking_about_after_a_set_is_not_told() -> None:
    tension_n = np.concatenate([10.0 + waves(4), steps(16)])
    detector = RepDetector()
    assert not notes(detector.push(np.arange(tension_n.size) / 80.0, tension_n))
    assert detector.count == 4


def test_the_note_is_for_a_handful_of_movements_or_more() -> None:
    for count, told in ((3, 0), (8, 1)):
        tension_n = steps(count)
        assert len(notes(all_events(np.arange(tension_n.size) / 80.0, tension_n))) == told


@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_note_does_not_depend_on_blocks(block: int) -> None:
    tension_n = np.concatenate([steps(9), steps(12, rest_s=1.0)])
    time_s = np.arange(tension_n.size) / 80.0
    whole = all_events(time_s, tension_n)
    assert len(notes(whole)) == 1
    assert all_events(time_s, tension_n, block) == whole


def test_a_walk_is_told_once() -> None:
    steps = [trace for trace in walks.grid("dev", each=2) if trace.kind != "striding"]
    for trace in (*steps, *(controls.make("walking", seed) for seed in range(2))):
        assert len(notes(all_events(trace.time_s, trace.tension_n))) == 1, trace.name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["posture", "hold", "hang", "vehicle", "fiddling", "empty"])
def test_nothing_is_told_where_nobody_walks(kind: str) -> None:
    for trace in (controls.make(kind, seed) for seed in range(12)):
        assert not notes(all_events(trace.time_s, trace.tension_n)), trace.name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lying", "holding", "swaying", "tugging"])
def test_nothing_is_told_of_a_band_that_is_held(kind: str) -> None:
    for trace in (idling.make(kind, seed) for seed in range(12)):
        assert not notes(all_events(trace.time_s, trace.tension_n)), trace.name


@pytest.mark.slow
def test_a_third_of_rides_at_most_is_told_as_a_walk() -> None:
    rides = [idling.make("riding", seed) for seed in range(12)]
    assert sum(bool(notes(all_events(t.time_s, t.tension_n))) for t in rides) <= 4
