"""ngspice on the front end's netlists."""

from __future__ import annotations

import re

from hardware.checks import BUILD, HARDWARE, call, tool

NETLISTS = HARDWARE / "electronics" / "spice"
SUFFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "k": 1e3}


def value(text: str) -> float:
    """Read a part's value such as `100n C0G`, `4k7` or `10`.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([munpk]?)(\d*)(?:[FR]?\s.*)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no value of a part")
    whole, suffix, rest = match.groups()
    return float(f"{whole}.{rest}" if rest else whole) * SUFFIXES[suffix]


def parameter(netlist: str, name: str) -> float:
    """A `.param` of a netlist."""
    text = (NETLISTS / f"{netlist}.cir").read_text(encoding="utf-8")
    match = re.search(rf"\b{name}=([\d.]+[a-z]?)\b", text)
    return value(match[1]) if match else float("nan")


def simulate(netlist: str, bridge_ohm: float) -> dict[str, list[float]]:
    """Run a netlist with a bridge; every result that it prints as `name = value`, in order.

    Raises:
        RuntimeError: ngspice complained.
    """
    text = (NETLISTS / f"{netlist}.cir").read_text(encoding="utf-8")
    BUILD.mkdir(parents=True, exist_ok=True)
    made = BUILD / f"{netlist}-{bridge_ohm:.0f}.cir"
    made.write_text(re.sub(r"bridge_ohm=\d+", f"bridge_ohm={bridge_ohm:.0f}", text), encoding="utf-8")
    done = call(tool("ngspice"), "-b", made)
    if "rror" in done.stdout + done.stderr:
        raise RuntimeError(f"ngspice on {netlist}.cir: {done.stderr or done.stdout}")
    results: dict[str, list[float]] = {}
    for name, number in re.findall(r"^(\w+)\s+=\s+(\S+)", done.stdout, re.MULTILINE):
        results.setdefault(name, []).append(float(number))
    return results
