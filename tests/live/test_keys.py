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
            await asyncio.wait_for(pressed.wait(), 5.0)
    os.close(person)


async def test_without_a_terminal_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with keys({}) as heard:
        assert not heard


def test_the_hint_names_every_action() -> None:
    actions = {"e": Action("end set", print), "q": Action("quit", print)}
    assert hint(actions) == "e end set · q quit"
