"""Sessions as Parquet: the columns of the CSV in their own types, its description in the file's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bandsense.errors import MissingExtra
from bandsense.export.table import Column, SessionTable, StreamTable, session_json, stream_json
from bandsense.files import atomic_write
from bandsense.language import Message

__all__ = ["write_parquet"]


def write_parquet(table: SessionTable, folder: Path) -> list[Path]:
    """Write one file per sensor.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(Message("Parquet"), "parquet") from error
    types = {"double": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "string": pa.string()}
    written = []
    for stream in table.streams:
        notes = session_json(table.session) | stream_json(stream.stream)
        notes |= {"sets": stream.sets, "inputs": stream.inputs}
        columns = {c.name: pa.array(_values(stream, c), types[c.datatype]) for c in stream.columns}
        path = folder / f"{table.stem(stream)}.parquet"
        with atomic_write(path) as part:
            described = pa.table(columns).replace_schema_metadata({"bandsense": json.dumps(notes)})
            pq.write_table(described, part)
        written.append(path)
    return written


def _values(stream: StreamTable, column: Column) -> Any:
    values = stream.column(column.name)
    return values.tolist() if column.datatype == "string" else values
