"""Simulated sensors, and fixtures to reach them: one for each device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import LinkEvent, Sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.clock import AcceleratedLoop
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import Adapter, VirtualRadio


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, type[asyncio.SelectorEventLoop]]:
    """Tests of the link run on simulated time: quick, and not disturbed by a busy machine.

    All but those that talk to another process, which are marked `real_time`.
    """
    if item.get_closest_marker("real_time"):
        return {"real": asyncio.SelectorEventLoop}
    return {"accelerated": AcceleratedLoop}


def ramp(duration_s: float = 3600.0, rate_hz: float = 80.0) -> TraceSource:
    """A tension that grows by one count a sample, so that every sample can be told from every other."""
    n = int(duration_s * rate_hz)
    return TraceSource(np.arange(n) / rate_hz, np.arange(n) * 1e-4)


async def follow(sensor: Sensor, duration_s: float) -> SampleBlock:
    """The samples of so many seconds, as one block."""
    blocks: list[SampleBlock] = []

    async def read() -> None:
        blocks.extend([block async for block in sensor.stream()])

    reader = asyncio.create_task(read())
    await asyncio.sleep(duration_s)
    await sensor.stop()
    await reader
    return concatenate(blocks)


def transport_of(adapter: Adapter) -> Transport:
    loop = asyncio.get_running_loop()
    return Transport(client_backend(adapter), scanner_backend(adapter), loop.time)


class Journal:
    """What a person was told about the link."""

    def __init__(self) -> None:
        self.events: list[LinkEvent] = []

    def __call__(self, event: LinkEvent) -> None:
        self.events.append(event)

    @property
    def states(self) -> list[str]:
        return [event.state.value for event in self.events]

    @property
    def troubles(self) -> list[str]:
        return [event.reason.value for event in self.events if event.reason]


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio(connection_interval_s=0.015) as radio:
        yield radio


@pytest.fixture
async def adapter(radio: VirtualRadio) -> Adapter:
    return await radio.adapter("computer")


@pytest.fixture
async def transport(adapter: Adapter) -> Transport:
    return transport_of(adapter)


@pytest.fixture
async def band(radio: VirtualRadio) -> AsyncIterator[VirtualBand]:
    async with VirtualBand(radio, ramp()) as band:
        yield band


@pytest.fixture
def journal() -> Journal:
    return Journal()
