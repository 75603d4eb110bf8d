"""Plans, tension zones and tempo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bandsense.errors import ConfigError
from bandsense.exercises.model import Tempo
from bandsense.signal.events import Rep
from bandsense.workout.plan import (
    Plan,
    TensionZone,
    Zone,
    hand_clock_s,
    measured_tempo,
    steady,
    tempo_report,
    tolerance_s,
)
from bandsense.workout.tempo import set_tempo


def rep(
    index: int,
    *,
    start: float = 0.0,
    pull: float = 0.9,
    hold: float = 1.5,
    back: float = 1.5,
    partial: bool = False,
    valley_n: float = 5.0,
) -> Rep:
    return Rep(
        index,
        start,
        start + pull,
        start + pull + hold,
        start + pull + hold + back,
        start + pull,
        60.0,
        valley_n,
        valley_n,
        partial,
    )


def evenly(number: int, gap: float = 1.1, **changes: Any) -> list[Rep]:
    made, at = [], 0.0
    for i in range(1, number + 1):
        made.append(rep(i, start=at, **changes))
        at = made[-1].end_s + gap
    return made


def test_the_plan_of_a_newcomer() -> None:
    plan = Plan()
    assert (plan.sets, plan.reps) == (3, 8)
    assert plan.tempo.eccentric_s > plan.tempo.concentric_s
    assert plan.zone is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sets": 0}, "1 to 10 sets"),
        ({"sets": 11}, "1 to 10 sets"),
        ({"reps": 0}, "is not possible"),
        ({"reps": 12, "reps_top": 10}, "is not possible"),
        ({"rest_s": -1.0}, "rest of -1 s"),
        ({"rest_s": float("nan")}, "rest of nan s"),
    ],
)
def test_plans_that_cannot_be_are_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Plan(**changes)


def test_a_tension_zone_has_three_sides() -> None:
    zone = TensionZone(40.0, 60.0)
    assert [zone.zone(n) for n in (39.9, 40.0, 60.0, 60.1)] == [
        Zone.BELOW,
        Zone.WITHIN,
        Zone.WITHIN,
        Zone.ABOVE,
    ]
    with pytest.raises(ConfigError, match="empty"):
        TensionZone(60.0, 40.0)
    with pytest.raises(ConfigError):
        TensionZone(float("nan"), 40.0)


def test_what_is_measured_of_a_tempo_takes_as_long_as_the_tempo() -> None:
    tempo = Tempo(concentric_s=2.0, hold_s=1.0, eccentric_s=4.0, rest_s=0.5)
    measured = measured_tempo(tempo)
    assert measured.rep_s == pytest.approx(tempo.rep_s)
    assert measured.concentric_s < tempo.concentric_s
    assert measured.hold_s > tempo.hold_s


@pytest.mark.parametrize("at_rest", [0.0, 0.3])
def test_a_smooth_movement_in_tempo_keeps_it(at_rest: float) -> None:
    """Phases of a minimum-jerk repetition at the 10 and 90 % crossings of its tension, as the chain takes
    them."""
    tempo = Tempo(concentric_s=1.5, hold_s=0.5, eccentric_s=2.5, rest_s=0.5)
    u = np.linspace(0.0, 1.0, 4001)
    tension = (at_rest + (u**3 * (10 - 15 * u + 6 * u**2))) ** 0.62
    rise = (tension - tension[0]) / np.ptp(tension)
    low, high = np.interp([0.1, 0.9], rise, u)
    pull, back = 1.5 * (high - low), 2.5 * (high - low)
    hold, rest = 0.5 + 4.0 * (1 - high), 0.5 + 4.0 * low
    valley_n = float(60.0 * tension[0] / tension[-1])
    report = tempo_report(evenly(8, gap=rest, pull=pull, hold=hold, back=back, valley_n=valley_n), tempo)
    assert [phase.kept for phase in (report.concentric, report.hold, report.eccentric, report.rest)] == [
        1.0
    ] * 4
    assert report.concentric.median_s == pytest.approx(report.concentric.target_s, rel=0.2)


def test_a_hasty_return_shows_in_its_phase_alone() -> None:
    # A return of 0.83 s by the hand has less of what counts as hold by the tension: 1.1 of 1.5 s.
    hasty = {"back": 0.5, "hold": 1.1}
    reps = [rep(i, start=6.0 * i, **(hasty if i <= 3 else {})) for i in range(1, 9)]
    report = tempo_report(reps, Tempo(rest_s=1.7))
    assert report.eccentric.kept == pytest.approx(5 / 8)
    assert report.concentric.kept == report.hold.kept == 1.0
    assert report.eccentric.median_s == pytest.approx(2.5, abs=0.05), "of the hand"


def test_what_is_told_as_too_fast_did_not_keep_the_tempo() -> None:
    reps = evenly(8, pull=0.45)
    plan = Tempo(concentric_s=1.5, hold_s=0.5, eccentric_s=2.5, rest_s=0.5)
    took = set_tempo(reps)
    assert took is not None
    assert took.concentric_s < plan.concentric_s - tolerance_s(plan.concentric_s), "so the advice says"
    report = tempo_report(reps, plan)
    assert report is not None
    assert report.concentric.kept == 0.0
    assert (report.concentric.target_s, report.concentric.median_s) == (1.5, took.concentric_s)


def test_no_repetitions_have_no_tempo_and_one_has_no_rest() -> None:
    assert tempo_report([], Tempo()) is None
    assert tempo_report([rep(1)], Tempo()).rest.kept == 1.0


def test_even_is_steady() -> None:
    assert steady(evenly(8))
    assert not steady(evenly(4)), "too few to tell"
    assert not steady(evenly(8, partial=True)), "partial repetitions do not count"
    assert not steady([rep(i, start=6.0 * i, back=0.6 if i % 2 else 3.0) for i in range(8)])
    assert not steady([rep(i, start=6.0 * i, pull=0.8 + 0.06 * i) for i in range(9)])
    assert steady([rep(i, start=6.0 * i, pull=0.9 + 0.02 * i) for i in range(9)])


def test_the_clock_of_a_phase_ends_where_the_hand_ends() -> None:
    tempo = Tempo(concentric_s=1.5, hold_s=0.5, eccentric_s=2.5, rest_s=0.5)
    measured = measured_tempo(tempo)
    for by_tension_s, by_hand_s in (
        (measured.concentric_s, tempo.concentric_s),
        (measured.hold_s, tempo.hold_s),
        (measured.eccentric_s, tempo.eccentric_s),
    ):
        assert hand_clock_s(0.0, by_tension_s, by_hand_s) == 0.0
        assert hand_clock_s(0.5 * by_tension_s, by_tension_s, by_hand_s) == pytest.approx(0.5 * by_hand_s)
        assert hand_clock_s(by_tension_s, by_tension_s, by_hand_s) == pytest.approx(by_hand_s)
    assert hand_clock_s(1.2, measured.concentric_s, 1.5) == pytest.approx(2.0), "a pull of 2 s"
    assert hand_clock_s(2.0, measured.hold_s, 0.5) == pytest.approx(1.0), "a hold of half a second more"
    assert hand_clock_s(0.8, 0.7, 0.0) == pytest.approx(0.1), "a plan without a hold"
