"""Effort, pain and a note: with the keys, after the session, in what is shown and exported."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bandsense.app.train import TrainingOptions, train
from bandsense.live.actions import Actions
from bandsense.live.keys import _Pressed
from bandsense.sim.clock import run_accelerated
from bandsense.store.store import Store
from tests.cli.conftest import Command
from tests.support.views import EventLog


def test_after_the_session(session: Command, tmp_path: Path) -> None:
    assert session("rate", "--effort", "7").out == "session 1, set 1: effort 7\n"
    done = session("rate", "1", "--set", "1", "--pain", "2", "--note", "left shoulder tight")
    assert done.out == "session 1, set 1: effort 7, pain 2, note: left shoulder tight\n"
    assert "effort 7, pain 2, note: left shoulder tight" in session("show").lines
    told = json.loads(session("show", "--json").out)["streams"][0]["sets"][0]["feedback"]
    assert told == {"effort": 7, "pain": 2, "note": "left shoulder tight"}
    (file,) = session("export", "last", "--format", "json", "-o", tmp_path).lines
    assert json.loads(Path(file).read_text())["streams"][0]["sets"][0]["feedback"] == told
    replayed = [json.loads(line) for line in session("replay", "last", "--json").lines]
    assert [each["event"] for each in replayed].count("set_rated") == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "say something: --effort, --pain or --note"),
        (("--pain", "11"), "pain is scored from 0 to 10, not 11"),
        (("--effort", "3", "--set", "2"), "session 1 has 1 finished sets; there is no set 2"),
    ],
)
def test_what_cannot_be_said_is_refused(session: Command, arguments: tuple[str, ...], reason: str) -> None:
    done = session("rate", *arguments)
    assert (done.status, done.out) == (1, "")
    assert reason in done.err


def test_keys_score_effort_then_pain_and_take_a_note(tmp_path: Path, set_file: Path) -> None:
    from bandsense.app.environment import recording, simulated_environment
    from bandsense.cli.traces import read_trace

    store = Store.open(tmp_path / "s.sqlite3")
    asked: list[str] = []

    class Typist(EventLog):
        """Presses keys as soon as a set is done."""

        def begin(self, pipelines: Any, title: Any, actions: Any) -> None:
            super().begin(pipelines, title, actions)
            keys: Actions = actions[None]
            pressed = _Pressed(keys, asked.append)

            def press(event: object) -> None:
                if type(event).__name__ == "SetDone":
                    for key in "x3w":
                        pressed(key)
                    for key in "sore\x7fe wrist\r":
                        pressed(key)

            pipelines[0].listen(press)

    async def run() -> None:
        source = recording(read_trace(set_file).block)
        async with simulated_environment(source, "simulator") as air:
            await train(TrainingOptions(exercise="seated-row"), air, store, Typist())

    run_accelerated(run())
    (stream,) = store.session("last").streams
    said = [each.data for each in store.inputs(stream) if each.kind == "feedback"]
    assert said == [
        {"said": {"effort": 10, "pain": None, "note": ""}, "number": 1},
        {"said": {"effort": None, "pain": 3, "note": ""}, "number": 1},
        {"said": {"effort": None, "pain": None, "note": "sore wrist"}, "number": 1},
    ]
    assert "note (Enter keeps it, Esc does not): so_" in asked


def test_escape_gives_a_note_up() -> None:
    from bandsense.live.actions import Action

    async def run() -> list[str]:
        written: list[str] = []
        pressed = _Pressed({"w": Action("note", print, write=written.append)}, lambda _: None)
        for key in "wabc\x1bwq\r":
            pressed(key)
        return written

    assert asyncio.run(run()) == ["q"]


def test_pain_ends_the_exercise_with_words(command: Command, tmp_path: Path) -> None:
    assert command("profile", "set", "--exercise", "seated-row", "--stop-pain", "5").status == 0
    (person,) = Store.open(tmp_path / "home" / "bandsense.sqlite3").people.all().values()
    assert person["setups"][0]["plan"]["stop"] == {"pain": 5, "band_lost": False}
    assert (
        "pain stops an exercise from a score of 1 to 10" in command("profile", "set", "--stop-pain", "11").err
    )


def test_a_bug_report_holds_no_note(tmp_path: Path) -> None:
    from bandsense.app.bug_report import Mask, masked_capture
    from bandsense.capture.format import CaptureWriter, read_capture
    from bandsense.workout.feedback import Feedback
    from bandsense.workout.inputs import SetFeedback, input_data

    said = input_data(SetFeedback(Feedback(pain=3, note="hurts since the accident"), 1))
    with CaptureWriter(tmp_path / "own.bandcap") as writer:
        writer.section(0.0, {"driver": "bandsense", "name": "x"})
        writer.link(1.0, {"input": "feedback", "data": said, "after_samples": 0})
    masked_capture(read_capture(tmp_path / "own.bandcap"), tmp_path / "masked.bandcap", Mask())
    data = (tmp_path / "masked.bandcap").read_bytes()
    assert b"accident" not in data
    assert b'"pain": 3' in data
