from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hardware.checks import HARDWARE, _kicad, electronics_rules
from tests.needs import require_tool

REMEDY = "run `make hardware` as root"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the board to break; the checks look at it."""
    require_tool("kicad-cli", REMEDY)
    copy = tmp_path / "electronics"
    shutil.copytree(HARDWARE / "electronics", copy, ignore=shutil.ignore_patterns("pictures", "models"))
    for module in (_kicad, electronics_rules):
        monkeypatch.setattr(module, "SCHEMATIC", copy / "bandsense.kicad_sch")
        monkeypatch.setattr(module, "BOARD", copy / "bandsense.kicad_pcb", raising=False)
        monkeypatch.setattr(module, "PROJECT", copy / "bandsense.kicad_pro", raising=False)
        monkeypatch.setattr(module, "BUILD", tmp_path, raising=False)
    return copy
