"""The firmware's host program as a sensor on the virtual radio, and a client that speaks the profile."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bumble.transport.common import Transport, TransportSink
from bumble.transport.tcp_server import open_tcp_server_transport_with_socket

from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.uuids import INFORMATION_UUID, SERVICE_UUID
from tests.support.profile_host import ProfileHost

logger = logging.getLogger(__name__)

RADIO_NAME = "firmware"
RESTART = 10
"""Exit status of the host program when it wants to be started again."""
PATIENCE_S = 60.0
"""How long a test waits for what has to come: for a machine that is busy with other things."""


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None


class _Air:
    """The way from the controller to the program, on which a link can be made to stand still."""

    COMPLETED_PACKETS = bytes([0x04, 0x13])  # Core Specification 5.4, vol 4, part E, 7.7.19

    def __init__(self, program: TransportSink) -> None:
        self.program = program
        self.held: list[bytes] | None = None
        self.holds = b""

    def on_packet(self, packet: bytes) -> None:
        if self.held is not None and packet.startswith(self.holds):
            self.held.append(packet)
        else:
            self.program.on_packet(packet)


@dataclass
class HostSensor:
    """One sensor: a process while it runs, a file of flash that stays."""

    radio: VirtualRadio
    binary: Path
    folder: Path
    arguments: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    _transport: Transport | None = None
    _air: _Air | None = None
    _reader: asyncio.Task[None] | None = None

    @property
    def flash(self) -> Path:
        return self.folder / "flash.bin"

    @property
    def log(self) -> Path:
        return self.folder / "conversions.csv"

    async def start(self, *extra: str) -> None:
        """Attach a new controller to the radio and run the program on it."""
        await self.detach()
        listener = socket.create_server(("127.0.0.1", 0))
        # Else each packet waits 40 ms for the acknowledgement of the one before; connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = await open_tcp_server_transport_with_socket(listener)
        controller = self.radio.add_controller(RADIO_NAME)
        self._air = controller.host = _Air(self._transport.sink)
        self._transport.source.set_packet_sink(controller)
        port = listener.getsockname()[1]
        # The bridge is settled at once: what the first 0.6 s do has tests of its own.
        arguments = [
            "--settling",
            "0",
            "--hci",
            f"127.0.0.1:{port}",
            "--flash",
            str(self.flash),
            "--log",
            str(self.log),
        ]
        self.process = await asyncio.create_subprocess_exec(
            str(self.binary),
            *arguments,
            *self.arguments,
            *extra,
            "--show-light",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.said.clear()
        self._reader = asyncio.create_task(self._listen(self.process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.said.append(line.decode().strip())

    async def tell(self, command: str) -> None:
        """Do something to the sensor, and see it done; firmware/host/src/bench.rs lists what."""
        assert self.process is not None
        assert self.process.stdin is not None
        before = self.said.count(f"done {command}")
        self.process.stdin.write(command.encode() + b"\n")
        await self.process.stdin.drain()
        await until(lambda: self.said.count(f"done {command}") > before, command)

    async def says(self, line: str) -> None:
        """Wait until the program has printed a line."""
        await until(lambda: line in self.said, line)

    def unacknowledged(self) -> contextlib.AbstractContextManager[None]:
        """Nothing that the sensor sends is acknowledged, as while a person stands in between."""
        return self._held(_Air.COMPLETED_PACKETS)

    def at_once(self) -> contextlib.AbstractContextManager[None]:
        """What comes over the air reaches the program in one piece at the end, as when it was busy."""
        return self._held(b"")

    @contextlib.contextmanager
    def _held(self, beginning: bytes) -> Iterator[None]:
        assert self._air is not None
        self._air.holds, self._air.held = beginning, []
        yield
        held, self._air.held = self._air.held, None
        for packet in held:
            self._air.on_packet(packet)

    async def exit_status(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait for the program to end."""
        assert self.process is not None
        status = await asyncio.wait_for(self.process.wait(), timeout_s)
        await self.detach()
        return status

    async def cut_power(self) -> None:
        """End the program as a battery that is pulled out does; what it said is shown where a test fails."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        elif self.process is not None and self._transport is not None:
            logger.warning("the sensor had ended with %s", self.process.returncode)
        await self.detach()
        logger.warning("the sensor had said: %s", ", ".join(self.said))

    async def reboot(self, *extra: str) -> None:
        await self.cut_power()
        await self.start(*extra)

    async def break_controller(self) -> None:
        """The controller says no more: what a failure in it comes to."""
        assert self._transport is not None
        self.radio.lose_link(RADIO_NAME)
        self._transport.sink.transport.close()  # type: ignore[attr-defined]

    async def detach(self) -> None:
        """Take the controller off the air."""
        if self._transport is None:
            return
        transport, self._transport = self._transport, None
        self.radio.lose_link(RADIO_NAME)
        controller = self.radio.controller(RADIO_NAME)
        controller.le_legacy_advertiser.stop()
        self.radio.air.forget(controller)
        controller.host = None
        await transport.close()
        if self._reader is not None:
            await self._reader

    def conversions(self) -> list[tuple[int, int, int]]:
        """What the converter converted: device time in µs, counts, conversions missed before."""
        with self.log.open() as file:
            return [
                (int(row["time_us"]), int(row["counts"]), int(row["missed"])) for row in csv.DictReader(file)
            ]


async def find(
    radio: VirtualRadio, computer: str = "computer", timeout_s: float = PATIENCE_S
) -> tuple[BLEDevice, AdvertisementData]:
    """The sensor as a scanner sees it."""
    adapter = await radio.adapter(computer)
    found: asyncio.Future[tuple[BLEDevice, AdvertisementData]] = asyncio.get_running_loop().create_future()

    def heard(device: BLEDevice, data: AdvertisementData) -> None:
        if SERVICE_UUID in data.service_data and data.local_name and not found.done():
            found.set_result((device, data))

    async with BleakScanner(heard, backend=scanner_backend(adapter)):
        return await asyncio.wait_for(found, timeout_s)


async def advertised(
    radio: VirtualRadio, wanted: str, computer: str = "computer", timeout_s: float = PATIENCE_S
) -> Advertisement:
    """Wait until the sensor advertises that something (`connected`, `streaming`, …) is so."""
    adapter = await radio.adapter(computer)
    found: asyncio.Future[Advertisement] = asyncio.get_running_loop().create_future()

    def heard(_device: BLEDevice, data: AdvertisementData) -> None:
        if (raw := data.service_data.get(SERVICE_UUID)) is not None:
            advertisement = Advertisement.decode(raw)
            if getattr(advertisement, wanted) and not found.done():
                found.set_result(advertisement)

    async with BleakScanner(heard, backend=scanner_backend(adapter)):
        return await asyncio.wait_for(found, timeout_s)


class Central(ProfileHost):
    """A program with one sensor: remembers what it heard."""

    patience_s = PATIENCE_S

    async def information(self) -> Information:
        return Information.decode(bytes(await self.client.read_gatt_char(INFORMATION_UUID)))

    def samples(self) -> list[tuple[int, int]]:
        """Device time in µs and counts of everything heard."""
        return [
            (frame.time_us + int(offset_us), int(count))
            for _, frame in self.frames
            for offset_us, count in zip(frame.offsets_us, frame.counts, strict=True)
        ]


@contextlib.asynccontextmanager
async def connected(
    radio: VirtualRadio, *, computer: str = "computer", pair: bool = True, prepare: bool = True
) -> AsyncIterator[Central]:
    """A connection to the sensor, paired where it was not, and subscribed."""
    device, _ = await find(radio, computer)
    adapter = await radio.adapter(computer)
    async with BleakClient(device, timeout=PATIENCE_S, backend=client_backend(adapter)) as client:
        central = Central(client)
        if pair:
            await client.pair()
        if prepare:
            await central.prepare()
        yield central
