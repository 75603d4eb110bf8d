"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.needs import IN_CI, REPOSITORY, missing

settings.register_profile(
    "bandsense", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("bandsense"), max_examples=25)
settings.load_profile("bandsense")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings."""
    folder = Path(os.environ.get("BANDSENSE_RECORDINGS", REPOSITORY.parent / "shared" / "recordings"))
    if not (folder / "band").is_dir():
        missing(f"the folder of recordings {folder}", "set BANDSENSE_RECORDINGS to where they are")
    return folder
