from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bandsense.errors import StoreError
from bandsense.samples import Unit, concatenate
from bandsense.store.analyses import Analyses, Analysis
from bandsense.store.edits import Edits
from bandsense.store.maintenance import check
from bandsense.store.postgresql import ServerConnection
from bandsense.store.push import push
from bandsense.store.store import Store
from tests.support.old_store import old_store
from tests.support.postgresql import PostgresServer

Make = Callable[..., Any]


def outcomes(source: Store, target: Store, **options: Any) -> Counter[str]:
    return Counter(each.outcome for each in push(source, target, **options))


def contents(store: Store) -> list[Any]:
    """Everything of a store that a person or program can see, without the numbers."""
    found: list[Any] = [store.people.all(), store.bands.all(), store.sensors.all()]
    for session in sorted(store.sessions(), key=lambda each: (each.started_unix_s, each.id)):
        found.append(replace(session, id=0, streams=()))
        for stream in session.streams:
            analyses = [replace(each, stream=0) for each in Analyses(store.database).of(stream.id)]
            found += [replace(stream, id=0), concatenate(store.blocks(stream)), analyses]
            found += [store.inputs(stream), store.events(stream), store.sets(stream)]
    return found


@pytest.fixture
def fill(new_session: Make, samples: Make) -> Callable[..., None]:
    """Record sessions into a store, each a day after the one before."""

    def record(store: Store, number: int, *, first: int = 0) -> None:
        for each in range(first, first + number):
            new = replace(new_session(Unit.COUNT, Unit.COUNT), started_unix_s=1.7e9 + 86_400.0 * each)
            with store.record(new) as recorder:
                for stream in range(2):
                    for block in range(3):
                        recorder.write(samples(1000 * stream + 16 * block, 16), stream=stream)
                        recorder.flush()
                    recorder.note_input("tare", {"each": each}, stream=stream)
                    recorder.note_event("rep", {"each": each}, stream=stream)
                    recorder.note_set({"reps": each}, stream=stream)
                recorder.close(summary={"reps": each})
        store.people.put("ada", {"name": "Ada"})
        store.bands.put("red", {"rest_length_m": 0.6})

    return record


def test_what_is_pushed_is_there_and_once(
    store: Store, server_store: Store, fill: Callable[..., None]
) -> None:
    fill(store, 3)
    (stream, _) = store.session(1).streams
    Analyses(store.database).keep(Analysis(stream.id, "d", "test", {}, {"reps": 1}, (), made_unix_s=1.0))
    told = list(push(store, server_store))
    assert Counter(each.outcome for each in told) == {"sent": 5}
    assert sum(each.samples for each in told) == sum(session.samples for session in store.sessions())
    assert contents(server_store) == contents(store)
    assert outcomes(store, server_store) == {"same": 5}
    fill(store, 1, first=3)
    assert outcomes(store, server_store) == {"same": 5, "sent": 1}
    assert contents(server_store) == contents(store)
    assert list(check(server_store)) == []


def test_what_is_being_recorded_waits(
    store: Store, server_store: Store, new_session: Make, samples: Make
) -> None:
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 16))
        recorder.flush()
        assert outcomes(store, server_store) == {}
    assert outcomes(store, server_store) == {"sent": 1}


def test_edits_travel(store: Store, server_store: Store, fill: Callable[..., None]) -> None:
    fill(store, 5)
    store.delete(5, for_good=False)
    assert outcomes(store, server_store) == {"sent": 6}  # what was deleted before never leaves
    edits = Edits(store.database)
    edits.set_fields(1, {"person": "bob", "band": "red"})
    edits.merge([2, 3], {"reps": 5})
    store.delete(4, for_good=False)
    store.add_input(store.session(1).streams[0], "feedback", {"effort": 7})
    assert outcomes(store, server_store)["conflict"] == 0
    assert contents(server_store) == contents(store)
    assert [len(session.streams) for session in server_store.sessions()] == [4, 2]
    for _ in range(3):
        edits.undo()
    told = outcomes(store, server_store)
    assert told["conflict"] == 0
    assert contents(server_store) == contents(store)
    assert set(outcomes(store, server_store)) == {"same"}


@pytest.mark.parametrize("cut_at", range(1, 48, 3))
def test_a_push_that_is_cut_off_goes_on(
    postgresql: PostgresServer,
    store: Store,
    server_store: Store,
    fill: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    cut_at: int,
) -> None:
    """The connection is ended before one of its statements, and, where that is a commit, behind it too."""
    fill(store, 2)
    done = [0]
    execute, executemany = ServerConnection.execute, ServerConnection.executemany

    def end(connection: ServerConnection) -> None:
        with psycopg.connect(postgresql.url(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.raw.info.backend_pid,))

    def counted(self: ServerConnection, statement: str, values: Any = (), /) -> Any:
        done[0] += 1
        if done[0] == cut_at and statement != "COMMIT":
            end(self)
        result = execute(self, statement, values)
        if done[0] == cut_at and statement == "COMMIT":
            self.raw.close()
            raise StoreError("the answer was lost")
        return result

    def counted_many(self: ServerConnection, statement: str, rows: Any, /) -> None:
        done[0] += 1
        if done[0] == cut_at:
            end(self)
        executemany(self, statement, rows)

    monkeypatch.setattr(ServerConnection, "execute", counted)
    monkeypatch.setattr(ServerConnection, "executemany", counted_many)
    try:
        list(push(store, server_store))
    except StoreError:
        pass
    else:
        assert done[0] < cut_at
    done[0] = 1_000
    for session in server_store.sessions():  # whole, or not there
        assert session.samples == 96
    assert set(outcomes(store, server_store)) <= {"sent", "same"}
    assert contents(server_store) == contents(store)
    assert list(check(server_store)) == []


def test_a_conflict_is_told_and_nothing_is_overwritten(
    store: Store, server_store: Store, fill: Callable[..., None]
) -> None:
    fill(store, 3)
    list(push(store, server_store))
    here, there = Edits(store.database), Edits(server_store.database)
    first, second, third = (session.id for session in reversed(server_store.sessions()))
    here.set_fields(1, {"person": "bob"})
    there.set_fields(first, {"person": "eve"})
    there.set_fields(second, {"exercise": "face-pull"})
    server_store.delete(third)
    store.people.put("ada", {"name": "Ada B."})
    server_store.people.put("ada", {"name": "Ada C."})
    told = {(each.kind, each.name): each.outcome for each in push(store, server_store)}
    assert told == {
        ("person", "ada"): "conflict",
        ("band", "red"): "same",
        ("session", "1"): "conflict",
        ("session", "2"): "changed there",
        ("session", "3"): "deleted there",
    }
    assert server_store.session(first).person == "eve"
    assert server_store.session(second).exercise == "face-pull"
    assert server_store.people.get("ada") == {"name": "Ada C."}
    assert store.session(1).person == "bob"
    assert outcomes(store, server_store)["conflict"] == 2
    assert outcomes(store, server_store, overwrite=True)["conflict"] == 0
    assert contents(server_store) == contents(store)


def test_two_laptops_with_the_same_file_do_not_double_it(
    store: Store, server_store: Store, fill: Callable[..., None], tmp_path: Path
) -> None:
    fill(store, 2)
    shutil.copy(store.path, tmp_path / "copy.sqlite3")
    other = Store.open(tmp_path / "copy.sqlite3")
    list(push(store, server_store))
    assert set(outcomes(other, server_store)) == {"same"}
    fill(other, 1, first=2)
    fill(store, 1, first=3)
    list(push(store, server_store))
    list(push(other, server_store))
    assert len(server_store.sessions()) == 4
    Edits(store.database).set_fields(1, {"person": "bob"})
    list(push(store, server_store))
    assert outcomes(other, server_store)["changed there"] == 1  # and not turned back
    assert [session.person for session in server_store.sessions()][-1] == "bob"


def test_sessions_of_older_versions_have_the_same_identity_in_every_copy(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = old_store(tmp_path / name)
        Store.open(path)
        with closing(sqlite3.connect(path)) as connection:
            found.append(
                [
                    connection.execute(f"SELECT identity FROM {table} ORDER BY id").fetchall()
                    for table in ("sessions", "streams")
                ]
            )
    assert found[0] == found[1]
    assert all(len(set(each)) == len(each) > 0 for each in found[0])


def test_a_persons_login_sends_what_is_the_persons(
    postgresql: PostgresServer, clinic_url: str, store: Store, fill: Callable[..., None]
) -> None:
    fill(store, 2)
    Edits(store.database).set_fields(2, {"person": "bob"})
    store.people.put("bob", {"name": "Bob"})
    database = clinic_url.rpartition("/")[2]
    target = Store.open(postgresql.clinic("north", database, person="ada"))
    assert {(each.kind, each.name) for each in push(store, target)} == {("person", "ada"), ("session", "1")}
    assert [session.person for session in Store.open(clinic_url).sessions()] == ["ada"]


def test_a_file_is_no_target(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a server"):
        list(push(store, Store.open(tmp_path / "other.sqlite3")))
