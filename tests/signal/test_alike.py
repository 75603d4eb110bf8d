"""What is like a set's repetitions and is none, and what is unlike them and is one."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCounted
from benchmarks.evidence import controls, special
from tests.signal.levels import Movement


def _counted(time_s: FloatArray, tension_n: FloatArray) -> int:
    return len(analyze(time_s, tension_n).reps)


@pytest.mark.parametrize("swing_n", [5.0, 8.0, 12.0])
@pytest.mark.parametrize("tugs", [1, 2, 3])
def test_a_light_set_counts_after_tugs_that_go_nearly_as_far(swing_n: float, tugs: int) -> None:
    """They are twice as quick as a repetition so small would be. None of the set was counted for them."""
    for seed in range(4):
        hand = Movement(seed)
        hand.stay(2.0)
        for _ in range(tugs):
            hand.to(0.7 * swing_n * np.exp(hand.rng.normal(0.0, 0.15)), 0.3)
            hand.to(0.0, 0.3)
            hand.stay(1.5)
        hand.to(0.5 * swing_n, 1.0)
        hand.stay(1.0)
        hand.reps(0.5 * swing_n, 1.5 * swing_n, 8)
        assert _counted(*hand.trace()) == 8


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8])
def test_of_tugs_before_a_set_the_likest_counts_and_not_their_number(share: float) -> None:
    """They are as slow as a repetition so small would be. A price for each lost the set, or told the tugs."""
    for seed in range(6):
        hand = Movement(seed)
        hand.stay(2.0)
        for _ in range(3):
            hand.to(share * 5.0 * np.exp(hand.rng.normal(0.0, 0.15)), 0.6)
            hand.to(0.0, 0.6)
            hand.stay(1.5)
        hand.to(2.5, 1.0)
        hand.stay(1.0)
        hand.reps(2.5, 7.5, 8)
        assert _counted(*hand.trace()) == 8


@pytest.mark.parametrize(("kind", "seed"), [("quick_after_holds", 20010), ("quick_after_holds", 20018)])
def test_long_holds_before_quick_repetitions_are_repetitions_of_the_set(kind: str, seed: int) -> None:
    """They ended just before it, however long ago they began."""
    trace = special.make(kind, seed, "dev")
    assert _counted(trace.time_s, trace.tension_n) == trace.n


@pytest.mark.parametrize("hold_s", [10.0, 11.0])
def test_whoever_rests_long_at_the_top_does_so_in_every_repetition(hold_s: float) -> None:
    """That a repetition is so long is unlikely once, and not anew each time."""
    for seed in range(4):
        hand = Movement(seed)
        hand.stay(2.0)
        hand.tug(1.5)
        hand.tug(1.5)
        hand.to(4.0, 1.0)
        hand.stay(1.5)
        for _ in range(4):
            hand.to(4.0 + 6.5 * np.exp(hand.rng.normal(0.0, 0.05)), 0.8)
            hand.stay(hold_s * np.exp(hand.rng.normal(0.0, 0.08)))
            hand.to(4.0, 1.0)
            hand.stay(hand.rng.uniform(1.0, 5.0))
        assert _counted(*hand.trace()) == 4


@pytest.mark.parametrize("seed", [7000, 7001, 20015])
def test_an_uneven_set_that_begins_short_keeps_its_first_repetition(seed: int) -> None:
    """Its upper level is the new one as soon as that is likelier than that one pull went too far."""
    trace = special.make("begun_short", seed, "dev")
    assert _counted(trace.time_s, trace.tension_n) == trace.n


@pytest.mark.parametrize("seed", [20034, 20048, 30004, 40022])
def test_a_pull_that_is_more_likely_none_is_not_told_because_somebody_rests(seed: int) -> None:
    """Fewer than one repetition is expected: what is told in spite of its doubt is a set."""
    trace = controls.make("fiddling", seed, "dev")
    events = RepDetector().push(trace.time_s, trace.tension_n)
    assert not any(isinstance(event, RepCounted) for event in events)


def test_a_hold_that_sags_once_by_a_quarter_is_no_two_repetitions() -> None:
    """It is let go afterwards: what came back so little is a dip of one long movement."""
    trace = controls.make("hold", 20011, "dev")
    assert _counted(trace.time_s, trace.tension_n) == 0
