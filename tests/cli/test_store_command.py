"""`bandsense store`, and how commands live with damage."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bandsense.store.store import Store
from tests.cli.conftest import Command


def store_file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "bandsense.sqlite3"


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_damaged_person_stops_neither_training_nor_doctor(
    session: Command, tmp_path: Path, set_file: Path
) -> None:
    live = ("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--exercise", "seated-row")
    live += ("--store", store_file(tmp_path))
    change(store_file(tmp_path), "UPDATE people SET data = substr(data, 1, 20)")
    assert session(*live).status == 0
    change(store_file(tmp_path), 'UPDATE people SET data = \'{"id": "me", "nickname": 3}\' WHERE id = \'me\'')
    done = session(*live)
    assert done.status == 0
    assert "me (damaged 1)" in done.err
    assert session("profile").status == 0
    checks = [json.loads(line) for line in session("doctor", "--json").lines]
    (found,) = (each for each in checks if each["check"] == "store")
    assert found["outcome"] == "good"
    assert session("doctor", "--bundle", tmp_path / "report.zip").status in (0, 1)
    assert (tmp_path / "report.zip").exists()


def test_a_damaged_session_is_listed_as_such_and_the_others_as_ever(session: Command, tmp_path: Path) -> None:
    change(store_file(tmp_path), "UPDATE sessions SET summary = 'x'")
    change(store_file(tmp_path), "UPDATE streams SET settings = '{'")
    done = session("sessions")
    assert done.status == 0
    assert "damaged" in done.lines[1]
    done = session("show", "1")
    assert (done.status, "its settings cannot be read" in done.err) == (1, True)
    done = session("store", "check", "--json")
    assert done.status == 1
    assert {json.loads(line)["session"] for line in done.lines} == {1}


def test_a_healthy_store_is_checked_backed_up_and_restored(session: Command, tmp_path: Path) -> None:
    assert session("store", "check").lines == ["everything can be read"]
    backup = tmp_path / "backup #1 of 100%25.sqlite3"
    assert session("store", "backup", backup).lines == [str(backup)]
    assert session("store", "backup", backup).status == 1
    assert session("sessions", "--delete", "1").status == 0
    done = session("store", "restore", backup)
    assert done.status == 0
    kept = Path(done.lines[1].removeprefix("what was there is kept as "))
    assert Store.open(store_file(tmp_path)).session(1).samples > 1000
    assert kept.exists()
    assert {path.stat().st_mode & 0o777 for path in (backup, kept, store_file(tmp_path))} == {0o600}


def test_a_store_that_is_not_there_is_neither_called_sound_nor_made(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "mistyped.sqlite3"
    for task in (("check",), ("backup", tmp_path / "copy.sqlite3"), ("rescue",)):
        done = command("store", *task, "--store", missing)
        assert (done.status, f"there is no store {missing}" in done.err) == (1, True)
    assert not missing.exists()
    assert not (tmp_path / "copy.sqlite3").exists()


def test_what_is_no_backup_is_refused(session: Command, tmp_path: Path) -> None:
    before = store_file(tmp_path).read_bytes()
    text = tmp_path / "text"
    text.write_text("no store " * 100)
    for file, said in (
        (text, f"{text} is not a backup of a store\n"),
        (tmp_path / "none", "there is no file"),
    ):
        done = session("store", "restore", file)
        assert (done.status, said in done.err) == (1, True)
    assert store_file(tmp_path).read_bytes() == before


def test_a_damaged_store_says_how_to_rescue_it_and_that_works(session: Command, tmp_path: Path) -> None:
    path = store_file(tmp_path)
    whole = Store.open(path).session(1).samples
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = b"\x5a" * 4096
    path.write_bytes(data)
    done = session("sessions")
    assert (done.status, "`bandsense store rescue`" in done.err) == (1, True)
    done = session("store", "rescue", "--replace")
    assert done.status == 0
    assert done.lines[0].endswith("rescued")
    assert session("sessions").status == 0
    assert Store.open(path).session("last").samples > 0.5 * whole
    (kept,) = path.parent.glob("*.damaged-*")
    assert kept.read_bytes() == bytes(data)


def test_store_alone_says_what_can_be_done(command: Command) -> None:
    done = command("store")
    assert (done.status, "check|backup|restore|rescue|init" in done.err) == (2, True)


def test_a_name_that_is_no_text_is_refused_plainly(command: Command, set_file: Path) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--person", "\udce4da")
    assert done.status == 1
    assert "not UTF-8 text" in done.err


@pytest.mark.parametrize("name", ["session-1.csv", "session-1.json"])
def test_exports_are_private(session: Command, tmp_path: Path, name: str) -> None:
    assert session("export", "1", "--format", name.rpartition(".")[2], "-o", tmp_path / "out").status == 0
    assert (tmp_path / "out" / name).stat().st_mode & 0o777 == 0o600
