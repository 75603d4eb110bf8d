"""KiCad's own checks of the board: electrical rules, design rules, and that board and schematic agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hardware.checks import BUILD, Row
from hardware.checks._kicad import BOARD, PROJECT, SCHEMATIC, SOURCES, kicad
from hardware.checks._kicad import version as version

INPUTS = SOURCES


def _report(*arguments: str, source: Path, name: str) -> dict[str, Any]:
    report = BUILD / name
    BUILD.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    kicad(*arguments, "--severity-all", "--format", "json", "--output", report, source)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def _judge(what: str, violations: list[dict[str, Any]]) -> Row:
    kinds = sorted({violation["type"] for violation in violations})
    found = f"{len(violations)} ({', '.join(kinds)})" if violations else "0"
    return Row(what, found, "0", not violations)


def run() -> list[Row]:
    """Let KiCad check schematic and board; an excluded violation counts like any other."""
    erc = _report("sch", "erc", source=SCHEMATIC, name="erc.json")
    drc = _report("pcb", "drc", "--schematic-parity", source=BOARD, name="drc.json")
    project = json.loads(PROJECT.read_text(encoding="utf-8"))
    settings = (project["erc"], project["board"]["design_settings"])
    silenced = [kind for part in settings for kind, how in part["rule_severities"].items() if how == "ignore"]
    excluded = [*settings[0]["erc_exclusions"], *settings[1]["drc_exclusions"]]
    return [
        _judge("electrical rules, violations", [v for sheet in erc["sheets"] for v in sheet["violations"]]),
        _judge("design rules, violations", drc["violations"]),
        _judge("connections that are missing", drc["unconnected_items"]),
        _judge("differences between board and schematic", drc["schematic_parity"]),
        Row("rules switched off or excluded", str(len(silenced + excluded)), "0", not silenced + excluded),
    ]
