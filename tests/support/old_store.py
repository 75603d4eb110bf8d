"""The store that version 0.1.0 wrote: one set, two half-sets, two sensors."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.needs import REPOSITORY

__all__ = ["old_store"]

_PACKED = REPOSITORY / "tests" / "data" / "v0.1.0" / "bandsense.sqlite3.gz"


def old_store(folder: Path, name: str = "bandsense.sqlite3") -> Path:
    """Put a copy of it into a folder."""
    path = folder / name
    path.write_bytes(gzip.decompress(_PACKED.read_bytes()))
    return path
