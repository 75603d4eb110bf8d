from __future__ import annotations

import csv
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.errors import DataError
from bandsense.sim.physics.scenario import Scenario
from bandsense.sim.physics.sensor import COUNT_MAX
from bandsense.sim.physics.source import Conversions, PersonSource, SampleSource, TraceSource


def read_all(source: SampleSource, chunk: int = 16) -> Conversions:
    parts = []
    while len(part := source.read(chunk)):
        parts.append(part)
    return Conversions(
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("device_time_us", "counts", "saturated", "gap_before")
        )
    )


def force_file(path: Path) -> tuple[list[str], list[str]]:
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    return [row[0] for row in rows], [row[1].replace(",", ".") for row in rows]


@pytest.mark.parametrize("name", ["calibration-1", "calibration-3", "calibration-5", "clean"])
def test_every_printed_value_of_a_recording_comes_back(recordings: Path, name: str) -> None:
    time_us, force = force_file(recordings / "band" / f"{name}.force.csv")
    source = TraceSource(np.array(time_us, float) / 1e6, np.array(force, float))
    played = read_all(source)
    tension = (played.counts - source.zero_count) * source.newton_per_count
    assert played.device_time_us.tolist() == [int(t) - int(time_us[0]) for t in time_us]
    assert np.round(tension, 2).tolist() == [float(f) for f in force]
    assert not played.saturated.any()


@given(st.lists(st.integers(-500_000, 500_000), min_size=1, max_size=50), st.integers(-1000, 1000))
def test_three_decimals_survive_the_counts(millinewtons: list[int], zero: int) -> None:
    tension = np.array(millinewtons) / 1000
    source = TraceSource(np.arange(tension.size) / 80, tension, zero_count=zero)
    played = read_all(source, 7)
    back = (played.counts - zero) * source.newton_per_count
    assert np.rint(back * 1000).astype(int).tolist() == millinewtons


def test_reads_do_not_depend_on_their_size() -> None:
    time_s = np.arange(100) / 80
    one = read_all(TraceSource(time_s, np.sin(time_s)), 1)
    all_at_once = read_all(TraceSource(time_s, np.sin(time_s)), 1000)
    assert np.array_equal(one.counts, all_at_once.counts)
    assert np.array_equal(one.device_time_us, all_at_once.device_time_us)


def test_an_ended_trace_gives_nothing_more() -> None:
    source = TraceSource([0, 1], [0, 0])
    assert len(source.read(5)) == 2
    assert len(source.read(5)) == 0


def test_a_hole_in_a_recording_is_marked_once_and_a_skipped_sample_is_not() -> None:
    time_s = np.delete(np.arange(200) / 80, [40, *range(100, 110)])
    played = read_all(TraceSource(time_s, np.zeros(time_s.size)))
    assert np.flatnonzero(played.gap_before).tolist() == [99]


def test_forces_beyond_the_converter_saturate() -> None:
    played = read_all(TraceSource([0, 1, 2], [0, 900, -900]))
    assert played.saturated.tolist() == [False, True, True]
    assert played.counts[1] == COUNT_MAX


@pytest.mark.parametrize(
    ("time_s", "tension_n"),
    [([], []), ([0, 1], [1]), ([0, 0], [1, 2]), ([1, 0], [1, 2]), ([0, 1], [1, np.nan])],
)
def test_unusable_traces_are_refused(time_s: list[float], tension_n: list[float]) -> None:
    with pytest.raises(DataError):
        TraceSource(time_s, tension_n)


def test_a_person_is_read_like_a_trace_and_ends() -> None:
    scenario = Scenario(2, reps=2)
    played = read_all(PersonSource(scenario), 7)
    made = scenario.perform().convert(scenario.rate_hz)
    assert np.array_equal(played.counts, made.counts)
    assert np.array_equal(played.device_time_us, made.device_time_us)


def test_device_time_goes_on_over_sets_and_pauses() -> None:
    sets = [Scenario(2, reps=1, set_index=i) for i in range(3)]
    played = read_all(PersonSource(sets, pause_s=30.0), 16)
    interval_s = np.diff(played.device_time_us) / 1e6
    assert (interval_s > 0).all()
    assert np.count_nonzero(interval_s > 29.9) == 2


def test_an_endless_person_never_ends() -> None:
    source = PersonSource(Scenario(2, reps=1, set_index=i) for i in count())
    assert all(len(source.read(500)) == 500 for _ in range(4))


def test_the_rate_may_change_in_mid_set_without_going_back_in_time() -> None:
    source = PersonSource(Scenario(2, reps=3))
    first = source.read(100)
    source.set_rate(320.0)
    second = source.read(400)
    assert second.device_time_us[0] > first.device_time_us[-1]
    assert second.device_time_us[0] - first.device_time_us[-1] < 12_500
    assert 1e6 / np.diff(second.device_time_us).mean() == pytest.approx(320.0, rel=0.01)
