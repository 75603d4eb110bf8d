"""One set in the terminal, on the page, in a report and in an export: the same figures, rounded by each."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bandsense.cli import main
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.traces import waves, write_trace

require_module("starlette", "bandsense[web]")

from tests.web.test_history import get, page, served  # noqa: E402

Run = Callable[..., str]

PEAKS_N = (50.0, 50.0, 50.0, 33.0, 50.0, 39.0, 50.0, 50.0)
"""Peaks of which the fourth goes about half the way, and the sixth two thirds of it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command beside one session of a simulated person; gives what it prints."""
    monkeypatch.setenv("BANDSENSE_HOME", str(home))

    def run(*words: str) -> str:
        assert main(list(words)) == 0
        return capsys.readouterr().out

    if not list(home.glob("*sim*.sqlite3")):
        run("live", "--sim", "--reps", "3", "--sets", "1", "--speed", "0", "--lines")
    return run


def exported(run: Run, folder: Path) -> list[dict[str, str]]:
    run("export", "1", "--simulated", "--format", "csv-reps", "-o", str(folder))
    with (folder / "session-1-reps.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def peaks(line: str) -> tuple[int, ...]:
    """A tension and its uncertainty in whole newtons."""
    (pair,) = re.findall(r"(\d+) ± (\d+)", line)
    return tuple(map(int, pair))


def test_terminal_and_export_agree_with_the_decimal_mark_of_each(run: Run, tmp_path: Path) -> None:
    reps = exported(run, tmp_path)
    assert len(reps) == 3
    shown = run("show", "1", "--simulated")
    german = run("show", "1", "--simulated", "--language", "de")
    for number, rep in enumerate(reps, 1):
        peak, uncertainty = float(rep["peak_n"]), float(rep["peak_uncertainty_n"])
        [line] = re.findall(rf"^ +{number} .*$", shown, re.MULTILINE)
        # The export is rounded once already, to hundredths.
        assert peaks(line) == pytest.approx((peak, uncertainty), abs=0.51)
        assert f" {float(rep['mean_n']):.1f} " in line
        assert f" {float(rep['impulse_n_s']):.0f} " in line
        [line] = re.findall(rf"^ +{number} .*$", german, re.MULTILINE)
        assert peaks(line) == pytest.approx((peak, uncertainty), abs=0.51)
        assert f" {float(rep['mean_n']):.1f} ".replace(".", ",") in line
    best = max(reps, key=lambda rep: float(rep["peak_n"]))
    told = [peaks(line) for line in re.findall(r"peak (\d+ ± \d+) N", shown)]
    assert len(told) == 2, "of the set and of the session"
    for each in told:
        assert each == pytest.approx((float(best["peak_n"]), float(best["peak_uncertainty_n"])), abs=0.51)


def test_page_report_and_export_agree_in_whole_newtons(run: Run, tmp_path: Path, home: Path) -> None:
    reps = exported(run, tmp_path)
    [store] = home.glob("*sim*.sqlite3")
    _, _, body = get(served(Store.open(store))[0], "/sessions/1/sets/1")
    shown = re.findall(r"<td>(\d+) ± (\d+)</td>", body)
    assert len(shown) == len(reps)
    for (peak, uncertainty), rep in zip(shown, reps, strict=True):
        # The export is rounded once already, to hundredths.
        assert float(peak) == pytest.approx(float(rep["peak_n"]), abs=0.51)
        assert float(uncertainty) == pytest.approx(float(rep["peak_uncertainty_n"]), abs=0.51)
    best = " ± ".join(max(shown, key=lambda each: float(each[0])))
    assert best in page(Store.open(store), "/sessions/1").text
    run("report", "1", "--simulated", "-o", str(tmp_path / "report.html"))
    assert best in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_full_partial_and_unsure_are_the_same_everywhere(run: Run, tmp_path: Path, home: Path) -> None:
    tension_n = np.concatenate([np.zeros(160), *(waves(1, peak_n) for peak_n in PEAKS_N), np.zeros(400)])
    trace = write_trace(tmp_path / "trace.csv", 3.0 + tension_n)
    run("live", "--sim", "--trace", str(trace), "--speed", "0", "--lines")
    assert "8 reps: 6 full, 1 partial, 1 unsure, peak" in run("show", "last", "--simulated")
    assert "8 reps: 6 full, 1 partial, 1 unsure in" in run("analyze", str(trace))
    run("export", "last", "--simulated", "--format", "csv-sets", "-o", str(tmp_path))
    run("export", "last", "--simulated", "--format", "csv-reps", "-o", str(tmp_path))
    [sets], [reps] = tmp_path.glob("*-sets.csv"), tmp_path.glob("*-reps.csv")
    with sets.open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["reps"], row["partial"], row["unsure"]) == ("8", "1", "1")
    with reps.open(encoding="utf-8", newline="") as file:
        marks = [(row["partial"], row["unsure"]) for row in csv.DictReader(file)]
    assert marks[3:6] == [("1", "0"), ("0", "0"), ("0", "1")]
    assert set(marks[:3] + marks[6:]) == {("0", "0")}
    [path] = home.glob("*sim*.sqlite3")
    store = Store.open(path)
    number = max(each.id for each in store.sessions())
    told = page(store, f"/sessions/{number}").text
    assert "8 repetitions in 1 set, of them 1 partial and 1 unsure." in told
    assert (
        "8 Wiederholungen (1 Satz), davon 1 teilweise und 1 unklar."
        in page(store, f"/sessions/{number}", "language=de").text
    )
    told = page(store, f"/sessions/{number}/sets/1").text
    assert [len(re.findall(rf"\d\d % {word}\b", told)) for word in ("partial", "unsure")] == [1, 1]
