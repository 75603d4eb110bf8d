"""Laws and bands against closed forms, each other's inverse and the ways bands are combined."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.bands.band import Band, Parallel, Stretch, stretch_of
from bandsense.bands.laws import MooneyRivlin, PowerLaw
from bandsense.errors import BandModelError

power_laws = st.builds(PowerLaw, st.floats(1.0, 300.0), st.floats(0.4, 1.0))
mooney_rivlins = st.builds(MooneyRivlin, st.floats(0.5, 50.0), st.floats(0.0, 50.0))
laws = st.one_of(power_laws, mooney_rivlins)
elongations = st.floats(0.01, 2.5)


def test_power_law_at_known_points() -> None:
    law = PowerLaw(40.0, 0.5)
    assert law.tension_n([0.25, 1.0, 2.25]) == pytest.approx([20.0, 40.0, 60.0])
    assert law.exponent(0.7) == 0.5


def test_mooney_rivlin_at_known_points() -> None:
    # At twice the resting length: 2 (2 - 1/4) (C1 + C2/2) = 3.5 C1 + 1.75 C2.
    assert MooneyRivlin(10.0, 4.0).tension_n(1.0) == pytest.approx(42.0)
    # A tubing maker lists 0.72, 1.06 and 1.39 MPa for natural latex.
    tension = MooneyRivlin.natural_latex(20.0).tension_n([1.0, 2.0, 3.0])
    assert tension / 20.0 == pytest.approx([0.72, 1.06, 1.39], rel=0.04)
    # Its slope at rest is 6 (C1 + C2).
    assert MooneyRivlin(10.0, 4.0).tension_n(1e-7) == pytest.approx(84e-7, rel=1e-5)


@given(laws, elongations)
def test_tension_and_elongation_are_inverse(law: MooneyRivlin | PowerLaw, eps: float) -> None:
    assert law.elongation(law.tension_n(eps)) == pytest.approx(eps, rel=1e-9)


@given(laws, st.lists(st.floats(0.0, 2.5), min_size=2, max_size=20))
def test_more_stretch_is_more_tension(law: MooneyRivlin | PowerLaw, eps: list[float]) -> None:
    assert np.all(np.diff(law.tension_n(np.sort(eps))) >= 0.0)


@given(laws, elongations)
def test_exponent_is_the_slope_in_logarithms(law: MooneyRivlin | PowerLaw, eps: float) -> None:
    up, down = law.tension_n(eps * 1.0001), law.tension_n(eps / 1.0001)
    assert law.exponent(eps) == pytest.approx(math.log(up / down) / (2 * math.log(1.0001)), rel=1e-4)


@given(laws, elongations, st.floats(0.1, 10.0))
def test_scaling_scales_tension_and_leaves_the_shape(
    law: MooneyRivlin | PowerLaw, eps: float, factor: float
) -> None:
    assert law.scaled(factor).tension_n(eps) == pytest.approx(factor * law.tension_n(eps))
    assert law.scaled(factor).exponent(eps) == pytest.approx(law.exponent(eps))


@pytest.mark.parametrize("law", [PowerLaw(40.0, 0.6), MooneyRivlin(10.0, 4.0)])
def test_a_slack_band_carries_nothing(law: MooneyRivlin | PowerLaw) -> None:
    assert law.tension_n([-0.5, 0.0]) == pytest.approx([0.0, 0.0])
    assert law.elongation([-3.0, 0.0]) == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: PowerLaw(0.0, 0.6),
        lambda: PowerLaw(40.0, -1.0),
        lambda: PowerLaw(math.nan, 0.6),
        lambda: MooneyRivlin(0.0, 4.0),
        lambda: MooneyRivlin(10.0, -1.0),
        lambda: Band(PowerLaw(40.0, 0.6), 0.0),
        lambda: Band(PowerLaw(40.0, 0.6), 1.0, strands=0),
        lambda: Parallel(()),
    ],
)
def test_impossible_bands_are_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(BandModelError):
        make()


@given(laws, st.floats(0.3, 2.0), elongations)
def test_a_doubled_band_pulls_twice_at_the_same_elongation(
    law: MooneyRivlin | PowerLaw, rest_m: float, eps: float
) -> None:
    single = Band(law, rest_m)
    doubled = single.doubled()
    assert doubled.rest_length_m == rest_m / 2
    assert doubled.tension_n(rest_m / 2 * (1 + eps)) == pytest.approx(
        2 * single.tension_n(rest_m * (1 + eps))
    )


def test_a_loop_is_two_strands_of_half_its_circumference() -> None:
    law = PowerLaw(30.0, 0.6)
    assert Band.loop(law, 2.0).tension_n(2.0) == pytest.approx(2 * 30.0)


@given(laws, st.floats(0.3, 2.0), st.floats(1.0, 200.0), st.integers(1, 4))
def test_length_and_tension_are_inverse(
    law: MooneyRivlin | PowerLaw, rest_m: float, tension: float, strands: int
) -> None:
    band = Band(law, rest_m, strands)
    if band.elongation(band.length_m(tension)) < 5.0:
        assert band.tension_n(band.length_m(tension)) == pytest.approx(tension, rel=1e-8)


@given(st.lists(st.builds(Band, laws, st.floats(0.3, 1.0)), min_size=1, max_size=3), st.floats(0.5, 150.0))
def test_bands_in_parallel_share_the_length_and_add_their_tension(bands: list[Band], tension: float) -> None:
    together = Parallel(tuple(bands))
    length = together.length_m(tension)
    assert sum(band.tension_n(length) for band in bands) == pytest.approx(tension, rel=1e-6)
    assert together.elongation(length) == pytest.approx(float(length) / together.rest_length_m - 1, abs=1e-9)


def test_two_equal_bands_in_parallel_are_one_of_two_strands() -> None:
    band = Band(PowerLaw(30.0, 0.6), 0.8)
    assert Parallel((band, band)).length_m([10.0, 50.0]) == pytest.approx(
        Band(band.law, 0.8, 2).length_m([10.0, 50.0])
    )


def test_letting_out_lengthens_every_strand() -> None:
    assert Band(PowerLaw(30.0, 0.6), 0.8).let_out(-0.05).rest_length_m == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("elongation", "state"),
    [
        (1.0, Stretch.FINE),
        (1.75, Stretch.FINE),
        (1.76, Stretch.NEAR_LIMIT),
        (2.0, Stretch.NEAR_LIMIT),
        (2.01, Stretch.BEYOND_LIMIT),
    ],
)
def test_the_limit_is_three_times_the_resting_length_with_a_warning_before(
    elongation: float, state: Stretch
) -> None:
    assert stretch_of(elongation) is state
