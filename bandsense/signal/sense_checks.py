"""Whether what a sensor shows makes sense: its zero, its sign, its wiring.

A band cannot push, and a person cannot hold it as still as nothing does: muscles tremble by some parts in a
thousand of the force. So a stretch in which tension scatters by no more than the noise of single samples is
one in which nothing pulls, or in which the band is fixed at both ends. What is shown then is the error of
the zero:

* below zero it can be nothing else, and so it is where tension stays below zero for seconds, still or not;
* above zero the band may be fixed and taut, so that it is asked about, unless the person said that the band
  is stretched at the start;
* if it changes, the zero moves. That also shows in bottoms and tops that rise or fall together, little by
  little (`zero_drift`) or at once (`zero_jumps`).

What pulls to the wrong side is a reversed sensor (`direction`), whose samples are of no use to a detector,
which would count them upside down. What no band does at all comes from the `converter`.

Everything is decided on `windows` of a fixed number of samples, so that it does not matter how the stream is
cut into blocks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bandsense.language import Message
from bandsense.samples import BoolArray, FloatArray
from bandsense.signal.converter import BROKEN_N, SAME_N, Beginning, Converter
from bandsense.signal.direction import TOPS, Direction
from bandsense.signal.events import Rep, SignalWarning, WarningKind
from bandsense.signal.windows import Window, Windows
from bandsense.signal.zero_drift import LARGEST_DRIFT_N, ZeroDrift
from bandsense.signal.zero_jumps import TraceBetween, ZeroJumps

__all__ = ["SenseChecks"]

STILL_S: Final = 1.0
"""Nothing pulls where windows of together so long are still at one level."""
BELOW_S: Final = 2.0
"""Nobody pulls less than nothing for so long, still or not."""

STILL_NOISE: Final = 1.5
STILL_FEW: Final = 6.0
STILL_N: Final = 0.02
"""A window of n samples is still if it scatters by less than `STILL_NOISE` + `STILL_FEW` / n times the noise
of a sample, plus `STILL_N`: the fewer samples, the less is known of either."""

APART_N: Final = 0.1
"""Still windows are at one level if theirs differ by no more than such a window scatters, plus this."""

PULL_N: Final = 3.0
PULL_NOISES: Final = 8.0
"""A pull moves by more than this and so many times the noise."""

LARGEST_ZERO_N: Final = 2.0
"""A zero that is further off is told."""
FASTEST_DRIFT_N_PER_S: Final = 0.055
FARTHEST_DRIFT_N: Final = 4.0
LARGEST_SHIFT_N: Final = 0.3
"""A zero that was not seen for a while may have moved by so much a second, and by `FARTHEST_DRIFT_N` at most.
What moved by more than `LARGEST_SHIFT_N` meanwhile, and by more than that or to within
`LARGEST_ZERO_N` of zero, was a band that was held lightly, or let go."""
LEAST_DOUBT_N: Final = 0.25
"""A zero that is off by less is as good as a tare."""
DOUBTS: Final = 512
"""Changes of the doubt that are remembered."""

FLOORS: Final = 3
FLOOR_N: Final = 0.25
FLOOR_NOISE: Final = 2.5
"""So many bottoms at one level, the still start among them, show where the band is slack: levels that differ
by no more than `FLOOR_N` plus `FLOOR_NOISE` times the noise are one, and a hand does not come back to the
start of a taut band so exactly."""
FLOORS_ELSEWHERE: Final = 4
REST_S: Final = 10.0
"""Where the sensor was seen at zero, it takes so many bottoms at another level; and it must have stood there
for `REST_S` since, or have come there from zero within half a window. A band is not taken up so quickly, nor
held so still before a set."""


@dataclass(slots=True)
class _Still:
    """Consecutive still windows at one level."""

    since_s: float
    low_n: float
    high_n: float
    sum_n: float = 0.0
    windows: int = 0

    def holds(self, level_n: float, within_n: float) -> bool:
        """Take a level, and return whether it is still the same one."""
        self.low_n, self.high_n = min(self.low_n, level_n), max(self.high_n, level_n)
        return self.high_n - self.low_n <= within_n


@dataclass(slots=True)
class _Bottoms:
    """The bottoms between pulls: each ends as tension rises above the lowest that was seen since the last.

    Attributes:
        floors_n: lowest samples of the latest.
        tops_n: highest samples between the latest.
        risen: whether tension is beyond one.
        lowest_n, bottom_n: lowest sample and window since the last top.
        top_n, highest_n: highest sample and window since the last bottom.
    """

    floors_n: deque[float] = field(default_factory=lambda: deque(maxlen=FLOORS_ELSEWHERE))
    tops_n: deque[float] = field(default_factory=lambda: deque(maxlen=TOPS))
    risen: bool = False
    lowest_n: float = inf
    bottom_n: float = inf
    top_n: float = -inf
    highest_n: float = -inf

    def turned(self, middle_n: float, lowest_n: float, highest_n: float, reach_n: float) -> bool:
        """Take a window, and return whether a bottom begins or ends; a pull moves by `reach_n` at least."""
        if self.risen:
            if highest_n > self.top_n:
                self.top_n = highest_n
            if middle_n > self.highest_n:
                self.highest_n = middle_n
            elif middle_n < self.highest_n - reach_n:
                self.risen, self.lowest_n, self.bottom_n = False, lowest_n, middle_n
                self.tops_n.append(self.top_n)
                return True
            return False
        if lowest_n < self.lowest_n:
            self.lowest_n = lowest_n
        if middle_n < self.bottom_n:
            self.bottom_n = middle_n
        elif middle_n > self.bottom_n + reach_n:
            self.risen, self.highest_n, self.top_n = True, middle_n, highest_n
            self.floors_n.append(self.lowest_n)
            return True
        return False


@dataclass(slots=True)
class _Zero:
    """Where the band was still near zero, or at a level that may be a new one.

    Attributes:
        level_n, seen_s: where it was last, and when; None before.
        first: time and level of the first of these.
        other_n: another level since, at which it stood as only what nothing pulls does.
        stood_n, stood_s: the latest other level, and for how long it was still there.
        passing_n, passing: level of the first window that moved since the latest still one, and how many did.
    """

    level_n: float | None = None
    seen_s: float = -inf
    first: tuple[float, float] | None = None
    other_n: float | None = None
    stood_n: float = 0.0
    stood_s: float = 0.0
    passing_n: float = 0.0
    passing: int = 0

    def stand(self, level_n: float, lasted_s: float, within_n: float) -> None:
        """Take a still window at another level."""
        if abs(level_n - self.stood_n) > within_n:
            self.stood_n, self.stood_s = level_n, 0.0
        self.stood_s += lasted_s
        if self.stood_s >= REST_S:
            self.other_n = self.stood_n

    def jumped(self, from_n: float, to_n: float, margin_n: float) -> bool:
        """Return whether a still window at another level followed one at zero quicker than a hand moves."""
        if self.level_n is None or abs(from_n - self.level_n) > LARGEST_ZERO_N or self.passing > 1:
            return False
        # The level of a window is its median: next to the one or the other if the change took no half of it.
        off_n = min(abs(self.passing_n - from_n), abs(self.passing_n - to_n))
        return not self.passing or off_n <= margin_n


class _Doubt:
    """What the zero adds to the uncertainty of a tension, and since when."""

    def __init__(self) -> None:
        self._since_s: deque[float] = deque([-inf], maxlen=DOUBTS)
        self._doubt_n: deque[float] = deque([0.0], maxlen=DOUBTS)

    def set(self, time_s: float, off_n: float) -> None:
        """From now on the zero is off by so much, if that is more than next to nothing."""
        doubt_n = abs(off_n) / sqrt(3.0) if abs(off_n) > LEAST_DOUBT_N else 0.0
        if doubt_n != self._doubt_n[-1]:
            self._since_s.append(time_s)
            self._doubt_n.append(doubt_n)

    def raise_to(self, time_s: float, off_n: float) -> None:
        """Do the same unless it was seen to be off by more."""
        if abs(off_n) / sqrt(3.0) > self._doubt_n[-1]:
            self.set(time_s, off_n)

    def end(self) -> None:
        """From the latest change on the zero is right."""
        self.set(self._since_s[-1], 0.0)

    def at(self, time_s: ArrayLike) -> FloatArray:
        """Return what was known at each time."""
        at = np.searchsorted(np.array(self._since_s), np.asarray(time_s), side="right") - 1
        return np.asarray(np.array(self._doubt_n)[np.maximum(at, 0)])


@dataclass(slots=True)
class _Seen:
    """What the windows so far showed.

    Attributes:
        noise_n: of a sample, the least so far.
        margin_n, reach_n: by how much a still window scatters at most, and a pull moves at least, with that.
        noises_n2: its variance in the latest windows.
        still: the present run of still windows; None while it moves.
        level_n: where the band was still last; None before.
        calm_n: where a single window was still last.
        zero: where it was still near zero.
        bottoms: what lies between pulls.
        direction: to which side pulls go.
        below_s: since when all samples are below zero.
        converter: what it shows that no band does.
    """

    noise_n: float = inf
    margin_n: float = inf
    reach_n: float = inf
    noises_n2: deque[float] = field(default_factory=lambda: deque(maxlen=4))
    still: _Still | None = None
    level_n: float | None = None
    calm_n: float | None = None
    zero: _Zero = field(default_factory=_Zero)
    bottoms: _Bottoms = field(default_factory=_Bottoms)
    direction: Direction = field(default_factory=Direction)
    below_s: float | None = None
    converter: Converter = field(default_factory=Converter)

    @property
    def one_level_n(self) -> float:
        """Levels that differ by less are one."""
        return FLOOR_N + FLOOR_NOISE * self.noise_n


class SenseChecks:
    """Follows a stream of tension and tells, once each, what makes no sense in it.

    Args:
        pre_stretched: the person said that the band is stretched at the start position.
    """

    def __init__(self, *, pre_stretched: bool = False) -> None:
        self._pre_stretched = pre_stretched
        self._windows = Windows()
        self._beginning = Beginning()
        self._seen = _Seen()
        self._doubt = _Doubt()
        self._drift = ZeroDrift()
        self._jumps = ZeroJumps()
        self._told: dict[WarningKind, float] = {}

    @property
    def reversed(self) -> bool:
        """Whether the sensor shows less where it is pulled; its samples are not to be used."""
        return self._seen.direction.reversed

    @property
    def zero_is_right(self) -> bool:
        """Whether it was seen since it was last set, and nothing was told against it."""
        told = WarningKind.ZERO_OFF in self._told or WarningKind.ZERO_DRIFTS in self._told
        return self._seen.zero.level_n is not None and not told

    def zero_doubt_n(self, time_s: ArrayLike) -> FloatArray:
        """Return the uncertainty, newtons, that the zero last seen before each time adds to a tension.

        It is that of equal chances up to what was shown while nothing pulled (JCGM 100:2008, 4.3.7); 0 while
        the zero is right, or was not seen.
        """
        return self._doubt.at(time_s)

    def push(
        self, time_s: FloatArray, tension_n: FloatArray, saturated: BoolArray | None = None
    ) -> tuple[list[tuple[int, SignalWarning]], BoolArray | None]:
        """Take the next samples.

        Args:
            time_s: float64[n], device time, increasing.
            tension_n: float64[n], newtons.
            saturated: bool[n]; True where the converter was at the end of its range.

        Returns:
            What is to be told, each with the number of these samples that made it certain; and bool[n]: which
            samples may be used, all but those of a reversed sensor. None where nothing is told and all may.
        """
        was = self.reversed
        usable = np.full(time_s.size, False) if was else None
        told: list[tuple[int, SignalWarning]] = []
        for number, window in enumerate(self._windows.push(time_s, tension_n, saturated), start=1):
            warnings = self._look(window)
            if warnings or self._seen.direction.reversed is not was:
                at = self._windows.taken(number)
                told += [(at, warning) for warning in warnings]
                usable = np.full(time_s.size, not was) if usable is None else usable
                was = self.reversed
                usable[at:] = not was
        return told, usable

    def go_on(self, rate_hz: float) -> None:
        """Go on at another rate with the samples to come; a window begins anew."""
        if self._windows.length:
            self._windows.go_on(rate_hz)
            self._seen.noises_n2.clear()
            self._seen.still = None
            self._take_noise(self._seen.noise_n)

    def rep(self, rep: Rep, detected_s: float, trace: TraceBetween) -> list[SignalWarning]:
        """Take a repetition, in order; bottoms and tops that drift or jump together are told.

        Args:
            rep: the repetition.
            detected_s: when it was complete.
            trace: gives the samples between two times up to then.
        """
        slack_n = self._seen.zero.level_n if not self._pre_stretched else None
        moved_n = self._jumps.rep(rep, trace, slack_n, self._seen.one_level_n)
        if moved_n is not None:
            self._drift.forget()
            message = Message(
                "bottom and top moved together by {moved:+.1f} N at once, as they do when the zero jumps; "
                "let the band hang slack and set the zero again, and look for a loose wire or a clip that "
                "slipped",
                moved=moved_n,
            )
        elif (drifted := self._drift.rep(rep, self._seen.noise_n)) is not None:
            moved_n, span_s = drifted
            message = Message(
                "bottom and top moved together by {moved:+.1f} N in {seconds:.0f} s, as they do when the "
                "zero drifts; let the band hang slack and set the zero again",
                moved=moved_n,
                seconds=span_s,
            )
        else:
            return []
        self._doubt.raise_to(detected_s, moved_n)
        warning = SignalWarning(rep.peak_time_s, WarningKind.ZERO_DRIFTS, message, detected_s)
        return self._tell(warning, moved_n)

    def tared(self) -> None:
        """Begin anew: the zero was set."""
        seen = self._seen
        self._seen = _Seen(noise_n=seen.noise_n, margin_n=seen.margin_n, reach_n=seen.reach_n)
        self._doubt.end()
        self._drift, self._jumps = ZeroDrift(), ZeroJumps()
        self._told.clear()

    def _tell(self, warning: SignalWarning | None, size_n: float = 0.0) -> list[SignalWarning]:
        """Tell a warning of each kind once, and again when it is worse by as much as was worth telling."""
        if warning is None:
            return []
        if warning.kind in self._told and abs(size_n - self._told[warning.kind]) <= LARGEST_ZERO_N:
            return []
        self._told[warning.kind] = size_n
        return [warning]

    def _take_noise(self, noise_n: float) -> None:
        seen = self._seen
        seen.noise_n = noise_n
        seen.margin_n = (STILL_NOISE + STILL_FEW / self._windows.length) * noise_n + STILL_N
        seen.reach_n = max(PULL_N, PULL_NOISES * noise_n)

    def _look(self, window: Window) -> list[SignalWarning]:
        """Check one window; most change nothing, and are told apart before anything is called."""
        seen = self._seen
        start_s, end_s, middle_n, scatter_n, lowest_n, highest_n, noise_n, _, saturated, _ = window
        if end_s - start_s > self._windows.longest_s:
            seen.still = None
            return []
        if saturated or noise_n >= BROKEN_N:
            return self._tell(seen.converter.broken(window, self._windows))
        seen.converter.broken_since_s = None
        if (highest_n - lowest_n <= SAME_N and middle_n) or seen.converter.same_since_s is not None:
            stopped = seen.converter.stopped(window)
            if stopped is not None:
                seen.still = None
                return stopped
        if self._beginning.open and self._beginning.over(window, seen.noise_n):
            self._seen = seen = _Seen()
        noises_n2 = seen.noises_n2
        noises_n2.append(noise_n * noise_n)
        if len(noises_n2) > 1:  # One window alone may look quieter than it is.
            noise_n = sqrt(sum(noises_n2) / len(noises_n2))
            if noise_n < seen.noise_n:
                self._take_noise(noise_n)
        told: list[SignalWarning] = []
        if scatter_n <= seen.margin_n:
            seen.converter.calm(window)
            told += self._calm(window)
        else:
            if not seen.zero.passing:
                seen.zero.passing_n = middle_n
            seen.zero.passing += 1
            seen.still = None
        if seen.bottoms.turned(middle_n, lowest_n, highest_n, seen.reach_n):
            told += self._floor(window)
            if seen.level_n is not None and not self._pre_stretched:
                tops_n = seen.bottoms.tops_n
                told += self._tell(seen.direction.above_zero(window, seen.level_n, tops_n, seen.one_level_n))
        if highest_n <= -LARGEST_ZERO_N or seen.below_s is not None:
            told += self._below(window)
        if seen.level_n is not None and not seen.direction.pulled:
            told += self._tell(seen.direction.below_zero(window, seen.level_n, seen.reach_n))
        return told

    def _calm(self, window: Window) -> list[SignalWarning]:
        """Take a window in which nothing moves, and check the zero once there are enough of them."""
        seen, still, zero, level_n = self._seen, self._seen.still, self._seen.zero, window.middle_n
        within_n = seen.margin_n + APART_N
        before_n = level_n if seen.calm_n is None else seen.calm_n
        if abs(level_n - before_n) > LARGEST_ZERO_N and zero.jumped(before_n, level_n, within_n):
            zero.other_n = level_n
        zero.passing = 0
        seen.calm_n = level_n
        if abs(level_n) <= LARGEST_ZERO_N:
            seen.direction.from_above = False
        elif level_n > 0.0:
            zero.stand(level_n, window.end_s - window.start_s, seen.one_level_n)
        if still is None or not still.holds(level_n, within_n):
            seen.still = still = _Still(window.start_s, level_n, level_n)
        still.sum_n += level_n
        still.windows += 1
        if window.end_s - still.since_s < STILL_S * 0.9:
            return []
        return self._zero(window, still.sum_n / still.windows)

    def _zero(self, window: Window, level_n: float) -> list[SignalWarning]:
        """Take a level at which the band was still for long enough."""
        seen, zero, bottoms = self._seen, self._seen.zero, self._seen.bottoms
        seen.level_n = level_n
        moved = bottoms.risen or bool(bottoms.floors_n) or bottoms.bottom_n < level_n - seen.reach_n
        seen.direction.still(level_n, moved=moved)
        unseen_s = window.end_s - zero.seen_s if zero.level_n is not None else 0.0
        shift_n, drift_n = abs(level_n - (zero.level_n or 0.0)), FASTEST_DRIFT_N_PER_S * unseen_s
        follows = shift_n <= LARGEST_ZERO_N or shift_n <= min(FARTHEST_DRIFT_N, drift_n)
        if level_n < 0.0 or (follows and not self._pre_stretched):
            self._doubt.set(window.known_s, level_n)
        if level_n < -LARGEST_ZERO_N:
            return self._off(window, level_n)
        if not follows:
            # After the set, too: bottoms may have shown it, but not that anything was still there.
            return self._floor(window)
        light = abs(level_n) <= LARGEST_ZERO_N or shift_n > drift_n
        if zero.first is None or (light and shift_n > LARGEST_SHIFT_N):
            # A drift is one that was seen, or that no hand explains.
            zero.first = (window.end_s, level_n)
        zero.level_n, zero.seen_s, zero.other_n, zero.stood_s = level_n, window.end_s, None, 0.0
        since_s, moved_n = window.end_s - zero.first[0], level_n - zero.first[1]
        if abs(moved_n) <= LARGEST_DRIFT_N:
            return []
        message = Message(
            "the zero seems to have moved by {moved:+.1f} N in {time}; if the band hangs slack now, "
            "let the sensor warm up, and set the zero again",
            moved=moved_n,
            time=f"{since_s:.0f} s" if since_s < 90.0 else f"{since_s / 60.0:.0f} min",
        )
        warning = SignalWarning(window.end_s, WarningKind.ZERO_DRIFTS, message, window.known_s)
        return self._tell(warning, moved_n)

    def _floor(self, window: Window) -> list[SignalWarning]:
        """Check whether the latest bottoms show a zero that is off."""
        seen, floors_n = self._seen, self._seen.bottoms.floors_n
        known = seen.zero.level_n is not None
        level_n, least = (seen.zero.other_n, FLOORS_ELSEWHERE) if known else (seen.calm_n, FLOORS)
        if self._pre_stretched or level_n is None or level_n <= LARGEST_ZERO_N or len(floors_n) < least:
            return []
        # Nothing moved there either: a hand that holds a band trembles.
        latest_n = [*floors_n][-least:]
        if max(level_n, *latest_n) - min(level_n, *latest_n) > seen.one_level_n:
            return []
        if known:
            self._doubt.set(window.known_s, level_n)
        return self._off(window, level_n)

    def _below(self, window: Window) -> list[SignalWarning]:
        """Check whether all samples are below zero for long, still or not."""
        seen = self._seen
        if window.highest_n > -LARGEST_ZERO_N:
            seen.below_s = None
            return []
        if seen.below_s is None:
            seen.below_s = window.start_s
        # How far is best seen where it is still; moving, it is told once.
        new = WarningKind.ZERO_OFF not in self._told and not self.reversed
        long = window.end_s - seen.below_s >= BELOW_S
        return self._off(window, window.middle_n) if long and new else []

    def _off(self, window: Window, level_n: float) -> list[SignalWarning]:
        """Tell a zero that is off by so much."""
        if level_n < 0.0:
            message = Message(
                "the sensor shows {level:.1f} N, less than nothing: its zero is off, and all tensions are "
                "about {low:.0f} N too low; let the band hang slack and set the zero again",
                level=level_n,
                low=-level_n,
            )
        else:
            message = Message(
                "the sensor shows {level:.1f} N and comes back to it as if nothing pulled; if the "
                "band is slack, set the zero; if it is taut at the start, begin the session with "
                "--pre-stretched",
                level=level_n,
            )
        return self._tell(
            SignalWarning(window.start_s, WarningKind.ZERO_OFF, message, window.known_s), level_n
        )
