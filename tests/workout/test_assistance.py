"""A band that assists: breaths follow the effort, and nothing said makes it harder by mistake."""

from __future__ import annotations

import numpy as np

from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.cues import CueKind
from bandsense.workout.events import CueGiven, Event, SlackAdvised
from bandsense.workout.plan import Plan
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

RATE_HZ = 80.0


def trained(exercise_id: str) -> list[Event]:
    """Six repetitions of 4 s where eight are planned: too hard."""
    t = np.arange(int(4 * RATE_HZ)) / RATE_HZ
    rep_n = np.concatenate([60.0 * np.sin(np.pi * t / 4.0) ** 2, np.zeros(80)])
    tension_n = 20.0 + np.concatenate([np.zeros(160), *[rep_n] * 6, np.zeros(1600)])
    tension_n += 0.05 * np.random.default_rng(4).standard_normal(tension_n.size)
    exercise = get_exercise(exercise_id)
    plan = Plan(sets=1, tempo=exercise.tempo_by_tension)
    workout = Workout(WorkoutSettings(Calibration.identity(), exercise, plan))
    events = workout.push(SampleBlock(np.arange(tension_n.size) / RATE_HZ, tension_n, Unit.NEWTON))
    return [*events, *workout.finish()]


def test_the_breath_goes_out_where_tension_falls() -> None:
    def breath_at_the_top(exercise_id: str) -> set[CueKind]:
        breaths = {CueKind.INHALE, CueKind.EXHALE}
        cues = [
            event for event in trained(exercise_id) if isinstance(event, CueGiven) and event.kind in breaths
        ]
        # Tops lie at 2 s + 2 s and every 5 s after that.
        return {cue.kind for cue in cues if 3.5 < (cue.detected_s - 2.0) % 5.0 + 2.0 < 4.9}

    assert breath_at_the_top("seated-row") == {CueKind.INHALE}
    assert breath_at_the_top("assisted-pull-up") == {CueKind.EXHALE}


def test_too_hard_never_takes_help_away() -> None:
    advised = [event.advice for event in trained("seated-row") if isinstance(event, SlackAdvised)]
    assert [advice.action.value for advice in advised] == ["ADD SLACK"]
    assert not [event for event in trained("assisted-pull-up") if isinstance(event, SlackAdvised)]
