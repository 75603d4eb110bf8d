"""Everything that is known to go wrong between a sensor and a program, each with a name and a switch.

    async with VirtualBand(radio, source, fault=make_fault("burst-loss", seed=3)) as band: ...

A fault changes what the virtual band sends or does; the band's own log keeps what it took before that.
`FAULTS` lists them all with words for people.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from bumble import att, core, hci

from bandsense.errors import ConfigError
from bandsense.language import Message
from bandsense.sim.devices.hardware import Fault, Hardware, Step
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.sensor import COUNT_MAX, Conversions
from bandsense.sim.physics.source import SampleSource
from bandsense.sim.radio.virtual_radio import AdapterState
from bandsense.wire.bandsense.codes import ATT_PROCEDURE_IN_PROGRESS, Opcode, ResetCause, Status
from bandsense.wire.bandsense.uuids import BATTERY_SERVICE_UUID, DEVICE_INFORMATION_SERVICE_UUID

__all__ = ["FAULTS", "NamedFault", "make_fault"]

BEFORE_S = 2.0
"""How long a stream runs well before something happens to it."""

Pieces = Iterable[tuple[float, bytes]]


# -- frames --------------------------------------------------------------------------------------------------


class _Frames(Fault):
    """Something happens to every so manieth frame."""

    def __init__(self, every: int, change: Callable[[bytes, random.Random], Pieces], seed: int) -> None:
        self.every = every
        self.change = change
        self.random = random.Random(seed)
        self.number = 0

    def frame(self, data: bytes) -> Pieces:
        self.number += 1
        if self.number % self.every:
            return ((0.0, data),)
        return self.change(data, self.random)


def _frames(every: int, change: Callable[[bytes, random.Random], Pieces]) -> Callable[[int], Fault]:
    return lambda seed: _Frames(every, change, seed)


def _torn(data: bytes, rng: random.Random) -> Pieces:
    return ((0.0, data[: rng.randrange(1, len(data))]),)


def _garbage(data: bytes, rng: random.Random) -> Pieces:
    return ((0.0, rng.randbytes(rng.randrange(1, 40))), (0.0, data))


def _without_samples(data: bytes, _rng: random.Random) -> Pieces:
    return ((0.0, data[:3] + b"\0" + data[4:8] + bytes(3)), (0.0, data))


def _with_impossible_span(data: bytes, _rng: random.Random) -> Pieces:
    return ((0.0, data[:8] + bytes(3) + data[11:]),)


class _BurstLoss(Fault):
    """Frames lost in bursts: a two-state chain, a tenth lost in all, five in a row on average."""

    LOST = 0.10
    MEAN_BURST = 5.0

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.bad = False

    def frame(self, data: bytes) -> Pieces:
        ending = 1.0 / self.MEAN_BURST
        beginning = ending * self.LOST / (1.0 - self.LOST)
        if self.random.random() < (ending if self.bad else beginning):
            self.bad = not self.bad
        return () if self.bad else ((0.0, data),)


class _Hoarded(Fault):
    """A host that hands on what it received once in a while, all at once and in order.

    Args:
        period_s: between two deliveries.
        until_s: from then on it behaves.
    """

    def __init__(self, period_s: float, until_s: float = float("inf")) -> None:
        self.period_s = period_s
        self.until_s = until_s
        self.number = 0

    def frame(self, data: bytes) -> Pieces:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self.until_s:
            return ((0.0, data),)
        self.number += 1
        return ((self.period_s - now_s % self.period_s + self.number * 1e-6, data),)


class _Mute(Fault):
    """The stream ceases while the link stands, until the client connects anew."""

    def __init__(self) -> None:
        self.left = 100

    def frame(self, data: bytes) -> Pieces:
        self.left -= 1
        return ((0.0, data),) if self.left >= 0 else ()

    def step(self, band: VirtualBand, step: Step) -> None:
        if step is Step.CONNECTED and self.left < 0:
            self.left = 1_000_000


# -- the sensor itself ---------------------------------------------------------------------------------------


class _Changed(Fault):
    """Another hardware than the usual."""

    def __init__(self, **changes: int | float) -> None:
        self.changes = changes

    def hardware(self, hardware: Hardware) -> Hardware:
        return replace(hardware, **self.changes)  # type: ignore[arg-type]


class _Wrapped:
    """A source whose conversions are changed on the way."""

    def __init__(self, source: SampleSource, change: Callable[[Conversions], Conversions]) -> None:
        self._source = source
        self._change = change

    @property
    def newton_per_count(self) -> float:
        return self._source.newton_per_count

    @property
    def zero_count(self) -> int:
        return self._source.zero_count

    @property
    def rate_hz(self) -> float:
        return self._source.rate_hz

    def set_rate(self, rate_hz: float) -> None:
        self._source.set_rate(rate_hz)

    def read(self, n: int) -> Conversions:
        return self._change(self._source.read(n))


class _Source(Fault):
    """Other conversions than the usual."""

    def __init__(self, change: Callable[[Conversions], Conversions]) -> None:
        self.change = change

    def source(self, source: SampleSource) -> SampleSource:
        return _Wrapped(source, self.change)


def _at_rate_error(error: float) -> Fault:
    def change(made: Conversions) -> Conversions:
        stamps = np.rint(made.device_time_us / (1.0 + error)).astype(np.int64)
        return Conversions(stamps, made.counts, made.saturated, made.gap_before)

    return _Source(change)


def _overrun(seed: int) -> Fault:
    """Lose one conversion in fifty."""
    rng = np.random.default_rng(seed)

    def change(made: Conversions) -> Conversions:
        kept = rng.random(len(made)) >= 0.02
        if len(made):
            kept[-1] = True
        missed = np.diff(np.flatnonzero(kept), prepend=-1) > 1
        return Conversions(made.device_time_us[kept], made.counts[kept], made.saturated[kept], missed)

    return _Source(change)


def _saturated(_seed: int) -> Fault:
    """Put the converter at the end of its range every tenth second."""

    def change(made: Conversions) -> Conversions:
        high = made.device_time_us % 10_000_000 < 1_000_000
        counts = np.where(high, COUNT_MAX, made.counts).astype(np.int32)
        return Conversions(made.device_time_us, counts, made.saturated | high, made.gap_before)

    return _Source(change)


class _Script(Fault):
    """Something that happens to the sensor once it has streamed for a while."""

    def __init__(self, act: Callable[[VirtualBand], object]) -> None:
        self.act = act

    async def script(self, band: VirtualBand) -> None:
        await asyncio.sleep(BEFORE_S)
        result = self.act(band)
        if asyncio.iscoroutine(result):
            await result


def _script(act: Callable[[VirtualBand], object]) -> Callable[[int], Fault]:
    return lambda _seed: _Script(act)


async def _reset_unnoticed(band: VirtualBand) -> None:
    """Reset without counting the reset."""
    band.memory.boot_number -= 1
    await band.reboot(ResetCause.LOCK_UP)


async def _reset_to_small_mtu(band: VirtualBand) -> None:
    band.fault.max_mtu = att.ATT_DEFAULT_MTU
    await band.reboot(ResetCause.FIRMWARE_UPDATE)


async def _reset_twice(band: VirtualBand) -> None:
    await band.reboot(ResetCause.WATCHDOG)
    await asyncio.sleep(0.3)
    await band.reboot(ResetCause.WATCHDOG)


async def _reset_while_away(band: VirtualBand) -> None:
    band.radio.silence(band.name)
    await asyncio.sleep(2.0)
    await band.reboot(ResetCause.RESET_PIN)
    band.radio.unsilence(band.name)


# -- control point -------------------------------------------------------------------------------------------


class _Answers(Fault):
    """Something happens to the answers to one kind of request.

    Args:
        change: what becomes of an answer.
        opcode: which requests.
        times: how often; then it behaves.
    """

    def __init__(self, change: Callable[[bytes], Pieces], opcode: Opcode, times: int) -> None:
        self.change = change
        self.opcode = opcode
        self.left = times

    def answer(self, data: bytes) -> Pieces:
        if data[1] != self.opcode or self.left <= 0:
            return ((0.0, data),)
        self.left -= 1
        return self.change(data)


def _answers(
    change: Callable[[bytes], Pieces], *, opcode: Opcode = Opcode.START, times: int = 1_000_000
) -> Callable[[int], Fault]:
    return lambda _seed: _Answers(change, opcode, times)


def _with_status(status: int) -> Callable[[bytes], Pieces]:
    return lambda data: ((0.0, data[:2] + bytes([status])),)


class _RefusedWrites(Fault):
    """Writes to the control point fail with an ATT error, so many times."""

    def __init__(self, error: int, times: int) -> None:
        self.error = error
        self.left = times

    def request(self, data: bytes) -> None:
        self.left -= 1
        if self.left >= 0:
            raise att.ATT_Error(self.error)


# -- what is there to be read --------------------------------------------------------------------------------


class _Without(Fault):
    def __init__(self, service_uuid: str) -> None:
        self.service_uuid = service_uuid

    def offers(self, service_uuid: str) -> bool:
        return service_uuid != self.service_uuid


class _Information(Fault):
    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self.change = change

    def information(self, data: bytes) -> bytes:
        return self.change(data)


class _Calibration(Fault):
    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self.change = change

    def powered(self, band: VirtualBand) -> None:
        band.memory.calibration = self.change(band.memory.calibration)


class _ClosedWindow(Fault):
    """It was paired with someone else once, and no one presses its button."""

    def powered(self, band: VirtualBand) -> None:
        band.close_pairing()


# -- the link ------------------------------------------------------------------------------------------------


class _DisconnectAt(Fault):
    """The sensor closes the link the first time a client gets so far."""

    def __init__(self, step: Step) -> None:
        self.at: Step | None = step

    def step(self, band: VirtualBand, step: Step) -> None:
        if step is self.at:
            self.at = None
            band.drop_connection(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_LOW_RESOURCES_ERROR)


def _away(duration_s: float) -> Callable[[int], Fault]:
    async def act(band: VirtualBand) -> None:
        band.radio.silence(band.name)
        await asyncio.sleep(duration_s)
        band.radio.unsilence(band.name)

    return _script(act)


def _adapter_fault(state: AdapterState) -> Callable[[int], Fault]:
    async def act(band: VirtualBand) -> None:
        adapter = await band.radio.adapter()
        await adapter.switch_off(state)
        await asyncio.sleep(5.0)
        adapter.switch_on()

    return _script(act)


async def _lose_link_again_and_again(band: VirtualBand) -> None:
    for _ in range(4):
        band.radio.lose_link(band.name)
        await asyncio.sleep(3.0)


async def _sleep_and_wake(band: VirtualBand) -> None:
    await band.power_off()
    await asyncio.sleep(20.0)
    await band.power_on(ResetCause.WAKE_FROM_OFF)


async def _forget_bonds(band: VirtualBand) -> None:
    await band.memory.bonds.delete_all()
    band.close_pairing()
    band.radio.lose_link(band.name)


async def _taken_by_a_phone(band: VirtualBand) -> None:
    """Let a phone connect the moment the link is lost, and stay for a minute."""
    phone = (await band.radio.adapter("phone")).device
    taking = asyncio.ensure_future(phone.connect_le(hci.Address(band.address), timeout=None))
    band.radio.lose_link(band.name)
    connection = await taking
    await asyncio.sleep(60.0)
    try:
        await connection.disconnect()
    except core.BaseBumbleError:
        return


# -- the list ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedFault:
    """A fault of the list: its name, what it is in words, and how it is made from a seed."""

    name: str
    words: Message
    make: Callable[[int], Fault]


def _always(make: Callable[[], Fault]) -> Callable[[int], Fault]:
    return lambda _seed: make()


_LIST: tuple[tuple[str, Message, Callable[[int], Fault]], ...] = (
    ("burst-loss", Message("a tenth of the frames is lost, in bursts"), _BurstLoss),
    ("single-loss", Message("every twentieth frame is lost"), _frames(20, lambda _d, _r: ())),
    (
        "duplicates",
        Message("every tenth frame arrives twice"),
        _frames(10, lambda d, _r: ((0.0, d), (0.0, d))),
    ),
    (
        "late-duplicates",
        Message("every twentieth frame arrives once more, 3 s later"),
        _frames(20, lambda d, _r: ((0.0, d), (3.0, d))),
    ),
    (
        "reorder",
        Message("every tenth frame arrives after the next one"),
        _frames(10, lambda d, _r: ((0.05, d),)),
    ),
    (
        "overtaken",
        Message("every fiftieth frame arrives a quarter second late"),
        _frames(50, lambda d, _r: ((0.25, d),)),
    ),
    ("torn-frames", Message("every 25th frame is cut short"), _frames(25, _torn)),
    (
        "overlong-frames",
        Message("every 25th frame has a byte too many"),
        _frames(25, lambda d, _r: ((0.0, d + b"\0"),)),
    ),
    (
        "empty-notifications",
        Message("every 25th notification is empty"),
        _frames(25, lambda _d, _r: ((0.0, b""),)),
    ),
    (
        "frames-without-samples",
        Message("frames that announce no sample come in between"),
        _frames(25, _without_samples),
    ),
    (
        "impossible-spans",
        Message("every 25th frame says that no time passed in it"),
        _frames(25, _with_impossible_span),
    ),
    ("garbage", Message("random bytes come in between"), _frames(10, _garbage)),
    ("hoarding-host", Message("frames arrive once a second, all at once"), _always(lambda: _Hoarded(1.0))),
    (
        "stall",
        Message("the first frames arrive 3 s late, all at once"),
        _always(lambda: _Hoarded(3.0, until_s=3.0)),
    ),
    ("mute", Message("frames stop while the link stays up"), _always(_Mute)),
    (
        "sequence-wrap",
        Message("the sequence number wraps in the set"),
        _always(lambda: _Changed(first_sequence=2**16 - 200)),
    ),
    (
        "clock-wrap",
        Message("the device clock wraps in the set"),
        _always(lambda: _Changed(clock_start_us=2**32 - 5_000_000)),
    ),
    (
        "both-wrap",
        Message("sequence and clock wrap in the set"),
        _always(lambda: _Changed(first_sequence=2**16 - 3, clock_start_us=2**32 - 2_000_000)),
    ),
    ("rate-high", Message("the converter runs 5 % fast"), _always(lambda: _at_rate_error(0.05))),
    ("rate-low", Message("the converter runs 5 % slow"), _always(lambda: _at_rate_error(-0.05))),
    ("skew", Message("the device clock runs 100 ppm fast"), _always(lambda: _Changed(clock_ppm=100.0))),
    ("overruns", Message("the sensor misses one conversion in fifty"), _overrun),
    ("saturation", Message("the converter is at its end for a second in ten"), _saturated),
    ("low-battery", Message("the battery sinks to 8 %"), _script(lambda band: band.set_battery(8))),
    (
        "reset",
        Message("the sensor resets in mid-set"),
        _script(lambda band: band.reboot(ResetCause.WATCHDOG)),
    ),
    ("reset-uncounted", Message("the sensor resets and fails to count it"), _script(_reset_unnoticed)),
    (
        "reset-small-mtu",
        Message("the sensor comes back from a reset with the smallest MTU"),
        _script(_reset_to_small_mtu),
    ),
    ("reset-twice", Message("the sensor resets twice in a row"), _script(_reset_twice)),
    ("reset-while-away", Message("the sensor resets while out of range"), _script(_reset_while_away)),
    (
        "answer-after-frames",
        Message("frames come before the answer to start"),
        _answers(lambda d: ((0.3, d),)),
    ),
    ("answer-late", Message("answers take 1.9 s"), _answers(lambda d: ((1.9, d),))),
    ("answer-never", Message("start is never answered"), _answers(lambda _d: ())),
    ("answer-once-missing", Message("the first start is not answered"), _answers(lambda _d: (), times=1)),
    ("answer-twice", Message("start is answered twice"), _answers(lambda d: ((0.0, d), (0.0, d)))),
    (
        "answer-of-another",
        Message("an answer to an unknown request comes first"),
        _answers(lambda d: ((0.0, bytes([d[0] ^ 0x55]) + d[1:]), (0.0, d))),
    ),
    (
        "answer-torn",
        Message("the first answer to start is cut short"),
        _answers(lambda d: ((0.0, d[:5]),), times=1),
    ),
    ("status-unknown", Message("start fails with a status of a later version"), _answers(_with_status(200))),
    (
        "status-hardware",
        Message("start fails: converter absent"),
        _answers(_with_status(Status.HARDWARE_FAILURE)),
    ),
    ("status-battery", Message("start fails: battery too low"), _answers(_with_status(Status.BATTERY_LOW))),
    (
        "status-state-once",
        Message("the first start fails: wrong state"),
        _answers(_with_status(Status.WRONG_STATE), times=1),
    ),
    (
        "write-refused",
        Message("writes fail with an unlikely error"),
        _always(lambda: _RefusedWrites(att.ErrorCode.UNLIKELY_ERROR, 1_000_000)),
    ),
    (
        "write-busy",
        Message("the first two writes fail: in progress"),
        _always(lambda: _RefusedWrites(ATT_PROCEDURE_IN_PROGRESS, 2)),
    ),
    (
        "no-battery-service",
        Message("there is no battery service"),
        _always(lambda: _Without(BATTERY_SERVICE_UUID)),
    ),
    (
        "no-device-information",
        Message("there is no device information service"),
        _always(lambda: _Without(DEVICE_INFORMATION_SERVICE_UUID)),
    ),
    (
        "information-torn",
        Message("the information is cut short"),
        _always(lambda: _Information(lambda d: d[:10])),
    ),
    (
        "information-later-minor",
        Message("the information is of a later minor version"),
        _always(lambda: _Information(lambda d: d[:1] + b"\x07" + d[2:] + b"news")),
    ),
    (
        "information-other-major",
        Message("the information is of another major version"),
        _always(lambda: _Information(lambda d: b"\x02" + d[1:])),
    ),
    (
        "calibration-damaged",
        Message("the calibration in the sensor is damaged"),
        _always(lambda: _Calibration(lambda d: d[:20] + bytes([d[20] ^ 1]) + d[21:])),
    ),
    (
        "calibration-missing",
        Message("the sensor has no calibration"),
        _always(lambda: _Calibration(lambda _d: b"")),
    ),
    ("window-closed", Message("the pairing window is closed"), _always(_ClosedWindow)),
    ("bonds-forgotten", Message("the sensor forgets its bonds"), _script(_forget_bonds)),
    ("short-absence", Message("out of range for 0.3 s"), _away(0.3)),
    ("absence", Message("out of range for 5 s"), _away(5.0)),
    ("long-absence", Message("out of range for a minute"), _away(60.0)),
    ("link-loss", Message("the link is lost"), _script(lambda band: band.radio.lose_link(band.name))),
    (
        "repeated-link-loss",
        Message("the link is lost four times, 3 s apart"),
        _script(_lose_link_again_and_again),
    ),
    ("bluetooth-off", Message("Bluetooth is switched off for 5 s"), _adapter_fault(AdapterState.OFF)),
    ("adapter-gone", Message("the adapter is unplugged for 5 s"), _adapter_fault(AdapterState.ABSENT)),
    ("asleep", Message("the sensor is silent for 20 s"), _script(_sleep_and_wake)),
    ("battery-empty", Message("the battery runs empty"), _script(lambda band: band.empty_battery())),
    ("taken", Message("a phone takes the sensor for a minute"), _script(_taken_by_a_phone)),
    *(
        (
            f"disconnect-at-{step.name.lower().replace('_', '-')}",
            Message("the link ends during set-up: {step}", step=Message(step.value)),
            _always(lambda step=step: _DisconnectAt(step)),  # type: ignore[misc]
        )
        for step in Step
    ),
)

FAULTS: dict[str, NamedFault] = {name: NamedFault(name, words, make) for name, words, make in _LIST}


def make_fault(name: str, seed: int = 0) -> Fault:
    """Create the fault of this name.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in FAULTS:
        raise ConfigError(
            Message("there is no fault {name!r}; there are: {faults}", name=name, faults=", ".join(FAULTS))
        )
    return FAULTS[name].make(seed)
