"""The power fails below the file system: what was synced is there, what was not may be there, or half of it.

A program records sessions while a layer under it (`journal.c`, by LD_PRELOAD) writes down each write,
truncation and sync of the store's files. For each cut the files are made anew up to a moment:
what was synced before is kept; of what was written since, each sector (512 bytes) is kept or not, at random.
Then the store is opened.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bandsense.samples import concatenate
from bandsense.store.maintenance import check
from bandsense.store.model import SessionState
from bandsense.store.store import Store
from tests.needs import missing

SOURCE = Path(__file__).with_name("journal.c")
WRITE, TRUNCATE, SYNC, UNLINK = 1, 2, 3, 4
SECTOR = 512

RECORD = """
import os, sys, time
import numpy as np
import bandsense.store.recorder as recorder_module
from bandsense.samples import SampleBlock, Unit
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store

recorder_module.CHECKPOINT_INTERVAL_S = 0.2
folder, pieces = sys.argv[1], int(sys.argv[2])
told = os.open(folder + "/told", os.O_WRONLY | os.O_CREAT, 0o600)
store = Store.open(folder + "/store.sqlite3")
n = 0
for session in range(2):
    recorder = store.record(NewSession("sensor", time.time(), (NewStream("s", Unit.COUNT),), "test"))
    for piece in range(pieces):
        index = np.arange(40 * piece, 40 * (piece + 1))
        recorder.write(SampleBlock(index / 80.0, (index * 7919.0) % 5e6))
        recorder.note_event("piece", {"number": piece})
        recorder.flush(120.0)  # a disk that other programs keep busy takes its time
        os.write(told, b"%d %d\\n" % (session + 1, 40 * (piece + 1)))  # must never be lost from here on
    recorder.close(summary={"reps": 1})
    os.write(told, b"%d done\\n" % (session + 1))
"""


@dataclass(frozen=True)
class Step:
    kind: int
    path: str
    at: int
    data: bytes


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    """What a program that records two sessions does to the disk."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        missing("a C compiler", "sudo apt-get install gcc libc6-dev")
    folder = tmp_path_factory.mktemp("power")
    library = folder / "journal.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    (folder / "store").mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "JOURNAL_FILE": str(folder / "journal"),
        "JOURNAL_FOLDER": str(folder / "store"),
    }
    command = [sys.executable, "-c", RECORD, str(folder / "store"), "40"]
    subprocess.run(command, env=environment, check=True, timeout=250)
    steps = list(read((folder / "journal").read_bytes()))
    assert sum(step.kind == SYNC for step in steps) > 80  # or the layer saw nothing
    return steps


def read(data: bytes) -> Iterator[Step]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<BI", data, at)
        path = data[at + 5 : at + 5 + length].decode()
        offset, size = struct.unpack_from("<QI", data, at + 5 + length)
        at += 17 + length
        yield Step(kind, Path(path.removesuffix(" (deleted)")).name, offset, data[at : at + size])
        at += size


@dataclass
class File:
    """A file as it is on the disk, and what was done to it since it was synced."""

    durable: bytearray = field(default_factory=bytearray)
    waiting: list[Step] = field(default_factory=list)

    def sync(self) -> None:
        for step in self.waiting:
            apply(self.durable, step)
        self.waiting.clear()


def apply(content: bytearray, step: Step, keep: np.ndarray | None = None) -> None:
    if step.kind == TRUNCATE:
        content[step.at :] = bytes(max(0, step.at - len(content)))
        return
    for number, start in enumerate(range(0, len(step.data), SECTOR)):
        if keep is None or keep[number]:
            piece = step.data[start : start + SECTOR]
            at = step.at + start
            content.extend(bytes(max(0, at + len(piece) - len(content))))
            content[at : at + len(piece)] = piece


def after_a_cut(steps: list[Step], rng: np.random.Generator, folder: Path) -> dict[int, int]:
    """Make the files as they may be after these steps; gives what was said to be safe, by session."""
    files: dict[str, File] = {}
    told: dict[int, int] = {}
    for step in steps:
        if step.path == "told":
            session, _, count = step.data.decode().strip().partition(" ")
            told[int(session)] = told.get(int(session), 0) if count == "done" else int(count)
        elif step.kind == SYNC:
            files.setdefault(step.path, File()).sync()
        elif step.kind == UNLINK:
            files.pop(step.path, None)
        else:
            files.setdefault(step.path, File()).waiting.append(step)
    for name, file in files.items():
        content = bytearray(file.durable)
        for step in file.waiting:
            if step.kind == WRITE:
                apply(content, step, rng.random(-(-len(step.data) // SECTOR)) < 0.5)
            elif rng.random() < 0.5:
                apply(content, step)
        (folder / name).write_bytes(content)
    return told


def cut_and_open(journal: list[Step], seed: int, folder: Path) -> tuple[int, int]:
    """Cut the power at a random moment; gives how many samples were said to be safe, and are there."""
    rng = np.random.default_rng(seed)
    first = next(number for number, step in enumerate(journal) if step.path == "told")
    moment = int(rng.integers(first, len(journal) + 1))
    told = after_a_cut(journal[:moment], rng, folder)
    store = Store.open(folder / "store.sqlite3")
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(check(store)) == []
    found = {session.id: session for session in store.sessions()}
    safe = kept = 0
    for number, count in told.items():
        session = found[number]
        assert session.state in (SessionState.COMPLETE, SessionState.RECOVERED)
        block = concatenate(store.blocks(session.streams[0]))
        assert len(block) >= count
        index = np.arange(len(block))
        assert np.array_equal(block.values, (index * 7919.0) % 5e6)
        safe, kept = safe + count, kept + len(block)
    return safe, kept


@pytest.mark.parametrize("batch", range(4))
def test_what_was_flushed_is_there_after_a_power_cut(journal: list[Step], tmp_path: Path, batch: int) -> None:
    """Ten moments each; all two hundred below."""
    for seed in range(10 * batch, 10 * (batch + 1)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        safe, kept = cut_and_open(journal, seed, folder)
        assert kept >= safe


@pytest.mark.slow
def test_two_hundred_power_cuts(journal: list[Step], tmp_path: Path) -> None:
    lost = 0
    for seed in range(1000, 1200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        safe, kept = cut_and_open(journal, seed, folder)
        lost += max(0, safe - kept)
        shutil.rmtree(folder)
    assert lost == 0


def test_without_syncs_the_test_would_notice(journal: list[Step], tmp_path: Path) -> None:
    """The layer and the cuts are worth something: a program that never syncs loses data in them."""
    careless = [step for step in journal if step.kind != SYNC]
    failed = 0
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            cut_and_open(careless, seed, folder)
        except Exception:  # damaged, or without what was said to be safe
            failed += 1
    assert failed >= 10
