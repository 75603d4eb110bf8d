"""The small public face."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import bandsense

PUBLIC = {
    "BandsenseError",
    "Calibration",
    "Rep",
    "SampleBlock",
    "SetAnalysis",
    "Store",
    "StoreReader",
    "StoredSession",
    "Table",
    "Unit",
    "Workout",
    "WorkoutSettings",
    "__version__",
    "analyze",
    "open_store",
    "read_recording",
    "slack_change",
}


def test_exactly_these_names_are_public() -> None:
    assert set(bandsense.__all__) == PUBLIC
    assert set(dir(bandsense)) == PUBLIC


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'everything'"):
        _ = bandsense.everything  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_package() -> None:
    assert bandsense.__version__ == version("bandsense")


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ("numpy", "scipy", "bleak", "rich", "pydantic")
    code = f"import sys, bandsense; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
