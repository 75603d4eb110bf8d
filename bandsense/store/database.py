"""The SQLite file: how it is opened, brought up to date, and what its errors mean to a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from bandsense.errors import StoreError

__all__ = ["SCHEMA_VERSION", "connect", "migrate", "transaction", "translating_errors"]

_BUSY_TIMEOUT_S = 5.0


def _migrations() -> list[tuple[int, str]]:
    folder = resources.files("bandsense.store") / "migrations"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name.split("_", 1)[0]), entry.read_text(encoding="utf-8")) for entry in files)


SCHEMA_VERSION = _migrations()[-1][0]
"""Number of the last migration; the file keeps its own in `PRAGMA user_version`."""

_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again. What was stored before is safe",
    sqlite3.SQLITE_BUSY: "another program holds it locked; close that program and try again",
    sqlite3.SQLITE_LOCKED: "another program holds it locked; close that program and try again",
    sqlite3.SQLITE_READONLY: "it may not be written; check its permissions or name another file with --store",
    sqlite3.SQLITE_PERM: "it may not be opened; check its permissions or name another file with --store",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and may be written, "
    "or name another file with --store",
    sqlite3.SQLITE_NOTADB: "it is not a bandsense store and stays as it is; name another file with --store",
    sqlite3.SQLITE_CORRUPT: "it is damaged; it was left as it is. Keep a copy, rescue what can be read with "
    "`sqlite3 FILE .recover | sqlite3 NEW_FILE`, and go on with --store NEW_FILE",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check the disk. What was stored before is kept",
}


@contextmanager
def translating_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into a `StoreError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        reason = _REASONS.get(code & 0xFF, str(error)) if code is not None else str(error)
        raise StoreError(f"the store {path}: {reason}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run all or nothing; the write lock is taken at the start, not half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for use by one thread.

    Write-ahead logging lets readers and the writer work side by side. Every commit is synced, so that even a
    power cut loses no more than the last second; this costs nothing to anyone but the writer's own thread.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


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


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
    if tables:
        raise StoreError(f"{path} is another program's database; name another file with --store")


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.before-version-{version}")
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this version's schema; a copy of the older file is kept beside it.

    Raises:
        StoreError: the file was made by a newer bandsense or by another program.
    """
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the store {path} was made by a newer bandsense (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); update bandsense, or name another file with --store"
        )
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        _refuse_foreign(connection, path)
    else:
        _back_up(connection, path, version)
    for number, script in _migrations():
        _apply(connection, number, script)


def _apply(connection: sqlite3.Connection, number: int, script: str) -> None:
    with transaction(connection):
        if _version(connection) >= number:  # another process was faster
            return
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
