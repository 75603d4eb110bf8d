"""A workout: the samples of one sensor in, everything a person is told out.

Pure: no clock, no input or output. What reaches it besides samples, such as a change of the link, has its
place between two of them (`apply`), so that replaying samples and inputs gives the same events, bit for bit,
however the samples are cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandsense.calibration.clip_on import TensionReader
from bandsense.errors import DataError
from bandsense.exercises.model import Side
from bandsense.samples import FloatArray, SampleBlock
from bandsense.signal.config import DetectorConfig
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Phase, PhaseChanged, Rep, RepCompleted, RepCounted, RepRetracted
from bandsense.signal.metrics import Asymmetry, asymmetry, rep_metrics, set_metrics
from bandsense.signal.refine import refine
from bandsense.signal.zero import ZeroTracker
from bandsense.workout.advice import AdvisorState
from bandsense.workout.coach import Coach
from bandsense.workout.events import (
    BatteryChanged,
    Event,
    LinkChanged,
    SetDone,
    SetEnd,
    SetResult,
    SetStarted,
    SlackAnswered,
    Tared,
    TemperatureChanged,
    TensionTick,
)
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.trace_buffer import IDLE_S, LEAD_S, LONGEST_S, TraceBuffer

__all__ = ["Summary", "Workout"]

LEVELS_PER_S = 20.0
"""How often the tension is told: as often as a view can show it."""

SET_REST_S = 15.0
"""Rest after which a set is over. A choice: longer than any pause between repetitions that people make."""

SIDE_REST_S = 6.0
"""The same where left and right take turns: hand and foot are changed sooner than one has rested."""

TARE_S = 1.0
"""A tare takes the median of so much."""

TARE_STILL_N = 1.0
"""Range of tension within `TARE_S` up to which nothing pulls; the noise of a sensor is far below."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a few numbers.

    Attributes:
        sets: how many; where left and right take turns, a half-set counts as one.
        full_reps: full repetitions of each set, in order; of the lesser side where left and right take turns.
        planned_sets: how many sets the plan has.
        duration_s: device time from the first sample to the last.
        asymmetry: how right and left differ, where both did two full repetitions.
    """

    reps: int
    partial: int
    sets: int
    full_reps: tuple[int, ...]
    planned_sets: int
    time_under_tension_s: float
    peak_n: float
    peak_uncertainty_n: float
    samples: int
    duration_s: float
    asymmetry: Asymmetry | None = None


@dataclass(slots=True)
class _Set:
    """A set under way: repetitions that stand by their index, and those of them that are done."""

    number: int
    standing: set[int] = field(default_factory=set)
    reps: dict[int, Rep] = field(default_factory=dict)
    last_s: float = 0.0
    asked_to_end: bool = False


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
        self._detector = RepDetector()
        self._coach = Coach(settings, settings.exercise) if settings.exercise is not None else None
        self._memory = TraceBuffer()
        self._phase = Phase.REST
        self._set: _Set | None = None
        self._results: list[SetResult] = []
        self._last_bin = -1.0
        self._first_s: float | None = None
        self._last_s = 0.0
        self._samples = 0
        self._inputs: dict[str, Callable[[Mapping[str, Any]], Iterable[Event]]] = {
            "end_set": self._end_set,
            "tare": self._tare,
            "slack": self._slack_answered,
            "link": self._link,
            "battery": self._battery,
            "temperature": self._temperature,
        }

    @property
    def began_s(self) -> float:
        """Device time of the first sample, seconds; 0 before it."""
        return self._first_s or 0.0

    @property
    def results(self) -> tuple[SetResult, ...]:
        """The finished sets."""
        return tuple(self._results)

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
                f"samples are in {block.unit.value}, the calibration is for "
                f"{self._calibration.unit.value}; use the calibration of this sensor"
            )
        shown_n = self._reader.push(self._calibration, block.values, block.gap_before, self._temperature_c)
        tension_n = self._zero.push(block.time_s, shown_n, block.gap_before)
        signal_events = self._detector.push(block.time_s, tension_n, block.gap_before, block.saturated)
        self._remember(block, tension_n)
        return self._followed([*signal_events, *self._levels(block.time_s, tension_n)])

    def apply(self, kind: str, data: Mapping[str, Any]) -> list[Event]:
        """What happens besides samples, here and now in the stream.

        Args:
            kind: `end_set` (the person says that the set is over), `tare` (the band is slack now), `slack`
                (`followed`: whether the person does what was advised last), `link` (`state`, `message`),
                `battery` (`percent`) or `temperature` (`celsius`: of the sensor, before its first sample).
            data: its particulars.

        Raises:
            DataError: the kind is not known or something is missing.
        """
        if kind not in self._inputs:
            raise DataError(f"the input {kind!r} is not known to this version; update bandsense to replay it")
        try:
            return list(self._inputs[kind](data))
        except KeyError as error:
            raise DataError(f"the input {kind!r} lacks {error}") from error

    def finish(self) -> list[Event]:
        """The stream ends: what can still be decided is decided, and an open set is closed."""
        events = self._followed(self._detector.finish())
        return [*events, *self._close_set(SetEnd.STREAM, self._last_s)]

    def trace(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Times and tensions between two device times, as far as they are remembered (see `memory`)."""
        time_s, _, tension_n = self._memory.between(start_s, end_s)
        return time_s, tension_n

    def summary(self) -> Summary:
        """The session so far, finished sets only."""
        reps = [rep for result in self._results for rep in result.reps]
        peak_n = max((rep.peak_n for rep in reps), default=0.0)
        return Summary(
            reps=len(reps),
            partial=sum(rep.partial for rep in reps),
            sets=len(self._results),
            full_reps=self._full_reps(),
            planned_sets=self.settings.plan.sets,
            time_under_tension_s=sum(rep.duration_s for rep in reps),
            peak_n=peak_n,
            peak_uncertainty_n=self.uncertainty_n(peak_n),
            samples=self._samples,
            duration_s=self._last_s - self.began_s,
            asymmetry=self._asymmetry(),
        )

    def _full_reps(self) -> tuple[int, ...]:
        full = [sum(not rep.partial for rep in result.reps) for result in self._results]
        if self.settings.first_side is None:
            return tuple(full)
        return tuple(map(min, full[::2], full[1::2]))

    def _asymmetry(self) -> Asymmetry | None:
        left, right = (
            [rep for result in self._results if result.side == side for rep in result.figures]
            for side in ("left", "right")
        )
        if any(sum(not rep.partial for rep in side) < 2 for side in (left, right)):
            return None
        return asymmetry(left, right)

    def uncertainty_n(self, tension_n: float) -> float:
        """Standard uncertainty of a tension, newtons."""
        return float(self._calibration.standard_uncertainty_n(tension_n))

    def latest_uncertainty_n(self, tension_n: FloatArray) -> FloatArray:
        """Standard uncertainty of each tension of the block that was pushed last, newtons."""
        return self._uncertainty_at(slice(None), tension_n)

    # -- samples -----------------------------------------------------------------------------------------

    def _remember(self, block: SampleBlock, tension_n: FloatArray) -> None:
        if self._first_s is None:
            self._first_s = float(block.time_s[0])
        self._last_s = float(block.time_s[-1])
        self._samples += len(block)
        self._memory.append(block.time_s, block.values, tension_n)
        self._memory.forget_before(self._last_s - (IDLE_S if self._set is None else LONGEST_S))

    def _levels(self, time_s: FloatArray, tension_n: FloatArray) -> Iterator[TensionTick]:
        """The first sample in each twentieth of a second of device time."""
        bins = np.floor(time_s * LEVELS_PER_S)
        first = np.empty(bins.size, dtype=np.bool_)
        first[0] = bins[0] != self._last_bin
        np.not_equal(bins[1:], bins[:-1], out=first[1:])
        self._last_bin = float(bins[-1])
        at = np.flatnonzero(first)
        uncertainty_n = self._uncertainty_at(at, tension_n)
        yield from map(TensionTick, time_s[at].tolist(), tension_n[at].tolist(), uncertainty_n.tolist())

    def _uncertainty_at(self, at: slice | NDArray[np.intp], tension_n: FloatArray) -> FloatArray:
        """Standard uncertainty of some samples of the latest block."""
        own_n, between_n = self._calibration.standard_uncertainty_n(tension_n[at]), self._reader.between_n
        return own_n if between_n is None else np.hypot(own_n, between_n[at])

    # -- events ------------------------------------------------------------------------------------------

    def _followed(self, events: Iterable[Event]) -> list[Event]:
        """The events in the order in which they became certain, with those that follow from them."""
        result: list[Event] = []
        for event in sorted(events, key=lambda e: e.detected_s):
            if isinstance(event, RepCounted) and self._set is None:
                self._set = _Set(len(self._results) + 1)
                number, side = self._set.number, self.settings.side(self._set.number)
                result.append(SetStarted(event.time_s, number, event.detected_s, side))
            counted = self._counted(event)
            result.append(counted)
            result.extend(self._coached(counted))
            result.extend(self._tracked(counted))
        return result

    def _counted(self, event: Event) -> Event:
        """The event with repetitions counted from the start of the set, not of the stream."""
        if self._set is None or not isinstance(event, RepCounted | RepRetracted):
            return event
        if isinstance(event, RepCounted):
            self._set.standing.add(event.index)
        else:
            self._set.standing.discard(event.index)
        return replace(event, count=len(self._set.standing))

    def _coached(self, event: Event) -> Iterator[Event]:
        if self._coach is not None:
            yield from self._coach.follow(event)

    def _tracked(self, event: Event) -> Iterator[Event]:
        """Keep the set under way up to date, and end it when it is over."""
        if isinstance(event, PhaseChanged):
            self._phase = event.phase
        if self._set is None:
            return
        if isinstance(event, RepCounted):
            self._set.last_s = event.detected_s
        elif isinstance(event, RepCompleted):
            self._set.reps[event.index] = event.rep
            self._set.last_s = event.detected_s
        elif isinstance(event, RepRetracted):
            self._set.reps.pop(event.index, None)
        elif self._phase is Phase.REST and self._set.asked_to_end:
            yield from self._close_set(SetEnd.ASKED, event.detected_s)
        elif isinstance(event, TensionTick) and self._rested(event.time_s):
            yield from self._close_set(SetEnd.REST, event.time_s)

    def _rested(self, now_s: float) -> bool:
        """Whether the open set has been over for a while; never in the middle of a repetition."""
        rest_s = SET_REST_S if self.settings.first_side is None else SIDE_REST_S
        return self._set is not None and self._phase is Phase.REST and now_s >= self._set.last_s + rest_s

    def _close_set(self, ended_by: SetEnd, now_s: float) -> Iterator[Event]:
        current, self._set = self._set, None
        if current is None or not current.reps:
            return
        result = self._result(current, ended_by, now_s)
        self._results.append(result)
        done = SetDone(result.end_s, result.number, result, now_s)
        yield done
        yield from self._coached(done)

    def _result(self, done: _Set, ended_by: SetEnd, now_s: float) -> SetResult:
        """The set once more, with the whole of its trace at hand."""
        seen = tuple(sorted(done.reps.values(), key=lambda rep: rep.peak_time_s))
        start_s = max(seen[0].pull_start_s - LEAD_S, now_s - LONGEST_S)
        time_s, tension_n = self.trace(start_s, now_s)
        seen = tuple(rep for rep in seen if rep.pull_start_s >= time_s[0])
        reps = refine(time_s, tension_n, seen, self._detector.rate_hz, DetectorConfig())
        band = self.settings.band
        figures = rep_metrics(
            reps,
            time_s,
            tension_n,
            calibration=self._calibration,
            band=None if band is None else band.displacement(),
        )
        return SetResult(
            number=done.number,
            start_s=reps[0].pull_start_s,
            end_s=reps[-1].end_s,
            reps=reps,
            seen=seen,
            figures=figures,
            metrics=set_metrics(figures),
            ended_by=ended_by,
            side=self.settings.side(done.number),
            zone=self.settings.plan.zone,
        )

    # -- inputs ------------------------------------------------------------------------------------------

    def _end_set(self, _data: Mapping[str, Any]) -> Iterable[Event]:
        """End the set now, or after the repetition that is being done."""
        if self._phase is Phase.REST:
            return self._close_set(SetEnd.ASKED, self._last_s)
        if self._set is not None:
            self._set.asked_to_end = True
        return ()

    def _tare(self, _data: Mapping[str, Any]) -> Iterable[Event]:
        """Set the zero from the last second, if nothing pulled in it."""
        _, readings, tension_n = self._memory.between(self._last_s - TARE_S, self._last_s)
        if not readings.size or float(np.ptp(tension_n)) > TARE_STILL_N:
            problem = "the band moves; let it hang slack and still for a second, and tare again"
            return (Tared(self._last_s, 0.0, problem, self._last_s),)
        before_n = float(np.median(tension_n))
        self._calibration = self._calibration.tared(readings, self._temperature_c)
        self._zero.tared()
        return (Tared(self._last_s, before_n, None, self._last_s),)

    def _slack_answered(self, data: Mapping[str, Any]) -> Iterable[Event]:
        followed = bool(data["followed"])
        if self._coach is None or not self._coach.answered(followed=followed):
            return ()
        return (SlackAnswered(self._last_s, followed, self._last_s),)

    def _link(self, data: Mapping[str, Any]) -> Iterable[Event]:
        return (LinkChanged(self._last_s, str(data["state"]), str(data["message"]), self._last_s),)

    def _battery(self, data: Mapping[str, Any]) -> Iterable[Event]:
        return (BatteryChanged(self._last_s, int(data["percent"]), self._last_s),)

    def _temperature(self, data: Mapping[str, Any]) -> Iterable[Event]:
        """Samples from now on are corrected for the temperature, and a tare holds at it."""
        celsius = float(data["celsius"])
        if not isfinite(celsius):
            raise DataError("a temperature must be a finite number")
        self._temperature_c = celsius
        zero_n = self._calibration.zero_shift_n(celsius)
        return (TemperatureChanged(self._last_s, celsius, zero_n, self._last_s),)
