from __future__ import annotations

import io
import json
from collections.abc import Iterable

import numpy as np
import pytest
from rich.console import Console

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.screen_words import AdviceWords, screen_words
from bandsense.live.state import NOT_COUNTED_S, NOTICE_S, TRACE_S, Screen, ViewState
from bandsense.live.terminal import render
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.events import (
    Phase,
    RepCounted,
    RepRetracted,
    RetractReason,
    SignalWarning,
    WarningKind,
)
from bandsense.workout.advice import Advice, Reason, Rule, SlackAction
from bandsense.workout.cues import CueKind
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    LinkChanged,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    TensionTick,
)
from bandsense.workout.feedback import Feedback, StopRules
from bandsense.workout.inputs import EndSet, RestChange, SetFeedback, SlackAnswer
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import waves


def render_text(state: ViewState) -> str:
    """What a terminal of 100 x 30 shows."""
    console = Console(width=100, height=30, file=io.StringIO(), record=True)
    console.print(render(state, 100, 30))
    return console.export_text()


def after(block: SampleBlock, *, finish: bool = False) -> ViewState:
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    state = ViewState()
    for event in workout.push(block) + (workout.finish() if finish else []):
        state.update(event)
    return state


def test_the_state_follows_a_set(set_of_three: SampleBlock) -> None:
    state = after(set_of_three.slice(0, int(4.5 * 80)))  # the first pull has come back
    assert (state.set_number, state.reps, state.in_set) == (1, 1, True)
    assert after(set_of_three.slice(0, int(2.6 * 80))).phase is Phase.CONCENTRIC
    state = after(set_of_three, finish=True)
    assert (state.reps, state.in_set, state.phase) == (3, False, Phase.REST)
    assert [len(result.reps) for result in state.results] == [3]
    assert state.notice.startswith("set 1: 3 reps, peak 5")
    assert state.last_rep is not None
    assert state.peak_n == state.last_rep.peak_n


def test_the_snapshot_holds_the_whole_uncertainty_of_the_last_peak(set_of_three: SampleBlock) -> None:
    state = after(set_of_three, finish=True)
    assert state.last_rep is not None
    sampling_n = state.last_rep.peak_uncertainty_n
    state.uncertainty_n = lambda tension_n: 0.05 * tension_n
    told = state.snapshot()["last_rep"]["peak_uncertainty_n"]
    assert told == pytest.approx(np.hypot(0.05 * state.last_rep.peak_n, sampling_n))
    assert told > 2.0 > sampling_n


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


def test_what_was_not_counted_is_told_until_it_counts() -> None:
    state = ViewState()
    state.update(SignalWarning(1.0, WarningKind.NOT_COUNTED, "12 movements were taken for steps", 5.0))
    assert state.not_counted
    assert "a adds them: 12 movements were taken for steps" in " ".join(render_text(state).split())
    state.update(TensionTick(5.0 + 5 * NOTICE_S, 1.0, 0.1))
    assert state.snapshot()["not_counted"], "as long as it can be added"
    state.update(TensionTick(5.0 + NOT_COUNTED_S, 1.0, 0.1))
    assert (state.not_counted, state.notice) == (False, "")
    state.update(SignalWarning(1.0, WarningKind.NOT_COUNTED, "12 movements were taken for steps", 60.0))
    state.update(RepCounted(58.0, 1, 5.0, 61.0, 1))
    assert (state.not_counted, state.notice) == (False, "")


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
    assert state.notice == "Noted: the slack was changed."


def test_link_and_state_travel_as_json() -> None:
    state = ViewState(title="Seated row")
    state.update(LinkChanged(1.0, "lost", "the sensor is out of range", 1.0))
    data = json.loads(json.dumps(state.snapshot()))
    assert (data["link"], data["link_message"], data["title"]) == (
        "lost",
        "the sensor is out of range",
        "Seated row",
    )


def settings(**plan: object) -> WorkoutSettings:
    exercise = get_exercise("seated-row")
    return WorkoutSettings(Calibration.identity(Unit.NEWTON), exercise, Plan(**plan))  # type: ignore[arg-type]


def followed(block: SampleBlock, until_s: float, **plan: object) -> tuple[Workout, ViewState, list[Screen]]:
    """A view of the first seconds of a trace, sample by sample, and the screens it went through."""
    workout = Workout(settings(**plan))
    now_s = [0.0]
    state = ViewState(settings=workout.settings, clock=lambda: now_s[0])
    screens: list[Screen] = []
    for at in range(int(until_s * 80)):
        now_s[0] = float(block.time_s[at])
        for event in workout.push(block.slice(at, at + 1)):
            state.update(event)
        if state.screen not in screens[-1:]:
            screens.append(state.screen)
    if until_s >= 10.0:  # the whole trace
        for event in workout.apply(EndSet()):
            state.update(event)
        screens.append(state.screen)
    return workout, state, screens


def test_a_set_goes_through_its_screens(set_of_three: SampleBlock) -> None:
    _, state, screens = followed(set_of_three, float(set_of_three.time_s[-1]), rest_s=40.0)
    one_rep = [Screen.PULL, Screen.HOLD, Screen.RETURN]
    assert screens[:4] == [Screen.READY, *one_rep]
    assert screens.count(Screen.HOLD) == 3
    assert screens[-1] is Screen.REST
    assert [peak.zone for peak in state.sets[0].peaks] == [None] * 3
    assert state.rest_left_s == pytest.approx(40.0 - (state.now_s - state.results[0].end_s))


def test_peaks_are_told_against_the_zone_that_is_aimed_at(set_of_three: SampleBlock) -> None:
    _, state, _ = followed(set_of_three, 4.5, zone=TensionZone(20.0, 30.0))
    told = state.snapshot()
    assert told["plan"]["zone"] == {"low_n": 20.0, "high_n": 30.0}
    assert [peak["zone"] for peak in told["peaks"]] == ["above"]
    assert told["breathing"] == {"concentric": "out", "eccentric": "in"}


def test_more_rest_is_more_rest(set_of_three: SampleBlock) -> None:
    workout, state, _ = followed(set_of_three, float(set_of_three.time_s[-1]), rest_s=40.0)
    left_s = state.rest_left_s
    for event in workout.apply(RestChange(30.0)):
        state.update(event)
    assert left_s is not None
    assert state.rest_left_s == pytest.approx(left_s + 30.0)


def test_a_rest_that_is_ended_is_over(set_of_three: SampleBlock) -> None:
    workout, state, _ = followed(set_of_three, float(set_of_three.time_s[-1]), rest_s=40.0)
    for event in workout.apply(RestChange(-1800.0)):
        state.update(event)
    assert state.rest_left_s == pytest.approx(0.0, abs=0.02)
    later_s = workout.trace(0.0, 1e9)[0][-1] + 0.1
    block = SampleBlock(np.array([later_s, later_s + 0.1]), np.zeros(2), Unit.NEWTON)
    cues = [event.kind for event in workout.push(block) if isinstance(event, CueGiven)]
    assert cues == [CueKind.REST_OVER]


def test_a_lost_sensor_is_lost_since_the_first_attempt() -> None:
    now_s = [100.0]
    state = ViewState(clock=lambda: now_s[0])
    state.update(LinkChanged(1.0, "streaming", "", 1.0))
    assert state.lost_s is None
    now_s[0] = 110.0
    state.update(LinkChanged(1.0, "lost", "lost", 1.0))
    now_s[0] = 113.0
    state.update(LinkChanged(1.0, "connecting", "again", 1.0))
    now_s[0] = 115.0
    assert state.lost_s == 5.0
    assert state.screen is Screen.LOST
    assert state.snapshot()["screen"] == "lost"
    state.update(LinkChanged(1.0, "streaming", "", 1.0))
    assert state.screen is Screen.READY


def test_left_and_right_take_turns_within_a_set() -> None:
    exercise = get_exercise("bent-over-row")
    state = ViewState(
        settings=WorkoutSettings(Calibration.identity(Unit.NEWTON), exercise, first_side="right")
    )
    assert (state.current_set, state.next_side) == (1, "right")
    state.update(SetStarted(1.0, 1, 1.0, "right"))
    state.results.append(state.results)  # type: ignore[arg-type] - one half-set is done
    assert state.screen is Screen.SIDES
    assert (state.current_set, state.next_side) == (1, "left")
    state.update(SetStarted(1.0, 2, 1.0, "left"))
    state.results.append(state.results)  # type: ignore[arg-type]
    assert state.screen is Screen.REST
    assert (state.current_set, state.next_side) == (2, "right")


def test_an_answer_stands_beside_the_set_it_followed(set_of_three: SampleBlock) -> None:
    _, state, _ = followed(set_of_three, float(set_of_three.time_s[-1]))
    state.update(SlackAdvised(30.0, Advice(SlackAction.ADD, Rule.TOO_HARD, (), "Let out.", 4), 30.0))
    assert state.snapshot()["advice"]["to_answer"]
    state.update(SlackAnswered(31.0, True, 31.0))
    assert state.sets[-1].slack_cm == 4


def test_a_rest_tells_the_answer_in_place_of_the_advice_and_no_score(set_of_three: SampleBlock) -> None:
    workout, state, _ = followed(set_of_three, float(set_of_three.time_s[-1]))
    assert state.advice is not None
    amount_cm = state.advice.amount_cm
    for event in workout.apply(SlackAnswer(followed=True)):
        state.update(event)
    for event in workout.apply(SetFeedback(Feedback(effort=7, pain=0))):
        state.update(event)
    assert state.notice.startswith("noted for set 1: effort 7")
    assert screen_words(state).advice == AdviceWords("Slack", "", f"Noted: {amount_cm} cm out.", "")


def test_a_rest_without_end_is_counted_from_its_first_moment(set_of_three: SampleBlock) -> None:
    state = after(set_of_three, finish=True)
    state.update(LinkChanged(1.0, "streaming", "", 1.0))
    state.time_s, state.heard_s = state.results[-1].end_s + 0.5, None
    assert state.screen is Screen.REST
    assert screen_words(state).clock == "0:00"


def test_what_is_asked_and_what_stops_the_exercise_is_shown_until_it_is_answered() -> None:
    exercise = get_exercise("seated-row")
    plan = Plan(stop=StopRules(pain=5))
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON), exercise=exercise, plan=plan))
    state = ViewState(settings=workout.settings)
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(4, pause_s=0.5), np.zeros(160)])
    block = SampleBlock(np.arange(tension_n.size) / 80.0, tension_n, Unit.NEWTON)

    def take(events: Iterable[Event]) -> None:
        for event in events:
            state.update(event)

    take([*workout.push(block), *workout.apply(EndSet())])
    assert (state.snapshot()["asks"], state.snapshot()["stopped"]) == ("effort", None)
    assert "How hard was it" in render_text(state)
    take(workout.apply(SetFeedback(Feedback(effort=7))))
    assert state.snapshot()["asks"] == "pain"
    assert "Any pain, 0 (none) to 10 (the worst)?" in render_text(state)
    take(workout.apply(SetFeedback(Feedback(pain=6))))
    assert state.advice is None
    assert state.doing == "over for today"
    shown = render_text(state)
    assert "STOP - Pain 6 of 10." in shown
    assert "over for today" in shown
    assert state.snapshot()["stopped"].startswith("STOP - Pain 6 of 10.")
    take(workout.apply(SetFeedback(Feedback(pain=1))))
    assert state.snapshot()["stopped"] is None
