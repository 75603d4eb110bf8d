from __future__ import annotations

import asyncio

import pytest

from bandsense.sim.physics.sensor import FULL_SCALE_N, GAIN
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import imds
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import Counters, Started, Stopped, TimeMarked
from bandsense.wire.bandsense.codes import RATES_HZ, StatisticsPage, Status
from bandsense.wire.bandsense.measurement import samples_per_frame
from bandsense.wire.bandsense.requests import ReadStatistics, Start, Stop, TimeMark
from bandsense.wire.bandsense.uuids import SERIAL_UUID, SERVICE_UUID
from tests.firmware.sensor import Central, HostSensor, advertised, connected, find, until

pytestmark = pytest.mark.firmware


async def test_a_scanner_learns_who_is_there(radio: VirtualRadio, sensor: HostSensor) -> None:
    _, data = await find(radio)
    advertisement = Advertisement.decode(data.service_data[SERVICE_UUID])
    assert data.local_name == "bandsense"
    assert {SERVICE_UUID, imds.SERVICE_UUID} <= set(data.service_uuids)
    assert advertisement.pairing_open  # a new sensor's first minute
    assert not advertisement.connected
    assert advertisement.battery_percent is not None


async def test_information_is_open_to_all(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio, pair=False, prepare=False) as central:
        information = await central.information()
        serial = bytes(await central.client.read_gatt_char(SERIAL_UUID)).decode()
    assert information.serial == 0x0123456789ABCDEF
    assert serial == "0123456789abcdef"
    assert information.boot_number == 1
    assert information.rates_hz == (10, 20, 40, 80, 320)
    assert information.gain == GAIN
    assert information.full_scale_n == pytest.approx(FULL_SCALE_N, rel=1e-5)


def assert_nothing_lost(central: Central, sensor: HostSensor) -> None:
    """Everything that was converted arrived, in order, once, at its time."""
    heard = central.samples()
    converted = sensor.conversions()[: len(heard)]
    assert [counts for _, counts in heard] == [counts for _, counts, _ in converted]
    for (heard_us, _), (converted_us, _, _) in zip(heard, converted, strict=True):
        assert abs(heard_us - converted_us) <= 100
    expected = 0
    for _, frame in central.frames:
        assert frame.sequence == expected % 2**16
        expected += len(frame.counts)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("rate_error", [-5, 5])
async def test_every_rate_streams_without_a_gap(
    radio: VirtualRadio, sensor: HostSensor, rate_hz: int, rate_error: int
) -> None:
    await sensor.reboot("--rate-error", str(rate_error))
    await sensor.tell("press 50")
    await advertised(radio, "pairing_open")
    async with connected(radio) as central:
        answer = await central.ask(Start(rate_hz))
        assert answer.status == Status.SUCCESS
        started = answer.result
        assert isinstance(started, Started)
        assert (started.rate_hz, started.next_sequence) == (rate_hz, 0)
        await until(lambda: len(central.samples()) >= 1.5 * rate_hz, "a second and a half of samples")
        stopped = (await central.ask(Stop())).result
    assert isinstance(stopped, Stopped)
    heard = central.samples()
    assert stopped.next_sequence == len(heard)
    lasted_s = (heard[-1][0] - heard[0][0]) / 1e6
    assert (len(heard) - 1) * (1 + rate_error / 100) / lasted_s == pytest.approx(rate_hz, rel=1e-3)
    assert_nothing_lost(central, sensor)
    assert [frame.gap_before for _, frame in central.frames] == [True] + [False] * (len(central.frames) - 1)
    assert all(len(frame.counts) == samples_per_frame(rate_hz, 247) for _, frame in central.frames[:-1])


INTERVAL_S = 0.03


async def test_samples_are_on_the_air_within_60_ms(host_binary: object, sensor: HostSensor) -> None:
    async with connected(sensor.radio) as central:
        booted_s = max([await earliest_boot_s(central) for _ in range(20)])
        sensor.radio.connection_interval_s = INTERVAL_S
        frames = []
        # A busy machine can only add to what the sensor takes: one quiet second among several shows it.
        for _ in range(10):
            second = await frame_delays(central, booted_s)
            frames += second
            delay_ms = max(delay_ms for _, delay_ms in second)
            if delay_ms < 60:
                break
        else:  # none is quiet: the quickest frame of each place between two connection events shows it
            quickest_ms: dict[int, float] = {}
            for place, each_ms in frames:
                quickest_ms[place] = min(each_ms, quickest_ms.get(place, each_ms))
            delay_ms = max(quickest_ms.values())
    assert 12.5 < delay_ms < 60


async def earliest_boot_s(central: Central) -> float:
    """When the device's clock began at the earliest: a request is stamped after it was sent."""
    before_s = asyncio.get_running_loop().time()
    mark = (await central.ask(TimeMark())).result
    assert isinstance(mark, TimeMarked)
    return before_s - mark.time_us / 1e6


async def frame_delays(central: Central, booted_s: float) -> list[tuple[int, float]]:
    """Each frame of a second: the eighth of a connection interval that it was complete in, and what its first
    sample took from its conversion to the client, ms."""
    central.frames.clear()
    await central.ask(Start(80))
    await until(lambda: len(central.samples()) >= 80, "a second of samples")
    await central.ask(Stop())
    delays = []
    for heard_s, frame in central.frames:
        first_s = booted_s + frame.time_us / 1e6
        last_s = first_s + frame.span_us / 1e6
        delays.append((int(last_s % INTERVAL_S / INTERVAL_S * 8), (heard_s - first_s) * 1e3))
    return delays


async def more_frames(central: Central) -> None:
    """Wait for a few: to stop after so many milliseconds may be to stop before the first."""
    before = len(central.frames)
    await until(lambda: len(central.frames) > before + 3, "frames")


async def test_numbers_go_on_and_time_is_the_device_s(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await more_frames(central)
        await central.ask(Stop())
        first = len(central.frames)
        await central.ask(Start(320))
        await more_frames(central)
        # A second start at the same rate changes nothing.
        again = await central.ask(Start(320))
        assert again.status == Status.SUCCESS
        await more_frames(central)
        # At another rate it changes the rate.
        await central.ask(Start(40))
        await more_frames(central)
        await central.ask(Stop())
    assert_nothing_lost(central, sensor)
    gaps = [i for i, (_, frame) in enumerate(central.frames) if frame.gap_before]
    assert len(gaps) == 3
    assert gaps[1] == first


async def test_overruns_are_counted_and_flagged(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        await sensor.tell("overrun 3")
        await until(lambda: any(frame.overrun for _, frame in central.frames), "an overrun")
        await central.ask(Stop())
        counters = (await central.ask(ReadStatistics(StatisticsPage.COUNTERS))).result
    assert isinstance(counters, Counters)
    assert counters.overruns == 3
    overrun = [frame for _, frame in central.frames if frame.overrun]
    assert len(overrun) == 1
    assert overrun[0].gap_before
    assert_nothing_lost(central, sensor)


async def test_out_of_range_input_is_flagged(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        await sensor.tell("load 9000000")
        await until(lambda: central.frames[-1][1].saturated, "a saturated frame")
        await central.ask(Stop())
    assert not central.frames[0][1].saturated


async def test_a_dead_converter_is_reported(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await sensor.tell("converter absent")
        assert (await central.ask(Start(80))).status == Status.HARDWARE_FAILURE
        await sensor.tell("converter ok")
        assert (await central.ask(Start(80))).status == Status.SUCCESS


async def test_a_converter_that_falls_silent_is_restarted(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        await sensor.tell("converter silent")
        await sensor.says("light red")
        before = len(central.frames)
        await sensor.tell("converter ok")
        await until(lambda: len(central.frames) > before + 3, "more frames")
        await central.ask(Stop())
    assert [frame.gap_before for _, frame in central.frames].count(True) == 2
    assert_nothing_lost(central, sensor)


async def test_state_is_advertised_to_a_second_computer(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        assert not (await advertised(radio, "connected", "other")).streaming
        await central.ask(Start(80))
        assert (await advertised(radio, "streaming", "other")).connected
        await central.ask(Stop())


async def test_a_lost_link_ends_the_stream(radio: VirtualRadio, sensor: HostSensor) -> None:
    async with connected(radio) as central:
        await central.ask(Start(80))
        await until(lambda: central.frames, "a frame")
        sensor.radio.lose_link("firmware")
    converted = -1
    for _ in range(20):
        before, converted = converted, len(sensor.conversions())
        if converted == before:
            break
        await asyncio.sleep(0.4)
    assert converted == before, "it goes on measuring"
    async with connected(radio, pair=False) as central:
        started = (await central.ask(Start(80))).result
        assert isinstance(started, Started)
        assert started.next_sequence >= converted - 1
        assert started.boot_number == 1
