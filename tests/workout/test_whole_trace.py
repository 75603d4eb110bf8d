"""How sure a recorded trace is: as its sets are in a workout."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration
from bandsense.samples import FloatArray, SampleBlock, Unit
from bandsense.signal.analysis import analyze
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.whole_trace import as_sure_as_known
from bandsense.workout.workout import Workout
from tests.support.traces import waves

RATE_HZ = 80.0
REST = np.zeros(1600)


def doubtful(tail: float) -> FloatArray:
    """Six repetitions, and a movement of a part of their height."""
    return np.concatenate([np.zeros(160), waves(6), np.zeros(120), tail * waves(1, rep_s=1.0), REST])


def traced(tension_n: FloatArray) -> tuple[FloatArray, FloatArray]:
    noisy_n = 3.0 + tension_n + np.random.default_rng(3).normal(0.0, 0.02, tension_n.size)
    return np.arange(tension_n.size) / RATE_HZ, noisy_n


@pytest.mark.parametrize("tail", [0.25, 0.35, 0.4, 0.5])
def test_one_set_is_as_sure_as_in_a_workout(tail: float) -> None:
    time_s, tension_n = traced(doubtful(tail))
    workout = Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))
    workout.push(SampleBlock(time_s, tension_n, Unit.NEWTON))
    workout.finish()
    (result,) = workout.results
    reps, chances = as_sure_as_known(analyze(time_s, tension_n))
    assert chances == pytest.approx({n: p for n, p in result.chances.items() if p >= 0.001}, abs=0.001)
    assert [rep.probability for rep in reps] == pytest.approx([rep.probability for rep in result.reps])
    assert not reps[0].doubtful, "it was in doubt when it was told, and is not any more"


def test_a_set_stays_in_doubt_after_another() -> None:
    _, alone = as_sure_as_known(analyze(*traced(doubtful(0.25))))
    found = analyze(*traced(np.concatenate([doubtful(0.25), doubtful(0.0)])))
    _, both = as_sure_as_known(found)
    assert len(found.reps) == 12
    assert both[13] == pytest.approx(alone[7], abs=0.03)
    assert both[12] == pytest.approx(alone[6], abs=0.03)


def test_what_was_taken_back_later_is_none() -> None:
    found = analyze(*traced(np.concatenate([doubtful(0.35), doubtful(0.0)])))
    assert len(found.reps) == 12, "or the movement between the sets was not taken back"
    _, chances = as_sure_as_known(found)
    assert chances[12] > 0.9


def test_nothing_is_surely_nothing() -> None:
    assert as_sure_as_known(analyze(*traced(REST))) == ((), {0: 1.0})
