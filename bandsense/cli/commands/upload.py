"""`bandsense upload`: send a session to intervals.icu."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "upload",
        run,
        details="Nothing is sent without this command. The key is in the settings there, under Developer.",
        example="bandsense upload --save-key < key.txt\nbandsense upload last",
    )
    command.add_argument("session", nargs="?", help="its number, or `last`")
    command.add_argument("--athlete", default="0", metavar="ID", help="default: the one whose key it is")
    command.add_argument(
        "--save-key",
        action="store_true",
        help="read the key from standard input and keep it, in the system's keyring where there is one",
    )
    command.add_argument("--forget-key", action="store_true", help="forget the key")
    command.add_argument("--service", metavar="URL", help=argparse.SUPPRESS)
    add_json_option(command)
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Keep a key, or send a session and print its identity there."""
    from bandsense.app.upload import SERVICE, forget_key, keep_key, known_key, upload
    from bandsense.errors import ConfigError

    if arguments.save_key:
        if sys.stdin.isatty():
            from getpass import getpass

            key = getpass("key: ")
        else:
            key = sys.stdin.readline()
        place = keep_key(key)
        tell(arguments, tr("saved in {place}", place=place), kept_in=place)
        return 0
    if arguments.forget_key:
        known = forget_key()
        tell(arguments, tr("forgotten") if known else tr("there was no key"), forgotten=known)
        return 0
    if arguments.session is None:
        raise ConfigError(Message("name a session, or `last`"))
    key = known_key()
    store = open_store(arguments)
    session = session_named(store, arguments.session)
    activity = upload(store, session, arguments.athlete, key, arguments.service or SERVICE)
    tell(arguments, activity, session=session.id, activity=activity)
    return 0
