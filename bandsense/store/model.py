"""What the store keeps and gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bandsense.samples import Unit

__all__ = [
    "Input",
    "JsonObject",
    "NewSession",
    "NewStream",
    "Session",
    "SessionFilter",
    "SessionState",
    "StoredEvent",
    "Stream",
    "is_simulated_source",
]

JsonObject = Mapping[str, Any]
"""A JSON object: string keys; values that `json` can write."""

_SIMULATED = ("simulator", "demonstration")
"""First words of the sources that are no sensor."""


def is_simulated_source(source: str) -> bool:
    """Tell whether a session's source, as it is stored, is a simulated sensor."""
    return source.split(" ")[0] in _SIMULATED


class SessionState(Enum):
    """How a session ended."""

    OPEN = "open"
    """Being recorded."""
    COMPLETE = "complete"
    RECOVERED = "recovered"
    """Its recorder was cut short; found and closed at the next start."""


@dataclass(frozen=True, slots=True)
class NewStream:
    """One sensor's part in a session to record.

    Attributes:
        sensor: its identity: serial number or address.
        unit: what its samples are.
        settings: everything needed to analyse the samples again: calibration, exercise, band, …
        side: left or right, where there are two.
    """

    sensor: str
    unit: Unit
    settings: JsonObject = field(default_factory=dict)
    side: str | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to record.

    Attributes:
        source: where samples come from: `sensor`, `simulator` or a recording's name.
        started_unix_s: when, in seconds since 1970-01-01 UTC.
        software: name and version of what records.
    """

    source: str
    started_unix_s: float
    streams: tuple[NewStream, ...]
    software: str
    person: str | None = None
    exercise: str | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are looked for; None for any.

    Attributes:
        since_unix_s, until_unix_s: begun from then on, and before then.
    """

    since_unix_s: float | None = None
    until_unix_s: float | None = None
    person: str | None = None
    exercise: str | None = None
    band: str | None = None
    binned: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """One sensor's part in a stored session.

    Attributes:
        damage: what of it cannot be read, in words; None where everything can.
    """

    id: int
    sensor: str
    unit: Unit
    settings: JsonObject
    side: str | None
    samples: int
    first_time_s: float | None
    last_time_s: float | None
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A stored session.

    Attributes:
        damage: what of it cannot be read, in words; empty where everything can.
    """

    id: int
    state: SessionState
    source: str
    started_unix_s: float
    ended_unix_s: float | None
    person: str | None
    exercise: str | None
    software: str
    summary: JsonObject | None
    streams: tuple[Stream, ...]
    band: str | None = None
    damage: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether a simulated sensor, or a demonstration with one, was the source."""
        return is_simulated_source(self.source)

    @property
    def samples(self) -> int:
        """Samples of all streams."""
        return sum(stream.samples for stream in self.streams)


@dataclass(frozen=True, slots=True)
class Input:
    """Something besides samples that reached the analysis (a tare, a change of the link), in its place."""

    after_samples: int
    kind: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was shown when it happened."""

    kind: str
    data: JsonObject
