"""Real traces of elastic bands: one configuration counts them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze

FULL_AND_PARTIAL = {"calibration-1": (5, 0), "calibration-3": (5, 0), "calibration-5": (6, 2), "clean": (4, 0)}


def force_trace(path: Path) -> tuple[FloatArray, FloatArray]:
    """Seconds and newtons of a file `Time (micros);Force(N)` with decimal commas."""
    rows = np.array(
        [line.replace(",", ".").split(";") for line in path.read_text().splitlines()[1:]], dtype=np.float64
    )
    return rows[:, 0] / 1e6, rows[:, 1]


@pytest.mark.parametrize("name", FULL_AND_PARTIAL)
def test_every_repetition_is_counted_and_partial_ones_are_marked(recordings: Path, name: str) -> None:
    reps = analyze(*force_trace(recordings / "band" / f"{name}.force.csv")).reps
    partial = sum(rep.partial for rep in reps)
    assert (len(reps) - partial, partial) == FULL_AND_PARTIAL[name]
