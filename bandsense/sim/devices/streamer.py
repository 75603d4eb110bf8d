"""How a simulated sensor streams: samples felt are moved into frames, and frames into notifications.

    player ──felt──▶ take_samples ──▶ framer ──frame is full, or waited 40 ms──▶ _send
                                                                                ├──▶ the log of the band
                                                                                └──▶ the radio, with faults

Sampling goes by the source's own clock and never waits for a client: what would have been sampled while
nobody is there is passed over, as the firmware does. A frame holds as many samples as fit the link's MTU; one
that does not fill is sent when its oldest sample has waited `FLUSH_AFTER_US`. The same samples go out as
weights while an app for the Progressor reads the sensor.
"""

from __future__ import annotations

import asyncio

from bumble import att, core, gatt
from bumble.device import Connection

from bandsense.sim.devices.body import Body
from bandsense.sim.devices.framer import Framer, Sample
from bandsense.sim.devices.hardware import (
    MICROSECONDS,
)
from bandsense.sim.radio.gatt import characteristic, is_subscribed, notify
from bandsense.wire.bandsense.codes import (
    COUNT_MAX,
    COUNT_MIN,
    RATES_HZ,
)
from bandsense.wire.bandsense.measurement import MeasurementFrame, samples_per_frame
from bandsense.wire.bandsense.uuids import (
    MEASUREMENT_UUID,
)

__all__ = ["Streamer"]

FLUSH_AFTER_US = 40_000
"""A frame that does not fill is sent by then, so that no sample is later than 60 ms on the air."""

_STREAMING_INTERVAL_MS = (15.0, 30.0)
_STREAMING_TIMEOUT_MS = 4000.0
_PARAMETERS_TIMEOUT_S = 5.0


class Streamer:
    """Samples, frames and notifications of one boot.

    Attributes:
        measurement: the characteristic that frames are notified on.
        framer: frames under way.
        rate_hz: samples a second; None while it does not sample.
        for_progressor: an app for the Progressor reads it.
        overruns: samples that came too late to be sent.
        dropped: frames that no one could be told of.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self.measurement = characteristic(MEASUREMENT_UUID, gatt.Characteristic.Properties.NOTIFY)
        self.framer = Framer(body.hardware.first_sequence)
        self.rate_hz: int | None = None
        self.for_progressor = False
        self.overruns = 0
        self.dropped = 0
        self._frames = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def streaming(self) -> bool:
        """Whether it samples."""
        return self.rate_hz is not None

    def next_sequence(self) -> int:
        """Return the number of the next sample, as it is sent."""
        return self.framer.sequence % 2**16

    def _samples_per_frame(self) -> int:
        mtu = self._body.connection.att_mtu if self._body.connection else att.ATT_DEFAULT_MTU
        own = samples_per_frame(self.rate_hz or RATES_HZ[0], mtu)
        return min(own, (mtu - 5) // 8) if self.for_progressor else own

    def begin(self, rate_hz: int) -> None:
        """Sample at a rate from now on."""
        self._body.player.begin(rate_hz)
        self.rate_hz = rate_hz
        self._frames = 0
        self._task = self._body.run(self._keep_streaming())
        self._body.status_changed()
        if self._body.connection is not None:
            self._body.run(self._ask_for_interval(self._body.connection))

    async def _ask_for_interval(self, connection: Connection) -> None:
        """Ask for the connection parameters of section 8; the central may refuse, or be gone."""
        low_ms, high_ms = _STREAMING_INTERVAL_MS
        try:
            async with asyncio.timeout(_PARAMETERS_TIMEOUT_S):
                await connection.update_parameters(low_ms, high_ms, 0, _STREAMING_TIMEOUT_MS, use_l2cap=True)
        except (core.BaseBumbleError, TimeoutError):
            # Bumble would wait for the lost answer for ever, and refuse to ask again.
            connection.device.l2cap_channel_manager.connection_parameters_update_response = None

    def take_samples(self) -> None:
        """Move what has been felt by now into frames, and send those that are complete."""
        if not self.streaming or self._body.player.epoch_s is None:
            return
        per_frame = self._samples_per_frame()
        epoch_us = self._body.device_us(self._body.player.epoch_s)
        rate = 1.0 + self._body.hardware.clock_ppm * 1e-6
        frames = []
        for felt in self._body.player.due():
            self.overruns += felt.missed_before
            device_us = epoch_us + round(felt.source_us * rate)
            count = min(max(felt.count + self._body.zero_moved(), COUNT_MIN), COUNT_MAX)
            sample = Sample(device_us, count, felt.saturated, felt.missed_before)
            frames += self.framer.push(sample, per_frame)
        if (waited_us := self._waited_us()) is not None and waited_us >= FLUSH_AFTER_US:
            frames += self.framer.flush()
        for frame in frames:
            self._send(frame)

    async def _keep_streaming(self) -> None:
        while self._body.player.look_ahead(missing := self._samples_per_frame() - self.framer.pending):
            ahead = self._body.player.ahead
            ready_us: float = ahead[min(missing, len(ahead)) - 1].source_us
            if (waited_us := self._waited_us()) is not None:
                ready_us = min(ready_us, self._source_us() + FLUSH_AFTER_US - waited_us)
            await self._body.player.until(ready_us)
            self.take_samples()
        for frame in self.framer.flush():
            self._send(frame)
        self._body.finished.set()

    def _source_us(self) -> float:
        return (self._body.now_s() - (self._body.player.epoch_s or 0.0)) * MICROSECONDS

    def _waited_us(self) -> int | None:
        """Return how long the oldest sample of the present frame has waited."""
        oldest_us = self.framer.oldest_us
        return None if oldest_us is None else self._body.device_us(self._body.now_s()) - oldest_us

    def end(self) -> None:
        """Stop sampling; what is left of a frame goes out if there is still someone to hear it."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for frame in self.framer.interrupt():
            self._send(frame)
        self.for_progressor = False
        if self.rate_hz is not None:
            self.rate_hz = None
            self._body.player.ahead.clear()
            self._body.status_changed()

    def _send(self, frame: MeasurementFrame) -> None:
        on_air = self._transmit(frame)
        if not on_air:
            self.dropped += 1
        self._frames += 1
        self._body.sent(frame, on_air, first=self._frames == 1)

    def _transmit(self, frame: MeasurementFrame) -> tuple[bytes, ...]:
        """Hand a frame to the radio, with whatever goes wrong; give what went out."""
        connection, device = self._body.connection, self._body.device
        if connection is None or device is None:
            return ()
        if self.for_progressor:
            return self._body.transmit_as_progressor(frame)
        if not is_subscribed(device, connection, self.measurement):
            return ()
        pieces = tuple(self._body.fault.frame(frame.encode()))
        for delay_s, data in pieces:
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._notify, connection, data)
            else:
                self._notify(connection, data)
        return tuple(data for _, data in pieces)

    def _notify(self, connection: Connection, data: bytes) -> None:
        if connection is self._body.connection:
            notify(self._body.powered_device(), connection, self.measurement, data)
