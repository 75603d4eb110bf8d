"""Firmware update of a simulated sensor: two slots, and a server of the Simple Management Protocol.

It answers as the firmware does (`firmware/update`), and is checked against the same vectors. Signatures are
not checked here: that is for the firmware's own tests to prove.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2

__all__ = ["FirmwareSlots", "Image", "SmpServer"]

BUFFER_SIZE = 2048
SLOT_SIZE = 400 * 1024
BATTERY_MIN_PERCENT = 20
BOARD = "simulated"

_HEADER = struct.Struct("!BBHHBB")
_IMAGE_HEADER = struct.Struct("<IIHHIIBBHI4x")
_PREFIX_SIZE = 64
_MAGIC = 0x96F3B83D
_OS, _IMAGE = 0, 1
_READ, _WRITE = 0, 2

_INVALID, _BAD_STATE, _NOT_SUPPORTED, _CORRUPT = 3, 6, 8, 9
_INVALID_FORMAT, _NO_ANSWER = 2, 3
_HASH_NOT_FOUND, _INVALID_SLOT, _NO_OFFSET, _NO_LENGTH = 8, 14, 20, 21
_BAD_HEADER, _BAD_MAGIC, _BAD_HASH, _RUNNING_IS_NEWER, _TOO_LARGE = 22, 23, 24, 27, 30
_TEST_OF_ACTIVE_DENIED = 33
_BOOT_LOADER_MODE = 5
"""Two slots, run in place, and a way back (MCUboot)."""

Fields = dict[str, Any]


class _GroupRefusal(Exception):
    """Refused with a number of the command's group."""

    group: int
    name: str

    def __init__(self, rc: int) -> None:
        super().__init__(str(rc))
        self.rc = rc


class _ImageRefusal(_GroupRefusal):
    group, name = _IMAGE, "image"


class _OsRefusal(_GroupRefusal):
    group, name = _OS, "OS"


class _Refusal(Exception):
    """Refused with a number of the protocol itself, and words."""

    def __init__(self, rc: int, reason: str) -> None:
        super().__init__(reason)
        self.rc = rc


@dataclass(frozen=True, slots=True)
class Image:
    """What a slot holds.

    Attributes:
        digest: SHA-256 by which it is named.
    """

    version: tuple[int, int, int, int]
    digest: bytes

    @property
    def version_text(self) -> str:
        """`major.minor.revision`, and `.build` where there is one."""
        text = ".".join(str(number) for number in self.version[:3])
        return text + (f".{self.version[3]}" if self.version[3] else "")


@dataclass
class FirmwareSlots:
    """Two slots, one of which runs; kept over resets.

    An image that was asked for runs once on trial. If it is not confirmed, the next boot goes back.
    """

    images: list[Image | None] = field(
        default_factory=lambda: [Image((1, 0, 0, 0), hashlib.sha256(b"1.0.0").digest()), None]
    )
    active: int = 0
    confirmed: bool = True
    pending: int | None = None

    def boot(self) -> None:
        """Start the image that was asked for, or go back from one that never proved itself."""
        if self.pending is not None:
            self.active, self.pending, self.confirmed = self.pending, None, False
        elif not self.confirmed:
            self.active, self.confirmed = 1 - self.active, True

    def confirm(self) -> None:
        """Note that the running image has proven itself."""
        self.confirmed = True


class SmpServer:
    """Requests in, in pieces; answers out.

    Args:
        slots: what it writes to.
        restart: called once a restart was asked for and the answer has been given.
        battery_percent: asked at the start of an upload.
    """

    def __init__(
        self, slots: FirmwareSlots, restart: Callable[[], None], battery_percent: Callable[[], int]
    ) -> None:
        self.slots = slots
        self._restart = restart
        self._battery_percent = battery_percent
        self._request = b""
        self._upload = bytearray()
        self._expected = 0
        self._sha: bytes | None = None
        self._commands: dict[tuple[int, int, int], Callable[[Fields], Fields]] = {
            (_OS, 0, _WRITE): lambda fields: {"r": fields["d"]},
            (_OS, 5, _WRITE): self._on_reset,
            (_OS, 6, _READ): lambda _: {"buf_size": BUFFER_SIZE, "buf_count": 1},
            (_OS, 7, _READ): self._on_application,
            (_OS, 8, _READ): self._on_boot_loader,
            (_IMAGE, 0, _READ): lambda _: self._state(),
            (_IMAGE, 0, _WRITE): self._on_state,
            (_IMAGE, 1, _WRITE): self._on_upload,
            (_IMAGE, 5, _WRITE): self._on_erase,
            (_IMAGE, 6, _READ): lambda _: self._slots(),
        }

    def receive(self, piece: bytes) -> bytes | None:
        """Take a piece of a request; give the answer once it is whole."""
        self._request += piece
        if len(self._request) < _HEADER.size:
            return None
        op, _, size, group, sequence, command = _HEADER.unpack_from(self._request)
        if len(self._request) < _HEADER.size + size:
            return None
        body, self._request = self._request[_HEADER.size : _HEADER.size + size], b""
        version = op >> 3 & 3
        answer = cbor2.dumps(self._carry_out((group, command, op & 7), body, version))
        return _HEADER.pack(op + 1, 0, len(answer), group, sequence, command) + answer

    def disconnected(self) -> None:
        """Forget a request that came in part; an upload is kept and can be taken up again."""
        self._request = b""

    def _carry_out(self, what: tuple[int, int, int], body: bytes, version: int) -> Fields:
        command = self._commands.get(what)
        try:
            if command is None:
                raise _Refusal(_NOT_SUPPORTED, "command is not supported")
            # Some clients send nothing where there is nothing to say.
            fields = cbor2.loads(body) if body else {}
            if not isinstance(fields, dict):
                raise _Refusal(_INVALID, "request is not a map of known types")
            return command(fields)
        except _GroupRefusal as refusal:
            if version:
                return {"err": {"group": refusal.group, "rc": refusal.rc}}
            return {"rc": _INVALID, "rsn": f"refused by {refusal.name} management"}
        except _Refusal as refusal:
            return {"rc": refusal.rc, "rsn": str(refusal)}
        except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError):
            return {"rc": _INVALID, "rsn": "request is not a map of known types"}

    def _on_reset(self, _fields: Fields) -> Fields:
        self._restart()
        return {}

    def _state(self) -> Fields:
        slots = self.slots
        return {
            "images": [
                {
                    "slot": number,
                    "version": image.version_text,
                    "hash": image.digest,
                    "bootable": True,
                    "pending": slots.pending == number,
                    # The other one's as long as it is the way back.
                    "confirmed": slots.confirmed == (number == slots.active),
                    "active": number == slots.active,
                }
                for number, image in enumerate(slots.images)
                if image is not None
            ]
        }

    def _on_state(self, fields: Fields) -> Fields:
        confirm = fields.get("confirm") is True
        digest = fields.get("hash")
        if digest is None and not confirm:
            raise _ImageRefusal(_BAD_HASH)
        digests = [image.digest if image else None for image in self.slots.images]
        if digest is not None and digest not in digests:
            raise _ImageRefusal(_HASH_NOT_FOUND)
        slot = self.slots.active if digest is None else digests.index(digest)
        if slot == self.slots.active and not confirm:
            raise _ImageRefusal(_TEST_OF_ACTIVE_DENIED)
        if slot == self.slots.active:
            self.slots.confirm()
        else:
            # To confirm an image that has never run is to have it tried: it confirms itself.
            self.slots.pending = slot
        return self._state()

    def _on_boot_loader(self, fields: Fields) -> Fields:
        match fields.get("query"):
            case None:
                return {"bootloader": "MCUboot"}
            case "mode":
                return {"mode": _BOOT_LOADER_MODE}
        raise _OsRefusal(_NO_ANSWER)

    def _on_application(self, fields: Fields) -> Fields:
        """Answer as Zephyr does with `uname`."""
        letters = fields.get("format", "s")
        image = self.slots.images[self.slots.active]
        told = {
            "s": "bandsense",
            "n": BOARD,
            "r": image.version_text if image else "unknown",
            "v": image.digest[:4].hex() if image else "unknown",
            "m": "arm",
            "p": "cortex-m4",
            "i": BOARD,
            "o": "Embassy",
        }
        try:
            output = " ".join(told[letter] for letter in ("snrvmpio" if letters == "a" else letters))
        except KeyError:
            raise _OsRefusal(_INVALID_FORMAT) from None
        return {"output": output}

    def _slots(self) -> Fields:
        slots = [
            {"slot": number, "size": SLOT_SIZE}
            | ({} if number == self.slots.active else {"upload_image_id": 0})
            for number in range(len(self.slots.images))
        ]
        return {"images": [{"image": 0, "max_image_size": SLOT_SIZE, "slots": slots}]}

    def _on_erase(self, fields: Fields) -> Fields:
        other = 1 - self.slots.active
        if fields.get("slot", other) != other:
            raise _ImageRefusal(_INVALID_SLOT)
        self._require_confirmed()
        self.slots.images[other] = None
        return {}

    def _require_confirmed(self) -> None:
        """While the running image is on trial, the other slot is the way back."""
        if not self.slots.confirmed:
            raise _Refusal(_BAD_STATE, "running image is on trial: confirm it first")

    def _on_upload(self, fields: Fields) -> Fields:
        if "off" not in fields:
            raise _ImageRefusal(_NO_OFFSET)
        offset, data = int(fields["off"]), bytes(fields["data"])
        if offset == 0:
            again = self._expected and fields.get("sha") == self._sha and fields.get("len") == self._expected
            if again and self._sha is not None and self._upload:
                return {"off": len(self._upload)}
            self._begin_upload(fields, data)
        elif offset != len(self._upload) or not self._expected:
            return {"off": len(self._upload)}
        self._upload += data
        if len(self._upload) < self._expected:
            return {"off": len(self._upload)}
        return {"off": self._expected, "match": self._finish_upload()}

    def _begin_upload(self, fields: Fields, data: bytes) -> None:
        if "len" not in fields:
            raise _ImageRefusal(_NO_LENGTH)
        if fields["len"] > SLOT_SIZE:
            raise _ImageRefusal(_TOO_LARGE)
        if (percent := self._battery_percent()) < BATTERY_MIN_PERCENT:
            raise _Refusal(_BAD_STATE, f"battery at {percent} %: charge to {BATTERY_MIN_PERCENT} % first")
        self._require_confirmed()
        if len(data) < _PREFIX_SIZE:
            raise _ImageRefusal(_BAD_HEADER)
        magic, *_, major, minor, revision, build = _IMAGE_HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise _ImageRefusal(_BAD_MAGIC)
        running = self.slots.images[self.slots.active]
        if fields.get("upgrade") and running and (major, minor, revision, build) <= running.version:
            raise _ImageRefusal(_RUNNING_IS_NEWER)
        self._upload.clear()
        self._expected, self._sha = fields["len"], fields.get("sha")

    def _finish_upload(self) -> bool:
        """Store the image, if it is what was announced."""
        content = bytes(self._upload)
        matches = self._sha is None or hashlib.sha256(content).digest() == self._sha
        self._upload.clear()
        self._expected = 0
        if not matches:
            return False
        _, _, header, protected, body, _, *version = _IMAGE_HEADER.unpack_from(content)
        if len(content) < header + protected + body:
            raise _Refusal(_CORRUPT, "the image is cut short")
        digest = hashlib.sha256(content[: header + protected + body]).digest()
        major, minor, revision, build = version
        self.slots.images[1 - self.slots.active] = Image((major, minor, revision, build), digest)
        return True
