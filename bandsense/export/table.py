"""A session laid out for export: its sensors sample by sample, with the repetitions found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandsense.samples import BoolArray, FloatArray, Unit
from bandsense.store.model import Session, Stream

__all__ = ["COLUMNS", "Column", "SessionTable", "StreamTable", "session_json", "utc"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the export: its name, its type in CSV on the Web, what it holds and in which unit."""

    name: str
    datatype: str
    description: str
    unit: str | None = None


COLUMNS = (
    Column("time_s", "double", "Device time in seconds, from the sensor's own clock", "s"),
    Column("raw", "double", "Reading as the sensor sent it, in counts or in the sensor's own unit of force"),
    Column("tension_n", "double", "Tension in newtons as shown: by calibration, tares and tracked zero", "N"),
    Column("tension_uncertainty_n", "double", "Standard uncertainty (k = 1) of the tension in newtons", "N"),
    Column("phase", "string", "rest, concentric, hold or eccentric, as seen live"),
    Column("rep", "integer", "Number of the repetition from pull start to end, 0 between repetitions"),
    Column("rep_probability", "double", "Probability that this is a repetition, 0 between repetitions"),
    Column("set", "integer", "Number of the set from its first pull start to its last end, 0 between sets"),
    Column("gap_before", "boolean", "Samples are missing between this one and the one before"),
    Column("saturated", "boolean", "The converter was at the end of its range"),
)


@dataclass(frozen=True, slots=True, eq=False)
class StreamTable:
    """One sensor's part, one entry per sample in each array.

    Attributes:
        stream: where it comes from.
        sets: the finished sets as JSON objects.
        inputs: what besides samples reached the session (a tare, an answer), and after how many samples.
    """

    stream: Stream
    time_s: FloatArray
    raw: FloatArray | NDArray[np.int64]
    tension_n: FloatArray
    tension_uncertainty_n: FloatArray
    phase: NDArray[np.str_]
    rep: NDArray[np.int64]
    rep_probability: FloatArray
    set: NDArray[np.int64]
    gap_before: BoolArray
    saturated: BoolArray
    sets: tuple[Mapping[str, Any], ...]
    inputs: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def empty(
        cls,
        stream: Stream,
        sets: tuple[Mapping[str, Any], ...] = (),
        inputs: tuple[Mapping[str, Any], ...] = (),
    ) -> StreamTable:
        """Lay out a stream without its samples."""
        none, whole, marks = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
        return cls(
            stream=stream,
            time_s=none,
            raw=none,
            tension_n=none,
            tension_uncertainty_n=none,
            phase=np.zeros(0, dtype=np.str_),
            rep=whole,
            rep_probability=none,
            set=whole,
            gap_before=marks,
            saturated=marks,
            sets=sets,
            inputs=inputs,
        )

    def __len__(self) -> int:
        return int(self.time_s.size)

    def tension_at(self, at_s: FloatArray, reach_s: float = 0.0) -> FloatArray:
        """Interpolate the tension at times from the first sample on.

        NaN in a gap; up to `reach_s` after the sample before it, the line across it is told.
        """
        before = np.searchsorted(self.time_s, at_s, side="right") - 1
        following = np.minimum(before + 1, len(self) - 1)
        missing = self.gap_before[following] & (at_s > self.time_s[before] + reach_s)
        return np.where(missing, np.nan, np.interp(at_s, self.time_s, self.tension_n))

    def column(self, name: str) -> NDArray[Any]:
        """Return the values of one of `COLUMNS`."""
        values: NDArray[Any] = getattr(self, name)
        return values

    @property
    def columns(self) -> tuple[Column, ...]:
        """`COLUMNS` as they are for this sensor: whole counts, and `raw` in the sensor's unit."""
        unit = self.stream.unit
        raw = {"datatype": "integer" if unit is Unit.COUNT else "double", "unit": unit.value}
        return tuple(replace(column, **raw) if column.name == "raw" else column for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class SessionTable:
    """A session with all its sensors."""

    session: Session
    streams: tuple[StreamTable, ...]

    def unix_s(self, table: StreamTable, device_s: float) -> float:
        """Return the time of day of a sensor's time, by its clock where that is known."""
        clocks = (self.session.summary or {}).get("clocks") or {}
        clock = clocks.get(table.stream.side) if isinstance(clocks, Mapping) else None
        if clock:
            return float(clock["unix_s"] + clock["rate"] * (device_s - clock["device_s"]))
        origin_s = float(table.time_s[0]) if len(table) else table.stream.first_time_s or 0.0
        return self.session.started_unix_s + device_s - origin_s

    def stem(self, table: StreamTable) -> str:
        """Name of a file for one sensor of the session, without its ending."""
        name = f"session-{self.session.id}"
        if len(self.streams) == 1:
            return name
        sides = [stream.stream.side for stream in self.streams]
        if table.stream.side is not None and sides.count(table.stream.side) == 1:
            return f"{name}-{table.stream.side}"
        return f"{name}-{self.streams.index(table) + 1}"


def utc(unix_s: float | None) -> str | None:
    """Format a time as ISO 8601 in UTC, to the millisecond."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def session_json(session: Session) -> dict[str, Any]:
    """Return what is known of a session besides its samples."""
    return {
        "session": session.id,
        "state": session.state.value,
        "started": utc(session.started_unix_s),
        "ended": utc(session.ended_unix_s),
        "source": session.source,
        "person": session.person,
        "exercise": session.exercise,
        "band": session.band,
        "software": session.software,
        "summary": session.summary,
    }


def stream_json(stream: Stream) -> dict[str, Any]:
    """Return what is known of one sensor's part besides its samples."""
    return {
        "sensor": stream.sensor,
        "side": stream.side,
        "unit": stream.unit.value,
        "samples": stream.samples,
        "settings": stream.settings,
    }
