"""What the store asks of the database under it, be that a file or a server.

Statements are written once, in the SQL that SQLite and PostgreSQL share, with `?` where a value goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from bandsense.errors import StoreError

__all__ = ["Backend", "Claim", "Connection", "Cursor", "transaction"]


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection for one thread; every statement outside a transaction is one of its own."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Cursor:
        """Run a statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement once for each row."""


class Claim(Protocol):
    """The right to record a session, and the way to write it. It dies with its process."""

    name: str
    local: Path

    def connection(self) -> Connection:
        """Return the connection to write with; it is opened, or opened anew, where that is needed.

        Raises:
            StoreError: the store cannot be reached, or is another one now.
        """

    def committed(self) -> None:
        """Take note that a commit succeeded."""

    def failed(self, error: StoreError) -> bool:
        """Take note that one did not; True where it may have succeeded all the same."""

    def disconnect(self) -> None:
        """Give back what writing needs; the claim stays."""

    def release(self) -> None:
        """Give the claim back; once is enough."""


class Backend(Protocol):
    """A database with sessions.

    Attributes:
        place: what `Store.open` takes.
        name: what people are told; without a password.
        local: the path that names files on this computer that belong to the store.
    """

    @property
    def place(self) -> Any:
        """The file, or the address of the server."""

    @property
    def name(self) -> str:
        """The place in words."""

    @property
    def local(self) -> Path:
        """The path whose name files beside the store begin with."""

    @property
    def recorder_away_s(self) -> float:
        """How long a recorder that has lost its claim may be away and still come back; 0: it cannot."""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""

    def opened(self) -> AbstractContextManager[Connection]:
        """Yield a connection for the body; what goes wrong in it is a `StoreError`."""

    def claim(self, session: int) -> Claim | None:
        """Take the claim on a session, or None where another recorder holds it."""


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run all or nothing; the write lock is taken at the start, not half-way. The body may commit itself."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        if connection.in_transaction:
            connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
