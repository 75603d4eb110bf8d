"""A strand in use: its slack law is its own inverse, and its limits are told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.bands.band import Stretch
from bandsense.bands.strand import ChangeBy, Strand
from bandsense.bands.unloaded import Stroke, slack_grew, unloaded_share
from bandsense.errors import BandModelError

STRAND = Strand(0.60, 0.75, 1.20)


@given(st.floats(0.8, 1.2), st.sampled_from(ChangeBy))
def test_a_change_does_what_it_was_made_for(ratio: float, by: ChangeBy) -> None:
    amount_m, uncertainty_m = STRAND.change_for(ratio, by)
    assert STRAND.ratio_of(amount_m, by) == pytest.approx(ratio, rel=1e-9)
    back = STRAND.changed(amount_m, by).changed(-amount_m, by)
    assert back.rest_length_m == pytest.approx(STRAND.rest_length_m)
    assert back.peak_length_m == pytest.approx(STRAND.peak_length_m)
    assert uncertainty_m <= abs(amount_m)


def test_grip_changes_the_band_and_a_step_changes_the_pose() -> None:
    grip, step = STRAND.changed(0.05, ChangeBy.GRIP), STRAND.changed(0.05, ChangeBy.STEP)
    assert (grip.rest_length_m, grip.start_length_m, grip.peak_length_m) == pytest.approx((0.65, 0.75, 1.20))
    assert (step.rest_length_m, step.start_length_m, step.peak_length_m) == pytest.approx((0.60, 0.70, 1.15))
    assert grip.stroke_m == step.stroke_m == pytest.approx(0.45)


def test_stretch_and_slack_follow_from_the_lengths() -> None:
    assert STRAND.peak_elongation == pytest.approx(1.0)
    assert STRAND.stretch is Stretch.FINE
    assert Strand(0.4, 0.5, 1.21).stretch is Stretch.BEYOND_LIMIT
    assert STRAND.unloaded_share == 0.0
    assert Strand(0.60, 0.50, 1.00).unloaded_share == pytest.approx(0.2)


def test_the_uncertainty_of_the_elongation_is_the_spread_of_monte_carlo() -> None:
    strand = Strand(0.6, 0.7, 1.2, rest_length_uncertainty_m=0.02, peak_length_uncertainty_m=0.03)
    rng = np.random.default_rng(5)
    rest_m, peak_m = 0.6 + 0.02 * rng.standard_normal(20000), 1.2 + 0.03 * rng.standard_normal(20000)
    assert strand.peak_elongation_uncertainty == pytest.approx(float(np.std(peak_m / rest_m)), rel=0.03)


@pytest.mark.parametrize("lengths", [(0.6, 0.7, 0.6), (0.0, 0.1, 0.5), (0.6, 0.9, 0.8), (0.6, 0.0, 0.8)])
def test_lengths_that_cannot_be_are_refused(lengths: tuple[float, float, float]) -> None:
    with pytest.raises(BandModelError):
        Strand(*lengths)


LAWS = ("0.58", "0.62", "0.68", "0.70", "neo-Hooke")


def _tension(law: str, way: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if law == "softening":
        return np.asarray(np.expm1(-1.5 * np.maximum(way, 0.0)) / np.expm1(-1.5))
    if law != "neo-Hooke":
        return np.maximum(way, 0.0) ** float(law)
    stretch = 1.0 + np.maximum(way, 0.0)
    return (stretch - stretch**-2) / (2.0 - 0.25)


def _set(
    share: float,
    *,
    law: str = "0.62",
    rate_hz: float = 20.0,
    skew: float = 0.0,
    pull_s: float = 0.9,
    return_s: float = 1.2,
    rest_s: float = 0.2,
    cosine: bool = False,
) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]]:
    """Pulls and returns of six repetitions whose band is slack over a share of the way."""
    rng, strokes, now_s = np.random.default_rng(4), [], 0.0
    for _ in range(6):
        for duration_s, back in ((pull_s, False), (return_s, True)):
            duration_s *= rng.uniform(0.95, 1.05)
            time_s = np.arange(-0.3, duration_s + 0.05, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
            u = np.clip(time_s / duration_s, 0.0, 1.0)
            u = u + (-skew if back else skew) * u * (1.0 - u)
            way = 0.5 * (1.0 - np.cos(np.pi * u)) if cosine else u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
            tension_n = 60.0 * _tension(law, (way - share) / (1.0 - share))
            if back:
                time_s, tension_n = (duration_s - time_s)[::-1], tension_n[::-1]
            strokes.append((now_s + time_s, tension_n + rng.normal(0.0, 0.1, time_s.size), 60.0))
            now_s += duration_s + (rest_s if back else 0.0)
    return strokes


def _unloaded(strokes: Sequence[Stroke]) -> float:
    share = unloaded_share(strokes)
    assert share is not None
    return share


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("share", [0.30, 0.375, 0.45])
@pytest.mark.parametrize("cosine", [False, True])
def test_the_slack_share_is_found_on_bands_of_any_curve(share: float, law: str, cosine: bool) -> None:
    found = [_unloaded(_set(share, law=law, cosine=cosine, rest_s=rest_s)) for rest_s in (0.0, 0.2, 0.4)]
    assert np.mean(found) == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("share", [0.30, 0.375, 0.45])
@pytest.mark.parametrize("cosine", [False, True])
def test_a_band_that_softens_is_known_at_the_usual_tempo(share: float, cosine: bool) -> None:
    found = [
        _unloaded(_set(share, law="softening", cosine=cosine, rest_s=rest_s, pull_s=1.5, return_s=2.5))
        for rest_s in (0.0, 0.2, 0.4)
    ]
    assert np.mean(found) == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("rate_hz", [20.0, 80.0])
def test_who_comes_to_rest_where_the_tension_vanishes_has_no_slack(law: str, rate_hz: float) -> None:
    assert _unloaded(_set(0.0, law=law, rate_hz=rate_hz)) < 0.1


@pytest.mark.parametrize("skew", [-0.3, 0.3])
def test_a_skewed_movement_is_still_told_from_a_slack_one(skew: float) -> None:
    assert _unloaded(_set(0.0, skew=skew)) < 0.15
    assert _unloaded(_set(0.35, skew=skew)) > 0.25


def test_quick_repetitions_at_twenty_samples_a_second_show_it_too() -> None:
    quick = _set(0.4, pull_s=0.5, return_s=0.5, rest_s=0.0)
    assert unloaded_share(quick) == pytest.approx(0.4, abs=0.1)


def test_where_the_tension_does_not_vanish_nothing_is_said() -> None:
    time_s, tension_n, peak_n = _set(0.0)[0]
    assert unloaded_share([]) is None
    assert unloaded_share([(time_s, tension_n + 20.0, peak_n + 20.0)]) is None
    assert unloaded_share([(time_s[:3], tension_n[:3], peak_n)]) is None
    assert unloaded_share([(time_s, tension_n, 0.0)]) is None


@pytest.mark.parametrize("law", ["0.55", "0.70", "neo-Hooke"])
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_band_let_out_is_told_from_shorter_pulls(share: float, law: str) -> None:
    let_out = 0.2
    before = _set(share, law=law)
    after = _set(1.0 - (1.0 - share) * (1.0 - let_out), law=law)
    grown, same = slack_grew(before, after, let_out), slack_grew(before, before, let_out)
    assert grown is not None
    assert same is not None
    assert grown > 1.5
    assert same < 0.0
    taken_in = slack_grew(after, before, -let_out / (1.0 - let_out))
    assert taken_in is not None
    assert taken_in > 1.5
    assert slack_grew(before, [], let_out) is None
