"""Stored sessions are put in order, and every change can be undone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bandsense.app.editing import merge, split, split_time_s
from bandsense.app.reanalysis import Change, reanalyze
from bandsense.app.replay import replay, session_table
from bandsense.errors import ConfigError, StoreError
from bandsense.export.formats import write
from bandsense.samples import concatenate
from bandsense.store.analyses import Analyses
from bandsense.store.edits import Edits
from bandsense.store.model import SessionFilter
from bandsense.store.store import Store
from bandsense.workout.inputs import Tare, input_data, input_name
from tests.support.old_store import old_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three sessions: one set, two half-sets, two sensors."""
    return Store.open(old_store(tmp_path))


def contents(store: Store) -> dict[str, list[object]]:
    tables = ("sessions", "streams", "chunks", "inputs", "events", "sets", "edits", "analyses")
    with closing(sqlite3.connect(store.path)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
        }


def test_a_session_is_said_to_be_anothers_and_that_is_undone(store: Store) -> None:
    before = contents(store)
    edits = Edits(store.database)
    edits.set_fields(1, {"person": "eva", "band": "red"})
    edits.set_fields(1, {"person": None})
    session = store.session(1)
    assert (session.person, session.band) == (None, "red")
    last = edits.last()
    assert last is not None
    assert (last.kind, last.sessions) == ("set", (1,))
    assert edits.undo().kind == "set"
    assert store.session(1).person == "eva"
    edits.undo()
    assert contents(store) == before
    with pytest.raises(StoreError, match="nothing to undo"):
        edits.undo()
    with pytest.raises(StoreError, match="no session 99"):
        edits.set_fields(99, {"person": "eva"})
    assert contents(store) == before


def test_a_session_goes_into_the_bin_and_comes_back(store: Store) -> None:
    before = contents(store)
    store.delete(2, for_good=False)
    assert [session.id for session in store.sessions()] == [3, 1]
    assert [session.id for session in store.sessions(SessionFilter(binned=True))] == [2]
    with pytest.raises(StoreError, match="no session 2"):
        store.session(2)
    Edits(store.database).undo()
    assert contents(store) == before
    store.delete(2, for_good=False)
    assert Edits(store.database).empty_bin() == 1
    assert contents(store)["edits"] == []
    assert {row[0] for row in contents(store)["sessions"]} == {1, 3}  # type: ignore[index]


def test_sessions_are_found_by_day_person_exercise_and_band(store: Store) -> None:
    first = store.session(1)
    Edits(store.database).set_fields(1, {"person": "ada", "band": "red", "exercise": "face-pull"})
    for which in (
        SessionFilter(person="ada"),
        SessionFilter(band="red"),
        SessionFilter(exercise="face-pull"),
        SessionFilter(until_unix_s=first.started_unix_s + 0.001),
        SessionFilter(person="ada", band="red", since_unix_s=first.started_unix_s),
    ):
        assert [session.id for session in store.sessions(which)] == [1], which
    assert store.sessions(SessionFilter(person="nobody")) == []
    later = SessionFilter(since_unix_s=first.started_unix_s + 0.001)
    assert [session.id for session in store.sessions(later)] == [3, 2]


def test_two_sessions_become_one_and_two_again(store: Store) -> None:
    first, second = store.session(1), store.session(2)
    with pytest.raises(ConfigError, match="several people or exercises"):
        merge(store, [first, second])
    with pytest.raises(ConfigError, match="two sessions or more"):
        merge(store, [first, first])
    Edits(store.database).set_fields(2, {"exercise": first.exercise, "person": first.person})
    before = contents(store)
    merge(store, [store.session(2), store.session(1)])
    merged = store.session(1)
    assert merged.samples == first.samples + second.samples
    assert merged.ended_unix_s == second.ended_unix_s
    assert first.summary is not None
    assert second.summary is not None
    assert merged.summary is not None
    assert merged.summary["reps"] == first.summary["reps"] + second.summary["reps"]
    assert [stream.sensor for stream in merged.streams]
    names = [path.name for path in write(session_table(store, merged), "csv", store.path.parent)]
    assert len(set(names)) == 4
    Edits(store.database).undo()
    assert contents(store) == before


def test_a_session_is_split_in_a_rest_and_whole_again(store: Store) -> None:
    whole = store.session(2)
    before = contents(store)
    at_s = split_time_s(store, whole, 2)
    one, two = split(store, whole, at_s)
    first, second = store.session(one), store.session(two)
    blocks = [concatenate(store.blocks(session.streams[0])) for session in (first, second)]
    assert concatenate(blocks) == concatenate(store.blocks(whole.streams[0]))
    assert second.started_unix_s == pytest.approx(whole.started_unix_s + at_s)
    results = [replay(store, session.streams[0]).workout.results for session in (first, second)]
    expected = replay(store, whole.streams[0]).workout.results
    assert [len(each.reps) for part in results for each in part] == [len(each.reps) for each in expected]
    assert store.session("last").id == two
    with pytest.raises(StoreError, match="no session 2"):
        store.session(2)
    Edits(store.database).undo()
    after = contents(store)
    assert after["chunks"] == before["chunks"]
    assert [s.id for s in store.sessions()] == [3, 2, 1]
    with pytest.raises(ConfigError, match="not within the session"):
        split(store, store.session(2), 1e6)
    with pytest.raises(ConfigError, match="before set 9"):
        split_time_s(store, store.session(2), 9)


def test_a_tare_before_the_cut_holds_after_it(store: Store) -> None:
    session = store.session(1)
    (stream,) = session.streams
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(
            "INSERT INTO inputs VALUES (?, 99, 120, ?, ?)",
            (stream.id, input_name(Tare()), json.dumps(input_data(Tare()))),
        )
    whole = replay(store, stream).tension_n
    _, two = split(store, session, 3.0)
    after = replay(store, store.session(two).streams[0]).tension_n
    assert after[:40] == pytest.approx(whole[-after.size :][:40], abs=0.2)
    assert not np.allclose(whole[:100], whole[200:300])


def test_a_session_is_computed_anew_once_and_both_results_stay(store: Store) -> None:
    before = contents(store)
    sessions = store.sessions()
    outcomes = list(reanalyze(store, sessions, Change()))
    assert [outcome.session for outcome in outcomes] == [3, 3, 2, 1]
    assert all(outcome.new and outcome.problem is None for outcome in outcomes)
    assert [sum(reps for reps, _ in outcome.again) for outcome in outcomes] == [
        sum(reps for reps, _ in outcome.live) for outcome in outcomes
    ]
    again = list(reanalyze(store, sessions, Change(), jobs=2))
    assert [outcome.new for outcome in again] == [False] * 4
    after = contents(store)
    assert len(after["analyses"]) == 4
    assert {table: rows for table, rows in after.items() if table != "analyses"} == {
        table: rows for table, rows in before.items() if table != "analyses"
    }


def test_another_calibration_gives_another_result_beside_the_first(store: Store) -> None:
    session = store.session(1)
    (stream,) = session.streams
    doubled = dict(stream.settings["calibration"])
    doubled["newton_per_unit"] *= 2.0
    (first,) = reanalyze(store, [session], Change())
    (second,) = reanalyze(store, [session], Change(calibration=doubled))
    assert [reps for reps, _ in second.again] == [reps for reps, _ in first.again]
    for (_, peak_n), (_, twice_n) in zip(first.again, second.again, strict=True):
        assert twice_n == pytest.approx(2.0 * peak_n, rel=0.02)
    kept = Analyses(store.database).of(stream.id)
    assert [each.settings["calibration"]["newton_per_unit"] for each in kept] == [
        stream.settings["calibration"]["newton_per_unit"],
        doubled["newton_per_unit"],
    ]
    assert len({each.digest for each in kept}) == 2
    (wrong,) = reanalyze(store, [session], Change(calibration={**doubled, "unit": "N"}))
    assert wrong.problem is not None
    assert len(Analyses(store.database).of(stream.id)) == 2


def test_a_damaged_analysis_is_made_anew(store: Store) -> None:
    session = store.session(1)
    (first,) = reanalyze(store, [session], Change())
    with store.database.opened() as connection:
        connection.execute("UPDATE analyses SET sets = 'x'")
    (second,) = reanalyze(store, [session], Change())
    assert second == first
    assert len(Analyses(store.database).of(session.streams[0].id)) == 1


@pytest.mark.slow
def test_an_archive_is_computed_by_several_processes_and_gone_on_with(store: Store) -> None:
    one = list(reanalyze(store, [store.session(2)], Change()))
    rest = list(reanalyze(store, store.sessions(), Change(), jobs=2))
    assert {(outcome.session, outcome.new) for outcome in rest} == {(1, True), (2, False), (3, True)}
    assert {outcome.again for outcome in rest} >= {one[0].again}
