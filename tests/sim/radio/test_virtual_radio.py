from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bumble import core, hci, pairing
from bumble.device import Advertisement, AdvertisingType, Connection, Device

from bandsense.sim.radio.virtual_radio import AdapterState, Agent, VirtualRadio
from tests.sim.radio.gatt_server import NOTIFIED, Server, serve


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio(supervision_timeout_s=0.05) as radio:
        yield radio


@pytest.fixture
async def server(radio: VirtualRadio) -> Server:
    return await serve(radio)


async def connect(radio: VirtualRadio, server: Server) -> Connection:
    adapter = await radio.adapter()
    return await adapter.device.connect_le(
        server.device.random_address, own_address_type=hci.OwnAddressType.PUBLIC, timeout=1.0
    )


async def subscribe(connection: Connection, into: list[tuple[float, bytes]]) -> None:
    client = connection.gatt_client
    await client.discover_services()
    characteristics = [
        found for service in client.services for found in await service.discover_characteristics()
    ]
    [notified] = [c for c in characteristics if c.uuid.to_hex_str("-").lower() == NOTIFIED]
    loop = asyncio.get_running_loop()
    await client.subscribe(notified, lambda value: into.append((loop.time(), value)))


async def heard_by(device: Device, duration_s: float) -> list[Advertisement]:
    heard: list[Advertisement] = []
    device.on("advertisement", heard.append)
    await device.start_scanning()
    await asyncio.sleep(duration_s)
    await device.stop_scanning()
    return heard


async def test_advertising_keeps_its_interval(radio: VirtualRadio, server: Server) -> None:
    await server.advertise(interval_ms=50.0)
    heard = await heard_by((await radio.adapter()).device, 0.22)
    assert 4 <= len(heard) <= 5


async def test_out_of_range_is_not_heard(radio: VirtualRadio, server: Server) -> None:
    adapter = await radio.adapter()
    radio.silence("tester")
    assert not await heard_by(adapter.device, 0.06)
    radio.unsilence("tester")
    assert await heard_by(adapter.device, 0.06)


async def test_a_broadcaster_is_heard_and_cannot_be_connected_to(radio: VirtualRadio) -> None:
    broadcaster = await radio.add_device("scale")
    await broadcaster.start_advertising(
        advertising_type=AdvertisingType.UNDIRECTED, advertising_interval_min=20, advertising_interval_max=20
    )
    adapter = await radio.adapter()
    heard = await heard_by(adapter.device, 0.05)
    assert heard
    assert not heard[0].is_connectable
    with pytest.raises(core.TimeoutError):
        await adapter.device.connect_le(broadcaster.random_address, timeout=0.05)
    assert not adapter.device.connections


async def test_the_link_survives_a_short_absence(radio: VirtualRadio, server: Server) -> None:
    connection = await connect(radio, server)
    values: list[tuple[float, bytes]] = []
    await subscribe(connection, values)
    radio.silence("tester")
    await server.device.notify_subscribers(server.notified, b"late")
    await asyncio.sleep(0.02)
    assert values == []
    radio.unsilence("tester")
    await asyncio.sleep(0.005)
    assert [value for _, value in values] == [b"late"]
    assert (await radio.adapter()).device.connections


async def test_the_link_is_lost_after_the_supervision_timeout(radio: VirtualRadio, server: Server) -> None:
    connection = await connect(radio, server)
    reasons: list[int] = []
    connection.on("disconnection", reasons.append)
    radio.silence("tester")
    await asyncio.sleep(0.03)
    assert reasons == []
    await asyncio.sleep(0.04)
    assert reasons == [hci.HCI_CONNECTION_TIMEOUT_ERROR]
    assert not server.device.connections


async def test_switching_the_adapter_off_ends_the_link_on_both_sides(
    radio: VirtualRadio, server: Server
) -> None:
    radio.connection_interval_s = 0.03
    await connect(radio, server)
    adapter = await radio.adapter()
    states: list[AdapterState] = []
    adapter.on_state.append(states.append)
    await adapter.switch_off()
    await asyncio.sleep(0.07)
    assert not adapter.device.connections
    assert not server.device.connections
    adapter.switch_on()
    assert states == [AdapterState.OFF, AdapterState.ON]


async def test_data_pass_at_connection_events(radio: VirtualRadio, server: Server) -> None:
    connection = await connect(radio, server)
    values: list[tuple[float, bytes]] = []
    await subscribe(connection, values)
    radio.connection_interval_s = 0.03
    for i in range(6):
        await server.device.notify_subscribers(server.notified, bytes([i]))
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.04)
    assert [value for _, value in values] == [bytes([i]) for i in range(6)]
    assert all((at_s + 1e-9) % 0.03 < 1e-6 for at_s, _ in values)


async def test_jitter_delays_and_keeps_order(radio: VirtualRadio, server: Server) -> None:
    connection = await connect(radio, server)
    values: list[tuple[float, bytes]] = []
    await subscribe(connection, values)
    radio.jitter_s = 0.02
    for i in range(20):
        await server.device.notify_subscribers(server.notified, bytes([i]))
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.03)
    assert [value for _, value in values] == [bytes([i]) for i in range(20)]


async def test_two_radios_with_one_seed_jitter_alike() -> None:
    async with VirtualRadio(jitter_s=0.2, seed=7) as one, VirtualRadio(jitter_s=0.2, seed=7) as other:
        assert [one.delay_to_next_event_s() for _ in range(5)] == [
            other.delay_to_next_event_s() for _ in range(5)
        ]


async def test_a_cancelled_connect_leaves_nothing_behind(radio: VirtualRadio, server: Server) -> None:
    radio.silence("tester")
    with pytest.raises(core.TimeoutError):
        await connect_with_timeout(radio, server, 0.03)
    radio.unsilence("tester")
    await asyncio.sleep(0.05)
    assert not server.device.connections
    assert (await connect(radio, server)).handle is not None


async def connect_with_timeout(radio: VirtualRadio, server: Server, timeout_s: float) -> Connection:
    adapter = await radio.adapter()
    return await adapter.device.connect_le(server.device.random_address, timeout=timeout_s)


async def test_of_two_centrals_at_one_advertisement_one_waits(radio: VirtualRadio, server: Server) -> None:
    first, second = [
        asyncio.create_task((await radio.adapter(name)).connect(server.device.random_address))
        for name in ("computer", "phone")
    ]
    await asyncio.sleep(0.01)
    await server.advertise()
    await asyncio.sleep(0.1)
    assert first.done()
    assert not second.done()
    await (await first).disconnect()
    await server.advertise()
    assert await (await second).gatt_client.discover_services()


async def test_a_link_lost_while_it_is_asked_for_stands_on_neither_side(
    radio: VirtualRadio, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await radio.adapter()
    computer, sensor = radio.controller("computer"), radio.controller("tester")
    hear = computer.on_advertising_pdu

    def hear_and_lose(advertisement: object) -> None:
        hear(advertisement)
        radio.lose_link("tester")

    monkeypatch.setattr(computer, "on_advertising_pdu", hear_and_lose)
    await server.advertise()
    await connect(radio, server)
    await asyncio.sleep(0.1)
    assert not computer.le_connections
    assert not sensor.le_connections
    monkeypatch.undo()
    assert await (await connect(radio, server)).gatt_client.discover_services()


async def test_passkey_pairing(radio: VirtualRadio, server: Server) -> None:
    class Display(pairing.PairingDelegate):
        def __init__(self) -> None:
            super().__init__(io_capability=self.DISPLAY_OUTPUT_ONLY)

        async def generate_passkey(self) -> int:
            return 123456

    server.device.pairing_config_factory = lambda _: pairing.PairingConfig(delegate=Display())
    adapter = await radio.adapter()
    connection = await connect(radio, server)
    adapter.agent = Agent(passkey=654321)
    with pytest.raises(core.ProtocolError, match="CONFIRM_VALUE_FAILED"):
        await connection.pair()
    assert not connection.is_encrypted
    adapter.agent = Agent(passkey=123456)
    await connection.pair()
    assert connection.is_encrypted


async def test_an_unknown_command_is_answered(radio: VirtualRadio, server: Server) -> None:
    connection = await connect(radio, server)
    with pytest.raises(hci.HCI_Error):
        await asyncio.wait_for(connection.set_phy([hci.Phy.LE_2M]), 1.0)


async def test_a_removed_device_takes_its_link_with_it(radio: VirtualRadio, server: Server) -> None:
    await connect(radio, server)
    await radio.remove_device("tester")
    adapter = await radio.adapter()
    await asyncio.sleep(0.01)
    assert not adapter.device.connections
    with pytest.raises(KeyError):
        radio.controller("tester")


async def test_names_are_unique(radio: VirtualRadio, server: Server) -> None:
    with pytest.raises(ValueError, match="already"):
        await radio.add_device("tester")
