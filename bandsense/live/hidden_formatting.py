"""Why there is a dash in place of a figure, in words: the same below every table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bandsense.language import mark, said, tr

__all__ = ["REP_FIGURES", "SET_FIGURES", "hidden_lines", "untold_phases"]

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
    return [f"–: {names}: {reason}" for names, reason in _by_reason(hidden, shown)]


def untold_phases(hidden: Iterable[Mapping[str, str]]) -> list[str]:
    """Write for each reason which phases have no colour: `grey: pull, return (needs 20 samples a second)`.

    Args:
        hidden: reasons by figure, of each repetition.
    """
    return [
        tr("grey: {phases} ({why})", phases=names, why=reason)
        for names, reason in _by_reason(hidden, _PHASES)
    ]


_PHASES = {name: label for name, label in REP_FIGURES.items() if name.startswith("tempo.")}


def _by_reason(hidden: Iterable[Mapping[str, str]], shown: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the figures that each reason hides, as words, and the reason."""
    labels: dict[str, dict[str, None]] = {}
    for each in hidden:
        for name in shown.keys() & each.keys():
            labels.setdefault(each[name], {})[shown[name]] = None
    order = list(dict.fromkeys(shown.values()))
    for reason, names in labels.items():
        yield ", ".join(tr(name) for name in order if name in names), said(reason)
