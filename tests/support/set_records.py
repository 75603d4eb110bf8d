from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bandsense.history.records import Conditions, RepRecord, SetRecord, Targets

CONDITIONS = Conditions("sensor", "seated-row", None, "green", 0.75, "BA5E", "inline, 1/0 N per N")
TARGETS = Targets(3, 8, 12, (90.0, 110.0))
MONDAY = date(2026, 10, 5)


def a_rep(peak_n: float = 100.0, **other: object) -> RepRecord:
    rep = RepRecord(peak_n, 2.0, False, 3.0, 2.5 * peak_n, 0.5, 100.0, 0.9, 1.0, 1.5)
    return replace(rep, **other)  # type: ignore[arg-type]


def a_set(
    peaks_n: Iterable[float] = (98.0, 100.0, 102.0),
    *,
    session: int = 1,
    day: int = 0,
    number: int = 1,
    **changed: object,
) -> SetRecord:
    """A set of these peaks, `day` days after the first Monday; `changed` are conditions or the set's own."""
    at = MONDAY + timedelta(days=day)
    conditions = {name: value for name, value in changed.items() if hasattr(CONDITIONS, name)}
    own = {name: value for name, value in changed.items() if name not in conditions}
    return SetRecord(
        session=session,
        number=number,
        started_unix_s=datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp(),
        day=at,
        conditions=replace(CONDITIONS, **conditions),  # type: ignore[arg-type]
        reps=tuple(a_rep(peak) for peak in peaks_n),
        **{"targets": TARGETS, "person": "ann", "exercise_name": "Seated row", **own},  # type: ignore[arg-type]
    )
