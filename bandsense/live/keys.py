"""Single keys from a terminal, without blocking and without the Enter key."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bandsense.live.actions import Actions

__all__ = ["keys"]


@contextmanager
def keys(actions: Actions) -> Iterator[bool]:
    """Have each key run its action, inside a running event loop, while the context lasts.

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

    def pressed() -> None:
        for key in os.read(terminal, 64).decode(errors="ignore"):
            if action := actions.get(key):
                action.run()

    tty.setcbreak(terminal)
    asyncio.get_running_loop().add_reader(terminal, pressed)
    try:
        yield True
    finally:
        asyncio.get_running_loop().remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
