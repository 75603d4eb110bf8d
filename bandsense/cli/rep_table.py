"""Repetitions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bandsense.cli.tables import table
from bandsense.live.units import force_figure, shown_unit
from bandsense.signal.events import Rep
from bandsense.signal.metrics import RepMetrics
from bandsense.workout.tempo import hand_tempo

__all__ = ["rep_table"]

_SHOWN = {
    "tempo.concentric_s": "pull",
    "tempo.hold_s": "hold",
    "tempo.eccentric_s": "return",
    "peak_n": "peak",
    "mean_n": "mean",
    "impulse_n_s": "impulse",
    "range_m": "way",
    "velocity_m_s": "pull velocity",
    "work_j": "work",
}
"""Figures that the table has, by what it calls them."""
_BY_BAND = ("way m", "pull m/s", "work J")


def rep_table(reps: Sequence[Rep], figures: Sequence[RepMetrics], began_s: float = 0.0) -> str:
    """Lay out one line per repetition, starts counted from `began_s`.

    Peaks have their standard uncertainty; the hand's way is there where a band model gives it. What a sensor
    cannot tell well enough is a dash, with the reason below.
    """
    by_band = all(each.range_m is not None for each in figures)
    unit = shown_unit().value
    forces = (f"peak {unit}", f"mean {unit}", f"impulse {unit} s")
    head = (
        "rep",
        "start s",
        "pull s",
        "hold s",
        "return s",
        *forces,
        "range",
        *(_BY_BAND if by_band else ()),
        "",
    )
    pairs = enumerate(zip(reps, figures, strict=True), 1)
    rows = [(*_row(n, *pair, began_s), *_way(pair[1]), ", ".join(_marks(pair[0]))) for n, pair in pairs]
    return "\n".join((table(head, rows), *_reasons(figures)))


def _reasons(figures: Sequence[RepMetrics]) -> Iterator[str]:
    """Why there are dashes, a line for each reason."""
    labels: dict[str, dict[str, None]] = {}
    for each in figures:
        for name, reason in each.hidden.items():
            if name in _SHOWN:
                labels.setdefault(reason, {})[_SHOWN[name]] = None
    for reason, names in labels.items():
        yield f"–: {', '.join(names)}: {reason}"


def _figure(figures: RepMetrics, name: str, digits: int) -> str:
    value = figures.shown(name)
    return "–" if value is None else f"{value:.{digits}f}"


def _force(figures: RepMetrics, name: str, digits: int) -> str:
    value = figures.shown(name)
    return "–" if value is None else force_figure(value, digits)


def _hand(rep: Rep, figures: RepMetrics) -> Iterator[str]:
    """Give the phases of the hand, about; a dash where those of the tension are hidden."""
    hand = hand_tempo(rep)
    for name in ("concentric_s", "hold_s", "eccentric_s"):
        hidden = figures.shown(f"tempo.{name}") is None
        yield "–" if hidden else f"{getattr(hand, name):.1f}"


def _way(figures: RepMetrics) -> tuple[str, ...]:
    if figures.range_m is None or figures.velocity_m_s is None or figures.work_j is None:
        return ()
    return _figure(figures, "range_m", 2), _figure(figures, "velocity_m_s", 2), _figure(figures, "work_j", 0)


def _row(number: int, rep: Rep, figures: RepMetrics, began_s: float) -> tuple[str, ...]:
    return (
        str(number),
        f"{rep.pull_start_s - began_s:.2f}",
        *_hand(rep, figures),
        "–"
        if figures.shown("peak_n") is None
        else f"{force_figure(rep.peak_n, 1)} ± {force_figure(figures.peak_uncertainty_n or 0.0, 1)}",
        _force(figures, "mean_n", 1),
        _force(figures, "impulse_n_s", 0),
        f"{rep.range_fraction:.0%}",
    )


def _marks(rep: Rep) -> Iterator[str]:
    if rep.doubtful:
        yield f"○ {rep.probability:.0%} sure"
    if rep.unsure or rep.partial:
        yield "full or partial, unsure" if rep.unsure else "partial"
    if rep.gap:
        yield "samples missing"
    if rep.saturated:
        yield "sensor at its limit"
    if rep.band_lost:
        yield "band lost"
