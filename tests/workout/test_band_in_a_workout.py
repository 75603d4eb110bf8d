"""Range, velocity and work of repetitions where the band is known by its calibration pull."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bandsense.bands.displacement import FittedBand
from bandsense.calibration.curve import Calibration
from bandsense.errors import BandModelError
from bandsense.profiles.band import BandProfile
from bandsense.samples import SampleBlock, Unit
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.support.traces import EXPONENT, Stroke, trace

BAND = FittedBand(f100_n=60.0, exponent=EXPONENT, rest_length_m=0.8)
"""Strokes to 60 N stretch it by its own length."""


def worked_out(band: FittedBand | None) -> Workout:
    time_s, tension_n = trace([Stroke()] * 5, peak_n=60.0)
    workout = Workout(WorkoutSettings(Calibration.identity(), band=band))
    workout.push(SampleBlock(time_s, tension_n, Unit.NEWTON))
    workout.finish()
    return workout


def test_a_known_band_tells_way_velocity_and_work() -> None:
    result = worked_out(BAND).results[0]
    work_j = 60.0 * 0.8 / (EXPONENT + 1.0)
    for rep in result.rep_metrics:
        assert rep.range_m == pytest.approx(0.8, rel=0.02)
        assert rep.work_j == pytest.approx(work_j, rel=0.02)
        assert rep.velocity_m_s is not None
        assert 0.8 < rep.velocity_m_s < 1.6
    assert result.metrics.work_j == pytest.approx(5 * work_j, rel=0.02)


def test_an_unknown_band_tells_none_of_them() -> None:
    result = worked_out(None).results[0]
    assert all(rep.range_m is rep.work_j is None for rep in result.rep_metrics)


@pytest.mark.parametrize("band", [BAND, None])
def test_a_stored_session_is_followed_again_with_its_band(band: FittedBand | None) -> None:
    settings = WorkoutSettings(Calibration.identity(), band=band)
    assert WorkoutSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_a_session_from_before_bands_were_kept_is_read() -> None:
    document = WorkoutSettings(Calibration.identity()).to_dict()
    del document["band"]
    assert WorkoutSettings.from_dict(document).band is None


def test_a_doubled_band_pulls_with_all_its_strands() -> None:
    profile = BandProfile(id="red", f100_n=30.0, exponent=0.6, rest_length_m=0.8, strands=2)
    assert profile.measured() == FittedBand(60.0, 0.6, 0.8)
    assert BandProfile(id="red", f100_n=30.0, exponent=0.6).measured() is None


@pytest.mark.parametrize("numbers", [(0.0, 0.6, 0.8), (60.0, -0.6, 0.8), (60.0, 0.6, np.nan)])
def test_numbers_that_are_no_band_are_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(BandModelError, match="not a band"):
        FittedBand(*numbers)
