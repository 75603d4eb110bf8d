"""The temperature on zero, from the sensor to the tension that is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from bandsense.app import environment
from bandsense.app.temperature import keeping_temperature
from bandsense.calibration.curve import Calibration
from bandsense.calibration.fit import Direction, Point, fit
from bandsense.cli.commands import calibrate
from bandsense.link.ble.adapter import Transport
from bandsense.link.sensor import open_sensor
from bandsense.sim.clock import run_accelerated
from bandsense.sim.devices.hardware import FACTORY_TEMPERATURE_C, Fault, Hardware, Memory
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import Features, Opcode
from tests.cli.conftest import Command

NEWTON_PER_KELVIN = 0.1
COUNTS_PER_KELVIN = 1000.0
"""At the span of the simulated sensor, 1e-4 N per count."""


class Asked(Fault):
    """Notes how often the self test is asked for, and answers it as `answering` says."""

    def __init__(self, answering: Callable[[bytes], bytes] = bytes) -> None:
        self.self_tests = 0
        self._answering = answering

    def request(self, data: bytes) -> None:
        self.self_tests += data[1] == Opcode.SELF_TEST

    def answer(self, data: bytes) -> tuple[tuple[float, bytes], ...]:
        return ((0.0, self._answering(data)),)


@dataclass
class Bench:
    """A sensor whose band hangs slack, how warm it is, and what it keeps between two commands."""

    temperature_c: float = FACTORY_TEMPERATURE_C
    calibration: bytes = b""
    fault: Asked = field(default_factory=Asked)
    features: Features = Features.TEMPERATURE

    @property
    def record(self) -> CalibrationRecord:
        return CalibrationRecord.decode(self.calibration)

    @asynccontextmanager
    async def air(self) -> AsyncIterator[environment.Environment]:
        loop = asyncio.get_running_loop()
        noise_n = np.random.default_rng(1).normal(0.0, 0.01, 4000)
        source = TraceSource(np.arange(4000) / 80.0, noise_n)
        hardware = Hardware(features=self.features, counts_per_kelvin=COUNTS_PER_KELVIN)
        memory = Memory(self.calibration)
        async with (
            VirtualRadio(connection_interval_s=0.015) as radio,
            VirtualBand(radio, source, hardware=hardware, memory=memory, fault=self.fault) as band,
        ):
            band.temperature_c = self.temperature_c
            computer = await radio.adapter()
            reached = Transport(client_backend(computer), scanner_backend(computer), loop.time)
            try:
                yield environment.Environment(reached, "sensor")
            finally:
                self.calibration = memory.calibration


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, simulated_time: None) -> Bench:
    bench = Bench()
    monkeypatch.setattr(environment, "real_environment", lambda: bench.air())
    return bench


def trained(command: Command) -> list[dict[str, Any]]:
    """Events of a session of three seconds at rest."""
    done = command("live", "BA5E", "--json", "--levels", "--seconds", "3")
    assert done.status == 0, done.err
    return [json.loads(line) for line in done.lines]


def at_rest_n(events: list[dict[str, Any]]) -> tuple[float, float]:
    """The first tension, before any zero is tracked, and its expanded uncertainty."""
    level = next(each for each in events if each["event"] == "tension_tick")
    return level["tension_n"], 2.0 * level["tension_uncertainty_n"]


def of(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for each in events if each["event"] == name]


def test_two_zeros_teach_what_temperature_does_and_a_session_is_corrected(
    command: Command, bench: Bench
) -> None:
    assert command("sensors", "zero", "BA5E").out == "zero set; it showed +0.0 N before\n"
    assert bench.record.reference_temperature_c == FACTORY_TEMPERATURE_C
    bench.temperature_c += 10.0
    done = command("sensors", "zero", "BA5E", "--temperature")
    assert done.lines == [
        "zero set; it showed +1.0 N before",
        "its zero drifts with temperature by +0.100 ± 0.003 N per kelvin; from now on this is corrected",
    ]
    assert bench.record.newton_per_kelvin == pytest.approx(NEWTON_PER_KELVIN, abs=5e-4)
    assert bench.record.reference_temperature_c == bench.temperature_c

    bench.temperature_c -= 22.0
    events = trained(command)
    (told,) = of(events, "temperature_changed")
    assert told["temperature_c"] == bench.temperature_c
    assert told["zero_n"] == pytest.approx(-22.0 * NEWTON_PER_KELVIN, abs=0.02)
    tension_n, expanded_n = at_rest_n(events)
    assert abs(tension_n) < 0.05 < expanded_n


def test_without_a_known_slope_the_zero_is_off(command: Command, bench: Bench) -> None:
    command("sensors", "zero", "BA5E")
    bench.temperature_c -= 22.0
    events = trained(command)
    assert of(events, "temperature_changed")[0]["zero_n"] == 0.0
    tension_n, expanded_n = at_rest_n(events)
    assert tension_n == pytest.approx(-2.2, abs=0.05)
    assert abs(tension_n) > expanded_n


def knowing(bench: Bench) -> None:
    """The sensor knows what temperature does to it."""
    bench.calibration = CalibrationRecord(
        1e-4, 0, newton_per_kelvin=NEWTON_PER_KELVIN, reference_temperature_c=FACTORY_TEMPERATURE_C
    ).encode()


def test_a_replay_is_corrected_by_the_same_temperature(command: Command, bench: Bench) -> None:
    knowing(bench)
    bench.temperature_c = 5.0
    live = [each for each in trained(command) if "detected_s" in each or each["event"] == "tension_tick"]
    replay = command("replay", "last", "--json", "--levels", "--speed", "0")
    assert [json.loads(line) for line in replay.lines[:-1]] == live
    assert of(live, "temperature_changed")


def test_a_sensor_that_measures_no_temperature_is_not_asked(command: Command, bench: Bench) -> None:
    knowing(bench)
    bench.features = Features.NONE
    events = trained(command)
    assert (bench.fault.self_tests, of(events, "temperature_changed")) == (0, [])
    command("sensors", "zero", "BA5E")
    assert bench.record.reference_temperature_c is None
    refused = command("sensors", "zero", "BA5E", "--temperature")
    assert refused.status == 1
    assert "does not measure its temperature" in refused.err


def refusing(answer: bytes) -> bytes:
    """Battery too low for a self test."""
    return answer[:2] + bytes((10,)) if answer[1] == Opcode.SELF_TEST else answer


def broken(answer: bytes) -> bytes:
    """A thermometer that tells 300 °C."""
    return answer[:-2] + (30_000).to_bytes(2, "little") if answer[1] == Opcode.READ_STATISTICS else answer


@pytest.mark.parametrize(
    ("answering", "reason"), [(refusing, "battery is too low"), (broken, "300 °C, which is impossible")]
)
def test_a_temperature_that_cannot_be_had_is_told_and_hinders_nothing(
    command: Command, bench: Bench, answering: Callable[[bytes], bytes], reason: str
) -> None:
    knowing(bench)
    bench.fault = Asked(answering)
    events = trained(command)
    assert bench.fault.self_tests == 1
    assert of(events, "temperature_changed") == []
    told = [each["message"] for each in of(events, "temperature_unknown")]
    assert any("not corrected for temperature" in each and reason in each for each in told)
    assert of(events, "summary")[0]["samples"] > 200
    zero = command("sensors", "zero", "BA5E")
    assert (zero.status, reason in zero.lines[0], zero.lines[-1][:8]) == (0, True, "zero set")


@pytest.mark.parametrize(("warmer_k", "reason"), [(2.0, "at least 3 K apart"), (None, "does not know at")])
def test_what_cannot_be_learnt_changes_nothing(
    command: Command, bench: Bench, warmer_k: float | None, reason: str
) -> None:
    if warmer_k is not None:
        command("sensors", "zero", "BA5E")
        bench.temperature_c += warmer_k
    else:
        bench.calibration = CalibrationRecord(1e-4, 0).encode()
    before = bench.calibration
    done = command("sensors", "zero", "BA5E", "--temperature")
    assert done.status == 1
    assert reason in done.err
    assert bench.calibration == before


def test_a_calibration_is_kept_with_its_temperature(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def yes(_question: str) -> str:
        return "y"

    async def offered() -> None:
        points = [Point(0, Direction.UP, kg, 500.0 + kg * 49_000.0, 1.0) for kg in (0.0, 2.0, 5.0)]
        async with bench.air() as reached, open_sensor("BA5E", transport=reached.transport) as sensor:
            await calibrate._offer(sensor, fit(points))

    knowing(bench)
    bench.temperature_c = 19.0
    monkeypatch.setattr(calibrate, "_answer", yes)
    run_accelerated(offered())
    assert bench.record.reference_temperature_c == 19.0
    # The drift is one of counts: with twice the newtons per count it is twice the newtons.
    doubled = bench.record.newton_per_count / 1e-4
    assert doubled == pytest.approx(2.0, abs=0.01)
    assert bench.record.newton_per_kelvin == pytest.approx(doubled * NEWTON_PER_KELVIN, rel=1e-6)


def test_where_nothing_was_known_of_temperature_nothing_is_assumed() -> None:
    found = keeping_temperature(Calibration(1e-4), None, None)
    assert (found.newton_per_kelvin, found.reference_temperature_c) == (0.0, None)
