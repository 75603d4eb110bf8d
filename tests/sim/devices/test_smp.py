"""The simulated update server: against the firmware's vectors, and under smpclient over the virtual radio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from bandsense.errors import UpdateError
from bandsense.link.ble.adapter import Transport
from bandsense.link.dfu.update import update_firmware
from bandsense.link.sensor import Sensor, open_sensor
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.smp import FirmwareSlots, Image, SmpServer
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.codes import Features
from tests.needs import REPOSITORY
from tests.support.images import unsigned_image
from tests.support.sensors import ramp

VECTORS = json.loads((REPOSITORY / "firmware" / "update" / "tests" / "smp-vectors.json").read_text())
RUNNING = bytes.fromhex("c866ac895dea01bb081be57623a6318c3b9026d8d377ce3e056679bd9c0f4399")


def server_of(battery_percent: int = 80) -> SmpServer:
    slots = FirmwareSlots([Image((1, 0, 0, 0), RUNNING), None])
    return SmpServer(slots, lambda: None, lambda: battery_percent)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_it_answers_as_the_firmware_does(vector: dict[str, Any]) -> None:
    server = server_of(19 if "low battery" in vector["name"] else 80)
    answer = server.receive(bytes.fromhex(vector["request_hex"]))
    expected = bytes.fromhex(vector["answer_hex"])
    assert answer is not None
    assert answer[4:8] == expected[4:8]
    assert answer[0] == expected[0]
    assert cbor2.loads(answer[8:]) == cbor2.loads(expected[8:])


def test_a_request_comes_in_pieces() -> None:
    request = bytes.fromhex(VECTORS["vectors"][1]["request_hex"])
    server = server_of()
    assert [server.receive(request[i : i + 1]) for i in range(len(request) - 1)] == [None] * (
        len(request) - 1
    )
    answer = server.receive(request[-1:])
    assert answer is not None
    assert cbor2.loads(answer[8:]) == {"r": "hello"}


def test_an_unproven_image_gives_way_to_the_old_one() -> None:
    old, new = Image((1, 0, 0, 0), b"a" * 32), Image((1, 1, 0, 0), b"b" * 32)
    slots = FirmwareSlots([old, new], pending=1)
    slots.boot()
    assert (slots.active, slots.confirmed) == (1, False)
    slots.boot()
    assert (slots.active, slots.confirmed) == (0, True)


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


async def transport_of(radio: VirtualRadio) -> Transport:
    adapter = await radio.adapter()
    return Transport(client_backend(adapter), scanner_backend(adapter), asyncio.get_running_loop().time)


def updatable(radio: VirtualRadio) -> VirtualBand:
    hardware = Hardware(features=Features.FIRMWARE_UPDATE)
    return VirtualBand(radio, TraceSource(np.arange(8) / 80, np.zeros(8)), hardware=hardware)


async def test_an_update_goes_through_a_lost_link(radio: VirtualRadio, tmp_path: Path) -> None:
    file = tmp_path / "firmware.bin"
    file.write_bytes(unsigned_image((1, 1, 0)))
    transport = await transport_of(radio)
    cut: list[int] = []

    def on_progress(progress: Any) -> None:
        if 1000 < progress.sent_bytes < 3000 and not cut:
            cut.append(progress.sent_bytes)
            radio.lose_link(band.name)

    async with updatable(radio) as band:
        result = await update_firmware(file, "BA5E", transport=transport, on_progress=on_progress)
        assert (result.old_version, result.new_version) == ("1.0.0", "1.1.0")
        assert cut
        slots = band.memory.firmware
        assert slots is not None
        assert (slots.active, slots.confirmed, slots.pending) == (1, True, None)


async def test_an_older_version_is_refused(radio: VirtualRadio, tmp_path: Path) -> None:
    file = tmp_path / "firmware.bin"
    file.write_bytes(unsigned_image((0, 9, 0)))
    transport = await transport_of(radio)
    async with updatable(radio):
        with pytest.raises(UpdateError, match="force"):
            await update_firmware(file, "BA5E", transport=transport)


async def test_an_update_of_one_of_two_connected_sensors_never_reaches_the_other(
    radio: VirtualRadio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "firmware.bin"
    file.write_bytes(unsigned_image((1, 1, 0)))
    transport = await transport_of(radio)
    asked: set[SmpServer] = set()
    receive = SmpServer.receive

    def heard(server: SmpServer, piece: bytes) -> bytes | None:
        asked.add(server)
        return receive(server, piece)

    monkeypatch.setattr(SmpServer, "receive", heard)
    beside = Hardware(features=Features.FIRMWARE_UPDATE, serial=0x1EF7)
    left = VirtualBand(radio, ramp(), name="left", address="C0:BA:5E:00:1E:F7", hardware=beside)
    async with left, updatable(radio) as right, open_sensor("1EF7", transport=transport) as on_left:
        streamed = asyncio.create_task(_samples(on_left))
        await asyncio.sleep(1.0)
        assert left.connected
        result = await update_firmware(file, "BA5E", transport=transport)
        assert left.connected
        await on_left.stop()
        assert (result.old_version, result.new_version) == ("1.0.0", "1.1.0")
        assert right.memory.firmware is not None
        assert left.memory.firmware is not None
        assert right.memory.firmware.active == 1
        assert (left.memory.firmware.active, left.memory.firmware.pending) == (0, None)
        assert left.memory.firmware.images[1] is None
        assert await streamed > 80
    assert {id(server.slots) for server in asked} == {id(right.memory.firmware)}


async def _samples(sensor: Sensor) -> int:
    return sum([len(block) async for block in sensor.stream(80)])
