"""Sessions without what tells whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bandsense.export.table import SessionTable, StreamTable

__all__ = ["anonymous"]

FIRST_UNIX_S = 946_684_800.0
"""2000-01-01 00:00 UTC: the earliest session is moved here, and the others by as much."""

_PRIVATE = {"note", "setup", "anchor", "address", "label", "made_at_s", "message"}
"""Keys whose values people wrote themselves, or that tell when or where something was."""


def anonymous(tables: Sequence[SessionTable]) -> list[SessionTable]:
    """Replace people, sensors, bands and numbers by running ones, move all times alike, and leave out notes.

    Tension, times within a session and between sessions, exercises and settings stay.
    """
    shift_s = FIRST_UNIX_S - min((table.session.started_unix_s for table in tables), default=FIRST_UNIX_S)
    names: dict[tuple[str, str], str] = {}

    def number(kind: str, name: str | None) -> str | None:
        if name is None:
            return None
        count = sum(known == kind for known, _ in names)
        return names.setdefault((kind, name), f"{kind}-{count + 1}")

    result = []
    for place, table in enumerate(sorted(tables, key=lambda each: each.session.started_unix_s), 1):
        session = table.session
        streams = tuple(
            _stream(stream, str(number("sensor", stream.stream.sensor)), number) for stream in table.streams
        )
        moved = replace(
            session,
            id=place,
            started_unix_s=session.started_unix_s + shift_s,
            ended_unix_s=None if session.ended_unix_s is None else session.ended_unix_s + shift_s,
            person=number("person", session.person),
            band=number("band", session.band),
            summary=None if session.summary is None else _summary(session.summary, shift_s),
            streams=tuple(stream.stream for stream in streams),
        )
        result.append(SessionTable(moved, streams))
    return result


def _stream(table: StreamTable, sensor: str, number: Any) -> StreamTable:
    settings = dict(_without_private(table.stream.settings))
    band = (table.stream.settings.get("setup") or {}).get("band")
    if band is not None:
        settings["setup"] = {"band": number("band", band)}
    stream = replace(table.stream, sensor=sensor, settings=settings)
    sets = tuple(_without_private(each) for each in table.sets)
    inputs = tuple(_without_private(each) for each in table.inputs if each["kind"] != "feedback")
    return replace(table, stream=stream, sets=sets, inputs=inputs)


def _summary(summary: Mapping[str, Any], shift_s: float) -> dict[str, Any]:
    kept: dict[str, Any] = _without_private(summary)
    clocks = kept.get("clocks") or {}
    for clock in clocks.values():
        if clock:
            clock["unix_s"] += shift_s
    return kept


def _without_private(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: "" if key in _PRIVATE and isinstance(item, str) else _without_private(item)
            for key, item in value.items()
            if not (key in _PRIVATE and not isinstance(item, str))
        }
    if isinstance(value, list | tuple):
        return [_without_private(item) for item in value]
    return value
