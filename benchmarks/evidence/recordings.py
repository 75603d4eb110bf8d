"""The real recordings as traces, with counts from an encoder beside the gauge or from what one sees."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np

from bandsense.export.recording import read_recording
from bandsense.samples import KGF_N, Unit
from benchmarks.evidence.splices import CUTS_S, force, recordings_folder
from benchmarks.evidence.trace import Trace, TrueInterval

__all__ = ["available", "band", "hangs"]

PARTIAL_S = ((20.00, 20.47, 21.02), (21.02, 21.67, 22.27))
"""Valley, top and valley of the two partial ones of calibration-5: less than half of the encoder's way."""

HALF_WAY_S = (11.42, 12.22, 12.88)
"""A third of the way, but up to the full top: the encoder's range says partial, its top says not."""

INTERVALS_S = MappingProxyType(
    {
        "calibration-1": CUTS_S["dev"]["calibration-1"],
        "calibration-3": CUTS_S["held"]["calibration-3"],
        "calibration-5": tuple(
            sorted((*CUTS_S["dev"]["calibration-5"], (8.53, 10.60, 11.42), HALF_WAY_S, *PARTIAL_S))
        ),
        "clean": ((1.85, 2.37, 3.00), *CUTS_S["held"]["clean"]),
    }
)


def available() -> bool:
    """Whether the recordings are there."""
    return (recordings_folder() / "band").is_dir()


def band() -> Iterator[Trace]:
    """The four sets on a band; they belong to no split, for everybody has looked at them."""
    for title, at in INTERVALS_S.items():
        time_s, tension_n = force(title)
        yield Trace(
            f"recording/{title}",
            "recording",
            1.0 / float(np.median(np.diff(time_s))),
            time_s,
            tension_n,
            len(at),
            frozenset({len(at)}),
            tuple(TrueInterval(*one) for one in at),
            tuple(None if one == HALF_WAY_S else one in PARTIAL_S for one in at),
            (at[0][0],),
        )


def hangs() -> Iterator[Trace]:
    """Finger hangs and isometric pulls: nobody knows what to call them, so they have no `n`."""
    for file in sorted((recordings_folder() / "isometric").glob("*.csv")):
        block = read_recording(file).block
        tension_n = block.values * (KGF_N if block.unit is Unit.KILOGRAM_FORCE else 1.0)
        rate_hz = 1.0 / float(np.median(np.diff(block.time_s)))
        yield Trace(
            f"recording/{file.stem}", "isometric", rate_hz, block.time_s, tension_n, None, frozenset()
        )
