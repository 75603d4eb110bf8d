"""Plain sets over everything a band, a person and a sensor may be.

A cell is a valley as a share of the peak, a peak and a period; every other property is drawn. `grid` goes
through all cells, `cuts` through the other axes, `sample` draws anywhere within.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from benchmarks.evidence.trace import (
    BEYOND_N,
    BEYOND_SHARE,
    DT_S,
    Board,
    Shape,
    Split,
    Trace,
    cosine,
    jerkless,
    powered,
    stream,
)

__all__ = [
    "PEAKS_N",
    "PERIODS_S",
    "RATES_HZ",
    "REPS",
    "TAKE_UPS_S",
    "VALLEYS",
    "Cell",
    "cuts",
    "grid",
    "kind_of",
    "sample",
    "tops",
]

VALLEYS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
PEAKS_N = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 400.0)
PERIODS_S = (0.35, 0.5, 0.8, 1.2, 2.0, 4.0, 8.0, 15.0)
TAKE_UPS_S = (0.2, 0.5, 1.0, 2.0, 4.0)
REPS = (1, 2, 3, 5, 8, 12, 30)
RATES_HZ = (10.0, 20.0, 40.0, 80.0, 320.0)
VARIATIONS = (0.0, 0.03, 0.08)
POWERS = {"sharp": 1.6, "pointed": 2.5, "broad": 0.65}
ALONE_N = 15.0
"""A single pull below this is what people do with a band that they are untangling."""

LONGEST_S = 240.0
"""No set lasts longer."""
SHAPES = ("sin²", "sharp", "broad", "minimum jerk", "hold")
STARTS = ("rest", "flowing", "cut")
"""Before the first repetition: the band is taken up and held; it is taken up by the first pull; the recording
begins on the taut band."""


WAITED_S = 0.5
"""Where the band stays in the valley for so long after the last repetition, its end is fixed."""


class Cell(NamedTuple):
    """What a plain set is like."""

    valley: float
    peak_n: float
    period_s: float
    rate_hz: float = 80.0
    reps: int = 8
    take_up_s: float = 1.0
    variation: float = 0.0
    shape: str = "sin²"
    start: str = "rest"
    slack: float = 0.0
    ending: str = "release"

    @property
    def beyond(self) -> bool:
        """Whether it is smaller than what has to be counted; one small pull alone may be anything."""
        swing = self.peak_n * (1.0 - self.valley)
        least = ALONE_N if self.reps == 1 else BEYOND_N
        return swing < least - 1e-9 or 1.0 - self.valley < BEYOND_SHARE


class _Form(NamedTuple):
    """Shares of a period, and the shapes of rise and fall."""

    rise: float
    hold: float
    fall: float
    up: Shape
    down: Shape


def make(cell: Cell, seed: int = 0, split: Split = "dev", kind: str = "anywhere") -> Trace:
    """The set of a cell."""
    rng = stream(split, seed, "envelope", *cell)
    form = _form(rng, cell)
    board = Board(rng)
    valley = cell.valley * cell.peak_n
    _lead_in(board, cell, valley)
    board.begin_set()
    for i in range(cell.reps):
        _repeat(board, cell, form, valley, first=i == 0, last=i == cell.reps - 1)
    if cell.ending == "release":
        wait_s = float(rng.uniform(0.2, 1.5)) if valley else 0.0
        board.stay(wait_s)
        if wait_s >= WAITED_S and (cell.reps > 1 or cell.start != "flowing"):
            board.bound()
        board.to(0.0, float(rng.uniform(0.3, 1.5)) if board.level else DT_S)
        board.stay(float(rng.uniform(1.0, 3.0)))
    else:
        board.stay(float(rng.uniform(0.05, 0.3)))
    return board.finish(
        f"envelope/{split}/{seed}/" + "/".join(f"{v:g}" if isinstance(v, float) else f"{v}" for v in cell),
        kind,
        cell.rate_hz,
        seed=seed,
        beyond=cell.beyond,
    )


def _lead_in(board: Board, cell: Cell, valley: float) -> None:
    rng = board.rng
    if cell.start == "cut":
        board.level = valley
        board.stay(float(rng.uniform(0.3, 1.0)))
        return
    board.stay(float(rng.uniform(1.0, 3.0)))
    if valley and cell.start == "rest":
        board.to(valley, cell.take_up_s)
        board.stay(float(rng.uniform(0.5, 3.0)))


def _form(rng: Generator, cell: Cell) -> _Form:
    if cell.shape == "sin²":
        return _Form(0.5, 0.0, 0.5, cosine, cosine)
    if cell.shape in POWERS:
        shape = powered(POWERS[cell.shape])
        return _Form(0.5, 0.0, 0.5, shape, shape)
    rise = float(rng.uniform(0.3, 0.6))
    if cell.shape == "minimum jerk":
        return _Form(rise, 0.0, 1.0 - rise, jerkless, jerkless)
    hold = float(rng.uniform(0.1, 0.4))
    return _Form(rise * (1.0 - hold), hold, (1.0 - rise) * (1.0 - hold), jerkless, jerkless)


def _repeat(board: Board, cell: Cell, form: _Form, valley: float, *, first: bool, last: bool) -> None:
    rng = board.rng
    swing = cell.peak_n - valley

    def vary(cv: float) -> float:
        return float(np.clip(rng.normal(1.0, cv), 1.0 - 2.5 * cv, 1.0 + 2.5 * cv)) if cv else 1.0

    period_s = cell.period_s * vary(cell.variation)
    top = valley + swing * vary(cell.variation)
    bottom = max(0.0, valley + swing * 0.5 * (vary(cell.variation) - 1.0))
    rise_s, hold_s, fall_s = (period_s * share for share in form[:3])
    if first and cell.start == "flowing":
        rise_s = max(rise_s, min(cell.take_up_s, 3.0 * rise_s))
    slack_s = 0.0
    if not valley and cell.slack:
        # The hand goes on where the band is slack: the same stroke, and only its taut part shows.
        slack_s = cell.slack * (rise_s + fall_s) / 2.0
        rise_s, fall_s = rise_s * (1.0 - cell.slack / 2.0), fall_s * (1.0 - cell.slack / 2.0)
        bottom = 0.0
    plain = not (first and cell.start == "flowing" and valley > 0.0) and not (last and valley > 0.0)
    board.rep(top, bottom, rise_s, fall_s, hold_s, up=form.up, down=form.down, bounded=plain)
    if not last:
        board.stay(slack_s)


def _drawn(rng: Generator, valley: float, peak_n: float, period_s: float, rate_hz: float) -> Cell:
    """A cell's other properties, drawn."""
    most = max(3, int(LONGEST_S / period_s))
    start = str(rng.choice(STARTS, p=(0.6, 0.25, 0.15)))
    return Cell(
        valley,
        peak_n,
        period_s,
        rate_hz,
        int(min(most, rng.choice((5, 8, 12)))),
        float(rng.choice(TAKE_UPS_S)),
        float(rng.choice(VARIATIONS)),
        str(rng.choice(SHAPES)),
        start,
        float(rng.uniform(0.05, 0.45)) if rng.random() < 0.4 else 0.0,
        "cut" if rng.random() < 0.15 else "release",
    )


def grid(
    split: Split = "dev", rate_hz: float = 80.0, each: int = 1, first_seed: int = 0, *, plain: bool = False
) -> Iterator[Trace]:
    """`each` sets of every cell; with `plain` all eight even sin² repetitions after a take-up of a second."""
    for seed in range(first_seed, first_seed + each):
        for valley, peak_n, period_s in product(VALLEYS, PEAKS_N, PERIODS_S):
            rng = stream(split, seed, "cell", valley, peak_n, period_s, rate_hz)
            cell = Cell(valley, peak_n, period_s, rate_hz)
            drawn = _drawn(rng, valley, peak_n, period_s, rate_hz)
            yield make(cell if plain else drawn, seed, split, kind_of(valley, peak_n, period_s))


def kind_of(valley: float, peak_n: float, period_s: float) -> str:
    """What the traces of a cell are examples of."""
    return f"{valley:g} of {peak_n:g} N, {period_s:g} s"


def cuts(split: Split = "dev", seed: int = 0) -> Iterator[Trace]:
    """Along the other axes: rates, take-ups, repetitions, shapes, starts, slack, each with every period."""
    for period_s, valley in product(PERIODS_S, (0.0, 0.3, 0.6)):
        plain = Cell(valley, 60.0, period_s, variation=0.03)
        for kind, cell in _around(plain):
            if cell.reps * period_s <= LONGEST_S:
                yield make(cell, seed, split, kind)


def _around(plain: Cell) -> Iterator[tuple[str, Cell]]:
    for rate_hz in RATES_HZ:
        yield f"{rate_hz:g} samples a second", plain._replace(rate_hz=rate_hz)
    for take_up_s in TAKE_UPS_S:
        for start in STARTS[:2]:
            cell = plain._replace(take_up_s=take_up_s, start=start)
            yield f"taken up in {take_up_s:g} s", cell
    for reps in REPS:
        yield f"{reps} repetition{'s' if reps > 1 else ''}", plain._replace(reps=reps)
    for variation in VARIATIONS:
        yield f"unevenness {variation:g}", plain._replace(variation=variation)
    for shape in SHAPES:
        yield f"shape {shape}", plain._replace(shape=shape, variation=0.08)
    for start in STARTS:
        yield f"start {start}", plain._replace(start=start, ending="cut" if start == "cut" else "release")
    for slack in (0.15, 0.3, 0.45) if not plain.valley else ():
        yield f"slack over {slack:g}", plain._replace(slack=slack)


TOP_PERIODS_S = (0.35, 0.5, 0.8, 1.2, 2.0, 4.0, 6.0)


def tops(split: Split = "dev", each: int = 1, first_seed: int = 0) -> Iterator[Trace]:
    """Ten repetitions at every rate and period up to 6 s, with round and with pointed tops."""
    for seed in range(first_seed, first_seed + each):
        for rate_hz, period_s, shape in product(RATES_HZ, TOP_PERIODS_S, ("sin²", "pointed")):
            cell = Cell(0.1, 60.0, period_s, rate_hz, 10, shape=shape, variation=0.02)
            yield make(cell, seed, split, f"{rate_hz:g} Hz, {period_s:g} s, {shape}")


def sample(count: int, split: Split = "dev", first_seed: int = 0) -> Iterator[Trace]:
    """Sets anywhere within the envelope: log-uniform peaks, periods and take-ups, any rate."""
    for seed in range(first_seed, first_seed + count):
        rng = stream(split, seed, "anywhere")
        period_s = float(np.exp(rng.uniform(np.log(PERIODS_S[0]), np.log(PERIODS_S[-1]))))
        cell = _drawn(
            rng,
            float(rng.uniform(0.0, VALLEYS[-1])),
            float(np.exp(rng.uniform(np.log(PEAKS_N[0]), np.log(PEAKS_N[-1])))),
            period_s,
            float(rng.choice(RATES_HZ)),
        )
        take_up_s = float(np.exp(rng.uniform(np.log(TAKE_UPS_S[0]), np.log(TAKE_UPS_S[-1]))))
        reps = int(min(rng.choice(REPS), max(1, int(LONGEST_S / period_s))))
        variation = float(rng.uniform(0.0, 0.08))
        yield make(cell._replace(take_up_s=take_up_s, reps=reps, variation=variation), seed, split)
