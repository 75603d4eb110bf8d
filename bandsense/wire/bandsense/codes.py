"""Numbers of the bandsense profile, version 1: opcodes, status, flags and limits (docs/protocol.md)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from bandsense.language import Message, mark

__all__ = [
    "ATT_CCC_IMPROPERLY_CONFIGURED",
    "ATT_INSUFFICIENT_AUTHENTICATION",
    "ATT_INSUFFICIENT_ENCRYPTION",
    "ATT_INVALID_LENGTH",
    "ATT_PROCEDURE_IN_PROGRESS",
    "CALIBRATION_SIZE",
    "COUNT_MAX",
    "COUNT_MIN",
    "LABEL_MAX_BYTES",
    "PAIRING_MAX_S",
    "PROFILE_MAJOR",
    "PROFILE_MINOR",
    "RATES_HZ",
    "CalibrationGrade",
    "CrashKind",
    "Features",
    "Opcode",
    "Options",
    "ResetCause",
    "SelfTestBits",
    "StatisticsPage",
    "Status",
    "status_text",
]


PROFILE_MAJOR = 1


PROFILE_MINOR = 1


RATES_HZ = (10, 20, 40, 80, 320)
"""Nominal rates; the position is the bit in *rates* of the information."""


COUNT_MAX = 2**23 - 1


COUNT_MIN = -(2**23)


LABEL_MAX_BYTES = 16


CALIBRATION_SIZE = 40


class Features(IntFlag):
    """What a sensor can do, as it says in *information*."""

    NONE = 0
    PROGRESSOR = 1
    FIRMWARE_UPDATE = 2
    TEMPERATURE = 4
    WAKE_ON_TENSION = 8
    FIXED_PASSKEY = 16
    FORCE_SERVICE = 32
    PRIVATE_ADDRESS = 64


class Options(IntFlag):
    """What can be switched on by *set options*."""

    NONE = 0
    PROGRESSOR = 1
    PRIVATE_ADDRESS = 2


class CalibrationGrade(IntEnum):
    """How a calibration record was obtained; worst last."""

    INLINE = 0
    CLIP_ON = 1
    NOMINAL = 2
    COLOUR_TABLE = 3


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
    Status.SUCCESS: mark("success"),
    Status.UNKNOWN_OPCODE: mark("the sensor does not know this command; update its firmware"),
    Status.WRONG_LENGTH: mark(
        "the sensor expects this command in another length; update bandsense or its firmware"
    ),
    Status.OUT_OF_RANGE: mark("a value is out of the range that the sensor accepts"),
    Status.WRONG_STATE: mark("not possible in this state; stop the measurement first"),
    Status.NOT_PERMITTED: mark("the sensor does not permit this"),
    Status.CRC_MISMATCH: mark("the calibration arrived damaged; write it again"),
    Status.UNSUPPORTED_VERSION: mark(
        "the sensor does not know this version of the record; update its firmware"
    ),
    Status.HARDWARE_FAILURE: mark("the sensor's converter does not answer; switch the sensor off and on"),
    Status.STORAGE_FAILURE: mark("the sensor could not store it; try again"),
    Status.BATTERY_LOW: mark("the sensor's battery is too low for this; charge it first"),
}


def status_text(status: int) -> Message:
    """Describe a status in words; a status of a later version by its number."""
    try:
        return Message(_STATUS_TEXT[Status(status)])
    except ValueError:
        return Message(
            "the sensor reports failure {status}, which this version does not know; update bandsense",
            status=status,
        )


class StatisticsPage(IntEnum):
    """What *read statistics* can show."""

    COUNTERS = 0
    SELF_TEST = 1
    CRASH = 2
    SUPPLY = 3


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
    CONTROLLER = 5


class SelfTestBits(IntFlag):
    """Outcome of the self test."""

    PASSED = 1
    NOISE_TOO_HIGH = 2
    OFFSET_OUT_OF_RANGE = 4
    EXCITATION_OUT_OF_RANGE = 8
    CONVERTER_ABSENT = 16
    NOT_RUN = 128
