"""Tempo in the language in which it is prescribed: the seconds of the hand, from those of the tension.

A physiotherapist counts what the hand does: pull 1.5 s, hold 0.5 s, return 2.5 s. The signal chain times what
the sensor sees: 10 to 90 % of the rise and fall of tension. A band pulls hardest near the end of the way, and
a hand is slow where it starts and stops, so each movement loses a part of its time before 10 % and a part
after 90 %, which count as rest and as hold. With u the time of a movement from 0 to 1, s(u) the way, p the
exponent of the band's power law and r the tension at the start over that at the end, the tension is

    F(u) ~ (e + (1 - e) s(u))^p,    e = r^(1/p)

and the parts are where it crosses 10 and 90 % of its rise. r is measured at every repetition; p is the band's
own where it was fitted, else the prior of `bands.slack`. Of s only the extremes are known: a movement of
least jerk, s = 10u³ - 15u⁴ + 6u⁵ (Flash and Hogan 1985), and one at constant speed. A quarter is taken of the
latter, by convention, which makes the middle part 0.6 of the time on the usual band. That is why a hand's
tempo is *about* so many seconds: from one extreme to the other it changes by a quarter.

Everything that a person reads is in these seconds. Exports keep the phases of the tension, under their own
names (`concentric_s`, `hold_s`, `eccentric_s` of a repetition).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median

import numpy as np

from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.signal.events import Rep

__all__ = ["HandTempo", "Parts", "hand_tempo", "parts_of_a_movement", "set_tempo", "tempos"]

CONSTANT_SPEED = 0.25
"""Part of the movement at constant speed in the mixture of the two extremes; a convention, see above."""

_MOST_RATIO = 0.9
_EXPONENTS = (0.2, 2.0)
# Of any band there is, and beyond.

_STEPS = 2001


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of the time of one movement towards more tension: below 10 %, to 90 %, and beyond."""

    before: float
    between: float
    after: float


@dataclass(frozen=True, slots=True)
class HandTempo:
    """Seconds of the hand in one repetition, or the medians of a set.

    Attributes:
        concentric_s: of the movement in which tension rises.
        hold_s: at the end of it.
        eccentric_s: of the movement back.
        rest_s: at the start, before the next repetition; None of a single one.
    """

    concentric_s: float
    hold_s: float
    eccentric_s: float
    rest_s: float | None = None


def parts_of_a_movement(tension_ratio: float, exponent: float = EXPONENT_PRIOR) -> Parts:
    """Return where a movement crosses 10 and 90 % of its rise of tension, as parts of its time.

    Args:
        tension_ratio: tension at its start over that at its end.
        exponent: of the band's power law.
    """
    low, high = _EXPONENTS
    return _parts(
        round(min(max(tension_ratio, 0.0), _MOST_RATIO), 2), round(min(max(exponent, low), high), 2)
    )


@lru_cache(maxsize=1024)
def _parts(ratio: float, exponent: float) -> Parts:
    time = np.linspace(0.0, 1.0, _STEPS)
    start = ratio ** (1.0 / exponent)
    before = between = 0.0
    ways = ((1.0 - CONSTANT_SPEED, time**3 * (10.0 - 15.0 * time + 6.0 * time**2)), (CONSTANT_SPEED, time))
    for weight, way in ways:
        tension = (start + (1.0 - start) * way) ** exponent
        low, high = np.interp((0.1, 0.9), (tension - ratio) / (1.0 - ratio), time).tolist()
        before += weight * low
        between += weight * (high - low)
    return Parts(before, between, 1.0 - before - between)


def hand_tempo(rep: Rep, exponent: float = EXPONENT_PRIOR, rest_s: float | None = None) -> HandTempo:
    """Seconds of the hand in one repetition.

    Args:
        rep: as the signal chain timed it.
        exponent: of the band's power law.
        rest_s: time from its end to the next pull, both at 10 %; None where there is none.
    """
    peak_n = max(rep.peak_n, 1e-9)
    rise, fall = (parts_of_a_movement(tension_n / peak_n, exponent) for tension_n in (rep.start_n, rep.end_n))
    concentric_s, eccentric_s = rep.concentric_s / rise.between, rep.eccentric_s / fall.between
    hold_s = rep.hold_s - rise.after * concentric_s - fall.after * eccentric_s
    if rest_s is not None:
        rest_s = max(0.0, rest_s - rise.before * concentric_s - fall.before * eccentric_s)
    return HandTempo(concentric_s, max(0.0, hold_s), eccentric_s, rest_s)


def tempos(reps: Sequence[Rep], exponent: float = EXPONENT_PRIOR) -> list[HandTempo]:
    """Give the tempo of each full repetition of a set, or of all where none is full."""
    rests_s = {before.index: after.pull_start_s - before.end_s for before, after in pairwise(reps)}
    counted = [rep for rep in reps if not rep.partial] or reps
    return [hand_tempo(rep, exponent, rests_s.get(rep.index)) for rep in counted]


def set_tempo(reps: Sequence[Rep], exponent: float = EXPONENT_PRIOR) -> HandTempo | None:
    """Medians of a set over its full repetitions, or over all where none is full; None without any."""
    each = tempos(reps, exponent)
    if not each:
        return None
    rested_s = [one.rest_s for one in each if one.rest_s is not None]
    return HandTempo(
        median(one.concentric_s for one in each),
        median(one.hold_s for one in each),
        median(one.eccentric_s for one in each),
        median(rested_s) if rested_s else None,
    )
