"""Sensors that people already own: their simulated twins over the virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from bandsense.errors import CommandError, ConfigError
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.drivers import registry
from bandsense.link.drivers.base import AdvertisementData
from bandsense.link.drivers.registry import all_drivers, driver_named
from bandsense.link.pairing import pair
from bandsense.link.sensor import LinkState, open_sensor
from bandsense.samples import Unit
from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.devices.whc06 import ScaleTwin
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor, whc06
from bandsense.wire.decoder import ADVERTISEMENT
from bandsense.wire.progressor import Command
from tests.support.sensors import Journal, follow, ramp


@pytest.fixture(params=["genuine", "clone", "padded clone"])
def twin(request: pytest.FixtureRequest, radio: VirtualRadio) -> ProgressorTwin:
    if request.param == "genuine":
        return ProgressorTwin(radio, ramp(rate_hz=88.1))
    pad_to = 14 if request.param == "padded clone" else 0
    return ProgressorTwin(
        radio,
        ramp(),
        rate_hz=80.0,
        samples_per_notification=1,
        leaves_out=0,
        pad_to=pad_to,
        answers=frozenset({Command.BATTERY}),
    )


# -- Progressor --------------------------------------------------------------------------------------


async def test_a_progressor_streams_without_false_alarms(
    twin: ProgressorTwin, transport: Transport, journal: Journal
) -> None:
    async with twin, open_sensor("Progressor_7125", transport=transport, on_event=journal) as sensor:
        assert sensor.information.unit is Unit.KILOGRAM_FORCE
        assert sensor.information.name == "Progressor_7125"
        assert sensor.battery_percent == pytest.approx((3850 - 3300) / 850 * 100, abs=1)
        block = await follow(sensor, 20.0)
        statistics = sensor.statistics
    sent = twin.log
    np.testing.assert_allclose(block.values, [s.weight_kgf for s in sent], rtol=1e-6)
    np.testing.assert_allclose(block.time_s, [s.stamp_us / 1e6 for s in sent], atol=1e-9)
    assert not block.gap_before.any()
    assert statistics.gaps == statistics.malformed == 0
    assert statistics.skipped == (len(sent) // 15 - 1 if twin.leaves_out else 0)
    assert not journal.troubles


async def test_questions_that_a_clone_leaves_open(radio: VirtualRadio, transport: Transport) -> None:
    async with (
        ProgressorTwin(radio, ramp(), answers=frozenset()),
        open_sensor("7125", transport=transport) as sensor,
    ):
        information = sensor.information
        assert (information.battery_percent, information.firmware, information.serial) == (None, None, None)
        with pytest.raises(CommandError):
            await sensor.device.identify(1)


@pytest.mark.parametrize("late", [Command.BATTERY, Command.VERSION])
async def test_an_answer_that_comes_late_is_not_taken_for_the_next(
    radio: VirtualRadio, transport: Transport, late: Command
) -> None:
    """Answers do not say to what: without a look at what they can be, a voltage would become a version."""
    twin = ProgressorTwin(radio, ramp(), late_s={late: 2.01, Command.ID: 0.5})
    async with twin, open_sensor("7125", transport=transport) as sensor:
        information = sensor.information
    told = {Command.BATTERY: information.battery_percent, Command.VERSION: information.firmware}
    assert told.pop(late) is None
    assert list(told.values()) in ([65], ["1.2.3.4"])
    assert information.serial == "7125abcd"


async def test_a_progressor_whose_link_is_lost_comes_back(
    radio: VirtualRadio, transport: Transport, journal: Journal
) -> None:
    async with (
        ProgressorTwin(radio, ramp(rate_hz=88.1)) as twin,
        open_sensor(twin.address, transport=transport, on_event=journal) as sensor,
    ):
        asyncio.get_running_loop().call_later(5.0, radio.silence, twin.name)
        asyncio.get_running_loop().call_later(8.0, radio.unsilence, twin.name)
        block = await follow(sensor, 20.0)
    assert np.flatnonzero(block.gap_before).size == 1
    assert (np.diff(block.time_s) > 0).all()
    (gap,) = np.flatnonzero(block.gap_before)
    # its clock begins anew at every start: the gap is told by the arrivals, and the trace itself confirms it
    gone_s = (block.values[gap] - block.values[gap - 1]) / (block.values[1] - block.values[0]) / 88.1
    assert block.time_s[gap] - block.time_s[gap - 1] == pytest.approx(gone_s, abs=0.25)
    assert journal.troubles == ["link lost"]


async def test_an_empty_battery_is_recognised(
    radio: VirtualRadio, transport: Transport, journal: Journal
) -> None:
    async with (
        ProgressorTwin(radio, ramp(rate_hz=88.1)) as twin,
        open_sensor(twin.address, transport=transport, on_event=journal) as sensor,
    ):
        asyncio.get_running_loop().call_later(5.0, twin.empty_battery)
        await follow(sensor, 40.0)
    assert journal.troubles[:2] == ["link lost", "battery empty"]


async def test_tare_acts_while_streaming(radio: VirtualRadio, transport: Transport) -> None:
    async with (
        ProgressorTwin(radio, ramp(rate_hz=88.1)) as twin,
        open_sensor(twin.address, transport=transport) as sensor,
    ):
        taring = asyncio.create_task(asyncio.sleep(3.0))
        taring.add_done_callback(lambda _: asyncio.ensure_future(sensor.device.tare()))
        block = await follow(sensor, 6.0)
    assert (np.diff(block.values) < 0).sum() == 1


# -- WH-C06 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_company_twice", [False, True])
async def test_a_scale_is_followed_by_its_advertisements(
    radio: VirtualRadio, transport: Transport, journal: Journal, with_company_twice: bool
) -> None:
    scale = ScaleTwin(radio, ramp(rate_hz=10.0), with_company_twice=with_company_twice)
    async with scale, open_sensor("IF_B7", transport=transport, on_event=journal) as sensor:
        assert sensor.information.driver == "whc06"
        block = await follow(sensor, 20.0)
    assert block.unit is Unit.KILOGRAM_FORCE
    shown = {round(float(value), 2) for value in block.values}
    assert shown <= {entry.reading.weight_kgf for entry in scale.log}
    assert len(block) >= 0.4 * 10 * 20
    assert journal.states == ["searching", "connected", "streaming", "connected", "closed"]


async def test_a_scale_that_falls_silent_is_missed_and_found_again(
    radio: VirtualRadio, transport: Transport, journal: Journal
) -> None:
    scale = ScaleTwin(radio, ramp(rate_hz=10.0))
    async with scale, open_sensor(scale.address, transport=transport, on_event=journal) as sensor:
        asyncio.get_running_loop().call_later(5.0, radio.silence, scale.name)
        asyncio.get_running_loop().call_later(30.0, radio.unsilence, scale.name)
        block = await follow(sensor, 60.0)
    assert "out of range" in journal.troubles
    assert np.flatnonzero(block.gap_before).size == 1
    assert np.diff(block.time_s).max() == pytest.approx(25.0, abs=5.0)


async def test_a_scale_set_to_pounds_says_what_to_press(
    radio: VirtualRadio, transport: Transport, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_kilograms = whc06.encode_advertisement

    def pounds(reading: whc06.Reading) -> bytes:
        return in_kilograms(reading)[:14] + b"\x02"

    scale = ScaleTwin(radio, ramp(rate_hz=10.0))
    async with scale, open_sensor(scale.address, transport=transport, on_event=journal) as sensor:
        with monkeypatch.context() as changed:
            changed.setattr(whc06, "encode_advertisement", pounds)
            await sensor.start()
            await asyncio.sleep(20.0)
            told = {event.message for event in journal.events if event.reason}
            assert sensor.statistics.malformed > 10
        before = sensor.statistics.samples
        await asyncio.sleep(10.0)
        assert sensor.statistics.samples > before
        assert sensor.state is LinkState.STREAMING
    assert told == {"the scale shows another unit than kilograms; press UNIT on it until it shows kg"}
    assert set(journal.troubles) == {"no answer"}


async def test_a_scale_needs_no_pairing(radio: VirtualRadio, transport: Transport) -> None:
    async with ScaleTwin(radio, ramp(rate_hz=10.0)) as scale:
        async with pair(scale.address, transport=transport) as sensor:
            assert sensor.information.driver == "whc06"
        (sighting,) = await discover(1.0, transport=transport)
        assert (sighting.battery_percent, sighting.pairing_open, sighting.connected) == (None, None, None)


def test_a_scale_set_to_pounds_gives_no_samples() -> None:
    decoder = driver_named("whc06").decoder()
    data = bytearray(whc06.encode_advertisement(whc06.Reading(10.0, False)))
    data[14] = 0x02
    assert decoder.feed(ADVERTISEMENT, bytes(data), 1.0) is None
    assert decoder.statistics.malformed == 1


# -- the register ------------------------------------------------------------------------------------


def test_who_recognises_what() -> None:
    def recognised(heard: AdvertisementData) -> list[str]:
        return [driver.name for driver in all_drivers() if driver.parse_advertisement(heard) is not None]

    scale = whc06.encode_advertisement(whc06.Reading(1.0, False))
    assert recognised(AdvertisementData("a", "Progressor_1234")) == ["progressor"]
    assert recognised(AdvertisementData("a", None, service_uuids=(progressor.SERVICE_UUID,))) == [
        "progressor"
    ]
    assert recognised(AdvertisementData("a", None, manufacturer_data={whc06.COMPANY_ID: scale})) == ["whc06"]
    assert (
        recognised(AdvertisementData("a", "other", manufacturer_data={whc06.COMPANY_ID: b"\x01\x02"})) == []
    )
    assert recognised(AdvertisementData("a", "bandsense-BA5E")) == []


class _Acme:
    name = "acme"
    title = "Acme band"


class _Entry:
    def __init__(self, value: object, error: Exception | None = None) -> None:
        self.name, self.value = "acme", "acme.driver:Driver"
        self._loaded, self._error = value, error

    def load(self) -> object:
        if self._error:
            raise self._error
        return self._loaded


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[_Entry]:
    found: list[_Entry] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    all_drivers.cache_clear()
    return found


@pytest.fixture(autouse=True)
def fresh_register() -> Iterator[None]:
    yield
    all_drivers.cache_clear()


def test_drivers_of_other_packages_are_found(entries: list[_Entry]) -> None:
    entries.append(_Entry(_Acme))
    assert driver_named("acme").title == "Acme band"
    assert [driver.name for driver in all_drivers()] == ["bandsense", "progressor", "whc06", "imds", "acme"]


def test_a_driver_that_fails_to_load_is_named(entries: list[_Entry]) -> None:
    entries.append(_Entry(None, ImportError("no module acme")))
    with pytest.raises(ConfigError, match=r"acme.*no module acme"):
        all_drivers()


def test_two_drivers_of_one_name_are_refused(entries: list[_Entry]) -> None:
    entries += [_Entry(_Acme), _Entry(_Acme())]
    with pytest.raises(ConfigError, match="two drivers are called acme"):
        all_drivers()


def test_an_unknown_driver_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="bandsense, progressor, whc06"):
        driver_named("nobody")
