"""How slack the band hangs at the bottom of a set, from how fast the hand is when tension vanishes.

    tension        peak
       │          /    \\               the pull: from 0.3 s before it begins to the peak
       │        /        \\             the return: from the peak to 0.3 s after its end
       │      /            \
       │_____/ a          b \\_____     a, b: tension appears and vanishes; how steeply tells how fast the
       └──────────────────────────▶    hand is there, and so how much of the way lies where nothing is seen

A force sensor sees nothing while the band hangs slack, but a hand that comes to rest where the band gets
slack has slowed down by then, and one that has further to go has not. `bandsense.bands.unloaded` turns the
shapes of the strokes into the part of the way without tension, and says nothing where it is unsure; this
class only collects the strokes of one set.

Ticks (`ANALYSIS_HZ` a second) go into a ring of 40 s, which is longer than a repetition. A repetition is cut
out of it as soon as it is done, before its ticks are gone, and is kept under its index, so that it can be
taken back with the repetition.

It assumes that the band is slack at the bottom at all: a repetition with more than `SLACK_TENSION` of its
peak left at either end contributes no stroke, and fewer than three strokes are no evidence. To compare two
parts of a set, a pull and a return of each will do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.bands.unloaded import Stroke, slack_grew, unloaded_share
from bandsense.signal.events import Rep
from bandsense.workout.clock import ANALYSIS_HZ

__all__ = ["SLACK_TENSION", "SlackDetector"]

SLACK_TENSION = 0.03
"""Tension at the bottom, as a part of the peak, up to which the band may hang slack."""

_LEAST_STROKES, _LEAST_COMPARED = 3, 2
_REMEMBERED_S = 40.0
"""Longer than a repetition takes."""

_BESIDE_S = 0.3
"""How far beyond the repetition's boundaries, which lie at a tenth of its rise, tension vanishes."""


class SlackDetector:
    """Follows the tension, tick by tick, and the repetitions of one set."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, float]] = deque(maxlen=round(_REMEMBERED_S * ANALYSIS_HZ))
        self._strokes: dict[int, tuple[Stroke, ...]] = {}
        self._exponent = EXPONENT_PRIOR

    def tick(self, time_s: float, tension_n: float) -> None:
        """Take the tension of the moment, `ANALYSIS_HZ` times a second."""
        self._ticks.append((time_s, tension_n))

    def add(self, rep: Rep, exponent: float) -> None:
        """Take a repetition that has just been done, on a band whose power law has this exponent."""
        self._exponent = exponent
        self._strokes[rep.index] = tuple(self._strokes_of(rep))

    def retract(self, index: int) -> None:
        """Take back a repetition."""
        self._strokes.pop(index, None)

    @property
    def share(self) -> float | None:
        """Part of the movement over which the band hangs slack; None where too little was seen."""
        strokes = self._of(self._strokes)
        return unloaded_share(strokes, exponent=self._exponent) if len(strokes) >= _LEAST_STROKES else None

    def let_out(self, before: Iterable[int], after: Iterable[int], share: float) -> float | None:
        """Weigh that the band was let out between repetitions, by a part of its stretch at the top.

        Args:
            before: indices of repetitions before it.
            after: of those after it.
            share: that part; negative where it was taken in.

        Returns:
            The logarithm of the odds; None where too little was seen.
        """
        first, then = self._of(before), self._of(after)
        if min(len(first), len(then)) < _LEAST_COMPARED:
            return None
        return slack_grew(first, then, share, exponent=self._exponent)

    def _of(self, indices: Iterable[int]) -> list[Stroke]:
        """Return the strokes of repetitions."""
        return [stroke for index in indices for stroke in self._strokes.get(index, ())]

    def _strokes_of(self, rep: Rep) -> Iterator[Stroke]:
        """Return the pull and the return, where the tension vanishes between them.

        A band does not push: tension below nothing is a zero that is off, and is taken off.
        """
        bottom_n = min(0.0, max(rep.start_n, rep.end_n))
        peak_n = rep.peak_n - bottom_n
        if max(rep.start_n, rep.end_n) - bottom_n > SLACK_TENSION * peak_n:
            return
        for start_s, end_s in (
            (rep.pull_start_s - _BESIDE_S, rep.peak_time_s),
            (rep.peak_time_s, rep.end_s + _BESIDE_S),
        ):
            part = [tick for tick in self._ticks if start_s <= tick[0] <= end_s]
            if part:
                time_s, tension_n = zip(*part, strict=True)
                yield time_s, [n - bottom_n for n in tension_n], peak_n
