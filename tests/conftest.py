"""What every test may ask for."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from bandsense.samples import SampleBlock, Unit
from tests.needs import IN_CI, REPOSITORY, missing
from tests.support.postgresql import PostgresServer, serve_postgresql
from tests.support.sampling import sampled
from tests.support.traces import waves

# A session is shown at the local time; a day must not depend on where the tests run.
os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

settings.register_profile(
    "bandsense", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("bandsense"), max_examples=25)
settings.load_profile("bandsense")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let daily work take a few cases of each table of parameters."""
    parser.addoption(
        "--sample",
        type=int,
        metavar="N",
        help="of each test with parameters take N cases, spread over its table; the others are deselected",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep of each test as many cases as `--sample` says: the first, the last, and some between."""
    size = config.getoption("sample")
    if size is None:
        return
    kept = set(sampled([item.nodeid for item in items], size))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
    items[:] = [item for item in items if item.nodeid in kept]


def pytest_collection_finish() -> None:
    """Keep what collection made out of every later garbage collection: it stays until the end anyhow."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hold the tests for daily work to their name, in CI, by this process's own seconds of work.

    The dearest take one; ten leave room for coverage, the first import and a busy machine.
    """
    before_s = time.process_time()
    result = yield
    took_s = time.process_time() - before_s
    daily = item.config.getoption("hypothesis_profile", None) == "fast"
    if IN_CI and daily and took_s > 10.0 and not item.get_closest_marker("slow"):
        pytest.fail(f"takes {took_s:.0f} s of CPU: make it quicker, or mark it slow")
    return result


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings."""
    folder = Path(os.environ.get("BANDSENSE_RECORDINGS", REPOSITORY.parent / "shared" / "recordings"))
    if not (folder / "band").is_dir():
        missing(f"the folder of recordings {folder}", "set BANDSENSE_RECORDINGS to where they are")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server with nothing on it, for all tests of this process."""
    with serve_postgresql() as server:
        yield server


@pytest.fixture
def clinic_url(postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an empty store on the server, as a colleague of the clinic "north" sees it."""
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path / "home"))
    return postgresql.clinic("north")


@pytest.fixture(scope="session")
def set_of_three() -> SampleBlock:
    """Three repetitions of 2 s up to 53 N with a second between them, in newtons at 80 Hz."""
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(3), np.zeros(80)])
    return SampleBlock(np.arange(tension_n.size) / 80.0, tension_n, Unit.NEWTON)
