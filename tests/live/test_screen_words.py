"""What the screens say where there is no amount of slack to tell."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace

import pytest
from rich.console import Console

from bandsense.language import Composed, speaking, tr
from bandsense.live.screen_words import AdviceWords, screen_words
from bandsense.live.state import TRIED_S, Screen
from bandsense.live.terminal import render
from bandsense.signal.events import Phase, PhaseChanged, RepCounted
from bandsense.workout.advice import Advice, Reason, Rule, SlackAction
from bandsense.workout.events import (
    BatteryChanged,
    ExerciseStopped,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
)
from bandsense.workout.feedback import StopReason
from tests.support.scenes import Scene, advice, scene


def advised(action: SlackAction, rule: Rule, **numbers: float) -> Scene:
    resting = scene("rest")
    given = Advice(action, rule, (Reason(rule, numbers),))
    resting.tell(SlackAdvised(resting.now_s, given, resting.now_s))
    return resting


def told(resting: Scene) -> AdviceWords:
    words = screen_words(resting.state).advice
    assert words is not None
    return words


@pytest.mark.parametrize(
    ("action", "rule", "numbers", "what", "why", "answers"),
    [
        (
            SlackAction.CHECK,
            Rule.BAND_LOST,
            {"reps": 5.0},
            "Check the band before you go on.",
            "the band snapped",
            ("I checked it", ""),
        ),
        (
            SlackAction.CHECK,
            Rule.WRONG_UNIT,
            {"peak_n": 6000.0},
            "Check the sensor before you go on.",
            "another unit",
            ("I checked it", ""),
        ),
        (
            SlackAction.ASK,
            Rule.ONE_REP,
            {"planned": 8.0},
            "Was that on purpose?",
            "You did one repetition.",
            ("On purpose", "Too strong"),
        ),
        (
            SlackAction.CHANGE_BAND,
            Rule.LIGHTER_BAND,
            {"slack": 0.2},
            "Take another band.",
            "lighter",
            ("", ""),
        ),
        (SlackAction.NONE, Rule.LINK_LOST, {"reps": 5.0}, "This set is not judged.", "was lost", ("", "")),
    ],
)
def test_what_is_no_slack_says_what_to_do_and_never_to_keep_it(
    action: SlackAction,
    rule: Rule,
    numbers: dict[str, float],
    what: str,
    why: str,
    answers: tuple[str, str],
) -> None:
    words = told(advised(action, rule, **numbers))
    assert words.what == what
    assert why in words.why
    assert (words.yes, words.no) == answers
    assert words.amount == ""


def test_an_answer_stays_noted_for_the_rest_of_the_rest() -> None:
    resting = scene("rest")
    resting.tell(SlackAnswered(resting.now_s, True, resting.now_s, advice()))
    assert told(resting).what == "Noted: 4 cm out."
    resting.sample_until(resting.now_s + 20.0)
    assert told(resting).what == "Noted: 4 cm out."
    kept = scene("rest")
    kept.tell(SlackAnswered(kept.now_s, False, kept.now_s, advice()))
    assert told(kept).what == "Noted: it stays as it is."
    kept.sample_until(kept.now_s + 20.0)
    assert told(kept).what == "Noted: it stays as it is."


def test_a_stopped_exercise_stays_stopped_on_the_screen() -> None:
    resting = scene("rest")
    resting.tell(ExerciseStopped(resting.now_s, StopReason.PAIN, 6, 5, resting.now_s))
    resting.sample_until(resting.now_s + 20.0)
    words = screen_words(resting.state)
    assert words.advice is not None
    assert (words.advice.title, words.advice.what) == ("Stop", "Stop this exercise for today.")
    assert words.advice.why.startswith("Pain 6 of 10.")
    assert words.clock_then == "stopped for today"
    resting.tell(ExerciseStopped(resting.now_s, None, 1, 5, resting.now_s))
    assert told(resting).title != "Stop"


def test_a_lost_band_that_stops_the_exercise_can_still_be_told_as_checked() -> None:
    resting = advised(SlackAction.CHECK, Rule.BAND_LOST, reps=5.0)
    resting.tell(ExerciseStopped(resting.now_s, StopReason.BAND_LOST, None, None, resting.now_s))
    assert (told(resting).title, told(resting).yes) == ("Stop", "I checked it")


def test_the_picture_of_one_hand_speaks_of_one_hand() -> None:
    resting = scene("rest")
    resting.tell(SlackAdvised(resting.now_s, advice(side="left"), resting.now_s))
    assert told(resting).picture_label == "4 cm from your hand"
    resting.tell(SlackAdvised(resting.now_s, advice(), resting.now_s))
    assert told(resting).picture_label == "4 cm from each hand"


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (87, "Bring the sensor nearer to the computer"),
        (11, "Bring the sensor nearer to the computer"),
        (10, "Its battery was at 10 %: plug in its charger."),
        (2, "Its battery was at 2 %: plug in its charger."),
    ],
)
def test_a_sensor_that_is_lost_with_an_empty_battery_wants_its_charger(percent: int, said: str) -> None:
    lost = scene("lost")
    lost.tell(BatteryChanged(lost.now_s, percent, lost.now_s))
    below = screen_words(lost.state).field.below
    assert said in below
    assert ("nearer" in below) == (percent > 10)


def moved(at: Scene) -> None:
    """A first pull, of which it is not certain yet that it is a repetition."""
    for time_s, phase in (
        (2.0, Phase.CONCENTRIC),
        (3.0, Phase.HOLD),
        (3.5, Phase.ECCENTRIC),
        (5.0, Phase.REST),
    ):
        at.tell(PhaseChanged(time_s, phase, time_s + 0.1))


def test_after_a_first_pull_nobody_is_told_that_nothing_happened_yet() -> None:
    begun = Scene()
    assert screen_words(begun.state).verdict == "", "nothing was heard yet"
    begun.sample_until(1.0, 0.4)
    assert screen_words(begun.state).verdict == "zero is set"
    assert screen_words(begun.state).field.word == "Pull when you like"
    moved(begun)
    told = screen_words(begun.state).field
    assert (told.word, told.below) == ("Go on", "The first repetition is counted once it is certain.")
    drawn = Console(width=80, height=24, record=True, file=io.StringIO())
    drawn.print(render(begun.state, 80, 24))
    assert "The first repetition is counted" in drawn.export_text()
    begun.now_s += TRIED_S + 0.1  # it was no repetition, and none comes
    assert screen_words(begun.state).field.word == "Pull when you like"


def test_a_notice_that_comes_in_a_pull_can_be_read_after_it() -> None:
    pulled = scene("pull")
    pulled.tell(BatteryChanged(pulled.now_s, 9, pulled.now_s))
    until_s = pulled.state.notice_until_s
    pulled.tell(PhaseChanged(until_s - 0.2, Phase.REST, until_s - 0.1))
    pulled.sample_until(until_s + 1.0)
    assert screen_words(pulled.state).field.below == "The sensor's battery is at 9 %; charge it"
    again_s = until_s + 1.2
    pulled.tell(
        PhaseChanged(again_s, Phase.CONCENTRIC, again_s),
        PhaseChanged(again_s + 1.5, Phase.REST, again_s + 1.5),
    )
    pulled.sample_until(again_s + 4.0)
    assert pulled.state.notice == "", "and not after every one"


def test_the_last_repetition_is_one_of_this_set() -> None:
    again = scene("rest-over")
    at_s = again.now_s + 1.0
    again.tell(SetStarted(at_s, again.number + 1, at_s), RepCounted(at_s, 20, 95.0, at_s, 1))
    again.sample_until(at_s + 2.0)
    assert again.state.screen is Screen.VALLEY
    assert screen_words(again.state).field.below == ""


def test_the_end_of_a_session_tells_the_peak_of_its_strongest_set() -> None:
    done = scene("finished").state
    told = done.snapshot()["finished"]
    assert (told["peak"], told["peak_uncertainty"]) == ("107", "7")
    assert done.sets[0].peak == "107 ± 7 N"
    assert done.finished is not None
    done.finished = replace(done.finished, peak_n=None, hidden={"peak_n": "its zero is off"})
    assert done.snapshot()["finished"]["peak"] == ""


def test_the_end_of_a_session_is_told_in_the_language_of_whoever_reads_it() -> None:
    done = scene("finished")
    assert done.state.finished is not None
    next_time = Composed(lambda: f"{tr('Go on')}. {tr('Set done')}.")
    done.state.finished = replace(done.state.finished, next_time=next_time, compared=next_time)
    for code, words in (("en", "Go on. Set done."), ("de", "Weiter. Satz fertig.")):
        with speaking(code):
            told = done.state.snapshot()["finished"]
        assert (told["next_time"], told["compared"]) == (words, words)
    assert pickle.loads(pickle.dumps(next_time)).texts == next_time.texts
