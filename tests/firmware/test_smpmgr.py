"""`smpmgr`, a tool of others: one command upgrades the sensor, over the virtual radio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import smpclient.transport.ble
import smpmgr.image_management
import smpmgr.main
import smpmgr.os_management
from bleak import BleakClient, BleakScanner

from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import HostSensor, until
from tests.firmware.updates import cared_for, factory_flash, host_arguments, image

pytestmark = [pytest.mark.firmware, pytest.mark.slow]

# What the scan response has room for: the beginning of the name.
NAME = "bandsense"


@pytest.fixture
async def sensor(radio: VirtualRadio, host_binary: Path, tmp_path: Path) -> AsyncIterator[HostSensor]:
    """A sensor that runs version 1.0.0 from slot A."""
    sensor = HostSensor(radio, host_binary, tmp_path, host_arguments())
    sensor.flash.write_bytes(factory_flash())
    await sensor.start()
    yield sensor
    await sensor.cut_power()


class Smpmgr:
    """The tool's commands, on the loop that the radio runs on."""

    def __init__(self, radio: VirtualRadio, monkeypatch: pytest.MonkeyPatch) -> None:
        self.radio = radio
        self._begun: list[Coroutine[Any, Any, None]] = []
        # The tool starts a loop of its own for each command.
        loop = SimpleNamespace(**{name: getattr(asyncio, name) for name in dir(asyncio)})
        loop.run = self._begun.append
        for module in (smpmgr.main, smpmgr.image_management, smpmgr.os_management):
            monkeypatch.setattr(module, "asyncio", loop)
        # It gives the whole program a handler that prints; the tests that follow shall not have it.
        monkeypatch.setattr(logging.root, "handlers", [*logging.root.handlers])
        monkeypatch.setattr(logging.root, "level", logging.root.level)
        self._monkeypatch = monkeypatch

    async def __call__(self, *words: str) -> None:
        adapter = await self.radio.adapter("computer")
        backend = client_backend(adapter)

        class PairedClient(BleakClient):
            """Connects as an operating system does that has paired, or pairs, with the sensor."""

            def __init__(self, device: Any, **options: Any) -> None:
                super().__init__(device, backend=backend, **options)

            async def connect(self, **options: Any) -> None:
                await super().connect(**options)
                await self.pair()

        module = smpclient.transport.ble
        self._monkeypatch.setattr(module, "BleakClient", PairedClient)
        find = partial(BleakScanner.find_device_by_name, backend=scanner_backend(adapter))
        self._monkeypatch.setattr(module, "BleakScanner", SimpleNamespace(find_device_by_name=find))
        command = ["--timeout", "60", "--ble", NAME, *words]
        smpmgr.main.app(command, standalone_mode=False)
        (work,) = self._begun
        self._begun.clear()
        await work


@pytest.fixture
def tool(radio: VirtualRadio, monkeypatch: pytest.MonkeyPatch) -> Smpmgr:
    return Smpmgr(radio, monkeypatch)


def image_file(folder: Path, version: str, slot: int) -> str:
    path = folder / f"{version}-slot{slot}.bin"
    path.write_bytes(image(version, slot, size=20_000))
    return str(path)


@pytest.mark.parametrize("how", [["--slot", "1"], ["--confirm"]], ids=["test", "confirm"])
async def test_upgrade_is_one_command(
    radio: VirtualRadio, sensor: HostSensor, tool: Smpmgr, tmp_path: Path, how: list[str]
) -> None:
    async with cared_for(sensor) as caretaker:
        await tool("upgrade", image_file(tmp_path, "1.1.0", 1), *how)
        await until(lambda: caretaker.booted == ["running 1.0.0"], "a restart")
        await until(lambda: any("running 1.1.0" in line for line in sensor.said), "the new image")
        await tool("image", "state-read")
        await tool("upgrade", image_file(tmp_path, "1.2.0", 0), *how)
        await until(lambda: len(caretaker.booted) == 2, "a restart")
        await until(lambda: any("running 1.2.0" in line for line in sensor.said), "the second new image")


async def test_its_questions_are_answered(
    sensor: HostSensor, tool: Smpmgr, capsys: pytest.CaptureFixture[str]
) -> None:
    await tool("os", "echo", "hello")
    await tool("image", "state-read")
    said = capsys.readouterr().out
    for words in ("hello", "1.0.0", "active"):
        assert words in said, said
