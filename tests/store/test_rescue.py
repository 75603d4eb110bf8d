"""What a damaged store still holds comes back, and nothing that it never held."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandsense.errors import StoreError
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.store.database import connect
from bandsense.store.model import SessionState
from bandsense.store.pages import read_pages
from bandsense.store.rescue import rescue
from bandsense.store.store import Store

Make = Callable[..., Any]
SESSIONS, BLOCKS = 8, 25
COUNTS = np.random.default_rng(1).integers(-8_000_000, 8_000_000, 40 * BLOCKS).astype(float)


def piece(number: int) -> SampleBlock:
    """Half a second that no encoder makes small."""
    index = np.arange(40 * number, 40 * (number + 1))
    return SampleBlock(index / 80.0, COUNTS[index], Unit.COUNT)


@pytest.fixture
def full(built: Path, tmp_path: Path) -> Path:
    """A copy of `built` to damage."""
    return Path(shutil.copy(built, tmp_path))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, new_session: Make) -> Path:
    """Sessions of many pieces, with events and inputs, and one of each document."""
    store = Store.open(tmp_path_factory.mktemp("built") / "store.sqlite3")
    store.people.put("ada", {"id": "ada", "setups": []})
    store.bands.put("red", {"id": "red", "colour": "red"})
    store.sensors.put("4f2a", {"id": "4f2a", "side": "left"})
    for session in range(1, SESSIONS + 1):
        with store.record(new_session()) as recorder:
            for number in range(BLOCKS):
                recorder.write(piece(number), arrived_unix_s=1_700_000_000.0 + number)
                recorder.flush()
            recorder.note_input("tare", {})
            recorder.note_event(
                "rep_completed", {"text": f"secret of {session}, " * (300 if session == 7 else 1)}
            )
            recorder.note_set({"number": 1})
            recorder.close(summary={"reps": 3})
    return Path(store.path)


def contents(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def test_all_of_a_healthy_store_is_found(full: Path, tmp_path: Path) -> None:
    report = rescue(full, tmp_path / "new.sqlite3")
    assert contents(tmp_path / "new.sqlite3") == contents(full)
    assert (report.samples, report.damaged_pieces, report.lost) == (SESSIONS * BLOCKS * 40, 0, 0)
    assert (tmp_path / "new.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_cost_what_they_hit(full: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(full.read_bytes())
    for at in rng.integers(0, len(data), 20):
        data[at] ^= 1 << int(rng.integers(8))
    full.write_bytes(data)
    report = rescue(full, tmp_path / "new.sqlite3")
    store = Store.open(tmp_path / "new.sqlite3")
    whole = SESSIONS * BLOCKS * 40
    assert report.samples > 0.6 * whole
    for session in store.sessions():
        for stream in session.streams:
            kept = concatenate(store.blocks(stream))
            assert np.array_equal(kept.values, COUNTS[np.rint(kept.time_s * 80.0).astype(int)])
            steps = np.diff(kept.time_s)
            assert kept.gap_before[1:][steps > 0.02].all()  # what is missing is marked


@pytest.mark.parametrize("share", [0.75, 0.9, 0.99])
def test_a_truncated_store_gives_what_is_left(full: Path, tmp_path: Path, share: float) -> None:
    data = full.read_bytes()
    full.write_bytes(data[: int(len(data) * share)])
    report = rescue(full, tmp_path / "new.sqlite3")
    assert report.samples > (share - 0.5) * SESSIONS * BLOCKS * 40
    assert Store.open(tmp_path / "new.sqlite3").sessions()


def test_a_store_whose_first_page_is_gone_still_gives_its_sessions(full: Path, tmp_path: Path) -> None:
    data = bytearray(full.read_bytes())
    data[:4096] = bytes(4096)
    full.write_bytes(data)
    report = rescue(full, tmp_path / "new.sqlite3")
    assert report.samples == SESSIONS * BLOCKS * 40
    store = Store.open(tmp_path / "new.sqlite3")
    assert len(store.sessions()) == SESSIONS
    assert set(store.people.all()) == {"ada"}
    assert set(store.bands.all()) == {"red"}
    assert set(store.sensors.all()) == {"4f2a"}


def running_copy(store: Store, new_session: Make, folder: Path) -> Path:
    """A store and its log as a kill would leave them, with the last session in the log."""
    recorder = store.record(new_session())
    folder.mkdir()
    for number in range(BLOCKS):
        recorder.write(piece(number))
        recorder.flush()
    for name in (store.path.name, f"{store.path.name}-wal"):
        shutil.copy(store.path.with_name(name), folder / name)
    recorder.close()
    return folder / str(store.path.name)


def test_what_lies_in_the_log_is_found(full: Path, tmp_path: Path, new_session: Make) -> None:
    torn = running_copy(Store.open(full), new_session, tmp_path / "killed")
    report = rescue(torn, tmp_path / "new.sqlite3")
    assert report.samples == (SESSIONS + 1) * BLOCKS * 40
    assert Store.open(tmp_path / "new.sqlite3").session("last").state is SessionState.RECOVERED


def test_a_flipped_bit_in_the_log_costs_a_page_and_not_all_behind_it(
    full: Path, tmp_path: Path, new_session: Make
) -> None:
    torn = running_copy(Store.open(full), new_session, tmp_path / "killed")
    log = torn.with_name(f"{torn.name}-wal")
    data = bytearray(log.read_bytes())
    data[len(data) // 3] ^= 0x10
    log.write_bytes(data)
    assert read_pages(torn).damaged_frames == 1
    report = rescue(torn, tmp_path / "new.sqlite3")
    assert report.samples >= (SESSIONS + 1) * BLOCKS * 40 - 80


def test_a_store_without_its_log_gives_what_was_checkpointed(
    full: Path, tmp_path: Path, new_session: Make
) -> None:
    torn = running_copy(Store.open(full), new_session, tmp_path / "killed")
    torn.with_name(f"{torn.name}-wal").unlink()
    assert rescue(torn, tmp_path / "new.sqlite3").samples >= SESSIONS * BLOCKS * 40


def test_inputs_move_with_the_samples_before_them(full: Path, tmp_path: Path) -> None:
    with closing(connect(full)) as connection:
        connection.execute("UPDATE chunks SET data = x'00' WHERE stream = 3 AND number = 4")
    report = rescue(full, tmp_path / "new.sqlite3")
    assert report.damaged_pieces == 1
    store = Store.open(tmp_path / "new.sqlite3")
    (stream,) = store.session(3).streams
    assert stream.samples == 40 * (BLOCKS - 1)
    assert [each.after_samples for each in store.inputs(stream)] == [40 * (BLOCKS - 1)]
    kept = concatenate(store.blocks(stream))
    assert np.flatnonzero(np.diff(kept.time_s) > 0.02).tolist() == [159]
    assert kept.gap_before[160]


def test_samples_whose_session_is_lost_get_one_that_says_so(full: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(full)) as connection, connection:
        connection.execute("DELETE FROM sessions WHERE id = 5")
        connection.execute("DELETE FROM streams WHERE id = 7")
    rescue(full, tmp_path / "new.sqlite3")
    store = Store.open(tmp_path / "new.sqlite3")
    assert store.session(5).source == "rescued"
    assert store.session(5).samples == 40 * BLOCKS
    new = store.session("last")
    assert (new.source, new.samples) == ("rescued", 40 * BLOCKS)
    assert any("settings cannot be read" in damage for damage in new.damage)


def test_what_was_deleted_does_not_come_back(full: Path, tmp_path: Path) -> None:
    store = Store.open(full)
    for session in range(2, SESSIONS + 1):
        store.delete(session)
    report = rescue(full, tmp_path / "new.sqlite3")
    assert report.samples == 40 * BLOCKS
    data = full.read_bytes()
    assert b"secret of 1, " in data
    assert b"secret of 7, " not in data  # not even its bytes stay


def test_an_existing_file_and_a_file_of_nothing_are_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="exists already"):
        rescue(full, full)
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"\x5a" * 50_000)
    with pytest.raises(StoreError, match="nothing of a store"):
        rescue(nothing, tmp_path / "new.sqlite3")
    assert not (tmp_path / "new.sqlite3").exists()
    with pytest.raises(StoreError, match="cannot be read"):
        rescue(tmp_path / "none", tmp_path / "new.sqlite3")
