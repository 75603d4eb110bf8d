"""Recordings for the project: useless and unlabelled ones are refused, nobody is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bandsense.app.contribution import check, pack
from bandsense.errors import DataError, FileFormatError
from bandsense.export.recording import read_recording
from bandsense.profiles.recording_labels import CONSENT, TEMPLATE, read_labels

LABELS = TEMPLATE.replace('consent = ""', f'consent = "{CONSENT}"')
TOPS_S = [4.0 + 3.0 * n for n in range(8)]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    time_s = np.arange(0.0, 32.0, 0.0125)
    tension_n = 5.0 + sum(80.0 * np.exp(-0.5 * ((time_s - top) / 0.5) ** 2) for top in TOPS_S)
    path = tmp_path / "Maria-1980-05-17.csv"
    rows = (f"{1.7e9 + t:.4f},{n:.3f}\n" for t, n in zip(time_s, tension_n, strict=True))
    path.write_text("unix_s,tension_n\n" + "".join(rows))
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.toml"
    path.write_text(LABELS)
    return path


def test_a_good_recording_raises_no_question(trace: Path, labels: Path) -> None:
    checked = check(trace, labels)
    assert (checked.counted, checked.labels.repetitions, checked.questions) == (8, 8, ())
    assert checked.rate_hz == pytest.approx(80.0, rel=1e-3)


def test_the_pack_names_nobody_and_reads_back(trace: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    pack(check(trace, labels), out)
    with zipfile.ZipFile(out) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        about = json.loads(archive.read("contribution.json"))
        archive.extract("trace.csv", tmp_path)
    assert (about["format"], about["version"]) == ("bandsense-contribution", 1)
    for word in (b"Maria", b"1980", b"17000000", str(tmp_path).encode()):
        assert word not in everything
    again, before = read_recording(tmp_path / "trace.csv").block, read_recording(trace).block
    assert again.values == pytest.approx(before.values, abs=1e-4)
    assert again.time_s == pytest.approx(before.time_s, abs=1e-6)
    with pytest.raises(DataError, match="exists already; name another file"):
        pack(check(trace, labels), out)


def test_the_same_recording_is_packed_to_the_same_bytes(trace: Path, labels: Path, tmp_path: Path) -> None:
    pack(check(trace, labels), tmp_path / "a.zip")
    pack(check(trace, labels), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_is_packed_without_consent(labels: Path) -> None:
    labels.write_text(TEMPLATE)
    with pytest.raises(FileFormatError, match="without it nothing is packed"):
        read_labels(labels)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("repetitions = 8", "repetitions = 7\ntop = 3", "top"),
        ("tops_s = []", "tops_s = [1.0]", "1 times for 8 repetitions"),
        ("tops_s = []", f"tops_s = {TOPS_S[::-1]}", "not in the order of time"),
        ('exercise = "seated-row"', 'exercise = "none"', "repetitions are not 0"),
        ('labelled_by = "video"', 'labelled_by = "guess"', "labelled_by"),
        ("repetitions = 8", "repetitions = ", "cannot be read as TOML"),
    ],
)
def test_labels_that_contradict_themselves_are_refused(
    labels: Path, was: str, becomes: str, said: str
) -> None:
    labels.write_text(LABELS.replace(was, becomes))
    with pytest.raises(FileFormatError, match=said):
        read_labels(labels)


def test_a_top_after_the_end_is_refused(trace: Path, labels: Path) -> None:
    labels.write_text(LABELS.replace("tops_s = []", f"tops_s = {[*TOPS_S[:-1], 99.0]}"))
    with pytest.raises(DataError, match="99 s, but the recording ends at 32"):
        check(trace, labels)


def test_what_looks_odd_is_asked_about(trace: Path, labels: Path) -> None:
    labels.write_text(LABELS.replace("= 8", "= 9").replace("tops_s = []", f"tops_s = {[1.0, *TOPS_S]}"))
    questions = check(trace, labels).questions
    assert [question.split(";")[0] for question in questions] == [
        "at top 1 (1 s) the tension is low",
        "bandsense counts 8, the label says 9: look again",
    ]


def test_a_glance_is_no_recording(labels: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("time_s,tension_n\n0,1\n1,2\n")
    with pytest.raises(FileFormatError, match="shorter than 5 s"):
        check(path, labels)
