from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bandsense.signal.events import Rep
from bandsense.sim.physics.ground_truth import TrueRep
from benchmarks.accuracy import (
    Detection,
    Found,
    Score,
    level_crossing,
    main,
    matched,
    peaks_of_filtered,
    zig_zag,
)
from benchmarks.generators import SPLITS, Recorded, cases, controls


def rep(
    start: float, *, hold_s: float = 0.5, share: float = 1.0, ambiguous: bool = False, torn: bool = False
) -> TrueRep:
    hold, back = start + 0.5, start + 0.5 + hold_s
    return TrueRep(start, hold, back, back + 1.0, hold, 50.0, share, share < 0.6, ambiguous, torn)


def recorded(*reps: TrueRep, snapped_s: float | None = None) -> Recorded:
    nothing = np.zeros(0)
    flags = nothing.astype(bool)
    return Recorded(nothing, nothing, flags, flags, reps, tuple(r.peak_n for r in reps), snapped_s)


def score(reps: list[TrueRep], middles: list[float]) -> Score:
    result = Score()
    result.add(recorded(*reps), Found([Detection(middle) for middle in middles]))
    return result


def seen(true: TrueRep, *, late_s: float = 0.0, partial: bool = False, told_s: float = 0.0) -> Detection:
    at = (true.pull_start_s, true.hold_start_s, true.return_start_s, true.end_s)
    found = Rep(1, *(t + late_s for t in at), true.peak_s, 50.0, 0.0, 0.0, partial)
    return Detection(true.middle_s, found, found, told_s)


def scored(true: TrueRep, detection: Detection) -> Score:
    result = Score()
    result.add(recorded(true), Found([detection]))
    return result


def test_each_detection_serves_one_repetition() -> None:
    twice = score([rep(0), rep(5)], [0.8, 1.0, 5.7])
    assert twice.count_errors == [1]
    assert (twice.true_positives, twice.false_positives, twice.false_negatives) == (2, 1, 0)


def test_a_miss_and_an_extra_do_not_cancel_in_f1() -> None:
    shifted = score([rep(0), rep(5)], [0.7, 9.0])
    assert shifted.count_errors == [0]
    assert shifted.summary()["f1"] == pytest.approx(0.5)


@pytest.mark.parametrize("middle", [-0.29, 2.29])
def test_matching_tolerates_three_tenths_of_a_second(middle: float) -> None:
    assert score([rep(0)], [middle]).true_positives == 1
    assert score([rep(0)], [middle + np.sign(middle - 1) * 0.02]).true_positives == 0


@pytest.mark.parametrize("middles", [[0.7], [0.7, 5.7]])
def test_an_ambiguous_repetition_may_be_counted_or_not(middles: list[float]) -> None:
    result = score([rep(0), rep(5, ambiguous=True)], middles)
    assert result.count_errors == [0]
    assert result.summary()["f1"] == 1.0


@pytest.mark.parametrize("share", [0.61, 0.74])
def test_at_the_edge_of_partial_a_repetition_must_be_counted_and_may_be_called_either(share: float) -> None:
    edge = rep(0, share=share)
    assert score([edge], []).count_errors == [-1]
    for partial in (True, False):
        assert not any(scored(edge, seen(edge, partial=partial)).wrong_flags)


@pytest.mark.parametrize(("share", "wrong"), [(0.59, 1), (0.76, 0)])
def test_beyond_the_edge_it_is_wrong_to_call_it_full_or_partial(share: float, wrong: int) -> None:
    true = rep(0, share=share)
    assert scored(true, seen(true, partial=False)).wrong_flags == [bool(wrong)]
    assert scored(true, seen(true, partial=True)).wrong_flags == [not wrong]


def test_a_torn_repetition_must_be_counted_and_its_times_are_not_scored() -> None:
    torn = rep(0, torn=True)
    assert score([torn], []).count_errors == [-1]
    assert not scored(torn, seen(torn, late_s=0.2)).boundaries_s


@pytest.mark.parametrize(("hold_s", "due_s"), [(0.2, 0.7), (0.3, 0.75), (3.0, 0.75)])
def test_a_top_is_due_at_the_return_or_after_a_quarter_second_of_hold(hold_s: float, due_s: float) -> None:
    true = rep(0, hold_s=hold_s)
    assert scored(true, seen(true, told_s=due_s + 0.24)).summary()["late"] == 0.0
    assert scored(true, seen(true, told_s=due_s + 0.26)).summary()["late"] == 1.0


def test_a_lost_band_is_told_or_missed_and_a_false_alarm_counts() -> None:
    result = Score()
    result.add(recorded(snapped_s=5.0), Found([], (5.2,)))
    result.add(recorded(snapped_s=5.0), Found([]))
    result.add(recorded(), Found([], (3.0, 9.0)))
    assert (result.snaps, result.told_snaps, result.false_alarms) == (2, 1, 2)


def test_a_detection_goes_to_the_certain_repetition_first() -> None:
    pairs, left = matched([rep(0, ambiguous=True), rep(2)], [Detection(2.1)])
    assert set(pairs) == {1}
    assert left == 0


def test_the_interval_of_a_share_holds_it() -> None:
    mixed = Score(count_errors=[0] * 90 + [1] * 10)
    figures = mixed.summary()
    assert figures["exact low"] < 0.9 < figures["exact high"]
    assert figures["exact high"] - figures["exact low"] == pytest.approx(4 * 0.03, rel=0.2)


@pytest.mark.parametrize("method", [zig_zag, level_crossing, peaks_of_filtered])
def test_the_alternatives_count_easy_repetitions(method: object) -> None:
    time_s = np.arange(1600) / 80
    tension = 25 * (1 - np.cos(2 * np.pi * time_s / 4))
    flags = np.zeros(time_s.size, dtype=bool)
    found = method(Recorded(time_s, tension, flags, flags, (), ()))  # type: ignore[operator]
    assert [d.middle_s for d in found.detections] == pytest.approx([2, 6, 10, 14, 18], abs=0.1)


@pytest.mark.parametrize("split", SPLITS)
def test_cases_are_repeatable_and_have_truth(split: str) -> None:
    for first, again in zip(cases(split, 6), cases(split, 6), strict=True):
        one, other = first.record(20.0), again.record(20.0)
        assert np.array_equal(one.tension_n, other.tension_n)
        assert one.reps == other.reps
        assert len(one.reps) == len(one.peaks_n) >= 5
        assert all(r.pull_start_s < r.hold_start_s < r.return_start_s < r.end_s for r in one.reps)


def test_no_set_of_development_is_held_out() -> None:
    dev = {case.record(20.0).tension_n.tobytes() for case in cases("dev", 8)}
    held_out = {case.record(20.0).tension_n.tobytes() for case in cases("held-out", 8)}
    assert not dev & held_out


def test_controls_hold_nothing() -> None:
    assert all(case.record(10.0).reps == () for case in controls("held-out", 1))


def test_the_second_simulator_crosses_its_labels() -> None:
    case = next(c for c in cases("held-out", 200) if c.generator == "relaxing solid" and c.group == "clean")
    fast = case.record(320.0)
    for true in fast.reps:
        near = (fast.time_s > true.pull_start_s - 0.5) & (fast.time_s < true.end_s + 0.5)
        assert fast.tension_n[near].max() == pytest.approx(true.peak_n, abs=0.2)
        at_hold = float(np.interp(true.hold_start_s, fast.time_s, fast.tension_n))
        valley = float(fast.tension_n[near & (fast.time_s < true.hold_start_s)].min())
        assert (at_hold - valley) / (true.peak_n - valley) == pytest.approx(0.9, abs=0.03)


def test_the_command_prints_tables_and_writes_figures_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_RECORDINGS", str(tmp_path / "none"))
    file, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text("<!-- figures -->\n\n<!-- end of figures -->\n")
    options = ["--sets", "4", "--controls", "0", "--rates", "80", "--json", str(file), "--page", str(page)]
    assert main(options) == 0
    assert "Counts by disturbance class at 80 Hz" in capsys.readouterr().out
    rows = json.loads(file.read_text())["simulated"]
    assert {row["method"] for row in rows} >= {"bandsense", "zig-zag 10 N"}
    assert all(0 <= row["exact"] <= 1 for row in rows)
    assert "| F1 at least 0.995 at 80 Hz |" in page.read_text()


def test_a_missed_target_fails_a_strict_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDSENSE_RECORDINGS", str(tmp_path / "none"))
    few = ["--sets", "2", "--controls", "0", "--rates", "80", "--strict"]
    assert main(few) == 1
    printed = capsys.readouterr().out
    assert any("20 Hz" in line and line.endswith("missed") for line in printed.splitlines())


@pytest.mark.parametrize("kind", ["walking", "isometric_hold", "empty", "posture", "static_mass"])
def test_the_second_simulator_makes_controls_too(kind: str) -> None:
    made = [case for case in controls("held-out", 1) if case.group == kind]
    assert {case.generator for case in made} == {"power law", "relaxing solid"}
    assert all(case.record(20.0).time_s.size > 100 for case in made)
