"""What can go wrong on the way to a sensor, recognised and told in words.

Bluetooth stacks report trouble in many ways; here each becomes a `LinkError` with a message for people, and a
`Trouble` that a program can branch on. docs/staying-connected.md lists them with what to do per system.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak_retry_connector import BleakNotFoundError

from bandsense.errors import (
    BandsenseError,
    BluetoothOff,
    CommandError,
    ConnectionLost,
    FrameError,
    LinkError,
    PairingError,
    SensorBusy,
    SensorNotFound,
    SensorTimeout,
)
from bandsense.wire.bandsense.codes import ATT_INSUFFICIENT_AUTHENTICATION, ATT_INSUFFICIENT_ENCRYPTION

__all__ = [
    "BLUETOOTH_ERRORS",
    "AttError",
    "NotHeard",
    "StaleBond",
    "Trouble",
    "link_error",
    "message_of",
    "trouble_of",
]

BLUETOOTH_ERRORS = (
    BleakError,
    TimeoutError,
    OSError,
    EOFError,
    AttributeError,
    KeyError,
    NotImplementedError,
)
"""What bleak lets through: its own errors, those of a D-Bus socket that dies (`OSError`, `EOFError`), and the
`AttributeError` and `KeyError` of its BlueZ backend when a device or service vanishes under its hands."""


class Trouble(Enum):
    """Why there is no link, or no stream."""

    BLUETOOTH_OFF = "bluetooth off"
    ADAPTER_MISSING = "adapter missing"
    NOT_PERMITTED = "not permitted"
    SERVICE_DOWN = "bluetooth service down"
    NOT_HEARD = "not heard"
    OUT_OF_RANGE = "out of range"
    ASLEEP = "asleep"
    BATTERY_EMPTY = "battery empty"
    BUSY = "taken by another client"
    LINK_LOST = "link lost"
    CONNECT_FAILED = "connecting failed"
    NOT_PAIRED = "not paired"
    STALE_BOND = "stale bond"
    NO_ANSWER = "no answer"
    REFUSED = "refused"
    MISUNDERSTOOD = "misunderstood"
    SUSPENDED = "computer suspended"
    OTHER = "other"


_REASON_TROUBLE = {
    BleakBluetoothNotAvailableReason.POWERED_OFF: Trouble.BLUETOOTH_OFF,
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: Trouble.ADAPTER_MISSING,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: Trouble.ADAPTER_MISSING,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: Trouble.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: Trouble.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: Trouble.NOT_PERMITTED,
}
_DBUS_TROUBLE = {
    "org.bluez.Error.NotReady": Trouble.BLUETOOTH_OFF,
    "org.bluez.Error.AuthenticationFailed": Trouble.NOT_PAIRED,
    "org.bluez.Error.AuthenticationCanceled": Trouble.NOT_PAIRED,
    "org.bluez.Error.AuthenticationRejected": Trouble.NOT_PAIRED,
    "org.bluez.Error.AuthenticationTimeout": Trouble.NOT_PAIRED,
    "org.freedesktop.DBus.Error.ServiceUnknown": Trouble.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.NameHasNoOwner": Trouble.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.NoReply": Trouble.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.Disconnected": Trouble.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.AccessDenied": Trouble.NOT_PERMITTED,
}
_SECURITY_ATT_ERRORS = (ATT_INSUFFICIENT_AUTHENTICATION, ATT_INSUFFICIENT_ENCRYPTION)

_SWITCH_ON = {
    "linux": "switch it on in the settings, or with: bluetoothctl power on",
    "darwin": "switch it on in the menu bar or in System Settings › Bluetooth",
    "win32": "switch it on in Settings › Bluetooth & devices",
}
_PERMIT = {
    "linux": "add your user to the group bluetooth and log in again",
    "darwin": "allow your terminal in System Settings › Privacy & Security › Bluetooth",
    "win32": "allow it in Settings › Privacy & security › Radios",
}
_RESTART_SERVICE = {
    "linux": "start it with: sudo systemctl start bluetooth",
    "darwin": "switch Bluetooth off and on",
    "win32": "restart the Bluetooth Support Service or the computer",
}
_FORGET = {
    "linux": "press its button, then run: bandsense pair",
    "darwin": "choose “Forget This Device” in System Settings › Bluetooth, then run: bandsense pair",
    "win32": "remove it in Settings › Bluetooth & devices, then run: bandsense pair",
}


def _here(advice: dict[str, str]) -> str:
    return advice.get(sys.platform, advice["linux"])


_MESSAGES: dict[Trouble, Callable[[], str]] = {
    Trouble.BLUETOOTH_OFF: lambda: f"Bluetooth is switched off; {_here(_SWITCH_ON)}",
    Trouble.ADAPTER_MISSING: lambda: "no Bluetooth adapter is there; plug one in",
    Trouble.NOT_PERMITTED: lambda: f"this program may not use Bluetooth; {_here(_PERMIT)}",
    Trouble.SERVICE_DOWN: lambda: (
        f"the computer's Bluetooth service is not running; {_here(_RESTART_SERVICE)}"
    ),
    Trouble.NOT_HEARD: lambda: (
        "the sensor is not heard; press its button or pull the band to wake it, and bring it nearer"
    ),
    Trouble.OUT_OF_RANGE: lambda: "the sensor vanished while it was streaming; bring it back into range",
    Trouble.ASLEEP: lambda: "the sensor sleeps; press its button or pull the band to wake it",
    Trouble.BATTERY_EMPTY: lambda: "the sensor's battery was nearly empty when it vanished; charge it",
    Trouble.BUSY: lambda: "another phone or computer is connected to the sensor; disconnect it there",
    Trouble.LINK_LOST: lambda: "the link to the sensor was lost",
    Trouble.CONNECT_FAILED: lambda: "connecting to the sensor failed; it is tried again",
    Trouble.NOT_PAIRED: lambda: (
        "the sensor and this computer are not paired; press the sensor's button and run: bandsense pair"
    ),
    Trouble.STALE_BOND: lambda: f"the sensor has forgotten this computer; {_here(_FORGET)}",
    Trouble.NO_ANSWER: lambda: "the sensor is connected but does not answer; switch it off and on",
    Trouble.SUSPENDED: lambda: "the computer was asleep, and the link ended with that",
}


def message_of(trouble: Trouble) -> str:
    """A trouble in words, with what to do about it."""
    words = _MESSAGES.get(trouble)
    return words() if words else f"trouble with the sensor: {trouble.value}"


class AttError(LinkError):
    """The sensor answered a read, write or subscription with this ATT error code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class NotHeard(SensorNotFound):
    """The sensor is not on the air; `trouble` says what is known of why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(message_of(trouble))
        self.trouble = trouble


class StaleBond(PairingError):
    """This computer holds a bond that the sensor has forgotten."""

    def __init__(self) -> None:
        super().__init__(message_of(Trouble.STALE_BOND))


def _mentions(error: BaseException, *words: str) -> bool:
    text = str(error).lower()
    return any(word in text for word in words)


def _bluetooth_trouble(error: BaseException) -> Trouble:
    match error:
        case BleakBluetoothNotAvailableError():
            return _REASON_TROUBLE.get(error.reason, Trouble.BLUETOOTH_OFF)
        case BleakGATTProtocolError():
            return Trouble.NOT_PAIRED if error.code in _SECURITY_ATT_ERRORS else Trouble.REFUSED
        case BleakCharacteristicNotFoundError():
            return Trouble.MISUNDERSTOOD
        case BleakDeviceNotFoundError() | BleakNotFoundError() | TimeoutError():
            return Trouble.NOT_HEARD
        case BleakDBusError():
            return _DBUS_TROUBLE.get(error.dbus_error, Trouble.CONNECT_FAILED)
        case FileNotFoundError() | ConnectionRefusedError() | EOFError() | BrokenPipeError():
            return Trouble.SERVICE_DOWN
        case PermissionError():
            return Trouble.NOT_PERMITTED
        case BleakError() if _mentions(error, "adapter '"):
            return Trouble.ADAPTER_MISSING
        case BleakError() if _mentions(error, "disconnected", "not connected", "discovery has not been"):
            # The last is what bleak says of the services of a link that has gone in the meantime.
            return Trouble.LINK_LOST
        case BleakError() if _mentions(error, "key_missing", "key missing"):
            return Trouble.STALE_BOND
        case BleakError() if _mentions(error, "authentication", "pairing"):
            return Trouble.NOT_PAIRED
        case _:
            return Trouble.CONNECT_FAILED


_OWN_TROUBLE: tuple[tuple[type[BandsenseError], Trouble], ...] = (
    (BluetoothOff, Trouble.BLUETOOTH_OFF),
    (SensorNotFound, Trouble.NOT_HEARD),
    (SensorBusy, Trouble.BUSY),
    (SensorTimeout, Trouble.NO_ANSWER),
    (StaleBond, Trouble.STALE_BOND),
    (PairingError, Trouble.NOT_PAIRED),
    (ConnectionLost, Trouble.LINK_LOST),
    (CommandError, Trouble.REFUSED),
    (FrameError, Trouble.MISUNDERSTOOD),
)


def trouble_of(error: BaseException) -> Trouble:
    """The trouble behind an error of bleak or of bandsense."""
    if isinstance(error, NotHeard):
        return error.trouble
    if isinstance(error, BandsenseError):
        if (
            isinstance(error, LinkError)
            and not isinstance(error, StaleBond)
            and isinstance(error.__cause__, BLUETOOTH_ERRORS)
        ):
            return trouble_of(error.__cause__)
        return next((trouble for kind, trouble in _OWN_TROUBLE if isinstance(error, kind)), Trouble.OTHER)
    if isinstance(error.__cause__, BLUETOOTH_ERRORS):
        inner = _bluetooth_trouble(error.__cause__)
        if inner is not Trouble.CONNECT_FAILED:
            return inner
    return _bluetooth_trouble(error)


_ERROR_CLASSES: dict[Trouble, type[LinkError]] = {
    Trouble.BLUETOOTH_OFF: BluetoothOff,
    Trouble.ADAPTER_MISSING: BluetoothOff,
    Trouble.NOT_PERMITTED: BluetoothOff,
    Trouble.SERVICE_DOWN: BluetoothOff,
    Trouble.NOT_HEARD: SensorNotFound,
    Trouble.BUSY: SensorBusy,
    Trouble.LINK_LOST: ConnectionLost,
    Trouble.NOT_PAIRED: PairingError,
}


def link_error(error: BaseException, doing: str) -> LinkError:
    """The `LinkError` for what bleak raised while `doing` something; raise it `from` the same error."""
    trouble = trouble_of(error)
    if isinstance(error, BleakGATTProtocolError) and trouble is Trouble.REFUSED:
        return AttError(f"{doing} failed: the sensor answered with ATT error 0x{error.code:02x}", error.code)
    if trouble is Trouble.STALE_BOND:
        return StaleBond()
    kind = _ERROR_CLASSES.get(trouble, LinkError)
    detail = str(error) or type(error).__name__
    if trouble in (Trouble.CONNECT_FAILED, Trouble.MISUNDERSTOOD):
        return kind(f"{doing} failed: {detail}")
    return kind(f"{doing} failed: {message_of(trouble)}")
