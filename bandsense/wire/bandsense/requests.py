"""Requests to the control point (docs/protocol.md section 4), both directions.

`decode_request` raises `RequestRefused` (a `CommandError`) with the status that a sensor must answer; nothing
else is raised for any bytes whatever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bandsense.errors import CommandError
from bandsense.wire.bandsense.codes import (
    CALIBRATION_SIZE,
    LABEL_MAX_BYTES,
    PAIRING_MAX_S,
    RATES_HZ,
    Opcode,
    Options,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.fields import check_argument

__all__ = [
    "ForgetBonds",
    "Identify",
    "OpenPairing",
    "ReadCalibration",
    "ReadStatistics",
    "Request",
    "RequestRefused",
    "SelfTest",
    "SetLabel",
    "SetOptions",
    "Sleep",
    "Start",
    "Stop",
    "TimeMark",
    "WriteCalibration",
    "decode_request",
    "encode_request",
]


class RequestRefused(CommandError):
    """A request that a sensor must refuse.

    Attributes:
        status: what to answer; None where the write itself fails with ATT error `ATT_INVALID_LENGTH`.
        request_id: id of the request; 0 where there is none.
        opcode: opcode of the request; 0 where there is none.
    """

    def __init__(self, message: str, status: Status | None, request_id: int = 0, opcode: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.opcode = opcode


class _Invalid(Exception):
    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Start:
    """Stream at a nominal rate of `RATES_HZ`."""

    rate_hz: int

    def __post_init__(self) -> None:
        check_argument(
            self.rate_hz in RATES_HZ, f"{self.rate_hz} Hz is no rate of a sensor; choose one of {RATES_HZ}"
        )


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop streaming."""


@dataclass(frozen=True, slots=True)
class Identify:
    """Blink for 0 … 255 seconds; 0 ends it."""

    seconds: int

    def __post_init__(self) -> None:
        check_argument(0 <= self.seconds <= 255, f"a sensor blinks for 0 … 255 s, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Close the link and switch off."""


@dataclass(frozen=True, slots=True)
class SetLabel:
    """Keep a name of at most 16 bytes of UTF-8."""

    label: str

    def __post_init__(self) -> None:
        try:
            size = len(self.label.encode())
        except UnicodeEncodeError:
            raise CommandError("the label holds characters that are no text") from None
        check_argument(
            size <= LABEL_MAX_BYTES,
            f"a label has at most {LABEL_MAX_BYTES} bytes, this one {size}; shorten it",
        )


@dataclass(frozen=True, slots=True)
class ReadStatistics:
    """Read one page of statistics."""

    page: StatisticsPage

    def __post_init__(self) -> None:
        check_argument(self.page in set(StatisticsPage), f"there is no statistics page {self.page}")


@dataclass(frozen=True, slots=True)
class ReadCalibration:
    """Read the calibration record from an offset on."""

    offset: int

    def __post_init__(self) -> None:
        check_argument(0 <= self.offset <= 255, f"an offset is 0 … 255, not {self.offset}")


@dataclass(frozen=True, slots=True)
class WriteCalibration:
    """Write a piece of a calibration record of `total` bytes."""

    total: int
    offset: int
    data: bytes

    def __post_init__(self) -> None:
        check_argument(
            self.total == CALIBRATION_SIZE, f"a calibration has {CALIBRATION_SIZE} bytes, not {self.total}"
        )
        check_argument(
            0 <= self.offset <= self.total, f"offset {self.offset} is not within {self.total} bytes"
        )
        check_argument(
            self.offset + len(self.data) <= self.total, "the piece reaches over the end of the calibration"
        )


@dataclass(frozen=True, slots=True)
class OpenPairing:
    """Open the pairing window for 1 … 120 seconds; 0 closes it."""

    seconds: int

    def __post_init__(self) -> None:
        check_argument(
            0 <= self.seconds <= PAIRING_MAX_S, f"pairing opens for 0 … {PAIRING_MAX_S} s, not {self.seconds}"
        )


@dataclass(frozen=True, slots=True)
class ForgetBonds:
    """Forget the caller's bond, or everyone's."""

    everyone: bool


@dataclass(frozen=True, slots=True)
class TimeMark:
    """Ask for the device time at which this request arrives."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Measure noise, offset and excitation."""


@dataclass(frozen=True, slots=True)
class SetOptions:
    """Choose the options that hold from the next boot on."""

    options: Options


Request = (
    Start
    | Stop
    | Identify
    | Sleep
    | SetLabel
    | ReadStatistics
    | ReadCalibration
    | WriteCalibration
    | OpenPairing
    | ForgetBonds
    | TimeMark
    | SelfTest
    | SetOptions
)


_REQUEST_MIN_BYTES = 2


def _request_body(request: Request) -> tuple[Opcode, bytes]:
    match request:
        case Start(rate_hz):
            return Opcode.START, rate_hz.to_bytes(2, "little")
        case Stop():
            return Opcode.STOP, b""
        case Identify(seconds):
            return Opcode.IDENTIFY, bytes((seconds,))
        case Sleep():
            return Opcode.SLEEP, b""
        case SetLabel(label):
            return Opcode.SET_LABEL, label.encode()
        case ReadStatistics(page):
            return Opcode.READ_STATISTICS, bytes((page,))
        case ReadCalibration(offset):
            return Opcode.READ_CALIBRATION, bytes((offset,))
        case WriteCalibration(total, offset, data):
            return Opcode.WRITE_CALIBRATION, bytes((total, offset)) + data
        case OpenPairing(seconds):
            return Opcode.OPEN_PAIRING, bytes((seconds,))
        case ForgetBonds(everyone):
            return Opcode.FORGET_BONDS, bytes((everyone,))
        case TimeMark():
            return Opcode.TIME_MARK, b""
        case SelfTest():
            return Opcode.SELF_TEST, b""
        case SetOptions(options):
            return Opcode.SET_OPTIONS, bytes((options & 0xFF,))


def encode_request(request_id: int, request: Request) -> bytes:
    """Return the bytes to write to the control point.

    Raises:
        CommandError: the id is not 0 … 255.
    """
    check_argument(0 <= request_id <= 255, f"a request id is 0 … 255, not {request_id}")
    opcode, parameters = _request_body(request)
    return bytes((request_id, opcode)) + parameters


def _no_parameters(request: Request) -> Callable[[bytes], Request]:
    def parse(parameters: bytes) -> Request:
        _exactly(parameters, 0)
        return request

    return parse


def _exactly(parameters: bytes, size: int) -> None:
    if len(parameters) != size:
        raise _Invalid(Status.WRONG_LENGTH, f"{size} bytes of parameters expected, got {len(parameters)}")


def _byte(parameters: bytes) -> int:
    _exactly(parameters, 1)
    return parameters[0]


def _parse_start(parameters: bytes) -> Request:
    _exactly(parameters, 2)
    return Start(int.from_bytes(parameters, "little"))


def _parse_label(parameters: bytes) -> Request:
    if len(parameters) > LABEL_MAX_BYTES:
        raise _Invalid(Status.WRONG_LENGTH, f"a label has at most {LABEL_MAX_BYTES} bytes")
    try:
        return SetLabel(parameters.decode())
    except UnicodeDecodeError:
        raise _Invalid(Status.OUT_OF_RANGE, "the label is not UTF-8") from None


def _parse_statistics(parameters: bytes) -> Request:
    page = _byte(parameters)
    if page not in set(StatisticsPage):
        raise _Invalid(Status.OUT_OF_RANGE, f"there is no statistics page {page}")
    return ReadStatistics(StatisticsPage(page))


def _parse_write_calibration(parameters: bytes) -> Request:
    if len(parameters) < 2:
        raise _Invalid(Status.WRONG_LENGTH, "a piece of a calibration needs total and offset")
    return WriteCalibration(parameters[0], parameters[1], bytes(parameters[2:]))


def _parse_forget(parameters: bytes) -> Request:
    who = _byte(parameters)
    if who > 1:
        raise _Invalid(Status.OUT_OF_RANGE, f"bonds are forgotten for the caller (0) or all (1), not {who}")
    return ForgetBonds(bool(who))


_PARSERS: dict[Opcode, Callable[[bytes], Request]] = {
    Opcode.START: _parse_start,
    Opcode.STOP: _no_parameters(Stop()),
    Opcode.IDENTIFY: lambda parameters: Identify(_byte(parameters)),
    Opcode.SLEEP: _no_parameters(Sleep()),
    Opcode.SET_LABEL: _parse_label,
    Opcode.READ_STATISTICS: _parse_statistics,
    Opcode.READ_CALIBRATION: lambda parameters: ReadCalibration(_byte(parameters)),
    Opcode.WRITE_CALIBRATION: _parse_write_calibration,
    Opcode.OPEN_PAIRING: lambda parameters: OpenPairing(_byte(parameters)),
    Opcode.FORGET_BONDS: _parse_forget,
    Opcode.TIME_MARK: _no_parameters(TimeMark()),
    Opcode.SELF_TEST: _no_parameters(SelfTest()),
    Opcode.SET_OPTIONS: lambda parameters: SetOptions(Options(_byte(parameters))),
}


def decode_request(data: bytes) -> tuple[int, Request]:
    """Id and meaning of what was written to the control point.

    Raises:
        RequestRefused: with the status that the sensor must answer, or None for an ATT error of the write.
    """
    if len(data) < _REQUEST_MIN_BYTES:
        raise RequestRefused("a request needs an id and an opcode", None)
    request_id, opcode = data[0], data[1]
    if opcode not in set(Opcode):
        raise RequestRefused(f"opcode 0x{opcode:02x} is unknown", Status.UNKNOWN_OPCODE, request_id, opcode)
    try:
        return request_id, _PARSERS[Opcode(opcode)](data[2:])
    except _Invalid as invalid:
        raise RequestRefused(str(invalid), invalid.status, request_id, opcode) from None
    except CommandError as error:
        raise RequestRefused(str(error), Status.OUT_OF_RANGE, request_id, opcode) from None
