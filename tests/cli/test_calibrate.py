from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from bandsense.app.guided_calibration import guide
from bandsense.app.sensor_calibration import calibration_of, from_record, to_record
from bandsense.calibration.curve import Calibration, Grade
from bandsense.calibration.procedure import Instruction, StepKind
from bandsense.cli.commands import calibrate as command_module
from bandsense.cli.commands.calibrate import procedure_of, report_lines
from bandsense.errors import CalibrationError
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.base import SensorInformation
from bandsense.link.sensor import LinkEvent, LinkState
from bandsense.samples import KGF_N, SampleBlock, Unit
from bandsense.sim.devices.progressor import ProgressorTwin
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.calibration import CalibrationRecord
from tests.cli.conftest import Command
from tests.support.sensors import adapter, pytest_asyncio_loop_factories, radio, transport

__all__ = ["adapter", "pytest_asyncio_loop_factories", "radio", "transport"]

NEWTON_PER_COUNT = 2e-4
ZERO = 4_000.0


class Hook:
    """A sensor on a hook: it feels what the instruction last carried out asks for."""

    def __init__(self, seconds: float = 1e6) -> None:
        self.mass_kg = 0.0
        self.asked: list[Instruction] = []
        self._seconds = seconds

    async def blocks(self) -> AsyncIterator[SampleBlock]:
        noise = np.random.default_rng(1)
        at_s = 0.0
        while at_s < self._seconds:
            counts = self.mass_kg * KGF_N / NEWTON_PER_COUNT + ZERO + noise.normal(0.0, 50.0, 80)
            yield SampleBlock(at_s + np.arange(80) / 80.0, np.round(counts))
            at_s += 1.0
            await asyncio.sleep(0)

    async def ask(self, step: Instruction) -> bool:
        self.asked.append(step)
        self.mass_kg = step.mass_kg
        return step.kind is not StepKind.EXERCISE


def options(**changes: object) -> argparse.Namespace:
    usual = {
        "masses": "2,5,10",
        "masses_are": "weighed",
        "runs": 3,
        "quick": True,
        "clip_on": False,
        "gravity": None,
        "band": None,
    }
    return argparse.Namespace(**(usual | changes))


async def test_a_person_is_led_to_a_calibration_that_is_true() -> None:
    hook, procedure, told = Hook(), procedure_of(options(gravity=KGF_N)), list[str]()
    await guide(procedure, hook.blocks(), hook.ask, told.append)
    report = procedure.result()
    assert report.calibration.newton_per_unit == pytest.approx(NEWTON_PER_COUNT, rel=1e-3)
    assert report.calibration.zero == pytest.approx(ZERO, abs=20.0)
    assert told == []
    text = "\n".join(report_lines(report))
    assert "uncertainty (k = 2)" in text
    assert "creep" in text


async def test_masses_weighed_in_steps_of_a_tenth_are_less_sure_than_finer_ones() -> None:
    uncertainty_n = []
    for masses in ("2.00,5.00,10.00", "2.0,5.0,10.0"):
        hook, procedure = Hook(), procedure_of(options(masses=masses, gravity=KGF_N))
        await guide(procedure, hook.blocks(), hook.ask, print)
        budget = {line.name: line.standard_uncertainty_n for line in procedure.result().budget}
        uncertainty_n.append(budget["masses, each"])
    assert uncertainty_n[1] > 1.2 * uncertainty_n[0]


async def test_what_the_result_rests_on_cannot_be_left_out() -> None:
    hook, procedure, told = Hook(), procedure_of(options()), list[str]()
    refused = 0

    async def ask(step: Instruction) -> bool:
        nonlocal refused
        done = await hook.ask(step)
        if step.kind is StepKind.LOAD and not refused:
            refused += 1
            return False
        return done

    await guide(procedure, hook.blocks(), ask, told.append)
    assert len(told) == 1
    assert "cannot do without" in told[0]


async def test_a_stream_that_ends_is_told() -> None:
    hook, procedure = Hook(seconds=5.0), procedure_of(options())
    with pytest.raises(CalibrationError, match="stream ended"):
        await guide(procedure, hook.blocks(), hook.ask, print)


def test_masses_that_are_none_are_refused() -> None:
    with pytest.raises(CalibrationError, match="like 2,5,10"):
        procedure_of(options(masses="heavy"))


def test_without_a_terminal_nobody_can_be_asked(command: Command) -> None:
    done = command("calibrate", "--masses", "5,10")
    assert done.status == 1
    assert "run it in a terminal" in done.err


def test_what_attempts_to_connect_have_in_common_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell = command_module._teller()
    for state, message in [
        *[(LinkState.SEARCHING, "looking"), (LinkState.LOST, "Bluetooth is off")] * 3,
        (LinkState.CONNECTED, "connected"),
        (LinkState.SEARCHING, "looking"),
    ]:
        tell(LinkEvent(0.0, state, message))
    assert capsys.readouterr().out.split("\n") == ["looking", "Bluetooth is off", "connected", "looking", ""]


async def test_nobody_hangs_masses_for_a_sensor_that_keeps_no_calibration(
    radio: VirtualRadio, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(question: str) -> str:
        pytest.fail(question)

    monkeypatch.setattr(command_module, "_answer", answer)
    async with ProgressorTwin(radio, TraceSource(np.arange(800) / 80.0, np.zeros(800))):
        with pytest.raises(CalibrationError, match="Progressor_7125 was calibrated by its maker"):
            await command_module.calibrate(options(sensor="Progressor_7125"), None, transport)


def test_a_record_says_what_the_calibration_said() -> None:
    calibration = Calibration(1e-4, 500.0, grade=Grade.CLIP_ON, span_uncertainty=0.03, made_at_s=1_700)
    back = from_record(to_record(calibration, 100.0))
    assert back.newton_per_unit == pytest.approx(1e-4, rel=1e-6)
    assert (back.zero, back.grade, back.made_at_s) == (500.0, Grade.CLIP_ON, 1_700)
    assert back.span_uncertainty == pytest.approx(0.03, rel=1e-6)


def information(**changes: object) -> SensorInformation:
    usual: dict[str, object] = {"driver": "d", "address": "a", "name": "n", "unit": Unit.COUNT}
    return SensorInformation(**(usual | changes))  # type: ignore[arg-type]


def test_the_calibration_is_the_best_that_the_sensor_offers() -> None:
    record = CalibrationRecord(2e-4, 7)
    assert calibration_of(information(calibration=record, full_scale_n=500.0)).zero == 7.0
    assert calibration_of(information(full_scale_n=500.0)).newton_per_unit == 500.0 / 2**23
    assert calibration_of(information(unit=Unit.KILOGRAM_FORCE)).newton_per_unit == KGF_N
    with pytest.raises(CalibrationError, match="bandsense calibrate"):
        calibration_of(information())


@pytest.mark.slow
async def test_a_strap_is_asked_about_until_the_masses_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Strapped(Hook):
        async def ask(self, step: Instruction) -> bool:
            done = await super().ask(step)
            self.mass_kg += 0.5 if step.mass_kg else 0.0
            return done

    hook, procedure = Strapped(), procedure_of(options(masses="2,5,10,15", gravity=KGF_N))
    await guide(procedure, hook.blocks(), hook.ask, print)
    answers = iter(["a strap of half a kilo", "7=3", "5=inf", "strap nan", "strap 0.5", "unasked"])

    async def answer(question: str) -> str:
        return next(answers)

    monkeypatch.setattr(command_module, "_answer", answer)
    await command_module._ask_about_masses(procedure)
    shown = capsys.readouterr().out
    assert "0.5 kg that were not counted, such as a strap" in shown
    assert "write strap 0.3" in shown
    assert "no mass of 7 kg was hung; there were 2, 5, 10, 15 kg" in shown
    assert shown.count("nothing was changed") == 2
    assert next(answers) == "unasked"
    assert procedure.result().calibration.newton_per_unit == pytest.approx(NEWTON_PER_COUNT, rel=1e-3)


@pytest.mark.slow
async def test_who_stands_by_the_masses_is_left_in_peace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Wrong(Hook):
        async def ask(self, step: Instruction) -> bool:
            done = await super().ask(step)
            self.mass_kg = 4.0 if step.mass_kg == 5.0 else step.mass_kg
            return done

    hook, procedure = Wrong(), procedure_of(options(masses="2,5,10,15", gravity=KGF_N))
    await guide(procedure, hook.blocks(), hook.ask, print)
    before = procedure.result()

    async def answer(question: str) -> str:
        return ""

    monkeypatch.setattr(command_module, "_answer", answer)
    await command_module._ask_about_masses(procedure)
    assert "the mass given as 5 kg is 4 kg" in capsys.readouterr().out
    assert procedure.result() == before
