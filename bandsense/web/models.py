"""The interface for programs, version 1: what is sent and what comes back, as pydantic models.

The OpenAPI document and the JSON schema of the stream (docs/interface/) are made from these models, and a
test holds what the server sends against them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ActionRequest",
    "Blink",
    "ChoiceRequest",
    "Choices",
    "ClientMessage",
    "Entry",
    "LastChoice",
    "Links",
    "Look",
    "Now",
    "PairRequest",
    "Problem",
    "SensorEntry",
    "ServerMessage",
    "Sighting",
    "SoundMessage",
    "StationState",
    "ToneMessage",
    "ViewMessage",
]

Key = Literal["main", "left", "right"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Told(BaseModel):
    """What the server says may grow within a version: a reader ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")


class Problem(_Told):
    """What went wrong, and what to do about it."""

    error: str


class ChoiceRequest(_Model):
    """What to train, and with what; what is left away is as it was last time."""

    person: str | None = Field(default=None, max_length=40)
    exercise: str | None = Field(default=None, max_length=40)
    band: str | None = Field(default=None, max_length=40)
    side: Literal["left", "right"] | None = None
    sensors: list[str] = Field(default_factory=list, max_length=2)
    pre_stretched: bool = False
    simulated: bool = False


class ActionRequest(_Model):
    """Something to ask for in a session, by its key (`station.actions`)."""

    action: str = Field(max_length=1)
    view: Key | None = Field(default=None, description="of which sensor; all of them where it is left away")


class PairRequest(_Model):
    """A sensor that was heard, what it is to be called, and the side it is on."""

    address: str = Field(max_length=64)
    name: str | None = Field(default=None, max_length=16)
    side: Literal["left", "right"] | None = None


class Blink(_Model):
    """A sensor that is to blink."""

    address: str = Field(max_length=64)


class Look(_Model):
    """Look for sensors on the air, or leave it."""

    on: bool = True


class Entry(_Told):
    """Something to choose."""

    id: str
    name: str


class ExerciseEntry(Entry):
    """An exercise to choose."""

    sides: Literal["both", "paired"]


class SensorEntry(Entry):
    """A sensor that is known."""

    side: str | None = None


class LastChoice(_Told):
    """What was chosen last."""

    person: str | None = None
    exercise: str
    band: str | None = None


class Choices(_Told):
    """What there is to choose from."""

    people: list[Entry]
    exercises: list[ExerciseEntry]
    bands: list[Entry]
    sensors: list[SensorEntry]
    last: LastChoice
    simulator: bool = Field(description="whether a simulated sensor can be used")


class Links(_Told):
    """Addresses for other devices; empty on a server that is open to this computer alone."""

    train: str = ""
    watch: str = ""


class Sighting(_Told):
    """A sensor that was heard."""

    address: str
    name: str
    distance: str
    bars: int
    battery_percent: int | None = None
    connected: bool = False


class StationState(_Told):
    """What the station is doing."""

    phase: Literal["idle", "connecting", "training", "finished"] | None = None
    message: str | None = None
    error: str | None = None
    session: int | None = None
    compared: str | None = Field(default=None, description="the finished session against the time before")
    looking: bool | None = None
    pairing: str | None = None
    sensors: list[Sighting] | None = None
    actions: dict[str, str] | None = Field(default=None, description="what can be asked for, by key")
    choice: dict[str, Any] | None = None
    screens: int | None = Field(default=None, description="how many pages are open")


class Now(_Told):
    """What changes all the time, as it is at this moment."""

    time_s: float | None = Field(default=None, description="device time, seconds")
    tension_n: float | None = None
    tension_uncertainty_n: float | None = None
    rest_left_s: float | None = Field(default=None, description="negative when the rest is over")
    lost_s: float | None = Field(default=None, description="for how long the sensor has not been heard")


class ViewMessage(_Told):
    """One sensor's view."""

    changed: dict[str, Any] = Field(
        default_factory=dict,
        description="keys of the snapshot that have another value than before, with it; "
        "`bandsense.live.state.ViewState.snapshot` lists them",
    )
    now: Now = Field(default_factory=lambda: Now())
    levels: list[tuple[float, float]] = Field(
        default_factory=list, description="further samples: device time in seconds, tension in newtons"
    )


class ToneMessage(_Told):
    """A sine from one frequency to another."""

    start_hz: float
    end_hz: float
    at_ms: int
    duration_ms: int
    gain_db: float


class SoundMessage(_Told):
    """Something to be heard now."""

    kind: str
    priority: int
    tones: list[ToneMessage]
    say: str
    vibration_ms: list[int]
    delay_ms: int


class ServerMessage(_Told):
    """A message of the stream; with `full` it is the whole snapshot: forget what was before."""

    protocol: Literal[1]
    full: bool
    station: StationState | None = None
    views: dict[Key, ViewMessage]
    sounds: list[SoundMessage] = Field(default_factory=list)


class ClientMessage(ActionRequest):
    """What a page sends over the stream."""
