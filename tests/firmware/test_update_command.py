"""`bandsense firmware update FILE` as a person runs it, with the firmware as the sensor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bandsense.app.environment import Environment
from bandsense.cli import main
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import RADIO_NAME, HostSensor, until
from tests.firmware.updates import cared_for, factory_flash, host_arguments, transport, update_file

pytestmark = pytest.mark.firmware


@pytest.fixture
def booted(host_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a sensor on this computer's air ran, first to last. It is new; its link breaks five times."""
    booted: list[str] = []

    async def break_links(radio: VirtualRadio, sensor: HostSensor) -> None:
        for _ in range(5):
            await until(lambda: radio.controller(RADIO_NAME).le_connections, "a link")
            await asyncio.sleep(0.3)
            radio.lose_link(RADIO_NAME)

    @contextlib.asynccontextmanager
    async def real_air() -> AsyncIterator[Environment]:
        async with VirtualRadio() as radio:
            sensor = HostSensor(radio, host_binary, tmp_path, host_arguments())
            sensor.flash.write_bytes(factory_flash())
            await sensor.start()
            try:
                async with cared_for(sensor) as caretaker:
                    breaking = asyncio.create_task(break_links(radio, sensor))
                    yield Environment(await transport(radio), "test")
            finally:
                breaking.cancel()
                booted.extend([*caretaker.booted, *(line for line in sensor.said if "running" in line)])
                await sensor.cut_power()

    monkeypatch.setattr("bandsense.app.environment.real_environment", real_air)
    return booted


def test_a_person_updates_a_sensor_over_a_poor_link(
    booted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = update_file(tmp_path, "1.1.0", size=370_000)
    assert main(["firmware", "update", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == "bandsense-CDEF runs 1.1.0 now; it ran 1.0.0 before\n"
    stages = err.split()
    assert stages[0] == "connecting"
    assert stages.count("connecting") >= 3, "the link was lost on the way"
    assert stages[-4:] == ["connecting", "on", "trial", "done"]
    assert booted == ["running 1.0.0", "running 1.1.0"]


def test_a_person_is_told_why_a_file_is_refused(
    booted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = update_file(tmp_path, "1.1.0", board="another")
    assert main(["firmware", "update", str(file)]) == 1
    assert "image is for board another" in capsys.readouterr().err
    assert booted == ["running 1.0.0"]
