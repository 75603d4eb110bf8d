from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandsense.errors import StoreError
from bandsense.samples import SampleBlock, concatenate
from bandsense.store.database import FileClaim, connect
from bandsense.store.model import SessionState
from bandsense.store.recorder import COMMIT_INTERVAL_S, Recorder
from bandsense.store.session_lock import SessionLock
from bandsense.store.store import Store

Make = Callable[..., Any]

RECORD_FOR_EVER = """
import sys, time
import numpy as np
from bandsense.samples import SampleBlock
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.samples import Unit

store = Store.open(sys.argv[1])
recorder = store.record(NewSession("sensor", time.time(), (NewStream("s", Unit.COUNT),), "test"))
begin = time.monotonic()
n = 0
while True:
    recorder.write(SampleBlock(np.array([n / 80.0]), np.array([float(n)])))
    n += 1
    print(n, flush=True)
    time.sleep(max(0.0, begin + n / 80.0 - time.monotonic()))
"""


@pytest.mark.slow
def test_a_killed_recorder_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with subprocess.Popen(
        [sys.executable, "-c", RECORD_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        written = 0
        committed = 0
        while committed < 80:  # of the second commit or a later one
            written = int(process.stdout.readline())
            if written % 20 == 0:
                committed = Store.open(path).session("last").samples
        process.kill()
        written = int((process.stdout.read().split() or [str(written)])[-1])

    store = Store.open(path)

    (recovered,) = store.recovered
    assert committed <= recovered.samples <= written
    session = store.session(recovered.session)
    assert session.state is SessionState.RECOVERED
    assert session.ended_unix_s is not None
    assert session.started_unix_s <= session.ended_unix_s <= time.time()
    kept = concatenate(store.blocks(session.streams[0]))
    assert np.array_equal(kept.values, np.arange(len(kept)))
    assert len(kept) == recovered.samples
    assert Store.open(path).recovered == ()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["store.sqlite3"]


def test_a_session_cut_short_before_its_first_sample_leaves_nothing(
    tmp_path: Path, new_session: Make
) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    recorder = store.record(new_session())
    recorder._claim.release()  # as when its process is killed
    assert Store.open(store.path).recovered == ()
    assert store.sessions() == []


def test_samples_reach_the_disk_while_nobody_asks(tmp_path: Path, new_session: Make, samples: Make) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    with store.record(new_session()) as recorder:
        recorder.write(samples(0, 16))
        deadline_s = time.monotonic() + COMMIT_INTERVAL_S + 60.0
        while not store.session("last").samples:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


def full_disk_at(pages: int) -> Callable[[Path], sqlite3.Connection]:
    """Connections that find the disk full: SQLite's own page limit gives the very error of a full disk."""

    def connect_limited(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    return connect_limited


def begin(store: Store, new_session: Make) -> tuple[int, int, SessionLock]:
    """A session row to which a recorder with a bad disk can be attached."""
    store.record(new_session()).close()
    session = store.session("last")
    claim = SessionLock.take(store.path, session.id)
    assert claim is not None
    return session.id, session.streams[0].id, claim


def noise(first: int, n: int) -> SampleBlock:
    rng = np.random.default_rng(first)
    return SampleBlock((first + np.arange(n)) / 80.0, rng.normal(size=n))


def test_a_full_disk_stops_nothing_loses_nothing_and_is_told(tmp_path: Path, new_session: Make) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    session, stream, claim = begin(store, new_session)
    limit = full_disk_at(40)
    recorder = Recorder(FileClaim(store.path, claim, limit), session, [stream])
    recorder.write(noise(0, 100))
    recorder.flush()
    recorder.write(noise(100, 20_000))
    with pytest.raises(StoreError, match="disk is full"):
        recorder.flush()
    recorder.write(noise(20_100, 10))
    assert recorder.problem is not None
    with pytest.raises(StoreError, match=r"disk is full.*stored before is safe"):
        recorder.close()
    assert concatenate(store.blocks(store.session(session).streams[0])) == noise(0, 100)


def test_a_store_on_a_full_disk_can_be_looked_at_though_a_session_is_not_closed(
    tmp_path: Path, new_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    recorder = store.record(new_session())
    recorder.write(noise(0, 100))
    recorder.flush()
    recorder._claim.release()

    def no_room(store: Path, session: int) -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("PRAGMA max_page_count = 1")
            connection.execute("CREATE TABLE too_much (x)")

    with monkeypatch.context() as full:
        full.setattr(SessionLock, "take", no_room)
        looked_at = Store.open(store.path)
    assert "the disk is full" in str(looked_at.full)
    assert looked_at.session("last").samples == 100
    again = Store.open(store.path)
    assert (again.full, [lost.samples for lost in again.recovered]) == (None, [100])


def test_what_waited_in_memory_is_written_once_the_disk_has_room(tmp_path: Path, new_session: Make) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    session, stream, claim = begin(store, new_session)
    opened: list[sqlite3.Connection] = []

    def limited(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA max_page_count = 40")
        opened.append(connection)
        return connection

    recorder = Recorder(FileClaim(store.path, claim, limited), session, [stream])
    recorder.write(noise(0, 20_000))
    with pytest.raises(StoreError, match="disk is full"):
        recorder.flush()
    recorder.write(noise(20_000, 50))
    opened[0].execute("PRAGMA max_page_count = 100000")
    recorder.flush()
    assert recorder.problem is None
    recorder.close()
    kept = concatenate(store.blocks(store.session(session).streams[0]))
    assert kept == concatenate([noise(0, 20_000), noise(20_000, 50)])


def test_closing_again_saves_what_the_disk_did_not_take(tmp_path: Path, new_session: Make) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    session, stream, claim = begin(store, new_session)
    pages = 40

    def limited(path: Path) -> sqlite3.Connection:
        return full_disk_at(pages)(path)

    recorder = Recorder(FileClaim(store.path, claim, limited), session, [stream])
    recorder.write(noise(0, 20_000))
    for _ in range(2):
        with pytest.raises(StoreError, match="disk is full"):
            recorder.close(summary={"reps": 3})
    assert Store.open(store.path).recovered == ()  # nobody else takes it for abandoned meanwhile
    pages = 100_000
    recorder.close()
    kept = store.session(session)
    assert (kept.state, kept.summary) == (SessionState.COMPLETE, {"reps": 3})
    assert concatenate(store.blocks(kept.streams[0])) == noise(0, 20_000)
    recorder.close()


def test_a_lock_held_by_another_program_delays_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_session: Make, samples: Make
) -> None:
    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 0.02)
    store = Store.open(tmp_path / "store.sqlite3")
    recorder = store.record(new_session())
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder.write(samples(0, 30))
        with pytest.raises(StoreError, match="locked"):
            recorder.flush()
        recorder.write(samples(30, 30))
        other.execute("ROLLBACK")
    recorder.close()
    assert concatenate(store.blocks(store.session("last").streams[0])) == samples(0, 60)


def test_writing_never_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_session: Make, samples: Make
) -> None:
    monkeypatch.setattr("bandsense.store.database._BUSY_TIMEOUT_S", 10_000.0)
    store = Store.open(tmp_path / "store.sqlite3")
    recorder = store.record(new_session())
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the writer thread hangs on this lock until it is given up

        def write() -> None:
            for number in range(200):
                recorder.write(samples(number * 16, 16))

        writing = threading.Thread(target=write)
        writing.start()
        writing.join(60.0)
        waited = writing.is_alive()
        other.execute("ROLLBACK")
    writing.join()
    recorder.close()
    assert not waited
    assert store.session("last").samples == 3200


def test_a_closed_recorder_takes_nothing_and_may_be_closed_again(
    tmp_path: Path, new_session: Make, samples: Make
) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    recorder = store.record(new_session())
    recorder.close()
    recorder.close()
    with pytest.raises(StoreError, match="closed"):
        recorder.write(samples(0, 1))


def record_and_fail(recorder: Recorder) -> None:
    with recorder:
        recorder.write(noise(0, 20_000))
        raise KeyError("mine")


def test_the_error_of_the_session_is_told_not_that_of_the_disk(tmp_path: Path, new_session: Make) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    session, stream, claim = begin(store, new_session)
    recorder = Recorder(FileClaim(store.path, claim, full_disk_at(1)), session, [stream])
    with pytest.raises(KeyError, match="mine"):
        record_and_fail(recorder)
