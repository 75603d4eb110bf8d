from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bandsense.app.environment import recording
from bandsense.calibration.curve import Calibration
from bandsense.cli import parser
from bandsense.cli.output import JsonOutput, LineOutput, ScreenOutput, _watch, make_output
from bandsense.cli.tables import table
from bandsense.export.recording import read_recording
from bandsense.samples import SampleBlock, Unit
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.workout.events import Event
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.workout import Workout
from tests.cli.conftest import Command
from tests.needs import REPOSITORY, require_module
from tests.support.traces import doubtful_tail, steps, waves, write_trace
from tests.support.weeks import CALIBRATED

PATIENCE_S = 120.0
COMMANDS = sorted(next(a for a in parser()._actions if a.dest == "command" or a.choices).choices)  # type: ignore[arg-type]


LONG_SAMPLES = 80 * 134


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four repetitions, and two minutes in which a slow test may do what it came for."""
    tension_n = np.concatenate([np.zeros(160), waves(4, pause_s=0.5), np.zeros(LONG_SAMPLES)])[:LONG_SAMPLES]
    return write_trace(tmp_path_factory.mktemp("traces") / "long.csv", 3.0 + tension_n)


def test_help_lists_every_command(command: Command) -> None:
    done = command("--help")
    assert done.status == 0
    for name in COMMANDS:
        assert f"    {name}" in done.out
    assert command().status == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.status == 0
    assert f"example:\n  bandsense {name}" in done.out


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").out.startswith("bandsense 0.")


def test_an_error_is_one_line_and_no_traceback(command: Command) -> None:
    done = command("show", "99")
    assert done.status == 1
    assert done.out == ""
    assert done.err == "bandsense: there is no session 99; `bandsense sessions` lists them\n"


def test_a_mistake_of_ours_says_so_and_how_to_report_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, set_file: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bandsense.signal.analysis.analyze", broken)
    with pytest.raises(ZeroDivisionError) as caught:
        command("analyze", set_file)
    assert "bandsense doctor --bundle" in caught.value.__notes__[0]


@pytest.mark.slow
def test_a_character_that_cannot_be_printed_is_replaced(set_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bandsense", "analyze", str(set_file)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0
    assert b"53 ? 3" in done.stdout


def test_a_terminal_that_cannot_draw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    arguments = parser().parse_args(["live"])
    monkeypatch.setenv("TERM", "xterm")
    assert type(make_output(arguments)) is ScreenOutput
    monkeypatch.setenv("TERM", "dumb")
    assert type(make_output(arguments)) is LineOutput


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(set_file: Path) -> None:
    code = (
        "import os, sys\n"
        "reader, writer = os.pipe()\n"
        "os.close(reader)\n"
        "os.dup2(writer, 1)\n"
        "from bandsense.cli import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", str(set_file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bandsense", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("bandsense ")


# -- analyze -----------------------------------------------------------------------------------------------


def test_analyze_prints_a_table(command: Command, set_file: Path) -> None:
    done = command("analyze", set_file)
    assert done.status == 0
    assert done.lines[0] == "4 reps in 14.0 s at 80 samples a second"
    assert done.lines[1].split()[:3] == ["rep", "start", "s"]
    assert len(done.lines) == 6
    assert re.search(r" \d\d ± [23] ", done.lines[2])


def test_analyze_as_json(command: Command, set_file: Path) -> None:
    data = json.loads(command("analyze", set_file, "--json").out)
    assert (data["reps"], data["partial"], data["samples"]) == (4, 0, 1120)
    first = data["repetitions"][0]
    assert first["pull_start_s"] < first["hold_start_s"] < first["return_start_s"] < first["end_s"]
    assert first["peak_uncertainty_n"] > 0


def test_analyze_says_perhaps_where_the_count_is_in_doubt(command: Command, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "doubtful.csv", doubtful_tail())
    done = command("analyze", path)
    assert done.lines[0].startswith("7 reps, perhaps 6: 6 full, 1 partial in ")
    assert [("○" in line) for line in done.lines[2:9]] == [False] * 6 + [True]
    chances = json.loads(command("analyze", path, "--json").out)["chances"]
    assert max(chances, key=chances.__getitem__) == "7"
    assert 0.2 < chances["6"] < 0.5


@pytest.mark.parametrize("use", [("analyze",), ("replay",), ("live", "--sim", "--speed", "0", "--trace")])
def test_what_was_left_out_of_a_trace_is_told(
    command: Command, set_file: Path, tmp_path: Path, use: tuple[str, ...]
) -> None:
    torn = tmp_path / "torn.csv"
    torn.write_text(set_file.read_text()[:-5])
    done = command(*use, torn)
    assert any(line.startswith("4 reps") for line in done.lines)
    assert "note: torn.csv: line 1121 has no line end; its last number may be cut off\n" in done.err


def test_analyze_names_a_wrong_file_with_line_and_reason(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("time_s,tension_n\n0,1\n1,oops\n2,3\n")
    done = command("analyze", path)
    assert done.status == 1
    assert done.err == (
        f"bandsense: {path}, line 3: expected numbers for 'time_s' and 'tension_n', found '1,oops'\n"
    )


def test_a_peak_that_was_told_too_early_is_told_again_at_the_end_of_its_repetition(
    command: Command, tmp_path: Path
) -> None:
    t = np.arange(320) / 80.0
    creeping = np.concatenate([60.0 * (1.0 - np.exp(-2.0 * t)), np.linspace(60.0, 0.0, 160), np.zeros(80)])
    trace = write_trace(tmp_path / "slow.csv", 3.0 + np.concatenate([np.zeros(160), *[creeping] * 4]))
    lines = command("live", "--sim", "--trace", trace, "--speed", "0", "--lines").lines
    told = [line for line in lines if "pull about" in line]
    assert len(told) == 4
    assert [re.findall(r", peak (\d\d) ± 3 N", line) for line in told] == [[], *[["63"]] * 3]
    assert sum("rep 2: 61 ± 3 N" in line for line in lines) == 1


def test_analyze_says_where_in_the_file_its_times_begin(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("time_s,tension_n\n" + "".join(f"{7 + n / 80},3\n" for n in range(80)))
    assert command("analyze", path).lines[-1] == "times count from the first sample, at 7 s in the file"
    assert json.loads(command("analyze", path, "--json").out)["first_time_s"] == 7.0


def test_analyze_says_what_was_taken_for_steps_where_nothing_is_counted(
    command: Command, tmp_path: Path
) -> None:
    path = write_trace(tmp_path / "steps.csv", steps(12))
    done = command("analyze", path)
    assert done.status == 0
    assert "steps" not in done.err, "it is a part of the answer, and no warning"
    assert done.lines[0].startswith("0 reps")
    assert "12 movements of about 7.3 N, 0.5 s apart, were taken for steps and not counted" in done.lines[1]
    warnings = json.loads(command("analyze", path, "--json").out)["warnings"]
    (told,) = (warning["message"] for warning in warnings if warning["kind"] == "not counted")
    assert done.lines[1].endswith(told)


def test_analyze_warns_once_of_each_kind(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    rows = "".join(f"{n / 80},3\n" for n in range(1600) if n % 400 > 40)
    path.write_text(f"time_s,tension_n\n{rows}")
    (warning,) = [line for line in command("analyze", path).err.splitlines() if "missing" in line]
    assert re.match(r"warning at 4\.\d+ s: 0\.53 s of samples are missing", warning)
    assert warning.endswith("(2 more like this, the last at 14.96 s)")
    assert len(json.loads(command("analyze", path, "--json").out)["warnings"]) >= 3


def test_analyze_of_a_single_sample_names_the_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("time_s,tension_n\n0,1\n")
    assert command("analyze", path).err == (
        f"bandsense: {path}: a single sample is not a trace; record at least a second\n"
    )


@pytest.mark.parametrize(
    ("name", "reps"), [("calibration-1", 5), ("calibration-3", 5), ("calibration-5", 8), ("clean", 4)]
)
def test_analyze_reads_the_real_recordings(command: Command, recordings: Path, name: str, reps: int) -> None:
    done = command("analyze", recordings / "band" / f"{name}.force.csv", "--json")
    assert json.loads(done.out)["reps"] == reps


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("arguments", [["sessions"], ["live", "--sim", "--speed", "0", "--json"]])
def test_output_on_a_full_disk_is_told(tmp_path: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bandsense", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"BANDSENSE_HOME": str(tmp_path)},
        )
    assert (done.returncode, done.stderr) == (
        1,
        "bandsense: the output cannot be written: the disk is full; free some space\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 12])
def test_a_reader_of_live_that_leaves_ends_it_and_keeps_the_session(
    tmp_path: Path, set_file: Path, lines: int
) -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "bandsense", "live", "--sim", "--speed", "0", "--json"),
            "--trace",
            set_file,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BANDSENSE_HOME": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(PATIENCE_S)) == ("", 0)
    sessions = Store.open(tmp_path / "simulated.sqlite3").sessions()
    if lines == 1 and not sessions:
        return  # left before the first sample: there is nothing to keep
    assert [session.state.value for session in sessions] == ["complete"]
    assert sessions[0].samples > 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs signals as Unix has them")
def test_an_interrupt_ends_the_search_for_a_sensor_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bandsense", "live", "nobody", "--sim"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BANDSENSE_HOME": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "starting a simulated sensor ...\n"
        assert "looking for" in process.stdout.readline()
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130  # and not that of a search that ended by itself
        assert process.stderr.read() == ""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs signals as Unix has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_session_that_is_asked_to_end_does_so_in_good_order(
    tmp_path: Path, long_file: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bandsense", "live", "--sim", "--trace", long_file, "--lines"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"BANDSENSE_HOME": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        while ", return " not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        told = process.stdout.read()
        assert process.wait(PATIENCE_S) == 0
    assert "saved as simulated session 1" in told
    session = Store.open(tmp_path / "simulated.sqlite3").session("last")
    assert session.summary is not None
    # More than one where the signal comes late; all four and the time after them do not pass meanwhile.
    assert (session.state.value, 1 <= session.summary["reps"] <= 4) == ("complete", True)
    assert session.samples < LONG_SAMPLES
    assert f"{session.summary['reps']} rep" in told.splitlines()[-3]


# -- live, with a simulated sensor -------------------------------------------------------------------------


def test_live_ends_with_a_summary(trained: tuple[Path, list[str]]) -> None:
    _, lines = trained
    *events, last = map(json.loads, lines)
    assert '"reps": 4' in lines[-1]
    assert (last["event"], last["session"], last["samples"]) == ("summary", 1, 1120)
    assert [event["count"] for event in events if event["event"] == "rep_counted"] == [1, 2, 3, 4]
    levels = [event for event in events if event["event"] == "tension_tick"]
    assert len(levels) == pytest.approx(14 * 20, abs=3)
    assert all(level["tension_uncertainty_n"] > 0 for level in levels)


@pytest.mark.parametrize(
    ("switch", "missing"),
    [(("--fault", "duplicates"), False), (("--fault", "absence"), True), (("--disturb", "link_drop"), True)],
)
def test_what_goes_wrong_on_the_air_has_a_switch(
    command: Command, set_file: Path, switch: tuple[str, str], missing: bool
) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--json", *switch)
    events = [json.loads(line) for line in done.lines]
    states = [event["state"] for event in events if event["event"] == "link_changed"]
    assert ("lost" in states) == missing
    assert (events[-1]["samples"] < 1120) == missing


def test_an_unknown_fault_is_answered_with_the_known_ones(command: Command) -> None:
    done = command("live", "--sim", "--fault", "rain")
    assert "there is no fault 'rain'; there are: burst-loss," in done.err


def test_a_page_that_cannot_be_served_is_told_before_anything_begins(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    done = command("live", "--sim", "--web")
    assert (done.status, done.out) == (1, "starting a simulated sensor ...\n")
    assert "pip install 'bandsense[web]'" in done.err


def test_a_recording_of_great_forces_is_felt_by_a_sensor_that_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "strong.csv"
    path.write_text("time_s,tension_n\n" + "".join(f"{n / 80},{4000 * (n % 2)}\n" for n in range(80)))
    source = recording(read_recording(path).block)
    felt = source.read(80)
    assert not felt.saturated.any()
    assert (felt.counts * source.newton_per_count).tolist() == [4000.0 * (n % 2) for n in range(80)]


def test_live_in_lines(command: Command, set_file: Path) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--lines")
    assert done.status == 0
    assert done.lines[:4] == [
        "starting a simulated sensor ...",
        "looking for a sensor",
        "connecting to bandsense-BA5E",
        "connected to bandsense-BA5E",
    ]
    assert any("rep 4: 5" in line for line in done.lines)
    assert done.lines[-3].startswith("4 reps in 1 set, peak 5")
    assert done.lines[-2] == "saved as simulated session 1 (`bandsense show 1 --simulated`)"
    assert done.lines[-1].startswith("next time: ")


def test_live_can_end_after_a_time(command: Command, set_file: Path) -> None:
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--json", "--seconds", "6")
    assert 300 < json.loads(done.lines[-1])["samples"] < 520
    assert "tension_tick" not in {json.loads(line)["event"] for line in done.lines}


def test_live_without_a_sensor_by_that_name_says_so(command: Command, set_file: Path) -> None:
    done = command("live", "NOPE", "--sim", "--trace", set_file, "--speed", "0", "--json")
    assert done.status == 1
    assert "cannot be heard" in done.err
    assert command("sessions").out.startswith("no session yet")


def test_a_trace_needs_a_simulated_sensor(command: Command, set_file: Path) -> None:
    for option in (("--trace", set_file), ("--speed", "0"), ("--disturb", "fatigue"), ("--fault", "absence")):
        done = command("live", *option)
        assert done.status == 1
        assert f"{option[0]} needs --sim" in done.err


# -- sessions, show, replay, export ------------------------------------------------------------------------


def test_export_of_an_empty_store_says_that_there_is_nothing_yet(command: Command) -> None:
    done = command("export", "--format", "csv")
    assert done.status == 1
    assert done.err.startswith("bandsense: there is no session yet; record one with `bandsense live`")


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--speed", "-3", "-3 is below zero; 0 runs without waiting"),
        ("--seconds", "-1", "-1 is not above zero"),
        ("--sets", "0", "it must be 1 or more, not 0"),
        ("--port", "99999", "it must be from 0 to 65535, not 99999"),
        ("--rate", "fast", "'fast' is not a whole number"),
        ("--seed", "x", "'x' is not a whole number"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(command: Command, option: str, value: str, reason: str) -> None:
    done = command("live", "--sim", option, value)
    assert done.status == 2
    assert f"argument {option}: {reason}" in done.err


def test_a_session_without_a_sample_is_not_kept(command: Command) -> None:
    done = command("live", "--sim", "--rate", "77", "--speed", "0")
    assert done.status == 1
    assert "no rate of 77 Hz" in done.err
    assert command("sessions").out.startswith("no session yet")


def test_the_simulated_person_does_the_exercise_that_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    from bandsense.app.environment import person
    from bandsense.sim.physics.scenario import Scenario

    asked: list[str] = []
    perform = Scenario.perform
    monkeypatch.setattr(Scenario, "perform", lambda self: asked.append(self.exercise) or perform(self))
    for exercise in ("lat-pulldown", "bent-over-row", "of-my-own"):
        person(1, 1, 1, frozenset(), exercise).read(1)
    assert asked == ["lat-pulldown", "bent-over-row", "seated-row"]


def test_what_is_said_again_while_looking_for_a_sensor_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = LineOutput()
    for _ in range(3):
        output.status("searching", "looking for a sensor")
        output.status("failed", "Bluetooth is off")
    assert capsys.readouterr().out == "looking for a sensor\nBluetooth is off\n"


@pytest.mark.parametrize(("answers", "saved"), [(["", ""], True), (["", "q"], False)])
async def test_what_the_disk_did_not_take_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answers: list[str], saved: bool
) -> None:
    waiting = iter(answers)

    async def ask(question: str) -> str:
        return next(waiting)

    monkeypatch.setattr("bandsense.cli.prompts.is_interactive", lambda: True)
    monkeypatch.setattr("bandsense.cli.prompts.ask", ask)
    output = LineOutput()
    tried = [await output.try_again("the disk is full") for _ in answers]
    assert tried == [True, saved]
    assert capsys.readouterr().out.startswith("not saved yet: the disk is full")


async def test_the_terminal_tells_the_last_peak_with_all_its_uncertainty() -> None:
    workout = Workout(WorkoutSettings(Calibration.identity()))
    listeners: list[Callable[[Event], None]] = []
    pipeline: Any = SimpleNamespace(side=None, workout=workout, last_time={}, listen=listeners.append)
    state = _watch(pipeline, "")
    tension_n = 3.0 + np.concatenate([np.zeros(160), waves(3)])
    for event in workout.push(SampleBlock(np.arange(tension_n.size) / 80.0, tension_n, Unit.NEWTON)):
        listeners[0](event)
    assert state.peak_words() == "53 ± 3 N", "5 % of a nominal span, as at the end of the set"


async def test_without_anybody_there_nothing_is_asked() -> None:
    assert not await LineOutput().try_again("the disk is full")
    assert not await JsonOutput().try_again("the disk is full")


def test_sessions_lists_what_is_stored(session: Command) -> None:
    done = session("sessions")
    assert done.lines[0].split() == [
        "session",
        "begun",
        "length",
        "reps",
        "sets",
        "exercise",
        "person",
        "source",
        "state",
    ]
    assert done.lines[1].split()[3] == "0:14"  # device time, although it ran as fast as the machine can
    assert "seated-row" in done.lines[1]
    assert "simulator playing four.csv" in done.lines[1]
    data = json.loads(session("sessions", "--json").out)
    assert (data["session"], data["state"], data["samples"]) == (1, "complete", 1120)


def test_sessions_can_be_deleted(session: Command) -> None:
    assert session("sessions", "--delete", "1").out == (
        "session 1 is in the bin; `bandsense edit undo` brings it back\n"
    )
    assert session("sessions").out.startswith("no session yet")


def test_show_prints_the_sets(session: Command) -> None:
    done = session("show")
    assert "set 1: 4 reps" in done.out
    assert len([line for line in done.lines if "±" in line]) == 6  # four reps, the set, the session
    data = json.loads(session("show", "last", "--json").out)
    assert data["streams"][0]["summary"]["reps"] == 4


def test_replay_of_a_session_tells_what_was_told(session: Command, trained: tuple[Path, list[str]]) -> None:
    replayed = [json.loads(line) for line in session("replay", "last", "--json", "--levels").lines]
    live = [json.loads(line) for line in trained[1]]
    in_stream = [event for event in live if "time_s" in event]
    assert replayed[:-1] == in_stream
    assert replayed[-1] == live[-1] | {"session": None, "next_time": None}


def test_replay_of_a_file(command: Command, set_file: Path) -> None:
    done = command("replay", set_file, "--lines", "--speed", "0")
    assert done.lines[0] == "four.csv"
    assert done.lines[-1].startswith("4 reps in 1 set")


@pytest.mark.parametrize("what", ["nowhere.csv", "9"])
def test_replay_of_nothing_is_an_error(command: Command, what: str) -> None:
    done = command("replay", what)
    assert done.status == 1
    assert what in done.err


def test_a_file_in_place_of_a_folder_is_asked_about(session: Command, tmp_path: Path) -> None:
    done = session("export", "last", "-o", tmp_path / "anna.csv")
    assert done.status == 1
    assert f"`-o {tmp_path}` puts them there" in done.err
    assert not (tmp_path / "anna.csv").exists()


def test_export_writes_every_sample(session: Command, tmp_path: Path) -> None:
    done = session("export", "last", "--format", "csv", "-o", tmp_path / "out")
    assert [Path(line).name for line in done.lines] == ["session-1.csv", "session-1.csv-metadata.json"]
    with Path(done.lines[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1120
    assert max(float(row["tension_n"]) for row in rows) == pytest.approx(53.0, abs=1e-5)
    assert {row["rep"] for row in rows} == {"0", "1", "2", "3", "4"}
    assert {row["phase"] for row in rows} == {"rest", "concentric", "hold", "eccentric"}


@pytest.mark.parametrize(("name", "module"), [("json", "json"), ("parquet", "pyarrow"), ("fit", "fit_tool")])
def test_export_in_other_formats(session: Command, tmp_path: Path, name: str, module: str) -> None:
    require_module(module, f"bandsense[{name}]")
    done = session("export", "1", "--format", name, "-o", tmp_path)
    assert done.lines == [str(tmp_path / f"session-1.{name}")]
    assert (tmp_path / f"session-1.{name}").stat().st_size > 0


def test_a_name_that_is_no_session_is_refused(session: Command) -> None:
    assert "not a session; did you mean last?" in session("export", "latest").err


@pytest.mark.slow
def test_a_session_cut_short_is_recovered_and_said(session: Command, tmp_path: Path, long_file: Path) -> None:
    store = Store.open(tmp_path / "home" / "simulated.sqlite3")
    with subprocess.Popen(
        [sys.executable, "-m", "bandsense", "live", "--sim", "--trace", str(long_file), "--lines"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"BANDSENSE_HOME": str(tmp_path / "home")},
    ) as process:
        assert process.stdout is not None
        while "rep 2" not in process.stdout.readline():
            assert process.poll() is None
        while store.session("last").samples < 440:  # the first repetition and some more, at 80 Hz
            time.sleep(0.05)
        process.kill()
    done = session("sessions", "--simulated")
    assert "session 1 was cut short; its" in done.err
    reps, sets = done.lines[1].split()[4:6]  # found anew; more repetitions where the end came late
    assert (1 <= int(reps) <= 4, sets) == (True, "1")
    assert "recovered" in done.lines[1]
    assert "set 1: " in session("show", "1", "--simulated").out
    assert session("sessions", "--simulated").err == ""


# -- the others --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("simulated_time")
def test_scan_lists_sensors(command: Command) -> None:
    done = command("scan", "--sim", "--seconds", "1")
    assert done.status == 0
    assert done.lines[1].split()[0] == "bandsense-BA5E"
    data = json.loads(command("scan", "--sim", "--seconds", "1", "--json").out)
    assert (data["driver"], data["pairing_open"], data["connected"]) == ("bandsense", True, False)


def test_sim_writes_a_trace_that_holds_what_it_says(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    done = command("sim", "-o", path, "--seed", "7", "--reps", "5")
    assert done.lines == [str(path), f"{path}-truth.json"]
    truth = json.loads(Path(done.lines[1]).read_text())["reps"]
    found = json.loads(command("analyze", path, "--json").out)["repetitions"]
    assert len(truth) == len(found) == 5
    for true, seen in zip(truth, found, strict=True):
        assert seen["pull_start_s"] == pytest.approx(true["pull_start_s"], abs=0.1)


def test_sim_lists_what_it_can_do(command: Command) -> None:
    done = command("sim", "--list")
    assert "seated-row" in done.lines[0]
    assert any(line.startswith("fatigue ") for line in done.lines)
    assert any(line.startswith("burst-loss ") for line in done.lines)
    assert "name a file" in command("sim").err
    assert "unknown disturbance" in command("sim", "-o", "x.csv", "--disturb", "rain").err


def test_sim_lists_it_in_german(command: Command) -> None:
    from bandsense.sim.faults import FAULTS
    from bandsense.sim.physics.disturbances import DISTURBANCES

    told = command("sim", "--list", "--language", "de").out
    english = [each.description for each in DISTURBANCES.values()] + [each.words for each in FAULTS.values()]
    assert not [words for words in english if words in told]
    assert "die Verbindung endet beim Aufbau: verschlüsselt" in told
    plain = command("sim", "--list", "--json", "--language", "de").out
    assert all(json.dumps(words) in plain for words in english)


def test_exercises(command: Command) -> None:
    assert any(line.startswith("seated-row") for line in command("exercises").lines)
    assert command("exercises", "show", "seated-row").lines[0] == "Seated row  (seated-row)"
    assert "no exercise is called 'rowing'" in command("exercises", "show", "rowing").err


def test_a_drawing_is_written_where_it_is_wanted(command: Command, tmp_path: Path) -> None:
    done = command("exercises", "show", "squat", "--drawing", tmp_path / "squat.svg")
    assert (done.status, done.lines) == (0, [str(tmp_path / "squat.svg")])
    assert "<title" in (tmp_path / "squat.svg").read_text()
    failed = command("exercises", "show", "squat", "--drawing", tmp_path / "no" / "squat.svg")
    assert failed.status == 1
    assert "cannot be written: there is no such folder" in failed.err


def test_an_exercise_of_ones_own_is_one_file(command: Command, tmp_path: Path, simulated_time: None) -> None:
    folder = tmp_path / "home" / "exercises"
    folder.mkdir(parents=True)
    page = (REPOSITORY / "docs" / "exercises.md").read_text(encoding="utf-8")
    (folder / "mine.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert any(line.startswith("wood-chop ") for line in command("exercises").lines)
    assert command("exercises", "show", "wood-chop").lines[0] == "Wood chop  (wood-chop)"
    drawing = command("exercises", "show", "wood-chop", "--drawing", tmp_path / "wood-chop.svg")
    assert "put one beside its file, as exercises/wood-chop.svg" in drawing.err
    trained = command(
        "live", "--sim", "--exercise", "wood-chop", "--sets", "1", "--reps", "4", "--speed", "0"
    )
    assert trained.status == 0
    assert any("wood-chop" in line for line in command("sessions", "--simulated").lines)
    own, simulated = command("sessions").lines
    assert own.startswith("no session yet")
    assert simulated == "those of the simulator: `bandsense sessions --simulated`"
    assert "(simulated ones: --simulated)" in command("show", "last").err


def test_doctor_says_what_works(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandsense.errors import BluetoothOff

    async def off(*_: object, **__: object) -> None:
        raise BluetoothOff("Bluetooth is switched off; switch it on")

    monkeypatch.setattr("bandsense.link.ble.scanner.discover", off)
    done = command("doctor", "--json")
    found = {data["check"]: data for data in map(json.loads, done.lines)}
    assert done.status == 1
    assert found["bluetooth"]["outcome"] == "bad"
    assert "switch it on" in found["bluetooth"]["finding"]
    assert found["store"]["outcome"] == "good"
    assert {"sim", "web", "fit", "parquet"} <= set(found)


def test_doctor_sees_a_full_disk_before_the_first_session(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bandsense.app import doctor

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: SimpleNamespace(free=400_000))
    checks = [json.loads(line) for line in command("doctor", "--json").lines]
    (found,) = (each for each in checks if each["check"] == "store")
    assert (found["outcome"], "only 0 MB free" in found["finding"]) == ("bad", True)


@pytest.mark.slow
def test_a_capture_replays_to_the_same_events(command: Command, set_file: Path, tmp_path: Path) -> None:
    capture, report = tmp_path / "set.bandcap", tmp_path / "report.zip"
    done = command("live", "--sim", "--trace", set_file, "--speed", "0", "--json", "--capture", capture)
    live = [json.loads(line) for line in done.lines]
    replayed = [json.loads(line) for line in command("replay", capture, "--json").lines]
    assert replayed[:-1] == [event for event in live if "time_s" in event]
    assert replayed[-1]["reps"] == 4

    command("doctor", "--bundle", report, "--capture", capture, "--json")
    with zipfile.ZipFile(report) as bundle:
        assert sorted(bundle.namelist()) == ["facts.json", "last.bandcap", "logs/bandsense.log"]
        assert b"C0:BA:5E:00:BA:5E" not in bundle.read("last.bandcap")
        assert {f["name"] for f in json.loads(bundle.read("facts.json"))["findings"]} > {"store", "bluetooth"}


def test_the_demo_says_first_that_it_cannot_write(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = command("demo", "-o", tmp_path / "file" / "demo")
    assert done.status == 1
    assert done.out == "", "nobody trained yet"
    assert done.err.endswith("choose another folder with -o\n")


@pytest.mark.parametrize("begun", [False, True])
def test_a_demo_that_ends_before_a_set_is_done_leaves_no_folder(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    def ended(store: Store, *_: object) -> list[int]:
        if not begun:
            return []
        streams = (NewStream("sensor-1", Unit.NEWTON, WorkoutSettings(CALIBRATED).to_dict()),)
        with store.record(NewSession("demonstration", 0.0, streams, "bandsense test")) as recorder:
            recorder.write(SampleBlock(np.arange(80) / 80, np.zeros(80), Unit.NEWTON))
        return [recorder.session]

    monkeypatch.setattr("bandsense.app.demonstration.demonstrate", ended)
    done = command("demo", "-o", tmp_path / "new" / "demo")
    assert done.status == 1
    assert ("has no finished set" in done.err) is begun
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_demo_ends_by_itself_with_files(command: Command, tmp_path: Path) -> None:
    done = command("demo", "-o", tmp_path / "demo", "--speed", "0", "--json")
    assert done.status == 0, done.err
    events = [json.loads(line) for line in done.lines]
    first, second = (event for event in events if event["event"] == "summary")
    assert (first["sets"], second["sets"], second["reps"]) == (2, 2, 16)
    names = sorted(path.name for path in (tmp_path / "demo").iterdir() if path.is_file())
    assert names == ["first-session.svg", "report.html", "session-2.csv", "session-2.csv-metadata.json"]
    assert command("sessions").out.startswith("no session yet")  # one's own store is not touched
    assert "demonstration" in command("sessions", "--simulated").out
    assert command("show", "last", "--simulated").status == 0


def test_tables_put_numbers_right_and_words_left() -> None:
    assert table(("a", "word"), [(1, "x"), (100, "yy")]) == "  a  word\n  1  x\n100  yy"
    assert table(("peak N",), [("61.9 ± 3.1",)]) == "    peak N\n61.9 ± 3.1"
