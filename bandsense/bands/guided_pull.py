"""The calibration pull, guided: which length to hold next, and when a hold was steady enough to count."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bandsense.bands.band import MAX_ELONGATION
from bandsense.bands.fit import POWER_LAW, BandFit, LawFamily, Mark, fit_marks
from bandsense.bands.slack import REST_LENGTH_UNCERTAINTY_M
from bandsense.errors import BandModelError, DataError
from bandsense.language import Message, joined

__all__ = ["DEFAULT_MARKS", "GuidedPull", "Held", "SteadyTension", "samples_of"]

DEFAULT_MARKS = (1.4, 1.8, 2.2)
"""Distances to hold, in resting lengths: over the range that exercises use, well below the limit of three."""

_HOLD_S = 2.0
_STEADY_N, _STEADY_SHARE = 0.6, 0.04
"""A hold is steady when tension stays within this over two seconds: wider than what hands tremble and rubber
relaxes in that time, narrower than a centimetre or two of movement."""

_SLACK_N = 3.0
"""A band that hangs slack shows no more than a badly tared sensor does."""

_NEXT_RISE = 1.05
"""The next hold is told from the last one by at least this factor."""


@dataclass(frozen=True, slots=True)
class Held:
    """A step of the pull was done; `message` says what was seen and what comes next."""

    time_s: float
    mark: Mark | None
    message: str


class SteadyTension:
    """Tells when tension has been steady for two seconds, and its mean then."""

    def __init__(self) -> None:
        self._window: deque[tuple[float, float]] = deque()

    def push(self, time_s: float, tension_n: float) -> float | None:
        """Take a sample; the mean of the last two seconds, newtons, if they were steady."""
        self._window.append((time_s, tension_n))
        while self._window[0][0] < time_s - _HOLD_S:
            self._window.popleft()
        if time_s - self._window[0][0] < 0.95 * _HOLD_S:
            return None
        held_n = [n for _, n in self._window]
        mean_n = sum(held_n) / len(held_n)
        steady = max(held_n) - min(held_n) <= max(_STEADY_N, _STEADY_SHARE * abs(mean_n))
        return mean_n if steady else None

    def push_slack(self, time_s: float, tension_n: float) -> float | None:
        """Push for a band that is to hang slack: the zero of a sensor that may be tared badly."""
        mean_n = self.push(time_s, tension_n)
        return mean_n if mean_n is not None and abs(mean_n) <= _SLACK_N else None

    def forget(self) -> None:
        """Begin two seconds anew."""
        self._window.clear()


def samples_of(time_s: ArrayLike, tension_n: ArrayLike) -> Iterator[tuple[float, float]]:
    """Return the times and tensions, sample by sample.

    Raises:
        DataError: they differ in length.
    """
    times = np.asarray(time_s, dtype=np.float64).tolist()
    tensions = np.asarray(tension_n, dtype=np.float64).tolist()
    if len(times) != len(tensions):
        raise DataError(
            Message(
                "{times} times for {tensions} tensions; give one for each",
                times=len(times),
                tensions=len(tensions),
            )
        )
    return zip(times, tensions, strict=True)


class GuidedPull:
    """Leads through a calibration pull; tension in, steps out, the fitted band at the end.

    The band first hangs slack (its reading there is subtracted), then is held at each mark in turn, nearest
    first. A step counts by itself once tension has been steady for two seconds.

    Args:
        rest_length_m: measured unstretched distance between hand and anchor.
        marks_m: distances to hold; `DEFAULT_MARKS` resting lengths, in whole centimetres, if not given.
        strands: strands that share the tension.
        family: law to fit.
        tension_uncertainty_n: standard uncertainty of a tension, that of the calibration.
        rest_length_uncertainty_m: standard uncertainty of `rest_length_m`.

    Raises:
        BandModelError: no mark, or one that is not between the resting length and three times of it.
    """

    def __init__(
        self,
        rest_length_m: float,
        marks_m: Sequence[float] | None = None,
        *,
        strands: int = 1,
        family: LawFamily = POWER_LAW,
        tension_uncertainty_n: float = 0.5,
        rest_length_uncertainty_m: float = REST_LENGTH_UNCERTAINTY_M,
    ) -> None:
        usual = [round(rest_length_m * stretch, 2) for stretch in DEFAULT_MARKS]
        self.marks_m = tuple(sorted(marks_m if marks_m is not None else usual))
        most_m = (1.0 + MAX_ELONGATION) * rest_length_m
        if not self.marks_m or not rest_length_m < self.marks_m[0] <= self.marks_m[-1] <= most_m:
            raise BandModelError(
                Message(
                    "marks must lie between the resting length of {rest_length_m:g} m and three "
                    "times that; two or three of them are good",
                    rest_length_m=rest_length_m,
                )
            )
        self._rest_length_m = rest_length_m
        self._strands = strands
        self._family = family
        self._tension_uncertainty_n = tension_uncertainty_n
        self._rest_length_uncertainty_m = rest_length_uncertainty_m
        self._steady = SteadyTension()
        self._zero_n: float | None = None
        self._held: list[Mark] = []

    @property
    def done(self) -> bool:
        """Whether every mark has been held."""
        return len(self._held) == len(self.marks_m)

    @property
    def instruction(self) -> str:
        """What the person is to do now."""
        if self._zero_n is None:
            return Message(
                "Pull the band five times over its usual range, so that it is not new any more; then let it "
                "hang slack and keep still."
            )
        if self.done:
            return Message("Done; let the band go slowly.")
        number, total = len(self._held) + 1, len(self.marks_m)
        return Message(
            "Hold {number} of {total}: stretch to {length_cm:.0f} cm and keep still.",
            number=number,
            total=total,
            length_cm=100 * self._next_m,
        )

    def push(self, time_s: ArrayLike, tension_n: ArrayLike) -> list[Held]:
        """Take samples of tension in newtons, and tell the steps that they complete.

        Raises:
            DataError: times and tensions differ in length.
        """
        steps = (self._sample(*sample) for sample in samples_of(time_s, tension_n))
        return [step for step in steps if step is not None]

    def fit(self) -> BandFit:
        """Fit the band to the holds.

        Raises:
            BandModelError: nothing was held yet, or the holds contradict each other.
        """
        return fit_marks(
            self._rest_length_m,
            self._held,
            family=self._family,
            strands=self._strands,
            rest_length_uncertainty_m=self._rest_length_uncertainty_m,
        )

    @property
    def _next_m(self) -> float:
        return self.marks_m[len(self._held)]

    def _sample(self, time_s: float, tension_n: float) -> Held | None:
        if self.done:
            return None
        if self._zero_n is not None:
            mean_n = self._steady.push(time_s, tension_n)
            return None if mean_n is None else self._hold(time_s, mean_n - self._zero_n)
        self._zero_n = self._steady.push_slack(time_s, tension_n)
        if self._zero_n is None:
            return None
        self._steady.forget()
        return Held(time_s, None, joined((Message("Slack."), self.instruction), " "))

    def _hold(self, time_s: float, tension_n: float) -> Held | None:
        last_n = self._held[-1].tension_n if self._held else _SLACK_N
        if tension_n < _NEXT_RISE * last_n:
            return None
        mark = Mark(self._next_m, tension_n, tension_uncertainty_n=self._tension_uncertainty_n)
        self._held.append(mark)
        self._steady.forget()
        what = Message(
            "{tension:.1f} N at {length:.0f} cm.", tension=mark.tension_n, length=100 * mark.length_m
        )
        return Held(time_s, mark, joined((what, self.instruction), " "))
