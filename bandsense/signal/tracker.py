"""From the smoothed trace to repetitions: follow extremes, judge movements, tell what became certain."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from statistics import median

from bandsense.signal.boundaries import HIGH, Boundaries, measure, rising_edge
from bandsense.signal.config import DetectorConfig
from bandsense.signal.events import (
    Event,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    RetractReason,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.history import FlagRanges, RingBuffer

__all__ = ["RepSegmenter", "displacement"]

HISTORY_S = 90.0
"""How far back a repetition can be measured."""

REST_WINDOW_S = 3.0
"""The rest level is the lowest of the last one to two such windows: it follows a zero that creeps upwards."""

RECENT = 6
"""Full range, rest level and tempo come from this many repetitions."""

STILL_PART = 0.025
"""Tension that rises or falls by less than this part of the repetition's rise stands still."""

RETURNED = 0.1
"""A return is over at this part of the rise."""

SLOW_S = 0.1
SLOW_PART = 0.1
"""A return slows down when it falls by less than this part of the rise in this time."""

FLAT_S = 0.2
"""A return that stands still for so long is over, wherever it is."""

HELD_RISE = 0.25
"""After a hold that was no repetition, a rise above it by this part of its own rise begins a movement."""

CLEAR_HOLD = 0.35
"""A hold marks the top if it is above this part of the full range; below, the pull probably goes on."""

FULL_PART = 0.8
"""Repetitions with this part of the highest tension count as full ones when the full range is learnt."""

STRONG_FIRST = 1.25
BLOW_S = 0.15
"""A first rise this much beyond what steps reach is sure at its top if it takes longer than a blow."""

QUICK_SET = 3
QUICK_PART = 0.45
"""After so many strong repetitions, this part of their median duration is enough for a weaker one."""

WALKING_STEPS = 3
WALKING_S = 2.5
WALKING_LONGER = 1.8
"""So many steps in this time are walking, in which two may look like one so much longer or stronger."""

CADENCE_S = 0.8
"""Weak movements whose tops follow each other sooner are steps; no one repeats a weak pull so quickly."""

CALM_S = 1.2
"""Steps follow each other within this time; after it the person stands."""

RIPPLE_N = 1.2
RIPPLE_PART = 0.12
"""Tops within a movement are steps if tension falls between them by this much and this part of the rise."""

SHORTEST_STEP_S = 0.35
UNEVEN = 1.6
"""Steps are at least this long, and one at most by this factor longer than the one before."""

BEFORE_S = 6.0
"""Steps are looked for in so much of the trace before a movement."""

QUICK_INTERVALS = 0.6
"""Sampling makes a step up to so many intervals longer."""

OUTLIER_OTHERS = 2
"""So many others are needed to know an outlier among valleys or tops."""

LARGE_RANGE = 0.6
QUICK_RISE_PART = 0.75
"""After `QUICK_SET` repetitions, a pull over this part of the range, in this part of their time, is sure."""

ALIKE = 0.6
"""Two movements are alike if the smaller is at least this part of the larger."""

RETURNED_PART = 0.5
"""A low first movement that does not come back by this part of its rise is none that waits for another."""

SMALL_ALIKE = 4
"""So many alike movements that are too small for repetitions look like a mix-up of units."""

SET_UP_MOVEMENTS = 3
"""Only the first movements of a set can turn out to have been set-up."""

BAND_LOST_S = 0.05
BAND_LOST_PART = 0.7
"""A loss of this part of the tension within this time is not a person's doing."""

SLIP_S = 0.5
SLIP_PART = 0.15
"""A loss of at least this part of the range is looked for at rest, in so much of the latest trace."""

SMOOTH_PART = 0.25
"""The low-pass and the ticks leave at least this part of such a loss between two ticks."""

STRADDLED_PART = 0.9
"""Where only one interval fits in this time, two that hold nearly all of the loss are as sudden."""

BAND_LOST_RATE_HZ = 16.0
"""Below this rate such a loss cannot be told from a fast return."""

LATE_INTERVALS = 0.5
"""Samples that are further apart than they should by so many intervals do not tell how sudden a loss was."""

SAME_BAND_S = 6.0
"""A link that dropped is back after 1 to 5 s; nobody changes band or slack in that time, so that the rest
level still holds after a gap up to this long."""

LARGEST_N = 1000.0
"""No one pulls an elastic band harder; two-handed deadlifts on the strongest bands stay below."""


def displacement(tension_n: float, rest_n: float, full_n: float, exponent: float) -> float:
    """Estimated displacement from rest as a part of the full range.

    x = ((T − T_rest) / (T_full − T_rest))^(1/p), the inverse of the power law T ∝ x^p. Differences and ratios
    of tension make it independent of zero and scale.
    """
    if tension_n <= rest_n or full_n <= rest_n:
        return 0.0
    x: float = ((tension_n - rest_n) / (full_n - rest_n)) ** (1.0 / exponent)
    return x


def full_range(tops_n: Sequence[float], rest_n: float) -> float:
    """Tension at the top of a full repetition: the median of the repetitions that come near the highest.

    Args:
        tops_n: tensions at the tops, at least one.
        rest_n: rest level; it may have come to lie above all of them.
    """
    highest_n = max(tops_n)
    near_n = min(highest_n, rest_n + FULL_PART * (highest_n - rest_n))
    return median(top for top in tops_n if top >= near_n)


def steps_among(tops_s: Sequence[float], until_s: float) -> list[float]:
    """Tops that follow each other as evenly as steps and go on beyond a time; none if there are none.

    Args:
        tops_s: times of tops of tension, increasing.
        until_s: steps that end before it do not matter.
    """
    run: list[float] = []
    for t in tops_s:
        step_s = t - run[-1] if run else math.inf
        if step_s < SHORTEST_STEP_S:
            continue
        run = [*run, t] if step_s < (CADENCE_S if len(run) < WALKING_STEPS else CALM_S) else [t]
        if len(run) == WALKING_STEPS:
            first_s, second_s = (b - a for a, b in pairwise(run))
            if not first_s / UNEVEN < second_s < first_s * UNEVEN:
                del run[0]
        if len(run) >= WALKING_STEPS and t > until_s:
            return run
    return []


class _State(Enum):
    REST = auto()
    RISE = auto()
    FALL = auto()
    HELD = auto()


@dataclass(slots=True, eq=False)
class _Movement:
    """A rise and fall that may become a repetition. Tensions in N; `*_at` are tick numbers."""

    start_n: float
    start_at: int
    start_s: float
    begun_s: float
    begun_at: int
    """When tension left the rest level; its lowest point may be long before."""
    top_n: float
    top_at: int
    top_s: float
    anchor_n: float
    anchor_s: float
    """The last level that tension left by `STILL_PART` of the rise, and when it did."""
    turn_n: float = -math.inf
    """A fall to this tension is the return."""
    alarm_s: float = 0.0
    """When a hold must be looked at, if nothing happens before."""
    near_n: float = math.inf
    near_s: float | None = None
    """Tension that begins the hold of a full repetition, and when it was first reached."""
    tried_n: float = math.inf
    """The top at which counting it during a hold was last considered."""
    separation_n: float = -math.inf
    """A fall to this tension ends the movement."""
    held_s: float | None = None
    counted_n: float = 0.0
    """Greatest tension when it was counted."""
    index: int = 0
    separated: bool = False
    blind: bool = False
    """Samples are missing in it."""
    last_at: int = 0

    @property
    def rise_n(self) -> float:
        return self.top_n - self.start_n

    @property
    def ripple_n(self) -> float:
        return max(RIPPLE_N, RIPPLE_PART * self.rise_n)


class RepSegmenter:
    """Follows one smoothed trace tick by tick; `follow` appends to `events`.

    Args:
        config: thresholds.
        clean_n, clean_s: despiked tension and time of all samples up to the present one.
        saturated, gaps: marked samples.
        rate_hz: sample rate.
        step: samples to a tick.
    """

    def __init__(
        self,
        config: DetectorConfig,
        clean_n: RingBuffer,
        clean_s: RingBuffer,
        saturated: FlagRanges,
        gaps: FlagRanges,
        rate_hz: float,
        step: int,
    ) -> None:
        self._config = config
        self._clean_n = clean_n
        self._clean_s = clean_s
        self._saturated = saturated
        self._gaps = gaps
        self._rate_hz = rate_hz
        self._step = step
        self._tick_hz = rate_hz / step
        self._time_s: list[float] = []
        self._smooth_n: list[float] = []
        self._dropped = 0
        self.events: list[Event] = []
        self.standing = 0
        self._next_index = 1
        self._now_s = 0.0
        self._phase = Phase.REST
        self._state = _State.REST
        self._movement: _Movement | None = None
        self._low_n = math.inf
        self._low_at = 0
        self._since_at = 0
        self._low_s = 0.0
        self._window_end_s = -math.inf
        self._rise_level_n = math.inf
        self._base_n = math.inf
        self._full_n: float | None = None
        self._valleys: deque[float] = deque(maxlen=RECENT)
        self._tops: deque[float] = deque(maxlen=RECENT)
        self._widths: deque[float] = deque(maxlen=RECENT)
        self._rises: deque[float] = deque(maxlen=RECENT)
        self._steps: deque[float] = deque(maxlen=WALKING_STEPS)
        self._early: list[_Movement] | None = []
        self._waiting: deque[_Movement] = deque(maxlen=SMALL_ALIKE)
        self._last_rep_s = -math.inf
        self._weak_top_s = -math.inf
        self._falling = False
        self._alert = False
        self._blind_at = -1
        self._lost_s = -math.inf
        self._told: set[WarningKind] = set()

    def follow(self, time_s: list[float], smooth_n: list[float], ready_s: list[float]) -> None:
        """Take the next ticks: time and tension of the smoothed trace, and when each was known."""
        self._drop_old_ticks()
        at = self._dropped + len(self._time_s) - 1
        self._time_s += time_s
        self._smooth_n += smooth_n
        for t, y, self._now_s in zip(time_s, smooth_n, ready_s, strict=True):
            at += 1
            m = self._movement
            if m is None:
                # Most of a day is rest: between its lowest point and the level of a movement nothing happens.
                if not self._low_n <= y <= self._rise_level_n or t >= self._window_end_s or self._alert:
                    self._rest(t, y, at)
            elif self._state is _State.RISE:
                self._rise(m, t, y, at)
            elif self._state is _State.FALL:
                self._fall(m, t, y, at)
            else:
                self._held(m, t, y, at)

    def _drop_old_ticks(self) -> None:
        kept = round(HISTORY_S * self._tick_hz)
        if len(self._time_s) > 2 * kept:
            self._dropped += len(self._time_s) - kept
            self._time_s, self._smooth_n = self._time_s[-kept:], self._smooth_n[-kept:]

    def interrupt(self, gap_s: float) -> None:
        """Samples are missing from here: what was counted ends, what was not is counted when it is over."""
        at = self._dropped + len(self._time_s) - 1
        self._blind_at, self._alert = at + 1, True
        m = self._movement
        if m is not None and m.separated:
            self._close(m, at)
        elif m is not None and m.index:
            m.last_at = at
            self._tell_done(m, self._boundaries(m))
            m.index = 0
            m.separation_n = self._separation_level(m)
            self._state = _State.HELD
        elif m is not None:
            m.blind = True
        if gap_s > SAME_BAND_S or self._state is _State.HELD:
            self._since_at = at + 1
            self._low_n = math.inf

    def finish(self) -> None:
        """The stream ended: decide what can still be decided."""
        m = self._movement
        if m is None or self._state is _State.HELD:
            return
        if m.separated:
            self._close(m, self._dropped + len(self._time_s) - 1)
        elif m.index:
            self._retract(m, m.top_s, RetractReason.BROKEN_OFF)

    def warn(self, time_s: float, kind: WarningKind, message: str) -> None:
        """Tell a warning."""
        self.events.append(SignalWarning(time_s, kind, message, self._now_s))

    # Following the extremes.

    def _rest(self, t: float, y: float, at: int) -> None:
        fell, self._falling = self._falling, self._config.smallest_rise_n < self._low_n - y < math.inf
        self._alert = self._falling
        if fell and not self._falling:
            self._check_slipped(t, y, at)
        if y < self._low_n or (at == self._blind_at and y <= self._rise_level_n):
            self._set_low(t, y, at)
            self._rise_level_n = self._rise_level()
        elif y > self._rise_level_n:
            self._begin(t, y, at)
        elif t >= self._window_end_s:
            self._forget_low(t, at)

    def _set_low(self, t: float, y: float, at: int) -> None:
        self._low_n, self._low_at, self._low_s = y, at, t
        if y < self._base_n:
            self._base_n = y

    def _forget_low(self, t: float, at: int) -> None:
        """Only the last window counts for the rest level; after a long rest, nothing learnt before."""
        if self._full_n is not None and t - self._last_rep_s > self._config.new_set_s:
            self._new_set()
        self._window_end_s = t + REST_WINDOW_S
        first = max(self._since_at, at - round(REST_WINDOW_S * self._tick_hz)) - self._dropped
        window_n = self._smooth_n[max(0, first) : at + 1 - self._dropped]
        low_n = min(window_n)
        i = max(0, first) + window_n.index(low_n)
        self._set_low(self._time_s[i], low_n, i + self._dropped)
        self._rise_level_n = self._rise_level()

    def _begin(self, t: float, y: float, at: int) -> None:
        while self._waiting and t - self._waiting[0].top_s > self._config.new_set_s:
            self._waiting.popleft()
        self._valleys.append(self._low_n)
        self._base_n = self._lowest_valley()
        self._movement = m = _Movement(self._low_n, self._low_at, self._low_s, t, at, y, at, t, y, t)
        m.blind = at == self._blind_at
        m.turn_n = y - self._config.top_drop * m.rise_n
        m.alarm_s = self._held_at(t)
        if self._tops:
            m.near_n = m.start_n + HIGH * (full_range(self._tops, self._base_n) - m.start_n)
        self._state = _State.RISE
        self._tell_phase(self._low_s, Phase.CONCENTRIC)

    def _lowest_valley(self) -> float:
        """Lowest of the recent valleys; one that lies a whole range below the others is a disturbance."""
        low_n, *others = sorted(self._valleys)
        if self._full_n is None or len(others) < OUTLIER_OTHERS:
            return low_n
        return others[0] if others[0] - low_n > self._full_n - others[0] else low_n

    def _highest_top(self) -> float | None:
        """Highest of the recent tops; one that is twice as far up as the others is a disturbance."""
        if len(self._tops) <= OUTLIER_OTHERS:
            return max(self._tops, default=None)
        second_n, high_n = sorted(self._tops)[-2:]
        return second_n if high_n - self._base_n > 2.0 * (second_n - self._base_n) else high_n

    def _new_set(self) -> None:
        self._full_n = None
        self._early = []
        self._told.clear()
        for recent in (self._valleys, self._tops, self._widths, self._rises):
            recent.clear()

    def _rise(self, m: _Movement, t: float, y: float, at: int) -> None:
        if y > m.top_n:
            m.top_n, m.top_at, m.top_s = y, at, t
            rise_n = y - m.start_n
            m.turn_n = y - self._config.top_drop * rise_n
            if y > m.anchor_n + STILL_PART * rise_n:
                m.anchor_n, m.anchor_s = y, t
                if m.near_s is None and not m.index:
                    m.alarm_s = self._held_at(t)
            if y >= m.near_n and m.near_s is None:
                m.near_s = t
                m.alarm_s = min(m.alarm_s, self._held_at(t))
        elif y < m.turn_n:
            self._turn(m, t, y, at)
            return
        if t >= m.alarm_s:
            self._hold(m, t)

    def _held_at(self, t: float) -> float:
        """When on the smooth trace, which is late, tension that stands still since `t` is a hold."""
        return t + self._config.hold_s - (self._now_s - t)

    def _hold(self, m: _Movement, t: float) -> None:
        if m.held_s is None:
            m.held_s = m.anchor_s
        if not m.index and m.top_n != m.tried_n and self._range(m) >= CLEAR_HOLD:
            m.tried_n = m.top_n
            if self._certain_at_top(m):
                self._count(m)
                self._tell_phase(m.anchor_s, Phase.HOLD)
        longest_s = m.held_s + self._config.longest_hold_s
        if t >= longest_s:
            self._give_up(m, t)
        elif m.index:
            m.alarm_s = longest_s

    def _turn(self, m: _Movement, t: float, y: float, at: int) -> None:
        """The return begins."""
        self._state = _State.FALL
        self._set_low(t, y, at)
        m.anchor_n, m.anchor_s = y, t
        if not m.index and self._certain_at_top(m):
            self._count(m)
        m.separation_n = self._separation_level(m)
        m.separated = y <= m.separation_n
        self._tell_phase(m.top_s, Phase.ECCENTRIC)

    def _fall(self, m: _Movement, t: float, y: float, at: int) -> None:
        if y < self._low_n:
            self._set_low(t, y, at)
            m.separated = m.separated or y <= m.separation_n
            if y < m.anchor_n - STILL_PART * m.rise_n:
                m.anchor_n, m.anchor_s = y, t
            self._rise_level_n = math.nan
        elif y > m.top_n:
            self._pull_on(m, t, y, at)
            return
        if not m.separated:
            if t - (m.top_s if m.held_s is None else m.held_s) >= self._config.longest_hold_s:
                self._give_up(m, t)
        elif y > self._low_n and y > self._fresh_rise_level():
            self._close(m, at)
            self._begin(t, y, at)
        elif t - m.anchor_s >= FLAT_S or self._returned(m, y, at):
            self._close(m, at)

    def _pull_on(self, m: _Movement, t: float, y: float, at: int) -> None:
        """Higher than before without having been down: a double peak or a pause with a sag."""
        m.top_n, m.top_at, m.top_s = y, at, t
        m.anchor_n, m.anchor_s = y, t
        m.turn_n = y - self._config.top_drop * m.rise_n
        m.alarm_s = self._held_at(t)
        m.separated = False
        self._state = _State.RISE
        self._tell_phase(t, Phase.CONCENTRIC)

    def _returned(self, m: _Movement, y: float, at: int) -> bool:
        if y > m.start_n + RETURNED * m.rise_n:
            return False
        before = max(0, at - max(1, round(SLOW_S * self._tick_hz)) - self._dropped)
        return self._smooth_n[before] - y < SLOW_PART * m.rise_n

    def _give_up(self, m: _Movement, t: float) -> None:
        """Held too long: this was no repetition."""
        if m.index:
            self._retract(m, t, RetractReason.ISOMETRIC)
        m.separation_n = self._separation_level(m)
        self._state = _State.HELD

    def _held(self, m: _Movement, t: float, y: float, at: int) -> None:
        """Wait for the end of what is no repetition, or for repetitions that begin from its level."""
        if y > m.top_n + HELD_RISE * m.rise_n:
            self._forget_low(t, at)
            self._begin(t, y, at)
        elif y <= m.separation_n:
            self._come_to_rest(t)
            self._forget_low(t, at)
            self._falling = self._alert = True
            self._tell_phase(t, Phase.REST)

    def _come_to_rest(self, t: float) -> None:
        self._movement = None
        self._state = _State.REST
        self._window_end_s = t + REST_WINDOW_S

    # Judging movements.

    def _displacement(self, tension_n: float, full_n: float) -> float:
        return displacement(tension_n, self._base_n, full_n, self._config.exponent)

    def _fresh_rise_level(self) -> float:
        """The level for the present low, worked out once for it."""
        if self._rise_level_n != self._rise_level_n:
            self._rise_level_n = self._rise_level()
        return self._rise_level_n

    def _rise_level(self) -> float:
        """Tension above which a movement begins."""
        level_n = self._low_n + self._config.smallest_rise_n
        if self._full_n is None or self._full_n <= self._base_n:
            return level_n
        x = self._displacement(self._low_n, self._full_n) + self._config.smallest_range
        risen_n: float = (self._full_n - self._base_n) * x**self._config.exponent
        return max(level_n, self._base_n + risen_n)

    def _range(self, m: _Movement) -> float:
        """Displacement from the valley before to the top, as a part of the set's full range."""
        full_n = m.top_n if self._full_n is None else max(m.top_n, self._full_n)
        return self._displacement(m.top_n, full_n) - self._displacement(m.start_n, full_n)

    def _separation_level(self, m: _Movement) -> float:
        """Tension at which the fall has undone `separation` of the movement's own displacement."""
        full_n = m.top_n if self._full_n is None else max(m.top_n, self._full_n)
        top, start = self._displacement(m.top_n, full_n), self._displacement(m.start_n, full_n)
        x = top - self._config.separation * (top - start)
        fallen_n: float = self._base_n + (full_n - self._base_n) * x**self._config.exponent
        return fallen_n

    def _certain_at_top(self, m: _Movement) -> bool:
        if m.blind or self._walking(m):
            return False
        weak = m.rise_n < self._config.strong_rise_n
        if weak and (m.top_s - self._weak_top_s < CADENCE_S or self._ripples(m, m.top_at)):
            return False
        if self._steps_at(m, m.top_at):
            return False
        if self._full_n is not None:
            if self._range(m) < self._config.clear_range:
                return False
            if not weak or self._quick_width() < self._config.quick_width_s:
                return True
        edge = rising_edge(self._time_s, self._smooth_n, self._place(m.start_at), self._place(m.top_at))
        rise_s, rise_n = edge.high_s - edge.low_s, m.top_n - edge.valley_n
        if self._full_n is None and rise_n < self._config.sure_first_n:
            return False
        if rise_n >= STRONG_FIRST * self._config.strong_rise_n and rise_s >= BLOW_S:
            return True
        return rise_s >= self._quick_rise(m)

    def _walking(self, m: _Movement) -> bool:
        """Whether there were steps right before."""
        if len(self._steps) < WALKING_STEPS:
            return False
        return self._steps[-1] - self._steps[0] < WALKING_S and m.begun_s - self._steps[-1] < CALM_S

    def _ripples(self, m: _Movement, last_at: int) -> list[float]:
        """Times of the tops within a movement up to a tick, from each of which tension fell again."""
        return self._tops_of(m.begun_at, last_at, m.ripple_n, m.start_n)

    def _steps_at(self, m: _Movement, last_at: int) -> list[float]:
        """Times of the steps that go on through a movement up to a tick: their ripple shows on any sway."""
        strong_n = self._config.strong_rise_n
        if m.rise_n >= WALKING_LONGER * strong_n:
            return []
        before_s = BEFORE_S if m.rise_n < strong_n else 0.0
        first_at = max(self._since_at, m.begun_at - round(before_s * self._tick_hz))
        tops_s = self._tops_of(first_at, last_at, m.ripple_n)
        steps_s = steps_among(tops_s, self._time_s[self._place(last_at)] - CALM_S)
        # Those that begin after the top are of a person who walks off.
        return steps_s if steps_s and steps_s[0] <= m.top_s else []

    def _tops_of(self, first_at: int, last_at: int, swing_n: float, low_n: float = math.inf) -> list[float]:
        """Times of the tops that are no pulls, with a rise and a fall of at least `swing_n` around each."""
        tops_s, rising = [], False
        seen = slice(self._place(first_at), self._place(last_at) + 1)
        top_n, top_s = -math.inf, 0.0
        for t, y in zip(self._time_s[seen], self._smooth_n[seen], strict=True):
            if rising:
                if y > top_n:
                    top_n, top_s = y, t
                elif y < top_n - swing_n:
                    if top_n - low_n < self._config.strong_rise_n:
                        tops_s.append(top_s)
                    rising, low_n = False, y
            elif y < low_n:
                low_n = y
            elif y > low_n + swing_n:
                rising, top_n, top_s = True, y, t
        return tops_s

    def _quick_rise(self, m: _Movement) -> float:
        """Shortest pull that is sure at its top; a large one may be nearly as quick as the set's others."""
        if len(self._rises) >= QUICK_SET and self._range(m) >= LARGE_RANGE:
            return min(self._config.quick_rise_s, QUICK_RISE_PART * median(self._rises))
        return self._config.quick_rise_s

    def _quick_width(self) -> float:
        """Shortest duration of a repetition that is not strong: a strong set may have quicker weak ones."""
        shortest_s = self._config.quick_width_s + QUICK_INTERVALS / self._rate_hz
        if self._full_n is None or len(self._widths) < QUICK_SET:
            return shortest_s
        if full_range(self._tops, self._base_n) - self._base_n < self._config.strong_rise_n:
            return shortest_s
        return min(shortest_s, QUICK_PART * median(self._widths))

    def _close(self, m: _Movement, at: int) -> None:
        """The movement is over: it is a repetition, waits for another like it, or was nothing."""
        m.last_at = at
        self._come_to_rest(self._low_s)
        b = self._boundaries(m)
        # A repetition that ends with the band had no time to last.
        width_s = math.inf if self._no_step(m) and self._lost(m, b) else b.end_s - b.pull_start_s
        if not m.index:
            self._judge(m, width_s)
        elif self._too_quick(m, width_s):
            # As one of the first steps of a walk it may have been taken back already.
            if m.index:
                self._retract(m, b.end_s, RetractReason.TOO_QUICK)
        elif len(self._tops) == 1 and b.peak_n - b.end_n < self._config.least_first_n:
            self._retract(m, b.end_s, RetractReason.SET_UP)
        if m.index:
            self._tell_done(m, b)
        self._tell_phase(self._low_s, Phase.REST)
        self._rise_level_n = self._rise_level()

    def _boundaries(self, m: _Movement) -> Boundaries:
        first, top, last = self._place(m.start_at), self._place(m.top_at), self._place(m.last_at)
        returned = self._smooth_n[last] <= m.start_n + RETURNED * m.rise_n
        expected_n = m.start_n if returned else math.inf
        return measure(self._time_s, self._smooth_n, first, top, last, expected_n)

    def _place(self, at: int) -> int:
        """Where a tick is in the lists; the oldest if it is no longer there."""
        return max(0, at - self._dropped)

    def _judge(self, m: _Movement, width_s: float) -> None:
        """Count a movement that was not certain at its top, if it is now."""
        config = self._config
        if self._too_quick(m, width_s) or (m.blind and not self._no_step(m)):
            return
        if self._full_n is not None:
            if self._range(m) >= config.smallest_range:
                self._count(m)
        elif min(m.rise_n, m.top_n - self._low_n) >= config.sure_first_n and width_s >= self._quick_width():
            self._count(m)
        elif m.top_n - self._low_n >= RETURNED_PART * m.rise_n:
            self._wait(m)

    def _no_step(self, m: _Movement) -> bool:
        """Whether a movement is more than a step can be, however long it took."""
        large = self._full_n is not None and self._range(m) >= LARGE_RANGE
        return m.rise_n >= self._config.strong_rise_n or large

    def _too_quick(self, m: _Movement, width_s: float) -> bool:
        """Whether a movement is a step or several, or a blow."""
        shortest_s, strong_n = self._quick_width(), self._config.strong_rise_n
        walking = self._walking(m)
        longer = WALKING_LONGER if walking else 1.0
        tops_s, steps = [m.top_s], False
        if m.rise_n < longer * strong_n:
            tops_s = self._ripples(m, m.last_at) or tops_s
            steps = len(tops_s) >= WALKING_STEPS or width_s < longer * shortest_s
        if m.rise_n < strong_n:
            steps = steps or walking or tops_s[0] - self._weak_top_s < CADENCE_S
            self._weak_top_s = tops_s[-1]
        even_s = self._steps_at(m, m.last_at)
        if steps or even_s:
            self._steps.extend(even_s or tops_s)
            self._drop_first_steps()
            return True
        return width_s < self._config.shortest_width_s

    def _wait(self, m: _Movement) -> None:
        """Keep a low first movement until a second one like it shows that both were repetitions."""
        alike = [w for w in self._waiting if ALIKE <= w.rise_n / m.rise_n <= 1.0 / ALIKE]
        self._waiting.append(m)
        if m.rise_n >= self._config.least_first_n:
            if any(w.rise_n >= self._config.least_first_n for w in alike):
                self._waiting.pop()
                self._count(m)
        elif len(alike) + 1 >= SMALL_ALIKE:
            self._warn_once(
                m.top_s,
                WarningKind.IMPLAUSIBLE_FORCE,
                f"regular movements of only {m.rise_n:.1f} N are not counted; "
                "if these are kilograms or pounds, give the unit",
            )

    def _drop_first_steps(self) -> None:
        """Take back first weak repetitions that turn out to have been the first steps of a walk."""
        if len(self._steps) < WALKING_STEPS or self._steps[-1] - self._steps[0] >= WALKING_S:
            return
        self._waiting.clear()
        for e in list(self._early or ()):
            # One step between them may have been too small to be seen. Sway may make a first one stronger.
            weak = e.rise_n < self._config.strong_rise_n
            near = self._steps[0] - e.top_s < (2.0 if weak else 1.0) * CADENCE_S
            if e.index and near and e.rise_n < WALKING_LONGER * self._config.strong_rise_n:
                self._retract(e, e.top_s, RetractReason.TOO_QUICK)

    def _count_waiting(self, m: _Movement) -> None:
        """Count what waited for a movement like this one."""
        waiting = list(self._waiting)
        self._waiting.clear()
        for w in waiting:
            if w.rise_n >= max(self._config.least_first_n, ALIKE * m.rise_n):
                self._count(w)
                self._tell_done(w, self._boundaries(w))

    # Telling.

    def _count(self, m: _Movement) -> None:
        if self._full_n is None:
            self._count_waiting(m)
        self._drop_set_up(m)
        m.index, self._next_index = self._next_index, self._next_index + 1
        self.standing += 1
        m.counted_n = m.top_n
        self._tops.append(m.top_n)
        self._full_n = self._highest_top()
        self.events.append(RepCounted(m.top_s, m.index, m.top_n, self._now_s, self.standing))

    def _drop_set_up(self, m: _Movement) -> None:
        """Take back first repetitions that this one shows to have been set-up movement."""
        if self._early is None:
            return
        others = [e for e in self._early if e is not m]
        if all(self._displacement(e.top_n, m.top_n) < self._config.set_up_below for e in others):
            for e in others:
                self._retract(e, e.top_s, RetractReason.SET_UP)
                self._widths.clear()
                self._rises.clear()
            others = []
        self._early = [*others, m] if len(others) <= SET_UP_MOVEMENTS else None

    def _tell_done(self, m: _Movement, b: Boundaries) -> None:
        self._learn_top(m)
        fraction = self._displacement(m.top_n, max(m.top_n, full_range(self._tops, self._base_n)))
        lost = self._lost(m, b)
        rep = Rep(
            index=m.index,
            pull_start_s=b.pull_start_s,
            hold_start_s=b.hold_start_s,
            return_start_s=b.return_start_s,
            end_s=b.end_s,
            peak_time_s=b.peak_time_s,
            peak_n=b.peak_n,
            start_n=b.start_n,
            end_n=b.end_n,
            partial=fraction < self._config.partial_below,
            range_fraction=fraction,
            saturated=self._saturated.touch(m.start_at * self._step, m.last_at * self._step),
            gap=self._gaps.touch(m.start_at * self._step + 1, (m.last_at + 1) * self._step),
            band_lost=lost,
        )
        self._widths.append(rep.duration_s)
        self._rises.append(rep.concentric_s)
        self._last_rep_s = rep.end_s
        self.events.append(RepCompleted(rep.end_s, m.index, rep, self._now_s))
        if m.top_n > LARGEST_N:
            self._warn_once(
                m.top_s,
                WarningKind.IMPLAUSIBLE_FORCE,
                f"{m.top_n:.0f} N is more than people pull; check the unit and the calibration",
            )
        if rep.saturated:
            self._warn_once(
                rep.peak_time_s,
                WarningKind.SATURATED,
                "the sensor is at the end of its range; true peaks are higher than shown",
            )
        if lost:
            self._warn_lost(rep.return_start_s)

    def _learn_top(self, m: _Movement) -> None:
        """A repetition may have gone on rising after it was counted."""
        if m.top_n == m.counted_n or m.counted_n not in self._tops:
            return
        self._tops[self._tops.index(m.counted_n)] = m.counted_n = m.top_n
        self._full_n = self._highest_top()
        self._drop_set_up(m)

    def _lost(self, m: _Movement, b: Boundaries) -> bool:
        """Whether the band was lost after a pull: a blow comes and goes as suddenly."""
        pulled = b.hold_start_s - b.pull_start_s >= BLOW_S
        return pulled and self._lost_at_once(m.top_at, m.last_at, m.top_n - self._low_n)

    def _check_slipped(self, t: float, y: float, at: int) -> None:
        """A band under tension at rest may slip off as well."""
        first = at - round(SLIP_S * self._tick_hz)
        before_n = max(self._smooth_n[self._place(first) : self._place(at) + 1])
        range_n = 0.0 if self._full_n is None else self._full_n - self._base_n
        enough = before_n - y >= max(self._config.least_first_n, SLIP_PART * range_n)
        if enough and t - self._lost_s >= SLIP_S and self._lost_at_once(first, at, before_n - y):
            self._warn_lost(t)

    def _lost_at_once(self, first: int, last: int, whole_n: float) -> bool:
        """Whether most of a loss of tension between two ticks came within `BAND_LOST_S`."""
        if self._rate_hz < BAND_LOST_RATE_HZ:
            return False
        smooth_n = self._smooth_n[self._place(first) : self._place(last) + 1]
        if max((a - b for a, b in pairwise(smooth_n)), default=0.0) < SMOOTH_PART * whole_n:
            return False
        span = ((first - 2) * self._step, last * self._step)
        clean_n, clean_s = self._clean_n.between(*span), self._clean_s.between(*span)

        def fastest(width: int) -> float:
            if clean_n.size <= width:
                return 0.0
            lost_n = clean_n[:-width] - clean_n[width:]
            near = clean_s[width:] - clean_s[:-width] <= (width + LATE_INTERVALS) / self._rate_hz
            return float((lost_n * near).max())

        width = max(1, round(BAND_LOST_S * self._rate_hz))
        if fastest(width) >= BAND_LOST_PART * whole_n:
            return True
        return width == 1 and fastest(2) >= STRADDLED_PART * whole_n

    def _warn_lost(self, time_s: float) -> None:
        self._lost_s = time_s
        self.warn(
            time_s,
            WarningKind.BAND_LOST,
            "tension was lost at once: the band snapped, slipped off or fell; check it before going on",
        )

    def _warn_once(self, time_s: float, kind: WarningKind, message: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.warn(time_s, kind, message)

    def _retract(self, m: _Movement, t: float, reason: RetractReason) -> None:
        """Take a repetition back, and what was learnt from it."""
        self.standing -= 1
        if m.counted_n in self._tops:
            self._tops.remove(m.counted_n)
            self._full_n = self._highest_top()
        if self._early:
            self._early = [e for e in self._early if e is not m]
        self.events.append(RepRetracted(t, m.index, reason, self._now_s, self.standing))
        m.index = 0

    def _tell_phase(self, t: float, phase: Phase) -> None:
        if phase is not self._phase:
            self._phase = phase
            self.events.append(PhaseChanged(t, phase, self._now_s))
