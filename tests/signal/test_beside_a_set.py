"""What people do with a band just before a set and in the middle of it is not counted."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.signal.analysis import analyze
from tests.signal.levels import Movement


@pytest.mark.parametrize("share", [0.3, 0.4])
def test_tugs_before_a_set_are_taken_back(share: float) -> None:
    """Four tugs that differ by a seventh: until the set has come nobody can know better."""
    wrong = 0
    for seed in range(20):
        hand = Movement(seed)
        hand.stay(2.0)
        for _ in range(4):
            hand.tug(share * 60.0 * np.exp(hand.rng.normal(0.0, 0.15)))
        hand.stay(2.0)
        hand.reps(0.0, 60.0, 8)
        wrong += len(analyze(*hand.trace()).reps) != 8
    # What is as even as repetitions, and as many, may be a set of its own.
    assert wrong <= 4


@pytest.mark.parametrize("valley", [0.65, 0.72, 0.8])
@pytest.mark.parametrize("tugs", [1, 2, 4])
def test_a_set_on_a_taut_band_counts_after_tugs_on_the_slack_one(valley: float, tugs: int) -> None:
    """The tugs are as large as the set's swing, or larger, but far below it: the hand was elsewhere."""
    hand = Movement(tugs)
    hand.stay(2.0)
    for _ in range(tugs):
        hand.tug(12.0 * np.exp(hand.rng.normal(0.0, 0.2)))
    hand.to(valley * 60.0, 1.0)
    hand.stay(1.5)
    hand.reps(valley * 60.0, 60.0, 8)
    assert len(analyze(*hand.trace()).reps) == 8


@pytest.mark.slow
@pytest.mark.parametrize(("size_n", "at_most"), [(15.0, 1), (30.0, 4), (50.0, 4)])
def test_fiddling_with_sizes_far_apart_is_taken_back(size_n: float, at_most: int) -> None:
    """Pulls whose sizes differ by half or twice, whose lengths and pauses do as well: some begin alike.

    A strong band takes more than a weak one, and is no set for that.
    """
    counted = 0
    for seed in range(100, 120):
        hand = Movement(seed)
        hand.stay(2.0)
        while hand.times_s[-1] < 40.0:
            hand.to(size_n * np.exp(hand.rng.normal(0.0, 0.7)), 0.335 * np.exp(hand.rng.normal(0.0, 0.5)))
            hand.to(0.0, 0.335 * np.exp(hand.rng.normal(0.0, 0.5)))
            hand.stay(hand.rng.exponential(0.8))
        counted += bool(analyze(*hand.trace()).reps)
    # By chance some of them hold a row of pulls as alike as repetitions.
    assert counted <= at_most


@pytest.mark.parametrize("valley_n", [0.0, 15.0])
@pytest.mark.parametrize("share", [0.45, 0.5, 0.75])
@pytest.mark.parametrize("short", [1, 2])
def test_a_set_that_begins_short_counts_from_its_first_pull(
    short: int, share: float, valley_n: float
) -> None:
    """The first pull or two come back as all others do and follow each other at the set's pace."""
    hand = Movement(short)
    hand.taut(valley_n)
    hand.reps(valley_n, valley_n + share * 60.0, short)
    hand.reps(valley_n, valley_n + 60.0, 8)
    assert len(analyze(*hand.trace()).reps) == short + 8


def _adjusted(seed: int, valley_n: float, share: float) -> int:
    """Count ten repetitions with three pauses, of two tugs each: a share of the swing, and a fifth more."""
    hand = Movement(seed)
    hand.taut(valley_n)
    for reps in (4, 3, 3):
        hand.reps(valley_n, valley_n + 60.0, reps)
        hand.stay(1.0)
        hand.tug(share * 60.0)
        hand.stay(1.0)
        hand.tug(1.2 * share * 60.0)
        hand.stay(1.0)
    return len(analyze(*hand.trace()).reps)


@pytest.mark.parametrize("share", [0.08, 0.12])
@pytest.mark.parametrize("valley_n", [0.0, 15.0])
def test_adjusting_the_band_in_mid_set_counts_nothing(valley_n: float, share: float) -> None:
    """Tugs of up to a seventh of the swing."""
    assert _adjusted(3, valley_n, share) == 10


def test_larger_tugs_in_mid_set_mostly_count_nothing() -> None:
    """Of up to nearly a fifth of the swing: a quarter of it is a partial repetition."""
    wrong = sum(_adjusted(seed, valley_n, 0.15) != 10 for valley_n in (0.0, 15.0) for seed in range(1, 11))
    assert wrong <= 1


def test_a_hold_that_wavers_and_is_let_go_is_no_set() -> None:
    """What came back by a tenth while it was held is no set because it ends at nothing."""
    counted = 0
    for seed in range(40):
        hand = Movement(seed)
        hand.stay(2.0)
        level_n = hand.rng.uniform(60.0, 190.0)
        hand.to(level_n, hand.rng.uniform(0.4, 1.5))
        for _ in range(5):
            hand.stay(hand.rng.uniform(2.0, 8.0))
            hand.to(level_n * hand.rng.uniform(0.85, 1.0), hand.rng.uniform(0.5, 3.0))
        hand.to(0.0, hand.rng.uniform(0.3, 1.2))
        hand.stay(4.0)
        counted += bool(analyze(*hand.trace()).reps)
    # By chance one of them comes back by as much as a set on a taut band.
    assert counted <= 1
