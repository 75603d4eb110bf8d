"""The sections of the evidence, and every method on them: `python -m benchmarks.evidence.sections`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from benchmarks.evidence import (
    controls,
    envelope,
    movement,
    recordings,
    simulators,
    special,
    splices,
)
from benchmarks.evidence.detectors import Method, Unavailable, bandsense, peaks, version_0_1_0, zig_zag
from benchmarks.evidence.score import Tally, run
from benchmarks.evidence.trace import Split, Trace
from benchmarks.tables import Table, milliseconds, number, percent

__all__ = ["METHODS", "SECTIONS", "asked", "main", "row", "total"]

METHODS: Mapping[str, Method] = MappingProxyType(
    {"bandsense": bandsense, "0.1.0": version_0_1_0, "find_peaks": peaks, "zig-zag 10 N": zig_zag}
)

Section = Callable[[Split, int], Iterator[Trace]]
"""Traces of a split; more of them with a larger size. 1 is quick, 8 is thorough."""


def _asked(traces: Iterator[Trace]) -> Iterator[Trace]:
    return filter(asked, traces)


def asked(trace: Trace) -> bool:
    """Whether it has to be counted."""
    return trace.n is not None and "beyond" not in trace.tags


def _recordings(split: Split, size: int) -> Iterator[Trace]:
    return recordings.band() if recordings.available() else iter(())


def _splices(split: Split, size: int) -> Iterator[Trace]:
    return _asked(splices.sample(50 * size, split)) if splices.available() else iter(())


SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "envelope, plain": lambda split, size: _asked(envelope.grid(split, plain=True)),
        "envelope": lambda split, size: _asked(envelope.grid(split, each=-(-size // 4))),
        "envelope, cuts": lambda split, size: _asked(envelope.cuts(split)),
        "envelope, anywhere": lambda split, size: _asked(envelope.sample(100 * size, split)),
        "splices": _splices,
        "movement": lambda split, size: _asked(movement.grid(split, each=-(-size // 4))),
        "recordings": _recordings,
        "special": lambda split, size: _asked(special.grid(split, each=3 * size)),
        "simulators": lambda split, size: simulators.grid(150 * size, split),
        "controls": lambda split, size: controls.grid(split, each=3 * size),
        "simulators' controls": lambda split, size: simulators.grid_of_controls(size, split),
    }
)


def total(tallies: Mapping[tuple[str, str], Tally], method: str) -> Tally:
    """All kinds together."""
    return sum_of(tally for (name, _), tally in tallies.items() if name == method)


def sum_of(tallies: Iterator[Tally]) -> Tally:
    """All together."""
    all_of_them = Tally()
    for tally in tallies:
        all_of_them = all_of_them.merged(tally)
    return all_of_them


HEADER = (
    "",
    "sets",
    "exact %",
    "±1 %",
    "±2 %",
    "silent %",
    "F1",
    "phantom %",
    "taken back %",
    "wrong partial %",
    "bounds ms (P95)",
    "TUT ±0.15 s %",
    "told ms P95 (first)",
    "controls",
    "counted",
    "shown",
)


def row(name: str, tally: Tally) -> tuple[str, ...]:
    """A line of the table."""
    f = tally.figures()
    return (
        name,
        f"{f['traces']:.0f}",
        percent(f["exact"]),
        percent(f["within one"]),
        percent(f["within two"]),
        percent(f["silent"]),
        number(f["f1"], 4),
        percent(f["phantom"]),
        percent(f["retracted"], 2),
        percent(f["wrong partial"]),
        f"{milliseconds(f['boundary median'])} ({milliseconds(f['boundary p95'])})",
        percent(f["tut within"]),
        f"{milliseconds(f['told p95'])} ({milliseconds(f['first told p95'])})",
        f"{tally.controls}",
        f"{tally.controls_counted}" if tally.controls else "–",
        f"{tally.controls_shown}" if tally.controls else "–",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence.sections", description=__doc__)
    parser.add_argument("--split", choices=("dev", "held"), default="dev")
    parser.add_argument("--size", type=int, default=2)
    parser.add_argument("--methods", nargs="+", choices=[*METHODS], default=[*METHODS])
    parser.add_argument("--sections", nargs="+", choices=[*SECTIONS], default=[*SECTIONS])
    parser.add_argument("--kinds", action="store_true", help="a line for each kind as well")
    parser.add_argument("--wrong", action="store_true", help="name every trace that is counted wrong")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    methods = {name: METHODS[name] for name in options.methods}
    figures = {}
    for title in options.sections:
        try:
            tallies = run(SECTIONS[title](options.split, options.size), methods)
        except Unavailable as why:
            print(f"{title}: {why}\n")
            continue
        rows = [row(name, total(tallies, name)) for name in methods]
        if options.kinds:
            rows += [row(f"  {kind}: {name}", tally) for (name, kind), tally in tallies.items()]
        print(Table(f"{title} ({options.split})", HEADER, tuple(rows)).text(), flush=True)
        for name in methods if options.wrong else ():
            print(*(f"  {name}: {trace} -> {n}" for trace, n in total(tallies, name).wrong), sep="\n")
        print()
        figures[title] = {name: total(tallies, name).figures() for name in methods}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
