"""JSON."""

from __future__ import annotations

from pathlib import Path

from bandsense.export.table import COLUMNS, SessionTable, session_json, stream_json
from bandsense.files import write_json_file

__all__ = ["write_json"]


def write_json(table: SessionTable, folder: Path) -> list[Path]:
    """Write the whole session as one JSON file, samples by column."""
    path = folder / f"session-{table.session.id}.json"
    streams = [
        stream_json(stream.stream)
        | {
            "sets": stream.sets,
            "columns": {column.name: stream.column(column.name).tolist() for column in COLUMNS},
        }
        for stream in table.streams
    ]
    write_json_file(path, session_json(table.session) | {"streams": streams})
    return [path]
