"""A simulated force sensor of the Bluetooth standard (facts and source: `bandsense.wire.imds`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bumble import core, gatt
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from typing_extensions import override

from bandsense.sim.devices.player import Player
from bandsense.sim.devices.powered import Powered
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.gatt import characteristic, constant, is_subscribed, notify
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import imds

__all__ = ["ImdsTwin", "SentForce"]

_ADVERTISING_MS = 100.0
_P = gatt.Characteristic.Properties


@dataclass(frozen=True, slots=True)
class SentForce:
    """A value of the twin's own log: newtons, None for *not known*, and the loop time it was sent at."""

    force_n: float | None
    at_s: float


class ImdsTwin(Powered):
    """A force gauge of another maker on the virtual radio; an async context manager.

    It notifies whoever has subscribed, at its own rate, and takes no commands.

    Args:
        with_information: whether it has a Device Information and a Battery Service; both are optional.
        measures_force: a device of the same service may measure something else.

    Attributes:
        overloaded: it does not know the force, and says so.
        log: every value that was sent, in order.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        source: SampleSource,
        *,
        name: str = "FG-500",
        address: str = "C8:5A:00:00:18:5A",
        rate_hz: float = 20.0,
        battery_percent: int = 81,
        with_information: bool = True,
        measures_force: bool = True,
    ) -> None:
        self.radio = radio
        self.player = Player(source)
        self.name = name
        self.address = address
        self.rate_hz = rate_hz
        self.battery_percent = battery_percent
        self.with_information = with_information
        self.measures_force = measures_force
        self.overloaded = False
        self.log: list[SentForce] = []
        self._device: Device | None = None
        self._connection: Connection | None = None
        self._force = characteristic(imds.FORCE_UUID, _P.READ | _P.NOTIFY, read=self._read)
        self._newest_n: float | None = None
        self._measuring: asyncio.Task[None] | None = None

    @override
    async def power_on(self) -> None:
        """Advertise service and appearance, and measure."""
        device = await self.radio.add_device(self.name, address=self.address)
        self._device = device
        self._force = characteristic(imds.FORCE_UUID, _P.READ | _P.NOTIFY, read=self._read)
        device.add_service(
            gatt.Service(core.UUID(imds.SERVICE_UUID), [self._force] if self.measures_force else [])
        )
        if self.with_information:
            texts = {"2A29": b"Acme", "2A24": b"FG-500", "2A26": b"3.1"}
            device.add_service(
                gatt.Service(
                    gatt.GATT_DEVICE_INFORMATION_SERVICE,
                    [constant(uuid, text) for uuid, text in texts.items()],
                )
            )
            level = constant("2A19", bytes([self.battery_percent]))
            device.add_service(gatt.Service(gatt.GATT_BATTERY_SERVICE, [level]))
        device.on(device.EVENT_CONNECTION, self._on_connection)
        advertisement = [
            (AdvertisingData.FLAGS, bytes([0x06])),
            (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, b"\x5a\x18"),
            (AdvertisingData.APPEARANCE, imds.APPEARANCE_FORCE_GAUGE.to_bytes(2, "little")),
            (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
        ]
        await device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(AdvertisingData(advertisement)),
            advertising_interval_min=_ADVERTISING_MS,
            advertising_interval_max=_ADVERTISING_MS,
        )
        self._measuring = asyncio.get_running_loop().create_task(self._measure())

    @override
    async def power_off(self) -> None:
        """Switch it off."""
        if self._measuring is not None:
            self._measuring.cancel()
            self._measuring = None
        if self._device is not None:
            self._device = None
            await self.radio.remove_device(self.name)

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None

    def _read(self, _connection: Connection) -> bytes:
        return imds.encode_force(self._newest_n)

    async def _measure(self) -> None:
        self.player.begin(self.rate_hz)
        source = self.player.source
        while self.player.look_ahead(1):
            await self.player.until(self.player.ahead[0].source_us)
            for felt in self.player.due():
                self._newest_n = (felt.count - source.zero_count) * source.newton_per_count
            if self.overloaded:
                self._newest_n = None
            self._send()

    def _send(self) -> None:
        device, connection = self._device, self._connection
        if device is None or connection is None or not is_subscribed(device, connection, self._force):
            return
        self.log.append(SentForce(self._newest_n, asyncio.get_running_loop().time()))
        notify(device, connection, self._force, imds.encode_force(self._newest_n))
