from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.firmware.sensor import RADIO_NAME, HostSensor
from tests.system.conformance import test_conformance as the_list
from tests.system.conformance.worlds import VirtualWorld, World

BATTERY_MV = 4023
"""What the list's 87 % are on the firmware's table."""
TRACE_S = 600

_serials = itertools.count(0x5E45_C0BA_5E00_C0DE)


@dataclass
class FirmwareBand:
    """The firmware's host program with the face of the virtual band, as far as the list looks at it."""

    sensor: HostSensor
    serial: int
    name: str = RADIO_NAME
    press: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def hardware(self) -> FirmwareBand:
        return self

    @property
    def address(self) -> str:
        octets = (self.serial & 0xFFFF_FFFF_FFFF).to_bytes(6, "big")
        return ":".join(f"{octet:02X}" for octet in (octets[0] | 0xC0, *octets[1:]))

    @property
    def connected(self) -> bool:
        return bool(self.sensor.radio.controller(RADIO_NAME).le_connections)

    def press_button(self) -> None:
        self.press = asyncio.get_running_loop().create_task(self.sensor.tell("press 50"))


def counting_trace(folder: Path) -> Path:
    """A count that grows by one every 80th of a second, so that every sample can be told from every other."""
    trace = folder / "trace.csv"
    n = TRACE_S * the_list.RATE_HZ
    rows = "".join(f"{i / the_list.RATE_HZ!r},{i}\n" for i in range(n))
    trace.write_text(f"time_s,counts\n{rows}")
    return trace


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = await VirtualWorld.open()
    yield world
    await world.close()


@pytest.fixture(autouse=True)
def the_sensor_is_the_firmware(host_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def a_band(world: World, passkey: int | None = None) -> AsyncIterator[FirmwareBand]:
        serial = next(_serials)
        sensor = HostSensor(world.radio, host_binary, tmp_path)
        sensor.arguments = ["--serial", f"{serial:x}", "--battery", str(BATTERY_MV)]
        sensor.arguments += ["--trace", str(counting_trace(tmp_path))]
        sensor.arguments += [] if passkey is None else ["--passkey", str(passkey)]
        await sensor.start()
        band = FirmwareBand(sensor, serial)
        try:
            yield band
        finally:
            await sensor.cut_power()
            await world.forget(band.address)

    monkeypatch.setattr(the_list, "a_band", a_band)
