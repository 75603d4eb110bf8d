"""The noise of a sensor makes no movements, and takes nothing back while nobody moves."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import RepCounted, RepRetracted
from bandsense.signal.filters import Conditioner
from bandsense.signal.ticks import Ticks
from bandsense.signal.turning_points import Look, TurningPoints
from tests.signal.levels import Movement, through


def noisy(hand: Movement, rate_hz: float, sd_n: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Times and tensions of what a hand did, seen by a sensor with white noise."""
    time_s, tension_n = through(hand.levels_n, hand.times_s, rate_hz)
    return time_s, tension_n + np.random.default_rng(seed).normal(0.0, sd_n, time_s.size)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 80.0, 320.0])
@pytest.mark.parametrize("sd_n", [0.02, 0.1, 0.2])
def test_noise_alone_hardly_makes_a_movement(rate_hz: float, sd_n: float) -> None:
    conditioner = Conditioner()
    nobody = Movement(1)
    nobody.stay(300.0)
    samples = noisy(nobody, rate_hz, sd_n, seed=1)
    segments = [*conditioner.push(*samples), *conditioner.finish()]
    step = max(1, round(conditioner.rate_hz / 20.0))
    turning = TurningPoints(Ticks(10**5), conditioner.rate_hz / step, conditioner.noise_gain)
    valleys = 0
    for segment in segments:
        every = slice(-segment.first % step, None, step)
        columns = (segment.time_s, segment.smooth_n, segment.clean_n, segment.ready_s)
        valleys += sum(look is Look.VALLEY for look in turning.follow(*(each[every] for each in columns)))
    assert valleys <= 15, "three a minute; six times the quietest second made 200 of 5 minutes at 80 Hz"


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 40.0, 80.0])
@pytest.mark.parametrize("sd_n", [0.08, 0.15])
def test_single_pulls_outlast_the_silence_after_them(rate_hz: float, sd_n: float) -> None:
    """Four pulls of 60 N, 20 s apart, each a tower of hundreds of times the noise on a flat line."""
    hand = Movement(1)
    hand.stay(4.0)
    for _ in range(4):
        for level_n, within_s in ((60.0, 1.3), (60.0, 0.2), (0.0, 1.3), (0.0, 20.0)):
            hand.to(level_n, within_s)
    for seed in range(6):
        detector = RepDetector()
        told = detector.push(*noisy(hand, rate_hz, sd_n, seed)) + detector.finish()
        assert (detector.count, sum(isinstance(e, RepRetracted) for e in told)) == (4, 0)


@pytest.mark.parametrize("sd_n", [0.02, 0.1, 0.2])
def test_nothing_is_shown_in_the_silence_after_taking_position(sd_n: float) -> None:
    """The band is taken up in two steps, held, and let down in three; then the sensor lies there."""
    hand = Movement(1)
    hand.stay(5.0)
    for level_n, held_s in ((12.0, 2.0), (25.0, 3.0), (18.0, 47.0), (0.0, 29.0)):
        hand.to(level_n, 1.0)
        hand.stay(held_s)
    late = 0
    for seed in range(10):
        detector = RepDetector()
        told = detector.push(*noisy(hand, 80.0, sd_n, seed)) + detector.finish()
        late += any(isinstance(e, RepCounted) and e.detected_s > 61.0 for e in told)
        assert detector.count == 0
    assert not late
