from __future__ import annotations

import asyncio
import io
import os
import sys

import pytest

from bandsense.live.actions import Action, hint
from bandsense.live.keys import keys


async def test_a_key_does_its_action_without_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    person, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        pressed = asyncio.Event()
        with keys({"e": Action("end set", pressed.set)}) as heard:
            assert heard
            os.write(person, b"xe")
            await asyncio.wait_for(pressed.wait(), 30.0)
    os.close(person)


async def test_what_cannot_be_taken_back_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    monkeypatch.setattr("bandsense.live.keys.ANSWER_S", 0.2)
    person, terminal = pty.openpty()
    done: list[str] = []
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def heard(key: bytes) -> str:
        os.write(person, key)
        return await asyncio.wait_for(asked.get(), 30.0)

    actions = {
        "q": Action("quit", lambda: done.append("q"), "End the session?"),
        "e": Action("end set", lambda: done.append("e")),
    }
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with keys(actions, asked.put_nowait):
            assert await heard(b"q") == "End the session? Press q again."
            assert await asyncio.wait_for(asked.get(), 30.0) == ""  # nobody answered
            monkeypatch.setattr("bandsense.live.keys.ANSWER_S", 60.0)
            assert await heard(b"q") != ""
            assert await heard(b"e") == ""  # another key is no answer
            assert done == ["e"]
            assert await heard(b"q") != ""
            assert await heard(b"q") == ""
            assert done == ["e", "q"]
    os.close(person)


async def test_a_terminal_that_is_gone_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    person, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with keys({}) as heard:
            assert heard
            os.close(person)
            await asyncio.sleep(0.1)
            assert not asyncio.get_running_loop().remove_reader(terminal)  # it was removed before


async def test_without_a_terminal_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with keys({}) as heard:
        assert not heard


def test_the_hint_names_every_action() -> None:
    actions = {"e": Action("end set", print), "q": Action("quit", print)}
    assert hint(actions) == "e end set · q quit"
    widths = {width: hint(actions, width) for width in (18, 17, 14, 12, 3, 2)}
    assert widths == {
        18: "e end set · q quit",
        17: "e end · q quit",
        14: "e end · q quit",
        12: "e end q quit",
        3: "e q",
        2: "",
    }
