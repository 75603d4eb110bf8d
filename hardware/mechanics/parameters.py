"""The one parameter file, read."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""Of the repository."""

PARAMETERS = Path(__file__).with_name("parameters.toml")
CONSTANTS = ROOT / "hardware" / "constants.toml"


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{key: _names(inner) for key, inner in value.items()})
    return value


@cache
def parameters() -> Any:
    """Return `parameters.toml` with its tables as attributes: `parameters().clip.half_span`."""
    return _names(tomllib.loads(PARAMETERS.read_text("utf-8")))


@cache
def constants() -> Any:
    """Return `constants.toml`, which electronics, firmware and mechanics share, the same way."""
    return _names(tomllib.loads(CONSTANTS.read_text("utf-8")))
