"""Every trouble recognised, and told in words that say what to do."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bleak_retry_connector import BleakNotFoundError

from bandsense.errors import (
    BluetoothOff,
    CommandError,
    ConnectionLost,
    FrameError,
    LinkError,
    PairingError,
    SensorBusy,
    SensorNotFound,
    SensorTimeout,
)
from bandsense.link import errors
from bandsense.link.ble import adapter as transport_module
from bandsense.link.ble.adapter import Transport
from bandsense.link.errors import (
    AttError,
    LinkErrorReason,
    SensorUnreachable,
    StaleBond,
    describe,
    link_error,
    reason_for,
)
from bandsense.link.sensor import LinkState, Sensor, open_sensor
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.radio.virtual_radio import Adapter, AdapterState, VirtualRadio
from bandsense.wire.decoder import BandsenseDecoder
from tests.support.sensors import Journal

NAME = "bandsense-BA5E"
Reason = BleakBluetoothNotAvailableReason


def unavailable(reason: Reason) -> BleakError:
    return BleakBluetoothNotAvailableError("no", reason)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected", "kind"),
    [
        (unavailable(Reason.POWERED_OFF), LinkErrorReason.BLUETOOTH_OFF, BluetoothOff),
        (unavailable(Reason.NO_BLUETOOTH), LinkErrorReason.ADAPTER_MISSING, BluetoothOff),
        (unavailable(Reason.NO_BLE_CENTRAL_ROLE), LinkErrorReason.ADAPTER_MISSING, BluetoothOff),
        (unavailable(Reason.DENIED_BY_USER), LinkErrorReason.NOT_PERMITTED, BluetoothOff),
        (unavailable(Reason.UNKNOWN), LinkErrorReason.BLUETOOTH_OFF, BluetoothOff),
        (BleakDBusError("org.bluez.Error.NotReady", []), LinkErrorReason.BLUETOOTH_OFF, BluetoothOff),
        (
            BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []),
            LinkErrorReason.SERVICE_DOWN,
            BluetoothOff,
        ),
        (
            BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []),
            LinkErrorReason.NOT_PERMITTED,
            BluetoothOff,
        ),
        (
            BleakDBusError("org.bluez.Error.AuthenticationFailed", []),
            LinkErrorReason.NOT_PAIRED,
            PairingError,
        ),
        (BleakDBusError("org.bluez.Error.Failed", ["x"]), LinkErrorReason.CONNECT_FAILED, LinkError),
        (FileNotFoundError("/run/dbus"), LinkErrorReason.SERVICE_DOWN, BluetoothOff),
        (EOFError(), LinkErrorReason.SERVICE_DOWN, BluetoothOff),
        (BrokenPipeError(), LinkErrorReason.SERVICE_DOWN, BluetoothOff),
        (PermissionError(), LinkErrorReason.NOT_PERMITTED, BluetoothOff),
        (BleakError("adapter 'hci0' not found"), LinkErrorReason.ADAPTER_MISSING, BluetoothOff),
        (BleakError("Not connected"), LinkErrorReason.LINK_LOST, ConnectionLost),
        (
            BleakError("failed to discover services, device disconnected"),
            LinkErrorReason.LINK_LOST,
            ConnectionLost,
        ),
        (BleakError("HCI error: PIN_OR_KEY_MISSING"), LinkErrorReason.STALE_BOND, StaleBond),
        (BleakDeviceNotFoundError("x"), LinkErrorReason.NOT_HEARD, SensorNotFound),
        (BleakNotFoundError("x"), LinkErrorReason.NOT_HEARD, SensorNotFound),
        (TimeoutError(), LinkErrorReason.NOT_HEARD, SensorNotFound),
        (BleakCharacteristicNotFoundError("x"), LinkErrorReason.MISUNDERSTOOD, LinkError),
        (
            BleakGATTProtocolError(BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION),
            LinkErrorReason.NOT_PAIRED,
            PairingError,
        ),
        (
            BleakGATTProtocolError(BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION),
            LinkErrorReason.NOT_PAIRED,
            PairingError,
        ),
        (
            BleakGATTProtocolError(BleakGATTProtocolErrorCode.UNLIKELY_ERROR),
            LinkErrorReason.REFUSED,
            AttError,
        ),
        (AttributeError("'NoneType' object"), LinkErrorReason.CONNECT_FAILED, LinkError),
        (caused(BleakError("after 4 attempts"), EOFError()), LinkErrorReason.SERVICE_DOWN, BluetoothOff),
        (caused(BleakError("after 4 attempts"), BleakError("x")), LinkErrorReason.CONNECT_FAILED, LinkError),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_bleak_reports_becomes_one_trouble(
    error: Exception, expected: LinkErrorReason, kind: type[LinkError]
) -> None:
    assert reason_for(error) is expected
    told = link_error(error, "connecting")
    assert type(told) is kind
    assert reason_for(caused(told, error)) is expected
    assert len(str(told)) > 30


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SensorBusy("x"), LinkErrorReason.BUSY),
        (SensorTimeout("x"), LinkErrorReason.NO_ANSWER),
        (CommandError("x"), LinkErrorReason.REFUSED),
        (FrameError("x"), LinkErrorReason.MISUNDERSTOOD),
        (StaleBond(), LinkErrorReason.STALE_BOND),
        (SensorUnreachable(LinkErrorReason.ASLEEP), LinkErrorReason.ASLEEP),
        (LinkError("x"), LinkErrorReason.OTHER),
    ],
)
def test_own_errors_become_troubles(error: Exception, expected: LinkErrorReason) -> None:
    assert reason_for(error) is expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_every_system_gets_its_own_advice(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors.sys, "platform", platform)
    assert len({describe(kind) for kind in LinkErrorReason}) == len(LinkErrorReason)
    assert "switch it on" in describe(LinkErrorReason.BLUETOOTH_OFF)
    assert "bandsense pair" in describe(LinkErrorReason.STALE_BOND)


# -- as it happens -------------------------------------------------------------------------------------


async def streaming(sensor: Sensor, duration_s: float) -> None:
    await sensor.start(80)
    await asyncio.sleep(duration_s)


async def test_a_sensor_out_of_range(
    radio: VirtualRadio, band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await streaming(sensor, 3.0)
        radio.silence("band")
        await asyncio.sleep(120.0)
        assert journal.troubles[0] == "link lost"
        assert set(journal.troubles[1:]) == {"out of range"}
        pauses = [event.retry_in_s for event in journal.events if event.state is LinkState.LOST]
        assert pauses[:6] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]
        radio.unsilence("band")
        await asyncio.sleep(40.0)
        assert sensor.state is LinkState.STREAMING


async def test_a_sensor_that_fell_asleep(band: VirtualBand, transport: Transport, journal: Journal) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal):
        await band.power_off()
        await asyncio.sleep(20.0)
    assert "asleep" in journal.troubles


async def test_an_empty_battery(band: VirtualBand, transport: Transport, journal: Journal) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await streaming(sensor, 3.0)
        band.set_battery(4)
        await asyncio.sleep(2.0)
        assert sensor.battery_percent == 4
        await band.power_off()
        await asyncio.sleep(20.0)
    assert "battery empty" in journal.troubles


async def test_a_bluetooth_service_that_is_restarted(
    band: VirtualBand, adapter: Adapter, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await streaming(sensor, 3.0)
        await adapter.switch_off(AdapterState.ABSENT)
        await asyncio.sleep(5.0)
        adapter.switch_on()
        await asyncio.sleep(20.0)
        assert sensor.state is LinkState.STREAMING
    assert "adapter missing" in journal.troubles


async def test_a_link_that_only_claims_to_stand(
    band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    async with open_sensor(NAME, transport=transport, on_event=journal) as sensor:
        await streaming(sensor, 3.0)
        band.fault.frame = lambda data: ()  # type: ignore[method-assign]
        await asyncio.sleep(7.0)
        del band.fault.frame
        await asyncio.sleep(20.0)
        assert sensor.state is LinkState.STREAMING
    assert journal.troubles == ["no answer"]
    assert "no sample came for" in next(e.message for e in journal.events if e.reason)


async def test_a_computer_that_was_asleep(
    radio: VirtualRadio, band: VirtualBand, adapter: Adapter, transport: Transport, journal: Journal
) -> None:
    slept_s = 0.0
    loop = asyncio.get_running_loop()
    awake = Transport(transport.client_backend, transport.scanner_backend, lambda: loop.time() + slept_s)
    async with open_sensor(NAME, transport=awake, on_event=journal) as sensor:
        await streaming(sensor, 3.4)
        slept_s = 600.0
        await asyncio.sleep(1.5)
        radio.lose_link("band")
        await asyncio.sleep(20.0)
        assert sensor.state is LinkState.STREAMING
    assert journal.troubles[0] == "computer suspended"


async def test_a_program_that_stood_still_reads_what_came_before_it_judges(
    band: VirtualBand, transport: Transport, journal: Journal
) -> None:
    """As on a machine under load, or after a short sleep over which the link held."""
    stood_s = 0.0
    loop = asyncio.get_running_loop()
    late = Transport(transport.client_backend, transport.scanner_backend, lambda: loop.time() + stood_s)
    async with open_sensor(NAME, transport=late, on_event=journal) as sensor:
        await streaming(sensor, 3.0)
        band.fault.frame = lambda data: ()  # type: ignore[method-assign]
        await asyncio.sleep(0.2)  # what is under way arrives
        stood_s = 30.0
        await asyncio.sleep(1.1)  # one heartbeat passes before the next frame
        del band.fault.frame
        await asyncio.sleep(20.0)
        assert sensor.state is LinkState.STREAMING
    assert journal.troubles == []


def test_the_host_clock_goes_on_while_the_computer_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {7: 100.0, 1: 200.0}
    monkeypatch.setattr(transport_module.time, "clock_gettime", clocks.__getitem__)
    monkeypatch.setattr(transport_module.time, "monotonic", lambda: 300.0)
    monkeypatch.setattr(transport_module.time, "CLOCK_BOOTTIME", 7, raising=False)
    monkeypatch.setattr(transport_module.time, "CLOCK_MONOTONIC", 1, raising=False)
    told = []
    for missing in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        told.append(transport_module.host_clock())
        monkeypatch.delattr(transport_module.time, missing)
    assert [*told, transport_module.host_clock()] == [100.0, 200.0, 300.0]


async def test_troubles_in_a_driver_end_the_stream_aloud(
    band: VirtualBand, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sensor(NAME, transport=transport) as sensor:

        async def broken(_sensor: Sensor) -> None:
            raise ZeroDivisionError("a mistake in a driver")

        async def read() -> None:
            async for _ in sensor.stream(80):
                band.drop_connection()

        monkeypatch.setattr(Sensor, "_follow", broken)
        with pytest.raises(LinkError, match="a mistake in a driver"):
            await read()


async def test_troubles_in_a_decoder_end_the_stream_aloud(
    band: VirtualBand, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake in a decoder")

    async with open_sensor(NAME, transport=transport) as sensor:

        async def read() -> None:
            async for _ in sensor.stream(80):
                monkeypatch.setattr(BandsenseDecoder, "feed", broken)

        with pytest.raises(LinkError, match="a mistake in a decoder"):
            await read()
