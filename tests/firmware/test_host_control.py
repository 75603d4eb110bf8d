from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakGATTProtocolError

from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.answers import CalibrationPiece, Counters, Crash, SelfTestResult, TimeMarked
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    ATT_CCC_IMPROPERLY_CONFIGURED,
    ATT_INVALID_LENGTH,
    ATT_PROCEDURE_IN_PROGRESS,
    CrashKind,
    ResetCause,
    SelfTestBits,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.requests import (
    Identify,
    ReadCalibration,
    ReadStatistics,
    SelfTest,
    SetLabel,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    encode_request,
)
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    CONTROL_UUID,
    INFORMATION_UUID,
    MEASUREMENT_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
    SMP_CHARACTERISTIC_UUID,
    SMP_SERVICE_UUID,
)
from tests.firmware.sensor import HostSensor, connected, until
from tests.firmware.updates import factory_flash, host_arguments

pytestmark = pytest.mark.firmware

RECORD = CalibrationRecord(newton_per_count=1.25e-4, zero_counts=-12000).encode()
DEVICE_NAME = "00002a00-0000-1000-8000-00805f9b34fb"
BATTERY = "0000180f-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION = "0000180a-0000-1000-8000-00805f9b34fb"
DATABASE_HASH = "00002b2a-0000-1000-8000-00805f9b34fb"


async def test_malformed_requests_are_answered_as_the_vectors_say(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio) as central:
        for too_short in (b"", b"\x01"):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await central.write(too_short)
            assert refused.value.code == ATT_INVALID_LENGTH
        for value, status in (
            (b"\x01\x7f", Status.UNKNOWN_OPCODE),
            (b"\x02\x01", Status.WRONG_LENGTH),
            (b"\x03\x01\x32\x00", Status.OUT_OF_RANGE),
            (b"\x04\x06\x09", Status.OUT_OF_RANGE),
            (b"\x05\x05" + b"a" * 17, Status.WRONG_LENGTH),
            (b"\x06\x09\x79", Status.OUT_OF_RANGE),
            (b"\x07\x02" + b"\0" * 200, Status.WRONG_LENGTH),
        ):
            await central.write(value)
            answer = await central.answer()
            assert (answer.request_id, answer.opcode, answer.status) == (value[0], value[1], status)


async def test_requests_need_a_subscription(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio, prepare=False) as central:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await central.write(encode_request(1, TimeMark()))
    assert refused.value.code == ATT_CCC_IMPROPERLY_CONFIGURED


async def test_one_request_at_a_time(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        # A self test takes most of a second. Only a very busy machine may be late with the next request.
        refusals: list[int] = []
        while not refusals:
            await central.write(encode_request(1, SelfTest()))
            try:
                await central.write(encode_request(2, TimeMark()))
            except BleakGATTProtocolError as error:
                refusals.append(error.code)
            first_is_answered = not central.answers.empty()
            assert (await central.answer()).request_id == 1
            if not refusals:
                assert first_is_answered, "two requests at a time"
                assert (await central.answer()).request_id == 2
        assert refusals == [ATT_PROCEDURE_IN_PROGRESS]
        # The confirmation of an answer opens the way for the next request at once.
        for _ in range(50):
            assert (await central.ask(TimeMark())).status == Status.SUCCESS


async def test_calibration_is_kept_whole_or_not_at_all(radio: VirtualRadio, sensor: HostSensor) -> None:
    async def read() -> bytes:
        record = b""
        while True:
            piece = (await central.ask(ReadCalibration(len(record)))).result
            assert isinstance(piece, CalibrationPiece)
            if not piece.data:
                return record
            record += piece.data

    async def write(record: bytes, piece: int) -> list[int]:
        return [
            (await central.ask(WriteCalibration(40, i, record[i : i + piece]))).status
            for i in range(0, len(record), piece)
        ]

    async with connected(radio) as central:
        assert await read() == b""
        assert await write(RECORD, 16) == [Status.SUCCESS] * 3
        assert await read() == RECORD
        damaged = bytes([RECORD[0], RECORD[1], RECORD[2], RECORD[3] ^ 1]) + RECORD[4:]
        assert (await write(damaged, 40)) == [Status.CRC_MISMATCH]
        assert (await central.ask(WriteCalibration(40, 8, RECORD[8:16]))).status == Status.OUT_OF_RANGE
        assert (await central.ask(ReadCalibration(41))).status == Status.OUT_OF_RANGE
        assert await read() == RECORD
        await central.ask(Start(80))
        assert await write(RECORD, 40) == [Status.WRONG_STATE]
        await central.ask(Stop())
    await sensor.reboot()
    async with connected(radio, pair=False) as central:
        assert await read() == RECORD


async def test_label_and_options_are_kept(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert bytes(await central.client.read_gatt_char(DEVICE_NAME)) == b"bandsense-CDEF"
        assert (await central.ask(SetLabel("Tür links"))).status == Status.SUCCESS
        assert (await central.information()).label == "Tür links"
        assert bytes(await central.client.read_gatt_char(DEVICE_NAME)).decode() == "Tür links"
    await sensor.reboot()
    async with connected(radio, pair=False) as central:
        assert (await central.information()).label == "Tür links"
        await central.ask(SetLabel(""))
        assert bytes(await central.client.read_gatt_char(DEVICE_NAME)) == b"bandsense-CDEF"


async def test_statistics(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        before = (await central.ask(ReadStatistics(StatisticsPage.SELF_TEST))).result
        assert isinstance(before, SelfTestResult)
        assert before.outcome == SelfTestBits.NOT_RUN
        assert (await central.ask(SelfTest())).status == Status.SUCCESS
        tested = (await central.ask(ReadStatistics(StatisticsPage.SELF_TEST))).result
        assert isinstance(tested, SelfTestResult)
        assert tested.excitation_mv == 3000
        await sensor.tell("excitation 2500")
        await central.ask(SelfTest())
        tested = (await central.ask(ReadStatistics(StatisticsPage.SELF_TEST))).result
        assert tested.outcome & SelfTestBits.EXCITATION_OUT_OF_RANGE
        await sensor.tell("converter absent")
        await central.ask(SelfTest())
        tested = (await central.ask(ReadStatistics(StatisticsPage.SELF_TEST))).result
        assert tested.outcome == SelfTestBits.CONVERTER_ABSENT
        await sensor.tell("converter ok")
        await central.ask(Start(80))
        assert (await central.ask(SelfTest())).status == Status.WRONG_STATE


async def test_the_last_crash_and_reset_are_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--crash", "27f3c", "--reset-cause", "software")
    for reset_cause in (ResetCause.SOFTWARE, ResetCause.WATCHDOG):
        async with connected(radio, pair=False) as central:
            counters = (await central.ask(ReadStatistics(StatisticsPage.COUNTERS))).result
            crash = (await central.ask(ReadStatistics(StatisticsPage.CRASH))).result
        assert isinstance(counters, Counters)
        assert counters.reset_cause == reset_cause
        assert crash == Crash(CrashKind.PANIC, 0x27F3C, 0, 1)
        await sensor.reboot("--reset-cause", "watchdog")


async def test_time_mark_is_the_arrival(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        loop = asyncio.get_running_loop()
        marks = []
        for _ in range(20):
            before_s = loop.time()
            mark = (await central.ask(TimeMark())).result
            assert isinstance(mark, TimeMarked)
            marks.append((mark.time_us / 1e6 - before_s, loop.time() - before_s))
            await asyncio.sleep(0.02)
    offsets = [offset_s for offset_s, _ in marks]
    round_trips = [round_trip_s for _, round_trip_s in marks]
    assert max(offsets) - min(offsets) <= max(round_trips)


async def test_identify_is_seen(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert "light white" not in sensor.said
        await central.ask(Identify(60))
        await sensor.says("light white")
        sensor.said.clear()
        await central.ask(Identify(0))
        await sensor.says("light green")
        sensor.said.clear()
        await asyncio.sleep(0.5)
        assert "light white" not in sensor.said
        await central.ask(Identify(1))
        await sensor.says("light white")
        await until(lambda: "light green" in "\n".join(sensor.said).rpartition("white")[2], "its end")


async def test_the_table_is_the_one_of_the_profile(radio: VirtualRadio, sensor: HostSensor) -> None:
    await sensor.cut_power()
    sensor.flash.write_bytes(factory_flash())
    await sensor.start(*host_arguments())
    async with connected(radio, pair=False, prepare=False) as central:
        table = {
            service.uuid: {c.uuid: set(c.properties) for c in service.characteristics}
            for service in central.client.services
        }
    assert table[SERVICE_UUID] == {
        MEASUREMENT_UUID: {"notify"},
        CONTROL_UUID: {"write", "indicate"},
        INFORMATION_UUID: {"read"},
    }
    assert table[SMP_SERVICE_UUID] == {SMP_CHARACTERISTIC_UUID: {"write-without-response", "notify"}}
    assert table[BATTERY] == {BATTERY_LEVEL_UUID: {"read", "notify"}}
    assert SERIAL_UUID in table[DEVICE_INFORMATION]


async def test_the_table_has_a_hash_that_stays(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio, pair=False, prepare=False) as central:
        first = bytes(await central.client.read_gatt_char(DATABASE_HASH))
    await sensor.reboot()
    async with connected(radio, pair=False, prepare=False) as central:
        assert bytes(await central.client.read_gatt_char(DATABASE_HASH)) == first
    assert any(first)


async def test_battery_is_read_and_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    await sensor.reboot("--hurried")
    async with connected(radio, pair=False, prepare=False) as central:
        level = await central.client.read_gatt_char(BATTERY_LEVEL_UUID)
        assert level[0] == 78  # 3.95 V
        told: list[int] = []
        await central.client.start_notify(BATTERY_LEVEL_UUID, lambda _, data: told.append(data[0]))
        await sensor.tell("battery 3690")
        await until(lambda: told, "news of the battery")
    assert told == [12]
