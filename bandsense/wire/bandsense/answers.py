"""Answers of the control point (docs/protocol.md section 5), both directions.

A request with id and opcode is answered by an `Answer` whose `result` is one of the values below.
`decode_answer` raises `FrameError`; nothing else is raised for any bytes whatever.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

from bandsense.errors import CommandError, FrameError
from bandsense.wire.bandsense.codes import Opcode, ResetCause, SelfTestBits, StatisticsPage, Status
from bandsense.wire.bandsense.fields import HUNDREDTHS, TEMPERATURE_UNKNOWN, check_argument

__all__ = [
    "Answer",
    "CalibrationPiece",
    "Counters",
    "Crash",
    "Result",
    "SelfTestResult",
    "Started",
    "Stopped",
    "Supply",
    "TimeMarked",
    "decode_answer",
]


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
class Supply:
    """Statistics page 3: what feeds the sensor, and how warm it is.

    Attributes:
        cell_mv: voltage of the cell; of no meaning without one.
        temperature_c: °C in hundredths, the newest that was measured; None when unknown.
    """

    cell_mv: int
    external_power: bool
    charging: bool
    has_cell: bool
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class CalibrationPiece:
    """Result of *read calibration*; `total` is 0 where none is stored."""

    total: int
    offset: int
    data: bytes


Result = Started | Stopped | TimeMarked | Counters | SelfTestResult | Crash | Supply | CalibrationPiece


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
        """Return the bytes of the indication.

        Raises:
            CommandError: a field does not fit its place, or the result is not one of this opcode.
        """
        expected = _RESULT_TYPES.get(self.opcode, ())
        fits = (
            isinstance(self.result, expected)
            if self.status == Status.SUCCESS and expected
            else not self.result
        )
        check_argument(
            fits, f"{self.result} is no result of opcode 0x{self.opcode:02x} with status {self.status}"
        )
        try:
            head = bytes((self.request_id, self.opcode, self.status))
            return head + (b"" if self.result is None else _encode_result(self.result))
        except (struct.error, ValueError, OverflowError) as error:
            raise CommandError(f"an answer holds a value that does not fit: {error}") from None


_RESULT_TYPES: dict[int, tuple[type, ...]] = {
    Opcode.START: (Started,),
    Opcode.STOP: (Stopped,),
    Opcode.READ_STATISTICS: (Counters, SelfTestResult, Crash, Supply),
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


_SUPPLY = struct.Struct("<BBHh")
_SUPPLY_EXTERNAL, _SUPPLY_CHARGING, _SUPPLY_CELL = 1, 2, 4


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
            check_argument(math.isfinite(noise), "the noise is not a finite number")
            return _SELF_TEST.pack(
                StatisticsPage.SELF_TEST,
                outcome,
                round(noise * _NOISE_STEPS),
                offset,
                excitation,
                battery,
                TEMPERATURE_UNKNOWN if temperature is None else round(temperature * HUNDREDTHS),
            )
        case Crash(kind, program_counter, detail, boot):
            return _CRASH.pack(StatisticsPage.CRASH, kind, program_counter, detail, boot)
        case Supply(cell_mv, external_power, charging, has_cell, temperature):
            bits = external_power * _SUPPLY_EXTERNAL | charging * _SUPPLY_CHARGING | has_cell * _SUPPLY_CELL
            return _SUPPLY.pack(
                StatisticsPage.SUPPLY,
                bits,
                cell_mv,
                TEMPERATURE_UNKNOWN if temperature is None else round(temperature * HUNDREDTHS),
            )
        case CalibrationPiece(total, offset, data):
            check_argument(offset + len(data) <= total, "the piece reaches over the end of the calibration")
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
                None if temperature == TEMPERATURE_UNKNOWN else temperature / HUNDREDTHS,
            )
        case StatisticsPage.CRASH:
            return Crash(*_unpack(_CRASH, data)[1:])
        case StatisticsPage.SUPPLY:
            _, bits, cell_mv, temperature = _unpack(_SUPPLY, data)
            return Supply(
                cell_mv,
                bool(bits & _SUPPLY_EXTERNAL),
                bool(bits & _SUPPLY_CHARGING),
                bool(bits & _SUPPLY_CELL),
                None if temperature == TEMPERATURE_UNKNOWN else temperature / HUNDREDTHS,
            )
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
