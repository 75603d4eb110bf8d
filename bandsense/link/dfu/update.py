"""Firmware update over the air, with the Simple Management Protocol (docs/protocol.md, section 9).

The sensor has two slots and runs from one. The update goes to the other, is started on trial, and stays
once this computer has connected to it; else the sensor goes back to what it had. A link that is lost in
between is taken up again, and the upload goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bandsense.errors import (
    ConnectionLost,
    MissingExtra,
    SensorNotFound,
    SensorTimeout,
    UpdateError,
)
from bandsense.language import Message, mark
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.bluez_agent import AskPasskey
from bandsense.link.ble.connection import Connection, connect
from bandsense.link.ble.gatt_client import BleakGattClient
from bandsense.link.ble.scanner import DiscoveredSensor, find_sensor
from bandsense.link.dfu.firmware_file import FirmwareFile, FirmwareImage, read_firmware_file
from bandsense.wire.bandsense.uuids import SMP_CHARACTERISTIC_UUID

if TYPE_CHECKING:
    from smp.image_management import ImageState
    from smpclient import SMPClient

__all__ = ["UpdateProgress", "UpdateResult", "UpdateStage", "update_firmware"]

T = TypeVar("T")

REQUEST_TIMEOUT_S = 10.0
"""An answer may have to wait for flash to be erased and for a signature to be checked."""
PATIENCE_S = 120.0
"""How long without any progress until the update is given up; the sensor then still runs what it ran."""
RETRY_PAUSE_S = 0.5
CONFIRMATION_POLLS = 20
_HEADER_LENGTH = 8

_REASONS = {
    14: mark("the file's image is not for a slot of this sensor"),
    23: mark("the sensor does not recognise the file as firmware"),
    25: mark("the image is built for the other slot; use the .zip file, which has both"),
    27: mark("the sensor runs this version or a newer one; install it all the same with --force"),
    30: mark("the image is too large for this sensor"),
}
"""What the numbers of the image management group mean here."""


class UpdateStage(Enum):
    """What is being done."""

    CONNECTING = "connecting"
    UPLOADING = "uploading"
    RESTARTING = "restarting"
    PROVING = "proving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class UpdateProgress:
    """How far an update is."""

    stage: UpdateStage
    sent_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """A finished update.

    Attributes:
        development: the firmware is signed with a development key: not for a sensor that is given away.
        reconnections: how often the link was lost and taken up again.
    """

    name: str
    old_version: str
    new_version: str
    development: bool
    reconnections: int


class _SmpLink:
    """smpclient's transport over a connection that stands already."""

    def __init__(self, gatt: BleakGattClient) -> None:
        self._gatt = gatt
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._buffer_size: int | None = None

    async def connect(self, address: str, timeout_s: float) -> None:
        await self._gatt.subscribe(SMP_CHARACTERISTIC_UUID, self._pieces.put_nowait)

    async def disconnect(self) -> None:
        """Do nothing: the connection ends with its context."""

    async def send(self, data: bytes) -> None:
        for at in range(0, len(data), self.mtu):
            await self._gatt.write(SMP_CHARACTERISTIC_UUID, data[at : at + self.mtu], response=False)

    async def receive(self) -> bytes:
        packet = await self._pieces.get()
        while len(packet) < _HEADER_LENGTH or len(packet) < _HEADER_LENGTH + int.from_bytes(
            packet[2:4], "big"
        ):
            packet += await self._pieces.get()
        return packet

    async def send_and_receive(self, data: bytes) -> bytes:
        while not self._pieces.empty():
            self._pieces.get_nowait()
        await self.send(data)
        return await self.receive()

    def initialize(self, smp_server_transport_buffer_size: int) -> None:
        self._buffer_size = smp_server_transport_buffer_size

    @property
    def mtu(self) -> int:
        return self._gatt.max_write_without_response(SMP_CHARACTERISTIC_UUID)

    @property
    def max_unencoded_size(self) -> int:
        return self._buffer_size or self.mtu


async def update_firmware(
    file: Path,
    target: str | None = None,
    *,
    transport: Transport | None = None,
    force: bool = False,
    on_progress: Callable[[UpdateProgress], None] | None = None,
    ask_passkey: AskPasskey | None = None,
    patience_s: float = PATIENCE_S,
) -> UpdateResult:
    """Bring the firmware in `file` to a sensor, and see it prove itself.

    Args:
        file: what `make firmware` makes: a `.zip` with an image for each slot, or the `.bin` of one image.
        target: address, name or end of the name of the sensor; without it the strongest one on the air.
        transport: how to reach sensors; without it the computer's own Bluetooth.
        force: install the version that runs already, or an older one, too.
        on_progress: called whenever something has been achieved.
        ask_passkey: asks a person for the passkey of a sensor that has one, where the system does not.
        patience_s: give up after so long without progress.

    Raises:
        FileFormatError: the file is no firmware, or is damaged.
        UpdateError: the sensor refuses it, or went back to what it ran before.
        LinkError: the sensor cannot be reached.
        MissingExtra: smpclient is not installed.
    """
    try:
        import smpclient  # noqa: F401 - to say early that it is missing
    except ImportError as error:
        raise MissingExtra(Message("updating a sensor"), "update") from error
    update = _Update(read_firmware_file(file), force, on_progress)
    return await update.run(_Seeker(target, transport or Transport()), ask_passkey, patience_s)


class _Seeker:
    """Finds the sensor, and after the first time that one again."""

    def __init__(self, target: str | None, transport: Transport) -> None:
        self.target = target
        self.transport = transport

    async def find(self, timeout_s: float) -> DiscoveredSensor:
        sighting = await find_sensor(self._is_wanted, self.transport, timeout_s)
        if sighting is None:
            raise SensorNotFound(
                Message(
                    "no such sensor heard; press its button, bring it near, and close other apps that use it"
                )
            )
        self.target = sighting.address
        return sighting

    def _is_wanted(self, sighting: DiscoveredSensor) -> bool:
        named = self.target is None or sighting.matches(self.target)
        return named and sighting.driver.bonds and not sighting.connected


class _Update:
    def __init__(
        self, file: FirmwareFile, force: bool, on_progress: Callable[[UpdateProgress], None] | None
    ) -> None:
        self.file = file
        self.force = force
        self.on_progress = on_progress
        self.old: ImageState | None = None
        self.requested: FirmwareImage | None = None
        self.achieved = asyncio.Event()

    def tell(self, stage: UpdateStage, sent_bytes: int = 0) -> None:
        self.achieved.set()
        if self.on_progress is not None:
            self.on_progress(UpdateProgress(stage, sent_bytes, len(self.file.images[0].content)))

    async def run(self, seeker: _Seeker, ask_passkey: AskPasskey | None, patience_s: float) -> UpdateResult:
        """Connect as often as it takes; give up when a while brings nothing new."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        connections = 0
        while True:
            try:
                self.tell(UpdateStage.CONNECTING)
                self.achieved.clear()
                sighting = await seeker.find(max(deadline - loop.time(), 1.0))
                connections += 1
                async with connect(
                    sighting, seeker.transport, lambda *_: None, pair=True, ask_passkey=ask_passkey
                ) as link:
                    image = await self.go_on(link)
                if image is not None:
                    self.tell(UpdateStage.DONE, len(image.content))
                    return UpdateResult(
                        sighting.name,
                        self.old.version if self.old is not None else image.version_text,
                        image.version_text,
                        image.development,
                        connections - 1 - (self.requested is not None),
                    )
            except (ConnectionLost, SensorTimeout, TimeoutError) as error:
                if self.achieved.is_set():
                    deadline = loop.time() + patience_s
                if loop.time() > deadline:
                    raise UpdateError(
                        Message(
                            "the update makes no progress; bring the sensor nearer and start again. Nothing "
                            "is lost: the sensor runs what it ran before"
                        )
                    ) from error
            await asyncio.sleep(RETRY_PAUSE_S)

    async def go_on(self, link: Connection) -> FirmwareImage | None:
        """Do what is left to do on a new connection; the image once it runs for good."""
        from smpclient import SMPClient

        gatt = link.device.gatt
        if not isinstance(gatt, BleakGattClient) or not gatt.has(SMP_CHARACTERISTIC_UUID):
            raise UpdateError(
                Message("this sensor takes no updates over the air; see docs/firmware.md for its cable")
            )
        client = SMPClient(_SmpLink(gatt), gatt.address, REQUEST_TIMEOUT_S)  # type: ignore[arg-type]
        await link.run(client.connect(REQUEST_TIMEOUT_S))
        states = await self.states(link, client)
        active = next((state for state in states if state.active), None)
        if active is None:
            raise UpdateError(Message("the sensor does not say what it runs; reset it and try again"))
        if self.old is None:
            self.old = active
        running = next((image for image in self.file.images if image.digest == active.hash), None)
        # The power may have gone before the sensor could say that it will start the image.
        started = running is not None and (not active.confirmed or active.hash != self.old.hash)
        if self.requested is not None or started:
            return await self.prove(link, client, active, running)
        image = self.chosen(active)
        uploaded = any(state.hash == image.digest for state in states if not state.active)
        if not uploaded or not await self.is_whole(link, client, image):
            await self.upload(link, client, image)
        await self.start(link, client, image)
        return None

    def chosen(self, active: ImageState) -> FirmwareImage:
        """Return the image for the slot that does not run."""
        image = self.file.image_for(1 - active.slot)
        if image is None:
            raise UpdateError(Message(_REASONS[25]))
        version = tuple(int(part) for part in active.version.split("."))
        if not self.force and image.version <= (*version, 0, 0, 0, 0)[:4]:
            raise UpdateError(
                Message(
                    "the sensor runs {version}, the file has {version_text}; install it all the same "
                    "with --force",
                    version=active.version,
                    version_text=image.version_text,
                )
            )
        return image

    async def states(self, link: Connection, client: SMPClient) -> list[ImageState]:
        from smpclient.requests.image_management import ImageStatesRead

        answer = await _request(link, client, ImageStatesRead())
        images: list[ImageState] = answer.images
        return images

    async def upload(self, link: Connection, client: SMPClient, image: FirmwareImage) -> None:
        from smpclient.exceptions import SMPUploadError

        steps = client.upload(
            image.content,
            upgrade=not self.force,
            first_timeout_s=REQUEST_TIMEOUT_S,
            subsequent_timeout_s=REQUEST_TIMEOUT_S,
        )
        try:
            while True:
                sent_bytes = await link.run(anext(steps))
                self.tell(UpdateStage.UPLOADING, sent_bytes)
        except StopAsyncIteration:
            return
        except SMPUploadError as error:
            raise UpdateError(
                Message("the sensor refuses the update: {reason}", reason=_reason(error.args[0]))
            ) from error
        finally:
            await steps.aclose()  # type: ignore[attr-defined]

    async def is_whole(self, link: Connection, client: SMPClient, image: FirmwareImage) -> bool:
        """Return whether the sensor would start the listed image: power may fail at an image's last bytes."""
        from smpclient.requests.image_management import ImageStatesWrite

        with suppress(UpdateError):
            await _request(link, client, ImageStatesWrite(hash=image.digest))
            return True
        return False

    async def start(self, link: Connection, client: SMPClient, image: FirmwareImage) -> None:
        """Have the image started on trial, and wait for the sensor to go."""
        from smpclient.requests.image_management import ImageStatesWrite
        from smpclient.requests.os_management import ResetWrite

        await _request(link, client, ImageStatesWrite(hash=image.digest))
        self.requested = image
        self.tell(UpdateStage.RESTARTING, len(image.content))
        # The answer may be lost with the link.
        with suppress(ConnectionLost, SensorTimeout, TimeoutError):
            await _request(link, client, ResetWrite())
            await asyncio.wait_for(link.lost.wait(), REQUEST_TIMEOUT_S)

    async def prove(
        self, link: Connection, client: SMPClient, active: ImageState, running: FirmwareImage | None
    ) -> FirmwareImage | None:
        """Wait until the new image confirms itself, which it does because we are connected to it."""
        if running is None:
            states = await self.states(link, client)
            if any(state.pending for state in states):
                # The link was lost before the sensor restarted.
                await self.start(link, client, self._pending(states))
                return None
            raise UpdateError(
                Message(
                    "the new firmware did not prove itself; the sensor went back to {version}. "
                    "If its power failed meanwhile, start the update again",
                    version=active.version,
                )
            )
        self.tell(UpdateStage.PROVING, len(running.content))
        for _ in range(CONFIRMATION_POLLS):
            states = await self.states(link, client)
            if any(state.active and state.confirmed for state in states):
                return running
            await asyncio.sleep(RETRY_PAUSE_S)
        raise UpdateError(
            Message("the new firmware runs but does not confirm itself; reset the sensor to go back")
        )

    def _pending(self, states: list[ImageState]) -> FirmwareImage:
        pending = {state.hash for state in states if state.pending}
        image = next((image for image in self.file.images if image.digest in pending), None)
        if image is None:
            raise UpdateError(
                Message("the sensor is about to start firmware of another file; reset it and try again")
            )
        return image


async def _request(link: Connection, client: SMPClient, request: Any) -> Any:
    from smpclient.generics import success

    answer = await link.run(_answer(client, request))
    if not success(answer):
        raise UpdateError(Message("the sensor refuses: {reason}", reason=_reason(answer)))
    return answer


def _answer(client: SMPClient, request: Any) -> Awaitable[Any]:
    return client.request(request)


def _reason(answer: Any) -> str:
    """Describe an error answer in words."""
    if text := getattr(answer, "rsn", None):
        return str(text)
    if (error := getattr(answer, "err", None)) is not None:
        code = int(error.rc)
        return (
            Message(_REASONS[code])
            if code in _REASONS
            else Message("image management error {code}", code=code)
        )
    return str(answer)
