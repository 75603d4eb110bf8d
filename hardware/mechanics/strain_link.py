"""The machined strain link: a ring between two eyes, cut from plate; along x, its faces look to ±y."""

from __future__ import annotations

from typing import Any

import build123d as b

from hardware.mechanics.parameters import parameters
from hardware.mechanics.shapes import upright


def link() -> Any:
    """Return the link."""
    p = parameters().strain_link
    outer = p.ring_radius + p.ring_wall / 2
    eye = p.length / 2
    sketch = b.Circle(outer) + b.Rectangle(p.length, p.neck_width)
    for x in (-eye, eye):
        sketch += b.Pos(x, 0) * b.Circle(p.eye_radius)
    corners = [
        v
        for v in sketch.vertices()
        if outer * 0.5 < abs(v.X) < eye and abs(abs(v.Y) - p.neck_width / 2) < 0.01
    ]
    sketch = b.fillet(corners, 4.0)
    sketch -= b.Ellipse(outer - p.ring_wall_ends, outer - p.ring_wall)
    for x in (-eye, eye):
        sketch -= b.Pos(x, 0) * b.Circle(p.eye_bore / 2)
    solid = upright(sketch, -p.thickness / 2, p.thickness / 2)
    bores = [
        e for e in solid.edges().filter_by(b.GeomType.CIRCLE)
        if abs(e.radius - p.eye_bore / 2) < 1e-6
    ]  # fmt: skip
    return b.fillet(bores, 1.5)
