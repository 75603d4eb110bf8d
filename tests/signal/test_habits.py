"""What habits are worth: even waves are no sway, a tempo may change, and steps swing about a level."""

from __future__ import annotations

import numpy as np
import pytest

from bandsense.samples import FloatArray
from bandsense.signal.analysis import analyze
from bandsense.signal.events import RepCounted, RepRetracted
from bandsense.signal.laws.movement import Movement
from bandsense.signal.laws.numbers import FITTED
from bandsense.signal.laws.repetitions import begin_series
from tests.signal.levels import through


def _set(valley_n: float, peaks_n: list[float], periods_s: list[float]) -> tuple[FloatArray, FloatArray]:
    """A set on a band that is taken up before it."""
    levels_n, times_s = [0.0, 0.0, valley_n, valley_n], [0.0, 2.0, 3.0, 4.0]
    for peak_n, period_s in zip(peaks_n, periods_s, strict=True):
        levels_n += [peak_n, valley_n]
        times_s += [times_s[-1] + 0.5 * period_s, times_s[-1] + period_s]
    return through([*levels_n, valley_n, 0.0, 0.0], [*times_s, *(times_s[-1] + s for s in (1.0, 2.0, 6.0))])


def test_a_weak_set_on_a_taut_band_is_told_from_sway_by_its_evenness() -> None:
    """Without a tempo as well: nobody sways by a quarter of the tension to the same two places each time."""
    periods_s = [4.2, 9.0, 11.0, 7.4, 7.3, 9.1, 11.0, 8.0]
    result = analyze(*_set(15.0, [21.5] * 8, periods_s))
    assert len(result.reps) == 8
    told_s = [event.detected_s for event in result.events if isinstance(event, RepCounted)]
    # From the sixth on each is told while it is pulled, and not only after the set.
    ends_s = 4.0 + np.cumsum(periods_s)
    assert all(told < end for told, end in zip(told_s[5:], ends_s[5:], strict=True))


def test_small_even_waves_on_a_held_band_are_breath() -> None:
    """A twentieth of the tension, every four seconds, for a minute."""
    result = analyze(*_set(60.0, [63.0] * 15, [4.0] * 15))
    assert not [rep for rep in result.reps if rep.peak_n - rep.start_n < 10.0]


def _lost_as_sway(swing_n: float, top_n: float) -> float:
    """What a wave of a held tension loses as sway for its size in newtons."""
    m = Movement(
        start_n=top_n - swing_n, top_n=top_n, top_s=3.0, end_n=top_n - swing_n, fallen_n=swing_n,
        width_s=1.0, first_width_s=1.0, held_s=None, dips_n=(), lowest_n=0.0, start_s=2.0, last_top_s=3.0,
    )  # fmt: skip
    no_limit = FITTED.with_number("sway.largest_n", 1e6)
    with_it, without = begin_series(FITTED, m, False), begin_series(no_limit, m, False)
    assert with_it is not None
    assert without is not None
    return without[0] - with_it[0]


def test_large_waves_are_hardly_sway() -> None:
    """Nobody stands so unsteadily at 60 N: the larger a wave is, the less likely it is sway."""
    largest_n = FITTED.sway.largest_n
    assert 10.0 < largest_n < 15.0
    assert _lost_as_sway(largest_n, 60.0) == pytest.approx(_lost_as_sway(1.0, 60.0))
    assert _lost_as_sway(1.08 * largest_n, 60.0) > _lost_as_sway(largest_n, 60.0) + 0.3
    assert _lost_as_sway(1.33 * largest_n, 60.0) > _lost_as_sway(1.08 * largest_n, 60.0) + 0.9


def test_a_large_force_may_waver_by_more_newtons() -> None:
    """Muscle trembles by a share of its force."""
    assert _lost_as_sway(30.0, 300.0) == pytest.approx(0.0)
    assert _lost_as_sway(90.0, 300.0) > 1.0


@pytest.mark.parametrize("swing_n", [10.0, 40.0])
def test_a_set_that_changes_its_tempo_goes_on(swing_n: float) -> None:
    """Three slow repetitions, then quick ones at the pace of steps: they are no steps."""
    peaks_n = [1.2 * swing_n, 1.2 * swing_n, 1.22 * swing_n, *[1.18 * swing_n] * 8]
    result = analyze(*_set(0.2 * swing_n, peaks_n, [9.0, 7.5, 6.0, *[0.7] * 8]))
    assert len(result.reps) == 11


@pytest.mark.parametrize("seed", range(6))
def test_steps_that_swing_about_a_level_are_none(seed: int) -> None:
    """Steps at an even pace with sizes that vary by a sixth, one foot harder than the other."""
    rng = np.random.default_rng(seed)
    pace_s, size_n, foot = rng.uniform(0.45, 0.6), rng.uniform(5.0, 9.0), rng.uniform(0.05, 0.2)
    count = 100
    times_s = np.cumsum(np.r_[0.5, rng.normal(0.5 * pace_s, 0.02 * pace_s, 2 * count)])
    sizes = size_n * (1.0 + rng.normal(0.0, 0.17, 2 * count))
    sizes[::4] *= 1.0 + foot
    sway_n = 0.7 * np.sin(0.3 * times_s)
    levels_n = 12.0 + sway_n + np.r_[0.0, np.where(np.arange(2 * count) % 2, -0.5, 0.5) * sizes]
    assert not analyze(*through([*levels_n.tolist()], times_s.tolist())).reps


@pytest.mark.parametrize("size_n", [6.0, 9.0, 12.0])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_two_tops_to_a_step_are_one_step_with_a_bump(size_n: float, seed: int) -> None:
    """Heel and toe: a large top and a smaller one at a third of the height, all the way through a walk."""
    rng = np.random.default_rng(seed)
    levels_n, times_s = [10.0], [0.5]
    for _ in range(90):
        heel_n = size_n * (1.0 + rng.normal(0.0, 0.12))
        for level_n, share in ((heel_n, 0.26), (0.8, 0.25), (0.35 * size_n, 0.24), (0.0, 0.25)):
            levels_n.append(10.0 + level_n + rng.normal(0.0, 0.05 * size_n))
            times_s.append(times_s[-1] + 0.55 * share * (1.0 + rng.normal(0.0, 0.03)))
    assert not analyze(*through(levels_n, times_s)).reps


@pytest.mark.parametrize("stride_s", [1.0, 1.4])
@pytest.mark.parametrize("seed", range(4))
def test_an_arm_that_swings_once_in_two_steps_is_no_repetition(stride_s: float, seed: int) -> None:
    """A large wave and a small one in turn, sooner after it than before the next: a stride, even in time."""
    rng = np.random.default_rng(seed)
    levels_n, times_s, wander = [8.0], [0.5], 0.0
    for _ in range(40):
        wander = 0.8 * wander + 0.6 * rng.normal()
        swing_n = 4.0 * float(np.exp(0.25 * wander))
        for level, share in ((1.0, 0.35), (0.45, 0.2), (0.6, 0.15), (0.0, 0.3)):
            levels_n.append(8.0 + level * swing_n + rng.normal(0.0, 0.03 * swing_n))
            times_s.append(times_s[-1] + share * stride_s * (1.0 + rng.normal(0.0, 0.03)))
    assert not analyze(*through(levels_n, times_s)).reps


def _tired(seed: int, sagging: dict[int, tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Eight repetitions by somebody who keeps a tempo within 7 %, with sags: share of the swing, seconds."""
    rng = np.random.default_rng(seed)
    valley_n, swing_n = rng.uniform(2.0, 20.0), rng.uniform(15.0, 80.0)
    rise_s, fall_s, rest_s = rng.uniform(0.6, 1.6), rng.uniform(0.8, 2.4), rng.uniform(0.1, 1.0)
    levels_n, times_s = [0.0, 0.0, valley_n, valley_n], [0.0, 2.0, 3.0, 4.5]

    def to(level_n: float, seconds: float) -> None:
        levels_n.append(level_n)
        times_s.append(times_s[-1] + seconds * float(np.exp(rng.normal(0.0, 0.07))))

    for i in range(8):
        top_n = valley_n + swing_n * (1.0 + rng.normal(0.0, 0.03))
        to(top_n, rise_s)
        if i in sagging:
            share, seconds = sagging[i]
            to(top_n - share * swing_n, 0.5 * seconds)
            to(top_n - swing_n * abs(rng.normal(0.0, 0.03)), 0.5 * seconds)
        to(valley_n + swing_n * abs(rng.normal(0.0, 0.02)), fall_s)
        to(levels_n[-1], rest_s)
    to(0.0, 0.8)
    to(0.0, 6.0)
    return through(levels_n, times_s)


@pytest.mark.parametrize("seed", [2, 3, 5])
@pytest.mark.parametrize("share", [0.1, 0.15, 0.2])
@pytest.mark.parametrize("sagged", [0, 3])
def test_a_sag_at_the_top_of_one_repetition_is_none(seed: int, share: float, sagged: int) -> None:
    """It takes as long as a repetition does, and is pulled up again: tension did not come back."""
    assert len(analyze(*_tired(seed, {sagged: (share, 2.5)})).reps) == 8


@pytest.mark.parametrize("seed", range(4))
def test_a_half_return_now_and_then_ends_a_repetition(seed: int) -> None:
    """Half of the way back at the pace of the others, and pulled again: nine pulls."""
    assert len(analyze(*_tired(seed, {3: (0.5, 2.5)})).reps) == 9


def test_what_was_counted_stays_while_the_top_sags() -> None:
    """Three sags in the third repetition: nothing is taken back, and no end is told early."""
    levels_n, times_s = [0.0, 0.0, 5.0, 5.0], [0.0, 2.0, 3.0, 4.5]
    for i in range(6):
        way = [45.0, *([37.0, 44.5] * 3 if i == 2 else []), 5.0, 5.0]
        spans_s = [1.0, *([0.8] * 6 if i == 2 else []), 1.4, 0.4]
        levels_n += way
        times_s += [times_s[-1] + float(s) for s in np.cumsum(spans_s)]
    result = analyze(*through([*levels_n, 0.0, 0.0], [*times_s, times_s[-1] + 1.0, times_s[-1] + 7.0]))
    assert len(result.reps) == 6
    assert not [event for event in result.events if isinstance(event, RepRetracted)]
    sagged = result.causal[2]
    assert sagged.end_s - sagged.pull_start_s > 6.0


def test_the_end_is_told_of_a_return_that_pauses_below_the_top() -> None:
    """Returns of eight seconds that stand still at 0.9 of the way for a moment: none ends there."""
    levels_n, times_s = [0.0, 0.0, 5.0, 5.0], [0.0, 2.0, 3.0, 4.5]
    for _ in range(5):
        levels_n += [45.0, 41.0, 41.0, 5.0, 5.0]
        times_s += [times_s[-1] + s for s in (1.0, 1.8, 2.6, 9.0, 9.5)]
    result = analyze(*through([*levels_n, 0.0, 0.0], [*times_s, times_s[-1] + 1.0, times_s[-1] + 7.0]))
    assert [rep.duration_s > 7.0 for rep in result.causal] == [True] * 5


def test_the_peak_of_one_and_a_half_is_its_higher_top() -> None:
    """Every repetition comes half back and is pulled again, now further and now less far than at first."""
    levels_n, times_s = [0.0, 0.0, 5.0, 5.0], [0.0, 2.0, 3.0, 4.5]
    seconds_n = [47.0, 43.5, 46.5, 44.0, 47.0, 46.0]
    for again_n in seconds_n:
        levels_n += [45.0, 25.0, again_n, 5.0, 5.0]
        times_s += [times_s[-1] + s for s in (1.0, 1.8, 2.6, 4.0, 4.4)]
    result = analyze(*through([*levels_n, 0.0, 0.0], [*times_s, times_s[-1] + 1.0, times_s[-1] + 7.0]))
    assert [rep.peak_n for rep in result.reps] == pytest.approx([max(45.0, n) for n in seconds_n], abs=0.2)
