"""A trace with its truth, and the drawing board that most of them are made on."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.random import Generator

from bandsense.samples import BoolArray, FloatArray

__all__ = ["DT_S", "Board", "Split", "Trace", "TrueInterval", "noise_for", "stream"]

Split = Literal["dev", "held"]

DT_S = 1e-3
"""Grid of the noise-free tension."""

COARSE = 5.0
"""Fewer samples a repetition than this do not show its shape."""

BEYOND_N, BEYOND_SHARE = 4.0, 0.08
"""A swing below this many newtons, or below this share of the peak, is beyond what must be counted."""


class TrueInterval(NamedTuple):
    """From valley to valley of one repetition, seconds."""

    start_s: float
    top_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a sensor showed, and what really happened.

    Attributes:
        name: one trace for ever: section, kind, split, seed.
        kind: what it is an example of.
        rate_hz: nominal sample rate.
        time_s, tension_n: the samples, newtons.
        n: true repetitions, 0 in a control; None where nobody knows.
        n_ok: counts that are right.
        reps: one interval for each repetition, in order.
        partial: whether each is partial; None where it may be called either or is not known.
        set_starts_s: when each set began, the first repetition's start.
        is_control: whether nothing may ever be shown.
        seed: of its random numbers.
        tags: "beyond" (too small to be asked for), "coarse" (fewer than five samples a repetition), others.
        bounds: 10 % and 90 % of the own rise, 90 % and 10 % of the own fall of each repetition, on the
            noise-free tension; None where they depend on a definition.
        peaks_n: greatest noise-free tension of each repetition.
        optional: repetitions, by position, that may be counted or not: the samples do not show them.
        snapped_s: when the band tore; None if it did not.
    """

    name: str
    kind: str
    rate_hz: float
    time_s: FloatArray
    tension_n: FloatArray
    n: int | None
    n_ok: frozenset[int]
    reps: tuple[TrueInterval, ...] = ()
    partial: tuple[bool | None, ...] | None = None
    set_starts_s: tuple[float, ...] = ()
    is_control: bool = False
    seed: int = 0
    tags: frozenset[str] = frozenset()
    bounds: tuple[tuple[float, float, float, float] | None, ...] = ()
    peaks_n: tuple[float, ...] = ()
    optional: frozenset[int] = frozenset()
    snapped_s: float | None = None


def stream(split: Split, seed: int, *names: object) -> Generator:
    """The random numbers of one purpose; development and held-out ones never meet."""
    if split not in ("dev", "held"):
        raise ValueError(f"a split is 'dev' or 'held', not {split!r}")
    return np.random.default_rng([split == "held", seed, zlib.crc32(repr(names).encode())])


def noise_for(rng: Generator, rate_hz: float) -> float:
    """Standard deviation of the noise of a converter at this rate, newtons: as its bandwidth's root."""
    return max(0.01, float(rng.uniform(0.03, 0.06) * np.sqrt(rate_hz / 80.0)))


Shape = Callable[[FloatArray], FloatArray]


def cosine(u: FloatArray) -> FloatArray:
    """Half a cosine from 0 to 1."""
    return 0.5 - 0.5 * np.cos(np.pi * u)


def jerkless(u: FloatArray) -> FloatArray:
    """Minimum jerk from 0 to 1."""
    made: FloatArray = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    return made


def powered(power: float, of: Shape = cosine) -> Shape:
    """A shape whose top is sharper (above 1) or broader (below 1)."""
    return lambda u: of(u) ** power


@dataclass(slots=True)
class _Marked:
    start: int
    top: int
    end: int
    partial: bool | None
    bounded: bool


@dataclass(slots=True)
class Board:
    """Draws a tension piece by piece and keeps the truth.

    Attributes:
        rng: where its variations come from.
        level: tension reached so far.
    """

    rng: Generator
    level: float = 0.0
    _pieces: list[FloatArray] = field(default_factory=list)
    _size: int = 0
    _reps: list[_Marked] = field(default_factory=list)
    _sets: list[int] = field(default_factory=list)

    @property
    def intervals(self) -> tuple[TrueInterval, ...]:
        """The repetitions drawn so far."""
        return tuple(TrueInterval(m.start * DT_S, m.top * DT_S, m.end * DT_S) for m in self._reps)

    @property
    def now_s(self) -> float:
        """Time drawn so far."""
        return self._size * DT_S

    @property
    def drawn(self) -> int:
        """Repetitions drawn so far."""
        return len(self._reps)

    def _add(self, piece: FloatArray) -> None:
        self._pieces.append(piece)
        self._size += piece.size

    def to(self, level: float, duration_s: float, shape: Shape = jerkless) -> None:
        """Move to another tension."""
        n = max(1, round(duration_s / DT_S))
        u = np.arange(1, n + 1) / n
        if level >= self.level:
            self._add(self.level + (level - self.level) * shape(u))
        else:
            self._add(level + (self.level - level) * shape(1.0 - u))
        self.level = level

    def stay(self, duration_s: float, wander_n: float = 0.0) -> None:
        """Keep the tension, or wander slowly about it."""
        n = round(duration_s / DT_S)
        if n <= 0:
            return
        if not wander_n or n < 50:
            self._add(np.full(n, self.level))
            return
        knots = np.concatenate(([0.0], np.cumsum(self.rng.uniform(0.5, 2.0, int(duration_s / 0.5) + 2))))
        values = self.rng.normal(0.0, wander_n, knots.size)
        values[0] = 0.0
        at = grid_of(n)
        fade = np.clip(np.minimum(at, at[::-1]) / 0.4, 0.0, 1.0)
        self._add(np.maximum(self.level + smooth(knots, values, at) * fade, min(0.0, self.level)))

    def begin_set(self) -> None:
        """The next repetition is the first of a set."""
        self._sets.append(len(self._reps))

    def rep(
        self,
        top: float,
        bottom: float,
        rise_s: float,
        fall_s: float,
        hold_s: float = 0.0,
        *,
        up: Shape = cosine,
        down: Shape = cosine,
        within: Callable[[], None] | None = None,
        partial: bool | None = False,
        bounded: bool = True,
    ) -> None:
        """One repetition from the present level over `top` to `bottom`; `within` draws more at its top."""
        start = self._size
        self.to(top, rise_s, up)
        reached = self._size - 1
        self.stay(hold_s)
        if within is not None:
            within()
        left = self._size - 1
        self.to(bottom, fall_s, down)
        self._reps.append(_Marked(start, (reached + left) // 2, self._size - 1, partial, bounded))

    def bound(self) -> None:
        """What followed the latest repetition fixes its times."""
        self._reps[-1].bounded = True

    def replay(self, piece: FloatArray, top: int, partial: bool | None = False) -> None:
        """One repetition given sample by sample on this grid, as differences from the present level."""
        start = self._size
        self._add(self.level + piece)
        self.level += float(piece[-1])
        self._reps.append(_Marked(start, start + top, self._size - 1, partial, True))

    def mark(self, start_s: float, top_s: float, end_s: float, partial: bool | None = False) -> None:
        """Declare what is drawn there a repetition."""
        at = (round(t / DT_S) for t in (start_s, top_s, end_s))
        start, top, end = (min(i, self._size - 1) for i in at)
        self._reps.append(_Marked(start, top, end, partial, False))

    def finish(
        self,
        name: str,
        kind: str,
        rate_hz: float,
        *,
        seed: int,
        noise_n: float | None = None,
        added: Callable[[FloatArray], FloatArray] | None = None,
        spoiled: Callable[[FloatArray, FloatArray], FloatArray] | None = None,
        kept: Callable[[FloatArray], BoolArray] | None = None,
        optional: frozenset[int] = frozenset(),
        snapped_s: float | None = None,
        control: bool = False,
        tags: frozenset[str] = frozenset(),
        beyond: bool | None = None,
        averaged: bool = False,
    ) -> Trace:
        """Let a sensor look at it.

        Args:
            name, kind, rate_hz, seed, optional, snapped_s, tags: see `Trace`.
            noise_n: standard deviation of the noise; drawn for the rate if not given.
            added: noise-free tension to add, from the times of the grid.
            spoiled: what becomes of the samples, from their times and values, after the noise.
            kept: which of the samples arrive, from their times.
            control: whether it is one.
            averaged: whether a conversion is the mean over its interval, as that of a delta-sigma converter;
                a vibration above half of the rate then does not come back as a slow one.
            beyond: whether it is too small to be asked for; judged by its smallest repetition if not given.
        """
        rng = self.rng
        clean = np.concatenate(self._pieces)
        grid_s = grid_of(clean.size)
        if added is not None:
            clean = clean + added(grid_s)
        if averaged:
            clean = _averaged(clean, max(1, round(1.0 / rate_hz / DT_S)))
        period_s = 1.0 / (rate_hz * float(rng.uniform(0.98, 1.02)))
        time_s = np.arange(float(rng.uniform(0.0, period_s)), float(grid_s[-1]), period_s)
        sigma = noise_for(rng, rate_hz) if noise_n is None else noise_n
        shown = np.interp(time_s, grid_s, clean) + rng.normal(0.0, sigma, time_s.size)
        if spoiled is not None:
            shown = spoiled(time_s, shown)
        if kept is not None:
            arrived = kept(time_s)
            time_s, shown = time_s[arrived], shown[arrived]
        reps = self.intervals
        n = 0 if control else len(reps)
        return Trace(
            name,
            kind,
            rate_hz,
            np.round(time_s, 6),
            np.round(shown, 3),
            n,
            frozenset(range(n - len(optional), n + 1)),
            reps,
            tuple(m.partial for m in self._reps),
            tuple(reps[i].start_s for i in self._sets if i < len(reps)),
            control,
            seed,
            tags | self._judged(clean, rate_hz, beyond, optional),
            tuple(_crossings(clean, m) if m.bounded else None for m in self._reps),
            tuple(float(clean[m.start : m.end + 1].max()) for m in self._reps),
            optional,
            snapped_s,
        )

    def _judged(
        self, clean: FloatArray, rate_hz: float, beyond: bool | None, optional: frozenset[int]
    ) -> frozenset[str]:
        tags = {"beyond"} if beyond else set()
        full = [m for i, m in enumerate(self._reps) if not m.partial and i not in optional]
        for m in full:
            peak = float(clean[m.start : m.end + 1].max())
            swing = peak - max(float(clean[m.start : m.top + 1].min()), float(clean[m.top : m.end + 1].min()))
            if beyond is None and (swing < BEYOND_N or swing < BEYOND_SHARE * abs(peak)):
                tags.add("beyond")
            if (m.end - m.start) * DT_S * rate_hz < COARSE:
                tags.add("coarse")
        return frozenset(tags)


def _averaged(values: FloatArray, width: int) -> FloatArray:
    padded = np.concatenate((np.full(width, values[0]), values))
    sums = np.cumsum(padded)
    return np.asarray((sums[width:] - sums[:-width]) / width, dtype=np.float64)


def grid_of(n: int) -> FloatArray:
    """The first `n` times of the grid."""
    return np.asarray(np.arange(n) * DT_S, dtype=np.float64)


def smooth(knots_s: FloatArray, values: FloatArray, at_s: FloatArray) -> FloatArray:
    """Through the knots with half cosines between them."""
    i = np.clip(np.searchsorted(knots_s, at_s, side="right") - 1, 0, knots_s.size - 2)
    u = np.clip((at_s - knots_s[i]) / (knots_s[i + 1] - knots_s[i]), 0.0, 1.0)
    made: FloatArray = values[i] + (values[i + 1] - values[i]) * cosine(u)
    return made


def _crossings(clean: FloatArray, m: _Marked) -> tuple[float, float, float, float] | None:
    part = clean[m.start : m.end + 1]
    peak_at = int(np.argmax(part))
    up, down = part[: peak_at + 1], part[peak_at:]
    peak = float(part[peak_at])
    rise, fall = peak - float(up.min()), peak - float(down.min())
    if rise <= 0.0 or fall <= 0.0:
        return None
    hold = int(np.argmax(up >= peak - 0.1 * rise))
    below = np.flatnonzero(up[: hold + 1] < peak - 0.9 * rise)
    back = int(np.flatnonzero(down >= peak - 0.1 * fall)[-1])
    end = back + int(np.argmax(down[back:] <= peak - 0.9 * fall))
    pull = int(below[-1]) + 1 if below.size else 0
    at = (pull, hold, peak_at + back, peak_at + end)
    return tuple((m.start + i) * DT_S for i in at)  # type: ignore[return-value]
