"""A set too quick for its sensor: what that cannot tell is a dash with its reason, never a zero."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bandsense.app.prescription import dose_of, import_prescription
from bandsense.app.report import picture_of_session, report_of_session
from bandsense.app.set_records import set_records
from bandsense.cli import main
from bandsense.live.screen_words import DrawnWords, screen_words
from bandsense.live.state import Finished, ViewState
from bandsense.live.terminal import render
from bandsense.profiles.prescription import PrescribedExercise, Prescription
from bandsense.report.document import to_html
from bandsense.signal.events import Phase, PhaseChanged, RepCompleted
from bandsense.signal.metric_contract import FIGURES
from bandsense.store.store import Store
from tests.needs import REPOSITORY, require_module
from tests.support.quick_set import REASON, quick_store, quick_trace
from tests.support.traces import waves, write_trace

require_module("starlette", "bandsense[web]")

from bandsense.web.trace_page import Upload, analysed  # noqa: E402
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


def coloured(view: str) -> set[str]:
    """The phases that have a colour in the charts of a page."""
    return set(re.findall(r'd="M[^"]*" class="(pull|hold|return)"', view))


GREY = f"grey: pull, return ({REASON})"


def test_a_chart_colours_only_the_phases_that_are_told(store: Store, folder: Path, tmp_path: Path) -> None:
    upload = Upload("quick.csv", (folder / "quick.csv").read_bytes(), {})
    trace = analysed(upload)
    for path in ("/sessions/1", "/sessions/1/sets/1"):
        _, _, view = get(served(store)[0], path)
        assert not coloured(view) & {"pull", "return"}, path
        assert view.count(GREY) == 1
        assert not re.search(r"</svg>(pull|return)</span>", view), "what is not drawn is not in the legend"
    assert not coloured(trace["chart"]) & {"pull", "return"}
    assert trace["phase_key"].untold == (GREY,)
    drawn = picture_of_session(store, store.session(1))
    assert not coloured(drawn) & {"pull", "return"}
    assert GREY in drawn

    quick_trace(tmp_path / "slow.csv", reps=3, rate_hz=80.0, period_s=4.0)
    slow = analysed(Upload("slow.csv", (tmp_path / "slow.csv").read_bytes(), {}))
    assert coloured(slow["chart"]) == {"pull", "hold", "return"}
    assert slow["phase_key"].shown == ("pull", "hold", "return")
    assert slow["phase_key"].untold == ()


def test_left_and_right_are_not_compared_by_a_time_that_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path))
    time = "time_under_tension_s"
    strict = tuple(replace(each, limit=-1.0) if each.name == time else each for each in FIGURES)
    monkeypatch.setattr("bandsense.signal.metric_contract.FIGURES", strict)
    why = "too quick, or too little tension, to tell"
    gap = np.zeros(80 * 40)
    pulls = [gap[:160], waves(4, pause_s=0.5), gap, 1.1 * waves(4, pause_s=0.5), gap[:160]]
    trace = write_trace(tmp_path / "halves.csv", 3.0 + np.concatenate(pulls))

    def run(*words: str) -> str:
        assert main(list(words)) == 0
        return capsys.readouterr().out

    one_arm = ("--exercise", "bent-over-row", "--side", "left")
    live = run("live", "--sim", "--trace", str(trace), "--speed", "0", "--lines", *one_arm)
    (compared,) = re.findall("right against left: .*", live)
    assert f"time under tension – ({why})" in compared
    assert compared in run("show", "--simulated")
    told = json.loads(run("show", "--json", "--simulated"))["summary"]["asymmetry"]
    assert (told["time_under_tension"], told["hidden"]) == (None, {"time_under_tension": why})
    assert told["peak"]["share"] == pytest.approx(0.1, abs=0.02)
    told = json.loads(run("history", "--json", "--simulated"))["left_right"]
    assert time not in {each["figure"] for each in told["figures"]}
    assert told["hidden"] == {time: why}

    sides = Store.open(tmp_path / "simulated.sqlite3")
    line = f"–: Time under tension: {why}"
    view = page(sides, "/sessions/1/sides").text
    assert "Peak, N" in view
    assert "Time, s" not in view
    assert view.count(line) == 1
    assert to_html(report_of_session(sides, sides.session(1))).count(line) == 1


def test_the_curve_of_the_live_page_is_grey_where_a_phase_is_not_told() -> None:
    from tests.support.scenes import scene

    def phases(told: dict[str, Any]) -> list[tuple[str, bool]]:
        return [(phase, since in told["grey_since"]) for since, phase in told["phases"]]

    plain = scene("hold").state
    assert plain.snapshot()["grey_since"] == []
    assert screen_words(plain).drawn == DrawnWords()

    made = scene("hold", hidden={"concentric_s": REASON, "eccentric_s": REASON})
    assert set(phases(made.state.snapshot())) == {
        ("concentric", True),
        ("hold", False),
        ("eccentric", True),
        ("rest", False),
    }
    assert screen_words(made.state).drawn.curve == f"grey: {REASON}"
    assert screen_words(made.state).drawn.phase == "", "a hold is told"
    # The next one is taken for like it, until it is over and is known to be told.
    rep = replace(made.rep(5, 100.0), hidden={})
    for phase, at_s in ((Phase.ECCENTRIC, rep.return_start_s), (Phase.REST, rep.end_s)):
        made.tell(PhaseChanged(at_s, phase, at_s + 0.05))
    assert phases(made.state.snapshot())[-4:-1] == [
        ("concentric", True),
        ("hold", False),
        ("eccentric", True),
    ]
    made.state.phase = Phase.ECCENTRIC
    assert screen_words(made.state).drawn.phase == REASON
    made.tell(RepCompleted(rep.end_s, 5, rep, rep.end_s + 0.1))
    assert [grey for _, grey in phases(made.state.snapshot())[-4:]] == [False] * 4
    assert screen_words(made.state).drawn.phase == ""
    assert screen_words(made.state).drawn.curve == f"grey: {REASON}", "of those before it"
    made.sample_until(made.now_s + 21.0)
    assert made.state.snapshot()["grey_since"] == []
    assert screen_words(made.state).drawn.curve == ""


def test_the_terminal_neither_times_nor_colours_a_phase_that_is_not_told() -> None:
    from tests.support.scenes import scene

    def drawn(state: ViewState, *, colours: bool) -> str:
        file = io.StringIO()
        Console(width=100, height=24, file=file, force_terminal=colours).print(render(state, 100, 24))
        return file.getvalue()

    cyan = "\x1b[36m█"
    plain = scene("return").state
    assert " of 2.5 s" in drawn(plain, colours=False)
    assert cyan in drawn(plain, colours=True)
    untold = scene("return", hidden={"eccentric_s": REASON}).state
    assert f"return – ({REASON})" in drawn(untold, colours=False)
    assert " of 2.5 s" not in drawn(untold, colours=False)
    assert cyan not in drawn(untold, colours=True)


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
    legend, of_bars = "Dashed bars and ○ are less than", "Dashed bars are less than"
    report = to_html(report_of_session(store, store.session(1)))
    told = page(store, "/sessions/1").text + page(store, "/sessions/1/sets/1").text + report
    assert "Dashed" not in told
    assert "○" not in told
    monkeypatch.setattr("bandsense.signal.events.DOUBTFUL_BELOW", 1.01)
    monkeypatch.setattr("bandsense.history.records.DOUBTFUL_BELOW", 1.01)
    report = to_html(report_of_session(store, store.session(1)))
    _, _, session = get(served(store)[0], "/sessions/1")
    of_set = page(store, "/sessions/1/sets/1").text
    for view in (report, of_set):
        assert view.count(legend) == 1
    assert session.count(of_bars) == 1
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
