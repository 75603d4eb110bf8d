"""CSV, described by CSV on the Web (W3C)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from bandsense.export.table import COLUMNS, SessionTable, StreamTable, session_json, stream_json
from bandsense.files import atomic_write, write_json_file

__all__ = ["write_csv"]


def write_csv(table: SessionTable, folder: Path) -> list[Path]:
    """Write one CSV per sensor, each with a JSON file after CSV on the Web (W3C, 2015, sections 5.2, 6)."""
    written = []
    for stream in table.streams:
        path = folder / f"{table.stem(stream)}.csv"
        with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            _write_rows(csv.writer(file, lineterminator="\n"), stream)
        description = path.with_name(f"{path.name}-metadata.json")
        write_json_file(description, _csv_description(table, stream, path.name))
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
