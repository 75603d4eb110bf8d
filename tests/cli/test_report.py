"""`bandsense report`: the file that its name asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bandsense.app.report import report_of_session
from bandsense.errors import MissingProgram
from bandsense.profiles.person import Person
from bandsense.profiles.prescription import PrescribedExercise, Prescription
from bandsense.report.chromium import browser
from bandsense.report.document import plots
from bandsense.store.store import Store
from tests.cli.conftest import Command
from tests.needs import require_tool
from tests.support.weeks import FIRST, Habit, train_once


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.open(tmp_path_factory.mktemp("report") / "bandsense.sqlite3")
    train_once(store, Habit(reps=(6,)), 1, FIRST, 100.0)
    return store


@pytest.mark.slow
def test_the_command_writes_by_the_ending_and_the_plots(
    command: Command, store: Store, tmp_path: Path
) -> None:
    require_tool("chromium", "install it: apt-get install chromium")
    image = tmp_path / "report.png"
    done = command("report", "1", "--store", store.path, "-o", image, "--plots", tmp_path / "plots")
    assert done.status == 0, done.err
    written = [Path(line) for line in done.lines]
    assert written[0] == image
    assert {path.name for path in written[1:]} == {
        f"{name}.png" for name, _ in plots(report_of_session(store, store.session(1)))
    }
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_the_command_writes_html_without_a_browser(
    command: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_CHROMIUM", "no-such-browser")
    target = tmp_path / "report.html"
    assert command("report", "1", "--store", store.path, "-o", target).status == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    failed = command("report", "1", "--store", store.path, "-o", tmp_path / "report.pdf")
    assert failed.status == 1
    assert "or write HTML and print that from any browser" in failed.err
    wrong = command("report", "1", "--store", store.path, "-o", tmp_path / "report.doc")
    assert "ends in none of .html, .pdf and .png" in wrong.err
    with pytest.raises(MissingProgram):
        browser()


def test_what_to_do_is_what_was_prescribed(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "bandsense.sqlite3")
    train_once(store, Habit(reps=(6,), stop_pain=5), 1, FIRST, 100.0)
    (session,) = store.sessions()
    report = report_of_session(store, session)
    assert report.to_do[0] == "1 set of 8 to 12."
    assert report.to_do[-1] == "Stop at pain of 5 of 10, or if it is sharp or lasts over a day."
    asked = PrescribedExercise(exercise=str(session.exercise), days_per_week=2)
    prescription = Prescription(id="1", person="Ada", issued=date(2026, 1, 1), exercise=(asked,))
    who = Person.called(str(session.person)).model_copy(update={"prescription": prescription})
    store.people.put(who.id, who.model_dump(mode="json", by_alias=True))
    assert report_of_session(store, session).to_do[0] == "Twice a week, 1 set of 8 to 12."
    assert report_of_session(store, session, per_week=4).to_do[0].startswith("4 times a week")
    assert report_of_session(store, session, to_do=("Rest.",)).to_do == ("Rest.",)
