"""What a release hands to the makers of boards: built below `build/hardware/fabrication`, and counted."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from hardware.checks import BUILD, MissingTool, Row, call, tool
from hardware.checks._kicad import BOARD, SOURCES, kicad, values
from hardware.checks._kicad import version as version

INPUTS = (*SOURCES, "hardware/electronics/models/*", "tools/setup.sh")
OUTPUT = BUILD / "fabrication"
LAYERS = "F.Cu,B.Cu,F.Mask,B.Mask,F.Paste,F.Silkscreen,B.Silkscreen,Edge.Cuts"
INTERACTIVE = """
import sys
from InteractiveHtmlBom.generate_interactive_bom import main
sys.argv = ["ibom", "--no-browser", "--dest-dir", sys.argv[1], "--name-format", "ibom", sys.argv[2]]
main()
"""


def _kicad_python() -> str:
    """The Python that KiCad's own module is made for: not the virtual environment's."""
    for candidate in ("/usr/bin/python3", tool("python3")):
        if call(candidate, "-c", "import pcbnew, wx").returncode == 0:
            return candidate
    return tool("kicad-python")


def _interactive() -> None:
    """The interactive bill, by InteractiveHtmlBom from the virtual environment."""
    package = importlib.util.find_spec("InteractiveHtmlBom")
    if package is None or package.origin is None:
        raise MissingTool("InteractiveHtmlBom is not installed; `make hardware` installs it")
    packages = Path(package.origin).parents[1]
    env = {
        "INTERACTIVE_HTML_BOM_NO_DISPLAY": "1",
        "PYTHONPATH": str(packages),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = call(_kicad_python(), "-c", INTERACTIVE, OUTPUT, BOARD, env=env)
    if done.returncode:
        raise RuntimeError(f"InteractiveHtmlBom: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def _count(what: str, found: int, wanted: int) -> Row:
    return Row(what, str(found), str(wanted), found == wanted)


def _build() -> Iterator[Row]:
    gerbers = OUTPUT / "gerbers"
    kicad("pcb", "export", "gerbers", "--layers", LAYERS, "--output", f"{gerbers}{os.sep}", BOARD)
    kicad("pcb", "export", "drill", "--excellon-separate-th", "--output", f"{gerbers}{os.sep}", BOARD)
    layers = [path for path in gerbers.iterdir() if path.suffix.startswith(".g") and path.suffix != ".gbrjob"]
    yield _count("Gerber layers", len(layers), LAYERS.count(",") + 1)
    yield _count("drill files, plated and not", len(list(gerbers.glob("*.drl"))), 2)

    places = OUTPUT / "positions.csv"
    kicad("pcb", "export", "pos", "--format", "csv", "--units", "mm", "--output", places, BOARD)
    with places.open(encoding="utf-8", newline="") as file:
        placed = {line["Ref"] for line in csv.DictReader(file)}
    parts = {part for part in values() if part[0] not in "#H" and not part.startswith("TP")}
    yield Row("parts with a position", str(len(placed)), str(len(parts)), placed == parts)

    solid = OUTPUT / "board.step"
    kicad("pcb", "export", "step", "--force", "--no-dnp", "--subst-models", "--output", solid, BOARD)
    text = solid.read_text(encoding="utf-8", errors="replace")
    solids = set(re.findall(r"NEXT_ASSEMBLY_USAGE_OCCURRENCE\('\d+','(\w+)'", text)) & parts
    yield Row("parts in the solid board", str(len(solids)), str(len(parts)), solids == parts)

    _interactive()
    yield _count("interactive bills", len(list(OUTPUT.glob("ibom.html"))), 1)


def run() -> list[Row]:
    """Build everything anew."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "gerbers").mkdir(parents=True)
    return list(_build())
