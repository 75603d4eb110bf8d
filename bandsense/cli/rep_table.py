"""Repetitions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bandsense.cli.tables import table
from bandsense.signal.events import Rep
from bandsense.signal.metrics import RepMetrics

__all__ = ["rep_table"]

_HEAD = ("rep", "start s", "pull s", "hold s", "return s", "peak N", "mean N", "impulse N s", "range")
_BY_BAND = ("way m", "pull m/s", "work J")


def rep_table(reps: Sequence[Rep], figures: Sequence[RepMetrics], began_s: float = 0.0) -> str:
    """One line per repetition, starts counted from `began_s`; peaks with their standard uncertainty, the way
    where a band model tells it.
    """
    by_band = all(each.range_m is not None for each in figures)
    head = (*_HEAD, *(_BY_BAND if by_band else ()), "")
    pairs = enumerate(zip(reps, figures, strict=True), 1)
    return table(
        head, [(*_row(n, *pair, began_s), *_way(pair[1]), ", ".join(_marks(pair[0]))) for n, pair in pairs]
    )


def _way(figures: RepMetrics) -> tuple[str, ...]:
    if figures.range_m is None or figures.velocity_m_s is None or figures.work_j is None:
        return ()
    return f"{figures.range_m:.2f}", f"{figures.velocity_m_s:.2f}", f"{figures.work_j:.0f}"


def _row(number: int, rep: Rep, figures: RepMetrics, began_s: float) -> tuple[str, ...]:
    return (
        str(number),
        f"{rep.pull_start_s - began_s:.2f}",
        f"{rep.concentric_s:.2f}",
        f"{rep.hold_s:.2f}",
        f"{rep.eccentric_s:.2f}",
        f"{rep.peak_n:.1f} ± {figures.peak_uncertainty_n or 0.0:.1f}",
        f"{figures.mean_n:.1f}",
        f"{figures.impulse_n_s:.0f}",
        f"{rep.range_fraction:.0%}",
    )


def _marks(rep: Rep) -> Iterator[str]:
    if rep.partial:
        yield "partial"
    if rep.gap:
        yield "samples missing"
    if rep.saturated:
        yield "sensor at its limit"
    if rep.band_lost:
        yield "band lost"
