"""The slack law: how much band to let out, or how far to step, to change the peak tension by a ratio.

With L0 the unstretched length of one strand between hand and anchor, d that distance at the peak of a
repetition, the elongation there is eps = d/L0 - 1. A band that pulls F = F100 eps^p changes its peak
tension by the ratio r when the elongation becomes eps r^(1/p). That is reached

* with the *grip*, leaving the pose as it is: L0 grows by  L0 [(1 + eps)/(1 + eps r^(1/p)) - 1];
* with a *step*, leaving the band as it is: d shrinks by  L0 eps (1 - r^(1/p)).

F100 cancels, and with it the unit of force, the colour of the band and the number of strands.
Derivation: `docs/bands.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bandsense.errors import BandModelError
from bandsense.language import Message

__all__ = [
    "EXPONENT_PRIOR",
    "EXPONENT_UNCERTAINTY",
    "PEAK_LENGTH_UNCERTAINTY_M",
    "REST_LENGTH_UNCERTAINTY_M",
    "SlackChange",
    "slack_change",
]

EXPONENT_PRIOR = 0.62
"""Exponent of F = F100 eps^p for elastic bands of unknown make. A prior between the pooled fit of a published
flat-band table (0.668, colours 0.63-0.73) and a maker's current table (0.48-0.585 between 100 and 200 %)."""

EXPONENT_UNCERTAINTY = 0.07
"""Standard uncertainty of `EXPONENT_PRIOR`: the spread of those two tables."""

REST_LENGTH_UNCERTAINTY_M = 0.015
"""Default standard uncertainty of an unstretched length that a person measured with a tape."""

PEAK_LENGTH_UNCERTAINTY_M = 0.03
"""Default standard uncertainty of the hand-anchor distance at the peak of a repetition."""


@dataclass(frozen=True, slots=True)
class SlackChange:
    """What to change on one strand; positive makes the exercise easier, negative harder.

    Attributes:
        let_out_m: band to let out (positive) or take in (negative), metres.
        let_out_uncertainty_m: its standard uncertainty.
        step_m: the equivalent step towards the anchor (positive) or away from it (negative), metres.
        step_uncertainty_m: its standard uncertainty.
        elongation_before: relative elongation at the peak now (1 is twice the resting length).
        elongation_after: the same after the change.
    """

    let_out_m: float
    let_out_uncertainty_m: float
    step_m: float
    step_uncertainty_m: float
    elongation_before: float
    elongation_after: float


def slack_change(
    rest_length_m: float,
    peak_length_m: float,
    tension_ratio: float,
    *,
    exponent: float = EXPONENT_PRIOR,
    rest_length_uncertainty_m: float = REST_LENGTH_UNCERTAINTY_M,
    peak_length_uncertainty_m: float = PEAK_LENGTH_UNCERTAINTY_M,
    exponent_uncertainty: float = EXPONENT_UNCERTAINTY,
    tension_ratio_uncertainty: float = 0.0,
) -> SlackChange:
    """Change of slack that multiplies the peak tension by `tension_ratio` at an unchanged movement.

    Args:
        rest_length_m: unstretched length of one strand between hand and anchor (or between the hands).
        peak_length_m: the same distance at the peak of a repetition; longer than `rest_length_m`.
        tension_ratio: wanted divided by present peak tension; 0.9 is a tenth less.
        exponent: p of F = F100 eps^p; the band's own where it has been fitted.
        rest_length_uncertainty_m: standard uncertainty of `rest_length_m`.
        peak_length_uncertainty_m: standard uncertainty of `peak_length_m`.
        exponent_uncertainty: standard uncertainty of `exponent`.
        tension_ratio_uncertainty: standard uncertainty of `tension_ratio`.

    Uncertainties are propagated to first order for independent inputs (JCGM 100:2008, 5.1.2).

    Raises:
        BandModelError: the band is not stretched at the peak, the ratio is beyond tenfold, or an input
            is not a plausible number.
    """
    _require_stretched(rest_length_m, peak_length_m, exponent)
    if not 0.1 <= tension_ratio <= 10.0:
        raise BandModelError(
            Message(
                "slack cannot change the tension by a factor of {tension_ratio}; take another band",
                tension_ratio=tension_ratio,
            )
        )
    before = peak_length_m / rest_length_m - 1.0
    # expm1 keeps a ratio near 1 exact, where 1 - r^(1/p) would cancel.
    shrink = -math.expm1(math.log(tension_ratio) / exponent)
    step_m = (peak_length_m - rest_length_m) * shrink
    after = before * (1.0 - shrink)
    let_out_m = step_m / (1.0 + after)

    share_kept = 1.0 - shrink
    ratio_slope = share_kept / (exponent * tension_ratio)
    exponent_slope = -share_kept * math.log(tension_ratio) / exponent**2
    stretch_m = peak_length_m - rest_length_m
    relax = peak_length_m / (1.0 + after) ** 2
    inputs = (
        # (standard uncertainty, d step / d input, d let out / d input)
        (
            rest_length_uncertainty_m,
            -shrink,
            relax * share_kept * peak_length_m / rest_length_m**2 - 1.0,
        ),
        (
            peak_length_uncertainty_m,
            shrink,
            1.0 / (1.0 + after) - relax * share_kept / rest_length_m,
        ),
        (exponent_uncertainty, -stretch_m * exponent_slope, -relax * before * exponent_slope),
        (tension_ratio_uncertainty, -stretch_m * ratio_slope, -relax * before * ratio_slope),
    )
    return SlackChange(
        let_out_m=let_out_m,
        let_out_uncertainty_m=math.hypot(*(u * slope for u, _, slope in inputs)),
        step_m=step_m,
        step_uncertainty_m=math.hypot(*(u * slope for u, slope, _ in inputs)),
        elongation_before=before,
        elongation_after=after,
    )


def _require_stretched(rest_length_m: float, peak_length_m: float, exponent: float) -> None:
    if not 0.0 < rest_length_m < peak_length_m < math.inf:
        raise BandModelError(
            Message(
                "the band is not stretched at the peak: {peak_length_m} m against "
                "{rest_length_m} m at rest; measure the unstretched band between hand and "
                "anchor again",
                peak_length_m=peak_length_m,
                rest_length_m=rest_length_m,
            )
        )
    if not 0.1 <= exponent <= 3.0:
        raise BandModelError(
            Message("no elastic band has an exponent of {exponent}; 0.5 to 0.75 is usual", exponent=exponent)
        )
