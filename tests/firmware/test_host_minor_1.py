"""What minor version 1 of the profile brought (docs/protocol.md section 12), but for the force service."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import open_sensor
from bandsense.samples import concatenate
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.answers import SelfTestResult, Supply
from bandsense.wire.bandsense.codes import Features, Options, StatisticsPage, Status
from bandsense.wire.bandsense.requests import (
    ReadStatistics,
    SelfTest,
    SetLabel,
    SetOptions,
    Start,
    Stop,
)
from bandsense.wire.bandsense.uuids import SERIAL_UUID
from tests.firmware.sensor import PATIENCE_S, Central, HostSensor, advertised, connected, find, until

pytestmark = pytest.mark.firmware

DEVICE_NAME = "00002a00-0000-1000-8000-00805f9b34fb"


async def supply(central: Central) -> Supply:
    answer = await central.ask(ReadStatistics(StatisticsPage.SUPPLY))
    assert isinstance(answer.result, Supply)
    return answer.result


async def test_the_first_six_tenths_of_a_second_are_told_to_settle(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--settling", "600")
    async with connected(radio, pair=False) as central:
        await central.ask(Start(80))
        await until(lambda: len(central.frames) > 30, "frames")
        await central.ask(Stop())
    settling = [frame.settling for _, frame in central.frames]
    assert settling == sorted(settling, reverse=True)
    drifting_s = sum(len(frame.counts) for _, frame in central.frames if frame.settling) / 80
    assert drifting_s == pytest.approx(0.6, abs=0.05)


async def test_the_companion_neither_shows_nor_zeroes_on_what_settles(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--settling", "600")
    adapter = await radio.adapter()
    transport = Transport(client_backend(adapter), scanner_backend(adapter))
    blocks = []
    async with open_sensor("CDEF", transport=transport, wait_s=PATIENCE_S) as companion:
        async for block in companion.stream(80):
            blocks.append(block)
            if sum(map(len, blocks)) >= 40:
                break
    block = concatenate(blocks)
    converted = sensor.conversions()
    first = [counts for _, counts, _ in converted].index(int(block.values[0]))
    assert converted[first][0] - converted[0][0] >= 550_000
    np.testing.assert_array_equal(
        block.values, [counts for _, counts, _ in converted[first : first + len(block)]]
    )
    assert not block.gap_before[1:].any(), "nothing is missing"


async def test_a_late_stamp_is_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        assert not central.frames[0][1].late_stamp
        await sensor.tell("late on")
        await until(lambda: central.frames[-1][1].late_stamp, "a late stamp")
        await sensor.tell("late off")
        await until(lambda: not central.frames[-1][1].late_stamp, "stamps in time")


async def test_flash_is_not_written_while_samples_come(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        assert (await central.ask(SetLabel("mine"))).status == Status.WRONG_STATE
        assert (await central.ask(SetOptions(Options.PROGRESSOR))).status == Status.WRONG_STATE
        await central.ask(Stop())
        assert (await central.ask(SetLabel("mine"))).status == Status.SUCCESS


async def test_power_from_outside_and_charging_are_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--hurried")
    async with connected(radio, pair=False) as central:
        told = await supply(central)
        assert (told.cell_mv, told.external_power, told.charging, told.has_cell) == (3950, False, False, True)
        await sensor.tell("usb charging")
        assert (await advertised(radio, "charging", "other")).external_power
        told = await supply(central)
        assert (told.external_power, told.charging) == (True, True)
        await sensor.tell("usb on")
        await sensor.tell("battery 3200")
        await until_told(central, 3200)
        assert (await central.ask(Start(80))).status == Status.SUCCESS, "what feeds it is not the cell"


async def until_told(central: Central, cell_mv: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await supply(central)).cell_mv != cell_mv:
            await asyncio.sleep(0.05)


async def test_without_a_cell_it_works_on_a_bench_supply(radio: VirtualRadio, sensor: HostSensor) -> None:
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start("--battery", "15", "--hurried")
    async with connected(radio) as central:
        told = await supply(central)
        assert not told.has_cell
        assert (await central.ask(Start(80))).status == Status.SUCCESS
        await until(lambda: len(central.frames) > 80, "three seconds of frames")
        assert not any(frame.low_battery for _, frame in central.frames)
    assert sensor.process is not None
    assert sensor.process.returncode is None


async def test_the_temperature_is_measured_beside_the_bridge(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert Features.TEMPERATURE in (await central.information()).features
        assert (await supply(central)).temperature_c is None, "nothing was measured yet"
        await sensor.tell("temperature 3137")
        await central.ask(Start(80))
        assert (await supply(central)).temperature_c == pytest.approx(31.37)
        await central.ask(Stop())
        await sensor.tell("temperature -512")
        await central.ask(SelfTest())
        tested = (await central.ask(ReadStatistics(StatisticsPage.SELF_TEST))).result
        assert isinstance(tested, SelfTestResult)
        assert tested.temperature_c == pytest.approx(-5.12)


async def test_a_private_sensor_tells_strangers_nothing_that_it_could_be_known_by(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio) as central:
        assert Features.PRIVATE_ADDRESS in (await central.information()).features
        await central.ask(SetOptions(Options.PRIVATE_ADDRESS))
    await sensor.reboot()
    device, data = await find(radio, "stranger")
    print("ADDRESS", device.address)
    assert data.local_name == "bandsense"
    async with connected(radio, computer="stranger", pair=False, prepare=False) as central:
        with pytest.raises(Exception, match=r"(?i)auth|encrypt"):
            await central.information()
        with pytest.raises(Exception, match=r"(?i)auth|encrypt"):
            await central.client.read_gatt_char(SERIAL_UUID)
        assert bytes(await central.client.read_gatt_char(DEVICE_NAME)) == b"bandsense"
