"""What a disk, a medium or a damaged text may do, and what the store makes of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bandsense.errors import StoreError
from bandsense.samples import Unit, concatenate
from bandsense.store import waiting as waiting_files
from bandsense.store.database import CHECKPOINT_INTERVAL_S, SCHEMA_VERSION, FileClaim, connect
from bandsense.store.maintenance import check
from bandsense.store.model import SessionState
from bandsense.store.recorder import Recorder
from bandsense.store.session_lock import SessionLock
from bandsense.store.store import Store
from tests.support.old_store import old_store

Make = Callable[..., Any]


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Any]:
    """`with locked(store)`: another program holds it."""
    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 0.02)

    @contextmanager
    def lock(store: Store) -> Iterator[None]:
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    return lock


def test_what_the_last_commit_could_not_write_is_taken_in_at_the_next_start(
    store: Store, new_session: Make, samples: Make, locked: Make
) -> None:
    recorder = store.record(new_session(Unit.COUNT, Unit.KILOGRAM_FORCE))
    recorder.write(samples(0, 30))
    recorder.flush()
    with locked(store):
        recorder.write(samples(30, 50))
        recorder.write(samples(0, 7, Unit.KILOGRAM_FORCE), stream=1)
        recorder.note_input("tare", {})
        recorder.note_event("rep", {"text": "ä"})
        recorder.note_set({"number": 1})
        with pytest.raises(StoreError, match="locked"):
            recorder.close(summary={"reps": 2}, ended_unix_s=1_700_000_100.0)
        assert recorder.waiting_samples == 57
        waiting = recorder.set_aside()
        recorder.close()
    assert waiting.parent == store.path.parent
    assert waiting.stat().st_mode & 0o777 == 0o600

    again = Store.open(store.path)
    assert [(each.session, each.samples, each.problem) for each in again.taken_in] == [(1, 57, None)]
    assert again.recovered == ()
    session = again.session(1)
    assert (session.state, session.summary) == (SessionState.COMPLETE, {"reps": 2})
    assert session.ended_unix_s == 1_700_000_100.0
    first, second = session.streams
    assert concatenate(again.blocks(first)) == samples(0, 80)
    assert concatenate(again.blocks(second)) == samples(0, 7, Unit.KILOGRAM_FORCE)
    assert [each.after_samples for each in again.inputs(first)] == [80]
    assert again.sets(first) == [{"number": 1}]
    assert not waiting.exists()
    assert Store.open(store.path).taken_in == ()


def test_what_waits_goes_elsewhere_where_the_disk_is_full(
    store: Store,
    new_session: Make,
    samples: Make,
    locked: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def full(path: Path, data: Any) -> None:
        if store.path.parent == path.parent:
            raise OSError(28, "No space left on device")
        path.write_text(json.dumps(data))

    monkeypatch.setattr("bandsense.store.waiting.write_json_file", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    recorder = store.record(new_session())
    with locked(store):
        recorder.write(samples(0, 30))
        with pytest.raises(StoreError):
            recorder.close()
        waiting = recorder.set_aside()
    assert waiting.parent.parent == tmp_path
    assert waiting.parent.stat().st_mode & 0o777 == 0o700
    other = Store.open(store.path.parent / "other" / store.path.name)
    assert other.taken_in == (), "it is of another store"
    assert [each.samples for each in Store.open(store.path).taken_in] == [30]
    assert not waiting.exists()


def test_nothing_is_taken_from_a_folder_that_others_may_write_to(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = waiting_files._elsewhere(store.path)
    folder.mkdir()
    folder.chmod(0o777)
    (folder / f"{store.path.name}.waiting-1.json").write_text("{}")
    assert Store.open(store.path).taken_in == ()
    folder.chmod(0o700)
    assert [each.session for each in Store.open(store.path).taken_in] == [1]


def test_a_session_whose_samples_still_wait_is_not_removed(
    store: Store, new_session: Make, samples: Make, locked: Make
) -> None:
    """It has none in the store yet, as one has that was cut short before its first sample."""
    recorder = store.record(new_session())
    with locked(store):
        recorder.write(samples(0, 30))
        with pytest.raises(StoreError):
            recorder.close()
        left = recorder.set_aside()
    data = left.read_text()
    left.write_text(data[: len(data) // 2])
    (told,) = Store.open(store.path).taken_in
    assert told.problem
    left.write_text(data)
    assert [each.samples for each in Store.open(store.path).taken_in] == [30]


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 100_000, '{"format": "x", "version": 1, "session": 1}', '{"rows": 3}']
)
def test_a_waiting_file_that_makes_no_sense_stays_and_is_told(
    store: Store, new_session: Make, text: str
) -> None:
    store.record(new_session()).close()
    path = store.path.with_name(f"{store.path.name}.waiting-1.json")
    path.write_text(text)
    (told,) = Store.open(store.path).taken_in
    assert told.problem
    assert path.exists()


def test_an_error_in_a_session_sets_aside_what_cannot_be_written(
    store: Store, new_session: Make, samples: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 0.02)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        recorder = store.record(new_session())

        def broken() -> None:
            with recorder:
                recorder.write(samples(0, 30))
                other.execute("BEGIN IMMEDIATE")
                raise KeyError

        with pytest.raises(KeyError):
            broken()
        other.execute("ROLLBACK")
    assert [each.samples for each in Store.open(store.path).taken_in] == [30]


def test_the_log_is_brought_into_the_store_every_half_minute(
    store: Store, new_session: Make, samples: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert CHECKPOINT_INTERVAL_S <= 30.0
    now = [1000.0]
    monkeypatch.setattr("bandsense.store.database.time.monotonic", lambda: now[0])
    recorder = store.record(new_session())

    def in_the_store_alone() -> int:
        copy = tmp_path / "alone.sqlite3"
        shutil.copy(store.path, copy)
        count = Store.open(copy).sessions()
        return sum(session.samples for session in count)

    with connect(store.path) as reader:  # or the last to close would bring it in
        reader.execute("SELECT 1").fetchone()
        recorder.write(samples(0, 40))
        recorder.flush()
        first = in_the_store_alone()
        recorder.write(samples(40, 40))
        recorder.flush()
        assert in_the_store_alone() == first == 40
        now[0] += 30.0
        recorder.write(samples(80, 40))
        recorder.flush()
        assert in_the_store_alone() == 120
    reader.close()
    recorder.close()


def test_a_store_that_is_taken_away_is_told_and_written_to_when_it_is_back(
    store: Store, new_session: Make, samples: Make
) -> None:
    recorder = store.record(new_session())
    recorder.write(samples(0, 40))
    recorder.flush()
    away = store.path.with_name("away")
    store.path.rename(away)
    recorder.write(samples(40, 40))
    with pytest.raises(StoreError, match="not there any more"):
        recorder.flush()
    assert not store.path.exists()
    away.rename(store.path)
    recorder.write(samples(80, 40))
    recorder.flush()
    recorder.close()
    assert concatenate(store.blocks(store.session(1).streams[0])) == samples(0, 120)


def test_every_commit_is_synced(store: Store) -> None:
    with closing(connect(store.path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_inputs_of_the_second_sensor_are_counted_by_its_own_samples(
    store: Store, new_session: Make, samples: Make
) -> None:
    with store.record(new_session(Unit.COUNT, Unit.COUNT)) as recorder:
        recorder.write(samples(0, 30), stream=0)
        recorder.write(samples(0, 5), stream=1)
        recorder.note_input("tare", {}, stream=1)
        recorder.note_input("tare", {}, stream=0)
    left, right = store.session("last").streams
    assert [each.after_samples for each in store.inputs(left)] == [30]
    assert [each.after_samples for each in store.inputs(right)] == [5]


def test_a_recovered_session_ends_with_its_last_sample(
    store: Store, new_session: Make, samples: Make
) -> None:
    recorder = store.record(new_session())
    for number, arrived in enumerate((1_700_000_001.0, 1_700_000_002.0, 1_700_000_009.0)):
        recorder.write(samples(40 * number, 40), arrived_unix_s=arrived)
        recorder.flush()
    recorder._claim.release()
    assert len(Store.open(store.path).recovered) == 1
    assert store.session(1).ended_unix_s == 1_700_000_009.0


def test_a_store_of_0_1_0_is_brought_up_to_date_and_a_copy_is_kept(tmp_path: Path) -> None:
    path = old_store(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT * FROM chunks ORDER BY stream, number").fetchall()
    store = Store.open(path)
    assert len(store.sessions()) == 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM chunks ORDER BY stream, number").fetchall() == before
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    copy = tmp_path / "bandsense.sqlite3.before-version-1"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT * FROM chunks ORDER BY stream, number").fetchall() == before
    assert {each.stat().st_mode & 0o777 for each in (path, copy)} == {0o600}


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be someone who may read the folder and not write it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


needs_users = pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has no users of this kind")


@needs_users
@pytest.mark.parametrize("with_log", [False, True])
def test_a_store_that_cannot_be_written_is_read(
    shared: Path, new_session: Make, samples: Make, with_log: bool
) -> None:
    store = Store.open(shared / "store.sqlite3")
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 16))
    if with_log:  # as a copy of a disk after a crash
        recorder = store.record(new_session())
        recorder.write(samples(0, 40))
        recorder.flush()
        (shared / "copy").mkdir()
        for name in ("store.sqlite3", "store.sqlite3-wal"):
            shutil.copy(shared / name, shared / "copy" / name)
        recorder.close()
    folder = shared / "copy" if with_log else shared
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with nobody(folder):
        found = Store.open(folder / "store.sqlite3")
        assert found.database.read_only
        assert [session.samples for session in found.sessions()] == ([40, 16] if with_log else [16])
        assert concatenate(found.blocks(found.session(1).streams[0])) == samples(0, 16)
        with pytest.raises(StoreError, match="it is write-protected"):
            found.record(new_session())
        with pytest.raises(StoreError, match="it is write-protected"):
            found.delete(1)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@needs_users
def test_an_older_store_that_cannot_be_written_is_read(shared: Path) -> None:
    path = old_store(shared)
    with nobody(shared):
        store = Store.open(path)
        assert len(store.sessions()) == 3
        assert sum(len(block) for block in store.blocks(store.session(1).streams[0])) > 1000
    assert [entry.name for entry in shared.iterdir()] == [path.name]


DAMAGE = {
    "summary": "UPDATE sessions SET summary = '{\"reps\": 3' WHERE id = 2",
    "summary of bytes": "UPDATE sessions SET summary = x'ff00fe' WHERE id = 2",
    "deep": f"UPDATE sessions SET summary = '{'[' * 50_000}' WHERE id = 2",
    "settings": "UPDATE streams SET settings = 'x' WHERE id = 2",
    "settings of another kind": "UPDATE streams SET settings = '[]' WHERE id = 2",
    "unit": "UPDATE streams SET unit = 'coumt' WHERE id = 2",
    "time": "UPDATE sessions SET started_unix_s = 'noon' WHERE id = 2",
    "text that is none": "UPDATE sessions SET exercise = CAST(x'ff41' AS TEXT) WHERE id = 2",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_one_damaged_text_takes_nothing_else_away(
    store: Store, new_session: Make, samples: Make, damage: str
) -> None:
    for _ in range(3):
        with store.record(new_session()) as recorder:
            recorder.write(samples(0, 16))
            recorder.close(summary={"reps": 3})
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(DAMAGE[damage])
    again = Store.open(store.path)
    sessions = again.sessions()
    assert [session.id for session in sessions] == [3, 2, 1]
    assert [session.samples for session in sessions if session.id != 2] == [16, 16]
    assert not any(session.damage for session in sessions if session.id != 2)
    if damage not in ("time", "text that is none"):
        assert sessions[1].damage
        assert any(finding.session == 2 for finding in check(again))


def test_a_damaged_document_is_passed_over_told_and_kept(store: Store) -> None:
    store.people.put("ada", {"id": "ada"})
    store.people.put("eva", {"id": "eva"})
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE people SET data = '{\"id\": \"ad' WHERE id = 'ada'")
    assert set(store.people.all()) == {"eva"}
    assert store.people.get("ada") is None
    assert store.people.damaged() == ["ada"]
    assert [finding.problem for finding in check(store)] == ["the person ada cannot be read and is left out"]
    store.people.put("ada", {"id": "ada", "name": "Ada"})
    store.people.set_aside("eva")
    assert store.people.all() == {"ada": {"id": "ada", "name": "Ada"}}
    assert store.people.damaged() == ["ada (damaged 1)", "eva (damaged 1)"]


def test_the_store_and_all_beside_it_are_private(tmp_path: Path, new_session: Make, samples: Make) -> None:
    before = os.umask(0o022)
    try:
        store = Store.open(tmp_path / "mine" / "store.sqlite3")
        with store.record(new_session()) as recorder:
            recorder.write(samples(0, 40))
            recorder.flush()
            modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {"store.sqlite3", "store.sqlite3-wal", "store.sqlite3.recording-1"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_store_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = old_store(tmp_path)
    path.chmod(0o644)
    Store.open(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_recorder_that_is_not_closed_has_nothing_to_set_aside(store: Store, new_session: Make) -> None:
    with store.record(new_session()) as recorder, pytest.raises(StoreError, match="nothing of session"):
        recorder.set_aside()


def test_a_lock_is_given_back_once(store: Store) -> None:
    first = SessionLock.take(store.path, 5)
    assert first is not None
    first.release()
    second = SessionLock.take(store.path, 5)
    assert second is not None
    first.release()
    assert SessionLock.take(store.path, 5) is None
    second.release()


@pytest.mark.slow
def test_a_slow_disk_holds_nobody_up_and_loses_nothing(
    store: Store, new_session: Make, samples: Make
) -> None:
    written = threading.Event()

    class Slow(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                assert written.wait(60.0), "writing waited for the disk"
            return super().execute(statement, *arguments)

    def opened(path: Path) -> sqlite3.Connection:
        connect(path).close()
        return sqlite3.connect(path, isolation_level=None, factory=Slow, check_same_thread=False)

    store.record(new_session()).close()
    claim = SessionLock.take(store.path, 1)
    assert claim is not None
    recorder = Recorder(FileClaim(store.path, claim, opened), 1, [store.session(1).streams[0].id])
    for number in range(60):
        recorder.write(samples(16 * number, 16))
        time.sleep(0.02)
    written.set()
    recorder.close()
    assert concatenate(store.blocks(store.session(1).streams[0])) == samples(0, 16 * 60)


def test_a_clock_that_is_set_back_or_forward_costs_nothing(
    store: Store, new_session: Make, samples: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_700_000_000.0]
    monkeypatch.setattr("bandsense.store.recorder.time.time", lambda: now[0])
    recorder = store.record(new_session())
    for number, step_s in enumerate((1.0, -86_400.0, 3.0, 1e9, -2e9)):
        now[0] += step_s
        recorder.write(samples(40 * number, 40))
        recorder.flush()
    recorder.close()
    session = store.session(1)
    assert session.ended_unix_s is not None
    assert concatenate(store.blocks(session.streams[0])) == samples(0, 200)
    assert list(check(store)) == []
    assert [each.id for each in store.sessions()] == [1]
