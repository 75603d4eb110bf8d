"""Device time and host time, related over skew, jitter and one-sided delays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.errors import LinkError
from bandsense.link.clock import ClockSync


def feed(
    relation: ClockSync,
    *,
    skew_ppm: float,
    offset_s: float,
    start_s: float = 0.0,
    duration_s: float = 60.0,
    jitter_s: float = 0.2,
    floor_s: float = 0.002,
    seed: int = 0,
    marks: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A stream of 27 frames a second; device and true host time of each."""
    random = np.random.default_rng(seed)
    device = start_s + np.arange(0.0, duration_s, 3 / 80)
    host = offset_s + device * (1 + skew_ppm * 1e-6)
    # what arrives is delivered in order, so a late frame holds up those behind it
    arrival = np.maximum.accumulate(host + floor_s + random.uniform(0, jitter_s, device.size))
    mark_every = device.size // marks if marks else device.size + 1
    for i in range(device.size):
        relation.add_arrival(float(device[i]), float(arrival[i]))
        if marks and i % mark_every == 0:
            way_there, way_back = floor_s + random.uniform(0, 0.03, 2)
            relation.add_round_trip(float(device[i]), float(host[i] - way_there), float(host[i] + way_back))
    return device, host


@settings(max_examples=25)
@given(
    skew_ppm=st.floats(-100, 100),
    offset_s=st.floats(-1e6, 1e6),
    start_s=st.floats(0, 1e5),
    seed=st.integers(0, 2**32),
)
def test_host_time_is_found_within_a_few_hundredths_of_a_second(
    skew_ppm: float, offset_s: float, start_s: float, seed: int
) -> None:
    relation = ClockSync()
    device, host = feed(relation, skew_ppm=skew_ppm, offset_s=offset_s, start_s=start_s, seed=seed, marks=12)
    np.testing.assert_allclose(relation.host_s(device), host, rtol=0, atol=0.03)
    assert abs(relation.skew_ppm) <= 200 + 1e-6


def test_after_some_minutes_the_skew_itself_is_known() -> None:
    relation = ClockSync()
    device, host = feed(relation, skew_ppm=100, offset_s=5.0, duration_s=900, jitter_s=0.2)
    assert relation.skew_ppm == pytest.approx(100, abs=5)
    np.testing.assert_allclose(relation.host_s(device), host, rtol=0, atol=0.005)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("jitter_s", "duration_s"), [(0.03, 60.0), (0.2, 600.0)])
def test_two_sensors_agree_within_5_ms(seed: int, jitter_s: float, duration_s: float) -> None:
    left, right = ClockSync(), ClockSync()
    common = {"duration_s": duration_s, "jitter_s": jitter_s, "marks": int(duration_s / 5)}
    on_left, host = feed(left, skew_ppm=80, offset_s=100.0, floor_s=0.001, seed=seed, **common)
    feed(right, skew_ppm=-60, offset_s=-4900.0, start_s=5000.0, floor_s=0.003, seed=seed + 100, **common)
    on_right = right.device_s(left.host_s(on_left))
    np.testing.assert_allclose(on_right, (host + 4900.0) / (1 - 60e-6), rtol=0, atol=0.005)


def test_little_seen_leaves_the_clocks_alike() -> None:
    for seed in range(20):
        relation = ClockSync()
        feed(relation, skew_ppm=0.0, offset_s=0.0, duration_s=3.0, seed=seed)
        assert abs(relation.skew_ppm) < 50.0


def test_marks_that_contradict_the_arrivals_leave_no_negative_bound() -> None:
    relation = ClockSync()
    feed(relation, skew_ppm=0.0, offset_s=0.0, jitter_s=0.0)
    relation.add_round_trip(30.0, 30.005, 30.006)  # asked after what was sent then had come
    assert relation.uncertainty_s == 0.0
    assert relation.host_s(30.0) == pytest.approx(30.002, abs=1e-3)


def test_time_marks_bound_the_error() -> None:
    relation = ClockSync()
    device, host = feed(relation, skew_ppm=50, offset_s=1.0, jitter_s=0.05, floor_s=0.01, marks=10)
    error = np.abs(relation.host_s(device) - host).max()
    assert error <= relation.uncertainty_s < 0.02
    without = ClockSync()
    feed(without, skew_ppm=50, offset_s=1.0)
    assert without.uncertainty_s == float("inf")


@given(st.floats(-100, 100), st.floats(-1e5, 1e5), st.floats(0, 1e4))
def test_there_and_back(skew_ppm: float, offset_s: float, device_s: float) -> None:
    relation = ClockSync()
    feed(relation, skew_ppm=skew_ppm, offset_s=offset_s, duration_s=5.0)
    assert relation.device_s(relation.host_s(device_s)) == pytest.approx(device_s, abs=1e-6)


def test_a_single_observation_already_serves() -> None:
    relation = ClockSync()
    assert not relation.known
    with pytest.raises(LinkError):
        relation.host_s(0.0)
    relation.add_arrival(10.0, 1000.0)
    assert relation.known
    assert relation.host_s(12.0) == pytest.approx(1002.0)


def test_hours_do_not_grow_it() -> None:
    relation = ClockSync()
    for second in range(4 * 3600):
        relation.add_arrival(float(second), second * (1 + 40e-6) + 0.001 * (second % 7))
    assert len(relation._lowest) <= 1200
    assert relation.host_s(14_000.0) == pytest.approx(14_000 * (1 + 40e-6), abs=0.002)
