"""A whole archive computed anew: whoever computes, the rows are the same, and nothing is computed twice."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import bandsense
from bandsense.app import executor
from bandsense.app.archive_analysis import PartDone, analyse_archive
from bandsense.app.executor import Pool, opened_pool
from bandsense.app.reanalysis import Change, reanalyze
from bandsense.app.replay import session_table
from bandsense.errors import ConfigError, DataError, StoreError
from bandsense.export.formats import write
from bandsense.export.rows import set_rows
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.postgresql import PostgresServer
from tests.support.weeks import CALIBRATED, Habit, train_weeks

pq = require_module("pyarrow.parquet", "bandsense[parquet]")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Six sessions of one set."""
    store = Store.open(tmp_path_factory.mktemp("store") / "bandsense.sqlite3")
    train_weeks(store, Habit(reps=(6,), band=None, rest_length_m=None), [90, 92, 94, 96, 98, 100])
    return store


@pytest.fixture(scope="module")
def exported(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for session in store.sessions():
        write(session_table(store, session), "parquet", folder / f"month-{session.id % 2}")
    return folder


@pytest.fixture
def archive(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "archive"))


def computed(
    archive: Path, results: Path, pool: Pool | None = None, change: Change | None = None
) -> list[PartDone]:
    if pool is not None:
        return list(analyse_archive(archive, results, change or Change(), pool, batch=2))
    with opened_pool() as here:
        return list(analyse_archive(archive, results, change or Change(), here, batch=2))


def rows(results: Path) -> list[dict[str, Any]]:
    parts = [pq.read_table(part).to_pylist() for part in results.glob("part-*.parquet")]
    return sorted((row for part in parts for row in part), key=lambda row: (row["file"], row["set"] or 0))


def test_the_rows_are_those_of_the_store(store: Store, archive: Path, tmp_path: Path) -> None:
    done = computed(archive, tmp_path / "results")
    assert [part.files for part in done] == [2, 2, 2]
    found = sorted(rows(tmp_path / "results"), key=lambda row: row["session"])
    wanted = [
        row for session in reversed(store.sessions()) for row in set_rows(session_table(store, session))
    ]
    assert [{name: row[name] for name in wanted[0]} for row in found] == wanted
    for row in found:
        assert json.loads(row["result"])["number"] == row["set"]
        assert row["problem"] == ""
    (part, *_) = (tmp_path / "results").glob("part-*.parquet")
    assert json.loads(pq.read_schema(part).metadata[b"bandsense"])["peak_n"][0] == "N"
    assert part.stat().st_mode & 0o777 == 0o600


def test_a_second_run_adds_nothing_and_a_run_that_was_cut_short_goes_on(
    archive: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    computed(archive, whole)
    assert computed(archive, whole) == []
    with opened_pool() as here:
        (first,) = islice(analyse_archive(archive, parts, Change(), here, batch=2), 1)
    kept = first.path.read_bytes()
    assert sum(part.files for part in computed(archive, parts)) == 4
    assert first.path.read_bytes() == kept
    assert rows(parts) == rows(whole)


def test_a_file_that_has_changed_and_another_calibration_are_computed(archive: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    computed(archive, results)
    (first, *_) = sorted(archive.rglob("*.parquet"))
    os.utime(first, ns=(1, 1))
    assert [part.files for part in computed(archive, results)] == [1]
    doubled = {**CALIBRATED.to_dict(), "newton_per_unit": 2.0}
    again = computed(archive, tmp_path / "doubled", change=Change(calibration=doubled))
    assert sum(part.files for part in again) == 6
    before, after = rows(tmp_path / "results"), rows(tmp_path / "doubled")
    assert after[-1]["peak_n"] == pytest.approx(2.0 * before[-1]["peak_n"], rel=0.02)


def test_what_cannot_be_computed_is_told_and_costs_nothing_else(archive: Path, tmp_path: Path) -> None:
    (archive / "torn.parquet").write_bytes(b"PAR1 torn PAR1")
    (archive / "other.parquet").write_text("time_s,force_n\n0,1\n")
    done = computed(archive, tmp_path / "results")
    problems = dict(problem for part in done for problem in part.problems)
    assert problems.keys() == {"torn.parquet", "other.parquet"}
    found = rows(tmp_path / "results")
    assert len([row for row in found if row["set"] is not None]) == 6
    assert computed(archive, tmp_path / "results") == []
    with pytest.raises(DataError, match="is not a folder"):
        computed(tmp_path / "nowhere", tmp_path / "results")


class Counting:
    """Tasks, and how many were handed out and not done yet at most."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.taken, self.done, self.most = pool, 0, 0, 0

    def tasks(self) -> Iterator[int]:
        for number in range(100):
            self.taken += 1
            self.most = max(self.most, self.taken - self.done)
            yield number

    def run(self) -> list[int]:
        found = []
        for _, result in self.pool.run(str, self.tasks()):
            self.done += 1
            found.append(int(result))
        return found


def test_tasks_are_handed_out_as_they_are_done() -> None:
    with opened_pool() as here:
        counting = Counting(here)
        assert sorted(counting.run()) == list(range(100))
    assert counting.most <= 2


@pytest.mark.slow
def test_local_processes_give_the_same(archive: Path, tmp_path: Path) -> None:
    computed(archive, tmp_path / "here")
    with opened_pool(2) as pool:
        computed(archive, tmp_path / "there", pool)
    assert rows(tmp_path / "there") == rows(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_workers_of_a_cluster_give_the_same(store: Store, archive: Path, tmp_path: Path) -> None:
    distributed = require_module("distributed", "bandsense[cluster]")
    computed(archive, tmp_path / "here")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        address = cluster.scheduler_address
        with opened_pool(scheduler=address) as pool:
            assert pool.workers == 2
            computed(archive, tmp_path / "there", pool)
            assert computed(archive, tmp_path / "there", pool) == []
        outcomes = list(reanalyze(store, store.sessions(), Change(), scheduler=address))
        again = list(reanalyze(store, store.sessions(), Change(), scheduler=address))
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert [outcome.again == outcome.live and outcome.new for outcome in outcomes] == [True] * 6
    assert not any(outcome.new for outcome in again)


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    require_module("distributed", "bandsense[cluster]")
    monkeypatch.setattr(executor, "_CONNECT_S", 1)
    with (
        pytest.raises(ConfigError, match=r"tcp://127\.0\.0\.1:9 does not answer; start one"),
        opened_pool(scheduler="tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(ConfigError, match="does not answer"), opened_pool(scheduler="carrier pigeon"):
        pass


@pytest.mark.slow
def test_a_clinics_server_is_read_and_computed_anew_like_a_file(
    postgresql: PostgresServer, store: Store
) -> None:
    url = postgresql.clinic("north")
    server = Store.open(url)
    train_weeks(server, Habit(reps=(6,), band=None, rest_length_m=None), [90, 92])
    reader = bandsense.open_store(url)
    of_file = bandsense.open_store(store.path).sets()
    assert reader.sets()["peak_n"].tolist() == of_file["peak_n"].tolist()[:2]
    with pytest.raises(StoreError):
        Store.open(url, read_only=True).people.put("eve", {"id": "eve"})
    outcomes = list(reanalyze(server, server.sessions(), Change(), jobs=2))
    assert [outcome.again == outcome.live and outcome.new for outcome in outcomes] == [True] * 2
    assert not any(outcome.new for outcome in reanalyze(server, server.sessions(), Change()))
