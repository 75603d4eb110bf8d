"""A store's sessions and profiles, brought to a server: again and again, from several computers.

Everything is compared three ways: as it is here, as it is there, and as it was when both were last the same
(table `pushed`, kept here). What was changed on one side only is no question; what was changed on both is
told and left alone on both.

    here   there   last time │
    new    –       –         │ sent
    A      A       any       │ the same
    B      A       A         │ changed there too
    A      B       A         │ left alone: it was changed there
    B      C       A         │ a conflict
    any    –       A         │ left alone: it was deleted there for good

Items are documents, sessions, and the sensors' parts of sessions (which a merge moves to another one). A
session and its parts go in one transaction; afterwards it is noted here. A push that is cut off in between
finds at the next one that both are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.store.backend import Connection, transaction
from bandsense.store.model import SessionState
from bandsense.store.postgresql import Server
from bandsense.store.store import Store
from bandsense.store.waiting import INSERT

__all__ = ["Outcome", "Pushed", "push"]

Outcome = Literal["sent", "changed", "same", "conflict", "changed there", "deleted there"]
Kind = Literal["person", "band", "sensor", "session", "part"]

_TABLES: Mapping[str, Kind] = {"people": "person", "bands": "band", "sensors": "sensor"}
_KEPT = ("started_unix_s", "source", "software")
_CHANGED = ("ended_unix_s", "state", "person", "exercise", "summary", "band", "binned_unix_s")
_FIELDS = (*_KEPT, *_CHANGED)
_AT_ONCE = 400
"""Identities in one question, and rows in one answer."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of one session or document.

    Attributes:
        name: of the session its number here.
        samples: how many were sent.
    """

    kind: Kind
    name: str
    outcome: Outcome
    samples: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """A session, a part of one, or a document, on one side."""

    id: int | str
    digest: str
    values: tuple[Any, ...] = ()


@dataclass(slots=True)
class _Side:
    """Everything on one side, by identity."""

    sessions: dict[str, _Item] = field(default_factory=dict)
    parts: dict[str, _Item] = field(default_factory=dict)
    """`values` holds the identity of the session."""
    documents: dict[tuple[Kind, str], _Item] = field(default_factory=dict)


def push(
    source: Store, address: Store, *, overwrite: bool = False, progress: Callable[[float], None] | None = None
) -> Iterator[Pushed]:
    """Bring what is new or changed in a store to a server; yields each session and document as it is done.

    Args:
        source: a store on this computer.
        address: one on a server.
        overwrite: in a conflict, what is here takes the place of what is there.
        progress: told the share that is done.

    Raises:
        StoreError: one of the two cannot be used, or the server refuses something. What was done stays done.
    """
    server = address.database
    if not isinstance(server, Server):
        raise StoreError(
            Message("{server} is not a server; sessions are pushed to postgresql://…", server=server.name)
        )
    return _Push(source, server, overwrite).run(progress or (lambda _share: None))


class _Push:
    def __init__(self, source: Store, server: Server, overwrite: bool) -> None:
        self._source = source
        self._server = server
        self._overwrite = overwrite
        self._bases: dict[tuple[str, str], str] = {}

    def run(self, progress: Callable[[float], None]) -> Iterator[Pushed]:
        with self._source.database.opened() as here, self._server.opened() as there:
            self._bases = {
                (kind, item): digest
                for kind, item, digest in here.execute(
                    "SELECT kind, item, digest FROM pushed WHERE target = ?", (self._server.identity,)
                )
            }
            ours = _read(here, None)
            self._leave_out_others(ours)
            theirs = _read(there, ours)
            units = self._units(ours, theirs)
            whole = max(1, len(ours.documents) + len(units))
            done = 0
            for (kind, key), document in ours.documents.items():
                yield self._document(here, there, kind, key, document, theirs.documents.get((kind, key)))
                progress((done := done + 1) / whole)
            for identity, parts in units.items():
                yield self._session(here, there, identity, parts, ours, theirs)
                progress((done := done + 1) / whole)

    def _leave_out_others(self, ours: _Side) -> None:
        """Push a person's login nothing but what is the person's: the server would refuse the rest."""
        person = self._server.person
        if person is None:
            return
        place = _FIELDS.index("person")
        ours.sessions = {key: item for key, item in ours.sessions.items() if item.values[place] == person}
        ours.parts = {key: part for key, part in ours.parts.items() if part.values[0] in ours.sessions}
        ours.documents = {key: item for key, item in ours.documents.items() if key == ("person", person)}

    def _units(self, ours: _Side, theirs: _Side) -> dict[str, list[str]]:
        """Return the sessions with their parts; one that was deleted before it was ever sent is none."""
        place = _FIELDS.index("binned_unix_s")
        units: dict[str, list[str]] = {
            identity: []
            for identity, item in ours.sessions.items()
            if item.values[place] is None
            or identity in theirs.sessions
            or ("session", identity) in self._bases
        }
        for identity, part in ours.parts.items():
            if part.values[0] in units:
                units[part.values[0]].append(identity)
        return units

    def _compare(self, kind: Kind, key: str, ours: _Item, theirs: _Item | None) -> Outcome:
        base = self._bases.get((kind, key))
        if theirs is None:
            return "sent" if base is None or self._overwrite else "deleted there"
        if ours.digest == theirs.digest:
            return "same"
        if base == theirs.digest or self._overwrite:
            return "changed"
        return "changed there" if base == ours.digest else "conflict"

    def _note(self, here: Connection, items: Iterable[tuple[Kind, str, str]]) -> None:
        """Keep how both sides are now."""
        new = [each for each in items if self._bases.get(each[:2]) != each[2]]
        if not new or self._source.database.read_only:
            return
        with transaction(here):
            for kind, key, digest in new:
                row = (self._server.identity, kind, key)
                here.execute("DELETE FROM pushed WHERE target = ? AND kind = ? AND item = ?", row)
                here.execute("INSERT INTO pushed VALUES (?, ?, ?, ?)", (*row, digest))

    def _document(
        self, here: Connection, there: Connection, kind: Kind, key: str, ours: _Item, theirs: _Item | None
    ) -> Pushed:
        outcome = self._compare(kind, key, ours, theirs)
        table = next(name for name, each in _TABLES.items() if each == kind)
        if outcome == "sent":
            there.execute(f"INSERT INTO {table} (id, data) VALUES (?, ?)", (key, *ours.values))  # noqa: S608
        elif outcome == "changed":
            there.execute(f"UPDATE {table} SET data = ? WHERE id = ?", (*ours.values, key))  # noqa: S608
        if outcome in ("sent", "changed", "same"):
            self._note(here, [(kind, key, ours.digest)])
        return Pushed(kind, key, outcome)

    def _session(
        self,
        here: Connection,
        there: Connection,
        identity: str,
        parts: Sequence[str],
        ours: _Side,
        theirs: _Side,
    ) -> Pushed:
        session = ours.sessions[identity]
        outcomes: dict[tuple[Kind, str], Outcome] = {
            ("session", identity): self._compare("session", identity, session, theirs.sessions.get(identity))
        }
        for part in parts:
            outcomes["part", part] = self._compare("part", part, ours.parts[part], theirs.parts.get(part))
        told = _of_all(outcomes.values())
        if told in ("conflict", "deleted there"):
            return Pushed("session", str(session.id), told)
        samples = 0
        if told in ("sent", "changed"):
            with transaction(there):
                number = _put_session(there, identity, session, outcomes["session", identity])
                for part in parts:
                    samples += _put_part(here, there, part, ours.parts[part], outcomes["part", part], number)
        digests = {
            ("session", identity): session.digest,
            **{("part", p): ours.parts[p].digest for p in parts},
        }
        agreed = [key for key, outcome in outcomes.items() if outcome in ("sent", "changed", "same")]
        self._note(here, [(*key, digests[key]) for key in agreed])
        return Pushed("session", str(session.id), told, samples)


def _of_all(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what is to be told of a session by what comes of it and its parts."""
    found = Counter(outcomes)
    order: tuple[Outcome, ...] = ("conflict", "deleted there", "sent", "changed", "changed there", "same")
    worst = next(outcome for outcome in order if found[outcome])
    return "changed" if worst == "sent" and found.total() > found["sent"] else worst


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def _read(connection: Connection, like: _Side | None) -> _Side:
    """Read one side, or what of it is also in `like`; sessions that are being recorded are left out."""
    side = _Side()
    fields = ", ".join(_FIELDS)
    for where, values in _asked("identity", None if like is None else list(like.sessions)):
        for number, identity, *row in connection.execute(
            f"SELECT id, identity, {fields} FROM sessions WHERE state <> ? AND {where} ORDER BY id",  # noqa: S608
            (SessionState.OPEN.value, *values),
        ):
            side.sessions[identity] = _Item(number, _digest(row), tuple(row))
    for where, values in _asked("streams.identity", None if like is None else list(like.parts)):
        _read_parts(connection, side, where, values)
    for table, kind in _TABLES.items():
        for key, data in connection.execute(f"SELECT id, data FROM {table} ORDER BY id"):  # noqa: S608
            side.documents[kind, key] = _Item(key, _digest(_parsed(data)), (data,))
    return side


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read_parts(connection: Connection, side: _Side, where: str, values: Sequence[Any]) -> None:
    inputs: dict[int, list[Any]] = {}
    analyses: dict[int, list[str]] = {}
    of_those = f"stream IN (SELECT id FROM streams WHERE {where})"  # noqa: S608
    for stream, *row in connection.execute(
        f"SELECT stream, number, after_samples, kind, data FROM inputs WHERE {of_those} "  # noqa: S608
        "ORDER BY stream, number",
        values,
    ):
        inputs.setdefault(stream, []).append(row)
    for stream, digest in connection.execute(
        f"SELECT stream, digest FROM analyses WHERE {of_those}",  # noqa: S608
        values,
    ):
        analyses.setdefault(stream, []).append(digest)
    for number, identity, session, state in connection.execute(
        "SELECT streams.id, streams.identity, sessions.identity, state FROM streams "  # noqa: S608
        f"JOIN sessions ON sessions.id = session WHERE {where} ORDER BY streams.id",
        values,
    ):
        if state != SessionState.OPEN.value:
            held = [session, inputs.get(number, []), sorted(analyses.get(number, []))]
            side.parts[identity] = _Item(number, _digest(held), (session,))


def _asked(column: str, identities: Sequence[str] | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield conditions that hold for some of the identities each; for all rows where none are named."""
    if identities is None:
        yield "1 = 1", ()
        return
    for start in range(0, len(identities), _AT_ONCE):
        some = tuple(identities[start : start + _AT_ONCE])
        yield f"{column} IN ({', '.join('?' * len(some))})", some


def _put_session(there: Connection, identity: str, session: _Item, outcome: Outcome) -> int:
    """Send the session's own row where it is new or changed, and return its number there."""
    if outcome == "sent":
        names = ", ".join((*_FIELDS, "identity"))
        marks = ", ".join("?" * (len(_FIELDS) + 1))
        row = there.execute(
            f"INSERT INTO sessions ({names}) VALUES ({marks}) RETURNING id",  # noqa: S608
            (*session.values, identity),
        ).fetchone()
    else:
        if outcome == "changed":
            there.execute(
                f"UPDATE sessions SET {', '.join(f'{name} = ?' for name in _CHANGED)} WHERE identity = ?",  # noqa: S608
                (*session.values[len(_KEPT) :], identity),
            )
        row = there.execute("SELECT id FROM sessions WHERE identity = ?", (identity,)).fetchone()
    if row is None:
        raise StoreError(Message("a session was deleted there meanwhile; push again"))
    return int(row[0])


def _put_part(
    here: Connection, there: Connection, identity: str, part: _Item, outcome: Outcome, session: int
) -> int:
    """Send a part of a session where it is new or changed; gives how many samples that were."""
    if outcome == "sent":
        values = here.execute(
            "SELECT sensor, side, unit, settings FROM streams WHERE id = ?", (part.id,)
        ).fetchone()
        ((number,),) = there.execute(
            "INSERT INTO streams (session, sensor, side, unit, settings, identity) "
            "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (session, *values, identity),
        ).fetchall()
        for table in ("chunks", "inputs", "events", "sets", "analyses"):
            _copy_rows(here, there, table, part.id, number)
        return _require_all(here, there, part.id, number)
    if outcome == "changed":
        ((number,),) = there.execute("SELECT id FROM streams WHERE identity = ?", (identity,)).fetchall()
        there.execute("UPDATE streams SET session = ? WHERE id = ?", (session, number))
        _copy_rows(here, there, "inputs", part.id, number)
        _copy_rows(here, there, "analyses", part.id, number)
    return 0


def _copy_rows(here: Connection, there: Connection, table: str, source: int | str, target: int) -> None:
    """Copy the rows of a part that are not there yet."""
    how = INSERT.get(table, "analyses VALUES (?, ?, ?, ?, ?, ?, ?)")
    rows = here.execute(f"SELECT * FROM {table} WHERE stream = ?", (source,))  # noqa: S608
    batch: list[tuple[Any, ...]] = []
    for _, *values in rows:
        batch.append((target, *values))
        if len(batch) == _AT_ONCE:
            there.executemany(f"INSERT INTO {how} ON CONFLICT DO NOTHING", batch)
            batch.clear()
    if batch:
        there.executemany(f"INSERT INTO {how} ON CONFLICT DO NOTHING", batch)


def _require_all(here: Connection, there: Connection, source: int | str, target: int) -> int:
    """Count what was sent on both sides, before it is committed."""
    counts = [
        connection.execute(
            "SELECT count(*), coalesce(sum(samples), 0), coalesce(sum(length(data)), 0) FROM chunks "
            "WHERE stream = ?",
            (stream,),
        ).fetchone()
        for connection, stream in ((here, source), (there, target))
    ]
    if tuple(map(int, counts[0])) != tuple(map(int, counts[1])):
        raise StoreError(
            Message(
                "the server did not store what was sent; nothing of this session was kept there. Push again"
            )
        )
    return int(counts[0][1])
