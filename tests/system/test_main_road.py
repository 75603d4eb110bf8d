"""From a sensor on the air to a file on the disk, as a person does it: commands in a process of their own."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bandsense.store.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def bandsense(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bandsense", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"BANDSENSE_HOME": str(home)},
        timeout=300,
    )


def test_a_real_recording_goes_over_the_air_and_comes_out_whole(tmp_path: Path, recordings: Path) -> None:
    source = recordings / "band" / "calibration-1.force.csv"
    live = bandsense(tmp_path, "live", "--sim", "--trace", source, "--json")
    last = live.stdout.splitlines()[-1]
    assert '"reps": 5' in last
    assert json.loads(last)["event"] == "summary"

    exported = bandsense(tmp_path, "export", "last", "--simulated", "--format", "csv", "-o", tmp_path / "out")
    with Path(exported.stdout.splitlines()[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    sent = [line.replace(",", ".").split(";") for line in source.read_text().splitlines()[1:]]
    assert len(rows) == len(sent) == 1618
    start_s = float(rows[0]["time_s"])
    for row, (micros, newtons) in zip(rows, sent, strict=True):
        assert float(row["tension_n"]) == pytest.approx(float(newtons), abs=1e-4)
        assert float(row["time_s"]) - start_s == pytest.approx(float(micros) * 1e-6, abs=1e-4)


def test_the_demo_ends_by_itself_without_a_terminal(tmp_path: Path) -> None:
    done = bandsense(tmp_path, "demo", "-o", tmp_path / "demo", "--speed", "0")
    told = done.stdout
    places = [
        told.index(words)
        for words in (
            "paired: bandsense-BA5E",
            "Breathe out",
            "Breathe in",
            "set 1: 5 reps",
            "ADD SLACK - Let about 4 cm of band out of each hand. You did 5 full repetitions; the plan asks",
            "Noted: 4 cm out.",
            "Ready when you are",
            "set 2: 8 reps",
            "KEEP - You did 8 full repetitions as planned.",
            "13 reps in 2 sets",
            "saved as simulated session 1",
            "16 reps in 2 sets",
            "16 full repetitions, 13 ",
            "Strongest pull down ",
            "4 cm more slack than then.",
            "saved as simulated session 2",
        )
    ]
    assert places == sorted(places), told
    assert "corrected" not in told
    written = dict(re.findall(r"^(report|picture|samples): +(.+)$", done.stderr, flags=re.MULTILINE))
    assert "Seated row" in Path(written["report"]).read_text(encoding="utf-8")
    assert "4 cm out" in Path(written["picture"]).read_text(encoding="utf-8")
    assert Path(written["samples"]).stat().st_size > 100_000
    again = shlex.split(done.stderr.split("look again: ")[1].splitlines()[0])
    assert "set 2: 8 reps" in bandsense(tmp_path, *again[1:]).stdout


def test_the_demo_draws_the_live_view_on_a_terminal(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {
            "TERM": "xterm-256color",
            "COLUMNS": "90",
            "LINES": "28",
            "BANDSENSE_HOME": str(tmp_path),
        }
        command = [sys.executable, "-m", "bandsense", "demo", "--speed", "20", "-o", str(tmp_path / "demo")]
        os.execv(sys.executable, command)
    shown = read_all(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown[-2000:]
    assert "of 8" in shown
    assert "linked" in shown
    assert "▲ OUT" in shown
    assert "battery 87 %" in shown
    assert shown.count("█") > 1000
    after = shown.rsplit("\x1b[?1049l", 1)[1]  # the old screen is back
    assert "16 reps in 2 sets" in after
    assert "saved as simulated session 2" in after


def test_keys_are_listed_and_closing_the_terminal_ends_the_session_in_good_order(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "BANDSENSE_HOME": str(tmp_path)}
        os.execv(sys.executable, [sys.executable, "-m", "bandsense", "live", "--sim", "--speed", "4"])
    for key, wanted in ((b"", b"last rep"), (b"?", b"30 s more rest"), (b"?", b"last rep")):
        os.write(terminal, key)
        shown = b""
        while wanted not in shown:
            shown += os.read(terminal, 65_536)
    os.close(terminal)
    begin_s = time.monotonic()
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        assert time.monotonic() - begin_s < 60.0
        time.sleep(0.1)
    session = Store.open(tmp_path / "simulated.sqlite3").session("last")
    assert (session.state.value, session.summary and session.summary["sets"]) == ("complete", 1)


def read_all(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # the other side is gone
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode(errors="replace")
