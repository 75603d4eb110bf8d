"""A workout: the samples of one sensor in, everything a person is told out.

Pure: no clock, no input or output. What reaches it besides samples, such as a change of the link, has its
place between two of them (`apply`), so that replaying samples and inputs gives the same events, bit for bit,
however the samples are cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from bandsense.errors import DataError
from bandsense.samples import FloatArray, SampleBlock
from bandsense.signal.calibration import Calibration
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Phase, PhaseChanged, Rep, RepDone, RepRetracted, RepTop
from bandsense.workout.events import (
    BatteryChanged,
    Event,
    Level,
    LinkChanged,
    SetDone,
    SetEnd,
    SetResult,
    SetStarted,
)

__all__ = ["Summary", "Workout", "WorkoutSettings"]

LEVELS_PER_S = 20.0
"""How often the tension is told: as often as a view can show it."""

SET_REST_S = 15.0
"""Rest after which a set is over. A choice: longer than any pause between repetitions that people make."""


@dataclass(frozen=True, slots=True)
class WorkoutSettings:
    """Everything besides the samples that the events depend on.

    Attributes:
        calibration: from readings to tension.
        exercise: identity of the exercise, where it is known.
    """

    calibration: Calibration
    exercise: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, kept with a session so that it can be analysed again."""
        return {"calibration": self.calibration.to_dict(), "exercise": self.exercise}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The settings that `to_dict` gave.

        Raises:
            CalibrationError: the calibration is damaged, or a newer bandsense wrote it.
        """
        return cls(Calibration.from_dict(data.get("calibration", {})), data.get("exercise"))


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a few numbers."""

    reps: int
    partial: int
    sets: int
    time_under_tension_s: float
    peak_tension_n: float
    peak_tension_u_n: float
    samples: int
    duration_s: float


@dataclass(slots=True)
class _Set:
    number: int
    standing: set[int] = field(default_factory=set)
    reps: dict[int, Rep] = field(default_factory=dict)
    last_s: float = 0.0
    asked_to_end: bool = False


class Workout:
    """Follows one sensor through a session.

    Args:
        settings: calibration and what is trained.
    """

    def __init__(self, settings: WorkoutSettings) -> None:
        self.settings = settings
        self._detector = RepDetector()
        self._phase = Phase.REST
        self._set: _Set | None = None
        self._results: list[SetResult] = []
        self._last_bin = -1
        self._first_s: float | None = None
        self._last_s = 0.0
        self._samples = 0

    @property
    def results(self) -> tuple[SetResult, ...]:
        """The finished sets."""
        return tuple(self._results)

    def push(self, block: SampleBlock) -> list[Event]:
        """Take the next samples and give the events they make certain.

        Raises:
            DataError: the block's unit is not the calibration's, or its times do not follow.
        """
        if not len(block):
            return []
        if block.unit is not self.settings.calibration.unit:
            raise DataError(
                f"samples are in {block.unit.value}, the calibration is for "
                f"{self.settings.calibration.unit.value}; use the calibration of this sensor"
            )
        tension_n = self.settings.calibration.tension_n(block.values)
        signal_events = self._detector.push(block.time_s, tension_n, block.gap_before, block.saturated)
        if self._first_s is None:
            self._first_s = float(block.time_s[0])
        self._last_s = float(block.time_s[-1])
        self._samples += len(block)
        return self._followed([*signal_events, *self._levels(block, tension_n)])

    def apply(self, kind: str, data: Mapping[str, Any]) -> list[Event]:
        """What happens besides samples, here and now in the stream.

        Args:
            kind: `end_set` (the person says that the set is over), `link` (`state`, `message`) or
                `battery` (`percent`).
            data: its particulars.

        Raises:
            DataError: the kind is not known or something is missing.
        """
        try:
            if kind == "end_set":
                return self._ask_to_end()
            if kind == "link":
                return [LinkChanged(self._last_s, str(data["state"]), str(data["message"]), self._last_s)]
            if kind == "battery":
                return [BatteryChanged(self._last_s, int(data["percent"]), self._last_s)]
        except KeyError as error:
            raise DataError(f"the input {kind!r} lacks {error}") from error
        raise DataError(f"the input {kind!r} is not known to this version; update bandsense to replay it")

    def finish(self) -> list[Event]:
        """The stream ends: what can still be decided is decided, and an open set is closed."""
        events = self._followed(self._detector.finish())
        return [*events, *self._close_set(SetEnd.STREAM, self._last_s)]

    def summary(self) -> Summary:
        """The session so far, finished sets only."""
        reps = [rep for result in self._results for rep in result.reps]
        peak_n = max((rep.peak_tension for rep in reps), default=0.0)
        return Summary(
            reps=len(reps),
            partial=sum(rep.partial for rep in reps),
            sets=len(self._results),
            time_under_tension_s=sum(rep.duration_s for rep in reps),
            peak_tension_n=peak_n,
            peak_tension_u_n=self.uncertainty_n(peak_n),
            samples=self._samples,
            duration_s=0.0 if self._first_s is None else self._last_s - self._first_s,
        )

    def uncertainty_n(self, tension_n: float) -> float:
        """Standard uncertainty of a tension, newtons."""
        return float(self.settings.calibration.standard_uncertainty_n(tension_n))

    def _levels(self, block: SampleBlock, tension_n: FloatArray) -> Iterator[Level]:
        """The first sample in each twentieth of a second of device time."""
        bins = np.floor(block.time_s * LEVELS_PER_S)
        first = np.empty(bins.size, dtype=np.bool_)
        first[0] = bins[0] != self._last_bin
        np.not_equal(bins[1:], bins[:-1], out=first[1:])
        self._last_bin = bins[-1]
        at = np.flatnonzero(first)
        uncertainty_n = self.settings.calibration.standard_uncertainty_n(tension_n[at])
        yield from map(Level, block.time_s[at].tolist(), tension_n[at].tolist(), uncertainty_n.tolist())

    def _followed(self, events: Iterable[Event]) -> list[Event]:
        """The events in the order in which they became certain, with those that follow from them."""
        result: list[Event] = []
        for event in sorted(events, key=lambda e: e.detected_s):
            if isinstance(event, RepTop) and self._set is None:
                self._set = _Set(len(self._results) + 1)
                result.append(SetStarted(event.time_s, self._set.number, event.detected_s))
            result.append(self._counted(event))
            result.extend(self._follow(event))
        return result

    def _counted(self, event: Event) -> Event:
        """The event with repetitions counted from the start of the set, not of the stream."""
        if self._set is None or not isinstance(event, RepTop | RepRetracted):
            return event
        if isinstance(event, RepTop):
            self._set.standing.add(event.index)
        else:
            self._set.standing.discard(event.index)
        return replace(event, count=len(self._set.standing))

    def _follow(self, event: Event) -> Iterator[Event]:
        if isinstance(event, PhaseChanged):
            self._phase = event.phase
        if self._set is None:
            return
        if isinstance(event, RepTop):
            self._set.last_s = event.detected_s
        elif isinstance(event, RepDone):
            self._set.reps[event.index] = event.rep
            self._set.last_s = event.detected_s
        elif isinstance(event, RepRetracted):
            self._set.reps.pop(event.index, None)
        elif self._phase is Phase.REST and self._set.asked_to_end:
            yield from self._close_set(SetEnd.ASKED, event.detected_s)
        elif isinstance(event, Level) and self._rested(event.time_s):
            yield from self._close_set(SetEnd.REST, event.time_s)

    def _rested(self, now_s: float) -> bool:
        """Whether the open set has been over for a while; never in the middle of a repetition."""
        return self._set is not None and self._phase is Phase.REST and now_s >= self._set.last_s + SET_REST_S

    def _ask_to_end(self) -> list[Event]:
        """End the set now, or after the repetition that is being done."""
        if self._phase is Phase.REST:
            return list(self._close_set(SetEnd.ASKED, self._last_s))
        if self._set is not None:
            self._set.asked_to_end = True
        return []

    def _close_set(self, ended_by: SetEnd, now_s: float) -> Iterator[Event]:
        current, self._set = self._set, None
        if current is None or not current.reps:
            return
        reps = tuple(current.reps.values())
        result = SetResult(
            number=current.number,
            start_s=reps[0].pull_start,
            end_s=reps[-1].end,
            reps=reps,
            peak_u_n=tuple(self.uncertainty_n(rep.peak_tension) for rep in reps),
            ended_by=ended_by,
        )
        self._results.append(result)
        yield SetDone(result.end_s, result.number, result, now_s)
