"""Who records a session: a lock that dies with its process, on every operating system.

An open session whose claim is free was cut short. A process id or a heartbeat could not tell that at once
and for sure; SQLite's own file locks can, and work alike everywhere.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from bandsense.files import make_private

__all__ = ["SessionLock"]


class SessionLock:
    """An exclusive hold on a file beside the store, as long as the object is not released."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._held = True

    @classmethod
    def take(cls, store: Path, session: int) -> SessionLock | None:
        """Take the claim on a session, or None where another recorder holds it."""
        path = store.with_name(f"{store.name}.recording-{session}")
        make_private(path)
        connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return None
            raise
        return cls(path, connection)

    def release(self) -> None:
        """Give the claim back; once is enough, and afterwards it may be another's."""
        if not self._held:
            return
        self._held = False
        self._connection.close()
        for leftover in (self._path, self._path.with_name(f"{self._path.name}-journal")):
            with suppress(OSError):
                leftover.unlink()
