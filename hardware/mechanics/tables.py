"""The tables in `hardware/docs`, made from the model, so that no figure there is older than the parts."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from hardware.mechanics import jig, rollers, tolerance
from hardware.mechanics.parameters import ROOT, constants, parameters

DOCS = ROOT / "hardware" / "docs"
RELATIVE = 0.06
"""By how much a figure may differ: meshes of another version of gmsh, a kernel's rounding."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def mass() -> str:
    """Mass of the clip by part."""
    from hardware.mechanics import clip

    found: dict[str, list[float]] = defaultdict(list)
    for part in clip.assembly():
        if part.mass:
            found[part.made or part.name].append(part.mass)
    rows = [
        (name, str(len(masses)), f"{sum(masses):.1f}")
        for name, masses in sorted(found.items(), key=lambda item: -sum(item[1]))
    ]
    rows.append(("gauges, wires, silicone (A)", "", f"{parameters().mass.wiring:.1f}"))
    rows.append(("**clip**", "", f"**{clip.mass_g():.1f}**"))
    return _table(("part", "pieces", "g"), rows)


def strength() -> str:
    """Stress and safety of every metal part."""
    from hardware.mechanics import strength as s

    load = constants().load
    rows = [
        (
            r.name,
            f"{r.stress_mpa:.0f}",
            f"{r.safety(load.proof_n):.1f}",
            f"{r.safety(load.survival_n):.1f}",
            f"{r.fatigue_factor(load.working_n):.1f}",
            " / ".join(f"{x * 1e6:+.0f}" for x in r.strains[:2]) or "–",
            f"{r.output_mv_per_v:.2f}" if r.strains else "–",
            f"{r.deflection_mm:.2f}" if r.deflection_mm else "–",
        )
        for r in s.results()
    ]
    head = (
        "part", "stress at 500 N, MPa", "safety at 500 N", "at 1000 N", "10⁶ pulls to 400 N",
        "gauges at 500 N, µε", "mV/V at 500 N", "deflection at 500 N, mm",
    )  # fmt: skip
    return _table(head, rows)


def convergence() -> str:
    """How stress and strain settle as the mesh gets finer."""
    from hardware.mechanics import strength as s

    rows = []
    for r in s.results():
        for size, nodes, stress, strain in r.convergence:
            rows.append(
                (
                    r.name,
                    f"{size:g}",
                    f"{nodes // 1000}",
                    f"{stress:.0f}",
                    f"{strain * 1e6:.0f}" if strain else "–",
                )
            )
    return _table(
        ("part", "element, mm", "nodes, thousands", "largest stress, MPa", "mean gauge strain, µε"), rows
    )


def ratios() -> str:
    """What the middle roller feels of bands of several thicknesses."""
    rows = []
    for t in (0.25, 0.5, 1.0, 2.0, 3.0, 4.5):
        on = float(tolerance.on_the_roller(t, parameters().tolerance.stretch_nominal, 1.85))
        slope = float(rollers.force_ratio(on + 0.05) / rollers.force_ratio(on - 0.05) - 1) * 1000
        rows.append((f"{t:g}", f"{on:.2f}", f"{float(tolerance.factor(t)):.3f}", f"{slope:.0f}"))
    return _table(
        (
            "band, mm",
            "on the roller at 1.8 times its length, mm",
            "F/T",
            "% for each mm of thickness or offset",
        ),
        rows,
    )


def uncertainty() -> str:
    """The Monte Carlo study."""
    rows = []
    for kind, (low, high) in tolerance.KINDS.items():
        s = tolerance.study(kind)
        rows.append(
            (
                f"{kind}, {low:g}–{high:g} mm",
                *(f"{100 * v:.1f}" for v in s.by_source.values()),
                f"**{200 * s.standard:.0f}**",
            )
        )
    u = tolerance.standard_uncertainty()
    rows.append(("all, each as likely", *("" for _ in tolerance.SOURCES), f"**{200 * u:.0f}**"))
    names = {
        "axes": "where axes are",
        "thickness": "thickness",
        "stretch": "thinning",
        "pressing": "pressing",
        "drag": "drag and lie",
        "scale": "strap",
    }
    return _table(("band", *(f"{names[s]}, u %" for s in tolerance.SOURCES), "U (k = 2), %"), rows)


def jig_budget() -> str:
    """The calibration's uncertainty."""
    rows = [(p.what, f"{100 * p.half_width:.2f}", f"{100 * p.standard:.2f}", p.why) for p in jig.budget()]
    rows.append(("**expanded, k = 2**", "", f"**{100 * jig.expanded(jig.budget()):.1f}**", ""))
    rows.append(
        ("with g of the place entered", "", f"{100 * jig.expanded(jig.budget(local_gravity=True)):.1f}", "")
    )
    return _table(("18 kg in twelve bottles", "half width, %", "u, %", "from"), rows)


def cost() -> str:
    """Cost of a unit."""
    data = tomllib.loads(Path(__file__).with_name("costs.toml").read_text("utf-8"))
    rows = []
    for build in ("clip", "link"):
        rows += [(build, line["what"], *(f"{v:.2f}" for v in line["at"])) for line in data[build]]
        rows.append(
            (f"**{build}**", "", *(f"**{sum(line['at'][i] for line in data[build]):.0f}**" for i in range(3)))
        )
    return _table(("build", "what", "1", "10", "100"), rows)


def flung() -> str:
    """What a released band does with a sensor that hangs on it."""
    from hardware.mechanics import strength as s

    rows = []
    for what, force, stretch, band_kg, sensor_kg in s.FLIGHTS:
        energy, speed, of_sensor, pull = s.flight(force, stretch, band_kg, sensor_kg)
        rows.append((what, f"{energy:.0f}", f"{speed:.0f}", f"{of_sensor:.0f}", f"{pull / 1000:.1f}"))
    return _table(
        ("released", "stored, J", "sensor's speed at most, m/s", "its energy, J", "pull on the tether, kN"),
        rows,
    )


def contact() -> str:
    """How hard bands press the middle roller."""
    rows = []
    radius = parameters().clip.roller_diameter / 2
    for what, tension, width in (
        ("thin band, 95 N on 75 mm", 95.0, 75.0),
        ("thick band, 400 N on 75 mm", 400.0, 75.0),
        ("the same, folded to 40 mm", 400.0, 40.0),
        ("tube of 12 mm, 150 N on 9 mm", 150.0, 9.0),
    ):
        rows.append(
            (
                what,
                f"{tension / (width * radius):.2f}",
                f"{100 * (1 - 2.718281828 ** (-0.375 * tension / (width * radius) / 1.85)):.0f}",
            )
        )
    return _table(("band", "pressure p = T/(wR), MPa", "thinner under it, %"), rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "clip-mass": mass,
    "strength": strength,
    "convergence": convergence,
    "flung": flung,
    "contact": contact,
    "clip-ratios": ratios,
    "clip-uncertainty": uncertainty,
    "jig-budget": jig_budget,
    "cost": cost,
}
"""By the name that marks them in a document."""


def same(first: str, second: str) -> bool:
    """Return whether two blocks say the same, figures within `RELATIVE` or one of their last digit."""
    number = re.compile(r"\d+(?:\.\d+)?")
    if number.sub("#", first) != number.sub("#", second):
        return False
    for a, c in zip(number.findall(first), number.findall(second), strict=True):
        last = 10.0 ** -len(a.partition(".")[2])
        if abs(float(a) - float(c)) > max(RELATIVE * abs(float(c)), 1.01 * last):
            return False
    return True


def stale(path: Path, update: bool = False) -> list[str]:
    """Return the names of a document's tables that contradict the model; put new ones in on request."""
    text = path.read_text("utf-8")
    wrong = []
    for name, make in BLOCKS.items():
        pattern = re.compile(rf"(<!-- {name}: begin -->\n)(.*?)(\n?<!-- {name}: end -->)", re.DOTALL)
        found = pattern.search(text)
        if not found:
            continue
        fresh = make()
        if not same(found.group(2).strip(), fresh):
            wrong.append(name)
            text = text[: found.start(2)] + fresh + "\n" + text[found.end(2) :].lstrip("\n")
    if update and wrong:
        path.write_text(text, "utf-8")
        return []
    return wrong
