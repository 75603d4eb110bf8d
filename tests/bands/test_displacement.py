"""Displacement from tension: on made-up rubber of known truth, and on real recordings with an encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bandsense.bands.displacement import DisplacementModel, fit_displacement
from bandsense.bands.fit import MOONEY_RIVLIN, POWER_LAW, LawFamily
from bandsense.bands.laws import MooneyRivlin, PowerLaw
from bandsense.errors import BandModelError, BandsenseError, DataError
from benchmarks import elastic

Array = npt.NDArray[np.float64]
LAWS = {POWER_LAW: PowerLaw(50.0, 0.67), MOONEY_RIVLIN: MooneyRivlin(8.0, 3.5)}


def _trace(
    n: int = 800, creep: float = 0.02, family: LawFamily = MOONEY_RIVLIN
) -> tuple[Array, Array, Array, DisplacementModel]:
    time = np.linspace(0.0, 20.0, n)
    tension = 35.0 - 25.0 * np.cos(2 * np.pi * time / 4.0)
    model = DisplacementModel(LAWS[family], 1.1, -0.2, creep)
    return time, tension, model.displacement_m(time, tension), model


@pytest.mark.parametrize("family", LAWS)
@pytest.mark.parametrize("creep", [0.0, 0.02])
def test_the_fit_finds_the_model_that_made_the_trace(creep: float, family: LawFamily) -> None:
    time, tension, way, model = _trace(creep=creep, family=family)
    fit = fit_displacement(time[:400], tension[:400], way[:400], family=family)
    assert fit.creep == pytest.approx(creep, abs=2e-3)
    assert fit.law.exponent(1.0) == pytest.approx(model.law.exponent(1.0), rel=0.02)
    assert fit.rest_length_m == pytest.approx(1.1, rel=0.03)
    assert fit.displacement_m(time, tension) == pytest.approx(way, abs=2e-3)
    assert fit.residual_m < 1e-3


def test_without_memory_the_same_tension_is_the_same_place() -> None:
    time, tension, way, _ = _trace(creep=0.05)
    fit = fit_displacement(time, tension, way, creep=False)
    predicted = fit.displacement_m(time, tension)
    assert fit.creep == 0.0
    assert predicted[np.argsort(tension)] == pytest.approx(np.sort(predicted))


def test_a_held_tension_creeps_by_about_as_much_in_every_decade() -> None:
    model = DisplacementModel(PowerLaw(50.0, 1.0), 1.0, creep=0.02)
    time = np.concatenate(([0.0], np.geomspace(0.01, 100.0, 4000)))
    held = np.where(time < 0.01, 1.0, 50.0)
    way = model.displacement_m(time, held)
    at = np.interp([0.03, 0.3, 3.0, 30.0], time, way)
    steps = np.diff(at)
    assert np.all(steps > 0)
    assert steps.max() < 2.0 * steps.min()


def test_sampling_does_not_matter() -> None:
    time, tension, way, model = _trace()
    keep = np.sort(np.random.default_rng(1).choice(time.size, 500, replace=False))
    assert model.displacement_m(time[keep], tension[keep]) == pytest.approx(way[keep], abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((np.arange(20.0), np.ones(19), np.ones(20)), DataError),
        ((np.arange(20.0), np.arange(20.0), np.ones(19)), DataError),
        ((np.zeros(20), np.arange(20.0), np.ones(20)), DataError),
        ((np.arange(20.0), np.full(20, np.nan), np.ones(20)), DataError),
        ((np.arange(20.0), np.full(20, 7.0), np.ones(20)), BandModelError),
        ((np.arange(5.0), np.arange(5.0), np.ones(5)), BandModelError),
    ],
)
def test_traces_that_tell_nothing_are_refused(
    arguments: tuple[Array, Array, Array],
    error: type[BandsenseError],
) -> None:
    with pytest.raises(error):
        fit_displacement(*arguments)


@pytest.mark.slow
def test_on_real_bands_the_error_is_at_most_half_of_a_linear_stiffness(recordings: Path) -> None:
    table = [elastic.errors_mm(elastic.load(name, recordings / "band")) for name in elastic.FILES]
    linear = sum(row["linear"] for row in table)
    for model, part in (("power law, creep", 0.6), ("Mooney-Rivlin, creep", 0.5)):
        assert sum(row[model] for row in table) <= part * linear
        assert all(row[model] < row["linear"] for row in table)
    assert all(row["power law"] < row["linear"] for row in table)


@pytest.mark.slow
def test_the_table_of_the_documentation_is_what_the_benchmark_gives(recordings: Path) -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "bands.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in docs.splitlines() if line.startswith("| ")]
    said = {row[0].strip(): row[1:4] for row in rows if len(row) == 5}
    table = [elastic.errors_mm(elastic.load(name, recordings / "band")) for name in elastic.FILES]
    names = {
        "linear stiffness": "linear",
        "power law": "power law",
        "power law with creep": "power law, creep",
        "Mooney-Rivlin": "Mooney-Rivlin",
        "Mooney-Rivlin with creep": "Mooney-Rivlin, creep",
    }
    for row, model in names.items():
        figures = [float(cell) for cell in said[row]]
        assert figures == pytest.approx([of_file[model] for of_file in table], abs=0.2)
