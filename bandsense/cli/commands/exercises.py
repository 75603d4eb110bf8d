"""`bandsense exercises`: what can be trained, and how each is set up."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bandsense.app.paths import home
from bandsense.cli.command import add_command
from bandsense.cli.tables import table

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.exercises.model import Exercise


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
    from bandsense.exercises.catalogue import get_exercise, load_exercises

    folders = (home() / "exercises",)
    if arguments.exercise is not None:
        print(_page(get_exercise(arguments.exercise, folders)))
        return 0
    exercises = load_exercises(folders)
    rows = [(each.id, each.name, each.summary) for each in exercises.values()]
    print(table(("id", "name", "what it does"), rows))
    return 0


def _page(exercise: Exercise) -> str:
    """The exercise with the amounts that someone would be told who has measured nothing yet."""
    from bandsense.exercises.catalogue import render
    from bandsense.workout.adjustment import adjustment_for
    from bandsense.workout.advice import AdvisorState

    state = AdvisorState.typical(exercise)
    easier, harder = (
        [adjustment_for(state, method, ratio, 0.0).amount_cm for method in exercise.slack]
        for ratio in (0.90, 1.05)
    )
    return render(exercise, easier, harder)
