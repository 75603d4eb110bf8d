"""The link to a virtual band over the virtual radio, through bleak's API."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bandsense.errors import BluetoothOff, CommandError, SensorBusy, SensorNotFound
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.errors import LinkErrorReason
from bandsense.link.sensor import LinkState, Sensor, open_sensor
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.radio.virtual_radio import Adapter, AdapterState, VirtualRadio
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import CalibrationGrade
from tests.support.sensors import Journal, transport_of

NAME = "bandsense-BA5E"


async def take(sensor: Sensor, n: int, rate_hz: int = 80) -> SampleBlock:
    """The next n samples, or a few more."""
    blocks: list[SampleBlock] = []
    async for block in sensor.stream(rate_hz):
        blocks.append(block)
        if sum(map(len, blocks)) >= n:
            break
    return concatenate(blocks)


async def test_a_sensor_is_found_with_what_it_advertises(band: VirtualBand, transport: Transport) -> None:
    seen: list[int] = []
    (sighting,) = await discover(1.0, transport=transport, on_change=lambda found: seen.append(len(found)))
    assert (sighting.name, sighting.driver.name) == (NAME, "bandsense")
    assert sighting.battery_percent == 87
    assert sighting.pairing_open is True
    assert sighting.connected is False
    assert seen
    assert sighting.matches(band.address.lower())
    assert sighting.matches("ba5e")
    assert not sighting.matches("5e")


async def test_a_stream_holds_every_sample(band: VirtualBand, transport: Transport, journal: Journal) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        assert sensor.information.serial == "5e4500000000ba5e"
        assert sensor.information.unit is Unit.COUNT
        assert sensor.battery_percent == 87
        block = await take(sensor, 800)
    np.testing.assert_array_equal(np.diff(block.values), 1.0)
    np.testing.assert_allclose(np.diff(block.time_s), 0.0125, atol=1e-4)
    assert not block.gap_before.any()
    assert journal.states == ["searching", "connecting", "connected", "streaming", "connected", "closed"]
    assert not journal.troubles
    await asyncio.sleep(0.1)
    assert not band.connected


@pytest.mark.parametrize("rate_hz", [10, 20, 40, 320])
async def test_every_rate(radio: VirtualRadio, transport: Transport, rate_hz: int) -> None:
    from tests.support.sensors import ramp

    async with VirtualBand(radio, ramp(60.0, rate_hz)), open_sensor(transport=transport) as sensor:
        block = await take(sensor, rate_hz * 5, rate_hz)
    np.testing.assert_array_equal(np.diff(block.values), 1.0)
    assert sensor.statistics.lost == 0


async def test_everything_sent_before_stop_is_received(band: VirtualBand, transport: Transport) -> None:
    blocks: list[SampleBlock] = []
    async with open_sensor(NAME, transport=transport) as sensor:

        async def read() -> None:
            blocks.extend([block async for block in sensor.stream(80)])

        reader = asyncio.create_task(read())
        await asyncio.sleep(7.3)
    await reader
    received = concatenate(blocks).values.tolist()
    assert received == [count for _, _, count in band.sent_samples()]


async def test_a_lost_link_comes_back_and_the_gap_is_marked(
    radio: VirtualRadio, band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        before = await take(sensor, 400)
        radio.silence("band")
        asyncio.get_running_loop().call_later(3.0, radio.unsilence, "band")
        after = await take(sensor, 400)
    block = concatenate([before, after])
    (gap,) = np.flatnonzero(block.gap_before)
    steps = np.diff(block.values)
    assert np.flatnonzero(steps != 1).tolist() == [gap - 1]
    # the trace grows by 80 counts a second: the samples themselves tell how long the gap was
    assert np.diff(block.time_s)[gap - 1] == pytest.approx(steps[gap - 1] / 80, abs=2e-3)
    assert journal.troubles == ["link lost"]
    resumed = [event for event in journal.events if event.state is LinkState.STREAMING][-1]
    assert resumed.gap_s == pytest.approx(steps[gap - 1] / 80, abs=0.3)
    assert "streaming again after" in resumed.message


async def test_a_reset_in_mid_stream_goes_on(
    band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        before = await take(sensor, 400)
        await band.reboot()
        after = await take(sensor, 400)
    block = concatenate([before, after])
    assert np.flatnonzero(block.gap_before).size == 1
    assert sensor.statistics.restarts == 1
    assert sensor.statistics.samples >= 800


async def test_without_a_sensor_the_error_says_what_to_do(transport: Transport) -> None:
    with pytest.raises(SensorNotFound, match="press its button"):
        async with open_sensor("bandsense-0000", transport=transport, wait_s=20):
            pass


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (AdapterState.OFF, "switched off"),
        (AdapterState.ABSENT, "plug one in"),
        (AdapterState.DENIED, "may not use"),
    ],
)
async def test_bluetooth_that_cannot_be_used_is_told(
    adapter: Adapter, transport: Transport, state: AdapterState, words: str
) -> None:
    await adapter.switch_off(state)
    with pytest.raises(BluetoothOff, match=words):
        await discover(1.0, transport=transport)
    with pytest.raises(BluetoothOff, match=words):
        async with open_sensor(transport=transport, wait_s=5):
            pass


async def test_bluetooth_off_and_on_in_mid_stream(
    band: VirtualBand, adapter: Adapter, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await take(sensor, 100)
        await adapter.switch_off()
        asyncio.get_running_loop().call_later(20.0, adapter.switch_on)
        await take(sensor, 100)
    assert journal.troubles[0] == "link lost"
    assert set(journal.troubles[1:]) == {"bluetooth off"}
    pauses = [event.retry_in_s for event in journal.events if event.state is LinkState.LOST]
    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert pauses[-1] > 1.0


async def test_a_sensor_that_another_holds_is_told(
    radio: VirtualRadio, band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    phone = transport_of(await radio.adapter("phone"))
    async with open_sensor(NAME, transport=transport):
        band.press_button()
    async with open_sensor(NAME, transport=phone):
        with pytest.raises(SensorBusy, match="another phone or computer"):
            async with open_sensor(NAME, transport=transport, on_event=journal, wait_s=15):
                pass
    assert "taken by another client" in journal.troubles
    async with open_sensor(NAME, transport=transport) as sensor:
        assert sensor.state is LinkState.CONNECTED


async def test_what_can_be_asked(band: VirtualBand, transport: Transport) -> None:
    record = CalibrationRecord(2.5e-4, -1234, CalibrationGrade.INLINE, made_at_s=1_790_000_000)
    async with open_sensor(NAME, transport=transport) as sensor:
        device = sensor.device
        await device.identify(3)
        assert band.identifying
        await device.write_calibration(record)
        assert await device.read_calibration() == record
        await device.set_label("left")
        assert (await device.describe()).name == "left"
        assert (await device.counters()).resets == 1
        assert (await device.self_test()).passed
        assert (await device.crash()).kind == 0
        await device.open_pairing(30)
        assert band.pairing_open
        first, second = await device.time_mark(), await device.time_mark()
        assert 0 <= second.time_us - first.time_us < 500_000
        with pytest.raises(CommandError, match="cannot set its own zero"):
            await device.tare()
        with pytest.raises(CommandError, match="no rate of 50 Hz"):
            await sensor.start(50)


async def test_a_sensor_sent_to_sleep_is_said_to_sleep(
    band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await sensor.sleep()
        await asyncio.sleep(15)
    assert LinkErrorReason.ASLEEP in [event.reason for event in journal.events]


async def test_unsubscribing_ends_the_calls(band: VirtualBand, transport: Transport) -> None:
    async with open_sensor(NAME, transport=transport) as sensor:
        journal = Journal()
        unsubscribe = sensor.subscribe(journal)
        await take(sensor, 10)
        unsubscribe()
        await sensor.stop()
    assert journal.states == ["streaming"]
