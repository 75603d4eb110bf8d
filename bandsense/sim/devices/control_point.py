"""The control point of a simulated sensor (docs/protocol.md sections 4 and 5): requests in, answers out.

    write ──▶ on_request ──▶ decode_request ──▶ _result ──▶ Answer ──indication──▶ client
                  │                │                │
             ATT error        status of the    status of the
             (not paired,     refusal          reason (`_Refused`)
             still answering)

One request is answered at a time: a write while an answer is on its way is refused with *procedure in
progress*. A calibration comes in pieces in order, and counts once all of them are there.
"""

from __future__ import annotations

import asyncio
import zlib

from bumble import att, gatt
from bumble.device import Connection

from bandsense.errors import FrameError
from bandsense.sim.devices.body import Body
from bandsense.sim.devices.hardware import (
    Step,
)
from bandsense.sim.devices.streamer import Streamer
from bandsense.sim.radio.gatt import characteristic
from bandsense.wire.bandsense.answers import (
    Answer,
    CalibrationPiece,
    Counters,
    Crash,
    Result,
    SelfTestResult,
    Started,
    Stopped,
    Supply,
    TimeMarked,
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import (
    ATT_CCC_IMPROPERLY_CONFIGURED,
    ATT_INVALID_LENGTH,
    ATT_PROCEDURE_IN_PROGRESS,
    CALIBRATION_SIZE,
    CrashKind,
    Features,
    SelfTestBits,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    Request,
    RequestRefused,
    SelfTest,
    SetLabel,
    SetOptions,
    Sleep,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    decode_request,
    encode_request,
)
from bandsense.wire.bandsense.uuids import (
    CONTROL_UUID,
)

__all__ = ["ControlPoint"]

_RECORD_VERSION = 1


class ControlPoint:
    """Answers requests, of one boot.

    Attributes:
        characteristic: what is written and indicated.
        answering: an answer is on its way.
        forget_at_end: bonds that are forgotten when the link ends.
    """

    def __init__(self, body: Body, streamer: Streamer) -> None:
        self._body = body
        self._streamer = streamer
        properties = gatt.Characteristic.Properties.WRITE | gatt.Characteristic.Properties.INDICATE
        self.characteristic = characteristic(CONTROL_UUID, properties, write=self.on_request)
        self.answering = False
        self.forget_at_end: list[str] = []
        self._calibration_pieces = bytearray()
        self._self_test: SelfTestResult | None = None

    def on_request(self, connection: Connection, data: bytes) -> None:
        """Take a write; its answer is indicated."""
        self._body.require_encryption(connection)
        subscription = (
            self._body.powered_device()
            .gatt_server.subscribers.get(connection, {})
            .get(self.characteristic.handle, b"\0\0")
        )
        if not subscription[0] & 0x02:
            raise att.ATT_Error(ATT_CCC_IMPROPERLY_CONFIGURED)
        if self.answering:
            raise att.ATT_Error(ATT_PROCEDURE_IN_PROGRESS)
        self._body.fault.request(data)
        request: Request | None = None
        try:
            request_id, request = decode_request(data)
            answer = self._handle(connection, request_id, request)
        except RequestRefused as refused:
            if refused.status is None:
                raise att.ATT_Error(ATT_INVALID_LENGTH) from None
            answer = Answer(refused.request_id, refused.opcode, refused.status)
        self.answering = True
        self._body.run(self._answer(connection, request, answer.encode()))
        self._body.reached(Step.REQUEST)

    async def _answer(self, connection: Connection, request: Request | None, data: bytes) -> None:
        try:
            for delay_s, piece in self._body.fault.answer(data):
                await asyncio.sleep(delay_s)
                await self._body.powered_device().indicate_subscriber(connection, self.characteristic, piece)
        except TimeoutError:
            return
        finally:
            self.answering = False
        self._body.reached(Step.ANSWERED)
        if isinstance(request, Sleep):
            await self._body.sleep(connection)

    def _handle(self, connection: Connection, request_id: int, request: Request) -> Answer:
        opcode = encode_request(request_id, request)[1]
        try:
            return Answer(request_id, opcode, Status.SUCCESS, self._result(connection, request))
        except _Refused as refused:
            return Answer(request_id, opcode, refused.status)

    def _result(self, connection: Connection, request: Request) -> Result | None:
        match request:
            case Start(rate_hz):
                return self._start(rate_hz)
            case Stop():
                self._streamer.take_samples()
                self._streamer.end()
                return Stopped(self._body.clock_us(), self._streamer.next_sequence())
            case Identify(seconds):
                self._body.identifying_until_s = self._body.now_s() + seconds
            case Sleep():
                pass
            case SetLabel(label):
                self._require_no_stream()
                self._body.memory.label = label
                self._body.show_name(self._body.powered_device())
            case ReadStatistics(page):
                return self._statistics(page)
            case ReadCalibration(offset):
                return self._calibration_piece(offset, connection.att_mtu)
            case WriteCalibration(_, offset, data):
                self._write_calibration(offset, data)
            case OpenPairing(seconds):
                self._body.open_pairing(seconds)
            case ForgetBonds(everyone):
                self.forget_at_end = (
                    list(self._body.memory.bonds.all_keys) if everyone else [str(connection.peer_address)]
                )
            case TimeMark():
                self._streamer.take_samples()
                return TimeMarked(
                    self._body.clock_us(), self._streamer.next_sequence(), self._body.memory.boot_number
                )
            case SelfTest():
                self._run_self_test()
            case SetOptions(options):
                self._require_no_stream()
                self._body.memory.options = options
        return None

    def _start(self, rate_hz: int) -> Started:
        if rate_hz not in self._body.hardware.rates_hz:
            raise _Refused(Status.OUT_OF_RANGE)
        if self._streamer.for_progressor:
            raise _Refused(Status.WRONG_STATE)
        if self._streamer.rate_hz != rate_hz:
            self._streamer.take_samples()
            self._streamer.end()
            self._streamer.begin(rate_hz)
        self._streamer.take_samples()
        return Started(
            rate_hz, self._body.clock_us(), self._streamer.next_sequence(), self._body.memory.boot_number
        )

    def _statistics(self, page: StatisticsPage) -> Result:
        match page:
            case StatisticsPage.COUNTERS:
                uptime_s = int(self._body.now_s() - self._body.boot_s)
                return Counters(
                    uptime_s,
                    self._streamer.overruns,
                    self._streamer.dropped,
                    self._body.memory.boot_number,
                    self._body.cause,
                )
            case StatisticsPage.SELF_TEST:
                not_run = SelfTestResult(SelfTestBits.NOT_RUN, 0.0, 0, 0, self._body.battery_mv)
                return self._self_test or not_run
            case StatisticsPage.CRASH:
                return Crash(CrashKind.NONE, 0, 0, 0)
            case StatisticsPage.SUPPLY:
                return Supply(self._body.battery_mv, False, False, True, self._told_temperature_c())

    def _require_no_stream(self) -> None:
        if self._streamer.streaming:
            raise _Refused(Status.WRONG_STATE)

    def _told_temperature_c(self) -> float | None:
        has_thermometer = Features.TEMPERATURE in self._body.hardware.features
        return self._body.temperature_c if has_thermometer else None

    def _run_self_test(self) -> None:
        self._require_no_stream()
        self._self_test = SelfTestResult(
            SelfTestBits.PASSED,
            noise_counts_rms=120.0,
            offset_counts=self._body.player.source.zero_count + self._body.zero_moved(),
            excitation_mv=3000,
            battery_mv=self._body.battery_mv,
            temperature_c=self._told_temperature_c(),
        )

    def _calibration_piece(self, offset: int, att_mtu: int) -> CalibrationPiece:
        record = self._body.memory.calibration
        if offset > len(record):
            raise _Refused(Status.OUT_OF_RANGE)
        room = att_mtu - 3 - 5
        return CalibrationPiece(len(record), offset, record[offset : offset + room])

    def _write_calibration(self, offset: int, data: bytes) -> None:
        self._require_no_stream()
        if offset == 0:
            self._calibration_pieces.clear()
        if offset != len(self._calibration_pieces):
            self._calibration_pieces.clear()
            raise _Refused(Status.OUT_OF_RANGE)
        self._calibration_pieces += data
        if len(self._calibration_pieces) < CALIBRATION_SIZE:
            return
        record = bytes(self._calibration_pieces)
        self._calibration_pieces.clear()
        self._body.memory.calibration = _checked(record)


class _Refused(Exception):
    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


def _checked(record: bytes) -> bytes:
    """Return the record if it is a calibration of version 1."""
    if zlib.crc32(record[:-4]) != int.from_bytes(record[-4:], "little"):
        raise _Refused(Status.CRC_MISMATCH)
    if record[0] != _RECORD_VERSION:
        raise _Refused(Status.UNSUPPORTED_VERSION)
    try:
        CalibrationRecord.decode(record)
    except FrameError:
        raise _Refused(Status.OUT_OF_RANGE) from None
    return record
