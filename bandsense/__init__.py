"""Tension, repetitions and advice from a strain-gauge sensor on a resistance band.

>>> import bandsense
>>> recording = bandsense.read_recording("trace.csv")  # doctest: +SKIP
>>> len(bandsense.analyze(recording.block.time_s, recording.block.values).reps)  # doctest: +SKIP
5

The names listed here are what other programs may rely on; everything else may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bandsense.app.archive import StoredSession as StoredSession
    from bandsense.app.archive import StoreReader as StoreReader
    from bandsense.app.archive import Table as Table
    from bandsense.app.archive import open_store as open_store
    from bandsense.bands.slack import slack_change as slack_change
    from bandsense.calibration.curve import Calibration as Calibration
    from bandsense.errors import BandsenseError as BandsenseError
    from bandsense.export.recording import read_recording as read_recording
    from bandsense.samples import SampleBlock as SampleBlock
    from bandsense.samples import Unit as Unit
    from bandsense.signal.analysis import SetAnalysis as SetAnalysis
    from bandsense.signal.analysis import analyze as analyze
    from bandsense.signal.events import Rep as Rep
    from bandsense.store.store import Store as Store
    from bandsense.workout.settings import WorkoutSettings as WorkoutSettings
    from bandsense.workout.workout import Workout as Workout

    __version__: str

_HOMES = {
    "BandsenseError": "bandsense.errors",
    "Calibration": "bandsense.calibration.curve",
    "Rep": "bandsense.signal.events",
    "SampleBlock": "bandsense.samples",
    "SetAnalysis": "bandsense.signal.analysis",
    "Store": "bandsense.store.store",
    "StoreReader": "bandsense.app.archive",
    "StoredSession": "bandsense.app.archive",
    "Table": "bandsense.app.archive",
    "Unit": "bandsense.samples",
    "Workout": "bandsense.workout.workout",
    "WorkoutSettings": "bandsense.workout.settings",
    "analyze": "bandsense.signal.analysis",
    "open_store": "bandsense.app.archive",
    "read_recording": "bandsense.export.recording",
    "slack_change": "bandsense.bands.slack",
}
"""Where each public name lives. It is imported when it is first used, so that a start stays light."""

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bandsense")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
