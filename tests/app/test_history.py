"""Finished sets are read as they were stored, also those of version 0.1.0, and damaged ones left out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bandsense.app.history import read_history
from bandsense.app.replay import replay
from bandsense.store.store import Store
from tests.support.old_store import old_store


def test_sets_of_the_first_version_are_read(tmp_path: Path) -> None:
    store = Store.open(old_store(tmp_path))
    history = read_history(store)
    assert history.unreadable == ()
    for session in store.sessions():
        shown = [
            len(result.reps) for each in session.streams for result in replay(store, each).workout.results
        ]
        read = [len(record.reps) for record in history.records if record.session == session.id]
        assert read == shown
    assert all(record.reps[0].peak_n > 10.0 for record in history.records)
    assert {record.conditions.band for record in history.records} == {None}


def test_a_damaged_set_takes_only_its_session_away(tmp_path: Path) -> None:
    store = Store.open(old_store(tmp_path))
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE sets SET data = '{}' WHERE stream = 1")
        connection.commit()
    history = read_history(store)
    assert history.unreadable == (1,)
    assert {record.session for record in history.records} == {2, 3}
