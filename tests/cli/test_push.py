"""Stores on a server, named on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bandsense.store.edits import Edits
from bandsense.store.store import Store
from tests.support.old_store import old_store
from tests.support.postgresql import PostgresServer

Command = Callable[..., Any]


def test_prepared_pushed_to_shown_and_in_conflict(
    command: Command, postgresql: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / "home"))
    database = postgresql.database()
    owner = postgresql.url(database)
    prepared = command("store", "init", owner, "--clinic", "north", "--login", f"anna_{database}", "--json")
    assert prepared.status == 0
    login = json.loads(prepared.out)
    url = postgresql.url(database, login["login"], login["password"])
    shown = command("store", "init", owner, "--clinic", "north", "--login", login["login"])
    assert shown.out == f"{login['login']} belongs to the clinic north\n"

    file = old_store(tmp_path, "laptop.sqlite3")
    pushed = command("push", url, "--store", file, "--json")
    assert pushed.status == 0
    told = [json.loads(line) for line in pushed.out.splitlines()]
    assert {each["outcome"] for each in told} == {"sent"}
    again = command("push", url, "--store", file)
    assert again.status == 0
    assert "the same on both sides (0 samples sent)" in again.out
    here, there = (
        command("show", "last", "--json", "--store", place).out.replace(login["password"], "")
        for place in (file, url)
    )
    assert json.loads(here) == json.loads(there)

    for place, person in ((file, "eve"), (url, "bob")):
        store = Store.open(place)
        Edits(store.database).set_fields(store.session("last").id, {"person": person})
    conflict = command("push", url, "--store", file)
    assert conflict.status == 1
    assert "changed on both sides, and left alone on both" in conflict.out
    assert "--overwrite" in conflict.err
    for done in (pushed, again, conflict):
        assert login["password"] not in done.out + done.err
    log = "".join(path.read_text() for path in (tmp_path / "home").rglob("*.log*"))
    assert login["password"] not in log


def test_what_is_no_address_is_refused(command: Command) -> None:
    for words in (("push", "laptop.sqlite3"), ("store", "init", "clinics", "--clinic", "north")):
        done = command(*words)
        assert done.status == 2
        assert "postgresql://" in done.err


def test_a_server_is_not_backed_up_by_copying(command: Command) -> None:
    for task in ("restore", "rescue"):
        done = command(
            "store", task, *(["x"] if task == "restore" else []), "--store", "postgresql://a:hush@h/x"
        )
        assert done.status == 1
        assert "postgresql://a@h/x is not a file" in done.err
        assert "hush" not in done.err
