"""A virtual band: a bandsense sensor on the virtual radio, complete by docs/protocol.md.

It takes what it feels from a `SampleSource` and keeps a log of every frame that it took, so that a test can
compare what arrived with what was sent. Everything that happens on it happens on the loop's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from bumble import att, core, gatt, hci, pairing, smp
from bumble.core import AdvertisingData
from bumble.device import AdvertisingType, Connection, Device
from typing_extensions import override

from bandsense.sim.devices.body import Body
from bandsense.sim.devices.control_point import ControlPoint
from bandsense.sim.devices.player import Player
from bandsense.sim.devices.progressor import ProgressorService
from bandsense.sim.devices.progressor_mode import ProgressorMode
from bandsense.sim.devices.streamer import Streamer
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.gatt import characteristic, constant, notify
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    Features,
    Options,
    ResetCause,
)
from bandsense.wire.bandsense.information import Information, serial_text
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    DEVICE_INFORMATION_SERVICE_UUID,
    FIRMWARE_REVISION_UUID,
    HARDWARE_REVISION_UUID,
    INFORMATION_UUID,
    MANUFACTURER_NAME,
    MANUFACTURER_UUID,
    MODEL_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
    SMP_CHARACTERISTIC_UUID,
    SMP_SERVICE_UUID,
)

if TYPE_CHECKING:
    from bandsense.sim.devices.smp import SmpServer
from bandsense.sim.devices.hardware import (
    CLOCK_TURN_US,
    FACTORY_TEMPERATURE_C,
    LOW_BATTERY_PERCENT,
    MICROSECONDS,
    Fault,
    Hardware,
    Memory,
    SentFrame,
    Step,
)

__all__ = ["VirtualBand"]


PAIRING_WINDOW_S = 60.0


RESTART_AFTER_S = 0.2


_FAST_ADVERTISING_MS = 100.0


_P = gatt.Characteristic.Properties


_READABLE = gatt.Characteristic.READABLE


_WRITEABLE = gatt.Characteristic.WRITEABLE


class _ScOnly(smp.Session):
    """A pairing session that refuses legacy pairing, as section 8 demands."""

    def on_smp_pairing_request_command(self, command: smp.SMP_Pairing_Request_Command) -> None:
        if command.auth_req & smp.AuthReq.SC:
            super().on_smp_pairing_request_command(command)
        else:
            self.send_pairing_failed(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)


class _Window(pairing.PairingDelegate):
    """The sensor's side of pairing: only while the window is open, with the passkey from the label if any."""

    def __init__(self, is_open: Callable[[], bool], passkey: int | None) -> None:
        display = self.NO_OUTPUT_NO_INPUT if passkey is None else self.DISPLAY_OUTPUT_ONLY
        super().__init__(io_capability=display)
        self.is_open = is_open
        self.passkey = passkey

    async def accept(self) -> bool:
        return self.is_open()

    async def generate_passkey(self) -> int:
        return self.passkey or 0


class VirtualBand(Body):
    """A sensor that can be found, paired, streamed, configured, put out of range and reset.

    Use it as an async context manager, or call `power_on` and `power_off`.

    Args:
        radio: the air it is on.
        source: what it feels. The source runs from the first *start* on and does not wait for a client that
            is away: what would have been sampled meanwhile is passed over.
        name: its name on the radio; no one hears it.
        address: static random address.
        hardware: what a reset does not change.
        memory: what it remembers; with a factory calibration from the source where there is none.
        fault: what goes wrong.
        keep_log: whether `log` is kept; off for runs of hours.

    Attributes:
        log: every frame taken, in order.
        finished: set when the source has ended and its last frame is out.
        identifying_until_s: loop time until which it blinks after *identify*.
        temperature_c: how warm it is, °C; its zero follows, and its self test tells it if it has the feature.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        source: SampleSource,
        *,
        name: str = "band",
        address: str = "C0:BA:5E:00:BA:5E",
        hardware: Hardware | None = None,
        memory: Memory | None = None,
        fault: Fault | None = None,
        keep_log: bool = True,
    ) -> None:
        self.radio = radio
        self.player = Player(source if fault is None else fault.source(source))
        self.name = name
        self.address = address
        self.fault = fault or Fault()
        self.hardware = self.fault.hardware(hardware or Hardware())
        self.memory = memory or Memory()
        self.log: list[SentFrame] = []
        self.finished = asyncio.Event()
        self.identifying_until_s = 0.0
        self.battery_percent = 87
        self.battery_mv = 3950
        self.temperature_c = FACTORY_TEMPERATURE_C
        self.device: Device | None = None
        self._keep_log = keep_log
        self._tasks: set[asyncio.Task[Any]] = set()
        self._script: asyncio.Task[None] | None = None
        self._boots = 0
        if not self.memory.calibration:
            self.memory.calibration = CalibrationRecord(
                newton_per_count=source.newton_per_count, zero_counts=source.zero_count
            ).encode()
        self._forget_volatile(ResetCause.POWER_ON)

    def _forget_volatile(self, cause: ResetCause) -> None:
        self.boot_s = 0.0
        self.cause = cause
        self.connection: Connection | None = None
        self._pairing_until_s = 0.0
        self._smp: SmpServer | None = None
        self._advertising_changed = asyncio.Event()
        self.streamer = Streamer(self)
        self.streamer.framer.low_battery = self.battery_percent <= LOW_BATTERY_PERCENT
        self.control = ControlPoint(self, self.streamer)
        self.progressor = ProgressorMode(self, self.streamer)

    async def __aenter__(self) -> VirtualBand:
        await self.power_on()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._script is not None:
            self._script.cancel()
        await self.power_off()

    # -- what a person can do with it --------------------------------------------------------------------

    async def power_on(self, cause: ResetCause = ResetCause.POWER_ON) -> None:
        """Boot: clock and numbers begin anew, advertising begins; factory-new it opens its pairing window."""
        self._forget_volatile(cause)
        self._boots += 1
        self.memory.boot_number = (self.memory.boot_number + 1) % 2**16
        self.boot_s = self.now_s()
        device = await self.radio.add_device(self.name, address=self.address, keystore=self.memory.bonds)
        self.device = device
        if self.fault.max_mtu is not None:
            device.gatt_server.max_mtu = self.fault.max_mtu
        device.pairing_config_factory = self._pairing_config
        device.smp_session_proxy = _ScOnly
        device.on(device.EVENT_CONNECTION, self._on_connection)
        self._add_services(device)
        self._watch_requests(device)
        if self.memory.factory_new:
            self.memory.factory_new = False
            self.open_pairing(PAIRING_WINDOW_S)
        self.fault.powered(self)
        self.run(self._keep_advertising(device))
        self._advertising_changed.set()

    async def power_off(self) -> None:
        """Cut the power; what it keeps over resets is kept."""
        device, self.device = self.device, None
        if device is None:
            return
        self.streamer.rate_hz = None
        while tasks := self._tasks - {asyncio.current_task()}:
            # More than once: `asyncio.wait_for`, which Bumble uses, may swallow a cancellation.
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)
        await self.radio.remove_device(self.name)

    async def reboot(self, cause: ResetCause = ResetCause.SOFTWARE) -> None:
        """Reset it, as a crash or a watchdog does: the link is lost without a word."""
        await self.power_off()
        await self.power_on(cause)

    def press_button(self) -> None:
        """Open the pairing window for a minute."""
        self.open_pairing(PAIRING_WINDOW_S)

    def close_pairing(self) -> None:
        """Let the pairing window end now."""
        self.open_pairing(0.0)

    async def factory_reset(self) -> None:
        """Act as when the button is held for 10 s: forget bonds, label and options; open the window."""
        await self.power_off()
        await self.memory.bonds.delete_all()
        self.memory.label = ""
        self.memory.options = Options.NONE
        self.memory.factory_new = True
        await self.power_on(ResetCause.SOFTWARE)

    def set_battery(self, percent: int, millivolt: int | None = None) -> None:
        """Let the battery have this charge; subscribers and scanners are told."""
        self.battery_percent = percent
        self.battery_mv = 3300 + 9 * percent if millivolt is None else millivolt
        self.streamer.framer.low_battery = percent <= LOW_BATTERY_PERCENT
        self._advertising_changed.set()
        if self.device is not None:
            self.run(self.device.notify_subscribers(self._battery, bytes([percent])))

    async def empty_battery(self) -> None:
        """Let the battery run empty: it says so where the profile allows, and switches off."""
        self.set_battery(0)
        if self.connection is not None:
            self.progressor.notify(self.connection, progressor.encode_low_power())
        await asyncio.sleep(0)
        await self.power_off()

    @property
    def pairing_open(self) -> bool:
        """Whether a pairing request would be accepted now."""
        return self.now_s() < self._pairing_until_s

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return self.connection is not None

    @property
    def streaming(self) -> bool:
        """Whether it samples."""
        return self.streamer.streaming

    @property
    def identifying(self) -> bool:
        """Whether it blinks."""
        return self.now_s() < self.identifying_until_s

    @property
    def notifications_dropped(self) -> int:
        """Frames that no one could be told of, since boot."""
        return self.streamer.dropped

    def drop_connection(self, reason: int = hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR) -> None:
        """Close the link from the sensor's side."""
        if self.connection is not None:
            self.run(self.disconnect(self.connection, reason))

    def sent_samples(self) -> list[tuple[int, int, int]]:
        """Return the log sample by sample: boot, device time in µs since that boot (unwrapped), count."""
        samples = []
        boot, last_us = -1, 0
        for entry in self.log:
            if entry.boot != boot:
                boot, last_us = entry.boot, entry.frame.time_us
            start_us = last_us + (entry.frame.time_us - last_us) % CLOCK_TURN_US
            last_us = start_us
            for offset_us, count in zip(entry.frame.offsets_us, entry.frame.counts, strict=True):
                samples.append((boot, start_us + offset_us, count))
        return samples

    # -- clock -------------------------------------------------------------------------------------------

    @override
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def device_us(self, at_s: float) -> int:
        """Return the device clock at a loop time, not wrapped."""
        rate = 1.0 + self.hardware.clock_ppm * 1e-6
        return self.hardware.clock_start_us + round((at_s - self.boot_s) * MICROSECONDS * rate)

    @override
    def clock_us(self) -> int:
        return self.device_us(self.now_s()) % CLOCK_TURN_US

    # -- GATT --------------------------------------------------------------------------------------------

    def _add_services(self, device: Device) -> None:
        hardware = self.hardware
        information = characteristic(INFORMATION_UUID, _P.READ, read=self._on_information_read)
        self._battery = characteristic(
            BATTERY_LEVEL_UUID, _P.READ | _P.NOTIFY, read=lambda _: bytes([self.battery_percent])
        )
        for subscribed, step in (
            (self.streamer.measurement, Step.MEASUREMENT_SUBSCRIBED),
            (self.control.characteristic, Step.CONTROL_SUBSCRIBED),
        ):
            subscribed.descriptors = [self._encrypted_subscription(device, subscribed, step)]
        services = [
            (SERVICE_UUID, [self.streamer.measurement, self.control.characteristic, information]),
            (BATTERY_SERVICE_UUID, [self._battery]),
            (
                DEVICE_INFORMATION_SERVICE_UUID,
                [
                    constant(uuid, text.encode())
                    for uuid, text in (
                        (MANUFACTURER_UUID, MANUFACTURER_NAME),
                        (MODEL_UUID, hardware.model),
                        (SERIAL_UUID, serial_text(hardware.serial)),
                        (HARDWARE_REVISION_UUID, hardware.hardware_revision),
                        (FIRMWARE_REVISION_UUID, hardware.firmware_revision),
                    )
                ],
            ),
        ]
        for uuid, characteristics in services:
            if self.fault.offers(uuid):
                device.add_service(gatt.Service(uuid, characteristics))
        if Features.FIRMWARE_UPDATE in hardware.features:
            self._add_update_service(device)
        if Options.PROGRESSOR in self.memory.options:
            self.progressor.service = ProgressorService(self.progressor.on_command)
            device.add_service(self.progressor.service)
        self.show_name(device)

    def _add_update_service(self, device: Device) -> None:
        """Section 9. What it needs is installed with the extra for updates."""
        from bandsense.sim.devices.smp import FirmwareSlots, SmpServer

        slots = self.memory.firmware = self.memory.firmware or FirmwareSlots()
        slots.boot()
        self._smp = SmpServer(slots, self._restart_soon, lambda: self.battery_percent)
        value = characteristic(
            SMP_CHARACTERISTIC_UUID,
            _P.WRITE_WITHOUT_RESPONSE | _P.NOTIFY,
            write=lambda connection, piece: self._on_update_request(connection, value, piece),
        )
        value.descriptors = [self._encrypted_subscription(device, value, None)]
        device.add_service(gatt.Service(SMP_SERVICE_UUID, [value]))

    def _on_update_request(
        self, connection: Connection, value: gatt.Characteristic[bytes], piece: bytes
    ) -> None:
        self.require_encryption(connection)
        answer = self._smp.receive(piece) if self._smp else None
        room = connection.att_mtu - 3
        for at in range(0, len(answer or b""), room):
            notify(self.powered_device(), connection, value, (answer or b"")[at : at + room])

    def _restart_soon(self) -> None:
        """Restart once the answer is on its way."""

        async def restart() -> None:
            await asyncio.sleep(RESTART_AFTER_S)
            await self.reboot(ResetCause.FIRMWARE_UPDATE)

        self._restarting = asyncio.get_running_loop().create_task(restart())

    def _encrypted_subscription(
        self, device: Device, subscribed: gatt.Characteristic[Any], step: Step | None
    ) -> gatt.Descriptor:
        """Make a client characteristic configuration that cannot be written in clear."""
        server = device.gatt_server

        def write(bearer: att.Bearer, value: bytes) -> None:
            self.require_encryption(cast(Connection, bearer))
            server.write_cccd(bearer, subscribed, value)
            if step is not None and any(value):
                self.reached(step)

        return gatt.Descriptor(
            gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
            _READABLE | _WRITEABLE,
            att.AttributeValueV2(lambda bearer: server.read_cccd(bearer, subscribed), write),
        )

    @override
    def show_name(self, device: Device) -> None:
        found = device.gatt_server.get_characteristic_attributes(
            gatt.GATT_GENERIC_ACCESS_SERVICE, gatt.GATT_DEVICE_NAME_CHARACTERISTIC
        )
        if found is not None:
            found[1].value = self._information().name.encode()

    def _watch_requests(self, device: Device) -> None:
        """Report the steps of connection set-up that only the bare ATT requests show."""
        server = device.gatt_server
        handle = server.on_gatt_pdu
        steps = {
            att.Opcode.ATT_EXCHANGE_MTU_REQUEST: Step.MTU,
            att.Opcode.ATT_READ_BY_GROUP_TYPE_REQUEST: Step.DISCOVERY,
        }

        def on_gatt_pdu(bearer: Connection, pdu: att.ATT_PDU) -> None:
            handle(bearer, pdu)
            if (step := steps.get(att.Opcode(pdu.op_code))) is not None:
                self.reached(step)

        server.on_gatt_pdu = on_gatt_pdu  # type: ignore[method-assign, assignment]

    def _on_information_read(self, _connection: Connection) -> bytes:
        self.reached(Step.INFORMATION)
        return self.fault.information(self._information().encode())

    def _information(self) -> Information:
        hardware = self.hardware
        features = hardware.features | (Features.FIXED_PASSKEY if hardware.passkey is not None else 0)
        return Information(
            serial=hardware.serial,
            boot_number=self.memory.boot_number,
            gain=hardware.gain,
            rates_hz=hardware.rates_hz,
            features=features,
            full_scale_n=self.player.source.newton_per_count * 2**23,
            highest_count=hardware.highest_count,
            lowest_count=hardware.lowest_count,
            options=self.memory.options,
            label=self.memory.label,
        )

    @override
    def require_encryption(self, connection: Connection) -> None:
        if connection.is_encrypted:
            return
        bonded = str(connection.peer_address) in self.memory.bonds.all_keys
        raise att.ATT_Error(
            att.ErrorCode.INSUFFICIENT_ENCRYPTION if bonded else att.ErrorCode.INSUFFICIENT_AUTHENTICATION
        )

    # -- connection, security, advertising ---------------------------------------------------------------

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._on_encrypted(connection))
        connection.on(connection.EVENT_PAIRING, lambda _keys: self.open_pairing(0.0))
        self._advertising_changed.set()
        self.reached(Step.CONNECTED)

    def _on_encrypted(self, connection: Connection) -> None:
        self.memory.bonds.use(str(connection.peer_address))
        if self.memory.firmware is not None:
            self.memory.firmware.confirm()
        self.reached(Step.ENCRYPTED)

    def _on_disconnection(self, _reason: int) -> None:
        self.connection = None
        self.control.answering = False
        if self._smp is not None:
            self._smp.disconnected()
        self.streamer.end()
        for name in self.control.forget_at_end:
            self.memory.bonds.all_keys.pop(name, None)
        self.control.forget_at_end.clear()
        self._advertising_changed.set()

    def _pairing_config(self, _connection: Connection) -> pairing.PairingConfig:
        return pairing.PairingConfig(
            sc=True,
            mitm=self.hardware.passkey is not None,
            bonding=True,
            delegate=_Window(lambda: self.pairing_open, self.hardware.passkey),
        )

    @override
    def open_pairing(self, seconds: float) -> None:
        self._pairing_until_s = self.now_s() + seconds
        self._advertising_changed.set()
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._advertising_changed.set)

    async def _keep_advertising(self, device: Device) -> None:
        """Advertise what is true; not connectable while someone is connected."""
        while device is self.device:
            await self._advertising_changed.wait()
            self._advertising_changed.clear()
            await device.start_advertising(
                advertising_type=AdvertisingType.UNDIRECTED_SCANNABLE
                if self.connected
                else AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
                advertising_data=self._advertising_data(),
                scan_response_data=self._scan_response(),
                advertising_interval_min=_FAST_ADVERTISING_MS,
                advertising_interval_max=_FAST_ADVERTISING_MS,
            )

    def _scan_response(self) -> bytes:
        """Return the service that programs look for, and the beginning of the name (section 8)."""
        if self.progressor.service is not None:
            service_uuid, name = progressor.SERVICE_UUID, f"{progressor.NAME_PREFIX}_"
        else:
            service_uuid, name = SERVICE_UUID, "bandsense"
        return bytes(
            AdvertisingData(
                [
                    (
                        AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                        core.UUID(service_uuid).to_bytes(),
                    ),
                    (AdvertisingData.SHORTENED_LOCAL_NAME, name.encode()),
                ]
            )
        )

    def _advertising_data(self) -> bytes:
        service_data = Advertisement(
            battery_percent=self.battery_percent,
            pairing_open=self.pairing_open,
            connected=self.connected,
            streaming=self.streaming,
            low_battery=self.battery_percent <= LOW_BATTERY_PERCENT,
        ).encode()
        uuid = core.UUID(SERVICE_UUID).to_bytes()
        return bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, bytes([0x06])),
                    (AdvertisingData.SERVICE_DATA_128_BIT_UUID, uuid + service_data),
                ]
            )
        )

    async def disconnect(self, connection: Connection, reason: int) -> None:
        """Close the link, unless it is closed already."""
        with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
            await connection.disconnect(reason)

    async def sleep(self, connection: Connection) -> None:
        """Close the link, then switch off."""
        await self.disconnect(connection, hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
        self._falling_asleep = asyncio.get_running_loop().create_task(self.power_off())

    # -- for its parts -----------------------------------------------------------------------------------

    @override
    def zero_moved(self) -> int:
        return round(self.hardware.counts_per_kelvin * (self.temperature_c - FACTORY_TEMPERATURE_C))

    @override
    def status_changed(self) -> None:
        self._advertising_changed.set()

    @override
    def transmit_as_progressor(self, frame: MeasurementFrame) -> tuple[bytes, ...]:
        return self.progressor.transmit(frame)

    @override
    def sent(self, frame: MeasurementFrame, on_air: tuple[bytes, ...], *, first: bool) -> None:
        if self._keep_log:
            self.log.append(SentFrame(frame, self._boots, self.now_s(), on_air))
        if first:
            self.reached(Step.FIRST_FRAME)
            if self._script is None:
                self._script = asyncio.get_running_loop().create_task(self.fault.script(self))

    # -- tasks -------------------------------------------------------------------------------------------

    @override
    def powered_device(self) -> Device:
        if self.device is None:
            raise RuntimeError("the band is switched off")
        return self.device

    @override
    def reached(self, step: Step) -> None:
        self.fault.step(self, step)

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background until the power is cut."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
