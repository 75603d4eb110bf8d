"""Files are whole or not there, leave nothing when a program is killed, and are their owner's alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bandsense import files
from bandsense.files import atomic_write, make_private, private_folder, write_json_file

WRITE_FOR_EVER = """
import sys, time
from pathlib import Path
from bandsense.files import atomic_write
with atomic_write(Path(sys.argv[1])) as part:
    with part.open("w") as file:
        file.write("half")
        file.flush()
        print("written", flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no files without a name")
def test_a_program_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "out.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(files, "_nameless", lambda _folder: None)
    monkeypatch.setattr(os, "open", refuse)
    path = tmp_path / "out.csv"
    with pytest.raises(PermissionError) as raised, atomic_write(path):
        pass
    assert raised.value.filename == str(path)


def write_half(path: Path) -> None:
    with atomic_write(path) as part:
        part.write_text("half")
        raise KeyError


@pytest.mark.parametrize("named", [False, True])
def test_a_file_is_whole_and_private_or_not_there(
    tmp_path: Path, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named:
        monkeypatch.setattr(files, "_nameless", lambda _folder: None)
    before = os.umask(0o022)
    try:
        path = tmp_path / "out.txt"
        path.write_text("old")
        with pytest.raises(KeyError):
            write_half(path)
        assert path.read_text() == "old"
        with atomic_write(path) as part:
            part.write_text("new")
    finally:
        os.umask(before)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.txt"]


def test_json_takes_names_that_are_no_text(tmp_path: Path) -> None:
    write_json_file(tmp_path / "x.json", {"name": "\udc80ä"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n "name": "\\udc80ä"\n}\n'


def test_a_folder_of_ones_own_is_private_and_another_stays_as_it_is(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        private_folder(tmp_path / "a" / "b")
        make_private(tmp_path / "file")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    tmp_path.chmod(0o755)
    private_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
