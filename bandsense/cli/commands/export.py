"""`bandsense export`: sessions as files for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.sessions import meant_instead, session_named
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.session_filter import add_filter_options, session_filter
from bandsense.cli.store_option import add_store_option, left_aside, open_store
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.store.model import Session
    from bandsense.store.store import Store

_FORMATS = (
    *("csv", "csv-reps", "csv-sets", "json", "parquet", "fit", "strong", "hevy", "tindeq"),
    *("fhir", "ieee1752", "bids"),
)

_FILE_ENDINGS = (".csv", ".json", ".parquet", ".fit", ".tsv", ".xlsx", ".zip")


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "export",
        run,
        details="Without a session, all that --since, --until and --person select.",
        example="bandsense export last --format csv -o ~/training\nbandsense export 12 --format fit\n"
        "bandsense export --since 2026-01-01 --person ada --format hevy\n"
        "bandsense export --anonymous --format bids -o study",
    )
    command.add_argument("session", nargs="?", help="its number, or `last`; default: all")
    command.add_argument("--format", choices=_FORMATS, default="csv", help="default: %(default)s")
    command.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="default: here")
    add_filter_options(command)
    command.add_argument(
        "--anonymous",
        action="store_true",
        help="without names, notes and identities; the first session is moved to 2000-01-01",
    )
    add_json_option(command, "one JSON object per file written")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Write the files and print their names."""
    from bandsense.errors import ConfigError

    folder: Path = arguments.output
    if folder.suffix.lower() in _FILE_ENDINGS and not folder.is_dir():
        raise ConfigError(
            Message(
                "-o names the folder that the files go to, and {path} looks like a file; their names are "
                "made for you: `-o {parent}` puts them there",
                path=folder,
                parent=folder.parent,
            )
        )
    store = open_store(arguments)
    sessions = _sessions(store, arguments)
    if not sessions:
        if not store.sessions():
            store.session("last")  # says that there is none at all, and what to do
        meant = meant_instead(store, person=arguments.person, exercise=arguments.exercise)
        if meant is None and left_aside(arguments):
            meant = Message("`bandsense sessions` lists them (simulated ones: --simulated)")
        meant = meant or Message("`bandsense sessions` lists them")
        raise ConfigError(Message("there is no such session; {meant}", meant=meant))

    from bandsense.app.replay import session_table
    from bandsense.cli.progress import progress
    from bandsense.export.anonymous import anonymous
    from bandsense.export.formats import write_all

    with progress(tr("reading sessions"), len(sessions)) as done:
        tables = []
        for session in sessions:
            tables.append(session_table(store, session))
            done()
    for path in write_all(
        anonymous(tables) if arguments.anonymous else tables, arguments.format, arguments.output
    ):
        tell(arguments, str(path), path=path, format=arguments.format)
    return 0


def _sessions(store: Store, arguments: argparse.Namespace) -> list[Session]:
    if arguments.session is not None:
        return [session_named(store, arguments.session)]
    return list(reversed(store.sessions(session_filter(arguments))))
