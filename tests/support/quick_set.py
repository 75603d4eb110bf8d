"""A set that is too quick for its sensor: 10 samples a second, repetitions of 0.42 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bandsense.app.importing import ImportOptions, import_files
from bandsense.store.store import Store

STARTED = 1_777_680_000.0
REASON = "needs 20 samples a second"


def quick_trace(path: Path, *, reps: int = 12, rate_hz: float = 10.0, period_s: float = 0.42) -> Path:
    """Write the trace: peaks of 60 N, from a slack band, seven weighed newtons of scatter apart at most."""
    random = np.random.default_rng(0)
    time_s = np.arange(0.0, 4.0 + reps * period_s + 25.0, 1.0 / rate_hz)
    inside = (time_s - 4.0) / period_s
    peak_n = (60.0 * (1.0 + 0.02 * random.standard_normal(reps)))[np.clip(inside, 0, reps - 1).astype(int)]
    pulls = (inside > 0.0) & (inside < reps)
    force_n = np.where(pulls, 0.5 * peak_n * (1.0 - np.cos(2.0 * np.pi * inside)), 0.0)
    force_n += 0.05 * random.standard_normal(time_s.size)
    rows = (f"{at:.4f},{force:.4f}" for at, force in zip(time_s, force_n, strict=True))
    path.write_text("\n".join(["time_s,force_n", *rows]) + "\n")
    return path


def quick_store(folder: Path, person: str = "ada") -> Store:
    """Make a store whose session 1 is that set."""
    store = Store.open(folder / "quick.sqlite3")
    options = ImportOptions(person, "seated-row", started_unix_s=STARTED)
    import_files(store, [quick_trace(folder / "quick.csv")], options)
    return store
