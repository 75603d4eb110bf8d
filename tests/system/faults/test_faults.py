"""Every named fault against the whole link: what the person is told; what is stored is what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bandsense.errors import (
    BandsenseError,
    CommandError,
    FrameError,
    LinkError,
    PairingError,
)
from bandsense.link.ble.adapter import Transport
from bandsense.link.errors import LinkErrorReason
from bandsense.link.sensor import LinkEvent, LinkState, open_sensor
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.sim.devices.hardware import SentFrame
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.faults import FAULTS, make_fault
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import SUPERVISION_TIMEOUT_S, VirtualRadio
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.wire.reassembly import StreamStatistics
from tests.support.sensors import ramp

RATE_HZ = 80
FRAME_S = 3 / RATE_HZ
SEED = 20


# -- what is expected ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """What a person sees under a fault.

    Attributes:
        troubles: what they are told, each the first time it is told.
        ends: where the link stands at the end; None where it goes to and fro.
        error: what ends the session instead.
        words: part of what the error says.
        streams: how often the stream begins.
        in_flight_s: what was sent so shortly before a link was lost may be missing.
        overtaken_s: what was so late may be missing.
        tail_s: what was sent so shortly before the end may be missing.
        duration_s: how long the stream is read.
    """

    troubles: tuple[LinkErrorReason, ...] = ()
    ends: LinkState | None = LinkState.STREAMING
    error: type[BandsenseError] | None = None
    words: str = ""
    streams: int = 1
    in_flight_s: float = FRAME_S
    overtaken_s: float = float("inf")
    tail_s: float = FRAME_S
    duration_s: float = 8.0


FINE = Expected()
LOST = Expected(troubles=(LinkErrorReason.LINK_LOST,), streams=2)
RETRIED = Expected(troubles=(LinkErrorReason.LINK_LOST,))
EXPECTED: dict[str, Expected] = {
    "burst-loss": FINE,
    "single-loss": FINE,
    "duplicates": FINE,
    "late-duplicates": FINE,
    "reorder": FINE,
    "overtaken": Expected(overtaken_s=0.25),
    "torn-frames": FINE,
    "overlong-frames": FINE,
    "empty-notifications": FINE,
    "frames-without-samples": FINE,
    "impossible-spans": FINE,
    "garbage": FINE,
    "hoarding-host": Expected(tail_s=1.0),
    "stall": FINE,
    "mute": Expected(troubles=(LinkErrorReason.NO_ANSWER,), streams=2, duration_s=16.0),
    "sequence-wrap": FINE,
    "clock-wrap": FINE,
    "both-wrap": FINE,
    "rate-high": FINE,
    "rate-low": FINE,
    "skew": FINE,
    "overruns": FINE,
    "saturation": FINE,
    "low-battery": FINE,
    "reset": LOST,
    "reset-uncounted": LOST,
    "reset-small-mtu": LOST,
    "reset-twice": Expected(troubles=(LinkErrorReason.LINK_LOST,), streams=3),
    "reset-while-away": Expected(
        troubles=(LinkErrorReason.LINK_LOST,), streams=2, in_flight_s=SUPERVISION_TIMEOUT_S + FRAME_S
    ),
    "answer-after-frames": FINE,
    "answer-late": FINE,
    "answer-never": Expected(troubles=(LinkErrorReason.NO_ANSWER,), ends=None, streams=0, duration_s=20.0),
    "answer-once-missing": Expected(troubles=(LinkErrorReason.NO_ANSWER,)),
    "answer-twice": FINE,
    "answer-of-another": FINE,
    "answer-torn": Expected(error=CommandError, words="makes no sense", streams=0),
    "status-unknown": Expected(error=CommandError, words="200", streams=0),
    "status-hardware": Expected(error=CommandError, words="converter", streams=0),
    "status-battery": Expected(error=CommandError, words="charge it", streams=0),
    "status-state-once": Expected(error=CommandError, words="stop the measurement", streams=0),
    "write-refused": Expected(
        troubles=(LinkErrorReason.REFUSED,), error=LinkError, words="ATT error 0x0e", streams=0
    ),
    "write-busy": FINE,
    "no-battery-service": FINE,
    "no-device-information": FINE,
    "information-torn": Expected(
        troubles=(LinkErrorReason.MISUNDERSTOOD,), error=FrameError, words="got 10", streams=0
    ),
    "information-later-minor": FINE,
    "information-other-major": Expected(
        troubles=(LinkErrorReason.MISUNDERSTOOD,), error=FrameError, words="update the older one", streams=0
    ),
    "calibration-damaged": FINE,
    "calibration-missing": FINE,
    "window-closed": Expected(
        troubles=(LinkErrorReason.NOT_PAIRED,),
        error=PairingError,
        words="press the sensor's button",
        streams=0,
    ),
    "bonds-forgotten": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.STALE_BOND), ends=LinkState.LOST
    ),
    "short-absence": FINE,
    "absence": Expected(
        troubles=(LinkErrorReason.LINK_LOST,),
        streams=2,
        in_flight_s=SUPERVISION_TIMEOUT_S + FRAME_S,
        duration_s=10.0,
    ),
    "long-absence": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.OUT_OF_RANGE),
        streams=2,
        in_flight_s=SUPERVISION_TIMEOUT_S + FRAME_S,
        duration_s=100.0,
    ),
    "link-loss": LOST,
    "repeated-link-loss": Expected(troubles=(LinkErrorReason.LINK_LOST,), streams=5, duration_s=16.0),
    "bluetooth-off": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.BLUETOOTH_OFF), streams=2, duration_s=20.0
    ),
    "adapter-gone": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.ADAPTER_MISSING), streams=2, duration_s=20.0
    ),
    "asleep": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.OUT_OF_RANGE), streams=2, duration_s=40.0
    ),
    "battery-empty": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.BATTERY_EMPTY),
        ends=LinkState.SEARCHING,
        duration_s=20.0,
    ),
    "taken": Expected(
        troubles=(LinkErrorReason.LINK_LOST, LinkErrorReason.OUT_OF_RANGE, LinkErrorReason.BUSY),
        streams=2,
        duration_s=80.0,
    ),
    "disconnect-at-connected": RETRIED,
    "disconnect-at-mtu": RETRIED,
    "disconnect-at-discovery": RETRIED,
    "disconnect-at-encrypted": RETRIED,
    "disconnect-at-information": RETRIED,
    "disconnect-at-control-subscribed": RETRIED,
    "disconnect-at-measurement-subscribed": RETRIED,
    "disconnect-at-request": RETRIED,
    "disconnect-at-answered": RETRIED,
    "disconnect-at-first-frame": LOST,
}


def test_every_fault_has_its_expectation() -> None:
    assert set(EXPECTED) == set(FAULTS)
    assert len(FAULTS) >= 30


# -- the run -------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """What happened."""

    events: list[LinkEvent] = field(default_factory=list)
    blocks: list[SampleBlock] = field(default_factory=list)
    error: BandsenseError | None = None
    state: LinkState | None = None
    ended_s: float = 0.0
    statistics: StreamStatistics = field(default_factory=StreamStatistics)
    log: list[SentFrame] = field(default_factory=list)

    @property
    def troubles(self) -> tuple[LinkErrorReason, ...]:
        return tuple(dict.fromkeys(event.reason for event in self.events if event.reason))

    @property
    def losses_s(self) -> list[float]:
        return [event.host_s for event in self.events if event.state is LinkState.LOST]


async def run_under(name: str, expected: Expected, store: Store) -> Run:
    run = Run()
    stream = NewStream("5e4500000000ba5e", Unit.COUNT)
    async with VirtualRadio(seed=SEED) as radio:
        band = VirtualBand(radio, ramp(), fault=make_fault(name, SEED))
        adapter = await radio.adapter()
        loop = asyncio.get_running_loop()
        transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
        with store.record(NewSession("simulator", 0.0, (stream,), "test")) as recorder:
            async with band:
                with suppress(BandsenseError):
                    async with open_sensor(
                        "BA5E", transport=transport, on_event=run.events.append, wait_s=60.0
                    ) as sensor:

                        async def read() -> None:
                            async for block in sensor.stream(RATE_HZ):
                                run.blocks.append(block)
                                recorder.write(block)

                        reading = asyncio.ensure_future(read())
                        await asyncio.wait({reading}, timeout=expected.duration_s)
                        run.ended_s = loop.time()
                        run.statistics, run.state = sensor.statistics, sensor.state
                        if reading.done():
                            run.error = reading.exception()  # type: ignore[assignment]
                        else:
                            await sensor.stop()
                            reading.cancel()
                            await asyncio.wait({reading})
                if run.state is None:
                    run.error = await _why_not_opened(transport)
                run.log = list(band.log)
    return run


async def _why_not_opened(transport: Transport) -> BandsenseError | None:
    try:
        async with open_sensor("BA5E", transport=transport, wait_s=10.0):
            return None
    except BandsenseError as error:
        return error


def _truth(run: Run, expected: Expected) -> Iterator[tuple[int, int, int, float]]:
    """Every sample that went out whole and in time: count, boot, device time in µs, loop time of sending."""
    boot, last_us = -1, 0
    for entry in run.log:
        frame = entry.frame
        if entry.boot != boot:
            boot, last_us = entry.boot, frame.time_us
        last_us += (frame.time_us - last_us) % 2**32
        if frame.encode() in entry.on_air:
            for offset_us, count in zip(frame.offsets_us, frame.counts, strict=True):
                yield count, boot, last_us + offset_us, entry.at_s


def _may_be_missing(sent_s: float, run: Run, expected: Expected) -> bool:
    """Whether a frame sent then may have been under way when the link or the session ended."""
    ends_s = [*((loss_s, expected.in_flight_s) for loss_s in run.losses_s), (run.ended_s, expected.tail_s)]
    return any(end_s - before_s - 1e-6 <= sent_s <= end_s + before_s for end_s, before_s in ends_s)


# -- the checks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if expected.duration_s > 20.0 else ())
        for name, expected in EXPECTED.items()
    ],
)
async def test_fault(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    store = Store.open(tmp_path / "store.sqlite")
    run = await run_under(name, expected, store)

    assert run.troubles == expected.troubles
    assert all(event.message and "Traceback" not in event.message for event in run.events)
    begun = [event for event in run.events if event.state is LinkState.STREAMING]
    if expected.error is not None:
        assert isinstance(run.error, expected.error)
        assert expected.words in str(run.error)
        assert not run.blocks
        assert not begun
        return
    assert run.error is None
    assert expected.ends in (None, run.state)
    assert len(begun) == expected.streams
    received = concatenate(run.blocks)
    [session] = store.sessions()
    assert concatenate(store.blocks(session.streams[0])) == received
    _check_samples(name, run, expected, received)


def _check_samples(name: str, run: Run, expected: Expected, received: SampleBlock) -> None:
    truth = list(_truth(run, expected))
    if name == "saturation":
        assert received.values.tolist() == [count for count, *_ in truth][: len(received)]
        assert (received.saturated == (received.values == 2**23 - 1)).all()
        assert received.saturated.any()
        return
    sent = {count: (boot, device_us, at_s) for count, boot, device_us, at_s in truth}
    values = received.values.astype(int).tolist()
    steps = np.diff(values)
    assert (steps > 0).all(), "no sample twice, none out of order"
    assert set(values) <= set(sent), "nothing that was not sent"
    missing = sorted(set(sent) - set(values))
    if expected.overtaken_s == float("inf"):
        unexplained = [count for count in missing if not _may_be_missing(sent[count][2], run, expected)]
        assert unexplained == [], "nothing that was sent is missing"
    else:
        assert len(missing) <= len(sent) / 50 + 3
        assert run.statistics.late > 0
    gaps = received.gap_before[1:]
    assert (gaps == (steps != 1)).all(), "a gap is marked where samples are missing, and nowhere else"
    boots = np.array([sent[value][0] for value in values])
    device_s = np.array([sent[value][1] for value in values]) * 1e-6
    same_boot = np.diff(boots) == 0
    error_s = np.diff(received.time_s) - np.diff(device_s)
    assert np.abs(error_s[same_boot]).max(initial=0.0) <= 2.1e-4, "times are those of the sensor"
    at_s = np.array([sent[value][2] for value in values])
    over_reset_s = np.diff(received.time_s)[~same_boot] - np.diff(at_s)[~same_boot]
    assert np.abs(over_reset_s).max(initial=0.0) < 0.5, "time goes on over a reset"
