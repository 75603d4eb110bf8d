"""How slack the band hangs at the bottom of a set, from how fast the hand is when tension vanishes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from statistics import median

from bandsense.bands.unloaded import unloaded_share
from bandsense.signal.events import Rep
from bandsense.workout.clock import ANALYSIS_HZ

__all__ = ["SLACK_TENSION", "SlackDetector"]

SLACK_TENSION = 0.03
"""Tension at the bottom, as a part of the peak, up to which the band may hang slack."""

_LEAST_SHARES = 3
_REMEMBERED_S = 40.0
"""Longer than a repetition takes."""

_BESIDE_S = 0.3
"""How far beyond the repetition's boundaries, which lie at a tenth of its rise, tension vanishes."""


class SlackDetector:
    """Follows the tension, tick by tick, and the repetitions of one set."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, float]] = deque(maxlen=round(_REMEMBERED_S * ANALYSIS_HZ))
        self._shares: dict[int, tuple[float, ...]] = {}

    def tick(self, time_s: float, tension_n: float) -> None:
        """Take the tension of the moment, `ANALYSIS_HZ` times a second."""
        self._ticks.append((time_s, tension_n))

    def add(self, rep: Rep, exponent: float) -> None:
        """Take a repetition that has just been done, on a band whose power law has this exponent."""
        self._shares[rep.index] = tuple(self._shares_of(rep, exponent))

    def retract(self, index: int) -> None:
        """A repetition is taken back."""
        self._shares.pop(index, None)

    @property
    def share(self) -> float | None:
        """Part of the movement over which the band hangs slack; None where too little was seen."""
        shares = [share for of_rep in self._shares.values() for share in of_rep]
        return median(shares) if len(shares) >= _LEAST_SHARES else None

    def _shares_of(self, rep: Rep, exponent: float) -> Iterator[float]:
        """From the pull and from the return, where the tension vanishes between them."""
        if max(rep.start_n, rep.end_n) > SLACK_TENSION * rep.peak_n:
            return
        for start_s, end_s in (
            (rep.pull_start_s - _BESIDE_S, rep.peak_time_s),
            (rep.peak_time_s, rep.end_s + _BESIDE_S),
        ):
            part = [tick for tick in self._ticks if start_s <= tick[0] <= end_s]
            time_s, tension_n = [time_s for time_s, _ in part], [tension_n for _, tension_n in part]
            share = unloaded_share(time_s, tension_n, rep.peak_n, exponent=exponent)
            if share is not None:
                yield share
