"""`bandsense analyze`: the repetitions of a recorded trace."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store, store_path
from bandsense.language import Message

if TYPE_CHECKING:
    from bandsense.bands.displacement import DisplacementModel
    from bandsense.calibration.curve import Calibration
    from bandsense.cli.command import Commands
    from bandsense.export.recording import Recording
    from bandsense.signal.analysis import SetAnalysis
    from bandsense.signal.metrics import RepMetrics


_NOTED_S = 0.1
"""A file that begins within this of zero needs no word about it."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "analyze",
        run,
        details="Reads columns whose header names a time and a force with their units (time_s,tension_n; "
        "Time (micros);Force(N); unix_s,load_kg), exports of bandsense and of the Tindeq app. Times count "
        "from the first sample.",
        example="bandsense analyze set.csv\nbandsense analyze set.csv --json | jq .reps",
    )
    command.add_argument("file", type=Path, help="the trace")
    command.add_argument("--band", metavar="NAME", help="a calibrated band, for distance, velocity and work")
    add_store_option(command, sessions=True)
    command.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Analyse the file and print what it holds."""
    from bandsense.calibration.curve import Calibration
    from bandsense.cli.traces import read_trace
    from bandsense.errors import FileFormatError
    from bandsense.signal.analysis import analyze
    from bandsense.signal.metrics import rep_metrics
    from bandsense.workout.whole_trace import as_sure_as_known

    recording = read_trace(arguments.file)
    block = recording.block
    if len(block) < 2:
        raise FileFormatError(
            arguments.file, Message("a single sample is not a trace; record at least a second")
        )
    analysis = analyze(block.time_s, block.values, gap_before=block.gap_before, saturated=block.saturated)
    calibration = Calibration.identity()
    band = None if arguments.band is None else _displacement(arguments)
    reps, chances = as_sure_as_known(analysis)
    analysis = replace(analysis, reps=reps)
    figures = rep_metrics(reps, block.time_s, block.values, calibration=calibration, band=band)
    if arguments.json:
        print(json.dumps(_as_json(recording, analysis, figures, chances, calibration)))
    else:
        _show_in_own_unit(arguments)
        _print(recording, analysis, figures, chances)
    return 0


def _show_in_own_unit(arguments: argparse.Namespace) -> None:
    """Show forces as whoever trained last reads them; a file needs no store."""
    from contextlib import suppress

    from bandsense.app.trainee import last_person
    from bandsense.errors import BandsenseError
    from bandsense.live.units import show_in

    if store_path(arguments).exists():
        with suppress(BandsenseError):  # a file is shown whatever became of the store
            show_in(last_person(open_store(arguments)).unit)


def _displacement(arguments: argparse.Namespace) -> DisplacementModel:
    from bandsense.app.trainee import profiles_of
    from bandsense.errors import ConfigError

    measured = profiles_of(open_store(arguments)).band(arguments.band).measured()
    if measured is None:
        raise ConfigError(
            Message(
                "the band {band!r} has no calibration pull; make one with `bandsense band pull {band}`",
                band=arguments.band,
            )
        )
    return measured.displacement()


def _as_json(
    recording: Recording,
    analysis: SetAnalysis,
    figures: Sequence[RepMetrics],
    chances: Mapping[int, float],
    calibration: Calibration,
) -> dict[str, Any]:
    from bandsense.workout.counts import RepCounts
    from bandsense.workout.events import fields_json

    counts = RepCounts.of(analysis.reps)

    def uncertainty_n(tension_n: float) -> float:
        return float(calibration.standard_uncertainty_n(tension_n))

    return {
        "file": str(recording.path),
        "reps": len(analysis.reps),
        "full": counts.full,
        "partial": counts.partial,
        "unsure": counts.unsure,
        "chances": chances,
        "samples": len(recording.block),
        "duration_s": float(recording.block.time_s[-1]),
        "first_time_s": recording.first_time_s,
        "rate_hz": analysis.rate_hz,
        "grade": calibration.grade.value,
        "repetitions": [fields_json(rep, uncertainty_n) for rep in analysis.reps],
        "figures": [fields_json(rep) for rep in figures],
        "warnings": [fields_json(warning) for warning in analysis.warnings],
        "notes": list(recording.notes),
    }


def _print(
    recording: Recording,
    analysis: SetAnalysis,
    figures: Sequence[RepMetrics],
    chances: Mapping[int, float],
) -> None:
    from bandsense.cli.rep_table import rep_table
    from bandsense.language import said, tr
    from bandsense.live.formatting import PARTIAL_RULE, counts_words, doubt_words
    from bandsense.live.units import in_shown_unit
    from bandsense.signal.events import WarningKind
    from bandsense.workout.counts import RepCounts

    reps = analysis.reps
    counts = RepCounts.of(reps)
    print(
        tr(
            "{counts} in {length:.1f} s at {rate:.3g} samples a second",
            counts=counts_words(counts, doubt_words(counts.all, chances)),
            length=float(recording.block.time_s[-1]),
            rate=analysis.rate_hz,
        )
    )
    if reps:
        print(rep_table(reps, figures))
    if counts.full < counts.all:
        print(tr(PARTIAL_RULE))
    if abs(recording.first_time_s) >= _NOTED_S and recording.started_unix_s is None:
        told = tr("times count from the first sample, at {time:g} s in the file", time=recording.first_time_s)
        print(told)
    for kind in dict.fromkeys(warning.kind for warning in analysis.warnings):
        first, *more = (warning for warning in analysis.warnings if warning.kind is kind)
        told = in_shown_unit(said(first.message))
        if kind is WarningKind.NOT_COUNTED:  # Nothing is wrong with it: it is a part of the answer.
            print(tr("from {time:.2f} s on: {warning}", time=first.time_s, warning=told))
            continue
        line = tr("warning at {time:.2f} s: {warning}", time=first.time_s, warning=told)
        if more:
            line = tr(
                "{line} ({number} more like this, the last at {time:.2f} s)",
                line=line,
                number=len(more),
                time=more[-1].time_s,
            )
        print(line, file=sys.stderr)
