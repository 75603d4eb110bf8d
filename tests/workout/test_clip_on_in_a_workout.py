"""A workout with a clip that was calibrated on the band, by direction."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.calibration.clip_on import DirectionalCalibration
from bandsense.calibration.curve import Calibration, Grade
from bandsense.samples import SampleBlock
from bandsense.workout.events import Event, Tared, TensionTick
from bandsense.workout.inputs import Tare
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

RATIO = 1.34**0.5
"""Of tension outside to tension within the clip while it grows, and the other way round while it falls."""
COUNTS_PER_N = 2_400.0
ZERO = 500.0
PAIR = DirectionalCalibration(
    Calibration(RATIO / COUNTS_PER_N, ZERO, grade=Grade.CLIP_ON, span_uncertainty=0.0625),
    Calibration(1.0 / RATIO / COUNTS_PER_N, ZERO, grade=Grade.CLIP_ON, span_uncertainty=0.0625),
)


def felt() -> SampleBlock:
    """Four repetitions of 4 s up to 55 N with a hold at the top, of an ideal clip; a gap in the third."""
    half = 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, 120)))
    rep = np.concatenate([half, np.ones(80), half[::-1], np.zeros(60)])
    tension_n = np.concatenate([np.zeros(160), 55.0 * np.tile(rep, 4), np.zeros(100)])
    within_n, clip_n = np.empty_like(tension_n), 0.0
    for i, outside_n in enumerate(tension_n.tolist()):
        within_n[i] = clip_n = min(max(clip_n, outside_n / RATIO), outside_n * RATIO)
    noise = np.random.default_rng(5).normal(0.0, 40.0, tension_n.size)
    kept = np.ones(tension_n.size, dtype=np.bool_)
    kept[1_120:1_130] = False
    gap_before = np.arange(tension_n.size) == 1_130
    values = np.round(within_n * COUNTS_PER_N + noise) + ZERO
    times_s = 10.0 + np.arange(tension_n.size) / 80.0
    return SampleBlock(times_s[kept], values[kept], gap_before=gap_before[kept])


def followed(
    block: SampleBlock, cuts: Sequence[int] = (), tare_at: int = 120, document: bool = False
) -> tuple[Workout, list[Event]]:
    used = WorkoutSettings(PAIR)
    if document:
        used = WorkoutSettings.from_dict(json.loads(json.dumps(used.to_dict())))
    workout, events = Workout(used), list[Event]()
    places = sorted({0, tare_at, *(cut % len(block) for cut in cuts)})
    for start, stop in zip(places, [*places[1:], len(block)], strict=True):
        if start == tare_at:
            events += workout.apply(Tare())
        events += workout.push(block.slice(start, stop))
    return workout, events + workout.finish()


def test_peaks_are_true_and_as_uncertain_as_the_curves() -> None:
    workout, events = followed(felt())
    (result,) = workout.results
    assert [figures.peak_n for figures in result.rep_metrics] == pytest.approx([55.0] * 4, rel=0.02)
    for figures in result.rep_metrics:
        assert figures.peak_uncertainty_n == pytest.approx(0.0625 * figures.peak_n, rel=0.02)
        # The mean holds the second at the top, in which tension may fall unseen.
        assert figures.mean_uncertainty_n is not None
        assert figures.mean_uncertainty_n > 0.08 * figures.mean_n
    assert [event.problem for event in events if isinstance(event, Tared)] == [None]


@given(st.lists(st.integers(1, 1_900), max_size=30))
@settings(max_examples=25, deadline=None)
def test_cutting_and_storing_change_nothing(cuts: list[int]) -> None:
    block = felt()
    assert followed(block, cuts, document=True)[1] == followed(block)[1]


def test_a_level_tells_where_tension_may_be_another() -> None:
    _, events = followed(felt())
    levels = [event for event in events if isinstance(event, TensionTick)]
    at = {
        round(e.time_s - 10.0, 2): e.tension_uncertainty_n / e.tension_n for e in levels if e.tension_n > 5.0
    }
    assert at[2.8] == pytest.approx(0.0625, rel=0.05)  # pulling
    assert at[4.2] == pytest.approx(np.hypot(0.0625, (1.0 - 1.0 / RATIO**2) / 3.0**0.5), rel=0.05)  # holding
    assert at[5.3] == pytest.approx(0.0625, rel=0.05)  # returning


def test_the_block_pushed_last_has_the_uncertainty_of_its_levels() -> None:
    workout, block = Workout(WorkoutSettings(PAIR)), felt()
    levels = [event for event in workout.push(block) if isinstance(event, TensionTick)]
    _, tension_n = workout.trace(float(block.time_s[0]), float(block.time_s[-1]))
    uncertainty_n = workout.latest_uncertainty_n(tension_n)
    at = np.searchsorted(block.time_s, [event.time_s for event in levels])
    assert uncertainty_n[at].tolist() == [event.tension_uncertainty_n for event in levels]
