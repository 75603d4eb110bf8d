"""Named situations: the exact words, when they are said, and what is not said.

Every situation of `tests/workout/situations.py` is played to a workout. docs/situations.md holds what is then
said, word for word.
"""

from __future__ import annotations

import runpy
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from bandsense.live.formatting import cue_spoken, cue_words
from bandsense.live.state import ViewState
from bandsense.samples import SampleBlock
from bandsense.signal.events import Phase, RepCompleted
from bandsense.workout.advice import SlackAction
from bandsense.workout.cues import CueKind, CueSlot
from bandsense.workout.events import CueGiven, SlackAdvised
from tests.needs import REPOSITORY
from tests.support.player import Played
from tests.workout.situations import SECTIONS, Situation

TOOL = runpy.run_path(str(REPOSITORY / "tools" / "situations.py"))
ALL = [situation for section in SECTIONS.values() for situation in section]
CORRECTIONS = (CueKind.SLOWER, CueKind.FULL_RANGE)


BY_NAME = {situation.name: situation for situation in ALL}


@cache
def played(name: str) -> Played:
    return BY_NAME[name].play()


def test_there_are_sixty_and_each_has_a_name_of_its_own() -> None:
    assert len({situation.name for situation in ALL}) == len(ALL) >= 60


@pytest.mark.slow
def test_the_page_holds_every_word_and_when_it_is_said() -> None:
    kept = TOOL["PAGE"].read_text(encoding="utf-8")
    assert kept == TOOL["page"]({name: played(name) for name in BY_NAME}), (
        "run: python tools/situations.py, and read the page aloud"
    )


@pytest.mark.parametrize("situation", ALL, ids=lambda each: each.name)
def test_what_must_not_be_said_is_not_said(situation: Situation) -> None:
    said = [line.words for line in played(situation.name).lines]
    assert [words for words in said for never in situation.never if never in words] == []


@pytest.mark.parametrize("situation", ALL, ids=lambda each: each.name)
def test_no_cue_contradicts_the_movement_and_no_two_words_are_shown_at_once(situation: Situation) -> None:
    state, free_s = ViewState(), 0.0
    for event in played(situation.name).events:
        state.update(event)
        if state.phase is Phase.REST:
            assert state.breath in ("", "Next: out", "Next: in")
        elif state.phase is Phase.HOLD:
            assert state.breath in ("", "Hold", "Next: out", "Next: in")
        else:
            assert not state.breath.startswith("Next")
        if isinstance(event, CueGiven) and event.slot is CueSlot.WORD:
            at_once = event.kind in (CueKind.SET_DONE, CueKind.REST_OVER)
            assert at_once or event.time_s >= free_s - 1e-9, "one word at a time"
            free_s = event.until_s


@pytest.mark.parametrize("situation", ALL, ids=lambda each: each.name)
def test_corrections_do_not_nag(situation: Situation) -> None:
    rep, said_at = 0, {kind: [] for kind in CORRECTIONS}
    in_rep: list[CueKind] = []
    for event in played(situation.name).events:
        if isinstance(event, RepCompleted):
            rep, in_rep = rep + 1, []
        elif isinstance(event, CueGiven) and event.kind in CORRECTIONS:
            in_rep.append(event.kind)
            said_at[event.kind].append(rep)
            assert len(in_rep) == 1, "no more than one correction in a repetition"
    for reps in said_at.values():
        assert all(later - before >= 3 for before, later in pairwise(reps[1:]))


@pytest.mark.parametrize("situation", ALL, ids=lambda each: each.name)
def test_counts_add_up_everywhere(situation: Situation) -> None:
    workout = played(situation.name).workout
    for result in workout.results:
        metrics = result.metrics
        counts = result.counts
        assert counts.full + counts.partial + counts.unsure == len(result.reps) == metrics.reps
        assert (metrics.full, metrics.partial, metrics.unsure) == (counts.full, counts.partial, counts.unsure)
    summary = workout.summary()
    assert summary.full + summary.partial + summary.unsure == summary.reps


@pytest.mark.parametrize("name", ["A set of 9", "Every return too fast", "The band snaps", "Left first"])
def test_how_the_stream_is_cut_changes_no_word(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandsense.workout import workout as module

    situation = next(each for each in ALL if each.name == name)
    whole = module.Workout.push

    def in_pieces(self: module.Workout, block: SampleBlock) -> list[object]:
        pieces = (block.slice(at, min(at + 7, len(block))) for at in range(0, len(block), 7))
        return [event for piece in pieces for event in whole(self, piece)]

    monkeypatch.setattr(module.Workout, "push", in_pieces)
    assert situation.play().lines == played(name).lines


def test_two_to_seven_repetitions_get_ever_more_slack() -> None:
    def advice(name: str) -> list[SlackAdvised]:
        return [event for event in played(name).events if isinstance(event, SlackAdvised)]

    amounts_cm = []
    for number in (7, 6, 5, 4, 3, 2):
        (told,) = advice(f"A set of {number}")
        assert told.advice.action is SlackAction.ADD
        amounts_cm.append(told.advice.amount_cm)
    assert amounts_cm == sorted(amounts_cm)
    assert amounts_cm[-2] > amounts_cm[0]


def test_a_breath_and_a_correction_at_the_same_instant_both_arrive() -> None:
    state, together = ViewState(), 0
    for event in played("Never heeded").events:
        state.update(event)
        together += bool(state.breath and state.word == "Slower on the way back")
    assert together


def test_what_is_spoken_is_shorter_than_what_is_shown() -> None:
    cue = CueGiven(1.0, CueKind.EXHALE, 1.0, phase=Phase.CONCENTRIC, ahead=True)
    assert (cue_words(cue), cue_spoken(cue)) == ("Next: out", "Breathe out")
    assert cue_words(replace(cue, ahead=False)) == "Breathe out"
    assert cue_spoken(replace(cue, brief=True)) == "Out"
    assert cue_spoken(replace(cue, unsure=True)) == "", "a tone is enough"
