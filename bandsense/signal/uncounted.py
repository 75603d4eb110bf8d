"""What was seen and counts nothing: a rhythm that was taken for steps.

Quick repetitions on a light band look like a walk, and nothing in the trace tells them apart for sure. Where
nothing was counted at all, such a rhythm is told instead of passed over in silence, and the person's word
counts for all of it (`bandsense.signal.announcer`).

The rhythm is that of the latest walk of the best explanation. Its *run* is the latest block of movements of
its size; smaller bumps may lie between them. Sway is not told: a held band sways for minutes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from itertools import chain
from typing import Final, NamedTuple

from bandsense.signal.laws.steps import Steps
from bandsense.signal.ticks import Passage

__all__ = ["Run", "Uncounted"]

KEPT: Final = 240
"""So many of the latest movements are remembered: more than a minute of the quickest."""

LEAST: Final = 5
"""So many movements of one rhythm are worth a word."""

LEAST_N: Final = 3.0
LEAST_SHARE: Final = 0.15
"""Smaller ones are trembling or noise, in newtons and as a share of the tension."""

ALIKE: Final = 2.0
"""Movements of one run differ by less than this factor from its usual size."""

APART: Final = 3.0
"""So many intervals without a movement end a run."""


class Run(NamedTuple):
    """Movements of one rhythm: all of them, oldest first, their usual size and interval."""

    movements: tuple[Passage, ...]
    swing_n: float
    interval_s: float


class Uncounted:
    """The latest movements, and which of them are a run."""

    def __init__(self) -> None:
        self._movements: deque[Passage] = deque(maxlen=KEPT)

    def add(self, movement: Passage) -> None:
        """Take a complete movement."""
        self._movements.append(movement)

    def run(self, walk: Steps | None, back: Passage | None, since_s: float) -> Run | None:
        """Find the run of a rhythm; None where there is none worth a word.

        Args:
            walk: the rhythm.
            back: the present movement, if it has come back.
            since_s: what was before is too long ago.
        """
        if walk is None or walk.interval is None:
            return None
        swing_n, interval_s = math.exp(walk.rise), math.exp(walk.interval)
        present: Iterable[Passage] = () if back is None else (back,)
        found: list[Passage] = []
        for movement in chain(present, reversed(self._movements)):
            start, top, end = movement
            if top.time_s < since_s or (found and found[-1][1].time_s - top.time_s > APART * interval_s):
                break
            # The first may begin with taking the band up, the last end with putting it down.
            size_n = top.tension_n - max(start.tension_n, end.tension_n)
            if swing_n / ALIKE < size_n < ALIKE * swing_n:
                found.append(movement)
            elif found and size_n > swing_n:
                break
        if len(found) < LEAST or swing_n < max(LEAST_N, LEAST_SHARE * found[0][1].tension_n):
            return None
        return Run(tuple(found[::-1]), swing_n, interval_s)
