"""Why there is a dash in place of a figure, in words: the same below every table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bandsense.language import mark, said, tr
from bandsense.signal.metrics import RepMetrics

__all__ = ["REP_FIGURES", "SET_FIGURES", "hidden_lines", "hidden_of_most"]

REP_FIGURES: Mapping[str, str] = {
    "tempo.concentric_s": mark("pull"),
    "tempo.hold_s": mark("hold"),
    "tempo.eccentric_s": mark("return"),
    "peak_n": mark("peak"),
    "relative_range": mark("range"),
}
"""Figures that every table of repetitions has, by what it calls them."""

SET_FIGURES: Mapping[str, str] = {
    "peak_n": mark("peak"),
    "tempo.concentric_s": mark("tempo"),
    "tempo.eccentric_s": mark("tempo"),
    "time_under_tension_s": mark("time under tension"),
}
"""The same for tables of sets."""


def hidden_lines(hidden: Iterable[Mapping[str, str]], shown: Mapping[str, str]) -> list[str]:
    """Write a line for each reason: `–: pull, return: needs 20 samples a second`.

    Args:
        hidden: reasons by figure, of each row of a table.
        shown: the figures that the table has, by what it calls them.
    """
    labels: dict[str, dict[str, None]] = {}
    for each in hidden:
        for name in shown.keys() & each.keys():
            labels.setdefault(each[name], {})[shown[name]] = None
    order = list(dict.fromkeys(shown.values()))
    return [
        f"–: {', '.join(tr(name) for name in order if name in names)}: {said(reason)}"
        for reason, names in labels.items()
    ]


def hidden_of_most(figures: Sequence[RepMetrics], name: str) -> str | None:
    """Give the commonest reason where a figure is hidden for most repetitions; None where it is not."""
    reasons = [each.hidden[name] for each in figures if name in each.hidden]
    return max(reasons, key=reasons.count) if 2 * len(reasons) > len(figures) else None
