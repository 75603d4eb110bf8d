"""`bandsense reanalyze`: compute stored sessions anew from their raw samples."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.app.sessions import session_named
from bandsense.cli.argument_types import count
from bandsense.cli.command import add_command, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from bandsense.app.reanalysis import Outcome
    from bandsense.cli.command import Commands
    from bandsense.store.store import Store


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "reanalyze",
        run,
        details="What was seen live stays; the new result is stored beside it. What has been "
        "computed already is skipped, so you can interrupt it and continue later.",
        example="bandsense reanalyze last\nbandsense reanalyze 12 --band red\n"
        "bandsense reanalyze --all --jobs 4\nbandsense reanalyze 12 --calibration-of 20\n"
        "bandsense reanalyze --parquet archive -o results --scheduler tcp://10.0.0.5:8786",
    )
    command.add_argument("sessions", nargs="*", metavar="SESSION", help="numbers, or `last`")
    command.add_argument("--all", action="store_true", help="every session")
    command.add_argument("--band", metavar="ID", help="with the model that this band has now")
    calibration = command.add_mutually_exclusive_group()
    calibration.add_argument(
        "--calibration", type=Path, metavar="FILE", help="with the calibration in this JSON file"
    )
    calibration.add_argument(
        "--calibration-of",
        metavar="SESSION",
        help="with the calibration that another session was recorded with",
    )
    command.add_argument(
        "--jobs",
        type=count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: one per core)",
    )
    command.add_argument(
        "--scheduler", metavar="URL", help="on the workers of this Dask scheduler, in place of processes here"
    )
    command.add_argument(
        "--parquet",
        type=Path,
        metavar="DIR",
        help="the files that `bandsense export --format parquet` wrote there, in place of stored sessions",
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="with --parquet: where the results go"
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="one JSON object per sensor and session, or per part of the results",
    )
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Compute, keep, and say how it differs from what was seen live; 1 where something could not be."""
    from bandsense.app.reanalysis import Change, reanalyze
    from bandsense.cli.progress import progress
    from bandsense.errors import ConfigError

    if (arguments.parquet is None) != (arguments.output is None):
        raise ConfigError(Message("--parquet DIR and -o DIR belong together"))
    named = [arguments.all, bool(arguments.sessions), arguments.parquet is not None]
    if named.count(True) != 1:
        raise ConfigError(Message("name sessions, or --all, or files with --parquet DIR"))
    store = open_store(arguments)
    if arguments.parquet is not None:
        return _archive(arguments, store)
    sessions = [session_named(store, name) for name in arguments.sessions] or store.sessions()
    change = Change(_calibration(arguments, store), arguments.band)
    status = 0
    with progress(tr("computing"), sum(len(session.streams) for session in sessions)) as done:
        for outcome in reanalyze(store, sessions, change, arguments.jobs, arguments.scheduler):
            done()
            status = status or int(outcome.problem is not None)
            print(json.dumps(asdict(outcome)) if arguments.json else _words(outcome))
    return status


def _archive(arguments: argparse.Namespace, store: Store) -> int:
    """Compute an archive; 1 where a file of it could not be."""
    from bandsense.app.archive_analysis import analyse_archive
    from bandsense.app.executor import opened_pool
    from bandsense.app.reanalysis import Change, measured_band

    change = Change(_calibration(arguments, store), arguments.band)
    band = measured_band(store, arguments.band)
    files = sets = status = 0
    with opened_pool(arguments.jobs, arguments.scheduler) as pool:
        for done in analyse_archive(arguments.parquet, arguments.output, change, pool, band):
            files, sets = files + done.files, sets + done.sets
            for name, problem in done.problems:
                status = 1
                print(f"{name}: {problem}", file=sys.stderr)
            tell(
                arguments,
                tr(
                    "{path}: files: {files}, sets: {sets}; files so far: {all_files}",
                    path=done.path.name,
                    files=done.files,
                    sets=done.sets,
                    all_files=files,
                ),
                path=done.path,
                files=done.files,
                sets=done.sets,
                problems=dict(done.problems),
            )
    if not arguments.json:
        print(
            tr("files computed: {files}, sets: {sets}", files=files, sets=sets)
            if files
            else tr("everything has been computed already")
        )
    return status


def _calibration(arguments: argparse.Namespace, store: Any) -> dict[str, Any] | None:
    from bandsense.calibration.clip_on import calibration_from_dict
    from bandsense.errors import ConfigError

    if arguments.calibration_of is not None:
        settings = session_named(store, arguments.calibration_of).streams[0].settings
        return dict(settings.get("calibration") or {})
    if arguments.calibration is None:
        return None
    try:
        data: dict[str, Any] = json.loads(arguments.calibration.read_text(encoding="utf-8"))
        calibration_from_dict(data)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(
            Message("{calibration} cannot be read: {error}", calibration=arguments.calibration, error=error)
        ) from error
    return data


def _words(outcome: Outcome) -> str:
    from bandsense.live.units import force_words

    name = f"session {outcome.session}{f', {outcome.side}' if outcome.side else ''}"
    if outcome.problem is not None:
        return f"{name}: {outcome.problem}"
    live, again = (
        ", ".join(f"{reps} × {force_words(peak, 1)}" for reps, peak in sets) or tr("no sets")
        for sets in (outcome.live, outcome.again)
    )
    found = (
        tr("{sets}, unchanged", sets=again)
        if live == again
        else tr("{sets}; seen live: {live}", sets=again, live=live)
    )
    return f"{name}: {found}" if outcome.new else tr("{found} (computed before)", found=f"{name}: {found}")
