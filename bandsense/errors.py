"""Every error that bandsense raises on purpose.

    BandsenseError
    ├── WireError             bytes that do not follow a protocol (wire/)
    │   ├── FrameError        a notification or advertisement that cannot be decoded
    │   └── CommandError      a command that cannot be encoded, or an answer with an error status
    ├── LinkError             the way to a sensor (link/)
    │   ├── SensorNotFound    nothing that matches is on the air
    │   ├── BluetoothOff      adapter missing, switched off or not permitted
    │   ├── ConnectionLost    the link ended while something was waiting for it
    │   ├── PairingError      no bond could be made, or the stored one is stale
    │   ├── SensorBusy        another client holds the sensor
    │   ├── SensorTimeout     the sensor is connected but does not answer
    │   └── UpdateError       a firmware update was refused or did not finish
    ├── DataError             input data that cannot be used (files, arrays, units)
    │   └── FileFormatError   a file, named with the line at fault
    ├── CalibrationError      calibration data that do not determine a calibration
    ├── BandModelError        a band model outside its domain or without enough data
    ├── ConfigError           a profile, exercise or setting that does not validate
    ├── StoreError            sessions cannot be read or written (disk full, locked, newer schema)
    ├── MissingExtra          an optional dependency is not installed
    └── MissingProgram        a program that another one needs is not on this computer

A message says what happened and what to do about it. Library code never prints and never exits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BandModelError",
    "BandsenseError",
    "BluetoothOff",
    "CalibrationError",
    "CommandError",
    "ConfigError",
    "ConnectionLost",
    "DataError",
    "FileFormatError",
    "FrameError",
    "LinkError",
    "MissingExtra",
    "MissingProgram",
    "PairingError",
    "SensorBusy",
    "SensorNotFound",
    "SensorTimeout",
    "StoreError",
    "UpdateError",
    "WireError",
]


class BandsenseError(Exception):
    """Base of every error that bandsense raises on purpose."""


class WireError(BandsenseError):
    """Bytes that do not follow the protocol they claim."""


class FrameError(WireError):
    """A notification, advertisement or stored record that cannot be decoded."""


class CommandError(WireError):
    """A command that cannot be encoded, or that the sensor answered with an error status."""


class LinkError(BandsenseError):
    """Something on the way to a sensor failed."""


class SensorNotFound(LinkError):
    """No sensor that matches the request is on the air."""


class BluetoothOff(LinkError):
    """The adapter is missing, switched off, or this program may not use it."""


class ConnectionLost(LinkError):
    """The link ended while an answer was awaited."""


class PairingError(LinkError):
    """No bond could be made, or the bond that one side holds is stale."""


class SensorBusy(LinkError):
    """Another client is connected to the sensor."""


class SensorTimeout(LinkError):
    """The sensor is connected but did not answer in time."""


class UpdateError(LinkError):
    """A firmware update was refused or did not finish."""


class DataError(BandsenseError):
    """Input data that cannot be used: shapes, order, units, values."""


class FileFormatError(DataError):
    """A file that cannot be read, with the line at fault (1-based) where one is known."""

    def __init__(self, path: Path | str, reason: str, *, line: int | None = None) -> None:
        from pathlib import Path  # not before: every start of the command line imports the errors

        from bandsense.language import Message

        told = Message("{path}: {reason}", path=path, reason=reason)
        if line is not None:
            told = Message("{path}, line {line}: {reason}", path=path, line=line, reason=reason)
        super().__init__(told)
        self.path = Path(path)
        self.line = line
        self.reason = reason


class CalibrationError(BandsenseError):
    """Calibration data that do not determine a calibration, or a calibration that is damaged."""


class BandModelError(BandsenseError):
    """A band model was asked outside its domain, or there are too few data to fit one."""


class ConfigError(BandsenseError):
    """A profile, exercise, plan or setting does not validate."""


class StoreError(BandsenseError):
    """Sessions cannot be read or written."""


class MissingExtra(BandsenseError):
    """An optional dependency is not installed.

    Args:
        feature: what was asked for, in words.
        extra: the name of the extra that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        from bandsense.language import Message

        super().__init__(
            Message(
                "{feature} needs an optional part: pip install 'bandsense[{extra}]'",
                feature=feature,
                extra=extra,
            )
        )
        self.feature = feature
        self.extra = extra


class MissingProgram(BandsenseError):
    """A program that is needed is not on this computer, or does not run."""
