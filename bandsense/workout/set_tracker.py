"""Sets: when one begins, which repetitions stand in it, when it is over, and what it amounts to.

    no set ──a repetition is counted──▶ set under way ──rest, asked, or the end of the stream──▶ finished
                                        counted, completed, retracted: which repetitions stand

A set is over after `SET_REST_S` of rest (`SIDE_REST_S` where left and right take turns), never in the middle
of a repetition; when the person says so, after the repetition that is being done. Where sensor, band or store
was lost after its last repetition, that is what ended it, however long the person rests. Rest is looked for
at the ticks of the analysis, so it depends on device time alone. When a set is over, its trace is looked at
once more as a whole, which gives exact boundaries (`signal.refine`); what was told live is kept beside it.

A repetition that is added or taken back later, by the person or because it was decided late, still belongs to
the set that its top lies in: until another set is under way the finished one is corrected, from then on it
stays as it is. The same holds for how sure it is: what the detector says of the count and of each repetition
while the person rests takes the place of what was known when the set was over. The set under way takes no
repetition of an earlier one.

What the detector decides at one moment are several events, the new count's chances the last of them. So the
finished set is corrected once for all of them, when the moment is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bandsense.calibration.clip_on import AnyCalibration
from bandsense.samples import FloatArray
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import (
    CountJudged,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.metrics import RepMetrics, rep_metrics, set_metrics
from bandsense.signal.refine import refine
from bandsense.workout.events import Event, SetCorrected, SetDone, SetEnd, SetResult, SetStarted, TensionTick
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.tempo import HandTempo, set_tempo
from bandsense.workout.trace_buffer import LEAD_S, TraceBuffer

__all__ = ["SET_REST_S", "SIDE_REST_S", "SetTracker"]

SET_REST_S = 15.0
"""Rest after which a set is over. A choice: longer than any pause between repetitions that people make."""

SIDE_REST_S = 6.0
"""The same where left and right take turns: hand and foot are changed sooner than one has rested."""


@dataclass(slots=True)
class _Set:
    """A set: repetitions that stand by their index, and those of them that are done.

    Attributes:
        chances: P(so many repetitions), by their number, of a finished one.
        added: repetitions since it was finished, to be measured.
        touched_s: when something of the finished set changed that its result does not have yet.
        sealed: whether another set began after it.
    """

    number: int
    standing: set[int] = field(default_factory=set)
    reps: dict[int, Rep] = field(default_factory=dict)
    last_s: float = 0.0
    asked_to_end: bool = False
    closed_s: float = 0.0
    cut_by: SetEnd | None = None
    chances: dict[int, float] = field(default_factory=dict)
    added: list[Rep] = field(default_factory=list)
    touched_s: float | None = None
    sealed: bool = False


class SetTracker:
    """Follows the events of the signal chain from set to set.

    Args:
        settings: plan, sides, and the band for the figures of a set.
        trace: what was felt lately.
        detector: tells the rate of samples.

    Attributes:
        calibration: that of now, for the uncertainty of the figures.
        results: the finished sets.
    """

    def __init__(self, settings: WorkoutSettings, trace: TraceBuffer, detector: RepDetector) -> None:
        self.calibration: AnyCalibration = settings.calibration
        self.results: list[SetResult] = []
        self._settings = settings
        self._trace = trace
        self._detector = detector
        self._phase = Phase.REST
        self._set: _Set | None = None
        self._finished: _Set | None = None
        self._more: Mapping[int, float] = {0: 1.0}
        self._probability: dict[int, float] = {}

    @property
    def chances(self) -> dict[int, float]:
        """P(so many repetitions), by their number, of the set under way, else of the last one."""
        if self._set is None and self._finished is not None:
            return dict(self._finished.chances)
        return self._chances(self._set or _Set(0))

    @property
    def under_way(self) -> bool:
        """Whether a set is under way."""
        return self._set is not None

    def started_by(self, event: Event) -> SetStarted | None:
        """Return the start of a set, where this event begins one."""
        if self._set is not None or not isinstance(event, RepCounted):
            return None
        self._set = _Set(len(self.results) + 1)
        if self._finished is not None:
            self._finished.sealed = True
        number = self._set.number
        return SetStarted(event.time_s, number, event.detected_s, self._settings.side(number))

    def counted(self, event: Event) -> Event:
        """Count the event's repetitions from the start of the set, not of the stream."""
        if self._set is None or not isinstance(event, RepCounted | RepRetracted):
            return event
        if isinstance(event, RepRetracted):
            self._set.standing.discard(event.index)
        elif self._finished is None or event.time_s > self._finished.closed_s:
            self._set.standing.add(event.index)
        return replace(event, count=len(self._set.standing))

    def follow(self, event: Event) -> SetDone | None:
        """Keep the set under way up to date; gives its end when it is over."""
        if isinstance(event, PhaseChanged):
            self._phase = event.phase
        elif isinstance(event, CountJudged):
            self._judged(event)
        if self._set is None:
            return None
        match event:
            case RepCounted(index=index, detected_s=now_s) if index in self._set.standing:
                self._set.last_s = now_s
            case RepCompleted(index=index, rep=rep, detected_s=now_s) if index in self._set.standing:
                self._set.reps[index] = rep
                self._set.last_s = now_s
                if self._set.cut_by is not SetEnd.BAND_LOST or not rep.band_lost:
                    self._set.cut_by = None
            case SignalWarning(kind=WarningKind.BAND_LOST):
                self._set.cut_by = SetEnd.BAND_LOST
            case RepRetracted(index=index):
                self._set.reps.pop(index, None)
            case _ if self._phase is Phase.REST and self._set.asked_to_end:
                return self.close(SetEnd.ASKED, event.detected_s)
            case TensionTick(time_s=now_s) if self._rested(now_s):
                return self.close(SetEnd.REST, now_s)
        return None

    def _judged(self, event: CountJudged) -> None:
        """Keep how sure the count and each repetition are now, of the finished set as well."""
        self._more = event.more
        self._probability.update(event.reps)
        if self._set is None and self._finished is not None and not self._finished.sealed:
            self._finished.touched_s = event.detected_s

    def cut(self, by: SetEnd | None) -> None:
        """Sensor or store is lost (`by`), or there again (None); of a lost band the samples tell."""
        if self._set is not None and self._set.cut_by is not SetEnd.BAND_LOST:
            self._set.cut_by = by

    def ask_to_end(self, now_s: float) -> SetDone | None:
        """End the set now, or after the repetition that is being done."""
        if self._phase is Phase.REST:
            return self.close(SetEnd.ASKED, now_s)
        if self._set is not None:
            self._set.asked_to_end = True
        return None

    def close(self, ended_by: SetEnd, now_s: float) -> SetDone | None:
        """End the set under way; None where there is none, or nothing was done in it."""
        current, self._set = self._set, None
        if current is None or not current.reps:
            return None
        # Who asks for the end of a set means it, unless the band was lost.
        cut_by = current.cut_by
        if cut_by is not None and (ended_by is not SetEnd.ASKED or cut_by is SetEnd.BAND_LOST):
            ended_by = cut_by
        current.closed_s, current.chances = now_s, self._chances(current)
        result = self._result(current, ended_by, now_s)
        self.results.append(result)
        self._finished = current
        return SetDone(result.end_s, result.number, result, now_s)

    def amended(self, event: Event) -> Event | None:
        """Take an event that changes the finished set, and give it as it counts there; None for any other.

        The result follows when the moment is over (`corrected`).
        """
        last = self._finished
        if last is None or (self._set is not None and not _completes(last, event)):
            return None
        match event:
            case RepCounted(index=index, time_s=top_s) if top_s <= last.closed_s:
                last.standing.add(index)
                return replace(event, count=len(last.standing))
            case RepCompleted(index=index, rep=rep) if index in last.standing:
                last.reps[index] = rep
                last.added.append(rep)
                last.touched_s = event.detected_s
                return event
            case RepRetracted(index=index) if index in last.standing:
                last.standing.discard(index)
                last.reps.pop(index, None)
                last.touched_s = event.detected_s
                return replace(event, count=len(last.standing))
        return None

    def corrected(self, before: Event | None = None) -> SetCorrected | None:
        """Correct the finished set, where anything of it changed.

        Args:
            before: the event that comes next; the moment of the last one may not be over before it, unless
                it begins a set. None where nothing more is known.
        """
        last = self._finished
        if last is None or last.touched_s is None:
            return None
        begins = isinstance(before, RepCounted) and self._set is None and before.time_s > last.closed_s
        if before is not None and before.detected_s <= last.touched_s and not begins:
            return None
        if begins or last.sealed:  # what is judged from now on is the other set
            last.chances = _at_most(len(last.standing), last.chances)
        else:
            last.chances = self._chances(last)
        now_s, last.touched_s = last.touched_s, None
        return self._correct(last, now_s)

    def _correct(self, last: _Set, now_s: float) -> SetCorrected | None:
        """Put the set as it is now in the place of the finished one; None where nothing of it is another."""
        before = self.results.pop()
        figures = dict(zip((rep.index for rep in before.reps), before.rep_metrics, strict=True))
        reps = {rep.index: rep for rep in before.reps}
        for added in last.added:
            time_s, _, tension_n = self._trace.between(added.pull_start_s - LEAD_S, now_s)
            (measured,) = refine(time_s, tension_n, (added,), self._detector.rate_hz)
            measured = replace(
                measured,
                partial=added.partial,
                unsure=added.unsure,
                range_fraction=added.range_fraction,
            )
            reps[added.index] = measured
            (figures[added.index],) = self._figures((measured,), time_s, tension_n, now_s)
        last.added.clear()
        left = tuple(
            sorted((rep for rep in reps.values() if rep.index in last.reps), key=lambda r: r.peak_time_s)
        )
        if not left:
            self._finished = None
            return SetCorrected(now_s, before.number, None, now_s)
        left = self._as_sure_as_now(left)
        metrics = tuple(figures[rep.index] for rep in left)
        result = replace(
            before,
            start_s=left[0].pull_start_s,
            end_s=left[-1].end_s,
            reps=left,
            live_reps=tuple(last.reps[rep.index] for rep in left),
            rep_metrics=metrics,
            metrics=set_metrics(metrics),
            chances=last.chances,
            hand_tempo=self._hand_tempo(left, metrics),
        )
        self.results.append(result)
        if (result.reps, result.chances) == (before.reps, before.chances):
            return None
        recounted = [rep.index for rep in left] != [rep.index for rep in before.reps]
        return SetCorrected(result.end_s, result.number, result, now_s, recounted)

    def _as_sure_as_now(self, reps: Sequence[Rep]) -> tuple[Rep, ...]:
        """Give repetitions the probabilities that were told of them last."""
        return tuple(
            replace(rep, probability=self._probability.get(rep.index, rep.probability)) for rep in reps
        )

    def _chances(self, one: _Set) -> dict[int, float]:
        """Return P(count = n) of a set; numbers below none are none."""
        chances: dict[int, float] = {}
        for more, probability in self._more.items():
            count = max(0, len(one.standing) + more)
            chances[count] = chances.get(count, 0.0) + probability
        return chances

    def _rested(self, now_s: float) -> bool:
        """Return whether the open set has been over for a while; never in the middle of a repetition."""
        rest_s = SET_REST_S if self._settings.first_side is None else SIDE_REST_S
        return self._set is not None and self._phase is Phase.REST and now_s >= self._set.last_s + rest_s

    def _result(self, done: _Set, ended_by: SetEnd, now_s: float) -> SetResult:
        """Measure the set once more, with the whole of its trace at hand."""
        seen = tuple(sorted(done.reps.values(), key=lambda rep: rep.peak_time_s))
        start_s = seen[0].pull_start_s - LEAD_S
        time_s, _, tension_n = self._trace.between(start_s, now_s)
        known = self._as_sure_as_now(seen)
        self._probability.clear()
        reps = refine(time_s, tension_n, known, self._detector.rate_hz)
        metrics = self._figures(reps, time_s, tension_n, now_s)
        return SetResult(
            number=done.number,
            start_s=reps[0].pull_start_s,
            end_s=reps[-1].end_s,
            reps=reps,
            live_reps=seen,
            rep_metrics=metrics,
            metrics=set_metrics(metrics),
            ended_by=ended_by,
            side=self._settings.side(done.number),
            zone=self._settings.plan.zone,
            chances=done.chances,
            hand_tempo=self._hand_tempo(reps, metrics),
        )

    def _hand_tempo(self, reps: Sequence[Rep], figures: Sequence[RepMetrics]) -> HandTempo | None:
        """Take the tempo of the hand; None where the sensor cannot tell it."""
        if set_metrics(figures).hidden.keys() & {"tempo.concentric_s", "tempo.eccentric_s"}:
            return None
        return set_tempo(reps, self._settings.exponent)

    def _figures(
        self, reps: Sequence[Rep], time_s: FloatArray, tension_n: FloatArray, now_s: float
    ) -> tuple[RepMetrics, ...]:
        band = self._settings.band
        return rep_metrics(
            reps,
            time_s,
            tension_n,
            calibration=self.calibration,
            band=None if band is None else band.displacement(),
            zero_doubt_n=float(self._detector.sense.zero_doubt_n(now_s)),
        )


def _completes(last: _Set, event: Event) -> bool:
    """Return whether the event ends a repetition that was counted for a set before the next one began."""
    return isinstance(event, RepCompleted) and event.index in last.standing.difference(last.reps)


def _at_most(most: int, chances: Mapping[int, float]) -> dict[int, float]:
    """Give the chances of higher counts to the highest that still may be: what was taken back is none."""
    result: dict[int, float] = {}
    for count, probability in chances.items():
        result[min(count, most)] = result.get(min(count, most), 0.0) + probability
    return result
