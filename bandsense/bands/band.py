"""Bands as they are used: a law and a resting length, doubled, looped, several side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from bandsense.bands.laws import BandLaw
from bandsense.errors import BandModelError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["MAX_ELONGATION", "WARN_ELONGATION", "Band", "Parallel", "Stretch", "stretch_of"]

MAX_ELONGATION = 2.0
"""Three times the resting length: the limit that a maker of exercise bands gives (bandsandloops.com)."""

WARN_ELONGATION = 1.75
"""Where a warning begins: a quarter of the resting length before the limit. A convention of bandsense."""


class Stretch(Enum):
    """How near a band is to its limit."""

    FINE = "fine"
    NEAR_LIMIT = "near limit"
    BEYOND_LIMIT = "beyond limit"


def stretch_of(elongation: float) -> Stretch:
    """Classify an elongation: fine, near the limit of three times the resting length, or beyond it."""
    if elongation > MAX_ELONGATION:
        return Stretch.BEYOND_LIMIT
    return Stretch.NEAR_LIMIT if elongation > WARN_ELONGATION else Stretch.FINE


@dataclass(frozen=True, slots=True)
class Band:
    """Equal strands side by side between a hand and an anchor, or between two hands.

    Attributes:
        law: tension of one strand.
        rest_length_m: unstretched length of each strand.
        strands: how many share the pull.
    """

    law: BandLaw
    rest_length_m: float
    strands: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.rest_length_m < np.inf:
            raise BandModelError(
                Message(
                    "a band needs a resting length of more than 0 m, not {rest_length_m} m; measure it once",
                    rest_length_m=self.rest_length_m,
                )
            )
        if self.strands < 1:
            raise BandModelError(
                Message("a band has at least one strand, not {strands}", strands=self.strands)
            )

    @classmethod
    def loop(cls, law: BandLaw, circumference_m: float) -> Band:
        """Return a closed loop: two strands, each half as long as the loop. `law` is one strand's."""
        return cls(law, circumference_m / 2.0, 2)

    def doubled(self) -> Band:
        """Folded in half: half as long, twice the strands."""
        return replace(self, rest_length_m=self.rest_length_m / 2.0, strands=2 * self.strands)

    def let_out(self, length_m: float) -> Band:
        """Return it with `length_m` more of every strand between hand and anchor (negative: taken in)."""
        return replace(self, rest_length_m=self.rest_length_m + length_m)

    def elongation(self, length_m: ArrayLike) -> FloatArray:
        """Return the relative elongation at a distance between hand and anchor; negative: slack."""
        return np.asarray(np.asarray(length_m, dtype=np.float64) / self.rest_length_m - 1.0)

    def tension_n(self, length_m: ArrayLike) -> FloatArray:
        """Tension of all strands together at a distance between hand and anchor."""
        return np.asarray(self.strands * self.law.tension_n(self.elongation(length_m)))

    def length_m(self, tension_n: ArrayLike) -> FloatArray:
        """Distance between hand and anchor at a tension; the resting length where there is none."""
        per_strand = np.asarray(tension_n, dtype=np.float64) / self.strands
        return np.asarray(self.rest_length_m * (1.0 + self.law.elongation(per_strand)))


@dataclass(frozen=True, slots=True)
class Parallel:
    """Different bands held together: the distance is the same for all, the tensions add up."""

    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        if not self.bands:
            raise BandModelError(Message("bands in parallel need at least one band"))

    @property
    def rest_length_m(self) -> float:
        """Distance up to which every band is slack."""
        return min(band.rest_length_m for band in self.bands)

    def elongation(self, length_m: ArrayLike) -> FloatArray:
        """Return the relative elongation of the band that is stretched most."""
        return np.asarray(np.max([band.elongation(length_m) for band in self.bands], axis=0))

    def tension_n(self, length_m: ArrayLike) -> FloatArray:
        """Tension of all bands together."""
        return np.asarray(np.sum([band.tension_n(length_m) for band in self.bands], axis=0))

    def length_m(self, tension_n: ArrayLike) -> FloatArray:
        """Distance at a tension: bisection below the distance at which one band alone would carry it."""
        tension = np.asarray(tension_n, dtype=np.float64)
        high = np.min([band.length_m(tension) for band in self.bands], axis=0)
        low = np.full_like(high, self.rest_length_m)
        for _ in range(60):
            middle = (low + high) / 2.0
            too_far = self.tension_n(middle) > tension
            low, high = np.where(too_far, low, middle), np.where(too_far, middle, high)
        return np.asarray((low + high) / 2.0)
