"""A session's events reach a broker through the command line, and a wrong address stops it before the set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIVE = [
    sys.executable,
    "-m",
    "bandsense",
    "live",
    "--sim",
    "--sets",
    "1",
    "--reps",
    "3",
    "--speed",
    "0",
    "--json",
]


@pytest.mark.parametrize(
    ("option", "said"),
    [(["--mqtt", "http://x"], "a broker is given as"), (["--lsl", "short"], "session identity")],
)
def test_a_wrong_target_is_said_at_once(tmp_path: Path, option: list[str], said: str) -> None:
    env = os.environ | {"BANDSENSE_HOME": str(tmp_path)}
    done = subprocess.run([*LIVE, *option], capture_output=True, text=True, timeout=100, env=env)
    assert (done.returncode, done.stdout) == (1, "")  # before a sensor is looked for
    assert said in done.stderr
    assert "Traceback" not in done.stderr
