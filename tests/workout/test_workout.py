from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.calibration.curve import Calibration, Grade
from bandsense.errors import ConfigError, DataError
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import SlackMethodKind
from bandsense.export.recording import read_recording
from bandsense.live.formatting import advice_reason
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.events import Rep, RepCompleted, RepCounted, SignalWarning
from bandsense.workout.advice import Advice, AdvisorState, SlackAction
from bandsense.workout.advisor import Advisor
from bandsense.workout.cues import CueKind
from bandsense.workout.events import (
    CueGiven,
    Event,
    LinkChanged,
    SetDone,
    SetEnd,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    Tared,
    TemperatureChanged,
    TensionTick,
)
from bandsense.workout.inputs import (
    BatteryLevel,
    EndSet,
    Input,
    LinkChange,
    SensorTemperature,
    SlackAnswer,
    StorageChange,
    Tare,
    TemperatureProblem,
    input_data,
    input_from,
    input_name,
)
from bandsense.workout.plan import Plan
from bandsense.workout.set_tracker import SET_REST_S
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.trace_buffer import IDLE_S
from bandsense.workout.workout import Workout
from tests.support.traces import waves

RATE_HZ = 80.0
CALIBRATION = Calibration(newton_per_unit=1e-3, zero=500.0)


def movement_n(reps: int, rest_s: float = 2.0, height_n: float = 50.0) -> np.ndarray:
    """Repetitions of 2 s with 1 s between them, after and before a rest, at a tension of 3 N."""
    rest = np.zeros(int(rest_s * RATE_HZ))
    return np.concatenate([rest, waves(reps, height_n), rest]) + 3.0


def counts(tension_n: np.ndarray) -> SampleBlock:
    """The trace as a sensor with `CALIBRATION` would send it."""
    return SampleBlock(10.0 + np.arange(tension_n.size) / RATE_HZ, np.round(tension_n / 1e-3) + 500.0)


def run(
    block: SampleBlock, cuts: Sequence[int] = (), inputs: dict[int, Input] | None = None
) -> tuple[Workout, list[Event]]:
    """Events of a workout that gets the block in pieces, and inputs after so many samples."""
    inputs = inputs or {}
    workout = Workout(WorkoutSettings(CALIBRATION))
    events: list[Event] = []
    places = sorted({0, len(block), *inputs, *(cut % (len(block) + 1) for cut in cuts)})
    for start, stop in zip(places, [*places[1:], len(block)], strict=True):
        if start in inputs:
            events += workout.apply(inputs[start])
        events += workout.push(block.slice(start, stop))
    events += workout.finish()
    return workout, events


def of(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_set_is_counted_from_raw_counts() -> None:
    workout, events = run(counts(movement_n(6)))
    assert [event.count for event in of(events, RepCounted)] == [1, 2, 3, 4, 5, 6]
    (done,) = of(events, SetDone)
    assert done.result.ended_by is SetEnd.STREAM
    assert len(done.result.reps) == 6
    assert all(abs(rep.peak_n - 53.0) < 1.0 for rep in done.result.reps)
    summary = workout.summary()
    assert (summary.reps, summary.partial, summary.sets) == (6, 0, 1)
    own_n = CALIBRATION.standard_uncertainty_n(summary.peak_n)
    assert summary.peak_uncertainty_n == pytest.approx(own_n, rel=0.01), "and a little of the sampling"
    assert done.result.metrics.time_under_tension_s == pytest.approx(summary.time_under_tension_s)
    assert summary.full_reps == (6,)


def test_a_set_starts_before_its_first_repetition_and_ends_after_its_last() -> None:
    _, events = run(counts(movement_n(3)))
    kinds = [type(event) for event in events if not isinstance(event, TensionTick)]
    assert kinds.index(SetStarted) < kinds.index(RepCounted)
    assert kinds.index(SetDone) > max(n for n, kind in enumerate(kinds) if kind is RepCompleted)


def test_rest_separates_sets() -> None:
    trace = np.concatenate([movement_n(4, rest_s=10.0), movement_n(3, rest_s=10.0)])
    workout, events = run(counts(trace))
    assert [len(result.reps) for result in workout.results] == [4, 3]
    first, second = of(events, SetDone)
    assert (first.result.ended_by, second.result.ended_by) == (SetEnd.REST, SetEnd.STREAM)
    assert SET_REST_S <= first.detected_s - first.time_s < SET_REST_S + 1.0
    assert [event.number for event in of(events, SetStarted)] == [1, 2]
    assert [event.count for event in of(events, RepCounted)] == [1, 2, 3, 4, 1, 2, 3]


def test_a_set_is_not_over_while_a_repetition_is_held() -> None:
    top = np.full(int(8.0 * RATE_HZ), 53.0)
    up = 3.0 + 50.0 * np.sin(np.linspace(0, np.pi / 2, 80)) ** 2
    trace = np.concatenate([movement_n(3, rest_s=1.5), up, top, up[::-1], np.full(160, 3.0)])
    workout, _ = run(counts(trace))
    assert [len(result.reps) for result in workout.results] == [4]


def test_the_person_ends_a_set() -> None:
    block = counts(movement_n(4))
    workout, events = run(block, inputs={len(block) - 80: EndSet()})
    assert [(len(r.reps), r.ended_by) for r in workout.results] == [(4, SetEnd.ASKED)]
    assert len(of(events, SetDone)) == 1


def test_who_ends_a_set_while_the_sensor_is_lost_means_it() -> None:
    block = counts(movement_n(4))
    lost, asked = len(block) - 100, len(block) - 80
    inputs: dict[int, Input] = {lost: LinkChange("lost", "out of range"), asked: EndSet()}
    workout, _ = run(block, inputs=inputs)
    assert [result.ended_by for result in workout.results] == [SetEnd.ASKED]
    del inputs[asked]
    workout, _ = run(block, inputs=inputs)
    assert [result.ended_by for result in workout.results] == [SetEnd.LINK_LOST]


def test_a_set_ended_in_a_repetition_ends_with_it() -> None:
    in_third_pull = int((2.0 + 6.0 + 0.9) * RATE_HZ)
    workout, _ = run(counts(movement_n(5)), inputs={in_third_pull: EndSet()})
    assert [(len(r.reps), r.ended_by) for r in workout.results] == [(3, SetEnd.ASKED), (2, SetEnd.STREAM)]


def test_ending_no_set_does_nothing() -> None:
    workout, events = run(counts(movement_n(0)), inputs={100: EndSet()})
    assert workout.results == ()
    assert not of(events, SetDone)
    assert workout.summary().reps == 0


def test_levels_come_twenty_times_a_second_with_their_uncertainty() -> None:
    block = counts(movement_n(2))
    _, events = run(block)
    levels = of(events, TensionTick)
    duration_s = block.time_s[-1] - block.time_s[0]
    assert len(levels) == pytest.approx(20 * duration_s, abs=1)
    samples = dict(zip(block.time_s, CALIBRATION.tension_n(block.values), strict=True))
    assert all(samples[level.time_s] == level.tension_n for level in levels)
    assert all(
        level.tension_uncertainty_n == CALIBRATION.standard_uncertainty_n(level.tension_n) for level in levels
    )


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 5000), max_size=60))
def test_events_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    trace = np.concatenate([movement_n(3, rest_s=9.0), movement_n(2, rest_s=1.0)])
    block = counts(trace + np.random.default_rng(3).normal(0.0, 0.05, trace.size))
    inputs = {
        400: LinkChange("lost", "out of range"),
        900: EndSet(),
        1500: BatteryLevel(12),
    }
    assert run(block, cuts, inputs)[1] == run(block, (), inputs)[1]


@pytest.mark.parametrize("size", [1, 7, 16])
def test_blocks_of_any_size_give_the_same_events(size: int) -> None:
    block = counts(movement_n(3))
    assert run(block, range(0, len(block), size))[1] == run(block)[1]


def test_events_come_in_the_order_in_which_they_became_certain() -> None:
    _, events = run(counts(movement_n(5)), range(0, 2000, 13))
    detected = [event.detected_s for event in events]
    assert detected == sorted(detected)


def test_the_link_is_told_at_its_place_in_the_stream() -> None:
    block = counts(movement_n(1))
    _, events = run(block, inputs={160: LinkChange("lost", "the sensor is out of range")})
    (event,) = of(events, LinkChanged)
    assert event.time_s == block.time_s[159]
    assert event.message == "the sensor is out of range"


def test_the_zero_is_set_where_the_band_hangs_still() -> None:
    still = int(1.9 * RATE_HZ)
    _, events = run(counts(movement_n(2)), inputs={still: Tare()})
    (tared,) = of(events, Tared)
    assert (tared.problem, tared.change_n) == (None, pytest.approx(3.0, abs=0.01))
    after = [
        level.tension_n
        for level in of(events, TensionTick)
        if tared.time_s < level.time_s < tared.time_s + 0.1
    ]
    assert after == pytest.approx([0.0] * len(after), abs=0.01)
    assert of(events, SetDone)[0].result.metrics.peak_n == pytest.approx(50.0, abs=1.0)


def test_the_zero_is_not_set_while_the_band_moves() -> None:
    in_the_pull = int(2.6 * RATE_HZ)
    _, events = run(counts(movement_n(2)), inputs={in_the_pull: Tare()})
    (tared,) = of(events, Tared)
    assert "hang slack and still" in str(tared.problem)
    assert len(of(events, RepCompleted)) == 2


def warm(calibration: Calibration) -> Workout:
    """A workout with a sensor at 30 °C, whose readings are 2 N too high for it."""
    workout = Workout(WorkoutSettings(calibration))
    (told,) = workout.apply(SensorTemperature(30.0))
    assert told == TemperatureChanged(0.0, 30.0, pytest.approx(2.0), 0.0)
    return workout


@pytest.mark.parametrize(("shown_n", "asked"), [(1.5, False), (23.0, True)])
def test_a_tare_on_a_band_that_may_be_taut_is_questioned(shown_n: float, asked: bool) -> None:
    workout = Workout(WorkoutSettings(CALIBRATION))
    workout.push(counts(np.full(160, shown_n)))
    tared, *questions = workout.apply(Tare())
    assert isinstance(tared, Tared)
    assert tared.change_n == pytest.approx(shown_n, abs=0.1)
    told = [event.message for event in questions if isinstance(event, SignalWarning)]
    assert len(told) == len(questions) == asked
    assert all("it showed 23 N" in message for message in told)


def test_tension_is_corrected_for_temperature_and_a_tare_holds_at_it() -> None:
    calibration = replace(CALIBRATION, newton_per_kelvin=0.2, reference_temperature_c=20.0)
    workout = warm(calibration)
    block = counts(np.full(160, 2.5))
    before = of(workout.push(block.slice(0, 80)), TensionTick)
    assert [level.tension_n for level in before] == pytest.approx([0.5] * len(before), abs=0.01)
    (tared,) = workout.apply(Tare())
    assert isinstance(tared, Tared)
    assert tared.change_n == pytest.approx(0.5, abs=0.01)
    after = of(workout.push(block.slice(80, 160)), TensionTick)
    assert [level.tension_n for level in after] == pytest.approx([0.0] * len(after), abs=0.01)
    (again,) = workout.apply(SensorTemperature(30.0))
    assert again.zero_n == 0.0  # type: ignore[union-attr]


def test_a_temperature_that_is_no_number_is_refused() -> None:
    with pytest.raises(DataError, match="finite"):
        Workout(WorkoutSettings(CALIBRATION)).apply(SensorTemperature(float("nan")))


def test_advice_counts_what_the_set_says(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Sequence[Rep]] = []
    after_set = Advisor.after_set

    def heard(self: Advisor, reps: Sequence[Rep], **rest: Any) -> Advice:
        judged.append(reps)
        return after_set(self, reps, **rest)

    monkeypatch.setattr(Advisor, "after_set", heard)
    (done,) = of(coached(5), SetDone)
    assert done.result.reps != done.result.live_reps, "or nothing is shown"
    assert judged == [done.result.reps]


def test_a_set_is_looked_at_once_more_when_it_is_over() -> None:
    _, events = run(counts(movement_n(5)))
    result = of(events, SetDone)[0].result
    assert [rep.index for rep in result.reps] == [rep.index for rep in result.live_reps]
    assert result.live_reps == tuple(event.rep for event in of(events, RepCompleted))
    # sin² is at 10 % of its rise after asin(√0.1)/π of the period of 2 s: 0.2048 s
    starts = [10.0 + 2.0 + 3.0 * n + 0.2048 for n in range(5)]
    assert [rep.pull_start_s for rep in result.reps] == pytest.approx(starts, abs=0.02)
    assert [figure.index for figure in result.rep_metrics] == [rep.index for rep in result.reps]


def coached(reps: int) -> list[Event]:
    plan = Plan(sets=1, reps=8, rest_s=5.0)
    workout = Workout(WorkoutSettings(CALIBRATION, get_exercise("seated-row"), plan))
    trace = np.concatenate([movement_n(reps, rest_s=2.0), np.full(int(25 * RATE_HZ), 3.0)])
    return workout.push(counts(trace)) + workout.finish()


def test_a_hard_set_is_answered_with_advice() -> None:
    (advised,) = of(coached(5), SlackAdvised)
    assert advised.advice.action is SlackAction.ADD
    assert advised.advice.amount_cm >= 1


def test_cues_come_in_time() -> None:
    events = coached(8)
    cues = of(events, CueGiven)
    kinds = [cue.kind for cue in cues]
    assert kinds.count(CueKind.TWO_MORE) == 1
    assert kinds.count(CueKind.SET_DONE) == 1
    assert kinds.count(CueKind.REST_OVER) == 1
    pulls = [event.rep.pull_start_s for event in of(events, RepCompleted)]
    exhale = [cue.detected_s for cue in cues if cue.kind is CueKind.EXHALE]
    assert all(min(abs(at - pull) for at in exhale) < 0.4 for pull in pulls[2:])


def test_without_an_exercise_nobody_is_coached() -> None:
    _, events = run(counts(movement_n(5)), inputs={10: SlackAnswer(followed=True)})
    assert not of(events, CueGiven)
    assert not of(events, SlackAdvised)
    assert not of(events, SlackAnswered)


def test_what_the_advice_learned_is_kept() -> None:
    settings = WorkoutSettings(CALIBRATION, get_exercise("seated-row"), Plan(sets=3))
    workout = Workout(settings)
    workout.push(counts(movement_n(5)))
    workout.apply(EndSet())
    (before,) = workout.advisor_states.values()
    assert before.unanswered is not None
    (answered,) = of(workout.apply(SlackAnswer(followed=True)), SlackAnswered)
    assert answered.followed
    assert not workout.apply(SlackAnswer(followed=False)), "there is nothing left to answer"
    after = workout.advisor_states[None]
    assert after.strand.rest_length_m > before.strand.rest_length_m
    assert after.unanswered is None
    assert Workout(WorkoutSettings(CALIBRATION)).advisor_states == {}


def test_advice_left_open_is_told_again_at_the_start_of_the_next_session() -> None:
    row = get_exercise("seated-row")
    evening = Workout(WorkoutSettings(CALIBRATION, row, Plan(sets=1)))
    (told,) = of(evening.push(counts(movement_n(5, rest_s=18.0))), SlackAdvised)
    remembered = evening.advisor_states[None]

    settings = WorkoutSettings(CALIBRATION, row, Plan(sets=1), remembered)
    morning = Workout(WorkoutSettings.from_dict(json.loads(json.dumps(settings.to_dict()))))
    (again,) = of(morning.push(counts(np.full(80, 3.0))), SlackAdvised)
    assert again.advice.instruction == told.advice.instruction
    assert advice_reason(again.advice) == f"From last time: {advice_reason(told.advice)}"
    morning.apply(SlackAnswer(followed=True))
    done = morning.advisor_states[None]
    assert done.strand.rest_length_m > remembered.strand.rest_length_m
    assert done.pending is not None, "the next set shows what it did"
    third = Workout(replace(settings, advisor=done))
    assert of(third.push(counts(np.full(80, 3.0))), SlackAdvised) == []


def test_memory_stays_the_same_over_hours() -> None:
    workout = Workout(WorkoutSettings(CALIBRATION))
    block = counts(np.full(720, 3.0))
    sizes = []
    full = ceil(IDLE_S / 9.0)
    for n in range(3 * full):
        workout.push(SampleBlock(block.time_s + 9.0 * n, block.values))
        sizes.append(workout.trace(-np.inf, np.inf)[0].size)
    assert max(sizes) == sizes[-1] == sizes[full]


def test_inputs_that_are_not_understood_are_refused() -> None:
    with pytest.raises(DataError, match="'jump' is not known"):
        input_from("jump", {})
    with pytest.raises(DataError, match="lacks 'percent'"):
        input_from("battery", {})
    with pytest.raises(DataError, match="'temperature' is damaged"):
        input_from("temperature", {"celsius": "warm"})


@pytest.mark.parametrize(
    "value",
    [
        Tare(),
        EndSet(),
        SlackAnswer(followed=True),
        LinkChange("lost", "the link was lost"),
        BatteryLevel(12),
        SensorTemperature(21.5),
        TemperatureProblem("the sensor refuses"),
    ],
)
def test_an_input_comes_back_from_its_document(value: Input) -> None:
    assert input_from(input_name(value), json.loads(json.dumps(input_data(value)))) == value


def test_settings_come_back_from_their_document() -> None:
    exercise = get_exercise("pull-apart")
    settings = WorkoutSettings(
        replace(CALIBRATION, grade=Grade.CLIP_ON),
        exercise,
        Plan(sets=2, tempo=exercise.tempo),
        AdvisorState.typical(exercise),
        SlackMethodKind.GRIP,
        pre_stretched=True,
        first_side="right",
        advisor_right=replace(AdvisorState.typical(exercise), gain=1.2, gain_uncertainty=0.1),
    )
    assert WorkoutSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    bare = WorkoutSettings(CALIBRATION)
    assert WorkoutSettings.from_dict(json.loads(json.dumps(bare.to_dict()))) == bare


def test_settings_that_are_damaged_or_newer_are_refused() -> None:
    data = WorkoutSettings(CALIBRATION).to_dict()
    with pytest.raises(ConfigError, match="update bandsense"):
        WorkoutSettings.from_dict(data | {"version": 99})
    with pytest.raises(ConfigError, match="damaged"):
        WorkoutSettings.from_dict(data | {"plan": {"sets": "many"}})


def test_samples_of_another_unit_are_refused() -> None:
    workout = Workout(WorkoutSettings(CALIBRATION))
    with pytest.raises(DataError, match=r"samples are in kgf, the calibration is for count"):
        workout.push(SampleBlock(np.array([0.0]), np.array([1.0]), Unit.KILOGRAM_FORCE))


@pytest.mark.parametrize(
    ("name", "reps", "partial"),
    [("calibration-1", 5, 0), ("calibration-3", 5, 0), ("calibration-5", 8, 2), ("clean", 4, 0)],
)
def test_real_sets_end_with_their_number(recordings: Path, name: str, reps: int, partial: int) -> None:
    block = read_recording(recordings / "band" / f"{name}.force.csv").block
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    workout.push(block)
    workout.finish()
    summary = workout.summary()
    assert (summary.reps, summary.partial, summary.samples) == (reps, partial, len(block))


@pytest.mark.parametrize("problem", ["the disk is full", None])
def test_a_change_of_the_store_is_an_input_like_any_other(problem: str | None) -> None:
    value = StorageChange(problem)
    assert input_from(input_name(value), input_data(value)) == value
