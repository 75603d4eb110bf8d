"""The band changed, or the person: which, and how sure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bandsense.bands.strand import Strand
from bandsense.workout.advice import LoadingReference, Rule
from bandsense.workout.band_or_person import SURE, compared
from bandsense.workout.counts import RepCounts
from bandsense.workout.set_evidence import SetEvidence

STRAND = Strand(0.60, 0.75, 1.20)
BEFORE = LoadingReference(60.0, 15.0, 0.01, 0.60)


def seen(peak_n: float, bottom_n: float, reps: int = 8) -> SetEvidence:
    return SetEvidence(reps, RepCounts(reps), peak_n, 0.01, 0.0, bottom_n / peak_n, steady=True)


@pytest.mark.parametrize(
    ("peak_n", "bottom_n", "rule"),
    [
        (51.0, 12.75, Rule.BAND_CHANGED),
        (69.0, 17.25, Rule.BAND_CHANGED),
        (51.0, 15.0, Rule.PERSON_CHANGED),
        (69.0, 15.0, Rule.PERSON_CHANGED),
    ],
)
def test_what_changed_is_named_with_how_sure(peak_n: float, bottom_n: float, rule: Rule) -> None:
    reason = compared(BEFORE, seen(peak_n, bottom_n), STRAND)
    assert reason is not None
    assert reason.rule is rule
    assert reason.numbers["share"] == pytest.approx(peak_n / 60.0 - 1.0)
    assert SURE <= reason.numbers["probability"] <= 1.0


def test_nothing_is_said_where_it_cannot_be_told() -> None:
    assert compared(None, seen(51.0, 12.75), STRAND) is None, "nothing to compare with"
    assert compared(BEFORE, seen(58.0, 14.5), STRAND) is None, "the form of the day"
    assert compared(BEFORE, seen(51.0, 0.0), STRAND) is None, "slack at the start"
    assert compared(BEFORE, seen(51.0, 12.75, reps=3), STRAND) is None, "too few repetitions"
    assert compared(BEFORE, seen(51.0, 12.75), Strand(0.66, 0.75, 1.20)) is None, "another length"
    assert compared(BEFORE, seen(55.0, 9.0), STRAND) is None, "held longer: neither of the two"


def test_on_drawn_sessions_the_wrong_one_is_seldom_named() -> None:
    rng = np.random.default_rng(3)
    named = {Rule.BAND_CHANGED: [0, 0], Rule.PERSON_CHANGED: [0, 0]}
    for truth in named:
        for _ in range(400):
            change = -rng.uniform(0.12, 0.25)
            bottom = change if truth is Rule.BAND_CHANGED else 0.0
            peak_n = 60.0 * math.exp(change + rng.normal(0.0, 0.03))
            bottom_n = 15.0 * math.exp(bottom + rng.normal(0.0, 0.05))
            reason = compared(BEFORE, seen(peak_n, bottom_n), STRAND)
            if reason is not None:
                named[truth][reason.rule is truth] += 1
    for wrong, right in named.values():
        assert right >= 200, "named in half of the sessions at least"
        assert wrong <= 0.1 * (wrong + right)
