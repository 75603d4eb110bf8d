from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.errors import StoreError
from bandsense.samples import Unit, concatenate
from bandsense.store.database import SCHEMA_VERSION
from bandsense.store.model import Input, SessionState
from bandsense.store.store import Store

Make = Callable[..., Any]


def test_a_session_comes_back_as_it_was_recorded(any_store: Store, new_session: Make, samples: Make) -> None:
    blocks = [samples(0, 16), samples(16, 3), samples(19, 200)]
    with any_store.record(new_session()) as recorder:
        for block in blocks:
            recorder.write(block, arrived_unix_s=1_700_000_001.0)
        recorder.note_event("rep_completed", {"index": 1})
        recorder.note_set({"reps": 1})
        recorder.close(summary={"reps": 1}, ended_unix_s=1_700_000_003.0)

    session = any_store.session("last")
    assert session.state is SessionState.COMPLETE
    assert (session.person, session.exercise, session.source) == ("ada", "seated-row", "sensor")
    assert (session.started_unix_s, session.ended_unix_s) == (1_700_000_000.0, 1_700_000_003.0)
    assert session.summary == {"reps": 1}
    (stream,) = session.streams
    assert stream.settings == {"zero": 12}
    assert stream.samples == session.samples == 219
    assert (stream.first_time_s, stream.last_time_s) == (0.0, 218 / 80.0)
    assert concatenate(any_store.blocks(stream)) == concatenate(blocks)
    assert [(event.kind, event.data) for event in any_store.events(stream)] == [
        ("rep_completed", {"index": 1})
    ]
    assert any_store.sets(stream) == [{"reps": 1}]


def test_two_sensors_are_two_streams_of_one_session(
    any_store: Store, new_session: Make, samples: Make
) -> None:
    with any_store.record(new_session(Unit.COUNT, Unit.KILOGRAM_FORCE)) as recorder:
        recorder.write(samples(0, 5), stream=0)
        recorder.write(samples(2, 9, Unit.KILOGRAM_FORCE), stream=1)
    left, right = any_store.session("last").streams
    assert concatenate(any_store.blocks(left)) == samples(0, 5)
    assert concatenate(any_store.blocks(right)) == samples(2, 9, Unit.KILOGRAM_FORCE)


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(0, 12), max_size=12))
def test_inputs_keep_their_place_between_samples(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], new_session: Make, samples: Make
) -> None:
    store = Store.open(tmp_path_factory.mktemp("store") / "store.sqlite3")
    done = 0
    places = []
    with store.record(new_session()) as recorder:
        for size in sizes:
            recorder.write(samples(done, size))
            done += size
            recorder.note_input("tare", {"at": done})
            places.append(done)
    seen = 0
    found = []
    for item in store.timeline(store.session("last").streams[0]):
        if isinstance(item, Input):
            assert item.data == {"at": seen}
            found.append(seen)
        else:
            seen += len(item)
    assert found == places
    assert seen == done


def test_numbers_go_on_and_the_newest_session_comes_first(any_store: Store, new_session: Make) -> None:
    for _ in range(3):
        any_store.record(new_session()).close()
    assert [session.id for session in any_store.sessions()] == [3, 2, 1]
    any_store.delete(3)
    assert any_store.session("last").id == 2
    any_store.record(new_session()).close()
    assert any_store.session("last").id == 4


def test_a_missing_session_is_told_with_what_to_do(any_store: Store) -> None:
    with pytest.raises(StoreError, match="bandsense live"):
        any_store.session("last")
    with pytest.raises(StoreError, match="no session 9; `bandsense sessions`"):
        any_store.session(9)
    with pytest.raises(StoreError, match="no session 9"):
        any_store.delete(9)


def test_a_session_is_seen_by_others_while_it_runs_and_is_not_taken_for_dead(
    store: Store, new_session: Make, samples: Make
) -> None:
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 16))
        recorder.flush()
        other = Store.open(store.path)
        assert other.recovered == ()
        session = other.session("last")
        assert session.state is SessionState.OPEN
        assert session.samples == 16
        with pytest.raises(StoreError, match="being recorded"):
            other.delete(session.id)
    assert store.session("last").state is SessionState.COMPLETE


def test_deleting_a_session_removes_all_of_it(store: Store, new_session: Make, samples: Make) -> None:
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 16))
        recorder.note_input("tare", {})
        recorder.note_event("x", {})
        recorder.note_set({})
    store.delete(1)
    with sqlite3.connect(store.path) as connection:
        for table in ("sessions", "streams", "chunks", "inputs", "events", "sets"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_shelves_keep_documents(any_store: Store) -> None:
    any_store.bands.put("red", {"rest_length_m": 0.6})
    any_store.bands.put("blue", {"rest_length_m": 1.2})
    any_store.bands.put("red", {"rest_length_m": 0.7})
    assert any_store.bands.get("red") == {"rest_length_m": 0.7}
    assert any_store.bands.all() == {"blue": {"rest_length_m": 1.2}, "red": {"rest_length_m": 0.7}}
    assert any_store.people.get("red") is None
    assert any_store.bands.remove("red")
    assert not any_store.bands.remove("red")


def test_a_newer_schema_is_refused_and_left_alone(store: Store) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match=r"newer bandsense.*update bandsense"):
        Store.open(store.path)
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a plain text file, long enough to have a header of one hundred bytes or more, " * 3)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt.*not a bandsense store"):
        Store.open(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (id)")
    with pytest.raises(StoreError, match="another program's database"):
        Store.open(path)


def test_damage_is_told_and_the_undamaged_sessions_stay_readable(
    store: Store, new_session: Make, samples: Make
) -> None:
    for _ in range(2):
        with store.record(new_session()) as recorder:
            recorder.write(samples(0, 16))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE chunks SET data = substr(data, 1, 20) WHERE stream = 1")
    with pytest.raises(StoreError, match="damaged"):
        list(store.blocks(store.session(1).streams[0]))
    assert concatenate(store.blocks(store.session(2).streams[0])) == samples(0, 16)


def test_a_damaged_file_is_told_with_the_way_to_rescue_it(
    store: Store, new_session: Make, samples: Make
) -> None:
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 4000))
    content = bytearray(store.path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*bandsense store rescue"):
        Store.open(store.path).sessions()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError, match="--store"):
        Store.open(blocker / "store.sqlite3")


def test_a_locked_store_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, new_session: Make) -> None:
    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program has locked it"):
        store.record(new_session())
    holder.execute("ROLLBACK")
    holder.close()
    store.record(new_session()).close()
