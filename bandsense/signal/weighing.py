"""Explanations of the same movements beside each other: what each counts, and how much it weighs."""

from __future__ import annotations

from collections.abc import Sequence

from bandsense.signal.explanation import CountedRep, Explanation
from bandsense.signal.told import Shown, Told, covers

__all__ = ["Weighing"]


class Weighing:
    """The weights of explanations, by which the count and single repetitions are judged.

    Args:
        told: what the person said, which holds under all of them.

    Attributes:
        rows: explanation, the count that it is taken with, and its weight; an explanation whose latest
            movement may be no repetition yet is there twice.
        chances: P(count = n), by n.
    """

    def __init__(self, told: Told) -> None:
        self._told = told
        self.rows: list[tuple[Explanation, int, float]] = []
        self.chances: dict[int, float] = {0: 1.0}

    def weigh(self, rows: list[tuple[Explanation, int, float]]) -> None:
        """Take explanations of the same movements, at least one."""
        self.rows = rows
        if len(rows) == 1:
            self.chances = {rows[0][1]: 1.0}
            return
        mass: dict[int, float] = {}
        for _, count, weight in rows:
            mass[count] = mass.get(count, 0.0) + weight
        total = sum(mass.values())
        self.chances = {n: m / total for n, m in sorted(mass.items())}

    def at_least(self, k: int) -> float:
        """Return P(count ≥ k)."""
        total = 0.0
        for n, p in self.chances.items():
            if n >= k:
                total += p
        return total

    @property
    def expected(self) -> float:
        """How many are expected."""
        total = 0.0
        for n, p in self.chances.items():
            total += n * p
        return total

    def probability(self, shown: Shown) -> float:
        """Return P(what was told is a repetition)."""
        return self.likelihood(shown.rep.top.tick)

    def likelihood(self, top: int, beside: Sequence[int] = ()) -> float:
        """Return the share of all explanations that count a movement with this top.

        Args:
            top: a tick.
            beside: tops of others that are not to be part of the same repetition.
        """
        counting = total = 0.0
        for x, count, weight in self.rows:
            total += weight
            taken_up = count < self._told.count(x) and x.path is not None and covers(x.path, top)
            if taken_up:
                continue
            for rep in x.reps():
                if covers(rep, top) and not any(covers(rep, tick) for tick in beside):
                    counting += weight
                if rep.start.tick <= top:
                    break
        return counting / total

    def certain(self, best: Explanation, enough: float) -> list[CountedRep]:
        """Return what is a repetition at least so surely, however many there were, and is not told yet.

        Args:
            best: the likeliest explanation; the latest of its repetitions are asked for.
            enough: P(it is one).
        """
        tops = [shown.rep.top.tick for shown in self._told.shown]
        found: list[CountedRep] = []
        for rep in self._told.reps(best):
            if any(covers(rep, tick) for tick in tops):
                break
            if self.likelihood(rep.top.tick, tops) >= enough:
                found.append(rep)
        return found[::-1]
