"""What a repetition, a set and a session amount to. docs/metrics.md defines every figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import hypot
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from bandsense.calibration.clip_on import AnyCalibration, DirectionalCalibration
from bandsense.errors import DataError
from bandsense.language import Message
from bandsense.samples import FloatArray
from bandsense.signal.boundaries import FLANK, HIGH, LOW, VALLEY_S
from bandsense.signal.events import Rep
from bandsense.signal.metric_contract import EXPONENT, VELOCITY_WINDOW_S, Conditions, judge
from bandsense.signal.peaks import OF_A_STEP, resolution_n, sample_noise_n
from bandsense.signal.sample_times import even_times

__all__ = [
    "Asymmetry",
    "Difference",
    "Displacement",
    "Fatigue",
    "RepMetrics",
    "RepTempo",
    "SetMetrics",
    "asymmetry",
    "hidden_of_most",
    "rep_metrics",
    "set_metrics",
    "strongest",
]

FATIGUE_LEAST_REPS = 5
"""Fewer full repetitions say nothing about fatigue."""


class Displacement(Protocol):
    """A band model that tells where the hand is."""

    def displacement_m(self, time_s: ArrayLike, tension_n: ArrayLike) -> FloatArray:
        """Displacement along a trace, float64[n], metres."""


@dataclass(frozen=True, slots=True)
class RepTempo:
    """Durations of the phases in seconds; rest is None after the last repetition."""

    concentric_s: float
    hold_s: float
    eccentric_s: float
    rest_s: float | None

    def __str__(self) -> str:
        rest = "–" if self.rest_s is None else f"{self.rest_s:.1f}"
        return f"{self.concentric_s:.1f}-{self.hold_s:.1f}-{self.eccentric_s:.1f}-{rest}"


@dataclass(frozen=True, slots=True)
class RepMetrics:
    """One repetition in figures.

    Attributes:
        index: number of the repetition.
        partial: surely partial; as the next, what sets and sessions count.
        unsure: partial or full, nobody can say (`Rep.unsure`).
        incomplete: samples are missing or saturated in it; figures are then lower bounds or interpolations.
        peak_n: greatest tension.
        peak_uncertainty_n: its standard uncertainty; None without a calibration.
        mean_n: mean tension over the time under tension.
        mean_uncertainty_n: its standard uncertainty; None without a calibration.
        impulse_n_s: integral of tension over the time under tension.
        time_under_tension_s: from pull start to end.
        tempo: durations of the phases.
        loading_n_per_s: mean rise of tension from 10 % to 90 % of the repetition's rise.
        unloading_n_per_s: mean fall of tension from 90 % to 10 % of its fall.
        relative_range: stretch covered, in stretches at 1 N, from the prior for the shape of a band's curve:
            comparable within a set, not between bands.
        relative_velocity_per_s: the same between pull start and hold start, over the time between them.
        range_m: way of the hand; None without a band model, as the next three.
        velocity_m_s: mean velocity of the hand from pull start to hold start.
        peak_velocity_m_s: greatest mean velocity over a tenth of a second in the pull.
        work_j: work done on the band from the valley to the peak.
        returned_j: work that the band gave back from the peak to the valley after it.
        uncertainty: standard uncertainty of each figure by name, in its unit, from rate, noise and
            calibration; a phase of the tempo is `tempo.hold_s`.
        hidden: figures that are not to be shown, with the reason; see `metric_contract`.
    """

    index: int
    partial: bool
    incomplete: bool
    peak_n: float
    peak_uncertainty_n: float | None
    mean_n: float
    mean_uncertainty_n: float | None
    impulse_n_s: float
    time_under_tension_s: float
    tempo: RepTempo
    loading_n_per_s: float
    unloading_n_per_s: float
    relative_range: float
    relative_velocity_per_s: float
    range_m: float | None = None
    velocity_m_s: float | None = None
    peak_velocity_m_s: float | None = None
    work_j: float | None = None
    returned_j: float | None = None
    uncertainty: Mapping[str, float] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    unsure: bool = False

    def shown(self, name: str) -> float | None:
        """Return a figure by name; None where it is hidden, or there is none."""
        return None if name in self.hidden else _values(self)[name]


@dataclass(frozen=True, slots=True)
class Fatigue:
    """How the last two full repetitions differ from the second and third, as shares; positive is worse.

    Attributes:
        range_lost: of the range of motion.
        concentric_time_gained: of the duration of the pull.
        velocity_lost: of the mean velocity of the pull.
        estimated: ranges rest on the prior for a band's curve, not on a model of this band.
    """

    range_lost: float
    concentric_time_gained: float
    velocity_lost: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class SetMetrics:
    """A set in figures.

    Attributes:
        reps: repetitions; full, partial and unsure ones add up to it.
        partial: how many of them were surely partial.
        unsure: how many may have been partial or full.
        peak_n: greatest tension of the set.
        mean_peak_n: mean of the peaks.
        mean_n: mean tension over all time under tension.
        impulse_n_s: sum.
        time_under_tension_s: sum.
        duration_s: from the first pull start to the last end.
        tempo: medians of the phases.
        work_j: sum of the work of the pulls; None without a band model.
        peak_cv: coefficient of variation of the peaks of full repetitions, as the next two a measure of
            consistency; None with fewer than three.
        range_cv: of their ranges.
        duration_cv: of their time under tension.
        hidden: figures that rest on what most repetitions hide, with the reason.
        fatigue: None with fewer than five full repetitions, or where the zero is so far off that none has a
            range.
    """

    reps: int
    partial: int
    peak_n: float
    mean_peak_n: float
    mean_n: float
    impulse_n_s: float
    time_under_tension_s: float
    duration_s: float
    tempo: RepTempo
    work_j: float | None
    peak_cv: float | None
    range_cv: float | None
    duration_cv: float | None
    fatigue: Fatigue | None
    hidden: Mapping[str, str] = field(default_factory=dict)
    unsure: int = 0

    @property
    def full(self) -> int:
        """How many repetitions were surely full."""
        return self.reps - self.partial - self.unsure

    @property
    def density(self) -> float:
        """Share of the set's duration that was under tension."""
        return self.time_under_tension_s / self.duration_s if self.duration_s > 0.0 else float("nan")


@dataclass(frozen=True, slots=True)
class Difference:
    """Right minus left as a share of their mean, with the standard error from the scatter of repetitions.

    Attributes:
        share: positive where right is more.
        standard_error: of the share.
    """

    share: float
    standard_error: float

    @property
    def certain(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return abs(self.share) > 2.0 * self.standard_error


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """How right and left differ, over full repetitions.

    With one sensor for both sides an error of its span cancels. With two it does not: add their relative
    uncertainties in quadrature before a difference is believed. A figure that is hidden for most of the
    repetitions of a side is not compared.

    Attributes:
        peak, impulse, range, time_under_tension: None where the figure is not compared.
        hidden: why not, by the name here.
    """

    peak: Difference | None
    impulse: Difference | None
    range: Difference | None
    time_under_tension: Difference | None
    hidden: Mapping[str, str] = field(default_factory=dict)


def rep_metrics(
    reps: Sequence[Rep],
    time_s: ArrayLike,
    tension_n: ArrayLike,
    *,
    calibration: AnyCalibration | None = None,
    band: Displacement | None = None,
    zero_doubt_n: float = 0.0,
) -> tuple[RepMetrics, ...]:
    """Figures of the repetitions of one set.

    Args:
        reps: repetitions in order.
        time_s: float64[n], device time of the trace they were found in.
        tension_n: float64[n], its tension.
        calibration: tells the uncertainty of tensions.
        band: tells displacement, and so range, velocity and work.
        zero_doubt_n: what the stream showed of the zero (`SenseChecks.zero_doubt_n`); makes tensions less
            sure.

    Raises:
        DataError: the trace does not reach from the first pull start to the last end.
    """
    time = np.asarray(time_s, dtype=np.float64)
    tension = np.asarray(tension_n, dtype=np.float64)
    if not reps:
        return ()
    if not (time.size and time[0] <= reps[0].pull_start_s and time[-1] >= reps[-1].end_s):
        raise DataError(
            Message("the trace does not cover its repetitions; give the trace they were found in")
        )
    displacement_m = band.displacement_m(time, tension) if band is not None else None
    sample_n = hypot(sample_noise_n(tension), OF_A_STEP * (resolution_n(tension) or 0.0))
    sampling = Conditions(1.0 / float(np.median(np.diff(even_times(time)))), sample_n)
    following = [*(rep.pull_start_s for rep in reps[1:]), None]
    return tuple(
        _judged(_rep(rep, after, time, tension, displacement_m), rep, sampling, calibration, zero_doubt_n)
        for rep, after in zip(reps, following, strict=True)
    )


def _judged(
    figures: RepMetrics,
    rep: Rep,
    sampling: Conditions,
    calibration: AnyCalibration | None,
    zero_doubt_n: float,
) -> RepMetrics:
    """Attach to each figure how sure it is."""
    span, level_n, mean_n = 0.0, zero_doubt_n, zero_doubt_n
    if calibration is not None:
        held = rep.hold_s / rep.duration_s if rep.hold_s else 0.0
        span = calibration.span_uncertainty
        level_n = hypot(_uncertainty_n(calibration, figures.peak_n), zero_doubt_n)
        mean_n = hypot(_uncertainty_n(calibration, figures.mean_n, held), zero_doubt_n)
    known = replace(sampling, span_uncertainty=span, level_uncertainty_n=level_n, mean_uncertainty_n=mean_n)
    uncertainty, hidden = judge(rep, _values(figures), known)
    if calibration is not None:
        peak_n = uncertainty.get("peak_n", level_n)
        figures = replace(figures, peak_uncertainty_n=peak_n, mean_uncertainty_n=mean_n)
    return replace(figures, uncertainty=uncertainty, hidden=hidden)


def _values(figures: RepMetrics) -> dict[str, float | None]:
    """Return every figure that is a number, by name."""
    values: dict[str, float | None] = {
        f"tempo.{phase.name}": getattr(figures.tempo, phase.name) for phase in fields(figures.tempo)
    }
    for part in fields(figures):
        value = getattr(figures, part.name)
        if value is None or isinstance(value, float):
            values[part.name] = value
    return values


def _uncertainty_n(calibration: AnyCalibration, tension_n: float, held: float = 0.0) -> float:
    """Return the standard uncertainty of a tension; of a mean, for this share of which the band was held.

    A clip that was calibrated by direction does not feel what happens to the tension of a held band.
    """
    own_n = float(calibration.standard_uncertainty_n(tension_n))
    if not isinstance(calibration, DirectionalCalibration):
        return own_n
    return hypot(own_n, held * float(calibration.standing_uncertainty_n(tension_n)))


def _rep(
    rep: Rep,
    next_pull_s: float | None,
    time: FloatArray,
    tension: FloatArray,
    displacement_m: FloatArray | None,
) -> RepMetrics:
    """Compute the figures of one repetition, all but how sure they are."""
    at, under_n = _cut(time, tension, rep.pull_start_s, rep.end_s)
    impulse = _trapezoids(under_n, at)
    rise_n = rep.peak_n - rep.start_n
    figures = RepMetrics(
        index=rep.index,
        partial=rep.partial and not rep.unsure,
        unsure=rep.unsure,
        incomplete=rep.gap or rep.saturated,
        peak_n=rep.peak_n,
        peak_uncertainty_n=None,
        mean_n=impulse / rep.duration_s if rep.duration_s > 0.0 else rep.peak_n,
        mean_uncertainty_n=None,
        impulse_n_s=impulse,
        time_under_tension_s=rep.duration_s,
        tempo=RepTempo(
            rep.concentric_s,
            rep.hold_s,
            rep.eccentric_s,
            None if next_pull_s is None else max(0.0, next_pull_s - rep.end_s),
        ),
        loading_n_per_s=_rate(FLANK * rise_n, rep.concentric_s),
        unloading_n_per_s=_rate(FLANK * (rep.peak_n - rep.end_n), rep.eccentric_s),
        relative_range=_stretch(rep.peak_n) - _stretch(rep.start_n),
        relative_velocity_per_s=_rate(
            _stretch(rep.start_n + HIGH * rise_n) - _stretch(rep.start_n + LOW * rise_n), rep.concentric_s
        ),
    )
    if displacement_m is None:
        return figures
    return _with_displacement(figures, rep, time, tension, displacement_m)


def _with_displacement(
    figures: RepMetrics, rep: Rep, time: FloatArray, tension: FloatArray, displacement_m: FloatArray
) -> RepMetrics:
    """Compute the figures that need the hand's position."""
    before = _lowest_s(time, displacement_m, rep.pull_start_s - VALLEY_S, rep.peak_time_s)
    after = _lowest_s(time, displacement_m, rep.peak_time_s, rep.end_s + VALLEY_S)
    out_m, out_n = (_cut(time, of, before, rep.peak_time_s)[1] for of in (displacement_m, tension))
    back_m, back_n = (_cut(time, of, rep.peak_time_s, after)[1] for of in (displacement_m, tension))
    crossed_m = float(
        np.interp(rep.hold_start_s, time, displacement_m) - np.interp(rep.pull_start_s, time, displacement_m)
    )
    return replace(
        figures,
        range_m=float(out_m[-1] - out_m[0]),
        velocity_m_s=_rate(crossed_m, rep.concentric_s),
        peak_velocity_m_s=_peak_velocity(time, displacement_m, rep.pull_start_s, rep.peak_time_s),
        work_j=_trapezoids(out_n, out_m),
        returned_j=-_trapezoids(back_n, back_m),
    )


def set_metrics(reps: Sequence[RepMetrics]) -> SetMetrics:
    """Figures of a set.

    Raises:
        DataError: there is no repetition.
    """
    if not reps:
        raise DataError(Message("a set without repetitions has no metrics"))
    full = [rep for rep in reps if not rep.partial]
    under_tension_s = sum(rep.time_under_tension_s for rep in reps)
    impulse = sum(rep.impulse_n_s for rep in reps)
    peaks = [rep.peak_n for rep in reps]
    works = [rep.work_j for rep in reps if rep.work_j is not None]
    return SetMetrics(
        reps=len(reps),
        partial=sum(rep.partial for rep in reps),
        unsure=sum(rep.unsure for rep in reps),
        peak_n=max(peaks),
        mean_peak_n=float(np.mean(peaks)),
        mean_n=impulse / under_tension_s if under_tension_s > 0.0 else max(peaks),
        impulse_n_s=impulse,
        time_under_tension_s=under_tension_s,
        duration_s=under_tension_s + sum(rep.tempo.rest_s or 0.0 for rep in reps[:-1]),
        tempo=_median_tempo(reps),
        work_j=sum(works) if len(works) == len(reps) else None,
        peak_cv=_variation([rep.peak_n for rep in full]),
        range_cv=_variation([_range(rep) for rep in full]),
        duration_cv=_variation([rep.time_under_tension_s for rep in full]),
        fatigue=_fatigue(full),
        hidden=dict(_hidden_of_set(reps)),
    )


def strongest(reps: Sequence[RepMetrics]) -> RepMetrics:
    """Return the repetition with the greatest peak: its peak, uncertainty and doubts are those of the whole.

    Every view of a set or a session takes them from here, so that all say the same.

    Args:
        reps: of a set or of a session, at least one.
    """
    return max(reps, key=lambda rep: rep.peak_n)


_RESTS_ON = {
    "tempo.concentric_s": "tempo.concentric_s",
    "tempo.hold_s": "tempo.hold_s",
    "tempo.eccentric_s": "tempo.eccentric_s",
    "tempo.rest_s": "tempo.rest_s",
    "time_under_tension_s": "time_under_tension_s",
    "duration_cv": "time_under_tension_s",
    "range_cv": "relative_range",
    "work_j": "work_j",
    "fatigue.range_lost": "relative_range",
    "fatigue.concentric_time_gained": "tempo.concentric_s",
    "fatigue.velocity_lost": "relative_velocity_per_s",
}
"""Figures of a set, and the figure of a repetition that each rests on."""


def _hidden_of_set(reps: Sequence[RepMetrics]) -> Iterator[tuple[str, str]]:
    """Figures of a set that rest on what most of its repetitions hide, with the commonest reason."""
    for name, of_rep in _RESTS_ON.items():
        reason = hidden_of_most(reps, of_rep)
        if reason is not None:
            yield name, reason


def asymmetry(left: Sequence[RepMetrics], right: Sequence[RepMetrics]) -> Asymmetry:
    """Compare the full repetitions of two half sets.

    Raises:
        DataError: a side has fewer than two full repetitions.
    """
    sides = tuple([rep for rep in side if not rep.partial] for side in (left, right))
    if min(len(side) for side in sides) < 2:
        raise DataError(Message("left and right can be compared from two full repetitions a side on"))

    in_metres = all(rep.range_m is not None for side in sides for rep in side)
    rests_on = {
        "peak": "peak_n",
        "impulse": "impulse_n_s",
        "range": "range_m" if in_metres else "relative_range",
        "time_under_tension": "time_under_tension_s",
    }
    hidden = {
        name: reason
        for name, figure in rests_on.items()
        if (reason := next(filter(None, (hidden_of_most(side, figure) for side in sides)), None)) is not None
    }

    def difference(name: str) -> Difference | None:
        if name in hidden:
            return None
        return _difference(*([float(getattr(rep, rests_on[name])) for rep in side] for side in sides))

    return Asymmetry(
        difference("peak"),
        difference("impulse"),
        difference("range"),
        difference("time_under_tension"),
        hidden,
    )


def hidden_of_most(reps: Sequence[RepMetrics], figure: str) -> str | None:
    """Give the commonest reason where a figure is hidden for most repetitions; None where it is not."""
    reasons = [rep.hidden[figure] for rep in reps if figure in rep.hidden]
    return max(reasons, key=reasons.count) if 2 * len(reasons) > len(reps) else None


def _difference(left: Sequence[float], right: Sequence[float]) -> Difference:
    middle = (float(np.mean(left)) + float(np.mean(right))) / 2.0
    if middle <= 0.0:
        return Difference(0.0, float("inf"))
    variance = sum(float(np.var(side, ddof=1)) / len(side) for side in (left, right))
    return Difference((float(np.mean(right)) - float(np.mean(left))) / middle, variance**0.5 / middle)


def _fatigue(full: Sequence[RepMetrics]) -> Fatigue | None:
    """Last two against second and third: the first repetition finds its range, later ones lose it."""
    if len(full) < FATIGUE_LEAST_REPS:
        return None
    fresh, tired = full[1:3], full[-2:]
    ratios: list[float] = []
    for of in (_range, _velocity, _pull_s):
        before = _mean(map(of, fresh))
        if not before > 0.0:
            return None
        ratios.append(_mean(map(of, tired)) / before)
    range_left, velocity_left, longer = ratios
    return Fatigue(
        range_lost=1.0 - range_left,
        concentric_time_gained=longer - 1.0,
        velocity_lost=1.0 - velocity_left,
        estimated=any(rep.range_m is None for rep in (*fresh, *tired)),
    )


def _range(rep: RepMetrics) -> float:
    return rep.relative_range if rep.range_m is None else rep.range_m


def _velocity(rep: RepMetrics) -> float:
    return rep.relative_velocity_per_s if rep.velocity_m_s is None else rep.velocity_m_s


def _pull_s(rep: RepMetrics) -> float:
    return rep.tempo.concentric_s


def _median_tempo(reps: Sequence[RepMetrics]) -> RepTempo:
    rests = [rep.tempo.rest_s for rep in reps if rep.tempo.rest_s is not None]
    return RepTempo(
        float(np.median([rep.tempo.concentric_s for rep in reps])),
        float(np.median([rep.tempo.hold_s for rep in reps])),
        float(np.median([rep.tempo.eccentric_s for rep in reps])),
        float(np.median(rests)) if rests else None,
    )


def _variation(values: Sequence[float]) -> float | None:
    """Coefficient of variation; None with fewer than three values or a mean of 0."""
    mean = float(np.mean(values)) if len(values) >= 3 else 0.0
    return float(np.std(values, ddof=1)) / mean if mean > 0.0 else None


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _stretch(tension_n: float) -> float:
    """Stretch in stretches at 1 N, from the prior for a band's curve."""
    return float(max(tension_n, 0.0) ** (1.0 / EXPONENT))


def _rate(change: float, duration_s: float) -> float:
    """Change over time; not a number where too few samples leave no time between the crossings."""
    return change / duration_s if duration_s > 0.0 else float("nan")


def _cut(time: FloatArray, values: FloatArray, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
    """Cut the trace from start to end, with interpolated samples at both."""
    inside = (time > start_s) & (time < end_s)
    at = np.concatenate(([start_s], time[inside], [end_s]))
    edges = np.interp([start_s, end_s], time, values)
    return at, np.concatenate((edges[:1], values[inside], edges[1:]))


def _lowest_s(time: FloatArray, values: FloatArray, start_s: float, end_s: float) -> float:
    """Time of the lowest value between two times, the first where several are."""
    at, cut = _cut(time, values, max(start_s, float(time[0])), min(end_s, float(time[-1])))
    return float(at[np.argmin(cut)])


def _peak_velocity(time: FloatArray, displacement_m: FloatArray, start_s: float, end_s: float) -> float:
    """Greatest mean velocity over `VELOCITY_WINDOW_S`; over the whole stretch where that is shorter."""
    window_s = min(VELOCITY_WINDOW_S, end_s - start_s)
    if window_s <= 0.0:
        return float("nan")
    starts = np.append(time[(time >= start_s) & (time <= end_s - window_s)], end_s - window_s)
    moved = np.interp(starts + window_s, time, displacement_m) - np.interp(starts, time, displacement_m)
    return float(moved.max()) / window_s


def _trapezoids(values: FloatArray, at: FloatArray) -> float:
    """Integral of `values` over `at` by the trapezoidal rule.

    Written out because `scipy.integrate` takes half a second to import.
    """
    return float((np.diff(at) * (values[1:] + values[:-1]) / 2.0).sum())
