"""The smoothed trace reduced to its turning points: valley, top, valley, top, …

A zig-zag with hysteresis. It keeps the lowest (while falling) or highest (while rising) tension since the
last turn and turns when tension has come back from there by the *swing* δ:

    tension      top k                      a top is confirmed by a fall of max(δ, 0.1 · rise),
       |        /\\        /\\                a valley by a rise of δ
       |   ____/  \\      /
       |  /        \\_  _/                   valley k lies before top k,
       | /            \\/                    valley k + 1 after it
         valley k      valley k + 1

δ has no size of its own: it is a small share of the range that tension has covered lately, kept above the
noise (`surroundings`). What lies between two neighbouring valleys is a *movement*. Whether it is a repetition
is not decided here (`explanations`).

Between two confirmed valleys a movement is worth a look at these moments, which `TurningPoints.follow` tells:

    HELD      the rise has stood still near its top
    TURNED    the fall has confirmed the top
    FALLEN    more than half of the rise is undone, so that the width of the movement is known
    RESTING   the fall has stood still, so that the valley is (as good as) known
    RESTED    it has stood still for seconds: nothing more comes of this movement
    VALLEY    the next rise has confirmed the valley: the movement is complete

and two more for whoever follows the phases: PULLING, when the rise is large enough to speak of, and RETURNED,
when tension is back near the valley before.

Assumptions: ticks come about 20 times a second, in order; time is device time. Everything depends on the
ticks alone, so that blocks may be cut anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

import numpy as np

from bandsense.samples import FloatArray
from bandsense.signal.surroundings import Surroundings
from bandsense.signal.ticks import Passage, Ticks, TurningPoint

__all__ = [
    "FALLEN",
    "HELD",
    "PULLING",
    "RESTED",
    "RESTING",
    "RETURNED",
    "TURNED",
    "VALLEY",
    "Look",
    "TurningPoints",
]

TURN_SHARE: Final = 0.1
"""A top is confirmed by a fall of this share of the rise to it."""

STILL_SHARE: Final = 0.025
"""Tension that moves by less than this share of the rise stands still."""

HELD_S: Final = 0.25
HELD_SHARE: Final = 0.15
RESTING_S: Final = 0.3
RESTING_SHARE: Final = 0.25
"""A standstill counts after so long, or after this share of the movement's time so far, if that is longer."""

FALLEN_SHARE: Final = 0.6
"""A fall by this share of the rise makes the width known."""

RESTED_S: Final = 3.0
RESTED_SHARE: Final = 1.0
"""A rest after which a movement is over, with the same meaning."""

RETURNED_SHARE: Final = 0.1
"""A return is over at this share of the rise."""


class Look(Enum):
    """A moment at which more is known about the present movement."""

    PULLING = auto()
    RETURNED = auto()
    RESTED = auto()
    HELD = auto()
    TURNED = auto()
    FALLEN = auto()
    RESTING = auto()
    VALLEY = auto()


PULLING: Final = Look.PULLING
RETURNED: Final = Look.RETURNED
RESTED: Final = Look.RESTED
HELD: Final = Look.HELD
TURNED: Final = Look.TURNED
FALLEN: Final = Look.FALLEN
RESTING: Final = Look.RESTING
VALLEY: Final = Look.VALLEY
"""The looks by name: Python 3.11 takes ten times as long to find one in its class."""


class _Standstill:
    """How long tension has hardly moved.

    Attributes:
        anchor_n, anchor_s: where it last moved by more than a little, and when.
        rested: how many of the two looks at a rest were given.
        hold_s: after so long the rise is looked at again.
    """

    def __init__(self, anchor_n: float, anchor_s: float) -> None:
        self.anchor_n = anchor_n
        self.anchor_s = anchor_s
        self.rested = 0
        self.hold_s = HELD_S


class TurningPoints:
    """Follows a smoothed trace tick by tick.

    Args:
        ticks: where the ticks are kept.
        tick_hz: ticks a second.
        gain: what the low-pass leaves of the standard deviation of white noise.

    Attributes:
        valley: the latest confirmed valley; None before the first.
        top: the confirmed top after it; None while tension rises.
        extreme: highest tension since the valley while it rises, lowest since the top while it falls.
        now_s: device time at which the latest tick was known.
        pulling_n: a rise of this much is told as PULLING.
    """

    def __init__(self, ticks: Ticks, tick_hz: float, gain: float) -> None:
        self.surroundings = Surroundings(tick_hz, gain)
        self.valley: TurningPoint | None = None
        self.top: TurningPoint | None = None
        self.now_s = 0.0
        self.pulling_n = 0.0
        self.extreme = TurningPoint(0, 0.0, math.inf)
        self._ticks = ticks
        self._ready_s: FloatArray = np.empty(0)
        self._second = 0
        self._still = _Standstill(math.inf, 0.0)
        self._since_s = 0.0
        self._looked = 0
        self._gap = -1

    @property
    def still_since_s(self) -> float:
        """When tension last moved by more than a little."""
        return self._still.anchor_s

    @property
    def lowest_n(self) -> float:
        """Lowest tension of the last minute, the present second included."""
        ticks = self._ticks
        present = slice(ticks.index_of(self._second), ticks.index_of(ticks.last) + 1)
        return min([self.surroundings.lowest_n, *ticks.tension_n[present]])

    @property
    def fallen(self) -> bool:
        """Whether most of the present rise is undone."""
        return self.top is not None and self._looked >= 1

    @property
    def back(self) -> Passage | None:
        """The present movement as valley, top and low so far; None until half of its rise is undone."""
        if self.top is None or self.valley is None:
            return None
        if 2.0 * self.extreme.tension_n > self.top.tension_n + self.valley.tension_n:
            return None
        return self.valley, self.top, self.extreme

    @property
    def torn(self) -> bool:
        """Whether samples are missing in the present rise."""
        return self.valley is not None and self._gap >= self.valley.tick

    def interrupt(self) -> None:
        """Handle missing samples before the next tick: a valley confirmed across them may have been lower."""
        self._gap = self._ticks.last

    def follow(
        self, time_s: FloatArray, smooth_n: FloatArray, clean_n: FloatArray, ready_s: FloatArray
    ) -> Iterator[Look]:
        """Take ticks and give the looks that they make possible, one by one.

        Args:
            time_s: times.
            smooth_n, clean_n: smoothed and despiked tension.
            ready_s: device times at which the ticks were known.
        """
        ticks, surroundings = self._ticks, self.surroundings
        # The last tick of a second is the first to know what that second was like.
        last = len(ticks.time_s) + surroundings.missing - 1
        ticks.extend(time_s, smooth_n)
        begun = ticks.last >= 0  # There is a swing to turn by.
        self._ready_s = ready_s if begun else np.concatenate((self._ready_s, ready_s))
        for second in surroundings.seconds(smooth_n, clean_n):
            if begun:
                yield from self._run(last)
            surroundings.take(second)
            self._second = ticks.dropped + last + 1
            if not begun:
                yield from self._begin(last + 1)
            begun = True
            last += surroundings.step
        if begun:
            yield from self._run(len(ticks.time_s))

    def go_on(self, tick_hz: float, gain: float) -> None:
        """Go on at another rate with the ticks to come."""
        self.surroundings.go_on(tick_hz, gain)

    def finish(self) -> Iterator[Look]:
        """Take what there is of a trace that ended within its first second."""
        if self._ticks.last < 0 and self._ticks.time_s:
            yield from self._begin(len(self._ticks.time_s))

    def _begin(self, stop: int) -> Iterator[Look]:
        """Take the ticks of the first second, all known with its last one."""
        self._ready_s[:stop] = self._ready_s[stop - 1]
        yield from self._run(stop)

    def _run(self, stop: int) -> Iterator[Look]:
        """Take the ticks before index `stop`: one second, or a part of it."""
        ticks = self._ticks
        tension_n, dropped = ticks.tension_n, ticks.dropped
        first = ticks.last + 1 - dropped
        if first >= stop:
            return
        if self._still.rested > 1 and self.top is not None:
            part_n, lowest_n = tension_n[first:stop], self.extreme.tension_n
            if min(part_n) >= lowest_n and max(part_n) <= lowest_n + self.surroundings.swing_n:
                # Nothing happens.
                self._take(stop)
                return
        while first < stop:
            if self.top is not None or self.valley is None:
                done, look = self._fall(first, stop)
            else:
                done, look = self._rise(first, stop, self.valley)
            self._take(done)
            first = done
            if look is not None:
                yield look

    def _take(self, stop: int) -> None:
        """Note that the ticks before index `stop` were taken."""
        self._ticks.take(stop)
        self.now_s = self._ready_s.item(stop - 1 - len(self._ticks.time_s))

    def _rise(self, first: int, stop: int, valley: TurningPoint) -> tuple[int, Look | None]:
        """Follow a rise from the tick at index `first` until something is to be told, or before `stop`.

        Returns:
            Index of the tick after the last one taken; what it makes possible, None where there are no more.
        """
        time_s, tension_n = self._ticks.time_s, self._ticks.tension_n
        highest_n, swing_n = self.extreme.tension_n, self.surroundings.swing_n
        rise_n = highest_n - valley.tension_n
        turned_n = highest_n - max(swing_n, TURN_SHARE * rise_n)
        still = self._still
        anchor_n, anchor_s, hold_s = still.anchor_n, still.anchor_s, still.hold_s
        pulling_n = math.inf if self._looked else self.pulling_n
        look, at = None, -1
        for i in range(first, stop):
            t, y = time_s[i], tension_n[i]
            if y > highest_n:
                highest_n, at = y, i
                if y > anchor_n + STILL_SHARE * rise_n:
                    anchor_n, anchor_s, hold_s = y, t, HELD_S
                rise_n = y - valley.tension_n
                turned_n = y - max(swing_n, TURN_SHARE * rise_n)
                if rise_n >= pulling_n:
                    self._looked, look = 1, PULLING
                    break
            elif y < turned_n:
                look = TURNED
                break
            still_s = t - anchor_s
            if still_s >= hold_s and still_s >= HELD_SHARE * (t - self._since_s):
                hold_s, look = 2.0 * still_s, HELD
                break
        still.anchor_n, still.anchor_s, still.hold_s = anchor_n, anchor_s, hold_s
        self._note(at)
        if look is TURNED:
            self.top = self.extreme
            self._turn(i)
        return i + 1, look

    def _fall(self, first: int, stop: int) -> tuple[int, Look | None]:
        """Follow a fall, likewise; the first of a trace comes from no top."""
        time_s, tension_n = self._ticks.time_s, self._ticks.tension_n
        lowest_n, swing_n = self.extreme.tension_n, self.surroundings.swing_n
        began_s, still_n, levels_n = self._since_s, swing_n, (-math.inf,) * 3
        if self.top is not None and self.valley is not None:
            top_n, valley_n = self.top.tension_n, self.valley.tension_n
            rise_n = top_n - valley_n
            began_s, still_n = self.top.time_s, STILL_SHARE * rise_n
            levels_n = (top_n - FALLEN_SHARE * rise_n, valley_n + RETURNED_SHARE * rise_n, -math.inf)
        still = self._still
        anchor_n, anchor_s, rested = still.anchor_n, still.anchor_s, still.rested
        level_n = levels_n[self._looked]
        look, at = None, -1
        for i in range(first, stop):
            t, y = time_s[i], tension_n[i]
            if y < lowest_n:
                lowest_n, at = y, i
                if y < anchor_n - still_n:
                    anchor_n, anchor_s, rested = y, t, 0
                if y < level_n:
                    look = (FALLEN, RETURNED)[self._looked]
                    self._looked += 1
                    break
                if self.top is None:
                    continue
            elif y > lowest_n + swing_n:
                look = VALLEY
                break
            still_s = t - anchor_s
            if still_s < RESTING_S or rested > 1:
                continue
            moved_s = anchor_s - began_s
            if not rested and still_s >= RESTING_SHARE * moved_s:
                rested, look = 1, RESTING
                break
            if still_s >= max(RESTED_S, RESTED_SHARE * moved_s):
                rested, look = 2, RESTED
                break
        still.anchor_n, still.anchor_s, still.rested = anchor_n, anchor_s, rested
        self._note(at)
        if look is VALLEY:
            low = self.extreme
            unseen = self._gap >= 0 and self._gap <= low.tick <= self._gap + 1
            self.valley = TurningPoint(low.tick, low.time_s, low.tension_n, unseen)
            self.top = None
            self._turn(i)
        return i + 1, look

    def _note(self, at: int) -> None:
        """Note a new extreme at index `at`; -1: none."""
        if at >= 0:
            ticks = self._ticks
            self.extreme = TurningPoint(ticks.dropped + at, ticks.time_s[at], ticks.tension_n[at])

    def _turn(self, at: int) -> None:
        self._note(at)
        self._still = _Standstill(self.extreme.tension_n, self.extreme.time_s)
        self._since_s = self.extreme.time_s
        self._looked = 0
