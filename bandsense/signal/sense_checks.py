"""Whether what a sensor shows makes sense: its zero, its sign, its wiring.

A band cannot push, and a person cannot hold it as still as nothing does: muscles tremble by some parts in a
thousand of the force. So a stretch in which tension scatters by no more than the noise of single samples is
one in which nothing pulls, or in which the band is fixed at both ends. What is shown then is the error of
the zero:

* below zero it can be nothing else, and so it is where tension stays below zero for seconds, still or not;
* above zero the band may be fixed and taut, so that it is asked about, unless the person said that the band
  is stretched at the start;
* if it changes, the zero drifts. So it does where bottom and top of the repetitions rise or fall together by
  the same newtons: a band that is stretched further gains more at the one than at the other.

A pull that goes below the still level and below zero, and comes back, is a pull on a sensor that is reversed.
So are pulls that go below a still level above zero and come back to it, each time, exactly.
Samples of a reversed sensor are of no use to a detector, which would count them upside down.

Noise is what third differences of neighbouring samples leave of movement (see `peaks.sample_noise_n`).
Everything is decided on windows of a fixed number of samples, so that it does not matter how the stream is
cut into blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, sqrt
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from bandsense.language import Message
from bandsense.samples import BoolArray, FloatArray
from bandsense.signal.events import Rep, SignalWarning, WarningKind
from bandsense.signal.zero_jumps import TraceBetween, ZeroJumps

__all__ = ["SenseChecks"]

WINDOW_S: Final = 0.25
LEAST_WINDOW: Final = 4
"""Length of a window, and its least number of samples."""

ENOUGH: Final = 20
"""Samples that tell level and noise of a window."""

RATE_SAMPLES: Final = 13
"""Samples that the rate is measured on."""

STILL_S: Final = 1.0
"""Nothing pulls where windows of together so long are still at one level."""
BELOW_S: Final = 2.0
"""Nobody pulls less than nothing for so long, still or not."""

STILL_NOISE: Final = 1.5
STILL_FEW: Final = 6.0
STILL_N: Final = 0.02
"""Still is a window of n samples that scatters by less than 1.5 + 6/n times the noise of a sample, and so
many newtons more: the fewer samples, the less is known of either."""

LARGEST_ZERO_N: Final = 2.0
"""A zero that is further off is told."""
LARGEST_DRIFT_N: Final = 1.0
"""A zero that has moved further is told."""
FASTEST_DRIFT_N_PER_S: Final = 0.055
FARTHEST_DRIFT_N: Final = 4.0
LARGEST_SHIFT_N: Final = 0.3
"""A zero may have moved by so much a second, and at most so far, while it could not be seen."""
LEAST_DOUBT_N: Final = 0.25
"""A zero that is off by less is as good as a tare."""
DOUBTS: Final = 512
"""Changes of the doubt that are remembered."""

REVERSED_N: Final = 3.0
REVERSED_NOISE: Final = 8.0
LONGEST_PULL_S: Final = 20.0
"""A pull of a reversed sensor goes below the still level, and below zero, by more than both, and comes
back."""

BROKEN_S: Final = 2.0
BROKEN_N: Final = 5.0
BROKEN_SHARE: Final = 0.8
BROKEN_SHARE_FEW: Final = 0.95
BROKEN_WINDOWS: Final = 5
"""A converter at the end of its range, or single samples that scatter by so much, for so long is no band.
Noise shows alike in first and third differences, and movement in first ones: the third must hold so much of
them in the latest windows, so many at least, and more in windows of few samples. At 10 Hz a quick repetition
is four samples long, and a single window of it looks like noise."""

FROZEN_S: Final = 1.5
FROZEN_N: Final = 1e-9
FROZEN_CALM: Final = 12
FROZEN_SAME: Final = 5
"""A converter that showed noise in so many still windows, and then one value in all windows for so long, has
stopped. One that does so sooner, or was the same for a moment so often, has steps larger than its noise; one
that sends nothing but naughts may have been made to do so near zero."""

READY_WINDOWS: Final = 3
READY_SHARE: Final = 0.3
READY_MOST_N: Final = 1.0
READY_NOISES: Final = 3.0
"""A converter that began with one value was not ready yet, and nothing that it showed counts, where in so
many windows in a row the noise is at least this share of the scatter, which is less than so much, and so many
times what was known of it: no movement looks so."""

FLOORS: Final = 3
FLOOR_N: Final = 0.25
FLOOR_NOISE: Final = 2.5
"""So many bottoms at one level, the still start among them, within so much and so many times the noise, show
where the band is slack: a hand does not come back to a taut band's start so exactly."""
TOPS: Final = 3
LEAST_ABOVE_N: Final = 10.0
"""So many tops in a row that come back as exactly to where it was still, and none above it, show a reversed
sensor that shows tension while nothing pulls. A taut band is let down once, and not taken up so exactly
unless it is held lightly; a sensor that shows less goes below zero when it is pulled."""
FLOORS_ELSEWHERE: Final = 4
REST_S: Final = 10.0
"""Where the sensor was seen at zero, it takes so many bottoms at another level; and it must have stood there
for so long since, or have come there from zero within half a window. A band is not taken up so quickly, nor
held so still before a set."""

DRIFT_REPS: Final = 6
DRIFT_S: Final = 15.0
DRIFT_N_PER_MIN: Final = 1.0
DRIFT_LIKENESS: Final = 0.3
"""Bottom and top drift together if, over so many repetitions and so long, both do so by more than this and
their rates differ by less than this part of them."""
DRIFT_EXACT_N: Final = 0.12
"""Bottoms that scatter about a line by no more than this and the noise tell alone, unless tops say otherwise:
a hand does not move on so evenly. Tops of uneven repetitions tell too little in a set."""


@dataclass(slots=True)
class _Still:
    """Consecutive windows at one level."""

    since_s: float = 0.0
    low_n: float = 0.0
    high_n: float = 0.0
    sum_n: float = 0.0
    windows: int = 0

    @property
    def level_n(self) -> float:
        return self.sum_n / self.windows


@dataclass(slots=True)
class _Beginning:
    """Whether the stream began with one value, as a converter does that is not ready.

    Attributes:
        open: that is not known to be over.
        lately: level, and squares of scatter and noise, of the latest windows.
    """

    open: bool | None = None
    lately: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=READY_WINDOWS))

    def over(self, level_n: float, scatter_n: float, noise_n: float, known_n: float) -> bool:
        """Take a window, and return whether the converter is ready since some."""
        if scatter_n <= FROZEN_N:
            self.lately.clear()
            return False
        self.lately.append((level_n, scatter_n * scatter_n, noise_n * noise_n))
        if len(self.lately) < READY_WINDOWS:
            return False
        levels_n, scatters_n2, noises_n2 = zip(*self.lately, strict=True)
        scatter_n, noise_n = sqrt(sum(scatters_n2) / READY_WINDOWS), sqrt(sum(noises_n2) / READY_WINDOWS)
        white = READY_SHARE * scatter_n < noise_n and max(levels_n) - min(levels_n) < 2.0 * scatter_n
        return white and scatter_n < READY_MOST_N and noise_n > READY_NOISES * known_n


_Row: TypeAlias = tuple[float, float, float, float, float, float, float, float, bool]
"""A window as it is looked at, thousands an hour: its fields but the last."""


class _Window(NamedTuple):
    start_s: float
    end_s: float
    middle_n: float
    scatter_n: float
    lowest_n: float
    highest_n: float
    noise_n: float
    step_n: float
    saturated: bool
    told_s: float
    """Time of the sample with which this was known: its last one, but for the first few of the stream."""


@dataclass(slots=True)
class _Bottoms:
    """The bottoms between pulls: each ends as tension rises above the lowest that was seen since the last.

    Attributes:
        floors_n: lowest samples of the latest.
        tops_n: highest samples between the latest.
        risen: whether tension is beyond one.
        lowest_n, bottom_n: lowest sample and window since the last top.
        top_n, highest_n: highest sample and window since the last bottom.
    """

    floors_n: deque[float] = field(default_factory=lambda: deque(maxlen=FLOORS_ELSEWHERE))
    tops_n: deque[float] = field(default_factory=lambda: deque(maxlen=TOPS))
    risen: bool = False
    lowest_n: float = np.inf
    bottom_n: float = np.inf
    top_n: float = -np.inf
    highest_n: float = -np.inf

    def turned(self, middle_n: float, lowest_n: float, highest_n: float, reach_n: float) -> bool:
        """Take a window, and return whether a bottom begins or ends; a pull moves by `reach_n` at least."""
        if self.risen:
            if highest_n > self.top_n:
                self.top_n = highest_n
            if middle_n > self.highest_n:
                self.highest_n = middle_n
            elif middle_n < self.highest_n - reach_n:
                self.risen, self.lowest_n, self.bottom_n = False, lowest_n, middle_n
                self.tops_n.append(self.top_n)
                return True
            return False
        if lowest_n < self.lowest_n:
            self.lowest_n = lowest_n
        if middle_n < self.bottom_n:
            self.bottom_n = middle_n
        elif middle_n > self.bottom_n + reach_n:
            self.risen, self.highest_n, self.top_n = True, middle_n, highest_n
            self.floors_n.append(self.lowest_n)
            return True
        return False


@dataclass(slots=True)
class _Zero:
    """Where the band was still near zero, or at a level that may be a new one.

    Attributes:
        level_n, seen_s: where it was last, and when; None before.
        first: time and level of the first of these.
        other_n: another level since, at which it stood as only what nothing pulls does.
        stood_n, stood_s: the latest other level, and for how long it was still there.
        passing_n, passing: level of the first window that moved since the latest still one, and how many did.
    """

    level_n: float | None = None
    seen_s: float = -np.inf
    first: tuple[float, float] | None = None
    other_n: float | None = None
    stood_n: float = 0.0
    stood_s: float = 0.0
    passing_n: float = 0.0
    passing: int = 0

    def stand(self, level_n: float, lasted_s: float, within_n: float) -> None:
        """Take a still window at another level."""
        if abs(level_n - self.stood_n) > within_n:
            self.stood_n, self.stood_s = level_n, 0.0
        self.stood_s += lasted_s
        if self.stood_s >= REST_S:
            self.other_n = self.stood_n

    def jumped(self, from_n: float, to_n: float, margin_n: float) -> bool:
        """Return whether a still window at another level followed one at zero quicker than a hand moves."""
        if self.level_n is None or abs(from_n - self.level_n) > LARGEST_ZERO_N or self.passing > 1:
            return False
        # The level of a window is its median: next to the one or the other if the change took no half of it.
        off_n = min(abs(self.passing_n - from_n), abs(self.passing_n - to_n))
        return not self.passing or off_n <= margin_n


@dataclass(slots=True)
class _Direction:
    """To which side pulls go.

    Attributes:
        first_n, highest_n: where the band was still first, and highest; None before.
        pulled: tension was above that by more than a reversed pull is below.
        open: pulls may go down from a level above zero: it was still there before it moved, never near zero.
        under_s: since when tension is below the still level and zero.
    """

    first_n: float | None = None
    highest_n: float = -np.inf
    pulled: bool = False
    open: bool = True
    under_s: float | None = None

    def still(self, level_n: float, *, moved: bool) -> None:
        """Take a level at which the band was still, and whether it has moved before."""
        if self.first_n is None:
            self.first_n = level_n
            self.open = self.open and not moved
        if level_n > self.highest_n:
            self.highest_n = level_n


@dataclass(slots=True)
class _Broken:
    """What the converter shows that no band does.

    Attributes:
        since_s: since when; None while it does not.
        frozen_s: since when all samples are the same; None while they are not.
        stopped: that was told.
        calm, same: still windows with noise so far, and how often samples were the same for a moment.
        lately: squares of noise and of steps in the latest windows.
    """

    since_s: float | None = None
    frozen_s: float | None = None
    stopped: bool = False
    calm: int = 0
    same: int = 0
    lately: deque[tuple[float, float]] = field(default_factory=deque)

    def share(self, noise_n: float, step_n: float, windows: int) -> float:
        """Take a window, and return how much of the steps in the latest ones is noise; 0 in fewer."""
        self.lately.append((noise_n * noise_n, step_n * step_n))
        if len(self.lately) < windows:
            return 0.0
        if len(self.lately) > windows:
            self.lately.popleft()
        noise_n2 = sum((noise_n2 for noise_n2, _ in self.lately), 0.0)
        return sqrt(noise_n2 / sum((step_n2 for _, step_n2 in self.lately), 0.0))


@dataclass(slots=True)
class _Seen:
    """What the windows so far showed.

    Attributes:
        noise_n: of a sample, the least so far.
        margin_n, reach_n: by how much a still window scatters at most, and a pull moves at least, with that.
        noises_n2: its variance in the latest windows.
        still: the present run of still windows.
        level_n: where the band was still last; None before.
        calm_n: where a single window was still last.
        zero: where it was still near zero.
        bottoms: what lies between pulls.
        direction: to which side pulls go.
        below_s: since when all samples are below zero.
        broken: what the converter shows that no band does.
    """

    noise_n: float = np.inf
    margin_n: float = np.inf
    reach_n: float = np.inf
    noises_n2: deque[float] = field(default_factory=lambda: deque(maxlen=4))
    still: _Still = field(default_factory=_Still)
    level_n: float | None = None
    calm_n: float | None = None
    zero: _Zero = field(default_factory=_Zero)
    bottoms: _Bottoms = field(default_factory=_Bottoms)
    direction: _Direction = field(default_factory=_Direction)
    below_s: float | None = None
    broken: _Broken = field(default_factory=_Broken)


class SenseChecks:
    """Follows a stream of tension and tells, once each, what makes no sense in it.

    Args:
        pre_stretched: the person said that the band is stretched at the start position.

    Attributes:
        reversed: the sensor shows less where it is pulled; its samples are not to be used.
    """

    def __init__(self, *, pre_stretched: bool = False) -> None:
        self.reversed = False
        self._doubt_s: deque[float] = deque([-np.inf], maxlen=DOUBTS)
        self._doubt_n: deque[float] = deque([0.0], maxlen=DOUBTS)
        self._pre_stretched = pre_stretched
        self._length = 0
        self._longest_s = 0.0
        self._time_s: FloatArray = np.zeros(0)
        self._tension_n: FloatArray = np.zeros(0)
        self._saturated: BoolArray | None = None
        self._seen = _Seen()
        self._beginning = _Beginning()
        self._told: dict[WarningKind, float] = {}
        self._reps: deque[Rep] = deque(maxlen=40)
        self._jumps = ZeroJumps()

    def push(
        self, time_s: FloatArray, tension_n: FloatArray, saturated: ArrayLike | None = None
    ) -> tuple[list[tuple[int, SignalWarning]], BoolArray | None]:
        """Take the next samples.

        Args:
            time_s: float64[n], device time, increasing.
            tension_n: float64[n], newtons.
            saturated: bool[n]; True where the converter was at the end of its range.

        Returns:
            What is to be told, each with the number of these samples that made it certain; and bool[n]: which
            samples may be used, all but those of a reversed sensor. None where nothing is told and all may.
        """
        before, n = self._time_s.size, time_s.size
        usable = np.full(n, False) if self.reversed else None
        self._time_s = np.concatenate((self._time_s, time_s))
        self._tension_n = np.concatenate((self._tension_n, tension_n))
        if saturated is not None or self._saturated is not None:
            flags = (
                np.zeros(n, dtype=np.bool_) if saturated is None else np.asarray(saturated, dtype=np.bool_)
            )
            earlier = np.zeros(before, dtype=np.bool_) if self._saturated is None else self._saturated
            self._saturated = np.concatenate((earlier, flags))
        first = 0  # So many samples must be there before a window is looked at.
        if not self._length:
            if self._time_s.size < RATE_SAMPLES:
                return [], usable
            first = RATE_SAMPLES
            self._measure_windows(float(np.median(np.diff(self._time_s[:RATE_SAMPLES]))))
        if self._time_s.size < self._length:
            return [], usable
        told: list[tuple[int, SignalWarning]] = []
        closed = 0
        for row in self._windows():
            closed += self._length
            told_s = row[1] if closed >= first else float(self._time_s[first - 1])
            was = self.reversed
            warnings = self._look(row, told_s)
            if not warnings and self.reversed is was:
                continue
            at = max(closed, first) - before
            told += [(at, warning) for warning in warnings]
            usable = np.full(n, not was) if usable is None else usable
            usable[at:] = not self.reversed
        self._time_s, self._tension_n = self._time_s[closed:], self._tension_n[closed:]
        if self._saturated is not None:
            left = self._saturated[closed:]
            self._saturated = left if left.any() else None
        return told, usable

    def go_on(self, rate_hz: float) -> None:
        """Go on at another rate with the samples to come; a window begins anew."""
        if self._length:
            self._measure_windows(1.0 / rate_hz)
            self._time_s, self._tension_n, self._saturated = np.zeros(0), np.zeros(0), None
            self._seen.noises_n2.clear()
            self._seen.still = _Still()
            self._take_noise(self._seen.noise_n)

    def _measure_windows(self, step_s: float) -> None:
        self._length = max(LEAST_WINDOW, round(WINDOW_S / step_s))
        self._longest_s = 2.0 * self._length * step_s

    def _take_noise(self, noise_n: float) -> None:
        seen = self._seen
        seen.noise_n = noise_n
        seen.margin_n = (STILL_NOISE + STILL_FEW / self._length) * noise_n + STILL_N
        seen.reach_n = max(REVERSED_N, REVERSED_NOISE * noise_n)

    @property
    def zero_is_right(self) -> bool:
        """Whether it was seen since it was last set, and nothing was told against it."""
        told = WarningKind.ZERO_OFF in self._told or WarningKind.ZERO_DRIFTS in self._told
        return self._seen.zero.level_n is not None and not told

    def zero_doubt_n(self, time_s: ArrayLike) -> FloatArray:
        """Return the uncertainty, newtons, that the zero last seen before each time adds to a tension.

        It is that of equal chances up to what was shown while nothing pulled (JCGM 100:2008, 4.3.7); 0 while
        the zero is right, or was not seen.
        """
        at = np.searchsorted(np.array(self._doubt_s), np.asarray(time_s), side="right") - 1
        return np.asarray(np.array(self._doubt_n)[np.maximum(at, 0)])

    def _doubt(self, time_s: float, off_n: float) -> None:
        """From now on a zero that is off by so much, unless that is next to nothing."""
        doubt_n = abs(off_n) / sqrt(3.0) if abs(off_n) > LEAST_DOUBT_N else 0.0
        if doubt_n != self._doubt_n[-1]:
            self._doubt_s.append(time_s)
            self._doubt_n.append(doubt_n)

    def rep(self, rep: Rep, detected_s: float, trace: TraceBetween) -> list[SignalWarning]:
        """Take a repetition, in order; bottoms and tops that drift or jump together are told.

        Args:
            rep: the repetition.
            detected_s: when it was complete.
            trace: gives the samples between two times up to then.
        """
        zero = self._seen.zero
        slack_n = zero.level_n if not self._pre_stretched else None
        moved_n = self._jumps.rep(rep, trace, slack_n, FLOOR_N + FLOOR_NOISE * self._seen.noise_n)
        if moved_n is None:
            return self._drifted(rep, detected_s)
        self._reps.clear()
        return self._moved(
            rep,
            detected_s,
            moved_n,
            Message(
                "bottom and top moved together by {moved:+.1f} N at once, as they do when the zero jumps; "
                "let the band hang slack and set the zero again, and look for a loose wire or a clip that "
                "slipped",
                moved=moved_n,
            ),
        )

    def _drifted(self, rep: Rep, detected_s: float) -> list[SignalWarning]:
        """Check whether bottoms and tops drift together."""
        if self._reps and rep.pull_start_s - self._reps[-1].end_s > DRIFT_S:
            self._reps.clear()
        self._reps.append(rep)
        span_s = rep.peak_time_s - self._reps[0].peak_time_s
        if len(self._reps) < DRIFT_REPS or span_s < DRIFT_S:
            return []
        at_s = np.array([each.peak_time_s for each in self._reps])
        bottom = _slope(at_s, np.array([each.start_n for each in self._reps]))
        if not abs(bottom[0]) > max(DRIFT_N_PER_MIN / 60.0, 3.0 * bottom[1]):
            return []
        top = _slope(at_s, np.array([each.peak_n for each in self._reps]))
        apart, error = abs(bottom[0] - top[0]), max(3.0 * top[1], DRIFT_LIKENESS * abs(bottom[0]))
        if bottom[2] <= DRIFT_EXACT_N + self._seen.noise_n and apart < error:
            moved_n = bottom[0] * span_s
            if abs(moved_n) <= LARGEST_DRIFT_N:
                return []
        else:
            slower, faster = sorted((abs(bottom[0]), abs(top[0])))
            together = bottom[0] * top[0] > 0.0 and faster - slower < DRIFT_LIKENESS * faster
            certain = abs(top[0]) > 3.0 * top[1]
            if not (together and certain and slower > DRIFT_N_PER_MIN / 60.0):
                return []
            moved_n = 0.5 * (bottom[0] + top[0]) * span_s
        return self._moved(
            rep,
            detected_s,
            moved_n,
            Message(
                "bottom and top moved together by {moved:+.1f} N in {seconds:.0f} s, as they do when the "
                "zero drifts; let the band hang slack and set the zero again",
                moved=moved_n,
                seconds=span_s,
            ),
        )

    def _moved(self, rep: Rep, detected_s: float, moved_n: float, message: Message) -> list[SignalWarning]:
        """Tell a zero that moved by so much, which makes tensions less sure."""
        if abs(moved_n) / sqrt(3.0) > self._doubt_n[-1]:
            self._doubt(detected_s, moved_n)
        return self._tell(WarningKind.ZERO_DRIFTS, rep.peak_time_s, detected_s, moved_n, message)

    def tared(self) -> None:
        """Begin anew: the zero was set."""
        self.reversed = False
        self._doubt(self._doubt_s[-1], 0.0)
        seen = self._seen
        self._seen = _Seen(noise_n=seen.noise_n, margin_n=seen.margin_n, reach_n=seen.reach_n)
        self._told.clear()
        self._reps.clear()
        self._jumps = ZeroJumps()

    def _windows(self) -> Iterator[_Row]:
        """Windows that are complete, those with a gap inside left out of the figures but not of the count."""
        length = self._length
        count = self._time_s.size // length
        size = count * length
        # At high rates a part of each window tells level and noise as well.
        stride = max(1, length // ENOUGH)
        if count > 1:
            figures = _figures(self._tension_n[:size].reshape(count, length), stride)
        else:
            figures = [[x] for x in _figures_of_one(self._tension_n[:size].tolist(), stride)]
        full = [False] * count
        if self._saturated is not None:
            full = np.all(self._saturated[:size].reshape(count, length), axis=1).tolist()
        began_s = self._time_s[:size:length].tolist()
        ended_s = self._time_s[length - 1 : size : length].tolist()
        return zip(began_s, ended_s, *figures, full, strict=True)

    def _look(self, row: _Row, told_s: float) -> list[SignalWarning]:
        """Check one window; most change nothing, and are told apart before anything is called."""
        seen = self._seen
        start_s, end_s, middle_n, scatter_n, lowest_n, highest_n, noise_n, _, saturated = row
        if end_s - start_s > self._longest_s:
            seen.still = _Still()
            return []
        told: list[SignalWarning] = []
        if saturated or noise_n >= BROKEN_N or seen.broken.since_s is not None:
            told = self._wiring(_Window(*row, told_s))
            if told or saturated or noise_n >= BROKEN_N:
                return told
        if (highest_n - lowest_n <= FROZEN_N and middle_n) or seen.broken.frozen_s is not None:
            told, frozen = self._frozen(_Window(*row, told_s))
            if frozen:
                return told
        beginning = self._beginning
        if beginning.open is not False:
            if beginning.open is None:
                beginning.open = scatter_n <= FROZEN_N
            elif beginning.over(middle_n, scatter_n, noise_n, seen.noise_n):
                beginning.open, self.reversed = False, False
                self._seen = seen = _Seen()
        noises_n2 = seen.noises_n2
        noises_n2.append(noise_n * noise_n)
        if len(noises_n2) > 1:  # One window alone may look quieter than it is.
            noise_n = sqrt(sum(noises_n2) / len(noises_n2))
            if noise_n < seen.noise_n:
                self._take_noise(noise_n)
        if scatter_n <= seen.margin_n:
            # The median of two values, or three, lies at an end or in the middle: steps beyond the noise.
            off_n = abs(2.0 * middle_n - lowest_n - highest_n)
            if seen.broken.calm < FROZEN_CALM and FROZEN_N < off_n < highest_n - lowest_n - FROZEN_N:
                seen.broken.calm += 1
            told += self._still(start_s, end_s, middle_n, told_s)
        else:
            if not seen.zero.passing:
                seen.zero.passing_n = middle_n
            seen.zero.passing += 1
            if seen.still.windows:
                seen.still = _Still()
        if seen.bottoms.turned(middle_n, lowest_n, highest_n, seen.reach_n):
            told += self._floor(start_s, told_s)
            told += self._upside_down(start_s, told_s)
        if highest_n <= -LARGEST_ZERO_N or seen.below_s is not None:
            told += self._below(_Window(*row, told_s))
        if seen.level_n is not None and not seen.direction.pulled:
            told += self._direction(_Window(*row, told_s), seen.level_n, seen.reach_n)
        return told

    def _still(self, start_s: float, end_s: float, middle_n: float, told_s: float) -> list[SignalWarning]:
        """Check the zero where nothing moves."""
        seen, still, zero = self._seen, self._seen.still, self._seen.zero
        before_n = middle_n if seen.calm_n is None else seen.calm_n
        moved = abs(middle_n - before_n) > LARGEST_ZERO_N
        if moved and zero.jumped(before_n, middle_n, seen.margin_n + 0.1):
            zero.other_n = middle_n
        zero.passing = 0
        seen.calm_n = middle_n
        if abs(middle_n) <= LARGEST_ZERO_N:
            seen.direction.open = False
        elif middle_n > 0.0:
            zero.stand(middle_n, end_s - start_s, FLOOR_N + FLOOR_NOISE * seen.noise_n)
        if middle_n < still.low_n:
            still.low_n = middle_n
        elif middle_n > still.high_n:
            still.high_n = middle_n
        if not still.windows or still.high_n - still.low_n > seen.margin_n + 0.1:
            seen.still = still = _Still(start_s, middle_n, middle_n)
        still.sum_n += middle_n
        still.windows += 1
        if end_s - still.since_s < STILL_S * 0.9:
            return []
        return self._zero(still, start_s, end_s, told_s)

    def _floor(self, start_s: float, told_s: float) -> list[SignalWarning]:
        """Check whether the latest bottoms show a zero that is off."""
        seen, floors_n = self._seen, self._seen.bottoms.floors_n
        known = seen.zero.level_n is not None
        level_n, least = (seen.zero.other_n, FLOORS_ELSEWHERE) if known else (seen.calm_n, FLOORS)
        if self._pre_stretched or level_n is None or level_n <= LARGEST_ZERO_N or len(floors_n) < least:
            return []
        # Nothing moved there either: a hand that holds a band trembles.
        latest_n = [*floors_n][-least:]
        spread_n = max(level_n, *latest_n) - min(level_n, *latest_n)
        if spread_n > FLOOR_N + FLOOR_NOISE * seen.noise_n:
            return []
        if known:
            self._doubt(told_s, level_n)
        return self._off(level_n, start_s, told_s)

    def _zero(self, still: _Still, start_s: float, end_s: float, told_s: float) -> list[SignalWarning]:
        seen, zero, level_n = self._seen, self._seen.zero, still.level_n
        seen.level_n = level_n
        bottoms = seen.bottoms
        moved = bottoms.risen or bool(bottoms.floors_n) or bottoms.bottom_n < level_n - seen.reach_n
        seen.direction.still(level_n, moved=moved)
        unseen_s = end_s - zero.seen_s if zero.level_n is not None else 0.0
        shift_n = abs(level_n - (zero.level_n or 0.0))
        follows = shift_n <= LARGEST_ZERO_N or (
            shift_n <= min(FARTHEST_DRIFT_N, FASTEST_DRIFT_N_PER_S * unseen_s)
        )
        if level_n < 0.0 or (follows and not self._pre_stretched):
            self._doubt(told_s, level_n)
        if level_n < -LARGEST_ZERO_N:
            return self._off(level_n, start_s, told_s)
        if not follows:
            # After the set, too: bottoms may have shown it, but not that anything was still there.
            return self._floor(start_s, told_s)
        if zero.first is None or shift_n > FASTEST_DRIFT_N_PER_S * unseen_s + LARGEST_SHIFT_N:
            # What moved quicker than any drift is a band that is held lightly, or let go.
            zero.first = (end_s, level_n)
        zero.level_n, zero.seen_s, zero.other_n, zero.stood_s = level_n, end_s, None, 0.0
        since_s, moved_n = end_s - zero.first[0], level_n - zero.first[1]
        if abs(moved_n) <= LARGEST_DRIFT_N:
            return []
        return self._tell(
            WarningKind.ZERO_DRIFTS,
            end_s,
            told_s,
            moved_n,
            Message(
                "the zero seems to have moved by {moved:+.1f} N in {time}; if the band hangs slack now, "
                "let the sensor warm up, and set the zero again",
                moved=moved_n,
                time=_span(since_s),
            ),
        )

    def _off(self, level_n: float, start_s: float, told_s: float) -> list[SignalWarning]:
        if level_n < 0.0:
            message = Message(
                "the sensor shows {level:.1f} N, less than nothing: its zero is off, and all tensions are "
                "about {low:.0f} N too low; let the band hang slack and set the zero again",
                level=level_n,
                low=-level_n,
            )
        else:
            message = Message(
                "the sensor shows {level:.1f} N and comes back to it as if nothing pulled; if the "
                "band is slack, set the zero; if it is taut at the start, begin the session with "
                "--pre-stretched",
                level=level_n,
            )
        return self._tell(WarningKind.ZERO_OFF, start_s, told_s, level_n, message)

    def _below(self, window: _Window) -> list[SignalWarning]:
        """Below zero for long, still or not."""
        seen = self._seen
        if window.highest_n > -LARGEST_ZERO_N:
            seen.below_s = None
            return []
        seen.below_s = window.start_s if seen.below_s is None else seen.below_s
        long = window.end_s - seen.below_s >= BELOW_S
        # How far is best seen where it is still; moving, it is told once.
        new = WarningKind.ZERO_OFF not in self._told and not self.reversed
        return self._off(window.middle_n, window.start_s, window.told_s) if long and new else []

    def _direction(self, window: _Window, level_n: float, reach_n: float) -> list[SignalWarning]:
        """Find pulls to the wrong side of the still level."""
        way = self._seen.direction
        if window.middle_n > way.highest_n + reach_n:
            way.pulled, way.under_s, self.reversed = True, None, False
        elif way.under_s is None and window.middle_n < min(level_n, 0.0) - reach_n:
            # It comes back in a later window, or was no pull but another zero.
            way.under_s = window.start_s
            return []
        if way.under_s is None or window.highest_n < level_n - 0.5 * reach_n:
            return []
        lasted_s = window.end_s - way.under_s
        way.under_s = None
        if lasted_s > LONGEST_PULL_S or self.reversed:
            return []
        self.reversed = True
        return self._tell(
            WarningKind.REVERSED,
            window.start_s,
            window.told_s,
            0.0,
            Message(
                "tension falls below zero when the band is pulled: the cell is wired or hung the wrong way "
                "round; nothing is counted until its two signal wires are swapped, or it is calibrated "
                "as it is"
            ),
        )

    def _upside_down(self, start_s: float, told_s: float) -> list[SignalWarning]:
        """Find pulls that go down from the still level, and come back to it, above zero."""
        seen, way, tops_n = self._seen, self._seen.direction, self._seen.bottoms.tops_n
        known = self._pre_stretched or self.reversed or way.pulled or not way.open
        if known or len(tops_n) < TOPS or way.first_n is None or seen.level_n is None:
            return []
        within_n = FLOOR_N + FLOOR_NOISE * seen.noise_n
        for level_n in (way.first_n, seen.level_n):
            if level_n > LEAST_ABOVE_N and max(abs(top_n - level_n) for top_n in tops_n) <= within_n:
                self.reversed = True
                return self._tell(
                    WarningKind.REVERSED,
                    start_s,
                    told_s,
                    0.0,
                    Message(
                        "tension falls from {level:.0f} N with every pull and comes back to it: the cell is "
                        "wired or hung the wrong way round; swap its two signal wires, or calibrate it as it "
                        "is, and set the zero; nothing is counted until then",
                        level=level_n,
                    ),
                )
        return []

    def _wiring(self, window: _Window) -> list[SignalWarning]:
        """Check for a converter that shows no band at all."""
        broken = self._seen.broken
        if not window.saturated and window.noise_n < BROKEN_N:
            broken.since_s = None
            broken.lately.clear()
            return []
        broken.since_s = window.start_s if broken.since_s is None else broken.since_s
        noisy = window.saturated or self._noisy(window)
        if window.end_s - broken.since_s < BROKEN_S or not noisy:
            return []
        if window.saturated:
            message = Message(
                "the converter stays at the end of its range: look for a broken, loose or swapped wire "
                "between cell and board"
            )
        else:
            message = Message(
                "single samples jump about by {noise:.0f} N: look for a broken, loose or swapped wire "
                "between cell and board",
                noise=window.noise_n,
            )
        return self._tell(WarningKind.WIRING, broken.since_s, window.told_s, 0.0, message)

    def _frozen(self, window: _Window) -> tuple[list[SignalWarning], bool]:
        """Check for a converter that has stopped; whether it may have, so that nothing else is seen in it."""
        seen, broken = self._seen, self._seen.broken
        if window.highest_n - window.lowest_n > FROZEN_N:
            broken.same += not broken.stopped
            broken.frozen_s, broken.stopped = None, False
            return [], False
        if broken.calm < FROZEN_CALM:
            broken.same = FROZEN_SAME
        if broken.same >= FROZEN_SAME:
            return [], False
        broken.frozen_s = window.start_s if broken.frozen_s is None else broken.frozen_s
        seen.still = _Still()
        if broken.stopped or window.end_s - broken.frozen_s < FROZEN_S:
            return [], True
        broken.stopped = True
        message = Message(
            "the sensor sends one and the same value, {level:.1f} N: its converter has stopped; switch it "
            "off and on, and look for a loose wire if it stops again",
            level=window.middle_n,
        )
        return [SignalWarning(broken.frozen_s, WarningKind.WIRING, message, window.told_s)], True

    def _noisy(self, window: _Window) -> bool:
        """Return whether the latest windows show noise, and not quick repetitions at a low rate."""
        windows = max(BROKEN_WINDOWS, ceil(BROKEN_S / (0.5 * self._longest_s)))
        share = self._seen.broken.share(window.noise_n, window.step_n, windows)
        return share >= (BROKEN_SHARE_FEW if self._length == LEAST_WINDOW else BROKEN_SHARE)

    def _tell(
        self, kind: WarningKind, time_s: float, detected_s: float, size_n: float, message: str
    ) -> list[SignalWarning]:
        """Once each, and again when it has got worse by as much as was worth telling."""
        if kind in self._told and abs(size_n - self._told[kind]) <= LARGEST_ZERO_N:
            return []
        self._told[kind] = size_n
        return [SignalWarning(time_s, kind, message, detected_s)]


_Figures: TypeAlias = tuple[float, float, float, float, float, float]
"""Middle, scatter, lowest, highest, noise and step of a window: the last two are what white noise of one
standard deviation leaves alike in third and in first differences."""


def _figures(tension: FloatArray, stride: int) -> list[list[float]]:
    """Work out the figures of the rows of float64[count, length], `count` at least 2, column by column."""
    length = tension.shape[1]
    ordered = tension[:, ::stride].copy()
    ordered.sort(axis=1)
    half = ordered.shape[1] // 2
    level = ordered[:, half] if ordered.shape[1] % 2 else 0.5 * (ordered[:, half - 1] + ordered[:, half])
    # Sums along the first axis add one after the other, as those of a single window do.
    values = np.ascontiguousarray(tension.T)
    some = values[:ENOUGH]
    steps = some[1:] - some[:-1]
    bend = steps
    for _ in range(2):
        bend = bend[1:] - bend[:-1]
    centred = values - np.add.reduce(values, axis=0) / length
    centred *= centred
    bend *= bend
    steps *= steps
    scatter = np.sqrt(np.add.reduce(centred, axis=0) / length)
    noise = np.sqrt(np.add.reduce(bend, axis=0) / (20.0 * bend.shape[0]))
    lowest, highest = np.minimum.reduce(values, axis=0), np.maximum.reduce(values, axis=0)
    step = np.sqrt(np.add.reduce(steps, axis=0) / (2.0 * steps.shape[0]))
    columns = (level, scatter, lowest, highest, noise, step)
    return [column.tolist() for column in columns]


def _figures_of_one(values: list[float], stride: int) -> _Figures:
    """Work out the same of one window, bit for bit: so short a row is quicker without arrays."""
    ordered = sorted(values[::stride])
    half = len(ordered) // 2
    level = ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])
    total = squares = bends = moves = 0.0
    for x in values:
        total += x
    mean = total / len(values)
    for x in values:
        squares += (x - mean) * (x - mean)
    some = values[:ENOUGH]
    bend = steps = [b - a for a, b in pairwise(some)]
    for x in steps:
        moves += x * x
    for _ in range(2):
        bend = [b - a for a, b in pairwise(bend)]
    for x in bend:
        bends += x * x
    scatter, noise = sqrt(squares / len(values)), sqrt(bends / (20.0 * len(bend)))
    return level, scatter, min(values), max(values), noise, sqrt(moves / (2.0 * len(steps)))


def _slope(at_s: FloatArray, values: FloatArray) -> tuple[float, float, float]:
    """Slope of the regression on time, its standard error, and by how much values scatter about the line."""
    # A mean by `np.mean` costs more than all the rest of this.
    since = at_s - np.add.reduce(at_s) / at_s.size
    weight = float(since @ since)
    slope = float(since @ values) / weight
    rest = values - np.add.reduce(values) / values.size - slope * since
    scatter = sqrt(float(rest @ rest) / (at_s.size - 2))
    return slope, scatter / sqrt(weight), scatter


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"
