"""Sensors that were paired and are remembered, by whatever a person calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandsense.app.trainee import profiles_of
from bandsense.errors import ConfigError
from bandsense.language import Message
from bandsense.wire.bandsense.information import advertised_name

if TYPE_CHECKING:
    from bandsense.link.drivers.base import SensorInformation
    from bandsense.profiles.sensor import SensorProfile
    from bandsense.store.store import Store

__all__ = [
    "forget_sensor",
    "known_sensor",
    "remember_sensor",
    "resolve_target",
    "resolve_targets",
    "validate_name",
]

NAME_BYTES = 16
"""What a sensor can keep (docs/protocol.md, section 4)."""


def validate_name(name: str) -> str:
    """Return the name if a sensor can keep it.

    Raises:
        ConfigError: it is too long.
    """
    if len(name.encode()) > NAME_BYTES:
        raise ConfigError(
            Message(
                "{name!r} is too long; a sensor keeps {name_bytes} letters, fewer with accents",
                name=name,
                name_bytes=NAME_BYTES,
            )
        )
    return name


def known_sensor(store: Store, wanted: str) -> SensorProfile | None:
    """Return the sensor remembered under this name, side, serial number or its end, or address."""
    for each in profiles_of(store).sensors:
        names = {each.name, each.id, each.address, each.side, _advertised(each)} - {None}
        called = wanted.casefold()
        if called in {str(name).casefold() for name in names}:
            return each
        if len(called) >= 4 and each.id.casefold().endswith(called):
            return each
    return None


def resolve_target(store: Store, wanted: str | None) -> str | None:
    """Translate what a person calls a sensor into what to look for on the air.

    A sensor advertises its own name, not the one that it was given. Without a name it is the sensor that is
    remembered, where it is one; else None: the nearest.
    """
    if wanted is None:
        sensors = profiles_of(store).sensors
        return _address(sensors[0]) if len(sensors) == 1 else None
    known = known_sensor(store, wanted)
    return wanted if known is None else _address(known)


def resolve_targets(store: Store, wanted: Sequence[str]) -> tuple[str | None, ...]:
    """Translate the names of one or two sensors, `left` and `right` included, into what to look for.

    Raises:
        ConfigError: no sensor is known for a side, or both are the same.
    """
    if len(wanted) < 2:
        return (resolve_target(store, wanted[0] if wanted else None),)
    for side in ("left", "right"):
        if side in wanted and known_sensor(store, side) is None:
            raise ConfigError(
                Message(
                    "no sensor is known as the {side} one; pair it with `bandsense pair --side {side}`",
                    side=side,
                )
            )
    left, right = (resolve_target(store, name) or name for name in wanted)
    if left.casefold() == right.casefold():
        raise ConfigError(Message("left and right are both {left}; name two sensors", left=left))
    return left, right


def _address(known: SensorProfile) -> str:
    return _advertised(known) or known.address or known.id


def _advertised(known: SensorProfile) -> str | None:
    """Return the name that a bandsense sensor advertises: unlike its address, the same for every computer."""
    if known.driver != "bandsense":
        return None
    try:
        return advertised_name(int(known.id, 16))
    except ValueError:  # remembered by its address
        return None


def remember_sensor(
    store: Store, information: SensorInformation, name: str | None, side: str | None
) -> SensorProfile:
    """Remember a sensor, or what is new about it: this name and side where they are given."""
    key = information.id
    known = profiles_of(store).sensor(key)
    # A sensor that keeps its name tells it; that of another is kept here, and stays.
    tells = information.driver == "bandsense" or store.sensors.get(key) is None
    changes = {
        "name": name or (information.name if tells else known.name),
        "driver": information.driver,
        "address": information.address,
        **({"side": side} if side else {}),
    }
    profile = known.model_copy(update=changes)
    store.sensors.put(profile.id, profile.model_dump(mode="json"))
    return profile


def forget_sensor(store: Store, wanted: str) -> bool:
    """Remember a sensor no longer; gives whether it was."""
    known = known_sensor(store, wanted)
    return known is not None and store.sensors.remove(known.id)
