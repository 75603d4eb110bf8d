"""How the tension of one strand depends on its relative elongation: the power law and Mooney-Rivlin.

Elongation is eps = length / resting length - 1, so 1 is twice the resting length. Tension depends on it
alone, not on the length of the strand. A slack strand (eps <= 0) carries nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import override

from bandsense.errors import BandModelError
from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["BandLaw", "MooneyRivlin", "PowerLaw"]


class BandLaw(Protocol):
    """Tension of one strand as an increasing function of its elongation, zero where it is slack."""

    def tension_n(self, elongation: ArrayLike) -> FloatArray:
        """Tension in newtons, of the shape of `elongation`."""
        ...

    def elongation(self, tension_n: ArrayLike) -> FloatArray:
        """Elongation at which the strand pulls `tension_n`; 0 where that is not positive."""
        ...

    def exponent(self, elongation: float) -> float:
        """Local exponent d ln F / d ln eps, for the slack law."""
        ...

    def scaled(self, factor: float) -> Self:
        """Return the law of a strand that pulls `factor` times as much at every elongation."""
        ...


@dataclass(frozen=True, slots=True)
class PowerLaw(BandLaw):
    """F = F100 eps^p. Fits published tables of flat bands within 2 % (RMS) between 25 and 250 %.

    Attributes:
        f100_n: tension at 100 % elongation, newtons.
        p: exponent, usually 0.5 to 0.75.
    """

    f100_n: float
    p: float

    def __post_init__(self) -> None:
        _require_positive(f100_n=self.f100_n, p=self.p)

    @override
    def tension_n(self, elongation: ArrayLike) -> FloatArray:
        eps = np.maximum(np.asarray(elongation, dtype=np.float64), 0.0)
        return np.asarray(self.f100_n * eps**self.p)

    @override
    def elongation(self, tension_n: ArrayLike) -> FloatArray:
        tension = np.maximum(np.asarray(tension_n, dtype=np.float64), 0.0)
        return np.asarray((tension / self.f100_n) ** (1.0 / self.p))

    @override
    def exponent(self, elongation: float) -> float:
        """Return p, the same at every elongation."""
        return self.p

    @override
    def scaled(self, factor: float) -> PowerLaw:
        return replace(self, f100_n=self.f100_n * factor)


@dataclass(frozen=True, slots=True)
class MooneyRivlin(BandLaw):
    """F = 2 (l - l^-2) (C1 + C2 / l) with the stretch l = 1 + eps (Mooney 1940, Rivlin 1948; uniaxial).

    Unlike the power law its slope at eps = 0 is finite, 6 (C1 + C2): take it where a band works near slack.

    Attributes:
        c1_n: C1 times the cross-section of the unstretched strand, newtons; positive.
        c2_n: the same for C2; not negative.
    """

    c1_n: float
    c2_n: float

    @classmethod
    def natural_latex(cls, cross_section_mm2: float) -> MooneyRivlin:
        """Return the law of a natural-latex tube or band of this unstretched cross-section.

        C1 = 0.147 and C2 = 0.116 MPa follow from a tubing maker's stress of 0.72, 1.06 and 1.39 MPa at 100,
        200 and 300 %.
        """
        return cls(0.147 * cross_section_mm2, 0.116 * cross_section_mm2)

    def __post_init__(self) -> None:
        _require_positive(c1_n=self.c1_n)
        if not 0.0 <= self.c2_n < np.inf:
            raise BandModelError(Message("c2_n must not be negative, but is {c2_n}", c2_n=self.c2_n))

    @override
    def tension_n(self, elongation: ArrayLike) -> FloatArray:
        stretch = 1.0 + np.maximum(np.asarray(elongation, dtype=np.float64), 0.0)
        return np.asarray(2.0 * (stretch - stretch**-2) * (self.c1_n + self.c2_n / stretch))

    @override
    def elongation(self, tension_n: ArrayLike) -> FloatArray:
        """Solve by Newton's method from the slack end.

        The law rises and is concave, so that every step stays below the root: no bracket is needed."""
        tension = np.maximum(np.asarray(tension_n, dtype=np.float64), 0.0)
        stretch = np.ones_like(tension)
        for _ in range(100):
            step = (tension - self.tension_n(stretch - 1.0)) / self._slope_n(stretch)
            stretch = stretch + step
            if not np.any(np.abs(step) > 1e-14 * stretch):
                break
        return stretch - 1.0

    @override
    def exponent(self, elongation: float) -> float:
        slope = float(self._slope_n(np.asarray(1.0 + elongation)))
        return elongation * slope / float(self.tension_n(elongation))

    @override
    def scaled(self, factor: float) -> MooneyRivlin:
        return MooneyRivlin(self.c1_n * factor, self.c2_n * factor)

    def _slope_n(self, stretch: FloatArray) -> FloatArray:
        """dF / d stretch."""
        return np.asarray(2.0 * (self.c1_n * (1.0 + 2.0 * stretch**-3) + 3.0 * self.c2_n * stretch**-4))


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 < value < np.inf:
            raise BandModelError(
                Message("{name} must be a positive number, not {value}", name=name, value=value)
            )
