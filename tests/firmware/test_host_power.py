from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bandsense.sim.radio.virtual_radio import RadioController, VirtualRadio
from bandsense.wire.bandsense.answers import Counters
from bandsense.wire.bandsense.codes import ResetCause, StatisticsPage, Status
from bandsense.wire.bandsense.requests import ReadStatistics, SelfTest, Sleep, Start
from tests.firmware.sensor import RADIO_NAME, HostSensor, advertised, connected, find, until

pytestmark = pytest.mark.firmware

OFTEN, STANDING_BY = 32, 2056
"""Advertising intervals, in steps of 0.625 ms."""


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


async def stands_by(sensor: HostSensor) -> None:
    """Wait until it looks at the tension now and then."""
    looks = len(sensor.conversions())
    await until(lambda: len(sensor.conversions()) >= looks + 3, "a look now and then")


@pytest.fixture
def intervals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The advertising intervals that the sensor has asked for, in steps of 0.625 ms."""
    asked: list[int] = []
    obey = RadioController.on_hci_le_set_advertising_parameters_command

    def note(controller: RadioController, command: Any) -> Any:
        if controller.name == RADIO_NAME:
            asked.append(command.advertising_interval_min)
        return obey(controller, command)

    monkeypatch.setattr(RadioController, "on_hci_le_set_advertising_parameters_command", note)
    return asked


@pytest.mark.slow
async def test_an_unattended_sensor_stands_by_until_a_pull_and_then_switches_off(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path, intervals: list[int]
) -> None:
    trace = tmp_path / "rest.csv"
    trace.write_text("time_s,counts\n0,-12000\n")
    await sensor.reboot("--hurried", "--trace", str(trace))
    await find(radio)
    await stands_by(sensor)
    # It can still be found, and a pull makes it advertise often again.
    await find(radio)
    assert intervals[-1] == STANDING_BY
    intervals.clear()
    await sensor.tell("load 500000")
    await until(lambda: OFTEN in intervals, "fast advertising")
    await stands_by(sensor)
    assert intervals[-1] == STANDING_BY
    intervals.clear()
    await sensor.tell("press 50")
    await until(lambda: OFTEN in intervals, "advertising often")
    assert await sensor.exit_status() == 0
    assert sensor.said[-1] == "off"


@pytest.mark.slow
async def test_a_sensor_that_stands_by_can_be_connected_to(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    await sensor.reboot("--hurried")
    await stands_by(sensor)
    async with connected(radio, pair=False) as central:
        assert (await central.ask(Start(80))).status == Status.SUCCESS
