"""What was exported comes back, and what other programs wrote is read as it was meant."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandsense.app.importing import ImportOptions, _require_harmless, import_files
from bandsense.app.replay import session_table
from bandsense.errors import FileFormatError
from bandsense.export.formats import write, write_all
from bandsense.export.imports import ImportedSession, ImportedStream
from bandsense.export.recording import ColumnMapping, read_recording
from bandsense.export.rows import sets_of
from bandsense.export.training_logs import HEVY_HEADER
from bandsense.samples import KGF_N, Unit, concatenate
from bandsense.store.store import Store
from tests.needs import REPOSITORY
from tests.support.old_store import old_store

DATA = REPOSITORY / "tests" / "data" / "v0.1.0"
NOTHING = ImportOptions()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(old_store(tmp_path_factory.mktemp("store")))


def told(path: Path) -> dict[str, Any]:
    """A JSON export without what is the new store's own."""
    data: dict[str, Any] = json.loads(path.read_text())
    del data["session"]
    return data


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("format_name", ["json", "csv", "parquet"])
def test_out_and_in_and_out_again_is_the_same(
    written: Store, tmp_path: Path, format_name: str, number: int
) -> None:
    session = written.session(number)
    table = session_table(written, session)
    files = [
        path
        for path in write(table, format_name, tmp_path / "first")
        if path.suffix != ".json" or format_name == "json"
    ]
    store = Store.open(tmp_path / "new.sqlite3")
    (done,) = import_files(store, files, NOTHING)
    assert done.new
    again = store.session(done.session)
    for old, new in zip(session.streams, again.streams, strict=True):
        assert concatenate(store.blocks(new)) == concatenate(written.blocks(old))
        assert store.inputs(new) == written.inputs(old)
        assert (new.sensor, new.side, new.unit, new.settings) == (
            old.sensor,
            old.side,
            old.unit,
            old.settings,
        )
    (before,) = write(table, "json", tmp_path / "before")
    (after,) = write(session_table(store, again), "json", tmp_path / "after")
    assert told(after) == told(before)
    (twice,) = import_files(store, files, NOTHING)
    assert (twice.new, twice.session) == (False, done.session)
    assert len(store.sessions()) == 1


def trace_file(path: Path, force_n: list[float]) -> Path:
    lines = [f"{0.1 * place:.1f},{force:g}" for place, force in enumerate(force_n)]
    path.write_text("time_s,force_n\n" + "\n".join(lines) + "\n")
    return path


def test_another_trace_of_the_same_start_is_kept_and_told(tmp_path: Path) -> None:
    """A day is all that `--started` says: two traces of a day share it, and neither may be lost."""
    options = ImportOptions("ada", "seated-row", started_unix_s=1.7e9)
    first = trace_file(tmp_path / "first.csv", [0.0, 20.0, 40.0, 20.0, 0.0])
    second = trace_file(tmp_path / "second.csv", [0.0, 20.0, 41.0, 20.0, 0.0])
    longer = trace_file(tmp_path / "longer.csv", [0.0, 20.0, 40.0, 20.0, 0.0, 0.0])
    store = Store.open(tmp_path / "new.sqlite3")
    done = [import_files(store, [path], options)[0] for path in (first, second, longer)]
    assert [each.new for each in done] == [True, True, True]
    assert [any("with other content" in note for note in each.notes) for each in done] == [False, True, True]
    kept = [concatenate(store.blocks(store.session(each.session).streams[0])).values for each in done]
    assert [(len(each), each[2]) for each in kept] == [(5, 40.0), (5, 41.0), (6, 40.0)]
    again = [import_files(store, [path], options)[0] for path in (first, second, longer)]
    assert [(each.new, each.session) for each in again] == [(False, each.session) for each in done]


def test_a_log_that_says_something_else_of_a_session_is_kept_and_told(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "new.sqlite3")
    hevy_file(tmp_path / "one.csv", [(10, 12.5, 30, 7.0, "")])
    hevy_file(tmp_path / "two.csv", [(10, 12.5, 30, 7.0, ""), (9, 12.5, 30, 8.0, "")])
    (one,) = import_files(store, [tmp_path / "one.csv"], NOTHING)
    (two,) = import_files(store, [tmp_path / "two.csv"], NOTHING)
    (again,) = import_files(store, [tmp_path / "one.csv"], NOTHING)
    assert (one.new, two.new, again.new, again.session) == (True, True, False, one.session)
    assert f"session {one.session} began at the same time" in two.notes[-1]


def test_exports_of_0_1_0_are_read(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "new.sqlite3")
    for name in ("session-1.json", "session-1.csv"):
        (tmp_path / name).write_bytes(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    shutil.copy(DATA / "session-1.csv-metadata.json", tmp_path)
    (first,) = import_files(store, [tmp_path / "session-1.json"], NOTHING)
    (second,) = import_files(store, [tmp_path / "session-1.csv"], NOTHING)
    assert (first.new, second.new) == (True, False)
    assert store.session(first.session).samples == 1983


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs", "P"]), max_size=30).map(str.strip)
SETS = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.integers(0, 30_000).map(lambda hundredths: hundredths / 100),
        st.integers(0, 600),
        st.none() | st.integers(0, 10).map(float),
        TEXT.filter(lambda text: text != "-"),
    ),
    min_size=1,
    max_size=8,
)


def hevy_file(
    path: Path, sets: list[Any], started: str = "6 Jul 2026, 17:59", ended: str = "6 Jul 2026, 18:40"
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(HEVY_HEADER)
        for index, (reps, weight, seconds, effort, note) in enumerate(sets):
            told = "" if effort is None else effort
            writer.writerow(
                [
                    "Evening",
                    started,
                    ended,
                    "",
                    "Seated row",
                    "",
                    note,
                    index,
                    "normal",
                    weight,
                    reps,
                    "",
                    seconds,
                    told,
                ]
            )


def logged(store: Store) -> list[Any]:
    return [
        (
            session.started_unix_s,
            session.exercise,
            [
                (len(each.reps), round(each.mean_peak_kgf, 2), each.feedback["effort"], each.feedback["note"])
                for each in sets_of(session_table(store, session))
            ],
        )
        for session in store.sessions()
    ]


@settings(max_examples=12)
@given(sets=SETS)
@pytest.mark.parametrize("format_name", ["hevy", "strong"])
def test_training_logs_come_back(
    tmp_path_factory: pytest.TempPathFactory, format_name: str, sets: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    hevy_file(folder / "hevy.csv", sets)
    first, second = Store.open(folder / "first.sqlite3"), Store.open(folder / "second.sqlite3")
    import_files(first, [folder / "hevy.csv"], NOTHING)
    tables = [session_table(first, session) for session in first.sessions()]
    (path,) = write_all(tables, format_name, folder / "out")
    import_files(second, [path], NOTHING)
    assert logged(second) == logged(first)
    ((_, exercise, found),) = logged(first)
    assert exercise == "seated-row"
    assert [(reps, weight) for reps, weight, _, _ in found] == [(each[0], round(each[1], 2)) for each in sets]
    tables = [session_table(second, session) for session in second.sessions()]
    (again,) = write_all(tables, format_name, folder / "again")
    if format_name == "hevy":
        assert again.read_text() == path.read_text()


def test_fit_sets_come_back(written: Store, tmp_path: Path) -> None:
    table = session_table(written, written.session(2))
    (path,) = write(table, "fit", tmp_path / "first")
    first, second = Store.open(tmp_path / "first.sqlite3"), Store.open(tmp_path / "second.sqlite3")
    (done,) = import_files(first, [path], ImportOptions(person="ada"))
    session = first.session(done.session)
    assert (session.person, session.exercise) == ("ada", "one-arm-bent-over-row")
    found = sets_of(session_table(first, session))
    assert [len(each.reps) for each in found] == [len(each.reps) for each in sets_of(table)]
    for new, old in zip(found, sets_of(table), strict=True):
        assert new.mean_peak_kgf == pytest.approx(old.mean_peak_kgf, abs=1 / 16)
        assert new.start_unix_s == pytest.approx(old.start_unix_s, abs=1.0)
    (again,) = write(session_table(first, session), "fit", tmp_path / "again")
    import_files(second, [again], ImportOptions(person="ada"))
    assert [
        (e.start_unix_s, len(e.reps), e.data["end_s"])
        for e in sets_of(session_table(second, second.session(1)))
    ] == [(e.start_unix_s, len(e.reps), e.data["end_s"]) for e in found]


STRONG = """Date,Workout Name,Duration,Exercise Name,Set Order,Weight,Reps,Distance,Seconds,Notes,\
Workout Notes,RPE
2024-01-15 18:30:00,"Evening",1h 5m,"Band row (left)",1,12.5,10,0,0,"","",8
2024-01-15 18:30:00,"Evening",1h 5m,"Band row (right)",2,12.5,9,0,0,"","",
2024-01-15 18:30:00,"Evening",1h 5m,"Band row (right)",W,5,9,0,0,"","",
2024-01-15 18:30:00,"Evening",1h 5m,"Face pull",1,20,12,0,0,"good","",
"""


def test_strong_with_commas_warm_ups_and_several_exercises(tmp_path: Path) -> None:
    (tmp_path / "strong.csv").write_text(STRONG)
    store = Store.open(tmp_path / "new.sqlite3")
    done = import_files(store, [tmp_path / "strong.csv"], NOTHING)
    assert [store.session(each.session).exercise for each in done] == ["band-row", "face-pull"]
    row = sets_of(session_table(store, store.session(done[0].session)))
    assert [(each.side, len(each.reps), each.mean_peak_n, each.feedback["effort"]) for each in row] == [
        ("left", 10, pytest.approx(12.5 * KGF_N), 8.0),
        ("right", 9, pytest.approx(12.5 * KGF_N), None),
    ]
    session = store.session(done[0].session)
    assert session.ended_unix_s == session.started_unix_s + 65 * 60


def test_a_trace_of_any_program_becomes_a_session(tmp_path: Path, set_of_three: Any) -> None:
    lines = [
        f"{t * 1000:.1f};{v / KGF_N:.4f};x"
        for t, v in zip(set_of_three.time_s, set_of_three.values, strict=True)
    ]
    path = tmp_path / "scale.txt"
    path.write_text("made by a scale;;\nt;load;z\n" + "\n".join(lines) + "\n")
    store = Store.open(tmp_path / "new.sqlite3")
    mapping = ColumnMapping("t", "load", "ms", "kgf")
    options = ImportOptions("ada", "seated-row", started_unix_s=1.7e9, mapping=mapping)
    (done,) = import_files(store, [path], options)
    session = store.session(done.session)
    assert (session.person, session.exercise, session.started_unix_s) == ("ada", "seated-row", 1.7e9)
    assert session.summary is not None
    assert session.summary["reps"] == 3
    assert [len(each.reps) for each in sets_of(session_table(store, session))] == [3]
    for wrong, reason in (
        (ColumnMapping("t", "weight"), "no line names the columns"),
        (ColumnMapping("t", "load", "hours", "kgf"), "not both known"),
    ):
        with pytest.raises(FileFormatError, match=reason):
            read_recording(path, wrong)


@pytest.mark.parametrize("first", ["", "made by a scale;2026;x\n"])
def test_columns_without_a_name_are_counted(tmp_path: Path, first: str) -> None:
    path = tmp_path / "scale.txt"
    path.write_text(first + "x;0,5;1\nx;1,0;2\nx;2,0;3\n")
    with pytest.raises(FileFormatError, match=r"line 1: .*--time 1 --force 2"):
        read_recording(path)
    block = read_recording(path, ColumnMapping("3", "2", "s", "kgf")).block
    assert list(block.time_s) == [0.0, 1.0, 2.0]
    assert block.values == pytest.approx([0.5 * KGF_N, KGF_N, 2 * KGF_N])
    for wrong in (("0", "2"), ("2", "4"), ("1", "2")):
        with pytest.raises(FileFormatError, match="no line names the columns"):
            read_recording(path, ColumnMapping(*wrong))


def test_tindeqs_repeaters_say_no_unit_and_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "repeaters.csv"
    path.write_text(",Overall Avg,Rep 1\nAverage,12.1,12.0\n\ntime,weight\n0.0,0.5\n0.0125,1.0\n0.025,2.0\n")
    recording = read_recording(path)
    assert recording.block.values == pytest.approx([0.5 * KGF_N, KGF_N, 2 * KGF_N])
    assert any("kilogram-force is assumed" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", "{"),
        ("x.json", '{"format": "bandsense session", "version": 9, "streams": []}'),
        ("x.json", '{"streams": [{"columns": {}}], "source": 1}'),
        ("x.json", "{" + '"a":{' * 50_000),
        ("x.csv", "title,start_time,exercise_title,set_index,reps\na,noon,b,0,3\n"),
        ("x.csv", "title,start_time,exercise_title,set_index,reps\na\n"),
        ("x.csv", "Date;Exercise Name;Set Order;Weight;Reps\n2024;x;1;1;1\n"),
        ("x.parquet", "PAR1 nonsense PAR1"),
        ("x.fit", "\x0e\x10\x00\x00\x00\x00\x00\x00.FITnonsense"),
    ],
)
def test_what_is_damaged_is_refused_and_leaves_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    store = Store.open(tmp_path / "new.sqlite3")
    with pytest.raises(FileFormatError):
        import_files(store, [tmp_path / name], NOTHING)
    assert store.sessions() == []


def test_a_file_that_was_cut_off_is_refused_and_leaves_nothing(written: Store, tmp_path: Path) -> None:
    data, _ = write(session_table(written, written.session(1)), "csv", tmp_path)
    data.write_text("\n".join(data.read_text().splitlines()[:900]) + "\n")
    store = Store.open(tmp_path / "new.sqlite3")
    with pytest.raises(FileFormatError, match="cut off"):
        import_files(store, [data], NOTHING)
    assert store.sessions() == []


def test_a_file_that_is_no_text_is_called_that(tmp_path: Path) -> None:
    """Line ends within what looks like a header are no matter for whoever dropped a picture."""
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\x00\x1a,\r\x00")
    with pytest.raises(FileFormatError, match="it is not a text file"):
        import_files(Store.open(tmp_path / "s.sqlite3"), [path], NOTHING)


@pytest.mark.parametrize("text", ["Eve\x1b[2J", "Eve\u202egnp.exe"])
@pytest.mark.parametrize("place", ["person", "software", "band"])
def test_a_text_that_steers_the_terminal_is_refused(tmp_path: Path, place: str, text: str) -> None:
    session = replace(ImportedSession("x", 0.0, "x", ()), **{place: text})
    with pytest.raises(FileFormatError, match="cannot be shown: it holds"):
        _require_harmless(tmp_path / "x.json", session)
    stream = ImportedStream("imported", Unit.NEWTON, {}, inputs=({"data": {"note": text}},))
    with pytest.raises(FileFormatError, match="cannot be shown: it holds"):
        _require_harmless(tmp_path / "x.json", ImportedSession("x", 0.0, "x", (stream,)))
    _require_harmless(tmp_path / "x.json", ImportedSession("x", 0.0, "x", (), person="Zoë 李\r\nsecond"))


def test_a_training_log_that_steers_the_terminal_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "strong.csv").write_text(STRONG.replace("Band row", "Band\x1b[31mRow"))
    store = Store.open(tmp_path / "new.sqlite3")
    with pytest.raises(FileFormatError, match="control characters"):
        import_files(store, [tmp_path / "strong.csv"], NOTHING)
    assert store.sessions() == []
