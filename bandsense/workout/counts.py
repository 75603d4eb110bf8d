"""How many repetitions of a set were full, partial, or either: three numbers that add up to all.

A repetition is partial when it goes less than 60 % of the set's full way, and full from 75 % on. Between the
two nobody can say (`signal.ranges`), and it counts as *unsure*. These three numbers are the only ones that
anybody is told: the live view, the advice, `show`, the exports and the report take them from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

__all__ = ["RepCounts", "chances_of_all"]

LEAST_CHANCE = 0.001
"""What is less likely is not kept of a sum."""


class _Counted(Protocol):
    """A repetition: `signal.events.Rep` or `signal.metrics.RepMetrics`."""

    @property
    def partial(self) -> bool: ...
    @property
    def unsure(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RepCounts:
    """Full, partial and unsure repetitions.

    Attributes:
        full: at least three quarters of the way.
        partial: less than 60 % of it.
        unsure: between the two.
    """

    full: int = 0
    partial: int = 0
    unsure: int = 0

    @classmethod
    def of(cls, reps: Iterable[_Counted]) -> Self:
        """Count repetitions."""
        full = partial = unsure = 0
        for rep in reps:
            if rep.unsure:
                unsure += 1
            elif rep.partial:
                partial += 1
            else:
                full += 1
        return cls(full, partial, unsure)

    @property
    def all(self) -> int:
        """How many repetitions."""
        return self.full + self.partial + self.unsure

    @property
    def at_most_full(self) -> int:
        """How many may have been full: who cannot be told is given the benefit of the doubt."""
        return self.full + self.unsure


def chances_of_all(sets: Iterable[tuple[int, Mapping[int, float]]]) -> dict[int, float]:
    """Return P(so many repetitions in all) of sets, each of which is in doubt by itself.

    Args:
        sets: of each its count, and P(so many repetitions) by their number; empty where nobody knows, and
            then the count is taken for sure.
    """
    total = {0: 1.0}
    for count, chances in sets:
        added: dict[int, float] = {}
        for n, p in total.items():
            for more, q in (chances or {count: 1.0}).items():
                added[n + more] = added.get(n + more, 0.0) + p * q
        total = {n: p for n, p in added.items() if p >= LEAST_CHANCE}
    return total
