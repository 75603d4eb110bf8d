"""A set too quick for its sensor: what that cannot tell is a dash with its reason, never a zero."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from bandsense.app.prescription import dose_of, import_prescription
from bandsense.app.report import report_of_session
from bandsense.app.set_records import set_records
from bandsense.cli import main
from bandsense.live.screen_words import screen_words
from bandsense.live.state import Finished
from bandsense.live.terminal import render
from bandsense.profiles.prescription import PrescribedExercise, Prescription
from bandsense.report.document import to_html
from bandsense.signal.metric_contract import FIGURES
from bandsense.store.store import Store
from tests.needs import REPOSITORY, require_module
from tests.support.quick_set import REASON, quick_store

require_module("starlette", "bandsense[web]")

from tests.web.test_history import get, page, served  # noqa: E402

DASHES = f"–: tempo, time under tension: {REASON}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return quick_store(folder)


@pytest.mark.parametrize("command", ["show", "replay"])
def test_the_terminal_tells_no_time_under_tension_anywhere(
    store: Store, folder: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "1", "--store", str(folder / "quick.sqlite3")]) == 0
    told = capsys.readouterr().out
    assert "s under tension" not in told
    assert told.count(f"time under tension {REASON}") == 2, "of the set and of the session"
    assert "±" in told.splitlines()[-1]


def test_a_page_of_the_session_says_why_there_are_dashes(store: Store) -> None:
    told = page(store, "/sessions/1").text
    assert f"– under tension: {REASON}" in told
    assert DASHES in told
    assert re.search(r"12 of 8 60 ± \d+ – –", told), "peak, tempo and time under tension"
    assert "0:0" not in told.replace("00:00", "")


def test_a_page_of_the_set_says_why_there_are_dashes(store: Store) -> None:
    told = page(store, "/sessions/1/sets/1").text
    assert f"–: pull, return, range: {REASON}" in told
    assert len(re.findall(r"\d ± \d", told)) == 12


def test_a_report_says_why_there_are_dashes(store: Store) -> None:
    report = report_of_session(store, store.session(1))
    (row,) = report.sets
    assert (row.tempo, row.under_tension) == ("–", "–")
    assert "±" in row.peak
    assert report.hidden == (DASHES,)
    assert DASHES in to_html(report)


def test_history_knows_no_time_where_it_is_hidden(store: Store) -> None:
    session = store.session(1)
    (stream,) = session.streams
    (record,) = set_records(session, stream, store.sets(stream))
    assert record.time_under_tension_s is None
    assert {rep.time_under_tension_s for rep in record.reps} == {None}
    assert all(rep.impulse_n_s for rep in record.reps)
    # A peak that is not to be told is drawn where it was, with its uncertainty, and is no pull of 0 N.
    (data,) = store.sets(stream)
    for figures in data["rep_metrics"]:
        figures["hidden"]["peak_n"], figures["peak_n"] = REASON, None
    (record,) = set_records(session, stream, [data])
    assert all(50.0 < rep.peak_n < 70.0 and rep.peak_uncertainty_n > 5.0 for rep in record.reps)
    assert {rep.hidden["peak_n"] for rep in record.reps} == {REASON}


def test_a_peak_that_cannot_be_told_is_told_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = tuple(replace(each, limit=0.05) if each.name == "peak_n" else each for each in FIGURES)
    monkeypatch.setattr("bandsense.signal.metric_contract.FIGURES", strict)
    store = quick_store(tmp_path)
    summary = store.session(1).summary
    assert summary is not None
    assert (summary["peak_n"], *summary["hidden"]) == (None, "time_under_tension_s", "peak_n")
    why = summary["hidden"]["peak_n"]
    assert main(["show", "1", "--store", str(tmp_path / "quick.sqlite3")]) == 0
    told = capsys.readouterr().out
    assert told.count(f"peak {why}") == 2, "of the set and of the session"
    for view in (told, page(store, "/sessions/1").text, page(store, "/sessions/1/sets/1").text):
        assert not re.search(r"\d ± \d", view)
        assert why in view
    report = report_of_session(store, store.session(1))
    assert report.sets[0].peak == "–"
    assert any(line.startswith("–: peak") for line in report.hidden)


def test_a_dose_leaves_a_hidden_time_out_and_says_so(tmp_path: Path) -> None:
    store = quick_store(tmp_path)
    day = date(2026, 5, 2)
    row = PrescribedExercise(exercise="seated-row", sets=2, reps=6, days_per_week=2)
    wanted = Prescription(id="1", person="ada", issued=day, exercise=(row,))
    ada = import_prescription(store, wanted, "ada")
    session = store.session(1)
    assert session.person == ada.id
    (told,) = dose_of(store, ada, day).exercise
    assert [(week.sets, week.time_under_tension_s, week.untimed_sets) for week in told.week] == [
        (1.0, None, 1.0)
    ]


def test_a_doubtful_repetition_is_marked_with_a_legend(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    legend = "Dashed bars and ○ are less than"
    report = to_html(report_of_session(store, store.session(1)))
    told = page(store, "/sessions/1").text + page(store, "/sessions/1/sets/1").text + report
    assert legend not in told
    assert "○" not in told
    monkeypatch.setattr("bandsense.signal.events.DOUBTFUL_BELOW", 1.01)
    monkeypatch.setattr("bandsense.history.records.DOUBTFUL_BELOW", 1.01)
    report = to_html(report_of_session(store, store.session(1)))
    _, _, session = get(served(store)[0], "/sessions/1")
    of_set = page(store, "/sessions/1/sets/1").text
    for view in (report, session, of_set):
        assert view.count(legend) == 1
    for view in (report, session):
        assert view.count('class="slot doubt"') == 12
    assert ">12 ○</text>" in report
    assert "12 ○ 100 %" in of_set


def test_the_end_of_a_session_carries_the_reason() -> None:
    from tests.support.scenes import scene

    made = scene("finished")
    assert made.state.finished is not None
    assert made.state.snapshot()["finished"]["hidden"] == {}
    hidden = {"time_under_tension_s": REASON}
    made.state.finished = replace(made.state.finished, time_under_tension_s=None, hidden=hidden)
    assert isinstance(made.state.finished, Finished)
    told = made.state.snapshot()["finished"]
    assert (told["time_under_tension_s"], told["hidden"]) == (None, hidden)


def test_every_view_is_told_which_repetitions_are_doubtful() -> None:
    from tests.support.scenes import scene

    made = scene("rest")
    first = made.state.sets[0]
    chances = (0.91, 0.89)
    peaks = [replace(peak, probability=p) for peak, p in zip(first.peaks, chances, strict=False)]
    made.state.sets[0] = replace(first, peaks=(*peaks, *first.peaks[2:]))
    told = made.state.snapshot()["sets"][0]["peaks"]
    assert [peak["doubtful"] for peak in told[:3]] == [False, True, False]
    scripts = REPOSITORY / "bandsense" / "web" / "static" / "js"
    assert not any("probability" in (scripts / name).read_text() for name in ("screen.js", "curve.js"))


def test_peaks_say_what_a_low_rate_leaves_open_while_training() -> None:
    from tests.support.scenes import scene

    made = scene("valley")
    rep = made.state.last_rep
    assert rep is not None
    made.state.last_rep = made.state.counted = replace(rep, peak_n=60.0, peak_uncertainty_n=7.0)
    made.state.uncertainty_n = lambda tension_n: 0.05 * tension_n
    assert made.state.peak_words() == "60 ± 8 N"
    assert "60 ± 8 N" in screen_words(made.state).field.below
    console = Console(width=100, height=24, file=io.StringIO(), force_terminal=False)
    with console.capture() as captured:
        console.print(render(made.state, 100, 24))
    assert "last rep 60 ± 8 N" in captured.get()
