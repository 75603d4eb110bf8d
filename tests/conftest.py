"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("BANDSENSE_CI") == "1"

settings.register_profile(
    "bandsense", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("bandsense")


def missing(what: str, remedy: str) -> NoReturn:
    """Skip on a person's machine, fail in CI, where nothing may be missing."""
    message = f"{what} is missing; {remedy}"
    if IN_CI:
        pytest.fail(message)
    pytest.skip(message)


def require_tool(name: str, remedy: str) -> str:
    """Path of a program, or a skip (in CI a failure) that says how to install it."""
    found = shutil.which(name)
    return found if found is not None else missing(name, remedy)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings."""
    folder = Path(os.environ.get("BANDSENSE_RECORDINGS", REPOSITORY.parent / "shared" / "recordings"))
    if not (folder / "band").is_dir():
        missing(f"the folder of recordings {folder}", "set BANDSENSE_RECORDINGS to where they are")
    return folder
