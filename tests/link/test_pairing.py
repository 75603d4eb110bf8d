"""Pairing, stale bonds, and looking after paired sensors."""

from __future__ import annotations

import asyncio

import pytest

from bandsense.errors import CommandError, LinkError, PairingError, SensorNotFound
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.scanner import discover
from bandsense.link.errors import StaleBond
from bandsense.link.pairing import (
    PairingStep,
    identify,
    inspect,
    offer_progressor,
    pair,
    rename,
    switch_off,
    unpair,
)
from bandsense.link.sensor import LinkState, open_sensor
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.radio.virtual_radio import Adapter, Agent, VirtualRadio
from bandsense.wire.bandsense.codes import Options, ResetCause
from tests.support.sensors import Journal, ramp, transport_of

NAME = "bandsense-BA5E"
WINDOW_S = 61.0


class Steps:
    def __init__(self) -> None:
        self.told: list[PairingStep] = []

    def __call__(self, step: PairingStep) -> None:
        self.told.append(step)


async def test_a_fresh_sensor_is_paired_and_blinks(band: VirtualBand, transport: Transport) -> None:
    steps = Steps()
    async with pair("BA5E", transport=transport, on_step=steps) as sensor:
        assert sensor.information.serial == "5e4500000000ba5e"
        await sensor.device.identify(5)
        assert band.identifying
    assert steps.told == [PairingStep.SEARCHING, PairingStep.BONDING, PairingStep.DONE]
    assert len(band.memory.bonds.all_keys) == 1


async def test_outside_the_window_the_button_is_asked_for(band: VirtualBand, transport: Transport) -> None:
    await asyncio.sleep(WINDOW_S)
    steps = Steps()
    asyncio.get_running_loop().call_later(10.0, band.press_button)
    async with pair(NAME, transport=transport, on_step=steps):
        pass
    assert PairingStep.WAITING_FOR_BUTTON in steps.told
    assert steps.told[-1] is PairingStep.DONE


async def test_without_the_button_the_error_says_so(band: VirtualBand, transport: Transport) -> None:
    await asyncio.sleep(WINDOW_S)
    with pytest.raises(PairingError, match="was not pressed within 20 s"):
        async with pair(NAME, transport=transport, button_s=20.0):
            pass


async def test_a_paired_sensor_is_left_as_it_is(band: VirtualBand, transport: Transport) -> None:
    async with pair(NAME, transport=transport):
        pass
    await asyncio.sleep(WINDOW_S)
    steps = Steps()
    async with pair(NAME, transport=transport, on_step=steps):
        pass
    assert steps.told == [PairingStep.SEARCHING, PairingStep.CONNECTING, PairingStep.DONE]


async def test_a_bond_that_the_sensor_forgot_is_mended(band: VirtualBand, transport: Transport) -> None:
    async with pair(NAME, transport=transport):
        pass
    await band.factory_reset()
    steps = Steps()
    async with pair(NAME, transport=transport, on_step=steps) as sensor:
        assert (await sensor.device.counters()).reset_cause is ResetCause.SOFTWARE
    assert PairingStep.MENDING in steps.told
    assert steps.told[-1] is PairingStep.DONE


async def test_a_stale_bond_is_mended_while_connecting(
    band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport):
        pass
    await band.factory_reset()
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        assert sensor.state is LinkState.CONNECTED
    assert journal.troubles == ["stale bond"]
    assert "pairing anew" in journal.events[2].message


async def test_a_stale_bond_with_the_window_closed_says_what_to_do(
    band: VirtualBand, transport: Transport
) -> None:
    async with open_sensor(NAME, transport=transport):
        pass
    await band.factory_reset()
    await asyncio.sleep(WINDOW_S)
    with pytest.raises(StaleBond, match="bandsense pair"):
        async with open_sensor(NAME, transport=transport):
            pass


async def test_a_bond_forgotten_here_asks_for_pairing(
    band: VirtualBand, adapter: Adapter, transport: Transport
) -> None:
    async with open_sensor(NAME, transport=transport):
        pass
    await adapter.bonds.delete(band.address)
    with pytest.raises(PairingError, match="press the sensor's button"):
        async with open_sensor(NAME, transport=transport):
            pass


async def test_a_computer_without_an_agent_is_told(
    band: VirtualBand, adapter: Adapter, transport: Transport
) -> None:
    adapter.agent = None
    with pytest.raises(PairingError):
        async with open_sensor(NAME, transport=transport):
            pass


async def test_a_wrong_passkey_is_refused_and_the_right_one_pairs(
    radio: VirtualRadio, adapter: Adapter, transport: Transport
) -> None:
    async with VirtualBand(radio, ramp(), hardware=Hardware(passkey=314159)):
        adapter.agent = Agent(1)
        with pytest.raises(PairingError):
            async with pair(NAME, transport=transport):
                pass
        adapter.agent = Agent(314159)
        async with pair(NAME, transport=transport) as sensor:
            assert sensor.information.serial


async def test_looking_after_a_paired_sensor(
    band: VirtualBand, adapter: Adapter, transport: Transport
) -> None:
    async with pair(NAME, transport=transport):
        pass
    report = await inspect(NAME, transport=transport, self_test=True)
    assert report.counters is not None
    assert report.counters.resets == 1
    assert report.self_test is not None
    assert report.self_test.passed
    await rename(NAME, "left", transport=transport)
    assert band.memory.label == "left"
    with pytest.raises(CommandError, match="at most 16 bytes"):
        await rename(band.address, "much too long a name", transport=transport)
    blinking = asyncio.create_task(identify(band.address, seconds=3, transport=transport))
    await asyncio.sleep(2.0)
    assert band.identifying
    await blinking
    assert await unpair(band.address, transport=transport) is True
    await asyncio.sleep(0.1)  # the sensor forgets when the link has ended
    assert not band.memory.bonds.all_keys
    assert await adapter.bonds.get(band.address) is None


async def test_apps_for_the_progressor_are_let_in_and_kept_out(
    radio: VirtualRadio, band: VirtualBand, transport: Transport
) -> None:
    async with pair(NAME, transport=transport):
        pass
    for on in (True, False):
        await offer_progressor("BA5E", on=on, transport=transport)
        assert (Options.PROGRESSOR in band.memory.options) is on
        await band.reboot()
        (sighting,) = await discover(1.0, transport=transport)
        assert (sighting.name, sighting.driver.name) == (NAME, "bandsense")
        assert sighting.device.name == ("Progressor_" if on else "bandsense")
    async with ProgressorTwin(radio, ramp()):
        with pytest.raises(CommandError, match="cannot offer itself"):
            await offer_progressor("Progressor_7125", on=True, transport=transport)


async def test_a_sensor_is_switched_off(radio: VirtualRadio, band: VirtualBand, transport: Transport) -> None:
    async with pair(NAME, transport=transport):
        pass
    await switch_off(NAME, transport=transport)
    await asyncio.sleep(1.0)
    assert not await discover(1.0, transport=transport)
    await band.power_on(ResetCause.WAKE_FROM_OFF)
    assert [sighting.name for sighting in await discover(1.0, transport=transport)] == [NAME]
    assert band.memory.boot_number == 2


async def test_a_sensor_that_forgot_first_is_forgotten_here(
    band: VirtualBand, adapter: Adapter, transport: Transport
) -> None:
    async with pair(NAME, transport=transport):
        pass
    await band.factory_reset()
    assert await unpair(NAME, transport=transport) is False
    assert await adapter.bonds.get(band.address) is None


async def test_a_sensor_that_is_not_there(transport: Transport) -> None:
    with pytest.raises(SensorNotFound, match="bandsense-0001"):
        await inspect("bandsense-0001", transport=transport)


async def test_a_sensor_without_bonds_needs_none(radio: VirtualRadio, transport: Transport) -> None:
    steps = Steps()
    async with ProgressorTwin(radio, ramp()):
        async with pair("Progressor_7125", transport=transport, on_step=steps) as sensor:
            assert sensor.information.firmware == "1.2.3.4"
        assert PairingStep.BONDING not in steps.told
        with pytest.raises(CommandError, match="cannot blink"):
            await identify("Progressor_7125", transport=transport)


async def test_two_computers_take_turns(radio: VirtualRadio, band: VirtualBand, transport: Transport) -> None:
    phone = transport_of(await radio.adapter("phone"))
    async with pair(NAME, transport=transport) as sensor:
        await sensor.device.open_pairing(60)
    async with pair(NAME, transport=phone), asyncio.timeout(120):
        with pytest.raises(LinkError):
            async with pair(NAME, transport=transport):
                pass
    assert len(band.memory.bonds.all_keys) == 2
