"""A workout: the samples of one sensor in, everything a person is told out.

Pure: no clock, no input or output. What reaches it besides samples, such as a change of the link, has its
place between two of them (`apply`), so that replaying samples and inputs gives the same events, bit for bit,
however the samples are cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import hypot, inf

import numpy as np
from numpy.typing import NDArray

from bandsense.calibration.clip_on import AnyCalibration, TensionReader
from bandsense.errors import DataError
from bandsense.exercises.model import Side
from bandsense.language import Message
from bandsense.samples import FloatArray, SampleBlock
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCounted, RepRetracted, SignalWarning, WarningKind
from bandsense.signal.metrics import Asymmetry, RepMetrics, asymmetry, set_metrics, strongest
from bandsense.signal.zero import TAUT_N, ZeroTracker
from bandsense.workout.advice import AdvisorState
from bandsense.workout.clock import ANALYSIS_HZ
from bandsense.workout.coach import Coach
from bandsense.workout.counts import RepCounts, chances_of_all
from bandsense.workout.events import (
    BatteryChanged,
    Corrected,
    Event,
    ExerciseStopped,
    LinkChanged,
    RestChanged,
    SetDone,
    SetEnd,
    SetRated,
    SetResult,
    Tared,
    TemperatureChanged,
    TemperatureUnknown,
    TensionTick,
)
from bandsense.workout.feedback import Feedback, FeedbackBook, Scale, StopReason
from bandsense.workout.inputs import (
    AddRep,
    BatteryLevel,
    EndSet,
    Input,
    LinkChange,
    RestChange,
    SensorTemperature,
    SetFeedback,
    SlackAnswer,
    StorageChange,
    Tare,
    TemperatureProblem,
    UndoRep,
)
from bandsense.workout.set_tracker import SetTracker
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.trace_buffer import IDLE_S, TraceBuffer

__all__ = ["Summary", "Workout"]

TARE_S = 1.0
"""A tare takes the median of so much."""

TARE_STILL_N = 1.0
"""Range of tension within `TARE_S` up to which nothing pulls; the noise of a sensor is far below."""
TAUT_SINCE_N = 2.0
"""The same as `TAUT_N` once the sensor was seen at zero in the session, and nothing was said against that."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a few numbers.

    Attributes:
        reps: repetitions that stand: `full`, `partial` and `unsure` ones add up to it (`workout.counts`).
        sets: how many; where left and right take turns, a half-set counts as one.
        full_reps: full repetitions of each set, in order; of the lesser side where left and right take turns.
        planned_sets: how many sets the plan has.
        time_under_tension_s: of all sets; None where it is hidden for most repetitions.
        peak_n: the greatest; None where it is hidden.
        duration_s: device time from the first sample to the last.
        hidden: figures that are not told, with the reason.
        asymmetry: how right and left differ, where both did two full repetitions.
        chances: P(so many repetitions), by their number.
    """

    reps: int
    partial: int
    sets: int
    full_reps: tuple[int, ...]
    planned_sets: int
    time_under_tension_s: float | None
    peak_n: float | None
    peak_uncertainty_n: float
    samples: int
    duration_s: float
    asymmetry: Asymmetry | None = None
    full: int = 0
    unsure: int = 0
    hidden: Mapping[str, str] = field(default_factory=dict)
    chances: Mapping[int, float] = field(default_factory=dict)


def _hidden_of_session(figures: Sequence[RepMetrics]) -> dict[str, str]:
    """Say why the time under tension of all repetitions, and the greatest peak, are not told."""
    if not figures:
        return {}
    whole, best = set_metrics(figures), strongest(figures)
    name = "time_under_tension_s"
    hidden = {name: whole.hidden[name]} if name in whole.hidden else {}
    return hidden | ({"peak_n": best.hidden["peak_n"]} if "peak_n" in best.hidden else {})


class Workout:
    """Follows one sensor through a session.

    Args:
        settings: calibration, exercise, plan.
    """

    def __init__(self, settings: WorkoutSettings) -> None:
        self.settings = settings
        self._calibration = settings.calibration
        self._temperature_c: float | None = None
        self._reader = TensionReader()
        self._zero = ZeroTracker(pre_stretched=settings.pre_stretched)
        self._detector = RepDetector(pre_stretched=settings.pre_stretched)
        self._coach = Coach(settings, settings.exercise) if settings.exercise is not None else None
        self._memory = TraceBuffer()
        self._sets = SetTracker(settings, self._memory, self._detector)
        self._feedback = FeedbackBook(settings.plan.stop)
        self._last_tick = -1.0
        self._tared_s = -inf
        self._latest_s: FloatArray = np.zeros(0)
        self._first_s: float | None = None
        self._last_s = 0.0
        self._samples = 0

    @property
    def began_s(self) -> float:
        """Device time of the first sample, seconds; 0 before it."""
        return self._first_s or 0.0

    @property
    def calibration(self) -> AnyCalibration:
        """Return the calibration of now, with the last tare in it."""
        return self._calibration

    @property
    def rate_hz(self) -> float:
        """Measured sample rate; 0 until it is known."""
        return self._detector.rate_hz

    @property
    def results(self) -> tuple[SetResult, ...]:
        """The finished sets."""
        results = self._sets.results
        return tuple(replace(each, feedback=self._feedback.of(each.number)) for each in results)

    @property
    def asks(self) -> Scale | None:
        """The scale that the person is asked for now; None while nothing is asked."""
        return self._feedback.asks

    @property
    def stopped(self) -> StopReason | None:
        """The stop rule that ended the exercise for today; None while it may go on."""
        return self._feedback.stopped

    @property
    def to_check(self) -> bool:
        """Whether the band was lost, and nobody has said yet that it was checked."""
        return self._coach is not None and self._coach.to_check

    @property
    def chances(self) -> Mapping[int, float]:
        """P(so many repetitions), by their number, of the set under way, else of the last one."""
        return self._sets.chances

    @property
    def advisor_states(self) -> dict[Side | None, AdvisorState]:
        """What the slack advice is to remember for the next session, by side; nothing without an exercise."""
        return {} if self._coach is None else self._coach.states

    def push(self, block: SampleBlock) -> list[Event]:
        """Take the next samples and give the events they make certain.

        Raises:
            DataError: the block's unit is not the calibration's, or its times do not follow.
        """
        if not len(block):
            return []
        if block.unit is not self._calibration.unit:
            raise DataError(
                Message(
                    "samples are in {unit}, the calibration is for {wanted}; use the calibration "
                    "of this sensor",
                    unit=block.unit.value,
                    wanted=self._calibration.unit.value,
                )
            )
        self._latest_s = block.time_s
        shown_n = self._reader.push(self._calibration, block.values, block.gap_before, self._temperature_c)
        tension_n = self._zero.push(block.time_s, shown_n, block.gap_before)
        signal_events = self._detector.push(block.time_s, tension_n, block.gap_before, block.saturated)
        self._remember(block, tension_n)
        told = (event for event in signal_events if not self._of_the_tare(event))
        return self._followed([*told, *self._ticks(block.time_s, tension_n)])

    def apply(self, value: Input) -> list[Event]:
        """Take what happens besides samples, here and now in the stream, and give the events it makes."""
        match value:
            case EndSet():
                return list(self._ended(self._sets.ask_to_end(self._last_s)))
            case Tare():
                return self._tare()
            case UndoRep() | AddRep():
                return self._corrected(is_rep=isinstance(value, AddRep))
            case SlackAnswer(followed=followed):
                return self._slack_answered(followed=followed)
            case SetFeedback(said=said, number=number):
                return self._rated(said, number)
            case RestChange(seconds=seconds):
                return self._rest_changed(seconds)
            case LinkChange(state=state, message=message):
                if state == "lost":
                    self._sets.cut(SetEnd.LINK_LOST)
                changed = LinkChanged(self._last_s, state, message, self._last_s)
                return [changed, *self._coached(changed)]
            case StorageChange(problem=problem):
                self._sets.cut(None if problem is None else SetEnd.NOT_STORED)
                return []
            case BatteryLevel(percent=percent):
                return [BatteryChanged(self._last_s, percent, self._last_s)]
            case SensorTemperature(celsius=celsius):
                return [self._temperature(celsius)]
            case TemperatureProblem(message=message):
                return [TemperatureUnknown(self._last_s, message, self._last_s)]

    def finish(self) -> list[Event]:
        """Close the stream: decide what still can be decided, and close an open set."""
        events = self._followed(self._detector.finish())
        return [*events, *self._ended(self._sets.close(SetEnd.STREAM, self._last_s))]

    def trace(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and tensions between two device times, as far as remembered (see `memory`)."""
        time_s, _, tension_n = self._memory.between(start_s, end_s)
        return time_s, tension_n

    def summary(self) -> Summary:
        """Summarise the session so far, finished sets only."""
        reps = [rep for result in self._sets.results for rep in result.reps]
        counts = RepCounts.of(reps)
        figures = [rep for result in self._sets.results for rep in result.rep_metrics]
        hidden = _hidden_of_session(figures)
        best = strongest(figures) if figures else None
        return Summary(
            reps=len(reps),
            partial=counts.partial,
            full=counts.full,
            unsure=counts.unsure,
            sets=len(self._sets.results),
            full_reps=self._full_reps(),
            planned_sets=self.settings.plan.sets,
            time_under_tension_s=None
            if "time_under_tension_s" in hidden
            else sum(rep.time_under_tension_s for rep in figures),
            peak_n=0.0 if best is None else best.shown("peak_n"),
            peak_uncertainty_n=0.0 if best is None else best.peak_uncertainty_n or 0.0,
            samples=self._samples,
            duration_s=self._last_s - self.began_s,
            asymmetry=self._asymmetry(),
            hidden=hidden,
            chances=chances_of_all((len(result.reps), result.chances) for result in self._sets.results),
        )

    def _full_reps(self) -> tuple[int, ...]:
        full = [result.counts.full for result in self._sets.results]
        if self.settings.first_side is None:
            return tuple(full)
        return tuple(map(min, full[::2], full[1::2]))

    def _asymmetry(self) -> Asymmetry | None:
        left, right = (
            [rep for result in self._sets.results if result.side == side for rep in result.rep_metrics]
            for side in ("left", "right")
        )
        if any(sum(not rep.partial for rep in side) < 2 for side in (left, right)):
            return None
        return asymmetry(left, right)

    def uncertainty_n(self, tension_n: float, at_s: float | None = None) -> float:
        """Return the uncertainty of a tension, newtons, by what was known of the zero then; None is now."""
        own_n = float(self._calibration.standard_uncertainty_n(tension_n))
        return hypot(own_n, float(self._detector.sense.zero_doubt_n(self._last_s if at_s is None else at_s)))

    def latest_uncertainty_n(self, tension_n: FloatArray) -> FloatArray:
        """Return the standard uncertainty of each tension of the block that was pushed last, newtons."""
        return self._uncertainty_at(slice(None), tension_n)

    # -- samples -----------------------------------------------------------------------------------------

    def _of_the_tare(self, event: Event) -> bool:
        """Return whether tension dropped because the zero was set, and not the band lost."""
        lost = isinstance(event, SignalWarning) and event.kind is WarningKind.BAND_LOST
        return lost and abs(event.time_s - self._tared_s) < TARE_S

    def _remember(self, block: SampleBlock, tension_n: FloatArray) -> None:
        if self._first_s is None:
            self._first_s = float(block.time_s[0])
        self._last_s = float(block.time_s[-1])
        self._samples += len(block)
        self._memory.append(block.time_s, block.values, tension_n)
        if not self._sets.under_way:
            self._memory.keep_last(IDLE_S)

    def _ticks(self, time_s: FloatArray, tension_n: FloatArray) -> Iterator[TensionTick]:
        """Find the first sample in each tick of the analysis, by device time."""
        bins = np.floor(time_s * ANALYSIS_HZ)
        first = np.empty(bins.size, dtype=np.bool_)
        first[0] = bins[0] != self._last_tick
        np.not_equal(bins[1:], bins[:-1], out=first[1:])
        self._last_tick = float(bins[-1])
        at = np.flatnonzero(first)
        uncertainty_n = self._uncertainty_at(at, tension_n)
        yield from map(TensionTick, time_s[at].tolist(), tension_n[at].tolist(), uncertainty_n.tolist())

    def _uncertainty_at(self, at: slice | NDArray[np.intp], tension_n: FloatArray) -> FloatArray:
        """Return the standard uncertainty of some samples of the latest block."""
        own_n, between_n = self._calibration.standard_uncertainty_n(tension_n[at]), self._reader.between_n
        own_n = np.hypot(own_n, self._detector.sense.zero_doubt_n(self._latest_s[at]))
        return own_n if between_n is None else np.hypot(own_n, between_n[at])

    # -- events ------------------------------------------------------------------------------------------

    def _followed(self, events: Iterable[Event]) -> list[Event]:
        """Order the events by when they became certain, with those that follow from them."""
        result: list[Event] = []
        for event in sorted(events, key=lambda e: e.detected_s):
            result.extend(self._set_corrected(event))
            if (amended := self._sets.amended(event)) is not None:
                result.append(amended)
                continue
            if (started := self._sets.started_by(event)) is not None:
                self._feedback.set_started()
                result.append(started)
            counted = self._sets.counted(event)
            result.append(counted)
            result.extend(self._coached(counted))
            result.extend(self._stopped_by(counted))
            result.extend(self._ended(self._sets.follow(counted)))
        result.extend(self._set_corrected())
        return result

    def _set_corrected(self, before: Event | None = None) -> Iterator[Event]:
        """Correct the finished set, where the moment that changed it is over (`SetTracker.corrected`)."""
        if (corrected := self._sets.corrected(before)) is not None:
            yield corrected
            if not isinstance(before, RepCounted):  # which may begin another set
                yield from self._coached(corrected)

    def _coached(self, event: Event) -> Iterator[Event]:
        if self._coach is not None and self.stopped is None:  # a stopped exercise gets no cue, nor advice
            yield from self._coach.follow(event)

    def _stopped_by(self, event: Event) -> Iterator[Event]:
        """Stop the exercise where the band is lost and the plan says so."""
        if isinstance(event, SignalWarning) and event.kind is WarningKind.BAND_LOST and self.stopped is None:
            self._feedback.band_lost()
            if self.stopped is not None:
                yield self._stop(event.detected_s)

    def _ended(self, done: SetDone | None) -> Iterator[Event]:
        """End the set, where this is its end, and add what the coach says to it."""
        if done is not None:
            self._feedback.set_done(done.number)
            yield done
            yield from self._coached(done)

    # -- inputs ------------------------------------------------------------------------------------------

    def _tare(self) -> list[Event]:
        """Set the zero from the last second, if nothing pulled in it."""
        _, readings, tension_n = self._memory.between(self._last_s - TARE_S, self._last_s)
        if not readings.size or float(np.ptp(tension_n)) > TARE_STILL_N:
            problem = "the band moves; let it hang slack and still for a second, and tare again"
            return [Tared(self._last_s, 0.0, problem, self._last_s)]
        before_n = float(np.median(tension_n))
        taut_n = TAUT_SINCE_N if self._detector.sense.zero_is_right else TAUT_N
        self._calibration = self._calibration.tared(readings, self._temperature_c)
        self._sets.calibration = self._calibration
        self._tared_s = self._last_s
        self._zero.tared()
        self._detector.sense.tared()
        if self._coach is not None:
            self._coach.tared()
        tared = Tared(self._last_s, before_n, None, self._last_s)
        if before_n <= taut_n:
            return [tared]
        question = Message(
            "it showed {before:.0f} N before the zero was set; if the band was taut then, let it "
            "hang slack and set it again",
            before=before_n,
        )
        return [tared, SignalWarning(self._last_s, WarningKind.ZERO_OFF, question, self._last_s)]

    def _corrected(self, *, is_rep: bool) -> list[Event]:
        """Heed the person's word on the latest movement, for the rest of the session too."""
        events = self._detector.correct(is_rep=is_rep)
        problem = None
        if events is None:
            problem = (
                Message("there was no other movement to count in the last minute")
                if is_rep
                else Message("there is no repetition of the last minute to take back")
            )
        reps = sum(isinstance(event, RepCounted | RepRetracted) for event in events or ())
        corrected = Corrected(self._last_s, is_rep, problem, self._last_s, reps)
        return [corrected, *self._followed(events or ())]

    def _slack_answered(self, *, followed: bool) -> list[Event]:
        return [] if self._coach is None else list(self._coach.answered(self._last_s, followed=followed))

    def _rest_changed(self, seconds: float) -> list[Event]:
        rest_s = None if self._coach is None else self._coach.change_rest(self._last_s, seconds)
        return [] if rest_s is None else [RestChanged(self._last_s, rest_s, self._last_s)]

    def _rated(self, said: Feedback, number: int | None) -> list[Event]:
        """Keep what is said of a set, and stop the exercise where a stop rule says so."""
        before = self.stopped
        about = self._feedback.take(said, number)
        if about is None:
            return []
        now_s = self._last_s
        events: list[Event] = [SetRated(now_s, about, self._feedback.of(about), self.asks, now_s)]
        if self.stopped is not before:
            events.append(self._stop(now_s))
        if self.stopped is not None:  # advice for the next set has no place after that, nor for the next time
            self._slack_answered(followed=False)
        return events

    def _stop(self, now_s: float) -> ExerciseStopped:
        pain, limit = self._feedback.worst_pain, self.settings.plan.stop.pain
        return ExerciseStopped(now_s, self.stopped, pain, limit, now_s)

    def _temperature(self, celsius: float) -> TemperatureChanged:
        """Correct samples from now on for the temperature, and let a tare hold at it."""
        self._temperature_c = celsius
        zero_n = self._calibration.zero_shift_n(celsius)
        return TemperatureChanged(self._last_s, celsius, zero_n, self._last_s)
