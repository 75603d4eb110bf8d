"""Sessions in a file or on a server: open it, record, list, read back, recover."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks
from bandsense.store.address import ServerAddress
from bandsense.store.backend import Backend, Connection, Cursor, transaction
from bandsense.store.database import Database
from bandsense.store.documents import DocumentTable, json_object, readable_object
from bandsense.store.edits import bin_session, note_edit
from bandsense.store.merge import merge_by_sample
from bandsense.store.model import (
    Input,
    JsonObject,
    NewSession,
    Session,
    SessionFilter,
    SessionState,
    StoredEvent,
    Stream,
)
from bandsense.store.recorder import Recorder
from bandsense.store.waiting import TakenIn, take_in_waiting

__all__ = ["Recovered", "Store"]

_SESSION_COLUMNS = (
    "id, state, source, started_unix_s, ended_unix_s, person, exercise, software, summary, band"
)
_STREAM_QUERY = """
    SELECT session, streams.id, sensor, unit, settings, side,
           coalesce(sum(samples), 0), min(first_time_s), max(last_time_s)
    FROM streams LEFT JOIN chunks ON chunks.stream = streams.id
    WHERE session IN (SELECT id FROM sessions WHERE {}) GROUP BY streams.id ORDER BY streams.id
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A session that was cut short (power, crash, kill) and is closed now with all that reached the disk."""

    session: int
    started_unix_s: float
    samples: int


class Store:
    """All sessions, people, bands and sensors of one file, or of one clinic on a server.

    Attributes:
        path: the file, or the address of the server: what `open` takes.
        recovered: sessions that an earlier run left open and that were closed when the store was opened.
        taken_in: what an earlier run could not write and left beside the store, and is in it now.
        full: why neither was done, where the disk is full; the store can be looked at all the same.
    """

    def __init__(
        self,
        database: Backend,
        recovered: tuple[Recovered, ...],
        taken_in: tuple[TakenIn, ...] = (),
        full: StoreError | None = None,
    ) -> None:
        self.path = database.place
        self.recovered = recovered
        self.taken_in = taken_in
        self.full = full
        self.database = database
        self.people = DocumentTable(database, "people")
        self.bands = DocumentTable(database, "bands")
        self.sensors = DocumentTable(database, "sensors")

    @classmethod
    def open(cls, path: Path | str | ServerAddress, *, read_only: bool = False) -> Self:
        """Open the store at `path`, creating it or bringing it up to date as needed.

        One that cannot be written, or has no room left, is read; what would change it raises a `StoreError`
        then. So it is with `read_only`, which neither makes a file nor brings it up to date nor closes what
        was cut short.

        Args:
            path: a file, or the address of a PostgreSQL database (`postgresql://…`) that was prepared with
                `bandsense store init`.
            read_only: only look.

        Raises:
            StoreError: it cannot be opened, is damaged, or was made by a newer bandsense.
            MissingExtra: a server is named, and its driver is not installed.
        """
        database = _backend(path, read_only)
        if database.read_only:
            return cls(database, ())
        try:
            with database.opened() as connection:
                taken_in = tuple(take_in_waiting(connection, database))
                waiting = {each.session for each in taken_in if each.problem is not None}
                return cls(database, tuple(_recover(connection, database, waiting)), taken_in)
        except StoreError as error:
            if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_FULL:
                raise
            return cls(database, (), full=error)

    def record(self, new: NewSession) -> Recorder:
        """Begin a session; it is on the disk when this returns.

        Raises:
            StoreError: the session cannot be written.
        """
        with ExitStack() as on_failure, self.database.opened() as connection, transaction(connection):
            session = _inserted(
                connection.execute(
                    "INSERT INTO sessions (started_unix_s, state, source, person, exercise, software, band) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                    (
                        new.started_unix_s,
                        SessionState.OPEN.value,
                        new.source,
                        new.person,
                        new.exercise,
                        new.software,
                        new.band,
                    ),
                )
            )
            streams = [
                _inserted(
                    connection.execute(
                        "INSERT INTO streams (session, sensor, side, unit, settings) "
                        "VALUES (?, ?, ?, ?, ?) RETURNING id",
                        (session, part.sensor, part.side, part.unit.value, json.dumps(part.settings)),
                    )
                )
                for part in new.streams
            ]
            claim = self.database.claim(session)
            if claim is None:
                raise StoreError(
                    Message("session {session} is in use by another program; try again", session=session)
                )
            on_failure.callback(claim.release)
            connection.execute("COMMIT")
            on_failure.pop_all()
        return Recorder(claim, session, streams)

    def sessions(self, which: SessionFilter | None = None) -> list[Session]:
        """Return every session that is looked for, newest first; those in the bin only when asked for."""
        conditions, values = _conditions(which or SessionFilter())
        with self.database.opened() as connection:
            rows = connection.execute(
                f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {conditions} ORDER BY id DESC",  # noqa: S608
                values,
            ).fetchall()
            streams = _streams(connection, conditions, values)
            return [_session(row, streams.get(row[0], ())) for row in rows]

    def session(self, which: int | Literal["last"]) -> Session:
        """Return one session by its number, or the newest.

        Raises:
            StoreError: there is none.
        """
        condition = "ORDER BY id DESC LIMIT 1" if which == "last" else "AND id = ?"
        # SQLite's numbers end here; no session has one so large.
        arguments = () if which == "last" else (min(which, 2**63 - 1),)
        with self.database.opened() as connection:
            row = connection.execute(
                f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE binned_unix_s IS NULL {condition}",  # noqa: S608
                arguments,
            ).fetchone()
            if row is not None:
                return _session(row, _streams(connection, "id = ?", row[:1]).get(row[0], ()))
        if which == "last":
            raise StoreError(
                Message(
                    "there is no session yet; record one with `bandsense live` (simulated ones: --simulated)"
                )
            )
        raise StoreError(Message("there is no session {which}; `bandsense sessions` lists them", which=which))

    def delete(self, session: int, *, for_good: bool = True) -> None:
        """Remove a session and everything of it, or put it into the bin, from which it can be taken back.

        Raises:
            StoreError: there is none, or it is being recorded.
        """
        self._require_ended(session)
        with self.database.opened() as connection, transaction(connection):
            if for_good:
                connection.execute("DELETE FROM sessions WHERE id = ?", (session,))
            else:
                bin_session(connection, session)
                note_edit(connection, "delete", {"session": session})

    def _require_ended(self, session: int) -> None:
        if self.session(session).state is SessionState.OPEN:
            raise StoreError(Message("session {session} is being recorded; end it first", session=session))

    def note_summary(self, session: int, summary: JsonObject) -> None:
        """Keep the summary of a session that was cut short before it had one.

        Raises:
            StoreError: it cannot be written.
        """
        with self.database.opened() as connection, transaction(connection):
            connection.execute(
                "UPDATE sessions SET summary = ? WHERE id = ? AND state = ?",
                (json.dumps(summary), session, SessionState.RECOVERED.value),
            )

    def add_input(self, stream: Stream, kind: str, data: JsonObject) -> None:
        """Add what is said of a finished session, after its last sample and input.

        Raises:
            StoreError: it cannot be written.
        """
        with self.database.opened() as connection, transaction(connection):
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
        with self.database.opened() as connection:
            cursor = connection.execute(
                "SELECT data FROM chunks WHERE stream = ? ORDER BY number", (stream.id,)
            )
            for (data,) in cursor:
                yield chunks.decode(data, stream.unit)

    def inputs(self, stream: Stream) -> list[Input]:
        """Return what besides samples reached the analysis of a stream, in order."""
        with self.database.opened() as connection:
            rows = connection.execute(
                "SELECT after_samples, kind, data FROM inputs WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        return [Input(after, kind, json_object(data)) for after, kind, data in rows]

    def timeline(self, stream: Stream) -> Iterator[SampleBlock | Input]:
        """Yield samples and inputs of a stream in the order in which they happened."""
        return merge_by_sample(self.blocks(stream), self.inputs(stream))

    def events(self, stream: Stream) -> list[StoredEvent]:
        """Return the events of a stream as they were shown."""
        with self.database.opened() as connection:
            rows = connection.execute(
                "SELECT kind, data FROM events WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        return [StoredEvent(kind, json_object(data)) for kind, data in rows]

    def sets(self, stream: Stream) -> list[JsonObject]:
        """Return the results of the finished sets of a stream; of one that was corrected, the latest."""
        with self.database.opened() as connection:
            rows = connection.execute(
                "SELECT data FROM sets WHERE stream = ? ORDER BY number", (stream.id,)
            ).fetchall()
        results = (json_object(data) for (data,) in rows)
        return list({result.get("number", place): result for place, result in enumerate(results)}.values())


def _conditions(which: SessionFilter) -> tuple[str, list[object]]:
    """Return a filter as a condition in SQL and the values in it."""
    wanted = {
        "started_unix_s >= ?": which.since_unix_s,
        "started_unix_s < ?": which.until_unix_s,
        "person = ?": which.person,
        "exercise = ?": which.exercise,
        "band = ?": which.band,
    }
    given = {condition: value for condition, value in wanted.items() if value is not None}
    in_bin = f"binned_unix_s IS {'NOT ' if which.binned else ''}NULL"
    return " AND ".join([in_bin, *given]), list(given.values())


def _backend(path: Path | str | ServerAddress, reading: bool) -> Backend:
    address = path if isinstance(path, ServerAddress) else ServerAddress.read(str(path))
    if address is None:
        return Database(Path(str(path)), reading=reading)
    from bandsense.store.postgresql import Server

    return Server(address, reading=reading)


def _inserted(cursor: Cursor) -> int:
    ((number,),) = cursor.fetchall()
    return int(number)


def _streams(
    connection: Connection, conditions: str, values: Sequence[object]
) -> dict[int, list[tuple[Any, ...]]]:
    """Return the sensors' parts of sessions by session."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for session, *stream in connection.execute(_STREAM_QUERY.format(conditions), values):
        found.setdefault(session, []).append(tuple(stream))
    return found


def _session(row: tuple[Any, ...], stream_rows: Iterable[tuple[Any, ...]]) -> Session:
    """Read a session as far as it can be: one damaged text takes away nothing else."""
    number, state, source, started, ended, person, exercise, software, summary, band = row
    damage: list[str] = []
    streams = []
    for stream_row in stream_rows:
        try:
            streams.append(_stream(stream_row))
        except (ValueError, TypeError) as error:
            damage.append(Message("a sensor's part cannot be read: {error}", error=error))
    read = None if summary is None else readable_object(summary)
    if summary is not None and read is None:
        damage.append(Message("its summary cannot be read"))
    damage += [stream.damage for stream in streams if stream.damage is not None]
    known = state in {each.value for each in SessionState}
    return Session(
        id=number,
        state=SessionState(state) if known else SessionState.RECOVERED,
        source=str(source),
        started_unix_s=float(started) if isinstance(started, int | float) else 0.0,
        ended_unix_s=float(ended) if isinstance(ended, int | float) else None,
        person=None if person is None else str(person),
        exercise=None if exercise is None else str(exercise),
        software=str(software),
        summary=read,
        streams=tuple(streams),
        band=None if band is None else str(band),
        damage=tuple(damage),
    )


def _stream(row: tuple[Any, ...]) -> Stream:
    id_, sensor, unit, text, side, samples, first, last = row
    settings = readable_object(text)
    damage = None
    if settings is None:
        damage = Message("its settings cannot be read; its raw samples can be exported")
    return Stream(id_, str(sensor), Unit(unit), settings or {}, side, int(samples), first, last, damage)


def _recover(connection: Connection, database: Backend, waiting: set[int]) -> Iterator[Recovered]:
    """Close sessions that no living recorder claims; those whose samples still wait are never removed."""
    rows = connection.execute(
        "SELECT id, started_unix_s FROM sessions WHERE state = ? ORDER BY id", (SessionState.OPEN.value,)
    ).fetchall()
    for session, started_unix_s in rows:
        claim = database.claim(session)
        if claim is None:
            continue
        try:
            away_s = float("inf") if session in waiting else database.recorder_away_s
            if samples := _close_cut_short(connection, session, away_s):
                yield Recovered(session, started_unix_s, samples)
        finally:
            claim.release()


def _close_cut_short(connection: Connection, session: int, away_s: float) -> int:
    """Mark an abandoned session as recovered and give its number of samples.

    0 when there is nothing to recover: its recorder has closed it in the meantime, or it was cut short before
    the first sample and is removed, unless its recorder may come back.
    """
    with transaction(connection):
        samples, last_arrival = connection.execute(
            "SELECT coalesce(sum(samples), 0), max(arrived_unix_s) FROM chunks "
            "JOIN streams ON streams.id = chunks.stream WHERE streams.session = ?",
            (session,),
        ).fetchone()
        if not samples:
            connection.execute(
                "DELETE FROM sessions WHERE id = ? AND state = ? AND started_unix_s <= ?",
                (session, SessionState.OPEN.value, time.time() - away_s if away_s else float("inf")),
            )
            return 0
        changed = connection.execute(
            "UPDATE sessions SET state = ?, ended_unix_s = coalesce(?, started_unix_s) "
            "WHERE id = ? AND state = ?",
            (SessionState.RECOVERED.value, last_arrival, session, SessionState.OPEN.value),
        ).rowcount
    return int(samples) if changed else 0
