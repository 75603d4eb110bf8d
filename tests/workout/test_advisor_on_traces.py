"""The advisor behind the whole signal chain, on simulated traces of a band with memory and a noisy sensor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from bandsense.bands.strand import Strand
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.formatting import advice_reason
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCompleted
from bandsense.sim.physics.band import SimulatedBand
from bandsense.sim.physics.person import Move, RepPlan, SimulatedPlan, perform
from bandsense.workout.advice import Advice, AdvisorState, Rule, SlackAction
from bandsense.workout.advisor import Advisor

STROKE_M, REST_M = 0.6, 0.6


def coached(
    tops: Iterable[float],
    slack_m: float,
    *,
    skew: float = 0.0,
    regrip: tuple[int, float] | None = None,
) -> tuple[list[Advice], Advice]:
    """Repetitions up to `tops`, followed live; advice given within the set, and after it.

    `regrip` is (repetition, metres): from there on the band is that much longer.
    """
    rng, dt_s = np.random.default_rng(11), 1.0 / 80.0
    parts = [
        RepPlan(top * rng.normal(1.0, 0.02), 0.0, 1.2, 0.3, 2.0, 0.5, pull_skew=skew, return_skew=skew)
        for top in tops
    ]
    movement = perform(SimulatedPlan(STROKE_M, (Move(2.0, 0.0), *parts, Move(3.0, 0.0))), dt_s, rng)
    bands = [SimulatedBand(rest_length_m=REST_M, slack_m=slack_m)]
    tension_n = bands[0].tension_n(movement.displacement_m, dt_s)
    if regrip is not None:
        longer = SimulatedBand(rest_length_m=REST_M + regrip[1], slack_m=slack_m + regrip[1])
        at = movement.spans[regrip[0]][0] - 10
        tension_n[at:] = longer.tension_n(movement.displacement_m, dt_s)[at:]
    tension_n += rng.normal(0.0, 0.05, tension_n.size)
    detector = RepDetector()
    events = [*detector.push(movement.time_s, tension_n), *detector.finish()]
    lengths = Strand(REST_M, max(REST_M - slack_m, 0.1), REST_M - slack_m + STROKE_M)
    advisor = Advisor(get_exercise("seated-row"), None, AdvisorState(lengths))
    levels = zip(movement.time_s[::4].tolist(), tension_n[::4].tolist(), strict=True)
    level = next(levels, None)
    within: list[Advice] = []
    reps = []
    for event in events:
        if isinstance(event, RepCompleted):
            while level is not None and level[0] <= event.detected_s:
                advisor.tick(*level)
                level = next(levels, None)
            advice = advisor.after_rep(event.rep)
            within += [advice] if advice is not None else []
            reps.append(event.rep)
    return within, advisor.after_set(reps, last_of_session=False)


@pytest.mark.parametrize("slack_m", [-0.2, -0.05, 0.0, 0.03])
@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
def test_a_steady_set_on_a_taut_band_is_left_alone(slack_m: float, skew: float) -> None:
    within, after = coached([1.0] * 9, slack_m, skew=skew)
    assert within == []
    assert (after.action, after.rule) == (SlackAction.KEEP, Rule.STEADY)


@pytest.mark.parametrize("slack_m", [0.12, 0.18])
@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
def test_a_band_that_hangs_slack_at_the_bottom_is_taken_in(slack_m: float, skew: float) -> None:
    within, after = coached([1.0] * 9, slack_m, skew=skew)
    assert [advice.rule for advice in within] == [Rule.SLACK_AT_BOTTOM]
    assert within[0].action is after.action is SlackAction.REMOVE
    assert 1.0 < within[0].tension_ratio <= 1.10


def test_a_set_that_fades_asks_for_slack() -> None:
    within, after = coached(np.linspace(1.0, 0.62, 9), -0.15)
    assert within == []
    assert (after.action, after.rule) == (SlackAction.ADD, Rule.TOO_HARD)
    assert "Your range shrank by" in advice_reason(after)


def test_a_band_that_slips_in_mid_set_is_taken_in_again() -> None:
    within, _ = coached([1.0] * 9, -0.2, regrip=(5, 0.06))
    assert [advice.rule for advice in within] == [Rule.SLIPPED]
    assert within[0].action is SlackAction.REMOVE
    assert advice_reason(within[0]).startswith("From repetition 5 to 6 the tension fell by")
