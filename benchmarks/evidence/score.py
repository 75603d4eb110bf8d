"""Judge a method on traces with truth.

A repetition found belongs to the true one whose interval, widened by 15 % of its length (0.3 s at most), has
the middle of its plateau, one to one. `Tally.add` takes what a method says of a trace; `Tally.figures` has
every share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from benchmarks.evidence.detectors import Count, Method, Shown
from benchmarks.evidence.trace import Trace, TrueInterval

__all__ = ["TUT_S", "Tally", "matched", "run"]

TUT_S = 0.15
"""Time under tension may be this much off."""


@dataclass(slots=True)
class Tally:
    """Numbers of traces and repetitions, and lists of what was off."""

    traces: int = 0
    exact: int = 0
    within_one: int = 0
    within_two: int = 0
    silent: int = 0
    sets: int = 0
    hits: int = 0
    found: int = 0
    true: int = 0
    phantom: int = 0
    streamed: int = 0
    retracted: int = 0
    shown_true: int = 0
    controls: int = 0
    controls_counted: int = 0
    controls_shown: int = 0
    wrong_partial: int = 0
    judged_partial: int = 0
    boundary_s: list[float] = field(default_factory=list)
    under_tension_s: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)
    first_latency_s: list[float] = field(default_factory=list)
    wrong: list[tuple[str, int]] = field(default_factory=list)

    def add(self, trace: Trace, count: Count) -> None:
        """Judge what was said of a trace."""
        if trace.is_control:
            self._add_control(trace, count)
            return
        if trace.n is None:
            return
        n = len(count.reps)
        off = min(abs(n - right) for right in trace.n_ok)
        self.traces += 1
        self.exact += off == 0
        self.within_one += off <= 1
        self.within_two += off <= 2
        if off:
            self.wrong.append((trace.name, n))
        if trace.n:
            self.sets += 1
            self.silent += n == 0
        if trace.reps:
            self._add_reps(trace, count)
            if count.shown is not None:
                self._add_shown(trace, count.shown)

    def _add_control(self, trace: Trace, count: Count) -> None:
        self.controls += 1
        self.controls_counted += bool(count.reps)
        self.controls_shown += bool(count.shown if count.shown is not None else count.reps)
        if count.reps:
            self.wrong.append((trace.name, len(count.reps)))

    def _add_reps(self, trace: Trace, count: Count) -> None:
        pairs = matched(trace.reps, [rep.middle_s for rep in count.reps])
        self.hits += len(pairs)
        self.found += len(count.reps)
        self.true += len(trace.reps)
        for i, j in pairs.items():
            rep = count.reps[j]
            true = trace.partial[i] if trace.partial is not None else None
            if true is not None and rep.partial is not None:
                self.judged_partial += 1
                self.wrong_partial += rep.partial != true
            if trace.peaks_n and rep.peak_n == rep.peak_n:
                self.peak.append(rep.peak_n / trace.peaks_n[i] - 1.0 if trace.peaks_n[i] > 0 else 0.0)
            at = trace.bounds[i] if trace.bounds else None
            if at is not None and rep.bounds is not None:
                self.boundary_s += [a - b for a, b in zip(rep.bounds, at, strict=True)]
                self.under_tension_s.append((rep.bounds[3] - rep.bounds[0]) - (at[3] - at[0]))

    def _add_shown(self, trace: Trace, shown: list[Shown]) -> None:
        first_s = trace.reps[0].start_s
        if "whole" not in trace.tags:
            self.streamed += 1
            # A fifth of a second: the start of a pull on a noisy trace is not sharper.
            self.phantom += any(one.shown_s < first_s or one.top_s < first_s - 0.2 for one in shown)
        for i, true in enumerate(trace.reps):
            inside = [one for one in shown if _holds(true, one.top_s)]
            if not inside:
                continue
            self.shown_true += 1
            gone = [one for one in inside if one.retracted_s is not None]
            self.retracted += any(
                not any(
                    other is not one
                    and other.shown_s <= (one.retracted_s or 0.0)
                    and (other.retracted_s is None or other.retracted_s > (one.retracted_s or 0.0))
                    for other in inside
                )
                for one in gone
            )
            late = min(one.shown_s for one in inside)
            if trace.bounds and (at := trace.bounds[i]) is not None:
                (self.latency_s if i else self.first_latency_s).append(late - at[2])

    def merged(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def figures(self) -> dict[str, float]:
        """Every share; NaN where there is nothing to share."""
        boundary = np.abs(self.boundary_s)
        return {
            "traces": self.traces,
            "exact": _share(self.exact, self.traces),
            "within one": _share(self.within_one, self.traces),
            "within two": _share(self.within_two, self.traces),
            "silent": _share(self.silent, self.sets),
            "f1": _share(2 * self.hits, self.found + self.true),
            "phantom": _share(self.phantom, self.streamed),
            "retracted": _share(self.retracted, self.shown_true),
            "controls": self.controls,
            "controls counted": _share(self.controls_counted, self.controls),
            "controls shown": _share(self.controls_shown, self.controls),
            "wrong partial": _share(self.wrong_partial, self.judged_partial),
            "boundary median": float(np.median(boundary)) if boundary.size else np.nan,
            "boundary p95": float(np.quantile(boundary, 0.95)) if boundary.size else np.nan,
            "tut within": _share(
                sum(abs(t) <= TUT_S for t in self.under_tension_s), len(self.under_tension_s)
            ),
            "tut worst": float(np.max(np.abs(self.under_tension_s))) if self.under_tension_s else np.nan,
            "latency p95": float(np.quantile(self.latency_s, 0.95)) if self.latency_s else np.nan,
            "first latency p95": float(np.quantile(self.first_latency_s, 0.95))
            if self.first_latency_s
            else np.nan,
        }


def matched(reps: Iterable[TrueInterval], middles_s: list[float]) -> dict[int, int]:
    """Which true repetition (key) each found one (value) belongs to, one to one, the nearest top first."""
    near = [
        (abs(middle_s - true.top_s), i, j)
        for i, true in enumerate(reps)
        for j, middle_s in enumerate(middles_s)
        if _holds(true, middle_s)
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(near):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _holds(true: TrueInterval, at_s: float) -> bool:
    margin_s = min(0.3, 0.15 * (true.end_s - true.start_s))
    return true.start_s - margin_s <= at_s <= true.end_s + margin_s


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def run(traces: Iterable[Trace], methods: Mapping[str, Method]) -> dict[tuple[str, str], Tally]:
    """Tallies by method and kind of trace."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for trace in traces:
        for name, method in methods.items():
            try:
                tallies[name, trace.kind].add(trace, method(trace))
            except Exception as error:
                error.add_note(f"{name} on {trace.name}")
                raise
    return dict(tallies)
