"""A store as a whole: copied while it is used, put back, looked through."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bandsense.errors import StoreError
from bandsense.files import make_private
from bandsense.language import Message
from bandsense.samples import Unit
from bandsense.store import chunks
from bandsense.store.backend import Backend
from bandsense.store.database import Database, migrate, translating_errors
from bandsense.store.documents import readable_object
from bandsense.store.session_lock import SessionLock
from bandsense.store.store import Store

__all__ = ["Finding", "back_up", "check", "exchange", "restore"]

_PAGES_AT_ONCE = 256
"""A megabyte: others may write between two pieces."""

Progress = Callable[[float], None]
"""Told the share that is done, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a store, in words; `session` where it concerns one."""

    problem: str
    session: int | None = None


def back_up(store: Store, target: Path, progress: Progress = lambda _share: None) -> None:
    """Copy a store to a new file while it may be in use; the copy is of one moment and is checked.

    Raises:
        StoreError: the target exists or cannot be written.
    """
    database = store.database
    if not isinstance(database, Database):
        raise StoreError(
            Message("{database} is backed up by the server's own tools (pg_dump)", database=database.name)
        )
    if target.exists():
        raise StoreError(Message("{target} exists already; name another file", target=target))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        make_private(part)
        with (
            database.opened() as source,
            translating_errors(target),
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(
                copy,
                pages=_PAGES_AT_ONCE,
                progress=lambda _status, left, whole: progress(1.0 - left / max(1, whole)),
                sleep=0.0,
            )
            copy.execute("PRAGMA journal_mode = DELETE")
            _require_sound(copy, target)
        part.replace(target)
    except OSError as error:
        raise StoreError(
            Message("{target} cannot be written: {error}; name another place", target=target, error=error)
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _require_sound(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(
            Message(
                "{path} is damaged ({found}); `bandsense store rescue` gives what can be read",
                path=path,
                found=found,
            )
        )


def restore(backup: Path, store: Path) -> Path | None:
    """Put a backup in the place of the store; the store that was there is kept beside it, and returned.

    Raises:
        StoreError: the backup is none, is damaged or newer than this program, or the store is in use.
    """
    if not backup.is_file():
        raise StoreError(Message("there is no file {backup}", backup=backup))
    new = store.with_name(f".{store.name}.{os.getpid()}.part")
    try:
        make_private(new)
        with translating_errors(backup), closing(sqlite3.connect(new, isolation_level=None)) as copy:
            try:
                with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as source:
                    source.backup(copy)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_NOTADB:
                    raise
                raise StoreError(Message("{backup} is not a backup of a store", backup=backup)) from error
            if not copy.execute("PRAGMA user_version").fetchone()[0]:
                raise StoreError(Message("{backup} is not a backup of a store", backup=backup))
            _require_sound(copy, backup)
            migrate(copy, None)
        return exchange(new, store, "before-restore")
    except OSError as error:
        raise StoreError(Message("{store} cannot be written: {error}", store=store, error=error)) from error
    finally:
        new.unlink(missing_ok=True)


def exchange(new: Path, store: Path, name: str) -> Path | None:
    """Put a file in the place of a store, whose old file is kept under another name, and returned.

    Raises:
        StoreError: a session is being recorded into it.
        OSError: the files cannot be moved.
    """
    kept = None
    if store.exists():
        for lock in store.parent.glob(f"{store.name}.recording-*"):
            number = lock.name.rpartition("-")[2]
            claim = SessionLock.take(store, int(number)) if number.isdecimal() else None
            if number.isdecimal() and claim is None:
                raise StoreError(
                    Message(
                        "session {number} is being recorded into {store}; end it first",
                        number=number,
                        store=store,
                    )
                )
            if claim is not None:
                claim.release()
        kept = _free(store.with_name(f"{store.name}.{name}-{time.strftime('%Y%m%d-%H%M%S')}"))
        for ending in ("-wal", "-shm", ""):
            part = store.with_name(store.name + ending)
            if part.exists():
                part.replace(kept.with_name(kept.name + ending))
    new.replace(store)
    return kept


def _free(path: Path) -> Path:
    return next(
        each
        for n in range(1000)
        if not (each := path.with_name(f"{path.name}{f'-{n}' if n else ''}")).exists()
    )


def check(store: Store, progress: Progress = lambda _share: None) -> Iterator[Finding]:
    """Look through a whole store: pages, check sums of all samples, texts; yields what is wrong.

    Raises:
        StoreError: the file is damaged so far that it cannot be looked through.
    """
    if isinstance(store.database, Database):
        yield from _pages(store.database)
    for kind, table in (("person", store.people), ("band", store.bands), ("sensor", store.sensors)):
        for key in table.damaged():
            yield Finding(f"the {kind} {key} cannot be read and is left out")
    sessions = store.sessions()
    for done, session in enumerate(sessions, 1):
        yield from (Finding(damage, session.id) for damage in session.damage)
        for stream in session.streams:
            yield from (Finding(problem, session.id) for problem in _stream(store.database, stream.id))
        progress(done / len(sessions))


def _pages(database: Database) -> Iterator[Finding]:
    with database.opened() as connection:
        for (found,) in connection.execute("PRAGMA integrity_check(20)"):
            if found != "ok":
                yield Finding(f"the file is damaged: {found}")
        for table, rowid, _, _ in connection.execute("PRAGMA foreign_key_check"):
            yield Finding(f"row {rowid} of {table} belongs to nothing")


def _stream(database: Backend, stream: int) -> Iterator[str]:
    with database.opened() as connection:
        last_s, expected = float("-inf"), 0
        for number, samples, data in connection.execute(
            "SELECT number, samples, data FROM chunks WHERE stream = ? ORDER BY number", (stream,)
        ):
            if number != expected:
                yield f"raw data are missing before piece {number}"
            expected = number + 1
            try:
                block = chunks.decode(data, Unit.COUNT)
            except (StoreError, TypeError) as error:
                yield f"piece {number} of the raw data: {error}"
                continue
            if len(block) != samples or (len(block) and float(block.time_s[0]) <= last_s):
                yield f"piece {number} of the raw data does not follow the one before"
            if len(block):
                last_s = float(block.time_s[-1])
        for table in ("inputs", "events", "sets"):
            texts = connection.execute(f"SELECT number, data FROM {table} WHERE stream = ?", (stream,))  # noqa: S608
            for number, text in texts:
                if readable_object(text) is None:
                    yield f"row {number} of its {table} cannot be read"
