from __future__ import annotations

import numpy as np
import pytest

from bandsense.export.table import SessionTable, StreamTable
from bandsense.samples import Unit
from bandsense.store.model import Session, SessionState, Stream

REPS = [
    {"index": 1, "pull_start_s": 101.0, "end_s": 103.0, "peak_n": 49.03325},
    {"index": 2, "pull_start_s": 104.0, "end_s": 106.5, "peak_n": 58.8399},
]


@pytest.fixture
def table() -> SessionTable:
    """Ten seconds at 80 Hz, begun 2023-11-14 22:13:20 UTC at device time 100 s; a set of two repetitions."""
    index = np.arange(800)
    time_s = 100.0 + index * 12_500 * 1e-6
    raw = np.round(1e4 * (3.0 + 50.0 * np.sin(index / 40.0) ** 2)).astype(np.int64)
    stream = Stream(1, "4f2a", Unit.COUNT, {"exercise": "seated-row"}, None, 800, 100.0, float(time_s[-1]))
    rep = np.where(index < 400, 1, 2)
    part = StreamTable(
        stream=stream,
        time_s=time_s,
        raw=raw,
        tension_n=raw * 1e-4,
        tension_uncertainty_n=np.full(800, 0.3),
        phase=np.where(index % 80 < 40, "concentric", "eccentric"),
        rep=rep,
        rep_probability=np.where(index < 400, 1.0, 0.6),
        set=np.ones(800, dtype=np.int64),
        gap_before=index == 17,
        saturated=index == 30,
        sets=(
            {"number": 1, "start_s": 101.0, "end_s": 106.5, "reps": REPS, "chances": {"2": 0.6, "1": 0.4}},
        ),
    )
    session = Session(
        7,
        SessionState.COMPLETE,
        "sensor",
        1_700_000_000.0,
        1_700_000_010.0,
        "ada",
        "seated-row",
        "bandsense",
        {"reps": 2},
        (stream,),
    )
    return SessionTable(session, (part,))
