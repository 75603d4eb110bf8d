"""What the parts of a simulated sensor may know of the sensor that they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from bumble.device import Connection, Device

from bandsense.sim.devices.hardware import Fault, Hardware, Memory, Step
from bandsense.sim.devices.player import Player
from bandsense.wire.bandsense.codes import ResetCause
from bandsense.wire.bandsense.measurement import MeasurementFrame

__all__ = ["Body"]


class Body(Protocol):
    """The sensor as its parts see it: one boot of it, on one radio.

    Attributes:
        device: the radio; None while it is switched off.
        connection: to the one central, where there is one.
        identifying_until_s: loop time until which it blinks.
        boot_s: loop time at which it booted, and `cause` why.
        finished: set when the source has ended and its last frame is out.
    """

    fault: Fault
    hardware: Hardware
    memory: Memory
    player: Player
    device: Device | None
    connection: Connection | None
    battery_mv: int
    temperature_c: float
    identifying_until_s: float
    boot_s: float
    cause: ResetCause
    finished: asyncio.Event

    def now_s(self) -> float:
        """Loop time."""

    def device_us(self, at_s: float) -> int:
        """Return the device clock at a loop time, not wrapped."""

    def clock_us(self) -> int:
        """Return the device clock now, as it is sent."""

    def zero_moved(self) -> int:
        """Return counts by which its temperature moves its zero."""

    def powered_device(self) -> Device:
        """Return the radio of a sensor that is switched on."""

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background until the power is cut."""

    def reached(self, step: Step) -> None:
        """Tell the fault that the client got as far as this."""

    def status_changed(self) -> None:
        """Advertise anew: what is advertised has changed."""

    def open_pairing(self, seconds: float) -> None:
        """Open the pairing window for so long; 0 closes it."""

    def show_name(self, device: Device) -> None:
        """Show the label in the GATT device name."""

    def require_encryption(self, connection: Connection) -> None:
        """Refuse what comes over a link in clear."""

    async def sleep(self, connection: Connection) -> None:
        """Close the link, then switch off."""

    def transmit_as_progressor(self, frame: MeasurementFrame) -> tuple[bytes, ...]:
        """Hand a frame to the radio as weights; gives what went out."""

    def sent(self, frame: MeasurementFrame, on_air: tuple[bytes, ...], *, first: bool) -> None:
        """Log a frame; `first` of its stream."""
