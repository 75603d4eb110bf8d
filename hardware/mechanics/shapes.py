"""Small functions on build123d, and what a placed part is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import build123d as b
import numpy as np

from hardware.mechanics.parameters import parameters

DARK = "#7d8791"
"""Of small steel parts in pictures."""


@dataclass(frozen=True)
class Part:
    """One part where it sits in its assembly.

    Attributes:
        name: unique within the assembly.
        solid: build123d shape, mm.
        material: key of `[density]`, or "bought" with `mass_g` given.
        moves: "base", "jaw" (turns about the hinge) or "latch".
        colour: for pictures.
        printed: whether a printer makes it; its file is named after it.
        made: which part to print or cut for it, where several are alike.
        mass_g: of bought parts, grams.
        flat: rotation about x, y, z in degrees that lays a printed part on its marked face.
    """

    name: str
    solid: Any
    material: str
    moves: str = "base"
    colour: str = "#8fa3b3"
    printed: bool = False
    made: str = ""
    mass_g: float | None = None
    flat: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def mass(self) -> float:
        """Grams."""
        if self.mass_g is not None:
            return self.mass_g
        density = float(getattr(parameters().density, self.material))
        return float(self.solid.volume) * density / 1000.0

    def placed(self, location: b.Location) -> Part:
        """The part moved by a location in the assembly's frame."""
        return replace(self, solid=self.solid.moved(location))


def upright(sketch: Any, y_from: float, y_to: float) -> Any:
    """Return a plate: a sketch in (x, z) extruded between two y."""
    solid = b.extrude(sketch, amount=y_to - y_from)
    return solid.moved(b.Location((0, y_to, 0), (90, 0, 0)))


def rod(diameter: float, y_from: float, y_to: float, x: float, z: float, bore: float = 0.0) -> Any:
    """Return a cylinder or tube along y."""
    sketch = b.Circle(diameter / 2)
    if bore:
        sketch -= b.Circle(bore / 2)
    return upright(b.Pos(x, z) * sketch, y_from, y_to)


def box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], radius: float = 0.0) -> Any:
    """Return a box between limits, its upright edges rounded."""
    sketch = b.Rectangle(x[1] - x[0], y[1] - y[0])
    if radius:
        sketch = b.fillet(sketch.vertices(), radius)
    return b.Pos((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, z[0]) * b.extrude(sketch, amount=z[1] - z[0])


def round_at(sketch: Any, points: list[tuple[float, float]], radius: float) -> Any:
    """Return the sketch with the corners at these points rounded."""
    corners = [v for v in sketch.vertices() if any(np.hypot(v.X - x, v.Y - z) < 1e-4 for x, z in points)]
    if len(corners) != len(points):
        raise ValueError(f"{len(points)} corners wanted, {len(corners)} found")
    return b.fillet(corners, radius)


def screw_m2(
    name: str, length: int, axis: str, at: tuple[float, float, float], moves: str, colour: str = DARK
) -> Part:
    """Return an M2 screw (cylinder head 3.8) with the underside of its head at a point.

    Args:
        name: unique within the assembly.
        length: of the thread, mm.
        axis: "+y", "-y" or "-z": where the thread points.
        at: the point.
        moves, colour: as of `Part`.
    """
    head = 1.3
    solid = b.Pos(0, 0, -length / 2) * b.Cylinder(1.0, length) + b.Pos(0, 0, head / 2) * b.Cylinder(1.9, head)
    turn = {"-z": (0, 0, 0), "+y": (90, 0, 0), "-y": (-90, 0, 0)}[axis]
    solid = solid.moved(b.Location(at, turn))
    return Part(name, solid, "steel", moves, colour, made=f"screw M2 x {length}")
