"""`bandsense exercises`: what can be trained, and how each is set up."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.home import home
from bandsense.cli.tables import table

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "exercises",
        run,
        summary="list the exercises, or show how one is done",
        details="Exercises of your own are TOML files in the folder `exercises` of bandsense's data folder.",
        example="bandsense exercises\nbandsense exercises show seated-row",
    )
    command.set_defaults(exercise=None)
    actions = command.add_subparsers(metavar="show ID")
    show = actions.add_parser("show", help="how one is set up, done and breathed")
    show.add_argument("exercise", metavar="ID")


def run(arguments: argparse.Namespace) -> int:
    """List or show."""
    from bandsense.exercises.catalogue import get_exercise, load_exercises, render

    folders = (home() / "exercises",)
    if arguments.exercise is not None:
        print(render(get_exercise(arguments.exercise, folders)))
        return 0
    exercises = load_exercises(folders)
    rows = [(each.id, each.name, each.summary) for each in exercises.values()]
    print(table(("id", "name", "what it does"), rows))
    return 0
