"""What can be read of a damaged store, in a new one.

All pages of the file and of its log are looked through, so that no damage hides what lies elsewhere. A row
belongs to the table that its page belongs to; where that is lost, to the one table that it fits. What is
damaged itself is left out and counted: it is never made up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks
from bandsense.store.backend import transaction
from bandsense.store.database import connect, migrate, translating_errors
from bandsense.store.documents import readable_object
from bandsense.store.model import SessionState
from bandsense.store.pages import Pages, Row, Value, read_pages, rows_of, tables_of

__all__ = ["Rescued", "rescue"]

_DOCUMENTS = ("people", "bands", "sensors")
_OF_STREAMS = ("chunks", "inputs", "events", "sets")
_PERSON, _BAND = {"setups"}, {"brand", "colour", "strands", "cycles"}


@dataclass(frozen=True, slots=True)
class Rescued:
    """What came of it.

    Attributes:
        rows: how many rows of each table are in the new store.
        samples: how many samples these are.
        damaged_pieces: pieces of raw data that are damaged; a gap is marked where they were.
        damaged_frames: pages of the log that are damaged.
        lost: rows that are damaged, or fit no table or more than one.
    """

    path: Path
    rows: Mapping[str, int]
    samples: int
    damaged_pieces: int
    damaged_frames: int
    lost: int


def rescue(source: Path, target: Path) -> Rescued:
    """Write what can be read of the store `source` and the log beside it to a new store `target`.

    Raises:
        StoreError: the source cannot be read or holds nothing, or the target exists or cannot be written.
    """
    if target.exists():
        raise StoreError(Message("{target} exists already; name another file", target=target))
    try:
        pages = read_pages(source)
    except OSError as error:
        raise StoreError(
            Message("the store {source} cannot be read: {error}", source=source, error=error)
        ) from error
    with translating_errors(target), closing(connect(target)) as connection:
        migrate(connection, None)
        schema = _Schema(connection)
        found, lost = _rows(pages, schema)
        if not any(found.values()):
            connection.close()
            target.unlink()
            raise StoreError(
                Message("nothing of a store can be read from {source}; it stays as it is", source=source)
            )
        pieces = _Pieces(found, len(schema.columns["sessions"]))
        with transaction(connection):
            for table in found:
                for row in found[table].values():
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608
        rows = {table: len(found[table]) for table in found if found[table]}
    return Rescued(target, rows, pieces.samples, pieces.damaged, pages.damaged_frames, lost)


class _Schema:
    """The tables of a store, by what their columns may hold."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        ).fetchall()
        self.columns = {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names
        }
        self._numbered = {
            name
            for name, columns in self.columns.items()
            if [column[2] for column in columns if column[5]] == ["INTEGER"]
        }
        """Tables whose key is the row's number, which is not written a second time."""

    def fits(self, table: str, row: Row) -> bool:
        """Tell whether a row could be one of a table; columns that were added later may be missing."""
        columns = self.columns[table]
        required = 1 + max((n for n, column in enumerate(columns) if column[3] or column[5]), default=0)
        if not required <= len(row.values) <= len(columns):
            return False
        return all(
            value is None if column[5] and table in self._numbered else _may_hold(column, value)
            for column, value in zip(columns, row.values, strict=False)
        )

    def complete(self, table: str, row: Row) -> tuple[Value, ...]:
        """Return a row with its number in the place of it, and nothing in columns that were added later."""
        columns = self.columns[table]
        values = list(row.values) + [None] * (len(columns) - len(row.values))
        for place, column in enumerate(columns):
            if column[5] and table in self._numbered:
                values[place] = row.rowid
            if column[2] == "REAL" and isinstance(values[place], int):
                values[place] = float(values[place])  # type: ignore[arg-type] # SQLite writes whole numbers short
        return tuple(values)

    def key(self, table: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Return what tells a row from the others of its table."""
        return tuple(value for value, column in zip(values, self.columns[table], strict=True) if column[5])


def _may_hold(column: tuple[object, ...], value: Value) -> bool:
    _, _, kind, not_null, _, _ = column
    if value is None:
        return not not_null
    if kind == "INTEGER":
        return isinstance(value, int)
    if kind == "REAL":
        return isinstance(value, int | float)
    return isinstance(value, bytes if kind == "BLOB" else str)


Found = dict[str, dict[tuple[Value, ...], tuple[Value, ...]]]


def _rows(pages: Pages, schema: _Schema) -> tuple[Found, int]:
    """Return the newest version of each row by table and key, and how many are damaged or placeless."""
    tables = tables_of(pages)
    lost = 0
    found: Found = {table: {} for table in schema.columns}
    for number, row in rows_of(pages):
        if row is None:
            lost += 1
            continue
        table = tables.get(number) or _fitting(schema, row)
        if table is None or (table in schema.columns and not schema.fits(table, row)):
            lost += 1
            continue
        if table not in schema.columns:
            continue
        values = schema.complete(table, row)
        found[table][schema.key(table, values)] = values
    return found, lost


def _fitting(schema: _Schema, row: Row) -> str | None:
    """Return the one table that a row fits, or None."""
    fitting = [table for table in schema.columns if schema.fits(table, row)]
    if set(fitting) >= set(_DOCUMENTS):
        text = row.values[1]
        data = readable_object(text)
        if data is None or row.values[0] == "sqlite_sequence":
            return None
        return "people" if _PERSON & set(data) else "bands" if _BAND & set(data) else "sensors"
    if fitting == ["sessions"] and row.values[3] not in {state.value for state in SessionState}:
        return None
    return fitting[0] if len(fitting) == 1 else None


class _Pieces:
    """Raw data and what hangs on them, made whole: damaged pieces out, gaps marked, lost parents replaced."""

    def __init__(self, found: Found, session_columns: int) -> None:
        self.samples = self.damaged = 0
        self._found = found
        self._later_columns = session_columns - 8
        by_stream: dict[int, list[tuple[Value, ...]]] = {}
        for _, row in sorted(found["chunks"].items()):
            by_stream.setdefault(_whole(row[0]), []).append(row)
        for stream, rows in by_stream.items():
            self._mend(stream, rows, found["streams"].get((stream,)))
        self._replace_parents()

    def _mend(self, stream: int, rows: list[tuple[Value, ...]], parent: tuple[Value, ...] | None) -> None:
        known = parent is not None and parent[4] in {unit.value for unit in Unit}
        unit = Unit(parent[4]) if parent is not None and known else Unit.COUNT
        expected, done, last_s = 0, 0, float("-inf")
        missing: list[tuple[int, int]] = []
        for row in rows:
            number, samples = _whole(row[1]), _whole(row[2])
            block = _block(row[6], unit, samples, last_s)
            if block is None:
                self.damaged += 1
                del self._found["chunks"][stream, number]
                missing.append((done + sum(lost for _, lost in missing), samples))
                continue
            if number != expected:
                block = replace(block, gap_before=np.concatenate(([True], block.gap_before[1:])))
                self._found["chunks"][stream, number] = (*row[:6], chunks.encode(block))
            expected = number + 1
            done += len(block)
            last_s = float(block.time_s[-1])
        self.samples += done
        if missing:
            self._shift_inputs(stream, missing)

    def _shift_inputs(self, stream: int, shifts: list[tuple[int, int]]) -> None:
        """Bring inputs to their place between the samples that are left."""
        for key, row in list(self._found["inputs"].items()):
            if row[0] == stream and isinstance(row[2], int):
                lost = sum(min(samples, max(0, row[2] - at)) for at, samples in shifts)
                self._found["inputs"][key] = (*row[:2], row[2] - lost, *row[3:])

    def _replace_parents(self) -> None:
        """Give raw data whose sensor or session is lost new ones, which say so."""
        sessions, streams = self._found["sessions"], self._found["streams"]
        number = max((_whole(key[0]) for key in sessions), default=0)
        orphans = {row[0] for table in _OF_STREAMS for row in self._found[table].values()}
        for stream in sorted(_whole(each) for each in orphans if (each,) not in streams):
            number += 1
            streams[stream,] = (stream, number, "unknown", None, Unit.COUNT.value, "lost", None)
        began_s = {row[0]: row[5] for _, row in sorted(self._found["chunks"].items(), reverse=True)}
        for row in streams.values():
            if (row[1],) not in sessions:
                session = (row[1], began_s.get(row[0], 0.0), None, SessionState.RECOVERED.value, "rescued")
                sessions[row[1],] = (*session, None, None, "unknown", *[None] * self._later_columns)


def _whole(value: Value) -> int:
    """Return a number of the schema's keys, which are checked to be whole."""
    return value if isinstance(value, int) else 0


def _block(data: Value, unit: Unit, samples: int, after_s: float) -> SampleBlock | None:
    """Return a piece of raw data that is whole and follows the one before; else None."""
    try:
        block = chunks.decode(data if isinstance(data, bytes) else b"", unit)
    except StoreError:
        return None
    if not len(block) or len(block) != samples or float(block.time_s[0]) <= after_s:
        return None
    return block
