"""One connection to one sensor, from connecting to disconnecting, and the bond that it may need."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import TypeVar

from bleak import BleakClient
from bleak_retry_connector import establish_connection

from bandsense.errors import BandsenseError, BluetoothOff, ConnectionLost, PairingError, SensorTimeout
from bandsense.language import Message
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.bluez_agent import AskPasskey, pairing_agent
from bandsense.link.ble.gatt_client import BleakGattClient
from bandsense.link.ble.scanner import DiscoveredSensor
from bandsense.link.drivers.base import ConnectedSensor
from bandsense.link.errors import BLUETOOTH_ERRORS, LinkErrorReason, StaleBond, describe, link_error

__all__ = ["Connection", "connect", "is_bonded", "remove_bond"]

T = TypeVar("T")

CONNECT_TIMEOUT_S = 25.0
"""Of a sensor that was just heard; bleak's own limit is 20 s for each attempt."""
PAIR_TIMEOUT_S = 120.0
"""A person may have to read a passkey from the label and type it."""
SETUP_TIMEOUT_S = 30.0
DISCONNECT_TIMEOUT_S = 12.0


class Connection:
    """A connection that stands.

    Attributes:
        device: what can be asked of the sensor.
        lost: set when the connection has ended.
    """

    def __init__(self, device: ConnectedSensor, lost: asyncio.Event) -> None:
        self.device = device
        self.lost = lost

    async def run(self, work: Awaitable[T]) -> T:
        """Wait for something that may never come when the connection ends.

        Raises:
            ConnectionLost: it ended.
            SensorTimeout: it stands, and yet nothing came.
        """
        task = asyncio.ensure_future(work)
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({task, lost}, timeout=SETUP_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if lost.done():
                raise ConnectionLost(describe(LinkErrorReason.LINK_LOST))
            raise SensorTimeout(describe(LinkErrorReason.NO_ANSWER))
        finally:
            lost.cancel()
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, BandsenseError):
                    await task


def _agent(transport: Transport, ask_passkey: AskPasskey | None) -> AbstractAsyncContextManager[None]:
    if sys.platform == "linux" and transport.client_backend is None:
        return pairing_agent(ask_passkey)
    return nullcontext()


async def _open(sighting: DiscoveredSensor, transport: Transport, lost: asyncio.Event) -> BleakClient:
    def on_disconnected(_: BleakClient) -> None:
        lost.set()

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await establish_connection(
                BleakClient,
                sighting.device,
                sighting.name,
                disconnected_callback=on_disconnected,
                use_services_cache=False,
                **transport.client_options,
            )
    except BLUETOOTH_ERRORS as error:
        raise link_error(error, Message("connecting to {name}", name=sighting.name)) from error


async def _pair(client: BleakClient, transport: Transport, ask_passkey: AskPasskey | None) -> None:
    """Make a bond, where there is none; once, because a person may be asked on the way."""
    try:
        async with asyncio.timeout(PAIR_TIMEOUT_S), _agent(transport, ask_passkey):
            await client.pair()
    except NotImplementedError:
        # macOS pairs by itself as soon as something encrypted is accessed.
        return
    except BLUETOOTH_ERRORS as error:
        if isinstance(
            failure := link_error(error, Message("pairing")), (BluetoothOff, ConnectionLost, PairingError)
        ):
            raise failure from error
        detail = str(error) or type(error).__name__
        raise PairingError(
            Message("pairing failed: {detail}; press the sensor's button and try again", detail=detail)
        ) from error


@asynccontextmanager
async def connect(
    sighting: DiscoveredSensor,
    transport: Transport,
    received: Callable[[str, bytes], None],
    *,
    pair: bool = False,
    ask_passkey: AskPasskey | None = None,
) -> AsyncIterator[Connection]:
    """Connect to a sensor, set it up, and disconnect at the end.

    Args:
        sighting: the sensor, as it was heard lately.
        transport: how to reach it.
        received: called with characteristic and value for everything that comes.
        pair: make a bond on the way, where there is none.
        ask_passkey: asks a person for the passkey of a sensor that has one. Other systems than Linux ask by
            themselves.

    Raises:
        StaleBond: this computer holds a bond, and the sensor does not accept it.
        PairingError: there is no bond, or none could be made.
        LinkError: connecting or setting up failed otherwise.
        WireError: the sensor answers what makes no sense, or refuses.
    """
    lost = asyncio.Event()
    client = await _open(sighting, transport, lost)
    try:
        if pair:
            await _pair(client, transport, ask_passkey)
        link = Connection(sighting.driver.device(BleakGattClient(client, sighting.name, received)), lost)
        try:
            await link.run(link.device.set_up())
        except PairingError as error:
            if is_bonded(sighting):
                raise StaleBond from error
            raise
        yield link
    finally:
        # A link that is gone already, or a stack that is, cannot be asked to disconnect; bleak asserts, too.
        with suppress(*BLUETOOTH_ERRORS, AssertionError):
            async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                await client.disconnect()


def is_bonded(sighting: DiscoveredSensor) -> bool:
    """Return whether the system reports a bond; only BlueZ reports one."""
    details = sighting.device.details
    properties = details.get("props") if isinstance(details, dict) else None
    return isinstance(properties, dict) and bool(properties.get("Paired"))


async def remove_bond(sighting: DiscoveredSensor, transport: Transport) -> None:
    """Remove this computer's half of a bond; afterwards the sensor has to be found anew.

    Raises:
        PairingError: this system lets only its user do that; the message says how.
        LinkError: it failed otherwise.
    """
    try:
        await BleakClient(sighting.device, **transport.client_options).unpair()
    except NotImplementedError as error:
        raise StaleBond from error
    except BLUETOOTH_ERRORS as error:
        raise link_error(error, Message("removing the bond with {name}", name=sighting.name)) from error
