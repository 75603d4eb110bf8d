"""Laws of the bandsense profile that hold for every value and for every byte string."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.errors import CommandError, FrameError
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import (
    Answer,
    CalibrationPiece,
    Counters,
    Crash,
    SelfTestResult,
    Started,
    Stopped,
    TimeMarked,
    decode_answer,
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    COUNT_MAX,
    COUNT_MIN,
    RATES_HZ,
    CalibrationGrade,
    Features,
    Opcode,
    Options,
    ResetCause,
    SelfTestBits,
    StatisticsPage,
    Status,
    status_text,
)
from bandsense.wire.bandsense.information import Information, advertised_name
from bandsense.wire.bandsense.measurement import MeasurementFrame, samples_per_frame
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    Request,
    RequestRefused,
    SelfTest,
    SetLabel,
    SetOptions,
    Sleep,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    decode_request,
    encode_request,
)

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
i32 = st.integers(-(2**31), 2**31 - 1)
labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=16).filter(
    lambda t: len(t.encode()) <= 16
)
finite32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def frames(draw: st.DrawFn) -> MeasurementFrame:
    counts = draw(st.lists(st.integers(COUNT_MIN, COUNT_MAX), min_size=1, max_size=80))
    span = draw(st.integers(1, 0xFF_FFFF)) if len(counts) > 1 else 0
    flags = [draw(st.booleans()) for _ in range(4)]
    return MeasurementFrame(draw(u16), draw(u32), span, tuple(counts), *flags)


every_information = st.builds(
    Information,
    serial=st.integers(0, 2**64 - 1),
    boot_number=u16,
    gain=u8,
    rates_hz=st.sets(st.sampled_from(RATES_HZ)).map(lambda rates: tuple(sorted(rates))),
    features=st.builds(Features, u16),
    full_scale_n=st.none() | st.integers(1, 2**32 - 1).map(lambda mn: mn / 1000),
    highest_count=i32,
    lowest_count=i32,
    options=st.builds(Options, u8),
    label=labels,
    minor=u8,
)
records = st.builds(
    CalibrationRecord,
    newton_per_count=finite32.filter(bool),
    zero_counts=i32,
    grade=st.sampled_from(CalibrationGrade),
    newton_per_count2=finite32,
    newton_per_kelvin=finite32,
    reference_temperature_c=st.none() | st.floats(-300, 300),
    zero_uncertainty_n=finite32,
    span_uncertainty=finite32,
    made_at_s=u32,
)
advertisements = st.builds(
    Advertisement,
    st.none() | st.integers(0, 100),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    u8,
)
pieces = st.binary(max_size=40).flatmap(
    lambda data: st.integers(0, 40 - len(data)).map(lambda offset: WriteCalibration(40, offset, data))
)
requests: st.SearchStrategy[Request] = st.one_of(
    st.sampled_from(RATES_HZ).map(Start),
    u8.map(Identify),
    labels.map(SetLabel),
    st.sampled_from(StatisticsPage).map(ReadStatistics),
    u8.map(ReadCalibration),
    pieces,
    st.integers(0, 120).map(OpenPairing),
    st.booleans().map(ForgetBonds),
    u8.map(Options).map(SetOptions),
    st.sampled_from([Stop(), Sleep(), TimeMark(), SelfTest()]),
)
results: dict[Opcode, st.SearchStrategy[Any]] = {
    Opcode.START: st.builds(Started, u16, u32, u16, u16),
    Opcode.STOP: st.builds(Stopped, u32, u16),
    Opcode.TIME_MARK: st.builds(TimeMarked, u32, u16, u16),
    Opcode.READ_STATISTICS: st.one_of(
        st.builds(Counters, u32, u32, u32, u16, st.sampled_from(ResetCause)),
        st.builds(
            SelfTestResult,
            u8.map(SelfTestBits),
            u32.map(lambda sixteenths: sixteenths / 16),
            i32,
            u16,
            u16,
            st.none() | st.integers(-0x7FFF, 0x7FFF).map(lambda centi: centi / 100),
        ),
        st.builds(Crash, u8, u32, u32, u16),
    ),
    Opcode.READ_CALIBRATION: st.binary(max_size=200).flatmap(
        lambda data: st.builds(CalibrationPiece, st.just(255), st.integers(0, 255 - len(data)), st.just(data))
    ),
}
answers = st.one_of(
    *(st.builds(Answer, u8, st.just(opcode), st.just(0), result) for opcode, result in results.items()),
    st.builds(Answer, u8, st.sampled_from(sorted(set(Opcode) - set(results))), st.just(0)),
    st.builds(Answer, u8, u8, st.integers(1, 255)),
)


@given(frames())
def test_a_frame_survives_the_air(frame: MeasurementFrame) -> None:
    assert MeasurementFrame.decode(frame.encode()) == frame


@given(frames())
def test_sample_times_run_from_the_first_to_the_last(frame: MeasurementFrame) -> None:
    offsets = frame.offsets_us
    assert (offsets[0], offsets[-1], len(offsets)) == (0, frame.span_us, len(frame.counts))
    for i, offset in enumerate(offsets):
        ideal = i * frame.span_us / max(len(offsets) - 1, 1)
        assert abs(offset - ideal) <= 0.5 + 1e-6


@given(every_information)
def test_information_survives_the_air(information: Information) -> None:
    assert Information.decode(information.encode()) == information


@given(records)
def test_a_calibration_survives_the_air(record: CalibrationRecord) -> None:
    assert CalibrationRecord.decode(record.encode()) == record


@given(records, st.integers(0, 40 * 8 - 1))
def test_a_calibration_with_one_bit_flipped_is_refused(record: CalibrationRecord, bit: int) -> None:
    damaged = bytearray(record.encode())
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        CalibrationRecord.decode(bytes(damaged))


@given(advertisements)
def test_service_data_survives_the_air(advertisement: Advertisement) -> None:
    assert Advertisement.decode(advertisement.encode()) == advertisement


@given(u8, requests)
def test_a_request_survives_the_air(request_id: int, request: Request) -> None:
    assert decode_request(encode_request(request_id, request)) == (request_id, request)


@given(answers)
def test_an_answer_survives_the_air(answer: Answer) -> None:
    assert decode_answer(answer.encode()) == answer


@pytest.mark.parametrize(
    "decode",
    [
        MeasurementFrame.decode,
        Information.decode,
        CalibrationRecord.decode,
        Advertisement.decode,
        decode_answer,
    ],
)
@given(data=st.binary(max_size=300))
def test_any_bytes_decode_or_raise_a_frame_error(decode: Callable[[bytes], Any], data: bytes) -> None:
    try:
        value = decode(data)
    except FrameError:
        return
    if hasattr(value, "encode"):
        assert decode(value.encode()) == value


@given(st.binary(max_size=60))
def test_any_request_is_understood_or_refused_with_a_status(data: bytes) -> None:
    try:
        request_id, request = decode_request(data)
    except RequestRefused as refused:
        status = refused.status
    else:
        assert encode_request(request_id, request) == data
        return
    assert (status is None) == (len(data) < 2)


@given(frames(), st.data())
def test_a_torn_frame_is_refused(frame: MeasurementFrame, data: st.DataObject) -> None:
    whole = frame.encode()
    with pytest.raises(FrameError):
        MeasurementFrame.decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    ("rate_hz", "att_mtu", "expected"),
    # docs/protocol.md section 2, Batching
    [(10, 247, 1), (20, 247, 1), (40, 247, 2), (80, 247, 3), (320, 247, 9), (320, 23, 3), (80, 23, 3)],
)
def test_batching(rate_hz: int, att_mtu: int, expected: int) -> None:
    assert samples_per_frame(rate_hz, att_mtu) == expected
    size = len(MeasurementFrame(0, 0, 1 if expected > 1 else 0, (0,) * expected).encode())
    assert size <= att_mtu - 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: MeasurementFrame(65536, 0, 0, (1,)),
        lambda: MeasurementFrame(0, 2**32, 0, (1,)),
        lambda: MeasurementFrame(0, 0, 0, ()),
        lambda: MeasurementFrame(0, 0, 1, (0,) * 81),
        lambda: MeasurementFrame(0, 0, 5, (1,)),
        lambda: MeasurementFrame(0, 0, 0, (2**23,)),
        lambda: CalibrationRecord(0.0),
        lambda: CalibrationRecord(1e-60),
        lambda: CalibrationRecord(1e60),
        lambda: CalibrationRecord(1.0, reference_temperature_c=float("nan")),
        lambda: Advertisement(101),
        lambda: Information(serial=1, boot_number=1, gain=32, label="x" * 17),
        lambda: Information(serial=1, boot_number=1, gain=32, label="\ud800"),
        lambda: Information(serial=1, boot_number=1, gain=32, rates_hz=(80, 10)),
    ],
)
def test_a_value_that_cannot_be_sent_cannot_be_made(make: Callable[[], Any]) -> None:
    with pytest.raises(FrameError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Start(50),
        lambda: Identify(256),
        lambda: SetLabel("ü" * 9),
        lambda: SetLabel("\ud800"),
        lambda: OpenPairing(121),
        lambda: ReadCalibration(-1),
        lambda: WriteCalibration(40, 39, b"ab"),
        lambda: encode_request(256, Stop()),
        lambda: Answer(1, Opcode.STOP).encode(),
        lambda: Answer(1, Opcode.SLEEP, 0, Stopped(0, 0)).encode(),
        lambda: Answer(1, Opcode.STOP, 0, Stopped(-1, 0)).encode(),
        lambda: Answer(1, Opcode.STOP, 4, Stopped(1, 0)).encode(),
    ],
)
def test_a_command_that_cannot_be_sent_cannot_be_made(make: Callable[[], Any]) -> None:
    with pytest.raises(CommandError):
        make()


def test_every_status_is_told_in_words() -> None:
    assert len({status_text(status) for status in Status}) == len(Status)
    assert "200" in status_text(200)


def test_the_advertised_name_ends_in_the_serial() -> None:
    assert advertised_name(0x0011_2233_4455_66F7) == "bandsense-66F7"
    assert Information(serial=0xABCD, boot_number=0, gain=32).name == "bandsense-ABCD"
    assert Information(serial=0xABCD, boot_number=0, gain=32, label="left").name == "left"
