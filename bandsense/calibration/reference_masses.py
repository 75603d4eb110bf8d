"""How far the masses of a calibration can be trusted, and what their residuals give away.

A mass is known by what it is: weighed, stamped on a plate, filled into a bottle, or just a number that was
typed. Its error has two parts. One is common to all masses of a kind (the scale's span, the plastic of every
bottle): no residual shows it, so it goes into the uncertainty of the span as it is. The other differs from
mass to mass and stays the same however often a mass is hung: it must not be taken for scatter, which more
runs would average away, nor for curvature of the sensor. Generalised least squares (Aitken 1935) with a
covariance that says so does both.

Three mistakes and one property of the sensor each add one column to the regression of force on deflection d:

* a strap or hook that nobody counted: the same force under every mass;
* a wrong mass: a force under that mass alone;
* curvature: d².

With z the estimate of such a column over its standard error, z² is by how much it lowers the generalised sum
of squares. The largest z² is the best explanation; it is asked about from `ASKED_Z` on, and asked about alone
only if it beats the next by `CLEAR_GAIN`. Two masses fit any of these equally well, so that the question is
left to the person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from bandsense.language import Message
from bandsense.samples import FloatArray

__all__ = ["BELIEVED_Z", "MassKind", "Suspicion", "SuspicionKind", "division_of", "find_suspicion"]

BELIEVED_Z = 3.5
"""From so many standard errors on a sensor is believed to be curved: one calibration in 2000 by chance."""

ASKED_Z = 3.0
"""From so many on a mistake is asked about: to be asked in vain costs a word, a strap that is not found the
calibration."""

COARSEST_KG = 0.1
"""Division of the coarsest luggage scales: whole kilograms are not the step in which a mass was weighed."""

CLEAR_GAIN = 6.0
"""An explanation is alone if the next lowers the sum of squares by so much less: odds of e^3, twenty to
one."""


class MassKind(Enum):
    """Where the numbers of the masses come from."""

    WEIGHED = "weighed"
    """On a kitchen or luggage scale."""
    PLATES = "plates"
    """Stamped on weight plates, kettlebells or dumb-bells."""
    BOTTLES = "bottles"
    """Litres of water in bottles or canisters, taken for kilograms."""
    TYPED = "typed"
    """Not said."""

    @property
    def common(self) -> float:
        """Relative standard uncertainty that all masses share; a prior.

        A household scale is good to 0.5 % of the reading; a water bottle brings 2 to 4 % of plastic and is
        filled beyond its mark or not.
        """
        return _COMMON[self]

    @property
    def apart(self) -> float:
        """Relative standard uncertainty by which masses differ; a prior.

        Half widths h count h/√3: 0.35 % (the scale's division), 5 % (cast plates), 5 % (how far bottles are
        filled), 6 %.
        """
        return _APART[self]


_COMMON = {MassKind.WEIGHED: 0.003, MassKind.PLATES: 0.01, MassKind.BOTTLES: 0.025, MassKind.TYPED: 0.02}
_APART = {MassKind.WEIGHED: 0.002, MassKind.PLATES: 0.03, MassKind.BOTTLES: 0.03, MassKind.TYPED: 0.035}


def division_of(masses: Iterable[str]) -> float:
    """Return the step in which masses were read off a scale, kilograms: the finest decimal place written."""
    places = max((len(mass.partition(".")[2].strip()) for mass in masses), default=0)
    return min(COARSEST_KG, 10.0**-places)


class SuspicionKind(Enum):
    """What the residuals look like."""

    STRAP = "something hung with every mass that was not counted"
    MASS = "one mass is not what it was said to be"
    EITHER = "the masses do not fit each other"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A mistake that explains the residuals, to be asked about.

    Attributes:
        kind: what it is.
        mass_kg: the mass that is wrong, or most likely to be, as it was given.
        likely_kg: what it weighs if it is.
        strap_kg: what was not counted with every mass if that is the mistake.
    """

    kind: SuspicionKind
    mass_kg: float
    likely_kg: float
    strap_kg: float

    @property
    def question(self) -> Message:
        """In words, for the person who hung the masses."""
        strap = (
            Message(
                "{kg:.2g} kg that were not counted, such as a strap, hung with every mass", kg=self.strap_kg
            )
            if self.strap_kg > 0.0
            else Message("every mass is {kg:.2g} kg less than given", kg=-self.strap_kg)
        )
        mass = Message(
            "the mass given as {given_kg:.4g} kg is {likely_kg:.3g} kg",
            given_kg=self.mass_kg,
            likely_kg=self.likely_kg,
        )
        match self.kind:
            case SuspicionKind.STRAP:
                return Message("The readings fit if {this}.", this=strap)
            case SuspicionKind.MASS:
                return Message("The readings fit if {this}.", this=mass)
            case SuspicionKind.EITHER:
                return Message(
                    "The masses do not fit each other. They would if {this}, or if {that}.",
                    this=mass,
                    that=strap,
                )


@dataclass(frozen=True, slots=True)
class _Explanation:
    gain: float
    kind: SuspicionKind | None
    level: int
    force_n: float


def find_suspicion(
    force_n: FloatArray, deflection: FloatArray, covariance: FloatArray, gravity: float, *, curves: bool
) -> Suspicion | None:
    """Find the mistake that explains the residuals of a straight line, if one is to be believed.

    Args:
        force_n: float64[n], what each mass was said to pull.
        deflection: float64[n], mean reading above zero under it, in any unit.
        covariance: float64[n, n], of the forces about the sensor's own curve, newtons².
        gravity: m/s².
        curves: the sensor is known to be curved, as a clip is: where curvature explains the residuals about
        as
            well as a mistake does, nothing is suspected.
    """
    if force_n.size < 2:
        return None

    def explained(column: FloatArray, kind: SuspicionKind | None, level: int = -1) -> _Explanation:
        return _explanation(deflection, force_n, covariance, column, kind, level)

    one_each = np.eye(force_n.size)
    strap = explained(np.ones_like(force_n), SuspicionKind.STRAP)
    masses = [explained(one_each[k], SuspicionKind.MASS, k) for k in range(force_n.size)]
    curvature_gain = explained(deflection**2, None).gain if force_n.size > 2 else 0.0
    best, *rivals = sorted((strap, *masses), key=lambda each: -each.gain)
    clear = best.gain > max(curvature_gain, *(each.gain for each in rivals)) + CLEAR_GAIN
    if best.gain < ASKED_Z**2 or (curves and not clear):
        return None
    if curvature_gain > best.gain + CLEAR_GAIN:
        return None
    suspect = max(masses, key=lambda each: each.gain)
    mass_kg = float(force_n[suspect.level]) / gravity
    return Suspicion(
        best.kind if clear and best.kind is not None else SuspicionKind.EITHER,
        mass_kg,
        mass_kg - suspect.force_n / gravity,
        -strap.force_n / gravity,
    )


def _explanation(
    deflection: FloatArray,
    force_n: FloatArray,
    covariance: FloatArray,
    column: FloatArray,
    kind: SuspicionKind | None,
    level: int,
) -> _Explanation:
    """Return by how much one more column lowers the generalised sum of squares, and its coefficient."""
    scale = float(np.abs(column).max())
    design = np.stack((deflection / np.abs(deflection).max(), column / scale), axis=1)
    try:
        inverse = np.linalg.inv(design.T @ np.linalg.solve(covariance, design))
    except np.linalg.LinAlgError:
        return _Explanation(0.0, kind, level, 0.0)
    found = inverse @ design.T @ np.linalg.solve(covariance, force_n)
    return _Explanation(float(found[1] ** 2 / inverse[1, 1]), kind, level, float(found[1]))
