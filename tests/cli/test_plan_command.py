"""A prescription from the clinician to the person and the dose back again, as the two would do it."""

from __future__ import annotations

import json
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("simulated_time")


@pytest.fixture
def ada(command: Command, tmp_path: Path) -> Path:
    """A prescription of two exercises for Ada."""
    path = tmp_path / "ada.toml"
    exercises = ("--exercise", "seated-row", "--exercise", "bent-over-row")
    amount = ("--sets", "1", "--reps", "3", "--days", "2", "--stop-pain", "5", "--rest-s", "60")
    done = command("plan", "new", path, "--for", "Ada", "--by", "Dr Roe", *exercises, *amount)
    assert done.status == 0, done.err
    return path


def test_the_whole_way_there_and_back(command: Command, ada: Path, tmp_path: Path, set_file: Path) -> None:
    done = command("plan", "--simulated", "import", ada, "--person", "Ada")
    assert done.lines[-1] == "Ada follows it from now on; train with `bandsense live --sim`"
    trained = command("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--person", "Ada")
    assert "Ada · Seated row · simulated" in trained.lines  # the first of the prescription
    assert "prescribed by Dr Roe: 1 set of 3 to 7, 2 times a week." in trained.lines
    assert trained.lines[-1] == "next time: As prescribed: 1 set of 3 to 7, 2 times a week."
    assert command("rate", "--simulated", "--pain", "2", "--effort", "6").status == 0

    dose = tmp_path / "dose.toml"
    written = command("plan", "--simulated", "dose", dose).lines
    assert written[0] == "simulated: nobody trained this"
    assert written[-1] == f"wrote {dose}", "not to be handed back"
    told = tomllib.loads(dose.read_text())
    assert told["simulated"] is True
    assert (told["format"], told["person"], told["prescription"]) == (
        "bandsense-dose",
        "Ada",
        f"Ada {date.today()}",
    )
    row, other = told["exercise"]
    assert (row["exercise"], row["sets_per_week"], row["reps_per_week"]) == ("seated-row", 2, 6)
    (week,) = row["week"]
    assert week["monday"] == str(date.today() - timedelta(days=date.today().weekday()))
    assert (week["days"], week["sets"], week["full_reps"]) == (1, 1.0, 4.0)
    assert (week["worst_pain"], week["hardest_effort"]) == (2, 6)
    assert 5.0 < week["time_under_tension_s"] < 8.0
    assert other["week"][0]["sets"] == 0.0
    shown = command("plan", "show", dose).lines
    assert shown[0] == "simulated: nobody trained this"
    assert shown[3].split()[:8] == ["seated-row", week["monday"], "1", "of", "2", "1", "of", "2"]
    assert json.loads(command("plan", "show", dose, "--json").out) == told


def test_a_prescription_plans_the_session(command: Command, ada: Path) -> None:
    command(
        "profile", "set", "--person", "Ada", "--exercise", "seated-row", "--zone-n", "40", "60", "--sets", "3"
    )
    command("plan", "import", ada)
    (kept,) = (line for line in command("profile").lines if "seated-row" in line)
    assert "1 x 3-7" in kept
    assert "40-60 N" in kept, "one's own zone stays where none is prescribed"
    assert command("plan").lines[0].startswith("for Ada, written by Dr Roe, from ")
    assert "pain of 5 of 10 or more after a set" in command("plan", "show").out
    assert command("plan", "forget").out.startswith("Ada no longer follows a prescription")
    assert "no prescription was imported for Ada" in command("plan", "dose", "x.toml").err


def test_a_signed_one_is_followed_only_by_one_of_the_same_key(
    command: Command, ada: Path, tmp_path: Path
) -> None:
    for name in ("dr", "other"):
        assert command("plan", "key", tmp_path / name).status == 0
    assert "signed" in command("plan", "sign", ada, "--key", tmp_path / "dr").out
    assert command("plan", "import", ada).status == 0
    command("plan", "sign", ada, "--key", tmp_path / "other")
    refused = command("plan", "import", ada)
    assert refused.status == 1
    assert "this one is signed with another key" in refused.err
    assert command("plan", "import", ada, "--new-key").status == 0
    ada.write_text(ada.read_text().replace("reps = 3", "reps = 30"))
    assert "changed after it was signed" in command("plan", "import", ada).err
    assert "changed after it was signed" in command("plan", "show", ada).err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--exercise", "rowing"), "no exercise is called 'rowing'"),
        (("--sets", "0"), "exercise.0.sets: must be at least 1, not 0"),
        (("--until", "2001-01-01"), "it ends on 2001-01-01, before it was issued"),
        (("--exercise", "squat", "--exercise", "squat"), "two entries for the exercise squat"),
        (("--key", "nowhere.pem"), "cannot be read"),
    ],
)
def test_what_cannot_be_prescribed(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    done = command("plan", "new", tmp_path / "x.toml", *arguments)
    assert done.status == 1
    assert reason in done.err
    assert not (tmp_path / "x.toml").exists()


def test_nothing_is_overwritten_or_mixed_up(command: Command, ada: Path, tmp_path: Path) -> None:
    before = ada.read_text()
    assert "exists already; change it by hand" in command("plan", "new", ada).err
    assert ada.read_text() == before
    command("plan", "import", ada, "--person", "Ada")
    command("plan", "dose", tmp_path / "dose.json", "--person", "Ada")
    assert "is a dose, not a prescription" in command("plan", "import", tmp_path / "dose.json").err
    assert json.loads(command("plan", "schema", "dose").out)["title"] == "Dose"
