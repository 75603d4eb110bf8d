"""What came of a training session: of one sensor, or of two that are compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bandsense.exercises.model import Side
from bandsense.signal.metrics import Asymmetry
from bandsense.workout.bilateral import Lag, bilateral_asymmetry
from bandsense.workout.workout import Summary, Workout

__all__ = ["SessionResult", "StreamClock"]


@dataclass(frozen=True, slots=True)
class StreamClock:
    """How to turn device time into the time of day: `unix_s + rate · (time − device_s)`."""

    device_s: float
    unix_s: float
    rate: float


@dataclass(frozen=True, slots=True)
class SessionResult:
    """A session that is over.

    Attributes:
        workouts: by side; one under None, or two under `left` and `right`.
        session: its number in the store; None where nothing is kept.
        next_time: what the progression makes of it, in words.
        compared: how it stands to the session before, in words; None where there is none.
        lag: how much later the right side pulls; None with one sensor, or without a repetition of both.
        clocks: by side; None where a sensor's clock is not known.
    """

    workouts: dict[Side | None, Workout]
    session: int | None = None
    next_time: str | None = None
    lag: Lag | None = None
    clocks: dict[Side, StreamClock | None] = field(default_factory=dict)
    compared: str | None = None

    @property
    def summaries(self) -> dict[Side | None, Summary]:
        """Each sensor's session in a few numbers."""
        return {side: workout.summary() for side, workout in self.workouts.items()}

    @property
    def samples(self) -> int:
        """Samples of all sensors."""
        return sum(summary.samples for summary in self.summaries.values())

    @property
    def reps(self) -> int:
        """Repetitions that the band did: of the busier side where there are two sensors."""
        return max(summary.reps for summary in self.summaries.values())

    @property
    def asymmetry(self) -> Asymmetry | None:
        """How right and left differ, by two sensors or in turn by one; None below two full reps a side."""
        if None in self.workouts:
            return self.workouts[None].summary().asymmetry
        left, right = self.workouts["left"], self.workouts["right"]
        metrics = [
            [rep for result in workout.results for rep in result.rep_metrics] for workout in (left, right)
        ]
        calibrations = left.settings.calibration, right.settings.calibration
        return bilateral_asymmetry(metrics[0], metrics[1], calibrations)

    @property
    def silent(self) -> tuple[Side, ...]:
        """The sides, of two sensors, that saw no repetition while the other did."""
        if None in self.workouts or not self.reps:
            return ()
        return tuple(side for side, each in self.summaries.items() if side is not None and not each.reps)

    def summary(self) -> dict[str, Any]:
        """Return it as it is stored; of two sensors the counts of the lesser side."""
        if None in self.workouts:
            return asdict(self.summaries[None])
        left, right = self.summaries["left"], self.summaries["right"]
        lesser = min(left, right, key=lambda side: (side.reps, side.full))
        return {
            "reps": lesser.reps,
            "full": lesser.full,
            "partial": lesser.partial,
            "unsure": lesser.unsure,
            "chances": dict(lesser.chances),
            "sets": max(left.sets, right.sets),
            "full_reps": [min(pair) for pair in zip(left.full_reps, right.full_reps, strict=False)],
            "planned_sets": left.planned_sets,
            "duration_s": max(left.duration_s, right.duration_s),
            "samples": self.samples,
            "sides": {"left": asdict(left), "right": asdict(right)},
            "asymmetry": None if self.asymmetry is None else asdict(self.asymmetry),
            "lag": None
            if self.lag is None
            else asdict(self.lag) | ({"median_s": None} if self.lag.hidden is not None else {}),
            "clocks": {side: None if clock is None else asdict(clock) for side, clock in self.clocks.items()},
        }
