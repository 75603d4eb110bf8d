"""Sets with long rests between them, as people take them: the handles are put down and taken up again."""

from __future__ import annotations

import pytest

from bandsense.calibration.curve import Calibration
from bandsense.samples import SampleBlock, Unit
from bandsense.sim.physics.advised import AdvisedPerson
from bandsense.sim.physics.source import PersonSource
from bandsense.workout.events import SetCorrected, SetDone
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

REST_S = 150.0


@pytest.mark.parametrize("seed", range(3))
def test_a_finished_set_stands_however_long_the_rest_after_it(seed: int) -> None:
    """The trace is kept for 90 s, as long as a usual rest; what was counted stands all the same."""
    person = AdvisedPerson(seed)
    source, workout = PersonSource(person.acts()), Workout(WorkoutSettings(Calibration.identity()))
    done: list[int] = []
    corrected = 0
    begin_s = 5.0
    while len(done) < 3:
        made = source.read(16)
        time_s = made.device_time_us / 1e6
        block = SampleBlock(
            time_s, made.counts * source.newton_per_count, Unit.NEWTON, made.gap_before, made.saturated
        )
        for event in workout.push(block):
            corrected += isinstance(event, SetCorrected)
            if isinstance(event, SetDone):
                done.append(len(event.result.reps))
                person.recover(fully=True)
                begin_s = time_s[-1] + REST_S
        if time_s[-1] >= begin_s:
            person.resting, begin_s = False, float("inf")
    workout.finish()
    assert done == [len(result.reps) for result in workout.results] == [5, 5, 5]
    assert corrected == 0
