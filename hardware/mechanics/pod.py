"""What both builds share: a lid with a gasket's groove, the board, posts that carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import build123d as b

from hardware.mechanics.parameters import constants, parameters
from hardware.mechanics.shapes import box

Place = Callable[[float, float], tuple[float, float]]
"""From the board's coordinates to x, y of an assembly; turns by a multiple of 90°."""

GREEN, DARK, STEEL, WHITE = "#2f8f5b", "#5d666f", "#b4b9be", "#eeeeea"


def board_z(floor: float) -> float:
    """Return the lower face of a board above a floor, high enough for leads and antenna."""
    return float(floor + constants().board.height_below_mm + 0.7)


def rim_z(floor: float) -> float:
    """Return the upper edge of the wall around a board; the lid's plate is a gasket's depth above."""
    board = constants().board
    top = board_z(floor) + board.thickness_mm + board.height_above_mm + 0.2
    return float(top - parameters().print.gasket_depth)


def lid(
    half_x: float, half_y: float, rim: float, columns: Sequence[tuple[float, float]], place: Place
) -> Any:
    """Return a lid on a wall whose inner size is given: its groove, holes for M2, light and button.

    The plate is thin over the board's light, and a thin disc with a pin below it presses the button.
    """
    p = parameters().print
    plate = rim + p.gasket_depth
    x, y = half_x + p.wall / 2, half_y + p.wall / 2
    reach, half = p.gasket_width / 2 + 1.1, p.gasket_width / 2 + 0.25

    def ring(inside: float, outside: float, z: tuple[float, float]) -> Any:
        outer = box((-x - outside, x + outside), (-y - outside, y + outside), z, 2.6 + outside / 2)
        return outer - box((-x + inside, x - inside), (-y + inside, y - inside), z, 1.2)

    solid = box((-x - reach, x + reach), (-y - reach, y + reach), (plate, plate + p.lid), 3.4)
    solid += ring(reach, reach, (rim, plate))
    for cx, cy in columns:
        solid += b.Pos(cx, cy, (rim + plate + p.lid) / 2) * b.Cylinder(2.3, plate + p.lid - rim)
    solid -= ring(half, half, (rim, plate))
    for cx, cy in columns:
        solid -= b.Pos(cx, cy, plate) * b.Cylinder(1.15, 10)
    board = constants().board
    solid -= b.Pos(*place(*board.led_mm), plate) * b.Cylinder(1.5, 1.0)
    button = place(*board.button_mm.at)
    solid -= b.Pos(*button, plate) * b.Cylinder(3.4, 0.8)
    reach = 0.2 + board.height_above_mm - board.button_mm.height - 0.3
    return solid + b.Pos(*button, plate + 0.4 - reach / 2) * b.Cylinder(1.4, reach + 0.8)


def gasket(half_x: float, half_y: float, rim: float) -> Any:
    """Return the cord, pressed into its groove."""
    p = parameters().print
    x, y, half = half_x + p.wall / 2, half_y + p.wall / 2, p.gasket_width / 2
    z = (rim, rim + p.gasket_depth)
    outer = box((-x - half, x + half), (-y - half, y + half), z, 2.7)
    return outer - box((-x + half, x - half), (-y + half, y - half), z, 1.5)


def posts(place: Place, floor: float) -> tuple[Any, Any]:
    """Return the board's posts and the holes in them."""
    solid, holes = None, None
    for hole in constants().board.holes_mm:
        x, y = place(*hole)
        top = board_z(floor)
        post = b.Pos(x, y, (floor + top) / 2) * b.Cylinder(2.1, top - floor)
        bore = b.Pos(x, y, top - 1.4) * b.Cylinder(parameters().print.screw_hole / 2, 3.0)
        solid = post if solid is None else solid + post
        holes = bore if holes is None else holes + bore
    return solid, holes


def battery_plug(place: Place, bottom: float) -> Any:
    """Return the battery's plug (PH, 2 pins) in its connector, as far as it stands out, and its leads."""
    board = constants().board
    at, top = board.battery_connector_mm.at, bottom + board.thickness_mm
    (x0, y0), (x1, y1) = place(at - 3.0, board.width_mm + 0.05), place(at + 3.0, board.width_mm + 7.5)
    return box((min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)), (top + 0.1, top + 4.5), 0.5)


def board_parts(place: Place, bottom: float) -> list[tuple[str, Any, str]]:
    """Return the board with what stands on it as (name, solid, colour), from the shared constants.

    Args:
        place: where its points go.
        bottom: z of its lower face.
    """
    board = constants().board

    def block(x: Sequence[float], y: Sequence[float], z: tuple[float, float]) -> Any:
        (x0, y0), (x1, y1) = place(x[0], y[0]), place(x[1], y[1])
        return box((min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)), z)

    top = bottom + board.thickness_mm
    plate = block((0, board.length_mm), (0, board.width_mm), (bottom, top))
    for hole in board.holes_mm:
        x, y = place(*hole)
        plate -= b.Pos(x, y, bottom) * b.Cylinder(board.hole_diameter_mm / 2, 10)
    module, usb, button = board.module_mm, board.usb_mm, board.button_mm
    bridge, battery, width = board.bridge_connector_mm, board.battery_connector_mm, board.width_mm
    low = top + usb.above_board
    bridge_y = (bridge.at - bridge.width / 2, bridge.at + bridge.width / 2)
    battery_x = (battery.at - battery.width / 2, battery.at + battery.width / 2)
    button_x, button_y = ((at - 1.5, at + 1.5) for at in button.at)
    usb_x = (usb.x - usb.width / 2, usb.x + usb.width / 2)
    return [
        ("board", plate, GREEN),
        ("module", block(module.x, module.y, (top, low)), DARK),
        ("shield", block((33.5, 46.7), (6.0, 15.5), (low, top + module.height)), STEEL),
        ("usb", block(usb_x, (width - 6.0, width + usb.overhang), (low, low + usb.height)), STEEL),
        ("bridge connector", block((0, 6.0), bridge_y, (top, top + bridge.height)), WHITE),
        ("battery connector", block(battery_x, (width - 6.0, width), (top, top + battery.height)), WHITE),
        ("button", block(button_x, button_y, (top, top + button.height)), DARK),
    ]
