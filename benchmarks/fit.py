"""Fit the numbers of the detector's model: `python -m benchmarks.fit` writes `signal/laws/numbers.json`.

Maximises the probability that the model gives to the true count, over traces whose truth is known and in
whose making no detector had a part (`benchmarks.evidence`, the "dev" split: other seeds, people and
recordings than the "held" split that docs/accuracy.md is measured on). It goes on from the numbers that ship.
Each is moved up and down by a share of itself in turn; what makes the traces more probable stays (a pattern
search, Hooke and Jeeves 1961) under three conditions:

- The even traces become more probable and the odd ones as well: what helps one half alone is chance.
- No kind of trace is traded for another: none has more wrong ones among them than before the move.
- It is worth its price. The first numbers are believed to some degree; leaving them costs `PULL` times the
  square of the way, so that a number moves for what many traces say and not for a single one.

Turning points do not depend on the numbers and are made once. At the end the fit is stopped early: of the way
from start to end that tenth is taken at which traces from other seeds, that no number was moved for, are most
probable, among those tenths at which no section has more wrong ones among them than at the start.

`--sensitivity` prints what each number does instead: how the loss and the exact counts change when it alone
is moved.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import Pool
from pathlib import Path

import bandsense.signal
from bandsense.signal.announcer import SOMETHING
from bandsense.signal.explanation import Explanation
from bandsense.signal.explanations import Explanations
from bandsense.signal.filters import Conditioner
from bandsense.signal.laws.numbers import FITTED, Numbers
from bandsense.signal.ticks import Ticks, TurningPoint
from bandsense.signal.turning_points import Look, TurningPoints
from benchmarks.evidence import (
    controls,
    envelope,
    idling,
    movement,
    recordings,
    simulators,
    special,
    splices,
    walks,
)
from benchmarks.evidence.trace import Split, Trace
from benchmarks.tables import replace_between

LEAST_PROBABLE = -8.0
"""A trace costs at most so many nats: one that the model cannot explain does not bend it."""

LATE = 0.3
"""What doubt during a set weighs, beside the final count."""

FIRST = 5
"""So many repetitions of a set may be needed to know that it is one."""

PULL = 100.0
"""Nats that it costs to move a number by a whole logarithm from where it was, or a probability by a logit."""

SURE = 0.01
"""A trace with a smaller loss is sure: a move of one number seldom makes it wrong."""

FRESH_SEED = 1001
"""The first seed of the traces by which the fit is stopped."""

NONE = frozenset({0})

NAMES = tuple(name for name, _ in FITTED.named())

SHARES = frozenset(
    name
    for name in NAMES
    if name.partition(".")[2].startswith(("p_", "part_")) or name.endswith(("_w", "_w1", "_w2", "share"))
) | {"telling.trust"}
"""Numbers between 0 and 1, moved on the logit scale."""

FIXED = frozenset(name for name in NAMES if name.startswith("telling.")) - {"telling.trust"}
"""Numbers of the online rule, which the final count does not depend on."""

DEFINED = frozenset({"returns.least", "ripples.tug_most"})
"""What a repetition is (docs/detection.md), and nothing that traces could say."""

LOGARITHMS = frozenset(name for name in NAMES if re.search(r"[._]ln_|_ln$|let_go_on", name))
"""Logarithms, moved by adding."""

KINDS = frozenset({"special", "control", "idling", "walk"})
"""Sections whose traces are of many kinds."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The turning points of a trace, ready to be explained.

    Attributes:
        weight: of its loss.
        right: the counts that are right.
        doubt: rows at whose valleys it should be certain whether there was a repetition, one after another.
        ticks: the smoothed trace.
        first: the first valley.
        rows: top, valley after it, and the lowest tension of the last minute, of each movement.
        open: top, low and lowest tension of a movement at the end that is not complete.
    """

    name: str
    weight: float
    right: frozenset[int]
    doubt: range
    ticks: Ticks
    first: TurningPoint | None
    rows: tuple[tuple[TurningPoint, TurningPoint, float], ...]
    open: tuple[TurningPoint, TurningPoint, float] | None

    @property
    def section(self) -> str:
        """What it belongs to: the first part of its name."""
        return self.name.split("/")[0]

    @property
    def kind(self) -> str:
        """Its section, and within special sets and controls what they show."""
        return "/".join(self.name.split("/")[: 2 if self.section in KINDS else 1])


def turns_of(trace: Trace, weight: float) -> Turns:
    """Reduce a trace to its turning points, by the detector's own front end."""
    conditioner = Conditioner()
    segments = [*conditioner.push(trace.time_s, trace.tension_n), *conditioner.finish()]
    step = max(1, round(conditioner.rate_hz / 20.0))
    ticks = Ticks(10**9)
    turning = TurningPoints(ticks, conditioner.rate_hz / step, conditioner.noise_gain)
    first: TurningPoint | None = None
    rows: list[tuple[TurningPoint, TurningPoint, float]] = []
    top: TurningPoint | None = None
    for segment in segments:
        if segment.gap_s >= 1.0:
            turning.interrupt()
        every = slice(-segment.first % step, None, step)
        smooth_s = segment.time_s - conditioner.delay_s
        columns = (smooth_s, segment.smooth_n, segment.clean_n, segment.ready_s)
        looks = turning.follow(*(column[every] for column in columns))
        for look in looks:
            if look is Look.TURNED:
                top = turning.top
            elif look is Look.VALLEY:
                assert turning.valley is not None
                if first is None:
                    first = turning.valley
                elif top is not None:
                    rows.append((top, turning.valley, turning.lowest_n))
    end = None
    if turning.back is not None:
        _, top, low = turning.back
        end = (top, low, turning.lowest_n)
    right = frozenset({0}) if trace.is_control else frozenset(trace.n_ok)
    doubt = range(0)
    if trace.is_control:
        doubt = range(len(rows))
    elif trace.reps:
        first_rep = sum(valley.time_s < trace.reps[0].top_s for _, valley, _ in rows)
        past = sum(valley.time_s < trace.reps[-1].end_s for _, valley, _ in rows)
        doubt = range(first_rep, max(past, min(first_rep + FIRST, len(rows))))
    return Turns(trace.name, weight, right, doubt, ticks, first, tuple(rows), end)


def explained(numbers: Numbers, one: Turns, none: list[float]) -> Sequence[Explanation]:
    """The explanations at the end of a trace; `none` takes P(nothing) at its valleys of doubt."""
    explanations = Explanations(numbers, one.ticks)
    if one.first is None:
        return []
    explanations.begin(one.first)
    for i, (top, valley, lowest_n) in enumerate(one.rows):
        kept = explanations.advance(top, valley, lowest_n)
        if i in one.doubt and kept:
            weights = [math.exp(numbers.telling.trust * (x.score - kept[0].score)) for x in kept]
            none.append(sum(w for x, w in zip(kept, weights, strict=True) if not x.count) / sum(weights))
    if one.open is not None:
        found = explanations.look(*one.open, width=True, end=True)
        if found:
            return found
    return explanations.survivors


def judged(numbers: Numbers, one: Turns) -> tuple[float, bool]:
    """Loss in nats of a trace, and whether its most likely count is right.

    Of a control the worst moment counts: nothing may be shown at any time. Of a set it costs as well if its
    first repetitions leave it in doubt whether there was any, as what is late is late for that reason, and if
    there is such doubt at the worst moment after them, as then all of it is taken back.
    """
    none: list[float] = []
    found = explained(numbers, one, none)
    mass: dict[int, float] = {}
    for x in found:
        mass[x.count] = mass.get(x.count, 0.0) + math.exp(numbers.telling.trust * (x.score - found[0].score))
    if not mass:
        mass = {0: 1.0}
    total = sum(mass.values())
    p = sum(m for n, m in mass.items() if n in one.right) / total
    something = 1.0 - mass.get(0, 0.0) / total
    above, median, enough = 0.0, 0, 0.5 if something >= 0.5 else 0.5 * something
    for n in sorted(mass, reverse=True):
        above += mass[n]
        if something >= SOMETHING and above >= enough * total:
            median = n
            break
    right = median in one.right
    if one.right == NONE:
        return _nats(min([p, *none])), right
    doubts = [_nats(1.0 - p_none) for p_none in none]
    late = sum(doubts[:FIRST]) / len(doubts[:FIRST]) if doubts else 0.0
    return _nats(p) + LATE * (late + max(doubts[FIRST:], default=0.0)), right


def _nats(p: float) -> float:
    return min(-LEAST_PROBABLE, -math.log(max(p, 1e-12)))


def asked(trace: Trace) -> bool:
    """Whether it has to be counted."""
    return trace.n is not None and "beyond" not in trace.tags


def material(split: Split = "dev", size: int = 4, first_seed: int = 0) -> Iterator[tuple[str, Trace]]:
    """Traces by section; what has no seeds comes with the first only."""
    first = first_seed
    if not first:
        yield from (("envelope", t) for t in envelope.grid(split, plain=True) if asked(t))
    yield from (("envelope", t) for t in envelope.grid(split, first_seed=first) if asked(t))
    if not first:
        yield from (("cuts", t) for t in envelope.cuts(split) if asked(t))
    yield from (("anywhere", t) for t in envelope.sample(100 * size, split, first) if asked(t))
    yield from (("splices", t) for t in splices.sample(150 * size, split, first) if asked(t))
    yield from (("movement", t) for t in movement.grid(split, 2 * size, first) if asked(t))
    if not first:
        yield from (("recordings", t) for t in recordings.band())
    yield from (("special", t) for t in special.grid(split, 6 * size, first) if asked(t))
    if not first:
        yield from (("simulators", t) for t in simulators.grid(100 * size, split))
    yield from (("controls", t) for t in controls.grid(split, 12 * size, first))
    yield from (("idling", t) for t in idling.grid(split, 16 * size, first))
    yield from (("walks", t) for t in walks.grid(split, 24 * size, first))
    if not first:
        yield from (("simulated controls", t) for t in simulators.grid_of_controls(6 * size, split))


WEIGHTS = {
    "envelope": 4.0,
    "cuts": 0.5,
    "anywhere": 1.0,
    "splices": 2.0,
    "movement": 2.0,
    "recordings": 60.0,
    "special": 2.5,
    "simulators": 2.0,
    "controls": 2.5,
    "idling": 2.0,
    "walks": 2.0,
    "simulated controls": 2.0,
}

_share: list[Turns] = []


def _load(rows: list[Turns]) -> None:
    _share.extend(rows)


def _judge_some(job: tuple[Numbers, list[int]]) -> list[tuple[float, bool]]:
    numbers, which = job
    return [judged(numbers, _share[i]) for i in which]


class Judge:
    """Judges numbers on a material with two processes."""

    def __init__(self, rows: list[Turns], processes: int = 2) -> None:
        self.rows = rows
        self._processes = processes
        self._pool = Pool(processes, _load, (rows,))

    def __call__(self, numbers: Numbers, which: list[int]) -> list[tuple[float, bool]]:
        n = self._processes * 4
        parts = self._pool.map(_judge_some, [(numbers, which[i::n]) for i in range(n)])
        results: list[tuple[float, bool]] = [(0.0, True)] * len(which)
        for i, part in enumerate(parts):
            results[i::n] = part
        return results

    def half(self, numbers: Numbers, which: list[int], scale: Sequence[float]) -> Half:
        """How probable numbers make some traces, and how many of each kind they count wrongly."""
        rows, results = [self.rows[i] for i in which], self(numbers, which)
        return Half(weighted(results, rows, scale), wrong(results, [row.kind for row in rows]))


@dataclass(frozen=True, slots=True)
class Half:
    """The verdict on half of the traces.

    Attributes:
        loss: weighted, in nats.
        wrong: traces that are counted wrongly, by kind.
    """

    loss: float
    wrong: Counter[str]

    def better(self, other: Half, by: float) -> bool:
        """Whether it is more probable by so many nats, and no kind has more wrong traces."""
        return self.loss < other.loss - by and self.wrong <= other.wrong


def wrong(results: Sequence[tuple[float, bool]], groups: Sequence[str]) -> Counter[str]:
    """How many traces of each group are counted wrongly; `groups` has one for each result."""
    return Counter(group for (_, right), group in zip(results, groups, strict=True) if not right)


def weighted(
    results: Sequence[tuple[float, bool]], rows: Sequence[Turns], scale: Sequence[float] | None = None
) -> float:
    """Sum of the losses, each by the weight of its trace and, where given, by a scale."""
    scale = scale or [1.0] * len(rows)
    return sum(loss * row.weight * s for (loss, _), row, s in zip(results, rows, scale, strict=True))


def coordinate(name: str, x: float) -> float:
    """A number on the scale that it is moved on: logit, itself, or logarithm."""
    if name in SHARES:
        return math.log(x / (1.0 - x))
    return x if name in LOGARITHMS else math.log(x)


def moved(numbers: Numbers, name: str, by: float) -> Numbers:
    """One number moved by a share of itself."""
    y = coordinate(name, dict(numbers.named())[name]) + by
    x = 1.0 / (1.0 + math.exp(-y)) if name in SHARES else y if name in LOGARITHMS else math.exp(y)
    return numbers.with_number(name, x)


def towards(start: Numbers, end: Numbers, share: float) -> Numbers:
    """The numbers at a share of the way from one to another."""
    numbers = start
    for (name, x), (_, y) in zip(start.named(), end.named(), strict=True):
        numbers = moved(numbers, name, share * (coordinate(name, y) - coordinate(name, x)))
    return rounded(numbers)


def rounded(numbers: Numbers) -> Numbers:
    """To four digits, as they are written."""
    for name, x in numbers.named():
        numbers = numbers.with_number(name, float(f"{x:.4g}"))
    return numbers


def way(start: Numbers, numbers: Numbers) -> float:
    """What it costs to have left the numbers that were there before: nats."""
    return PULL * sum(
        (coordinate(name, y) - coordinate(name, x)) ** 2
        for (name, x), (_, y) in zip(start.named(), numbers.named(), strict=True)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, or tell the sensitivity."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="turns through all numbers")
    parser.add_argument("--size", type=int, default=2, help="how much material")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="move only these numbers")
    parser.add_argument("--easy", type=float, default=0.2, help="share of the easy traces in each comparison")
    parser.add_argument(
        "--sensitivity", action="store_true", help="print what each number does, change nothing"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the sensitivity table into this page")
    parser.add_argument("--to", type=Path, help="where to write (default: what ships)")
    options = parser.parse_args(arguments)
    path = options.to or Path(bandsense.signal.__path__[0]) / "laws" / "numbers.json"
    rows = [turns_of(trace, WEIGHTS[name]) for name, trace in material("dev", options.size)]
    judge = Judge(rows)
    names = options.only or [name for name in NAMES if name not in FIXED]
    if options.sensitivity:
        return _sensitivity(judge, FITTED, names, options.easy, options.page)
    rng, numbers = random.Random(1), FITTED
    steps = dict.fromkeys(names, 0.15)
    for turn in range(options.rounds):
        which, scale = _hard(judge, numbers, options.easy, rng)
        halves = [(which[i::2], scale[i::2]) for i in (0, 1)]
        best = [judge.half(numbers, *half) for half in halves]
        print(f"round {turn}: {len(which)} of {len(rows)} traces, loss {_sum(best):.1f}", flush=True)
        rng.shuffle(names)
        for name in (name for name in names if name not in DEFINED):
            for sign in (1.0, -1.0):
                tried = moved(numbers, name, sign * steps[name])
                price = 0.5 * (way(FITTED, tried) - way(FITTED, numbers)) + 1e-3
                found: list[Half] = []
                for half, before in zip(halves, best, strict=True):
                    found.append(judge.half(tried, *half))
                    if not found[-1].better(before, price):
                        break
                else:
                    numbers, best = tried, found
                    steps[name] = sign * steps[name] * 1.5
                    print(f"  {name} {dict(numbers.named())[name]:.4g}: {_sum(best):.1f}", flush=True)
                    break
            else:
                steps[name] *= 0.5
    numbers = _stopped_early(FITTED, rounded(numbers), options.size)
    path.write_text(json.dumps(asdict(numbers), indent=1) + "\n")
    _report(judge, numbers)
    return 0


def _sum(halves: Sequence[Half]) -> float:
    return sum(half.loss for half in halves)


def _stopped_early(start: Numbers, end: Numbers, size: int) -> Numbers:
    """The numbers at that tenth of the way at which fresh traces are most probable.

    Of those tenths at which no section has more wrong traces than at the start.
    """
    fresh = [turns_of(trace, WEIGHTS[name]) for name, trace in material("dev", size, FRESH_SEED)]
    judge, everything = Judge(fresh), list(range(len(fresh)))
    at_start: Counter[str] = Counter()
    losses: list[tuple[float, Numbers]] = []
    for tenth in range(11):
        tried = towards(start, end, tenth / 10.0)
        results = judge(tried, everything)
        loss = weighted(results, fresh)
        missed = wrong(results, [row.section for row in fresh])
        if not tenth:
            at_start = missed
        print(f"at {10 * tenth} % of the way, {len(fresh)} fresh traces: loss {loss:.1f}, ", end="")
        print(f"{missed.total()} wrong: {dict(sorted(missed.items()))}", flush=True)
        if missed <= at_start:
            losses.append((loss, tried))
    return min(losses, key=lambda row: row[0])[1]


def _hard(judge: Judge, numbers: Numbers, easy: float, rng: random.Random) -> tuple[list[int], list[float]]:
    """Walks, traces that are not sure, and a share of the sure ones to stand for all of them.

    Of a walk many moments are nearly something: none stands for another.
    """
    everything = list(range(len(judge.rows)))
    results = judge(numbers, everything)
    _tell(judge, results)
    walk = [row.section == "walk" for row in judge.rows]
    hard = [i for i, (loss, _) in enumerate(results) if loss > SURE or walk[i]]
    sure = [i for i, (loss, _) in enumerate(results) if loss <= SURE and not walk[i]]
    some = rng.sample(sure, round(easy * len(sure)))
    return hard + some, [1.0] * len(hard) + [1.0 / easy] * len(some)


def _tell(judge: Judge, results: list[tuple[float, bool]]) -> None:
    by: dict[str, list[tuple[float, bool]]] = {}
    for row, result in zip(judge.rows, results, strict=True):
        by.setdefault(row.section, []).append(result)
    for name, some in by.items():
        print(
            f"  {name:12s} {len(some):5d} traces, exact {100 * sum(ok for _, ok in some) / len(some):.2f} %, "
            f"loss {sum(loss for loss, _ in some):.1f}"
        )


def _report(judge: Judge, numbers: Numbers) -> None:
    results = judge(numbers, list(range(len(judge.rows))))
    _tell(judge, results)
    print(f"loss {weighted(results, judge.rows):.1f}")


def _sensitivity(judge: Judge, numbers: Numbers, names: Sequence[str], easy: float, page: Path | None) -> int:
    which, scale = _hard(judge, numbers, easy, random.Random(1))
    rows = [judge.rows[i] for i in which]

    def figures(tried: Numbers) -> tuple[float, float]:
        results = judge(tried, which)
        return weighted(results, rows, scale), sum(
            (not ok) * s for (_, ok), s in zip(results, scale, strict=True)
        )

    loss, wrong = figures(numbers)
    lines = [
        f"Loss {loss:.1f}, {wrong:.0f} of {len(judge.rows)} traces wrong.",
        "",
        "| number | value | loss (down, up) | wrong traces (down, up) |",
        "|---|--:|--:|--:|",
    ]
    print("", *lines, sep="\n")
    value = dict(numbers.named())
    for name in names:
        down, up = (figures(moved(numbers, name, by)) for by in (-0.35, 0.35))
        lines.append(
            f"| `{name}` | {value[name]:.4g} | {down[0] - loss:+.1f}, {up[0] - loss:+.1f} "
            f"| {down[1] - wrong:+.0f}, {up[1] - wrong:+.0f} |"
        )
        print(lines[-1], flush=True)
    if page:
        replace_between(page, ["\n".join(lines)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
