"""What reaches a workout besides samples, as frozen values: the counterpart of `workout.events`.

Stores and captures keep an input as a name and a JSON object: `input_name`, `input_data`, and back by
`input_from`. The names are those of version 0.1.0, so that its recordings replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from bandsense.errors import DataError

__all__ = [
    "AddRep",
    "BatteryLevel",
    "EndSet",
    "Input",
    "LinkChange",
    "SensorTemperature",
    "SlackAnswer",
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
    """The person says that a movement which was not counted was a repetition."""


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """The person does what was advised last (`followed`), or leaves the slack as it is."""

    followed: bool


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
            raise DataError("a temperature must be a finite number")


@dataclass(frozen=True, slots=True)
class TemperatureProblem:
    """The sensor's temperature cannot be had; `message` says why, and what follows from that."""

    message: str


Input = (
    Tare
    | EndSet
    | UndoRep
    | AddRep
    | SlackAnswer
    | LinkChange
    | BatteryLevel
    | SensorTemperature
    | TemperatureProblem
)

_NAMES: dict[type[Input], str] = {
    Tare: "tare",
    EndSet: "end_set",
    UndoRep: "undo_rep",
    AddRep: "add_rep",
    SlackAnswer: "slack",
    LinkChange: "link",
    BatteryLevel: "battery",
    SensorTemperature: "temperature",
    TemperatureProblem: "temperature_problem",
}
_READERS: dict[str, Callable[[Mapping[str, Any]], Input]] = {
    "tare": lambda _data: Tare(),
    "end_set": lambda _data: EndSet(),
    "undo_rep": lambda _data: UndoRep(),
    "add_rep": lambda _data: AddRep(),
    "slack": lambda data: SlackAnswer(bool(data["followed"])),
    "link": lambda data: LinkChange(str(data["state"]), str(data["message"])),
    "battery": lambda data: BatteryLevel(int(data["percent"])),
    "temperature": lambda data: SensorTemperature(float(data["celsius"])),
    "temperature_problem": lambda data: TemperatureProblem(str(data["message"])),
}


def input_name(value: Input) -> str:
    """The name of an input in stores and captures."""
    return _NAMES[type(value)]


def input_data(value: Input) -> dict[str, Any]:
    """Its particulars, as JSON object."""
    return asdict(value)


def input_from(name: str, data: Mapping[str, Any]) -> Input:
    """The input of this name and these particulars, as a store or a capture kept them.

    Raises:
        DataError: the name is not known to this version, or something is missing or makes no sense.
    """
    if name not in _READERS:
        raise DataError(f"the input {name!r} is not known to this version; update bandsense to replay it")
    try:
        return _READERS[name](data)
    except KeyError as error:
        raise DataError(f"the input {name!r} lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the input {name!r} is damaged: {error}") from error
