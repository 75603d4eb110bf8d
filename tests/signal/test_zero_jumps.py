"""A zero that jumps in the middle of a set is told by the third repetition since; what people do is not."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.detector import RepDetector
from bandsense.signal.events import Event, RepCompleted, SignalWarning, WarningKind
from bandsense.signal.zero_jumps import largest_step
from tests.support.traces import Stroke, trace

REPS = 9
REP_S = 2.3
LEAD_S = 2.0


def human(
    seed: int, rate_hz: float, rest_n: float, peak_n: float = 60.0
) -> tuple[FloatArray, FloatArray, np.random.Generator]:
    """Nine repetitions by a hand that trembles, of tops and bottoms that differ, from 2 s on."""
    rng = np.random.default_rng(seed)
    strokes = [
        Stroke(0.8, 0.2, 0.9, 0.4, 0.95 + float(rng.normal(0.0, 0.02)), abs(float(rng.normal(0.0, 0.01))))
        for _ in range(REPS)
    ]
    time_s, tension_n = trace(strokes, rate_hz, peak_n, rest_n, noise_n=0.0)
    tremor = sum(np.sin(hz * 2 * np.pi * time_s + rng.uniform(0.0, 6.0)) for hz in (0.7, 1.9, 4.3, 8.6))
    return time_s, tension_n * (1.0 + 0.004 * tremor) + rng.normal(0.0, 0.05, time_s.size), rng


def told(time_s: FloatArray, tension_n: FloatArray, size: int = 16) -> tuple[RepDetector, list[Event]]:
    detector, events = RepDetector(), list[Event]()
    for i in range(0, time_s.size, size):
        events += detector.push(time_s[i : i + size], tension_n[i : i + size])
    return detector, events + detector.finish()


def jumps(events: list[Event]) -> list[SignalWarning]:
    found = [e for e in events if isinstance(e, SignalWarning) and e.kind is WarningKind.ZERO_DRIFTS]
    return [warning for warning in found if "at once" in warning.message]


def test_a_step_between_two_samples_is_measured_on_the_movement_beside_it() -> None:
    time_s = np.arange(0.0, 2.0, 1.0 / 80.0)
    moving_n = 30.0 - 30.0 * np.cos(2.0 * np.pi * time_s)
    step = largest_step(time_s, moving_n + np.where(time_s > 0.701, 4.0, 0.0))
    assert step.jump
    assert step.height_n == pytest.approx(4.0, abs=0.1)
    assert step.time_s == pytest.approx(0.7)
    assert step.other_n < 0.1
    assert not largest_step(time_s, moving_n + np.where(np.abs(time_s - 0.7) < 0.001, 4.0, 0.0)).jump


@pytest.mark.parametrize("rate_hz", [40.0, 80.0, 320.0])
@pytest.mark.parametrize("rest_n", [5.0, 12.0, 30.0])
@pytest.mark.parametrize("jump_n", [-12.0, -4.0, 4.0, 12.0])
def test_a_zero_that_jumps_in_mid_set_is_told_within_three_repetitions(
    jump_n: float, rest_n: float, rate_hz: float
) -> None:
    for seed in range(4):
        time_s, tension_n, rng = human(seed, rate_hz, rest_n)
        at_s = LEAD_S + float(rng.uniform(3.0, 5.0)) * REP_S
        detector, events = told(time_s, tension_n + np.where(time_s > at_s, jump_n, 0.0))
        (found,) = jumps(events)
        assert at_s < found.detected_s < at_s + 4.2 * REP_S
        shown_n = float(found.message.split(" by ")[1].split(" N")[0])
        assert shown_n == pytest.approx(jump_n, abs=0.5)
        assert sum(isinstance(event, RepCompleted) for event in events) == REPS
        doubt_n = float(detector.sense.zero_doubt_n(found.detected_s))
        assert doubt_n == pytest.approx(abs(jump_n) / sqrt(3.0), abs=0.4)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0])
def test_a_slack_band_shows_it_at_low_rates_as_well(rate_hz: float) -> None:
    strokes = [Stroke(0.8, 0.2, 0.9, 0.6, top) for top in (0.95, 0.97, 0.93, 0.96, 0.94, 0.97, 0.95, 0.96)]
    time_s, tension_n = trace(strokes, rate_hz, 60.0, 0.0, noise_n=0.03)
    assert jumps(told(time_s, tension_n)[1]) == []
    (found,) = jumps(told(time_s, tension_n + np.where(time_s > 11.4, 5.0, 0.0))[1])
    assert found.detected_s < 11.4 + 4.0 * 2.5


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 40.0, 80.0, 320.0])
@pytest.mark.parametrize("rest_n", [0.0, 12.0, 30.0])
def test_what_a_person_does_is_no_jump(rest_n: float, rate_hz: float) -> None:
    for seed in range(4):
        time_s, tension_n, rng = human(seed, rate_hz, rest_n)
        at_s = LEAD_S + float(rng.uniform(2.5, 6.0)) * REP_S
        since_s = np.maximum(time_s - at_s, 0.0)
        for what, moved_n in {
            "nothing": 0.0 * time_s,
            "steps back": 8.0 * np.clip(since_s / 0.4, 0.0, 1.0),
            "a knock that dies away": np.where(time_s > at_s, 12.0 * np.exp(-since_s / 0.06), 0.0),
            "goes taut at once": -np.minimum(tension_n, 15.0),
        }.items():
            assert jumps(told(time_s, tension_n + moved_n)[1]) == [], what


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_blocks_do_not_matter(size: int) -> None:
    time_s, tension_n, _ = human(1, 80.0, 12.0)
    tension_n = tension_n + np.where(time_s > 11.0, -6.0, 0.0)
    events = told(time_s, tension_n)[1]
    assert jumps(events)
    assert told(time_s, tension_n, size)[1] == events
