"""Driver of Tindeq Progressor and compatible sensors."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import TypeVar

from typing_extensions import override

from bandsense.errors import FrameError, SensorTimeout
from bandsense.language import Message, mark
from bandsense.link.drivers.base import (
    AdvertisementData,
    ConnectedSensor,
    Driver,
    GattClient,
    SensorAdvertisement,
    SensorInformation,
)
from bandsense.samples import Unit
from bandsense.wire import progressor
from bandsense.wire.decoder import ProgressorDecoder
from bandsense.wire.progressor import Command, Response, decode_notification, encode_command

__all__ = ["ProgressorDevice", "ProgressorDriver"]

_VERSION_TEXT = re.compile(rb"[0-9]+(\.[0-9]+)+\0*")

T = TypeVar("T")

ANSWER_TIMEOUT_S = 2.0

_BATTERY_BYTES, _LEAST_MV, _MOST_MV = 4, 1000, 10_000
"""An answer that can be a voltage: any cell or two of them."""

_EMPTY_MV, _FULL_MV = 3300.0, 4150.0
"""Ends of the useful range of a single lithium-polymer cell at rest; the sensor tells its voltage only."""


class ProgressorDevice(ConnectedSensor):
    """A connected Progressor. Answers do not name their command, so one is asked at a time."""

    title = mark("Progressor")

    def __init__(self, gatt: GattClient) -> None:
        super().__init__(gatt)
        self._asking = asyncio.Lock()
        self._answers: asyncio.Queue[bytes] | None = None

    @override
    async def set_up(self) -> None:
        await self.gatt.subscribe(progressor.DATA_UUID, self._on_notification)

    @override
    async def describe(self) -> SensorInformation:
        """Ask the sensor, leaving open what a clone does not answer."""
        battery_percent = await self.battery_percent()
        version = serial = None
        with contextlib.suppress(SensorTimeout):
            version = await self._ask(Command.VERSION, _version)
        with contextlib.suppress(SensorTimeout):
            serial = await self._ask(Command.ID, _serial)
        return SensorInformation(
            driver="progressor",
            address=self.gatt.address,
            name=self.gatt.name,
            unit=Unit.KILOGRAM_FORCE,
            rates_hz=(80,),
            serial=serial,
            firmware=version,
            battery_percent=battery_percent,
        )

    @override
    async def start(self, rate_hz: int) -> None:
        """Start the stream, at the sensor's own rate."""
        await self._tell(Command.START)

    @override
    async def stop(self) -> None:
        await self._tell(Command.STOP)

    @override
    async def battery_percent(self) -> int | None:
        """Ask for the battery, which the maker allows only while not streaming."""
        try:
            millivolt = await self._ask(Command.BATTERY, _battery_mv)
        except SensorTimeout:
            return None
        return round(min(max((millivolt - _EMPTY_MV) / (_FULL_MV - _EMPTY_MV), 0.0), 1.0) * 100)

    @override
    async def tare(self) -> None:
        """Tare the sensor, which acts only while streaming."""
        await self._tell(Command.TARE)

    @override
    async def sleep(self) -> None:
        await self._tell(Command.SLEEP)

    async def _tell(self, command: Command) -> None:
        async with self._asking:
            await self.gatt.write(progressor.CONTROL_UUID, encode_command(command))

    async def _ask(self, command: Command, understand: Callable[[bytes], T]) -> T:
        """Ask, and wait for an answer that can be one to this question.

        An answer does not say to what: one to an earlier question, which came too late, is passed over.

        Raises:
            SensorTimeout: none came.
        """
        async with self._asking:
            self._answers = asyncio.Queue()
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await self.gatt.write(progressor.CONTROL_UUID, encode_command(command))
                    while True:
                        with contextlib.suppress(FrameError):
                            return understand(await self._answers.get())
            except TimeoutError:
                raise SensorTimeout(
                    Message("the sensor did not answer {command}", command=command.name)
                ) from None
            finally:
                self._answers = None

    def _on_notification(self, data: bytes) -> None:
        with contextlib.suppress(FrameError):
            notification = decode_notification(data)
            if isinstance(notification, Response) and self._answers is not None:
                self._answers.put_nowait(notification.payload)


def _battery_mv(payload: bytes) -> int:
    millivolt = progressor.decode_battery_mv(payload)
    if len(payload) != _BATTERY_BYTES or not _LEAST_MV <= millivolt <= _MOST_MV:
        raise FrameError(f"{payload.hex()} is no voltage of a battery")
    return millivolt


def _is_version(payload: bytes) -> bool:
    text = progressor.decode_version(payload)
    return "." in text and text.isascii() and text.isprintable()


def _version(payload: bytes) -> str:
    if not _is_version(payload):
        raise FrameError(f"{payload.hex()} is no version")
    return progressor.decode_version(payload)


def _serial(payload: bytes) -> str:
    if _is_version(payload):
        raise FrameError(f"{payload.hex()} is a version and no serial number")
    return f"{progressor.decode_id(payload):x}"


class ProgressorDriver(Driver):
    """Tindeq Progressor and compatibles, known by the name they advertise or by their service."""

    name = "progressor"
    title = mark("Tindeq Progressor or compatible")
    broadcasts = False
    bonds = False

    @override
    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        named = (heard.name or "").startswith(progressor.NAME_PREFIX)
        if not named and progressor.SERVICE_UUID not in heard.service_uuids:
            return None
        name = heard.name or progressor.NAME_PREFIX
        if name.endswith("_"):
            # A bandsense sensor advertises the beginning of its name; it goes on with the end of its address.
            name += heard.address.replace(":", "").replace("-", "")[-4:].upper()
        return SensorAdvertisement(name)

    @override
    def decoder(self) -> ProgressorDecoder:
        return ProgressorDecoder()

    @override
    def device(self, gatt: GattClient) -> ProgressorDevice:
        return ProgressorDevice(gatt)

    @override
    def redact(self, characteristic: str, data: bytes) -> bytes:
        # Answers of a Progressor do not say to what; one is its serial number. Only a version is left.
        if characteristic != progressor.DATA_UUID:
            return data
        try:
            notification = progressor.decode_notification(data)
        except FrameError:
            return data
        if not isinstance(notification, progressor.Response) or _VERSION_TEXT.fullmatch(notification.payload):
            return data
        return progressor.encode_response(bytes(len(notification.payload)))
