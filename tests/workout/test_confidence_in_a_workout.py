"""How sure the count is, and the person's word on it, through a whole workout: the same in a replay."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.formatting import advice_text, format_notice, set_words
from bandsense.live.state import ViewState
from bandsense.live.terminal import render
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal.events import (
    CountJudged,
    RepCompleted,
    RepRetracted,
    RetractReason,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.narrator import WORTH_TELLING
from bandsense.workout.advice import SlackAction
from bandsense.workout.events import (
    Corrected,
    Event,
    SetCorrected,
    SetDone,
    SetStarted,
    SlackAdvised,
    to_json,
)
from bandsense.workout.inputs import AddRep, EndSet, Input, SlackAnswer, UndoRep
from bandsense.workout.plan import Plan
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import steps, waves

RATE_HZ = 80.0
COACHED = WorkoutSettings(
    Calibration.identity(Unit.NEWTON), get_exercise("seated-row"), Plan(sets=3, reps=8, reps_top=12)
)


def still(seconds: float) -> FloatArray:
    return np.zeros(round(seconds * RATE_HZ))


def tension(*parts: FloatArray) -> FloatArray:
    tension_n = 3.0 + np.concatenate(parts)
    return np.asarray(tension_n + np.random.default_rng(3).normal(0.0, 0.02, tension_n.size))


def followed(
    tension_n: FloatArray,
    inputs: dict[float, Input] | None = None,
    size: int = 1_000_000,
    settings: WorkoutSettings | None = None,
) -> tuple[Workout, list[Event]]:
    """Events of a workout that is given these inputs at these seconds, and blocks of this size."""
    at = {round(second * RATE_HZ): value for second, value in (inputs or {}).items()}
    time_s = np.arange(tension_n.size) / RATE_HZ
    workout = Workout(settings or WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    events: list[Event] = []
    places = sorted({0, *at, *range(0, tension_n.size, size), tension_n.size})
    for start, stop in zip(places, [*places[1:], tension_n.size], strict=True):
        if start in at:
            events += workout.apply(at[start])
        events += workout.push(SampleBlock(time_s[start:stop], tension_n[start:stop], Unit.NEWTON))
    return workout, [*events, *workout.finish()]


def of(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def shown(events: Sequence[Event], until_s: float = np.inf) -> ViewState:
    state = ViewState()
    for event in events:
        if event.detected_s <= until_s:
            state.update(event)
    return state


def render_text(state: ViewState) -> str:
    """What a terminal shows."""
    console = Console(width=100, height=30, record=True, file=io.StringIO())
    console.print(render(state, 100, 28))
    return console.export_text()


SIX = tension(still(2), waves(6), still(20))


def doubtful_tail() -> FloatArray:
    """Six repetitions and a movement of a third of their height, which may be another."""
    return tension(still(2), waves(6), still(1.5), 0.35 * waves(1, rep_s=1.0), still(20))


def test_the_chances_of_a_set_are_there_at_any_time() -> None:
    workout, events = followed(SIX)
    assert workout.chances[6] > 0.95
    assert of(events, SetDone)[0].result.chances == pytest.approx(workout.chances)
    early = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    first = SIX[: round(3.4 * RATE_HZ)]
    early.push(SampleBlock(np.arange(first.size) / RATE_HZ, first, Unit.NEWTON))
    assert early.chances[1] == pytest.approx(1.0 - early.chances[0])
    assert 0.2 < early.chances[1] < 0.9, "a first pull may still be the taking up of the band"
    assert Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON))).chances == {0: 1.0}


def test_where_evidence_is_divided_the_set_says_so() -> None:
    _, events = followed(doubtful_tail())
    result = of(events, SetDone)[0].result
    number = len(result.reps)
    other = max((n for n in result.chances if n != number), key=lambda n: result.chances[n])
    assert result.chances[other] > 0.2, "or this trace is not doubtful"
    assert f"{number} reps, perhaps {other}" in set_words(result)
    assert shown(events).count_words == f"{number}, perhaps {other}"


def test_a_movement_that_may_be_no_repetition_makes_no_set_too_hard() -> None:
    tug = 0.35 * waves(1, rep_s=1.0)
    _, events = followed(tension(still(2), waves(8), still(1.5), tug, still(20)), settings=COACHED)
    (done,), (told,) = of(events, SetDone), of(events, SlackAdvised)
    assert [rep.doubtful for rep in done.result.reps] == [False] * 8 + [True]
    assert told.advice.action is SlackAction.KEEP
    assert "range" not in advice_text(told.advice)


def test_the_last_repetition_can_be_taken_back() -> None:
    workout, events = followed(SIX, {22.0: UndoRep()})
    (gone,) = of(events, RepRetracted)
    assert (gone.reason, gone.count) == (RetractReason.OVERRULED, 5)
    assert format_notice(gone) == "not counted: you took it back"
    (done,) = of(events, SetDone)
    assert [rep.index for rep in done.result.reps] == [1, 2, 3, 4, 5]
    assert workout.summary().reps == 5


def test_a_movement_can_be_made_a_repetition() -> None:
    trace = tension(still(2), waves(5), still(4), 0.3 * waves(1, rep_s=0.6), still(20))
    without = of(followed(trace)[1], SetDone)[0].result
    _, events = followed(trace, {26.0: AddRep()})
    (done,) = of(events, SetDone)
    assert len(done.result.reps) == len(without.reps) + 1
    added = done.result.reps[-1]
    assert added.probability == 1.0
    assert added.peak_n == pytest.approx(18.0, abs=1.0)
    assert of(events, Corrected)[0].problem is None


def test_a_set_that_was_taken_for_steps_is_one_when_the_person_says_so() -> None:
    trace_n = steps(12, rest_s=30.0)
    _, silent = followed(trace_n)
    assert not of(silent, SetStarted)
    (note,) = (event for event in of(silent, SignalWarning) if event.kind is WarningKind.NOT_COUNTED)
    assert shown(silent, note.detected_s + 15.0).not_counted
    workout, events = followed(trace_n, {22.0: AddRep()})
    (corrected,), (done,) = of(events, Corrected), of(events, SetDone)
    assert format_notice(corrected) == "12 more were counted"
    assert not shown(events, 23.0).not_counted
    assert [rep.index for rep in done.result.reps] == list(range(1, 13))
    assert all(12.0 < rep.peak_n < 24.0 for rep in done.result.reps)
    assert workout.summary().reps == 12
    one = [to_json(event) for event in events]
    assert [to_json(event) for event in followed(trace_n, {22.0: AddRep()}, 16)[1]] == one


def test_a_finished_set_can_be_corrected_until_the_next_begins() -> None:
    inputs: dict[float, Input] = {21.0: EndSet(), 24.0: UndoRep(), 26.0: AddRep()}
    workout, events = followed(SIX, inputs)
    (done,) = of(events, SetDone)
    less, again = of(events, SetCorrected)
    assert [len(e.result.reps) for e in (done, less, again)] == [6, 5, 6]
    assert again.result.metrics.reps == 6
    assert again.result.reps[-1].peak_n == pytest.approx(done.result.reps[-1].peak_n, abs=0.2)
    assert [len(result.reps) for result in workout.results] == [6]
    assert [len(result.reps) for result in shown(events).results] == [6]
    assert len(of(events, SetStarted)) == 1
    assert format_notice(less).startswith("corrected: set 1: 5 reps")


@pytest.mark.parametrize("undone_s", [14.0, 24.0])
@pytest.mark.parametrize("added_s", [23.4, 26.0, 29.0])
def test_one_word_makes_no_other_repetition_doubtful(undone_s: float, added_s: float) -> None:
    if added_s < undone_s:
        return
    trace_n = tension(still(2), waves(8), still(20))
    _, events = followed(trace_n, {undone_s: UndoRep(), added_s: AddRep()})
    told = [event for event in of(events, CountJudged) if event.detected_s > undone_s - 0.1]
    assert min((event.more.get(0, 0.0) for event in told), default=1.0) > 0.9
    assert min((p for event in told for p in event.reps.values()), default=1.0) > 0.9
    (done,) = of(events, SetDone)
    assert (len(done.result.reps), done.result.chances[8] > 0.95) == (8, True)


def test_a_set_that_is_corrected_is_judged_anew_until_it_is_answered() -> None:
    trace_n = tension(still(2), waves(8), still(20))
    corrected: dict[float, Input] = {24.0: UndoRep(), 27.0: EndSet(), 29.0: AddRep()}

    def told(inputs: dict[float, Input]) -> tuple[Workout, list[Event]]:
        return followed(trace_n, inputs, settings=COACHED)

    plain, events = told({27.0: EndSet()})
    (wanted,) = of(events, SlackAdvised)
    assert wanted.advice.action is SlackAction.KEEP
    workout, events = told(corrected)
    first, second = of(events, SlackAdvised)
    assert "7 full repetitions" in advice_text(first.advice)
    assert second.advice == wanted.advice
    recounted = next(event for event in of(events, SetCorrected) if event.recounted)
    assert second.detected_s == recounted.detected_s
    assert workout.advisor_states == plain.advisor_states, "as if it had been so from the first"
    state = shown(events)
    assert state.advice == wanted.advice
    assert format_notice(recounted) == shown(events, second.detected_s).notice
    assert [to_json(event) for event in followed(trace_n, corrected, 16, COACHED)[1]] == [
        to_json(event) for event in events
    ]
    # What the person has answered stays.
    _, events = told({**corrected, 28.0: SlackAnswer(followed=True)})
    assert len(of(events, SlackAdvised)) == 1
    # Another set has begun: its judgement is another one.
    two = tension(still(2), waves(8), still(8), waves(8), still(20))
    _, events = followed(two, {27.0: EndSet(), 30.0: UndoRep()}, settings=COACHED)
    first, less, last = of(events, SlackAdvised)
    assert "7 full repetitions" in advice_text(less.advice)
    assert less.detected_s < of(events, SetStarted)[-1].detected_s
    assert last.detected_s == of(events, SetDone)[-1].detected_s
    # Nothing is left of it.
    three = tension(still(2), waves(3), still(20))
    gone, events = followed(
        three, {11.0: EndSet(), **{12.0 + i: UndoRep() for i in range(3)}}, settings=COACHED
    )
    assert shown(events).advice is None
    assert gone.advisor_states == Workout(COACHED).advisor_states


def test_a_set_of_which_nothing_is_left_is_gone() -> None:
    inputs: dict[float, Input] = {11.0: EndSet(), **{12.0 + i: UndoRep() for i in range(4)}}
    workout, events = followed(tension(still(2), waves(3), still(8), waves(4, 90.0), still(20)), inputs)
    emptied = of(events, SetCorrected)[-1]
    assert emptied.result is None
    assert "set 1 is gone" in format_notice(emptied)
    assert of(events, Corrected)[-1].problem is not None, "there was a fourth word for three repetitions"
    assert [(result.number, len(result.reps)) for result in workout.results] == [(1, 4)]
    state = shown(events)
    assert (state.set_number, len(state.results)) == (1, 1)


def test_a_word_about_nothing_is_answered() -> None:
    _, events = followed(tension(still(20)), {5.0: UndoRep(), 6.0: AddRep()})
    undo, add = of(events, Corrected)
    assert "no repetition" in format_notice(undo)
    assert "no other movement" in format_notice(add)


@pytest.mark.parametrize("size", [1, 16, 37])
def test_corrections_give_the_same_events_however_the_stream_is_cut(size: int) -> None:
    inputs: dict[float, Input] = {14.3: UndoRep(), 15.0: AddRep(), 21.0: EndSet(), 24.0: UndoRep()}
    one = [to_json(event) for event in followed(SIX, inputs)[1]]
    assert [to_json(event) for event in followed(SIX, inputs, size)[1]] == one


def test_views_show_a_doubtful_repetition_hollow() -> None:
    events = followed(doubtful_tail())[1]
    state = shown(events, of(events, SetDone)[0].detected_s - 0.1)
    assert state.marks == "●●●●●●○"
    assert state.snapshot()["marks"] == state.marks
    assert "○" in render_text(state)
    assert "perhaps 6" in render_text(state)
    state.update(RepRetracted(99.0, 7, RetractReason.SET_UP, 99.5, 6))
    assert state.marks == "●●●●●●"


def test_the_result_of_a_set_has_the_latest_probability_of_each_repetition() -> None:
    _, events = followed(SIX)
    told = [event.rep.probability for event in of(events, RepCompleted)]
    known = [rep.probability for rep in of(events, SetDone)[0].result.reps]
    assert told[0] < 0.99, "the first one is doubtful when it is told"
    assert min(known) > 0.95


def late_tail() -> FloatArray:
    """Eight repetitions and a movement of a third of their height, which the detector decides on late.

    What decides it are small movements of the hand in the rest after them.
    """
    rng = np.random.default_rng(0)
    eight = [_bump(80.0, 2.5) for _ in range(8)]
    fidgets = [
        np.append(_bump(rng.uniform(1.0, 3.0), 0.6), np.zeros(round(2.4 * RATE_HZ))) for _ in range(10)
    ]
    rest = [np.zeros(round(4.0 * RATE_HZ)), *eight, _bump(0.34 * 80.0, 1.2), np.zeros(round(20.0 * RATE_HZ))]
    tension_n = np.concatenate([*rest, *fidgets])
    return np.asarray(tension_n + rng.normal(0.0, 0.02, tension_n.size))


def _bump(peak_n: float, seconds: float) -> FloatArray:
    part = np.arange(round(seconds * RATE_HZ)) / round(seconds * RATE_HZ)
    return np.asarray(0.5 * peak_n * (1.0 - np.cos(2.0 * np.pi * part)))


@pytest.mark.parametrize("size", [16, 1_000_000])
def test_a_finished_set_is_as_sure_as_the_detector_is_after_everything(size: int) -> None:
    workout, events = followed(late_tail(), size=size)
    (done,) = of(events, SetDone)
    (gone,) = [e for e in of(events, RepRetracted) if e.detected_s > done.detected_s]
    (result,) = workout.results
    assert result.chances == pytest.approx(workout._detector.chances, abs=WORTH_TELLING)
    assert result.chances == pytest.approx(workout.chances)
    assert result.chances[8] > 0.95
    assert set_words(result).startswith("set 1: 8 reps, peak")
    corrections = of(events, SetCorrected)
    (recounted,) = [e for e in corrections if e.recounted]
    assert recounted.detected_s == gone.detected_s
    after = [e for e in corrections if e.detected_s >= gone.detected_s]
    assert [max(e.result.chances, key=e.result.chances.get) for e in after] == [8] * len(after)
    assert len(corrections) > 1, "the detector became surer after it had taken one back"
    assert [format_notice(e) is not None for e in corrections] == [e.recounted for e in corrections]
    assert corrections[-1].result == result == shown(events).results[-1]


def test_the_events_of_a_late_correction_come_in_the_order_in_which_they_became_certain() -> None:
    one = [to_json(event) for event in followed(late_tail())[1]]
    assert [to_json(event) for event in followed(late_tail(), size=7)[1]] == one
    times = [event.detected_s for event in followed(late_tail())[1]]
    assert times == sorted(times)


def test_the_only_repetition_is_as_likely_as_that_there_is_one() -> None:
    rng = np.random.default_rng(0)
    tension_n = np.concatenate([np.zeros(240), _bump(60.0, 2.5), np.zeros(2400)])
    workout, events = followed(tension_n + rng.normal(0.0, 0.1, tension_n.size))
    (result,) = workout.results
    assert 0.1 < result.chances[0] < 0.3, "or this pull is not doubtful"
    assert result.reps[0].probability == pytest.approx(result.chances[1])
    assert of(events, SetDone)[0].result.reps[0].probability == pytest.approx(
        of(events, SetDone)[0].result.chances[1]
    )


def test_the_first_pull_of_the_next_set_makes_the_last_one_no_less_sure() -> None:
    trace_n = tension(still(2), waves(6), still(40), waves(6), still(20))
    workout, events = followed(trace_n, size=16)
    assert not of(events, SetCorrected)
    for result in workout.results:
        assert result.chances[6] > 0.95
    second = of(events, SetStarted)[1]
    resting = [e for e in of(events, CountJudged) if 20.0 < e.detected_s < second.detected_s]
    assert all(e.more[0] > 0.95 for e in resting), "another pull would not be one of that set"


def test_a_set_that_another_one_followed_stays_as_sure_as_it_was() -> None:
    trace_n = np.concatenate([late_tail()[: round(50.0 * RATE_HZ)], _bump(80.0, 2.5), _bump(80.0, 2.5)])
    trace_n = np.concatenate([trace_n, *[_bump(80.0, 2.5) for _ in range(4)], np.zeros(1600)])
    workout, _ = followed(trace_n)
    first, last = workout.results
    assert sum(first.chances.values()) == pytest.approx(1.0)
    assert len(first.reps) == 8, "the ninth was taken back when the next set began"
    assert max(first.chances) == 8
    assert first.chances[8] > 0.95
    assert max(last.chances, key=lambda n: last.chances[n]) == len(last.reps) == 6
