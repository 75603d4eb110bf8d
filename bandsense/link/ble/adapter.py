"""The one seam towards Bluetooth: which bleak backends are used, and whose clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

__all__ = ["Transport", "host_clock"]


_GOES_ON_ASLEEP = ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC")
"""Linux's and macOS's (`clock_gettime(3)`), where `time.monotonic` stands still; Windows' own goes on."""


def host_clock() -> float:
    """Seconds that never go backwards and, where the system can tell, go on while the computer sleeps."""
    for name in _GOES_ON_ASLEEP:
        if (clock := getattr(time, name, None)) is not None:
            return time.clock_gettime(clock)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Transport:
    """How to reach sensors; without arguments the computer's own Bluetooth.

    Attributes:
        client_backend: class for bleak's `BleakClient(..., backend=...)`.
        scanner_backend: class for bleak's `BleakScanner(..., backend=...)`.
        clock: host time in seconds; an accelerated event loop brings its own.
        single: there is one sensor and no other, so that a search for any need not wait for a nearer one.
    """

    client_backend: type[BaseBleakClient] | None = None
    scanner_backend: type[BaseBleakScanner] | None = None
    clock: Callable[[], float] = host_clock
    single: bool = False

    def scanner(self, heard: Callable[[BLEDevice, AdvertisementData], None]) -> BleakScanner:
        """Return a scanner, not yet started, that calls `heard` for every advertisement."""
        return BleakScanner(heard, backend=self.scanner_backend)

    @property
    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that make a `BleakClient` use this transport."""
        return {"backend": self.client_backend}
