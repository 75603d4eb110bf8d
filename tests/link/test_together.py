"""What the link promises as a whole: two sensors line up, jitter moves nothing, no rep counts twice."""

from __future__ import annotations

import asyncio

import numpy as np

from bandsense.calibration.curve import Calibration
from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import Sensor, open_sensor
from bandsense.samples import SampleBlock, concatenate
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCompleted, RepRetracted
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TRACE_NEWTON_PER_COUNT, TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.answers import Answer, Started
from bandsense.wire.bandsense.codes import Opcode
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.uuids import CONTROL_UUID, MEASUREMENT_UUID
from bandsense.wire.decoder import BandsenseDecoder
from tests.support.sensors import ramp


async def read(sensor: Sensor, duration_s: float) -> SampleBlock:
    blocks: list[SampleBlock] = []

    async def follow() -> None:
        blocks.extend([block async for block in sensor.stream(80)])

    reader = asyncio.create_task(follow())
    await asyncio.sleep(duration_s)
    await sensor.stop()
    await reader
    return concatenate(blocks)


async def test_two_sensors_line_up_within_5_ms() -> None:
    loop = asyncio.get_running_loop()
    async with VirtualRadio(connection_interval_s=0.03, jitter_s=0.02) as radio:
        adapter = await radio.adapter()
        transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
        left = Hardware(serial=0x1EF7, clock_ppm=80.0, clock_start_us=2**32 - 20_000_000)
        right = Hardware(serial=0x819B, clock_ppm=-60.0, clock_start_us=5_000_000)
        async with (
            VirtualBand(radio, ramp(), name="left", address="C0:BA:5E:00:1E:F7", hardware=left) as on_left,
            VirtualBand(radio, ramp(), name="right", address="C0:BA:5E:00:81:9B", hardware=right) as on_right,
            open_sensor("1EF7", transport=transport) as a,
            open_sensor("819B", transport=transport) as b,
        ):
            blocks = await asyncio.gather(read(a, 60.0), read(b, 60.0))
            assert all(len(block) > 60 * 79 for block in blocks)
            # both virtual clocks run from the same instant of the loop, at their own pace
            for sensor, band in ((a, on_left), (b, on_right)):
                now_s = loop.time()
                device_s = band.device_us(now_s) / 1e6
                assert abs(sensor.clock.host_s(device_s) - now_s) < 0.005
                assert abs(sensor.clock.skew_ppm + band.hardware.clock_ppm) < 25


def test_arrival_jitter_moves_no_sample() -> None:
    random = np.random.default_rng(1)
    frames = [
        MeasurementFrame(3 * i, 37_500 * i, 25_000, (i, i + 1, i + 2), gap_before=i == 0) for i in range(400)
    ]

    def received(jitter_s: float) -> SampleBlock:
        decoder = BandsenseDecoder()
        started = Started(80, 0, 0, 1)
        arrivals = np.maximum.accumulate(0.0375 * np.arange(400) + random.uniform(0, jitter_s, 400))
        blocks = [decoder.feed(CONTROL_UUID, Answer(0, Opcode.START, 0, started).encode(), 0.0)]
        blocks += [
            decoder.feed(MEASUREMENT_UUID, frame.encode(), float(arrival_s))
            for frame, arrival_s in zip(frames, arrivals, strict=True)
        ]
        return concatenate(block for block in blocks if block is not None)

    assert received(0.2) == received(0.0)


async def test_a_lost_link_never_counts_a_rep_twice() -> None:
    """Ten repetitions of 3 s; the link breaks three times, in and between repetitions."""
    loop = asyncio.get_running_loop()
    time_s = np.arange(0.0, 40.0, 1 / 80)
    pulling = (time_s >= 5.0) & (time_s < 35.0)
    tension_n = 3.0 + np.where(pulling, 30.0 * (1 - np.cos(2 * np.pi * (time_s - 5.0) / 3.0)), 0.0)
    async with VirtualRadio(connection_interval_s=0.015) as radio:
        adapter = await radio.adapter()
        transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
        async with (
            VirtualBand(radio, TraceSource(time_s, tension_n)) as band,
            open_sensor(transport=transport) as sensor,
        ):
            for at_s in (12.5, 21.0, 27.9):
                loop.call_later(at_s, radio.lose_link, band.name)
            block = await read(sensor, 42.0)
        sent = band.sent_samples()
    assert int(block.gap_before.sum()) == 3
    received = {round(t * 1e6) for t in block.time_s}
    assert len(received) == len(block)
    assert received <= {us for _, us, _ in sent}
    detector = RepDetector()
    tension = Calibration(TRACE_NEWTON_PER_COUNT).tension_n(block.values)
    events = detector.push(block.time_s, tension, block.gap_before) + detector.finish()
    done = [event for event in events if isinstance(event, RepCompleted)]
    retracted = [event for event in events if isinstance(event, RepRetracted)]
    ends = np.array([event.rep.end_s for event in done])
    assert (np.diff(ends) > 2.0).all()
    assert 7 <= len(done) - len(retracted) <= 10
