"""Left and right as paired half-sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bandsense.app.session_result import SessionResult
from bandsense.bands.strand import Strand
from bandsense.calibration.curve import Calibration
from bandsense.errors import ConfigError
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import Side, SlackMethodKind
from bandsense.live.formatting import (
    advice_text,
    cue_words,
    format_log_line,
    reason_words,
    silent_words,
)
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.advice import Advice, Basis, Rule, SlackAction
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, SetStarted, SlackAdvised
from bandsense.workout.inputs import SlackAnswer
from bandsense.workout.plan import Plan
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.sides import explained
from bandsense.workout.workout import Workout
from tests.support.traces import waves

RATE_HZ = 80.0


def half_set_n(reps: int, height_n: float, rest_s: float = 20.0) -> np.ndarray:
    """Repetitions of 2 s with 1 s between them, then a rest."""
    return np.concatenate([waves(reps, height_n), np.zeros(int(rest_s * RATE_HZ))])


def followed(
    first_side: Side | None,
    half_sets: Sequence[tuple[int, float] | tuple[int, float, float]],
    **changes: Any,
) -> Workout:
    return followed_with_events(first_side, half_sets, **changes)[0]


def followed_with_events(
    first_side: Side | None,
    half_sets: Sequence[tuple[int, float] | tuple[int, float, float]],
    **changes: Any,
) -> tuple[Workout, list[Event]]:
    tension_n = 3.0 + np.concatenate([np.zeros(160), *(half_set_n(*each) for each in half_sets)])
    noisy_n = tension_n + 0.05 * np.random.default_rng(4).standard_normal(tension_n.size)
    settings = WorkoutSettings(
        Calibration.identity(), get_exercise("bent-over-row"), Plan(sets=2), first_side=first_side, **changes
    )
    workout = Workout(settings)
    events = workout.push(SampleBlock(np.arange(noisy_n.size) / RATE_HZ, noisy_n, Unit.NEWTON))
    return workout, [*events, *workout.finish()]


def test_changing_sides_takes_no_long_rest() -> None:
    quick = [(5, 55.0, 8.0), (5, 50.0, 20.0)]
    workout, events = followed_with_events("left", quick)
    assert [(len(result.reps), result.side) for result in workout.results] == [(5, "left"), (5, "right")]
    cues = [
        cue_words(event) for event in events if isinstance(event, CueGiven) and event.kind is CueKind.SET_DONE
    ]
    assert cues == ["Set done, now the right side", "Set done"]
    assert len(followed(None, quick).results) == 1, "where both work it is a pause within a set"


def test_each_half_set_says_whose_it_is_and_advises_its_side() -> None:
    _, events = followed_with_events("right", [(6, 55.0), (9, 50.0), (6, 55.0), (11, 50.0)])
    assert [event.side for event in events if isinstance(event, SetStarted)] == [
        "right",
        "left",
        "right",
        "left",
    ]
    advice = [event.advice for event in events if isinstance(event, SlackAdvised)]
    assert [(each.side, each.action) for each in advice] == [
        ("right", SlackAction.ADD),
        ("left", SlackAction.KEEP),
        ("right", SlackAction.ADD),
        ("left", SlackAction.KEEP),
    ]
    assert advice_text(advice[0]) == (
        "ADD SLACK, right side - Let about 3 cm of band out of your hand. "
        "You did 6 full repetitions; the plan asks for at least 8."
    )
    assert [
        format_log_line(event, lambda _: 1.0).split("  ")[-1]
        for event in events
        if isinstance(event, SetStarted)
    ][:2] == ["half-set 1, right", "half-set 2, left"]


def test_each_side_counts_its_own_easy_sessions() -> None:
    workout = followed("left", [(9, 55.0), (9, 50.0), (10, 55.0), (8, 50.0)])
    assert {side: state.easy_sessions for side, state in workout.advisor_states.items()} == {
        "left": 1,
        "right": 0,
    }
    again, events = followed_with_events(
        "right",
        [(9, 50.0), (10, 55.0), (8, 50.0), (10, 55.0)],
        advisor=workout.advisor_states["left"],
        advisor_right=workout.advisor_states["right"],
    )
    removed = [
        e.advice for e in events if isinstance(e, SlackAdvised) and e.advice.action is SlackAction.REMOVE
    ]
    assert [advice.side for advice in removed] == ["left"]
    assert again.advisor_states["right"].easy_sessions == 0


def test_the_answer_goes_to_the_side_that_was_advised() -> None:
    settings = WorkoutSettings(
        Calibration.identity(), get_exercise("bent-over-row"), Plan(sets=1), first_side="left"
    )
    workout = Workout(settings)
    tension_n = 3.0 + np.concatenate([np.zeros(160), half_set_n(5, 55.0)])
    workout.push(SampleBlock(np.arange(tension_n.size) / RATE_HZ, tension_n, Unit.NEWTON))
    before = workout.advisor_states
    workout.apply(SlackAnswer(followed=True))
    after = workout.advisor_states
    assert after["left"].strand.rest_length_m > before["left"].strand.rest_length_m
    assert after["right"] == before["right"]


def test_the_sides_take_turns_and_are_compared() -> None:
    workout = followed("right", [(5, 55.0), (4, 50.0), (6, 55.0), (6, 50.0)])
    assert [result.side for result in workout.results] == ["right", "left", "right", "left"]
    summary = workout.summary()
    assert summary.full_reps == (4, 6)  # the lesser side of each pair
    assert summary.planned_sets == 2
    assert summary.asymmetry is not None
    # Peaks over the 3 N before them: 58 against 53, as a share of their mean.
    assert summary.asymmetry.peak.share == pytest.approx(5.0 / 55.5, abs=0.01)
    assert summary.asymmetry.peak.certain
    assert abs(summary.asymmetry.time_under_tension.share) < 0.02


def test_one_side_alone_is_neither_a_set_nor_compared() -> None:
    summary = followed("left", [(5, 50.0)]).summary()
    assert (summary.sets, summary.full_reps, summary.asymmetry) == (1, (), None)


def test_where_both_work_no_set_has_a_side() -> None:
    workout = followed(None, [(5, 50.0), (4, 50.0)])
    assert [result.side for result in workout.results] == [None, None]
    assert (workout.summary().full_reps, workout.summary().asymmetry) == ((5, 4), None)


def test_the_side_is_kept_with_the_session() -> None:
    settings = WorkoutSettings(Calibration.identity(), first_side="right")
    data = settings.to_dict()
    assert WorkoutSettings.from_dict(data) == settings
    del data["first_side"]  # sessions of before
    assert WorkoutSettings.from_dict(data).first_side is None
    with pytest.raises(ConfigError):
        WorkoutSettings.from_dict(data | {"first_side": "top"})


def test_a_silent_sensor_is_no_balance_of_sides() -> None:
    quick, silent = followed(None, [(8, 55.0, 20.0)]), Workout(WorkoutSettings(Calibration.identity()))
    silent.push(SampleBlock(np.arange(800) / RATE_HZ, np.zeros(800), Unit.NEWTON))
    silent.finish()
    result = SessionResult({"left": quick, "right": silent})
    assert result.asymmetry is None
    assert result.silent == ("right",)
    assert silent_words("right").startswith(
        "the right sensor saw no repetition: the sides cannot be compared"
    )
    summary = result.summary()
    assert summary["full"] + summary["partial"] + summary["unsure"] == summary["reps"] == 0
    assert SessionResult({"left": quick, "right": quick}).silent == ()


def test_the_amounts_of_the_sides_are_explained_only_where_they_can_be_compared() -> None:
    def told(side: Side, mean_peak_n: float, amount_cm: int, rest_m: float = 0.60) -> Advice:
        basis = Basis(6, mean_peak_n, Strand(rest_m, 0.75, 1.20))
        kind = SlackMethodKind.GRIP
        change_m = amount_cm / 100.0
        return Advice(
            SlackAction.ADD,
            Rule.TOO_HARD,
            (),
            "",
            amount_cm,
            basis=basis,
            kind=kind,
            change_m=change_m,
            side=side,
        )

    left, right = told("left", 60.0, 3), told("right", 51.6, 5)
    (reason,) = explained(right, left).reasons
    assert reason_words(reason) == (
        "At the same length this side pulled 14 % less than the other, so it gets 2 cm more slack."
    )
    assert explained(told("right", 59.0, 5), left).reasons == (), "no difference to speak of"
    assert explained(told("right", 51.6, 5, rest_m=0.65), left).reasons == (), "another length"
    assert explained(told("right", 51.6, 2), left).reasons == (), "it would not explain the amounts"
    assert explained(right, None) is right
