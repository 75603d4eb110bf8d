"""Repetitions and phases from a stream of tension, as it comes. docs/detection.md explains the method.

    samples ─▶ SampleTimes ─▶ SenseChecks ─▶ Conditioner ─▶ clean, every sample ──▶ RingBuffer, 300 s
                of batches:    makes no       despikes,     smooth, `step`-th ───▶ Ticks, 300 s
                spread         sense: told    smooths                        │
                                                                             ▼
    events ◀── Narrator ◀── Announcer ◀── Explanations ◀── Look ◀── TurningPoints
                │ measures          told when likely enough
                └──▶ boundaries and peaks, from the clean samples in the ring buffer

Two clocks run here. Decisions are made on ticks, about `TICK_HZ` a second at any sample rate, so that the
model costs and behaves the same at 10 and at 320 samples a second; what is measured (boundaries, peak) comes
from every sample. This class holds the buffers and the order of calls, and decides nothing itself.

**Why the cut of the stream changes nothing.** Each stage keeps what it needs between calls: the conditioner
its context and filter state, the turning points their extreme so far, and ticks are taken where the index of
a sample, counted from the start of the stream, divides by `step`. Warnings of the sense checks split a block
at the sample that raised them, so that they stand among the other events where that sample does. Events carry
the time of the sample that made them certain, not the time of the call.

**Why memory is constant.** Buffers are rings of `HISTORY_S`, made when the rate is known; long blocks are
worked off in pieces of `PIECE` samples. A rep can be measured as long as it lies in them; one that is told
later still has the times and tensions of its turning points, and its phases are hidden. What is done for
every repetition makes no tuple from a generator: CPython adds one to the spare tuples of that length each
time, up to 2000 of each, which looks like a leak for hours.

**What it assumes.** Samples are taken evenly apart from gaps, at a rate that seldom changes; where their
times are those of batches, or of arrival, `SampleTimes` spreads them. Tension is in newtons, of either sign.
With another rate the low-pass, the windows of the sense checks and the seconds of the noise begin anew, and
the model goes on: it knows only ticks, each of which `Samples` finds by the rate of its time. A hole of
`LONG_GAP_S` may hide the end of a repetition and the beginning of another, so it ends the movement; a shorter
one is stepped over and marked. Nothing is filled in.
"""

from __future__ import annotations

from math import isfinite, isnan
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import BoolArray, FloatArray
from bandsense.signal.events import Event, RepCompleted, SignalWarning, WarningKind
from bandsense.signal.filters import Conditioner, Segment
from bandsense.signal.history import Samples
from bandsense.signal.laws.numbers import FITTED, Numbers
from bandsense.signal.narrator import Narrator
from bandsense.signal.sample_times import Release, SampleTimes
from bandsense.signal.sense_checks import SenseChecks
from bandsense.signal.ticks import Ticks
from bandsense.signal.turning_points import TurningPoints

__all__ = ["HISTORY_S", "RepDetector"]

HISTORY_S: Final = 300.0
"""How far back a repetition can be measured."""

TICK_HZ: Final = 20.0
"""The model looks at the smoothed trace about this often; boundaries come from all samples."""

LEAST_TICKS: Final = 64
"""So many ticks are kept at any rate: also where minutes lie between samples, a movement has a width."""

PIECE: Final = 65536
"""Most samples worked on at once, which bounds the memory."""

SHORT: Final = 64
"""Of fewer samples lists are quicker to check than arrays."""

LONG_GAP_S: Final = 1.0
"""A repetition may have ended, and another begun, while so many samples are missing."""

WORTH_TELLING_S: Final = 0.06
"""Batches that are closer together than this are evened without a word: phases are as good as ever."""

LOW_RATE_HZ: Final = 15.0
"""Below this rate phase times are coarse."""

LOWEST_RATE_HZ: Final = 5.0
"""Below this rate repetitions are missed."""


class RepDetector:
    """Counts repetitions and follows their phases in a stream of tension.

    Events do not depend on how the stream is cut into blocks. Memory is constant.

    Args:
        numbers: of the model; the fitted ones serve all people, bands and exercises.
        pre_stretched: the person said that the band is stretched at the start position.

    Attributes:
        sense: what the stream shows of the sensor's zero, sign and wiring.
    """

    def __init__(self, numbers: Numbers = FITTED, *, pre_stretched: bool = False) -> None:
        self.sense = SenseChecks(pre_stretched=pre_stretched)
        self._events: list[Event] = []
        self._numbers = numbers
        self._conditioner = Conditioner()
        self._samples = Samples()
        self._narrator: Narrator | None = None
        self._ticks = Ticks(LEAST_TICKS)
        self._turning: TurningPoints | None = None
        self._times = SampleTimes()
        self._waiting_n: FloatArray = np.zeros(0)
        self._waiting_full: BoolArray = np.zeros(0, dtype=np.bool_)
        self._last_s = -np.inf
        self._pushed = 0

    @property
    def count(self) -> int:
        """Repetitions that stand now."""
        return self._narrator.announcer.standing if self._narrator is not None else 0

    @property
    def chances(self) -> dict[int, float]:
        """P(count = n), by n, as far as the latest turn of the trace tells."""
        return dict(self._narrator.announcer.weighing.chances) if self._narrator is not None else {0: 1.0}

    @property
    def rate_hz(self) -> float:
        """Measured sample rate; 0 until it is known."""
        return self._conditioner.rate_hz

    @property
    def times_kept(self) -> bool:
        """Whether the times of all samples stayed as they were given."""
        return self._times.kept

    def push(
        self,
        time_s: ArrayLike,
        tension_n: ArrayLike,
        gap_before: ArrayLike | None = None,
        saturated: ArrayLike | None = None,
    ) -> list[Event]:
        """Take the next samples and give the events that they make certain, in that order.

        Args:
            time_s: device time, float64[n], not decreasing, from call to call as well. Samples that come in
                batches, at times that are alike, are taken for evenly spread; that is told.
            tension_n: tension, float64[n].
            gap_before: bool[n]; True where samples are missing before this one. Gaps that matter here show in
                the times as well; the marks are checked and otherwise left alone.
            saturated: bool[n]; True where the converter was at the end of its range.

        Raises:
            DataError: shapes differ, a value is no finite number, or times go back. Nothing was taken.
        """
        time, tension = as_numbers(time_s, "times"), as_numbers(tension_n, "tensions")
        lowest_s, highest_s = self._check(time, tension)
        if gap_before is not None:
            _flags(gap_before, time)
        full = _flags(saturated, time) if saturated is not None else None
        if full is not None and not np.logical_or.reduce(full):
            full = None
        if not time.size:
            return []
        for first in range(0, time.size, PIECE):
            piece = slice(first, first + PIECE)
            part_s, part_n = time[piece], tension[piece]
            marks = None if full is None else full[piece]
            if self._times.even(float(part_s[0]), float(part_s[-1]), lowest_s, highest_s):
                self._sense(part_s, part_n, marks, evenly=True)
            else:
                self._timed(self._times.push(part_s), part_n, marks)
        self._last_s = float(time[-1])
        return self._take_events()

    def _timed(self, released: list[Release], tension: FloatArray, saturated: BoolArray | None) -> None:
        """Take samples, and go on with those whose times are known by now."""
        tension = np.concatenate((self._waiting_n, tension))
        marks = np.zeros(tension.size, dtype=np.bool_)
        marks[: self._waiting_full.size] = self._waiting_full
        if saturated is not None:
            marks[self._waiting_full.size :] = saturated
        start = 0
        for each in released:
            part = slice(start, start + each.time_s.size)
            if each.rate_hz:
                self._go_on(each.rate_hz, float(each.time_s[0]))
            if each.batch_s > WORTH_TELLING_S:
                self._tell_batches(each)
            self._sense(each.time_s, tension[part], marks[part] if marks[part].any() else None)
            start = part.stop
        self._waiting_n, self._waiting_full = tension[start:], marks[start:]

    def _sense(
        self, time: FloatArray, tension: FloatArray, saturated: BoolArray | None, *, evenly: bool = False
    ) -> None:
        """Look whether the sensor makes sense, and use what does."""
        told, usable = self.sense.push(time, tension, saturated)
        if usable is None:
            self._use(time, tension, saturated, evenly=evenly)
            return
        start = 0
        for stop, warning in (*told, (usable.size, None)):
            part = np.arange(start, stop)[usable[start:stop]]
            self._use(time[part], tension[part], None if saturated is None else saturated[part])
            if warning is not None:
                self._events.append(warning)
            start = stop

    def _go_on(self, rate_hz: float, time_s: float) -> None:
        """Go on at another rate with the samples to come."""
        self.sense.go_on(rate_hz)
        sample = self._conditioner.go_on(rate_hz)
        if self._turning is None or self._narrator is None:
            return
        self._turning.go_on(self._tick_hz(sample), self._conditioner.noise_gain)
        self._tell_rate(self._narrator, time_s, time_s)

    def _tick_hz(self, sample: int) -> float:
        """Use the rate of the conditioner from a sample on, and return how many ticks a second that makes."""
        rate_hz, samples, ticks = self._conditioner.rate_hz, self._samples, self._ticks
        capacity = int(HISTORY_S * rate_hz) + PIECE
        samples.use_rate(rate_hz, TICK_HZ, capacity, sample=sample, tick=ticks.to_come)
        tick_hz = rate_hz / samples.step
        ticks.keep(round(HISTORY_S * tick_hz))
        return tick_hz

    def _tell_batches(self, release: Release) -> None:
        message = Message(
            "sample times are uneven, {batch:.2g} s apart, as those of batches are; the samples are taken "
            "for evenly spread: give each the time at which it was taken, or phase times may be wrong by as "
            "much",
            batch=release.batch_s,
        )
        began_s = float(release.time_s[0])
        self._events.append(SignalWarning(began_s, WarningKind.UNEVEN_TIMES, message, release.known_s))

    def _use(
        self, time: FloatArray, tension: FloatArray, saturated: BoolArray | None, *, evenly: bool = False
    ) -> None:
        """Use samples of a sensor that makes sense."""
        if saturated is not None:
            self._samples.saturated.add(self._pushed, saturated)
        self._pushed += time.size
        self._take(self._conditioner.push(time, tension, evenly=evenly))
        if self._narrator is not None and self._narrator.events:
            self._collect(self._narrator)

    def finish(self) -> list[Event]:
        """End the stream and give what can still be decided."""
        self._timed(self._times.finish(), np.zeros(0), None)
        self._take(self._conditioner.finish())
        if self._narrator is not None and self._turning is not None:
            for look in self._turning.finish():
                self._narrator.take(look)
            self._narrator.finish()
        return self._take_events()

    def correct(self, *, is_rep: bool) -> list[Event] | None:
        """Take a person's word, and give the events that follow; it is heeded for like movements as well.

        Args:
            is_rep: a movement that was not counted was a repetition: the largest since the latest that was,
                else the largest of the last few; where nothing was counted and a rhythm was taken for steps,
                each of its movements. False: the latest repetition was none.

        Returns:
            None where there is nothing in the last minute that this can be said of.
        """
        if self._narrator is None or not self._narrator.correct(is_rep=is_rep):
            return None
        return self._take_events()

    def _check(self, time: FloatArray, tension: FloatArray) -> tuple[float, float]:
        """Check samples; return the least and the greatest step of their times, ±inf where there is none."""
        if time.ndim != 1 or time.shape != tension.shape:
            raise DataError(
                Message(
                    "times {times} and tensions {tensions} must be two rows of one length",
                    times=time.shape,
                    tensions=tension.shape,
                )
            )
        if not time.size:
            return np.inf, -np.inf
        few = time.size < SHORT
        # A sum is finite only if every term is, and costs less than a test of every term.
        sum_n = sum(tension.tolist()) if few else np.add.reduce(tension)
        if not isfinite(sum_n) and not np.isfinite(tension).all():
            raise DataError(Message("a tension is not a finite number; leave missing samples out"))
        if not isfinite(time[0]) or not isfinite(time[-1]):
            raise DataError(Message("a time is not a finite number; leave missing samples out"))
        if not self._last_s <= time[0]:
            raise DataError(
                Message(
                    "time {time} s is before {last_s} s; sort the samples",
                    time=time[0],
                    last_s=self._last_s,
                )
            )
        if time.size == 1:
            return np.inf, -np.inf
        steps_s = (time[1:] - time[:-1]).tolist() if few else _extreme_steps_s(time)
        lowest_s, highest_s = min(steps_s), max(steps_s)
        if lowest_s < 0.0 or isnan(sum(steps_s)):
            raise DataError(Message("times must be finite and not go back; sort the samples"))
        return lowest_s, highest_s

    def _take(self, segments: list[Segment]) -> None:
        for segment in segments:
            if self._narrator is None or self._turning is None:
                self._narrator, self._turning = self._start(segment)
            narrator, turning = self._narrator, self._turning
            if segment.gap_s:
                self._samples.gaps.add(segment.first, np.ones(1, dtype=np.bool_))
                if segment.gap_s >= LONG_GAP_S:
                    turning.interrupt()
                narrator.warn(
                    float(segment.time_s[0]) - self._conditioner.delay_s,
                    WarningKind.GAP,
                    Message("{gap:.2f} s of samples are missing", gap=segment.gap_s),
                    float(segment.ready_s[0]),
                )
            self._samples.clean_n.append(segment.clean_n)
            self._samples.clean_s.append(segment.time_s)
            every = slice(self._samples.until_tick(segment.first), None, self._samples.step)
            looks = turning.follow(
                segment.time_s[every] - self._conditioner.delay_s,
                segment.smooth_n[every],
                segment.clean_n[every],
                segment.ready_s[every],
            )
            for look in looks:
                narrator.take(look)
            self._ticks.forget()

    def _start(self, segment: Segment) -> tuple[Narrator, TurningPoints]:
        turning = TurningPoints(self._ticks, self._tick_hz(segment.first), self._conditioner.noise_gain)
        narrator = Narrator(self._numbers, self._ticks, turning, self._samples)
        self._tell_rate(narrator, float(segment.time_s[0]), float(segment.ready_s[0]))
        return narrator, turning

    def _tell_rate(self, narrator: Narrator, time_s: float, detected_s: float) -> None:
        rate_hz = self._conditioner.rate_hz
        if rate_hz >= LOW_RATE_HZ:
            return
        if rate_hz >= LOWEST_RATE_HZ:
            few = Message(
                "{rate:.3g} samples a second are too few for exact phase times; counts still hold",
                rate=rate_hz,
            )
        else:
            few = Message(
                "{rate:.3g} samples a second are too few to count repetitions by; "
                "check that times are in seconds",
                rate=rate_hz,
            )
        narrator.warn(time_s, WarningKind.LOW_RATE, few, detected_s)

    def _collect(self, narrator: Narrator) -> None:
        """Take the narrator's events over, each repetition with what it shows of the sensor."""
        for event in narrator.events:
            self._events.append(event)
            if isinstance(event, RepCompleted):
                self._events += self.sense.rep(event.rep, event.detected_s, self._between)
        narrator.events = []

    def _between(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and tensions, despiked, between two times, as far as they were looked at."""
        ticks, samples = self._ticks, self._samples
        first, last = (samples.at_tick(ticks.since(t)) for t in (start_s, end_s))
        last = min(last, samples.at_tick(ticks.last))
        return samples.clean_s.between(first, last), samples.clean_n.between(first, last)

    def _take_events(self) -> list[Event]:
        if self._narrator is not None and self._narrator.events:
            self._collect(self._narrator)
        events, self._events = self._events, []
        return events


def as_numbers(values: ArrayLike, what: str) -> FloatArray:
    """Return `values` as float64.

    Raises:
        DataError: they are no real numbers.
    """
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values
    try:
        given = np.asarray(values)
        if np.iscomplexobj(given):
            raise TypeError
        return given.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            Message("{what} must be numbers; convert text, and leave missing samples out", what=what)
        ) from None


def _extreme_steps_s(time: FloatArray) -> list[float]:
    """Return the least and the greatest step between times, of each piece."""
    steps_s: list[float] = []
    for first in range(0, time.size - 1, PIECE):
        step_s = np.diff(time[first : first + PIECE + 1])
        steps_s += (float(step_s.min()), float(step_s.max()))
    return steps_s


def _flags(flags: ArrayLike, time: FloatArray) -> BoolArray:
    row = np.asarray(flags, dtype=np.bool_)
    if row.shape != time.shape:
        raise DataError(
            Message(
                "marks {marks} and times {times} must be two rows of one length",
                marks=row.shape,
                times=time.shape,
            )
        )
    return row
