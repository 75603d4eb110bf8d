"""A calibration pull over a known stroke: repetitions between two stops, in place of held lengths."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from numpy.typing import ArrayLike

from bandsense.bands.band import MAX_ELONGATION
from bandsense.bands.fit import POWER_LAW, BandFit, LawFamily, fit_stroke
from bandsense.bands.guided_pull import Held, SteadyTension, samples_of
from bandsense.bands.slack import REST_LENGTH_UNCERTAINTY_M
from bandsense.bands.wear import CONDITIONING_REPS
from bandsense.errors import BandModelError
from bandsense.language import Message, joined, mark
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, Rep, RepCompleted, RepRetracted

__all__ = ["MEASURED_REPS", "StrokePull"]

MEASURED_REPS = 5
"""Repetitions that count, after those that condition the band: a mean of peaks that vary by 5 % is good to
2 %."""


class StrokePull:
    """Leads through repetitions over a known stroke; tension in, steps out, the fitted band at the end.

    The band first hangs slack (its reading there is subtracted). Then ten full repetitions follow; the first
    five condition the band and do not count. It has the face of `GuidedPull`.

    Args:
        rest_length_m: measured unstretched distance between hand and anchor.
        stroke_m: how far the hand moves, between two stops that it meets every time.
        start_length_m: distance between hand and anchor where it starts; `rest_length_m` if not given, and
            then the stroke tells the strength of the band, and its curve rests on the prior.
        strands: strands that share the tension.
        family: law to fit.
        tension_uncertainty_n: standard uncertainty of a tension, that of the calibration.

    Raises:
        BandModelError: the stroke does not stretch the band, or stretches it beyond three times its resting
            length.
    """

    def __init__(
        self,
        rest_length_m: float,
        stroke_m: float,
        start_length_m: float | None = None,
        *,
        strands: int = 1,
        family: LawFamily = POWER_LAW,
        tension_uncertainty_n: float = 0.5,
    ) -> None:
        self._rest_length_m = rest_length_m
        self._start_length_m = rest_length_m if start_length_m is None else start_length_m
        self._stroke_m = stroke_m
        self._strands = strands
        self._family = family
        self._tension_uncertainty_n = tension_uncertainty_n
        self._check()
        self._steady = SteadyTension()
        self._zero_n: float | None = None
        self._detector = RepDetector()
        self._reps: dict[int, Rep] = {}

    def _check(self) -> None:
        rest_m, start_m, peak_m = self._rest_length_m, self._start_length_m, self._peak_length_m
        most_m = (1.0 + MAX_ELONGATION) * rest_m
        if not 0.0 < rest_m <= start_m < peak_m <= most_m:
            raise BandModelError(
                Message(
                    "a stroke from {start_cm:.0f} to {peak_cm:.0f} cm must begin where a band of "
                    "{rest_cm:.0f} cm is at least straight, and end before three times that "
                    "length; measure again, or take a shorter stroke",
                    start_cm=100 * start_m,
                    peak_cm=100 * peak_m,
                    rest_cm=100 * rest_m,
                )
            )

    @property
    def _peak_length_m(self) -> float:
        return self._start_length_m + self._stroke_m

    @property
    def marks_m(self) -> tuple[float, ...]:
        """The two ends of the stroke."""
        return self._start_length_m, self._peak_length_m

    @property
    def done(self) -> bool:
        """Whether there are enough repetitions."""
        return not self._missing

    @property
    def _missing(self) -> int:
        return max(0, CONDITIONING_REPS + MEASURED_REPS - len(self._reps))

    @property
    def instruction(self) -> str:
        """What the person is to do now."""
        if self._zero_n is None:
            return Message("Let the band hang slack and keep still.")
        if self.done:
            return Message("Done; let the band go slowly.")
        start_cm, peak_cm = (100 * length_m for length_m in self.marks_m)
        words = mark("{n} more repetitions from {start_cm:.0f} to {peak_cm:.0f} cm and back, evenly.")
        if self._missing == 1:
            words = mark("{n} more repetition from {start_cm:.0f} to {peak_cm:.0f} cm and back, evenly.")
        return Message(words, n=self._missing, start_cm=start_cm, peak_cm=peak_cm)

    def push(self, time_s: ArrayLike, tension_n: ArrayLike) -> list[Held]:
        """Take samples of tension in newtons, and tell the steps that they complete.

        Raises:
            DataError: times and tensions differ in length, or times do not increase.
        """
        steps: list[Held] = []
        for at_s, now_n in samples_of(time_s, tension_n):
            if self._zero_n is None:
                self._zero_n = self._steady.push_slack(at_s, now_n)
                if self._zero_n is not None:
                    steps.append(Held(at_s, None, joined((Message("Slack."), self.instruction), " ")))
            elif not self.done:
                for event in self._detector.push([at_s], [now_n - self._zero_n]):
                    steps += self._follow(event)
        return steps

    def _follow(self, event: Event) -> list[Held]:
        if isinstance(event, RepRetracted):
            self._reps.pop(event.index, None)
        if not isinstance(event, RepCompleted) or event.rep.partial or self.done:
            return []
        self._reps[event.index] = event.rep
        what = Message(
            "{tension:.1f} N at {length:.0f} cm.", tension=event.rep.peak_n, length=100 * self._peak_length_m
        )
        return [Held(event.detected_s, None, joined((what, self.instruction), " "))]

    def fit(self) -> BandFit:
        """Fit the band to the last repetitions.

        Raises:
            BandModelError: there are not enough repetitions yet, or they contradict each other.
        """
        if not self.done:
            raise BandModelError(
                Message("the pull is not finished: {instruction}", instruction=self.instruction)
            )
        measured = list(self._reps.values())[-MEASURED_REPS:]
        peaks_n = [rep.peak_n for rep in measured]
        scatter_n = stdev(peaks_n) / math.sqrt(MEASURED_REPS)
        return fit_stroke(
            self._rest_length_m,
            self._start_length_m,
            self._stroke_m,
            fmean(rep.start_n for rep in measured),
            fmean(peaks_n),
            tension_uncertainty_n=math.hypot(self._tension_uncertainty_n, scatter_n),
            family=self._family,
            strands=self._strands,
            rest_length_uncertainty_m=REST_LENGTH_UNCERTAINTY_M,
        )
