"""How well repetitions, phases and peaks are found: `python -m benchmarks.accuracy`.

Evidence with known truth (`benchmarks.evidence`): plain sets over the whole envelope, splices of real
repetitions, real movement, strokes of real rowers, real recordings, sets that are not plain, simulated sets,
and controls that hold nothing, some of them of real people. Beside bandsense stand its version 0.1.0,
`find_peaks` on the whole trace, and a zig-zag. docs/accuracy.md defines every figure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.encoder import encoder_truth
from benchmarks.evidence import envelope, recordings
from benchmarks.evidence.detectors import Method, Unavailable
from benchmarks.evidence.score import BEYOND, EVENTS, LATE_S, TUT_S, Tally, matched, run
from benchmarks.evidence.sections import METHODS, OWN, SECTIONS, Tallies, by_kind, sum_of, total
from benchmarks.evidence.splices import recordings_folder
from benchmarks.evidence.trace import Split, Trace, TrueInterval
from benchmarks.tables import Block, Table, milliseconds, number, percent, replace_between

ENCODER_S = 0.100
"""A boundary of a real repetition may be this far from the encoder's."""

IN_ENVELOPE = ("plain", "drawn", "axes", "anywhere")
_PEOPLE = ("splices", "movement", "rowing", "recordings")
COUNTED = (*IN_ENVELOPE, *_PEOPLE, "special", "other rates", "simulators")
"""Sections with repetitions to be counted."""

MADE = ("controls", "processes", "simulated controls")
"""Controls that somebody thought of."""

CONTROLS = (*MADE, "daily")

Results = Mapping[str, Tallies]
"""By section."""


# ── running ─────────────────────────────────────────────────────────────────────────────────────────────────


def usable(methods: Sequence[str]) -> tuple[dict[str, Method], list[str]]:
    """The methods that can run here, and why others cannot."""
    time_s = np.arange(200) / 80.0
    probe = Trace("probe", "probe", 80.0, time_s, 0.0 * time_s, 0, frozenset({0}))
    kept, reasons = {}, []
    for name in methods:
        try:
            METHODS[name](probe)
        except Unavailable as why:
            reasons.append(str(why))
        else:
            kept[name] = METHODS[name]
    return kept, reasons


def collect(
    names: Sequence[str], methods: Mapping[str, Method], split: Split, size: int
) -> tuple[dict[str, Tallies], list[str]]:
    """Every section, and why some are left out."""
    results: dict[str, Tallies] = {}
    reasons = []
    for name in names:
        section = SECTIONS[name]
        if not section.available():
            reasons.append(f"{section.title}: left out; {section.missing}")
            continue
        results[name] = run(section.traces(split, size), methods)
    return results, reasons


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────

COUNT_HEADER = (
    "",
    "sets",
    "exact %",
    "±1 %",
    "±2 %",
    "nothing counted %",
    "F1",
    "phantom %",
    "taken back %",
    "wrong partial %",
)


def _counts(name: str, tally: Tally) -> tuple[str, ...]:
    f = tally.figures()
    return (
        name,
        f"{tally.traces}",
        percent(f["exact"]),
        percent(f["within one"]),
        percent(f["within two"]),
        percent(f["silent"]),
        number(f["f1"], 4),
        percent(f["phantom"]),
        percent(f["retracted"], 2),
        percent(f["wrong partial"]),
    )


def count_tables(results: Results, methods: Sequence[str]) -> Iterator[Table]:
    """Counts of every section, each beside the alternatives."""
    for name in COUNTED:
        if name in results:
            rows = tuple(_counts(method, total(results[name], method)) for method in methods)
            yield Table(SECTIONS[name].title, COUNT_HEADER, rows)


def maps(results: Results, methods: Sequence[str]) -> Iterator[Block]:
    """The envelope cell by cell, one map for each method."""
    given = [results[name] for name in ("plain", "drawn") if name in results]
    for method in methods if given else ():
        yield Block(f"Every cell of the envelope: {method}", "\n".join(_map(given, method)))


def _map(given: Sequence[Tallies], method: str) -> Iterator[str]:
    width = len(envelope.PERIODS_S) + 2
    yield "valley  " + "".join(f"{peak_n:g} N".ljust(width) for peak_n in envelope.PEAKS_N).rstrip()
    for valley in envelope.VALLEYS:
        cells = ["".join(_glyph(given, method, valley, peak_n, p) for p in envelope.PERIODS_S)
                 for peak_n in envelope.PEAKS_N]  # fmt: skip
        yield f"{valley:<8.1f}" + "  ".join(cells)


def _glyph(given: Sequence[Tallies], method: str, valley: float, peak_n: float, period_s: float) -> str:
    kind = envelope.kind_of(valley, peak_n, period_s)
    if envelope.Cell(valley, peak_n, period_s).beyond:
        tally = sum_of(tallies.get((method, kind + BEYOND), Tally()) for tallies in given)
        return "," if tally.exact == tally.traces else "-"
    tally = sum_of(tallies.get((method, kind), Tally()) for tallies in given)
    return "0" if tally.silent else "·" if tally.exact == tally.traces else "x"


def kind_table(results: Results, name: str, methods: Sequence[str], *, perfect: bool = True) -> Table:
    """One section kind by kind: what bandsense does, and the exact shares of the others."""
    others = [method for method in methods if method != OWN]
    rows = []
    for kind, tally in by_kind(results[name], OWN).items():
        if kind.endswith(BEYOND) or not tally.traces:
            continue
        if not perfect and tally.exact == tally.traces and tally.hits == tally.found == tally.true:
            continue
        exact = (percent(results[name][method, kind].figures()["exact"]) for method in others)
        rows.append((*_counts(kind.replace("_", " "), tally), *exact))
    title = f"{SECTIONS[name].title}: {OWN}, and the sets that others count exactly in %"
    return Table(title, (*COUNT_HEADER, *others), tuple(rows))


def control_table(results: Results, methods: Sequence[str]) -> Table:
    """Controls with something counted at the end, and with something shown at any time."""
    rows = []
    for name in CONTROLS:
        for kind, own in by_kind(results.get(name, {}), methods[0]).items():
            tallies = [results[name][method, kind] for method in methods]
            said = (f"{t.controls_counted} / {t.controls_shown}" for t in tallies)
            title = kind.replace("_", " ") + (" (simulators)" if name == "simulated controls" else "")
            rows.append((title, f"{own.controls}", *said))
    everything = [sum_of(total(results[n], m) for n in CONTROLS if n in results) for m in methods]
    said = (f"{t.controls_counted} / {t.controls_shown}" for t in everything)
    rows.append(("all", f"{everything[0].controls}", *said))
    title = "Controls with a repetition at the end / at any time"
    return Table(title, ("", "recordings", *methods), tuple(rows))


TIME_HEADER = (
    "",
    *EVENTS,
    f"TUT ± {TUT_S:g} s %",
    "TUT P95 s",
    "peak P95 %",
    "shown after return, P95",
    "late %",
    "first shown, P95",
)


def _times(name: str, tally: Tally, kind: str = "") -> tuple[str, ...]:
    f = tally.figures()
    cells = tuple(
        "/".join(milliseconds(f[f"{kind}{event} {figure}"]) for figure in ("median", "p95", "bias"))
        for event in EVENTS
    )
    if kind:
        return (name, *cells, *[""] * (len(TIME_HEADER) - 1 - len(cells)))
    return (
        name,
        *cells,
        percent(f["tut within"]),
        number(f["tut p95"], 2),
        percent(f["peak p95"], 2),
        milliseconds(f["told p95"]),
        percent(f["told late"]),
        milliseconds(f["first told p95"]),
    )


def time_table(results: Results, methods: Sequence[str]) -> Table:
    """Boundaries, phases and when a repetition is shown, by section."""
    rows = []
    for name in COUNTED:
        if name in results and name not in ("movement", "rowing", "recordings"):
            for method in methods[:2]:
                tally = total(results[name], method)
                if not tally.boundaries_s:
                    continue
                rows.append(_times(f"{SECTIONS[name].title}: {method}", tally))
                if method == OWN:
                    rows.append(_times("… as told live", tally, "streamed "))
    title = "Boundaries (median/P95/bias, ms), time under tension, peaks, and when shown (ms)"
    return Table(title, TIME_HEADER, tuple(rows))


def peak_table(results: Results, methods: Sequence[str]) -> Table:
    """Live peaks by rate and period, and how often twice the uncertainty held the truth."""
    rows = []
    for rate_hz, shape in product(envelope.RATES_HZ, ("sin²", "pointed")):
        cells = []
        for period_s in envelope.TOP_PERIODS_S:
            kind = f"{rate_hz:g} Hz, {period_s:g} s, {shape}"
            both = (results["tops"][method, kind].figures()["live peak p95"] for method in methods[:2])
            cells.append(" | ".join(percent(p, 2) for p in both).replace("|", "/"))
        tallies = [results["tops"][OWN, f"{rate_hz:g} Hz, {p:g} s, {shape}"] for p in envelope.TOP_PERIODS_S]
        rows.append((f"{rate_hz:g} Hz, {shape}", *cells, percent(sum_of(tallies).figures()["peak covered"])))
    header = ("", *(f"{p:g} s" for p in envelope.TOP_PERIODS_S), "covered %")
    return Table(
        f"Error of the live peak, P95 in % ({' / '.join(methods[:2])}), by period", header, tuple(rows)
    )


def warning_table(results: Results, methods: Sequence[str]) -> Table:
    """Torn bands that were told, and false alarms."""
    rows = []
    for method in methods[:2]:
        in_sets = sum_of(total(results[n], method) for n in COUNTED if n in results)
        in_controls = sum_of(total(results[n], method) for n in CONTROLS if n in results)
        told = f"{in_sets.told_snaps}/{in_sets.snaps}"
        rows.append((method, told, f"{in_sets.false_alarms}", f"{in_controls.false_alarms}"))
    header = ("", "snaps told", "false in sets", "false in controls")
    return Table("Warnings of a lost band", header, tuple(rows))


# ── real recordings ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Real:
    """One real recording: counts by method, and boundaries against the encoder where there is one."""

    name: str
    reps: int | None
    counts: dict[str, int]
    true_partial: int
    partial: int
    wrong_partial: int
    boundary_s: tuple[float, ...] = ()


def real_results(methods: Mapping[str, Method]) -> list[Real]:
    """Every real recording, also those of holds that nobody knows the number of."""
    if not recordings.available() or OWN not in methods:
        return []
    results = []
    for trace in (*recordings.band(), *recordings.hangs()):
        found = {name: method(trace) for name, method in methods.items()}
        own = found[OWN].reps
        title = trace.name.removeprefix("recording/")
        file = recordings_folder() / "band" / f"{title}.encoder.txt"
        boundary_s: tuple[float, ...] = ()
        if file.is_file():
            truth = encoder_truth(trace.time_s, trace.tension_n, file)
            intervals = [TrueInterval(t.pull_start_s, t.middle_s, t.end_s) for t in truth]
            pairs = matched(intervals, [rep.middle_s for rep in own])
            boundary_s = tuple(
                seen - true
                for i, j in pairs.items()
                for seen, true in zip(
                    own[j].bounds or (),
                    (truth[i].pull_start_s, truth[i].hold_start_s, truth[i].return_start_s, truth[i].end_s),
                    strict=True,
                )
            )
        counts = {name: len(count.reps) for name, count in found.items()}
        partial = sum(bool(rep.partial) for rep in own)
        tally = Tally()
        tally.add(trace, found[OWN])
        true_partial = sum(map(bool, trace.partial or ()))
        results.append(Real(title, trace.n, counts, true_partial, partial, tally.wrong_flags, boundary_s))
    return results


def real_table(real: Sequence[Real], methods: Sequence[str]) -> Table:
    """Real recordings one by one."""
    rows = tuple(
        (
            r.name,
            "–" if r.reps is None else f"{r.reps} ({r.true_partial})",
            f"{r.counts[OWN]} ({r.partial})",
            *(f"{r.counts[method]}" for method in methods if method != OWN),
            milliseconds(float(np.median(np.abs(r.boundary_s))) if r.boundary_s else np.nan),
            milliseconds(float(np.max(np.abs(r.boundary_s))) if r.boundary_s else np.nan),
            f"{_near(r)}/{len(r.boundary_s)}" if r.boundary_s else "–",
        )
        for r in real
    )
    others = (method for method in methods if method != OWN)
    header = ("", "true (partial)", OWN, *others, "median ms", "worst ms", "within 100 ms")
    return Table("Real recordings, and their boundaries against the encoder", header, rows)


def _near(real: Real) -> int:
    return sum(abs(d) <= ENCODER_S for d in real.boundary_s)


# ── targets ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Target:
    """Something the project wants to reach, and what this run reached."""

    text: str
    measured: str
    met: bool


def _least(text: str, share: float, wanted: float) -> Target:
    return Target(text, f"{percent(share, 2)} %", share >= wanted)


def _most(text: str, share: float, wanted: float) -> Target:
    return Target(text, f"{percent(share, 2)} %", share <= wanted)


def targets(results: Results, real: Sequence[Real]) -> list[Target]:
    """What the project wants to reach, as far as it was run."""
    own = {name: total(tallies, OWN) for name, tallies in results.items() if by_kind(tallies, OWN)}
    found = [
        target
        for names, ask in (
            (("plain", "drawn"), _ask_envelope),
            (("splices",), lambda t: [_least("splices exact: 98 %", t.figures()["exact"], 0.98)]),
            (("movement",), lambda t: [_least("movement within 2: 97 %", t.figures()["within two"], 0.97)]),
            (("rowing",), lambda t: [_least("strokes of rowers exact: 98 %", t.figures()["exact"], 0.98)]),
            (("special", "other rates"), lambda t: _ask_classes("sets that are not plain", t)),
            (("simulators",), lambda t: _ask_classes("simulated sets", t)),
            (MADE, lambda t: _ask_controls("controls", t)),
            (("daily",), lambda t: _ask_controls("controls of real people", t)),
            (tuple(n for n in COUNTED if n not in ("axes", "rowing")), _ask_everywhere),
            (("tops",), lambda t: _ask_peaks(results["tops"], t)),
        )
        if all(name in own for name in names)
        for target in ask(sum_of(own[name] for name in names))
    ]
    return [*found, *_ask_real(real)]


Ask = Callable[[Tally], list[Target]]


def _ask_envelope(tally: Tally) -> list[Target]:
    exact = tally.exact == tally.traces
    return [Target("every cell of the envelope exact", f"{tally.exact} of {tally.traces} sets", exact)]


def _ask_classes(what: str, tally: Tally) -> list[Target]:
    f = tally.figures()
    return [
        _least(f"{what} exact: 99 %", f["exact"], 0.99),
        Target(f"{what}: F1 0.995", number(f["f1"], 4), f["f1"] >= 0.995),
    ]


def _ask_controls(what: str, tally: Tally) -> list[Target]:
    f = tally.figures()
    counted = f"{tally.controls_counted} of {tally.controls}"
    return [
        Target(f"{what} with a count at the end: none", counted, tally.controls_counted == 0),
        _most(f"{what} with one shown at any time: 2 %", f["controls shown"], 0.02),
        _most(f"{what} with a false warning of a lost band: 2 %", tally.alarmed / tally.controls, 0.02),
    ]


def _ask_everywhere(tally: Tally) -> list[Target]:
    f = tally.figures()
    median, p95 = f["boundary median"], f["boundary p95"]
    return [
        Target("sets with nothing counted: none", f"{tally.silent} of {tally.sets}", not tally.silent),
        _most("shown before the first pull: 1 % of sets", f["phantom"], 0.01),
        _most("true repetitions taken back: 0.1 %", f["retracted"], 0.001),
        Target("boundaries: median 5 ms, P95 50 ms", f"{milliseconds(median)} ms, {milliseconds(p95)} ms",
               median <= 0.005 and p95 <= 0.050),
        _most("sets with a false warning of a lost band: 0.2 %", tally.alarmed / tally.traces, 0.002),
        _least(f"time under tension within {TUT_S:g} s: 99 %", f["tut within"], 0.99),
        _most(f"later than {1000 * LATE_S:.0f} ms after the return, from the second on: 3 %",
              f["told late"], 0.03),
        _most("the same, once one of the set has been shown: 3 %", f["followed late"], 0.03),
    ]  # fmt: skip


def _ask_peaks(tallies: Tallies, tally: Tally) -> list[Target]:
    quick = tallies[OWN, "80 Hz, 0.35 s, sin²"].figures()["live peak p95"]
    pointed = tallies[OWN, "80 Hz, 0.35 s, pointed"].figures()["live peak p95"]
    return [
        _most("live peak at 0.35 s and 80 Hz: 1 %", quick, 0.01),
        _most("the same with a pointed top: 1 %", pointed, 0.01),
        _least("peak within twice its uncertainty: 95 %", tally.figures()["peak covered"], 0.95),
    ]


def _ask_real(real: Sequence[Real]) -> list[Target]:
    known = [r for r in real if r.reps is not None]
    if not known:
        return []
    exact = sum(r.counts[OWN] == r.reps and not r.wrong_partial for r in known)
    near, boundaries = sum(map(_near, known)), sum(len(r.boundary_s) for r in known)
    return [
        Target(
            "real band recordings exact, partial ones too: all",
            f"{exact} of {len(known)}",
            exact == len(known),
        ),
        Target(
            "real boundaries within 100 ms of the encoder's: 71 of 72", f"{near} of {boundaries}", near >= 71
        ),
    ]


# ── command ─────────────────────────────────────────────────────────────────────────────────────────────────


def blocks(results: Results, real: Sequence[Real], methods: Sequence[str]) -> Iterator[Table | Block]:
    """Everything there is to show."""
    rows = tuple((t.text, t.measured, "met" if t.met else "missed") for t in targets(results, real))
    yield Table("What is asked", ("", "measured", ""), rows)
    yield from count_tables(results, methods)
    yield from maps(results, methods)
    for name in ("axes", "special", "movement", "rowing"):
        if name in results and OWN in methods:
            yield kind_table(results, name, methods)
    if "simulators" in results and OWN in methods:
        yield kind_table(results, "simulators", methods, perfect=False)
    if any(name in results for name in CONTROLS):
        yield control_table(results, methods)
    yield time_table(results, methods)
    if "tops" in results and OWN in methods:
        yield peak_table(results, methods)
    yield warning_table(results, methods)
    if real:
        yield real_table(real, methods)


def _as_json(results: Results, real: Sequence[Real]) -> dict[str, object]:
    def row(tally: Tally) -> dict[str, float | None]:
        return {name: None if np.isnan(value) else value for name, value in tally.figures().items()}

    rows = [
        {"section": section, "method": method, "kind": kind, **row(tally)}
        for section, tallies in results.items()
        for (method, kind), tally in tallies.items()
    ]
    return {"evidence": rows, "real": [{"name": r.name, **r.counts} for r in real]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 if `--strict` and a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--split", choices=("dev", "held"), default="held")
    parser.add_argument("--size", type=int, default=4, help="how much of everything; 1 takes a minute")
    parser.add_argument("--quick", action="store_true", help="the same as --size 1")
    parser.add_argument("--sections", nargs="+", choices=[*SECTIONS], default=[*SECTIONS])
    parser.add_argument("--methods", nargs="+", choices=[*METHODS], default=[*METHODS])
    parser.add_argument("--wrong", action="store_true", help="name every trace that is counted wrong")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument("--page", type=Path, metavar="FILE", help="put the tables into this page")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    options = parser.parse_args(arguments)
    size = 1 if options.quick else options.size
    methods, reasons = usable(options.methods)
    results, more = collect(options.sections, methods, options.split, size)
    real = real_results(methods) if "recordings" in results else []
    said = f"Split {options.split!r}, size {size}"
    shown = [*blocks(results, real, [*methods])]
    print(said, *(block.text() for block in shown), *reasons, *more, sep="\n\n")
    for name in results if options.wrong else ():
        for method in methods:
            for trace, n in total(results[name], method).wrong:
                print(f"{method}: {n} in {trace}")
    if options.page:
        replace_between(options.page, [f"{said}.", *(block.markdown() for block in shown)])
    if options.json:
        options.json.write_text(json.dumps(_as_json(results, real), indent=1))
    return int(options.strict and not all(target.met for target in targets(results, real)))


if __name__ == "__main__":
    sys.exit(main())
