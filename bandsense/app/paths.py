"""Where bandsense keeps its things."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["SIMULATED_STORE_NAME", "STORE_NAME", "home"]

STORE_NAME = "bandsense.sqlite3"
SIMULATED_STORE_NAME = "simulated.sqlite3"


def home() -> Path:
    """Return the folder for data: `BANDSENSE_HOME`, or the operating system's usual place."""
    if chosen := os.environ.get("BANDSENSE_HOME"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("bandsense", appauthor=False))
