"""A whole archive of Parquet files computed anew, in local processes or on a cluster.

Workers read files and give back rows; this process alone writes. Files travel by name: on a cluster every
worker sees the archive at the same place, as on a shared file system.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bandsense.app.executor import Pool
from bandsense.app.reanalysis import Change, changed_settings, follow, software
from bandsense.errors import BandsenseError, FileFormatError
from bandsense.export.analysed import ANALYSED_COLUMNS, archived_files, known_keys, write_part
from bandsense.export.imports import ImportedSession, ImportedStream, read_sessions
from bandsense.export.rows import set_rows
from bandsense.export.table import SessionTable, StreamTable
from bandsense.language import Message
from bandsense.samples import SampleBlock
from bandsense.store.merge import merge_by_sample
from bandsense.store.model import Input, Session, SessionState, Stream

__all__ = ["PartDone", "analyse_archive"]

BATCH = 50
"""Files of a task, and so of a part: a second or more of work, beside which handing it out costs nothing."""


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part that was written.

    Attributes:
        files: how many it was made of.
        sets: how many were found in them.
        problems: file and reason of those that could not be computed.
    """

    path: Path
    files: int
    sets: int
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    folder: Path
    files: tuple[tuple[str, str], ...]
    """Name below the folder, and key."""
    change: Change
    band: Any


def analyse_archive(
    archive: Path, results: Path, change: Change, pool: Pool, band: Any = None, batch: int = BATCH
) -> Iterator[PartDone]:
    """Compute what is not in the results yet; yields each part as it is written.

    Args:
        archive: folder with files of `bandsense export --format parquet`, in it or below.
        results: folder for the parts.
        change: what is different from how it was seen live.
        pool: who computes.
        band: the band of `change`, as a calibration pull found it.
        batch: files of a part.

    Raises:
        DataError: the archive is no folder, or the results cannot be written.
        MissingExtra: pyarrow is not installed.
    """
    known = known_keys(results)
    calibration = None if change.calibration is None else dict(change.calibration)
    rest = software() + json.dumps([calibration, repr(band)], sort_keys=True)
    left = ((name, key) for name, key in _keyed(archive, archived_files(archive), rest) if key not in known)
    batches = (_Batch(archive, files, change, band) for files in _batches(left, batch))
    for done, rows in pool.run(_computed, batches):
        problems = tuple((row["file"], row["problem"]) for row in rows if row["problem"])
        sets = sum(row["set"] is not None for row in rows)
        yield PartDone(write_part(results, rows), len(done.files), sets, problems)


def _keyed(archive: Path, files: Iterable[Path], rest: str) -> Iterator[tuple[str, str]]:
    """Yield names below the archive, with what tells a result from all others."""
    for path in files:
        about, name = path.stat(), path.relative_to(archive).as_posix()
        text = f"{name}\n{about.st_size}\n{about.st_mtime_ns}\n{rest}"
        yield name, hashlib.sha256(text.encode()).hexdigest()[:24]


def _batches(items: Iterator[tuple[str, str]], size: int) -> Iterator[tuple[tuple[str, str], ...]]:
    while found := tuple(islice(items, size)):
        yield found


def _computed(batch: _Batch) -> list[dict[str, Any]]:
    """Follow every file of a batch; gives its rows, one at least for each file."""
    rows: list[dict[str, Any]] = []
    for name, key in batch.files:
        head = dict.fromkeys((each.name for each in ANALYSED_COLUMNS), None)
        head |= {"file": name, "key": key, "software": software(), "problem": ""}
        try:
            found = list(_file_rows(batch.folder / name, batch))
        except BandsenseError as error:
            found = [{"problem": str(error)}]
        rows += [head | row for row in found or [{}]]
    return rows


def _file_rows(path: Path, batch: _Batch) -> Iterator[dict[str, Any]]:
    sessions = read_sessions(path)
    if sessions is None:
        raise FileFormatError(path, Message("not a bandsense session"))
    for session in sessions:
        for part in session.streams:
            if part.block is None:
                raise FileFormatError(path, Message("it has no samples"))
            stream = _stream(part, part.block)
            settings = changed_settings(part.settings, batch.change, batch.band)
            inputs = [Input(int(i["after_samples"]), str(i["kind"]), i["data"]) for i in part.inputs]
            _, sets = follow(settings, merge_by_sample([part.block], inputs))
            table = SessionTable(_session(session, stream), (StreamTable.empty(stream, sets),))
            by_start = sorted(sets, key=lambda each: float(each["start_s"]))
            for row, result in zip(set_rows(table), by_start, strict=True):
                yield {**row, "session": session.number, "result": json.dumps(result)}


def _stream(part: ImportedStream, block: SampleBlock) -> Stream:
    first_s, last_s = float(block.time_s[0]), float(block.time_s[-1])
    return Stream(0, part.sensor, part.unit, part.settings, part.side, len(block), first_s, last_s)


def _session(session: ImportedSession, stream: Stream) -> Session:
    return Session(
        id=session.number or 0,
        state=SessionState.COMPLETE,
        source=session.source,
        started_unix_s=session.started_unix_s,
        ended_unix_s=session.ended_unix_s,
        person=session.person,
        exercise=session.exercise,
        software=session.software,
        summary=session.summary,
        streams=(stream,),
        band=session.band,
    )
