"""The orders of operations of public Progressor clients, against the firmware and against the virtual band.

Each script is this project's own words for what a public client does: PyTindeq (StuartLittlefair),
tindeq-tracker (cococma), grip-connect (Stevie-Ray). Commands and frames are those of the published API
(Tindeq-Progressor-API).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bumble import att
from bumble.gatt_client import Client

from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.devices.virtual_band import Memory, VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio, _RadioHost
from bandsense.wire import progressor
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Options
from bandsense.wire.bandsense.requests import SetOptions, WriteCalibration
from tests.firmware.sensor import PATIENCE_S, HostSensor, connected, until

pytestmark = pytest.mark.firmware

TARE, START, STOP, VERSION, ERRORS, SLEEP, BATTERY, SERIAL = 0x64, 0x65, 0x66, 0x6B, 0x6C, 0x6E, 0x6F, 0x70
WEIGHT = 1
KGF_N = 9.80665
NEWTON_PER_COUNT = 1.0e-4
ZERO = -12_000
PULL_COUNTS = 400_000


class App:
    """What every one of these apps keeps: the notifications, in order."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.heard: list[bytes] = []

    async def subscribe(self) -> None:
        await self.client.start_notify(progressor.DATA_UUID, lambda _, value: self.heard.append(bytes(value)))

    async def send(self, *command: int, response: bool = True) -> None:
        await self.client.write_gatt_char(progressor.CONTROL_UUID, bytes(command), response=response)

    async def ask(self, *command: int, response: bool = True) -> bytes:
        """The payload of the next answer, as a client that remembers its last command takes it."""
        before = len(self.answers)
        await self.send(*command, response=response)
        await until(lambda: len(self.answers) > before, f"an answer to {command[0]:#x}")
        return self.answers[before]

    @property
    def answers(self) -> list[bytes]:
        return [value[2 : 2 + value[1]] for value in self.heard if value[0] == 0]

    @property
    def weights(self) -> list[tuple[float, int]]:
        return [
            pair
            for value in self.heard
            if value[0] == WEIGHT
            for pair in struct.iter_unpack("<fI", value[2 : 2 + value[1]])
        ]


@contextlib.asynccontextmanager
async def found_by_service(radio: VirtualRadio) -> AsyncIterator[App]:
    """As tindeq-tracker and iOS apps find it: by the service in the advertisement."""
    adapter = await radio.adapter("phone")
    device = await BleakScanner.find_device_by_filter(
        lambda _, data: progressor.SERVICE_UUID in data.service_uuids,
        timeout=PATIENCE_S,
        backend=scanner_backend(adapter),
    )
    assert device is not None
    async with BleakClient(device, backend=client_backend(adapter)) as client:
        yield App(client)


@contextlib.asynccontextmanager
async def found_by_name(radio: VirtualRadio) -> AsyncIterator[App]:
    """As PyTindeq finds it: by the beginning of its name."""
    adapter = await radio.adapter("phone")
    device = await BleakScanner.find_device_by_filter(
        lambda _, data: (data.local_name or "").startswith("Progressor"),
        timeout=PATIENCE_S,
        backend=scanner_backend(adapter),
    )
    assert device is not None
    async with BleakClient(device, backend=client_backend(adapter)) as client:
        yield App(client)


@pytest.fixture
def on_the_air(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What clients receive that acknowledges a write or answers a command, in order."""
    received: list[str] = []
    take, take_notification = Client.on_gatt_pdu, _RadioHost._on_notification

    def note(client: Client, pdu: att.ATT_PDU) -> None:
        if isinstance(pdu, att.ATT_Write_Response):
            received.append("acknowledged")
        take(client, pdu)

    def note_notification(host: _RadioHost, connection: int, attribute: int, value: bytes) -> None:
        if value[0] == 0:
            received.append("answered")
        take_notification(host, connection, attribute, value)

    monkeypatch.setattr(Client, "on_gatt_pdu", note)
    monkeypatch.setattr(_RadioHost, "_on_notification", note_notification)
    return received


Load = Callable[[int], Awaitable[None]]


@pytest.fixture
async def firmware(radio: VirtualRadio, sensor: HostSensor) -> Load:
    """The firmware with the service on; what it gives puts counts on it."""
    trace = sensor.folder / "rest.csv"
    trace.write_text(f"time_s,counts\n0,{ZERO}\n")
    record = CalibrationRecord(newton_per_count=NEWTON_PER_COUNT, zero_counts=ZERO).encode()
    async with connected(radio) as central:
        await central.ask(WriteCalibration(40, 0, record))
        await central.ask(SetOptions(Options.PROGRESSOR))
    await sensor.reboot("--trace", str(trace), "--settling", "600")
    return lambda counts: sensor.tell(f"load {counts}")


def pull_kgf(counts: int) -> float:
    return counts * NEWTON_PER_COUNT / KGF_N


async def test_tindeq_tracker_tares_before_its_first_start(radio: VirtualRadio, firmware: Load) -> None:
    """Find by service, tare, half a second, start: the zero is what hung on it when it was tared."""
    await firmware(50_000)
    async with found_by_service(radio) as app:
        await app.subscribe()
        await app.send(TARE)
        await asyncio.sleep(0.5)
        await app.send(START)
        await until(lambda: len(app.weights) > 10, "weights")
        assert max(abs(weight) for weight, _ in app.weights) < 0.01
        await firmware(50_000 + PULL_COUNTS)
        await until(lambda: app.weights[-1][0] > 0.5 * pull_kgf(PULL_COUNTS), "a pull")
        assert app.weights[-1][0] == pytest.approx(pull_kgf(PULL_COUNTS), abs=0.01)
        await app.send(STOP)


async def test_a_tare_without_a_stream_takes_nothing_stale(radio: VirtualRadio, firmware: Load) -> None:
    """Pull, stop, let go, tare, start: unloaded it shows nothing."""
    async with found_by_service(radio) as app:
        await app.subscribe()
        await firmware(PULL_COUNTS)
        await app.send(START)
        await until(lambda: len(app.weights) > 5, "weights")
        await app.send(STOP)
        await firmware(0)
        await app.ask(BATTERY)  # answered once the stop has been carried out, after all weights
        heard = len(app.weights)
        await app.send(TARE)
        await app.send(START)
        await until(lambda: len(app.weights) > heard + 5, "weights")
        assert max(abs(weight) for weight, _ in app.weights[heard:]) < 0.01


async def test_pytindeq_reads_all_then_streams_and_sends_it_to_sleep(
    radio: VirtualRadio, firmware: Load, sensor: HostSensor
) -> None:
    """Commands with a second byte, battery, version, errors, a soft tare of one second, a stream, sleep."""
    async with found_by_name(radio) as app:
        await app.subscribe()
        assert int.from_bytes(await app.ask(BATTERY, 0), "little") == 3950
        assert (await app.ask(VERSION, 0)).decode().count(".") == 2
        assert await app.ask(ERRORS, 0) == b""
        await app.send(START, 0)
        await until(lambda: len(app.weights) >= 80, "a second of weights")
        stamps = [stamp for _, stamp in app.weights]
        assert stamps[0] < 100_000
        steps = {later - earlier for earlier, later in itertools.pairwise(stamps)}
        assert all(abs(step - 12_500) < 500 for step in steps)
        await app.send(STOP, 0)
        await app.send(SLEEP, 0)
        assert await sensor.exit_status() == 0


async def test_grip_connect_asks_with_acknowledged_writes(
    radio: VirtualRadio, firmware: Load, on_the_air: list[str]
) -> None:
    """It remembers what it asked once its write is acknowledged: an earlier answer would be lost on it."""
    async with found_by_service(radio) as app:
        await app.subscribe()
        on_the_air.clear()
        assert int.from_bytes(await app.ask(BATTERY), "little") == 3950
        assert await app.ask(SERIAL) == (0x0123456789ABCDEF).to_bytes(8, "little")
        assert on_the_air == ["acknowledged", "answered"] * 2
        await app.send(START)
        await until(lambda: len(app.weights) > 5, "weights")
        assert int.from_bytes(await app.ask(BATTERY), "little") == 3950
        assert on_the_air[-2:] == ["acknowledged", "answered"]
        await firmware(PULL_COUNTS)
        await until(lambda: app.weights[-1][0] > 1.0, "a pull")
        await app.send(TARE)
        await until(lambda: abs(app.weights[-1][0]) < 0.01, "a tare while streaming")
        await app.send(STOP)


async def test_an_answer_waits_for_the_acknowledgement_on_a_full_link(
    radio: VirtualRadio, firmware: Load, sensor: HostSensor, on_the_air: list[str]
) -> None:
    async with found_by_service(radio) as app:
        await app.subscribe()
        await app.send(START)
        await until(lambda: app.weights, "weights")
        with sensor.unacknowledged():
            full = len(sensor.conversions()) + 300  # the controller takes 64 notifications of three
            await until(lambda: len(sensor.conversions()) > full, "a full link")
            on_the_air.clear()
            asking = asyncio.create_task(app.ask(BATTERY))
            await asyncio.sleep(0.2)
        assert int.from_bytes(await asking, "little") == 3950
        assert on_the_air == ["acknowledged", "answered"]


@pytest.mark.parametrize("twin", ["band", "genuine"])
async def test_the_twins_answer_after_the_write_is_acknowledged(twin: str, on_the_air: list[str]) -> None:
    async with VirtualRadio() as radio, contextlib.AsyncExitStack() as stack:
        source = TraceSource(np.arange(800) / 80.0, np.zeros(800))
        if twin == "band":
            memory = Memory(options=Options.PROGRESSOR)
            await stack.enter_async_context(VirtualBand(radio, source, memory=memory))
        else:
            await stack.enter_async_context(ProgressorTwin(radio, source))
        app = await stack.enter_async_context(found_by_service(radio))
        await app.subscribe()
        on_the_air.clear()
        assert 3000 < int.from_bytes(await app.ask(BATTERY), "little") < 4300
        assert b"." in await app.ask(VERSION)
        assert on_the_air == ["acknowledged", "answered"] * 2
        await app.send(SLEEP)  # acknowledged before it is gone
