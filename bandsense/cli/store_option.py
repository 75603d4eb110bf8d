"""The store that the command line names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bandsense.store.store import Store
from bandsense.app.paths import SIMULATED_STORE_NAME, STORE_NAME, home
from bandsense.errors import StoreError
from bandsense.language import Message, tr
from bandsense.store.address import ServerAddress

__all__ = [
    "add_store_option",
    "chosen_store",
    "is_simulated",
    "left_aside",
    "open_store",
    "store_path",
    "store_place",
    "telling_store",
]


def add_store_option(command: argparse.ArgumentParser, *, sessions: bool = False) -> None:
    """Add `--store` to a command, and `--simulated` to one that looks at sessions or profiles."""
    command.add_argument(
        "--store",
        type=store_place,
        metavar="FILE",
        help="the file with sessions (default: bandsense.sqlite3 in $BANDSENSE_HOME or the system's data "
        "folder) or a clinic's database (postgresql://…)",
    )
    if sessions:
        command.add_argument(
            "--simulated", action="store_true", help="the sessions of the simulator, which are kept apart"
        )


def store_place(text: str) -> Path | ServerAddress:
    """Return the file or the server that a text names."""
    return ServerAddress.read(text) or Path(text)


def is_simulated(arguments: argparse.Namespace) -> bool:
    """Tell whether the simulated store is meant: by `--simulated`, or because `--sim` fills it."""
    return asks_simulated(arguments) and getattr(arguments, "store", None) is None


def asks_simulated(arguments: argparse.Namespace) -> bool:
    """Tell whether simulated sessions are asked for, or made."""
    return any(getattr(arguments, name, False) for name in ("simulated", "sim"))


def left_aside(arguments: argparse.Namespace) -> bool:
    """Tell whether there are simulated sessions, which the command line does not mean."""
    own = getattr(arguments, "store", None) is None and not is_simulated(arguments)
    return own and (home() / SIMULATED_STORE_NAME).exists()


def chosen_store(arguments: argparse.Namespace) -> Path | ServerAddress:
    """Return the store that the command line names."""
    chosen: Path | ServerAddress | None = arguments.store
    if chosen is not None:
        return chosen
    return home() / (SIMULATED_STORE_NAME if is_simulated(arguments) else STORE_NAME)


def store_path(arguments: argparse.Namespace) -> Path:
    """Return the file that the command line names.

    Raises:
        StoreError: it names a server.
    """
    chosen = chosen_store(arguments)
    if not isinstance(chosen, Path):
        raise StoreError(
            Message(
                "{chosen} is not a file; a server is backed up and restored by its own tools", chosen=chosen
            )
        )
    return chosen


def open_store(arguments: argparse.Namespace) -> Store:
    """Open the store; what an earlier run left unfinished is closed, and said on standard error.

    `--person` is then spelt as the store spells it.
    """
    if is_simulated(arguments):
        from bandsense.app.simulated_store import open_simulated

        store = open_simulated(store_path(arguments))
    else:
        from bandsense.store.store import Store

        store = Store.open(chosen_store(arguments))
    if store.full is not None:
        print(f"{store.full}", file=sys.stderr)
    for lost in store.recovered:
        print(
            tr(
                "session {session} was cut short; its {samples} samples are safe "
                "(`bandsense show {session}`)",
                session=lost.session,
                samples=lost.samples,
            ),
            file=sys.stderr,
        )
    for waited in store.taken_in:
        if waited.problem is None:
            print(
                tr(
                    "{samples} samples of session {session} waited and are stored",
                    samples=waited.samples,
                    session=waited.session,
                ),
                file=sys.stderr,
            )
        else:
            print(
                tr(
                    "{path} cannot be stored and stays where it is: {problem}",
                    path=waited.path,
                    problem=waited.problem,
                ),
                file=sys.stderr,
            )
    damaged = [key for table in (store.people, store.bands, store.sensors) for key in table.damaged()]
    if damaged:
        print(
            tr(
                "left out, because they cannot be read: {damaged} (`bandsense store check` says more)",
                damaged=", ".join(damaged),
            ),
            file=sys.stderr,
        )
    if getattr(arguments, "person", None):
        from bandsense.app.trainee import as_known

        arguments.person = as_known(store, arguments.person)
    return store


@contextmanager
def telling_store(arguments: argparse.Namespace) -> Iterator[None]:
    """Have the commands that are told within the body name the store that the command line names."""
    store, simulated = getattr(arguments, "store", None), asks_simulated(arguments)
    if store is None and not simulated:
        yield
        return
    from bandsense.app.told_commands import naming_store
    from bandsense.language import program_telling_commands

    with program_telling_commands(naming_store(None if store is None else str(store), simulated=simulated)):
        yield
