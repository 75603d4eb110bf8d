"""The board: whatever a reader missed is in its next message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.app.session_result import SessionResult
from bandsense.live.actions import Action
from bandsense.web.board import LEVELS, Board
from bandsense.web.models import ServerMessage
from bandsense.web.page_view import PageView


def since(board: Board, position: int) -> tuple[dict[str, Any], int]:
    text, position = board.since(position)
    return (json.loads(text) if text else {}), position


class Reader:
    """What a page makes of the messages: `js/connection.js` in Python."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.position = -1
        self.station: dict[str, Any] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.levels: dict[str, list[list[float]]] = {}
        self.sounds: list[str] = []

    def read(self) -> None:
        told, self.position = since(self._board, self.position)
        if not told:
            return
        ServerMessage.model_validate(told)
        if told["full"]:
            self.station, self.views, self.levels = {}, {}, {}
        self.station |= told.get("station", {})
        for name, view in told["views"].items():
            self.views[name] = self.views.get(name, {}) | view["changed"]
            self.levels[name] = [*self.levels.get(name, []), *view["levels"]][-LEVELS:]
        self.sounds += [sound["kind"] for sound in told.get("sounds", [])]


SOUND = {"kind": "count", "priority": 2, "tones": [], "say": "1", "vibration_ms": [], "delay_ms": 0}


def test_only_what_changed_is_told_again() -> None:
    board = Board()
    board.anew(["main"])
    board.post("main", {"reps": 1, "title": "Seated row"})
    _, position = since(board, -1)
    board.post("main", {"reps": 2, "title": "Seated row"})
    told, position = since(board, position)
    assert told["views"]["main"]["changed"] == {"reps": 2}
    assert not told["full"]
    assert since(board, position) == ({}, position)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans(), st.booleans()), max_size=40))
def test_a_reader_that_skips_ends_where_one_that_reads_everything_does(
    steps: list[tuple[int, int, bool, bool]],
) -> None:
    board = Board()
    board.anew(["main"])
    eager, lazy = Reader(board), Reader(board)
    time_s = 0.0
    for key, value, lazy_reads, anew in steps:
        if anew:
            board.anew(["left", "right"] if value % 2 else ["main"])
        time_s += 0.0125
        for name in ("main", "left", "right"):
            if name in {"main", "left", "right"} & eager.views.keys() or name == "main":
                board.post("station", {f"key {key}": value})
        for name in json.loads(board.since(-1)[0])["views"]:
            board.post(name, {f"key {key}": value}, levels=[(round(time_s, 3), float(value))])
        eager.read()
        if lazy_reads:
            lazy.read()
    lazy.read()
    eager.read()
    assert (lazy.station, lazy.views, lazy.levels) == (eager.station, eager.views, eager.levels)


def test_a_sound_is_for_those_who_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandsense.web.board.SOUND_S", 1000.0)
    board = Board()
    board.anew(["main"])
    here = Reader(board)
    here.read()
    board.post("main", sounds=[SOUND])
    here.read()
    late = Reader(board)
    late.read()
    assert (here.sounds, late.sounds) == (["count"], [])


def test_only_the_last_twenty_seconds_are_kept() -> None:
    board = Board()
    board.anew(["main"])
    board.post("main", levels=[(n / 80, 1.0) for n in range(2 * LEVELS)])
    told, _ = since(board, -1)
    assert len(told["views"]["main"]["levels"]) == LEVELS


def test_readers_at_the_same_place_share_a_text() -> None:
    board = Board()
    board.anew(["main"])
    board.post("main", {"reps": 1})
    assert board.since(-1)[0] is board.since(-1)[0]


def test_whoever_listens_is_woken_until_they_leave() -> None:
    board = Board()
    woken: list[int] = []
    leave = board.listen(lambda: woken.append(1))
    board.post("station", {"phase": "idle"})
    leave()
    board.post("station", {"phase": "training"})
    assert woken == [1]


async def test_actions_are_offered_while_a_session_lasts() -> None:
    board = Board()
    reader, page = Reader(board), PageView(board)
    page.begin([], "", {None: {"e": Action("end set", lambda: None)}})
    reader.read()
    assert reader.station["actions"] == {"e": "end set"}
    page.end(SessionResult({}))
    reader.read()
    assert reader.station["actions"] == {}
