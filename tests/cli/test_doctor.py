"""`bandsense doctor --bundle`: one file that tells what happened, and not to whom."""

from __future__ import annotations

import getpass
import json
import logging
import socket
import zipfile
from pathlib import Path

import pytest

from bandsense.app import doctor
from bandsense.app.capture_sink import last_capture
from bandsense.app.doctor import Check, Outcome
from bandsense.app.log_file import log_files, log_to_file
from bandsense.capture.format import ValueRecord, read_capture
from bandsense.profiles.sensor import SensorProfile
from bandsense.store.store import Store
from bandsense.wire.bandsense.uuids import MEASUREMENT_UUID
from tests.cli.conftest import Command


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer whose Bluetooth works, and which hears a sensor of the neighbours."""
    found = Check("bluetooth", Outcome.GOOD, "the adapter scans; Niklas right", ("Niklas right",))
    monkeypatch.setattr(doctor, "_bluetooth", lambda: found)


@pytest.mark.usefixtures("adapter")
def test_a_bundle_of_a_session_tells_nobody(
    command: Command, set_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    capture = tmp_path / "maria.bandcap"
    live = ("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--person", "Maria")
    assert command(*live, "--capture", capture).status == 0
    store = Store.open(tmp_path / "home" / "bandsense.sqlite3")
    sensor = SensorProfile(id="5e4500000000ba5e", name="Blue one", address="C0:BA:5E:00:BA:5E")
    store.sensors.put(sensor.id, sensor.model_dump(mode="json"))
    assert command("show", "99").status == 1

    bundle = tmp_path / "report.zip"
    done = command("doctor", "--bundle", bundle)
    assert (done.status, done.err) == (0, f"wrote {bundle}; look into it before you send it\n")
    with zipfile.ZipFile(bundle) as file:
        told = {name: file.read(name) for name in file.namelist()}
        file.extract("last.bandcap", tmp_path / "out")
    assert sorted(told) == ["facts.json", "last.bandcap", "logs/bandsense.log"]
    log = told["logs/bandsense.log"].decode()
    assert "connected to bandsense-<sensor 1>" in log
    assert "StoreError: there is no session 99" in log
    findings = {each["name"]: each["finding"] for each in json.loads(told["facts.json"])["findings"]}
    assert findings["bluetooth"] == "the adapter scans; <name 1>"
    assert findings["store"].startswith("<path 1>.sqlite3, sessions: 0, free: ")
    everything = b"\n".join(told.values()).lower()
    secrets = ["maria", "niklas", "blue one", "c0:ba:5e:00:ba:5e", "5e4500000000ba5e", str(tmp_path)]
    for secret in secrets:
        assert secret.lower().encode() not in everything, secret
    masked = read_capture(tmp_path / "out" / "last.bandcap")
    # Samples are no text: the two letters of a computer that is called `vm` stand in some by chance.
    texts = [told["facts.json"], told["logs/bandsense.log"]]
    for record in masked.records:
        if not isinstance(record, ValueRecord):
            texts.append(repr(record).encode())
        elif record.characteristic != MEASUREMENT_UUID:
            texts.append(record.data)
    for name in {getpass.getuser(), socket.gethostname()} - {"root", "localhost"}:
        assert name.lower().encode() not in b"\n".join(texts).lower(), name
    assert len(masked.records) == len(read_capture(capture).records)


@pytest.mark.usefixtures("adapter")
def test_a_bundle_without_log_and_capture(command: Command, tmp_path: Path) -> None:
    assert command("doctor", "--bundle", tmp_path / "report.zip").status == 0
    with zipfile.ZipFile(tmp_path / "report.zip") as file:
        assert file.namelist() == ["facts.json"]


@pytest.mark.usefixtures("adapter")
def test_a_file_that_is_no_capture_is_refused(command: Command, set_file: Path, tmp_path: Path) -> None:
    done = command("doctor", "--bundle", tmp_path / "report.zip", "--capture", set_file)
    assert done.status == 1
    assert "is not a capture" in done.err
    assert not (tmp_path / "report.zip").exists()


def test_a_capture_that_is_gone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANDSENSE_HOME", str(tmp_path))
    assert last_capture() is None
    (tmp_path / "last-capture.txt").write_text(str(tmp_path / "gone.bandcap"))
    assert last_capture() is None


def test_a_log_keeps_what_bandsense_does_and_warnings_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "home"
    with log_to_file(folder):
        assert not folder.exists()
        logging.getLogger("bandsense.link").info("streaming")
        logging.getLogger("another").info("chatter")
        logging.getLogger("another").error("trouble")
    logging.getLogger("bandsense.link").info("afterwards")
    (log,) = log_files(folder)
    lines = log.read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "INFO bandsense.link: streaming",
        "ERROR another: trouble",
    ]
    assert capsys.readouterr().err == ""


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    with log_to_file(tmp_path):
        for _ in range(3000):
            logging.getLogger("bandsense.link").info("x" * 1000)
    files = log_files(tmp_path)
    assert len(files) == len(list(tmp_path.iterdir())) == 2
    assert sum(file.stat().st_size for file in files) <= 2 << 20


def test_a_log_that_cannot_be_written_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    with log_to_file(tmp_path / "file"):
        logging.getLogger("bandsense.link").info("streaming")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("adapter")
def test_findings_are_said_in_german_and_written_in_english(command: Command) -> None:
    told = command("doctor", "--language", "de").out
    assert "Speicher   " in told
    assert "(entsteht beim ersten Training)" in told
    assert "ok    update     Firmware-Updates" in told
    plain = [json.loads(line) for line in command("doctor", "--language", "de", "--json").lines]
    findings = {each["check"]: each["finding"] for each in plain}
    assert findings["store"].endswith("(created at the first session)")
    assert findings["update"] == "firmware updates"
