"""The SQLite file: how it is opened, written, brought up to date, and what its errors mean to a person."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Literal

from bandsense.errors import StoreError
from bandsense.files import make_private, private_folder
from bandsense.language import Message, mark
from bandsense.store.backend import transaction
from bandsense.store.session_lock import SessionLock

__all__ = [
    "CHECKPOINT_INTERVAL_S",
    "SCHEMA_VERSION",
    "Database",
    "FileClaim",
    "connect",
    "migrate",
    "migrations",
    "translating_errors",
]

CHECKPOINT_INTERVAL_S = 30.0
"""What was committed is brought from the log beside the store into the store itself at least this often, so
that a copy of the store alone, or a damaged log, lacks no more."""


_BUSY_TIMEOUT_S = 5.0


def migrations(database: Literal["sqlite", "postgresql"]) -> list[tuple[int, str]]:
    """Return the number and the statements of each step to the schema of today."""
    folder = resources.files("bandsense.store") / "migrations" / database
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name.split("_", 1)[0]), entry.read_text(encoding="utf-8")) for entry in files)


SCHEMA_VERSION = migrations("sqlite")[-1][0]
"""Number of the last migration; the file keeps its own in `PRAGMA user_version`."""

_REASONS = {
    sqlite3.SQLITE_FULL: mark(
        "the disk is full; free some space and try again. What was stored before is safe"
    ),
    sqlite3.SQLITE_BUSY: mark("another program has locked it; close that program and try again"),
    sqlite3.SQLITE_LOCKED: mark("another program has locked it; close that program and try again"),
    sqlite3.SQLITE_READONLY: mark(
        "it is write-protected; check its permissions, or name another file with --store"
    ),
    sqlite3.SQLITE_PERM: mark(
        "it may not be opened; check its permissions, or name another file with --store"
    ),
    sqlite3.SQLITE_CANTOPEN: mark(
        "it cannot be opened; check that its folder exists and may be written, "
        "or name another file with --store"
    ),
    sqlite3.SQLITE_NOTADB: mark(
        "it is not a bandsense store and stays as it is; name another file with --store"
    ),
    sqlite3.SQLITE_CORRUPT: mark(
        "it is damaged; it was left as it is. `bandsense store rescue` writes what can be read to a new file"
    ),
    sqlite3.SQLITE_IOERR: mark("the disk reported an error; check it. What was stored before is safe"),
}

_REFUSED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""After these a commit has surely not happened, and the connection is as good as before."""


@contextmanager
def translating_errors(path: Path | str) -> Iterator[None]:
    """Turn errors of SQLite into a `StoreError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        told = str(error) if code is None else _REASONS.get(code & 0xFF, str(error))
        reason = Message(told)
        raise StoreError(Message("the store {path}: {reason}", path=path, reason=reason)) from error


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for use by one thread.

    Write-ahead logging lets readers and the writer work side by side. Every commit is synced, so that even a
    power cut loses no more than the last second; this costs nothing to anyone but the writer's own thread.
    """
    try:
        make_private(path)
    except OSError as error:
        raise StoreError(
            Message(
                "the store {path} cannot be opened ({error}); check that its folder exists "
                "and may be written, or name another file with --store",
                path=path,
                error=error,
            )
        ) from error
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.text_factory = _text
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what a person deletes is gone, not just unlinked
    except BaseException:
        connection.close()
        raise
    return connection


def _text(data: bytes) -> str:
    """Read text that is no UTF-8 with the damage in it; that is no reason to show nothing."""
    return data.decode(errors="replace")


class Database:
    """A file with sessions, opened anew for each use; one on a medium that cannot be written is read.

    Args:
        path: made where there is none.
        reading: look and change nothing; a file of an older version is brought up to date in memory alone.

    Attributes:
        place, local: the path.
        recorder_away_s: 0; a recorder that has lost its lock was killed.
        read_only: nothing can be written: it was opened for reading, or its medium cannot be.

    Raises:
        StoreError: it cannot be opened, is damaged, or was made by a newer bandsense or another program.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self.path = self.place = self.local = path
        self.name = str(path)
        self.recorder_away_s = 0.0
        self._copy: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._reading = reading
        if reading:
            self._look()
            return
        try:
            private_folder(path.parent)
        except OSError as error:
            raise StoreError(
                Message(
                    "the folder {folder} cannot be created: {error}; name another with --store",
                    folder=path.parent,
                    error=error,
                )
            ) from error
        with translating_errors(path):
            try:
                with closing(connect(path)) as connection:
                    migrate(connection, path)
            except sqlite3.OperationalError as error:
                if not _cannot_be_written(error, path):
                    raise
                self._copy_into_memory()

    def _look(self) -> None:
        """See whether the file can be read where it is, and copy it into memory where it cannot."""
        if not self.path.is_file():
            raise StoreError(
                Message(
                    "there is no store {path}; record a session first, or name another file", path=self.path
                )
            )
        with translating_errors(self.path):
            try:
                with closing(_connect_to_read(self.path)) as connection:
                    current = _version(connection) == SCHEMA_VERSION
            except sqlite3.OperationalError as error:
                if not _cannot_be_written(error, self.path):
                    raise
                current = False
            if not current:
                self._copy_into_memory()

    def _copy_into_memory(self) -> None:
        self._copy = _in_memory(self.path)
        migrate(self._copy, None)
        self._copy.execute("PRAGMA query_only = ON")

    @property
    def read_only(self) -> bool:
        """Tell whether nothing can be written."""
        return self._reading or self._copy is not None

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for the body.

        Raises:
            StoreError: the file cannot be used.
        """
        with translating_errors(self.local):
            if self._copy is not None:
                with self._lock:
                    yield self._copy
                return
            with closing(_connect_to_read(self.path) if self._reading else connect(self.path)) as connection:
                yield connection

    def claim(self, session: int) -> FileClaim | None:
        """Take the claim on a session, or None where another recorder holds it."""
        lock = SessionLock.take(self.local, session)
        return None if lock is None else FileClaim(self.local, lock, connect)


class FileClaim:
    """The right to record a session into a file, and the connection to do it with.

    A store that was replaced by another file while it was open is an error, not a place to write to.
    """

    def __init__(
        self, path: Path, lock: SessionLock, open_connection: Callable[[Path], sqlite3.Connection]
    ) -> None:
        self.local = path
        self.name = str(path)
        self._lock = lock
        self._open_connection = open_connection
        self._file = _identity(path)
        self._connection: sqlite3.Connection | None = None
        self._checkpointed_s = float("-inf")

    def connection(self) -> sqlite3.Connection:
        """Return the connection, opened where there is none.

        Raises:
            StoreError: the file is not there any more, or another one is in its place.
        """
        if _identity(self.local) != self._file:
            raise StoreError(
                Message(
                    "the store {name} is not there any more, or another file is in its place; put it back",
                    name=self.name,
                )
            )
        if self._connection is None:
            self._connection = self._open_connection(self.local)
        return self._connection

    def committed(self) -> None:
        """Bring the log into the store when it is time; readers are not waited for."""
        now_s = time.monotonic()
        if self._connection is not None and now_s >= self._checkpointed_s + CHECKPOINT_INTERVAL_S:
            self._checkpointed_s = now_s
            with suppress(sqlite3.Error):  # it is all in the log; the next commit says what is wrong
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def failed(self, error: StoreError) -> bool:
        """Close a connection that may be broken: a disk that comes back is another one to the system."""
        code = getattr(error.__cause__, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _REFUSED:
            return False
        in_doubt = self._connection is not None
        self.disconnect()
        return in_doubt

    def disconnect(self) -> None:
        """Close the connection; the claim stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def release(self) -> None:
        """Give the claim back; whoever wrote has disconnected, in its own thread."""
        self._lock.release()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others, or None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the file for reading alone: SQLite refuses every change."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.text_factory = _text
    return connection


def _cannot_be_written(error: sqlite3.OperationalError, path: Path) -> bool:
    """Tell whether an error is that of a file that is there and can be read, and no more than read."""
    refused = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
    if error.sqlite_errorcode & 0xFF not in refused:
        return False
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _in_memory(path: Path) -> sqlite3.Connection:
    """Copy a file that cannot be written, with what its log holds, into memory.

    SQLite reads the log only where it can write beside it, so both are copied to a place where it can.
    """
    log = path.with_name(f"{path.name}-wal")
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    copy.text_factory = _text
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = f"{path.absolute().as_uri()}?immutable=1"
            if log.exists() and log.stat().st_size:
                shutil.copyfile(path, Path(folder) / "store")
                shutil.copyfile(log, Path(folder) / "store-wal")
                source = (Path(folder) / "store").as_uri()
            with closing(sqlite3.connect(source, uri=True)) as original:
                original.backup(copy)
    except BaseException:
        copy.close()
        raise
    return copy


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements: `executescript` would commit behind our back."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _refuse_foreign(connection: sqlite3.Connection, path: Path | None) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
    if tables:
        raise StoreError(
            Message("{path} is another program's database; name another file with --store", path=path)
        )


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.before-version-{version}")
    make_private(target)
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring the file to this version's schema; a copy of the older file is kept beside it.

    Args:
        connection: to the file, or to a copy of it in memory.
        path: of the file; None for a copy, which needs no further one.

    Raises:
        StoreError: the file was made by a newer bandsense or by another program.
    """
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise StoreError(
            Message(
                "the store {path} was made by a newer bandsense (schema {version}, this one "
                "knows {schema_version}); update bandsense, or name another file with --store",
                path=path or "",
                version=version,
                schema_version=SCHEMA_VERSION,
            )
        )
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        _refuse_foreign(connection, path)
    elif path is not None:
        _back_up(connection, path, version)
    for number, script in migrations("sqlite"):
        _apply(connection, number, script)


def _apply(connection: sqlite3.Connection, number: int, script: str) -> None:
    with transaction(connection):
        if _version(connection) >= number:  # another process was faster
            return
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
