"""The exercises that come with bandsense, and those a person adds as TOML files of their own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from bandsense.errors import ConfigError
from bandsense.exercises.model import Exercise, Sides, faults_in

__all__ = ["get_exercise", "load_exercises", "parse_exercise", "render"]


def parse_exercise(text: str, *, source: str) -> Exercise:
    """One exercise from TOML text.

    Raises:
        ConfigError: naming `source` and every field at fault.
    """
    try:
        return Exercise.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{source} is not a valid exercise: {faults_in(error)}") from error


def load_exercises(extra_dirs: Iterable[Path] = ()) -> Mapping[str, Exercise]:
    """All exercises by id: the built-in ones, then each `*.toml` of `extra_dirs`.

    A file whose id is taken replaces that exercise, so a person can adjust a built-in one. A folder
    that does not exist holds no exercises.

    Raises:
        ConfigError: a file is not a valid exercise, or two files of one folder share an id.
    """
    found = dict(_builtin())
    for folder in extra_dirs:
        if folder.is_dir():
            found.update(_read_folder(folder))
    return MappingProxyType(found)


@cache
def _builtin() -> Mapping[str, Exercise]:
    return _read_folder(resources.files("bandsense.exercises") / "data")


def _read_folder(folder: Traversable) -> dict[str, Exercise]:
    exercises: dict[str, Exercise] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        exercise = parse_exercise(_text(file), source=str(file))
        if exercise.id in exercises:
            raise ConfigError(
                f"{file}: another file of this folder already has the id '{exercise.id}'; change one"
            )
        exercises[exercise.id] = exercise
    return exercises


def _text(file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as UTF-8 text: {error}") from error


def get_exercise(exercise_id: str, extra_dirs: Iterable[Path] = ()) -> Exercise:
    """The exercise with this id.

    Raises:
        ConfigError: there is none (with the nearest ids), or a file is not valid.
    """
    exercises = load_exercises(extra_dirs)
    if exercise_id in exercises:
        return exercises[exercise_id]
    near = get_close_matches(exercise_id, exercises, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(exercises)}"
    raise ConfigError(f"no exercise is called '{exercise_id}'; {hint}")


def render(exercise: Exercise, easier_cm: Sequence[int], harder_cm: Sequence[int]) -> str:
    """The exercise as plain text for a person, ending without a newline.

    Args:
        exercise: what to tell of.
        easier_cm: for each way to change the slack, centimetres that make it about a tenth easier.
        harder_cm: the same for about a twentieth harder.
    """
    tempo, breathing = exercise.tempo, exercise.breathing
    lines = [
        f"{exercise.name}  ({exercise.id})",
        exercise.summary,
        "",
        "Set up",
        *(f"  {number}. {step}" for number, step in enumerate(exercise.setup, start=1)),
        "",
        f"Start    {exercise.start_pose}",
        f"End      {exercise.end_pose}",
        f"Breath   {breathing.concentric.value} on the pull, {breathing.eccentric.value} on the return",
        f"Tempo    pull {tempo.concentric_s:g} s, hold {tempo.hold_s:g} s, return {tempo.eccentric_s:g} s, "
        f"rest {tempo.rest_s:g} s",
        f"Band     about {100 * exercise.rest_length_m:.0f} cm unstretched, stroke about "
        f"{100 * exercise.stroke_m:.0f} cm",
    ]
    if exercise.sides is Sides.PAIRED:
        lines.append("Sides    left and right in turn; both halves make one set")
    lines += [
        "",
        "More slack (at that length about a tenth easier), one of",
        *(f"  - {way.more_slack.format(cm=cm)}" for way, cm in zip(exercise.slack, easier_cm, strict=True)),
        "Less slack (about a twentieth harder), one of",
        *(f"  - {way.less_slack.format(cm=cm)}" for way, cm in zip(exercise.slack, harder_cm, strict=True)),
    ]
    lines += ["", "Take care", *(f"  - {caution}" for caution in exercise.cautions)]
    return "\n".join(lines)
