"""A movement, which the laws judge: what lies between two valleys, as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Dip", "Movement"]


class Dip(NamedTuple):
    """A dip inside a movement: depth below the lower of the tops beside it, how far apart these are (N, s).

    No depth is known where samples are missing: 0.
    """

    depth_n: float
    apart_n: float
    seconds: float


class Movement:
    """What lies between two valleys, as far as it is known.

    Attributes:
        start_n: tension in the valley before.
        start_s: time of the valley before.
        top_n: its highest top.
        rise_n: from the valley before to the top.
        top_s, last_top_s: when it came to its top, and when it left it: later where it rested there.
        end_n: tension in the valley after; None while it is not known, or where samples of it are missing.
        fallen_n: the fall so far.
        width_s: time above half of its height; None while it is not known.
        first_width_s: the same where a series begins, so that what came before the pull does not count.
        held_s: time above three quarters of its height, of one that is wider than repetitions are.
        dips_n: the dips at its inner valleys.
        lowest_n: lowest tension of the last minute: the slack level, if it is slack at all.
        back: density of its end where it mostly comes back to where it began, once that was worked out.
    """

    def __init__(
        self,
        start_n: float,
        top_n: float,
        top_s: float,
        end_n: float | None,
        fallen_n: float,
        width_s: float | None,
        first_width_s: float | None,
        held_s: float | None,
        dips_n: Sequence[Dip],
        lowest_n: float,
        start_s: float,
        last_top_s: float,
    ) -> None:
        self.start_n = start_n
        self.top_n = top_n
        self.rise_n = top_n - start_n
        self.top_s = top_s
        self.end_n = end_n
        self.fallen_n = fallen_n
        self.width_s = width_s
        self.first_width_s = first_width_s
        self.held_s = held_s
        self.dips_n = dips_n
        self.lowest_n = lowest_n
        self.start_s = start_s
        self.last_top_s = last_top_s
        self.back: float | None = None
