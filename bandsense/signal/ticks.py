"""The smoothed trace as the model sees it: ticks, about 20 a second, found by number.

A tick keeps its number, from 0 on; lists hold the latest, at the index of their number less `dropped`.
Valleys and tops are ticks.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TypeAlias

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import crossing_s

__all__ = ["Passage", "Ticks", "TurningPoint"]


class TurningPoint:
    """A valley or a top: number of its tick, time (s), tension (N).

    `unseen` marks a valley of which samples are missing: it may have been lower.
    """

    def __init__(self, tick: int, time_s: float, tension_n: float, unseen: bool = False) -> None:
        self.tick = tick
        self.time_s = time_s
        self.tension_n = tension_n
        self.unseen = unseen


Passage: TypeAlias = tuple[TurningPoint, TurningPoint, TurningPoint]
"""Valley, top and valley of a movement."""


class Ticks:
    """The latest ticks of the smoothed trace, found by number.

    Attributes:
        time_s, tension_n: times and tensions.
        dropped: number of the first of them.
        last: number of the latest tick that was taken; those after it are still to come.
        oldest: number of the first that is looked at, however much was added at once.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.time_s: list[float] = []
        self.tension_n: list[float] = []
        self.dropped = 0
        self.last = -1
        self.oldest = 0

    def extend(self, time_s: FloatArray, tension_n: FloatArray) -> None:
        """Add ticks that are to come."""
        self.time_s += time_s.tolist()
        self.tension_n += tension_n.tolist()

    def take(self, stop: int) -> None:
        """Note that the ticks before index `stop` were taken."""
        self.last = self.dropped + stop - 1
        if self.last >= self._kept:
            self.oldest = self.last - self._kept + 1

    def index_of(self, tick: int) -> int:
        """Place of a tick in the lists; that of the oldest if it is no longer kept."""
        return (tick if tick > self.oldest else self.oldest) - self.dropped

    def since(self, time_s: float) -> int:
        """Return the number of the first tick at this time or later."""
        return bisect_left(self.time_s, time_s) + self.dropped

    def forgot_fall(self, level_n: float, top: int) -> bool:
        """Return whether the fall through a level after a tick is too long ago to be found in any case."""
        return top < self.oldest and self.tension_n[self.index_of(self.oldest)] <= level_n

    @property
    def to_come(self) -> int:
        """Number of the next tick that is added."""
        return self.dropped + len(self.time_s)

    def keep(self, kept: int) -> None:
        """Keep so many at least."""
        self._kept = max(kept, self._kept)

    def forget(self) -> None:
        """Drop what is older than `kept` ticks, an eighth of them at a time."""
        spare = len(self.time_s) - self._kept
        if spare > self._kept // 8:
            self.dropped += spare
            del self.time_s[:spare], self.tension_n[:spare]

    def before_rise(self, level_n: float, tick: int, not_before: int = 0) -> int:
        """Index of the last tick up to one that is not above a level; of `not_before` if there is none."""
        tension_n = self.tension_n
        for i in range(self.index_of(tick), self.index_of(not_before) - 1, -1):
            if tension_n[i] <= level_n:
                break
        return i

    def time_above(self, level_n: float, first_top: int, last_top: int, not_before: int = 0) -> float:
        """Seconds from the rise through a level before one tick to the fall through it after another.

        Args:
            level_n: tension.
            first_top, last_top: numbers of two ticks above the level, in order.
            not_before: number of the tick at which the way back ends at the latest.
        """
        time_s, tension_n, last = self.time_s, self.tension_n, self.last - self.dropped
        low = self.before_rise(level_n, first_top, not_before)
        begin_s = crossing_s(time_s, tension_n, low, min(low + 1, last), level_n)
        for i in range(self.index_of(last_top), last + 1):
            if tension_n[i] <= level_n:
                break
        least_s = 0.5 * (time_s[last] - time_s[last - 1])
        return max(least_s, crossing_s(time_s, tension_n, max(i - 1, 0), i, level_n) - begin_s)
