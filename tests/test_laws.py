"""The nine laws of the house (docs/architecture.md), each with a test that fails when it is broken."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bandsense
from bandsense import errors
from bandsense.app.environment import Environment
from bandsense.app.replay import replay, session_table
from bandsense.app.train import TrainingOptions, train
from bandsense.calibration.curve import Calibration
from bandsense.export.table import COLUMNS
from bandsense.link.ble.adapter import Transport
from bandsense.samples import SampleBlock, Unit, concatenate
from bandsense.sim.clock import run_accelerated
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.store.store import Store
from bandsense.workout.events import Event, event_name, to_json
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.needs import REPOSITORY
from tests.support.traces import waves
from tests.support.views import EventLog

RATE_HZ = 80.0


def trace(reps: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Time and tension of repetitions of 2 s up to 53 N, printed to a hundredth of a newton."""
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(reps, pause_s=0.5), np.zeros(160)])
    noise_n = np.random.default_rng(1).normal(0.0, 0.03, tension_n.size)
    return np.arange(tension_n.size) / RATE_HZ, np.round(tension_n + noise_n, 2)


def over_the_air(
    store: Store, time_s: np.ndarray, tension_n: np.ndarray, **radio_settings: float
) -> tuple[list[tuple[int, int, int]], list[dict[str, Any]]]:
    """Train with a sensor that feels this; gives the sensor's own log of samples and the events as told."""

    async def run() -> tuple[list[tuple[int, int, int]], list[dict[str, Any]]]:
        async with (
            VirtualRadio(**radio_settings) as radio,
            VirtualBand(radio, TraceSource(time_s, tension_n)) as band,
        ):
            adapter = await radio.adapter()
            clock = asyncio.get_running_loop().time
            transport = Transport(client_backend(adapter), scanner_backend(adapter), clock)
            view = EventLog()
            await train(TrainingOptions(), Environment(transport, "simulator", band.finished), store, view)
            assert view.result is not None
            uncertainty_n = view.result.workouts[None].uncertainty_n
            return band.sent_samples(), [_json(event, uncertainty_n) for event in view.events[None]]

    return run_accelerated(run())


def _json(event: Event, uncertainty_n: Callable[[float], float]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(to_json(event, uncertainty_n)))
    return data


def events_of(block: SampleBlock, sizes: Sequence[int] = ()) -> list[Event]:
    workout = Workout(WorkoutSettings(Calibration.identity(block.unit)))
    events: list[Event] = []
    start = 0
    for size in (*sizes, len(block)):
        events += workout.push(block.slice(start, min(start + size, len(block))))
        start = min(start + size, len(block))
    return events + workout.finish()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[Any], list[dict[str, Any]]]:
    """A store with one session over the air, the sensor's log, and what was told live."""
    store = Store.open(tmp_path_factory.mktemp("laws") / "store.sqlite3")
    sent, told = over_the_air(store, *trace(), connection_interval_s=0.03)
    return store, sent, told


def test_law_1_sources_are_interchangeable(trained: tuple[Store, list[Any], list[dict[str, Any]]]) -> None:
    store, _, told = trained
    (stream,) = store.session("last").streams
    replayed = replay(store, stream)
    uncertainty_n = replayed.workout.uncertainty_n
    again = [_json(event, uncertainty_n) for event in replayed.events]
    # A replay from raw chunks, bit for bit, of all that was told once there were samples.
    assert again == told

    told_of = {"phase_changed", "rep_counted", "rep_completed", "set_started", "set_done"}
    from_file = [event_name(event) for event in events_of(SampleBlock(*trace(), Unit.NEWTON))]
    from_sensor = [event_name(event) for event in replayed.events]
    assert [e for e in from_file if e in told_of] == [e for e in from_sensor if e in told_of]


@settings(max_examples=8)
@given(sizes=st.lists(st.integers(1, 300), max_size=40))
def test_law_2_events_do_not_depend_on_chunks(sizes: list[int]) -> None:
    block = SampleBlock(*trace(2), Unit.NEWTON)
    assert events_of(block, sizes) == events_of(block)


@pytest.mark.parametrize("size", [1, 7, 16])
def test_law_2_holds_for_real_recordings(recordings: Path, size: int) -> None:
    block = bandsense.read_recording(recordings / "band" / "calibration-5.force.csv").block
    assert events_of(block, [size] * (len(block) // size)) == events_of(block)


def test_law_3_arrival_changes_nothing(tmp_path: Path) -> None:
    quiet = Store.open(tmp_path / "quiet.sqlite3")
    over_the_air(quiet, *trace())
    shaken = Store.open(tmp_path / "shaken.sqlite3")
    over_the_air(shaken, *trace(), connection_interval_s=0.05, jitter_s=0.2)
    blocks = [concatenate(s.blocks(s.session("last").streams[0])) for s in (quiet, shaken)]
    start_s = [block.time_s[0] for block in blocks]
    assert np.array_equal(blocks[0].values, blocks[1].values)
    assert np.allclose(blocks[0].time_s - start_s[0], blocks[1].time_s - start_s[1], rtol=0, atol=1e-4)


def test_law_3_gaps_are_marked_and_not_bridged(tmp_path: Path) -> None:
    time_s, tension_n = trace()
    kept = (time_s < 4.0) | (time_s > 5.5)
    store = Store.open(tmp_path / "store.sqlite3")
    over_the_air(store, time_s[kept], tension_n[kept])
    block = concatenate(store.blocks(store.session("last").streams[0]))
    assert len(block) == kept.sum()
    (gap,) = np.flatnonzero(np.diff(block.time_s) > 1.0) + 1
    assert block.gap_before[gap]
    assert np.flatnonzero(block.gap_before[1:]).tolist() == [gap - 1]


def test_law_4_tension_comes_with_its_uncertainty(
    trained: tuple[Store, list[Any], list[dict[str, Any]]],
) -> None:
    _, _, told = trained
    found = 0

    def look(data: Any) -> None:
        nonlocal found
        for key, value in data.items() if isinstance(data, dict) else ():
            if key in ("tension_n", "peak_n"):
                beside = {"tension_n": "tension_uncertainty_n"}.get(key, "peak_uncertainty_n")
                assert data[beside] > 0.0
                found += 1
            # What a figure's `uncertainty` holds under its name is that of the figure itself.
            for part in [] if key == "uncertainty" else value if isinstance(value, list) else [value]:
                look(part)

    for event in told:
        look(event)
    assert found > 100
    assert {"tension_n", "tension_uncertainty_n"} <= {column.name for column in COLUMNS}


def test_law_5_the_radio_never_waits_for_the_disk(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.sqlite3")
    time_s, tension_n = trace()

    recorder = store.record(new_session())
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the disk does not answer until all is written
        for n in range(60):
            recorder.write(SampleBlock(time_s[8 * n : 8 * n + 8], tension_n[8 * n : 8 * n + 8]))
        (stored,) = other.execute("SELECT count(*) FROM chunks").fetchone()
        other.execute("ROLLBACK")
    assert (recorder.samples, stored) == (480, 0), "all were taken while none could be kept"
    recorder.close()
    kept = concatenate(store.blocks(store.session("last").streams[0]))
    assert np.array_equal(kept.values, tension_n[:480])


def new_session() -> Any:
    from bandsense.store.model import NewSession, NewStream

    return NewSession("test", 0.0, (NewStream("s", Unit.COUNT),), "test")


def test_law_6_raw_values_are_kept_and_calibration_can_be_redone(
    trained: tuple[Store, list[Any], list[dict[str, Any]]],
) -> None:
    store, sent, _ = trained
    session = store.session("last")
    (stream,) = session.streams
    raw = concatenate(store.blocks(stream))
    assert raw.values.tolist() == [count for _, _, count in sent]
    assert stream.unit is Unit.COUNT
    settings_then = WorkoutSettings.from_dict(stream.settings)
    redone = Calibration(2.0 * settings_then.calibration.newton_per_unit, settings_then.calibration.zero)
    (table,) = session_table(store, session).streams
    assert np.allclose(redone.tension_n(raw.values), 2.0 * table.tension_n)


def library_modules() -> list[Path]:
    package = REPOSITORY / "bandsense"
    return [path for path in sorted(package.rglob("*.py")) if "cli" not in path.relative_to(package).parts]


def test_law_7_every_error_has_one_base() -> None:
    own = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(error, errors.BandsenseError) for error in own)


@pytest.mark.parametrize("path", library_modules(), ids=lambda path: path.stem)
def test_law_7_the_library_neither_prints_nor_exits(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "exit", "quit", "sys.exit", "os._exit") or path.stem == "__main__"


def test_law_9_help_is_light() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from bandsense.cli import COMMANDS, main\n"
        "for arguments in (['--help'], *([command, '--help'] for command in COMMANDS)):\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "        main(arguments)\n"
        "print(sorted({'scipy', 'bleak', 'numpy', 'rich', 'pydantic', 'asyncio'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [("live", "--sim"), ("live",)])
def test_law_9_something_is_said_before_anything_heavy_is_imported(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "HEAVY = {'scipy', 'bleak', 'bumble', 'numpy', 'pydantic', 'asyncio'}\n"
        "class Screen:\n"
        "    def write(self, text):\n"
        "        sys.stderr.write(text + '|' + str(sorted(HEAVY & set(sys.modules))))\n"
        "        raise SystemExit\n"
        "    def flush(self):\n"
        "        pass\n"
        "    def isatty(self):\n"
        "        return False\n"
        "sys.stdout = Screen()\n"
        "from bandsense.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"BANDSENSE_HOME": str(tmp_path)},
    )
    text, _, imported = done.stderr.partition("|")
    assert text.startswith("starting")
    assert imported == "[]"
