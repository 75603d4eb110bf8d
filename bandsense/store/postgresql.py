"""Sessions on a PostgreSQL server: the same statements, other words for what goes wrong.

Everything of the store is in the schema `bandsense`, which `bandsense.store.clinics` makes. A login sees the
rows of its own clinic alone (row-level security; `migrations/postgresql` says how).

The claim on a session is an advisory lock of the connection that records it: it ends with the connection, so
with the process, and when the server notices that a cable was pulled. A recorder whose connection was lost
opens another, takes its claim again and writes what waited.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bandsense.errors import MissingExtra, StoreError
from bandsense.files import data_folder, private_folder
from bandsense.language import Message, mark
from bandsense.store.address import ServerAddress
from bandsense.store.backend import Cursor
from bandsense.store.database import SCHEMA_VERSION
from bandsense.store.model import SessionState

if TYPE_CHECKING:
    import psycopg

__all__ = ["Server", "ServerClaim", "ServerConnection", "server_connection"]

_CONNECT_TIMEOUT_S = 10
_LOCK_SPACE = 0x62616E64
"""First half of the advisory locks: "band"."""
_IDLE_S = 20.0
"""An idle connection is used again within this time; later it may be dead."""
_MOST_IDLE = 4
_AWAY_S = 3600.0

_KEEP_ALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A cable that was pulled is an error after 15 s on this side …"""
_OPTIONS = (
    "-c search_path=bandsense -c default_transaction_isolation=repeatable\\ read "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
"""… and the end of the claim after 25 s on the other."""

_REASONS = {
    "53100": mark(
        "the server's disk is full; free some space there and try again. What was stored before is safe"
    ),
    "53300": mark("the server has too many connections; close some programs, or raise its max_connections"),
    "25006": mark("it was opened for reading, or the server is a standby; name the one that is written"),
    "40001": mark("somebody else changed the same at the same moment; try again"),
    "40P01": mark("somebody else changed the same at the same moment; try again"),
    "23505": mark("somebody else added the same at the same moment; try again"),
    **dict.fromkeys(
        ("3F000", "42P01"),
        mark(
            "there is no store in this database; prepare it with "
            "`bandsense store init postgresql://OWNER@HOST/DATABASE --clinic NAME`"
        ),
    ),
    "3D000": mark("there is no such database on the server; `createdb` creates it"),
    "28P01": mark("the server does not take this password; put the right one into ~/.pgpass or PGPASSWORD"),
    "42501": mark("this login may not do that: {told}"),
}
_WORDS = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "does not exist": "3D000",
    "too many": "53300",
    "the database system is": "57P03",
    "not currently accepting connections": "57P03",
}
"""Where libpq gives no code: while a connection is opened."""
_BY_CLASS = {
    "08": mark("the server cannot be reached ({told}); check the network and the address"),
    "57": mark("the server is shutting down or starting ({told}); try again in a moment"),
}


class ServerConnection:
    """A connection that takes the statements of the store and raises a `StoreError` with what to do."""

    def __init__(self, address: ServerAddress, raw: psycopg.Connection[Any]) -> None:
        self._address = address
        self.raw = raw

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on a connection that stands."""
        from psycopg.pq import TransactionStatus

        return self.raw.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    @property
    def has_news(self) -> bool:
        """Whether the server has said something unasked, which is that it has ended the connection."""
        return bool(select.select([self.raw.fileno()], [], [], 0.0)[0])

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run a statement."""
        with _translating_errors(self._address):
            return self.raw.execute(_postgresql(statement), values or None)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement once for each row."""
        with _translating_errors(self._address), self.raw.cursor() as cursor:
            cursor.executemany(_postgresql(statement), rows)

    def close(self) -> None:
        """End the connection."""
        self.raw.close()


def _postgresql(statement: str) -> Any:
    """Turn a statement of the store into PostgreSQL's: it has no % and no ? in its texts."""
    return "BEGIN" if statement == "BEGIN IMMEDIATE" else statement.replace("?", "%s")


@contextmanager
def _translating_errors(address: ServerAddress) -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        told = (address.without_secrets(str(error)).strip().splitlines() or [type(error).__name__])[0]
        state = error.sqlstate or ""
        if not state and isinstance(error, psycopg.OperationalError):
            state = next((code for words, code in _WORDS.items() if words in told), "08000")
        words = _REASONS.get(state) or _BY_CLASS.get(state[:2], "{told}")
        reason = Message(words, told=told)
        raise StoreError(Message("the store {path}: {reason}", path=address, reason=reason)) from None


def server_connection(address: ServerAddress, *, reading: bool = False) -> ServerConnection:
    """Open a connection, which refuses every change if it is for reading.

    Raises:
        MissingExtra: the driver is not installed.
        StoreError: the server cannot be reached or refuses.
    """
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise MissingExtra(Message("a store on a PostgreSQL server"), "postgres") from error
    try:
        given = conninfo_to_dict(address.url)
    except psycopg.ProgrammingError:
        raise StoreError(
            Message(
                "{address} is not the address of a PostgreSQL database; that looks like "
                "postgresql://LOGIN@HOST/DATABASE, with the password in ~/.pgpass",
                address=address,
            )
        ) from None
    only = "-c default_transaction_read_only=on" if reading else ""
    given["options"] = f"{given.get('options') or ''} {_OPTIONS} {only}".strip()
    with _translating_errors(address):
        raw = psycopg.connect(
            **{"connect_timeout": _CONNECT_TIMEOUT_S, **_KEEP_ALIVE, **given},  # type: ignore[arg-type]
            autocommit=True,
        )
    return ServerConnection(address, raw)


class Server:
    """A clinic's sessions on a server, as a login may see them.

    Args:
        address: of a database that was prepared with `bandsense store init`.
        reading: look and change nothing.

    Attributes:
        place: the address.
        local: names what is kept on this computer while the server is away.
        identity: of this clinic's store, whatever its address.
        person: whose login this is; None: a colleague's.
        recorder_away_s: a recorder that lost its connection may come back within this time.

    Raises:
        MissingExtra: the driver is not installed.
        StoreError: the server cannot be reached, its store is another version's, or the login has no clinic.
    """

    def __init__(self, address: ServerAddress, *, reading: bool = False) -> None:
        self.place = address
        self.name = str(address)
        self.local = data_folder() / address.file_name
        with suppress(OSError):  # what the server cannot take goes elsewhere then
            private_folder(self.local.parent)
        self.recorder_away_s = _AWAY_S
        self.read_only = reading
        self.person: str | None = None
        self.identity = ""
        self._idle: list[tuple[float, ServerConnection]] = []
        self._lock = threading.Lock()
        with self.opened() as connection:
            self._require_known(connection)

    def _require_known(self, connection: ServerConnection) -> None:
        version, store, clinic, self.person = connection.execute(
            "SELECT version, id, my_clinic(), my_person() FROM store"
        ).fetchone()
        self.identity = f"{store}/{clinic}"
        if version > SCHEMA_VERSION:
            raise StoreError(
                Message(
                    "the store {name} was made by a newer bandsense (schema {version}, this one "
                    "knows {schema_version}); update bandsense",
                    name=self.name,
                    version=version,
                    schema_version=SCHEMA_VERSION,
                )
            )
        if version < SCHEMA_VERSION:
            raise StoreError(
                Message(
                    "the store {name} is older than this bandsense; ask whoever looks after it to run "
                    "`bandsense store init postgresql://OWNER@HOST/DATABASE --clinic NAME`",
                    name=self.name,
                )
            )
        if clinic is None:
            raise StoreError(
                Message(
                    "this login belongs to no clinic of the store {name}; ask whoever looks after it to "
                    "run `bandsense store init postgresql://OWNER@HOST/DATABASE --clinic NAME --login LOGIN`",
                    name=self.name,
                )
            )

    @contextmanager
    def opened(self) -> Iterator[ServerConnection]:
        """Yield a connection for the body; one that is good as new is kept for the next.

        Raises:
            StoreError: the server cannot be used.
        """
        connection = self.take()
        try:
            yield connection
        finally:
            self.give_back(connection)

    def take(self) -> ServerConnection:
        """Return a connection that nobody else uses.

        Raises:
            StoreError: the server cannot be reached or refuses.
        """
        with self._lock:
            while self._idle:
                since_s, connection = self._idle.pop()
                if time.monotonic() < since_s + _IDLE_S and not connection.has_news:
                    return connection
                connection.close()
        return server_connection(self.place, reading=self.read_only)

    def give_back(self, connection: ServerConnection) -> None:
        """Keep a connection for the next who needs one, or close it."""
        from psycopg.pq import TransactionStatus

        with self._lock:
            if (
                connection.raw.info.transaction_status is TransactionStatus.IDLE
                and len(self._idle) < _MOST_IDLE
            ):
                self._idle.append((time.monotonic(), connection))
            else:
                connection.close()

    def claim(self, session: int) -> ServerClaim | None:
        """Take the claim on a session, or None where another recorder holds it."""
        claim = ServerClaim(self, session)
        return claim if claim.take() else None


class ServerClaim:
    """The right to record a session: an advisory lock of the connection that writes it."""

    def __init__(self, server: Server, session: int) -> None:
        self.local = server.local
        self.name = server.name
        self._server = server
        self._session = session
        self._connection: ServerConnection | None = None

    def take(self) -> bool:
        """Try to take it; False where another recorder holds it."""
        self._connection = self._locked()
        return self._connection is not None

    def _locked(self) -> ServerConnection | None:
        connection = self._server.take()
        with ExitStack() as otherwise:
            otherwise.callback(self._server.give_back, connection)
            ((held,),) = connection.execute(
                "SELECT pg_try_advisory_lock(?, ?)", (_LOCK_SPACE, self._session % 2**31)
            ).fetchall()
            if not held:
                return None
            otherwise.pop_all()
        return connection

    def connection(self) -> ServerConnection:
        """Return the connection; where it was lost, another, with the claim taken again.

        Raises:
            StoreError: the server cannot be reached, or somebody else holds the claim.
        """
        if self._connection is None:
            connection = self._locked()
            if connection is None:
                raise StoreError(
                    Message("the store {name} still waits for the connection that was lost", name=self.name)
                )
            self._connection = connection
            # Others may have taken the session for cut short while its recorder was away.
            connection.execute(
                "UPDATE sessions SET state = ?, ended_unix_s = NULL WHERE id = ? AND state = ?",
                (SessionState.OPEN.value, self._session, SessionState.RECOVERED.value),
            )
        return self._connection

    def committed(self) -> None:
        """Do nothing: a server looks after its own files."""

    def failed(self, error: StoreError) -> bool:
        """Give up a connection that does not stand any more; its last commit may have succeeded."""
        if self._connection is None or not self._connection.raw.closed:
            return False
        self.release()
        return True

    def disconnect(self) -> None:
        """Do nothing: the claim is the connection's."""

    def release(self) -> None:
        """Give the claim back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
