"""Real people who walk and go about their day, with a sensor that hangs from them: nobody pulls.

The source archive of the package `mobgap` (Apache-2.0) has the lower back's acceleration of three people, one
of them with multiple sclerosis: two straight walks of 8 … 15 s each, and two to four minutes of everyday
tasks in a laboratory, with walking, standing and sitting in them. The recordings belong to neither split:
nothing is fitted on them, and the split only draws the noise.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, sosfiltfilt

from bandsense.samples import FloatArray
from benchmarks.evidence.packages import Archive
from benchmarks.evidence.trace import Split, Trace, noise_for, stream

__all__ = ["ARCHIVE", "WAYS", "available", "grid"]

ARCHIVE = Archive(
    "mobgap", "1.2.0", "26f3ec1173f74ad873d13dabe0fd75dde8554720595ebc39159ee18dbea31351", source=True
)
_FOLDER = "mobgap-1.2.0/example_data/data_csv/"
_FILES = MappingProxyType({"Test5_Trial1": "walk", "Test5_Trial2": "walk", "Test11_Trial1": "daily life"})
_PEOPLE = ("HA/001", "HA/002", "MS/001")
_SOURCE_HZ = 100.0
_G = 9.80665
_RATES_HZ = (80.0, 20.0, 320.0)
_MASSES_KG = (0.2, 0.5)
_STIFFNESSES_N_M = (100.0, 300.0)

available = ARCHIVE.available


class _Recording(NamedTuple):
    name: str
    kind: str
    felt: FloatArray
    """What the accelerometer feels, m/s², upwards first."""


def _carried(felt: FloatArray, mass_kg: float, *, tared: bool) -> FloatArray:
    """A handle and a band hang below the sensor: their mass times what they feel."""
    return np.asarray(mass_kg * (np.linalg.norm(felt, axis=1) - (_G if tared else 0.0)))


def _taut(felt: FloatArray, stiffness_n_m: float) -> FloatArray:
    """A band from the hip straight down, stretched by 9 cm before: its way is the hip's, up and down."""
    above = butter(2, 0.5, "highpass", fs=_SOURCE_HZ, output="sos")
    speed = np.cumsum(sosfiltfilt(above, felt[:, 0])) / _SOURCE_HZ
    way_m = sosfiltfilt(above, np.cumsum(sosfiltfilt(above, speed)) / _SOURCE_HZ)
    return np.asarray(np.maximum(0.0, stiffness_n_m * (0.09 + way_m)))


Way = Callable[[FloatArray], FloatArray]
"""From what is felt to tension, newtons."""

WAYS: Mapping[str, tuple[tuple[str, Way], ...]] = MappingProxyType(
    {
        "carried": tuple((f"{kg:g} kg", partial(_carried, mass_kg=kg, tared=False)) for kg in _MASSES_KG),
        "tared": tuple((f"{kg:g} kg", partial(_carried, mass_kg=kg, tared=True)) for kg in _MASSES_KG),
        "taut": tuple((f"{k:g} N per m", partial(_taut, stiffness_n_m=k)) for k in _STIFFNESSES_N_M),
    }
)
"""How the sensor is worn, each with two sizes."""


@cache
def _recordings() -> tuple[_Recording, ...]:
    made = []
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE.content())) as archive:
        for person, (file, kind) in product(_PEOPLE, _FILES.items()):
            packed = archive.extractfile(f"{_FOLDER}{person}/TimeMeasure1_{file}.csv")
            assert packed is not None
            felt_g = np.loadtxt(packed, delimiter=",", skiprows=1, usecols=(1, 2, 3))
            made.append(_Recording(f"{person}/{file}", kind, np.asarray(felt_g * _G)))
    return tuple(made)


def grid(split: Split = "dev", each: int = 1, first_seed: int = 0) -> Iterator[Trace]:
    """Every recording, worn in every way and size, at 80, 20 or 320 samples a second; `each` of these.

    Raises:
        Unavailable: the data could not be fetched.
    """
    for (number, recording), (way, sizes) in product(enumerate(_recordings()), WAYS.items()):
        for (size, tension), seed in product(sizes, range(first_seed, first_seed + each)):
            rate_hz = _RATES_HZ[(number + number // len(_FILES) + seed) % len(_RATES_HZ)]
            name = f"daily/{recording.name}/{way}/{size}/{rate_hz:g}/{split}/{seed}"
            rng = stream(split, seed, "daily", recording.name, way, size)
            time_s, tension_n = _sampled(tension(recording.felt), rate_hz, rng)
            yield Trace(
                name=name,
                kind=f"{recording.kind}, {way}",
                rate_hz=rate_hz,
                time_s=time_s,
                tension_n=tension_n,
                n=0,
                n_ok=frozenset({0}),
                is_control=True,
                seed=seed,
            )


def _sampled(clean_n: FloatArray, rate_hz: float, rng: Generator) -> tuple[FloatArray, FloatArray]:
    """As a converter does: the mean over each sample, and its noise."""
    source_s = np.arange(clean_n.size) / _SOURCE_HZ
    fine_s = np.arange(0.0, float(source_s[-1]), 0.25 / rate_hz)
    whole = fine_s.size // 4 * 4
    mean_n = np.interp(fine_s, source_s, clean_n)[:whole].reshape(-1, 4).mean(axis=1)
    shown_n = mean_n + rng.normal(0.0, noise_for(rng, rate_hz), mean_n.size)
    return np.arange(mean_n.size) / rate_hz, np.round(shown_n, 3)
