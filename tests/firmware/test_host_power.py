from __future__ import annotations

from pathlib import Path

import pytest

from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.answers import Counters
from bandsense.wire.bandsense.codes import ResetCause, StatisticsPage, Status
from bandsense.wire.bandsense.requests import ReadStatistics, SelfTest, Sleep, Start
from tests.firmware.sensor import RADIO_NAME, HostSensor, advertised, connected, find, until

pytestmark = pytest.mark.firmware


async def test_sleep_comes_after_the_answer(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert (await central.ask(Sleep())).status == Status.SUCCESS
        assert await sensor.exit_status() == 0
    assert sensor.said[-1] == "off"
    await sensor.start("--reset-cause", "wake")
    async with connected(radio, pair=False) as central:
        counters = (await central.ask(ReadStatistics(StatisticsPage.COUNTERS))).result
    assert isinstance(counters, Counters)
    assert counters.reset_cause == ResetCause.WAKE_FROM_OFF


async def test_an_empty_cell_refuses_to_stream(radio: VirtualRadio, sensor: HostSensor) -> None:
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start("--battery", "3200")
    async with connected(radio) as central:
        assert (await central.ask(Start(80))).status == Status.BATTERY_LOW
        assert (await central.ask(SelfTest())).status == Status.BATTERY_LOW


async def test_an_empty_cell_switches_off_in_mid_stream(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--hurried")
    async with connected(radio, pair=False) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        assert not central.frames[0][1].low_battery
        await sensor.tell("battery 3200")
        assert await sensor.exit_status() == 0
    assert sensor.said[-1] == "off"
    assert central.frames[-1][1].low_battery, "it said so before"


async def test_the_button_brings_a_sensor_back_to_fast_advertising(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    async with connected(radio):
        pass
    await sensor.tell("press 50")
    assert (await advertised(radio, "pairing_open")).pairing_open


async def asleep(sensor: HostSensor) -> None:
    """Wait until nothing is on the air."""
    advertiser = sensor.radio.controller(RADIO_NAME).le_legacy_advertiser
    await until(lambda: not advertiser.enabled, "an end of advertising")


@pytest.mark.slow
async def test_an_unattended_sensor_dozes_until_a_pull_and_then_switches_off(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path
) -> None:
    trace = tmp_path / "rest.csv"
    trace.write_text("time_s,counts\n0,-12000\n")
    await sensor.reboot("--hurried", "--trace", str(trace))
    await find(radio)
    await asleep(sensor)
    looks = len(sensor.conversions())
    await until(lambda: len(sensor.conversions()) >= looks + 3, "a look now and then")
    await sensor.tell("load 500000")
    await find(radio)
    await asleep(sensor)
    await sensor.tell("press 50")
    await find(radio)
    assert await sensor.exit_status() == 0
    assert sensor.said[-1] == "off"
