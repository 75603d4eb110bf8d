"""The geometry of the three rollers: what the middle one feels of the band's tension.

A band of thickness t runs over two outer rollers and under the middle one. Its middle line is a straight
common tangent (an inner one) of circles of radius R = r + t/2 about the axes of an outer and of the middle
roller, so with D = √(s² + H²) the distance of these axes, s the half span along the band and H how much
higher the middle axis lies, the straight part is inclined by

    θ = asin(2R / D) − atan(H / s),        H = 2r − c,

c being the penetration. The middle roller is pressed with F = 2 T sin θ, each outer one with 2 T sin(θ/2).
All lengths in mm, angles in radians; x along the band, z up, 0 at the outer rollers' highest line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardware.mechanics.parameters import parameters

Floats = NDArray[np.float64]


def inclination(
    thickness: ArrayLike,
    half_span: ArrayLike | None = None,
    penetration: ArrayLike | None = None,
    radius: ArrayLike | None = None,
) -> Floats:
    """Return θ of a band of this thickness; what is not given is taken from the parameters."""
    clip = parameters().clip
    s = np.asarray(clip.half_span if half_span is None else half_span, dtype=np.float64)
    c = np.asarray(clip.penetration if penetration is None else penetration, dtype=np.float64)
    r = np.asarray(clip.roller_diameter / 2 if radius is None else radius, dtype=np.float64)
    height = 2.0 * r - c
    return np.asarray(
        np.arcsin((2.0 * r + np.asarray(thickness)) / np.hypot(s, height)) - np.arctan2(height, s)
    )


def force_ratio(thickness: ArrayLike, **geometry: Any) -> Floats:
    """Return F/T, the middle roller's force for each newton of tension."""
    return np.asarray(2.0 * np.sin(inclination(thickness, **geometry)))


def middle_line(thickness: float, reach: float = 75.0, steps: int = 12) -> Floats:
    """Return float64[n, 2], (x, z) of the band's middle line from −reach to reach."""
    clip = parameters().clip
    r, s, c = clip.roller_diameter / 2, clip.half_span, clip.penetration
    theta = float(inclination(thickness))
    radius = r + thickness / 2
    turn = np.linspace(0.0, theta, steps)
    over = np.column_stack((-s + radius * np.sin(turn), -r + radius * np.cos(turn)))
    under = np.column_stack((-radius * np.sin(turn[::-1]), r - c - radius * np.cos(turn[::-1])))
    left = np.vstack(([-reach, thickness / 2], over, under))
    return np.vstack((left, (left * (-1, 1))[-2::-1]))
