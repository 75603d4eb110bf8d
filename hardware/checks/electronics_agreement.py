"""That schematic, board, wiring, firmware and `hardware/constants.toml` say the same."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from hardware.checks import HARDWARE, ROOT, Row, constants
from hardware.checks._kicad import BOARD, SOURCES, Node, Pin, children, numbers, parse, pins, text_of
from hardware.checks._kicad import version as version

INPUTS = (
    *SOURCES,
    "hardware/wiring/*",
    "firmware/core/src/nau7802.rs",
    "firmware/core/src/rate.rs",
    "firmware/board-xiao-nrf52840/src/*.rs",
    "firmware/tools/power_model.py",
)
BOARD_SOURCE = ROOT / "firmware" / "board-xiao-nrf52840" / "src"
CONVERTER_SOURCE = ROOT / "firmware" / "core" / "src" / "nau7802.rs"

# Where the firmware takes each pin: a pattern whose groups are port and pin.
PIN_USES = {
    "data_ready": r"data_ready: p\.P(\d)_(\d\d)",
    "button": r"button: p\.P(\d)_(\d\d)",
    "excitation_sense": r"excitation: p\.P(\d)_(\d\d)",
    "i2c_data": r"i2c: \(p\.P(\d)_(\d\d)",
    "i2c_clock": r"i2c: \([^,]*, p\.P(\d)_(\d\d)",
    "led_red": r"light: \[p\.P(\d)_(\d\d)",
    "led_green": r"light: \[[^,]*, p\.P(\d)_(\d\d)",
    "led_blue": r"light: \[[^,]*, [^,]*, p\.P(\d)_(\d\d)",
    "battery_sense": r"CellSense \{\s*input: p\.P(\d)_(\d\d)",
    "battery_divider": r"_enable: output\(p\.P(\d)_(\d\d)\.into\(\), Level::Low\)",
    "charge_state": r"charging: Input::new\(p\.P(\d)_(\d\d)",
}
# The flash chip's lines in the order that `flash_chip_to_deep_power_down` takes them.
FLASH_LINES = ("flash_select", "flash_clock", "flash_data", "flash_write_protect", "flash_hold")
# The converter's pin that each of the board's nets has to reach.
CONVERTER_PINS = {"data_ready": "DRDY", "i2c_data": "SDA", "i2c_clock": "SCL"}


def _equal(what: str, found: object, wanted: object) -> Row:
    return Row(what, str(found), str(wanted), found == wanted)


def _number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    return int(match[1].replace("_", ""), 0) if match else -1


def firmware_pins(facts: dict[str, Any]) -> Iterator[Row]:
    """Compare the firmware's pins with the constants."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(BOARD_SOURCE.glob("*.rs")))
    chips = {name: pin["chip"] for name, pin in facts["pins"].items()} | facts["pins_on_module"]
    for name, pattern in PIN_USES.items():
        match = re.search(pattern, source)
        found = f"P{match[1]}.{match[2]}" if match else "not found"
        yield _equal(f"firmware's pin: {name}", found, chips[name])
    handed = re.search(r"flash_chip_to_deep_power_down\((.*?)\);", source, re.DOTALL)
    flash = re.findall(r"p\.P(\d)_(\d\d)", handed[1]) if handed else []
    for name, (port, number) in zip(FLASH_LINES, flash, strict=True):
        yield _equal(f"firmware's pin: {name}", f"P{port}.{number}", chips[name])
    table = dict(re.findall(r"//! \| (D\d) \| (P\d\.\d\d) \|", source))
    table |= dict(
        zip(("D4", "D5"), re.findall(r"//! \| D4, D5 \| (P\S+), (P\S+) \|", source)[0], strict=True)
    )
    wanted = {pin["xiao"]: pin["chip"] for pin in facts["pins"].values()}
    yield Row("firmware's pin table", f"{len(table)} pins", f"{len(wanted)} pins, equal", table == wanted)


def firmware_numbers(facts: dict[str, Any]) -> Iterator[Row]:
    """Compare the firmware's gain, regulator, rates and full scale with the constants."""
    driver = CONVERTER_SOURCE.read_text(encoding="utf-8")
    converter, cell = facts["converter"], facts["cell"]
    gain = _number(r"pub const GAIN: u8 = (\d+);", driver)
    yield _equal("firmware's gain", gain, converter["gain"])
    yield _equal(
        "firmware's I²C address", _number(r"const ADDRESS: u8 = (0x\w+);", driver), converter["i2c_address"]
    )
    # VLDO, data sheet: 4.5 V less 0.3 V a step (bits 5:3 of CTRL1).
    step = _number(r"const CTRL1_\w+: u8 = 0b00_([01]{3})_000", driver)
    volts = round(4.5 - 0.3 * int(str(step), 2), 1)
    yield _equal("firmware's regulator, V", volts, converter["regulator_v"])
    rates = [int(rate) for rate in re.findall(r"Rate::Hz(\d+) => 0b", driver)]
    yield _equal("firmware's rates, Hz", rates, converter["rates_hz"])
    load_mn, output_uv = (
        _number(rf"const {name}: u64 = ([\d_]+);", driver) for name in ("CELL_MN", "CELL_UV_PER_V")
    )
    yield _equal(
        "firmware's cell, mN at µV/V",
        (load_mn, output_uv),
        (round(cell["rated_load_n"] * 1000), round(cell["rated_output_mv_per_v"] * 1000)),
    )
    per_volt = 1000 / 2 / gain
    yield _equal("full scale, mV/V", per_volt, converter["full_scale_mv_per_v"])
    full_scale = load_mn / 1000 * per_volt * 1000 / output_uv
    yield Row(
        "full scale",
        f"{full_scale:.2f} N",
        f"{cell['full_scale_n']:.2f} N",
        math.isclose(full_scale, cell["full_scale_n"], rel_tol=1e-5),
    )
    model = (ROOT / "firmware" / "tools" / "power_model.py").read_text(encoding="utf-8")
    bridges = [float(ohm) for ohm in re.findall(r"BRIDGES_OHM = \(([\d., ]+)\)", model)[0].split(",")]
    yield _equal("power model's bridges, Ω", bridges, [float(ohm) for ohm in facts["bridge"]["ohm"]])
    excitation = re.findall(r"EXCITATION_V = ([\d.]+)", model)[0]
    yield _equal("power model's excitation, V", float(excitation), facts["bridge"]["excitation_v"])


def schematic_nets(facts: dict[str, Any], found: list[Pin]) -> Iterator[Row]:
    """Compare the schematic's nets with the constants."""
    module = {pin.name: pin.net for pin in found if pin.reference == "U1"}
    converter = {pin.name: pin.net for pin in found if pin.reference == "U2"}
    for name, pin in facts["pins"].items():
        yield _equal(f"net at {pin['xiao']} ({name})", module.get(f"{pin['chip']}/{pin['xiao']}"), pin["net"])
        if name in CONVERTER_PINS:
            yield _equal(
                f"net at the converter's {CONVERTER_PINS[name]}", converter[CONVERTER_PINS[name]], pin["net"]
            )
    nets: dict[str, set[str]] = {}
    for each in found:
        nets.setdefault(each.net, set()).add(f"{each.reference}.{each.name or each.number}")
    yield Row("reference is the bridge's supply", converter["REFP"], "E+", {"J1.E+", "U2.REFP"} <= nets["E+"])
    yield Row(
        "reference's foot is ground",
        converter["REFN"],
        "GND",
        converter["REFN"] == "GND" and "J1.E-" in nets["GND"],
    )
    yield Row(
        "the cell feeds only the module",
        ", ".join(sorted(nets["VBAT"])),
        "Q1, TP9, U1",
        nets["VBAT"] == {"Q1.S", "TP9.1", "U1.BAT+"},
    )
    clamped = {pin.net for pin in found if pin.reference == "D1"} - {"GND"}
    yield Row(
        "lines of the bridge with a clamp",
        ", ".join(sorted(n for n in clamped if "uncon" not in n)),
        "A+, A-, E+",
        {"A+", "A-", "E+"} <= clamped,
    )


def wiring(facts: dict[str, Any]) -> Iterator[Row]:
    """Compare the wiring of the build from bought boards with the constants."""
    import yaml

    plan = yaml.safe_load((HARDWARE / "wiring" / "no-solder.yml").read_text(encoding="utf-8"))
    ends: set[tuple[str, str]] = set()
    for chain in plan["connections"]:
        (left, left_pins), *_, (right, right_pins) = (next(iter(part.items())) for part in chain)
        for a, b in zip(left_pins, right_pins, strict=True) if len(left_pins) == len(right_pins) else ():
            ends |= {(f"{left}.{a}", f"{right}.{b}"), (f"{right}.{b}", f"{left}.{a}")}
    wanted = {
        "data_ready": "NAU7802.DRDY",
        "button": "BUTTON.1",
        "excitation_sense": "BRIDGE.E+",
        "i2c_data": "NAU7802.SDA",
        "i2c_clock": "NAU7802.SCL",
    }
    for name, end in wanted.items():
        start = f"XIAO.{facts['pins'][name]['xiao']}"
        found = ", ".join(sorted(b for a, b in ends if a == start))
        yield Row(f"wiring: {start} ({name})", found, end, found.split("-")[0] == end)


def _near(what: str, found: tuple[float, ...], wanted: tuple[float, ...]) -> Row:
    close = len(found) == len(wanted) and all(abs(a - b) <= 0.05 for a, b in zip(found, wanted, strict=True))
    show = [", ".join(f"{value:.2f}" for value in values) for values in (found, wanted)]
    return Row(what, f"{show[0]} mm", f"{show[1]} mm", close)


def _outline(board: Node) -> tuple[float, float, float, float]:
    points = [
        numbers(line, end)
        for kind in ("gr_line", "gr_arc")
        for line in children(board, kind)
        if text_of(line, "layer") == "Edge.Cuts"
        for end in ("start", "end")
    ]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def geometry(facts: dict[str, Any], board: Node) -> Iterator[Row]:
    """Compare the board's outline, holes and connectors with what the housings are made for."""
    wanted = facts["board"]
    left, top, right, bottom = _outline(board)
    yield _near("board", (right - left, bottom - top), (wanted["length_mm"], wanted["width_mm"]))
    thickness = numbers(next(children(board, "general")), "thickness")
    yield _near("board's thickness", thickness, (wanted["thickness_mm"],))
    places: dict[str, tuple[float, float]] = {}
    for footprint in children(board, "footprint"):
        x, y, *_ = numbers(footprint, "at")
        reference = next(str(p[2]) for p in children(footprint, "property") if p[1] == "Reference")
        places[reference] = (x - left, bottom - y)
    holes = sorted(places[name] for name in places if name.startswith("H"))
    for found, hole in zip(holes, sorted(map(tuple, wanted["holes_mm"])), strict=True):
        yield _near("hole", found, hole)
    module = wanted["module_mm"]
    centre = (sum(module["x"]) / 2, sum(module["y"]) / 2)
    yield _near("module's centre", places["U1"], centre)
    yield _near("button", places["SW1"], tuple(wanted["button_mm"]["at"]))
    # The connectors' origin is their first pin, 2 mm a pin, 6.25 mm behind the mouth.
    yield _near(
        "bridge connector",
        (places["J1"][0] - 6.25, places["J1"][1] - 3.0),
        (0.0, wanted["bridge_connector_mm"]["at"]),
    )
    yield _near(
        "cell connector",
        (places["J2"][0] - 1.0, places["J2"][1] + 6.25),
        (wanted["battery_connector_mm"]["at"], wanted["width_mm"]),
    )
    yield _antenna(wanted["antenna_mm"], board, left, bottom)


def _antenna(area: dict[str, list[float]], board: Node, left: float, bottom: float) -> Row:
    """Judge whether copper other than the module's own pads reaches below the antenna."""
    (x0, x1), (y0, y1) = area["x"], area["y"]

    def inside(x: float, y: float, reach: float) -> bool:
        x, y = x - left, bottom - y
        return x0 - reach < x < x1 + reach and y0 - reach < y < y1 + reach

    def points(node: Node) -> Iterator[tuple[float, float, float]]:
        for track in children(node, "segment"):
            (width,), (xa, ya), (xb, yb) = (numbers(track, name)[:2] for name in ("width", "start", "end"))
            steps = max(1, int(math.hypot(xb - xa, yb - ya) / 0.1))
            yield from (
                (xa + (xb - xa) * i / steps, ya + (yb - ya) * i / steps, width / 2) for i in range(steps + 1)
            )
        for via in children(node, "via"):
            x, y, *_ = numbers(via, "at")
            yield x, y, numbers(via, "size")[0] / 2
        for zone in children(node, "zone"):
            for filled in children(zone, "filled_polygon"):
                for corner in children(next(children(filled, "pts")), "xy"):
                    yield float(str(corner[1])), float(str(corner[2])), 0.0

    count = sum(inside(*point) for point in points(board))
    return Row("copper below the antenna", f"{count} places", "0 places", count == 0)


def run() -> list[Row]:
    """Compare everything that two places say."""
    facts = constants()
    board = parse(BOARD.read_text(encoding="utf-8"))
    return [
        *firmware_pins(facts),
        *firmware_numbers(facts),
        *schematic_nets(facts, pins()),
        *wiring(facts),
        *geometry(facts, board),
    ]
