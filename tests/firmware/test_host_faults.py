"""The faults that the companion is tested with (tests/system/faults), done to the firmware where they can be.

The person is told the same as with the virtual band, and every sample is one that the firmware converted.
Left out is what needs a liar in the link layer or in the answers, and what takes minutes in real time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import LinkEvent, LinkState, open_sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import SUPERVISION_TIMEOUT_S, VirtualRadio
from tests.firmware.conformance.conftest import counting_trace
from tests.firmware.sensor import PATIENCE_S, RADIO_NAME, HostSensor, find, until
from tests.system.faults.test_faults import EXPECTED

pytestmark = pytest.mark.firmware

RATE_HZ = 80


@dataclass
class Reader:
    """A program that measures, and what it is told."""

    events: list[LinkEvent] = field(default_factory=list)
    blocks: list[SampleBlock] = field(default_factory=list)

    @property
    def streams(self) -> int:
        return sum(event.state is LinkState.STREAMING for event in self.events)

    @property
    def troubles(self) -> tuple[object, ...]:
        return tuple(dict.fromkeys(event.reason for event in self.events if event.reason))

    async def reads_on(self) -> None:
        """Wait for a second's worth of samples."""
        before = sum(map(len, self.blocks))
        await until(lambda: sum(map(len, self.blocks)) >= before + RATE_HZ, "more samples")


@asynccontextmanager
async def reading(radio: VirtualRadio) -> AsyncIterator[Reader]:
    adapter = await radio.adapter()
    loop = asyncio.get_running_loop()
    transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
    reader = Reader()
    async with open_sensor(
        "CDEF", transport=transport, on_event=reader.events.append, wait_s=PATIENCE_S
    ) as sensor:

        async def read() -> None:
            async for block in sensor.stream(RATE_HZ):
                reader.blocks.append(block)

        task = asyncio.create_task(read())
        try:
            first = asyncio.create_task(reader.reads_on())
            await asyncio.wait({task, first}, return_when=asyncio.FIRST_COMPLETED)
            first.cancel()
            if task.done():
                task.result()
            yield reader
        finally:
            if not task.done():
                await sensor.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


Fault = Callable[[HostSensor, VirtualRadio, Reader], Awaitable[object]]


async def stall(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    with sensor.unacknowledged():
        await asyncio.sleep(2.0)


async def link_loss(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    radio.lose_link(RADIO_NAME)


async def repeated_link_loss(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    for streams in range(2, 6):
        radio.lose_link(RADIO_NAME)
        await until(lambda streams=streams: reader.streams == streams, "a new stream")


async def absence(radio: VirtualRadio, absent_s: float) -> None:
    radio.silence(RADIO_NAME)
    await asyncio.sleep(absent_s)
    radio.unsilence(RADIO_NAME)


async def short_absence(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    radio.supervision_timeout_s = 60.0  # that a machine may be slow to end it
    await absence(radio, SUPERVISION_TIMEOUT_S / 2)


async def reset(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    await sensor.reboot()


async def reset_twice(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    await sensor.reboot()
    await until(lambda: reader.streams == 2, "a new stream")
    await reader.reads_on()
    await sensor.reboot()


async def reset_while_away(sensor: HostSensor, radio: VirtualRadio, reader: Reader) -> None:
    radio.silence(RADIO_NAME)
    await sensor.reboot()
    await asyncio.sleep(1.0)
    radio.unsilence(RADIO_NAME)


def bench(command: str) -> Fault:
    return lambda sensor, radio, reader: sensor.tell(command)


IN_MID_STREAM: dict[str, Fault] = {
    "overruns": bench("overrun 7"),
    "saturation": bench("load 9000000"),
    "low-battery": bench("battery 3690"),
    "stall": stall,
    "short-absence": short_absence,
    "absence": lambda sensor, radio, reader: absence(radio, 3 * SUPERVISION_TIMEOUT_S),
    "link-loss": link_loss,
    "repeated-link-loss": repeated_link_loss,
    "reset": reset,
    "reset-twice": reset_twice,
    "reset-while-away": reset_while_away,
}


BOOTS = {"reset": 2, "reset-twice": 3, "reset-while-away": 2}


@pytest.mark.parametrize("name", IN_MID_STREAM)
async def test_fault_in_mid_stream(
    radio: VirtualRadio, sensor: HostSensor, tmp_path: Path, name: str
) -> None:
    expected = EXPECTED[name]
    sensor.arguments = ["--trace", str(counting_trace(tmp_path))]
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start()
    async with reading(radio) as reader:
        await IN_MID_STREAM[name](sensor, radio, reader)
        await until(lambda: reader.streams >= expected.streams, "the last stream")
        await reader.reads_on()
    assert reader.troubles == expected.troubles
    assert reader.streams == expected.streams
    assert all(event.message for event in reader.events)
    check_samples(concatenate(reader.blocks), sensor, boots=BOOTS.get(name, 1))


def check_samples(received: SampleBlock, sensor: HostSensor, boots: int) -> None:
    """Nothing twice, nothing invented, nothing missing without a mark. Each boot begins the trace anew."""
    values = received.values.astype(int)
    if received.saturated.any():
        assert (received.saturated == (values == 2**23 - 1)).all()
        return
    steps = np.diff(values)
    assert (steps < 1).sum() == boots - 1
    assert (received.gap_before[1:] == (steps != 1)).all()
    last_boot = values[np.flatnonzero(steps < 1)[-1] + 1 :] if boots > 1 else values
    assert set(last_boot) <= {counts for _, counts, _ in sensor.conversions()}


@pytest.mark.parametrize(
    ("name", "arguments", "commands"),
    [
        ("status-hardware", [], ["converter absent"]),
        ("status-battery", ["--battery", "3200"], []),
        ("window-closed", [], []),
    ],
)
async def test_fault_at_the_start(
    radio: VirtualRadio, sensor: HostSensor, name: str, arguments: list[str], commands: list[str]
) -> None:
    expected = EXPECTED[name]
    assert expected.error is not None
    await find(radio)
    await sensor.cut_power()
    if name != "window-closed":
        sensor.flash.unlink(missing_ok=True)
    await sensor.start(*arguments)
    for command in commands:
        await sensor.tell(command)
    with pytest.raises(expected.error, match=expected.words):
        async with reading(radio):
            pass


async def test_a_bond_that_the_sensor_forgot_is_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    expected = EXPECTED["bonds-forgotten"]
    async with reading(radio) as reader:
        await sensor.cut_power()
        sensor.flash.unlink(missing_ok=True)
        radio.silence("computer")
        await sensor.start()  # new as it is now, its first boot opens the pairing window
        await find(radio, "other")
        await sensor.reboot()
        radio.unsilence("computer")
        await until(lambda: reader.troubles == expected.troubles, str(expected.troubles))


async def test_an_empty_cell_is_told(radio: VirtualRadio, sensor: HostSensor) -> None:
    expected = EXPECTED["battery-empty"]
    await sensor.cut_power()
    sensor.flash.unlink(missing_ok=True)
    await sensor.start("--hurried")
    async with reading(radio) as reader:
        await sensor.tell("battery 3200")
        assert await sensor.exit_status() == 0
        await until(lambda: reader.troubles == expected.troubles, str(expected.troubles))
