"""What the repetitions of a set show of the load: range, tension at the bottom, a slip of the band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev

from bandsense.signal.events import Rep
from bandsense.workout.plan import steady

__all__ = ["LEAST_REPS", "SetEvidence", "Slip", "find_slip", "return_cut", "way_share"]

LEAST_REPS = 5
"""Repetitions below which nothing is advised: peaks vary by about 5 % from one to the next, so that the
mean of
five is good to 2 %, less than half of the smallest change."""

_SLIP = 0.10
"""Least step of ln tension that is taken for a slip: three times the usual scatter of a mean of three."""

_BOTTOM_SHARE = 0.25
"""How much of the shift at the top must show at the bottom as well."""


@dataclass(frozen=True, slots=True)
class SetEvidence:
    """What a set shows.

    Attributes:
        reps: repetitions, partial ones included.
        full: full repetitions.
        peak_n: mean peak tension of the first five full ones, the least tired; 0 without repetitions.
        peak_uncertainty: standard uncertainty of `peak_n` as a part of it, from their scatter.
        range_loss: part of the range lost from the two largest of the first three repetitions to the last
            two, partial ones included.
        bottom: median tension at the bottom as a part of `peak_n`.
        steady: whether the set was done evenly.
    """

    reps: int
    full: int
    peak_n: float
    peak_uncertainty: float
    range_loss: float
    bottom: float
    steady: bool

    @classmethod
    def of(cls, reps: Sequence[Rep], exponent: float) -> SetEvidence:
        """From the repetitions of a set in order, on a band whose power law has this exponent."""
        full = [rep for rep in reps if not rep.partial]
        peaks_n = [rep.peak_n for rep in (full or reps)[:LEAST_REPS]]
        if not peaks_n:
            return cls(0, 0, 0.0, 0.0, 0.0, 0.0, steady=False)
        peak_n = fmean(peaks_n)
        return cls(
            reps=len(reps),
            full=len(full),
            peak_n=peak_n,
            peak_uncertainty=pstdev(peaks_n) / peak_n / math.sqrt(len(peaks_n)),
            range_loss=_range_loss(reps, exponent) if len(reps) >= LEAST_REPS else 0.0,
            bottom=max(0.0, median(rep.start_n for rep in reps) / peak_n),
            steady=steady(reps),
        )


@dataclass(frozen=True, slots=True)
class Slip:
    """The tension stepped between two repetitions, at the top and at the bottom.

    Attributes:
        before: index of the last repetition before it.
        after: index of the first repetition after it.
        log_ratio: logarithm of the peak tension after over that before.
    """

    before: int
    after: int
    log_ratio: float


def find_slip(reps: Sequence[Rep], exponent: float) -> Slip | None:
    """The first step of tension that lasts to the end of the set, with three repetitions before, two
    after."""
    net = _step(reps[:3], reps[-2:], exponent) if len(reps) >= LEAST_REPS else None
    if net is None:
        return None
    for at in range(3, len(reps) - 1):
        change = _step(reps[at - 3 : at], reps[at : at + 3], exponent)
        if change is not None and change * net > 0.0:
            return Slip(reps[at - 1].index, reps[at].index, change)
    return None


def return_cut(reps: Sequence[Rep], exponent: float) -> tuple[float, float]:
    """Part of the way back that the last three repetitions leave out, and the tension where they turn.

    Both are medians, so that one repetition alone shows nothing. The way is counted from where the first
    repetition began.
    """
    peak_n = fmean(rep.peak_n for rep in reps)
    start = min(way_share(reps[0].start_n / peak_n, exponent), 0.9)
    end_n = median(rep.end_n for rep in reps[-3:])
    return (way_share(end_n / peak_n, exponent) - start) / (1.0 - start), end_n


def way_share(tension_ratio: float, exponent: float) -> float:
    """Part of the elongation at the peak that a part of the peak tension stands for."""
    return float(max(tension_ratio, 0.0) ** (1.0 / exponent))


def _range_loss(reps: Sequence[Rep], exponent: float) -> float:
    peak_n = max(rep.peak_n for rep in reps)

    ways = [
        way_share(rep.peak_n / peak_n, exponent) - way_share(rep.start_n / peak_n, exponent) for rep in reps
    ]
    fresh = fmean(sorted(ways[:3])[1:])
    return max(0.0, 1.0 - fmean(ways[-2:]) / fresh) if fresh > 0.0 else 0.0


def _step(before: Sequence[Rep], after: Sequence[Rep], exponent: float) -> float | None:
    """Change of ln peak tension between two runs of repetitions, if the whole movement shifted with it.

    Fatigue and partial repetitions lower the top alone; a slip lowers top and bottom by about as much length.
    """
    top_before = [math.log(rep.peak_n) for rep in before]
    top_after = [math.log(rep.peak_n) for rep in after]
    change = fmean(top_after) - fmean(top_before)
    if abs(change) <= _SLIP or 3.0 * max(pstdev(top_before), pstdev(top_after)) > abs(change):
        return None
    peak_n = math.exp(fmean(top_before))
    bottom_before = fmean(way_share(rep.start_n / peak_n, exponent) for rep in before)
    bottom_after = fmean(way_share(rep.end_n / peak_n, exponent) for rep in after)
    shift = way_share(math.exp(change), exponent) - 1.0
    return change if (bottom_after - bottom_before) / shift > _BOTTOM_SHARE else None
