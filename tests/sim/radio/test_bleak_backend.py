from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bumble import hci

from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import Adapter, AdapterState, Agent, VirtualRadio
from tests.sim.radio import gatt_server
from tests.sim.radio.gatt_server import Server, serve


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


@pytest.fixture
async def server(radio: VirtualRadio) -> Server:
    return await serve(radio)


@pytest.fixture
async def adapter(radio: VirtualRadio) -> Adapter:
    return await radio.adapter()


async def find(adapter: Adapter, name: str = "tester") -> BLEDevice:
    device = await BleakScanner.find_device_by_name(name, timeout=2.0, backend=scanner_backend(adapter))
    assert device is not None
    return device


@pytest.fixture
async def device(adapter: Adapter, server: Server) -> BLEDevice:
    return await find(adapter)


@pytest.fixture
async def client(adapter: Adapter, device: BLEDevice) -> AsyncIterator[BleakClient]:
    async with BleakClient(device, backend=client_backend(adapter)) as client:
        yield client


async def test_scan_merges_the_scan_response(adapter: Adapter, server: Server, radio: VirtualRadio) -> None:
    radio.controller("tester").rssi_dbm = -71
    found = await BleakScanner.discover(0.1, return_adv=True, backend=scanner_backend(adapter))
    [(device, data)] = found.values()
    assert device.address == server.device.random_address.to_string(False)
    assert data.local_name == device.name == "tester"
    assert data.manufacturer_data == {0xFFFF: b"\x01\x02"}
    assert data.service_uuids == [gatt_server.SERVICE]
    assert data.tx_power == -4
    assert data.rssi == -71


@pytest.mark.parametrize("given_up", [False, True])
async def test_a_scan_may_begin_while_another_is_being_stopped(
    adapter: Adapter, server: Server, given_up: bool
) -> None:
    """One adapter serves all programs of its computer; a controller refuses a start during a stop."""
    heard: list[str] = []

    def scanner() -> BleakScanner:
        return BleakScanner(lambda device, _: heard.append(device.address), backend=scanner_backend(adapter))

    for steps in range(1, 8):
        first, second = scanner(), scanner()
        await first.start()
        busy = asyncio.ensure_future(adapter.device.send_sync_command(hci.HCI_Read_BD_ADDR_Command()))
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(first.stop())
        for _ in range(steps):
            await asyncio.sleep(0)
        if given_up:
            stopping.cancel()
        await second.start()
        await asyncio.wait([busy, stopping])
        heard.clear()
        await asyncio.sleep(0.1)
        assert heard, f"deaf when the second scan began {steps} steps into the stop"
        await second.stop()
        heard.clear()
        await asyncio.sleep(0.1)
        assert not heard


async def test_a_scan_given_up_while_it_begins_is_over(adapter: Adapter, server: Server) -> None:
    heard: list[str] = []
    for steps in range(1, 8):
        scanner = BleakScanner(
            lambda device, _: heard.append(device.address), backend=scanner_backend(adapter)
        )
        starting = asyncio.ensure_future(scanner.start())
        for _ in range(steps):
            await asyncio.sleep(0)
        if not starting.cancel():
            await scanner.stop()
        await asyncio.wait([starting])
        await asyncio.sleep(0.05)
        assert adapter.scanners == 0
        assert not adapter.controller.le_scan_enable
        await find(adapter)


async def test_scan_filters_by_service(adapter: Adapter, server: Server) -> None:
    backend = scanner_backend(adapter)
    assert await BleakScanner.discover(0.1, service_uuids=[gatt_server.SERVICE], backend=backend)
    assert not await BleakScanner.discover(0.1, service_uuids=["180f"], backend=backend)


async def test_two_scanners_share_an_adapter(adapter: Adapter, server: Server) -> None:
    backend = scanner_backend(adapter)
    async with BleakScanner(backend=backend) as outer:
        async with BleakScanner(backend=backend) as inner:
            await asyncio.sleep(0.06)
        assert inner.discovered_devices
        outer._backend.seen_devices.clear()
        await asyncio.sleep(0.06)
        assert outer.discovered_devices


async def test_services_are_resolved(client: BleakClient) -> None:
    value = client.services.get_characteristic(gatt_server.VALUE)
    assert value is not None
    assert value.service_uuid == gatt_server.SERVICE
    assert set(value.properties) == {"read", "write", "write-without-response"}
    assert value.max_write_without_response_size == client.mtu_size - 3 == 244
    assert [d.description for d in value.descriptors] == ["Characteristic User Description"]
    assert client.services.get_service("1801") is not None


async def test_only_requested_services_are_resolved(adapter: Adapter, device: BLEDevice) -> None:
    async with BleakClient(device, services=["1801"], backend=client_backend(adapter)) as client:
        assert [service.uuid[4:8] for service in client.services] == ["1801"]


async def test_read_and_write(client: BleakClient, server: Server) -> None:
    assert await client.read_gatt_char(gatt_server.VALUE) == b"hello"
    await client.write_gatt_char(gatt_server.VALUE, b"with", response=True)
    await client.write_gatt_char(gatt_server.VALUE, bytearray(b"without"), response=False)
    assert await client.read_gatt_char(gatt_server.VALUE) == b"without"
    assert server.written == [b"with", b"without"]


async def test_long_values(client: BleakClient, server: Server) -> None:
    long = bytes(range(256)) * 2
    await client.write_gatt_char(gatt_server.VALUE, long, response=True)
    assert await client.read_gatt_char(gatt_server.VALUE) == long
    with pytest.raises(BleakError, match="do not fit"):
        await client.write_gatt_char(gatt_server.VALUE, long, response=False)
    assert server.written == [long]


async def test_cached_read_does_not_ask_the_sensor(client: BleakClient, server: Server) -> None:
    await client.read_gatt_char(gatt_server.VALUE)
    server.value = b"changed"
    assert await client.read_gatt_char(gatt_server.VALUE, use_cached=True) == b"hello"


async def test_descriptors(client: BleakClient) -> None:
    value = client.services.get_characteristic(gatt_server.VALUE)
    assert value is not None
    assert await client.read_gatt_descriptor(value.descriptors[0]) == gatt_server.DESCRIPTION.encode()


async def test_notifications(client: BleakClient, server: Server) -> None:
    heard: list[bytes] = []
    await client.start_notify(gatt_server.NOTIFIED, lambda _, data: heard.append(bytes(data)))
    with pytest.raises(BleakError, match="already started"):
        await client.start_notify(gatt_server.NOTIFIED, lambda _c, _d: None)
    for i in range(3):
        await server.device.notify_subscribers(server.notified, bytes([i]))
    await client.stop_notify(gatt_server.NOTIFIED)
    await server.device.notify_subscribers(server.notified, b"\x09")
    assert await client.read_gatt_char(gatt_server.VALUE)
    assert heard == [b"\x00", b"\x01", b"\x02"]


async def test_an_indication_is_confirmed_even_if_the_callback_fails(
    client: BleakClient, server: Server
) -> None:
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))

    def fail(_characteristic: object, _data: bytearray) -> None:
        raise ValueError("callback")

    await client.start_notify(gatt_server.INDICATED, fail)
    await asyncio.wait_for(server.device.indicate_subscribers(server.indicated, b"x"), 1.0)
    assert [str(error) for error in errors] == ["callback"]


async def test_att_errors(client: BleakClient) -> None:
    with pytest.raises(BleakGATTProtocolError) as read:
        await client.read_gatt_char(gatt_server.REFUSED)
    assert read.value.code is BleakGATTProtocolErrorCode.READ_NOT_PERMITTED
    with pytest.raises(BleakGATTProtocolError) as write:
        await client.write_gatt_char(gatt_server.REFUSED, b"x", response=True)
    assert write.value.code == gatt_server.APPLICATION_ERROR
    with pytest.raises(BleakCharacteristicNotFoundError):
        await client.read_gatt_char("2a19")
    with pytest.raises(BleakError, match="neither"):
        await client.start_notify(gatt_server.VALUE, lambda _c, _d: None)


async def test_encryption_is_demanded_and_pairing_gives_it(client: BleakClient, adapter: Adapter) -> None:
    with pytest.raises(BleakGATTProtocolError) as refused:
        await client.read_gatt_char(gatt_server.ENCRYPTED)
    assert refused.value.code is BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION
    await client.pair()
    assert await client.read_gatt_char(gatt_server.ENCRYPTED) == b"secret"
    await client.pair()


async def test_a_bond_encrypts_the_next_connection(adapter: Adapter, device: BLEDevice) -> None:
    backend = client_backend(adapter)
    async with BleakClient(device, pair=True, backend=backend) as client:
        assert await client.read_gatt_char(gatt_server.ENCRYPTED) == b"secret"
    async with BleakClient(device, backend=backend) as client:
        assert await client.read_gatt_char(gatt_server.ENCRYPTED) == b"secret"
        await client.unpair()
        assert not client.is_connected
    async with BleakClient(device, backend=backend) as client:
        with pytest.raises(BleakGATTProtocolError):
            await client.read_gatt_char(gatt_server.ENCRYPTED)


async def test_a_bond_that_the_sensor_forgot_fails_the_connection(
    adapter: Adapter, device: BLEDevice, server: Server
) -> None:
    backend = client_backend(adapter)
    async with BleakClient(device, pair=True, backend=backend):
        pass
    assert server.device.keystore is not None
    await server.device.keystore.delete_all()
    client = BleakClient(device, backend=backend)
    with pytest.raises(BleakError):
        await client.connect()
    assert not client.is_connected


async def test_pairing_refused(client: BleakClient, adapter: Adapter) -> None:
    adapter.agent = None
    with pytest.raises(BleakError, match="agent"):
        await client.pair()
    with pytest.raises(BleakGATTProtocolError):
        await client.read_gatt_char(gatt_server.ENCRYPTED)
    adapter.agent = Agent()
    await client.pair()


async def test_disconnect_calls_back_and_later_calls_fail(adapter: Adapter, device: BLEDevice) -> None:
    gone: list[BleakClient] = []
    client = BleakClient(device, gone.append, backend=client_backend(adapter))
    await client.connect()
    with pytest.raises(BleakError, match="already connected"):
        await client.connect()
    await client.disconnect()
    await client.disconnect()
    assert gone == [client]
    assert not client.is_connected
    with pytest.raises(BleakError):
        await client.read_gatt_char(gatt_server.VALUE)
    with pytest.raises(BleakError, match="Not connected"):
        await client.start_notify(gatt_server.NOTIFIED, lambda _c, _d: None)


async def test_link_loss_cuts_the_request_under_way(
    client: BleakClient, radio: VirtualRadio, adapter: Adapter
) -> None:
    request = asyncio.create_task(client.read_gatt_char(gatt_server.SILENT))
    await asyncio.sleep(0.01)
    radio.lose_link("tester")
    with pytest.raises(BleakError, match="disconnected"):
        await request
    assert not client.is_connected


async def test_a_cancelled_request_stays_cancelled(client: BleakClient) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client.read_gatt_char(gatt_server.SILENT), 0.02)
    assert client.is_connected


async def test_connect_times_out_and_a_later_connect_works(
    adapter: Adapter, device: BLEDevice, radio: VirtualRadio
) -> None:
    radio.silence("tester")
    client = BleakClient(device, timeout=0.05, backend=client_backend(adapter))
    with pytest.raises(asyncio.TimeoutError):
        await client.connect()
    radio.unsilence("tester")
    await asyncio.sleep(0.05)
    assert not adapter.device.connections
    await client.connect()
    assert client.is_connected
    await client.disconnect()


@pytest.mark.parametrize("linked", [False, True])
async def test_a_connect_given_up_leaves_neither_a_request_nor_a_link(
    adapter: Adapter, server: Server, device: BLEDevice, linked: bool
) -> None:
    """Wherever it is given up: else the sensor would have a link that nobody owns, and nobody else could."""
    heard = asyncio.Event()
    server.device.on("connection", lambda _link: heard.set())
    for steps in range(60):
        client = BleakClient(device, backend=client_backend(adapter))
        heard.clear()
        connecting = asyncio.ensure_future(client.connect())
        if linked:
            await heard.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        if not connecting.cancel():
            await client.disconnect()
        await asyncio.wait([connecting])
        await asyncio.sleep(0.2)
        assert not adapter.device.connections, f"a link after {steps} steps"
        assert not server.device.connections, f"a link after {steps} steps"
    async with BleakClient(device, timeout=2.0, backend=client_backend(adapter)) as client:
        assert await client.read_gatt_char(gatt_server.VALUE) == b"hello"


async def test_connect_by_address(adapter: Adapter, device: BLEDevice, radio: VirtualRadio) -> None:
    backend = client_backend(adapter)
    async with BleakClient(device.address.lower(), timeout=1.0, backend=backend) as client:
        assert client.name == "tester"
    radio.silence("tester")
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient(device.address, timeout=0.05, backend=backend).connect()


async def test_two_clients_share_the_link(adapter: Adapter, client: BleakClient, device: BLEDevice) -> None:
    async with BleakClient(device, backend=client_backend(adapter)) as second:
        assert await second.read_gatt_char(gatt_server.VALUE) == b"hello"
        assert len(adapter.device.connections) == 1
    assert not client.is_connected


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (AdapterState.OFF, BleakBluetoothNotAvailableReason.POWERED_OFF),
        (AdapterState.ABSENT, BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
        (AdapterState.DENIED, BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM),
    ],
)
async def test_bluetooth_not_available(
    adapter: Adapter,
    client: BleakClient,
    device: BLEDevice,
    state: AdapterState,
    reason: BleakBluetoothNotAvailableReason,
) -> None:
    await adapter.switch_off(state)
    assert not client.is_connected
    with pytest.raises(BleakBluetoothNotAvailableError) as scan:
        await BleakScanner.discover(0.01, backend=scanner_backend(adapter))
    assert scan.value.reason is reason
    with pytest.raises(BleakBluetoothNotAvailableError):
        await client.connect()
    adapter.switch_on()
    await client.connect()
    assert await client.read_gatt_char(gatt_server.VALUE) == b"hello"
