"""What a simulated sensor is made of, what it keeps over resets, and what may go wrong in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from bumble.keys import MemoryKeyStore, PairingKeys

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

    CONNECTED = "connected"
    MTU = "MTU exchanged"
    DISCOVERY = "services asked for"
    ENCRYPTED = "encrypted"
    INFORMATION = "information read"
    CONTROL_SUBSCRIBED = "control point subscribed"
    MEASUREMENT_SUBSCRIBED = "measurement subscribed"
    REQUEST = "request written"
    ANSWERED = "request answered"
    FIRST_FRAME = "first frame sent"


class Fault:
    """What goes wrong in a sensor and on its way to the host; this one: nothing. Override what should."""

    max_mtu: int | None = None
    """The largest ATT MTU that the sensor accepts."""

    def hardware(self, hardware: Hardware) -> Hardware:
        """The sensor that is really there."""
        return hardware

    def source(self, source: SampleSource) -> SampleSource:
        """What it really feels."""
        return source

    def powered(self, band: Any) -> None:
        """It was switched on, and is about to advertise."""

    def offers(self, service_uuid: str) -> bool:
        """Whether it has this service."""
        return True

    def information(self, data: bytes) -> bytes:
        """What is read from *information*."""
        return data

    def request(self, data: bytes) -> None:
        """A request was written. May raise `att.ATT_Error` to refuse the write."""

    def answer(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """What becomes of an answer of the control point: delays in seconds, and bytes."""
        return ((0.0, data),)

    def frame(self, data: bytes) -> Iterable[tuple[float, bytes]]:
        """What becomes of a measurement notification: delays in seconds and bytes, any number of times."""
        return ((0.0, data),)

    def step(self, band: Any, step: Step) -> None:
        """The client got as far as this."""

    async def script(self, band: Any) -> None:
        """What happens to the sensor from its first frame on; runs once."""


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
        """This bond was used just now."""
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
