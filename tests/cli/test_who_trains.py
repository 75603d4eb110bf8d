"""Who trains, in which unit, and that the simulator never touches it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bandsense.store.model import NewSession
from bandsense.store.store import Store
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("simulated_time")


def _live(command: Command, trace: Path, *arguments: str | Path) -> str:
    done = command("live", "--sim", "--trace", trace, "--speed", "0", "--lines", *arguments)
    assert done.status == 0, done.err
    return done.out


@pytest.mark.slow
def test_whoever_trained_last_trains_again_at_what_they_did_last(
    command: Command, set_file: Path, tmp_path: Path
) -> None:
    own = ("--store", tmp_path / "own.sqlite3")
    command("profile", "set", "--person", "Zoe", "--exercise", "pull-apart", "--sets", "1", *own[:0])
    _live(command, set_file, "--person", "Ada", "--exercise", "seated-row", *own)
    _live(command, set_file, "--person", "Zoe", "--exercise", "lat-pulldown", *own)
    assert "\nZoe · Lat pulldown · simulated\n" in _live(command, set_file, *own)
    _live(command, set_file, "--person", "Ada", *own)
    assert "\nAda · Seated row · simulated\n" in _live(command, set_file, *own)


def test_a_person_who_was_only_set_up_does_not_train_until_they_do(
    command: Command, set_file: Path, tmp_path: Path
) -> None:
    own = ("--store", tmp_path / "own.sqlite3")
    _live(command, set_file, "--person", "Mia", *own)
    command("profile", *own, "set", "--person", "Ada", "--sets", "2")
    assert "\nMia · Seated row · simulated\n" in _live(command, set_file, *own)
    assert command("profile", *own, "set", "--sets", "1").out == "Mia, Seated row: saved\n"


def test_the_simulator_leaves_ones_own_sessions_and_progress_alone(
    command: Command, set_file: Path, tmp_path: Path
) -> None:
    command("band", "add", "red", "--colour", "red")
    command("profile", "set", "--person", "Ada", "--exercise", "seated-row", "--band", "red", "--sets", "2")
    store = Store.open(tmp_path / "home" / "bandsense.sqlite3")
    before = (store.people.all(), store.bands.all())
    assert "\nAda · Seated row · band red · simulated\n" in _live(command, set_file, "--person", "Ada")
    assert "\nAda · Seated row · band red · simulated\n" in _live(command, set_file)
    assert (store.people.all(), store.bands.all()) == before
    assert command("sessions").out.startswith("no session yet")
    assert [line.split()[0] for line in command("sessions", "--simulated").lines] == ["session", "2", "1"]
    assert command("show", "1").status == 1
    assert "4 reps in 1 set" in command("show", "1", "--simulated").out
    assert json.loads(command("replay", "last", "--simulated", "--json").lines[-1])["reps"] == 4
    files = command("export", "last", "--simulated", "-o", tmp_path / "out").lines
    assert files[0].endswith("session-2.csv")
    learned = Store.open(tmp_path / "home" / "simulated.sqlite3").people.get("Ada")
    assert learned is not None
    assert learned["setups"][-1]["advisor"] is not None


def test_a_name_is_known_however_it_is_typed(command: Command, set_file: Path, tmp_path: Path) -> None:
    own = ("--store", tmp_path / "own.sqlite3")
    command("profile", *own, "set", "--person", "Ada", "--exercise", "pull-apart")
    told = _live(command, set_file, "--person", "ada ", *own)
    assert "\nAda · Pull-apart · simulated\n" in told
    assert "new here" not in told
    (found,) = command("sessions", "--person", "ADA", "--json", *own).lines
    assert json.loads(found)["person"] == "Ada"
    assert command("profile", *own, "set", "--person", "ADA", "--sets", "2").out == "Ada, Pull-apart: saved\n"
    told = _live(command, set_file, "--person", "Adda", *own)
    assert "Adda is new here; did you mean Ada?" in told
    assert "\nAdda · Seated row · simulated\n" in told
    assert "Zoe is new here\n" in _live(command, set_file, "--person", "Zoe", *own)
    history = command("history", "--person", "Wilhelm", *own).out
    assert history.endswith("nothing is stored of 'Wilhelm', only of: Ada, Adda, Zoe\n")


def test_a_name_that_cannot_be_one_is_told(command: Command, set_file: Path) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--person", "x" * 90)
    assert done.status == 1
    assert "cannot be a person's name" in done.err


def test_two_people_who_differ_by_a_capital_letter_stay_two(tmp_path: Path) -> None:
    from bandsense.app.trainee import as_known

    store = Store.open(tmp_path / "old.sqlite3")
    for name in ("Ada", "ada"):
        store.people.put(name, {"id": name, "name": name})
    assert [as_known(store, name) for name in ("Ada", "ada", "ADA")] == ["Ada", "ada", "ADA"]
    new = NewSession(source="sensor", started_unix_s=0.0, streams=(), software="x", person="Mia")
    store.record(new).close()
    assert as_known(store, "mia") == "Mia"


def test_simulated_sessions_in_an_older_store_count_for_nobody(tmp_path: Path) -> None:
    from bandsense.app.trainee import last_person

    store = Store.open(tmp_path / "old.sqlite3")
    for source, person in (("sensor", "Ada"), ("simulator playing x.csv", "Zoe"), ("demonstration", "Mia")):
        new = NewSession(source=source, started_unix_s=0.0, streams=(), software="x", person=person)
        store.record(new).close()
        assert store.session("last").simulated == (source != "sensor")
    assert last_person(store).id == "Ada"


@pytest.mark.parametrize(("unit", "peak"), [("kgf", 5.4), ("lbf", 11.9), ("N", 53.0)])
def test_forces_are_shown_in_the_persons_unit_and_kept_in_newtons(
    command: Command, set_file: Path, unit: str, peak: float
) -> None:
    told = command("profile", "set", "--unit", unit).out
    assert told.startswith("Me: forces are shown in ")
    assert command("profile").out == "nothing is known yet; usual values are used\n"  # and nothing else
    lines = _live(command, set_file).splitlines()
    (rep,) = (line for line in lines if "rep 4: " in line)
    assert rep.endswith(f" {unit}")
    assert float(rep.split(": ")[1].split()[0]) == pytest.approx(peak, rel=0.02)
    for said in (lines, command("show", "last", "--simulated").lines):
        for line in said:
            assert unit == "N" or not re.search(r" N\b", line), line
    head = next(line for line in command("show", "--simulated").lines if line.lstrip().startswith("rep "))
    assert f"peak {unit}" in head
    data = json.loads(command("show", "last", "--simulated", "--json").out)
    assert data["streams"][0]["sets"][0]["reps"][0]["peak_n"] == pytest.approx(53.0, rel=0.02)


def test_a_zone_is_given_and_told_in_ones_own_unit(command: Command, set_file: Path, tmp_path: Path) -> None:
    command("profile", "set", "--unit", "lbf", "--exercise", "seated-row", "--zone", "10", "12")
    assert command("profile").lines[1].endswith("10-12 lbf")
    (person,) = Store.open(tmp_path / "home" / "bandsense.sqlite3").people.all().values()
    assert person["setups"][0]["plan"]["zone"] == {
        "low_n": pytest.approx(44.48, abs=0.01),
        "high_n": pytest.approx(53.38, abs=0.01),
    }
    assert "peaks within 10.0 to 12.0 lbf: 4 of 4" in _live(command, set_file)


def test_bands_are_told_in_the_unit_of_who_trained_last(command: Command) -> None:
    command("profile", "set", "--unit", "kgf")
    command("band", "add", "red", "--colour", "red")
    assert "kgf at twice its length" in command("band", "show", "red").out
    assert "estimated kgf at twice" in command("band", "list", "--catalogue").lines[0]


def test_a_name_that_steers_the_terminal_is_refused(command: Command, set_file: Path, tmp_path: Path) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--person", "A\x1b[31mB")
    assert done.status == 1
    assert "'A\\x1b[31mB' cannot be a person's name: it holds control characters" in done.err
    (tmp_path / "theirs.json").write_text('{"people": [{"id": "eve", "name": "E\\u001b[2J"}]}')
    refused = command("profile", "import", tmp_path / "theirs.json")
    assert refused.status == 1
    assert "it holds control characters" in refused.err
