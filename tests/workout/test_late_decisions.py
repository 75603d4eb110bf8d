"""Repetitions that are told long after they were done stand in the set that they were done in, or in none."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration
from bandsense.samples import SampleBlock, Unit
from bandsense.signal.announcer import CORRECTABLE_S
from bandsense.signal.events import RepCompleted, RepCounted
from bandsense.signal.weighing import Weighing
from bandsense.sim.physics.scenario import Scenario
from bandsense.workout.events import Event, SetStarted
from bandsense.workout.inputs import AddRep, UndoRep
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import waves

RATE_HZ = 80.0

BLOCKS = (4, 400, 4000)
"""Samples to a block; what comes out does not depend on it."""


def session(seed: int, exercise: str, *sets: tuple[int, float], disturb: str = "") -> np.ndarray:
    """Tensions of sets of so many repetitions, so many seconds of stillness after each."""
    parts = []
    for index, (reps, rest_s) in enumerate(sets):
        disturbances = frozenset({disturb} if disturb else ())
        done = Scenario(seed, exercise, reps=reps, disturbances=disturbances, set_index=index).simulate()
        parts += [done.tension_n, np.full(round(rest_s * RATE_HZ), done.tension_n[-1])]
    return np.concatenate(parts)


def follow(workout: Workout, tension_n: np.ndarray, size: int, start_s: float = 0.0) -> list[Event]:
    time_s = start_s + np.arange(tension_n.size) / RATE_HZ
    events: list[Event] = []
    for at in range(0, tension_n.size, size):
        part = slice(at, at + size)
        events += workout.push(SampleBlock(time_s[part], tension_n[part], Unit.NEWTON))
    return events


@pytest.mark.parametrize("size", BLOCKS)
def test_what_is_told_anew_long_after_its_set_takes_nothing_from_the_next(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Told by the count alone, the first set is taken back, and told anew when the second shows what it was.
    monkeypatch.setattr(Weighing, "certain", lambda *_: [])
    workout = Workout(WorkoutSettings(Calibration.identity()))
    events = follow(workout, session(283, "seated-row", (2, 20.0), (8, 0.0)), size) + workout.finish()
    second = [event for event in events if isinstance(event, SetStarted)][1]
    again = [e for e in events if isinstance(e, RepCounted) and e.time_s < 20.0 and e.detected_s > 60.0]
    assert again, "else this trace shows nothing"
    assert all(e.count == 8 for e in again), "the set under way has no more than before"
    first, last = workout.results
    assert (len(first.reps), len(last.reps)) == (2, 8)
    assert first.end_s < second.time_s <= last.reps[0].peak_time_s + 0.5
    assert all(rep.pull_start_s < rep.peak_time_s < rep.end_s for rep in (*first.reps, *last.reps))
    completed = [event.rep for event in events if isinstance(event, RepCompleted)]
    assert all(rep.pull_start_s < rep.peak_time_s < rep.end_s for rep in completed)


@pytest.mark.parametrize("size", BLOCKS)
def test_what_was_counted_for_a_finished_set_is_completed_there(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Weighing, "certain", lambda *_: [])
    tension_n = session(97, "reverse-flye", (1, 5.0), (3, 40.0), (8, 0.0), disturb="alternating_arms")
    workout = Workout(WorkoutSettings(Calibration.identity()))
    events = follow(workout, tension_n, size) + workout.finish()
    second = [event for event in events if isinstance(event, SetStarted)][1]
    late = [
        event
        for event in events
        if isinstance(event, RepCompleted)
        and event.rep.end_s < second.time_s - 30.0
        and events.index(event) > events.index(second)
    ]
    assert late, "else this trace shows nothing"
    first, last = workout.results
    assert {event.index for event in late} <= {rep.index for rep in first.reps}
    assert (len(first.reps), len(first.live_reps), len(last.reps)) == (3, 3, 8)


@pytest.mark.parametrize("size", BLOCKS)
def test_a_movement_of_a_minute_ago_is_added_with_its_own_figures(size: int) -> None:
    still = np.full(round(2.0 * RATE_HZ), 3.0)
    workout = Workout(WorkoutSettings(Calibration.identity()))
    follow(workout, np.concatenate([still, 3.0 + waves(1), still, still]), size)
    workout.apply(UndoRep())
    start_s = 2.0 + 3.0 + 4.0
    follow(workout, np.full(round((CORRECTABLE_S - 8.0) * RATE_HZ), 3.0), size, start_s)
    workout.apply(AddRep())
    workout.finish()
    ((rep,),) = (result.reps for result in workout.results)
    assert rep.peak_time_s == pytest.approx(3.0, abs=0.1)
    assert (rep.pull_start_s, rep.end_s) == pytest.approx((2.2, 3.8), abs=0.1)
    assert rep.peak_n == pytest.approx(53.0, rel=0.01)
