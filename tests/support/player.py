"""Plays what a person does with a band to a workout, and writes down every word that is said, and when.

A script is a list of steps: repetitions of known tempo and range, rests, what happens to band or sensor, and
what the person presses. Movements are of least jerk on a power-law band (`tests.support.traces`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.live.formatting import advice_text, cue_words, format_notice
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal.events import Phase, PhaseChanged, RepCompleted, RepCounted
from bandsense.workout.cues import CueSlot
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    LinkChanged,
    SetDone,
    SetStarted,
    SlackAdvised,
    TensionTick,
)
from bandsense.workout.inputs import Input
from bandsense.workout.plan import Plan
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import EXPONENT, minimum_jerk

RATE_HZ = 80.0
PEAK_N = 60.0
BOTTOM_N = 0.0
GLIDE_S = 0.6


@dataclass(frozen=True)
class Reps:
    """Repetitions of the hand's tempo; `top` is the part of the full way that they reach."""

    number: int
    pull_s: float = 1.5
    hold_s: float = 0.5
    return_s: float = 2.5
    rest_s: float = 0.6
    top: float = 1.0
    bottom: float = 0.0


@dataclass(frozen=True)
class Rest:
    """Nothing is pulled for so long; the band hangs as at the start."""

    seconds: float


@dataclass(frozen=True)
class Snap:
    """A pull at whose top the tension is gone from one sample to the next."""


@dataclass(frozen=True)
class Held:
    """A pull that is still held when the script goes on."""


@dataclass(frozen=True)
class Band:
    """From here on the band pulls so many newtons at the full way and at the start; smoothly."""

    peak_n: float = PEAK_N
    bottom_n: float = BOTTOM_N
    sign: float = 1.0
    offset_n: float = 0.0


@dataclass(frozen=True)
class Press:
    """What the person presses, or what happens besides samples."""

    value: Input


Step = Reps | Rest | Snap | Held | Band | Press


@dataclass(frozen=True)
class Line:
    """Something that was said.

    Attributes:
        when: where in the session, in words.
        words: exactly what is shown.
        slot: `breath`, `word`, or empty for what is no cue.
    """

    when: str
    words: str
    slot: str = ""


@dataclass
class Played:
    """What came of a script."""

    workout: Workout
    events: list[Event] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def play(
    script: Sequence[Step],
    settings: WorkoutSettings | None = None,
    *,
    exercise: str = "seated-row",
    plan: Plan | None = None,
) -> Played:
    """Play a script to a workout; the stream ends with it."""
    if settings is None:
        settings = WorkoutSettings(Calibration.identity(Unit.NEWTON), get_exercise(exercise), plan or Plan())
    played = Played(Workout(settings))
    now, noise, at = 0, np.random.default_rng(7), 0.0
    begins = isinstance(script[0], Band)
    band = before = script[0] if isinstance(script[0], Band) else Band()
    clock = _Clock()
    for step in [Rest(2.0), *script[begins:]]:
        if isinstance(step, Band):
            band = step
            continue
        if isinstance(step, Press):
            played.events += clock.said(played.workout.apply(step.value), played.lines)
            continue
        way, lost = _way(step)
        if abs(way[0] - at) > 0.01 and not isinstance(step, Snap):
            moved = _stroke(1.0)
            way = np.concatenate([at + (way[0] - at) * moved, way])
            lost = np.concatenate([np.zeros(moved.size, dtype=bool), lost])
        at = float(way[-1])
        new = np.clip(np.arange(way.size) / (GLIDE_S * RATE_HZ), 0.0, 1.0)
        bottom_n, peak_n = (
            (1.0 - new) * was + new * now_n
            for was, now_n in ((before.bottom_n, band.bottom_n), (before.peak_n, band.peak_n))
        )
        before = band
        pulled_n = bottom_n + (peak_n - bottom_n) * np.maximum(way, 0.0) ** EXPONENT
        tension_n = band.offset_n + band.sign * np.where(lost, 0.0, pulled_n)
        tension_n += 0.03 * noise.standard_normal(tension_n.size)
        time_s = (now + np.arange(tension_n.size)) / RATE_HZ
        now += tension_n.size
        block = SampleBlock(time_s, tension_n, Unit.NEWTON)
        played.events += clock.said(played.workout.push(block), played.lines)
    clock.over = True
    played.events += clock.said(played.workout.finish(), played.lines)
    return played


def _stroke(seconds: float) -> FloatArray:
    return np.asarray(minimum_jerk(np.linspace(0.0, 1.0, round(seconds * RATE_HZ))))


def _way(step: Reps | Rest | Snap | Held) -> tuple[FloatArray, np.ndarray]:
    """Way of the hand as a part of the full way, and whether the band is gone."""
    if isinstance(step, Rest):
        way = np.zeros(round(step.seconds * RATE_HZ))
        return way, np.zeros(way.size, dtype=bool)
    if isinstance(step, Held):
        pull = _stroke(1.5)
        way = np.concatenate([pull, np.ones(round(0.6 * RATE_HZ))])
        return way, np.zeros(way.size, dtype=bool)
    if isinstance(step, Snap):
        pull = _stroke(1.5)
        way = np.concatenate([pull, np.ones(round(0.4 * RATE_HZ)), np.zeros(round(4.0 * RATE_HZ))])
        return way, np.arange(way.size) >= pull.size + round(0.4 * RATE_HZ)
    up, down = _stroke(step.pull_s), _stroke(step.return_s)
    span = step.top - step.bottom
    one = np.concatenate(
        [
            step.bottom + span * up,
            np.full(round(step.hold_s * RATE_HZ), step.top),
            step.top - span * down,
            np.full(round(step.rest_s * RATE_HZ), step.bottom),
        ]
    )
    way = np.tile(one, step.number)
    return way, np.zeros(way.size, dtype=bool)


@dataclass
class _Clock:
    """Where in the session it is, in words."""

    sets: int = 0
    number: int = 0
    done: int = 0
    phase: Phase = Phase.REST
    in_set: bool = False
    resting_since_s: float = 0.0
    over: bool = False

    def said(self, events: Sequence[Event], lines: list[Line]) -> list[Event]:
        for event in events:
            if isinstance(event, SetStarted):
                self.number, self.in_set = event.number, True
                self.done = 0
            elif isinstance(event, PhaseChanged):
                self.phase = event.phase
            elif isinstance(event, RepCounted) and self.phase is Phase.CONCENTRIC:
                self.phase = Phase.HOLD
            lines += self._lines(event)
            if isinstance(event, RepCompleted):
                self.done += 1
                self.phase = Phase.REST
            elif isinstance(event, SetDone):
                self.in_set, self.sets = False, self.sets + 1
                self.resting_since_s = event.time_s
        return list(events)

    def _lines(self, event: Event) -> Iterator[Line]:
        if isinstance(event, CueGiven):
            yield Line(self._when(event.time_s), cue_words(event), event.slot.value)
        elif isinstance(event, SlackAdvised):
            yield Line(self._when(event.detected_s), advice_text(event.advice))
        elif not isinstance(event, TensionTick | SetDone | BatteryChanged | LinkChanged):
            words = format_notice(event)
            if words:
                yield Line(self._when(event.detected_s), words)

    def _when(self, time_s: float) -> str:
        if self.over:
            return "at the end"
        place = f"set {self.number}, " if self.number > 1 and self.in_set else ""
        if not self.in_set and self.sets:
            minutes, seconds = divmod(int(time_s - self.resting_since_s + 0.5), 60)
            if self.phase is Phase.REST:
                return f"rest {minutes}:{seconds:02}"
        number = self.done + 1 if self.in_set else 1
        match self.phase:
            case Phase.CONCENTRIC:
                return f"{place}rep {number}, pull"
            case Phase.HOLD:
                return f"{place}rep {number}, top"
            case Phase.ECCENTRIC:
                return f"{place}rep {number}, return"
            case Phase.REST:
                if not self.in_set:
                    return "before the first set"
                return f"{place}after rep {self.done}"


def without_breath(lines: Sequence[Line]) -> list[Line]:
    """Leave the breaths out, which come with every repetition."""
    return [line for line in lines if line.slot != CueSlot.BREATH.value]
