"""Traces that a person names on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from bandsense.export.recording import Recording, read_recording
from bandsense.language import tr

__all__ = ["read_trace"]


def read_trace(path: Path) -> Recording:
    """Read a trace, and say on standard error what was left out of it.

    Raises:
        FileFormatError: naming the line and what is wrong with it.
    """
    recording = read_recording(path)
    for note in recording.notes:
        print(tr("note: {path}: {note}", path=path.name, note=note), file=sys.stderr)
    return recording
