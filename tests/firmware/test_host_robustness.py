"""What a hostile or broken client, a lost link and a failing battery can do to the firmware: not much."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from bumble import hci
from bumble.device import Connection

from bandsense.sim.radio.bleak_backend import client_backend
from bandsense.sim.radio.virtual_radio import RadioController, VirtualRadio
from bandsense.wire.bandsense.answers import CalibrationPiece, Counters, Stopped
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import StatisticsPage, Status
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.requests import (
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    encode_request,
)
from bandsense.wire.bandsense.uuids import CONTROL_UUID, MEASUREMENT_UUID
from tests.firmware.sensor import RADIO_NAME, RESTART, HostSensor, advertised, connected, find, until
from tests.needs import IN_CI

pytestmark = pytest.mark.firmware

ATT, SIGNALLING, SECURITY, DYNAMIC = 4, 5, 6, 0x40
SECURITY_LENGTHS = {
    0x01: 6,
    0x02: 6,
    0x03: 16,
    0x04: 16,
    0x05: 1,
    0x06: 16,
    0x07: 10,
    0x08: 16,
    0x09: 7,
    0x0A: 16,
    0x0B: 1,
    0x0C: 64,
    0x0D: 16,
    0x0E: 1,
}
POWER_CUT = 137
STEPS_OF_A_BOOT_AND_A_WRITE = 60
ATT_OPCODES = (
    *(0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11),
    *(0x12, 0x13, 0x16, 0x17, 0x18, 0x19, 0x1B, 0x1D, 0x1E, 0x20, 0x21, 0x52, 0xD2),
)


def garbage(rng: random.Random, channel: int) -> bytes:
    """Bytes that look enough like the channel's packets to get past the first check."""
    body = rng.randbytes(rng.choice((0, 1, 2, 3, 4, 5, 6, 8, 17, 22, 64)))
    match channel:
        case 4:
            handle = rng.randrange(0, 48).to_bytes(2, "little")
            return bytes([rng.choice(ATT_OPCODES)]) + rng.choice(
                (body, handle + body, handle + handle + body)
            )
        case 5:
            length = len(body).to_bytes(2, "little")
            return bytes([rng.randrange(0x18), rng.randrange(256)]) + rng.choice((length, b"\xff\xff")) + body
        case 6:
            code = rng.choice(tuple(SECURITY_LENGTHS))
            return bytes([code]) + rng.choice((rng.randbytes(SECURITY_LENGTHS[code]), body))
        case _:
            return body


def link_of(client: BleakClient) -> Connection:
    """The Bumble connection behind a client of the virtual radio."""
    connection = client._backend._connection  # type: ignore[attr-defined]
    assert isinstance(connection, Connection)
    return connection


@pytest.mark.parametrize("channel", [ATT, SIGNALLING, SECURITY, DYNAMIC])
@pytest.mark.parametrize("window_open", [False, True])
async def test_garbage_does_not_stop_the_sensor(
    radio: VirtualRadio, sensor: HostSensor, channel: int, window_open: bool
) -> None:
    rng = random.Random(channel)
    async with connected(radio) as central:
        if window_open:
            await central.ask(OpenPairing(120))
    for _ in range(5):
        with contextlib.suppress(BleakError, TimeoutError):
            async with connected(radio, computer="stranger", pair=False, prepare=False) as central:
                connection = link_of(central.client)
                for _ in range(40):
                    if not central.client.is_connected:
                        break
                    connection.send_l2cap_pdu(channel, garbage(rng, channel))
                    await asyncio.sleep(0.002)
    assert sensor.process is not None
    assert sensor.process.returncode is None, "the firmware stopped"
    async with connected(radio, pair=False) as central:
        assert (await central.ask(Start(80))).status == Status.SUCCESS


async def test_the_link_may_end_anywhere_in_the_set_up(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    adapter = await radio.adapter()
    for step in range(25):
        device, _ = await find(radio)
        client = BleakClient(device, backend=client_backend(adapter))

        async def set_up(client: BleakClient = client) -> None:
            await client.connect()
            await client.start_notify(CONTROL_UUID, lambda *_: None)
            await client.start_notify(MEASUREMENT_UUID, lambda *_: None)
            for rate_hz in (80, 320):
                await client.write_gatt_char(CONTROL_UUID, encode_request(1, Start(rate_hz)), response=True)
                await asyncio.sleep(0.1)

        work = asyncio.create_task(set_up())
        await asyncio.sleep(0.015 * step)
        radio.lose_link(RADIO_NAME)
        await asyncio.wait({work}, timeout=0.3)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await client.disconnect()
    async with connected(radio, pair=False) as central:
        assert (await central.ask(Start(80))).status == Status.SUCCESS
        await until(lambda: central.frames, "a frame")


async def test_a_link_that_ends_before_it_is_served_leaves_the_sensor_on_the_air(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    adapter = await radio.adapter()
    for _ in range(20):  # whether it hears of the end before it has served the beginning is chance
        found, _ = await find(radio)
        with sensor.at_once():
            await adapter.connect(found.details["address"])
            radio.lose_link(RADIO_NAME)
            await until(lambda: not adapter.device.connections, "the end of the link")
    await find(radio)
    advertiser = radio.controller(RADIO_NAME).le_legacy_advertiser
    assert advertiser.advertising_interval_min == 32, "it was found only once it went on to advertise seldom"
    async with connected(radio) as central:
        assert (await central.ask(TimeMark())).status == Status.SUCCESS


def gaps(frames: list[tuple[float, MeasurementFrame]]) -> list[int]:
    """How many samples are missing between each frame and the next, by their sequence numbers."""
    return [
        (later.sequence - earlier.sequence - len(earlier.counts)) % 2**16
        for (_, earlier), (_, later) in itertools.pairwise(frames)
    ]


OVERTIME_S = 0.5
"""For how much longer than it was to a link may stand still, which keeps all samples also then."""


async def stands_still(sensor: HostSensor, still_s: float) -> float:
    """Acknowledge nothing for so long, by the device's clock; how long it was."""

    def time_s() -> float:
        return sensor.conversions()[-1][0] / 1e6

    begun_s = time_s()
    with sensor.unacknowledged():
        while time_s() < begun_s + still_s:
            await asyncio.sleep(0.05)
    return time_s() - begun_s


@pytest.mark.parametrize(
    ("rate_hz", "still_s", "is_lossless"),
    [(80, 3.9, True), (320, 3.5, True), pytest.param(320, 9.0, False, marks=pytest.mark.slow)],
)
async def test_a_link_that_stands_still_costs_no_sample_while_it_lives(
    radio: VirtualRadio, sensor: HostSensor, rate_hz: int, still_s: float, is_lossless: bool
) -> None:
    stood_s: float | None = None
    # A machine that is stopped meanwhile makes it longer than a link need bridge: then once more.
    while stood_s is None or (is_lossless and stood_s > still_s + OVERTIME_S):
        async with connected(radio) as central:
            await central.ask(Start(rate_hz))
            await until(lambda: central.frames, "a frame")
            stood_s = await stands_still(sensor, still_s)
            if not is_lossless:  # a stop at once would leave no frame after the gap to show it
                await until(lambda: any(gaps(central.frames)), "a frame after the gap")
            stopped = (await central.ask(Stop())).result
            counters = (await central.ask(ReadStatistics(StatisticsPage.COUNTERS))).result
        await sensor.reboot()
    assert isinstance(stopped, Stopped)
    assert isinstance(counters, Counters)
    heard = {counts_time for counts_time, _ in central.samples()}
    lost = stopped.next_sequence - len(heard)
    assert (lost == 0) == is_lossless
    assert lost == pytest.approx(9 * counters.notifications_dropped, abs=9)
    assert sum(gaps(central.frames)) == lost


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_power_cuts_at_flash_steps_while_in_use(radio: VirtualRadio, sensor: HostSensor) -> None:
    """The power fails after so many words written; bond and calibration are old or new, never lost."""
    records = [CalibrationRecord(newton_per_count=1e-4 * (i + 1)).encode() for i in range(2)]

    async def read_calibration() -> bytes:
        piece = (await central.ask(ReadCalibration(0))).result
        assert isinstance(piece, CalibrationPiece)
        return piece.data

    async with connected(radio) as central:
        await central.ask(WriteCalibration(40, 0, records[0]))
    stored = records[0]
    for cut_at in range(1, STEPS_OF_A_BOOT_AND_A_WRITE, 1 if IN_CI else 6):
        await sensor.reboot("--cut-at", str(cut_at))
        wanted = records[1] if stored == records[0] else records[0]

        async def use(stored: bytes = stored, wanted: bytes = wanted) -> bytes:
            nonlocal central
            async with connected(radio, pair=False) as central:
                assert await read_calibration() == stored
                await central.ask(WriteCalibration(40, 0, wanted))
                return wanted

        assert sensor.process is not None
        using, cut = asyncio.create_task(use()), asyncio.create_task(sensor.process.wait())
        await asyncio.wait({using, cut}, return_when=asyncio.FIRST_COMPLETED)
        if using.done() and using.exception() is None:
            stored = using.result()
            cut.cancel()
        else:
            assert await cut == POWER_CUT
            using.cancel()
            await asyncio.gather(using, return_exceptions=True)
        await sensor.reboot()
        async with connected(radio, pair=False) as central:
            assert await read_calibration() in (stored, wanted)
            stored = await read_calibration()


@pytest.mark.slow
async def test_a_sampler_that_hangs_is_ended_by_the_watchdog(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        await sensor.tell("converter hung")
        assert await sensor.exit_status() == 12
    assert "watchdog" in sensor.said


async def test_a_controller_that_fails_costs_a_restart_and_no_more(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    record = CalibrationRecord(newton_per_count=1e-4).encode()
    async with connected(radio) as central:
        await central.ask(WriteCalibration(len(record), 0, record))
        before = (await central.information()).boot_number
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        await sensor.break_controller()
        assert await sensor.exit_status() == RESTART
    await sensor.start()
    async with connected(radio, pair=False) as central:
        assert (await central.information()).boot_number == before + 1
        piece = (await central.ask(ReadCalibration(0))).result
        assert isinstance(piece, CalibrationPiece)
        assert piece.data == record
        assert (await central.ask(Start(80))).status == Status.SUCCESS
        await until(lambda: central.frames, "a frame")
        assert central.frames[0][1].gap_before


@pytest.mark.slow
async def test_a_controller_that_refuses_to_advertise_is_asked_again(
    radio: VirtualRadio, sensor: HostSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable = RadioController.on_hci_le_set_advertising_enable_command
    refused: list[hci.HCI_Command] = []

    def refuse_twice(controller: RadioController, command: Any) -> Any:
        if command.advertising_enable and len(refused) < 2:
            refused.append(command)
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        return enable(controller, command)

    monkeypatch.setattr(RadioController, "on_hci_le_set_advertising_enable_command", refuse_twice)
    await sensor.reboot()
    await find(radio)
    assert len(refused) == 2
    assert sensor.process is not None
    assert sensor.process.returncode is None


async def test_a_controller_without_private_addresses_will_do(
    radio: VirtualRadio, sensor: HostSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[hci.HCI_Command] = []

    def refuse(_controller: RadioController, command: hci.HCI_Command) -> hci.HCI_StatusReturnParameters:
        refused.append(command)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR)

    name = "on_hci_le_set_resolvable_private_address_timeout_command"
    monkeypatch.setattr(RadioController, name, refuse)
    await sensor.reboot()
    await sensor.tell("press 50")
    await advertised(radio, "pairing_open")
    async with connected(radio) as central:
        assert (await central.ask(TimeMark())).status == Status.SUCCESS
    assert refused
