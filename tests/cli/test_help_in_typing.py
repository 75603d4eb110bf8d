"""What was probably meant, completion in shells, and the exit status of every end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.needs import require_module


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("expotr",), "export"),
        (("export", "last", "--formt", "csv"), "--format"),
        (("export", "last", "--format", "parqet"), "parquet"),
        (("edit", "splitt", "1"), "split"),
        (("sessions", "--persn=ada"), "--person"),
        (("exercises", "show", "seated-rwo"), "seated-row"),
        (("exercises", "seated-row"), "show seated-row"),
        (("band", "red"), "show red"),
    ],
)
def test_what_was_probably_meant_is_said(session: Command, typed: tuple[str, ...], meant: str) -> None:
    done = session(*typed)
    assert done.status in (1, 2)
    assert f"did you mean {meant}" in done.err
    assert "choose from" not in done.err


def test_a_person_band_or_sensor_that_is_nearly_right(session: Command) -> None:
    done = session("show", "1")
    assert done.status == 0
    assert "did you mean" not in session("nothing-like-it").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(command: Command, tmp_path: Path, shell: str) -> None:
    require_module("shtab", "bandsense[completion]")
    done = command("completion", shell)
    assert done.status == 0
    assert "reanalyze" in done.out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.out)
        subprocess.run([shell, "-n", script], check=True)
    if shell == "bash" and shutil.which("bash"):
        script.write_text(
            done.out + "\nCOMP_WORDS=(bandsense reana); COMP_CWORD=1; COMP_LINE='bandsense reana'\n"
            'name=$(complete -p bandsense | sed "s/.*-F *//; s/ .*//")\n'
            "$name bandsense reana bandsense\necho FOUND ${COMPREPLY[@]}\n"
        )
        found = subprocess.run(["bash", script], capture_output=True, text=True, check=False).stdout
        assert "FOUND reanalyze" in found


def test_the_exit_status_says_how_it_ended(session: Command) -> None:
    assert session("sessions").status == 0
    assert session("show", "99").status == 1
    assert session("sessions", "--since", "never").status == 2
    assert session("store").status == 2


def test_exercises_as_json(command: Command) -> None:
    exercises = {data["id"]: data for data in map(json.loads, command("exercises", "--json").lines)}
    assert exercises["seated-row"]["fit"] == {"category": 37, "subtype": 35}
