"""What is to be heard, against the events and the states that ask for it."""

from __future__ import annotations

import pytest

from bandsense.live.sound import (
    BACK,
    HOLD,
    IN,
    LIMIT,
    LOST,
    OUT,
    REST_OVER,
    RETRACTED,
    SET_DONE,
    TEN_LEFT,
    Priority,
    Sound,
    SoundPlan,
)
from bandsense.signal.events import RepCounted, RepRetracted, RetractReason
from bandsense.workout.advice import SlackAction, When
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, ExerciseStopped, LinkChanged, SlackAdvised
from bandsense.workout.feedback import StopReason
from tests.support.scenes import Scene, advice, scene


def heard(going: Scene, *events: Event) -> list[Sound]:
    plan = SoundPlan(going.state)
    for event in events:
        going.tell(event)
    return plan.hear(events)


def cue(going: Scene, kind: CueKind, **more: bool) -> CueGiven:
    return CueGiven(going.now_s, kind, going.now_s, **more)  # type: ignore[arg-type]


def counted(going: Scene, count: int) -> RepCounted:
    return RepCounted(going.now_s, count, 105.0, going.now_s, count)


def test_the_phases_have_tones_of_their_own() -> None:
    going = scene("valley")
    told = [heard(going, cue(going, kind))[0] for kind in (CueKind.EXHALE, CueKind.HOLD, CueKind.INHALE)]
    assert [sound.kind for sound in told] == [OUT.kind, HOLD.kind, IN.kind]
    out, _, back = (sound.tones[0] for sound in told)
    assert (out.start_hz, out.end_hz) == (back.end_hz, back.start_hz)
    assert [sound.say for sound in told] == ["Breathe out", "Hold", "Breathe in"]


def test_an_unsure_breath_has_no_voice() -> None:
    going = scene("valley")
    (sound,) = heard(going, cue(going, CueKind.EXHALE, unsure=True))
    assert (sound.tones, sound.say) == (OUT.tones, "")


@pytest.mark.parametrize(
    ("count", "kind", "say", "clicks"),
    [
        (3, "count", "3", 1),
        (8, "target reached", "8, that is the plan", 2),
        (9, "count", "9", 1),
        (12, "set full", "12, the set is full", 2),
    ],
)
def test_the_count_is_heard_and_the_plan_s_last_one_differs(
    count: int, kind: str, say: str, clicks: int
) -> None:
    going = scene("pull")
    (sound,) = heard(going, counted(going, count))
    assert (sound.kind, sound.say, len(sound.tones)) == (kind, say, clicks)
    assert {tone.start_hz for tone in sound.tones} == {1200.0}


def test_of_two_at_once_the_more_important_is_heard() -> None:
    going = scene("hold")
    both = heard(going, cue(going, CueKind.INHALE), counted(going, 6))
    assert [sound.kind for sound in both] == ["count"]
    going = scene("hold")
    over = SlackAdvised(going.now_s, advice(when=When.NOW), going.now_s)
    assert [sound.kind for sound in heard(going, counted(going, 6), over)] == [LIMIT.kind]


def test_what_was_not_counted_is_told() -> None:
    going = scene("hold")
    taken = RepRetracted(going.now_s, 5, RetractReason.BROKEN_OFF, going.now_s, 4)
    assert heard(going, taken) == [RETRACTED]


def test_a_lost_sensor_is_heard_once_and_when_it_is_back() -> None:
    going = scene("hold")
    plan = SoundPlan(going.state)
    told = []
    for state in ("lost", "searching", "connecting", "connected", "streaming"):
        event = LinkChanged(going.now_s, state, "", going.now_s)
        going.tell(event)
        told += plan.hear([event])
    assert told == [LOST, BACK]


def test_a_search_before_the_first_sample_is_no_loss() -> None:
    going = Scene()
    assert heard(going, LinkChanged(0.0, "searching", "", 0.0)) == []


def test_advice_comes_when_the_breath_is_back() -> None:
    going = scene("rest")
    (sound,) = heard(going, SlackAdvised(going.now_s, advice(), going.now_s))
    assert sound.delay_ms == 2000
    assert sound.say.startswith("Let about 4 cm of band out of each hand. You did 5 full repetitions")
    keep = SlackAdvised(going.now_s, advice(SlackAction.KEEP), going.now_s)
    assert heard(going, keep) == []


def test_the_end_of_a_rest_is_counted_down() -> None:
    going = scene("rest")
    plan = SoundPlan(going.state)
    told = []
    while (going.state.rest_left_s or 0.0) > -0.5:
        told += [(round(going.state.rest_left_s or 0.0), sound.say) for sound in plan.tick()]
        going.now_s += 0.05
    assert told == [(10, TEN_LEFT.say), (3, "3"), (2, "2"), (1, "1")]


def test_the_end_of_a_set_and_of_a_rest_are_heard() -> None:
    going = scene("rest")
    assert heard(going, cue(going, CueKind.REST_OVER))[0].tones == REST_OVER.tones
    assert heard(going, cue(going, CueKind.SET_DONE))[0].tones == SET_DONE.tones


def test_the_limit_goes_before_everything() -> None:
    assert max(Priority) is Priority.LIMIT
    assert OUT.priority < RETRACTED.priority < SET_DONE.priority < LOST.priority < LIMIT.priority


def test_a_stop_is_heard_above_all_else_and_told_in_words() -> None:
    going = scene("rest")
    stopped = ExerciseStopped(going.now_s, StopReason.PAIN, 6, 5, going.now_s)
    (sound,) = heard(going, counted(going, 3), stopped)
    assert (sound.kind, sound.priority, sound.tones) == ("stop", Priority.LIMIT, LIMIT.tones)
    assert sound.say.startswith("Stop. Pain 6 of 10.")
    again = ExerciseStopped(going.now_s, None, 1, 5, going.now_s)
    assert heard(going, again) == [], "what may go on again needs no alarm"
