"""From everything that comes over the air from one sensor to its sample blocks, without I/O.

A decoder lives as long as the sensor is followed, over disconnections and resets. What it is fed, in order
and with arrival times, determines what it gives: a raw capture fed to a new decoder gives the same blocks.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np
from typing_extensions import override

from bandsense.errors import FrameError
from bandsense.language import Message, message_of
from bandsense.samples import SampleBlock, Unit
from bandsense.wire import imds, progressor, whc06
from bandsense.wire.bandsense.answers import Started, decode_answer
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.uuids import CONTROL_UUID, INFORMATION_UUID, MEASUREMENT_UUID
from bandsense.wire.reassembly import SequencedStream, StreamStatistics, TimedStream

__all__ = [
    "ADVERTISEMENT",
    "BandsenseDecoder",
    "Decoder",
    "ImdsDecoder",
    "ProgressorDecoder",
    "WhC06Decoder",
]

ADVERTISEMENT = "advertisement"
"""In place of a characteristic: the data came in an advertisement."""

_SILENCE_S = 2.0
"""Broadcasts are irregular; a longer silence than this is a gap."""


class Decoder(Protocol):
    """What a driver needs to turn bytes into samples.

    A decoder may also have a `complaint: str | None`: what the person has to change on the sensor before it
    gives samples, told when none come.
    """

    @property
    def unit(self) -> Unit:
        """Unit of the samples."""

    @property
    def statistics(self) -> StreamStatistics:
        """What became of the samples so far."""

    @property
    def low_battery(self) -> bool:
        """The sensor said that its battery is low."""

    def feed(self, characteristic: str, data: bytes, arrival_s: float) -> SampleBlock | None:
        """Take what was read or notified; give the samples that are complete up to now, if any.

        Args:
            characteristic: UUID in lower case, or `ADVERTISEMENT`.
            data: the value; whatever it is, no error is raised.
            arrival_s: host time, seconds, increasing.
        """

    def interrupt(self) -> SampleBlock | None:
        """Release what waits because the link ended or the stream was stopped; later samples follow a gap."""

    def stream_time_s(self, clock_us: int) -> float | None:
        """Map a device clock reading taken about now onto the time axis of the blocks; None while unknown."""
        return None


class _StreamDecoder(Decoder):
    """What decoders share whose sensors tell the time: a stream puts their samples in order and counts."""

    _stream: SequencedStream | TimedStream
    _low_battery = False

    @override
    @property
    def statistics(self) -> StreamStatistics:
        return self._stream.statistics

    @override
    @property
    def low_battery(self) -> bool:
        return self._low_battery


class BandsenseDecoder(_StreamDecoder):
    """Decoder of the bandsense profile."""

    unit = Unit.COUNT

    def __init__(self) -> None:
        self._stream: SequencedStream = SequencedStream()

    @override
    def feed(self, characteristic: str, data: bytes, arrival_s: float) -> SampleBlock | None:
        try:
            if characteristic == MEASUREMENT_UUID:
                frame = MeasurementFrame.decode(data)
                self._low_battery = frame.low_battery
                return self._stream.push(frame, arrival_s)
            if characteristic == CONTROL_UUID:
                result = decode_answer(data).result
                return self._stream.begin(result, arrival_s) if isinstance(result, Started) else None
            if characteristic == INFORMATION_UUID:
                information = Information.decode(data)
                self._stream.lowest_count = information.lowest_count
                self._stream.highest_count = information.highest_count
        except FrameError:
            self._stream.count_malformed()
        return None

    @override
    def interrupt(self) -> SampleBlock | None:
        return self._stream.interrupt()

    @override
    def stream_time_s(self, clock_us: int) -> float | None:
        return self._stream.stream_time_s(clock_us)


class ProgressorDecoder(_StreamDecoder):
    """Decoder of Tindeq Progressor and compatible sensors."""

    unit = Unit.KILOGRAM_FORCE

    def __init__(self) -> None:
        self._stream: TimedStream = TimedStream(Unit.KILOGRAM_FORCE)

    @override
    def feed(self, characteristic: str, data: bytes, arrival_s: float) -> SampleBlock | None:
        if characteristic != progressor.DATA_UUID:
            return None
        try:
            notification = progressor.decode_notification(data)
        except FrameError:
            self._stream.count_malformed()
            return None
        match notification:
            case progressor.WeightNotification(weights, times, invalid):
                if invalid:
                    self._stream.count_malformed()
                return self._stream.push(times, weights, arrival_s)
            case progressor.LowPowerNotification():
                self._low_battery = True
        return None

    @override
    def interrupt(self) -> SampleBlock | None:
        self._stream.begin()
        return None


class _ArrivalDecoder(Decoder):
    """What decoders share whose sensors tell no time: the time of arrival is the only one there is."""

    unit: Unit
    low_battery = False
    _source: str

    def __init__(self) -> None:
        self.complaint: str | None = None
        self._samples = self._gaps = self._duplicates = self._malformed = 0
        self._last_s: float | None = None
        self._gap_due = False

    @override
    @property
    def statistics(self) -> StreamStatistics:
        return StreamStatistics(
            samples=self._samples, gaps=self._gaps, duplicates=self._duplicates, malformed=self._malformed
        )

    @override
    def interrupt(self) -> SampleBlock | None:
        self._gap_due = True
        return None

    @override
    def feed(self, characteristic: str, data: bytes, arrival_s: float) -> SampleBlock | None:
        if characteristic != self._source:
            return None
        try:
            value = self._decode(data)
        except FrameError as error:
            self._malformed += 1
            said = message_of(error)
            self.complaint = said if isinstance(said, Message) else None  # the rest is of no help to a person
            return None
        if value is None:
            self.complaint = Message(
                "the sensor does not know the force: is it overloaded, or still starting?"
            )
            return self.interrupt()
        self.complaint = None
        return self._push(value, arrival_s)

    @abstractmethod
    def _decode(self, data: bytes) -> float | None:
        """Read the one value; None where the sensor does not know it. Raise `FrameError` if it is none."""

    def _push(self, value: float, arrival_s: float) -> SampleBlock | None:
        if self._last_s is not None and arrival_s <= self._last_s:
            self._duplicates += 1
            return None
        silent = self._last_s is not None and arrival_s - self._last_s > _SILENCE_S
        gap = self._last_s is not None and (silent or self._gap_due)
        self._gap_due = False
        self._last_s = arrival_s
        self._samples += 1
        self._gaps += gap
        return SampleBlock(np.array([arrival_s]), np.array([value]), self.unit, np.array([gap]))


class WhC06Decoder(_ArrivalDecoder):
    """Decoder of the WH-C06 scale."""

    unit = Unit.KILOGRAM_FORCE
    _source = ADVERTISEMENT

    @override
    def _decode(self, data: bytes) -> float:
        return whc06.decode_advertisement(data).weight_kgf


class ImdsDecoder(_ArrivalDecoder):
    """Decoder of force sensors of the Bluetooth standard. A force that is not known leaves a gap."""

    unit = Unit.NEWTON
    _source = imds.FORCE_UUID

    @override
    def _decode(self, data: bytes) -> float | None:
        return imds.decode_force(data)
