"""The band changed, or the person: which, and how sure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bandsense.bands.strand import Strand
from bandsense.bands.wear import Stiffness
from bandsense.workout.advice import LoadingReference, Reason, Rule
from bandsense.workout.band_or_person import SURE, compared, reference_of
from bandsense.workout.counts import RepCounts
from bandsense.workout.set_evidence import SetEvidence

STRAND = Strand(0.60, 0.75, 1.20)
BEFORE = LoadingReference(60.0, 15.0, 0.01, 0.60)
PULLED = Stiffness(200, 100.0, 2.0)
PULLED_BEFORE = replace(BEFORE, stiffness=PULLED)


def seen(peak_n: float, bottom_n: float, reps: int = 8) -> SetEvidence:
    return SetEvidence(reps, RepCounts(reps), peak_n, 0.01, 0.0, bottom_n / peak_n, steady=True)


def since(
    before: LoadingReference | None,
    evidence: SetEvidence,
    strand: Strand = STRAND,
    pulled: Stiffness | None = None,
) -> Reason | None:
    return compared(before, reference_of(evidence, strand, pulled), strand)


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
    reason = since(BEFORE, seen(peak_n, bottom_n))
    assert reason is not None
    assert reason.rule is rule
    assert reason.numbers["share"] == pytest.approx(peak_n / 60.0 - 1.0)
    assert SURE <= reason.numbers["probability"] <= 1.0


def test_nothing_is_said_where_it_cannot_be_told() -> None:
    assert since(None, seen(51.0, 12.75)) is None, "nothing to compare with"
    assert since(BEFORE, seen(58.0, 14.5)) is None, "the form of the day"
    assert since(BEFORE, seen(51.0, 0.0)) is None, "slack at the start"
    assert since(BEFORE, seen(51.0, 12.75, reps=3)) is None, "too few repetitions"
    assert since(BEFORE, seen(51.0, 12.75), Strand(0.66, 0.75, 1.20)) is None, "another length"
    assert since(BEFORE, seen(55.0, 9.0)) is None, "held longer: neither of the two"


def test_on_drawn_sessions_the_wrong_one_is_seldom_named() -> None:
    rng = np.random.default_rng(3)
    named = {Rule.BAND_CHANGED: [0, 0], Rule.PERSON_CHANGED: [0, 0]}
    for truth in named:
        for _ in range(400):
            change = -rng.uniform(0.12, 0.25)
            bottom = change if truth is Rule.BAND_CHANGED else 0.0
            peak_n = 60.0 * math.exp(change + rng.normal(0.0, 0.03))
            bottom_n = 15.0 * math.exp(bottom + rng.normal(0.0, 0.05))
            reason = since(BEFORE, seen(peak_n, bottom_n))
            if reason is not None:
                named[truth][reason.rule is truth] += 1
    for wrong, right in named.values():
        assert right >= 200, "named in half of the sessions at least"
        assert wrong <= 0.1 * (wrong + right)


def test_a_pull_in_between_tells_which_where_the_bottom_is_slack() -> None:
    slack = seen(51.0, 0.0)
    softer = since(PULLED_BEFORE, slack, pulled=Stiffness(700, 84.0, 2.0))
    assert softer is not None
    assert softer.rule is Rule.BAND_CHANGED
    assert softer.numbers["measured"] == pytest.approx(-0.16)
    as_it_was = since(PULLED_BEFORE, slack, pulled=Stiffness(700, 100.0, 2.0))
    assert as_it_was is not None
    assert as_it_was.rule is Rule.PERSON_CHANGED


def test_without_a_new_pull_a_slack_bottom_tells_nothing() -> None:
    assert since(PULLED_BEFORE, seen(51.0, 0.0), pulled=PULLED) is None, "one pull measured no change"
    assert since(BEFORE, seen(51.0, 0.0), pulled=PULLED) is None, "nothing to compare the pull with"


def test_a_pull_that_agrees_makes_surer_and_one_that_does_not_less_sure() -> None:
    softer = seen(51.0, 12.75)
    alone = since(BEFORE, softer)
    agreeing = since(PULLED_BEFORE, softer, pulled=Stiffness(700, 85.0, 2.0))
    contradicting = since(PULLED_BEFORE, softer, pulled=Stiffness(700, 108.0, 2.0))
    assert alone is not None
    assert agreeing is not None
    assert agreeing.numbers["probability"] > alone.numbers["probability"]
    assert contradicting is None or contradicting.numbers["probability"] < alone.numbers["probability"]
