"""A repetition that is told long after it happened, because doubt lasted: what is measured, at any cut."""

from __future__ import annotations

import pytest

from bandsense.signal import detector
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, RepCompleted, RepCounted
from benchmarks.evidence.envelope import Cell, make
from benchmarks.evidence.trace import Trace

TAUT = make(Cell(0.75, 45.0, 10.0))
"""Slow waves on a stretched band, the first of which may be sway for a long time."""


def events_of(trace: Trace, block: int) -> list[Event]:
    stream = RepDetector()
    events = []
    for i in range(0, trace.time_s.size, block):
        events += stream.push(trace.time_s[i : i + block], trace.tension_n[i : i + block])
    return events + stream.finish()


def latest_s(events: list[Event]) -> float:
    return max(event.detected_s - event.time_s for event in events if isinstance(event, RepCounted))


def test_a_repetition_told_late_is_measured_where_it_was() -> None:
    events = events_of(TAUT, 16)
    assert latest_s(events) > 10.0
    reps = {event.rep.index: event.rep for event in events if isinstance(event, RepCompleted)}
    assert len(reps) == len(TAUT.reps)
    for rep, bounds in zip(sorted(reps.values(), key=lambda rep: rep.end_s), TAUT.bounds, strict=True):
        assert not rep.hidden
        if bounds is not None:  # The last return goes on into letting the band go.
            assert (rep.pull_start_s, rep.end_s) == pytest.approx((bounds[0], bounds[3]), abs=0.25)


@pytest.mark.parametrize("history_s", [4.0, 8.0, 300.0])
def test_how_long_ago_is_too_long_does_not_depend_on_the_cut(
    monkeypatch: pytest.MonkeyPatch, history_s: float
) -> None:
    monkeypatch.setattr(detector, "HISTORY_S", history_s)
    events = events_of(TAUT, 16)
    for block in (1, 777, TAUT.time_s.size):
        assert events_of(TAUT, block) == events


def test_what_was_told_too_late_to_be_measured_has_its_turning_points_and_hides_its_phases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector, "HISTORY_S", 4.0)
    reps = [event.rep for event in events_of(TAUT, 16) if isinstance(event, RepCompleted)]
    late = [rep for rep in reps if "told too late" in rep.hidden.get("concentric_s", "")]
    assert late
    assert all(set(rep.hidden) == {"concentric_s", "hold_s", "eccentric_s"} for rep in late)
    for rep in late:
        true = min(TAUT.reps, key=lambda true: abs(true.top_s - rep.peak_time_s))
        assert rep.peak_time_s == pytest.approx(true.top_s, abs=0.3)
        assert rep.peak_n == pytest.approx(45.0, abs=1.0)
        assert abs(rep.peak_n - 45.0) <= 2.0 * rep.peak_uncertainty_n
        # The first one's lower turning point is where the band was taken up.
        assert rep.index == 1 or rep.pull_start_s == pytest.approx(true.start_s, abs=0.5)
        assert rep.end_s == pytest.approx(true.end_s, abs=1.2)
