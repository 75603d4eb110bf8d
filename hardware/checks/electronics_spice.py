"""SPICE of the front end: noise, corner, settling, discharge, common mode, the regulator's load."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from hardware.checks import ROOT, Row, call, constants, least, most, tool
from hardware.checks._kicad import values
from hardware.checks._spice import parameter, simulate, value

INPUTS = (
    "hardware/electronics/*.kicad_sch",
    "hardware/electronics/spice/*",
    "hardware/checks/_*.py",
    "firmware/core/src/nau7802.rs",
)
# The −3 dB frequency at 80 samples a second (data sheet); a filter of first order lets π/2 of it through.
BAND_HZ = 18.0 * math.pi / 2
CONVERTER_NOISE_NV = 150.0  # data sheet, gain 128, 80 samples a second


def version() -> str:
    """Version of ngspice."""
    return call(tool("ngspice"), "--version").stdout


def _same_parts() -> Iterator[Row]:
    parts = {reference: value(text) for reference, text in values().items() if reference[0] in "RC"}
    wanted = {
        "r_series": [parts["R2"], parts["R3"]],
        "c_differential": [parts["C1"]],
        "c_common": [parts["C2"], parts["C3"]],
        "c_supply": [parts["C5"] + parts["C6"] + parts["C10"]],
    }
    for netlist, names in {
        "noise": ("r_series", "c_differential", "c_common"),
        "settling": ("r_series", "c_differential", "c_common", "c_supply"),
        "esd": ("r_series", "c_differential", "c_common", "c_supply"),
    }.items():
        same = all(math.isclose(parameter(netlist, name), each) for name in names for each in wanted[name])
        yield Row(f"{netlist}.cir has the schematic's values", "yes" if same else "no", "yes", same)


def _bridge(ohm: float) -> Iterator[Row]:
    facts = constants()
    noise, settling, mode = (simulate(name, ohm) for name in ("noise", "settling", "common_mode"))
    thermal_nv = noise["density_nv_per_rthz"][0] * math.sqrt(BAND_HZ)
    yield most(f"{ohm:.0f} Ω: thermal noise at 80 Hz", thermal_nv, CONVERTER_NOISE_NV / 3, "nV rms", 1)
    yield least(f"{ohm:.0f} Ω: corner of the filter", noise["corner_hz"][0], 1000, "Hz", 0)
    yield most(f"{ohm:.0f} Ω: gain at the modulator's 307 kHz", noise["gain_modulator_db"][0], -30, "dB", 1)
    driver = (ROOT / "firmware/core/src/nau7802.rs").read_text(encoding="utf-8")
    settle_ms = float(re.findall(r"REGULATOR_SETTLE_MS: u32 = (\d+)", driver)[0])
    yield most(f"{ohm:.0f} Ω: still after power-up", settling["settled_s"][0] * 1e3, settle_ms / 2, "ms")
    room = facts["converter"]["common_mode_room_v"]
    yield least(f"{ohm:.0f} Ω: common mode above ground", min(mode["below_v"]), room, "V", 3)
    yield least(f"{ohm:.0f} Ω: common mode below supply", min(mode["above_v"]), room, "V", 3)
    load = max(mode["load_ma"])
    yield most(f"{ohm:.0f} Ω: regulator's load", load, facts["converter"]["regulator_guaranteed_ma"], "mA")


def _discharge() -> Iterator[Row]:
    facts = constants()["converter"]
    esd = simulate("esd", 350)
    yield most("8 kV into A+: converter's pin", esd["pin_peak_v"][0], facts["regulator_v"] + 0.3, "V")
    yield most("8 kV into E+: converter's supply", esd["supply_peak_v"][0], facts["supply_most_v"], "V")


def run() -> list[Row]:
    """Simulate both bridges."""
    bridges = [row for ohm in constants()["bridge"]["ohm"] for row in _bridge(ohm)]
    return [*_same_parts(), *bridges, *_discharge()]
