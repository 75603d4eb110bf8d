"""Which sessions the command line means."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import day

if TYPE_CHECKING:
    from bandsense.store.model import SessionFilter

__all__ = ["add_filter_options", "session_filter"]

_DAY_S = 86_400.0


def add_filter_options(command: argparse.ArgumentParser) -> None:
    """Add `--since`, `--until`, `--person` and `--exercise` to a command."""
    command.add_argument("--since", type=day, metavar="DATE", help="begun on that day or later (YYYY-MM-DD)")
    command.add_argument("--until", type=day, metavar="DATE", help="begun on that day or earlier")
    command.add_argument("--person", metavar="NAME", help="of this person")
    command.add_argument("--exercise", metavar="ID", help="of this exercise")


def session_filter(arguments: argparse.Namespace) -> SessionFilter:
    """Return the filter that these options ask for; the last day counts to its end."""
    from bandsense.store.model import SessionFilter

    return SessionFilter(
        since_unix_s=arguments.since,
        until_unix_s=None if arguments.until is None else arguments.until + _DAY_S,
        person=arguments.person,
        exercise=arguments.exercise,
    )
