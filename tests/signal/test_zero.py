from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.samples import FloatArray
from bandsense.signal.zero import ZeroTracker

RATE_HZ = 80


def seconds(duration_s: float) -> FloatArray:
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def noise(n: int, rms: float = 0.02) -> FloatArray:
    return rms * np.random.default_rng(4).standard_normal(n)


def test_a_slow_drift_at_rest_is_followed() -> None:
    time_s = seconds(120)
    tracker = ZeroTracker()
    corrected = tracker.push(time_s, 0.02 * time_s + noise(time_s.size))
    assert abs(corrected[time_s > 5]).max() < 0.15
    assert tracker.correction_n == pytest.approx(2.4, abs=0.05)


def test_a_tension_that_moves_or_is_far_from_zero_is_left_alone() -> None:
    time_s = seconds(30)
    for tension in (3.0 + noise(time_s.size), 1.0 + 0.3 * time_s, 1.5 * np.sin(3 * time_s)):
        assert np.array_equal(ZeroTracker().push(time_s, tension), tension)


def test_pretension_that_was_declared_is_never_tracked() -> None:
    time_s = seconds(60)
    tension = 1.2 + noise(time_s.size)
    tracker = ZeroTracker(pre_stretched=True)
    assert np.array_equal(tracker.push(time_s, tension), tension)
    assert tracker.correction_n == 0.0


def test_the_correction_is_no_faster_than_its_limit() -> None:
    time_s = seconds(20)
    tracker = ZeroTracker()
    steps = np.diff(1.5 - tracker.push(time_s, np.full(time_s.size, 1.5)))
    assert steps.max() <= 0.0501
    assert tracker.correction_n == pytest.approx(19 * 0.05, abs=0.06)


def test_the_correction_ends_at_its_largest_amount() -> None:
    time_s = seconds(400)
    tracker = ZeroTracker()
    tracker.push(time_s, 0.04 * time_s)
    assert tracker.correction_n == pytest.approx(10.0)


def test_a_repetition_does_not_move_the_zero() -> None:
    time_s = seconds(40)
    pull = 40 * np.maximum(0, np.sin(2 * np.pi * time_s / 4)) ** 2
    corrected = ZeroTracker().push(time_s, pull)
    assert abs(corrected - pull).max() < 1e-9


def test_a_gap_begins_a_new_window() -> None:
    time_s = seconds(0.9)
    both = np.concatenate((time_s, time_s + 10))
    gap = np.zeros(both.size, dtype=bool)
    gap[time_s.size] = True
    tracker = ZeroTracker()
    tracker.push(both, np.full(both.size, 1.0), gap)
    assert tracker.correction_n == 0.0


def test_a_tare_forgets_the_correction() -> None:
    time_s = seconds(10)
    tracker = ZeroTracker()
    tracker.push(time_s, np.full(time_s.size, 0.3))
    assert tracker.correction_n > 0
    tracker.tared()
    assert tracker.correction_n == 0.0


@given(st.lists(st.integers(1, 97), min_size=1, max_size=40), st.sets(st.integers(1, 1500), max_size=4))
def test_blocks_do_not_matter(sizes: list[int], gaps: set[int]) -> None:
    time_s = seconds(20)
    tension = 0.03 * time_s + noise(time_s.size) + 5 * (np.sin(time_s / 2) > 0.9)
    gap = np.isin(np.arange(time_s.size), list(gaps))
    whole = ZeroTracker().push(time_s, tension, gap)
    tracker, parts, start = ZeroTracker(), [], 0
    for size in [*sizes, time_s.size]:
        stop = min(start + size, time_s.size)
        parts.append(tracker.push(time_s[start:stop], tension[start:stop], gap[start:stop]))
        start = stop
    assert np.array_equal(np.concatenate(parts), whole)
