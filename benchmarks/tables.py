"""Tables of figures, for a terminal and for a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Block", "Table", "milliseconds", "number", "percent", "replace_between"]

START, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; the first column names the rows."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """In columns of equal width."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
            for row in (self.header, *self.rows)
        ]
        return "\n".join([self.title, *lines])

    def markdown(self) -> str:
        """As a table of Markdown."""
        rule = ("---", *("--:" for _ in self.header[1:]))
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines])


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that keep their columns, such as a map."""

    title: str
    lines: str

    def text(self) -> str:
        """As it is."""
        return f"{self.title}\n{self.lines}"

    def markdown(self) -> str:
        """As a block of code."""
        return f"**{self.title}**\n\n```text\n{self.lines}\n```"


def milliseconds(value_s: float) -> str:
    """Seconds as whole milliseconds; a dash where there is no value."""
    return "–" if np.isnan(value_s) else f"{1000 * value_s:.0f}"


def percent(share: float, digits: int = 1) -> str:
    """A share in percent; a dash where there is no value."""
    return "–" if np.isnan(share) else f"{100 * share:.{digits}f}"


def number(value: float, digits: int = 3) -> str:
    """A number; a dash where there is no value."""
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def replace_between(page: Path, parts: Sequence[str]) -> None:
    """Put parts between the page's two marks for figures, each after an empty line.

    Raises:
        ValueError: the page does not have both marks.
    """
    before, mark, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{page} has no place for figures: write {START} and {END} there")
    page.write_text("\n\n".join([before + START, *parts, END + after]), encoding="utf-8")
