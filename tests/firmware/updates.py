"""A sensor with the boot loader's layout in its flash, images for it, and someone who restarts it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bandsense.link.ble.adapter import Transport
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from tests.firmware.sensor import RESTART, HostSensor
from tests.needs import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "firmware" / "tools"))
import pack
import sign

BOARD = "host"
SLOTS = (0x3_2000, 0x8_F000)
JOURNALS = (0x3_0000, 0x3_1000)
FLASH_BYTES = 1 << 20
POWER_CUT = 137
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""A key that everyone knows."""


def image(
    version: str, slot: int, *, size: int = 6000, key: Ed25519PrivateKey = KEY, board: str = BOARD
) -> bytes:
    body = bytes((i * 37 + sum(version.encode())) & 0xFF for i in range(size))
    return sign.build_image(
        body,
        version=sign.parse_version(version),
        load_address=SLOTS[slot],
        board=board,
        key=key,
    )


def update_file(
    folder: Path, version: str, *, size: int = 6000, key: Ed25519PrivateKey = KEY, board: str = BOARD
) -> Path:
    path = folder / f"{board}-{version}.zip"
    images = {slot: image(version, slot, size=size, key=key, board=board) for slot in (0, 1)}
    pack.write_update(path, images, board=board, version=version, development=False)
    return path


def factory_flash(version: str = "1.0.0") -> bytes:
    """What a new board's flash holds: what the UF2 file writes, without the boot loader."""
    flash = bytearray(b"\xff" * FLASH_BYTES)
    segments = pack.factory_segments((0x2_7000, b""), image(version, 0), SLOTS[0])
    for address, data in segments:
        flash[address : address + len(data)] = data
    return bytes(flash)


def host_arguments() -> list[str]:
    return ["--key", sign.public_bytes(KEY).hex(), "--board", BOARD]


async def transport(radio: VirtualRadio, computer: str = "computer") -> Transport:
    adapter = await radio.adapter(computer)
    return Transport(client_backend(adapter), scanner_backend(adapter))


class Caretaker:
    """Starts a sensor again whenever it ends, as a chip starts again after a reset, and notes what it ran.

    Attributes:
        flash_steps: for each run that ended by itself, how often it wrote a word or erased a page.
        next_start: arguments of the next start, and of that one only.
    """

    def __init__(self, sensor: HostSensor) -> None:
        self.sensor = sensor
        self.booted: list[str] = []
        self.statuses: list[int] = []
        self.flash_steps: list[int] = []
        self.next_start: tuple[str, ...] = ()
        self.watching: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        while True:
            process = self.sensor.process
            assert process is not None
            status = await process.wait()
            self.booted += [line for line in self.sensor.said if line.startswith("running ")]
            self.statuses.append(status)
            steps = "flash steps "
            self.flash_steps += [
                int(line.removeprefix(steps)) for line in self.sensor.said if line.startswith(steps)
            ]
            assert status in (RESTART, POWER_CUT), f"the sensor ended with {status}: {self.sensor.said}"
            extra, self.next_start = self.next_start, ()
            await self.sensor.start(*extra)


@contextlib.asynccontextmanager
async def cared_for(sensor: HostSensor) -> AsyncIterator[Caretaker]:
    caretaker = Caretaker(sensor)
    task = asyncio.create_task(caretaker.watch())
    try:
        yield caretaker
    finally:
        if task.done():
            task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
