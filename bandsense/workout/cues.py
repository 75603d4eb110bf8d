"""Words in time: breathe, hold, slower, full range, two more, set done, rest over.

Pure: events of the signal chain and times in, cues out, all in device time. A cue that lies ahead, such as
the breath before the next pull, is scheduled, and given when time reaches it; feeding times finely or
coarsely gives the same cues.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from statistics import median

from bandsense.exercises.model import Breath, Breathing, Side
from bandsense.signal.events import Event, Phase, PhaseChanged, Rep, RepCompleted, RepCounted, RepRetracted
from bandsense.workout.plan import Plan, measured_tempo, tolerance_s

__all__ = ["Cue", "CueEngine", "CueKind"]


class CueKind(Enum):
    """What a person is told."""

    INHALE = "inhale"
    EXHALE = "exhale"
    HOLD = "hold"
    SLOWER = "slower"
    FULL_RANGE = "full range"
    TWO_MORE = "two more"
    SET_DONE = "set done"
    REST_OVER = "rest over"


_TEXT = {
    CueKind.INHALE: "Breathe in",
    CueKind.EXHALE: "Breathe out",
    CueKind.HOLD: "Hold",
    CueKind.SLOWER: "Slower on the way back",
    CueKind.FULL_RANGE: "Full range",
    CueKind.TWO_MORE: "Two more",
    CueKind.SET_DONE: "Set done",
    CueKind.REST_OVER: "Rest is over",
}

_UNSURE = ", about now"

_BREATHS = {Breath.INHALE: CueKind.INHALE, Breath.EXHALE: CueKind.EXHALE}

LEAD_S = 0.3
"""How long before the predicted pull the breath is announced: about the time to hear and react."""

_SURE_SPREAD_S = 0.3
"""Spread of the last pauses up to which the next pull is predicted without doubt."""

_SURE_PAUSES = 2

_LEAST_HOLD_S = 0.8
"""Holds shorter than this are over before the word is out."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing to say.

    Attributes:
        time_s: device time at which it is said.
        kind: what it is.
        text: what to say or show; it tells as well that the time is unsure.
        unsure: it rests on a prediction that may be off by more than a third of a second.
    """

    time_s: float
    kind: CueKind
    text: str
    unsure: bool = False


@dataclass(slots=True)
class _Rest:
    """The rest under way: since when, until when, and whether its end was said."""

    since_s: float
    over_s: float
    said: bool = False


@dataclass(frozen=True, slots=True)
class _Scheduled:
    time_s: float
    kind: CueKind
    unsure: bool


class CueEngine:
    """Turns the events of a set into cues.

    The breath for the return is cued at the top, which is seen. The breath for the pull must be cued before
    the pull can be seen: it is predicted from the pauses of this set, at first from the plan's tempo and
    then marked unsure. A pull that comes earlier than predicted is cued as it is seen.

    Args:
        plan: targets; its tempo predicts the first pull and judges the return.
        breathing: which way the breath goes on this exercise.
        other_side: the side that follows the first set in its pair, where left and right take turns.
    """

    def __init__(self, plan: Plan, breathing: Breathing, other_side: Side | None = None) -> None:
        self._plan = plan
        self._other_side = other_side
        self._pull_breath = _BREATHS[breathing.concentric]
        self._return_breath = _BREATHS[breathing.eccentric]
        self._target = measured_tempo(plan.tempo)
        self._rest: _Rest | None = None
        self._start_set()

    def _start_set(self) -> None:
        self._pauses: deque[float] = deque(maxlen=4)
        self._last_rep: Rep | None = None
        self._next_breath: _Scheduled | None = None
        self._breathed_for_pull = False
        self._breathed_for_return = False
        self._said: set[CueKind] = set()
        self._slower_next = False
        self._count = 0
        self._phase = Phase.REST

    def push(self, event: Event) -> list[Cue]:
        """Take an event of the signal chain, in the order of `detected_s`, and give the cues due by then."""
        cues = self.advance(event.detected_s)
        if isinstance(event, PhaseChanged):
            cues.extend(self._phase_changed(event))
        elif isinstance(event, RepCounted):
            self._count = event.count
            self._rest = None
            cues.extend(self._top(event.detected_s))
        elif isinstance(event, RepCompleted):
            cues.extend(self._done(event))
        elif isinstance(event, RepRetracted):
            self._count = event.count
        return cues

    def advance(self, time_s: float) -> list[Cue]:
        """Time reaches `time_s`: the scheduled cues that are due by then."""
        cues = []
        rest = self._rest
        if rest is not None and not rest.said and rest.over_s <= time_s:
            cues.append(self._cue(rest.over_s, CueKind.REST_OVER))
            rest.said = True
        breath = self._next_breath
        if breath is not None and breath.time_s <= time_s:
            cues.append(self._cue(breath.time_s, breath.kind, unsure=breath.unsure))
            self._next_breath = None
            self._breathed_for_pull = True
        return cues

    def end_set(self, time_s: float, other_side: Side | None = None) -> list[Cue]:
        """End the set at `time_s`: say so, unless it was said, and start the rest timer.

        The rest counts from the end of the last repetition. Between the two sides of a pair there is none.

        Args:
            time_s: when the end became certain.
            other_side: the side that follows the next set in its pair.
        """
        cues = self.advance(time_s)
        if CueKind.SET_DONE not in self._said:
            cues.append(self._cue(time_s, CueKind.SET_DONE))
        since_s = time_s if self._last_rep is None else self._last_rep.end_s
        self._start_set()
        if self._other_side is None:
            self._rest = _Rest(since_s, max(time_s, since_s + self._plan.rest_s))
        self._other_side = other_side
        return cues

    def change_rest(self, now_s: float, by_s: float) -> float | None:
        """Let the rest under way last `by_s` longer, and give how long that is; None where there is none.

        A rest that is over already begins to count again from now.
        """
        if self._rest is None:
            return None
        over_s = max(now_s, (now_s if self._rest.said else self._rest.over_s) + by_s)
        self._rest = _Rest(self._rest.since_s, over_s, self._rest.said and over_s <= now_s)
        return over_s - self._rest.since_s

    def _phase_changed(self, event: PhaseChanged) -> Iterator[Cue]:
        now_s = event.detected_s
        self._phase = event.phase
        if event.phase is Phase.CONCENTRIC:
            if not self._breathed_for_pull:
                self._next_breath = None
                self._breathed_for_pull = True
                yield self._cue(now_s, self._pull_breath)
        elif event.phase is Phase.HOLD:
            if self._plan.tempo.hold_s >= _LEAST_HOLD_S:
                yield self._cue(now_s, CueKind.HOLD)
        elif event.phase is Phase.ECCENTRIC:
            yield from self._return(now_s)

    def _return(self, now_s: float) -> Iterator[Cue]:
        self._breathed_for_pull = False
        if self._breathed_for_return:
            return
        self._breathed_for_return = True
        if self._slower_next:
            self._slower_next = False
            yield self._cue(now_s, CueKind.SLOWER)
        yield self._cue(now_s, self._return_breath)

    def _top(self, now_s: float) -> Iterator[Cue]:
        if self._count == self._plan.reps - 2 and CueKind.TWO_MORE not in self._said:
            yield self._cue(now_s, CueKind.TWO_MORE)

    def _done(self, event: RepCompleted) -> Iterator[Cue]:
        rep, now_s = event.rep, event.detected_s
        if self._last_rep is not None:
            self._pauses.append(rep.pull_start_s - self._last_rep.end_s)
        self._last_rep = rep
        self._breathed_for_return = False
        self._slower_next = rep.eccentric_s < self._target.eccentric_s - tolerance_s(self._target.eccentric_s)
        if self._count >= self._plan.reps_top and CueKind.SET_DONE not in self._said:
            yield self._cue(now_s, CueKind.SET_DONE)
            return
        if rep.partial:
            yield self._cue(now_s, CueKind.FULL_RANGE)
        if self._phase is not Phase.CONCENTRIC:
            self._predict_breath(rep, now_s)

    def _predict_breath(self, rep: Rep, now_s: float) -> None:
        pauses = self._pauses
        pause_s = median(pauses) if pauses else self._target.rest_s
        sure = len(pauses) >= _SURE_PAUSES and max(pauses) - min(pauses) <= 2.0 * _SURE_SPREAD_S
        at_s = max(now_s, rep.end_s + pause_s - LEAD_S)
        self._next_breath = _Scheduled(at_s, self._pull_breath, unsure=not sure)

    def _cue(self, time_s: float, kind: CueKind, *, unsure: bool = False) -> Cue:
        self._said.add(kind)
        text = _TEXT[kind] + (_UNSURE if unsure else "")
        if kind is CueKind.SET_DONE and self._other_side is not None:
            text += f", now the {self._other_side} side"
        return Cue(time_s, kind, text, unsure)
