from __future__ import annotations

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.boundaries import measure
from bandsense.signal.refine import refine
from tests.support.traces import Stroke, boundaries_of, trace, true_boundaries


@pytest.mark.parametrize("rate_hz", [40.0, 80.0, 320.0])
@pytest.mark.parametrize(
    "stroke",
    [
        Stroke(),
        Stroke(hold_s=0.0),
        Stroke(pull_s=0.4, hold_s=0.0, return_s=0.5),
        Stroke(pull_s=3.0, hold_s=3.0, return_s=5.0),
    ],
)
def test_boundaries_are_those_of_the_closed_form(stroke: Stroke, rate_hz: float) -> None:
    strokes = [stroke] * 4
    found = analyze(*trace(strokes, rate_hz)).reps
    for rep, true in zip(found, true_boundaries(strokes), strict=True):
        seen = (rep.pull_start_s, rep.hold_start_s, rep.return_start_s, rep.end_s)
        assert np.abs(np.subtract(seen, true)).max() < 0.03


def test_the_streaming_answer_is_close_and_both_are_kept() -> None:
    strokes = [Stroke()] * 5
    result = analyze(*trace(strokes))
    assert [rep.index for rep in result.reps] == [rep.index for rep in result.causal]
    for exact, seen, true in zip(result.reps, result.causal, true_boundaries(strokes), strict=True):
        assert abs(exact.end_s - true[3]) < 0.02
        assert abs(seen.end_s - true[3]) < 0.10
        assert exact != seen


@pytest.mark.parametrize("rate_hz", [20.0, 80.0])
@pytest.mark.parametrize("pull_s", [0.35, 1.0])
def test_peaks_are_within_two_percent(pull_s: float, rate_hz: float) -> None:
    result = analyze(*trace([Stroke(pull_s=pull_s, hold_s=0.0)] * 5, rate_hz))
    np.testing.assert_allclose([rep.peak_n for rep in result.reps], 60.0, rtol=0.02)


def test_taking_the_band_up_before_the_pull_is_not_part_of_it() -> None:
    taken_up = Stroke(pull_s=0.5, hold_s=1.0, return_s=0.0, rest_s=0.0, top=0.12, bottom=0.12)
    strokes = [taken_up, Stroke(bottom=0.12), Stroke(bottom=0.12)]
    first = analyze(*trace(strokes)).reps[0]
    assert first.pull_start_s > 1.5 + 1.5
    assert first.start_n == pytest.approx(60.0 * 0.12**0.65, abs=0.5)


def test_letting_the_band_down_after_the_return_is_not_part_of_it() -> None:
    """The return slows down and the let-down begins before tension stands still."""
    time_s, tension_n = trace([*[Stroke(bottom=0.12)] * 3, Stroke(bottom=0.12, return_s=1.6, rest_s=3.0)])
    end_s = 1.5 + 3 * 3.2 + 3.0
    down = np.clip((time_s - end_s + 0.02) / 0.6, 0.0, 1.0)
    result = analyze(time_s, tension_n - 12.0 * down)
    assert result.reps[-1].end_s < end_s
    assert result.reps[-1].end_n > tension_n[-1] - 4.0


@pytest.mark.parametrize("pause_s", [0.3, 1.0])
@pytest.mark.parametrize("at", [0.1, 0.2, 0.3])
def test_a_pause_low_in_the_pull_is_part_of_it(at: float, pause_s: float) -> None:
    low = Stroke(pull_s=0.5, hold_s=pause_s, return_s=0.0, rest_s=0.0, top=at, bottom=at)
    reps = analyze(*trace([Stroke(), low, Stroke(), Stroke()])).reps
    assert len(reps) == 3
    assert reps[1].pull_start_s < 1.5 + 3.2 + 0.5


def test_putting_the_handle_down_is_no_part_of_a_return_that_stopped_high() -> None:
    high = [Stroke(bottom=0.3)] * 4
    put_down = Stroke(pull_s=0.0, hold_s=0.0, top=0.3, return_s=0.5, bottom=-0.1)
    reps = analyze(*trace([*high, Stroke(bottom=0.3, rest_s=1.0), put_down])).reps
    assert reps[-1].end_s < 1.5 + 5 * 3.2
    assert reps[-1].end_n == pytest.approx(60.0 * 0.3**0.65, abs=1.0)


def test_a_code_that_freezes_in_a_slow_pull_does_not_cut_it() -> None:
    time_s, tension_n = trace([Stroke(pull_s=3.0)] * 3)
    frozen = (time_s > 1.5 + 5.2 + 0.9) & (time_s < 1.5 + 5.2 + 1.2)
    tension_n[frozen] = tension_n[np.argmax(frozen)]
    rep = analyze(time_s, tension_n).reps[1]
    assert rep.concentric_s == pytest.approx(
        analyze(*trace([Stroke(pull_s=3.0)] * 3)).reps[1].concentric_s, abs=0.05
    )


def test_a_first_repetition_called_full_is_marked_when_the_set_shows_it_was_partial() -> None:
    result = analyze(*trace([Stroke(top=0.55), *[Stroke()] * 4]))
    assert not result.causal[0].partial
    assert result.reps[0].partial
    assert result.revised == (result.reps[0].index,)


def test_holes_are_bridged_for_the_filter_alone() -> None:
    strokes = [Stroke()] * 4
    time_s, tension_n = trace(strokes)
    kept = np.random.default_rng(2).random(time_s.size // 8 + 1) > 0.1
    kept = np.repeat(kept, 8)[: time_s.size]
    kept[0] = True
    found = analyze(time_s[kept], tension_n[kept]).reps
    errors = [
        abs(a - b)
        for rep, true in zip(found, true_boundaries(strokes), strict=True)
        for a, b in zip(
            (rep.pull_start_s, rep.hold_start_s, rep.return_start_s, rep.end_s), true, strict=True
        )
    ]
    assert np.median(errors) < 0.02
    assert max(errors) < 0.1


def test_nothing_found_is_nothing_refined() -> None:
    assert refine(np.arange(10.0), np.zeros(10), [], 1.0) == ()


def test_a_triangle_has_its_crossings_where_arithmetic_says() -> None:
    time_s = np.arange(0.0, 4.01, 0.1)
    b = boundaries_of(time_s, np.interp(time_s, [0.0, 1.0, 2.0, 3.0, 4.0], [10.0, 10.0, 110.0, 30.0, 30.0]))
    assert b.pull_start_s == pytest.approx(1.1)
    assert b.hold_start_s == pytest.approx(1.9)
    assert b.return_start_s == pytest.approx(2.1)
    assert b.end_s == pytest.approx(2.9)
    assert (b.peak_n, b.start_n, b.end_n) == (110.0, 10.0, 30.0)


def test_a_double_peak_and_a_bounce_do_not_move_the_boundaries() -> None:
    knots_s = [0.0, 1.0, 2.0, 2.2, 2.4, 3.4, 3.6, 3.7, 3.8, 5.0]
    knots_n = [0.0, 0.0, 100.0, 75.0, 98.0, 0.0, 0.0, 8.0, 0.0, 0.0]
    time_s = np.arange(0.0, 5.0, 0.01)
    b = boundaries_of(time_s, np.interp(time_s, knots_s, knots_n))
    assert b.hold_start_s == pytest.approx(1.9, abs=0.01)
    assert b.return_start_s == pytest.approx(2.4 + 8.0 / 98.0, abs=0.01)
    assert b.end_s == pytest.approx(2.4 + 88.0 / 98.0, abs=0.01)


def test_a_return_that_is_cut_short_is_measured_to_where_it_was_going() -> None:
    time_s = [i / 10.0 for i in range(20)]
    tension_n = [min(10.0 * i, 100.0, 200.0 - 10.0 * i) for i in range(20)]
    cut = measure(time_s, tension_n, 0, 10, 18, expected_end_n=0.0)
    assert cut.end_s == pytest.approx(1.9, abs=0.11)
    assert cut.end_n == 0.0


def test_a_single_sample_is_its_own_boundaries() -> None:
    b = boundaries_of(np.array([2.0]), np.array([7.0]))
    assert (b.pull_start_s, b.hold_start_s, b.return_start_s, b.end_s, b.peak_n) == (2.0, 2.0, 2.0, 2.0, 7.0)


@pytest.mark.parametrize("pause_s", [0.4, 4.0])
@pytest.mark.parametrize("at", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("return_s", [2.0, 8.0, 12.0])
def test_a_pause_in_the_return_is_part_of_it(return_s: float, at: float, pause_s: float) -> None:
    """Every repetition of the set, not only the first."""
    reps, rise_s, peak_n = 4, 1.0, 50.0
    time_s, tension_n, ends_s = [0.0, 2.0], [0.0, 0.0], []
    for _ in range(reps):
        for lasts_s, to_n in (
            (rise_s, peak_n),
            (0.4, peak_n),
            ((1.0 - at) * return_s, at * peak_n),
            (pause_s, at * peak_n),
            (at * return_s, 0.0),
            (0.8, 0.0),
        ):
            time_s.append(time_s[-1] + lasts_s)
            tension_n.append(to_n)
        ends_s.append(time_s[-2] - 0.1 * return_s)
    at_s = np.arange(0.0, time_s[-1] + 3.0, 0.0125)
    noise_n = 0.03 * np.random.default_rng(5).standard_normal(at_s.size)
    found = analyze(at_s, np.interp(at_s, time_s, tension_n) + noise_n).reps
    assert [rep.end_s for rep in found] == pytest.approx(ends_s, abs=0.05)


@pytest.mark.slow
def test_no_phase_is_negative_on_any_trace() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        levels_n = rng.choice([0.0, 20.0, 40.0, 45.0, 50.0], 60) * rng.uniform(0.8, 1.2, 60)
        at_s = np.arange(0.0, 40.0, 0.0125)
        knots_s = np.sort(rng.uniform(1.0, 38.0, 60))
        result = analyze(at_s, np.interp(at_s, knots_s, levels_n) + rng.normal(0.0, 0.05, at_s.size))
        for rep in (*result.reps, *result.causal):
            times_s = (rep.pull_start_s, rep.hold_start_s, rep.return_start_s, rep.end_s)
            assert np.isfinite(times_s).all()
            assert np.diff(times_s).min() >= 0.0, (seed, rep.index, times_s)


PEAK_N = 80.0


def _held_taut(
    valley: float, reps: int, *, wait_s: float, pull_s: float, return_s: float, straight: bool
) -> tuple[FloatArray, FloatArray, list[float]]:
    """Seconds, newtons and true times under tension of a set that waits at this part of the peak."""
    knots = [(0.0, 0.0), (4.0, 0.0), (4.8, valley), (4.8 + wait_s, valley)]
    for _ in range(reps):
        at_s = knots[-1][0]
        knots += [(at_s + pull_s, 1.0), (at_s + pull_s + 0.3, 1.0), (at_s + pull_s + 0.3 + return_s, valley)]
        knots.append((knots[-1][0] + wait_s, valley))
    down_s = knots[-1][0]
    knots += [(down_s + 0.8, 0.0), (down_s + 6.0, 0.0)]
    ends_s, levels = np.array(knots).T
    time_s = np.arange(0.0, ends_s[-1], 1.0 / 80.0)
    i = np.searchsorted(ends_s, time_s, side="right")
    u = (time_s - ends_s[i - 1]) / (ends_s[i] - ends_s[i - 1])
    u = u if straight else 0.5 * (1.0 - np.cos(np.pi * u))
    noise_n = 0.1 * np.random.default_rng(3).standard_normal(time_s.size)
    outside = 0.1 if straight else float(np.arccos(0.8) / np.pi)
    true_s = 0.3 + (1.0 - outside) * (pull_s + return_s)
    return time_s, PEAK_N * (levels[i - 1] + (levels[i] - levels[i - 1]) * u) + noise_n, [true_s] * reps


def _lasts_as_long(
    time_s: FloatArray, tension_n: FloatArray, true_s: list[float], *, within_s: float
) -> None:
    result = analyze(time_s, tension_n)
    for reps in (result.reps, result.causal):
        assert [rep.duration_s for rep in reps] == pytest.approx(true_s, abs=within_s)


@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize(("pull_s", "return_s"), [(0.8, 1.0), (1.25, 1.25), (2.5, 3.0)])
@pytest.mark.parametrize("wait_s", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("valley", [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6])
def test_waiting_on_a_taut_band_is_no_part_of_a_single_repetition(
    valley: float, wait_s: float, pull_s: float, return_s: float, straight: bool
) -> None:
    """The band waits still in the valley, so that the definition fixes both ends."""
    made = _held_taut(valley, 1, wait_s=wait_s, pull_s=pull_s, return_s=return_s, straight=straight)
    _lasts_as_long(*made, within_s=0.15)


@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize("return_s", [6.0, 8.0, 12.0])
@pytest.mark.parametrize("wait_s", [0.5, 1.0])
@pytest.mark.parametrize("valley", [0.1, 0.25, 0.4])
def test_a_slow_return_is_no_standstill_of_a_single_repetition(
    valley: float, wait_s: float, return_s: float, straight: bool
) -> None:
    """Nearer to the peak a return of 12 s may be an isometric hold that is let go."""
    made = _held_taut(valley, 1, wait_s=wait_s, pull_s=1.5, return_s=return_s, straight=straight)
    _lasts_as_long(*made, within_s=0.15)


@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize("return_s", [1.5, 8.0, 10.0, 12.0])
@pytest.mark.parametrize("wait_s", [0.5, 0.8, 1.5])
@pytest.mark.parametrize("valley", [0.15, 0.28, 0.4])
def test_waiting_on_a_taut_band_is_no_part_of_the_last_of_a_set(
    valley: float, wait_s: float, return_s: float, straight: bool
) -> None:
    made = _held_taut(valley, 4, wait_s=wait_s, pull_s=1.5, return_s=return_s, straight=straight)
    _lasts_as_long(*made, within_s=0.2)


@pytest.mark.parametrize("rest_s", [10.0, 30.0])
@pytest.mark.parametrize("valley", [0.2, 0.5])
def test_single_repetitions_between_rests_are_measured_as_one_alone(valley: float, rest_s: float) -> None:
    _, tension_n, true_s = _held_taut(valley, 1, wait_s=1.0, pull_s=1.25, return_s=1.25, straight=False)
    again_n = np.tile(np.concatenate([tension_n, np.zeros(round((rest_s - 9.2) * 80.0))]), 3)
    found = analyze(np.arange(again_n.size) / 80.0, again_n).reps
    assert [rep.duration_s for rep in found] == pytest.approx(3 * true_s, abs=0.1)


@pytest.mark.parametrize("pause_s", [0.6, 2.0])
@pytest.mark.parametrize("at", [0.25, 0.4, 0.5])
def test_pauses_on_the_way_up_and_down_are_part_of_every_repetition_of_a_set(
    at: float, pause_s: float
) -> None:
    """From a slack band, so that the neighbours tell that it is no take-up."""
    knots = [(0.0, 0.0), (3.0, 0.0)]
    for _ in range(4):
        for lasts_s, to in (
            (at, at),
            (pause_s, at),
            (1.0 - at, 1.0),
            (0.3, 1.0),
            (1.0 - at, at),
            (pause_s, at),
            (at, 0.0),
            (2.0, 0.0),
        ):
            knots.append((knots[-1][0] + lasts_s, to))
    time_s = np.arange(0.0, knots[-1][0] + 4.0, 1.0 / 80.0)
    noise_n = 0.1 * np.random.default_rng(1).standard_normal(time_s.size)
    found = analyze(time_s, PEAK_N * np.interp(time_s, *np.array(knots).T) + noise_n).reps
    assert [rep.duration_s for rep in found] == pytest.approx([2.1 + 2.0 * pause_s] * 4, abs=0.1)
