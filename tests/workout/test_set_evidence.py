"""A slip told from tiring, on sets drawn at random; and figures of sets whose zero is off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator

from bandsense.signal.events import Rep
from bandsense.workout.set_evidence import SetEvidence, band_changed, find_slip, return_cut

EXPONENT = 0.62


def a_set(
    rng: Generator, kind: str, *, start: float, slip: float = 0.0, exponent: float = EXPONENT
) -> list[Rep]:
    """Seven to twelve repetitions whose ends of range vary by 3 %; `start` is the stretch at the bottom."""
    n = int(rng.integers(7, 13))
    part, tops, bottoms = np.linspace(0.0, 1.0, n), np.ones(n), np.full(n + 1, start)
    if kind == "tiring":
        lost = rng.uniform(0.05, 0.3)
        tops -= lost * [part, part**2, np.maximum(0.0, (part - 0.6) / 0.4)][rng.integers(3)]
    if kind == "slip":
        at, longer = rng.integers(3, n - 1), 1.0 - (1.0 - slip) ** (1.0 / exponent)
        tops[at:] -= longer
        bottoms[at:] -= longer
    tops *= 1.0 + rng.normal(0.0, 0.03, n)
    peaks_n = 60.0 * np.maximum(tops, 0.0) ** exponent
    bottoms_n = 60.0 * np.maximum(bottoms + rng.normal(0.0, 0.015, n + 1), 0.0) ** exponent
    return [
        Rep(i + 1, 3.0 * i, 3.0 * i + 0.8, 3.0 * i + 1.2, 3.0 * i + 2.2, 3.0 * i + 1.0, peak, low, after)
        for i, (peak, low, after) in enumerate(
            zip(peaks_n.tolist(), bottoms_n[:-1].tolist(), bottoms_n[1:].tolist(), strict=True)
        )
    ]


def told(kind: str, *, start: float, slip: float = 0.0, exponent: float = EXPONENT, sets: int = 80) -> float:
    """Part of the sets in which a slip is told."""
    rng = np.random.default_rng(9)
    drawn = (a_set(rng, kind, start=start, slip=slip, exponent=exponent) for _ in range(sets))
    return float(np.mean([find_slip(each, EXPONENT) is not None for each in drawn]))


@pytest.mark.parametrize("exponent", [0.5, 0.62, 0.75])
@pytest.mark.parametrize("slip", [0.12, 0.18, 0.25])
def test_a_slip_on_a_band_that_stays_taut_is_told(slip: float, exponent: float) -> None:
    assert told("slip", start=0.2, slip=slip, exponent=exponent) >= 0.85


@pytest.mark.parametrize("slip", [0.12, 0.18, 0.25])
def test_a_slip_on_a_band_that_is_slack_at_the_bottom_is_told_more_often_than_not(slip: float) -> None:
    assert told("slip", start=0.0, slip=slip) >= 0.5


@pytest.mark.parametrize("start", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("kind", ["tiring", "even"])
def test_tiring_is_not_taken_for_a_slip(kind: str, start: float) -> None:
    assert told(kind, start=start) <= 0.02


def test_a_slip_says_where_and_how_much() -> None:
    rng = np.random.default_rng(3)
    found = find_slip(a_set(rng, "slip", start=0.25, slip=0.18), EXPONENT)
    assert found is not None
    assert found.at_bottom
    assert np.expm1(found.log_ratio) == pytest.approx(-0.18, abs=0.04)
    assert found.after == found.before + 1


@pytest.mark.parametrize("off_n", [-200.0, -60.0, -20.0])
def test_tensions_below_zero_have_no_evidence_but_no_error_either(off_n: float) -> None:
    reps = [
        Rep(
            i, 3.0 * i, 3.0 * i + 0.8, 3.0 * i + 1.2, 3.0 * i + 2.2, 3.0 * i + 1.0, 60.0 + off_n, off_n, off_n
        )
        for i in range(1, 8)
    ]
    evidence = SetEvidence.of(reps, EXPONENT)
    assert evidence.reps == 7
    assert evidence.range_loss == 0.0
    assert find_slip(reps, EXPONENT) is None
    assert return_cut(reps, EXPONENT)[1] == off_n


def _reps(tops: list[float], *, pause_s: float = 0.0, at: int = 0, start: float = 0.0) -> list[Rep]:
    """Repetitions that go so far each; from the one at `at` on after a pause, on a band taut by `start`."""
    reps = []
    for i, top in enumerate(tops):
        begin_s, low_n = (
            3.0 * i + (pause_s if i >= at else 0.0),
            60.0 * (start if i >= at else 0.0) ** EXPONENT,
        )
        times_s = (begin_s + t for t in (0.0, 0.8, 1.2, 2.2, 1.0))
        reps.append(Rep(i + 1, *times_s, 60.0 * top**EXPONENT, low_n, low_n, partial=top < 0.6))
    return reps


def _of_tops(tops: list[float]) -> SetEvidence:
    return SetEvidence.of(_reps(tops), EXPONENT)


@pytest.mark.parametrize("far", [1.2, 1.3, 1.45])
@pytest.mark.parametrize("others", [6, 9])
@pytest.mark.parametrize("over", [1, 2, 3])
def test_first_pulls_that_went_too_far_are_no_loss_of_range(over: int, others: int, far: float) -> None:
    evidence = _of_tops([far] * over + [1.0] * others)
    assert evidence.range_loss <= 0.02
    assert evidence.peak_n == pytest.approx(60.0), "nothing that later sessions should be held against"


@pytest.mark.parametrize("n", [5, 7, 9, 12])
@pytest.mark.parametrize("power", [1, 2, 4])
def test_a_range_that_fades_is_lost_however_it_fades(n: int, power: int) -> None:
    tops = 1.0 - 0.4 * np.linspace(0.0, 1.0, n) ** power
    assert _of_tops(tops.tolist()).range_loss >= 0.15


def test_who_loses_most_at_first_tires_all_the_same() -> None:
    rng = np.random.default_rng(4)
    fading = np.exp(-3.0 * np.linspace(0.0, 1.0, 9))
    tired = [_of_tops(((0.6 + 0.4 * fading) * rng.normal(1.0, 0.03, 9)).tolist()) for _ in range(50)]
    assert np.mean([evidence.range_loss > 0.2 for evidence in tired]) >= 0.95


def test_partial_repetitions_between_full_ones_are_no_loss_of_range() -> None:
    in_turn = _of_tops([1.0, 0.45] * 5)
    assert (in_turn.able, in_turn.range_loss) == (True, 0.0)
    at_the_end = _of_tops([1.0] * 6 + [0.45] * 4)
    assert not at_the_end.able
    assert at_the_end.range_loss > 0.5
    after_a_breather = _of_tops([1.0] * 6 + [0.45, 0.45, 1.0, 0.45])
    assert not after_a_breather.able


def test_who_steps_back_loses_no_range_and_cuts_no_return_short() -> None:
    reps = _reps([1.0] * 4 + [1.4] * 5, at=4, start=0.4)
    assert SetEvidence.of(reps, EXPONENT).range_loss <= 0.02
    assert return_cut(reps, EXPONENT)[0] <= 0.02
    short = _reps([1.0] * 9, at=4, start=0.4)
    assert SetEvidence.of(short, EXPONENT).range_loss > 0.3
    assert return_cut(short, EXPONENT)[0] > 0.3


@pytest.mark.parametrize("to", [0.4, 0.6, 1.6])
def test_a_step_at_a_pause_is_another_band(to: float) -> None:
    assert band_changed(_reps([1.0] * 8 + [to] * 6, pause_s=6.0, at=8)) == pytest.approx(6.8)
    assert find_slip(_reps([1.0] * 8 + [to] * 6, pause_s=6.0, at=8), EXPONENT) is None


@pytest.mark.parametrize(
    "reps",
    [
        _reps([1.0] * 8 + [0.6] * 6),
        _reps([1.0] * 14, pause_s=6.0, at=8),
        _reps([1.0 - 0.05 * i for i in range(12)], pause_s=6.0, at=6),
        _reps([1.0] * 4, pause_s=6.0, at=2),
    ],
    ids=["no pause", "no step", "fading", "few"],
)
def test_a_pause_or_a_step_alone_is_none(reps: list[Rep]) -> None:
    assert band_changed(reps) is None
