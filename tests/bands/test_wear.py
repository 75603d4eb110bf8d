"""Softening that use explains, and softening that it does not."""

from __future__ import annotations

import pytest

from bandsense.bands.fit import Mark, fit_marks
from bandsense.bands.wear import Stiffness, WearState, assess_wear, explained_loss


def _history(*strengths: float, u: float = 0.01, reps_a_session: int = 60) -> list[Stiffness]:
    return [Stiffness(60 + i * reps_a_session, f, u * f) for i, f in enumerate(strengths)]


def test_one_session_tells_nothing() -> None:
    assert assess_wear(_history(50.0)).state is WearState.UNKNOWN
    assert assess_wear([]).state is WearState.UNKNOWN


def test_a_band_that_stays_is_fine() -> None:
    wear = assess_wear(_history(50.0, 50.3, 49.8, 50.1))
    assert wear.state is WearState.FINE
    assert "as strong as at first" in wear.message


def test_conditioning_and_use_are_expected() -> None:
    slowly = [50.0 * (1 - 0.012 * i) for i in range(10)]
    wear = assess_wear(_history(*slowly, reps_a_session=100))
    assert wear.state is WearState.FINE
    assert wear.loss == pytest.approx(0.085, abs=0.01)


def test_what_a_new_band_loses_at_first_and_wins_back_is_no_wear() -> None:
    # Fresh from the packet, conditioned, rested over night, conditioned again.
    for strengths in ((50.0, 47.8), (50.0, 47.8, 49.8), (47.8, 49.8), (50.0, 47.8, 49.8, 47.6)):
        assert assess_wear(_history(*strengths)).state is WearState.FINE
    assert assess_wear(_history(50.0, 47.8, 42.0)).state is WearState.SUDDEN
    assert assess_wear(_history(50.0, 47.8, 42.0, 42.0)).state is WearState.WORN


@pytest.mark.parametrize(("u", "state"), [(0.02, WearState.SUDDEN), (0.05, WearState.FINE)])
def test_a_loss_between_two_sessions_is_told_where_it_is_beyond_doubt(u: float, state: WearState) -> None:
    assert assess_wear(_history(50.0, 50.0, 50.0, 44.0, u=u)).state is state


def test_a_band_that_grew_stronger_was_measured_wrongly() -> None:
    wear = assess_wear(_history(50.0, 50.2, 57.0, 57.2))
    assert wear.state is WearState.DOUBTFUL
    assert not wear.state.alarming
    assert wear.message.startswith("The band seems 14 % stronger than at first")
    assert assess_wear(_history(50.0, 50.2, 57.0, 57.2, u=0.08)).state is WearState.FINE


def test_more_than_use_explains_is_worn() -> None:
    softer = [50.0 * (1 - 0.03 * i) for i in range(10)]
    wear = assess_wear(_history(*softer, reps_a_session=100))
    assert wear.state is WearState.WORN
    assert wear.state.alarming
    assert "lost 22 % of its first tension; normal use explains up to 15 %. Replace it." in wear.message


def test_the_same_loss_with_poor_measurements_is_no_verdict() -> None:
    softer = [50.0 * (1 - 0.03 * i) for i in range(10)]
    assert assess_wear(_history(*softer, u=0.15, reps_a_session=100)).state is WearState.FINE


def test_a_sudden_loss_warns_before_the_next_pull() -> None:
    wear = assess_wear(_history(50.0, 49.8, 50.1, 43.0))
    assert wear.state is WearState.SUDDEN
    assert "nicks and tears" in wear.message
    assert assess_wear(_history(50.0, 49.8, 50.1, 46.5)).state is not WearState.SUDDEN


def test_what_use_explains_grows_and_ends() -> None:
    assert explained_loss(0) == pytest.approx(0.05)
    assert explained_loss(500) < explained_loss(1000) == explained_loss(5000) == pytest.approx(0.155)


def test_a_check_pull_to_one_mark_is_a_measure() -> None:
    stiffness = Stiffness.from_fit(fit_marks(0.8, [Mark(1.6, 50.0)]), cycles=120)
    assert stiffness.f100_n == pytest.approx(50.0, rel=1e-2)
    assert 0.3 < stiffness.uncertainty_n < 2.0
