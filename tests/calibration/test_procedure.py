from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.calibration.fit import Direction
from bandsense.calibration.procedure import CalibrationPlan, CalibrationProcedure, Instruction, StepKind
from bandsense.errors import CalibrationError

RATE_HZ = 20.0
G = 9.80665


class Bench:
    """A person who follows instructions, with a sensor of 100 counts per newton."""

    def __init__(self, procedure: CalibrationProcedure, chunk: int = 33) -> None:
        self.procedure = procedure
        self.chunk = chunk
        self.sample = 0
        self.rng = np.random.default_rng(5)
        self.swing = 0.0
        self.done: list[Instruction] = []

    def carry_out(self) -> None:
        while not self.procedure.finished:
            self.step()

    def step(self) -> None:
        step = self.procedure.instruction
        self.done.append(step)
        self.procedure.confirm()
        while self.procedure.measuring:
            time_s = np.arange(self.sample, self.sample + self.chunk) / RATE_HZ
            counts = 500.0 + 100.0 * step.mass_kg * G + self.swing * np.sin(2 * time_s)
            if step.kind is StepKind.CREEP:
                since = time_s - self.started(time_s)
                counts = counts + 100.0 * step.mass_kg * G * 0.002 * np.log10(1 + since)
            self.procedure.push(time_s, counts + self.rng.normal(0, 1, self.chunk))
            self.sample += self.chunk

    def started(self, time_s: np.ndarray) -> float:
        self.first = getattr(self, "first", float(time_s[0]))
        return self.first


PLAN = CalibrationPlan((5.0, 10.0, 20.0), runs=2, warm_up_s=60.0, settle_s=2.0, measure_s=3.0, creep_s=300.0)


def test_the_recipe_is_followed_step_by_step() -> None:
    bench = Bench(CalibrationProcedure(PLAN))
    bench.carry_out()
    kinds = [step.kind for step in bench.done]
    run = [StepKind.ZERO, *[StepKind.LOAD] * 5, StepKind.ZERO]
    assert kinds == [StepKind.WARM_UP, *[StepKind.EXERCISE] * 3, *run, StepKind.REHANG, *run, StepKind.CREEP]
    loads = [(s.direction, s.mass_kg) for s in bench.done if s.kind is StepKind.LOAD and s.run == 1]
    up = [(Direction.UP, 5.0), (Direction.UP, 10.0), (Direction.UP, 20.0)]
    assert loads == [*up, (Direction.DOWN, 10.0), (Direction.DOWN, 5.0)]
    assert bench.procedure.instruction.kind is StepKind.DONE
    assert bench.procedure.progress == 1.0


def test_the_result_is_the_sensor() -> None:
    bench = Bench(CalibrationProcedure(PLAN))
    bench.carry_out()
    report = bench.procedure.result(made_at_s=1_700_000_000)
    assert report.calibration.newton_per_unit == pytest.approx(0.01, rel=1e-4)
    assert report.calibration.zero == pytest.approx(500.0, abs=1.0)
    assert report.calibration.made_at_s == 1_700_000_000
    creep = 0.002 * (np.log10(1 + 295) - np.log10(1 + 30))
    assert report.creep == pytest.approx(creep, rel=0.05)


@given(st.integers(1, 200))
def test_blocks_do_not_matter(chunk: int) -> None:
    def points(size: int) -> list[float]:
        procedure = CalibrationProcedure(
            CalibrationPlan((5.0,), runs=1, warm_up_s=0, exercises=0, settle_s=1, measure_s=1, creep_s=0)
        )
        time_s = np.arange(400) / RATE_HZ
        values = 100 * np.sin(time_s)
        for start in range(0, 400, size):
            procedure.confirm()
            procedure.push(time_s[start : start + size], values[start : start + size])
        return [p.reading for p in procedure.points[:1]]

    assert points(chunk) == points(1)


def test_a_swinging_mass_is_measured_again_and_in_the_end_noted() -> None:
    bench = Bench(CalibrationProcedure(PLAN))
    while bench.procedure.instruction.run == 0:
        bench.step()
    bench.swing = 400.0
    bench.step()
    bench.step()
    assert bench.procedure.instruction.again
    assert bench.procedure.instruction.text.startswith("It was still moving.")
    bench.swing = 0.0
    bench.step()
    assert not bench.procedure.instruction.again
    bench.swing = 400.0
    bench.carry_out()
    assert any("not still" in note for note in bench.procedure.result().notes)


def test_warm_up_exercise_and_creep_may_be_skipped_and_readings_not() -> None:
    procedure = CalibrationProcedure(PLAN)
    for _ in range(4):
        procedure.skip()
    assert procedure.instruction.kind is StepKind.ZERO
    with pytest.raises(CalibrationError):
        procedure.skip()
    bench = Bench(procedure)
    while procedure.instruction.kind is not StepKind.CREEP:
        bench.step()
    procedure.skip()
    assert procedure.result().creep is None


def test_readings_outside_a_confirmed_step_are_ignored() -> None:
    procedure = CalibrationProcedure(PLAN)
    procedure.push(np.arange(100_000) / RATE_HZ, np.zeros(100_000))
    assert procedure.instruction.kind is StepKind.WARM_UP
    assert procedure.progress == 0.0


def test_progress_grows_while_measuring() -> None:
    procedure = CalibrationProcedure(PLAN)
    procedure.confirm()
    procedure.push(np.arange(600) / RATE_HZ, np.zeros(600))
    assert 0.0 < procedure.progress < 1 / len(PLAN.steps())


def test_a_sensor_at_its_end_is_told() -> None:
    procedure = CalibrationProcedure(PLAN)
    procedure.confirm()
    with pytest.raises(CalibrationError, match="end of its range"):
        procedure.push([0.0, 0.1], [1.0, 2.0], [False, True])


def test_an_unfinished_calibration_has_no_result() -> None:
    with pytest.raises(CalibrationError, match="not finished"):
        CalibrationProcedure(PLAN).result()


@pytest.mark.parametrize("masses", [(), (0.0, 5.0), (-1.0,), (float("nan"),), (float("inf"),)])
def test_plans_without_masses_are_refused(masses: tuple[float, ...]) -> None:
    with pytest.raises(CalibrationError):
        CalibrationPlan(masses)


def test_every_instruction_reads_as_a_sentence() -> None:
    for step in (*PLAN.steps(), Instruction(StepKind.DONE)):
        assert step.text[0].isupper()
        assert step.text.endswith(".")


def test_what_turns_out_about_the_masses_afterwards_is_taken_in() -> None:
    bench = Bench(CalibrationProcedure(PLAN))
    bench.carry_out()
    procedure = bench.procedure
    with pytest.raises(CalibrationError, match="more than 0 kg"):
        procedure.correct({}, strap_kg=-5.0)
    with pytest.raises(CalibrationError, match="none is left"):
        procedure.correct({5.0: None, 10.0: None, 20.0: None})
    assert procedure.result().calibration.newton_per_unit == pytest.approx(0.01, rel=1e-4), "unchanged"
    procedure.correct({5.0: 5.5, 10.0: 11.0, 20.0: None})
    report = procedure.result()
    assert report.calibration.newton_per_unit == pytest.approx(0.011, rel=1e-3)
    assert report.largest_n == pytest.approx(11.0 * G)
