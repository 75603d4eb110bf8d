"""Where bandsense keeps its things, and the store that lies there."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.errors import StoreError

if TYPE_CHECKING:
    from bandsense.store.model import Session
    from bandsense.store.store import Store

__all__ = ["add_store_option", "home", "open_store", "session_named", "store_path"]

STORE_NAME = "bandsense.sqlite3"


def home() -> Path:
    """The folder for data: `BANDSENSE_HOME`, or the operating system's usual place."""
    if chosen := os.environ.get("BANDSENSE_HOME"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("bandsense", appauthor=False))


def add_store_option(command: argparse.ArgumentParser) -> None:
    """Add `--store` to a command."""
    command.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help=f"the file with sessions (default: {STORE_NAME} in $BANDSENSE_HOME or the system's data folder)",
    )


def store_path(arguments: argparse.Namespace) -> Path:
    """The store that the command line names."""
    chosen: Path | None = arguments.store
    return chosen if chosen is not None else home() / STORE_NAME


def open_store(arguments: argparse.Namespace) -> Store:
    """Open the store; what an earlier run left unfinished is closed, and said on standard error."""
    from bandsense.store.store import Store

    store = Store.open(store_path(arguments))
    for lost in store.recovered:
        print(
            f"session {lost.session} was cut short; its {lost.samples} samples are safe "
            f"(`bandsense show {lost.session}`)",
            file=sys.stderr,
        )
    return store


def session_named(store: Store, name: str) -> Session:
    """The session that a person named: a number, or `last`.

    Raises:
        StoreError: there is none, or it is no name of a session.
    """
    if name == "last":
        return store.session("last")
    if not name.isdecimal():
        raise StoreError(
            f"{name!r} is no session; give its number or `last` (`bandsense sessions` lists them)"
        )
    return store.session(int(name))
