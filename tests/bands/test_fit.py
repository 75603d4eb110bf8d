"""A calibration pull gives the band back, and says how well."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random._generator import Generator

from bandsense.bands.band import Band
from bandsense.bands.fit import MOONEY_RIVLIN, POWER_LAW, LawFamily, Mark, fit_marks, fit_stroke
from bandsense.bands.laws import MooneyRivlin, PowerLaw
from bandsense.errors import BandModelError

TRUTH = {
    POWER_LAW: Band(PowerLaw(50.0, 0.7), 0.8),
    MOONEY_RIVLIN: Band(MooneyRivlin(10.0, 6.0), 0.8),
}


def _marks(
    band: Band,
    elongations: tuple[float, ...],
    rng: Generator | None = None,
    u_length: float = 0.01,
    u_tension: float = 0.5,
) -> list[Mark]:
    marks = []
    for eps in elongations:
        length = band.rest_length_m * (1 + eps)
        tension = float(band.tension_n(length))
        if rng is not None:
            length += u_length * rng.standard_normal()
            tension += u_tension * rng.standard_normal()
        marks.append(Mark(length, tension, u_length, u_tension))
    return marks


@pytest.mark.parametrize("family", TRUTH)
def test_exact_marks_give_the_band_back(family: LawFamily) -> None:
    band = TRUTH[family]
    exact = _marks(band, (0.3, 0.7, 1.2, 1.8), u_length=1e-5, u_tension=1e-3)
    fit = fit_marks(0.8, exact, family=family, rest_length_uncertainty_m=1e-5)
    lengths = np.linspace(1.0, 2.3, 9)
    assert fit.band.tension_n(lengths) == pytest.approx(band.tension_n(lengths), rel=2e-3)
    assert fit.residual_n < 0.02


@pytest.mark.parametrize("family", TRUTH)
def test_the_truth_lies_within_the_uncertainty_it_states(family: LawFamily) -> None:
    band, rng = TRUTH[family], np.random.default_rng(3)
    inside, n = {"tension": 0, "length": 0}, 120
    for _ in range(n):
        rest = 0.8 + 0.015 * rng.standard_normal()
        fit = fit_marks(rest, _marks(band, (0.4, 0.8, 1.3), rng), family=family)
        error_n = abs(float(fit.band.tension_n(1.6) - band.tension_n(1.6)))
        inside["tension"] += error_n < 2 * fit.tension_uncertainty_n(1.6)
        tension = float(band.tension_n(1.6))
        inside["length"] += abs(float(fit.band.length_m(tension)) - 1.6) < 2 * fit.length_uncertainty_m(
            tension
        )
    assert all(0.88 * n <= count for count in inside.values()), inside


def test_more_marks_make_it_surer() -> None:
    band = TRUTH[POWER_LAW]
    one, two, five = (
        fit_marks(0.8, _marks(band, eps)) for eps in ((1.0,), (0.4, 1.4), (0.3, 0.6, 1.0, 1.4, 1.8))
    )
    assert one.exponent_uncertainty == pytest.approx(0.07, rel=0.02), "one mark leaves the prior of the shape"
    assert five.exponent_uncertainty < two.exponent_uncertainty < 0.9 * one.exponent_uncertainty
    assert five.tension_uncertainty_n(1.4) < one.tension_uncertainty_n(1.4)
    assert five.rest_length_uncertainty_m < 0.015


def test_one_mark_gives_its_own_tension() -> None:
    fit = fit_marks(0.8, [Mark(1.6, 50.0)])
    assert fit.band.tension_n(1.6) == pytest.approx(50.0, rel=1e-3)
    assert fit.exponent == pytest.approx(0.62, abs=0.001)


def test_strands_share_the_tension() -> None:
    fit = fit_marks(0.8, [Mark(1.2, 40.0), Mark(1.6, 60.0)], strands=2)
    assert fit.band.strands == 2
    assert fit.band.tension_n(1.6) == pytest.approx(60.0, rel=0.02)


def test_marks_that_contradict_their_uncertainty_widen_it() -> None:
    band = TRUTH[POWER_LAW]
    good = fit_marks(0.8, _marks(band, (0.4, 0.8, 1.2, 1.6)))
    odd = [
        Mark(m.length_m, m.tension_n * f)
        for m, f in zip(_marks(band, (0.4, 0.8, 1.2, 1.6)), (1, 1.15, 0.95, 1), strict=True)
    ]
    assert fit_marks(0.8, odd).tension_uncertainty_n(1.6) > 1.5 * good.tension_uncertainty_n(1.6)


def test_a_known_stroke_is_two_marks() -> None:
    band = TRUTH[POWER_LAW]
    start, peak = float(band.tension_n(1.0)), float(band.tension_n(1.6))
    fit = fit_stroke(0.8, 1.0, 0.6, start, peak)
    assert fit.band.tension_n(1.3) == pytest.approx(band.tension_n(1.3), rel=0.03)
    assert fit.exponent_uncertainty < 0.07


def test_a_stroke_from_the_resting_length_rests_on_its_peak() -> None:
    fit = fit_stroke(0.8, 0.8, 0.8, 0.3, 50.0)
    assert fit.band.tension_n(1.6) == pytest.approx(50.0, rel=1e-3)
    assert fit.exponent_uncertainty == pytest.approx(0.07, rel=0.02)


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ([], "at least one held length"),
        ([Mark(0.8, 5.0)], "between the resting length"),
        ([Mark(2.5, 90.0)], "three times"),
        ([Mark(1.2, 0.0)], "set the zero with the band slack"),
        ([Mark(1.2, float("nan"))], "set the zero with the band slack"),
        ([Mark(1.2, 50.0), Mark(1.6, 40.0)], "mixed up"),
    ],
)
def test_marks_that_cannot_be_are_refused(marks: list[Mark], says: str) -> None:
    with pytest.raises(BandModelError, match=says):
        fit_marks(0.8, marks)
