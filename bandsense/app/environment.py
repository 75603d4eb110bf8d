"""Where sensors are: on this computer's Bluetooth, or a simulated one on a virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from bandsense.errors import MissingExtra
from bandsense.language import Message
from bandsense.link.ble.adapter import Transport
from bandsense.samples import SampleBlock

if TYPE_CHECKING:
    from bandsense.sim.devices.virtual_band import VirtualBand
    from bandsense.sim.physics.source import SampleSource
    from bandsense.sim.radio.virtual_radio import VirtualRadio

__all__ = [
    "LEFT_SENSOR",
    "RIGHT_SENSOR",
    "Environment",
    "person",
    "real_environment",
    "recording",
    "run_at_speed",
    "simulated_environment",
    "simulated_pair",
]

T = TypeVar("T")

CONNECTION_INTERVAL_S = 0.015
"""Of the virtual radio: the shortest that a streaming sensor asks for (docs/protocol.md, section 8)."""


LEFT_SENSOR, RIGHT_SENSOR = "bandsense-0001", "bandsense-0002"
"""Names of the simulated sensors where there are two."""

_DEFAULT = "seated-row"


@dataclass(frozen=True, slots=True)
class Environment:
    """A way to reach sensors.

    Attributes:
        transport: for `bandsense.link`.
        source: what a session from here is stored as.
        finished: set when nothing more will come; None where that cannot be known.
    """

    transport: Transport
    source: str
    finished: asyncio.Event | None = None


@asynccontextmanager
async def real_environment() -> AsyncIterator[Environment]:
    """Return this computer's own Bluetooth."""
    yield Environment(Transport(), "sensor")


@asynccontextmanager
async def simulated_environment(
    source: SampleSource, name: str, fault: str | None = None
) -> AsyncIterator[Environment]:
    """Create a virtual radio with one simulated sensor, reached through bleak like a real one.

    Args:
        source: what the sensor feels.
        name: what a session from here is stored as.
        fault: what goes wrong with sensor or link, by its name in `bandsense.sim.faults`.

    Raises:
        MissingExtra: Bumble is not installed.
        ConfigError: there is no such fault.
    """
    sensor, air = _simulator()
    from bandsense.sim.faults import make_fault

    wrong = None if fault is None else make_fault(fault)
    async with (
        air(connection_interval_s=CONNECTION_INTERVAL_S) as radio,
        sensor(radio, source, keep_log=False, fault=wrong) as band,
    ):
        yield Environment(await _transport(radio, single=True), name, band.finished)


@asynccontextmanager
async def simulated_pair(
    left: SampleSource, right: SampleSource, name: str, fault: str | None = None
) -> AsyncIterator[Environment]:
    """Create a virtual radio with `LEFT_SENSOR` and `RIGHT_SENSOR`, simulated, whose clocks differ.

    Args:
        left, right: what they feel.
        name: what a session from here is stored as.
        fault: what goes wrong with each of them.

    Raises:
        MissingExtra: Bumble is not installed.
        ConfigError: there is no such fault.
    """
    sensor, air = _simulator()
    from bandsense.sim.devices.hardware import Hardware
    from bandsense.sim.faults import make_fault

    async with AsyncExitStack() as stack:
        radio = await stack.enter_async_context(air(connection_interval_s=CONNECTION_INTERVAL_S))
        bands = []
        for number, (source, ppm) in enumerate(((left, 40.0), (right, -30.0)), 1):
            hardware = Hardware(serial=number, clock_ppm=ppm, clock_start_us=number * 5_000_000)
            address = f"C0:BA:5E:00:00:{number:02X}"
            band = sensor(
                radio,
                source,
                name=f"band {number}",
                address=address,
                hardware=hardware,
                keep_log=False,
                fault=None if fault is None else make_fault(fault),
            )
            bands.append(await stack.enter_async_context(band))
        finished = asyncio.Event()
        waiting = asyncio.gather(*(band.finished.wait() for band in bands))
        waiting.add_done_callback(lambda _: finished.set())
        stack.callback(waiting.cancel)
        yield Environment(await _transport(radio), name, finished)


def _simulator() -> tuple[type[VirtualBand], type[VirtualRadio]]:
    try:
        from bandsense.sim.devices.virtual_band import VirtualBand
        from bandsense.sim.radio.virtual_radio import VirtualRadio
    except ImportError as error:
        raise MissingExtra(Message("the simulated sensor"), "sim") from error
    return VirtualBand, VirtualRadio


async def _transport(radio: VirtualRadio, *, single: bool = False) -> Transport:
    from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend

    adapter = await radio.adapter()
    clock = asyncio.get_running_loop().time
    return Transport(client_backend(adapter), scanner_backend(adapter), clock, single)


def recording(block: SampleBlock) -> SampleSource:
    """Make a sensor that feels what a trace holds, with a range that covers all of it."""
    from bandsense.sim.physics.sensor import COUNT_MAX
    from bandsense.sim.physics.source import TRACE_NEWTON_PER_COUNT, TraceSource

    scale = TRACE_NEWTON_PER_COUNT
    while float(abs(block.values).max()) >= scale * COUNT_MAX:
        scale *= 10.0
    return TraceSource(block.time_s, block.values, newton_per_count=scale)


def person(
    seed: int, sets: int, reps: int, disturbances: frozenset[str], exercise: str = _DEFAULT
) -> SampleSource:
    """Make a sensor on the band of a simulated person, who puts it down for a minute between sets.

    Args:
        seed: another seed is another person.
        sets: how many sets they do.
        reps: repetitions a set.
        disturbances: what makes their sets harder to read.
        exercise: its identity; what nobody knows how people do is done like a seated row.

    Raises:
        ConfigError: a disturbance is unknown.
    """
    from bandsense.sim.physics.person import EXERCISES
    from bandsense.sim.physics.scenario import Scenario
    from bandsense.sim.physics.source import PersonSource

    doing = exercise if exercise in EXERCISES else _DEFAULT

    def scenario(number: int) -> Scenario:
        return Scenario(seed, exercise=doing, reps=reps, disturbances=disturbances, set_index=number)

    rests = (Scenario(seed, control="empty", set_index=number) for number in range(1, sets))
    following = (part for number, rest in enumerate(rests, 1) for part in (rest, scenario(number)))
    return PersonSource(chain([scenario(0)], following))


def run_at_speed(speed: float, main: Coroutine[Any, Any, T]) -> T:
    """Run as `asyncio.run` does, at so many times the pace of the wall clock; 0: as fast as can be."""
    if speed == 1.0:
        return asyncio.run(main)
    from bandsense.sim.clock import run_accelerated

    return run_accelerated(main, speed=speed or None)
