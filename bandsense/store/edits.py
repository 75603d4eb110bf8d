"""Changes to stored sessions, each of which can be undone, the last one first. Samples are never changed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.store.backend import Backend, Connection, transaction
from bandsense.store.documents import json_object
from bandsense.store.model import JsonObject

__all__ = ["Edit", "Edits", "bin_session", "note_edit"]

Field = Literal["person", "exercise", "band"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that was made.

    Attributes:
        kind: `set`, `merge`, `split` or `delete`.
        sessions: numbers of the sessions that it is about.
    """

    kind: str
    made_unix_s: float
    sessions: tuple[int, ...]


class Edits:
    """Changes the sessions of a store and keeps how they were before.

    Every method but `last` raises a `StoreError` where the store cannot be written, or nothing can be done.
    """

    def __init__(self, database: Backend) -> None:
        self._database = database

    def last(self) -> Edit | None:
        """Return the change that `undo` would undo; None where there is none."""
        with self._database.opened() as connection:
            row = connection.execute(
                "SELECT kind, made_unix_s, data FROM edits ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return None if row is None else _edit(*row)

    def set_fields(self, session: int, values: dict[Field, str | None]) -> bool:
        """Say that a session is another person's, or of another exercise or band.

        Returns:
            whether that changed anything; what did not is nothing to undo.
        """
        with self._database.opened() as connection, transaction(connection):
            before = {}
            for name, value in values.items():
                row = connection.execute(f"SELECT {name} FROM sessions WHERE id = ?", (session,)).fetchone()  # noqa: S608
                if row is None:
                    raise StoreError(
                        Message(
                            "there is no session {session}; `bandsense sessions` lists them", session=session
                        )
                    )
                if row[0] == value:
                    continue
                before[name] = row[0]
                connection.execute(f"UPDATE sessions SET {name} = ? WHERE id = ?", (value, session))  # noqa: S608
            if before:
                note_edit(connection, "set", {"session": session, "before": before})
        return bool(before)

    def merge(self, sessions: Sequence[int], summary: JsonObject) -> None:
        """Put the sensors' parts of several sessions into the first; the others go into the bin.

        Args:
            sessions: at least two numbers; the parts stay in the order of these.
            summary: of all of it.
        """
        into, *others = sessions
        with self._database.opened() as connection, transaction(connection):
            old, ended = connection.execute(
                "SELECT summary, ended_unix_s FROM sessions WHERE id = ?", (into,)
            ).fetchone()
            moved = {}
            for other in others:
                rows = connection.execute("SELECT id FROM streams WHERE session = ?", (other,)).fetchall()
                moved[other] = [row[0] for row in rows]
                connection.execute("UPDATE streams SET session = ? WHERE session = ?", (into, other))
                bin_session(connection, other)
            last = connection.execute(
                f"SELECT max(ended_unix_s) FROM sessions WHERE id IN ({', '.join('?' * len(sessions))})",  # noqa: S608
                tuple(sessions),
            ).fetchone()[0]
            connection.execute(
                "UPDATE sessions SET summary = ?, ended_unix_s = ? WHERE id = ?",
                (json.dumps(summary), last, into),
            )
            data = {"session": into, "summary": old, "ended_unix_s": ended, "moved": moved}
            note_edit(connection, "merge", data)

    def note_split(self, session: int, parts: Sequence[int]) -> None:
        """Put a session into the bin whose two parts are sessions of their own now."""
        with self._database.opened() as connection, transaction(connection):
            bin_session(connection, session)
            note_edit(connection, "split", {"session": session, "parts": list(parts)})

    def undo(self) -> Edit:
        """Undo the last change, and return what it was."""
        with self._database.opened() as connection, transaction(connection):
            row = connection.execute(
                "SELECT id, kind, made_unix_s, data FROM edits ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row is None:
                raise StoreError(Message("there is nothing to undo"))
            number, kind, made_unix_s, text = row
            data = json_object(text)
            {"set": _unset, "merge": _unmerge, "split": _unsplit, "delete": _unbin}[kind](connection, data)
            connection.execute("DELETE FROM edits WHERE id = ?", (number,))
        return _edit(kind, made_unix_s, text)

    def empty_bin(self) -> int:
        """Remove what is in the bin for good, with all that could be undone; gives how many it were."""
        with self._database.opened() as connection, transaction(connection):
            connection.execute("DELETE FROM edits")
            return connection.execute("DELETE FROM sessions WHERE binned_unix_s IS NOT NULL").rowcount

    def remove_person(self, person: str) -> int:
        """Remove a person for good: profile, sessions, those in the bin too, and changes that name them.

        Returns:
            how many sessions these were.

        Raises:
            StoreError: one of the sessions is being recorded; nothing is removed.
        """
        with self._database.opened() as connection, transaction(connection):
            rows = connection.execute("SELECT id, state FROM sessions WHERE person = ?", (person,)).fetchall()
            for session, state in rows:
                if state == "open":
                    raise StoreError(
                        Message("session {session} is being recorded; end it first", session=session)
                    )
            gone = {session for session, _state in rows}
            for number, text in connection.execute("SELECT id, data FROM edits").fetchall():
                data = json_object(text)
                was = (data.get("before") or {}).get("person")
                if was == person or gone.intersection(_edit("", 0.0, text).sessions):
                    connection.execute("DELETE FROM edits WHERE id = ?", (number,))
            connection.execute("DELETE FROM sessions WHERE person = ?", (person,))
            connection.execute("DELETE FROM people WHERE id = ?", (person,))
            connection.execute("DELETE FROM pushed WHERE kind = 'person' AND item = ?", (person,))
        return len(gone)


def bin_session(connection: Connection, session: int) -> None:
    """Put a session into the bin."""
    connection.execute("UPDATE sessions SET binned_unix_s = ? WHERE id = ?", (time.time(), session))


def note_edit(connection: Connection, kind: str, data: JsonObject) -> None:
    """Keep how it was before a change, within the transaction that makes it."""
    connection.execute(
        "INSERT INTO edits (made_unix_s, kind, data) VALUES (?, ?, ?)", (time.time(), kind, json.dumps(data))
    )


def _edit(kind: str, made_unix_s: float, text: str) -> Edit:
    data = json_object(text)
    others = [int(number) for number in data.get("moved", ())] or data.get("parts", [])
    return Edit(kind, made_unix_s, (int(data["session"]), *others))


def _unset(connection: Connection, data: JsonObject) -> None:
    for name, value in data["before"].items():
        if name in ("person", "exercise", "band"):
            connection.execute(f"UPDATE sessions SET {name} = ? WHERE id = ?", (value, data["session"]))  # noqa: S608


def _unbin(connection: Connection, data: JsonObject) -> None:
    changed = connection.execute("UPDATE sessions SET binned_unix_s = NULL WHERE id = ?", (data["session"],))
    if not changed.rowcount:
        raise StoreError(Message("session {session} is gone for good", session=data["session"]))


def _unmerge(connection: Connection, data: JsonObject) -> None:
    for other, streams in data["moved"].items():
        for stream in streams:
            connection.execute("UPDATE streams SET session = ? WHERE id = ?", (int(other), stream))
        connection.execute("UPDATE sessions SET binned_unix_s = NULL WHERE id = ?", (int(other),))
    connection.execute(
        "UPDATE sessions SET summary = ?, ended_unix_s = ? WHERE id = ?",
        (data["summary"], data["ended_unix_s"], data["session"]),
    )


def _unsplit(connection: Connection, data: JsonObject) -> None:
    for part in data["parts"]:
        connection.execute("DELETE FROM sessions WHERE id = ?", (part,))
    _unbin(connection, data)
