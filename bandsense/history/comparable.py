"""What can be set beside each other, and why not where it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from bandsense.history.records import Conditions, SetRecord

__all__ = ["Obstacle", "groups", "obstacles"]


class Obstacle(Enum):
    """Why two sets cannot be compared, in the order in which a person would want to know it."""

    SOURCE = "source"
    """One is simulated or replayed, or comes from somewhere else."""
    EXERCISE = "exercise"
    SIDE = "side"
    BAND = "band"
    NO_BAND = "no band"
    """It is not known whether it was one band: none was named."""
    REST_LENGTH = "rest length"
    SENSOR = "sensor"
    CALIBRATION = "calibration"


def obstacles(one: Conditions, other: Conditions) -> tuple[Obstacle, ...]:
    """Give every reason why tensions measured so cannot be compared; empty where they can.

    Lengths are compared as they were entered: whoever enters another one has set up anew. A change of slack
    is no obstacle. It is training, is told beside the difference, and does not change what a newton is.
    """
    found = [
        (Obstacle.SOURCE, one.source != other.source),
        (Obstacle.EXERCISE, one.exercise != other.exercise),
        (Obstacle.SIDE, one.side != other.side),
        (Obstacle.BAND, None not in (one.band, other.band) and one.band != other.band),
        (Obstacle.NO_BAND, None in (one.band, other.band)),
        (Obstacle.REST_LENGTH, one.rest_length_m != other.rest_length_m),
        (Obstacle.SENSOR, one.sensor != other.sensor),
        (Obstacle.CALIBRATION, one.sensor == other.sensor and one.calibration != other.calibration),
    ]
    return tuple(obstacle for obstacle, there in found if there)


def groups(records: Iterable[SetRecord]) -> list[tuple[SetRecord, ...]]:
    """Part records into those that can be compared with each other, each in order of time.

    The group with the latest set comes first. Sets without a named band stand alone, a session a group.
    """
    parts: dict[tuple[object, ...], list[SetRecord]] = {}
    for record in sorted(records, key=lambda each: (each.started_unix_s, each.session, each.number)):
        alone = record.session if record.conditions.band is None else None
        parts.setdefault((record.person, record.conditions, alone), []).append(record)
    return sorted(map(tuple, parts.values()), key=lambda part: part[-1].started_unix_s, reverse=True)
