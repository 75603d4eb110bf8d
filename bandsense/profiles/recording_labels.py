"""What a person says of a recording that they give to the project: a TOML file, see `TEMPLATE`."""

from __future__ import annotations

import tomllib
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bandsense.errors import FileFormatError
from bandsense.exercises.model import faults_in
from bandsense.language import Message

__all__ = ["CONSENT", "TEMPLATE", "HowLabelled", "Labels", "read_labels"]

CONSENT = "CC0: the person who trained agrees that everybody may use this recording for any purpose"
"""What `consent` has to say, word for word, so that it is written knowingly."""

TEMPLATE = f"""# What was recorded, and how it is known. Write no name, address or date of birth here.
exercise = "seated-row"       # `bandsense exercises` lists the names; "none" for walking, a car, fiddling
repetitions = 8               # what a person would say, whatever a program counts
labelled_by = "video"         # metronome, video, encoder, counted-aloud
sensor = "own build, 80 Hz"   # make, and anything unusual about it
band = "red loop, 1.2 m"      # optional
tops_s = []                   # optional: seconds from the first sample at which each pull was at its top
notes = ""                    # optional: what went wrong, what is special
consent = ""                  # {CONSENT}
"""

_NOT_MOVEMENT = "none"

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


class HowLabelled(Enum):
    """How the truth is known, the surest first."""

    ENCODER = "encoder"
    VIDEO = "video"
    METRONOME = "metronome"
    COUNTED_ALOUD = "counted-aloud"


class Labels(BaseModel):
    """What a person says of a recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exercise: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
    repetitions: Annotated[int, Field(ge=0, le=500)]
    labelled_by: HowLabelled
    sensor: Annotated[Words, Field(min_length=3)]
    band: Words = ""
    tops_s: tuple[Annotated[float, Field(ge=0.0, allow_inf_nan=False)], ...] = ()
    notes: Words = ""
    consent: Literal[
        "CC0: the person who trained agrees that everybody may use this recording for any purpose"
    ]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.tops_s and len(self.tops_s) != self.repetitions:
            raise ValueError(f"tops_s has {len(self.tops_s)} times for {self.repetitions} repetitions")
        if list(self.tops_s) != sorted(self.tops_s):
            raise ValueError("tops_s is not in the order of time")
        if self.exercise == _NOT_MOVEMENT and self.repetitions:
            raise ValueError("the exercise is none, but repetitions are not 0")
        return self


def read_labels(path: Path) -> Labels:
    """Read a labels file (TOML, see `TEMPLATE`).

    Raises:
        FileFormatError: it is no TOML, lacks something, or contradicts itself; says what to write.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(path, Message("there is no such file")) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileFormatError(path, Message("cannot be read as TOML: {error}", error=error)) from error
    if given.get("consent") != CONSENT:
        raise FileFormatError(
            path,
            Message(
                'consent must say, once the person agrees: consent = "{consent}"; without it '
                "nothing is packed",
                consent=CONSENT,
            ),
        )
    try:
        return Labels.model_validate(given)
    except ValidationError as error:
        raise FileFormatError(path, faults_in(error)) from error
