"""JSON in the store: read as it was written, or said to be damaged."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Literal

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.store.backend import Backend, Connection, transaction
from bandsense.store.model import JsonObject

__all__ = ["DocumentTable", "json_object", "readable_object"]

_SET_ASIDE = " (damaged"


def json_object(text: str) -> JsonObject:
    """Return the JSON object of a text.

    Raises:
        StoreError: it is none.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(Message("a stored text is damaged: {error}", error=error)) from None
    if not isinstance(data, dict):
        raise StoreError(Message("a stored text is damaged: it is no JSON object"))
    return data


def readable_object(text: object) -> JsonObject | None:
    """Return the JSON object of a text, or None where it is damaged."""
    if isinstance(text, str):
        with suppress(StoreError):
            return json_object(text)
    return None


class DocumentTable:
    """Documents of one kind (people, bands or sensors) by identity.

    One that is damaged is passed over. It is kept when another is put in its place, under its identity with
    "(damaged)" behind it.
    """

    def __init__(self, database: Backend, table: Literal["people", "bands", "sensors"]) -> None:
        self._database = database
        self._table = table

    def put(self, key: str, data: JsonObject) -> None:
        """Keep a document, replacing the one of the same identity."""
        text = json.dumps(data)
        with self._database.opened() as connection, transaction(connection):
            old = connection.execute(f"SELECT data FROM {self._table} WHERE id = ?", (key,)).fetchone()  # noqa: S608
            if old is not None and readable_object(old[0]) is None:
                self._rename(connection, key)
            changed = connection.execute(f"UPDATE {self._table} SET data = ? WHERE id = ?", (text, key))  # noqa: S608
            if not changed.rowcount:
                connection.execute(f"INSERT INTO {self._table} VALUES (?, ?)", (key, text))  # noqa: S608

    def get(self, key: str) -> JsonObject | None:
        """Return the document of that identity; None where there is none, or it is damaged."""
        with self._database.opened() as connection:
            row = connection.execute(f"SELECT data FROM {self._table} WHERE id = ?", (key,)).fetchone()  # noqa: S608
        return None if row is None else readable_object(row[0])

    def all(self) -> dict[str, JsonObject]:
        """Return every document that can be read by identity, in the order of the identities."""
        documents = {key: readable_object(text) for key, text in self._rows()}
        return {key: data for key, data in documents.items() if data is not None and _SET_ASIDE not in key}

    def damaged(self) -> list[str]:
        """Return the identities of the documents that cannot be read, or were set aside."""
        return [key for key, text in self._rows() if _SET_ASIDE in key or readable_object(text) is None]

    def set_aside(self, key: str) -> None:
        """Pass over a document from now on, without losing it: what it says makes no sense to its readers."""
        with self._database.opened() as connection, transaction(connection):
            self._rename(connection, key)

    def remove(self, key: str) -> bool:
        """Forget a document; False when there was none."""
        with self._database.opened() as connection, transaction(connection):
            return (
                connection.execute(f"DELETE FROM {self._table} WHERE id = ?", (key,)).rowcount > 0  # noqa: S608
            )

    def _rows(self) -> list[tuple[str, object]]:
        with self._database.opened() as connection:
            rows = connection.execute(f"SELECT id, data FROM {self._table} ORDER BY id").fetchall()  # noqa: S608
        return [(str(key), text) for key, text in rows]

    def _rename(self, connection: Connection, key: str) -> None:
        taken = {row[0] for row in connection.execute(f"SELECT id FROM {self._table}")}  # noqa: S608
        number = next(n for n in range(1, len(taken) + 2) if f"{key}{_SET_ASIDE} {n})" not in taken)
        connection.execute(
            f"UPDATE {self._table} SET id = ? WHERE id = ?",  # noqa: S608
            (f"{key}{_SET_ASIDE} {number})", key),
        )
