"""The firmware's Progressor-compatible service, read by the companion's own Progressor driver."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from bleak import BleakClient

from bandsense.link.ble import scanner
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.progressor import ProgressorDriver
from bandsense.link.sensor import open_sensor
from bandsense.samples import Unit, concatenate
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Options, Status
from bandsense.wire.bandsense.requests import SetOptions, Start, WriteCalibration
from tests.firmware.sensor import HostSensor, connected, find, until

pytestmark = pytest.mark.firmware

NEWTON_PER_COUNT = 1.0e-4
KGF_N = 9.80665
WEIGHTS = 0x01
NAN = float("nan")
BATTERY = b"\x00\x04" + (3950).to_bytes(4, "little")


@pytest.fixture
async def compatible(radio: VirtualRadio, sensor: HostSensor) -> HostSensor:
    """A calibrated sensor whose owner has switched the service on."""
    record = CalibrationRecord(newton_per_count=NEWTON_PER_COUNT, zero_counts=-12000).encode()
    async with connected(radio) as central:
        assert (await central.ask(WriteCalibration(40, 0, record))).status == Status.SUCCESS
        options = SetOptions(Options.PROGRESSOR)
        assert (await central.ask(options)).status == Status.SUCCESS
        assert central.client.services.get_service(progressor.SERVICE_UUID) is None
        assert (await central.information()).options == Options.PROGRESSOR
    await sensor.reboot()
    return sensor


async def test_our_own_driver_reads_it(
    radio: VirtualRadio, compatible: HostSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner, "all_drivers", lambda: (ProgressorDriver(),))
    adapter = await radio.adapter("gym")
    loop = asyncio.get_running_loop()
    transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
    blocks = []
    async with open_sensor("Progressor_CDEF", transport=transport) as sensor:
        assert sensor.information.serial == "123456789abcdef"
        assert sensor.information.unit is Unit.KILOGRAM_FORCE
        async for block in sensor.stream(80):
            blocks.append(block)
            if sum(map(len, blocks)) >= 160:
                break
    block = concatenate(blocks)
    converted = compatible.conversions()
    expected_n = [(counts + 12000) * NEWTON_PER_COUNT for _, counts, _ in converted[: len(block)]]
    np.testing.assert_allclose(block.values * KGF_N, expected_n, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(np.diff(block.time_s), 1 / 80, atol=2e-4)


async def test_commands_are_answered_and_dangerous_ones_ignored(
    radio: VirtualRadio, compatible: HostSensor
) -> None:
    device, data = await find(radio)
    assert data.local_name == "Progressor_"
    assert progressor.SERVICE_UUID in data.service_uuids
    async with BleakClient(device, backend=client_backend(await radio.adapter())) as client:
        heard: list[bytes] = []
        await client.start_notify(progressor.DATA_UUID, lambda _, value: heard.append(bytes(value)))

        async def ask(command: int) -> list[bytes]:
            """What is said to a command, but weights. Answers come in order: the battery's ends them."""
            heard.clear()
            for code in (command, 0x6F):
                await client.write_gatt_char(progressor.CONTROL_UUID, bytes([code]), response=True)
            await until(lambda: BATTERY in heard, "the battery's voltage")
            said = [value for value in heard if value[0] != WEIGHTS]
            assert said[-1] == BATTERY
            return said[:-1]

        def newest_kgf() -> list[float]:
            weights = [value for value in heard if value[0] == WEIGHTS]
            decoded = progressor.decode_notification(weights[-1]) if weights else None
            return list(decoded.weights_kgf) if isinstance(decoded, progressor.WeightNotification) else [NAN]

        assert await ask(0x6C) == [b"\x00\x00"]
        assert progressor.decode_version((await ask(0x6B))[0][2:]).count(".") == 2
        for dangerous in (0x69, 0x6A, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76):
            assert await ask(dangerous) == []
        await ask(0x65)
        await compatible.tell("load 400000")
        await until(lambda: min(newest_kgf()) > 4.1, "the load, for what pulls without it is less")
        await ask(0x64)
        await until(lambda: all(abs(kgf) < 3.0 for kgf in newest_kgf()), "a tare")
        await ask(0x66)
        assert await ask(0x6D) == []


async def test_streams_exclude_each_other(radio: VirtualRadio, compatible: HostSensor) -> None:
    async with connected(radio, pair=False) as central:
        await central.client.start_notify(progressor.DATA_UUID, lambda *_: None)
        await central.client.write_gatt_char(progressor.CONTROL_UUID, b"\x65", response=True)
        assert (await central.ask(Start(80))).status == Status.WRONG_STATE
        await central.client.write_gatt_char(progressor.CONTROL_UUID, b"\x66", response=True)
        assert (await central.ask(Start(80))).status == Status.SUCCESS
        await until(lambda: central.frames, "a frame")
