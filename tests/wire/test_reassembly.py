"""Every sample accounted for, whatever happens to the frames on their way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.wire.bandsense.answers import Started
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.reassembly import SequencedStream, TimedStream, nearest

TURN_US = 2**32


class Sensor:
    """A sensor that follows docs/protocol.md: numbers every sample, stamps it with a clock that wraps."""

    def __init__(self, *, boot: int = 1, clock_us: int = 1_000_000, sequence: int = 0, n: int = 3) -> None:
        self.boot, self.clock_us, self.sequence, self.n = boot, clock_us, sequence, n
        self.interval_us = 12_500
        self.taken = 0
        self._first = True

    def started(self) -> Started:
        self._first = True
        return Started(80, self.clock_us % TURN_US, self.sequence % 2**16, self.boot)

    def frame(self, *, overrun: bool = False) -> MeasurementFrame:
        counts = tuple(range(self.taken, self.taken + self.n))
        span_us = (self.n - 1) * self.interval_us
        gap = self._first or overrun
        frame = MeasurementFrame(
            self.sequence % 2**16, self.clock_us % TURN_US, span_us, counts, overrun=overrun, gap_before=gap
        )
        self._first = False
        self.taken += self.n
        self.sequence += self.n
        self.clock_us += self.n * self.interval_us
        return frame

    def frames(self, count: int) -> list[MeasurementFrame]:
        return [self.frame() for _ in range(count)]


def collect(blocks: Iterable[SampleBlock | None]) -> SampleBlock:
    return concatenate(block for block in blocks if block is not None)


def receive(frames: Iterable[MeasurementFrame], stream: SequencedStream) -> SampleBlock:
    blocks = [stream.push(frame, 0.0) for frame in frames]
    return collect([*blocks, stream.interrupt()])


def opened(sensor: Sensor) -> SequencedStream:
    stream = SequencedStream()
    assert stream.begin(sensor.started(), 0.0) is None
    return stream


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_nearest_is_congruent_and_nearest(value: int, reference: int) -> None:
    found = nearest(value, reference, 2**16)
    assert found % 2**16 == value % 2**16
    assert abs(found - reference) <= 2**15


def test_a_whole_stream_keeps_every_sample_and_its_time() -> None:
    sensor = Sensor(clock_us=5_000_000)
    stream = opened(sensor)
    block = receive(sensor.frames(100), stream)
    np.testing.assert_array_equal(block.values, np.arange(300))
    np.testing.assert_allclose(block.time_s, 5.0 + 0.0125 * np.arange(300), atol=1e-6)
    assert not block.gap_before.any()
    assert stream.statistics.samples == 300
    assert stream.statistics.lost == stream.statistics.gaps == 0


def test_a_frame_is_handed_on_as_it_arrives() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    blocks = [stream.push(frame, 0.0) for frame in sensor.frames(5)]
    assert [len(block) if block else 0 for block in blocks] == [3] * 5


def test_clock_and_sequence_wrap_in_mid_stream() -> None:
    sensor = Sensor(clock_us=TURN_US - 500_000, sequence=2**16 - 50)
    stream = opened(sensor)
    block = receive(sensor.frames(100), stream)
    np.testing.assert_allclose(np.diff(block.time_s), 0.0125, atol=1e-6)
    np.testing.assert_array_equal(block.values, np.arange(300))
    assert stream.statistics.lost == 0


@settings(max_examples=40)
@given(st.data())
def test_what_arrives_is_kept_once_and_what_is_missing_is_marked(data: st.DataObject) -> None:
    sensor = Sensor(
        clock_us=data.draw(st.sampled_from([0, TURN_US - 1_000_000])),
        sequence=data.draw(st.sampled_from([0, 2**16 - 20])),
        n=data.draw(st.integers(1, 9)),
    )
    stream = opened(sensor)
    frames = sensor.frames(data.draw(st.integers(4, 60)))
    lost = data.draw(st.sets(st.integers(0, len(frames) - 1), max_size=len(frames) // 2))
    kept = [i for i in range(len(frames)) if i not in lost]
    air = [i for i in kept for _ in range(data.draw(st.sampled_from([1, 1, 1, 2])))]
    # displaced by at most two places, a frame is overtaken by no more than three others
    order = sorted(range(len(air)), key=lambda k: (k + data.draw(st.sampled_from([0, 0, 0, 2.5])), k))
    block = receive([frames[air[k]] for k in order], stream)

    expected = [i * sensor.n + j for i in kept for j in range(sensor.n)]
    assert block.values.tolist() == expected
    gaps = [i > 0 and first != expected[i - 1] + 1 for i, first in enumerate(expected)]
    assert block.gap_before.tolist() == gaps
    statistics = stream.statistics
    assert statistics.samples == len(expected)
    assert statistics.duplicates == len(air) - len(kept)
    assert statistics.lost == sum(i < max(kept, default=0) for i in lost) * sensor.n
    assert statistics.late == 0


def test_a_missing_frame_delays_the_next_by_three_frames_at_most() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    frames = sensor.frames(6)
    arrived = [stream.push(frame, 0.0) for frame in (frames[0], *frames[2:])]
    assert [len(block) if block else 0 for block in arrived] == [3, 0, 0, 0, 12]
    assert arrived[-1] is not None
    assert arrived[-1].gap_before.tolist() == [True] + [False] * 11


def test_a_frame_that_comes_after_its_place_was_given_up_is_counted_late() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    frames = sensor.frames(8)
    for frame in (frames[0], *frames[2:]):
        stream.push(frame, 0.0)
    assert stream.push(frames[1], 0.0) is None
    assert stream.push(frames[7], 0.0) is None
    assert (stream.statistics.late, stream.statistics.duplicates) == (1, 1)


def test_frames_late_for_several_holes_are_all_late_and_none_is_a_duplicate() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    frames = sensor.frames(30)
    missing = (1, 10, 20)
    for number, frame in enumerate(frames):
        if number not in missing:
            stream.push(frame, 0.0)
    for number in missing:
        stream.push(frames[number], 0.0)
    assert (stream.statistics.late, stream.statistics.duplicates, stream.statistics.gaps) == (3, 0, 3)


def test_a_reset_forgets_the_holes_before_it() -> None:
    sensor = Sensor(boot=1, sequence=0)
    stream = opened(sensor)
    frames = sensor.frames(12)
    for frame in (frames[0], *frames[2:]):
        stream.push(frame, 0.0)
    stream.interrupt()
    rebooted = Sensor(boot=2, sequence=0)
    stream.begin(rebooted.started(), 5.0)
    again = rebooted.frames(4)
    for frame in again:
        stream.push(frame, 5.0)
    stream.push(again[1], 5.1)  # has the number of the frame that was lost before the reset
    assert (stream.statistics.late, stream.statistics.duplicates) == (0, 1)


def test_an_overrun_is_a_gap_that_the_numbers_do_not_show() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    before = sensor.frames(2)
    sensor.clock_us += 40_000
    block = receive([*before, sensor.frame(overrun=True), *sensor.frames(2)], stream)
    assert np.flatnonzero(block.gap_before).tolist() == [6]
    assert stream.statistics.overruns == 1
    assert stream.statistics.lost == 0


def test_an_overrun_alone_is_a_gap() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    before = sensor.frames(2)
    overrun = replace(sensor.frame(overrun=True), gap_before=False)
    block = receive([*before, overrun, *sensor.frames(2)], stream)
    assert np.flatnonzero(block.gap_before).tolist() == [6]


@pytest.mark.parametrize(("gap_before", "overrun"), [(True, False), (False, True)])
def test_a_gap_before_settling_stays_one(gap_before: bool, overrun: bool) -> None:
    sensor = Sensor()
    stream = opened(sensor)
    before = sensor.frames(2)
    settling = replace(sensor.frame(), settling=True, gap_before=gap_before, overrun=overrun)
    block = receive([*before, settling, *sensor.frames(2)], stream)
    assert block.values.tolist() == [*range(6), *range(9, 15)]
    assert np.flatnonzero(block.gap_before).tolist() == [6]
    assert stream.statistics.lost == 0


@pytest.mark.parametrize("away_s", [1.0, 600.0, 3 * 4294.967296 + 10.0])
def test_a_reconnection_goes_on_in_device_time(away_s: float) -> None:
    sensor = Sensor(clock_us=TURN_US - 2_000_000)
    stream = opened(sensor)
    first = collect([stream.push(frame, 100.0) for frame in sensor.frames(10)])
    stream.interrupt()
    sensor.clock_us += round(away_s * 1e6)
    sensor.sequence += 6
    stream.begin(sensor.started(), 100.4 + away_s)
    second = collect(
        [stream.push(frame, 100.5 + away_s) for frame in sensor.frames(10)] + [stream.interrupt()]
    )
    gap_s = second.time_s[0] - first.time_s[-1]
    assert gap_s == pytest.approx(away_s + 0.0125, abs=1e-5)
    assert np.flatnonzero(second.gap_before).tolist() == [0]
    assert second.values.tolist() == list(range(30, 60))
    assert stream.statistics.lost == 6
    assert stream.statistics.restarts == 0


def test_frames_that_arrive_before_the_answer_wait_for_it() -> None:
    sensor = Sensor()
    stream = SequencedStream()
    started = sensor.started()
    frames = sensor.frames(4)
    assert stream.push(frames[0], 0.0) is None
    assert stream.push(frames[1], 0.1) is None
    block = stream.begin(started, 0.2)
    assert block is not None
    assert block.values.tolist() == list(range(6))
    assert len(collect([stream.push(frames[2], 0.3)])) == 3


def test_another_boot_is_a_reset_even_where_the_clocks_agree_by_chance() -> None:
    sensor = Sensor(boot=1, sequence=40_000)
    stream = opened(sensor)
    for frame in sensor.frames(10):
        stream.push(frame, 50.0)
    stream.interrupt()
    rebooted = Sensor(boot=2, clock_us=sensor.clock_us + 5_000_000, sequence=0)
    stream.begin(rebooted.started(), 55.0)
    block = receive(rebooted.frames(10), stream)
    assert np.flatnonzero(block.gap_before).tolist() == [0]
    assert (stream.statistics.restarts, stream.statistics.lost) == (1, 0)


@pytest.mark.parametrize("boot_after", [2, 1], ids=["boot counted", "boot not counted"])
def test_a_reset_starts_numbers_anew_and_time_goes_on(boot_after: int) -> None:
    sensor = Sensor(boot=1, clock_us=900_000_000, sequence=40_000)
    stream = opened(sensor)
    first = collect([stream.push(frame, 50.0) for frame in sensor.frames(10)])
    stream.interrupt()
    rebooted = Sensor(boot=boot_after, clock_us=2_000_000)
    rebooted_started = rebooted.started()
    frames = rebooted.frames(10)
    blocks = [stream.push(frames[0], 55.1), stream.begin(rebooted_started, 55.0)]
    second = collect(blocks + [stream.push(frame, 55.2) for frame in frames[1:]])
    assert second.time_s[0] - first.time_s[-1] == pytest.approx(5.0, abs=0.01)
    assert np.flatnonzero(second.gap_before).tolist() == [0]
    assert len(second) == 30
    assert (stream.statistics.restarts, stream.statistics.lost, stream.statistics.duplicates) == (1, 0, 0)


def test_without_an_answer_nothing_grows_and_nothing_is_lost() -> None:
    sensor = Sensor()
    stream = SequencedStream()
    blocks = []
    for frame in sensor.frames(1000):
        blocks.append(stream.push(frame, 0.0))
        assert stream.waiting_frames <= 300
    assert collect([*blocks, stream.interrupt()]).values.tolist() == list(range(3000))


def test_starting_again_at_another_rate_is_no_interruption() -> None:
    sensor = Sensor()
    stream = opened(sensor)
    first = stream.push(sensor.frame(), 0.0)
    held = sensor.frames(2)
    stream.push(held[1], 0.0)
    assert stream.begin(Started(320, sensor.clock_us, sensor.sequence, 1), 0.1) is None
    block = collect([first, stream.push(held[0], 0.1)])
    assert block.values.tolist() == list(range(9))


def test_a_clock_that_runs_backwards_is_not_believed() -> None:
    sensor = Sensor(clock_us=10_000_000)
    stream = opened(sensor)
    good = stream.push(sensor.frame(), 0.0)
    sensor.clock_us -= 5_000_000
    assert stream.push(sensor.frame(), 0.0) is None
    sensor.clock_us += 5_000_000
    after = stream.push(sensor.frame(), 0.0)
    assert stream.statistics.malformed == 1
    assert collect([good, after]).gap_before.tolist() == [False] * 3 + [True, False, False]


def test_saturation_follows_the_limits_of_the_sensor() -> None:
    stream = SequencedStream(lowest_count=-1000, highest_count=1000)
    stream.begin(Started(80, 0, 0, 1), 0.0)
    block = stream.push(MeasurementFrame(0, 10, 40, (999, 1000, -1000, -999, 5), saturated=True), 0.0)
    assert block is not None
    assert block.saturated.tolist() == [False, True, True, False, False]


@given(
    st.lists(st.tuples(st.integers(0, 65535), st.integers(0, TURN_US - 1), st.integers(1, 9)), max_size=200)
)
def test_any_frames_give_increasing_times_and_bounded_memory(raw: list[tuple[int, int, int]]) -> None:
    stream = SequencedStream()
    stream.begin(Started(80, 0, 0, 1), 0.0)
    blocks = []
    for sequence, time_us, n in raw:
        span_us = 1000 if n > 1 else 0
        blocks.append(stream.push(MeasurementFrame(sequence, time_us, span_us, (0,) * n), 0.0))
        assert stream.waiting_frames <= 3
    collect(blocks)


# -- a sensor that stamps but does not number -----------------------------------------------------


def progressor_times(n: int) -> np.ndarray:
    """11.35 ms steps, every sixteenth left out: a genuine export (Simon10937/Tindeq-Leaderboard)."""
    ticks = np.arange(2 * n)
    taken: np.ndarray = ticks[ticks % 16 != 15][:n]
    return 54_000 + 11_350 * taken


def test_a_sensor_that_skips_one_sample_in_sixteen_gives_no_alarm() -> None:
    stream = TimedStream(Unit.KILOGRAM_FORCE)
    times = progressor_times(4800)
    blocks = [
        stream.push(times[i : i + 15].tolist(), [1.0] * 15, i * 0.0121) for i in range(0, len(times), 15)
    ]
    block = collect(blocks)
    assert len(block) == 4800
    assert not block.gap_before.any()
    assert stream.statistics.gaps == 0
    assert stream.statistics.skipped == 4800 // 15 - 1


def test_a_lost_notification_of_such_a_sensor_is_a_gap() -> None:
    stream = TimedStream(Unit.KILOGRAM_FORCE)
    times = progressor_times(150)
    blocks = [stream.push(times[i : i + 15].tolist(), [1.0] * 15, 0.0) for i in range(0, 150, 15) if i != 75]
    assert np.flatnonzero(collect(blocks).gap_before).tolist() == [75]
    assert (stream.statistics.gaps, stream.statistics.skipped) == (
        1,
        7,
    )  # nine notifications have eight joints; one is the gap


def test_a_clock_of_32_bits_wraps_and_is_not_signed() -> None:
    stream = TimedStream(Unit.KILOGRAM_FORCE)
    stamps = [(2**31 - 30_000 + 12_500 * i) % TURN_US for i in range(10)]
    stamps += [(TURN_US - 30_000 + 12_500 * i) % TURN_US for i in range(10)]
    block = collect([stream.push([stamp], [0.0], 0.0) for stamp in stamps])
    assert len(block) == 20
    steps = np.delete(np.diff(block.time_s), 9)
    np.testing.assert_allclose(steps, 0.0125, atol=1e-9)


def test_repeated_stamps_are_dropped_and_counted() -> None:
    stream = TimedStream(Unit.KILOGRAM_FORCE)
    first = stream.push([100, 200, 200, 150, 300], [1.0, 2.0, 3.0, 4.0, 5.0], 0.0)
    assert first is not None
    assert first.values.tolist() == [1.0, 2.0, 5.0]
    assert stream.push([100, 200, 300], [1.0, 2.0, 5.0], 0.1) is None
    assert stream.statistics.duplicates == 5


def test_a_clock_that_starts_anew_goes_on_by_the_time_of_arrival() -> None:
    stream = TimedStream(Unit.KILOGRAM_FORCE)
    first = stream.push([0, 12_500], [1.0, 1.0], 10.0)
    stream.begin()
    second = stream.push([500, 13_000], [2.0, 2.0], 14.0)
    block = collect([first, second])
    assert block.time_s[-1] - block.time_s[1] == pytest.approx(4.0)
    assert block.gap_before.tolist() == [False, False, True, False]
