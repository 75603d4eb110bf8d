"""Many bands into one server: `python -m benchmarks.many_bands --seconds 600`.

Starts a PostgreSQL server on this machine (Debian's package), with every commit synced, and records from 200
bands at once, each 80 times a second, over loopback, each as a session of its own with its own connection, as
so many computers would. Samples are made and handed over in real time. At the end every sample of every band
is read back and compared with what was sent.

On the way it is asked every few seconds how much is on the server already: what is not is still with the
recorders, which write every half second. The longest that samples waited is what a power cut could cost. The
processor time of both sides is told beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bandsense.samples import FloatArray, SampleBlock, Unit, concatenate
from bandsense.store.model import NewSession, NewStream
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store
from tests.support.postgresql import PostgresServer, serve_postgresql

RATE_HZ = 80
BLOCK = 16
"""Samples in a block: five blocks a second."""
ASKED_EVERY_S = 5.0
SPARE_CONNECTIONS = 20
_JITTER_US, _NOISE_COUNTS = 30, 60.0


@dataclass(frozen=True)
class Load:
    """What came of it.

    Attributes:
        lost: samples that were sent and are not on the server as they were.
        waited_s: the longest that samples were with a recorder and not on the server.
        clients_cpu: cores that the recorders took, with the making of the samples.
        server_cpu: cores that the server took.
        problems: how often a recorder was seen with a commit that had failed.
    """

    bands: int
    seconds: float
    sent: int
    lost: int
    waited_s: float
    clients_cpu: float
    server_cpu: float
    problems: int


def samples_of(band: int, first: int, n: int) -> SampleBlock:
    """Return samples of a band as a sensor sends them, in whole microseconds and counts."""
    rng = np.random.default_rng((band, first))
    index = np.arange(first, first + n)
    time_us = (index * (1e6 / RATE_HZ)).astype(np.int64) + rng.integers(0, _JITTER_US, n)
    pull = 2e5 * np.sin(time_us * 1.5e-6 + band) ** 2
    counts: FloatArray = np.round(pull + rng.normal(0.0, _NOISE_COUNTS, n))
    return SampleBlock(time_us / 1e6, counts, Unit.COUNT)


def run(server: PostgresServer, bands: int, seconds: float) -> Load:
    """Record from many bands, and look at every sample afterwards."""
    store = Store.open(server.clinic("north"))
    recorders = [
        store.record(
            NewSession("benchmark", time.time(), (NewStream(f"band-{band}", Unit.COUNT),), "benchmark")
        )
        for band in range(bands)
    ]
    begun_s, own_s, theirs_s = time.monotonic(), _own_cpu_s(), _server_cpu_s(server)
    waited_s, problems = _feed(store, recorders, seconds)
    for recorder in recorders:
        recorder.close(summary={})
    took_s = time.monotonic() - begun_s
    own_s, theirs_s = _own_cpu_s() - own_s, _server_cpu_s(server) - theirs_s
    sent = sum(recorder.samples for recorder in recorders)
    lost = sum(_lost(store, recorder, band) for band, recorder in enumerate(recorders))
    return Load(bands, took_s, sent, lost, waited_s, own_s / took_s, theirs_s / took_s, problems)


def _feed(store: Store, recorders: list[Recorder], seconds: float) -> tuple[float, int]:
    """Hand over samples in real time, in blocks that are spread over each fifth of a second."""
    step_s = BLOCK / RATE_HZ / len(recorders)
    begun_s = asked_s = time.monotonic()
    waited_s, problems = 0.0, 0
    for block in range(int(seconds * RATE_HZ / BLOCK)):
        for band, recorder in enumerate(recorders):
            recorder.write(samples_of(band, block * BLOCK, BLOCK))
            due_s = begun_s + (block * len(recorders) + band + 1) * step_s
            if (early_s := due_s - time.monotonic()) > 0:
                time.sleep(early_s)
        if time.monotonic() >= asked_s + ASKED_EVERY_S:
            asked_s = time.monotonic()
            handed = sum(recorder.samples for recorder in recorders)
            waited_s = max(waited_s, (handed - _stored(store)) / RATE_HZ / len(recorders))
            problems += sum(recorder.problem is not None for recorder in recorders)
    return waited_s, problems


def _stored(store: Store) -> int:
    with store.database.opened() as connection:
        return int(connection.execute("SELECT coalesce(sum(samples), 0) FROM chunks").fetchone()[0])


def _lost(store: Store, recorder: Recorder, band: int) -> int:
    kept = concatenate(store.blocks(store.session(recorder.session).streams[0]))
    blocks = range(0, recorder.samples, BLOCK)
    sent = concatenate(samples_of(band, first, BLOCK) for first in blocks)
    if len(kept) != len(sent):
        return abs(len(sent) - len(kept))
    return int(np.count_nonzero((kept.time_s != sent.time_s) | (kept.values != sent.values)))


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_cpu_s(server: PostgresServer) -> float:
    """Return the processor time of the server's processes, with those that have ended."""
    first = (server.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
    ticks = 0
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if folder.name == first:
            ticks += sum(map(int, fields[11:15]))
        elif len(fields) > 13 and fields[1] == first:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main(arguments: list[str] | None = None) -> int:
    """Run it and print what came of it; the status is 1 where anything was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bands", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    chosen = parser.parse_args(arguments)
    settings = f"fsync = on\nmax_connections = {chosen.bands + SPARE_CONNECTIONS}\n"
    with tempfile.TemporaryDirectory() as home, serve_postgresql(settings) as server:
        os.environ["BANDSENSE_HOME"] = home
        load = run(server, chosen.bands, chosen.seconds)
    if chosen.json:
        print(json.dumps(asdict(load)))
    else:
        print(
            f"{load.bands} bands, {load.seconds:.0f} s, {os.cpu_count()} cores: {load.sent} samples sent, "
            f"{load.lost} lost; the longest wait {load.waited_s:.2f} s, {load.problems} commits tried again; "
            f"cores: clients {load.clients_cpu:.2f}, server {load.server_cpu:.2f}"
        )
    return 1 if load.lost else 0


if __name__ == "__main__":
    sys.exit(main())
