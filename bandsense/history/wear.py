"""How a band has changed over its use, beside what use explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandsense.bands.wear import CHECK_AFTER_REPS, Stiffness, Wear, assess_wear, explained_loss

__all__ = ["BandHistory", "WearPoint", "band_history"]


@dataclass(frozen=True, slots=True)
class WearPoint:
    """One measurement of the band.

    Attributes:
        cycles: repetitions that the band had done.
        f100_n, uncertainty_n: its tension at 100 % elongation.
        least_n: what use explains at most would leave of the first measurement.
    """

    cycles: int
    f100_n: float
    uncertainty_n: float
    least_n: float


@dataclass(frozen=True, slots=True)
class BandHistory:
    """A band over its measurements.

    Attributes:
        wear: the verdict.
        cycles: repetitions it has done by now.
        points: its measurements in order.
        check_in: repetitions after which it should be measured again; 0 when that is due.
    """

    wear: Wear
    cycles: int
    points: tuple[WearPoint, ...]
    check_in: int


def band_history(stiffness: Sequence[Stiffness], cycles: int) -> BandHistory:
    """Follow a band.

    Args:
        stiffness: its measurements in order of time.
        cycles: repetitions it has done since new.
    """
    first_n = stiffness[0].f100_n if stiffness else 0.0
    points = tuple(
        WearPoint(each.cycles, each.f100_n, each.uncertainty_n, first_n * (1.0 - explained_loss(each.cycles)))
        for each in stiffness
    )
    since = cycles - stiffness[-1].cycles if stiffness else cycles
    return BandHistory(assess_wear(stiffness), cycles, points, max(0, CHECK_AFTER_REPS - since))
