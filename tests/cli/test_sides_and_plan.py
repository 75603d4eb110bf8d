"""What `live` and `show` tell of left and right, of tempo and of the tension zone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.support.traces import waves, write_trace


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """Five repetitions up to 58 N, then, after a rest, five up to 53 N."""
    rest = np.zeros(1600)
    tension_n = np.concatenate([rest[:160], waves(5, 55.0), rest, waves(5, 50.0), rest[:160]])
    tension_n += 3.0 + 0.05 * np.random.default_rng(4).standard_normal(tension_n.size)
    return write_trace(tmp_path / "halves.csv", tension_n)


PROFILE = ("profile", "--simulated")


@pytest.mark.slow
def test_left_and_right_are_said_and_compared(command: Command, halves: Path) -> None:
    live = ("live", "--sim", "--trace", halves, "--speed", "0", "--lines")
    done = command(*live, "--exercise", "bent-over-row", "--side", "right")
    assert any("One-arm bent-over row, right first" in line for line in done.lines)
    assert any("half-set 1, right: 5 reps" in line for line in done.lines)
    assert any("half-set 2, left: 5 reps" in line for line in done.lines)
    compared = next(line for line in done.lines if line.startswith("right against left: "))
    assert "surely different: peak" in compared
    assert compared in command("show", "--simulated").lines
    stored = json.loads(command("show", "--simulated", "--json").out)
    assert [part["side"] for part in stored["streams"][0]["sets"]] == ["right", "left"]
    assert stored["summary"]["asymmetry"]["peak"]["share"] == pytest.approx(5.0 / 55.5, abs=0.01)

    refused = command(*live, "--exercise", "seated-row", "--side", "left")
    assert refused.status == 1
    assert "both sides at once; leave out --side" in refused.err


@pytest.mark.slow
def test_show_holds_a_set_against_tempo_and_zone(command: Command, halves: Path) -> None:
    assert command(*PROFILE, "set", "--exercise", "seated-row", "--zone-n", "54", "70").status == 0
    live = command("live", "--sim", "--trace", halves, "--speed", "0", "--lines", "--exercise", "seated-row")
    lines = command("show", "--simulated").lines
    for told in (live.lines, lines):
        assert [line.split("; ")[1] for line in told if "peaks within" in line] == [
            "peaks within 54 to 70 N: 5 of 5 (0 below, 0 above)",
            "peaks within 54 to 70 N: 0 of 5 (5 below, 0 above)",
        ]
    # 2 s a repetition: a return of 1 s is less than the 2.5 s of the plan.
    assert all("return 0 %" in line for line in lines if line.startswith("tempo about"))
    first, second = json.loads(command("show", "--simulated", "--json").out)["streams"][0]["sets"]
    assert (first["zone"]["within"], second["zone"]["below"]) == (5, 5)
    assert first["tempo_kept"]["eccentric"]["kept"] == 0.0


def test_without_an_exercise_nothing_was_planned(session: Command, set_file: Path) -> None:
    assert "planned 1.5-" in session("show").out
    assert "peaks within" not in session("show").out


def test_an_empty_zone_is_refused(command: Command) -> None:
    done = command("profile", "set", "--exercise", "seated-row", "--zone-n", "70", "50")
    assert done.status == 1
    assert "give the lower number first" in done.err


# -- profiles in and out -----------------------------------------------------------------------------------


def test_profiles_go_out_and_come_in(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("profile", "set", "--exercise", "seated-row", "--rest-length-cm", "60", "--stroke-cm", "50")
    command("band", "add", "red", "--colour", "red")
    file = tmp_path / "mine.json"
    assert command("profile", "export", file).out == f"{file}\n"
    shown = command("profile").out
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / "another"))
    assert "nothing is known yet" in command("profile").out
    assert command("profile", "import", file).status == 0
    assert command("profile").out == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not valid"),
        ('{"version": 2}', "version"),
        ('{"bands": [{"id": "red", "colour": "red", "strands": 0}]}', "bands.0.strands"),
        ('{"bands": [{"id": "red"}, {"id": "red"}]}', "two entries for the band red"),
        ('{"people": [{"id": "me", "age": 40}]}', "people.0.age"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(
    command: Command, tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    done = command("profile", "import", file)
    assert done.status == 1
    assert str(file) in done.err
    assert reason in done.err
    assert "nothing is known yet" in command("profile").out
