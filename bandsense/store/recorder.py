"""Writing a session while it happens, on a thread of its own: neither radio nor view waits for the disk.

    radio, views                     recorder's thread                             disk
    ────────────                     ─────────────────                             ────
    write(block) ──▶ queue ──▶ pending: samples by stream, rows ──every 0.5 s───▶ log (WAL)
    note_event() ──▶  (never full)   stay until a commit succeeded    one commit    │ every 30 s
    flush() ◀──── done ◀─────────────┘                                              ▼
    close() ◀──── the last commit: what is left, the summary, *complete*          store

**Nothing is lost** that was committed: a transaction is on the disk whole or not at all, so a
program that is killed loses at most `COMMIT_INTERVAL_S` and what its last commit took. Samples of a commit
make one chunk per stream; its number counts up only after the commit succeeded, so that a commit that is
tried again cannot write a chunk twice. Where a commit was cut off (a server that does not answer) nobody
knows whether it succeeded: the very same rows are written again then, unless they are there.

**Nothing waits.** The queue has no limit and its `put` never blocks; at 320 Hz an hour without a disk takes
some tens of megabytes. A commit that fails (full, locked, gone) keeps everything in `pending`, says why in
`problem`, and the next one tries again.

**The end.** `close` waits for the thread; where the last commit failed it raises and may be called again,
then in the caller's own thread. `set_aside` writes what waits into a file beside the store, which the next
`Store.open` takes in. A session whose recorder died holds no lock any more, by which the next start knows
that it is to be closed as *recovered*.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bandsense.errors import StoreError
from bandsense.language import Message
from bandsense.samples import SampleBlock, concatenate
from bandsense.store import chunks
from bandsense.store.backend import Claim, Connection, transaction
from bandsense.store.database import translating_errors
from bandsense.store.model import JsonObject, SessionState
from bandsense.store.waiting import INSERT, leave_waiting

__all__ = ["COMMIT_INTERVAL_S", "Recorder"]

COMMIT_INTERVAL_S = 0.5
"""Samples reach the disk at least this often; half of what may be lost when the program is killed."""

_ROW_TABLES = ("inputs", "events", "sets")


@dataclass(frozen=True, slots=True)
class _Samples:
    stream: int
    block: SampleBlock
    arrived_unix_s: float


@dataclass(frozen=True, slots=True)
class _Row:
    table: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Flush:
    done: threading.Event


@dataclass(frozen=True, slots=True)
class _Stop:
    ended_unix_s: float
    summary: str | None


_Job = _Samples | _Row | _Flush | _Stop


@dataclass(slots=True)
class _Pending:
    """What has not reached the disk yet. It stays here until a commit succeeds.

    Attributes:
        sent: rows of commits that were cut off and may have succeeded; the same ones are tried again.
    """

    sent: list[_Row] = field(default_factory=list)
    samples: dict[int, list[_Samples]] = field(default_factory=dict)
    rows: list[_Row] = field(default_factory=list)
    flushes: list[threading.Event] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sent or self.samples or self.rows)

    def add(self, job: _Samples | _Row | _Flush) -> None:
        if isinstance(job, _Samples):
            self.samples.setdefault(job.stream, []).append(job)
        elif isinstance(job, _Row):
            self.rows.append(job)
        else:
            self.flushes.append(job.done)

    def stored(self) -> None:
        self.sent.clear()
        self.samples.clear()
        self.rows.clear()

    def answer_flushes(self) -> None:
        for done in self.flushes:
            done.set()
        self.flushes.clear()


class Recorder:
    """Records one session. Every method but `flush` and `close` returns at once and never blocks.

    A problem with the disk does not stop the session: samples wait in memory and each commit tries again;
    `problem` says what is wrong meanwhile, and `close` raises it when it did not go away; nothing is given up
    then, and `close` may be called again once there is room.

    Use `Store.record` to get one.
    """

    def __init__(
        self,
        claim: Claim,
        session: int,
        streams: Sequence[int],
    ) -> None:
        self._session = session
        self._streams = tuple(streams)
        self._claim = claim
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._pending = _Pending()
        self._chunk_numbers = dict.fromkeys(self._streams, 0)
        self._row_numbers = {(table, stream): 0 for table in _ROW_TABLES for stream in self._streams}
        self._samples = dict.fromkeys(self._streams, 0)
        self._problem: StoreError | None = None
        self._stop: _Stop | None = None
        self._thread = threading.Thread(target=self._run, name=f"bandsense-recorder-{session}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close()
        except StoreError:  # the first error is the one to tell
            with contextlib.suppress(StoreError):
                self.set_aside()
        self._claim.release()

    @property
    def session(self) -> int:
        """Number of the session being recorded."""
        return self._session

    @property
    def problem(self) -> StoreError | None:
        """Why samples wait in memory at present; None while they reach the disk."""
        return self._problem

    @property
    def samples(self) -> int:
        """How many were written so far, of all streams; those that wait are counted."""
        return sum(self._samples.values())

    def write(self, block: SampleBlock, *, stream: int = 0, arrived_unix_s: float | None = None) -> None:
        """Record raw samples of the session's stream number `stream` (0 for the first)."""
        self._require_open()
        if not len(block):
            return
        key = self._streams[stream]
        self._samples[key] += len(block)
        self._jobs.put(_Samples(key, block, time.time() if arrived_unix_s is None else arrived_unix_s))

    def note_input(self, kind: str, data: JsonObject, *, stream: int = 0) -> None:
        """Record what besides samples reaches the analysis now, after the samples written so far."""
        key = self._streams[stream]
        self._put_row("inputs", stream, self._samples[key], kind, json.dumps(data))

    def note_event(self, kind: str, data: JsonObject, *, stream: int = 0) -> None:
        """Record an event that the analysis gave."""
        self._put_row("events", stream, kind, json.dumps(data))

    def note_set(self, data: JsonObject, *, stream: int = 0) -> None:
        """Record the result of a finished set."""
        self._put_row("sets", stream, json.dumps(data))

    def flush(self, timeout_s: float = 10.0) -> None:
        """Wait until everything so far is on the disk.

        Raises:
            StoreError: it cannot be written, or not in time.
        """
        self._require_open()
        done = threading.Event()
        self._jobs.put(_Flush(done))
        if not done.wait(timeout_s):
            raise StoreError(
                Message(
                    "the store {claim} did not take the data within {timeout_s:g} s; check the disk",
                    claim=self._claim.name,
                    timeout_s=timeout_s,
                )
            )
        if self._problem is not None:
            raise self._problem

    def close(self, *, summary: JsonObject | None = None, ended_unix_s: float | None = None) -> None:
        """Write what is left, mark the session complete and end the thread.

        Closing again tries again what could not be written, and does nothing when nothing is left.

        Raises:
            StoreError: something could not be written; what was written before is kept, the rest waits.
        """
        if self._stop is None:
            ended = time.time() if ended_unix_s is None else ended_unix_s
            self._stop = _Stop(ended, None if summary is None else json.dumps(summary))
            self._jobs.put(self._stop)
            self._thread.join()
        elif self._problem is not None:
            self._commit(self._stop)  # in the caller's thread, as the recorder's own has ended
            self._claim.disconnect()
        if self._problem is not None:
            raise self._problem
        self._claim.release()

    @property
    def waiting_samples(self) -> int:
        """Return how many samples have not reached the disk, once `close` has failed."""
        return sum(int(str(values[2])) for values in self._waiting().get("chunks", ()))

    def set_aside(self) -> Path:
        """Give up writing into the store after `close` has failed: write what waits to a file beside it.

        The next `Store.open` takes it in. Where nothing can be written there, it lies in a folder of
        temporary files, and is taken in from there.

        Raises:
            StoreError: that cannot be written either; everything still waits, and both may be tried again.
        """
        if self._stop is None or self._problem is None:
            raise StoreError(
                Message(
                    "nothing of session {session} is waiting to be stored; close it first",
                    session=self._session,
                )
            )
        rows = {"chunks": [], **self._waiting()}
        path = leave_waiting(
            self._claim.local, self._session, self._streams, rows, self._stop.ended_unix_s, self._stop.summary
        )
        self._problem = None
        self._pending.stored()
        self._claim.release()
        return path

    def _require_open(self) -> None:
        if self._stop is not None:
            raise StoreError(
                Message("session {session} is closed; start a new one to record more", session=self._session)
            )

    def _put_row(self, table: str, stream: int, *values: object) -> None:
        self._require_open()
        key = self._streams[stream]
        number = self._row_numbers[table, key]
        self._row_numbers[table, key] = number + 1
        self._jobs.put(_Row(table, (key, number, *values)))

    def _run(self) -> None:
        stop: _Stop | None = None
        deadline_s = time.monotonic() + COMMIT_INTERVAL_S
        try:
            while stop is None:
                stop = self._collect(deadline_s)
                self._commit(stop)
                deadline_s = time.monotonic() + COMMIT_INTERVAL_S
        except Exception as error:
            self._problem = StoreError(
                Message(
                    "the recorder of {claim} stopped: {error!r}; please report this",
                    claim=self._claim.name,
                    error=error,
                )
            )
        finally:
            self._pending.answer_flushes()
            self._claim.disconnect()

    def _collect(self, deadline_s: float) -> _Stop | None:
        """Take jobs until it is time to commit: at the deadline, on a flush, or at the end."""
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                return None
            if isinstance(job, _Stop):
                return job
            self._pending.add(job)
            if isinstance(job, _Flush):
                return None

    def _commit(self, stop: _Stop | None) -> None:
        """Try to bring everything pending to the disk; on failure keep it and remember why."""
        if self._pending or stop is not None:
            try:
                with translating_errors(self._claim.name):
                    connection = self._claim.connection()
                    with transaction(connection):
                        self._insert(connection)
                        if stop is not None:
                            self._finish(connection, stop)
            except StoreError as error:
                self._problem = error
                if self._claim.failed(error):
                    self._keep_as_sent()
            else:
                self._number_on()
                self._pending.stored()
                self._problem = None
                self._claim.committed()
        self._pending.answer_flushes()

    def _keep_as_sent(self) -> None:
        """Keep rows as they are, which may have been stored all the same: what comes now gets new ones."""
        self._pending.sent += self._rows()
        self._number_on()
        self._pending.samples.clear()
        self._pending.rows.clear()

    def _number_on(self) -> None:
        for stream in self._pending.samples:
            self._chunk_numbers[stream] += 1

    def _waiting(self) -> dict[str, list[tuple[object, ...]]]:
        return _by_table([*self._pending.sent, *self._rows()])

    def _rows(self) -> list[_Row]:
        rows = []
        for stream, parts in self._pending.samples.items():
            block = concatenate(part.block for part in parts)
            values = (
                stream,
                self._chunk_numbers[stream],
                len(block),
                float(block.time_s[0]),
                float(block.time_s[-1]),
                parts[-1].arrived_unix_s,
                chunks.encode(block),
            )
            rows.append(_Row("chunks", values))
        return rows + self._pending.rows

    def _insert(self, connection: Connection) -> None:
        for rows, otherwise in ((self._pending.sent, " ON CONFLICT DO NOTHING"), (self._rows(), "")):
            for table, values in _by_table(rows).items():
                connection.executemany(f"INSERT INTO {INSERT[table]}{otherwise}", values)

    def _finish(self, connection: Connection, stop: _Stop) -> None:
        connection.execute(
            "UPDATE sessions SET state = ?, ended_unix_s = ?, summary = ? WHERE id = ?",
            (SessionState.COMPLETE.value, stop.ended_unix_s, stop.summary, self._session),
        )


def _by_table(rows: Iterable[_Row]) -> dict[str, list[tuple[object, ...]]]:
    tables: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row.values)
    return tables
