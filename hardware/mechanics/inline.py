"""The inline link: a bought S-type cell, or the machined strain link, in a housing that carries nothing.

x along the load, z up; the cell lies in the shell, the tray with board and battery on top of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import build123d as b

from hardware.mechanics import pod, strain_link
from hardware.mechanics.clip import BLUE, METAL, PRINT, PRINT2
from hardware.mechanics.parameters import constants, parameters
from hardware.mechanics.pod import DARK
from hardware.mechanics.shapes import Part, box, screw_m2

GAP = 0.8
"""Between a loaded part and the housing."""

CELLS = ("s-cell", "strain-link")


def tray_limits() -> tuple[float, float]:
    """Return half of the housing's inner size along x and y."""
    p = parameters().link
    return p.cell_height / 2 + GAP, p.cell_width / 2 + GAP


def half_depth(cell: str) -> float:
    """Return half of the cavity's depth."""
    thickness = parameters().link.cell_thickness if cell == "s-cell" else parameters().strain_link.thickness
    return float(thickness / 2 + GAP)


def floor_z(cell: str) -> float:
    """Return the upper face of the tray's floor."""
    return half_depth(cell) + 1.2


def place(x: float, y: float) -> tuple[float, float]:
    """Return where a point of the board is: its USB socket looks to +y, its bridge connector to −x."""
    board = constants().board
    half_x, half_y = tray_limits()
    return x + half_x - 0.4 - board.length_mm, y + half_y - 0.5 - board.width_mm


def columns() -> tuple[tuple[float, float], ...]:
    """Return x, y of the four screws that hold the lid."""
    half_x, half_y = tray_limits()
    x = half_x + parameters().print.wall + 0.6
    return tuple((sx * x, sy * (half_y - 5.0)) for sx in (1, -1) for sy in (1, -1))


def corners() -> tuple[tuple[float, float], ...]:
    """Return x, y of the four screws that hold the tray on the shell; they are reached with the lid off."""
    _, half_y = tray_limits()
    y = half_y + parameters().print.wall + 1.6
    return tuple((sx * 22.0, sy * y) for sx in (1, -1) for sy in (1, -1))


def shell(cell: str) -> Any:
    """Return the lower part, which grips the cell at its −x end by two ribs and foam tape."""
    p, (ix, iy) = parameters().print, tray_limits()
    depth = half_depth(cell)
    wall = p.wall + 0.4
    solid = box((-ix - wall, ix + wall), (-iy - wall, iy + wall), (-depth - 1.2, depth), 3.0)
    for x, y in corners():
        solid += b.Pos(x, y, -0.6) * b.Cylinder(2.6, 2 * depth + 1.2)
    solid -= box((-ix, ix), (-iy, iy), (-depth, depth + 1), 1.5)
    for x, y in corners():
        solid -= b.Pos(x, y, depth - 4.0) * b.Cylinder(p.screw_hole / 2, 8.2)
    if cell == "s-cell":
        width = parameters().link.cell_thread + 4.0
        ribs = parameters().link.cell_width / 2
    else:
        width = parameters().strain_link.neck_width + 2 * GAP
        ribs = parameters().strain_link.neck_width / 2
    for side in (-1, 1):
        x = side * (ix + wall / 2)
        solid -= box(
            (x - wall, x + wall),
            (-width / 2, width / 2),
            (-width / 2 if cell == "s-cell" else -depth, depth + 1),
        )
    for side in (-1, 1):
        rib_y = sorted((side * (ribs + 0.4), side * iy))
        solid += box(
            (-ix, -ix + 9.0),
            (rib_y[0], rib_y[1]),
            (-depth, depth - 0.2),
        )
    return solid


def tray(cell: str) -> Any:
    """Return the upper part with the board's posts, the battery's pocket and the cable's ties."""
    p, (ix, iy) = parameters().print, tray_limits()
    low, floor = half_depth(cell) + 0.02, floor_z(cell)
    rim = pod.rim_z(floor)
    wall = p.wall
    solid = box((-ix - wall, ix + wall), (-iy - wall, iy + wall), (low, rim), 3.0)
    board = constants().board
    bump_x = place(board.battery_connector_mm.at, 0)[0]
    beyond = iy + wall + 1.6  # the lid's edge ends before
    solid += box((bump_x - 7.0, bump_x + 7.0), (iy - 2.0, iy + 9.0), (low, rim), 1.5)
    solid += box((bump_x - 7.0, bump_x + 7.0), (beyond, iy + 9.0), (low, rim + 0.7), 1.5)
    for x, y in corners():
        solid += b.Pos(x, y, low + 1.6) * b.Cylinder(2.8, 3.2)
    for x, y in columns():
        solid += b.Pos(x, y, (low + rim) / 2) * b.Cylinder(2.2, rim - low)
    solid -= box((-ix, ix), (-iy, iy), (floor, rim + 1), 0.8)
    solid -= box((bump_x - 6.0, bump_x + 6.0), (iy - 3.0, iy + 8.0), (floor, rim - 0.5), 1.2)
    for x, y in columns():
        solid -= b.Pos(x, y, rim - 3.5) * b.Cylinder(p.screw_hole / 2, 7.2)
    for x, y in corners():
        solid -= b.Pos(x, y, low + 2) * b.Cylinder(1.15, 10)
    carry, holes = pod.posts(place, floor)
    solid = solid + carry - holes
    size = constants().battery.size_mm
    right, top = battery_corner()
    for x in (right - size[0] - 0.9, right + 0.1):
        solid += box((x, x + 0.8), (top - 12.0, top - 8.0), (floor, floor + 4.0))
    solid += box((right - 20, right - 12), (top + 0.1, top + 0.9), (floor, floor + 1.8))
    cable = parameters().link.cable_diameter
    x, y = -ix + 4.5, place(0, board.bridge_connector_mm.at)[1] + 4.0
    solid -= b.Pos(x, y, floor) * b.Cylinder(cable / 2 + 0.3, 5)
    for dx in (-2.0, 2.0):
        solid -= b.Pos(x + dx, y - cable / 2 - 5.0, floor) * b.Box(1.6, 3.2, 5)
    usb = constants().board.usb_mm
    x, _ = place(usb.x, 0)
    z = pod.board_z(floor) + constants().board.thickness_mm + usb.above_board + usb.height / 2
    slot = b.RectangleRounded(usb.width + 1.2, usb.height + 1.0, 1.4)
    return solid - b.Location((x, iy + 4, z), (90, 0, 0)) * b.extrude(slot, amount=6)


def battery_corner() -> tuple[float, float]:
    """Return the battery's largest x and y."""
    return 8.2, place(0, 0)[1] - 1.2


def cell_body(cell: str) -> list[tuple[str, Any, str, float | None]]:
    """Return what carries the load: name, solid, colour, mass."""
    p = parameters().link
    if cell == "strain-link":
        return [("strain link", strain_link.link().moved(b.Location((0, 0, 0), (90, 0, 0))), METAL, None)]
    h, w, t = p.cell_height, p.cell_width, p.cell_thickness
    body = box((-h / 2, h / 2), (-w / 2, w / 2), (-t / 2, t / 2), 1.0)
    for side in (-1, 1):
        body -= box(
            (side * 9 - p.cell_slot / 2, side * 9 + p.cell_slot / 2),
            (-w / 2 + 9 if side > 0 else -w / 2 - 1, w / 2 + 1 if side > 0 else w / 2 - 9),
            (-t, t),
        )
    body -= b.Pos(0, 0, 0) * b.Cylinder(5.0, 2 * t)
    parts: list[tuple[str, Any, str, float | None]] = [("cell", body, METAL, p.cell_mass)]
    for name, side in (("right", 1), ("left", -1)):
        nut = b.extrude(b.RegularPolygon(7.5, 6), amount=6.0).moved(
            b.Location((side * (h / 2 + 3.0), 0, 0), (0, side * 90, 0))
        )
        shank = b.Cylinder(p.cell_thread / 2, 14).moved(b.Location((side * (h / 2 + 7), 0, 0), (0, 90, 0)))
        nut -= shank
        collar = b.Cylinder(10, 5).moved(b.Location((side * (h / 2 + 12), 0, 0), (0, 90, 0)))
        eye = b.Torus(p.eye_bolt_bore / 2 + 4, 4).moved(
            b.Location((side * (h / 2 + 14 + p.eye_bolt_bore / 2 + 4), 0, 0))
        )
        bolt = shank + collar + eye
        parts += [(f"jam nut {name}", nut, "#9aa0a6", 5.0), (f"eye bolt {name}", bolt, "#b9c0c6", 60.0)]
    return parts


@cache
def assembly(cell: str | None = None) -> tuple[Part, ...]:
    """Return the link with the cell that the parameters name, or with another of `CELLS`."""
    cell = cell or parameters().link.cell
    p = parameters().print
    floor = floor_z(cell)
    rim = pod.rim_z(floor)
    suffix = "" if cell == "s-cell" else "-strain"
    parts = [
        Part(name, solid, "bought" if mass else "aluminium", "cell", colour, mass_g=mass)
        for name, solid, colour, mass in cell_body(cell)
    ]
    parts.append(Part("shell", shell(cell), "print", "shell", PRINT, True, f"link-shell{suffix}"))
    parts.append(Part("tray", tray(cell), "print", "tray", PRINT, True, f"link-tray{suffix}"))
    parts.append(
        Part(
            "lid",
            pod.lid(*tray_limits(), rim, columns(), place),
            "print",
            "lid",
            PRINT2,
            True,
            "link-lid",
            flat=(180, 0, 0),
        )
    )
    parts.append(Part("gasket", pod.gasket(*tray_limits(), rim), "rubber", "gasket", "#222222"))
    for name, solid, colour in pod.board_parts(place, pod.board_z(floor)):
        parts.append(
            Part(
                name,
                solid,
                "bought",
                "board",
                colour,
                made="board",
                mass_g=parameters().mass.board if name == "board" else 0.0,
            )
        )
    for i, hole in enumerate(constants().board.holes_mm):
        x, y = place(*hole)
        top = pod.board_z(floor) + constants().board.thickness_mm
        parts.append(screw_m2(f"board screw {i + 1}", 4, "-z", (x, y, top), "board", DARK))
    for i, (x, y) in enumerate(columns()):
        parts.append(
            screw_m2(f"lid screw {i + 1}", 6, "-z", (x, y, rim + p.gasket_depth + p.lid), "lid", DARK)
        )
    for i, (x, y) in enumerate(corners()):
        parts.append(screw_m2(f"shell screw {i + 1}", 8, "-z", (x, y, half_depth(cell) + 3.22), "tray", DARK))
    size = constants().battery.size_mm
    right, top = battery_corner()
    solid = box((right - size[0], right), (top - size[1], top), (floor + 0.3, floor + 0.3 + size[2]), 1.0)
    parts.append(Part("battery", solid, "bought", "battery", BLUE, mass_g=9.0))
    plug = pod.battery_plug(place, pod.board_z(floor))
    parts.append(Part("battery plug", plug, "bought", "battery", pod.WHITE, mass_g=parameters().mass.plug))
    return tuple(parts)


def mass_g(cell: str | None = None) -> float:
    """Return the mass of the link, grams."""
    return sum(part.mass for part in assembly(cell)) + 5.0
