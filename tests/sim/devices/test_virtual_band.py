from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError, BleakGATTProtocolError

from bandsense.sim.devices.hardware import Fault, Hardware, Step
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.scenario import Scenario
from bandsense.sim.physics.source import PersonSource, TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import Agent, VirtualRadio
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
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    ATT_CCC_IMPROPERLY_CONFIGURED,
    ATT_INSUFFICIENT_AUTHENTICATION,
    ATT_INVALID_LENGTH,
    ATT_PROCEDURE_IN_PROGRESS,
    CrashKind,
    Features,
    ResetCause,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    SelfTest,
    SetLabel,
    Sleep,
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
    MANUFACTURER_UUID,
    MEASUREMENT_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
)
from tests.support.profile_host import ProfileHost
from tests.support.sensors import ramp


class Host(ProfileHost):
    """A program with one sensor, and the radio between them."""

    def __init__(self, radio: VirtualRadio, client: BleakClient) -> None:
        super().__init__(client)
        self.radio = radio

    def samples(self) -> list[int]:
        return [count for _, frame in self.frames for count in frame.counts]


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


@pytest.fixture
async def band(radio: VirtualRadio) -> AsyncIterator[VirtualBand]:
    async with VirtualBand(radio, ramp()) as band:
        yield band


async def find(radio: VirtualRadio, computer: str = "computer") -> tuple[BLEDevice, AdvertisementData]:
    found: asyncio.Queue[tuple[BLEDevice, AdvertisementData]] = asyncio.Queue()
    backend = scanner_backend(await radio.adapter(computer))
    scanner = BleakScanner(lambda device, data: found.put_nowait((device, data)), backend=backend)
    async with scanner:
        while True:
            device, data = await asyncio.wait_for(found.get(), 2.0)
            if SERVICE_UUID in data.service_data:
                return device, data


async def advertised(radio: VirtualRadio, computer: str = "computer") -> Advertisement:
    _, data = await find(radio, computer)
    return Advertisement.decode(data.service_data[SERVICE_UUID])


async def client_of(radio: VirtualRadio, computer: str = "computer", *, pair: bool = False) -> BleakClient:
    device, _ = await find(radio, computer)
    backend = client_backend(await radio.adapter(computer))
    return BleakClient(device, backend=backend, pair=pair, timeout=2.0)


@pytest.fixture
async def host(radio: VirtualRadio, band: VirtualBand) -> AsyncIterator[Host]:
    client = await client_of(radio, pair=True)
    async with client:
        host = Host(radio, client)
        await host.prepare()
        yield host


# -- advertising and security ------------------------------------------------------------------------------


async def test_advertising_tells_what_a_scanner_wants_to_know(radio: VirtualRadio, band: VirtualBand) -> None:
    device, data = await find(radio)
    assert device.name == "bandsense"
    assert Advertisement.decode(data.service_data[SERVICE_UUID]) == Advertisement(
        battery_percent=87, pairing_open=True
    )
    await asyncio.sleep(60.0)
    band.set_battery(9)
    assert await advertised(radio) == Advertisement(battery_percent=9, low_battery=True)


async def test_while_connected_it_advertises_but_takes_no_second_central(
    radio: VirtualRadio, host: Host
) -> None:
    await host.ask(Start(80))
    seen = await advertised(radio, "phone")
    assert (seen.connected, seen.streaming) == (True, True)
    second = await client_of(radio, "phone")
    with pytest.raises(asyncio.TimeoutError):
        await second.connect()
    await host.client.disconnect()
    await second.connect()
    assert second.is_connected


async def test_in_clear_only_the_open_characteristics_can_be_used(
    radio: VirtualRadio, band: VirtualBand
) -> None:
    async with await client_of(radio) as client:
        information = Information.decode(bytes(await client.read_gatt_char(INFORMATION_UUID)))
        assert information.serial == band.hardware.serial
        assert await client.read_gatt_char(BATTERY_LEVEL_UUID) == b"\x57"
        assert await client.read_gatt_char(SERIAL_UUID) == b"5e4500000000ba5e"
        assert await client.read_gatt_char(MANUFACTURER_UUID) == b"bandsense"
        for uuid in (MEASUREMENT_UUID, CONTROL_UUID):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.start_notify(uuid, lambda _c, _d: None)
            assert refused.value.code == ATT_INSUFFICIENT_AUTHENTICATION
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(CONTROL_UUID, b"\x01\x02", response=True)
        assert refused.value.code == ATT_INSUFFICIENT_AUTHENTICATION
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char(MEASUREMENT_UUID)
        with pytest.raises(BleakGATTProtocolError):
            await client.write_gatt_char(INFORMATION_UUID, b"x", response=True)


async def test_pairing_only_within_the_window(radio: VirtualRadio, band: VirtualBand) -> None:
    await asyncio.sleep(60.0)
    async with await client_of(radio) as client:
        with pytest.raises(BleakError, match="PAIRING_NOT_SUPPORTED"):
            await client.pair()
        band.press_button()
        await client.pair()
        assert not band.pairing_open


async def test_the_fifth_bond_replaces_the_one_used_longest_ago(
    radio: VirtualRadio, band: VirtualBand
) -> None:
    for computer in ("one", "two", "three", "four"):
        async with await client_of(radio, computer, pair=True):
            band.press_button()
    async with await client_of(radio, "one"):
        pass
    async with await client_of(radio, "five", pair=True):
        pass
    async with await client_of(radio, "one") as client:
        await client.start_notify(MEASUREMENT_UUID, lambda _c, _d: None)
    with pytest.raises(BleakError):
        await (await client_of(radio, "two")).connect()


async def test_a_passkey_sensor_asks_for_it(radio: VirtualRadio) -> None:
    async with VirtualBand(radio, ramp(), hardware=Hardware(passkey=123456)) as band:
        adapter = await radio.adapter()
        async with await client_of(radio) as client:
            adapter.agent = Agent(passkey=1)
            with pytest.raises(BleakError, match="CONFIRM_VALUE_FAILED"):
                await client.pair()
            assert band.pairing_open
            adapter.agent = Agent(passkey=123456)
            await client.pair()
            await client.start_notify(MEASUREMENT_UUID, lambda _c, _d: None)
            data = await client.read_gatt_char(INFORMATION_UUID)
            assert Features.FIXED_PASSKEY in Information.decode(bytes(data)).features


async def test_forgotten_bonds_end_with_the_link(radio: VirtualRadio, band: VirtualBand, host: Host) -> None:
    assert (await host.ask(ForgetBonds(everyone=False))).status == Status.SUCCESS
    assert (await host.ask(TimeMark())).status == Status.SUCCESS
    await host.client.disconnect()
    with pytest.raises(BleakError):
        await (await client_of(radio)).connect()


# -- streaming ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "per_frame"), [(10, 1), (20, 1), (40, 2), (80, 3), (320, 9)])
async def test_every_sample_arrives_in_time(radio: VirtualRadio, rate_hz: int, per_frame: int) -> None:
    radio.connection_interval_s = 0.03
    async with VirtualBand(radio, ramp(30.0, rate_hz)) as band, await client_of(radio, pair=True) as client:
        host = Host(radio, client)
        await host.prepare()
        answer = await host.ask(Start(rate_hz))
        began_s = asyncio.get_running_loop().time()
        assert isinstance(answer.result, Started)
        await asyncio.sleep(10.0)
        assert isinstance((await host.ask(Stop())).result, Stopped)
        await asyncio.sleep(0.1)
        assert host.samples() == list(range(len(host.samples())))
        assert len(host.samples()) == pytest.approx(10 * rate_hz, abs=per_frame + rate_hz * 0.1)
        assert [frame for _, frame in host.frames] == [entry.frame for entry in band.log]
        assert {len(frame.counts) for _, frame in host.frames[:-1]} == {per_frame}
        for arrival_s, frame in host.frames:
            age_s = arrival_s - began_s - (frame.time_us - answer.result.time_us) / 1e6
            assert age_s <= 0.0601


async def test_smallest_mtu_takes_three_samples(radio: VirtualRadio) -> None:
    class Small(Fault):
        max_mtu = 23

    async with (
        VirtualBand(radio, ramp(10.0, 320), fault=Small()),
        await client_of(radio, pair=True) as client,
    ):
        host = Host(radio, client)
        await host.prepare()
        await host.ask(Start(320))
        await asyncio.sleep(2.0)
        assert host.samples() == list(range(len(host.samples())))
        assert {len(frame.counts) for _, frame in host.frames} == {3}


async def test_while_streaming_it_asks_for_a_short_interval(radio: VirtualRadio, host: Host) -> None:
    await host.ask(Start(80))
    await asyncio.sleep(0.2)
    [connection] = (await radio.adapter()).device.connections.values()
    assert 15.0 <= connection.parameters.connection_interval <= 30.0
    assert connection.parameters.peripheral_latency == 0
    assert connection.parameters.supervision_timeout == 4000.0


async def test_start_again_changes_nothing_and_stop_ends_it(host: Host, band: VirtualBand) -> None:
    first = (await host.ask(Start(80))).result
    await asyncio.sleep(1.0)
    second = (await host.ask(Start(80))).result
    assert isinstance(first, Started)
    assert isinstance(second, Started)
    assert second.next_sequence - first.next_sequence == 81
    assert second.time_us - first.time_us == pytest.approx(1_000_000, abs=2000)
    stopped = (await host.ask(Stop())).result
    assert isinstance(stopped, Stopped)
    heard = len(host.samples())
    assert stopped.next_sequence == heard
    await asyncio.sleep(1.0)
    assert len(host.samples()) == heard
    resumed = (await host.ask(Start(80))).result
    assert isinstance(resumed, Started)
    await asyncio.sleep(0.1)
    frame = host.frames[-1][1]
    assert resumed.next_sequence == heard
    assert any(f.gap_before and f.sequence == heard for _, f in host.frames)
    assert frame.counts[0] > heard + 70


async def test_another_rate_takes_effect_at_once(radio: VirtualRadio) -> None:
    async with (
        VirtualBand(radio, PersonSource(Scenario(seed=1))) as band,
        await client_of(radio, pair=True) as client,
    ):
        host = Host(radio, client)
        await host.prepare()
        await host.ask(Start(80))
        await asyncio.sleep(1.0)
        await host.ask(Start(20))
        switched = len(host.frames)
        await asyncio.sleep(1.0)
        slow = [frame for _, frame in host.frames[switched:]]
        assert slow[0].gap_before
        assert np.diff([frame.time_us for frame in slow]) == pytest.approx(50_000, rel=0.06)
        assert band.streaming


async def test_the_clock_and_the_numbers_wrap(radio: VirtualRadio) -> None:
    hardware = Hardware(clock_start_us=2**32 - 10_000_000, first_sequence=2**16 - 100)
    async with (
        VirtualBand(radio, ramp(), hardware=hardware) as band,
        await client_of(radio, pair=True) as client,
    ):
        host = Host(radio, client)
        await host.prepare()
        await host.ask(Start(80))
        await asyncio.sleep(20.0)
        times = [time_us for _, time_us, _ in band.sent_samples()]
        assert set(np.diff(times)) == {12_500}
        assert times[0] < 2**32 < times[-1]
        assert host.frames[-1][1].sequence < 2000


async def test_a_recording_goes_out_with_its_own_times(radio: VirtualRadio) -> None:
    times_us = np.cumsum(np.random.default_rng(3).integers(9_000, 16_000, 400))
    source = TraceSource(times_us / 1e6, np.arange(400) * 1e-4)
    async with VirtualBand(radio, source) as band, await client_of(radio, pair=True) as client:
        host = Host(radio, client)
        await host.prepare()
        await host.ask(Start(80))
        await asyncio.wait_for(band.finished.wait(), 60.0)
        await asyncio.sleep(0.1)
    rebuilt = [frame.time_us + offset for _, frame in host.frames for offset in frame.offsets_us]
    assert host.samples() == list(range(400))
    assert np.diff(rebuilt) == pytest.approx(np.diff(times_us), abs=200)
    assert max(abs(np.array(rebuilt) - rebuilt[0] - times_us + times_us[0])) <= 100


async def test_what_is_sampled_while_no_one_listens_passes_by(
    radio: VirtualRadio, host: Host, band: VirtualBand
) -> None:
    await host.ask(Start(80))
    await asyncio.sleep(1.0)
    before = host.samples()[-1]
    last = host.frames[-1][1]
    radio.lose_link("band")
    await asyncio.sleep(5.0)
    assert not band.streaming
    async with await client_of(radio) as client:
        again = Host(radio, client)
        await again.prepare()
        await again.ask(Start(80))
        await asyncio.sleep(1.0)
    assert again.frames[0][1].gap_before
    passed_us = again.frames[0][1].time_us - (last.time_us + last.span_us)
    assert passed_us > 5_000_000
    assert again.samples()[0] - before == round(passed_us / 12_500)


async def test_a_reset_begins_clock_numbers_and_boot_anew(
    radio: VirtualRadio, host: Host, band: VirtualBand
) -> None:
    await host.ask(SetLabel("left"))
    await host.ask(Start(80))
    await asyncio.sleep(2.0)
    await band.reboot(ResetCause.WATCHDOG)
    await asyncio.sleep(0.5)
    assert not host.client.is_connected
    async with await client_of(radio) as client:
        again = Host(radio, client)
        await again.prepare()
        started = (await again.ask(Start(80))).result
        counters = (await again.ask(ReadStatistics(StatisticsPage.COUNTERS))).result
        information = Information.decode(bytes(await client.read_gatt_char(INFORMATION_UUID)))
        await asyncio.sleep(0.1)
    assert isinstance(started, Started)
    assert (started.boot_number, started.next_sequence) in ((2, 0), (2, 1))
    assert started.time_us < 2_000_000
    assert isinstance(counters, Counters)
    assert (counters.resets, counters.reset_cause) == (2, ResetCause.WATCHDOG)
    assert information.label == information.name == "left"


# -- control point -----------------------------------------------------------------------------------------


async def test_refusals_of_the_write_itself(host: Host, radio: VirtualRadio) -> None:
    async def code(data: bytes) -> int:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await host.write(data)
        return int(refused.value.code)

    assert await code(b"\x01") == ATT_INVALID_LENGTH
    radio.connection_interval_s = 0.03
    await host.write(encode_request(1, TimeMark()))
    assert await code(encode_request(2, TimeMark())) == ATT_PROCEDURE_IN_PROGRESS
    assert (await host.answer()).request_id == 1
    radio.connection_interval_s = 0.0
    await host.client.stop_notify(CONTROL_UUID)
    assert await code(encode_request(3, TimeMark())) == ATT_CCC_IMPROPERLY_CONFIGURED


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        ("0755", Status.UNKNOWN_OPCODE),
        ("070150", Status.WRONG_LENGTH),
        ("07015100", Status.OUT_OF_RANGE),
        ("070604", Status.OUT_OF_RANGE),
        ("070729", Status.OUT_OF_RANGE),
        ("07082801ff", Status.OUT_OF_RANGE),
        ("070979", Status.OUT_OF_RANGE),
        ("0705fffe", Status.OUT_OF_RANGE),
    ],
)
async def test_refused_requests(host: Host, request_bytes: str, status: Status) -> None:
    data = bytes.fromhex(request_bytes)
    await host.write(data)
    assert await host.answer() == Answer(data[0], data[1], status)


async def test_calibration_is_read_and_written_in_pieces(host: Host, band: VirtualBand) -> None:
    async def read() -> bytes:
        record = b""
        while True:
            piece = (await host.ask(ReadCalibration(len(record)))).result
            assert isinstance(piece, CalibrationPiece)
            record += piece.data
            if len(record) == piece.total:
                return record

    assert CalibrationRecord.decode(await read()).newton_per_count == pytest.approx(1e-4)
    new = CalibrationRecord(newton_per_count=2e-4, zero_counts=77, made_at_s=1_700_000_000).encode()
    for offset in range(0, 40, 10):
        piece = WriteCalibration(40, offset, new[offset : offset + 10])
        assert (await host.ask(piece)).status == Status.SUCCESS
    assert await read() == band.memory.calibration == new

    damaged = bytearray(new)
    damaged[20] ^= 1
    later = bytes([2]) + new[1:]
    later = later[:36] + zlib.crc32(later[:36]).to_bytes(4, "little")
    assert (await host.ask(WriteCalibration(40, 0, bytes(damaged)))).status == Status.CRC_MISMATCH
    assert (await host.ask(WriteCalibration(40, 0, later))).status == Status.UNSUPPORTED_VERSION
    assert (await host.ask(WriteCalibration(40, 5, new[5:]))).status == Status.OUT_OF_RANGE
    await host.ask(Start(80))
    assert (await host.ask(WriteCalibration(40, 0, new))).status == Status.WRONG_STATE
    assert band.memory.calibration == new


async def test_small_requests(host: Host, band: VirtualBand, radio: VirtualRadio) -> None:
    await host.ask(Identify(5))
    assert band.identifying
    await host.ask(Identify(0))
    assert not band.identifying
    await host.ask(OpenPairing(30))
    assert band.pairing_open
    assert (await advertised(radio, "phone")).pairing_open
    await host.ask(OpenPairing(0))
    assert not band.pairing_open
    page = ReadStatistics(StatisticsPage.SELF_TEST)
    before = (await host.ask(page)).result
    assert isinstance(before, SelfTestResult)
    assert before.not_run
    await host.ask(SelfTest())
    after = (await host.ask(page)).result
    assert isinstance(after, SelfTestResult)
    assert after.passed
    crash = (await host.ask(ReadStatistics(StatisticsPage.CRASH))).result
    assert crash == Crash(CrashKind.NONE, 0, 0, 0)
    await asyncio.sleep(3.0)
    mark = (await host.ask(TimeMark())).result
    assert isinstance(mark, TimeMarked)
    assert mark.time_us == pytest.approx(asyncio.get_running_loop().time() * 1e6, abs=2e5)


async def test_sleep_closes_the_link_and_goes_off_the_air(
    host: Host, band: VirtualBand, radio: VirtualRadio
) -> None:
    assert (await host.ask(Sleep())).status == Status.SUCCESS
    await asyncio.sleep(0.5)
    assert not host.client.is_connected
    with pytest.raises(asyncio.TimeoutError):
        await find(radio)
    await band.power_on(ResetCause.WAKE_FROM_OFF)
    assert (await advertised(radio)).connected is False


async def test_only_a_factory_new_sensor_opens_its_window_at_boot(radio: VirtualRadio) -> None:
    """Section 8 of the profile names three ways to open it; a boot is none of them, bonds or not."""
    async with VirtualBand(radio, ramp()) as band:
        assert band.pairing_open
        await band.reboot()
        assert not band.pairing_open
        await band.factory_reset()
        assert band.pairing_open
        await band.reboot()
        assert not band.pairing_open


async def test_factory_reset(host: Host, band: VirtualBand, radio: VirtualRadio) -> None:
    await host.ask(SetLabel("left"))
    await band.factory_reset()
    assert band.pairing_open
    device, _ = await find(radio)
    assert device.name == "bandsense"
    assert band.memory.label == ""
    with pytest.raises(BleakError):
        await (await client_of(radio)).connect()


async def test_battery_notifies(host: Host, band: VirtualBand) -> None:
    levels: list[int] = []
    await host.client.start_notify(BATTERY_LEVEL_UUID, lambda _, data: levels.append(data[0]))
    band.set_battery(50)
    await asyncio.sleep(0.1)
    band.set_battery(10)
    await host.ask(Start(80))
    await asyncio.sleep(0.1)
    assert levels == [50, 10]
    assert all(frame.low_battery for _, frame in host.frames)


async def test_the_steps_of_a_connection_are_seen_in_order(radio: VirtualRadio) -> None:
    class Witness(Fault):
        def __init__(self) -> None:
            self.seen: list[Step] = []

        def step(self, band: VirtualBand, step: Step) -> None:
            if step not in self.seen:
                self.seen.append(step)

    witness = Witness()
    async with VirtualBand(radio, ramp(), fault=witness), await client_of(radio, pair=True) as client:
        await client.read_gatt_char(INFORMATION_UUID)
        host = Host(radio, client)
        await host.prepare()
        await host.ask(Start(80))
        await asyncio.sleep(0.1)
    assert set(witness.seen) == set(Step)
    assert witness.seen[0] is Step.CONNECTED
    assert witness.seen[-1] is Step.FIRST_FRAME
