"""One strand as it is used in an exercise: its lengths, and what a change of slack does to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from bandsense.bands.band import Stretch, stretch_of
from bandsense.bands.slack import (
    EXPONENT_PRIOR,
    EXPONENT_UNCERTAINTY,
    PEAK_LENGTH_UNCERTAINTY_M,
    REST_LENGTH_UNCERTAINTY_M,
    slack_change,
)
from bandsense.errors import BandModelError
from bandsense.language import Message

__all__ = ["ChangeBy", "Strand"]


LEAST_EXPONENT, MOST_EXPONENT = 0.1, 5.0
"""Published bands have 0.5 to 0.75, steel springs 1: far beyond is a mistake."""


class ChangeBy(Enum):
    """Which form of the slack law applies."""

    GRIP = "grip"
    """The pose stays, the band between hand and anchor gets longer or shorter."""
    STEP = "step"
    """The band stays, the whole movement shifts towards the anchor or away from it."""


@dataclass(frozen=True, slots=True)
class Strand:
    """Lengths of one strand between hand and anchor, or between two hands.

    Attributes:
        rest_length_m: unstretched length.
        start_length_m: distance in the start pose; shorter than `rest_length_m` where the band hangs slack.
        peak_length_m: distance in the end pose, longer than `rest_length_m`.
        rest_length_uncertainty_m: standard uncertainty of `rest_length_m`.
        peak_length_uncertainty_m: standard uncertainty of `peak_length_m`.
        exponent: of the band's power law.
        exponent_uncertainty: standard uncertainty of `exponent`.
        measured: whether the lengths are this person's own and not typical ones.
    """

    rest_length_m: float
    start_length_m: float
    peak_length_m: float
    rest_length_uncertainty_m: float = REST_LENGTH_UNCERTAINTY_M
    peak_length_uncertainty_m: float = PEAK_LENGTH_UNCERTAINTY_M
    exponent: float = EXPONENT_PRIOR
    exponent_uncertainty: float = EXPONENT_UNCERTAINTY
    measured: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.rest_length_m < self.peak_length_m:
            raise BandModelError(
                Message(
                    "a band of {rest_length_m:g} m at rest is not stretched at a distance of "
                    "{peak_length_m:g} m; measure the unstretched band between hand and anchor "
                    "again",
                    rest_length_m=self.rest_length_m,
                    peak_length_m=self.peak_length_m,
                )
            )
        if not 0.0 < self.start_length_m < self.peak_length_m:
            raise BandModelError(
                Message(
                    "the start ({start_length_m:g} m) must be nearer to the anchor than the end "
                    "({peak_length_m:g} m) of the movement",
                    start_length_m=self.start_length_m,
                    peak_length_m=self.peak_length_m,
                )
            )
        if not LEAST_EXPONENT <= self.exponent <= MOST_EXPONENT:
            raise BandModelError(
                Message(
                    "no band pulls as elongation to the power {exponent:g}; measure the band again",
                    exponent=self.exponent,
                )
            )

    @property
    def stroke_m(self) -> float:
        """How far the hand moves."""
        return self.peak_length_m - self.start_length_m

    @property
    def peak_elongation(self) -> float:
        """Relative elongation in the end pose."""
        return self.peak_length_m / self.rest_length_m - 1.0

    @property
    def peak_elongation_uncertainty(self) -> float:
        """Standard uncertainty of `peak_elongation`, of independent lengths (JCGM 100:2008, 5.1.2)."""
        return math.hypot(
            self.peak_length_uncertainty_m / self.rest_length_m,
            self.rest_length_uncertainty_m * self.peak_length_m / self.rest_length_m**2,
        )

    @property
    def stretch(self) -> Stretch:
        """How near the band comes to its limit in the end pose."""
        return stretch_of(self.peak_elongation)

    @property
    def unloaded_share(self) -> float:
        """Part of the stroke over which the band is slack."""
        return max(0.0, self.rest_length_m - self.start_length_m) / self.stroke_m

    def change_for(self, tension_ratio: float, by: ChangeBy) -> tuple[float, float]:
        """Amount in metres that multiplies the peak tension, and its standard uncertainty.

        Positive is easier: band let out, or a step towards the anchor.

        Raises:
            BandModelError: as `slack_change`.
        """
        change = slack_change(
            self.rest_length_m,
            self.peak_length_m,
            tension_ratio,
            exponent=self.exponent,
            rest_length_uncertainty_m=self.rest_length_uncertainty_m,
            peak_length_uncertainty_m=self.peak_length_uncertainty_m,
            exponent_uncertainty=self.exponent_uncertainty,
        )
        if by is ChangeBy.GRIP:
            return change.let_out_m, change.let_out_uncertainty_m
        return change.step_m, change.step_uncertainty_m

    def changed(self, amount_m: float, by: ChangeBy) -> Strand:
        """Return the strand after a change of slack; positive is easier.

        Raises:
            BandModelError: the band would no longer be stretched in the end pose.
        """
        if by is ChangeBy.GRIP:
            return replace(self, rest_length_m=self.rest_length_m + amount_m)
        return replace(
            self,
            start_length_m=self.start_length_m - amount_m,
            peak_length_m=self.peak_length_m - amount_m,
        )

    def ratio_of(self, amount_m: float, by: ChangeBy) -> float:
        """By what a change multiplies the peak tension.

        Raises:
            BandModelError: the band would no longer be stretched in the end pose.
        """
        after = self.changed(amount_m, by).peak_elongation
        return float((after / self.peak_elongation) ** self.exponent)
