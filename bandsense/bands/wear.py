"""Whether a band has softened more than its use explains.

Rubber softens over its first stretches and recovers; over a thousand and more stretches to double length
bands lost 9.5 to 15.5 % of their tension for good (de Paula, UFOP). What goes beyond that, or comes suddenly,
is damage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from bandsense.bands.fit import BandFit
from bandsense.language import Message

__all__ = [
    "CHECK_AFTER_REPS",
    "CONDITIONING_LOSS",
    "CONDITIONING_REPS",
    "Stiffness",
    "Wear",
    "WearState",
    "assess_wear",
    "explained_loss",
]

CONDITIONING_REPS = 5
"""Repetitions at the start of a session that condition the band and do not count as a measure of it."""

CHECK_AFTER_REPS = 500
"""After so many repetitions a band should be measured again. A convention: half of the use for which the loss
of sound bands is known."""

CONDITIONING_LOSS = 0.05
"""A prior: what a new band loses within its first stretches and wins back at rest, so that two measures may
differ by it either way."""

_CYCLIC_LOSS = 0.155
_CYCLIC_LOSS_AT = 1000
_SUDDEN_LOSS = 0.10


@dataclass(frozen=True, slots=True)
class Stiffness:
    """Strength of a band in one session, measured after `CONDITIONING_REPS` repetitions.

    Attributes:
        cycles: repetitions the band has done since new.
        f100_n: tension at 100 % elongation.
        uncertainty_n: standard uncertainty of `f100_n`.
    """

    cycles: int
    f100_n: float
    uncertainty_n: float

    @classmethod
    def from_fit(cls, fit: BandFit, cycles: int) -> Stiffness:
        """From a calibration pull, or a check pull to one mark."""
        double_length_m = 2.0 * fit.band.rest_length_m
        return cls(
            cycles, float(fit.band.tension_n(double_length_m)), fit.tension_uncertainty_n(double_length_m)
        )


class WearState(Enum):
    """What to think of a band."""

    UNKNOWN = "unknown"
    FINE = "fine"
    DOUBTFUL = "doubtful"
    """It seems to have become stronger, which bands do not: something was measured wrongly."""
    WORN = "worn"
    SUDDEN = "sudden"

    @property
    def alarming(self) -> bool:
        """Whether the band should be looked at before it is pulled again."""
        return self in (WearState.WORN, WearState.SUDDEN)


@dataclass(frozen=True, slots=True)
class Wear:
    """How a band has changed.

    Attributes:
        state: the verdict.
        loss: part of its first tension that is gone; negative if it became stiffer.
        uncertainty: standard uncertainty of `loss`.
        message: the verdict in words, with what to do.
    """

    state: WearState
    loss: float
    uncertainty: float
    message: str


def explained_loss(cycles: int) -> float:
    """Part of the tension that conditioning and `cycles` stretches explain at most."""
    worked = min(1.0, cycles / _CYCLIC_LOSS_AT)
    return CONDITIONING_LOSS + worked * (_CYCLIC_LOSS - CONDITIONING_LOSS)


def assess_wear(history: Sequence[Stiffness]) -> Wear:
    """Compare the last sessions with the first, and the very last with those before it.

    Args:
        history: sessions in order of time. At least two are needed for a verdict; up to three at either
            end are averaged.
    """
    if len(history) < 2:
        return Wear(
            WearState.UNKNOWN,
            0.0,
            1.0,
            Message("Not measured often enough to see wear; measure once a session."),
        )
    before, last = history[max(0, len(history) - 4) : -1], history[-1:]
    drop, u_drop = _loss(before, last)
    if drop > _SUDDEN_LOSS and drop > 3.0 * u_drop:
        return Wear(
            WearState.SUDDEN,
            drop,
            u_drop,
            Message(
                "The band lost {drop:.0%} of its tension since the last time. Look it over for nicks and "
                "tears, and check the resting length, before you pull again.",
                drop=drop,
            ),
        )
    ends = min(3, len(history) // 2)
    loss, u_loss = _loss(history[:ends], history[-ends:])
    allowed = explained_loss(history[-1].cycles)
    if loss - 2.0 * u_loss > allowed:
        return Wear(
            WearState.WORN,
            loss,
            u_loss,
            Message(
                "The band has lost {loss:.0%} of its first tension; normal use explains up to "
                "{allowed:.0%}. Replace it.",
                loss=loss,
                allowed=allowed,
            ),
        )
    if -loss - 2.0 * u_loss > CONDITIONING_LOSS:
        return Wear(
            WearState.DOUBTFUL,
            loss,
            u_loss,
            Message(
                "The band seems {gain:.0%} stronger than at first, and bands do not grow stronger. Measure "
                "its unstretched length again, and make sure that it is the same band.",
                gain=-loss,
            ),
        )
    told = Message("The band is as strong as at first; nothing to do.")
    if abs(loss) >= 2.0 * u_loss:
        told = Message("The band has changed by {change:+.0%}; nothing to do.", change=-loss)
    return Wear(WearState.FINE, loss, u_loss, told)


def _loss(first: Sequence[Stiffness], last: Sequence[Stiffness]) -> tuple[float, float]:
    (before, u_before), (after, u_after) = _mean(first), _mean(last)
    return 1.0 - after / before, float(np.hypot(u_after, u_before * after / before) / before)


def _mean(history: Sequence[Stiffness]) -> tuple[float, float]:
    """Mean weighted by the inverse variances, and its standard uncertainty."""
    weight = np.array([1.0 / reading.uncertainty_n**2 for reading in history])
    value = np.array([reading.f100_n for reading in history])
    return float(weight @ value / weight.sum()), float(weight.sum() ** -0.5)
