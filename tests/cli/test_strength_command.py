"""`bandsense test`, as a person would do it, with a simulated sensor."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bandsense.store.store import Store
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("simulated_time")

SIM = ("test", "--sim", "--speed", "0", "--trials", "2", "--rest-s", "3")


def test_a_test_is_told_kept_and_shown(command: Command, tmp_path: Path) -> None:
    done = command(*SIM)
    assert done.status == 0, done.err
    assert done.lines[1] == "Me · seated row · as simulated · as simulated"
    assert "Now: right, trial 2 of 2." in done.lines
    assert not any("did not count" in line for line in done.lines)
    left = next(line for line in done.lines if line.startswith("left: best "))
    assert "; force rose by " in left
    assert any(line.startswith("limb symmetry: left 8") for line in done.lines)
    assert done.lines[-1] == "saved as session 1: `bandsense show 1 --simulated`"
    assert left in command("show", "1", "--simulated").lines
    again = json.loads(command("show", "1", "--simulated", "--json").out)
    assert again["again"]["strength_test"] == again["summary"]["strength_test"], (
        "the raw samples say the same"
    )
    assert "strength test" in command("sessions", "--simulated").out
    assert len(command("export", "1", "--simulated", "-o", tmp_path).lines) == 2
    assert command("sessions").out.startswith("no session yet")
    assert "peak" not in left, "no time to peak is ever told"


@pytest.mark.slow
def test_only_like_is_compared_with_like(command: Command) -> None:
    command(*SIM)
    same = command(*SIM)
    assert sum("no detectable change; that would take 1" in line for line in same.lines) == 2
    weaker = command(*SIM, "--seed", "3")
    assert any("% weaker, more than the" in line for line in weaker.lines)
    lying = command(*SIM, "--posture", "lying")
    assert any(line.endswith("the posture differs") for line in lying.lines)
    lower = command(*SIM, "--posture", "as simulated", "--position", "lower")
    assert any(line.endswith("the position of the band or strap differs") for line in lower.lines)
    other = command(*SIM, "--movement", "knee extension", "--link", "band")
    assert not any("since" in line or "compared" in line for line in other.lines)
    assert any("how quickly force rose is not known: a band stretches first" in line for line in other.lines)

    listed = command("test", "list", "--simulated").lines
    assert len(listed) == 7
    assert "knee extension" in listed[1]
    assert "not comparable" in listed[2]
    told = [json.loads(line) for line in command("test", "list", "--simulated", "--json").lines]
    assert told[1]["compared"]["changes"][0]["share"] is None, (
        "what cannot be told is not told to programs either"
    )
    assert told[2]["compared"]["changes"][0]["share"] < -0.2
    assert told[3]["compared"]["differences"] == ["the posture differs"]


def test_a_side_and_both_together(command: Command) -> None:
    done = command(*SIM, "--side", "right", "--json")
    result = json.loads(done.lines[-1])
    assert (result["event"], result["complete"], result["symmetry"]) == ("result", True, None)
    assert [each["side"] for each in result["results"]] == ["right"]
    events = [json.loads(line)["event"] for line in done.lines]
    assert events.count("trial_done") == 2
    together = command(*SIM, "--side", "together")
    assert any(line.startswith("best ") for line in together.lines)


def test_how_it_was_done_is_kept_and_asked_for(command: Command, tmp_path: Path) -> None:
    assert "say with --movement how it is done" in command("test").err
    command(*SIM, "--movement", "knee  extension", "--posture", "seated, 90°", "--position", "ankle, 40 cm")
    again = command(*SIM)
    assert again.lines[1] == "Me · knee extension · seated, 90° · ankle, 40 cm"
    (stream,) = Store.open(tmp_path / "home" / "simulated.sqlite3").session("last").streams
    assert stream.settings["strength_test"]["position"] == "ankle, 40 cm"


def test_what_makes_no_sense_is_refused(command: Command) -> None:
    assert "--speed needs --sim" in command("test", "--speed", "2").err
    assert "--injured needs both sides" in command(*SIM, "--side", "left", "--injured", "left").err
    assert command("test", "list").out.startswith("no test yet")


def test_a_test_that_is_cut_short_keeps_what_was_done(command: Command, tmp_path: Path) -> None:
    from bandsense.app.strength_test import strength_records

    command(*SIM)
    store = Store.open(tmp_path / "home" / "simulated.sqlite3")
    (whole,) = strength_records(store)
    with closing(sqlite3.connect(store.path)) as connection, connection:  # as when the power failed
        connection.execute("UPDATE sessions SET summary = NULL, state = 'recovered'")
    (again,) = strength_records(store)
    assert again == whole
