"""What a simulated sensor is made of, what it keeps over resets, and what may go wrong in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from bumble.keys import MemoryKeyStore, PairingKeys

from bandsense.language import mark
from bandsense.sim.physics.sensor import GAIN
from bandsense.sim.physics.source import SampleSource
from bandsense.wire.bandsense.codes import (
    COUNT_MAX,
    COUNT_MIN,
    RATES_HZ,
    Features,
    Options,
)
from bandsense.wire.bandsense.measurement import MeasurementFrame

if TYPE_CHECKING:
    from bandsense.sim.devices.smp import FirmwareSlots

__all__ = ["Bonds", "Fault", "Hardware", "Memory", "SentFrame", "Step"]


MAX_BONDS = 4


LOW_BATTERY_PERCENT = 10


FACTORY_TEMPERATURE_C = 23.5
"""At which the zero of a sensor is the one that its source states."""


CLOCK_TURN_US = 2**32


MICROSECONDS = 1e6


class Step(Enum):
    """What a sensor sees of a client that sets up a stream, in the usual order."""

    CONNECTED = mark("connected")
    MTU = mark("MTU exchanged")
    DISCOVERY = mark("services asked for")
    ENCRYPTED = mark("encrypted")
    INFORMATION = mark("information read")
    CONTROL_SUBSCRIBED = mark("control point subscribed")
    MEASUREMENT_SUBSCRIBED = mark("measurement subscribed")
    REQUEST = mark("request written")
    ANSWERED = mark("request answered")
    FIRST_FRAME = mark("first frame sent")


class Fault:
    """What goes wrong in a sensor and on its way to the host; this one: nothing. Override what should."""

    max_mtu: int | None = None
    """The largest ATT MTU that the sensor accepts."""

    def hardware(self, hardware: Hardware) -> Hardware:
        """Replace the sensor's hardware."""
        return hardware

    def source(self, source: SampleSource) -> SampleSource:
        """Replace what the sensor feels."""
        return source

    def powered(self, band: Any) -> None:
        """Act when it was switched on and is about to advertise."""

    def offers(self, service_uuid: str) -> bool:
        """Return whether it has this service."""
        return True

    def information(self, data: bytes) -> bytes:
        """Replace what is read from *information*."""
        return data

    def request(self, data: bytes) -> None:
        """Act on a written request. May raise `att.ATT_Error` to refuse the write."""

    def answer(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """Replace an answer of the control point by delays in seconds and bytes."""
        return ((0.0, data),)

    def frame(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """Replace a measurement notification by any number of delays in seconds and bytes."""
        return ((0.0, data),)

    def step(self, band: Any, step: Step) -> None:
        """Act when the client got as far as this step."""

    async def script(self, band: Any) -> None:
        """Run once from the sensor's first frame on."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a reset does not change.

    Attributes:
        passkey: six digits on the label of a sensor that asks for them; None for *Just Works*.
        clock_start_us: device clock at power-on; other than 0 to meet its wrap soon.
        first_sequence: number of the first sample; other than 0 to meet its wrap soon.
        clock_ppm: how much faster than true the device clock runs, parts per million.
        counts_per_kelvin: how its zero follows its temperature.
    """

    serial: int = 0x5E45_0000_0000_BA5E
    model: str = "virtual band"
    hardware_revision: str = "simulated"
    firmware_revision: str = "1.0.0"
    gain: int = GAIN
    rates_hz: tuple[int, ...] = RATES_HZ
    features: Features = Features.PROGRESSOR | Features.TEMPERATURE
    highest_count: int = COUNT_MAX
    lowest_count: int = COUNT_MIN
    passkey: int | None = None
    clock_start_us: int = 0
    first_sequence: int = 0
    clock_ppm: float = 0.0
    counts_per_kelvin: float = 0.0


class Bonds(MemoryKeyStore):
    """Keys of at most four centrals; a fifth replaces the one used longest ago."""

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Keep the keys of a new or renewed bond."""
        self.all_keys.pop(name, None)
        while len(self.all_keys) >= MAX_BONDS:
            del self.all_keys[next(iter(self.all_keys))]
        self.all_keys[name] = keys

    def use(self, name: str) -> None:
        """Note that this bond was used just now."""
        if name in self.all_keys:
            self.all_keys[name] = self.all_keys.pop(name)


@dataclass
class Memory:
    """What a sensor keeps over resets.

    Attributes:
        factory_new: it was not booted since it was made, or since its factory reset.
    """

    calibration: bytes = b""
    label: str = ""
    options: Options = Options.NONE
    boot_number: int = 0
    bonds: Bonds = field(default_factory=Bonds)
    firmware: FirmwareSlots | None = None
    factory_new: bool = True


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame of the sensor's own log.

    Attributes:
        frame: as taken, before anything went wrong with it.
        boot: how manieth boot it was taken in; sequence and clock begin anew at every boot. This is the true
            count, whatever a sensor that failed to count a reset says.
        at_s: loop time at which it was handed to the radio.
        on_air: pieces of it that were handed to the radio, as bytes; empty where no one listened.
    """

    frame: MeasurementFrame
    boot: int
    at_s: float
    on_air: tuple[bytes, ...]
