"""Eight hours at 80 Hz with the link lost once a minute: nothing goes missing, and memory stays flat.

Under bleak lies the leanest sensor and radio that speak the profile, because eight hours are two million
samples; `tests/system/faults/test_faults.py` goes through the whole virtual radio.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import LinkState, Sensor, open_sensor
from bandsense.sim.clock import run_accelerated
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import Answer, CalibrationPiece, Result, Started, Stopped, TimeMarked
from bandsense.wire.bandsense.codes import Opcode
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.requests import ReadCalibration, Start, Stop, TimeMark, decode_request
from bandsense.wire.bandsense.uuids import CONTROL_UUID, INFORMATION_UUID, MEASUREMENT_UUID, SERVICE_UUID

HOURS = 8
RATE_HZ = 80
DROP_EVERY_S = 60.0
PER_FRAME = 3
FRAMES_PER_EVENT = 4
INTERVAL_US = 1_000_000 // RATE_HZ
HEADER, COUNT, GAP_BEFORE = struct.Struct("<HBBI"), struct.Struct("<i"), 4
SPAN = ((PER_FRAME - 1) * INTERVAL_US).to_bytes(3, "little")
ADDRESS = "C0:BA:5E:00:50:AC"
MEMORY_BYTES = 8 * 2**20


class LeanSensor:
    """Counts up with every sample; its clock and its numbers wrap as the profile says."""

    def __init__(self) -> None:
        self.taken = 0
        self.delivered = 0
        self.stream = 0
        self.started_us = 0
        self.client: LeanClient | None = None

    @property
    def clock_us(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e6) % 2**32

    def answer(self, data: bytes) -> None:
        request_id, request = decode_request(data)
        opcode, sequence = Opcode(data[1]), self.taken % 2**16
        result: Result | None = None
        match request:
            case Start(rate_hz):
                result = Started(rate_hz, self.clock_us, sequence, 1)
                self.stream += 1
                self.started_us = self.clock_us
                asyncio.get_running_loop().call_soon(self.sample, self.stream)
            case Stop():
                result = Stopped(self.clock_us, sequence)
                self.stream += 1
            case TimeMark():
                result = TimeMarked(self.clock_us, sequence, 1)
            case ReadCalibration():
                result = CalibrationPiece(0, 0, b"")
        self.notify(CONTROL_UUID, Answer(request_id, opcode, 0, result).encode())

    def sample(self, stream: int, frame: int = 0) -> None:
        """Take and send what one connection event carries."""
        if stream != self.stream:
            return
        for number in range(frame, frame + FRAMES_PER_EVENT):
            time_us = (self.started_us + number * PER_FRAME * INTERVAL_US) % 2**32
            head = HEADER.pack(self.taken % 2**16, GAP_BEFORE if number == 0 else 0, PER_FRAME, time_us)
            counts = b"".join([COUNT.pack((self.taken + i) % 2**23)[:3] for i in range(PER_FRAME)])
            self.taken += PER_FRAME
            if self.notify(MEASUREMENT_UUID, head + SPAN + counts):
                self.delivered += PER_FRAME
        event_s = FRAMES_PER_EVENT * PER_FRAME * INTERVAL_US / 1e6
        asyncio.get_running_loop().call_later(event_s, self.sample, stream, frame + FRAMES_PER_EVENT)

    def notify(self, characteristic: str, data: bytes) -> bool:
        if self.client is None or characteristic not in self.client.subscribers:
            return False
        self.client.subscribers[characteristic](bytearray(data))
        return True

    def drop(self) -> None:
        """The link is lost while a frame is on the air."""
        self.taken += PER_FRAME
        if self.client is not None:
            self.client.end()


class LeanClient(BaseBleakClient):
    sensor: ClassVar[LeanSensor]

    def __init__(self, device: Any, services: Any = None, **options: Any) -> None:
        super().__init__(device, **{k: options[k] for k in ("disconnected_callback", "timeout")})
        self.subscribers: dict[str, Callable[[bytearray], None]] = {}

    @property
    def mtu_size(self) -> int:
        return 23

    @property
    def is_connected(self) -> bool:
        return self.sensor.client is self

    async def connect(self, pair: bool, **_options: Any) -> None:
        await asyncio.sleep(0.05)
        self.services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, SERVICE_UUID)
        self.services.add_service(service)
        for handle, (uuid, kind) in enumerate(
            (
                (MEASUREMENT_UUID, ["notify"]),
                (CONTROL_UUID, ["write", "indicate"]),
                (INFORMATION_UUID, ["read"]),
            ),
            start=2,
        ):
            characteristic = BleakGATTCharacteristic(None, handle, uuid, kind, lambda: 20, service)
            self.services.add_characteristic(characteristic)
        self.sensor.client = self

    def end(self) -> None:
        self.sensor.client = None
        self.sensor.stream += 1
        self.subscribers.clear()
        self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self.is_connected:
            self.end()

    async def pair(self, *_args: Any, **_options: Any) -> None: ...

    async def unpair(self) -> None: ...

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_options: Any) -> bytearray:
        assert characteristic.uuid == INFORMATION_UUID
        return bytearray(Information(serial=0x50AC, boot_number=1, gain=32).encode())

    async def read_gatt_descriptor(self, *_args: Any, **_options: Any) -> bytearray:
        raise AssertionError

    async def write_gatt_char(self, characteristic: Any, data: Any, response: bool) -> None:
        await asyncio.sleep(0.01)
        self.sensor.answer(bytes(data))

    async def write_gatt_descriptor(self, *_args: Any) -> None:
        raise AssertionError

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        self.subscribers[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        del self.subscribers[characteristic.uuid]


class LeanScanner(BaseBleakScanner):
    sensor: ClassVar[LeanSensor]

    def __init__(self, heard: Any, services: Any = None, mode: str = "active", **_: Any) -> None:
        super().__init__(heard, services)

    async def start(self) -> None:
        self.seen_devices = {}
        asyncio.get_running_loop().call_later(0.1, self._hear)

    async def stop(self) -> None: ...

    def _hear(self) -> None:
        data = AdvertisementData(
            "bandsense-50AC",
            {},
            {SERVICE_UUID: Advertisement(87).encode()},
            [],
            None,
            -60,
            (),
        )
        self.call_detection_callbacks(
            self.create_or_update_device(ADDRESS, ADDRESS, data.local_name, {}, data), data
        )


class Reader:
    """Follows a stream and keeps no sample, only what must hold of all of them."""

    def __init__(self) -> None:
        self.samples = self.gaps = self.jumps_without_gap = 0
        self._last: tuple[float, float] | None = None

    async def follow(self, sensor: Sensor) -> None:
        async for block in sensor.stream(RATE_HZ):
            self.samples += len(block)
            self.gaps += int(block.gap_before.sum())
            value, time_s = self._last or (block.values[0] - 1, -1.0)
            steps = np.diff(block.values, prepend=value) % 2**23
            self.jumps_without_gap += int(((steps != 1) & ~block.gap_before).sum())
            assert block.time_s[0] > time_s
            self._last = float(block.values[-1]), float(block.time_s[-1])
            await asyncio.sleep(1.0)  # a slow reader: it gets larger blocks and not fewer samples


def resident_bytes() -> int:
    """Memory that this process occupies now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def soak() -> None:
    sensor, reader = LeanSensor(), Reader()
    LeanClient.sensor = LeanScanner.sensor = sensor
    transport = Transport(LeanClient, LeanScanner, asyncio.get_running_loop().time)
    drops = int(HOURS * 3600 / DROP_EVERY_S)
    occupied: list[int] = []
    async with open_sensor(transport=transport) as followed:
        following = asyncio.create_task(reader.follow(followed))
        for _ in range(drops):
            await asyncio.sleep(DROP_EVERY_S)
            assert followed.state is LinkState.STREAMING
            assert followed.backlog <= 2 * RATE_HZ
            occupied.append(resident_bytes())
            sensor.drop()
        await asyncio.sleep(DROP_EVERY_S)
        await followed.stop()
        await following
        statistics = followed.statistics
    assert reader.samples == statistics.samples == sensor.delivered
    assert reader.samples > 0.98 * HOURS * 3600 * RATE_HZ
    assert statistics.lost == drops * PER_FRAME
    assert reader.gaps == statistics.gaps == drops
    assert reader.jumps_without_gap == 0
    assert (statistics.duplicates, statistics.late, statistics.malformed, statistics.restarts) == (0, 0, 0, 0)
    # it takes an hour until what is kept for the clocks is filled
    settled = occupied[len(occupied) // 4 :]
    assert settled[-1] - settled[0] < MEMORY_BYTES


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc, as on Linux")
def test_eight_hours_with_a_drop_every_minute() -> None:
    began_s = time.process_time()
    run_accelerated(soak())
    assert time.process_time() - began_s < 120.0
