"""What a converter shows that no band does: a wire is broken, it has stopped, or it was not ready yet."""

from __future__ import annotations

from collections import deque
from math import ceil, sqrt
from typing import Final

from bandsense.language import Message
from bandsense.signal.events import SignalWarning, WarningKind
from bandsense.signal.windows import LEAST_WINDOW, Window, Windows

__all__ = ["BROKEN_N", "SAME_N", "Beginning", "Converter"]

BROKEN_N: Final = 5.0
BROKEN_S: Final = 2.0
BROKEN_SHARE: Final = 0.8
BROKEN_SHARE_FEW: Final = 0.95
BROKEN_WINDOWS: Final = 5
"""A converter at the end of its range, or noise of `BROKEN_N`, for `BROKEN_S` is no band. Noise shows alike
in first and third differences, movement in the first: in `BROKEN_WINDOWS` windows or more the third must hold
`BROKEN_SHARE` of the first, and `BROKEN_SHARE_FEW` where windows are of few samples. At 10 Hz a quick
repetition is four samples long, and a single window of it looks like noise."""

SAME_N: Final = 1e-9
"""Samples that differ by less are the same."""

STOPPED_S: Final = 1.5
STOPPED_CALM: Final = 12
STOPPED_SAME: Final = 5
"""A converter that showed noise in `STOPPED_CALM` still windows, and then one value for `STOPPED_S`, has
stopped. One that does so sooner, or showed one value for a moment `STOPPED_SAME` times, has steps larger than
its noise; one that sends nothing but naughts may have been made to do so near zero."""

READY_WINDOWS: Final = 3
READY_SHARE: Final = 0.3
READY_MOST_N: Final = 1.0
READY_NOISES: Final = 3.0
"""A converter that began with one value was not ready then, and nothing that it showed so far counts, once
over `READY_WINDOWS` windows the noise is more than `READY_SHARE` of the scatter and `READY_NOISES` times what
was known of it, and the scatter less than `READY_MOST_N`: no movement looks like that."""


class Converter:
    """Follows what the converter shows since the zero was set.

    Attributes:
        broken_since_s: since when it shows what comes of a broken wire; None while it does not.
        same_since_s: since when all samples are the same, and it may have stopped; None while it has not.
    """

    def __init__(self) -> None:
        self.broken_since_s: float | None = None
        self.same_since_s: float | None = None
        self._stopped = False
        self._calm = 0
        self._same = 0
        self._lately: deque[tuple[float, float]] = deque()

    def broken(self, window: Window, windows: Windows) -> SignalWarning | None:
        """Take a window at the converter's end, or of loud noise; tell a broken wire."""
        if self.broken_since_s is None:
            self.broken_since_s = window.start_s
            self._lately.clear()
        broken = window.saturated or self._noisy(window, windows)
        if window.end_s - self.broken_since_s < BROKEN_S or not broken:
            return None
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
        return SignalWarning(self.broken_since_s, WarningKind.WIRING, message, window.known_s)

    def _noisy(self, window: Window, windows: Windows) -> bool:
        """Return whether the latest windows show noise, and not quick repetitions at a low rate."""
        lately, most = self._lately, max(BROKEN_WINDOWS, ceil(BROKEN_S / (0.5 * windows.longest_s)))
        lately.append((window.noise_n * window.noise_n, window.step_n * window.step_n))
        if len(lately) < most:
            return False
        if len(lately) > most:
            lately.popleft()
        noise_n2 = sum((noise_n2 for noise_n2, _ in lately), 0.0)
        share = sqrt(noise_n2 / sum((step_n2 for _, step_n2 in lately), 0.0))
        return share >= (BROKEN_SHARE_FEW if windows.length == LEAST_WINDOW else BROKEN_SHARE)

    def calm(self, window: Window) -> None:
        """Take a still window: is there noise in it?"""
        if self._calm < STOPPED_CALM:
            # The median of two values, or three, lies at an end or in the middle: steps beyond the noise.
            off_n = abs(2.0 * window.middle_n - window.lowest_n - window.highest_n)
            self._calm += SAME_N < off_n < window.highest_n - window.lowest_n - SAME_N

    def stopped(self, window: Window) -> list[SignalWarning] | None:
        """Take a window whose samples are the same, or that follows one, and tell a converter that stopped.

        Returns:
            None where it has not, so that the window shows tension.
        """
        if window.highest_n - window.lowest_n > SAME_N:
            self._same += not self._stopped
            self.same_since_s, self._stopped = None, False
            return None
        if self._calm < STOPPED_CALM:
            self._same = STOPPED_SAME
        if self._same >= STOPPED_SAME:
            return None
        if self.same_since_s is None:
            self.same_since_s = window.start_s
        if self._stopped or window.end_s - self.same_since_s < STOPPED_S:
            return []
        self._stopped = True
        message = Message(
            "the sensor sends one and the same value, {level:.1f} N: its converter has stopped; switch it "
            "off and on, and look for a loose wire if it stops again",
            level=window.middle_n,
        )
        return [SignalWarning(self.same_since_s, WarningKind.WIRING, message, window.known_s)]


class Beginning:
    """Whether the stream began with one value, as a converter does that is not ready.

    Attributes:
        open: it did, as far as is known, and is not known to be over.
    """

    def __init__(self) -> None:
        self.open: bool = True
        self._begun = False
        self._lately: deque[tuple[float, float, float]] = deque(maxlen=READY_WINDOWS)

    def over(self, window: Window, known_n: float) -> bool:
        """Take a window while it is open, and return whether the converter is ready since some.

        Args:
            window: the next one.
            known_n: noise of a sample before.
        """
        if window.scatter_n <= SAME_N:
            self._begun = True
            self._lately.clear()
            return False
        if not self._begun:
            self.open = False
            return False
        self._lately.append(
            (window.middle_n, window.scatter_n * window.scatter_n, window.noise_n * window.noise_n)
        )
        if len(self._lately) < READY_WINDOWS:
            return False
        levels_n, scatters_n2, noises_n2 = zip(*self._lately, strict=True)
        scatter_n, noise_n = sqrt(sum(scatters_n2) / READY_WINDOWS), sqrt(sum(noises_n2) / READY_WINDOWS)
        white = READY_SHARE * scatter_n < noise_n and max(levels_n) - min(levels_n) < 2.0 * scatter_n
        self.open = not (white and scatter_n < READY_MOST_N and noise_n > READY_NOISES * known_n)
        return not self.open
