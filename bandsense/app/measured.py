"""Stored figures, each beside its standard uncertainty and its unit, for readers that see nothing else.

A figure of a set is made of those of its repetitions. Most of their errors are common to all of them (the
span of the calibration, the zero), so the uncertainty of a sum is taken to be the sum of the uncertainties,
and that of a mean their mean: an upper bound. What is not to be shown is told with the reason in place of a
number (`signal.metric_contract`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["measured", "measured_rep", "measured_set"]

_UNITS = (
    ("_n_per_s", "N/s"),
    ("_n_s", "N·s"),
    ("_m_s", "m/s"),
    ("_per_s", "1/s"),
    ("_j", "J"),
    ("_m", "m"),
    ("_n", "N"),
    ("_s", "s"),
)
_OF_SET = ("time_under_tension_s", "impulse_n_s", "work_j")
"""Figures of a set that are sums over its repetitions."""


def measured(name: str, value: float | None, uncertainty: float | None) -> dict[str, Any]:
    """Return a figure beside its standard uncertainty; None where that, or the figure, is not known."""
    unit = next((unit for ending, unit in _UNITS if name.endswith(ending)), "1")
    return {"value": value, "standard_uncertainty": uncertainty, "unit": unit}


def measured_rep(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a repetition, by name, of what is stored as `RepMetrics`."""
    hidden, uncertainty = figures.get("hidden") or {}, figures.get("uncertainty") or {}
    found: dict[str, Any] = {}
    for name in [*uncertainty, *(each for each in hidden if each not in uncertainty)]:
        if name in hidden:
            found[name] = {"value": None, "hidden": hidden[name]}
        elif (value := _at(figures, name)) is not None:
            found[name] = measured(name, value, uncertainty[name])
    # The peak has that of the calibration and the zero as well.
    if figures.get("peak_n") is not None and "peak_n" not in hidden:
        found["peak_n"] = measured("peak_n", figures["peak_n"], figures.get("peak_uncertainty_n"))
    return found


def measured_set(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a set, by name, of what is stored as `SetResult`."""
    reps = [measured_rep(figures) for figures in data.get("rep_metrics") or ()]
    hidden = (data.get("metrics") or {}).get("hidden") or {}
    found: dict[str, Any] = {}
    peaks = [rep["peak_n"] for rep in reps if rep.get("peak_n", {}).get("value") is not None]
    if peaks:
        found["peak_n"] = max(peaks, key=lambda peak: peak["value"])
        found["mean_peak_n"] = measured("mean_peak_n", *_sums(peaks, 1.0 / len(peaks)))
    for name in _OF_SET:
        each = [rep[name] for rep in reps if rep.get(name, {}).get("value") is not None]
        if name in hidden:
            found[name] = {"value": None, "hidden": hidden[name]}
        elif each and len(each) == len(reps):
            found[name] = measured(name, *_sums(each, 1.0))
    return found


def _at(figures: Mapping[str, Any], path: str) -> float | None:
    value: Any = figures
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value if isinstance(value, int | float) else None


def _sums(figures: Sequence[Mapping[str, Any]], share: float) -> tuple[float, float | None]:
    """Add up figures and their uncertainties, times a share; the latter is None where one is not known."""
    uncertainties = [figure["standard_uncertainty"] for figure in figures]
    known = all(each is not None for each in uncertainties)
    value = share * sum(figure["value"] for figure in figures)
    return value, share * sum(uncertainties) if known else None
