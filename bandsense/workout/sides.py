"""Left beside right: why one side is told another amount of slack than the other.

Both half-sets of a pair are done with the same band. Where both sides are advised and the amounts differ, the
difference of their mean peaks at the same length says why: the weaker side needs more slack to make the same
repetitions. Where the bands of the two sides are held at different lengths, peaks cannot be compared, and
nothing is said.
"""

from __future__ import annotations

from dataclasses import replace

from bandsense.workout.advice import Advice, Reason, Rule

__all__ = ["LEAST_DIFFERENCE", "SAME_LENGTH_M", "explained"]

LEAST_DIFFERENCE = 0.05
"""A difference of mean peaks that is worth a word: the scatter of a mean of five peaks is 2 %, twice over."""

SAME_LENGTH_M = 0.015
"""Resting lengths that differ by no more than they can be measured (`bands.slack`) are the same."""


def explained(second: Advice, first: Advice | None) -> Advice:
    """Add to the advice for the second half-set how the sides differ.

    The reason names, of this side: `share`, by how much more it pulled than the other at the same length, and
    `more_cm`, how much more slack it is told to have; both may be negative.
    """
    if first is None or first.basis.strand is None or second.basis.strand is None:
        return second
    if first.side is None or second.side is None or first.side == second.side:
        return second
    this_n, other_n = second.basis.mean_peak_n, first.basis.mean_peak_n
    apart_m = abs(second.basis.strand.rest_length_m - first.basis.strand.rest_length_m)
    if not this_n or not other_n or apart_m > SAME_LENGTH_M or first.kind is not second.kind:
        return second
    share = this_n / other_n - 1.0
    more_cm = _slack_cm(second) - _slack_cm(first)
    if abs(share) < LEAST_DIFFERENCE or share * more_cm >= 0.0:
        return second
    numbers = {"share": share, "more_cm": float(more_cm)}
    return replace(second, reasons=(*second.reasons, Reason(Rule.SIDES, numbers)))


def _slack_cm(advice: Advice) -> int:
    """Centimetres of slack that are added at each place; negative where they are taken out."""
    return advice.amount_cm if advice.change_m > 0.0 else -advice.amount_cm
