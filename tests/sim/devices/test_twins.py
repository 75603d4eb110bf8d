"""The simulated Progressor and WH-C06, heard through bleak."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from bandsense.sim.devices.hardware import Memory
from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.devices.whc06 import ScaleTwin
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor, whc06
from bandsense.wire.bandsense.answers import Answer, decode_answer
from bandsense.wire.bandsense.codes import Options, Status
from bandsense.wire.bandsense.requests import Start, encode_request
from bandsense.wire.bandsense.uuids import CONTROL_UUID
from bandsense.wire.progressor import Command, LowPowerNotification, Response, WeightNotification

KGF_N = 9.80665


def ramp(rate_hz: float, duration_s: float = 60.0, kgf_per_s: float = 0.5) -> TraceSource:
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    return TraceSource(time_s, time_s * kgf_per_s * KGF_N)


@pytest.fixture
async def radio() -> AsyncIterator[VirtualRadio]:
    async with VirtualRadio() as radio:
        yield radio


class Listener:
    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.raw: list[bytes] = []

    async def subscribe(self) -> None:
        await self.client.start_notify(progressor.DATA_UUID, lambda _, data: self.raw.append(bytes(data)))

    async def tell(self, command: int) -> None:
        await self.client.write_gatt_char(progressor.CONTROL_UUID, bytes([command]), response=True)
        await asyncio.sleep(0.01)

    async def ask(self, command: Command) -> bytes:
        await self.tell(command)
        response = progressor.decode_notification(self.raw.pop())
        assert isinstance(response, Response)
        return response.payload

    @property
    def weights(self) -> list[WeightNotification]:
        decoded = map(progressor.decode_notification, self.raw)
        return [notification for notification in decoded if isinstance(notification, WeightNotification)]

    @property
    def samples(self) -> list[tuple[float, int]]:
        return [pair for w in self.weights for pair in zip(w.weights_kgf, w.times_us, strict=True)]


async def connect(radio: VirtualRadio) -> BleakClient:
    adapter = await radio.adapter()
    device = await BleakScanner.find_device_by_filter(
        lambda _, data: (data.local_name or "").startswith("Progressor"),
        timeout=2.0,
        backend=scanner_backend(adapter),
    )
    assert device is not None
    return BleakClient(device, backend=client_backend(adapter))


async def test_genuine_delivery_is_15_samples_then_one_left_out(radio: VirtualRadio) -> None:
    async with ProgressorTwin(radio, ramp(88.1)) as twin, await connect(radio) as client:
        listener = Listener(client)
        await listener.subscribe()
        await listener.tell(Command.START)
        await asyncio.sleep(10.0)
        await listener.tell(Command.STOP)
    assert {len(data) for data in listener.raw} == {122}
    stamps = [stamp for _, stamp in listener.samples]
    assert stamps[0] == 54_000
    steps = np.diff(stamps).reshape(-1)
    period_us = 1e6 / 88.1
    assert steps[:14] == pytest.approx(np.full(14, period_us), abs=1)
    assert steps[14::15] == pytest.approx(np.full(len(steps[14::15]), 2 * period_us), abs=1)
    assert len(stamps) / 10.0 == pytest.approx(82.6, abs=2.0)
    assert [(s.weight_kgf, s.stamp_us) for s in twin.log] == [
        (pytest.approx(weight, abs=1e-5), stamp) for weight, stamp in listener.samples
    ]


async def test_a_padding_clone_and_its_clock_wrap(radio: VirtualRadio) -> None:
    clone = ProgressorTwin(
        radio,
        ramp(80.0),
        samples_per_notification=1,
        leaves_out=0,
        pad_to=14,
        first_stamp_us=2**32 - 1_000_000,
    )
    async with clone, await connect(radio) as client:
        listener = Listener(client)
        await listener.subscribe()
        await listener.tell(Command.START)
        await asyncio.sleep(3.0)
    assert {len(data) for data in listener.raw} == {14}
    assert {data[1] for data in listener.raw} == {8}
    stamps = [stamp for _, stamp in listener.samples]
    assert stamps[0] == 2**32 - 1_000_000
    assert stamps[80] == 0


async def test_answers_carry_no_opcode(radio: VirtualRadio) -> None:
    async with ProgressorTwin(radio, ramp(88.1), battery_mv=3900, serial=0xABCD), await connect(radio) as c:
        listener = Listener(c)
        await listener.subscribe()
        assert progressor.decode_battery_mv(await listener.ask(Command.BATTERY)) == 3900
        assert progressor.decode_version(await listener.ask(Command.VERSION)) == "1.2.3.4"
        assert await listener.ask(Command.ID) == b"\xcd\xab"
        await listener.tell(0x74)
        assert listener.raw == []


async def test_tare_acts_only_while_streaming(radio: VirtualRadio) -> None:
    source = TraceSource(np.arange(800) / 80.0, np.full(800, 5 * KGF_N))
    async with ProgressorTwin(radio, source), await connect(radio) as client:
        listener = Listener(client)
        await listener.subscribe()
        await listener.tell(Command.TARE)
        await listener.tell(Command.START)
        await asyncio.sleep(1.0)
        assert listener.samples[-1][0] == pytest.approx(5.0, abs=1e-3)
        await listener.tell(Command.TARE)
        await asyncio.sleep(1.0)
        assert listener.samples[-1][0] == pytest.approx(0.0, abs=1e-3)


async def test_an_empty_battery_says_so_and_goes(radio: VirtualRadio) -> None:
    async with ProgressorTwin(radio, ramp(88.1)) as twin:
        client = await connect(radio)
        await client.connect()
        listener = Listener(client)
        await listener.subscribe()
        twin.empty_battery()
        await asyncio.sleep(0.5)
        assert progressor.decode_notification(listener.raw[-1]) == LowPowerNotification()
        assert not client.is_connected


async def test_the_band_speaks_progressor_when_switched_on(radio: VirtualRadio) -> None:
    memory = Memory(options=Options.PROGRESSOR)
    async with VirtualBand(radio, ramp(80.0), memory=memory) as band:
        client = await connect(radio)
        async with client:
            assert client.name == "Progressor_"
            listener = Listener(client)
            await listener.subscribe()
            assert progressor.decode_battery_mv(await listener.ask(Command.BATTERY)) == band.battery_mv
            assert progressor.decode_version(await listener.ask(Command.VERSION)) == "1.0.0"
            assert progressor.decode_id(await listener.ask(Command.ID)) == band.hardware.serial
            await listener.tell(0x71)
            await listener.tell(Command.START)
            await asyncio.sleep(5.0)
            await listener.tell(Command.STOP)
            stamps = [stamp for _, stamp in listener.samples]
            weights = [weight for weight, _ in listener.samples]
            assert set(np.diff(stamps)) == {12_500}
            assert weights == pytest.approx(np.arange(len(weights)) / 80.0 * 0.5, abs=1e-4)
            assert listener.raw[0][0] == 1
            assert len(weights) == pytest.approx(400, abs=4)


async def test_the_two_streams_exclude_each_other(radio: VirtualRadio) -> None:
    memory = Memory(options=Options.PROGRESSOR)
    async with VirtualBand(radio, ramp(80.0), memory=memory) as band, await connect(radio) as client:
        await client.pair()
        listener = Listener(client)
        await listener.subscribe()
        answers: list[Answer] = []
        await client.start_notify(CONTROL_UUID, lambda _, data: answers.append(decode_answer(bytes(data))))
        await listener.tell(Command.START)
        start = encode_request(1, Start(80))
        await client.write_gatt_char(CONTROL_UUID, start, response=True)
        await asyncio.sleep(0.01)
        assert answers[-1].status == Status.WRONG_STATE
        await listener.tell(Command.STOP)
        await client.write_gatt_char(CONTROL_UUID, start, response=True)
        await asyncio.sleep(0.01)
        assert answers[-1].status == Status.SUCCESS
        heard = len(listener.weights)
        await listener.tell(Command.START)
        await asyncio.sleep(1.0)
        assert len(listener.weights) == heard
        assert band.streaming


async def test_the_option_takes_effect_at_the_next_boot(radio: VirtualRadio) -> None:
    memory = Memory()
    async with VirtualBand(radio, ramp(80.0), memory=memory) as band:
        memory.options = Options.PROGRESSOR
        adapter = await radio.adapter()
        by_name = BleakScanner.find_device_by_name
        assert await by_name("Progressor_", timeout=0.5, backend=scanner_backend(adapter)) is None
        await band.reboot()
        assert await by_name("Progressor_", timeout=0.5, backend=scanner_backend(adapter)) is not None


@pytest.mark.parametrize("with_company_twice", [False, True])
async def test_the_scale_broadcasts_irregularly(radio: VirtualRadio, with_company_twice: bool) -> None:
    heard: list[bytes] = []
    adapter = await radio.adapter()
    scanner = BleakScanner(
        lambda _, data: heard.append(data.manufacturer_data[whc06.COMPANY_ID]),
        backend=scanner_backend(adapter),
    )
    async with ScaleTwin(radio, ramp(10.0), with_company_twice=with_company_twice, seed=4) as scale, scanner:
        await asyncio.sleep(20.0)
        log = list(scale.log)
    readings = [whc06.decode_advertisement(data) for data in heard]
    changes = [a for a, b in itertools.pairwise(readings) if a != b]
    broadcast = [entry.reading for entry in log]
    assert set(changes) <= set(broadcast)
    assert len(set(broadcast) - set(readings)) <= 2
    assert 90 < len(log) < 150
    assert max(reading.weight_kgf for reading in readings) == pytest.approx(10.0, abs=0.3)


async def test_hold_freezes_the_reading_and_says_so(radio: VirtualRadio) -> None:
    async with ScaleTwin(radio, ramp(10.0), advertised=1.0) as scale:
        await asyncio.sleep(5.0)
        scale.hold = True
        await asyncio.sleep(5.0)
    held = [entry.reading for entry in scale.log[-20:]]
    assert len(set(held)) == 1
    assert held[0].stable
    assert held[0].weight_kgf == pytest.approx(2.5, abs=0.1)
