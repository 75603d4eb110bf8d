"""Who may hold the link, what a bonded central finds kept, and how the link is used."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from bumble.device import Connection
from bumble.gatt_client import Client

from bandsense.sim.radio.bleak_backend import client_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.bandsense.codes import Options, Status
from bandsense.wire.bandsense.measurement import samples_per_frame
from bandsense.wire.bandsense.requests import SetOptions, Start, Stop, TimeMark, encode_request
from bandsense.wire.bandsense.uuids import INFORMATION_UUID
from tests.firmware.sensor import (
    PATIENCE_S,
    RADIO_NAME,
    Central,
    HostSensor,
    advertised,
    connected,
    find,
    until,
)
from tests.needs import IN_CI

pytestmark = pytest.mark.firmware

GRACE_S = 1.5
"""Of the host program with `--impatient`; 20 s in use."""
FULL_FRAME = samples_per_frame(320, 247)
SERVICE_CHANGED_UUID = "00002a05-0000-1000-8000-00805f9b34fb"


@pytest.fixture
async def owned(radio: VirtualRadio, sensor: HostSensor) -> HostSensor:
    """A sensor with an owner, impatient from here on, its pairing window closed."""
    async with connected(radio):
        pass
    await sensor.reboot("--impatient")
    return sensor


@dataclass
class Stranger:
    """A central without a bond on its link.

    Attributes:
        asked_s: when it asked for the link.
    """

    client: BleakClient
    asked_s: float


@contextlib.asynccontextmanager
async def stranger(
    radio: VirtualRadio,
    name: str = "stranger",
    greet: Callable[[BleakClient], Awaitable[object]] | None = None,
) -> AsyncIterator[Stranger]:
    """A central that connects, greets and then says nothing.

    Where the machine is so busy that its time is over before it has greeted, another one comes.
    """
    loop = asyncio.get_running_loop()
    for number in itertools.count():
        device, _ = await find(radio, f"{name} {number}")
        client = BleakClient(device, backend=client_backend(await radio.adapter(f"{name} {number}")))
        asked_s = loop.time()
        try:
            await client.connect()
            if greet is not None:
                await greet(client)
            break
        except BleakError:
            await client.disconnect()
            if loop.time() - asked_s < GRACE_S:
                raise
    try:
        yield Stranger(client, asked_s)
    finally:
        await client.disconnect()


async def owner_gets_in(radio: VirtualRadio) -> None:
    async with owner(radio) as central:
        assert (await central.ask(TimeMark())).status == Status.SUCCESS


@contextlib.asynccontextmanager
async def owner(radio: VirtualRadio) -> AsyncIterator[Central]:
    """The owner, who tries until the link is free."""
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(2 * PATIENCE_S):
            while True:
                with contextlib.suppress(BleakError, TimeoutError):
                    central = await stack.enter_async_context(connected(radio, pair=False))
                    break
        yield central


async def test_a_silent_central_is_sent_away(radio: VirtualRadio, owned: HostSensor) -> None:
    loop = asyncio.get_running_loop()

    async def greet(client: BleakClient) -> None:
        assert (await client.read_gatt_char(INFORMATION_UUID))[0] == 1

    async with stranger(radio, greet=greet) as silent:
        await until(lambda: not silent.client.is_connected, "the end of the link")
        assert loop.time() - silent.asked_s >= 0.8 * GRACE_S
    await owner_gets_in(radio)


@dataclass
class Knock:
    """One try of a central that comes back for ever.

    Attributes:
        lasted_s: from asking for the link to its end.
        served: its requests were answered, all that discovering takes.
    """

    lasted_s: float
    served: bool = False


async def knock_for_ever(radio: VirtualRadio, name: str, ended: list[Knock]) -> None:
    """Connect, say nothing until sent away, and again; notes how each try ended."""
    loop = asyncio.get_running_loop()
    while True:
        device, _ = await find(radio, name)
        served, asked_s = False, loop.time()
        with contextlib.suppress(BleakError, TimeoutError):
            async with BleakClient(device, backend=client_backend(await radio.adapter(name))) as client:
                served = True
                while client.is_connected:
                    await asyncio.sleep(0.02)
        ended.append(Knock(loop.time() - asked_s, served))
        await asyncio.sleep(0.05)


async def test_one_that_reconnects_for_ever_does_not_keep_the_owner_out(
    radio: VirtualRadio, owned: HostSensor
) -> None:
    ended: list[Knock] = []
    knocking = asyncio.create_task(knock_for_ever(radio, "knocker", ended))
    await until(lambda: len(ended) >= 4, "four times sent away")
    assert ended[0].lasted_s >= 0.8 * GRACE_S, "the first time it has its time"
    assert not any(knock.served for knock in ended[1:]), "then it is sent away at once"
    await owner_gets_in(radio)
    knocking.cancel()


async def test_a_silent_one_and_one_that_reconnects_do_not_keep_the_owner_out_together(
    radio: VirtualRadio, owned: HostSensor
) -> None:
    ended: list[Knock] = []
    knocking = asyncio.create_task(knock_for_ever(radio, "knocker", ended))
    await until(lambda: len(ended) >= 2, "twice sent away")

    async def hold() -> None:
        async with stranger(radio, "silent") as silent:
            holds.set()
            await until(lambda: not silent.client.is_connected, "the end of the link")

    holds = asyncio.Event()
    holding = asyncio.create_task(hold())
    await asyncio.wait({holding, asyncio.ensure_future(holds.wait())}, return_when=asyncio.FIRST_COMPLETED)
    await owner_gets_in(radio)
    knocking.cancel()
    await holding


async def test_a_central_that_encrypts_stays(radio: VirtualRadio, owned: HostSensor) -> None:
    async with owner(radio) as central:
        await asyncio.sleep(2.5 * GRACE_S)
        assert (await central.ask(TimeMark())).status == Status.SUCCESS


async def test_an_app_that_the_owner_let_in_stays(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(SetOptions(Options.PROGRESSOR))
    await sensor.reboot("--impatient")

    async def greet(client: BleakClient) -> None:
        await client.write_gatt_char(progressor.CONTROL_UUID, b"\x6f", response=True)

    async with stranger(radio, greet=greet) as app:
        await asyncio.sleep(2.5 * GRACE_S)
        assert app.client.is_connected
    async with stranger(radio, "idler") as idler:
        await until(lambda: not idler.client.is_connected, "the end of the link")


async def test_the_button_ends_any_link(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await sensor.tell("press 50")
        await until(lambda: not central.client.is_connected, "the end of the link")
    assert (await advertised(radio, "pairing_open", "second")).pairing_open
    async with connected(radio, computer="second") as second:
        assert (await second.ask(TimeMark())).status == Status.SUCCESS


async def test_subscriptions_of_a_bonded_central_are_kept(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio):
        pass
    for reboot in (False, True):
        if reboot:
            await sensor.reboot()
        async with connected(radio, pair=False, prepare=False) as central:
            # Without indications switched on, this write would be refused.
            await central.write(encode_request(1, TimeMark()))


async def test_a_changed_table_is_told_to_who_knew_the_old_one(
    radio: VirtualRadio, sensor: HostSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bytes] = []
    heard = Client.on_att_handle_value_indication

    def listen(client: Client, indication: object) -> None:
        told.append(indication.attribute_value)  # type: ignore[attr-defined]
        heard(client, indication)  # type: ignore[arg-type]

    async with connected(radio) as central:
        await central.client.start_notify(SERVICE_CHANGED_UUID, lambda *_: None)
        await central.ask(SetOptions(Options.PROGRESSOR))
    async with connected(radio, pair=False, prepare=False):
        pass  # the next link begins when the one before has been put away
    monkeypatch.setattr(Client, "on_att_handle_value_indication", listen)
    await sensor.reboot()
    all_handles = b"\x01\x00\xff\xff"
    async with connected(radio, pair=False, prepare=False) as central:
        await central.client.read_gatt_char(INFORMATION_UUID)
        await until(lambda: all_handles in told, "service changed")
        await central.information()  # answered once the sensor has its confirmation
    told.clear()
    async with connected(radio, pair=False) as central:
        await central.ask(TimeMark())
    assert all_handles not in told, "it is told once"


async def test_the_interval_is_short_while_streaming_and_relaxed_after(
    radio: VirtualRadio, sensor: HostSensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(radio) as central:
        adapter = await radio.adapter()
        manager = adapter.device.l2cap_channel_manager
        requests: list[tuple[int, int]] = []
        answer = manager.on_l2cap_connection_parameter_update_request

        def listen(connection: Connection, cid: int, request: object) -> object:
            requests.append((request.interval_min, request.interval_max))  # type: ignore[attr-defined]
            return answer(connection, cid, request)  # type: ignore[arg-type]

        monkeypatch.setattr(manager, "on_l2cap_connection_parameter_update_request", listen)
        await central.ask(Start(80))
        await until(lambda: requests, "a request for a short interval")
        await central.ask(Stop())
        await until(lambda: len(requests) > 1, "a request for a relaxed interval")
    # In steps of 1.25 ms.
    assert requests == [(12, 24), (84, 96)]


async def test_strangers_addresses_that_change_are_met(radio: VirtualRadio, owned: HostSensor) -> None:
    """Each link of a stranger ends in time, also where each has another address."""
    for i in range(3):
        async with stranger(radio, f"phone {i}") as phone:
            await until(lambda phone=phone: not phone.client.is_connected, "the end of the link")
    await owner_gets_in(radio)


async def test_fifty_cuts_of_the_link(radio: VirtualRadio, sensor: HostSensor) -> None:
    draw = random.Random(50)
    async with connected(radio):
        pass
    expected_sequence = None
    for _ in range(50 if IN_CI else 8):
        async with connected(radio, pair=False) as central:
            started = (await central.ask(Start(draw.choice((10, 20, 40, 80, 320))))).result
            assert started is not None
            assert started.boot_number == 1  # type: ignore[union-attr]
            if expected_sequence is not None:
                assert (started.next_sequence - expected_sequence) % 2**16 < 2**15  # type: ignore[union-attr]
            await asyncio.sleep(draw.uniform(0.0, 0.4))
            radio.lose_link(RADIO_NAME)
        expected_sequence = started.next_sequence  # type: ignore[union-attr]
        if central.frames:
            first = central.frames[0][1]
            assert first.gap_before
            assert first.sequence == expected_sequence
            numbers = [frame.sequence for _, frame in central.frames]
            lengths = [len(frame.counts) for _, frame in central.frames]
            assert numbers == [(numbers[0] + sum(lengths[:i])) % 2**16 for i in range(len(numbers))]


async def test_a_stream_at_full_rate_while_a_second_central_tries_in(
    radio: VirtualRadio, sensor: HostSensor
) -> None:
    lasts_s, tries = (60.0, 30) if IN_CI else (6.0, 3)
    async with connected(radio) as central:
        started = (await central.ask(Start(320))).result
        device, _ = await find(radio, "second")
        adapter = await radio.adapter("second")
        for _ in range(tries):
            late = BleakClient(device, backend=client_backend(adapter), timeout=lasts_s / tries / 2)
            with pytest.raises((TimeoutError, BleakError)):
                await late.connect()
        await until(lambda: len(central.frames) >= 320 * lasts_s / FULL_FRAME, "all of it")
        stopped = (await central.ask(Stop())).result
    heard = central.samples()
    assert (len(heard) - 1) / (heard[-1][0] - heard[0][0]) * 1e6 == pytest.approx(320, rel=1e-3)
    assert stopped.next_sequence == (started.next_sequence + len(heard)) % 2**16  # type: ignore[union-attr]
    assert [counts for _, counts in heard] == [counts for _, counts, _ in sensor.conversions()[: len(heard)]]
    assert sum(frame.gap_before for _, frame in central.frames) == 1
