"""To which side pulls go: a cell that is wired or hung the wrong way round shows less where it is pulled.

A pull that goes below the still level and below zero, and comes back, is a pull on a reversed sensor. So are
pulls that go below a still level above zero and come back to it, each time, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from bandsense.language import Message
from bandsense.signal.events import SignalWarning, WarningKind
from bandsense.signal.windows import Window

__all__ = ["TOPS", "Direction"]

LONGEST_PULL_S: Final = 20.0
"""What lies below zero for longer than that is no pull but another zero."""

TOPS: Final = 3
LEAST_ABOVE_N: Final = 10.0
"""So many tops in a row that come back exactly to where it was still, and none above it, show a reversed
sensor that shows tension while nothing pulls. A taut band is let down once, and not taken up so exactly
unless it is held lightly; a sensor that shows less goes below zero when it is pulled."""


class Direction:
    """Follows to which side pulls go.

    Attributes:
        reversed: the sensor shows less where it is pulled.
        pulled: tension was above all still levels by a pull.
        from_above: pulls may go down from a level above zero: it was still there before it moved, and never
            near zero.
    """

    def __init__(self) -> None:
        self.reversed = False
        self.pulled = False
        self.from_above = True
        self._first_n: float | None = None
        self._highest_n = -inf
        self._under_s: float | None = None

    def still(self, level_n: float, *, moved: bool) -> None:
        """Take a level at which the band was still, and whether it has moved before."""
        if self._first_n is None:
            self._first_n = level_n
            self.from_above = self.from_above and not moved
        if level_n > self._highest_n:
            self._highest_n = level_n

    def below_zero(self, window: Window, level_n: float, reach_n: float) -> SignalWarning | None:
        """Take a window, and tell a pull to the wrong side of the still level and of zero.

        Args:
            window: the next one.
            level_n: where the band was still last.
            reach_n: a pull moves by so much at least.
        """
        if window.middle_n > self._highest_n + reach_n:
            self.pulled, self._under_s, self.reversed = True, None, False
            return None
        if self._under_s is None:
            if window.middle_n < min(level_n, 0.0) - reach_n:
                # It comes back in a later window, or was no pull but another zero.
                self._under_s = window.start_s
            return None
        if window.highest_n < level_n - 0.5 * reach_n:
            return None
        lasted_s, self._under_s = window.end_s - self._under_s, None
        if lasted_s > LONGEST_PULL_S or self.reversed:
            return None
        return self._wrong_way(
            window,
            Message(
                "tension falls below zero when the band is pulled: the cell is wired or hung the wrong way "
                "round; nothing is counted until its two signal wires are swapped, or it is calibrated "
                "as it is"
            ),
        )

    def above_zero(
        self, window: Window, level_n: float, tops_n: Sequence[float], within_n: float
    ) -> SignalWarning | None:
        """Take a window in which a bottom begins or ends, and tell pulls that go down from above zero.

        Args:
            window: the next one.
            level_n: where the band was still last.
            tops_n: the latest `TOPS` tops, at most.
            within_n: levels that differ by less are one.
        """
        if self.reversed or self.pulled or not self.from_above or len(tops_n) < TOPS or self._first_n is None:
            return None
        for still_n in (self._first_n, level_n):
            if still_n > LEAST_ABOVE_N and max(abs(top_n - still_n) for top_n in tops_n) <= within_n:
                return self._wrong_way(
                    window,
                    Message(
                        "tension falls from {level:.0f} N with every pull and comes back to it: the cell is "
                        "wired or hung the wrong way round; swap its two signal wires, or calibrate it as it "
                        "is, and set the zero; nothing is counted until then",
                        level=still_n,
                    ),
                )
        return None

    def _wrong_way(self, window: Window, message: str) -> SignalWarning:
        self.reversed = True
        return SignalWarning(window.start_s, WarningKind.REVERSED, message, window.known_s)
