"""`bandsense export`: a session as a file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store

if TYPE_CHECKING:
    from bandsense.cli.command import Commands

_FORMATS = ("csv", "json", "parquet", "fit")


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "export",
        run,
        summary="write a session as CSV, JSON, Parquet or FIT",
        details="Every raw sample with tension, uncertainty, phase and repetition. A CSV is described by a "
        "JSON file beside it, after the W3C's CSV on the Web.",
        example="bandsense export last --format csv -o ~/training\nbandsense export 12 --format fit",
    )
    command.add_argument("session", help="its number, or `last`")
    command.add_argument("--format", choices=_FORMATS, default="csv", help="default: %(default)s")
    command.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="default: here")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Write the files and print their names."""
    store = open_store(arguments)
    session = session_named(store, arguments.session)

    from bandsense.app.replay import session_table
    from bandsense.export.formats import write

    table = session_table(store, session)
    for path in write(table, arguments.format, arguments.output):
        print(path)
    return 0
