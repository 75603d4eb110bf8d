"""`bandsense show`: the sets of a session."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.cli.tables import local_time
from bandsense.language import tr

if TYPE_CHECKING:
    from bandsense.app.replay import ReplayedStream
    from bandsense.cli.command import Commands
    from bandsense.store.model import Session
    from bandsense.store.store import Store


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "show",
        run,
        details="Computed again from the raw samples, so it also works for a session that was cut short.",
        example="bandsense show last\nbandsense show 12 --json",
    )
    command.add_argument("session", nargs="?", default="last", help="its number, or `last` (the default)")
    command.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Follow the session again and print its sets."""
    store = open_store(arguments)
    session = session_named(store, arguments.session)

    from bandsense.app.feedback import session_note
    from bandsense.app.replay import replay, replayed_json
    from bandsense.app.strength_test import followed as followed_test
    from bandsense.app.strength_test import is_strength_test
    from bandsense.app.trainee import person_named
    from bandsense.cli.commands.test import print_test
    from bandsense.export.table import session_json
    from bandsense.live.units import show_in

    if not session.samples and session.streams and not session.damage:
        return _show_sets(store, session, as_json=arguments.json)
    if arguments.json and is_strength_test(session):
        print(json.dumps(session_json(session) | {"again": followed_test(store, session)}))
        return 0
    followed = [replay(store, stream) for stream in session.streams]
    note, _ = session_note(store, session)
    if arguments.json:
        streams = [replayed_json(part) for part in followed]
        print(json.dumps(session_json(session) | {"note": note, "streams": streams}))
        return 0
    show_in(person_named(store, session.person).unit)
    _print_head(session)
    if note:
        print(note)
    if is_strength_test(session):
        print_test(store, session.id)
        return 0
    for part in followed:
        _print_stream(part)
    return 0


def _show_sets(store: Store, session: Session, *, as_json: bool) -> int:
    """Print what a training log said: sets without samples."""
    from bandsense.app.replay import session_table
    from bandsense.cli.tables import table
    from bandsense.export.rows import set_rows

    rows = list(set_rows(session_table(store, session)))
    if as_json:
        print(json.dumps({"session": session.id, "sets": rows}))
        return 0
    _print_head(session)
    head = ("set", "side", "reps", "mean_peak_n", "effort", "note")
    print(table(head, [["" if row[name] is None else row[name] for name in head] for row in rows]))
    return 0


def _print_head(session: Session) -> None:
    about = [part for part in (session.exercise, session.person, session.source) if part]
    print(
        tr(
            "session {number}, {time}: {about}",
            number=session.id,
            time=local_time(session.started_unix_s),
            about=", ".join(about),
        )
    )
    if session.state.value != "complete":
        print(f"({tr(session.state.value)})")
    for damage in session.damage:
        print(tr("(damaged: {damage})", damage=damage))


def _print_stream(followed: ReplayedStream) -> None:
    from bandsense.cli.rep_table import rep_table
    from bandsense.live.formatting import asymmetry_words, feedback_words, set_words, side_word, summary_words
    from bandsense.live.plan_formatting import plan_words

    if followed.stream.side:
        print(f"\n{side_word(followed.stream.side)}")
    for result in followed.workout.results:
        print(f"\n{set_words(result)}")
        print(rep_table(result.reps, result.rep_metrics, followed.workout.began_s))
        if result.feedback:
            print(feedback_words(result.feedback))
        for words in plan_words(result, followed.workout.settings):
            print(words)
    grade = tr(followed.workout.settings.calibration.grade.value)
    print(f"\n{summary_words(followed.summary)} ({grade})")
    if followed.summary.asymmetry is not None:
        print(asymmetry_words(followed.summary.asymmetry))
