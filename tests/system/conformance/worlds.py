"""The two worlds in which one list of checks runs: the virtual radio, and BlueZ on a virtual radio.

In both the sensor is a `VirtualBand` on a `VirtualRadio`. In the first the computer is the radio's own
adapter, and bleak uses the backends of `bandsense.sim.radio.bleak_backend`; in the second the computer's
adapter is a Bumble controller behind the kernel's virtual HCI device, driven by BlueZ, and bleak uses its
own backend.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandsense.link.ble.adapter import Transport
from bandsense.sim.radio.virtual_radio import AdapterState, Agent, VirtualRadio

BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"
BLUETOOTHD_PID = Path("/run/bluetoothd.pid")
BLUETOOTHD_LOG = Path("/run/bluetoothd.log")
ADAPTER_ADDRESS = "00:1A:7D:DA:71:13"
FEATURE_EXCHANGE_DELAY_S = 0.05
"""Without it connects in the emulation fail now and then with "failed to discover services", a known race."""


@dataclass
class Report:
    """What the table at the end says of a check besides its outcome."""

    pairing_attempts: int = 0
    notes: list[str] = field(default_factory=list)


class World(ABC):
    """One of the two.

    Attributes:
        radio: what the sensor is on.
        transport: how the program under test reaches it.
        pairing_attempts: how often pairing may be tried, because of the emulation's timing.
        patience: factor on waiting times.
    """

    name: str
    pairing_attempts: int
    patience: float

    def __init__(self, radio: VirtualRadio, transport: Transport) -> None:
        self.radio = radio
        self.transport = transport
        self.report = Report()

    async def pairing(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Pair, with as many attempts as this world allows; the number used is reported."""
        for number in range(1, self.pairing_attempts + 1):
            self.report.pairing_attempts = max(self.report.pairing_attempts, number)
            try:
                await attempt()
            except Exception as error:
                if number == self.pairing_attempts:
                    raise
                self.report.notes.append(f"pairing attempt {number}: {error}")
                await asyncio.sleep(1.0 * self.patience)
            else:
                return

    @abstractmethod
    def answer_with(self, passkey: int | None) -> None:
        """What the person at the computer types while pairing; None where nothing can be typed."""

    @abstractmethod
    async def switch_bluetooth(self, *, on: bool) -> None:
        """Switch the computer's Bluetooth on or off."""

    @abstractmethod
    async def restart_service(self) -> None:
        """End the computer's Bluetooth service and start it again."""

    @abstractmethod
    async def forget(self, address: str) -> None:
        """Remove the sensor from what the computer remembers."""

    @abstractmethod
    async def remembers(self, address: str) -> bool:
        """Whether the computer holds a bond with the sensor."""

    @abstractmethod
    async def close(self) -> None:
        """Tear it down."""


class VirtualWorld(World):
    """Everything in one process, on simulated time."""

    name = "virtual radio"
    pairing_attempts = 1
    patience = 1.0

    @classmethod
    async def open(cls) -> VirtualWorld:
        from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend

        radio = VirtualRadio(connection_interval_s=0.015)
        adapter = await radio.adapter()
        loop = asyncio.get_running_loop()
        world = cls(radio, Transport(client_backend(adapter), scanner_backend(adapter), loop.time))
        world.adapter = adapter
        return world

    def answer_with(self, passkey: int | None) -> None:
        self.adapter.agent = Agent(passkey)

    async def switch_bluetooth(self, *, on: bool) -> None:
        if on:
            self.adapter.switch_on()
        else:
            await self.adapter.switch_off()

    async def restart_service(self) -> None:
        await self.adapter.switch_off(AdapterState.ABSENT)
        await asyncio.sleep(1.0)
        self.adapter.switch_on()

    async def forget(self, address: str) -> None:
        await self.adapter.bonds.delete(address)

    async def remembers(self, address: str) -> bool:
        return await self.adapter.bonds.get(address) is not None

    async def close(self) -> None:
        await self.radio.close()


class BlueZWorld(World):
    """BlueZ and bleak's own backend; to be run where hci_vhci and bluetoothd may be used: in the machine."""

    name = "BlueZ"
    pairing_attempts = 3
    patience = 4.0

    @classmethod
    async def open(cls) -> BlueZWorld:
        from bumble.transport.vhci import open_vhci_transport

        from tests.system.conformance.bluez import BlueZ

        radio = VirtualRadio()
        radio.air.feature_exchange_delay_s = FEATURE_EXCHANGE_DELAY_S
        controller = radio.add_controller("hci0", ADAPTER_ADDRESS)
        vhci = await open_vhci_transport(None)
        controller.host = vhci.sink
        vhci.source.set_packet_sink(controller)
        world = cls(radio, Transport())
        world.vhci = vhci
        world.bluez = await BlueZ.connect()
        await world.bluez.power(True)
        return world

    def answer_with(self, passkey: int | None) -> None:
        self.bluez.agent.passkey = passkey

    async def switch_bluetooth(self, *, on: bool) -> None:
        await self.bluez.power(on)

    async def restart_service(self) -> None:
        await asyncio.to_thread(_restart_bluetoothd)
        await self.bluez.power(True)

    async def forget(self, address: str) -> None:
        await self.bluez.remove(address)

    async def remembers(self, address: str) -> bool:
        return bool(await self.bluez.device_property(address, "Paired"))

    async def close(self) -> None:
        await self.bluez.close()
        await self.vhci.close()


def _restart_bluetoothd() -> None:
    pid = int(BLUETOOTHD_PID.read_text())
    os.kill(pid, signal.SIGTERM)
    while Path(f"/proc/{pid}/exe").exists():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.1)
    with BLUETOOTHD_LOG.open("ab") as log:
        service = subprocess.Popen([BLUETOOTHD, "--nodetach"], stdout=log, stderr=log)
    BLUETOOTHD_PID.write_text(str(service.pid))


WORLDS: dict[str, Any] = {"virtual": VirtualWorld, "bluez": BlueZWorld}
