"""A count that is in doubt says so wherever it is told: 8, perhaps 9."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bandsense.app.report import report_of_session
from bandsense.language import speaking
from bandsense.live.formatting import summary_words
from bandsense.live.screen_words import screen_words
from bandsense.live.terminal import render
from bandsense.report.document import to_html
from bandsense.store.store import Store
from bandsense.workout.counts import chances_of_all
from bandsense.workout.workout import Summary
from tests.needs import require_module
from tests.support.quick_set import quick_store
from tests.support.scenes import Scene, scene

require_module("starlette", "bandsense[web]")

from bandsense.web.page_view import _told  # noqa: E402
from tests.web.test_history import page  # noqa: E402

DIVIDED = {0: 0.7, 1: 0.3}


def drawn(made: Scene) -> str:
    file = io.StringIO()
    Console(width=100, height=30, file=file, force_terminal=False).print(render(made.state, 100, 30))
    return file.getvalue()


def test_sets_that_are_in_doubt_add_up() -> None:
    assert chances_of_all([]) == {0: 1.0}
    assert chances_of_all([(8, {})]) == {8: 1.0}, "nobody doubted it"
    both = chances_of_all([(8, {8: 0.75, 9: 0.25}), (5, {}), (8, {8: 0.75, 7: 0.25})])
    assert both == pytest.approx({20: 0.1875, 21: 0.625, 22: 0.1875})
    many = chances_of_all([(8, {8: 0.999, 9: 0.001})] * 30)
    assert max(many) < 8 * 30 + 4, "what is hardly possible is not kept"


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("rest", ("5 reps, perhaps 6",)),
        ("finished", ("perhaps 25", "5 reps, perhaps 6", "8 reps, perhaps 9")),
    ],
)
def test_the_screens_after_a_set_say_perhaps(name: str, where: tuple[str, ...]) -> None:
    sure, divided = scene(name), scene(name, chances=DIVIDED)
    told = _told(divided.state)
    assert told["sets"][0]["doubt"] == "5 reps, perhaps 6"
    if name == "finished":
        assert told["finished"]["doubt"] == "perhaps 25"
    for words in where:
        assert words in drawn(divided)
    assert "perhaps" not in drawn(sure)
    assert [each["doubt"] for each in _told(sure.state)["sets"]] == [""] * len(sure.state.sets)
    with speaking("de"):
        assert _told(divided.state)["sets"][0]["doubt"] == "5 Wdh., vielleicht 6"
        assert "vielleicht 6" in drawn(divided)


def test_a_session_says_perhaps_in_its_sentence() -> None:
    sure = Summary(24, 0, 3, (8, 8, 8), 3, 74.6, 109.9, 5.5, 24000, 303.0, full=24)
    assert summary_words(sure).startswith("24 reps in 3 sets, ")
    divided = replace(sure, chances={24: 0.7, 25: 0.3})
    assert summary_words(divided).startswith("24 reps, perhaps 25, in 3 sets, ")


@pytest.fixture
def divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose session 1 has a set of 12 repetitions that may be 13."""
    store = quick_store(tmp_path)
    (stored,) = store.sets(store.session(1).streams[0])
    assert stored["chances"], "they are stored"

    def doubted(_stream: object) -> list[Mapping[str, Any]]:
        return [stored | {"chances": {"12": 0.7, "13": 0.3}}]

    monkeypatch.setattr(store, "sets", doubted)
    return store


def test_the_pages_of_the_history_say_perhaps(divided: Store) -> None:
    told = page(divided, "/sessions/1").text
    assert "12 repetitions, perhaps 13, in 1 set." in told
    assert "12 reps, perhaps 13" in told
    assert "12 of 8, perhaps 13" in told
    told = page(divided, "/sessions/1/sets/1").text
    assert "12 repetitions, perhaps 13, where the plan asks for 8." in told
    german = page(divided, "/sessions/1", "language=de").text
    assert "12 Wiederholungen, vielleicht 13 (1 Satz)." in german
    assert german.count("vielleicht 13") == 3
    assert "perhaps" not in german


def test_a_report_says_perhaps(divided: Store) -> None:
    report = report_of_session(divided, divided.session(1))
    assert report.lead.startswith("You did 12 repetitions, perhaps 13, in 1 set.")
    assert report.sets[0].reps == "12, perhaps 13"
    with speaking("de"):
        html = to_html(report_of_session(divided, divided.session(1)))
    assert html.count("vielleicht 13") == 2


def test_what_is_sure_says_nothing_of_it(tmp_path: Path) -> None:
    store = quick_store(tmp_path)
    assert "perhaps" not in page(store, "/sessions/1").text + page(store, "/sessions/1/sets/1").text
    assert "perhaps" not in to_html(report_of_session(store, store.session(1)))


def test_bars_with_a_dashed_edge_have_a_legend_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    legend = "Dashed bars are less than 90 % sure to be repetitions."
    store = quick_store(tmp_path)
    assert "Dashed" not in page(store, "/sessions").text
    monkeypatch.setattr("bandsense.history.records.DOUBTFUL_BELOW", 1.01)
    told = page(store, "/sessions").text
    assert told.count(legend) == 1
    made = scene("rest")
    assert screen_words(made.state).drawn.bars == ""
    peaks = made.state.sets[0].peaks
    made.state.sets[0].peaks = (replace(peaks[0], probability=0.5), *peaks[1:])
    assert screen_words(made.state).drawn.bars == legend


def test_open_and_hatched_bars_have_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = quick_store(tmp_path)
    (stored,) = store.sets(store.session(1).streams[0])
    stored["zone"] = {"low_n": 60.0, "high_n": 80.0}
    stored["rep_metrics"][3]["partial"] = True
    monkeypatch.setattr(store, "sets", lambda _stream: [stored])
    for address in ("/sessions", "/sessions/1"):
        told = page(store, address).text
        assert told.count("Open bars lie below the target. Hatched bars are partial repetitions.") == 1
