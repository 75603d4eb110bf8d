from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.sim.physics.person import Bounce, Dip, Move, Movement, Pause, RepPlan, SimulatedPlan, perform

DT = 1e-3
REP = RepPlan(top=1.0, bottom=0.0, pull_s=1.0, hold_s=0.5, return_s=1.5, rest_s=1.0)


def carried_out(*parts: Move | RepPlan, **plan: float) -> Movement:
    return perform(SimulatedPlan(0.5, parts, **plan), DT, np.random.default_rng(1))


def test_a_repetition_takes_the_planned_times_and_covers_the_stroke() -> None:
    movement = carried_out(Move(1.0, 0.0), REP)
    assert movement.time_s.size == 5000
    assert movement.spans == ((1000, 3999, 4999),)
    assert movement.displacement_m.max() == pytest.approx(0.5)
    assert movement.displacement_m[2000:2500] == pytest.approx(0.5)
    assert movement.displacement_m[4000:] == pytest.approx(0.0)


def test_a_minimum_jerk_pull_has_its_greatest_speed_in_the_middle() -> None:
    speed = np.diff(carried_out(REP).displacement_m[:1000]) / DT
    assert speed.max() == pytest.approx(15 / 8 * 0.5, rel=1e-4)  # 15/8 of the mean speed
    assert abs(int(np.argmax(speed)) - 500) <= 5  # flat at the top


@given(st.floats(-0.9, 0.9))
def test_a_skewed_movement_never_turns_back(skew: float) -> None:
    displacement = carried_out(Move(1.0, 1.0, skew=skew)).displacement_m
    assert (np.diff(displacement) >= -1e-12).all()
    half = float(np.interp(0.25, displacement, np.arange(displacement.size))) * DT
    assert (half < 0.51) if skew > 0 else (half > 0.49)


def test_a_pause_stops_the_pull_where_it_was_planned() -> None:
    rep = RepPlan(1.0, 0.0, 1.0, 0.0, 1.0, 0.0, pause=Pause(0.4, 0.6))
    displacement = carried_out(rep).displacement_m
    assert np.isclose(displacement[400:1000], 0.4 * 0.5).all()


def test_a_dip_makes_two_peaks() -> None:
    rep = RepPlan(1.0, 0.0, 1.0, 0.2, 1.0, 0.0, dip=Dip(0.3, 0.6))
    top = carried_out(rep).displacement_m[1000:1800]
    assert top.min() == pytest.approx(0.7 * 0.5, abs=1e-6)
    assert top[[0, -1]] == pytest.approx(0.5)


def test_a_bounce_stays_below_its_amplitude_and_dies_out() -> None:
    rep = RepPlan(1.0, 0.0, 1.0, 0.0, 1.0, 2.0, bounce=Bounce(0.05, 3.0))
    rest = carried_out(rep).displacement_m[2000:]
    assert 0.01 < rest.max() < 0.05 * 0.5
    assert rest.min() >= 0.0
    assert abs(rest[-300:]).max() < 0.001


def test_walking_adds_steps_at_their_rate_and_moves_nothing() -> None:
    movement = carried_out(Move(10.0, 0.0, steps_n=10.0, steps_hz=2.0))
    spectrum = abs(np.fft.rfft(movement.added_n - movement.added_n.mean()))
    assert np.argmax(spectrum) / 10.0 == pytest.approx(2.0, abs=0.11)
    assert not movement.displacement_m.any()
    assert movement.added_n.min() >= 0.0
    assert 8.0 < movement.added_n.max() < 25.0


def test_a_blow_is_forty_milliseconds() -> None:
    added = carried_out(Move(0.4, 0.0, blow_n=30.0)).added_n
    assert added.max() == pytest.approx(30.0, rel=0.01)
    assert np.count_nonzero(added) == pytest.approx(40, abs=2)


def test_tremor_is_proportional_to_the_position() -> None:
    movement = carried_out(Move(1.0, 1.0), Move(3.0, 1.0), tremor=0.02, tremor_hz=9.0)
    held = movement.displacement_m[1000:] / 0.5 - 1.0
    assert abs(held).max() == pytest.approx(0.02, rel=0.01)
    crossings = np.count_nonzero(np.diff(np.sign(held)))
    assert crossings / 2 / 3.0 == pytest.approx(9.0, abs=1.5)
