"""What `make hardware` looks at: one module a subject.

A module here is found by itself. It has

* `run() -> list[Row]`, which looks, or regenerates and compares, and raises for no fault of the hardware;
* `INPUTS`, patterns of the files that its result hangs on, relative to the repository's root. While they and
  the module itself are unchanged, its rows come from the cache.

What a check makes anew goes below `BUILD`. `committed` compares a committed artefact with it, or puts
the new one in its place where `make hardware UPDATE=1` asked for that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = ROOT / "hardware"
BUILD = ROOT / "build" / "hardware"
UPDATE = os.environ.get("BANDSENSE_HARDWARE_UPDATE") == "1"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was looked at.
        found: what it is, with its unit.
        wanted: what it has to be.
        passed: None where it could not be looked at; that fails in CI.
    """

    what: str
    found: str
    wanted: str
    passed: bool | None


class MissingTool(Exception):
    """A program that a check needs is not installed."""


def constants() -> dict[str, Any]:
    """Read `hardware/constants.toml`."""
    return tomllib.loads((HARDWARE / "constants.toml").read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """Give the path of a program.

    Raises:
        MissingTool: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingTool(f"{name} is not installed; `make hardware` installs it where it runs as root")
    return found


def call(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit status, with its output as text."""
    return subprocess.run(  # noqa: S603 - the commands are this repository's own
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        cwd=ROOT,
    )


def least(what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Row:
    """Judge a value that has to reach a limit."""
    return Row(what, f"{value:.{digits}f} {unit}".strip(), f"≥ {limit:g} {unit}".strip(), value >= limit)


def most(what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Row:
    """Judge a value that may not exceed a limit."""
    return Row(what, f"{value:.{digits}f} {unit}".strip(), f"≤ {limit:g} {unit}".strip(), value <= limit)


def committed(path: Path, made: bytes, normal: Callable[[bytes], bytes] = lambda data: data) -> Row:
    """Compare a committed artefact with what its source gives now.

    Args:
        path: the artefact in the repository.
        made: its content, made from the source.
        normal: takes away what may differ, such as a date, before the two are compared.
    """
    what = f"{path.relative_to(ROOT)} is current"
    same = path.is_file() and normal(path.read_bytes()) == normal(made)
    if same or not UPDATE:
        return Row(what, "same" if same else "differs from its source", "same", same)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made)
    return Row(what, "written", "same", True)
