"""A PostgreSQL database made ready for clinics: schema, logins, and whose they are.

Only who owns the database runs this. Everybody else logs in as a member of one clinic, and sees that clinic
alone; a member that is a person (not a colleague) sees their own sessions alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.store.address import ServerAddress
from bandsense.store.backend import transaction
from bandsense.store.database import SCHEMA_VERSION, migrations
from bandsense.store.postgresql import ServerConnection, server_connection

__all__ = ["NewLogin", "prepare_server"]

_GROUP = "bandsense"
_PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login that may use the store now.

    Attributes:
        password: of one that was made; None where the login was there before and keeps its own.
    """

    login: str
    password: str | None = field(repr=False)


def prepare_server(
    address: ServerAddress, clinic: str, logins: Sequence[str] = (), person: str | None = None
) -> list[NewLogin]:
    """Make or bring up to date the schema, and let logins into a clinic. Doing it again changes nothing.

    Args:
        address: of the database, as its owner, who may make roles.
        clinic: its name.
        logins: members of the clinic from now on; those that are missing are made, with a password each.
        person: whose logins these are: they see this person's sessions alone. None: colleagues, who see all.

    Raises:
        MissingExtra: the driver is not installed.
        StoreError: the server refuses, the store is newer, or a login cannot be kept apart.
    """
    connection = server_connection(address)
    try:
        with transaction(connection):
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('bandsense store init'))")
            _migrate(connection, address)
            return [_admit(connection, login, clinic, person) for login in logins]
    finally:
        connection.close()


def _migrate(connection: ServerConnection, address: ServerAddress) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = ?", (_GROUP,)).fetchone():
        connection.execute(f"CREATE ROLE {_GROUP} NOLOGIN")
    connection.execute("CREATE SCHEMA IF NOT EXISTS bandsense")
    there = connection.execute("SELECT to_regclass('bandsense.store')").fetchone()[0] is not None
    version = connection.execute("SELECT version FROM store").fetchone()[0] if there else 0
    if version > SCHEMA_VERSION:
        raise StoreError(
            Message(
                "the store {address} was made by a newer bandsense (schema {version}, this "
                "one knows {schema_version}); update bandsense",
                address=address,
                version=version,
                schema_version=SCHEMA_VERSION,
            )
        )
    for number, script in migrations("postgresql"):
        if number > version:
            connection.execute(script)
    if there:
        connection.execute("UPDATE store SET version = ?", (SCHEMA_VERSION,))
    else:
        connection.execute("INSERT INTO store (version) VALUES (?)", (SCHEMA_VERSION,))


def _admit(connection: ServerConnection, login: str, clinic: str, person: str | None) -> NewLogin:
    """Let a login into a clinic; it is made where there is none."""
    role = connection.execute(
        "SELECT rolsuper OR rolbypassrls OR pg_has_role(pg_roles.oid, nspowner, 'MEMBER') "
        "FROM pg_roles, pg_namespace WHERE rolname = ? AND nspname = 'bandsense'",
        (login,),
    ).fetchone()
    if role is not None and role[0]:
        raise StoreError(
            Message("the login {login} sees all clinics, whatever is said here; name another", login=login)
        )
    known = connection.execute("SELECT clinic, person FROM members WHERE login = ?", (login,)).fetchone()
    if known is not None and known != (clinic, person):
        whose = f"the clinic {known[0]}{f' as {known[1]}' if known[1] else ''}"
        raise StoreError(
            Message("the login {login} belongs to {whose} already; name another", login=login, whose=whose)
        )
    password = None if role is not None else secrets.token_urlsafe(_PASSWORD_BYTES)
    if password is not None:
        hashed = connection.raw.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
        connection.execute(f"CREATE ROLE {_quoted(login)} LOGIN PASSWORD '{hashed.decode()}'")
    connection.execute(f"GRANT {_GROUP} TO {_quoted(login)}")
    if known is None:
        connection.execute("INSERT INTO members VALUES (?, ?, ?)", (login, clinic, person))
    return NewLogin(login, password)


def _quoted(name: str) -> str:
    """Quote a name of a role, which no parameter can give."""
    if not name or "\0" in name or "?" in name or "%" in name:
        raise StoreError(Message("{name!r} cannot be the name of a login", name=name))
    return '"' + name.replace('"', '""') + '"'
