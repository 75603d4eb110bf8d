"""Current over time, as Nordic's Power Profiler Kit II records it and its app saves or exports it.

* `.ppk2`: a ZIP with `metadata.json` (format version 2, samples per second) and `session.raw`, six bytes a
  sample: float32 current in microamperes, uint16 of the digital inputs; little-endian.
* `.csv`: a header with `Timestamp(ms)` and `Current(uA)`, then a line a sample.
"""

from __future__ import annotations

import csv
import json
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bandsense.errors import FileFormatError
from bandsense.language import Message
from bandsense.link.dfu.firmware_file import UNREADABLE_ZIP
from bandsense.samples import FloatArray

__all__ = ["CurrentTrace", "read_current_trace"]

_FORMAT_VERSION = 2
_ABOUT_BYTES_MAX = 1 << 16
_LARGEST = 1 << 30
"""Half an hour at 100 000 samples a second."""
_FRAME = np.dtype([("current_ua", "<f4"), ("digital", "<u2")])
_TIME_COLUMN, _CURRENT_COLUMN = "Timestamp(ms)", "Current(uA)"


@dataclass(frozen=True, slots=True)
class CurrentTrace:
    """Samples of a current, evenly spaced.

    Attributes:
        current_ua: microamperes.
    """

    current_ua: FloatArray
    rate_hz: float

    @property
    def duration_s(self) -> float:
        """How long it was recorded, seconds."""
        return self.current_ua.size / self.rate_hz

    @property
    def mean_ua(self) -> float:
        """Mean current, microamperes."""
        return float(self.current_ua.mean())


def read_current_trace(path: Path) -> CurrentTrace:
    """Read a recording.

    Raises:
        FileFormatError: the file cannot be read, or is no such recording.
    """
    try:
        trace = _from_archive(path) if zipfile.is_zipfile(path) else _from_csv(path)
    except (*UNREADABLE_ZIP, OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise FileFormatError(
            path,
            Message(
                "not a recording of a Power Profiler Kit II ({error}); save it as .ppk2 or export it as CSV",
                error=error,
            ),
        ) from error
    if trace.current_ua.size == 0 or not np.isfinite(trace.current_ua).all() or not trace.rate_hz > 0:
        raise FileFormatError(path, Message("the recording contains no current readings; record again"))
    return trace


def _from_archive(path: Path) -> CurrentTrace:
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.open("metadata.json").read(_ABOUT_BYTES_MAX))
        if about["formatVersion"] != _FORMAT_VERSION:
            raise ValueError(f"format version {about['formatVersion']} instead of {_FORMAT_VERSION}")
        with archive.open("session.raw") as file:
            raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise ValueError(f"more than {_LARGEST // 2**20} MB of samples; record less than half an hour")
    frames = np.frombuffer(raw[: len(raw) - len(raw) % _FRAME.itemsize], _FRAME)
    return CurrentTrace(frames["current_ua"].astype(np.float64), float(about["metadata"]["samplesPerSecond"]))


def _from_csv(path: Path) -> CurrentTrace:
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file), [])
        columns = [header.index(_TIME_COLUMN), header.index(_CURRENT_COLUMN)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a file without samples, which is an error below
            table = np.loadtxt(file, delimiter=",", usecols=columns, ndmin=2)
    time_ms, current_ua = table[:, 0], table[:, 1]
    if time_ms.size < 2:
        raise ValueError("fewer than two samples")
    interval_ms = float(np.median(np.diff(time_ms)))
    if not interval_ms > 0.0:
        raise ValueError("its times do not increase")
    return CurrentTrace(current_ua, 1000.0 / interval_ms)
