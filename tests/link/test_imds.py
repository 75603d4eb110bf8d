"""Force sensors of other makers that follow the Bluetooth standard, over the virtual radio."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from bluetooth_sig.gatt.characteristics.force import ForceCharacteristic

from bandsense.errors import CommandError, FrameError
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.drivers.base import AdvertisementData
from bandsense.link.drivers.imds import ImdsDriver
from bandsense.link.drivers.registry import driver_named
from bandsense.link.sensor import open_sensor
from bandsense.samples import Unit, concatenate
from bandsense.sim.devices.imds import ImdsTwin
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import imds
from bandsense.wire.decoder import ImdsDecoder
from tests.support.sensors import follow


def pull(rate_hz: float = 20.0) -> TraceSource:
    """A tension that grows by 5 N a second."""
    time_s = np.arange(round(600 * rate_hz)) / rate_hz
    return TraceSource(time_s, time_s * 5.0)


@pytest.mark.parametrize("steps", [0, 1, -1, 12_345, -250_000, 0x7FFF_FFFE, -0x8000_0000])
def test_a_force_is_what_bluetooth_sig_reads(steps: int) -> None:
    data = steps.to_bytes(4, "little", signed=True)
    assert imds.decode_force(data) == pytest.approx(ForceCharacteristic().parse_value(bytearray(data)))
    force_n = imds.decode_force(data)
    assert force_n is not None
    assert imds.encode_force(force_n) == data


def test_an_unknown_force_is_none() -> None:
    assert imds.decode_force(bytes.fromhex("ffffff7f")) is None
    assert imds.encode_force(None) == bytes.fromhex("ffffff7f")


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0" * 5])
def test_other_lengths_are_malformed(data: bytes) -> None:
    with pytest.raises(FrameError, match="4 bytes"):
        imds.decode_force(data)
    decoder = ImdsDecoder()
    assert decoder.feed(imds.FORCE_UUID, data, 1.0) is None
    assert decoder.statistics.malformed == 1


def test_beyond_the_characteristic() -> None:
    with pytest.raises(FrameError, match="beyond"):
        imds.encode_force(2.2e6)


def test_an_unknown_force_leaves_a_gap() -> None:
    decoder = ImdsDecoder()
    blocks = [
        decoder.feed(imds.FORCE_UUID, imds.encode_force(force_n), arrival_s)
        for force_n, arrival_s in ((10.0, 0.0), (11.0, 0.05), (None, 0.1), (12.0, 0.15))
    ]
    kept = concatenate([block for block in blocks if block is not None])
    assert kept.values.tolist() == [10.0, 11.0, 12.0]
    assert kept.gap_before.tolist() == [False, False, True]
    assert decoder.complaint is None
    decoder.feed(imds.FORCE_UUID, imds.encode_force(None), 0.2)
    assert "does not know the force" in (decoder.complaint or "")


def test_it_is_known_by_its_service() -> None:
    driver = ImdsDriver()
    heard = AdvertisementData("AA:00", name="FG-500", service_uuids=(imds.SERVICE_UUID,))
    recognised = driver.parse_advertisement(heard)
    assert recognised is not None
    assert recognised.name == "FG-500"
    assert driver.parse_advertisement(AdvertisementData("AA:00", name="FG-500")) is None
    assert driver_named("imds").title


async def test_it_is_found_read_and_followed(radio: VirtualRadio, transport: Transport) -> None:
    async with ImdsTwin(radio, pull()) as twin:
        found = await discover(transport=transport)
        assert [(sensor.name, sensor.driver.name) for sensor in found] == [("FG-500", "imds")]
        async with open_sensor("FG-500", transport=transport) as sensor:
            information = sensor.information
            told = (information.manufacturer, information.model, information.firmware, information.serial)
            assert told == ("Acme", "FG-500", "3.1", None)
            assert (information.battery_percent, information.unit) == (81, Unit.NEWTON)
            with pytest.raises(CommandError, match="blink"):
                await sensor.device.identify(1)
            asyncio.get_running_loop().call_later(3.0, setattr, twin, "overloaded", True)
            asyncio.get_running_loop().call_later(3.5, setattr, twin, "overloaded", False)
            got = await follow(sensor, 5.0)
        sent = np.array([entry.force_n for entry in twin.log if entry.force_n is not None])
    assert len(got.values) > 60
    assert np.isin(np.round(got.values, 3), np.round(sent, 3)).all()
    assert (np.diff(got.time_s) > 0).all()
    assert int(got.gap_before.sum()) == 1, "the overload"


async def test_little_is_needed(radio: VirtualRadio, transport: Transport) -> None:
    async with (
        ImdsTwin(radio, pull(10.0), rate_hz=10.0, with_information=False),
        open_sensor("FG-500", transport=transport) as sensor,
    ):
        information = sensor.information
        assert (information.manufacturer, information.battery_percent) == (None, None)
        assert len((await follow(sensor, 3.0)).values) > 20


async def test_another_measurement_device_says_so(radio: VirtualRadio, transport: Transport) -> None:
    async with ImdsTwin(radio, pull(), measures_force=False):
        with pytest.raises(CommandError, match="does not measure force"):
            async with open_sensor("FG-500", transport=transport):
                pass
