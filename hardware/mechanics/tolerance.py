"""How well the clip knows tension on a band it was not calibrated on: Monte Carlo of the geometry.

The middle roller's force is calibrated once, with masses on a strap of measured thickness, which
neither thins nor stretches (calibration-jig.md). Tension on a band then is that force over F/T of
`rollers.force_ratio`, for the thickness that the user measured, at a middling stretch. The study draws
what is not known (JCGM 101:2008): where the axes are, how thick the band is, how it thins as it is
stretched (t ∝ λ^−½, as its volume stays) and pressed, how rollers and rubber drag. A band of nominal
stress σ (natural latex: Mooney-Rivlin of `docs/bands.md`) presses a roller of radius R with p = σ t₀ √λ
/ R, whatever its width; p falls to nothing at the free face, so it thins by exp(−3p/8E).

    python -m hardware.mechanics.tolerance --thickness 0.5 --strap 1.5     # F/T of a band, worth of a mass
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardware.mechanics import rollers
from hardware.mechanics.parameters import parameters

Floats = NDArray[np.float64]

DRAWS = 100_000
SEED = 20261128

KINDS = {"thin flat band": (0.25, 0.9), "loop band": (0.9, 2.5), "thick flat band": (2.5, 4.5)}
"""Thickness of what the clip is put on: least and most, mm."""

LATEX_MPA = (0.147, 0.116)
"""C₁ and C₂."""

SOURCES = ("axes", "thickness", "stretch", "pressing", "drag", "scale")


@dataclass(frozen=True)
class Study:
    """Relative error of tension.

    Attributes:
        kind: of band.
        standard: standard uncertainty, with the bias in it.
        bias: mean relative error.
        by_source: standard uncertainty with only this source drawn.
    """

    kind: str
    standard: float
    bias: float
    by_source: dict[str, float]


def on_the_roller(thickness: ArrayLike, stretch: ArrayLike, modulus: ArrayLike) -> Floats:
    """Return how thick a band of this unstretched thickness is where it is stretched and pressed, mm."""
    c1, c2 = LATEX_MPA
    stretch = np.asarray(stretch, dtype=np.float64)
    stress = 2.0 * (stretch - stretch**-2) * (c1 + c2 / stretch)
    radius = parameters().clip.roller_diameter / 2
    pressure = stress * np.asarray(thickness) * np.sqrt(stretch) / radius
    return np.asarray(
        np.asarray(thickness) / np.sqrt(stretch) * np.exp(-0.375 * pressure / np.asarray(modulus))
    )


def factor(thickness: ArrayLike) -> Floats:
    """Return F/T to enter for a band of this unstretched thickness, mm."""
    p = parameters().tolerance
    middle = float(np.mean(p.rubber_modulus))
    return rollers.force_ratio(on_the_roller(thickness, p.stretch_nominal, middle))


def errors(kind: str, sources: Sequence[str] = SOURCES, draws: int = DRAWS) -> Floats:
    """Return drawn relative errors of tension, float64[draws].

    Args:
        kind: of `KINDS`.
        sources: what is drawn; the rest is taken as known.
        draws: how many.
    """
    random = np.random.default_rng(SEED)
    p, clip = parameters().tolerance, parameters().clip

    def uniform(source: str, half: ArrayLike) -> Floats:
        drawn: Floats = random.uniform(-1.0, 1.0, draws) * np.asarray(half)
        return drawn if source in sources else np.zeros(draws)

    measured = random.uniform(*KINDS[kind], draws)
    modulus: Floats = random.uniform(p.rubber_modulus[0], p.rubber_modulus[1], draws)
    stretch: Floats = random.uniform(p.stretch[0], p.stretch[1], draws)
    if "stretch" not in sources:
        stretch = np.full(draws, p.stretch_nominal)
    if "pressing" not in sources:
        modulus = np.full(draws, np.mean(p.rubber_modulus))
    unsure = np.maximum(np.minimum(p.thickness, 0.25 * measured), p.thickness_relative * measured)
    stretched = on_the_roller(measured + uniform("thickness", unsure), stretch, modulus)
    radius = clip.roller_diameter / 2 + uniform("axes", p.roller_radius)
    height = clip.roller_diameter - clip.penetration + uniform("axes", p.axis_height)
    span = clip.half_span + uniform("axes", p.half_span)
    ratio = rollers.force_ratio(stretched, half_span=span, penetration=2 * radius - height, radius=radius)
    ratio *= 1.0 + uniform("drag", p.hysteresis) + uniform("drag", p.bending) + uniform("drag", p.across)
    scale = random.normal(0.0, p.force_scale, draws) if "scale" in sources else 0.0
    return np.asarray(ratio * (1.0 + scale) / factor(measured) - 1.0)


def study(kind: str) -> Study:
    """Return the study of one kind of band."""

    def rms(values: Floats) -> float:
        return float(np.sqrt(np.mean(values**2)))

    drawn = errors(kind)
    return Study(kind, rms(drawn), float(drawn.mean()), {s: rms(errors(kind, (s,))) for s in SOURCES})


def standard_uncertainty() -> float:
    """Return the relative standard uncertainty over all kinds, each as likely as another."""
    return float(np.sqrt(np.mean([study(kind).standard ** 2 for kind in KINDS])))


def main() -> None:
    """Print F/T for a band, and the study."""
    parser = argparse.ArgumentParser(description="How the clip's force becomes tension.")
    parser.add_argument("--thickness", type=float, metavar="MM", help="of the unstretched band")
    parser.add_argument("--strap", type=float, metavar="MM", help="thickness of the strap with the masses")
    arguments = parser.parse_args()
    if arguments.thickness is not None:
        ratio = float(factor(arguments.thickness))
        print(f"F/T of the band: {ratio:.3f}")
        if arguments.strap is not None:
            worth = float(rollers.force_ratio(arguments.strap)) / ratio
            print(f"1 kg on the strap reads as {worth:.3f} kg on the band")
        return
    print(f"{'':16}{'U (k=2)':>9}{'bias':>8}" + "".join(f"{s:>11}" for s in SOURCES))
    for kind in KINDS:
        s = study(kind)
        print(
            f"{kind:16}{200 * s.standard:8.1f}%{100 * s.bias:7.1f}%"
            + "".join(f"{100 * v:10.1f}%" for v in s.by_source.values())
        )
    print(f"all kinds: standard uncertainty {100 * standard_uncertainty():.2f} %")


if __name__ == "__main__":
    main()
