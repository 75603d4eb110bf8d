"""Ten samples a second: what cannot be told is not told, with the reason, wherever one looks."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bandsense.calibration.curve import Calibration
from bandsense.cli.rep_table import rep_table
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.formatting import event_json, format_log_line, set_words
from bandsense.live.plan_formatting import plan_json, plan_words
from bandsense.live.screen_words import screen_words
from bandsense.live.state import ViewState
from bandsense.live.terminal import render
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.events import RepCompleted, RepCounted
from bandsense.workout.advice import Rule
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, SetDone, SetResult, SlackAdvised
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import waves

TOO_FAST = {Rule.RETURN_FAST, Rule.PULL_FAST}


def session(rate_hz: float) -> tuple[Workout, list[Event]]:
    """Ten repetitions of 0.5 s, which any plan calls too fast, seen by a calibrated sensor at this rate."""
    still = np.zeros(round(2 * rate_hz))
    moving = waves(10, 60.0, rep_s=0.5, pause_s=0.4, rate_hz=rate_hz)
    tension_n = np.concatenate([still, moving, np.zeros(round(20 * rate_hz))]) + 0.2
    tension_n += np.random.default_rng(1).normal(0.0, 0.03, tension_n.size)
    calibration = Calibration(1.0, unit=Unit.NEWTON, span_uncertainty=0.01)
    workout = Workout(WorkoutSettings(calibration, exercise=get_exercise("seated-row")))
    time_s = np.arange(tension_n.size) / rate_hz
    events = [*workout.push(SampleBlock(time_s, tension_n, Unit.NEWTON)), *workout.finish()]
    return workout, events


@pytest.fixture(scope="module")
def slow() -> tuple[Workout, list[Event]]:
    return session(10.0)


@pytest.fixture(scope="module")
def quick() -> tuple[Workout, list[Event]]:
    return session(80.0)


def the_set(events: list[Event]) -> SetResult:
    (done,) = (event for event in events if isinstance(event, SetDone))
    return done.result


def drawn(state: ViewState) -> str:
    console = Console(width=140, height=40, record=True, file=io.StringIO())
    console.print(render(state, 140, 38))
    return console.export_text()


def test_all_ten_are_counted_at_either_rate(slow: Any, quick: Any) -> None:
    assert len(the_set(slow[1]).reps) == len(the_set(quick[1]).reps) == 10


def test_sentences_say_why_there_is_no_tempo(slow: Any, quick: Any) -> None:
    assert "tempo needs " in set_words(the_set(slow[1]))
    assert "samples a second" in set_words(the_set(slow[1]))
    assert "tempo about" in set_words(the_set(quick[1]))


def test_the_log_leaves_phases_out_with_the_reason(slow: Any, quick: Any) -> None:
    def log(events: list[Event]) -> str:
        told = (event for event in events if isinstance(event, RepCompleted))
        return "\n".join(format_log_line(event, lambda _: 1.0) or "" for event in told)

    assert "pull about –" in log(slow[1])
    assert "needs " in log(slow[1])
    assert "–" not in log(quick[1])


def test_the_terminal_shows_the_same(slow: Any, quick: Any) -> None:
    def within_the_set(events: list[Event]) -> str:
        state = ViewState()
        for event in events:
            state.update(event)
            if isinstance(event, RepCompleted) and event.index == 8:
                break
        return drawn(state)

    assert "(–: needs " in within_the_set(slow[1])
    assert "–: needs" not in within_the_set(quick[1])


def test_a_screen_to_be_read_from_afar_shows_no_time_that_is_not_known(slow: Any) -> None:
    state = ViewState()
    for event in slow[1]:
        state.update(event)
        if isinstance(event, RepCompleted) and event.index > 3 and event.rep.hidden:
            assert "?" in screen_words(state).field.below or state.notice
            break
    else:
        pytest.fail("no repetition hides a phase")


def test_tables_show_dashes_with_the_reason(slow: Any, quick: Any) -> None:
    result = the_set(slow[1])
    table = rep_table(result.reps, result.rep_metrics)
    assert "–: pull" in table
    assert "samples a second" in table
    result = the_set(quick[1])
    assert "samples a second" not in rep_table(result.reps, result.rep_metrics)


def test_files_hold_null_with_the_reason(slow: Any, quick: Any) -> None:
    def exported(events: list[Event], workout: Workout) -> Any:
        (done,) = (event for event in events if isinstance(event, SetDone))
        return json.loads(json.dumps(event_json(done, workout.uncertainty_n)))["result"]

    data = exported(slow[1], slow[0])
    assert data["hand_tempo"] is None
    assert data["metrics"]["tempo"]["concentric_s"] is None
    assert data["metrics"]["hidden"]["tempo.concentric_s"].startswith("needs ")
    figures = data["rep_metrics"][4]
    assert figures["tempo"]["concentric_s"] is None
    assert figures["hidden"]["tempo.concentric_s"].startswith("needs ")
    assert data["reps"][4]["hidden"]["concentric_s"].startswith("needs ")
    assert exported(quick[1], quick[0])["hand_tempo"] is not None


def test_a_plan_is_not_compared_with_what_is_not_known(slow: Any, quick: Any) -> None:
    (words,) = plan_words(the_set(slow[1]), slow[0].settings)
    assert words.startswith("tempo kept: needs ")
    assert plan_json(the_set(slow[1]), slow[0].settings)["tempo_kept"] is None
    assert plan_json(the_set(quick[1]), quick[0].settings)["tempo_kept"] is not None


def test_nothing_is_advised_on_what_is_not_known(slow: Any, quick: Any) -> None:
    def rules(events: list[Event]) -> set[Rule]:
        advised = (event.advice for event in events if isinstance(event, SlackAdvised))
        return {reason.rule for advice in advised for reason in advice.reasons}

    def slower(events: list[Event]) -> bool:
        return any(isinstance(event, CueGiven) and event.kind is CueKind.SLOWER for event in events)

    assert not rules(slow[1]) & TOO_FAST
    assert not slower(slow[1])
    assert rules(quick[1]) & TOO_FAST or slower(quick[1]), "at 80 samples a second it is known to be too fast"


def test_a_peak_between_samples_is_told_under_its_own_uncertainty(slow: Any, quick: Any) -> None:
    def words(part: Any) -> float:
        counted = next(e for e in part[1] if isinstance(e, RepCounted) and e.count == 4)
        line = format_log_line(counted, part[0].uncertainty_n) or ""
        return float(line.split("±")[1].split()[0])

    assert words(slow) > 1.5 * words(quick)
