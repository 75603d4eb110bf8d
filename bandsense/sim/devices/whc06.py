"""A simulated WH-C06 hanging scale: readings in advertisements (facts, sources: `bandsense.wire.whc06`)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from bumble.core import AdvertisingData
from bumble.device import AdvertisingType, Device
from typing_extensions import override

from bandsense.samples import KGF_N
from bandsense.sim.devices.player import Player
from bandsense.sim.devices.powered import Powered
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import whc06
from bandsense.wire.whc06 import Reading

__all__ = ["BroadcastReading", "ScaleTwin"]

_INTERVAL_MS = 100.0


@dataclass(frozen=True, slots=True)
class BroadcastReading:
    """A reading of the scale's own log, and the loop time from which it was on the air."""

    reading: Reading
    at_s: float


class ScaleTwin(Powered):
    """A WH-C06 on the virtual radio; an async context manager. It broadcasts for as long as it is on.

    Args:
        advertised: share of the readings that reach an advertisement; far fewer than 10 a second do.
        with_company_twice: leave the company id in front of the payload once more, as seen through stacks
            that do not strip it.
        seed: of which readings are left out.

    Attributes:
        hold: the button that freezes the reading.
        log: every reading that was broadcast, in order.
        finished: set when the source has ended.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        source: SampleSource,
        *,
        name: str = whc06.NAME,
        address: str = "C6:00:00:00:00:C6",
        advertised: float = 0.6,
        with_company_twice: bool = False,
        seed: int = 0,
    ) -> None:
        self.radio = radio
        self.player = Player(source)
        self.name = name
        self.address = address
        self.advertised = advertised
        self.with_company_twice = with_company_twice
        self.hold = False
        self.log: list[BroadcastReading] = []
        self.finished = asyncio.Event()
        self._random = random.Random(seed)
        self._broadcasting: asyncio.Task[None] | None = None

    @override
    async def power_on(self) -> None:
        """Begin to broadcast."""
        device = await self.radio.add_device(self.name, address=self.address)
        self._broadcasting = asyncio.get_running_loop().create_task(self._broadcast(device))

    @override
    async def power_off(self) -> None:
        """Fall silent."""
        if self._broadcasting is None:
            return
        while not self._broadcasting.done():
            # More than once: `asyncio.wait_for`, which Bumble uses, may swallow a cancellation.
            self._broadcasting.cancel()
            await asyncio.wait([self._broadcasting], timeout=0.1)
        self._broadcasting = None
        await self.radio.remove_device(self.name)

    async def _broadcast(self, device: Device) -> None:
        self.player.begin(whc06.NOMINAL_RATE_HZ)
        source = self.player.source
        last_kgf = 0.0
        while self.player.look_ahead(1):
            await self.player.until(self.player.ahead[0].source_us)
            for felt in self.player.due():
                tension_n = (felt.count - source.zero_count) * source.newton_per_count
                if not self.hold:
                    last_kgf = max(0.0, tension_n / KGF_N)
            if self._random.random() < self.advertised:
                await self._advertise(device, Reading(round(last_kgf, 2), self.hold))
        self.finished.set()

    async def _advertise(self, device: Device, reading: Reading) -> None:
        company = whc06.COMPANY_ID.to_bytes(2, "little")
        payload = company * (1 + self.with_company_twice) + whc06.encode_advertisement(reading)
        self.log.append(BroadcastReading(reading, asyncio.get_running_loop().time()))
        await device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED_SCANNABLE,
            advertising_data=bytes(AdvertisingData([(AdvertisingData.MANUFACTURER_SPECIFIC_DATA, payload)])),
            scan_response_data=bytes(
                AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode())])
            ),
            advertising_interval_min=_INTERVAL_MS,
            advertising_interval_max=_INTERVAL_MS,
        )
