"""The roller geometry's Monte Carlo study, and whether the companion claims the same for a clip."""

from __future__ import annotations

import re

from hardware.checks import ROOT, Row, least, most

INPUTS = (
    "hardware/mechanics/parameters.*",
    "hardware/mechanics/rollers.py",
    "hardware/mechanics/tolerance.py",
    "bandsense/signal/calibration.py",
)


def claimed() -> float:
    """Return the companion's relative standard uncertainty of a clip's span (`tests/hardware` imports it)."""
    source = (ROOT / "bandsense" / "signal" / "calibration.py").read_text("utf-8")
    found = re.search(r"Grade\.CLIP_ON: ([\d.]+)", source)
    if found is None:
        raise ValueError("bandsense/signal/calibration.py no longer states the clip's uncertainty")
    return float(found.group(1))


def run() -> list[Row]:
    """Draw, and compare."""
    from hardware.mechanics import tolerance

    study, claim = tolerance.standard_uncertainty(), claimed()
    worst = max(tolerance.study(kind).standard for kind in tolerance.KINDS)
    return [
        most("clip without calibration on its band, U (k = 2)", 200 * study, 200 * claim, "%", 1),
        least("the same over what the companion claims", study / claim, 0.75),
        most("the worst kind of band, U (k = 2)", 200 * worst, 15.0, "%", 1),
    ]
