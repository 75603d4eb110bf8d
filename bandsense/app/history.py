"""What the store keeps of finished sets, read for the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import tzinfo
from math import isfinite
from typing import Any

from bandsense.app.set_records import set_records, slack_change_cm
from bandsense.app.trainee import profiles_of
from bandsense.errors import BandsenseError
from bandsense.history.compare import LastTime
from bandsense.history.overview import Overview
from bandsense.history.records import SetRecord, with_slack_summed
from bandsense.history.trends import Trend
from bandsense.history.uncertainty import Change
from bandsense.history.wear import BandHistory, band_history
from bandsense.store.model import Session
from bandsense.store.store import Store

__all__ = ["History", "bands_of", "overview_json", "read_history"]


@dataclass(frozen=True, slots=True)
class History:
    """The finished sets of the people of a store.

    Attributes:
        records: in order of time.
        unreadable: numbers of the sessions that could not be read; they are left out.
    """

    records: tuple[SetRecord, ...]
    unreadable: tuple[int, ...] = ()

    @property
    def last_person(self) -> str | None:
        """Who trained last; None where nobody did, or nobody was named."""
        return self.records[-1].person if self.records else None

    def of(self, person: str | None = None, exercise: str | None = None) -> tuple[SetRecord, ...]:
        """Give the sets of a person, and of an exercise where one is given."""
        return tuple(
            record
            for record in self.records
            if record.person == person and exercise in (None, record.conditions.exercise)
        )


def read_history(
    store: Store, sessions: Iterable[Session] | None = None, zone: tzinfo | None = None
) -> History:
    """Read finished sets from what was stored of them; raw samples are not followed again.

    Args:
        store: where from.
        sessions: some of its sessions; None for all of them.
        zone: where the people live; None for the computer's own time zone.
    """
    records: list[SetRecord] = []
    changes: dict[tuple[int, str | None], float] = {}
    unreadable = []
    for session in store.sessions() if sessions is None else sessions:
        if not session.samples:  # a training log, which knows nothing that can be compared
            continue
        try:
            for stream in session.streams:
                events = store.events(stream)
                found = set_records(session, stream, store.sets(stream), events, zone)
                records += found
                for side in {record.conditions.side for record in found}:
                    changes[session.id, side] = slack_change_cm(events, side)
        except (BandsenseError, KeyError, TypeError, ValueError):
            unreadable.append(session.id)
    return History(tuple(with_slack_summed(records, changes)), tuple(unreadable))


def bands_of(store: Store) -> dict[str, tuple[str, BandHistory]]:
    """Name and wear of each band by its id.

    Raises:
        ConfigError: something stored does not validate.
    """
    return {
        band.id: (band.name, band_history(band.stiffness, band.cycles)) for band in profiles_of(store).bands
    }


def overview_json(told: Overview, bands: dict[str, tuple[str, BandHistory]]) -> dict[str, Any]:
    """Give an overview as JSON object; differences with uncertainty and verdict, or the reason instead."""
    latest = told.series[-1]
    band = bands.get(latest.conditions.band or "")
    return {
        "person": latest.person,
        "exercise": latest.conditions.exercise,
        "conditions": asdict(latest.conditions),
        "sessions": sorted({record.session for record in told.series}),
        "trends": [_trend_json(each) for each in told.trends],
        "last_time": [_last_time_json(each) for each in told.last_time],
        "bests": [
            {
                "figure": "full_reps" if best.figure is None else best.figure.name,
                "value": best.value,
                "uncertainty": best.uncertainty,
                "session": best.record.session,
                "set": best.record.number,
                "more_than_before": _change_json(best.before),
            }
            for best in told.bests
        ],
        "dose": [{**asdict(week), "week": week.week.isoformat(), "share": week.share} for week in told.dose],
        "left_right": {
            "obstacles": [each.value for each in told.against_sides],
            "figures": [
                {
                    "figure": side.figure,
                    "left": side.left,
                    "right": side.right,
                    "right_more": side.difference.share,
                    "standard_error": side.difference.standard_error,
                    "certain": side.difference.certain,
                }
                for side in told.sides
            ],
            "hidden": dict(told.hidden_of_sides),
        },
        "band": None
        if band is None
        else {
            "name": band[0],
            "cycles": band[1].cycles,
            "check_in": band[1].check_in,
            "state": band[1].wear.state.value,
            "loss": band[1].wear.loss,
            "loss_uncertainty": band[1].wear.uncertainty,
            "points": [asdict(point) for point in band[1].points],
        },
        "left_out": [
            {"session": number, "obstacles": [each.value for each in why]} for number, why in told.left_out
        ],
    }


def _change_json(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    known = isfinite(change.uncertainty)
    return {
        "before": change.before,
        "now": change.now,
        "difference": change.difference,
        "uncertainty": change.uncertainty if known else None,
        "verdict": change.verdict.value,
    }


def _trend_json(trend: Trend) -> dict[str, Any]:
    return {
        "figure": trend.figure.name,
        "unit": trend.figure.unit,
        "points": [{**asdict(point), "week": point.week.isoformat()} for point in trend.points],
        "change": _change_json(trend.change),
        "minimal_detectable_change": trend.detectable,
        "shared_relative_uncertainty": trend.shared_uncertainty,
    }


def _last_time_json(found: LastTime) -> dict[str, Any]:
    return {
        "side": found.now[0].conditions.side,
        "session": found.now[0].session,
        "before": found.before[0].session if found.before else None,
        "obstacles": [each.value for each in found.obstacles],
        "full_reps": {"before": found.full_reps[0], "now": found.full_reps[1]},
        "slack_change_cm": found.slack_cm,
        "changes": {name: _change_json(change) for name, change in found.changes.items()},
    }
