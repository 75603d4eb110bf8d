"""A session against the last comparable one, the bests so far, and left against right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot
from statistics import fmean, stdev

from bandsense.history.comparable import Obstacle, groups, obstacles
from bandsense.history.figures import FIGURES, PEAK, Figure, session_values
from bandsense.history.records import RepRecord, SetRecord
from bandsense.history.uncertainty import Change, change_between, typical_error
from bandsense.signal.metrics import Difference

__all__ = ["Best", "LastTime", "SideComparison", "bests", "hidden_of_sides", "last_time", "sides"]


@dataclass(frozen=True, slots=True)
class LastTime:
    """A session beside an earlier one.

    Attributes:
        now: sets of the session.
        before: sets of the last one of the same exercise and side; empty where there was none.
        obstacles: why the two cannot be compared; empty where they can.
        changes: by name of the figure; empty where there is an obstacle.
        full_reps: full repetitions before and now; counts are exact, and compared in any case.
        slack_cm: slack at the strongest full pull now, less that at the strongest before.
    """

    now: tuple[SetRecord, ...]
    before: tuple[SetRecord, ...]
    obstacles: tuple[Obstacle, ...]
    changes: dict[str, Change]
    full_reps: tuple[int, int]
    slack_cm: float


def last_time(records: Iterable[SetRecord], session: int) -> list[LastTime]:
    """Set each exercise and side of a session beside the time before.

    A comparable session is taken where there is one, however long ago; otherwise the last that is alike in
    exercise and side is named, with what stands against it.

    Args:
        records: sets of one person.
        session: number of the session in question.
    """
    everything = list(records)
    sides_done: dict[tuple[str, str | None], list[SetRecord]] = {}
    for record in everything:
        if record.session == session:
            key = record.conditions.exercise, record.conditions.side
            sides_done.setdefault(key, []).append(record)
    return [_last_time(everything, tuple(now)) for now in sides_done.values()]


def _last_time(records: Sequence[SetRecord], now: tuple[SetRecord, ...]) -> LastTime:
    here = now[0].conditions
    earlier = [
        record
        for record in records
        if record.started_unix_s < now[0].started_unix_s
        and (record.conditions.exercise, record.conditions.side) == (here.exercise, here.side)
    ]
    alike = [record for record in earlier if not obstacles(here, record.conditions)]
    latest = max(alike or earlier, key=lambda record: (record.started_unix_s, record.session), default=None)
    if latest is None:
        return LastTime(now, (), (), {}, (0, _full(now)), 0.0)
    before = tuple(record for record in (alike or earlier) if record.session == latest.session)
    return LastTime(
        now=now,
        before=before,
        obstacles=() if alike else obstacles(here, latest.conditions),
        changes=_changes([*alike, *now], before, now) if alike else {},
        full_reps=(_full(before), _full(now)),
        slack_cm=_strongest_set(now).slack_cm - _strongest_set(before).slack_cm,
    )


def _strongest_set(sets: Sequence[SetRecord]) -> SetRecord:
    """Return the set with the strongest full pull; the last one where no pull was full."""
    return max(reversed(sets), key=lambda each: max((rep.peak_n for rep in each.telling), default=0.0))


def _full(sets: Sequence[SetRecord]) -> int:
    return sum(len(each.full) for each in sets)


def _changes(
    series: Sequence[SetRecord], before: Sequence[SetRecord], now: Sequence[SetRecord]
) -> dict[str, Change]:
    """Figures that both sessions have; as uncertain as the person scatters, or as the repetitions do."""
    changes = {}
    for figure in FIGURES:
        one, other = figure.value(before), figure.value(now)
        if one is None or other is None:
            continue
        error = typical_error([each.value for each in session_values(series, figure)])
        spreads = (one.scatter, other.scatter) if error is None else (error, error)
        changes[figure.name] = change_between(one.value, other.value, *spreads)
    return changes


@dataclass(frozen=True, slots=True)
class Best:
    """The best of comparable sets.

    Attributes:
        figure: of what; None for full repetitions in a set.
        record: where it was reached.
        value: how much.
        uncertainty: standard uncertainty, of the calibration and the peak; 0 for a count.
        before: by how much it is more than the best of the sessions before; None where it is the first.
    """

    figure: Figure | None
    record: SetRecord
    value: float
    uncertainty: float
    before: Change | None


def bests(records: Iterable[SetRecord]) -> list[Best]:
    """Find the strongest pull and the longest set of each comparable group, that trained last first."""
    return [best for group in groups(records) for best in _bests(group) if best is not None]


def _bests(group: Sequence[SetRecord]) -> tuple[Best | None, Best]:
    longest = max(group, key=lambda record: len(record.full))
    return _strongest(group), Best(None, longest, float(len(longest.full)), 0.0, None)


def _strongest(group: Sequence[SetRecord]) -> Best | None:
    able = [record for record in group if _told(record)]
    if not able:
        return None

    def top(record: SetRecord) -> RepRecord:
        return max(_told(record), key=lambda rep: rep.peak_n)

    best = max(able, key=lambda record: top(record).peak_n)
    rest = [record for record in able if record.session != best.session]
    earlier = [record for record in rest if record.started_unix_s < best.started_unix_s]
    change = None
    if earlier:
        values = session_values(able, PEAK)
        error = typical_error([each.value for each in values])
        peaks_n = [rep.peak_n for rep in _told(best)]
        spread = stdev(peaks_n) if len(peaks_n) > 1 else top(best).peak_n
        second = max(top(record).peak_n for record in earlier)
        change = change_between(second, top(best).peak_n, *((error or spread,) * 2))
    return Best(PEAK, best, top(best).peak_n, top(best).peak_uncertainty_n, change)


def _told(record: SetRecord) -> list[RepRecord]:
    """Return the full repetitions whose peak is known, and which are surely some."""
    return [rep for rep in record.telling if PEAK.of_rep(rep) is not None]


@dataclass(frozen=True, slots=True)
class SideComparison:
    """Left and right of a figure.

    Attributes:
        figure: its name in `signal.metrics.RepMetrics`.
        left, right: means of the full repetitions with their standard errors, in the unit of the figure.
        difference: right minus left as a share of their mean.
    """

    figure: str
    left: tuple[float, float]
    right: tuple[float, float]
    difference: Difference


_OF_SIDES = (
    PEAK,
    Figure("impulse_n_s", "N·s", lambda rep: rep.impulse_n_s, tension=True),
    Figure("range_m", "m", lambda rep: rep.range_m),
    Figure("time_under_tension_s", "s", lambda rep: rep.time_under_tension_s),
)


def sides(
    left: Sequence[SetRecord], right: Sequence[SetRecord]
) -> tuple[tuple[SideComparison, ...], tuple[Obstacle, ...]]:
    """Compare full repetitions of left and right; give what stands against it besides.

    With one sensor and calibration for both sides an error of the span cancels; with two, the relative
    uncertainties of both spans are added in quadrature, and that is no obstacle. Sides with fewer than two
    full repetitions give no comparison.
    """
    if not left or not right:
        return (), ()
    own = {Obstacle.SIDE, Obstacle.SENSOR, Obstacle.CALIBRATION}
    found = {each for a in left for b in right for each in obstacles(a.conditions, b.conditions)}
    # Within one session both sides pull the same band, named or not.
    if {record.session for record in left} == {record.session for record in right} and len(
        {record.session for record in left}
    ) == 1:
        own.add(Obstacle.NO_BAND)
    against = tuple(each for each in Obstacle if each in found - own)
    if against:
        return (), against
    one_sensor = not found & {Obstacle.SENSOR, Obstacle.CALIBRATION}
    spans = 0.0 if one_sensor else hypot(left[0].span_uncertainty, right[0].span_uncertainty)
    compared = (_side(figure, left, right, spans if figure.tension else 0.0) for figure in _OF_SIDES)
    return tuple(each for each in compared if each is not None), ()


def hidden_of_sides(sets: Iterable[SetRecord]) -> dict[str, str]:
    """Say which figures `sides` leaves out because a full repetition of these sets hides them, and why."""
    reps = [rep for each in sets for rep in each.full]
    return {
        figure.name: rep.hidden[figure.name]
        for figure in _OF_SIDES
        for rep in reversed(reps)
        if figure.name in rep.hidden
    }


def _side(
    figure: Figure, left: Sequence[SetRecord], right: Sequence[SetRecord], spans: float
) -> SideComparison | None:
    known = []
    for records in (left, right):
        values = [figure.of_rep(rep) for record in records for rep in record.full]
        numbers = [value for value in values if value is not None]
        if len(numbers) < 2 or len(numbers) < len(values):
            return None
        known.append((fmean(numbers), stdev(numbers) / len(numbers) ** 0.5))
    (l_mean, l_error), (r_mean, r_error) = known
    middle = (l_mean + r_mean) / 2.0
    if middle <= 0.0:
        return None
    error = hypot(hypot(l_error, r_error) / middle, spans)
    return SideComparison(figure.name, known[0], known[1], Difference((r_mean - l_mean) / middle, error))
