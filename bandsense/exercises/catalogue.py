"""The exercises that come with bandsense, and those a person adds as TOML files of their own."""

from __future__ import annotations

import textwrap
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
from bandsense.exercises.model import Breath, Exercise, Load, Sides, faults_in
from bandsense.language import Message, did_you_mean, mark, tr

__all__ = ["drawing", "get_exercise", "load_exercises", "parse_exercise", "render"]

FIRST = (
    "seated-row",
    "lat-pulldown",
    "reverse-flye",
    "pull-apart",
    "overhead-pulldown",
    "bent-over-row",
)
"""The exercises that the project began with; lists begin with them, the others follow by id."""

_WIDTH = 100


def parse_exercise(text: str, *, source: str) -> Exercise:
    """Read one exercise from TOML text.

    Raises:
        ConfigError: naming `source` and every field at fault.
    """
    try:
        return Exercise.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            Message("{source} is not valid TOML: {error}", source=source, error=error)
        ) from error
    except ValidationError as error:
        raise ConfigError(
            Message("{source} is not a valid exercise: {faults}", source=source, faults=faults_in(error))
        ) from error


def load_exercises(extra_dirs: Iterable[Path] = ()) -> Mapping[str, Exercise]:
    """Return all exercises by id: the built-in ones, then each `*.toml` of `extra_dirs`.

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


_DATA = resources.files("bandsense.exercises") / "data"


@cache
def _builtin() -> Mapping[str, Exercise]:
    exercises = _read_folder(_DATA)
    return {name: exercises.pop(name) for name in FIRST} | exercises


def _read_folder(folder: Traversable) -> dict[str, Exercise]:
    exercises: dict[str, Exercise] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        exercise = parse_exercise(_text(file), source=str(file))
        if exercise.id in exercises:
            raise ConfigError(
                Message(
                    "{file}: another file of this folder already has the id '{exercise}'; change one",
                    file=file,
                    exercise=exercise.id,
                )
            )
        exercises[exercise.id] = exercise
    return exercises


def _text(file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Message("{file} cannot be read as UTF-8 text: {error}", file=file, error=error)
        ) from error


def get_exercise(exercise_id: str, extra_dirs: Iterable[Path] = ()) -> Exercise:
    """Return the exercise with this id.

    Raises:
        ConfigError: there is none (with the nearest ids), or a file is not valid.
    """
    exercises = load_exercises(extra_dirs)
    if exercise_id in exercises:
        return exercises[exercise_id]
    near = get_close_matches(exercise_id, exercises, n=2)
    hint = did_you_mean(near) if near else Message("there are: {known}", known=", ".join(exercises))
    raise ConfigError(
        Message("no exercise is called '{exercise_id}'; {hint}", exercise_id=exercise_id, hint=hint)
    )


def drawing(exercise_id: str, extra_dirs: Iterable[Path] = ()) -> str | None:
    """Return the drawing of an exercise's start and end pose as SVG; None where there is none.

    It is the file `<id>.svg` in the folder of the exercise's TOML file. A file of the person's own that
    replaces a built-in exercise keeps that one's drawing unless they bring another. The built-in drawings
    take their colours from CSS: `--drawing-ink` and `--drawing-band`, with defaults for light and dark.

    Raises:
        ConfigError: the file cannot be read as text.
    """
    for folder in (*reversed(tuple(extra_dirs)), _DATA):
        file = folder / f"{exercise_id}.svg"
        if file.is_file():
            return _text(file)
    return None


def render(exercise: Exercise, easier_cm: Sequence[int], harder_cm: Sequence[int]) -> str:
    """Return the exercise as plain text in the language that is spoken, without a newline at the end.

    Args:
        exercise: what to tell of.
        easier_cm: for each way to change the slack, centimetres that take about a tenth of the tension away.
        harder_cm: the same for about a twentieth more tension.
    """
    told = {
        tr("Anchor"): tr(exercise.anchor_words),
        tr("Start"): tr(exercise.start_pose),
        tr("End"): tr(exercise.end_pose),
        tr("Breath"): _breathing_words(exercise),
        tr("Tempo"): _tempo_words(exercise),
        tr("Band"): tr(
            "about {rest:.0f} cm unstretched, stroke about {stroke:.0f} cm",
            rest=100.0 * exercise.rest_length_m,
            stroke=100.0 * exercise.stroke_m,
        ),
    }
    if exercise.load is Load.ASSISTANCE:
        told[tr("Load")] = tr("negative: the band carries part of your weight, so more slack makes it harder")
    if exercise.sides is Sides.PAIRED:
        told[tr("Sides")] = tr("left and right in turn; both halves make one set")
    width = max(map(len, told)) + 3
    if exercise.load is Load.RESISTANCE:
        more = tr("More slack (at that length about a tenth easier), one of")
        less = tr("Less slack (about a twentieth harder), one of")
    else:
        more = tr("More slack (at that length about a tenth less help), one of")
        less = tr("Less slack (about a twentieth more help), one of")
    lines = [
        f"{tr(exercise.name)}  ({exercise.id})",
        _item("", tr(exercise.summary)),
        "",
        tr("Set up"),
        *(_item(f"  {number}. ", tr(step)) for number, step in enumerate(exercise.setup, start=1)),
        "",
        *(_item(head.ljust(width), text) for head, text in told.items()),
        "",
        more,
        *(
            _item("  - ", tr(way.more_slack, cm=cm))
            for way, cm in zip(exercise.slack, easier_cm, strict=True)
        ),
        less,
        *(
            _item("  - ", tr(way.less_slack, cm=cm))
            for way, cm in zip(exercise.slack, harder_cm, strict=True)
        ),
        "",
        tr("Take care"),
        *(_item("  - ", tr(caution)) for caution in exercise.cautions),
    ]
    return "\n".join(line for text in lines for line in text.split("\n"))


def _item(head: str, text: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )


def _breathing_words(exercise: Exercise) -> str:
    exhales = exercise.breathing.concentric is Breath.EXHALE
    if exercise.load is Load.RESISTANCE:
        if exhales:
            return tr("exhale on the pull, inhale on the return")
        return tr("inhale on the pull, exhale on the return")
    if exhales:
        return tr("exhale on the way up, inhale on the way down")
    return tr("inhale on the way up, exhale on the way down")


def _tempo_words(exercise: Exercise) -> str:
    sentence = (
        mark("pull {effort:g} s, hold {hold:g} s, return {back:g} s, rest {rest:g} s")
        if exercise.load is Load.RESISTANCE
        else mark("way up {effort:g} s, hold {hold:g} s, way down {back:g} s, rest {rest:g} s")
    )
    tempo = exercise.tempo
    return tr(
        sentence, effort=tempo.concentric_s, hold=tempo.hold_s, back=tempo.eccentric_s, rest=tempo.rest_s
    )
