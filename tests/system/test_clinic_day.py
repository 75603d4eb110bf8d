"""A day in a clinic: six people, eight bands, two laptops, one server; a kill, a full disk, cut cables.

At its end what the sensors sent is on the server, once, and what the report says is what other programs read
from the exports.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import fitdecode
import pytest

from bandsense.capture.format import read_capture
from bandsense.capture.replay import replay_capture
from bandsense.link.drivers.registry import decoder_named
from bandsense.samples import FloatArray, SampleBlock, concatenate
from bandsense.store.maintenance import check
from bandsense.store.model import SessionState
from bandsense.store.store import Store
from tests.support.postgresql import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.real_time, pytest.mark.timeout(900)]

FULL_DISK = """
import sys
import bandsense.store.database as database
from bandsense.cli import main

connect = database.connect

def full(path):
    "The disk has room for two pages: SQLite's own limit gives the very error of a full disk."
    connection = connect(path)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    return connection

database.connect = full
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Laptop:
    """A computer with a store of its own."""

    home: Path
    server: str
    sent: dict[str, int] = field(default_factory=dict)
    """Samples of each capture, by person and band."""

    @property
    def store(self) -> Path:
        return self.home / "bandsense.sqlite3"

    def start(self, *arguments: str | Path, program: str = "") -> subprocess.Popen[str]:
        what = ["-c", program] if program else ["-m", "bandsense"]
        return subprocess.Popen(
            [sys.executable, *what, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"BANDSENSE_HOME": str(self.home)},
        )

    def run(self, *arguments: str | Path, status: int = 0, program: str = "") -> str:
        process = self.start(*arguments, program=program)
        out, told = process.communicate(timeout=300)
        assert process.returncode == status, told
        return out + (told if status else "")

    def training(self, person: str, band: str, *more: str | Path) -> list[str | Path]:
        self.run("band", "add", band, "--colour", "green", "--rest-length-cm", "60", "--store", self.store)
        return [
            *("live", "--sim", "--json", "--sets", "1", "--reps", "3", "--exercise", "seated-row"),
            *("--person", person, "--capture", self.home / f"{band}.bandcap", *more),
        ]

    def train(self, person: str, band: str, *more: str | Path) -> int:
        """Train a set with a band, and return how many samples the session says it had."""
        out = self.run(*self.training(person, band, "--speed", "0", "--store", self.store, *more))
        return int(json.loads(out.splitlines()[-1])["samples"])


def readings_of(capture: Path) -> FloatArray:
    """Return what came over the air."""
    blocks = replay_capture(read_capture(capture), decoder_named)
    return concatenate(each for each in blocks if isinstance(each, SampleBlock)).values


class Cable:
    """A way to the server that can be pulled out; after so many bytes it is, by itself."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.bytes_left: float = float("inf")
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.bytes_left <= 0:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(4096):
                self.bytes_left -= len(data)
                if self.bytes_left <= 0:
                    self.pull()
                    return
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def pull(self) -> None:
        self.bytes_left = 0
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.bytes_left = float("inf")

    def close(self) -> None:
        self.pull()
        for each in (self._listener, *self._sockets):
            each.close()


@contextmanager
def cable(url: str) -> Iterator[tuple[Cable, str]]:
    """Yield a cable to the server of an address, and the address through it."""
    port = re.search(r":(\d+)/", url)
    assert port is not None
    made = Cable(int(port[1]))
    try:
        yield made, url.replace(f":{port[1]}/", f":{made.port}/")
    finally:
        made.close()


def wait_for_samples(place: Path | str, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until the newest session of a store holds so many."""
    while True:
        assert process.poll() is None, process.communicate()
        with suppress(Exception):
            session = Store.open(place, read_only=True).session("last")
            if session.state is SessionState.OPEN and session.samples >= number:
                return
        time.sleep(0.1)


def test_a_day_in_a_clinic(
    postgresql: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / "office"))
    database = postgresql.database()
    laptops = []
    for name in ("front", "gym"):
        home = tmp_path / name
        home.mkdir()
        laptops.append(Laptop(home, postgresql.clinic("north", database)))
    front, gym = laptops

    # In the morning: two people, and one with two bands on two sensors.
    sent = front.train("Ada", "b1") + gym.train("Bob", "b2")
    front.run("band", "add", "b4", "--colour", "red", "--rest-length-cm", "60", "--store", front.store)
    both = front.training("Dee", "b3", "--speed", "0", "--store", front.store)
    both[both.index("seated-row")] = "pull-apart"
    captured = both.index("--capture")
    out = front.run(both[0], "left", "right", *both[1:captured], *both[captured + 2 :])
    sent += int(json.loads(out.splitlines()[-1])["samples"])

    # The program is killed in the middle of Cyd's set. What had reached the disk is there, in order.
    killed = front.start(*front.training("Cyd", "b5", "--store", front.store))
    wait_for_samples(front.store, 240, killed)
    killed.kill()
    killed.communicate()
    (lost,) = Store.open(front.store).recovered
    assert lost.samples >= 240
    kept = Store.open(front.store)
    values = concatenate(kept.blocks(kept.session(lost.session).streams[0])).values
    assert values.tolist() == readings_of(front.home / "b5.bandcap")[: len(values)].tolist()
    sent += lost.samples

    # The gym's disk is full from the start of Eli's set. All of it waits, and is taken in afterwards.
    told = gym.run(
        *gym.training("Eli", "b6", "--speed", "0", "--store", gym.store), status=1, program=FULL_DISK
    )
    assert "the disk is full" in told
    waiting = list(gym.home.glob("*.waiting-*.json"))
    assert len(waiting) == 1
    gym.run("sessions", "--store", gym.store)
    assert not waiting[0].exists()
    sent += len(readings_of(gym.home / "b6.bandcap"))

    # Fay's set goes straight to the server, whose cable is pulled out in the middle, and put back.
    with cable(gym.server) as (line, url):
        live = gym.start(*gym.training("Fay", "b7", "--store", url))
        wait_for_samples(gym.server, 160, live)
        line.pull()
        time.sleep(1.5)
        line.mend()
        out, errors = live.communicate(timeout=300)
        assert live.returncode == 0, errors
    straight = len(readings_of(gym.home / "b7.bandcap"))
    assert json.loads(out.splitlines()[-1])["samples"] == straight

    # In the evening both push; the front's cable is cut again and again on the way.
    cuts = 0
    with cable(front.server) as (line, url):
        for allowed in range(6_000, 200_000, 9_000):
            line.bytes_left = allowed
            process = front.start("push", url, "--store", front.store)
            _, errors = process.communicate(timeout=300)
            if process.returncode == 0:
                break
            assert "cannot be reached" in errors or "try again" in errors, errors
            cuts += 1
    assert process.returncode == 0
    assert cuts >= 2
    gym.train("Ada", "b8")
    sent += len(readings_of(gym.home / "b8.bandcap"))
    gym.run("push", gym.server, "--store", gym.store)

    # Ada's profile went on on both laptops: whichever came later says so, and nothing was overwritten.
    again = front.start("push", front.server, "--store", front.store, "--json").communicate(timeout=300)[0]
    assert all(
        json.loads(line)["outcome"] in ("same", "changed there", "conflict") for line in again.splitlines()
    )
    assert not any(
        json.loads(line)["outcome"] == "conflict" and json.loads(line)["kind"] == "session"
        for line in again.splitlines()
    )

    server = Store.open(front.server)
    assert sum(session.samples for session in server.sessions()) == sent + straight
    assert len(server.sessions()) == 7
    assert len({session.person for session in server.sessions()}) == 6
    assert sum(len(session.streams) for session in server.sessions()) == 8
    assert list(check(server)) == []
    for laptop in laptops:
        for here in Store.open(laptop.store).sessions():
            (there,) = [each for each in server.sessions() if each.started_unix_s == here.started_unix_s]
            ours = [list(Store.open(laptop.store).blocks(stream)) for stream in here.streams]
            assert [list(server.blocks(stream)) for stream in there.streams] == ours
    compare_report_with_exports(front, server, tmp_path)


def compare_report_with_exports(laptop: Laptop, server: Store, folder: Path) -> None:
    """Hold what the reports of whole sessions say against exports, as DuckDB and fitdecode read them."""
    for session in server.sessions():
        if session.state is SessionState.RECOVERED:
            continue  # it was killed before a set was over
        number, place = str(session.id), ("--store", laptop.server)
        exports = folder / number
        report = folder / f"{number}.html"
        laptop.run("report", number, *place, "-o", report)
        laptop.run("export", number, *place, "--format", "csv-reps", "-o", exports)
        laptop.run("export", number, *place, "--format", "fit", "-o", exports)
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", report.read_text(encoding="utf-8")))
        said = re.search(r"You did (\d+) repetitions? in (\d+) sets?", words)
        assert said is not None, words
        (table,) = exports.glob("*.csv")
        ((rows,),) = duckdb.sql(f"SELECT count(*) FROM read_csv('{table}')").fetchall()
        assert int(said[1]) == rows
        counted = 0
        for file in exports.glob("*.fit"):
            with fitdecode.FitReader(file) as reader:
                messages: list[Any] = [each for each in reader if isinstance(each, fitdecode.FitDataMessage)]
            counted += sum(
                each.get_value("repetitions")
                for each in messages
                if each.name == "set" and each.get_value("set_type") == "active"
            )
        assert int(said[1]) == counted
