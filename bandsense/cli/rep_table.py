"""Repetitions as a table."""

from __future__ import annotations

from collections.abc import Sequence

from bandsense.cli.tables import table
from bandsense.signal.events import Rep

__all__ = ["rep_table"]

_HEAD = ("rep", "start s", "pull s", "hold s", "return s", "peak N", "range", "")


def rep_table(reps: Sequence[Rep], peak_u_n: Sequence[float]) -> str:
    """One line per repetition; peaks with their standard uncertainty."""
    return table(
        _HEAD, [_row(n, rep, u_n) for n, (rep, u_n) in enumerate(zip(reps, peak_u_n, strict=True), 1)]
    )


def _row(number: int, rep: Rep, peak_u_n: float) -> tuple[str, ...]:
    marks = [
        mark
        for mark, holds in (
            ("partial", rep.partial),
            ("samples missing", rep.gap),
            ("sensor at its limit", rep.saturated),
            ("band lost", rep.band_lost),
        )
        if holds
    ]
    return (
        str(number),
        f"{rep.pull_start:.2f}",
        f"{rep.pull_s:.2f}",
        f"{rep.hold_s:.2f}",
        f"{rep.return_s:.2f}",
        f"{rep.peak_tension:.1f} ± {peak_u_n:.1f}",
        f"{rep.range_fraction:.0%}",
        ", ".join(marks),
    )
