"""What a command costs before it says something, in processor time, which other programs hardly change."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="processor time of children: not on Windows")

HELP_TIMES = 7.0
FIRST_LINE_S = 0.7


def cpu_s(arguments: Sequence[str], home: Path) -> float:
    """The least of five runs: user and system time of the child."""
    return min(_run_s(arguments, home) for _ in range(5))


def _run_s(arguments: Sequence[str], home: Path) -> float:
    before_s = _children_s()
    subprocess.run(
        [sys.executable, *arguments], env=_environment(home), stdout=subprocess.DEVNULL, check=True
    )
    return _children_s() - before_s


def _children_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    cache = str(home / "bytecode")  # as after an installation
    return kept | {"BANDSENSE_HOME": str(home), "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": cache}


def test_help_takes_at_most_seven_times_as_long_as_nothing(tmp_path: Path) -> None:
    nothing_s = cpu_s(["-c", "pass"], tmp_path)
    assert cpu_s(["-m", "bandsense", "--help"], tmp_path) <= HELP_TIMES * nothing_s


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processor time of a running child: Linux")
def test_live_says_something_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bandsense",
        "live",
        "--sim",
        "--lines",
        "--seconds",
        "1",
        "--speed",
        "0",
    ]
    with subprocess.Popen(
        command, env=_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        spent_s = _spent_s(process.pid)
        process.kill()
    assert first.strip()
    assert spent_s <= FIRST_LINE_S


def _spent_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_measure_sees_work(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    begin_s = time.perf_counter()
    assert cpu_s(["-c", busy], tmp_path) >= 0.25
    assert time.perf_counter() - begin_s < 60.0
