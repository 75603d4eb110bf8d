"""CSV, described by CSV on the Web (W3C)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bandsense.export.rows import REP_COLUMNS, SET_COLUMNS, rep_rows, set_rows
from bandsense.export.table import COLUMNS, Column, SessionTable, StreamTable, session_json, stream_json
from bandsense.files import atomic_write, write_json_file

__all__ = ["write_csv", "write_rep_csv", "write_set_csv"]


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
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "tableSchema": {"columns": _columns(stream.columns)},
        "notes": [
            session_json(table.session)
            | stream_json(stream.stream)
            | {"sets": stream.sets, "inputs": stream.inputs}
        ],
    }


def _columns(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "titles": column.name,
            "datatype": {"base": "boolean", "format": "1|0"}
            if column.datatype == "boolean"
            else column.datatype,
            "dc:description": column.description,
        }
        | ({} if column.unit is None else {"schema:unitText": column.unit})
        for column in columns
    ]


def write_set_csv(table: SessionTable, folder: Path) -> list[Path]:
    """Write one line a set, described like the samples."""
    return _write_listing(table, folder, "sets", SET_COLUMNS, set_rows(table))


def write_rep_csv(table: SessionTable, folder: Path) -> list[Path]:
    """Write one line a repetition, described like the samples."""
    return _write_listing(table, folder, "reps", REP_COLUMNS, rep_rows(table))


def _write_listing(
    table: SessionTable, folder: Path, what: str, columns: Sequence[Column], rows: Iterable[dict[str, Any]]
) -> list[Path]:
    path = folder / f"session-{table.session.id}-{what}.csv"
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: int(value) if isinstance(value, bool) else value for name, value in row.items()}
            for row in rows
        )
    description = path.with_name(f"{path.name}-metadata.json")
    schema = {"@context": "http://www.w3.org/ns/csvw", "url": path.name}
    write_json_file(
        description,
        schema | {"tableSchema": {"columns": _columns(columns)}, "notes": [session_json(table.session)]},
    )
    return [path, description]
