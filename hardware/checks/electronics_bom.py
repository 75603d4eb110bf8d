"""The bills of materials: current, and every line can be ordered."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from hardware.checks import BUILD, HARDWARE, Row, committed
from hardware.checks._kicad import SCHEMATIC, SOURCES, kicad, values
from hardware.checks._kicad import version as version

INPUTS = (*SOURCES, "hardware/bom/*")
BOMS = HARDWARE / "bom"
FIELDS = (
    "Reference",
    "QUANTITY",
    "Value",
    "Footprint",
    "Manufacturer",
    "MPN",
    "Source 1",
    "Source 2",
    "Verified",
)
LABELS = (
    "Parts",
    "Quantity",
    "Value",
    "Footprint",
    "Manufacturer",
    "MPN",
    "Source 1",
    "Source 2",
    "Verified",
)
NEEDED = ("Manufacturer", "MPN", "Source 1", "Source 2", "Verified")


def board() -> bytes:
    """The board's bill, from the schematic."""
    made = BUILD / "board.csv"
    lists = [",".join("${QUANTITY}" if field == "QUANTITY" else field for field in FIELDS), ",".join(LABELS)]
    kicad(
        *("sch", "export", "bom", "--fields", lists[0], "--labels", lists[1], "--group-by", "MPN,Value"),
        *("--sort-field", "Reference", "--ref-range-delimiter", "", "--output", made, SCHEMATIC),
    )
    return made.read_bytes()


def _judge(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    lacking = [line.get("Parts") or "?" for line in lines if not all(line.get(field) for field in NEEDED)]
    name = path.relative_to(HARDWARE)
    yield Row(f"{name}: lines that cannot be ordered", ", ".join(lacking) or "none", "none", not lacking)
    dated = re.compile(r"20\d\d-\d\d-\d\d|unverified until built")
    undated = [line["Parts"] for line in lines if not dated.fullmatch(line.get("Verified") or "")]
    yield Row(f"{name}: verified by date, or said not to be", ", ".join(undated) or "all", "all", not undated)
    same = [line["Parts"] for line in lines if line.get("Source 1") == line.get("Source 2")]
    yield Row(f"{name}: lines with one source only", ", ".join(same) or "none", "none", not same)


def run() -> list[Row]:
    """Compare the board's bill with the schematic, and look through every bill."""
    made = board()
    current = committed(BOMS / "board.csv", made)
    listed = {
        part for line in csv.DictReader(made.decode().splitlines()) for part in line["Parts"].split(",")
    }
    wanted = {part for part in values() if part[0] not in "#H" and not part.startswith("TP")}
    complete = Row("parts in the board's bill", str(len(listed)), str(len(wanted)), listed == wanted)
    return [current, complete, *(row for path in sorted(BOMS.glob("*.csv")) for row in _judge(path))]
