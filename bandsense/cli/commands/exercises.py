"""`bandsense exercises`: what can be trained, and how each is set up."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.app.paths import home
from bandsense.cli.command import add_command, tell
from bandsense.cli.tables import table
from bandsense.errors import ConfigError, DataError
from bandsense.files import atomic_write
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands
    from bandsense.exercises.model import Exercise


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "exercises",
        run,
        details="Exercises of your own are TOML files in the folder `exercises` of bandsense's data folder.",
        example="bandsense exercises\nbandsense exercises show seated-row\n"
        "bandsense exercises show squat --drawing squat.svg",
    )
    command.set_defaults(exercise=None)
    command.add_argument("--json", action="store_true", help="one JSON object per exercise")
    actions = command.add_subparsers(metavar="show ID")
    show = actions.add_parser("show", help="how one is set up, done and breathed")
    show.add_argument("exercise", metavar="ID")
    show.add_argument(
        "--drawing",
        type=Path,
        metavar="FILE",
        help="write the drawing of its start and end as SVG, instead of the text",
    )


def run(arguments: argparse.Namespace) -> int:
    """List or show."""
    from bandsense.exercises.catalogue import drawing, get_exercise, load_exercises

    folders = (home() / "exercises",)
    if arguments.exercise is not None:
        exercise = get_exercise(arguments.exercise, folders)
        if arguments.drawing is None:
            if arguments.json:
                print(json.dumps(exercise.model_dump(mode="json", by_alias=True)))
            else:
                print(_page(exercise))
        else:
            _write_drawing(exercise, drawing(exercise.id, folders), arguments.drawing)
            tell(arguments, str(arguments.drawing), path=arguments.drawing)
        return 0
    exercises = load_exercises(folders)
    if arguments.json:
        for each in exercises.values():
            print(json.dumps(each.model_dump(mode="json", by_alias=True)))
        return 0
    rows = [(each.id, tr(each.name), tr(each.anchor_words)) for each in exercises.values()]
    print(table(("id", tr("name"), tr("anchor")), rows))
    return 0


def _write_drawing(exercise: Exercise, svg: str | None, path: Path) -> None:
    if svg is None:
        raise ConfigError(
            Message(
                "{exercise} has no drawing; put one beside its file, as exercises/{id}.svg",
                exercise=exercise.name,
                id=exercise.id,
            )
        )
    try:
        with atomic_write(path) as part:
            part.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise DataError(
            Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
        ) from error


def _page(exercise: Exercise) -> str:
    """Return the exercise with the amounts that someone would be told who has measured nothing yet."""
    from bandsense.exercises.catalogue import render
    from bandsense.workout.adjustment import adjustment_for
    from bandsense.workout.advice import AdvisorState

    state = AdvisorState.typical(exercise)
    easier, harder = (
        [adjustment_for(state, method, ratio, 0.0).amount_cm for method in exercise.slack]
        for ratio in (0.90, 1.05)
    )
    return render(exercise, easier, harder)
