"""A `BleakClient` as drivers see it: everything received goes to a sink, every failure is a `LinkError`."""

from __future__ import annotations

from collections.abc import Callable

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from bandsense.language import Message
from bandsense.link.errors import BLUETOOTH_ERRORS, link_error

__all__ = ["BleakGattClient"]


class BleakGattClient:
    """Implements `bandsense.link.drivers.Gatt`.

    Args:
        client: a connected client.
        name: what the sensor advertises.
        received: called with characteristic and value for everything that is read or notified.
    """

    def __init__(self, client: BleakClient, name: str, received: Callable[[str, bytes], None]) -> None:
        self._client = client
        self._name = name
        self._received = received

    @property
    def address(self) -> str:
        """The sensor's address."""
        return self._client.address

    @property
    def name(self) -> str:
        """What the sensor advertises."""
        return self._name

    def has(self, characteristic: str) -> bool:
        """Return whether the sensor offers this characteristic."""
        try:
            return self._client.services.get_characteristic(characteristic) is not None
        except BLUETOOTH_ERRORS as error:
            raise link_error(error, Message("looking at the sensor's services")) from error

    def max_write_without_response(self, characteristic: str) -> int:
        """Return how many bytes one write without response carries."""
        try:
            found = self._client.services.get_characteristic(characteristic)
            return 20 if found is None else found.max_write_without_response_size
        except BLUETOOTH_ERRORS as error:
            raise link_error(error, Message("looking at the sensor's services")) from error

    async def read(self, characteristic: str) -> bytes:
        """Read a characteristic."""
        try:
            value = bytes(await self._client.read_gatt_char(characteristic))
        except BLUETOOTH_ERRORS as error:
            raise link_error(error, Message("reading from the sensor")) from error
        self._received(characteristic, value)
        return value

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic."""
        try:
            await self._client.write_gatt_char(characteristic, data, response=response)
        except BLUETOOTH_ERRORS as error:
            raise link_error(error, Message("writing to the sensor")) from error

    async def subscribe(self, characteristic: str, listener: Callable[[bytes], None] | None = None) -> None:
        """Subscribe to a characteristic."""

        def on_value(_: BleakGATTCharacteristic, value: bytearray) -> None:
            data = bytes(value)
            self._received(characteristic, data)
            if listener is not None:
                listener(data)

        try:
            await self._client.start_notify(characteristic, on_value)
        except BLUETOOTH_ERRORS as error:
            raise link_error(error, Message("subscribing to the sensor")) from error
