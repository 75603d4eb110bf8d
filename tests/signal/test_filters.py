from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from bandsense.samples import FloatArray
from bandsense.signal.filters import (
    Conditioner,
    Despiker,
    Segment,
    low_pass,
    low_pass_delay_s,
    measured_rate_hz,
)


def cleaned(values: FloatArray, rate_hz: float = 80.0) -> FloatArray:
    return Despiker.at(rate_hz).clean_whole(values)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 40.0, 80.0, 320.0, 1000.0])
def test_the_delay_is_the_group_delay_at_low_frequency(rate_hz: float) -> None:
    sections = low_pass(rate_hz)
    _, delay = signal.group_delay(signal.sos2tf(sections), w=[1e-4], fs=rate_hz)
    assert low_pass_delay_s(sections, rate_hz) == pytest.approx(delay[0] / rate_hz, rel=1e-3)


@pytest.mark.parametrize("rate_hz", [40.0, 80.0, 320.0])
def test_a_fast_pull_passes_and_tremor_is_attenuated(rate_hz: float) -> None:
    _, gain = signal.freqz_sos(low_pass(rate_hz), worN=[1.0, 11.0], fs=rate_hz)
    assert abs(gain[0]) > 0.97
    assert abs(gain[1]) < 0.5


def test_odd_first_intervals_do_not_move_the_measured_rate() -> None:
    time_s = np.concatenate(([0.0, 0.001, 0.002], 0.002 + np.arange(1, 12) / 87.0))
    assert measured_rate_hz(time_s) == pytest.approx(87.0)


@pytest.mark.parametrize("code", [-800.0, 800.0, 0.0])
@pytest.mark.parametrize("rate_hz", [20.0, 80.0])
def test_a_spike_is_removed_wherever_it_falls(code: float, rate_hz: float) -> None:
    time_s = np.arange(0.0, 3.0, 1.0 / rate_hz)
    pull = 30.0 + 25.0 * np.sin(2.0 * np.pi * time_s / 3.0)
    for at in range(2, time_s.size - 2):
        spiked = pull.copy()
        spiked[at] = code
        assert np.abs(cleaned(spiked, rate_hz) - pull).max() < max(6.0, Despiker.at(rate_hz).floor_n + 4.0)


def test_two_spikes_with_one_good_sample_between_them_are_removed() -> None:
    steady = np.full(40, 36.0)
    spiked = steady.copy()
    spiked[[20, 22]] = [-419.0, 0.0]
    assert np.abs(cleaned(spiked) - steady).max() < 1.0


@pytest.mark.parametrize("codes", [(0.0, -838.0), (-419.0, -419.0), (800.0, 700.0)])
@pytest.mark.parametrize("rate_hz", [20.0, 80.0])
def test_two_wrong_samples_in_a_row_are_removed_wherever_they_fall(
    codes: tuple[float, float], rate_hz: float
) -> None:
    time_s = np.arange(0.0, 3.0, 1.0 / rate_hz)
    pull = 40.0 + 25.0 * np.sin(2.0 * np.pi * time_s / 3.0)
    for at in range(2, time_s.size - 3):
        spiked = pull.copy()
        spiked[at : at + 2] = codes
        assert np.abs(cleaned(spiked, rate_hz) - pull).max() < 6.0


def test_two_samples_at_ten_a_second_may_be_a_step_and_stay() -> None:
    step = 5.0 + 15.0 * np.array([0.0, 0.0, 0.0, 0.9, 0.9, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(cleaned(step, 10.0), step)


@pytest.mark.parametrize("rate_hz", [20.0, 80.0])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_streamed_despiker_sees_what_a_whole_one_sees(rate_hz: float, size: int) -> None:
    rng = np.random.default_rng(8)
    values = 40.0 + rng.standard_normal(400)
    for at in rng.integers(3, 396, 60):
        values[at] = rng.choice([0.0, -400.0, 800.0])
    segments = []
    conditioner = Conditioner()
    for i in range(0, 400, size):
        segments += conditioner.push(np.arange(i, i + size) / rate_hz, values[i : i + size])
    segments += conditioner.finish()
    np.testing.assert_array_equal(np.concatenate([s.clean_n for s in segments]), cleaned(values, rate_hz))


@pytest.mark.parametrize("rate_hz", [10.0, 16.0, 20.0, 80.0, 320.0])
def test_the_fastest_pull_is_left_alone(rate_hz: float) -> None:
    for phase in np.linspace(0.0, 1.0, 11):
        time_s = np.arange(phase / rate_hz, 2.0, 1.0 / rate_hz)
        u = np.clip((time_s - 0.7) / 0.3, 0.0, 1.0) - np.clip((time_s - 1.0) / 0.3, 0.0, 1.0)
        way = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
        pull = 400.0 * way**0.65
        np.testing.assert_array_equal(cleaned(pull, rate_hz), pull)


def test_a_snap_is_not_a_spike() -> None:
    lost = np.concatenate((np.full(20, 80.0), np.zeros(20)))
    np.testing.assert_array_equal(cleaned(lost), lost)


def streamed(
    time_s: FloatArray, values: FloatArray, sizes: list[int]
) -> tuple[list[float], list[float], FloatArray]:
    conditioner = Conditioner()
    parts: list[list[Segment]] = []
    start = 0
    while start < time_s.size:
        size = sizes[len(parts) % len(sizes)]
        parts.append(conditioner.push(time_s[start : start + size], values[start : start + size]))
        start += size
    segments = [s for part in [*parts, conditioner.finish()] for s in part]
    gaps = [s.gap_s for s in segments if s.gap_s]
    smooth = np.concatenate([s.smooth_n for s in segments])
    return gaps, [float(v) for v in smooth], np.concatenate([s.time_s for s in segments])


@settings(max_examples=15)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_the_output_does_not_depend_on_how_the_stream_was_cut(sizes: list[int]) -> None:
    rng = np.random.default_rng(3)
    time_s = np.cumsum(rng.uniform(0.011, 0.014, 300))
    time_s[150:] += 0.7
    values = 30.0 + 20.0 * np.sin(time_s) + rng.standard_normal(300)
    values[77] = -500.0
    gaps, smooth, times = streamed(time_s, values, sizes)
    whole = streamed(time_s, values, [300])
    assert (gaps, smooth) == whole[:2]
    np.testing.assert_array_equal(times, time_s)


def test_after_a_gap_the_low_pass_starts_from_what_it_finds() -> None:
    time_s = np.concatenate((np.arange(80), np.arange(160, 240))) / 80.0
    values = np.concatenate((np.zeros(80), np.full(80, 50.0)))
    gaps, smooth, _ = streamed(time_s, values, [160])
    assert gaps == [pytest.approx(81 / 80.0)]
    np.testing.assert_allclose(smooth[80:], 50.0)


def test_a_single_missing_sample_is_no_gap() -> None:
    time_s = np.delete(np.arange(200) / 80.0, 100)
    assert streamed(time_s, np.zeros(199), [199])[0] == []


def test_a_stream_too_short_to_measure_its_rate_still_comes_out() -> None:
    time_s = np.arange(5) / 80.0
    _, smooth, times = streamed(time_s, np.full(5, 3.0), [2])
    np.testing.assert_allclose(smooth, 3.0)
    np.testing.assert_array_equal(times, time_s)
