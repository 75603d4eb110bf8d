"""First tests of a new sensor: what only hardware can show, beside what the models predict.

Each check measures, compares with its prediction and says what to look at where they differ. What needs
hands, such as walking away or pressing the button, is asked through `ask`. The report holds numbers and
versions, and nothing that names a person or a sensor, so that it can be sent to those who build the
firmware.
"""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.app.current_trace import read_current_trace
from bandsense.errors import BandsenseError, CommandError, FileFormatError
from bandsense.language import Message, mark, message_of
from bandsense.link.ble.adapter import Transport
from bandsense.link.dfu.update import update_firmware
from bandsense.link.sensor import Sensor, open_sensor
from bandsense.samples import FloatArray, SampleBlock, concatenate
from bandsense.wire.bandsense.codes import SelfTestBits
from bandsense.wire.reassembly import StreamStatistics

__all__ = [
    "HANDS_OFF",
    "PREDICTED_CURRENT_UA",
    "Ask",
    "Bringup",
    "BringupPlan",
    "Finding",
    "Outcome",
    "Report",
]

PREDICTED_CURRENT_UA: Mapping[str, tuple[float, float]] = {
    "off": (26.0, 26.0),
    "standby": (60.3, 84.2),
    "advertising fast": (826.0, 826.0),
    "advertising slow": (41.6, 41.6),
    "connected": (316.6, 316.6),
    "streaming": (6245.6, 11_817.1),
}
"""Mean current by power state: with a bridge of 1000 Ω, with one of 350 Ω (firmware/tools/power_model.py)."""
CURRENT_TOLERANCE = 0.3
"""The model's own floors are assumed; nearer than this it does not claim to be."""

EXCITATION_MV = (2700, 3300)
"""firmware/core/src/self_test.rs"""
NOISE_MAX_COUNTS = 400.0
"""Of the self test; a converter alone at 80 Hz stays far below."""
NOISE_MN = Message("12 … 49 at 80 Hz with the default cell")
"""hardware/docs/signal-budget.md, at the gain of the board."""
RATE_TOLERANCE = 0.05
"""The NAU7802's own oscillator."""
CLOCK_TOLERANCE_PPM = 100.0
"""A crystal of 20 ppm, and the computer's."""
TIMING_TOLERANCE_S = 100e-6
"""Of any rebuilt time stamp (docs/protocol.md, section 2)."""
RECONNECTION_S = 30.0
SETTLING_S = 0.1
HANDS_OFF = Message("Let the band hang slack, and do not touch the sensor.")
"""What a simulated sensor does anyway."""
_NAMES = {
    "_registers": mark("registers"),
    "_rates": mark("rates"),
    "_noise": mark("noise"),
    "_settling": mark("settling"),
    "_clock": mark("clock"),
    "_range": mark("radio range"),
    "_drops": mark("drops"),
    "_power_cycles": mark("power cycles"),
    "_counters": mark("counters"),
}
"""What each check is called where it could not be made."""
_CLOCK_TURN_S = 2**32 / 1e6
_MARK_PAUSE_S = 0.617


class Outcome(Enum):
    """How a check ended."""

    AS_PREDICTED = mark("as predicted")
    DIFFERENT = mark("different")
    FAILED = mark("failed")
    LEFT_OUT = mark("left out")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        measured: numbers by name; the unit ends the name.
        predicted: the same from the models and data sheets.
        advice: what to look at where they differ.
    """

    check: Message
    outcome: Outcome
    measured: dict[str, Any] = field(default_factory=dict)
    predicted: dict[str, Any] = field(default_factory=dict)
    advice: str = ""


@dataclass(slots=True)
class Report:
    """All findings, with what they were made with."""

    software: dict[str, str]
    sensor: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> str:
        """Return it as a file to send."""
        content = asdict(self)
        for finding, entry in zip(self.findings, content["findings"], strict=True):
            entry["outcome"] = finding.outcome.value
        return json.dumps(content, indent=1, default=str) + "\n"


@dataclass(frozen=True, slots=True)
class BringupPlan:
    """How long, how often, and with what.

    Attributes:
        noise_s: the band is slack for so long.
        clock_s: device clock and computer's are compared for so long.
        range_s: streamed at each place.
        places: where the person stands; what a radio wave has to get through.
        power_cycles: how often the sensor is reset by hand.
        link_drops: how often the link is lost by hand.
        update_file: firmware to install again and again.
        update_cycles: how often.
        currents: recordings of a Power Profiler Kit II by power state.
    """

    noise_s: float = 20.0
    clock_s: float = 300.0
    range_s: float = 30.0
    places: tuple[str, ...] = (
        Message("1 m away"),
        Message("5 m away"),
        Message("5 m away with your body in between"),
    )
    power_cycles: int = 3
    link_drops: int = 2
    update_file: Path | None = None
    update_cycles: int = 2
    currents: Mapping[str, Path] = field(default_factory=dict)


Ask = Callable[[Message], Awaitable[bool]]
"""Ask the person to do something; False when it is to be left out."""


class Bringup:
    """The checks of one sensor, one after the other.

    Args:
        target: name, end of the name, or address; None for the nearest.
        ask: see `Ask`.
        version: of this program.
    """

    def __init__(
        self, target: str | None, plan: BringupPlan, ask: Ask, *, transport: Transport, version: str
    ) -> None:
        self._target = target
        self._plan = plan
        self._ask = ask
        self._transport = transport
        self.report = Report({"bandsense": version, "system": platform.system()}, {})

    async def run(self) -> AsyncIterator[Finding]:
        """Make all checks; each is in the report, too. One that fails does not end the others."""
        for state, path in self._plan.currents.items():
            yield self._note(_current(state, path))
        async with open_sensor(self._target, transport=self._transport) as sensor:
            self._describe(sensor)
            for check in (
                self._registers,
                self._rates,
                self._noise,
                self._settling,
                self._clock,
                self._range,
                self._drops,
                self._power_cycles,
                self._counters,
            ):
                async for finding in self._guarded(check, sensor):
                    yield finding
            name = sensor.information.address
        if self._plan.update_file is not None:
            for cycle in range(self._plan.update_cycles):
                yield self._note(await self._update(name, self._plan.update_file, cycle))

    def _note(self, finding: Finding) -> Finding:
        self.report.findings.append(finding)
        return finding

    async def _guarded(
        self, check: Callable[[Sensor], AsyncIterator[Finding]], sensor: Sensor
    ) -> AsyncIterator[Finding]:
        try:
            async for finding in check(sensor):
                yield self._note(finding)
        except BandsenseError as error:
            yield self._note(
                Finding(Message(_NAMES[check.__name__]), Outcome.FAILED, advice=message_of(error))
            )

    def _describe(self, sensor: Sensor) -> None:
        information = sensor.information
        self.report.sensor = {
            "driver": information.driver,
            "model": information.model,
            "hardware": information.hardware,
            "firmware": information.firmware,
            "rates_hz": information.rates_hz,
            "full_scale_n": information.full_scale_n,
            "battery_percent": information.battery_percent,
            "calibrated": information.calibration is not None,
        }

    # -- the converter -------------------------------------------------------------------------------------

    async def _registers(self, sensor: Sensor) -> AsyncIterator[Finding]:
        """Check that the converter answered its set-up and the bridge has its voltage."""
        if not await self._ask(HANDS_OFF):
            yield Finding(Message("register sequence"), Outcome.LEFT_OUT)
            return
        result = await sensor.device.self_test()
        absent = SelfTestBits.CONVERTER_ABSENT in result.outcome
        low, high = EXCITATION_MV
        in_range = low <= result.excitation_mv <= high
        advice: str = ""
        if absent:
            advice = Message("the converter does not answer: look at D4 (data), D5 (clock), 3V3 and ground")
        elif not in_range:
            advice = Message(
                "the bridge's voltage is off: is E+ wired to D3, and the load cell to E+ and E-?"
            )
        elif not result.passed:
            advice = Message(
                "noise or offset is too large: is the cell's shield on ground, are A+ and A- in place?"
            )
        yield Finding(
            Message("register sequence"),
            Outcome.AS_PREDICTED if result.passed else Outcome.DIFFERENT,
            {
                "excitation_mv": result.excitation_mv,
                "noise_counts_rms": result.noise_counts_rms,
                "offset_counts": result.offset_counts,
                "battery_mv": result.battery_mv,
                "temperature_c": result.temperature_c,
                "outcome": result.outcome.name,
            },
            {
                "excitation_mv": EXCITATION_MV,
                "noise_counts_rms": Message("at most {most:.0f}", most=NOISE_MAX_COUNTS),
            },
            advice,
        )

    async def _rates(self, sensor: Sensor) -> AsyncIterator[Finding]:
        """Check that every rate is as asked, that nothing is lost, and that all see the same zero."""
        zeros: dict[int, tuple[float, float]] = {}
        for rate_hz in sensor.information.rates_hz:
            block, lost = await _stream(sensor, self._plan.noise_s / 2, rate_hz)
            span_s = float(block.time_s[-1] - block.time_s[0])
            measured_hz = (block.values.size - 1) / span_s if span_s > 0 else 0.0
            error = abs(measured_hz / rate_hz - 1.0)
            settled = block.values[block.values.size // 2 :]
            zeros[rate_hz] = (float(settled.mean()), float(settled.std()))
            good = error <= RATE_TOLERANCE and not lost.lost and not lost.overruns
            yield Finding(
                Message("rate of {rate_hz} Hz", rate_hz=rate_hz),
                Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
                {"rate_hz": round(measured_hz, 3), "lost": lost.lost, "overruns": lost.overruns},
                {"rate_hz": f"{rate_hz} ± {100 * RATE_TOLERANCE:.0f} %", "lost": 0, "overruns": 0},
                ""
                if good
                else Message(
                    "look at the data-ready wire (D0), and for a Bluetooth adapter that is too busy"
                ),
            )
        if len(zeros) > 1:
            means = [mean for mean, _ in zeros.values()]
            noise = max(noise for _, noise in zeros.values())
            good = max(means) - min(means) <= noise
            yield Finding(
                Message("zero at every rate"),
                Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
                {f"zero_{rate_hz}_hz_counts": round(mean, 1) for rate_hz, (mean, _) in zeros.items()},
                {"spread": Message("within the noise, {noise:.0f} counts", noise=noise)},
                "" if good else Message("the offset is calibrated at one rate: it has to be at each"),
            )

    async def _noise(self, sensor: Sensor) -> AsyncIterator[Finding]:
        """White noise and drift with the band slack."""
        block, _ = await _stream(sensor, self._plan.noise_s, None)
        values = _detrended(block)
        noise = float(values.std())
        drift = float(np.ptp(block.values - values))
        step_n = _newton_per_count(sensor)
        measured = {"noise_counts_rms": round(noise, 2), "drift_counts": round(drift, 1)}
        if step_n is not None:
            measured |= {
                "noise_mn_rms": round(noise * step_n * 1000, 3),
                "drift_mn": round(drift * step_n * 1000, 2),
            }
        predicted = {
            "noise_counts_rms": Message("at most {most:.0f}", most=NOISE_MAX_COUNTS),
            "noise_mn_rms": NOISE_MN,
        }
        good = noise <= NOISE_MAX_COUNTS
        advice = (
            ""
            if good
            else Message("twist the load cell's wires, keep them off the antenna, look at the solder joints")
        )
        yield Finding(
            Message("noise"), Outcome.AS_PREDICTED if good else Outcome.DIFFERENT, measured, predicted, advice
        )

    async def _settling(self, sensor: Sensor) -> AsyncIterator[Finding]:
        """Check that the first tenth of a second after a start agrees with what comes later."""
        block, _ = await _stream(sensor, 3.0, None)
        since_s = block.time_s - block.time_s[0]
        first, later = block.values[since_s < SETTLING_S], block.values[since_s > 1.0]
        step = float(first.mean() - later.mean())
        noise = float(later.std())
        allowed = 3.0 * noise + 1.0
        good = abs(step) <= allowed
        yield Finding(
            Message("settling after a start"),
            Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
            {"step_counts": round(step, 1), "noise_counts_rms": round(noise, 1)},
            {"step_counts": Message("within ± {most:.0f}", most=allowed)},
            ""
            if good
            else Message("the converter's regulator needs longer: raise the settling time in nau7802.rs"),
        )

    # -- time ----------------------------------------------------------------------------------------------

    async def _clock(self, sensor: Sensor) -> AsyncIterator[Finding]:
        """Compare the sensor's clock with the computer's, and judge how even the stamps are."""
        trips_s, host_s, device_s = [], [], []
        end_s = self._transport.clock() + self._plan.clock_s
        while (sent_s := self._transport.clock()) < end_s:
            mark = await sensor.device.time_mark()
            received_s = self._transport.clock()
            trips_s.append(received_s - sent_s)
            host_s.append((sent_s + received_s) / 2)
            device_s.append(mark.time_us / 1e6)
            # Not in step with the link's own rhythm: a mark then falls anywhere in its round trip.
            await asyncio.sleep(_MARK_PAUSE_S)
        host, device = np.array(host_s) - host_s[0], np.unwrap(device_s, period=_CLOCK_TURN_S)
        slope, offset = np.polyfit(host, device, 1)
        skew_ppm = (float(slope) - 1.0) * 1e6
        # Three standard errors of a slope: of evenly spaced points that scatter like these.
        scatter_s = float(np.std(device - slope * host - offset))
        doubt_ppm = 3 * scatter_s * np.sqrt(12 / host.size) / float(np.ptp(host)) * 1e6
        good = abs(skew_ppm) <= CLOCK_TOLERANCE_PPM + doubt_ppm
        yield Finding(
            Message("clock"),
            Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
            {
                "skew_ppm": round(skew_ppm, 1),
                "doubt_ppm": round(float(doubt_ppm), 1),
                "round_trip_ms": round(float(np.median(trips_s)) * 1000, 2),
            },
            {"skew_ppm": Message("within ± {most:.0f}", most=CLOCK_TOLERANCE_PPM)},
            ""
            if good
            else Message(
                "does the 32.768 kHz crystal run? The firmware must not fall back to the RC oscillator"
            ),
        )
        block, _ = await _stream(sensor, self._plan.noise_s / 2, None)
        intervals_s = np.diff(block.time_s)
        unevenness_s = float(np.max(np.abs(intervals_s - np.median(intervals_s))))
        # An interval has two ends, and the converter's own oscillator wanders a little.
        allowed_s = 2 * TIMING_TOLERANCE_S + 0.002 * float(np.median(intervals_s))
        even = unevenness_s <= allowed_s
        yield Finding(
            Message("time stamps"),
            Outcome.AS_PREDICTED if even else Outcome.DIFFERENT,
            {"worst_interval_error_us": round(unevenness_s * 1e6, 1)},
            {"worst_interval_error_us": Message("at most {most:.0f}", most=allowed_s * 1e6)},
            ""
            if even
            else Message(
                "conversions are stamped late: something keeps the processor from its data-ready pin"
            ),
        )

    # -- the link ------------------------------------------------------------------------------------------

    async def _range(self, sensor: Sensor) -> AsyncIterator[Finding]:
        for place in self._plan.places:
            check = Message("range, {place}", place=place)
            if not await self._ask(Message("Take the sensor {place} from this computer.", place=place)):
                yield Finding(check, Outcome.LEFT_OUT)
                continue
            block, lost = await _stream(sensor, self._plan.range_s, None)
            # The first sample follows the stream before.
            gaps = int(block.gap_before[1:].sum())
            good = not lost.lost and not gaps
            yield Finding(
                check,
                Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
                {"samples": lost.samples, "lost": lost.lost, "gaps": gaps},
                {"lost": 0, "gaps": 0},
                ""
                if good
                else Message("keep metal and the load cell's wires away from the antenna's end of the board"),
            )

    async def _drops(self, sensor: Sensor) -> AsyncIterator[Finding]:
        for number in range(1, self._plan.link_drops + 1):
            check = Message("link lost, {number}", number=number)
            words = Message(
                "While it streams, wrap the sensor in foil or carry it out of range until the link is lost."
            )
            if not await self._ask(words):
                yield Finding(check, Outcome.LEFT_OUT)
                return
            away_s = await self._until_back(sensor)
            good = away_s is not None and away_s <= RECONNECTION_S
            yield Finding(
                check,
                Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
                {"gap_s": None if away_s is None else round(away_s, 2)},
                {"gap_s": Message("at most {most:.0f} after it is in range again", most=RECONNECTION_S)},
                "" if good else Message("the link was not lost, or did not come back by itself"),
            )

    async def _until_back(self, sensor: Sensor, patience_s: float = 120.0) -> float | None:
        """Stream until a gap has come and gone; its length, None when none came."""
        gone_s: float | None = None
        last_s: float | None = None
        stopping = asyncio.create_task(_stop_after(sensor, patience_s))
        async for block in sensor.stream():
            for at_s, gap in zip(block.time_s.tolist(), block.gap_before.tolist(), strict=True):
                if gap and last_s is not None and gone_s is None:
                    gone_s = at_s - last_s
                    stopping.cancel()
                    stopping = asyncio.create_task(_stop_after(sensor, 0.0))
                last_s = at_s
        await asyncio.wait([stopping])
        return gone_s

    async def _power_cycles(self, sensor: Sensor) -> AsyncIterator[Finding]:
        for number in range(1, self._plan.power_cycles + 1):
            check = Message("reset, {number}", number=number)
            before = await sensor.device.time_mark()
            if not await self._ask(Message("Press the reset button of the board once.")):
                yield Finding(check, Outcome.LEFT_OUT)
                return
            after = await _after_reset(sensor, before.boot_number)
            counted = (after - before.boot_number) % 2**16 if after is not None else None
            kept = await sensor.device.read_calibration() == sensor.information.calibration
            good = counted == 1 and kept
            yield Finding(
                check,
                Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
                {"boots": counted, "bond_kept": after is not None, "calibration_kept": kept},
                {"boots": 1, "bond_kept": True, "calibration_kept": True},
                ""
                if good
                else Message("the sensor started more than once, or forgot: tell us what the light did"),
            )

    async def _counters(self, sensor: Sensor) -> AsyncIterator[Finding]:
        counters = await sensor.device.counters()
        crash = await sensor.device.crash()
        good = not crash.kind and not counters.overruns
        yield Finding(
            Message("counters"),
            Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
            {
                "overruns": counters.overruns,
                "notifications_dropped": counters.notifications_dropped,
                "reset_cause": counters.reset_cause,
                "crash_kind": crash.kind,
                "crash_program_counter": f"{crash.program_counter:#010x}",
                "crash_detail": crash.detail,
            },
            {"overruns": 0, "crash_kind": 0},
            "" if good else Message("firmware/tools/crash.py says in which line it crashed"),
        )

    async def _update(self, target: str, file: Path, cycle: int) -> Finding:
        check = Message("update, {number}", number=cycle + 1)
        begun_s = self._transport.clock()
        try:
            result = await update_firmware(file, target, transport=self._transport, force=True)
        except BandsenseError as error:
            return Finding(check, Outcome.FAILED, advice=message_of(error))
        took_s = self._transport.clock() - begun_s
        return Finding(
            check,
            Outcome.AS_PREDICTED,
            {
                "took_s": round(took_s, 1),
                "reconnections": result.reconnections,
                "version": result.new_version,
            },
            {"version": Message("that of the file, confirmed")},
        )


def _current(state: str, path: Path) -> Finding:
    """Mean current of a recording beside the power model's."""
    check = Message("current, {state}", state=state)
    try:
        trace = read_current_trace(path)
    except FileFormatError as error:
        return Finding(check, Outcome.FAILED, advice=message_of(error))
    low, high = PREDICTED_CURRENT_UA[state]
    good = low * (1 - CURRENT_TOLERANCE) <= trace.mean_ua <= high * (1 + CURRENT_TOLERANCE)
    advice: str = ""
    if not good and state == "off":
        advice = Message("near 1 mA the board's flash chip did not go to sleep")
    elif not good:
        advice = Message(
            "was the cell the only supply, and USB unplugged? Then tell us: the model's floors are assumed"
        )
    return Finding(
        check,
        Outcome.AS_PREDICTED if good else Outcome.DIFFERENT,
        {"mean_ua": round(trace.mean_ua, 2), "duration_s": round(trace.duration_s, 2)},
        {
            "mean_ua": Message(
                "{low:.0f} (1000 Ω) to {high:.0f} (350 Ω), ± {tolerance:.0%}",
                low=low,
                high=high,
                tolerance=CURRENT_TOLERANCE,
            )
        },
        advice,
    )


async def _stream(
    sensor: Sensor, duration_s: float, rate_hz: int | None
) -> tuple[SampleBlock, StreamStatistics]:
    """Stream for a while; the samples, and what became of them meanwhile.

    Raises:
        CommandError: nothing came.
    """
    before = sensor.statistics
    blocks: list[SampleBlock] = []

    async def read() -> None:
        blocks.extend([block async for block in sensor.stream(rate_hz)])

    reader = asyncio.create_task(read())
    await asyncio.sleep(duration_s)
    await sensor.stop()
    await reader
    if not blocks or sum(block.values.size for block in blocks) < 3:
        raise CommandError(Message("the sensor sends no samples; switch it off and on, and try again"))
    after = sensor.statistics
    counted = {
        name: getattr(after, name) - getattr(before, name) for name in StreamStatistics.__dataclass_fields__
    }
    return concatenate(blocks), StreamStatistics(**counted)


async def _after_reset(sensor: Sensor, boot_number: int, patience_s: float = 60.0) -> int | None:
    """Return the boot number once it has changed; None when the sensor does not come back."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    mark = await sensor.device.time_mark()
                except BandsenseError:
                    mark = None
                if mark is not None and mark.boot_number != boot_number:
                    return mark.boot_number
                await asyncio.sleep(0.2)
    except TimeoutError:
        return None


async def _stop_after(sensor: Sensor, wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    await sensor.stop()


def _detrended(block: SampleBlock) -> FloatArray:
    values: FloatArray = block.values - np.polyval(
        np.polyfit(block.time_s - block.time_s[0], block.values, 1), block.time_s - block.time_s[0]
    )
    return values


def _newton_per_count(sensor: Sensor) -> float | None:
    information = sensor.information
    if information.calibration is not None:
        return information.calibration.newton_per_count
    return None if information.full_scale_n is None else information.full_scale_n / 2**23
