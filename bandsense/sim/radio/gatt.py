"""GATT characteristics for simulated sensors that refuse what they cannot do.

Bumble checks neither whether a characteristic may be read nor whether it may be written, and leaves a client
without an answer where a value has no such function.
"""

from __future__ import annotations

from collections.abc import Callable

from bumble import att, gatt
from bumble.device import Connection, Device

__all__ = ["characteristic", "constant", "is_subscribed", "notify"]


def _not_readable(_connection: Connection) -> bytes:
    raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)


def _not_writable(_connection: Connection, _value: bytes) -> None:
    raise att.ATT_Error(att.ErrorCode.WRITE_NOT_PERMITTED)


def characteristic(
    uuid: str,
    properties: gatt.Characteristic.Properties,
    *,
    read: Callable[[Connection], bytes] = _not_readable,
    write: Callable[[Connection, bytes], None] = _not_writable,
) -> gatt.Characteristic[bytes]:
    """Make a characteristic with functions for its value; a missing one is refused with its ATT error."""
    return gatt.Characteristic(
        uuid,
        properties,
        gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE,
        gatt.CharacteristicValue(read=read, write=write),
    )


def constant(uuid: str, value: bytes) -> gatt.Characteristic[bytes]:
    """Make a characteristic that can only be read and never changes."""
    return characteristic(uuid, gatt.Characteristic.Properties.READ, read=lambda _connection: value)


def is_subscribed(device: Device, connection: Connection, value: gatt.Characteristic[bytes]) -> bool:
    """Return whether this client wants to be notified of this value."""
    subscriptions = device.gatt_server.subscribers.get(connection, {})
    return bool(
        subscriptions.get(value.handle, b"\0\0")[0] & gatt.ClientCharacteristicConfigurationBits.NOTIFICATION
    )


def notify(device: Device, connection: Connection, value: gatt.Characteristic[bytes], data: bytes) -> None:
    """Send a notification, whether or not the client wants it."""
    head = bytes([att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION]) + value.handle.to_bytes(2, "little")
    device.send_l2cap_pdu(connection.handle, att.ATT_CID, head + data)
