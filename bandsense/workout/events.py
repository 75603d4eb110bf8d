"""What a workout tells besides the events of the signal chain, and any event as JSON.

Every event has `time_s`, when it happened, and `detected_s`, when it became certain, both in device time. The
events of a workout come in the order of `detected_s`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Protocol

from bandsense.exercises.model import Side
from bandsense.signal.events import Event as SignalEvent
from bandsense.signal.events import Phase, Rep, RepCounted
from bandsense.signal.metrics import RepMetrics, SetMetrics, strongest
from bandsense.workout.advice import Advice
from bandsense.workout.counts import RepCounts
from bandsense.workout.cues import CueKind, CueSlot
from bandsense.workout.feedback import Feedback, Scale, StopReason
from bandsense.workout.plan import TensionZone, Zone
from bandsense.workout.tempo import HandTempo

__all__ = [
    "BatteryChanged",
    "Corrected",
    "CueGiven",
    "Event",
    "ExerciseStopped",
    "LinkChanged",
    "RestChanged",
    "SetCorrected",
    "SetDone",
    "SetEnd",
    "SetRated",
    "SetResult",
    "SetStarted",
    "SlackAdvised",
    "SlackAnswered",
    "Tared",
    "TemperatureChanged",
    "TemperatureUnknown",
    "TensionTick",
    "event_name",
    "fields_json",
    "to_json",
    "with_sampling",
]


class SetEnd(Enum):
    """What ended a set."""

    REST = "rest"
    ASKED = "asked"
    """The person said so."""
    STREAM = "stream"
    """The stream of samples ended: the session was ended, or the recording."""
    LINK_LOST = "link lost"
    """The sensor was lost after its last repetition."""
    BAND_LOST = "band lost"
    """The band snapped, slipped off or was dropped after its last repetition."""
    NOT_STORED = "not stored"
    """Samples could not be stored since its last repetition."""

    @property
    def finished(self) -> bool:
        """Whether the person ended it, so that it can be judged as a whole."""
        return self in (SetEnd.REST, SetEnd.ASKED)


@dataclass(frozen=True, slots=True)
class TensionTick:
    """Tension at a tick of the analysis: one sample of the stream with its standard uncertainty."""

    time_s: float
    tension_n: float
    tension_uncertainty_n: float

    @property
    def detected_s(self) -> float:
        """A sample is certain when it is there."""
        return self.time_s


@dataclass(frozen=True, slots=True)
class SetStarted:
    """The first repetition of a set was counted; `time_s` is when it reached its top.

    `side` is the side that is taken to work, where left and right take turns.
    """

    time_s: float
    number: int
    detected_s: float
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class SetResult:
    """A finished set.

    Attributes:
        number: from 1 within the session.
        start_s: pull start of its first repetition.
        end_s: end of its last repetition.
        reps: its repetitions, partial ones included, with exact boundaries from the whole trace of the set.
        live_reps: the same repetitions as they were seen live.
        rep_metrics: what each of them amounts to; see docs/metrics.md, as for the next.
        metrics: what the set amounts to.
        ended_by: what ended it.
        side: which side worked, where left and right take turns; the set is then a half-set.
        zone: peak tension that was aimed at, if any.
        hand_tempo: medians of the phases as the hand moved, which is what a tempo is prescribed in
            (`workout.tempo`); `metrics.tempo` has the phases of the tension.
        feedback: effort, pain and a note, as far as the person said something.
        chances: P(so many repetitions), by their number, as far as was known when another set began.
    """

    number: int
    start_s: float
    end_s: float
    reps: tuple[Rep, ...]
    live_reps: tuple[Rep, ...]
    rep_metrics: tuple[RepMetrics, ...]
    metrics: SetMetrics
    ended_by: SetEnd
    side: Side | None = None
    zone: TensionZone | None = None
    hand_tempo: HandTempo | None = None
    feedback: Feedback = field(default_factory=Feedback)
    chances: Mapping[int, float] = field(default_factory=dict)

    @property
    def counts(self) -> RepCounts:
        """Full, partial and unsure repetitions."""
        return RepCounts.of(self.reps)

    @property
    def in_zone(self) -> Counter[Zone]:
        """How many peaks lie below, within and above the zone; empty without one."""
        return Counter(self.zone.zone(rep.peak_n) for rep in self.reps) if self.zone else Counter()


@dataclass(frozen=True, slots=True)
class SetDone:
    """A set is over; `time_s` is the end of its last repetition."""

    time_s: float
    number: int
    result: SetResult
    detected_s: float


@dataclass(frozen=True, slots=True)
class SetCorrected:
    """A finished set is another one by the person's word, or because something of it was decided late.

    `result` takes the place of the earlier one; None where no repetition is left in it. `recounted` is False
    where its repetitions are the same, and only how sure they are is not.
    """

    time_s: float
    number: int
    result: SetResult | None
    detected_s: float
    recounted: bool = True


@dataclass(frozen=True, slots=True)
class Corrected:
    """The person said that the latest repetition was none, or that a movement was one (`is_rep`).

    What follows is told by the events after it, unless `problem` says why nothing does.
    """

    time_s: float
    is_rep: bool
    problem: str | None
    detected_s: float
    reps: int = 1


@dataclass(frozen=True, slots=True)
class SetRated:
    """The person said something of a set, or skipped what was asked.

    Attributes:
        number: of the set.
        feedback: all that was said of it so far.
        asks: the scale that is asked for next; None where nothing is.
    """

    time_s: float
    number: int
    feedback: Feedback
    asks: Scale | None
    detected_s: float


@dataclass(frozen=True, slots=True)
class ExerciseStopped:
    """A stop rule of the plan ends the exercise for today; without a reason, none does any more.

    Attributes:
        reason: which rule; None where what was said has been corrected.
        pain: the greatest score so far, where one was given.
        limit: the score that stops the exercise, where there is one.
    """

    time_s: float
    reason: StopReason | None
    pain: int | None
    limit: int | None
    detected_s: float


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The connection to the sensor changed; `message` says it in words."""

    time_s: float
    state: str
    message: str
    detected_s: float


@dataclass(frozen=True, slots=True)
class BatteryChanged:
    """The sensor's battery level in percent."""

    time_s: float
    percent: int
    detected_s: float


@dataclass(frozen=True, slots=True)
class TemperatureChanged:
    """The sensor told its temperature.

    Attributes:
        temperature_c: °C.
        zero_n: what is taken off every tension for it from now on; 0 where the calibration does not say how
            the zero follows temperature, or not at which temperature it was taken.
    """

    time_s: float
    temperature_c: float
    zero_n: float
    detected_s: float


@dataclass(frozen=True, slots=True)
class TemperatureUnknown:
    """The sensor's temperature cannot be had; `message` says why, and what follows from that."""

    time_s: float
    message: str
    detected_s: float


@dataclass(frozen=True, slots=True)
class Tared:
    """The person asked for a new zero. It was set, unless `problem` says why not.

    Attributes:
        change_n: by how much tension is lower than before.
    """

    time_s: float
    change_n: float
    problem: str | None
    detected_s: float


_BEFORE = {Phase.CONCENTRIC: Phase.REST, Phase.ECCENTRIC: Phase.HOLD}
# Where a movement may be announced.


@dataclass(frozen=True, slots=True)
class CueGiven:
    """Something to say to the person now: a `workout.cues.Cue`, as an event.

    Attributes:
        kind: what it is.
        until_s: when it is too late to show it; infinity where it ends with its phase.
        phase: the movement that it belongs to; it is shown in no other. None where it belongs to none.
        ahead: it announces that movement, and may be shown in the rest or hold before it.
        unsure: it rests on a doubtful prediction.
        brief: a short word will do; the person has heard the whole one.
        side: the side that is next, where the sides take turns and this one is done.
        quiet: a tone is enough for this breath: a correction is spoken in the same movement.
    """

    time_s: float
    kind: CueKind
    detected_s: float
    until_s: float = math.inf
    phase: Phase | None = None
    ahead: bool = False
    unsure: bool = False
    brief: bool = False
    side: Side | None = None
    quiet: bool = False

    @property
    def slot(self) -> CueSlot:
        """Where it is shown."""
        return self.kind.slot

    def shown(self, time_s: float, phase: Phase) -> bool:
        """Tell whether to show it at a time and in a phase: never in a movement it does not belong to."""
        if self.ahead and phase is self.phase:
            return True
        announces = self.ahead and phase is _BEFORE.get(self.phase or Phase.REST)
        return time_s < self.until_s and (self.phase in (None, phase) or announces)


@dataclass(frozen=True, slots=True)
class RestChanged:
    """The person made the present rest longer or shorter; it is to last `rest_s` from the end of the set."""

    time_s: float
    rest_s: float
    detected_s: float


@dataclass(frozen=True, slots=True)
class SlackAdvised:
    """Advice about the slack, within a set where it is urgent or after one."""

    time_s: float
    advice: Advice
    detected_s: float


@dataclass(frozen=True, slots=True)
class SlackAnswered:
    """The person did what was advised last (`followed`), or leaves the slack as it is; `advice` is what was
    answered.
    """

    time_s: float
    followed: bool
    detected_s: float
    advice: Advice | None = None


Event = (
    SignalEvent
    | TensionTick
    | SetStarted
    | SetDone
    | SetCorrected
    | Corrected
    | SetRated
    | ExerciseStopped
    | LinkChanged
    | BatteryChanged
    | TemperatureChanged
    | TemperatureUnknown
    | Tared
    | RestChanged
    | CueGiven
    | SlackAdvised
    | SlackAnswered
)


def event_name(event: object) -> str:
    """Return the event's name in stores and JSON: `RepCompleted` is `rep_completed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


class UncertaintyAt(Protocol):
    """Standard uncertainty of a tension at a device time; None is now."""

    def __call__(self, tension_n: float, at_s: float | None = None) -> float:
        """Return newtons."""


def to_json(event: object, uncertainty_n: UncertaintyAt | None = None) -> dict[str, Any]:
    """Convert an event to a JSON object, its name under `event`.

    Args:
        event: any event of the signal chain or the workout.
        uncertainty_n: standard uncertainty for a tension in newtons at a device time; where given, each peak
            tension is followed by its own.
    """
    if uncertainty_n is None:
        return {"event": event_name(event)} | fields_json(event)
    then = _at(uncertainty_n, getattr(event, "detected_s", None))
    return {"event": event_name(event)} | fields_json(event, then)


def _at(uncertainty_n: UncertaintyAt, at_s: float | None) -> Callable[[float], float]:
    return lambda tension_n: uncertainty_n(tension_n, at_s)


def fields_json(value: Any, uncertainty_n: Callable[[float], float] | None = None) -> dict[str, Any]:
    """Convert the fields of any of these values, such as a `Rep`, to a JSON object; see `to_json`."""
    result: dict[str, Any] = {}
    names = [part.name for part in fields(value)]
    for name in names:
        item = getattr(value, name)
        result[name] = _plain(item, uncertainty_n)
        if uncertainty_n is not None and name == "peak_n" and "peak_uncertainty_n" not in names:
            result["peak_uncertainty_n"] = uncertainty_n(item)
    if uncertainty_n is not None and isinstance(value, Rep | RepCounted):
        result["peak_uncertainty_n"] = with_sampling(uncertainty_n(value.peak_n), value)
    if uncertainty_n is not None and isinstance(value, SetResult) and value.rep_metrics:
        result["metrics"]["peak_uncertainty_n"] = strongest(value.rep_metrics).peak_uncertainty_n
    for path in result.get("hidden") or ():  # of `RepMetrics`: what is not worth showing is not told either
        *outer, name = path.split(".")
        target = result[outer[0]] if outer else result
        if target is not None and name in target:
            target[name] = None
    return result


def with_sampling(calibration_n: float, rep: Rep | RepCounted) -> float:
    """Add what sampling leaves open of a peak to what calibration and zero do."""
    return (
        calibration_n
        if math.isnan(rep.peak_uncertainty_n)
        else math.hypot(calibration_n, rep.peak_uncertainty_n)
    )


def _plain(value: Any, uncertainty_n: Callable[[float], float] | None) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return fields_json(value, uncertainty_n)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, uncertainty_n) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, uncertainty_n) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
