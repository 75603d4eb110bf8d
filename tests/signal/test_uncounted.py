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

SILENT = {
    "envelope/held/0/0/5/0.5/80/8/1/0.08/broad/rest/0/release": 8,
    "envelope/held/0/0.1/5/0.35/80/12/2/0.08/minimum jerk/rest/0.299964/release": 12,
    "envelope/held/0/0.8/20/0.35/80/12/4/0.08/minimum jerk/rest/0.0752647/release": 12,
    "envelope/held/0/0.8/20/0.5/80/12/2/0.03/sharp/cut/0/cut": 12,
}
"""Quick, weak sets that are taken for steps, with their repetitions."""

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
def test_what_was_taken_for_steps_is_told(silent: dict[str, Trace], name: str) -> None:
    trace = silent[name]
    analysis = analyze(trace.time_s, trace.tension_n)
    assert not analysis.reps
    (note,) = notes(list(analysis.events))
    assert note in analysis.warnings
    assert note.message.startswith(f"{SILENT[name]} movements of about ")
    first = trace.reps[0]
    assert first.start_s <= note.time_s <= first.end_s


@pytest.mark.parametrize("name", SILENT)
def test_one_word_counts_the_set_and_the_sets_that_follow(silent: dict[str, Trace], name: str) -> None:
    time_s, tension_n, ends = thrice(silent[name])
    detector, counts, start = RepDetector(), list[int](), 0
    for i, end in enumerate(ends):
        told = detector.push(time_s[start:end], tension_n[start:end])
        if i == 0:
            (note,) = notes(told)
            assert time_s[0] < note.detected_s < time_s[end] - 15.0, "once the person has rested"
            added = detector.correct(is_rep=True)
            assert added is not None
            reps = [event.rep for event in added if isinstance(event, RepCompleted)]
            assert len(reps) == SILENT[name]
            assert all(a.end_s <= b.pull_start_s + 0.05 for a, b in itertools.pairwise(reps))
            assert [rep.begins_set for rep in reps] == [True] + [False] * (len(reps) - 1)
        else:
            assert not notes(told), "there is a count"
        counts.append(detector.count)
        start = end
    assert counts == [SILENT[name], 2 * SILENT[name], 3 * SILENT[name]]


def test_what_was_added_by_mistake_is_taken_back_and_forgotten(silent: dict[str, Trace]) -> None:
    name = next(iter(SILENT))
    trace = silent[name]
    time_s, tension_n, (end, *_) = thrice(trace)
    detector = RepDetector()
    detector.push(time_s[:end], tension_n[:end])
    for _ in range(2):  # It can be said again.
        assert detector.correct(is_rep=True) is not None
        assert detector.count == SILENT[name]
        for left in reversed(range(SILENT[name])):
            (gone,) = (e for e in detector.correct(is_rep=False) or () if isinstance(e, RepRetracted))
            assert gone.count == detector.count == left


def test_after_something_larger_the_word_is_for_that_alone(silent: dict[str, Trace]) -> None:
    trace = silent[next(iter(SILENT))]
    rest_n, pull_n = np.zeros(round(4.0 * 80)), 40.0 * np.sin(np.linspace(0.0, np.pi, 240)) ** 2
    tension_n = np.concatenate([trace.tension_n, rest_n, pull_n, rest_n[:24]])
    detector = RepDetector()
    events = detector.push(np.arange(tension_n.size) / 80.0, tension_n)
    assert notes(events)
    before = detector.count
    added = [e.rep for e in detector.correct(is_rep=True) or () if isinstance(e, RepCompleted)]
    assert before == 0
    assert [rep.peak_n for rep in added] == [pytest.approx(40.0, abs=0.5)]


@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_note_does_not_depend_on_blocks(silent: dict[str, Trace], block: int) -> None:
    time_s, tension_n, (end, *_) = thrice(silent[next(iter(SILENT))])
    whole = all_events(time_s[:end], tension_n[:end])
    assert notes(whole)
    assert all_events(time_s[:end], tension_n[:end], block) == whole


def test_a_walk_is_told_once() -> None:
    for trace in (*walks.grid("dev", each=2), *(controls.make("walking", seed) for seed in range(2))):
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
def test_a_vehicle_is_mistaken_for_a_walk_in_a_quarter_of_rides_at_most() -> None:
    rides = [idling.make("riding", seed) for seed in range(12)]
    assert sum(bool(notes(all_events(t.time_s, t.tension_n))) for t in rides) <= 3
