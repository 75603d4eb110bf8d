"""The control point of the bandsense profile, version 1 (docs/protocol.md sections 4 and 5), both directions.

A request travels as `encode_request(id, request)`; its answer comes back as an `Answer` whose `result` is one
of the values below. `decode_request` raises `RequestRefused` (a `CommandError`) with the status that a sensor
must answer; `decode_answer` raises `FrameError`; nothing else is raised for any bytes whatever.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from bandsense.errors import CommandError, FrameError
from bandsense.wire.profile import CALIBRATION_SIZE, LABEL_MAX_BYTES, RATES_HZ, Options

__all__ = [
    "ATT_CCC_IMPROPERLY_CONFIGURED",
    "ATT_INSUFFICIENT_AUTHENTICATION",
    "ATT_INSUFFICIENT_ENCRYPTION",
    "ATT_INVALID_LENGTH",
    "ATT_PROCEDURE_IN_PROGRESS",
    "PAIRING_MAX_S",
    "Answer",
    "CalibrationPiece",
    "Counters",
    "Crash",
    "CrashKind",
    "ForgetBonds",
    "Identify",
    "Opcode",
    "OpenPairing",
    "ReadCalibration",
    "ReadStatistics",
    "Request",
    "RequestRefused",
    "ResetCause",
    "Result",
    "SelfTest",
    "SelfTestBits",
    "SelfTestResult",
    "SetLabel",
    "SetOptions",
    "Sleep",
    "Start",
    "Started",
    "StatisticsPage",
    "Status",
    "Stop",
    "Stopped",
    "TimeMark",
    "TimeMarked",
    "WriteCalibration",
    "decode_answer",
    "decode_request",
    "encode_request",
    "status_text",
]

ATT_INSUFFICIENT_AUTHENTICATION = 0x05
ATT_INVALID_LENGTH = 0x0D
ATT_INSUFFICIENT_ENCRYPTION = 0x0F
ATT_CCC_IMPROPERLY_CONFIGURED = 0xFD
ATT_PROCEDURE_IN_PROGRESS = 0xFE

PAIRING_MAX_S = 120


class Opcode(IntEnum):
    """What a request asks for."""

    START = 0x01
    STOP = 0x02
    IDENTIFY = 0x03
    SLEEP = 0x04
    SET_LABEL = 0x05
    READ_STATISTICS = 0x06
    READ_CALIBRATION = 0x07
    WRITE_CALIBRATION = 0x08
    OPEN_PAIRING = 0x09
    FORGET_BONDS = 0x0A
    TIME_MARK = 0x0B
    SELF_TEST = 0x0C
    SET_OPTIONS = 0x0D


class Status(IntEnum):
    """How a request ended."""

    SUCCESS = 0
    UNKNOWN_OPCODE = 1
    WRONG_LENGTH = 2
    OUT_OF_RANGE = 3
    WRONG_STATE = 4
    NOT_PERMITTED = 5
    CRC_MISMATCH = 6
    UNSUPPORTED_VERSION = 7
    HARDWARE_FAILURE = 8
    STORAGE_FAILURE = 9
    BATTERY_LOW = 10


_STATUS_TEXT = {
    Status.SUCCESS: "success",
    Status.UNKNOWN_OPCODE: "the sensor does not know this command; update its firmware",
    Status.WRONG_LENGTH: "the sensor found the command to have the wrong length",
    Status.OUT_OF_RANGE: "a value is out of the range that the sensor accepts",
    Status.WRONG_STATE: "not possible in this state; stop the measurement first",
    Status.NOT_PERMITTED: "the sensor does not permit this",
    Status.CRC_MISMATCH: "the calibration arrived damaged; write it again",
    Status.UNSUPPORTED_VERSION: "the sensor does not know this version of the record; update its firmware",
    Status.HARDWARE_FAILURE: "the converter in the sensor is absent or its bus is stuck",
    Status.STORAGE_FAILURE: "the sensor could not store it",
    Status.BATTERY_LOW: "the sensor's battery is too low for this; charge it first",
}


def status_text(status: int) -> str:
    """A status in words; a status of a later version by its number."""
    try:
        return _STATUS_TEXT[Status(status)]
    except ValueError:
        return f"the sensor reports failure {status}, which this program does not know"


class StatisticsPage(IntEnum):
    """What *read statistics* can show."""

    COUNTERS = 0
    SELF_TEST = 1
    CRASH = 2


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


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise CommandError(message)


# -- requests --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Stream at a nominal rate of `RATES_HZ`."""

    rate_hz: int

    def __post_init__(self) -> None:
        _check(
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
        _check(0 <= self.seconds <= 255, f"a sensor blinks for 0 … 255 s, not {self.seconds}")


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
        _check(
            size <= LABEL_MAX_BYTES,
            f"a label has at most {LABEL_MAX_BYTES} bytes, this one {size}; shorten it",
        )


@dataclass(frozen=True, slots=True)
class ReadStatistics:
    """Read one page of statistics."""

    page: StatisticsPage

    def __post_init__(self) -> None:
        _check(self.page in set(StatisticsPage), f"there is no statistics page {self.page}")


@dataclass(frozen=True, slots=True)
class ReadCalibration:
    """Read the calibration record from an offset on."""

    offset: int

    def __post_init__(self) -> None:
        _check(0 <= self.offset <= 255, f"an offset is 0 … 255, not {self.offset}")


@dataclass(frozen=True, slots=True)
class WriteCalibration:
    """Write a piece of a calibration record of `total` bytes."""

    total: int
    offset: int
    data: bytes

    def __post_init__(self) -> None:
        _check(
            self.total == CALIBRATION_SIZE, f"a calibration has {CALIBRATION_SIZE} bytes, not {self.total}"
        )
        _check(0 <= self.offset <= self.total, f"offset {self.offset} is not within {self.total} bytes")
        _check(
            self.offset + len(self.data) <= self.total, "the piece reaches over the end of the calibration"
        )


@dataclass(frozen=True, slots=True)
class OpenPairing:
    """Open the pairing window for 1 … 120 seconds; 0 closes it."""

    seconds: int

    def __post_init__(self) -> None:
        _check(
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
    """The bytes to write to the control point.

    Raises:
        CommandError: the id is not 0 … 255.
    """
    _check(0 <= request_id <= 255, f"a request id is 0 … 255, not {request_id}")
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


# -- answers ---------------------------------------------------------------------------------------------


class ResetCause(IntEnum):
    """Why the sensor started the last time."""

    POWER_ON = 0
    RESET_PIN = 1
    SOFTWARE = 2
    WATCHDOG = 3
    LOCK_UP = 4
    WAKE_FROM_OFF = 5
    FIRMWARE_UPDATE = 6
    UNKNOWN = 255

    @classmethod
    def _missing_(cls, value: object) -> ResetCause:
        return cls.UNKNOWN


class CrashKind(IntEnum):
    """What a crash record tells of."""

    NONE = 0
    PANIC = 1
    HARD_FAULT = 2
    WATCHDOG = 3
    STACK_GUARD = 4


class SelfTestBits(IntFlag):
    """Outcome of the self test."""

    PASSED = 1
    NOISE_TOO_HIGH = 2
    OFFSET_OUT_OF_RANGE = 4
    EXCITATION_OUT_OF_RANGE = 8
    CONVERTER_ABSENT = 16
    NOT_RUN = 128


@dataclass(frozen=True, slots=True)
class Started:
    """Result of *start*: where the stream begins."""

    rate_hz: int
    time_us: int
    next_sequence: int
    boot_number: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Result of *stop*: where the stream ended."""

    time_us: int
    next_sequence: int


@dataclass(frozen=True, slots=True)
class TimeMarked:
    """Result of *time mark*: the device clock when the request arrived."""

    time_us: int
    next_sequence: int
    boot_number: int


@dataclass(frozen=True, slots=True)
class Counters:
    """Statistics page 0; counted from boot, but `resets`."""

    uptime_s: int
    overruns: int
    notifications_dropped: int
    resets: int
    reset_cause: ResetCause


_NOISE_STEPS = 16.0


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """Statistics page 1.

    Attributes:
        noise_counts_rms: noise in counts, root mean square, in sixteenths.
        temperature_c: °C in hundredths; None when unknown.
    """

    outcome: SelfTestBits
    noise_counts_rms: float
    offset_counts: int
    excitation_mv: int
    battery_mv: int
    temperature_c: float | None = None

    @property
    def passed(self) -> bool:
        """Everything was within its limits."""
        return SelfTestBits.PASSED in self.outcome

    @property
    def not_run(self) -> bool:
        """No self test was run since boot."""
        return SelfTestBits.NOT_RUN in self.outcome


@dataclass(frozen=True, slots=True)
class Crash:
    """Statistics page 2; `kind` is a number of `CrashKind` or of a later version."""

    kind: int
    program_counter: int
    detail: int
    boot_number: int


@dataclass(frozen=True, slots=True)
class CalibrationPiece:
    """Result of *read calibration*; `total` is 0 where none is stored."""

    total: int
    offset: int
    data: bytes


Result = Started | Stopped | TimeMarked | Counters | SelfTestResult | Crash | CalibrationPiece


@dataclass(frozen=True, slots=True)
class Answer:
    """An indication of the control point.

    Attributes:
        request_id: id of the request that is answered.
        opcode: its opcode; a number of `Opcode`, or the unknown one that was asked for.
        status: a number of `Status`, or of a later version.
        result: present only with status 0, and only where the opcode has one.
    """

    request_id: int
    opcode: int
    status: int = Status.SUCCESS
    result: Result | None = None

    def encode(self) -> bytes:
        """The bytes of the indication.

        Raises:
            CommandError: a field does not fit its place, or the result is not one of this opcode.
        """
        expected = _RESULT_TYPES.get(self.opcode, ())
        fits = (
            isinstance(self.result, expected)
            if self.status == Status.SUCCESS and expected
            else not self.result
        )
        _check(fits, f"{self.result} is no result of opcode 0x{self.opcode:02x} with status {self.status}")
        try:
            head = bytes((self.request_id, self.opcode, self.status))
            return head + (b"" if self.result is None else _encode_result(self.result))
        except (struct.error, ValueError, OverflowError) as error:
            raise CommandError(f"an answer holds a value that does not fit: {error}") from None


_RESULT_TYPES: dict[int, tuple[type, ...]] = {
    Opcode.START: (Started,),
    Opcode.STOP: (Stopped,),
    Opcode.READ_STATISTICS: (Counters, SelfTestResult, Crash),
    Opcode.READ_CALIBRATION: (CalibrationPiece,),
    Opcode.TIME_MARK: (TimeMarked,),
}
_ANSWER_HEADER_SIZE = 3
_STARTED = struct.Struct("<HIHH")
_STOPPED = struct.Struct("<IH")
_TIME_MARKED = struct.Struct("<IHH")
_COUNTERS = struct.Struct("<BIIIHB")
_SELF_TEST = struct.Struct("<BBIiHHh")
_CRASH = struct.Struct("<BBIIH")
_TEMPERATURE_UNKNOWN = -0x8000
_CENTI = 100.0


def _encode_result(result: Result) -> bytes:
    match result:
        case Started(rate_hz, time_us, sequence, boot):
            return _STARTED.pack(rate_hz, time_us, sequence, boot)
        case Stopped(time_us, sequence):
            return _STOPPED.pack(time_us, sequence)
        case TimeMarked(time_us, sequence, boot):
            return _TIME_MARKED.pack(time_us, sequence, boot)
        case Counters(uptime, overruns, dropped, resets, cause):
            return _COUNTERS.pack(StatisticsPage.COUNTERS, uptime, overruns, dropped, resets, cause)
        case SelfTestResult(outcome, noise, offset, excitation, battery, temperature):
            _check(math.isfinite(noise), "the noise is not a finite number")
            return _SELF_TEST.pack(
                StatisticsPage.SELF_TEST,
                outcome,
                round(noise * _NOISE_STEPS),
                offset,
                excitation,
                battery,
                _TEMPERATURE_UNKNOWN if temperature is None else round(temperature * _CENTI),
            )
        case Crash(kind, program_counter, detail, boot):
            return _CRASH.pack(StatisticsPage.CRASH, kind, program_counter, detail, boot)
        case CalibrationPiece(total, offset, data):
            _check(offset + len(data) <= total, "the piece reaches over the end of the calibration")
            return bytes((total, offset)) + data


def _unpack(layout: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) < layout.size:
        raise FrameError(f"the result of an answer needs {layout.size} bytes, got {len(data)}")
    return layout.unpack_from(data)


def _decode_statistics(data: bytes) -> Result:
    if not data:
        raise FrameError("statistics came without their page number")
    match data[0]:
        case StatisticsPage.COUNTERS:
            _, uptime, overruns, dropped, resets, cause = _unpack(_COUNTERS, data)
            return Counters(uptime, overruns, dropped, resets, ResetCause(cause))
        case StatisticsPage.SELF_TEST:
            _, outcome, noise, offset, excitation, battery, temperature = _unpack(_SELF_TEST, data)
            return SelfTestResult(
                SelfTestBits(outcome),
                noise / _NOISE_STEPS,
                offset,
                excitation,
                battery,
                None if temperature == _TEMPERATURE_UNKNOWN else temperature / _CENTI,
            )
        case StatisticsPage.CRASH:
            return Crash(*_unpack(_CRASH, data)[1:])
        case page:
            raise FrameError(f"statistics page {page} is unknown")


def _decode_calibration_piece(data: bytes) -> Result:
    if len(data) < 2:
        raise FrameError("a piece of a calibration came without total and offset")
    total, offset, piece = data[0], data[1], bytes(data[2:])
    if offset + len(piece) > total:
        raise FrameError(f"a piece of a calibration reaches to byte {offset + len(piece)} of {total}")
    return CalibrationPiece(total, offset, piece)


_RESULT_DECODERS: dict[int, Callable[[bytes], Result]] = {
    Opcode.START: lambda data: Started(*_unpack(_STARTED, data)),
    Opcode.STOP: lambda data: Stopped(*_unpack(_STOPPED, data)),
    Opcode.READ_STATISTICS: _decode_statistics,
    Opcode.READ_CALIBRATION: _decode_calibration_piece,
    Opcode.TIME_MARK: lambda data: TimeMarked(*_unpack(_TIME_MARKED, data)),
}


def decode_answer(data: bytes) -> Answer:
    """Meaning of an indication; bytes after a result belong to a later minor version and are ignored.

    Raises:
        FrameError: too short, or a success whose result does not follow the profile.
    """
    if len(data) < _ANSWER_HEADER_SIZE:
        raise FrameError(f"an answer has at least {_ANSWER_HEADER_SIZE} bytes, got {len(data)}")
    request_id, opcode, status = data[:_ANSWER_HEADER_SIZE]
    if status != Status.SUCCESS:
        return Answer(request_id, opcode, status)
    if opcode not in set(Opcode):
        raise FrameError(f"an answer says that opcode 0x{opcode:02x}, which nobody knows, succeeded")
    decode = _RESULT_DECODERS.get(opcode)
    return Answer(request_id, opcode, status, decode(data[_ANSWER_HEADER_SIZE:]) if decode else None)
