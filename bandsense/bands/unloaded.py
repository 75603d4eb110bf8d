"""How much of a movement happens while the band hangs slack, from the tension that remains to be seen.

What the hand does without tension cannot be measured, but how fast it was when the tension vanished can. A
person who comes to rest where the band gets slack has slowed down by then; one who moves on has not. Taking
the movement as minimum-jerk (Flash and Hogan 1985), the speed near the vanishing point, relative to the
speed in mid-stroke, tells which part of the movement was left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.samples import FloatArray

__all__ = ["unloaded_share"]

_LEVELS = (0.70, 0.40, 0.20, 0.05)
"""Displacement, as a part of the loaded stroke, between whose pairs the mean speeds are compared: far enough
from zero for the tension there to stand clear of noise (16 to 80 % of the peak)."""

_GREATEST_SHARE = 0.6


def unloaded_share(
    time_s: ArrayLike, tension_n: ArrayLike, peak_n: float, *, exponent: float = EXPONENT_PRIOR
) -> float | None:
    """Estimated part of the stroke without tension, from one pull or one return.

    Args:
        time_s: times of the pull or the return, increasing.
        tension_n: tension, rising (a pull) or falling (a return) between near nothing and the peak.
        peak_n: peak tension of the repetition.
        exponent: of the band's power law.

    Returns:
        0 where the person comes to rest as the tension vanishes, up to 0.6; None where the tension does not
        pass the levels that are compared, or too fast to tell.
    """
    time = np.asarray(time_s, dtype=np.float64)
    tension = np.asarray(tension_n, dtype=np.float64)
    if time.size < 4 or peak_n <= 0.0:
        return None
    if tension[0] < tension[-1]:
        time, tension = -time[::-1], tension[::-1]
    way = np.minimum.accumulate((np.maximum(tension, 0.0) / peak_n) ** (1.0 / exponent))
    if way[0] < _LEVELS[0] or way[-1] > _LEVELS[-1]:
        return None
    at = np.interp(np.negative(_LEVELS), -way, time)
    middle_s, end_s = at[1] - at[0], at[3] - at[2]
    if middle_s <= 0.0:
        return None
    slowness = end_s / middle_s
    return float(np.interp(slowness, _SLOWNESS[::-1], _SHARES[::-1]))


def _slowness(share: float) -> float:
    """Time from the third to the fourth level over that from the first to the second, minimum-jerk."""
    time = np.linspace(0.0, 1.0, 2001)
    way = time**3 * (10.0 - 15.0 * time + 6.0 * time**2)
    at = np.interp((1.0 - share) * (1.0 - np.array(_LEVELS)), way, time)
    return float((at[3] - at[2]) / (at[1] - at[0]))


_SHARES: FloatArray = np.linspace(0.0, _GREATEST_SHARE, 61)

_SLOWNESS: FloatArray = np.array([_slowness(share) for share in _SHARES.tolist()])
"""For each share of the whole stroke. It falls: the hand is faster where the tension vanishes."""
