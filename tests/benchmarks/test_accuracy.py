"""The accuracy benchmark: its tables, its map, its targets and its command."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import IN_ENVELOPE, Target, _map, main, targets
from benchmarks.encoder import encoder_truth
from benchmarks.evidence import envelope, recordings
from benchmarks.evidence.score import BEYOND, Tally
from benchmarks.evidence.sections import OWN, SECTIONS, Section
from benchmarks.evidence.splices import recordings_folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections of a few traces each."""

    def shorter(section: Section) -> Section:
        return section._replace(traces=lambda split, size: islice(section.traces(split, size), 5))

    monkeypatch.setattr(accuracy, "SECTIONS", {name: shorter(section) for name, section in SECTIONS.items()})


def test_the_map_shows_every_cell_and_what_is_wrong_with_it() -> None:
    cell = envelope.kind_of(0.0, 5.0, 0.35)
    tallies = {
        (OWN, cell): Tally(traces=2, exact=2),
        (OWN, envelope.kind_of(0.0, 5.0, 0.5)): Tally(traces=2, exact=1),
        (OWN, envelope.kind_of(0.0, 5.0, 0.8)): Tally(traces=2, exact=1, silent=1),
        (OWN, envelope.kind_of(0.8, 5.0, 0.35) + BEYOND): Tally(traces=1, exact=1),
        (OWN, envelope.kind_of(0.8, 5.0, 0.5) + BEYOND): Tally(traces=1),
    }
    lines = list(_map([tallies], OWN))
    assert len(lines) == 1 + len(envelope.VALLEYS)
    assert lines[1].startswith("0.0     ·x0")
    assert lines[-1].startswith("0.8     ,-")
    glyphs = "".join("".join(line.split()[1:]) for line in lines[1:])
    assert len(glyphs) == 9 * 7 * 8


def test_targets_are_of_what_was_run() -> None:
    assert targets({}, []) == []
    silent = {"splices": {(OWN, "splice"): Tally(traces=10, exact=9, sets=10, silent=1)}}
    (asked,) = targets(silent, [])
    assert (asked.measured, asked.met) == ("90.00 %", False)


def test_every_part_of_the_envelope_is_a_section() -> None:
    assert set(IN_ENVELOPE) < set(SECTIONS)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_the_command_prints_tables_and_writes_figures_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text("<!-- figures -->\n\n<!-- end of figures -->\n")
    options = ["--quick", "--sections", "plain", "controls", "--methods", OWN, "zig-zag 10 N"]
    assert main([*options, "--json", str(file), "--page", str(page), "--wrong"]) == 0
    printed = capsys.readouterr().out
    assert "Every cell of the envelope: bandsense" in printed
    assert "zig-zag 10 N: 0 in envelope/held/0/0/5/0.35/80/8/" in printed
    rows = json.loads(file.read_text())["evidence"]
    assert {row["method"] for row in rows} == {OWN, "zig-zag 10 N"}
    assert {row["section"] for row in rows} == {"plain", "controls"}
    assert "```text\nvalley" in page.read_text()


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("met", [True, False])
def test_a_missed_target_fails_a_strict_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], met: bool
) -> None:
    monkeypatch.setattr(accuracy, "targets", lambda *_: [Target("something", "measured", met)])
    assert main(["--quick", "--strict", "--methods", OWN, "--sections", "plain"]) == (not met)
    assert ("missed" in capsys.readouterr().out) is not met


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_missing_recordings_are_told_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_RECORDINGS", str(tmp_path / "none"))
    assert main(["--quick", "--methods", OWN, "--sections", "splices", "recordings", "controls"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("set BANDSENSE_RECORDINGS") == 2
    assert "Controls with a repetition" in printed


@pytest.mark.slow
@pytest.mark.usefixtures("recordings")
def test_the_encoder_sees_the_repetitions_that_the_recordings_have() -> None:
    for trace in recordings.band():
        file = recordings_folder() / "band" / f"{trace.name.removeprefix('recording/')}.encoder.txt"
        if file.is_file():
            truth = encoder_truth(trace.time_s, trace.tension_n, file)
            known = zip(truth, trace.partial or (), strict=True)
            assert all(rep.partial == partial for rep, partial in known if partial is not None)
            assert np.abs([a.peak_s - b.top_s for a, b in zip(truth, trace.reps, strict=True)]).max() < 0.5
