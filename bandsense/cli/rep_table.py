"""Repetitions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bandsense.cli.tables import table
from bandsense.signal.events import Rep
from bandsense.signal.metrics import RepMetrics

__all__ = ["rep_table"]

_HEAD = ("rep", "start s", "pull s", "hold s", "return s", "peak N", "mean N", "impulse N s", "range", "")


def rep_table(reps: Sequence[Rep], figures: Sequence[RepMetrics]) -> str:
    """One line per repetition; peaks with their standard uncertainty."""
    return table(_HEAD, [_row(n, *pair) for n, pair in enumerate(zip(reps, figures, strict=True), 1)])


def _row(number: int, rep: Rep, figures: RepMetrics) -> tuple[str, ...]:
    return (
        str(number),
        f"{rep.pull_start:.2f}",
        f"{rep.pull_s:.2f}",
        f"{rep.hold_s:.2f}",
        f"{rep.return_s:.2f}",
        f"{rep.peak_tension:.1f} ± {figures.peak_u_n or 0.0:.1f}",
        f"{figures.mean_n:.1f}",
        f"{figures.impulse_n_s:.0f}",
        f"{rep.range_fraction:.0%}",
        ", ".join(_marks(rep)),
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
