"""A few cases of each table of parameters, for daily work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["sampled"]


def sampled(names: Iterable[str], size: int) -> Iterator[str]:
    """Yield of each test at most `size` (two or more) cases, at equal distances from the first to the last.

    Args:
        names: of cases as pytest writes them, `file::test[parameters]`.
    """
    tables: dict[str, list[str]] = {}
    for name in names:
        tables.setdefault(name.partition("[")[0], []).append(name)
    for table in tables.values():
        steps = min(size, len(table)) - 1
        yield from (table[round(step * (len(table) - 1) / max(steps, 1))] for step in range(steps + 1))
