"""What sensors are on the air."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData as BleakAdvertisementData

from bandsense.language import Message
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.base import AdvertisementData, Driver, SensorAdvertisement, SensorInformation
from bandsense.link.drivers.registry import all_drivers
from bandsense.link.errors import BLUETOOTH_ERRORS, link_error

__all__ = ["DiscoveredSensor", "broadcast_information", "discover", "find_sensor", "scan"]


@dataclass(frozen=True, slots=True)
class DiscoveredSensor:
    """A sensor as it was heard last.

    Attributes:
        heard_s: host time.
        battery_percent: None where the sensor does not advertise it; so are the next two.
        pairing_open: it accepts a new bond now.
        connected: some client is connected to it.
        payload: its reading, where it broadcasts readings.
        device: what bleak needs to connect to it.
    """

    driver: Driver
    address: str
    name: str
    rssi_dbm: int
    heard_s: float
    device: BLEDevice
    battery_percent: int | None = None
    pairing_open: bool | None = None
    connected: bool | None = None
    payload: bytes | None = None

    def matches(self, target: str) -> bool:
        """Return whether `target`, as typed, is this sensor's address, its name, or the name's end."""
        wanted = target.casefold()
        name = self.name.casefold()
        return wanted in (self.address.casefold(), name) or (len(wanted) >= 4 and name.endswith(wanted))


def _advertisement_data(device: BLEDevice, data: BleakAdvertisementData) -> AdvertisementData:
    return AdvertisementData(
        device.address,
        data.local_name or device.name,
        data.rssi,
        data.manufacturer_data,
        data.service_data,
        tuple(data.service_uuids),
    )


def _parse(drivers: Iterable[Driver], heard: AdvertisementData) -> tuple[Driver, SensorAdvertisement] | None:
    for driver in drivers:
        recognised = driver.parse_advertisement(heard)
        if recognised is not None:
            return driver, recognised
    return None


def broadcast_information(sighting: DiscoveredSensor) -> SensorInformation:
    """Return what is known of a sensor that only broadcasts."""
    driver = sighting.driver
    return SensorInformation(driver.name, sighting.address, sighting.name, driver.decoder().unit)


@asynccontextmanager
async def scan(
    on_sighting: Callable[[DiscoveredSensor], None],
    transport: Transport | None = None,
    drivers: Iterable[Driver] | None = None,
) -> AsyncIterator[None]:
    """Scan while the context lasts; `on_sighting` is called for every advertisement of a known sensor.

    Raises:
        LinkError: Bluetooth is off, missing or not permitted.
    """
    transport = transport or Transport()
    known = tuple(all_drivers() if drivers is None else drivers)

    def on_advertisement(device: BLEDevice, data: BleakAdvertisementData) -> None:
        found = _parse(known, heard := _advertisement_data(device, data))
        if found is None:
            return
        driver, recognised = found
        on_sighting(
            DiscoveredSensor(
                driver,
                heard.address,
                recognised.name,
                heard.rssi_dbm,
                transport.clock(),
                device,
                recognised.battery_percent,
                recognised.pairing_open,
                recognised.connected,
                recognised.payload,
            )
        )

    try:
        scanner = transport.scanner(on_advertisement)
        await scanner.start()
    except BLUETOOTH_ERRORS as error:
        raise link_error(error, Message("scanning")) from error
    try:
        yield
    finally:
        # An adapter that vanished in the meantime has stopped scanning in its own way.
        with suppress(*BLUETOOTH_ERRORS):
            await scanner.stop()


async def find_sensor(
    wanted: Callable[[DiscoveredSensor], bool], transport: Transport, wait_s: float, choice_s: float = 0.0
) -> DiscoveredSensor | None:
    """Listen until a sensor is heard that is wanted; None after `wait_s`.

    Args:
        wanted: asked of every advertisement of a known sensor.
        transport: how to reach sensors.
        wait_s: how long to listen, seconds.
        choice_s: how long to go on listening after the first, for one that is nearer: the strongest is given.

    Raises:
        LinkError: Bluetooth is off, missing or not permitted.
    """
    best: DiscoveredSensor | None = None
    found = asyncio.Event()

    def on_sighting(sighting: DiscoveredSensor) -> None:
        nonlocal best
        if not wanted(sighting):
            return
        if best is None or best.address == sighting.address or sighting.rssi_dbm > best.rssi_dbm:
            best = sighting
        found.set()

    async with scan(on_sighting, transport):
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await found.wait()
                await asyncio.sleep(choice_s)
    return best


async def discover(
    duration_s: float = 5.0,
    *,
    transport: Transport | None = None,
    on_change: Callable[[tuple[DiscoveredSensor, ...]], None] | None = None,
) -> tuple[DiscoveredSensor, ...]:
    """Scan for a while and give the sensors heard, strongest first.

    Args:
        duration_s: how long, seconds.
        transport: how to reach sensors.
        on_change: called with the list so far for every advertisement, for a live view.

    Raises:
        LinkError: Bluetooth is off, missing or not permitted.
    """
    seen: dict[str, DiscoveredSensor] = {}

    def listed() -> tuple[DiscoveredSensor, ...]:
        return tuple(sorted(seen.values(), key=lambda sighting: -sighting.rssi_dbm))

    def on_sighting(sighting: DiscoveredSensor) -> None:
        seen[sighting.address] = sighting
        if on_change is not None:
            on_change(listed())

    async with scan(on_sighting, transport):
        await asyncio.sleep(duration_s)
    return listed()
