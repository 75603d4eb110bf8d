"""The sections of the evidence: which traces belong together, and what is asked of a method on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.evidence import (
    controls,
    daily,
    envelope,
    idling,
    movement,
    recordings,
    rowing,
    simulators,
    special,
    splices,
)
from benchmarks.evidence.detectors import Method, bandsense, peaks, version_0_1_0, zig_zag
from benchmarks.evidence.score import BEYOND, Tally
from benchmarks.evidence.trace import Split, Trace

__all__ = ["METHODS", "OWN", "SECTIONS", "Section", "by_kind", "total"]

OWN, OLD = "bandsense", "version 0.1.0"

METHODS: Mapping[str, Method] = MappingProxyType(
    {OWN: bandsense, OLD: version_0_1_0, "find_peaks": peaks, "zig-zag 10 N": zig_zag}
)


class Section(NamedTuple):
    """Traces of a split, more of them with a larger size: 1 is quick, 4 is thorough."""

    title: str
    traces: Callable[[Split, int], Iterator[Trace]]
    available: Callable[[], bool] = lambda: True
    missing: str = ""


def _at_other_rates(split: Split, size: int) -> Iterator[Trace]:
    for rate_hz in (20.0, 320.0):
        yield from special.grid(split, each=size, first_seed=1000, rate_hz=rate_hz)


def _controls(split: Split, size: int) -> Iterator[Trace]:
    yield from controls.grid(split, each=3 * size)
    yield from controls.grid(split, each=size, first_seed=1000, rate_hz=20.0)


_NO_RECORDINGS = "set BANDSENSE_RECORDINGS to the folder of real recordings"

SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "plain": Section("Plain sets, every cell", lambda split, size: envelope.grid(split, plain=True)),
        "drawn": Section(
            "The same cells, all else drawn", lambda split, size: envelope.grid(split, each=-(-size // 2))
        ),
        "axes": Section("The other axes", lambda split, size: envelope.cuts(split)),
        "anywhere": Section(
            "Anywhere within the envelope", lambda split, size: envelope.sample(150 * size, split)
        ),
        "splices": Section(
            "Splices of real repetitions",
            lambda split, size: splices.sample(75 * size, split),
            splices.available,
            _NO_RECORDINGS,
        ),
        "movement": Section(
            "Real movement, within two of twenty",
            lambda split, size: movement.grid(split, each=-(-size // 2)),
            movement.available,
            f"{movement.ARCHIVE.requirement} could not be fetched",
        ),
        "rowing": Section(
            "Strokes of real rowers",
            lambda split, size: rowing.grid(split, each=size),
            rowing.available,
            f"{rowing.ARCHIVE.requirement} could not be fetched",
        ),
        "recordings": Section(
            "Real recordings", lambda split, size: recordings.band(), recordings.available, _NO_RECORDINGS
        ),
        "special": Section("Sets that are not plain", lambda split, size: special.grid(split, each=3 * size)),
        "other rates": Section("The same at 20 and 320 samples a second", _at_other_rates),
        "simulators": Section(
            "The two simulators of the package", lambda split, size: simulators.grid(200 * size, split)
        ),
        "tops": Section("Peaks", lambda split, size: envelope.tops(split, each=size)),
        "controls": Section("Controls", _controls),
        "processes": Section(
            "Controls that follow no script", lambda split, size: idling.grid(split, each=4 * size)
        ),
        "daily": Section(
            "Controls of real people",
            lambda split, size: daily.grid(split, each=size),
            daily.available,
            f"{daily.ARCHIVE.requirement} could not be fetched",
        ),
        "simulated controls": Section(
            "Controls of the simulators", lambda split, size: simulators.grid_of_controls(2 * size, split)
        ),
    }
)

Tallies = Mapping[tuple[str, str], Tally]
"""By method and kind of trace."""


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """All together."""
    made = Tally()
    for tally in tallies:
        made = made.merged(tally)
    return made


def total(tallies: Tallies, method: str) -> Tally:
    """All kinds of what is asked."""
    return sum_of(
        tally for (name, kind), tally in tallies.items() if name == method and not kind.endswith(BEYOND)
    )


def by_kind(tallies: Tallies, method: str) -> dict[str, Tally]:
    """Each kind, in order."""
    return {kind: tally for (name, kind), tally in tallies.items() if name == method}
