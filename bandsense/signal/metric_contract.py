"""What a sensor can honestly tell of a repetition: how sure each figure is, and which are not worth showing.

All that is said rests on the rate 1/h of the samples, their noise σ, the calibration, and how quick the
movement was. With a rise R that takes the time d from a tenth to nine tenths:

* a level crossing, interpolated between samples, is off by noise over slope, `CROSSING_NOISE`·σ·d/(0.8·R),
  and by what a straight line misses of a bent one, h·min(`CROSSING_MOST`, `CROSSING_BEND`·h/d); these two
  factors are measured on movements of known shape (tests/signal/test_metric_contract.py holds them);
* a peak is off by what hides between samples (see `peaks`) and by noise;
* the span of the calibration is common to all tensions and so to their differences, its zero is not.

Each figure has a limit beyond which it misleads more than it tells. Above it the figure is hidden with the
reason: the least usual rate that would show it, or that the tension is too near to the noise, or that the
calibration is too coarse. The limits are choices, all in one table, and hold for every view and export
alike, because the figures carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot, isfinite, sqrt
from typing import Final

from bandsense.language import Message
from bandsense.signal.boundaries import FLANK
from bandsense.signal.events import Rep
from bandsense.signal.peaks import FORM, HIDDEN, HIDDEN_FAR

__all__ = [
    "FIGURES",
    "Conditions",
    "Figure",
    "crossing_uncertainty_s",
    "judge",
    "phases_forgotten",
    "phases_hidden",
    "timing_reason",
]

CROSSING_NOISE: Final = 3.0
CROSSING_BEND: Final = 0.6
CROSSING_MOST: Final = 0.4

USUAL_RATES_HZ: Final = (10, 20, 40, 80, 160, 320)

EXPONENT: Final = 0.62
"""p of tension ∝ elongation^p where no band model is given; published tables lie within 0.48 … 0.73. A
relative error of tension is so many times that of elongation."""

VELOCITY_WINDOW_S: Final = 0.1
WINDOW_BEND: Final = 0.6
"""A peak velocity is a mean over this long: at 80 samples a second nothing shorter means much. How much a
rate of 1/h blurs it grows as (h/window)²."""

LATEST_LAG_S: Final = 0.05
"""A difference in timing between the sides that is less sure than this says nothing about coordination."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the figures of a repetition rest on.

    Attributes:
        rate_hz: samples a second.
        noise_n: standard uncertainty of a sample, newtons, from noise and resolution.
        span_uncertainty: relative standard uncertainty of all differences of tension.
        level_uncertainty_n: standard uncertainty of a tension near the peak, newtons; all but the sampling.
        mean_uncertainty_n: the same of the mean tension.
        supposed: they are others than those under which the repetition was measured.
    """

    rate_hz: float
    noise_n: float = 0.0
    span_uncertainty: float = 0.0
    level_uncertainty_n: float = 0.0
    mean_uncertainty_n: float = 0.0
    supposed: bool = False

    @property
    def interval_s(self) -> float:
        """Between two samples."""
        return 1.0 / self.rate_hz


def crossing_uncertainty_s(rise_n: float, flank_s: float, conditions: Conditions) -> float:
    """Return the standard uncertainty of when tension crosses a tenth or nine tenths of a rise.

    Args:
        rise_n: from valley to peak, newtons.
        flank_s: from the one crossing to the other, seconds.
        conditions: rate and noise.
    """
    interval_s = conditions.interval_s
    flank_s = max(flank_s, 0.25 * interval_s)
    bend_s = interval_s * min(CROSSING_MOST, CROSSING_BEND * interval_s / flank_s)
    return hypot(bend_s, CROSSING_NOISE * conditions.noise_n * flank_s / max(FLANK * rise_n, 1e-9))


def _peak_n(rep: Rep, conditions: Conditions) -> float:
    """Return the standard uncertainty of the peak: as measured, else as the shape lets expect."""
    if not conditions.supposed and isfinite(rep.peak_uncertainty_n):
        return rep.peak_uncertainty_n
    rise_n = rep.peak_n - min(rep.start_n, rep.end_n)
    quickest_s = max(min(rep.concentric_s, rep.eccentric_s), 0.25 * conditions.interval_s)
    # A top on a plateau has many samples; another lies half a sample from its neighbours.
    held = rep.hold_s > conditions.interval_s + quickest_s
    beside = 0.0 if held else min(0.6, (conditions.interval_s / quickest_s) ** 2)
    hidden_n = HIDDEN * beside * (1.0 + HIDDEN_FAR * beside) * rise_n
    return hypot(hidden_n, FORM * rise_n, 0.5 * conditions.noise_n)


def _concentric_s(rep: Rep, conditions: Conditions) -> float:
    return sqrt(2.0) * crossing_uncertainty_s(rep.peak_n - rep.start_n, rep.concentric_s, conditions)


def _eccentric_s(rep: Rep, conditions: Conditions) -> float:
    return sqrt(2.0) * crossing_uncertainty_s(rep.peak_n - rep.end_n, rep.eccentric_s, conditions)


def _both_s(rep: Rep, conditions: Conditions) -> float:
    return hypot(_concentric_s(rep, conditions), _eccentric_s(rep, conditions)) / sqrt(2.0)


def _share(uncertainty: float, of: float) -> float:
    return uncertainty / abs(of) if of else float("inf")


# Relative ones, each of what it is named after.


def _pull(rep: Rep, conditions: Conditions) -> float:
    return _share(_concentric_s(rep, conditions), rep.concentric_s)


def _return(rep: Rep, conditions: Conditions) -> float:
    return _share(_eccentric_s(rep, conditions), rep.eccentric_s)


def _loading(rep: Rep, conditions: Conditions) -> float:
    rise = _share(_peak_n(rep, conditions), rep.peak_n - rep.start_n)
    return hypot(_pull(rep, conditions), rise, conditions.span_uncertainty)


def _unloading(rep: Rep, conditions: Conditions) -> float:
    fall = _share(_peak_n(rep, conditions), rep.peak_n - rep.end_n)
    return hypot(_return(rep, conditions), fall, conditions.span_uncertainty)


def _mean(rep: Rep, conditions: Conditions) -> float:
    # A repetition's mean tension is about this part of its peak.
    return _share(conditions.mean_uncertainty_n, 0.6 * rep.peak_n)


def _range(rep: Rep, conditions: Conditions) -> float:
    # Elongation is tension to the power 1/p, of which the span is a common factor.
    return _share(_peak_n(rep, conditions), rep.peak_n - rep.start_n) / EXPONENT


def _velocity(rep: Rep, conditions: Conditions) -> float:
    return hypot(_range(rep, conditions), _pull(rep, conditions))


def _peak_velocity(rep: Rep, conditions: Conditions) -> float:
    rise_n = rep.peak_n - rep.start_n
    seen_n = rise_n * min(1.0, VELOCITY_WINDOW_S / max(rep.concentric_s, 1e-9))
    noise = _share(sqrt(2.0) * conditions.noise_n, EXPONENT * seen_n)
    return hypot(noise, WINDOW_BEND * (conditions.interval_s / VELOCITY_WINDOW_S) ** 2)


def _work(rep: Rep, conditions: Conditions) -> float:
    return hypot(_range(rep, conditions), conditions.span_uncertainty)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a repetition, and what it needs.

    Attributes:
        name: as in `RepMetrics`; a phase is `tempo.concentric_s`.
        label: for people.
        uncertainty: standard uncertainty, relative where `relative`, else in the figure's unit.
        relative: whether that is a share of the figure.
        limit: above this it is hidden.
    """

    name: str
    label: str
    uncertainty: Callable[[Rep, Conditions], float]
    limit: float
    relative: bool = True


FIGURES: tuple[Figure, ...] = (
    Figure("peak_n", "peak", lambda r, c: _share(hypot(_peak_n(r, c), c.level_uncertainty_n), r.peak_n), 0.2),
    Figure("mean_n", "mean", _mean, 0.2),
    Figure("impulse_n_s", "impulse", _mean, 0.2),
    Figure(
        "time_under_tension_s", "time under tension", lambda r, c: _share(_both_s(r, c), r.duration_s), 0.10
    ),
    Figure("tempo.concentric_s", "pull", _pull, 0.20),
    Figure("tempo.hold_s", "hold", _both_s, 0.10, relative=False),
    Figure("tempo.eccentric_s", "return", _return, 0.20),
    Figure("tempo.rest_s", "rest", _both_s, 0.10, relative=False),
    Figure("loading_n_per_s", "loading rate", _loading, 0.20),
    Figure("unloading_n_per_s", "unloading rate", _unloading, 0.20),
    Figure("relative_range", "range", _range, 0.15),
    Figure("relative_velocity_per_s", "velocity", _velocity, 0.20),
    Figure("range_m", "distance", _range, 0.15),
    Figure("velocity_m_s", "velocity", _velocity, 0.20),
    Figure("peak_velocity_m_s", "peak velocity", _peak_velocity, 0.10),
    Figure("work_j", "work", _work, 0.20),
    Figure("returned_j", "returned work", _work, 0.20),
)
"""Every figure with its limit. Half of the smallest change that coaching acts on, or what a person would
notice: a fifth of a phase, a tenth of a second, a tenth of the time under tension."""


_PHASES = {
    each.name.removeprefix("tempo."): each
    for each in FIGURES
    if each.name.startswith("tempo.") and each.name != "tempo.rest_s"
}


def judge(
    rep: Rep, values: Mapping[str, float | None], conditions: Conditions
) -> tuple[dict[str, float], dict[str, str]]:
    """Say how sure each figure of a repetition is, and why some are not to be shown.

    Args:
        rep: the repetition.
        values: its figures by name; None or no number where there is none.
        conditions: what they rest on.

    Returns:
        Standard uncertainty of each figure, in its unit; and for those to hide, the reason.
    """
    uncertainty: dict[str, float] = {}
    hidden: dict[str, str] = {}
    for figure in FIGURES:
        value = values.get(figure.name)
        if value is None:
            continue
        found = figure.uncertainty(rep, conditions)
        if not isfinite(value) or not found <= figure.limit:
            hidden[figure.name] = _reason(figure, rep, conditions)
        if isfinite(found) and isfinite(value):
            uncertainty[figure.name] = found * abs(value) if figure.relative else found
    return uncertainty, hidden


def phases_hidden(rep: Rep, conditions: Conditions) -> dict[str, str]:
    """Say which phases of a repetition are not worth showing, and why, by their names in `Rep`."""
    hidden: dict[str, str] = {}
    for phase, figure in _PHASES.items():
        if getattr(rep, phase) > 0.0 and not figure.uncertainty(rep, conditions) <= figure.limit:
            hidden[phase] = _reason(figure, rep, conditions)
    return hidden


def phases_forgotten() -> dict[str, str]:
    """Say why no phase is shown of a repetition that was told after its samples had to go."""
    return dict.fromkeys(_PHASES, Message("told too late: its samples were no longer at hand"))


def timing_reason(uncertainty_s: float, rate_hz: float) -> str | None:
    """Say why a difference in timing between the sides is not to be shown; None where it may be.

    Args:
        uncertainty_s: its standard uncertainty, from both sides and their clocks.
        rate_hz: of the slower side.
    """
    if uncertainty_s <= LATEST_LAG_S:
        return None
    if rate_hz < 40.0:
        enough_hz = next(rate for rate in USUAL_RATES_HZ if rate > rate_hz)
        return Message("needs {rate} samples a second", rate=enough_hz)
    return Message("the clocks of the sensors differ by too much")


def _reason(figure: Figure, rep: Rep, conditions: Conditions) -> str:
    for rate_hz in USUAL_RATES_HZ:
        quicker = replace(conditions, rate_hz=float(rate_hz), supposed=True)
        if rate_hz > conditions.rate_hz and figure.uncertainty(rep, quicker) <= figure.limit:
            return Message("needs {rate} samples a second", rate=rate_hz)
    quiet = replace(conditions, noise_n=0.0, rate_hz=float(USUAL_RATES_HZ[-1]), supposed=True)
    if figure.uncertainty(rep, quiet) <= figure.limit:
        return Message("the tension is too near to the sensor's noise")
    calibrated = replace(quiet, span_uncertainty=0.0, level_uncertainty_n=0.0, mean_uncertainty_n=0.0)
    if figure.uncertainty(rep, calibrated) <= figure.limit:
        return Message("needs a calibrated sensor whose zero was set")
    return Message("too quick, or too little tension, to tell")
