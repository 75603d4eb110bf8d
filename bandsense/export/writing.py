"""Sessions as files: CSV with its description beside it, JSON, Parquet, FIT."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bandsense.errors import DataError
from bandsense.export.table import COLUMNS, SessionTable, StreamTable, session_json, stream_json

__all__ = ["FORMATS", "write", "write_csv", "write_json"]


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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place to write a file that takes its name only when it is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_csv(table: SessionTable, folder: Path) -> list[Path]:
    """One CSV per sensor, each described by a JSON file after CSV on the Web (W3C, 2015, sections 5.2, 6)."""
    written = []
    for stream in table.streams:
        path = folder / f"{table.stem(stream)}.csv"
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            _write_rows(csv.writer(file, lineterminator="\n"), stream)
        description = path.with_name(f"{path.name}-metadata.json")
        _write_json(description, _csv_description(table, stream, path.name))
        written += [path, description]
    return written


def _write_rows(writer: Any, stream: StreamTable) -> None:
    writer.writerow([column.name for column in COLUMNS])
    # Python's shortest representation of a float reads back as the same float.
    lists = [
        stream.column(column.name).astype(int).tolist()
        if column.datatype == "boolean"
        else stream.column(column.name).tolist()
        for column in COLUMNS
    ]
    writer.writerows(zip(*lists, strict=True))


def _csv_description(table: SessionTable, stream: StreamTable, name: str) -> dict[str, Any]:
    columns = [
        {
            "name": column.name,
            "titles": column.name,
            "datatype": column.datatype,
            "dc:description": column.description,
        }
        | ({} if column.unit is None else {"schema:unitText": column.unit})
        for column in stream.columns
    ]
    for column in columns:
        if column["datatype"] == "boolean":
            column["datatype"] = {"base": "boolean", "format": "1|0"}  # type: ignore[assignment]
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "tableSchema": {"columns": columns},
        "notes": [session_json(table.session) | stream_json(stream.stream) | {"sets": stream.sets}],
    }


def write_json(table: SessionTable, folder: Path) -> list[Path]:
    """The whole session as one JSON file, samples by column."""
    path = folder / f"session-{table.session.id}.json"
    streams = [
        stream_json(stream.stream)
        | {
            "sets": stream.sets,
            "columns": {column.name: stream.column(column.name).tolist() for column in COLUMNS},
        }
        for stream in table.streams
    ]
    _write_json(path, session_json(table.session) | {"streams": streams})
    return [path]


def _write_json(path: Path, data: Any) -> None:
    with replacing(path) as part:
        part.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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
