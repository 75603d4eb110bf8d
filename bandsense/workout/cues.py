"""Words in time: breathe, hold, slower, full range, two more, set done, rest over.

Pure: events of the signal chain and times in, cues out, all in device time. A cue that lies ahead, such as
the breath before the next pull, is scheduled, and given when time reaches it; feeding times finely or
coarsely gives the same cues.

Two slots, so that a breath and a correction given at the same instant both arrive:

    BREATH  one for each movement: shown as long as the movement lasts, never in another
    WORD    everything else, one at a time: the end of a set or rest, how many are left, a correction, praise

Words queue for their slot with a life-time. What waits while another word is heard is said as soon as that
one is over, if the movement that it speaks of still lasts; else it is dropped, and a correction comes up
again with the next repetition that needs it.

A *correction* follows a repetition that needs it, in the movement where it can be heeded. It is said twice,
then at most every third repetition; the first repetition that heeds it is praised once, and then it is silent
until the fault returns. Never are two corrections said in one repetition: what shortens the movement comes
before what hurries it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from statistics import median

from bandsense.exercises.model import Breath, Breathing, Side
from bandsense.signal.events import Event, Phase, PhaseChanged, Rep, RepCompleted, RepCounted, RepRetracted
from bandsense.workout.plan import Plan, measured_tempo, tolerance_s
from bandsense.workout.tempo import hand_tempo, parts_of_a_movement

__all__ = ["Cue", "CueEngine", "CueKind", "CueSlot"]


class CueKind(Enum):
    """What a person is told."""

    INHALE = "inhale"
    EXHALE = "exhale"
    HOLD = "hold"
    SLOWER = "slower"
    FULL_RANGE = "full range"
    SLOW_ENOUGH = "slow enough"
    """Praise: `SLOWER` was heeded."""
    WHOLE_RANGE = "whole range"
    """Praise: `FULL_RANGE` was heeded."""
    TWO_MORE = "two more"
    TARGET = "target"
    """The least number of the plan is reached; more are welcome."""
    SET_DONE = "set done"
    REST_OVER = "rest over"

    @property
    def slot(self) -> CueSlot:
        """Where it is shown."""
        breaths = (CueKind.INHALE, CueKind.EXHALE, CueKind.HOLD)
        return CueSlot.BREATH if self in breaths else CueSlot.WORD


class CueSlot(Enum):
    """A place where one cue at a time is shown."""

    BREATH = "breath"
    WORD = "word"


_PRIORITY = (
    CueKind.SET_DONE,
    CueKind.REST_OVER,
    CueKind.TARGET,
    CueKind.TWO_MORE,
    CueKind.FULL_RANGE,
    CueKind.SLOWER,
    CueKind.WHOLE_RANGE,
    CueKind.SLOW_ENOUGH,
)
"""Of words that wait for their slot, the first is said first."""

_AT_ONCE = (CueKind.SET_DONE, CueKind.REST_OVER)
"""These take the slot from whatever else is said."""

_PRAISE = {CueKind.FULL_RANGE: CueKind.WHOLE_RANGE, CueKind.SLOWER: CueKind.SLOW_ENOUGH}
"""Corrections, the more important first, and what is said when one is heeded."""

_BREATHS = {Breath.INHALE: CueKind.INHALE, Breath.EXHALE: CueKind.EXHALE}

LEAD_S = 0.3
"""How long before the predicted pull the breath is announced: about the time to hear and react."""

AHEAD_S = 1.0
"""How much longer than that an announced breath is shown if the pull does not come."""

WORD_S = 1.5
"""How long a word has its slot: as long as it takes to say and take it in."""

TWICE, EVERY = 2, 3
"""A correction is said twice running, then at most once in so many repetitions. A convention."""

WHOLE_WORDS = 1
"""In so many repetitions of a session the breath is said in whole words; then a short one will do."""

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
        until_s: when it is too late to show it; infinity where it ends with its phase.
        phase: the movement that it belongs to; it is shown in no other. None where it belongs to none.
        ahead: it announces that movement, and may be shown in the rest before it.
        unsure: it rests on a prediction that may be off by more than a third of a second.
        brief: a short word will do; the person has heard the whole one.
        side: the side that is next, where the sides take turns and this one is done.
        quiet: a tone is enough for this breath: a correction is spoken in the same movement.
    """

    time_s: float
    kind: CueKind
    until_s: float = inf
    phase: Phase | None = None
    ahead: bool = False
    unsure: bool = False
    brief: bool = False
    side: Side | None = None
    quiet: bool = False


@dataclass(slots=True)
class _Rest:
    """The rest under way: since when, until when, and whether its end was said."""

    since_s: float
    over_s: float
    said: bool = False


@dataclass(frozen=True, slots=True)
class _Scheduled:
    """The breath before a movement."""

    time_s: float
    phase: Phase
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A word that waits for its slot, in one phase or in any, no longer than until a time."""

    since_s: float
    kind: CueKind
    phase: Phase | None = None
    until_s: float = inf


@dataclass(slots=True)
class _Correction:
    """What was said of one fault in this set."""

    due: bool = False
    said: int = 0
    said_at: int = 0
    pending: bool = False
    praised: bool = False

    def may_be_said(self, rep: int) -> bool:
        return self.due and (self.said < TWICE or rep - self.said_at >= EVERY)


@dataclass(slots=True)
class _Set:
    """What belongs to one set alone."""

    pauses: deque[float] = field(default_factory=lambda: deque(maxlen=4))
    holds: deque[float] = field(default_factory=lambda: deque(maxlen=4))
    last_rep: Rep | None = None
    breathed: set[Phase] = field(default_factory=set)
    said: set[CueKind] = field(default_factory=set)
    corrections: dict[CueKind, _Correction] = field(
        default_factory=lambda: {kind: _Correction() for kind in _PRAISE}
    )
    corrected: bool = False
    done: int = 0
    count: int = 0


class CueEngine:
    """Turns the events of a set into cues.

    The breath for the pull must be cued before the pull can be seen: it is predicted from the pauses of this
    set, at first from the plan's tempo and then marked unsure. The breath for the return is cued when the
    return is seen, and ahead of it once the holds of this set predict it. A movement that comes earlier than
    predicted is cued as it is seen.

    Args:
        plan: targets; its tempo predicts the first pull and judges the return.
        breathing: which way the breath goes on this exercise.
        other_side: the side that follows the first set in its pair, where left and right take turns.
        back: the phase of tension in which the person comes back: it rises there where the band assists.
    """

    def __init__(
        self,
        plan: Plan,
        breathing: Breathing,
        other_side: Side | None = None,
        *,
        back: Phase = Phase.ECCENTRIC,
    ) -> None:
        self._plan = plan
        self._said_in = {CueKind.FULL_RANGE: Phase.CONCENTRIC, CueKind.SLOWER: back}
        # The movement in which a correction can be heeded.
        self._other_side = other_side
        self._breath = {
            Phase.CONCENTRIC: _BREATHS[breathing.concentric],
            Phase.ECCENTRIC: _BREATHS[breathing.eccentric],
        }
        self._target = measured_tempo(plan.tempo)
        self._rest: _Rest | None = None
        self._next_breath: _Scheduled | None = None
        self._waiting: list[_Waiting] = []
        self._slot_free_s = -inf
        self._phase = Phase.REST
        self._heard = 0
        self._ever_said: set[CueKind] = set()
        self._set = _Set()

    def push(self, event: Event) -> list[Cue]:
        """Take an event of the signal chain, in the order of `detected_s`, and give the cues due by then."""
        now_s = event.detected_s
        cues = self.advance(now_s)
        match event:
            case PhaseChanged(phase=phase):
                self._phase = phase
                cues.extend(self._moved(event.time_s, now_s))
            case RepCounted(count=count):
                self._set.count = count
                self._rest = None
                self._top(now_s)
            case RepCompleted(rep=rep):
                self._completed(rep, now_s)
            case RepRetracted(count=count):
                self._set.count = count
        cues.extend(self._words(now_s))
        return cues

    def advance(self, time_s: float) -> list[Cue]:
        """Time reaches `time_s`: what is scheduled or waits for its slot, and is due by then."""
        cues = []
        rest = self._rest
        if rest is not None and not rest.said and rest.over_s <= time_s:
            self._wait(rest.over_s, CueKind.REST_OVER)
            rest.said = True
        breath = self._next_breath
        if breath is not None and breath.time_s <= time_s:
            self._next_breath = None
            self._set.breathed.add(breath.phase)
            until_s = breath.time_s + LEAD_S + AHEAD_S
            cues.append(
                Cue(
                    breath.time_s,
                    self._breath[breath.phase],
                    until_s,
                    breath.phase,
                    ahead=True,
                    unsure=breath.unsure,
                    brief=self._brief(),
                    quiet=self._due_correction(breath.phase) is not None,
                )
            )
        cues.extend(self._words(time_s))
        return sorted(cues, key=lambda cue: cue.time_s)

    def end_set(self, time_s: float, other_side: Side | None = None, *, finished: bool = True) -> list[Cue]:
        """End the set at `time_s`: say so, unless it was said, and start the rest timer.

        The rest counts from the end of the last repetition. Between the two sides of a pair there is none.

        Args:
            time_s: when the end became certain.
            other_side: the side that follows the next set in its pair.
            finished: the person ended it; what was cut short is not called done.
        """
        cues = self.advance(time_s)
        self._waiting.clear()
        if finished and CueKind.SET_DONE not in self._set.said:
            self._wait(time_s, CueKind.SET_DONE)
            cues.extend(self._words(time_s))
        since_s = time_s if self._set.last_rep is None else self._set.last_rep.end_s
        self._set, self._next_breath = _Set(), None
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

    def interrupt(self) -> None:
        """Say nothing of what was to come next: band or sensor is lost."""
        self._next_breath = None
        self._waiting.clear()

    # -- breath ------------------------------------------------------------------------------------------

    def _moved(self, began_s: float, now_s: float) -> Iterator[Cue]:
        """Give the breath of a phase that began, and queue the correction that belongs into it."""
        phase, current = self._phase, self._set
        if phase is Phase.ECCENTRIC:
            current.breathed.discard(Phase.CONCENTRIC)
        if self._next_breath is not None and phase in self._breath:
            self._next_breath = None
        if phase in self._breath and phase not in current.breathed:
            current.breathed.add(phase)
            quiet = self._due_correction(phase) is not None
            yield Cue(now_s, self._breath[phase], phase=phase, brief=self._brief(), quiet=quiet)
        elif phase is Phase.HOLD:
            self._predict_return(began_s, now_s)
            if self._plan.tempo.hold_s >= _LEAST_HOLD_S:
                yield Cue(now_s, CueKind.HOLD, phase=phase)
        correction = self._due_correction(phase)
        if correction is not None:
            self._wait(now_s, correction, phase)

    def _due_correction(self, phase: Phase) -> CueKind | None:
        """Return the correction that is due in a phase of the repetition under way."""
        current = self._set
        for kind, correction in current.corrections.items():
            if (
                self._said_in[kind] is phase
                and not current.corrected
                and correction.may_be_said(current.done + 1)
            ):
                return kind
        return None

    def _brief(self) -> bool:
        return self._heard >= WHOLE_WORDS

    def _predict_pull(self, rep: Rep, now_s: float) -> None:
        pauses = self._set.pauses
        pause_s = median(pauses) if pauses else self._target.rest_s
        at_s = max(now_s, rep.end_s + pause_s - LEAD_S)
        self._next_breath = _Scheduled(at_s, Phase.CONCENTRIC, unsure=not _even(pauses))

    def _predict_return(self, began_s: float, now_s: float) -> None:
        """Schedule the breath for the return where the holds of this set tell when it comes."""
        holds = self._set.holds
        if _even(holds) and Phase.ECCENTRIC not in self._set.breathed:
            self._next_breath = _Scheduled(max(now_s, began_s + median(holds) - LEAD_S), Phase.ECCENTRIC)

    # -- words -------------------------------------------------------------------------------------------

    def _top(self, now_s: float) -> None:
        plan, count = self._plan, self._set.count
        if count == plan.reps - 2:
            self._wait_once(now_s, CueKind.TWO_MORE)
        elif count == plan.reps < plan.reps_top:
            self._wait_once(now_s, CueKind.TARGET)

    def _completed(self, rep: Rep, now_s: float) -> None:
        current = self._set
        if current.last_rep is not None:
            current.pauses.append(rep.pull_start_s - current.last_rep.end_s)
        current.last_rep = rep
        # From where tension is nearly full to where the hand turns back.
        back_s = hand_tempo(rep).eccentric_s
        current.holds.append(
            rep.hold_s - parts_of_a_movement(rep.end_n / max(rep.peak_n, 1e-9)).after * back_s
        )
        current.done += 1
        current.corrected = False
        current.breathed.discard(Phase.ECCENTRIC)
        self._heard += 1
        self._judge(CueKind.FULL_RANGE, rep.partial and not rep.unsure, now_s)
        if rep.partial:  # Its times say nothing about the tempo.
            current.corrections[CueKind.SLOWER].pending = False
        else:
            self._judge(CueKind.SLOWER, self._hasty(rep), now_s)
        if current.count >= self._plan.reps_top:
            self._wait_once(now_s, CueKind.SET_DONE)
        elif self._phase is not Phase.CONCENTRIC:
            self._predict_pull(rep, now_s)

    def _hasty(self, rep: Rep) -> bool:
        """Tell whether the person came back much faster than planned."""
        took, plan = hand_tempo(rep), self._plan.tempo
        if self._said_in[CueKind.SLOWER] is Phase.CONCENTRIC:
            too_fast = took.concentric_s < plan.concentric_s - tolerance_s(plan.concentric_s)
            return too_fast and "concentric_s" not in rep.hidden
        if "eccentric_s" in rep.hidden:
            return False
        return took.eccentric_s < plan.eccentric_s - tolerance_s(plan.eccentric_s)

    def _judge(self, kind: CueKind, faulty: bool, now_s: float) -> None:
        """Tell whether a correction is due from now on; one that was heeded is praised, once in a set."""
        correction = self._set.corrections[kind]
        correction.due = faulty
        heard, correction.pending = correction.pending, False
        if heard and not faulty and not correction.praised:
            correction.praised = True
            self._wait(now_s, _PRAISE[kind], until_s=now_s + WORD_S)

    def _wait_once(self, now_s: float, kind: CueKind) -> None:
        if kind not in self._set.said:
            self._set.said.add(kind)
            self._wait(now_s, kind)

    def _wait(self, now_s: float, kind: CueKind, phase: Phase | None = None, *, until_s: float = inf) -> None:
        self._waiting.append(_Waiting(now_s, kind, phase, until_s))

    def _turn_s(self, waiting: _Waiting) -> float:
        return waiting.since_s if waiting.kind in _AT_ONCE else max(waiting.since_s, self._slot_free_s)

    def _words(self, now_s: float) -> Iterator[Cue]:
        """Give the words whose turn comes by `now_s`, the most important first; drop what is too late."""
        while self._waiting:
            at_s, _, first = min(
                ((self._turn_s(each), _PRIORITY.index(each.kind), each) for each in self._waiting),
                key=lambda turn: turn[:2],
            )
            if at_s > now_s:
                break
            self._waiting.remove(first)
            late = at_s > first.until_s or (first.phase is not None and first.phase is not self._phase)
            correction = self._set.corrections.get(first.kind)
            if late or (correction is not None and self._set.corrected):
                continue
            if correction is not None:
                self._set.corrected = True
                correction.said, correction.said_at = correction.said + 1, self._set.done + 1
                correction.pending = True
            self._slot_free_s = at_s + WORD_S
            self._set.said.add(first.kind)
            side = self._other_side if first.kind is CueKind.SET_DONE else None
            brief = first.kind in self._ever_said
            self._ever_said.add(first.kind)
            yield Cue(at_s, first.kind, at_s + WORD_S, first.phase, brief=brief, side=side)


def _even(times_s: Sequence[float]) -> bool:
    """Return whether enough pauses or holds are alike to predict the next."""
    return len(times_s) >= _SURE_PAUSES and max(times_s) - min(times_s) <= 2.0 * _SURE_SPREAD_S
