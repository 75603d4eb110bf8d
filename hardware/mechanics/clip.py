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

from hardware.mechanics.parameters import constants, parameters
from hardware.mechanics.shapes import Part, box, rod, round_at, screw_m2, upright

METAL, DARK, STEEL, PRINT, PRINT2, GREEN, BLUE, CARBON = (
    "#c3ccd4", "#7d8791", "#9aa0a6", "#f08a24", "#ffb45e", "#2f8f5b", "#4a78b5", "#33373b",
)  # fmt: skip

BOSS_TOP = 7.2
"""Where the pod sits on the arms."""

BEAM_TOP = 4.8
"""Upper face of the arms; the latches' rings must pass below them."""

TIP_BEYOND = 2.6
"""By how much an arm is longer than the span."""

NOSE_RADIUS = 1.9
NOSE_SINK = 0.3
"""How deep the nose of a latch sits in the arm: the jaw must be squeezed by more to open it."""


def hinge_axis() -> tuple[float, float]:
    """Return x, z of the hinge's axis, which is an outer roller's."""
    clip = parameters().clip
    return -clip.half_span, -clip.roller_diameter / 2


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
    outline = [
        (hx, low), (-12, low), (-4, boss), (4, boss), (12, low), (tip, low), (tip, high),
        (10, high), (3.8, BOSS_TOP), (-3.8, BOSS_TOP), (-10, high), (hx, high),
    ]  # fmt: skip
    beam = b.make_face(b.Polyline(*outline, close=True))
    beam = round_at(beam, [(-12, low), (12, low), (-10, high), (10, high)], 4.0)
    beam = round_at(beam, [(-4, boss), (4, boss)], 1.5)
    beam = round_at(beam, [(tip, low), (tip, high)], 1.2)
    lug = b.make_hull((b.Pos(hx, hz) * b.Circle(3.8) + b.Pos(hx, 4.2) * b.Circle(3.8)).edges())
    sketch = beam + lug
    inner_corners = [v for v in sketch.vertices() if hx + 3 < v.X < hx + 4.5 and low - 0.1 < v.Y < high + 0.1]
    sketch = b.fillet(inner_corners, 1.5)
    sketch -= b.Pos(hx, hz) * b.Circle(clip.axle_diameter / 2 + 0.02)
    sketch -= b.Pos(0, mz) * b.Circle(clip.axle_diameter / 2 + 0.01)
    sketch -= b.Pos(hx, 4.2) * b.Circle(1.9)
    nose_x = clip.half_span
    sketch -= b.Pos(nose_x, high - NOSE_SINK + NOSE_RADIUS + 0.3) * b.Circle(NOSE_RADIUS + 0.3)
    inner, outer = plate_y()
    solid = upright(sketch, inner, outer)
    solid -= b.Pos(0, (inner + outer) / 2, BOSS_TOP - 2) * b.Cylinder(0.8, 4.2)
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
    spine = b.make_hull((b.Pos(lx + 5.8, nose_z + 1.2) * b.Circle(1.6) + b.Pos(lx + 5.8, lz) * b.Circle(1.6)).edges())
    nose = b.make_hull(
        (b.Pos(lx, nose_z) * b.Circle(NOSE_RADIUS) + b.Pos(lx + 5.8, nose_z + 1.2) * b.Circle(1.6)).edges()
    )
    ring = b.make_hull((b.Pos(lx, lz) * b.Circle(3.8) + b.Pos(lx + 5.8, lz) * b.Circle(1.6)).edges())
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
    sketch -= b.Pos(0, hz) * b.RectangleRounded(2 * (lx - 7.0), 3.2, 1.5)
    for x, z in (hinge_axis(), latch_axis()):
        sketch -= b.Pos(x, z) * b.Circle(1.1)
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


def board_z() -> float:
    """Return the lower face of the board."""
    return float(floor_z() + constants().board.height_below_mm + 0.3)


def rim_z() -> float:
    """Return the upper edge of the tray's wall; the lid's plate is a gasket's depth above."""
    board = constants().board
    top = board_z() + board.thickness_mm + board.height_above_mm + 0.2
    return float(top - parameters().print.gasket_depth)


def board_to_pod(x: float, y: float) -> tuple[float, float]:
    """Return pod x, y of a point in the board's coordinates: its bridge connector looks to the battery."""
    board = constants().board
    left = -tray_limits()[1] + 0.3 + board.length_mm
    return y - board.width_mm / 2, left - x


COLUMNS = ((13.6, 26.0), (13.6, -12.0), (-13.6, 26.0), (-13.6, -12.0))
"""Where the lid's screws are: x, y."""


def tray() -> Any:
    """Return the pod's lower part."""
    p, (ix, iy) = parameters().print, tray_limits()
    ox, oy = ix + p.wall, iy + p.wall
    bottom, top = BOSS_TOP, rim_z()
    solid = box((-ox, ox), (-oy, oy), (bottom, top), 3.0)
    for x, y in COLUMNS:
        solid += b.Pos(x, y, (bottom + top) / 2) * b.Cylinder(2.2, top - bottom)
    solid -= box((-ix, ix), (-iy, iy), (floor_z(), top + 1), 1.8)
    for x, y in COLUMNS:
        solid -= b.Pos(x, y, top - 3.5) * b.Cylinder(p.screw_hole / 2, 7.2)
    for hx, hy in constants().board.holes_mm:
        x, y = board_to_pod(hx, hy)
        post = b.Pos(x, y, (floor_z() + board_z()) / 2) * b.Cylinder(2.1, board_z() - floor_z())
        solid += post
        solid -= b.Pos(x, y, board_z() - 1.4) * b.Cylinder(p.screw_hole / 2, 3.0)
    plate = sum(plate_y()) / 2
    for side in (-1, 1):
        solid -= b.Pos(0, side * plate, bottom) * b.Cylinder(1.15, 5)
        # the gauge's wires go up, down and up again: that holds them
        for y in (plate - 1.2, plate - 4.4, plate - 7.6):
            solid -= b.Pos(9.6, side * y, bottom) * b.Cylinder(0.9, 5)
    fence_y = board_to_pod(0, 0)[1] + 8.0
    for x in (-7.0, 7.0):
        solid += box((x - 2.5, x + 2.5), (fence_y - 1.0, fence_y), (floor_z(), floor_z() + 3.0))
    usb = constants().board.usb_mm
    _, y = board_to_pod(usb.x, 0)
    z = board_z() + constants().board.thickness_mm + usb.above_board + usb.height / 2
    slot = b.RectangleRounded(usb.width + 1.2, usb.height + 1.0, 1.4)
    return solid - b.Location((ix - 1, y, z), (90, 0, 90)) * b.extrude(slot, amount=4)


def lid() -> Any:
    """Return the pod's lid with the gasket's groove, printed on its outer face."""
    p, (ix, iy) = parameters().print, tray_limits()
    rim, plate = rim_z(), rim_z() + p.gasket_depth
    middle_x, middle_y = ix + p.wall / 2, iy + p.wall / 2
    reach = p.gasket_width / 2 + 1.1
    solid = box((-middle_x - reach, middle_x + reach), (-middle_y - reach, middle_y + reach), (rim, plate + p.lid), 3.6)
    for x, y in COLUMNS:
        solid += b.Pos(x, y, (rim + plate + p.lid) / 2) * b.Cylinder(2.3, plate + p.lid - rim)
    solid -= box((-middle_x + reach, middle_x - reach), (-middle_y + reach, middle_y - reach), (rim, plate), 1.0)
    half = p.gasket_width / 2 + 0.25
    ring = box((-middle_x - half, middle_x + half), (-middle_y - half, middle_y + half), (rim, plate), 2.8)
    ring -= box((-middle_x + half, middle_x - half), (-middle_y + half, middle_y - half), (rim, plate), 1.4)
    solid -= ring
    for x, y in COLUMNS:
        solid -= b.Pos(x, y, plate) * b.Cylinder(1.15, 10)
    led = constants().board.led_mm
    x, y = board_to_pod(*led)
    solid -= b.Pos(x, y, plate) * b.Cylinder(1.5, 1.2)
    return solid


def gasket() -> Any:
    """Return the pressed cord."""
    p, (ix, iy) = parameters().print, tray_limits()
    middle_x, middle_y, half = ix + p.wall / 2, iy + p.wall / 2, p.gasket_width / 2
    z = (rim_z(), rim_z() + p.gasket_depth)
    ring = box((-middle_x - half, middle_x + half), (-middle_y - half, middle_y + half), z, 2.7)
    return ring - box((-middle_x + half, middle_x - half), (-middle_y + half, middle_y - half), z, 1.5)


def board_parts(place: Any, bottom: float) -> list[tuple[str, Any, str]]:
    """Return the board with what stands on it as (name, solid, colour), from the shared constants.

    Args:
        place: board x, y to x, y of the assembly; it turns by multiples of 90°.
        bottom: z of the board's lower face.
    """
    board = constants().board

    def block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Any:
        (x0, y0), (x1, y1) = place(x[0], y[0]), place(x[1], y[1])
        return box((min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)), z)

    top = bottom + board.thickness_mm
    plate = block((0, board.length_mm), (0, board.width_mm), (bottom, top))
    for hole in board.holes_mm:
        x, y = place(*hole)
        plate -= b.Pos(x, y, bottom) * b.Cylinder(board.hole_diameter_mm / 2, 10)
    module, usb, button = board.module_mm, board.usb_mm, board.button_mm
    bridge, battery = board.bridge_connector_mm, board.battery_connector_mm
    width = board.width_mm
    return [
        ("board", plate, GREEN),
        ("module", block(tuple(module.x), tuple(module.y), (top, top + usb.above_board)), DARK),
        ("shield", block((33.5, 46.7), (6.0, 15.5), (top + usb.above_board, top + module.height)), STEEL),
        (
            "usb",
            block(
                (usb.x - usb.width / 2, usb.x + usb.width / 2),
                (width - 6.0, width + usb.overhang),
                (top + usb.above_board, top + usb.above_board + usb.height),
            ),
            STEEL,
        ),
        (
            "bridge connector",
            block((0, 6.0), (bridge.at - bridge.width / 2, bridge.at + bridge.width / 2), (top, top + bridge.height)),
            "#eeeeea",
        ),
        (
            "battery connector",
            block((battery.at - battery.width / 2, battery.at + battery.width / 2), (width - 6.0, width), (top, top + battery.height)),
            "#eeeeea",
        ),
        (
            "button",
            block((button.at[0] - 1.5, button.at[0] + 1.5), (button.at[1] - 1.5, button.at[1] + 1.5), (top, top + button.height)),
            DARK,
        ),
    ]


def battery() -> Any:
    """Return the battery in its pocket."""
    length, width, height = parameters().clip.battery.size
    start = board_to_pod(0, 0)[1] + 8.2
    return box((-width / 2, width / 2), (start, start + length), (floor_z() + 0.3, floor_z() + 0.3 + height), 1.0)


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
        parts.append(Part(f"{name} roller", rod(clip.roller_diameter, -half, half, x, z, clip.roller_bore), "carbon", moves, CARBON, made="roller"))
        axle = rod(clip.axle_diameter, -length, length, x, z)
        for s in (-1, 1):
            hole = rod(1.6, length - 6, length, x, z)
            axle -= hole if s > 0 else _mirror(hole)
        parts.append(Part(f"{name} axle", axle, "aluminium", moves, METAL, made=f"axle {2 * length:.1f} mm"))
        for s, sign in (("right", 1), ("left", -1)):
            for i in range(ends.get(name, clip.bearings_per_end_outer)):
                end = half - i * clip.bearing_width
                ring = rod(clip.roller_bore, end - clip.bearing_width, end, x, z, clip.axle_diameter)
                ring = ring if sign > 0 else _mirror(ring)
                parts.append(Part(f"{name} bearing {s} {i + 1}", ring, "steel", moves, STEEL, made="bearing MR84ZZ", mass_g=float(ring.volume) * 0.0075 * 0.72))
            shim = rod(5.6, half, inner, x, z, clip.axle_diameter)
            parts.append(Part(f"{name} shim {s}", shim if sign > 0 else _mirror(shim), "steel", moves, DARK, made="shim 4 x 5.6 x 0.5", mass_g=0.035))
            head = cheek_y()[1]
            if moves == "jaw":
                head = length + 0.3
                washer = rod(6.0, length, head, x, z, 2.1)
                parts.append(Part(f"{name} washer {s}", washer if sign > 0 else _mirror(washer), "steel", moves, DARK, made="washer M2"))
            screw = screw_m2(6, "-y", (x, head, z))
            parts.append(Part(f"{name} screw {s}", screw if sign > 0 else _mirror(screw), "steel", moves, DARK, made="screw M2 x 6"))

    for s, sign in (("right", 1), ("left", -1)):
        for name, (x, z), moves, y in (
            ("thumb bar", thumb_axis(), "latch", outer),
        ):
            screw = screw_m2(6, "-y", (x, y, z))
            parts.append(Part(f"{name} screw {s}", screw if sign > 0 else _mirror(screw), "steel", moves, DARK, made="screw M2 x 6"))
        screw = screw_m2(4, "-z", (0, sign * (inner + outer) / 2, floor_z()))
        parts.append(Part(f"pod screw {s}", screw, "steel", "jaw", DARK, made="screw M2 x 4"))

    parts.append(Part("tray", tray(), "print", "jaw", PRINT, True, "clip-tray"))
    parts.append(Part("lid", lid(), "print", "jaw", PRINT2, True, "clip-lid", flat=(180, 0, 0)))
    parts.append(Part("gasket", gasket(), "rubber", "jaw", "#222222"))
    for name, solid, colour in board_parts(board_to_pod, board_z()):
        parts.append(Part(name, solid, "bought", "jaw", colour, made="board", mass_g=mass.board if name == "board" else 0.0))
    for i, hole in enumerate(constants().board.holes_mm):
        x, y = board_to_pod(*hole)
        top = board_z() + constants().board.thickness_mm
        parts.append(Part(f"board screw {i + 1}", screw_m2(4, "-z", (x, y, top)), "steel", "jaw", DARK, made="screw M2 x 4"))
    for i, (x, y) in enumerate(COLUMNS):
        top = rim_z() + p.gasket_depth + p.lid
        parts.append(Part(f"lid screw {i + 1}", screw_m2(6, "-z", (x, y, top)), "steel", "jaw", DARK, made="screw M2 x 6"))
    parts.append(Part("battery", battery(), "bought", "jaw", BLUE, mass_g=clip.battery.mass))
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
