from __future__ import annotations

import numpy as np
import pytest

from bandsense.samples import SampleBlock, Unit


@pytest.fixture(scope="session")
def set_of_three() -> SampleBlock:
    """Three repetitions of 2 s up to 53 N with a second between them, in newtons at 80 Hz."""
    t = np.arange(160) / 80.0
    rep = np.concatenate([50.0 * np.sin(np.pi * t / 2.0) ** 2, np.zeros(80)])
    tension_n = 3.0 + np.concatenate([np.zeros(160), np.tile(rep, 3), np.zeros(80)])
    return SampleBlock(np.arange(tension_n.size) / 80.0, tension_n, Unit.NEWTON)
