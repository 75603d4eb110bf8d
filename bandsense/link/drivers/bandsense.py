"""Driver of the bandsense sensor (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from typing_extensions import override

from bandsense.errors import CommandError, FrameError, LinkError, SensorTimeout
from bandsense.language import Message, mark
from bandsense.link.drivers.base import (
    AdvertisementData,
    ConnectedSensor,
    Driver,
    GattClient,
    SensorAdvertisement,
    SensorInformation,
)
from bandsense.link.errors import AttError
from bandsense.samples import Unit
from bandsense.wire import progressor
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import (
    Answer,
    CalibrationPiece,
    Counters,
    Crash,
    SelfTestResult,
    TimeMarked,
    decode_answer,
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    ATT_PROCEDURE_IN_PROGRESS,
    CALIBRATION_SIZE,
    Options,
    StatisticsPage,
    Status,
    status_text,
)
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    Request,
    SelfTest,
    SetLabel,
    SetOptions,
    Sleep,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    encode_request,
)
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    CONTROL_UUID,
    FIRMWARE_REVISION_UUID,
    HARDWARE_REVISION_UUID,
    INFORMATION_UUID,
    MANUFACTURER_UUID,
    MEASUREMENT_UUID,
    MODEL_UUID,
    SERIAL_UUID,
    SERVICE_UUID,
)
from bandsense.wire.decoder import BandsenseDecoder

__all__ = ["BandsenseDevice", "BandsenseDriver"]

R = TypeVar("R")

ANSWER_TIMEOUT_S = 5.0
"""The profile promises an answer within 2 s; what is lost on the air may be sent again for up to 4 s."""

CONFIRMATION_S = 0.05
"""The computer's Bluetooth stack confirms an answer by itself, within a connection interval or two."""

_PIECE_BYTES = 16
"""Of a calibration per request: 20 bytes less id, opcode, total and offset, so that any ATT MTU takes it."""


class BandsenseDevice(ConnectedSensor):
    """A connected bandsense sensor."""

    title = mark("bandsense sensor")

    def __init__(self, gatt: GattClient) -> None:
        super().__init__(gatt)
        self._asking = asyncio.Lock()
        self._next_id = 0
        self._awaited: tuple[int, asyncio.Future[Answer]] | None = None

    @override
    async def set_up(self) -> None:
        Information.decode(await self.gatt.read(INFORMATION_UUID))
        await self.gatt.subscribe(CONTROL_UUID, self._on_answer)
        await self.gatt.subscribe(MEASUREMENT_UUID)
        if self.gatt.has(BATTERY_LEVEL_UUID):
            # A battery service that only answers reads is allowed.
            with contextlib.suppress(LinkError):
                await self.gatt.subscribe(BATTERY_LEVEL_UUID)

    @override
    async def describe(self) -> SensorInformation:
        information = Information.decode(await self.gatt.read(INFORMATION_UUID))
        return SensorInformation(
            driver="bandsense",
            address=self.gatt.address,
            name=information.name,
            unit=Unit.COUNT,
            rates_hz=information.rates_hz,
            serial=information.serial_text,
            manufacturer=await self._text(MANUFACTURER_UUID),
            model=await self._text(MODEL_UUID),
            hardware=await self._text(HARDWARE_REVISION_UUID),
            firmware=await self._text(FIRMWARE_REVISION_UUID),
            battery_percent=await self.battery_percent(),
            features=information.features,
            options=information.options,
            full_scale_n=information.full_scale_n,
            calibration=await self.read_calibration(),
        )

    @override
    async def start(self, rate_hz: int) -> None:
        await self._request(Start(rate_hz))

    @override
    async def stop(self) -> None:
        await self._request(Stop())

    @override
    async def battery_percent(self) -> int | None:
        if not self.gatt.has(BATTERY_LEVEL_UUID):
            return None
        level = await self.gatt.read(BATTERY_LEVEL_UUID)
        return level[0] if level and level[0] <= 100 else None

    @override
    async def identify(self, seconds: int) -> None:
        await self._request(Identify(seconds))

    @override
    async def sleep(self) -> None:
        await self._request(Sleep())

    @override
    async def set_label(self, label: str) -> None:
        await self._request(SetLabel(label))

    @override
    async def set_options(self, options: Options) -> None:
        await self._request(SetOptions(options))

    @override
    async def time_mark(self) -> TimeMarked:
        return await self._ask(TimeMark(), TimeMarked)

    @override
    async def counters(self) -> Counters:
        return await self._ask(ReadStatistics(StatisticsPage.COUNTERS), Counters)

    @override
    async def self_test(self) -> SelfTestResult:
        await self._request(SelfTest())
        return await self._ask(ReadStatistics(StatisticsPage.SELF_TEST), SelfTestResult)

    @override
    async def crash(self) -> Crash:
        return await self._ask(ReadStatistics(StatisticsPage.CRASH), Crash)

    @override
    async def read_calibration(self) -> CalibrationRecord | None:
        record = b""
        while True:
            piece = await self._ask(ReadCalibration(len(record)), CalibrationPiece)
            if piece.offset != len(record) or piece.total > CALIBRATION_SIZE:
                return None
            record += piece.data
            if not piece.data or len(record) >= piece.total:
                break
        with contextlib.suppress(FrameError):
            return CalibrationRecord.decode(record)
        return None

    @override
    async def write_calibration(self, record: CalibrationRecord) -> None:
        """Write it; the stream must be stopped."""
        data = record.encode()
        for offset in range(0, len(data), _PIECE_BYTES):
            piece = data[offset : offset + _PIECE_BYTES]
            await self._request(WriteCalibration(len(data), offset, piece))

    @override
    async def open_pairing(self, seconds: int) -> None:
        await self._request(OpenPairing(seconds))

    @override
    async def forget_bonds(self, *, everyone: bool = False) -> None:
        await self._request(ForgetBonds(everyone))

    async def _text(self, characteristic: str) -> str | None:
        if not self.gatt.has(characteristic):
            return None
        return (await self.gatt.read(characteristic)).decode(errors="replace")

    def _on_answer(self, data: bytes) -> None:
        try:
            answer = decode_answer(data)
        except FrameError as error:
            if self._awaited and data[:1] == bytes((self._awaited[0],)) and not self._awaited[1].done():
                self._awaited[1].set_exception(
                    CommandError(Message("the sensor's answer makes no sense: {error}", error=error))
                )
            return
        if self._awaited and answer.request_id == self._awaited[0] and not self._awaited[1].done():
            self._awaited[1].set_result(answer)

    async def _request(self, request: Request) -> Answer:
        """Write a request and wait for the answer with its id; answers to earlier requests are passed over.

        Raises:
            CommandError: the sensor refused, or its answer makes no sense.
            SensorTimeout: no answer came.
            LinkError: the link failed.
        """
        async with self._asking:
            request_id, self._next_id = self._next_id, (self._next_id + 1) % 256
            answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._awaited = (request_id, answered)
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await self._write(encode_request(request_id, request))
                    answer = await answered
            except TimeoutError:
                raise SensorTimeout(
                    Message(
                        "the sensor did not answer {name} within {answer_timeout_s:.0f} s; if this "
                        "happens again, switch it off and on",
                        name=type(request).__name__,
                        answer_timeout_s=ANSWER_TIMEOUT_S,
                    )
                ) from None
            finally:
                self._awaited = None
                answered.cancel()
        if answer.status != Status.SUCCESS:
            raise CommandError(
                Message(
                    "{name} was refused: {status_text}",
                    name=type(request).__name__,
                    status_text=status_text(answer.status),
                )
            )
        return answer

    async def _write(self, data: bytes) -> None:
        """Write a request, again while the sensor waits for the confirmation of an earlier answer."""
        while True:
            try:
                return await self.gatt.write(CONTROL_UUID, data)
            except AttError as error:
                if error.code != ATT_PROCEDURE_IN_PROGRESS:
                    raise
            await asyncio.sleep(CONFIRMATION_S)

    async def _ask(self, request: Request, expected: type[R]) -> R:
        answer = await self._request(request)
        if not isinstance(answer.result, expected):
            raise LinkError(
                Message(
                    "the sensor answered {name} with {result}",
                    name=type(request).__name__,
                    result=answer.result,
                )
            )
        return answer.result


def _own_name(name: str, address: str) -> str:
    """Return the name without a label, however much of it the sensor advertises.

    From minor version 1 on only its beginning is on the air; the digits are those in which the address ends.
    A sensor that offers itself to apps for the Progressor has a name of that kind.
    """
    prefix = f"{progressor.NAME_PREFIX}_"
    if name in ("bandsense", prefix):
        return f"bandsense-{address.replace(':', '').replace('-', '')[-4:].upper()}"
    return f"bandsense-{name.removeprefix(prefix)}" if name.startswith(prefix) else name


class BandsenseDriver(Driver):
    """Sensors that follow docs/protocol.md."""

    name = "bandsense"
    title = mark("bandsense sensor")
    broadcasts = False
    bonds = True

    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        """By the service data and not by the name, which its owner may change."""
        data = heard.service_data.get(SERVICE_UUID)
        if data is None:
            return None
        try:
            advertisement = Advertisement.decode(data)
        except FrameError:
            return None
        return SensorAdvertisement(
            _own_name(heard.name or "bandsense", heard.address),
            advertisement.battery_percent,
            advertisement.pairing_open,
            advertisement.connected,
        )

    @override
    def decoder(self) -> BandsenseDecoder:
        return BandsenseDecoder()

    @override
    def device(self, gatt: GattClient) -> BandsenseDevice:
        return BandsenseDevice(gatt)

    @override
    def redact(self, characteristic: str, data: bytes) -> bytes:
        if characteristic == SERIAL_UUID:
            return b"0" * len(data)
        if characteristic == INFORMATION_UUID:
            with contextlib.suppress(FrameError):
                information = Information.decode(data)
                label = "x" * len(information.label.encode())
                return replace(information, serial=0, label=label).encode()
        return data

    @override
    def names_in(self, characteristic: str, data: bytes) -> Iterable[str]:
        if characteristic == INFORMATION_UUID:
            with contextlib.suppress(FrameError):
                yield Information.decode(data).label
