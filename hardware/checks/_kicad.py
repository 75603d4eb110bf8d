"""KiCad's command line and files, for the checks."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hardware.checks import BUILD, HARDWARE, call, tool

ELECTRONICS = HARDWARE / "electronics"
SCHEMATIC = ELECTRONICS / "bandsense.kicad_sch"
BOARD = ELECTRONICS / "bandsense.kicad_pcb"
PROJECT = ELECTRONICS / "bandsense.kicad_pro"
# The patterns of `INPUTS` for what KiCad reads; what it only remembers of its windows is left out.
SOURCES = (
    *(f"hardware/electronics/bandsense.kicad_{kind}" for kind in ("pcb", "pro", "sch", "sym")),
    "hardware/electronics/bandsense.pretty/*",
    "hardware/checks/_kicad.py",
)

Node: TypeAlias = "list[Node | str]"


def kicad(*arguments: str | Path) -> None:
    """Run kicad-cli with library tables of its own: only the project's count, whatever the user has set up.

    Raises:
        RuntimeError: it failed.
    """
    config = BUILD / "kicad-config"
    config.mkdir(parents=True, exist_ok=True)
    for table in ("sym", "fp"):
        (config / f"{table}-lib-table").write_text(
            f"({table}_lib_table\n  (version 7)\n)\n", encoding="utf-8"
        )
    done = call(tool("kicad-cli"), *arguments, env={"KICAD_CONFIG_HOME": str(config)})
    if done.returncode:
        raise RuntimeError(f"kicad-cli {' '.join(map(str, arguments[:3]))}: {done.stderr or done.stdout}")


def version() -> str:
    """Version of KiCad."""
    return call(tool("kicad-cli"), "version").stdout.strip()


@dataclass(frozen=True, slots=True)
class Pin:
    """A part's pin in the schematic."""

    reference: str
    number: str
    name: str
    net: str


def pins() -> list[Pin]:
    """Every connected pin of the schematic, with its net's name, without the leading slash."""
    netlist = BUILD / "netlist.xml"
    kicad("sch", "export", "netlist", "--format", "kicadxml", "--output", netlist, SCHEMATIC)
    root = ET.parse(netlist).getroot()  # noqa: S314 - KiCad wrote it just now
    return [
        Pin(
            node.get("ref", ""),
            node.get("pin", ""),
            node.get("pinfunction", ""),
            net.get("name", "").lstrip("/"),
        )
        for net in root.iter("net")
        for node in net.iter("node")
    ]


def parse(text: str) -> Node:
    """Parse an s-expression as KiCad writes it."""
    tokens = re.finditer(r'\(|\)|"((?:[^"\\]|\\.)*)"|[^\s()]+', text)
    stack: list[Node] = [[]]
    for token in tokens:
        if token[0] == "(":
            stack.append([])
        elif token[0] == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token[0] if token[1] is None else token[1])
    top = stack[0][0]
    return top if isinstance(top, list) else [top]


def children(node: Node, name: str) -> Iterator[Node]:
    """The lists below a node that begin with a name."""
    return (child for child in node if isinstance(child, list) and child and child[0] == name)


def numbers(node: Node, name: str) -> tuple[float, ...]:
    """The numbers of a node's first list of a name, such as `(at 1 2)`."""
    first = next(children(node, name))
    return tuple(
        float(item) for item in first[1:] if isinstance(item, str) and re.fullmatch(r"-?[\d.]+", item)
    )


def text_of(node: Node, name: str) -> str:
    """The first word of a node's first list of a name, or nothing."""
    first = next(children(node, name), None)
    return str(first[1]) if first and len(first) > 1 else ""


def values() -> dict[str, str]:
    """Value of each part of the schematic."""
    schematic = parse(SCHEMATIC.read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for part in children(schematic, "symbol"):
        properties = {str(each[1]): str(each[2]) for each in children(part, "property")}
        found[properties["Reference"]] = properties["Value"]
    return found
