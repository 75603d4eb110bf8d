"""A port that nobody else gets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["reserved_port"]


@contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port of this computer at which nothing answers until a server of the test's own listens there.

    It is bound all the time, so that the system gives it to nobody else meanwhile. A server that sets
    SO_REUSEADDR, as nearly all do, may listen there nevertheless: what holds it never listens.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
