"""Announcements, phases and warnings as events, with every repetition measured."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import replace
from math import hypot, inf
from typing import Final

from bandsense.language import Message
from bandsense.signal.announcer import Announcement, Announcer
from bandsense.signal.band_loss import BandLoss
from bandsense.signal.boundaries import APART_S, Boundaries, measure
from bandsense.signal.events import (
    CountJudged,
    Event,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    SignalWarning,
    WarningKind,
)
from bandsense.signal.history import Samples
from bandsense.signal.laws.numbers import Numbers
from bandsense.signal.metric_contract import Conditions, phases_forgotten, phases_hidden
from bandsense.signal.peaks import OF_A_STEP, Peak, estimate_peak
from bandsense.signal.ranges import NEIGHBOURS, PARTIAL_BELOW, range_fraction, range_is_unsure
from bandsense.signal.ticks import Ticks, TurningPoint
from bandsense.signal.told import Shown
from bandsense.signal.turning_points import (
    HELD,
    PULLING,
    RESTED,
    RESTING,
    RETURNED,
    RETURNED_SHARE,
    TURNED,
    VALLEY,
    Look,
    TurningPoints,
)

__all__ = ["LARGEST_N", "Narrator"]

_REST: Final = Phase.REST
_CONCENTRIC: Final = Phase.CONCENTRIC
_HOLD: Final = Phase.HOLD
_ECCENTRIC: Final = Phase.ECCENTRIC

PULLING_SHARE: Final = 0.1
"""A rise by this share of the set's swing is a pull."""

LONGEST_START_S: Final = 8.0
"""A rise that takes longer than this to be seen is drift."""

LOST_APART_S: Final = 0.5
"""Losses closer together are one."""

PEAK_TICKS: Final = 3
"""The greatest sample lies this close to the top of the smoothed trace."""

QUIET: Final = 0.8
"""An eighth of all seconds is quieter than most, and shows this part of the noise."""

ENDS: Final = 64
"""Ends of so many repetitions are remembered, before which no later one begins."""

WORTH_TELLING: Final = 0.05
"""A probability that changed by less is not told anew."""

LARGEST_N: Final = 1000.0
"""Nobody pulls an elastic band harder; two-handed deadlifts on the strongest bands stay below."""

SMALL_N: Final = 5.0
SMALL_REPS: Final = 4
"""After so many repetitions of so small a swing, the unit is asked about. Larger ones are ordinary with a
light band, and nothing in the numbers tells them from the kilograms or pounds of a heavy one."""


class _Certainty:
    """How sure the count was when that was told last."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._chances = announcer.weighing.chances
        self._more = {0: 1.0}
        self._reps: dict[int, float] = {}

    def news(self, now_s: float) -> list[Event]:
        """Give the event, if something changed that is worth telling."""
        if self._announcer.weighing.chances is self._chances:
            return []
        self._chances = self._announcer.weighing.chances
        more = self._announcer.doubt
        reps = self._announcer.probabilities
        other = more != self._more and (_moved(more, self._more) or _moved(self._more, more))
        if not other and not _moved(reps, self._reps, 1.0):
            return []
        self._more, self._reps = more, reps
        return [CountJudged(now_s, more, reps, now_s)]


def _moved(now: dict[int, float], then: dict[int, float], unknown: float = 0.0) -> bool:
    """Return whether a probability is worth telling anew; one that was not there was `unknown`."""
    return any(abs(p - then.get(n, unknown)) >= WORTH_TELLING for n, p in now.items())


class Narrator:
    """Follows the ticks of one smoothed trace; what becomes certain is appended to `events`.

    Args:
        numbers: of the model.
        ticks, turning: the trace and its turning points.
        samples: all samples up to the present one.
    """

    def __init__(self, numbers: Numbers, ticks: Ticks, turning: TurningPoints, samples: Samples) -> None:
        self.events: list[Event] = []
        self.announcer = Announcer(numbers, ticks, turning)
        self._ticks, self._turning = ticks, turning
        self._loss = BandLoss(ticks, samples)
        self._samples = samples
        self._phase = _REST
        self._start: TurningPoint | None = None
        self._top: TurningPoint | None = None
        self._neighbours: deque[tuple[float, float]] = deque(maxlen=NEIGHBOURS + 1)
        self._lost_s = self._told_lost_s = -inf
        self._ends_s: list[float] = []
        self._told: set[WarningKind] = set()
        self._certainty = _Certainty(self.announcer)

    def take(self, look: Look) -> None:
        """Tell what a look makes certain."""
        turning = self._turning
        announced = self.announcer.take(look, self._start, self._top)
        if look in (RETURNED, RESTING, RESTED):
            low = turning.extreme
            self._check_lost(low, low, sure=look is not RETURNED)
        elif look in (VALLEY, HELD) and turning.valley is not None:
            self._check_lost(turning.valley, turning.extreme, sure=look is HELD)
        if announced is not None:
            self._announce(announced)
        self._tell_passed_over()
        self._emit_phase(look)
        if look is VALLEY:
            self._start, self._top = turning.valley, None
            swing_n = self.announcer.swing_n
            turning.pulling_n = PULLING_SHARE * swing_n if swing_n else turning.surroundings.swing_n
        elif look is TURNED:
            self._top = turning.top

    def finish(self) -> None:
        """Close the stream: report what is more likely than not."""
        self._announce(self.announcer.finish())
        self._tell_passed_over()

    def correct(self, *, is_rep: bool) -> bool:
        """Heed the person: the latest repetition was none, or a movement was one.

        Returns:
            False where nothing was found that this could be said of.
        """
        announced = self.announcer.add() if is_rep else self.announcer.take_back()
        if announced is None:
            return False
        self._announce(announced)
        return True

    def warn(self, time_s: float, kind: WarningKind, message: str, detected_s: float) -> None:
        """Tell a warning."""
        self.events.append(SignalWarning(time_s, kind, message, detected_s))

    # Repetitions.

    def _announce(self, announced: Announcement) -> None:
        now_s = self._turning.now_s
        standing = self.announcer.standing - len(announced.counted) + len(announced.retracted)
        for shown, reason in announced.retracted:
            standing -= 1
            top_s = shown.rep.top.time_s
            self.events.append(RepRetracted(top_s, shown.index, reason, now_s, standing))
        for shown in announced.counted:
            standing += 1
            start, top = shown.rep.start, shown.rep.top
            if not self._forgotten(start):
                samples = self._samples
                samples.look_at(samples.at_tick(start.tick), samples.at_tick(self._ticks.last))
            peak = self._peak(start, top)
            self.events.append(
                RepCounted(
                    top.time_s,
                    shown.index,
                    peak.tension_n,
                    now_s,
                    standing,
                    shown.probability,
                    peak.uncertainty_n,
                )
            )
        for shown in announced.done:
            self._emit_completed(shown)
        self.events += self._certainty.news(now_s)

    def _emit_completed(self, shown: Shown) -> None:
        b = self._boundaries(shown)
        counted = shown.rep
        peak = self._peak(counted.start, counted.top)
        insort(self._ends_s, b.end_s)
        del self._ends_s[:-ENDS]
        if counted.begins_set:
            self._neighbours.clear()
            self._told.discard(WarningKind.SATURATED)
        self._neighbours.append((b.peak_n, min(b.start_n, b.end_n)))
        tops_n = [top_n for top_n, _ in self._neighbours]
        valleys_n = [valley_n for _, valley_n in self._neighbours]
        fraction = range_fraction(tops_n, valleys_n, len(tops_n) - 1)
        samples = self._samples
        first, last = (samples.at_tick(self._ticks.since(t)) for t in (b.pull_start_s, b.end_s))
        rep = Rep(
            shown.index,
            *b[:5],
            peak.tension_n,
            *b[6:],
            peak_uncertainty_n=peak.uncertainty_n,
            partial=fraction < PARTIAL_BELOW,
            range_fraction=fraction,
            saturated=samples.saturated.touch(first - samples.step, last),
            gap=samples.gaps.touch(first - samples.step + 1, last),
            band_lost=b.return_start_s - LOST_APART_S <= self._lost_s <= b.end_s + LOST_APART_S,
            begins_set=counted.begins_set,
            probability=shown.probability,
            unsure=range_is_unsure(fraction),
        )
        sample_n = hypot(self._noise_n(), OF_A_STEP * samples.resolution_n)
        known = Conditions(samples.rate_hz, sample_n)
        if hidden := phases_forgotten() if self._forgotten(counted.start) else phases_hidden(rep, known):
            rep = replace(rep, hidden=hidden)
        self.events.append(RepCompleted(rep.end_s, rep.index, rep, self._turning.now_s))
        self._doubt(rep)

    def _boundaries(self, shown: Shown) -> Boundaries:
        rep, ticks = shown.rep, self._ticks
        if self._forgotten(rep.start):
            top_s, top_n = rep.top.time_s, rep.top.tension_n
            ends_n = rep.start.tension_n, rep.end.tension_n
            return Boundaries(rep.start.time_s, top_s, top_s, rep.end.time_s, top_s, top_n, *ends_n)
        first, top, last = (ticks.index_of(p.tick) for p in (rep.start, rep.top, rep.end))
        last = min(max(top, last), ticks.index_of(ticks.last))
        # What is told late may lie before what was told already.
        ended = bisect_right(self._ends_s, rep.top.time_s)
        alone = rep.begins_set
        if ended:
            ended_s = self._ends_s[ended - 1]
            first = max(first, min(top, bisect_left(ticks.time_s, ended_s)))
            alone = alone or rep.start.time_s - ended_s > APART_S
        rise_n = rep.top.tension_n - rep.start.tension_n
        returned = ticks.tension_n[last] <= rep.start.tension_n + RETURNED_SHARE * rise_n
        expected_n = rep.start.tension_n if returned else float("inf")
        return measure(ticks.time_s, ticks.tension_n, first, top, last, expected_n, alone=alone)

    def _forgotten(self, point: TurningPoint) -> bool:
        """Return whether the samples since this point are no longer at hand, at any cut of the stream."""
        return point.tick < self._ticks.oldest

    def _peak(self, start: TurningPoint, top: TurningPoint) -> Peak:
        """Estimate the greatest tension near a top from the samples: the low-pass rounds a quick one off."""
        first, last = top.tick - PEAK_TICKS, min(top.tick + PEAK_TICKS, self._ticks.last)
        rise_n = top.tension_n - start.tension_n
        if max(0, first) < self._ticks.oldest:
            return Peak(top.tension_n, rise_n)
        samples = self._samples
        near_n = samples.clean_n.between(samples.at_tick(first), samples.at_tick(last))
        return estimate_peak(near_n, rise_n, self._noise_n(), samples.resolution_n)

    def _noise_n(self) -> float:
        """Estimate the standard deviation of a sample's noise; movement adds to either measure."""
        surroundings = self._turning.surroundings
        return min(self._samples.noise_n, surroundings.noise_n / (surroundings.gain * QUIET))

    # Warnings.

    def _doubt(self, rep: Rep) -> None:
        """Say once what may be wrong with a repetition's numbers."""
        if rep.peak_n > LARGEST_N:
            self._warn_once(
                rep.peak_time_s,
                WarningKind.IMPLAUSIBLE_FORCE,
                Message(
                    "{peak:.0f} N is more than people pull; check the unit and the calibration",
                    peak=rep.peak_n,
                ),
            )
        if rep.saturated:
            self._warn_once(
                rep.peak_time_s,
                WarningKind.SATURATED,
                Message("the sensor is at the end of its range; true peaks are higher than shown"),
            )
        swings_n = [top - valley for top, valley in self._neighbours]
        if len(swings_n) >= SMALL_REPS and max(swings_n) < SMALL_N:
            self._warn_once(
                rep.peak_time_s,
                WarningKind.IMPLAUSIBLE_FORCE,
                Message(
                    "these repetitions are only {most:.1f} N; "
                    "unless the band is very light these are kilograms or pounds: give the unit",
                    most=max(swings_n),
                ),
            )

    def _tell_passed_over(self) -> None:
        """Say once what a rhythm was taken for, where nothing was counted: a person sees a zero."""
        run = self.announcer.passed_over
        if run is None:
            return
        message = Message(
            "{count} movements of about {swing:.1f} N, {interval:.1f} s apart, were taken for steps and not "
            "counted; if they were repetitions, add them while training",
            count=len(run.movements),
            swing=run.swing_n,
            interval=run.interval_s,
        )
        self._warn_once(run.movements[0][1].time_s, WarningKind.NOT_COUNTED, message)

    def _check_lost(self, low: TurningPoint, now: TurningPoint, *, sure: bool) -> None:
        """Look for a loss before a low point; it is sure, and told, where tension stands still since."""
        lost_s = self._loss.before(low.tick, low.tension_n, now.tension_n, self.announcer.swing_n)
        if lost_s is None:
            return
        if lost_s - self._lost_s >= LOST_APART_S:
            self._lost_s = lost_s
        if sure and self._lost_s - self._told_lost_s >= LOST_APART_S:
            self._told_lost_s = self._lost_s
            self.warn(
                self._lost_s,
                WarningKind.BAND_LOST,
                Message(
                    "tension was lost at once: the band snapped, slipped off or fell; "
                    "check it before going on"
                ),
                self._turning.now_s,
            )

    def _warn_once(self, time_s: float, kind: WarningKind, message: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.warn(time_s, kind, message, self._turning.now_s)

    # Phases.

    def _emit_phase(self, look: Look) -> None:
        turning = self._turning
        if look is PULLING and turning.valley is not None:
            left_s = self._left_s(turning.valley)
            if turning.now_s - left_s < LONGEST_START_S:
                self._enter(_CONCENTRIC, left_s)
        elif look is HELD and self._phase is _CONCENTRIC:
            self._enter(_HOLD, turning.still_since_s)
        elif look is TURNED and self._phase in (_CONCENTRIC, _HOLD):
            self._enter(_ECCENTRIC, turning.top.time_s if turning.top else turning.now_s)
        elif look in (RETURNED, RESTED) or (look is RESTING and turning.fallen):
            self._enter(_REST, turning.extreme.time_s)

    def _left_s(self, valley: TurningPoint) -> float:
        """Return when tension left a valley for good."""
        turning, ticks = self._turning, self._ticks
        # A part of the rise: by a part of the swing, noise leaves a valley in a rest all the time.
        rise_n = max(turning.surroundings.swing_n, turning.extreme.tension_n - valley.tension_n)
        return ticks.time_s[ticks.before_rise(valley.tension_n + 0.25 * rise_n, ticks.last, valley.tick)]

    def _enter(self, phase: Phase, time_s: float) -> None:
        if phase is not self._phase:
            self._phase = phase
            self.events.append(PhaseChanged(time_s, phase, self._turning.now_s))
