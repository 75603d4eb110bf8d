"""A sensor that stays connected: found, set up, streamed from, and found again for as long as it is wanted.

    async with open_sensor("bandsense-66F7") as sensor:
        async for block in sensor.stream(rate_hz=80):
            ...

A supervisor task looks after the link. When it ends, whatever the reason, the supervisor says so in words,
finds the sensor again, sets it up as before and goes on with the same stream; the samples show the gap.

    SEARCHING ──heard──▶ CONNECTING ──set up──▶ CONNECTED ◀──stop── STREAMING
        ▲                    │                      │ └────start────────▲ │
        │ after a pause      ▼                      ▼                     │ │
        └────────────────── LOST ◀──────── the link ended, or is silent ────┘

    CLOSED when `open_sensor` is over.

Pauses grow with every attempt that failed, and begin anew once a link has held for a while. A link that
stands but brings no samples for `STALL_S` while it should stream counts as lost. A sensor that has forgotten
its half of a bond is recognised by the error, or, where the system tells none, by set-ups that break one
after the other. What comes in meanwhile is the business of `Receiver`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bandsense.capture.format import CaptureWriter
from bandsense.errors import (
    BandsenseError,
    CommandError,
    ConnectionLost,
    LinkError,
    PairingError,
    SensorBusy,
    SensorNotFound,
    SensorTimeout,
    WireError,
)
from bandsense.language import Message, message_of
from bandsense.link.ble.adapter import Transport
from bandsense.link.ble.bluez_agent import AskPasskey
from bandsense.link.ble.connection import connect, is_bonded, remove_bond
from bandsense.link.ble.scanner import DiscoveredSensor, broadcast_information, find_sensor, scan
from bandsense.link.clock import ClockSync
from bandsense.link.drivers.base import BroadcastSensor, ConnectedSensor, SensorInformation
from bandsense.link.errors import LinkErrorReason, SensorUnreachable, StaleBond, describe, reason_for
from bandsense.link.receiver import Receiver
from bandsense.samples import SampleBlock
from bandsense.wire.bandsense.codes import Features
from bandsense.wire.decoder import ADVERTISEMENT
from bandsense.wire.reassembly import StreamStatistics

__all__ = ["LinkEvent", "LinkState", "Sensor", "open_sensor"]

logger = logging.getLogger(__name__)

PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before each attempt to get the link back; the last one for ever."""
LISTEN_S = 10.0
"""How long one attempt listens for the sensor."""
CHOICE_S = 1.0
"""How long to listen for a stronger one when any sensor will do."""
BUSY_GRACE_S = 6.0
"""After a link loss the sensor believes itself connected until its supervision time-out of 4 s."""
SUSPICIOUS_FAILURES = 2
"""So many connections in a row that end during set-up, and the bond is taken for stale."""
STALL_S = 5.0
"""Without a sample for so long, a link that claims to stand is given up."""
SETTLED_S = 5.0
"""A link that lasted longer than this starts the pauses anew when it is lost."""
LAST_FRAMES_S = 0.2
"""After *stop* was answered, frames may still be on their way through the computer's Bluetooth stack."""
BROADCAST_SILENCE_S = 10.0
FIRST_MARKS, FIRST_MARKS_S, MARKS_S = 10, 1.0, 10.0
"""So many time marks at this distance, then one every so many seconds."""
CLOSING_S = 15.0
"""Longer than a disconnection may take."""
HEARTBEAT_S = 1.0
SUSPENDED_S = 5.0
"""The clocks disagree, or a heartbeat comes late, by more than this: the computer was asleep."""
NEARLY_EMPTY_PERCENT = 5
PREFERRED_RATE_HZ = 80


class LinkState(Enum):
    """Where the link to a sensor stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    STREAMING = "streaming"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """The link changed.

    Attributes:
        host_s: host time of the transport's clock, seconds.
        state: where it stands now.
        message: the same in words for people.
        reason: why, where something is wrong.
        retry_in_s: how long until the next attempt.
        gap_s: streaming again after so many seconds without.
    """

    host_s: float
    state: LinkState
    message: str
    reason: LinkErrorReason | None = None
    retry_in_s: float | None = None
    gap_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is None is left out."""
        values = {"state": self.state.value, "message": self.message, "host_s": self.host_s}
        if self.reason is not None:
            values["reason"] = self.reason.value
        if self.retry_in_s is not None:
            values["retry_in_s"] = self.retry_in_s
        if self.gap_s is not None:
            values["gap_s"] = self.gap_s
        return values


class Sensor:
    """A sensor that is followed; made by `open_sensor`."""

    def __init__(
        self,
        target: str | DiscoveredSensor | None,
        transport: Transport,
        *,
        pair: bool = True,
        ask_passkey: AskPasskey | None = None,
        capture: CaptureWriter | None = None,
    ) -> None:
        self._target = target
        self._transport = transport
        self._pair = pair
        self._ask_passkey = ask_passkey
        self._listeners: list[Callable[[LinkEvent], None]] = []
        self._receiver = Receiver(transport.clock, capture)
        self._state = LinkState.SEARCHING
        self._sighting: DiscoveredSensor | None = target if isinstance(target, DiscoveredSensor) else None
        self._device: ConnectedSensor | None = None
        self._information: SensorInformation | None = None
        self._rate_hz: int | None = None
        self._starting = asyncio.Lock()
        self._lost = asyncio.Event()
        self._broken: BandsenseError | None = None
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last_error: BandsenseError | None = None
        self._connected_s: float | None = None
        self._lost_s: float | None = None
        self._lost_streaming = False
        self._failed_setups = 0
        self._told_to_sleep = False
        self._suspended = False
        self._closing = False

    # -- what is known ---------------------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self._state

    @property
    def information(self) -> SensorInformation:
        """What the sensor told about itself.

        Raises:
            ConnectionLost: it was never connected.
        """
        if self._information is None:
            raise ConnectionLost(
                Message("the sensor was not connected yet, so nothing is known about it; connect first")
            )
        return self._information

    @property
    def battery_percent(self) -> int | None:
        """The battery level that was told last, 0 … 100."""
        if self._receiver.battery_percent is None and self._sighting is not None:
            return self._sighting.battery_percent
        return self._receiver.battery_percent

    @property
    def statistics(self) -> StreamStatistics:
        """What became of the samples so far."""
        return self._receiver.statistics

    @property
    def backlog(self) -> int:
        """Samples received that the reader of `stream` has not taken yet."""
        return self._receiver.queue.backlog

    @property
    def clock(self) -> ClockSync:
        """The sensor's time related to host time. Another object after the sensor's clock began anew."""
        return self._receiver.clock

    @property
    def device(self) -> ConnectedSensor:
        """What can be asked of the sensor now.

        Raises:
            ConnectionLost: it is not connected at the moment.
        """
        if self._device is None:
            raise ConnectionLost(Message("the sensor is not connected at the moment; wait until it is"))
        return self._device

    async def temperature_c(self) -> float | None:
        """Its temperature now, °C, by its self test; one that does not measure it is not asked: None.

        Not while it streams.

        Raises:
            CommandError: it refuses.
            FrameError: its answer makes no sense.
            LinkError: the link failed, or it does not answer.
        """
        if Features.TEMPERATURE not in self.information.features:
            return None
        return (await self.device.self_test()).temperature_c

    def subscribe(self, listener: Callable[[LinkEvent], None]) -> Callable[[], None]:
        """Have `listener` called for every change of the link; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # -- streaming -------------------------------------------------------------------------------------------

    async def start(self, rate_hz: int | None = None) -> None:
        """Stream from now on, over every loss of the link, until `stop`.

        Args:
            rate_hz: one of the sensor's nominal rates; without it 80 Hz where the sensor has that.

        Raises:
            CommandError: the sensor does not have this rate, or refuses.
        """
        rates = self.information.rates_hz
        if rate_hz is None:
            rate_hz = PREFERRED_RATE_HZ if PREFERRED_RATE_HZ in rates or not rates else max(rates)
        elif rates and rate_hz not in rates:
            raise CommandError(
                Message(
                    "the sensor has no rate of {rate_hz} Hz; choose one of {rates}",
                    rate_hz=rate_hz,
                    rates=", ".join(map(str, rates)),
                )
            )
        self._rate_hz = rate_hz
        if self._receiver.queue.ended and not self._closing:
            self._receiver.reopen()
        try:
            await self._start_stream()
        except CommandError:
            self._rate_hz = None
            raise
        except (LinkError, WireError) as error:
            # From here it is the supervisor's business: it starts the stream once the sensor is back.
            self._broken = error
            self._lost.set()

    async def stop(self) -> None:
        """End the stream and the iteration over it; what is under way still reaches its reader."""
        was_streaming, self._rate_hz = self._rate_hz is not None, None
        if was_streaming and self._device is not None:
            with suppress(LinkError, WireError):
                await self._device.stop()
            await asyncio.sleep(LAST_FRAMES_S)
        self._receiver.interrupt()
        self._receiver.end_delivery()
        if self._state is LinkState.STREAMING:
            self._tell(LinkState.CONNECTED, Message("the stream was stopped"))

    async def stream(self, rate_hz: int | None = None) -> AsyncIterator[SampleBlock]:
        """Start, and iterate over everything the sensor sends, until `stop` or the end of `open_sensor`.

        The link may come and go meanwhile. A reader that is slow gets larger blocks, never fewer samples.

        Raises:
            CommandError: see `start`.
            LinkError: the reader is ten minutes behind.
        """
        await self.start(rate_hz)
        queue = self._receiver.queue
        while (block := await queue.get()) is not None:
            yield block

    async def sleep(self) -> None:
        """Switch the sensor off."""
        self._told_to_sleep = True
        await self.device.sleep()

    # -- the supervisor --------------------------------------------------------------------------------------

    async def supervise(self) -> None:
        """Keep the link until cancelled or closed."""
        attempt = 0
        while not self._closing:
            began_s = self._transport.clock()
            try:
                await self._follow()
                reason, message = self._why_lost()
            except _BondRemoved as removed:
                reason, message = LinkErrorReason.STALE_BOND, message_of(removed)
            except (LinkError, WireError) as error:
                logger.info("attempt %d: %s", attempt, error)
                self._last_error = error
                reason, message = reason_for(error), message_of(error)
                if isinstance(error, PairingError) and not self._first.done():
                    self._first.set_exception(error)
            lasted_s = self._transport.clock() - (self._connected_s or began_s)
            if self._connected_s is not None and lasted_s > SETTLED_S:
                attempt = 0
            self._connected_s = None
            pause_s = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            attempt += 1
            self._tell(LinkState.LOST, message, reason=reason, retry_in_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _follow(self) -> None:
        """Find the sensor and follow it until the link ends."""
        sighting = await self._find()
        if self._receiver.decoder is None:
            self._receiver.begin(sighting)
        self._sighting = sighting
        if sighting.driver.broadcasts:
            await self._listen(sighting)
        else:
            await self._connect(sighting)

    def _is_wanted(self, sighting: DiscoveredSensor) -> bool:
        if self._sighting is not None:
            return sighting.address == self._sighting.address
        return not isinstance(self._target, str) or sighting.matches(self._target)

    async def _find(self) -> DiscoveredSensor:
        self._tell(LinkState.SEARCHING, Message("looking for {name}", name=self._wanted_name))
        busy: DiscoveredSensor | None = None

        def is_free(sighting: DiscoveredSensor) -> bool:
            nonlocal busy
            if not self._is_wanted(sighting):
                return False
            if sighting.connected:
                busy = sighting
            return not sighting.connected

        chosen = self._target is not None or self._sighting is not None or self._transport.single
        choice_s = 0.0 if chosen else CHOICE_S
        found = await find_sensor(is_free, self._transport, LISTEN_S, choice_s)
        if found is not None:
            return found
        since_loss_s = self._transport.clock() - self._lost_s if self._lost_s is not None else None
        if busy is not None and (since_loss_s is None or since_loss_s > BUSY_GRACE_S):
            raise SensorBusy(describe(LinkErrorReason.BUSY))
        raise SensorUnreachable(self._why_not_heard())

    @property
    def _wanted_name(self) -> str:
        if self._sighting is not None:
            return self._sighting.name
        return self._target if isinstance(self._target, str) else Message("a sensor")

    def _why_not_heard(self) -> LinkErrorReason:
        if self._told_to_sleep:
            return LinkErrorReason.ASLEEP
        if self._lost_s is None:
            return LinkErrorReason.NOT_HEARD
        low = self._receiver.decoder is not None and self._receiver.decoder.low_battery
        level = self.battery_percent
        if low or (level is not None and level <= NEARLY_EMPTY_PERCENT):
            return LinkErrorReason.BATTERY_EMPTY
        # A sensor does not fall asleep while it streams.
        return LinkErrorReason.OUT_OF_RANGE if self._lost_streaming else LinkErrorReason.ASLEEP

    def _why_lost(self) -> tuple[LinkErrorReason, str]:
        if self._suspended:
            reason = LinkErrorReason.SUSPENDED
        elif self._told_to_sleep:
            reason = LinkErrorReason.ASLEEP
        else:
            reason = LinkErrorReason.LINK_LOST
        self._suspended = False
        return reason, describe(reason)

    async def _connect(self, sighting: DiscoveredSensor) -> None:
        self._tell(LinkState.CONNECTING, Message("connecting to {name}", name=sighting.name))
        pair = self._pair and sighting.driver.bonds and bool(sighting.pairing_open)
        marking: asyncio.Task[None] | None = None
        try:
            async with connect(
                sighting, self._transport, self._receiver.received, pair=pair, ask_passkey=self._ask_passkey
            ) as link:
                try:
                    self._lost, self._broken = link.lost, None
                    information = self._information
                    if information is None:
                        information = await link.run(link.device.describe())
                    self._become_connected(link.device, information)
                    if self._rate_hz is not None:
                        await link.run(self._start_stream())
                    marking = asyncio.create_task(self._mark_time(link.device))
                    await self._watch(link.lost)
                finally:
                    if marking is not None:
                        marking.cancel()
                    self._become_lost()
        except StaleBond:
            await self._mend_bond(sighting)
            raise
        except SensorNotFound as error:
            raise SensorUnreachable(self._why_not_heard()) from error
        except LinkError as error:
            await self._suspect_bond(sighting, error)
            raise

    async def _suspect_bond(self, sighting: DiscoveredSensor, error: LinkError) -> None:
        """With a sensor that has forgotten its half of a bond the link just breaks, on some systems."""
        if self._connected_s is not None or not is_bonded(sighting):
            self._failed_setups = 0
            return
        self._failed_setups += 1
        if self._failed_setups >= SUSPICIOUS_FAILURES:
            self._failed_setups = 0
            await self._mend_bond(sighting)
            raise StaleBond from error

    async def _mend_bond(self, sighting: DiscoveredSensor) -> None:
        """Pair anew where the sensor allows it now."""
        if not (self._pair and sighting.pairing_open):
            return
        with suppress(LinkError):
            await remove_bond(sighting, self._transport)
            raise _BondRemoved("the sensor had forgotten this computer; pairing anew")

    def _become_connected(self, device: ConnectedSensor, information: SensorInformation) -> None:
        self._device = device
        self._information = information
        if self._receiver.battery_percent is None:
            self._receiver.battery_percent = information.battery_percent
        self._connected_s = self._transport.clock()
        self._told_to_sleep = False
        self._tell(LinkState.CONNECTED, Message("connected to {name}", name=information.name))
        if not self._first.done():
            self._first.set_result(None)

    def _become_lost(self) -> None:
        self._device = None
        self._lost_streaming = self._state is LinkState.STREAMING
        self._lost_s = self._transport.clock()
        self._receiver.interrupt()

    async def _start_stream(self) -> None:
        async with self._starting:
            if self._rate_hz is None or self._device is None or self._state is LinkState.STREAMING:
                return
            await self._device.start(self._rate_hz)
            self._become_streaming()

    def _become_streaming(self) -> None:
        now_s = self._transport.clock()
        # The first frames may overtake the answer to the first start: only a loss makes a gap.
        lost = self._lost_s is not None and self._receiver.last_data_s
        gap_s = now_s - self._receiver.last_data_s if lost else None
        self._receiver.last_data_s = now_s
        message = Message("streaming")
        if gap_s is not None:
            message = Message("streaming again after {seconds:.1f} s", seconds=gap_s)
        self._tell(LinkState.STREAMING, message, gap_s=gap_s)

    async def _watch(self, lost: asyncio.Event) -> None:
        """Wait until the link ends, or only claims to stand."""
        while not lost.is_set():
            passed_s = await self._heartbeat(lost)
            silent_s = self._transport.clock() - self._receiver.last_data_s
            if self._state is not LinkState.STREAMING or lost.is_set() or passed_s > STALL_S:
                # After standing still itself, the program has yet to read what came meanwhile.
                continue
            if silent_s > STALL_S:
                raise SensorTimeout(
                    Message("no sample came for {silent_s:.0f} s; connecting again", silent_s=silent_s)
                )
        if self._broken is not None:
            raise self._broken

    async def _heartbeat(self, lost: asyncio.Event) -> float:
        """Wait for one heartbeat, or until the link ends, and notice when the computer slept meanwhile.

        Returns:
            How long it took, seconds.
        """
        loop = asyncio.get_running_loop()
        host_s, loop_s = self._transport.clock(), loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):
                await lost.wait()
        passed_s = max(self._transport.clock() - host_s, loop.time() - loop_s)
        if passed_s - HEARTBEAT_S > SUSPENDED_S:
            self._suspended = True
        return passed_s

    async def _listen(self, sighting: DiscoveredSensor) -> None:
        """Take readings from advertisements until they cease."""
        heard = asyncio.Event()

        def on_sighting(again: DiscoveredSensor) -> None:
            if again.address == sighting.address and again.payload is not None:
                heard.set()
                self._receiver.received(ADVERTISEMENT, again.payload)

        async with scan(on_sighting, self._transport, (sighting.driver,)):
            self._become_connected(BroadcastSensor(), broadcast_information(sighting))
            if self._rate_hz is not None:
                self._become_streaming()
            try:
                with suppress(TimeoutError):
                    while True:
                        heard.clear()
                        async with asyncio.timeout(BROADCAST_SILENCE_S):
                            await heard.wait()
                        self._require_samples()
            finally:
                self._become_lost()
        raise SensorUnreachable(self._why_not_heard())

    def _require_samples(self) -> None:
        """Say what is wrong with what comes, where nothing of it is a sample."""
        silent_s = self._transport.clock() - self._receiver.last_data_s
        if self._state is LinkState.STREAMING and silent_s > STALL_S:
            complaint = getattr(self._receiver.decoder, "complaint", None)
            raise SensorTimeout(
                complaint
                or Message("the sensor is heard, but no sample came for {silent_s:.0f} s", silent_s=silent_s)
            )

    async def _mark_time(self, device: ConnectedSensor) -> None:
        """Ask the sensor for its time now and then while it streams, often at first."""
        marks = 0
        while True:
            await asyncio.sleep(FIRST_MARKS_S if marks < FIRST_MARKS else MARKS_S)
            if self._state is not LinkState.STREAMING or self._receiver.decoder is None:
                continue
            sent_s = self._transport.clock()
            try:
                marked = await device.time_mark()
            except CommandError:
                return
            except (LinkError, WireError) as error:
                logger.info("no time mark: %s", error)
                continue
            device_s = self._receiver.decoder.stream_time_s(marked.time_us)
            if device_s is not None:
                self._receiver.clock.add_round_trip(device_s, sent_s, self._transport.clock())
                marks += 1

    def _tell(
        self,
        state: LinkState,
        message: str,
        *,
        reason: LinkErrorReason | None = None,
        retry_in_s: float | None = None,
        gap_s: float | None = None,
    ) -> None:
        self._state = state
        event = LinkEvent(self._receiver.now_s(), state, message, reason, retry_in_s, gap_s)
        logger.info("%s: %s", state.value, message)
        if self._receiver.capture is not None and self._receiver.decoder is not None:
            self._receiver.capture.link(event.host_s, event.to_dict())
        for listener in tuple(self._listeners):
            listener(event)

    # -- opening and closing, for `open_sensor` --------------------------------------------------------------

    async def first_connection(self, wait_s: float | None) -> None:
        """Wait until the sensor is connected for the first time.

        Raises:
            LinkError: it was not within `wait_s`, for the reason met last.
        """
        try:
            async with asyncio.timeout(wait_s):
                await asyncio.shield(self._first)
        except TimeoutError:
            raise self._last_error or SensorUnreachable(LinkErrorReason.NOT_HEARD) from None

    def end(self, error: Exception | None = None) -> None:
        """Stop following the sensor; a pending `stream()` yields what is queued and then ends."""
        self._closing = True
        self._receiver.end_delivery(error)
        self._first.cancel()

    def tell_closed(self) -> None:
        """Everything is over."""
        self._tell(LinkState.CLOSED, Message("closed"))


class _BondRemoved(BandsenseError):
    """Not an error for anyone but the supervisor: it starts over, and the next connection pairs."""


@asynccontextmanager
async def open_sensor(
    target: str | DiscoveredSensor | None = None,
    *,
    transport: Transport | None = None,
    on_event: Callable[[LinkEvent], None] | None = None,
    wait_s: float | None = 30.0,
    pair: bool = True,
    ask_passkey: AskPasskey | None = None,
    capture: CaptureWriter | None = None,
) -> AsyncIterator[Sensor]:
    """Connect to a sensor and keep it connected while the context lasts.

    Args:
        target: address, name or end of the name of the sensor, or a sighting of it; without it the strongest
            one on the air.
        transport: how to reach sensors; without it the computer's own Bluetooth.
        on_event: called for every change of the link, from the first search on.
        wait_s: how long the first connection may take, seconds; None for ever. Later ones are tried for ever.
        pair: bond with a sensor whose pairing window is open, where it is needed.
        ask_passkey: asks a person for the passkey of a sensor that has one, where the system does not.
        capture: where to write everything that comes over the air; it stays open.

    Raises:
        LinkError: the first connection could not be made.
    """
    sensor = Sensor(target, transport or Transport(), pair=pair, ask_passkey=ask_passkey, capture=capture)
    if on_event is not None:
        sensor.subscribe(on_event)
    supervisor = asyncio.create_task(sensor.supervise(), name="bandsense link supervisor")
    supervisor.add_done_callback(lambda task: _report_crash(sensor, task))
    try:
        await sensor.first_connection(wait_s)
        yield sensor
        await sensor.stop()
    finally:
        sensor.end()
        while not supervisor.done():
            # More than once: `asyncio.wait_for`, used by Bluetooth stacks, may swallow a cancellation.
            supervisor.cancel()
            await asyncio.wait({supervisor}, timeout=CLOSING_S)
        sensor.tell_closed()


def _report_crash(sensor: Sensor, supervisor: asyncio.Task[None]) -> None:
    """End the queue when the supervisor crashes, so that no reader waits for ever."""
    if not supervisor.cancelled() and supervisor.exception() is not None:
        error = LinkError(
            Message(
                "the sensor's driver failed: {exception!r}; please report this",
                exception=supervisor.exception(),
            )
        )
        sensor.end(error)
