"""One list of checks for every Bluetooth stack: what bandsense relies on, through bleak and through the link.

Runs on the virtual radio with every change, and on BlueZ in a virtual machine (tests/vm).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak_retry_connector import establish_connection

from bandsense.link.sensor import LinkEvent, LinkState, Sensor, open_sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.codes import ATT_CCC_IMPROPERLY_CONFIGURED, ATT_INVALID_LENGTH
from bandsense.wire.bandsense.information import Information, advertised_name
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    CONTROL_UUID,
    INFORMATION_UUID,
    MANUFACTURER_UUID,
    MEASUREMENT_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
)
from tests.support.sensors import ramp
from tests.system.conformance.worlds import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE_HZ = 80
STREAM_S = 60.0
PASSKEY = 271828
PATIENCE_S = 40.0
"""How long a check waits for what has to come, times the world's own patience."""

_serials = itertools.count(0xC0DE)


@contextlib.asynccontextmanager
async def a_band(world: World, passkey: int | None = None) -> AsyncIterator[VirtualBand]:
    """A new sensor on the air, with an address that no stack has seen before."""
    serial = next(_serials)
    address = f"C0:BA:5E:00:{serial >> 8:02X}:{serial & 0xFF:02X}"
    hardware = Hardware(serial=serial, passkey=passkey)
    async with VirtualBand(world.radio, ramp(), address=address, hardware=hardware) as band:
        yield band
    await world.forget(address)


def name_of(band: VirtualBand) -> str:
    return advertised_name(band.hardware.serial)


async def found(world: World, band: VirtualBand) -> BLEDevice:
    device = await BleakScanner.find_device_by_address(
        band.address, timeout=PATIENCE_S * world.patience, backend=world.transport.scanner_backend
    )
    assert device is not None
    return device


def client_of(world: World, device: BLEDevice, *, timeout_s: float) -> BleakClient:
    return BleakClient(device, timeout=timeout_s * world.patience, **world.transport.client_options)


@contextlib.asynccontextmanager
async def connected(world: World, band: VirtualBand) -> AsyncIterator[BleakClient]:
    """A bleak connection, made as the link makes it: transient errors are the connector's business."""
    device = await found(world, band)
    client = await establish_connection(
        BleakClient, device, name_of(band), use_services_cache=False, **world.transport.client_options
    )
    try:
        yield client
    finally:
        await client.disconnect()


@contextlib.asynccontextmanager
async def followed(
    world: World, band: VirtualBand, events: list[LinkEvent] | None = None
) -> AsyncIterator[Sensor]:
    """The sensor through the link, paired."""
    async with contextlib.AsyncExitStack() as stack:
        opened: list[Sensor] = []

        async def attempt() -> None:
            band.press_button()
            opened.append(
                await stack.enter_async_context(
                    open_sensor(
                        band.address,
                        transport=world.transport,
                        on_event=None if events is None else events.append,
                        wait_s=PATIENCE_S * world.patience,
                    )
                )
            )

        await world.pairing(attempt)
        yield opened[0]


async def take(sensor: Sensor, n: int) -> list[SampleBlock]:
    """Blocks of the running stream until there are n samples more."""
    blocks: list[SampleBlock] = []
    async for block in sensor.stream(RATE_HZ):
        blocks.append(block)
        if sum(map(len, blocks)) >= n:
            return blocks
    raise AssertionError("the stream ended")


async def until(world: World, condition: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + PATIENCE_S * world.patience
    while not condition():
        assert loop.time() < give_up_s
        await asyncio.sleep(0.05)


# -- the list ----------------------------------------------------------------------------------------------


async def test_scan_tells_name_and_state(world: World) -> None:
    heard: dict[str, AdvertisementData] = {}

    def is_complete() -> bool:
        data = heard.get(band.address)
        return data is not None and bool(data.local_name) and SERVICE_UUID in data.service_data

    async with (
        a_band(world) as band,
        BleakScanner(
            lambda device, data: heard.update({device.address: data}), backend=world.transport.scanner_backend
        ),
    ):
        await until(world, is_complete)
    data = heard[band.address]
    assert data.local_name
    assert name_of(band).startswith(data.local_name)
    assert SERVICE_UUID in data.service_uuids
    advertisement = Advertisement.decode(data.service_data[SERVICE_UUID])
    assert advertisement == Advertisement(battery_percent=87, pairing_open=True)


async def test_connect_and_read(world: World) -> None:
    async with a_band(world) as band, connected(world, band) as client:
        information = Information.decode(await client.read_gatt_char(INFORMATION_UUID))
        assert information.serial == band.hardware.serial
        assert await client.read_gatt_char(MANUFACTURER_UUID) == b"bandsense"
        characteristic = client.services.get_characteristic(CONTROL_UUID)
        assert characteristic is not None
        assert set(characteristic.properties) == {"write", "indicate"}


async def test_an_att_error_arrives_with_its_code(world: World) -> None:
    async with a_band(world) as band, connected(world, band) as client:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.read_gatt_char(CONTROL_UUID)
        assert refused.value.code == 0x02
        await world.pairing(client.pair)
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(CONTROL_UUID, b"\x01\x0b", response=True)
        assert refused.value.code == ATT_CCC_IMPROPERLY_CONFIGURED
        await client.start_notify(CONTROL_UUID, lambda _c, _d: None)
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(CONTROL_UUID, b"\x01", response=True)
        assert refused.value.code == ATT_INVALID_LENGTH


async def test_connect_times_out_where_no_one_is(world: World) -> None:
    async with a_band(world) as band:
        device = await found(world, band)
        world.radio.silence(band.name)
        client = client_of(world, device, timeout_s=1.0)
        with pytest.raises(asyncio.TimeoutError):
            await client.connect()
        world.radio.unsilence(band.name)
        async with connected(world, band) as client:
            assert await client.read_gatt_char(SERIAL_UUID)


async def test_disconnect_and_connect_again(world: World) -> None:
    async with a_band(world) as band:
        for _ in range(2):
            async with connected(world, band) as client:
                assert await client.read_gatt_char(BATTERY_LEVEL_UUID) == b"\x57"
            await until(world, lambda: not band.connected)


async def test_stream_at_80_hz_for_60_s_without_a_gap(world: World) -> None:
    async with a_band(world) as band, followed(world, band) as sensor:
        block = concatenate(await take(sensor, int(STREAM_S * RATE_HZ)))
        statistics = sensor.statistics
    np.testing.assert_array_equal(block.values, np.arange(len(block)))
    np.testing.assert_allclose(np.diff(block.time_s), 1 / RATE_HZ, atol=1e-4)
    assert not block.gap_before.any()
    assert (statistics.lost, statistics.gaps, statistics.duplicates, statistics.malformed) == (0, 0, 0, 0)
    assert block.time_s[-1] - block.time_s[0] > STREAM_S - 1.0


async def test_a_lost_link_comes_back_and_the_gap_is_marked(world: World) -> None:
    events: list[LinkEvent] = []
    async with a_band(world) as band, followed(world, band, events) as sensor:
        before = await take(sensor, 2 * RATE_HZ)
        world.radio.lose_link(band.name)
        await until(world, lambda: any(event.gap_s for event in events))
        after = await take(sensor, RATE_HZ)
    block = concatenate([*before, *after])
    gaps = np.flatnonzero(block.gap_before)
    assert len(gaps) == 1
    steps = np.diff(block.values)
    assert (np.delete(steps, gaps - 1) == 1).all()
    missing = steps[gaps[0] - 1]
    assert missing > 1
    assert block.time_s[gaps[0]] - block.time_s[gaps[0] - 1] == pytest.approx(missing / RATE_HZ, abs=1e-3)
    assert LinkState.LOST in [event.state for event in events]


async def test_a_bond_is_made_and_survives(world: World) -> None:
    async with a_band(world) as band:
        async with followed(world, band):
            pass
        assert await world.remembers(band.address)
        await until(world, lambda: not band.connected)
        await asyncio.sleep(60.0 if world.name == "virtual radio" else 0.0)
        async with connected(world, band) as client:
            await client.start_notify(MEASUREMENT_UUID, lambda _c, _d: None)


async def test_pairing_is_refused_outside_the_window(world: World) -> None:
    async with a_band(world) as band, connected(world, band) as client:
        band.close_pairing()
        with pytest.raises(BleakError):
            await client.pair()
        assert not await world.remembers(band.address)


async def test_the_right_passkey_pairs(world: World) -> None:
    world.answer_with(PASSKEY)
    async with a_band(world, PASSKEY) as band, connected(world, band) as client:
        await world.pairing(client.pair)
        await client.start_notify(MEASUREMENT_UUID, lambda _c, _d: None)


async def test_a_wrong_passkey_is_refused(world: World) -> None:
    world.answer_with(PASSKEY - 1)
    async with a_band(world, PASSKEY) as band, connected(world, band) as client:
        with pytest.raises(BleakError):
            await client.pair()
        assert not await world.remembers(band.address)
        assert not band.memory.bonds.all_keys


async def test_bluetooth_switched_off_and_on(world: World) -> None:
    events: list[LinkEvent] = []
    async with a_band(world) as band, followed(world, band, events) as sensor:
        await take(sensor, RATE_HZ)
        await world.switch_bluetooth(on=False)
        await until(world, lambda: sensor.state is LinkState.LOST)
        await asyncio.sleep(1.0)
        await world.switch_bluetooth(on=True)
        await until(world, lambda: any(event.gap_s for event in events))
        await take(sensor, RATE_HZ)


async def test_the_service_restarted_in_mid_stream(world: World) -> None:
    events: list[LinkEvent] = []
    async with a_band(world) as band, followed(world, band, events) as sensor:
        before = await take(sensor, RATE_HZ)
        await world.restart_service()
        await until(world, lambda: any(event.gap_s for event in events))
        after = await take(sensor, RATE_HZ)
        assert await world.remembers(band.address)
    block = concatenate([*before, *after])
    assert np.count_nonzero(block.gap_before) == 1
    assert (np.diff(block.values) > 0).all()
