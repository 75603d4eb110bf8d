"""The time of a sensor related to the time of the computer, whatever the delays in between.

A frame arrives never before and often well after its last sample was taken. So the points (device time,
arrival) lie above a line, whose slope is the ratio of the clocks, and the lowest of them lie close to it. The
line is found as the one below all points that is nearest to them in the mean, touching their lower convex
hull (Moon, Skelly, Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM
1999; Zhang, Liu and Xia, "Clock synchronization algorithms for network measurements", INFOCOM 2002). A time
mark, whose request left at one host time and whose answer came at another, bounds the line from below, too.
As long as the points say little about the slope, it stays near that of equal clocks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import overload

from bandsense.errors import LinkError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["ClockSync"]

MAX_SKEW = 200e-6
"""Crystals are within ±100 ppm; the computer's clock is allowed as much again."""

_BIN_S = 1.0
_BINS = 1200
"""The lowest point of each second is kept, for twenty minutes."""
_MARKS = 240
_SKEW_SPREAD = 50e-6
"""Standard deviation assumed of the skew before anything is known: two crystals of a few tens of ppm each."""
_SHORTEST_DELAY_S = 1e-4
_SLOPE_STEP = 1e-8
_GOLDEN = (math.sqrt(5) - 1) / 2

Point = tuple[float, float]


def _lower_hull(points: list[Point]) -> list[Point]:
    """Lower convex hull of points with increasing abscissa (Andrew's monotone chain)."""
    hull: list[Point] = []
    for x, y in points:
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2], hull[-1]
            if (y1 - y0) * (x - x0) < (y - y0) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return hull


class _Side:
    """Points on one side of the line: arrivals above it or, mirrored, the requests of time marks below it."""

    def __init__(self, points: Iterable[Point]) -> None:
        points = sorted(points)
        self.n = len(points)
        self._hull = _lower_hull(points)
        self._mean_x = math.fsum(x for x, _ in points) / self.n
        self._mean_y = math.fsum(y for _, y in points) / self.n
        self.scale_s = max(self.distance_s(_minimum(self.distance_s)), _SHORTEST_DELAY_S)

    def intercept(self, slope: float) -> float:
        """Ordinate at 0 of the line of this slope that touches the points from below."""
        return min(y - slope * x for x, y in self._hull)

    def distance_s(self, slope: float) -> float:
        """Mean distance of the points from the line of this slope that touches them."""
        return self._mean_y - slope * self._mean_x - self.intercept(slope)


def _minimum(cost: Callable[[float], float]) -> float:
    """Find the slope that minimises a convex function within ±`MAX_SKEW`, by golden-section search."""
    low, high = -MAX_SKEW, MAX_SKEW
    while high - low > _SLOPE_STEP:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if cost(left) <= cost(right):
            high = right
        else:
            low = left
    return (low + high) / 2


class ClockSync:
    """Relates the device time of one sensor to host time, more exactly the longer it is fed.

    A clock that began anew needs a new relation.
    """

    def __init__(self) -> None:
        self._origin_s = 0.0
        self._offset_s = 0.0
        self._bin_start_s = 0.0
        self._half_width_s = math.inf
        self._lowest: deque[Point] = deque(maxlen=_BINS)
        self._floor: deque[Point] = deque(maxlen=_MARKS)
        self._fit: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether anything was observed yet."""
        return bool(self._lowest)

    def add_arrival(self, device_s: float, arrival_s: float) -> None:
        """Take the arrival of a frame by its last sample's device time. Device times must not decrease."""
        if not self._lowest:
            self._origin_s, self._offset_s = device_s, arrival_s - device_s
        point = self._point(device_s, arrival_s)
        if not self._lowest or point[0] - self._bin_start_s >= _BIN_S:
            self._bin_start_s = point[0]
            self._lowest.append(point)
        elif point[1] < self._lowest[-1][1]:
            self._lowest[-1] = point
        else:
            return
        self._fit = None

    def add_round_trip(self, device_s: float, sent_s: float, received_s: float) -> None:
        """Take a clock reading that the sensor made some time between these two host times."""
        if not self._lowest:
            self.add_arrival(device_s, received_s)
        self._floor.append(self._point(device_s, sent_s))
        self._fit = None

    def _point(self, device_s: float, host_s: float) -> Point:
        # Relative to the first observation, so that hours of uptime do not cost digits.
        return device_s - self._origin_s, host_s - device_s - self._offset_s

    def _line(self) -> tuple[float, float]:
        if not self._lowest:
            raise LinkError(Message("nothing has arrived from the sensor yet; its clock is not known"))
        if self._fit is None:
            above = _Side(self._lowest)
            below = _Side((x, -y) for x, y in self._floor) if self._floor else None

            def surprise(slope: float) -> float:
                """Minus the logarithm of how likely the points are when delays are exponential."""
                total = above.n * above.distance_s(slope) / above.scale_s + (slope / _SKEW_SPREAD) ** 2 / 2
                if below is not None:
                    total += below.n * below.distance_s(-slope) / below.scale_s
                return total

            slope = _minimum(surprise)
            ceiling = above.intercept(slope)
            floor = min(-below.intercept(-slope), ceiling) if below is not None else -math.inf
            self._half_width_s = (ceiling - floor) / 2
            self._fit = slope, ceiling if below is None else (ceiling + floor) / 2
        return self._fit

    @property
    def skew_ppm(self) -> float:
        """By how much the host's clock is faster than the sensor's, parts per million."""
        return self._line()[0] * 1e6

    @property
    def uncertainty_s(self) -> float:
        """Bound of the error of `host_s` in seconds; infinite without a time mark, which alone gives one."""
        self._line()
        return self._half_width_s

    @overload
    def host_s(self, device_s: float) -> float: ...
    @overload
    def host_s(self, device_s: FloatArray) -> FloatArray: ...
    def host_s(self, device_s: float | FloatArray) -> float | FloatArray:
        """Host time at a device time, seconds.

        Raises:
            LinkError: nothing was observed yet.
        """
        slope, intercept = self._line()
        return device_s + (self._offset_s + intercept) + slope * (device_s - self._origin_s)

    @overload
    def device_s(self, host_s: float) -> float: ...
    @overload
    def device_s(self, host_s: FloatArray) -> FloatArray: ...
    def device_s(self, host_s: float | FloatArray) -> float | FloatArray:
        """Device time at a host time, seconds.

        Raises:
            LinkError: nothing was observed yet.
        """
        slope, intercept = self._line()
        return (host_s - (self._offset_s + intercept) + slope * self._origin_s) / (1 + slope)
