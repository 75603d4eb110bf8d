"""`bandsense import`: take in what other programs, or another store, have written."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import day
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.export.recording import ColumnMapping


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "import",
        run,
        details="What is stored already is skipped. A force trace is analysed as if it were live; "
        "where its header does not name a time and a force with their units, name the "
        "columns.",
        example="bandsense import session-12.json\nbandsense import hevy.csv --person ada\n"
        "bandsense import set.csv --exercise seated-row --started 2026-05-01\n"
        "bandsense import scale.csv --time t --time-unit ms --force load --force-unit kgf",
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what to import")
    command.add_argument("--person", metavar="NAME", help="whose they are, whatever the files say")
    command.add_argument("--exercise", metavar="ID", help="what was trained, whatever the files say")
    command.add_argument("--started", type=day, metavar="DATE", help="the day on which a trace was recorded")
    command.add_argument(
        "--time",
        metavar="COLUMN",
        help="the column of a trace that holds the time: its name, or its number from 1",
    )
    command.add_argument("--time-unit", default="s", metavar="UNIT", help="s, ms or us (default: s)")
    command.add_argument(
        "--force",
        metavar="COLUMN",
        help="the column of a trace that holds the force: its name, or its number from 1",
    )
    command.add_argument("--force-unit", default="N", metavar="UNIT", help="N, kgf, lbf (default: N)")
    command.add_argument("--json", action="store_true", help="one JSON object per session")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Take the files in and say which sessions they became."""
    from bandsense.app.importing import ImportOptions, import_files

    options = ImportOptions(arguments.person, arguments.exercise, arguments.started, _mapping(arguments))
    for done in import_files(open_store(arguments), arguments.files, options):
        for note in done.notes:
            print(tr("note: {path}: {note}", path=done.path.name, note=note), file=sys.stderr)
        if arguments.json:
            print(json.dumps({"session": done.session, "file": str(done.path), "new": done.new}))
        else:
            told = tr("session {session}", session=done.session)
            if not done.new:
                told = tr("is there already, as session {session}", session=done.session)
            print(f"{done.path}: {told}")
    return 0


def _mapping(arguments: argparse.Namespace) -> ColumnMapping | None:
    from bandsense.errors import ConfigError
    from bandsense.export.recording import ColumnMapping

    if arguments.time is None and arguments.force is None:
        return None
    if arguments.time is None or arguments.force is None:
        raise ConfigError(Message("name both columns: --time and --force"))
    return ColumnMapping(arguments.time, arguments.force, arguments.time_unit, arguments.force_unit)
