"""Repetitions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bandsense.cli.tables import table
from bandsense.language import mark, number, tr, trn
from bandsense.live.hidden_formatting import REP_FIGURES, hidden_lines
from bandsense.live.units import force_figure, force_pair, shown_unit
from bandsense.signal.events import Rep
from bandsense.signal.metrics import RepMetrics
from bandsense.workout.tempo import hand_tempo

__all__ = ["rep_table"]

_SHOWN = {
    **REP_FIGURES,
    "mean_n": mark("mean"),
    "impulse_n_s": mark("impulse"),
    "range_m": mark("distance"),
    "velocity_m_s": mark("pull velocity"),
    "work_j": mark("work"),
}
"""Figures that the table has, by what it calls them."""


def rep_table(reps: Sequence[Rep], figures: Sequence[RepMetrics], began_s: float = 0.0) -> str:
    """Lay out one line per repetition, starts counted from `began_s`.

    Peaks have their standard uncertainty; the hand's way is there where a band model gives it. What a sensor
    cannot tell well enough is a dash, with the reason below.
    """
    by_band = all(each.range_m is not None for each in figures)
    unit = shown_unit().value
    forces = (f"{tr('peak')} {unit}", f"{tr('mean')} {unit}", f"{tr('impulse')} {unit} s")
    of_band = (f"{tr('distance')} m", f"{tr('pull')} m/s", f"{tr('work')} J")
    head = (
        trn("rep", "reps", 1),
        *(f"{name} s" for name in (tr("start"), tr("pull"), tr("hold"), tr("return"))),
        *forces,
        tr("range"),
        *(of_band if by_band else ()),
        "",
    )
    pairs = enumerate(zip(reps, figures, strict=True), 1)
    rows = [(*_row(n, *pair, began_s), *_way(pair[1]), ", ".join(_marks(pair[0]))) for n, pair in pairs]
    return "\n".join((table(head, rows), *hidden_lines((each.hidden for each in figures), _SHOWN)))


def _figure(figures: RepMetrics, name: str, digits: int) -> str:
    value = figures.shown(name)
    return "–" if value is None else number(value, f".{digits}f")


def _force(figures: RepMetrics, name: str, digits: int) -> str:
    value = figures.shown(name)
    return "–" if value is None else force_figure(value, digits)


def _hand(rep: Rep, figures: RepMetrics) -> Iterator[str]:
    """Give the phases of the hand, about; a dash where those of the tension are hidden."""
    hand = hand_tempo(rep)
    for name in ("concentric_s", "hold_s", "eccentric_s"):
        hidden = figures.shown(f"tempo.{name}") is None
        yield "–" if hidden else number(getattr(hand, name), ".1f")


def _way(figures: RepMetrics) -> tuple[str, ...]:
    if figures.range_m is None or figures.velocity_m_s is None or figures.work_j is None:
        return ()
    return _figure(figures, "range_m", 2), _figure(figures, "velocity_m_s", 2), _figure(figures, "work_j", 0)


def _row(index: int, rep: Rep, figures: RepMetrics, began_s: float) -> tuple[str, ...]:
    return (
        str(index),
        number(rep.pull_start_s - began_s, ".2f"),
        *_hand(rep, figures),
        "–" if figures.shown("peak_n") is None else force_pair(rep.peak_n, figures.peak_uncertainty_n or 0.0),
        _force(figures, "mean_n", 1),
        _force(figures, "impulse_n_s", 0),
        "–" if figures.shown("relative_range") is None else number(rep.range_fraction, ".0%"),
    )


def _marks(rep: Rep) -> Iterator[str]:
    if rep.doubtful:
        yield tr("○ {share} sure", share=number(rep.probability, ".0%"))
    if rep.unsure or rep.partial:
        yield tr("full or partial, unsure") if rep.unsure else tr("partial")
    if rep.gap:
        yield tr("samples missing")
    if rep.saturated:
        yield tr("sensor at its limit")
    if rep.band_lost:
        yield tr("band lost")
