"""Every parser that meets bytes from outside: what it may raise, and that what it takes in holds together."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import numpy as np

from bandsense.app.current_trace import read_current_trace
from bandsense.app.importing import keep_session
from bandsense.capture.format import read_capture
from bandsense.capture.replay import replay_capture
from bandsense.errors import BandsenseError
from bandsense.exercises.catalogue import parse_exercise
from bandsense.export.imports import read_sessions
from bandsense.export.recording import read_recording
from bandsense.link.dfu.firmware_file import read_firmware_file
from bandsense.link.drivers.base import AdvertisementData
from bandsense.link.drivers.registry import all_drivers, decoder_named
from bandsense.profiles.library import Profiles
from bandsense.profiles.prescription import Prescription, read_document
from bandsense.profiles.recording_labels import read_labels
from bandsense.profiles.signing import check_signature
from bandsense.samples import SampleBlock, Unit
from bandsense.store import chunks
from bandsense.store.store import Store
from bandsense.wire import imds, progressor, whc06
from bandsense.wire.bandsense import uuids
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import decode_answer
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.requests import decode_request
from bandsense.wire.decoder import ADVERTISEMENT, Decoder

__all__ = ["TARGETS", "run"]

Target = Callable[[bytes], None]
FOLDER = Path(tempfile.gettempdir())


def run(target: Target, data: bytes) -> None:
    """Give bytes to a parser. A `BandsenseError` is an answer; whatever else it raises is a fault."""
    try:
        target(data)
    except BandsenseError as error:
        if not str(error):
            raise AssertionError("an error without a word") from error


def _sound(block: SampleBlock | None, after_s: float = -np.inf) -> float:
    """Check a block for what every room above relies on, and return its last time."""
    if block is None or not len(block):
        return after_s
    assert np.isfinite(block.values).all()
    assert (np.diff(block.time_s, prepend=after_s) > 0).all()
    assert np.isfinite(block.time_s).all()
    return float(block.time_s[-1])


def _notifications(data: bytes) -> list[bytes]:
    """Cut into notifications: each begins with its length."""
    pieces = []
    while data:
        size = data[0] % 64
        pieces.append(data[1 : 1 + size])
        data = data[1 + size :]
    return pieces


def _feed(make: Callable[[], Decoder], characteristic: str) -> Target:
    def target(data: bytes) -> None:
        decoder = make()
        last_s = -np.inf
        for number, piece in enumerate(_notifications(data)):
            block = decoder.interrupt() if not piece else decoder.feed(characteristic, piece, number * 0.05)
            last_s = _sound(block, last_s)
        _sound(decoder.interrupt(), last_s)

    return target


def _advertisement(data: bytes) -> None:
    company = int.from_bytes(data[:2], "little")
    service = str(UUID(bytes=data[2:18].ljust(16, b"\0")))
    heard = AdvertisementData(
        address="00:00:00:00:00:01",
        name=data[18:30].decode("utf-8", "replace"),
        manufacturer_data={company: data[18:], 0x0100: data},
        service_data={service: data[18:]} | dict.fromkeys(_services(), data),
        service_uuids=(service,),
    )
    for driver in all_drivers():
        driver.parse_advertisement(heard)


def _services() -> tuple[str, ...]:
    return tuple(value for name, value in vars(uuids).items() if name.endswith("_UUID"))


def _file(read: Callable[[Path], object], suffix: str) -> Target:
    def target(data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=FOLDER, suffix=suffix) as file:
            file.write(data)
            file.flush()
            read(Path(file.name))

    return target


def _recording(path: Path) -> None:
    _sound(read_recording(path).block)


def _sessions(path: Path) -> None:
    """Take in what a file holds, as `bandsense import` does, and throw it away again."""
    for session in read_sessions(path) or ():
        store = _store()
        store.delete(keep_session(store, path, session))


@cache
def _store() -> Store:
    folder = tempfile.mkdtemp(prefix="bandsense-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Store.open(Path(folder) / "store.sqlite3")


def _prescription(path: Path) -> None:
    document = read_document(path)
    if isinstance(document, Prescription):
        check_signature(document)


def _capture(path: Path) -> None:
    for _ in replay_capture(read_capture(path), decoder_named):
        pass


def _redact(data: bytes) -> None:
    for driver in all_drivers():
        for characteristic in (ADVERTISEMENT, *_services()):
            driver.redact(characteristic, data)
            list(driver.names_in(characteristic, data))


def _drop(_: object) -> None:
    """Drop a value."""


TARGETS: MappingProxyType[str, Target] = MappingProxyType(
    {
        "advertisement": _advertisement,
        "redaction": _redact,
        "frames": _feed(lambda: decoder_named("bandsense"), uuids.MEASUREMENT_UUID),
        "frame": lambda data: _drop(MeasurementFrame.decode(data)),
        "answer": lambda data: _drop(decode_answer(data)),
        "request": lambda data: _drop(decode_request(data)),
        "information": lambda data: _drop(Information.decode(data)),
        "service-data": lambda data: _drop(Advertisement.decode(data)),
        "calibration-record": lambda data: _drop(CalibrationRecord.decode(data)),
        "progressor": _feed(lambda: decoder_named("progressor"), progressor.DATA_UUID),
        "imds": lambda data: _drop(imds.decode_force(data)),
        "whc06": lambda data: _drop(whc06.decode_advertisement(data)),
        "scale": _feed(lambda: decoder_named("whc06"), ADVERTISEMENT),
        "recording": _file(_recording, ".csv"),
        "sessions": _file(_sessions, ".json"),
        "prescription": _file(_prescription, ".toml"),
        "capture": _file(_capture, ".bandcap"),
        "firmware": _file(read_firmware_file, ".zip"),
        "current": _file(read_current_trace, ".csv"),
        "labels": _file(read_labels, ".toml"),
        "profiles": _file(Profiles.read, ".json"),
        "exercise": lambda data: _drop(parse_exercise(data.decode("utf-8", "replace"), source="fuzz.toml")),
        "chunk": lambda data: _drop(_sound(chunks.decode(data, Unit.NEWTON))),
    }
)
"""By name, which is also that of the folder with its corpus."""
