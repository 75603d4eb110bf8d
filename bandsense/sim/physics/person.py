"""A person exercising with a band: planned movements in, the way of the hand and the truth about it out.

Positions are in strokes: 0 is the start position, 1 the end of a full repetition. Movements are minimum-jerk
(Flash and Hogan 1985), skewed in time where a person is faster at the beginning or at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bandsense.samples import FloatArray

__all__ = [
    "EXERCISES",
    "Bounce",
    "Dip",
    "Move",
    "Movement",
    "Pause",
    "RepPlan",
    "SimulatedExercise",
    "SimulatedPlan",
    "Span",
    "perform",
]

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SimulatedExercise:
    """How people usually do an exercise: ranges that one person's habit is drawn from."""

    stroke_m: Range
    pull_s: Range
    hold_s: Range
    return_s: Range
    rest_s: Range


EXERCISES: Mapping[str, SimulatedExercise] = MappingProxyType(
    {
        "seated-row": SimulatedExercise((0.35, 0.65), (0.6, 1.6), (0.0, 1.0), (0.8, 2.5), (0.1, 1.0)),
        "lat-pulldown": SimulatedExercise((0.40, 0.70), (0.6, 1.6), (0.0, 0.8), (0.8, 2.5), (0.1, 1.0)),
        "reverse-flye": SimulatedExercise((0.50, 0.90), (0.7, 1.8), (0.0, 1.0), (0.9, 2.5), (0.1, 0.8)),
        "pull-apart": SimulatedExercise((0.40, 0.80), (0.5, 1.3), (0.0, 0.8), (0.5, 1.5), (0.0, 0.6)),
        "overhead-pulldown": SimulatedExercise((0.30, 0.60), (0.6, 1.5), (0.0, 0.8), (0.8, 2.2), (0.1, 0.8)),
        "bent-over-row": SimulatedExercise((0.30, 0.55), (0.5, 1.4), (0.0, 0.8), (0.8, 2.2), (0.1, 1.0)),
    }
)


@dataclass(frozen=True, slots=True)
class Move:
    """One movement, or standing still where `to` is the present position.

    Attributes:
        duration_s: how long it takes.
        to: position at its end.
        skew: −1 … 1; positive is faster at the beginning.
        steps_n: amplitude of the tension that walking adds, newtons.
        steps_hz: steps per second.
        blow_n: peak of a short blow on the handle in the middle of this movement, newtons.
    """

    duration_s: float
    to: float
    skew: float = 0.0
    steps_n: float = 0.0
    steps_hz: float = 1.8
    blow_n: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Standing still on the way up."""

    at: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Dip:
    """Letting go a little at the top and pulling again: a double peak."""

    depth: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Bounce:
    """Springing back at the bottom, upwards."""

    amplitude: float
    frequency_hz: float


@dataclass(frozen=True, slots=True)
class RepPlan:
    """One repetition as the person means to do it.

    Attributes:
        top: position at its end of range; 1 is a full repetition.
        bottom: position it returns to.
        pull_s, hold_s, return_s, rest_s: durations of its phases.
        pull_skew, return_skew: see `Move`.
        full: whether the person means the full range.
        pause, dip, bounce: what happens on the way, if anything.
    """

    top: float
    bottom: float
    pull_s: float
    hold_s: float
    return_s: float
    rest_s: float
    pull_skew: float = 0.0
    return_skew: float = 0.0
    full: bool = True
    pause: Pause | None = None
    dip: Dip | None = None
    bounce: Bounce | None = None

    @property
    def duration_s(self) -> float:
        """From the start of the pull to the end of the return."""
        extra = (self.pause.duration_s if self.pause else 0.0) + (self.dip.duration_s if self.dip else 0.0)
        return self.pull_s + self.hold_s + self.return_s + extra


@dataclass(frozen=True, slots=True)
class SimulatedPlan:
    """What a person does from the first sample to the last.

    Attributes:
        stroke_m: full range in metres.
        parts: movements and repetitions in order.
        start: position before the first.
        tremor: tremor as a share of the position.
        tremor_hz: its frequency.
    """

    stroke_m: float
    parts: tuple[Move | RepPlan, ...]
    start: float = 0.0
    tremor: float = 0.0
    tremor_hz: float = 9.0

    @property
    def reps(self) -> tuple[RepPlan, ...]:
        """The repetitions alone."""
        return tuple(part for part in self.parts if isinstance(part, RepPlan))

    def map_reps(self, change: Callable[[int, RepPlan], RepPlan]) -> tuple[Move | RepPlan, ...]:
        """Parts with every repetition replaced by `change(index, repetition)`."""
        indices = iter(range(len(self.parts)))
        return tuple(change(next(indices), p) if isinstance(p, RepPlan) else p for p in self.parts)


class Span(NamedTuple):
    """First and last index of a repetition's movement, and last index of the rest after it."""

    first: int
    last: int
    rested: int


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """The way of the hand on a uniform time grid.

    Attributes:
        time_s: from 0.
        displacement_m: hand from the start position, positive stretches the band.
        added_n: tension that does not come from the hand's position: steps, blows.
        spans: where on the grid the repetitions are.
    """

    time_s: FloatArray
    displacement_m: FloatArray
    added_n: FloatArray
    spans: tuple[Span, ...]


def perform(plan: SimulatedPlan, dt_s: float, rng: Generator) -> Movement:
    """Carry a plan out, sampled every `dt_s`."""
    hand = _Hand(plan.start, dt_s, rng)
    spans = []
    for part in plan.parts:
        if isinstance(part, Move):
            hand.move(part)
        else:
            spans.append(hand.repeat(part))
    position = np.concatenate(hand.positions)
    time_s = _times(position.size, dt_s)
    if plan.tremor:
        position = position * (1.0 + plan.tremor * _tremor(time_s, plan.tremor_hz, rng))
    return Movement(time_s, plan.stroke_m * position, np.concatenate(hand.added), tuple(spans))


class _Hand:
    """Appends movement after movement and remembers where the hand is."""

    def __init__(self, position: float, dt_s: float, rng: Generator) -> None:
        self._position = position
        self._dt_s = dt_s
        self._rng = rng
        self._n = 0
        self.positions: list[FloatArray] = []
        self.added: list[FloatArray] = []

    def move(self, move: Move) -> None:
        """Append one movement with what is added to it."""
        n = self._go(move.duration_s, move.to, move.skew)
        if move.steps_n:
            self.added[-1] += _steps(_times(n, self._dt_s), move, self._rng)
        if move.blow_n:
            self.added[-1] += _blow(n, self._dt_s, move.blow_n)

    def repeat(self, rep: RepPlan) -> Span:
        """Append one repetition with the rest after it."""
        first, bottom = self._n, self._position
        if rep.pause:
            way = bottom + rep.pause.at * (rep.top - bottom)
            self._go(rep.pull_s * rep.pause.at, way, rep.pull_skew)
            self._go(rep.pause.duration_s, way)
            self._go(rep.pull_s * (1.0 - rep.pause.at), rep.top, rep.pull_skew)
        else:
            self._go(rep.pull_s, rep.top, rep.pull_skew)
        self._go(rep.hold_s / 2, rep.top)
        if rep.dip:
            self._go(rep.dip.duration_s / 2, rep.top - rep.dip.depth * (rep.top - bottom))
            self._go(rep.dip.duration_s / 2, rep.top)
        self._go(rep.hold_s / 2, rep.top)
        self._go(rep.return_s, rep.bottom, rep.return_skew)
        last = max(self._n - 1, first)
        n = self._go(rep.rest_s, rep.bottom)
        if rep.bounce and n:
            self.positions[-1] += _bounce(_times(n, self._dt_s), rep.bounce)
        return Span(first, last, max(self._n - 1, last))

    def _go(self, duration_s: float, to: float, skew: float = 0.0) -> int:
        n = round(duration_s / self._dt_s)
        if not n and to != self._position:
            n = 1
        u = (np.arange(n) + 1.0) / max(n, 1)
        u = u + skew * u * (1.0 - u)
        way = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
        self.positions.append(self._position + (to - self._position) * way)
        self.added.append(np.zeros(n))
        self._position = to
        self._n += n
        return n


def _times(n: int, dt_s: float) -> FloatArray:
    return np.arange(n, dtype=np.float64) * dt_s


def _tremor(time_s: FloatArray, frequency_hz: float, rng: Generator) -> FloatArray:
    """Sine whose phase wanders by about a radian a second."""
    dt_s = float(time_s[1] - time_s[0]) if time_s.size > 1 else 1.0
    wander = np.cumsum(rng.standard_normal(time_s.size)) * np.sqrt(dt_s)
    wave: FloatArray = np.sin(2.0 * np.pi * frequency_hz * time_s + wander)
    return wave


def _steps(since_s: FloatArray, move: Move, rng: Generator) -> FloatArray:
    """Walk: every step differs by a quarter, heel strikes add the second harmonic."""
    phase = move.steps_hz * since_s
    step = np.floor(phase).astype(int)
    height = rng.normal(1.0, 0.25, int(step.max(initial=0)) + 1)[step]
    ramp = np.minimum(1.0, np.minimum(since_s, since_s[-1] - since_s) / 0.5)
    wave = 0.5 - 0.5 * np.cos(2.0 * np.pi * phase) + 0.2 * np.sin(4.0 * np.pi * phase)
    added: FloatArray = move.steps_n * ramp * np.maximum(0.0, height * wave)
    return added


def _blow(n: int, dt_s: float, peak_n: float) -> FloatArray:
    """Return a half sine of 40 ms in the middle."""
    since = _times(n, dt_s) / 0.04 - n // 2 * dt_s / 0.04
    inside = (since >= 0.0) & (since <= 1.0)
    return np.where(inside, peak_n * np.sin(np.pi * np.clip(since, 0.0, 1.0)), 0.0)


def _bounce(since_s: FloatArray, bounce: Bounce) -> FloatArray:
    wave = (0.5 - 0.5 * np.cos(2.0 * np.pi * bounce.frequency_hz * since_s)) * np.exp(-since_s / 0.4)
    fade = np.minimum(1.0, (since_s[-1] - since_s) / 0.1)
    way: FloatArray = bounce.amplitude * wave * fade
    return way
