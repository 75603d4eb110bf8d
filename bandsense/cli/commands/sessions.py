"""`bandsense sessions`: what is stored."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command, tell
from bandsense.cli.session_filter import add_filter_options, session_filter
from bandsense.cli.store_option import add_store_option, left_aside, open_store
from bandsense.cli.tables import local_time, table
from bandsense.language import mark, tr, trn

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.store.model import JsonObject, Session


_STATES = {"open": mark("open"), "complete": mark("complete"), "recovered": mark("recovered")}


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "sessions",
        run,
        example="bandsense sessions\nbandsense sessions --person ada --since 2026-01-01 --json",
    )
    command.add_argument("--json", action="store_true", help="one JSON object per line")
    command.add_argument(
        "--delete", type=int, metavar="SESSION", help="put this session into the bin (`bandsense edit undo`)"
    )
    add_filter_options(command)
    command.add_argument("--band", metavar="ID", help="with this band")
    command.add_argument("--bin", action="store_true", help="what is in the bin")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """List sessions, or remove one."""
    from bandsense.store.model import SessionFilter, SessionState

    store = open_store(arguments)
    if arguments.delete is not None:
        store.delete(arguments.delete, for_good=False)
        words = tr(
            "session {session} is in the bin; `bandsense edit undo` brings it back", session=arguments.delete
        )
        tell(arguments, words, session=arguments.delete, binned=True)
        return 0
    which = replace(session_filter(arguments), band=arguments.band, binned=arguments.bin)
    sessions = store.sessions(which)
    if any(session.state is SessionState.RECOVERED and session.summary is None for session in sessions):
        from bandsense.app.replay import summarise_recovered

        summarise_recovered(store)
        sessions = store.sessions(which)
    if arguments.json:
        from bandsense.export.table import session_json

        for session in sessions:
            print(json.dumps(session_json(session) | {"samples": session.samples}))
    elif sessions:
        print(table(_head(), map(_row, sessions)))
    elif which != SessionFilter():
        from bandsense.app.sessions import meant_instead

        named = {"person": which.person, "exercise": which.exercise, "band": which.band}
        meant = meant_instead(store, **named)
        print(tr("no such session; {meant}", meant=meant) if meant else tr("no such session"))
    else:
        print(tr("no session yet; record one with `bandsense live`, or try `bandsense demo`"))
        if left_aside(arguments):
            print(tr("those of the simulator: `bandsense sessions --simulated`"))
    return 0


def _head() -> tuple[str, ...]:
    before = (tr("session"), tr("begun"), tr("length"), trn("rep", "reps", 2), tr("sets"))
    return (*before, tr("exercise"), tr("person"), tr("source"), tr("state"))


def _row(session: Session) -> tuple[object, ...]:
    summary = session.summary or {}
    return (
        session.id,
        local_time(session.started_unix_s),
        _length(summary),
        summary.get("reps", "–"),
        summary.get("sets", "–"),
        _what(session),
        session.person or "",
        session.source,
        tr("damaged") if session.damage else tr(_STATES[session.state.value]),
    )


def _what(session: Session) -> str:
    """Name what was trained, or tested."""
    from bandsense.app.strength_test import is_strength_test

    return tr("strength test") if is_strength_test(session) else session.exercise or ""


def _length(summary: JsonObject) -> str:
    """Minutes and seconds of device time, whatever the pace at which it went by."""
    if "duration_s" not in summary:
        return "–"
    minutes, seconds = divmod(round(summary["duration_s"]), 60)
    return f"{minutes}:{seconds:02}"
