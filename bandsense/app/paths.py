"""Where bandsense keeps its things."""

from __future__ import annotations

from pathlib import Path

from bandsense.files import data_folder

__all__ = ["SIMULATED_STORE_NAME", "STORE_NAME", "home"]

STORE_NAME = "bandsense.sqlite3"
SIMULATED_STORE_NAME = "simulated.sqlite3"


def home() -> Path:
    """Return the folder for data."""
    return data_folder()
