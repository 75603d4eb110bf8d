"""The store that the command line names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bandsense.store.store import Store
from bandsense.app.paths import STORE_NAME, home

__all__ = ["add_store_option", "open_store", "store_path"]


def add_store_option(command: argparse.ArgumentParser) -> None:
    """Add `--store` to a command."""
    command.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help=f"the file with sessions (default: {STORE_NAME} in $BANDSENSE_HOME or the system's data folder)",
    )


def store_path(arguments: argparse.Namespace) -> Path:
    """Return the store that the command line names."""
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
