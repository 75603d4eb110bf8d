"""The check against Home Assistant asks about every message, and sees one that it would refuse."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from bandsense.live.home_assistant import discovery
from tests.needs import REPOSITORY

TOOL = REPOSITORY / "tools" / "check_home_assistant.py"
OTHER = REPOSITORY / ".venv-home-assistant" / "bin" / "python"


def test_every_event_that_a_message_reads_has_an_example() -> None:
    events = runpy.run_path(str(TOOL))["EVENTS"]
    read = {message["state_topic"].rpartition("/")[2] for message in discovery("b", "s", None, "1").values()}
    assert read == events.keys()


def test_what_the_other_environment_says_is_the_exit_status(tmp_path: Path) -> None:
    refusing = tmp_path / "python"
    refusing.write_text("#!/bin/sh\ncat >/dev/null\nexit 3\n")
    refusing.chmod(0o755)
    assert subprocess.run([sys.executable, TOOL, refusing], check=False).returncode == 3
    assert subprocess.run([sys.executable, TOOL], check=False, capture_output=True).returncode == 2


if OTHER.exists():  # where `make home-assistant` has been run

    @pytest.mark.slow
    def test_home_assistant_accepts_every_message() -> None:
        done = subprocess.run([sys.executable, TOOL, OTHER], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "15 of 15 messages accepted" in done.stdout
