"""`bandsense rate`: what a person says of a set after the session."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.app.sessions import session_named
from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "rate",
        run,
        details="While training, the keys 0 to 9, x and w do this between sets. What is not given stays as "
        "it was.",
        example='bandsense rate last --set 2 --effort 7 --pain 1 --note "left shoulder tight"',
    )
    command.add_argument("session", nargs="?", default="last", help="its number, or `last` (the default)")
    command.add_argument("--set", type=int, metavar="N", help="which set (default: the last one)")
    command.add_argument("--effort", type=int, metavar="N", help="0 (no effort) to 10 (all you had)")
    command.add_argument("--pain", type=int, metavar="N", help="0 (none) to 10 (the worst)")
    command.add_argument("--note", default="", metavar="TEXT", help="a line in your own words")
    add_json_option(command)
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Keep what is said, with the session."""
    store = open_store(arguments)
    session = session_named(store, arguments.session)

    from bandsense.app.feedback import rate
    from bandsense.live.formatting import feedback_words
    from bandsense.workout.events import fields_json
    from bandsense.workout.feedback import Feedback

    number, kept = rate(
        store, session, arguments.set, Feedback(arguments.effort, arguments.pain, arguments.note)
    )
    words = tr(
        "session {session}, set {number}: {feedback_words}",
        session=session.id,
        number=number,
        feedback_words=feedback_words(kept),
    )
    tell(arguments, words, session=session.id, set=number, **fields_json(kept))
    return 0
