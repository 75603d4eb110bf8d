"""JSON, after a published schema (docs/session.schema.json)."""

from __future__ import annotations

from pathlib import Path

from bandsense.export.table import COLUMNS, SessionTable, session_json, stream_json
from bandsense.files import write_json_file

__all__ = ["FORMAT", "VERSION", "write_json"]

FORMAT, VERSION = "bandsense session", 1
"""What the file says of itself. The version rises when a reader of the one before would be misled."""


def write_json(table: SessionTable, folder: Path) -> list[Path]:
    """Write the whole session as one JSON file, samples by column."""
    path = folder / f"session-{table.session.id}.json"
    streams = [
        stream_json(stream.stream)
        | {
            "sets": stream.sets,
            "inputs": stream.inputs,
            "columns": {column.name: stream.column(column.name).tolist() for column in COLUMNS},
        }
        for stream in table.streams
    ]
    head = {"format": FORMAT, "version": VERSION}
    write_json_file(path, head | session_json(table.session) | {"streams": streams})
    return [path]
