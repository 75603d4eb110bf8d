"""Questions to the person at the terminal, while the radio goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress

from bandsense.language import said, tr

__all__ = ["ask", "confirm", "is_interactive", "is_yes"]

_LINE_BYTES = 4096


def is_interactive() -> bool:
    """Return whether a person is at both input and output, and can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def confirm(question: str) -> bool:
    """Ask for a yes; where nobody is there, the answer is no."""
    return is_interactive() and is_yes(await ask(tr("{question} [y/N] ", question=said(question))))


def is_yes(answer: str) -> bool:
    """Return whether an answer is a yes, in English or German."""
    return answer.strip().casefold() in ("y", "yes", "j", "ja")


async def ask(question: str) -> str:
    """Ask for a line, without white space around it; empty at the end of input.

    The event loop goes on meanwhile, and an interrupt ends the waiting.
    """
    print(question, end="", flush=True)
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def answer(line: str) -> None:
        if not answered.done():
            answered.set_result(line.strip())

    def read() -> None:
        # Not `input`: a program that ends while it waits would wait for it, or crash on its lock.
        line = os.read(sys.stdin.fileno(), _LINE_BYTES).decode(errors="replace")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(answer, line)

    threading.Thread(target=read, name="bandsense question", daemon=True).start()
    return await answered
