"""`bandsense edit`: put stored sessions in order; every change can be undone."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.argument_types import positive
from bandsense.cli.command import add_action, add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, tr, trn

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "edit",
        run,
        details="Samples are never changed, and what is deleted stays in a bin until that is emptied.",
        example="bandsense edit set 12 --person ada\nbandsense edit merge 12 13\n"
        "bandsense edit split 12 --before-set 3\nbandsense edit undo",
    )
    add_json_option(command, "one JSON object per session")
    add_store_option(command, sessions=True)
    tasks = command.add_subparsers(title="what to do", metavar="TASK")
    setting = add_action(
        tasks, "set", "say that a session is another person's, or of another exercise or band", run=_set
    )
    setting.add_argument("session", help="its number, or `last`")
    setting.add_argument("--person", metavar="NAME", help="who trained; an empty name for nobody")
    setting.add_argument("--exercise", metavar="ID", help="what was trained")
    setting.add_argument("--band", metavar="ID", help="with which band")
    merging = add_action(tasks, "merge", "make one session of several that belong together", run=_merge)
    merging.add_argument("sessions", nargs="+", metavar="SESSION", help="their numbers")
    splitting = add_action(tasks, "split", "make two sessions of one", run=_split)
    splitting.add_argument("session", help="its number, or `last`")
    where = splitting.add_mutually_exclusive_group(required=True)
    where.add_argument("--before-set", type=int, metavar="N", help="in the rest before this set")
    where.add_argument("--at", type=positive, metavar="S", help="this many seconds after its first sample")
    deleting = add_action(tasks, "delete", "put sessions into the bin", run=_delete)
    deleting.add_argument("sessions", nargs="+", metavar="SESSION", help="their numbers")
    add_action(tasks, "undo", "undo the last change", run=_undo)
    add_action(
        tasks, "empty-bin", "remove for good what is in the bin; nothing can be undone after that", run=_empty
    )


def run(arguments: argparse.Namespace) -> int:
    """Say what can be done."""
    print(
        tr("say what to do: bandsense edit set|merge|split|delete|undo|empty-bin (--help explains)"),
        file=sys.stderr,
    )
    return 2


def _set(arguments: argparse.Namespace) -> int:
    from bandsense.app.trainee import profiles_of
    from bandsense.errors import ConfigError
    from bandsense.exercises.catalogue import get_exercise
    from bandsense.store.edits import Edits

    store = open_store(arguments)
    session = session_named(store, arguments.session)
    if arguments.exercise:
        get_exercise(arguments.exercise)
    if arguments.band:
        profiles_of(store).band(arguments.band)
    values = {name: getattr(arguments, name) for name in ("person", "exercise", "band")}
    given = {name: value or None for name, value in values.items() if value is not None}
    if not given:
        raise ConfigError(Message("say what to change: --person, --exercise or --band"))
    changed = Edits(store.database).set_fields(session.id, given)  # type: ignore[arg-type] # the names are those of Field
    if changed:
        words = tr("session {session} was changed", session=session.id)
    else:
        words = tr("session {session} is so already; nothing was changed", session=session.id)
    tell(arguments, words, session=session.id, changed=changed, **given)
    return 0


def _merge(arguments: argparse.Namespace) -> int:
    from bandsense.app.editing import merge

    store = open_store(arguments)
    sessions = [session_named(store, name) for name in arguments.sessions]
    merge(store, sessions)
    first = min(sessions, key=lambda session: session.started_unix_s)
    merged = [session.id for session in sessions]
    tell(arguments, tr("they are session {first} now", first=first.id), session=first.id, merged=merged)
    return 0


def _split(arguments: argparse.Namespace) -> int:
    from bandsense.app.editing import split, split_time_s

    store = open_store(arguments)
    session = session_named(store, arguments.session)
    at_s = arguments.at
    if at_s is None:
        at_s = split_time_s(store, session, arguments.before_set)
    first, second = split(store, session, at_s)
    words = tr(
        "session {session} is sessions {first} and {second} now",
        session=session.id,
        first=first,
        second=second,
    )
    tell(arguments, words, session=session.id, now=[first, second])
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    store = open_store(arguments)
    for session in [session_named(store, name) for name in arguments.sessions]:
        store.delete(session.id, for_good=False)
        words = tr(
            "session {session} is in the bin; `bandsense edit undo` brings it back", session=session.id
        )
        tell(arguments, words, session=session.id, binned=True)
    return 0


def _undo(arguments: argparse.Namespace) -> int:
    from bandsense.store.edits import Edits

    undone = Edits(open_store(arguments).database).undo()
    words = tr(
        "undone: {kind} of session {sessions}",
        kind=undone.kind,
        sessions=", ".join(map(str, undone.sessions)),
    )
    tell(arguments, words, undone=undone.kind, sessions=list(undone.sessions))
    return 0


def _empty(arguments: argparse.Namespace) -> int:
    from bandsense.store.edits import Edits

    removed = Edits(open_store(arguments).database).empty_bin()
    tell(
        arguments,
        trn("{n} session removed for good", "{n} sessions removed for good", removed),
        removed=removed,
    )
    return 0
