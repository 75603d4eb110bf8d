"""What is true about a simulated repetition: the definitions that every detector is measured by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bandsense.samples import FloatArray
from bandsense.sim.physics.person import Span

__all__ = ["TrueRep", "marked", "true_reps"]

PARTIAL_BELOW = 0.60
AMBIGUOUS_BELOW = 0.75
"""Share of the set's full range: below the first a repetition is partial, up to the second it may be."""

INVISIBLE_BELOW = 0.20
"""A movement that stretches the band by less than this share of the full range need not be seen at all."""

_HOLE_S = 0.25
"""Times, peak and range of a repetition with samples missing for longer than this are not scored."""

_SHOWN = 0.25
"""A repetition shows as long as there is a sample in its upper part, which is the plateau and this share of
the pull and of the return beside it, and in the lower parts before and after it."""

_VALLEY_S = 0.5
"""The valleys of a repetition are the lowest points this close to its movement: tension that creeps through a
long rest belongs to no repetition, and what the hand does after the rest neither."""


@dataclass(frozen=True, slots=True)
class TrueRep:
    """The truth about one repetition; times are 10 % and 90 % crossings of the noise-free tension.

    Attributes:
        pull_start_s: last rise through 10 % of the repetition's own rise before `hold_start_s`.
        hold_start_s: first rise through 90 % of its own rise.
        return_start_s: last fall through 90 % of its own fall.
        end_s: first fall through 10 % of its own fall after that.
        peak_s: time of the largest tension.
        peak_n: largest tension.
        share: range over the set's full range, both as elongation of the band.
        partial: share below 60 %.
        ambiguous: it may be counted or not: too small to see, its top or a valley beside it is not among the
            samples, or the band snapped.
        torn: samples are missing in it: to be counted, but its times, peak and range are not scored.
    """

    pull_start_s: float
    hold_start_s: float
    return_start_s: float
    end_s: float
    peak_s: float
    peak_n: float
    share: float
    partial: bool
    ambiguous: bool
    torn: bool = False

    @property
    def middle_s(self) -> float:
        """Middle of the plateau."""
        return (self.hold_start_s + self.return_start_s) / 2

    @property
    def undecided(self) -> bool:
        """Whether it may be called partial or not: the edge is not sharper than an estimate can be."""
        return PARTIAL_BELOW <= self.share < AMBIGUOUS_BELOW

    def _upper_s(self) -> tuple[float, float]:
        return (
            self.hold_start_s - _SHOWN * (self.hold_start_s - self.pull_start_s),
            self.return_start_s + _SHOWN * (self.end_s - self.return_start_s),
        )

    def _lower_s(self) -> tuple[float, float]:
        return (
            self.pull_start_s + _SHOWN * (self.hold_start_s - self.pull_start_s),
            self.end_s - _SHOWN * (self.end_s - self.return_start_s),
        )


def true_reps(
    time_s: FloatArray,
    tension_n: FloatArray,
    elongation: FloatArray,
    spans: tuple[Span, ...],
    full: tuple[bool, ...],
) -> tuple[TrueRep, ...]:
    """Label repetitions from what physically happened.

    Args:
        time_s: uniform grid.
        tension_n: noise-free tension.
        elongation: elongation of the band.
        spans: where the repetitions are.
        full: whether each was meant to be a full one.
    """
    ranges = np.array([float(np.ptp(elongation[span.first : span.last + 1])) for span in spans])
    meant = ranges[np.array(full, dtype=bool)] if any(full) else ranges
    whole = float(np.median(meant)) if meant.size else 1.0
    return tuple(
        _true_rep(time_s, tension_n, spans, i, float(ranges[i]) / max(whole, 1e-9)) for i in range(len(spans))
    )


def _true_rep(
    time_s: FloatArray, tension_n: FloatArray, spans: tuple[Span, ...], i: int, share: float
) -> TrueRep:
    first, last, rested = spans[i]
    margin = round(_VALLEY_S / float(time_s[1] - time_s[0]))
    start = max(first - margin, spans[i - 1].last if i else 0)
    stop = min(last + margin, rested)
    top = first + int(np.argmax(tension_n[first : last + 1]))
    up, down = tension_n[start : top + 1], tension_n[top : stop + 1]
    peak = float(tension_n[top])
    rise, fall = peak - float(up.min()), peak - float(down.min())
    hold_start = int(np.argmax(up >= peak - 0.1 * rise))
    pull_start = int(np.flatnonzero(up[: hold_start + 1] < peak - 0.9 * rise)[-1]) + 1 if hold_start else 0
    return_start = int(np.flatnonzero(down >= peak - 0.1 * fall)[-1])
    end = return_start + int(np.argmax(down[return_start:] <= peak - 0.9 * fall))
    return TrueRep(
        float(time_s[start + pull_start]),
        float(time_s[start + hold_start]),
        float(time_s[top + return_start]),
        float(time_s[top + end]),
        float(time_s[top]),
        peak,
        share,
        share < PARTIAL_BELOW,
        share < INVISIBLE_BELOW,
    )


def marked(reps: tuple[TrueRep, ...], at: FloatArray) -> tuple[TrueRep, ...]:
    """Repetitions as far as the samples show them.

    Args:
        reps: in order.
        at: times of the samples that arrived.
    """

    def shown(start_s: float, end_s: float) -> bool:
        return bool(np.searchsorted(at, end_s) > np.searchsorted(at, start_s))

    lower = [-np.inf, *(t for rep in reps for t in rep._lower_s()), np.inf]
    valley_shown = [shown(lower[i], lower[i + 1]) for i in range(0, len(lower), 2)]
    return tuple(
        replace(
            rep,
            ambiguous=rep.ambiguous
            or not (shown(*rep._upper_s()) and valley_shown[i] and valley_shown[i + 1]),
            torn=_torn(rep, at),
        )
        for i, rep in enumerate(reps)
    )


def _torn(rep: TrueRep, at: FloatArray) -> bool:
    """Return whether a hole in the samples touches a repetition."""
    inside = at[(at > rep.pull_start_s - 0.1) & (at < rep.end_s + 0.1)]
    edges = np.concatenate(([rep.pull_start_s - 0.1], inside, [rep.end_s + 0.1]))
    return bool(np.diff(edges).max() > _HOLE_S)
