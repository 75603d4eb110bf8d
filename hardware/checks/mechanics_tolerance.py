"""The roller geometry's Monte Carlo study, and whether the companion claims the same for a clip."""

from __future__ import annotations

from bandsense.calibration.curve import Grade
from hardware.checks import Row, least, most

INPUTS = (
    "hardware/mechanics/parameters.*",
    "hardware/mechanics/rollers.py",
    "hardware/mechanics/tolerance.py",
    "bandsense/calibration/curve.py",
)


def run() -> list[Row]:
    """Draw, and compare."""
    from hardware.mechanics import tolerance

    study, claim = tolerance.standard_uncertainty(), Grade.CLIP_ON.typical_span_uncertainty
    worst = max(tolerance.study(kind).standard for kind in tolerance.KINDS)
    return [
        most("clip without calibration on its band, U (k = 2)", 200 * study, 200 * claim, "%", 1),
        least("the same over what the companion claims", study / claim, 0.75),
        most("the worst kind of band, U (k = 2)", 200 * worst, 15.0, "%", 1),
    ]
