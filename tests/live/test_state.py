from __future__ import annotations

import json

import numpy as np

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.state import NOTICE_S, TRACE_S, ViewState
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.events import Phase, RepCounted, RepRetracted, RetractReason
from bandsense.workout.advice import Advice, Reason, Rule, SlackAction
from bandsense.workout.events import (
    BatteryChanged,
    LinkChanged,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    TensionTick,
)
from bandsense.workout.inputs import EndSet
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout


def after(block: SampleBlock, *, finish: bool = False) -> ViewState:
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    state = ViewState()
    for event in workout.push(block) + (workout.finish() if finish else []):
        state.update(event)
    return state


def test_the_state_follows_a_set(set_of_three: SampleBlock) -> None:
    state = after(set_of_three.slice(0, int(4.0 * 80)))  # 0.9 s after the first top
    assert (state.set_number, state.reps, state.in_set) == (1, 1, True)
    assert after(set_of_three.slice(0, int(2.6 * 80))).phase is Phase.CONCENTRIC
    state = after(set_of_three, finish=True)
    assert (state.reps, state.in_set, state.phase) == (3, False, Phase.REST)
    assert [len(result.reps) for result in state.results] == [3]
    assert state.notice.startswith("set 1: 3 reps, peak 5")
    assert state.last_rep is not None
    assert state.peak_n == state.last_rep.peak_n


def test_the_tension_shown_is_the_latest_with_its_uncertainty() -> None:
    state = ViewState()
    for n in range(1000):
        state.update(TensionTick(n / 20.0, float(n), 0.5))
    assert (state.tension_n, state.tension_uncertainty_n) == (999.0, 0.5)
    assert state.trace[0][0] >= state.trace[-1][0] - TRACE_S
    assert len(state.trace) <= TRACE_S * 20 + 1


def test_a_repetition_taken_back_says_why() -> None:
    state = ViewState()
    state.update(SetStarted(1.0, 1, 1.0))
    state.update(RepCounted(1.0, 1, 20.0, 1.2, 1))
    state.update(RepRetracted(3.0, 1, RetractReason.SET_UP, 3.0, 0))
    assert state.reps == 0
    assert state.notice == "not counted: it was taking up the band or changing position"


def test_a_notice_goes_after_a_while() -> None:
    state = ViewState()
    state.update(BatteryChanged(1.0, 9, 1.0))
    assert "charge it" in state.notice
    state.update(TensionTick(1.0 + NOTICE_S, 3.0, 0.5))
    assert state.notice == ""
    assert state.battery_percent == 9


def test_the_side_and_the_next_one_are_told_where_they_take_turns(set_of_three: SampleBlock) -> None:
    state = ViewState()
    settings = WorkoutSettings(
        Calibration.identity(Unit.NEWTON), get_exercise("bent-over-row"), first_side="left"
    )
    workout = Workout(settings)
    for event in workout.push(set_of_three):
        state.update(event)
    assert state.set_words == "set 1, left"
    for event in workout.apply(EndSet()) + workout.push(rest_after(set_of_three)):
        state.update(event)
    assert state.doing.startswith("resting 0:")
    assert state.doing.endswith(", then right")
    assert state.snapshot()["set"] == "set 1, left"


def rest_after(block: SampleBlock) -> SampleBlock:
    time_s = block.time_s[-1] + 0.0125 * np.arange(1, 401)
    return SampleBlock(time_s, np.full(400, 3.0), block.unit)


def test_advice_stands_until_it_is_answered() -> None:
    state = ViewState()
    state.update(SlackAdvised(1.0, Advice(SlackAction.ADD, Rule.TOO_HARD, (Reason(Rule.TOO_HARD),)), 1.0))
    assert state.advice is not None
    state.update(SlackAnswered(2.0, True, 2.0))
    assert state.advice is None
    assert state.notice == "noted: the slack was changed"


def test_link_and_state_travel_as_json() -> None:
    state = ViewState(title="Seated row")
    state.update(LinkChanged(1.0, "lost", "the sensor is out of range", 1.0))
    data = json.loads(json.dumps(state.snapshot()))
    assert (data["link"], data["link_message"], data["title"]) == (
        "lost",
        "the sensor is out of range",
        "Seated row",
    )
