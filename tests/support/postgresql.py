"""A PostgreSQL server of the tests' own, in a folder for temporary files."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bandsense.store.address import ServerAddress
from bandsense.store.clinics import prepare_server
from tests.needs import missing
from tests.support.ports import reserved_port

__all__ = ["PostgresServer", "serve_postgresql"]

_NUMBERS = itertools.count(1)
_REMEDY = "sudo apt-get install postgresql"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs; its superuser is `postgres`, everybody else needs a password."""

    folder: Path
    port: int
    programs: Path

    def url(self, database: str = "postgres", login: str = "postgres", password: str = "") -> str:
        """Return an address on the server."""
        secret = f":{password}" if password else ""
        return f"postgresql://{login}{secret}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """Make an empty database, and return its name."""
        name = f"store_{next(_NUMBERS)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def clinic(self, clinic: str, database: str | None = None, person: str | None = None) -> str:
        """Return the address of a database (a new one if none is named) for a new member of a clinic."""
        database = database or self.database()
        owner = ServerAddress(self.url(database))
        (new,) = prepare_server(owner, clinic, [f"{clinic}_{next(_NUMBERS)}"], person)
        return self.url(database, new.login, new.password or "")

    def control(self, *arguments: str) -> None:
        """Run `pg_ctl` on the server."""
        _run([str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", *arguments])


def _programs() -> Path:
    """Return the folder of the newest server that is installed; Debian keeps it out of the path."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    found = [str(path) for path in folders] + [shutil.which("initdb") or ""]
    if os.name != "posix" or not found[0]:
        missing("a PostgreSQL server", _REMEDY)
    return Path(found[0]).parent


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: Sequence[str]) -> None:
    """Run a program, as another user where this one is root: the server refuses root."""
    if _is_root():
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def serve_postgresql(settings: str = "") -> Iterator[PostgresServer]:
    """Start a server on a port that the system chooses, and stop it after the body."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="bandsense-pg-"))
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        if _is_root():
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                missing("the user postgres", _REMEDY)
        port = opened.enter_context(reserved_port())
        server = PostgresServer(folder, port, programs)
        data = str(folder / "data")
        _run(
            [
                str(programs / "initdb"),
                "-D",
                data,
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "-A",
                "trust",
            ]
        )
        access = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (folder / "data" / "pg_hba.conf").write_text(access)
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(
                f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n"
                f"fsync = off\nmax_connections = 120\n{settings}\n"
            )
        server.control("-l", str(folder / "log"), "start")
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop")
