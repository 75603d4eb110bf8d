"""A whole archive computed anew: `python -m benchmarks.archive --sessions 10000`.

Sessions of one set each are generated as Parquet files, as `bandsense export` writes them, and computed by
two local processes, by two workers that a Dask scheduler leads, or both. What a busy machine leaves as it is
is processor time: of the workers, a session, and of the process that hands out and writes, a session. With
local processes the ratio of the two is how many workers it can keep busy; with Dask that process holds the
scheduler too, which costs some percent of a core while it waits. A run is then cut short, gone on with, and
done once more: the parts must stay as they are, and nothing be computed twice.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from bandsense.app.archive_analysis import analyse_archive
from bandsense.app.executor import Pool, opened_pool
from bandsense.app.reanalysis import Change
from bandsense.calibration.curve import Calibration, Grade
from bandsense.exercises.catalogue import get_exercise
from bandsense.export.parquet import write_parquet
from bandsense.export.table import SessionTable, StreamTable
from bandsense.samples import FloatArray, Unit
from bandsense.sim.physics.scenario import Scenario
from bandsense.store.model import Session, SessionState, Stream
from bandsense.workout.settings import WorkoutSettings

COUNTS_PER_N = 400.0
CALIBRATION = Calibration(1.0 / COUNTS_PER_N, 0.0, Unit.COUNT, Grade.CALIBRATED, 0.25, 0.02)
RATE_HZ = 80.0
SCENES = 40
"""Simulated sets that the sessions are made of, each with a strength and noise of its own."""
IN_A_FOLDER = 1000
WORKERS = 2
MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What a run took.

    Attributes:
        worker_s: processor seconds of the workers, a session.
        leader_s: of the process that hands out and writes, a session.
        wall_s: by the clock; on a busy machine it says nothing.
    """

    how: str
    sessions: int
    sets: int
    parts: int
    worker_s: float
    leader_s: float
    wall_s: float

    @property
    def hours_for_a_million(self) -> float:
        """Processor hours of the workers."""
        return MILLION * self.worker_s / 3600.0


def generate(folder: Path, sessions: int, reps: int) -> int:
    """Write sessions as Parquet files, a thousand to a folder; gives their bytes."""
    sets = [
        Scenario(seed, exercise="seated-row", reps=reps, rate_hz=RATE_HZ).simulate() for seed in range(SCENES)
    ]
    settings = WorkoutSettings(CALIBRATION, get_exercise("seated-row")).to_dict()
    rng = np.random.default_rng(1)
    written = 0
    for number in range(1, sessions + 1):
        scene = sets[number % SCENES]
        strength = rng.uniform(0.7, 1.4)
        newtons = strength * scene.tension_n + rng.normal(0.0, 0.02, scene.tension_n.size)
        table = _table(number, scene.time_s, np.rint(COUNTS_PER_N * newtons), settings)
        into = folder / f"{(number - 1) // IN_A_FOLDER:04}"
        into.mkdir(parents=True, exist_ok=True)
        written += sum(path.stat().st_size for path in write_parquet(table, into))
    return written


def _table(number: int, time_s: FloatArray, counts: FloatArray, settings: dict[str, object]) -> SessionTable:
    length_s = float(time_s[-1])
    stream = Stream(number, f"{number:016x}", Unit.COUNT, settings, None, time_s.size, 0.0, length_s)
    began_s = 1.7e9 + 3600.0 * number
    session = Session(
        id=number,
        state=SessionState.COMPLETE,
        source="simulator",
        started_unix_s=began_s,
        ended_unix_s=began_s + length_s,
        person=f"person {number % 997}",
        exercise="seated-row",
        software="bandsense benchmark",
        summary=None,
        streams=(stream,),
    )
    none, whole = np.zeros(time_s.size), np.zeros(time_s.size, dtype=np.int64)
    marks = np.zeros(time_s.size, dtype=np.bool_)
    part = replace(
        StreamTable.empty(stream),
        time_s=time_s,
        raw=counts.astype(np.int64),
        tension_n=counts / COUNTS_PER_N,
        tension_uncertainty_n=none + 0.25,
        phase=np.full(time_s.size, "rest"),
        rep=whole,
        rep_probability=none,
        set=whole,
        gap_before=marks,
        saturated=marks,
    )
    return SessionTable(session, (part,))


@contextmanager
def pool_of(how: str) -> Iterator[Pool]:
    """Open two workers: `processes` or `dask`."""
    if how == "processes":
        with opened_pool(WORKERS) as pool:
            yield pool
        return
    import distributed

    cluster = distributed.LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, opened_pool(scheduler=cluster.scheduler_address) as pool:
        yield pool


def run(how: str, archive: Path, results: Path) -> Cost:
    """Compute what is left of an archive."""
    before_s, wall_s = _spent_s(), time.perf_counter()
    with pool_of(how) as pool:
        done = list(analyse_archive(archive, results, Change(), pool))
    after_s, wall_s = _spent_s(), time.perf_counter() - wall_s
    sessions = sum(part.files for part in done)
    worker_s, leader_s = (
        (after - before) / max(1, sessions) for before, after in zip(before_s, after_s, strict=True)
    )
    problems = [problem for part in done for problem in part.problems]
    if problems:
        raise SystemExit(f"not computed: {problems[:3]}")
    return Cost(how, sessions, sum(part.sets for part in done), len(done), worker_s, leader_s, wall_s)


def _spent_s() -> tuple[float, float]:
    """Return processor seconds of children that have ended, and of this process."""
    return tuple(  # type: ignore[return-value]
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    )


def resumed(archive: Path, results: Path, parts: int) -> bool:
    """Tell whether a run that is cut short, gone on with and done again gives each part once."""
    with pool_of("processes") as pool:
        first = [done.path for done in islice(analyse_archive(archive, results, Change(), pool), parts)]
        kept = {path: path.read_bytes() for path in results.glob("part-*.parquet")}
        rest = [done.path for done in analyse_archive(archive, results, Change(), pool)]
        again = list(analyse_archive(archive, results, Change(), pool))
    unchanged = all(path.read_bytes() == content for path, content in kept.items())
    return unchanged and not again and not set(first) & set(rest) and len(first) == parts


def tell(cost: Cost, size: int, kept: int, *, as_json: bool) -> None:
    """Print what a run took, and the bytes of archive and results."""
    if as_json:
        figures = {"hours_for_a_million": cost.hours_for_a_million, "bytes": size, "result_bytes": kept}
        print(json.dumps(asdict(cost) | figures), flush=True)
        return
    print(
        f"{cost.how:<10} {cost.sessions} sessions, {cost.sets} sets, {cost.parts} parts: "
        f"{1e3 * cost.worker_s:.1f} ms of a worker and {1e3 * cost.leader_s:.2f} ms of the leader "
        f"a session, {cost.wall_s:.0f} s by the clock; a million: {cost.hours_for_a_million:.1f} "
        f"worker hours; results {kept / cost.sessions / 1e3:.1f} kB a session",
        flush=True,
    )


def main() -> int:
    """Generate, compute, print; 1 where a run that was cut short does not go on as it should."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sessions", type=int, default=10_000)
    options.add_argument("--reps", type=int, default=6)
    options.add_argument("--how", choices=("processes", "dask"), action="append")
    options.add_argument("--quick", action="store_true", help="200 sessions")
    options.add_argument("--json", action="store_true")
    arguments = options.parse_args()
    sessions = 200 if arguments.quick else arguments.sessions
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        size = generate(archive, sessions, arguments.reps)
        for how in arguments.how or ("processes", "dask"):
            results = Path(folder) / how
            cost = run(how, archive, results)
            kept = sum(path.stat().st_size for path in results.glob("part-*.parquet"))
            tell(cost, size, kept, as_json=arguments.json)
        small = Path(folder) / "small"
        generate(small, min(sessions, 400), arguments.reps)
        goes_on = resumed(small, Path(folder) / "resumed", 2)
    print(f"{size / sessions / 1e3:.0f} kB a session; cut short and gone on with: {goes_on}", file=sys.stderr)
    return 0 if goes_on else 1


if __name__ == "__main__":
    sys.exit(main())
