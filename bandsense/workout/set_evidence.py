"""What the repetitions of a set show of the load: range, tension at the bottom, a slip of the band.

A band that slips in grip or clip gets longer at once: from one repetition to the next the hand's whole way
is at less stretch, by the same length at top and bottom, and stays so. A person who tires loses range from
repetition to repetition, the faster the longer the set, and comes back as far as before. So three
explanations of the stretch at the tops y and the bottoms z are fitted and compared,

* a slip at k:    y = a + c·i − δ·[i ≥ k],   z = max(z₀ − η·δ·[i ≥ k], 0), η about 1;
* tiring:         y = a − b·g(i),             z = z₀ + z₁·i,    g straight, bent, or setting in late;
* shorter pulls:  y = a + c·i − δ·[i ≥ k],    z = z₀ + z₁·i;

by their likelihoods with the scatter left open (a Student distribution, Gelman et al., Bayesian Data
Analysis, section 3.2), less `PARAMETER` for each number fitted.

Where the band is slack at the bottom, z says nothing, and the last one is left out. But then the hand tells:
after a slip it goes a part of its way before the band pulls, and is fast by then; in a shorter pull the band
pulls from where the hand starts, slowly. By this the two are weighed (`bands.unloaded.slack_grew`). Where it
cannot be told, a step that stays is taken for a slip, unless repetitions are partial: a step so large is a
short pull more often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, pstdev

import numpy as np

from bandsense.samples import FloatArray
from bandsense.signal.events import Rep
from bandsense.workout.counts import RepCounts
from bandsense.workout.plan import steady

__all__ = [
    "LEAST_REPS",
    "LetOut",
    "SetEvidence",
    "Slip",
    "band_changed",
    "find_slip",
    "return_cut",
    "way_share",
]

LEAST_REPS = 5
"""Repetitions below which a set teaches nothing lasting: peaks vary by about 5 % from one to the next, so
that the mean of five is good to 2 %, less than half of the smallest change. That a set was too hard shows in
fewer; the amount is then less certain."""

PEAK_SCATTER, PEAK_SCATTER_REPS = 0.05, 4
"""Scatter of the peaks from one repetition to the next, a prior that counts like so many of them."""

_SLIP, _SLIP_BLIND = 0.08, 0.10
"""Least step of ln tension that is worth a word, where the bottom or the hand shows it too and where neither
can."""

SURE, SURE_BLIND = 1.5, 3.0
"""A slip is believed if its log-likelihood is so much above that of tiring, likewise: odds of 4.5 and of 20
to one. Taken for tiring it would make the band lighter still, and the other way round heavier for who is
tired."""

OVER_HARD = 3
"""So many pulls may be too hard before a person finds the range of a set."""

GOES_ON = 0.35
"""Part of the loss of range that comes after those: in seven repetitions that fade evenly 0.6, where only the
first ones were longer next to none."""

CLEARLY_STEPPED = 0.5
"""A step after those must leave less of the squares than this part of what a straight line leaves: who tires
quickly at first has little left to lose as well, but no step."""

PAUSE_S = 4.0
PAUSE_TIMES = 3.0
"""So long a pause, and so many times as long as between the other repetitions, is time enough to take another
band or change the slack."""

CHANGED = 0.15
"""Least step of ln peak tension after such a pause that is another band or slack: nobody tires in a pause."""

HAND_SAYS = 12.0
"""The most that the movement of the hand says for a slip and against tiring: its model is a model."""

SCATTER, SCATTER_REPS = 0.03, 4
"""Scatter of the stretch from one repetition to the next, a prior that counts like so many of them."""

PARAMETER = 1.1
"""What a fitted number costs: half the logarithm of nine values (Schwarz 1978)."""

LEAST_SHIFT, MOST_SHIFT = 0.3, 1.3
"""η: the exponent of a band is not known well, and least of all does it hold where the band begins to
pull."""

SLACK_WAY = 0.03
"""Stretch at the bottom, as a part of that at the top, below which the band may be slack there."""


@dataclass(frozen=True, slots=True)
class SetEvidence:
    """What a set shows.

    Attributes:
        reps: repetitions, partial ones included.
        counts: how many of them were full, partial or unsure.
        peak_n: mean peak tension of the first five full ones, the least tired, after up to three first pulls
            that went further than all others; 0 without repetitions.
        peak_uncertainty: standard uncertainty of `peak_n` as a part of it, from their scatter.
        range_loss: part of the range lost from the two largest of the first three repetitions, after those
            first pulls, to the last two, partial ones included; to the larger of them where `able`. What may
            be no repetition at all says nothing of it.
        bottom: median tension at the bottom as a part of `peak_n`.
        steady: whether the set was done evenly.
        able: whether most of what was partial was followed by full repetitions: the strength was there.
    """

    reps: int
    counts: RepCounts
    peak_n: float
    peak_uncertainty: float
    range_loss: float
    bottom: float
    steady: bool
    able: bool = False

    @property
    def full(self) -> int:
        """Repetitions that were surely full."""
        return self.counts.full

    @classmethod
    def of(cls, reps: Sequence[Rep], exponent: float) -> SetEvidence:
        """From the repetitions of a set in order, on a band whose power law has this exponent."""
        able = _able(reps)
        settled = reps[_over_hard(reps, exponent) :]
        full = [rep for rep in settled if not rep.partial]
        peaks_n = [rep.peak_n for rep in (full or settled)[:LEAST_REPS]]
        if not peaks_n:
            return cls(0, RepCounts(), 0.0, 0.0, 0.0, 0.0, steady=False)
        peak_n = fmean(peaks_n)
        if peak_n <= 0.0:
            return cls(len(reps), RepCounts.of(reps), 0.0, 0.0, 0.0, 0.0, steady=False)
        return cls(
            reps=len(reps),
            counts=RepCounts.of(reps),
            peak_n=peak_n,
            peak_uncertainty=_scatter(peaks_n) / math.sqrt(len(peaks_n)),
            range_loss=_range_loss([rep for rep in settled if not rep.doubtful], exponent, able=able),
            bottom=max(0.0, median(rep.start_n for rep in reps) / peak_n),
            steady=steady(reps),
            able=able,
        )


@dataclass(frozen=True, slots=True)
class Slip:
    """The tension stepped between two repetitions, and stayed there.

    Attributes:
        before: index of the last repetition before it.
        after: index of the first repetition after it.
        log_ratio: logarithm of the peak tension after over that before.
        at_bottom: whether the bottom showed it too; False where the band is slack there.
    """

    before: int
    after: int
    log_ratio: float
    at_bottom: bool


LetOut = Callable[[Sequence[int], Sequence[int], float], float | None]
"""Log-odds that the band was let out between repetitions of these and those indices by a part of its stretch
at the top, by how the hand moves; None where that cannot be told."""


def find_slip(reps: Sequence[Rep], exponent: float, let_out: LetOut | None = None) -> Slip | None:
    """Find the step of tension that explains the repetitions best, if nothing else does as well.

    It needs three repetitions before and two after it; with two after, they must be alike.

    Args:
        reps: of the set so far, in order.
        exponent: of the band's power law.
        let_out: tells a slip from shorter pulls where the band is slack at the bottom.
    """
    peak_n = fmean(rep.peak_n for rep in reps[:3]) if len(reps) >= LEAST_REPS else 0.0
    if peak_n <= 0.0:
        return None
    tops = np.array([way_share(rep.peak_n / peak_n, exponent) for rep in reps])
    bottoms = np.array([way_share(n / peak_n, exponent) for n in _bottoms_n(reps)])
    best = max((_stepped(tops, bottoms, k) for k in range(3, len(reps) - 1)), key=lambda each: each.evidence)
    before_n, after_n = (
        fmean(rep.peak_n for rep in part) for part in (reps[best.at - 3 : best.at], reps[best.at :][:3])
    )
    blind = best.habit == -math.inf
    if after_n <= 0.0 or before_n <= 0.0:
        return None
    log_ratio = math.log(after_n / before_n)
    if abs(log_ratio) < _SLIP or log_ratio * best.step > 0.0:
        return None
    ahead = best.evidence - _tiring(tops, bottoms)
    if blind:
        share = 1.0 - way_share(after_n / before_n, exponent)
        large = abs(log_ratio) >= _SLIP_BLIND
        sure = ahead >= SURE_BLIND - HAND_SAYS and _slipped_blindly(
            reps, best.at, ahead, share, let_out, large=large
        )
    else:
        sure = ahead >= SURE and best.evidence >= best.habit
    # In a pause something is changed on purpose; see `band_changed`.
    if not sure or _paused(_pauses_s(reps), best.at):
        return None
    return Slip(reps[best.at - 1].index, reps[best.at].index, log_ratio, at_bottom=not blind)


def _slipped_blindly(
    reps: Sequence[Rep], at: int, ahead: float, share: float, let_out: LetOut | None, *, large: bool
) -> bool:
    """Return whether a step is a slip where the band is slack at the bottom, before and after.

    Args:
        reps: of the set.
        at: the first after the step.
        ahead: how much better a step explains the tops than tiring does.
        share: the step, as a part of the stretch at the top before it.
        let_out: what the movement of the hand says.
        large: whether the step is worth a word where the hand says nothing.
    """
    indices = [rep.index for rep in reps]
    says = None if let_out is None else let_out(indices[:at], indices[at:], share)
    if says is None:
        return large and ahead >= SURE_BLIND and not any(rep.partial for rep in reps)
    return says >= SURE and ahead + min(says, HAND_SAYS) >= SURE_BLIND


def band_changed(reps: Sequence[Rep]) -> float | None:
    """Return the pause, seconds, in which the band or its slack was changed, by what tension shows.

    Peaks step there, up or down, which explains them clearly better than fading evenly does. Two repetitions
    before it and two after it tell; None where there is no such pause.
    """
    pauses_s = _pauses_s(reps)
    if len(reps) < LEAST_REPS or min(rep.peak_n for rep in reps) <= 0.0:
        return None
    at = max(range(2, len(reps) - 1), key=lambda i: pauses_s[i])
    logs = [math.log(rep.peak_n) for rep in reps]
    if (
        _paused(pauses_s, at)
        and abs(fmean(logs[at:][:3]) - fmean(logs[:at][-3:])) >= CHANGED
        and _steps(logs, at)
    ):
        return pauses_s[at]
    return None


def _pauses_s(reps: Sequence[Rep]) -> list[float]:
    """Seconds before each repetition; none before the first."""
    return [0.0, *(after.pull_start_s - before.end_s for before, after in pairwise(reps))]


def _paused(pauses_s: Sequence[float], at: int) -> bool:
    others_s = [*pauses_s[1:at], *pauses_s[at + 1 :]]
    return pauses_s[at] >= max(PAUSE_S, PAUSE_TIMES * median(others_s))


def _bottoms_n(reps: Sequence[Rep]) -> list[float]:
    """Tension before each repetition, and after the last."""
    return [*(rep.start_n for rep in reps), reps[-1].end_n]


@dataclass(frozen=True, slots=True)
class _Step:
    """A slip before repetition `at`: how well it explains the set, and how well shorter pulls do instead."""

    at: int
    step: float
    evidence: float
    habit: float


def _stepped(tops: FloatArray, bottoms: FloatArray, at: int) -> _Step:
    number = np.arange(tops.size, dtype=np.float64)
    design = np.stack((np.ones_like(number), number, (number >= at).astype(np.float64)), axis=1)
    fitted, top_squares = _squares(design, tops)
    step = float(-fitted[2])
    # The bottom beside the step may belong to either side of it.
    before, after = bottoms[:at], bottoms[at + 1 :]
    start = float(before.mean())
    if start < SLACK_WAY and float(after.mean()) < SLACK_WAY:
        return _Step(at, step, _likelihood(top_squares, tops.size, 4), -math.inf)
    moved = min(max((start - float(after.mean())) / step, LEAST_SHIFT), MOST_SHIFT) * step if step else 0.0
    slipped = float(((before - start) ** 2).sum() + ((after - max(start - moved, 0.0)) ** 2).sum())
    rows = np.delete(np.arange(bottoms.size, dtype=np.float64), at)
    _, steady = _squares(np.stack((np.ones_like(rows), rows), axis=1), np.delete(bottoms, at))
    values = tops.size + rows.size
    return _Step(
        at,
        step,
        _likelihood(top_squares + slipped, values, 6),
        _likelihood(top_squares + steady, values, 6),
    )


def _tiring(tops: FloatArray, bottoms: FloatArray) -> float:
    """Return how well a range that fades explains the set, setting in early or late."""
    way = np.linspace(0.0, 1.0, tops.size)
    one = np.ones_like(way)
    shapes = [way, way**2, way**4, *(np.maximum(0.0, way - since) for since in (0.3, 0.5, 0.7, 0.85))]
    top_squares = min(_squares(np.stack((one, shape), axis=1), tops)[1] for shape in shapes)
    if bottoms.max() < SLACK_WAY:
        return _likelihood(top_squares, tops.size, 3)
    rows = np.arange(bottoms.size, dtype=np.float64)
    squares = min(
        _squares(np.stack((np.ones(rows.size - 1), np.delete(rows, at)), axis=1), np.delete(bottoms, at))[1]
        for at in range(rows.size)
    )
    return _likelihood(top_squares + squares, tops.size + rows.size - 1, 5)


def _squares(design: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Least squares: coefficients and the sum of squares that is left."""
    fitted = np.asarray(np.linalg.lstsq(design, values, rcond=None)[0], dtype=np.float64)
    return fitted, float(((values - design @ fitted) ** 2).sum())


def _likelihood(squares: float, values: int, parameters: int) -> float:
    """Logarithm, the scatter integrated out under its prior, less what the parameters cost."""
    return (
        -0.5 * (values + SCATTER_REPS) * math.log(squares + SCATTER_REPS * SCATTER**2)
        - PARAMETER * parameters
    )


def return_cut(reps: Sequence[Rep], exponent: float) -> tuple[float, float]:
    """Part of the way back that the last three repetitions leave out, and the tension where they turn.

    Both are medians, so that one repetition alone shows nothing. The way is counted from where the first
    repetition began; who has stepped back since begins and ends farther out alike, and leaves nothing out.
    """
    peak_n = fmean(rep.peak_n for rep in reps)
    if peak_n <= 0.0:
        return 0.0, median(rep.end_n for rep in reps[-3:])
    start = min(way_share(reps[0].start_n / peak_n, exponent), 0.9)
    end_n = median(rep.end_n for rep in reps[-3:])
    first, last = (
        way_share(median(rep.peak_n for rep in part) / peak_n, exponent) for part in (reps[:3], reps[-3:])
    )
    farther = max(0.0, last - first)
    return (way_share(end_n / peak_n, exponent) - start - farther) / (1.0 - start), end_n


def way_share(tension_ratio: float, exponent: float) -> float:
    """Part of the elongation at the peak that a part of the peak tension stands for; 0 below no tension."""
    return float(max(tension_ratio, 0.0) ** (1.0 / exponent))


def _scatter(peaks_n: Sequence[float]) -> float:
    """Return the relative scatter of peaks; of fewer than five drawn towards what is usual."""
    seen = pstdev(peaks_n) / fmean(peaks_n)
    if len(peaks_n) >= LEAST_REPS:
        return seen
    squares = len(peaks_n) * seen**2 + PEAK_SCATTER_REPS * PEAK_SCATTER**2
    return math.sqrt(squares / (len(peaks_n) - 1 + PEAK_SCATTER_REPS))


def _able(reps: Sequence[Rep]) -> bool:
    """Return whether at least half of the surely partial repetitions have two surely full ones after them."""
    full_after, partial, overcome = 0, 0, 0
    for rep in reversed(reps):
        if rep.partial and not rep.unsure:
            partial += 1
            overcome += full_after >= 2
        elif not rep.unsure:
            full_after += 1
    return partial > 0 and 2 * overcome >= partial


def _range_loss(reps: Sequence[Rep], exponent: float, *, able: bool) -> float:
    if len(reps) < LEAST_REPS:
        return 0.0
    return _lost(_ways(reps, exponent), max if able else fmean)


def _over_hard(reps: Sequence[Rep], exponent: float) -> int:
    """Return how many first pulls were too hard: they alone went further. Who tires goes on losing."""
    ways = _ways(reps, exponent)
    return min(
        (
            first
            for first in range(1, min(OVER_HARD, len(ways) - LEAST_REPS) + 1)
            if _lost(ways[first:]) < GOES_ON * _lost(ways) and _steps(ways, first)
        ),
        key=lambda first: _lost(ways[first:]),
        default=0,
    )


def _steps(values: Sequence[float], at: int) -> bool:
    """Return whether a step before that index explains values clearly better than a straight line does."""
    number = np.arange(len(values), dtype=np.float64)
    stepped, straight = (
        _squares(np.stack((np.ones_like(number), shape), axis=1), np.array(values))[1]
        for shape in ((number < at).astype(np.float64), number)
    )
    return stepped < CLEARLY_STEPPED * straight


def _ways(reps: Sequence[Rep], exponent: float) -> list[float]:
    """Ranges of the repetitions, as parts of the elongation at the greatest peak; empty without tension.

    Who has stepped back begins and ends farther out alike: the range is counted from where it began then.
    """
    peak_n = max((rep.peak_n for rep in reps), default=0.0)
    if peak_n <= 0.0:
        return []
    tops, starts = (
        [way_share(n / peak_n, exponent) for n in each]
        for each in ([rep.peak_n for rep in reps], [rep.start_n for rep in reps])
    )
    usual_top, usual_start = median(tops[:3]), median(starts[:3])
    return [
        top - start + max(0.0, min(top - usual_top, start - usual_start))
        for top, start in zip(tops, starts, strict=True)
    ]


def _lost(ways: Sequence[float], of_last: Callable[[Sequence[float]], float] = fmean) -> float:
    """Part that is lost from the two largest of the first three to the last two."""
    fresh = fmean(sorted(ways[:3])[1:]) if ways else 0.0
    return max(0.0, 1.0 - of_last(ways[-2:]) / fresh) if fresh > 0.0 else 0.0
