"""Uncertainty of a calibration with what is at home: water bottles weighed on a luggage scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Part:
    """One contribution: half width of a rectangular distribution, relative to the force, and why."""

    what: str
    half_width: float
    why: str

    @property
    def standard(self) -> float:
        """Relative standard uncertainty (JCGM 100:2008, 4.3.7)."""
        return self.half_width / sqrt(3.0)


def budget(total_kg: float = 18.0, bottles: int = 12, local_gravity: bool = False) -> tuple[Part, ...]:
    """Return the contributions for bottles of 1.5 L weighed together.

    Args:
        total_kg: the heaviest load.
        bottles: how many it consists of.
        local_gravity: whether g of the place is entered.
    """
    return (
        (
            Part(
                "luggage scale, whole load at once",
                0.05 / total_kg + 0.003,
                "50 g steps and 0.3 % of span (A)",
            ),
            Part("gravity", 0.0003 if local_gravity else 0.0025, "latitude and height"),
            Part("air and wet bottles", 0.0012, "buoyancy 0.12 %, taken as unknown"),
            Part("swing, 5° at most", 0.0038, "cos 5°; wait until it hangs still"),
            Part("bag, carabiner, rope", 0.03 / total_kg, "weighed with the load; 30 g forgotten"),
            Part("reading of the sensor", 0.0010, "mean over 10 s against its drift"),
        )
        if bottles
        else ()
    )


def expanded(parts: tuple[Part, ...]) -> float:
    """Return the relative expanded uncertainty, k = 2."""
    return 2.0 * sqrt(sum(part.standard**2 for part in parts))


MASSES_KG = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 18.0)
"""Up and then down; `bandsense calibrate` leads through them."""


def sheet() -> str:
    """Return the A4 sheet to write on, as SVG, with a scale of 100 mm that shows whether it is full size."""
    rows = []
    top, left, height = 62, 18, 8.2
    heads = (("load, kg", 26), ("weighed, kg", 34), ("up, N", 30), ("down, N", 30), ("remarks", 54))
    x = float(left)
    for text, width in heads:
        rows.append(f'<text x="{x + 1.5:g}" y="{top - 2.5}" class="h">{text}</text>')
        x += width
    count = len(MASSES_KG)
    for run in range(3):
        y0 = top + run * (count + 1.2) * height
        rows.append(f'<text x="{left}" y="{y0 - 9 if run == 0 else y0 - 2:g}" class="h">Run {run + 1}</text>')
        for i in range(count + 1):
            y = y0 + i * height
            rows.append(f'<path d="M{left} {y:g}H{left + 174}"/>')
            if i < count:
                rows.append(f'<text x="{left + 1.5}" y="{y + 5.6:g}">{MASSES_KG[i]:g}</text>')
        x = float(left)
        for _, width in (*heads, ("", 0)):
            rows.append(f'<path d="M{x:g} {y0:g}V{y0 + count * height:g}"/>')
            x += width
    fields = ("sensor", "date", "band", "clip or link", "temperature, °C", "luggage scale", "g, m/s²", "who")
    for i, name in enumerate(fields):
        x, y = 18 + (i % 2) * 88, 26 + (i // 2) * 7
        rows.append(f'<text x="{x}" y="{y}">{name}</text><path d="M{x + 34} {y + 0.8}H{x + 84}"/>')
    ticks = "".join(f"M{18 + i * 10} 282V{279 if i % 5 else 277}" for i in range(11))
    rows.append(f'<path d="M18 282H118{ticks}"/><text x="121" y="282">100 mm: print at 100 %</text>')
    body = "\n".join(rows)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297">\n'
        "<style>text{font:3.6px sans-serif}.h{font-weight:bold}.t{font:bold 6px sans-serif}"
        "path{stroke:#000;stroke-width:.25;fill:none}</style>\n"
        f'<text x="18" y="16" class="t">Calibration of a bandsense sensor</text>\n{body}\n</svg>\n'
    )
