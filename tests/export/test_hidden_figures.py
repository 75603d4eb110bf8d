"""What a sensor cannot tell: empty in every export, with the reason where the format has room for one."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bandsense.app.replay import session_table
from bandsense.export.formats import write, write_all
from bandsense.export.table import SessionTable
from bandsense.store.store import Store
from tests.support.quick_set import REASON, quick_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return quick_store(tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module")
def table(store: Store) -> SessionTable:
    return session_table(store, store.session(1))


@pytest.fixture
def peakless(table: SessionTable) -> SessionTable:
    """The same, of a sensor whose zero was never set: no peak is worth telling."""
    (part,) = table.streams
    (data,) = json.loads(json.dumps(part.sets))
    for figures in data["rep_metrics"]:
        figures["peak_n"], figures["impulse_n_s"] = None, None
        figures["hidden"] |= {"peak_n": "no zero", "impulse_n_s": "no zero"}
    return replace(table, streams=(replace(part, sets=(data,)),))


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def events_of(table: SessionTable, folder: Path) -> list[dict[str, str]]:
    written = write_all([table], "bids", folder)
    return rows_of(next(path for path in written if path.name.endswith("events.tsv")), "\t")


def test_a_line_a_repetition_says_why_cells_are_empty(table: SessionTable, tmp_path: Path) -> None:
    path, description = write(table, "csv-reps", tmp_path)
    rows = rows_of(path)
    assert len(rows) == 12
    for row in rows:
        assert (row["concentric_s"], row["eccentric_s"]) == ("", "")
        assert row["hidden"] == f"concentric_s: {REASON}; eccentric_s: {REASON}"
        assert float(row["peak_uncertainty_n"]) > 5.0
    names = [each["name"] for each in json.loads(description.read_text())["tableSchema"]["columns"]]
    assert names[-2:] == ["probability", "hidden"], "what was there keeps its place"


def test_a_line_a_set_says_why_and_how_likely_its_count_is(table: SessionTable, tmp_path: Path) -> None:
    (row,) = rows_of(write(table, "csv-sets", tmp_path)[0])
    assert (row["time_under_tension_s"], row["hidden"]) == ("", f"time_under_tension_s: {REASON}")
    chances = {int(count): p for count, p in table.streams[0].sets[0]["chances"].items()}
    assert float(row["reps_probability"]) == round(chances.pop(12), 4)
    likely = max(chances, key=lambda count: chances[count])
    assert (int(row["other_reps"]), float(row["other_reps_probability"])) == (
        likely,
        round(chances[likely], 4),
    )


def test_a_peak_has_one_uncertainty(table: SessionTable, tmp_path: Path) -> None:
    (row,) = rows_of(write(table, "csv-sets", tmp_path)[0])
    reps = rows_of(write(table, "csv-reps", tmp_path)[0])
    best = max(reps, key=lambda rep: float(rep["peak_n"]))
    pair = (row["peak_n"], row["peak_uncertainty_n"])
    assert pair == (best["peak_n"], best["peak_uncertainty_n"])
    assert float(row["peak_uncertainty_n"]) > 6.0, "sampling is part of it"
    (events,) = (rep for rep in events_of(table, tmp_path / "bids") if rep["rep"] == best["rep"])
    assert (events["peak_n"], float(events["peak_uncertainty_n"])) == (
        f"{float(pair[0]):.2f}",
        float(pair[1]),
    )
    (path,) = write(table, "json", tmp_path)
    metrics = json.loads(path.read_text())["streams"][0]["sets"][0]["metrics"]
    assert round(metrics["peak_uncertainty_n"], 2) == float(pair[1])
    assert metrics["hidden"]["time_under_tension_s"] == REASON


def test_events_of_a_data_set_say_what_is_not_available(table: SessionTable, tmp_path: Path) -> None:
    rows = events_of(table, tmp_path)
    assert len(rows) == 12
    assert list(rows[0])[:6] == ["onset", "duration", "trial_type", "set", "rep", "peak_n"]
    for row in rows:
        assert (row["duration"], row["hidden"]) == ("n/a", f"duration: {REASON}")
        assert 0.9 < float(row["probability"]) <= 1.0
        assert 0.9 < float(row["set_reps_probability"]) <= 1.0


def test_a_peak_that_is_hidden_is_in_no_export(peakless: SessionTable, tmp_path: Path) -> None:
    (row,) = rows_of(write(peakless, "csv-sets", tmp_path)[0])
    assert {row[name] for name in ("peak_n", "mean_peak_n", "peak_uncertainty_n", "impulse_n_s")} == {""}
    assert "; peak_n: no zero; " in f"; {row['hidden']}; "
    assert "impulse_n_s: no zero" in row["hidden"]
    assert {rep["peak_n"] for rep in rows_of(write(peakless, "csv-reps", tmp_path)[0])} == {""}
    assert {rep["peak_n"] for rep in events_of(peakless, tmp_path / "bids")} == {"n/a"}
    (hevy,) = write_all([peakless], "hevy", tmp_path)
    assert rows_of(hevy)[0]["weight_kg"] == ""
    (fhir,) = write(peakless, "fhir", tmp_path)
    parts = [part for part in components(json.loads(fhir.read_text())) if "tension" in part["code"]["text"]]
    of_peaks = [part for part in parts if "peak" in part["code"]["text"]]
    assert len(of_peaks) == 13
    for part in of_peaks:
        assert part["dataAbsentReason"]["text"] == "no zero"
        assert "valueQuantity" not in part


def components(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for entry in bundle["entry"] for part in entry["resource"].get("component", ())]
