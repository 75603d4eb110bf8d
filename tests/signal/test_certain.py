"""What is surely a repetition is told, also where it is in doubt how many there were before it."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCompleted, RepCounted, RepRetracted
from benchmarks.evidence import special
from tests.signal.levels import Movement

RETURN_S = 0.8


@pytest.mark.parametrize("seed", [30, 35, 60, 92, 136, 233, 235])
def test_a_full_repetition_is_told_in_time_though_two_short_ones_before_it_are_in_doubt(seed: int) -> None:
    """With every full one it is less likely that the short ones were of its set; their number is no bar."""
    hand = Movement(seed)
    hand.stay(2.0)
    share = hand.rng.uniform(0.4, 0.55)
    full_n, spread = hand.rng.uniform(10.0, 30.0), hand.rng.uniform(0.03, 0.15)
    full, pull_s = int(hand.rng.integers(3, 7)), hand.rng.uniform(0.3, 1.0)
    returns_s: list[float] = []
    for part in [share] * 2 + [1.0] * full:
        hand.to(part * full_n * np.exp(hand.rng.normal(0.0, spread)), pull_s)
        hand.stay(0.2)
        returns_s.append(hand.times_s[-1])
        hand.to(0.0, RETURN_S)
        hand.stay(0.5)
    events = RepDetector().push(*hand.trace())
    soon_s = returns_s[-1] + RETURN_S + 0.25
    told_s = [e.time_s for e in events if isinstance(e, RepCounted) and e.detected_s <= soon_s]
    for at_s in returns_s[2:]:
        assert min(abs(at_s - top_s) for top_s in told_s) < 0.5


def test_what_stands_at_the_end_is_one_explanation_and_no_mixture() -> None:
    """Two short pulls and four full ones: four are likelier than six, and then the four are the full ones."""
    trace = special.make("begun_short", 9007, "dev")
    detector, tops_s = RepDetector(), {}
    for event in [*detector.push(trace.time_s, trace.tension_n), *detector.finish()]:
        if isinstance(event, RepCompleted):
            tops_s[event.rep.index] = event.rep.peak_time_s
        elif isinstance(event, RepRetracted):
            tops_s.pop(event.index, None)
    full = sorted(tops_s.values())[-4:]
    assert full == pytest.approx([rep.top_s for rep in trace.reps[-4:]], abs=0.3)


def test_what_is_surely_one_takes_the_place_of_what_is_rather_none() -> None:
    """Three, no explanation counts four: so the count does not go up before the tug at the start goes."""
    trace = special.make("set_up", 0, "dev")
    events = RepDetector().push(trace.time_s, trace.tension_n)
    gone_s, gone_to = next((e.detected_s, e.count) for e in events if isinstance(e, RepRetracted))
    counts = [e.count for e in events if isinstance(e, RepCounted) and e.detected_s < gone_s]
    assert max(counts) == gone_to + 1
    assert [e.count for e in events if isinstance(e, RepCounted) and e.detected_s == gone_s] == [gone_to + 1]
