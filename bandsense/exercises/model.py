"""What bandsense knows about an exercise; each one is a TOML file that validates against `Exercise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from bandsense.language import Message, did_you_mean, joined, mark, message_of

__all__ = [
    "Anchoring",
    "Breath",
    "Breathing",
    "Exercise",
    "FitExercise",
    "Load",
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


_UNITS = {"_m": mark("metres"), "_n": mark("newtons"), "_s": mark("seconds")}
_BOUNDS = {
    "greater_than": mark("must be more than {gt:g}{unit}, not {given}"),
    "greater_than_equal": mark("must be at least {ge:g}{unit}, not {given}"),
    "less_than": mark("must be less than {lt:g}{unit}, not {given}"),
    "less_than_equal": mark("must be at most {le:g}{unit}, not {given}"),
}


def faults_in(error: ValidationError) -> Message:
    """List every fault that validation found, with its place, in plain words on one line."""
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    missing = [str(fault["loc"][-1]) for fault in faults if fault["type"] == "missing"]
    return joined(
        joined((".".join(map(str, fault["loc"])) or Message("the whole"), _fault_words(fault, missing)), ": ")
        for fault in faults
        # What holds faulty things is not at fault itself.
        if not any(place != fault["loc"] and place[: len(fault["loc"])] == fault["loc"] for place in places)
    )


def _fault_words(fault: Mapping[str, Any], missing: Sequence[str]) -> str:
    kind, given, context = fault["type"], fault["input"], fault.get("ctx", {})
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    unit = joined(("", Message(_UNITS[name[-2:]])), " ") if name[-2:] in _UNITS else ""
    if kind == "missing":
        return Message("is missing")
    if kind == "extra_forbidden":
        near = get_close_matches(name, missing, n=1)
        return Message("is not known; {hint}", hint=did_you_mean(near)) if near else Message("is not known")
    if kind in _BOUNDS:
        return Message(_BOUNDS[kind], unit=unit, given=str(given), **context)
    if kind.startswith("int_"):
        return Message("{given!r} is not a whole number", given=given)
    if kind.startswith("float_"):
        if unit:
            return Message("{given!r} is not a number of{unit}", given=given, unit=unit)
        return Message("{given!r} is not a number", given=given)
    if kind in ("enum", "literal_error"):
        known = str(context["expected"])
        return Message("{given!r} is not known; it can be {known}", given=given, known=known)
    if kind == "string_pattern_mismatch":
        return Message(
            "{given!r} must consist of lower-case letters, digits and hyphens, and begin with a letter",
            given=given,
        )
    if isinstance(own := context.get("error"), ValueError):
        return message_of(own)
    return str(fault["msg"]).removeprefix("Value error, ")


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


_ANCHORS = {
    Anchoring.ANCHORED: mark("a fixed point"),
    Anchoring.BETWEEN_HANDS: mark("none: between the hands"),
    Anchoring.FOOT: mark("under the foot"),
}


class Sides(Enum):
    """Which side works."""

    BOTH = "both"
    PAIRED = "paired"
    """One side after the other: a set is two half-sets, left and right."""


class Load(Enum):
    """What the band does for the person."""

    RESISTANCE = "resistance"
    """The movement works against the band: tension is greatest at the end pose."""
    ASSISTANCE = "assistance"
    """The band carries part of the person's weight: tension is greatest at the start pose, and helps."""

    @property
    def sign(self) -> int:
        """1 for resistance, -1 for assistance: a log of training counts assistance as negative load."""
        return 1 if self is Load.RESISTANCE else -1


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


def _also_called(name: str, before: str) -> Any:
    """Declare a field that files of version 0.1.0 call `before`."""
    return Field(validation_alias=AliasChoices(name, before))


class Tempo(_Data):
    """Seconds of each phase of one repetition, in the order in which they happen.

    Files of version 0.1.0 say `pull_s` and `return_s`; they are still read.
    """

    concentric_s: Annotated[MovingSeconds, Field(validation_alias=AliasChoices("concentric_s", "pull_s"))] = (
        1.5
    )
    hold_s: PhaseSeconds = 0.5
    eccentric_s: Annotated[MovingSeconds, Field(validation_alias=AliasChoices("eccentric_s", "return_s"))] = (
        2.5
    )
    rest_s: PhaseSeconds = 0.5

    @property
    def rep_s(self) -> float:
        """Seconds of one repetition."""
        return self.concentric_s + self.hold_s + self.eccentric_s + self.rest_s


class Breathing(_Data):
    """What the breath does on each movement: out with the effort unless the exercise says otherwise."""

    concentric: Annotated[Breath, _also_called("concentric", "pull")] = Breath.EXHALE
    eccentric: Annotated[Breath, _also_called("eccentric", "return")] = Breath.INHALE

    @model_validator(mode="after")
    def _alternates(self) -> Self:
        if self.concentric is self.eccentric:
            raise ValueError("the breath must turn: pull and return cannot both be the same")
        return self


class SlackMethod(_Data):
    """One way to give the band more or less slack on this exercise.

    Attributes:
        kind: decides which form of the slack law applies (see `bandsense.bands.slack`).
        more_slack: sentence that makes the band pull less, with `{cm}` where the amount goes.
        less_slack: sentence that makes it pull more, with `{cm}` where the amount goes.
        share: part of the change of one strand that each place of the sentence takes. A band held
            between two hands is one strand with two ends, so each hand takes half of its change. More than
            1 where a step to the anchor does not go along the band, so that more of it is needed.
    """

    kind: SlackMethodKind
    more_slack: Line
    less_slack: Line
    share: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        for name in ("more_slack", "less_slack"):
            sentence = getattr(self, name)
            if sentence.count("{cm}") != 1 or set("{}") & set(sentence.replace("{cm}", "")):
                raise ValueError(
                    f"{name} must contain {{cm}} once, where the amount goes, and no other braces"
                )
        return self


class FitExercise(_Data):
    """Numbers by which a FIT file names an exercise (FIT profile 21.218, `exercise_category`).

    Attributes:
        category: of `exercise_category`; 37 is `banded_exercises`.
        subtype: of the category's own list of exercises; None where it has no fitting one.
    """

    category: Annotated[int, Field(ge=0, le=65533)] = 37
    subtype: Annotated[int, Field(ge=0, le=65533)] | None = None


class Exercise(_Data):
    """An exercise with a band: how it is set up, moved, breathed and adjusted.

    Attributes:
        id: short name used on the command line: small letters, digits and hyphens.
        anchoring: what kind of thing holds the far end of the band.
        anchor: where that is, in words.
        sides: both arms together, or left and right as paired half-sets.
        load: whether the band resists the movement or assists it.
        breathing, tempo: of the person's movement, concentric first, whatever tension does.
        fit: how a FIT file names it.
        slack: ways to change the slack, the preferred one first.
        rest_length_m: typical unstretched length of one strand between hand and anchor (or between
            the hands). A starting point for a newcomer; the person's own value replaces it.
        stroke_m: typical change of that distance between start and end pose.
    """

    id: Identifier
    name: Line
    summary: Line
    anchoring: Anchoring
    anchor: Line | None = None
    sides: Sides = Sides.BOTH
    load: Load = Load.RESISTANCE
    fit: FitExercise = FitExercise()
    setup: Annotated[tuple[Line, ...], Field(min_length=1)]
    start_pose: Line
    end_pose: Line
    slack: Annotated[tuple[SlackMethod, ...], Field(min_length=1)]
    cautions: Annotated[tuple[Line, ...], Field(min_length=1)]
    breathing: Breathing = Breathing()
    tempo: Tempo = Tempo()
    rest_length_m: Metres
    stroke_m: Metres

    @property
    def breathing_by_tension(self) -> Breathing:
        """Breathing with the phases that tension shows: `concentric` while it rises.

        With an assisting band tension falls in the effort, so the two change places.
        """
        if self.load is Load.RESISTANCE:
            return self.breathing
        return Breathing(concentric=self.breathing.eccentric, eccentric=self.breathing.concentric)

    @property
    def tempo_by_tension(self) -> Tempo:
        """Tempo with the phases that tension shows; `hold_s` is where tension is greatest."""
        if self.load is Load.RESISTANCE:
            return self.tempo
        tempo = self.tempo
        return Tempo(
            concentric_s=tempo.eccentric_s,
            hold_s=tempo.rest_s,
            eccentric_s=tempo.concentric_s,
            rest_s=tempo.hold_s,
        )

    @property
    def anchor_words(self) -> str:
        """Where the far end of the band is held, for a person, in English."""
        return self.anchor or _ANCHORS[self.anchoring]

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
