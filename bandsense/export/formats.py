"""The formats that there are, and writing in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bandsense.errors import DataError
from bandsense.export.csv import write_csv
from bandsense.export.json import write_json
from bandsense.export.table import SessionTable

__all__ = ["FORMATS", "write"]


def write(table: SessionTable, format_name: str, folder: Path) -> list[Path]:
    """Write a session in one of `FORMATS` into a folder, made if needed; gives the files written.

    Raises:
        DataError: the folder or a file cannot be written.
        MissingExtra: the format needs a part that is not installed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FORMATS[format_name](table, folder)
    except OSError as error:
        raise DataError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _write_parquet(table: SessionTable, folder: Path) -> list[Path]:
    from bandsense.export.parquet import write_parquet

    return write_parquet(table, folder)


def _write_fit(table: SessionTable, folder: Path) -> list[Path]:
    from bandsense.export.fit import write_fit

    return write_fit(table, folder)


FORMATS: dict[str, Callable[[SessionTable, Path], list[Path]]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": _write_parquet,
    "fit": _write_fit,
}
"""Name and writer of each format."""
