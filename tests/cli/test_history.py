"""`bandsense history`, on sessions of a simulated person over weeks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bandsense.app.history import read_history
from bandsense.store.store import Store
from tests.cli.conftest import Command
from tests.support.weeks import CALIBRATED, FIRST, Habit, train_once, train_weeks

SHORT = Habit(reps=(6, 5))


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weeks") / "bandsense.sqlite3"
    train_weeks(Store.open(path), SHORT, [90.0, 94.0, 100.0, 106.0], every=timedelta(days=7))
    return path


def test_the_history_says_how_it_went_and_how_sure_that_is(command: Command, weeks: Path) -> None:
    done = command("history", "--store", weeks)
    assert done.status == 0
    assert done.lines[0] == "Seated row, green band"
    assert done.lines[1].split(maxsplit=1)[1] == "4 sessions, 5 October to 26 October"
    strongest = next(line for line in done.lines if line.startswith("strongest pull"))
    assert "Up 1" in strongest
    assert strongest.endswith("%, sure.")
    assert 8 <= len(done.lines) <= 12


def test_programs_get_the_same(command: Command, weeks: Path) -> None:
    told = json.loads(command("history", "--store", weeks, "--json", "--per-week", "2").out)
    peak = told["trends"][0]
    assert [point["week"] for point in peak["points"]] == [
        "2026-10-05",
        "2026-10-12",
        "2026-10-19",
        "2026-10-26",
    ]
    change = peak["change"]
    assert change["verdict"] == "sure"
    assert change["difference"] == pytest.approx(16.0, abs=2.0 * change["uncertainty"] + 2.0)
    assert told["last_time"][0]["before"] == 3
    assert [week["planned_sessions"] for week in told["dose"]] == [2] * 4


def test_what_cannot_be_compared_is_named_with_its_reason(command: Command, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "bandsense.sqlite3")
    train_once(store, SHORT, 0, FIRST, 90.0)
    again = replace(SHORT, calibration=replace(CALIBRATED, newton_per_unit=1.02))
    train_once(store, again, 1, FIRST + timedelta(days=7), 90.0)
    done = command("history", "--store", store.path)
    assert "Not compared: the sensor was calibrated anew in between." in done.out
    told = json.loads(command("history", "--store", store.path, "--json").out)
    assert told["left_out"] == [{"session": 1, "obstacles": ["calibration"]}]
    assert told["last_time"][0]["changes"] == {}


def test_slack_that_was_let_out_is_carried_on(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "bandsense.sqlite3")
    hard = replace(SHORT, reps=(5, 8))
    for number in range(2):
        train_once(store, hard, number, FIRST + timedelta(days=number), 100.0)
    slack = [record.slack_cm for record in read_history(store).records]
    assert slack[0] == 0.0
    assert slack[1] > 0.0, "the advice after the first set was followed"
    assert slack[2] >= slack[1], "and the next session begins with it"


def test_without_a_set_it_says_what_to_do(command: Command) -> None:
    done = command("history")
    assert done.status == 0
    assert done.out == "no set yet in 8 weeks; train with `bandsense live`\n"
    assert command("history", "--json").out == "null\n"
