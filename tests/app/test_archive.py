"""A store read by a program: columns with units, the same as exports tell, and never changed."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

import bandsense
from bandsense.app.replay import session_table
from bandsense.bands.wear import Stiffness
from bandsense.errors import StoreError
from bandsense.export.rows import rep_rows, set_rows
from bandsense.profiles.band import BandProfile
from bandsense.samples import Unit, concatenate
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from tests.support.old_store import old_store
from tests.support.weeks import Habit, train_weeks


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three sessions of `ann`, written by this version."""
    path = tmp_path_factory.mktemp("store") / "bandsense.sqlite3"
    train_weeks(Store.open(path), Habit(), [90.0, 95.0, 100.0])
    return path


def contents(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def test_sets_and_repetitions_are_those_of_the_exports(path: Path) -> None:
    store, reader = Store.open(path), bandsense.open_store(path)
    tables = [session_table(store, each) for each in reversed(store.sessions())]
    wanted = [row for table in tables for row in set_rows(table)]
    sets, reps = reader.sets(), reader.repetitions()
    assert sets.rows == len(wanted) == 9
    assert reps.rows == sum(row["reps"] for row in wanted)
    for name in ("session", "set", "reps", "peak_n", "peak_uncertainty_n", "exercise", "band", "side"):
        assert sets[name].tolist() == [row[name] if row[name] is not None else "" for row in wanted], name
    assert sets["started"].tolist() == [
        datetime.fromisoformat(row["started"]).astimezone(UTC).replace(tzinfo=None) for row in wanted
    ]
    told = [row["peak_n"] for table in tables for row in rep_rows(table)]
    assert reps["peak_n"].tolist() == told
    assert (sets.units["peak_n"], reps.units["impulse_n_s"], "exercise" in sets.units) == ("N", "N.s", False)
    assert np.isnan(sets["pain"]).all()


def test_samples_come_with_their_uncertainty_and_raw_ones_as_they_are(path: Path) -> None:
    store, reader = Store.open(path), bandsense.open_store(path)
    session = reader.session("last")
    samples, raw = session.samples(), session.raw()
    (table,) = session_table(store, session.info).streams
    block = concatenate(store.blocks(session.info.streams[0]))
    assert samples["tension_n"].dtype == np.float64
    assert np.array_equal(samples["tension_n"], table.tension_n)
    assert (samples["tension_uncertainty_n"] > 0).all()
    assert np.array_equal(raw["raw"], block.values)
    assert np.array_equal(raw["time_s"], samples["time_s"])
    assert raw.units == {"time_s": "s", "raw": "N"}
    second = samples.where(samples["set"] == 2)
    assert 0 < second.rows < samples.rows
    assert set(second["set"]) == {2}
    assert session.summary()["reps"] == session.repetitions().rows


def test_sessions_are_found(path: Path) -> None:
    reader = bandsense.open_store(path)
    first, *_, last = reader.sessions()
    assert first.info.started_unix_s < last.info.started_unix_s
    day = date.fromtimestamp(first.info.started_unix_s)
    assert [each.number for each in reader.sessions(since=day, until=day)] == [first.number]
    moment = datetime.fromtimestamp(last.info.started_unix_s, UTC)
    assert [each.number for each in reader.sessions(since=moment)] == [last.number]
    assert reader.sessions(person="nobody") == []
    assert reader.sets(person="nobody").rows == 0
    overview = reader.overview()
    assert overview["reps"].sum() == reader.repetitions().rows
    assert overview["duration_s"].min() > 0


def test_bands_say_how_sure_their_tension_is(path: Path) -> None:
    store = Store.open(path)
    measured = BandProfile(id="red", rest_length_m=0.6, f100_n=20.0, exponent=0.6, strands=2)
    measured = measured.model_copy(update={"stiffness": (Stiffness(0, 40.0, 1.2),)})
    for band in (
        measured,
        BandProfile(id="shop", colour="green"),
        BandProfile(id="found", brand="Any", colour="pink"),
    ):
        store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    bands = bandsense.open_store(path).bands()
    told = dict(zip(bands["band"], bands["f100_n"], strict=True))
    uncertainty_n = dict(zip(bands["band"], bands["f100_uncertainty_n"], strict=True))
    assert 0 < uncertainty_n["shop"] < told["shop"]
    assert (told["red"], uncertainty_n["red"]) == (40.0, 1.2)
    assert np.isnan([told["found"], uncertainty_n["found"]]).all()
    known = dict(zip(bands["band"], bands["known_from"], strict=True))
    assert known == {"red": "pull", "shop": "colour", "found": ""}


def test_an_old_store_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    file = old_store(tmp_path)
    before = contents(tmp_path)
    reader = bandsense.open_store(file)
    assert reader.sets().rows >= 3
    assert set(reader.sets()["side"]) == {"", "left", "right"}
    assert reader.session(1).samples().rows == 1983
    with pytest.raises(StoreError, match="two sensors; say side="):
        reader.session(3).samples()
    assert reader.session(3).samples("left").rows > 0
    with pytest.raises(StoreError, match="no side 'middle'; it has left, right"):
        reader.session(3).raw("middle")
    assert contents(tmp_path) == before


def test_what_is_opened_for_reading_cannot_be_written_and_sees_what_others_write(tmp_path: Path) -> None:
    file = tmp_path / "bandsense.sqlite3"
    writer = Store.open(file)
    recorder = writer.record(NewSession("sensor", 1.7e9, (NewStream("a", Unit.NEWTON),), "test"))
    reading = Store.open(file, read_only=True)
    assert [session.state.value for session in reading.sessions()] == ["open"]  # left to its recorder
    for change in (
        lambda: reading.people.put("ada", {}),
        lambda: reading.delete(1),
        lambda: reading.record(NewSession("sensor", 1.7e9, (), "test")),
        lambda: reading.note_summary(1, {}),
    ):
        with pytest.raises(StoreError):
            change()
    assert reading.database.read_only
    with reading.database.opened() as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM sessions")
    writer.people.put("ada", {"id": "ada"})
    assert reading.people.get("ada") == {"id": "ada"}
    recorder.close()
    with pytest.raises(StoreError, match=r"there is no store .*; record a session first"):
        bandsense.open_store(tmp_path / "other.sqlite3")
    assert not (tmp_path / "other.sqlite3").exists()
