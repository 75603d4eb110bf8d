"""The slack part of a stroke does not depend on where the zero is."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.signal.events import Rep
from bandsense.workout.slack_detector import SlackDetector

EXPONENT = 0.62


def found(zero_n: float) -> float:
    """Share of slack in five repetitions of 60 N that begin to pull where the hand starts."""
    detector = SlackDetector()
    for i in range(5):
        begin_s = 5.0 * i
        for t in np.arange(-1.0, 4.0, 0.05).tolist():
            u = np.clip(t / 1.2 if t < 1.4 else (3.4 - t) / 2.0, 0.0, 1.0)
            way = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
            detector.tick(begin_s + t, 60.0 * float(way) ** EXPONENT + zero_n)
        times_s = (begin_s + t for t in (0.2, 0.9, 1.7, 3.1, 1.3))
        detector.add(Rep(i + 1, *times_s, 60.0 + zero_n, zero_n, zero_n), EXPONENT)
    assert detector.share is not None
    return detector.share


@pytest.mark.parametrize("zero_n", [-3.0, -12.0, -25.0])
def test_a_zero_that_is_too_low_makes_no_slack(zero_n: float) -> None:
    assert found(0.0) < 0.05
    assert found(zero_n) == pytest.approx(found(0.0), abs=0.01)
