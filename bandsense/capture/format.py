"""Raw captures: everything that came over the air from one sensor, with arrival times, in a file.

    8 bytes   magic and version: "bandcap" and 1
    records   u8 kind · varint time · varint length · payload · u16 check

Time is host time in microseconds, the first of a section absolute, the others since the record before. Check
is the CRC-16/XMODEM of everything before it in the record. Varints are LEB128.

    kind  payload
    1     a section begins, with a new decoder: JSON with driver, address, name, time of day, versions
    2     a characteristic gets the next number (from 0): its UUID, or "advertisement"
    3     u8 number of the characteristic, then the bytes that were read or notified
    4     the stream was interrupted: the link ended, or it was stopped
    5     the link changed: JSON
    6     u8: 0 when nobody reads the samples any more, 1 when somebody does again

The file is only ever appended to, record by record, so that after a crash all but the last one can be read. A
record that is torn or damaged ends the reading; what came before counts. A writer that finds one at the end
of a file cuts it off before it appends.
"""

from __future__ import annotations

import binascii
import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from bandsense.errors import DataError, FileFormatError
from bandsense.files import make_private
from bandsense.language import Message

__all__ = [
    "Capture",
    "CaptureWriter",
    "DeliveryRecord",
    "GapRecord",
    "LinkRecord",
    "SectionRecord",
    "ValueRecord",
    "is_capture",
    "read_capture",
]


MAGIC = b"bandcap\x01"


_US = 1e6


_MAX_PAYLOAD = 1 << 20


_CHECK_BYTES = 2


class _Kind(IntEnum):
    SECTION = 1
    CHARACTERISTIC = 2
    RECEIVED = 3
    INTERRUPTED = 4
    LINK = 5
    DELIVERY = 6


@dataclass(frozen=True, slots=True)
class SectionRecord:
    """One time that a sensor was followed; `about` holds driver, address, name, versions and the like."""

    arrival_s: float
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ValueRecord:
    """A value that was read or notified."""

    arrival_s: float
    characteristic: str
    data: bytes


@dataclass(frozen=True, slots=True)
class GapRecord:
    """The link ended, or the stream was stopped."""

    arrival_s: float


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """The link changed."""

    arrival_s: float
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """Whether samples reach a reader from here on: a sensor may go on sending when the stream was stopped."""

    arrival_s: float
    on: bool


Record = SectionRecord | ValueRecord | GapRecord | LinkRecord | DeliveryRecord


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _check(record: bytes) -> bytes:
    return binascii.crc_hqx(record, 0).to_bytes(_CHECK_BYTES, "little")


class CaptureWriter:
    """Appends what comes over the air to a file, on a thread of its own.

    Args:
        path: made if it does not exist; a further section is appended if it does.
        about: what every section says besides the sensor, such as versions.

    Raises:
        FileFormatError: the file exists and is no capture; it is left as it is.
        DataError: the file cannot be written.
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._about = dict(about or {})
        self._characteristics: dict[str, int] = {}
        self._last_us = 0
        self._error: OSError | None = None
        try:
            keep_bytes = read_capture(path).good_bytes if path.exists() and path.stat().st_size else 0
            make_private(path)
            self._file = path.open("ab", buffering=0)
            self._file.truncate(keep_bytes)
            if not keep_bytes:
                self._file.write(MAGIC)
        except OSError as error:
            raise DataError(
                Message("{path} cannot be written: {error}; choose another file", path=path, error=error)
            ) from error
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="bandsense capture", daemon=True)
        self._thread.start()

    def section(self, arrival_s: float, about: Mapping[str, Any]) -> None:
        """Record that a sensor is followed from here on."""
        self._characteristics.clear()
        self._last_us = 0
        self._append(_Kind.SECTION, arrival_s, json.dumps(self._about | dict(about)).encode())

    def received(self, arrival_s: float, characteristic: str, data: bytes) -> None:
        """Record a notification or advertisement as received."""
        number = self._characteristics.get(characteristic)
        if number is None:
            number = self._characteristics[characteristic] = len(self._characteristics)
            self._append(_Kind.CHARACTERISTIC, arrival_s, characteristic.encode())
        self._append(_Kind.RECEIVED, arrival_s, bytes((number,)) + data)

    def interrupted(self, arrival_s: float) -> None:
        """Record that the link ended or the stream was stopped."""
        self._append(_Kind.INTERRUPTED, arrival_s, b"")

    def link(self, arrival_s: float, event: Mapping[str, Any]) -> None:
        """Record a change of the link."""
        self._append(_Kind.LINK, arrival_s, json.dumps(dict(event)).encode())

    def delivery(self, arrival_s: float, *, on: bool) -> None:
        """Record whether samples reach a reader from here on."""
        self._append(_Kind.DELIVERY, arrival_s, bytes((on,)))

    def close(self) -> None:
        """Write what waits and close the file.

        Raises:
            DataError: the file could not be written, in part or at all; the disk may be full.
        """
        self._queue.put(None)
        self._thread.join()
        self._file.close()
        if self._error is not None:
            raise DataError(
                Message(
                    "{path} is incomplete: {error}; free some space and capture again",
                    path=self.path,
                    error=self._error,
                )
            )

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _append(self, kind: _Kind, arrival_s: float, payload: bytes) -> None:
        at_us = max(round(arrival_s * _US), self._last_us)
        record = bytes((kind,)) + _varint(at_us - self._last_us) + _varint(len(payload)) + payload
        self._last_us = at_us
        self._queue.put(record + _check(record))

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            if self._error is not None:
                continue
            try:
                self._file.write(record)
            except OSError as error:
                self._error = error


def is_capture(path: Path) -> bool:
    """Return whether a file begins as a capture does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC))[: len(MAGIC) - 1] == MAGIC[:-1]
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture that was read.

    Attributes:
        records: in order.
        good_bytes: length of the part of the file that could be read.
        damage: where and why reading ended early; None where everything was read.
    """

    records: tuple[Record, ...]
    good_bytes: int
    damage: str | None


class _Torn(Exception):
    pass


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = len(MAGIC)

    @property
    def ended(self) -> bool:
        return self.at >= len(self._data)

    def record(self) -> tuple[int, int, bytes]:
        start = self.at
        kind = self._bytes(1)[0]
        elapsed_us = self._number()
        size = self._number()
        if size > _MAX_PAYLOAD:
            raise _Torn
        payload = self._bytes(size)
        body = self._data[start : self.at]
        if self._bytes(_CHECK_BYTES) != _check(body):
            raise _Torn
        return kind, elapsed_us, payload

    def _bytes(self, size: int) -> bytes:
        piece = self._data[self.at : self.at + size]
        if len(piece) < size:
            raise _Torn
        self.at += size
        return piece

    def _number(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._bytes(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise _Torn


def _json(payload: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise _Torn from None
    if not isinstance(value, dict):
        raise _Torn
    return value


def read_capture(path: Path) -> Capture:
    """Read a capture; kinds of record of a later version are passed over.

    Raises:
        FileFormatError: the file is no capture, or of a version that this program does not know.
        DataError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(Message("{path} cannot be read: {error}", path=path, error=error)) from error
    if data[: len(MAGIC)] != MAGIC:
        if is_capture(path) and len(data) >= len(MAGIC):
            raise FileFormatError(
                path,
                Message(
                    "is a capture of version {data}; update bandsense to read it", data=data[len(MAGIC) - 1]
                ),
            )
        raise FileFormatError(
            path, Message("is not a capture; captures are made with `bandsense live --capture FILE`")
        )
    reader = _Reader(data)
    records: list[Record] = []
    characteristics: list[str] = []
    at_us = 0
    while not reader.ended:
        start = reader.at
        try:
            kind, elapsed_us, payload = reader.record()
            at_us = elapsed_us if kind == _Kind.SECTION else at_us + elapsed_us
            arrival_s = at_us / _US
            match kind:
                case _Kind.SECTION:
                    characteristics.clear()
                    records.append(SectionRecord(arrival_s, _json(payload)))
                case _Kind.CHARACTERISTIC:
                    characteristics.append(payload.decode(errors="replace"))
                case _Kind.RECEIVED:
                    if not payload or payload[0] >= len(characteristics):
                        raise _Torn
                    records.append(ValueRecord(arrival_s, characteristics[payload[0]], payload[1:]))
                case _Kind.INTERRUPTED:
                    records.append(GapRecord(arrival_s))
                case _Kind.LINK:
                    records.append(LinkRecord(arrival_s, _json(payload)))
                case _Kind.DELIVERY:
                    records.append(DeliveryRecord(arrival_s, on=payload != b"\0"))
        except _Torn:
            left = len(data) - start
            damage = f"the record at byte {start} is torn; {left} bytes were not read"
            return Capture(tuple(records), start, damage)
    return Capture(tuple(records), len(data), None)
