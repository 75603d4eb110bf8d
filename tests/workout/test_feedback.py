from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration
from bandsense.errors import ConfigError, DataError
from bandsense.exercises.catalogue import get_exercise
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.events import (
    CueGiven,
    Event,
    ExerciseStopped,
    SetDone,
    SetRated,
    SlackAdvised,
    to_json,
)
from bandsense.workout.feedback import Feedback, FeedbackBook, Scale, StopReason, StopRules
from bandsense.workout.inputs import EndSet, SetFeedback, input_data, input_from, input_name
from bandsense.workout.plan import Plan
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import waves

HZ = 80.0


def block(tension_n: np.ndarray, start_s: float) -> SampleBlock:
    return SampleBlock(start_s + np.arange(tension_n.size) / HZ, tension_n, Unit.NEWTON)


def a_workout(stop: StopRules) -> Workout:
    plan = replace(Plan(), stop=stop)
    exercise = get_exercise("seated-row")
    return Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON), exercise=exercise, plan=plan))


def a_set(workout: Workout, start_s: float, reps: int = 4) -> list[Event]:
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(reps, pause_s=0.5), np.zeros(160)])
    return [*workout.push(block(tension_n, start_s)), *workout.apply(EndSet())]


def kinds(events: list[Event]) -> list[type[Any]]:
    return [type(event) for event in events]


def test_effort_is_asked_then_pain_then_nothing() -> None:
    workout = a_workout(StopRules())
    assert workout.asks is None
    a_set(workout, 0.0)
    assert workout.asks is Scale.EFFORT
    (rated,) = workout.apply(SetFeedback(Feedback(effort=7)))
    assert isinstance(rated, SetRated)
    assert (rated.number, rated.feedback, rated.asks) == (1, Feedback(effort=7), Scale.PAIN)
    workout.apply(SetFeedback(Feedback(note="left shoulder")))  # a note skips no question
    assert workout.asks is Scale.PAIN
    (rated,) = workout.apply(SetFeedback(Feedback(pain=2)))
    assert workout.asks is None
    assert workout.results[0].feedback == Feedback(7, 2, "left shoulder")
    assert to_json(rated)["feedback"] == {"effort": 7, "pain": 2, "note": "left shoulder"}


def test_a_question_is_skipped_by_saying_nothing_and_withdrawn_by_the_next_set() -> None:
    workout = a_workout(StopRules())
    a_set(workout, 0.0)
    workout.apply(SetFeedback())
    assert workout.asks is Scale.PAIN
    a_set(workout, 60.0)
    assert workout.asks is Scale.EFFORT
    assert [each.feedback for each in workout.results] == [Feedback(), Feedback()]


def test_before_the_first_set_there_is_nothing_to_say() -> None:
    workout = a_workout(StopRules(pain=3))
    assert workout.apply(SetFeedback(Feedback(pain=9))) == []
    assert workout.stopped is None


def test_pain_stops_the_exercise_and_the_coach_is_silent_from_then_on() -> None:
    workout = a_workout(StopRules(pain=5))
    first = a_set(workout, 0.0)
    assert {SlackAdvised, CueGiven} <= set(kinds(first))
    assert kinds(workout.apply(SetFeedback(Feedback(pain=4)))) == [SetRated]
    events = workout.apply(SetFeedback(Feedback(pain=6)))
    (stopped,) = (event for event in events if isinstance(event, ExerciseStopped))
    assert (stopped.reason, stopped.pain, stopped.limit) == (StopReason.PAIN, 6, 5)
    second = a_set(workout, 60.0)
    assert SetDone in kinds(second), "what is done is still counted"
    assert not {SlackAdvised, CueGiven} & set(kinds(second))
    assert workout.advisor_states[None].unanswered is None, "no advice is left open for the next time"


def test_a_score_that_was_a_slip_of_the_finger_is_corrected() -> None:
    workout = a_workout(StopRules(pain=5))
    a_set(workout, 0.0)
    workout.apply(SetFeedback(Feedback(pain=8)))
    resumed = workout.apply(SetFeedback(Feedback(pain=2), number=1))[-1]
    assert isinstance(resumed, ExerciseStopped)
    assert resumed.reason is None
    assert {CueGiven} & set(kinds(a_set(workout, 60.0)))


def test_a_lost_band_stops_only_where_the_plan_says_so() -> None:
    for stop, expected in ((StopRules(), None), (StopRules(band_lost=True), StopReason.BAND_LOST)):
        book = FeedbackBook(stop)
        book.band_lost()
        assert book.stopped is expected


def test_a_snapped_band_in_a_set_stops_the_exercise() -> None:
    workout = a_workout(StopRules(band_lost=True))
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(3, pause_s=0.5), np.linspace(0.0, 60.0, 60)])
    events = workout.push(block(np.concatenate([tension_n, np.zeros(400)]), 0.0))
    assert ExerciseStopped in kinds(events)
    assert workout.stopped is StopReason.BAND_LOST


@pytest.mark.parametrize("said", [{"effort": 11}, {"pain": -1}, {"note": "x" * 501}])
def test_what_no_scale_has_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Feedback(**said)
    with pytest.raises(DataError):
        input_from("feedback", {"said": {"effort": None, "pain": None, "note": ""} | said, "number": 1})
    with pytest.raises(ConfigError):
        StopRules(pain=0)


scores = st.none() | st.integers(0, 10)
feedbacks = st.builds(Feedback, scores, scores, st.text(max_size=50))


@given(feedbacks, st.none() | st.integers(1, 99))
def test_as_it_is_stored_it_comes_back(said: Feedback, number: int | None) -> None:
    value = SetFeedback(said, number)
    assert input_from(input_name(value), input_data(value)) == value


@given(st.lists(feedbacks, max_size=6), st.integers(1, 10))
def test_the_exercise_is_stopped_exactly_while_a_set_hurts_too_much(said: list[Feedback], limit: int) -> None:
    book = FeedbackBook(StopRules(pain=limit))
    book.set_done(1)
    for each in said:
        book.take(each)
        pain = book.of(1).pain
        assert (book.stopped is StopReason.PAIN) == (pain is not None and pain >= limit)
