"""How sure the repetitions of a recorded trace are, and their number: as after the sets of a workout."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from bandsense.signal.analysis import SetAnalysis
from bandsense.signal.announcer import APART_S
from bandsense.signal.events import CountJudged, Rep, RepCounted, RepRetracted
from bandsense.workout.counts import chances_of_all

__all__ = ["as_sure_as_known"]


def as_sure_as_known(found: SetAnalysis) -> tuple[tuple[Rep, ...], dict[int, float]]:
    """Return the repetitions of a trace, each as sure as it was told last, and P(so many in all).

    What the detector says of a count is of the set that it told last. So each set of the trace is as sure as
    it was when the next one began; what was taken back since is none.
    """
    firsts = [found.causal[0], *_next_firsts(found.causal)] if found.causal else []
    firsts_of_next = {rep.index for rep in firsts[1:]}
    starts_s = [rep.pull_start_s for rep in firsts[1:]]
    standing: dict[int, int] = {}  # the place of each one's set, by its index
    probability: dict[int, float] = {}
    more: Mapping[int, float] = {0: 1.0}
    then: list[tuple[int, Mapping[int, float]]] = []  # of each set: how many stood, and how many more
    for event in found.events:
        match event:
            case RepCounted(index=index, time_s=top_s):
                if index in firsts_of_next:
                    then.append((_of_set(standing, len(then)), more))
                    more = {0: 1.0}
                standing[index] = bisect(starts_s, top_s)
            case RepRetracted(index=index):
                standing.pop(index, None)
            case CountJudged():
                more = event.more
                told = ((index, p) for index, p in event.reps.items() if standing.get(index) == len(then))
                probability.update(told)
    then.append((_of_set(standing, len(then)), more))
    sizes = [_of_set(standing, place) for place in range(len(then))]
    chances = chances_of_all(
        (size, _counts(stood, size, more)) for size, (stood, more) in zip(sizes, then, strict=True)
    )
    reps = (replace(r, probability=probability.get(r.index, r.probability)) for r in found.reps)
    return tuple(reps), chances


def _next_firsts(reps: tuple[Rep, ...]) -> list[Rep]:
    """Give the first repetition of each set but the first."""
    return [b for a, b in pairwise(reps) if b.pull_start_s - a.end_s > APART_S]


def _of_set(standing: Mapping[int, int], place: int) -> int:
    return sum(each == place for each in standing.values())


def _counts(stood: int, stand: int, more: Mapping[int, float]) -> dict[int, float]:
    """Return P(so many) of a set, from how many stood when it was judged, stand now, and P(so many more)."""
    chances: dict[int, float] = {}
    for n, probability in more.items():
        count = max(0, stand + n if stand >= stood else min(stood + n, stand))
        chances[count] = chances.get(count, 0.0) + probability
    return chances
