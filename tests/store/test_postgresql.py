"""What is different on a server: connections are lost, logins refused, commits left in doubt."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bandsense.errors import MissingExtra, StoreError
from bandsense.samples import concatenate
from bandsense.store.address import ServerAddress
from bandsense.store.analyses import Analyses, Analysis
from bandsense.store.clinics import prepare_server
from bandsense.store.database import SCHEMA_VERSION
from bandsense.store.edits import Edits
from bandsense.store.maintenance import back_up, check
from bandsense.store.model import SessionState
from bandsense.store.postgresql import Server, ServerConnection, server_connection
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from tests.store.test_recorder import RECORD_FOR_EVER
from tests.support.postgresql import PostgresServer

Make = Callable[..., Any]


def end_connections(postgresql: PostgresServer, url: str) -> None:
    """End every connection to the database of an address, as when its cable is cut."""
    with psycopg.connect(postgresql.url(), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (url.rpartition("/")[2],),
        )


def flush_again(recorder: Recorder) -> None:
    """Flush until it succeeds: first this side notices that the connection was lost, then the server does."""
    for _ in range(400):
        with suppress(StoreError):
            recorder.flush()
            return
        time.sleep(0.05)
    recorder.flush()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://anna:hush@db.example:5433/clinics", "postgresql://anna@db.example:5433/clinics"),
        (
            "postgres://anna:hu@s/h?@db/clinics?sslmode=require",
            "postgresql://anna@db/clinics?sslmode=require",
        ),
        ("postgresql:///clinics?host=/run/pg&password=hush", "postgresql:///clinics?host=/run/pg"),
        ("postgresql://anna:hush", "postgresql://anna:***"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    address = ServerAddress.read(url)
    assert address is not None
    if "***" not in shown:
        assert str(address) == shown
        assert "hush" not in str(address) + repr(address) + address.file_name
    assert address.url == url


def test_a_name_of_a_file_is_no_address() -> None:
    assert ServerAddress.read("postgresql.sqlite3") is None


def test_both_databases_have_the_same_tables_and_columns(store: Store, clinic_url: str) -> None:
    with closing(sqlite3.connect(store.path)) as file, psycopg.connect(clinic_url) as server:
        tables = [
            row[0]
            for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith("sqlite_")
        ]
        for table in tables:
            ours = [row[1] for row in file.execute(f"PRAGMA table_info({table})")]
            theirs = [
                row[0]
                for row in server.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                    "ORDER BY attnum",
                    (f"bandsense.{table}",),
                )
            ]
            assert theirs[: len(ours)] == ours, table
            assert set(theirs[len(ours) :]) <= {"clinic", "login"}, table


def test_a_lost_connection_costs_nothing(
    postgresql: PostgresServer, clinic_url: str, new_session: Make, samples: Make
) -> None:
    store = Store.open(clinic_url)
    recorder = store.record(new_session())
    for number in range(8):
        recorder.write(samples(40 * number, 40))
        if number % 2:
            end_connections(postgresql, clinic_url)
        flush_again(recorder)
        assert recorder.problem is None
    recorder.note_event("x", {})
    recorder.close(summary={"reps": 3})
    session = Store.open(clinic_url).session("last")
    assert (session.state, session.summary) == (SessionState.COMPLETE, {"reps": 3})
    assert concatenate(store.blocks(session.streams[0])) == samples(0, 320)
    assert list(check(store)) == []


def test_a_commit_whose_answer_was_lost_is_not_stored_twice(
    clinic_url: str, new_session: Make, samples: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(clinic_url)
    recorder = store.record(new_session())
    recorder.write(samples(0, 16))
    recorder.flush()
    execute = ServerConnection.execute
    cut: list[bool] = []

    def cut_after_commit(self: ServerConnection, statement: str, values: Any = (), /) -> Any:
        result = execute(self, statement, values)
        if statement == "COMMIT" and len(cut) < 3:
            cut.append(True)
            self.raw.close()
            raise StoreError("the answer was lost")
        return result

    monkeypatch.setattr(ServerConnection, "execute", cut_after_commit)
    for number in range(1, 5):
        recorder.write(samples(16 * number, 16))
        recorder.note_event("rep", {"number": number})
        with suppress(StoreError):
            recorder.flush()
    flush_again(recorder)
    recorder.close()
    assert len(cut) == 3
    (stream,) = store.session("last").streams
    assert concatenate(store.blocks(stream)) == samples(0, 80)
    assert [event.data["number"] for event in store.events(stream)] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_killed_recorder_keeps_what_was_committed(clinic_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RECORD_FOR_EVER, clinic_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        committed = 0
        while committed < 80:  # of the second commit or a later one
            written = int(process.stdout.readline())
            if written % 20 == 0:
                store = Store.open(clinic_url)
                committed = store.session("last").samples
                assert store.recovered == ()
        process.kill()
        written = int((process.stdout.read().split() or [str(written)])[-1])
    recovered: tuple[Any, ...] = ()
    while not recovered:  # the server notices a moment later
        recovered = Store.open(clinic_url).recovered
    assert committed <= recovered[0].samples <= written


def test_a_session_taken_for_cut_short_is_gone_on_with(
    postgresql: PostgresServer, clinic_url: str, new_session: Make, samples: Make
) -> None:
    store = Store.open(clinic_url)
    now = replace(new_session(), started_unix_s=time.time())
    recorder, empty = store.record(now), store.record(now)
    recorder.write(samples(0, 40))
    recorder.flush()
    end_connections(postgresql, clinic_url)
    recovered: tuple[Any, ...] = ()
    while not recovered:
        recovered = Store.open(clinic_url).recovered
    assert [each.session for each in recovered] == [recorder.session]
    for each, number in ((recorder, 40), (empty, 0)):
        each.write(samples(number, 40))
        flush_again(each)
        assert store.session(each.session).state is SessionState.OPEN
        each.close()
        assert store.session(each.session).state is SessionState.COMPLETE
    assert store.session(recorder.session).samples == 80
    assert store.session(empty.session).samples == 40


def test_looking_for_what_was_cut_short_takes_no_connection_a_session(
    clinic_url: str, new_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(clinic_url)
    recorders = [store.record(new_session()) for _ in range(5)]
    opened = []

    def counted(*given: Any, **more: Any) -> ServerConnection:
        opened.append(server_connection(*given, **more))
        return opened[-1]

    monkeypatch.setattr("bandsense.store.postgresql.server_connection", counted)
    assert Store.open(clinic_url).recovered == ()
    assert len(opened) == 2
    for recorder in recorders:
        recorder.close()


def test_what_a_server_cannot_take_waits_on_this_computer(
    postgresql: PostgresServer, clinic_url: str, new_session: Make, samples: Make, tmp_path: Path
) -> None:
    store = Store.open(clinic_url)
    recorder = store.record(new_session())
    recorder.write(samples(0, 16))
    recorder.flush()
    name = clinic_url.rpartition("/")[2]
    with psycopg.connect(postgresql.url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        end_connections(postgresql, clinic_url)
        recorder.write(samples(16, 16))
        with pytest.raises(StoreError):
            recorder.close(summary={})
        with pytest.raises(StoreError):
            recorder.close(summary={})
        assert recorder.waiting_samples == 16
        path = recorder.set_aside()
        assert path.parent == tmp_path / "home"
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    again = Store.open(clinic_url)
    assert [(each.samples, each.problem) for each in again.taken_in] == [(16, None)]
    assert not path.exists()
    assert concatenate(again.blocks(again.session("last").streams[0])) == samples(0, 32)


def test_sessions_are_edited_and_analysed_again(
    server_store: Store, new_session: Make, samples: Make
) -> None:
    for number in range(2):
        with server_store.record(new_session()) as recorder:
            recorder.write(samples(40 * number, 40))
    edits = Edits(server_store.database)
    edits.set_fields(1, {"person": "bob"})
    assert [edits.undo().kind, server_store.session(1).person] == ["set", "ada"]
    edits.merge([1, 2], {"reps": 2})
    assert [session.samples for session in server_store.sessions()] == [80]
    edits.undo()
    assert [session.samples for session in server_store.sessions()] == [40, 40]
    server_store.delete(2, for_good=False)
    assert edits.empty_bin() == 1
    (stream,) = server_store.session(1).streams
    server_store.add_input(stream, "feedback", {"effort": 7})
    assert [(each.kind, each.data) for each in server_store.inputs(stream)] == [("feedback", {"effort": 7})]
    analyses = Analyses(server_store.database)
    for reps in (3, 4):
        analyses.keep(Analysis(stream.id, "d", "test", {}, {"reps": reps}, ({"reps": reps},)))
    (kept,) = analyses.of(stream.id)
    assert (kept.summary, kept.sets) == ({"reps": 4}, ({"reps": 4},))
    with pytest.raises(StoreError, match="pg_dump"):
        back_up(server_store, Path("backup"))


def test_what_is_wrong_is_told_in_words(
    postgresql: PostgresServer, clinic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = ServerAddress(clinic_url)
    login = str(address).partition("//")[2].partition("@")[0]
    where = clinic_url.rpartition("@")[2]
    for url, told in (
        (f"postgresql://{login}:wrong-hush@{where}", "does not take this password"),
        (f"{clinic_url}_missing", "no such database"),
        (postgresql.url(), "bandsense store init"),
        (postgresql.url(where.rpartition("/")[2]), "belongs to no clinic"),
        ("postgresql://127.0.0.1:1/x?password=wrong-hush", "cannot be reached"),
        ("postgresql://a:wrong-hush@h/x?nonsense=1", "not the address of a PostgreSQL database"),
    ):
        with pytest.raises(StoreError, match=told) as error:
            Store.open(url)
        assert "hush" not in str(error.value)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"PostgreSQL server needs .*pip install 'bandsense\[postgres\]'"):
        Store.open(clinic_url)


def test_what_is_opened_for_reading_cannot_be_changed(
    clinic_url: str, new_session: Make, samples: Make
) -> None:
    store = Store.open(clinic_url)
    recorder = store.record(new_session())
    recorder.write(samples(0, 16))
    recorder.flush()
    recorder._claim.release()
    reading = Store.open(clinic_url, read_only=True)
    assert (reading.database.read_only, reading.recovered) == (True, ())
    assert reading.session("last").samples == 16
    with pytest.raises(StoreError, match="opened for reading"):
        reading.people.put("ada", {})
    recorder.close()


@pytest.mark.parametrize(("change", "told"), [(1, "newer bandsense"), (-1, "older than this bandsense")])
def test_another_version_is_refused(
    postgresql: PostgresServer, clinic_url: str, change: int, told: str
) -> None:
    owner = postgresql.url(clinic_url.rpartition("/")[2])
    with psycopg.connect(owner) as connection:
        connection.execute("UPDATE bandsense.store SET version = version + %s", (change,))
    with pytest.raises(StoreError, match=told):
        Store.open(clinic_url)
    if change > 0:
        with pytest.raises(StoreError, match="newer bandsense"):
            prepare_server(ServerAddress(owner), "north")


def test_preparing_again_changes_nothing(postgresql: PostgresServer, clinic_url: str) -> None:
    owner = ServerAddress(postgresql.url(clinic_url.rpartition("/")[2]))
    login = clinic_url.partition("//")[2].partition(":")[0]
    (again,) = prepare_server(owner, "north", [login])
    assert (again.login, again.password) == (login, None)
    with psycopg.connect(owner.url) as connection:
        assert connection.execute("SELECT version FROM bandsense.store").fetchall() == [(SCHEMA_VERSION,)]
    with pytest.raises(StoreError, match="belongs to the clinic north already"):
        prepare_server(owner, "south", [login])
    with pytest.raises(StoreError, match="sees all clinics"):
        prepare_server(owner, "north", ["postgres"])


def test_connections_are_used_again_and_not_kept_for_ever(
    clinic_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(ServerAddress(clinic_url))
    with server.opened() as first, server.opened() as second:
        assert first is not second
    with server.opened() as again:
        assert again in (first, second)
    monkeypatch.setattr("bandsense.store.postgresql._IDLE_S", -1.0)
    with server.opened() as fresh:
        assert fresh not in (first, second)
    assert first.raw.closed
    assert second.raw.closed
