"""The clip: three rollers, two arms that are the flexure, two latches, two cheeks and a printed pod.

The band presses the middle roller up. Its axle is held in the middle of two arms; each is a beam on the
hinge axle at one end and under the nose of a latch at the other, where its two gauges measure bending. The
latches turn on the second axle. The outer rollers run on these same two axles, and two cheeks keep the
axles from being pushed apart, so the forces close in metal, and what is printed carries nothing.

x along the band, y across, z up; z = 0 at the outer rollers' highest line, y = 0 in the middle.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import build123d as b

from hardware.mechanics import pod
from hardware.mechanics.parameters import constants, parameters
from hardware.mechanics.shapes import DARK, Part, box, rod, round_at, screw_m2, upright

METAL, STEEL, PRINT, PRINT2, BLUE, CARBON = (
    "#c3ccd4", "#9aa0a6", "#f08a24", "#ffb45e", "#4a78b5", "#33373b",
)  # fmt: skip

BOSS_TOP = 7.2
"""Where the pod sits on the arms."""

POD_SCREW_X = 0.6
"""A little off the middle, to keep 5 mm from the antenna."""

BEAM_TOP = 4.8
"""Upper face of the arms; the latches' rings must pass below them."""

TAPER = 1.5
"""By how much an arm is lower at its ends than at its gauges."""

TIP_BEYOND = 2.6
"""By how much an arm is longer than the span."""

NOSE_RADIUS = 1.9
SPINE = 1.4
"""Half the thickness of a latch between its ring and its nose."""

NOSE_SINK = 0.3
"""How deep the nose of a latch sits in the arm: the jaw must be squeezed by more to open it."""


def hinge_axis() -> tuple[float, float]:
    """Return x, z of the hinge's axis, which is an outer roller's."""
    clip = parameters().clip
    return -clip.half_span, -clip.roller_diameter / 2


def tether_axis() -> tuple[float, float]:
    """Return x, z of the hole for the tether, above the hinge."""
    return hinge_axis()[0], 4.2


TETHER_RADIUS = 1.9
"""Of that hole: a cord of 3 mm."""


def latch_axis() -> tuple[float, float]:
    """Return x, z of the axis of latches and other outer roller."""
    x, z = hinge_axis()
    return -x, z


def middle_axis() -> tuple[float, float]:
    """Return x, z of the middle roller's axis."""
    clip = parameters().clip
    return 0.0, clip.roller_diameter / 2 - clip.penetration


def plate_y() -> tuple[float, float]:
    """Return the inner and outer face of the plate on the +y side."""
    clip = parameters().clip
    inner = clip.roller_length / 2 + clip.plate_gap
    return inner, inner + clip.plate_thickness


def cheek_y() -> tuple[float, float]:
    """Return the inner and outer face of the cheek on the +y side."""
    inner = plate_y()[1] + parameters().print.clearance
    return inner, inner + parameters().clip.cheek_thickness


def beam_z() -> tuple[float, float]:
    """Return the lower and upper face of an arm at its gauges."""
    return BEAM_TOP - parameters().clip.gauge_height, BEAM_TOP


def arm(rounded: bool = True) -> Any:
    """Return the arm of the +y side, a flat plate; its edges towards the band are rounded, or left sharp."""
    clip = parameters().clip
    (hx, hz), (_, mz) = hinge_axis(), middle_axis()
    low, high = beam_z()
    tip = clip.half_span + TIP_BEYOND
    boss = mz - clip.axle_diameter / 2 - 1.8
    # Bending falls from the middle to the ends, and the beam's height with it, but for the gauges' place.
    foot, shoulder, slope = clip.gauge_position - 4.0, clip.gauge_position - 5.0, clip.gauge_position + 4.0
    outline = [
        (hx, low + TAPER), (-slope, low), (-foot, low), (-4, boss), (4, boss), (foot, low), (slope, low),
        (tip, low + TAPER), (tip, high), (shoulder, high), (3.8, BOSS_TOP), (-3.8, BOSS_TOP),
        (-shoulder, high), (hx, high),
    ]  # fmt: skip
    beam = b.make_face(b.Polyline(*outline, close=True))
    beam = round_at(beam, [(-foot, low), (foot, low), (-shoulder, high), (shoulder, high)], 4.0)
    beam = round_at(beam, [(-4, boss), (4, boss)], 1.5)
    beam = round_at(beam, [(tip, low + TAPER), (tip, high)], 1.0)
    lug = b.make_hull((b.Pos(hx, hz) * b.Circle(3.8) + b.Pos(*tether_axis()) * b.Circle(3.4)).edges())
    sketch = beam + lug
    inner_corners = [v for v in sketch.vertices() if hx + 3 < v.X < hx + 4.5 and low - 0.1 < v.Y < high + 0.1]
    sketch = b.fillet(inner_corners, 1.5)
    sketch -= b.Pos(hx, hz) * b.Circle(clip.axle_diameter / 2 + 0.02)
    sketch -= b.Pos(0, mz) * b.Circle(clip.axle_diameter / 2 + 0.01)
    sketch -= b.Pos(*tether_axis()) * b.Circle(TETHER_RADIUS)
    nose_x = clip.half_span
    sketch -= b.Pos(nose_x, high - NOSE_SINK - 0.03 + NOSE_RADIUS + 0.3) * b.Circle(NOSE_RADIUS + 0.3)
    inner, outer = plate_y()
    solid = upright(sketch, inner, outer)
    solid -= b.Pos(POD_SCREW_X, (inner + outer) / 2, BOSS_TOP - 2) * b.Cylinder(0.8, 4.2)
    return rounded_inside(solid, inner) if rounded else solid


def rounded_inside(solid: Any, y: float, radius: float = 0.5) -> Any:
    """Return a plate with the outer edges of its face at y, which looks to the band, rounded."""
    face = min(solid.faces(), key=lambda f: abs(f.center().Y - y) + (0 if f.area > 50 else 1e6))
    return b.fillet(face.outer_wire().edges(), radius)


def latch(rounded: bool = True) -> Any:
    """Return the latch of the +y side, its edges towards the band rounded or left sharp."""
    clip = parameters().clip
    lx, lz = latch_axis()
    high = beam_z()[1]
    nose_z = high - NOSE_SINK + NOSE_RADIUS
    spine = b.make_hull(
        (b.Pos(lx + 5.8, nose_z + 2.2) * b.Circle(SPINE) + b.Pos(lx + 5.8, lz) * b.Circle(SPINE)).edges()
    )
    nose = b.make_hull(
        (b.Pos(lx, nose_z) * b.Circle(NOSE_RADIUS) + b.Pos(lx + 5.8, nose_z + 2.2) * b.Circle(SPINE)).edges()
    )
    ring = b.make_hull((b.Pos(lx, lz) * b.Circle(3.8) + b.Pos(lx + 5.8, lz) * b.Circle(SPINE)).edges())
    tail = b.make_hull((b.Pos(lx + 3, lz - 2) * b.Circle(1.8) + b.Pos(*thumb_axis()) * b.Circle(2.3)).edges())
    sketch = spine + nose + ring + tail
    corners = [v for v in sketch.vertices() if lx + 3 < v.X < lx + 5.5 and lz + 1 < v.Y < high + 5]
    sketch = b.fillet(corners, 1.0) if corners else sketch
    sketch -= b.Pos(lx, lz) * b.Circle(clip.axle_diameter / 2 + 0.02)
    sketch -= b.Pos(*thumb_axis()) * b.Circle(1.1)
    inner, outer = plate_y()
    solid = upright(sketch, inner, outer)
    return rounded_inside(solid, inner) if rounded else solid


def cheek() -> Any:
    """Return the base's side of the +y side, a flat plate that is screwed onto the ends of two axles."""
    (hx, hz), (lx, lz) = hinge_axis(), latch_axis()
    sketch = b.make_hull((b.Pos(hx, hz) * b.Circle(4.0) + b.Pos(lx, lz) * b.Circle(4.0)).edges())
    sketch -= b.Pos(0, hz - 0.5) * b.RectangleRounded(2 * (lx - 6.5), 4.6, 2.0)
    for x, z in (hinge_axis(), latch_axis()):
        sketch -= b.Pos(x, z) * b.Circle(1.1)
    sketch -= b.Pos(*middle_axis()) * b.Circle(3.7)  # the end of the middle axle passes here
    return upright(sketch, *cheek_y())


def thumb_axis() -> tuple[float, float]:
    """Return x, z of the bar that ties the latches and by which they are opened."""
    x, z = latch_axis()
    return x + 5.5, z - 9.0


def thumb_bar() -> Any:
    """Return the bar between the latches."""
    (x, z), half = thumb_axis(), plate_y()[0] - 0.05
    solid = upright(b.Pos(x, z) * b.RectangleRounded(3.6, 3.6, 1.0), -half, half)
    hole = rod(parameters().print.screw_hole, half - 7.0, half, x, z)
    return solid - hole - hole.mirror(b.Plane.XZ)


# The pod: tray, board, battery, lid.


def tray_limits() -> tuple[float, float]:
    """Return half of the tray's inner size along x and y."""
    half_x = constants().board.width_mm / 2 + 0.5
    return half_x, plate_y()[1] - 0.9


def floor_z() -> float:
    """Return the upper face of the tray's floor."""
    return float(BOSS_TOP + parameters().print.lid)


def board_to_pod(x: float, y: float) -> tuple[float, float]:
    """Return pod x, y of a point in the board's coordinates: its bridge connector looks to the battery."""
    board = constants().board
    left = -tray_limits()[1] + 0.3 + board.length_mm
    return y - board.width_mm / 2, left - x


NICHE, NICHE_DEPTH = 8.0, 8.0
"""Width and depth of the niche for the battery's plug (PH, 6 mm wide) and the bend of its leads."""

COLUMNS = ((13.6, 26.0), (13.6, -12.0), (-13.6, 26.0), (-13.6, -12.0))
"""Where the lid's screws are: x, y."""


def tray() -> Any:
    """Return the pod's lower part."""
    p, (ix, iy) = parameters().print, tray_limits()
    ox, oy = ix + p.wall, iy + p.wall
    bottom, top = BOSS_TOP, pod.rim_z(floor_z())
    solid = box((-ox, ox), (-oy, oy), (bottom, top), 3.0)
    for x, y in COLUMNS:
        solid += b.Pos(x, y, (bottom + top) / 2) * b.Cylinder(2.2, top - bottom)
    middle, half, deep = niche_y(), NICHE / 2 + 0.8, ix + NICHE_DEPTH + 0.8
    beyond = ix + p.wall + 1.6  # the lid's edge ends before
    solid += box((ix - 2.0, deep), (middle - half, middle + half), (bottom, top), 1.5)
    solid += box((beyond, deep), (middle - half, middle + half), (bottom, top + 0.5), 1.0)
    solid -= box((-ix, ix), (-iy, iy), (floor_z(), top + 1), 0.6)
    inside = (middle - NICHE / 2, middle + NICHE / 2)
    solid -= box((ix - 3.0, ix + NICHE_DEPTH), inside, (floor_z(), top - 0.5), 0.8)
    for x, y in COLUMNS:
        solid -= b.Pos(x, y, top - 3.5) * b.Cylinder(p.screw_hole / 2, 7.2)
    carry, holes = pod.posts(board_to_pod, floor_z())
    solid = solid + carry - holes
    plate = sum(plate_y()) / 2
    for side in (-1, 1):
        solid -= b.Pos(POD_SCREW_X, side * plate, bottom) * b.Cylinder(1.15, 5)
        # the gauge's wires go up, down and up again: that holds them
        for y in (plate - 1.2, plate - 4.4, plate - 7.6):
            solid -= b.Pos(9.6, side * y, bottom) * b.Cylinder(0.9, 5)
    fence_y = board_to_pod(0, 0)[1] + 8.0
    for x in (-7.0, 7.0):
        solid += box((x - 2.5, x + 2.5), (fence_y - 1.0, fence_y), (floor_z(), floor_z() + 3.0))
    usb = constants().board.usb_mm
    _, y = board_to_pod(usb.x, 0)
    z = pod.board_z(floor_z()) + constants().board.thickness_mm + usb.above_board + usb.height / 2
    slot = b.RectangleRounded(usb.height + 1.0, usb.width + 1.2, 1.4)
    return solid - b.Location((ix - 1, y, z), (0, 90, 0)) * b.extrude(slot, amount=4)


def niche_y() -> float:
    """Return the middle of the niche for the battery's plug, which lies before the board's connector."""
    return board_to_pod(constants().board.battery_connector_mm.at, 0)[1]


def battery() -> Any:
    """Return the battery in its pocket."""
    length, width, height = parameters().clip.battery.size
    start = board_to_pod(0, 0)[1] + 8.2
    return box(
        (-width / 2, width / 2), (start, start + length), (floor_z() + 0.3, floor_z() + 0.3 + height), 1.0
    )


def _mirror(solid: Any) -> Any:
    return solid.mirror(b.Plane.XZ)


@cache
def assembly() -> tuple[Part, ...]:
    """Return the closed clip."""
    clip, p, mass = parameters().clip, parameters().print, parameters().mass
    parts: list[Part] = []
    inner, outer = plate_y()

    for name, solid, moves, colour in (
        ("arm", arm(), "jaw", METAL),
        ("latch", latch(), "latch", "#aab6c0"),
    ):
        parts.append(Part(f"{name} right", solid, "aluminium", moves, colour, made=name))
        parts.append(Part(f"{name} left", _mirror(solid), "aluminium", moves, colour, made=name))
    side = cheek()
    parts.append(Part("cheek right", side, "aluminium", "base", "#aab6c0", made="cheek"))
    parts.append(Part("cheek left", _mirror(side), "aluminium", "base", "#aab6c0", made="cheek"))
    parts.append(Part("thumb bar", thumb_bar(), "print", "latch", PRINT, True, "thumb-bar"))

    ends = {"middle": clip.bearings_per_end_middle}
    for name, (x, z), moves, length in (
        ("hinge", hinge_axis(), "base", cheek_y()[0]),
        ("middle", middle_axis(), "jaw", outer + 0.1),
        ("latch", latch_axis(), "base", cheek_y()[0]),
    ):
        half = clip.roller_length / 2
        parts.append(
            Part(
                f"{name} roller",
                rod(clip.roller_diameter, -half, half, x, z, clip.roller_bore),
                "carbon",
                moves,
                CARBON,
                made="roller",
            )
        )
        axle = rod(clip.axle_diameter, -length, length, x, z)
        tapped = rod(1.6, length - 6, length, x, z)
        axle = axle - tapped - _mirror(tapped)
        parts.append(Part(f"{name} axle", axle, "aluminium", moves, METAL, made=f"axle {2 * length:.1f} mm"))
        for s, sign in (("right", 1), ("left", -1)):
            for i in range(ends.get(name, clip.bearings_per_end_outer)):
                end = half - i * clip.bearing_width
                ring = rod(clip.roller_bore, end - clip.bearing_width, end, x, z, clip.axle_diameter)
                ring = ring if sign > 0 else _mirror(ring)
                parts.append(
                    Part(
                        f"{name} bearing {s} {i + 1}",
                        ring,
                        "steel",
                        moves,
                        STEEL,
                        made="bearing MR84ZZ",
                        mass_g=float(ring.volume) * 0.0075 * 0.72,
                    )
                )
            shim = rod(5.6, half, inner, x, z, clip.axle_diameter)
            parts.append(
                Part(
                    f"{name} shim {s}",
                    shim if sign > 0 else _mirror(shim),
                    "steel",
                    moves,
                    DARK,
                    made=f"shim 4 x 5.6 x {clip.plate_gap:g}",
                    mass_g=0.02,
                )
            )
            head = cheek_y()[1]
            if moves == "jaw":
                head = length + 0.3
                washer = rod(5.0, length, head, x, z, 2.1)
                parts.append(
                    Part(
                        f"{name} washer {s}",
                        washer if sign > 0 else _mirror(washer),
                        "steel",
                        moves,
                        DARK,
                        made="washer M2",
                    )
                )
            inwards = "-y" if sign > 0 else "+y"
            parts.append(screw_m2(f"{name} screw {s}", 6, inwards, (x, sign * head, z), moves))

    x, z = thumb_axis()
    for s, sign, inwards in (("right", 1, "-y"), ("left", -1, "+y")):
        parts.append(screw_m2(f"thumb bar screw {s}", 6, inwards, (x, sign * outer, z), "latch"))
        at = (POD_SCREW_X, sign * (inner + outer) / 2, floor_z())
        parts.append(screw_m2(f"pod screw {s}", 4, "-z", at, "jaw"))

    parts.append(Part("tray", tray(), "print", "jaw", PRINT, True, "clip-tray"))
    parts.append(
        Part(
            "lid",
            pod.lid(*tray_limits(), pod.rim_z(floor_z()), COLUMNS, board_to_pod),
            "print",
            "jaw",
            PRINT2,
            True,
            "clip-lid",
            flat=(180, 0, 0),
        )
    )
    parts.append(Part("gasket", pod.gasket(*tray_limits(), pod.rim_z(floor_z())), "rubber", "jaw", "#222222"))
    for name, solid, colour in pod.board_parts(board_to_pod, pod.board_z(floor_z())):
        parts.append(
            Part(
                name,
                solid,
                "bought",
                "jaw",
                colour,
                made="board",
                mass_g=mass.board if name == "board" else 0.0,
            )
        )
    for i, hole in enumerate(constants().board.holes_mm):
        x, y = board_to_pod(*hole)
        top = pod.board_z(floor_z()) + constants().board.thickness_mm
        parts.append(screw_m2(f"board screw {i + 1}", 4, "-z", (x, y, top), "jaw"))
    for i, (x, y) in enumerate(COLUMNS):
        top = pod.rim_z(floor_z()) + p.gasket_depth + p.lid
        parts.append(screw_m2(f"lid screw {i + 1}", 6, "-z", (x, y, top), "jaw"))
    parts.append(Part("battery", battery(), "bought", "jaw", BLUE, mass_g=clip.battery.mass))
    plug = pod.battery_plug(board_to_pod, pod.board_z(floor_z()))
    parts.append(Part("battery plug", plug, "bought", "jaw", pod.WHITE, mass_g=mass.plug))
    return tuple(parts)


def opened(jaw: float, latches: float) -> tuple[Part, ...]:
    """Return the clip with its jaw opened and its latches swung out by these angles, degrees."""
    (hx, hz), (lx, lz) = hinge_axis(), latch_axis()

    def about(x: float, z: float, angle: float) -> b.Location:
        return b.Location((x, 0, z)) * b.Location((0, 0, 0), (0, -angle, 0)) * b.Location((-x, 0, -z))

    turns = {"base": b.Location(), "jaw": about(hx, hz, jaw), "latch": about(lx, lz, -latches)}
    return tuple(part.placed(turns[part.moves]) for part in assembly())


def mass_g() -> float:
    """Return the mass of the whole clip, grams."""
    return sum(part.mass for part in assembly()) + float(parameters().mass.wiring)
