"""Cues behind the whole signal chain: is "breathe out" said when the hand begins to pull?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bandsense.exercises.model import Breathing
from bandsense.signal.detector import RepDetector
from bandsense.sim.physics.band import SimulatedBand
from bandsense.sim.physics.person import Move, RepPlan, SimulatedPlan, perform
from bandsense.workout.cues import Cue, CueEngine, CueKind
from bandsense.workout.plan import Plan as Targets


def told(
    rest_s: float, spread: float, *, seed: int, number: int = 10, rate_hz: float = 80.0
) -> tuple[list[Cue], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Exhale and inhale cues of a simulated set, with the true times at which pulls and returns begin."""
    rng, dt_s = np.random.default_rng(seed), 1.0 / rate_hz
    habits_s = np.array([1.2, 0.4, 2.0, rest_s])
    times_s = habits_s * np.clip(rng.normal(1.0, spread, (number, 4)), 0.4, 1.8)
    parts = [RepPlan(1.0, 0.0, *row) for row in times_s.tolist()]
    movement = perform(SimulatedPlan(0.6, (Move(2.0, 0.0), *parts, Move(4.0, 0.0))), dt_s, rng)
    tension_n = SimulatedBand(slack_m=-0.1).tension_n(movement.displacement_m, dt_s)
    tension_n += rng.normal(0.0, 0.05, tension_n.size)
    pulls = np.array([movement.time_s[span[0]] for span in movement.spans])
    returns = pulls + [part.pull_s + part.hold_s for part in parts]
    detector, engine = RepDetector(), CueEngine(Targets(), Breathing())
    events = [*detector.push(movement.time_s, tension_n), *detector.finish()]
    cues = [cue for event in events for cue in engine.push(event)]
    return cues, pulls, returns


def nearest(cues: list[Cue], kind: CueKind, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Seconds by which the nearest cue of a kind comes after (before: negative) each time."""
    at = np.array([cue.time_s for cue in cues if cue.kind is kind])
    return np.array([at[np.argmin(np.abs(at - t))] - t for t in times_s])


@pytest.mark.parametrize("rest_s", [0.3, 0.8, 1.5])
def test_the_breath_out_is_said_about_when_the_pull_begins(rest_s: float) -> None:
    late_s = np.concatenate(
        [
            nearest(cues, CueKind.EXHALE, pulls[2:])
            for cues, pulls, _ in (told(rest_s, 0.1, seed=seed) for seed in range(6))
        ]
    )
    assert abs(np.median(late_s)) < 0.3
    assert np.mean(np.abs(late_s) < 0.5) > 0.9


def test_the_breath_in_is_said_soon_after_the_return_begins() -> None:
    cues, _, returns = told(0.8, 0.1, seed=1)
    late_s = nearest(cues, CueKind.INHALE, returns)
    assert np.all(np.abs(late_s) < 0.8)
    assert np.all(np.abs(late_s[2:]) < 0.5), "ahead, once two holds were seen"


def test_even_repetitions_make_it_sure_and_uneven_ones_do_not() -> None:
    even, _, _ = told(1.0, 0.03, seed=2)
    uneven, _, _ = told(1.6, 0.45, seed=2)
    unsure_even = [cue.unsure for cue in even if cue.kind is CueKind.EXHALE][4:]
    unsure_uneven = [cue.unsure for cue in uneven if cue.kind is CueKind.EXHALE]
    assert not any(unsure_even)
    assert any(unsure_uneven)
