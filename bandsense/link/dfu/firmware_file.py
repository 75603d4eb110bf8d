"""Firmware update files: an image for each of the sensor's two slots, in MCUboot's format.

A file is a `.zip` with a `manifest.json` as Nordic's tools write it, or one image (`.bin`). What is read
here serves to tell a person early what is wrong; the sensor checks everything itself, the signature among
it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandsense.errors import FileFormatError
from bandsense.language import Message

__all__ = ["UNREADABLE_ZIP", "FirmwareFile", "FirmwareImage", "read_firmware_file"]

UNREADABLE_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
"""What `zipfile` and `json` raise for damaged, encrypted, strangely packed or deeply nested content."""

IMAGES_MAX = 2
IMAGE_BYTES_MAX = 1 << 20
"""The flash of the largest chip."""

_MANIFEST_BYTES_MAX = 1 << 16
_HEADER = struct.Struct("<IIHHIIBBHI4x")
_MANIFEST = struct.Struct("<4s16sI8x")
_MAGIC = 0x96F3B83D
_MANIFEST_MAGIC = b"BSM1"
_DEVELOPMENT = 1
_TLV_MAGIC = 0x6907
_TLV_SHA256 = 0x10


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """One image.

    Attributes:
        content: the image with header and signature.
        slot: the slot it is made for; None where the file does not say.
        version: major, minor, revision, build.
        board: the board it is made for.
        development: signed with a development key, which is for the bench only.
        digest: SHA-256 of header and body, by which a sensor names the image.
    """

    content: bytes
    slot: int | None
    version: tuple[int, int, int, int]
    board: str
    development: bool
    digest: bytes

    @property
    def version_text(self) -> str:
        """`major.minor.revision`, and `.build` where there is one, as sensors write it."""
        major, minor, revision, build = self.version
        return f"{major}.{minor}.{revision}" + (f".{build}" if build else "")


@dataclass(frozen=True, slots=True)
class FirmwareFile:
    """The images of one update, all of one version for one board."""

    images: tuple[FirmwareImage, ...]

    def image_for(self, slot: int) -> FirmwareImage | None:
        """Return the image that runs in a slot, if the file has one."""
        return next((image for image in self.images if image.slot in (slot, None)), None)


def read_firmware_file(path: Path) -> FirmwareFile:
    """Read an update file and check that it is whole.

    Raises:
        FileFormatError: the file cannot be read, is no firmware for bandsense sensors, or is damaged.
    """
    try:
        archived = zipfile.is_zipfile(path)
        images = _from_archive(path) if archived else (_image(path, _limited(path), None),)
    except FileFormatError:
        raise
    except FileNotFoundError:
        raise FileFormatError(path, Message("there is no such file")) from None
    except (
        *UNREADABLE_ZIP,
        OSError,
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        ArithmeticError,
    ) as error:
        raise FileFormatError(path, Message("not a firmware update file ({error})", error=error)) from error
    if not images or len({(image.version, image.board) for image in images}) != 1:
        raise FileFormatError(path, Message("the images in it do not belong together"))
    return FirmwareFile(images)


def _limited(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(IMAGE_BYTES_MAX + 1)


def _manifest(archive: zipfile.ZipFile) -> bytes:
    with archive.open("manifest.json") as file:
        return file.read(_MANIFEST_BYTES_MAX)


def _from_archive(path: Path) -> tuple[FirmwareImage, ...]:
    with zipfile.ZipFile(path) as archive:
        manifest: dict[str, Any] = json.loads(_manifest(archive))
        images = []
        for entry in manifest["files"][:IMAGES_MAX]:
            with archive.open(entry["file"]) as file:
                images.append(_image(path, file.read(IMAGE_BYTES_MAX + 1), int(entry["slot"])))
        return tuple(images)


def _image(path: Path, content: bytes, slot: int | None) -> FirmwareImage:
    if len(content) < _HEADER.size + _MANIFEST.size or len(content) > IMAGE_BYTES_MAX:
        raise FileFormatError(path, Message("too short or too long for a firmware image"))
    magic, _, header_length, protected, body_length, _, *version = _HEADER.unpack_from(content)
    manifest_magic, board, flags = _MANIFEST.unpack_from(content, _HEADER.size)
    if magic != _MAGIC or manifest_magic != _MANIFEST_MAGIC:
        why = Message("not a firmware image for a bandsense sensor")
        if path.suffix in (".uf2", ".hex"):
            why = Message("a file for a board on a cable; over the air goes the .zip beside it")
        raise FileFormatError(path, why)
    hashed_length = header_length + protected + body_length
    digest = hashlib.sha256(content[:hashed_length]).digest()
    if _stored_digest(content[hashed_length:]) != digest:
        raise FileFormatError(path, Message("damaged: the checksum does not fit; download it again"))
    major, minor, revision, build = version
    return FirmwareImage(
        content,
        slot,
        (major, minor, revision, build),
        board.rstrip(b"\0").decode("ascii", "replace"),
        bool(flags & _DEVELOPMENT),
        digest,
    )


def _stored_digest(trailer: bytes) -> bytes | None:
    """Return the SHA-256 among the fields behind an image; None when they are damaged or have none."""
    if len(trailer) < 4 or struct.unpack_from("<HH", trailer) != (_TLV_MAGIC, len(trailer)):
        return None
    at = 4
    while at + 4 <= len(trailer):
        kind, length = struct.unpack_from("<HH", trailer, at)
        if kind == _TLV_SHA256:
            return trailer[at + 4 : at + 4 + length]
        at += 4 + length
    return None
