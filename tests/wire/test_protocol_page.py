"""docs/protocol.md decides: its tables say what the codec and the golden vectors say."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import Adapter, VirtualRadio
from bandsense.wire import progressor
from bandsense.wire.bandsense.codes import (
    ATT_CCC_IMPROPERLY_CONFIGURED,
    ATT_INSUFFICIENT_AUTHENTICATION,
    ATT_INSUFFICIENT_ENCRYPTION,
    ATT_INVALID_LENGTH,
    ATT_PROCEDURE_IN_PROGRESS,
    RATES_HZ,
    Opcode,
    StatisticsPage,
    Status,
)
from bandsense.wire.bandsense.uuids import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CONTROL_UUID,
    DEVICE_INFORMATION_SERVICE_UUID,
    INFORMATION_UUID,
    MEASUREMENT_UUID,
    SERVICE_UUID,
    SMP_CHARACTERISTIC_UUID,
    SMP_SERVICE_UUID,
)
from tests.needs import REPOSITORY
from tests.support.sensors import adapter, pytest_asyncio_loop_factories, radio

__all__ = ["adapter", "pytest_asyncio_loop_factories", "radio"]

PAGE = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
VECTORS = json.loads((REPOSITORY / "docs" / "protocol-vectors.json").read_text(encoding="utf-8"))
BASE_UUID = "-0000-1000-8000-00805f9b34fb"


def section(number: int) -> str:
    return PAGE.split(f"\n## {number} ")[1].split("\n## ")[0]


def rows(number: int, columns: int) -> list[list[str]]:
    """Rows of the tables of a section that have so many columns, without their heads."""
    lines = [line for line in section(number).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns and not set("".join(row)) <= set("-:")]


def test_uuids() -> None:
    named = {
        row[0].split(",")[0].split(" (")[0]: re.findall(r"`([0-9a-fx-]+)`", row[1], re.I)
        for row in rows(1, 2)
    }
    assert named["bandsense"] == [SERVICE_UUID]
    assert named["SMP"] == [SMP_SERVICE_UUID]
    assert named["Progressor-compatible"] == [progressor.SERVICE_UUID]
    short = [uuid.removeprefix("0x").lower() for uuid in (*named["Battery"], *named["Device Information"])]
    assert [f"0000{uuid}{BASE_UUID}" for uuid in short] == [
        BATTERY_SERVICE_UUID,
        BATTERY_LEVEL_UUID,
        DEVICE_INFORMATION_SERVICE_UUID,
    ]
    characteristics = {row[0]: row[1].strip("`") for row in rows(1, 4)[1:]}
    assert characteristics == {
        "measurement": MEASUREMENT_UUID,
        "control point": CONTROL_UUID,
        "information": INFORMATION_UUID,
    }
    assert SMP_CHARACTERISTIC_UUID in section(9)


def opcodes() -> dict[int, str]:
    return {int(row[0].strip("`"), 16): row[1] for row in rows(4, 4) if row[0].startswith("`0x")}


def test_opcodes() -> None:
    assert opcodes() == {code.value: code.name.lower().replace("_", " ") for code in Opcode}


def test_statuses() -> None:
    listed = [int(row[0]) for row in rows(4, 2) if row[0].isdecimal()]
    assert listed == [status.value for status in Status]


def test_att_errors() -> None:
    for code in (
        ATT_INVALID_LENGTH,
        ATT_CCC_IMPROPERLY_CONFIGURED,
        ATT_PROCEDURE_IN_PROGRESS,
    ):
        assert f"`0x{code:02X}`" in section(4)
    for code in (ATT_INSUFFICIENT_AUTHENTICATION, ATT_INSUFFICIENT_ENCRYPTION):
        assert f"`0x{code:02X}`" in section(8)


def test_rates() -> None:
    first = section(3).split(" Hz.")[0]
    assert tuple(map(int, re.findall(r"\d+", first))) == RATES_HZ


def test_statistics_pages() -> None:
    assert [int(row[0].split()[0]) for row in rows(5, 2)[1:]] == [page.value for page in StatisticsPage]


@pytest.mark.parametrize("code", Opcode)
def test_every_opcode_has_a_vector(code: Opcode) -> None:
    sent = {bytes.fromhex(case["bytes"])[1] for case in VECTORS["control_request"]}
    assert code in sent


@pytest.mark.parametrize(
    ("section_name", "wanted"),
    [
        ("start", {10, 20, 40, 80, 320}),
        ("read_statistics", {0, 1, 2, 3}),
        ("forget_bonds", {False, True}),
        ("set_options", {0, 1, 3}),
    ],
)
def test_every_value_of_a_short_list_has_a_vector(section_name: str, wanted: set[int]) -> None:
    cases = [case for case in VECTORS["control_request"] if case["request"] == section_name]
    (field,) = {key for case in cases for key in case} - {"name", "bytes", "request", "id"}
    assert {case[field] for case in cases} == wanted


def test_every_status_has_a_vector() -> None:
    assert {case["status"] for case in VECTORS["control_answer"]} >= {status.value for status in Status}


def flags(case: dict[str, Any]) -> set[str]:
    return {name for name, value in case["flags"].items() if value}


def test_every_flag_has_a_vector() -> None:
    seen = [flags(case) for case in VECTORS["measurement"]]
    for name in ("saturated", "gap_before", "low_battery", "settling", "late_stamp"):
        assert {name} in seen
    # A conversion that was not collected was not numbered: an overrun comes with a gap (section 2).
    assert all("gap_before" in case for case in seen if "overrun" in case)
    assert any("overrun" in case for case in seen)


def test_every_grade_has_a_vector() -> None:
    assert {case["grade"] for case in VECTORS["calibration"]} == {0, 1, 2, 3}


async def test_the_client_of_the_page_reads_a_sensor(
    radio: VirtualRadio, adapter: Adapter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    scanner = scanner_backend(adapter)

    class Scanner(BleakScanner):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options, backend=scanner)

    monkeypatch.setattr("bleak.BleakClient", partial(BleakClient, backend=client_backend(adapter)))
    monkeypatch.setattr("bleak.BleakScanner", Scanner)
    code = example.replace("asyncio.run(main())", "")
    assert code != example
    names: dict[str, Any] = {}
    exec(code, names)  # the project's own documentation
    trace = TraceSource(np.arange(8000) / 80.0, np.full(8000, 40.0))
    async with VirtualBand(radio, trace) as band:
        band.press_button()
        await names["main"]()
    answers: list[list[str]] = []
    printed: list[list[str]] = []
    for line in capsys.readouterr().out.splitlines():
        (answers if line.startswith("answer") else printed).append(line.split())
    assert [answer[:6] for _, answer in answers] == ["010100", "020200"], "start and stop succeeded"
    assert len(printed) == pytest.approx(400, abs=40)
    at_s = np.array([float(row[0]) for row in printed])
    assert np.diff(at_s) == pytest.approx(1 / 80, abs=2e-4)
    assert {float(row[2]) for row in printed} == {40.0}
