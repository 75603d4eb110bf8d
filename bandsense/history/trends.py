"""A figure over weeks: a point a week, the change over them, and the least change that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import hypot, inf, sqrt
from statistics import fmean

from bandsense.history.figures import Figure, Value, session_values
from bandsense.history.records import SetRecord
from bandsense.history.uncertainty import Change, minimal_detectable_change, typical_error

__all__ = ["LEAST_WEEKS", "Trend", "TrendPoint", "trend"]

LEAST_WEEKS = 3
"""Fewer points make no trend."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One week.

    Attributes:
        week: its Monday.
        value: of the week.
        uncertainty: standard uncertainty against the other weeks, from the person's scatter; the span of the
            calibration, which all of them share, is no part of it.
        sessions: so many.
    """

    week: date
    value: float
    uncertainty: float
    sessions: int


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure of comparable sets over weeks.

    Attributes:
        figure: which one.
        points: the weeks that have it, in order.
        change: along the straight line through the points, from the first week to the last; None below
            `LEAST_WEEKS`.
        detectable: minimal detectable change between two sessions; None with too few of them.
        shared_uncertainty: relative standard uncertainty that all points share, from the calibration; 0 for
            what is not made of tensions.
    """

    figure: Figure
    points: tuple[TrendPoint, ...]
    change: Change | None
    detectable: float | None
    shared_uncertainty: float

    def uncertainty(self, point: TrendPoint) -> float:
        """Give the standard uncertainty of a point by itself: with that of the scale, which all share."""
        return hypot(point.uncertainty, self.shared_uncertainty * point.value)


def trend(records: Sequence[SetRecord], figure: Figure) -> Trend:
    """Follow a figure over the weeks of comparable records (a group of `comparable.groups`).

    A best of the week is the best of its sessions, a sum is the week's, any other figure the mean of the
    sessions. The change is that of a weighted straight line; its uncertainty is the greater of what the
    uncertainties of the points make and what their distances from the line show.
    """
    values = session_values(records, figure)
    error = None if figure.summed else typical_error([each.value for each in values])
    weeks: dict[date, list[Value]] = {}
    for each in values:
        weeks.setdefault(each.sets[0].week, []).append(each)
    points = tuple(_point(week, found, figure, error) for week, found in sorted(weeks.items()))
    shared = max((record.span_uncertainty for record in records), default=0.0) if figure.tension else 0.0
    detectable = None if figure.summed else minimal_detectable_change([each.value for each in values])
    return Trend(figure, points, _change(points), detectable, shared)


def _point(week: date, values: Sequence[Value], figure: Figure, error: float | None) -> TrendPoint:
    n = len(values)
    if figure.summed:
        spread = sqrt(sum(each.scatter**2 for each in values))
        return TrendPoint(week, sum(each.value for each in values), spread, n)
    if figure.best:
        best = max(values, key=lambda each: each.value)
        return TrendPoint(week, best.value, best.scatter if error is None else error, n)
    spread = fmean(each.scatter for each in values) if error is None else error
    return TrendPoint(week, fmean(each.value for each in values), spread / sqrt(n), n)


def _change(points: Sequence[TrendPoint]) -> Change | None:
    if len(points) < LEAST_WEEKS:
        return None
    x = [(point.week - points[0].week).days / 7.0 for point in points]
    y = [point.value for point in points]
    least = max(1e-9, max(point.uncertainty for point in points) * 1e-3)
    weights = [1.0 / max(point.uncertainty, least) ** 2 for point in points]
    total = sum(weights)
    x_mean = sum(w * each for w, each in zip(weights, x, strict=True)) / total
    y_mean = sum(w * each for w, each in zip(weights, y, strict=True)) / total
    s_xx = sum(w * (each - x_mean) ** 2 for w, each in zip(weights, x, strict=True))
    slope = sum(w * (a - x_mean) * (b - y_mean) for w, a, b in zip(weights, x, y, strict=True)) / s_xx
    off = sum(w * (b - y_mean - slope * (a - x_mean)) ** 2 for w, a, b in zip(weights, x, y, strict=True))
    stretch = max(1.0, off / (len(points) - 2))
    weeks = x[-1] - x[0]
    uncertainty = weeks * sqrt(stretch / s_xx) if s_xx > 0.0 else inf
    first = y_mean + slope * (x[0] - x_mean)
    return Change(first, first + slope * weeks, uncertainty)
