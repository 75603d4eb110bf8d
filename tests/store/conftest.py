from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bandsense.samples import SampleBlock, Unit
from bandsense.store.model import NewSession, NewStream
from bandsense.store.recorder import Recorder
from bandsense.store.store import Store


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that other programs keep busy may take longer than a person is made to wait."""
    monkeypatch.setattr(Recorder.flush, "__defaults__", (120.0,))


@pytest.fixture(scope="session")
def new_session() -> Callable[..., NewSession]:
    def make(*units: Unit) -> NewSession:
        streams = tuple(NewStream("sensor-1", unit, {"zero": 12}) for unit in units or (Unit.COUNT,))
        return NewSession("sensor", 1_700_000_000.0, streams, "bandsense test", "ada", "seated-row")

    return make


@pytest.fixture(scope="session")
def samples() -> Callable[..., SampleBlock]:
    """`samples(first, n)`: n samples from number `first` on; joined, they make one stream."""

    def make(first: int, n: int, unit: Unit = Unit.COUNT) -> SampleBlock:
        index = np.arange(first, first + n)
        return SampleBlock(
            (index / 80.0).astype(np.float64),
            index.astype(np.float64) * 3.0,
            unit,
            index % 7 == 3,
            index % 11 == 5,
        )

    return make


@pytest.fixture(params=["file", "server"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """A store in a file, and one on a server."""
    name = "store" if request.param == "file" else "server_store"
    found: Store = request.getfixturevalue(name)
    return found


@pytest.fixture
def server_store(clinic_url: str) -> Store:
    """An empty store on a server, as a colleague of a clinic sees it."""
    return Store.open(clinic_url)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "folder" / "store.sqlite3")
