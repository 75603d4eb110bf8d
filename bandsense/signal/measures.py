"""What is measured of a movement: levels, widths, the rest at its top and the dips inside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from bandsense.signal.laws.movement import Dip, Movement
from bandsense.signal.ticks import Ticks, TurningPoint

__all__ = ["Measures", "dip"]

DEEP: Final = 0.3
DEEP_SOFT: Final = 0.025
"""Tension that stays within this share of the height rests at the top, and the tempo is another matter; how
sharply."""


class Measures:
    """Measures movements on the smoothed trace.

    Args:
        ticks: the smoothed trace.
        longest_s: what is wider is no repetition, and may be a hold.
    """

    def __init__(self, ticks: Ticks, longest_s: float) -> None:
        self._ticks = ticks
        self._longest_s = longest_s
        self._measured: dict[tuple[int, int, int], tuple[float, float, float | None]] = {}

    def forget(self) -> None:
        """Forget the present movement: it is complete."""
        self._measured.clear()

    def movement(
        self,
        start: TurningPoint,
        inner: Sequence[TurningPoint],
        top: TurningPoint,
        last: TurningPoint,
        dips: Sequence[Dip],
        lowest_n: float,
        *,
        width: bool,
        end: bool,
    ) -> Movement:
        """Measure the movement from one valley to another.

        Args:
            start, last: the valleys; the second may be the lowest so far.
            inner: its tops.
            top: the highest of them.
            dips: between these.
            lowest_n: lowest tension of the last minute.
            width, end: whether its width is known, and its end.
        """
        wide: float | None = None
        first: float | None = None
        held: float | None = None
        first_s = last_s = top.time_s
        if dips:
            low_n = max(start.tension_n, last.tension_n) if end else start.tension_n
            first_s, last_s = _plateau(inner, top, dips, top.tension_n - low_n)
        half_n = 0.5 * (top.tension_n + max(start.tension_n, last.tension_n))
        # Also while the present top is but a bump behind it.
        if width or inner[-1].tension_n < half_n:
            first_top = next((t for t in inner if t.tension_n > half_n), top)
            last_top = next((t for t in reversed(inner) if t.tension_n > half_n), top)
            key = (start.tick, first_top.tick, last_top.tick)
            if self._ticks.forgot_fall(half_n, last_top.tick):
                # It was measured when the rest began; that rest was so long that the trace of it is gone.
                wide, first, held = self._measured.get(key, (None, None, None))
            else:
                wide = self._ticks.time_above(half_n, first_top.tick, last_top.tick, start.tick)
                fall_n = 0.5 * (top.tension_n + last.tension_n)
                first = (
                    wide
                    if fall_n == half_n
                    else self._ticks.time_above(fall_n, first_top.tick, last_top.tick)
                )
                if wide > self._longest_s:
                    most_n = 0.5 * (top.tension_n + half_n)
                    held = self._ticks.time_above(most_n, top.tick, top.tick, start.tick)
                self._measured[key] = wide, first, held
        return Movement(
            start_n=start.tension_n,
            top_n=top.tension_n,
            top_s=first_s,
            last_top_s=last_s,
            end_n=last.tension_n if end else None,
            fallen_n=top.tension_n - last.tension_n,
            width_s=wide,
            first_width_s=first,
            held_s=held,
            dips_n=dips,
            lowest_n=lowest_n,
            start_s=start.time_s,
        )


def dip(before: TurningPoint, valley: TurningPoint, after: TurningPoint) -> Dip:
    """Describe the dip at an inner valley by the tops beside it."""
    lower_n = min(before.tension_n, after.tension_n)
    depth_n = 0.0 if valley.unseen else lower_n - valley.tension_n
    return Dip(depth_n, abs(before.tension_n - after.tension_n), after.time_s - before.time_s)


def _plateau(
    inner: Sequence[TurningPoint], top: TurningPoint, dips: Sequence[Dip], height_n: float
) -> tuple[float, float]:
    """Return first and last time at the top: the lower tension falls between tops, the less that counts."""
    shallow: list[float] = []
    for dip, before, after in zip(dips, inner, inner[1:], strict=False):
        fallen_n = top.tension_n - min(before.tension_n, after.tension_n) + dip.depth_n
        seen = dip.depth_n > 0.0
        shallow.append(seen / (1.0 + math.exp(min(50.0, (fallen_n / height_n - DEEP) / DEEP_SOFT))))
    at = inner.index(top)
    before_s = after_s = 0.0
    stays = 1.0
    for dip, share in zip(reversed(dips[:at]), reversed(shallow[:at]), strict=True):
        stays *= share
        before_s += stays * dip.seconds
    stays = 1.0
    for dip, share in zip(dips[at:], shallow[at:], strict=True):
        stays *= share
        after_s += stays * dip.seconds
    return top.time_s - before_s, top.time_s + after_s
