"""Calibrating a sensor with known masses: the procedure as a state machine.

The recipe follows what force laboratories do (ASTM E74, ISO 376), made small enough for a kitchen: warm up,
exercise the sensor, then masses up and down in several runs, hung anew for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from bandsense.calibration.fit import CalibrationReport, Conditions, Direction, Point, corrected, fit
from bandsense.errors import CalibrationError
from bandsense.language import Message, mark
from bandsense.samples import FloatArray, Unit

__all__ = ["CalibrationPlan", "CalibrationProcedure", "Instruction", "StepKind"]

CREEP_START_S = 25.0
CREEP_WINDOW_S = 10.0
"""Creep is the change from the mean over this long, half a minute after loading, to the mean at the end."""

STILL_SHARE = 0.005
"""A reading is still if its half-second means spread by less than this share of the largest deflection."""

MAX_REPEATS = 2


class StepKind(Enum):
    """What the person is asked to do."""

    WARM_UP = "warm up"
    EXERCISE = "exercise"
    ZERO = "zero"
    LOAD = "load"
    CREEP = "creep"
    REHANG = "re-hang"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CalibrationPlan:
    """What is done in a calibration.

    Attributes:
        masses_kg: distinct masses, each more than 0.
        runs: times up and down.
        warm_up_s: with the sensor switched on; 0 leaves it out.
        exercises: loadings with the largest mass before the first run.
        settle_s: wait after a mass was hung.
        measure_s: what is averaged after that.
        creep_s: how long the largest mass hangs at the end; 0 leaves it out.
        down: whether masses are taken off step by step as well.

    Raises:
        CalibrationError: no masses, one of them not more than 0, or no run.
    """

    masses_kg: tuple[float, ...]
    runs: int = 3
    warm_up_s: float = 600.0
    exercises: int = 3
    settle_s: float = 10.0
    measure_s: float = 20.0
    creep_s: float = 300.0
    down: bool = True

    def __post_init__(self) -> None:
        masses = tuple(sorted(set(self.masses_kg)))
        object.__setattr__(self, "masses_kg", masses)
        if not masses or not all(0.0 < mass < float("inf") for mass in masses):
            raise CalibrationError(
                Message("a calibration needs masses of more than 0 kg; a weighed bottle will do")
            )
        if self.runs < 1 or self.measure_s <= 0.0:
            raise CalibrationError(
                Message("a calibration needs at least one run, and some time for each reading")
            )

    def steps(self) -> tuple[Instruction, ...]:
        """Everything the person will be asked to do, in order."""
        steps: list[Instruction] = []
        top = self.masses_kg[-1]
        if self.warm_up_s > 0.0:
            steps.append(Instruction(StepKind.WARM_UP, duration_s=self.warm_up_s))
        steps += [Instruction(StepKind.EXERCISE, mass_kg=top)] * self.exercises
        for run in range(self.runs):
            steps += [Instruction(StepKind.REHANG, run=run)] if run else []
            steps.append(self._reading(StepKind.ZERO, run, Direction.UP, 0.0))
            steps += [self._reading(StepKind.LOAD, run, Direction.UP, mass) for mass in self.masses_kg]
            if self.down:
                lower = self.masses_kg[-2::-1]
                steps += [self._reading(StepKind.LOAD, run, Direction.DOWN, mass) for mass in lower]
            steps.append(self._reading(StepKind.ZERO, run, Direction.DOWN, 0.0))
        if self.creep_s > 0.0:
            duration_s = max(self.creep_s, 3 * CREEP_WINDOW_S + CREEP_START_S)
            steps.append(Instruction(StepKind.CREEP, mass_kg=top, duration_s=duration_s))
        return tuple(steps)

    def _reading(self, kind: StepKind, run: int, direction: Direction, mass_kg: float) -> Instruction:
        return Instruction(kind, mass_kg, run, direction, self.settle_s + self.measure_s)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the person is asked to do next.

    Attributes:
        kind: what it is about.
        mass_kg: mass that is to hang on the sensor.
        run: from 0.
        direction: how the mass is reached.
        duration_s: how long readings are taken after `confirm`.
        again: the reading was not still and is to be repeated.
    """

    kind: StepKind
    mass_kg: float = 0.0
    run: int = 0
    direction: Direction = Direction.UP
    duration_s: float = 0.0
    again: bool = False

    @property
    def text(self) -> str:
        """In words."""
        words = self._words()
        return Message("It was still moving. {words}", words=words) if self.again else words

    def _words(self) -> Message:
        match self.kind:
            case StepKind.WARM_UP:
                return Message(
                    "Leave the sensor switched on, without load, for {minutes:.0f} minutes.",
                    minutes=self.duration_s / 60,
                )
            case StepKind.EXERCISE:
                return Message(
                    "Hang {mass_kg:g} kg on the sensor for a moment and take it off again.",
                    mass_kg=self.mass_kg,
                )
            case StepKind.ZERO:
                return Message("Take everything off the sensor and let it hang still.")
            case StepKind.LOAD:
                words = mark(
                    "Take off down to {mass_kg:g} kg, straps and hooks counted in, without overshooting, "
                    "and let it hang still."
                )
                if self.direction is Direction.UP:
                    words = mark(
                        "Add up to {mass_kg:g} kg, straps and hooks counted in, without overshooting, "
                        "and let it hang still."
                    )
                return Message(words, mass_kg=self.mass_kg)
            case StepKind.CREEP:
                return Message(
                    "Hang {mass_kg:g} kg and leave it alone for {minutes:.0f} minutes.",
                    mass_kg=self.mass_kg,
                    minutes=self.duration_s / 60,
                )
            case StepKind.REHANG:
                return Message("Take the sensor off its hook, turn it a little, and hang it up again.")
            case StepKind.DONE:
                return Message("Done. Take everything off the sensor.")


class CalibrationProcedure:
    """Leads through a calibration: readings and confirmations in, the next instruction and the result out.

    It has no clock: time comes with the readings. After `confirm` the readings of the step are collected;
    when there are enough, `instruction` is the next. A reading during which the mass still swung is asked for
    again, twice at most.

    Args:
        plan: what is done.
        conditions: how well the references are known.
        unit: of the readings.
    """

    def __init__(
        self, plan: CalibrationPlan, conditions: Conditions | None = None, *, unit: Unit = Unit.COUNT
    ) -> None:
        self._plan = plan
        self._conditions = conditions
        self._unit = unit
        self._steps = plan.steps()
        self._next = 0
        self._attempts = 0
        self._confirmed = False
        self._time_s: list[float] = []
        self._values: list[float] = []
        self._points: list[Point] = []
        self._creep: float | None = None
        self._unsteady = 0

    @property
    def instruction(self) -> Instruction:
        """What is to be done now."""
        if self.finished:
            return Instruction(StepKind.DONE)
        return replace(self._steps[self._next], again=self._attempts > 0)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self._next == len(self._steps)

    @property
    def measuring(self) -> bool:
        """Whether readings are being collected; nothing is to be touched then."""
        return self._confirmed

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0 … 1, the present one by its time."""
        present = 0.0
        if self._confirmed and self._time_s:
            present = min(1.0, (self._time_s[-1] - self._time_s[0]) / self.instruction.duration_s)
        return (self._next + present) / len(self._steps)

    @property
    def points(self) -> tuple[Point, ...]:
        """Readings so far."""
        return tuple(self._points)

    def confirm(self) -> None:
        """Note that the person did what the instruction asks."""
        if self.finished or self._confirmed:
            return
        if self.instruction.duration_s == 0.0:
            self._advance()
        else:
            self._confirmed = True

    def skip(self) -> None:
        """Leave out the present step, if it is a warm-up, an exercise or the creep test.

        Raises:
            CalibrationError: the result rests on this step.
        """
        if self.instruction.kind not in (StepKind.WARM_UP, StepKind.EXERCISE, StepKind.CREEP):
            raise CalibrationError(
                Message("a calibration cannot do without this step: {text}", text=self.instruction.text)
            )
        self._advance()

    def push(self, time_s: ArrayLike, values: ArrayLike, saturated: ArrayLike | None = None) -> None:
        """Take readings as they come; those outside a confirmed step are ignored.

        Args:
            time_s: float64[n], device time.
            values: float64[n], in the sensor's unit.
            saturated: bool[n].

        Raises:
            CalibrationError: the converter is at the end of its range.
        """
        if not self._confirmed:
            return
        if saturated is not None and np.any(saturated):
            raise CalibrationError(
                Message(
                    "the sensor is at the end of its range with {mass_kg:g} kg; start again with "
                    "lighter masses",
                    mass_kg=self.instruction.mass_kg,
                )
            )
        for t, value in zip(np.asarray(time_s).tolist(), np.asarray(values).tolist(), strict=True):
            self._time_s.append(float(t))
            self._values.append(float(value))
            if self._time_s[-1] - self._time_s[0] >= self.instruction.duration_s:
                self._finish_step()
                return

    def result(self, *, made_at_s: int = 0, direction: Direction | None = None) -> CalibrationReport:
        """Return the finished calibration.

        Args:
            made_at_s: for the record, seconds since 1970-01-01 UTC.
            direction: only from what was reached this way, zeros aside; None for all.

        Raises:
            CalibrationError: it is not finished, or the readings determine no calibration.
        """
        if not self.finished:
            raise CalibrationError(
                Message("the calibration is not finished; next: {text}", text=self.instruction.text)
            )
        known = replace(self._conditions or Conditions(), direction=direction)
        report = fit(self._points, known, unit=self._unit, creep=self._creep, made_at_s=made_at_s)
        if self._unsteady:
            note = Message(
                "{n} readings were not still; a heavier hook or less draught would help.", n=self._unsteady
            )
            report = replace(report, notes=(*report.notes, note))
        return report

    def correct(self, masses_kg: Mapping[float, float | None], strap_kg: float = 0.0) -> None:
        """Take in what turned out about the masses; the next `result` uses it.

        Args:
            masses_kg: what a mass that was taken for the key, or within 1 % of it, weighs; None leaves it
                out.
            strap_kg: what hung with every mass and was not counted.

        Raises:
            CalibrationError: no such mass was hung, one would weigh nothing, or none would be left.
        """
        given = sorted({point.mass_kg for point in self._points if point.mass_kg})
        meant: dict[float, float | None] = {}
        for said_kg, true_kg in masses_kg.items():
            nearest = min(given, key=lambda mass_kg: abs(mass_kg - said_kg), default=0.0)
            if abs(nearest - said_kg) > 0.01 * said_kg:
                hung = ", ".join(f"{mass_kg:g}" for mass_kg in given)
                raise CalibrationError(
                    Message(
                        "no mass of {said_kg:g} kg was hung; there were {hung} kg", said_kg=said_kg, hung=hung
                    )
                )
            meant[nearest] = true_kg
        points = corrected(self._points, meant, strap_kg)
        if not all(
            0.0 < (m if (m := meant.get(mass, mass)) is not None else 1.0) + strap_kg < inf for mass in given
        ):
            raise CalibrationError(Message("a mass must weigh more than 0 kg; nothing was changed"))
        if not any(point.mass_kg for point in points):
            raise CalibrationError(Message("without this mass none is left; start again with other masses"))
        self._points = points

    def _finish_step(self) -> None:
        step = self._steps[self._next]
        time, values = np.array(self._time_s) - self._time_s[0], np.array(self._values)
        if step.kind is StepKind.CREEP:
            self._creep = self._creep_of(time, values)
        elif step.kind in (StepKind.ZERO, StepKind.LOAD):
            kept = time >= self._plan.settle_s
            means = _half_second_means(time[kept], values[kept])
            if self._swings(means) and self._attempts < MAX_REPEATS:
                self._attempts += 1
                self._clear()
                return
            self._unsteady += self._swings(means)
            error = float(means.std(ddof=1)) / sqrt(means.size) if means.size > 1 else 0.0
            mean = float(values[kept].mean())
            self._points.append(Point(step.run, step.direction, step.mass_kg, mean, error))
        self._advance()

    def _swings(self, means: FloatArray) -> bool:
        """Return whether half-second means spread by more than 0.5 % of the largest deflection so far."""
        readings = [point.reading for point in self._points]
        whole = max(readings) - min(readings) if len(readings) > 1 else 0.0
        return bool(whole > 0.0 and np.ptp(means) > STILL_SHARE * whole)

    def _creep_of(self, time: FloatArray, values: FloatArray) -> float | None:
        early = (time >= CREEP_START_S) & (time < CREEP_START_S + CREEP_WINDOW_S)
        late = time >= time[-1] - CREEP_WINDOW_S
        zero = [point.reading for point in self._points if point.mass_kg == 0.0][-1]
        load = float(values[early].mean()) - zero
        return (float(values[late].mean()) - zero - load) / load if load else None

    def _advance(self) -> None:
        self._next += 1
        self._attempts = 0
        self._clear()

    def _clear(self) -> None:
        self._confirmed = False
        self._time_s.clear()
        self._values.clear()


def _half_second_means(time_s: FloatArray, values: FloatArray) -> FloatArray:
    """Means over half seconds: longer than a swing of the noise, shorter than one of the mass."""
    slot = np.floor((time_s - time_s[0]) / 0.5).astype(np.int64)
    counts = np.bincount(slot)
    sums = np.bincount(slot, weights=values)
    means: FloatArray = sums[counts > 0] / counts[counts > 0]
    return means
