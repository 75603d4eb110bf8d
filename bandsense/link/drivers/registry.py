"""The drivers there are: built-in ones, and those of other packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from bandsense.errors import ConfigError
from bandsense.language import Message
from bandsense.link.drivers.bandsense import BandsenseDriver
from bandsense.link.drivers.base import Driver
from bandsense.link.drivers.imds import ImdsDriver
from bandsense.link.drivers.progressor import ProgressorDriver
from bandsense.link.drivers.whc06 import WhC06Driver
from bandsense.wire.decoder import Decoder

__all__ = ["ENTRY_POINT_GROUP", "all_drivers", "decoder_named", "driver_named"]


ENTRY_POINT_GROUP = "bandsense.drivers"


_BUILT_IN: tuple[type[Driver], ...] = (BandsenseDriver, ProgressorDriver, WhC06Driver, ImdsDriver)


@cache
def all_drivers() -> tuple[Driver, ...]:
    """Return the built-in drivers, then those of installed packages.

    Raises:
        ConfigError: a driver of another package cannot be loaded, or takes a name that is already taken.
    """
    drivers = {driver.name: driver for driver in (kind() for kind in _BUILT_IN)}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            loaded = entry.load()
            driver: Driver = loaded() if isinstance(loaded, type) else loaded
            name = driver.name
        except Exception as error:
            raise ConfigError(
                Message(
                    "the driver {name} ({module}) cannot be loaded: {error}; update or uninstall its package",
                    name=entry.name,
                    module=entry.value,
                    error=error,
                )
            ) from error
        if name in drivers:
            raise ConfigError(
                Message(
                    "two drivers are called {name}; uninstall the package that brings {entry}",
                    name=name,
                    entry=entry.value,
                )
            )
        drivers[name] = driver
    return tuple(drivers.values())


def driver_named(name: str) -> Driver:
    """Return the driver of this name.

    Raises:
        ConfigError: there is none.
    """
    for driver in all_drivers():
        if driver.name == name:
            return driver
    known = ", ".join(driver.name for driver in all_drivers())
    raise ConfigError(Message("there is no driver {name}; there are {known}", name=name, known=known))


def decoder_named(name: str) -> Decoder:
    """Create a decoder of the driver of this name, as `replay_capture` needs it.

    Raises:
        ConfigError: there is no such driver.
    """
    return driver_named(name).decoder()
