"""Do parts collide? Boolean overlap of every pair whose boxes meet, through the clip's opening motion."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from hardware.mechanics import clip, inline
from hardware.mechanics.parameters import parameters
from hardware.mechanics.shapes import Part

ALLOWED_MM3 = 0.02
"""Overlap that counts as none: rounding of the kernel."""

OPENING = (
    (0.0, 0.0), (-0.9, 0.0), (-0.9, 8.0), (-0.9, 16.0), (-0.9, 24.0), (-0.9, 34.0), (-0.9, 46.0),
    (6.0, 46.0), (14.0, 46.0), (25.0, 46.0), (40.0, 46.0), (60.0, 46.0), (80.0, 46.0), (100.0, 46.0),
)  # fmt: skip
"""Jaw and latches, degrees: squeeze, swing the latches out, lift the jaw."""

THREADED = ("screw", "eye bolt", "gasket")
"""Parts whose name has one of these cut or press their way into their neighbour; they are checked by hole."""


def _boxes_meet(a: Any, c: Any) -> bool:
    return bool(
        a.min.X < c.max.X and c.min.X < a.max.X
        and a.min.Y < c.max.Y and c.min.Y < a.max.Y
        and a.min.Z < c.max.Z and c.min.Z < a.max.Z
    )  # fmt: skip


def overlap_mm3(first: Any, second: Any) -> float:
    """Return the volume that two solids share."""
    common = first & second
    if common is None:
        return 0.0
    shapes = common if isinstance(common, (list, tuple)) else [common]
    return float(sum(getattr(shape, "volume", 0.0) for shape in shapes))


def collisions(parts: Sequence[Part], moving_only: bool = False) -> list[tuple[str, str, float]]:
    """Return the pairs that overlap and by how many mm³.

    Args:
        parts: where they are.
        moving_only: skip pairs that move together.
    """
    boxes = [part.solid.bounding_box() for part in parts]
    found = []
    for (i, first), (k, second) in combinations(enumerate(parts), 2):
        threads = any(word in part.name for part in (first, second) for word in THREADED)
        if (moving_only and first.moves == second.moves) or threads or not _boxes_meet(boxes[i], boxes[k]):
            continue
        shared = overlap_mm3(first.solid, second.solid)
        if shared > ALLOWED_MM3:
            found.append((first.name, second.name, shared))
    return found


def through_opening(steps: Iterable[tuple[float, float]] = OPENING) -> list[tuple[str, str, float]]:
    """Return what collides while the clip opens; each pair names its jaw angle."""
    found = []
    for jaw, latches in steps:
        moved = clip.opened(jaw, latches)
        found += [(f"{a} at {jaw:g}°/{latches:g}°", c, v) for a, c, v in collisions(moved, moving_only=True)]
    return found


def must_fail() -> list[tuple[str, str, float]]:
    """Return what collides where the jaw is lifted with the latches still closed: something has to."""
    return through_opening([(2.0, 0.0), (2.5, 0.0), (3.0, 0.0)])


def screws_outside() -> list[str]:
    """Return screws whose thread meets nothing, or whose head sinks into a part."""
    found = []
    for name, parts in (("clip", clip.assembly()), ("link", inline.assembly("s-cell"))):
        for screw in (part for part in parts if "screw" in part.name):
            bounds = screw.solid.bounding_box()
            held = 0.0
            for other in parts:
                if (
                    other is screw
                    or "screw" in other.name
                    or not _boxes_meet(bounds, other.solid.bounding_box())
                ):
                    continue
                held += overlap_mm3(screw.solid, other.solid)
            if held < 0.5:
                found.append(f"{name}: {screw.name} holds {held:.2f} mm³")
            if held > 16.0:
                found.append(f"{name}: {screw.name} collides with {held:.1f} mm³")
    return found


def bought(parts: Iterable[Part]) -> Counter[str]:
    """Return how many of each part of an assembly come from a shop, or from its stock, by name."""
    names = (part.made or re.sub(r" (left|right)$", "", part.name) for part in parts if _is_bought(part))
    return Counter(names)


def _is_bought(part: Part) -> bool:
    others = ("battery", "cell", "eye bolt left", "eye bolt right", "jam nut left", "jam nut right")
    return part.material in ("steel", "rubber", "carbon") or part.name in others


def not_in_the_bill(parts: Iterable[Part], bill: Path) -> list[str]:
    """Return bought parts that a bill of materials lacks, or has another number of."""
    with bill.open(encoding="utf-8", newline="") as file:
        listed = {line["Parts"]: int(line["Quantity"]) for line in csv.DictReader(file)}
    return [
        f"{name}: {count}, listed {listed.get(name, 0)}"
        for name, count in sorted(bought(parts).items())
        if listed.get(name) != count
    ]


def antenna_distance_mm(parts: Sequence[Part], place: Any, board_bottom: float) -> tuple[float, str]:
    """Return the nearest metal to the antenna and its name; the board and what is on it do not count."""
    import build123d as b

    from hardware.mechanics.parameters import constants
    from hardware.mechanics.shapes import box

    board = constants().board
    (x0, y0), (x1, y1) = (
        place(board.antenna_mm.x[0], board.antenna_mm.y[0]),
        place(board.antenna_mm.x[1], board.antenna_mm.y[1]),
    )
    low = board_bottom + board.thickness_mm
    zone = box((min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)), (low, low + 2.0))
    metals = [p for p in parts if p.material in ("aluminium", "steel") or p.name in ("battery", "cell")]
    distances = [
        (float(b.Solid.distance_to(zone, part.solid)), part.name)
        for part in metals
        if "board" not in part.name
    ]
    return min(distances)


def too_large() -> list[str]:
    """Return printed parts that do not fit the printer's bed."""
    bed = parameters().print.bed
    found = []
    for part in (*clip.assembly(), *inline.assembly("s-cell"), *inline.assembly("strain-link")):
        size = part.solid.bounding_box().size
        if part.printed and max(size.X, size.Y, size.Z) > bed:
            found.append(part.made)
    return found


def sharp_edges() -> list[str]:
    """Return metal plates with a sharp edge in the band's channel.

    The channel is what lies between the inner faces of arms and latches. An edge is sharp where two faces
    that meet at more than 60° have it in common and it lies on such an inner face; holes do not count, as
    an axle fills them.
    """
    found = []
    inner = clip.plate_y()[0]
    for name in ("arm right", "latch right"):
        part = next(part for part in clip.assembly() if part.name == name)
        for face in part.solid.faces():
            if abs(face.center().Y - inner) > 1e-3 or abs(face.normal_at().Y) < 0.99:
                continue
            for edge in face.outer_wire().edges():
                others = [
                    f for f in part.solid.faces() if f != face and any(edge.is_same(e) for e in f.edges())
                ]
                at = edge @ 0.5
                found += [
                    f"{name} at {at.X:.1f}, {at.Z:.1f}"
                    for other in others
                    if abs(face.normal_at(at).dot(other.normal_at(at))) < 0.5
                ]
    return found


def channel() -> float:
    """Return the free width between the plates, mm."""
    return float(2.0 * min(clip.plate_y()[0], parameters().clip.roller_length / 2))


def height_over_rollers() -> float:
    """Return the room above the outer rollers within the channel, mm; 30 at most is looked at."""
    from hardware.mechanics.shapes import box

    half, span = parameters().clip.roller_length / 2, parameters().clip.half_span
    room = 0.0
    shapes = [p.solid for p in clip.assembly() if p.moves == "jaw" and "arm" not in p.name]
    while room < 30.0:
        slab = box(
            (-span - 4, -span + 4),
            (-half, half),
            (0.05, room + 0.5),
        )
        if any(
            overlap_mm3(slab, s) > 0.01 for s in shapes if _boxes_meet(slab.bounding_box(), s.bounding_box())
        ):
            break
        room += 0.5
    return room
