"""From frames of one sensor to sample blocks: clocks and numbers unwrapped, every sample accounted for.

A frame carries the number of its first sample (16 bits), its device time (32 bits, µs, a turn takes 71.6
minutes) and the samples. Bluetooth loses none within a connection, but frames may be dropped by either stack,
overtake each other between threads, come again, and come before the answer to the *start* that caused them.

    push(frame) ──before the answer──▶ unanswered ──begin──┐
          │                                              ▼
          └──────────after the answer────▶ number unwrapped to the nearest of what is expected
                                            │ expected  ──▶ block
                                            │ later     ──▶ held, until what is missing comes or more than
                                            │               three frames wait: then it is lost, a *gap*, and
                                            │               the hole is remembered
                                            └ earlier   ──▶ late (in a hole) or a duplicate

**Why this is right.** 16-bit numbers are unwrapped to the value nearest to the expected one, which is unique
while fewer than 32768 samples are missing: 102 s at 320 Hz; links end long before. Every number is handed on,
counted as lost, or still held, so that samples + lost = numbers spanned. What waits is bounded: three frames
and 256 unanswered ones.

**Clocks.** Device time is unwrapped likewise. Over a silence of more than half a turn, and over a reset, the
device cannot know how much time has passed: only there do arrivals decide, on whole turns or on the time
between. A reset is told by the boot number of the answer, or by a clock that disagrees with the arrivals by
more than a minute. Times handed on never go back.

Sensors without numbers (`TimedStream`) tell by their times alone: an interval of more than 2.5 usual ones is
a gap. No I/O and no clock here: arrival times come in as arguments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.wire.bandsense.answers import Started
from bandsense.wire.bandsense.codes import COUNT_MAX, COUNT_MIN
from bandsense.wire.bandsense.measurement import MeasurementFrame

__all__ = ["SequencedStream", "StreamStatistics", "TimedStream", "nearest"]

_US = 1_000_000
_CLOCK_TURN_US = 2**32
_SEQUENCE_TURN = 2**16

_REORDER_FRAMES = 3
"""Frames that may overtake a missing one before it is given up; 110 ms at 80 Hz."""
_UNANSWERED_FRAMES = 256
"""Frames kept for the answer to *start*, which may come after them; 7 s at 320 Hz."""
_REMEMBERED_HOLES = 64
_CLOCK_DISAGREEMENT_US = 60 * _US
"""More than this between the clock of the sensor and the arrivals, and the sensor's clock began anew."""

_GAP_INTERVALS = 2.5
"""Of a sensor that numbers nothing: an interval of more median intervals than this is a gap. Two is a sensor
that skips single samples as a habit (Tindeq Progressor: 15 of 16), which is counted and not called a gap."""
_SKIP_INTERVALS = 1.5
_INTERVALS_KEPT = 64
_INTERVALS_NEEDED = 8


def nearest(value: int, reference: int, turn: int) -> int:
    """Return the number that equals `value` modulo `turn` and is nearest to `reference`."""
    return reference + (value - reference + turn // 2) % turn - turn // 2


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What became of the samples of one sensor since its stream was opened.

    Attributes:
        samples: samples handed on.
        lost: samples that the sensor numbered and that never arrived.
        gaps: places where samples are missing, numbered or not.
        duplicates: frames that arrived again.
        late: frames that arrived after their place was given up.
        malformed: notifications that could not be decoded.
        overruns: frames before which the sensor itself lost a conversion.
        skipped: single samples that a sensor without numbers left out as a habit.
        restarts: how often the sensor's clock began anew: after a reset, or at every *start* where it counts
            from that.
    """

    samples: int = 0
    lost: int = 0
    gaps: int = 0
    duplicates: int = 0
    late: int = 0
    malformed: int = 0
    overruns: int = 0
    skipped: int = 0
    restarts: int = 0


class SequencedStream:
    """Frames of the bandsense profile in the order they arrive; sample blocks in the order they were taken.

    A frame that overtakes others waits until these have come, at most while three more frames arrive. What is
    missing then is marked as a gap. Frames may arrive before the answer to the *start* that caused them; they
    are kept until `begin`, because only the answer tells whether the sensor was reset meanwhile.

    Times handed on are device time in seconds; they go on over clock turns, and over a reset of the sensor by
    the time that passed between arrivals.

    Args:
        lowest_count: at or below it a sample is saturated.
        highest_count: at or above it a sample is saturated.
    """

    def __init__(self, lowest_count: int = COUNT_MIN, highest_count: int = COUNT_MAX) -> None:
        self.lowest_count = lowest_count
        self.highest_count = highest_count
        self._unanswered: deque[tuple[MeasurementFrame, float]] = deque()
        self._answered = False
        self._held: dict[int, MeasurementFrame] = {}
        self._holes: deque[range] = deque(maxlen=_REMEMBERED_HOLES)
        self._boot: int | None = None
        self._numbered = False
        self._expected = 0
        self._device_us = 0
        self._base_us = 0
        self._last_us: int | None = None
        self._last_arrival_s = 0.0
        self._gap_due = False
        self._samples = self._lost = self._gaps = self._duplicates = 0
        self._late = self._malformed = self._overruns = self._restarts = 0

    @property
    def statistics(self) -> StreamStatistics:
        """The account so far."""
        return StreamStatistics(
            samples=self._samples,
            lost=self._lost,
            gaps=self._gaps,
            duplicates=self._duplicates,
            late=self._late,
            malformed=self._malformed,
            overruns=self._overruns,
            restarts=self._restarts,
        )

    @property
    def waiting_frames(self) -> int:
        """Frames that wait for others or for the answer to *start*; never more than a few hundred."""
        return len(self._held) + len(self._unanswered)

    def stream_time_s(self, clock_us: int) -> float:
        """Map a device clock reading taken about now onto the time axis of the blocks."""
        return (nearest(clock_us, self._device_us, _CLOCK_TURN_US) + self._base_us) / _US

    def count_malformed(self) -> None:
        """Count a notification that could not be decoded."""
        self._malformed += 1

    def interrupt(self) -> SampleBlock | None:
        """Release what waits at the end of the link or stream; the next stream follows a gap."""
        block = self._join([*self._answer_by_default(), *self._give_up_all()])
        self._answered = False
        self._gap_due = True
        return block

    def begin(self, started: Started, arrival_s: float) -> SampleBlock | None:
        """Take the sensor's answer to *start*: from here its clock and numbering are known.

        Args:
            started: the answer.
            arrival_s: host time of the answer, seconds, of the same clock as for `push`.
        """
        blocks = []
        if not self._numbered:
            self._number_from(started.next_sequence, started.time_us)
        elif self._was_reset(started, arrival_s):
            blocks = self._give_up_all()
            self._restart(started, arrival_s)
        elif not self._answered:
            self._device_us += self._ahead_us(started, arrival_s)
        self._boot = started.boot_number
        self._last_arrival_s = arrival_s
        self._answered = True
        waiting, self._unanswered = self._unanswered, deque()
        for frame, frame_arrival_s in waiting:
            blocks += self._accept(frame, frame_arrival_s)
        return self._join(blocks)

    def push(self, frame: MeasurementFrame, arrival_s: float) -> SampleBlock | None:
        """Take a frame; give the samples that are complete up to now, if any."""
        if self._answered:
            return self._join(self._accept(frame, arrival_s))
        self._unanswered.append((frame, arrival_s))
        if len(self._unanswered) <= _UNANSWERED_FRAMES:
            return None
        return self._join(self._answer_by_default())

    def _answer_by_default(self) -> list[SampleBlock]:
        """Go on as if the sensor had not been reset: its answer to *start* never came."""
        if not self._unanswered:
            return []
        self._answered = True
        waiting, self._unanswered = self._unanswered, deque()
        if not self._numbered:
            self._number_from(waiting[0][0].sequence, waiting[0][0].time_us)
        return [block for frame, arrival_s in waiting for block in self._accept(frame, arrival_s)]

    def _number_from(self, sequence: int, device_us: int) -> None:
        self._numbered = True
        self._expected = sequence
        self._device_us = device_us

    def _elapsed_us(self, arrival_s: float) -> int:
        return max(0, round((arrival_s - self._last_arrival_s) * _US))

    def _ahead_us(self, started: Started, arrival_s: float) -> int:
        """Device time since the last frame, with as many whole turns of the clock as fit the arrivals."""
        ahead_us = (started.time_us - self._device_us) % _CLOCK_TURN_US
        turns = max(0, round((self._elapsed_us(arrival_s) - ahead_us) / _CLOCK_TURN_US))
        return ahead_us + turns * _CLOCK_TURN_US

    def _was_reset(self, started: Started, arrival_s: float) -> bool:
        """By its boot number, or by its clock where a sensor failed to count its boot."""
        if self._boot is not None and started.boot_number != self._boot:
            return True
        disagreement_us = abs(self._ahead_us(started, arrival_s) - self._elapsed_us(arrival_s))
        return not self._answered and disagreement_us > _CLOCK_DISAGREEMENT_US

    def _restart(self, started: Started, arrival_s: float) -> None:
        self._restarts += 1
        self._gap_due = True
        self._holes.clear()
        if self._last_us is not None:
            resumed_us = self._last_us + max(1, self._elapsed_us(arrival_s))
            self._base_us = resumed_us - started.time_us
        self._number_from(started.next_sequence, started.time_us)

    def _accept(self, frame: MeasurementFrame, arrival_s: float) -> list[SampleBlock]:
        number = nearest(frame.sequence, self._expected, _SEQUENCE_TURN)
        if number < self._expected or number in self._held:
            self._count_out_of_place(number)
            return []
        self._last_arrival_s = arrival_s
        self._held[number] = frame
        blocks = self._release_in_order()
        while len(self._held) > _REORDER_FRAMES:
            blocks += self._give_up_one()
        return blocks

    def _count_out_of_place(self, number: int) -> None:
        if any(number in hole for hole in self._holes):
            self._late += 1
        else:
            self._duplicates += 1

    def _release_in_order(self) -> list[SampleBlock]:
        blocks = []
        while self._expected in self._held:
            frame = self._held.pop(self._expected)
            self._expected += len(frame.counts)
            block = self._block(frame)
            if block is not None:
                blocks.append(block)
        return blocks

    def _give_up_one(self) -> list[SampleBlock]:
        """Call the samples before the earliest waiting frame lost, and go on from it."""
        earliest = min(self._held)
        if earliest < self._expected:
            del self._held[earliest]
            self._malformed += 1
            return []
        self._holes.append(range(self._expected, earliest))
        self._lost += earliest - self._expected
        self._gap_due = True
        self._expected = earliest
        return self._release_in_order()

    def _give_up_all(self) -> list[SampleBlock]:
        blocks = []
        while self._held:
            blocks += self._give_up_one()
        return blocks

    def _block(self, frame: MeasurementFrame) -> SampleBlock | None:
        start_us = nearest(frame.time_us, self._device_us, _CLOCK_TURN_US)
        first_us = start_us + self._base_us
        if self._last_us is not None and first_us <= self._last_us:
            self._malformed += 1
            self._gap_due = True
            return None
        n = len(frame.counts)
        if frame.settling:
            # Drift of a bridge that was just switched on is no measurement; its numbers count all the same.
            self._gap_due |= frame.gap_before or frame.overrun
            self._device_us = start_us + frame.span_us
            return None
        gap = self._last_us is not None and (self._gap_due or frame.gap_before or frame.overrun)
        # Plain lists: for a few samples they are quicker than arithmetic on arrays.
        time_s = [(first_us + offset_us) / _US for offset_us in frame.offsets_us]
        saturated = [not self.lowest_count < count < self.highest_count for count in frame.counts]
        self._gap_due = False
        self._gaps += gap
        self._overruns += frame.overrun
        self._samples += n
        self._device_us = start_us + frame.span_us
        self._last_us = first_us + frame.span_us
        return SampleBlock(
            np.array(time_s),
            np.array(frame.counts, dtype=np.float64),
            Unit.COUNT,
            np.array([gap] + [False] * (n - 1)),
            np.array(saturated),
        )

    @staticmethod
    def _join(blocks: list[SampleBlock]) -> SampleBlock | None:
        if not blocks:
            return None
        return blocks[0] if len(blocks) == 1 else concatenate(blocks)


class TimedStream:
    """Samples of a sensor that stamps but does not number them; gaps are known by their intervals only.

    Args:
        unit: unit of the values.
        turn_us: where the sensor's clock wraps.
    """

    def __init__(self, unit: Unit, turn_us: int = _CLOCK_TURN_US) -> None:
        self._unit = unit
        self._turn_us = turn_us
        self._begun = False
        self._device_us = 0
        self._base_us = 0
        self._last_us: int | None = None
        self._last_arrival_s = 0.0
        self._intervals: deque[int] = deque(maxlen=_INTERVALS_KEPT)
        self._samples = self._gaps = self._skipped = self._duplicates = self._malformed = self._restarts = 0

    @property
    def statistics(self) -> StreamStatistics:
        """The account so far."""
        return StreamStatistics(
            samples=self._samples,
            gaps=self._gaps,
            skipped=self._skipped,
            duplicates=self._duplicates,
            malformed=self._malformed,
            restarts=self._restarts,
        )

    def count_malformed(self) -> None:
        """Count a notification that could not be decoded."""
        self._malformed += 1

    def begin(self) -> None:
        """Take the sensor's answer to *start*: from here its clock and numbering are known."""
        self._begun = False

    def push(self, time_us: Sequence[int], values: Sequence[float], arrival_s: float) -> SampleBlock | None:
        """Take the samples of one notification; give those that follow in time, if any.

        Args:
            time_us: device times, modulo the turn of the clock.
            values: finite readings.
            arrival_s: host time of the notification, seconds.
        """
        if not time_us:
            return None
        restarted = not self._begun
        if restarted:
            self._resume(time_us, arrival_s)
        kept_us, kept_values, gaps = [], [], []
        for stamp_us, value in zip(time_us, values, strict=True):
            device_us = nearest(stamp_us, self._device_us, self._turn_us)
            now_us = self._base_us + device_us
            if self._last_us is not None and now_us <= self._last_us:
                self._duplicates += 1
                continue
            gaps.append(self._is_gap(now_us, restarted))
            kept_us.append(now_us)
            kept_values.append(value)
            self._device_us, self._last_us, restarted = device_us, now_us, False
        self._last_arrival_s = arrival_s
        self._samples += len(kept_us)
        self._gaps += sum(gaps)
        if not kept_us:
            return None
        times: NDArray[np.int64] = np.array(kept_us, dtype=np.int64)
        return SampleBlock(times / _US, np.array(kept_values), self._unit, np.array(gaps, dtype=np.bool_))

    def _resume(self, time_us: Sequence[int], arrival_s: float) -> None:
        """Relate a clock that began anew: samples are as far apart as the notifications that end in them."""
        self._begun = True
        self._device_us = time_us[0]
        if self._last_us is not None:
            self._restarts += 1
            elapsed_us = round((arrival_s - self._last_arrival_s) * _US)
            self._base_us = self._last_us + max(1 - time_us[0], elapsed_us - time_us[-1])

    def _is_gap(self, now_us: int, restarted: bool) -> bool:
        if self._last_us is None:
            return False
        if restarted:
            return True
        interval_us = now_us - self._last_us
        known = len(self._intervals) >= _INTERVALS_NEEDED
        ratio = interval_us / median(self._intervals) if known else 1.0
        self._intervals.append(interval_us)
        if _SKIP_INTERVALS < ratio <= _GAP_INTERVALS:
            self._skipped += 1
        return ratio > _GAP_INTERVALS
