"""What a driver is: how sensors of one family are recognised, read and asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from bandsense.errors import CommandError
from bandsense.language import Message, mark
from bandsense.samples import Unit
from bandsense.wire.bandsense.answers import Counters, Crash, SelfTestResult, TimeMarked
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Features, Options
from bandsense.wire.decoder import Decoder

__all__ = [
    "AdvertisementData",
    "BroadcastSensor",
    "ConnectedSensor",
    "Driver",
    "GattClient",
    "SensorAdvertisement",
    "SensorInformation",
]


@dataclass(frozen=True, slots=True)
class AdvertisementData:
    """An advertisement, merged with its scan response.

    Attributes:
        manufacturer_data: by company id, without the id.
        service_data: by UUID in lower case.
    """

    address: str
    name: str | None = None
    rssi_dbm: int = -127
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    service_uuids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SensorAdvertisement:
    """What a driver reads out of an advertisement of one of its sensors; None where it does not say.

    Attributes:
        name: what to call the sensor in a list.
        battery_percent: 0 … 100.
        pairing_open: it accepts a new bond now.
        connected: some client is connected to it.
        payload: for a sensor that broadcasts its readings, the bytes for its decoder.
    """

    name: str
    battery_percent: int | None = None
    pairing_open: bool | None = None
    connected: bool | None = None
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class SensorInformation:
    """What a sensor tells about itself when it is connected; None or empty where it does not."""

    driver: str
    address: str
    name: str
    unit: Unit
    rates_hz: tuple[int, ...] = ()
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    hardware: str | None = None
    firmware: str | None = None
    battery_percent: int | None = None
    features: Features = Features.NONE
    options: Options = Options.NONE
    full_scale_n: float | None = None
    calibration: CalibrationRecord | None = None

    @property
    def id(self) -> str:
        """What the sensor is known by: its serial number, or its address where it tells none."""
        return self.serial or self.address


class GattClient(Protocol):
    """The connection as a driver sees it. Every failure is a `LinkError`; UUIDs are in lower case.

    What is read or notified goes to the decoder (and to a raw capture) by itself.
    """

    @property
    def address(self) -> str:
        """Address of the sensor."""

    @property
    def name(self) -> str:
        """Name that the sensor advertises."""

    def has(self, characteristic: str) -> bool:
        """Return whether the sensor offers this characteristic."""

    async def read(self, characteristic: str) -> bytes:
        """Read a value."""

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        """Write a value."""

    async def subscribe(self, characteristic: str, listener: Callable[[bytes], None] | None = None) -> None:
        """Receive notifications or indications; `listener` is called for each besides the decoder."""


class ConnectedSensor:
    """What can be asked of a connected sensor. A driver overrides what its sensors can do.

    Every method raises `LinkError` when the link fails, `CommandError` when the sensor refuses or cannot do
    it, and `FrameError` when what it says makes no sense.
    """

    title: str = mark("sensor")

    def __init__(self, gatt: GattClient) -> None:
        self.gatt = gatt

    def _cannot(self, what: str) -> NoReturn:
        raise CommandError(
            Message("this {title} cannot {what}", title=Message(self.title), what=Message(what))
        )

    async def set_up(self) -> None:
        """Do what a stream needs: subscribe, read what the decoder must know. First, on every connection."""
        raise NotImplementedError

    async def describe(self) -> SensorInformation:
        """Read what the sensor tells about itself; not while it streams."""
        raise NotImplementedError

    async def start(self, rate_hz: int) -> None:
        """Begin to send samples; a sensor with a rate of its own takes that."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Send no more samples."""
        raise NotImplementedError

    async def battery_percent(self) -> int | None:
        """Battery level 0 … 100; None when the sensor does not know."""
        return None

    async def identify(self, seconds: int) -> None:
        """Blink for so long; 0 ends it."""
        self._cannot(mark("blink"))

    async def tare(self) -> None:
        """Set the sensor's own zero to the present load."""
        self._cannot(mark("set its own zero"))

    async def sleep(self) -> None:
        """Switch the sensor off; it closes the link."""
        self._cannot(mark("be sent to sleep"))

    async def set_label(self, label: str) -> None:
        """Give the sensor a name that it keeps."""
        self._cannot(mark("keep a name"))

    async def set_options(self, options: Options) -> None:
        """Choose the options that hold from its next boot on."""
        self._cannot(mark("take options"))

    async def time_mark(self) -> TimeMarked:
        """Ask for the device time now."""
        self._cannot(mark("tell its time"))

    async def counters(self) -> Counters:
        """Read uptime, overruns, drops and resets."""
        self._cannot(mark("tell its counters"))

    async def self_test(self) -> SelfTestResult:
        """Run the self test and read its result."""
        self._cannot(mark("test itself"))

    async def crash(self) -> Crash:
        """Read what is kept of the last crash."""
        self._cannot(mark("tell of crashes"))

    async def read_calibration(self) -> CalibrationRecord | None:
        """Read the calibration that the sensor keeps; None where it keeps none or a damaged one."""
        return None

    async def write_calibration(self, record: CalibrationRecord) -> None:
        """Let the sensor keep this calibration."""
        self._cannot(mark("keep a calibration"))

    async def open_pairing(self, seconds: int) -> None:
        """Let others pair for so long; 0 ends it."""
        self._cannot(mark("open its pairing by command"))

    async def forget_bonds(self, *, everyone: bool = False) -> None:
        """Forget this computer's bond, or everyone's, when the link ends."""
        self._cannot(mark("forget bonds"))


class BroadcastSensor(ConnectedSensor):
    """A sensor that sends by itself to everyone and can be asked nothing."""

    title = mark("broadcasting sensor")

    def __init__(self) -> None:
        """There is no connection."""

    async def start(self, rate_hz: int) -> None:
        """Do nothing: the sensor always sends."""

    async def stop(self) -> None:
        """Do nothing: the sensor goes on sending."""


class Driver(Protocol):
    """One family of sensors."""

    @property
    def name(self) -> str:
        """Short and unique, in lower case, as it is stored with a session."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def broadcasts(self) -> bool:
        """Readings come in advertisements and no connection is made; `device` is never called."""

    @property
    def bonds(self) -> bool:
        """The sensor sends samples only over an encrypted link, so this computer has to pair with it once."""

    def parse_advertisement(self, heard: AdvertisementData) -> SensorAdvertisement | None:
        """Parse an advertisement, or return None where it is not of such a sensor."""

    def decoder(self) -> Decoder:
        """Create a decoder for one sensor."""

    def device(self, gatt: GattClient) -> ConnectedSensor:
        """Return the sensor at the other end of this connection."""

    def redact(self, characteristic: str, data: bytes) -> bytes:
        """Mask whatever names a sensor or a person, such as a serial, in a value meant for a bug report.

        It must decode to the same samples, and lengths are kept where decoding hangs on them. The values of a
        driver that does not have this method are left out of bug reports.
        """

    def names_in(self, characteristic: str, data: bytes) -> Iterable[str]:
        """List what the sensor is called in a received value, so that logs can mask it, too."""
        return ()
