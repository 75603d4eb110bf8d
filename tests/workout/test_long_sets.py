"""Sets that take long, and holes in the samples, keep all their repetitions."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.calibration.curve import Calibration
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.events import Event, SetDone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

RATE_HZ = 20.0


def movement(reps: int, period_s: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Repetitions one after the other, at rest before and behind."""
    lead_s, tail_s = 3.0, 20.0
    time_s = np.arange(0.0, lead_s + reps * period_s + tail_s, 1.0 / RATE_HZ)
    since_s = time_s - lead_s
    wave = 25.0 * (1.0 - np.cos(2.0 * np.pi * since_s / period_s))
    pulling = (since_s > 0.0) & (since_s < reps * period_s)
    return time_s, 2.0 + np.where(pulling, wave, 0.0)


def followed(
    time_s: np.ndarray, tension_n: np.ndarray, gap: np.ndarray, size: int = 400
) -> tuple[Workout, list[Event]]:
    workout = Workout(WorkoutSettings(Calibration.identity()))
    events: list[Event] = []
    for at in range(0, time_s.size, size):
        part = slice(at, at + size)
        events += workout.push(SampleBlock(time_s[part], tension_n[part], Unit.NEWTON, gap[part]))
    return workout, events + workout.finish()


@pytest.mark.slow
def test_a_set_of_an_hour_has_all_its_repetitions() -> None:
    time_s, tension_n = movement(900)
    workout, _ = followed(time_s, tension_n, np.zeros(time_s.size, dtype=bool))
    (result,) = workout.results
    assert len(result.reps) == len(result.rep_metrics) == len(result.live_reps) == 900
    assert workout.summary().reps == 900


@pytest.mark.parametrize("hole_s", [3.0, 100.0, 1e5, 1e9])
@pytest.mark.parametrize("at", [4.25, 4.5, 4.75, 5.0], ids=lambda at: f"after {at} reps")
def test_a_hole_in_a_movement_takes_no_repetition_that_was_told(hole_s: float, at: float) -> None:
    time_s, tension_n = movement(9)
    cut = int(np.searchsorted(time_s, 3.0 + 4.0 * at))
    time_s = np.concatenate((time_s[:cut], time_s[cut:] + hole_s))
    gap = np.zeros(time_s.size, dtype=bool)
    gap[cut] = True
    workout, events = followed(time_s, tension_n, gap, size=16)
    counts = [event.count for event in events if hasattr(event, "count")]
    done = [event for event in events if isinstance(event, SetDone)]
    assert done
    # Each set has as many repetitions as were told last before it was over.
    told = {}
    number = 1
    for event in events:
        if hasattr(event, "count"):
            told[number] = event.count
        if isinstance(event, SetDone):
            number = event.number + 1
    assert [len(result.reps) for result in workout.results] == [told[r.number] for r in workout.results]
    assert workout.summary().reps >= 8
    assert counts


@pytest.mark.parametrize("size", [1, 7, 16, 100_000])
@pytest.mark.parametrize("holes", [(150,), (5, 327)], ids=["one", "one while the rate is measured"])
def test_how_a_stream_with_holes_is_cut_into_blocks_changes_nothing(
    size: int, holes: tuple[int, ...]
) -> None:
    time_s, tension_n = movement(4)
    gap = np.zeros(time_s.size, dtype=bool)
    for at in holes:
        time_s = np.concatenate((time_s[:at], time_s[at:] + 5e4))
        gap[at] = True
    workout, events = followed(time_s, tension_n, gap, size)
    expected, expected_events = followed(time_s, tension_n, gap, 40)
    assert workout.results == expected.results
    assert repr(events) == repr(expected_events)
