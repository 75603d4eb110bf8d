"""Current over time, as Nordic's Power Profiler Kit II records it and its app saves or exports it.

* `.ppk2`: a ZIP with `metadata.json` (format version 2, samples per second) and `session.raw`, six bytes a
  sample: float32 current in microamperes, uint16 of the digital inputs; little-endian.
* `.csv`: a header with `Timestamp(ms)` and `Current(uA)`, then a line a sample.
"""

from __future__ import annotations

import csv
import json
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bandsense.errors import FileFormatError
from bandsense.samples import FloatArray

__all__ = ["CurrentTrace", "read_current_trace"]

_FORMAT_VERSION = 2
_MOST_BYTES = 2_000_000_000
"""An hour at 100 000 samples a second; more is no recording of a session."""
_MOST_METADATA_BYTES = 1 << 16
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
    except (
        *(OSError, ValueError, LookupError, TypeError, RuntimeError, EOFError),
        *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, csv.Error),
    ) as error:
        raise FileFormatError(
            path, f"no recording of a Power Profiler Kit II ({error}); save it as .ppk2 or export it as CSV"
        ) from error
    if trace.current_ua.size == 0 or not np.isfinite(trace.current_ua).all() or not trace.rate_hz > 0:
        raise FileFormatError(path, "the recording holds no current")
    return trace


def _from_archive(path: Path) -> CurrentTrace:
    with zipfile.ZipFile(path) as archive:
        if any(entry.file_size > _MOST_BYTES for entry in archive.infolist()):
            raise ValueError(f"more than {_MOST_BYTES / 1e9:.0f} GB")
        with archive.open("metadata.json") as file:
            about = json.loads(file.read(_MOST_METADATA_BYTES))
        if about["formatVersion"] != _FORMAT_VERSION:
            raise ValueError(f"format version {about['formatVersion']} instead of {_FORMAT_VERSION}")
        raw = archive.read("session.raw")
    frames = np.frombuffer(raw[: len(raw) - len(raw) % _FRAME.itemsize], _FRAME)
    return CurrentTrace(frames["current_ua"].astype(np.float64), float(about["metadata"]["samplesPerSecond"]))


def _from_csv(path: Path) -> CurrentTrace:
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file), [])
        columns = [header.index(_TIME_COLUMN), header.index(_CURRENT_COLUMN)]
        table = np.loadtxt(file, delimiter=",", usecols=columns, ndmin=2)
    time_ms, current_ua = table[:, 0], table[:, 1]
    if time_ms.size < 2:
        raise ValueError("fewer than two samples")
    return CurrentTrace(current_ua, 1000.0 / float(np.median(np.diff(time_ms))))
