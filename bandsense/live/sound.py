"""What is to be heard and felt, and when: tones, words and vibration from the events of a workout.

A `Sound` says all of it: each tone with its frequencies, its start and its length, what a voice says, and
the vibration. A view plays it as it is and decides nothing, so that what is heard can be held against the
events.

When two meet, the more important is heard and the other is dropped, not kept for later: the limit of the
band, then the link, then advice, then the count, then the breath.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from bandsense.language import mark, said, tr
from bandsense.live.formatting import advice_reason, cue_spoken, stopped_words
from bandsense.live.state import GOOD_LINK, Screen, ViewState
from bandsense.signal.events import RepCounted, RepRetracted
from bandsense.workout.advice import SlackAction
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, ExerciseStopped, LinkChanged, SetDone, SlackAdvised

__all__ = ["Priority", "Sound", "SoundPlan", "Tone"]

ADVICE_AFTER_S = 2.0
"""Advice is told so long after the set: the breath comes first."""

COUNT_DOWN_S = (3, 2, 1)
TEN_SECONDS = 10.0


class Priority(IntEnum):
    """Which sound gives way to which: the lower to the higher."""

    BREATH = 1
    COUNT = 2
    ADVICE = 3
    LINK = 4
    LIMIT = 5


@dataclass(frozen=True, slots=True)
class Tone:
    """A sine from one frequency to another, with ramps of 8 ms at both ends.

    Attributes:
        start_hz, end_hz: equal for a steady tone.
        at_ms: after the sound begins.
        gain_db: below full volume.
    """

    start_hz: float
    end_hz: float
    at_ms: int
    duration_ms: int
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Sound:
    """One thing to hear, to be told by a voice, and to feel.

    Attributes:
        kind: what it is for.
        words: makes what a voice says, in the language that is spoken when it is called.
        vibration_ms: on, off, on, ...
        delay_ms: how long after its event it begins.
    """

    kind: str
    priority: Priority
    tones: tuple[Tone, ...]
    words: Callable[[], str] = str
    vibration_ms: tuple[int, ...] = ()
    delay_ms: int = 0

    @property
    def say(self) -> str:
        """What a voice says; empty for nothing."""
        return self.words()


def _steady(hz: float, at_ms: int, duration_ms: int, gain_db: float = 0.0) -> Tone:
    return Tone(hz, hz, at_ms, duration_ms, gain_db)


def _words(sentence: str) -> Callable[[], str]:
    return lambda: tr(sentence)


def _click(at_ms: int = 0) -> Tone:
    return _steady(1200.0, at_ms, 30, -12.0)


OUT = Sound("breathe out", Priority.BREATH, (Tone(330.0, 494.0, 0, 180),), _words(mark("Breathe out")))
IN = Sound("breathe in", Priority.BREATH, (Tone(494.0, 330.0, 0, 180),), _words(mark("Breathe in")))
HOLD = Sound("hold", Priority.BREATH, (_steady(494.0, 0, 90),), _words(mark("Hold")))
RETRACTED = Sound("not counted", Priority.COUNT, (_steady(220.0, 0, 120),), _words(mark("Not counted")))
SET_DONE = Sound(
    "set done",
    Priority.ADVICE,
    (_steady(392.0, 0, 150), _steady(494.0, 150, 150), _steady(587.0, 300, 150)),
    _words(mark("Set done")),
    (200,),
)
TEN_LEFT = Sound(
    "ten seconds", Priority.COUNT, (_click(), _click(150), _click(300)), _words(mark("Ten seconds"))
)
REST_OVER = Sound(
    "rest over",
    Priority.ADVICE,
    (_steady(587.0, 0, 120), _steady(587.0, 180, 120)),
    _words(mark("Ready when you are")),
    (100,),
)
LOST = Sound(
    "sensor lost",
    Priority.LINK,
    (_steady(196.0, 0, 180), _steady(196.0, 260, 180)),
    _words(mark("Sensor lost, pause")),
    (300, 150, 300),
)
BACK = Sound(
    "sensor back",
    Priority.LINK,
    (_steady(196.0, 0, 120), _steady(392.0, 120, 120)),
    _words(mark("Sensor is back")),
    (60,),
)
LIMIT = Sound(
    "limit",
    Priority.LIMIT,
    (_steady(784.0, 0, 80), _steady(784.0, 130, 80), _steady(784.0, 260, 80)),
    _words(mark("Ease off")),
    (80, 50, 80, 50, 80),
)

_CUES = {
    CueKind.EXHALE: OUT,
    CueKind.INHALE: IN,
    CueKind.HOLD: HOLD,
    CueKind.REST_OVER: REST_OVER,
    CueKind.SET_DONE: SET_DONE,
}


def _remark(event: CueGiven) -> Sound:
    return Sound(event.kind.value, Priority.ADVICE, (_steady(440.0, 0, 90),), lambda: cue_spoken(event))


def _stop_words(event: ExerciseStopped) -> str:
    return stopped_words(event).replace("STOP - ", "Stop. ")


def _two_more() -> Sound:
    return Sound("two more", Priority.COUNT, (_click(), _click(120)), _words(mark("Two more")), (40, 60, 40))


class SoundPlan:
    """Makes sounds of events; `state` is the view that is told the same events first."""

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self._was_lost = False
        self._left_s: float | None = None

    def hear(self, events: Iterable[Event]) -> list[Sound]:
        """Return what is to be heard of events that come together: the most important of them."""
        sounds = [sound for event in events for sound in self._of(event)]
        return _most_important(sounds)

    def tick(self) -> list[Sound]:
        """Return what time alone makes heard: the end of a rest comes near."""
        before_s, self._left_s = self._left_s, self._state.rest_left_s
        left_s = self._left_s
        if left_s is None or before_s is None:
            return []
        if left_s <= TEN_SECONDS < before_s:
            return [TEN_LEFT]
        return [
            Sound("count down", Priority.COUNT, (_click(),), str(each).strip)
            for each in COUNT_DOWN_S
            if left_s <= each < before_s
        ][-1:]

    def _of(self, event: Event) -> Iterator[Sound]:
        match event:
            case CueGiven():
                yield from self._cue(event)
            case RepCounted(count=count):
                yield self._count(count)
            case RepRetracted():
                yield RETRACTED
            case SetDone() if not self._state.between_sides:
                yield SET_DONE
            case SlackAdvised():
                yield from self._advice(event)
            case ExerciseStopped(reason=reason) if reason is not None:
                yield replace(LIMIT, kind="stop", words=lambda: _stop_words(event))
            case LinkChanged():
                yield from self._link()

    def _cue(self, event: CueGiven) -> Iterator[Sound]:
        if event.kind is CueKind.TWO_MORE:
            yield _two_more()
        elif event.kind is not CueKind.TARGET:  # which the count says
            sound = _CUES.get(event.kind) or _remark(event)
            yield replace(sound, words=lambda: cue_spoken(event))

    def _count(self, count: int) -> Sound:
        plan = self._state.plan
        if plan is not None and count in (plan.reps, plan.reps_top):
            reached = count == plan.reps
            if reached:
                kind, words = "target reached", mark("{count}, that is the plan")
            else:
                kind, words = "set full", mark("{count}, the set is full")
            tones = (_click(), _click(120))
            return Sound(kind, Priority.COUNT, tones, lambda: tr(words, count=count), (40, 60, 40))
        return Sound("count", Priority.COUNT, (_click(),), str(count).strip, (30,))

    def _advice(self, event: SlackAdvised) -> Iterator[Sound]:
        advice = event.advice
        if advice.urgent and self._state.in_set:
            yield LIMIT
        elif advice.action is not SlackAction.KEEP:

            def words() -> str:
                return " ".join(filter(None, (said(advice.instruction), advice_reason(advice))))

            tones = (_steady(262.0, 0, 120), _steady(330.0, 120, 120))
            again = (_steady(262.0, 400, 120), _steady(330.0, 520, 120))
            delay_ms = int(1000 * ADVICE_AFTER_S)
            yield Sound("slack advice", Priority.ADVICE, tones + again, words, (60, 80, 60), delay_ms)

    def _link(self) -> Iterator[Sound]:
        lost = self._state.screen is Screen.LOST and bool(self._state.trace)
        if lost and not self._was_lost:
            yield LOST
        elif self._was_lost and self._state.link in GOOD_LINK:
            yield BACK
        self._was_lost = lost


def _most_important(sounds: list[Sound]) -> list[Sound]:
    """Keep, of sounds that begin together, the most important one; what begins later is heard besides."""
    now = [sound for sound in sounds if not sound.delay_ms]
    later = [sound for sound in sounds if sound.delay_ms]
    return [*([max(now, key=lambda sound: sound.priority)] if now else []), *later[-1:]]
