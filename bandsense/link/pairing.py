"""Pairing with a sensor, and looking after sensors that are paired.

async with paired("bandsense-66F7", on_step=show) as sensor:
    await sensor.device.identify(5)
    print(sensor.information)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum

from bandsense.errors import CommandError, LinkError, PairingError, SensorNotFound, WireError
from bandsense.language import Message, mark
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.bluez_agent import AskPasskey
from bandsense.link.ble.connection import Connection, connect, is_bonded, remove_bond
from bandsense.link.ble.scanner import DiscoveredSensor, broadcast_information, find_sensor
from bandsense.link.drivers.base import BroadcastSensor, ConnectedSensor, SensorInformation
from bandsense.link.errors import LinkErrorReason, StaleBond, describe
from bandsense.wire.bandsense.answers import Counters, Crash, SelfTestResult
from bandsense.wire.bandsense.codes import Features, Options

__all__ = [
    "PairedSensor",
    "PairingStep",
    "SensorReport",
    "identify",
    "inspect",
    "offer_progressor",
    "pair",
    "rename",
    "switch_off",
    "unpair",
]

logger = logging.getLogger(__name__)

FIND_S = 15.0
BONDING_ATTEMPTS = 3
GOODBYE_S = 3.0
"""A sensor that was told to switch off closes the link within this; one that does not is left."""


class PairingStep(Enum):
    """How far pairing is, in words for people."""

    SEARCHING = mark("looking for the sensor")
    CONNECTING = mark("connecting")
    WAITING_FOR_BUTTON = mark("not paired yet: press the sensor's button")
    BONDING = mark("pairing")
    MENDING = mark("the sensor had forgotten this computer: removing the old bond")
    DONE = mark("paired")


@dataclass(frozen=True, slots=True)
class PairedSensor:
    """A sensor that is paired and connected, as long as the context of `pair` lasts."""

    sighting: DiscoveredSensor
    information: SensorInformation
    device: ConnectedSensor


@dataclass(frozen=True, slots=True)
class SensorReport:
    """All that a sensor tells about itself; None for what it does not."""

    information: SensorInformation
    rssi_dbm: int
    counters: Counters | None = None
    self_test: SelfTestResult | None = None
    crash: Crash | None = None


async def _find(target: str | DiscoveredSensor, transport: Transport) -> DiscoveredSensor:
    if isinstance(target, DiscoveredSensor):
        return target
    found = await find_sensor(lambda sighting: sighting.matches(target), transport, FIND_S)
    if found is None:
        raise SensorNotFound(
            Message("{target}: {describe}", target=target, describe=describe(LinkErrorReason.NOT_HEARD))
        )
    return found


def _ignore(_characteristic: str, _data: bytes) -> None:
    """Discard samples."""


@asynccontextmanager
async def pair(
    target: str | DiscoveredSensor,
    *,
    transport: Transport | None = None,
    on_step: Callable[[PairingStep], None] | None = None,
    ask_passkey: AskPasskey | None = None,
    button_s: float = 60.0,
) -> AsyncIterator[PairedSensor]:
    """Pair with a sensor and stay connected while the context lasts.

    With a sensor that is paired already nothing is changed. A bond that the sensor has forgotten is removed
    and made anew. A sensor that needs no bond is connected to.

    Args:
        target: address, name or end of the name of the sensor, or a sighting of it.
        transport: how to reach it.
        on_step: called at every step.
        ask_passkey: asks a person for the passkey of a sensor that has one, where the system does not.
        button_s: how long to wait until the person presses the sensor's button.

    Raises:
        PairingError: no bond could be made; the message says what to do.
        LinkError: the sensor could not be reached.
    """
    transport = transport or Transport()
    tell = on_step or (lambda _: None)
    tell(PairingStep.SEARCHING)
    sighting = await _find(target, transport)
    if sighting.driver.broadcasts:
        tell(PairingStep.DONE)
        yield PairedSensor(sighting, broadcast_information(sighting), BroadcastSensor())
        return
    async with AsyncExitStack() as stack:
        sighting, link = await _bond(sighting, transport, tell, ask_passkey, button_s, stack)
        information = await link.run(link.device.describe())
        tell(PairingStep.DONE)
        yield PairedSensor(sighting, information, link.device)


async def _bond(
    sighting: DiscoveredSensor,
    transport: Transport,
    tell: Callable[[PairingStep], None],
    ask_passkey: AskPasskey | None,
    button_s: float,
    stack: AsyncExitStack,
) -> tuple[DiscoveredSensor, Connection]:
    """Open a connection over which the sensor answers, with a new bond if it takes one, on the stack."""
    failure: LinkError | None = None
    for attempt in range(1, BONDING_ATTEMPTS + 1):
        bonding = sighting.driver.bonds and bool(sighting.pairing_open)
        tell(PairingStep.BONDING if bonding else PairingStep.CONNECTING)
        link = connect(sighting, transport, _ignore, pair=bonding, ask_passkey=ask_passkey)
        try:
            return sighting, await stack.enter_async_context(link)
        except LinkError as error:
            logger.info("pairing attempt %d: %s", attempt, error)
            failure = error
        if not sighting.driver.bonds or not _concerns_bond(failure, sighting):
            raise failure
        if not bonding:
            sighting = await _wait_for_button(sighting, transport, tell, button_s)
        elif isinstance(failure, StaleBond) or is_bonded(sighting):
            tell(PairingStep.MENDING)
            await remove_bond(sighting, transport)
            sighting = await _find(sighting.address, transport)
    raise failure or PairingError(describe(LinkErrorReason.NOT_PAIRED))


def _concerns_bond(error: LinkError, sighting: DiscoveredSensor) -> bool:
    """Return whether pairing may help; a link that breaks although there is a bond may mean a stale bond."""
    return isinstance(error, PairingError) or is_bonded(sighting)


async def _wait_for_button(
    sighting: DiscoveredSensor, transport: Transport, tell: Callable[[PairingStep], None], button_s: float
) -> DiscoveredSensor:
    tell(PairingStep.WAITING_FOR_BUTTON)

    def is_open(heard: DiscoveredSensor) -> bool:
        return heard.address == sighting.address and bool(heard.pairing_open)

    opened = await find_sensor(is_open, transport, button_s)
    if opened is None:
        raise PairingError(
            Message(
                "the button of {sighting} was not pressed within {button_s:.0f} s; press it, then pair again",
                sighting=sighting.name,
                button_s=button_s,
            )
        )
    return opened


async def inspect(
    target: str | DiscoveredSensor, *, transport: Transport | None = None, self_test: bool = False
) -> SensorReport:
    """Ask a paired sensor for all that it tells about itself.

    Args:
        target: address, name or end of the name of the sensor, or a sighting of it.
        transport: how to reach it.
        self_test: let it test itself first; its band should be slack.

    Raises:
        LinkError: it could not be reached, or is not paired.
        WireError: what it tells makes no sense.
    """
    transport = transport or Transport()
    sighting = await _find(target, transport)
    async with connect(sighting, transport, _ignore) as link:
        device = link.device
        information = await link.run(device.describe())
        report = SensorReport(information, sighting.rssi_dbm)
        with suppress(CommandError):
            report = SensorReport(
                information,
                sighting.rssi_dbm,
                await link.run(device.counters()),
                await link.run(device.self_test()) if self_test else None,
                await link.run(device.crash()),
            )
        return report


async def identify(
    target: str | DiscoveredSensor, *, seconds: int = 5, transport: Transport | None = None
) -> None:
    """Let a paired sensor blink.

    Raises:
        LinkError: it could not be reached, or is not paired.
        CommandError: it cannot blink.
    """
    transport = transport or Transport()
    async with connect(await _find(target, transport), transport, _ignore) as link:
        await link.run(link.device.identify(seconds))
        # Some sensors stop blinking when the connection ends.
        await asyncio.sleep(seconds)


async def rename(target: str | DiscoveredSensor, label: str, *, transport: Transport | None = None) -> None:
    """Give a paired sensor a name that it keeps and shows to everyone; an empty one restores its own.

    Raises:
        LinkError: it could not be reached, or is not paired.
        CommandError: the name is too long, or it cannot keep one.
    """
    transport = transport or Transport()
    async with connect(await _find(target, transport), transport, _ignore) as link:
        await link.run(link.device.set_label(label))


async def offer_progressor(
    target: str | DiscoveredSensor, *, on: bool, transport: Transport | None = None
) -> None:
    """Let a paired sensor offer itself to apps for the Progressor from its next boot on, or no longer.

    Raises:
        LinkError: it could not be reached, or is not paired.
        CommandError: it has no such service.
    """
    transport = transport or Transport()
    async with connect(await _find(target, transport), transport, _ignore) as link:
        information = await link.run(link.device.describe())
        if Features.PROGRESSOR not in information.features:
            raise CommandError(
                Message(
                    "{information} cannot offer itself to apps for the Progressor",
                    information=information.name,
                )
            )
        others = information.options & ~Options.PROGRESSOR
        await link.run(link.device.set_options(others | Options.PROGRESSOR if on else others))


async def switch_off(target: str | DiscoveredSensor, *, transport: Transport | None = None) -> None:
    """Switch a paired sensor off; its button switches it on again, and it boots anew.

    Raises:
        LinkError: it could not be reached, or is not paired.
        CommandError: it cannot be switched off over the air.
    """
    transport = transport or Transport()
    async with connect(await _find(target, transport), transport, _ignore) as link:
        await link.run(link.device.sleep())
        with suppress(TimeoutError):
            await asyncio.wait_for(link.lost.wait(), GOODBYE_S)


async def unpair(target: str | DiscoveredSensor, *, transport: Transport | None = None) -> bool:
    """Undo a pairing on both sides.

    Returns:
        Whether the sensor has forgotten this computer, too; not when it could not be reached over the bond.

    Raises:
        LinkError: it is not on the air, or this computer's half of the bond cannot be removed.
    """
    transport = transport or Transport()
    sighting = await _find(target, transport)
    told = False
    with suppress(LinkError, WireError):
        async with connect(sighting, transport, _ignore) as link:
            await link.run(link.device.forget_bonds())
            told = True
    if sighting.driver.bonds:
        await remove_bond(sighting, transport)
    return told
