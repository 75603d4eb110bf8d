from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bandsense.errors import DataError, MissingExtra
from bandsense.export.formats import FORMATS, write
from bandsense.export.recording import read_recording
from bandsense.export.table import COLUMNS, SessionTable, utc
from bandsense.samples import Unit
from tests.needs import require_module


def test_a_csv_holds_every_sample_exactly(table: SessionTable, tmp_path: Path) -> None:
    data, description = write(table, "csv", tmp_path / "out")
    assert (data.name, description.name) == ("session-7.csv", "session-7.csv-metadata.json")
    with data.open(newline="") as file:
        rows = list(csv.DictReader(file))
    (stream,) = table.streams
    assert list(rows[0]) == [column.name for column in COLUMNS]
    for name in ("time_s", "raw", "tension_n", "tension_uncertainty_n"):
        assert np.array_equal([float(row[name]) for row in rows], stream.column(name))
    assert [int(row["rep"]) for row in rows] == stream.rep.tolist()
    assert [n for n, row in enumerate(rows) if row["gap_before"] == "1"] == [17]
    assert [n for n, row in enumerate(rows) if row["saturated"] == "1"] == [30]
    assert {row["phase"] for row in rows} == {"concentric", "eccentric"}
    assert rows[0]["raw"] == "30000"  # counts are whole numbers


def test_a_csv_is_described_with_units_and_settings(table: SessionTable, tmp_path: Path) -> None:
    _, path = write(table, "csv", tmp_path)
    description = json.loads(path.read_text())
    assert description["@context"] == "http://www.w3.org/ns/csvw"
    assert description["url"] == "session-7.csv"
    columns = {column["name"]: column for column in description["tableSchema"]["columns"]}
    assert "newtons" in columns["tension_n"]["dc:description"]
    assert columns["gap_before"]["datatype"] == {"base": "boolean", "format": "1|0"}
    assert columns["raw"]["datatype"] == "integer"
    units = {
        name: column["schema:unitText"] for name, column in columns.items() if "schema:unitText" in column
    }
    assert units == {"time_s": "s", "raw": "count", "tension_n": "N", "tension_uncertainty_n": "N"}
    (notes,) = description["notes"]
    assert notes["started"] == "2023-11-14T22:13:20.000Z"
    assert notes["unit"] == "count"
    assert notes["settings"] == {"exercise": "seated-row"}
    assert len(notes["sets"][0]["reps"]) == 2


def test_what_was_exported_can_be_read_again(table: SessionTable, tmp_path: Path) -> None:
    data, _ = write(table, "csv", tmp_path)
    recording = read_recording(data)
    (stream,) = table.streams
    assert np.array_equal(recording.block.values, stream.tension_n)
    assert np.allclose(recording.block.time_s, stream.time_s - stream.time_s[0], rtol=0, atol=1e-9)


def test_a_sensor_that_sends_forces_keeps_their_unit(table: SessionTable, tmp_path: Path) -> None:
    (part,) = table.streams
    forces = replace(part, stream=replace(part.stream, unit=Unit.KILOGRAM_FORCE), raw=part.raw * 1e-5)
    data, path = write(replace(table, streams=(forces,)), "csv", tmp_path)
    raw = json.loads(path.read_text())["tableSchema"]["columns"][1]
    assert (raw["name"], raw["datatype"], raw["schema:unitText"]) == ("raw", "double", "kgf")
    assert float(data.read_text().splitlines()[1].split(",")[1]) == part.raw[0] * 1e-5


def test_json_holds_the_session_and_every_sample(table: SessionTable, tmp_path: Path) -> None:
    (path,) = write(table, "json", tmp_path)
    data = json.loads(path.read_text())
    assert (data["session"], data["person"], data["exercise"]) == (7, "ada", "seated-row")
    (stream,) = data["streams"]
    assert stream["columns"]["raw"] == table.streams[0].raw.tolist()
    assert stream["columns"]["gap_before"][17] is True


def test_parquet_keeps_types_and_description(table: SessionTable, tmp_path: Path) -> None:
    parquet = require_module("pyarrow.parquet", "bandsense[parquet]")
    (path,) = write(table, "parquet", tmp_path)
    back = parquet.read_table(path)
    for column in COLUMNS:
        assert back[column.name].to_pylist() == table.streams[0].column(column.name).tolist()
    assert str(back.schema.field("gap_before").type) == "bool"
    assert str(back.schema.field("rep").type) == "int64"
    assert str(back.schema.field("raw").type) == "int64"
    assert json.loads(back.schema.metadata[b"bandsense"])["settings"] == {"exercise": "seated-row"}


def test_fit_is_read_by_the_makers_own_decoder(table: SessionTable, tmp_path: Path) -> None:
    sdk = require_module("garmin_fit_sdk", "garmin-fit-sdk")
    require_module("fit_tool", "bandsense[fit]")
    (path,) = write(table, "fit", tmp_path)
    stream = sdk.Stream.from_file(str(path))
    decoder = sdk.Decoder(stream)
    assert decoder.is_fit()
    assert decoder.check_integrity()
    stream.reset()
    messages, errors = sdk.Decoder(stream).read()
    assert errors == []
    started = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    (a_set,) = messages["set_mesgs"]
    assert a_set["repetitions"] == 2
    assert a_set["duration"] == pytest.approx(5.5)
    assert a_set["developer_fields"][1] == pytest.approx(60.0)
    assert a_set["weight"] == pytest.approx((5.0 + 6.0) / 2, abs=1 / 16)
    (session,) = messages["session_mesgs"]
    assert (session["sport"], session["sub_sport"]) == ("training", "strength_training")
    assert session["start_time"] == started
    assert session["total_elapsed_time"] == pytest.approx(9.9875, abs=1e-3)
    assert len(messages["record_mesgs"]) == 10
    greatest_n = [record["developer_fields"][0] for record in messages["record_mesgs"]]
    assert greatest_n == pytest.approx(table.streams[0].tension_n.reshape(10, 80).max(axis=1).tolist())
    assert messages["field_description_mesgs"][0]["units"] == "N"
    assert len(messages["activity_mesgs"]) == 1


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_session_without_samples_can_be_exported(table: SessionTable, tmp_path: Path, name: str) -> None:
    (part,) = table.streams
    names = [column.name for column in COLUMNS]
    empty = replace(part, sets=(), **{column: part.column(column)[:0] for column in names})
    for path in write(replace(table, streams=(empty,)), name, tmp_path):
        assert path.stat().st_size > 0


def test_two_sensors_are_two_files(table: SessionTable, tmp_path: Path) -> None:
    (part,) = table.streams
    left = replace(part, stream=replace(part.stream, side="left"))
    right = replace(part, stream=replace(part.stream, side="right"))
    written = write(replace(table, streams=(left, right)), "csv", tmp_path)
    assert [path.name for path in written if path.suffix == ".csv"] == [
        "session-7-left.csv",
        "session-7-right.csv",
    ]


def test_a_file_appears_whole_or_not_at_all(table: SessionTable, tmp_path: Path) -> None:
    (part,) = table.streams
    broken = replace(part, rep=part.rep[:5])
    with pytest.raises(ValueError, match="zip"):
        write(replace(table, streams=(broken,)), "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(table: SessionTable, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write(table, "csv", blocker / "out")


@pytest.mark.parametrize(("name", "module"), [("parquet", "pyarrow"), ("fit", "fit_tool.fit_file_builder")])
def test_a_missing_part_is_named_with_its_remedy(
    table: SessionTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'bandsense\[{name}\]'"):
        write(table, name, tmp_path)


def test_times_are_told_in_utc() -> None:
    assert utc(None) is None
    assert utc(0.25) == "1970-01-01T00:00:00.250Z"
