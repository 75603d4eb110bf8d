"""How far something has come, on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]


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
