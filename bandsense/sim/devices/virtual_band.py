"""A virtual band: a bandsense sensor on the virtual radio, complete by docs/protocol.md.

It takes what it feels from a `SampleSource` and keeps a log of every frame that it took, so that a test can
compare what arrived with what was sent. Everything that happens on it happens on the loop's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from bumble import att, core, gatt, hci, pairing, smp
from bumble.core import AdvertisingData
from bumble.device import AdvertisingType, Connection, Device
from bumble.keys import MemoryKeyStore, PairingKeys

from bandsense.errors import FrameError
from bandsense.samples import KGF_N
from bandsense.sim.devices.framer import Framer, Sample
from bandsense.sim.devices.player import Player
from bandsense.sim.devices.progressor import ProgressorService
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.gatt import characteristic, constant, is_subscribed, notify
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import (
    Answer,
    CalibrationPiece,
    Counters,
    Crash,
    Result,
    SelfTestResult,
    Started,
    Stopped,
    Supply,
    TimeMarked,
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    ATT_CCC_IMPROPERLY_CONFIGURED,
    ATT_INVALID_LENGTH,
    ATT_PROCEDURE_IN_PROGRESS,
    CALIBRATION_SIZE,
    COUNT_MAX,
    COUNT_MIN,
    RATES_HZ,
    CrashKind,
    Features,
    Options,
    ResetCause,
    SelfTestBits,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.information import Information, serial_text
from bandsense.wire.bandsense.measurement import MeasurementFrame, samples_per_frame
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    Request,
    RequestRefused,
    SelfTest,
    SetLabel,
    SetOptions,
    Sleep,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    decode_request,
    encode_request,
)
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CONTROL_UUID,
    DEVICE_INFORMATION_SERVICE_UUID,
    FIRMWARE_REVISION_UUID,
    HARDWARE_REVISION_UUID,
    INFORMATION_UUID,
    MANUFACTURER_NAME,
    MANUFACTURER_UUID,
    MEASUREMENT_UUID,
    MODEL_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
    SMP_CHARACTERISTIC_UUID,
    SMP_SERVICE_UUID,
)

if TYPE_CHECKING:
    from bandsense.sim.devices.smp import FirmwareSlots, SmpServer

__all__ = ["Bonds", "Fault", "Hardware", "Memory", "SentFrame", "Step", "VirtualBand"]

PAIRING_WINDOW_S = 60.0
MAX_BONDS = 4
LOW_BATTERY_PERCENT = 10
FACTORY_TEMPERATURE_C = 23.5
"""At which the zero of a sensor is the one that its source states."""
FLUSH_AFTER_US = 40_000
"""A frame that does not fill is sent by then, so that no sample is later than 60 ms on the air."""

RESTART_AFTER_S = 0.2
_CLOCK_TURN_US = 2**32
_US = 1e6
_FAST_ADVERTISING_MS = 100.0
_STREAMING_INTERVAL_MS = (15.0, 30.0)
_STREAMING_TIMEOUT_MS = 4000.0
_PARAMETERS_TIMEOUT_S = 5.0
_RECORD_VERSION = 1
_PROGRESSOR_RATE_HZ = 80

_P = gatt.Characteristic.Properties
_READABLE = gatt.Characteristic.READABLE
_WRITEABLE = gatt.Characteristic.WRITEABLE


class Step(Enum):
    """What a sensor sees of a client that sets up a stream, in the usual order."""

    CONNECTED = "connected"
    MTU = "MTU exchanged"
    DISCOVERY = "services asked for"
    ENCRYPTED = "encrypted"
    INFORMATION = "information read"
    CONTROL_SUBSCRIBED = "control point subscribed"
    MEASUREMENT_SUBSCRIBED = "measurement subscribed"
    REQUEST = "request written"
    ANSWERED = "request answered"
    FIRST_FRAME = "first frame sent"


class Fault:
    """What goes wrong in a sensor and on its way to the host; this one: nothing. Override what should."""

    max_mtu: int | None = None
    """The largest ATT MTU that the sensor accepts."""

    def hardware(self, hardware: Hardware) -> Hardware:
        """The sensor that is really there."""
        return hardware

    def source(self, source: SampleSource) -> SampleSource:
        """What it really feels."""
        return source

    def powered(self, band: VirtualBand) -> None:
        """It was switched on, and is about to advertise."""

    def offers(self, service_uuid: str) -> bool:
        """Whether it has this service."""
        return True

    def information(self, data: bytes) -> bytes:
        """What is read from *information*."""
        return data

    def request(self, data: bytes) -> None:
        """A request was written. May raise `att.ATT_Error` to refuse the write."""

    def answer(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """What becomes of an answer of the control point: delays in seconds, and bytes."""
        return ((0.0, data),)

    def frame(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """What becomes of a measurement notification: delays in seconds and bytes, any number of times."""
        return ((0.0, data),)

    def step(self, band: VirtualBand, step: Step) -> None:
        """The client got as far as this."""

    async def script(self, band: VirtualBand) -> None:
        """What happens to the sensor from its first frame on; runs once."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a reset does not change.

    Attributes:
        passkey: six digits on the label of a sensor that asks for them; None for *Just Works*.
        clock_start_us: device clock at power-on; other than 0 to meet its wrap soon.
        first_sequence: number of the first sample; other than 0 to meet its wrap soon.
        clock_ppm: how much faster than true the device clock runs, parts per million.
        counts_per_kelvin: how its zero follows its temperature.
    """

    serial: int = 0x5E45_0000_0000_BA5E
    model: str = "virtual band"
    hardware_revision: str = "simulated"
    firmware_revision: str = "1.0.0"
    gain: int = 128
    rates_hz: tuple[int, ...] = RATES_HZ
    features: Features = Features.PROGRESSOR | Features.TEMPERATURE
    highest_count: int = COUNT_MAX
    lowest_count: int = COUNT_MIN
    passkey: int | None = None
    clock_start_us: int = 0
    first_sequence: int = 0
    clock_ppm: float = 0.0
    counts_per_kelvin: float = 0.0


class Bonds(MemoryKeyStore):
    """Keys of at most four centrals; a fifth replaces the one used longest ago."""

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Keep the keys of a new or renewed bond."""
        self.all_keys.pop(name, None)
        while len(self.all_keys) >= MAX_BONDS:
            del self.all_keys[next(iter(self.all_keys))]
        self.all_keys[name] = keys

    def use(self, name: str) -> None:
        """This bond was used just now."""
        if name in self.all_keys:
            self.all_keys[name] = self.all_keys.pop(name)


@dataclass
class Memory:
    """What a sensor keeps over resets.

    Attributes:
        factory_new: it was not booted since it was made, or since its factory reset.
    """

    calibration: bytes = b""
    label: str = ""
    options: Options = Options.NONE
    boot_number: int = 0
    bonds: Bonds = field(default_factory=Bonds)
    firmware: FirmwareSlots | None = None
    factory_new: bool = True


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame of the sensor's own log.

    Attributes:
        frame: as taken, before anything went wrong with it.
        boot: how manieth boot it was taken in; sequence and clock begin anew at every boot. This is the true
            count, whatever a sensor that failed to count a reset says.
        at_s: loop time at which it was handed to the radio.
        on_air: pieces of it that were handed to the radio, as bytes; empty where no one listened.
    """

    frame: MeasurementFrame
    boot: int
    at_s: float
    on_air: tuple[bytes, ...]


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


class VirtualBand:
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
        self._boot_s = 0.0
        self._pairing_until_s = 0.0
        self._cause = cause
        self._framer = Framer(self.hardware.first_sequence)
        self._framer.low_battery = self.battery_percent <= LOW_BATTERY_PERCENT
        self._rate_hz: int | None = None
        self._progressor: ProgressorService | None = None
        self._smp: SmpServer | None = None
        self._for_progressor = False
        self._progressor_start_us = 0
        self._tare_kgf = 0.0
        self._tare_due = False
        self._last_kgf = 0.0
        self._connection: Connection | None = None
        self._answering = False
        self._calibration_pieces = bytearray()
        self._forget_at_end: list[str] = []
        self._overruns = 0
        self._dropped = 0
        self._self_test: SelfTestResult | None = None
        self._frames_this_stream = 0
        self._stream: asyncio.Task[None] | None = None
        self._advertising_changed = asyncio.Event()

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
        self._boot_s = self._now_s()
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
            self._open_pairing(PAIRING_WINDOW_S)
        self.fault.powered(self)
        self._run(self._keep_advertising(device))
        self._advertising_changed.set()

    async def power_off(self) -> None:
        """Cut the power; what it keeps over resets is kept."""
        device, self.device = self.device, None
        if device is None:
            return
        self._rate_hz = None
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
        self._open_pairing(PAIRING_WINDOW_S)

    def close_pairing(self) -> None:
        """Let the pairing window end now."""
        self._open_pairing(0.0)

    async def factory_reset(self) -> None:
        """What holding the button for 10 s does: bonds, label and options are gone; the window opens."""
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
        self._framer.low_battery = percent <= LOW_BATTERY_PERCENT
        self._advertising_changed.set()
        if self.device is not None:
            self._run(self.device.notify_subscribers(self._battery, bytes([percent])))

    async def empty_battery(self) -> None:
        """Let the battery run empty: it says so where the profile allows, and switches off."""
        self.set_battery(0)
        if self._connection is not None:
            self._notify_progressor(self._connection, progressor.encode_low_power())
        await asyncio.sleep(0)
        await self.power_off()

    @property
    def pairing_open(self) -> bool:
        """Whether a pairing request would be accepted now."""
        return self._now_s() < self._pairing_until_s

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return self._connection is not None

    @property
    def streaming(self) -> bool:
        """Whether it samples."""
        return self._rate_hz is not None

    @property
    def identifying(self) -> bool:
        """Whether it blinks."""
        return self._now_s() < self.identifying_until_s

    @property
    def notifications_dropped(self) -> int:
        """Frames that no one could be told of, since boot."""
        return self._dropped

    def drop_connection(self, reason: int = hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR) -> None:
        """Close the link from the sensor's side."""
        if self._connection is not None:
            self._run(self._disconnect(self._connection, reason))

    def sent_samples(self) -> list[tuple[int, int, int]]:
        """The log sample by sample: boot, device time in µs since that boot (unwrapped), count."""
        samples = []
        boot, last_us = -1, 0
        for entry in self.log:
            if entry.boot != boot:
                boot, last_us = entry.boot, entry.frame.time_us
            start_us = last_us + (entry.frame.time_us - last_us) % _CLOCK_TURN_US
            last_us = start_us
            for offset_us, count in zip(entry.frame.offsets_us, entry.frame.counts, strict=True):
                samples.append((boot, start_us + offset_us, count))
        return samples

    # -- clock -------------------------------------------------------------------------------------------

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _device_us(self, at_s: float) -> int:
        """The device clock at a loop time, not wrapped."""
        rate = 1.0 + self.hardware.clock_ppm * 1e-6
        return self.hardware.clock_start_us + round((at_s - self._boot_s) * _US * rate)

    def _clock_us(self) -> int:
        return self._device_us(self._now_s()) % _CLOCK_TURN_US

    # -- GATT --------------------------------------------------------------------------------------------

    def _add_services(self, device: Device) -> None:
        hardware = self.hardware
        self._measurement = characteristic(MEASUREMENT_UUID, _P.NOTIFY)
        self._control = characteristic(CONTROL_UUID, _P.WRITE | _P.INDICATE, write=self._on_request)
        information = characteristic(INFORMATION_UUID, _P.READ, read=self._on_information_read)
        self._battery = characteristic(
            BATTERY_LEVEL_UUID, _P.READ | _P.NOTIFY, read=lambda _: bytes([self.battery_percent])
        )
        for subscribed, step in (
            (self._measurement, Step.MEASUREMENT_SUBSCRIBED),
            (self._control, Step.CONTROL_SUBSCRIBED),
        ):
            subscribed.descriptors = [self._encrypted_subscription(device, subscribed, step)]
        services = [
            (SERVICE_UUID, [self._measurement, self._control, information]),
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
            self._progressor = ProgressorService(self._on_progressor_command)
            device.add_service(self._progressor)
        self._show_name(device)

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
        self._require_encryption(connection)
        answer = self._smp.receive(piece) if self._smp else None
        room = connection.att_mtu - 3
        for at in range(0, len(answer or b""), room):
            notify(self._device(), connection, value, (answer or b"")[at : at + room])

    def _restart_soon(self) -> None:
        """Restart once the answer is on its way."""

        async def restart() -> None:
            await asyncio.sleep(RESTART_AFTER_S)
            await self.reboot(ResetCause.FIRMWARE_UPDATE)

        self._restarting = asyncio.get_running_loop().create_task(restart())

    def _encrypted_subscription(
        self, device: Device, subscribed: gatt.Characteristic[Any], step: Step | None
    ) -> gatt.Descriptor:
        """A client characteristic configuration that cannot be written in clear."""
        server = device.gatt_server

        def write(bearer: att.Bearer, value: bytes) -> None:
            self._require_encryption(cast(Connection, bearer))
            server.write_cccd(bearer, subscribed, value)
            if step is not None and any(value):
                self._reached(step)

        return gatt.Descriptor(
            gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
            _READABLE | _WRITEABLE,
            att.AttributeValueV2(lambda bearer: server.read_cccd(bearer, subscribed), write),
        )

    def _show_name(self, device: Device) -> None:
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
                self._reached(step)

        server.on_gatt_pdu = on_gatt_pdu  # type: ignore[method-assign, assignment]

    def _on_information_read(self, _connection: Connection) -> bytes:
        self._reached(Step.INFORMATION)
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

    def _require_encryption(self, connection: Connection) -> None:
        if connection.is_encrypted:
            return
        bonded = str(connection.peer_address) in self.memory.bonds.all_keys
        raise att.ATT_Error(
            att.ErrorCode.INSUFFICIENT_ENCRYPTION if bonded else att.ErrorCode.INSUFFICIENT_AUTHENTICATION
        )

    # -- connection, security, advertising ---------------------------------------------------------------

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._on_encrypted(connection))
        connection.on(connection.EVENT_PAIRING, lambda _keys: self._open_pairing(0.0))
        self._advertising_changed.set()
        self._reached(Step.CONNECTED)

    def _on_encrypted(self, connection: Connection) -> None:
        self.memory.bonds.use(str(connection.peer_address))
        if self.memory.firmware is not None:
            self.memory.firmware.confirm()
        self._reached(Step.ENCRYPTED)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._answering = False
        if self._smp is not None:
            self._smp.disconnected()
        self._end_stream()
        for name in self._forget_at_end:
            self.memory.bonds.all_keys.pop(name, None)
        self._forget_at_end.clear()
        self._advertising_changed.set()

    def _pairing_config(self, _connection: Connection) -> pairing.PairingConfig:
        return pairing.PairingConfig(
            sc=True,
            mitm=self.hardware.passkey is not None,
            bonding=True,
            delegate=_Window(lambda: self.pairing_open, self.hardware.passkey),
        )

    def _open_pairing(self, seconds: float) -> None:
        self._pairing_until_s = self._now_s() + seconds
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
        """The service that programs look for, and the beginning of the name (section 8)."""
        if self._progressor is not None:
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

    async def _disconnect(self, connection: Connection, reason: int) -> None:
        with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
            await connection.disconnect(reason)

    # -- control point -----------------------------------------------------------------------------------

    def _on_request(self, connection: Connection, data: bytes) -> None:
        self._require_encryption(connection)
        subscription = (
            self._device().gatt_server.subscribers.get(connection, {}).get(self._control.handle, b"\0\0")
        )
        if not subscription[0] & 0x02:
            raise att.ATT_Error(ATT_CCC_IMPROPERLY_CONFIGURED)
        if self._answering:
            raise att.ATT_Error(ATT_PROCEDURE_IN_PROGRESS)
        self.fault.request(data)
        request: Request | None = None
        try:
            request_id, request = decode_request(data)
            answer = self._obey(connection, request_id, request)
        except RequestRefused as refused:
            if refused.status is None:
                raise att.ATT_Error(ATT_INVALID_LENGTH) from None
            answer = Answer(refused.request_id, refused.opcode, refused.status)
        self._answering = True
        self._run(self._answer(connection, request, answer.encode()))
        self._reached(Step.REQUEST)

    async def _answer(self, connection: Connection, request: Request | None, data: bytes) -> None:
        try:
            for delay_s, piece in self.fault.answer(data):
                await asyncio.sleep(delay_s)
                await self._device().indicate_subscriber(connection, self._control, piece)
        except TimeoutError:
            return
        finally:
            self._answering = False
        self._reached(Step.ANSWERED)
        if isinstance(request, Sleep):
            await self._sleep(connection)

    async def _sleep(self, connection: Connection) -> None:
        """Close the link, then switch off."""
        await self._disconnect(connection, hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
        self._falling_asleep = asyncio.get_running_loop().create_task(self.power_off())

    def _obey(self, connection: Connection, request_id: int, request: Request) -> Answer:
        opcode = encode_request(request_id, request)[1]
        try:
            return Answer(request_id, opcode, Status.SUCCESS, self._result(connection, request))
        except _Refused as refused:
            return Answer(request_id, opcode, refused.status)

    def _result(self, connection: Connection, request: Request) -> Result | None:
        match request:
            case Start(rate_hz):
                return self._start(rate_hz)
            case Stop():
                self._take_samples()
                self._end_stream()
                return Stopped(self._clock_us(), self._next_sequence())
            case Identify(seconds):
                self.identifying_until_s = self._now_s() + seconds
            case Sleep():
                pass
            case SetLabel(label):
                self._require_no_stream()
                self.memory.label = label
                self._show_name(self._device())
            case ReadStatistics(page):
                return self._statistics(page)
            case ReadCalibration(offset):
                return self._calibration_piece(offset, connection.att_mtu)
            case WriteCalibration(_, offset, data):
                self._write_calibration(offset, data)
            case OpenPairing(seconds):
                self._open_pairing(seconds)
            case ForgetBonds(everyone):
                self._forget_at_end = (
                    list(self.memory.bonds.all_keys) if everyone else [str(connection.peer_address)]
                )
            case TimeMark():
                self._take_samples()
                return TimeMarked(self._clock_us(), self._next_sequence(), self.memory.boot_number)
            case SelfTest():
                self._run_self_test()
            case SetOptions(options):
                self._require_no_stream()
                self.memory.options = options
        return None

    def _start(self, rate_hz: int) -> Started:
        if rate_hz not in self.hardware.rates_hz:
            raise _Refused(Status.OUT_OF_RANGE)
        if self._for_progressor:
            raise _Refused(Status.WRONG_STATE)
        if self._rate_hz != rate_hz:
            self._take_samples()
            self._end_stream()
            self._begin_stream(rate_hz)
        self._take_samples()
        return Started(rate_hz, self._clock_us(), self._next_sequence(), self.memory.boot_number)

    def _statistics(self, page: StatisticsPage) -> Result:
        match page:
            case StatisticsPage.COUNTERS:
                uptime_s = int(self._now_s() - self._boot_s)
                return Counters(uptime_s, self._overruns, self._dropped, self.memory.boot_number, self._cause)
            case StatisticsPage.SELF_TEST:
                not_run = SelfTestResult(SelfTestBits.NOT_RUN, 0.0, 0, 0, self.battery_mv)
                return self._self_test or not_run
            case StatisticsPage.CRASH:
                return Crash(CrashKind.NONE, 0, 0, 0)
            case StatisticsPage.SUPPLY:
                return Supply(self.battery_mv, False, False, True, self._told_temperature_c())

    def _require_no_stream(self) -> None:
        if self.streaming:
            raise _Refused(Status.WRONG_STATE)

    def _run_self_test(self) -> None:
        self._require_no_stream()
        self._self_test = SelfTestResult(
            SelfTestBits.PASSED,
            noise_counts_rms=120.0,
            offset_counts=self.player.source.zero_count + self._zero_moved(),
            excitation_mv=3000,
            battery_mv=self.battery_mv,
            temperature_c=self._told_temperature_c(),
        )

    def _told_temperature_c(self) -> float | None:
        return self.temperature_c if Features.TEMPERATURE in self.hardware.features else None

    def _zero_moved(self) -> int:
        """Counts by which its temperature moves its zero."""
        return round(self.hardware.counts_per_kelvin * (self.temperature_c - FACTORY_TEMPERATURE_C))

    def _calibration_piece(self, offset: int, att_mtu: int) -> CalibrationPiece:
        record = self.memory.calibration
        if offset > len(record):
            raise _Refused(Status.OUT_OF_RANGE)
        room = att_mtu - 3 - 5
        return CalibrationPiece(len(record), offset, record[offset : offset + room])

    def _write_calibration(self, offset: int, data: bytes) -> None:
        self._require_no_stream()
        if offset == 0:
            self._calibration_pieces.clear()
        if offset != len(self._calibration_pieces):
            self._calibration_pieces.clear()
            raise _Refused(Status.OUT_OF_RANGE)
        self._calibration_pieces += data
        if len(self._calibration_pieces) < CALIBRATION_SIZE:
            return
        record = bytes(self._calibration_pieces)
        self._calibration_pieces.clear()
        self.memory.calibration = _checked(record)

    # -- streaming ---------------------------------------------------------------------------------------

    def _next_sequence(self) -> int:
        return self._framer.sequence % 2**16

    def _samples_per_frame(self) -> int:
        mtu = self._connection.att_mtu if self._connection else att.ATT_DEFAULT_MTU
        own = samples_per_frame(self._rate_hz or RATES_HZ[0], mtu)
        return min(own, (mtu - 5) // 8) if self._for_progressor else own

    def _begin_stream(self, rate_hz: int) -> None:
        self.player.begin(rate_hz)
        self._rate_hz = rate_hz
        self._frames_this_stream = 0
        self._stream = self._run(self._keep_streaming())
        self._advertising_changed.set()
        if self._connection is not None:
            self._run(self._ask_for_interval(self._connection))

    async def _ask_for_interval(self, connection: Connection) -> None:
        """Ask for the connection parameters of section 8; the central may refuse, or be gone."""
        low_ms, high_ms = _STREAMING_INTERVAL_MS
        try:
            async with asyncio.timeout(_PARAMETERS_TIMEOUT_S):
                await connection.update_parameters(low_ms, high_ms, 0, _STREAMING_TIMEOUT_MS, use_l2cap=True)
        except (core.BaseBumbleError, TimeoutError):
            # Bumble would wait for the lost answer for ever, and refuse to ask again.
            connection.device.l2cap_channel_manager.connection_parameters_update_response = None

    def _take_samples(self) -> None:
        """Move what has been felt by now into frames, and send those that are complete."""
        if not self.streaming or self.player.epoch_s is None:
            return
        per_frame = self._samples_per_frame()
        epoch_us = self._device_us(self.player.epoch_s)
        rate = 1.0 + self.hardware.clock_ppm * 1e-6
        frames = []
        for felt in self.player.due():
            self._overruns += felt.missed_before
            device_us = epoch_us + round(felt.source_us * rate)
            count = min(max(felt.count + self._zero_moved(), COUNT_MIN), COUNT_MAX)
            sample = Sample(device_us, count, felt.saturated, felt.missed_before)
            frames += self._framer.push(sample, per_frame)
        if (waited_us := self._waited_us()) is not None and waited_us >= FLUSH_AFTER_US:
            frames += self._framer.flush()
        for frame in frames:
            self._send(frame)

    async def _keep_streaming(self) -> None:
        while self.player.look_ahead(missing := self._samples_per_frame() - self._framer.pending):
            ahead = self.player.ahead
            ready_us: float = ahead[min(missing, len(ahead)) - 1].source_us
            if (waited_us := self._waited_us()) is not None:
                ready_us = min(ready_us, self._source_us() + FLUSH_AFTER_US - waited_us)
            await self.player.until(ready_us)
            self._take_samples()
        for frame in self._framer.flush():
            self._send(frame)
        self.finished.set()

    def _source_us(self) -> float:
        return (self._now_s() - (self.player.epoch_s or 0.0)) * _US

    def _waited_us(self) -> int | None:
        """How long the oldest sample of the frame under way has waited."""
        oldest_us = self._framer.oldest_us
        return None if oldest_us is None else self._device_us(self._now_s()) - oldest_us

    def _end_stream(self) -> None:
        """Stop sampling; what is left of a frame goes out if there is still someone to hear it."""
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        for frame in self._framer.interrupt():
            self._send(frame)
        self._for_progressor = False
        if self._rate_hz is not None:
            self._rate_hz = None
            self.player.ahead.clear()
            self._advertising_changed.set()

    def _send(self, frame: MeasurementFrame) -> None:
        on_air = self._transmit(frame)
        if not on_air:
            self._dropped += 1
        if self._keep_log:
            self.log.append(SentFrame(frame, self._boots, self._now_s(), on_air))
        self._frames_this_stream += 1
        if self._frames_this_stream == 1:
            self._reached(Step.FIRST_FRAME)
            if self._script is None:
                self._script = asyncio.get_running_loop().create_task(self.fault.script(self))

    def _transmit(self, frame: MeasurementFrame) -> tuple[bytes, ...]:
        """Hand a frame to the radio, with whatever goes wrong; give what went out."""
        connection, device = self._connection, self.device
        if connection is None or device is None:
            return ()
        if self._for_progressor and self._progressor is not None:
            data = self._weights(frame)
            return (data,) if self._progressor.notify(device, connection, data) else ()
        if not is_subscribed(device, connection, self._measurement):
            return ()
        pieces = tuple(self.fault.frame(frame.encode()))
        for delay_s, data in pieces:
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._notify, connection, data)
            else:
                self._notify(connection, data)
        return tuple(data for _, data in pieces)

    def _notify(self, connection: Connection, data: bytes) -> None:
        if connection is self._connection:
            notify(self._device(), connection, self._measurement, data)

    # -- Progressor-compatible service (section 10) ------------------------------------------------------

    def _on_progressor_command(self, connection: Connection, opcode: int) -> None:
        """Obey what is listed in section 10, and nothing else."""
        match opcode:
            case progressor.Command.TARE if self._for_progressor:
                self._tare_kgf += self._last_kgf
            case progressor.Command.TARE if not self.streaming:
                # What it feels stands still until the next stream: that begins with what is weighed now.
                self._tare_due = True
            case progressor.Command.START if not self.streaming:
                self._progressor_start_us = self._clock_us()
                self._for_progressor = True
                self._begin_stream(_PROGRESSOR_RATE_HZ)
            case progressor.Command.STOP if self._for_progressor:
                self._end_stream()
            case progressor.Command.SLEEP:
                self._run(self._sleep(connection))
            case _ if (payload := self._progressor_answer(opcode)) is not None:
                self._notify_progressor(connection, progressor.encode_response(payload))

    def _progressor_answer(self, opcode: int) -> bytes | None:
        match opcode:
            case progressor.Command.VERSION:
                return self.hardware.firmware_revision.encode()
            case progressor.Command.BATTERY:
                return self.battery_mv.to_bytes(4, "little")
            case progressor.Command.ID:
                return self.hardware.serial.to_bytes(8, "little").rstrip(b"\0")
            case progressor.Command.ERROR_INFORMATION | progressor.Command.CLEAR_ERROR:
                return b""
            case _:
                return None

    def _notify_progressor(self, connection: Connection, data: bytes) -> None:
        if self._progressor is not None and self.device is not None:
            self._progressor.notify(self.device, connection, data)

    def _weights(self, frame: MeasurementFrame) -> bytes:
        record = CalibrationRecord.decode(self.memory.calibration)
        excess = [count - record.zero_counts for count in frame.counts]
        tension_n = [record.newton_per_count * x + record.newton_per_count2 * x * x for x in excess]
        if self._tare_due:
            self._tare_kgf, self._tare_due = tension_n[0] / KGF_N, False
        weights_kgf = tuple(tension / KGF_N - self._tare_kgf for tension in tension_n)
        self._last_kgf = weights_kgf[-1]
        start_us = (frame.time_us - self._progressor_start_us) % _CLOCK_TURN_US
        return progressor.encode_weights(
            weights_kgf, tuple(start_us + offset_us for offset_us in frame.offsets_us)
        )

    # -- tasks -------------------------------------------------------------------------------------------

    def _device(self) -> Device:
        if self.device is None:
            raise RuntimeError("the band is switched off")
        return self.device

    def _reached(self, step: Step) -> None:
        self.fault.step(self, step)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background until the power is cut."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Refused(Exception):
    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


def _checked(record: bytes) -> bytes:
    """The record, if it is a calibration of version 1."""
    if zlib.crc32(record[:-4]) != int.from_bytes(record[-4:], "little"):
        raise _Refused(Status.CRC_MISMATCH)
    if record[0] != _RECORD_VERSION:
        raise _Refused(Status.UNSUPPORTED_VERSION)
    try:
        CalibrationRecord.decode(record)
    except FrameError:
        raise _Refused(Status.OUT_OF_RANGE) from None
    return record
