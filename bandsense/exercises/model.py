"""What bandsense knows about an exercise; each one is a TOML file that validates against `Exercise`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

__all__ = [
    "Anchoring",
    "Breath",
    "Breathing",
    "Exercise",
    "Side",
    "Sides",
    "SlackMethod",
    "SlackMethodKind",
    "Tempo",
    "faults_in",
]

Side = Literal["left", "right"]

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
PhaseSeconds = Annotated[float, Field(ge=0.0, le=30.0)]
MovingSeconds = Annotated[float, Field(ge=0.2, le=30.0)]
Metres = Annotated[float, Field(gt=0.05, le=5.0)]


def faults_in(error: ValidationError) -> str:
    """Every fault that validation found, with its place, in one line for a person."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False)
    )


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Anchoring(Enum):
    """What holds the far end of the band."""

    ANCHORED = "anchored"
    """A fixed point: door anchor, post, rack."""
    BETWEEN_HANDS = "between_hands"
    """Nothing: each hand pulls against the other."""
    FOOT = "foot"
    """The person stands on it."""


class Sides(Enum):
    """Which side works."""

    BOTH = "both"
    PAIRED = "paired"
    """One side after the other: a set is two half-sets, left and right."""


class Breath(Enum):
    """What the breath does during a movement."""

    INHALE = "inhale"
    EXHALE = "exhale"


class SlackMethodKind(Enum):
    """How the amount of band between hand and anchor is changed."""

    GRIP = "grip"
    """The hand takes the band further in, or lets some out."""
    ANCHOR_DISTANCE = "anchor_distance"
    """The person stands, sits or kneels nearer to the anchor, or further away."""
    FOOT = "foot"
    """Band is moved under the foot that stands on it."""


class Tempo(_Data):
    """Seconds of each phase of one repetition, in the order in which they happen."""

    pull_s: MovingSeconds = 1.5
    hold_s: PhaseSeconds = 0.5
    return_s: MovingSeconds = 2.5
    rest_s: PhaseSeconds = 0.5

    @property
    def rep_s(self) -> float:
        """Seconds of one repetition."""
        return self.pull_s + self.hold_s + self.return_s + self.rest_s


class Breathing(_Data):
    """What the breath does on each movement: out with the effort unless the exercise says otherwise."""

    pull: Breath = Breath.EXHALE
    return_: Annotated[Breath, Field(alias="return")] = Breath.INHALE

    @model_validator(mode="after")
    def _alternates(self) -> Self:
        if self.pull is self.return_:
            raise ValueError("the breath must turn: pull and return cannot both be the same")
        return self


class SlackMethod(_Data):
    """One way to give the band more or less slack on this exercise.

    Attributes:
        kind: decides which form of the slack law applies (see `bandsense.bands.slack`).
        more_slack: sentence that makes the exercise easier, with `{cm}` where the amount goes.
        less_slack: sentence that makes it harder, with `{cm}` where the amount goes.
        share: part of the change of one strand that each place of the sentence takes. A band held
            between two hands is one strand with two ends, so each hand takes half of its change.
    """

    kind: SlackMethodKind
    more_slack: Line
    less_slack: Line
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        for name in ("more_slack", "less_slack"):
            if getattr(self, name).count("{cm}") != 1:
                raise ValueError(f"{name} must contain {{cm}} once, where the amount goes")
        return self


class Exercise(_Data):
    """An exercise with a band: how it is set up, moved, breathed and adjusted.

    Attributes:
        id: short name used on the command line: small letters, digits and hyphens.
        sides: both arms together, or left and right as paired half-sets.
        slack: ways to change the slack, the preferred one first.
        rest_length_m: typical unstretched length of one strand between hand and anchor (or between
            the hands). A starting point for a newcomer; the person's own value replaces it.
        stroke_m: typical change of that distance from start to end pose.
    """

    id: Identifier
    name: Line
    summary: Line
    anchoring: Anchoring
    sides: Sides = Sides.BOTH
    setup: Annotated[tuple[Line, ...], Field(min_length=1)]
    start_pose: Line
    end_pose: Line
    slack: Annotated[tuple[SlackMethod, ...], Field(min_length=1)]
    cautions: Annotated[tuple[Line, ...], Field(min_length=1)]
    breathing: Breathing = Breathing()
    tempo: Tempo = Tempo()
    rest_length_m: Metres
    stroke_m: Metres

    @model_validator(mode="after")
    def _stays_within_the_band(self) -> Self:
        if self.stroke_m > 2.0 * self.rest_length_m:
            raise ValueError(
                f"a stroke of {self.stroke_m} m would stretch {self.rest_length_m} m of band beyond three "
                "times its resting length; give a longer rest_length_m or a shorter stroke_m"
            )
        return self

    @model_validator(mode="after")
    def _can_be_adjusted_as_anchored(self) -> Self:
        kinds = {method.kind for method in self.slack}
        if SlackMethodKind.FOOT in kinds and self.anchoring is not Anchoring.FOOT:
            raise ValueError("slack cannot be changed under the foot: the band is not anchored there")
        if SlackMethodKind.ANCHOR_DISTANCE in kinds and self.anchoring is not Anchoring.ANCHORED:
            raise ValueError("slack cannot be changed by stepping: there is no fixed anchor")
        return self
