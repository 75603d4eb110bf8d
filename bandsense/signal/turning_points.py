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
noise. What lies between two neighbouring valleys is a *movement*. Whether it is a repetition is not decided
here (`bandsense.signal.explanations`).

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
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import islice
from typing import Final, TypeAlias

import numpy as np

from bandsense.samples import FloatArray
from bandsense.signal.boundaries import crossing_s

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
    "Passage",
    "Surroundings",
    "Ticks",
    "TurningPoint",
    "TurningPoints",
]

SMALLEST_SWING_N: Final = 0.2
"""No sensor of this kind resolves a movement that is smaller."""

SWING_SHARE: Final = 0.05
SWING_NOISES: Final = 8.0
"""A swing is at least this share of the range and so many standard deviations of the noise."""

TURN_SHARE: Final = 0.1
"""A top is confirmed by a fall of this share of the rise to it."""

MANY_SECONDS: Final = 8
"""From so many seconds at once on, arrays are quicker than lists."""

LOWEST_S: Final = 60
HIGHEST_S: Final = 8
QUIETEST_S: Final = 40
"""Over how many of the latest seconds the lowest, highest and quietest are kept."""

USUAL_NOISE_N: Final = 0.2
"""Noise, smoothed, is what a quarter of the latest seconds do not exceed: the quietest of 40 has half of it,
by chance. More than this is rather quick movement, seen by a slow sensor: then that is all that is known."""

SECOND_DIFFERENCE: Final = 0.51
"""Standard deviation of white noise by the mean magnitude of its second differences: 1 / (√6 · √(2/π))."""

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


_Second: TypeAlias = tuple[float, float, float]
"""`lowest_n`, `noise_n` and `swing_n` with one second more."""


class Surroundings:
    """What tension has been lately: its lowest, highest and quietest, second by second.

    Attributes:
        lowest_n: lowest tension of the last 60 s.
        noise_n: noise of the smoothed trace that an eighth of the last 40 s do not exceed.
        swing_n: the hysteresis δ.
        gain: what the low-pass leaves of the standard deviation of white noise.
    """

    def __init__(self, tick_hz: float, gain: float) -> None:
        self._ticks_a_second = max(1, round(tick_hz))
        self._shared = 2 if self._ticks_a_second > 2 else 0
        self.gain = gain
        self._lows: deque[float] = deque(maxlen=LOWEST_S)
        self._highs: deque[float] = deque(maxlen=HIGHEST_S)
        self._noises: deque[float] = deque(maxlen=QUIETEST_S)
        self._quietest: list[float] = []
        self._smooth_n: list[float] = []
        self._clean_n: list[float] = []
        self.lowest_n = self._lowest_n = math.inf
        self.noise_n = math.inf
        self.swing_n = math.inf

    def go_on(self, tick_hz: float, gain: float) -> None:
        """Go on with another number of ticks a second, after another low-pass; a second begins anew."""
        share = gain / self.gain
        self._noises = deque((share * noise_n for noise_n in self._noises), maxlen=QUIETEST_S)
        self._quietest = [share * noise_n for noise_n in self._quietest]
        self.noise_n *= share
        self.gain = gain
        self._ticks_a_second = max(1, round(tick_hz))
        self._shared = 2 if self._ticks_a_second > 2 else 0
        self._smooth_n, self._clean_n = [], []

    @property
    def missing(self) -> int:
        """So many ticks more until there is a second to take."""
        return self._ticks_a_second - len(self._smooth_n)

    @property
    def step(self) -> int:
        """So many ticks from second to second: each shares its first two with the one before."""
        return self._ticks_a_second - self._shared

    def seconds(self, smooth_n: FloatArray, clean_n: FloatArray) -> Iterator[_Second]:
        """Add ticks, and give the seconds that they complete, to be taken one by one."""
        length, step = self._ticks_a_second, self.step
        count = (len(self._smooth_n) + smooth_n.size - self._shared) // step
        if count >= MANY_SECONDS:
            smooth_n = np.concatenate((self._smooth_n, smooth_n))
            clean_n = np.concatenate((self._clean_n, clean_n))
            rest = slice(count * step, None)
            self._smooth_n, self._clean_n = smooth_n[rest].tolist(), clean_n[rest].tolist()
            return self._many(smooth_n, clean_n, count)
        smooths_n, cleans_n = self._smooth_n, self._clean_n
        smooths_n += smooth_n.tolist()
        cleans_n += clean_n.tolist()
        if count <= 0:
            return iter(())
        self._smooth_n, self._clean_n = smooths_n[count * step :], cleans_n[count * step :]
        parts = (slice(i, i + length) for i in range(0, count * step, step))
        return (self._one(smooths_n[part], cleans_n[part]) for part in parts)

    def take(self, second: _Second) -> None:
        """Go on to the next second."""
        self.lowest_n, self.noise_n, self.swing_n = second

    def _one(self, smooth_n: Sequence[float], clean_n: Sequence[float]) -> _Second:
        """Work the figures out with one second more."""
        lows, low_n = self._lows, min(smooth_n)
        leaving_n = lows[0] if len(lows) == LOWEST_S else math.inf
        lows.append(low_n)
        self._highs.append(max(smooth_n))
        noise_n = usual_n = 0.0
        if len(clean_n) > 2:
            noise_n, usual_n = self._noise(
                SECOND_DIFFERENCE * self.gain * _bend(clean_n) / (len(clean_n) - 2)
            )
        # Only where the lowest leaves are all others to be asked.
        self._lowest_n = min(self._lowest_n, low_n) if leaving_n > self._lowest_n else min(lows)
        lowest_n = self._lowest_n
        swing_n = max(SMALLEST_SWING_N, SWING_SHARE * (max(self._highs) - lowest_n), SWING_NOISES * usual_n)
        return lowest_n, noise_n, swing_n

    def _many(self, smooth_n: FloatArray, clean_n: FloatArray, count: int) -> Iterator[_Second]:
        """Work them out with many seconds more, bit for bit as one by one."""
        length, step = self._ticks_a_second, self.step
        rows = _rows(smooth_n, count, length, step)
        lowest_n = _latest(self._lows, rows.min(axis=1), math.inf).min(axis=1)
        highest_n = _latest(self._highs, rows.max(axis=1), -math.inf).max(axis=1)
        self._lowest_n = float(lowest_n[-1])
        noise_n = usual_n = np.zeros(count)
        if length > 2:
            bends_n = np.abs(clean_n[:-2] - 2.0 * clean_n[1:-1] + clean_n[2:])
            rows = _rows(bends_n, count, length - 2, step)
            # A running sum adds one after the other; a plain one would add in pairs.
            sums_n = np.add.accumulate(rows, axis=1)[:, -1]
            known = np.minimum(len(self._noises) + np.arange(1, count + 1), QUIETEST_S)
            ordered = _latest(self._noises, SECOND_DIFFERENCE * self.gain * sums_n / (length - 2), math.inf)
            ordered = np.sort(ordered, axis=1)
            self._quietest = sorted(self._noises)
            at = np.arange(count)
            noise_n, usual_n = ordered[at, known // 8], ordered[at, known // 4]
            usual_n = np.minimum(usual_n, np.maximum(ordered[:, 0], USUAL_NOISE_N))
        swing_n = np.maximum(SWING_SHARE * (highest_n - lowest_n), SWING_NOISES * usual_n)
        swing_n = np.maximum(swing_n, SMALLEST_SWING_N)
        return zip(lowest_n.tolist(), noise_n.tolist(), swing_n.tolist(), strict=True)

    def _noise(self, second_n: float) -> tuple[float, float]:
        """Take the noise of one second more; return that of the quiet ones, and what it usually is."""
        noises, quietest = self._noises, self._quietest
        if len(noises) == QUIETEST_S:
            del quietest[bisect_left(quietest, noises[0])]
        noises.append(second_n)
        insort(quietest, second_n)
        return quietest[len(quietest) // 8], min(
            quietest[len(quietest) // 4], max(quietest[0], USUAL_NOISE_N)
        )


def _bend(clean_n: Sequence[float]) -> float:
    """Sum up the magnitudes of second differences."""
    total, a, b = 0.0, clean_n[0], clean_n[1]
    for c in islice(clean_n, 2, None):
        total += abs(a - 2.0 * b + c)
        a, b = b, c
    return total


def _rows(values: FloatArray, count: int, length: int, step: int) -> FloatArray:
    """View float64[n], n ≥ (count − 1)·step + length, as rows that begin `step` values apart.

    As `sliding_window_view` does, at a thirtieth of the cost.
    """
    return np.ndarray((count, length), np.float64, values, 0, (8 * step, 8))


def _latest(kept: deque[float], values: FloatArray, before: float) -> FloatArray:
    """Give for each of these values as many of the latest as are kept, as rows, and keep them as well.

    Where there are not so many, `before` stands for those that are missing.
    """
    most = kept.maxlen or 1
    known = np.concatenate((np.full(most - 1, before), kept, values))[-most + 1 - values.size :]
    kept.extend(values[-most:].tolist())
    return _rows(known, values.size, most, 1)


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
        return min((self.surroundings.lowest_n, *ticks.tension_n[present]))

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
