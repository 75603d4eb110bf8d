"""Samples arrive at a real LSL inlet of the same session, stamped with its clock."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from bandsense.errors import ConfigError
from tests.needs import missing

try:
    import pylsl  # noqa: F401
except (ImportError, RuntimeError):
    PYLSL = False
else:
    PYLSL = True

# Streams are found by their names in the whole network: each run of a script has its own.
SCRIPT = """
import os, time
import numpy as np, pylsl
from bandsense.app.pipeline import SessionPipeline
from bandsense.live.lsl import LslPublisher
from bandsense.samples import SampleBlock
from bandsense.calibration.curve import Calibration
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

sensor = f"ba5e{os.getpid()}"
pipeline = SessionPipeline(Workout(WorkoutSettings(Calibration(newton_per_unit=0.5))))
pipeline.listen_to_samples(LslPublisher(sensor=sensor, session="gymlab2026").send)
found = pylsl.resolve_byprop("source_id", f"bandsense-{sensor}", timeout=60)
inlet = pylsl.StreamInlet(found[0])
inlet.open_stream(timeout=60)
begin = pylsl.local_clock()
for n in range(4):
    time.sleep(0.05)
    counts = np.arange(4 * n, 4 * n + 4)
    pipeline.push(SampleBlock(100.0 + counts * 0.0125, counts))
values, stamps = [], []
while len(values) < 16 and pylsl.local_clock() < begin + 60:
    chunk, times = inlet.pull_chunk(timeout=0.5)
    values += [row[0] for row in chunk]
    stamps += times
print(*values)
print(begin - 0.25 < stamps[0] <= stamps[-1] <= pylsl.local_clock())
"""

TWO_SCRIPT = """
import os, time
import numpy as np, pylsl
from bandsense.app.pipeline import SessionPipeline
from bandsense.live.lsl import LslPublisher
from bandsense.samples import SampleBlock
from bandsense.calibration.curve import Calibration
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout

sides = {}
for sensor, newton_per_unit in (("1ef7", 0.5), ("819b", 2.0)):
    pipeline = SessionPipeline(Workout(WorkoutSettings(Calibration(newton_per_unit=newton_per_unit))))
    name = f"{sensor}{os.getpid()}"
    pipeline.listen_to_samples(LslPublisher(sensor=name, session="gymlab2027").send)
    found = pylsl.resolve_byprop("source_id", f"bandsense-{name}", timeout=60)
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=60)
    sides[sensor] = pipeline, inlet
for n in range(4):
    time.sleep(0.05)
    counts = np.arange(4 * n, 4 * n + 4)
    for pipeline, _ in sides.values():
        pipeline.push(SampleBlock(100.0 + counts * 0.0125, counts))
until = pylsl.local_clock() + 60
for sensor, (_, inlet) in sides.items():
    values = []
    while len(values) < 16 and pylsl.local_clock() < until:
        values += [row[0] for row in inlet.pull_chunk(timeout=0.5)[0]]
    print(sensor, *values)
"""


@pytest.mark.slow
def test_two_sensors_are_two_streams_with_their_own_samples() -> None:
    if not PYLSL:
        missing("pylsl", "pip install 'bandsense[lsl]'")
    done = subprocess.run(
        [sys.executable, "-c", TWO_SCRIPT], capture_output=True, text=True, timeout=240, check=True
    )
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[-2:])
    for sensor, newton_per_unit in (("1ef7", 0.5), ("819b", 2.0)):
        values = np.array(told[sensor].split(), dtype=float)
        assert np.array_equal(values, np.arange(16) * newton_per_unit)


@pytest.mark.slow
def test_samples_reach_an_inlet_in_newtons() -> None:
    if not PYLSL:
        missing("pylsl", "pip install 'bandsense[lsl]'")
    # A process of its own, because LSL is configured once in a process.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=240, check=True
    )
    values, in_time = done.stdout.splitlines()[-2:]
    assert np.array_equal(np.array(values.split(), dtype=float), np.arange(16) * 0.5)
    assert in_time == "True"


@pytest.mark.parametrize("session", ["", "short", "with space", "line\nbreak12"])
def test_a_stream_for_everyone_is_refused(session: str) -> None:
    from bandsense.live.lsl import LslPublisher

    with pytest.raises(ConfigError, match="session identity"):
        LslPublisher(sensor="x", session=session)
