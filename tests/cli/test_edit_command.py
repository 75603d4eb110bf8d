"""`bandsense edit`, `reanalyze` and the search in `sessions`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.conftest import Command


def ids(done: object) -> list[int]:
    return [json.loads(line)["session"] for line in done.lines]  # type: ignore[attr-defined]


def test_a_session_is_changed_found_and_changed_back(session: Command) -> None:
    assert session("band", "add", "red", "--rest-length-cm", "60").status == 0
    assert session("edit", "set", "1", "--person", "eva", "--band", "red").status == 0
    assert ids(session("sessions", "--json", "--person", "eva", "--band", "red")) == [1]
    (unknown,) = session("sessions", "--person", "nobody").lines
    assert unknown == "no such session; nothing is stored of 'nobody', only of: eva"
    assert session("sessions", "--until", "2001-01-01").lines == ["no such session"]
    assert session("sessions", "--since", "yesterday").status == 2
    assert session("edit", "undo").lines == ["undone: set of session 1"]
    assert ids(session("sessions", "--json", "--person", "eva")) == []
    assert session("edit", "undo").status == 1
    assert session("edit", "set", "1").status == 1
    assert session("edit", "set", "1", "--exercise", "dancing").status == 1
    assert session("edit").status == 2


def test_a_band_that_nobody_knows_is_refused(session: Command) -> None:
    for name in ("red", "green"):
        session("band", "add", name, "--rest-length-cm", "60")
    before = session("sessions", "--json").out
    done = session("edit", "set", "1", "--person", "eva", "--band", "purple")
    assert (done.status, done.out) == (1, "")
    assert "no band is called 'purple'; there are: " in done.err
    assert {"red", "green"} <= set(re.findall(r"[\w-]+", done.err.partition("there are: ")[2]))
    assert "did you mean green" in session("edit", "set", "1", "--band", "gren").err
    assert session("sessions", "--json").out == before
    assert session("edit", "set", "1", "--band", "red").status == 0
    assert session("edit", "set", "1", "--band", "").status == 0, "a band that was none can be taken away"


def test_what_changes_nothing_says_so_and_is_nothing_to_undo(session: Command) -> None:
    change = ("edit", "set", "1", "--person", "eva")
    assert session(*change).lines == ["session 1 was changed"]
    done = session(*change)
    assert (done.status, done.lines) == (0, ["session 1 is so already; nothing was changed"])
    assert json.loads(session(*change, "--json").out) == {"session": 1, "changed": False, "person": "eva"}
    assert session("edit", "undo").status == 0
    assert session("edit", "undo").status == 1, "one change was made"


def test_delete_bin_undo_and_for_good(session: Command) -> None:
    assert session("edit", "delete", "1").status == 0
    assert session("sessions").lines[0].startswith("no session yet")
    assert ids(session("sessions", "--bin", "--json")) == [1]
    assert session("edit", "undo").status == 0
    assert ids(session("sessions", "--json")) == [1]
    assert session("sessions", "--delete", "1").status == 0
    assert session("edit", "empty-bin").lines == ["1 session removed for good"]
    assert session("edit", "undo").status == 1


def test_split_and_merge(session: Command) -> None:
    done = session("edit", "split", "1", "--at", "5")
    assert done.lines == ["session 1 is sessions 2 and 3 now"]
    done = session("edit", "merge", "3", "2")
    assert done.lines == ["they are session 2 now"]
    assert ids(session("sessions", "--json")) == [2]
    assert session("show", "2").status == 0
    for _ in range(2):
        assert session("edit", "undo").status == 0
    assert ids(session("sessions", "--json")) == [1]


def test_reanalyze(session: Command, tmp_path: Path) -> None:
    done = session("reanalyze", "last", "--jobs", "1")
    assert done.status == 0
    assert re.fullmatch(r"session 1: 4 × [\d.]+ N, unchanged", done.lines[0])
    assert session("reanalyze", "--all").lines[0].endswith("unchanged (computed before)")
    (told,) = (
        json.loads(line) for line in session("reanalyze", "1", "--json", "--calibration-of", "1").lines
    )
    assert (told["new"], told["problem"]) == (False, None)
    assert session("reanalyze").status == 1
    assert session("reanalyze", "1", "--calibration", tmp_path / "none").status == 1
    assert session("reanalyze", "1", "--band", "none").status == 1


def test_an_archive_is_computed_from_the_command_line(session: Command, tmp_path: Path) -> None:
    archive, results = tmp_path / "archive", tmp_path / "results"
    session("export", "last", "--format", "parquet", "-o", archive)
    words = ("reanalyze", "--parquet", archive, "-o", results, "--jobs", "1")
    done = session(*words)
    assert (done.status, done.lines[-1]) == (0, "files computed: 1, sets: 1")
    assert session(*words).lines == ["everything has been computed already"]
    assert session("reanalyze", "--parquet", archive).status == 1
    assert session(*words, "last").status == 1
