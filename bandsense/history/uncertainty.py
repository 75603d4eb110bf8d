"""How far a value scatters from session to session, and what difference is more than that.

Theory. A person repeats the same session with some scatter: the *typical error* s, a standard deviation
within the person (Hopkins 2000, Sports Medicine 30:1). It is estimated from successive differences d of n
sessions, s² = Σd²/(2(n - 1)), because a trend hardly enters those (von Neumann 1941, Ann Math Stat 12:367);
the price is a third of the degrees of freedom, of which 2(n - 1)²/(3n - 4) are left. The least difference
between two sessions that chance explains only once in twenty is the *minimal detectable change*, t·√2·s (Weir
2005, J Strength Cond Res 19:231), with Student's t of those degrees of freedom in place of 1.96. An error of
the sensor's span is common to all sessions of a calibration and cancels; it has no part in any of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import hypot, isfinite, sqrt
from statistics import fmean

__all__ = ["Change", "Verdict", "minimal_detectable_change", "student_t", "typical_error"]

LEAST_SESSIONS = 4
"""Fewer sessions say too little about a person's scatter."""

_T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 8: 2.306, 10: 2.228, 15: 2.131}
_T_95 |= {20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980}
_T_LIMIT = 1.960
"""Student's t, two-sided 95 %, by degrees of freedom (any table), and its limit."""


class Verdict(Enum):
    """How sure it is that two values differ."""

    SURE = "sure"
    """By more than two standard uncertainties."""
    LIKELY = "likely"
    """By more than one."""
    NOT_SURE = "not sure"


@dataclass(frozen=True, slots=True)
class Change:
    """From one value to another, with the standard uncertainty of the difference, in the unit of the value.

    Attributes:
        before, now: the values.
        uncertainty: standard uncertainty of `now - before`; infinite where nothing is known of it.
    """

    before: float
    now: float
    uncertainty: float

    @property
    def difference(self) -> float:
        """Now less before."""
        return self.now - self.before

    @property
    def share(self) -> float | None:
        """The difference as a part of what was before; None where that was nothing."""
        return self.difference / self.before if self.before > 0.0 else None

    @property
    def share_uncertainty(self) -> float | None:
        """Standard uncertainty of `share`, `before` taken as exact."""
        return self.uncertainty / self.before if self.before > 0.0 else None

    @property
    def verdict(self) -> Verdict:
        """How sure it is that there is a difference."""
        if not isfinite(self.uncertainty):
            return Verdict.NOT_SURE
        size = abs(self.difference)
        if size > 2.0 * self.uncertainty:
            return Verdict.SURE
        return Verdict.LIKELY if size > self.uncertainty else Verdict.NOT_SURE


def student_t(degrees: float) -> float:
    """Interpolate Student's t, two-sided 95 %, in the reciprocal of the degrees of freedom.

    Below one degree it is that of one.
    """
    if degrees <= 1.0:
        return _T_95[1]
    known = sorted(_T_95)
    if degrees >= known[-1]:
        return _T_LIMIT + (_T_95[known[-1]] - _T_LIMIT) * known[-1] / degrees
    low, high = next((a, b) for a, b in pairwise(known) if a <= degrees <= b)
    share = (1.0 / low - 1.0 / degrees) / (1.0 / low - 1.0 / high)
    return _T_95[low] + share * (_T_95[high] - _T_95[low])


def typical_error(values: Sequence[float]) -> float | None:
    """Estimate the scatter from session to session by successive differences; None below `LEAST_SESSIONS`."""
    if len(values) < LEAST_SESSIONS:
        return None
    return sqrt(fmean((after - before) ** 2 for before, after in pairwise(values)) / 2.0)


def minimal_detectable_change(values: Sequence[float]) -> float | None:
    """Give the difference of sessions that chance makes once in twenty; None below `LEAST_SESSIONS`."""
    error = typical_error(values)
    if error is None:
        return None
    n = len(values)
    degrees = 2.0 * (n - 1) ** 2 / (3 * n - 4)
    return student_t(degrees) * sqrt(2.0) * error


def change_between(before: float, now: float, u_before: float, u_now: float) -> Change:
    """Compare two values whose errors have nothing in common."""
    return Change(before, now, hypot(u_before, u_now))
