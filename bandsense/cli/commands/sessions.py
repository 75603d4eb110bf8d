"""`bandsense sessions`: what is stored."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.home import add_store_option, open_store
from bandsense.cli.tables import local_time, table

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.store.model import Session

_HEAD = ("session", "begun", "minutes", "reps", "sets", "exercise", "person", "source", "state")


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "sessions",
        run,
        summary="list the stored sessions, newest first",
        example="bandsense sessions\nbandsense sessions --json",
    )
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--delete", type=int, metavar="SESSION", help="remove this session for good")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """List sessions, or remove one."""
    store = open_store(arguments)
    if arguments.delete is not None:
        store.delete(arguments.delete)
        print(f"session {arguments.delete} is gone")
        return 0
    sessions = store.sessions()
    if arguments.json:
        from bandsense.export.table import session_json

        for session in sessions:
            print(json.dumps(session_json(session) | {"samples": session.samples}))
    elif sessions:
        print(table(_HEAD, map(_row, sessions)))
    else:
        print("no session yet; record one with `bandsense live`, or try `bandsense demo`")
    return 0


def _row(session: Session) -> tuple[object, ...]:
    summary = session.summary or {}
    end_s = session.ended_unix_s
    return (
        session.id,
        local_time(session.started_unix_s),
        "–" if end_s is None else f"{(end_s - session.started_unix_s) / 60:.1f}",
        summary.get("reps", "–"),
        summary.get("sets", "–"),
        session.exercise or "",
        session.person or "",
        session.source,
        session.state.value,
    )
