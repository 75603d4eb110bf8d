from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bandsense.errors import ConfigError
from bandsense.sim.physics.disturbances import CONTROLS, DISTURBANCES, Disturbance, Stage
from bandsense.sim.physics.ground_truth import marked, true_reps
from bandsense.sim.physics.person import EXERCISES, Span
from bandsense.sim.physics.scenario import Scenario, SimulatedSet
from tests.needs import REPOSITORY


def same(a: SimulatedSet, b: SimulatedSet) -> bool:
    return (
        np.array_equal(a.time_s, b.time_s) and np.array_equal(a.tension_n, b.tension_n) and a.reps == b.reps
    )


@pytest.mark.parametrize("name", [None, *DISTURBANCES])
def test_every_disturbance_has_a_switch_and_is_repeatable(name: str | None) -> None:
    scenario = Scenario(5, reps=3, disturbances=frozenset({name} if name else ()))
    simulated = scenario.simulate()
    assert same(simulated, scenario.simulate())
    assert len(simulated.reps) == 3
    if name is not None:
        assert DISTURBANCES[name].description
        assert not same(simulated, replace(scenario, disturbances=frozenset()).simulate())


def test_seeds_and_sets_differ_and_sets_share_the_band() -> None:
    first = Scenario(5, reps=4)
    assert not same(first.simulate(), Scenario(6, reps=4).simulate())
    second = replace(first, set_index=1)
    assert not same(first.simulate(), second.simulate())
    assert first.perform().band == second.perform().band


def test_a_sensor_disturbance_leaves_the_physics_alone() -> None:
    clean = Scenario(8, reps=4).perform()
    for disturbance in DISTURBANCES.values():
        if disturbance.stage in (Stage.SENSOR, Stage.LINK):
            other = Scenario(8, reps=4, disturbances=frozenset({disturbance.name})).perform()
            assert np.array_equal(clean.tension_n, other.tension_n), disturbance.name


@pytest.mark.parametrize("exercise", EXERCISES)
def test_truth_is_in_order_and_at_the_crossings(exercise: str) -> None:
    performance = Scenario(11, exercise, reps=5).perform()
    tension, grid = performance.tension_n, performance.time_s
    for rep in performance.reps:
        assert rep.pull_start_s < rep.hold_start_s < rep.return_start_s < rep.end_s
        valley = tension[(grid > rep.pull_start_s - 0.4) & (grid <= rep.hold_start_s)].min()
        for at, share in ((rep.pull_start_s, 0.1), (rep.hold_start_s, 0.9)):
            crossed = float(np.interp(at, grid, tension))
            assert (crossed - valley) / (rep.peak_n - valley) == pytest.approx(share, abs=0.02)


def test_labels_of_a_hand_made_trace() -> None:
    grid = np.arange(8001.0) * 1e-3
    ramp = np.interp(grid, [0, 1, 2, 3, 4, 5, 5.5, 6, 6.5, 8], [0, 0, 1, 1, 0, 0, 0.5, 0.5, 0, 0])
    full, half = true_reps(
        grid, 100 * ramp, ramp, (Span(1000, 4000, 4999), Span(5000, 6500, 8000)), (True, True)
    )
    assert (full.pull_start_s, full.hold_start_s) == pytest.approx((1.1, 1.9), abs=0.002)
    assert (full.return_start_s, full.end_s) == pytest.approx((3.1, 3.9), abs=0.002)
    assert full.peak_n == 100.0
    assert (half.pull_start_s, half.end_s) == pytest.approx((5.05, 6.45), abs=0.002)
    partial = true_reps(
        grid, 100 * ramp, ramp, (Span(1000, 4000, 4999), Span(5000, 6500, 8000)), (True, False)
    )[1]
    assert partial.partial
    assert partial.share == pytest.approx(0.5)


def test_partial_reps_are_labelled_by_range_not_by_force() -> None:
    found = []
    for seed in range(8):
        performance = Scenario(seed, reps=10, disturbances=frozenset({"partial_reps"})).perform()
        for rep, plan in zip(performance.reps, performance.plan.reps, strict=True):
            assert rep.partial == (rep.share < 0.6)
            assert plan.full or rep.share < 0.85
            found.append(rep.partial)
    assert any(found)
    assert not all(found)


def test_lost_samples_tear_only_the_repetitions_they_hit() -> None:
    simulated = Scenario(3, reps=10, disturbances=frozenset({"link_drop"})).simulate()
    hole = int(np.argmax(np.diff(simulated.time_s)))
    start, stop = simulated.time_s[hole], simulated.time_s[hole + 1]
    assert stop - start > 1.4
    assert simulated.gap_before[hole + 1]
    for rep in simulated.reps:
        overlap = min(stop, rep.end_s) - max(start, rep.pull_start_s)
        assert rep.torn == (overlap > 0.15) or -0.1 < overlap < 0.3


@pytest.mark.parametrize(
    ("hole", "ambiguous"),
    [
        ((2.2, 2.6), [False, False]),
        ((1.2, 2.4), [False, False]),
        ((1.7, 3.3), [True, False]),
        ((3.7, 6.3), [True, True]),
        ((0.5, 1.15), [False, False]),
        ((0.0, 1.4), [True, False]),
    ],
)
def test_a_repetition_must_be_counted_as_long_as_its_top_and_its_valleys_show(
    hole: tuple[float, float], ambiguous: list[bool]
) -> None:
    grid = np.arange(10001.0) * 1e-3
    ramp = np.interp(grid, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    reps = true_reps(grid, 100 * ramp, ramp, (Span(1000, 4000, 6000), Span(6000, 9000, 10000)), (True, True))
    kept = grid[(grid < hole[0]) | (grid > hole[1])][::12]
    assert [rep.ambiguous for rep in marked(reps, kept)] == ambiguous


def test_saturation_clips_peaks_and_their_labels_whatever_the_offset() -> None:
    clipped = frozenset({"saturation"})
    for seed in range(4):
        simulated = Scenario(seed, reps=4, disturbances=clipped | {"offset"}).simulate()
        alone = Scenario(seed, reps=4, disturbances=clipped).simulate()
        sensor = simulated.performance.sensor
        assert simulated.saturated.any()
        assert not simulated.saturated.all()
        assert simulated.tension_n.max() == pytest.approx(sensor.full_scale_n, abs=1e-3)
        for rep, same_rep in zip(simulated.reps, alone.reps, strict=True):
            assert rep.peak_n == pytest.approx(same_rep.peak_n)
            assert rep.peak_n + sensor.offset_n <= sensor.full_scale_n + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_a_double_peak_sags_by_no_more_than_its_range(seed: int) -> None:
    performance = Scenario(seed, reps=6, disturbances=frozenset({"double_peak", "hysteresis"})).perform()
    grid, tension = performance.time_s, performance.tension_n
    dipped = [rep for rep, plan in zip(performance.reps, performance.plan.reps, strict=True) if plan.dip]
    assert dipped
    for rep in dipped:
        inside = tension[(grid > rep.hold_start_s) & (grid < rep.return_start_s)]
        assert 0.02 < 1 - inside.min() / rep.peak_n < 0.36


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_hold_no_repetition(control: str) -> None:
    simulated = Scenario(4, control=control).simulate()
    assert simulated.reps == ()
    assert simulated.time_s[-1] > 15.0
    if control == "walking":
        assert simulated.time_s[-1] > 300.0
    if control == "empty":
        assert abs(simulated.tension_n).max() < 0.2


def test_rates_sample_the_same_performance() -> None:
    performance = Scenario(9, reps=3).perform()
    slow, fast = performance.sample(10.0), performance.sample(320.0)
    assert slow.reps == fast.reps
    assert fast.time_s.size == pytest.approx(32 * slow.time_s.size, rel=0.01)
    assert np.interp(slow.time_s, fast.time_s, fast.tension_n) == pytest.approx(slow.tension_n, abs=0.5)


@pytest.mark.parametrize(
    "wrong",
    [{"exercise": "juggling"}, {"disturbances": frozenset({"hail"})}, {"control": "nap"}, {"reps": 0}],
)
def test_unknown_names_are_refused_with_the_known_ones(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Scenario(1, **wrong)  # type: ignore[arg-type]


def test_every_disturbance_is_documented() -> None:
    page = (REPOSITORY / "docs" / "simulator.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{d.name}` | {d.description} |" for stage in Stage for d in of_stage(stage)]


def of_stage(stage: Stage) -> list[Disturbance]:
    return [d for d in DISTURBANCES.values() if d.stage is stage]
