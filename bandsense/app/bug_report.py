"""One file for a bug report: versions, adapter, logs, the last capture; names and addresses are masked."""

from __future__ import annotations

import asyncio
import getpass
import json
import platform
import re
import shutil
import socket
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bandsense.capture.format import (
    Capture,
    CaptureWriter,
    DeliveryRecord,
    GapRecord,
    LinkRecord,
    SectionRecord,
    ValueRecord,
    read_capture,
)
from bandsense.errors import ConfigError, DataError
from bandsense.files import make_private
from bandsense.language import Message
from bandsense.link.drivers.base import Driver
from bandsense.link.drivers.registry import driver_named

__all__ = ["Mask", "adapter_facts", "masked_capture", "nameless", "software_versions", "write_bundle"]

_PACKAGES = ("bandsense", "bleak", "bleak-retry-connector", "dbus-fast", "numpy", "scipy", "bumble")
_LOG_BYTES = 1 << 20
_DBUS_TIMEOUT_S = 5.0

_MAC = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}([:_-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])"
)
_CORE_BLUETOOTH_ID = re.compile(r"\b[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}\b")
"""macOS gives every device an own id, in upper case; UUIDs of services are written in lower case here."""
_SERIAL = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{16}(?![0-9A-Za-z])")
"""As bandsense writes serial numbers."""
_FILES = ("csv", "bandcap", "json", "sqlite3", "zip", "fit", "parquet", "toml", "html", "pdf", "png", "txt")
_SENSOR_NAME = re.compile(r"\b(bandsense-|Progressor_)\w{2,}")
_PATH = re.compile(
    r"(?<![\w/<>:.~-])(?:~|[A-Za-z]:(?=[\\/]))?(?:[\\/][^\s\\/:;,'\"<>|]+)+"  # absolute
    r"(?: [^\\/:;,'\"<>|\n]*[\\/][^\s\\/:;,'\"<>|]+)*"  # that go on after a space
    r"|(?<![\w/<>:.~-])[\w.-]+(?:/[\w.-]+)*/[\w.-]+\.\w{1,9}\b"  # relative, of a file
)
_KNOWN_PATH = re.compile(
    r"(?:site-packages|python3[.\d]*|bandsense)/[\w/.-]+\.py$|^/(?:org/bluez|dev|proc|sys|usr|etc)(?:/|$).*"
)
_ENDING = re.compile(r"\.\w{1,9}$")
_FILE = re.compile(
    rf"(?<![\w<>/.-])(?!session-\d|bandsense|last-capture|facts)(\w[\w-]*)\.({'|'.join(_FILES)})\b"
)
_HARMLESS = frozenset(("", "root", "localhost"))
_NAMES_OF_ADAPTER = ("Name", "Alias")
"""BlueZ takes the computer's name, or what its owner has chosen."""


class Mask:
    """Replaces addresses and names by numbers, the same one by the same, throughout one bundle.

    Args:
        names: what else to replace wherever it occurs, such as labels of sensors and people's names.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = {_user_name(), socket.gethostname(), socket.gethostname().partition(".")[0]}
        unusual = {name for name in (*names, *own) if not _SENSOR_NAME.fullmatch(name)}
        self._names = sorted(unusual - _HARMLESS, key=len, reverse=True)
        self._numbers: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Mask names and addresses in a text."""
        text = text.replace(str(Path.home()), "~") if Path.home() != Path("/") else text
        for name in self._names:
            whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
            text = whole.sub(lambda m: self._number("name", m[0].casefold()), text)
        text = self._without_paths(text)
        text = _SERIAL.sub(lambda m: self._number("serial", m[0].lower()), text)
        text = _SENSOR_NAME.sub(lambda m: m[1] + self._number("sensor", m[0]), text)
        for pattern in (_MAC, _CORE_BLUETOOTH_ID):
            text = pattern.sub(lambda m: self._number("address", m[0].upper().replace("_", ":")), text)
        return text

    def _without_paths(self, text: str) -> str:
        """Replace paths of folders and files by numbers; what belongs to the system or to Python stays."""
        text = _PATH.sub(lambda m: self._path(m[0]), text)
        return _FILE.sub(lambda m: f"{self._number('file', m[1])}.{m[2]}", text)

    def _path(self, path: str) -> str:
        if (kept := _KNOWN_PATH.search(path)) is not None:
            return kept[0]
        ending = _ENDING.search(path)
        return self._number("path", path) + (ending[0] if ending else "")

    def value(self, value: Any) -> Any:
        """Mask every text in a structure of plain values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def _number(self, kind: str, original: str) -> str:
        if original not in self._numbers:
            count = sum(known.startswith(f"<{kind} ") for known in self._numbers.values())
            self._numbers[original] = f"<{kind} {count + 1}>"
        return self._numbers[original]


def _user_name() -> str:
    # Without a password entry (a container) there is no name to mask.
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return ""


def software_versions() -> dict[str, str]:
    """Versions of Python, the system and what bandsense builds on."""
    found = {"python": sys.version.split()[0], "system": platform.platform()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


async def adapter_facts() -> dict[str, Any]:
    """Return what the system reports about its Bluetooth adapters; only BlueZ reports much. Not masked."""
    if sys.platform != "linux":
        return {"adapters": "not told by this system"}
    facts: dict[str, Any] = {"bluez": await _bluez_version()}
    try:
        async with asyncio.timeout(_DBUS_TIMEOUT_S):
            facts["adapters"] = await _bluez_adapters()
    except (OSError, EOFError, TimeoutError) as error:
        facts["adapters"] = f"no answer over D-Bus: {error!r}"
    return facts


async def _bluez_version() -> str:
    program = shutil.which("bluetoothctl")
    if program is None:
        return "not installed"
    process = await asyncio.create_subprocess_exec(
        program, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip()


async def _bluez_adapters() -> Any:
    from dbus_fast import BusType, Message, MessageType, unpack_variants
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        reply = await bus.call(
            Message(
                destination="org.bluez",
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="GetManagedObjects",
            )
        )
        if reply.message_type is MessageType.ERROR:
            return f"BlueZ does not answer: {reply.error_name}"
        objects = unpack_variants(reply.body[0])
        return {
            path: nameless(interfaces["org.bluez.Adapter1"])
            for path, interfaces in objects.items()
            if "org.bluez.Adapter1" in interfaces
        }
    finally:
        bus.disconnect()


def nameless(adapter: Mapping[str, Any]) -> dict[str, Any]:
    """Return BlueZ's description of an adapter, without its name."""
    return {key: value for key, value in adapter.items() if key not in _NAMES_OF_ADAPTER}


def _driver_of(section: SectionRecord) -> Driver | None:
    """Return the driver of a section; None where it is not installed, or cannot redact."""
    try:
        driver = driver_named(str(section.about.get("driver")))
    except ConfigError:
        return None
    return driver if hasattr(driver, "redact") else None


def _names_in(capture: Capture) -> Iterator[str]:
    """List what the sensors of a capture are called."""
    driver: Driver | None = None
    for record in capture.records:
        if isinstance(record, SectionRecord):
            driver = _driver_of(record)
            yield str(record.about.get("name", ""))
        elif isinstance(record, ValueRecord) and driver is not None:
            yield from driver.names_in(record.characteristic, record.data)


def masked_capture(capture: Capture, target: Path, mask: Mask) -> None:
    """Write a capture again: the same samples at the same times, without names, addresses and serials.

    Each driver redacts what its sensors send (`Driver.redact`); what no driver can redact is left out.

    Raises:
        DataError: the file cannot be written.
    """
    driver: Driver | None = None
    with CaptureWriter(target) as writer:
        for record in capture.records:
            match record:
                case SectionRecord():
                    driver = _driver_of(record)
                    left_out = {} if driver else {"values": "left out: the driver cannot redact them"}
                    writer.section(record.arrival_s, mask.value({**record.about, **left_out}))
                case ValueRecord() if driver is not None:
                    redacted = driver.redact(record.characteristic, record.data)
                    writer.received(record.arrival_s, record.characteristic, redacted)
                case GapRecord():
                    writer.interrupted(record.arrival_s)
                case LinkRecord():
                    writer.link(record.arrival_s, mask.value(_without_note(record.event)))
                case DeliveryRecord():
                    writer.delivery(record.arrival_s, on=record.on)


def _without_note(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what a person wrote of a set: it may say anything. The scores stay, for the replay."""
    if event.get("input") != "feedback":
        return event
    data = event["data"]
    return {**event, "data": {**data, "said": {**data["said"], "note": ""}}}


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_BYTES))
        return file.read().decode(errors="replace")


def write_bundle(
    path: Path,
    facts: Mapping[str, Any],
    *,
    logs: Iterable[Path] = (),
    capture: Path | None = None,
    names: Iterable[str] = (),
) -> None:
    """Write the bundle as a ZIP file, which must not exist yet.

    Args:
        path: where to.
        facts: what is known, such as `software_versions()`, `adapter_facts()` and the findings of `doctor`;
            plain values. It becomes `facts.json`.
        logs: text files of which the last megabyte is taken.
        capture: the last raw capture.
        names: names of people, sensors and bands that must not be told.

    Raises:
        FileFormatError: the capture is none.
        DataError: a file cannot be read or written.
    """
    read = None if capture is None else read_capture(capture)
    mask = Mask([*names, *(_names_in(read) if read else ())])
    try:
        with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            make_private(path)
            text = json.dumps(mask.value(facts), indent=1, ensure_ascii=False, default=str)
            bundle.writestr("facts.json", _encoded(text))
            for log in logs:
                bundle.writestr(f"logs/{log.name}", _encoded(mask.text(_tail(log))))
            if read is not None:
                _add_capture(bundle, read, mask)
    except FileExistsError:
        raise DataError(Message("{path} exists already; choose another name", path=path)) from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise DataError(
            Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
        ) from error


def _encoded(text: str) -> bytes:
    """Encode a text; what is none (half a pair of surrogates, of a file name that is no UTF-8) is escaped."""
    return text.encode("utf-8", errors="backslashreplace")


def _add_capture(bundle: zipfile.ZipFile, capture: Capture, mask: Mask) -> None:
    with tempfile.TemporaryDirectory() as folder:
        masked = Path(folder) / "last.bandcap"
        masked_capture(capture, masked, mask)
        bundle.write(masked, masked.name)
