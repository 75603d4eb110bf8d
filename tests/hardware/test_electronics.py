"""The checks see what they are there for: each fault, made on a copy, turns its row."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from hardware.checks import Row, _spice, constants, electronics_agreement, electronics_bom, electronics_rules
from hardware.checks._kicad import BOARD, parse, pins
from hardware.checks.electronics_budget import Signal
from tests.hardware.conftest import REMEDY
from tests.needs import require_tool


def _failed(rows: Iterable[Row]) -> list[str]:
    return [row.what for row in rows if not row.passed]


@pytest.fixture
def facts() -> dict[str, Any]:
    return copy.deepcopy(constants())


def test_firmware_and_facts_agree(facts: dict[str, Any]) -> None:
    assert not _failed(electronics_agreement.firmware_pins(facts))
    assert not _failed(electronics_agreement.firmware_numbers(facts))


@pytest.mark.parametrize("name", ["data_ready", "button", "excitation_sense", "i2c_data", "i2c_clock"])
def test_another_pin_is_noticed(facts: dict[str, Any], name: str) -> None:
    facts["pins"][name]["chip"] = "P1.15"
    failed = _failed(electronics_agreement.firmware_pins(facts))
    assert failed == [f"firmware's pin: {name}", "firmware's pin table"]


@pytest.mark.parametrize("name", sorted(constants()["pins_on_module"]))
def test_another_pin_inside_the_module_is_noticed(facts: dict[str, Any], name: str) -> None:
    facts["pins_on_module"][name] = "P1.15"
    assert _failed(electronics_agreement.firmware_pins(facts)) == [f"firmware's pin: {name}"]


@pytest.mark.parametrize(
    ("group", "key", "other", "row"),
    [
        ("converter", "gain", 128, "firmware's gain"),
        ("converter", "regulator_v", 3.3, "firmware's regulator, V"),
        ("converter", "i2c_address", 0x2B, "firmware's I²C address"),
        ("converter", "rates_hz", [10, 80], "firmware's rates, Hz"),
        ("cell", "rated_load_n", 981.0, "firmware's cell, mN at µV/V"),
        ("cell", "full_scale_n", 957.7, "full scale"),
        ("bridge", "ohm", [350], "power model's bridges, Ω"),
    ],
)
def test_another_number_is_noticed(
    facts: dict[str, Any], group: str, key: str, other: object, row: str
) -> None:
    facts[group][key] = other
    assert row in _failed(electronics_agreement.firmware_numbers(facts))


def test_board_and_facts_agree(facts: dict[str, Any]) -> None:
    board = parse(BOARD.read_text(encoding="utf-8"))
    assert not _failed(electronics_agreement.geometry(facts, board))
    facts["board"]["holes_mm"][2][0] += 0.2
    facts["board"]["length_mm"] = 51.0
    assert _failed(electronics_agreement.geometry(facts, board)) == ["board", "hole"]


@pytest.mark.parametrize(
    "copper",
    [
        '(segment (start 140 118) (end 145 120) (width 0.25) (layer "F.Cu") (net 1))',
        '(via (at 140 119.9) (size 0.6) (drill 0.3) (layers "F.Cu" "B.Cu") (net 1))',
    ],
)
def test_copper_below_the_antenna_is_noticed(facts: dict[str, Any], copper: str) -> None:
    text = BOARD.read_text(encoding="utf-8").rstrip().removesuffix(")") + copper + ")"
    assert _failed(electronics_agreement.geometry(facts, parse(text))) == ["copper below the antenna"]


def _break(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")


def _without_a_net(text: str) -> str:
    """The board without the tracks of the data-ready line."""
    found = re.search(r'\(net (\d+) "/DRDY"\)', text)
    assert found is not None
    track = rf'\(segment(?:\s+\((?!net)\w+ [^()]*\))+\s+\(net {found[1]}\)\s+\(uuid "[^"]*"\)\s+\)'
    return re.sub(track, "", text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "change", "row"),
    [
        ("bandsense.kicad_sch", lambda t: t.replace('(label "SDA"', '(label "SDB"', 1), "electrical rules"),
        ("bandsense.kicad_sch", lambda t: t.replace('"100n C0G"', '"10n C0G"'), "differences between board"),
        ("bandsense.kicad_pcb", _without_a_net, "connections that are missing"),
        (
            "bandsense.kicad_pcb",
            lambda t: t.replace("(start 101.5 100)", "(start 111.5 100)"),
            "design rules",
        ),
    ],
)
def test_kicad_notices(project: Path, file: str, change: Callable[[str], str], row: str) -> None:
    _break(project / file, change)
    assert any(what.startswith(row) for what in _failed(electronics_rules.run()))


@pytest.mark.slow
def test_nets_are_compared(project: Path, facts: dict[str, Any]) -> None:
    assert not _failed(electronics_agreement.schematic_nets(facts, pins()))
    facts["pins"]["data_ready"]["net"] = "BUTTON"
    failed = _failed(electronics_agreement.schematic_nets(facts, pins()))
    assert failed == ["net at D0 (data_ready)", "net at the converter's DRDY"]


def test_wiring_is_compared(facts: dict[str, Any]) -> None:
    facts["pins"]["data_ready"]["xiao"], facts["pins"]["i2c_clock"]["xiao"] = "D5", "D0"
    failed = _failed(electronics_agreement.wiring(facts))
    assert failed == ["wiring: XIAO.D5 (data_ready)", "wiring: XIAO.D0 (i2c_clock)"]


def test_a_part_that_cannot_be_ordered_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(electronics_bom, "HARDWARE", tmp_path)
    bill = tmp_path / "bill.csv"
    lines = ["Parts,Manufacturer,MPN,Source 1,Source 2,Verified", "R1,Yageo,,DigiKey,Mouser,2026-11-28"]
    bill.write_text("\n".join([*lines, "R2,Yageo,RC,Mouser,Mouser,yesterday", ""]), encoding="utf-8")
    found = [row.found for row in electronics_bom._judge(bill)]
    assert found == ["R1", "R2", "R2"]


@pytest.mark.parametrize(
    ("text", "number"), [("100n C0G", 1e-7), ("4k7", 4700.0), ("0", 0.0), ("1u", 1e-6), ("10", 10.0)]
)
def test_values_are_read(text: str, number: float) -> None:
    assert _spice.value(text) == pytest.approx(number)


def test_a_value_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        _spice.value("NAU7802SGI")


@pytest.fixture
def spice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A circuit simulator whose files no other test or check writes at the same time."""
    require_tool("ngspice", REMEDY)
    monkeypatch.setattr(_spice, "BUILD", tmp_path)


@pytest.mark.usefixtures("spice")
@pytest.mark.parametrize(("ohm", "load_ma"), [(350, 3.0 / 352), (1000, 3.0 / 1002)])
def test_spice_follows_ohms_law(ohm: float, load_ma: float) -> None:
    loads = _spice.simulate("common_mode", ohm)["load_ma"]
    assert loads[13] == pytest.approx(load_ma * 1000, rel=1e-3)  # the middle of all corners
    assert min(loads) < loads[13] < max(loads)


@pytest.mark.usefixtures("spice")
def test_spice_has_the_filters_corner() -> None:
    corner = _spice.simulate("noise", 350)["corner_hz"][0]
    assert corner == pytest.approx(1 / (2 * 3.14159265 * 550 * (100e-9 + 10e-9 / 2)), rel=5e-3)


def test_the_budgets_arithmetic(facts: dict[str, Any]) -> None:
    signal = Signal(facts)
    assert signal.v_per_n * signal.rated_n == pytest.approx(6e-3)
    assert signal.n_per_count * 2**23 == pytest.approx(490.333 * 1000 / 2 / 32 / 2)
    assert signal.thermal_v(80, 350) == pytest.approx(16.1e-9, rel=0.01)  # as SPICE has it
    facts["converter"]["gain"] = 128
    same = Signal(facts)
    assert same.noise_n(80, worst=True) == same.noise_n(80, worst=False)
