"""What is said of a session when it is over: the last word counts, and no analysis hears of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bandsense.app.editing import merge
from bandsense.app.feedback import feedback_of, note_session, rate, session_note, undo_note
from bandsense.app.replay import replay
from bandsense.errors import DataError, StoreError
from bandsense.samples import Unit
from bandsense.store.edits import Edits
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.workout.feedback import Feedback
from tests.support.old_store import old_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(old_store(tmp_path))


def test_a_note_is_of_the_session_and_changes_no_result(store: Store) -> None:
    session = store.session(3)
    before = [replay(store, stream) for stream in session.streams]
    assert session_note(store, session) == ("", False)
    note_session(store, session, " shoulder tight \n")
    note_session(store, session, "shoulder tight")  # the same once more changes nothing
    assert session_note(store, session) == ("shoulder tight", True)
    after = [replay(store, stream) for stream in session.streams]
    assert [each.events for each in after] == [each.events for each in before]
    assert [each.workout.results for each in after] == [each.workout.results for each in before]
    assert all(0 not in feedback_of(store, stream) for stream in session.streams)
    undo_note(store, session)
    assert session_note(store, session) == ("", True)
    undo_note(store, session)
    assert session_note(store, session) == ("shoulder tight", True)


def test_merged_sessions_have_both_notes_until_they_are_written_anew(store: Store) -> None:
    Edits(store.database).set_fields(2, {"exercise": store.session(1).exercise})
    first, second = store.session(1), store.session(2)
    note_session(store, first, "one")
    note_session(store, second, "two")
    merge(store, [first, second])
    merged = store.session(1)
    assert session_note(store, merged)[0] == "one\ntwo"
    note_session(store, merged, "both")
    assert session_note(store, merged)[0] == "both"
    undo_note(store, merged)
    assert session_note(store, merged)[0] == "one\ntwo"


def test_what_cannot_be_kept_is_refused(store: Store) -> None:
    session = store.session(1)
    with pytest.raises(StoreError, match="never changed"):
        undo_note(store, session)
    with pytest.raises(DataError, match="at most 500"):
        note_session(store, session, "x" * 501)
    with pytest.raises(StoreError, match="no recording that a note could be stored with"):
        note_session(store, replace(session, streams=()), "x")
    assert session_note(store, session) == ("", False)


def test_nothing_is_said_of_a_session_that_is_being_recorded(store: Store) -> None:
    """It would take the number of the recorder's next input, whose commits would then fail for good."""
    recorder = store.record(NewSession("sensor", 1000.0, (NewStream("1", Unit.COUNT),), "test"))
    session = store.session(recorder.session)
    with pytest.raises(StoreError, match="is being recorded; end it first"):
        note_session(store, session, "x")
    with pytest.raises(StoreError, match="is being recorded; end it first"):
        rate(store, session, None, Feedback(effort=5))
    recorder.note_input("tare", {})
    recorder.close()
    assert [each.kind for each in store.inputs(session.streams[0])] == ["tare"]
