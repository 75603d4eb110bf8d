"""What reaches a workout besides samples, as frozen values: the counterpart of `workout.events`.

Stores and captures keep an input as a name and a JSON object: `input_name`, `input_data`, and back by
`input_from`. The names are those of version 0.1.0, so that its recordings replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.workout.feedback import Feedback

__all__ = [
    "AddRep",
    "BatteryLevel",
    "EndSet",
    "Input",
    "LinkChange",
    "RestChange",
    "SensorTemperature",
    "SetFeedback",
    "SlackAnswer",
    "StorageChange",
    "Tare",
    "TemperatureProblem",
    "UndoRep",
    "input_data",
    "input_from",
    "input_name",
]


@dataclass(frozen=True, slots=True)
class Tare:
    """The band is slack now; take this as zero."""


@dataclass(frozen=True, slots=True)
class EndSet:
    """The person says that the set is over."""


@dataclass(frozen=True, slots=True)
class UndoRep:
    """The person says that the latest repetition was none."""


@dataclass(frozen=True, slots=True)
class AddRep:
    """The person says that a movement which was not counted was a repetition, or that all of a set were."""


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """The person does what was advised last (`followed`), or leaves the slack as it is."""

    followed: bool


@dataclass(frozen=True, slots=True)
class SetFeedback:
    """What the person says of a set; nothing said skips what is asked (`workout.feedback`).

    Attributes:
        said: scores and note.
        number: of the set; None for the last one that is done, 0 for a note on the whole session.
    """

    said: Feedback = field(default_factory=Feedback)
    number: int | None = None


@dataclass(frozen=True, slots=True)
class RestChange:
    """The present rest lasts so many seconds longer; shorter where it is negative, to nothing at most.

    Raises:
        DataError: it is not a finite number.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not isfinite(self.seconds):
            raise DataError(Message("a change of the rest must be a finite number of seconds"))


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The connection to the sensor changed; `message` says it in words."""

    state: str
    message: str


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    """The sensor's battery level in percent."""

    percent: int


@dataclass(frozen=True, slots=True)
class SensorTemperature:
    """The sensor's temperature in °C, before its first sample.

    Raises:
        DataError: it is not a finite number.
    """

    celsius: float

    def __post_init__(self) -> None:
        if not isfinite(self.celsius):
            raise DataError(Message("a temperature must be a finite number"))


@dataclass(frozen=True, slots=True)
class TemperatureProblem:
    """The sensor's temperature cannot be had; `message` says why, and what follows from that."""

    message: str


@dataclass(frozen=True, slots=True)
class StorageChange:
    """Samples cannot be stored, and why; or they can again, where `problem` is None."""

    problem: str | None


Input = (
    Tare
    | EndSet
    | UndoRep
    | AddRep
    | SlackAnswer
    | SetFeedback
    | RestChange
    | LinkChange
    | BatteryLevel
    | SensorTemperature
    | TemperatureProblem
    | StorageChange
)

_NAMES: dict[type[Input], str] = {
    Tare: "tare",
    EndSet: "end_set",
    UndoRep: "undo_rep",
    AddRep: "add_rep",
    SlackAnswer: "slack",
    SetFeedback: "feedback",
    RestChange: "rest",
    LinkChange: "link",
    BatteryLevel: "battery",
    SensorTemperature: "temperature",
    TemperatureProblem: "temperature_problem",
    StorageChange: "storage",
}
_READERS: dict[str, Callable[[Mapping[str, Any]], Input]] = {
    "tare": lambda _data: Tare(),
    "end_set": lambda _data: EndSet(),
    "undo_rep": lambda _data: UndoRep(),
    "add_rep": lambda _data: AddRep(),
    "slack": lambda data: SlackAnswer(bool(data["followed"])),
    "feedback": lambda data: SetFeedback(Feedback(**data["said"]), data.get("number")),
    "rest": lambda data: RestChange(float(data["seconds"])),
    "link": lambda data: LinkChange(str(data["state"]), str(data["message"])),
    "battery": lambda data: BatteryLevel(int(data["percent"])),
    "temperature": lambda data: SensorTemperature(float(data["celsius"])),
    "temperature_problem": lambda data: TemperatureProblem(str(data["message"])),
    "storage": lambda data: StorageChange(None if data["problem"] is None else str(data["problem"])),
}


def input_name(value: Input) -> str:
    """Return the name of an input in stores and captures."""
    return _NAMES[type(value)]


def input_data(value: Input) -> dict[str, Any]:
    """Its particulars, as JSON object."""
    return asdict(value)


def input_from(name: str, data: Mapping[str, Any]) -> Input:
    """Restore an input from this name and these particulars, as a store or a capture kept them.

    Raises:
        DataError: the name is not known to this version, or something is missing or makes no sense.
    """
    if name not in _READERS:
        raise DataError(
            Message(
                "the input {name!r} is not known to this version; update bandsense to replay it", name=name
            )
        )
    try:
        return _READERS[name](data)
    except KeyError as error:
        raise DataError(Message("the input {name!r} lacks {error}", name=name, error=error)) from error
    except (TypeError, ValueError) as error:
        raise DataError(Message("the input {name!r} is damaged: {error}", name=name, error=error)) from error
