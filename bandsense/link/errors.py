"""What can go wrong on the way to a sensor, recognised and told in words.

Bluetooth stacks report trouble in many ways; here each becomes a `LinkError` with a message for people, and
a `LinkErrorReason` that a program can branch on. docs/staying-connected.md lists them with what to do per
system.
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
from bandsense.language import Message, mark
from bandsense.wire.bandsense.codes import ATT_INSUFFICIENT_AUTHENTICATION, ATT_INSUFFICIENT_ENCRYPTION

__all__ = [
    "BLUETOOTH_ERRORS",
    "AttError",
    "LinkErrorReason",
    "SensorUnreachable",
    "StaleBond",
    "describe",
    "link_error",
    "reason_for",
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


class LinkErrorReason(Enum):
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


_BLEAK_REASONS = {
    BleakBluetoothNotAvailableReason.POWERED_OFF: LinkErrorReason.BLUETOOTH_OFF,
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: LinkErrorReason.ADAPTER_MISSING,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: LinkErrorReason.ADAPTER_MISSING,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: LinkErrorReason.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: LinkErrorReason.NOT_PERMITTED,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: LinkErrorReason.NOT_PERMITTED,
}
_DBUS_REASONS = {
    "org.bluez.Error.NotReady": LinkErrorReason.BLUETOOTH_OFF,
    "org.bluez.Error.AuthenticationFailed": LinkErrorReason.NOT_PAIRED,
    "org.bluez.Error.AuthenticationCanceled": LinkErrorReason.NOT_PAIRED,
    "org.bluez.Error.AuthenticationRejected": LinkErrorReason.NOT_PAIRED,
    "org.bluez.Error.AuthenticationTimeout": LinkErrorReason.NOT_PAIRED,
    "org.freedesktop.DBus.Error.ServiceUnknown": LinkErrorReason.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.NameHasNoOwner": LinkErrorReason.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.NoReply": LinkErrorReason.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.Disconnected": LinkErrorReason.SERVICE_DOWN,
    "org.freedesktop.DBus.Error.AccessDenied": LinkErrorReason.NOT_PERMITTED,
}
_SECURITY_ATT_ERRORS = (ATT_INSUFFICIENT_AUTHENTICATION, ATT_INSUFFICIENT_ENCRYPTION)

_SWITCH_ON = {
    "linux": mark("switch it on in the settings, or with: bluetoothctl power on"),
    "darwin": mark("switch it on in the menu bar or in System Settings › Bluetooth"),
    "win32": mark("switch it on in Settings › Bluetooth & devices"),
}
_PERMIT = {
    "linux": mark("add your user to the group bluetooth and log in again"),
    "darwin": mark("allow your terminal in System Settings › Privacy & Security › Bluetooth"),
    "win32": mark("allow it in Settings › Privacy & security › Radios"),
}
_RESTART_SERVICE = {
    "linux": mark("start it with: sudo systemctl start bluetooth"),
    "darwin": mark("switch Bluetooth off and on"),
    "win32": mark("restart the Bluetooth Support Service or the computer"),
}
_FORGET = {
    "linux": mark("press its button, then run `bandsense pair`"),
    "darwin": mark("choose “Forget This Device” in System Settings › Bluetooth, then run `bandsense pair`"),
    "win32": mark("remove it in Settings › Bluetooth & devices, then run `bandsense pair`"),
}


def _here(advice: dict[str, str]) -> Message:
    return Message(advice.get(sys.platform, advice["linux"]))


_MESSAGES: dict[LinkErrorReason, Callable[[], Message]] = {
    LinkErrorReason.BLUETOOTH_OFF: lambda: Message(
        "Bluetooth is switched off; {what}", what=_here(_SWITCH_ON)
    ),
    LinkErrorReason.ADAPTER_MISSING: lambda: Message("no Bluetooth adapter was found; plug one in"),
    LinkErrorReason.NOT_PERMITTED: lambda: Message(
        "this program may not use Bluetooth; {what}", what=_here(_PERMIT)
    ),
    LinkErrorReason.SERVICE_DOWN: lambda: Message(
        "the computer's Bluetooth service is not running; {what}", what=_here(_RESTART_SERVICE)
    ),
    LinkErrorReason.NOT_HEARD: lambda: Message(
        "the sensor cannot be heard; press its button or pull the band to wake it, and bring it nearer"
    ),
    LinkErrorReason.OUT_OF_RANGE: lambda: Message(
        "the sensor vanished while it was streaming; bring it back into range"
    ),
    LinkErrorReason.ASLEEP: lambda: Message(
        "the sensor sleeps; press its button or pull the band to wake it"
    ),
    LinkErrorReason.BATTERY_EMPTY: lambda: Message(
        "the sensor's battery was nearly empty when it vanished; charge it"
    ),
    LinkErrorReason.BUSY: lambda: Message(
        "another phone or computer is connected to the sensor; disconnect it there"
    ),
    LinkErrorReason.LINK_LOST: lambda: Message("the link to the sensor was lost"),
    LinkErrorReason.CONNECT_FAILED: lambda: Message("connecting to the sensor failed; trying again"),
    LinkErrorReason.NOT_PAIRED: lambda: Message(
        "the sensor and this computer are not paired; press the sensor's button and run `bandsense pair`"
    ),
    LinkErrorReason.STALE_BOND: lambda: Message(
        "the sensor has forgotten this computer; {what}", what=_here(_FORGET)
    ),
    LinkErrorReason.NO_ANSWER: lambda: Message(
        "the sensor is connected but does not answer; switch it off and on"
    ),
    LinkErrorReason.SUSPENDED: lambda: Message("the computer went to sleep, which ended the link"),
}


def describe(reason: LinkErrorReason) -> Message:
    """Describe a reason in words, with what to do about it."""
    words = _MESSAGES.get(reason)
    return words() if words else Message("trouble with the sensor: {reason}", reason=reason.value)


class AttError(LinkError):
    """The sensor answered a read, write or subscription with this ATT error code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class SensorUnreachable(SensorNotFound):
    """The sensor is not on the air; `reason` says what is known of why."""

    def __init__(self, reason: LinkErrorReason) -> None:
        super().__init__(describe(reason))
        self.reason = reason


class StaleBond(PairingError):
    """This computer holds a bond that the sensor has forgotten."""

    def __init__(self) -> None:
        super().__init__(describe(LinkErrorReason.STALE_BOND))


def _mentions(error: BaseException, *words: str) -> bool:
    text = str(error).lower()
    return any(word in text for word in words)


def _bluetooth_reason(error: BaseException) -> LinkErrorReason:
    match error:
        case BleakBluetoothNotAvailableError():
            return _BLEAK_REASONS.get(error.reason, LinkErrorReason.BLUETOOTH_OFF)
        case BleakGATTProtocolError():
            return (
                LinkErrorReason.NOT_PAIRED if error.code in _SECURITY_ATT_ERRORS else LinkErrorReason.REFUSED
            )
        case BleakCharacteristicNotFoundError():
            return LinkErrorReason.MISUNDERSTOOD
        case BleakDeviceNotFoundError() | BleakNotFoundError() | TimeoutError():
            return LinkErrorReason.NOT_HEARD
        case BleakDBusError():
            return _DBUS_REASONS.get(error.dbus_error, LinkErrorReason.CONNECT_FAILED)
        case FileNotFoundError() | ConnectionRefusedError() | EOFError() | BrokenPipeError():
            return LinkErrorReason.SERVICE_DOWN
        case PermissionError():
            return LinkErrorReason.NOT_PERMITTED
        case BleakError() if _mentions(error, "adapter '"):
            return LinkErrorReason.ADAPTER_MISSING
        case BleakError() if _mentions(error, "disconnected", "not connected", "discovery has not been"):
            # The last is what bleak says of the services of a link that has gone in the meantime.
            return LinkErrorReason.LINK_LOST
        case BleakError() if _mentions(error, "key_missing", "key missing"):
            return LinkErrorReason.STALE_BOND
        case BleakError() if _mentions(error, "authentication", "pairing"):
            return LinkErrorReason.NOT_PAIRED
        case _:
            return LinkErrorReason.CONNECT_FAILED


_OWN_REASONS: tuple[tuple[type[BandsenseError], LinkErrorReason], ...] = (
    (BluetoothOff, LinkErrorReason.BLUETOOTH_OFF),
    (SensorNotFound, LinkErrorReason.NOT_HEARD),
    (SensorBusy, LinkErrorReason.BUSY),
    (SensorTimeout, LinkErrorReason.NO_ANSWER),
    (StaleBond, LinkErrorReason.STALE_BOND),
    (PairingError, LinkErrorReason.NOT_PAIRED),
    (ConnectionLost, LinkErrorReason.LINK_LOST),
    (CommandError, LinkErrorReason.REFUSED),
    (FrameError, LinkErrorReason.MISUNDERSTOOD),
)


def reason_for(error: BaseException) -> LinkErrorReason:
    """Return the reason behind an error of bleak or of bandsense."""
    if isinstance(error, SensorUnreachable):
        return error.reason
    if isinstance(error, BandsenseError):
        if (
            isinstance(error, LinkError)
            and not isinstance(error, StaleBond)
            and isinstance(error.__cause__, BLUETOOTH_ERRORS)
        ):
            return reason_for(error.__cause__)
        return next(
            (reason for kind, reason in _OWN_REASONS if isinstance(error, kind)), LinkErrorReason.OTHER
        )
    if isinstance(error.__cause__, BLUETOOTH_ERRORS):
        inner = _bluetooth_reason(error.__cause__)
        if inner is not LinkErrorReason.CONNECT_FAILED:
            return inner
    return _bluetooth_reason(error)


_ERROR_CLASSES: dict[LinkErrorReason, type[LinkError]] = {
    LinkErrorReason.BLUETOOTH_OFF: BluetoothOff,
    LinkErrorReason.ADAPTER_MISSING: BluetoothOff,
    LinkErrorReason.NOT_PERMITTED: BluetoothOff,
    LinkErrorReason.SERVICE_DOWN: BluetoothOff,
    LinkErrorReason.NOT_HEARD: SensorNotFound,
    LinkErrorReason.BUSY: SensorBusy,
    LinkErrorReason.LINK_LOST: ConnectionLost,
    LinkErrorReason.NOT_PAIRED: PairingError,
}


def link_error(error: BaseException, doing: Message) -> LinkError:
    """Build the `LinkError` for what bleak raised while `doing` something; raise it `from` the same error."""
    reason = reason_for(error)
    if isinstance(error, BleakGATTProtocolError) and reason is LinkErrorReason.REFUSED:
        return AttError(
            Message(
                "{doing} failed: the sensor answered with ATT error {code}",
                doing=doing,
                code=f"0x{error.code:02x}",
            ),
            error.code,
        )
    if reason is LinkErrorReason.STALE_BOND:
        return StaleBond()
    kind = _ERROR_CLASSES.get(reason, LinkError)
    detail = str(error) or type(error).__name__
    if reason in (LinkErrorReason.CONNECT_FAILED, LinkErrorReason.MISUNDERSTOOD):
        return kind(Message("{doing} failed: {why}", doing=doing, why=detail))
    return kind(Message("{doing} failed: {why}", doing=doing, why=describe(reason)))
