"""How well repetitions, phases and peaks are found: `python -m benchmarks.accuracy`.

Simulated sets with known truth (`benchmarks.generators`), real recordings with known counts and, where an
encoder ran beside the sensor, known boundaries; beside bandsense three detectors that people write in an
afternoon.

A detection is right if the middle of its plateau lies inside a true repetition ± 0.3 s, one to one.
Boundaries are 10 % and 90 % crossings of the noise-free tension between its peak and its lowest points within
half a second of the movement. A repetition that the samples do not show (too small, its top or a valley lost)
may be counted or not. docs/accuracy.md defines every score.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.signal import butter, find_peaks, sosfiltfilt

from bandsense.export.recording import read_recording
from bandsense.samples import KGF_N, FloatArray, Unit
from bandsense.signal.analysis import analyze
from bandsense.signal.events import Rep, RepCounted, WarningKind
from bandsense.sim.physics.ground_truth import TrueRep, true_reps
from bandsense.sim.physics.person import Span
from benchmarks.generators import SPLITS, Case, Recorded, cases, controls
from benchmarks.tables import Table, milliseconds, number, percent, replace_between

MARGIN_S = 0.3
EVENTS = ("pull start", "hold start", "return start", "end")
MAIN_RATE_HZ = 80.0
HOLD_S = 0.25
"""A plateau at least this long is a hold; its top may be told before the return begins."""
LATEST_S = 0.25
"""A top is due when the return begins or after `HOLD_S` of hold; it is late this much after that."""
WARNED_S = 0.5
"""A warning belongs to what happened this close to it."""
ENCODER_S = 0.100
STILL_M_S = 0.1
"""An encoder this slow stands still, or is between two directions."""
GRID_S = 0.005
SPEED_GRID = 20
"""Its speed is a mean over so many steps of the grid."""
BOOTSTRAP = 1000


# ── what is compared ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Detection:
    """A repetition as some method sees it; only bandsense says more than where it is."""

    middle_s: float
    rep: Rep | None = None
    streamed: Rep | None = None
    counted_s: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a method says of a recording; only bandsense tells when the band was lost."""

    detections: list[Detection]
    lost_s: tuple[float, ...] = ()


Method = Callable[[Recorded], Found]


def bandsense(trace: Recorded) -> Found:
    """The signal chain of this project, one configuration for everything."""
    result = analyze(trace.time_s, trace.tension_n, gap_before=trace.gap_before, saturated=trace.saturated)
    counted = {event.index: event.detected_s for event in result.events if isinstance(event, RepCounted)}
    streamed = {rep.index: rep for rep in result.causal}
    detections = [
        Detection(
            (rep.hold_start_s + rep.return_start_s) / 2, rep, streamed.get(rep.index), counted.get(rep.index)
        )
        for rep in result.reps
    ]
    lost_s = tuple(warning.time_s for warning in result.warnings if warning.kind is WarningKind.BAND_LOST)
    return Found(detections, lost_s)


def zig_zag(trace: Recorded) -> Found:
    """Turning points at least 10 N apart."""
    found: list[Detection] = []
    low = high = float(trace.tension_n[0])
    top_s, rising = 0.0, False
    for t, y in zip(trace.time_s.tolist(), trace.tension_n.tolist(), strict=True):
        if rising:
            if y > high:
                high, top_s = y, t
            elif y < high - 10.0:
                found.append(Detection(top_s))
                rising, low = False, y
        elif y < low:
            low = y
        elif y > low + 10.0:
            rising, high, top_s = True, y, t
    return Found(found)


def level_crossing(trace: Recorded) -> Found:
    """Stretches above half of the largest tension."""
    time_s, tension_n = trace.time_s, trace.tension_n
    above = np.concatenate(([False], tension_n > 0.5 * tension_n.max(), [False]))
    edges = np.flatnonzero(np.diff(above.astype(int)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return Found([Detection(float(time_s[a] + time_s[b - 1]) / 2) for a, b in runs])


def peaks_of_filtered(trace: Recorded) -> Found:
    """`find_peaks` with a prominence of 30 % of the range, 0.5 s apart, on a zero-phase 4 Hz low-pass."""
    time_s, tension_n = trace.time_s, trace.tension_n
    rate_hz = 1.0 / float(np.median(np.diff(time_s)))
    smooth = sosfiltfilt(butter(2, min(4.0, 0.4 * rate_hz), fs=rate_hz, output="sos"), tension_n)
    peaks, _ = find_peaks(smooth, prominence=0.3 * np.ptp(smooth), distance=max(1, round(0.5 * rate_hz)))
    return Found([Detection(float(time_s[i])) for i in peaks])


METHODS: dict[str, Method] = {
    "bandsense": bandsense,
    "zig-zag 10 N": zig_zag,
    "half-level crossing": level_crossing,
    "filtfilt + find_peaks": peaks_of_filtered,
}


# ── scoring ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Score:
    """Errors collected over sets."""

    count_errors: list[int] = field(default_factory=list)
    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    wrong_flags: list[bool] = field(default_factory=list)
    snaps: int = 0
    told_snaps: int = 0
    false_alarms: int = 0
    boundaries_s: list[tuple[float, float, float, float]] = field(default_factory=list)
    streamed_s: list[tuple[float, float, float, float]] = field(default_factory=list)
    under_tension_s: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    after_return_s: list[float] = field(default_factory=list)
    after_hold_s: list[float] = field(default_factory=list)

    def add(self, recorded: Recorded, found: Found) -> None:
        """Score one recording."""
        self._add_warnings(recorded.snapped_s, found.lost_s)
        pairs, spare = matched(recorded.reps, found.detections)
        scored = [
            (rep, peak, pairs.get(i))
            for i, (rep, peak) in enumerate(_with_peaks(recorded))
            if not rep.ambiguous
        ]
        hits = [(rep, peak, detection) for rep, peak, detection in scored if detection is not None]
        missing = len(scored) - len(hits)
        self.count_errors.append(spare - missing)
        self.true_positives += len(hits)
        self.false_negatives += missing
        self.false_positives += spare
        for rep, peak_n, detection in hits:
            self._add_pair(rep, peak_n, detection)

    def _add_warnings(self, snapped_s: float | None, lost_s: Sequence[float]) -> None:
        told = [snapped_s is not None and abs(t - snapped_s) <= WARNED_S for t in lost_s]
        self.snaps += snapped_s is not None
        self.told_snaps += any(told)
        self.false_alarms += told.count(False)

    def _add_pair(self, true: TrueRep, peak_n: float, found: Detection) -> None:
        if found.rep is None:
            return
        if true.torn:
            return
        if not true.undecided:
            self.wrong_flags.append(found.rep.partial != true.partial)
        self.boundaries_s.append(_differences(found.rep, true))
        if found.streamed is not None:
            self.streamed_s.append(_differences(found.streamed, true))
        self.under_tension_s.append(found.rep.duration_s - (true.end_s - true.pull_start_s))
        self.peaks.append(found.rep.peak_n / peak_n - 1.0)
        if found.counted_s is not None:
            self._add_latency(true, found.counted_s)

    def _add_latency(self, true: TrueRep, counted_s: float) -> None:
        held = true.return_start_s - true.hold_start_s >= HOLD_S
        due_s = true.hold_start_s + HOLD_S if held else true.return_start_s
        (self.after_hold_s if held else self.after_return_s).append(counted_s - due_s)

    @property
    def imperfect(self) -> bool:
        """Whether a count or a partial mark is wrong, or a time under tension by more than 0.1 s."""
        off_s = max(map(abs, self.under_tension_s), default=0.0)
        return any(self.count_errors) or any(self.wrong_flags) or off_s > 0.1

    def merged(self, other: Score) -> Score:
        """Both together."""
        return Score(*(getattr(self, name) + getattr(other, name) for name in Score.__dataclass_fields__))

    def summary(self) -> dict[str, float]:
        """Every figure of the tables; what has no data is NaN."""
        errors = np.array(self.count_errors, dtype=float)
        exact = errors == 0
        low, high = _bootstrap(exact)
        hits = self.true_positives
        detected, true = hits + self.false_positives, hits + self.false_negatives
        figures = {
            "sets": float(errors.size),
            "reps": float(true),
            "exact": _mean(exact),
            "exact low": low,
            "exact high": high,
            "within one": _mean(np.abs(errors) <= 1),
            "mae": _mean(np.abs(errors)),
            "bias": _mean(errors),
            "precision": hits / detected if detected else np.nan,
            "recall": hits / true if true else np.nan,
            "f1": 2 * hits / (detected + true) if detected + true else np.nan,
            "wrong partial flags": _mean(np.array(self.wrong_flags)),
            **_limits_of_agreement("time under tension", np.array(self.under_tension_s)),
            "peak p95": _quantile(np.abs(self.peaks), 0.95),
            "peak bias": _mean(np.array(self.peaks)),
            "after return median": _quantile(self.after_return_s, 0.5),
            "after return p95": _quantile(self.after_return_s, 0.95),
            "after hold median": _quantile(self.after_hold_s, 0.5),
            "after hold p95": _quantile(self.after_hold_s, 0.95),
            "late": _mean(np.array([t > LATEST_S for t in (*self.after_return_s, *self.after_hold_s)])),
        }
        for kind, rows in (("", self.boundaries_s), ("streamed ", self.streamed_s)):
            columns = np.array(rows).T if rows else np.zeros((4, 0))
            for event, column in zip(EVENTS, columns, strict=True):
                figures[f"{kind}{event} median"] = _quantile(np.abs(column), 0.5)
                figures[f"{kind}{event} p95"] = _quantile(np.abs(column), 0.95)
                figures[f"{kind}{event} bias"] = _mean(column)
        return figures


def matched(reps: Sequence[TrueRep], detections: Sequence[Detection]) -> tuple[dict[int, Detection], int]:
    """Pair each repetition with the nearest free detection inside it; also the number of detections left."""
    free = list(detections)
    pairs: dict[int, Detection] = {}
    certain_first = sorted(range(len(reps)), key=lambda i: (reps[i].ambiguous, reps[i].middle_s))
    for i in certain_first:
        rep = reps[i]
        inside = [d for d in free if rep.pull_start_s - MARGIN_S <= d.middle_s <= rep.end_s + MARGIN_S]
        if inside:
            pairs[i] = min(inside, key=lambda d: abs(d.middle_s - rep.middle_s))
            free.remove(pairs[i])
    return pairs, len(free)


def _with_peaks(recorded: Recorded) -> Iterable[tuple[TrueRep, float]]:
    return zip(recorded.reps, recorded.peaks_n, strict=True)


def _differences(found: Rep, true: TrueRep) -> tuple[float, float, float, float]:
    return (
        found.pull_start_s - true.pull_start_s,
        found.hold_start_s - true.hold_start_s,
        found.return_start_s - true.return_start_s,
        found.end_s - true.end_s,
    )


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if np.size(values) else np.nan


def _quantile(values: Sequence[float] | FloatArray, q: float) -> float:
    return float(np.quantile(values, q)) if np.size(values) else np.nan


def _limits_of_agreement(name: str, differences: FloatArray) -> dict[str, float]:
    """Bland and Altman 1986: mean difference, and ± 1.96 standard deviations around it."""
    bias = _mean(differences)
    spread = 1.96 * float(np.std(differences, ddof=1)) if differences.size > 1 else np.nan
    return {f"{name} bias": bias, f"{name} low": bias - spread, f"{name} high": bias + spread}


def _bootstrap(hits: FloatArray) -> tuple[float, float]:
    """95 % percentile interval of a share over resampled sets."""
    if not hits.size:
        return np.nan, np.nan
    rng = np.random.default_rng(1)
    means = rng.binomial(hits.size, float(np.mean(hits)), BOOTSTRAP) / hits.size
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


# ── running ─────────────────────────────────────────────────────────────────────────────────────────────────

Scores = dict[tuple[str, str, str, float], Score]
"""By method, generator, class and rate."""


def run(split: str, sets: int, each_control: int, rates_hz: Sequence[float]) -> tuple[Scores, Scores]:
    """Score all methods on simulated sets and on controls."""
    return (
        _scored(cases(split, sets), rates_hz),
        _scored(controls(split, each_control), rates_hz),
    )


def _scored(all_cases: Iterable[Case], rates_hz: Sequence[float]) -> Scores:
    scores: Scores = defaultdict(Score)
    for case in all_cases:
        for rate_hz in rates_hz:
            recorded = case.record(rate_hz)
            for name, method in METHODS.items():
                try:
                    found = method(recorded)
                except Exception as error:
                    error.add_note(f"{name} on {case.group} of the {case.generator}, {rate_hz:g} Hz")
                    raise
                scores[name, case.generator, case.group, rate_hz].add(recorded, found)
    return scores


def pooled(scores: Scores, **wanted: str | float) -> Score:
    """All scores whose method, generator, group or rate_hz is the wanted one, together."""
    keys = ("method", "generator", "group", "rate_hz")
    total = Score()
    for key, score in scores.items():
        if all(key[keys.index(name)] == value for name, value in wanted.items()):
            total = total.merged(score)
    return total


# ── real recordings ─────────────────────────────────────────────────────────────────────────────────────────

BAND_RECORDINGS = {"calibration-1": (5, 0), "calibration-3": (5, 0), "calibration-5": (8, 2), "clean": (4, 0)}
"""True repetitions and how many of them are partial: from the encoder, the last one counted by eye."""


def recordings_folder() -> Path:
    """Where the real recordings are."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "recordings"
    return Path(os.environ.get("BANDSENSE_RECORDINGS", default))


@dataclass(frozen=True, slots=True)
class RealResult:
    """One real recording: counts by method, and boundaries against the encoder where there is one."""

    name: str
    reps: int | None
    partial: int | None
    counts: dict[str, int]
    found_partial: int
    boundary_s: tuple[float, ...] = ()


def real_results(folder: Path) -> list[RealResult]:
    """All real force recordings."""
    results = []
    for file in sorted([*folder.glob("band/*.force.csv"), *folder.glob("isometric/*.csv")]):
        block = read_recording(file).block
        tension = block.values * (KGF_N if block.unit is Unit.KILOGRAM_FORCE else 1.0)
        title = file.name.removesuffix(".csv").removesuffix(".force")
        reps, partial = BAND_RECORDINGS.get(title, (None, None))
        trace = Recorded(block.time_s, tension, block.gap_before, block.saturated, (), ())
        found = {name: method(trace).detections for name, method in METHODS.items()}
        own = [d.rep for d in found["bandsense"] if d.rep is not None]
        encoder = file.with_name(f"{title}.encoder.txt")
        boundary = encoder_differences(block.time_s, tension, own, encoder) if encoder.is_file() else ()
        counts = {name: len(detections) for name, detections in found.items()}
        results.append(RealResult(title, reps, partial, counts, sum(rep.partial for rep in own), boundary))
    return results


def encoder_differences(
    time_s: FloatArray, tension_n: FloatArray, reps: Sequence[Rep], file: Path
) -> tuple[float, ...]:
    """Boundaries of the repetitions minus those of the encoder, seconds, four for each repetition."""
    detections = [Detection((rep.hold_start_s + rep.return_start_s) / 2, rep) for rep in reps]
    truth = encoder_truth(time_s, tension_n, file)
    pairs, _ = matched(truth, detections)
    return tuple(
        difference
        for i, true in enumerate(truth)
        if i in pairs and (rep := pairs[i].rep) is not None
        for difference in _differences(rep, true)
    )


def encoder_truth(time_s: FloatArray, tension_n: FloatArray, file: Path) -> tuple[TrueRep, ...]:
    """Repetitions as the encoder saw them, on the gauge's clock; nothing of the detector enters.

    Encoder and gauge were started apart and their clocks differ by about a percent; tension is a curved
    function of length, and lower on the way back. So the encoder's way becomes a tension by a power law with
    hysteresis, fitted together with the clocks' offset and ratio; then both traces cross 10 % and 90 % of the
    same quantity. The movement of a repetition is where the encoder is faster than `STILL_M_S`, from half of
    the way to its furthest outwards.
    """
    way_m = np.cumsum(np.fromstring(file.read_text(), sep=",")) / 1000.0
    grid_s = np.arange(float(time_s[0]), float(time_s[-1]), GRID_S)
    on_gauge_n, on_gauge_m = _aligned(time_s, tension_n, way_m, grid_s)
    tops = find_peaks(on_gauge_m, prominence=0.05 * np.ptp(on_gauge_m))[0].tolist()
    edges = [0, *tops, grid_s.size]
    lows = [a + int(np.argmin(on_gauge_m[a:b])) for a, b in pairwise(edges)]
    firsts = [_movement_start(on_gauge_m, low, top) for low, top in zip(lows, tops, strict=False)]
    lasts = [
        grid_s.size - 1 - _movement_start(on_gauge_m[::-1], grid_s.size - 1 - low, grid_s.size - 1 - top)
        for low, top in zip(lows[1:], tops, strict=True)
    ]
    rested = [*firsts[1:], grid_s.size - 1]
    spans = tuple(map(Span, firsts, lasts, rested))
    return true_reps(grid_s, on_gauge_n, on_gauge_m, spans, (True,) * len(spans))


def _movement_start(way_m: FloatArray, low: int, top: int) -> int:
    """Where a movement from `low` to `top` began: the last standstill before half of the way."""
    rise_m = way_m[low : top + 1]
    half = int(np.argmax(rise_m >= (rise_m[0] + rise_m[-1]) / 2.0))
    moved_m = rise_m[SPEED_GRID : half + 1] - rise_m[: max(0, half + 1 - SPEED_GRID)]
    still = np.flatnonzero(moved_m < STILL_M_S * SPEED_GRID * GRID_S)
    return low + (int(still[-1]) + SPEED_GRID // 2 if still.size else 0)


def _aligned(
    time_s: FloatArray, tension_n: FloatArray, way_m: FloatArray, grid_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The tension that the encoder's way stands for, and the way, at times of the gauge's clock.

    Fitted between the first and the last time that tension crosses a quarter of its range.
    """
    clock_s = np.arange(way_m.size) / 1000.0
    tenth = np.ones(100) / 100.0
    speed_m_s = np.convolve(np.gradient(way_m, 1e-3), tenth, mode="same")
    direction = speed_m_s / (np.abs(speed_m_s) + STILL_M_S)
    relative = (way_m - way_m.min()) / np.ptp(way_m)
    taut = np.flatnonzero(tension_n > tension_n.min() + 0.25 * np.ptp(tension_n))
    inner = slice(int(taut[0]), int(taut[-1]) + 1)

    def terms(at_s: FloatArray, parameters: FloatArray) -> FloatArray:
        offset_s, ratio, exponent, start = parameters
        at = (at_s - offset_s) * ratio
        shape = np.power(np.maximum(np.interp(at, clock_s, relative) + start, 0.0), exponent)
        return np.column_stack((np.ones(at.size), shape, np.interp(at, clock_s, direction)))

    def weights(parameters: FloatArray) -> FloatArray:
        found = np.linalg.lstsq(terms(time_s[inner], parameters), tension_n[inner], rcond=None)[0]
        return np.asarray(found, dtype=np.float64)

    def loss(parameters: FloatArray) -> float:
        rest_n = terms(time_s[inner], parameters) @ weights(parameters) - tension_n[inner]
        return float(np.mean(rest_n**2))

    starts = [
        np.array([at, ratio, 0.65, 0.02])
        for at in np.arange(-8.0, 8.0, 0.1)
        for ratio in (0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03)
    ]
    best = minimize(loss, min(starts, key=loss), method="Nelder-Mead", options={"maxiter": 4000}).x
    on_gauge_m = np.interp((grid_s - best[0]) * best[1], clock_s, way_m)
    return terms(grid_s, best) @ weights(best), on_gauge_m


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────


COUNT_HEADER = ("", "sets", "exact %", "95 % CI", "±1 %", "MAE", "bias", "F1", "wrong partial %")


def _count_row(name: str, score: Score) -> tuple[str, ...]:
    s = score.summary()
    return (
        name,
        f"{s['sets']:.0f}",
        percent(s["exact"]),
        f"{percent(s['exact low'])}–{percent(s['exact high'])}",
        percent(s["within one"]),
        number(s["mae"]),
        f"{s['bias']:+.3f}",
        number(s["f1"], 4),
        percent(s["wrong partial flags"], 2),
    )


TIME_HEADER = (
    "",
    *EVENTS,
    "TUT bias [LoA] ms",
    "peak P95 %",
    "told after return",
    "after 250 ms hold",
    "late %",
)


def _time_row(name: str, score: Score, kind: str = "") -> tuple[str, ...]:
    s = score.summary()
    cells = tuple(
        "/".join(milliseconds(s[f"{kind}{event} {figure}"]) for figure in ("median", "p95", "bias"))
        for event in EVENTS
    )
    if kind:
        return (name, *cells, *[""] * (len(TIME_HEADER) - 1 - len(cells)))
    bias, low, high = (milliseconds(s[f"time under tension {end}"]) for end in ("bias", "low", "high"))
    return (
        name,
        *cells,
        f"{bias} [{low}, {high}]",
        percent(s["peak p95"], 2),
        f"{milliseconds(s['after return median'])}/{milliseconds(s['after return p95'])}",
        f"{milliseconds(s['after hold median'])}/{milliseconds(s['after hold p95'])}",
        percent(s["late"]),
    )


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run found."""

    split: str
    rates_hz: tuple[float, ...]
    simulated: Scores
    negative: Scores
    real: tuple[RealResult, ...]

    @property
    def main_hz(self) -> float:
        """The rate at which classes are told apart."""
        return MAIN_RATE_HZ if MAIN_RATE_HZ in self.rates_hz else self.rates_hz[0]

    def own(self, **wanted: str | float) -> Score:
        """What bandsense reached."""
        return pooled(self.simulated, method="bandsense", **wanted)


def tables(results: Results) -> list[Table]:
    """Every table."""
    return [
        *_class_tables(results, _groups(results)),
        *(_method_table(results, method) for method in METHODS),
        _times_by_rate(results),
        _warning_table(results),
        _control_table(results, results.rates_hz),
        *([_real_table(results.real)] if results.real else []),
        _target_table(results),
    ]


def page_tables(results: Results) -> list[Table]:
    """The tables that the documentation shows: what is not perfect, and the alternatives beside it."""
    imperfect = [g for g in _groups(results) if results.own(group=g, rate_hz=results.main_hz).imperfect]
    return [
        _target_table(results),
        _alternatives_table(results),
        _method_table(results, "bandsense"),
        _times_by_rate(results),
        *_class_tables(results, imperfect),
        _warning_table(results),
        _control_table(results, (results.main_hz,)),
        *([_real_table(results.real)] if results.real else []),
    ]


def _groups(results: Results) -> list[str]:
    return list(dict.fromkeys(group for _, _, group, _ in results.simulated))


def _class_tables(results: Results, groups: Sequence[str]) -> tuple[Table, Table]:
    main_hz = results.main_hz
    own = {group: results.own(group=group, rate_hz=main_hz) for group in groups}
    everything = results.own(rate_hz=main_hz)
    counts = (_count_row(group, score) for group, score in own.items())
    times = (_time_row(group, score) for group, score in own.items())
    return (
        Table(
            f"Counts by disturbance class at {main_hz:g} Hz",
            COUNT_HEADER,
            (*counts, _count_row("all", everything)),
        ),
        Table(
            f"Boundaries (median/P95/bias, ms), time under tension, peak and latency (ms) at {main_hz:g} Hz",
            TIME_HEADER,
            (
                *times,
                _time_row("all", everything),
                _time_row("all, streaming", everything, "streamed "),
            ),
        ),
    )


def _method_table(results: Results, method: str) -> Table:
    generators = dict.fromkeys(generator for _, generator, _, _ in results.simulated)
    rows = (
        _count_row(
            f"{rate_hz:g} Hz, {generator}",
            pooled(results.simulated, method=method, rate_hz=rate_hz, generator=generator),
        )
        for rate_hz in results.rates_hz
        for generator in generators
    )
    return Table(f"{method}, all classes", COUNT_HEADER, tuple(rows))


def _alternatives_table(results: Results) -> Table:
    def row(method: str) -> tuple[str, ...]:
        in_sets = pooled(results.simulated, method=method, rate_hz=results.main_hz)
        in_controls = pooled(results.negative, method=method, rate_hz=results.main_hz)
        known = [r for r in results.real if r.reps is not None]
        exact = sum(r.counts[method] == r.reps for r in known)
        return (*_count_row(method, in_sets)[:-1], f"{in_controls.false_positives}", f"{exact}/{len(known)}")

    header = (*COUNT_HEADER[:-1], "false in controls", "real sets exact")
    return Table(f"Beside the alternatives, {results.main_hz:g} Hz", header, tuple(map(row, METHODS)))


def _times_by_rate(results: Results) -> Table:
    rows = (_time_row(f"{rate_hz:g} Hz", results.own(rate_hz=rate_hz)) for rate_hz in results.rates_hz)
    return Table("Times by rate, all classes (ms)", TIME_HEADER, tuple(rows))


def _warning_table(results: Results) -> Table:
    rows = []
    for rate_hz in results.rates_hz:
        in_sets = results.own(rate_hz=rate_hz)
        in_controls = pooled(results.negative, method="bandsense", rate_hz=rate_hz)
        told = f"{in_sets.told_snaps}/{in_sets.snaps}"
        rows.append((f"{rate_hz:g} Hz", told, f"{in_sets.false_alarms}", f"{in_controls.false_alarms}"))
    header = ("", "snaps told", "false in sets", "false in controls")
    return Table("Warnings of a lost band", header, tuple(rows))


def _control_table(results: Results, rates_hz: Sequence[float]) -> Table:
    rows = []
    for kind in dict.fromkeys(group for _, _, group, _ in results.negative):
        for rate_hz in rates_hz:
            scores = [pooled(results.negative, method=m, group=kind, rate_hz=rate_hz) for m in METHODS]
            recordings = f"{len(scores[0].count_errors)}"
            rows.append((f"{kind}, {rate_hz:g} Hz", recordings, *(f"{s.false_positives}" for s in scores)))
    title = "Negative controls: repetitions found where there are none"
    return Table(title, ("", "recordings", *METHODS), tuple(rows))


def _real_table(results: Sequence[RealResult]) -> Table:
    rows = tuple(
        (
            r.name,
            "–" if r.reps is None else f"{r.reps} ({r.partial})",
            f"{r.counts['bandsense']} ({r.found_partial})",
            *(f"{count}" for method, count in r.counts.items() if method != "bandsense"),
            milliseconds(_quantile(np.abs(r.boundary_s), 0.5)),
            milliseconds(float(np.max(np.abs(r.boundary_s))) if r.boundary_s else np.nan),
            f"{sum(abs(d) <= ENCODER_S for d in r.boundary_s)}/{len(r.boundary_s)}" if r.boundary_s else "–",
        )
        for r in results
    )
    header = ("", "true (partial)", *METHODS, "median ms", "worst ms", "within 100 ms")
    return Table("Real recordings, and their boundaries against the encoder", header, rows)


# ── targets ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Target:
    """Something the project wants to reach, and what this run reached."""

    text: str
    measured: str
    met: bool


def targets(results: Results) -> list[Target]:
    """What the project wants to reach, and whether this run did."""
    at_80 = results.own(rate_hz=80.0).summary()
    return [
        *_count_targets(results, at_80),
        *_time_targets(at_80),
        *(_real_targets([r for r in results.real if r.reps is not None])),
    ]


def _count_targets(results: Results, at_80: dict[str, float]) -> list[Target]:
    clean = results.own(rate_hz=80.0, group="clean").summary()["exact"]
    at_20 = results.own(rate_hz=20.0).summary()["exact"]
    false_reps = pooled(results.negative, method="bandsense").false_positives
    return [
        Target("clean sets 100 % exact at 80 Hz", f"{percent(clean)} %", clean == 1.0),
        _at_least("all classes at least 98 % exact at 80 Hz", at_80["exact"], 0.98),
        _at_least("all classes at least 99.5 % within one at 80 Hz", at_80["within one"], 0.995),
        Target("F1 at least 0.995 at 80 Hz", number(at_80["f1"], 4), at_80["f1"] >= 0.995),
        Target("no repetition in any negative control", f"{false_reps}", false_reps == 0),
        _at_least("all classes at least 97 % exact at 20 Hz", at_20, 0.97),
    ]


def _at_least(text: str, share: float, wanted: float) -> Target:
    return Target(text, f"{percent(share, 2)} %", share >= wanted)


def _time_targets(at_80: dict[str, float]) -> list[Target]:
    low, high = at_80["time under tension low"], at_80["time under tension high"]
    peak, back, held = at_80["peak p95"], at_80["after return p95"], at_80["after hold p95"]
    return [
        *(
            Target(
                f"{event}: median at most 20 ms, P95 at most 100 ms",
                f"{milliseconds(at_80[f'{event} median'])} ms, {milliseconds(at_80[f'{event} p95'])} ms",
                at_80[f"{event} median"] <= 0.020 and at_80[f"{event} p95"] <= 0.100,
            )
            for event in EVENTS
        ),
        Target(
            "limits of agreement of time under tension within ± 150 ms",
            f"{milliseconds(low)} … {milliseconds(high)} ms",
            max(-low, high) <= 0.15,
        ),
        Target("peak within 2 % (P95)", f"{percent(peak, 2)} %", peak <= 0.02),
        Target("top told within 250 ms of the return (P95)", f"{milliseconds(back)} ms", back <= LATEST_S),
        Target("or within 250 ms after 250 ms of hold (P95)", f"{milliseconds(held)} ms", held <= LATEST_S),
    ]


def _real_targets(known: Sequence[RealResult]) -> list[Target]:
    if not known:
        return []
    exact = sum((r.counts["bandsense"], r.found_partial) == (r.reps, r.partial) for r in known)
    boundary_s = [abs(d) for r in known for d in r.boundary_s]
    near = sum(d <= ENCODER_S for d in boundary_s)
    return [
        Target(
            "all real band recordings exact, partial ones too", f"{exact}/{len(known)}", exact == len(known)
        ),
        Target(
            "real boundaries within 100 ms of the encoder's",
            f"{near}/{len(boundary_s)}",
            near == len(boundary_s),
        ),
    ]


def _target_table(results: Results) -> Table:
    rows = tuple((t.text, t.measured, "met" if t.met else "missed") for t in targets(results))
    return Table("Targets", ("", "measured", ""), rows)


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────


def _without_nan(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in figures.items()}


def _as_json(results: Results) -> dict[str, object]:
    def rows(scores: Scores) -> list[dict[str, object]]:
        return [
            {"method": m, "generator": g, "class": c, "rate_hz": r, **_without_nan(score.summary())}
            for (m, g, c, r), score in scores.items()
        ]

    return {
        "simulated": rows(results.simulated),
        "controls": rows(results.negative),
        "real": [asdict(r) for r in results.real],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 if `--strict` and a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--split", choices=sorted(SPLITS), default="held-out")
    parser.add_argument("--sets", type=int, default=1200)
    parser.add_argument(
        "--controls", type=int, default=8, help="recordings of each control by each generator"
    )
    parser.add_argument("--rates", type=float, nargs="+", default=[10.0, 20.0, 40.0, 80.0, 320.0])
    parser.add_argument("--quick", action="store_true", help="120 sets at 20 and 80 Hz")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the main tables into this page")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    options = parser.parse_args(arguments)
    if options.quick:
        options.sets, options.controls, options.rates = 120, 2, [20.0, 80.0]
    folder = recordings_folder()
    results = Results(
        options.split,
        tuple(options.rates),
        *run(options.split, options.sets, options.controls, options.rates),
        tuple(real_results(folder) if folder.is_dir() else ()),
    )
    said = f"bandsense {version('bandsense')}, split {options.split!r}, {options.sets} sets at each rate"
    print(said, *(table.text() for table in tables(results)), sep="\n\n")
    if not results.real:
        print(f"\nNo real recordings: set BANDSENSE_RECORDINGS to their folder (looked for {folder.name}/).")
    if options.page:
        replace_between(options.page, [f"{said}.", *(table.markdown() for table in page_tables(results))])
    if options.json:
        options.json.write_text(json.dumps(_as_json(results), indent=1))
    return int(options.strict and not all(target.met for target in targets(results)))


if __name__ == "__main__":
    sys.exit(main())
