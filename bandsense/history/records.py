"""Finished sets as values: what was done, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from bandsense.signal.events import DOUBTFUL_BELOW

__all__ = [
    "Conditions",
    "RepRecord",
    "SetRecord",
    "Targets",
    "with_slack_summed",
]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a set was measured. Two sets are comparable where all of it is the same.

    Attributes:
        source: `sensor`, `simulator` or a recording's name.
        exercise: its id.
        side: which side worked; None where both did at once.
        band: id of the band; None where none was named.
        rest_length_m: unstretched length between hand and anchor, as it was entered; None where none was.
        sensor: serial number or address.
        calibration: span of the calibration and how it was obtained, in one line; the zero is left out,
            because a tare does not make tensions incomparable.
    """

    source: str
    exercise: str
    side: str | None
    band: str | None
    rest_length_m: float | None
    sensor: str
    calibration: str


@dataclass(frozen=True, slots=True)
class Targets:
    """What the plan of the session asked of a set.

    Attributes:
        sets: in the session.
        reps, reps_top: full repetitions, least and most.
        zone_n: low and high end of the zone of peak tension; None without one.
        rest_s: between sets.
        tempo_s: pull, hold, return and rest of the hand, seconds.
        stop_pain: score of pain, of 10, from which on the exercise ends for the day; None for never.
    """

    sets: int
    reps: int
    reps_top: int
    zone_n: tuple[float, float] | None = None
    rest_s: float = 90.0
    tempo_s: tuple[float, float, float, float] | None = None
    stop_pain: int | None = None

    def in_zone(self, peak_n: float) -> bool:
        """Tell whether a peak lies within the zone; none does where there is no zone."""
        return self.zone_n is not None and self.zone_n[0] <= peak_n <= self.zone_n[1]


@dataclass(frozen=True, slots=True)
class RepRecord:
    """One repetition: what history needs of `signal.metrics.RepMetrics`; None is hidden or not known.

    Attributes:
        partial: surely partial.
        unsure: partial or full, nobody can say.
        probability: that it is a repetition at all.
        hidden: figures that are not told, with the reason. The peak keeps its number beside it, to draw.
    """

    peak_n: float
    peak_uncertainty_n: float
    partial: bool
    time_under_tension_s: float | None
    impulse_n_s: float | None
    range_m: float | None = None
    relative_range: float | None = None
    concentric_s: float | None = None
    hold_s: float | None = None
    eccentric_s: float | None = None
    start_s: float = 0.0
    end_s: float = 0.0
    hidden: Mapping[str, str] = field(default_factory=dict)
    probability: float = 1.0
    unsure: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether it is worth saying that it may be none."""
        return self.probability < DOUBTFUL_BELOW


@dataclass(frozen=True, slots=True)
class SetRecord:
    """One finished set.

    Attributes:
        session: number of its session in the store.
        number: of the set within the session, from 1; of the half-set where the sides take turns.
        started_unix_s: when the session began.
        day: the day of it, where the person lives.
        conditions: under what it was measured.
        targets: what was planned.
        reps: its repetitions in order, partial ones included.
        person: id; None where nobody was named.
        exercise_name: as people call it.
        span_uncertainty: relative standard uncertainty that all tensions of this calibration share.
        slack_cm: centimetres that were let out, at each place the exercise names, by advice that was followed
            since the first of the records; negative where slack was taken out.
        start_s, end_s: device time of its first pull start and last end.
        time_under_tension_s: of all repetitions; None where it is hidden for most of them.
        chances: P(so many repetitions), by their number; empty where that was not stored.
    """

    session: int
    number: int
    started_unix_s: float
    day: date
    conditions: Conditions
    targets: Targets
    reps: tuple[RepRecord, ...]
    person: str | None = None
    exercise_name: str = ""
    span_uncertainty: float = 0.0
    slack_cm: float = 0.0
    start_s: float = 0.0
    end_s: float = 0.0
    time_under_tension_s: float | None = None
    chances: Mapping[int, float] = field(default_factory=dict)

    @property
    def full(self) -> tuple[RepRecord, ...]:
        """The full repetitions; of those that nobody can tell, the benefit of the doubt."""
        return tuple(rep for rep in self.reps if not rep.partial)

    @property
    def telling(self) -> tuple[RepRecord, ...]:
        """The full repetitions that a greatest peak may rest on: those in no doubt, or all where none is."""
        return tuple(rep for rep in self.full if not rep.doubtful) or self.full

    @property
    def week(self) -> date:
        """The Monday of its week."""
        return self.day - timedelta(days=self.day.weekday())


def with_slack_summed(
    records: Iterable[SetRecord], changes: Mapping[tuple[int, str | None], float]
) -> list[SetRecord]:
    """Put records in order of time, their slack counted on from session to session.

    Args:
        records: each counted from the start of its session.
        changes: what all advice of a session, by its number and side, added up to, centimetres.
    """
    ordered = sorted(records, key=lambda record: (record.started_unix_s, record.session, record.number))
    carried: dict[tuple[object, ...], float] = {}
    base: dict[tuple[object, ...], float] = {}
    result = []
    for record in ordered:
        at = record.conditions
        setup = (record.person, at.exercise, at.band, at.rest_length_m, at.side)
        if (*setup, record.session) not in base:
            base[*setup, record.session] = carried.get(setup, 0.0)
            change = changes.get((record.session, at.side), 0.0)
            carried[setup] = base[*setup, record.session] + change
        result.append(replace(record, slack_cm=base[*setup, record.session] + record.slack_cm))
    return result
