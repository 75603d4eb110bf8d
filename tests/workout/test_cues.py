"""Cues come in time, say when they are unsure, and do not depend on how time is cut."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.exercises.model import Breath, Breathing, Tempo
from bandsense.signal.events import (
    Event,
    Phase,
    PhaseChanged,
    Rep,
    RepCompleted,
    RepCounted,
    RepRetracted,
    RetractReason,
)
from bandsense.workout.cues import LEAD_S, Cue, CueEngine, CueKind
from bandsense.workout.plan import Plan

LATE = 0.1  # seconds from a thing to its being certain


def events_of(
    number: int,
    *,
    pause: float = 1.2,
    back: float | Callable[[int], float] = 1.5,
    partial: Collection[int] = (),
    pauses: list[float] | None = None,
    hold: float = 0.8,
) -> list[Event]:
    """A set as the signal chain tells it; `pauses` are those after each repetition."""
    made: list[Event] = []
    at = 1.0
    for index in range(1, number + 1):
        rep = Rep(
            index=index,
            pull_start_s=at,
            hold_start_s=at + 0.9,
            return_start_s=at + 0.9 + hold,
            end_s=at + 0.9 + hold + (back if not callable(back) else back(index)),
            peak_time_s=at + 1.2,
            peak_n=60.0,
            start_n=5.0,
            end_n=5.0,
            partial=index in partial,
        )
        for phase, t in ((Phase.CONCENTRIC, rep.pull_start_s), (Phase.HOLD, rep.hold_start_s)):
            made.append(PhaseChanged(t, phase, t + LATE))
        top = rep.hold_start_s + 0.25
        made.append(RepCounted(top, index, 60.0, top, index))
        for phase, t in ((Phase.ECCENTRIC, rep.return_start_s), (Phase.REST, rep.end_s)):
            made.append(PhaseChanged(t, phase, t + LATE))
        made.append(RepCompleted(rep.end_s, index, rep, rep.end_s + LATE))
        at = rep.end_s + (pause if pauses is None else pauses[index - 1])
    return sorted(made, key=lambda e: e.detected_s)


def cues_of(
    events: Iterable[Event],
    plan: Plan | None = None,
    breathing: Breathing | None = None,
    ticks: Iterable[float] = (),
) -> list[Cue]:
    engine = CueEngine(plan or Plan(), breathing or Breathing())
    said: list[Cue] = []
    ticks = sorted(ticks)
    for event in events:
        while ticks and ticks[0] < event.detected_s:
            said += engine.advance(ticks.pop(0))
        said += engine.push(event)
    return said


def of_kind(cues: list[Cue], kind: CueKind) -> list[Cue]:
    return [cue for cue in cues if cue.kind is kind]


def test_each_repetition_is_breathed_out_and_in() -> None:
    events = events_of(6)
    cues = cues_of(events)
    assert len(of_kind(cues, CueKind.EXHALE)) == 6
    assert len(of_kind(cues, CueKind.INHALE)) == 6
    assert cues == sorted(cues, key=lambda cue: cue.time_s)


def test_breathing_out_is_said_before_the_pull_once_the_pauses_are_known() -> None:
    events = events_of(6)
    pulls = [e.time_s for e in events if isinstance(e, PhaseChanged) and e.phase is Phase.CONCENTRIC]
    out = of_kind(cues_of(events), CueKind.EXHALE)
    assert out[0].time_s == pytest.approx(pulls[0] + LATE), "the first pull is seen, not predicted"
    assert [pull - cue.time_s for pull, cue in zip(pulls[2:], out[2:], strict=False)] == pytest.approx(
        [LEAD_S] * 4
    )


def test_a_prediction_from_the_plan_alone_or_from_uneven_pauses_is_unsure() -> None:
    even = of_kind(cues_of(events_of(6)), CueKind.EXHALE)
    assert [cue.unsure for cue in even] == [False, True, True, False, False, False]
    assert [cue.ahead for cue in even] == [False, True, True, True, True, True]
    events = events_of(6, pauses=[0.6, 2.4, 0.8, 3.0, 1.0, 1.0])
    seen = {e.detected_s for e in events}
    predicted = [cue for cue in of_kind(cues_of(events), CueKind.EXHALE) if cue.time_s not in seen]
    assert predicted
    assert all(cue.unsure for cue in predicted)


def test_a_pull_that_comes_early_is_cued_as_it_is_seen_and_only_once() -> None:
    events = events_of(4, pauses=[1.5, 1.5, 0.3, 1.5])
    early = next(
        e for e in events if isinstance(e, PhaseChanged) and e.phase is Phase.CONCENTRIC and e.time_s > 13.0
    )
    out = of_kind(cues_of(events[:-1]), CueKind.EXHALE)
    assert len(out) == 4
    assert out[3].time_s <= early.detected_s


def test_an_exercise_may_breathe_the_other_way() -> None:
    events = events_of(3)
    cues = cues_of(events, breathing=Breathing.model_validate({"pull": "inhale", "return": "exhale"}))
    assert cues[0].kind is CueKind.INHALE
    assert Breathing().concentric is Breath.EXHALE


def test_a_long_hold_is_cued_and_a_short_one_is_not() -> None:
    long_hold = Plan(tempo=Tempo(hold_s=2.0))
    assert len(of_kind(cues_of(events_of(3), long_hold), CueKind.HOLD)) == 3
    assert of_kind(cues_of(events_of(3)), CueKind.HOLD) == []


def test_a_hasty_return_is_slowed_at_the_next_one() -> None:
    events = events_of(5, back=lambda i: 0.6 if i == 2 else 1.5)
    returns = [e.detected_s for e in events if isinstance(e, PhaseChanged) and e.phase is Phase.ECCENTRIC]
    (slower,) = of_kind(cues_of(events), CueKind.SLOWER)
    assert slower.time_s == returns[2]
    assert of_kind(cues_of(events_of(5)), CueKind.SLOWER) == []


def test_a_partial_repetition_asks_for_the_full_range() -> None:
    cues = cues_of(events_of(5, partial={3}))
    (full,) = of_kind(cues, CueKind.FULL_RANGE)
    pulls = [e for e in events_of(5) if isinstance(e, PhaseChanged) and e.phase is Phase.CONCENTRIC]
    assert full.time_s == pulls[3].detected_s, "where it can be heeded"
    assert of_kind(cues_of(events_of(5)), CueKind.FULL_RANGE) == []


def test_two_more_is_said_once_at_the_top_two_before_the_target() -> None:
    events = events_of(8)
    tops = [e for e in events if isinstance(e, RepCounted)]
    (two,) = of_kind(cues_of(events), CueKind.TWO_MORE)
    assert two.time_s == tops[5].detected_s
    back = [
        *events_of(6),
        RepRetracted(30.0, 6, RetractReason.SET_UP, 30.0, 5),
        RepCounted(31.0, 7, 60.0, 31.0, 6),
    ]
    assert len(of_kind(cues_of(back), CueKind.TWO_MORE)) == 1


def test_the_set_is_done_at_the_top_of_the_range_of_repetitions() -> None:
    plan = Plan(reps=4, reps_top=6)
    cues = cues_of(events_of(7), plan)
    (done,) = of_kind(cues, CueKind.SET_DONE)
    sixth = [e for e in events_of(7) if isinstance(e, RepCompleted)][5]
    assert done.time_s == sixth.detected_s
    assert of_kind(cues_of(events_of(5), plan), CueKind.SET_DONE) == []


def test_the_end_of_a_set_is_said_once_and_rest_counts_from_the_last_repetition() -> None:
    engine = CueEngine(Plan(rest_s=60.0), Breathing())
    events = events_of(8)
    for event in events:
        engine.push(event)
    end_s = events[-1].time_s
    assert [cue.kind for cue in engine.end_set(end_s + 15.0)][-1] is CueKind.SET_DONE
    assert engine.advance(end_s + 59.9) == []
    (over,) = engine.advance(end_s + 61.0)
    assert (over.time_s, over.kind) == (pytest.approx(end_s + 60.0), CueKind.REST_OVER)
    assert engine.advance(end_s + 300.0) == []


def test_between_the_sides_of_a_pair_there_is_no_rest() -> None:
    engine = CueEngine(Plan(rest_s=60.0), Breathing(), "right")
    events = events_of(8)
    for event in events:
        engine.push(event)
    end_s = events[-1].time_s
    (done,) = of_kind(engine.end_set(end_s + 6.0), CueKind.SET_DONE)
    assert done.side == "right"
    assert engine.advance(end_s + 300.0) == []
    (done,) = of_kind(engine.end_set(end_s + 400.0, "right"), CueKind.SET_DONE)
    assert done.side is None
    assert [cue.kind for cue in engine.advance(end_s + 500.0)] == [CueKind.REST_OVER]
    (done,) = of_kind(engine.end_set(end_s + 600.0), CueKind.SET_DONE)
    assert done.side == "right"


def test_a_rest_that_is_over_when_the_end_becomes_certain_is_over_then() -> None:
    engine = CueEngine(Plan(rest_s=10.0), Breathing())
    for event in events_of(8):
        engine.push(event)
    engine.end_set(100.0)
    (over,) = engine.advance(100.1)
    assert (over.time_s, over.kind) == (100.0, CueKind.REST_OVER)


def test_a_set_that_was_ended_by_number_is_not_announced_again() -> None:
    engine = CueEngine(Plan(reps=4, reps_top=6), Breathing())
    for event in events_of(6):
        engine.push(event)
    assert [cue.kind for cue in engine.end_set(100.0)] == []


def test_starting_early_ends_the_rest() -> None:
    engine = CueEngine(Plan(rest_s=60.0), Breathing())
    engine.end_set(0.5)
    for event in events_of(3):
        engine.push(event)
    assert of_kind(engine.advance(1000.0), CueKind.REST_OVER) == []


@given(st.lists(st.floats(0.0, 40.0), max_size=60), st.lists(st.floats(0.2, 2.5), min_size=7, max_size=7))
def test_how_finely_time_is_told_changes_nothing(ticks: list[float], pauses: list[float]) -> None:
    events = events_of(7, pauses=pauses)
    assert cues_of(events, ticks=ticks) == cues_of(events)
