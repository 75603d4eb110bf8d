"""How far something has come, on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress", "shares"]

_HAIR = 1e-9
"""A bar of one step would not be shown."""


@contextmanager
def progress(what: str, total: float) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error while the body runs; call what is yielded for each step."""
    if not sys.stderr.isatty() or total <= 1:
        yield lambda step=1.0: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def done(step: float = 1.0) -> None:
            bar.advance(task, step)

        yield done


@contextmanager
def shares(what: str) -> Iterator[Callable[[float], None]]:
    """Show a bar while the body runs; call what is yielded with the share that is done, from 0 to 1."""
    reached = 0.0
    with progress(what, 1.0 + _HAIR) as done:

        def advance(share: float) -> None:
            nonlocal reached
            done(share - reached)
            reached = share

        yield advance
