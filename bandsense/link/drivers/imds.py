"""Driver of force sensors of any maker that follow the Bluetooth SIG's Industrial Measurement Device Service.

They notify a force in newtons and know no commands for a stream: what is sent is taken, and nothing is set.
"""

from __future__ import annotations

from typing_extensions import override

from bandsense.errors import CommandError, LinkError
from bandsense.language import Message, mark
from bandsense.link.drivers.base import (
    AdvertisementData,
    ConnectedSensor,
    Driver,
    GattClient,
    SensorAdvertisement,
    SensorInformation,
)
from bandsense.samples import Unit
from bandsense.wire import imds
from bandsense.wire.decoder import ImdsDecoder

__all__ = ["ImdsDriver", "ImdsSensor"]

_BATTERY_LEVEL_UUID = "00002a19-0000-1000-8000-00805f9b34fb"
_MODEL_UUID = "00002a24-0000-1000-8000-00805f9b34fb"
_SERIAL_UUID = "00002a25-0000-1000-8000-00805f9b34fb"
_FIRMWARE_UUID = "00002a26-0000-1000-8000-00805f9b34fb"
_HARDWARE_UUID = "00002a27-0000-1000-8000-00805f9b34fb"
_MANUFACTURER_UUID = "00002a29-0000-1000-8000-00805f9b34fb"


class ImdsSensor(ConnectedSensor):
    """A connected force sensor. It measures by itself."""

    title = mark("industrial measurement device")

    @override
    async def set_up(self) -> None:
        """Subscribe to the force.

        Raises:
            CommandError: it measures something else.
        """
        if not self.gatt.has(imds.FORCE_UUID):
            raise CommandError(
                Message("this measurement device does not measure force; choose another sensor")
            )
        await self.gatt.subscribe(imds.FORCE_UUID)

    @override
    async def describe(self) -> SensorInformation:
        """Ask the sensor, leaving open what it does not offer."""
        return SensorInformation(
            driver="imds",
            address=self.gatt.address,
            name=self.gatt.name,
            unit=Unit.NEWTON,
            battery_percent=await self.battery_percent(),
            serial=await self._text(_SERIAL_UUID),
            manufacturer=await self._text(_MANUFACTURER_UUID),
            model=await self._text(_MODEL_UUID),
            hardware=await self._text(_HARDWARE_UUID),
            firmware=await self._text(_FIRMWARE_UUID),
        )

    async def start(self, rate_hz: int) -> None:
        """Do nothing: the sensor sends at its own rate from the subscription on."""

    async def stop(self) -> None:
        """Do nothing: the sensor goes on sending until the link ends."""

    @override
    async def battery_percent(self) -> int | None:
        if not self.gatt.has(_BATTERY_LEVEL_UUID):
            return None
        level = await self.gatt.read(_BATTERY_LEVEL_UUID)
        return level[0] if level and level[0] <= 100 else None

    async def _text(self, uuid: str) -> str | None:
        if not self.gatt.has(uuid):
            return None
        try:
            value = await self.gatt.read(uuid)
        except LinkError:
            # Some sensors keep their serial number to themselves until they are paired.
            return None
        return value.decode(errors="replace").rstrip("\0 ") or None


class ImdsDriver(Driver):
    """Force sensors that advertise the Industrial Measurement Device Service."""

    name = "imds"
    title = mark("force sensor of the Bluetooth standard (Industrial Measurement Device)")
    broadcasts = False
    bonds = False

    @override
    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        if imds.SERVICE_UUID not in heard.service_uuids:
            return None
        return SensorAdvertisement(heard.name or heard.address)

    @override
    def decoder(self) -> ImdsDecoder:
        return ImdsDecoder()

    @override
    def device(self, gatt: GattClient) -> ImdsSensor:
        return ImdsSensor(gatt)

    @override
    def redact(self, characteristic: str, data: bytes) -> bytes:
        return b"0" * len(data) if characteristic == _SERIAL_UUID else data
