"""What comes in from one sensor: captured, decoded, related to the host's clock, and queued for its reader.

    received ──▶ capture                     raw, before anything is made of it
            └──▶ decoder ──block──▶ clock    the sensor's time against the time of arrival
                                └──▶ queue ──▶ whoever iterates over `Sensor.stream`

Everything happens in the order of arrival, inside the callback of the Bluetooth stack, and waits for nothing.
One decoder lives as long as the sensor is followed, over every loss of the link, so that it can mark the
gaps. A replay of the capture runs through the same decoder with the same arrival times, which are whole
microseconds for that reason, and gives the very same blocks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from bandsense.capture.format import CaptureWriter
from bandsense.errors import LinkError
from bandsense.language import Message
from bandsense.link.ble.scanner import DiscoveredSensor
from bandsense.link.clock import ClockSync
from bandsense.link.sample_queue import BlockQueue
from bandsense.samples import SampleBlock
from bandsense.wire.bandsense.uuids import BATTERY_LEVEL_UUID
from bandsense.wire.decoder import Decoder
from bandsense.wire.reassembly import StreamStatistics

__all__ = ["Receiver"]

logger = logging.getLogger(__name__)


class Receiver:
    """Takes what a sensor sends, from the first connection to the end.

    Args:
        host_clock: host time in seconds.
        capture: where everything is written; it stays open.

    Attributes:
        queue: what waits for the reader.
        clock: the sensor's time related to host time; another object after the sensor's clock began anew.
        decoder: None before the first connection.
        battery_percent: the battery level that was told last.
        last_data_s: host time of the last samples; 0 before any.
    """

    def __init__(self, host_clock: Callable[[], float], capture: CaptureWriter | None) -> None:
        self.capture = capture
        self.queue = BlockQueue()
        self.clock = ClockSync()
        self.decoder: Decoder | None = None
        self.battery_percent: int | None = None
        self.last_data_s = 0.0
        self._host_clock = host_clock
        self._clock_restarts = 0

    @property
    def statistics(self) -> StreamStatistics:
        """What became of the samples so far."""
        return self.decoder.statistics if self.decoder else StreamStatistics()

    def reopen(self) -> None:
        """Let a new reader have what comes from now on, where the last one has ended."""
        self.queue = BlockQueue()
        self._note_delivery(on=True)

    def now_s(self) -> float:
        """Host time in whole microseconds, as a capture keeps it: so a replay gives the very same samples."""
        return round(self._host_clock() * 1e6) / 1e6

    def begin(self, sighting: DiscoveredSensor) -> None:
        """Begin to follow a sensor: with a decoder of its own, in a section of its own."""
        self.decoder = sighting.driver.decoder()
        if self.capture is not None:
            about = {
                "driver": sighting.driver.name,
                "address": sighting.address,
                "name": sighting.name,
                "unix_s": round(time.time(), 3),
            }
            self.capture.section(self.now_s(), about)

    def received(self, characteristic: str, data: bytes) -> None:
        """Take a value that was read, notified or advertised."""
        now_s = self.now_s()
        if self.capture is not None:
            self.capture.received(now_s, characteristic, data)
        if characteristic == BATTERY_LEVEL_UUID and len(data) == 1 and data[0] <= 100:
            self.battery_percent = data[0]
        if self.decoder is None:
            return
        try:
            block = self.decoder.feed(characteristic, data, now_s)
        except Exception as error:
            # A decoder of another package is at fault; Bluetooth stacks would swallow what is raised here.
            logger.exception("the decoder failed")
            self.end_delivery(
                LinkError(Message("the sensor's driver failed: {error!r}; please report this", error=error))
            )
            return
        if block is not None and len(block):
            self.last_data_s = now_s
            self._relate_clock(block, now_s)
            self._deliver(block)

    def interrupt(self) -> None:
        """Mark an interruption of the stream: the link ended, or it was stopped."""
        if self.decoder is None:
            return
        if self.capture is not None:
            self.capture.interrupted(self.now_s())
        self._deliver(self.decoder.interrupt())

    def end_delivery(self, error: Exception | None = None) -> None:
        """End the iteration of whoever reads the samples, with an error if there is one."""
        if not self.queue.ended:
            self._note_delivery(on=False)
        self.queue.end(error)

    def _relate_clock(self, block: SampleBlock, arrival_s: float) -> None:
        restarts = self.statistics.restarts
        if restarts != self._clock_restarts:
            self._clock_restarts = restarts
            self.clock = ClockSync()
        self.clock.add_arrival(float(block.time_s[-1]), arrival_s)

    def _deliver(self, block: SampleBlock | None) -> None:
        if block is not None and len(block):
            self.queue.put(block)

    def _note_delivery(self, *, on: bool) -> None:
        if self.capture is not None and self.decoder is not None:
            self.capture.delivery(self.now_s(), on=on)
