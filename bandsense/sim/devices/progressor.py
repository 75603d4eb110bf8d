"""A simulated Tindeq Progressor, or one of its clones, with the habits that clients trip over.

Facts and their sources: `bandsense.wire.progressor`; the delivery of 15 samples and then none, and the clock
of 88.1 Hz, are from an export of the maker's app (Simon10937/Tindeq-Leaderboard, critical-force.csv).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from bumble import core, gatt
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from typing_extensions import override

from bandsense.samples import KGF_N
from bandsense.sim.devices.player import Felt, Player
from bandsense.sim.devices.powered import Powered
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.gatt import characteristic, is_subscribed, notify
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.progressor import Command

__all__ = ["ProgressorService", "ProgressorTwin", "WeightSample"]

GENUINE_RATE_HZ = 88.1
FIRST_STAMP_US = 54_000
_PERIOD = 16
_ADVERTISING_MS = 100.0
_LAST_WORDS_S = 0.1
_P = gatt.Characteristic.Properties


class ProgressorService(gatt.Service):
    """The GATT service; `on_command` is called with the connection and the opcode."""

    def __init__(self, on_command: Callable[[Connection, int], None]) -> None:
        def write(connection: Connection, data: bytes) -> None:
            if data:
                # As a real stack does: first the write is acknowledged, then it is obeyed.
                asyncio.get_running_loop().call_soon(on_command, connection, data[0])

        self.data = characteristic(progressor.DATA_UUID, _P.NOTIFY)
        self.control = characteristic(
            progressor.CONTROL_UUID, _P.WRITE | _P.WRITE_WITHOUT_RESPONSE, write=write
        )
        super().__init__(progressor.SERVICE_UUID, [self.data, self.control])

    def notify(self, device: Device, connection: Connection, data: bytes) -> bool:
        """Send a notification; False when this client has not subscribed."""
        if not is_subscribed(device, connection, self.data):
            return False
        notify(device, connection, self.data, data)
        return True


@dataclass(frozen=True, slots=True)
class WeightSample:
    """A sample of the twin's own log: kilogram-force as sent, and its stamp, not wrapped."""

    weight_kgf: float
    stamp_us: int


class ProgressorTwin(Powered):
    """A Progressor on the virtual radio; an async context manager.

    Args:
        samples_per_notification: 15 for the genuine one, 1 for clones.
        leaves_out: every how manieth sample is never delivered: 16 for the genuine one; 0 for none.
        pad_to: notifications of weight are filled with zeros to so many bytes, as early clones do.
        first_stamp_us: stamp of the first sample after *start*.
        answers: commands that are answered; a clone may leave some out.
        late_s: how late the answers to these commands come, seconds.
        keep_log: whether `log` is kept.

    Attributes:
        log: every sample handed to the radio, in order.
        finished: set when the source has ended and all of it is out.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        source: SampleSource,
        *,
        name: str = "Progressor_7125",
        address: str = "C7:12:5A:00:71:25",
        rate_hz: float = GENUINE_RATE_HZ,
        samples_per_notification: int = _PERIOD - 1,
        leaves_out: int = _PERIOD,
        pad_to: int = 0,
        first_stamp_us: int = FIRST_STAMP_US,
        battery_mv: int = 3850,
        version: str = "1.2.3.4",
        serial: int = 0x0000_71_25_AB_CD,
        answers: frozenset[Command] = frozenset(Command),
        late_s: Mapping[Command, float] | None = None,
        keep_log: bool = True,
    ) -> None:
        self.radio = radio
        self.player = Player(source)
        self.name = name
        self.address = address
        self.rate_hz = rate_hz
        self.samples_per_notification = samples_per_notification
        self.leaves_out = leaves_out
        self.pad_to = pad_to
        self.first_stamp_us = first_stamp_us
        self.battery_mv = battery_mv
        self.version = version
        self.serial = serial
        self.answers = answers
        self.late_s = dict(late_s or {})
        self.log: list[WeightSample] = []
        self.finished = asyncio.Event()
        self._keep_log = keep_log
        self._device: Device | None = None
        self._connection: Connection | None = None
        self._service = ProgressorService(self._on_command)
        self._stream: asyncio.Task[None] | None = None
        self._tare_kgf = 0.0
        self._last_kgf = 0.0
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def streaming(self) -> bool:
        """Whether it sends weights."""
        return self._stream is not None

    @override
    async def power_on(self) -> None:
        """Begin to advertise: the name in the advertisement, the service in the scan response."""
        device = await self.radio.add_device(self.name, address=self.address)
        self._device = device
        self._service = ProgressorService(self._on_command)
        device.add_service(self._service)
        device.on(device.EVENT_CONNECTION, self._on_connection)
        uuid = core.UUID(progressor.SERVICE_UUID).to_bytes()
        await device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(
                AdvertisingData(
                    [
                        (AdvertisingData.FLAGS, bytes([0x06])),
                        (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
                    ]
                )
            ),
            scan_response_data=bytes(
                AdvertisingData([(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, uuid)])
            ),
            advertising_interval_min=_ADVERTISING_MS,
            advertising_interval_max=_ADVERTISING_MS,
        )

    @override
    async def power_off(self) -> None:
        """Switch it off."""
        self._end_stream()
        if self._device is not None:
            self._device = None
            await self.radio.remove_device(self.name)

    def empty_battery(self) -> None:
        """Let the battery run empty: it says so and switches itself off."""
        self._notify(progressor.encode_low_power())
        self._run(self._power_off_soon())

    async def _power_off_soon(self) -> None:
        """After what was said last has been heard."""
        await asyncio.sleep(_LAST_WORDS_S)
        await self.power_off()

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._end_stream()

    def _on_command(self, _connection: Connection, opcode: int) -> None:
        match opcode:
            case Command.TARE:
                if self.streaming:
                    self._tare_kgf += self._last_kgf
            case Command.START:
                self._end_stream()
                self.player.begin(self.rate_hz)
                self._stream = self._run(self._keep_streaming())
            case Command.STOP:
                self._end_stream()
            case Command.SLEEP:
                self._run(self.power_off())
            case Command.VERSION:
                self._answer(Command.VERSION, self.version.encode())
            case Command.BATTERY:
                self._answer(Command.BATTERY, self.battery_mv.to_bytes(4, "little"))
            case Command.ID:
                self._answer(Command.ID, self.serial.to_bytes(8, "little").rstrip(b"\0"))
            case Command.ERROR_INFORMATION:
                self._answer(Command.ERROR_INFORMATION, b"")

    def _answer(self, command: Command, payload: bytes) -> None:
        if command not in self.answers:
            return
        data = progressor.encode_response(payload)
        if late_s := self.late_s.get(command):
            asyncio.get_running_loop().call_later(late_s, self._notify, data)
        else:
            self._notify(data)

    def _notify(self, data: bytes) -> bool:
        if self._device is None or self._connection is None:
            return False
        return self._service.notify(self._device, self._connection, data)

    async def _keep_streaming(self) -> None:
        index = 0
        first_us: int | None = None
        batch: list[WeightSample] = []
        while self.player.look_ahead(1):
            await self.player.until(self.player.ahead[0].source_us)
            for felt in self.player.due():
                first_us = felt.source_us if first_us is None else first_us
                index += 1
                if not self.leaves_out or index % self.leaves_out:
                    batch.append(self._sample(felt, first_us))
                if len(batch) == self.samples_per_notification:
                    self._send(batch)
                    batch = []
        if batch:
            self._send(batch)
        self.finished.set()

    def _sample(self, felt: Felt, first_us: int) -> WeightSample:
        source = self.player.source
        tension_n = (felt.count - source.zero_count) * source.newton_per_count
        self._last_kgf = tension_n / KGF_N - self._tare_kgf
        return WeightSample(self._last_kgf, felt.source_us - first_us + self.first_stamp_us)

    def _send(self, batch: list[WeightSample]) -> None:
        data = progressor.encode_weights(
            tuple(sample.weight_kgf for sample in batch), tuple(sample.stamp_us for sample in batch)
        )
        if self._notify(data.ljust(self.pad_to, b"\0")) and self._keep_log:
            self.log += batch

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task
