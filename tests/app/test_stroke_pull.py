"""A calibration pull over a known stroke."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pytest

from bandsense.app.stroke_pull import StrokePull
from bandsense.bands.band import Band
from bandsense.bands.fit import MOONEY_RIVLIN
from bandsense.bands.laws import MooneyRivlin, PowerLaw
from bandsense.errors import BandModelError

REST_M, START_M, STROKE_M = 0.60, 0.75, 0.50
BAND = Band(PowerLaw(45.0, 0.68), REST_M)
RATE_HZ = 80.0


def trace(
    reps: int,
    *,
    band: Band = BAND,
    start_m: float = START_M,
    softening: float = 0.0,
    reach: Iterable[float] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Slack, then repetitions over the stroke; `softening` of the tension is lost over the first five."""
    t = np.arange(240) / RATE_HZ
    way = np.concatenate([np.sin(np.pi * t / 3.0) ** 2, np.zeros(40)])
    reach = np.ones(reps) if reach is None else np.asarray(reach)
    hand_m = [np.full(240, 0.5), np.linspace(0.5, start_m, 80)]
    strength = [np.ones(320)]
    for number, far in enumerate(reach):
        hand_m.append(start_m + far * STROKE_M * way)
        strength.append(np.full(way.size, 1.0 + softening * max(0.0, 1.0 - number / 5.0)))
    length_m = np.concatenate(hand_m)
    noise_n = 0.03 * np.random.default_rng(1).standard_normal(length_m.size)
    tension_n = 0.8 + np.concatenate(strength) * band.tension_n(length_m) + noise_n
    return np.arange(length_m.size) / RATE_HZ, tension_n


def test_it_leads_through_ten_repetitions_and_gives_the_band() -> None:
    pull = StrokePull(REST_M, STROKE_M, START_M)
    assert pull.instruction == "Let the band hang slack and keep still."
    steps = pull.push(*trace(11))
    assert steps[0].message == "Slack. 10 more repetitions from 75 to 125 cm and back, evenly."
    assert steps[9].message.endswith("N at 125 cm. 1 more repetition from 75 to 125 cm and back, evenly.")
    assert steps[-1].message.endswith("Done; let the band go slowly.")
    assert len(steps) == 11
    fit = pull.fit()
    for length_m in (0.9, 1.25):
        true_n = float(BAND.tension_n(length_m))
        # The measured lengths are exact here; what the fit states allows for a tape.
        assert float(fit.band.tension_n(length_m)) == pytest.approx(true_n, rel=0.02)
        assert fit.tension_uncertainty_n(length_m) < 0.05 * true_n
    assert fit.exponent == pytest.approx(0.68, abs=0.03)


def test_the_first_five_repetitions_condition_the_band_and_do_not_count() -> None:
    new, used = (StrokePull(REST_M, STROKE_M, START_M) for _ in range(2))
    new.push(*trace(11, softening=0.08))
    used.push(*trace(11))
    peak_m = START_M + STROKE_M
    assert float(new.fit().band.tension_n(peak_m)) == pytest.approx(
        float(used.fit().band.tension_n(peak_m)), rel=0.002
    )


def test_short_repetitions_do_not_count() -> None:
    pull = StrokePull(REST_M, STROKE_M, START_M)
    pull.push(*trace(10, reach=[1, 1, 1, 1, 1, 0.4, 1, 1, 1, 1]))
    assert not pull.done
    with pytest.raises(BandModelError, match=r"not finished: [1-9] more repetition"):
        pull.fit()


def test_a_stroke_from_the_resting_length_tells_the_strength() -> None:
    pull = StrokePull(REST_M, STROKE_M)
    pull.push(*trace(11, start_m=REST_M))
    fit = pull.fit()
    assert fit.exponent == pytest.approx(0.62, abs=0.01), "the prior"
    peak_m = REST_M + STROKE_M
    assert float(fit.band.tension_n(peak_m)) == pytest.approx(float(BAND.tension_n(peak_m)), rel=0.01)


def test_any_family_and_any_number_of_strands() -> None:
    loop = Band(MooneyRivlin(8.0, 3.0), REST_M, strands=2)
    pull = StrokePull(REST_M, STROKE_M, START_M, strands=2, family=MOONEY_RIVLIN)
    pull.push(*trace(11, band=loop))
    fit = pull.fit()
    assert fit.band.strands == 2
    assert float(fit.band.tension_n(1.1)) == pytest.approx(float(loop.tension_n(1.1)), rel=0.02)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_how_samples_are_cut_changes_nothing(size: int) -> None:
    time_s, tension_n = trace(11)
    whole, cut = StrokePull(REST_M, STROKE_M, START_M), StrokePull(REST_M, STROKE_M, START_M)
    steps = whole.push(time_s, tension_n)
    pieces = range(0, time_s.size, size)
    assert [s for at in pieces for s in cut.push(time_s[at : at + size], tension_n[at : at + size])] == steps


@pytest.mark.parametrize(
    ("rest_m", "stroke_m", "start_m"),
    [(0.6, 0.5, 0.55), (0.6, 1.3, None), (0.6, 1.0, 0.9), (0.6, 0.0, None), (0.0, 0.5, None)],
)
def test_strokes_that_cannot_be_are_refused(rest_m: float, stroke_m: float, start_m: float | None) -> None:
    with pytest.raises(BandModelError, match="measure again, or take a shorter stroke"):
        StrokePull(rest_m, stroke_m, start_m)
