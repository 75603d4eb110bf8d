"""The Bluetooth standard's force service, read by a package that this project did not write."""

from __future__ import annotations

import asyncio

import pytest
from bluetooth_sig import BluetoothSIGTranslator
from bluetooth_sig.gatt.exceptions import SpecialValueDetectedError

from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import imds
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Features
from bandsense.wire.bandsense.requests import Start, Stop, WriteCalibration
from tests.firmware.sensor import PATIENCE_S, Central, HostSensor, connected, until

pytestmark = pytest.mark.firmware

APPEARANCE_UUID = "00002a01-0000-1000-8000-00805f9b34fb"
NEWTON_PER_COUNT = 1.0e-4
ZERO = -12_000
UNKNOWN = bytes.fromhex("ffffff7f")


@pytest.fixture
async def steady(radio: VirtualRadio, sensor: HostSensor) -> HostSensor:
    """A calibrated sensor that feels 12.345 N."""
    trace = sensor.folder / "steady.csv"
    trace.write_text(f"time_s,counts\n0,{ZERO + 123_450}\n")
    record = CalibrationRecord(newton_per_count=NEWTON_PER_COUNT, zero_counts=ZERO).encode()
    async with connected(radio) as central:
        await central.ask(WriteCalibration(40, 0, record))
    await sensor.reboot("--trace", str(trace))
    return sensor


async def forces(central: Central) -> list[bytes]:
    """Subscribe; the list fills with what is heard."""
    heard: list[bytes] = []
    await central.client.start_notify(imds.FORCE_UUID, lambda _, value: heard.append(bytes(value)))
    return heard


def conversions_hz(sensor: HostSensor) -> float:
    """How many there were a second, by the sensor's own clock."""
    times_us = [time_us for time_us, _, _ in sensor.conversions()]
    return 1e6 * (len(times_us) - 1) / (times_us[-1] - times_us[0])


def newtons(value: bytes) -> float:
    """As the other package understands it, which raises what follows for *not known*."""
    return float(BluetoothSIGTranslator().parse_characteristic("2C07", value))


async def test_a_generic_tool_reads_newtons(radio: VirtualRadio, steady: HostSensor) -> None:
    async with connected(radio, pair=False, prepare=False) as central:
        assert Features.FORCE_SERVICE in (await central.information()).features
        appearance = bytes(await central.client.read_gatt_char(APPEARANCE_UUID))
        assert int.from_bytes(appearance, "little") == imds.APPEARANCE_FORCE_GAUGE
        heard = await forces(central)
        await until(lambda: len(heard) > 30, "values")
        assert newtons(heard[-1]) == pytest.approx(12.345, abs=0.001)
        assert newtons(bytes(await central.client.read_gatt_char(imds.FORCE_UUID))) == pytest.approx(12.345)
        assert len(heard) <= len(steady.conversions())
        await until(lambda: len(heard) >= len(steady.conversions()) - 2, "a value for each conversion")
        assert 10 <= conversions_hz(steady) <= 21
        await central.client.stop_notify(imds.FORCE_UUID)
        async with asyncio.timeout(PATIENCE_S):
            while bytes(await central.client.read_gatt_char(imds.FORCE_UUID)) != UNKNOWN:
                await asyncio.sleep(0.05)
        converted = len(steady.conversions())
        await asyncio.sleep(0.3)
        assert len(steady.conversions()) == converted, "the converter is at rest"


async def test_a_stream_goes_first_and_force_comes_along(radio: VirtualRadio, steady: HostSensor) -> None:
    async with connected(radio, pair=False) as central:
        heard = await forces(central)
        await until(lambda: len(heard) > 3, "values")
        await central.ask(Start(320))
        await until(lambda: len(central.frames) > 50, "frames")
        before, samples = len(heard), len(central.samples())
        await until(lambda: len(heard) > before + 30, "values beside the stream")
        # One value for sixteen samples.
        assert (len(central.samples()) - samples) / (len(heard) - before) == pytest.approx(16, abs=1.5)
        assert newtons(heard[-1]) == pytest.approx(12.345, abs=0.001)
        await central.ask(Stop())
        frames, before = len(central.frames), len(heard)
        await until(lambda: len(heard) > before + 5, "values after the stream")
        assert len(central.frames) == frames, "nobody asked for frames"


async def test_what_drifts_or_is_out_of_range_is_unknown(radio: VirtualRadio, steady: HostSensor) -> None:
    await steady.reboot("--settling", "400")
    async with connected(radio, pair=False) as central:
        heard = await forces(central)
        await until(lambda: any(value != UNKNOWN for value in heard), "a force")
        assert heard[0] == UNKNOWN
        with pytest.raises(SpecialValueDetectedError, match="not known"):
            newtons(heard[0])
        await steady.tell("load 9000000")
        await until(lambda: heard[-1] == UNKNOWN, "an unknown force")


async def test_a_stranger_reads_no_force(radio: VirtualRadio, steady: HostSensor) -> None:
    async with connected(radio, computer="stranger", pair=False, prepare=False) as central:
        with pytest.raises(Exception, match=r"(?i)auth|encrypt"):
            await central.client.read_gatt_char(imds.FORCE_UUID)
        with pytest.raises(Exception, match=r"(?i)auth|encrypt"):
            await central.client.start_notify(imds.FORCE_UUID, lambda *_: None)
