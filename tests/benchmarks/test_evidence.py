"""The evidence itself: its truth is true, its splits never meet, and no detector has a say in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence import (
    controls,
    daily,
    detectors,
    envelope,
    movement,
    packages,
    recordings,
    rowing,
    simulators,
    special,
    splices,
)
from benchmarks.evidence.detectors import Unavailable, peaks, version_0_1_0, zig_zag
from benchmarks.evidence.packages import Archive
from benchmarks.evidence.trace import Split, Trace
from tests.needs import REPOSITORY, missing

_TWICE_AND_HELD: tuple[Split, ...] = ("dev", "dev", "held")
EVIDENCE = REPOSITORY / "benchmarks" / "evidence"
PEOPLE = pytest.mark.usefixtures("recordings")


def need(archive: Archive) -> None:
    if not archive.available():
        missing(archive.requirement, archive.command)


@pytest.fixture(scope="session")
def people() -> None:
    need(movement.ARCHIVE)


def some(split: Split) -> Iterator[Trace]:
    """A few of everything that needs no file."""
    yield from list(envelope.grid(split))[::31]
    yield from list(envelope.cuts(split))[::31]
    yield from list(envelope.tops(split))[::9]
    yield from special.grid(split, each=2)
    yield from simulators.grid(6, split)


def check(trace: Trace) -> None:
    """That the truth of a trace can be true."""
    assert trace.time_s.shape == trace.tension_n.shape
    assert np.all(np.diff(trace.time_s) > 0)
    assert np.all(np.isfinite(trace.tension_n))
    for rep in trace.reps:
        assert trace.time_s[0] - 0.5 < rep.start_s < rep.top_s < rep.end_s <= trace.time_s[-1] + 0.5, (
            trace.name
        )
    for before, after in pairwise(trace.reps):
        assert before.top_s < after.start_s + 0.01, trace.name
    assert trace.n in trace.n_ok or trace.n is None


def rises(trace: Trace) -> None:
    """That tension is higher at the top of a repetition than at both of its ends."""
    for i, (start_s, top_s, end_s) in enumerate(trace.reps):
        if i in trace.optional or (trace.partial is not None and trace.partial[i] is None):
            continue
        at_n = [float(np.median(trace.tension_n[np.argsort(np.abs(trace.time_s - t))[:3]]))
                for t in (start_s, top_s, end_s)]  # fmt: skip
        assert at_n[1] > max(at_n[0], at_n[2]), f"{trace.name}: repetition {i + 1}, {at_n}"


@pytest.mark.slow
@pytest.mark.parametrize("split", ["dev", "held"])
def test_the_truth_is_in_the_samples(split: Split) -> None:
    for trace in some(split):
        check(trace)
        assert len(trace.reps) == trace.n
        if "coarse" not in trace.tags and trace.kind not in ("gap", "spikes", "lossy"):
            rises(trace)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trace_and_a_held_out_one_another() -> None:
    for kind in [*special.KINDS][::3]:
        first, again, held = (special.make(kind, 1, split) for split in _TWICE_AND_HELD)
        assert np.array_equal(first.tension_n, again.tension_n)
        assert first.reps == again.reps
        assert not np.array_equal(first.tension_n, held.tension_n)
    made = (islice(envelope.grid(split), 0, None, 40) for split in _TWICE_AND_HELD)
    for first, again, held in zip(*made, strict=True):
        assert np.array_equal(first.tension_n, again.tension_n)
        assert first.reps == again.reps
        assert not np.array_equal(first.tension_n, held.tension_n)


def test_every_cell_of_the_envelope_is_there_once() -> None:
    kinds = [trace.kind for trace in envelope.grid("held")]
    assert len(kinds) == len(set(kinds)) == 9 * 7 * 8


@pytest.mark.parametrize(("valley", "peak_n", "beyond"), [(0.8, 20, False), (0.8, 10, True), (0, 5, False)])
def test_a_swing_below_four_newtons_is_beyond(valley: float, peak_n: float, beyond: bool) -> None:
    trace = envelope.make(envelope.Cell(valley, peak_n, 2.0))
    assert ("beyond" in trace.tags) is beyond


def test_a_plain_set_is_what_its_cell_says() -> None:
    trace = envelope.make(envelope.Cell(0.5, 60.0, 2.0, reps=6))
    assert trace.peaks_n == pytest.approx([60.0] * 6, abs=0.01)
    assert [b.end_s - b.start_s for b in trace.reps] == pytest.approx([2.0] * 6, abs=0.01)
    inside = (trace.time_s > trace.reps[0].start_s) & (trace.time_s < trace.reps[-1].end_s)
    assert trace.tension_n[inside].min() == pytest.approx(30.0, abs=0.5)
    assert trace.bounds[1] is not None
    at_n = np.interp(trace.bounds[1], trace.time_s, trace.tension_n)
    assert at_n == pytest.approx([33.0, 57.0, 57.0, 33.0], abs=0.8)


def test_controls_hold_nothing_for_a_minute_or_more() -> None:
    for trace in controls.grid("held", each=2):
        check(trace)
        assert trace.is_control
        assert not trace.reps
        assert trace.time_s[-1] > 20.0


@PEOPLE
def test_splices_are_real_repetitions_in_order() -> None:
    for split in ("dev", "held"):
        made = list(splices.sample(20, split))
        for trace in made:
            check(trace)
            rises(trace)
            assert trace.n == len(trace.reps) >= 3


@PEOPLE
def test_a_cut_starts_and_ends_at_its_valleys_and_rises_to_its_top() -> None:
    for split in ("dev", "held"):
        for one in splices.cut(split):
            assert one.rise[-1] == pytest.approx(1.0) == one.fall[0]
            assert abs(one.rise[0]) < 0.05
            assert abs(one.fall[-1]) < 0.05
            assert max(one.rise.max(), one.fall.max()) < 1.05
            assert 20.0 < one.swing_n < 100.0


def test_the_splits_share_no_recording_and_no_person() -> None:
    assert not splices.CUTS_S["dev"].keys() & splices.CUTS_S["held"].keys()
    assert not set(movement.SUBJECTS["dev"]) & set(movement.SUBJECTS["held"])


@pytest.mark.slow
@pytest.mark.usefixtures("people")
def test_real_movement_is_of_odd_people_only_and_mostly_shows_twenty() -> None:
    for split in ("dev", "held"):
        made = list(movement.grid(split))
        assert len(made) == len(movement.SUBJECTS[split]) * 14 * 4
        people = {tag for trace in made for tag in trace.tags if tag.startswith("subject")}
        assert people == {f"subject {number}" for number in movement.SUBJECTS[split]}
        assert all(number % 2 for number in movement.SUBJECTS[split])
        assert np.mean([trace.n == 20 for trace in made]) > 0.85
        for trace in made:
            check(trace)
            rises(trace)


@pytest.mark.slow
def test_strokes_of_rowers_are_where_their_recordings_have_them() -> None:
    need(rowing.ARCHIVE)
    made = list(rowing.grid("held"))
    for trace in made:
        check(trace)
        rises(trace)
        assert trace.n == len(trace.reps) >= 3
    assert {trace.kind for trace in made} == {"handle", "handle, ten minutes", "oar", "seat"}
    whole = [trace for trace in made if trace.kind == "handle, ten minutes"]
    # The last row of each piece has no force: the ten minutes were over.
    assert [trace.n for trace in whole] == [282, 283, 284]
    for trace in whole:
        assert trace.reps[-1].end_s - trace.reps[0].start_s == pytest.approx(600.0, abs=3.0)
    # Between strokes the hands go forward: nobody pulls.
    pulled_s = [rep.end_s - rep.start_s for trace in whole for rep in trace.reps]
    assert 0.6 < np.median(pulled_s) < 0.8


@pytest.mark.slow
def test_what_real_people_carry_weighs_what_it_weighs() -> None:
    need(daily.ARCHIVE)
    made = list(daily.grid("held"))
    assert len(made) == 9 * 3 * 2
    assert {trace.rate_hz for trace in made if trace.kind.startswith("daily")} == {20.0, 80.0, 320.0}
    for trace in made:
        check(trace)
        assert trace.is_control
        assert not trace.reps
        way, size = trace.name.split("/")[4:6]
        number = float(size.split()[0])
        at_rest_n = {"carried": 9.81 * number, "tared": 0.0, "taut": 0.09 * number}[way]
        off_n = float(np.median(trace.tension_n)) - at_rest_n
        assert abs(off_n) < 0.05 * (9.81 * number if way == "tared" else at_rest_n) + 0.05, trace.name
        if trace.kind.startswith("walk"):
            assert 0.5 < np.ptp(trace.tension_n) < 40.0, trace.name


@PEOPLE
def test_recordings_have_the_counts_of_their_encoder() -> None:
    made = {trace.name: (trace.n, sum(map(bool, trace.partial or ()))) for trace in recordings.band()}
    assert list(made.values()) == [(5, 0), (5, 0), (8, 2), (4, 0)]
    for trace in recordings.band():
        check(trace)
        rises(trace)


def test_no_detector_and_no_simulator_of_the_package_is_asked() -> None:
    asking = {"simulators", "detectors", "packages", "sections", "score"}
    free = {path.stem for path in EVIDENCE.glob("*.py")} - asking
    assert {"trace", "envelope", "splices", "special", "controls", "movement", "recordings"} <= free
    assert {"daily", "rowing"} <= free
    for name in sorted(free):
        assert not {
            module
            for module in imported(EVIDENCE / f"{name}.py")
            if module.startswith(("bandsense.s", "scipy"))
        } - {"bandsense.samples", "scipy.signal"}, name


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


@pytest.mark.parametrize("method", [zig_zag, peaks])
def test_the_alternatives_count_easy_repetitions(method: detectors.Method) -> None:
    trace = envelope.make(envelope.Cell(0.1, 60.0, 2.0))
    found = method(trace).reps
    assert [rep.middle_s for rep in found] == pytest.approx([rep.top_s for rep in trace.reps], abs=0.1)


def test_version_0_1_0_runs_as_it_was() -> None:
    easy, taut = envelope.Cell(0.1, 60.0, 2.0), envelope.Cell(0.7, 60.0, 4.0)
    try:
        count = version_0_1_0(envelope.make(easy))
    except Unavailable:
        missing("the history of this repository", "fetch it: git fetch --unshallow")
    assert len(count.reps) == 8
    assert count.shown
    # What made another detector necessary: nothing at all where the band never comes slack.
    assert version_0_1_0(envelope.make(taut)).reps == []


def test_without_its_history_version_0_1_0_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(detectors, "CACHE", tmp_path)
    monkeypatch.setattr(detectors, "COMMIT_0_1_0", "0" * 40)
    detectors._old.cache_clear()
    with pytest.raises(Unavailable, match="git fetch --unshallow"):
        version_0_1_0(envelope.make(envelope.Cell(0.1, 60.0, 2.0)))
    detectors._old.cache_clear()


def test_another_wheel_is_never_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "CACHE", tmp_path)
    (tmp_path / "seglearn-1.2.5-py3-none-any.whl").write_bytes(b"no wheel")
    with pytest.raises(Unavailable, match="delete it"):
        movement._dataset()


def test_a_source_archive_is_compared_before_pip_runs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted: list[str] = []

    def fetch(command: list[str], **_: object) -> None:
        wanted.append(Path(command[command.index("-r") + 1]).read_text())
        assert command[command.index("--no-binary") + 1] == "mobgap"
        raise OSError

    monkeypatch.setattr(packages, "CACHE", tmp_path)
    monkeypatch.setattr(packages.subprocess, "run", fetch)
    with pytest.raises(
        Unavailable, match=r"run: pip download --no-deps --no-binary mobgap -d .* mobgap==1\.2\.0"
    ):
        daily.ARCHIVE.content()
    assert wanted == [f"mobgap==1.2.0 --hash=sha256:{daily.ARCHIVE.sha256}\n"]
