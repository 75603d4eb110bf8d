from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from bandsense.app.pipeline import VIEW_HZ, SessionPipeline
from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.workout.events import Event, TensionTick, event_name
from bandsense.workout.inputs import BatteryLevel
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout


class Log:
    """A sink that writes down what reaches it, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    def write(self, block: SampleBlock, *, stream: int = 0) -> None:
        self.entries.append(("write", (stream, block)))

    def note_input(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        self.entries.append(("input", (stream, kind, dict(data))))

    def note_event(self, kind: str, data: Mapping[str, Any], *, stream: int = 0) -> None:
        self.entries.append(("event", (stream, kind, dict(data))))

    def note_set(self, data: Mapping[str, Any], *, stream: int = 0) -> None:
        self.entries.append(("set", (stream, dict(data))))


def workout() -> Workout:
    return Workout(WorkoutSettings(Calibration.identity(Unit.NEWTON)))


def test_raw_samples_are_kept_before_anything_is_computed(set_of_three: SampleBlock) -> None:
    log = Log()
    tracker = SessionPipeline(workout(), sinks=[log], stream=1)
    for start in range(0, len(set_of_three), 16):
        tracker.push(set_of_three.slice(start, start + 16))
        wrote = [entry for entry in log.entries if entry[0] == "write"]
        assert wrote[-1][1] == (1, set_of_three.slice(start, start + 16))
    assert log.entries[0][0] == "write"


def test_raw_samples_are_kept_even_when_the_workout_refuses_them(set_of_three: SampleBlock) -> None:
    log = Log()
    tracker = SessionPipeline(Workout(WorkoutSettings(Calibration(1e-3))), sinks=[log])
    with pytest.raises(Exception, match="calibration"):
        tracker.push(set_of_three)
    assert log.entries == [("write", (0, set_of_three))]


def test_events_but_not_levels_are_kept_and_all_are_told(set_of_three: SampleBlock) -> None:
    log, told = Log(), list[Event]()
    tracker = SessionPipeline(workout(), sinks=[log])
    tracker.listen(told.append)
    tracker.apply(BatteryLevel(50))
    tracker.push(set_of_three)
    summary = tracker.finish()
    assert summary.reps == 3
    assert any(isinstance(event, TensionTick) for event in told)
    kept = [entry[1][1] for entry in log.entries if entry[0] == "event"]
    assert len(kept) == sum(not isinstance(event, TensionTick) for event in told)
    assert kept.count("rep_completed") == 3
    assert ("input", (0, "battery", {"percent": 50})) in log.entries
    ((_, result),) = [entry[1] for entry in log.entries if entry[0] == "set"]
    assert len(result["reps"]) == 3
    assert result["reps"][0]["peak_uncertainty_n"] > 0.0


def test_listening_ends_with_the_function_it_gave(set_of_three: SampleBlock) -> None:
    told = list[Event]()
    tracker = SessionPipeline(workout())
    stop = tracker.listen(told.append)
    stop()
    tracker.push(set_of_three)
    assert told == []


def followed(block: SampleBlock, view_hz: float) -> tuple[Log, list[Event], list[tuple[float, float]]]:
    """What is kept, what a listener is told, and the samples that LSL would be given, at a rate of views."""
    log, told = Log(), []
    sent: list[tuple[float, float]] = []
    settings = WorkoutSettings(Calibration.identity(), get_exercise("seated-row"))
    pipeline = SessionPipeline(Workout(settings), sinks=[log], view_hz=view_hz)
    pipeline.listen(told.append)
    pipeline.listen_to_samples(
        lambda time_s, tension_n: sent.extend(zip(time_s.tolist(), tension_n.tolist(), strict=True))
    )
    for start in range(0, len(block), 8):
        pipeline.push(block.slice(start, min(start + 8, len(block))))
    pipeline.finish()
    return log, told, sent


def test_halving_the_rate_of_views_changes_no_event_no_advice_and_no_sample(
    set_of_three: SampleBlock,
) -> None:
    rest = SampleBlock(set_of_three.time_s[-1] + np.arange(1, 1700) / 80.0, np.full(1699, 0.4), Unit.NEWTON)
    block = concatenate([set_of_three, rest])
    log, told, sent = followed(block, VIEW_HZ)
    slow_log, slow_told, slow_sent = followed(block, VIEW_HZ / 2)
    assert slow_log.entries == log.entries, (
        "what is kept: samples, events, advice, the end of the set by rest"
    )
    ticks, slow_ticks = (
        [event for event in each if isinstance(event, TensionTick)] for each in (told, slow_told)
    )
    assert len(slow_ticks) == pytest.approx(len(ticks) / 2, abs=1)
    assert [e for e in told if e not in ticks] == [e for e in slow_told if e not in slow_ticks]
    assert any(event_name(event) == "set_done" for event in slow_told)
    assert any(event_name(event) == "slack_advised" for event in slow_told)
    assert slow_sent == sent
    assert len(sent) == len(block)
