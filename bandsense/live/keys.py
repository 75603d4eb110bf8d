"""Single keys from a terminal, without blocking and without the Enter key."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bandsense.language import tr
from bandsense.live.actions import Action, Actions

__all__ = ["ANSWER_S", "keys"]

ANSWER_S = 3.0
"""How long a question waits for the same key again."""

LONGEST_TEXT = 500
"""Characters of a line that is written."""


@contextmanager
def keys(actions: Actions, ask: Callable[[str], None] = lambda question: None) -> Iterator[bool]:
    """Have each key run its action, inside a running event loop, while the context lasts.

    An action with a question is done when its key comes again within `ANSWER_S`. `ask` is given the question,
    and an empty text when it no longer stands.

    Gives False, and does nothing, where standard input is no terminal or the system has none of this kind
    (Windows).
    """
    try:
        import termios
        import tty
    except ImportError:
        yield False
        return
    if not sys.stdin.isatty():
        yield False
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()
    pressed = _Pressed(actions, ask)

    def read() -> None:
        try:
            typed = os.read(terminal, 64)
        except OSError:
            typed = b""
        if not typed:  # the terminal is gone, and would be ready to say so for ever
            loop.remove_reader(terminal)
        for key in typed.decode(errors="ignore"):
            pressed(key)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        pressed.withdraw()
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


class _Pressed:
    """Does what a key asks for, and asks back where that cannot be taken back."""

    def __init__(self, actions: Actions, ask: Callable[[str], None]) -> None:
        self._actions = actions
        self._ask = ask
        self._waiting = ""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: Action | None = None
        self._text = ""

    def __call__(self, key: str) -> None:
        if self._writing is not None:
            self._write(self._writing, key)
            return
        again = key == self._waiting
        self.withdraw()
        action = self._actions.get(key)
        if action is None:
            return
        if action.write is not None:
            self._writing, self._text = action, ""
            self._show_text(action)
        elif action.question and not again:
            self._waiting = key
            self._timer = asyncio.get_running_loop().call_later(ANSWER_S, self.withdraw)
            self._ask(tr("{question} Press {key} again.", question=action.question, key=key))
        else:
            action.run()

    def _write(self, action: Action, key: str) -> None:
        """Take a key of a line of text: Enter ends it, Escape gives it up, Backspace takes a letter back."""
        if key in "\r\n\x1b":
            self._writing = None
            self._ask("")
            if key != "\x1b" and self._text.strip() and action.write is not None:
                action.write(self._text.strip())
            return
        if key in "\x7f\b":
            self._text = self._text[:-1]
        elif key.isprintable() and len(self._text) < LONGEST_TEXT:
            self._text += key
        self._show_text(action)

    def _show_text(self, action: Action) -> None:
        self._ask(tr("{label} (Enter keeps it, Esc does not): {text}_", label=action.label, text=self._text))

    def withdraw(self) -> None:
        """Withdraw the question."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._waiting = ""
            self._ask("")
