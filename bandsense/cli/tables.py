"""Tables of plain text: the same on a terminal, in a file and in a mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["local_time", "table"]


_NUMBER = re.compile(r"-?\d+([.,]\d+)?( ± \d+([.,]\d+)?)?( ?%)?|–")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their longest entry; numbers to the right, words to the left."""
    texts = [[str(cell) for cell in row] for row in rows]
    columns = list(zip(head, *texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(column[1:]) and all(map(_is_number, column[1:])) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [list(head), *texts]
    ]
    return "\n".join(lines)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))


def local_time(unix_s: float) -> str:
    """Format a time as a person's clock shows it."""
    from datetime import datetime

    return datetime.fromtimestamp(unix_s).astimezone().strftime("%Y-%m-%d %H:%M")
