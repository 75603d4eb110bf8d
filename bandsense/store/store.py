"""Sessions in one SQLite file: open it, record, list, read back, recover."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from bandsense.errors import StoreError
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks
from bandsense.store.database import connect, migrate, transaction, translating_errors
from bandsense.store.merge import merge_by_sample
from bandsense.store.model import (
    Input,
    JsonObject,
    NewSession,
    Session,
    SessionState,
    StoredEvent,
    Stream,
)
from bandsense.store.recorder import Recorder
from bandsense.store.session_lock import SessionLock

__all__ = ["DocumentTable", "Recovered", "Store"]

_SESSION_COLUMNS = "id, state, source, started_unix_s, ended_unix_s, person, exercise, software, summary"
_STREAM_QUERY = """
    SELECT streams.id, sensor, unit, settings, side,
           coalesce(sum(samples), 0), min(first_time_s), max(last_time_s)
    FROM streams LEFT JOIN chunks ON chunks.stream = streams.id
    WHERE session = ? GROUP BY streams.id ORDER BY streams.id
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A session that was cut short (power, crash, kill) and is closed now with all that reached the disk."""

    session: int
    started_unix_s: float
    samples: int


class DocumentTable:
    """Documents of one kind (people, bands or sensors) by identity."""

    def __init__(self, path: Path, table: Literal["people", "bands", "sensors"]) -> None:
        self._path = path
        self._table = table

    def put(self, key: str, data: JsonObject) -> None:
        """Keep a document, replacing the one of the same identity."""
        text = json.dumps(data)
        with _opened(self._path) as connection, transaction(connection):
            connection.execute(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?)", (key, text))  # noqa: S608

    def get(self, key: str) -> JsonObject | None:
        """Return the document of that identity, or None."""
        with _opened(self._path) as connection:
            row = connection.execute(f"SELECT data FROM {self._table} WHERE id = ?", (key,)).fetchone()  # noqa: S608
        return None if row is None else _object(row[0])

    def all(self) -> dict[str, JsonObject]:
        """Return every document by identity, in the order of the identities."""
        with _opened(self._path) as connection:
            rows = connection.execute(f"SELECT id, data FROM {self._table} ORDER BY id").fetchall()  # noqa: S608
        return {key: _object(data) for key, data in rows}

    def remove(self, key: str) -> bool:
        """Forget a document; False when there was none."""
        with _opened(self._path) as connection, transaction(connection):
            return (
                connection.execute(f"DELETE FROM {self._table} WHERE id = ?", (key,)).rowcount > 0  # noqa: S608
            )


class Store:
    """All sessions, people, bands and sensors of one file.

    Attributes:
        path: the file.
        recovered: sessions that an earlier run left open and that were closed when the store was opened.
    """

    def __init__(self, path: Path, recovered: tuple[Recovered, ...]) -> None:
        self.path = path
        self.recovered = recovered
        self.people = DocumentTable(path, "people")
        self.bands = DocumentTable(path, "bands")
        self.sensors = DocumentTable(path, "sensors")

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the store at `path`, creating it or bringing it up to date as needed.

        Raises:
            StoreError: it cannot be opened, is damaged, or was made by a newer bandsense.
        """
        file = Path(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {file.parent} cannot be made: {error.strerror}; name another with --store"
            ) from error
        with _opened(file) as connection:
            migrate(connection, file)
            return cls(file, tuple(_recover(connection, file)))

    def record(self, new: NewSession) -> Recorder:
        """Begin a session; it is on the disk when this returns.

        Raises:
            StoreError: the session cannot be written.
        """
        with _opened(self.path) as connection, transaction(connection):
            session = _inserted(
                connection.execute(
                    "INSERT INTO sessions (started_unix_s, state, source, person, exercise, software) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        new.started_unix_s,
                        SessionState.OPEN.value,
                        new.source,
                        new.person,
                        new.exercise,
                        new.software,
                    ),
                )
            )
            streams = [
                _inserted(
                    connection.execute(
                        "INSERT INTO streams (session, sensor, side, unit, settings) VALUES (?, ?, ?, ?, ?)",
                        (session, part.sensor, part.side, part.unit.value, json.dumps(part.settings)),
                    )
                )
                for part in new.streams
            ]
            claim = SessionLock.take(self.path, session)
            if claim is None:
                raise StoreError(f"session {session} is claimed by another program; try again")
        return Recorder(self.path, session, streams, claim)

    def sessions(self) -> list[Session]:
        """Return every session, newest first."""
        with _opened(self.path) as connection:
            rows = connection.execute(f"SELECT {_SESSION_COLUMNS} FROM sessions ORDER BY id DESC").fetchall()  # noqa: S608
            return [_session(connection, row) for row in rows]

    def session(self, which: int | Literal["last"]) -> Session:
        """Return one session by its number, or the newest.

        Raises:
            StoreError: there is none.
        """
        condition = "ORDER BY id DESC LIMIT 1" if which == "last" else "WHERE id = ?"
        arguments = () if which == "last" else (which,)
        with _opened(self.path) as connection:
            row = connection.execute(
                f"SELECT {_SESSION_COLUMNS} FROM sessions {condition}",  # noqa: S608
                arguments,
            ).fetchone()
            if row is not None:
                return _session(connection, row)
        if which == "last":
            raise StoreError("there is no session yet; record one with `bandsense live`")
        raise StoreError(f"there is no session {which}; `bandsense sessions` lists them")

    def delete(self, session: int) -> None:
        """Remove a session and everything of it.

        Raises:
            StoreError: there is none, or it is being recorded.
        """
        if self.session(session).state is SessionState.OPEN:
            raise StoreError(f"session {session} is being recorded; end it first")
        with _opened(self.path) as connection, transaction(connection):
            connection.execute("DELETE FROM sessions WHERE id = ?", (session,))

    def note_summary(self, session: int, summary: JsonObject) -> None:
        """Keep the summary of a session that was cut short before it had one.

        Raises:
            StoreError: it cannot be written.
        """
        with _opened(self.path) as connection, transaction(connection):
            connection.execute(
                "UPDATE sessions SET summary = ? WHERE id = ? AND state = ?",
                (json.dumps(summary), session, SessionState.RECOVERED.value),
            )

    def add_input(self, stream: Stream, kind: str, data: JsonObject) -> None:
        """Add what is said of a finished session, after its last sample and input.

        Raises:
            StoreError: it cannot be written.
        """
        with _opened(self.path) as connection, transaction(connection):
            connection.execute(
                "INSERT INTO inputs (stream, number, after_samples, kind, data) "
                "SELECT ?, coalesce(max(number) + 1, 0), ?, ?, ? FROM inputs WHERE stream = ?",
                (stream.id, stream.samples, kind, json.dumps(data), stream.id),
            )

    def blocks(self, stream: Stream) -> Iterator[SampleBlock]:
        """Yield the raw samples of a stream, as they were recorded.

        Raises:
            StoreError: a piece is damaged.
        """
        with _opened(self.path) as connection:
            cursor = connection.execute(
                "SELECT data FROM chunks WHERE stream = ? ORDER BY number", (stream.id,)
            )
            for (data,) in cursor:
                yield chunks.decode(data, stream.unit)

    def inputs(self, stream: Stream) -> list[Input]:
        """Yield what besides samples reached the analysis of a stream, in order."""
        with _opened(self.path) as connection:
            rows = connection.execute(
                "SELECT after_samples, kind, data FROM inputs WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        return [Input(after, kind, _object(data)) for after, kind, data in rows]

    def timeline(self, stream: Stream) -> Iterator[SampleBlock | Input]:
        """Yield samples and inputs of a stream in the order in which they happened."""
        return merge_by_sample(self.blocks(stream), self.inputs(stream))

    def events(self, stream: Stream) -> list[StoredEvent]:
        """Yield the events of a stream as they were shown."""
        with _opened(self.path) as connection:
            rows = connection.execute(
                "SELECT kind, data FROM events WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        return [StoredEvent(kind, _object(data)) for kind, data in rows]

    def sets(self, stream: Stream) -> list[JsonObject]:
        """Results of the finished sets of a stream; of one that was corrected, the latest."""
        with _opened(self.path) as connection:
            rows = connection.execute(
                "SELECT data FROM sets WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        results = (_object(data) for (data,) in rows)
        return list({result.get("number", place): result for place, result in enumerate(results)}.values())


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with translating_errors(path), closing(connect(path)) as connection:
        yield connection


def _object(text: str) -> JsonObject:
    data: JsonObject = json.loads(text)
    return data


def _inserted(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise StoreError("the store gave no number to a new row; please report this")
    return cursor.lastrowid


def _session(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Session:
    number, state, source, started, ended, person, exercise, software, summary = row
    streams = tuple(
        Stream(id_, sensor, Unit(unit), _object(settings), side, samples, first, last)
        for id_, sensor, unit, settings, side, samples, first, last in connection.execute(
            _STREAM_QUERY, (number,)
        )
    )
    return Session(
        id=number,
        state=SessionState(state),
        source=source,
        started_unix_s=started,
        ended_unix_s=ended,
        person=person,
        exercise=exercise,
        software=software,
        summary=None if summary is None else _object(summary),
        streams=streams,
    )


def _recover(connection: sqlite3.Connection, path: Path) -> Iterator[Recovered]:
    """Close sessions that no living recorder claims."""
    rows = connection.execute(
        "SELECT id, started_unix_s FROM sessions WHERE state = ? ORDER BY id", (SessionState.OPEN.value,)
    ).fetchall()
    for session, started_unix_s in rows:
        claim = SessionLock.take(path, session)
        if claim is None:
            continue
        try:
            if samples := _close_cut_short(connection, session):
                yield Recovered(session, started_unix_s, samples)
        finally:
            claim.release()


def _close_cut_short(connection: sqlite3.Connection, session: int) -> int:
    """Mark an abandoned session as recovered and give its number of samples.

    0 when there is nothing to recover: its recorder has closed it in the meantime, or it was cut short before
    the first sample and is removed.
    """
    with transaction(connection):
        samples, last_arrival = connection.execute(
            "SELECT coalesce(sum(samples), 0), max(arrived_unix_s) FROM chunks "
            "JOIN streams ON streams.id = chunks.stream WHERE streams.session = ?",
            (session,),
        ).fetchone()
        if not samples:
            connection.execute(
                "DELETE FROM sessions WHERE id = ? AND state = ?", (session, SessionState.OPEN.value)
            )
            return 0
        changed = connection.execute(
            "UPDATE sessions SET state = ?, ended_unix_s = coalesce(?, started_unix_s) "
            "WHERE id = ? AND state = ?",
            (SessionState.RECOVERED.value, last_arrival, session, SessionState.OPEN.value),
        ).rowcount
    return int(samples) if changed else 0
