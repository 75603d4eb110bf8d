"""How a method is judged: what counts as exact, silent, phantom, taken back, late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evidence.detectors import Count, Found, Shown
from benchmarks.evidence.score import BEYOND, Tally, matched, run
from benchmarks.evidence.trace import Trace, TrueInterval

NOTHING = np.zeros(0)


def trace(*tops_s: float, control: bool = False) -> Trace:
    """Repetitions of two seconds with these tops."""
    reps = tuple(TrueInterval(t - 1.0, t, t + 1.0) for t in tops_s)
    n = len(reps)
    return Trace(
        "name",
        "kind",
        80.0,
        NOTHING,
        NOTHING,
        n,
        frozenset({n}),
        reps,
        (False,) * n,
        (reps[0].start_s,) if reps else (),
        control,
        bounds=tuple((t - 0.8, t - 0.2, t + 0.2, t + 0.8) for t in tops_s),
        peaks_n=(50.0,) * n,
    )


def found(*middles_s: float, late_s: float = 0.0, peak_n: float = 50.0, u_n: float = np.nan) -> list[Found]:
    return [
        Found(
            t,
            bounds=(t - 0.8, t - 0.2, t + 0.2, t + 0.8 + late_s),
            peak_n=peak_n,
            peak_u_n=u_n,
            partial=False,
        )
        for t in middles_s
    ]


def judged(true: Trace, count: Count) -> Tally:
    tally = Tally()
    tally.add(true, count)
    return tally


def test_each_true_repetition_takes_one_found_and_the_rest_is_too_much() -> None:
    twice = judged(trace(2, 5), Count(found(1.9, 2.2, 5)))
    assert (twice.exact, twice.within_one, twice.hits, twice.found, twice.true) == (0, 1, 2, 3, 2)
    assert matched(trace(2, 5).reps, [2.2, 1.9, 5.0]) == {0: 1, 1: 2}


def test_a_miss_and_an_extra_do_not_cancel_in_f1() -> None:
    shifted = judged(trace(2, 5), Count(found(2, 9)))
    assert shifted.exact == 1
    assert shifted.figures()["f1"] == pytest.approx(0.5)


@pytest.mark.parametrize(("length_s", "further_s"), [(1.0, 0.15), (2.0, 0.3), (4.0, 0.3)])
def test_a_repetition_reaches_fifteen_per_cent_of_itself_further(length_s: float, further_s: float) -> None:
    true = [TrueInterval(5.0, 5.0 + length_s / 2, 5.0 + length_s)]
    for at_s, outwards in ((5.0 - further_s, -1), (5.0 + length_s + further_s, 1)):
        assert matched(true, [at_s - 0.01 * outwards]) == {0: 0}
        assert matched(true, [at_s + 0.01 * outwards]) == {}


def test_nothing_counted_is_silent_but_nothing_in_nothing_is_right() -> None:
    assert judged(trace(2, 5), Count([])).figures()["silent"] == 1.0
    assert judged(trace(), Count([])).exact == 1


def test_what_nobody_knows_is_not_judged() -> None:
    assert judged(replace(trace(2), n=None), Count([])).traces == 0


@pytest.mark.parametrize("middles_s", [(2.0,), (2.0, 5.0)])
def test_what_the_samples_do_not_show_may_be_counted_or_not(middles_s: tuple[float, ...]) -> None:
    unseen = replace(trace(2, 5), optional=frozenset({1}), n_ok=frozenset({1, 2}))
    tally = judged(unseen, Count(found(*middles_s)))
    assert tally.exact == 1
    assert tally.figures()["f1"] == 1.0


def test_shown_before_the_first_pull_is_a_phantom_even_if_it_is_taken_back() -> None:
    true = trace(4, 7)
    assert judged(true, Count([], [Shown(1.0, 1.5, 2.0)])).phantoms == 1
    # Told late, but its top was the take-up.
    assert judged(true, Count([], [Shown(2.5, 3.2)])).phantoms == 1
    assert judged(true, Count([], [Shown(4.0, 4.3)])).phantoms == 0


def test_a_true_one_that_is_taken_back_is_wrong_unless_another_stands_for_it() -> None:
    true = trace(2, 5)
    assert judged(true, Count([], [Shown(2.0, 2.3, 4.0), Shown(5.0, 5.2)])).retracted == 1
    doubled = [Shown(1.8, 2.0), Shown(2.3, 2.5, 4.0)]
    assert judged(true, Count([], doubled)).retracted == 0
    shown_again = [Shown(2.0, 2.3, 2.6), Shown(2.0, 2.8)]
    assert judged(true, Count([], shown_again)).retracted == 1


@pytest.mark.parametrize(("after_s", "late"), [(0.24, 0.0), (0.26, 1.0)])
def test_from_the_second_on_a_quarter_second_after_the_return_is_late(after_s: float, late: float) -> None:
    figures = judged(trace(2, 5), Count([], [Shown(2.0, 4.0), Shown(5.0, 5.2 + after_s)])).figures()
    assert figures["told late"] == late
    assert figures["first told p95"] == pytest.approx(1.8)


def test_what_is_late_although_its_set_was_shown_is_told_apart() -> None:
    shown = [Shown(2.0, 2.4), Shown(5.0, 5.2 + 0.3), Shown(8.0, 8.2 + 0.1)]
    assert judged(trace(2, 5, 8), Count([], shown)).figures()["followed late"] == 0.5
    at_once = [Shown(2.0, 8.3), Shown(5.0, 8.3), Shown(8.0, 8.3)]
    figures = judged(trace(2, 5, 8), Count([], at_once)).figures()
    assert figures["told late"] == 0.5
    assert np.isnan(figures["followed late"])


def test_a_control_may_show_nothing_at_any_time() -> None:
    shown = judged(trace(control=True), Count([], [Shown(1.0, 1.5, 2.0)]))
    assert (shown.controls, shown.controls_shown, shown.controls_counted) == (1, 1, 0)
    assert judged(trace(control=True), Count(found(1.0), [Shown(1.0, 1.5)])).controls_counted == 1
    assert judged(trace(control=True), Count([], [])).controls_shown == 0


@pytest.mark.parametrize(("late_s", "within"), [(0.14, 1.0), (0.16, 0.0)])
def test_time_under_tension_may_be_fifteen_hundredths_off(late_s: float, within: float) -> None:
    assert judged(trace(2), Count(found(2, late_s=late_s))).figures()["tut within"] == within


@pytest.mark.parametrize(("peak_n", "covered"), [(50.9, 1.0), (51.1, 0.0)])
def test_a_peak_is_covered_by_twice_its_uncertainty(peak_n: float, covered: float) -> None:
    figures = judged(trace(2), Count(found(2, peak_n=peak_n, u_n=0.5))).figures()
    assert figures["peak covered"] == covered
    assert figures["peak p95"] == pytest.approx(peak_n / 50.0 - 1.0)


def test_a_torn_band_is_told_or_missed_and_a_false_alarm_counts() -> None:
    snapped = replace(trace(2), snapped_s=2.0)
    told = judged(snapped, Count([], None, (2.2, 9.0)))
    assert (told.snaps, told.told_snaps, told.false_alarms, told.alarmed) == (1, 1, 1, 1)
    assert judged(snapped, Count([])).told_snaps == 0


def test_a_wrong_partial_mark_is_wrong_and_an_undecided_one_is_not_judged() -> None:
    called = [replace_partial(rep, partial=True) for rep in found(2, 5)]
    assert judged(trace(2, 5), Count(called)).figures()["wrong partial"] == 1.0
    undecided = replace(trace(2, 5), partial=(None, True))
    assert judged(undecided, Count(called)).figures()["wrong partial"] == 0.0


def replace_partial(rep: Found, *, partial: bool) -> Found:
    return rep._replace(partial=partial)


def test_tallies_add_up_and_what_is_beyond_stays_apart() -> None:
    given = [trace(2), trace(2, 5), replace(trace(2), tags=frozenset({"beyond"}))]
    tallies = run(given, {"none": lambda _: Count([]), "one": lambda _: Count(found(2))})
    assert tallies["one", "kind"].exact == 1
    assert tallies["one", "kind"].traces == 2
    assert tallies["one", "kind" + BEYOND].exact == 1
    both = tallies["none", "kind"].merged(tallies["one", "kind"])
    assert (both.traces, both.silent, both.true) == (4, 2, 6)
