"""KiCad's own checks of the board: electrical rules, design rules, and that board and schematic agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hardware.checks import BUILD, HARDWARE, Row, call, tool

INPUTS = ("hardware/electronics/*", "hardware/electronics/bandsense.pretty/*")
PROJECT = HARDWARE / "electronics" / "bandsense"


def kicad(*arguments: str | Path) -> None:
    """Run kicad-cli with library tables of its own: only the project's count, whatever the user has set up.

    Raises:
        RuntimeError: it failed for another reason than what it found.
    """
    config = BUILD / "kicad-config"
    config.mkdir(parents=True, exist_ok=True)
    for table in ("sym", "fp"):
        (config / f"{table}-lib-table").write_text(f"({table}_lib_table\n  (version 7)\n)\n", encoding="utf-8")
    done = call(tool("kicad-cli"), *arguments, env={"KICAD_CONFIG_HOME": str(config)})
    if done.returncode:
        raise RuntimeError(f"kicad-cli {' '.join(map(str, arguments[:3]))}: {done.stderr or done.stdout}")


def version() -> str:
    """Version of KiCad."""
    return call(tool("kicad-cli"), "version").stdout.strip()


def _report(*arguments: str, source: str, name: str) -> dict[str, Any]:
    report = BUILD / name
    BUILD.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    kicad(*arguments, "--severity-all", "--format", "json", "--output", report, PROJECT.with_suffix(source))
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def _judge(what: str, violations: list[dict[str, Any]]) -> Row:
    kinds = sorted({violation["type"] for violation in violations})
    found = f"{len(violations)} ({', '.join(kinds)})" if violations else "0"
    return Row(what, found, "0", not violations)


def run() -> list[Row]:
    """Let KiCad check schematic and board; an excluded violation counts like any other."""
    erc = _report("sch", "erc", source=".kicad_sch", name="erc.json")
    drc = _report("pcb", "drc", "--schematic-parity", source=".kicad_pcb", name="drc.json")
    project = json.loads(PROJECT.with_suffix(".kicad_pro").read_text(encoding="utf-8"))
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
