"""`bandsense profile`: what someone says of themselves, out and in again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandsense.bands.strand import Strand
from bandsense.profiles.person import Person
from bandsense.store.store import Store
from bandsense.workout.advice import AdvisorState
from tests.cli.conftest import Command


def test_profiles_are_set_shown_exported_and_imported(command: Command, tmp_path: Path) -> None:
    assert command("profile").out == "nothing is known yet; usual values are used\n"
    lengths = ("--rest-length-cm", "60", "--stroke-cm", "50", "--anchor", "hook by the window")
    targets = ("--sets", "2", "--reps", "10", "--tempo-s", "3", "1", "3", "0.5", "--rest-s", "120")
    assert command("profile", "set", "--exercise", "seated-row", *lengths, *targets).status == 0
    row = command("profile").lines[1]
    assert row.split() == (
        "Me seated-row 60 – 50 2 x 10-14 3-1-3-0.5 120 hook by the window".split()  # noqa: SIM905
    )
    file = tmp_path / "mine.json"
    assert command("profile", "export", file).out == f"{file}\n"
    assert command("profile", "import", file).out == "imported: 1 person, 0 bands, 0 sensors\n"


def test_a_person_is_removed_with_everything_that_names_them(session: Command, tmp_path: Path) -> None:
    home = tmp_path / "home"
    session("profile", "set", "--person", "Quetzalcoatl", "--exercise", "seated-row", "--sets", "2")
    session("profile", "set", "--person", "Ben", "--exercise", "pull-apart")
    session("edit", "set", "1", "--person", "Quetzalcoatl")
    session("edit", "set", "1", "--person", "Ben")
    session("edit", "set", "1", "--person", "Quetzalcoatl")
    session("edit", "split", "1", "--at", "5")
    session("edit", "set", "2", "--person", "Ben")
    refused = session("profile", "remove", "quetzalcoatl")
    assert refused.status == 1
    assert "--yes" in refused.err
    assert session("profile", "remove", "Quetzalcoatel", "--yes").status == 1
    done = session("profile", "remove", "quetzalcoatl", "--yes")
    assert done.lines[0].startswith("Quetzalcoatl and 2 sessions are removed for good"), done
    assert [line.split()[0] for line in session("sessions").lines[1:]] == ["2"]
    assert session("edit", "undo").status == 1
    assert [line.split()[0] for line in session("profile").lines[1:]] == ["Ben", "Me"]
    for path in home.iterdir():
        if path.is_file():
            assert b"Quetzalcoatl" not in path.read_bytes(), path
    assert session("profile", "remove", "quetzalcoatl", "--yes").status == 1


def test_a_person_is_removed_from_the_simulated_store_too(command: Command, tmp_path: Path) -> None:
    command("profile", "set", "--person", "Ada", "--exercise", "seated-row")
    command("profile", "--simulated")
    (tmp_path / "home" / "bandsense.sqlite3.before-version-1").touch()
    done = command("profile", "remove", "ada", "--yes", "--json")
    assert json.loads(done.out) == {
        "person": "Ada",
        "removed": 0,
        "copies": [str(tmp_path / "home" / "bandsense.sqlite3.before-version-1")],
    }
    assert command("profile", "--simulated").out == "nothing is known yet; usual values are used\n"


def test_what_is_not_given_stays(command: Command) -> None:
    command("profile", "set", "--exercise", "seated-row", "--rest-length-cm", "60", "--zone-n", "40", "55")
    command("profile", "set", "--sets", "1")
    assert command("profile").lines[1].split()[2:] == [
        "60",
        "–",
        "–",
        "1",
        "x",
        "8-12",
        *_USUAL,
        "40-55",
        "N",
    ]
    command("profile", "set", "--zone-n", "0", "0")
    assert command("profile").lines[1].split()[-1] == "90"


_USUAL = ("1.5-0.5-2.5-0.5", "90")


def test_an_exercise_brings_its_own_tempo(command: Command) -> None:
    command("profile", "set", "--exercise", "pull-apart", "--sets", "3")
    assert "1.5-1-2.5-0.5" in command("profile").lines[1]


def test_lengths_told_anew_are_measured_anew(session: Command, tmp_path: Path) -> None:
    def advisor() -> object:
        (person,) = Store.open(tmp_path / "home" / "bandsense.sqlite3").people.all().values()
        return person["setups"][-1]["advisor"]

    session("profile", "set", "--sets", "2")
    assert advisor() is not None
    session("profile", "set", "--stroke-cm", "50")
    assert advisor() is None


def test_what_advice_has_made_of_a_length_is_shown(session: Command, tmp_path: Path) -> None:
    session("profile", "set", "--rest-length-cm", "60", "--stroke-cm", "50")
    store = Store.open(tmp_path / "home" / "bandsense.sqlite3")
    (person,) = (Person.model_validate_json(json.dumps(data)) for data in store.people.all().values())
    setup = person.setups[-1]
    assert " 60 " in session("profile").lines[1]
    let_out = AdvisorState(Strand(0.64, 0.60, 1.10))
    person = person.with_setup(setup.model_copy(update={"advisor": let_out}))
    store.people.put(person.id, person.model_dump(mode="json", by_alias=True))
    assert " 60, now 64 " in session("profile").lines[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--rest-length-cm", "9900"), "9900 cm is more than 1000 cm, ten metres"),
        (("--reps", "0"), "repetitions is not possible"),
        (("--exercise", "rowing"), "no exercise is called 'rowing'"),
        (
            ("--rest-length-cm", "40", "--stroke-cm", "120"),
            "to 160 cm, beyond three times its resting length",
        ),
        (("--rest-length-cm", "25"), "a stroke of 55 cm would stretch a band of 25 cm to 80 cm"),
        (("--rest-length-cm", "90", "--start-length-cm", "20"), "measure the unstretched band"),
        (("--tempo-s", "0", "0", "2", "0"), "plan.tempo.concentric_s"),
        (("--rest-s", "9999"), "not between 0 and 1800 s"),
        (("--reps", "8", "--reps-top", "6"), "the smaller number first"),
        (("--method", "foot"), "the slack of Seated row cannot be changed by foot"),
        (("--band", "blue"), "no band is called 'blue'"),
    ],
)
def test_what_cannot_be_is_refused(command: Command, arguments: tuple[str, ...], reason: str) -> None:
    done = command("profile", "set", *arguments)
    assert done.status in (1, 2)
    assert reason in done.err
    assert "nothing is known yet" in command("profile").out


def test_an_import_replaces_nothing_unasked(command: Command, tmp_path: Path) -> None:
    command("profile", "set", "--exercise", "seated-row", "--sets", "2")
    known = command("profile").out
    file = tmp_path / "theirs.json"
    file.write_text(
        json.dumps({"people": [{"id": "me"}, {"id": "ada", "name": "Ada"}], "bands": [{"id": "red"}]})
    )
    refused = command("profile", "import", file)
    assert refused.status == 1
    assert "replace what is known here about person me, so nothing was imported" in refused.err
    assert command("profile").out == known
    assert command("band").out.startswith("no band yet")
    assert command("profile", "import", file, "--replace").out == "imported: 2 people, 1 band, 0 sensors\n"
    assert "nothing is known yet" in command("profile").out
