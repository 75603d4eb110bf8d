"""Charts as one SVG element each: sharp in print, readable without a script, the same in report and page.

A chart fills the box it is put in. Curves lie in an inner drawing that is stretched to the box with lines of
constant width; texts and dots lie outside of it and are placed by percentages, so that they are never
stretched. Colours come from classes (`charts.css`), because the page allows no style attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, isfinite, log10

import numpy as np
from numpy.typing import ArrayLike

from bandsense.language import trn

__all__ = ["Plot", "Slot", "nice_range", "strip"]

_SCALE = 1000.0
"""Width and height of the inner drawing, in its own units."""

MOST_COLUMNS = 1200
"""A curve is reduced to the extremes of so many columns: more than a page or a screen can show."""

NEAR = 14
"""A pointer this close to a point, in pixels, is told what it stands for."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a strip of peaks.

    Attributes:
        peak_n: of the repetition; None where it was not done.
        kind: `in`, `low`, `part`, `doubt`; `todo` or `more` where it was not done.
    """

    peak_n: float | None
    kind: str


def nice_range(low: float, high: float) -> tuple[float, float]:
    """Round a range outwards to 1, 2 or 5 of a power of ten, about five steps over it."""
    if not (isfinite(low) and isfinite(high)) or high <= low:
        high = low + max(1.0, abs(low) * 0.1)
    raw = (high - low) / 5.0
    power = 10.0 ** floor(log10(raw))
    step = next(each * power for each in (1.0, 2.0, 5.0, 10.0) if raw <= each * power * 1.0001)
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step


class Plot:
    """One chart: add what it shows, then take `svg`.

    Args:
        x: range of the horizontal axis.
        y: range of the vertical axis.
        label: one sentence for people who do not see it.
        size: a class that gives its height.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float], label: str, size: str = "") -> None:
        self._x, self._y = x, y
        self._label = label
        self._size = size
        self._stretched: list[str] = []
        self._placed: list[str] = []

    def _at(self, x: float, y: float) -> str:
        return f"{self._across(x):.1f} {self._down(y):.1f}"

    def _across(self, x: float, whole: float = _SCALE) -> float:
        return whole * (x - self._x[0]) / (self._x[1] - self._x[0])

    def _down(self, y: float, whole: float = _SCALE) -> float:
        return whole * (1.0 - (y - self._y[0]) / (self._y[1] - self._y[0]))

    def _path(self, data: str, kind: str) -> None:
        self._stretched.append(f'<path d="{data}" class="{kind}" vector-effect="non-scaling-stroke"/>')

    def _centre(self, x: float, y: float) -> str:
        return f'cx="{self._across(x, 100.0):.2f}%" cy="{self._down(y, 100.0):.2f}%"'

    def line(self, x: ArrayLike, y: ArrayLike, kind: str) -> Plot:
        """Draw a curve; it breaks where a value is not a number."""
        across, down = _reduced(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        parts, pen = [], "M"
        for a, b in zip(across.tolist(), down.tolist(), strict=True):
            if isfinite(b):
                parts.append(f"{pen}{self._at(a, b)}")
                pen = "L"
            else:
                pen = "M"
        self._path("".join(parts), kind)
        return self

    def steps(self, x: Sequence[float], y: Sequence[float], kind: str) -> Plot:
        """Draw a curve that keeps each value until the next."""
        across = [each for pair in pairwise(x) for each in pair] or list(x)
        down = [each for value in y[:-1] for each in (value, value)] or list(y)
        across, down = [*across, x[-1], self._x[1]], [*down, y[-1], y[-1]]
        self._path("M" + "L".join(map(self._at, across, down)), kind)
        return self

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], kind: str) -> Plot:
        """Fill between two curves."""
        there = [self._at(*each) for each in zip(x, high, strict=True)]
        back = [self._at(*each) for each in zip(reversed(x), reversed(low), strict=True)]
        self._path(f"M{'L'.join([*there, *back])}Z", kind)
        return self

    def bars(self, x: Sequence[float], y: Sequence[float], width: float, kinds: Sequence[str]) -> Plot:
        """Draw bars from the bottom of the range, centred on x."""
        for at, value, kind in zip(x, y, kinds, strict=True):
            left, right = at - width / 2.0, at + width / 2.0
            corners = [(left, self._y[0]), (left, value), (right, value), (right, self._y[0])]
            self._path(f"M{'L'.join(self._at(*corner) for corner in corners)}Z", kind)
        return self

    def zone(self, low: float, high: float) -> Plot:
        """Mark the zone that is aimed at."""
        left, right = self._x
        self.band([left, right], [low, low], [high, high], "zone")
        for level in (low, high):
            self.line([left, right], [level, level], "zone-edge")
        return self

    def rule(self, y: float, kind: str = "axis") -> Plot:
        """Draw a line from left to right."""
        return self.line(self._x, (y, y), kind)

    def upright(self, x: float, kind: str = "axis") -> Plot:
        """Draw a line from bottom to top."""
        self._path(f"M{self._at(x, self._y[0])}L{self._at(x, self._y[1])}", kind)
        return self

    def dots(self, x: Iterable[float], y: Iterable[float], kind: str, radius: float = 4.5) -> Plot:
        """Draw a dot at each point."""
        for a, b in zip(x, y, strict=True):
            self._placed.append(f'<circle {self._centre(a, b)} r="{radius:g}" class="{kind}"/>')
        return self

    def hints(self, x: Iterable[float], y: Iterable[float], words: Iterable[str]) -> Plot:
        """Say what a point stands for to a pointer that comes near it."""
        for a, b, told in zip(x, y, words, strict=True):
            title = f"<title>{escape(told)}</title>"
            self._placed.append(f'<circle {self._centre(a, b)} r="{NEAR}" class="near">{title}</circle>')
        return self

    def text(
        self,
        x: float,
        y: float,
        words: str,
        kind: str = "note",
        *,
        anchor: str = "start",
        dx: float = 0.0,
        dy: float = 0.0,
    ) -> Plot:
        """Write at a point, moved by pixels."""
        place = f'x="{self._across(x, 100.0):.2f}%" y="{self._down(y, 100.0):.2f}%"'
        moved = f'dx="{dx:g}" dy="{dy:g}" text-anchor="{anchor}"'
        self._placed.append(f'<text {place} {moved} class="{kind}">{escape(words)}</text>')
        return self

    def y_label(self, y: float, words: str, kind: str = "y") -> Plot:
        """Label a level, right of the chart."""
        return self.text(self._x[1], y, words, kind, dx=9.0, dy=4.5)

    def x_label(self, x: float, words: str, kind: str = "x") -> Plot:
        """Label a place, under the chart; at its edges within the chart."""
        share = self._across(x, 1.0)
        anchor = "start" if share < 0.04 else "end" if share > 0.98 else "middle"
        return self.text(x, self._y[0], words, kind, anchor=anchor, dy=19.0)

    def mark(self, x: float, y: float, words: str, kind: str = "mark") -> Plot:
        """Write above a point."""
        return self.text(x, y, words, kind, anchor="middle", dy=-7.0)

    def svg(self) -> str:
        """Give the chart as an SVG element in a `div`."""
        inner = (
            f'<svg viewBox="0 0 {_SCALE:g} {_SCALE:g}" preserveAspectRatio="none" width="100%" height="100%" '
            f'overflow="visible">{"".join(self._stretched)}</svg>'
        )
        return (
            f'<div class="chart {self._size}"><svg class="c" width="100%" height="100%" overflow="visible" '
            f'role="img" aria-label="{escape(self._label)}">{inner}{"".join(self._placed)}</svg></div>'
        )


def _reduced(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the extremes of each column, in their order."""
    if x.size <= 2 * MOST_COLUMNS:
        return x, y
    edges = np.linspace(0, x.size, MOST_COLUMNS + 1).astype(int)
    keep: list[int] = []
    for start, end in pairwise(edges.tolist()):
        part = y[start:end]
        known = np.flatnonzero(np.isfinite(part))
        if not known.size:
            keep.append(int(start))
            continue
        extremes = {int(known[np.argmin(part[known])]), int(known[np.argmax(part[known])])}
        if known.size < part.size:
            extremes.add(int(np.flatnonzero(~np.isfinite(part))[0]))
        keep += [start + each for each in sorted(extremes)]
    at = np.array(keep, dtype=int)
    return x[at], y[at]


def strip(slots: Sequence[Slot], zone: tuple[float, float] | None) -> str:
    """Draw the peaks of a set as bars against the zone; without one, against the best of the set.

    A full bar lies in the zone or above it, an open one below, a hatched one is a partial repetition, and one
    with a dashed edge may be none. What was not done is a short dash, dotted where the plan does not ask
    for it.
    """
    known = [slot.peak_n for slot in slots if slot.peak_n is not None]
    low, high = (0.65 * zone[0], 1.13 * zone[1]) if zone else (0.0, max(known, default=1.0))
    width = 100.0 / max(1, len(slots))
    parts = []
    if zone is not None:
        top, bottom = (100.0 * (1.0 - (each - low) / (high - low)) for each in (zone[1], zone[0]))
        parts.append(f'<rect x="-2%" width="104%" y="{top:.1f}%" height="{bottom - top:.1f}%" class="zone"/>')
        edge = '<line x1="-2%" x2="102%" y1="{0:.1f}%" y2="{0:.1f}%" class="zone-line"/>'
        parts += [edge.format(level) for level in (top, bottom)]
    for index, slot in enumerate(slots):
        share = 0.13 if slot.peak_n is None else min(1.0, max(0.08, (slot.peak_n - low) / (high - low)))
        broad = 0.3 if slot.kind == "more" else 0.76
        place = (
            f'x="{(index + 0.5 - broad / 2.0) * width:.2f}%" width="{broad * width:.2f}%" '
            f'y="{100.0 * (1.0 - share):.1f}%" height="{100.0 * share:.1f}%"'
        )
        parts.append(f'<rect {place} class="slot {slot.kind}"/>')
    done = len(known)
    label = trn(
        "{n} repetition, its peak against the target",
        "{n} repetitions, the peak of each against the target",
        done,
    )
    return (
        f'<svg class="strip" overflow="visible" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
