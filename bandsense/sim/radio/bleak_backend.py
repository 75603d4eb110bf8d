"""bleak over the virtual radio: backends that behave as bleak 3.1's own, so that `link/` runs unchanged.

    radio = VirtualRadio()
    adapter = await radio.adapter()
    devices = await BleakScanner.discover(backend=scanner_backend(adapter))
    async with BleakClient(devices[0], backend=client_backend(adapter)) as client: ...

Errors are those of bleak's backends: an ATT error is `BleakGATTProtocolError`, a connect that times out is
`asyncio.TimeoutError`, a request cut by a lost link and any call after it is `BleakError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak.uuids import normalize_uuid_str
from bumble import att, core, gatt, gatt_client, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection
from typing_extensions import override

from bandsense.sim.radio.virtual_radio import Adapter, AdapterState

__all__ = ["VirtualBleakClient", "VirtualBleakScanner", "client_backend", "scanner_backend"]

T = TypeVar("T")

CLIENT_MTU = 517
"""What BlueZ asks for."""

_REASONS = {
    AdapterState.OFF: BleakBluetoothNotAvailableReason.POWERED_OFF,
    AdapterState.ABSENT: BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
    AdapterState.DENIED: BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM,
}
_PROPERTIES: tuple[tuple[gatt.Characteristic.Properties, CharacteristicPropertyName], ...] = (
    (gatt.Characteristic.Properties.BROADCAST, "broadcast"),
    (gatt.Characteristic.Properties.READ, "read"),
    (gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE, "write-without-response"),
    (gatt.Characteristic.Properties.WRITE, "write"),
    (gatt.Characteristic.Properties.NOTIFY, "notify"),
    (gatt.Characteristic.Properties.INDICATE, "indicate"),
    (gatt.Characteristic.Properties.AUTHENTICATED_SIGNED_WRITES, "authenticated-signed-writes"),
    (gatt.Characteristic.Properties.EXTENDED_PROPERTIES, "extended-properties"),
)
_SERVICE_LISTS = {
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AdvertisingData.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA = {
    AdvertisingData.SERVICE_DATA_16_BIT_UUID: 2,
    AdvertisingData.SERVICE_DATA_32_BIT_UUID: 4,
    AdvertisingData.SERVICE_DATA_128_BIT_UUID: 16,
}
_NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)


def client_backend(adapter: Adapter) -> type[VirtualBleakClient]:
    """Return a class for `BleakClient(..., backend=...)` that uses this adapter."""
    return type("VirtualBleakClient", (VirtualBleakClient,), {"adapter": adapter})


def scanner_backend(adapter: Adapter) -> type[VirtualBleakScanner]:
    """Return a class for `BleakScanner(..., backend=...)` that uses this adapter."""
    return type("VirtualBleakScanner", (VirtualBleakScanner,), {"adapter": adapter})


def _require_bluetooth(adapter: Adapter) -> None:
    if adapter.state is not AdapterState.ON:
        raise BleakBluetoothNotAvailableError(
            f"The Bluetooth adapter is {adapter.state.value}.", _REASONS[adapter.state]
        )


def _uuid(little_endian: bytes) -> str:
    return normalize_uuid_str(core.UUID.from_bytes(little_endian).to_hex_str("-"))


def _address(address: hci.Address) -> str:
    return address.to_string(False)


def advertisement_data(heard: Advertisement) -> AdvertisementData:
    """Convert an advertisement, merged with its scan response, to bleak's form."""
    name: str | None = None
    tx_power: int | None = None
    manufacturer_data: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    service_uuids: list[str] = []
    for kind, data in heard.data.ad_structures:
        if kind in _NAMES:
            name = data.decode("utf-8", errors="replace")
        elif kind == AdvertisingData.TX_POWER_LEVEL and len(data) == 1:
            tx_power = int.from_bytes(data, "little", signed=True)
        elif kind == AdvertisingData.MANUFACTURER_SPECIFIC_DATA and len(data) >= 2:
            manufacturer_data[int.from_bytes(data[:2], "little")] = data[2:]
        elif (size := _SERVICE_LISTS.get(kind)) is not None:
            service_uuids += [_uuid(data[i : i + size]) for i in range(0, len(data) - size + 1, size)]
        elif (size := _SERVICE_DATA.get(kind)) is not None and len(data) >= size:
            service_data[_uuid(data[:size])] = data[size:]
    return AdvertisementData(
        local_name=name,
        manufacturer_data=manufacturer_data,
        service_data=service_data,
        service_uuids=service_uuids,
        tx_power=tx_power,
        rssi=heard.rssi,
        platform_data=(heard,),
    )


class VirtualBleakScanner(BaseBleakScanner):
    """`BaseBleakScanner` on an adapter of the virtual radio."""

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_options: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._scanning = False

    @override
    async def start(self) -> None:
        _require_bluetooth(self.adapter)
        self.seen_devices = {}
        self._scanning = True
        self.adapter.device.on("advertisement", self._on_advertisement)
        try:
            await self.adapter.listen()
        except asyncio.CancelledError:
            await self.stop()
            raise

    @override
    async def stop(self) -> None:
        if not self._scanning:
            return
        self._scanning = False
        self.adapter.device.remove_listener("advertisement", self._on_advertisement)
        await self.adapter.unlisten()

    def _on_advertisement(self, heard: Advertisement) -> None:
        data = advertisement_data(heard)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = _address(heard.address)
        known = self.seen_devices.get(address)
        name = data.local_name or (known[0].name if known else None)
        device = self.create_or_update_device(address, address, name, {"address": heard.address}, data)
        self.call_detection_callbacks(device, data)


class VirtualBleakClient(BaseBleakClient):
    """`BaseBleakClient` on an adapter of the virtual radio."""

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **_options: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._requested_services = services
        self._connection: Connection | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @override
    @property
    def name(self) -> str:
        if self._device is None:
            raise BleakError("Not connected")
        return self._device.name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The negotiated ATT MTU."""
        return int(self._connection.att_mtu) if self._connection else 23

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._connection is not None

    @override
    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Like BlueZ, encrypts at once where a bond exists."""
        if self.is_connected:
            raise BleakError("Client is already connected")
        _require_bluetooth(self.adapter)
        timeout_s = kwargs.get("timeout", self._timeout)
        device = self._device or await self._find(timeout_s)
        self._device = device
        async with asyncio.timeout(timeout_s):
            self._attach(await self._open(device))
            try:
                await self._secure(pair)
                self.services = await self._attempt(self._discover())
            except BaseException:
                await self._close()
                raise

    @override
    async def disconnect(self) -> None:
        await self._close()

    @override
    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Needs an agent on the adapter, as a Linux machine does."""
        if await self._bonded():
            return
        if self.adapter.agent is None:
            raise BleakError("Authentication failed: no agent answers for this computer")
        await self._attempt(self._link.pair())

    @override
    async def unpair(self) -> None:
        """Also ends the connection."""
        if self._device is None:
            raise BleakDeviceNotFoundError(self.address, f"Device with address {self.address} was not found.")
        await self.adapter.bonds.delete(str(self._device.details["address"]))
        await self._close()

    @override
    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(characteristic.handle, use_cached)

    @override
    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(descriptor.handle, use_cached)

    @override
    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._write(characteristic.handle, bytes(data), response)

    @override
    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._write(descriptor.handle, bytes(data), response=True)

    @override
    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        if not {"notify", "indicate"} & set(characteristic.properties):
            raise BleakError(f"{characteristic} supports neither notifications nor indications")
        if characteristic.handle in self._subscribers:
            raise BleakError(f"notifications of {characteristic} are already started")

        def subscriber(value: bytes) -> None:
            try:
                callback(bytearray(value))
            except Exception as error:
                # A callback that fails must not keep the stack from confirming an indication.
                asyncio.get_running_loop().call_exception_handler(
                    {"message": f"error in the notification callback of {characteristic}", "exception": error}
                )

        client = self._link.gatt_client
        self._subscribers[characteristic.handle] = subscriber
        try:
            await self._attempt(client.subscribe(characteristic.obj, subscriber))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            for subscribers in (client.notification_subscribers, client.indication_subscribers):
                subscribers.get(characteristic.handle, set()).discard(subscriber)
            raise

    @override
    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        client = self._link.gatt_client
        subscriber = self._subscribers.pop(characteristic.handle, None)
        if subscriber is None:
            raise BleakError(f"notifications of {characteristic} are not started")
        await self._attempt(client.unsubscribe(characteristic.obj, subscriber))

    @property
    def _link(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    async def _find(self, timeout_s: float) -> BLEDevice:
        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def on_detection(device: BLEDevice, _data: AdvertisementData) -> None:
            if device.address.upper() == self.address.upper() and not found.done():
                found.set_result(device)

        scanner = scanner_backend(self.adapter)(on_detection, None)
        await scanner.start()
        try:
            return await asyncio.wait_for(found, timeout_s)
        except TimeoutError:
            raise BleakDeviceNotFoundError(
                self.address, f"Device with address {self.address} was not found."
            ) from None
        finally:
            await scanner.stop()

    async def _open(self, device: BLEDevice) -> Connection:
        """Return the link to the device: the one this computer already has, or a new one."""
        try:
            connection = await self.adapter.connect(device.details["address"])
        except core.ConnectionError as error:
            raise BleakError(f"Connecting failed: {error}") from error
        if connection not in self.adapter.device.connections.values():
            raise BleakError("Connecting failed: the link ended at once")
        return connection

    def _attach(self, connection: Connection) -> None:
        self._connection = connection
        self._gone = asyncio.get_running_loop().create_future()
        connection.once(connection.EVENT_DISCONNECTION, self._on_disconnected)

    def _on_disconnected(self, _reason: int) -> None:
        self._connection = None
        self.services = None
        self._subscribers.clear()
        self._gone.set_result(None)
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _close(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.disconnect()
        except (hci.HCI_Error, asyncio.CancelledError):
            # The link ended by itself in the meantime; what matters is that it has.
            if self._connection is not None:
                raise

    async def _bonded(self) -> bool:
        return await self.adapter.bonds.get(str(self._link.peer_address)) is not None

    async def _secure(self, pair: bool) -> None:
        if await self._bonded():
            if not self._link.is_encrypted:
                await self._attempt(self._link.encrypt())
        elif pair:
            await self.pair()

    async def _discover(self) -> BleakGATTServiceCollection:
        client = self._link.gatt_client
        await client.request_mtu(CLIENT_MTU)
        collection = BleakGATTServiceCollection()
        for service in await client.discover_services():
            uuid = _uuid(service.uuid.to_bytes())
            if self._requested_services is not None and uuid not in self._requested_services:
                continue
            own = BleakGATTService(service, service.handle, uuid)
            collection.add_service(own)
            for proxy in await service.discover_characteristics():
                characteristic = self._characteristic(own, proxy)
                collection.add_characteristic(characteristic)
                for descriptor in await proxy.discover_descriptors():
                    uuid = _uuid(descriptor.type.to_bytes())
                    collection.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, uuid, characteristic)
                    )
        return collection

    def _characteristic(
        self, service: BleakGATTService, proxy: gatt_client.CharacteristicProxy[bytes]
    ) -> BleakGATTCharacteristic:
        return BleakGATTCharacteristic(
            proxy,
            proxy.handle,
            _uuid(proxy.uuid.to_bytes()),
            [name for flag, name in _PROPERTIES if proxy.properties & flag],
            lambda: self.mtu_size - 3,
            service,
        )

    async def _read(self, handle: int, use_cached: bool) -> bytearray:
        client = self._link.gatt_client
        if use_cached and handle in client.cached_values:
            return bytearray(client.cached_values[handle][1])
        return bytearray(await self._attempt(client.read_value(handle)))

    async def _write(self, handle: int, data: bytes, response: bool) -> None:
        if not response and len(data) > self.mtu_size - 3:
            raise BleakError(f"{len(data)} bytes do not fit a write without response at MTU {self.mtu_size}")
        await self._attempt(self._link.gatt_client.write_value(handle, data, with_response=response))

    async def _attempt(self, operation: Coroutine[Any, Any, T]) -> T:
        """Run a request on the link until it is answered, or the link is gone.

        Raises:
            BleakGATTProtocolError: the sensor answered with an ATT error.
            BleakError: the link ended first, or the stack refused.
        """
        gone = self._gone
        task = asyncio.ensure_future(operation)
        waiting: set[asyncio.Future[Any]] = {task, gone}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
        try:
            return await task
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
            raise BleakError(f"The request failed: {error}") from error
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if not gone.done() or (this is not None and this.cancelling()):
                raise
            raise BleakError("The device disconnected while a request was under way") from None
