"""Repetitions and phases from a stream of tension, as it comes. docs/detection.md explains the method.

The detector follows the extremes of the smoothed tension. What counts as a movement is judged on estimated displacement,
not on force: a band's tension grows with about the 0.62th power of its elongation, so half the range already
gives two thirds of the force.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.samples import FloatArray
from bandsense.signal.boundaries import locate
from bandsense.signal.events import (
    Event,
    Phase,
    PhaseChanged,
    Rep,
    RepDone,
    RepRetracted,
    RepTop,
    RetractReason,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.filters import Conditioner, Segment

__all__ = ["DetectorConfig", "RepDetector"]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """What the detector takes for a repetition. One set of values serves all exercises, people and bands.

    Attributes:
        exponent: p in tension ∝ elongation^p. A prior: published tables give 0.48 to 0.73.
        smallest_rise_n: less is never a movement.
        sure_rise_n: a first repetition at least this high is counted at its top; a lower one waits for a second.
        smallest_range: a movement is at least this part of the set's full range of displacement.
        clear_range: a movement of at least this part of the range may be counted however fast it is.
        separation: a fall of at least this part of the repetition's own range of displacement ends it; a
            smaller one is a sag inside it.
        top_drop: a fall of this part of the repetition's own rise of tension marks its top.
        hold_s: tension that has not risen for this long is a hold, and marks the top as well.
        longest_hold_s: held longer, it was no repetition.
        shortest_cycle_s: quicker movements are steps or bounces unless they are as large as the set's.
        new_set_s: after so long a rest the full range is learnt anew.
        partial_below: a repetition that reaches less than this part of the full range is partial.
        set_up_below: a first repetition below this part of the next one's range was set-up movement.
    """

    exponent: float = 0.65
    smallest_rise_n: float = 3.0
    sure_rise_n: float = 12.0
    smallest_range: float = 0.10
    clear_range: float = 0.25
    separation: float = 0.47
    top_drop: float = 0.10
    hold_s: float = 0.25
    longest_hold_s: float = 15.0
    shortest_cycle_s: float = 0.72
    new_set_s: float = 30.0
    partial_below: float = 0.6
    set_up_below: float = 0.3


TICK_HZ = 25.0
"""The detector looks at the smoothed trace about this often; boundaries come from all samples."""

HISTORY_S = 60.0
"""How far back a repetition can be measured."""

PIECE = 4096
"""Longest run of samples worked on at once, which bounds the memory."""

REST_WINDOW_S = 3.0
"""The rest level is the minimum over one to two such windows, so that it follows a creeping zero."""

BAND_LOST_S = 0.05
"""Tension lost within this time was not let go by a person."""


class _State(Enum):
    REST = auto()
    RISE = auto()
    FALL = auto()


@dataclass(slots=True)
class _Candidate:
    """A movement that may become a repetition. Levels in N, `*_at` sample numbers."""

    start_n: float
    start_at: int
    start_s: float
    top_n: float
    top_at: int
    top_s: float
    still_n: float
    still_s: float
    index: int = 0
    counted_s: float = 0.0
    separated: bool = False


class _History:
    """The latest samples, in constant memory, found by their number."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._time = np.empty(2 * capacity)
        self._value = np.empty(2 * capacity)
        self._size = 0
        self._first = 0

    def append(self, time_s: FloatArray, values: FloatArray) -> None:
        n = time_s.size
        if self._size + n > self._time.size:
            drop = self._size - self._capacity
            self._time[: self._capacity] = self._time[drop : self._size]
            self._value[: self._capacity] = self._value[drop : self._size]
            self._size, self._first = self._capacity, self._first + drop
        self._time[self._size : self._size + n] = time_s
        self._value[self._size : self._size + n] = values
        self._size += n

    def between(self, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        part = slice(max(0, first - self._first), last + 1 - self._first)
        return self._time[part], self._value[part]


class RepDetector:
    """Counts repetitions and follows their phases in a stream of tension.

    Events do not depend on how the stream is cut into blocks. Memory and time per sample are constant.
    """

    def __init__(self, config: DetectorConfig | None = None) -> None:
        self.config = config if config is not None else DetectorConfig()
        self._conditioner = Conditioner()
        self._history: _History | None = None
        self._tick = 1
        self._events: list[Event] = []
        self._last_s = -np.inf
        self._pushed = 0
        self._gaps: deque[int] = deque(maxlen=256)
        self._saturated: deque[int] = deque(maxlen=256)
        self._saturation_told_s = -np.inf
        self._state = _State.REST
        self._low_n = np.inf
        self._low_at = 0
        self._low_s = 0.0
        self._older_low: tuple[float, int, float] = (np.inf, 0, 0.0)
        self._window_end_s = -np.inf
        self._rise_level_n = np.inf
        self._base_n = np.inf
        self._valleys: deque[float] = deque(maxlen=6)
        self._peaks: deque[float] = deque(maxlen=6)
        self._reference_n: float | None = None
        self._candidate: _Candidate | None = None
        self._waiting: list[tuple[_Candidate, int]] = []
        self._early: list[tuple[int, float]] | None = []
        self._rise_times: deque[float] = deque(maxlen=6)
        self._last_rep_s = -np.inf
        self._next_index = 1
        self._standing = 0
        self._now_s = 0.0

    @property
    def count(self) -> int:
        """Repetitions that stand now."""
        return self._standing

    def push(
        self,
        time_s: ArrayLike,
        tension_n: ArrayLike,
        gap_before: ArrayLike | None = None,
        saturated: ArrayLike | None = None,
    ) -> list[Event]:
        """Take the next samples and give the events they make certain, oldest first.

        Args:
            time_s: device time, float64[n], increasing from call to call.
            tension_n: tension, float64[n].
            gap_before: bool[n]; True where samples are missing before this one.
            saturated: bool[n]; True where the converter was at the end of its range.

        Raises:
            DataError: shapes differ, a value is not finite, or times do not increase.
        """
        time = np.asarray(time_s, dtype=np.float64)
        value = np.asarray(tension_n, dtype=np.float64)
        if not time.size and not value.size:
            return []
        self._check(time, value)
        if gap_before is not None:
            self._mark(self._gaps, gap_before, time)
        if saturated is not None:
            self._mark(self._saturated, saturated, time)
        self._last_s = float(time[-1])
        self._pushed += time.size
        if time.size <= PIECE:
            self._take(self._conditioner.push(time, value))
        else:
            for a in range(0, time.size, PIECE):
                self._take(self._conditioner.push(time[a : a + PIECE], value[a : a + PIECE]))
        return self._give()

    def finish(self) -> list[Event]:
        """End the stream: what can still be decided is decided."""
        self._take(self._conditioner.finish())
        if self._state is not _State.REST:
            self._close()
        self._waiting.clear()
        return self._give()

    def _check(self, time: FloatArray, value: FloatArray) -> None:
        if time.ndim != 1 or time.shape != value.shape:
            raise DataError(f"times {time.shape} and tensions {value.shape} must be two equally long rows")
        # A sum is not finite if any term is not, and costs half of an element-wise test.
        if not np.isfinite(value.sum()) and not np.isfinite(value).all():
            raise DataError("tension is not a finite number; mark missing samples as gaps and leave them out")
        if not time[0] > self._last_s or not np.isfinite(time[-1]):
            raise DataError(
                f"time {time[0]} s does not follow {self._last_s} s; sort samples, drop duplicates"
            )
        if time.size > 1 and not (time[1:] - time[:-1]).min() > 0.0:
            raise DataError("times must be finite and increase; sort samples and drop duplicates")

    def _mark(self, marks: deque[int], flags: ArrayLike, time: FloatArray) -> None:
        row = np.asarray(flags, dtype=np.bool_)
        if row.shape != time.shape:
            raise DataError(f"marks {row.shape} and times {time.shape} must be equally long")
        if row.any():
            marks.extend((np.flatnonzero(row) + self._pushed).tolist())

    def _give(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _take(self, segments: list[Segment]) -> None:
        for segment in segments:
            if self._history is None:
                self._start(segment)
            if segment.gap_s:
                self._gaps.append(segment.first)
            self._follow(segment)

    def _start(self, segment: Segment) -> None:
        rate_hz = self._conditioner.rate_hz
        self._history = _History(int(HISTORY_S * rate_hz) + PIECE)
        self._tick = max(1, round(rate_hz / TICK_HZ))
        self._low_n = self._base_n = float(segment.smooth_n[0])
        self._low_s = float(segment.time_s[0]) - self._conditioner.delay_s
        self._window_end_s = self._low_s + REST_WINDOW_S
        self._rise_level_n = self._rise_level()

    def _follow(self, segment: Segment) -> None:
        assert self._history is not None
        smooth_s = segment.time_s - self._conditioner.delay_s
        self._history.append(smooth_s, segment.smooth_n)
        step = self._tick
        offset = -segment.first % step
        at = segment.first + offset
        for t, y, now in zip(
            smooth_s[offset::step].tolist(),
            segment.smooth_n[offset::step].tolist(),
            segment.ready_s[offset::step].tolist(),
            strict=True,
        ):
            self._now_s = now
            if self._state is _State.REST:
                self._rest(t, y, at)
            elif self._state is _State.RISE:
                self._rise(t, y, at)
            else:
                self._fall(t, y, at)
            at += step

    # Following the extremes.

    def _rest(self, t: float, y: float, at: int) -> None:
        if t >= self._window_end_s:
            self._turn_window(t, y, at)
        if y < self._low_n:
            self._set_low(t, y, at)
        elif y > self._rise_level_n:
            self._begin(t, y, at)

    def _set_low(self, t: float, y: float, at: int) -> None:
        self._low_n, self._low_at, self._low_s = y, at, t
        if y < self._base_n:
            self._base_n = y
        self._rise_level_n = self._rise_level()

    def _turn_window(self, t: float, y: float, at: int) -> None:
        """Forget minima older than two windows, so that the rest level follows a slow creep upwards."""
        older = self._older_low
        self._older_low = (self._low_n, self._low_at, self._low_s)
        self._window_end_s = t + REST_WINDOW_S
        if older[0] <= self._low_n and older[1] == self._low_at:
            self._older_low = (y, at, t)
            self._set_low(t, y, at)

    def _begin(self, t: float, y: float, at: int) -> None:
        if t - self._last_rep_s > self.config.new_set_s:
            self._new_set()
        self._valleys.append(self._low_n)
        self._base_n = min(self._valleys)
        self._candidate = _Candidate(self._low_n, self._low_at, self._low_s, y, at, t, y, t)
        self._state = _State.RISE
        self._tell_phase(t, Phase.PULL)

    def _rise(self, t: float, y: float, at: int) -> None:
        c = self._candidate
        assert c is not None
        if y > c.top_n:
            c.top_n, c.top_at, c.top_s = y, at, t
            if y > c.still_n + 0.025 * (y - c.start_n):
                c.still_n, c.still_s = y, t
                return
        elif y < c.top_n - self.config.top_drop * (c.top_n - c.start_n):
            self._state = _State.FALL
            self._low_n = np.inf
            self._set_low(t, y, at)
            self._top(c, t, sure=False)
            self._tell_phase(t, Phase.RETURN)
            self._fall(t, y, at)
            return
        if t - c.still_s >= self.config.hold_s:
            self._hold(c, t, y, at)

    def _hold(self, c: _Candidate, t: float, y: float, at: int) -> None:
        if not c.index and self._range(c) >= 0.35:
            self._top(c, t, sure=False)
        if t - c.still_s >= self.config.longest_hold_s:
            self._give_up_hold(c, t, y, at)

    def _give_up_hold(self, c: _Candidate, t: float, y: float, at: int) -> None:
        """Held too long: this was no repetition, and its level is a new rest level."""
        if c.index:
            self._retract(c.index, t, RetractReason.ISOMETRIC)
        self._candidate = None
        self._state = _State.REST
        self._low_n, self._low_at, self._low_s = y, at, t
        self._older_low = (y, at, t)
        self._window_end_s = t + REST_WINDOW_S
        self._rise_level_n = self._rise_level()
        self._tell_phase(t, Phase.REST)

    def _fall(self, t: float, y: float, at: int) -> None:
        c = self._candidate
        assert c is not None
        if y < self._low_n:
            self._set_low(t, y, at)
            if not c.separated:
                c.separated = self._separates(c, y)
        elif y > c.top_n:
            c.top_n, c.top_at, c.top_s = y, at, t
            c.still_n, c.still_s = y, t
            c.separated = False
            self._state = _State.RISE
            return
        if not c.separated:
            if t - c.still_s >= self.config.longest_hold_s and t - self._low_s > 1.0:
                self._give_up_hold(c, t, y, at)
            return
        if y > self._rise_level_n:
            self._close(at)
            self._begin(t, y, at)
        elif t - self._low_s >= 0.3 or (
            y <= c.start_n + 0.1 * (c.top_n - c.start_n) and t - c.top_s > 0 and self._slow(c, t, y)
        ):
            self._close(at)

    def _slow(self, c: _Candidate, t: float, y: float) -> bool:
        """Whether the fall is nearly over: less than 5 % of the rise in the last tenth of a second."""
        assert self._history is not None
        span = max(1, round(0.1 * self._conditioner.rate_hz))
        _, before = self._history.between(self._low_at - span, self._low_at)
        return float(before[0]) - y < 0.05 * (c.top_n - c.start_n)

    # Deciding.

    def _displacement(self, tension_n: float, reference_n: float) -> float:
        """Estimated displacement from rest as a part of the set's range, by the power law of an elastic band."""
        span = reference_n - self._base_n
        if span <= 0.0 or tension_n <= self._base_n:
            return 0.0
        return float(((tension_n - self._base_n) / span) ** (1.0 / self.config.exponent))

    def _rise_level(self) -> float:
        """Tension above which a new movement begins."""
        level = self._low_n + self.config.smallest_rise_n
        if self._reference_n is None:
            return level
        span = self._reference_n - self._base_n
        x = self._displacement(self._low_n, self._reference_n) + self.config.smallest_range
        return max(level, self._base_n + span * x**self.config.exponent)

    def _range(self, c: _Candidate) -> float:
        """Displacement from the valley before to the top, as a part of the set's range."""
        reference = max(c.top_n, self._reference_n if self._reference_n is not None else c.top_n)
        return self._displacement(c.top_n, reference) - self._displacement(c.start_n, reference)

    def _separates(self, c: _Candidate, low_n: float) -> bool:
        reference = max(c.top_n, self._reference_n if self._reference_n is not None else c.top_n)
        top = self._displacement(c.top_n, reference)
        start = self._displacement(c.start_n, reference)
        return top - self._displacement(low_n, reference) >= self.config.separation * (top - start)

    def _top(self, c: _Candidate, t: float, *, sure: bool) -> None:
        """Count the candidate if it is certain enough at its top, or, with `sure`, because it is."""
        if c.index or not (sure or self._certain_at_top(c)):
            return
        c.index, self._next_index = self._next_index, self._next_index + 1
        c.counted_s = self._now_s
        self._standing += 1
        self._drop_set_up(c, t)
        self._waiting.clear()
        self._peaks.append(c.top_n)
        self._reference_n = max(self._peaks)
        self._events.append(RepTop(c.top_s, c.index, c.top_n, self._now_s, self._standing))

    def _certain_at_top(self, c: _Candidate) -> bool:
        rise_s = c.top_s - c.start_s
        rise_n = c.top_n - c.start_n
        if self._reference_n is None:
            return rise_n >= self.config.sure_rise_n and (
                rise_s >= 0.3 or rise_n >= 2 * self.config.sure_rise_n
            )
        return self._range(c) >= self.config.clear_range

    def _drop_set_up(self, c: _Candidate, t: float) -> None:
        """Take back first repetitions that the next one shows to have been set-up movement."""
        if self._early is None:
            return
        if all(self._displacement(top_n, c.top_n) < self.config.set_up_below for _, top_n in self._early):
            for index, _ in self._early:
                self._retract(index, t, RetractReason.SET_UP)
            self._early.clear()
            self._peaks.clear()
        self._early.append((c.index, c.top_n))
        if len(self._early) > 2:
            self._early = None

    def _close(self, at: int | None = None) -> None:
        """End the candidate: it is a repetition, waits for another like it, or was nothing."""
        c, self._candidate = self._candidate, None
        self._state = _State.REST
        assert c is not None
        self._older_low = (self._low_n, self._low_at, self._low_s)
        self._window_end_s = self._low_s + REST_WINDOW_S
        if not c.separated:
            if c.index:
                self._retract(c.index, self._now_s, RetractReason.BROKEN_OFF)
            return
        last = self._low_at if at is None else max(at, self._low_at)
        if c.index or self._settled(c):
            self._top(c, c.top_s, sure=True)
            self._tell_done(c, last)
        elif self._reference_n is None:
            self._wait(c, last)
        self._tell_phase(self._low_s, Phase.REST)

    def _settled(self, c: _Candidate) -> bool:
        """Whether a candidate that was not certain at its top is a repetition, now that it is over."""
        slow = self._low_s - c.start_s >= self.config.shortest_cycle_s
        return slow and self._reference_n is not None and self._range(c) >= self.config.smallest_range

    def _wait(self, c: _Candidate, last: int) -> None:
        """Keep a low first movement until a second one like it shows that both were repetitions."""
        if self._low_s - c.start_s < self.config.shortest_cycle_s:
            return
        rise_n = c.top_n - c.start_n
        like = [(w, at) for w, at in self._waiting if 0.6 < (w.top_n - w.start_n) / rise_n < 1.0 / 0.6]
        self._waiting.append((c, last))
        if like:
            for w, at in [*like, (c, last)]:
                self._top(w, w.top_s, sure=True)
                self._tell_done(w, at)

    def _tell_done(self, c: _Candidate, last: int) -> None:
        assert self._history is not None
        time_s, smooth_n = self._history.between(c.start_at, last)
        b = locate(time_s, smooth_n)
        fraction = self._fraction(c.top_n)
        rep = Rep(
            index=c.index,
            pull_start=b.pull_start,
            hold_start=b.hold_start,
            return_start=b.return_start,
            end=b.end,
            peak_time=b.peak_time,
            peak_tension=b.peak_n,
            start_tension=b.start_n,
            end_tension=b.end_n,
            partial=fraction < self.config.partial_below,
            range_fraction=fraction,
            saturated=any(c.start_at <= i <= last for i in self._saturated),
            gap=any(c.start_at <= i <= last for i in self._gaps),
        )
        self._last_rep_s = b.end
        self._events.append(RepDone(b.end, c.index, rep, self._now_s))

    def _fraction(self, top_n: float) -> float:
        p = 1.0 / self.config.exponent
        base, reference = max(0.0, self._base_n) ** p, max(top_n, self._reference_n or top_n) ** p
        return (max(0.0, top_n) ** p - base) / (reference - base) if reference > base else 1.0

    def _retract(self, index: int, t: float, reason: RetractReason) -> None:
        self._standing -= 1
        self._events.append(RepRetracted(t, index, reason, self._now_s, self._standing))

    def _new_set(self) -> None:
        self._reference_n = None
        self._peaks.clear()
        self._valleys.clear()
        self._early = []

    def _tell_phase(self, t: float, phase: Phase) -> None:
        self._events.append(PhaseChanged(t, phase, self._now_s))
