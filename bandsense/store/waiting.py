"""What a session could not write at its end, in a file beside the store, until the next start takes it in.

Where the disk is full it lies in a folder of temporary files that is for its owner alone, and is found there.

The file is JSON: the session, the rows that were not written, with their keys, and how the session ended.
Raw samples are encoded as in the store (`chunks`), in base64. Taking a file in twice changes nothing.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import json
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandsense.errors import StoreError
from bandsense.files import write_json_file
from bandsense.language import Message
from bandsense.store.backend import Backend, Connection, transaction
from bandsense.store.model import SessionState

__all__ = ["INSERT", "TakenIn", "leave_waiting", "take_in_waiting"]

_FORMAT, _VERSION = "bandsense waiting", 1
_NOT_FITTING = (OSError, ValueError, KeyError, TypeError, RecursionError, sqlite3.IntegrityError)

INSERT = {
    "chunks": "chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
    "inputs": "inputs VALUES (?, ?, ?, ?, ?)",
    "events": "events VALUES (?, ?, ?, ?)",
    "sets": "sets VALUES (?, ?, ?)",
}
"""How a row of each table is written, after `INSERT INTO`."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What waited beside the store and is in it now.

    Attributes:
        problem: why it could not be taken in and still waits; None where it was.
    """

    session: int
    samples: int
    path: Path
    problem: str | None = None


def leave_waiting(
    store: Path,
    session: int,
    streams: tuple[int, ...],
    rows: Mapping[str, list[tuple[Any, ...]]],
    ended_unix_s: float,
    summary: str | None,
) -> Path:
    """Write rows of a session to a file beside the store, or else into its folder of temporary files.

    Raises:
        StoreError: neither place can be written.
    """
    data = {
        "format": _FORMAT,
        "version": _VERSION,
        "session": session,
        "streams": list(streams),
        "ended_unix_s": ended_unix_s,
        "summary": summary,
        "rows": {table: [[_plain(value) for value in row] for row in rows[table]] for table in rows},
    }
    name = f"{store.name}.waiting-{session}.json"
    for folder in (store.parent, _elsewhere(store)):
        with suppress(OSError):
            if folder != store.parent:
                folder.mkdir(mode=0o700, exist_ok=True)
                if not _is_ones_own(folder):
                    continue
            write_json_file(folder / name, data)
            return folder / name
    raise StoreError(
        Message(
            "what is waiting could be written neither to {folder} nor to {other}; free some space",
            folder=store.parent,
            other=tempfile.gettempdir(),
        )
    )


def _elsewhere(store: Path) -> Path:
    """Name the folder of temporary files of one store, for when its disk is full."""
    digest = hashlib.sha256(os.fsencode(store.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"bandsense-{digest}"


def _is_ones_own(folder: Path) -> bool:
    """Tell whether nobody else can have put something there: such a place is open to all of a computer."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)


def _files(store: Path) -> Iterator[Path]:
    """Yield what waits for a store, here and elsewhere."""
    for folder in (store.parent, _elsewhere(store)):
        if folder == store.parent or _is_ones_own(folder):
            yield from sorted(folder.glob(f"{glob.escape(store.name)}.waiting-*.json"))


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _stored(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


def take_in_waiting(connection: Connection, database: Backend) -> Iterator[TakenIn]:
    """Write what waits for the store into it, and remove the files; what is still being tried stays."""
    for path in _files(database.local):
        number = path.name.removesuffix(".json").rpartition("-")[2]
        if not number.isdecimal():
            continue
        claim = database.claim(int(number))
        if claim is None:
            continue
        try:
            samples = _take_in(connection, path, int(number))
            path.unlink()
            yield TakenIn(int(number), samples, path)
        except (*_NOT_FITTING, StoreError) as error:
            yield TakenIn(int(number), 0, path, f"{error}")
        finally:
            claim.release()


def _take_in(connection: Connection, path: Path, session: int) -> int:
    data = json.loads(path.read_text(encoding="utf-8"))
    if (data["format"], data["version"], data["session"]) != (_FORMAT, _VERSION, session):
        raise ValueError("it is no file of this session, or of a newer bandsense")
    rows = {
        table: [tuple(_stored(value) for value in row) for row in data["rows"][table]]
        for table in data["rows"]
    }
    with transaction(connection):
        own = connection.execute("SELECT id FROM streams WHERE session = ?", (session,)).fetchall()
        if not own or not {row[0] for row in own} >= set(data["streams"]):
            raise ValueError("the store does not hold its session")
        for table in rows:
            connection.executemany(f"INSERT INTO {INSERT[table]} ON CONFLICT DO NOTHING", rows[table])
        connection.execute(
            "UPDATE sessions SET state = ?, ended_unix_s = ?, summary = ? WHERE id = ?",
            (SessionState.COMPLETE.value, float(data["ended_unix_s"]), data["summary"], session),
        )
    return sum(int(row[2]) for row in rows["chunks"])
