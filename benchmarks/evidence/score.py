"""Judge a method on traces with truth.

A repetition found belongs to the true one whose interval, widened by 15 % of its length (0.3 s at most), has
the middle of its plateau, one to one. `Tally.add` takes what a method says of a trace; `Tally.figures` has
every share. docs/accuracy.md defines every figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from benchmarks.evidence.detectors import Count, Found, Method, Shown
from benchmarks.evidence.trace import Trace, TrueInterval

__all__ = ["BEYOND", "EVENTS", "LATE_S", "TUT_S", "Tally", "matched", "run"]

BEYOND = " (beyond)"

EVENTS = ("pull start", "hold start", "return start", "end")

TUT_S = 0.15
"""Time under tension may be this much off."""

LATE_S = 0.25
"""A repetition from the second of a set on is late when it is shown this long after its return began."""

WARNED_S = 0.5
"""A warning belongs to what happened this close to it."""

PULLED_S = 0.2
"""The beginning of a pull is not sharper than this: a top so little before it is no phantom."""


@dataclass(slots=True)
class Tally:
    """Numbers of traces and repetitions, and lists of what was off. Tallies add up with `merged`."""

    traces: int = 0
    exact: int = 0
    within_one: int = 0
    within_two: int = 0
    off: int = 0
    sets: int = 0
    silent: int = 0
    hits: int = 0
    found: int = 0
    true: int = 0
    streamed: int = 0
    phantoms: int = 0
    shown_true: int = 0
    retracted: int = 0
    controls: int = 0
    controls_counted: int = 0
    controls_shown: int = 0
    flags: int = 0
    wrong_flags: int = 0
    snaps: int = 0
    told_snaps: int = 0
    false_alarms: int = 0
    alarmed: int = 0
    boundaries_s: list[tuple[float, ...]] = field(default_factory=list)
    streamed_s: list[tuple[float, ...]] = field(default_factory=list)
    under_tension_s: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    live_peaks: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    told_s: list[float] = field(default_factory=list)
    """From the second of a set on; `followed_s`: of those, where one of the set had been shown before."""
    followed_s: list[float] = field(default_factory=list)
    first_told_s: list[float] = field(default_factory=list)
    wrong: list[tuple[str, int]] = field(default_factory=list)

    def add(self, trace: Trace, count: Count) -> None:
        """Judge what was said of a trace; one that nobody knows the number of is left out."""
        self._add_warnings(trace.snapped_s, count.lost_s)
        if trace.is_control:
            self._add_control(trace, count)
        elif trace.n is not None:
            self._add_number(trace, len(count.reps))
            if trace.reps:
                self._add_reps(trace, count.reps)
                if count.shown is not None:
                    self._add_shown(trace, count.shown)

    def _add_warnings(self, snapped_s: float | None, lost_s: Sequence[float]) -> None:
        told = [snapped_s is not None and abs(t - snapped_s) <= WARNED_S for t in lost_s]
        self.snaps += snapped_s is not None
        self.told_snaps += any(told)
        self.false_alarms += told.count(False)
        self.alarmed += told.count(False) > 0

    def _add_control(self, trace: Trace, count: Count) -> None:
        self.controls += 1
        self.controls_counted += bool(count.reps)
        self.controls_shown += bool(count.reps if count.shown is None else count.shown)
        if count.reps:
            self.wrong.append((trace.name, len(count.reps)))

    def _add_number(self, trace: Trace, n: int) -> None:
        off = min(abs(n - right) for right in trace.n_ok)
        self.traces += 1
        self.exact += off == 0
        self.within_one += off <= 1
        self.within_two += off <= 2
        self.off += off
        self.sets += bool(trace.n)
        self.silent += bool(trace.n) and n == 0
        if off:
            self.wrong.append((trace.name, n))

    def _add_reps(self, trace: Trace, found: Sequence[Found]) -> None:
        pairs = matched(trace.reps, [rep.middle_s for rep in found])
        certain = {i: j for i, j in pairs.items() if i not in trace.optional}
        self.hits += len(certain)
        self.found += len(found) - (len(pairs) - len(certain))
        self.true += len(trace.reps) - len(trace.optional)
        for i, j in certain.items():
            self._add_pair(trace, i, found[j])

    def _add_pair(self, trace: Trace, i: int, rep: Found) -> None:
        partial = trace.partial[i] if trace.partial is not None else None
        if partial is not None and rep.partial is not None:
            self.flags += 1
            self.wrong_flags += rep.partial != partial
        if trace.peaks_n and trace.peaks_n[i] > 0.0 and np.isfinite(rep.peak_n):
            self.peaks.append(rep.peak_n / trace.peaks_n[i] - 1.0)
            self.live_peaks.append(rep.live_peak_n / trace.peaks_n[i] - 1.0)
            if np.isfinite(rep.peak_u_n):
                self.covered.append(abs(rep.peak_n - trace.peaks_n[i]) <= 2.0 * rep.peak_u_n)
        at = trace.bounds[i] if trace.bounds else None
        if at is None or rep.bounds is None:
            return
        self.boundaries_s.append(_differences(rep.bounds, at))
        self.under_tension_s.append((rep.bounds[3] - rep.bounds[0]) - (at[3] - at[0]))
        if rep.streamed is not None:
            self.streamed_s.append(_differences(rep.streamed, at))

    def _add_shown(self, trace: Trace, shown: Sequence[Shown]) -> None:
        first_s = trace.reps[0].start_s
        if "whole" not in trace.tags:
            self.streamed += 1
            self.phantoms += any(one.shown_s < first_s or one.top_s < first_s - PULLED_S for one in shown)
        set_told_s = np.inf
        for i, true in enumerate(trace.reps):
            first = true.start_s in trace.set_starts_s
            set_told_s = np.inf if first else set_told_s
            inside = [one for one in shown if _holds(true, one.top_s)]
            if i in trace.optional or not inside:
                continue
            self.shown_true += 1
            self.retracted += any(_taken_back(one, inside) for one in inside)
            at = trace.bounds[i] if trace.bounds else None
            told_s = min(one.shown_s for one in inside)
            if at is not None:
                (self.first_told_s if first else self.told_s).append(told_s - at[2])
                if set_told_s < at[2]:
                    self.followed_s.append(told_s - at[2])
            set_told_s = min(set_told_s, told_s)

    def merged(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def figures(self) -> dict[str, float]:
        """Every figure; NaN where there is nothing to judge."""
        tut = np.abs(self.under_tension_s)
        made = {
            "traces": float(self.traces),
            "exact": _share(self.exact, self.traces),
            "within one": _share(self.within_one, self.traces),
            "within two": _share(self.within_two, self.traces),
            "mae": _share(self.off, self.traces),
            "silent": _share(self.silent, self.sets),
            "f1": _share(2 * self.hits, self.found + self.true),
            "phantom": _share(self.phantoms, self.streamed),
            "retracted": _share(self.retracted, self.shown_true),
            "wrong partial": _share(self.wrong_flags, self.flags),
            "controls": float(self.controls),
            "controls counted": _share(self.controls_counted, self.controls),
            "controls shown": _share(self.controls_shown, self.controls),
            "boundary median": quantile(np.abs(np.ravel(self.boundaries_s)), 0.5),
            "boundary p95": quantile(np.abs(np.ravel(self.boundaries_s)), 0.95),
            "tut within": _share(int(np.sum(tut <= TUT_S)), tut.size),
            "tut p95": quantile(tut, 0.95),
            "tut worst": float(tut.max()) if tut.size else np.nan,
            "peak p95": quantile(np.abs(self.peaks), 0.95),
            "live peak p95": quantile(np.abs(self.live_peaks), 0.95),
            "peak covered": _share(sum(self.covered), len(self.covered)),
            "told p95": quantile(self.told_s, 0.95),
            "told late": _share(sum(t > LATE_S for t in self.told_s), len(self.told_s)),
            "followed late": _share(sum(t > LATE_S for t in self.followed_s), len(self.followed_s)),
            "first told p95": quantile(self.first_told_s, 0.95),
        }
        for kind, rows in (("", self.boundaries_s), ("streamed ", self.streamed_s)):
            columns = np.array(rows).T if rows else np.zeros((4, 0))
            for event, column in zip(EVENTS, columns, strict=True):
                made[f"{kind}{event} median"] = quantile(np.abs(column), 0.5)
                made[f"{kind}{event} p95"] = quantile(np.abs(column), 0.95)
                made[f"{kind}{event} bias"] = float(np.mean(column)) if column.size else np.nan
        return made


def _taken_back(one: Shown, inside: Sequence[Shown]) -> bool:
    """Whether its retraction left the true repetition without any that is shown."""
    gone_s = one.retracted_s
    return gone_s is not None and not any(
        other is not one
        and other.shown_s <= gone_s
        and (other.retracted_s is None or other.retracted_s > gone_s)
        for other in inside
    )


def matched(reps: Iterable[TrueInterval], middles_s: Sequence[float]) -> dict[int, int]:
    """Which true repetition (key) each found one (value) belongs to, one to one, the nearest top first."""
    near = [
        (abs(middle_s - true.top_s), i, j)
        for i, true in enumerate(reps)
        for j, middle_s in enumerate(middles_s)
        if _holds(true, middle_s)
    ]
    pairs: dict[int, int] = {}
    for _, i, j in sorted(near):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _holds(true: TrueInterval, at_s: float) -> bool:
    margin_s = min(0.3, 0.15 * (true.end_s - true.start_s))
    return true.start_s - margin_s <= at_s <= true.end_s + margin_s


def _differences(found: Sequence[float], true: Sequence[float]) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(found, true, strict=True))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def quantile(values: Iterable[float], q: float) -> float:
    """A quantile; NaN of nothing."""
    given = np.asarray(values, dtype=np.float64)
    return float(np.quantile(given, q)) if given.size else np.nan


def run(traces: Iterable[Trace], methods: Mapping[str, Method]) -> dict[tuple[str, str], Tally]:
    """Tallies by method and kind; what is beyond the envelope is a kind apart, ending in `BEYOND`."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for trace in traces:
        kind = trace.kind + (BEYOND if "beyond" in trace.tags else "")
        for name, method in methods.items():
            try:
                tallies[name, kind].add(trace, method(trace))
            except Exception as error:
                error.add_note(f"{name} on {trace.name}")
                raise
    return dict(tallies)
