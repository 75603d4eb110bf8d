"""Sets that are not plain: one function for each thing that people, bands, sensors and links do.

What counts as what follows docs/detection.md: every pull that comes back is a repetition, also a partial one;
a dip at the top is none, nor is half a return that every repetition has; taking up, stepping, walking,
re-gripping and putting down are none; another band within half a minute is another set.
Nothing here is shared with `bandsense.sim`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.random import Generator

from bandsense.samples import BoolArray, FloatArray
from benchmarks.evidence.trace import (
    Board,
    Shape,
    Split,
    Trace,
    cosine,
    jerkless,
    powered,
    smooth,
    stream,
)

__all__ = ["KINDS", "grid", "make"]


@dataclass(frozen=True, slots=True)
class _Person:
    """How somebody pulls: levels in newtons, times in seconds, `cv` the unevenness of both."""

    valley: float
    peak: float
    rise_s: float
    hold_s: float
    fall_s: float
    rest_s: float
    cv: float
    up: Shape
    down: Shape
    reps: int

    @property
    def swing(self) -> float:
        return self.peak - self.valley


def _log(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _person(rng: Generator) -> _Person:
    peak = _log(rng, 15.0, 250.0)
    pre = float(rng.choice((0.0, rng.uniform(0.02, 0.3), rng.uniform(0.3, 0.6)), p=(0.4, 0.35, 0.25)))
    period_s = _log(rng, 1.0, 5.0)
    hold = float(rng.choice((0.0, rng.uniform(0.1, 0.35))))
    rise = float(rng.uniform(0.3, 0.6))
    rest = float(rng.choice((0.0, rng.uniform(0.05, 0.3))))
    shape: Shape = (cosine, jerkless, powered(1.4), powered(0.75))[int(rng.integers(4))]
    moving_s = period_s * (1.0 - hold)
    return _Person(
        pre * peak,
        peak,
        rise * moving_s,
        hold * period_s,
        (1.0 - rise) * moving_s,
        rest * period_s,
        float(rng.choice((0.02, 0.05, 0.08))),
        shape,
        shape,
        int(rng.integers(4, 13)),
    )


class _Sheet:
    """A board with a person at it."""

    def __init__(self, rng: Generator, person: _Person) -> None:
        self.rng = rng
        self.p = person
        self.board = Board(rng)
        self.lost = 0.0
        """Tension that the grip has given away since the start."""

    def vary(self, value: float, cv: float | None = None) -> float:
        spread = self.p.cv if cv is None else cv
        return value * float(np.clip(self.rng.normal(1.0, spread), 1.0 - 2.5 * spread, 1.0 + 2.5 * spread))

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def lead_in(self) -> None:
        """A rest, and the band is taken up."""
        self.board.stay(self.uniform(1.0, 3.0))
        if self.p.valley:
            self.board.to(self.p.valley, _log(self.rng, 0.3, 3.0))
            self.board.stay(self.uniform(0.4, 2.5), 0.01 * self.p.valley)

    def rep(
        self,
        share: float = 1.0,
        *,
        partial: bool | None = False,
        pace: float = 1.0,
        hold_s: float | None = None,
        within: Callable[[], None] | None = None,
        to_valley: float | None = None,
        rest: bool = True,
        bounded: bool = True,
    ) -> None:
        """One repetition of this share of the swing."""
        p = self.p
        bottom = p.valley if to_valley is None else to_valley
        if bottom:
            bottom = max(0.0, bottom + p.swing * 0.3 * self.uniform(-p.cv, p.cv))
        top = (
            bottom + p.swing * self.vary(share)
            if to_valley is not None
            else p.valley + p.swing * self.vary(share)
        )
        quick = pace * self.vary(1.0) * share**0.5
        self.board.rep(
            max(top, self.board.level + 0.1 * p.swing),
            bottom,
            p.rise_s * quick,
            p.fall_s * quick,
            self.vary(p.hold_s) * pace if hold_s is None else hold_s,
            up=p.up,
            down=p.down,
            within=within,
            partial=partial,
            bounded=bounded,
        )
        if rest:
            self.board.stay(self.vary(p.rest_s))

    def whole_set(self) -> None:
        """All repetitions of a set."""
        self.board.begin_set()
        for _ in range(self.p.reps):
            self.rep()

    def lead_out(self) -> None:
        """The band is let down."""
        board = self.board
        if board.level > 0.0:
            board.stay(self.uniform(0.2, 1.5))
            board.to(0.0, self.uniform(0.3, 1.5))
        board.stay(self.uniform(1.0, 3.0))


Finish = dict[str, Any]
Kind = Callable[[_Sheet], Finish | None]


# ── what the person means ───────────────────────────────────────────────────────────────────────────────────


def partials(s: _Sheet) -> None:
    """Some repetitions go to 25 … 65 % of the swing only; each is one."""
    s.lead_in()
    s.board.begin_set()
    n = max(5, s.p.reps)
    for i in range(n):
        if i > 1 and s.rng.random() < 0.3:
            share = s.uniform(0.25, 0.65)
            # Tension is a curved function of the way: from half to two thirds it may be called either.
            s.rep(share, partial=True if share < 0.4 else None)
        else:
            s.rep()
    s.lead_out()


def begun_short(s: _Sheet) -> None:
    """The first pull, or the first two, go to 40 … 80 % of the swing only, at the pace of the others."""
    s.lead_in()
    s.board.begin_set()
    share, short = s.uniform(0.4, 0.8), int(s.rng.integers(1, 3))
    for i in range(short + max(4, s.p.reps)):
        s.rep(share if i < short else 1.0, partial=None if i < short else False)
    s.lead_out()


def full_and_half(s: _Sheet) -> None:
    """Full repetitions and such of 45 … 75 % of the swing in turn; each is one."""
    s.lead_in()
    s.board.begin_set()
    share = s.uniform(0.45, 0.75)
    for i in range(max(6, s.p.reps)):
        s.rep(share if i % 2 else 1.0, partial=None)
    s.lead_out()


def adjusting(s: _Sheet) -> None:
    """Once or twice the band is adjusted at the bottom: a pause with some tugs of 5 … 18 % of the swing."""
    s.lead_in()
    s.board.begin_set()
    n = max(5, s.p.reps)
    when = s.rng.choice(np.arange(1, n), int(s.rng.integers(1, 3)), replace=False)
    for i in range(n):
        if i in when:
            rest_n = s.board.level
            s.board.stay(s.uniform(0.5, 2.0))
            for _ in range(int(s.rng.integers(1, 4))):
                s.board.to(rest_n + s.uniform(0.05, 0.18) * s.p.swing, s.uniform(0.2, 0.6))
                s.board.stay(s.uniform(0.0, 0.5))
                s.board.to(max(0.0, rest_n + s.uniform(-0.06, 0.02) * s.p.swing), s.uniform(0.2, 0.8))
                s.board.stay(s.uniform(0.2, 1.5))
            s.board.to(rest_n, 0.3)
        s.rep()
    s.lead_out()


def pulses(s: _Sheet) -> None:
    """One to five small pulses at the top of some repetitions; still one each."""
    s.lead_in()
    s.board.begin_set()

    def pulse() -> None:
        for _ in range(int(s.rng.integers(1, 6))):
            level, depth = s.board.level, s.uniform(0.06, 0.22) * s.p.swing
            s.board.to(level - depth, s.uniform(0.2, 0.5), cosine)
            s.board.to(level + s.uniform(-0.03, 0.03) * s.p.swing, s.uniform(0.2, 0.5), cosine)

    every = s.rng.random() < 0.5
    for i in range(s.p.reps):
        s.rep(within=pulse if i % 3 == 1 or every else None, bounded=False)
    s.lead_out()


def one_and_a_half(s: _Sheet) -> None:
    """Every repetition comes half down, goes up again and then all the way: one each.

    Half of the way is about a third of the tension, for tension is a curved function of the way.
    """
    s.lead_in()
    s.board.begin_set()
    depth = s.uniform(0.28, 0.55)

    def half() -> None:
        top = s.board.level
        s.board.to(top - s.vary(depth) * s.p.swing, 0.6 * s.vary(s.p.fall_s), s.p.down)
        s.board.to(top - s.uniform(-0.04, 0.04) * s.p.swing, 0.6 * s.vary(s.p.rise_s), s.p.up)

    for _ in range(max(4, s.p.reps)):
        s.rep(within=half, bounded=False)
    s.lead_out()


def half_returns(s: _Sheet) -> None:
    """Now and then a return stops half-way and the next pull starts there: each pull is one.

    This is what one of the real recordings has; half a return in every repetition is `one_and_a_half`.
    """
    s.lead_in()
    s.board.begin_set()
    n = max(6, s.p.reps)
    chosen = set((1 + s.rng.choice(n - 2, max(1, n // 4), replace=False)).tolist())
    for i in range(n):
        half_way = s.p.valley + s.uniform(0.4, 0.65) * s.p.swing
        if i in chosen and i - 1 not in chosen:
            s.board.rep(
                s.p.valley + s.vary(s.p.swing),
                half_way,
                s.vary(s.p.rise_s),
                0.6 * s.vary(s.p.fall_s),
                up=s.p.up,
                down=s.p.down,
                partial=None,
            )
        else:
            s.rep(s.uniform(0.85, 1.05), partial=None)
    s.lead_out()


def drop_set(s: _Sheet) -> None:
    """After a set another band, 0.35 … 0.75 as strong, within half a minute: two sets."""
    s.lead_in()
    s.whole_set()
    s.lead_out()
    s.board.stay(s.uniform(2.0, 22.0))
    drop = s.uniform(0.35, 0.75)
    s.p = replace(s.p, valley=s.p.valley * drop, peak=s.p.peak * drop)
    s.lead_in()
    s.board.begin_set()
    for _ in range(int(s.rng.integers(4, 13))):
        s.rep()
    s.lead_out()


def cluster(s: _Sheet) -> None:
    """Two to four repetitions, 5 … 20 s on a slack or a taut band, and again."""
    s.lead_in()
    s.board.begin_set()
    slack = s.rng.random() < 0.5
    for i in range(int(s.rng.integers(2, 5))):
        if i:
            if slack and s.p.valley:
                s.board.to(0.0, s.uniform(0.4, 1.5))
            s.board.stay(s.uniform(5.0, 20.0), 0.0 if slack else 0.01 * s.p.valley)
            if slack and s.p.valley:
                s.board.to(s.p.valley, s.uniform(0.4, 1.5))
                s.board.stay(s.uniform(0.5, 1.5))
        for _ in range(int(s.rng.integers(2, 5))):
            s.rep()
    s.lead_out()


def growing(s: _Sheet) -> None:
    """Each repetition goes a little further; 0.5 of the last range at first."""
    s.lead_in()
    s.board.begin_set()
    n = max(5, s.p.reps)
    for i in range(n):
        s.rep(0.5 + 0.5 * i / (n - 1), partial=None)
    s.lead_out()


def shrinking(s: _Sheet) -> None:
    """Fatigue: each repetition goes less far, down to half."""
    s.lead_in()
    s.board.begin_set()
    n = max(5, s.p.reps)
    last = s.uniform(0.45, 0.8)
    for i in range(n):
        s.rep(1.0 - (1.0 - last) * i / (n - 1), partial=None, pace=1.0 + 0.4 * i / n)
    s.lead_out()


def over_hard_first(s: _Sheet) -> None:
    """The first two pulls are 1.3 … 1.7 times as strong; the later ones are not partial for that."""
    s.lead_in()
    s.board.begin_set()
    hard = s.uniform(1.3, 1.7)
    for i in range(max(6, s.p.reps)):
        s.rep(hard if i < 2 else 1.0, partial=None if i < 4 else False)
    s.lead_out()


def single(s: _Sheet) -> None:
    """One repetition, strong enough to be nothing else."""
    s.p = replace(s.p, peak=max(s.p.peak, 30.0))
    s.lead_in()
    s.board.begin_set()
    s.rep()
    s.lead_out()


def alternating(s: _Sheet) -> None:
    """Left and right in turn on one band, of unlike strength and pace; every pull is one."""
    s.lead_in()
    s.board.begin_set()
    weaker, slower = s.uniform(0.8, 0.97), s.uniform(0.9, 1.25)
    for i in range(2 * max(3, s.p.reps // 2)):
        s.rep(weaker if i % 2 else 1.0, pace=slower if i % 2 else 1.0)
    s.lead_out()


def talk(s: _Sheet) -> None:
    """A long hold at the top that sags by 8 … 25 % and is pulled up again; one repetition."""
    s.lead_in()
    s.board.begin_set()
    talked = int(s.rng.integers(1, max(2, s.p.reps - 1)))

    def sag() -> None:
        top = s.board.level
        for _ in range(int(s.rng.integers(1, 3))):
            s.board.to(top - s.uniform(0.08, 0.25) * s.p.swing, s.uniform(1.5, 4.0))
            s.board.to(top * s.uniform(0.97, 1.0), s.uniform(0.4, 1.0))

    for i in range(s.p.reps):
        s.rep(within=sag if i == talked else None, bounded=i != talked)
    s.lead_out()


def slow_to_quick(s: _Sheet) -> None:
    """Three to five repetitions of 3 … 4 s, then as many of about 1 s at half the swing."""
    s.lead_in()
    s.board.begin_set()
    period_s = s.uniform(3.0, 4.2)
    slow = replace(s.p, rise_s=0.45 * period_s, fall_s=0.55 * period_s, hold_s=0.0, rest_s=0.0)
    s.p = slow
    for _ in range(int(s.rng.integers(3, 6))):
        s.rep()
    high = slow.valley + s.uniform(0.0, 0.5) * slow.swing * 0.8
    share, quick_s = s.uniform(0.4, 0.6), s.uniform(0.8, 1.3)
    s.p = replace(
        slow, rise_s=0.5 * quick_s, fall_s=0.5 * quick_s, valley=high, peak=high + share * slow.swing
    )
    s.board.to(high, 0.4 * quick_s) if high > s.board.level else None
    for _ in range(int(s.rng.integers(3, 7))):
        s.rep(partial=None)
    s.lead_out()


def quick_after_holds(s: _Sheet) -> None:
    """Two repetitions held for 3 … 8 s, then quick ones to the same places."""
    s.lead_in()
    s.board.begin_set()
    for _ in range(2):
        s.rep(hold_s=s.uniform(3.0, 8.0))
    s.p = replace(s.p, hold_s=0.0, rest_s=0.0)
    pace = s.uniform(0.8, 1.4) / (s.p.rise_s + s.p.fall_s)
    for _ in range(max(4, s.p.reps)):
        s.rep(pace=pace)
    s.lead_out()


def uneven(s: _Sheet) -> None:
    """The same places at very unlike pace, or unlike places at one pace."""
    s.lead_in()
    s.board.begin_set()
    levels = s.rng.random() < 0.5
    for _ in range(max(5, s.p.reps)):
        if levels:
            s.rep(s.uniform(0.7, 1.15), partial=None)
        else:
            s.rep(pace=_log(s.rng, 0.6, 1.7), hold_s=float(s.rng.exponential(0.6)))
    s.lead_out()


def pauses(s: _Sheet) -> None:
    """Pulls and returns that stop on the way for 0.2 … 1.2 s, and go on."""
    s.lead_in()
    s.board.begin_set()
    for _ in range(max(4, s.p.reps)):
        bottom, top = s.p.valley, s.p.valley + s.vary(s.p.swing)
        start_s = s.board.now_s
        if s.rng.random() < 0.5:
            s.board.to(bottom + s.uniform(0.25, 0.75) * (top - bottom), 0.6 * s.p.rise_s)
            s.board.stay(s.uniform(0.2, 1.2))
        s.board.to(top, 0.6 * s.p.rise_s, s.p.up)
        top_s = s.board.now_s
        s.board.stay(s.vary(s.p.hold_s))
        if s.rng.random() < 0.5:
            s.board.to(bottom + s.uniform(0.25, 0.75) * (top - bottom), 0.6 * s.p.fall_s)
            s.board.stay(s.uniform(0.2, 1.2))
        s.board.to(bottom, 0.6 * s.p.fall_s)
        s.board.mark(start_s, top_s, s.board.now_s - 0.001)
        s.board.stay(s.vary(s.p.rest_s))
    s.lead_out()


def double_peaks(s: _Sheet) -> None:
    """The hand gives way at the top by 5 … 25 % of the swing and pulls again, quickly; still one."""
    s.lead_in()
    s.board.begin_set()

    def sag() -> None:
        top = s.board.level
        s.board.to(top - s.uniform(0.05, 0.25) * s.p.swing, s.uniform(0.12, 0.4), cosine)
        s.board.to(top + s.uniform(-0.04, 0.04) * s.p.swing, s.uniform(0.12, 0.4), cosine)

    for _ in range(max(4, s.p.reps)):
        s.rep(within=sag if s.rng.random() < 0.5 else None, bounded=False)
    s.lead_out()


def two_sets(s: _Sheet) -> None:
    """The same again after a rest of 40 … 120 s, on a slack band or on a taut one with fidgeting."""
    s.lead_in()
    s.whole_set()
    if s.p.valley and s.rng.random() < 0.4:
        s.board.stay(s.uniform(40.0, 120.0), min(0.02 * s.p.swing, 1.0))
    else:
        s.lead_out()
        s.board.stay(s.uniform(40.0, 120.0))
        s.lead_in()
    s.board.begin_set()
    for _ in range(int(s.rng.integers(3, 13))):
        s.rep()
    s.lead_out()


def many(s: _Sheet) -> None:
    """Forty to eighty repetitions that tire: less far and slower in the end."""
    s.p = replace(s.p, rise_s=min(s.p.rise_s, 1.0), fall_s=min(s.p.fall_s, 1.2), hold_s=0.0)
    s.lead_in()
    s.board.begin_set()
    n, last = int(s.rng.integers(40, 81)), s.uniform(0.65, 1.0)
    for i in range(n):
        s.rep(1.0 - (1.0 - last) * i / n, pace=1.0 + 0.3 * i / n, partial=None)
    s.lead_out()


def slow_return(s: _Sheet) -> None:
    """Returns of 4 … 12 s."""
    s.p = replace(s.p, fall_s=s.uniform(4.0, 12.0), down=(cosine, jerkless)[int(s.rng.integers(2))])
    s.lead_in()
    s.board.begin_set()
    for _ in range(min(6, s.p.reps)):
        s.rep()
    s.lead_out()


# ── what happens beside it ──────────────────────────────────────────────────────────────────────────────────


def set_up(s: _Sheet) -> None:
    """One to four unlike pulls of at most a third of the later swing, a pause, then the set."""
    s.board.stay(s.uniform(1.0, 2.5))
    for _ in range(int(s.rng.integers(1, 5))):
        s.board.to(s.uniform(0.06, 0.33) * s.p.peak, s.uniform(0.25, 1.2))
        s.board.stay(s.uniform(0.0, 0.6))
        s.board.to(s.uniform(0.0, 0.04) * s.p.peak, s.uniform(0.25, 1.2))
        s.board.stay(s.uniform(0.0, 1.0))
    s.board.to(0.0, 0.3)
    s.lead_in()
    s.whole_set()
    s.lead_out()


def tugs(s: _Sheet) -> None:
    """One to four tugs of about a quarter to half of the later swing, a pause, then the set."""
    s.p = replace(s.p, valley=0.0)
    s.board.stay(s.uniform(1.0, 2.5))
    share, cv = s.uniform(0.25, 0.5), s.uniform(0.1, 0.25)
    for _ in range(int(s.rng.integers(1, 5))):
        s.board.to(share * s.p.peak * s.vary(1.0, cv), 0.35 * s.vary(1.0, 0.2))
        s.board.to(0.0, 0.4 * s.vary(1.0, 0.2))
        s.board.stay(0.5 * s.vary(1.0, 0.25))
    s.board.stay(s.uniform(1.0, 4.0))
    s.whole_set()
    s.lead_out()


def carried(s: _Sheet) -> None:
    """Two sets, and between them the band is carried about: the arm swings once in two steps, by 3 … 10 N."""
    s.p = replace(s.p, valley=0.0, peak=max(s.p.peak, 40.0))
    s.lead_in()
    s.whole_set()
    s.lead_out()
    s.board.stay(s.uniform(4.0, 20.0))
    size_n, base_n, stride_s = s.uniform(2.5, 8.0), s.uniform(0.5, 4.0), s.uniform(0.95, 1.3)
    between, second = s.uniform(0.1, 0.5), s.uniform(0.3, 0.6)
    s.board.to(base_n, 1.0)
    for _ in range(round(s.uniform(10.0, 40.0) / stride_s)):
        height_n = size_n * s.vary(1.0, 0.3)
        for level, share in ((1.0, 0.33), (between, 0.2), (second, 0.17), (0.0, 0.3)):
            s.board.to(base_n + level * height_n, share * stride_s * s.vary(1.0, 0.04), cosine)
    s.board.to(0.0, 1.0)
    s.board.stay(s.uniform(4.0, 20.0))
    s.whole_set()
    s.lead_out()


def step_back(s: _Sheet) -> None:
    """In mid-set a step further from the anchor: every level is higher from then on. The step is none."""
    s.lead_in()
    s.board.begin_set()
    first = s.p.reps // 2 + 1
    for _ in range(first):
        s.rep()
    more = s.uniform(0.06, 0.25) * s.p.peak
    s.p = replace(s.p, valley=s.p.valley + more, peak=s.p.peak + more)
    s.board.stay(s.uniform(0.3, 1.5))
    s.board.to(s.p.valley, s.uniform(0.4, 1.2))
    s.board.stay(s.uniform(0.3, 1.5))
    for _ in range(max(3, s.p.reps // 2)):
        s.rep()
    s.lead_out()


def re_grip(s: _Sheet) -> None:
    """In mid-set the hand takes the band anew: tension dips, and the level is another afterwards."""
    s.p = replace(s.p, valley=max(s.p.valley, 0.12 * s.p.peak))
    s.lead_in()
    s.board.begin_set()
    for _ in range(s.p.reps // 2 + 1):
        s.rep()
    s.board.stay(s.uniform(0.3, 1.0))
    s.board.to(s.uniform(0.0, 0.7) * s.p.valley, s.uniform(0.15, 0.5))
    s.board.stay(s.uniform(0.1, 0.8))
    move = s.uniform(-0.10, 0.15) * s.p.peak
    s.p = replace(s.p, valley=max(0.0, s.p.valley + move), peak=s.p.peak + move)
    s.board.to(s.p.valley, s.uniform(0.2, 0.8))
    s.board.stay(s.uniform(0.3, 1.0))
    for _ in range(max(3, s.p.reps // 2)):
        s.rep()
    s.lead_out()


def walk_then_set(s: _Sheet) -> Finish:
    """Walking with the handle, then a set."""
    walked_s = s.uniform(5.0, 25.0)
    s.board.stay(walked_s)
    s.p = replace(s.p, peak=max(s.p.peak, 30.0))
    s.board.stay(s.uniform(1.2, 2.0))
    s.lead_in()
    s.whole_set()
    s.lead_out()
    return {"added": steps(s.rng, walked_s)}


def talk_before(s: _Sheet) -> None:
    """Standing in the start position with the band taut, swaying, for 5 … 20 s before the set."""
    s.p = replace(s.p, valley=max(s.p.valley, 0.15 * s.p.peak))
    s.lead_in()
    s.board.stay(s.uniform(5.0, 20.0), min(0.025 * s.p.swing, 1.5))
    s.whole_set()
    s.lead_out()


def cut_in(s: _Sheet) -> Finish:
    """The recording begins in the middle of a repetition, which may be counted or not."""
    top = s.p.peak * s.uniform(0.95, 1.0)
    s.board.level = s.p.valley + s.uniform(0.3, 1.0) * (top - s.p.valley)
    s.board.begin_set()
    s.board.rep(top, s.p.valley, 0.3 * s.p.rise_s, s.p.fall_s, s.p.hold_s, partial=None, bounded=False)
    s.board.stay(s.p.rest_s)
    for _ in range(max(3, s.p.reps)):
        s.rep()
    s.lead_out()
    return {"optional": frozenset({0})}


def bounces(s: _Sheet) -> Finish:
    """The hand springs back at the bottom, 2 … 4 Hz, 4 … 10 % of the swing, dying away."""
    s.p = replace(s.p, rest_s=s.uniform(0.7, 1.5))
    plain(s)
    hz, size = s.uniform(2.0, 4.0), s.uniform(0.04, 0.10) * s.p.swing
    ends = [rep.end_s for rep in s.board.intervals]

    def added(grid_s: FloatArray) -> FloatArray:
        made = np.zeros_like(grid_s)
        for end_s in ends:
            since = np.clip(grid_s - end_s, 0.0, 0.6)
            made += size * np.exp(-since / 0.15) * np.sin(np.pi * hz * since) ** 2 * (since < 0.6)
        return made

    return {"added": added}


def swaying(s: _Sheet) -> Finish:
    """The whole body sways, 0.1 … 0.6 Hz, 1 … 4 % of the swing, before, in and after the set."""
    s.p = replace(s.p, valley=max(s.p.valley, 0.1 * s.p.peak))
    s.lead_in()
    taut_s = s.board.now_s - 0.4
    s.board.begin_set()
    for _ in range(s.p.reps):
        s.rep(bounded=False)
    s.board.stay(s.uniform(1.0, 5.0))
    loose_s = s.board.now_s
    s.lead_out()
    knots = np.cumsum(s.rng.uniform(0.8, 4.0, int(s.board.now_s / 0.8) + 4))
    values = s.rng.normal(0.0, s.uniform(0.01, 0.04) * s.p.swing, knots.size)

    def added(grid_s: FloatArray) -> FloatArray:
        taut = np.clip(np.minimum(grid_s - taut_s, loose_s - grid_s) / 0.4, 0.0, 1.0)
        made: FloatArray = smooth(knots, values, grid_s) * taut
        return made

    return {"added": added}


def creeping(s: _Sheet) -> None:
    """Every valley a little higher than the one before, up to a third of the swing."""
    s.lead_in()
    s.board.begin_set()
    n, more = max(5, s.p.reps), s.uniform(0.1, 0.33) * s.p.swing
    for i in range(n):
        s.board.rep(
            s.p.valley + s.vary(s.p.swing),
            s.p.valley + more * (i + 1) / n,
            s.vary(s.p.rise_s),
            s.vary(s.p.fall_s),
            s.vary(s.p.hold_s),
            up=s.p.up,
            down=s.p.down,
        )
        s.board.stay(s.vary(s.p.rest_s))
    s.lead_out()


def slack_bottom(s: _Sheet) -> None:
    """The band is slack over 10 … 45 % of the stroke."""
    s.p = replace(s.p, valley=0.0)
    slack = s.uniform(0.1, 0.45)
    s.p = replace(s.p, rest_s=s.p.rest_s + slack * (s.p.rise_s + s.p.fall_s) / 2.0)
    s.lead_in()
    s.whole_set()
    s.lead_out()


def weak(s: _Sheet) -> None:
    """A patient with a yellow band: peaks of 5 … 12 N, 1 … 4 s."""
    s.p = replace(s.p, peak=s.uniform(5.0, 12.0))
    s.p = replace(s.p, valley=float(s.rng.choice((0.0, s.uniform(0.0, 0.3)))) * s.p.peak)
    s.lead_in()
    s.whole_set()
    s.lead_out()


def quick(s: _Sheet) -> None:
    """0.35 … 0.8 s a repetition, 5 … 30 of them."""
    period_s = s.uniform(0.35, 0.8)
    s.p = replace(s.p, rise_s=0.5 * period_s, fall_s=0.5 * period_s, hold_s=0.0, rest_s=0.0)
    s.lead_in()
    s.board.begin_set()
    for _ in range(int(s.rng.integers(5, 31))):
        s.rep()
    s.lead_out()


def tremor(s: _Sheet) -> Finish:
    """A shaking hand, 6 … 11 Hz, 1 … 3 % of the tension."""
    plain(s)
    hz, share = s.uniform(6.0, 11.0), s.uniform(0.01, 0.03)
    knots = np.arange(0.0, s.board.now_s + 2.0, 0.7)
    size = s.rng.uniform(0.3, 1.0, knots.size)
    phase = s.uniform(0.0, 6.0)
    peak = s.p.peak

    def added(grid_s: FloatArray) -> FloatArray:
        made: FloatArray = (
            0.5 * share * peak * smooth(knots, size, grid_s) * np.sin(2 * np.pi * hz * grid_s + phase)
        )
        return made

    return {"added": added}


def put_down(s: _Sheet) -> Finish:
    """The handle hits the floor after the set."""
    plain(s)
    at_s = s.board.now_s + s.uniform(0.5, 2.0)
    s.board.stay(4.0)
    height, width_s = s.uniform(20.0, 150.0), s.uniform(0.008, 0.02)

    def added(grid_s: FloatArray) -> FloatArray:
        since = np.abs(grid_s - at_s) / width_s
        made: FloatArray = np.where(since < 1.0, height * np.cos(np.minimum(since, 1.0) * np.pi / 2), 0.0)
        return made

    return {"added": added}


def snap(s: _Sheet) -> Finish:
    """The band tears at the top of the last pull, which may be counted or not."""
    s.lead_in()
    s.board.begin_set()
    n = max(3, s.p.reps)
    for _ in range(n - 1):
        s.rep()
    start_s = s.board.now_s
    s.board.to(s.p.peak, s.p.rise_s, s.p.up)
    lost = s.board.level
    s.board.to(0.0, 0.02)
    s.board.stay(s.uniform(2.0, 4.0))
    at_s = start_s + s.p.rise_s
    s.board.mark(start_s, at_s, at_s + 0.02, None)
    ring_hz, undershoot = s.uniform(12.0, 35.0), s.uniform(0.05, 0.3)

    def added(grid_s: FloatArray) -> FloatArray:
        since = np.maximum(grid_s - at_s - 0.02, 0.0)
        made: FloatArray = -undershoot * lost * np.exp(-since / 0.08) * np.sin(2 * np.pi * ring_hz * since)
        return made

    return {"added": added, "optional": frozenset({n - 1}), "snapped_s": at_s}


# ── what the sensor and the link do ─────────────────────────────────────────────────────────────────────────


def plain(s: _Sheet) -> None:
    """A set and nothing else."""
    s.lead_in()
    s.whole_set()
    s.lead_out()


def wrong_zero(s: _Sheet) -> Finish:
    """The zero is up to 20 N off, either way; a light band's peaks may be below zero."""
    s.p = replace(s.p, peak=_log(s.rng, 8.0, 120.0), valley=0.0)
    plain(s)
    off = s.uniform(-20.0, 20.0)
    return {"added": lambda grid_s: np.full(grid_s.size, off)}


def drift(s: _Sheet) -> Finish:
    """The zero drifts by 1.5 … 3 N a minute, either way."""
    plain(s)
    a_second = float(s.rng.choice((-1.0, 1.0))) * s.uniform(1.5, 3.0) / 60.0
    return {"added": lambda grid_s: a_second * grid_s}


def noisy(s: _Sheet) -> Finish:
    """Noise of 0.2 … 0.5 N, for peaks from 30 N on."""
    s.p = replace(s.p, peak=max(s.p.peak, 30.0), valley=min(s.p.valley, 10.0))
    plain(s)
    return {"noise_n": s.uniform(0.2, 0.5)}


def spikes(s: _Sheet) -> Finish:
    """Single wrong samples, up to ten a minute."""
    plain(s)
    a_second = s.uniform(1.0, 10.0) / 60.0
    rng = s.rng

    def spoiled(time_s: FloatArray, shown: FloatArray) -> FloatArray:
        step_s = float(np.median(np.diff(time_s)))
        hit = rng.random(time_s.size) < a_second * step_s
        hit[:3] = hit[-3:] = False
        made: FloatArray = np.where(hit, rng.choice((0.0, -300.0, 500.0, 60.0), time_s.size), shown)
        return made

    return {"spoiled": spoiled}


def gap(s: _Sheet) -> Finish:
    """The link is gone for 0.1 … 3 s somewhere in the set; what nobody saw may be counted or not."""
    s.p = replace(s.p, reps=max(5, s.p.reps))
    plain(s)
    reps = s.board.intervals
    length_s = _log(s.rng, 0.1, 3.0)
    from_s = s.uniform(reps[0][0], reps[-1][2] - 0.5 * length_s)
    to_s = from_s + length_s

    def hidden(start_s: float, end_s: float) -> float:
        return max(0.0, min(end_s, to_s) - max(start_s, from_s)) / (end_s - start_s)

    unseen = frozenset(
        i
        for i, (a, t, b) in enumerate(reps)
        if hidden(a + 0.5 * (t - a), t + 0.5 * (b - t)) > 0.5 or hidden(a, t) > 0.8 or hidden(t, b) > 0.8
    )

    def kept(time_s: FloatArray) -> BoolArray:
        arrived: BoolArray = (time_s < from_s) | (time_s >= to_s)
        return arrived

    return {"kept": kept, "optional": unseen}


def lossy(s: _Sheet) -> Finish:
    """One to eight per cent of the samples never arrive, one or a few at a time."""
    plain(s)
    lost, rng = s.uniform(0.01, 0.08), s.rng

    def kept(time_s: FloatArray) -> BoolArray:
        size = int(rng.integers(1, 5))
        gone = np.repeat(rng.random(time_s.size // size + 1) < lost, size)[: time_s.size]
        gone[0] = False
        return ~gone

    return {"kept": kept}


def steps(rng: Generator, until_s: float, from_s: float = 0.0) -> Callable[[FloatArray], FloatArray]:
    """What walking does to a band that hangs between hand and anchor: 3 … 15 N, 1.5 … 2.2 Hz, on sway."""
    height, hz, sway = rng.uniform(3.0, 15.0), rng.uniform(1.5, 2.2), rng.uniform(0.0, 3.5)
    width = rng.uniform(0.09, 0.16)
    limp = rng.uniform(0.7, 1.0)
    at, tops, sizes = from_s + rng.uniform(0.2, 0.6), [], []
    while at < until_s - 0.4:
        tops.append(at)
        sizes.append(
            height * (limp if len(tops) % 2 else 1.0) * float(np.clip(rng.normal(1.0, 0.15), 0.4, 1.5))
        )
        at += float(np.clip(rng.normal(1.0, 0.05), 0.8, 1.2)) / hz
    knots = np.arange(0.0, until_s + 4.0, 1.1) + rng.uniform(-0.3, 0.3, int(np.ceil((until_s + 4.0) / 1.1)))
    knots[0] = 0.0
    levels = np.abs(rng.normal(0.0, sway, knots.size))

    def added(grid_s: FloatArray) -> FloatArray:
        made = np.zeros_like(grid_s)
        for top_s, size in zip(tops, sizes, strict=True):
            near = slice(*np.searchsorted(grid_s, (top_s - 5 * width, top_s + 5 * width)))
            made[near] += size * np.exp(-0.5 * ((grid_s[near] - top_s) / width) ** 2)
        fade = np.clip(np.minimum((until_s - grid_s) / 0.5, (grid_s - from_s) / 0.5), 0.0, 1.0)
        swayed: FloatArray = made + smooth(knots, levels, grid_s) * fade
        return swayed

    return added


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            plain,
            partials,
            begun_short,
            full_and_half,
            adjusting,
            pulses,
            one_and_a_half,
            half_returns,
            drop_set,
            cluster,
            growing,
            shrinking,
            over_hard_first,
            single,
            alternating,
            talk,
            slow_to_quick,
            quick_after_holds,
            uneven,
            pauses,
            double_peaks,
            two_sets,
            many,
            slow_return,
            set_up,
            tugs,
            carried,
            step_back,
            re_grip,
            walk_then_set,
            talk_before,
            cut_in,
            bounces,
            swaying,
            creeping,
            slack_bottom,
            weak,
            quick,
            tremor,
            put_down,
            snap,
            wrong_zero,
            drift,
            noisy,
            spikes,
            gap,
            lossy,
        )
    }
)
"""By name; each draws on a sheet and says what is special about the finish."""


def make(kind: str, seed: int, split: Split = "dev", rate_hz: float = 80.0) -> Trace:
    """One set of a kind."""
    rng = stream(split, seed, "special", kind)
    sheet = _Sheet(rng, _person(rng))
    finish = KINDS[kind](sheet) or {}
    return sheet.board.finish(
        f"special/{kind}/{split}/{seed}/{rate_hz:g}", kind, rate_hz, seed=seed, **finish
    )


def grid(split: Split = "dev", each: int = 6, first_seed: int = 0, rate_hz: float = 80.0) -> Iterator[Trace]:
    """`each` sets of every kind."""
    for kind in KINDS:
        for seed in range(first_seed, first_seed + each):
            yield make(kind, seed, split, rate_hz)
