"""An archive of sessions as Parquet files, and what an analysis of it gives: a row a set, in part files.

A part takes its name from what it is made of and appears whole. Reading the keys of the parts that are there
tells what is left to do, so that a run can be cut short and gone on with, and a second one adds nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bandsense.errors import DataError, MissingExtra
from bandsense.export.rows import SET_COLUMNS
from bandsense.export.table import Column
from bandsense.files import atomic_write, private_folder
from bandsense.language import Message

__all__ = ["ANALYSED_COLUMNS", "archived_files", "known_keys", "write_part"]

ANALYSED_COLUMNS = (
    Column("file", "string", "File of the archive, as it is called below its folder"),
    Column("key", "string", "Checksum of file, settings and software: equal keys, equal results"),
    Column("software", "string", "Name and version of what computed it"),
    Column("problem", "string", "Why the file could not be computed; empty where it was"),
    *SET_COLUMNS,
    Column("result", "string", "The set as JSON (`SetResult`)"),
)


def archived_files(folder: Path) -> Iterator[Path]:
    """Yield the Parquet files of a folder and all below it, in the order of their names.

    Raises:
        DataError: it is no folder.
    """
    if not folder.is_dir():
        raise DataError(
            Message(
                "{folder} is not a folder; name the one that `bandsense export --format parquet` wrote to",
                folder=folder,
            )
        )
    yield from sorted(folder.rglob("*.parquet"))


def known_keys(folder: Path) -> set[str]:
    """Return the keys of all that is in the parts of a folder."""
    _, pq = _arrow()
    keys: set[str] = set()
    for part in sorted(folder.glob("part-*.parquet")):
        keys |= set(pq.read_table(part, columns=["key"])["key"].to_pylist())
    return keys


def write_part(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows of `ANALYSED_COLUMNS` as one part.

    Raises:
        DataError: it cannot be written.
    """
    pa, pq = _arrow()
    types = {"double": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    fields = [(each.name, types.get(each.datatype, pa.string())) for each in ANALYSED_COLUMNS]
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(fields))
    meanings = {each.name: [each.unit, each.description] for each in ANALYSED_COLUMNS}
    path = folder / f"part-{_digest(str(row['key']) for row in rows)}.parquet"
    try:
        private_folder(folder)
        with atomic_write(path) as part:
            pq.write_table(table.replace_schema_metadata({"bandsense": json.dumps(meanings)}), part)
    except OSError as error:
        raise DataError(
            Message(
                "{path} cannot be written: {error}; what was written before is kept", path=path, error=error
            )
        ) from error
    return path


def _digest(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(keys))).encode()).hexdigest()[:20]


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(Message("Parquet"), "parquet") from error
    return pa, pq
