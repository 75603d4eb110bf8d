from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bandsense.sim.devices.framer import Framer, Sample
from bandsense.wire.bandsense.measurement import MeasurementFrame


def frames_of(samples: list[Sample], per_frame: int, sequence: int = 0) -> list[MeasurementFrame]:
    framer = Framer(sequence)
    frames = [frame for sample in samples for frame in framer.push(sample, per_frame)]
    return frames + framer.flush()


def regular(n: int, start_us: int = 1_000_000, period_us: int = 12_500) -> list[Sample]:
    return [Sample(start_us + i * period_us, i) for i in range(n)]


def test_first_frame_of_a_stream_is_the_golden_one() -> None:
    samples = [Sample(1_000_000, 0), Sample(1_012_500, 1), Sample(1_025_000, -1)]
    [frame] = frames_of(samples, 3)
    assert frame.encode().hex() == "0000040340420f00a86100000000010000ffffff"


def test_sequence_and_clock_wrap() -> None:
    frames = frames_of(regular(6, start_us=2**32 - 7_296), 3, sequence=65_535)
    assert [frame.sequence for frame in frames] == [65_535, 2]
    assert [frame.time_us for frame in frames] == [2**32 - 7_296, 30_204]
    assert [frame.gap_before for frame in frames] == [True, False]


def test_a_frame_never_reaches_over_an_overrun() -> None:
    samples = regular(5)
    samples[1] = Sample(samples[1].device_us, 1, overrun=True)
    frames = frames_of(samples, 3)
    assert [len(frame.counts) for frame in frames] == [1, 3, 1]
    assert [(frame.overrun, frame.gap_before) for frame in frames] == [
        (False, True),
        (True, True),
        (False, False),
    ]


def test_an_interruption_marks_the_next_frame() -> None:
    framer = Framer()
    first, second = regular(2)
    framer.push(first, 3)
    [frame] = framer.interrupt()
    assert len(frame.counts) == 1
    framer.push(second, 3)
    [after] = framer.flush()
    assert after.gap_before
    assert after.sequence == 1


@given(
    st.lists(st.integers(1, 60_000), min_size=1, max_size=60),
    st.integers(1, 9),
    st.integers(0, 2**33),
)
def test_every_sample_comes_back_within_100_us(intervals: list[int], per_frame: int, start_us: int) -> None:
    times = [start_us]
    for interval_us in intervals:
        times.append(times[-1] + interval_us)
    samples = [Sample(time_us, count) for count, time_us in enumerate(times)]
    frames = [MeasurementFrame.decode(frame.encode()) for frame in frames_of(samples, per_frame)]
    rebuilt = [
        (frame.time_us + offset_us, count)
        for frame in frames
        for offset_us, count in zip(frame.offsets_us, frame.counts, strict=True)
    ]
    assert [count for _, count in rebuilt] == list(range(len(times)))
    assert all(
        abs((got - want + 2**31) % 2**32 - 2**31) <= 100
        for (got, _), want in zip(rebuilt, times, strict=True)
    )
    assert all(len(frame.counts) <= per_frame for frame in frames)
