"""The formats that there are, and writing in them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bandsense.errors import DataError
from bandsense.export.table import SessionTable
from bandsense.files import private_folder
from bandsense.language import Message

__all__ = ["FORMATS", "write", "write_all"]

FORMATS = {
    "csv": ("csv", "write_csv"),
    "csv-reps": ("csv", "write_rep_csv"),
    "csv-sets": ("csv", "write_set_csv"),
    "json": ("json", "write_json"),
    "parquet": ("parquet", "write_parquet"),
    "fit": ("fit", "write_fit"),
    "strong": ("training_logs", "write_strong"),
    "hevy": ("training_logs", "write_hevy"),
    "tindeq": ("training_logs", "write_tindeq"),
    "fhir": ("clinical", "write_fhir"),
    "ieee1752": ("clinical", "write_ieee1752"),
    "bids": ("bids", "write_bids"),
}
"""Each format's module of this room, which is imported when it is needed, and its writer."""

_TOGETHER = ("strong", "hevy", "bids")
"""Formats in which all sessions make one file, or one data set."""


def write(table: SessionTable, format_name: str, folder: Path) -> list[Path]:
    """Write a session; see `write_all`."""
    return write_all([table], format_name, folder)


def write_all(tables: Sequence[SessionTable], format_name: str, folder: Path) -> list[Path]:
    """Write sessions in one of `FORMATS` into a folder, made if needed; gives the files written.

    Raises:
        DataError: the folder or a file cannot be written.
        MissingExtra: the format needs a part that is not installed.
    """
    module, name = FORMATS[format_name]
    writer: Callable[[Any, Path], list[Path]] = getattr(
        importlib.import_module(f"bandsense.export.{module}"), name
    )
    try:
        private_folder(folder)
        if format_name in _TOGETHER:
            return writer(tables, folder)
        return [path for table in tables for path in writer(table, folder)]
    except OSError as error:
        raise DataError(
            Message("{folder} cannot be written: {error}; choose another folder", folder=folder, error=error)
        ) from error
